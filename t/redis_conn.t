# A worker's connections to Redis: over TCP and a unix socket; what is asked
# before anything else; outages, and that they end.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(slurp);
use AGW::Link;
use AGW::Proxy;
use AGW::Redis;
use AGW::Stopwatch;

AGW::Redis::skip_all_without();

my $redis = AGW::Redis->start(user => 'gateway', durable => 1);

# each way to it

for (['a port', {}], ['a socket', { unix => 1 }], ['a database', { db => 3 }])
{
    my ($name, $opt) = @$_;

    my $link = AGW::Link->start($redis->words(%$opt), workers => 2);

    ok($link->connected, "$name: connected");
    is_deeply([$link->bad], [], "$name: nothing is wrong");
    is($link->stop, 0, "$name: it ends");
    is(scalar $link->lines(qr/open socket/), 0, "$name: nothing is left open");
}

is($redis->call('EXISTS', '{agw}:epoch', '{agw}:stamp', '{agw}:primary'), 3,
    'what the handshake makes');

{
    my $client = $redis->client;

    for (['SELECT', 3, 'OK'],
        ['EXISTS', '{agw}:epoch', '{agw}:stamp', '{agw}:primary', 3])
    {
        my ($command, @words) = @$_;
        my $want = pop @words;

        $client->send([$command, @words]);
        is($client->reply, $want, "in the database that is named: $command");
    }
}


# what is asked first, by each connection

{
    my $monitor = $redis->client;

    $monitor->send(['MONITOR']);
    is($monitor->reply, 'OK', 'all commands are looked at');

    my $link = AGW::Link->start($redis->words(db => 2));
    my @order;

    ok($link->connected, 'connected');

    while (@order < 6) {
        my ($from, $command) = $monitor->reply =~ /\[\d+ (\S+)\] "(\w+)"/;

        next if $from eq 'lua';
        @order = ($from) if !@order;
        push @order, uc $command if $from eq $order[0];
    }

    is_deeply([@order[1 .. 5]], [qw(AUTH SELECT ROLE INFO EVAL)],
        'a connection begins with the handshake');
    $link->stop;
}


# it is killed, and comes back

