# P8.1, P8.4 to P8.6, P8.12, P8.15, P8.17: attacks by a JWT's header and
# nesting, at the access handler, for each kind of key; after each a good
# token still works on the same worker.  Attacks by its form are in
# attacks_form.t, by keys in attacks_keys.t, by claims in attacks_claims.t.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Kinds;
use AGW::Token qw(b64url);

my @kinds = AGW::Kinds->start;
my $gw = $kinds[0]{gateway};


sub p8_1 {
    my ($k) = @_;

    for (qw(none None nOnE NONE)) {
        $k->attack("P8.1 alg $_, unsigned",
            $k->raw(header => $k->header(alg => $_), signature => ''),
            'malformed_token',
            also => ['algorithm_mismatch', 'bad_signature']);
        $k->attack("P8.1 alg $_, signed all the same",
            $k->raw(header => $k->header(alg => $_)),
            'algorithm_mismatch');
    }

    for ('', '"alg":null,', "\"alg\":[\"$k->{alg}\"],", '"alg":256,',
        '"alg":true,', "\"alg\":{\"$k->{alg}\":1},")
    {
        $k->attack("P8.1 alg missing or no string: $_",
            $k->raw(header => "{$_\"typ\":\"JWT\",\"kid\":\"k1\"}"),
            'malformed_token');
    }

    for ('', "$k->{alg} ", lc $k->alg, uc "$k->{alg}x", "$k->{alg}\\u0000",
        substr($k->alg, 0, 2), "$k->{alg}7")
    {
        $k->attack("P8.1 alg '$_'", $k->raw(
            header => "{\"alg\":\"$_\",\"typ\":\"JWT\",\"kid\":\"k1\"}"),
            'algorithm_mismatch', also => ['malformed_token']);
    }
}


sub p8_4 {
    my ($k) = @_;

    my $raw = sub { return $k->raw(header => $_[0]) };

    $k->allowed('P8.4 no kid where there is one key',
        $raw->({ alg => $k->alg, typ => 'JWT' }));

    for ('k2', 'K1', 'k1 ', ' k1', 'k', 'k11', '',
        '../../../../dev/null', '/dev/null', "k1' OR '1'='1",
        "k1' UNION SELECT 'x' --", "k1\0", "k1\0x", "k1\r\n",
        'k1, partner: p-1', '%s%n', 'k' x 10240)
    {
        my $name = length $_ > 40 ? 'of 10 KB'
            : s/([^ -~])/sprintf '\\x%02x', ord $1/ger;

        $k->attack("P8.4 kid '$name'", $raw->($k->header(kid => $_)),
            'unknown_key', kid => undef, partner => undef,
            also => ['malformed_token']);
    }

    for ('null', '1', '["k1"]', '{"k1":1}', 'true') {
        $k->attack("P8.4 kid is $_",
            $raw->("{\"alg\":\"$k->{alg}\",\"typ\":\"JWT\",\"kid\":$_}"),
            'malformed_token', also => ['unknown_key']);
    }
}


# of two keys, as in a rotation

sub p8_4_two {
    my ($k) = @_;

    my %ours = (iss => 'https://issuer.example', aud => 'the-api');
    my $raw = sub {
        my ($header, $key) = @_;

        return $k->raw(header => $header, payload => $k->payload(%ours),
            key => $key);
    };
    my %there = (two => 1);

    $k->allowed('P8.4 the first of two keys', $raw->($k->header), %there);
    $k->allowed('P8.4 the second of two keys',
        $raw->($k->header(kid => 'k2'), $k->second), %there);
    for my $key ($k->key, $k->second) {
        $k->allowed('P8.4 no kid with several keys',
            $raw->({ alg => $k->alg, typ => 'JWT' }, $key), %there);
    }

    $k->attack('P8.4 no kid, and no key of ours',
        $raw->({ alg => $k->alg, typ => 'JWT' }, $k->other),
        'bad_signature', %there, kid => undef, partner => undef);
    $k->attack("P8.4 no kid, and alg $_",
        $raw->({ alg => $_, typ => 'JWT' }), 'unknown_key', %there,
        kid => undef, partner => undef) for 'none', 'HS384', 'ES512', '';
    $k->attack('P8.4 the kid of the second key, signed by the first',
        $raw->($k->header(kid => 'k2')), 'bad_signature', %there,
        kid => 'k2', partner => undef);
    $k->attack('P8.4 the kid of the first key, signed by the second',
        $raw->($k->header, $k->second), 'bad_signature', %there,
        kid => 'k1', partner => undef);
    $k->attack('P8.4 an unknown kid with several keys',
        $raw->($k->header(kid => 'k3')), 'unknown_key', %there);
}


sub p8_5 {
    my ($k) = @_;

    for (['crit', ',"crit":["exp"]'], ['crit, empty', ',"crit":[]'],
        ['crit b64', ',"crit":["b64"],"b64":false'],
        ['crit b64 true', ',"crit":["b64"],"b64":true'],
        ['b64 false', ',"b64":false'], ['crit null', ',"crit":null'])
    {
        $k->attack("P8.5 $_->[0]",
            $k->raw(header => $k->header_text($_->[1])),
            'malformed_token');
    }

    my $input = b64url($k->header_text(',"crit":["b64"],"b64":false'))
        . '.' . $k->payload(jti => 'j');

    is($k->get("$input." . b64url($k->key->sign($input)))->status, 400,
        $k->named('P8.5 an unencoded payload is no b64token'));
}


