# P11.6, explain: which check refuses a token and a path, and what was
# compared.  What it says is what the gateway then does: each case is asked
# about, and sent.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Admin;
use AGW::Command qw(no_command);
use AGW::Files qw(slurp write_secret);
use AGW::Metrics qw(scrape until_scraped);
use AGW::Skip qw(skip_for);
use AGW::Token qw(claims_of);

my @order = qw(transport path credentials size structure key algorithm
    signature claims time issuer audience certificate revocation kind scope
    business);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_key %%PREFIX%%/second.key kid=k2 alg=HS384 verify;
    auth_gateway_key %%PREFIX%%/other.key kid=o1 alg=HS256 verify
                     issuer=https://other.example;
    auth_gateway_issuer https://issuer.example;
    auth_gateway_audience api;
    auth_gateway_admin_log logs/admin.log;

    log_format result '$http_x_row|$auth_gateway_result|';

    server {
        listen unix:%%PREFIX%%/admin.sock;
        location /admin/ { auth_gateway_admin write %%UID%%; }
        location /read/ { auth_gateway_admin read %%UID%%; }
    }

    server {
        listen 127.0.0.1:%%PLAIN2%%;
        location = /metrics { auth_gateway_metrics; }
    }

    server {
        listen 127.0.0.1:%%TLS%% ssl default_server;
        listen 127.0.0.1:%%PLAIN%%;
        server_name api.example www.example *.wild.example;
        access_log %%PREFIX%%/logs/result.log result;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;

            location ~ \.pdf$ {
                auth_gateway_scope pdf;
                proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            }

            limit_except GET {
                auth_gateway_scope write;
            }
        }

        location /owner/ {
            auth_gateway_require business owner;
            auth_gateway_business_path /owner/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /partners/ {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /reports/ {
            auth_gateway_require partner;
            auth_gateway_scope business_access reports:read;

            limit_except GET {
                auth_gateway_scope reports:write;
            }

            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /scoped/ {
            auth_gateway_require business owner;
            auth_gateway_business_path /scoped/<business_id>;
            auth_gateway_scope business_access read;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /open/ {
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /shadow/ {
            auth_gateway_business_path /shadow/<business_id>;
            auth_gateway_enforce log;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /plain/ {
            auth_gateway_require_https off;
            auth_gateway_business_path /plain/<business_id>;
            satisfy any;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /dav/ {
            auth_gateway_business_path /dav/<business_id>;
            root %%PREFIX%%/www;
        }

        location = /dav {
            auth_gateway_require partner;
            root %%PREFIX%%/www;
        }

        location /inside/ {
            internal;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /loose/ {
            auth_gateway_require off;
            auth_gateway_strict_path off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /header/ {
            auth_gateway_business_path /header/<business_id>;
            auth_gateway_require_https $http_x_secure;
            auth_gateway_enforce $arg_enforce;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # a location that requires nothing itself is not opened by its server

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        server_name ~^second(\d+)\.example$;
        access_log %%PREFIX%%/logs/result.log result;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location /v1/ {
            location /v1/businesses/ {
                auth_gateway_require business;
                proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            }
        }

        location ~ \.pdf$ { proxy_pass http://127.0.0.1:%%UPSTREAM%%; }
    }
}
CONF

my $admin = AGW::Admin->start(conf => $conf, workers => 1, before => sub {
    write_secret("$_[0]/$_.key") for qw(second other);
});
my $partner = $admin->partner;
my $id = $partner->{id};
my $business = $admin->business($partner);
my $archived = $admin->business($partner, status => 'archived');
my $theirs = $admin->business($admin->partner);
my %ours = (iss => 'https://issuer.example', aud => 'api');
my $now = time;

$admin->good_is(sub { $admin->ask('POST', 'explain',
    { method => 'GET', path => '/' })->status == 200 });

sub token {
    my (%opt) = @_;

    return $admin->mint(partner_id => $id, %opt,
        claims => { %ours, %{ $opt{claims} // {} } });
}

sub asks {
    my ($token, $method, $path, %opt) = @_;

    return $admin->ask('POST', 'explain', {
        (defined $token ? (token => $token) : ()),
        method => $method, path => $path,
        https => $opt{plain} ? \0 : \1,
        (map { defined $opt{$_} ? ($_ => $opt{$_}) : () }
            qw(server destination certificate)),
    });
}

# what the gateway says of the same request, and logs

my $row = 0;

sub sent {
    my ($token, $method, $path, %opt) = @_;

    my $number = 'r' . ++$row;
    my $client = $admin->connect($opt{plain} ? 'PLAIN' : 'TLS');

    $client->send(join "\r\n", "$method $path HTTP/1.1",
        'Host: ' . ($opt{server} // 'api.example'), "X-Row: $number",
        'Connection: close', ($opt{plain} ? () : 'X-Secure: on'),
        (defined $opt{destination} ? "Destination: $opt{destination}" : ()),
        (defined $token ? "Authorization: Bearer $token" : ()), '', '');

    my $status = $client->response(method => $method)->status;

    for (1 .. 250) {
        my ($found) = slurp($admin->prefix . '/logs/result.log')
            =~ /^$number\|(\S*)\|$/m;

        return ($status, $found) if defined $found;
        sleep 0.02;
    }

    return ($status, '?');
}

# [name, check that refuses or '', reason, token, method, path, options,
# pattern of what was compared]

my $here = "/v1/businesses/$business/x";
my $good = token(business_id => $business);
my $unscoped = token();
my $revoked = token(business_id => $business, seq => 1);

$admin->store->revoke('token', "$id:" . claims_of($revoked)->{jti});

for (1 .. 100) {
    last if $admin->request('GET', $here, bearer => $revoked)->status == 401;
    sleep 0.1;
}

sub scoped { return token(claims => { scope => $_[0] }) }

sub bad { return token(business_id => $business, @_) }

my $thumbprint = 'BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSY';

my @cases = (
    ['a good token', '', 'ok', $good, 'GET', $here],
    ['a regular expression inside', 'scope', 'insufficient_scope', $good,
        'GET', "/v1/businesses/$business/a.pdf", {},
        qr/^scope of the token: "business_access"; auth_gateway_scope pdf$/],
    ['limit_except', 'scope', 'insufficient_scope', $good, 'PUT', $here, {},
        qr/auth_gateway_scope write$/],
    ['plain HTTP', 'transport', 'insecure_transport', $good, 'GET', $here,
        { plain => 1 }, qr/^plain http; auth_gateway_require_https on$/],
    ['an ambiguous path', 'path', 'ambiguous_path', $good, 'GET',
        "/v1/businesses/$business/..%2fx", {}, qr/\.\.%2fx/],
    ['an unguarded path', 'path', 'unguarded_path', undef, 'GET',
        "/v1/businesses/$business/a.pdf", { server => 'second2.example' }, qr/"auth_gateway_require off"/],
    ['no token', 'credentials', 'no_credentials', undef, 'GET', $here, {},
        qr/^no token$/],
    ['no b64token', 'credentials', 'malformed_credentials', 'a"b', 'GET',
        $here],
    ['two segments', 'structure', 'malformed_token', 'a.b', 'GET', $here],
    ['another key', 'key', 'unknown_key', bad(header => { kid => 'k9' }),
        'GET', $here, {}, qr/"k9"; keys of the server: "k1" HS256, "k2" HS384/],
    ['another algorithm', 'algorithm', 'algorithm_mismatch',
        bad(header => { kid => 'k2' }), 'GET', $here, {},
        qr/^alg of the token: "HS256"; the key is for HS384$/],
    ['another signature', 'signature', 'bad_signature',
        bad(secret => 'x' x 64), 'GET', $here],
    ['malformed claims', 'claims', 'malformed_claims',
        bad(claims => { exp => 'soon' }), 'GET', $here, {},
        qr/^exp: not an integer$/],
    ['expired', 'time', 'expired',
        bad(claims => { iat => $now - 90, exp => $now - 30 }), 'GET', $here,
        {}, qr/^now \d+, iat \d+, exp @{[ $now - 30 ]}; auth_gateway_leeway 0/],
    ['not yet valid', 'time', 'not_yet_valid',
        bad(claims => { nbf => $now + 900 }), 'GET', $here, {}, qr/nbf \d+;/],
    ['too long a life', 'time', 'lifetime_exceeded',
        bad(claims => { exp => $now + 86500 }), 'GET', $here, {},
        qr/auth_gateway_max_lifetime 86400s, life of 86[45]\d\d s$/],
    ['another issuer', 'issuer', 'wrong_issuer', bad(claims => { iss => 'x' }),
        'GET', $here, {}, qr{"x"; auth_gateway_issuer "https://issuer\.}],
    ['another audience', 'audience', 'wrong_audience',
        bad(claims => { aud => ['x', 'y'] }), 'GET', $here, {},
        qr/^aud of the token: \["x","y"\]; auth_gateway_audience "api"$/],
    ['bound to a certificate', 'certificate', 'certificate_mismatch',
        bad(claims => { cnf => { 'x5t#S256' => $thumbprint } }), 'GET', $here,
        {}, qr/"\Q$thumbprint\E"\}; none was asked about$/],
    ['bound to another', 'certificate', 'certificate_mismatch',
        bad(claims => { cnf => { 'x5t#S256' => $thumbprint } }), 'GET', $here,
        { certificate => 'A' x 43 }, qr/; certificate asked about: "A{43}"$/],
    ['revoked', 'revocation', 'revoked', $revoked, 'GET', $here, {},
        qr/^seq 1; a revocation/],
    ['a partner token', 'kind', 'wrong_kind', $unscoped, 'GET', $here, {},
        qr/^a partner token; auth_gateway_require business$/],
    ['a business token for partners', 'kind', 'wrong_kind', $good, 'GET',
        '/partners/x', {}, qr/require partner$/],
    ['a partner token for partners', '', 'ok', $unscoped, 'GET',
        '/partners/x'],
    ['a partner token with the scope', '', 'ok', scoped('reports:read'),
        'GET', '/reports/x'],
    ['a partner token without', 'scope', 'insufficient_scope', $unscoped,
        'GET', '/reports/x', {},
        qr/^scope of the token: \S+; auth_gateway_scope reports:read$/],
    ['a partner token with another', 'scope', 'insufficient_scope',
        scoped('reports:reads x'), 'GET', '/reports/x', {},
        qr/token: "reports:reads x"; auth_gateway_scope reports:read$/],
    ['a partner token in limit_except', 'scope', 'insufficient_scope',
        scoped('reports:read'), 'POST', '/reports/x', {},
        qr/token: "reports:read"; auth_gateway_scope reports:write$/],
    ['an owner with the scope', '', 'ok', scoped('read'), 'GET',
        "/scoped/$business/x"],
    ['an owner without', 'scope', 'insufficient_scope', scoped('x'), 'GET',
        "/scoped/$business/x", {},
        qr/token: "x"; auth_gateway_scope read$/],
    ['a business token there', 'scope', 'insufficient_scope', $good, 'GET',
        "/scoped/$business/x", {},
        qr/token: "business_access"; auth_gateway_scope business_access read$/],
    ['another business', 'business', 'wrong_business',
        token(business_id => $theirs), 'GET', $here, {},
        qr/^of the path: "\Q$business\E", of the token: "\Q$theirs\E"$/],
    ['no business', 'business', 'no_business_in_path', $good, 'GET',
        '/v1/businesses/', {}, qr/^the path names none$/],
    ['its owner', '', 'ok', $unscoped, 'GET', "/owner/$business/x"],
    ['another\'s', 'business', 'not_owner', $unscoped, 'GET',
        "/owner/$theirs/x", {}, qr/which another partner owns$/],
    ['nobody\'s', 'business', 'unknown_business', $unscoped, 'GET',
        '/owner/nobody/x', {}, qr/which the store does not have$/],
    ['an archived one', 'business', 'archived_business', $unscoped, 'GET',
        "/owner/$archived/x", {}, qr/archived$/],
    ['a wildcard name', '', 'ok', $good, 'GET', $here,
        { server => 'a.wild.example' }],
    ['a second name', '', 'ok', $good, 'GET', $here,
        { server => 'www.example' }],
    ['a variable for TLS', '', 'ok', $good, 'GET', "/header/$business/x"],
    ['a variable for TLS, plain', 'transport', 'insecure_transport', $good,
        'GET', "/header/$business/x", { plain => 1 }, qr/\$http_x_secure$/],

    # what is not in the path: Destination, and what a DELETE removes

    ['a Destination', '', 'ok', $good, 'COPY', "/dav/$business/x",
        { destination => "https://api.example/dav/$business/y" }],
    ['none', '', 'ok', $good, 'MOVE', "/dav/$business/x"],
    ['a Destination of another business', 'business', 'wrong_business', $good,
        'MOVE', "/dav/$business/x", { destination => "/dav/$theirs/x" },
        qr{^of the path: "\Q$business\E"; Destination "/dav/\Q$theirs\E/x": it}],
    ['an ambiguous Destination', 'path', 'ambiguous_path', $good, 'COPY',
        "/dav/$business/x", { destination => "/dav/$business/..%2fy" },
        qr{/x"; Destination "/dav/\Q$business\E/\.\.%2fy": it can be read}],
    ['a bad token and a bad Destination', 'signature', 'bad_signature',
        bad(secret => 'x' x 64), 'COPY', "/dav/$business/x",
        { destination => "/dav/$theirs/x" }],
    ['a DELETE of all businesses', 'business', 'wrong_kind', $unscoped,
        'DELETE', '/dav', {}, qr/names none; DELETE of a collection/],
);

sub results_of {
    my ($refuses, $reason) = @_;

    my ($at) = grep { $order[$_] eq $refuses } 0 .. $#order;

    return 'skipped refused' . ' skipped' x ($#order - 1)
        if $reason eq 'unguarded_path';

    return join ' ', map { $reason eq 'ok' || $_ < ($at // -1) ? 'ok'
        : $_ == ($at // -1) ? 'refused' : 'skipped' } 0 .. $#order;
}

for (@cases) {
    my ($name, $refuses, $reason, $token, $method, $path, $opt, $compared)
        = @$_;
    my $response = asks($token, $method, $path, %{ $opt // {} });
    my $said = $response->json // {};
    my @checks = @{ $said->{checks} // [] };

    is_deeply([$response->status, $said->{reason}, !!$said->{allowed},
        join(' ', map { $_->{check} } @checks),
        join(' ', map { $_->{result} } @checks)],
        [200, $reason, $reason eq 'ok', "@order",
            results_of($refuses, $reason)],
        "P11.6 $name") or diag($response->body);

    my ($refusing) = grep { $_->{result} eq 'refused' } @checks;

    like($refusing->{compared}, $compared, "P11.6 $name, what was compared")
        if $compared;
    is_deeply([grep { defined $_->{compared} ? $_->{result} eq 'skipped'
        : $_->{result} ne 'skipped' } @checks], [],
        "P11.6 $name, what was made was compared");

    my ($status, $result) = sent($token, $method, $path, %{ $opt // {} });

    is($result, $reason, "P11.6 $name, the gateway says so ($status)");
}

# the gateway has no certificate to say this of

is(asks(bad(claims => { cnf => { 'x5t#S256' => $thumbprint } }), 'GET', $here,
    certificate => $thumbprint)->json->{reason}, 'ok',
    'P11.6 bound to the certificate that was asked about');

for ('x', 'A' x 44, "$thumbprint=", [$thumbprint]) {
    $admin->mark;
    $admin->refuses("P11.6 a certificate that is none, $_",
        asks($good, 'GET', $here, certificate => $_), 'invalid_request',
        member => 'certificate', accepted => qr/in base64url: 43 characters/);
}

# the token is nowhere in an answer, nor in a log: AGW::Secrets sees to the logs

{
    my $body = asks($good, 'GET', $here)->body;

    unlike($body, qr/\Q@{[ (split m{\.}, $good)[2] ]}/,
        'P11.6 the token is not in the answer');
    is($admin->ask('POST', '/read/explain', { method => 'GET', path => '/' })
        ->status, 200, 'P11.6 a location that only reads explains');
    is(scalar $admin->written, 0, 'P11.6 nothing was written');
}

# The cache of tokens is that of requests: a token that was asked about took the
# place of one in use, and was counted as a request's.

{
    my $asked = token(business_id => $business);
    my @counted = map { "token_cache_${_}_total" } qw(hits misses);
    my ($hits, $misses) = @{ scrape($admin, port => 'PLAIN2') }{@counted};

    asks($_, 'GET', $here) for $asked, $asked, $good;
    is_deeply([@{ scrape($admin, port => 'PLAIN2') }{@counted}],
        [$hits, $misses], 'P11.6 what is asked is not counted');

    is($admin->request('GET', $here, bearer => $asked)->status, 200,
        'P11.6 what was asked about, as a request');

    my $then = until_scraped($admin, sub {
        $_[0]{$counted[0]} + $_[0]{$counted[1]} > $hits + $misses;
    }, port => 'PLAIN2');

    is_deeply([@$then{@counted}], [$hits, $misses + 1],
        'P11.6 is seen for the first time');
}

# what it says beside the checks

sub notes {
    my ($path, %opt) = @_;

    my $said = asks(exists $opt{token} ? $opt{token} : $good,
        $opt{method} // 'GET', $path, %opt)->json;

    return join "\n", @{ $said->{notes} }, "server $said->{server}",
        'location ' . ($said->{location} // '-'),
        "enforce $said->{enforce}";
}

for (
    ['what is not evaluated', $here, {}, qr/not evaluated: rewrite, if/],
    ['its place', $here, {},
        qr{server api\.example\nlocation /v1/businesses/\nenforce on$}],
    ['a nested location', "$here.pdf", {}, qr/location ~ \\\.pdf\$/],
    ['limit_except', $here, { method => 'PUT' }, qr/, limit_except$/m],
    ['no location', '/nothing', {}, qr/^location -$/m],
    ['an endpoint', '/token', {}, qr/is an endpoint/],
    ['a redirect', '/v1/businesses', {}, qr/nginx redirects/],
    ['enforce log', "/shadow/$business/x", {},
        qr/goes on, whatever the result\n(?s:.*)\nenforce log$/],
    ['enforce by a variable', "/header/$business/x", {},
        qr/if it is "log"(?s:.*)\nenforce \$arg_enforce$/],
    ['TLS by a variable', "/header/$business/x", {},
        qr/^auth_gateway_require_https is a variable/m],
    ['an unknown name', $here, { server => 'unknown.example' },
        qr/default server of an address(?s:.*)\nserver api\.example/],
    ['no TLS required', "/plain/$business/x", {},
        qr/^auth_gateway_require_https off: the transport is not checked$/m],
    ['no Destination', "/dav/$business/x", { method => 'COPY' },
        qr/^Destination was not given: it is not checked$/m],
    ['an internal location', '/inside/x', {}, qr/^the location is internal/m],
    ['satisfy any', "/plain/$business/x", { token => undef },
        qr/^satisfy any: without a token, another/m],
    ['a name by its pattern', $here, { server => 'Second7.EXAMPLE' },
        qr/^location \/v1\/businesses\/$/m],
) {
    my ($name, $path, $opt, $pattern) = @$_;

    like(notes($path, %$opt), $pattern, "P11.6 a note: $name");
}

# a check that the location does not make was said to be ok

for (
    ['where nothing is required, the path alone', '/open/x', {},
        { path => 'ok' }],
    ['where the path is not checked, nothing', '/loose/x', {}, {}],
    ['at an endpoint, nothing', '/token', {}, {}],
    ['under auth_gateway_require_https off, not the transport',
        "/plain/$business/x", { plain => 1 },
        { map { $_ => 'ok' } @order[1 .. $#order] }],
    ['nor where another one refuses', "/plain/$business/x",
        { plain => 1, token => undef },
        { path => 'ok', credentials => 'refused' }],
    ['in an open location, of Destination too', '/open/x',
        { method => 'COPY', destination => "/v1/businesses/$business/x" },
        { path => 'ok', business => 'refused' }],
) {
    my ($name, $path, $opt, $results) = @$_;
    my $token = exists $opt->{token} ? $opt->{token} : $good;
    my $method = $opt->{method} // 'GET';
    my $said = asks($token, $method, $path, %$opt)->json;

    is_deeply([map { $_->{result} } @{ $said->{checks} }],
        [map { $results->{$_} // 'skipped' } @order], "P11.6 $name");

    next if $path eq '/token';

    my ($status, $result) = sent($token, $method, $path, %$opt);

    is($result, $said->{allowed} && $path !~ /plain/ ? '-' : $said->{reason},
        "P11.6 $name, the gateway says so ($status)");
}

# what it does not take

$admin->mark;

for (
    ['no method', { path => '/' }, 'method', qr/in capitals/],
    ['no path', { method => 'GET' }, 'path', qr/a slash and what follows/],
    ['a small method', { method => 'get', path => '/' }, 'method'],
    ['a path without a slash', { method => 'GET', path => 'x' }, 'path'],
    ['a path with a space', { method => 'GET', path => '/a b' }, 'path'],
    ['a path with a NUL', { method => 'GET', path => '/a%00' }, 'path'],
    ['a path above the root', { method => 'GET', path => '/../../x' },
        'path'],
    ['an unknown member', { method => 'GET', path => '/', body => 'x' },
        'body', qr/token, method, path, server, https, destination or certificate/],
    ['a Destination with a line end', { method => 'COPY', path => '/',
        destination => "/x\r\nX-Y: z" }, 'destination', qr/a URI or a path/],
    ['a Destination with a space before it', { method => 'COPY', path => '/',
        destination => ' /x' }, 'destination'],
    ['a number for a token', { method => 'GET', path => '/', token => 1 },
        'token', qr/a string/],
    ['a string for https', { method => 'GET', path => '/', https => 'on' },
        'https', qr/true or false/],
) {
    my ($name, $body, $member, $accepted) = @$_;

    $admin->refuses("P11.6 $name", $admin->ask('POST', 'explain', $body),
        'invalid_request', member => $member, accepted => $accepted);
}

is($admin->ask('GET', 'explain')->status, 405, 'P11.6 by POST alone');
$admin->mark;
$admin->refuses('P11.6 no JSON', $admin->ask('POST', 'explain', '['),
    'body_not_json');

# a token that is too long, which no header of nginx may have

{
    my $said = asks('a' x 9000, 'GET', $here)->json;

    is_deeply([$said->{reason}, map { $_->{check} }
        grep { $_->{result} eq 'refused' } @{ $said->{checks} }],
        ['malformed_token', 'size'], 'P11.6 too long a token');
}

# text of a token that is not for a terminal

{
    my $said = asks(token(business_id => $business,
        header => { kid => "\x{1b}[2J\x{e9}\x{2028}" }), 'GET', $here);

    unlike($said->body, qr/[^\x20-\x7e]/, 'P11.6 printable ASCII alone');
}

# the same for a person, by the command line

SKIP: {
    skip_for('libcurl', 'auth-gateway explain is') if no_command();

    my $command = AGW::Command->new(
        socket => $admin->prefix . '/admin.sock');
    my @asks = ('explain', 'GET', "/v1/businesses/$theirs/x", '--https',
        '--server', 'api.example');
    my $got = $command->exits('P11.6 the command', 0, @asks,
        { in => "$good\n" });

    like($got->{out}, qr/^The request is refused: wrong_business$/m,
        'P11.6 the command says the reason');
    is_deeply([$got->{out} =~ /^> +(\w+) +refused/mg], ['business'],
        'P11.6 and marks the check');
    like($got->{out}, qr/of the path: "\Q$theirs\E", of the token: "\Q$business/,
        'P11.6 and what it compared');

    $got = $command->exits('P11.6 the command, with a Destination', 0,
        'explain', 'MOVE', "/dav/$business/x", '--https', '--destination',
        "/dav/$theirs/x", { in => "$good\n" });
    like($got->{out}, qr{Destination "/dav/\Q$theirs\E/x"},
        'P11.6 which it compared');
}

$admin->finish;
