# D5: the way from SQLite to Redis that conf/README.md shows, with its commands:
# tokens go on, and what is revoked stays so.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Engine;
use AGW::Files qw(make_prefix repo_root slurp spew);
use AGW::Redis;
use AGW::Revoking qw(conf_of);

AGW::Redis::skip_all_without();

my ($section) = slurp(repo_root() . '/conf/README.md')
    =~ /^### Move from SQLite to Redis\n(.*?)^##/ms;
my ($commands) = $section =~ /^ *```sh\n(.*?)^ *```/ms;

my $gw = AGW::Revoking->start(conf_of(), engine => 'sqlite');
my $redis = AGW::Redis->start(user => 'gateway');
my ($living, @ended) = map { $gw->issue($gw->{us}, $gw->{business}) } 1 .. 3;
my $bearer = $gw->issue($gw->{us});
my $cut = $gw->issue($gw->{them}, $gw->{theirs});

is($gw->revoke($ended[0])->status, 200, 'P5.3 one is revoked');
$gw->store->revoke('owner', "$gw->{them}{id}:$gw->{theirs}");
$gw->store->set_partner($gw->{us}{id}, name => "O'Neill \"& Co\"");

# redis-cli as an operator has it

my $bin = make_prefix();
my $cli = qx{sh -c 'command -v redis-cli'} =~ s{\n}{}r;

spew("$bin/redis-cli", "#!/bin/sh\nexec $cli --no-auth-warning"
    . ' -s ' . $redis->socket . " --user test --pass $redis->{test_password}"
    . ' "$@"' . "\n", 0755);

sub move {
    local $ENV{PATH} = "$bin:$ENV{PATH}";
    local $ENV{store} = $gw->prefix . '/store/gateway.db';

    my $said = qx{cd '@{[repo_root()]}' && bash -euo pipefail -c '$_[0]' 2>&1};

    return is($said, '', 'D5 the commands say nothing');
}

# one node with Redis prepares it; then the copy, and once more

my $other = $gw->beside(conf_of(), engine => AGW::Engine->on($redis));

move($commands =~ s/'/'\\''/gr);
is($gw->revoke($ended[1])->status, 200, 'P5.3 another one, meanwhile');
move($commands =~ s/'/'\\''/gr);

$other->{store} = AGW::RedisStore->new($redis);

ok($other->issue($other->{us}, $other->{business}),
    'D5 the partner, its key and its business are there');
is($redis->call('HGET', "{agw}:partner:$gw->{us}{id}", 'name'),
    "O'Neill \"& Co\"", 'D5 its name as it was');
is($other->result($living), 'ok', 'D5 a token goes on');
is($other->request('POST', "/token/$gw->{business}", bearer => $bearer)
    ->status, 200, 'D5 a partner token gets another one');
ok($other->learns, 'D5 all that was copied is read');
is($other->result($_), '401 revoked', 'D5 what was revoked stays so')
    for @ended;
is($other->result($cut, $gw->{theirs}), '401 revoked',
    'D5 what a cut-off ended, too');
is($other->revoke($living)->status, 200, 'P5.3 a revocation in Redis');
is($other->result($living), '401 revoked', 'D5 ends a token of before');

$gw->finish;
