# D5: a stream that loses entries while all connections stay, and gets a new one
# before the node looks.  The story: a key was deleted while XREAD waited, and a
# revocation was written then.  The node read it, went on from there, and never
# noticed what was gone: a node that started later accepted tokens that had been
# revoked.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Redis;
use AGW::Revoking qw(conf_of owner_in);
use AGW::Token qw(claims_of);
use AGW::Until qw(until_is);

AGW::Redis::skip_all_without();

my $conf = conf_of() =~ s{%%ENGINE%%}{%%ENGINE%%
        replica=%%PREFIX%%/store/replica.db}r;
my $gw = AGW::Revoking->start($conf, engine => 'redis', workers => 2);
my $redis = $gw->store->redis;
my $words = $redis->words;
my $replica = $gw->prefix . '/store/replica.db';
my $stream = '{agw}:revocations';
my $us = owner_in($gw);
my $living = $gw->issue($us, $us->{business});

sub names { return join ' ', sort map { s/ /:/r } keys %{ { $gw->store->entries } } }

sub saved {
    my $got = qx(sqlite3 -cmd '.timeout 5000' $replica "SELECT count(*) FROM
        entries, state WHERE entries.round = state.round");

    return 0 + $got;
}

# revoked by a worker, and met by the feed

sub revoke_one {
    my $token = $gw->issue($us, $us->{business});

    $gw->succeeds('P5.3 one is revoked',
        $gw->revoke($token, basic => $us->{basic}));
    until_is('D5 and saved as one that the stream has', $gw->store->count, 3,
        \&saved);

    return $token;
}

# no command of another connection comes between these

sub at_once {
    my (@commands) = @_;

    $redis->call(@$_) for ['MULTI'], @commands, ['EXEC'];

    return;
}

# an entry that a node which knows all stamps could have written

my $more = 0;

sub news {
    my $stamp = $gw->store->stamp + 1;

    return ['XADD', $stream, "$stamp-0", 'kind', 'token', 'id',
        'nobody:t' . ++$more, 'seq', $stamp, 'time', int time];
}

my @revoked = map { revoke_one() } 1 .. 3;
my $snapshot = $redis->call('DUMP', $stream);

push @revoked, revoke_one();

for my $case (
    ['an older snapshot', ['RESTORE', $stream, 0, $snapshot, 'REPLACE']],
    ['DEL', ['DEL', $stream]],
    ['XTRIM', ['XTRIM', $stream, 'MAXLEN', 0]],
    ['XTRIM but for the last', ['XTRIM', $stream, 'MAXLEN', 1]],
    ['XTRIM, and no news', ['XTRIM', $stream, 'MAXLEN', 1], 1])
{
    my ($name, $loss, $quiet) = @$case;
    my @news = $quiet ? () : news();
    my $all = join ' ', sort split(/ /, names()),
        map { "token:$_->[6]" } @news;

    at_once($loss, @news);
    until_is("D5 $name: what the stream has lost is back", $all, 3, \&names);
    until_is("D5 $name: and met again", scalar(split / /, $all), 3, \&saved);

    my $fresh = $gw->beside(conf_of() =~ s/%%ENGINE%%/$words/r, workers => 1);

    until_is("D5 $name: a node that starts later", 200, 3,
        sub { $fresh->get($living, $us->{business})->status });
    is(scalar(grep { $fresh->result($_, $us->{business}) ne '401 revoked' }
        @revoked), 0, "D5 $name: refuses all that were revoked");
    $fresh->nginx->stop;
    is($gw->result($living, $us->{business}), 'ok', "D5 $name: others go on");
}

# The last stamp was that of the last entry.  A token that is issued now must not
# have a seq below what has ended others, or it is refused from the first on.

$gw->succeeds('P5.3 a cut-off',
    $gw->cut_off($us->{business}, basic => $us->{basic}));
until_is('D5 is known', '401 revoked', 3,
    sub { $gw->result($living, $us->{business}) });
until_is('D5 and saved', $gw->store->count, 3, \&saved);

my $highest = $gw->store->stamp;
my @issued;

at_once(['DEL', $stream]);

for (1 .. 20) {
    my $token = $gw->issue($us, $us->{business});

    push @issued, $token if defined $token;
}

until_is('D5 tokens are issued again', 1, 3, sub {
    my $token = $gw->issue($us, $us->{business}) or return 0;

    push @issued, $token;
    return 1;
});
is(scalar(grep { claims_of($_)->{seq} < $highest } @issued), 0,
    'D5 none has a seq below what the node knows');
is(scalar(grep { $gw->result($_, $us->{business}) ne 'ok' } @issued), 0,
    'D5 and all are accepted');

$gw->finish;
