# D4: keys as libraries make them, taken as they are: JWK by jose and
# Authlib, PEM by cryptography, and a JWK Set of their public halves.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Crypt::JWT qw(decode_jwt);
use JSON ();
use Test::More;

use AGW::Clients qw(run_checks);
use AGW::Files qw(make_prefix slurp spew);
use AGW::Gateway;
use AGW::Token qw(header_of);

my $server = <<'CONF';
    server {
        listen 127.0.0.1:%%PORT%% ssl http2;

        %%KEYS%%

        location = /token { auth_gateway_token partner; }

        location /partner {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
CONF

# what each is to make: its name, algorithm and form

my %makers = (
    'make_keys.mjs' => [
        map { ["jose_$_", $_, 'jwk'] }
            qw(HS512 RS256 PS384 ES256 ES384 EdDSA),
    ],
    'make_keys.py' => [
        (map { ["authlib_$_", $_, 'jwk'] } qw(RS512 ES256 ES384 EdDSA)),
        (map { ["pkcs8_$_", $_, 'pkcs8'] } qw(PS256 ES384 EdDSA)),
        (map { ["traditional_$_", $_, 'traditional'] } qw(RS256 ES256)),
    ],
);

my $dir = make_prefix();
my $json = JSON->new->utf8;
my @keys;

for my $script (sort keys %makers) {
    my @wanted = map { {
        name => $_->[0], alg => $_->[1], form => $_->[2],
        file => "$dir/$_->[0].key", jwk => "$dir/$_->[0].jwk",
    } } @{ $makers{$script} };

    push @keys, @wanted
        if run_checks("$dir", $script, { keys => \@wanted });
}

$_->{key} = $json->decode(slurp($_->{jwk})) for @keys;

if (!@keys) {
    done_testing();
    exit;
}

# The public ones in one set.  A JWK says its algorithm, a PEM can't.

my @pairs = grep { $_->{key}{kty} ne 'oct' } @keys;

spew("$dir/set.json", $json->encode({ keys => [map {
    my %public = %{ $_->{key} };

    delete @public{qw(d p q dp dq qi)};
    \%public;
} @pairs] }));

sub server {
    my ($port, @lines) = @_;

    my %names = (
        PORT => "%%$port%%", KEYS => join "\n        ", @lines,
    );

    return $server =~ s/%%(PORT|KEYS)%%/$names{$1}/gr;
}

sub directive {
    my ($key) = @_;

    return "auth_gateway_key $key->{file}"
        . ($key->{form} eq 'jwk' ? ';' : " alg=$key->{alg};");
}

my $gw = AGW::Gateway->start(join '',
    "http {\n    auth_gateway_store %%ENGINE%%;\n\n",
    (map { server("TLS$_", directive($keys[$_])) } 0 .. $#keys),
    server('TLS', 'auth_gateway_key %%PREFIX%%/secret.key alg=HS256;',
        "auth_gateway_key $dir/set.json verify;"),
    "}\n");

my $partner = $gw->partner;

for my $i (0 .. $#keys) {
    my ($name, $alg, $key) = @{ $keys[$i] }{qw(name alg key)};
    my $token = $gw->request('POST', '/token', port => "TLS$i",
        basic => [@$partner{qw(id key)}], body => '')->json->{access_token};

    $gw->keep_secret($token);

    is_deeply([@{ header_of($token) }{qw(alg kid)}], [$alg, $key->{kid}],
        "D4 $name: the token names algorithm and key");
    is(eval { decode_jwt(token => $token, key => $key,
            accepted_alg => $alg)->{partner_id} }, $partner->{id},
        "D4 $name: whoever made the key verifies it") or diag($@);
}

for my $pair (@pairs) {
    my $token = $gw->mint(secret => $pair->{key}, alg => $pair->{alg},
        kid => $pair->{key}{kid}, partner_id => $partner->{id});

    is($gw->request('GET', '/partner', bearer => $token)->status, 200,
        "D4 $pair->{name}: verified by its public half in a JWK Set")
        or diag($gw->log_text);
}

$gw->finish;
