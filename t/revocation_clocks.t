# D5, order by stamps: what was issued before a revocation is refused
# after it, and what is issued after it is accepted at once, whatever the
# clocks do.  A gateway that compared the iat of tokens with the time of a
# cut-off accepted a token that was issued ahead, once its clock was set
# right; and it let whoever asked for a token wait for the second to pass.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Clock;
use AGW::Revoking qw(conf_of row row_of_token);
use AGW::Store;
use AGW::Token qw(claims_of);

my $clock = AGW::Clock->new;
my $gw = AGW::Revoking->start(conf_of(http => <<'CONF'), workers => 2,
    auth_gateway_partner_lifetime 6h;
    auth_gateway_business_lifetime 6h;
CONF
    $clock->options);

# the sqlite3 program, with the time of nginx

my $store = AGW::Store->new($gw->store->{file}, $clock->options);

# a token of one of our partners, and what is to become of it: [name, token,
# its business, whether it lives]

my @tokens;

sub result_is {
    my ($want, $token, $business) = @_;

    my $ahead = claims_of($token)->{iat} - $clock->now;

    $want = '401 not_yet_valid' if $ahead > 6;

    return $gw->result($token, $business) =~ /^$want$/;
}

# Those of @_ that are not as they should be now.

sub wrong {
    return map {
        my ($name, $token, $business, $lives) = @$_;

        result_is($lives ? 'ok' : '401 revoked', $token, $business) ? ()
            : "$name: " . $gw->result($token, $business) . ', iat '
                . (claims_of($token)->{iat} - $clock->now) . ' s from now';
    } @_;
}

# at the right time, and with every token's iat in the past

sub all_wrong {
    my @found;

    for my $offset (0, 7200) {
        $clock->set($offset);
        push @found, map { "at $offset: $_" } wrong(@_);
    }

    return @found;
}

sub none {
    my ($name, @problems) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return ok(!@problems, $name) || diag(join "\n", @problems) && 0;
}


# the clock is that of nginx, of its store, and of the program, each worker's

{
    my %open = $gw->each_worker;

    for my $offset (-172_800, 7200, 0) {
        $clock->set($offset);

        for my $pid (sort keys %open) {
            my $r = $open{$pid}->request('POST', '/token',
                headers => [AGW::Gateway::basic(@{ $gw->{basic} })]);
            my $iat = claims_of($r->json->{access_token})->{iat};

            cmp_ok(abs $iat - $clock->now, '<=', 60,
                "D10 a clock at $offset is the worker's");
        }

        cmp_ok(abs $store->sql('SELECT unixepoch()') - $clock->now, '<=', 60,
            "D10 a clock at $offset is the program's");
        cmp_ok(abs $gw->store->sql('SELECT unixepoch()') - time, '<=', 60,
            'D10 and the right time is to be had');
    }

    $_->close for values %open;
}


# The ways to revoke.  Each is given a partner, a business of it, and a token
# for that; returns who may have a token for the business afterwards.

my %ways = (
    'token' => sub {
        my ($partner, $business, $token) = @_;

        is($gw->revoke($token, basic => [@$partner{qw(id key)}])->status,
            200, 'P5.2 revoked');
        return $partner;
    },
    'business' => sub {
        my ($partner, $business) = @_;

        is($gw->cut_off($business, basic => [@$partner{qw(id key)}])->status,
            200, 'P5.4 revoked');
        return $partner;
    },
    'partner disabled' => sub {
        my ($partner) = @_;

        $store->sql("UPDATE partners SET status = '$_'"
            . " WHERE partner_id = '$partner->{id}'")
            for qw(disabled active);
        return $partner;
    },
    'business archived' => sub {
        my ($partner, $business) = @_;

        $store->sql("UPDATE businesses SET status = '$_'"
            . " WHERE business_id = '$business'") for qw(archived active);
        return $partner;
    },
    'business moved' => sub {
        my ($partner, $business) = @_;

        $store->sql("UPDATE businesses SET partner_id = '$gw->{them}{id}'"
            . " WHERE business_id = '$business'");
        return $gw->{them};
    },
    'row of a token' => sub {
        my ($partner, $business, $token) = @_;

        $store->sql(row_of_token($token));
        return $partner;
    },
    'row of an owner' => sub {
        my ($partner, $business) = @_;

        $store->sql(row('owner', "$partner->{id}:$business"));
        return $partner;
    },
    'row of a partner' => sub {
        my ($partner) = @_;

        $store->sql(row('partner', $partner->{id}));
        return $partner;
    },
    'row of a business' => sub {
        my ($partner, $business) = @_;

        $store->sql(row('business', $business));
        return $partner;
    },
);

my @names = sort keys %ways;

# Issued, then the clock is stepped, then revoked, then issued again.

