# P0, P1: partner tokens, asked for with Basic and a form body, or none.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(encode_base64);
use Test::More;

use AGW::Gateway;
use AGW::Token qw(api_key claims_of header_of);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;

        location = /v1/platform/oauth2/token { auth_gateway_token partner; }
        location = /v1/platform/oauth2/token/ { auth_gateway_token partner; }

        location = /scoped {
            auth_gateway_token partner;
            auth_gateway_partner_scope https://api.example/platform reports;
        }

        location = /short {
            auth_gateway_token partner;
            auth_gateway_partner_lifetime 90s;
            auth_gateway_realm "the other realm";
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $url = '/v1/platform/oauth2/token/';
my $grant = 'grant_type=client_credentials';
my $partner = $gw->partner;
my ($id, $key) = @$partner{qw(id key)};
my $now = time;

sub ask {
    my (%opt) = @_;

    my $to = delete $opt{url} // $url;

    $opt{basic} //= [$id, $key] unless $opt{headers};

    return $gw->request('POST', $to, %opt);
}

sub refused {
    my ($name, $response, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return $gw->refused($name, $response, $reason, by => 'basic', %opt);
}

sub type {
    return "Content-Type: $_[0]";
}

sub auth {
    my ($text) = @_;

    return 'Authorization: Basic ' . encode_base64($text, '');
}

sub granted {
    my ($name, $response, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $json = $response->json // {};
    my @names = sort 'access_token', 'expires_in', 'token_type',
        defined $opt{scope} ? 'scope' : ();

    is($response->status, 200, $name) or return diag($response->body);
    is_deeply([sort keys %$json], \@names, "P1.9 exact members: $name");
    is($json->{token_type}, 'Bearer', "P1.9 token_type: $name");
    like($response->body, qr/"expires_in":\s*[0-9]+\b/,
        "P1.9 expires_in is an integer: $name");
    $gw->keep_secret($json->{access_token} // '');

    return $json;
}

$gw->good_is(sub {
    return $gw->request('POST', $url, quiet => 1, basic => [$id, $key],
        form => $grant)->status == 200;
});

# what is granted

{
    my $response = ask(form => $grant);
    my $json = granted('P1.9 a form body', $response);
    my $token = $json->{access_token};
    my $claims = claims_of($token);

    is($response->header('Content-Type'), 'application/json', 'P0.1 type');
    is($response->header('Cache-Control'), 'no-store', 'P0.1 no-store');
    is($response->header('Pragma'), 'no-cache', 'P0.1 no-cache');
    is($response->header('WWW-Authenticate'), undef, 'P0.1 no challenge');
    is($json->{expires_in}, 3600, 'P1.9 an hour');
    is_deeply(header_of($token), { alg => 'HS256', kid => 'k1',
        typ => 'JWT' }, 'P1.9 header of the token');
    is_deeply([sort keys %$claims],
        [qw(client_id exp iat jti partner_id seq sub)], 'P1.9 its claims');
    is($claims->{$_}, $id, "P1.9 $_") for qw(sub partner_id client_id);
    is($claims->{exp} - $claims->{iat}, 3600, 'P1.9 its life');
    cmp_ok(abs($claims->{iat} - $now), '<=', 5, 'P1.9 iat is now');
    like($claims->{jti}, qr/^[A-Za-z0-9_-]{22}$/, 'P1.9 jti');

    my %jti = map {
        claims_of(ask(form => $grant)->json->{access_token})->{jti} => 1
    } 1 .. 20;

    is(keys %jti, 20, 'P1.9 jti is another each time');
}

granted('P0.4 without a final slash',
    ask(form => $grant, url => '/v1/platform/oauth2/token'));
granted('P1.3 no body, no type', ask());
granted('P1.3 grant_type missing', ask(form => 'x=1'));
granted('P1.3 grant_type empty', ask(form => 'grant_type='));
granted('P1.5 an empty body of another type',
    ask(headers => [auth("$id:$key"), type('text/plain')], body => ''));
granted('P1.5 an empty form', ask(form => ''));
granted('P1.5 the type in another case, with parameters', ask(
    headers => [auth("$id:$key"),
        type('Application/X-WWW-Form-URLencoded; charset=UTF-8')],
    body => $grant));
granted('P1.4 unknown parameters are ignored',
    ask(form => "$grant&resource=a&x=%26&audience="));
granted('P1.2 an equal client_id', ask(form => "$grant&client_id=$id"));
granted('P1.2 the query is not read',
    ask(form => $grant, url => "$url?grant_type=password&client_id=x"));
granted('P0.5 a chunked body', ask(
    headers => [auth("$id:$key"), type('application/x-www-form-urlencoded'),
        'Transfer-Encoding: chunked'], no_length => 1,
    body => join '', "10\r\n", substr($grant, 0, 16), "\r\n",
        sprintf("%x\r\n", length($grant) - 16), substr($grant, 16),
        "\r\n0\r\n\r\n"));

{
    my $client = $gw->connect;

    $client->send(join "\r\n", "POST $url HTTP/1.1", 'Host: localhost',
        auth("$id:$key"), type('application/x-www-form-urlencoded'),
        'Content-Length: ' . length $grant, 'Expect: 100-continue', '', '');
    ok($client->wait_for(sub { $client->{buffer} =~ m{^HTTP/1.1 100 } }),
        'P0.5 Expect: a body that is wanted is asked for');
    $client->send($grant);
    granted('P0.5 and read', $client->response);
}

for my $scheme ('basic', 'BASIC', 'Basic ', 'Basic    ') {
    my $value = auth("$id:$key") =~ s/^Authorization: Basic/$scheme/r;

    granted("P1.1 scheme '$scheme'",
        ask(headers => ["Authorization: $value"]));
}

{
    my ($encoded, $secret) = map {
        s/([^A-Za-z0-9]|^.)/sprintf '%%%02X', ord $1/ger
    } $id, $key;

    granted('P1.1 both halves form-encoded',
        ask(headers => [auth("$encoded:$secret")]));
    granted('P1.1 the id alone', ask(headers => [auth("$encoded:$key")]));
    granted('P1.1 the key alone', ask(headers => [auth("$id:$secret")]));
    granted('P1.2 an equal client_id, form-encoded in Basic',
        ask(headers => [auth("$encoded:$secret")],
            form => "$grant&client_id=$id"));

    my $spaced = $gw->partner(key => 'a b' . api_key());

    granted('P1.1 a space as a plus', ask(headers => [
        auth("$spaced->{id}:" . $spaced->{key} =~ s/ /+/r)]));

    my $odd = $gw->partner(key => 'a:b+c%41d' . api_key());

    granted('P1.1 split at the first colon; a raw key with + and %',
        ask(headers => [auth("$odd->{id}:$odd->{key}")]));

    my $percent = $gw->partner(key => '100%zz' . api_key());

    granted('P1.1 a % that does not decode means raw',
        ask(headers => [auth("$percent->{id}:$percent->{key}")]));
}

# P1.8

for (['reports', 'reports'],
    ['https://api.example/platform', 'https%3A%2F%2Fapi.example%2Fplatform'],
    ['reports https://api.example/platform',
        'reports+https://api.example/platform'])
{
    my ($scope, $sent) = @$_;
    my $json = granted("P1.8 scope $scope",
        ask(form => "$grant&scope=$sent", url => '/scoped'),
        scope => 1);

    is($json->{scope}, $scope, 'P1.8 in the response');
    is(claims_of($json->{access_token})->{scope}, $scope,
        'P1.8 in the token');
}

granted('P1.8 no scope asked', ask(form => $grant, url => '/scoped'));
granted('P1.8 an empty scope is an absent one',
    ask(form => "$grant&scope=", url => '/scoped'));

for ('business_access', 'reports+other', 'Reports', 'https://api.example/',
    'reports++reports', 'reports+', '+reports', '%22')
{
    refused("P1.8 scope $_", ask(form => "$grant&scope=$_",
        url => '/scoped'), 'invalid_scope');
}

refused('P1.8 any scope where none is granted',
    ask(form => "$grant&scope=reports"), 'invalid_scope');

{
    my $json = granted('P1.9 another lifetime',
        ask(form => $grant, url => '/short'));

    is($json->{expires_in}, 90, 'P1.9 expires_in');
}

# P0

for (qw(GET HEAD OPTIONS PUT PATCH DELETE PROPFIND)) {
    refused("P0.3 $_", $gw->request($_, $url, basic => [$id, $key]),
        'method_not_allowed', method => $_);
}

refused('P0.6 plain HTTP', ask(form => $grant, port => 'PLAIN'),
    'insecure_transport');
refused('P0.6 plain HTTP without credentials',
    $gw->request('POST', $url, port => 'PLAIN'), 'insecure_transport');
refused('P0.5 a body over 8 KB',
    ask(form => "$grant&x=" . 'a' x 8192), 'body_too_large');
granted('P0.5 a body of 8 KB',
    ask(form => "$grant&x=" . 'a' x (8192 - 3 - length $grant)));

# P1.1

for (['a character outside base64', 'a!b'], ['length 4n+1', 'YWJjZ'],
    ['padding within', 'YW=j'], ['a second word', 'YTpi YTpi'],
    ['nothing', ''], ['no colon', encode_base64($id, '')],
    ['trailing bits', 'YTpj'  . 'Yh=='],
    ['a control character', encode_base64("$id:\x01", '')],
    ['a NUL in the id', encode_base64("a\0b:c", '')],
    ['a line feed', encode_base64("$id:a\nb", '')],
    ['DEL', encode_base64("$id:a\x7f", '')])
{
    refused("P1.1 $_->[0]", ask(headers => ["Authorization: Basic $_->[1]"],
        form => $grant), 'malformed_credentials');
}

for ('%00', '%0d%0ax', '%7F') {
    refused("P1.1 $_ in the decoded key", ask(headers => [auth("$id:$_")],
        form => $grant), 'malformed_credentials');
    refused("P1.1 $_ in the decoded id", ask(headers => [auth("$_:$key")],
        form => $grant), 'malformed_credentials');
}

# P1.2: Basic and client_secret (t/params_client_secret.t has client_secret
# alone)

refused('P1.2 Basic and client_secret',
    ask(form => "$grant&client_id=$id&client_secret=$key"),
    'invalid_request');
refused('P1.2 Basic and client_secret alone',
    ask(form => "$grant&client_secret=$key"), 'invalid_request');
refused('P1.2 an unequal client_id',
    ask(form => "$grant&client_id=someone"), 'invalid_request');
refused('P1.2 client_id in another case',
    ask(form => "$grant&client_id=" . uc "x$id"), 'invalid_request');
refused('P1.2 client_secret in the query',
    ask(form => $grant, url => "$url?client_secret=$key"),
    'invalid_request');
refused('P1.2 client_secret in the query, among others',
    ask(form => $grant, url => "$url?a=b&client_id=$id&client_secret=x"),
    'invalid_request');
refused('P1.2 client_secret in the query, encoded',
    ask(form => $grant, url => "$url?client%5Fsecret=x"),
    'invalid_request');
refused('P1.2 client_assertion in the query',
    ask(form => $grant, url => "$url?client_assertion=x"), 'invalid_request');

# P1.3

for (qw(password authorization_code Client_Credentials x%00)) {
    refused("P1.3 grant_type $_", ask(form => "grant_type=$_"),
        'unsupported_grant_type',
        also => /%00/ ? ['invalid_request'] : []);
}

# P1.4

for ("$grant&$grant", "$grant&x=1&x=1", "$grant&x=1&x=",
    "$grant&grant%5Ftype=client_credentials", 'x=&x=', 'a+b=1&a%20b=2',
    "client_id=$id&client_id=$id&$grant")
{
    refused("P1.4 repeated parameter: " . s/\Q$id/ID/gr, ask(form => $_),
        'invalid_request');
}

# P1.5

for ('text/plain', 'application/xml',
    'application/x-www-form-urlencoded2', 'application/octet-stream')
{
    refused("P1.5 a body of $_", ask(
        headers => [auth("$id:$key"), type($_)], body => $grant),
        'invalid_request');
}

refused('P1.5 a body without a type', ask(
    headers => [auth("$id:$key")], body => $grant), 'invalid_request');

for ("$grant&x=%", "$grant&x=%4", "$grant&%zz=1", "$grant&x=%ff",
    "$grant&x=%00")
{
    refused("P1.5 malformed form $_", ask(form => $_), 'invalid_request');
}

# P1.6

{
    my $past = $gw->partner(expires_at => $now - 60);
    my $ends = $gw->partner(expires_at => $now);
    my $later = $gw->partner(not_before => $now + 3600);
    my $disabled = $gw->partner(status => 'disabled');
    my $other = $gw->partner;
    my $gone = $gw->partner;
    my $orphan = { id => 'orphan', key => api_key() };

    $gw->store->remove_partner($gone->{id});
    $gw->store->add_key('orphan', $orphan->{key});

    # in a store that others filled

    $gw->store->odd_partner('a b', $key);

    my @cases = (
        ['unknown partner', AGW::Files::random_id(), $key, undef],
        ['wrong key', $id, api_key(), $id],
        ['another partner\'s key', $id, $other->{key}, $id],
        ['expired key', $past->{id}, $past->{key}, $past->{id}],
        ['key that ends now', $ends->{id}, $ends->{key}, $ends->{id}],
        ['not-yet-valid key', $later->{id}, $later->{key}, $later->{id}],
        ['disabled partner', $disabled->{id}, $disabled->{key},
            $disabled->{id}],
        ['key without its partner row', $gone->{id}, $gone->{key}, undef],
        ['key that never had a partner', 'orphan', $orphan->{key}, undef],
        ['empty key', $id, '', $id],
        ['empty id', '', $key, undef],
        ['id outside the grammar', 'a b', $key, undef],
        ['id with a quote', "' OR 1=1 --", $key, undef],
        ['id of 129 bytes', 'a' x 129, $key, undef],
        ['id in UTF-8', "\xc3\xa9", $key, undef],
        ['id in the other case', uc "$id", $key, undef],
        ['key with a blank behind it', $id, "$key ", $id],
        ['digest as key', $id, AGW::Token::key_digest($key), $id],
    );
    my %bytes;

    for (@cases) {
        my ($name, $who, $with, $logged) = @$_;
        my $response = ask(headers => [auth("$who:$with")], form => $grant);

        # a uuid without letters has no other case
        next if $name =~ /other case/ && uc $id eq $id;

        refused("P1.6 $name", $response, 'invalid_client');
        push @{ $bytes{ $response->same_bytes } }, $name;
    }

    is(keys %bytes, 1, 'P1.6 the same bytes for every cause')
        or diag(join "\n---\n", keys %bytes);
    is((ask(headers => [auth("$id:" . 'x' x 30)]))->header('Set-Cookie'),
        undef, 'P1.6 no cookie');
}

refused('P1.6 the stored partner in the log', ask(
    headers => [auth("$id:wrong")]), 'invalid_client', kid => undef,
    partner => $id);
refused('P1.6 an unknown one is not', ask(
    headers => [auth("nobody:wrong")]), 'invalid_client', partner => undef);
refused('P1.6 no credentials',
    $gw->request('POST', $url, form => $grant), 'no_credentials');
refused('P1.6 no credentials, no body', $gw->request('POST', $url),
    'no_credentials');
refused('P1.6 another scheme', ask(
    headers => ['Authorization: Digest abc']), 'no_credentials');
refused('P1.6 Bearer', ask(headers => ['Authorization: Bearer '
    . $gw->mint(partner_id => $id)]), 'no_credentials');

# P1.6: a Basic value of 76 characters, where `base64` breaks its line, is that
# of each key by the recipe of conf/README.md.  The story: each wrong one was
# told that it may have been wrapped.

{
    my $response = ask(headers => [auth("$id:" . 'k' x 20)]);

    is(length encode_base64("$id:" . 'k' x 20, ''), 76,
        'P1.6 36 + 1 + 20 bytes are 76 characters');
    is($response->same_bytes, ask(headers => [auth("$id:" . 'k' x $_)])
        ->same_bytes, "P1.6 the same bytes for a key of 20 and of $_")
        for 17, 23;

    my $right = $gw->partner(key => 'K' x 20);

    granted('P1.6 76 characters with the right key',
        ask(headers => [auth("$right->{id}:$right->{key}")]));
}

# P0.7, P0.2

{
    my $response = ask(headers => [auth("$id:wrong")], url => '/short');

    is($response->header('WWW-Authenticate'),
        'Basic realm="the other realm"', 'P0.7 auth_gateway_realm');

    $response = ask(form => "grant_type=$id\"<script>");
    unlike($response->body, qr/<script|\Q$id/, 'P0.2 input is not echoed');
}

# P1.10: the directory goes away, and comes back, without a restart

for my $how ('absent', 'unreadable') {
    $gw->lose_store($how);
    refused("P1.10 store $how", ask(form => $grant), 'store_unavailable',
        good => 0);
    refused("P1.10 store $how, once more", ask(form => $grant),
        'store_unavailable', good => 0);
    refused("P1.10 no oracle while it is $how",
        ask(headers => [auth('nobody:x')]), 'store_unavailable',
        good => 0);
    refused("P1.10 what needs no store is answered while it is $how",
        $gw->request('POST', $url), 'no_credentials', good => 0);

    ok($gw->find_store, "P1.10 and it comes back after $how");
}

$gw->finish;
