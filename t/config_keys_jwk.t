# P8.14, D4: JWKs and JWK Sets that nginx -t refuses and takes.  Each
# message names the file and the reason, and shows nothing of what is in it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use MIME::Base64 qw(decode_base64url);
use Test::More;

use AGW::Files qw(random_hex);
use AGW::KeyFiles qw(key_accepted key_file key_refused keys_ready);
use AGW::Keys qw(jwk_set openssl);
use AGW::Token qw(b64url);

keys_ready();

my $json = JSON->new->canonical->utf8;
my ($rsa, $other_rsa, $ec, $p384, $ed) = map { AGW::Keys->new($_) }
    qw(RS256 RS256 ES256 ES384 EdDSA);
my $oct = AGW::Keys->new('HS256');
my @types = ($rsa, $ec, $p384, $ed, $oct);

# a private JWK with members changed, or taken away where they are undef

sub jwk {
    my ($key, %members) = @_;

    my %jwk = (%{ $key->jwk(private => 1) }, %members);

    return $json->encode({ map { $_ => $jwk{$_} }
        grep { defined $jwk{$_} } keys %jwk });
}

sub public_jwk {
    my ($key, %members) = @_;

    return $json->encode({ %{ $key->jwk }, %members });
}

# what it is for

for my $key (@types) {
    my $alg = $key->alg;

    key_refused("P8.14 $alg, use=$_", jwk($key, use => $_),
        qr/its "use" must be "sig"/) for 'enc', 'SIG', 'sig ', '', 'x';
    key_refused("P8.14 $alg, use is no string", jwk($key, use => ['sig']),
        qr/"use" of a JWK is a string/);
    key_accepted("P8.14 $alg, use=sig", jwk($key, use => 'sig'));

    key_refused("P8.14 $alg, key_ops " . $json->encode($_),
        jwk($key, key_ops => $_), qr/key_ops/) for ['encrypt'],
        ['deriveKey', 'wrapKey'], [], ['Verify'];
    key_refused("P8.14 $alg, key_ops is " . $json->allow_nonref->encode($_),
        jwk($key, key_ops => $_), qr/"key_ops" an array of different/)
        for 'verify', ['sign', 'sign'], ['verify', 1], { sign => 1 };
    key_refused("P8.14 $alg, key_ops verify, without verify",
        jwk($key, key_ops => ['verify']), qr/must have "verify"/);
    key_accepted("P8.14 $alg, key_ops verify",
        jwk($key, key_ops => ['verify']), 'verify');
    key_accepted("P8.14 $alg, key_ops of both",
        jwk($key, key_ops => ['sign', 'verify'], use => 'sig'));

    # whoever signs with a private key has others verify with its public one

    if ($key->is_secret) {
        key_refused("P8.14 $alg, key_ops sign", jwk($key,
            key_ops => ['sign']), qr/key_ops/);
    } else {
        key_accepted("P8.14 $alg, key_ops sign", jwk($key,
            key_ops => ['sign']));
        key_refused("P8.14 $alg, public, key_ops sign", public_jwk($key,
            key_ops => ['sign']), qr/key_ops/, 'verify');
        key_refused("D4 $alg, a public JWK without verify",
            public_jwk($key), qr/must have "verify"/);
    }

    # its algorithm

    my ($fits) = grep { $_ ne $alg } $alg =~ /^RS/ ? 'PS512'
        : $alg =~ /^HS/ ? 'HS384' : ();

    key_refused("P8.14 $alg, the JWK's is another", jwk($key,
        alg => $alg), qr/alg= must be the one it names/,
        "alg=$fits") if $fits;
    key_accepted("P8.14 $alg, the JWK's is alg=", jwk($key, alg => $alg),
        "alg=$alg");
    key_refused("P8.14 $alg, the JWK's is $_", jwk($key, alg => $_),
        qr/algorithm that is not used here.*HS256/) for 'none', 'ES512',
        'RSA-OAEP', 'ECDH-ES', 'A128KW', lc "$alg-", '';
    key_refused("P8.14 $alg, the JWK's is no string", jwk($key,
        alg => [$alg]), qr/algorithm/);
    key_refused("P8.14 $alg, the JWK's fits another type", jwk($key,
        alg => $alg =~ /^[RH]S/ ? 'ES256' : 'RS256'),
        qr/not one for its type/);
}

