# auth_gateway_intercept_errors: on gives the status to nginx, whose
# error_page and auth_delay then apply; off answers in our own words.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(slurp spew);
use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    log_format result '$http_x_n|$status $auth_gateway_result $uri';
    access_log %%PREFIX%%/logs/result.log result;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_require business;
        auth_gateway_intercept_errors on;

        error_page 400 401 403 404 405 413 503 /errors/problem.json;

        # the raw path is still the one that was ambiguous: the page of a
        # 400 is only shown where that does not matter

        location /errors/ {
            internal;
            auth_gateway_require off;
            auth_gateway_strict_path off;
            alias %%PREFIX%%/html/;
            default_type application/problem+json;
        }

        location /page/ {
            auth_gateway_business_path /page/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /other-status/ {
            error_page 401 403 =418 /errors/problem.json;
            auth_gateway_business_path /other-status/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /named/ {
            error_page 401 403 = @named;
            auth_gateway_business_path /named/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location @named {
            auth_gateway_require off;
            default_type application/json;
            return 401 '{"named":true}';
        }

        location /elsewhere/ {
            error_page 401 https://login.example/;
            auth_gateway_business_path /elsewhere/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /nginx/ {
            error_page 418 /none;
            auth_gateway_business_path /nginx/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /slow/ {
            auth_delay 3s;
            auth_gateway_business_path /slow/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /delayed/ {
            auth_delay 300ms;
            auth_gateway_business_path /delayed/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /guarded-page/ {
            error_page 401 /page/b-1/x;
            auth_gateway_business_path /guarded-page/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /off/ {
            auth_gateway_intercept_errors off;
            auth_gateway_business_path /off/<business_id>;
            auth_delay 1h;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /token {
            auth_gateway_token partner;
        }

        location = /token-off {
            auth_gateway_intercept_errors off;
            auth_gateway_token partner;
        }

        location /mint/ {
            auth_gateway_business_path /mint/<business_id>;
            auth_gateway_token business;
        }
    }
}
CONF

my $page = '{"problem":"see the headers"}';
my $gw = AGW::Gateway->start($conf, before => sub {
    spew("$_[0]/html/problem.json", $page, 0644);
});
my $partner = $gw->partner;
my ($business, $other) = ('b-1', 'b-2');
my $token = $gw->mint(partner_id => 'p-1', business_id => $business);
my $theirs = $gw->mint(partner_id => 'p-1', business_id => $other);
my $unscoped = $gw->mint(partner_id => $partner->{id});
my $now = time;
my $expired = $gw->mint(partner_id => 'p-1', business_id => $business,
    claims => { iat => $now - 20, exp => $now - 10 });

my $bare = 'Bearer realm="auth gateway"';
my $invalid = qr/^\Q$bare\E, error="invalid_token", error_description=/;
my $scope = "$bare, error=\"insufficient_scope\", scope=\"business_access\"";
my $basic = 'Basic realm="auth gateway"';

# each request has a number, by which its line in the access log is found

my $number = 0;

sub get {
    my ($target, $bearer, %opt) = @_;

    $number++;

    return $gw->request($opt{method} // 'GET', $target, bearer => $bearer,
        %opt, headers => ["X-N: $number"]);
}

sub post {
    my ($target, $bearer, %opt) = @_;

    return get($target, $bearer, method => 'POST', %opt);
}

sub logged {
    for (1 .. 100) {
        my ($line) = slurp($gw->prefix . '/logs/result.log')
            =~ /^$number\|(.*)$/m;

        return $line if defined $line;
        select undef, undef, undef, 0.02;
    }

    return 'no line';
}

$gw->good_is(sub {
    return $gw->request('GET', "/page/$business/x", bearer => $token,
        quiet => 1)->status == 200;
});

# Asserts an answer in nginx's words for a refusal of ours: one line in
# each log, the challenge, the page.  status, page, type, log (the whole
# access log line), challenge (string, pattern or undef).

sub handed_over {
    my ($name, $request, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $response = $request->();
    my $access = logged();
    my @problems;
    my @challenges = $response->header('WWW-Authenticate');
    my $challenge = $opt{challenge};

    push @problems, 'status ' . $response->status
        if $response->status != $opt{status};
    push @problems, 'body ' . $response->body
        if ref $opt{page} ? $response->body !~ $opt{page}
            : $response->body ne ($opt{page} // $page);
    push @problems, 'type ' . $response->header('Content-Type')
        if $response->header('Content-Type')
            ne ($opt{type} // 'application/problem+json');
    push @problems, "challenges: @challenges"
        if @challenges != (defined $challenge ? 1 : 0)
            || defined $challenge && (ref $challenge
                ? $challenges[0] !~ $challenge
                : $challenges[0] ne $challenge);
    push @problems, "access log: $access" if $access ne $opt{log};
    push @problems, 'reasons ' . join ' ', map { $_->{reason} } $gw->refusals
        if join(' ', map { $_->{reason} } $gw->refusals) ne $reason;
    push @problems, map { "the upstream received $_->{target}" }
        $gw->upstream_saw;
    push @problems, $gw->problems_after;

    ok(!@problems, $name) or diag(join "\n", @problems);

    return $response;
}

# on: the page, its status, our challenge, our reason in the log

for (
    ['no_credentials', 401, $bare, undef],
    ['expired', 401, $invalid, $expired],
    ['malformed_token', 401, $invalid, 'x'],
    ['wrong_business', 403, $scope, $theirs],
    ['wrong_kind', 403, $scope, $unscoped],
    ['malformed_credentials', 400, "$bare, error=\"invalid_request\"",
        'x y'],
) {
    my ($reason, $status, $challenge, $bearer) = @$_;

    handed_over("D3 on, $reason, error_page",
        sub { get("/page/$business/x", $bearer) }, $reason,
        status => $status, challenge => $challenge,
        log => "$status $reason /errors/problem.json");
}

handed_over('D3 on, no_business_in_path, error_page',
    sub { get('/page/', $token) }, 'no_business_in_path', status => 404,
    log => '404 no_business_in_path /errors/problem.json');
handed_over('D3 on, ambiguous_path, error_page',
    sub { get("/page/$business/..%2fx", $token) }, 'ambiguous_path',
    status => 400, log => '400 ambiguous_path /errors/problem.json');
handed_over('D3 on, insecure_transport, error_page',
    sub { get("/page/$business/x", $token, port => 'PLAIN') },
    'insecure_transport', status => 403,
    log => '403 insecure_transport /errors/problem.json');

handed_over("D3 on, error_page =418, $_->[0]",
    sub { get("/other-status/$business/x", $_->[2]) }, $_->[0],
    status => 418, challenge => $_->[1],
    log => "418 $_->[0] /errors/problem.json")
    for ['no_credentials', $bare], ['wrong_business', $scope, $theirs];

handed_over('D3 on, error_page = @named',
    sub { get("/named/$business/x", $expired) }, 'expired', status => 401,
    challenge => $invalid, page => '{"named":true}', type => 'application/json',
    log => "401 expired /named/$business/x");

{
    my $response = handed_over('D3 on, error_page elsewhere',
        sub { get("/elsewhere/$business/x", undef) }, 'no_credentials',
        status => 302, challenge => $bare, type => 'text/html',
        page => qr/<hr><center>/,
        log => "302 no_credentials /elsewhere/$business/x");

    is($response->header('Location'), 'https://login.example/',
        'D3 on, error_page elsewhere, Location');
}

handed_over('D3 on, without an error_page',
    sub { get("/nginx/$business/x", undef) }, 'no_credentials',
    status => 401, challenge => $bare, type => 'text/html',
    page => qr/<hr><center>/,
    log => "401 no_credentials /nginx/$business/x");

# a page that is guarded itself is nobody's page without a token

{
    my $response = get("/guarded-page/$business/x", undef);

    is_deeply([$response->status,
        map { $_->{target} } $gw->upstream_saw], [401],
        'D6 on, an error_page that is guarded is checked');
    is_deeply([$gw->problems_after], [],
        'D6 on, and then a good request');
}

# auth_delay, which only says when: it is answered, and after others

{
    my $slow = $gw->connect;

    $gw->mark;
    $slow->send("GET /slow/$business/x HTTP/1.1\r\nHost: a\r\n"
        . "X-N: slow\r\n\r\n");

    is(get("/slow/$business/x", $token, quiet => 1)->status, 200,
        'D3 auth_delay, a good request is not held');
    like(logged(), qr/^200 ok /, 'D3 auth_delay, and has its result');

    my $response = $slow->response;

    is_deeply([$response->status, $response->body], [401, $page],
        'D3 auth_delay, then 401 and the page');
    is_deeply([$response->header('WWW-Authenticate')], [$bare],
        'D3 auth_delay, with the challenge');
    is_deeply([map { $_->{reason} } $gw->refusals], ['no_credentials'],
        'D3 auth_delay, one line in the log');

    $number = 'slow';
    is(logged(), '401 no_credentials /errors/problem.json',
        'D3 auth_delay, the result');
    like(slurp($gw->prefix . '/logs/result.log'),
        qr{^\d+\|200 ok /slow/.*^slow\|401 }ms,
        'D3 auth_delay, the refusal was held meanwhile');
    $number = 1000;

    my $next = $slow->request('GET', "/page/$business/x",
        headers => ["Authorization: Bearer $token"]);

    is($next->status, 200, 'D3 auth_delay, the connection goes on');
}

# one that leaves while it is held

{
    my $leaves = $gw->connect;

    $leaves->send("GET /delayed/$business/x HTTP/1.1\r\nHost: a\r\n\r\n");
    select undef, undef, undef, 0.1;
    $leaves->close;
    $gw->mark;
    is_deeply([$gw->problems_after], [],
        'D3 auth_delay, a client that leaves');
}

# answering locations

handed_over('D3 on, token, no credentials',
    sub { post('/token', undef) }, 'no_credentials',
    status => 401, challenge => $basic,
    log => '401 no_credentials /errors/problem.json');
handed_over('D3 on, token, invalid_client',
    sub { post('/token', undef, basic => [$partner->{id}, 'x']) },
    'invalid_client', status => 401, challenge => $basic,
    log => '401 invalid_client /errors/problem.json');

# RFC 9110, section 15.5.6: a 405 always has an Allow

for my $method (qw(GET PUT)) {
    my $response = handed_over("P0.3 on, token, $method",
        sub { get('/token', undef, method => $method) },
        'method_not_allowed', status => 405,
        log => '405 method_not_allowed /errors/problem.json');

    is_deeply([$response->header('Allow')], ['POST'],
        "P0.3 on, token, $method, Allow is kept");
}

handed_over('P0.5 on, token, body_too_large',
    sub { post('/token', undef, form => 'x=' . 'y' x 9000,
        basic => [$partner->{id}, $partner->{key}]) },
    'body_too_large', status => 413,
    log => '413 body_too_large /errors/problem.json');
handed_over('D3 on, mint, no credentials',
    sub { post("/mint/$business", undef) },
    'no_credentials', status => 401, challenge => $bare,
    log => '401 no_credentials /errors/problem.json');
handed_over('D3 on, mint, unknown business',
    sub { post("/mint/$business", $unscoped) },
    'unknown_business', status => 404,
    log => '404 unknown_business /errors/problem.json');

{
    my $response = post('/token', undef,
        basic => [$partner->{id}, $partner->{key}]);

    is_deeply([$response->status, ref $response->json,
        $response->header('WWW-Authenticate')], [200, 'HASH'],
        'D3 on, token, a good request');
}

# P0.5: a body that nobody read is not the next request

my $smuggled = "GET /page/$business/smuggled HTTP/1.1\r\nHost: a\r\n"
    . "Authorization: Bearer $token\r\n\r\n";

for (
    ['guarded', "/page/$business/x", 401, $smuggled],
    ['guarded, named page', "/named/$business/x", 401, $smuggled],
    ['guarded, delayed', "/delayed/$business/x", 401, $smuggled],
    ['token', '/token', 401, $smuggled],
    ['token, too large', '/token', 413, $smuggled x 40],
    ['mint', "/mint/$business", 401, $smuggled],
) {
    my ($name, $target, $status, $body) = @$_;

    for my $how ('length', 'chunked', 'late') {
        # a token location has to wait for a body that it may want

        next if $how eq 'late' && $name eq 'token';

        my $client = $gw->connect;

        $gw->mark;

        my $head = "POST $target HTTP/1.1\r\nHost: a\r\n"
            . "Content-Type: application/x-www-form-urlencoded\r\n"
            . ($how eq 'chunked' ? "Transfer-Encoding: chunked\r\n\r\n"
                : 'Content-Length: ' . length($body) . "\r\n\r\n");

        $client->send($head . ($how eq 'late' ? ''
            : $how eq 'length' ? $body
            : sprintf("%x\r\n%s\r\n0\r\n\r\n", length $body, $body)));

        my $response = $client->response;

        is_deeply([$response && $response->status,
            $response && $response->body],
            [$status, $name =~ /named/ ? '{"named":true}' : $page],
            "P0.5 on, $name, $how");
        $client->send($body) if $how eq 'late';

        if (($response->header('Connection') // '') eq 'close') {
            ok($client->closed, "P0.5 on, $name, $how, closes");

        } else {
            my $next = $client->request('GET', "/page/$business/next",
                headers => ["Authorization: Bearer $token"]);

            is($next && $next->status, 200,
                "P0.5 on, $name, $how, goes on");
        }

        is(scalar(grep { $_->{target} =~ /smuggled/ } $gw->upstream_saw), 0,
            "P0.5 on, $name, $how, is not the next request");
        $client->close;
    }
}

# off: our own words, whatever is configured beside, and without a delay

$gw->refused('D3 off, expired', get("/off/$business/x", $expired),
    'expired');
$gw->refused('D3 off, no credentials', get("/off/$business/x", undef),
    'no_credentials');
$gw->refused('D3 off, wrong business', get("/off/$business/x", $theirs),
    'wrong_business');
$gw->refused('D3 off, ambiguous path',
    get("/off/$business/%2e%2e/x", $token), 'ambiguous_path');
$gw->refused('D3 off, token, method',
    get('/token-off', undef, method => 'GET'), 'method_not_allowed',
    by => 'basic');
$gw->refused('D3 off, token, too large', $gw->request('POST', '/token-off',
    form => 'x=' . 'y' x 9000, basic => [$partner->{id}, $partner->{key}]),
    'body_too_large', by => 'basic');

# a 503 has its Retry-After; the store is lost at the end

$gw->lose_store;

{
    my $response = handed_over('P1.10 on, store_unavailable',
        sub { post('/token', undef,
            basic => [$partner->{id}, $partner->{key}]) },
        'store_unavailable', status => 503,
        log => '503 store_unavailable /errors/problem.json');

    like($response->header('Retry-After') // '(none)', qr/^[1-9][0-9]*$/,
        'P1.10 on, Retry-After is kept');
}

$gw->finish;
