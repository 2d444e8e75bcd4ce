# D3: the keys that nginx -t refuses and takes, by their parameters and,
# of secrets, by their files; no message shows any of a secret.  Other keys'
# files are in t/config_keys_files.t, JWKs in t/config_keys_jwk.t.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Config qw(accepted check configuration refused $guard $proxy $token);
use AGW::Files qw(random_hex slurp spew);

my $prefix = configuration();

spew("$prefix/short.key", random_hex(8), 0600);
spew("$prefix/s31.key", substr(random_hex(16), 1), 0600);
spew("$prefix/s47.key", substr(random_hex(24), 1), 0600);
spew("$prefix/s63.key", substr(random_hex(32), 1), 0600);
spew("$prefix/s64.key", random_hex(32), 0600);
spew("$prefix/empty.key", '', 0600);
spew("$prefix/pem.key", "-----BEGIN PRIVATE KEY-----\n"
    . ('A' x 64 . "\n") x 3 . "-----END PRIVATE KEY-----\n", 0600);
spew("$prefix/bom.key", "\xef\xbb\xbf \n-----BEGIN EC PRIVATE KEY-----\n"
    . 'A' x 64, 0600);
spew("$prefix/jwk.key", '{"kty":"oct","k":"' . 'A' x 42 . '"}', 0600);
spew("$prefix/array.key", " \n[" . '1,' x 40 . '1]', 0600);
spew("$prefix/ssh.key", 'ssh-ed25519 ' . 'A' x 68 . ' me', 0600);
spew("$prefix/huge.key", 'A' x 200_000, 0600);
mkdir "$prefix/dir.key";
system('openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt',
    'ec_paramgen_curve:P-256', '-outform', 'DER', '-out',
    "$prefix/der.key") == 0 or die 'openssl';

# files and algorithms

refused('no key for a guarded location', 'auth_gateway_key', undef, undef,
    key => '', location => "$guard $proxy");
refused('no key for a token location', 'auth_gateway_key', undef, undef,
    key => '', location => $token);

for (['missing', 'no.key'], ['short', 'short.key'], ['31 bytes', 's31.key'],
    ['empty', 'empty.key'], ['a PEM key', 'pem.key'],
    ['a PEM key behind a BOM', 'bom.key'],
    ['a JWK of 31 bytes', 'jwk.key'], ['JSON', 'array.key'], ['an SSH key', 'ssh.key'],
    ['a DER key', 'der.key'], ['a directory', 'dir.key'])
{
    my ($name, $file) = @$_;

    refused("key, $name$_", 'auth_gateway_key', $file, undef,
        key => "auth_gateway_key %%PREFIX%%/$file kid=k1$_;",
        location => "$guard $proxy") for '', ' alg=HS256';
}

refused("a secret of 48 bytes$_", 'auth_gateway_key', 's48.key',
    qr/a raw secret must have alg=HS256, alg=HS384 or alg=HS512/,
    key => "auth_gateway_key %%PREFIX%%/s48.key kid=k1$_;",
    location => "$guard $proxy") for '', ' alg=ES256', ' verify';

refused('a secret of 32 bytes says what is needed', 'auth_gateway_key',
    's31.key', qr/32/, location => "$guard $proxy",
    key => 'auth_gateway_key %%PREFIX%%/s31.key alg=HS256;');
refused('47 bytes for HS384', 'auth_gateway_key', 's47.key', qr/48/,
    key => 'auth_gateway_key %%PREFIX%%/s47.key alg=HS384;',
    location => "$guard $proxy");

for (qw(none None HS1 hs256 HS128 RS257)) {
    refused("alg=$_", 'auth_gateway_key', $_, qr/HS256/, key =>
        "auth_gateway_key %%PREFIX%%/s48.key alg=$_;",
        location => "$guard $proxy");
}

for ('ES256', 'RS256', 'EdDSA') {
    refused("a secret as $_", 'auth_gateway_key', $_, undef, key =>
        "auth_gateway_key %%PREFIX%%/s48.key alg=$_;",
        location => "$guard $proxy");
}

refused('two keys with one kid', 'auth_gateway_key', 'k1', undef,
    key => 'auth_gateway_key %%PREFIX%%/s32.key alg=HS256 kid=k1;'
    . ' auth_gateway_key %%PREFIX%%/s48.key alg=HS256 kid=k1 verify;',
    location => "$guard $proxy");
refused('an empty kid', 'auth_gateway_key', 'kid=', undef,
    key => 'auth_gateway_key %%PREFIX%%/s32.key kid=;',
    location => "$guard $proxy");
