# P4, P0.6, P0.7: protected resources.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(slurp);
use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    log_format who '$request_method|$auth_gateway_result'
        '|$auth_gateway_partner_id|$auth_gateway_business_id'
        '|$auth_gateway_scope|$auth_gateway_token_id'
        '|$auth_gateway_token_kind|$auth_gateway_key_id'
        '|$auth_gateway_expires|$auth_gateway_claim_n|';

    map $http_x_secure $secure { default $http_x_secure; }

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;
        access_log %%PREFIX%%/logs/who.log who;

        location /v1/platform/businesses {
            auth_gateway_require partner;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/businesses/ {
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /below/ {
            auth_gateway_require partner;
            auth_gateway_business_path /below/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /other/ {
            auth_gateway_scope other_scope;
            auth_gateway_business_path /other/<business_id>/deep;
            auth_gateway_realm "other realm";
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /plain/ {
            auth_gateway_require_https off;
            auth_gateway_business_path /plain/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /said/ {
            auth_gateway_require_https $secure;
            auth_gateway_business_path /said/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /docs/ {
            auth_gateway_require off;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /static/ {
            auth_gateway_business_path /static/<business_id>;
            alias %%PREFIX%%/html/;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my ($partner, $business, $other) = ('p-1', 'b-1', 'b-2');
my $token = $gw->mint(partner_id => $partner, business_id => $business);
my $unscoped = $gw->mint(partner_id => $partner);

sub get {
    my ($target, %opt) = @_;

    $opt{bearer} = $token unless exists $opt{bearer};

    return $gw->request($opt{method} // 'GET', $target, %opt);
}

sub passes {
    my ($name, $response, $target) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @saw = $gw->upstream_saw;

    is($response->status, 200, $name) or diag($response->body);
    is(join(' ', map { $_->{target} } @saw), $target,
        "$name, and arrives as it was");
    is($response->header('WWW-Authenticate'), undef,
        "$name, P0.7 without a challenge");

    return $saw[0];
}

$gw->good_is(sub {
    return get("/v1/businesses/$business/x", quiet => 1)->status == 200;
});

# what passes

{
    my $url = "/v1/businesses/$business/invoices?page=2&q=%2F..%2F";
    my $seen = passes('P4.3 below the business', get($url), $url);

    is_deeply($seen->{headers}{'x-partner-id'}, [$partner],
        'P4.6 X-Partner-Id');
    is_deeply($seen->{headers}{'x-business-id'}, [$business],
        'P4.6 X-Business-Id');
    is($seen->{headers}{authorization}, undef, 'P4.6 no Authorization');
    is_deeply([$gw->refusals(wait => 0)], [], 'P4 no refusal is logged');
}

for ("/v1/businesses/$business", "/v1/businesses/$business/",
    "/v1/businesses/$business?x=1")
{
    passes("P4.3 $_", get($_), $_);
    $gw->refused("P4.3 $_ without a token", get($_, bearer => undef),
        'no_credentials');
    $gw->refused("P4.3 $_ of another", get(s/$business/$other/r),
        'wrong_business');
    $gw->refused("P4.3 $_, a partner token", get($_, bearer => $unscoped),
        'wrong_kind');
}

for (qw(HEAD OPTIONS POST PUT PATCH DELETE PROPFIND MKCOL FOO)) {
    my $seen = passes("P0.3 $_ passes", get("/v1/businesses/$business/x",
        method => $_), "/v1/businesses/$business/x");

    is($seen->{method}, $_, "P0.3 $_ arrives");
}

for ('bearer', 'BEARER', 'BeArEr', 'Bearer ', 'Bearer    ') {
    passes("P4.1 scheme '$_'", get("/v1/businesses/$business/x",
        bearer => undef, headers => ["Authorization: $_ $token"]),
        "/v1/businesses/$business/x");
}

{
    my $seen = passes('P4.6 what a client says of itself',
        get("/v1/businesses/$business/x", headers => [
            "X-Business-Id: $other", 'X-Partner-Id: p-2',
            "X-Original-URL: /v1/businesses/$other/x",
            "X-Rewrite-URL: /v1/businesses/$other/x",
            'X-HTTP-Method-Override: DELETE', 'X-Method-Override: DELETE',
            'X-Forwarded-Host: evil', 'Forwarded: host=evil',
            "X-Forwarded-Prefix: /v1/businesses/$other",
            'Connection: X-Business-Id, close', 'Upgrade: h2c',
            'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
        ]), "/v1/businesses/$business/x");
    my $head = $seen->{head};

    is_deeply($seen->{headers}{'x-business-id'}, [$business],
        'P4.6 X-Business-Id is the token\'s');
    is_deeply($seen->{headers}{'x-partner-id'}, [$partner],
        'P4.6 X-Partner-Id too');
    unlike($head, qr/^connection:.*x-business-id/mi,
        'P4.6 no header is dropped by Connection');
    unlike($head, qr/$_/i, "P4.6 no $_") for
        'x-original-url', 'x-rewrite-url', 'method-override', 'evil',
        'x-forwarded-prefix', 'h2c', 'http2-settings', $other;
}

passes('P4 an unguarded neighbour', get('/docs/x', bearer => undef),
    '/docs/x');
passes('P4 an unguarded neighbour does not read a token',
    get('/docs/x', bearer => 'nonsense'), '/docs/x');
passes('P4 a partner token where partners are asked for',
    get('/v1/platform/businesses/', bearer => $unscoped),
    '/v1/platform/businesses/');
passes('P4 a partner token without a business in the path',
    get('/below/', bearer => $unscoped), '/below/');

# P4.2

my $url = "/v1/businesses/$business/x";

for (qw(GET HEAD OPTIONS POST FOO)) {
    $gw->refused("P4.2 $_ without credentials",
        get($url, method => $_, bearer => undef), 'no_credentials',
        method => $_, kid => undef, partner => undef);
}

for ([undef, ''], [$gw->mint(partner_id => $partner,
    business_id => $business, claims => { iat => 1, exp => 2 }),
    ', error="invalid_token", error_description="the token has expired"'],
    ['nonsense', ', error="invalid_token",'
        . ' error_description="the token is malformed"'],
    [$unscoped, ', error="insufficient_scope", scope="business_access"'])
{
    my ($bearer, $rest) = @$_;

    is_deeply([get($url, bearer => $bearer)->header('WWW-Authenticate')],
        ["Bearer realm=\"auth gateway\"$rest"],
        "P4.2 the challenge$rest");
}

$gw->refused('P4.2 OPTIONS as a preflight is checked alike',
    get($url, method => 'OPTIONS', bearer => undef, headers => [
        'Origin: https://app.example', 'Access-Control-Request-Method: GET',
    ]), 'no_credentials');
$gw->refused('P4.1 the query is not read',
    get("$url?access_token=$token", bearer => undef), 'no_credentials');
$gw->refused('P4.1 a form body is not read', get($url, bearer => undef,
    method => 'POST', form => "access_token=$token"), 'no_credentials');
for ('!', ',', '"', ' x', '=x', '\\', "\xff") {
    $gw->refused('P4.1 no b64token, ' . s/\xff/xff/r, get($url,
        bearer => "$token$_"), 'malformed_credentials');
}

$gw->refused('P4.1 a cookie is not read', get($url, bearer => undef,
    headers => ["Cookie: access_token=$token"]), 'no_credentials');

for ("Basic $token", $token, 'Digest x', "Bearerx $token",
    "\"Bearer\" $token", "JWT $token")
{
    my $name = s/\Q$token/TOKEN/r;

    $gw->refused("P4.2 another scheme, $name", get($url, bearer => undef,
        headers => ["Authorization: $_"]), 'no_credentials');
}

for ('Bearer', 'Bearer =', "Bearer $token x", "Bearer $token,",
    "Bearer \"$token\"", "Bearer $token=x", "Bearer\t$token",
    "Bearer $token\xc3\xa9")
{
    my $name = s/\Q$token/TOKEN/r;

    $gw->refused("P4.2 malformed header, $name", get($url, bearer => undef,
        headers => ["Authorization: $_"]), 'malformed_credentials',
        also => /\t/ ? ['no_credentials'] : []);
}

{
    my $response = get($url, headers => [AGW::Gateway::bearer($token)]);

    is($response->status, 400, 'P4.2 two Authorization headers');
    is(scalar $gw->upstream_saw, 0, 'P4.2 and the upstream sees nothing');
}

$gw->refused('P4.2 structurally bad', get($url, bearer => 'nonsense'),
    'malformed_token');
$gw->refused('P4.2 expired', get($url, bearer => $gw->mint(
    partner_id => $partner, business_id => $business,
    claims => { iat => time - 20, exp => time - 10 })), 'expired');
$gw->refused('P4.2 an unknown key', get($url, bearer => $gw->mint(
    partner_id => $partner, business_id => $business, kid => 'k2')),
    'unknown_key');
$gw->refused('P4.2 a bad signature', get($url, bearer => $gw->mint(
    partner_id => $partner, business_id => $business,
    secret => 'x' x 48)), 'bad_signature');
$gw->refused('P4.2 another business', get("/v1/businesses/$other/x"),
    'wrong_business', kid => 'k1', partner => $partner);
$gw->refused('P4.2 its own in another case',
    get('/v1/businesses/B-1/x'), 'wrong_business');
$gw->refused('P4.2 its own and more', get('/v1/businesses/b-10/x'),
    'wrong_business');
$gw->refused('P4.2 its own and less', get('/v1/businesses/b-/x'),
    'wrong_business');
$gw->refused('P4.2 a partner token for a business',
    get($url, bearer => $unscoped), 'wrong_kind');
$gw->refused('P4.2 a business token without the scope', get($url,
    bearer => $gw->mint(partner_id => $partner, business_id => $business,
        claims => { scope => 'business_access_not read' })),
    'insufficient_scope');
$gw->refused('P4.2 a business token without any scope', get($url,
    bearer => $gw->mint(partner_id => $partner, business_id => $business,
        claims => { scope => undef })), 'insufficient_scope');
passes('P4.2 the scope among others', get($url,
    bearer => $gw->mint(partner_id => $partner, business_id => $business,
        claims => { scope => 'read business_access write' })), $url);
$gw->refused('P4.2 a business token where partners are asked for',
    get('/v1/platform/businesses/'), 'wrong_kind', scope => undef);
$gw->refused('P4 a partner where the template finds a business',
    get("/below/$business/x", bearer => $unscoped), 'wrong_kind',
    also => ['wrong_business', 'insufficient_scope'], scope => undef);
$gw->refused('P4.2 no business in the path', get('/v1/businesses/'),
    'no_business_in_path', also => ['ambiguous_path']);

# a location's own scope, realm and template

$gw->{realm} = 'other realm';
passes('P4.2 another scope', get("/other/$business/deep/x",
    bearer => $gw->mint(partner_id => $partner, business_id => $business,
        claims => { scope => 'other_scope' })), "/other/$business/deep/x");
$gw->refused('P0.7 realm and scope of the location',
    get("/other/$business/deep"), 'insufficient_scope',
    scope => 'other_scope');

for ('shallow', 'deeper', '') {
    $gw->refused("P4.2 the template does not match '$_'",
        get("/other/$business/$_", bearer => $gw->mint(
            partner_id => $partner, business_id => $business,
            claims => { scope => 'other_scope' })), 'no_business_in_path');
}

$gw->refused('P0.7 realm without credentials',
    get("/other/$business/deep", bearer => undef), 'no_credentials');
$gw->{realm} = 'auth gateway';

# P0.6

$gw->refused('P0.6 plain HTTP', get($url, port => 'PLAIN'),
    'insecure_transport', kid => undef, partner => undef);
$gw->refused('P0.6 plain HTTP, whatever a header says', get($url,
    port => 'PLAIN', headers => ['X-Forwarded-Proto: https']),
    'insecure_transport');
passes('P0.6 require_https off', get("/plain/$business/x",
    port => 'PLAIN'), "/plain/$business/x");

for (qw(https on 1 HTTPS On)) {
    passes("P0.6 require_https by a variable, $_", get("/said/$business/x",
        port => 'PLAIN', headers => ["X-Secure: $_"]),
        "/said/$business/x");
}

for ('', 'http', 'off', '0', 'https ,', 'https,http', '11', 'ssl', 'true') {
    $gw->refused("P0.6 require_https by a variable, '$_'",
        get("/said/$business/x", port => 'PLAIN',
            headers => ["X-Secure: $_"]), 'insecure_transport');
}

$gw->refused('P0.6 the variable is the only word, on TLS too',
    get("/said/$business/x", headers => ['X-Secure: no']),
    'insecure_transport');

# static files are guarded by the same phase

AGW::Files::spew($gw->prefix . '/html/f', "file\n");
$gw->refused('P4 a static file, ambiguous path',
    get("/static/$business/../f"), 'ambiguous_path');
$gw->refused('P4 a static file of another business',
    get("/static/$other/f"), 'wrong_business');

# variables: in the access log they are what was verified

sub logged {
    my ($response) = @_;

    for (1 .. 50) {
        my @lines = split /\n/, slurp($gw->prefix . '/logs/who.log');

        return $lines[-1] if @lines > $gw->{seen};
        select undef, undef, undef, 0.02;
    }

    return 'no line';
}

sub before_logged {
    my @lines = split /\n/, slurp($gw->prefix . '/logs/who.log');

    return $gw->{seen} = @lines;
}

{
    my $exp = time + 500;
    my %claims = (jti => 'the-jti', exp => $exp, n => 42);
    my $good = $gw->mint(partner_id => $partner, business_id => $business,
        claims => \%claims);

    select undef, undef, undef, 0.1;
    before_logged();
    get($url, bearer => $good);
    is(logged(), "GET|ok|$partner|$business|business_access|the-jti"
        . "|business|k1|$exp|42|", 'P4.6 variables of a good request');

    before_logged();
    get('/v1/platform/businesses/', bearer => $unscoped);
    like(logged(), qr/^GET\|ok\|$partner\|(-?)\|(-?)\|[\w-]{22}\|partner\|k1
        \|\d+\|(-?)\|$/x, 'P4.6 variables of a partner\'s request');

    before_logged();
    get("/v1/businesses/$other/x", bearer => $good);
    like(logged(), qr/^GET\|wrong_business\|/,
        'P4.6 $auth_gateway_result of a refusal');

    before_logged();
    get($url, bearer => $good . 'AAAA');
    like(logged(), qr/^GET\|(bad_signature|malformed_token)\|-?\|-?\|-?\|
        -?\|-?\|-?\|-?\|-?\|$/x, 'P4.6 nothing unverified in a variable');

    before_logged();
    get($url, bearer => undef);
    like(logged(), qr/^GET\|no_credentials\|(-?\|){8}$/,
        'P4.6 nor without a token');
}

$gw->finish;
