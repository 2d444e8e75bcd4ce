# D5: Redis loses ENTRIES (80000) revocations at once.  What only one node knows
# is written back first, so that the others refuse it soon; then all of it is.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Fleet;
use AGW::Redis;
use AGW::Until qw(until_is);

AGW::Redis::skip_all_without();

my $entries = $ENV{ENTRIES} // 80_000;
my $stream = '{agw}:revocations';

# of a thousand partners, as the gateway writes them

my $fill = <<'LUA';
for i = tonumber(ARGV[1]), tonumber(ARGV[1]) + tonumber(ARGV[2]) - 1 do
    local seq = string.format('%.0f', tonumber(ARGV[3]) + i)
    redis.call('XADD', KEYS[1], seq .. '-0', 'kind', 'token', 'id',
        redis.sha1hex(i % 1000) .. ':' .. redis.sha1hex(seq), 'seq', seq, 'time',
        ARGV[4])
end
LUA

my $redis = AGW::Redis->start(user => 'gateway');
my $first = int(1000 * time) - 2 * $entries;

for (my $i = 0; $i < $entries; $i += 10_000) {
    $redis->call('EVAL', $fill, 1, $stream, $i,
        $i + 10_000 < $entries ? 10_000 : $entries - $i, $first, int time);
}

my $zone = int($entries * 140 / 1_048_576) + 8;
my $fleet = AGW::Fleet->start(redis => $redis, zone => "${zone}m");
my $third = $fleet->node(2);
my $business = $third->{business};
my @basic = (port => 'PLAIN');
my @tokens = map { $third->issue($third->{us}, $business) } 1 .. 20;
my $living = $third->issue($third->{us}, $business);

# how many entries the file of a node has met in the stream

sub saved {
    my ($node) = @_;

    my $file = $node->prefix . '/store/replica.db';
    my $count = `sqlite3 -cmd '.timeout 5000' '$file' 'SELECT count(*) FROM
        entries, state WHERE entries.round = state.round'`;

    chomp $count;

    return $count;
}

for my $node ($fleet->nodes) {
    until_is('D5 a node has all in its file', $entries, 6,
        sub { saved($node) });
}

# the others do not learn of these before all is lost

$fleet->proxy($_)->set(up => 'hold', down => 'hold') for 0, 1;
is_deeply([grep { $_ != 200 } map { $third->revoke($_, @basic)->status }
    @tokens], [], 'P5.3 one node revokes twenty tokens');
until_is('D5 which are in its file', $entries + 20, 3, sub { saved($third) });

$redis->flush_all_but_directory;
$fleet->proxy($_)->set(up => 'pass', down => 'pass') for 0, 1;
$_->cut for $fleet->proxies;

my $began = time;

is(scalar($fleet->accepted(15, $business, \@tokens)), 0,
    'D5 the others refuse them soon');
diag(sprintf 'what one node knew: known after %.2f s, with %d of %d entries',
    time - $began, $redis->call('XLEN', $stream), $entries + 20);
until_is('D5 all is written back', $entries + 20, 6 + $entries / 5000,
    sub { $redis->call('XLEN', $stream) });
diag(sprintf 'all after %.2f s', time - $began);
sleep 2;
is($redis->call('XLEN', $stream), $entries + 20, 'D5 each entry once');
ok($fleet->accepts($_, $living, $business), 'D5 and others are accepted')
    for $fleet->nodes;

$third->finish;
