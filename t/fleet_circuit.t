# D5: an outage of Redis that one worker has found is known to all workers of
# the node: none of them sends a query into it, and those that wait are
# answered.  Story: each worker found out by a query of its own, which took its
# whole deadline of a second.  But a connection that is broken is not an outage.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::ErrorLog qw(log_mark log_since);
use AGW::Fleet;
use AGW::Gateway;
use AGW::Redis;
use AGW::Stopwatch;

AGW::Redis::skip_all_without();

my $fleet = AGW::Fleet->start(nodes => 1, workers => 4);
my ($redis, $proxy, $gw) = ($fleet->redis, $fleet->proxy(0), $fleet->nodes);
my $us = $gw->{us};
my %open = $gw->each_worker;
my @workers = sort keys %open;

is(scalar @workers, 4, 'D5 four workers');

sub token_request {
    my ($worker) = @_;

    return $open{$worker}->send("POST /token HTTP/1.1\r\nHost: localhost\r\n"
        . AGW::Gateway::basic($us->{id}, $us->{key}) . "\r\n"
        . "Content-Length: 0\r\n\r\n");
}

sub token_status {
    my ($worker) = @_;

    token_request($worker);

    return $open{$worker}->response->status;
}

sub status_of_all { return join ' ', map { token_status($_) } @workers }

sub wait_until {
    my ($seconds, $sub) = @_;

    my $until = time + $seconds;

    while (time < $until) {
        return 1 if $sub->();
        sleep 0.02;
    }

    return 0;
}

my $start = log_mark($gw->nginx);
my $mark = $start;

sub lines { return scalar grep { /$_[0]/ } split /\n/, log_since($gw->nginx,
    $mark) }

# whether each worker's outages are over, of all its connections

sub all_are_back {
    my %last;

    for (split /\n/, log_since($gw->nginx, $start)) {
        $last{$1} = $2 if /(\d+)#\d+: .* is (out of reach|back) /;
    }

    return !grep { $_ ne 'back' } values %last;
}

sub recovers {
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my %left = map { $_ => 1 } @workers;
    my $all = wait_until(10, sub {
        delete @left{ grep { token_status($_) == 200 } keys %left };
        return !%left && all_are_back();
    });

    return ok($all, $name);
}

is(status_of_all(), '200 200 200 200', 'D5 each issues tokens');


# nobody's query waits for it

$redis->freeze;
ok(wait_until(20, sub { lines(qr/is out of reach for/) }),
    'D5 stopped: a worker finds out, without a query');
is(status_of_all(), '503 503 503 503', 'D5 all know');
is(lines(qr/no reply to a query/), 0, 'D5 and none has asked Redis');
$redis->thaw;
recovers('D5 each issues tokens again');


# a query finds out, while others wait

$redis->freeze;

{
    my ($first, $second) = @workers;

    token_request($first);
    sleep 0.8;

    my $watch = AGW::Stopwatch->start($gw->nginx->workers);

    token_request($second);
    is($open{$first}->response->status, 503, 'D5 a query has no reply');
    is($open{$second}->response->status, 503, 'D5 nor has a later one');
    cmp_ok($watch->seconds, '<', 0.8, 'D5 which has not waited for its deadline');
}

is(status_of_all(), '503 503 503 503', 'D5 all know');

# one reply that is late, and no connection that is new, is enough

$redis->thaw;
recovers('D5 each issues tokens again');


# one connection is broken, and the others are not

$mark = log_mark($gw->nginx);

{
    my ($broken, @others) = @workers;
    my %said;

    $proxy->hold_one($us->{id});
    token_request($broken);
    ok(wait_until(10, sub { $proxy->has_held }), 'D5 a connection is held');

    $proxy->set(accept => 'hold');

    until ($open{$broken}->fill(0)) {
        $said{ token_status($_) }++ for @others;
        sleep 0.01;
    }

    $said{ token_status($_) }++ for @others;
    is($open{$broken}->response->status, 503, 'D5 it is broken');
    is(join(' ', keys %said), '200', 'D5 others notice nothing')
        or diag(explain(\%said));
    is(lines(qr/is out of reach for/), 1, 'D5 one worker has lost it');
    $proxy->set(accept => 'pass');
    recovers('D5 and connects again');
}


# All connections are gone and nobody is told, as when a firewall has forgotten
# them: once one worker has found out, the others try theirs before they are
# needed.

{
    my (undef, $before) = $proxy->connections;

    $proxy->hold_all;
    is(token_status($workers[0]), 503, 'D5 a query has no reply');
    ok(wait_until(20, sub { ($proxy->connections)[1] >= $before + 5 }),
        'D5 all connections are new, those of idle workers too');
    recovers('D5 each issues tokens again');
}

$gw->finish;
