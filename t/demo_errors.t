# D10: the errors of conf/nginx.conf that nginx itself finds, as JSON:
# what it cannot read, hosts that are not ours, an upstream that is gone.  How
# that file is started is in AGW::Demo.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::SSL ();
use Test::More;

use AGW::Demo qw($token_path);

my $gw = AGW::Demo->start;
my %ask = $gw->ways;
my ($id, $key) = @$gw{qw(id key)};
my @business = @{ $gw->{businesses} };

$gw->obtain_tokens;

my $business_token = $gw->{business_token};

# bodies: the module's bound, and nginx's

{
    my $big = 'x=' . 'a' x 9000;

    for my $version (sort keys %ask) {
        $gw->refused("P0.5 $version a body over 8 KB", $ask{$version}->(
            'POST', $token_path, basic => [$id, $key], form => $big),
            'body_too_large', by => 'basic');
        $gw->mark;
        $gw->error_is("P0.5 $version a length that nginx refuses, $_->[0]",
            $ask{$version}->('POST', $_->[0], @{ $_->[1] }, end => 0,
                headers => ['Content-Length: 99999999']), 413,
            'invalid_request') for
            [$token_path, [basic => [$id, $key]]],
            ["/v1/businesses/$business[0]/x", [bearer => $business_token]],
            ['/health', []];
    }
}

# The error page for 400 was met with 413 and HTML: nginx looks at the length
# of the body on the way to it as well.

$gw->error_is('P0.1 HTTP/2 a body that does not come',
    $gw->request_h2('POST', '/health',
        headers => ['Content-Length: 99999999']), 400, 'invalid_request');

# requests that nginx cannot read

for my $port (qw(TLS PLAIN)) {
    $gw->error_is("P0.1 $port $_->[0]", $gw->raw($port, $_->[1]), 400,
        'invalid_request') for
        ['no method', "\x01\x02\r\n\r\n"],
        ['a lower-case method', "get / HTTP/1.1\r\nHost: localhost\r\n\r\n"],
        ['a path above the root',
            "GET /../../x HTTP/1.1\r\nHost: localhost\r\n\r\n"],
        ['a NUL', "GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n"],
        ['no Host and a large body', "POST /health HTTP/1.1\r\n"
            . "Content-Length: 99999999\r\n\r\n"],
        ['no Host', "GET /health HTTP/1.1\r\n\r\n"],
        ['two Hosts', "GET /health HTTP/1.1\r\nHost: localhost\r\n"
            . "Host: localhost\r\n\r\n"],
        ['a Host with a slash',
            "GET /health HTTP/1.1\r\nHost: a/b\r\n\r\n"],
        ['two Authorizations', "GET /health HTTP/1.1\r\nHost: localhost\r\n"
            . "Authorization: a\r\nAuthorization: b\r\n\r\n"],
        ['two lengths', "POST $token_path HTTP/1.1\r\nHost: localhost\r\n"
            . "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"],
        ['length and chunks', "POST $token_path HTTP/1.1\r\n"
            . "Host: localhost\r\nContent-Length: 1\r\n"
            . "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
        ['a header over 8 KB', "GET /health HTTP/1.1\r\nHost: localhost\r\n"
            . 'X: ' . 'x' x 9000 . "\r\n\r\n"],
        ['headers over 32 KB', "GET /health HTTP/1.1\r\nHost: localhost\r\n"
            . join('', map { "X$_: " . 'x' x 7000 . "\r\n" } 1 .. 6)
            . "\r\n"];
}

# These three were nginx's own pages, in HTML.

for my $port (qw(TLS PLAIN)) {
    $gw->error_is("P0.1 $port $_->[0]", $gw->raw($port,
        "$_->[2]\r\nHost: localhost\r\n\r\n"), $_->[1],
        'invalid_request') for
        ['a URL over 8 KB', 414, 'GET /health?' . 'x' x 9000 . ' HTTP/1.1'],
        ['an encoding of the body that nginx does not know', 501,
            "POST /health HTTP/1.1\r\nTransfer-Encoding: gzip"],
        ['a version of HTTP that nginx does not know', 505,
            'GET /health HTTP/3.0'];
}

# over HTTP/2 nginx ends the connection instead

{
    my $name = 'P0.1 HTTP/2 a header that is too large';

    is($gw->request_h2('GET', '/health',
        headers => ['x: ' . 'x' x 9000]), undef, "$name has no answer");
    is($gw->request_h2('GET', '/health',
        headers => [map { "x$_: " . 'x' x 3000 } 1 .. 12]), undef,
        'P0.1 nor have many');
    is_deeply([$gw->problems_after], [], 'P0.1 and the worker goes on');
}

# TLS asked for in plain text

{
    my $port = $gw->nginx->port('TLS');
    my $client = AGW::Client->connect(port => $port, tls => 0);

    $gw->mark;
    $gw->error_is('P0.6 plain HTTP on the port for HTTPS',
        $client->request('GET', "/v1/businesses/$business[0]/x"), 400,
        'invalid_request');
    $client->close;
}

# hosts that are not ours

for my $host (qw(example.com evil.localhost localhost.evil 127.0.0.2 [::1]
    127.0.0.1.example), 'LOCALHOSTS')
{
    $gw->error_is("D3 $_ unknown host $host", $gw->raw($_,
        "POST $token_path HTTP/1.1\r\nHost: $host\r\n"
        . "Content-Length: 0\r\n" . AGW::Gateway::basic($id, $key)
        . "\r\n\r\n"), 421, 'invalid_request') for qw(TLS PLAIN);
    $gw->error_is("D3 HTTP/2 unknown host $host",
        $gw->request_h2('POST', $token_path, basic => [$id, $key],
            authority => $host), 421, 'invalid_request');
}

$gw->error_is('D3 an unknown host in the request line', $gw->raw('TLS',
    "GET https://example.com/health HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    421, 'invalid_request');
$gw->error_is("D3 $_ HTTP/1.0 without Host", $gw->raw($_,
    "GET /health HTTP/1.0\r\n\r\n"), 421, 'invalid_request')
    for qw(TLS PLAIN);
is($gw->raw('TLS', "GET /health HTTP/1.1\r\nHost: $_\r\n\r\n")->status, 200,
    "D3 our own host $_") for 'localhost', 'LocalHost', '127.0.0.1',
    'localhost.', 'localhost:' . $gw->nginx->port('TLS');

sub handshake {
    my ($name) = @_;

    return IO::Socket::SSL->new(
        PeerAddr => '127.0.0.1', PeerPort => $gw->nginx->port('TLS'),
        Timeout => 5, SSL_verify_mode => IO::Socket::SSL::SSL_VERIFY_NONE(),
        SSL_hostname => $name,
    ) ? '' : $IO::Socket::SSL::SSL_ERROR;
}

like(handshake($_), qr/unrecognized name/, "D3 no handshake for $_")
    for qw(example.com evil.localhost localhost.evil);
is(handshake($_), '', "D3 a handshake for '$_'") for 'localhost', '';

# an upstream that is not there

$gw->upstream->stop;
$gw->good_is(undef);

for my $version (sort keys %ask) {
    $gw->error_is("P4.4 $version the upstream is gone",
        $ask{$version}->('GET', "/v1/businesses/$business[0]/x",
            bearer => $business_token), 502, 'temporarily_unavailable');
}

$gw->finish;
