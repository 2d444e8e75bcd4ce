# P8a.5: a partner authenticates with an assertion that its key has signed (RFC
# 7523), each of them once.  The attacks of P8 are run against them, too, and
# every fault is answered alike.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Crypt::JWT qw(encode_jwt);
use Crypt::PK::ECC ();
use Crypt::PK::RSA ();
use Digest::SHA qw(hmac_sha256);
use JSON ();
use MIME::Base64 qw(encode_base64url);
use Test::More;

use AGW::Admin;
use AGW::Files qw(random_id slurp);
use AGW::Gateway;
use AGW::Token;

my $issuer = 'https://issuer.example';
my $type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
my $json = JSON->new->utf8->canonical;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_issuer https://issuer.example;
    auth_gateway_admin_log %%LOG%%;
    auth_gateway_client_auth basic post private_key_jwt tls;
    auth_gateway_partner_scope reports ledger;

    server {
        listen unix:%%PREFIX%%/admin.sock;
        listen 127.0.0.1:%%TLS%% ssl http2;

        location /admin/ { auth_gateway_admin write %%UID%%; }
        location = /token { auth_gateway_token partner; }
        location = /revoke { auth_gateway_revoke token; }
        location = /introspect { auth_gateway_introspect; }

        location = /basic {
            auth_gateway_token partner;
            auth_gateway_client_auth basic;
        }

        location = /.well-known/oauth-authorization-server {
            auth_gateway_metadata token=/token revoke=/revoke;
        }
    }
}
CONF

my $gw = AGW::Admin->start(conf => $conf, workers => 2);
my $partner = $gw->partner;
my ($id, $key) = @$partner{qw(id key)};
my $other = $gw->partner->{id};
my $disabled = $gw->partner(status => 'disabled')->{id};

# keys: [alg, key that signs]; the store has the public halves

my %keys = map {
    my ($kid, $alg, $curve) = @$_;
    my $pk = $curve ? Crypt::PK::ECC->new : Crypt::PK::RSA->new;

    $pk->generate_key($curve ? $curve : (256, 65537));
    ($kid => [$alg, $pk]);
} ['es', 'ES256', 'secp256r1'], ['es384', 'ES384', 'secp384r1'],
    ['rs', 'RS256'], ['ps', 'PS256'], ['other', 'ES256', 'secp256r1'];

sub public {
    my ($kid) = @_;

    return { $json->decode($keys{$kid}[1]->export_key_jwk('public'))->%*,
        kid => $kid, alg => $keys{$kid}[0] };
}

sub add {
    my ($partner_id, $kid) = @_;

    is($gw->ask('POST', "partners/$partner_id/jwks",
        { jwk => public($kid) })->status, 201, "P11.2 $kid is added");

    return;
}

add($id, $_) for qw(es es384 rs ps);
add($other, 'other');
add($disabled, 'es');

sub claims {
    my (%more) = @_;
    my %claims = (iss => $id, sub => $id, aud => $issuer, jti => random_id(),
        iat => time, exp => time + 60, %more);

    delete $claims{$_} for grep { !defined $claims{$_} } keys %claims;

    return \%claims;
}

