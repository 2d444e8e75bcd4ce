# Design 10: conf/nginx.conf, which is what people copy.  Only its paths,
# ports and user are others here.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy qw(copy);
use IO::Socket::SSL ();
use JSON ();
use Test::More;
use Time::HiRes qw(sleep);

use AGW::Conf ();
use AGW::Files qw(random_id repo_root slurp worker_ids);
use AGW::Gateway;
use AGW::Token qw(claims_of);

my $token_path = '/v1/platform/oauth2/token';

# the harness's own completion would say half of it twice

{
    no warnings 'redefine';

    *AGW::Conf::complete = sub {
        my ($text, $prefix, $names) = @_;

        $names->{PREFIX} = "$prefix";
        $names->{STORE} = "$prefix/store";
        $text =~ s/%%((?:TLS|PLAIN)\d*)%%/
            $names->{$1} \/\/= AGW::Conf::free_port()/gex;
        $text =~ s/%%([A-Z]+)%%/$names->{$1} \/\/ die "no name $1"/ge;

        return "daemon off;\n$text";
    };
}

my ($user) = worker_ids();
my $conf = slurp(repo_root() . '/conf/nginx.conf');

for (
    [qr/^user www-data;$/m, defined $user ? "user $user nogroup;" : ''],
    [qr{^pid logs/}m, 'pid %%PREFIX%%/'],
    [qr{modules/ngx_http_auth_gateway_module\.so},
        AGW::Files::module_path()],
    [qr{sqlite:store/}, 'sqlite:%%STORE%%/'],
    [qr{keys/signing\.key}, '%%PREFIX%%/secret.key'],
    [qr{tls/server\.crt}, '%%PREFIX%%/cert.pem'],
    [qr{tls/server\.key}, '%%PREFIX%%/cert.key'],
    [qr/listen 127\.0\.0\.1:8443/, 'listen 127.0.0.1:%%TLS%%'],
    [qr/listen 127\.0\.0\.1:8080/, 'listen 127.0.0.1:%%PLAIN%%'],
    [qr/server 127\.0\.0\.1:9080/, 'server 127.0.0.1:%%UPSTREAM%%'],
) {
    my ($pattern, $text) = @$_;

    $conf =~ s/$pattern/$text/g or die "conf/nginx.conf has no $pattern\n";
}

my $gw = AGW::Gateway->start($conf, before => sub {
    my ($prefix) = @_;

    for my $name (qw(guarded_proxy json_errors)) {
        copy(repo_root() . "/conf/$name.conf", "$prefix/$name.conf")
            or die "$name.conf: $!\n";
    }
}, reply => sub {
    my ($request) = @_;

    return (404, ['Content-Type: text/html'], "the API's own\n")
        if $request->{target} =~ m{/nothing$};
    return;
});

$gw->{kid} = 'demo-1';

my $json = JSON->new->utf8;
my ($id, $key) = @{ $gw->partner }{qw(id key)};
my @business = map { $gw->business($id) } 1, 2;
my $started = time;

# both ways to ask: HTTP/1.1, and HTTP/2 with the same arguments

sub ask_1 {
    my ($method, $target, %opt) = @_;

    return $gw->request($method, $target, %opt);
}

