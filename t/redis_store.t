# D5: a store in Redis with bad data, without some of it, and with news that
# come late: no answer is one that the store does not give, nothing revoked is
# un-revoked, and each cause is a line in the log.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(random_id slurp spew);
use AGW::Proxy;
use AGW::Redis;
use AGW::Revoking qw(conf_of owner_in);
use AGW::Stopwatch;
use AGW::Token qw(key_digest);
use AGW::Until qw(until_is);

AGW::Redis::skip_all_without();

my $conf = conf_of();
my $gw = AGW::Revoking->start($conf, engine => 'redis', workers => 2);
my $redis = $gw->store->redis;

sub key { return '{agw}:' . $_[0] }

sub token_status {
    my ($who) = @_;

    return $gw->request('POST', '/token', basic => $who->{basic},
        quiet => 1)->status;
}

sub logged { return slurp($gw->nginx->error_log) }
sub times_logged { my $n = () = logged() =~ /$_[0]/g; return $n }

# API keys

my $us = owner_in($gw);
my $good = '{"not_before":0,"expires_at":null,"name":"x","key_id":"k"}';
my $digest = key_digest($us->{key});

sub api_key { return $redis->call('HSET', key("api_keys:$us->{id}"), $digest,
    $_[0]) }

for my $json ('', '{', '[]', 'null', '7', '{"not_before":"0"}',
    '{"not_before":1.5}', '{"not_before":-1}', '{"not_before":true}',
    '{"expires_at":"2030-01-01"}', '{"expires_at":1e3}',
    '{"expires_at":1795811582420}', '{"expires_at":9,"expires_at":99}',
    '{"not_before":99999999999999999999}', "{\"a\":\"\xff\"}",
    '{"x":"' . 'x' x 65_536 . '"}', "{\"not_before\":0}\0", '{"a":"\u0000"}', '[' x 5000)
{
    api_key($json);
    is(token_status($us), 503, 'D5 malformed key '
        . substr($json, 0, 40) =~ s/[^ -~]/?/gr);
    like($gw->log_text, qr/has a malformed API key/, 'D5 logged');
    $gw->mark;
}

for my $json ($good, '{}', '{"expires_at":null}', '{"not_before":7,"x":[{}]}') {
    api_key($json);
    is(token_status($us), 200, "D5 key $json");
}

api_key('{"expires_at":1}');
is(token_status($us), 401, 'D5 an expired key');
api_key($good);

# wrong types, and what must be there

for my $name ('epoch', 'stamp', "partner:$us->{id}", "api_keys:$us->{id}") {

    # in one step: a handshake between the two makes what is missing

    $redis->call('EVAL', "redis.call('RENAME', KEYS[1], KEYS[2])"
        . " redis.call('LPUSH', KEYS[1], 'x')", 2, key($name), key('kept'));
    $gw->mark;
    is(token_status($us), 503, "D5 $name of a wrong type");
    like($gw->log_text, qr/refuses a query: WRONGTYPE [^:]*: a key of the store/,
        'D5 logged, and what to do');
    $redis->call('RENAME', key('kept'), key($name));
    until_is("D5 $name is well again", 200, 3, sub { token_status($us) });
}

my $stamp = $redis->call('GET', key('stamp'));

for my $bad ('', 'x', $stamp + 400_000_000_000, '-1', '1e9', '4503599627370497') {
    $gw->mark;
    $redis->call('SET', key('stamp'), $bad);
    is(token_status($us), 503, "D5 stamp \"$bad\"");
    like($gw->log_text, $bad =~ /^\d{13}$/ ? qr/the stamp $bad, which is years/
        : qr/AGWMALFORMED \{agw\}:stamp: restore that key/, 'D5 logged');
}

$redis->call('SET', key('stamp'), $stamp);
until_is('D5 the stamp is well again', 200, 3, sub { token_status($us) });

# an entry years ahead, and what the log says to do about it

