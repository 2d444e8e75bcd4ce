# D5: a node that starts without Redis serves with its replica, also if the
# worker that has read the file ends before it knows that Redis is away.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Files qw(slurp);
use AGW::Proxy;
use AGW::Redis;
use AGW::Revoking qw(conf_of owner_in);
use AGW::Until qw(until_is);

AGW::Redis::skip_all_without();

my $gw = AGW::Revoking->start(conf_of(), engine => 'redis', workers => 1);
my $redis = $gw->store->redis;
my $us = owner_in($gw);
my ($living, $revoked) = map { $gw->issue($us, $us->{business}) } 1 .. 2;
my $proxy = AGW::Proxy->start(to => $redis->port);
my $words = $redis->words(port => $proxy->port,
    more => ['replica=%%PREFIX%%/store/replica.db']);
my $node = $gw->beside(conf_of() =~ s/%%ENGINE%%/$words/r, workers => 2);
my $file = $node->prefix . '/store/replica.db';

$gw->succeeds('P5.3 a token is revoked',
    $gw->revoke($revoked, basic => $us->{basic}));
until_is('D5 its replica is whole', 1, 5, sub {
    0 + qx(sqlite3 -cmd '.timeout 5000' $file "SELECT count(*)
        FROM entries, state WHERE store <> ''") });

# connections are not refused, so that it takes a second to learn that

$proxy->set(up => 'drop', down => 'drop', accept => 'hold');
$node->nginx->stop;

my $from = -s $node->nginx->error_log;

$node->restart;

my $reader;

until_is('D5 a worker has read the file', 1, 5, sub {
    ($reader) = substr(slurp($node->nginx->error_log), $from)
        =~ /(\d+)#\d+: auth_gateway: replica "[^"]+" has 1 revocations/;
    return defined $reader ? 1 : 0;
});
kill 'KILL', $reader;

until_is('D5 another one goes on with it', 'ok', 5,
    sub { $node->result($living, $us->{business}) });
is($node->result($revoked, $us->{business}), '401 revoked',
    'D5 what was revoked is refused');

my @users = substr(slurp($node->nginx->error_log), $from)
    =~ /(\d+)#\d+: auth_gateway: store .* seconds ago are used, from replica/g;

cmp_ok($users[-1] // $reader, '!=', $reader,
    'D5 it was read by one, and used by another');

# once Redis is back, it is read

my $later = $gw->issue($us, $us->{business});

$gw->succeeds('P5.3 another token is revoked',
    $gw->revoke($later, basic => $us->{basic}));
$proxy->set(up => 'pass', down => 'pass', accept => 'pass');
$proxy->cut;
until_is('D5 and refused there', '401 revoked', 5,
    sub { $node->result($later, $us->{business}) });

push @{ $node->{allow} }, qr/exited on signal 9/;

$gw->finish;
