# Where a worker connects to: several hosts in turn, names that move, sentinels
# that know the primary, and a cluster that has the keys elsewhere.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Conf qw(free_port);
use AGW::Dns;
use AGW::Files qw(random_hex slurp spew);
use AGW::Link;
use AGW::Proxy;
use AGW::Redis;
use AGW::Secrets qw(secret);
use AGW::Sentinels;
use AGW::Stopwatch;

AGW::Redis::skip_all_without();

sub to {
    my ($port) = @_;

    return qr/(?:connected to store "[^"]+"|is back|"[^"]+"), 127\.0\.0\.1:$port\b/;
}


# hosts in turn

{
    my $first = AGW::Redis->start;
    my $second = AGW::Redis->start;
    my ($one, $two, $none) = ($first->port, $second->port, free_port());
    my $link = AGW::Link->start("redis://127.0.0.1:$none,127.0.0.1:$one");

    ok($link->line(to($one)), 'the second, where the first is away');
    is(scalar $link->lines(qr/out of reach/), 0, 'which is no outage');
    $link->stop;

    my $replica = AGW::Redis->start(replica_of => $first);

    $replica->wait_for_primary;
    $link = AGW::Link->start('redis://127.0.0.1:' . $replica->port
        . ",127.0.0.1:$one");
    ok($link->line(to($one)), 'the second, where the first is a replica');
    $link->stop;

    $link = AGW::Link->start("redis://127.0.0.1:$one,127.0.0.1:$two");
    ok($link->line(to($one)), 'the first');
    sleep 1.2;
    $link->mark;
    $first->kill;
    ok($link->line(to($two)), 'the second, when the first dies');
    is(scalar $link->lines(qr/out of reach/), 0, 'which is no outage');
    sleep 1.2;
    $link->mark;
    $second->kill;
    like($link->outage, qr/:(?:$one: .*; \S+:$two|$two: .*; \S+:$one): /,
        'neither: why, of both');
    $first->restart;
    ok($link->line(to($one)), 'and the first again');
    $link->stop;
}


# a name that moves

{
    my $first = AGW::Redis->start;
    my $dns = AGW::Dns->start('redis.test' => '127.0.0.1', 'gone.test' => '');
    my $port = $first->port;
    my $link = AGW::Link->start("redis://redis.test:$port",
        http => 'resolver ' . $dns->address . ' valid=1s ipv6=off;');

    ok($link->line(qr/connected to store .*, redis\.test:$port/), 'a name');
    sleep 1.2;

    # the old address stays: it is asked only when the connection has ended

    my $second = AGW::Redis->start(config => ["bind 127.0.0.2",
        'protected-mode no']);

    $link->mark;
    $dns->set('redis.test' => '127.0.0.2');
    $second->call(qw(CONFIG SET port), $port);
    $first->kill;
    ok($link->line(qr/is back|connected to store/), 'at its new address');

    my $clients = $second->call(qw(CLIENT LIST));

    like($clients, qr/laddr=127\.0\.0\.2:$port/, 'which it is');
    is_deeply([$link->bad], [], 'nothing is wrong');

    $dns->set('redis.test' => '');
    sleep 1.2;
    $link->mark;
    $second->kill;
    like($link->outage,
        qr/it cannot be resolved: Host not found|(?:connect|recv)\(\)/,
        'a name that is gone');
    ok($link->line(qr/it cannot be resolved: Host not found/, 15), 'it says so');
    $dns->set('redis.test' => '127.0.0.3 127.0.0.1');
    $first->restart;
    ok($link->back(15), 'one of two addresses');
    is_deeply([$link->bad], [], 'nothing is wrong');
    is($link->stop, 0, 'it ends');

    # a name server that says nothing

    my $silent = IO::Socket::INET->new(Proto => 'udp',
        LocalAddr => '127.0.0.1', LocalPort => 0);

    $link = AGW::Link->start("redis://redis.test:$port",
        http => 'resolver 127.0.0.1:' . $silent->sockport . ' ipv6=off;');
    like($link->outage,
        qr/it cannot be resolved: Operation timed out: "resolver" must be/,
        'a name server that says nothing');

    my $then = time;

    kill 'QUIT', $link->{pid};
    waitpid $link->{pid}, 0;
    cmp_ok(time - $then, '<', 15, 'nginx ends gracefully all the same');
}


# sentinels

