# P0: what holds for every answer of the module's own, wherever it is given.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(encode_base64);
use Test::More;

use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        client_max_body_size 10m;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }

        location /token/ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /gone/ {
            auth_gateway_require off;
            proxy_request_buffering off;
            proxy_http_version 1.1;
            proxy_pass http://127.0.0.1:1;
            error_page 502 = @guarded;
        }

        location @guarded {
            auth_gateway_require business;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /open/ {
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf,
    allow => [qr/connect\(\) failed .* upstream: "http:..127.0.0.1:1/]);
my $partner = $gw->partner;
my ($id, $key) = @$partner{qw(id key)};
my $business = $gw->business($partner);
my $here = "/v1/businesses/$business";

my $basic = AGW::Gateway::basic($id, $key);
my $ours = AGW::Gateway::bearer($gw->mint(partner_id => $id));
my $good = AGW::Gateway::bearer($gw->mint(partner_id => $id,
    business_id => $business));
my $form = 'Content-Type: application/x-www-form-urlencoded';
my $multipart = 'Content-Type: multipart/form-data; boundary=b';

sub ask {
    my ($method, $target, $lines, $body) = @_;

    return $gw->request($method, $target, headers => $lines,
        body => $body);
}

$gw->good_is(sub {
    return $gw->request('GET', "$here/good", headers => [$good],
        quiet => 1)->status == 200;
});

# name, status, challenge or undef, request

my $bearer = 'Bearer realm="auth gateway"';
my $malformed = "$bearer, error=\"invalid_request\"";

my @answers = (
    ['a partner token', 200, undef, 'POST', '/token', [$basic]],
    ['a business token', 200, undef, 'POST', "/token/$business", [$ours]],
    ['a malformed Bearer header', 400, $malformed, 'GET', "$here/x",
        ['Authorization: Bearer a b']],
    ['an empty Bearer header', 400, $malformed, 'GET', "$here/x",
        ['Authorization: Bearer']],
    ['a malformed Bearer header, minting', 400, $malformed, 'POST',
        "/token/$business", ['Authorization: Bearer "x"']],
    ['a malformed Basic header', 400, undef, 'POST', '/token',
        ['Authorization: Basic !']],
    ['a Basic header without a colon', 400, undef, 'POST', '/token',
        ['Authorization: Basic eA==']],
    ['an ambiguous path', 400, undef, 'GET', "$here/..%2fx", [$good]],
    ['an ambiguous path, unguarded', 400, undef, 'GET', '/open/..%2fx', []],
    ['an ambiguous path, minting', 400, undef, 'POST', '/token/a%20b',
        [$ours]],
    ['a grant type', 400, undef, 'POST', '/token', [$basic, $form],
        'grant_type=password'],
    ['a scope', 400, undef, 'POST', '/token', [$basic, $form], 'scope=x'],
    ['a repeated parameter', 400, undef, 'POST', '/token', [$basic, $form],
        'x=1&x=1'],
    ['two ways to authenticate', 400, undef, 'POST', '/token',
        [$basic, $form], "client_id=$id&client_secret=x"],
    ['a secret in the query', 400, undef, 'POST', '/token?client_secret=x',
        [$basic]],
    ['no JSON', 400, undef, 'POST', '/token',
        [$basic, 'Content-Type: application/json'], 'x'],
    ['another type', 400, undef, 'POST', "/token/$business",
        [$ours, 'Content-Type: text/plain'], 'x'],
    ['a session_duration', 400, undef, 'POST', "/token/$business",
        [$ours, $form], 'session_duration=0'],
    ['a wrong key', 401, 'Basic realm="auth gateway"', 'POST', '/token',
        [AGW::Gateway::basic($id, 'wrong')]],
    ['nothing', 401, $bearer, 'GET', "$here/x", []],
    ['another business', 403,
        "$bearer, error=\"insufficient_scope\", scope=\"business_access\"",
        'GET', '/v1/businesses/other/x', [$good]],
    ['an unknown business', 404, undef, 'POST', '/token/other', [$ours]],
    ['a wrong method', 405, undef, 'PUT', '/token', [$basic]],
    ['a long body', 413, undef, 'POST', '/token', [$basic, $form],
        'x=' . 'a' x 9000],
);

for (@answers) {
    my ($name, $status, $challenge, @request) = @$_;
    my $response = ask(@request);
    my $json = $response->json;

    is($response->status, $status, "P0.1 $name");
    is_deeply([map { $response->header($_) } 'Content-Type',
        'Cache-Control', 'Pragma'],
        ['application/json', 'no-store', 'no-cache'],
        "P0.1 $name, its headers");
    is_deeply([$response->header('WWW-Authenticate')],
        [defined $challenge ? $challenge : ()], "P0.7 $name, its challenge");

    if ($status == 200) {
        $gw->keep_secret($json->{access_token});
        next;
    }

    is_deeply([grep {
        ($json->{$_} // '') !~ /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/
    } qw(error error_description)], [], "P0.2 $name, both members")
        or diag($response->body);
}

# P0.2: no part of a request is in the answer

{
    my $echo = 'eChO7q';

    for (['the query', 'POST', "/token?$echo=$echo", []],
        ['a path', 'GET', "/v1/businesses/$echo/..%2f$echo", [$good]],
        ['a business', 'POST', "/token/$echo", [$ours]],
        ['another business', 'GET', "/v1/businesses/$echo/x", [$good]],
        ['a method', $echo =~ s/[^A-Z]/X/gir, '/token', []],
        ['a scheme', 'POST', '/token', ["Authorization: $echo x"]],
        ['a Bearer token', 'GET', "$here/x", ["Authorization: Bearer $echo"]],
        ['a malformed header', 'GET', "$here/x",
            ["Authorization: Bearer $echo x"]],
        ['an id and a key', 'POST', '/token',
            ['Authorization: Basic ' . encode_base64("$echo:$echo", '')]],
        ['a header', 'GET', "$here/x", ["X-$echo: $echo", "Origin: $echo"]],
        ['a type', 'POST', '/token', [$basic, "Content-Type: text/$echo"],
            'x'],
        ['a grant type', 'POST', '/token', [$basic, $form],
            "grant_type=$echo"],
        ['a scope', 'POST', '/token', [$basic, $form], "scope=$echo"],
        ['a client_id', 'POST', '/token', [$basic, $form],
            "client_id=$echo"],
        ['a repeated name', 'POST', '/token', [$basic, $form],
            "$echo=1&$echo=1"],
        ['JSON', 'POST', '/token',
            [$basic, 'Content-Type: application/json'], "{\"$echo\": $echo"],
        ['a part', 'POST', '/token', [$basic, $multipart],
            "--b\r\nX: $echo\r\n\r\n$echo\r\n--b--"],
        ['a session_duration', 'POST', "/token/$business", [$ours, $form],
            "session_duration=$echo"])
    {
        my ($name, @request) = @$_;
        my $response = ask(@request);

        cmp_ok($response->status, '>=', 400, "P0.2 $name is refused");
        unlike($response->same_bytes, qr/\Q$echo/i,
            "P0.2 $name is not echoed");
    }
}

# P0.3: on guarded paths every method is checked alike

for my $method (qw(GET HEAD OPTIONS POST PUT PATCH DELETE PROPFIND FOO)) {
    $gw->refused("P0.3 $method on a guarded path, no token",
        ask($method, "$here/x", []), 'no_credentials', method => $method);
    $gw->refused("P0.3 $method on a guarded path, another business",
        ask($method, '/v1/businesses/other/x', [$good]), 'wrong_business',
        method => $method);
}

# P0.5: what follows a body that cannot be read is no request

for (['no chunk', ''], ['a chunk cut short', "5\r\nabc"],
    ['a good chunk before it', "1\r\nx\r\n"])
{
    my ($name, $before) = @$_;
    my $client = $gw->connect;

    $gw->mark;
    $client->send(join "\r\n", 'POST /token HTTP/1.1', 'Host: localhost',
        $basic, $form, 'Transfer-Encoding: chunked', '', $before
        . "GET $here/smuggled HTTP/1.1", 'Host: localhost', $good, '', '');

    my $response = $client->response;

    is($response->header('Connection'), 'close', "P0.5 $name, says so");
    ok($client->closed, "P0.5 $name, closes");
    $gw->refused("P0.5 $name, is refused", $response, 'invalid_request',
        by => 'basic');
    $client->close;
}

# one that grows too long is not waited for

{
    my $client = $gw->connect;

    $gw->mark;
    $client->send(join "\r\n", 'POST /token HTTP/1.1', 'Host: localhost',
        $basic, $form, 'Transfer-Encoding: chunked', '',
        sprintf("%x", 9000), 'x=' . 'a' x 8995);

    my $response = $client->response;

    is($response->header('Connection'), 'close',
        'P0.5 a chunked body over 8 KB, says that it closes');
    $gw->refused('P0.5 a chunked body over 8 KB', $response,
        'body_too_large', by => 'basic');
    $client->close;
}

# and one that says how long it is, not asked for

{
    my $client = $gw->connect;

    $gw->mark;
    $client->send(join "\r\n", 'POST /token HTTP/1.1', 'Host: localhost',
        $basic, $form, 'Content-Length: 8193', 'Expect: 100-continue', '',
        '');

    my $response = eval { $client->response(timeout => 3) };

    is($response && $response->{interim}, 0,
        'P0.5 Content-Length over 8 KB, no 100');
    $gw->refused('P0.5 Content-Length over 8 KB', $response,
        'body_too_large', by => 'basic');
    $client->close;
}

# one that another location had begun to read

{
    my $client = $gw->connect;

    $gw->mark;
    $client->send(join "\r\n", 'POST /gone/x HTTP/1.1', 'Host: localhost',
        'Content-Length: 100', '', 'half a body');

    my $response = $client->response;

    is($response->header('Connection'), 'close',
        'P0.5 a body that was begun, says that it closes');
    $gw->refused('P0.5 a body that was begun', $response, 'no_credentials');
    $client->close;
}

# P0.7: an answer that was let through has what any other has

{
    my @names = map {
        [sort map { lc $_->[0] } @{ $_->{headers} }]
    } ask('GET', '/open/x', []), ask('GET', "$here/x", [$good]);

    is_deeply($names[1], $names[0], 'P0.7 nothing is added to an answer');
    is_deeply([grep { /authenticate|auth-?gateway/ } @{ $names[1] }], [],
        'P0.7 least of all a challenge');
}

$gw->finish;
