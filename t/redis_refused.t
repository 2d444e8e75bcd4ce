# Servers that are of no use, and replies that are none: each is a line of the
# log that says what to do, never a crash; and once the server is right, the
# same worker connects.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(make_prefix slurp spew);
use AGW::Link;
use AGW::Proxy;
use AGW::Redis;

AGW::Redis::skip_all_without();

sub refused {
    my ($name, $words, $why, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $link = AGW::Link->start($words, %opt);

    like($link->outage, $why, $name);

    return $link;
}


# a proxy that gives these bytes for all that comes, while there is a file $bad

my $prefix = make_prefix();
my $bad = "$prefix/bad";

sub instead {
    my ($to, $bytes) = @_;

    spew($bad, '');

    return AGW::Proxy->start(to => $to, rewrite => sub {
        return $_[0] eq 'down' && -e $bad ? $bytes : $_[1];
    });
}


# the password

my $redis = AGW::Redis->start(user => 'gateway');
my $secret = $redis->password;

{
    my ($address) = split / /, $redis->words;
    my $link = refused('no password', $address,
        qr/it wants a password: "password_file=" must be given/);

    $link->stop;

    # changed while connected: it counts from the next connection on

    $link = AGW::Link->start($redis->words);
    ok($link->connected, 'a right one');
    sleep 1.2;

    my $changed = $redis->change_password;

    $link->mark;
    $redis->call(qw(CLIENT KILL TYPE normal SKIPME yes));
    like($link->outage,
        qr/refuses the user or the password: .* nginx must be reloaded/,
        'a password that was changed');

    my @pids = $link->workers;

    $redis->write_password;
    $link->mark;
    ok($link->reload, 'reloaded with the new one');
    ok($link->connected, 'it is taken');
    $link->stop;

    my $log = slurp($link->error_log);

    unlike($log, qr/\Q$secret\E|\Q$changed\E/, 'D3 none of them is in a log');
}

{
    my $open = AGW::Redis->start;

    spew($open->dir . '/password', "s3cr3t\n", 0600);

    my $words = $open->words . ' password_file=' . $open->dir . '/password';
    my $link = refused('a password where there is none', $words,
        qr/it refuses AUTH: it may have no password/);

    unlike(slurp($link->error_log), qr/s3cr3t/, 'D3 it is in no log');
    $link->stop;

    # a server that does not know AUTH repeats its arguments

    my $proxy = instead($open->port, '-ERR unknown command `AUTH`, with args'
        . " beginning with: `s3cr3t`, \r\n");

    $link = refused('AUTH that is not known', 'redis://127.0.0.1:'
        . $proxy->port . ' password_file=' . $open->dir . '/password',
        qr/it refuses AUTH/);
    unlike(slurp($link->error_log), qr/s3cr3t/, 'D3 it is in no log');
    $link->stop;
}


# before Redis 7.0, the errors of commands in scripts are wrapped

{
    my $open = AGW::Redis->start;
    my $proxy = instead($open->port, '-ERR Error running script (call to f_0):'
        . " \@user_script:1: \@user_script: 1: -READONLY You can't write\r\n");

    refused('a replica that a script finds', 'redis://127.0.0.1:'
        . $proxy->port, qr/127\.0\.0\.1:\d+: it is a replica: the store/)
        ->stop;
}


# rights that are missing

for my $right (qw(role info eval)) {
    my $poor = AGW::Redis->start(user => 'gateway',
        rights => AGW::Redis::rights() =~ s/ \+$right\b//r);
    my $link = refused("the right to $right", $poor->words,
        qr/it refuses \U$right\E: NOPERM .*: the ACL must let the user/);

    $poor->call('ACL', 'SETUSER', 'gateway', "+$right");
    ok($link->back, 'once it is given, it connects');
    $link->stop;
}


# what it is

{
    my $primary = AGW::Redis->start;
    my $replica = AGW::Redis->start(replica_of => $primary);

    $replica->wait_for_primary;

    my $link = refused('a replica', $replica->words,
        qr/it is a replica: the store must be the primary, or "sentinel="/);

    $replica->call(qw(REPLICAOF NO ONE));
    ok($link->back, 'once it is promoted, it is taken');
    sleep 1.2;
    $link->mark;
    $replica->call('REPLICAOF', '127.0.0.1', $primary->port);
    ok($link->line(qr/it is a replica/), 'and no longer when it is demoted');
    $link->stop;
}

{
    my $cluster = AGW::Redis->start(cluster => 1);
    my $link = refused('a cluster without slots', $cluster->words,
        qr/its cluster is down/);

    $cluster->add_slots(0, 16383);
    ok($link->back, 'once it has them, it is taken');
    $link->stop;
}

# out of memory

{
    my $full = AGW::Redis->start(maxmemory => '1kb', policy => 'noeviction');
    my $link = refused('no memory', $full->words,
        qr/it refuses EVAL: OOM [^:]*: its "maxmemory" must be larger/);

    $full->call(qw(CONFIG SET maxmemory 0));
    ok($link->back, 'once it has some, it is taken');
    $link->stop;
}

# what operators are told, once

{
    my $lax = AGW::Redis->start(maxmemory => '100mb',
        policy => 'allkeys-lru');
    my $replica = AGW::Redis->start(replica_of => $lax);

    $replica->wait_for_primary;

    my $link = AGW::Link->start($lax->words, workers => 2);

    ok($link->connected, 'connected');
    $link->reload;
    like($link->line(qr/\[alert\]/),
        qr/"maxmemory-policy" must be "noeviction", it is "allkeys-lru"/,
        'a policy that evicts');
    like($link->line(qr/\[warn\].*min-replicas/),
        qr/"min-replicas-to-write" should be at least 1/,
        'a primary that goes on without its replicas');
    $link->lines_are($_, 2) for qr/\[alert\]/, qr/min-replicas/;
    sleep 0.5;
    is(scalar $link->lines(qr/\[alert\]/), 2,
        'it is said once by each start of the workers');
    is(scalar $link->lines(qr/min-replicas/), 2, 'likewise');
    $link->stop;
}

# what a server says of itself is no text for a terminal

{
    my $open = AGW::Redis->start;
    my $proxy = AGW::Proxy->start(to => $open->port, rewrite => sub {
        return $_[1] =~ s/maxmemory_policy:noeviction/maxmemory_policy:\e[2Jevicts/r;
    });
    my $link = AGW::Link->start('redis://127.0.0.1:' . $proxy->port);

    like($link->line(qr/\[alert\]/), qr/it is "\?\[2Jevicts"/,
        'D3 no control characters in the log');
    $link->stop;
}


# replies that are none, and errors as each Redis words them; the first is that
# of ROLE, since a password is not wanted

my $in_script = ' script: ' . 'a' x 40 . ", on \@user_script:1.\r\n";
my $wrapped = '-ERR Error running script (call to f_0): ';

$redis->call('ACL', 'SETUSER', 'default', 'on', 'nopass', '~*', '&*', '+@all');

for (
    ["HTTP/1.1 400 Bad Request\r\n\r\n", qr/a reply that is not RESP2/],
    ["+OK\n", qr/without a carriage return/],
    ["*-7\r\n", qr/a negative length/],
    ["\$104857600\r\n" . 'x' x 1_000_000, qr/a reply that is too long/],
    ["*2147483647\r\n", qr/a reply that is too long|too many elements/],
    ["*1\r\n" x 40, qr/nested too deep/],
    ["+OK\r\n" x 9, qr/nothing had asked for|malformed/],
    ["%1\r\n+a\r\n+b\r\n", qr/a reply that is not RESP2/],
    ["*2\r\n\$6\r\nmaster\r\n", qr/had no reply in time/],
    ["*0\r\n", qr/its answer to ROLE is malformed/],
    ["*1\r\n:1\r\n", qr/its answer to ROLE is malformed/],
    [":1\r\n", qr/its answer to ROLE is malformed/],
    ["*1\r\n\$5\r\nrogue\r\n", qr/it is no primary/],
    ["*1\r\n\$8\r\nsentinel\r\n", qr/it is a sentinel: "sentinel=" must/],
    ["-LOADING Redis is loading the dataset in memory\r\n",
        qr/it is loading its data/],
    ["-MASTERDOWN Link with MASTER is down\r\n", qr/has lost its primary/],
    ["-READONLY You can't write\r\n", qr/it is a replica/],
    ["-ERR max number of clients reached\r\n", qr/"maxclients"/],
    ["-DENIED Redis is running in protected mode\r\n", qr/protected mode/],
    ["-\e[31mERR\0\r\n", qr/it refuses ROLE: \?\[31mERR\?$/m],
    ["-NOREPLICAS Not enough good replicas to write.\r\n",
        qr/replicas to write: connect those that "min-replicas-to-write"/],
    ["-AGWMALFORMED {agw}:floor\r\n", qr/ \{agw\}:floor: restore that key/],
    ["-WRONGTYPE Operation against$in_script", qr/ against: a key of the store/],
    ["-ERR The user executing the script can't run this command$in_script",
        qr/ can't run this command: the ACL must let the user/],
    ["-ERR ACL failure in script: User g can't run xadd$in_script",
        qr/ACL failure in script: User g can't run xadd: the ACL must let/],
    ["$wrapped\@user_script:1: WRONGTYPE Operation against\r\n",
        qr/it refuses ROLE: WRONGTYPE Operation against: a key of the store/],
    ["$wrapped\@user_script: 1: The user executing the script can't do\r\n",
        qr/it refuses ROLE: The user .* can't do: the ACL must let the user/],
) {
    my ($bytes, $why) = @$_;
    my $proxy = instead($redis->socket, $bytes);
    my $name = substr $bytes, 0, 20;

    $name =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
    my $link = AGW::Link->start('redis://127.0.0.1:' . $proxy->port);
    my ($pid) = $link->workers;

    like($link->outage, $why, "instead of a reply: $name");
    cmp_ok($link->worker_rss, '<', 40_000, 'and it is not kept');
    is(($link->workers)[0], $pid, 'the worker lives');
    is_deeply([$link->bad], [], 'nothing is wrong with it');
    unlink $bad;
    ok($link->back, 'with replies it connects');
    $proxy->stop;
    $link->stop;
}

# what a sentinel names is shown in the log

for (
    ["*2\r\n\$3\r\na\nb\r\n\$4\r\n6379\r\n", 'sentinel=m',
        qr/the sentinel's answer is malformed/],
    ["*2\r\n\$3\r\na\0b\r\n\$4\r\n6379\r\n", 'sentinel=m',
        qr/the sentinel's answer is malformed/],
    ["*2\r\n\$1\r\na\r\n\$5\r\n65536\r\n", 'sentinel=m',
        qr/the sentinel's answer is malformed/],
) {
    my ($bytes, $more, $why) = @$_;
    my $proxy = instead($redis->socket, $bytes);
    my $link = AGW::Link->start('redis://127.0.0.1:' . $proxy->port
        . " $more");

    like($link->outage, $why, 'a name that is none');
    is_deeply([grep { !m{^\d{4}/} } split /\n/, slurp($link->error_log)], [],
        'no line of the log is made of it');
    is_deeply([$link->bad], [], 'nothing is wrong');
    $proxy->stop;
    $link->stop;
}

# half a reply, and the end

{
    my $proxy = AGW::Proxy->start(to => $redis->port);

    for my $left (0, 1, 4, 40, 100, 1000) {
        $proxy->set(left => $left);

        my $link = AGW::Link->start($redis->words(port => $proxy->port));

        like($link->outage, qr/closed the connection|recv\(\) failed/,
            "the end after $left bytes");
        $proxy->set(left => -1);
        ok($link->back, 'then all of them');
        is_deeply([$link->bad], [], 'nothing is wrong');
        $link->stop;
    }
}

done_testing();
