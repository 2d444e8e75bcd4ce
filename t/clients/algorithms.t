# P7.1 and P10: under every algorithm, JOSE libraries verify what the
# gateway issues, by its JWKS or the secret, and the gateway takes what they
# mint with the same key.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use AGW::Clients qw(run_checks);
use AGW::Files qw(random_hex spew);
use AGW::Gateway;
use AGW::Token qw(claims_of header_of);

# A server for each algorithm has one key.  The last has all of them: it
# signs with the first, and the others are there to verify.  A server of
# secrets alone has nothing to publish.

my $server = <<'CONF';
    server {
        listen 127.0.0.1:%%PORT%% ssl http2;

        %%KEYS%%
        auth_gateway_issuer https://127.0.0.1:%%PORT%%;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        %%JWKS%%

        location = /oauth2/token { auth_gateway_token partner; }

        location ~ ^/businesses/[^/]+/token$ {
            auth_gateway_token business;
            auth_gateway_business_path /businesses/<business_id>/token;
        }

        location /v1/businesses/ {
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/partner {
            auth_gateway_require partner;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
CONF

my $jwks = 'location = /jwks.json { auth_gateway_jwks; }';
my $audience = 'accounting-api';

my %rsa = map { $_ => '-algorithm RSA -pkeyopt rsa_keygen_bits:2048' }
    map { ("RS$_", "PS$_") } 256, 384, 512;
my %genpkey = (
    %rsa,
    ES256 => '-algorithm EC -pkeyopt ec_paramgen_curve:P-256',
    ES384 => '-algorithm EC -pkeyopt ec_paramgen_curve:P-384',
    EdDSA => '-algorithm ED25519', Ed25519 => '-algorithm ED25519',
);
my @secrets = qw(HS256 HS384 HS512);
my @algorithms = (sort(keys %genpkey), @secrets);

sub server {
    my ($port, $jwks, @keys) = @_;

    my %names = (
        PORT => "%%$port%%", JWKS => $jwks,
        KEYS => join "\n        ", map { "auth_gateway_key $_;" } @keys,
    );

    return $server =~ s/%%(PORT|JWKS|KEYS)%%/$names{$1}/gr;
}

my %key = map { $_ => "%%PREFIX%%/$_.key alg=$_" } @algorithms;
my %port = map { $algorithms[$_] => "TLS$_" } 0 .. $#algorithms;
my ($signs, @verify) = @algorithms;

my $gw = AGW::Gateway->start(join('', "http {\n",
    "    auth_gateway_store %%ENGINE%%;\n",
    "    auth_gateway_audience $audience;\n\n",
    (map { server($port{$_}, $genpkey{$_} ? $jwks : '', $key{$_}) }
        @algorithms),
    server('TLS', $jwks, $key{$signs}, map { "$key{$_} verify" } @verify),
    "}\n",
), before => sub {
    my ($prefix) = @_;

    for (sort keys %genpkey) {
        my $said = `openssl genpkey $genpkey{$_} -out $prefix/$_.key 2>&1`;

        die "openssl: $said" if $? != 0;
    }

    spew("$prefix/$_.key", random_hex(64), 0600) for @secrets;
});

my $prefix = $gw->prefix;
my $partner = $gw->partner;
my $business = $gw->business($partner);
my $other = $gw->business($gw->partner);

# what the gateway issues and takes back, before anybody else looks at it

sub issued {
    my ($alg, $port) = @_;

    my %calls = (port => $port, quiet => 1);
    my $first = $gw->request('POST', '/oauth2/token', %calls,
        basic => [@$partner{qw(id key)}], body => '')->json->{access_token};
    my $second = $gw->request('POST', "/businesses/$business/token", %calls,
        bearer => $first, body => '')->json->{access_token};

    $gw->keep_secret($_) for $first, $second;

    is_deeply([map { @{ header_of($_) }{qw(alg typ)} } $first, $second],
        [($alg, 'JWT') x 2], "D4 $alg: both tokens say so");
    is($gw->request('GET', '/v1/partner', %calls, bearer => $first)->status,
        200, "D4 $alg: the partner token is accepted");
    is($gw->request('GET', "/v1/businesses/$business/x", %calls,
        bearer => $second)->status, 200,
        "D4 $alg: the business token is accepted");

    return ($first, $second);
}

my @servers;

for my $alg (@algorithms) {
    my $port = $gw->nginx->port($port{$alg});
    my ($first, $second) = issued($alg, $port{$alg});

    push @servers, {
        alg => $alg, key => "$prefix/$alg.key",
        kid => header_of($first)->{kid},
        secret => $genpkey{$alg} ? JSON::false : JSON::true,
        base => "https://127.0.0.1:$port",
        partner => { token => $first, claims => claims_of($first) },
        business => { token => $second, claims => claims_of($second) },
    };
}

issued($signs, 'TLS');

# Each mints three tokens under each algorithm, and shows them at two servers
# or more: the one of the algorithm, and the one of all keys.  Python's have no
# Ed25519 by this name (RFC 9864).

for my $script (qw(jose.mjs pyjwt.py authlib_jose.py)) {
    my @known = grep { $script =~ /mjs/ || $_->{alg} ne 'Ed25519' } @servers;

    $gw->mark;

    run_checks($gw->prefix, $script, {
        servers => \@known,
        all => 'https://127.0.0.1:' . $gw->nginx->port('TLS'),
        audience => $audience, business => $business, other => $other,
    }) or next;

    my %reasons;

    $reasons{ $_->{reason} // $_->{line} }++ for $gw->refusals;

    is_deeply(\%reasons, {
        bad_signature => scalar @known, wrong_business => scalar @known,
    }, "P4.2 $script: refused for these reasons and no other");
    is(scalar(grep { $_->{target} ne "/v1/businesses/$business/x" }
        $gw->upstream_saw), 0, "P4.2 $script: and stopped in nginx");
}

$gw->finish;