key_refused('P8.14 a P-256 JWK for ES384', jwk($ec, alg => 'ES384'),
    qr/type and curve/);
key_refused('P8.14 a P-256 JWK, alg=ES384', jwk($ec),
    qr/P-384 for ES384/, 'alg=ES384');
key_refused('P8.14 a secret too short for the JWK\'s alg',
    '{"kty":"oct","alg":"HS512","k":"' . b64url('x' x 63) . '"}',
    qr/64 for HS512/);
key_refused('P8.14 a secret of 31 bytes in a JWK',
    '{"kty":"oct","k":"' . b64url('x' x 31) . '"}', qr/32 bytes/);

# what it is made of

key_refused("P8.14 kty $_", jwk($ec, kty => $_), qr/another type/)
    for 'ec', 'DSA', '', ['EC'];
key_refused('P8.14 no kty', jwk($ec, kty => undef), qr/another type/);
key_refused("P8.14 crv $_", jwk($ec, crv => $_), qr/another type/)
    for 'P-521', 'secp256k1', 'prime256v1', 'p-256', '', ['P-256'];
key_refused("P8.14 OKP with crv $_", jwk($ed, crv => $_),
    qr/another type/) for qw(Ed448 X25519 ed25519 P-256);
key_refused('P8.14 an oct JWK without k', '{"kty":"oct"}',
    qr/missing, or not one/);
key_refused("P8.14 an oct JWK, k is $_", "{\"kty\":\"oct\",\"k\":$_}",
    qr/missing, or not one/) for '""', '1', '["' . 'A' x 64 . '"]', '"'
    . 'A' x 64 . '="', '"' . 'A' x 64 . '+"', '"' . 'A' x 65 . '"',
    '"' . 'A' x 63 . ' "';

for my $key ($rsa, $ec, $p384, $ed) {
    my $alg = $key->alg;
    my $jwk = $key->jwk(private => 1);

    for my $name (grep { !/^(?:kty|crv)$/ } sort keys %$jwk) {
        my $value = $jwk->{$name};
        my $bytes = decode_base64url($value);

        key_refused("P8.14 $alg, $name is broken", jwk($key,
            $name => $_), qr/missing, or not one/) for '', "$value=",
            "$value!", substr($value, 0, -1) . "\n", ['x'], 'A' x 5000;
        key_refused("P8.14 $alg, no $name", jwk($key, $name => undef),
            $name eq 'd' && $alg ne 'RS256' ? qr/must have "verify"/
                : qr/missing, or not one/);
        next if $alg eq 'RS256';
        key_refused("P8.14 $alg, $name too long", jwk($key,
            $name => b64url("\0$bytes")), qr/missing, or not one/);
        key_refused("P8.14 $alg, $name too short", jwk($key,
            $name => b64url(substr $bytes, 1)), qr/missing, or not one/);
    }
}

# pairs that are none

