# D5, lifetime: an entry goes when it is older, in seconds that nginx
# has run, than any token can be; no wall clock, no expires_at and no other
# nginx's max_lifetime takes it away before.  A clock that jumped ahead for
# half a minute purged revocations for good; a cut-off dated ahead locked its
# partner out for years; a nginx with a short max_lifetime wrote rows that one
# with a long one outlived.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Clock;
use AGW::Revoking qw(conf_of row row_of_token);
use AGW::Token qw(claims_of);

my $hour = <<'CONF';
    auth_gateway_max_lifetime 1h;
    auth_gateway_partner_lifetime 1h;
    auth_gateway_business_lifetime 1h;
CONF

sub started {
    my ($http, %opt) = @_;

    my $clock = AGW::Clock->new;
    my $gw = AGW::Revoking->start(conf_of(http => $http),
        $clock->options, %opt);

    return ($clock, $gw);
}

# of tokens, [name, token, business], those that are not refused as revoked

sub lives {
    my ($gw, @tokens) = @_;

    return map {
        my ($name, $token, $business) = @$_;
        my $result = $gw->result($token, $business);

        $result eq '401 revoked' ? () : "$name: $result";
    } @tokens;
}

sub all_ended {
    my ($name, $gw, @tokens) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @lives = lives($gw, @tokens);

    return ok(!@lives, $name) || diag(join "\n", @lives) && 0;
}


# a token, a business, an owner, a partner, by HTTP, by hand and by trigger

sub revoke_all_kinds {
    my ($gw) = @_;

    my @ended;

    for my $case (
        ['a token', sub { $gw->revoke($_[2], basic => $_[3])->status == 200 }],
        ['a business', sub { $gw->cut_off($_[1], basic => $_[3])->status
            == 200 }],
        ['a partner by trigger', sub { $gw->store->sql('UPDATE partners SET'
            . " status = 'disabled' WHERE partner_id = '$_[0]{id}'"); 1 }],
        ['an owner by trigger', sub { $gw->store->sql('UPDATE businesses SET'
            . " status = 'archived' WHERE business_id = '$_[1]'"); 1 }],
        ['a token by hand', sub { $gw->store->sql(row_of_token($_[2])); 1 }],
        ['a business by hand', sub { $gw->store->sql(row('business', $_[1],
            expires_at => 'unixepoch() + 3600')); 1 }],
        ['a partner by hand', sub { $gw->store->sql(row('partner', $_[0]{id},
            expires_at => 'unixepoch() + 3600')); 1 }])
    {
        my ($name, $revoke) = @$case;
        my $partner = $gw->partner;
        my $business = $gw->business($partner);
        my $token = $gw->issue($partner, $business);

        is($gw->result($token, $business), 'ok', "D5 $name: before");
        ok($revoke->($partner, $business, $token,
            [@$partner{qw(id key)}]), "D5 $name");
        push @ended, [$name, $token, $business];
    }

    ok($gw->learns, 'D5 all is seen');
    all_ended('D5 all are refused', $gw, @ended);

    return @ended;
}


# A jump of two hours, longer than any token lives here.  This gateway runs
# through it while the rest of this file is done: everything was swept within
# half a minute, and is now every ten seconds.

my ($jumping, $patient) = started($hour, workers => 2);
my @swept = revoke_all_kinds($patient);
my $jumped = time;

$jumping->set(7200);
is($patient->result($swept[0][1], $swept[0][2]), '401 expired',
    'D5 a clock two hours ahead');


# the same with a restart while the clock is ahead, and one behind

{
    my ($clock, $gw) = started($hour);
    my @ended = revoke_all_kinds($gw);

    for my $offset (7200, -7200, 172_800) {
        $clock->set($offset);
        is($gw->restart, 0, "D5 a restart at $offset");
        sleep 0.6;
        $clock->set(0);
        all_ended("D5 a jump to $offset and a restart there: all stay ended",
            $gw, @ended);
        is($gw->restart, 0, 'D5 another restart');
        all_ended("D5 a jump to $offset: all stay ended in the store",
            $gw, @ended);
    }
}


