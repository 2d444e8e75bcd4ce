# D5: a Redis that was emptied, and begins anew with stamps below those that the
# nodes know: another node came first, one that was just started and knew
# nothing.  A token that is issued then must not have a seq below what revoked
# the tokens before it, nor a revocation a stamp below the tokens that it ends.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Redis;
use AGW::Revoking qw(conf_of owner_in);
use AGW::Token qw(claims_of);

AGW::Redis::skip_all_without();

my $gw = AGW::Revoking->start(conf_of(), engine => 'redis', workers => 2);
my $redis = $gw->store->redis;
my $us = owner_in($gw);
my $day = 86_400_000;

sub key { return "{agw}:$_[0]" }

sub until_ok {
    my ($name, $seconds, $sub) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $until = time + 10 * $seconds;      # a busy machine

    while (time < $until) {
        return pass($name) if $sub->();
        sleep 0.02;
    }

    return fail($name);
}

# ten fail-overs ago, say

$redis->call('SET', key('stamp'), int(time * 1000) + 10 * $day);

my $before = $gw->issue($us, $us->{business});

$gw->store->revoke('partner', $us->{id});
until_ok('D5 a cut-off is known', 2,
    sub { $gw->result($before, $us->{business}) eq '401 revoked' });

my $highest = $gw->store->stamp;

cmp_ok($highest, '>', int(time * 1000) + 9 * $day, 'D5 stamps are far ahead');

# emptied, and begun by a node that knows nothing, all at once

my @directory = map { my $key = key($_);
    [HSET => $key, @{ $redis->call('HGETALL', $key) }] } "partner:$us->{id}",
    "api_keys:$us->{id}", "business:$us->{business}";

$redis->call(@$_) for ['MULTI'], ['FLUSHALL'],
    [MSET => key('epoch'), 'fedcba9876543210', key('stamp'),
        int(time * 1000) + $day, key('primary'), { $redis->info }->{run_id}],
    @directory, ['EXEC'];

until_ok('D5 the stamp is raised to what a node knows', 3,
    sub { $gw->store->stamp >= $highest });

my $after;

until_ok('D5 tokens are issued', 3,
    sub { $after = $gw->issue($us, $us->{business}) });
cmp_ok(claims_of($after)->{seq}, '>=', $highest, 'D5 with stamps as before');
is($gw->result($after, $us->{business}), 'ok', 'D5 which are accepted');
is($gw->result($before, $us->{business}), '401 revoked',
    'D5 and nothing is un-revoked');

# The story: a server that was restarted raised its stamps by a day, and was
# emptied before the feed of a node had read that.  A worker of it had connected,
# and tokens had stamps of that day; the node began anew with those from before.

my $raised = $gw->store->stamp + 400 * $day;
# id => last command, but for the connection that follows

my %feed;
my $others = sub {
    my %of = map { /^id=(\d+) .* cmd=(\S+) user=gateway/ ? ($1 => $2) : () }
        split /\n/, $redis->call('CLIENT', 'LIST', 'TYPE', 'normal');

    $feed{$_} = 1 for grep { $of{$_} eq 'xread' } keys %of;
    delete @of{keys %feed};

    return %of;
};

for (1 .. 30) {
    $others->();
    sleep 0.05;
}

my %were = $others->();

# the feed looks, and then waits for half a second

$gw->store->revoke('token', 'nobody:t1');
sleep 0.05;
$redis->call('SET', key('stamp'), $raised);
$redis->call('CLIENT', 'KILL', 'ID', $_) for keys %were;
until_ok('D5 workers have connected again', 5, sub {
    my %are = $others->();

    return keys %were <= grep { !$were{$_} && $are{$_} =~ /^(?:eval|ping)/ }
        keys %are;
});
$redis->call(@$_) for ['MULTI'], ['FLUSHALL'],
    [MSET => key('epoch'), '0123456789abcdef', key('stamp'),
        $highest + $day, key('primary'), { $redis->info }->{run_id}],
    @directory, ['EXEC'];
until_ok('D5 the stamp is raised to what a worker knows', 3,
    sub { $gw->store->stamp >= $raised });
until_ok('D5 and tokens have it', 3, sub {
    my $token = $gw->issue($us, $us->{business}) or return 0;

    return claims_of($token)->{seq} >= $raised;
});

$gw->finish;
