# D5: Redis loses ENTRIES (80000) revocations at once.  What only one node knows
# is written back first, so that the others refuse it soon; then all of it is.
# Where all is read again, what is new is in the files first.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Fleet;
use AGW::Redis;
use AGW::RedisStore;
use AGW::Store;
use AGW::Token qw(claims_of);
use AGW::Until qw(until_is);

AGW::Redis::skip_all_without();

my $entries = $ENV{ENTRIES} // 80_000;
my $stream = '{agw}:revocations';

my $redis = AGW::Redis->start(user => 'gateway');
my $oldest = int(1000 * time) - 2 * $entries;

AGW::RedisStore->new($redis)->fill($entries, $oldest);

my $zone = int($entries * 140 / 1_048_576) + 8;
my $fleet = AGW::Fleet->start(redis => $redis, zone => "${zone}m");
my $third = $fleet->node(2);
my $business = $third->{business};
my @basic = (port => 'PLAIN');
my @tokens = map { $third->issue($third->{us}, $business) } 1 .. 20;
my ($living, @later) = map { $third->issue($third->{us}, $business) } 1 .. 3;

sub file_of { return $_[0]->prefix . '/store/replica.db' }

sub query {
    my ($node, $sql) = @_;

    my $file = file_of($node);
    my $answer = `sqlite3 -cmd '.timeout 5000' '$file' "$sql"`;

    chomp $answer;

    return $answer;
}


# how often the file has met the stream from the first entry on

sub round_of { return query($_[0], 'SELECT round FROM state') }


# how many entries it has met the last time

my $met = 'SELECT count(*) FROM entries, state WHERE entries.round = state.round';

sub saved { return query($_[0], $met) }

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

# An older copy of the stream is put in its place, and all of it is read and
# written again: what is revoked meanwhile does not wait for that.

my $first = $fleet->node(0);
my $copy = $redis->call('DUMP', $stream);

is($third->revoke($later[0], @basic)->status, 200, 'P5.3 one is revoked');
is(scalar($fleet->accepted(5, $business, [$later[0]])), 0,
    'D5 and refused by the others');

my $round = round_of($third);
my $held = AGW::Store->new(file_of($first))->hold('BEGIN IMMEDIATE;');

$redis->call('RESTORE', $stream, 0, $copy, 'REPLACE');
$_->cut for $fleet->proxies;
until_is('D5 all is read again', 1, 5, sub { round_of($third) > $round });
sleep 0.1;
until_is('P5.3 the next one is revoked', 200, 5,
    sub { $third->revoke($later[1], @basic)->status });
is(scalar($fleet->accepted(15, $business, [$later[1]])), 0,
    'D5 and refused by the others, too');
AGW::Store::release($held, 'COMMIT;');

my $jti = claims_of($later[1])->{jti};
my $entries_met = 0;

$began = time;

until_is('D5 it is in the file of another', 1, 5, sub {
    (my $has, $entries_met) = split /\|/, query($first, "SELECT (SELECT
        count(*) FROM entries WHERE id LIKE '%:$jti'), ($met)");
    return $has;
});
cmp_ok($entries_met, '<', $entries, 'D5 before all is');
diag(sprintf 'after %.2f s, with %d of %d entries', time - $began,
    $entries_met, $entries + 20);

until_is('D5 and then all is', $entries + 22, 6 + $entries / 5000,
    sub { saved($third) });
ok(!$fleet->accepts($_, $later[0], $business), 'D5 what the copy lacks, too')
    for $fleet->nodes;

# The file is of this store by another name, and lacks all: each part of it is
# written, not only the last one.

my $second = $fleet->node(1);

$second->nginx->stop;
system('sqlite3', file_of($second), "UPDATE state SET store = store || '0';
    DELETE FROM entries") == 0 or die "sqlite3\n";
$second->restart;
until_is('D5 a store that has moved is written anew', $entries + 22,
    6 + $entries / 5000, sub { saved($second) });

$third->finish;
