# P8a.4, P10: libraries with a client certificate: as a credential, and as what
# tokens are bound to.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use AGW::Admin;
use AGW::Certificates qw(make_client_certificate);
use AGW::Clients qw(run_checks);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_issuer https://127.0.0.1:%%TLS%%;
    auth_gateway_admin_log %%LOG%%;

    auth_gateway_client_auth basic post tls;
    auth_gateway_bind_tokens certificate;

    server {
        listen unix:%%PREFIX%%/admin.sock;
        listen 127.0.0.1:%%TLS%% ssl http2;

        ssl_verify_client optional_no_ca;

        location /admin/ { auth_gateway_admin write %%UID%%; }
        location = /token { auth_gateway_token partner; }
        location = /revoke { auth_gateway_revoke token; }
        location = /introspect { auth_gateway_introspect; }

        location = /.well-known/oauth-authorization-server {
            auth_gateway_metadata token=/token revoke=/revoke
                                  introspect=/introspect;
        }

        location /token/ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $thumbprint;
my $gw = AGW::Admin->start(conf => $conf, before => sub {
    $thumbprint = make_client_certificate($_[0], 'one');
    make_client_certificate($_[0], 'other');
});
my $prefix = $gw->prefix;
my $partner = $gw->partner;
my $business = $gw->business($partner);
my $base = 'https://127.0.0.1:' . $gw->nginx->port('TLS');

is($gw->ask('POST', "partners/$partner->{id}/certificates",
    { 'x5t#S256' => $thumbprint })->status, 201, 'P11.2 the certificate');

my %calls = (
    base => $base, business => $business,
    id => $partner->{id}, key => $partner->{key},
    ca => "$prefix/cert.pem", certificate => "$prefix/one",
    other => "$prefix/other",
    business_url => "$base/token/$business",
    own => "$base/v1/businesses/$business/invoices",
);

run_checks($gw->prefix, $_, \%calls)
    for 'tls_oauth4webapi.mjs', 'tls_openid_client.mjs', 'tls_authlib.py';

$gw->finish;