{
    my ($first, $second) = map { $gw->issue($us, $us->{business}) } 1 .. 2;

    $gw->succeeds('D5 revoked', $gw->revoke($first, basic => $us->{basic}));

    my $ahead = $stamp + 400_000_000_000;
    my $last = $redis->call('XREVRANGE', key('revocations'), '+', '-', 'COUNT',
        1)->[0][0];
    my $id = $redis->call('XADD', key('revocations'), "$ahead-0", 'x', 'y');

    $gw->mark;
    is(token_status($us), 503, 'D5 an entry years ahead');
    like($gw->log_text, qr/the stamp $ahead, which is years/, 'D5 logged');
    $redis->call('XDEL', key('revocations'), $id);

    # Valkey 8 refuses an id below one that was deleted

    if (eval { $redis->call('XSETID', key('revocations'), $last); 1 }) {
        $redis->call('DEL', key('stamp'));

    } else {
        like($@, qr/max_deleted_entry_id/, 'D5 the last id stays');
        $redis->call('DEL', key('revocations'), key('stamp'));
    }

    # each connection of each worker finds that out

    until_is('D5 tokens are issued again', 10, 5,
        sub { scalar grep { token_status($us) == 200 } 1 .. 10 });
    cmp_ok($redis->call('GET', key('stamp')), '<', $ahead, 'D5 no year ahead');

    until_is('D5 and revoked', 10, 5, sub { scalar grep { $gw->revoke($second,
        basic => $us->{basic})->status == 200 } 1 .. 10 });
    until_is('D5 and refused', '401 revoked', 3,
        sub { $gw->result($_, $us->{business}) }) for $first, $second;
    until_is('D5 and business tokens are issued', 10, 5,
        sub { scalar grep { $gw->issue($us, $us->{business}) } 1 .. 10 });
    $stamp = $gw->store->stamp;
}

# a server that does not know the scripts any more

$redis->call('SCRIPT', 'FLUSH');
is(token_status($us), 200, 'D5 a script that Redis has forgotten');
is($gw->issue($us, $us->{business}) ? 'issued' : '', 'issued',
    'D5 another one');

# entries

my $next = $stamp;

sub add {
    my (@fields) = @_;

    $next += 10;

    return $redis->call('XADD', key('revocations'), "$next-0", @fields);
}

my $token = $gw->issue($us, $us->{business});

add(@$_) for
    ['a', 'b'], ['kind', 'token', 'id', 'x', 'seq', 1, 'time', 1],
    ['kind', 'owner', 'id', ':x', 'seq', 1, 'time', 1],
    ['kind', 'partner', 'id', 'p' x 200, 'seq', 1, 'time', 1],
    ['kind', 'partner', 'id', "p\n", 'seq', 1, 'time', 1],
    ['kind', 'other', 'id', 'p', 'seq', 1, 'time', 1],
    ['kind', 'partner', 'id', $us->{id}, 'time', 1],
    ['kind', 'partner', 'id', $us->{id}, 'seq', '4503599627370497',
        'time', 1],
    ['kind', 'partner', 'id', $us->{id}, 'seq', $next + 1_000_000,
        'time', 1],
    ['kind', 'partner', 'id', $us->{id}, 'seq', 0, 'time', 1],
    ['kind', 'partner', 'id', $us->{id}, 'seq', 1],
    ['kind', 'partner', 'id', $us->{id}, 'seq', 1, 'time', 'now'],
    ['kind', 'x' x 100_000, 'id', $us->{id}, 'seq', 1, 'time', 1];

ok($gw->learns, 'D5 malformed entries do not stop the feed');
is($gw->result($token, $us->{business}), 'ok', 'D5 and revoke nothing');
is(times_logged("is skipped: $_->[0]"), 1, "D5 one line: $_->[0]") for
    ['kind or id is malformed'], ['seq is missing'], ['time is missing'];

# news that come late: a partner token is revoked there, while what is new
# does not arrive here, and cannot get a business token any more

my $held = $gw->prefix . '/held';
my $proxy = AGW::Proxy->start(to => $redis->port, rewrite => sub {
    my ($way, $bytes) = @_;

    return $way eq 'down' && $bytes =~ /\r\nkind\r\n/ && -e $held ? ''
        : $bytes;
});
my $words = $redis->words(port => $proxy->port);
my $late = $gw->beside($conf =~ s/%%ENGINE%%/$words/r, workers => 1);

