# P11.2: the public keys and certificates of a partner.  What is stored of a
# key is made from it, never a private one; of a certificate it is the
# thumbprint.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Crypt::PK::ECC ();
use Crypt::PK::RSA ();
use JSON ();
use Test::More;

use AGW::Admin;

my $admin = AGW::Admin->start;
my $id = $admin->partner->{id};
my $other = $admin->partner->{id};
my $json = JSON->new->utf8->canonical;
my $thumb = 'BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSY';

# a key: its public JWK, and its private one

sub jwks_of {
    my ($pk, %more) = @_;

    return map { { $json->decode($_)->%*, %more } }
        $pk->export_key_jwk('public'), $pk->export_key_jwk('private');
}

sub ecc {
    my ($curve, %more) = @_;
    my $pk = Crypt::PK::ECC->new;

    $pk->generate_key($curve);

    return jwks_of($pk, %more);
}

sub rsa {
    my ($bytes, %more) = @_;
    my $pk = Crypt::PK::RSA->new;

    $pk->generate_key($bytes, 65537);

    return jwks_of($pk, %more);
}

my ($es256, $private) = ecc('secp256r1', kid => 'es-1');
my ($rs256) = rsa(256, kid => 'rs-1', alg => 'PS256', use => 'sig',
    x5c => ['AAAA'], more => 'of it');
my ($weak) = rsa(128, kid => 'weak');
my ($nameless) = ecc('secp384r1');

# there is none yet, nor of nobody

$admin->gets('P11.2 no JWK', $admin->ask('GET', "partners/$id/jwks"), 200,
    jwks => []);
$admin->gets('P11.2 no certificate',
    $admin->ask('GET', "partners/$id/certificates"), 200,
    certificates => []);

for my $list (qw(jwks certificates)) {
    my $body = $list eq 'jwks' ? { jwk => $es256 } : { 'x5t#S256' => $thumb };

    for (['GET', "partners/nobody/$list"],
        ['POST', "partners/nobody/$list", $body],
        ['GET', "partners/$id/$list/x"], ['DELETE', "partners/$id/$list/x"])
    {
        $admin->mark;
        $admin->refuses("P11.2 $_->[0] $_->[1]", $admin->ask(@$_),
            'unknown_object');
    }

    $admin->mark;
    $admin->refuses("P11.2 PATCH of $list",
        $admin->ask('PATCH', "partners/$id/$list/x", {}),
        'method_not_allowed', allow => 'GET, DELETE');
}

# keys

my $public = { %$es256, alg => 'ES256', use => 'sig' };
my $made = $admin->ask('POST', "partners/$id/jwks", { jwk => $es256 });

$admin->gets('P11.2 a JWK', $made, 201, kid => 'es-1', jwk => $public);
is($made->header('Location'), "/admin/partners/$id/jwks/es-1",
    'P11.2 its place');
like(AGW::Admin::tag($made), qr/^"[0-9a-f]{32}"$/, 'P11.2 its tag');
$admin->gets('P11.2 it is there',
    $admin->ask('GET', "partners/$id/jwks/es-1"), 200, kid => 'es-1',
    jwk => $public);
$admin->gets('P11.2 again, it is replaced',
    $admin->ask('POST', "partners/$id/jwks", { jwk => $es256 }), 200,
    kid => 'es-1');

{
    my $got = $admin->ask('POST', "partners/$id/jwks", { jwk => $rs256 })
        ->json->{jwk};

    is_deeply($got, { map { $_ => $rs256->{$_} } qw(alg e kid kty n use) },
        'P11.2 nothing but the key is kept');
}

my $named = $admin->ask('POST', "partners/$id/jwks", { jwk => $nameless });

is($named->status, 201, 'P11.2 a JWK without a kid');
like($named->json->{kid}, qr/^[A-Za-z0-9_-]{43}$/,
    'P11.2 its kid is its thumbprint');
is($named->json->{jwk}{alg}, 'ES384', 'P11.2 and its algorithm its own');
$admin->gets('P11.2 the kid beside it', $admin->ask('POST',
    "partners/$other/jwks", { kid => 'es-1', jwk => $es256 }), 201,
    kid => 'es-1');
is_deeply([map { $_->{kid} } @{ $admin->ask('GET', "partners/$id/jwks")
    ->json->{jwks} }], [sort 'es-1', 'rs-1', $named->json->{kid}],
    'P11.2 a list of them');

