# P8a.5, P10: libraries that sign assertions.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Crypt::PK::ECC ();
use Crypt::PK::Ed25519 ();
use JSON ();
use Test::More;

use AGW::Admin;
use AGW::Clients qw(run_checks);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_issuer https://127.0.0.1:%%TLS%%;
    auth_gateway_admin_log %%LOG%%;
    auth_gateway_client_auth private_key_jwt;

    server {
        listen unix:%%PREFIX%%/admin.sock;
        listen 127.0.0.1:%%TLS%% ssl http2;

        location /admin/ { auth_gateway_admin write %%UID%%; }
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }
        location = /introspect { auth_gateway_introspect; }
        location = /revoke { auth_gateway_revoke token; }

        location = /.well-known/oauth-authorization-server {
            auth_gateway_metadata token=/token introspect=/introspect
                                  revoke=/revoke;
        }
    }
}
CONF

my $gw = AGW::Admin->start(conf => $conf);
my $partner = $gw->partner;
my $business = $gw->business($partner);

# Its keys, of which the second names no algorithm: libraries sign with it as
# EdDSA and as Ed25519.

sub added {
    my ($pk, @args) = @_;
    my %named = (kid => @args);
    my ($public, $private) = map { { JSON::decode_json(
        $pk->export_key_jwk($_))->%*, %named } } qw(public private);

    is($gw->ask('POST', "partners/$partner->{id}/jwks", { jwk => $public })
        ->status, 201, "P11.2 the key $named{kid}");
    $gw->keep_secret($private->{d});

    return $private;
}

my $ec = Crypt::PK::ECC->new;
my $ed = Crypt::PK::Ed25519->new;

$ec->generate_key('secp256r1');
$ed->generate_key;

my $base = 'https://127.0.0.1:' . $gw->nginx->port('TLS');
my %calls = (base => $base, id => $partner->{id},
    business => $business, jwk => added($ec, 'k-1', alg => 'ES256'),
    ed25519 => added($ed, 'k-2'), token => "$base/token");

run_checks($gw->prefix, $_, \%calls)
    for 'assertions_node.mjs', 'assertions_openid_client.mjs',
        'assertions_authlib.py';

$gw->finish;
