# P8.2, P8.3: attacks that choose the key or the algorithm, at the access
# handler, for each kind of key; after each a good token still works on the
# same worker.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(hmac_sha256 hmac_sha384 hmac_sha512);
use IO::Select;
use IO::Socket::INET;
use MIME::Base64 qw(decode_base64url encode_base64);
use Test::More;

use AGW::Files qw(spew);
use AGW::Keys qw(algorithms openssl);
use AGW::Kinds;
use AGW::Token qw(b64url);

# nobody may come here, whatever a header says

my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
    LocalPort => 0, Listen => 16) or die "listen: $!\n";
my $there = '127.0.0.1:' . $listener->sockport;

my @kinds = AGW::Kinds->start(qw(HS256 RS256 PS256 ES256 EdDSA Ed25519));
my $gw = $kinds[0]{gateway};
my %macs = (HS256 => \&hmac_sha256, HS384 => \&hmac_sha384,
    HS512 => \&hmac_sha512);


# Everything that somebody may take for "the key" who has the public one.

sub spellings {
    my ($key) = @_;

    my $pem = $key->form('public, SPKI');
    my $der = AGW::Keys::der($pem);
    my $jwk = $key->jwk;
    my $n = decode_base64url($jwk->{n} // $jwk->{x});
    my $y = decode_base64url($jwk->{y} // '');

    my %all = (
        'PEM' => $pem, 'PEM without a newline' => $pem =~ s/\n$//r,
        'PEM with CRLF' => $pem =~ s/\n/\r\n/gr,
        'PEM behind a BOM' => "\xef\xbb\xbf$pem",
        'PEM in one line' => $pem =~ s/\n//gr,
        'DER' => $der, 'base64 of DER' => encode_base64($der, ''),
        'base64 of DER in lines' => encode_base64($der),
        'base64url of DER' => b64url($der),
        'base64 of PEM' => encode_base64($pem, ''),
        'JWK' => $key->form('public, JWK'),
        'JWK Set' => $key->form('public, JWK Set'),
        'thumbprint' => $key->thumbprint,
        'first number' => $n, 'its base64url' => b64url($n),
        'kid' => 'k1',
    );

    if ($key->{kty} eq 'EC') {
        $all{'both numbers'} = "$n$y";
        $all{'point'} = "\x04$n$y";
    }

    if ($key->{kty} eq 'RSA') {
        my $pkcs1 = $key->form('public, PKCS#1');

        $all{'PKCS#1 PEM'} = $pkcs1;
        $all{'PKCS#1 DER'} = AGW::Keys::der($pkcs1);
        $all{'number in hex'} = unpack 'H*', $n;
    }

    return %all;
}


sub p8_2 {
    my ($k) = @_;

    for my $alg (grep { $_ ne $k->alg } algorithms(), 'ES512', 'ES256K',
        'Ed448', 'A128KW', 'RSA-OAEP', 'dir')
    {
        $k->attack("P8.2 header of $alg, its own signature",
            $k->raw(header => $k->header(alg => $alg)),
            'algorithm_mismatch', kid => 'k1', partner => undef);
    }

    return p8_2_hmac($k) if $k->key->is_secret;

    my %spellings = spellings($k->key);

    for my $name (sort keys %spellings) {
        for my $alg (sort keys %macs) {
            next if $alg ne 'HS256' && $name !~ /^(?:PEM|DER|JWK)$/;

            my $input = b64url(JSON::encode_json($k->header(alg => $alg)))
                . '.' . b64url($k->payload);

            $k->attack("P8.2 $alg with the public key's $name", "$input."
                . b64url($macs{$alg}->($input, $spellings{$name})),
                'algorithm_mismatch', kid => 'k1', partner => undef);
        }

        $k->attack("P8.2 its own alg over a MAC with the public key's $name",
            $gw->mint_raw(header => $k->header, payload => $k->payload,
                secret => $spellings{$name}), 'bad_signature', kid => 'k1',
            partner => undef);
    }
}


# a secret for one hash is none for another

sub p8_2_hmac {
    my ($k) = @_;

    for my $alg (grep { $_ ne $k->alg } sort keys %macs) {
        for my $named ($alg, $k->alg) {
            my $input = b64url(JSON::encode_json(
                $k->header(alg => $named))) . '.' . b64url($k->payload);

            $k->attack("P8.2 a MAC of $alg, named $named", "$input."
                . b64url($macs{$alg}->($input, $k->key->private)),
                $named eq $alg ? 'algorithm_mismatch' : 'bad_signature');
        }
    }
}


# one RSA key has six algorithms, of which the operator chose one

sub p8_2_rsa {
    my ($k) = @_;

    for my $alg (grep { /^[RP]S/ && $_ ne $k->alg } algorithms()) {
        my $same = $k->key->as($alg);

        $k->attack("P8.2 a true signature of $alg", $k->raw(key => $same,
            header => $k->header(alg => $alg)), 'algorithm_mismatch',
            kid => 'k1', partner => undef);
        $k->attack("P8.2 a true signature of $alg by another name",
            $k->raw(key => $same), 'bad_signature', kid => 'k1',
            partner => undef);
    }
}


# P8.3: a key that comes with the token; nobody fetches one either

sub p8_3 {
    my ($k) = @_;

    my $theirs = $k->other;
    my $certificate = 'MIIB';

    if (!$theirs->is_secret) {
        my $file = spew($gw->prefix . '/theirs.pem', $theirs->{pem}, 0600);

        $certificate = encode_base64(AGW::Keys::der(openssl('', 'req',
            '-x509', '-new', '-key', $file, '-subj', '/CN=x', '-days',
            '2')), '');
    }

    for (['jwk', $theirs->jwk(alg => $k->alg, kid => 'k1')],
        ['jwk with the private key', $theirs->jwk(private => 1)],
        ['jku', "https://$there/jwks"], ['jku by http',
            "http://$there/jwks"], ['x5u', "https://$there/cert"],
        ['x5u by http', "http://$there/cert"], ['x5c', [$certificate]],
        ['x5t', 'x' x 27], ['x5t#S256', 'x' x 43])
    {
        my ($name, $value) = @$_;
        my ($member) = $name =~ /^(\S+)/;
        my %more = ($member => $value);

        $k->attack("P8.3 embedded $name", $k->raw(key => $theirs,
            header => $k->header(%more)), 'bad_signature', kid => 'k1',
            partner => undef);
        $k->attack("P8.3 embedded $name instead of a kid",
            $k->raw(key => $theirs, header => { alg => $k->alg,
                typ => 'JWT', %more }), 'bad_signature');
        $k->attack("P8.3 embedded $name with a kid of its own",
            $k->raw(key => $theirs, header => $k->header(%more,
                kid => $theirs->is_secret ? 'x' : $theirs->thumbprint)),
            'unknown_key', kid => undef);
        $k->allowed("P8.3 embedded $name, and our signature",
            $k->raw(header => $k->header(%more)));
    }
}


for my $kind (@kinds) {
    $kind->allowed('P8 the good token', $kind->good);
    p8_2($kind);
    p8_2_rsa($kind) if $kind->key->{kty} eq 'RSA';
    p8_3($kind);
}

ok(!IO::Select->new($listener)->can_read(0.2),
    'P8.3 nobody came for a jku or x5u');

$gw->finish;
