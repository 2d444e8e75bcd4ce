# P8.9 to P8.12, P8.16: attacks by what a well-signed token claims, under
# HS256 (attacks_claims_keys.t has a few under each other kind of key); after
# each a good token still works on the same worker.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;
use AGW::Token qw(claims_for);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /partners {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /named/ {
            auth_gateway_business_path /named/<business_id>;
            proxy_set_header X-Claim $auth_gateway_claim_x;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    server {
        listen 127.0.0.1:%%TLS2%% ssl http2;

        auth_gateway_issuer https://issuer.example;
        auth_gateway_audience the-api;
        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $leeway_conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_leeway 30s;
    auth_gateway_max_lifetime 2h;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my %base = (partner_id => 'p-1', business_id => 'b-1');
my $url = '/v1/businesses/b-1/x';

sub get {
    my ($token, %opt) = @_;

    return $gw->request('GET', $opt{url} // $url, bearer => $token, %opt);
}

sub attack {
    my ($name, $token, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return $gw->refused($name,
        get($token, port => $opt{port}, url => $opt{url}), $reason, %opt);
}

sub allowed {
    my ($name, $token, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is(get($token, %opt)->status, 200, $name);
}

sub token {
    my (%claims) = @_;

    return $gw->mint(%base, claims => \%claims);
}

# A token whose claim is that JSON text, whatever JSON::PP would write.

sub with {
    my ($name, $text) = @_;

    my $payload = JSON->new->canonical->utf8->encode(
        claims_for(%base, claims => { $name => undef }));

    return $gw->mint_raw(payload => $payload =~ s/\}$/,"$name":$text}/r,
        header => { alg => 'HS256', typ => 'JWT', kid => 'k1' });
}

my $good = $gw->mint(%base);
my $now = time;

$gw->good_is(sub { get($good, quiet => 1)->status == 200 });
allowed('P8 the good token', $good);
allowed('P8.9 a claim written by hand', with('exp', $now + 600));

# P8.9; D4: the log says which claim, and why

for my $name (qw(exp nbf iat)) {
    my $time = $name eq 'exp' ? $now + 600 : $now;

    for ("\"$time\"", 'true', "$time.0", "$time.5", '1e9', '-1', 'null',
        '9007199254740992', '9223372036854775807', '9223372036854775808',
        '18446744073709551616', '1' . '0' x 400, '[]', '{}', "[$time]")
    {
        my $value = length $_ > 30 ? '10 to the 400th' : $_;

        # jansson reads no integer of more than 63 bits

        my $fault = !/^-?\d+$/ ? "$name: not an integer"
            : /^(?:-1|9007199254740992|9223372036854775807)$/
            ? "$name: out of range" : 'a number out of range';

        attack("P8.9 $name is $value", with($name, $_),
            'malformed_claims', kid => 'k1', partner => undef,
            fault => $fault);
    }
}

for (qw(exp iat jti partner_id)) {
    attack("P8.9 no $_", token($_ => undef), 'malformed_claims',
        partner => undef, fault => "$_: missing");
}

for my $name (qw(jti partner_id business_id sub client_id)) {
    my $unlike = $name =~ /^(?:sub|client_id)$/ ? 'differs from partner_id'
        : 'not 1 to 128 of A-Za-z0-9._~-';

    for ('""', 'null', '1', 'true', '["b-1"]', '{"b-1":1}', '"b 1"',
        '"b/1"', '"' . 'x' x 129 . '"', '"b\u00e9"', '"b%31"', '"*"')
    {
        my $value = length $_ > 30 ? 'of 129 bytes' : $_;

        attack("P8.9 $name is $value", with($name, $_), 'malformed_claims',
            fault => "$name: " . (/^"/ ? $unlike : 'not a string'));
    }
}

for ('null', '1', '["business_access"]', '"business_access\u0000"',
    '" business_access"', '"business_access "', '"business_access  x"',
    '"business_access\u00e9"', '"business_access\""',
    '"business_access ' . 'x' x 1024 . '"')
{
    my $value = length $_ > 60 ? 'over 1024 bytes' : $_;

    attack("P8.9 scope is $value", with('scope', $_), 'malformed_claims',
        fault => /^"/ ? /0000/ ? 'a NUL character'
            : 'scope: not as RFC 6749 has it, or over 1024 bytes'
            : 'scope: not a string');
}

attack('P8.9 sub and partner_id differ', token(sub => 'p-2'),
    'malformed_claims', fault => 'sub: differs from partner_id');
attack('P8.9 client_id and partner_id differ', token(client_id => 'p-2'),
    'malformed_claims', fault => 'client_id: differs from partner_id');
attack('P8.9 sub in another case', token(sub => 'P-1'),
    'malformed_claims');
allowed('P8.9 without sub and client_id',
    token(sub => undef, client_id => undef));
allowed('P8.9 with claims that nobody knows',
    token(roles => ['x'], deep => { a => [1, { b => undef }] }));
attack('P8.9 exp before iat', token(iat => $now, exp => $now - 1),
    'malformed_claims', fault => 'exp: not after iat');
attack('P8.9 exp equal to iat', token(iat => $now, exp => $now),
    'malformed_claims', fault => 'exp: not after iat');
attack('P8.9 business_access without business_id',
    token(business_id => undef), 'malformed_claims',
    fault => 'scope: business_access without business_id');

# P8.10

attack('P8.10 expired', token(iat => $now - 600, exp => $now - 1),
    'expired', kid => 'k1');
attack('P8.10 expires now', token(iat => $now - 600, exp => time),
    'expired');
attack('P8.10 expired long ago', token(iat => 1, exp => 2), 'expired');
attack('P8.10 not yet valid', token(nbf => $now + 60), 'not_yet_valid',
    kid => 'k1');
attack('P8.10 iat ahead', token(iat => $now + 60, exp => $now + 600),
    'not_yet_valid');
allowed('P8.10 iat a little ahead', token(iat => time + 3));
allowed('P8.10 nbf is now', token(nbf => $now));
attack('P8.10 life over max_lifetime',
    token(iat => $now, exp => $now + 86401), 'lifetime_exceeded',
    kid => 'k1', partner => 'p-1',
    fault => 'life of 86401 s is over auth_gateway_max_lifetime');
attack('P8.10 life over max_lifetime, and expired',
    token(iat => 1000, exp => 87401), 'lifetime_exceeded');
allowed('P8.10 life of max_lifetime',
    token(iat => $now, exp => $now + 86400));
attack('P8.10 a life that overflows',
    token(iat => 0, exp => 9007199254740991), 'lifetime_exceeded');

{
    my $exp = time + 5;
    my $soon = token(iat => time, exp => $exp);

    allowed('P8.10 a token that is about to expire', $soon);
    sleep 1 while time <= $exp;
    attack('P8.10 and then is', $soon, 'expired');
}

# P8.11

{
    my ($iss, $aud) = ('https://issuer.example', 'the-api');
    my %there = (port => 'TLS2');

    allowed('P8.11 iss and aud', token(iss => $iss, aud => $aud), %there);
    allowed('P8.11 aud holds ours',
        token(iss => $iss, aud => ['x', $aud]), %there);
    allowed('P8.11 not compared where none is configured',
        token(iss => 'https://other', aud => ['anything']));

    for (undef, "$iss/", uc $iss, 'issuer.example', "$iss ", '') {
        attack('P8.11 iss is ' . ($_ // 'missing'),
            token(iss => $_, aud => $aud), 'wrong_issuer', %there,
            kid => 'k1');
    }

    for (undef, "$aud/", uc $aud, 'api', '', [], ['x'], [[$aud]]) {
        my $name = defined $_ ? JSON->new->allow_nonref->encode($_)
            : 'missing';

        attack("P8.11 aud is $name", token(iss => $iss, aud => $_),
            'wrong_audience', %there, also => ['malformed_claims']);
    }

    attack('P8.11 iss is an array', token(iss => [$iss], aud => $aud),
        'malformed_claims', %there, also => ['wrong_issuer']);
    attack('P8.11 aud is an object',
        token(iss => $iss, aud => { $aud => 1 }), 'malformed_claims',
        %there, fault => 'aud: not a string or an array of strings');
    attack('P8.11 aud holds a number', token(iss => $iss, aud => [$aud, 1]),
        'malformed_claims', %there,
        fault => 'aud: an array, but not of strings');
}

# P8.12

attack('P8.12 business as partner', $good, 'wrong_kind',
    url => '/partners', scope => undef);
allowed('P8.12 partner as partner', $gw->mint(partner_id => 'p-1'),
    url => '/partners');
attack('P8.12 an empty business is no partner\'s token',
    with('business_id', '""'), 'malformed_claims', url => '/partners');
attack('P8.12 a null business is no partner\'s token',
    with('business_id', 'null'), 'malformed_claims', url => '/partners');

# P8.16

for ('"b-1\u0000"', '"b-1\u0000b-2"', '"\u0000"', "\"b-1\0\"",
    "\"b-1\xff\"", "\"b-1\xc0\x80\"", "\"\xed\xa0\x80\"", '"b-1\u000d"',
    '"b-1\r\nx: y"', '"b-1\n"', '"b-1\u007f"', '"b-1\ud800"',
    '"\ud800\udc00\udc00"')
{
    my $name = s/([^ -~])/sprintf '\\x%02x', ord $1/ger;

    attack("P8.16 business_id is $name", with('business_id', $_),
        'malformed_claims');
    attack("P8.16 partner_id is $name", with('partner_id', $_),
        'malformed_claims');
    attack("P8.16 jti is $name", with('jti', $_), 'malformed_claims');
}

for ("\"\xff\"", "\"\xc0\xaf\"", "\"a\0b\"", '"a\u0000b"', "\"\xf4\x90\x80"
    . "\x80\"", '"\udfff"')
{
    my $name = s/([^ -~])/sprintf '\\x%02x', ord $1/ger;

    attack("P8.16 another claim is $name", with('x', $_),
        'malformed_claims');
}

{
    my $payload = JSON->new->canonical->utf8->encode(claims_for(%base));
    my %header = (alg => 'HS256', typ => 'JWT', kid => 'k1');
    my $wide = join '', map { "\0$_" } split //, $payload;

    attack('P8.16 claims in UTF-16', $gw->mint_raw(header => \%header,
        payload => $wide), 'malformed_claims');
    attack('P8.16 claims in UTF-16 with a mark', $gw->mint_raw(
        header => \%header, payload => "\xfe\xff$wide"),
        'malformed_claims');
    attack('P8.16 claims with a byte order mark', $gw->mint_raw(
        header => \%header, payload => "\xef\xbb\xbf$payload"),
        'malformed_claims');
    attack('P8.16 a NUL behind the claims', $gw->mint_raw(
        header => \%header, payload => "$payload\0"), 'malformed_claims');
    attack('P8.16 a second object behind the claims', $gw->mint_raw(
        header => \%header, payload => "$payload$payload"),
        'malformed_claims');
}

# a claim never becomes a header of its own

for ('"a\r\nX-Business-Id: b-2"', '"a\n b"', '"\u00e9"', '"' . 'x' x 257
    . '"', '["a"]', '{"a":1}', 'null', '1.5')
{
    get(with('x', $_), url => '/named/b-1/x');

    my ($seen) = $gw->upstream_saw;

    is($seen && $seen->{headers}{'x-claim'}, undef,
        'P8.16 a claim that is no header value: ' . substr $_, 0, 30);
    unlike($seen ? $seen->{head} : '', qr/[ :]b-2/,
        'P8.16 no second header');
}

for (['"read only"', 'read only'], ['42', '42'], ['-7', '-7'],
    ['true', 'true'], ['false', 'false'], ['"' . 'x' x 256 . '"', 'x' x 256])
{
    get(with('x', $_->[0]), url => '/named/b-1/x');

    my ($seen) = $gw->upstream_saw;

    is_deeply($seen && $seen->{headers}{'x-claim'}, [$_->[1]],
        'P8.16 a claim that is one: ' . substr $_->[0], 0, 30);
}

# the same edges with a leeway of 30 seconds and a shorter life

{
    my $main = $gw;

    $gw = AGW::Gateway->start($leeway_conf);
    $good = $gw->mint(%base);
    $gw->good_is(sub { get($good, quiet => 1)->status == 200 });
    $now = time;

    allowed('P8.10 expired within the leeway',
        token(iat => $now - 600, exp => $now - 20));
    attack('P8.10 expired by more than the leeway',
        token(iat => $now - 600, exp => $now - 30), 'expired');
    allowed('P8.10 nbf within the leeway', token(nbf => $now + 20));
    attack('P8.10 nbf beyond the leeway', token(nbf => $now + 40),
        'not_yet_valid');
    allowed('P8.10 iat ahead within the leeway', token(iat => $now + 20));
    attack('P8.10 iat ahead beyond the leeway', token(iat => $now + 40),
        'not_yet_valid');
    attack('P8.10 life over another max_lifetime',
        token(iat => $now, exp => $now + 7201), 'lifetime_exceeded',
        fault => 'life of 7201 s is over auth_gateway_max_lifetime');

    $gw = $main;
}

$gw->finish;
