# P8.7, P8.8, P8.18: attacks by a JWT's form and by the bytes of its
# signature, at the access handler, for each kind of key; after each a good
# token still works on the same worker.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(decode_base64url);
use Test::More;

use AGW::Kinds;
use AGW::Token qw(b64url);

my @kinds = AGW::Kinds->start(qw(HS256 RS256 PS256 ES256 ES384 EdDSA));
my $gw = $kinds[0]{gateway};

# base64url's alphabet (RFC 4648, section 5)

my $alphabet = join '', 'A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_';


# the last character with one of the bits set that are not the signature's

sub with_trailing_bit {
    my ($token) = @_;

    return $token =~ s/(.)$/substr $alphabet,
        1 + index($alphabet, $1), 1/er;
}


sub p8_7 {
    my ($k) = @_;

    my $good = $k->good;
    my ($head, $body, $last) = split /\./, $good;
    my %any = (also => ['bad_signature']);

    $k->attack('P8.7 padding behind the token', "$good=",
        'malformed_token', %any);
    $k->attack('P8.7 two of padding', "$good==", 'malformed_token');

    # of 48 bytes no bit is spare

    $k->attack('P8.7 non-zero trailing bits', with_trailing_bit($good),
        'malformed_token') if length($last) % 4;
    $k->attack('P8.7 length 4n+1', $good . 'A' x ((1 - length $last) % 4),
        'malformed_token', %any) if length($last) % 4;
    $k->attack('P8.7 a longer signature', $good . 'A', 'malformed_token',
        %any);
    $k->attack('P8.7 a signature and a zero byte', "$head.$body."
        . b64url(decode_base64url($last) . "\0"), 'bad_signature');
    $k->attack('P8.7 a zero byte and the signature', "$head.$body."
        . b64url("\0" . decode_base64url($last)), 'bad_signature');
    $k->attack('P8.7 a shorter signature', $good =~ s/.{4}$//r,
        'malformed_token', %any);

    # one with - and _ in it, spelled in the other alphabet

    my $token = $good;

    for (1 .. 200) {
        last if $token =~ /[-_][^.]*$/;
        $token = $k->token;
    }

    my ($input, $end) = $token =~ /^(.*\.)(.*)$/;

    $k->attack('P8.7 + and / in the signature',
        $input . $end =~ tr{-_}{+/}r, 'malformed_token');

    for ("$head=.$body.$last", "$head.$body=.$last", "$head .$body.$last",
        "$head.$body\t.$last", "$head.$body.$last ,")
    {
        $k->attack('P8.7 padding or white space within', $_,
            'malformed_credentials');
    }
}


sub p8_8 {
    my ($k) = @_;

    my $good = $k->good;
    my ($head, $body, $last) = split /\./, $good;

    for (['one segment', $head], ['two segments', "$head.$body"],
        ['four', "$good.$last"], ['a JWE\'s five', "$good.$last.$last"],
        ['no signature', "$head.$body."],
        ['no header', ".$body.$last"], ['dots', '..'], ['a dot', '.'],
        ['a dot behind', "$good."], ['a dot before', ".$good"],
        ['not JSON', b64url('x') . ".$body.$last"],
        ['a header that is an array', b64url('[]') . ".$body.$last"],
        ['a header in white space', b64url(' ') . ".$body.$last"])
    {
        $k->attack("P8.8 $_->[0]", $_->[1], 'malformed_token',
            kid => undef, partner => undef);
    }

    # which is a JWS, but for its signature (RFC 7515, section 7.1)

    $k->attack('P8.8 no payload', "$head..$last", 'bad_signature',
        kid => 'k1', partner => undef);
    $k->attack('P8.8 JSON serialisation', "{\"payload\":\"$body\","
        . "\"protected\":\"$head\",\"signature\":\"$last\"}",
        'malformed_credentials');

    for ('[]', '1', 'null', '"x"', '', '{', '{}x', '{}') {
        $k->attack("P8.8 a signed payload that is $_",
            $k->raw(payload => $_), 'malformed_claims',
            also => ['malformed_token']);
    }
}


sub signature {
    my ($k) = @_;

    my ($head, $body, $last) = split /\./, $k->good;
    my $bytes = decode_base64url($last);
    my $size = length $bytes;
    my %logged = (kid => 'k1', partner => undef);
    my $with = sub { return "$head.$body." . b64url($_[0]) };

    $k->attack('P8 claims of one token, signature of another',
        "$head." . b64url($k->payload(jti => 'else')) . ".$last",
        'bad_signature', %logged);
    $k->attack('P8 the signature of another key',
        $k->raw(key => $k->other), 'bad_signature', %logged);

    for (['zeros', "\0" x $size], ['ones', "\xff" x $size],
        ['itself twice', $bytes x 2], ['its first half',
            substr $bytes, 0, $size / 2],
        ['its second half', substr $bytes, $size / 2],
        ['its halves swapped', substr($bytes, $size / 2)
            . substr $bytes, 0, $size / 2],
        ['a zero byte', "\0"], ['its first byte', substr $bytes, 0, 1],
        ['2 KB', 'x' x 2048])
    {
        $k->attack("P8 a signature of $_->[0]", $with->($_->[1]),
            'bad_signature', %logged);
    }

    if ($k->key->is_secret) {
        $k->attack("P8 signed with $_->[0]", $gw->mint_raw(
            header => $k->header, payload => $k->payload,
            secret => $_->[1]), 'bad_signature', %logged)
            for ['nothing', ''], ['the wrong secret', 'secret'],
                ['the kid', 'k1'], ['half of the secret',
                    substr $k->key->private, 0, 32];
    }

    for (0, 1, $size / 2 - 1, $size / 2, $size - 1) {
        my $changed = $bytes;

        substr($changed, $_, 1) ^= "\x01";
        $k->attack("P8.18 one bit of byte $_", $with->($changed),
            'bad_signature', %logged);
    }
}


for my $kind (@kinds) {
    $kind->allowed('P8 the good token', $kind->good);
    $_->($kind) for \&p8_7, \&p8_8, \&signature;
}

$gw->finish;