{
    my $link = AGW::Link->start($redis->words, workers => 2);

    ok($link->connected, 'connected');
    sleep 1.2;
    $link->mark;
    $redis->kill;
    like($link->outage, qr/: 127\.0\.0\.1:\d+: (?:connect|recv)\(\) failed \(\d+: /,
        'an outage, and why');
    $link->lines_are(qr/\[error\].* is out of reach/, 2);
    sleep 2;
    is(scalar $link->lines(qr/\[error\].* is out of reach/), 2,
        'it is logged once a worker');
    cmp_ok(scalar $link->lines(qr/\[(?:error|crit|warn)\]/), '<=', 8,
        'and no flood of others');

    my @pids = $link->workers;
    $redis->restart;

    my $watch = AGW::Stopwatch->start($redis->pid, @pids);

    ok($link->back(30), 'it is back');
    cmp_ok($watch->seconds, '<', 2, 'within two seconds');
    is_deeply([$link->workers], \@pids, 'in the same workers');
    is_deeply([$link->bad], [], 'nothing is wrong');
    is($link->stop, 0, 'it ends');
}


# it is away when nginx starts

{
    $redis->kill;

    my $link = AGW::Link->start($redis->words);

    like($link->outage, qr/connect\(\) failed/, 'nginx starts without it');
    $redis->restart;
    ok($link->back, 'and finds it');
    $link->stop;

    $redis->kill;
    $link = AGW::Link->start($redis->words(unix => 1));
    like($link->outage, qr/connect\(\) failed \(\d+: /, 'no socket either');
    $redis->restart;
    ok($link->back, 'and finds it');
    is(scalar $link->lines(qr/\[(?:alert|emerg)\]/), 0, 'without an alert');
    $link->stop;
}


# it stands still

{
    $redis->freeze;

    my $then = time;
    my $link = AGW::Link->start($redis->words);

    like($link->outage, qr/had no reply in time/, 'it does not answer');
    cmp_ok(time - $then, '>', 0.9, 'after a second');

    $then = time;
    kill 'QUIT', $link->{pid};
    waitpid $link->{pid}, 0;
    cmp_ok(time - $then, '<', 15, 'nginx ends gracefully all the same');
    is($?, 0, 'with status 0');

    $link = AGW::Link->start($redis->words);
    ok($link->outage, 'it does not answer');
    sleep 1;
    $redis->thaw;

    my $watch = AGW::Stopwatch->start($redis->pid, $link->workers);

    ok($link->back(30), 'it is back');
    cmp_ok($watch->seconds, '<', 2, 'within two seconds');
    $link->stop;
}

# a network that swallows all

{
    my $proxy = AGW::Proxy->start(to => $redis->port);
    my $link = AGW::Link->start($redis->words(port => $proxy->port));

    ok($link->connected, 'connected');
    sleep 1.1;
    $link->mark;
    $proxy->set(accept => 'hold');
    $proxy->cut;
    like($link->outage, qr/had no reply in time/, 'a connection that is held');
    $proxy->set(accept => 'pass');

    my $watch = AGW::Stopwatch->start($redis->pid, $link->workers);

    ok($link->back(30), 'it is back');
    cmp_ok($watch->seconds, '<', 2.5, 'within two seconds');
    $link->stop;
}


# ended by the server, and by a firewall: not an outage

{
    my $link = AGW::Link->start($redis->words);

    ok($link->connected, 'connected');
    sleep 1.2;
    $link->mark;
    $redis->call(qw(CLIENT KILL TYPE normal SKIPME yes));
    $redis->forget_client;
    ok($link->connected, 'connected again');
    is(scalar $link->lines(qr/out of reach/), 0, 'without an outage');
    $link->stop;
}


# reloads leave nothing behind

{
    my $link = AGW::Link->start($redis->words, workers => 2);

    ok($link->connected, 'connected');

    # until both workers have all of theirs

    my ($before, $last) = (0, -1);

    while ($before != $last) {
        sleep 1;
        $last = $before;
        $before = () = $redis->call(qw(CLIENT LIST)) =~ /user=gateway/g;
    }

    $link->reload for 1 .. 10;

    my $after;

    # the last of the old workers are still on their way out

    for (1 .. 500) {
        $after = () = $redis->call(qw(CLIENT LIST)) =~ /user=gateway/g;
        last if $after == $before;
        sleep 0.02;
    }

    is($after, $before, "as many connections after ten reloads: $before");
    is(scalar $link->lines(qr/open socket|\[alert\]/), 0, 'no open socket');
    is(scalar $link->lines(qr/\[error\]/), 0, 'no error');
    is($link->stop, 0, 'it ends');
}


# an outage that comes again and again

{
    my $proxy = AGW::Proxy->start(to => $redis->port);
    my $link = AGW::Link->start($redis->words(port => $proxy->port));

    ok($link->connected, 'connected');
    sleep 1.2;
    $link->mark;

    for (1 .. 40) {
        $proxy->cut;
        sleep 0.1;
    }

    cmp_ok(scalar $link->lines(qr/\[(?:error|warn|notice)\]/), '<=', 60,
        'is not a flood of the log');
    ok($link->line(qr/connected to store|is back/), 'it connects');
    $link->stop;
}


# a helper process asks nothing

{
    my $link = AGW::Link->start($redis->words, workers => 1,
        http => 'proxy_cache_path %%PREFIX%%/cache keys_zone=c:1m;');

    ok($link->connected, 'connected');

    my %helper = map { $_ => 1 } grep { slurp("/proc/$_/cmdline") =~ /cache/ }
        split ' ', slurp("/proc/$link->{pid}/task/$link->{pid}/children");

    ok(%helper, 'there is a cache process');
    is(scalar(grep { my ($pid) = /\] (\d+)#/; $helper{ $pid // 0 } }
        $link->lines(qr/auth_gateway/)), 0, 'which says nothing of a store');
    $link->stop;
}

done_testing();
