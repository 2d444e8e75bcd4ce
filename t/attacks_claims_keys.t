# P8.9 to P8.11, P8.16: attacks by what a token claims, under each kind of
# key: a good signature of any kind vouches for no claim.  All of them, under
# HS256, are in attacks_claims.t.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Kinds;

my @kinds = AGW::Kinds->start(qw(RS256 PS256 ES256 EdDSA));
my $gw = $kinds[0]{gateway};
my %logged = (kid => 'k1', partner => undef);


# a token whose claim is that JSON text

sub with {
    my ($k, $name, $text) = @_;

    return $k->raw(payload => $k->payload($name => undef)
        =~ s/\}$/,"$name":$text}/r);
}


sub p8_9 {
    my ($k) = @_;

    my $now = time;

    for my $name (qw(exp nbf iat)) {
        my $time = $name eq 'exp' ? $now + 600 : $now;

        for ("\"$time\"", 'true', "$time.5", '-1', '9007199254740992') {
            $k->attack("P8.9 $name is $_", with($k, $name, $_),
                'malformed_claims', %logged);
        }
    }

    $k->attack("P8.9 no $_", $k->token($_ => undef), 'malformed_claims',
        %logged) for qw(exp iat jti partner_id);
    $k->attack('P8.9 sub and partner_id differ', $k->token(sub => 'p-2'),
        'malformed_claims', kid => 'k1');
}


sub p8_10 {
    my ($k) = @_;

    my $now = time;
    my %log = (kid => 'k1', partner => 'p-1');

    $k->attack('P8.10 expired',
        $k->token(iat => $now - 600, exp => $now - 1), 'expired', %log);
    $k->attack('P8.10 not yet valid', $k->token(nbf => $now + 60),
        'not_yet_valid', %log);
    $k->attack('P8.10 iat ahead',
        $k->token(iat => $now + 60, exp => $now + 600), 'not_yet_valid',
        %log);
    $k->attack('P8.10 life over max_lifetime',
        $k->token(iat => $now, exp => $now + 86401), 'lifetime_exceeded',
        %log);
}


sub p8_11 {
    my ($k) = @_;

    my ($iss, $aud) = ('https://issuer.example', 'the-api');
    my %there = (two => 1);

    $k->allowed('P8.11 iss and aud',
        $k->token(iss => $iss, aud => [$aud, 'x']), %there);

    for (undef, "$iss/", uc $iss, 'https://other.example') {
        $k->attack('P8.11 iss is ' . ($_ // 'missing'),
            $k->token(iss => $_, aud => $aud), 'wrong_issuer', %there,
            kid => 'k1', partner => 'p-1');
    }

    for (undef, "$aud/", ['x']) {
        $k->attack('P8.11 aud is ' . (ref $_ ? 'x' : $_ // 'missing'),
            $k->token(iss => $iss, aud => $_), 'wrong_audience', %there,
            kid => 'k1', partner => 'p-1');
    }
}


sub p8_16 {
    my ($k) = @_;

    for ('"b-1\u0000"', "\"b-1\0\"", "\"b-1\xff\"", '"b-1\r\nx: y"',
        "\"\xed\xa0\x80\"")
    {
        my $name = s/([^ -~])/sprintf '\\x%02x', ord $1/ger;

        $k->attack("P8.16 business_id is $name",
            with($k, 'business_id', $_), 'malformed_claims', %logged);
    }

    $k->attack('P8.16 claims in UTF-16',
        $k->raw(payload => $k->payload =~ s/(.)/\0$1/gr),
        'malformed_claims', %logged);
}


for my $kind (@kinds) {
    $kind->allowed('P8 the good token', $kind->good);
    $_->($kind) for \&p8_9, \&p8_10, \&p8_11, \&p8_16;
}

$gw->finish;
