# D3: nginx -t says of each key file what it was taken for, and of each
# key its algorithm, its kid, of what kind it is and what it does; never what
# is in it, and not when nginx starts.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use Test::More;

use AGW::Config qw(check);
use AGW::Files qw(random_bytes random_hex slurp);
use AGW::Gateway;
use AGW::KeyFiles qw(key_file keys_ready);
use AGW::Keys qw(jwk_set);
use AGW::Token qw(b64url);

my $prefix = keys_ready();
my ($ec, $ed, $rsa, $oct) = map { AGW::Keys->new($_) }
    qw(ES256 EdDSA RS256 HS256);

# the notices to these lines, each as [file, what it says]

sub notices {
    my (@lines) = @_;

    my ($code, $said) = check(http => join("\n    ", map {
        "auth_gateway_key $_;" } @lines), location =>
        'auth_gateway_require business; auth_gateway_business_path'
        . ' /v1/businesses/<business_id>; proxy_pass http://127.0.0.1:9;');

    is($code, 0, 'D3 nginx -t') or diag($said);

    my @notices = $said =~
        m{\[notice\] [^\n]*?"auth_gateway_key" file "[^"]*/([^"/]+)" ([^\n]*?) in [^ ]*/nginx\.conf:\d+$}mg;
    my @pairs;

    push @pairs, [splice @notices, 0, 2] while @notices;

    return wantarray ? @pairs : $pairs[0][1];
}

sub said {
    my ($name, $bytes, $words, $wanted) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $notice = notices(key_file($bytes) . " $words");
    my $size = length $bytes;

    return is($notice, "of $size bytes was taken for $wanted", "D3 $name");
}

my $thumbprint = $ec->thumbprint;

said('a raw secret', random_hex(16), 'alg=HS256 kid=s',
    'a raw secret, 1 key: HS256 kid "s" (secret, signs and verifies)');
said('a raw secret that verifies', random_bytes(63) . 'x', 'alg=HS512 kid=s verify',
    'a raw secret, 1 key: HS512 kid "s" (secret, verifies)');
said('a PEM private key', $ec->form('PKCS#8'), '', 'a PEM private key, 1 key:'
    . " ES256 kid \"$thumbprint\" (private, signs and verifies)");
said('a PEM public key', $ec->form('public, SPKI'), 'verify kid=x', 'a PEM'
    . ' public key, 1 key: ES256 kid "x" (public, verifies)');
said('a PEM key behind a BOM', $ec->form('PKCS#8 behind a BOM'), 'kid=x',
    'a PEM private key, 1 key: ES256 kid "x" (private, signs and verifies)');
said('a JWK', $ed->form('JWK', kid => 'j'), '', 'a JWK, 1 key: EdDSA kid'
    . ' "j" (private, signs and verifies)');
said('an oct JWK', $oct->form('JWK', kid => 'j', alg => 'HS256'), 'verify',
    'a JWK, 1 key: HS256 kid "j" (secret, verifies)');
said('a JWK Set', jwk_set($rsa->jwk(kid => 'a', alg => 'PS256'), { kty =>
    'new' }, $ec->jwk(private => 1)), '', 'a JWK Set, 2 keys: PS256 kid "a"'
    . " (public, verifies), ES256 kid \"$thumbprint\" (private, signs and"
    . ' verifies)');

# one key signs, and one notice a file, in their order

{
    my @files = map { key_file($_) } $ed->form('public, SPKI'),
        $ec->form('PKCS#8'), $rsa->form('PKCS#8'), random_hex(32);

    is_deeply([map { [$_->[0], $_->[1] =~ /: (.*)/] } notices(
        "$files[0] kid=a verify", "$files[1] kid=b", "$files[2] kid=c",
        "$files[3] kid=d alg=HS256")], [
        [$files[0], 'EdDSA kid "a" (public, verifies)'],
        [$files[1], 'ES256 kid "b" (private, signs and verifies)'],
        [$files[2], 'RS256 kid "c" (private, verifies)'],
        [$files[3], 'HS256 kid "d" (secret, verifies)']],
        'D3 a notice a file');
}

# of many keys, as many as a line holds

for my $size (1, 40, 256) {
    my $notice = notices(key_file(jwk_set(map { { %{ $ec->jwk },
        kid => substr "$_-" . 'k' x 256, 0, $size > 4 ? $size : 4 } }
        100 .. 199)) . ' verify');
    my ($list, $more) = $notice =~
        /JWK Set, 100 keys: (.*\)) and (\d+) more$/;
    my $shown = () = ($list // '') =~ /\(public, verifies\)/g;

    ok($shown > 1, "D3 many keys, kids of $size") or diag($notice);
    is($shown + ($more // 0), 100, "D3 many keys, kids of $size, are counted");
    cmp_ok(length $notice, '<', 900, "D3 many keys, kids of $size, one line");
}

# nothing of a secret is in it

{
    my @secrets = (random_hex(32), b64url(random_bytes(48)));
    my $said = join "\n", map { $_->[1] } notices(key_file($secrets[0])
        . ' alg=HS256', key_file("{\"kty\":\"oct\",\"k\":\"$secrets[1]\"}"));

    ok(!(grep { my $secret = $_; grep { index($said, substr $secret, $_, 8)
        >= 0 } 0 .. length($secret) - 8 } @secrets),
        'D3 nothing of a secret is shown') or diag($said);
}

# at start and at a reload there is no such line

{
    my $gw = AGW::Gateway->start(<<'CONF');
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl;

        auth_gateway_business_path /v1/businesses/<business_id>;

        location /v1/businesses/ {
            auth_gateway_require business;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

    unlike(slurp($gw->nginx->error_log) . slurp($gw->nginx->out_file),
        qr/was taken for/, 'D3 not when nginx starts');
    $gw->finish;
}
