# D5, tokens without a stamp: those of another issuer, and those that
# the gateway signed before it knew stamps.  They are as exact as the clock:
# a cut-off refuses them up to as far behind it as an iat may be ahead, which
# is the leeway, and 5 s at least.  A token of another issuer that was 4 s
# ahead outlived every cut-off, and with a leeway one that was 55 s ahead.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Clock;
use AGW::Files qw(random_hex spew);
use AGW::Revoking qw(conf_of row row_of_token);
use AGW::Store;
use AGW::Token qw(b64url claims_of);

my $secret = random_hex(32);
my $jwk = sprintf '{"kty":"oct","alg":"HS256","kid":"theirs","k":"%s"}',
    b64url($secret);
my $key = 'auth_gateway_key %%PREFIX%%/theirs.jwk verify issuer=urn:theirs;';

# who signs: the one that has a key with issuer=, or we ourselves; a claim
# seq is believed of us alone

sub token {
    my ($gw, $by, $business, $iat, %claims) = @_;

    my %signer = $by eq 'another issuer'
        ? (secret => $secret, kid => 'theirs') : ();

    return $gw->token(%signer, business_id => $business, claims => {
        iat => $iat, exp => $iat + 3600, ($signer{secret}
            ? (iss => 'urn:theirs') : ()), %claims });
}

my $store;

sub change {
    my ($table, $id, $what) = @_;

    my $column = $table eq 'partners' ? 'partner_id' : 'business_id';

    $store->sql("UPDATE $table SET $what WHERE $column = '$id'");

    return;
}

# each ends the tokens of one business, and takes back what it can

my %ways = (
    'the endpoint' => sub { $_[0]->cut_off($_[1]) },
    'an archived business' => sub {
        change('businesses', $_[1], "status = '$_'") for qw(archived active);
    },
    'a business that is moved' => sub {
        change('businesses', $_[1], "partner_id = '$_'")
            for 'somebody', $_[0]{id};
    },
    'a disabled partner' => sub {
        change('partners', $_[0]{id}, "status = '$_'")
            for qw(disabled active);
    },
    'a row of an owner' => sub {
        $store->sql(row('owner', "$_[0]{id}:$_[1]"));
    },
    'a row of a business' => sub { $store->sql(row('business', $_[1])) },
    'a row of a partner' => sub { $store->sql(row('partner', $_[0]{id})) },
);

# the time of the latest cut-off, or undef where the store knows of none

sub time_of {
    my ($id, $business) = @_;

    return eval { $store->sql('SELECT max(time) FROM revocations WHERE id IN'
        . " ('$id', '$business', '$id:$business')") } || undef;
}

for my $leeway (0, 3, 60) {
    my $clock = AGW::Clock->new;
    my $gw = AGW::Revoking->start(conf_of(
        http => "$key auth_gateway_leeway ${leeway}s;"), $clock->options,
        before => sub { spew("$_[0]/theirs.jwk", $jwk, 0600) });
    my $margin = $leeway > 5 ? $leeway : 5;
    my @ended;

    # the sqlite3 program has the time of nginx

    $store = $gw->{store} = AGW::Store->new($gw->store->{file},
        $clock->options);

    # another round has to be later than the one before, for the rest of the
    # partner's life

    my $later = 0;
    my $round = sub {
        $later += $margin + 30;
        $clock->set($later);

        return $clock->now;
    };

    for my $by ('another issuer', 'we, before there were stamps') {
        for my $way (sort keys %ways) {
            my $name = "D5 leeway $leeway s, $by, $way";
            my $now = $round->();
            my $business = $gw->business($gw->{id});
            my $ahead = token($gw, $by, $business, $now + $margin - 1);
            my $behind = token($gw, $by, $business, $now - 20);
            my $elsewhere = token($gw, $by, $gw->{theirs}, $now + $margin - 1,
                map { $_ => $gw->{them}{id} } qw(sub client_id partner_id));

            is($gw->result($_, $business), 'ok', "$name: before")
                for $ahead, $behind;

            eval { $ways{$way}->($gw, $business); 1 } or diag($@);
            ok($gw->learns(iat => $now, exp => $now + 60), "$name: seen");
            is($gw->result($_, $business), '401 revoked', "$name: ended")
                for $ahead, $behind;

            my $time = time_of($gw->{id}, $business);

            ok(defined $time, "$name: it has a time") or $time = $now;
            cmp_ok($time, '<=', $clock->now, "$name: which is not ahead");

            # as far as the clock is to be believed, and no further

            my $last = token($gw, $by, $business, $time + $margin);
            my $first = token($gw, $by, $business, $time + $margin + 1);

            $clock->step($margin + 3);
            is($gw->result($last, $business), '401 revoked',
                "$name: refused up to the last second");
            is($gw->result($first, $business), 'ok',
                "$name: and no second longer");
            is($gw->result($ahead, $business), '401 revoked',
                "$name: the one ahead is never accepted");
            is($gw->result($elsewhere, $gw->{theirs}), 'ok',
                "$name: nobody else's");
            push @ended, map { [$name, $_, $business] } $ahead, $behind,
                $last;
        }
    }

    # a stamp in a token of theirs is not believed

    {
        my $now = $round->();
        my $business = $gw->business($gw->{id});
        my $token = token($gw, 'another issuer', $business, $now,
            seq => 2 ** 51);

        is($gw->result($token, $business), 'ok', 'D5 their seq: before');
        $gw->cut_off($business);
        is($gw->result($token, $business), '401 revoked',
            "D5 their seq is not believed, leeway $leeway s");
        push @ended, ['their seq', $token, $business];
    }

    # a token by its name, and whatever its iat

    for my $by ('another issuer', 'we, before there were stamps') {
        my $now = $round->();
        my @tokens = map { token($gw, $by, $gw->{business}, $_) }
            $now - 100, $now, $now + $margin - 1;

        $gw->succeeds("P5.2 $by, leeway $leeway s", $gw->revoke($_))
            for @tokens;
        is($gw->result($_), '401 revoked',
            "D5 $by, leeway $leeway s: a token") for @tokens;
        push @ended, map { ["a token of $by", $_, $gw->{business}] } @tokens;
    }

    # the revoke endpoint is not told by its clock whether a token lives

    {
        my $now = $round->();
        my @tokens = map { token($gw, 'another issuer', $gw->{business}, $_) }
            $now + 600, $now - 3605 - $leeway;

        $gw->succeeds("P5.2 not yet valid or expired, leeway $leeway s",
            $gw->revoke($_)) for @tokens;

        my @ids = map { "$gw->{id}:" . claims_of($_)->{jti} } @tokens;

        is($gw->rows("id = '$_'"), 1, 'P5.2 a row') for @ids;
        $clock->step(600);
        is($gw->result($tokens[0]), '401 revoked',
            'P5.2 not yet valid: it has ended before it began');
        $clock->step(-1200);
        is($gw->result($tokens[1]), '401 revoked',
            'P5.2 expired: no clock brings it back');
    }

    # all of it in the store

    is($gw->restart, 0, 'D5 a restart');

    my @alive;

    for my $offset (-30, 0, 30) {
        $clock->set($later + $offset);
        push @alive, map { "$_->[0], at $offset" }
            grep { $gw->result($_->[1], $_->[2]) eq 'ok' } @ended;
    }

    ok(!@alive, "D5 leeway $leeway s, after a restart: all stay ended")
        or diag(join "\n", @alive);
}

AGW::Revoking->finish;