{
    my ($ec2, $ed2) = map { AGW::Keys->new($_) } qw(ES256 EdDSA);

    key_refused('P8.14 EC, d of another key', jwk($ec,
        d => $ec2->jwk(private => 1)->{d}), qr/not a pair/);
    key_refused('P8.14 EC, a point off the curve', jwk($ec,
        y => $ec2->jwk->{y}), qr/missing, or not one|not a valid/);
    key_refused('P8.14 EC, public, a point off the curve', public_jwk($ec,
        y => $ec2->jwk->{y}), qr/missing, or not one|not a valid/,
        'verify');
    key_refused("P8.14 EC, d = $_->[0]", jwk($ec, d => b64url($_->[1])),
        qr/missing, or not one|not a pair|not a valid|OpenSSL/)
        for ['0', "\0" x 32], ['the largest', "\xff" x 32];
    key_refused('P8.14 Ed25519, d of another key', jwk($ed,
        d => $ed2->jwk(private => 1)->{d}), qr/missing, or not one/);

    my $theirs = $other_rsa->jwk(private => 1);

    key_refused('P8.14 RSA, n of another key', jwk($rsa,
        n => $theirs->{n}), qr/not a pair|missing|not a valid/);
    key_refused('P8.14 RSA, n, e and d, d of another key', jwk($rsa,
        d => $theirs->{d}, map { $_ => undef } qw(p q dp dq qi)),
        qr/not a pair/);
    key_refused('P8.14 RSA, e = 1', jwk($rsa, e => 'AQ'),
        qr/not one of such a key/);
    key_refused('P8.14 RSA of 1024 bits, public', $json->encode(
        { kty => 'RSA', e => 'AQAB', n => b64url("\xc1" . 'x' x 126
            . "\x01") }), qr/2048 to 8192/, 'verify');
    key_refused('P8.14 RSA of several primes', jwk($rsa,
        oth => [{ r => 'AQAB', d => 'AQAB', t => 'AQAB' }]),
        qr/missing, or not one/);
    key_accepted('D4 RSA with n, e and d alone', jwk($rsa, map { $_ =>
        undef } qw(p q dp dq qi)));
}

# the JSON

