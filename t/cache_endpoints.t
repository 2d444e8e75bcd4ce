# P2.2, P5, P6: locations that issue, revoke and introspect take a token from
# what the worker keeps, too, and look at its time and at what is revoked all
# the same.  A kept token is introspected as what it is now.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Asker qw(cache_says observed seen);
use AGW::Files qw(write_secret);
use AGW::Revoking qw(conf_of);
use AGW::Token qw(claims_of);

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
    my ($token, $end) = (undef, int(Time::HiRes::time()) + 3);
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
    is($gw->rows("id LIKE '%:" . claims_of($token)->{jti} . "%'"), 1,
        'P5.2 which writes a row: another clock may be right');
}

# a partner that is disabled

{
    my $us = $gw->partner;
    my $own = $gw->business($us);
    my $token = keep('of a partner', $gw->mint(partner_id => $us->{id}));
    my $use = ['mint', "/token/$own"];

    is(ask($use, $token)->status, 200, 'P2.4 before');
    $gw->store->sql("UPDATE partners SET status = 'disabled' WHERE"
        . " partner_id = '$us->{id}'");

    my $r = ask($use, $token);

    like(cache_says($gw), qr/^hit\b/, 'P2.4 a kept token') if observed();
    $gw->refused('P2.4 of a disabled partner', $r, 'revoked',
        scope => undef, partner => $us->{id});
}

$gw->finish;
