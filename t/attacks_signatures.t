# P8.13, P8.18: attacks by the numbers in a signature that have another
# spelling, or none that is right, at the access handler; after each a good
# token still works on the same worker.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha1 sha256 sha384);
use Math::BigInt try => 'GMP';
use MIME::Base64 qw(decode_base64url);
use Test::More;

use AGW::Files qw(spew);
use AGW::Keys qw(openssl);
use AGW::Kinds;
use AGW::Token qw(b64url);

# the orders of the groups: FIPS 186-5 with SP 800-186; RFC 8032

my %orders = (
    ES256 => '0xFFFFFFFF00000000FFFFFFFFFFFFFFFF'
        . 'BCE6FAADA7179E84F3B9CAC2FC632551',
    ES384 => '0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF'
        . 'C7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973',
    EdDSA => '0x10000000000000000000000000000000'
        . '14DEF9DEA2F79CD65812631A5CF5D3ED',
);

my @kinds = AGW::Kinds->start(qw(ES256 ES384 EdDSA RS256 PS256));
my $gw = $kinds[0]{gateway};
my %logged = (kid => 'k1', partner => undef);


sub number {
    my ($bytes) = @_;

    return Math::BigInt->from_bytes($bytes);
}


sub bytes {
    my ($number, $size) = @_;

    my $bytes = $number->to_bytes;

    return "\0" x ($size - length $bytes) . $bytes;
}


# (the signed part, the signature's bytes) of the good token

sub parts {
    my ($k) = @_;

    my ($input, $last) = $k->good =~ /^(.*)\.(.*)$/;

    return ($input, decode_base64url($last));
}


sub ecdsa {
    my ($k) = @_;

    my ($input, $signature) = parts($k);
    my $size = length($signature) / 2;
    my ($r, $s) = unpack "a$size a$size", $signature;
    my $n = Math::BigInt->new($orders{ $k->alg });
    my ($zero, $order) = ("\0" x $size, bytes($n, $size));
    my $der = $k->key->sign_der($input);
    my %bad = (
        'r and s 0' => $zero x 2, 'r 0' => "$zero$s", 's 0' => "$r$zero",
        'r n' => "$order$s", 's n' => "$r$order",
        'r and s n' => $order x 2,
        'r n + 1' => bytes($n + 1, $size) . $s,
        's n + 1' => $r . bytes($n + 1, $size),
        'r the largest' => "\xff" x $size . $s,
        's the largest' => $r . "\xff" x $size,
        'r 1' => bytes(Math::BigInt->new(1), $size) . $s,
        's 1' => $r . bytes(Math::BigInt->new(1), $size),
        'r and s n - 1' => bytes($n - 1, $size) x 2,
        'r n - r' => bytes($n - number($r), $size) . $s,
        'r and s changed places' => "$s$r",
        'DER' => $der,
        'DER cut to length' => substr($der, 0, 2 * $size),
        'one byte less' => substr($signature, 0, -1),
        'one byte more' => "$signature\0",
        'a zero before' => "\0$signature",
        'a zero before each' => "\0$r\0$s",
        'r alone' => $r, 's alone' => $s,
        'the other curve\'s length' => $k->alg eq 'ES256'
            ? "\0" x 16 . $r . "\0" x 16 . $s
            : substr($r, 16) . substr($s, 16),
        'P-521\'s length' => "\0" x (66 - $size) . $r
            . "\0" x (66 - $size) . $s,
        'in hex' => unpack('H*', $signature),
        'the point' => "\x04$signature",
    );

    for (sort keys %bad) {
        $k->attack("P8.13 $_", "$input." . b64url($bad{$_}),
            'bad_signature', %logged);
    }

    # which is no attack: whoever has a token has this one as well, and it
    # says the same (an identity is partner_id and jti, never bytes)

    $k->allowed('P8.13 s n - s', "$input."
        . b64url($r . bytes($n - number($s), $size)));
}


# RFC 8032, section 5.1.7: S is below the order, little-endian

sub eddsa {
    my ($k) = @_;

    my ($input, $signature) = parts($k);
    my ($r, $s) = unpack 'a32 a32', $signature;
    my $n = Math::BigInt->new($orders{EdDSA});
    my $more = sub {
        return $r . reverse bytes(number(scalar reverse $s) + $_[0] * $n,
            32);
    };
    my $small = "\x01" . "\0" x 31;
    my %bad = (
        'S + L' => $more->(1), 'S + 2L' => $more->(2),
        'S 0' => $r . "\0" x 32, 'R 0' => "\0" x 32 . $s,
        'R and S 0' => "\0" x 64, 'the neutral R, S 0' => $small
            . "\0" x 32, 'R not on the curve' => "\x02" . "\0" x 31 . $s,
        'R with its sign changed' => substr($r, 0, 31)
            . chr(0x80 ^ ord substr $r, 31) . $s,
        'R and S changed places' => "$s$r",
        'one byte less' => substr($signature, 0, -1),
        'one byte more' => "$signature\0", 'R alone' => $r,
        'the digest signed' => $k->key->sign(sha256($input)),
    );

    for (sort keys %bad) {
        $k->attack("P8.13 $_", "$input." . b64url($bad{$_}),
            'bad_signature', %logged);
    }
}


