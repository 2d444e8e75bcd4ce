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

    my $until = time + $seconds;

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

$gw->finish;