# Rows that are dated ahead, or are no dates.

{
    my ($clock, $gw) = started('');
    my %by_id = (partner => sub { $_[0]{id} }, business => sub { $_[1] },
        owner => sub { "$_[0]{id}:$_[1]" },
        token => sub { "$_[0]{id}:" . claims_of($_[2])->{jti} });
    my @ended;

    for my $ahead (86_400, 365 * 86_400) {
        for my $kind (sort keys %by_id) {
            my $name = "D5 a row of kind $kind, $ahead s ahead";
            my $partner = $gw->partner;
            my $business = $gw->business($partner);
            my $old = $gw->issue($partner, $business);
            my $id = $by_id{$kind}->($partner, $business, $old);
            my ($code, $said) = $gw->store->run(row($kind, $id,
                cutoff => "unixepoch() + $ahead",
                expires_at => "unixepoch() + $ahead + 90000"));

            is($code, 0, "$name is taken") or diag($said);

            for my $when ('at once', 'when it is seen') {
                my $r = $gw->request('POST', '/token',
                    basic => [@$partner{qw(id key)}]);
                my $bearer = $gw->issued($r);
                my $new = defined $bearer && $gw->issue($partner, $business,
                    bearer => $bearer);

                is($r->status, 200, "$name, $when: a partner token")
                    or diag($r->header('Retry-After'));
                ok($new, "$name, $when: a business token");
                is($new && $gw->result($new, $business), 'ok',
                    "$name, $when: it is accepted");
                $gw->learns if $when eq 'at once';
            }

            is($gw->result($old, $business), '401 revoked',
                "$name: what was issued before is refused");
            push @ended, [$name, $old, $business];
        }
    }

    # milliseconds, in each column of a date, in each way to write one

    my $business = $gw->business($gw->{id});
    my $key = AGW::Token::key_digest('x');
    my $ms = 'unixepoch() * 1000';

    $gw->store->sql(row('partner', 'somebody'));

    for my $case (
        ['revocations.cutoff', row('partner', $gw->{id}, cutoff => $ms,
            expires_at => "$ms + 1")],
        ['revocations.expires_at', row('partner', $gw->{id},
            expires_at => $ms)],
        ['revocations.expires_at of a token', row('token', "$gw->{id}:x",
            expires_at => $ms)],
        ['an update of cutoff', "UPDATE revocations SET cutoff = $ms,"
            . " expires_at = $ms WHERE id = 'somebody'"],
        ['an update of expires_at', 'UPDATE revocations SET expires_at ='
            . " $ms WHERE id = 'somebody'"],
        ['a repetition', row('partner', 'somebody', expires_at => $ms)],
        ['INSERT OR REPLACE', row('partner', 'somebody', expires_at => $ms)
            =~ s/INSERT/INSERT OR REPLACE/r],
        ['api_keys.expires_at', 'INSERT INTO api_keys (partner_id,'
            . " key_sha256, expires_at) VALUES ('$gw->{id}', '$key', $ms)"],
        ['api_keys.not_before', 'INSERT INTO api_keys (partner_id,'
            . " key_sha256, not_before) VALUES ('$gw->{id}', '$key', $ms)"],
        ['an update of api_keys.expires_at', 'UPDATE api_keys SET expires_at'
            . " = $ms WHERE partner_id = '$gw->{id}'"])
    {
        my ($name, $sql) = @$case;
        my ($code, $said) = $gw->store->run($sql);

        isnt($code, 0, "D5 milliseconds are refused: $name");
        like($said, qr/cutoff|expires_at|not_before/,
            "D5 $name: the message names the column");
    }

    my ($code, $said) = $gw->store->run(row('token', 'somebody:late',
        expires_at => 7_226_582_400));

    is($code, 0, 'D5 a date of 2199 is one') or diag($said);
    ok($gw->issue($gw->{us}, $business), 'D5 nobody is locked out');

    # what is there cannot be taken away

    my $rows = $gw->rows;

    for my $sql ('DELETE FROM revocations',
        "DELETE FROM revocations WHERE kind = 'partner'")
    {
        ($code, $said) = $gw->store->run($sql);
        is($code, 0, "D5 it passes over them: $sql") or diag($said);
        is($gw->rows, $rows, "D5 and every row is still there: $sql");
    }

    all_ended('D5 all are still refused', $gw, @ended);
    ok($gw->nginx->reload, 'D5 a reload');
    $gw->new_workers;
    all_ended('D5 after a reload too', $gw, @ended);
    is($gw->restart, 0, 'D5 a restart');
    all_ended('D5 after a restart too', $gw, @ended);
}