sub ask_2 {
    my ($method, $target, %opt) = @_;

    my @lines = @{ $opt{headers} // [] };

    push @lines, AGW::Gateway::bearer($opt{bearer}) if defined $opt{bearer};
    push @lines, AGW::Gateway::basic(@{ $opt{basic} }) if $opt{basic};

    if (defined $opt{form}) {
        push @lines, 'Content-Type: application/x-www-form-urlencoded';
        $opt{body} = $opt{form};
    }

    my $client = $gw->connect_h2;

    $gw->mark;

    my $response = $client->request($method, $target,
        headers => [map { my ($n, $v) = split /: /, $_, 2; [lc $n, $v] }
            @lines],
        defined $opt{body} ? (body => $opt{body}) : (),
        end => $opt{end} // 1,
        defined $opt{authority} ? (authority => $opt{authority}) : ());

    $client->close;

    return $response;
}

my %ask = ('HTTP/1.1' => \&ask_1, 'HTTP/2' => \&ask_2);

# an error that nginx itself found: status, headers, body, no challenge

sub error_is {
    my ($name, $response, $status, $error) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @problems;
    my $body = $response ? $response->json : undef;

    if (!$response) {
        push @problems, 'no response';

    } else {
        push @problems, "status $response->{status}"
            if $response->status != $status;

        for (['Content-Type', 'application/json'],
            ['Cache-Control', 'no-store'], ['Pragma', 'no-cache'],
            ['WWW-Authenticate', ''], ['Location', ''],
            ['Retry-After', $status == 429 ? '1'
                : $status > 500 ? '5' : ''])
        {
            my $got = join ' | ', $response->header($_->[0]);

            push @problems, "$_->[0]: $got" if $got ne $_->[1];
        }

        push @problems, 'body ' . $response->body
            if ref $body ne 'HASH'
            || join(' ', sort keys %$body) ne 'error error_description'
            || $body->{error} ne $error
            || $body->{error_description}
                !~ /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/;
    }

    push @problems, map { "the upstream received $_->{target}" }
        $gw->upstream_saw;
    push @problems, $gw->problems_after;

    return ok(!@problems, $name) || diag(join "\n", @problems) && 0;
}

# lines of the access log, parsed; the last one may be on its way

sub logged {
    my ($from, $count) = @_;

    my @lines;

    for (1 .. 100) {
        @lines = split /\n/,
            slurp($gw->prefix . '/logs/access.log', $from);

        last if @lines >= $count;
        sleep 0.02;
    }

    return @lines;
}

sub log_end {
    sleep 0.1;

    return -s $gw->prefix . '/logs/access.log' // 0;
}

# the token buckets are full again

sub rest {
    sleep 2.5;

    return;
}

# the main job

my $r = ask_1('POST', "$token_path/", basic => [$id, $key],
    form => 'grant_type=client_credentials');

is($r->status, 200, 'D10 a partner token');

my $partner_token = $gw->keep_secret($r->json->{access_token});

is(claims_of($partner_token)->{iss}, 'https://127.0.0.1:8443',
    'D10 its issuer');
is(claims_of($partner_token)->{aud}, 'accounting-api', 'D10 its audience');

$r = ask_1('POST', "/v1/platform/$business[0]/oauth2/token/",
    bearer => $partner_token);
is($r->status, 200, 'D10 a business token');

my $business_token = $gw->keep_secret($r->json->{access_token});

$gw->good_is(sub {
    return $gw->request('GET', "/v1/businesses/$business[0]/x", quiet => 1,
        bearer => $business_token)->status == 200;
});

my %mint = (partner_id => $id, claims => {
    iss => 'https://127.0.0.1:8443', aud => 'accounting-api' });

# both dialects, the business itself and what is below it

for my $version (sort keys %ask) {
    my $ask = $ask{$version};

    for my $root ('/v1/businesses', '/v1/platform/businesses') {
        for my $end ('', '/', '/invoices', '/invoices/', '/oauth2/token',
            '/oauth2/token/', '/auth-token')
        {
            my $path = "$root/$business[0]$end?page=1";

            $r = $ask->('GET', $path, bearer => $business_token);
            is($r->status, 200, "P4.3 $version $path");

            my ($seen) = $gw->upstream_saw;

            is($seen->{target}, $path, 'P4.6 as it was written');
            is_deeply([map { $seen->{headers}{$_} // [] } qw(x-partner-id
                x-business-id authorization)],
                [[$id], [$business[0]], []], 'P4.6 with its identity');

            my $theirs = "$root/$business[1]$end";

            $gw->refused("P4.2 $version $theirs, another business",
                $ask->('GET', $theirs, bearer => $business_token),
                'wrong_business', kid => 'demo-1', partner => $id);
            $gw->refused("P4.2 $version $theirs without a token",
                $ask->('GET', $theirs), 'no_credentials');
            $gw->refused("P4.2 $version $theirs, a partner token",
                $ask->('GET', $theirs, bearer => $partner_token),
                'wrong_kind', partner => $id);
        }
    }

    # no business is named here

    for my $path (qw(/v1/platform/businesses /v1/platform/businesses/)) {
        $r = $ask->('GET', $path, bearer => $partner_token);
        is($r->status, 200, "P0.4 $version $path");
        is(join(' ', map { $_->{target} } $gw->upstream_saw), $path,
            'P0.4 no redirect');
        $gw->refused("P4.2 $version $path, a business token",
            $ask->('GET', $path, bearer => $business_token), 'wrong_kind',
            scope => undef);
    }

    # public, and the rules for paths hold there

    is($ask->('GET', '/health')->status, 200, "D3 $version /health");
    $gw->refused("D6 $version an ambiguous path", $ask->('GET',
        "/v1/businesses/$business[1]/..%2f$business[0]/x",
        bearer => $business_token), 'ambiguous_path');

    # what is not there

    for my $path (qw(/ /v1 /v1/ /v1/businesses /v1/businesses/ /v1/platform
        /v1/platform/ /health/ /favicon.ico /x.html /v1/businessesx/1
        /errors/unreadable /errors/ /a//b /x%5cy))
    {
        $r = $ask->('GET', $path, bearer => $business_token);

        if ($path eq '/v1/businesses/') {
            $gw->refused("P4.1 $version $path names no business", $r,
                'no_business_in_path');
            next;
        }

        error_is("P0.4 $version $path is not there", $r, 404, 'not_found');
    }

    $r = $ask->('GET', "/v1/businesses/$business[0]/nothing",
        bearer => $business_token);
    is($r->status . ' ' . $r->body, "404 the API's own\n",
        "P0.7 $version an upstream's 404 is left as it is");

    # token endpoints, each with a final slash and without

    rest();

    for my $slash ('', '/') {
        $r = $ask->('POST', $token_path . $slash, basic => [$id, $key]);
        is($r->status, 200, "P0.4 $version $token_path$slash");
        $gw->refused("P0.3 $version GET of it",
            $ask->('GET', $token_path . $slash), 'method_not_allowed',
            by => 'basic');
        $gw->refused("P1.6 $version a wrong key", $ask->('POST',
            $token_path . $slash, basic => [$id, 'wrong']),
            'invalid_client', by => 'basic', partner => $id);

        my $path = "/v1/platform/$business[0]/oauth2/token$slash";

        $r = $ask->('POST', $path, bearer => $partner_token);
        is($r->status, 200, "P0.4 $version $path");
        is($r->json->{business_id}, $business[0], 'P2.5 of that business');
        $gw->refused("P2.2 $version minting with a business token",
            $ask->('POST', $path, bearer => $business_token), 'wrong_kind',
            scope => undef);
        $gw->refused("P2.3 $version an unknown business", $ask->('POST',
            '/v1/platform/' . random_id() . "/oauth2/token$slash",
            bearer => $partner_token), 'unknown_business');
    }

    # "businesses" is no business here

    $gw->refused("P2.1 $version $_", $ask->('POST', $_,
        bearer => $partner_token), 'wrong_kind')
        for '/v1/platform/businesses/oauth2/token',
            '/v1/platform/businesses/oauth2/token/';
}

# plain HTTP, by its own listener

$gw->refused("P0.6 plain $_", ask_1('POST', $_, port => 'PLAIN',
    basic => [$id, $key]), 'insecure_transport', by => 'basic')
    for $token_path, "$token_path/";
$gw->refused("P0.6 plain $_", ask_1('GET', $_, port => 'PLAIN',
    bearer => $business_token), 'insecure_transport')
    for "/v1/businesses/$business[0]/x", '/v1/platform/businesses';

# bodies: the module's bound, and nginx's

{
    my $big = 'x=' . 'a' x 9000;

    rest();

    for my $version (sort keys %ask) {
        $gw->refused("P0.5 $version a body over 8 KB", $ask{$version}->(
            'POST', $token_path, basic => [$id, $key], form => $big),
            'body_too_large', by => 'basic');
        $gw->mark;
        error_is("P0.5 $version a length that nginx refuses, $_->[0]",
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

error_is('P0.1 HTTP/2 a body that does not come', ask_2('POST', '/health',
    headers => ['Content-Length: 99999999']), 400, 'invalid_request');

# requests that nginx cannot read

sub raw {
    my ($port, $bytes) = @_;

    my $client = $gw->connect($port);

    $gw->mark;
    $client->send($bytes);

    my $response = $client->response;

    $client->close;

    return $response;
}

for my $port (qw(TLS PLAIN)) {
    error_is("P0.1 $port $_->[0]", raw($port, $_->[1]), 400,
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

# over HTTP/2 nginx ends the connection instead

{
    my $name = 'P0.1 HTTP/2 a header that is too large';

    is(ask_2('GET', '/health', headers => ['x: ' . 'x' x 9000]), undef,
        "$name has no answer");
    is(ask_2('GET', '/health', headers => [map { "x$_: " . 'x' x 3000 }
        1 .. 12]), undef, 'P0.1 nor have many');
    is_deeply([$gw->problems_after], [], 'P0.1 and the worker goes on');
}

# TLS asked for in plain text

{
    my $port = $gw->nginx->port('TLS');
    my $client = AGW::Client->connect(port => $port, tls => 0);

    $gw->mark;
    error_is('P0.6 plain HTTP on the port for HTTPS', $client->request('GET',
        "/v1/businesses/$business[0]/x"), 400, 'invalid_request');
    $client->close;
}

# hosts that are not ours

for my $host (qw(example.com evil.localhost localhost.evil 127.0.0.2 [::1]
    127.0.0.1.example), 'LOCALHOSTS')
{
    error_is("D3 $_ unknown host $host", raw($_, "POST $token_path HTTP/1.1"
        . "\r\nHost: $host\r\nContent-Length: 0\r\n"
        . AGW::Gateway::basic($id, $key) . "\r\n\r\n"), 421,
        'invalid_request') for qw(TLS PLAIN);
    error_is("D3 HTTP/2 unknown host $host", ask_2('POST', $token_path,
        basic => [$id, $key], authority => $host), 421, 'invalid_request');
}

error_is('D3 an unknown host in the request line', raw('TLS',
    "GET https://example.com/health HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    421, 'invalid_request');
error_is("D3 $_ HTTP/1.0 without Host", raw($_,
    "GET /health HTTP/1.0\r\n\r\n"), 421, 'invalid_request')
    for qw(TLS PLAIN);
is(raw('TLS', "GET /health HTTP/1.1\r\nHost: $_\r\n\r\n")->status, 200,
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

# the throttle; after the burst somebody else, or later, gets through

for my $version (sort keys %ask) {
    my $ask = $ask{$version};
    my $n = 0;

    rest();

    for my $case (
        ['guesses at a key, with the slash and without', 401, sub {
            $ask->('POST', $token_path . ($n++ % 2 ? '?x=SECRETquery' : '/'),
                basic => [$id, 'wrong'])
        }],
        ['business tokens', 200, sub {
            $ask->('POST', "/v1/platform/$business[0]/oauth2/token/",
                bearer => $partner_token)
        }],
    ) {
        my ($name, $status, $once) = @$case;
        my $from = log_end();
        my (@statuses, $first);

        for (1 .. 18) {
            my $response = $once->();

            push @statuses, $response->status;
            $first //= $response if $response->status == 429;
        }

        $gw->mark;
        is("@statuses[0 .. 10]", join(' ', ($status) x 11),
            "D10 $version $name: one and ten more at once");
        ok($first, 'D10 and then no more') or diag("@statuses");
        error_is("D10 $version $name: a 429 in JSON", $first, 429,
            'temporarily_unavailable');

        my ($line) = grep { $_->{status} eq '429' }
            map { $json->decode($_) } logged($from, 18);

        is($line->{method}, 'POST', 'D10 and in the log');
        like($line->{path}, qr{^/v1/platform/[0-9a-z/-]+/token/?$},
            'D10 by the path that was asked for');
        is($line->{result}, '', 'D10 where nothing was checked');
    }

    # another partner's minting is not touched, nor by whom it was meant for

    my $other = $gw->partner;
    my $theirs = $gw->business($other);
    my $token = $gw->mint(%mint, partner_id => $other->{id});

    is($ask->('POST', "/v1/platform/$theirs/oauth2/token/",
        bearer => $token)->status, 200,
        "D10 $version another partner goes on");
    is($ask->('POST', "/v1/platform/$theirs/oauth2/token/",
        bearer => $gw->mint(%mint, partner_id => $other->{id},
            business_id => $theirs))->status, 403,
        "D10 $version business tokens of theirs: $_") for 1 .. 15;
    is($ask->('POST', "/v1/platform/$theirs/oauth2/token/",
        bearer => $token)->status, 200, 'D10 do not count for them');
    is($ask->('GET', "/v1/businesses/$business[0]/x",
        bearer => $business_token)->status, 200,
        'D10 and guarded resources have no bound');
}

# a body that nobody reads is not the next request

{
    my $client = $gw->connect;
    my @statuses;

    $gw->mark;

    push @statuses, $client->request('POST', $token_path,
        body => "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")->status
        for 1 .. 15;
    is($statuses[-1], 429, 'P0.5 a 429 to a request with a body');
    is($client->request('GET', '/health')->status, 200,
        'P0.5 and the connection goes on');
    is(scalar $gw->upstream_saw, 1, 'P0.5 with one request');
    $client->close;
}

# Go's x/oauth2 sends Basic, and after any error the same in the body: each
# of five clients at once gets its second answer

{
    rest();

    for my $n (1 .. 5) {
        isnt(ask_1('POST', $token_path, basic => [$id, "wrong$n"])->status,
            429, "D10 client $n: Basic");
        is(ask_1('POST', $token_path, form => 'grant_type=client_credentials'
            . "&client_id=$id&client_secret=$key")->status, 200,
            "D10 client $n: once more in the body");
    }
}

# the access log: one JSON object a line, whatever was sent

{
    my $from = log_end();
    my $jti = claims_of($business_token)->{jti};
    my $url = "/v1/businesses/$business[0]/x";

    ask_1('GET', "$url#SECRETfragment?access_token=SECRETquery",
        bearer => $business_token);
    ask_1('GET', "$url\"\\\x80\xff?SECRETquery", bearer => $business_token);
    ask_1('GET', "$url?SECRETquery", bearer => $business_token,
        headers => ['Referer: https://x/?SECRETquery',
            "User-Agent: \"},{\"x\":\"", 'Cookie: SECRETcookie']);
    ask_2('GET', "$url?SECRETquery", bearer => $business_token);
    ask_1('GET', "/v1/businesses/$business[1]?SECRETquery",
        bearer => $business_token);
    ask_1('GET', $url, bearer => "$business_token.x");
    raw('PLAIN', "GET http://a:SECRET\@localhost/ HTTP/1.1\r\n\r\n");

    my @lines = logged($from, 7);
    my @found = map { scalar eval { $json->decode($_) } } @lines;

    is(@found, 7, 'D3 a line for each request');
    is(grep({ ref $_ eq 'HASH' } @found), 7, 'D3 each is JSON')
        or diag(join "\n", @lines);
    is_deeply([@{ $found[2] }{qw(method path protocol status result partner
        business kid jti client)}], ['GET', $url, 'HTTP/1.1', 200, 'ok', $id,
        $business[0], 'demo-1', $jti, '127.0.0.1'], 'D3 what is in a line');
    like($found[2]{seconds}, qr/^[0-9.]+$/, 'D3 a duration');
    like($found[2]{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/,
        'D3 a time');
    is($found[0]{path}, $url, 'D3 without a query or fragment');
    is($found[0]{result}, 'ambiguous_path', 'D3 which is refused');
    is($found[1]{path}, "$url\"\\", 'D3 as far as it is printable');
    is($found[3]{protocol}, 'HTTP/2.0', 'D3 HTTP/2');
    is($found[4]{result}, 'wrong_business', 'D3 a refusal');
    is($found[4]{partner}, $id, 'D3 and whose token it was');
    is($found[5]{result}, 'malformed_token', 'D3 a token that is none');
    is($found[5]{partner}, '', 'D3 says nothing');
    is($found[6]{status}, 400, 'D3 what nginx refused');

    my $all = slurp($gw->prefix . '/logs/access.log');
    my @bad = grep { ref scalar eval { $json->decode($_) } ne 'HASH' }
        split /\n/, $all;

    ok(!@bad, 'D3 every line of this test is JSON')
        or diag(join "\n", @bad);
    unlike($all, qr/SECRET|\?|#/, 'D3 no query string');
    ok(!grep({ index($all, $_) >= 0 } @{ $gw->{secrets} }),
        'D3 no token, API key or secret');
    ok(!grep({ index($all, (split /\./, $_)[-1]) >= 0 } $business_token,
        $partner_token), 'D3 nor a part of a token');
}

# an upstream that is not there

$gw->upstream->stop;
$gw->good_is(undef);

for my $version (sort keys %ask) {
    error_is("P4.4 $version the upstream is gone", $ask{$version}->('GET',
        "/v1/businesses/$business[0]/x", bearer => $business_token), 502,
        'temporarily_unavailable');
}

cmp_ok(time - $started, '<', 120, 'D10 in good time');
$gw->finish;