sub assertion {
    my (%opt) = @_;
    my $kid = $opt{kid} // 'es';
    my ($alg, $pk) = @{ $keys{ $opt{by} // $kid } };
    my %header = (typ => 'JWT', kid => $kid, %{ $opt{header} // {} });

    delete $header{$_} for grep { !defined $header{$_} } keys %header;

    return $gw->keep_secret(encode_jwt(
        payload => $opt{payload} // $json->encode($opt{claims} // claims()),
        alg => $opt{alg} // $alg, key => $pk, extra_headers => \%header));
}

sub form {
    my ($assertion, %more) = @_;
    my %form = (grant_type => 'client_credentials',
        client_assertion => $assertion, client_assertion_type => $type,
        %more);

    return join '&', map { "$_=" . ($form{$_}
        =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger) }
        grep { defined $form{$_} } sort keys %form;
}

sub asks {
    my ($assertion, %opt) = @_;

    return $gw->request('POST', $opt{to} // '/token',
        form => form($assertion, %{ $opt{form} // {} }),
        map { exists $opt{$_} ? ($_ => $opt{$_}) : () } qw(basic quiet));
}

$gw->good_is(sub { return asks(assertion(), quiet => 1)->status == 200 });

# what passes

for my $kid (qw(es es384 rs ps)) {
    my $r = asks(assertion(kid => $kid));

    is($r->status, 200, "P8a.5 $keys{$kid}[0]") or diag($r->body);
    is(AGW::Token::claims_of($gw->keep_secret($r->json->{access_token}))
        ->{partner_id}, $id, "P8a.5 $keys{$kid}[0]: its partner");
}

# one assertion, twenty times at the same moment, over all workers

for my $round (1 .. 5) {
    my $form = form(assertion());
    my @clients = map { $gw->connect('TLS') } 1 .. 20;

    $_->send(join "\r\n", 'POST /token HTTP/1.1', 'Host: localhost',
        'Connection: close', 'Content-Type: application/x-www-form-urlencoded',
        'Content-Length: ' . length $form, '', $form) for @clients;

    my %statuses;

    $statuses{ $_->response->status }++ for @clients;

    is_deeply(\%statuses, { 200 => 1, 401 => 19 },
        "P8a.5 twenty at once, one is accepted, round $round");
    $gw->mark;
}

for (['an array of one audience', aud => [$issuer]],
    ['the token endpoint as audience', aud => "$issuer/token"],
    ['an hour ahead', exp => time + 3600], ['without iat', iat => undef],
    ['nbf', nbf => time - 5])
{
    my ($name, @claims) = @$_;

    is(asks(assertion(claims => claims(@claims)))->status, 200,
        "P8a.5 $name");
}

is(asks(assertion(), form => { client_id => $id })->status, 200,
    'P8a.5 with client_id');
is(asks(assertion(header => { typ => undef }))->status, 200,
    'P8a.5 without typ');
is(asks(assertion(), to => '/introspect', form => { token => 'x' })->body,
    '{"active":false}', 'P6.1 it introspects');
is(asks(assertion(), to => '/revoke', form => { token => 'x' })->status, 200,
    'P5.1 it revokes');
is($gw->request('POST', '/token', basic => [$id, $key])->status, 200,
    'P1.1 Basic as before');

# what is refused, in the same bytes

my $bytes;

sub refused {
    my ($name, $assertion, $fault, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $r = asks($assertion, %opt);

    $bytes //= $r->body;
    $gw->refused("P8a.5 $name", $r, 'invalid_client', by => 'basic',
        scope => undef, fault => $fault);
    is($r->body, $bytes, "P8a.5 $name: the same bytes");

    return;
}

my $twice = assertion();

is(asks($twice)->status, 200, 'P8a.5 once');
refused("twice, $_", $twice, 'jti: used before') for 1 .. 6;

{
    my $claims = claims();

    asks(assertion(claims => $claims));
    refused('its jti under another signature', assertion(claims => $claims),
        'jti: used before');
    is(asks(assertion(kid => 'other', claims => { %$claims, iss => $other,
        sub => $other }))->status, 200, 'P8a.5 another partner\'s own jti');
    $gw->nginx->reload;
    $gw->new_workers;
    refused('after a reload', assertion(claims => $claims),
        'jti: used before');
}

for (['expired', 'exp: in the past', exp => time - 1],
    ['more than an hour ahead', 'exp: more than an hour ahead',
        exp => time + 3700],
    ['not valid yet', 'nbf, iat: in the future', nbf => time + 60],
    ['of the future', 'nbf, iat: in the future', iat => time + 60],
    ['for another audience', 'aud: not the issuer', aud => 'https://x'],
    ['for another URL', 'aud: not the issuer', aud => "$issuer/"],
    ['with a second audience', 'aud: not one string, or an array of one',
        aud => [$issuer, 'https://x']],
    ['with a second one first', 'aud: not one string, or an array of one',
        aud => ['https://x', $issuer]],
    ['without audience', 'aud: not one string, or an array of one',
        aud => undef],
    ['without jti', 'jti: missing, or not a string', jti => undef],
    ['an empty jti', 'jti: missing, or not a string', jti => ''],
    ['a number as jti', 'jti: missing, or not a string', jti => 1],
    ['without exp', 'exp: missing, or not an integer', exp => undef],
    ['a string as exp', 'exp: missing, or not an integer', exp => 'soon'],
    ['a real as exp', 'exp: missing, or not an integer',
        exp => time + 60.5],
    ['another sub', 'iss, sub: not both the partner', sub => $other],
    ['without sub', 'iss, sub: not both the partner', sub => undef],
    ['another\'s', 'unknown JWK', iss => $other, sub => $other],
    ['nobody\'s', 'unknown partner', iss => 'nobody', sub => 'nobody'],
    ['a disabled partner\'s', 'disabled partner', iss => $disabled,
        sub => $disabled])
{
    my ($name, $fault, @claims) = @$_;

    refused($name, assertion(claims => claims(@claims)), $fault);
}

# P8.9, P8.10: times that are none, signed as they are

{
    my @wrong = (
        ['a string', '"' . (time + 60) . '"'], ['an empty string', '""'],
        ['true', 'true'], ['false', 'false'], ['null', 'null'],
        ['a real', time + 60 . '.0'], ['with an exponent', '1.7e9'],
        ['negative', -(time + 60)], ['2^53', '9007199254740992'],
        ['an array', '[' . (time + 60) . ']'], ['an object', '{}'],
    );

    for my $claim (qw(exp nbf iat)) {
        my $fault = $claim eq 'exp' ? 'exp: missing, or not an integer'
            : 'nbf, iat: not integers';

        for (@wrong) {
            my ($name, $value) = @$_;
            my $text = $json->encode(claims($claim => undef));

            $text =~ s/\}\z/,"$claim":$value}/;
            refused("P8.9 $claim: $name", assertion(payload => $text),
                $fault);
        }
    }

    my $text = $json->encode(claims(exp => undef));

    refused('P8.9 exp: 2^63', assertion(payload => $text
        =~ s/\}\z/,"exp":9223372036854775808}/r),
        'claims: not a JSON object');
    refused('P8.10 exp: 2^53 - 1', assertion(payload => $text
        =~ s/\}\z/,"exp":9007199254740991}/r),
        'exp: more than an hour ahead');
    refused('P8.10 exp: 0', assertion(claims => claims(exp => 0)),
        'exp: in the past');
    refused('P8.10 nbf, after exp', assertion(claims => claims(
        nbf => time + 3000, exp => time + 60)), 'nbf, iat: in the future');
}

refused('another client_id', assertion(),
    'client_id: not that of the assertion', form => { client_id => $other });
refused('no type', assertion(), 'client_assertion_type: not jwt-bearer',
    form => { client_assertion_type => undef });
refused('another type', assertion(), 'client_assertion_type: not jwt-bearer',
    form => { client_assertion_type => 'urn:x' });

# P8, against assertions

my $none = encode_base64url('{"alg":"none","kid":"es"}') . '.'
    . encode_base64url($json->encode(claims())) . '.';
my $pem = $keys{rs}[1]->export_key_pem('public');

sub hs {
    my ($secret) = @_;
    my $input = encode_base64url('{"alg":"HS256","kid":"rs"}') . '.'
        . encode_base64url($json->encode(claims()));

    return $gw->keep_secret("$input."
        . encode_base64url(hmac_sha256($input, $secret)));
}

my $good = assertion();
my @part = split /\./, $good;
my $bad = $part[2];

substr($bad, 5, 1) = substr($bad, 5, 1) eq 'A' ? 'B' : 'A';

for (['P8.1 none', "$none", 'not a JWS'],
    ['P8.1 none, with a signature', "${none}AA", undef],
    ['P8.2 HS256 with the public key', hs($pem),
        'alg, kid: not those of the key'],
    ['P8.2 HS256 with the JWK', hs($json->encode(public('rs'))),
        'alg, kid: not those of the key'],
    ['P8.2 HS256 with the gateway\'s secret', hs($gw->{secret}),
        'alg, kid: not those of the key'],
    ['P8.2 RS256 under the kid of PS256', assertion(kid => 'ps', by => 'rs'),
        'alg, kid: not those of the key'],
    ['P8.3 a jwk of its own', assertion(by => 'other', header =>
        { jwk => public('other') }), 'wrong signature'],
    ['P8.4 another kid', assertion(by => 'es', header => { kid => 'no' }),
        'unknown JWK'],
    ['P8.4 a kid with a path', assertion(header => { kid => '../es' }),
        'kid: missing, or not that of a key'],
    ['P8.4 a kid with SQL', assertion(header => { kid => "' OR 1=1 --" }),
        'kid: missing, or not that of a key'],
    ['P8.4 no kid', assertion(header => { kid => undef }),
        'kid: missing, or not that of a key'],
    ['P8.5 crit', assertion(header => { crit => ['x'], x => 1 }),
        'not a JWS'],
    ['P8.5 b64', assertion(header => { b64 => JSON::false }), 'not a JWS'],
    ['P8.6 a member twice', assertion(payload => $json->encode(claims())
        =~ s/\}\z/,"jti":"x"}/r), 'claims: not a JSON object'],
    ['P8.7 padding', "$good=", undef], ['P8.7 white space', "$good ", undef],
    ['P8.8 two segments', "$part[0].$part[1]", 'not a JWS'],
    ['P8.8 four segments', "$good.x", 'not a JWS'],
    ['P8.8 none', 'x', 'not a JWS'],
    ['P8.13 DER', "$part[0].$part[1]." . encode_base64url("\x30\x44"
        . 'x' x 68), 'wrong signature'],
    ['P8.13 zeros', "$part[0].$part[1]." . 'A' x 86, 'wrong signature'],
    ['P8.15 too long', 'a' x 7900, 'not a JWS'],
    ['P8.16 NUL', assertion(payload => $json->encode(claims())
        =~ s/\}\z/,"x":"\\u0000"}/r), 'claims: not a JSON object'],
    ['P8.17 another typ', assertion(header => { typ => 'dpop+jwt' }),
        'not a JWS'],
    ['P8.18 one bit', "$part[0].$part[1].$bad", 'wrong signature'],
    ['signed by another\'s key', assertion(by => 'other'),
        'wrong signature'])
{
    my ($name, $assertion, $fault) = @$_;

    $gw->mark;

    my $r = asks($assertion);

    $gw->refused("$name, an assertion", $r, 'invalid_client', by => 'basic',
        scope => undef, (defined $fault ? (fault => $fault) : ()));
    is($r->body, $bytes, "$name, an assertion: the same bytes");
}

