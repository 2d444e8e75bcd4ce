# P0.5: a body that a pass before has read to its end, and given up.  The
# story: the error page of a refusal, a token location itself, took the
# request for one without a body, and issued a token where the body, read in
# one piece, had been refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Gateway;

my $gw = AGW::Gateway->start(<<'CONF');
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl;

        location = /token {
            auth_gateway_token partner;
            auth_gateway_intercept_errors on;
            error_page 400 413 = @again;
        }

        location @again { auth_gateway_token partner; }
    }
}
CONF

my $partner = $gw->partner;
my $basic = AGW::Gateway::basic(@$partner{qw(id key)});

sub chunk {
    my ($text) = @_;

    return sprintf "%x\r\n%s\r\n", length $text, $text;
}

sub post {
    my ($header, @pieces) = @_;

    my $client = $gw->connect;

    $client->send("POST /token HTTP/1.1\r\nHost: localhost\r\n$basic\r\n"
        . "Content-Type: application/x-www-form-urlencoded\r\n"
        . "$header\r\n\r\n" . shift @pieces);

    for my $piece (@pieces) {
        sleep 0.1;
        $client->send($piece);
    }

    return $client->response;
}

sub good {
    my ($name) = @_;

    my $response = post('Content-Length: 29',
        'grant_type=client_credentials');

    is($response->status, 200, "$name: and a good request gets its token");

    return;
}

my $password = 'grant_type=password';
my @rows = (
    ['one piece', 'Content-Length: 19', $password],
    ['two pieces', 'Content-Length: 19', substr($password, 0, 5),
        substr $password, 5],
    ['chunks at once', 'Transfer-Encoding: chunked',
        chunk($password) . chunk('') ],
    ['chunk by chunk', 'Transfer-Encoding: chunked',
        chunk('grant_type='), chunk('password'), chunk('')],
    ['too long at once', 'Transfer-Encoding: chunked',
        chunk('x' x 9000) . chunk('')],
    ['too long in two', 'Transfer-Encoding: chunked', chunk('x' x 9000),
        chunk('')],
    ['a bad chunk at once', 'Transfer-Encoding: chunked',
        chunk('scope=') . "z\r\n"],
);

for my $row (@rows) {
    my ($name, @request) = @$row;

    my $response = post(@request);

    is($response->status, 400, "P0.5 $name: 400");
    like($response->body,
        qr/"error":"(?:invalid_request|unsupported_grant_type)"/,
        "P0.5 $name: which says why");
    unlike($response->body, qr/access_token/, "P0.5 $name: and no token");
    good($name);
}

$gw->finish;