sub p8_6 {
    my ($k) = @_;

    my $alg = "\"alg\":\"$k->{alg}\"";

    for ("{$alg,$alg,\"typ\":\"JWT\",\"kid\":\"k1\"}",
        "{\"alg\":\"none\",\"typ\":\"JWT\",\"kid\":\"k1\",$alg}",
        $k->header_text(",\"\\u0061lg\":\"$k->{alg}\""),
        "{$alg,\"typ\":\"JWT\",\"kid\":\"k2\",\"kid\":\"k1\"}",
        $k->header_text(',"x":{"a":1,"a":2}'))
    {
        $k->attack("P8.6 duplicate in the header: $_",
            $k->raw(header => $_), 'malformed_token');
    }

    for ('"business_id":"b-2"', '"business_id":"b-1"',
        '"exp":9999999999', '"\u0065xp":9999999999',
        '"x":{"a":1,"a":1}', '"x":[{"a":1,"a":1}]')
    {
        $k->attack("P8.6 duplicate in the claims: $_",
            $k->raw(payload => $k->payload =~ s/\}$/,$_}/r),
            'malformed_claims', kid => 'k1');
        $k->attack("P8.6 duplicate before the claims: $_",
            $k->raw(payload => $k->payload =~ s/^\{/{$_,/r),
            'malformed_claims') unless /"x"/;
    }
}


sub p8_12 {
    my ($k) = @_;

    my $partner = $k->token(business_id => undef, scope => undef);

    $k->attack('P8.12 a partner token as a business\'s', $partner,
        'wrong_kind', kid => 'k1', partner => 'p-1');
    $k->attack('P8.12 a business token as a partner\'s', $k->good,
        'wrong_kind', path => '/partners', scope => undef);
    $k->allowed('P8.12 a partner token as a partner\'s', $partner,
        path => '/partners');
    $k->attack('P8.12 the scope without a business',
        $k->token(business_id => undef), 'malformed_claims',
        also => ['wrong_kind']);
    $k->attack('P8.12 the scope among others without a business',
        $k->token(business_id => undef, scope => 'x business_access'),
        'malformed_claims', also => ['wrong_kind']);
    $k->attack('P8.12 a business of another',
        $k->token(business_id => 'b-2'), 'wrong_business');
}


sub p8_15 {
    my ($k) = @_;

    my $deep = sub {
        my ($depth) = @_;

        return $k->payload
            =~ s/\}$/',"x":' . '[' x $depth . ']' x $depth . '}'/er;
    };

    $k->attack('P8.15 a token over 8 KB',
        $k->raw(payload => $k->payload(pad => 'x' x 8192)),
        'malformed_token', kid => undef, partner => undef);
    $k->allowed('P8.15 a token under 8 KB',
        $k->raw(payload => $k->payload(pad => 'x' x 5000)));
    $k->attack('P8.15 claims nested 17 deep',
        $k->raw(payload => $deep->(16)), 'malformed_claims');
    $k->attack('P8.15 claims nested 2000 deep',
        $k->raw(payload => $deep->(2000)), 'malformed_claims');
    $k->attack('P8.15 a header nested 17 deep',
        $k->raw(header => $k->header_text(',"x":' . '[' x 16 . ']' x 16)),
        'malformed_token');
    $k->allowed('P8.15 nested 16 deep', $k->raw(payload => $deep->(15)));
}


sub p8_17 {
    my ($k) = @_;

    for (qw(JWE secevent+jwt JOSE logout+jwt id_token JWTS JW at at+jw
        application/ application text/jwt application/application/jwt
        application/jwt;x=1 application/jwt/ /jwt applicationjwt
        application/secevent+jwt application%2Fjwt), 'JWT ', ' JWT',
        'application/ jwt', 'application /jwt', 'JWT, at+jwt', '*', '*/*')
    {
        $k->attack("P8.17 typ $_", $k->raw(header => $k->header(typ => $_)),
            'malformed_token');
    }

    for ('1', 'null', 'true', '["JWT"]', '{}', '""', '"JWT\u0000"') {
        $k->attack("P8.17 typ is $_", $k->raw(header =>
            "{\"alg\":\"$k->{alg}\",\"kid\":\"k1\",\"typ\":$_}"),
            'malformed_token');
    }

    $k->allowed("P8.17 typ $_", $k->raw(header => $k->header(typ => $_)))
        for qw(JWT jwt jWt at+jwt AT+JWT at+JWT application/jwt
        application/at+jwt APPLICATION/JWT Application/At+Jwt);
    $k->allowed('P8.17 no typ',
        $k->raw(header => { alg => $k->alg, kid => 'k1' }));
}


for my $kind (@kinds) {
    $kind->allowed('P8 the good token', $kind->good);
    $kind->allowed('P8 a good token by hand', $kind->raw);

    $_->($kind) for \&p8_1, \&p8_4, \&p8_4_two, \&p8_5, \&p8_6, \&p8_12,
        \&p8_15, \&p8_17;
}

$gw->finish;
