# Design 4: a key that is not a secret never becomes one, however its file is
# wrapped, cut or encoded.  A public key that did would let everybody sign.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(decode_base64url encode_base64);
use Test::More;

use AGW::Files qw(random_bytes random_hex slurp spew);
use AGW::KeyFiles qw(key_accepted key_refused keys_ready);
use AGW::Keys qw(openssl);
use AGW::Token qw(b64url);

my $prefix = keys_ready();
my %keys = map { $_ => AGW::Keys->new($_) } qw(RS256 ES256 ES384 EdDSA);

sub utf16 {
    my ($order, $text) = @_;

    return join '', map { pack $order, ord } split //, $text;
}

# one text as an editor, a mail or a script may leave it behind

sub wrapped {
    my ($text) = @_;

    return (
        'behind a BOM' => "\xef\xbb\xbf$text",
        'behind white space' => " \r\n\t\x0b\x0c$text",
        'behind a BOM and white space' => "\xef\xbb\xbf \n\n$text",
        'in UTF-16LE with a mark' => "\xff\xfe" . utf16('v', $text),
        'in UTF-16BE with a mark' => "\xfe\xff" . utf16('n', $text),
        'in UTF-16LE' => utf16('v', $text),
        'in UTF-16BE' => utf16('n', $text),
        'in UTF-32LE with a mark' => "\xff\xfe\0\0" . utf16('V', $text),
        'in UTF-32BE' => utf16('N', $text),
        'in base64' => encode_base64($text, ''),
        'in base64, in lines' => encode_base64($text),
        'in base64url' => b64url($text),
    );
}

sub wrapped_pem {
    my ($pem) = @_;

    my ($body) = $pem =~ /-\n(.*?)-----END/s;
    my $der = AGW::Keys::der($pem);

    return (wrapped($pem),
        'its first half' => substr($pem, 0, length($pem) / 2),
        'without its first line' => $pem =~ s/^[^\n]*\n//r,
        'without its last line' => $pem =~ s/[^\n]*\n\z//r,
        'without its first character' => substr($pem, 1),
        'in one line' => $pem =~ s/\n//gr,
        'with \n for its newlines' => $pem =~ s/\n/\\n/gr,
        'as a string of JSON' => '"' . $pem =~ s/\n/\\n/gr . '"',
        'as a string of a shell' => "KEY='$pem'",
        'in YAML' => "key: |\n" . $pem =~ s/^/  /mgr,
        'in XML' => "<key>\n$pem</key>\n",
        'behind a comment' => "# the key\n$pem",
        'behind a line of text' => "Bag Attributes: none\n$pem",
        'behind a byte of 0' => "\0$pem",
        'its body' => $body, 'its body in one line' => $body =~ s/\n//gr,
        'its body with CRLF' => $body =~ s/\n/\r\n/gr,
        'its body behind a BOM' => "\xef\xbb\xbf$body",
        'its body, indented' => $body =~ s/^/    /mgr,
        'its body as base64url' => b64url($der),
        'DER' => $der, 'DER and a newline' => "$der\n",
        'DER, cut short' => substr($der, 0, -8),
        'DER with something behind it' => $der . 'x' x 64,
    );
}

sub never_secret {
    my ($name, $bytes) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $bytes .= $bytes while length $bytes < 64;
    key_refused("P8.2 $name, as a secret", $bytes, qr/./, $_)
        for 'alg=HS256', 'alg=HS512 verify';

    return;
}

for my $alg (sort keys %keys) {
    my $key = $keys{$alg};

    for my $form ($key->public_forms, $key->private_forms) {
        next if $form =~ / behind | with /;

        my $bytes = $key->form($form);
        my %all = $form =~ /JWK/ ? wrapped($bytes)
            : wrapped_pem($bytes);

        never_secret("$alg, $form", $bytes);

        # each wrapping with one key of a type is enough

        next unless $alg eq 'ES256' || $form =~ /PKCS#[18]|SPKI$/;

        never_secret("$alg, $form, $_", $all{$_}) for sort keys %all;
    }
}

# what other programs call a key

{
    my $file = spew("$prefix/ssh", $keys{ES256}->form('SEC1'), 0600);
    my $rsa = spew("$prefix/rsa", $keys{RS256}->form('PKCS#8'), 0600);
    my $cert = openssl('', qw(req -x509 -new -subj /CN=x -days 2 -key),
        $rsa);
    my $ssh2 = "---- BEGIN SSH2 PUBLIC KEY ----\n"
        . encode_base64(random_bytes(120)) . "---- END SSH2 PUBLIC KEY"
        . " ----\n";

    never_secret("a line of ssh, $_", "$_ " . encode_base64(
        random_bytes(90), '') . " me\@here\n") for qw(ssh-rsa ssh-dss
        ssh-ed25519 ecdsa-sha2-nistp256 sk-ssh-ed25519@openssh.com);
    never_secret('a key of SSH2', $ssh2);
    never_secret('a certificate', $cert);
    never_secret("a certificate, $_->[0]", $_->[1])
        for ['DER', AGW::Keys::der($cert)], ['its body',
            $cert =~ s/^-[^\n]*\n//mgr];
    never_secret('PKCS#12', openssl($cert, qw(pkcs12 -export -passout pass:x
        -inkey), $rsa));
    never_secret('PKCS#7', openssl($cert, qw(crl2pkcs7 -nocrl -outform DER
        -certfile /dev/stdin)));
    never_secret('an encrypted key, DER', openssl(slurp($rsa), qw(pkcs8
        -topk8 -outform DER -passout pass:x)));
    never_secret('a key of PGP', "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"
        . encode_base64(random_bytes(200))
        . "-----END PGP PUBLIC KEY BLOCK-----\n");
}

# in a JWK as well: its k is a secret like any other

for my $form ('public, SPKI', 'public, JWK', 'public, DER') {
    my $bytes = $keys{RS256}->form($form);

    key_refused("P8.2 a JWK of type oct with $form in it",
        '{"kty":"oct","k":"' . b64url($bytes) . '"}',
        qr/never taken for a secret/);
}

# and secrets still are: text, bytes, with and without a newline

key_accepted('D4 a secret in hex', random_hex(32));
key_accepted('D4 a secret of letters', 'correcthorsebatterystaple' x 2);
key_accepted('D4 a secret in base64', encode_base64("x" . random_bytes(47),
    ''));
key_accepted('D4 a secret of bytes', 'x' . random_bytes(47));
key_accepted('D4 a secret that begins like a SEQUENCE', '0' x 48);
key_accepted('D4 a secret that ends with a newline',
    random_hex(32) . "\n", '', warning => qr/ends with a newline/);
key_accepted('D4 a secret with NUL in it', 'x' . "\0" x 40 . 'y');

done_testing();