sub late_status {
    my ($bearer) = @_;

    return $late->request('POST', "/token/$us->{business}",
        bearer => $bearer, quiet => 1)->status;
}

until_is('D5 a node behind a proxy', 200, 3, sub {
    $late->request('POST', '/token', basic => $us->{basic},
        quiet => 1)->status });

my ($bearer, $other) = map { $late->issue($us) } 1, 2;

spew($held, '');
is(late_status($bearer), 200, 'D5 it gives a business token');
$gw->succeeds('D5 its partner token is revoked elsewhere',
    $gw->revoke($bearer, basic => $us->{basic}));
is(late_status($bearer), 401, 'D5 it gives none for it then');
is(late_status($other), 200, 'D5 but for another one');
$gw->store->revoke('partner', $us->{id});
is(late_status($other), 401, 'D5 none after a cut-off of the partner');

# more than is looked at for one query: none is answered, and one line says so

$gw->store->revoke('token', random_id() . ":$_") for 1 .. 1000;
is(join(' ', map { late_status($other) } 1 .. 5), '503 503 503 503 503',
    'D5 none beside a thousand that are not read');

my $said = () = slurp($late->nginx->error_log) =~ /refuses a query: AGWBEHIND/g;

is($said, 1, 'D5 which is logged once a minute');
unlink $held;
until_is('D5 the node reads on', '200', 4,
    sub { late_status($late->issue($us) // '') });

# It waits for what is on its way: a second at most, so a busy machine may be too
# late, but not three times.

my $waited = 0;

for (1 .. 3) {
    $bearer = $late->issue($us);
    $proxy->set(delay => 0.05);
    $redis->call('EVAL', 'for i = 1, 1500 do redis.call("XADD", KEYS[1],'
        . ' ARGV[1] + i .. "-0", "kind", "token", "id", ARGV[2] .. ":" .. i,'
        . ' "seq", ARGV[1] + i, "time", ARGV[3]) end', 1, key('revocations'),
        (split /-/, $redis->call('XREVRANGE', key('revocations'), '+', '-',
            'COUNT', 1)->[0][0])[0], random_id(), int time);
    $waited = late_status($bearer);
    $proxy->set(delay => 0);
    last if $waited == 200;
}

is($waited, 200, 'D5 a token, once they are read');

# all is removed, while nodes are connected

my $revoked = $gw->issue($us, $us->{business});
$token = $gw->issue($us, $us->{business});
$gw->succeeds('D5 revoked', $gw->revoke($revoked, basic => $us->{basic}));
$redis->flush;

is($gw->result($token, $us->{business}), 'ok', 'D5 a flush: requests go on');
isnt(token_status($us), 200, 'D5 a flush: no token');
until_is('D5 the node reads the store that is there', 401, 3,
    sub { token_status($us) });
is($gw->result($revoked, $us->{business}), '401 revoked',
    'D5 what was revoked stays so');
is($gw->result($token, $us->{business}), 'ok', 'D5 others live');

my $again = owner_in($gw);
my $fresh = $gw->issue($again, $again->{business});

is($gw->result($fresh, $again->{business}), 'ok', 'D5 new tokens are issued');
$gw->succeeds('D5 and revoked', $gw->revoke($fresh, basic => $again->{basic}));
until_is('D5 there too', '401 revoked', 2,
    sub { $late->result($fresh, $again->{business}) });

# the worker that follows dies

my $lease = AGW::Revoking->start($conf, engine => $gw->{engine}, workers => 3);

for my $pid ($lease->nginx->workers) {
    kill 'KILL', $pid;
    my $watch = AGW::Stopwatch->start($lease->nginx->workers);

    ok($lease->learns, 'D5 a worker dies: another follows')
        && cmp_ok($watch->seconds, '<', 1.5, 'D5 within a second');
}

$lease->new_workers;

push @{ $_->{allow} }, qr/exited on signal 9/ for $lease;

$gw->finish;