{
    my $primary = AGW::Redis->start;
    my @replicas = map { AGW::Redis->start(replica_of => $primary) } 1, 2;

    $_->wait_for_primary for @replicas;

    my $sentinels = AGW::Sentinels->start($primary, replicas => 2);
    my ($first) = $sentinels->ports;
    my $port = $primary->port;
    my $words = $sentinels->words($primary);
    my $link = AGW::Link->start($words);

    ok($link->line(to($port)), 'the primary that sentinels know');
    $link->stop;

    # the first is away, or knows no such master

    $sentinels->{list}[0]->kill;
    $link = AGW::Link->start($words);
    ok($link->line(to($port)), 'from the second, where the first is away');
    $link->stop;
    $sentinels->{list}[0]->restart;

    $link = AGW::Link->start($words =~ s/sentinel=\S+/sentinel=another/r);
    like($link->outage, qr/does not know a master of .*, which must be one/,
        'a name that none knows');
    $link->stop;

    $link = AGW::Link->start("redis://127.0.0.1:$port sentinel=mymaster");
    like($link->outage, qr/it is no sentinel: .* must be/,
        'a server that is none');
    $link->stop;

    $link = AGW::Link->start("redis://127.0.0.1:$first");
    like($link->outage, qr/it is a sentinel: "sentinel="|refuses (?:INFO|ROLE)/,
        'a sentinel that is taken for a server');
    $link->stop;

    # a fail-over

    $link = AGW::Link->start($words, workers => 2);
    ok($link->connected, 'connected');
    sleep 1.2;
    $link->mark;
    $primary->kill;
    ok($link->outage, 'an outage');

    my $new = $sentinels->wait_for_other_than($port);
    my $watch = AGW::Stopwatch->start($link->workers);

    ok($link->back(30), 'it is back');
    cmp_ok($watch->seconds, '<', 2, 'within two seconds of the promotion');
    ok($link->line(qr/, 127\.0\.0\.1:$new, is back/), 'at the new primary');
    ok($link->line(qr/its stamps were raised by a day/),
        'whose stamps were raised');
    is(scalar(() = $link->lines(qr/were raised by a day/)), 1, 'once');
    is_deeply([$link->bad], [], 'nothing is wrong');
    $link->stop;
}


# a sentinel that requires a password: it gets that of the primary

{
    my $primary = AGW::Redis->start(password => 1);
    my $sentinels = AGW::Sentinels->start($primary, count => 1, quorum => 1,
        password => $primary->password);
    my $words = $sentinels->words($primary);
    my $wrong = $primary->dir . '/wrong';
    my $refused = qr/the sentinel refuses the user or the password: it must/;
    my @logs;

    spew($wrong, secret(random_hex(16)) . "\n", 0600);

    my $link = AGW::Link->start($words);

    ok($link->line(to($primary->port)), 'the right password');
    is_deeply([$link->bad], [], 'nothing is wrong');
    $link->stop;
    push @logs, slurp($link->error_log);

    for my $case (
        ['a wrong password', $words =~ s/password_file=\K\S+/$wrong/r,
            $refused],
        ['a user that it does not have', "$words user=gateway", $refused],
        ['no password', $words =~ s/ password_file=\S+//r,
            qr/it wants a password: "password_file=" must be given/])
    {
        my ($name, $given, $why) = @$case;

        $link = AGW::Link->start($given);
        like($link->outage, $why, $name);
        is(scalar $link->lines(to($primary->port)), 0, "$name: no primary");
        is_deeply([$link->bad], [], "$name: nothing else is wrong");
        $link->stop;
        push @logs, slurp($link->error_log);
    }

    for my $secret (map { s/\n//r } $primary->password, slurp($wrong)) {
        ok(!(grep { index($_, $secret) >= 0 } @logs),
            'D3 the password is in no log');
    }
}


# over TLS; name= is that of the sentinel and of the primary

{
    my $primary = AGW::Redis->start(tls => 1, user => 'gateway');
    my $sentinels = AGW::Sentinels->start($primary, count => 1, quorum => 1);
    my $words = $sentinels->words($primary);

    for my $given ($words, $words =~ s/127\.0\.0\.1/localhost/r,
        "$words name=localhost")
    {
        my $link = AGW::Link->start($given);

        ok($link->line(to($primary->port)), 'a sentinel over TLS');
        is_deeply([$link->bad], [], 'nothing is wrong');
        $link->stop;
    }

    my ($port) = $sentinels->ports;
    my $link = AGW::Link->start("$words name=other.example");

    like($link->outage, qr/:$port: the server's certificate is not of/,
        'name= of another');
    like($link->outage, qr/"other\.example": "name=" must be a name in it/,
        'it says so');
    $link->stop;
}


# a cluster: what has moved is followed

{
    my @nodes = map { AGW::Redis->start(cluster => 1) } 1, 2;
    my ($one, $two) = map { $_->port } @nodes;

    $nodes[0]->add_slots(0, 100);
    $nodes[1]->add_slots(101, 16383);
    $nodes[0]->meet($nodes[1]);

    for (1 .. 200) {
        last if 2 == grep { $_->call('CLUSTER', 'INFO')
            =~ /cluster_state:ok/ } @nodes;
        sleep 0.1;
    }

    cmp_ok($nodes[0]->call('CLUSTER', 'KEYSLOT', '{agw}:x'), '>', 100,
        'the keys are of the second node');

    my $link = AGW::Link->start("redis://127.0.0.1:$one");

    ok($link->line(to($two)), 'it is followed to that node');
    is($nodes[1]->call('EXISTS', '{agw}:epoch'), 1, 'which has the keys now');
    is_deeply([$link->bad], [], 'nothing is wrong');
    $link->stop;

    # in circles

    $nodes[1]->flush;
    $nodes[1]->call('CLUSTER', 'SETSLOT',
        $nodes[0]->call('CLUSTER', 'KEYSLOT', '{agw}:x'), 'NODE',
        $nodes[0]->call('CLUSTER', 'MYID'));
    $link = AGW::Link->start("redis://127.0.0.1:$one");
    ok($link->outage || $link->connected, 'nodes that disagree');
    is_deeply([$link->bad], [], 'nothing is wrong');
    $link->stop;
}

done_testing();
