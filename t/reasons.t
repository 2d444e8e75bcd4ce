# D7: the table of reasons, a row at a time, in the formats oauth2 and thred:
# status, words, challenge, Allow and Retry-After, log line and variable.
#
# The row of internal_error, which no request can bring about, is compared with
# the table alone; `revoked` is said here of a partner that was disabled.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Files qw(repo_root slurp write_secret);
use AGW::Gateway;
use AGW::Reasons qw(%reasons @administration);

# two servers that differ in their format alone; the second one's token
# locations inherit it

my $locations = <<'CONF';
        access_log %%PREFIX%%/logs/result.log result;

        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }

        location /token/ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location /v1/businesses/ {
            auth_gateway_require business;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ \.pdf$ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/partners/ {
            auth_gateway_require partner;
            auth_gateway_business_path /v1/partners/<business_id>/all;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /docs/ {
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
CONF

my $conf = <<"CONF";
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_key %%PREFIX%%/second.key kid=k2 alg=HS384 verify;
    auth_gateway_issuer https://issuer.example;
    auth_gateway_audience api;

    log_format result '\$http_x_row|\$auth_gateway_result|';

    server {
        listen 127.0.0.1:%%TLS1%% ssl http2;
        listen 127.0.0.1:%%PLAIN1%%;

$locations
    }

    server {
        listen 127.0.0.1:%%TLS2%% ssl http2;
        listen 127.0.0.1:%%PLAIN2%%;

        auth_gateway_error_format thred;

$locations
        location /v1/businesses/again/ {
            auth_gateway_require business;
            auth_gateway_error_format oauth2;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /token/thred {
            auth_gateway_token partner;
            auth_gateway_error_format thred;
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
my $disabled = $gw->partner(status => 'disabled');
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
my $basic = AGW::Gateway::basic($id, $key);
my $form = 'Content-Type: application/x-www-form-urlencoded';
my $json = 'Content-Type: application/json';

# what is wrong with a token; each takes what kind of token it shall be

my @tokens = (
    ['malformed_token', sub { 'Authorization: Bearer abc' }],
    ['unknown_key', sub { bearer(@_, header => { kid => 'k3' }) }],
    ['algorithm_mismatch', sub { bearer(@_, header => { kid => 'k2' }) }],
    ['bad_signature', sub { bearer(@_, secret => 'x' x 64) }],
    ['malformed_claims', sub { bearer(@_, claims => { jti => undef }) }],
    ['wrong_issuer', sub { bearer(@_, claims => { iss => 'x' }) }],
    ['wrong_audience', sub { bearer(@_, claims => { aud => ['x'] }) }],
    ['expired', sub { bearer(@_,
        claims => { iat => time - 90, exp => time - 30 }) }],
    ['not_yet_valid', sub { bearer(@_, claims => { nbf => time + 90 }) }],
    ['lifetime_exceeded', sub { bearer(@_,
        claims => { exp => time + 86500 }) }],
    ['certificate_mismatch', sub { bearer(@_,
        claims => { cnf => { 'x5t#S256' => 'A' x 43 } }) }],
);

# [reason, method, target, [header lines], options]; PLAIN: without TLS

my $here = "/v1/businesses/$business/x";

my @guarded = (
    ['insecure_transport', 'GET', $here, [$good], port => 'PLAIN'],
    ['ambiguous_path', 'GET', "/v1/businesses/$business/..%2fx", [$good]],
    ['ambiguous_path', 'GET', '/docs/..%2fx', []],
    ['unguarded_path', 'GET', "$here.pdf", [$good]],
    ['malformed_credentials', 'GET', $here, ['Authorization: Bearer a b']],
    ['no_credentials', 'GET', $here, []],
    ['no_credentials', 'GET', $here, [$basic]],
    (map { [$_->[0], 'GET', $here, [$_->[1]->(%to_business)]] } @tokens),
    ['wrong_kind', 'GET', $here, [bearer()]],
    ['insufficient_scope', 'GET', $here,
        [bearer(%to_business, claims => { scope => 'read' })]],
    ['wrong_business', 'GET', "/v1/businesses/$theirs/x", [$good]],
    ['no_business_in_path', 'GET', '/v1/businesses/', [$good]],
);

my @for_partners = (
    ['no_credentials', 'GET', '/v1/partners/x', []],
    ['expired', 'GET', '/v1/partners/x', [bearer(
        claims => { iat => time - 90, exp => time - 30 })]],
    ['wrong_kind', 'GET', '/v1/partners/x', [$good]],
    ['wrong_kind', 'GET', '/v1/partners/x/all', [bearer()]],
);

my @partner_token = (
    ['insecure_transport', 'POST', '/token', [$basic], port => 'PLAIN'],
    ['ambiguous_path', 'POST', '/x/..%2ftoken', [$basic]],
    ['malformed_credentials', 'POST', '/token', ['Authorization: Basic !']],
    ['invalid_request', 'POST', '/token', [$basic, $form], body => 'a&a'],
    ['body_not_json', 'POST', '/token', [$basic, $json], body => '[]'],
    ['body_too_large', 'POST', '/token', [$basic, $form],
        body => 'a' x 8193],
    ['method_not_allowed', 'GET', '/token', [$basic]],
    ['unsupported_grant_type', 'POST', '/token', [$basic, $form],
        body => 'grant_type=password'],
    ['invalid_scope', 'POST', '/token', [$basic, $form], body => 'scope=x'],
    ['invalid_target', 'POST', '/token', [$basic, $form],
        body => 'grant_type=urn:ietf:params:oauth:grant-type:token-exchange'
            . '&subject_token=x&audience=/&subject_token_type='
            . 'urn:ietf:params:oauth:token-type:jwt'],
    ['dpop_unsupported', 'POST', '/token', [$basic, 'DPoP: x']],
    ['invalid_client', 'POST', '/token',
        [AGW::Gateway::basic($id, 'wrong')]],
    ['no_credentials', 'POST', '/token', []],
    ['no_credentials', 'POST', '/token', [bearer()]],
);

my $ours = bearer();

my @business_token = (
    ['insecure_transport', 'POST', "/token/$business", [$ours],
        port => 'PLAIN'],
    ['ambiguous_path', 'POST', "/token/$theirs/..%2f$business", [$ours]],
    ['malformed_credentials', 'POST', "/token/$business",
        ['Authorization: Bearer']],
    ['invalid_request', 'POST', "/token/$business", [$ours, $form],
        body => 'session_duration=x'],
    ['body_not_json', 'POST', "/token/$business", [$ours, $json],
        body => '"x"'],
    ['body_too_large', 'POST', "/token/$business", [$ours, $form],
        body => 'a' x 8193],
    ['method_not_allowed', 'DELETE', "/token/$business", [$ours]],
    ['unsupported_grant_type', 'POST', "/token/$business", [$ours, $form],
        body => 'grant_type=password'],
    ['no_credentials', 'POST', "/token/$business", [$basic]],
    (map { [$_->[0], 'POST', "/token/$business", [$_->[1]->()]] } @tokens),
    ['revoked', 'POST', "/token/$business",
        [bearer(partner_id => $disabled->{id})]],
    ['wrong_kind', 'POST', "/token/$business", [$good]],
    ['no_business_in_path', 'POST', '/token/', [$ours]],
    ['unknown_business', 'POST', '/token/nobody', [$ours]],
    ['not_owner', 'POST', "/token/$theirs", [$ours]],
    ['archived_business', 'POST', "/token/$archived", [$ours]],
);

my %text;                            # reason => what people are told
my %reached;

# the challenge: by is basic or bearer; scope is what a 403 names

sub challenge {
    my ($reason, $by, $scope, $text) = @_;

    my ($status, $error) = @{ $reasons{$reason} }{qw(status error)};
    my $realm = 'realm="auth gateway"';

    return $status == 401 ? "Basic $realm" : '' if $by eq 'basic';
    return "Bearer $realm" if $reason eq 'no_credentials';
    return "Bearer $realm, error=\"invalid_request\""
        if $reason eq 'malformed_credentials';
    return "Bearer $realm, error=\"$error\", error_description=\"$text\""
        if $status == 401;
    return "Bearer $realm, error=\"$error\""
        . ($scope ? ", scope=\"$scope\"" : '')
        if $error eq 'insufficient_scope';

    return '';
}


# $auth_gateway_result of the request with that X-Row, once it is logged

sub result_of {
    my ($row) = @_;

    for (1 .. 100) {
        my ($found) = slurp($gw->prefix . '/logs/result.log')
            =~ /^$row\|(\w*)\|$/m;

        return $found if defined $found;
        sleep 0.02;
    }

    return;
}


# one row in one format

my $rows = 0;

sub row {
    my ($where, $format, $by, $scope, $row) = @_;

    my ($reason, $method, $target, $lines, %opt) = @$row;
    my ($status, $error, $code)
        = @{ $reasons{$reason} }{qw(status error error_code)};
    my $thred = $format eq 'thred' && $where =~ /guarded/;
    my $port = ($opt{port} // 'TLS') . ($format eq 'thred' ? 2 : 1);

    $rows++;

    my $response = $gw->request($method, $target, port => $port,
        headers => [@$lines, "X-Row: $rows"], body => $opt{body});
    my $got = $response->json // {};
    my $text = $got->{ $thred ? 'error' : 'error_description' } // '';
    my %want = $thred
        ? (error => $text, error_code => $code, details => {})
        : (error => $error, error_description => $text);
    my @logged = map { $_->{reason} // $_->{line} } $gw->refusals;
    my $name = "D7 $reason, $where, $format";

    $want{error} = 'invalid_client'
        if $reason eq 'no_credentials' && $by eq 'basic';
    $text{$reason} //= $text;
    $reached{$reason} = 1;

    subtest $name => sub {
        is($response->status, $status, 'status');
        is_deeply($got, \%want, 'exactly these members, P4.4')
            or diag($response->body);
        like($text, qr/^[\x20-\x21\x23-\x5b\x5d-\x7e]{10,}$/,
            'P0.2 text for people');
        is($text, $text{$reason}, 'the same wherever it is said');
        is_deeply([$response->header('WWW-Authenticate')],
            [grep { $_ } challenge($reason, $by, $scope, $text)],
            'challenge');
        is_deeply([$response->header('Allow')],
            [$status == 405 ? 'POST' : ()], 'Allow');
        is_deeply([$response->header('Retry-After')],
            [$status == 503 ? 1 : ()], 'Retry-After');
        is_deeply([map { $response->header($_) } 'Content-Type',
            'Cache-Control', 'Pragma'],
            ['application/json', 'no-store', 'no-cache'], 'P0.1');
        is_deeply(\@logged, [$reason], 'log line');
        is(result_of($rows), $reason, '$auth_gateway_result');
        is_deeply([$gw->upstream_saw], [], 'nothing upstream');
        is_deeply([$gw->problems_after], [], 'a good request afterwards');
    };

    return;
}

$gw->good_is(sub {
    return $gw->request('GET', $here, headers => [$good], quiet => 1,
        port => 'TLS1')->status == 200;
});

for my $format ('oauth2', 'thred') {
    row('guarded', $format, 'bearer', 'business_access', $_) for @guarded;
    row('guarded, partners', $format, 'bearer', undef, $_)
        for @for_partners;
    row('partner token', $format, 'basic', undef, $_) for @partner_token;
    row('business token', $format, 'bearer', undef, $_) for @business_token;
}

# a location's own word, and one below a server's

{
    my $response = $gw->request('POST', '/token/thred', port => 'TLS2');

    is($response->json->{error}, 'invalid_client',
        'D7 thred in a token location means oauth2');
    $response = $gw->request('GET', '/v1/businesses/again/x',
        port => 'TLS2');
    is($response->json->{error}, 'invalid_token',
        'D7 a location has its own format');
}

{
    my $h2 = $gw->connect_h2('TLS2');
    my $response = $h2->request('GET', $here);

    is_deeply($response->json, { error => $text{no_credentials},
        error_code => 'authentication_required', details => {} },
        'P4.4 over HTTP/2');
    $h2->close;

    $response = $gw->request('HEAD', $here, port => 'TLS2');
    is($response->status, 401, 'P4.4 HEAD');
    cmp_ok($response->header('Content-Length'), '>', 0,
        'P4.4 has the length of the body');
}

# the store goes away

{
    my $grant = 'grant_type=client_credentials';

    $gw->lose_store;

    for my $format ('oauth2', 'thred') {
        row('partner token', $format, 'basic', undef,
            ['store_unavailable', 'POST', '/token', [$basic, $form],
                body => $grant]);
        row('business token', $format, 'bearer', undef,
            ['store_unavailable', 'POST', "/token/$business", [$ours]]);
    }

    $gw->find_store;
}

# no oracle; everybody else has words of their own

is($text{$_}, $text{unknown_business}, "P2.3 $_: the bytes of an unknown one")
    for qw(not_owner archived_business);

{
    my %said;

    push @{ $said{ $text{$_} } }, $_ for grep { !/not_owner|archived/ }
        keys %text;
    is_deeply([grep { @$_ > 1 } values %said], [],
        'D7 each reason has its own text');
}

# the table of the sources is the one of the tests, and all of it was reached

{
    my $source = slurp(repo_root() . '/src/core/agw_reason.c');
    my %found = map { /^ "(\w+)", \s+ (\d+), \s+ "(\w+)", \s+ "(\w+)", /x
        ? ($1 => [$2, $3, $4]) : () } split /\{ (?=")/, $source;

    is_deeply(\%found, { map {
        $_ => [@{ $reasons{$_} }{qw(status error error_code)}]
    } keys %reasons }, 'D7 the table');
    is_deeply([sort keys %reached],
        do {
            my %elsewhere = map { $_ => 1 } 'internal_error', @administration;

            [sort grep { !$elsewhere{$_} } keys %reasons];
        },
        'D7 every reason that can be reached was');
}

$gw->finish;
