# D5: while a node reads all of the stream again, it learns what is new before
# it has come to the end.  The story: with 100,000 entries on a busy machine,
# what was revoked after a fail-over was accepted for three seconds.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(slurp);
use AGW::Proxy;
use AGW::Redis;
use AGW::Revoking qw(conf_of owner_in);
use AGW::Store;
use AGW::Token qw(claims_of);
use AGW::Until qw(until_is);

AGW::Redis::skip_all_without();

my $entries = 40_000;
my $stream = '{agw}:revocations';
my $gw = AGW::Revoking->start(conf_of(), engine => 'redis', workers => 1);
my $redis = $gw->store->redis;
my $us = owner_in($gw);

$redis->call('DEL', $stream);
$gw->store->fill($entries, int(1000 * time) - 2 * $entries);

my $proxy = AGW::Proxy->start(to => $redis->port);
my $words = $redis->words(port => $proxy->port,
    more => ['replica=%%PREFIX%%/store/replica.db']);
my $node = $gw->beside(conf_of() =~ s/%%ENGINE%%/$words/r, workers => 1);
my $file = AGW::Store->new($node->prefix . '/store/replica.db');
my @tokens = map { $gw->issue($us, $us->{business}) } 1 .. 3;
my $copy = $redis->call('DUMP', $stream);

sub times_read {
    my $n = () = slurp($node->nginx->error_log)
        =~ /all revocations are known/g;

    return $n;
}

sub revoke {
    my ($name, $token) = @_;

    $gw->succeeds("P5.3 $name", $gw->revoke($token, basic => $us->{basic}));

    return until_is('D5 the node refuses it', '401 revoked', 5,
        sub { $node->result($token, $us->{business}) });
}

# how many of the entries the file has met in the last reading

sub met {
    return $file->sql('SELECT count(*) FROM entries, state
        WHERE entries.round = state.round');
}

revoke('a token is revoked', $tokens[0]);
until_is('D5 all is in the file', $entries + 1, 10, \&met);

# an older copy of the stream is put in its place, and the node has begun it

sub read_again {
    my ($delay) = @_;

    my $round = $file->sql('SELECT round FROM state');

    $proxy->set(delay => $delay);
    $redis->call('RESTORE', $stream, 0, $copy, 'REPLACE');

    return until_is('D5 all is read again', $round + 1, 10,
        sub { $file->sql('SELECT round FROM state') });
}

my $read = times_read();

read_again(0.1);

for my $n (1, 2) {
    revoke("token $n while all is read again", $tokens[$n]);
    is(times_read(), $read, 'D5 before all is read');
}

my $id = claims_of($tokens[2])->{jti};

until_is('D5 it is in the file', 1, 5, sub {
    $file->sql("SELECT count(*) FROM entries WHERE id LIKE '%:$id'") });
is(times_read(), $read, 'D5 before all is read');

$proxy->set(delay => 0);
until_is('D5 all is read', $read + 1, 10, \&times_read);
until_is('D5 and in the file', $entries + 3, 10, \&met);
ok($redis->call('XLEN', $stream) == $entries + 3, 'D5 each entry once');

my $late = $gw->issue($us, $us->{business});

revoke('another one afterwards', $late);

# then each reading is one XREAD again, and two nodes read

$redis->call('CONFIG', 'RESETSTAT');
sleep 2;

my %calls = $redis->call('INFO', 'commandstats')
    =~ /cmdstat_(xread|eval):calls=(\d+)/g;

cmp_ok($calls{eval}, '>', 4, 'D5 the stream is looked at');
cmp_ok($calls{xread}, '<', 1.5 * $calls{eval},
    'D5 what is new is in one reply');

# and it does while it reads what came when it was cut off, also in a worker
# that takes over in the middle

sub last_id {
    return $redis->call('XREVRANGE', $stream, '+', '-', 'COUNT', 1)->[0][0];
}

sub last_stamp { return last_id() =~ s/-.*//r }

my ($missed, $behind_all, $taken_over)
    = map { $gw->issue($us, $us->{business}) } 1 .. 3;

until_is('D5 all is in the file', $entries + 4, 10, \&met);
$proxy->set(accept => 'close');
$proxy->cut;
$gw->store->fill(2 * $entries, last_stamp() + 1);
$redis->call('SET', '{agw}:stamp', last_stamp());
$gw->succeeds('P5.3 at the end of it', $gw->revoke($missed,
    basic => $us->{basic}));
$proxy->set(accept => 'pass', delay => 0.2);

for my $what (['behind all that came', $behind_all],
    ['after a worker took over', $taken_over])
{
    my $met = met();

    $node->nginx->reload if $what->[1] eq $taken_over;
    until_is('D5 some of it is read', 1, 20, sub { met() > $met ? 1 : 0 });
    revoke(@$what);
    is($node->result($missed, $us->{business}), 'ok',
        'D5 before it has come to the end');
}

$proxy->set(delay => 0);
until_is('D5 and all is in the file', 3 * $entries + 7, 20, \&met);
is($node->result($missed, $us->{business}), '401 revoked', 'D5 with its end');
$entries = 3 * $entries + 3;

# an entry that is too large, at the end: the others are read, and it is named

my ($lost, $behind) = map { $gw->issue($us, $us->{business}) } 1 .. 2;

until_is('D5 all is in the file', $entries + 4, 10, \&met);
$copy = $redis->call('DUMP', $stream);
revoke('one that is lost', $lost);
until_is('D5 it is in the file', $entries + 5, 10, \&met);
read_again(0.02);

my $last = last_id();
my $stamp = last_stamp() + 60_000;     # above the one that is lost

$redis->call('SET', '{agw}:stamp', $stamp);

my $huge = $redis->call('XADD', $stream, "$stamp-0", 'kind', 'x' x 9_000_000);

until_is('D5 the entry is named by the one before it', 1, 30, sub {
    slurp($node->nginx->error_log)
        =~ /entry of its revocations behind \Q$last\E is not read/ ? 1 : 0 });
$redis->call('XDEL', $stream, $huge);
revoke('when it is removed, one more', $behind);

$gw->finish;
