# D5: while a node reads all of the stream again, it learns what is new before
# it has come to the end.  The story: with 100,000 entries on a busy machine,
# what was revoked after a fail-over was accepted for three seconds.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);

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

my $round = $file->sql('SELECT round FROM state');
my $read = times_read();

$proxy->set(delay => 0.1);
$redis->call('RESTORE', $stream, 0, $copy, 'REPLACE');
until_is('D5 all is read again', $round + 1, 10,
    sub { $file->sql('SELECT round FROM state') });

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

$gw->finish;
