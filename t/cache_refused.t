# D3: a token that was refused is not kept, whatever it was refused
# for: it is looked at again each time, and accepted as soon as it holds.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes ();

use AGW::Asker qw(cache_says observed seen);
use AGW::Files qw(spew write_secret);
use AGW::Keys;
use AGW::Revoking qw(conf_of);
use AGW::Token qw(b64url claims_for);

# with an issuer and an audience, another issuer's key, and an EC key

my $conf = conf_of(http => <<'HTTP', locations => <<'LOCATIONS');
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
my $theirs;
my $gw = AGW::Revoking->start($conf, log_level => 'debug', before => sub {
    $theirs = write_secret("$_[0]/theirs.key");
    spew("$_[0]/es256.pem", $es256->form('PKCS#8'), 0600);
});
my ($id, $business) = @$gw{qw(id business)};
my %ours = (iss => 'https://id.example', aud => 'api');
my $url = "/v1/businesses/$business/x";
my $asker = AGW::Asker->new($gw);

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
    my $start = int(Time::HiRes::time()) + 2;
    my %tokens = (nbf => token({ nbf => $start }),
        iat => token({ iat => $start + 5, exp => $start + 600 }));

    for my $claim (sort keys %tokens) {
        $asker->refused("P8.10 $claim, too early", 'not_yet_valid miss',
            $url, $tokens{$claim}) for 1, 2;
        $asker->gets("P8.10 $claim, where nothing is demanded", '200 miss',
            '/open/x', $tokens{$claim});
    }

    cmp_ok(Time::HiRes::time(), '<', $start, 'P8.10 that was in time');

    for (1 .. 300) {
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
