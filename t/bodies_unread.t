# P0.5: a refusal that leaves a body unread on a kept-alive connection.  The
# body holds a request with a good token; it is never taken for one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    client_max_body_size 10m;

    # a body that nginx put into a file is read too

    client_body_buffer_size 1k;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /v1/platform/oauth2/token/ { auth_gateway_token partner; }

        location ~ ^/v1/platform/[^/]+/oauth2/token/?$ {
            auth_gateway_token business;
            auth_gateway_business_path
                /v1/platform/<business_id>/oauth2/token;
        }

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /docs/ {
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $partner = $gw->partner;
my $business = $gw->business($partner);
my $token = $gw->mint(partner_id => $partner->{id},
    business_id => $business);
my $unscoped = $gw->mint(partner_id => $partner->{id});
my $bearer = "Authorization: Bearer $token";
my $here = "/v1/businesses/$business";

my $smuggled = "GET $here/smuggled HTTP/1.1\r\nHost: localhost\r\n"
    . "$bearer\r\n\r\n";
my $after = "GET $here/after HTTP/1.1\r\nHost: localhost\r\n$bearer\r\n\r\n";

$gw->good_is(sub {
    return $gw->request('POST', "$here/x", bearer => $token, quiet => 1,
        body => 'x')->status == 200;
});

# name, status, method, target, header lines, size of the body (0: just the
# smuggled request); whole => 1 where the answer may wait for the body

my @refusals = (
    ['401', 401, 'POST', "$here/x", [], 0],
    ['401 expired', 401, 'POST', "$here/x", ['Authorization: Bearer '
        . $gw->mint(partner_id => 'p', business_id => $business,
            claims => { iat => 1, exp => 2 })], 0],
    ['403', 403, 'POST', '/v1/businesses/other/x', [$bearer], 0],
    ['403, a large body', 403, 'PUT', '/v1/businesses/other/x', [$bearer],
        100_000],
    ['400 path', 400, 'POST', "$here/..%2fother", [$bearer], 0],
    ['400 path, unguarded', 400, 'POST', '/docs/..%2fother', [], 0],
    ['400 path, a large body', 400, 'POST', "$here/..%2fother", [$bearer],
        100_000],
    ['400 header', 400, 'POST', "$here/x", ['Authorization: Bearer a b'],
        0],
    ['404 business', 404, 'POST', '/v1/platform/nobody/oauth2/token/',
        ["Authorization: Bearer $unscoped",
            'Content-Type: application/x-www-form-urlencoded'], 0, 1],
    ['400 type', 400, 'POST', "/v1/platform/$business/oauth2/token/",
        ["Authorization: Bearer $unscoped", 'Content-Type: text/plain'],
        0, 1],
    ['401 token endpoint', 401, 'POST', '/v1/platform/oauth2/token/',
        ['Content-Type: application/x-www-form-urlencoded'], 0, 1],
    ['401 wrong key', 401, 'POST', '/v1/platform/oauth2/token/',
        [AGW::Gateway::basic($partner->{id}, 'wrong'),
            'Content-Type: application/x-www-form-urlencoded'], 0, 1],
    ['405', 405, 'PUT', '/v1/platform/oauth2/token/', [], 0],
    ['405 GET', 405, 'GET', '/v1/platform/oauth2/token/', [], 0],
    ['405 a large body', 405, 'PUT', "/v1/platform/$business/oauth2/token/",
        [], 100_000],
    ['413', 413, 'POST', '/v1/platform/oauth2/token/',
        [AGW::Gateway::basic(@$partner{qw(id key)}),
            'Content-Type: application/x-www-form-urlencoded'], 20_000, 1],
);

sub body_of {
    my ($size) = @_;

    return "x=1\r\n\r\n" . $smuggled if !$size;

    my $times = 1 + int $size / length $smuggled;

    return $smuggled x $times;
}

sub chunked {
    my ($body) = @_;

    my $out = '';

    while (length $body) {
        my $part = substr $body, 0, 700, '';

        $out .= sprintf "%x\r\n%s\r\n", length $part, $part;
    }

    return "${out}0\r\n\r\n";
}

# how the body is sent: after the head, all at once or in parts

my %framings = (
    'Content-Length' => { at_once => 1 },
    'chunked' => { at_once => 1, chunked => 1 },
    'slow' => {},
    'slow, chunked' => { chunked => 1 },
    'Expect' => { expect => 1 },
    'Expect, sent all the same' => { expect => 1, at_once => 1 },
    'Expect, chunked' => { expect => 1, chunked => 1 },
);

# What comes after the first response: the answer to the next request, or
# the end of the connection; nothing else, whatever the body said.

sub problems_with_rest {
    my ($client) = @_;

    my @saw;
    my $next = eval { $client->response(timeout => 20) };

    if ($next) {
        push @saw, 'next has status ' . $next->status
            if $next->status != 200;

        my $third = eval { $client->response(timeout => 0.05) };

        push @saw, 'a response too many: ' . $third->status if $third;

    } elsif ($@) {
        push @saw, "neither an answer nor the end: $@";
    }

    my @targets = map { $_->{target} } $gw->upstream_saw;

    push @saw, "the upstream received: @targets"
        if join(' ', @targets) ne ($next ? "$here/after" : '');

    return @saw;
}

sub head_of {
    my ($method, $target, $lines, $wire, $framing) = @_;

    return join "\r\n", "$method $target HTTP/1.1", 'Host: localhost',
        @$lines,
        $framing->{chunked} ? 'Transfer-Encoding: chunked'
            : 'Content-Length: ' . length $wire,
        ($framing->{expect} ? 'Expect: 100-continue' : ()), '', '';
}

for my $refusal (@refusals) {
    my ($name, $status, $method, $target, $lines, $size, $whole)
        = @$refusal;

    for my $how (sort keys %framings) {
        my $framing = $framings{$how};
        my $body = body_of($size);
        my $wire = $framing->{chunked} ? chunked($body) : $body;
        my $head = head_of($method, $target, $lines, $wire, $framing);
        my $client = $gw->connect;
        my $response;
        my @problems;

        $gw->mark;

        if ($framing->{at_once}) {
            $client->send($head . $wire . $after);

        } elsif ($framing->{expect} && !$whole) {

            # refused before the body is asked for

            $client->send($head);
            $response = eval { $client->response(timeout => 20) };
            push @problems, 'no answer before the body' unless $response;
            push @problems, 'the body was asked for'
                if $response && $response->{interim};
            $client->send($wire . $after);

        } else {
            my $half = int length($wire) / 2;

            $client->send($head);
            sleep 0.05;
            $client->send(substr $wire, 0, $half);
            sleep 0.05;
            $client->send(substr($wire, $half) . $after);
        }

        $response //= eval { $client->response(timeout => 20) };

        if (!$response) {
            push @problems, "no response: $@";

        } else {
            push @problems, 'status ' . $response->status
                if $response->status != $status;
            push @problems, 'not our JSON: ' . $response->body
                unless $response->json;
        }

        push @problems, problems_with_rest($client);
        push @problems, $gw->refusals . ' log lines'
            if $gw->refusals != 1;
        push @problems, $gw->problems_after;
        ok(!@problems, "P0.5 $name, $how") or diag(join "\n", @problems);
        $client->close;
    }
}

# a client that goes away, or never sends what it announced

for my $refusal (@refusals) {
    my ($name, $status, $method, $target, $lines, $size) = @$refusal;
    my $client = $gw->connect;

    $client->send(head_of($method, $target, $lines, 'x' x 5000, {})
        . substr $smuggled, 0, 40);
    sleep 0.02;
    $client->close;
    is_deeply([$gw->problems_after], [], "P0.5 $name, the client leaves");
}

# plain HTTP: the refusal of the transport

{
    my $client = $gw->connect('PLAIN');
    my $body = body_of(0);

    $gw->mark;
    $client->send(head_of('POST', "$here/x", [$bearer], $body, {})
        . $body . $after);

    my $response = $client->response;

    is($response->status, 403, 'P0.5 plain HTTP');

    my $next = eval { $client->response(timeout => 2) };

    is($next ? $next->status : 403, 403, 'P0.5 and the next one too');
    is(scalar $gw->upstream_saw, 0, 'P0.5 and nothing arrives');
}

# two framings at once: nginx's own affair, but nothing may arrive

for (["Content-Length: 5", 'Transfer-Encoding: chunked'],
    ['Content-Length: 5', 'Content-Length: 500'],
    ['Transfer-Encoding: chunked, identity'],
    ['Transfer-Encoding:  xchunked'])
{
    my $client = $gw->connect;

    $gw->mark;
    $client->send(join "\r\n", "POST $here/x HTTP/1.1", 'Host: localhost',
        @$_, '', "0\r\n\r\n$smuggled");

    my $response = eval { $client->response(timeout => 20) };

    is_deeply([grep { $_->{target} =~ /smuggled/ } $gw->upstream_saw], [],
        "P0.5 @$_: nothing smuggled, "
        . ($response ? $response->status : 'no answer'));
    $client->close;
}

# HTTP/2: DATA sent whole, in part, late or never

for my $refusal (@refusals) {
    my ($name, $status, $method, $target, $lines, $size, $whole)
        = @$refusal;
    my @headers = map { [lc $1, $2] if /^([^:]+): (.*)/ } @$lines;

    for my $how (qw(whole partly never)) {
        next if $how ne 'whole' && $whole;

        my $h2 = $gw->connect_h2;
        my $body = body_of($size && 30_000);
        my $id;
        my @problems;

        $gw->mark;

        if ($how eq 'whole') {
            $id = $h2->start($method, $target, headers => \@headers,
                body => $body);

        } else {
            $id = $h2->start($method, $target, headers => \@headers,
                end => 0);
            $h2->data($id, substr($body, 0, 50), 0) if $how eq 'partly';
        }

        my $response = eval { $h2->response($id, timeout => 5) };

        push @problems, 'no response' unless $response;
        push @problems, 'status ' . $response->status
            if $response && $response->status != $status;

        my $next = eval { $h2->request('GET', "$here/after",
            headers => [['authorization', "Bearer $token"]]) };

        push @problems, 'no good request on another stream'
            unless $next && $next->status == 200;

        if ($how ne 'whole') {
            $h2->data($id, $body, 1) unless defined $response
                && defined $response->{reset};
            $next = eval { $h2->request('GET', "$here/after",
                headers => [['authorization', "Bearer $token"]]) };
            push @problems, 'no good request after late DATA'
                unless $next && $next->status == 200;
        }

        my @bad = grep { $_ ne "$here/after" } map { $_->{target} }
            $gw->upstream_saw;

        push @problems, "the upstream received: @bad" if @bad;
        ok(!@problems, "P0.5 HTTP/2, $name, $how")
            or diag(join "\n", @problems);
        $h2->close;
    }
}

is_deeply([$gw->problems_after], [], 'P0.5 a good request afterwards');

# and a body that is let through arrives whole

for my $size (0, 1, 1000, 100_000) {
    $gw->request('POST', "$here/x", bearer => $token,
        body => $smuggled . 'y' x $size);

    my @saw = $gw->upstream_saw;

    is(@saw, 1, 'P0.5 one request arrives');
    is($saw[0]{body}, $smuggled . 'y' x $size,
        "P0.5 with its body of $size and more");
}

$gw->finish;
