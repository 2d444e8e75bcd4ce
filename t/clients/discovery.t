# P7.2 and P10: clients that know nothing but the issuer find the
# token endpoint and the keys by the metadata of RFC 8414.

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

    server {
        listen 127.0.0.1:%%TLS1%% ssl http2;

        auth_gateway_issuer https://127.0.0.1:%%TLS1%%;

        location = /.well-known/oauth-authorization-server {
            auth_gateway_metadata token=/oauth2/token jwks=/jwks.json;
        }

        location = /jwks.json { auth_gateway_jwks; }
        location = /oauth2/token { auth_gateway_token partner; }

        location /partner {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    server {
        listen 127.0.0.1:%%TLS2%% ssl http2;

        auth_gateway_issuer https://127.0.0.1:%%TLS2%%/tenants/a;

        location = /.well-known/oauth-authorization-server/tenants/a {
            auth_gateway_metadata token=/tenants/a/oauth2/token
                jwks=/tenants/a/jwks.json;
        }

        location = /tenants/a/jwks.json { auth_gateway_jwks; }
        location = /tenants/a/oauth2/token { auth_gateway_token partner; }

        location /tenants/a/partner {
            auth_gateway_require partner;
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
my @issuers = map {
    my ($port, $path) = @$_;
    my $host = 'https://127.0.0.1:' . $gw->nginx->port($port);

    +{
        name => $path ? 'an issuer with a path' : 'an issuer without a path',
        issuer => "$host$path", token => "$host$path/oauth2/token",
        jwks => "$host$path/jwks.json", guarded => "$host$path/partner",
    };
} ['TLS1', ''], ['TLS2', '/tenants/a'];

for my $script (qw(discovery.mjs discovery.py)) {
    run_checks($gw->prefix, $script, {
        issuers => \@issuers, id => $partner->{id}, key => $partner->{key},
    });
}

$gw->finish;
