# P8: the attacks on JWTs, against assertions (P8a.5), beyond those that
# t/assertions.t has; and either kind of JWT in the place of the other.  Each
# is signed by the partner's own key, unless the attack is that it is not.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use MIME::Base64 qw(encode_base64url);
use Test::More;

use AGW::Admin;
use AGW::Files qw(random_id);
use AGW::Gateway;
use AGW::Keys;

my $issuer = 'https://issuer.example';
my $json = JSON->new->utf8->canonical;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_issuer https://issuer.example;
    auth_gateway_admin_log %%LOG%%;
    auth_gateway_client_auth private_key_jwt;

    server {
        listen unix:%%PREFIX%%/admin.sock;
        listen 127.0.0.1:%%TLS%% ssl http2;

        location /admin/ { auth_gateway_admin write %%UID%%; }
        location = /token { auth_gateway_token partner; }
        location = /introspect { auth_gateway_introspect; }

        location /partners/ {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Admin->start(conf => $conf);
my $id = $gw->partner->{id};
my $other = $gw->partner->{id};
my %key = map { $_ => AGW::Keys->new($_) } qw(ES256 RS256 EdDSA);
my $forger = AGW::Keys->new('ES256');

for my $alg (sort keys %key) {
    $gw->keep_secret($key{$alg}->jwk(private => 1)->{d});
    is($gw->ask('POST', "partners/$id/jwks", { jwk => $key{$alg}->jwk(
        kid => $alg, alg => $alg) })->status, 201, "P11.2 $alg is added");
}

sub claims {
    my (%more) = @_;

    return { iss => $id, sub => $id, aud => $issuer, jti => random_id(),
        exp => time + 60, %more };
}

sub header {
    my ($alg, %more) = @_;

    return { alg => $alg, kid => $alg, typ => 'JWT', %more };
}

sub signed {
    my ($alg, $header, $payload) = @_;

    return $gw->keep_secret($key{$alg}->mint_raw(
        header => $header // header($alg), payload => $payload // claims()));
}

sub asks {
    my ($assertion, %opt) = @_;

    return $gw->request('POST', $opt{to} // '/token', form => join('&',
        'client_assertion='
            . $assertion =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger,
        'client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A'
            . 'client-assertion-type%3Ajwt-bearer', 'token=x'),
        map { exists $opt{$_} ? ($_ => $opt{$_}) : () } 'quiet');
}

$gw->good_is(sub { return asks(signed('ES256'), quiet => 1)->status == 200 });

my $bytes;

sub refused {
    my ($name, $assertion, $fault) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $r = asks($assertion);

    $gw->refused($name, $r, 'invalid_client', by => 'basic', scope => undef,
        fault => $fault);
    is($r->body, $bytes //= $r->body, "$name: the same bytes");

    return;
}

my $no_jws = 'not a JWS';
my $no_kid = 'kid: missing, or not that of a key';
my $no_object = 'claims: not a JSON object';

for my $alg (sort keys %key) {
    is(asks(signed($alg))->status, 200, "P8a.5 $alg, a good one");

    # P8.1: any other algorithm over the right signature

    refused("P8.1 $alg, alg $_", signed($alg, header($alg, alg => $_)),
        'alg, kid: not those of the key')
        for grep { $_ ne $alg } qw(none None nOnE NONE), '', 'ES512',
            'Ed448', AGW::Keys::algorithms();
    refused("P8.1 $alg, alg is " . ($_ // 'null'),
        signed($alg, qq({"alg":$_,"kid":"$alg"})), $no_jws)
        for 'null', '1', 'true', '["ES256"]', '{}';
    refused("P8.1 $alg, without alg", signed($alg, { kid => $alg }), $no_jws);

    # P8.3: what would name another key is not read

    my %embedded = (jku => 'http://127.0.0.1:1/', x5u => 'file:///etc/passwd',
        x5c => ['AAAA'], jwk => $forger->jwk(kid => $alg));

    is(asks(signed($alg, header($alg, %embedded)))->status, 200,
        "P8.3 $alg, embedded keys are ignored");

    # P8.4

    refused("P8.4 $alg, kid: $_->[0]", signed($alg, header($alg,
        kid => $_->[1])), $_->[2])
        for ['NUL', "$alg\0", $no_kid], ['5 KB', $alg x 1000, $no_kid],
            ['lower case', lc $alg, 'unknown JWK'], ['empty', '', $no_kid],
            ['a number', 1, $no_kid], ['an array', [$alg], $no_kid],
            ['white space', "$alg ", $no_kid], ['129', 'k' x 129, $no_kid];

    # P8.5

    refused("P8.5 $alg, $_", signed($alg,
        qq({"alg":"$alg","kid":"$alg",$_})), $no_jws)
        for '"crit":[]', '"crit":["exp"],"exp":1', '"crit":null',
            '"b64":true', '"b64":false', '"crit":["b64"],"b64":false';

    # P8.6

    refused("P8.6 $alg, header: $_ twice", signed($alg,
        qq({"alg":"$alg","kid":"$alg","typ":"JWT","x":1,"$_":"$alg"})),
        $no_kid) for qw(alg kid typ x);

    my $text = $json->encode(claims());

    for (qw(iss sub aud jti exp)) {
        refused("P8.6 $alg, claims: $_ twice", signed($alg, undef,
            $text =~ s/\}\z/,"$_":"x"}/r), $no_object);
    }

    refused("P8.6 $alg, claims: jti twice, escaped", signed($alg, undef,
        $text =~ s/\}\z/,"\\u006ati":"x"}/r), $no_object);

    # P8.7, P8.8: spellings of one that is good

    my $good = signed($alg);
    my ($head, $body, $signature) = split /\./, $good;
    my $last = substr $signature, -1;
    my $alphabet = join '', 'A' .. 'Z', 'a' .. 'z', 0 .. 9, '-', '_';
    my $bits = substr $alphabet, index($alphabet, $last) ^ 1, 1;

    for (['trailing bits', "$head.$body." . substr($signature, 0, -1) . $bits],
        ['padding in the header', "$head=.$body.$signature"],
        ['padding in the claims', "$head.$body=.$signature"],
        ['a plus', "$head.$body.+" . substr($signature, 1)],
        ['a slash', "$head.$body./" . substr($signature, 1)],
        ['a newline', "$head.$body\n.$signature"],
        ['one character more', "$head.$body.${signature}A"],
        ['no signature', "$head.$body."], ['no claims', "$head..$signature"],
        ['no header', ".$body.$signature"], ['five segments',
            "$head.$body.$signature.$body.$signature"],
        ['dots alone', '..'], ['JSON serialisation', $json->encode({
            protected => $head, payload => $body, signature => $signature })])
    {
        refused("P8.7 $alg, $_->[0]", $_->[1], undef);
    }

    is(asks($good)->status, 200, "P8.7 $alg, none of them has used it");
    refused("P8a.5 $alg, then it is used", $good, 'jti: used before');

    # P8.15, P8.16

    my $deep = '[' x 17 . ']' x 17;

    refused("P8.15 $alg, nested deeply", signed($alg, undef,
        $text =~ s/\}\z/,"x":$deep}/r), $no_object);
    refused("P8.16 $alg, $_->[0]", signed($alg, undef, $_->[1]), $no_object)
        for ['NUL in a string', $text =~ s/\}\z/,"x":"a\0"}/r],
            ['invalid UTF-8', $text =~ s/\}\z/,"x":"\xff"}/r],
            ['half a surrogate pair', $text =~ s/\}\z/,"x":"\\ud800"}/r],
            ['UTF-16', join '', map { "\0$_" } split //, $text],
            ['a byte order mark', "\xef\xbb\xbf$text"],
            ['bytes behind it', "$text x"], ['an array', "[$text]"],
            ['nothing', ''];

    # P8.17

    refused("P8.17 $alg, typ $_", signed($alg, header($alg, typ => $_)),
        /at\+jwt/i ? 'typ: that of an access token' : $no_jws)
        for 'at+jwt', 'AT+JWT', 'application/at+jwt', 'secevent+jwt', '',
            'JWT ', 'text/JWT';
    is(asks(signed($alg, header($alg, typ => $_)))->status, 200,
        "P8.17 $alg, typ $_") for 'jwt', 'application/JWT';
}

