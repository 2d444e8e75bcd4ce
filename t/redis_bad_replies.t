# D5: what is no good reply to a token request, to a revocation or to the feed:
# the request gets 503, a line of the log says why, the worker lives, and the
# next request is answered.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::ErrorLog qw(log_mark log_since);
use AGW::Files qw(slurp spew);
use AGW::Proxy;
use AGW::Redis;
use AGW::Revoking qw(conf_of owner_in);

AGW::Redis::skip_all_without();

my $gw = AGW::Revoking->start(conf_of(), engine => 'redis', workers => 1);
my $redis = $gw->store->redis;
my $us = owner_in($gw);

# instead of what matches, while there is the file $bad

my ($bad, $which) = map { $gw->prefix . "/$_" } qw(bad which);
my $proxy = AGW::Proxy->start(to => $redis->port, rewrite => sub {
    my ($way, $bytes) = @_;

    return $bytes if $way ne 'down' || !-e $bad;

    my ($re, $instead) = (slurp($which), slurp($bad));

    return $bytes =~ s/$re/$instead/sr;
});
my $words = $redis->words(port => $proxy->port);
my $node = $gw->beside(conf_of() =~ s/%%ENGINE%%/$words/r, workers => 1);
my $token;

sub wait_until {
    my ($sub, $seconds) = @_;

    my $until = time + ($seconds // 10);

    while (time < $until) {
        return 1 if $sub->();
        sleep 0.02;
    }

    return 0;
}

sub token_request {
    return $node->request('POST', '/token', basic => $us->{basic}) }

sub recovers {
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return ok(wait_until(sub { token_request()->status == 200 }),
        "D5 $name: then tokens are issued");
}

sub logged {
    my ($mark, $what, $seconds) = @_;

    return wait_until(sub { log_since($node->nginx, $mark) =~ $what },
        $seconds // 30);
}

ok(wait_until(sub { token_request()->status == 200 }), 'D5 tokens are issued');
$token = $node->issue($us, $us->{business});

my $epoch = $redis->call('GET', '{agw}:epoch');
my $good = "*5\r\n\$16\r\n$epoch\r\n\$13\r\n" . $node->store->stamp . "\r\n";
my $no_resp = qr/: a reply that is (?:not RESP2|too long)/;
my @bytes = (
    ['a status', "+OK\r\n", qr/malformed reply to a query: it may be no/],
    ['a number', ":1\r\n", qr/malformed reply to a query/],
    ['nothing', "\$-1\r\n", qr/malformed reply to a query/],
    ['no elements', "*0\r\n", qr/malformed reply to a query/],
    ['no array', "*-1\r\n", qr/malformed reply to a query/],
    ['no epoch', ($good =~ s/\Q$epoch/'x' x 16/er)
        . "\$6\r\nactive\r\n\$-1\r\n\$-1\r\n",
        qr/malformed key "epoch": remove it/],
    ['another epoch', ($good =~ s/\Q$epoch/'0' x 15 . '1'/er)
        . "\$6\r\nactive\r\n\$-1\r\n\$-1\r\n",
        qr/another one than before/],
    ['too few elements', "*2\r\n" . $good =~ s/^\S+\r\n//r,
        qr/malformed API key/],
    ['another type', "$good:1\r\n:1\r\n:1\r\n", qr/malformed API key/],
    ['an error within', "$good-ERR x\r\n\$-1\r\n\$2\r\n{}\r\n",
        qr/malformed API key/],
    ['scopes of another type',
        "$good\$6\r\nactive\r\n:1\r\n\$2\r\n{}\r\n", qr/malformed API key/],
    ['an empty string', "$good\$6\r\nactive\r\n\$-1\r\n\$0\r\n\r\n",
        qr/malformed API key/],
    ['HTTP', "HTTP/1.1 400 Bad Request\r\n\r\n", $no_resp],
    ['RESP3', "%1\r\n+a\r\n+b\r\n", $no_resp],
    ['100 MB', "\$104857600\r\n" . 'x' x 500_000, $no_resp],
    ['an endless array', "*2147483647\r\n", $no_resp],
    ['arrays in arrays', "*1\r\n" x 40, qr/: a reply that is nested too deep/],
    ['a negative length', "\$-7\r\n", qr/: a negative length/],
    ['two replies', "+OK\r\n+OK\r\n", qr/nothing had asked for/],
    ['half a reply', "$good\$6\r\nact", qr/no reply in time/],
    ['LOADING', "-LOADING Redis is loading the dataset in memory\r\n",
        qr/it is loading its data/],
    ['READONLY', "-READONLY You can't write against a read only replica.\r\n",
        qr/it is a replica: the store must be the primary/],
    ['MASTERDOWN', "-MASTERDOWN Link with MASTER is down\r\n",
        qr/has lost its primary: the store must/],
    ['MOVED', "-MOVED 1 127.0.0.1:1\r\n", qr/a node of a cluster.* must agree/],
    ['ASK', "-ASK 1 127.0.0.1:1\r\n", qr/a node of a cluster.* must be/],
    ['CLUSTERDOWN', "-CLUSTERDOWN The cluster is down\r\n",
        qr/its cluster is down: each slot must/],
    ['NOAUTH', "-NOAUTH Authentication required.\r\n",
        qr/"password_file=" must be given/],
    ['BUSY', "-BUSY Redis is busy running a script.\r\n",
        qr/somebody's script, which must end/],
    ['NOPERM', "-NOPERM this user has no permissions\r\n",
        qr/refuses a query: NOPERM .*: the ACL must let/],
    ['OOM', "-OOM command not allowed\r\n", qr/refuses a query: OOM .*: its "maxmemory"/],
    ['MISCONF', "-MISCONF Redis is configured to save RDB snapshots\r\n",
        qr/refuses a query: MISCONF .*: it cannot write .* must/],
    ['WRONGTYPE', "-WRONGTYPE Operation\r\n", qr/refuses a query: WRONGTYPE/],
    ['control characters', "-\e[31mERR\0\r\n",
        qr/refuses a query: \?\[31mERR\?/],
);

# token requests: replies that name a partner as active

spew($which, '\A.*active.*');

for my $case (@bytes) {
    my ($name, $bytes, $said) = @$case;
    my $mark = log_mark($node->nginx);

    my $r;

    # on a busy machine it may be declined before the reply that is replaced

    for (1 .. 5) {
        spew($bad, $bytes);
        $r = token_request();
        unlink $bad;
        last if logged($mark, $said, 3);
    }

    is(join(' ', $r->status, $r->json->{error} // '', ($r->header('Retry-After')
        // '') =~ /^[1-9]\d*$/ ? 'later' : ''),
        '503 temporarily_unavailable later', "D5 $name: 503");
    ok(logged($mark, $said), "D5 $name: logged")
        or diag(log_since($node->nginx, $mark));
    is($node->get($token, $us->{business})->status, 200,
        "D5 $name: guarded requests go on");
    recovers($name);
}

# the end within a reply, after so many bytes

{
    my $mark = log_mark($node->nginx);

    for my $left (1, 30, 60) {
        $proxy->set(left => $left);
        is(token_request()->status, 503, "D5 the end after $left bytes");
        $proxy->set(left => -1);
        recovers("the end after $left bytes");
    }

    ok(logged($mark, qr/the server closed the connection within a reply/),
        'D5 logged');
}

# values that are 100 MB: Redis sends them, and none is kept

sub resident {
    my ($pid) = $node->nginx->workers;

    return slurp("/proc/$pid/status") =~ /^VmRSS:\s*(\d+)/m ? $1 : die "VmRSS\n";
}

{
    my $mark = log_mark($node->nginx);
    my $partner = "{agw}:partner:$us->{id}";
    my $before = resident();

    $redis->client->call('HSET', $partner, 'status', 'x' x 100_000_000);
    is(token_request()->status, 503, 'D5 a value of 100 MB: 503');
    $redis->call('HSET', $partner, 'status', 'active');
    ok(logged($mark, qr/a reply that is too long|had no reply in time/),
        'D5 logged') or diag(log_since($node->nginx, $mark));
    recovers('a value of 100 MB');
    cmp_ok(resident() - $before, '<', 50_000, 'D5 it is not kept');
}

# The feed: replies to XREAD, which may come right behind those to a look.  An
# error may have been logged for 100 MB, and the next one only after a while.

my $probe = $gw->issue($us, $us->{business});

ok(wait_until(sub { $gw->revoke($probe, basic => $us->{basic})->status == 200 },
    30), 'D5 after 100 MB: another node revokes');
ok(wait_until(sub { $node->get($probe, $us->{business})->status == 401 }, 30),
    'D5 after 100 MB: it is read');

spew($which, '\*1\r\n\*2\r\n\$17\r\n\{agw\}:revocations\r\n.*');

for my $case (
    ['a status', "+OK\r\n", qr/malformed reply to XREAD: it may be no Redis/],
    ['a number', ":1\r\n", qr/malformed reply to XREAD/],
    ['no elements', "*0\r\n", qr/malformed reply to XREAD/],
    ['another shape', "*1\r\n*2\r\n+s\r\n:1\r\n", qr/malformed reply to XREAD/],
    ['100 MB', "\$104857600\r\n" . 'x' x 500_000, $no_resp],
    ['HTTP', "HTTP/1.1 400 Bad Request\r\n\r\n", $no_resp],
    ['half a reply', "*1\r\n*2\r\n\$16\r\n{agw}", qr/no reply in time/],
    ['LOADING', "-LOADING Redis is loading\r\n", qr/it is loading its data/],
    ['READONLY', "-READONLY You can't\r\n", qr/it is a replica/],
    ['WRONGTYPE', "-WRONGTYPE Operation\r\n", qr/refuses XREAD: WRONGTYPE/])
{
    my ($name, $bytes, $said) = @$case;
    my $mark = log_mark($node->nginx);
    my $revoked = $gw->issue($us, $us->{business});

    spew($bad, $bytes);
    is($gw->revoke($revoked, basic => $us->{basic})->status, 200,
        "D5 the feed, $name: another node revokes");
    ok(logged($mark, $said), "D5 the feed, $name: logged")
        or diag(log_since($node->nginx, $mark));
    unlink $bad;
    ok(wait_until(sub { $node->get($revoked, $us->{business})->status == 401 }),
        "D5 the feed, $name: then it is read");
    is($node->get($token, $us->{business})->status, 200,
        "D5 the feed, $name: others go on");
}

# what is wrong with the feed changes while it is out of order

{
    my $mark = log_mark($node->nginx);
    my $revoked = $gw->issue($us, $us->{business});

    spew($bad, "-WRONGTYPE Operation\r\n");
    $gw->revoke($revoked, basic => $us->{basic});
    ok(logged($mark, qr/refuses XREAD: WRONGTYPE/), 'D5 the feed: an error');
    spew("$bad.next", "-NOPERM this user has no permissions\r\n");
    rename "$bad.next", $bad;
    ok(logged($mark, qr/refuses XREAD: NOPERM/), 'D5 the feed: then another')
        or diag(log_since($node->nginx, $mark));

    sleep 3;

    my @times = log_since($node->nginx, $mark) =~ /refuses XREAD: NOPERM/g;

    is(scalar @times, 1, 'D5 the feed: but not each time');
    unlink $bad;
    ok(wait_until(sub { $node->get($revoked, $us->{business})->status == 401 }),
        'D5 the feed: then all is read');
}

# an entry that is larger than a reply may be

{
    my $mark = log_mark($node->nginx);
    my $revoked = $gw->issue($us, $us->{business});
    my $large = $redis->client->call('XADD', '{agw}:revocations', '*', 'x',
        'x' x 9_000_000);

    ok(wait_until(sub { $gw->revoke($revoked, basic => $us->{basic})->status
        == 200 }), 'D5 an entry of 9 MB: a revocation behind it');
    ok(wait_until(sub { log_since($node->nginx, $mark)
        =~ /behind \d+-\d+ is not read, it may be too large/ }, 60),
        'D5 an entry of 9 MB: logged');
    is($node->get($token, $us->{business})->status, 200,
        'D5 an entry of 9 MB: guarded requests go on');
    $redis->call('XDEL', '{agw}:revocations', $large);
    ok(wait_until(sub { $node->get($revoked, $us->{business})->status == 401 }),
        'D5 an entry of 9 MB: once it is removed, all is read');
}

# a revocation: replies of two numbers

spew($which, '\A\*2\r\n\$1[36]\r\n.*');

for my $case (['a status', "+OK\r\n", qr/malformed reply to a revocation/],
    ['no numbers', "*2\r\n+a\r\n+b\r\n", qr/malformed reply to a revocation/],
    ['an old stamp', "*2\r\n\$1\r\n1\r\n\$1\r\n1\r\n",
        qr/malformed reply to a revocation/],
    ['OOM', "-OOM command not allowed\r\n", qr/refuses a revocation: OOM/],
    ['READONLY', "-READONLY You can't\r\n", qr/it is a replica/])
{
    my ($name, $bytes, $said) = @$case;
    my $mark = log_mark($node->nginx);
    my $revoked = $gw->issue($us, $us->{business});

    spew($bad, $bytes);
    is($node->revoke($revoked, basic => $us->{basic})->status, 503,
        "P5.3 a revocation, $name: 503");
    unlink $bad;
    ok(logged($mark, $said), "D5 a revocation, $name: logged")
        or diag(log_since($node->nginx, $mark));
    ok(wait_until(sub { $node->get($revoked, $us->{business})->status == 401 }),
        "D5 a revocation, $name: what Redis has is in force");
}

# Redis has no memory left: it is still read

{
    my $mark = log_mark($node->nginx);
    my $revoked = $gw->issue($us, $us->{business});

    $redis->call(qw(CONFIG SET maxmemory 1kb));
    is(token_request()->status, 200, 'D5 no memory: tokens are issued');
    is($node->revoke($revoked, basic => $us->{basic})->status, 503,
        'P5.3 no memory: a revocation gets 503');
    ok(logged($mark, qr/refuses a revocation: OOM [^:]*: its "maxmemory" must/),
        'D5 no memory: logged') or diag(log_since($node->nginx, $mark));
    $redis->call(qw(CONFIG SET maxmemory 0));
    ok(wait_until(sub { $node->revoke($revoked, basic => $us->{basic})->status
        == 200 }), 'P5.3 no memory: then it gets 200');
}

# the password is changed, and the connections end

{
    my $mark = log_mark($node->nginx);
    my @secrets = ($redis->password, $redis->change_password);

    is(token_request()->status, 200, 'D5 a new password: connections stay');
    $redis->call(qw(CLIENT KILL TYPE normal SKIPME yes));
    ok(wait_until(sub { token_request()->status == 503 }),
        'D5 a new password: 503 once they end');
    ok(logged($mark, qr/refuses the user or the password: .* must be reloaded/),
        'D5 a new password: logged') or diag(log_since($node->nginx, $mark));
    is($node->get($token, $us->{business})->status, 200,
        'D5 a new password: guarded requests go on');
    $redis->write_password;
    $node->nginx->reload;
    recovers('a new password');

    my $log = slurp($node->nginx->error_log);

    ok(!(grep { index($log, $_) >= 0 } @secrets),
        'D3 no password is in the log');
}

$gw->finish;
