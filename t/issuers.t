# P8.12, P8.17, D4: keys of other issuers.  What they sign opens the
# resources of a business and nothing else, and carries their iss; what we
# sign never does.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Keys qw(jwk_set);
use AGW::Token qw(claims_for header_of);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/ours.pem kid=ours;
    auth_gateway_key %%PREFIX%%/old.jwks verify issuer=https://old.example;
    auth_gateway_key %%PREFIX%%/ed.pem kid=ed verify issuer=urn:two;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=hs verify issuer=urn:two;
    auth_gateway_business_path /v1/businesses/<business_id>;
    auth_gateway_require business;

    # with an issuer of our own, and an audience

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_issuer https://api.example;
        auth_gateway_audience the-api;

        location = /token { auth_gateway_token partner; }
        location = /jwks { auth_gateway_jwks; }
        location = /jwks-too { auth_gateway_jwks; }

        location /business/ {
            auth_gateway_business_path /business/<business_id>;
            auth_gateway_token business;
        }

        location /v1/businesses/ {
            proxy_set_header X-Identity "$auth_gateway_partner_id
 $auth_gateway_business_id $auth_gateway_scope $auth_gateway_token_id
 $auth_gateway_token_kind $auth_gateway_key_id $auth_gateway_expires
 $auth_gateway_claim_iss $auth_gateway_result";
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/businesses/b-1/reports {
            auth_gateway_scope reports;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /partners {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # with neither

    server {
        listen 127.0.0.1:%%TLS2%% ssl http2;

        location = /token { auth_gateway_token partner; }
        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # with the only key another issuer's

    server {
        listen 127.0.0.1:%%TLS3%% ssl http2;

        auth_gateway_key %%PREFIX%%/ed.pem verify issuer=urn:two;
        auth_gateway_issuer https://api.example;

        location = /jwks { auth_gateway_jwks; }
        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my %keys = (ours => AGW::Keys->new('ES256'), rsa => AGW::Keys->new('RS256'),
    ec => AGW::Keys->new('ES384'), ed => AGW::Keys->new('EdDSA'));
my $gw = AGW::Gateway->start($conf =~ s/\n (?=\$)/ /gr, before => sub {
    spew("$_[0]/ours.pem", $keys{ours}->form('PKCS#8'), 0600);
    spew("$_[0]/ed.pem", $keys{ed}->form('public, SPKI'), 0644);
    spew("$_[0]/old.jwks", jwk_set($keys{rsa}->jwk(kid => 'old-1',
        use => 'sig', alg => 'PS256'), $keys{ec}->jwk(kid => 'old-2')),
        0644);
});

$keys{rsa} = $keys{rsa}->as('PS256');
$keys{hs} = AGW::Keys->new('HS256');
$keys{hs}{secret} = $gw->{secret};

my %kids = (ours => 'ours', rsa => 'old-1', ec => 'old-2', ed => 'ed',
    hs => 'hs');
my %issuers = (ours => 'https://api.example', ed => 'urn:two',
    hs => 'urn:two', map { $_ => 'https://old.example' } qw(rsa ec));
my @theirs = qw(rsa ec ed hs);
my $partner = $gw->partner;
my $business = $gw->business($partner);
my %who = (partner_id => $partner->{id}, business_id => $business);


# a token by one of the keys, good but for what is said

sub token {
    my ($name, %opt) = @_;

    my $claims = delete $opt{claims} // {};

    return $gw->keep_secret($keys{$name}->mint(kid => $kids{$name}, %who,
        claims => { iss => $issuers{$name}, aud => 'the-api', %$claims },
        %opt));
}


sub partner_token {
    my ($name, %claims) = @_;

    return token($name, business_id => undef, claims => \%claims);
}


sub get {
    my ($token, %opt) = @_;

    return $gw->request($opt{method} // 'GET',
        $opt{path} // "/v1/businesses/$business/x", bearer => $token, %opt);
}


sub refuses {
    my ($name, $token, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return $gw->refused($name, get($token, map { $_ => $opt{$_} }
        grep { defined $opt{$_} } qw(path port method)), $reason,
        %opt, method => undef);
}


my $good = token('rsa');

$gw->good_is(sub { return get($good, quiet => 1)->status == 200 });

# what they may: a business

for my $name ('ours', @theirs) {
    my $token = token($name, claims => { jti => 'jti-1' });
    my $exp = AGW::Token::claims_of($token)->{exp};

    is(get($token)->status, 200, "D4 $name, a business token");

    my ($seen) = $gw->upstream_saw;

    is($seen && $seen->{headers}{'x-identity'}[0], join(' ',
        $partner->{id}, $business, 'business_access', 'jti-1', 'business',
        $kids{$name}, $exp, $issuers{$name}, 'ok'), "D4 $name, identity");
    refuses("D4 $name, another business", token($name,
        business_id => 'b-2'), 'wrong_business', kid => $kids{$name},
        partner => $partner->{id});
    refuses("D4 $name, without the scope", token($name,
        claims => { scope => 'other' }), 'insufficient_scope',
        kid => $kids{$name});
    refuses("D4 $name, another scope", token($name, business_id => 'b-1'),
        'insufficient_scope', path => '/v1/businesses/b-1/reports',
        scope => 'reports');
    is(get(token($name, business_id => 'b-1', claims => {
        scope => 'reports' }), path => '/v1/businesses/b-1/reports')
        ->status, 200, "D4 $name, that scope");
    refuses("P8.10 $name, expired", token($name, claims => {
        iat => time - 600, exp => time - 1 }), 'expired',
        kid => $kids{$name});
    refuses("P8.10 $name, life over max_lifetime", token($name,
        claims => { exp => time + 86500 }), 'lifetime_exceeded');
    refuses("P8.9 $name, without jti", token($name,
        claims => { jti => undef }), 'malformed_claims');
}

# P8.17

for my $name ('ours', @theirs) {
    is(get(token($name, header => { typ => $_ }))->status, 200,
        "P8.17 typ $_, $name") for qw(jwt JWT at+jwt AT+JWT at+JWT
        application/jwt application/at+jwt Application/AT+JWT);

    is(get(token($name, header => { typ => undef }))->status, 200,
        "P8.17 no typ, $name");
    refuses("P8.17 typ $_, $name", token($name, header => { typ => $_ }),
        'malformed_token') for 'at+jwt ', 'application/', 'text/jwt',
        'application/jwt;x=1', 'id_token', 'dpop+jwt', '',
        'application/application/at+jwt';
}

refuses('P8.17 typ at+jwt with an unknown kid', token('rsa', kid => 'x',
    header => { typ => 'at+jwt' }), 'unknown_key');
refuses('P8.17 typ at+jwt, our kid, their signature', token('ec',
    kid => 'ours', header => { typ => 'at+jwt' }), 'algorithm_mismatch');

# P8.12: what they may not

for my $name (@theirs) {
    my %log = (kid => $kids{$name}, partner => $partner->{id});

    refuses("P8.12 $name, a partner token for a business",
        partner_token($name), 'wrong_kind', %log);
    refuses("P8.12 $name, a partner token for partners",
        partner_token($name), 'wrong_kind', %log, path => '/partners',
        scope => undef);
    refuses("P8.12 $name, a business token for partners", token($name),
        'wrong_kind', %log, path => '/partners', scope => undef);

    for (['partner', partner_token($name)], ['business', token($name)]) {
        refuses("P8.12 $name, a $_->[0] token to mint with", $_->[1],
            'wrong_kind', %log, path => "/business/$business",
            method => 'POST', scope => undef);
    }

    $gw->refused("P8.12 $name, for a partner token", get(
        partner_token($name), path => '/token', method => 'POST'),
        'no_credentials', by => 'basic', also => ['malformed_credentials',
            'invalid_client']);
}

is(get(partner_token('ours'), path => '/partners')->status, 200,
    'P8.12 our partner token for partners');
is(get(partner_token('ours'), path => "/business/$business",
    method => 'POST')->status, 200, 'P8.12 our partner token to mint with');

# P8.11: whose iss, under whose key

for my $name ('ours', @theirs) {
    my %log = (kid => $kids{$name}, partner => $partner->{id});

    for my $iss (undef, 'https://api.example', 'https://old.example',
        'urn:two', 'urn:three', "$issuers{$name}/", uc $issuers{$name}, '')
    {
        next if ($iss // '') eq $issuers{$name};

        my $said = $iss // 'none';

        refuses("P8.11 $name, iss $said", token($name,
            claims => { iss => $iss }), 'wrong_issuer', %log);
        refuses("P8.11 $name, iss $said, for partners", partner_token(
            $name, iss => $iss), 'wrong_issuer', %log,
            path => '/partners', scope => undef);
    }

    for my $aud (undef, 'other', ['other']) {
        refuses("P8.11 $name, aud " . (ref $aud ? 'a list' : $aud
            // 'none'), token($name, claims => { aud => $aud }),
            'wrong_audience', %log);
    }

    is(get(token($name, claims => { aud => ['other', 'the-api'] }))
        ->status, 200, "P8.11 $name, ours among the aud");
}

# where we have no issuer, ours is not compared, and is nobody else's either

{
    my %there = (port => 'TLS2');

    for my $name (@theirs) {
        is(get(token($name), %there)->status, 200,
            "P8.11 no issuer of our own, $name");

        for my $iss (undef, 'https://api.example', 'urn:three') {
            refuses("P8.11 no issuer of our own, $name, iss "
                . ($iss // 'none'), token($name, claims => {
                iss => $iss }), 'wrong_issuer', %there,
                kid => $kids{$name});
        }
    }

    for my $iss (undef, 'https://api.example', 'urn:three') {
        is(get(token('ours', claims => { iss => $iss }), %there)->status,
            200, 'P8.11 no issuer of our own, iss ' . ($iss // 'none'));
    }

    for my $iss ('https://old.example', 'urn:two') {
        refuses("P8.11 no issuer of our own, our key, iss $iss",
            token('ours', claims => { iss => $iss }), 'wrong_issuer',
            %there, kid => 'ours', partner => $partner->{id});
    }
}

# one issuer's kid, another's signature

for my $name (@theirs) {
    for my $other (grep { $_ ne $name } 'ours', @theirs) {
        refuses("P8.4 the kid of $other, signed by $name", token($name,
            kid => $kids{$other}, claims => { iss => $issuers{$other} }),
            'algorithm_mismatch', kid => $kids{$other}, partner => undef);
        refuses("P8.4 kid and alg of $other, signed by $name",
            $keys{$name}->mint_raw(header => { typ => 'JWT',
                alg => $keys{$other}->alg, kid => $kids{$other} },
                payload => claims_for(%who, claims => {
                    iss => $issuers{$other}, aud => 'the-api' })),
            'bad_signature', kid => $kids{$other}, partner => undef);
    }
}

# they sign nothing of ours, and are not published

{
    my $token = $gw->request('POST', '/token',
        basic => [@$partner{qw(id key)}])->json->{access_token};

    is(header_of($token)->{kid}, 'ours', 'D4 we sign with our key');
    is_deeply($gw->request('GET', '/jwks')->json, { keys => [
        $keys{ours}->jwk(kid => 'ours', use => 'sig', alg => 'ES256')] },
        'P7.1 no key of another issuer is published');
    is_deeply($gw->request('GET', '/jwks', port => 'TLS3')->json,
        { keys => [] }, 'P7.1 nor where there is no other');
}

# as the only key, it needs no kid

{
    my %there = (port => 'TLS3');

    is(get(token('ed', kid => undef), %there)->status, 200,
        'P8.4 the only key, another issuer\'s, without a kid');
    refuses('P8.11 the only key, our iss', token('ed', kid => undef,
        claims => { iss => 'https://api.example' }), 'wrong_issuer',
        %there);
    refuses('P8.4 our key, which is not there', token('ours'),
        'unknown_key', %there, kid => undef);
}

$gw->finish;
