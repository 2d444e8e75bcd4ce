# What other tests of a fleet rest on: a real Redis that is killed and comes
# back, and the bad network before it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);

use AGW::Proxy;
use AGW::Redis;
use AGW::Resp;
use AGW::Sentinels;
use AGW::Until qw(until_is);

AGW::Redis::skip_all_without();

my $redis = AGW::Redis->start(durable => 1);

# it comes back with what it kept, and stands still

$redis->call('SET', 'a', "b\r\n\0c");
is($redis->call('GET', 'a'), "b\r\n\0c", 'a value of any bytes');
is($redis->call('GET', 'none'), undef, 'no value');
is(ref $redis->try('HGET', 'a', 'b'), 'AGW::Resp::Error', 'an error');

$redis->kill;
$redis->restart;
is($redis->call('GET', 'a'), "b\r\n\0c", 'kept over a kill');

$redis->freeze;
like(eval { $redis->client(timeout => 0.3) } // $@, qr/did not answer/,
    'it stands still');
$redis->thaw;
is($redis->call('PING'), 'PONG', 'and goes on');

# rights, and TLS that wants a certificate of the client

{
    my $strict = AGW::Redis->start(user => 'gateway', tls => 1,
        client_certificate => 1);
    my $client = AGW::Resp->connect(unix => $strict->socket);

    like($client->try('PING')->{text}, qr/^NOAUTH /, 'no user, no answer');
    is($client->call('AUTH', 'gateway', $strict->password), 'OK', 'a user');
    like($client->try('FLUSHALL')->{text}, qr/^NOPERM /, 'without this right');
    is($client->try('SET', '{agw}:x', 1), 'OK', 'with this one');
    like($client->try('SET', 'x', 1)->{text}, qr/^NOPERM /, 'and its keys');

    my $second = AGW::Redis->start(replica_of => $strict, tls => 1);

    ok($second->wait_for_primary, 'a replica over TLS');
    is($second->role, 'slave', 'its role');
}

# the proxy

sub took {
    my ($client, @words) = @_;

    my $began = time;
    my $reply = eval { $client->call(@words) };

    return (time - $began, $reply // $@);
}

# for what is not to be answered half a second is enough

sub not_answered {
    my ($client, @words) = @_;

    local $client->{timeout} = 0.5;

    return (took($client, @words))[1];
}

{
    my $proxy = AGW::Proxy->start(to => $redis->port);
    my $client = AGW::Resp->connect(port => $proxy->port);

    is((took($client, 'ECHO', 'x' x 300_000))[1], 'x' x 300_000,
        'a long reply');

    $proxy->set(delay => 0.1);
    cmp_ok((took($client, 'PING'))[0], '>=', 0.2, 'late, each way');
    $proxy->set(delay => 0);

    $proxy->set(down => 'hold');
    $client->send(['SET', 'held', 1]);
    like(not_answered($client, 'PING'), qr/did not answer/, 'held');
    is($redis->call('GET', 'held'), 1, 'and carried out');
    $proxy->set(down => 'pass');
    is($client->reply, 'OK', 'passed on later');
    is($client->reply, 'PONG', 'in its order');

    $proxy->set(up => 'drop');
    like(not_answered($client, 'SET', 'dropped', 1), qr/did not answer/,
        'dropped');
    is($redis->call('GET', 'dropped'), undef, 'and never arrived');
    $proxy->set(up => 'pass');

    $proxy->replace_one("*1\r\n:7\r\n");
    is_deeply($client->call('PING'), [7], 'another reply');
    is($client->call('PING'), 'PONG', 'once');

    $proxy->set(left => 3);
    like((took($client, 'PING'))[1], qr/closed the connection/,
        'half a reply and a close');
    $proxy->set(left => -1);

    my @two = map { AGW::Resp->connect(port => $proxy->port) } 1, 2;

    $_->call('PING') for @two;
    is_deeply([$proxy->connections], [2, 3], 'connections are counted');
    $proxy->cut;
    like((took($_, 'PING'))[1], qr/^Redis/, 'cut') for @two;

    $proxy->set(accept => 'hold');
    like((took(AGW::Resp->connect(port => $proxy->port, timeout => 0.3),
        'PING'))[1], qr/did not answer/, 'connected, and nothing more');
    $proxy->set(accept => 'close');
    like((took(AGW::Resp->connect(port => $proxy->port), 'PING'))[1],
        qr/^Redis/, 'closed at once');

    my $changing = AGW::Proxy->start(to => $redis->socket,
        rewrite => sub { $_[0] eq 'down' ? $_[1] =~ s/PONG/PANG/r : $_[1] });

    is(AGW::Resp->connect(port => $changing->port)->call('PING'), 'PANG',
        'bytes are changed');
}

# a fail-over

{
    my $primary = AGW::Redis->start(user => 'gateway');
    my @replicas = map { AGW::Redis->start(replica_of => $primary) } 1, 2;

    $_->wait_for_primary for @replicas;

    my $sentinels = AGW::Sentinels->start($primary, replicas => 2);

    is($sentinels->primary_port, $primary->port, 'the first primary');
    $primary->kill;

    my $port = $sentinels->wait_for_other_than($primary->port);

    # a sentinel ends the connections of a server whose role it changes

    my $role = sub { eval { $_[0]->role } // '' };

    until_is('another one', $port, 5, sub { join ' ', map { $_->port }
        grep { $role->($_) eq 'master' } @replicas });
}

done_testing();