# what the private key makes of a block of bytes, without any padding

sub rsa_raw {
    my ($k, $block) = @_;

    my $file = spew($gw->prefix . '/raw.pem', $k->key->{pem}, 0600);

    return openssl($block, 'pkeyutl', '-decrypt', '-inkey', $file, '-pkeyopt',
        'rsa_padding_mode:none', '-in', '/dev/stdin');
}


sub rsa {
    my ($k) = @_;

    my ($input, $signature) = parts($k);
    my $n = number(decode_base64url($k->key->jwk->{n}));
    my $size = length $signature;
    my $sum = number($signature) + $n;
    my %bad = (
        '0' => "\0" x $size, '1' => "\0" x ($size - 1) . "\1",
        'n' => bytes($n, $size), 'n - 1' => bytes($n - 1, $size),
        'n - s' => bytes($n - number($signature), $size),
        'a zero before' => "\0$signature",
        'a zero behind' => "$signature\0",
        'one byte less' => substr($signature, 0, -1),
        'without its first byte' => substr($signature, 1),
        's + n' => $sum->to_bytes,
    );

    for (sort keys %bad) {
        $k->attack("P8 RSA signature: $_", "$input." . b64url($bad{$_}),
            'bad_signature', %logged);
    }
}


# RFC 8017, section 9.2: one encoding of a digest, and no other

sub pkcs1 {
    my ($k) = @_;

    my ($input) = parts($k);
    my $sha256 = pack 'H*', '3031300d060960864801650304020105000420';
    my $sha1 = pack 'H*', '3021300906052b0e03021a05000414';
    my $no_null = pack 'H*', '302f300b0609608648016503040201' . '0420';
    my $block = sub {
        my ($info, %opt) = @_;

        my $fill = $opt{fill} // 253 - length $info;

        return "\0" . ($opt{type} // "\1") . "\xff" x $fill . "\0" . $info
            . ($opt{tail} // 'x' x (253 - $fill - length $info));
    };
    my $good = $sha256 . sha256($input);

    $k->allowed('P8 a signature of our block',
        "$input." . b64url(rsa_raw($k, $block->($good))));

    my %bad = (
        'SHA-1' => $block->($sha1 . sha1($input)),
        'a digest alone' => $block->(sha256($input)),
        'a digest without its NULL' => $block->(
            $no_null . sha256($input)),
        'something behind the digest' => $block->($good, fill => 8),
        'something behind the digest, nearly filled' =>
            $block->($good, fill => 252 - length $good),
        'of type 2' => $block->($good, type => "\2"),
        'of type 0' => $block->($good, type => "\0"),
        'another digest' => $block->($sha256 . sha256("$input.")),
        'SHA-384 cut to 32 bytes' => $block->(
            $sha256 . substr sha384($input), 0, 32),
    );

    for (sort keys %bad) {
        $k->attack("P8 a padded block: $_", "$input."
            . b64url(rsa_raw($k, $bad{$_})), 'bad_signature', %logged);
    }
}


# RFC 7518, section 3.5: the salt is as long as the hash, MGF1 uses it too

sub pss {
    my ($k) = @_;

    my ($input) = parts($k);
    my $file = spew($gw->prefix . '/pss.pem', $k->key->{pem}, 0600);
    my $sign = sub {
        return openssl($input, 'dgst', '-sign', $file, '-sigopt',
            'rsa_padding_mode:pss', @_, '/dev/stdin');
    };

    $k->allowed('P8 a salt of 32 bytes', "$input."
        . b64url($sign->(qw(-sha256 -sigopt rsa_pss_saltlen:32))));

    for (0, 20, 31, 33, 64, 222) {
        $k->attack("P8 a salt of $_ bytes", "$input." . b64url($sign->(
            '-sha256', '-sigopt', "rsa_pss_saltlen:$_")), 'bad_signature',
            %logged);
    }

    $k->attack('P8 MGF1 with SHA-1', "$input." . b64url($sign->(qw(-sha256
        -sigopt rsa_pss_saltlen:32 -sigopt rsa_mgf1_md:sha1))),
        'bad_signature', %logged);
    $k->attack('P8 SHA-384, with a salt of 32 bytes', "$input."
        . b64url($sign->(qw(-sha384 -sigopt rsa_pss_saltlen:32))),
        'bad_signature', %logged);
}


for my $kind (@kinds) {
    $kind->allowed('P8 the good token', $kind->good);

    my $kty = $kind->key->{kty};

    ecdsa($kind) if $kty eq 'EC';
    eddsa($kind) if $kty eq 'OKP';
    rsa($kind) if $kty eq 'RSA';
    pkcs1($kind) if $kind->alg eq 'RS256';
    pss($kind) if $kind->alg eq 'PS256';
}

$gw->finish;
