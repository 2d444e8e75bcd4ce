# P3: Layer's dialect.  The business token endpoint answers with an AuthToken
# alone and takes JSON alone; the partner token endpoint takes a scope that
# is a URL.  t/layer_errors.t has what is refused.

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
    auth_gateway_max_lifetime 2h;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_error_format layer;
        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /oauth2/token {
            auth_gateway_token partner;
            auth_gateway_partner_scope https://api.example.com/sandbox other;
        }

        location ~ ^/v1/businesses/[^/]+/auth-token/?$ {
            auth_gateway_token business;
            auth_gateway_business_path
                /v1/businesses/<business_id>/auth-token;
        }

        # nginx reads the body into a file, for an upstream that is not there

        location /spilled/ {
            auth_gateway_require off;
            client_body_buffer_size 8;
            client_body_in_file_only clean;
            proxy_pass http://127.0.0.1:1;
            error_page 502 = @spilled;
        }

        location @spilled {
            auth_gateway_token business;
            auth_gateway_business_path /spilled/<business_id>;
        }

        location /v1/businesses/ {
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-Scope $auth_gateway_scope;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/partners/ {
            auth_gateway_require partner;
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-Scope $auth_gateway_scope;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $partner = $gw->partner;
my ($id, $key) = @$partner{qw(id key)};
my $business = $gw->business($partner);
my $token = $gw->mint(partner_id => $id);
my $url = "/v1/businesses/$business/auth-token";
my $scope = 'https://api.example.com/sandbox';
my $decoder = JSON->new->utf8->allow_nonref;

sub ask {
    my ($type, $body, %opt) = @_;

    return $gw->request('POST', $opt{url} // $url, bearer => $token,
        (defined $type ? (headers => ["Content-Type: $type"]) : ()),
        body => $body, %opt);
}

# an AuthToken, exactly; returns it

sub granted {
    my ($name, $response, $seconds) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $got = $response && $response->json;

    subtest $name => sub {
        is($response && $response->status, 200, 'status')
            or return diag($response ? $response->body : 'nothing',
                $gw->log_text);
        is(join(' ', sort keys %$got), 'access_token expires_in token_type',
            'P3.3 three members');
        is($got->{token_type}, 'Bearer', 'P3.3 token_type');
        is($got->{expires_in}, $seconds // 3600, 'P3.3 expires_in');
        like($response->body, qr/"expires_in": ?[1-9][0-9]*[,}]/,
            'P3.3 which is an integer');
        is_deeply([map { $response->header($_) } 'Content-Type',
            'Cache-Control', 'Pragma', 'WWW-Authenticate'],
            ['application/json', 'no-store', 'no-cache'], 'P0.1 headers');

        my $claims = claims_of($got->{access_token});

        is($claims->{business_id}, $business, 'P3.1 the business');
        is($claims->{partner_id}, $id, 'P3.1 the partner');
        is($claims->{scope}, 'business_access', 'P3.1 the scope');
        is($claims->{exp} - $claims->{iat}, $seconds // 3600,
            'P3.2 its life');
    };

    $gw->keep_secret($got->{access_token} // '') if ref $got;

    return $got // {};
}

sub refused {
    my ($name, $response, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return $gw->refused($name, $response, $reason, format => 'layer',
        scope => undef, partner => $id, kid => 'k1', %opt);
}

$gw->good_is(sub {
    return ask(undef, undef, quiet => 1)->status == 200;
});


# P3.1: JSON, or absent

{
    my $got = granted('P3.1 without a body', ask());
    my $there = $gw->request('GET', "/v1/businesses/$business/bills",
        bearer => $got->{access_token});

    is($there->status, 200, 'P3.3 the token opens the business');
    is(($gw->upstream_saw)[0]{headers}{'x-business-id'}[0], $business,
        'P4.6 and the upstream is told of it');
    $there = $gw->request('GET', '/v1/businesses/other/bills',
        bearer => $got->{access_token});
    refused('P4.2 and no other', $there, 'wrong_business',
        scope => 'business_access');
}

granted('P0.4 with a final slash', ask(undef, undef, url => "$url/"));
granted('P3.1 an empty body of a type', ask($_, ''))
    for 'application/json', 'text/plain', 'multipart/form-data';
granted("P3.1 $_", ask($_, '{}'))
    for 'application/json', 'APPLICATION/JSON; charset=utf-8';
granted('P3.1 members that are not known', ask('application/json',
    '{"name": "x", "a": {"b": [1, null]}}'));
granted('P3.1 grant_type is no other', ask('application/json',
    '{"grant_type": "client_credentials"}'));

refused('P1.3 another grant_type', ask('application/json',
    '{"grant_type": "password"}'), 'unsupported_grant_type');

my %others = (
    'application/x-www-form-urlencoded' => 'session_duration=900',
    'multipart/form-data; boundary=b' => "--b\r\nContent-Disposition:"
        . " form-data; name=\"session_duration\"\r\n\r\n900\r\n--b--\r\n",
    'text/plain' => '{"session_duration": 900}',
    'application/jsonx' => '{"session_duration": 900}',
    'application/vnd.api+json' => '{"session_duration": 900}',
    'text/json' => '{}',
);

for my $type (sort keys %others) {
    refused("P3.1 a body of $type", ask($type, $others{$type}),
        'invalid_request');
}

refused('P3.1 a body without a type', ask(undef, '{}'), 'invalid_request');
refused("P3.1 a body that is $_->[0]", ask('application/json', $_->[1]),
    'body_not_json')
    for ['text', 'x'], ['an array', '[]'], ['a string', '"x"'],
    ['null', 'null'], ['a number', '900'], ['white space', ' '],
    ['cut', '{"session_duration": 900'], ['two objects', '{}{}'],
    ['a form', 'session_duration=900'],
    ['an object with a member twice',
        '{"session_duration": 900, "session_duration": 900}'],
    ['an object with a member twice, once escaped',
        '{"session_duration": 900, "session\u005fduration": 60}'];


# P3.2: session_duration, as an integer and as a string

for my $seconds (1, 60, 900, 3600, 7199, 7200) {
    granted("P3.2 $_", ask('application/json',
        "{\"session_duration\": $_}"), $seconds) for $seconds, "\"$seconds\"";
}

my @bad = (qw(0 -1 -900 7201 86400 999999999 9999999999 10000000000
    9223372036854775807 null true false 1.0 900.0 900.5 1e3 9E2 0.9e3 -0
    [900] {"seconds":900}), map { "\"$_\"" } '', ' ', '0', '-1', '+1', '1e3',
    '900.0', '0900', '00', '0x10', ' 900', '900 ', '9 00', '900s', '15m',
    '7201', '10000000000', '18446744073709552516', 'null', 'true',
    '9,00', '900\u0000', '\uff19\uff10\uff10', '900\n');

for my $value (@bad) {
    my $reason = $value eq '""' ? undef : 'invalid_request';
    my $response = ask('application/json', "{\"session_duration\": $value}");

    # P1.4: an empty value counts as absent

    $reason ? refused("P3.2 $value", $response, $reason,
            $value =~ /u0000/ ? (also => ['body_not_json']) : ())
        : granted('P1.4 an empty string', $response);
}

refused('P3.2 +1, which is no JSON', ask('application/json',
    '{"session_duration": +1}'), 'body_not_json');
refused('P3.2 a leading zero, which is no JSON', ask('application/json',
    '{"session_duration": 0900}'), 'body_not_json');
refused('P3.2 an integer beyond 64 bits', ask('application/json',
    '{"session_duration": 9223372036854775808}'), 'body_not_json',
    also => ['invalid_request']);
granted('P3.2 is not read from the query', ask('application/json', '{}',
    url => "$url?session_duration=5"));


# P0.5: sent in every way

{
    my $body = '{"session_duration": 77}';
    my $client = $gw->connect;
    my $head = "POST $url HTTP/1.1\r\nHost: localhost\r\n"
        . "Authorization: Bearer $token\r\nContent-Type: application/json\r\n";

    $client->send("${head}Transfer-Encoding: chunked\r\n\r\n"
        . sprintf("%x\r\n%s\r\n0\r\n\r\n", length $body, $body)
        . "${head}Content-Length: " . length($body) . "\r\n\r\n$body");
    granted('P0.5 chunked', $client->response, 77);
    granted('P0.5 and the next on the connection', $client->response, 77);
    $client->close;

    $client = $gw->connect;
    $client->send("${head}Expect: 100-continue\r\nContent-Length: "
        . length($body) . "\r\n\r\n");
    $client->wait_for(sub { $client->{buffer} =~ /\r\n\r\n/ });
    like($client->{buffer}, qr{^HTTP/1\.1 100 }, 'P0.5 100-continue');
    $client->send($body);
    granted('P0.5 after 100', $client->response, 77);
    $client->close;

    granted('P0.5 from a file', ask('application/json', $body,
        url => "/spilled/$business"), 77);
    refused('P0.5 a form from a file', ask(
        'application/x-www-form-urlencoded', 'session_duration=77',
        url => "/spilled/$business"), 'invalid_request');
}

{
    my $h2 = $gw->connect_h2;
    my @as = (['authorization', "Bearer $token"],
        ['content-type', 'application/json']);

    $gw->mark;
    granted('P3.1 HTTP/2, without a body', $h2->request('POST', $url,
        headers => [$as[0]]));
    granted('P3.1 HTTP/2, with one', $h2->request('POST', $url,
        headers => [@as], body => '{"session_duration":"42"}'), 42);
    $gw->mark;
    refused('P3.2 HTTP/2', $h2->request('POST', $url, headers => [@as],
        body => '{"session_duration":null}'), 'invalid_request');
    $h2->close;
}


# P3.5, P1.8: the partner token, as Layer's browser library asks for it

sub partner_token {
    my ($form, %opt) = @_;

    return $gw->request('POST', '/oauth2/token', basic => [$id, $key],
        form => $form, %opt);
}

sub partner_refused {
    my ($name, $response, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return $gw->refused($name, $response, $reason, format => 'layer',
        by => 'basic', %opt);
}

my $encoded = $scope =~ s/([:\/])/sprintf '%%%02X', ord $1/ger;

for (["client_id=$id&scope=$encoded", $scope],
    ["client_id=$id&scope=$scope", $scope],
    ["grant_type=client_credentials&scope=$encoded&client_id=$id", $scope],
    ["scope=other+$encoded", "other $scope"], ['scope=other', 'other'],
    ["client_id=$id", undef], ['scope=', undef])
{
    my ($form, $granted) = @$_;
    my $response = partner_token($form);
    my $got = $response->json // {};
    my $shown = $form =~ s/\Q$id\E/ID/r;

    is($response->status, 200, "P3.5 $shown")
        or diag($response->body);
    is(join(' ', sort keys %$got), join(' ', sort 'access_token',
        'expires_in', 'token_type', defined $granted ? 'scope' : ()),
        'P1.9 exactly these members');
    is($got->{scope}, $granted, 'P1.8 the scope is in the response');
    is(claims_of($got->{access_token})->{scope}, $granted,
        'P1.8 and in the token');
    $gw->keep_secret($got->{access_token});

    granted('P3.5 which is exchanged', ask(undef, undef,
        bearer => $got->{access_token}));
    $gw->request('GET', '/v1/partners/x', bearer => $got->{access_token});
    is_deeply(($gw->upstream_saw)[0]{headers}{'x-scope'},
        defined $granted ? [$granted] : undef,
        'D4 and the upstream is told of the scope');
}

is(partner_token(undef, headers => ['Content-Type: application/json'],
    body => "{\"scope\": \"$scope\", \"client_id\": \"$id\"}")
    ->json->{scope}, $scope, 'P1.8 in JSON');

for ('https://api.example.com/', 'https://api.example.com/sandbox/',
    'https://api.example.com/Sandbox', 'http://api.example.com/sandbox',
    "$scope x", "x $scope", 'business_access', "$scope business_access",
    "$scope#", "$scope  other", " $scope", "$scope ")
{
    my $form = 'scope=' . s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger;

    partner_refused("P1.8 scope '$_'", partner_token($form),
        'invalid_scope');
}

partner_refused('P1.2 an unequal client_id', partner_token(
    "client_id=x$id&scope=$encoded"), 'invalid_request');
partner_refused('P1.6 a wrong key', partner_token("scope=$encoded",
    basic => [$id, 'wrong']), 'invalid_client');
partner_refused('P1.4 scope twice', partner_token(
    "scope=$encoded&scope=$encoded"), 'invalid_request');

$gw->finish;
