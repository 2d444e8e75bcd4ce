# P0.5: an error page of a token endpoint that is proxied.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        location = /token {
            auth_gateway_token partner;
            auth_gateway_intercept_errors on;
            error_page 400 401 413 = @page;
        }

        location @page {
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);

my $smuggled = "0\r\n\r\nGET /v1/businesses/VICTIM HTTP/1.1\r\nHost: u\r\n"
    . "X-Business-Id: VICTIM\r\n\r\n";

my $head = "POST /token HTTP/1.1\r\nHost: a\r\n"
    . "Content-Type: application/x-www-form-urlencoded\r\n";

sub chunk {
    my ($bytes) = @_;

    return sprintf "%x\r\n%s\r\n", length $bytes, $bytes;
}


# The body had been taken in pieces, and its length had not: the upstream was
# sent the last piece alone under the length of all, or a chunked request
# whose first bytes were the client's own framing, and found a second request
# in it.

my %sent = (
    'in two pieces' => [$head . "Content-Length: 42\r\n\r\n" . 'a' x 20,
        'b' x 22],
    'chunked, over 8 KB' => [$head . "Transfer-Encoding: chunked\r\n\r\n"
        . chunk($smuggled . 'a' x 8200), "0\r\n\r\n"],
    'chunked, in pieces' => [$head . "Transfer-Encoding: chunked\r\n\r\n"
        . chunk($smuggled), chunk('x=y'), "0\r\n\r\n"],
    'a bad chunk' => [$head . "Transfer-Encoding: chunked\r\n\r\n"
        . chunk($smuggled), "zz\r\n"],
);

for my $what (sort keys %sent) {
    $gw->mark;

    my $client = $gw->connect;

    for my $piece (@{ $sent{$what} }) {
        $client->send($piece);
        select undef, undef, undef, 0.2;
    }

    ok($client->response, "P0.5 $what: the page comes");
    $client->close;

    my @saw = $gw->upstream_saw;

    is(scalar @saw, 1, 'P0.5 one request reaches the upstream');
    is($saw[0]{target}, '/token', 'P0.5 which is this one');
    is($saw[0]{body}, '', 'P0.5 without a body');
    is_deeply([map { $saw[0]{headers}{$_} // ['0'] } qw(content-length)],
        [['0']], 'P0.5 or a length');
    is($saw[0]{headers}{'transfer-encoding'}, undef, 'P0.5 or chunks');
    unlike($saw[0]{head}, qr/VICTIM/, 'P0.5 and nothing of it');
}


# one that came whole is whole

$gw->mark;
$gw->request('POST', '/token', form => 'a=b&c=d');
is(($gw->upstream_saw)[0]{body}, 'a=b&c=d', 'P0.5 a whole body is whole');


# over HTTP/2

for my $size (30, 9000) {
    $gw->mark;

    my $h2 = $gw->connect_h2;
    my $stream = $h2->start('POST', '/token', end => 0, headers => [
        ['content-type', 'application/x-www-form-urlencoded']]);

    $h2->data($stream, 'a' x 20);
    select undef, undef, undef, 0.2;
    $h2->data($stream, 'b' x $size, 1);

    ok($h2->response($stream), "P0.5 HTTP/2, $size more: the page comes");
    is(($gw->upstream_saw)[0]{body}, '', 'P0.5 without a body');
}

$gw->finish;
