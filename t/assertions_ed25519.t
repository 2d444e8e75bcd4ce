# P8a.5: assertions of Ed25519 keys, whose algorithm has two names, EdDSA and
# Ed25519 (RFC 9864): a stored key that names one takes that one, and a key that
# names none takes either.

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
        listen 127.0.0.1:%%TLS%% ssl;

        location /admin/ { auth_gateway_admin write %%UID%%; }
        location = /token { auth_gateway_token partner; }
    }
}
CONF

my $gw = AGW::Admin->start(conf => $conf);
my $id = $gw->partner->{id};
my $key = AGW::Keys->new('EdDSA');
my $other = AGW::Keys->new('EdDSA');

$gw->keep_secret($_->jwk(private => 1)->{d}) for $key, $other;

sub asks {
    my ($kid, $alg, %opt) = @_;
    my $assertion = $gw->keep_secret(($opt{by} // $key)->mint_raw(
        header => { alg => $alg, kid => $kid, typ => 'JWT' },
        payload => { iss => $id, sub => $id, aud => $issuer,
            jti => random_id(), exp => time + 60 }));

    return $gw->request('POST', '/token', form => join('&',
        "client_assertion=$assertion", 'client_assertion_type='
        . 'urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer'),
        map { exists $opt{$_} ? ($_ => $opt{$_}) : () } 'quiet');
}

# kid => the algorithm that the JWK names

my %named = (eddsa => 'EdDSA', ed25519 => 'Ed25519', either => undef);

$gw->good_is(sub {
    return asks('eddsa', 'EdDSA', quiet => 1)->status == 200;
});

for my $kid (sort keys %named) {
    my %alg = defined $named{$kid} ? (alg => $named{$kid}) : ();
    my $kept = $key->jwk(kid => $kid, use => 'sig', %alg);

    is($gw->ask('POST', "partners/$id/jwks",
        { jwk => $key->jwk(kid => $kid, %alg) })->status, 201,
        "P11.2 $kid is added");
    is_deeply($gw->ask('GET', "partners/$id/jwks/$kid")->json->{jwk}, $kept,
        "P11.2 $kid is shown with the name that it was added with");
}

my $bytes;

for my $kid (sort keys %named) {
    for my $alg (qw(EdDSA Ed25519)) {
        my $name = "P8a.5 $kid, an assertion with $alg";
        my $r = asks($kid, $alg);

        if (($named{$kid} // $alg) eq $alg) {
            is($r->status, 200, $name) or diag($r->body);
            $gw->refused("$name of another key",
                asks($kid, $alg, by => $other), 'invalid_client',
                by => 'basic', scope => undef, fault => 'wrong signature');
            next;
        }

        $gw->refused($name, $r, 'invalid_client', by => 'basic',
            scope => undef, fault => 'alg, kid: not those of the key');
        is($r->body, $bytes //= $r->body, "$name, the same bytes");
    }

    for my $alg ('', 'none', 'eddsa', 'ed25519', 'Ed448', 'ES256', 'HS256') {
        $gw->refused("P8.1 $kid, an assertion with \"$alg\"",
            asks($kid, $alg), 'invalid_client', by => 'basic',
            scope => undef, fault => 'alg, kid: not those of the key');
    }
}

# what an export has of them is what an import makes of it

{
    my ($line) = grep { /"either"/ }
        split /\n/, $gw->ask('GET', 'export')->body;

    is($gw->ask('DELETE', "partners/$id/jwks/either")->status, 204,
        'P11.2 it is deleted');
    $gw->refused('P8a.5 and unknown', asks('either', 'EdDSA'),
        'invalid_client', by => 'basic', scope => undef,
        fault => 'unknown JWK');
    is($gw->ask('POST', 'import', "$line\n",
        type => 'application/x-ndjson')->status, 200,
        'P11.5 and imported');
    is(asks('either', $_)->status, 200, "P8a.5 which takes $_")
        for 'EdDSA', 'Ed25519';
}

$gw->finish;
