# P4.5, D10: conf/nginx.conf serves web pages: a page on a listed origin reads
# every answer of the gateway, whatever it is and whoever gives it, and sees a
# network error for none.  How that file is started is in AGW::Demo.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Demo qw($token_path);
use AGW::Files qw(random_id repo_root slurp);

my $origin = 'https://app.example';
my $stranger = 'https://b.example';

# A location whose upstream answers too late, beside the others of the file;
# elsewhere it has CORS of its own.

my $late = <<'CONF';
        location /late/ {
            auth_gateway_business_path /late/<business_id>;
            include cors.conf;
            include guarded_proxy.conf;
            proxy_read_timeout 1s;
            proxy_pass http://accounting-api;
        }


CONF

my $gw = AGW::Demo->start(
    origin => $origin,
    changes => [[qr/(?= {8}# Nothing else is here)/, $late]],
    reply => sub {
        my ($request) = @_;

        return (404, ['Content-Type: text/html'], "the API's own\n")
            if $request->{target} =~ m{/nothing$};

        sleep 4 if $request->{target} =~ m{^/late/};

        return (200, ['Access-Control-Allow-Origin: *', 'Vary: Accept',
            'Access-Control-Allow-Credentials: true'], 'ok');
    },
);

my ($id, $key) = @$gw{qw(id key)};
my @business = @{ $gw->{businesses} };
my %mint = (partner_id => $id, claims => {
    iss => 'https://127.0.0.1:8443', aud => 'accounting-api' });

$gw->obtain_tokens;

my ($partner_token, $token) = @$gw{qw(partner_token business_token)};
my $expired = $gw->mint(partner_id => $id, business_id => $business[0],
    claims => { %{ $mint{claims} }, iat => time - 20, exp => time - 10 });


# once each, and of the gateway's map

sub readable {
    my ($name, $response, $status) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is_deeply([$response && $response->status, headers_of($response)],
        [$status, { 'Access-Control-Allow-Origin' => [$origin],
            'Access-Control-Expose-Headers' =>
                ['WWW-Authenticate, Retry-After'],
            'Access-Control-Allow-Credentials' => [],
            Vary => ['Origin'] }], "P4.5 readable: $name")
        || diag($response ? $response->body : 'no response');
}


# ... and to no other page

sub closed {
    my ($name, $response, $status) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $headers = headers_of($response);

    return is_deeply([$response && $response->status,
        $headers->{'Access-Control-Allow-Origin'}], [$status, []],
        "P4.5 closed: $name");
}


sub headers_of {
    my ($response) = @_;

    return {} unless $response;

    return { Vary => [grep { $_ ne 'Accept' } $response->header('Vary')],
        map { $_ => [$response->header("$_")] }
        map { "Access-Control-$_" }
        qw(Allow-Origin Allow-Credentials Expose-Headers) };
}


# each answer, by HTTP/1.1 and HTTP/2: [name, status, method, target, options]

my @json = (headers => ['Content-Type: application/json']);
my @guarded = ("/v1/businesses/$business[0]",
    "/v1/platform/businesses/$business[0]",
    "/v1/platform/transaction-categories/$business[0]");
my $other = $gw->business($gw->partner);
my @answers = (
    (map {
        my $path = $_;
        my $theirs = $path =~ s/\Q$business[0]\E/$other/r;

        map { [$_->[0] . " $path", @$_[1 .. $#$_]] } (
            ['a good answer', 200, GET => $path, bearer => $token],
            ['to a PUT', 200, PUT => "$path/x", bearer => $token, @json,
                body => '{}'],
            ['to its owner', 200, GET => "$path/x", bearer => $partner_token],
            ['no token', 401, GET => $path],
            ['an expired one', 401, GET => $path, bearer => $expired],
            ['a malformed header', 400, GET => $path,
                headers => ['Authorization: Bearer']],
            ['another business', 403, GET => $theirs, bearer => $token],
            ['another\'s, for a partner', 404, GET => $theirs,
                bearer => $partner_token],
            ['an ambiguous path', 400, GET => "$path/..%2f",
                bearer => $token],
            ['the upstream\'s 404', 404, GET => "$path/nothing",
                bearer => $token],
            ['a large body', 413, POST => "$path/x", bearer => $token,
                end => 0, headers => ['Content-Length: 99999999']],
            ['no business', $path =~ m{/platform/businesses/} ? 403 : 404,
                GET => $path =~ s{[^/]+$}{}r, bearer => $token],
        );
    } @guarded),
    (map { ["nothing there, $_", 404, GET => $_] } '/', '/v1',
        '/v1/businesses', '/v1/platform', '/v2/x', '/favicon.ico',
        "/v1/platform/unknown/$business[0]", '/errors/unreadable',
        '/v1/platform/transaction-categories',
        '/api/v1/product-pricing/tiers/', '/v1/businessesx/1'),
    ['nothing there, posted', 404, POST => '/api/v1/product-pricing/tiers/',
        @json, body => '{}'],
    ['nothing there, with a token', 404, GET => '/v1/nobody',
        bearer => $token],
    ['public', 200, GET => '/health'],
    ['the keys', 200, GET => '/.well-known/jwks.json'],
    ['the keys, posted to', 405, POST => '/.well-known/jwks.json'],
    ['the metadata', 200, GET => '/.well-known/oauth-authorization-server'],
    ['that of the resource', 200,
        GET => '/.well-known/oauth-protected-resource'],
    ['for partners', 200, GET => '/v1/platform/businesses/',
        bearer => $partner_token],
    ['for partners, a business token', 403,
        GET => '/v1/platform/businesses', bearer => $token],
    ['a partner token', 200, POST => "$token_path/", basic => [$id, $key]],
    ['a wrong API key', 401, POST => $token_path, basic => [$id, 'wrong']],
    ['a wrong method', 405, GET => $token_path],
    ['a large token request', 413, POST => $token_path, basic => [$id, $key],
        form => 'x=' . 'a' x 9000],
    ['a token request that nginx refuses', 413, POST => $token_path,
        basic => [$id, $key], end => 0,
        headers => ['Content-Length: 99999999']],
    ['a business token', 200,
        POST => "/v1/platform/$business[0]/oauth2/token/",
        bearer => $partner_token],
    ['a business unknown', 404,
        POST => '/v1/platform/' . random_id() . '/oauth2/token',
        bearer => $partner_token],
    ['Layer\'s business token', 200,
        POST => "/v1/businesses/$business[0]/auth-token", @json,
        body => '{"session_duration":"900"}', bearer => $partner_token],
    ['Layer\'s, with a business token', 403,
        POST => "/v1/businesses/$business[0]/auth-token/", bearer => $token],
);
my %ask = $gw->ways;

for my $version (sort keys %ask) {
    for my $answer (@answers) {
        my ($name, $status, $method, $target, %opt) = @$answer;
        my @lines = @{ $opt{headers} // [] };

        $gw->rest(2) if $target =~ /token/;

        readable("$version $name", $ask{$version}->($method, $target, %opt,
            headers => [@lines, "Origin: $origin"]), $status);
        closed("$version $name", $ask{$version}->($method, $target, %opt,
            headers => [@lines, "Origin: $stranger"]), $status);
    }
}


# before there is a location: what nginx cannot read, a method that it does not
# serve, another host

sub raw {
    my ($request, @lines) = @_;

    return $gw->raw('TLS', join "\r\n", "$request HTTP/1.1",
        "Origin: $origin", @lines, '', '');
}

my @host = ('Host: localhost');

readable('a request without Host', raw('GET /health'), 400);
readable('two Authorizations', raw('GET /health', @host,
    'Authorization: a', 'Authorization: b'), 400);
readable('TRACE', raw('TRACE /health', @host), 405);
readable('another host', raw('GET /health', 'Host: example.com'), 421);
readable('another host, a preflight\'s request',
    raw('PUT /v1/x', 'Host: example.com'), 421);

$gw->error_is("P0.3 nginx's own 405", raw('TRACE /health', @host), 405,
    'invalid_request');


# too many requests: all are sent before the first answer is read, so that a
# slow machine is not slower than the limit

{
    $gw->rest;

    my @clients = map { $gw->connect } 1 .. 18;

    $_->send(join "\r\n", "POST /v1/platform/$business[0]/oauth2/token/"
        . ' HTTP/1.1', 'Host: localhost', "Origin: $origin",
        'Content-Length: 0', AGW::Gateway::bearer($partner_token), '', '')
        for @clients;

    my ($limited) = grep { $_ && $_->status == 429 }
        map { $_->response } @clients;

    $_->close for @clients;

    readable('too many requests', $limited, 429);
    is($limited && $limited->header('Retry-After'), 1,
        'P4.5 and when to come back');
    $gw->rest;
}


# Preflights: every path but those of backends, also one that is not there.
# Its answer was a 404, so that a page took it for a network that is down.

my @real = ('Access-Control-Request-Method: GET',
    'Access-Control-Request-Headers: authorization,content-type');

for my $target ((map { $_, "$_/x" } @guarded), $token_path, "$token_path/",
    "/v1/platform/$business[0]/oauth2/token/",
    "/v1/businesses/$business[0]/auth-token", '/v1/platform/businesses',
    '/v1/platform/businesses/', '/health', '/.well-known/jwks.json',
    '/.well-known/oauth-authorization-server',
    '/.well-known/oauth-protected-resource', '/', '/v1/businesses',
    '/v1/platform/transaction-categories', '/api/v1/product-pricing/tiers/',
    "/v1/platform/unknown/$business[0]")
{
    for my $version (sort keys %ask) {
        my $r = $ask{$version}->('OPTIONS', $target,
            headers => [@real, "Origin: $origin"]);

        is_deeply([$r->status, $r->header('Access-Control-Allow-Origin')],
            [204, $origin], "P4.5 $version a preflight to $target");
        $r = $ask{$version}->('OPTIONS', $target,
            headers => [@real, "Origin: $stranger"]);
        isnt($r->status, 204, "P4.5 $version a stranger's to $target");
        is_deeply([$r->header('Access-Control-Allow-Origin')], [],
            'P4.5 is not answered');
    }
}

is(scalar $gw->upstream_saw, 0, 'P4.5 and nothing is forwarded');


# those of backends are closed to pages

for my $target ('/v1/platform/oauth2/revoke/',
    '/v1/platform/oauth2/introspect/',
    "/v1/platform/$business[0]/oauth2/revoke/")
{
    $gw->rest(2);

    my $r = $gw->request('OPTIONS', $target,
        headers => [@real, "Origin: $origin"]);

    is($r->status, 405, "P4.5 no preflight to $target");
    is_deeply([$r->header('Access-Control-Allow-Origin')], [],
        'P4.5 which no page reads');
    closed($target, $gw->request('POST', $target, form => 'token=x',
        headers => ["Origin: $origin"]), 401);
}


# In both files, the locations that no page reads are these and no more: what
# is added later has to say which it is.

sub locations_without_cors {
    my ($file) = @_;

    my ($server) = grep { /^ {8}ssl_certificate /m }
        split /^(?= {4}server \{)/m, slurp(repo_root() . "/conf/$file");
    my @found;

    while (($server // '') =~ /^ {8}location (\N+?) \{\n(.*?)^ {8}\}\n/msg) {
        my ($name, $text) = ($1, $2);

        push @found, $name unless $text =~ /^ +include cors\.conf;$/m;
    }

    return [sort @found];
}

my @backends = ('~ ^/v1/platform/[^/]+/oauth2/revoke/?$',
    '~ ^/v1/platform/oauth2/introspect/?$',
    '~ ^/v1/platform/oauth2/revoke/?$');

is_deeply(locations_without_cors('nginx.conf'), [@backends],
    'P4.5 what pages cannot read in nginx.conf');
is_deeply(locations_without_cors('fleet.conf'), [sort @backends,
    '~ ^/v1/platform/oauth2/token/?$'],
    'P4.5 what pages cannot read in fleet.conf');


# Clients look for the documents at the same places in both.

for my $file (qw(nginx.conf fleet.conf)) {
    like(slurp(repo_root() . "/conf/$file"), qr/^ {8}location = \Q$_\E \{$/m,
        "P8a.2 $file has $_")
        for map { "/.well-known/$_" } qw(jwks.json oauth-protected-resource
            oauth-authorization-server);
}


# The administration has none of it, whoever asks.

for my $port ('PLAIN2') {
    for my $target ('/status', '/metrics') {
        closed("$port $target", $gw->request('GET', $target, port => $port,
            headers => ["Origin: $origin"]), 200);
    }
}


# A page of Layer's that has its partner's API key: what a partner token opens
# under /v1/businesses/, and what it does not.

my %owner = (partner => $id, kid => $gw->{kid}, format => 'layer');

{
    my $r = $gw->request('GET', "/v1/businesses/$business[1]/x",
        bearer => $partner_token);

    is($r->status, 200, 'D3 a partner token opens its partner\'s business');
    is_deeply([map { @{ $_->{headers} }{qw(x-partner-id x-business-id
        authorization)} } $gw->upstream_saw],
        [[$id], [$business[1]], undef], 'P4.6 under the name of both');

    my $archived = $gw->business($id, status => 'archived');
    my $disabled = $gw->partner(status => 'disabled');
    my $asleep = $gw->business($disabled->{id});

    $gw->refused("D3 a partner token for $_->[0]", $gw->request('GET',
        "/v1/businesses/$_->[1]/x", bearer => $partner_token),
        $_->[2], %owner) for
        ['another partner\'s business', $other, 'not_owner'],
        ['an unknown one', random_id(), 'unknown_business'],
        ['an archived one', $archived, 'archived_business'];
    $gw->refused('D3 a disabled partner\'s token', $gw->request('GET',
        "/v1/businesses/$asleep/x", bearer => $gw->mint(%mint,
            partner_id => $disabled->{id})), 'revoked', %owner,
        partner => $disabled->{id});
    $gw->refused('P4.2 a business token is still for its business alone',
        $gw->request('GET', "/v1/businesses/$business[1]/x",
            bearer => $token), 'wrong_business', %owner);
}


# an upstream that is late, then one that is gone

readable('the upstream is late', $gw->request('GET', "/late/$business[0]",
    bearer => $token, headers => ["Origin: $origin"]), 504);

$gw->upstream->stop;
$gw->good_is(undef);

for my $version (sort keys %ask) {
    readable("$version the upstream is gone $_", $ask{$version}->('GET', $_,
        bearer => $token, headers => ["Origin: $origin"]), 502)
        for @guarded, '/health';
}

$gw->finish;