# a revocation while the clock is a day ahead: the day locks nobody out

{
    my ($clock, $gw) = started('auth_gateway_max_lifetime 3d;');
    my $old = $gw->issue($gw->{us}, $gw->{business});

    $clock->set(86_400);
    $gw->succeeds('P5.4 a day ahead', $gw->cut_off($gw->{business}));
    $gw->store->sql("UPDATE partners SET status = '$_' WHERE partner_id ="
        . " '$gw->{id}'") for qw(disabled active);
    $clock->set(0);

    for my $when ('at once', 'when it is seen', 'after a restart') {
        my $new = $gw->issue($gw->{us}, $gw->{business});

        ok($new, "D5 revoked a day ahead, $when: a token is issued");
        is($new && $gw->result($new), 'ok', "D5 revoked a day ahead, $when:"
            . ' it is accepted');
        is($gw->result($old), '401 revoked', "D5 revoked a day ahead, $when:"
            . ' the one from before is refused');
        $gw->learns if $when eq 'at once';
        is($gw->restart, 0, 'D5 a restart') if $when eq 'when it is seen';
    }
}


# Two nginx on one file, whose tokens live for 5 s and for a day.

{
    my ($clock, $long) = started(<<'CONF');
    auth_gateway_max_lifetime 24h;
    auth_gateway_partner_lifetime 24h;
    auth_gateway_business_lifetime 24h;
CONF
    my $conf = conf_of(http => <<'CONF');
    auth_gateway_max_lifetime 5s;
    auth_gateway_partner_lifetime 5s;
    auth_gateway_business_lifetime 5s;
CONF
    my $short = $long->beside($conf, $clock->options);
    my @ended;

    for my $case (
        ['a token', sub { $short->revoke($_[2], basic => $_[3]) }],
        ['a business', sub { $short->cut_off($_[1], basic => $_[3]) }])
    {
        my ($name, $revoke) = @$case;
        my $partner = $long->partner;
        my $business = $long->business($partner);
        my $token = $long->issue($partner, $business);

        is($long->result($token, $business), 'ok', "D5 two nginx, $name");
        is($short->result($token, $business), '401 lifetime_exceeded',
            "D4 two nginx, $name: the other takes none that lives so long");
        $short->succeeds("P5.2 two nginx, $name: the other revokes it",
            $revoke->($partner, $business, $token, [@$partner{qw(id key)}]));
        $long->ends_within_a_second("D5 two nginx, $name: it ends", $token,
            $business);
        push @ended, [$name, $token, $business];
    }

    # 90 s later, at most: so that what is short would have been swept

    $clock->set(100);
    is($short->restart, 0, 'D5 two nginx: the short one is restarted');
    sleep 0.6;
    is($long->restart, 0, 'D5 two nginx: and the long one');
    all_ended('D5 two nginx: revoked through one, refused by the other',
        $long, @ended);
    ok(!grep({ $short->result($_->[1], $_->[2]) eq 'ok' } @ended),
        'D5 two nginx: and by itself');

    my $new = $short->issue($short->{us}, $short->{business});

    is($long->result($new), 'ok', 'D5 two nginx: one accepts what the other'
        . ' issued');
}


# A token that a cut-off refuses already is revoked by itself all the same:
# the cut-off may have little life left.

