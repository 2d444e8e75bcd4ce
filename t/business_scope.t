# P2.6, P1.8: which scope a token gets: what is asked for, what the location
# allows, and what the partner's list in the store has.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use Test::More;

use AGW::Gateway;
use AGW::Token qw(claims_of);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_partner_scope read write https://api.example.com/all;
        auth_gateway_business_scope read write payments;

        location = /token { auth_gateway_token partner; }

        location /b/ {
            auth_gateway_token business;
            auth_gateway_business_path /b/<business_id>;
        }

        location /none/ {
            auth_gateway_token business;
            auth_gateway_business_path /none/<business_id>;
            auth_gateway_business_scope only;
        }

        location /layer/ {
            auth_gateway_token business;
            auth_gateway_business_path /layer/<business_id>;
            auth_gateway_error_format layer;
        }

        location = /introspect { auth_gateway_introspect; }

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            auth_gateway_scope read;

            limit_except GET {
                auth_gateway_scope write;
            }

            proxy_set_header X-Scope "s=$auth_gateway_scope";
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # where nothing is configured

    server {
        listen 127.0.0.1:%%TLS2%% ssl;

        location /b/ {
            auth_gateway_token business;
            auth_gateway_business_path /b/<business_id>;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $json = JSON->new->canonical;

# partners by their lists

sub partner_of {
    my ($scopes) = @_;

    my $made = $gw->partner;

    $gw->store->set_partner($made->{id}, scopes => $scopes)
        if defined $scopes;

    return { %$made, business => $gw->business($made),
        token => $gw->mint(partner_id => $made->{id}) };
}

my $free = partner_of(undef);

$gw->good_is(sub {
    return $gw->request('POST', "/b/$free->{business}", quiet => 1,
        bearer => $free->{token})->status == 200;
});

sub ask {
    my ($partner, $scope, %opt) = @_;

    my $place = $opt{place} // '/b/';
    my %body = defined $scope ? (form => 'scope='
        . $scope =~ s/([^A-Za-z0-9._-])/sprintf '%%%02X', ord $1/ger) : ();

    return $gw->request('POST', $place . $partner->{business},
        bearer => $partner->{token}, %body, %opt);
}

sub granted {
    my ($name, $response, $scope) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $got = $response->json // {};

    is($response->status, 200, $name) or return diag($response->body);
    $gw->keep_secret($got->{access_token});
    is($got->{scope}, $scope, "P2.6 in the response: $name")
        if exists $got->{scope};
    is(claims_of($got->{access_token})->{scope}, $scope,
        "P2.6 in the token: $name");

    return $got->{access_token};
}

sub refused {
    my ($name, $response, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return $gw->refused($name, $response, $reason, scope => undef, %opt);
}

# without a list

my $all = 'business_access read write payments';

for ([undef, $all], ['', $all], ['read', 'business_access read'],
    ['write read', 'business_access read write'],
    ['read read', 'business_access read'],
    ['business_access', 'business_access'],
    ['business_access payments', 'business_access payments'],
    ['payments business_access read', 'business_access read payments'])
{
    my ($scope, $wanted) = @$_;

    granted('P2.6 scope ' . ($scope // '(none)'), ask($free, $scope),
        $wanted);
}

for ('other', 'read other', 'READ', 'rea', 'reads', 'read ', ' read',
    'read  write', "read\twrite", 'a"b', "read\\", "\x7f", "\xc3\xa9",
    'x' x 1025, 'https://api.example.com/all')
{
    refused('P2.6 scope ' . substr($_, 0, 20) =~ s/[^ -~]/?/gr,
        ask($free, $_), 'invalid_scope');
}

refused('P1.4 scope twice', $gw->request('POST', "/b/$free->{business}",
    bearer => $free->{token}, form => 'scope=read&scope=read'),
    'invalid_request');
granted('P2.6 in JSON', $gw->request('POST', "/b/$free->{business}",
    headers => [AGW::Gateway::bearer($free->{token}),
        'Content-Type: application/json'], body => '{"scope":"read"}'),
    'business_access read');

for ('["read"]', '1', 'null', '{}') {
    refused("P2.6 in JSON, $_", $gw->request('POST',
        "/b/$free->{business}", headers => [
            AGW::Gateway::bearer($free->{token}),
            'Content-Type: application/json'], body => "{\"scope\":$_}"),
        'invalid_request');
}

refused('P2.6 before the business is looked for', $gw->request('POST',
    '/b/nowhere', bearer => $free->{token}, form => 'scope=other'),
    'invalid_scope');

# a location's own words; none at all

granted('P2.6 another location', ask($free, undef, place => '/none/'),
    'business_access only');
refused('P2.6 what another location allows',
    ask($free, 'read', place => '/none/'), 'invalid_scope');
granted('P2.6 where nothing is configured', ask($free, undef,
    port => 'TLS2'), 'business_access');
granted('P2.6 business_access where nothing is configured',
    ask($free, 'business_access', port => 'TLS2'), 'business_access');
refused('P2.6 a word where nothing is configured',
    ask($free, 'read', port => 'TLS2'), 'invalid_scope');

# Layer's response does not tell

{
    my $response = $gw->request('POST', "/layer/$free->{business}",
        headers => [AGW::Gateway::bearer($free->{token}),
            'Content-Type: application/json'], body => '{"scope":"read"}');

    granted('P3.3 layer', $response, 'business_access read');
    is(join(' ', sort keys %{ $response->json }),
        'access_token expires_in token_type', 'P3.3 its members');
    refused('P3.4 layer, another scope', $gw->request('POST',
        "/layer/$free->{business}", headers => [
            AGW::Gateway::bearer($free->{token}),
            'Content-Type: application/json'], body => '{"scope":"other"}'),
        'invalid_scope', format => 'layer');
}

# the partner's list in the store: [list, asked for, granted or undef]

for (['read', undef, 'business_access read'],
    ['payments read', undef, 'business_access read payments'],
    ['read', 'read', 'business_access read'], ['read', 'write', undef],
    ['read', 'read write', undef], ['', undef, 'business_access'],
    ['', 'read', undef], ['', 'business_access', 'business_access'],
    ['other', undef, 'business_access'], ['other', 'other', undef],
    ['other write', 'write', 'business_access write'],
    ['business_access', undef, 'business_access'],
    ['READ', undef, 'business_access'],
    ['reads xread', 'read', undef])
{
    my ($list, $scope, $wanted) = @$_;
    my $partner = partner_of($list);
    my $name = "P2.6 the list \"$list\", scope " . ($scope // '(none)');

    if (defined $wanted) {
        granted($name, ask($partner, $scope), $wanted);
    } else {
        refused($name, ask($partner, $scope), 'invalid_scope');
    }
}

# a change counts from the next request; a malformed list allows nothing

{
    my $partner = partner_of('read');

    granted('P2.6 before', ask($partner, 'read'), 'business_access read');
    $gw->store->set_partner($partner->{id}, scopes => 'write');
    refused('P2.6 the list has changed', ask($partner, 'read'),
        'invalid_scope');
    granted('P2.6 what it allows now', ask($partner, undef),
        'business_access write');

    for ('read  write', ' read', 'read ', "read\twrite", 'r"', 'x' x 1025) {
        $gw->store->set_partner($partner->{id}, scopes => $_);
        granted('P2.6 a malformed list, ' . substr($_, 0, 12),
            ask($partner, undef), 'business_access');
        refused('P2.6 a malformed list, and a scope, ' . substr($_, 0, 12),
            ask($partner, 'read'), 'invalid_scope');
    }
}

# partner tokens

sub partner_token {
    my ($partner, $scope) = @_;

    return $gw->request('POST', '/token',
        basic => [@$partner{qw(id key)}],
        form => defined $scope ? "scope=$scope" : '');
}

for ([undef, undef, undef], [undef, 'read', 'read'],
    [undef, 'write+read', 'write read'], ['read', undef, undef],
    ['read', 'read', 'read'], ['read', 'write', 0], ['', 'read', 0],
    ['', undef, undef], ['read', 'read+write', 0],
    ['https://api.example.com/all', 'https://api.example.com/all',
        'https://api.example.com/all'], ['read', 'business_access', 0],
    [undef, 'business_access', 0], [undef, 'payments', 0])
{
    my ($list, $scope, $wanted) = @$_;
    my $partner = partner_of($list);
    my $response = partner_token($partner, $scope);
    my $name = 'P1.8 the list ' . ($list // '(none)') . ', scope '
        . ($scope // '(none)');

    if (defined $wanted && $wanted eq '0') {
        $gw->refused($name, $response, 'invalid_scope', by => 'basic');
    } else {
        granted($name, $response, $wanted);
        is($response->json->{scope}, $wanted, "P1.9 $name");
    }
}

{
    my $partner = partner_of('read');

    $gw->refused('P1.6 a wrong key does not learn of the list',
        $gw->request('POST', '/token', basic => [$partner->{id}, 'wrong'],
            form => 'scope=write'), 'invalid_client', by => 'basic');
}

# what such a token opens, and what is said of it

{
    my $token = granted('P2.6 a token that only reads', ask($free, 'read'),
        'business_access read');
    my $url = "/v1/businesses/$free->{business}/x";

    is($gw->request('GET', $url, bearer => $token)->status, 200,
        'P4.2 it reads');
    is_deeply([map { $_->{headers}{'x-scope'} } $gw->upstream_saw],
        [['s=business_access read']], 'P2.6 $auth_gateway_scope');
    $gw->refused('P4.2 it does not write',
        $gw->request('POST', $url, bearer => $token), 'insufficient_scope',
        scope => 'write');

    my $said = $gw->request('POST', '/introspect',
        basic => [@$free{qw(id key)}], form => "token=$token")->json;

    is($said->{scope}, 'business_access read', 'P6.3 introspected');

    my $full = granted('P2.6 and one of everything', ask($free, undef),
        $all);

    is($gw->request('POST', $url, bearer => $full)->status, 200,
        'P4.2 it writes');
}

$gw->finish;
