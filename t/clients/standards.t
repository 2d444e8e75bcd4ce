# P10, P8a: standard libraries, unmodified, that know nothing but an API's
# URL: they find the server by RFC 9728 and 8414, get tokens of RFC 9068,
# narrower ones too, exchange them by RFC 8693, and validate them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use AGW::Clients qw(run_checks);
use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/signing.pem alg=ES256;
    auth_gateway_token_type at+jwt;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_issuer https://127.0.0.1:%%TLS%%/auth;
        auth_gateway_audience https://127.0.0.1:%%TLS%%;
        auth_gateway_business_path /v1/businesses/<business_id>;
        auth_gateway_partner_scope reports;
        auth_gateway_business_scope read write;

        location = /.well-known/oauth-protected-resource {
            auth_gateway_resource_metadata;
        }

        location = /.well-known/oauth-authorization-server/auth {
            auth_gateway_metadata token=/token jwks=/jwks.json;
        }

        location = /jwks.json { auth_gateway_jwks; }
        location = /token { auth_gateway_token partner; }

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_scope business_access read;

            limit_except GET {
                auth_gateway_scope business_access write;
            }

            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/reports/ {
            auth_gateway_require partner;
            auth_gateway_scope reports;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf, before => sub {
    my ($prefix) = @_;
    my $said = `openssl genpkey -algorithm EC \\
        -pkeyopt ec_paramgen_curve:P-256 -out $prefix/signing.pem 2>&1`;

    die "openssl: $said" if $? != 0;
});

my $partner = $gw->partner;
my $business = $gw->business($partner);
my $other = $gw->business($gw->partner);
my $base = 'https://127.0.0.1:' . $gw->nginx->port('TLS');

for my $script (qw(standards_oauth4webapi.mjs standards_openid_client.mjs
    standards_authlib.py))
{
    run_checks($gw->prefix, $script, {
        base => $base, issuer => "$base/auth", token => "$base/token",
        id => $partner->{id}, key => $partner->{key}, business => $business,
        own => "$base/v1/businesses/$business",
        other => "$base/v1/businesses/$other", reports => "$base/v1/reports/",
    });
}

$gw->finish;