# P8.13

for my $case (['r = 0', "\0" x 32 . "\1" x 32], ['s = 0', "\1" x 32
        . "\0" x 32], ['r = n', pack('H*', 'ffffffff00000000ffffffffffffffff'
        . 'bce6faada7179e84f3b9cac2fc632551') . "\1" x 32],
    ['all ones', "\xff" x 64], ['short', "\1" x 63], ['long', "\1" x 65],
    ['of P-384', "\1" x 96], ['of one byte', "\1"])
{
    my ($name, $signature) = @$case;
    my $input = encode_base64url($json->encode(header('ES256'))) . '.'
        . encode_base64url($json->encode(claims()));

    refused("P8.13 $name", "$input." . encode_base64url($signature),
        'wrong signature');
}

# P8.12: a token is no assertion, an assertion is no token

my $token = asks(signed('ES256'))->json->{access_token};

$gw->keep_secret($token);
refused('P8.12 a token of the gateway', $token,
    'iss, sub: not both the partner');
refused('P8.12 with the claims of an assertion', $gw->mint_raw(
    header => { alg => 'HS256', kid => 'k1', typ => 'JWT' },
    payload => claims()), 'unknown JWK');

for my $alg (sort keys %key) {
    my %token = (%{ claims() }, partner_id => $id, iat => time);

    $gw->refused("P8.12 $alg, an assertion as a token",
        $gw->request('GET', '/partners/x', bearer => signed($alg, undef,
            \%token)), 'unknown_key', scope => undef);
    $gw->refused("P8.12 $alg, introspected by itself as a caller",
        $gw->request('POST', '/introspect', bearer => signed($alg, undef,
            \%token), form => 'token=x'), 'unknown_key', scope => undef);
}

# another partner may have the same kid, and its own key under it

is($gw->ask('POST', "partners/$other/jwks", { jwk => $forger->jwk(
    kid => 'ES256', alg => 'ES256') })->status, 201, 'P11.2 the same kid');
refused('P8a.5 signed by the other\'s key of this kid', $forger->mint_raw(
    header => header('ES256'), payload => claims()), 'wrong signature');
refused('P8a.5 in the other\'s name, by one\'s own', signed('ES256', undef,
    claims(iss => $other, sub => $other)), 'wrong signature');

$gw->finish;