for my $step (0, -4, -60, 7200, -7200) {
    my @before = map {
        my $partner = $gw->partner;
        my $business = $gw->business($partner);

        { name => $_, partner => $partner, business => $business,
            token => $gw->issue($partner, $business) };
    } @names;
    my @unseen;

    $clock->set($step);

    for my $case (@before) {
        my ($name, $partner, $business) = @$case{qw(name partner business)};
        my $what = "$name, at $step";
        my $who = eval { $ways{$name}->($partner, $business, $case->{token}) };

        ok($who, "D5 $what") or diag($@);

        my $new = $gw->issue($who // $partner, $business);

        ok($new, "D5 $what: a token is issued after it") or next;
        is($gw->result($new, $business), 'ok',
            "D5 $what: it is accepted at once");
        push @tokens, ["$what, after", $new, $business, 1];
    }

    # those of HTTP hold already, those by hand within a second

    my @old = map { ["$_->{name}, at $step, before", $_->{token},
        $_->{business}, 0] } @before;

    none("D5 at $step: what was revoked is refused at once",
        wrong(grep { $_->[0] =~ /^(?:token|business), / } @old));
    ok($gw->learns(iat => $clock->now, exp => $clock->now + 600),
        "D5 at $step: what was written is seen");
    push @tokens, @old;
    none("D5 revoked at $step: before is refused, after is accepted",
        all_wrong(@tokens));
    $clock->set(0);
}

is($gw->restart, 0, 'D5 a restart');
none('D5 the same after it', all_wrong(@tokens));
$clock->set(-86_400);
is($gw->restart, 0, 'D5 a restart a day before');
none('D5 all of them lie ahead', wrong(@tokens));
none('D5 and are what they were', all_wrong(@tokens));
$clock->set(0);


# Nothing waits: the token has the second of its request, and the stamp of
# the revocation, or a later one.

{
    my $business = $gw->business($gw->{id});
    my ($waited, @dead, @seqs) = (0);

    for (1 .. 12) {
        my $bearer = $gw->issue($gw->{us});

        $gw->cut_off($business);

        my $asked = $clock->now;
        my $token = $gw->issue($gw->{us}, $business, bearer => $bearer);
        my $claims = claims_of($token);

        $waited++ if $claims->{iat} > $asked;
        push @dead, $_ if $gw->result($token, $business) ne 'ok';
        push @seqs, ($claims->{seq} // 0) - (eval { $gw->store->sql(
            "SELECT seq FROM revocations WHERE kind = 'owner'"
            . " AND id = '$gw->{id}:$business'") } || 1);
    }

    cmp_ok($waited, '<=', 4, 'D5 no request waits for a clock');
    is_deeply(\@dead, [], 'D5 revoke, then mint: none is born dead');
    is_deeply([grep { $_ != 0 } @seqs], [], 'D4 seq is the last stamp');
}


# Born dead: 10 of 12 tokens that were issued to a partner right after it was
# disabled and enabled were refused, as soon as that was seen.

for my $case (
    ['two statements', sub { "UPDATE partners SET status = 'disabled' WHERE"
        . " partner_id = '$_[0]'; UPDATE partners SET status = 'active'"
        . " WHERE partner_id = '$_[0]';" }],
    ['a transaction', sub { "BEGIN; UPDATE partners SET status = 'disabled'"
        . " WHERE partner_id = '$_[0]'; UPDATE partners SET status ="
        . " 'active' WHERE partner_id = '$_[0]'; COMMIT;" }],
    ['one statement', sub { 'INSERT OR REPLACE INTO partners (partner_id,'
        . " status) VALUES ('$_[0]', 'disabled'), ('$_[0]', 'active')" }])
{
    my ($name, $sql) = @$case;
    my $partner = $gw->partner;
    my $business = $gw->business($partner);
    my $bearer = $gw->issue($partner);
    my $old = $gw->issue($partner, $business, bearer => $bearer);

    $gw->store->sql($sql->($partner->{id}));

    my @new = map { $gw->issue($partner, $business) } 1 .. 12;
    my $alive = sub { return scalar grep {
        $gw->result($_, $business) eq 'ok' } @new };

    is(scalar @new, 12, "D5 disabled and enabled, $name: 12 are issued");
    is($alive->(), 12, "D5 disabled and enabled, $name: 12 live");
    $gw->ends_within_a_second("D5 disabled and enabled, $name: the one from"
        . ' before ends', $old, $business);
    sleep 0.6;
    is($alive->(), 12, "D5 disabled and enabled, $name: 12 live on");
    is($gw->request('POST', "/token/$business", bearer => $bearer)->status,
        401, "D5 disabled and enabled, $name: so does the one to mint with");
}


# The clock of a node says nothing to who revokes: what it holds for expired
# or not yet valid is revoked all the same, and is refused when the clock is
# right again.

for my $offset (86_400, -7200, -4) {
    my $token = $gw->issue($gw->{us}, $gw->{business});
    my $partner_token = $gw->issue($gw->{us});
    my $id = "$gw->{id}:" . claims_of($token)->{jti};

    is($gw->result($token), 'ok', "P5.2 before the clock is at $offset");
    $clock->set($offset);
    $gw->succeeds("P5.2 revoked at $offset", $gw->revoke($token));
    $gw->succeeds("P5.2 revoked at $offset, a partner token",
        $gw->revoke($partner_token));
    is($gw->rows("id = '$id'"), 1, "P5.2 revoked at $offset: a row");
    $clock->set(0);
    is($gw->result($token), '401 revoked',
        "P5.2 revoked at $offset, and the clock is right again");
    is($gw->request('POST', "/token/$gw->{business}",
        bearer => $partner_token)->status, 401,
        "P5.2 revoked at $offset, a partner token");
    push @tokens, ["revoked at $offset", $token, $gw->{business}, 0];
}

is($gw->restart, 0, 'D5 a restart');
none('D5 all is as it was', all_wrong(@tokens));
$gw->finish;
