# D3, `auth_gateway_enforce log`: the whole check is done and logged, and
# the request goes on as if nobody had checked it, without an identity; under
# `on`, and at endpoints, nothing changes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Files qw(slurp write_secret);
use AGW::Gateway;

# what the upstream is told of who sends the request, in every variable

my $up = <<'CONF';
            include %%CONF%%/guarded_proxy.conf;
            proxy_http_version 1.1;
            proxy_set_header X-All "$auth_gateway_partner_id$auth_gateway_business_id$auth_gateway_scope$auth_gateway_token_id$auth_gateway_token_kind$auth_gateway_key_id$auth_gateway_expires$auth_gateway_claim_sub";
            proxy_set_header X-Result $auth_gateway_result;
            proxy_set_header X-Early $early;
            proxy_set_header X-Mapped $mapped;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
CONF

my $conf = <<"CONF";
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_key %%PREFIX%%/second.key kid=k2 alg=HS384 verify;
    auth_gateway_issuer https://issuer.example;
    auth_gateway_audience api;
    underscores_in_headers on;

    log_format result '\$http_x_row|\$auth_gateway_result|\$auth_gateway_event'
        '|\$auth_gateway_partner_id|\$auth_gateway_event_partner_id|\$status|';
    access_log %%PREFIX%%/logs/result.log result;

    map \$auth_gateway_partner_id \$mapped { default \$auth_gateway_partner_id; }

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;
        client_max_body_size 4m;

        auth_gateway_enforce log;
        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        set \$early "";

        location = /token { auth_gateway_token partner; }
        location = /revoke { auth_gateway_revoke token; }

        location ~ ^/token/[^/]+\$ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        # asked for before the access phase, and kept

        location /v1/businesses/ {
            set \$early \$auth_gateway_partner_id\$mapped;
$up
        }

        location /enforced/ {
            auth_gateway_enforce on;
            auth_gateway_business_path /enforced/<business_id>;
$up
        }

        location /unbuffered/ {
            auth_gateway_business_path /unbuffered/<business_id>;
            proxy_request_buffering off;
$up
        }

        location /intercepted/ {
            auth_gateway_business_path /intercepted/<business_id>;
            auth_gateway_intercept_errors on;
            auth_delay 1s;
            error_page 401 403 404 503 /v1/businesses/none;
$up
        }

        location /owner/ {
            auth_gateway_require owner;
            auth_gateway_business_path /owner/<business_id>;
$up
        }

        location /preflight/ {
            auth_gateway_business_path /preflight/<business_id>;
            auth_gateway_pass_preflight on;
$up
        }

        location /partners/ {
            auth_gateway_require partner;
            auth_gateway_business_path /partners/<business_id>/all;
$up
        }

        location ~ \\.pdf\$ {
            auth_gateway_require off;
            location ~ ^/v1/.*\\.pdf\$ {
$up
            }
        }

        location ~ \\.csv\$ {
$up
        }

        location ~ \\.txt\$ {
            location ~ ^/v1/ {
                limit_except GET { auth_gateway_scope write; }
$up
            }
        }

        location /open/ {
            auth_gateway_require off;
            set \$early \$auth_gateway_partner_id;
$up
        }

        location /dav/ {
            auth_gateway_business_path /dav/<business_id>;
$up
        }

        location /mirrored/ {
            auth_gateway_business_path /mirrored/<business_id>;
            mirror /mirror;
$up
        }

        location = /mirror {
            internal;
            auth_gateway_require off;
            auth_gateway_enforce on;
$up
        }
    }

    # no `off` of its own: what a template matches is not for this location

    server {
        listen 127.0.0.1:%%TLS2%% ssl;
        auth_gateway_enforce log;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location /v1/businesses/ {
            auth_gateway_require business;
$up
        }

        location ~ \\.pdf\$ {
$up
        }
    }

    # one in which nothing is required

    server {
        listen 127.0.0.1:%%TLS3%% ssl;
        auth_gateway_enforce log;

        location / {
$up
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf,
    before => sub { write_secret("$_[0]/second.key") });
my $partner = $gw->partner;
my ($id, $key) = @$partner{qw(id key)};
my $business = $gw->business($partner);
my $archived = $gw->business($partner, status => 'archived');
my $theirs = $gw->business($gw->partner);
my %ours = (iss => 'https://issuer.example', aud => 'api');

sub token {
    my (%opt) = @_;

    return $gw->mint(partner_id => $id, %opt,
        claims => { %ours, %{ $opt{claims} // {} } });
}

sub bearer {
    return AGW::Gateway::bearer(token(@_));
}

my %to_business = (business_id => $business);
my $good = bearer(%to_business);
my $unscoped = bearer();
my $here = "/v1/businesses/$business/x";

$gw->good_is(sub {
    return $gw->request('GET', $here, headers => [$good], quiet => 1)
        ->status == 200;
});

# the line of the access log with that X-Row, as a list

sub logged {
    my ($row) = @_;

    for (1 .. 200) {
        my ($found) = slurp($gw->prefix . '/logs/result.log')
            =~ /^$row\|(.*)\|$/m;

        return map { $_ eq '-' ? '' : $_ } split /\|/, $found, -1
            if defined $found;
        sleep 0.02;
    }

    return;
}

# One request that would have been refused: it arrives as it was sent, but for
# its identity, and with the client's own Authorization.  partner: that of a
# token with a valid signature.

my $row = 0;
my @forged = map { "$_: evil" } qw(X-Partner-Id X-Business-Id X_Partner_Id
    X-Result X-All);

# what the upstream received, a mirrored request later than the answer came

sub arrived {
    my ($wanted) = @_;

    for (1 .. 250) {
        my @saw = $gw->upstream_saw;

        return @saw if @saw >= $wanted;
        sleep 0.02;
    }

    return $gw->upstream_saw;
}

sub goes_on {
    my ($name, $reason, $method, $target, $headers, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $number = 'row' . $row++;
    my $response = $gw->request($method, $target, %opt,
        headers => ["X-Row: $number", @forged, @$headers]);
    my @lines = $gw->refusals;
    my @saw = arrived(1 + ($opt{mirrored} // 0));
    my $saw = (grep { $_->{target} !~ /mirror$/ } @saw)[0] // {};
    my ($authorization) = map { /^Authorization: (.*)/ ? $1 : () } @$headers;
    my $auth = $saw->{headers}{authorization};

    is_deeply([$response->status, scalar @saw, $saw->{target}],
        [200, 1 + ($opt{mirrored} // 0), $target], "D3 $name goes on");
    is_deeply([map { [@$_{qw(how reason)}] } @lines],
        [['would refuse', $reason]], "D3 $name, in the log")
        or diag(map { "$_->{line}\n" } @lines);
    is_deeply([map { $_ => $saw->{headers}{$_} } qw(x-partner-id x-business-id
        x_partner_id x-all x-early x-mapped)],
        [map { $_ => undef } qw(x-partner-id x-business-id
        x_partner_id x-all x-early x-mapped)], "D3 $name, no identity");
    is_deeply($saw->{headers}{'x-result'}, [$reason],
        "D3 $name, the reason is known upstream");
    is_deeply($auth, defined $authorization ? [$authorization] : undef,
        "D3 $name, the client's Authorization");
    is_deeply([map { $response->header($_) } qw(WWW-Authenticate Retry-After
        Allow Pragma)], [], "D3 $name, no header of the module");
    is_deeply([logged($number)],
        [$reason, 'would_refuse', '', $opt{partner} // '', 200],
        "D3 $name, its variables");
    is_deeply([$gw->problems_after], [], "D3 $name, and a good request");

    return $saw;
}

# one that would have been let through: all is as under `on`, but the header

sub passes {
    my ($name, $method, $target, $headers, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $number = 'row' . $row++;
    my $response = $gw->request($method, $target, %opt,
        headers => ["X-Row: $number", @forged, @$headers]);
    my @saw = $gw->upstream_saw;
    my $saw = $saw[0] // {};
    my ($authorization) = map { /^Authorization: (.*)/ ? $1 : () } @$headers;

    is_deeply([$response->status, $saw->{target}], [200, $target],
        "D3 $name passes");
    is_deeply([$gw->refusals(wait => 0)], [], "D3 $name, no refusal");
    is_deeply([map { $saw->{headers}{$_} } qw(x-partner-id x-business-id)],
        [$opt{partner} ? [$opt{partner}] : undef,
         $opt{business} ? [$opt{business}] : undef],
        "D3 $name, its identity");
    is_deeply($saw->{headers}{authorization}, $opt{enforced}
        || !defined $authorization ? undef : [$authorization],
        "D3 $name, the client's Authorization");
    is_deeply([logged($number)], [$opt{result} // 'ok', '',
        $opt{partner} // '', '', 200], "D3 $name, its variables");

    return $saw;
}

# every reason of the access phase

my $now = time;
my @tokens = (
    ['malformed_token', 'Authorization: Bearer abc'],
    ['unknown_key', bearer(%to_business, header => { kid => 'k3' })],
    ['algorithm_mismatch', bearer(%to_business, header => { kid => 'k2' })],
    ['bad_signature', bearer(%to_business, secret => 'x' x 64)],
    ['malformed_claims', bearer(%to_business, claims => { jti => undef })],
    (map { [$_->[0], bearer(%to_business, claims => $_->[1]), partner => $id] }
        ['wrong_issuer', { iss => 'x' }],
        ['wrong_audience', { aud => ['x'] }],
        ['expired', { iat => $now - 90, exp => $now - 30 }],
        ['not_yet_valid', { nbf => $now + 900 }],
        ['lifetime_exceeded', { exp => $now + 86500 }],
        ['insufficient_scope', { scope => 'read' }]),
    ['wrong_kind', $unscoped, partner => $id],
    ['wrong_business', bearer(business_id => $theirs), partner => $id],
);

passes('a good token', 'GET', $here, [$good], partner => $id,
    business => $business);

for (@tokens) {
    my ($reason, $header, %opt) = @$_;

    goes_on($reason, $reason, 'GET', $here, [$header], %opt);
}

goes_on('nothing', 'no_credentials', 'GET', $here, []);
goes_on('another scheme', 'no_credentials', 'GET', $here,
    ['Authorization: ApiKey abc']);
goes_on('an API key', 'no_credentials', 'GET', $here,
    [AGW::Gateway::basic($id, $key)]);
goes_on('a malformed header', 'malformed_credentials', 'GET', $here,
    ['Authorization: Bearer a b']);
goes_on('plain HTTP', 'insecure_transport', 'GET', $here, [$good],
    port => 'PLAIN');
goes_on('an ambiguous path', 'ambiguous_path', 'GET',
    "/v1/businesses/$business/..%2fx", [$good]);
goes_on('an ambiguous path elsewhere', 'ambiguous_path', 'GET',
    '/open/..%2fv1/businesses/b', [$good]);
goes_on('no business', 'no_business_in_path', 'GET', '/v1/businesses/',
    [$good], partner => $id);
goes_on('a partner location', 'wrong_kind', 'GET', '/partners/x', [$good],
    partner => $id);
goes_on('a business under partner', 'wrong_kind', 'GET', '/partners/x/all',
    [$unscoped], partner => $id);
goes_on('limit_except', 'insufficient_scope', 'POST', "$here.txt", [$good],
    partner => $id, body => 'x');
passes('limit_except, another method', 'GET', "$here.txt", [$good],
    partner => $id, business => $business);

# the path of a business, for a location without a requirement

$gw->mark;
goes_on('an unguarded path', 'unguarded_path', 'GET', "$here.pdf", [$good],
    port => 'TLS2');
like($gw->log_text,
    qr/\[error\] .* the path of a business would be refused in location/,
    'D3 an unguarded path, for the operator');
passes('an opened path', 'GET', "$here.pdf", [$good], partner => $id,
    business => $business, result => '');

# a revoked one

{
    my $token = token(%to_business, seq => 1);

    $gw->store->revoke('token', "$id:" . AGW::Token::claims_of($token)
        ->{jti});

    for (1 .. 100) {
        last if $gw->request('GET', "/enforced/$business/x",
            bearer => $token)->status == 401;
        sleep 0.1;
    }

    goes_on('revoked', 'revoked', 'GET', $here,
        ["Authorization: Bearer $token"], partner => $id);
}

# under owner, where the store is asked

passes('an owner', 'GET', "/owner/$business/x", [$unscoped], partner => $id,
    business => $business);
goes_on('another\'s business', 'not_owner', 'GET', "/owner/$theirs/x",
    [$unscoped], partner => $id);
goes_on('no business of anybody', 'unknown_business', 'GET',
    '/owner/nobody/x', [$unscoped], partner => $id);
goes_on('an archived business', 'archived_business', 'GET',
    "/owner/$archived/x", [$unscoped], partner => $id);

# bodies arrive whole, buffered or not, and the connection goes on

for my $place ('v1/businesses', 'unbuffered', 'intercepted') {
    my $target = "/$place/$business/x";
    my $body = join ',', 1 .. 100_000;
    my $saw = goes_on("a body for $place", 'no_credentials', 'POST', $target,
        [], body => $body);

    is($saw->{body}, $body, "D3 a body for $place is whole");

    my $client = $gw->connect;

    for (1 .. 3) {
        $gw->mark;

        my $response = $client->request('PUT', $target,
            headers => ['Transfer-Encoding: chunked', $unscoped],
            no_length => 1, body => "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
        my @saw = $gw->upstream_saw;

        is_deeply([$response->status, scalar @saw], [200, 1],
            "D3 a chunked body for $place goes on");
        is($saw[0]{body} =~ s/[^a-z]//gr, 'abcde',
            "D3 a chunked body for $place is whole");
    }

    my $response = $client->request('POST', $target, body => 'continued',
        headers => ['Expect: 100-continue']);

    is_deeply([$response->status, $response->{interim}], [200, 1],
        "D3 100-continue for $place");
    $client->close;
}

# HTTP/2

{
    my $h2 = $gw->connect_h2;

    $gw->mark;

    my $response = $h2->request('POST', $here, body => 'two',
        headers => [['authorization', 'Bearer abc']]);
    my ($saw) = $gw->upstream_saw;

    is_deeply([$response->status, $saw->{body}, $saw->{headers}{authorization}],
        [200, 'two', ['Bearer abc']], 'D3 HTTP/2 goes on');
    is_deeply([map { $_->{reason} } $gw->refusals], ['malformed_token'],
        'D3 HTTP/2, in the log');
}

# what a request asks beside its path

{
    my $saw = goes_on('a WebSocket', 'no_credentials', 'GET', $here,
        ['Connection: Upgrade', 'Upgrade: websocket']);

    is_deeply([map { $saw->{headers}{$_} } qw(connection upgrade)],
        [['upgrade'], ['websocket']], 'D3 a WebSocket is upgraded');

    for (["/dav/$theirs/y", 'wrong_business'], ['//x', 'ambiguous_path']) {
        my ($to, $reason) = @$_;

        goes_on("MOVE to $to", $reason, 'MOVE', "/dav/$business/x",
            [$good, "Destination: https://localhost$to"],
            partner => $reason eq 'ambiguous_path' ? '' : $id);
    }

    my @preflight = ('Origin: https://x.example',
        'Access-Control-Request-Method: GET');

    passes('a preflight', 'OPTIONS', "/preflight/$business/x", \@preflight,
        result => '');
    goes_on('a preflight for an ambiguous path', 'ambiguous_path', 'OPTIONS',
        "/preflight/$business/..%2fx", \@preflight);
    goes_on('a preflight that must have a token', 'no_credentials',
        'OPTIONS', $here, \@preflight);
}

# a subrequest has no identity either, though its location is `off`

{
    goes_on('a mirrored request', 'wrong_kind', 'GET',
        "/mirrored/$business/x", [$unscoped], partner => $id, mirrored => 1);

    my @mirror = grep { $_->{target} =~ m{/mirror} } $gw->upstream_saw;

    is_deeply([map { $_->{headers}{'x-partner-id'} } @mirror],
        [map { undef } @mirror], 'D3 a mirror, no identity');
}

# where nothing is required, the token alone says who it is

passes('an open location', 'GET', '/open/x', [$good], partner => $id,
    business => $business, result => '');
passes('an open location, nobody', 'GET', '/open/x', [], result => '');

passes('an unguarded server', 'GET', '/x', [$good], partner => $id,
    business => $business, result => '', port => 'TLS3');

# `on` below `log`: as ever

$gw->refused('D3 on below log', $gw->request('GET',
    "/enforced/$business/x", headers => [$unscoped]), 'wrong_kind');
passes('on below log, a good token', 'GET', "/enforced/$business/x", [$good],
    partner => $id, business => $business, enforced => 1);

# endpoints know no log

$gw->refused('D3 a token endpoint', $gw->request('POST', '/token',
    basic => [$id, 'wrong']), 'invalid_client', by => 'basic');
$gw->refused('D3 a token endpoint over plain HTTP', $gw->request('POST',
    '/token', basic => [$id, $key], port => 'PLAIN'), 'insecure_transport',
    by => 'basic');
$gw->refused('D3 a token endpoint for businesses', $gw->request('POST',
    "/token/$business", headers => [$good]), 'wrong_kind', scope => undef);
$gw->refused('D3 a revocation endpoint', $gw->request('POST', '/revoke',
    form => 'token=x'), 'no_credentials', by => 'either');
is($gw->request('POST', '/token', basic => [$id, $key])->status, 200,
    'D3 a token endpoint issues');

# the store out of reach: 503 is let through as well

$gw->lose_store;
goes_on('the store is away', 'store_unavailable', 'GET', "/owner/$theirs/y",
    [$unscoped], partner => $id);
ok($gw->find_store, 'D3 the store is back');

$gw->finish;
