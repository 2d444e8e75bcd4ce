# P8.14, D4: PEM keys that nginx -t refuses and takes.  Each message
# names the file and the reason, and shows nothing of what is in it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);

use AGW::Files qw(spew);
use AGW::KeyFiles qw(key_accepted key_file key_refused keys_ready);
use AGW::Keys qw(algorithms openssl);
use AGW::Nginx;
use AGW::Skip qw(skip_for);

my $prefix = keys_ready();

my %keys = map { $_ => AGW::Keys->new($_) } qw(HS256 RS256 ES256 ES384
    EdDSA);
my ($rsa, $ec, $ed) = @keys{qw(RS256 ES256 EdDSA)};
my $short = openssl('', qw(genpkey -algorithm RSA
    -pkeyopt rsa_keygen_bits:1024));

sub public_of {
    my ($pem) = @_;

    return openssl($pem, qw(pkey -pubout));
}

# RSA, as DER of RSAPublicKey (RFC 8017, appendix A.1.1)

sub rsa_public {
    my ($n, $e) = @_;

    my $der = join '', map {
        my $bytes = pack 'H*', length($_) % 2 ? "0$_" : $_;

        $bytes = "\0$bytes" if ord $bytes > 127;
        "\x02" . der_length(length $bytes) . $bytes;
    } $n, $e;

    $der = "\x30" . der_length(length $der) . $der;

    return "-----BEGIN RSA PUBLIC KEY-----\n"
        . MIME::Base64::encode_base64($der)
        . "-----END RSA PUBLIC KEY-----\n";
}

sub der_length {
    my ($length) = @_;

    return $length < 128 ? chr $length
        : $length < 256 ? "\x81" . chr $length : "\x82" . pack 'n', $length;
}

# the key itself

{
    my $n = unpack 'H*', MIME::Base64::decode_base64url($rsa->jwk->{n});

    key_refused('P8.14 RSA of 1024 bits', $short, qr/2048 to 8192/);
    key_refused('P8.14 RSA of 1024 bits for PS256', $short,
        qr/2048 to 8192/, 'alg=PS256');
    key_refused('P8.14 public RSA of 1024 bits', public_of($short),
        qr/2048 to 8192/, 'verify');
    key_refused('P8.14 public RSA of 2047 bits',
        rsa_public('5' . substr($n, 1), '10001'), qr/2048 to 8192/,
        'verify');
    key_refused("P8.14 RSA, e = $_", rsa_public($n, $_), qr/exponent/,
        'verify') for qw(1 2 10000);
    key_refused('P8.14 RSA, e = 0', rsa_public($n, '0'),
        qr/exponent|cannot be read/, 'verify');
    key_refused('P8.14 RSA, an even modulus',
        rsa_public(substr($n, 0, -1) . '2', '10001'), qr/not a valid/,
        'verify');
    key_accepted('P8.14 RSA, e = 3', rsa_public($n, '3'), 'verify');
}

for (['P-521', [qw(-algorithm EC -pkeyopt ec_paramgen_curve:secp521r1)]],
    ['secp256k1', [qw(-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1)]],
    ['P-224', [qw(-algorithm EC -pkeyopt ec_paramgen_curve:secp224r1)]],
    ['brainpool', [qw(-algorithm EC
        -pkeyopt ec_paramgen_curve:brainpoolP256r1)]],
    ['Ed448', [qw(-algorithm ED448)]], ['X25519', [qw(-algorithm X25519)]],
    ['RSA-PSS alone', [qw(-algorithm RSA-PSS
        -pkeyopt rsa_keygen_bits:2048)]])
{
    my ($name, $args) = @$_;
    my $pem = openssl('', 'genpkey', @$args);

    key_refused("P8.14 a key of $name", $pem, qr/must be RSA/);
    key_refused("P8.14 a public key of $name", public_of($pem),
        qr/must be RSA/, 'verify');
    key_refused("P8.14 a key of $name, alg=$_", $pem, qr/must be RSA/,
        "alg=$_") for qw(HS256 RS256 PS256 ES256 ES384 EdDSA);
}

# the algorithm

for my $alg (algorithms()) {
    for my $name (sort keys %keys) {
        my $key = $keys{$name};
        my $type = $name =~ /^(?:ES|Ed)/ ? $name : substr $name, 1, 1;
        my $fits = $alg eq $name || $type eq 'S'
            && $alg =~ ($name =~ /^HS/ ? qr/^HS/ : qr/^[RP]S/)
            || $name eq 'EdDSA' && $alg eq 'Ed25519';

        for my $form ('private', 'public') {
            next if $form eq 'public' && $key->is_secret;

            my ($file) = $form eq 'private' ? $key->private_forms
                : $key->public_forms;
            my $verify = $form eq 'public' ? 'verify' : '';
            my @what = ("P8.14 a $form key of $name as $alg",
                $key->form($file));

            if ($fits) {
                key_accepted(@what, "alg=$alg $verify");
            } else {
                key_refused(@what, qr/not fit|alg "$alg"/,
                    "alg=$alg $verify");
            }
        }
    }
}

key_refused("P8.14 alg=$_", $ec->form('PKCS#8'), qr/unknown algorithm.*ES256/,
    "alg=$_") for qw(none ES512 ES256K ed25519 Ed448 RS1 es256 dir RSA-OAEP);

# what a public key cannot do

