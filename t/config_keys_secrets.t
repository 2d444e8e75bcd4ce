# D3, D4: a file is a secret only where alg= says so, and a key of
# another form, or an error page that was saved as one, not even then.  A
# public key or a page that became a secret would let everybody sign.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(encode_base64);
use Test::More;

use AGW::Files qw(random_bytes random_hex slurp spew);
use AGW::KeyFiles qw(key_accepted key_refused keys_ready);
use AGW::Keys qw(openssl);
use AGW::Token qw(b64url);

my $prefix = keys_ready();
my %keys = map { $_ => AGW::Keys->new($_) } qw(RS256 ES256 ES384 EdDSA);

# whatever alg= says, also as the key of an issuer

sub never_secret {
    my ($name, $bytes, $reason) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    key_refused("P8.2 $name, '$_',", $bytes, $reason // qr/./, $_)
        for '', 'alg=HS256', 'alg=HS512 verify issuer=urn:x';

    return;
}

# one text as an editor may leave it behind

sub wrapped {
    my ($text) = @_;

    return (
        'as it is' => $text,
        'behind a BOM' => "\xef\xbb\xbf$text",
        'behind white space' => " \r\n\t\x0b\x0c$text",
        'behind a BOM and white space' => "\xef\xbb\xbf \n\n$text",
        'and a newline' => "$text\r\n",
    );
}

for my $alg (sort keys %keys) {
    my $key = $keys{$alg};

    for my $form ($key->public_forms, $key->private_forms) {
        next if $form =~ / behind | with /;

        my %all = wrapped($key->form($form));
        my $misfit = $form =~ /^public/ ? qr/not fit|can sign/ : qr/not fit/;

        for my $wrapping (sort keys %all) {
            next if $wrapping ne 'as it is' && $alg ne 'ES256';

            key_refused("P8.2 $alg, $form $wrapping, '$_',",
                $all{$wrapping}, $misfit, $_) for 'alg=HS256',
                'alg=HS512 verify';
        }
    }

    for my $form ('public, DER', 'PKCS#8, DER') {
        my %all = wrapped($key->form($form));

        never_secret("$alg, $form $_", $all{$_},
            qr/DER is never taken for a secret; it must be PEM/)
            for sort keys %all;
    }
}

# what other programs call a key

{
    my $rsa = spew("$prefix/rsa", $keys{RS256}->form('PKCS#8'), 0600);
    my $cert = openssl('', qw(req -x509 -new -subj /CN=x -days 2 -key),
        $rsa);
    my $der = qr/DER is never taken for a secret/;

    never_secret("a line of ssh, $_", "$_ " . encode_base64(
        random_bytes(90), '') . " me\@here\n",
        qr/ssh key is never taken for a secret.*ssh-keygen/)
        for qw(ssh-rsa ssh-dss ssh-ed25519);
    never_secret('a certificate', $cert, qr/openssl x509 -pubkey/);
    never_secret('a certificate, DER', AGW::Keys::der($cert), $der);
    never_secret('PKCS#12', openssl($cert, qw(pkcs12 -export -passout pass:x
        -inkey), $rsa), $der);
    never_secret('PKCS#7', openssl($cert, qw(crl2pkcs7 -nocrl -outform DER
        -certfile /dev/stdin)), $der);
    never_secret('an encrypted key, DER', openssl(slurp($rsa), qw(pkcs8
        -topk8 -outform DER -passout pass:x)), $der);
    never_secret('PKCS#1, DER', AGW::Keys::der($keys{RS256}->form(
        'public, PKCS#1')), $der);
    never_secret('a key of PGP', "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n"
        . encode_base64(random_bytes(200))
        . "-----END PGP PUBLIC KEY BLOCK-----\n");
}

# in a JWK as well: its k is no file, but what is in it is no less public

for my $form ('public, SPKI', 'public, JWK', 'public, DER') {
    my $bytes = $keys{RS256}->form($form);

    key_refused("P8.2 a JWK of type oct with $form in it",
        '{"kty":"oct","k":"' . b64url($bytes) . '"}',
        qr/never taken for a secret/);
}

# a page of a proxy, saved as a key (curl without --fail)

{
    my $page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
        . "<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
        . "<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n";
    my $denied = qq(<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>)
        . 'AccessDenied</Code><Message>Access Denied</Message></Error>';
    my %pages = (
        'nginx\'s 502' => $page, 'S3\'s AccessDenied' => $denied,
        'a page in Latin-1' => "<!DOCTYPE html><title>Fehler \xfcber "
            . "Fehler</title><h1>Fehler</h1>\n",
        '<no value>' => '<no value>', 'an XML key' => '<RSAKeyValue>'
            . '<Modulus>' . encode_base64(random_bytes(256), ''),
    );

    for my $name (sort keys %pages) {
        my %all = wrapped($pages{$name});

        never_secret("$name $_", $all{$_}, qr/HTML or XML is never taken/)
            for sort keys %all;
    }

    never_secret("JSON, $_->[0]", $_->[1], $_->[2]) for
        ['an error', '{"message":"no Route matched with those values",'
            . '"request_id":"0123456789abcdef"}', qr/another type/],
        ['an array', '[' . '"0123456789abcdef",' x 8 . '1]',
            qr/neither a JWK nor a JWK Set/],
        ['a string', '"' . random_hex(32) . '"', qr/neither a JWK nor/],
        ['a PEM in a string', '"' . $keys{RS256}->form('public, SPKI')
            =~ s/\n/\\n/gr . '"', qr/neither a JWK nor/],
        ['null', 'null' . "\n" x 60, qr/neither a JWK nor/];
}

# what a script leaves in the place of a key: no secret by itself

{
    my %left = (
        'nothing' => '', 'a newline' => "\n",
        'a variable' => '${JWT_SECRET}', 'zeros' => "\0" x 64,
        'one letter' => 'x' x 64, 'Envoy\'s answer' => 'upstream connect'
            . ' error or disconnect/reset before headers. reset reason:'
            . ' connection failure',
        'a vault of Ansible' => "\$ANSIBLE_VAULT;1.1;AES256\n"
            . (random_hex(40) . "\n") x 4,
        'a file of age' => "age-encryption.org/v1\n-> X25519 "
            . encode_base64(random_bytes(32)) . random_bytes(80),
        'a file of sops' => 'key: ENC[AES256_GCM,data:'
            . encode_base64(random_bytes(48), '') . ',type:str]',
        'a file of gpg' => "\x85\x02\x0c\x03" . random_bytes(300),
        'a 404 of GitHub' => '404: Not Found' x 5,
        'a secret' => random_hex(32), 'bytes' => "\xfe\xfe" . random_bytes(61) . 'x',
        'a PEM behind a line of text' => "Bag Attributes\n"
            . $keys{ES256}->form('public, SPKI'),
        'the body of a PEM' => $keys{ES256}->form('public, SPKI')
            =~ s/^-[^\n]*\n//mgr,
        'a PEM in UTF-16' => "\xff\xfe" . join('', map { "$_\0" } split //,
            $keys{ES256}->form('public, SPKI')),
    );

    for my $name (sort keys %left) {
        key_refused("D3 $name, '$_',", $left{$name},
            qr/neither a PEM key nor a JWK nor a JWK Set; .*alg=HS256/, $_)
            for '', 'verify', 'alg=RS256', 'alg=EdDSA verify';
        key_refused("D3 $name, 'alg=none',", $left{$name},
            qr/unknown algorithm/, 'alg=none');

        # where it is called one, it is one, if it is long enough

        if (length $left{$name} < 32) {
            key_refused("D3 $name, 'alg=HS256',", $left{$name},
                qr/shorter than its hash/, 'alg=HS256');
        } else {
            my $size = length $left{$name};

            key_accepted("D4 $name, 'alg=HS256',", $left{$name},
                'alg=HS256', notice => qr/of $size bytes was taken for a raw /,
                warning => $left{$name} =~ /\n\z/ ? qr/ends with a newline/
                    : undef);
        }
    }

    key_refused("D3 a JWK Set $_->[0]", $_->[1],
        qr/neither a JWK nor a JWK Set \(RFC 7517/, 'verify')
        for ['cut short', substr $keys{RS256}->form('public, JWK Set'), 0,
            200], ['with a NUL behind it', $keys{RS256}->form(
            'public, JWK Set') . "\0"];
}

# every secret is one: text, bytes, with and without a newline

{
    my @heads = ('{', '[', '"', '<', '0', "\x30\x3e", "\x30\x2e", '-----',
        "\xff\xfe", 'eyJ', 'LS0tLS1CRUdJTi', 'sk-', ' ', "\n");

    key_accepted('D4 a secret that begins with ' . ($_
        =~ s/([^!-~])/sprintf '\\x%02x', ord $1/ger), $_ . "\xfe"
        . random_bytes(46) . 'x', 'alg=HS256') for @heads;
}

key_accepted('D4 a secret in hex', random_hex(32), 'alg=HS256');
key_accepted('D4 a secret of digits', '1234567890' x 7, 'alg=HS256');
key_accepted('D4 a secret in base64', encode_base64(random_bytes(48), ''),
    'alg=HS384');
key_accepted('D4 a secret in base64 of 76 characters',
    encode_base64(random_bytes(57), ''), 'alg=HS512');
key_accepted('D4 a secret that ends with a newline',
    random_hex(32) . "\n", 'alg=HS256', warning => qr/ends with a newline/);
key_accepted('D4 a secret behind a BOM', "\xef\xbb\xbf" . random_hex(32),
    'alg=HS256', warning => qr/begins with a byte order mark/);
key_accepted('D4 a secret behind a BOM, with a newline',
    "\xef\xbb\xbf" . random_hex(32) . "\n", 'alg=HS256', warning =>
    [qr/begins with a byte order mark/, qr/ends with a newline/]);
key_accepted('D4 a secret with NUL in it', 'x' . "\0" x 40 . 'y',
    'alg=HS256');

# while a JWK says by itself what it is, behind a BOM too

key_accepted('D4 an oct JWK without alg', '{"kty":"oct","k":"'
    . b64url(random_bytes(48)) . '"}', '', notice =>
    qr/taken for a JWK, 1 key: HS256 /);
key_accepted('D4 an oct JWK, alg=HS384', '{"kty":"oct","k":"'
    . b64url(random_bytes(48)) . '"}', 'alg=HS384', notice =>
    qr/taken for a JWK, 1 key: HS384 /);
key_accepted("D4 $_, behind a BOM", "\xef\xbb\xbf"
    . $keys{ES256}->form($_), 'verify', notice => qr/ 1 key: ES256 /)
    for grep { !/ behind a BOM$/ } $keys{ES256}->public_forms,
        $keys{ES256}->private_forms;

done_testing();
