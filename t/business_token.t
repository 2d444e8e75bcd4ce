# P2, P3.2: business tokens, for a partner token.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(random_id);
use AGW::Gateway;
use AGW::Token qw(claims_of header_of);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location ~ ^/v1/platform/[^/]+/oauth2/token/?$ {
            auth_gateway_token business;
            auth_gateway_business_path
                /v1/platform/<business_id>/oauth2/token;
        }

        location ~ ^/short/[^/]+$ {
            auth_gateway_token business;
            auth_gateway_business_path /short/<business_id>;
            auth_gateway_business_lifetime 120s;
        }

        location /wide/ {
            auth_gateway_token business;
            auth_gateway_business_path /wide/<business_id>/token;
        }

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $partner = $gw->partner;
my $id = $partner->{id};
my $business = $gw->business($partner);
my $token = $gw->mint(partner_id => $id);

sub url {
    my ($which) = @_;

    return "/v1/platform/$which/oauth2/token/";
}

sub ask {
    my (%opt) = @_;

    $opt{bearer} //= $token unless $opt{headers};

    return $gw->request($opt{method} // 'POST',
        $opt{url} // url($opt{business} // $business), %opt);
}

sub refused {
    my ($name, $response, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return $gw->refused($name, $response, $reason, scope => undef, %opt);
}

sub granted {
    my ($name, $response) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $json = $response->json // {};

    is($response->status, 200, $name) or return diag($response->body);
    is(join(' ', sort keys %$json),
        'access_token business_id expires_in scope token_type',
        "P2.5 exact members: $name");
    like($response->body, qr/"expires_in":\s*[0-9]+\b/,
        "P2.5 expires_in is an integer: $name");
    $gw->keep_secret($json->{access_token});

    return $json;
}

$gw->good_is(sub { ask(quiet => 1)->status == 200 });

# P0.4

granted('P0.4 with a final slash', ask(url => url($business)));
granted('P0.4 without a final slash',
    ask(url => "/v1/platform/$business/oauth2/token"));

# P2.5

{
    my $now = time;
    my $response = ask();
    my $json = granted('P2.5 a business token', $response);
    my $claims = claims_of($json->{access_token});

    is($response->header('Content-Type'), 'application/json', 'P0.1 type');
    is($response->header('Cache-Control'), 'no-store', 'P0.1 no-store');
    is($response->header('Pragma'), 'no-cache', 'P0.1 no-cache');
    is($json->{token_type}, 'Bearer', 'P2.5 token_type');
    is($json->{scope}, 'business_access', 'P2.5 scope');
    is($json->{business_id}, $business, 'P2.5 business_id');
    is($json->{expires_in}, 3600, 'P2.5 an hour');
    is_deeply(header_of($json->{access_token}),
        { alg => 'HS256', kid => 'k1', typ => 'JWT' },
        'P2.5 header of the token');
    is(join(' ', sort keys %$claims), 'business_id client_id exp iat jti'
        . ' partner_id scope seq sub', 'P2.5 its claims');
    is($claims->{$_}, $id, "P2.5 $_") for qw(sub partner_id client_id);
    is($claims->{business_id}, $business, 'P2.5 its business_id');
    is($claims->{scope}, 'business_access', 'P2.5 its scope');
    is($claims->{exp} - $claims->{iat}, 3600, 'P2.5 its life');
    cmp_ok(abs($claims->{iat} - $now), '<=', 5, 'P2.5 iat is now');
    like($claims->{jti}, qr/^[A-Za-z0-9_-]{22}$/, 'P2.5 jti');

    my %jti = map {
        claims_of(ask()->json->{access_token})->{jti} => 1
    } 1 .. 20;

    is(keys %jti, 20, 'P2.5 jti is another each time');

    my $there = $gw->request('GET', "/v1/businesses/$business/x",
        bearer => $json->{access_token});

    is($there->status, 200, 'P2.5 and it opens its business');
}

granted('P2.6 an empty form', ask(form => ''));
granted('P2.6 grant_type', ask(form => 'grant_type=client_credentials'));
is(granted('P2.5 another lifetime', ask(url => "/short/$business"))
    ->{expires_in}, 120, 'P2.5 another expires_in');

{
    my $odd = $gw->business($partner, id => 'A.b_c~d-1');

    granted('P2.3 every character of the grammar', ask(business => $odd));

    my $long = $gw->business($partner, id => 'x' x 128);

    granted('P2.3 128 bytes', ask(business => $long));
}

# P3.2, here by P2.6

for (1, 60, 3600, 7200, 86400) {
    my $json = granted("P3.2 session_duration $_",
        ask(form => "session_duration=$_"));
    my $claims = claims_of($json->{access_token});

    is($json->{expires_in}, $_, 'P3.2 expires_in');
    is($claims->{exp} - $claims->{iat}, $_, 'P3.2 its life');
}

granted('P3.2 an empty session_duration is an absent one',
    ask(form => 'session_duration='));

for (qw(0 86401 -1 %2B1 1e3 1.0 01 0x10 true null 12345678901 4294967297
    99999999999999999999 18446744073709551676 +1 1+ 3600s))
{
    refused("P3.2 session_duration $_",
        ask(form => "session_duration=$_"), 'invalid_request');
}

refused('P1.4 session_duration twice',
    ask(form => 'session_duration=60&session_duration=60'),
    'invalid_request');
refused('P2.6 a body of another type',
    ask(headers => [AGW::Gateway::bearer($token),
        'Content-Type: text/plain'], body => 'x=1'), 'invalid_request');
refused('P0.5 a body over 8 KB', ask(form => 'x=' . 'a' x 8192),
    'body_too_large');

# P0

for (qw(GET HEAD OPTIONS PUT PATCH DELETE)) {
    refused("P0.3 $_", ask(method => $_), 'method_not_allowed',
        method => $_);
}

refused('P0.6 plain HTTP', ask(port => 'PLAIN'), 'insecure_transport');

# P2.1, P2.2

refused('P2.1 no Authorization', ask(headers => []), 'no_credentials');
is_deeply([ask(headers => [])->header('WWW-Authenticate')],
    ['Bearer realm="auth gateway"'], 'P2.1 the realm and nothing else');
refused('P2.1 another scheme', ask(headers => ['Authorization: Basic eA==']),
    'no_credentials');
refused('P2.1 Basic with a good key',
    ask(headers => [AGW::Gateway::basic($id, $partner->{key})]),
    'no_credentials');
refused('P2.1 a scheme that begins with Bearer',
    ask(headers => ["Authorization: Bearerx $token"]), 'no_credentials');

for (['nothing behind it', 'Bearer'], ['two words', "Bearer a $token"],
    ['a comma', "Bearer $token, Bearer $token"], ['quotes', 'Bearer "a"'],
    ['only padding', 'Bearer =='], ['padding within', 'Bearer a=b'])
{
    refused("P2.2 malformed header, $_->[0]",
        ask(headers => ["Authorization: $_->[1]"]), 'malformed_credentials');
}

refused('P2.2 no token', ask(headers => ['Authorization: Bearer abc']),
    'malformed_token');
refused('P2.2 a bad signature',
    ask(bearer => $token =~ s/\.[^.]{4}([^.]*)$/.AAAA$1/r),
    'bad_signature');
refused('P2.2 expired', ask(bearer => $gw->mint(partner_id => $id,
    claims => { iat => time - 700, exp => time - 100 })), 'expired',
    kid => 'k1');

# the body takes its time

{
    my $client = $gw->connect;
    my $now = time;
    my $short = $gw->mint(partner_id => $id,
        claims => { iat => $now - 60, exp => $now + 2 });

    $gw->mark;
    $client->send(join "\r\n", 'POST ' . url($business) . ' HTTP/1.1',
        'Host: localhost', AGW::Gateway::bearer($short),
        'Content-Type: application/x-www-form-urlencoded',
        'Content-Length: 3', '', 'x=');
    select undef, undef, undef, 0.1 while time <= $now + 2;
    $client->send('1');
    refused('P2.2 expired before its body was there', $client->response,
        'expired');
    $client->close;
}

refused('P2.2 a business token', ask(bearer => $gw->mint(
    partner_id => $id, business_id => $business)), 'wrong_kind',
    kid => 'k1', partner => $id);

# P2.3

{
    my $other = $gw->partner;
    my $theirs = $gw->business($other);
    my $archived = $gw->business($partner, status => 'archived');
    my $theirs_archived = $gw->business($other, status => 'archived');
    my %bytes;

    for (['unknown', random_id(), 'unknown_business'],
        ['another partner\'s', $theirs, 'not_owner'],
        ['archived', $archived, 'archived_business'],
        ['another partner\'s archived', $theirs_archived, 'not_owner'],
        ['in another case', uc "a$business", 'unknown_business'],
        ['called oauth2', 'oauth2', 'unknown_business'])
    {
        my ($name, $which, $reason) = @$_;
        my $response = ask(business => $which);

        refused("P2.3 $name", $response, $reason, kid => 'k1',
            partner => $id);
        push @{ $bytes{ $response->same_bytes } }, $name;
    }

    is(keys %bytes, 1, 'P2.3 the same bytes for every cause')
        or diag(join "\n---\n", keys %bytes);

    # archived while it was ours

    my $closing = $gw->business($partner);

    granted('P2.3 before it is archived', ask(business => $closing));
    $gw->store->set_business($closing, status => 'archived');
    refused('P2.3 a change counts from the next request',
        ask(business => $closing), 'archived_business');
}

for ('a%20b', 'a%2eb', '%61', "a'b", 'a+b', 'a,b', 'a:b', 'a@b', 'x' x 129,
    '%C3%A9', 'a*', 'a;b', 'a%3Bb')
{
    refused("P2.3 an id outside the grammar, $_", ask(business => $_),
        'ambiguous_path');
}

for ("x/..%2f$business", "x%2f..%2f$business", "x/../$business",
    "$business/..%2fx", "x/%2e%2e/$business", "$business%2f", "/$business",
    "$business/..;", "x%5c..%5c$business", "$business/.")
{
    refused("P2.3 an ambiguous path, $_" =~ s/\Q$business/ID/r,
        ask(business => $_), 'ambiguous_path');
}

refused('P2.3 the path before the credentials',
    ask(business => "x/..%2f$business", headers => []), 'ambiguous_path');
refused('P2.3 the path before the method', ask(method => 'GET',
    business => "x/..%2f$business"), 'ambiguous_path',
    also => ['method_not_allowed']);
refused('P2.3 a location wider than its template',
    ask(url => '/wide/x/y'), 'no_business_in_path');
refused('P2.3 a template is the whole path',
    ask(url => "/wide/$business/token/more"), 'no_business_in_path');
granted('P2.3 and where it matches',
    ask(url => "/wide/$business/token/"));

# P2.4

{
    my $disabled = $gw->partner;
    my $theirs = $gw->business($disabled);
    my $bearer = $gw->mint(partner_id => $disabled->{id});

    granted('P2.4 before', ask(business => $theirs, bearer => $bearer));
    $gw->store->set_partner($disabled->{id}, status => 'disabled');
    refused('P2.4 a disabled partner',
        ask(business => $theirs, bearer => $bearer), 'revoked');
    refused('P2.4 who asks for an unknown business',
        ask(business => random_id(), bearer => $bearer), 'revoked');

    my $ghost = $gw->mint(partner_id => random_id());

    refused('P2.4 a partner that is not there',
        ask(business => $theirs, bearer => $ghost), 'revoked');
}

# P1.10 holds here too

{
    $gw->lose_store;
    refused('P1.10 store absent', ask(), 'store_unavailable', good => 0);
    ok($gw->find_store(sub { ask(quiet => 1)->status == 200 }),
        'P1.10 and it comes back');
}

$gw->finish;
