# P8a.5: in a fleet, an assertion is used once on all nodes; and where the store
# is out of reach, on none.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Crypt::JWT qw(encode_jwt);
use Crypt::PK::ECC ();
use JSON ();
use Test::More;

use AGW::Admin;
use AGW::Files qw(random_id);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_issuer https://issuer.example;
    auth_gateway_admin_log %%LOG%%;
    auth_gateway_client_auth private_key_jwt;

    server {
        listen unix:%%PREFIX%%/admin.sock;
        listen 127.0.0.1:%%TLS%% ssl;
        location /admin/ { auth_gateway_admin write %%UID%%; }
        location = /token { auth_gateway_token partner; }
    }
}
CONF

my @allow = (allow => [qr/store "redis/]);
my $one = AGW::Admin->start(conf => $conf, engine => 'redis', @allow);
my $two = AGW::Admin->start(conf => $conf, engine => $one->{engine}, @allow);
my $id = $one->partner->{id};
my $pk = Crypt::PK::ECC->new;

$pk->generate_key('secp256r1');

is($one->ask('POST', "partners/$id/jwks", { jwk => {
    JSON::decode_json($pk->export_key_jwk('public'))->%*, kid => 'es' } })
    ->status, 201, 'P11.2 the key');

sub assertion {
    return $one->keep_secret(encode_jwt(payload => { iss => $id, sub => $id,
        aud => 'https://issuer.example', jti => random_id(),
        exp => time + 60 }, alg => 'ES256', key => $pk,
        extra_headers => { kid => 'es' }));
}

sub status {
    my ($node, $assertion) = @_;

    return $node->request('POST', '/token', form => 'client_assertion_type='
        . 'urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer'
        . "&client_assertion=$assertion")->status;
}

for (1 .. 100) {
    last if status($two, assertion()) == 200;
    select undef, undef, undef, 0.1;
}

for (1 .. 5) {
    my $assertion = assertion();

    is(status($one, $assertion), 200, 'P8a.5 once on a node');
    is(status($two, $assertion), 401, 'P8a.5 and not on another');
    is(($two->refusals)[0]{fault}, 'jti: used before', 'P8a.5 and why');

    $assertion = assertion();
    is(status($two, $assertion), 200, 'P8a.5 the other way round');
    is(status($one, $assertion), 401, 'P8a.5 likewise');
}

# both at the same time: one of them

{
    my $assertion = assertion();
    my $form = 'client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A'
        . "client-assertion-type%3Ajwt-bearer&client_assertion=$assertion";
    my @clients = map { $_->connect } $one, $two;

    $_->send("POST /token HTTP/1.1\r\nHost: x\r\nContent-Type:"
        . " application/x-www-form-urlencoded\r\nContent-Length: "
        . length($form) . "\r\n\r\n$form") for @clients;

    is(join(' ', sort map { $_->response->status } @clients), '200 401',
        'P8a.5 one of two at the same time');
}

$one->finish;
