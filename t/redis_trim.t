# D5, the floor of a fleet: what a node has known for a horizon, by a clock that
# nobody sets, goes from Redis, the zones and the replicas, and a token from
# before that is expired everywhere, at no moment accepted.
#
# The monotonic clock of one node is stepped, by more than an hour; its wall
# clock goes with it.  A revoked token is therefore asked for in several
# spellings, of which one is of the right time at any time: the same partner_id,
# jti and seq.  Nothing but the entry, and later the floor, refuses that one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Clock;
use AGW::Metrics qw(scrape);
use AGW::Redis;
use AGW::Revoking qw(conf_of owner_in);
use AGW::Skip qw(skip_all_for);
use AGW::Token qw(claims_of);
use AGW::Until qw(until_is);

AGW::Redis::skip_all_without();
skip_all_for('faketime', 'that a node on Redis trims is')
    unless AGW::Clock::library();

my $lifetime = 3600;
my $horizon = $lifetime + 60;
my $stream = '{agw}:revocations';
my $bare = conf_of(http => <<'HTTP', locations => <<'LOCATIONS');
    auth_gateway_max_lifetime 1h;
    auth_gateway_partner_lifetime 1h;
    auth_gateway_business_lifetime 1h;
    keepalive_requests 1000000;
HTTP
        location = /metrics { auth_gateway_metrics; }
LOCATIONS
my $conf = $bare =~ s{%%ENGINE%%}{%%ENGINE%%
        replica=%%PREFIX%%/store/replica.db}r;

# The one whose clock is stepped has TCP, the others have the socket: so that
# Redis can tell what it was asked by which.

my $clock = AGW::Clock->new;
my %stepped = $clock->options;

$stepped{env}{FAKETIME_DONT_FAKE_MONOTONIC} = 0;

my $node = AGW::Revoking->start($conf, engine => 'redis', workers => 2,
    %stepped);
my $redis = $node->store->redis;
my $words = $redis->words(unix => 1);
my $other = $node->beside($conf =~ s/%%ENGINE%%/$words/r, workers => 2);
my @nodes = ($node, $other);
my %name = ($node => 'the node', $other => 'the other one');
my $us = owner_in($node);
my $business = $us->{business};

until_is('D5 the other node serves', 200, 9,
    sub { $other->get($other->issue($us, $business), $business)->status });

sub now { return $_[0] == $node ? $clock->now : time }

sub issue { return $other->issue($us, $business) }

# the same token, as if it was issued so many seconds after it was

sub later {
    my ($token, $seconds) = @_;

    my $claims = claims_of($token);
    my $iat = $claims->{iat} + $seconds;

    return $node->mint(partner_id => $us->{id}, claims => { %$claims,
        iat => $iat, exp => $iat + $lifetime });
}

# what a node says of a token which is of the right time there

sub result {
    my ($gw, $token) = @_;

    return $gw->result(later($token, now($gw) - claims_of($token)->{iat}),
        $business);
}

# Until each node says so; 'ok', or 'revoked', or 'expired'.

sub all_say {
    my ($name, $want, $token, @which) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $want = "401 $want" if $want ne 'ok';

    for my $gw (@which ? @which : @nodes) {
        until_is("D5 $name: $name{$gw}", $want, 1,
            sub { poll(); result($gw, $token) });
    }

    return;
}

# What is revoked is watched from then on: here is each time that a node
# accepted it.

my (%watched, @accepted);
my $refused = 0;

sub poll {
    for my $gw (@nodes) {
        for my $token (sort keys %watched) {
            my ($name, @all) = @{ $watched{$token} };

            for my $spelling ($gw == $node ? @all : $all[0]) {
                my $status = status($gw, $spelling);

                push @accepted, "$name: $name{$gw}" if $status == 200;
                $refused++ if $status == 401;
            }
        }
    }

    return;
}

sub status {
    my ($gw, $token) = @_;

    local $SIG{PIPE} = 'IGNORE';

    my $client = $gw->{kept} //= $gw->connect;
    my $r = eval { $client->request('GET', "/v1/businesses/$business/x",
        headers => [AGW::Gateway::bearer($token)]) };

    undef $gw->{kept} unless $r;

    return $r ? $r->status : 0;
}

# Revokes one; returns its stamp.

sub revoke {
    my ($name, $token) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $other->succeeds("P5.3 $name is revoked",
        $other->revoke($token, basic => $us->{basic}));
    all_say($name, 'revoked', $token);

    my $stamp = $node->entry("token $us->{id}:" . claims_of($token)->{jti});

    $watched{$token} = [$name, map { later($token, 1200 * $_) } 0 .. 5];
    until_is("D5 $name is in each replica", "$stamp $stamp", 5,
        sub { poll(); join ' ', map { saved($_, 'SELECT stamp FROM state') }
            @nodes });

    return $stamp;
}

sub saved {
    my ($gw, $sql) = @_;

    my $file = $gw->prefix . '/store/replica.db';
    my $got = qx(sqlite3 -cmd '.timeout 5000' $file "$sql");

    return join ' ', split /\n/, $got;
}

# the stamps of the entries in Redis

sub in_redis {
    return join ' ', map { /^(\d+)/ } map { $_->[0] }
        @{ $redis->call('XRANGE', $stream, '-', '+') };
}

