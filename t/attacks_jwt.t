# P8: every attack on a JWT's form, key and signature that HS256 can express,
# at the access handler; after each a good token still works on the same
# worker.  Attacks by claims are in attacks_claims.t.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(hmac_sha256 hmac_sha384 hmac_sha512);
use Test::More;

use AGW::Gateway;
use AGW::Token qw(b64url claims_for);

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key kid=k1;

    # tokens over 8 KB are to reach the module

    large_client_header_buffers 4 64k;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    server {
        listen 127.0.0.1:%%TLS2%% ssl http2;

        auth_gateway_key %%PREFIX%%/secret.key kid=k1;
        auth_gateway_key %%PREFIX%%/second.key kid=k2 verify;
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

my %base = (partner_id => 'p-1', business_id => 'b-1');
my $url = '/v1/businesses/b-1/x';

# the second key must be there before nginx starts

my $second = AGW::Files::random_hex(32);
my $gw = AGW::Gateway->start($conf, before => sub {
    AGW::Files::spew("$_[0]/second.key", $second, 0600);
});

sub get {
    my ($token, %opt) = @_;

    return $gw->request('GET', $url, bearer => $token, %opt);
}

sub attack {
    my ($name, $token, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return $gw->refused($name, get($token, port => $opt{port}), $reason,
        %opt);
}

sub allowed {
    my ($name, $token, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is(get($token, %opt)->status, 200, $name);
}

sub header {
    return { alg => 'HS256', typ => 'JWT', kid => 'k1', @_ };
}

# the claims of a good token as text, to be tampered with

sub payload {
    my (%claims) = @_;

    return JSON->new->canonical->utf8->encode(
        claims_for(%base, claims => \%claims));
}

my $good = $gw->mint(%base);

$gw->good_is(sub { get($good, quiet => 1)->status == 200 });

allowed('P8 the good token', $good);
allowed('P8 a good token by hand',
    $gw->mint_raw(header => header(), payload => payload()));
allowed('P8.4 no kid where there is one key',
    $gw->mint_raw(header => { alg => 'HS256', typ => 'JWT' },
        payload => payload()));

# P8.1

for (qw(none None nOnE NONE)) {
    attack("P8.1 alg $_, unsigned", $gw->mint_raw(
        header => header(alg => $_), payload => payload(),
        signature => ''), 'malformed_token',
        also => ['algorithm_mismatch', 'bad_signature']);
    attack("P8.1 alg $_, signed all the same", $gw->mint_raw(
        header => header(alg => $_), payload => payload()),
        'algorithm_mismatch');
}

for ('{"typ":"JWT","kid":"k1"}', '{"alg":null,"typ":"JWT","kid":"k1"}',
    '{"alg":["HS256"],"typ":"JWT","kid":"k1"}',
    '{"alg":256,"typ":"JWT","kid":"k1"}',
    '{"alg":true,"typ":"JWT","kid":"k1"}',
    '{"alg":{"HS256":1},"typ":"JWT","kid":"k1"}')
{
    attack("P8.1 alg missing or no string: $_",
        $gw->mint_raw(header => $_, payload => payload()),
        'malformed_token');
}

for ('', 'HS256 ', 'hs256', 'HS256\u0000', 'HS', 'HS2567') {
    attack("P8.1 alg '$_'", $gw->mint_raw(payload => payload(),
        header => "{\"alg\":\"$_\",\"typ\":\"JWT\",\"kid\":\"k1\"}"),
        'algorithm_mismatch', also => ['malformed_token']);
}

# P8.2, as far as one kind of key goes

for (['HS384', \&hmac_sha384], ['HS512', \&hmac_sha512]) {
    my ($alg, $mac) = @$_;
    my $input = b64url(JSON::encode_json(header(alg => $alg))) . '.'
        . b64url(payload());

    attack("P8.2 $alg with the bytes of an HS256 key",
        "$input." . b64url($mac->($input, $gw->{secret})),
        'algorithm_mismatch');
}

for (qw(RS256 PS256 ES256 EdDSA A128KW dir)) {
    attack("P8.2 alg $_", $gw->mint_raw(header => header(alg => $_),
        payload => payload()), 'algorithm_mismatch');
}

# P8.3: the attacker's key in the header

{
    my $theirs = AGW::Files::random_hex(32);
    my $jwk = { kty => 'oct', alg => 'HS256', k => b64url($theirs) };

    for (['jwk', $jwk], ['jku', 'https://127.0.0.1/keys'],
        ['x5u', 'https://127.0.0.1/cert'], ['x5c', ['MIIB']])
    {
        my ($name, $value) = @$_;

        attack("P8.3 embedded $name", $gw->mint_raw(
            header => header($name => $value), payload => payload(),
            secret => $theirs), 'bad_signature', kid => 'k1',
            partner => undef);
        attack("P8.3 embedded $name instead of a kid", $gw->mint_raw(
            header => { alg => 'HS256', typ => 'JWT', $name => $value },
            payload => payload(), secret => $theirs), 'bad_signature');
    }
}

# P8.4

for ('k2', 'K1', 'k1 ', ' k1', 'k', 'k11', '', '../../../../dev/null',
    '/dev/null', "k1' OR '1'='1", "k1' UNION SELECT 'x' --", "k1\0",
    "k1\0x", "k1\r\n", 'k1, partner: p-1', '%s%n', 'k' x 10240)
{
    my $name = length $_ > 40 ? 'of 10 KB' : s/([^ -~])/sprintf '\\x%02x',
        ord $1/ger;

    attack("P8.4 kid '$name'", $gw->mint_raw(
        header => header(kid => $_), payload => payload()), 'unknown_key',
        kid => undef, partner => undef, also => ['malformed_token']);
}

for ('null', '1', '["k1"]', '{"k1":1}', 'true') {
    attack("P8.4 kid is $_", $gw->mint_raw(payload => payload(),
        header => '{"alg":"HS256","typ":"JWT","kid":' . $_ . '}'),
        'malformed_token', also => ['unknown_key']);
}

# P8.5

for (['crit', header(crit => ['exp'])], ['crit, empty', header(crit => [])],
    ['crit b64', header(crit => ['b64'], b64 => JSON::false)],
    ['b64 false', header(b64 => JSON::false)],
    ['crit null', '{"alg":"HS256","typ":"JWT","kid":"k1","crit":null}'])
{
    attack("P8.5 $_->[0]", $gw->mint_raw(header => $_->[1],
        payload => payload()), 'malformed_token');
}

{
    my $head = b64url(JSON::encode_json(
        header(crit => ['b64'], b64 => JSON::false)));
    my $input = "$head." . payload(jti => 'j');

    is(get($input . '.' . b64url(hmac_sha256($input, $gw->{secret})))
        ->status, 400, 'P8.5 an unencoded payload is no b64token');
}

# P8.6

for ('{"alg":"HS256","alg":"HS256","typ":"JWT","kid":"k1"}',
    '{"alg":"none","typ":"JWT","kid":"k1","alg":"HS256"}',
    '{"alg":"HS256","typ":"JWT","kid":"k1","\u0061lg":"HS256"}',
    '{"alg":"HS256","typ":"JWT","kid":"k2","kid":"k1"}',
    '{"alg":"HS256","typ":"JWT","kid":"k1","x":{"a":1,"a":2}}')
{
    attack("P8.6 duplicate in the header: $_",
        $gw->mint_raw(header => $_, payload => payload()),
        'malformed_token');
}

for ('"business_id":"b-2"', '"business_id":"b-1"', '"exp":9999999999',
    '"\u0065xp":9999999999', '"x":{"a":1,"a":1}', '"x":[{"a":1,"a":1}]')
{
    attack("P8.6 duplicate in the claims: $_", $gw->mint_raw(
        header => header(), payload => payload() =~ s/\}$/,$_}/r),
        'malformed_claims', kid => 'k1');
    attack("P8.6 duplicate before the claims: $_", $gw->mint_raw(
        header => header(), payload => payload() =~ s/^\{/{$_,/r),
        'malformed_claims') unless /"x"/;
}

# P8.7

{
    my ($head, $body, $mac) = split /\./, $good;

    attack('P8.7 padding behind the token', "$good=", 'malformed_token',
        also => ['bad_signature']);
    attack('P8.7 two of padding', "$good==", 'malformed_token');

    # 32 bytes are 43 characters, the last with two bits to spare

    my %spare = (A => 'B', E => 'F', I => 'J', M => 'N', Q => 'R',
        U => 'V', Y => 'Z', c => 'd', g => 'h', k => 'l', o => 'p',
        s => 't', w => 'x', 0 => 1, 4 => 5, 8 => 9);

    attack('P8.7 non-zero trailing bits',
        $good =~ s/(.)$/$spare{$1}/r, 'malformed_token');
    attack('P8.7 length 4n+1', $good . 'AA', 'malformed_token',
        also => ['bad_signature']);
    attack('P8.7 a longer signature', $good . 'A', 'malformed_token',
        also => ['bad_signature']);
    attack('P8.7 a shorter signature', $good =~ s/.{4}$//r,
        'bad_signature', also => ['malformed_token']);

    # one with - and _ in it, spelled in the other alphabet

    my $token = $good;

    for (1 .. 200) {
        last if $token =~ /[-_][^.]*$/;
        $token = $gw->mint(%base);
    }

    my ($input, $last) = $token =~ /^(.*\.)(.*)$/;

    attack('P8.7 + and / in the signature', $input . $last =~ tr{-_}{+/}r,
        'malformed_token');

    for ("$head=.$body.$mac", "$head.$body=.$mac", "$head .$body.$mac",
        "$head.$body\t.$mac", "$head.$body.$mac ,")
    {
        $gw->refused('P8.7 padding or white space within', get($_),
            'malformed_credentials');
    }
}

# P8.8

{
    my ($head, $body, $mac) = split /\./, $good;

    for (['one segment', $head], ['two segments', "$head.$body"],
        ['four', "$good.$mac"], ['a JWE\'s five', "$good.$mac.$mac"],
        ['no signature', "$head.$body."], ['no payload', "$head..$mac"],
        ['no header', ".$body.$mac"], ['dots', '..'], ['a dot', '.'],
        ['a dot behind', "$good."], ['a dot before', ".$good"],
        ['not JSON', b64url('x') . ".$body.$mac"],
        ['a header that is an array', b64url('[]') . ".$body.$mac"],
        ['a header in white space', b64url(' ') . ".$body.$mac"])
    {
        attack("P8.8 $_->[0]", $_->[1], 'malformed_token',
            kid => undef, partner => undef);
    }

    attack('P8.8 JSON serialisation', "{\"payload\":\"$body\","
        . "\"protected\":\"$head\",\"signature\":\"$mac\"}",
        'malformed_credentials');

    for ('[]', '1', 'null', '"x"', '', '{', '{}x', '{}') {
        attack("P8.8 a signed payload that is $_", $gw->mint_raw(
            header => header(), payload => $_), 'malformed_claims',
            also => ['malformed_token']);
    }
}

# the signature itself

{
    my ($head, $body, $mac) = split /\./, $good;
    my $other = b64url(payload(business_id => 'b-1', jti => 'else'));

    attack('P8 claims of one token, signature of another',
        "$head.$other.$mac", 'bad_signature', kid => 'k1',
        partner => undef);
    attack('P8 signed with nothing', $gw->mint_raw(header => header(),
        payload => payload(), secret => ''), 'bad_signature');
    attack('P8 signed with the wrong secret', $gw->mint_raw(
        header => header(), payload => payload(), secret => 'secret'),
        'bad_signature');
    attack('P8 signed with the kid', $gw->mint_raw(
        header => header(), payload => payload(), secret => 'k1'),
        'bad_signature');
    attack('P8 a signature of zeros', $gw->mint_raw(header => header(),
        payload => payload(), signature => "\0" x 32), 'bad_signature');

    for (0, 31) {
        my $bytes = MIME::Base64::decode_base64url($mac);

        substr($bytes, $_, 1) ^= "\x01";
        attack("P8.18 one bit of byte $_", "$head.$body." . b64url($bytes),
            'bad_signature');
    }
}

# P8.12

attack('P8.12 a partner token as a business\'s',
    $gw->mint(partner_id => 'p-1'), 'wrong_kind', kid => 'k1',
    partner => 'p-1');
attack('P8.12 the scope without a business', $gw->mint(partner_id => 'p-1',
    claims => { scope => 'business_access' }), 'malformed_claims',
    also => ['wrong_kind']);
attack('P8.12 the scope among others without a business',
    $gw->mint(partner_id => 'p-1',
        claims => { scope => 'x business_access' }), 'malformed_claims',
    also => ['wrong_kind']);
attack('P8.12 a business of another', $gw->mint(partner_id => 'p-1',
    business_id => 'b-2'), 'wrong_business');

# P8.15

attack('P8.15 a token over 8 KB', $gw->mint_raw(header => header(),
    payload => payload(pad => 'x' x 8192)), 'malformed_token',
    kid => undef, partner => undef);
allowed('P8.15 a token under 8 KB', $gw->mint_raw(header => header(),
    payload => payload(pad => 'x' x 5000)));
attack('P8.15 claims nested 17 deep', $gw->mint_raw(header => header(),
    payload => payload() =~ s/\}$/',"x":' . '[' x 16 . ']' x 16 . '}'/er),
    'malformed_claims');
attack('P8.15 claims nested 2000 deep', $gw->mint_raw(header => header(),
    payload => payload() =~ s/\}$/',"x":' . '[' x 2000 . ']' x 2000
        . '}'/er), 'malformed_claims');
attack('P8.15 a header nested 17 deep', $gw->mint_raw(
    header => '{"alg":"HS256","typ":"JWT","kid":"k1","x":' . '[' x 16
        . ']' x 16 . '}', payload => payload()), 'malformed_token');
allowed('P8.15 nested 16 deep', $gw->mint_raw(header => header(),
    payload => payload() =~ s/\}$/',"x":' . '[' x 15 . ']' x 15
        . '}'/er));

