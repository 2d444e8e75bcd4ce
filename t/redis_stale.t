# D5: knowledge that is too old, revocations that replicas have to confirm, and
# a reload while another worker follows.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(slurp);
use AGW::Redis;
use AGW::RedisStore;
use AGW::Revoking qw(conf_of owner_in);
use AGW::Stopwatch;
use AGW::Until qw(until_is);

AGW::Redis::skip_all_without();

# auth_gateway_revocations_stale

my $gw = AGW::Revoking->start(
    conf_of(http => 'auth_gateway_revocations_stale 2s;'),
    engine => 'redis', workers => 2);
my $bare = $gw->beside(conf_of(), workers => 2);
my $redis = $gw->store->redis;
my $us = owner_in($gw);
my $token = $gw->issue($us, $us->{business});

sub guarded { return $_[0]->get($token, $us->{business})->status }

is(guarded($gw), 200, 'D5 fresh knowledge');
sleep 2.5;
is(guarded($gw), 200, 'D5 nothing new is fresh too');
$redis->freeze;
is(guarded($gw), 200, 'D5 Redis stands still: not stale yet');
until_is('D5 stale knowledge', 503, 4, sub { guarded($gw) });
is(guarded($bare), 200, 'D5 without the directive, requests go on');
until_is('D5 logged', 1, 1, sub { slurp($gw->nginx->error_log)
    =~ /what is revoked has not been read for \d+ ms/ ? 1 : 0 });
$redis->thaw;
until_is('D5 known again', 200, 4, sub { guarded($gw) });
until_is('D5 logged', 1, 1, sub { slurp($gw->nginx->error_log)
    =~ /what is revoked is known again/ ? 1 : 0 });

# a reload: the new workers follow at once

for (1 .. 3) {
    ok($bare->nginx->reload, 'D5 a reload');
    $bare->new_workers;

    my $watch = AGW::Stopwatch->start($bare->nginx->workers);

    ok($bare->learns, 'D5 news arrive');
    cmp_ok($watch->seconds, '<', 1, 'D5 within a second');
}

# wait=

my $primary = AGW::Redis->start;
my $words = $primary->words(more => ['wait=1']);
my $waiter = $gw->beside(conf_of() =~ s/%%ENGINE%%/$words/r, workers => 1);

$waiter->{store} = AGW::RedisStore->new($primary);
$waiter->{store}->wait_until_ready($waiter->nginx);

my $them = owner_in($waiter);
my @tokens = map { $waiter->issue($them, $them->{business}) } 1 .. 4;

sub revoke { return $waiter->revoke($_[0], basic => $them->{basic}) }

my $watch = AGW::Stopwatch->start($waiter->nginx->workers);

is(revoke($tokens[0])->status, 503, 'D5 wait=1 without a replica: 503');
cmp_ok($watch->seconds, '<', 1.5, 'D5 in good time');
like(slurp($waiter->nginx->error_log),
    qr/only 0 replicas confirmed a revocation/, 'D5 logged');
until_is('D5 the token is revoked all the same', '401 revoked', 2,
    sub { $waiter->result($tokens[0], $them->{business}) });

my $replica = AGW::Redis->start(replica_of => $primary);

$replica->wait_for_primary;
until_is('D5 with a replica: 200', 200, 3, sub { revoke($tokens[1])->status });
is($waiter->result($tokens[1], $them->{business}), '401 revoked',
    'D5 and in force');
is($waiter->request('POST', '/token', basic => $them->{basic},
    quiet => 1)->status, 200, 'D5 tokens are issued');

# many at once share a WAIT

my @more = map { $waiter->issue($them, $them->{business}) } 1 .. 20;

is(scalar(grep { revoke($_)->status == 200 } @more), 20,
    'D5 many revocations');
$replica->freeze;
is(revoke($tokens[2])->status, 503, 'D5 a replica that stands still: 503');
$replica->thaw;
until_is('D5 and 200 again', 200, 3, sub { revoke($tokens[3])->status });

$gw->finish;
