# P8.4, D4: tokens that name no key of ours, beside our own keys: those
# of an issuer that sets no kid, and those whose kid is not in its JWK Set.
# The story: "Move from another issuer" of conf/README.md, word for word,
# refused every token of an issuer that sets no kid.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(slurp spew);
use AGW::Gateway;
use AGW::Keys qw(jwk_set);
use AGW::Token qw(claims_for);

# the lines of conf/README.md, whose files are in the prefix

my ($recipe) = slurp("$FindBin::Bin/../conf/README.md")
    =~ /^## Move from another issuer\n.*?^```nginx\nhttp \{\n(.*?)^\}/ms;

like($recipe, qr/verify issuer=/, 'D4 conf/README.md has the recipe');
$recipe =~ s{/etc/nginx/}{%%PREFIX%%/}g;

my ($theirs) = $recipe =~ /issuer=([^;\s]+)/;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
RECIPE
    auth_gateway_business_path /v1/businesses/<business_id>;
    auth_gateway_require business;
    auth_gateway_audience the-api;

    server {
        listen 127.0.0.1:%%TLS%% ssl;

        auth_gateway_issuer https://api.example;

        location = /token { auth_gateway_token partner; }
        location = /introspect { auth_gateway_introspect; }

        location /business/ {
            auth_gateway_business_path /business/<business_id>;
            auth_gateway_token business;
        }

        location /v1/businesses/ {
            proxy_set_header X-Kid $auth_gateway_key_id;
            proxy_set_header X-Iss $auth_gateway_claim_iss;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # in the middle of a rotation, with two keys of ours and six of theirs

    server {
        listen 127.0.0.1:%%TLS2%% ssl;

        auth_gateway_issuer https://api.example;
        auth_gateway_key %%PREFIX%%/auth_gateway.pem;
        auth_gateway_key %%PREFIX%%/next.pem verify;
        auth_gateway_key %%PREFIX%%/many.jwks verify issuer=urn:many;

        location /v1/businesses/ {
            proxy_set_header X-Kid $auth_gateway_key_id;
            proxy_set_header X-Iss $auth_gateway_claim_iss;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my %keys = (ours => AGW::Keys->new('ES256'), next => AGW::Keys->new('ES256'),
    rsa => AGW::Keys->new('RS256'), ec => AGW::Keys->new('ES256'),
    other => AGW::Keys->new('RS256'), forger => AGW::Keys->new('ES256'));
my @many = map { AGW::Keys->new('ES256') } 1 .. 4;

my $gw = AGW::Gateway->start($conf =~ s/^RECIPE\n/$recipe/mr, before => sub {
    spew("$_[0]/auth_gateway.pem", $keys{ours}->form('PKCS#8'), 0600);
    spew("$_[0]/next.pem", $keys{next}->form('PKCS#8'), 0600);
    spew("$_[0]/old-issuer.jwks", jwk_set($keys{rsa}->jwk(use => 'sig'),
        $keys{ec}->jwk(kid => 'has-one')), 0644);
    spew("$_[0]/many.jwks", jwk_set(map { $_->jwk } @many), 0644);
});
my $partner = $gw->partner;
my $business = $gw->business($partner);
my %who = (partner_id => $partner->{id}, business_id => $business);


# without a kid, but for what is said

sub token {
    my ($key, %opt) = @_;

    my $claims = delete $opt{claims} // {};

    return $gw->keep_secret($key->mint(%who, claims => { aud => 'the-api',
        iss => $key == $keys{ours} || $key == $keys{next}
            ? 'https://api.example' : $theirs, %$claims }, %opt));
}


sub get {
    my ($token, %opt) = @_;

    return $gw->request($opt{method} // 'GET',
        $opt{path} // "/v1/businesses/$business/x", bearer => $token, %opt);
}


# by which key it was allowed, twice: the second time by what is remembered

sub allows {
    my ($name, $token, $key, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $claims = AGW::Token::claims_of($token);

    for my $time ('', ', once more') {
        my $status = get($token, %opt)->status;
        my ($seen) = $gw->upstream_saw;

        is("$status @{[ map { $seen->{headers}{$_}[0] // 'none' }
            qw(x-kid x-iss) ]}", '200 ' . ($opt{kid} // $key->thumbprint)
            . " $claims->{iss}", "$name$time");
    }

    return;
}


sub refuses {
    my ($name, $token, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    # what was refused is not remembered as anything else

    for my $time ('', ', once more') {
        $gw->refused("$name$time", get($token, map { $_ => $opt{$_} }
            grep { defined $opt{$_} } qw(path port method)), $reason, %opt,
            method => undef);
    }

    return;
}


my $good = token($keys{ours}, kid => $keys{ours}->thumbprint);

$gw->good_is(sub { return get($good, quiet => 1)->status == 200 });

# each key, without a kid

allows('D4 our token', $good, $keys{ours});
allows('D4 ours, no kid', token($keys{ours}), $keys{ours});
allows('D4 theirs, no kid, the only key of the alg', token($keys{rsa}),
    $keys{rsa});
allows('D4 theirs, no kid, the second key of the alg', token($keys{ec}),
    $keys{ec}, kid => 'has-one');
allows('D4 theirs, no kid and no typ', token($keys{ec},
    header => { typ => undef }), $keys{ec}, kid => 'has-one');

# the issuer is the key's, whatever a token says of itself

for (['ours', 'https://api.example', qw(rsa ec)], ['theirs', $theirs,
    'ours'], ['none', undef, qw(ours rsa ec)])
{
    my ($name, $iss, @by) = @$_;

    refuses("P8.11 no kid, iss $name, signed by $_", token($keys{$_},
        claims => { iss => $iss }), 'wrong_issuer',
        partner => $partner->{id}) for @by;
}

refuses('P8.12 theirs, no kid, a partner token', token($keys{rsa},
    business_id => undef), 'wrong_kind', partner => $partner->{id},
    kid => $keys{rsa}->thumbprint);
refuses('P8.12 theirs, no kid, to mint with', token($keys{rsa}),
    'wrong_kind', path => "/business/$business", method => 'POST',
    scope => undef);
refuses('P8.10 theirs, no kid, expired', token($keys{rsa}, claims => {
    iat => time - 600, exp => time - 1 }), 'expired',
    kid => $keys{rsa}->thumbprint, partner => $partner->{id});
refuses('D4 theirs, no kid, another business', token($keys{ec},
    business_id => 'b-2'), 'wrong_business', kid => 'has-one',
    partner => $partner->{id});
is(get(token($keys{ours}, business_id => undef), path =>
    "/business/$business", method => 'POST')->status, 200,
    'D4 ours, no kid, to mint with');

# no key

my %nobody = (kid => undef, partner => undef);

refuses('P8.4 no kid, of no key, one of the alg', token($keys{other}),
    'bad_signature', partner => undef);
refuses('P8.4 no kid, of no key, two of the alg', token($keys{forger}),
    'bad_signature', %nobody);
refuses("P8.4 no kid, alg $_", $keys{rsa}->mint_raw(header => { alg => $_ },
    payload => claims_for(%who)), 'unknown_key', %nobody)
    for 'none', 'RS384', 'PS256', 'HS256', 'EdDSA', '';
refuses('P8.2 no kid, a MAC with their public key', $gw->mint_raw(
    header => { alg => 'HS256' }, payload => claims_for(%who),
    secret => $keys{rsa}->form('public, SPKI')), 'unknown_key', %nobody);
refuses('P8.3 no kid, the forger\'s key within', $keys{forger}->mint_raw(
    header => { alg => 'ES256', jwk => $keys{forger}->jwk },
    payload => claims_for(%who)), 'bad_signature', %nobody);

# a kid that no key has: their RSA key has none, and is the only one

allows('D4 theirs, another kid', token($keys{rsa}, kid => 'k-2024'),
    $keys{rsa});
allows('D4 theirs, an empty kid', token($keys{rsa}, kid => ''), $keys{rsa});
allows('D4 theirs, the thumbprint as kid', token($keys{rsa},
    kid => $keys{rsa}->thumbprint), $keys{rsa});
refuses('D4 another kid, another key', token($keys{other}, kid => 'k-2024'),
    'bad_signature', partner => undef);
refuses('P8.11 theirs, another kid, our iss', token($keys{rsa},
    kid => 'k-2024', claims => { iss => 'https://api.example' }),
    'wrong_issuer');
refuses('P8.4 another kid, their key that has one', token($keys{ec},
    kid => 'k-2024'), 'unknown_key', %nobody);
refuses('P8.4 another kid, our key, which is no JWK', token($keys{ours},
    kid => 'k-2024'), 'unknown_key', %nobody);
refuses('P8.4 their kid, our signature', token($keys{ours},
    kid => 'has-one'), 'bad_signature', kid => 'has-one', partner => undef);

# of many keys, four are tried: our two, and the first two of theirs

{
    my %there = (port => 'TLS2');
    my %many = (claims => { iss => 'urn:many' });

    allows('D4 many keys, ours, no kid', token($keys{ours}), $keys{ours},
        %there);
    allows('D4 many keys, our next, no kid', token($keys{next}),
        $keys{next}, %there);
    allows("D4 many keys, theirs, no kid, the $_->[0]", token($many[$_->[1]],
        %many), $many[$_->[1]], %there) for ['third', 0], ['fourth', 1];
    refuses("D4 many keys, theirs, no kid, the $_->[0]",
        token($many[$_->[1]], %many), 'bad_signature', %there, %nobody)
        for ['fifth', 2], ['sixth', 3];
    allows('D4 many keys, theirs, the sixth by its kid', token($many[3],
        %many, kid => $many[3]->thumbprint), $many[3], %there);
    refuses('P8.4 many keys, another kid', token($many[0], %many,
        kid => 'k-2024'), 'unknown_key', %there, %nobody);
}

# an endpoint that takes a token as a parameter finds its key likewise

{
    my $answer = $gw->request('POST', '/introspect', basic =>
        [@$partner{qw(id key)}], form => 'token=' . token($keys{ours}));

    ok($answer->json->{active}, 'D4 introspection of a token without a kid');
}

$gw->finish;