refused('a parameter that nobody knows', 'auth_gateway_key', 'sign', undef,
    key => 'auth_gateway_key %%PREFIX%%/s32.key alg=HS256 sign;',
    location => "$guard $proxy");
refused('issuer= without verify', 'auth_gateway_key', 'issuer=', qr/verify/,
    key => 'auth_gateway_key %%PREFIX%%/s32.key issuer=https://x;',
    location => "$guard $proxy");
refused('only verify keys for a token location', 'auth_gateway_key', undef,
    undef, key => 'auth_gateway_key %%PREFIX%%/s32.key alg=HS256 verify;',
    location => $token);

# parameters

for (['alg=none', 'none', qr/HS256/], ['alg=hs256', 'hs256', qr/HS256/],
    ['alg=HS1024', 'HS1024', qr/HS256/], ['alg=', 'alg=', qr/it must be/],
    ['kid=', 'kid=', qr/it must be/], ['kid', 'kid', qr/it must be/],
    ['sign', 'sign', qr/it must be/], ['Verify', 'Verify', qr/"verify"/],
    ['verify=on', 'verify=on', qr/it must be/],
    ["'kid=a b'", 'a b', qr/1 to 256 printable/],
    ["'kid=a\"b'", 'a"b', qr/1 to 256 printable/],
    ["'kid=a\tb'", "a\tb", qr/1 to 256 printable/],
    ["kid=\xc3\xa9", "\xc3\xa9", qr/1 to 256 printable/],
    ['kid=' . 'k' x 257, 'k' x 257, qr/1 to 256 printable/],
    ['alg=HS256 alg=HS384', 'alg=HS384', qr/each once/],
    ['kid=a kid=b', 'kid=b', qr/each once/],
    ['verify verify', 'verify', qr/each once/])
{
    my ($words, $value, $accepted) = @$_;

    refused('key with ' . substr($words, 0, 40)
        =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger, 'auth_gateway_key',
        "\"$value\"", $accepted, location => "$guard $proxy",
        key => "auth_gateway_key %%PREFIX%%/s48.key $words;");
}

refused('63 bytes for HS512', 'auth_gateway_key', 's63.key', qr/64 for HS512/,
    key => 'auth_gateway_key %%PREFIX%%/s63.key alg=HS512;',
    location => "$guard $proxy");
refused('a file that is too long', 'auth_gateway_key', 'huge.key', qr/65536/,
    key => 'auth_gateway_key %%PREFIX%%/huge.key;');
refused('the same secret twice, both of its own name', 'auth_gateway_key',
    's48.key', qr/same kid/, key =>
    'auth_gateway_key %%PREFIX%%/s48.key alg=HS256;'
    . ' auth_gateway_key %%PREFIX%%/s48.key alg=HS256 verify;');
refused('two keys of a server with one kid', 'auth_gateway_key', 'a',
    qr/same kid/, server =>
    'auth_gateway_key %%PREFIX%%/s48.key alg=HS256 kid=a;'
    . ' auth_gateway_key %%PREFIX%%/s32.key alg=HS256 kid=a;');
refused('a server whose own keys only verify', 'auth_gateway_token', undef,
    qr/"auth_gateway_key" without "verify"/, location => $token,
    server => 'auth_gateway_key %%PREFIX%%/s48.key alg=HS256 verify;');

for (['s32', 'HS256'], ['s48', 'HS384'], ['s64', 'HS512'],
    ['s64', 'HS256'])
{
    accepted("$_->[0] as $_->[1]", location => "$guard $proxy",
        key => "auth_gateway_key %%PREFIX%%/$_->[0].key alg=$_->[1];");
}

accepted('a kid of 256 characters', location => "$guard $proxy",
    key => 'auth_gateway_key %%PREFIX%%/s48.key alg=HS256 kid='
    . 'k' x 256 . ';');
accepted('a key beside nginx.conf', location => "$guard $proxy",
    key => 'auth_gateway_key s48.key alg=HS256;');

for my $file (qw(short pem bom jwk array ssh der)) {
    my $secret = slurp("$prefix/$file.key");
    my (undef, $said) = check(location => "$guard $proxy",
        key => "auth_gateway_key %%PREFIX%%/$file.key alg=HS256;");

    is(index($said, substr $secret, 0, 16), -1,
        "D3 no byte of $file.key is shown") if $file ne 'pem'
        && $file ne 'bom' && $file ne 'ssh';
    unlike($said, qr/A{16}/, "D3 no part of $file.key is shown");
}

done_testing();