my %bad = (
    'a private key' => $private,
    'a secret' => { kty => 'oct', k => 'A' x 64 },
    'a weak key' => $weak,
    'a key for encryption' => { %$es256, use => 'enc' },
    'an algorithm of another key' => { %$es256, alg => 'RS256' },
    'an HMAC' => { %$es256, alg => 'HS256' },
    'no algorithm' => { %$es256, alg => 'none' },
    'a kid that is no id' => { %$es256, kid => 'a/b' },
    'a kid that is no string' => { %$es256, kid => 1 },
    'half a key' => { map { $_ => $es256->{$_} } qw(kty crv x) },
    'a point off the curve' => { %$es256, y => $es256->{x} },
    'a set' => { keys => [$es256] },
    'a string' => $json->encode($es256),
    'null' => undef,
);

for my $what (sort keys %bad) {
    $admin->mark;
    $admin->refuses("P11.2 $what", $admin->ask('POST', "partners/$id/jwks",
        { jwk => $bad{$what} }), 'invalid_request', member => 'jwk',
        accepted => qr/^jwk must be a public key as a JWK/);
}

$admin->mark;
$admin->refuses('P11.2 another kid beside it', $admin->ask('POST',
    "partners/$id/jwks", '{"kid":"es-2","jwk":' . $json->encode($es256)
    . '}'), 'invalid_request', member => 'jwk');
$admin->mark;
$admin->refuses('P11.2 another kid behind it', $admin->ask('POST',
    "partners/$id/jwks", '{"jwk":' . $json->encode($es256)
    . ',"kid":"es-2"}'), 'invalid_request', member => 'jwk');
$admin->mark;
$admin->refuses('P11.2 no JWK at all',
    $admin->ask('POST', "partners/$id/jwks", {}), 'invalid_request',
    member => 'jwk');

# certificates

$admin->gets('P11.2 a certificate', $admin->ask('POST',
    "partners/$id/certificates", { 'x5t#S256' => $thumb,
        not_after => 4102444799 }), 201, 'x5t#S256' => $thumb,
    not_after => 4102444799);
$admin->gets('P11.2 without an end it is null', $admin->ask('POST',
    "partners/$other/certificates", { 'x5t#S256' => $thumb }), 201,
    not_after => undef);
$admin->gets('P11.2 it is there',
    $admin->ask('GET', "partners/$id/certificates/$thumb"), 200,
    not_after => 4102444799);
is_deeply($admin->ask('GET', "partners/$other/certificates")
    ->json->{certificates}, [{ 'x5t#S256' => $thumb, not_after => undef }],
    'P11.2 a list of them');

