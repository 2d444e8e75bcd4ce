# D5: what an operator does with conf/fleet.lua, on a Redis that no node has
# connected to since it started.  It may be a replica that was promoted and lacks
# the last stamps, so that a revocation would not end all tokens.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Files qw(repo_root slurp);
use AGW::Redis;
use AGW::Resp;
use AGW::Revoking qw(conf_of owner_in);

AGW::Redis::skip_all_without();

my $gw = AGW::Revoking->start(conf_of(), engine => 'redis');
my $redis = $gw->store->redis;
my $us = owner_in($gw);
my $token = $gw->issue($us, $us->{business});
my $lua = slurp(repo_root() . '/conf/fleet.lua');

sub disable {
    return $redis->try('EVAL', $lua, 1, "{agw}:partner:$us->{id}", 'status',
        'disabled');
}

$gw->nginx->stop;
$redis->kill;
$redis->restart;

my $refused = disable();

ok(AGW::Resp::is_error($refused), 'D5 before a node has connected: refused');
like(eval { $refused->{text} } // '',
    qr/no nginx has connected to this server .*: try again/, 'D5 says why');
is($redis->call('HGET', "{agw}:partner:$us->{id}", 'status'), 'active',
    'D5 and nothing was changed');
is($redis->call('XLEN', '{agw}:revocations'), 0, 'D5 nor revoked');

$gw->restart;
is($gw->result($token, $us->{business}), 'ok', 'D5 the token lives');

my $done;

for (1 .. 100) {
    $done = disable();
    last if !AGW::Resp::is_error($done);
    sleep 0.1;
}

ok(!AGW::Resp::is_error($done), 'D5 once a node has connected: done');
is($redis->call('HGET', "{agw}:partner:$us->{id}", 'status'), 'disabled',
    'D5 changed');

for (1 .. 100) {
    last if $gw->result($token, $us->{business}) ne 'ok';
    sleep 0.1;
}

is($gw->result($token, $us->{business}), '401 revoked', 'D5 and revoked');


# With the rights that conf/README.md lists for the gateway: it called MGET, which
# is not among them.

$redis->call(qw(ACL SETUSER lesser on nopass), split ' ', $redis->rights);
$redis->call(qw(AUTH lesser any));

for my $words (
    ['partner', $us->{id}, 'status', 'active'],
    ['business', $us->{business}, 'status', 'archived'],
    ['business', $us->{business}, 'delete'],
    ['revocations', undef, 'partner', $us->{id}],
) {
    my ($what, $id, @args) = @$words;
    my $key = join ':', '{agw}', $what, $id // ();
    my $answer = $redis->try('EVAL', $lua, 1, $key, @args);

    ok(!AGW::Resp::is_error($answer), "D5 its rights are enough: $what @args")
        or diag($answer->{text});
}

$redis->call(qw(AUTH test), $redis->{test_password});

$gw->finish;