for my $kind (qw(business owner partner)) {
    my ($clock, $gw) = started('');
    my %id = (business => $gw->{business}, partner => $gw->{id},
        owner => "$gw->{id}:$gw->{business}");
    my $token = $gw->issue($gw->{us}, $gw->{business});

    eval { $gw->store->sql(row($kind, $id{$kind},
        expires_at => 'unixepoch() + 2')); 1 } or diag($@);
    ok($gw->learns, "D5 a $kind\'s cut-off");
    is($gw->result($token), '401 revoked', "D5 a $kind\'s cut-off: ended");
    $gw->succeeds('P5.2 revoked by itself', $gw->revoke($token));
    is($gw->rows("kind = 'token' AND id = '$gw->{id}:"
        . claims_of($token)->{jti} . "'"), 1, 'P5.2 by a row of its own');

    $clock->set(60);
    is($gw->restart, 0, 'D5 a restart, a minute later');
    sleep 0.6;
    is($gw->result($token), '401 revoked',
        "D5 the $kind\'s cut-off is over by its date: it stays ended");
    $clock->set(0);
    is($gw->restart, 0, 'D5 a restart, at the right time');
    is($gw->result($token), '401 revoked', 'D5 and after that');
}


# What is older than the horizon goes, and raises the floor: what was issued
# before that is expired, whatever a wall clock says.  Elapsed seconds are
# added by hand: nginx would have to run for an hour.

{
    my ($clock, $gw) = started($hour);
    my @ended = revoke_all_kinds($gw);
    my $before = $gw->issue($gw->{us}, $gw->{business});
    my $horizon = eval { $gw->store->sql('SELECT horizon FROM clock') } // 0;

    is($horizon, 3660, 'D5 the horizon: max_lifetime, and a minute');
    $gw->cut_off($gw->{theirs}, basic => [@{ $gw->{them} }{qw(id key)}]);
    is($gw->result($before), 'ok', 'D5 before the last one of them');

    my ($code, $said) = $gw->store->run('UPDATE clock SET elapsed = elapsed'
        . " + $horizon + 120");

    is($code, 0, 'D5 two minutes more than a horizon') or diag($said);
    is($gw->restart, 0, 'D5 a restart');

    my ($until, $rows) = (time + 45);

    do {
        sleep 0.2;
        $rows = $gw->rows;
    } while ($rows && time < $until);

    is($rows, 0, 'D5 no row is left');

    for (1 .. 100) {
        last if $gw->result($before) ne 'ok';
        sleep 0.02;
    }

    is($gw->result($before), '401 expired', 'D5 below the floor: expired');

    my $after = $gw->issue($gw->{us}, $gw->{business});

    is($gw->result($after), 'ok', 'D5 what is issued now is accepted');

    for my $offset (0, -3, -3000) {
        $clock->set($offset);

        my @lives = grep { $gw->result(@$_[1, 2])
            !~ /^401 (?:expired|not_yet_valid|revoked)$/ } @ended;

        ok(!@lives, "D5 below the floor, at $offset: none of them is"
            . ' accepted') or diag(join "\n", map { $_->[0] } @lives);
    }

    $clock->set(0);
    is($gw->result($before), '401 expired',
        'D5 below the floor, at the right time');

    # who is below the floor needs no row, who has no stamp may need one

    my $iat = $clock->now;
    my %token = (
        'below the floor' => [$before, 0],
        'without seq, just expired' => [$gw->token(claims => {
            iat => $iat - 100, exp => $iat - 10 }), 1],
        'without seq, expired over a horizon ago' => [$gw->token(claims => {
            iat => $iat - 8000, exp => $iat - 7000 }), 0],
    );

    for my $name (sort keys %token) {
        my ($token, $want) = @{ $token{$name} };
        my $jti = claims_of($token)->{jti};

        $gw->succeeds("P5.2 $name", $gw->revoke($token));
        is($gw->rows("id = '$gw->{id}:$jti'"), $want,
            "P5.2 $name: " . ($want ? 'a row' : 'no row'));
    }
}


# it was swept twice

sleep 22 - (time - $jumped) if time - $jumped < 22;
$jumping->set(0);

all_ended('D5 two hours ahead for two sweeps: all stay ended', $patient,
    @swept);
is($patient->restart, 0, 'D5 a restart');
all_ended('D5 two hours ahead for two sweeps: in the store too', $patient,
    @swept);

AGW::Revoking->finish;
