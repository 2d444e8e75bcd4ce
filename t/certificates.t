# P8a.4: a token that was issued to a client certificate holds with that
# certificate alone (RFC 8705, section 3), on every path that takes a token,
# over HTTP/1.1 and HTTP/2, with a warm cache and with a cold one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Certificates qw(make_client_certificate);
use AGW::Gateway;
use AGW::Token;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_issuer https://issuer.example;
    auth_gateway_audience api;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        ssl_verify_client optional_no_ca;

        auth_gateway_bind_tokens certificate;

        location = /token { auth_gateway_token partner; }

        location /token/ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location = /free {
            auth_gateway_token partner;
            auth_gateway_bind_tokens off;
        }

        location /free/ {
            auth_gateway_token business;
            auth_gateway_business_path /free/<business_id>;
            auth_gateway_bind_tokens off;
        }

        location = /revoke { auth_gateway_revoke token; }
        location = /introspect { auth_gateway_introspect; }

        location = /.well-known/oauth-authorization-server {
            auth_gateway_metadata token=/token;
        }

        location /v1/businesses/ {
            auth_gateway_require business owner;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /partners/ {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /shadow/ {
            auth_gateway_require partner;
            auth_gateway_enforce log;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # as before: nothing is said of binding

    server {
        listen 127.0.0.1:%%TLS2%% ssl;

        ssl_verify_client optional_no_ca;

        location = /token { auth_gateway_token partner; }

        location /token/ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location = /.well-known/oauth-authorization-server {
            auth_gateway_metadata token=/token;
        }

        location /v1/businesses/ {
            auth_gateway_require business owner;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # no certificate is asked for

    server {
        listen 127.0.0.1:%%TLS3%% ssl;
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_require_https off;

        location /v1/businesses/ {
            auth_gateway_require business owner;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my %thumb;
my $gw = AGW::Gateway->start($conf, before => sub {
    my ($prefix) = @_;

    %thumb = map { $_ => make_client_certificate($prefix, $_) }
        qw(one other expired);
    make_client_certificate($prefix, 'expired', expired => 1);
});
my $prefix = $gw->prefix;
my $partner = $gw->partner;
my ($id, $key) = @$partner{qw(id key)};
my $business = $gw->business($partner);
my %ours = (iss => 'https://issuer.example', aud => 'api');

$gw->good_is(sub {
    return $gw->request('POST', '/token', quiet => 1, basic => [$id, $key])
        ->status == 200;
});

sub issued {
    my ($name, $target, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $cnf = delete $opt{cnf};
    my $response = $gw->request('POST', $target, %opt);
    my $token = ($response->json // {})->{access_token} // '';

    is($response->status, 200, $name) or diag($response->body);
    is_deeply(AGW::Token::claims_of($token)->{cnf},
        $cnf ? { 'x5t#S256' => $thumb{$cnf} } : undef, "$name: cnf");

    return $gw->keep_secret($token);
}

my @basic = (basic => [$id, $key]);
my $free = issued('P8a.4 without a certificate', '/token', @basic);
my $bound = issued('P8a.4 with one', '/token', @basic, cert => 'one',
    cnf => 'one');

issued('P8a.4 with another', '/token', @basic, cert => 'other',
    cnf => 'other');
issued('P8a.4 where binding is off', '/free', @basic, cert => 'one');
issued('P8a.4 where nothing is said', '/token', @basic, cert => 'one',
    port => 'TLS2');

my $own = issued('P8a.4 a business token of a bound one', "/token/$business",
    bearer => $bound, cert => 'one', cnf => 'one');

issued('P8a.4 likewise where nothing is said', "/token/$business",
    bearer => $bound, cert => 'one', cnf => 'one', port => 'TLS2');
issued('P8a.4 of a bound one, where binding is off', "/free/$business",
    bearer => $bound, cert => 'one');
issued('P8a.4 of a free one', "/token/$business", bearer => $free);
issued('P8a.4 of a free one, with a certificate', "/token/$business",
    bearer => $free, cert => 'other', cnf => 'other');

# P8a.3: an exchange presents a token too

my $exchange = 'grant_type=urn:ietf:params:oauth:grant-type:token-exchange'
    . "&subject_token_type=urn:ietf:params:oauth:token-type:jwt"
    . "&audience=$business&subject_token=";

issued('P8a.3 exchanged, of a bound one', '/token', @basic, cert => 'one',
    form => $exchange . $bound, cnf => 'one');
issued('P8a.3 exchanged, where binding is off', '/free', @basic,
    cert => 'one', form => $exchange . $bound);
issued('P8a.3 exchanged, of a free one', '/token', @basic,
    form => $exchange . $free);

for (['another certificate', cert => 'other'], ['no certificate']) {
    my ($name, @cert) = @$_;

    for my $target ('/token', '/free') {
        $gw->refused("P8a.3 exchanged at $target, $name",
            $gw->request('POST', $target, @basic, @cert,
                form => $exchange . $bound), 'invalid_request',
            by => 'basic', fault => 'subject_token: certificate_mismatch');
    }
}

# every path that takes a token

my $here = "/v1/businesses/$business/x";
my @paths = (
    ['GET', $here, $own, 200],
    ['GET', $here, $bound, 200],
    ['GET', '/partners/x', $bound, 200],
    ['POST', "/token/$business", $bound, 200],
    ['POST', "/free/$business", $bound, 200],
    ['POST', '/introspect', $bound, 200, form => 'token=x'],
    ['POST', '/revoke', $bound, 200, form => 'token=x'],
    ['GET', $here, $own, 200, port => 'TLS2'],
    ['POST', "/token/$business", $bound, 200, port => 'TLS2'],
);

for my $path (@paths) {
    my ($method, $target, $token, $status, %opt) = @$path;
    my $name = "P8a.4 $method $target " . ($opt{port} // '');

    for my $time ('cold', 'warm') {
        my @asked = ($method, $target, bearer => $token, %opt);

        $gw->refused("$name, another certificate, $time",
            $gw->request(@asked, cert => 'other'), 'certificate_mismatch',
            fault => 'another certificate', partner => $id);
        $gw->refused("$name, no certificate, $time", $gw->request(@asked),
            'certificate_mismatch', fault => 'no certificate');
        is($gw->request(@asked, cert => 'one')->status, $status,
            "$name, the right one, $time");
    }
}

for my $port ('TLS3', 'PLAIN') {
    $gw->refused("P8a.4 where no certificate is asked for, $port",
        $gw->request('GET', $here, bearer => $own, cert => 'one',
            port => $port),
        'certificate_mismatch', fault => 'no certificate');
}

is($gw->request('GET', '/shadow/x', bearer => $bound)->status, 200,
    'P8a.4 under enforce log');
is(($gw->refusals)[0]{reason}, 'certificate_mismatch',
    'P8a.4 under enforce log, in the log');

# nginx itself refuses one that has expired

is($gw->request('GET', $here, bearer => $own, cert => 'expired')->status,
    400, 'P8a.4 an expired certificate');

# on one connection, one after another: HTTP/1.1 and HTTP/2, by curl

sub curl {
    my ($http, $cert, $token, $times) = @_;

    my $port = $gw->nginx->port('TLS');
    my @cert = $cert ? ('--cert', "$prefix/$cert.pem", '--key',
        "$prefix/$cert.key") : ();

    open my $curl, '-|', 'curl', '-s', $http, '--cacert', "$prefix/cert.pem",
        @cert, '-H', "Authorization: Bearer $token", '-w',
        '%{http_version} %{http_code} ', map { ('-o', "$prefix/tmp/body",
            "https://localhost:$port$here") } 1 .. $times or die "curl: $!";

    return join '', readline $curl;
}

for (['--http1.1', '1.1'], ['--http2', '2']) {
    my ($http, $version) = @$_;
    my $new = issued("P8a.4 another one, $http", "/token/$business",
        bearer => $bound, cert => 'one', cnf => 'one');

    $gw->mark;
    is(curl($http, 'other', $new, 2), "$version 401 " x 2,
        "P8a.4 curl with another certificate, $http");
    is(curl($http, undef, $new, 1), "$version 401 ",
        "P8a.4 curl with none, $http");
    is_deeply([map { $_->{reason} } $gw->refusals],
        ['certificate_mismatch', 'certificate_mismatch',
            'certificate_mismatch'], "P8a.4 and why, $http");
    is(curl($http, 'one', $new, 3), "$version 200 " x 3,
        "P8a.4 curl with the right one, cold, warm and warm, $http");
    $gw->mark;
    is(curl($http, 'other', $new, 1), "$version 401 ",
        "P8a.4 curl with another one after it, $http");
}

# introspection describes it; its caller needs no certificate for that

{
    my $json = $gw->request('POST', '/introspect', @basic,
        form => "token=$own")->json;

    is_deeply($json->{cnf}, { 'x5t#S256' => $thumb{one} },
        'P6.3 cnf of a bound token');
    ok($json->{active}, 'P6.3 which is active, whoever asks');
    ok(!exists $gw->request('POST', '/introspect', @basic,
        form => "token=$free")->json->{cnf}, 'P6.3 no cnf of another one');
}

# what is not understood is refused: of our own key, and by all paths

my $good = $thumb{one};

my %cnf = (
    'a string' => $good,
    'null' => \undef,
    'empty' => {},
    'a key' => { jkt => $good },
    'an embedded key' => { jwk => { kty => 'OKP' } },
    'two methods' => { 'x5t#S256' => $good, jkt => $good },
    'an array' => [{ 'x5t#S256' => $good }],
    'no string' => { 'x5t#S256' => [$good] },
    'an empty string' => { 'x5t#S256' => '' },
    'too short' => { 'x5t#S256' => substr $good, 1 },
    'too long' => { 'x5t#S256' => "${good}A" },
    'with padding' => { 'x5t#S256' => "$good=" },
    'SHA-1' => { 'x5t' => substr $good, 0, 27 },
);

for my $what (sort keys %cnf) {
    my $value = ref $cnf{$what} eq 'SCALAR' ? JSON::null : $cnf{$what};
    my $token = $gw->mint_raw(header => { alg => 'HS256', kid => 'k1' },
        payload => { AGW::Token::claims_of($own)->%*, cnf => $value });

    $gw->refused("P8a.4 cnf: $what",
        $gw->request('GET', $here, bearer => $token, cert => 'one'),
        'malformed_claims', fault => 'cnf: not of x5t#S256 alone, with the SHA-256 of a'
            . ' certificate');
    is_deeply($gw->request('POST', '/introspect', @basic,
        form => "token=$token")->json, { active => JSON::false },
        "P8a.4 cnf: $what, introspected");
}

is($gw->request('GET', $here, cert => 'one', bearer => $gw->mint_raw(
    header => { alg => 'HS256', kid => 'k1' },
    payload => AGW::Token::claims_of($own)))->status, 200,
    'P8a.4 the same with the cnf that it had');

# P7.2 metadata

is($gw->request('GET', '/.well-known/oauth-authorization-server')
    ->json->{tls_client_certificate_bound_access_tokens}, JSON::true,
    'P7.2 tokens are bound');
ok(!exists $gw->request('GET', '/.well-known/oauth-authorization-server',
    port => 'TLS2')->json->{tls_client_certificate_bound_access_tokens},
    'P7.2 they are not');

$gw->finish;