sub floor { return $redis->call('GET', '{agw}:floor') // 0 }

# That these are the entries: in Redis, and in the zone and the replica of each
# node.  All are of one partner, whose account has a place in the zone too.

sub entries_are {
    my ($name, @stamps) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is(in_redis(), "@stamps", "D5 $name: in Redis");

    for my $gw (@nodes) {
        until_is("D5 $name: in the replica of $name{$gw}", "@stamps", 1,
            sub { poll(); saved($gw,
                'SELECT seq FROM entries ORDER BY seq') });
        until_is("D5 $name: in the zone of $name{$gw}", @stamps + 1, 1,
            sub { poll(); scrape($gw)->{revocations} });
    }

    return;
}

# Steps the clock of the node, and waits until it has asked Redis to trim by
# that.  What it asked just before could be taken for it: so it is stepped
# twice.

$redis->call(qw(CONFIG SET slowlog-log-slower-than 0));
$redis->call(qw(CONFIG SET slowlog-max-len 10000));

sub times_asked {
    return scalar grep { $_->[4] =~ /^127\./ && $_->[3][0] eq 'EVAL'
        && $_->[3][2] == 5 && $_->[3][7] eq '{agw}:horizon' }
        @{ $redis->call('SLOWLOG', 'GET', 10_000) };
}

sub step {
    my ($seconds) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    for my $offset ($seconds, $seconds + 11) {
        $redis->call('SLOWLOG', 'RESET');
        $clock->set($offset);
        until_is("D5 after $offset seconds, it asks for what is old", 1, 15,
            sub { poll(); times_asked() ? 1 : 0 });
    }

    return;
}

is($redis->call('GET', '{agw}:horizon'), $horizon,
    'D5 the horizon: max_lifetime, and a minute');
is(floor(), 0, 'D5 there is no floor');


# A floor that somebody else has raised

my $above;

{
    my ($bystander, $below) = map { issue() } 1, 2;
    my $stamp = revoke('one that is to go', $below);
    my ($at, $kept) = map { issue() } 1, 2;

    $above = revoke('one above', $kept);
    is(claims_of($at)->{seq}, $stamp, 'D5 a token of between them');
    all_say('a token from before', 'ok', $bystander);
    entries_are('two entries', $stamp, $above);

    $redis->call('MULTI');
    $redis->call('SET', '{agw}:floor', $stamp);
    $redis->call('XTRIM', $stream, 'MINID', '=', $stamp + 1);
    is_deeply($redis->call('EXEC'), ['OK', 1], 'D5 the floor is raised');

    all_say('a token from before', 'expired', $bystander);
    all_say('a revoked one below the floor', 'expired', $below);
    all_say('a token at the floor', 'ok', $at);
    all_say('a revoked one above it', 'revoked', $kept);
    all_say('a token that is issued now', 'ok', issue());
    entries_are('one entry', $above);
    is(saved($_, 'SELECT floor FROM state'), $stamp,
        "D5 the floor is in the replica of $name{$_}") for @nodes;

    $other->succeeds('P5.2 one below the floor is revoked',
        $other->revoke($below, basic => $us->{basic}));
    is(in_redis(), $above, 'P5.2 without an entry');
}


# A node trims by itself

my $was = floor();
my ($before, $first) = map { issue() } 1, 2;
my $first_stamp = revoke('the first one', $first);
my ($between, $second, $young) = map { issue() } 1 .. 3;
my $second_stamp = revoke('the second one', $second);

# it begins to hold them at 1000 seconds

step(1000);

# what comes later is not held

step(1000 + $horizon / 2);

my $young_stamp = revoke('a young one', $young);

step(1000 + $horizon - 300);
all_say('less than a horizon: a token from before', 'ok', $before);
all_say('less than a horizon: the first one', 'revoked', $first);
is(floor(), $was, 'D5 less than a horizon: the floor');
like(in_redis(), qr/$first_stamp $second_stamp $young_stamp$/,
    'D5 less than a horizon: in Redis');

# The last one of those that are held stays: readers know the stream by it.

step(1000 + $horizon + 100);

is(floor(), $first_stamp, 'D5 a horizon: the floor is the stamp of what went');
all_say('a token from before', 'expired', $before);
all_say('the first one', 'expired', $first);
all_say('a token at the floor', 'ok', $between);
all_say('the second one', 'revoked', $second);
all_say('the young one', 'revoked', $young);
all_say('a token that is issued now', 'ok', issue());
entries_are('what is left', $second_stamp, $young_stamp);
is(saved($_, 'SELECT floor FROM state'), $first_stamp,
    "D5 the floor is in the replica of $name{$_}") for @nodes;

# what has gone is not healed, by neither of them

for (1 .. 15) {
    poll();
    sleep 0.1;
}

is(in_redis(), "$second_stamp $young_stamp", 'D5 it is not written back');
is(floor(), $first_stamp, 'D5 and the floor stays');

# a node that starts afterwards

my $late = $node->beside($bare =~ s/%%ENGINE%%/$words/r, workers => 1);

push @nodes, $late;
$name{$late} = 'a late one';
all_say('a token of between, afterwards', 'ok', $between);
is($late->result($first, $business), '401 expired', 'D5 it refuses the first');
is($late->result($before, $business), '401 expired',
    'D5 and what is older than the floor');
is($late->result($second, $business), '401 revoked', 'D5 and the second one');
is($late->result($young, $business), '401 revoked', 'D5 and the young one');

# and the node itself, at the right time; at last with its replica alone

$node->nginx->stop;
$clock->set(0);

for my $with ('Redis', 'its replica alone') {
    $redis->kill if $with ne 'Redis';
    $node->restart;
    all_say("a restart with $with, a token of between", 'ok', $between, $node);
    all_say("a restart with $with, the first one", 'expired', $first, $node);
    all_say("a restart with $with, the second one", 'revoked', $second, $node);
}

is_deeply(\@accepted, [], 'D5 what was revoked was accepted at no moment');
cmp_ok($refused, '>', 500, 'D5 but refused, each time');


$node->finish;
