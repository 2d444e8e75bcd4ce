# P4.5: conf/cors.conf, under a real nginx: what pages on other origins may
# read, and that a preflight opens nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy qw(copy);
use Test::More;

use AGW::Files qw(repo_root slurp spew);
use AGW::Gateway;
use AGW::Nginx qw(nginx_t);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    map_hash_bucket_size 128;

    map $http_origin $cors_origin {
        %%LONG%%                  %%LONG%%;
        https://app.example       https://app.example;
        https://app.example:8443  https://app.example:8443;
        http://localhost:3000     http://localhost:3000;
    }

    limit_req_zone $http_x_limited zone=limited:1m rate=1r/m;
    limit_req_status 429;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;

        include json_errors.conf;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /v1/platform/oauth2/token {
            include cors.conf;
            auth_gateway_token partner;
            limit_req zone=limited;
        }

        location ~ ^/v1/platform/[^/]+/oauth2/token/?$ {
            include cors.conf;
            auth_gateway_token business;
            auth_gateway_business_path
                /v1/platform/<business_id>/oauth2/token;
        }

        location /v1/businesses/ {
            include cors.conf;
            include guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /limited/ {
            include cors.conf;
            include guarded_proxy.conf;
            auth_gateway_business_path /limited/<business_id>;
            limit_except GET OPTIONS { auth_gateway_scope write; }
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /limited_more/ {
            include cors.conf;
            include guarded_proxy.conf;
            auth_gateway_business_path /limited_more/<business_id>;
            limit_except GET { auth_gateway_scope write; }
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /terminated/ {
            include terminated.conf;
            include guarded_proxy.conf;
            auth_gateway_require_https $http_x_forwarded_proto;
            auth_gateway_business_path /terminated/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /without/ {
            auth_gateway_business_path /without/<business_id>;
            include guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /intercepted/ {
            include cors.conf;
            auth_gateway_business_path /intercepted/<business_id>;
            auth_gateway_intercept_errors on;
            error_page 401 @login;
        }

        location / {
            return 404;
        }

        location @login {
            include cors_headers.conf;
            add_header X-Page login always;
            return 401 "log in";
        }
    }
}
CONF

# an upstream with CORS of its own, as wrong as can be

# over 46 bytes, with which nginx did not start

my $long = 'https://' . join '.', ('a' x 30) x 3, 'example';

my $gw = AGW::Gateway->start($conf, names => { LONG => $long }, before => sub {
    my ($prefix) = @_;

    for my $name (qw(cors cors_headers guarded_proxy json_errors)) {
        copy(repo_root() . "/conf/$name.conf", "$prefix/$name.conf")
            or die "$name.conf: $!\n";
    }

    # as its comment has it for a load balancer that ends TLS

    spew("$prefix/terminated.conf", slurp("$prefix/cors.conf")
        =~ s/^(set .*)\$https\b/$1\$http_x_forwarded_proto/mr);
}, reply => sub {
    my ($request) = @_;

    return (404, ['Content-Type: text/plain'], 'not here')
        if $request->{target} =~ m{/nothing$};
    return (200, ['Access-Control-Allow-Origin: *',
        'Access-Control-Allow-Credentials: true',
        'Access-Control-Allow-Headers: *', 'Access-Control-Max-Age: 9',
        'Access-Control-Allow-Methods: *',
        'Access-Control-Allow-Private-Network: true',
        'Timing-Allow-Origin: *',
        'Access-Control-Expose-Headers: *'], 'ok');
});

my $partner = $gw->partner;
my @business = map { $gw->business($partner) } 1, 2;
my $partner_token = $gw->mint(partner_id => $partner->{id});
my $token = $gw->mint(partner_id => $partner->{id},
    business_id => $business[0], scope => 'business_access');
my $expired = $gw->mint(partner_id => $partner->{id},
    business_id => $business[0],
    claims => { iat => time - 20, exp => time - 10 });
my $path = "/v1/businesses/$business[0]/x";
my $minting = "/v1/platform/$business[0]/oauth2/token";
my $origin = 'https://app.example';

my @names = ('Timing-Allow-Origin', map { "Access-Control-$_" }
    qw(Allow-Origin Allow-Methods Allow-Headers Max-Age Expose-Headers
    Allow-Credentials Allow-Private-Network));

$gw->good_is(sub {
    return $gw->request('GET', $path, quiet => 1, bearer => $token)
        ->status == 200;
});


# A response with these headers for pages and no others; undef is none, and
# one is never there twice.

sub shares {
    my ($name, $response, $status, $allowed) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my %got = map { $_ => join ' | ', $response->header($_) } @names, 'Vary';

    return is_deeply([$response->status, \%got], [$status, {
        (map { $_ => '' } @names),
        Vary => 'Origin',
        'Access-Control-Allow-Origin' => $allowed // '',
        'Access-Control-Expose-Headers' => 'WWW-Authenticate, Retry-After',
    }], $name) || diag(explain(\%got));
}


# A preflight that is answered: 204, nothing behind it is asked.

sub preflight_is {
    my ($name, $response, $allowed) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my %got = map { $_ => join ' | ', $response->header($_) } @names, 'Vary';

    is_deeply([$response->status, $response->body, \%got], [204, '', {
        (map { $_ => '' } @names),
        'Access-Control-Allow-Origin' => $allowed,
        'Access-Control-Allow-Methods' =>
            'GET, HEAD, POST, PUT, PATCH, DELETE',
        'Access-Control-Allow-Headers' => 'Authorization, Content-Type,'
            . ' Cache-Control, Layer-Locale, Layer-React-Version',
        'Access-Control-Max-Age' => 3600,
        Vary => 'Origin',
    }], $name) || diag(explain(\%got));
    is_deeply([map { $_->{target} } $gw->upstream_saw], [],
        "$name: the upstream saw nothing");
    is_deeply([$gw->refusals(wait => 0)], [],
        "$name: nothing was refused");

    return;
}


# origins: those of the map, to the letter

my @others = ('null', 'NULL', 'https://b.example', 'http://app.example',
    'https://app.example:443', 'https://app.example:84430',
    'https://app.example.evil.example', 'https://evil.app.example',
    'https://app.example/', 'https://app.example ', ' ', '*',
    'https://app.example, https://b.example', 'https://user@app.example',
    'https://app.examplf', '%68ttps://app.example');

for my $known ($origin, "$origin:8443", 'http://localhost:3000', $long) {
    shares("P4.5 $known may read an answer", $gw->request('GET', $path,
        bearer => $token, headers => ["Origin: $known"]), 200, $known);
    shares("P4.5 $known may read a refusal", $gw->request('GET', $path,
        headers => ["Origin: $known"]), 401, $known);
    preflight_is("P4.5 $known is told what it may send", $gw->request(
        'OPTIONS', $path, headers => ["Origin: $known",
            'Access-Control-Request-Method: GET',
            'Access-Control-Request-Headers: authorization']), $known);
}

for my $other (@others) {
    my $trimmed = $other =~ s/^ +| +$//gr eq $origin ? $origin : undef;

    shares("P4.5 <$other> on an answer", $gw->request('GET', $path,
        bearer => $token, headers => ["Origin: $other"]), 200, $trimmed);
    shares("P4.5 <$other> on a refusal", $gw->request('GET', $path,
        headers => ["Origin: $other"]), 401, $trimmed);

    next if $trimmed;

    my $r = $gw->request('OPTIONS', $path, headers => ["Origin: $other",
        'Access-Control-Request-Method: GET']);

    shares("P4.5 <$other> on a preflight", $r, 401);
    is_deeply([$gw->upstream_saw], [], 'P4.5 which goes no further');
}

# written otherwise, it is given back as the map has it

shares('P4.5 an origin is never reflected', $gw->request('GET', $path,
    bearer => $token, headers => ['Origin: HTTPS://APP.EXAMPLE']), 200,
    $origin);
shares('P4.5 without an Origin', $gw->request('GET', $path,
    bearer => $token), 200);
shares('P4.5 without an Origin, refused', $gw->request('GET', $path), 401);


# every kind of answer can be read

for (
    ['expired', [GET => $path, bearer => $expired], 401],
    ['another business', [GET => "/v1/businesses/$business[1]",
        bearer => $token], 403],
    ['wrong kind', [GET => $path, bearer => $partner_token], 403],
    ['malformed', [GET => $path, headers => ['Authorization: Bearer']], 400],
    ['ambiguous', [GET => "$path/..%2f", bearer => $token], 400],
    ['no business', [GET => '/v1/businesses/', bearer => $token], 404],
    ['the upstream\'s own', [GET => "$path/nothing", bearer => $token], 404],
    ['plain HTTP', [GET => $path, bearer => $token, port => 'PLAIN'], 403],
    ['a partner token', [POST => '/v1/platform/oauth2/token',
        basic => [@$partner{qw(id key)}]], 200],
    ['a wrong API key', [POST => '/v1/platform/oauth2/token',
        basic => [$partner->{id}, 'wrong']], 401],
    ['a wrong method', [GET => '/v1/platform/oauth2/token'], 405],
    ['a wrong grant type', [POST => '/v1/platform/oauth2/token',
        basic => [@$partner{qw(id key)}], form => 'grant_type=x'], 400],
    ['a business token', [POST => $minting, bearer => $partner_token], 200],
    ['a business unknown', [POST => '/v1/platform/none/oauth2/token',
        bearer => $partner_token], 404],
    ['an error page', [GET => "/intercepted/$business[0]"], 401],
    ["nginx's own 404", [GET => '/nothing/here'], 404],
    ["nginx's own 413", [POST => $path, bearer => $token,
        headers => ['Content-Length: 9999999']], 413],
) {
    my ($what, $args, $status) = @$_;
    my ($method, $target, %opt) = @$args;

    $opt{headers} = [@{ $opt{headers} // [] }, "Origin: $origin"];
    shares("P4.5 $what", $gw->request($method, $target, %opt), $status,
        $origin);
    $opt{headers}[-1] = 'Origin: https://b.example';
    shares("P4.5 $what, to a stranger",
        $gw->request($method, $target, %opt), $status);
}

{
    my @limited = (headers => ["Origin: $origin", 'X-Limited: 1'],
        basic => [$partner->{id}, 'wrong']);

    $gw->request('POST', '/v1/platform/oauth2/token', @limited);

    my $r = $gw->request('POST', '/v1/platform/oauth2/token', @limited);

    shares('P4.5 too many requests', $r, 429, $origin);
    is(scalar $r->header('Retry-After'), 1, 'P4.5 and when to come back');
}


# preflights: of each location, and with HTTP/2

my @real = ("Origin: $origin", 'Access-Control-Request-Method: PUT');

for my $target ($path, "/v1/businesses/$business[1]",
    '/v1/platform/oauth2/token', $minting, "$minting/")
{
    preflight_is("P4.5 a preflight to $target",
        $gw->request('OPTIONS', $target, headers => \@real), $origin);
}

preflight_is('P4.5 a preflight with a body of no length', $gw->request(
    'OPTIONS', $path, headers => \@real, body => ''), $origin);

{
    my $client = $gw->connect_h2;

    $gw->mark;
    preflight_is('P4.5 a preflight over HTTP/2', $client->request('OPTIONS',
        $path, headers => [['origin', $origin],
            ['access-control-request-method', 'DELETE']]), $origin);
    $client->close;
}


# what only looks like one is checked like every request

my %fakes = (
    'without a method' => [$real[0]],
    'with an empty method' => [$real[0], 'Access-Control-Request-Method:'],
    'with two methods' => [$real[0],
        'Access-Control-Request-Method: PUT, GET'],
    'with a method and a word' => [$real[0],
        'Access-Control-Request-Method: PUT GET'],
    'with an origin in its method' => ['Access-Control-Request-Method:'
        . " $origin PUT"],
    'without Origin' => [$real[1]],
    'with an empty Origin' => ['Origin:', $real[1]],
    'with credentials' => [@real, 'Authorization: Basic eDp5'],
    'with colons for credentials' => [@real, 'Authorization: ::'],
    'with a colon for credentials' => [@real, 'Authorization: :'],
);

for my $what (sort keys %fakes) {
    for my $target ($path, "/without/$business[0]") {
        my $r = $gw->request('OPTIONS', $target, headers => $fakes{$what});

        $gw->refused("P4.5 OPTIONS $what, $target", $r, 'no_credentials');
    }

    my $r = $gw->request('OPTIONS', '/v1/platform/oauth2/token',
        headers => $fakes{$what});

    $gw->refused("P4.5 OPTIONS $what, for a partner token", $r,
        'method_not_allowed', by => 'basic');
}

$gw->refused('P4.5 OPTIONS with a body', $gw->request('OPTIONS', $path,
    headers => \@real, body => 'x'), 'no_credentials');
$gw->refused('P4.5 OPTIONS with a body in chunks', $gw->request('OPTIONS',
    $path, headers => [@real, 'Transfer-Encoding: chunked'],
    no_length => 1, body => "1\r\nx\r\n0\r\n\r\n"), 'no_credentials');
$gw->refused('P4.5 OPTIONS with a bad token', $gw->request('OPTIONS', $path,
    headers => \@real, bearer => 'a.b'), 'malformed_token');

for my $method (qw(GET POST PUT PATCH DELETE HEAD)) {
    $gw->refused("P4.5 $method like a preflight", $gw->request($method,
        $path, headers => \@real), 'no_credentials', method => $method);
}

# with a token it is a request like any other

{
    my $r = $gw->request('OPTIONS', $path, headers => \@real,
        bearer => $token);

    is($r->status, 200, 'P4.5 OPTIONS with a token is let through');
    is_deeply([map { $_->{method} } $gw->upstream_saw], ['OPTIONS'],
        'P4.5 to the upstream');
}

# Over plain HTTP a preflight was answered, and the page then sent its token
# in clear text.

for my $target ($path, '/v1/platform/oauth2/token', $minting) {
    my $r = $gw->request('OPTIONS', $target, headers => \@real,
        port => 'PLAIN');

    shares("P0.6 a preflight over plain HTTP, $target", $r, 403, $origin);
    $gw->refused('P0.6 it is refused', $r, 'insecure_transport',
        by => $target =~ /oauth2/ ? 'basic' : 'bearer');
}

# behind a load balancer that ends TLS, its header decides

for my $proto ('https', 'HTTPS', 'on', '1') {
    preflight_is("P0.6 a preflight, X-Forwarded-Proto $proto",
        $gw->request('OPTIONS', "/terminated/$business[0]",
            headers => [@real, "X-Forwarded-Proto: $proto"],
            port => 'PLAIN'), $origin);
}

for my $proto ('', 'http', 'off', 'https ,http', 'httpss', 'xon', '11',
    "on OPTIONS $origin PUT ::0")
{
    $gw->refused("P0.6 a preflight, X-Forwarded-Proto <$proto>",
        $gw->request('OPTIONS', "/terminated/$business[0]",
            headers => [@real, "X-Forwarded-Proto: $proto"]),
        'insecure_transport');
}

# The block of a limit_except has none of the location's preflight: OPTIONS
# must stay out of it.

preflight_is('P4.5 a preflight beside limit_except', $gw->request('OPTIONS',
    "/limited/$business[0]", headers => \@real), $origin);
shares('P4.5 what limit_except lets through', $gw->request('GET',
    "/limited/$business[0]", bearer => $token,
    headers => ["Origin: $origin"]), 200, $origin);

{
    my $r = $gw->request('PUT', "/limited/$business[0]", bearer => $token,
        headers => ["Origin: $origin"]);

    shares('P4.5 what limit_except refuses', $r, 403, $origin);
    $gw->refused('P4.5 it is refused', $r, 'insufficient_scope',
        scope => 'write');
}

$gw->refused('P4.5 a preflight within limit_except', $gw->request('OPTIONS',
    "/limited_more/$business[0]", headers => \@real), 'no_credentials',
    scope => 'write');

# An error page answered a preflight as if it had succeeded, without a body.

{
    my $r = $gw->request('OPTIONS', '/nothing/here', headers => \@real);

    shares('P4.5 a preflight that ends in an error page', $r, 404, $origin);
    is($r->json->{error}, 'not_found', 'P4.5 and has its body');
    $r = $gw->request('OPTIONS', "/intercepted/$business[0]",
        headers => [@real, 'Content-Length: 1'], body => 'x',
        no_length => 1);
    shares('P4.5 one with a body, in a page of ours', $r, 401, $origin);
    is($r->body, 'log in', 'P4.5 and has its body');
}

# where the file is not included there is no preflight, and no sharing

$gw->refused('P4.5 a preflight elsewhere', $gw->request('OPTIONS',
    "/without/$business[0]", headers => \@real), 'no_credentials');

# it is answered before the path is looked at, and goes nowhere

preflight_is('P4.5 a preflight to an ambiguous path', $gw->request('OPTIONS',
    "/v1/businesses/$business[1]/..%2f$business[0]", headers => \@real),
    $origin);


# without its store

{
    $gw->lose_store;

    for my $asks ([POST => '/v1/platform/oauth2/token',
        basic => [@$partner{qw(id key)}]],
        [POST => $minting, bearer => $partner_token])
    {
        my $r = $gw->request(@$asks, headers => ["Origin: $origin"]);

        shares("P4.5 without the store, $asks->[1]", $r, 503, $origin);
        like($r->header('Retry-After') // '(none)', qr/^[1-9][0-9]*$/,
            'P4.5 and when to come back');
    }

    $gw->find_store;
}


# The maps that people copy: with the default bucket size a long origin kept
# nginx from starting.  It is read before the first map, or is a duplicate.

for my $file (qw(conf/nginx.conf conf/README.md)) {
    my $text = slurp(repo_root() . "/$file")
        =~ s/\A.*^## Web pages on other origins$//msr;
    my ($first) = $text =~ /^ *(map(?:_hash_bucket_size \d+;| \$))/m;
    my @maps = $text =~ /^ *(map \$.*?\n *\})/msg;

    for ([$first, 0], ['', 1]) {
        my ($code, $said) = nginx_t("http {\n" . join("\n", $_->[0],
            map { s/https:[^; ]*/$long/gr } @maps) . "\n}\n");

        is($code, $_->[1], "P4.5 $file, a long origin, <$_->[0]>")
            or diag($said);
    }
}

$gw->finish;
