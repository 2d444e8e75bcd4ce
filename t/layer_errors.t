# P3.4, P4.4: every refusal in Layer's format, on token locations and on
# guarded ones: ApiError, and the same object in an array.  And what an
# archived business looks like, in this format and in the others.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(repo_root slurp spew write_secret);
use AGW::Gateway;
use AGW::Reasons qw(%reasons @administration);
use AGW::Refusal qw(expected);

# servers that differ in their format alone

my $locations = <<'CONF';
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }

        location ~ ^/v1/businesses/[^/]+/auth-token/?$ {
            auth_gateway_token business;
            auth_gateway_business_path
                /v1/businesses/<business_id>/auth-token;
        }

        location /mint/ {
            auth_gateway_token business;
            auth_gateway_business_path /mint/<business_id>;
        }

        location /v1/businesses/ {
            auth_gateway_require business;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ \.pdf$ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /owned/ {
            auth_gateway_require business owner;
            auth_gateway_business_path /owned/<business_id>;
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

        location /intercepted/ {
            auth_gateway_intercept_errors on;
            error_page 401 403 404 503 /page.json;
            auth_gateway_require business owner;
            auth_gateway_business_path /intercepted/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /intercepted/token/ {
            auth_gateway_intercept_errors on;
            error_page 400 401 403 404 405 503 /page.json;
            auth_gateway_token business;
            auth_gateway_business_path /intercepted/token/<business_id>;
        }

        location = /page.json {
            internal;
            auth_gateway_require off;
            root %%PREFIX%%/html;
        }
CONF

my $conf = <<"CONF";
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_key %%PREFIX%%/second.key kid=k2 alg=HS384 verify;
    auth_gateway_issuer https://issuer.example;
    auth_gateway_audience api;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;
        auth_gateway_error_format layer;

$locations
        location /v1/businesses/again/ {
            auth_gateway_require business;
            auth_gateway_error_format oauth2;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    server {
        listen 127.0.0.1:%%TLS2%% ssl http2;
        auth_gateway_error_format thred;

$locations
    }

    server {
        listen 127.0.0.1:%%TLS3%% ssl http2;

$locations
    }
}
CONF

my $gw = AGW::Gateway->start($conf, before => sub {
    write_secret("$_[0]/second.key");
    spew("$_[0]/html/page.json", '{"page":true}');
});
my ($id, $key) = @{ $gw->partner }{qw(id key)};
my $business = $gw->business($id);
my $archived = $gw->business($id, status => 'archived');
my $other = $gw->partner->{id};
my $theirs = $gw->business($other);
my $theirs_archived = $gw->business($other, status => 'archived');
my $disabled = $gw->partner(status => 'disabled');
my %ours = (iss => 'https://issuer.example', aud => 'api');

sub bearer {
    my (%opt) = @_;

    return AGW::Gateway::bearer($gw->mint(partner_id => $id, %opt,
        claims => { %ours, %{ $opt{claims} // {} } }));
}

my %to_business = (business_id => $business);
my $good = bearer(%to_business);
my $mine = bearer();
my $basic = AGW::Gateway::basic($id, $key);
my $form = 'Content-Type: application/x-www-form-urlencoded';
my $json = 'Content-Type: application/json';
my $here = "/v1/businesses/$business/x";
my $mint = "/v1/businesses/$business/auth-token";

$gw->good_is(sub {
    return $gw->request('GET', $here, headers => [$good], quiet => 1)
        ->status == 200;
});

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

# [reason, method, target, [header lines], options]

my @guarded = (
    ['insecure_transport', 'GET', $here, [$good], port => 'PLAIN'],
    ['ambiguous_path', 'GET', "/v1/businesses/$business/..%2fx", [$good]],
    ['ambiguous_path', 'GET', '/docs/..%2fx', []],
    ['malformed_credentials', 'GET', $here, ['Authorization: Bearer a b']],
    ['no_credentials', 'GET', $here, []],
    ['no_credentials', 'GET', $here, [$basic]],
    (map { [$_->[0], 'GET', $here, [$_->[1]->(%to_business)]] } @tokens),
    ['unguarded_path', 'GET', "$here.pdf", [$good]],
    ['wrong_kind', 'GET', $here, [$mine]],
    ['insufficient_scope', 'GET', $here,
        [bearer(%to_business, claims => { scope => 'read' })]],
    ['wrong_business', 'GET', "/v1/businesses/$theirs/x", [$good]],
    ['no_business_in_path', 'GET', '/v1/businesses/', [$good]],
);

my @owned = (
    ['no_credentials', 'PATCH', "/owned/$business", []],
    ['wrong_business', 'GET', "/owned/$theirs", [$good]],
    ['no_business_in_path', 'GET', '/owned/', [$mine]],
    ['unknown_business', 'GET', '/owned/nobody/x', [$mine]],
    ['not_owner', 'GET', "/owned/$theirs/x", [$mine]],
    ['not_owner', 'GET', "/owned/$theirs_archived/x", [$mine]],
    ['archived_business', 'DELETE', "/owned/$archived", [$mine]],
    ['revoked', 'GET', "/owned/$business/x",
        [bearer(partner_id => $disabled->{id})]],
);

my @for_partners = (
    ['no_credentials', 'GET', '/v1/partners/x', []],
    ['wrong_kind', 'GET', '/v1/partners/x', [$good]],
    ['wrong_kind', 'GET', '/v1/partners/x/all', [$mine]],
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
    ['no_credentials', 'POST', '/token', [$mine]],
);

my @business_token = (
    ['insecure_transport', 'POST', $mint, [$mine], port => 'PLAIN'],
    ['ambiguous_path', 'POST', "/mint/$theirs/..%2f$business", [$mine]],
    ['malformed_credentials', 'POST', $mint, ['Authorization: Bearer']],
    ['invalid_request', 'POST', $mint, [$mine, $form],
        body => 'session_duration=900'],
    ['invalid_request', 'POST', $mint, [$mine, $json],
        body => '{"session_duration":0}'],
    ['dpop_unsupported', 'POST', $mint, [$mine, 'DPoP: x']],
    ['body_not_json', 'POST', $mint, [$mine, $json], body => '"x"'],
    ['body_too_large', 'POST', $mint, [$mine, $json], body => 'a' x 8193],
    (map { ['method_not_allowed', $_, $mint, [$mine]] }
        qw(GET PUT DELETE OPTIONS PATCH)),
    ['unsupported_grant_type', 'POST', $mint, [$mine, $json],
        body => '{"grant_type":"password"}'],
    ['no_credentials', 'POST', $mint, []],
    ['no_credentials', 'POST', $mint, [$basic]],
    (map { [$_->[0], 'POST', $mint, [$_->[1]->()]] } @tokens),
    ['revoked', 'POST', $mint, [bearer(partner_id => $disabled->{id})]],
    ['wrong_kind', 'POST', $mint, [$good]],
    ['no_business_in_path', 'POST', '/mint/', [$mine]],
    ['unknown_business', 'POST', '/v1/businesses/nobody/auth-token',
        [$mine]],
    ['not_owner', 'POST', "/v1/businesses/$theirs/auth-token", [$mine]],
    ['not_owner', 'POST', "/v1/businesses/$theirs_archived/auth-token",
        [$mine]],
    ['archived_business', 'POST', "/v1/businesses/$archived/auth-token",
        [$mine]],
);

my %reached;

sub row {
    my ($where, $row, %opt) = @_;

    my ($reason, $method, $target, $lines, %how) = @$row;
    my $shown = $target =~ s/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/ID/gr;

    $reached{$reason} = 1;

    return $gw->refused("P3.4 $reason, $where: $method $shown",
        $gw->request($method, $target, headers => $lines, %how), $reason,
        format => 'layer', by => 'bearer', %opt);
}

row('guarded', $_) for @guarded;
row('business owner', $_) for @owned;
row('partner', $_, scope => undef) for @for_partners;
row('partner token', $_, by => 'basic') for @partner_token;
row('business token', $_, scope => undef) for @business_token;

# HEAD has the headers alone

$gw->refused('P0.3 HEAD of a token location', $gw->request('HEAD', $mint,
    headers => [$mine]), 'method_not_allowed', format => 'layer',
    method => 'HEAD');
$gw->refused('P3.4 HEAD of a guarded location', $gw->request('HEAD',
    "/owned/$archived", headers => [$mine]), 'archived_business',
    format => 'layer', method => 'HEAD');

# a location's own word

is($gw->request('GET', '/v1/businesses/again/x')->json->{error},
    'invalid_token', 'D7 a location has its own format');

# HTTP/2

{
    my $h2 = $gw->connect_h2;
    my @lines = map { [['authorization', s/^Authorization: //r]] }
        $mine, $good;

    for (['archived_business', 'POST', "/v1/businesses/$archived/auth-token",
            $lines[0]],
        ['archived_business', 'GET', "/owned/$archived", $lines[0]],
        ['no_credentials', 'POST', $mint, []],
        ['wrong_business', 'GET', "/owned/$theirs", $lines[1],
            'business_access'],
        ['method_not_allowed', 'GET', $mint, $lines[0]])
    {
        my ($reason, $method, $target, $headers, $scope) = @$_;

        $gw->mark;
        $gw->refused("P3.4 HTTP/2, $reason", $h2->request($method, $target,
            headers => $headers), $reason, format => 'layer',
            scope => $scope);
    }

    $h2->close;
}


# P2.3: unknown, another's and another's archived: the same bytes; an
# archived one of one's own is told in Layer's format alone

for my $way (['POST', '/v1/businesses/%s/auth-token'], ['POST', '/mint/%s'],
    ['GET', '/owned/%s/x'], ['PUT', '/owned/%s'])
{
    my ($method, $target) = @$way;

    for my $port (qw(TLS TLS2 TLS3)) {
        my ($unknown, $own, @same) = map {
            $gw->request($method, sprintf($target, $_), port => $port,
                headers => [$mine])
        } 'nobody', $archived, $theirs, $theirs_archived;
        my $name = "$port $method $target";

        is($unknown->status, 404, "P2.3 $name: unknown");
        is($_->same_bytes, $unknown->same_bytes,
            "P2.3 $name: another's is as an unknown one") for @same;
        is($own->status, 404, "P2.3 $name: archived");
        is($own->same_bytes eq $unknown->same_bytes ? 'untold' : 'told',
            $port eq 'TLS' ? 'told' : 'untold',
            "P2.3 $name: its own, archived");
    }
}

# a business token was minted before: archiving is for the store to know

is($gw->request('GET', "/v1/businesses/$archived/x", headers =>
    [bearer(business_id => $archived)])->status, 200,
    'D8 a guarded request asks nobody');


# intercept_errors: nginx's page, with the challenge and without a word of
# ours; archived and unknown are the same again

for (['no_credentials', 'GET', "/intercepted/$business", []],
    ['wrong_business', 'GET', "/intercepted/$theirs", [$good]],
    ['not_owner', 'GET', "/intercepted/$theirs", [$mine]],
    ['archived_business', 'GET', "/intercepted/$archived", [$mine]],
    ['no_credentials', 'POST', "/intercepted/token/$business", []],
    ['archived_business', 'POST', "/intercepted/token/$archived", [$mine]],
    ['method_not_allowed', 'PUT', "/intercepted/token/$business", [$mine]],
    ['invalid_request', 'POST', "/intercepted/token/$business",
        [$mine, $form], body => 'a=b'])
{
    my ($reason, $method, $target, $lines, %how) = @$_;
    my $r = $gw->request($method, $target, headers => $lines, %how);
    my $want = expected($reason, by => 'bearer', scope => 'business_access');
    my $name = "D3 intercepted, $reason: $method";

    is($r->status, $want->{status}, $name);
    is($r->body, '{"page":true}', "$name: the page");
    is(($r->header('WWW-Authenticate') // '')
        =~ s/, error_description="[^"]+"//r, $want->{challenge} // '',
        "$name: the challenge");
    is($r->header('Allow'), $want->{status} == 405 ? 'POST' : undef,
        "$name: Allow");
    is_deeply([map { $_->{reason} } $gw->refusals], [$reason],
        "$name: the log");
    is_deeply([$gw->problems_after], [], "$name: a good request");
}


# the store goes away: no error_enum

{
    $gw->lose_store;
    row('partner token', ['store_unavailable', 'POST', '/token', [$basic]],
        by => 'basic');
    row('business token', ['store_unavailable', 'POST', $mint, [$mine]]);
    row('business owner', ['store_unavailable', 'GET', "/owned/$business",
        [$mine]]);
    unlike($gw->request('GET', "/owned/$business", headers => [$mine])
        ->body, qr/error_enum/, 'P3.4 no error_enum');
    is($gw->request('GET', "/owned/$business", headers => [$good])->status,
        200, 'D9 a business token needs no store');

    ok($gw->find_store(sub { $gw->request('GET', "/owned/$business",
        headers => [$mine])->status == 200 }), 'D5 and it is back');
}


# all of the table was asked for

{
    my $source = slurp(repo_root() . '/src/core/agw_reason.c');

    is_deeply([sort keys %reached],
        do {
            my %elsewhere = map { $_ => 1 } 'internal_error', @administration;

            [sort grep { !$elsewhere{$_} } keys %reasons];
        },
        'D7 every reason that can be reached was');
    like($source, qr/"internal_error", 500,[^}]*"Unknown", NULL,/,
        'P3.4 internal_error has no error_enum either');
}

$gw->finish;