for (['no thumbprint', {}, 'x5t#S256'], ['too short',
    { 'x5t#S256' => substr $thumb, 1 }], ['with padding',
    { 'x5t#S256' => "$thumb=" }], ['hex', { 'x5t#S256' => 'a' x 64 }],
    ['a number', { 'x5t#S256' => 1 }],
    ['milliseconds', { 'x5t#S256' => $thumb, not_after => 4102444799000 },
        'not_after'],
    ['a date', { 'x5t#S256' => $thumb, not_after => '2099-01-01' },
        'not_after'])
{
    my ($what, $body, $member) = @$_;

    $admin->mark;
    $admin->refuses("P11.2 $what",
        $admin->ask('POST', "partners/$id/certificates", $body),
        'invalid_request',
        ($member // '') eq 'not_after' ? (member => $member) : ());
}

# preconditions, and the end

$admin->mark;
$admin->refuses('P11.2 DELETE of what was changed', $admin->ask('DELETE',
    "partners/$id/jwks/es-1", undef, headers => ['If-Match: "x"']),
    'precondition_failed');
is($admin->ask('DELETE', "partners/$id/jwks/es-1", undef,
    headers => ['If-Match: ' . AGW::Admin::tag($made)])->status, 204,
    'P11.2 DELETE of what it is');
$admin->mark;
$admin->refuses('P11.2 it is gone',
    $admin->ask('GET', "partners/$id/jwks/es-1"), 'unknown_object');
$admin->gets('P11.2 the other partner has it',
    $admin->ask('GET', "partners/$other/jwks/es-1"), 200, kid => 'es-1');
is($admin->ask('DELETE', "partners/$id/certificates/$thumb")->status, 204,
    'P11.2 DELETE of a certificate');
$admin->gets('P11.2 the other partner has its own',
    $admin->ask('GET', "partners/$other/certificates/$thumb"), 200);

# P11.7: each write is in the log, by its id

is_deeply([map { "$_->{operation} $_->{object}" }
    grep { $_->{object} =~ /es-1|certificates/
        && $_->{result} =~ /^(?:done|created)$/ } $admin->written],
    [map { s/ID/$id/r =~ s/OTHER/$other/r =~ s/THUMB/$thumb/r }
        'create partners/ID/jwks/es-1', 'create partners/ID/jwks/es-1',
        'create partners/OTHER/jwks/es-1',
        'create partners/ID/certificates/THUMB',
        'create partners/OTHER/certificates/THUMB',
        'delete partners/ID/jwks/es-1',
        'delete partners/ID/certificates/THUMB'],
    'P11.7 what was written') or diag(map { "$_->{operation} $_->{object}"
        . " $_->{result}\n" } $admin->written);

# P11.5: out, and in again

sub export {
    my ($limit) = @_;
    my ($all, $path) = ('', "export?limit=$limit");

    while ($path) {
        my $r = $admin->ask('GET', $path);

        $all .= $r->{body};
        ($path) = ($r->header('Link') // '') =~ m{^</admin/([^>]+)>};
    }

    return $all;
}

$admin->ask('POST', "partners/$id/certificates", { 'x5t#S256' => 'A' x 43 });

my $all = export(1000);
my @lines = map { $json->decode($_) } split /\n/, $all;

is_deeply([map { $_->{type} } @lines], [('partner') x 2, ('api_key') x 2,
    ('jwk') x 3, ('certificate') x 2], 'P11.5 an export has them');
is_deeply([sort split /\n/, export($_)], [sort split /\n/, $all],
    "P11.5 in pages of $_") for 1, 2, 3;

for my $list (qw(jwks certificates)) {
    for (@{ $admin->ask('GET', "partners/$id/$list")->json->{$list} }) {
        $admin->ask('DELETE', "partners/$id/$list/"
            . ($_->{kid} // $_->{'x5t#S256'}));
    }
}

is(scalar(split /\n/, export(1000)), 6, 'P11.5 some are deleted');
$admin->gets('P11.5 an import', $admin->ask('POST', 'import', $all,
    type => 'application/x-ndjson'), 200, partners => 2, api_keys => 2,
    jwks => 3, certificates => 2, businesses => 0);
is(export(1000), $all, 'P11.5 brings them back');

for (['a private key', { type => 'jwk', partner_id => $id,
        jwk => $private }, 'jwk'],
    ['no key', { type => 'jwk', partner_id => $id, kid => 'x' }, 'jwk'],
    ['no thumbprint', { type => 'certificate', partner_id => $id },
        'x5t#S256'],
    ['of nobody', { type => 'jwk', partner_id => 'nobody', jwk => $es256 },
        'partner_id'],
    ['a certificate of nobody', { type => 'certificate',
        partner_id => 'nobody', 'x5t#S256' => $thumb }, 'partner_id'])
{
    my ($what, $line, $member) = @$_;

    $admin->mark;

    my $r = $admin->ask('POST', 'import', $json->encode($line) . "\n",
        type => 'application/x-ndjson');

    is($r->status, 400, "P11.5 a line: $what");
    is($r->json->{line}, 1, "P11.5 a line: $what, is named");
}

is(export(1000), $all, 'P11.5 and nothing was written');


# A JWK that was written by hand, and is none: the line of an export had no jwk,
# or, on Redis, there was no line.  It is shown, an import names it, and it can
# be deleted, or replaced.

my $store = $admin->{store};

for my $text ('{"kty":"EC","x":}', '{}', '{"kty":"EC","kid":"by-hand"}',
    '{"kty":"EC","kty":"EC"}')
{
    my $shown = eval { $text =~ /kty.*kty/ ? undef : $json->decode($text) };

    $store->set_jwk($other, 'by-hand', $text);

    is_deeply([grep { $_->{kid} eq 'by-hand' }
        @{ $admin->ask('GET', "partners/$other/jwks")->json->{jwks} }],
        [{ kid => 'by-hand', jwk => $shown }], "P11.2 $text is listed");
    $admin->gets("P11.2 $text is shown",
        $admin->ask('GET', "partners/$other/jwks/by-hand"), 200,
        kid => 'by-hand', jwk => $shown);

    my @exported = split /^/, export(1000);
    my ($place) = grep { $exported[$_] =~ /"by-hand"/ } 0 .. $#exported;

    is_deeply($json->decode($exported[$place // 0]), { type => 'jwk',
        partner_id => $other, kid => 'by-hand', jwk => $shown },
        "P11.5 $text is exported");

    my $r = $admin->ask('POST', 'import', join('', @exported),
        type => 'application/x-ndjson');

    is($r->status, 400, "P11.5 $text is not imported");
    is($r->json->{line}, ($place // 0) + 1, 'P11.5 its line is named');
    like($r->json->{error_description}, qr/^jwk must be a public key as a JWK/,
        'P11.5 with what it must be');

    is($admin->ask('DELETE', "partners/$other/jwks/by-hand")->status, 204,
        "P11.2 $text is deleted");
    is(export(1000), $all, 'P11.5 nothing else was written');
}

$store->set_jwk($other, 'es-1', '{"kty":"EC","x":}');
is($admin->ask('POST', "partners/$other/jwks", { jwk => $es256 })->status, 200,
    'P11.2 what is none is replaced');
is(export(1000), $all, 'P11.5 by the same as before');

$admin->finish;