# P8.17

for (qw(at+jwt JWE secevent+jwt JOSE logout+jwt application/at+jwt)) {
    attack("P8.17 typ $_", $gw->mint_raw(header => header(typ => $_),
        payload => payload()), 'malformed_token');
}

for ('1', 'null', '["JWT"]', '""') {
    attack("P8.17 typ is $_", $gw->mint_raw(payload => payload(),
        header => '{"alg":"HS256","kid":"k1","typ":' . $_ . '}'),
        'malformed_token');
}

# two keys: P8.4

{
    my %there = (port => 'TLS2');
    my %ours = (iss => 'https://issuer.example', aud => 'the-api');
    my $raw = sub {
        my ($header, $secret) = @_;

        return $gw->mint_raw(header => $header, payload => payload(%ours),
            secret => $secret // $gw->{secret});
    };

    allowed('P8.4 the first of two keys', $raw->(header()), %there);
    allowed('P8.4 the second of two keys',
        $raw->(header(kid => 'k2'), $second), %there);
    attack('P8.4 no kid with several keys',
        $raw->({ alg => 'HS256', typ => 'JWT' }), 'unknown_key', %there);
    attack('P8.4 the kid of another key', $raw->(header(kid => 'k2')),
        'bad_signature', %there, kid => 'k2');
    attack('P8.4 an unknown kid with several keys',
        $raw->(header(kid => 'k3')), 'unknown_key', %there);
}

$gw->finish;
