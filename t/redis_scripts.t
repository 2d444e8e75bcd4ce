# D5: the scripts of the Redis engine, on a real Redis and without nginx: each
# does in one step what must be one, and answers with an error, and changes
# nothing, where a key is not what scripts write.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);

use AGW::Redis;
use AGW::Scripts qw(script);

AGW::Redis::skip_all_without();

our $redis = AGW::Redis->start;
my $max = '4503599627370496';
my $day = 86_400_000;
my $epoch = '0123456789abcdef';

sub key { return '{agw}:' . $_[0] }

my %keys = (
    handshake => [qw(epoch stamp primary floor horizon revocations)],
    revoke => [qw(epoch stamp revocations)],
    trim => [qw(epoch stamp revocations floor horizon)],
    look => [qw(epoch stamp revocations floor horizon none)],
    heal => [qw(epoch stamp revocations floor)],
    api_keys => [qw(epoch stamp revocations partner:P api_keys:P none)],
    business => [qw(epoch stamp revocations partner:P business:B none)],
);

sub run {
    my ($name, @args) = @_;

    my @keys = map { key($_) } @{ $keys{$name} };

    return $redis->try('EVAL', script($name), scalar @keys, @keys, @args);
}

sub handshake { return run('handshake', $epoch, $_[0] // 'run1',
    $_[1] // 0, $_[2] // 3660, $day) }
sub revoke { return run('revoke', $_[0] // 0, $_[1] // 'partner',
    $_[2] // 'P', $_[3] // 0, $_[4] // '') }
sub business { return run('business', $_[0], 'P', $_[1] // '', $_[2] // -1,
    $_[3] // 0) }
sub look { return run('look', $_[0], $_[1] // '0-0') }
sub entries { return @{ $redis->call('XRANGE', key('revocations'), '-', '+') } }
sub stamp { return business('0-0')->[1] }

sub fails {
    my ($name, $like, $reply) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return ok(ref $reply eq 'AGW::Resp::Error' && $reply->{text} =~ $like,
        $name) || diag explain $reply;
}

# handshake

fails('D5 nothing is revoked before a handshake', qr/^AGWEPOCH/, revoke());
fails('D5 nothing is issued', qr/^AGWEPOCH/, business('0-0'));
fails('D5 no feed', qr/^AGWEPOCH/, look('0-0'));

my $now = time * 1000;
my $first = handshake();

is($first->[0], $epoch, 'D5 the handshake sets an epoch');
cmp_ok($first->[1], '>=', int($now) + $day, 'D5 the stamp begins a day ahead');
is("@$first[2 .. 4]", '1 0 3660', 'D5 a floor, and the announced horizon');
is(stamp(), $first->[1], 'D5 the stamp is stored, in digits');

is_deeply(handshake(), [$epoch, $first->[1], 0, 0, 3660],
    'D5 a second handshake with the same Redis changes nothing');
is(handshake('run1', 0, 60)->[4], 3660, 'D5 a horizon only grows');

# one that was emptied began anew, where a node knows later stamps

is_deeply(handshake('run1', $first->[1] + 3),
    [$epoch, $first->[1] + 3, 0, 0, 3660],
    'D5 the stamp is not below what a node knows');
is(stamp(), $first->[1] + 3, 'D5 stored');
is_deeply(handshake('run1', 0, 3661), [$epoch, $first->[1] + 3, 0, 0, 3661],
    'D5 a longer horizon');
is_deeply(handshake('run1', 7), [$epoch, $first->[1] + 3, 0, 0, 3661],
    'D5 and nothing is lowered');

my $second = handshake('run2', $first->[1] + 5);

is($second->[1], $first->[1] + 5 + $day,
    'D5 another Redis: a day beyond what this node knows');
is($second->[0], $epoch, 'D5 and the same epoch');

$redis->call('DEL', key('stamp'));
cmp_ok(handshake('run2', $second->[1])->[1], '==', $second->[1] + $day,
    'D5 a stamp that is gone: likewise');

fails('D5 stamps end at 2^52', qr/^AGWMALFORMED/, handshake('run3', $max));
is($redis->call('GET', key('primary')), 'run2', 'D5 and nothing has changed');

# revoke

$now = stamp();

my $before = int time;
my $entry = revoke();
my $after = time;

is($entry->[0], $now + 1, 'D5 a revocation has the next stamp');
is(stamp(), $now + 1, 'D5 which is stored');

my ($made) = entries();

is($made->[0], "$entry->[0]-0", 'D5 the id of an entry is its stamp');
is("@{ $made->[1] }", "kind partner id P seq $entry->[0] time $entry->[1]",
    'D5 an entry');
ok($before <= $entry->[1] && $entry->[1] <= $after, 'D5 its time is now');

is(revoke($now + 1000)->[0], $now + 1001,
    'D5 a revocation is beyond what the node knows');
cmp_ok(revoke(0, 'token', 'P:j', time + 1000)->[1], '>', time + 900,
    'D5 the time of a token may be ahead');
revoke(0, 'business', 'B', 0, 'P');
is("@{ (entries())[-1][1] }[8, 9]", 'partner_id P',
    'D5 who revoked a business');

my $ahead = stamp() + 1000;
$redis->call('XADD', key('revocations'), "$ahead-7", 'kind', 'x');
is(revoke()->[0], $ahead + 1, 'D5 beyond an entry that was added by hand');

# Lua's own way to write large numbers would make 1e+15 of them

$redis->call('SET', key('stamp'), 3_999_999_999_999_999);
is(revoke()->[0], '4000000000000000', 'D5 large stamps are digits');

$redis->call('SET', key('stamp'), $max);
fails('D5 no stamp is over 2^52', qr/^AGWMALFORMED/, revoke());
$redis->call('SET', key('stamp'), '4503599627370497');
fails('D5 one that is, is malformed', qr/^AGWMALFORMED/, revoke());

for my $stamp ('', '-1', '1.5', '1e3', 'abc', '0x10', ' 1', '9' x 17) {
    $redis->call('SET', key('stamp'), $stamp);
    fails("D5 malformed stamp \"$stamp\"", qr/^AGWMALFORMED/, revoke());
    fails("D5 of a read", qr/^AGWMALFORMED/, business('0-0'));
    fails("D5 of a handshake", qr/^AGWMALFORMED/, handshake());
}

# reads

$redis->flush;
handshake();
$redis->call('HSET', key('partner:P'), 'status', 'active');
$redis->call('HSET', key('api_keys:P'), 'd1', '{}');
$redis->call('HSET', key('business:B'), 'partner_id', 'P', 'status', 'active');

is_deeply(run('api_keys', 'd1'), [$epoch, stamp(), 'active', undef, '{}'],
    'D5 an API key, its partner and the stamp in one step');
is_deeply(run('api_keys', 'd2'), [$epoch, stamp(), 'active', undef, undef],
    'D5 a wrong key');
is_deeply(business('0-0'),
    [$epoch, stamp(), 'active', 'P', 'active', 0, undef],
    'D5 a business likewise');
$redis->call('HSET', key('partner:P'), 'scopes', 'read write');
is_deeply(run('api_keys', 'd1'),
    [$epoch, stamp(), 'active', 'read write', '{}'],
    'P1.8 the scopes of the partner too');
is_deeply(business('0-0'),
    [$epoch, stamp(), 'active', 'P', 'active', 0, 'read write'],
    'P2.6 and for a business');
$redis->call('DEL', key('partner:P'));
is_deeply(run('api_keys', 'd1'), [$epoch, stamp(), undef, undef, '{}'],
    'D5 a key without its partner');

# the partner token, in the entries that the node has not read

my $seq = stamp();
revoke(0, 'token', 'P:other');
is(business('0-0', 'P:j', $seq)->[5], 0, 'D5 another token was revoked');
my $read = stamp();
revoke(0, 'token', 'P:j');
is(business("$read-0", 'P:j', $seq)->[5], 1, 'D5 this token was revoked');
is(business('0-0', 'P:j', $seq)->[5], 1, 'D5 also further on');
is(business(stamp() . '-0', 'P:j', $seq)->[5], 0,
    'D5 what the node has read is the node\'s');
is(business('0-0', '', $seq)->[5], 0, 'D5 no token');

revoke(0, 'partner', 'P');
$read = stamp();
is(business('0-0', 'P:k', $read - 1)->[5], 1, 'D5 a cut-off of the partner');
is(business('0-0', 'P:k', $read)->[5], 0, 'D5 that is older than the token');
is(business('0-0', 'P:k', -1, time - 10)->[5], 1, 'D5 by iat');
is(business('0-0', 'P:k', -1, time + 10)->[5], 0, 'D5 by a later iat');

revoke(0, 'token', "P:$_") for 1 .. 1000;
fails('D5 more unread entries than are looked at', qr/^AGWBEHIND/,
    business("$read-0", 'P:k', $read));

# the feed

$redis->flush;
handshake();

my $look = look('0-0');
my ($clock) = splice @$look, 6, 1;

is_deeply($look, [$epoch, stamp(), undef, 3660, (undef) x 4],
    'D5 a look at an empty stream') or diag explain $look;
cmp_ok(abs($clock - 1000 * time), '<', 60_000, 'P12.2 the clock of Redis');
$entry = revoke();
is(look("$entry->[0]-0")->[4][0], "$entry->[0]-0",
    'D5 the entry at the position');
is_deeply(look('0-0')->[5], ["$entry->[0]-0"],
    'D5 the id of the last entry');
is(look('0-0', "$entry->[0]-0")->[7][0], "$entry->[0]-0",
    'D5 the entry at the position before');
is_deeply(look('0-0')->[8], ["$entry->[0]-0", $entry->[0]],
    'D5 the id of the first entry, and its stamp');
$redis->call('XADD', key('revocations'), '1-1', 'seq', 'x' x 20)
    if $redis->call('DEL', key('revocations'));
is_deeply(look('0-0')->[8], ['1-1', 0], 'D5 which may have none');
$redis->call('DEL', key('revocations'));
$entry = revoke();

# trimming

my @stamps = ($entry->[0], map { revoke()->[0] } 1 .. 4);

is_deeply(run('trim', $stamps[2], 60), [0, 3660, 0],
    'D5 not by a horizon that is too short');
is_deeply(run('trim', $stamps[2], 3660), [$stamps[1], 3660, 2],
    'D5 what is before the position goes, and raises the floor');
is((entries())[0][0], "$stamps[2]-0", 'D5 the position stays');
is_deeply(run('trim', $stamps[2], 3660), [$stamps[1], 3660, 0], 'D5 once');
is_deeply(run('trim', 0, 7200), [$stamps[1], 7200, 0],
    'D5 a horizon is announced');

my $odd = stamp() + 1;
my $high = $odd + 1000;

$redis->call('XADD', key('revocations'), "$odd-0", 'kind', 'partner', 'id', 'P',
    'seq', $high, 'time', 1);
$redis->call('SET', key('stamp'), $high);
revoke();
is_deeply(run('trim', stamp(), 7200), [$stamps[4], 7200, 4],
    'D5 a seq that is above its id is no floor');

revoke() for 1 .. 1500;
is(run('trim', stamp(), 7200)->[2], 1000, 'D5 a thousand at a time');

# healing

$redis->flush;
handshake();
$read = revoke()->[0];
my @gone = ($read - 2000, $read - 1000);

is_deeply(run('heal', "$read-0", $read + 50,
    map { ('token', "P:$_", $_, 7, '') } @gone), [$read + 52 . '-0', 2],
    'D5 healing');

my @all = entries();

is(scalar @all, 3, 'D5 writes what is missing');
is($all[1][0], $read + 51 . '-0', 'D5 with new ids');
is("@{ $all[1][1] }", "kind token id P:$gone[0] seq $gone[0] time 7",
    'D5 and the stamps they had');
cmp_ok(stamp(), '>=', $read + 52, 'D5 the stamp goes ahead');
is(run('heal', "$read-0", 0, 'token', 'P:9', $gone[0], 7, ''), -1,
    'D5 not beside another node');
revoke();
is(run('heal', $read + 52 . '-0', 0, 'business', 'B', $gone[0], 7, 'P')->[1],
    1, 'D5 a new revocation does not hinder');
is("@{ (entries())[-1][1] }[8, 9]", 'partner_id P', 'D5 with its partner');
$redis->call('SET', key('floor'), $gone[1]);
is_deeply(run('heal', stamp() . '-0', 0, 'token', 'P:8', $gone[1], 7, ''),
    [stamp() . '-0', 0], 'D5 nothing that is below the floor');

# wrong types

for my $name (qw(epoch stamp revocations)) {
    $redis->flush;
    handshake();
    $redis->call('DEL', key($name));
    $redis->call($name eq 'epoch' ? ('HSET', key($name), 'a', 'b')
        : ('LPUSH', key($name), 'x'));

    fails("D5 $name of a wrong type", qr/WRONGTYPE/, revoke());
    fails('D5 of a read', qr/WRONGTYPE/, business('0-0', 'P:j', 1));
    fails('D5 of a look', qr/WRONGTYPE/, look('0-0'));
    fails('D5 of healing', qr/WRONGTYPE/,
        run('heal', '0-0', 0, 'token', 'P:j', 1, 7, ''));
}

for my $name (qw(partner:P business:B)) {
    $redis->flush;
    handshake();
    $redis->call('SET', key($name), 'x');
    fails("D5 $name of a wrong type", qr/WRONGTYPE/, business('0-0'));
}

for my $name (qw(partner:P api_keys:P)) {
    $redis->flush;
    handshake();
    $redis->call('SET', key($name), 'x');
    fails("D5 $name of a wrong type", qr/WRONGTYPE/, run('api_keys', 'd'));
}

# a replica answers nothing, whatever its copy says

my $replica = AGW::Redis->start(replica_of => $redis);
$replica->wait_for_primary;
$redis->flush;
handshake();
$redis->call('WAIT', 1, 5000);

{
    local $redis = $replica;

    fails('D5 a replica issues nothing', qr/^READONLY/, business('0-0'));
    fails('D5 a replica knows no API key', qr/^READONLY/,
        run('api_keys', 'd'));
    fails('D5 a replica feeds nobody', qr/^READONLY/, look('0-0'));
    fails('D5 a replica takes no revocation', qr/READONLY/, revoke());
}

$redis->call('CONFIG', 'SET', 'min-replicas-to-write', 3);
fails('D5 a primary without its replicas issues nothing', qr/^NOREPLICAS/,
    business('0-0'));

done_testing();
