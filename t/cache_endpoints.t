# What a worker keeps besides tokens that guarded locations accept: tokens that
# endpoints take, and never one that was refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Asker qw(cache_says observed seen);
use AGW::Files qw(spew write_secret);
use AGW::Keys;
use AGW::Revoking qw(conf_of);
use AGW::Token qw(b64url claims_for claims_of);


# P2.2, P5, P6: locations that issue, revoke and introspect take a token from
# what the worker keeps, too, and look at its time and at what is revoked all
# the same.  A kept token is introspected as what it is now.

my $conf = conf_of(http => <<'HTTP', locations => <<'LOCATIONS');
    auth_gateway_key %%PREFIX%%/theirs.key alg=HS256 kid=k2 verify issuer=urn:theirs;
HTTP
        location /partner {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
LOCATIONS

my $theirs;
my $gw = AGW::Revoking->start($conf, log_level => 'debug', before => sub {
    $theirs = write_secret("$_[0]/theirs.key");
});
my ($id, $business) = @$gw{qw(id business)};
my $asker = AGW::Asker->new($gw);
my $url = "/v1/businesses/$business/x";
my %form = (headers => ['Content-Type: application/x-www-form-urlencoded']);

$gw->keep_secret($theirs);

sub partner_token {
    my (%claims) = @_;

    return $gw->mint(partner_id => $id, claims => \%claims);
}

sub keep {
    my ($name, $token, $path) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $asker->gets("D3 $name: $_", $_, $path // '/partner', $token)
        for '200 miss stored', '200 hit';

    return $token;
}

# what a partner token is for beside locations: [name, target, form]

my $subject = $gw->token;
my @uses = (
    ['mint', "/token/$business"],
    ['revoke', '/revoke', 'token=nothing'],
    ['cut off', '/revoke/' . $gw->business($id)],
    ['introspect', '/introspect', "token=$subject"],
);

sub ask {
    my ($use, $bearer) = @_;

    my (undef, $target, $text) = @$use;

    $asker->ask($target, $bearer, method => 'POST', body => $text // '',
        (defined $text ? %form : ()));
    $gw->keep_secret($asker->response->json->{access_token} // '')
        if $use->[0] eq 'mint' && ref $asker->response->json;

    return $asker->response;
}

# refused, with the bearer's token found among those that are kept

sub is_refused {
    my ($name, $use, $bearer, $reason) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $r = ask($use, $bearer);

    like(cache_says($gw), qr/^hit\b/, "D3 $name, $use->[0]: it was kept")
        if observed();
    $gw->refused("$name, $use->[0]", $r, $reason, scope => undef,
        partner => $id);

    return;
}

# kept by a location, used by an endpoint, and the other way round

for my $use (@uses) {
    my $name = $use->[0];
    my $token = keep("a partner's, $name", partner_token());

    is(ask($use, $token)->status, 200, "D3 kept by a location, to $name");
    like(cache_says($gw), qr/^hit\b/, 'D3 which finds it') if observed();

    my $other = partner_token();

    is(ask($use, $other)->status, 200, "D3 seen for the first time, to $name");
    $asker->gets('D3 a location finds it', '200 hit', '/partner', $other);
    is(ask($use, $other)->status, 200, "D3 again to $name");
}

# revoked, by the endpoint, by itself and by a cut-off: nothing is left of it

for my $use (@uses) {
    my $token = keep("a partner's, $use->[0], revoked", partner_token());

    is(ask($use, $token)->status, 200, "P5.3 before, to $use->[0]");
    $gw->succeeds('P5.3 it is revoked', $gw->revoke($token));
    is_refused('P5.3 revoked', $use, $token, 'revoked') for 1, 2;
    $asker->gets('P5.3 at a location', '401 revoked hit', '/partner', $token);

    $token = keep("a partner's, $use->[0], by itself", partner_token());
    $gw->succeeds('P5.3 it revokes itself',
        $gw->revoke($token, bearer => $token));
    is_refused('P5.3 revoked by itself', $use, $token, 'revoked') for 1, 2;
}

# a business's token, kept: it is nobody's to act with

{
    my $token = keep('a business\'s', $gw->token, $url);

    is_refused('P2.2 a business token', $_, $token, 'wrong_kind') for @uses;
    $asker->gets('P2.2 and it is kept', '200 hit', $url, $token);

    my $foreign = keep('another issuer\'s', $gw->token(kid => 'k2',
        secret => $theirs, claims => { iss => 'urn:theirs' }), $url);

    is_refused('P8.12 another issuer\'s', $_, $foreign, 'wrong_kind')
        for @uses;
}

# what is minted with a kept token is as new as any

{
    my $token = keep('a partner\'s', partner_token());
    my %seen;

    for (1 .. 5) {
        my $minted = ask($uses[0], $token)->json->{access_token};

        $seen{ claims_of($minted)->{jti} }++;
        $asker->gets('P2.5 what it mints', $_, $url, $minted)
            for '200 miss stored', '200 hit';
    }

    is(keys %seen, 5, 'P2.5 five tokens of five names');
}

# introspection says what holds now

sub introspected {
    my ($name, $token, $active, %by) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $r = $gw->introspect($token, %by);

    if (!$active) {
        is($r->body, '{"active":false}', "P6.2 $name");
        return;
    }

    my $claims = claims_of($token);

    is_deeply($r->json, { active => JSON::true(), token_type => 'Bearer',
        map { $_ => $claims->{$_} } grep { defined $claims->{$_} } qw(scope
            client_id sub iss aud exp iat jti partner_id business_id) },
        "P6.3 $name");

    return;
}

my @them = (basic => [@{ $gw->{them} }{qw(id key)}]);

for my $kind ('business', 'partner') {
    my $token;
    my $path = $kind eq 'business' ? $url : '/partner';
    my %of = (partner_id => $id,
        ($kind eq 'business' ? (business_id => $business) : ()));

    $token = keep("a $kind\'s", $gw->mint(%of), $path);
    introspected("a $kind\'s, kept", $token, 1) for 1, 2;
    introspected("a $kind\'s, kept, another partner asks", $token, 0, @them);
    $asker->gets("D3 a $kind\'s, introspected", '200 hit', $path, $token);
    $gw->succeeds('P5.3 it is revoked', $gw->revoke($token));
    introspected("a $kind\'s, kept and revoked", $token, 0) for 1, 2;
    $asker->gets("D3 a $kind\'s, revoked", '401 revoked hit', $path, $token);

    # one that nobody but introspection has seen, and revocation

    my $unseen = $gw->mint(%of);

    introspected("a $kind\'s, never kept", $unseen, 1) for 1, 2;
    like($asker->ask($path, $unseen), qr/^200 ?(?:miss stored|hit)?$/,
        "D3 a $kind\'s, introspected first");
    introspected("a $kind\'s, kept since", $unseen, 1);
    $gw->succeeds('P5.3 it is revoked', $gw->revoke($unseen));
    introspected("a $kind\'s, revoked since", $unseen, 0);
    $asker->gets("D3 a $kind\'s, revoked since", '401 revoked hit', $path,
        $unseen);

    # and one that expires

    my $end = int(Time::HiRes::time()) + 2;

    $token = keep("a $kind\'s that ends", $gw->mint(%of,
        claims => { exp => $end }), $path);
    introspected("a $kind\'s that ends", $token, 1);

    my $bearer = $kind eq 'partner' ? $token : undef;

    is(ask($_, $bearer)->status, 200, "P2.2 before it ends, to $_->[0]")
        for $bearer ? @uses : ();

    for (1 .. 400) {
        last if Time::HiRes::time() >= $end;
        sleep 0.01;
    }

    introspected("a $kind\'s that has ended", $token, 0) for 1, 2;
    $asker->gets("D3 a $kind\'s that has ended", '401 expired hit', $path,
        $token);
    is_refused('P2.2 ended', $_, $bearer, 'expired') for $bearer ? @uses : ();
    $gw->succeeds('P5.2 a kept one that has ended is revoked',
        $gw->revoke($token));
    ok($gw->entry(join ':', "token $id", claims_of($token)->{jti}),
        'P5.2 which writes a row: another clock may be right');
}

# a partner that is disabled

{
    my $us = $gw->partner;
    my $own = $gw->business($us);
    my $token = keep('of a partner', $gw->mint(partner_id => $us->{id}));
    my $use = ['mint', "/token/$own"];

    is(ask($use, $token)->status, 200, 'P2.4 before');
    $gw->store->set_partner($us->{id}, status => 'disabled');

    my $r = ask($use, $token);

    like(cache_says($gw), qr/^hit\b/, 'P2.4 a kept token') if observed();
    $gw->refused('P2.4 of a disabled partner', $r, 'revoked',
        scope => undef, partner => $us->{id});
}


# D3: a token that was refused is not kept, whatever it was refused
# for: it is looked at again each time, and accepted as soon as it holds.

# with an issuer and an audience, another issuer's key, and an EC key

$conf = conf_of(http => <<'HTTP', locations => <<'LOCATIONS');
    auth_gateway_issuer https://id.example;
    auth_gateway_audience api;
    auth_gateway_max_lifetime 1h;
    auth_gateway_key %%PREFIX%%/theirs.key alg=HS256 kid=k2 verify issuer=urn:theirs;
    auth_gateway_key %%PREFIX%%/es256.pem kid=k3 verify;
HTTP
        location /partner {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # where nothing is demanded, and a variable is asked for

        location /open/ {
            auth_gateway_require off;
            proxy_set_header X-Partner $auth_gateway_partner_id;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
LOCATIONS

my $es256 = AGW::Keys->new('ES256');
undef $theirs;
$gw = AGW::Revoking->start($conf, log_level => 'debug', before => sub {
    $theirs = write_secret("$_[0]/theirs.key");
    spew("$_[0]/es256.pem", $es256->form('PKCS#8'), 0600);
});
($id, $business) = @$gw{qw(id business)};
my %ours = (iss => 'https://id.example', aud => 'api');
$url = "/v1/businesses/$business/x";
$asker = AGW::Asker->new($gw);

$gw->keep_secret($theirs);

sub token {
    my ($claims, %opt) = @_;

    return $gw->mint(partner_id => $id, business_id => $business,
        claims => { %ours, %$claims }, %opt);
}

my $good = token({});

$gw->good_is(sub {
    return $gw->request('GET', $url, bearer => $good, quiet => 1)->status
        == 200;
});

sub payload {
    my ($text) = @_;

    my $json = JSON->new->canonical->utf8->encode(claims_for(
        partner_id => $id, business_id => $business, claims => \%ours));

    return $json =~ s/\}$/$text}/r;
}

sub raw {
    my (%opt) = @_;

    return $gw->mint_raw(header => { typ => 'JWT', alg => 'HS256',
        kid => 'k1' }, payload => payload(''), %opt);
}

# Reasons that are the token's own: the same each time, at each location.

my $now = time;
my ($head, $body, $mac) = split /\./, token({});
my @cases = (
    ['one part', 'malformed_token', $head],
    ['an empty one', 'malformed_token', '..'],
    ['a signature of no length', 'malformed_token', "$head.$body."],
    ['a header that is no JSON', 'malformed_token', raw(header => '{')],
    ['crit', 'malformed_token', raw(header => { typ => 'JWT',
        alg => 'HS256', kid => 'k1', crit => ['x'] })],
    ['an unknown kid', 'unknown_key', token({}, kid => 'k9')],
    ['no kid, of no key', 'bad_signature', token({}, kid => undef,
        secret => 'y' x 64)],
    ['no kid, no key of that alg', 'unknown_key', token({}, kid => undef,
        alg => 'HS512')],
    ['another algorithm', 'algorithm_mismatch', token({}, alg => 'HS512')],
    ['none', 'malformed_token', raw(header => { typ => 'JWT',
        alg => 'none', kid => 'k1' }, signature => '')],
    ['another secret', 'bad_signature', token({}, secret => 'y' x 64)],
    ['a signature of zeros', 'bad_signature',
        "$head.$body." . b64url("\0" x 32)],
    ['an ECDSA signature of zeros', 'bad_signature', $es256->mint_raw(
        header => { typ => 'JWT', alg => 'ES256', kid => 'k3' },
        payload => payload(''), signature => "\0" x 64)],
    ['claims that are none', 'malformed_claims', raw(payload => '[]')],
    ['a claim twice', 'malformed_claims', raw(payload => payload(',"jti":1'))],
    ['no jti', 'malformed_claims', token({ jti => undef })],
    ['a partner_id with a space', 'malformed_claims',
        token({ partner_id => 'p 1' })],
    ['a sub of somebody else', 'malformed_claims', token({ sub => 'p-2' })],
    ['a life of more than an hour', 'lifetime_exceeded',
        token({ exp => $now + 7200 })],
    ['another issuer', 'wrong_issuer', token({ iss => 'https://id' })],
    ['no issuer', 'wrong_issuer', token({ iss => undef })],
    ['ours, with their iss', 'wrong_issuer', token({ iss => 'urn:theirs' })],
    ['theirs, with our iss', 'wrong_issuer',
        token({}, kid => 'k2', secret => $theirs)],
    ['another audience', 'wrong_audience', token({ aud => 'web' })],
    ['no audience', 'wrong_audience', token({ aud => [] })],
    ['expired', 'expired', token({ iat => $now - 20, exp => $now - 10 })],
    ['not yet valid', 'not_yet_valid', token({ nbf => $now + 300 })],
    ['issued in the future', 'not_yet_valid', token({ iat => $now + 300 })],
    ['another issuer\'s, a partner\'s', 'wrong_kind',
        $gw->mint(partner_id => $id, secret => $theirs, kid => 'k2',
            claims => { %ours, iss => 'urn:theirs' })],
);

my %seen;

for (@cases) {
    my ($name, $reason, $token) = @$_;

    $gw->keep_secret($token);
    $seen{$reason}++;

    for my $time (1 .. 3) {
        my $told = $asker->ask($url, $token);
        my $cache = observed() ? cache_says($gw) : '';

        $gw->refused("D7 $name, time $time", $asker->response, $reason);
        unlike($cache, qr/hit|stored/, "D3 $name, time $time: not kept");
    }

    like($asker->ask('/open/x', $token), qr/^200(?: miss)?$/,
        "D3 $name: nor where nothing is demanded");
    is(($gw->upstream_saw)[0]{headers}{'x-partner'}, undef,
        "D3 $name: and there it is nobody's");
    like($asker->ask('/partner', $token), qr/^40[13] $reason(?: miss)?$/,
        "D3 $name: nor where another kind is demanded");
    like($asker->ask("/token/$business", $token, method => 'POST',
        body => ''), qr/^40[13] $reason(?: miss)?$/,
        "D3 $name: nor to mint with");
}

is(keys %seen, 11, 'D7 each reason of a token is there but revoked');

# revoked before it was seen

{
    my $token = token({});

    $gw->succeeds('P5.3 a token that nobody has seen', $gw->revoke($token));

    for (1 .. 3) {
        $asker->refused('D5 it is revoked', 'revoked miss', $url, $token,
            partner => $id, kid => 'k1');
        $asker->gets('D5 where nothing is demanded', '200 miss', '/open/x',
            $token);
    }

    my $own = $gw->business($id);
    my $cut = $gw->mint(partner_id => $id, business_id => $own,
        claims => { %ours, iat => $now - 5 });

    $gw->succeeds('P5.4 a business is cut off', $gw->cut_off($own));
    $asker->refused('D5 so is a token of it', 'revoked miss',
        "/v1/businesses/$own/x", $cut) for 1 .. 3;
}

# what is not valid yet is looked at until it is, and kept then

{
    my $start = int(Time::HiRes::time()) + 5;
    my %tokens = (nbf => token({ nbf => $start }),
        iat => token({ iat => $start + 5, exp => $start + 600 }));

    for my $claim (sort keys %tokens) {
        $asker->refused("P8.10 $claim, too early", 'not_yet_valid miss',
            $url, $tokens{$claim}) for 1, 2;
        $asker->gets("P8.10 $claim, where nothing is demanded", '200 miss',
            '/open/x', $tokens{$claim});
    }

    cmp_ok(Time::HiRes::time(), '<', $start, 'P8.10 that was in time');

    for (1 .. 3000) {
        last if Time::HiRes::time() >= $start;
        Time::HiRes::sleep(0.01);
    }

    for my $claim (sort keys %tokens) {
        $asker->gets("P8.10 $claim, as soon as it holds", $_, $url,
            $tokens{$claim}) for '200 miss stored', '200 hit';
    }
}

# What the location alone refuses is a good token, and kept.

{
    my $token = token({ scope => 'other' });

    $asker->refused("P4.2 the location's refusal, $_", "$_", $url, $token)
        for 'insufficient_scope miss stored', 'insufficient_scope hit';
    $asker->refused('P4.2 another of them', 'wrong_kind hit', '/partner',
        $token, scope => undef);
}

$gw->finish;