is(asks($good)->status, 200, 'P8a.5 the good one is not used by them');

# the scopes that its partner may ask for

is($gw->ask('PATCH', "partners/$id", { scopes => ['reports'] })->status, 200,
    'P11.2 a list of scopes');
is(asks(assertion(), form => { scope => 'reports' })->json->{scope},
    'reports', 'P1.8 one of them');
$gw->refused('P1.8 another', asks(assertion(), form => { scope => 'ledger' }),
    'invalid_scope', by => 'basic', scope => undef);

# one method at a time; and nothing where it is none

for (['Basic', basic => [$id, $key]],
    ['a secret', form => { client_id => $id, client_secret => $key }])
{
    my ($name, @more) = @$_;

    $gw->refused("P8a.5 beside $name", asks(assertion(), @more),
        'invalid_request', by => 'basic', scope => undef);
}

$gw->refused('P8a.5 where it is no method', asks(assertion(),
    to => '/basic'), 'no_credentials', by => 'basic', scope => undef);

# P8.2, P8.14: keys that somebody wrote into the store by hand.  The assertion
# of each is signed by the other half of the very key.

{
    my %pk = map {
        my ($name, $curve, $bytes) = @$_;
        my $pk = $curve ? Crypt::PK::ECC->new : Crypt::PK::RSA->new;

        $pk->generate_key($curve ? $curve : ($bytes, 65537));
        ($name => $pk);
    } ['weak', undef, 128], ['koblitz', 'secp256k1'], ['good', 'secp256r1'],
        ['rsa', undef, 256];
    my $secret = 'k' x 64;
    my $jwk = sub {
        my ($name, $kind, %more) = @_;

        return $json->encode({ $json->decode(
            $pk{$name}->export_key_jwk($kind))->%*, kid => 'hand', %more });
    };
    my $cannot = 'the stored key cannot be used';
    my @hand = (
        ['RSA of 1024 bits', 'weak', 'RS256', $jwk->('weak', 'public',
            alg => 'RS256')],
        ['RSA of 1024 bits, without alg', 'weak', 'RS256',
            $jwk->('weak', 'public')],
        ['RSA with e = 1', 'rsa', 'RS256', $jwk->('rsa', 'public', e => 'AQ')],
        ['a private key', 'good', 'ES256', $jwk->('good', 'private',
            alg => 'ES256')],
        ['a private RSA key', 'rsa', 'RS256', $jwk->('rsa', 'private')],
        ['another curve', 'koblitz', 'ES256', $jwk->('koblitz', 'public')],
        ['a curve that is not its own', 'good', 'ES256',
            $jwk->('good', 'public', crv => 'P-384')],
        ['for encryption', 'good', 'ES256', $jwk->('good', 'public',
            use => 'enc')],
        ['alg none', 'good', 'ES256', $jwk->('good', 'public',
            alg => 'none')],
        ['alg HS256', 'good', 'ES256', $jwk->('good', 'public',
            alg => 'HS256')],
        ['a secret', undef, 'HS256', $json->encode({ kty => 'oct',
            k => encode_base64url($secret), kid => 'hand', alg => 'HS256' })],
        ['a secret without alg', undef, 'HS256', $json->encode({
            kty => 'oct', k => encode_base64url($secret), kid => 'hand' })],
        ['no JSON', 'good', 'ES256', '{no JSON}'],
        ['no key', 'good', 'ES256', '{}'],
        ['no point', 'good', 'ES256', $jwk->('good', 'public', y => 'AA')],
        ['a member twice', 'good', 'ES256', $jwk->('good', 'public')
            =~ s/\}\z/,"kty":"EC"}/r],

        # SQLite checks that itself

        $gw->store->can('redis') ? ['too long', 'good', 'ES256',
            $jwk->('good', 'public', x5c => ['x' x 3000])] : (),
    );
    my $write = sub {
        my ($text) = @_;

        return $gw->store->redis->call('HSET', "{agw}:jwks:$id", 'hand',
            $text) if $gw->store->can('redis');

        return $gw->store->sql('INSERT OR REPLACE INTO jwks'
            . " (partner_id, kid, jwk) VALUES ('$id', 'hand', '$text');");
    };
    my $signed = sub {
        my ($name, $alg) = @_;

        return $gw->keep_secret(encode_jwt(payload => $json->encode(claims()),
            alg => $alg, key => defined $name ? $pk{$name} : $secret,
            extra_headers => { typ => 'JWT', kid => 'hand' }));
    };

    for (@hand) {
        my ($name, $by, $alg, $text) = @$_;

        $write->($text);

        my $shown = $gw->ask('GET', "partners/$id/jwks");

        is($shown->status, 200, "P11.2 written by hand: $name, is listed");
        unlike($shown->body,
            qr/"(?:d|p|q|dp|dq|qi|k)":/,
            "P11.1 written by hand: $name, no secret is shown");
        refused("P8.14 written by hand: $name", $signed->($by, $alg),
            $cannot);
    }

    my @said = grep { /JWK "hand" of partner "\Q$id\E" cannot be used/ }
        split /\n/, slurp($gw->nginx->error_log);

    cmp_ok(scalar @said, '>=', 1, 'D7 the operator is told of such a key');
    cmp_ok(scalar @said, '<', @hand, 'D7 once a minute by each worker');
    like($said[0], qr/\[error\]/, 'D7 as an error');

    $write->($jwk->('good', 'public', kid => 'foot'));
    refused('P8.4 written by hand: another kid', $signed->('good', 'ES256'),
        'alg, kid: not those of the key');
    $write->($jwk->('good', 'public'));
    is(asks($signed->('good', 'ES256'))->status, 200,
        'P8a.5 written by hand: a good one');
}

# what the store says counts from the next one on

is($gw->ask('DELETE', "partners/$id/jwks/rs")->status, 204,
    'P11.2 a key is deleted');
refused('of a key that is gone', assertion(kid => 'rs'), 'unknown JWK');

# P7.2

{
    my $said = $gw->request('GET',
        '/.well-known/oauth-authorization-server')->json;
    my $algs = [qw(RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA
        Ed25519)];

    is_deeply($said->{token_endpoint_auth_methods_supported},
        [qw(client_secret_basic client_secret_post private_key_jwt
            self_signed_tls_client_auth)], 'P7.2 the methods');
    is_deeply($said->{"${_}_endpoint_auth_signing_alg_values_supported"},
        $algs, "P7.2 the algorithms of $_") for qw(token revocation);
    ok(!exists $said->{introspection_endpoint_auth_signing_alg_values_supported},
        'P7.2 of those that there are');
}

$gw->finish;