for my $key ($rsa, $ec, $ed) {
    key_refused('D4 ' . $key->alg . ", $_, without verify",
        $key->form($_), qr/must have "verify"/)
        for $key->public_forms;
}

# PEM that holds something else, or too much, or too little

{
    my $pem = $rsa->form('PKCS#8');
    my $file = spew("$prefix/for-openssl.pem", $pem, 0600);
    my $certificate = openssl('', qw(req -x509 -new -subj /CN=x -days 2
        -key), $file);
    my $request = openssl('', qw(req -new -subj /CN=x -key), $file);
    my $public = $rsa->form('public, SPKI');

    key_refused('P8.14 a certificate', $certificate,
        qr/openssl x509 -pubkey/, 'verify');
    key_refused('P8.14 a trusted certificate',
        $certificate =~ s/ CERT/ TRUSTED CERT/gr, qr/something else/,
        'verify');
    key_refused('P8.14 a certificate request', $request, qr/something else/,
        'verify');
    key_refused('P8.14 DH parameters', openssl('', qw(dhparam -dsaparam
        512)), qr/something else/, 'verify');
    key_refused('P8.14 a key, and its certificate', $pem . $certificate,
        qr/something else/);
    key_refused('P8.14 two keys', $pem . $ec->form('PKCS#8'),
        qr/several keys/);
    key_refused('P8.14 a private key, and its public one', $pem . $public,
        qr/several keys/);
    key_refused('P8.14 EC parameters alone', openssl('', qw(ecparam -name
        prime256v1)), qr/broken or cut short/);
    key_refused("P8.14 a key called $_", $pem =~ s/PRIVATE KEY/$_/gr,
        qr/something else|cannot be read/, 'verify') for 'PUBLIC KEY',
        'RSA PUBLIC KEY', 'CERTIFICATE', 'OPENSSH PRIVATE KEY',
        'DSA PRIVATE KEY', 'ANY PRIVATE KEY', 'SECRET';
    key_refused('P8.14 a public key called PRIVATE KEY',
        $public =~ s/PUBLIC/PRIVATE/gr, qr/cannot be read/);

    # wherever it is cut

    for my $whole ($pem, $public, $ec->form('SEC1'), $ed->form('PKCS#8')) {
        my ($label) = $whole =~ /BEGIN ([A-Z ]+)-/;
        my $words = $label =~ /PUBLIC/ ? 'verify' : '';
        my $size = length $whole;
        my $first = index($whole, "\n") + 1;

        for (11, $first - 6, $first, $first + 20, $size / 2, $size
            - length("-----END $label-----\n"), $size - 8, $size - 2)
        {
            key_refused("P8.14 $label, cut after byte $_",
                substr($whole, 0, $_), qr/broken or cut short/, $words);
        }

        my @lines = split /^/, $whole;

        key_refused("P8.14 $label, a line left out",
            join('', @lines[0 .. 1, 3 .. $#lines]),
            qr/cannot be read|broken/, $words) if @lines > 3;
        key_refused("P8.14 $label, another END",
            $whole =~ s/END \Q$label/END OTHER/r, qr/broken/, $words);
        key_refused("P8.14 $label, a character that is none of base64",
            $whole =~ s/\n(...)./\n$1!/r, qr/broken|cannot be read/,
            $words);
        key_refused("P8.14 $label, an empty body",
            "-----BEGIN $label-----\n-----END $label-----\n",
            qr/cannot be read|broken/, $words);
    }

    key_accepted('D4 text behind the key', "${pem}some more text\n");
    key_accepted('D4 white space before the key', "\n \t\r\n$pem");
    key_refused('D4 text before the key', "Bag Attributes\n$pem",
        qr/neither a PEM key/);
}

# encrypted: nobody is asked for a passphrase, on a terminal neither

{
    my $nginx = AGW::Nginx::binary();
    my %encrypted = (
        'PKCS#8' => openssl($rsa->form('PKCS#8'),
            qw(pkcs8 -topk8 -v2 aes-128-cbc -passout pass:secret)),
        'PKCS#1' => openssl($rsa->form('PKCS#8'),
            qw(rsa -traditional -aes128 -passout pass:secret)),
        'SEC1' => openssl($ec->form('PKCS#8'),
            qw(ec -aes128 -passout pass:secret)),
    );

    for my $form (sort keys %encrypted) {
        my $file = key_file($encrypted{$form});
        my $began = time;

        key_refused("P8.14 an encrypted key, $form", $encrypted{$form},
            qr/encrypted/, '', file => $file);

        # the same configuration once more, on a terminal

        SKIP: {
            skip_for('no terminal', "that $form asks for no passphrase is")
                if system('script -qec true /dev/null >/dev/null 2>&1') != 0;

            my $preload = 'LD_PRELOAD=' . ($ENV{AGW_PRELOAD} // '');
            my $said = `timeout 20 script -qec 'env $preload $nginx -t \\
                -p $prefix -c $prefix/nginx.conf -e stderr' /dev/null 2>&1`;

            like($said, qr/\Q$file\E.*encrypted/,
                "P8.14 an encrypted key, $form, on a terminal");
            unlike($said, qr/pass ?phrase[^;,.]*:\s*$/im,
                "P8.14 an encrypted key, $form, no question");
            cmp_ok(time - $began, '<', 15, "P8.14 $form, and no wait");
        }
    }
}

done_testing();