for (['an array', '[]'], ['an array of keys', '[' . jwk($ec) . ']'],
    ['an empty object', '{}'], ['cut short', substr jwk($rsa), 0, 700],
    ['two keys', jwk($ec) . jwk($ed)], ['something behind it',
        jwk($ec) . 'x'], ['a member twice', jwk($ec)
        =~ s/^\{/{"kty":"EC",/r], ['a NUL in it', jwk($ec, x5t => "a\0b")],
    ['no UTF-8', jwk($ec) =~ s/^\{/{"n":"\xff",/r], ['nested too deep',
        jwk($ec) =~ s/^\{/'{"x":' . '[' x 40 . ']' x 40 . ','/er],
    ['a comment', "{/* key */" . substr(jwk($ec), 1)])
{
    key_refused("P8.14 JSON: $_->[0]", $_->[1],
        qr/neither a JWK nor a JWK Set|another type/);
}

key_refused("P8.14 a kid that is $_", jwk($ec) =~ s/^\{/{"kid":$_,/r,
    qr/missing, or not one|a kid that is not used|neither a JWK/)
    for '1', 'null', '["x"]', '"a b"', '"a\"b"', '"a\\\\b"', '"a\nb"',
    '"' . 'k' x 257 . '"', '"\u00e9"', '"a\u0000b"';
key_accepted('D4 a kid of 256 characters', jwk($ec, kid => 'k' x 256));
key_accepted('D4 a bad kid, and kid=', jwk($ec, kid => 'a b'), 'kid=good');
key_accepted('D4 members that nobody knows', jwk($ec, x5c => ['MIIB'],
    x5u => 'https://x/', ext => JSON::true, foo => { bar => [1] }));

# sets

my @public = map { $_->jwk } $rsa, $ec, $ed;

key_accepted('D4 a set of each type', jwk_set(@public), 'verify');
key_accepted('D4 a set with members that nobody knows',
    $json->encode({ keys => [@public], next => 'x' }), 'verify');
key_accepted('D4 a set of secrets', jwk_set($oct->jwk,
    AGW::Keys->new('HS384')->jwk));
key_accepted('D4 a set with private and public keys',
    jwk_set($ec->jwk(private => 1), $ed->jwk));
key_refused('D4 a set of public keys without verify', jwk_set(@public),
    qr/must have "verify"/);
key_refused('D4 a set of secrets and others', jwk_set($oct->jwk, $ec->jwk),
    qr/secrets beside other keys/, $_) for '', 'verify';
key_refused('D4 a set of a secret of no use and others', jwk_set(
    $oct->jwk(use => 'enc'), $ec->jwk), qr/secrets beside other keys/, $_)
    for '', 'verify';
key_refused('D4 an empty set', jwk_set(), qr/no key in the JWK Set/,
    'verify');
key_refused("D4 a set whose keys are $_", "{\"keys\":$_}",
    qr/neither a JWK nor|not a JSON object/, 'verify') for '{}', '"x"',
    'null', '1', '["x"]', '[null]', '[[]]';

# Keys of no use are skipped, and named: by a kid that can be printed, by
# their place in any case.

my $weak = { kty => 'RSA', e => 'AQAB', n => b64url("\xc1" . 'x' x 126
    . "\x01") };

for (['use=enc', $p384->jwk(use => 'enc'), qr/not for signatures/],
    ['an unknown type', { kty => 'new' }, qr/another type/],
    ['an unknown curve', { kty => 'EC', crv => 'P-521', x => 'AA',
        y => 'AA' }, qr/another type/],
    ['an unknown alg', $p384->jwk(alg => 'ECDH-ES'), qr/not used here/],
    ['key_ops without verify', $p384->jwk(key_ops => ['deriveBits']),
        qr/key_ops/],
    ['no type', {}, qr/another type/],
    ['a point that is cut', $ec->jwk(x => 'AA'), qr/missing, or not one/],
    ['a member missing', { kty => 'EC', crv => 'P-256', x => $ec->jwk->{x} },
        qr/missing, or not one/],
    ['a use that is no string', $p384->jwk(use => 1), qr/"use" of a JWK/],
    ['RSA of 1024 bits', $weak, qr/2048 to 8192/],
    ['RSA, e = 1', { %{ $rsa->jwk }, e => 'AQ' }, qr/exponent|not one of/],
    ['an alg of another type', $p384->jwk(alg => 'RS256'),
        qr/not one for its type/],
    ['a private key that is none', $ec->jwk(private => 1,
        d => AGW::Keys->new('ES256')->jwk(private => 1)->{d}),
        qr/not a pair/])
{
    my ($name, $jwk, $reason) = @$_;
    my $skipped = qr/ is skipped: .*$reason/;

    # a key that is not for us at all is nobody's rival

    my $unused = $reason =~ /not for sign|another type|used here|key_ops/;

    key_accepted("D4 a set with $name", jwk_set(@public, $jwk), 'verify',
        warning => qr/", key 4$skipped/, notice =>
        qr/taken for a JWK Set, 3 keys: RS256 kid .* ES256 kid .* EdDSA kid/);
    key_accepted("D4 a set with $name, a kid", jwk_set({ %$jwk,
        kid => 'the.old-1' }, @public), 'verify',
        warning => qr/", key 1, kid "the\.old-1"$skipped/);
    key_accepted("D4 a set with $name, the kid of another", jwk_set(
        { %{ $public[0] }, kid => 'same' }, { %$jwk, kid => 'same' }),
        'verify', warning => qr/", key 2, kid "same"$skipped/)
        if $unused;
    key_refused("P8.14 a set with $name, the kid of another", jwk_set(
        @$_), qr/", key \d, kid "same": .*same kid/, 'verify')
        for $unused ? () : ([{ %{ $public[0] }, kid => 'same' },
            { %$jwk, kid => 'same' }], [{ %$jwk, kid => 'same' },
            { %{ $public[0] }, kid => 'same' }]);
    key_accepted("D4 a set with $name, a kid that forges a line",
        jwk_set($public[0], { %$jwk, kid => "a\" is fine\n[emerg] x" }),
        'verify', warning => qr/", key 2 is skipped: [^"]*/);
    key_refused("D4 a set of $name alone", jwk_set($jwk),
        qr/no key in the JWK Set.*skipped: .*$reason/, 'verify');
    key_refused("D4 $name, not in a set", $json->encode({ %$jwk,
        kid => 'the.old-1' }), qr/", kid "the\.old-1": .*$reason/,
        'verify');
}

for ('"x"', 'null', '[]', '1') {
    key_accepted("D4 a set with $_", "{\"keys\":[$_,"
        . $json->encode($public[1]) . ']}', 'verify',
        warning => qr/", key 1 is skipped: not a JSON object/);
}

key_accepted('D4 a set with a bad kid', jwk_set($rsa->jwk,
    $p384->jwk(kid => 'a b')), 'verify',
    warning => qr/", key 2 is skipped: a kid that is not used/);
key_accepted('D4 a set with several of no use', jwk_set($weak,
    { kty => 'new', kid => 'n' }, @public, { %$weak, kid => 'w' }),
    'verify', warning => [qr/key 1 is skipped: .*2048/,
    qr/key 2, kid "n" is skipped/, qr/key 6, kid "w" is skipped: .*2048/]);
key_accepted('D4 a set with a secret that is too short', jwk_set($oct->jwk,
    { kty => 'oct', k => b64url('x' x 31), kid => 's' }), '',
    warning => qr/key 2, kid "s" is skipped: .*shorter than its hash/);
key_accepted('D4 a set with a secret that is a public key', jwk_set(
    $oct->jwk, { kty => 'oct', k => b64url($ec->form('public, SPKI')) }), '',
    warning => qr/key 2 is skipped: .*never taken for a secret/);
key_refused('D4 a set that can sign but for a weak key', jwk_set(
    $ec->jwk, { %$weak, d => 'AQAB' }), qr/can sign/);

key_refused('D4 a set, alg= that one of it does not fit',
    jwk_set(@public), qr/", key 2, alg "RS256": .*does not fit/,
    'alg=RS256 verify');
key_refused('D4 a set, alg= that is not the one it names', jwk_set(
    $rsa->jwk(alg => 'RS256', kid => 'r')), qr/", key 1, kid "r", alg /,
    'alg=PS256 verify');
key_accepted('D4 a set of RSA keys, alg=PS256',
    jwk_set($rsa->jwk, $other_rsa->jwk), 'alg=PS256 verify');
key_refused('D4 kid= and a set of several', jwk_set(@public),
    qr/kid= names one key/, 'kid=x verify');
key_accepted('D4 kid= and a set of one', jwk_set($ec->jwk),
    'kid=x verify');

# one kid, two keys

my $same = qr/same kid/;

key_refused('P8.14 one kid twice in a set',
    jwk_set($rsa->jwk(kid => 'a'), $ec->jwk(kid => 'a')),
    qr/", key 2, kid "a": .*$same/, 'verify');
key_refused('P8.14 one key twice in a set', jwk_set($ec->jwk, $ec->jwk),
    qr/", key 2: .*$same/, 'verify');
key_refused('P8.14 one key twice, for two algorithms',
    jwk_set($rsa->jwk(alg => 'RS256'), $rsa->jwk(alg => 'PS256')), $same,
    'verify');
key_accepted('D4 one key twice, with two kids',
    jwk_set($rsa->jwk(alg => 'RS256', kid => 'a'),
        $rsa->jwk(alg => 'PS256', kid => 'b')), 'verify');

{
    my $plain = 'auth_gateway_key ' . key_file(jwk($ec)) . ';';
    my $named = 'auth_gateway_key ' . key_file(jwk($ec, kid => 'a')) . ';';

    for ([$plain, $ec->form('public, SPKI'), 'verify'],
        [$plain, $ec->form('PKCS#8'), ''],
        [$plain, jwk($ed), 'kid=' . $ec->thumbprint],
        [$named, jwk($ed, kid => 'a'), ''], [$named, jwk($ed), 'kid=a'],
        [$named, jwk_set($ed->jwk, $rsa->jwk(kid => 'a')), 'verify'])
    {
        my ($first, $bytes, $words) = @$_;

        key_refused("P8.14 a kid of another file, '$words',", $bytes,
            $same, $words, before => $first);
    }

    key_accepted('D4 one key twice, with two kids, in two files',
        jwk($ec, kid => 'b'), 'verify', before => $named);
}

done_testing();
