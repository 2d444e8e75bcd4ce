# D5: Redis loses revocations while this node has yet to write to its file what
# it had read of the stream before that.  All of it is written back; what was
# read before is not written first.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(slurp);
use AGW::Redis;
use AGW::Revoking qw(conf_of owner_in);
use AGW::Store;
use AGW::Token qw(claims_of);
use AGW::Until qw(until_is);

AGW::Redis::skip_all_without();

my $entries = 20_000;
my $stream = '{agw}:revocations';
my $gw = AGW::Revoking->start(conf_of(), engine => 'redis', workers => 1);
my $redis = $gw->store->redis;
my $us = owner_in($gw);
my $oldest = int(1000 * time) - 2 * $entries;

$redis->call('DEL', $stream);
$gw->store->fill($entries, $oldest);

my $words = $redis->words(more => ['replica=%%PREFIX%%/store/replica.db']);
my $node = $gw->beside(conf_of() =~ s/%%ENGINE%%/$words/r, workers => 1,
    zone => '8m');
my $store = AGW::Store->new($node->prefix . '/store/replica.db');

sub saved { return $store->sql($_[0]) }

sub times_logged {
    my $n = () = slurp($node->nginx->error_log) =~ /$_[0]/g;

    return $n;
}

sub revoke {
    my ($name, $gateway, $token) = @_;

    return $gateway->succeeds($name,
        $gateway->revoke($token, basic => $us->{basic}));
}

# how many entries the file has met in a reading of the stream from the first on
# or in a later one; without a number, in the last one

sub met {
    my ($round) = @_;

    $round //= '(SELECT round FROM state)';

    return saved("SELECT count(*) FROM entries WHERE round >= $round");
}

sub in_stream { return $redis->call('XLEN', $stream) }


# an older copy of the stream, and one entry that another node had written back

my $put = <<'LUA';
redis.call('DEL', KEYS[1])
redis.call('RESTORE', KEYS[1], 0, ARGV[1])
local top = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1]
local stamp = math.max(redis.call('GET', KEYS[2]), string.match(top, '^%d+'))
local id = string.format('%.0f', stamp + 1)
redis.call('SET', KEYS[2], id)
redis.call('XADD', KEYS[1], id .. '-0', 'kind', 'token', 'id', ARGV[2], 'seq',
    ARGV[3], 'time', ARGV[4])
LUA

sub is_known { return $node->result($_[0], $us->{business}) }

# Redis loses all, and the node has had the time to notice; then the file may be
# written.

sub lose_all {
    my ($held) = @_;

    # XREAD waits half a second
    $redis->call('DEL', $stream);
    sleep 0.8;
    AGW::Store::release($held, 'COMMIT;');

    return;
}

until_is('D5 all is in the file', $entries, 10, \&met);

for my $fails (0, 1) {
    my $name = $fails ? 'the file fails' : 'the file is slow';
    my ($lost, $late, $last)
        = map { $node->issue($us, $us->{business}) } 1 .. 3;
    my $copy = $redis->call('DUMP', $stream);
    my $all = in_stream();
    my $behind = times_logged('is behind');
    my $id = "$us->{id}:" . claims_of($late)->{jti};

    revoke("D5 $name: revoked", $node, $lost);
    until_is("D5 $name: it is in the file", $all + 1, 10, \&met);

    my $round = saved('SELECT round FROM state');
    my $held = $store->hold('BEGIN IMMEDIATE;');

    $redis->call('EVAL', $put, 2, $stream, '{agw}:stamp', $copy, $id,
        $oldest - 1 - $fails, int time);
    until_is("D5 $name: all is read again", '401 revoked', 10,
        sub { is_known($late) });
    revoke("D5 $name: the next one is revoked", $node, $last);
    until_is("D5 $name: it is logged", $behind + 1, 5,
        sub { times_logged('is behind') }) if $fails;
    lose_all($held);
    until_is("D5 $name: something is written back", 1, 15,
        sub { in_stream() > 0 ? 1 : 0 });
    cmp_ok(met($round + 1) - in_stream(), '<', $entries / 2,
        "D5 $name: what was read before was not written first")
        if times_logged('is behind') == $behind;
    until_is("D5 $name: all is", $all + 3, 20, \&in_stream);
    until_is("D5 $name: and met", $all + 3, 10, \&met);

    my %entries = $gw->store->entries;

    is($entries{"token $id"}, $oldest - 1 - $fails,
        "D5 $name: what only the queue had, too");
}

# the file fails first, and what the feed meets then is known to this node alone

my @tokens = map { $node->issue($us, $us->{business}) } 1 .. 2;
my $all = in_stream();
my $behind = times_logged('is behind');
my $held = $store->hold('BEGIN IMMEDIATE;');

for my $token (@tokens) {
    revoke('D5 another node revokes', $gw, $token);
    until_is('D5 and this one learns it', '401 revoked', 5,
        sub { is_known($token) });
    until_is('D5 its file fails', $behind + 1, 5,
        sub { times_logged('is behind') }) if $token eq $tokens[0];
}

lose_all($held);
until_is('D5 all is written back', $all + 2, 20, \&in_stream);
until_is('D5 and met', $all + 2, 10, \&met);
sleep 11;
is(in_stream(), $all + 2, 'D5 each entry once');

# what comes to the file much later, as from a worker whose writing failed

my $stamp = $oldest - 100;

$store->sql("INSERT INTO entries VALUES ('token', '$us->{id}:late', $stamp,
    ${\int time}, NULL, 0)");
until_is('D5 what comes to the file late is written back', $all + 3, 15,
    \&in_stream);

is(times_logged('emerg|alert|crit'), 0, 'D5 no alert');

$gw->finish;
