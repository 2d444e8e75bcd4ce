# D3 and D4: where a key file is and who may read it, whose key it is,
# and at which level it stands.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX qw(mkfifo);
use Test::More;

use AGW::Files qw(spew);
use AGW::KeyFiles qw(key_accepted key_file key_refused keys_ready);
use AGW::Keys qw(jwk_set);
use AGW::Skip qw(skip_for);

my $prefix = keys_ready();
my ($ec, $ed, $oct) = map { AGW::Keys->new($_) } qw(ES256 EdDSA HS256);
my $public = $ec->form('public, JWK Set');

# who may read it: a secret is a secret in any form

{
    my $read = qr/is secret, and others than its owner and group can read/;
    my $write = qr/can be changed by others than its owner and group/;
    my %secret = (
        (map { $_ => $ec->form($_) } 'PKCS#8', 'SEC1', 'JWK', 'JWK Set'),
        'a secret' => $oct->form('a secret'), 'an oct JWK' =>
            $oct->form('JWK'), 'a set with one private key' =>
            jwk_set($ed->jwk, $ec->jwk(private => 1)),
    );

    for my $name (sort keys %secret) {
        my $bytes = $secret{$name};

        for my $role ('', 'verify') {
            my $words = $name eq 'a secret' ? "$role alg=HS256" : $role;
            my $what = "D4 $name, '$words', of mode";

            for (0600, 0400, 0640, 0660, 0750) {
                key_accepted(sprintf("%s %04o", $what, $_), $bytes, $words,
                    mode => $_);
            }

            for (0644, 0604, 0444, 0755, 0666) {
                key_accepted(sprintf("%s %04o", $what, $_), $bytes, $words,
                    mode => $_, warning => $read);
            }

            key_accepted("$what 0602", $bytes, $words, mode => 0602,
                warning => $write);
        }
    }

    for my $form ($ec->public_forms) {
        my $bytes = $ec->form($form);

        for (0600, 0644, 0444, 0664) {
            key_accepted(sprintf("D4 %s, of mode %04o", $form, $_), $bytes,
                'verify', mode => $_);
        }

        for (0666, 0646, 0602) {
            key_accepted(sprintf("D4 %s, of mode %04o", $form, $_), $bytes,
                'verify', mode => $_, warning => $write);
        }
    }
}

# files that can't be read

mkdir "$prefix/directory.key";
mkfifo("$prefix/fifo.key", 0600) or die "$prefix/fifo.key: $!";
symlink "$prefix/nowhere", "$prefix/dangling.key";
symlink "$prefix/loop.key", "$prefix/loop.key";

key_refused("D3 a file that $_->[0]", '', $_->[2], '', file => $_->[1])
    for ['is missing', 'missing.key', qr/open.*No such file/],
        ['is in a missing directory', 'none/x.key', qr/No such file/],
        ['is a directory', 'directory.key', qr/not a regular file/],
        ['is a FIFO, which nobody writes', 'fifo.key',
            qr/not a regular file/],
        ['is a dangling link', 'dangling.key', qr/No such file/],
        ['is a link to itself', 'loop.key', qr/symbolic links/],
        ['is empty', key_file(''), qr/neither a PEM key/],
        ['is too long', key_file('A' x 65537), qr/at most 65536 bytes/],
        ['is a long JWK Set', key_file(jwk_set(map { { %{ $ec->jwk },
            kid => "k$_" } } 1 .. 1000)), qr/at most 65536 bytes/];

SKIP: {
    skip_for('root', 'a file that may not be read is') if $> == 0;

    key_refused('D3 a file that may not be read', '', qr/Permission denied/,
        'alg=HS256', file => key_file($oct->form('a secret'), 0000));
}

key_accepted('D3 a secret of 65536 bytes', 'A' x 65536, 'alg=HS256');

# whose key it is

my $theirs = 'https://old.example';

key_accepted('D4 another issuer\'s key', $public, "verify issuer=$theirs",
    before => "auth_gateway_issuer https://api.example;");
key_accepted('D4 another issuer\'s key, in any order', $public,
    "issuer=$theirs alg=ES256 verify kid=x");
key_accepted('D4 two keys of one issuer', $public,
    "verify issuer=$theirs", before => 'auth_gateway_key '
    . key_file($ed->form('public, JWK')) . " verify issuer=$theirs;");
key_accepted('D4 another issuer\'s private key and secret',
    $ec->form('PKCS#8'), "verify issuer=$theirs",
    before => 'auth_gateway_key ' . key_file($oct->form('a secret'))
    . " alg=HS256 verify issuer=$theirs;");
key_refused("D4 $_->[0] with issuer=, without verify", $_->[1],
    qr/must have "verify" beside it/, "issuer=$theirs", unnamed => 1) for
    ['a private key', $ec->form('PKCS#8')], ['a secret',
        $oct->form('a secret')], ['a public key', $public];

{
    my $own = "auth_gateway_issuer $theirs;";
    my $said = qr/is this server's own "auth_gateway_issuer"/;
    my $words = "verify issuer=$theirs";
    my $signer = 'auth_gateway_key ' . key_file($ed->form('PKCS#8')) . ';';
    my $there = "$signer auth_gateway_key " . key_file($public)
        . " $words;";

    key_refused('D4 our own issuer\'s key, the issuer before it', $public,
        $said, $words, before => $own, unnamed => 1);
    key_refused('D4 our own issuer\'s key, the issuer behind it', $public,
        $said, $words, behind => $own, unnamed => 1);
    key_refused('D4 our own issuer\'s key, the issuer of the server',
        $public, $said, $words, server => $own, unnamed => 1);
    key_refused('D4 our own issuer\'s key, both of the server',
        $oct->form('JWK'), $said, '', server => "$own $there",
        unnamed => 1);
    key_refused('D4 our own issuer\'s key, the issuer of http, the keys of'
        . ' the server', $oct->form('JWK'), $said, '', before => $own,
        server => $there, unnamed => 1);
    key_accepted('D4 a key of http\'s issuer, in a server with another',
        $public, $words, server => 'auth_gateway_issuer https://new/;',
        before => $own);
    key_accepted('D4 our own issuer with a slash is another', $public,
        "verify issuer=$theirs/", before => $own);
}

key_refused("D4 issuer= with $_->[0]", $public, qr/issuer/,
    $_->[1], unnamed => 1) for ['nothing', 'verify issuer='],
    ['a control character', "verify 'issuer=https://x\ty'"],
    ['no UTF-8', "verify issuer=https://\xff/"],
    ['another one', 'verify issuer=https://a issuer=https://b'];

# the module expands none of them, and the words would stand as they are

key_refused("D3 a variable in $_", $public, qr/must be text without/,
    "verify $_", unnamed => 1) for 'issuer=https://$host', 'issuer=$iss',
    'kid=$host', 'kid=k${n}';
key_accepted('D3 a $ that begins no variable', $public, 'verify kid=k$',
    notice => qr/kid "k\$"/);

done_testing();
