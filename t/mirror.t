# A token request that nginx's mirror module sends elsewhere too.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        location ~ ^/v1/platform/oauth2/token/?$ {
            mirror /mirror;
            auth_gateway_token partner;
        }

        location = /mirror {
            internal;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $partner = $gw->partner;


# The body was taken from nginx to the last byte, and the mirrored request
# went out with its Content-Length and nothing behind it.

for my $length (0, 2000) {
    my $body = 'grant_type=client_credentials&x=' . 'y' x $length;

    my $r = $gw->request('POST', '/v1/platform/oauth2/token',
        basic => [$partner->{id}, $partner->{key}],
        headers => ['Content-Type: application/x-www-form-urlencoded'],
        body => $body);

    is($r->status, 200, "P0.5 a mirrored token request, $length");

    my $deadline = time + 5;
    my @saw;

    until ((@saw = $gw->upstream_saw) || time > $deadline) {
        select undef, undef, undef, 0.05;
    }

    is(scalar @saw, 1, 'P0.5 the mirror gets the request');
    is($saw[0] && $saw[0]{body}, $body, 'P0.5 with its body');
}

# a body of no chunk is none, and was not taken from anybody

for my $kind ('Transfer-Encoding: chunked', 'Content-Length: 0') {
    my $client = $gw->connect;

    $client->send("POST /v1/platform/oauth2/token HTTP/1.1\r\n"
        . "Host: localhost\r\n"
        . AGW::Gateway::basic(@$partner{qw(id key)}) . "\r\n$kind\r\n\r\n"
        . ($kind =~ /chunked/ ? "0\r\n\r\n" : ''));
    is($client->response->status, 200, "P1.3 $kind, empty: a token");
}

$gw->finish;
