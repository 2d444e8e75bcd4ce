# D5: the replica of a node, and healing: a node that starts while Redis is
# away serves with what it had saved; and what Redis has lost is written back
# by the nodes that know it, so that one which starts later knows it too.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(slurp spew);
use AGW::Redis;
use AGW::Revoking qw(conf_of owner_in);
use AGW::Token qw(claims_of);
use AGW::Until qw(until_is);

AGW::Redis::skip_all_without();

my $conf = conf_of() =~ s{%%ENGINE%%}{%%ENGINE%%
        replica=%%PREFIX%%/store/replica.db}r;
my $gw = AGW::Revoking->start($conf, engine => 'redis', workers => 2);
my $redis = $gw->store->redis;
my $replica = $gw->prefix . '/store/replica.db';

sub saved {
    my ($sql) = @_;

    my $got = qx(sqlite3 -cmd '.timeout 5000' $replica "$sql");

    chomp $got;

    return $got;
}

sub times_logged {
    my $n = () = slurp($gw->nginx->error_log) =~ /$_[0]/g;

    return $n;
}

# whether each worker has its connections again

sub tokens_are_issued {
    my ($partner) = @_;

    my %open = $gw->each_worker;

    return 'some are not reached' if keys %open != 2;

    for my $client (values %open) {
        my $status = $client->request('POST', '/token', body => '',
            headers => [AGW::Gateway::basic(@{ $partner->{basic} })])->status;

        return $status if $status != 200;
    }

    return 200;
}

sub entries { return scalar @{ $redis->call('XRANGE', '{agw}:revocations',
    '-', '+') } }

my $us = owner_in($gw);
my ($revoked, $second, $living) = map { $gw->issue($us, $us->{business}) }
    1 .. 3;
my $jti = claims_of($revoked)->{jti};

# what is learned is saved

$gw->succeeds('D5 revoked', $gw->revoke($revoked, basic => $us->{basic}));
until_is('D5 it is saved', '1', 3, sub {
    saved("SELECT count(*) FROM entries WHERE id = '$us->{id}:$jti'
        AND round > 0") });
until_is('D5 with the position', '1', 3, sub {
    saved('SELECT stamp >= (SELECT max(seq) FROM entries) FROM state') });

# a start without Redis

$redis->kill;
$gw->restart;
until_is('D5 a start without Redis: a revoked token', '401 revoked', 4,
    sub { $gw->result($revoked, $us->{business}) });
is($gw->result($living, $us->{business}), 'ok', 'D5 and a living one');
is($gw->request('POST', '/token', basic => $us->{basic}, quiet => 1)->status,
    503, 'D5 no token is issued');
is(times_logged('has \d+ revocations, as of \d+ seconds ago'), 1,
    'D5 it says how old that is');
cmp_ok(times_logged('of \d+ seconds ago are used'), '>=', 1,
    'D5 and that it is used');

$redis->restart;
until_is('D5 Redis is back', 200, 5, sub { tokens_are_issued($us) });

# without a replica no token is accepted

{
    $redis->kill;

    my $words = $redis->words;
    my $bare = $gw->beside(conf_of() =~ s/%%ENGINE%%/$words/r, workers => 1);

    is($bare->get($living, $us->{business})->status, 503,
        'D5 a start without Redis and replica: no token is accepted');
    $redis->restart;
    until_is('D5 until all is read', 200, 5,
        sub { $bare->get($living, $us->{business})->status });
}

# a replica of another store, by the name at least, or one that was never whole:
# what it lacks nobody knows

my $words = $redis->words;

for my $case (
    ['that had another name', "state SET store = store || '0'",
        qr/is of store "[^"]+0": no token is accepted until/],
    ['of part of the store', "state SET store = ''", qr/has only some/])
{
    my ($name, $change, $said) = @$case;
    my $file = "$replica.other";

    until_is('D5 a replica is whole', '1', 3,
        sub { saved("SELECT store <> '' FROM state") });
    unlink glob "$file*";
    saved(".backup $file");
    system('sqlite3', $file, "UPDATE $change") == 0 or die "sqlite3\n";
    chmod 0666, $file;

    $redis->kill;

    my $other = $gw->beside($conf =~ s{replica=\S+;}{replica=$file;}r
        =~ s/%%ENGINE%%/$words/r, workers => 1);

    until_is("D5 a replica $name", 1, 5,
        sub { slurp($other->nginx->error_log) =~ $said ? 1 : 0 });
    is($other->get($_, $us->{business})->status, 503,
        "D5 a start without Redis, and with a replica $name: no token")
        for $revoked, $living;
    $redis->restart;
    until_is('D5 until all is read', 200, 5,
        sub { $other->get($living, $us->{business})->status });
    until_is('D5 then it is whole', saved('SELECT store FROM state') . "\n", 3, sub {
        qx(sqlite3 -cmd '.timeout 5000' $file 'SELECT store FROM state') });
    $other->nginx->stop;
}

# A replica that is of another store: it is left alone.  Story: all that it had
# was written back there.  If an operator says that it is of this one, it is.

{
    my $file = "$replica.foreign";
    my $dump = sub { qx(sqlite3 -cmd '.timeout 5000' $file .dump) };
    my $there = sub { $redis->call('XLEN', '{other}:revocations') };

    unlink glob "$file*";
    saved(".backup $file");
    chmod 0666, $file;

    my $was = $dump->();
    my $rows = saved('SELECT count(*) FROM entries');

    cmp_ok($rows, '>', 0, 'D5 a replica of another store');
    $redis->call(qw(ACL SETUSER gateway ~{other}:*));

    my $other = $gw->beside($conf =~ s{replica=\S+;}{prefix=other replica=$file;}r
        =~ s/%%ENGINE%%/$words/r, workers => 2);
    my $error = qr/\[error\].* is of store "[^"]+", and "([^"]+)" is another one/;

    until_is('D5 it is read, and serves', 200, 5,
        sub { $other->get($living, $us->{business})->status });
    until_is('D5 which is an error', 1, 5,
        sub { slurp($other->nginx->error_log) =~ $error ? 1 : 0 });
    sleep 1.5;
    is($there->(), 0, 'D5 nothing is written back there');
    ok($dump->() eq $was, 'D5 and the file is as it was');

    my ($name) = slurp($other->nginx->error_log) =~ $error;

    $other->nginx->stop;
    system('sqlite3', $file, "UPDATE state SET store = '$name'") == 0
        or die "sqlite3\n";
    $other->restart;
    until_is('D5 once it is renamed, all is written back', $rows, 5, $there);
    $other->nginx->stop;
}

# all is removed: it is written back, and another node that has no replica,
# started later, knows it

until_is('D5 another one is revoked', 200, 5,
    sub { $gw->revoke($second, basic => $us->{basic})->status });
until_is('D5 it is saved', '1', 3, sub { saved('SELECT count(*) FROM entries'
    . " WHERE id LIKE '%" . claims_of($second)->{jti} . "'") });
my $had = saved('SELECT count(*) FROM entries');

$redis->flush;
until_is('D5 a flush is healed', $had, 3, \&entries);

my $fresh = $gw->beside(conf_of() =~ s/%%ENGINE%%/$words/r, workers => 1);

until_is('D5 a fresh node reads all', 200, 3,
    sub { $fresh->get($living, $us->{business})->status });
is($fresh->result($_, $us->{business}), '401 revoked',
    'D5 and refuses what was revoked before') for $revoked, $second;
sleep 1;
is(entries(), $had, 'D5 once');
like(slurp($gw->nginx->error_log),
    qr/had lost revocations: \d+ of them were written back/, 'D5 logged');

# The story: the file was removed, or an older one was put in its place, and what
# came after that was in no file: a start without Redis did not know it.

{
    my ($older, $earlier) = ("$replica.older", "$replica.earlier");
    my $who = owner_in($gw);
    my $lives = $gw->issue($who, $who->{business});

    unlink glob "$older*";
    saved(".backup $older");
    chmod 0666, $older;

    for my $case (['replaced by an older one', sub {
            unlink "$replica-wal", "$replica-shm";
            rename $older, $replica or die "rename: $!\n" }],
        ['removed', sub { unlink glob "$replica*" }],
        ['made a link to a new one', sub {
            unlink glob "$replica*";
            symlink "$replica.there", $replica or die "symlink: $!\n" }],
        ['led to another one', sub {
            unlink $replica;
            symlink "$replica.elsewhere", $replica or die "symlink: $!\n" }],
        ['restored in place', sub { saved(".restore $earlier") }])
    {
        my ($name, $change) = @$case;
        my ($before, $after) = map { $gw->issue($who, $who->{business}) } 1 .. 2;

        unlink $earlier;
        saved(".backup $earlier");
        $gw->succeeds("D5 before the file is $name",
            $gw->revoke($before, basic => $who->{basic}));
        until_is('D5 it is saved', ++$had, 3,
            sub { saved('SELECT count(*) FROM entries') });
        $change->();
        $gw->succeeds("D5 after the file was $name",
            $gw->revoke($after, basic => $who->{basic}));
        $had++;
        until_is('D5 the file that is there has all', $had, 5, sub {
            -e $replica ? saved('SELECT count(*) FROM entries') : 'none' });
        until_is('D5 of this store', '1', 5,
            sub { saved("SELECT store <> '' FROM state") });
        $redis->kill;
        $gw->restart;
        until_is('D5 a start without Redis', 'ok', 5,
            sub { $gw->result($lives, $who->{business}) });
        is($gw->result($_, $who->{business}), '401 revoked',
            'D5 what was revoked is refused') for $before, $after;
        $redis->restart;
        until_is('D5 Redis is back', 200, 5,
            sub { tokens_are_issued($who) });
    }

    cmp_ok(times_logged('was removed, replaced, restored, or'), '>=', 5,
        'D5 it is logged');

    # nothing was written since the start, and the file is gone; or it is empty
    # when a reload begins to read, and Redis does not answer

    for my $case (['after a start', sub { $gw->restart },
            sub { unlink glob "$replica*" }],
        ['before a reload', sub { unlink glob "$replica*" },
            sub { $gw->nginx->reload; sleep 1.5 }])
    {
        my ($name, @changes) = @$case;

        $redis->kill;
        $changes[0]->();
        until_is("D5 removed $name, without Redis", 'ok', 5,
            sub { $gw->result($lives, $who->{business}) });
        $changes[1]->();
        $redis->restart;
        until_is('D5 the file that is there has all', $had, 9, sub {
            -e $replica ? saved('SELECT count(*) FROM entries') : 'none' });
        until_is('D5 of this store', '1', 5,
            sub { saved("SELECT store <> '' FROM state") });
        until_is('D5 and tokens are issued', 200, 5,
            sub { tokens_are_issued($who) });
    }
}

# The story: while there was nothing in the stream, a file that was put in the
# place of the replica counted as what the node had written, and nothing of it
# was written back.

{
    my $file = "$replica.empty";
    my $there = sub { $redis->call('XLEN', '{empty}:revocations') };
    my $of = sub { my $got = qx(sqlite3 -cmd '.timeout 5000' $file "$_[0]");
        chomp $got; return $got };
    my $words = $redis->words;

    $redis->call(qw(ACL SETUSER gateway ~{empty}:*));

    my $empty = $gw->beside($conf =~ s{replica=\S+;}{prefix=empty replica=$file;}r
        =~ s/%%ENGINE%%/$words/r, workers => 1);

    until_is('D5 a store without revocations is saved', '1', 5,
        sub { -e $file ? $of->("SELECT store <> '' FROM state") : 0 });

    my $name = $of->('SELECT store FROM state');
    my $rows = saved('SELECT count(*) FROM entries');

    saved(".backup $file.backup");
    system('sqlite3', "$file.backup", "UPDATE state SET store = '$name'") == 0
        or die "sqlite3\n";
    chmod 0666, "$file.backup";
    unlink "$file-wal", "$file-shm";
    rename "$file.backup", $file or die "rename: $!\n";
    until_is('D5 one is put in its place: what that has is written back', $rows,
        9, $there);
    $empty->nginx->stop;
}

# As when nginx is upgraded, two nginx write one file.  Neither takes what the
# other one has written for somebody's work.

{
    my $words = $redis->words;
    my $twin = $gw->beside($conf =~ s{replica=\S+;}{replica=$replica;}r
        =~ s/%%ENGINE%%/$words/r, workers => 1);
    my $changed = 'was removed, replaced, restored, or';
    my $before = times_logged($changed);

    until_is('D5 two nginx with one replica', 'ok', 5,
        sub { $twin->result($living, $us->{business}) });
    ok($twin->learns, 'D5 both follow');

    # the twin has a batch that waits for the lock, while the other one goes on

    my $n = 0;
    my $more = sub { $gw->store->revoke('token', 'twin:t' . ++$n) };
    my $is_saved = sub { saved("SELECT count(*) FROM entries"
        . " WHERE id LIKE 'twin:%' AND round > 0") };
    my @pids = $twin->nginx->workers;

    for (1 .. 4) {
        my $lock = lock_replica('BEGIN IMMEDIATE;');

        $more->();
        sleep 0.4;
        kill 'STOP', @pids;
        $more->();
        print {$lock} "COMMIT;\n.quit\n";
        close $lock;
        until_is('D5 one is behind', $n, 1, $is_saved);
        kill 'CONT', @pids;
        sleep 0.01;
        $more->();
        until_is('D5 all are saved', $n, 5, $is_saved);
        sleep 0.1;
    }

    $had = saved('SELECT count(*) FROM entries');
    is(times_logged($changed), $before, 'D5 nor does one nginx');
    unlike(slurp($twin->nginx->error_log), qr/$changed/, 'D5 nor the other one');
    $twin->nginx->stop;
}

# A FIFO in its place, which would hold whoever opens it

{
    my $who = owner_in($gw);
    my ($ended, $lives) = map { $gw->issue($who, $who->{business}) } 1 .. 2;

    system('mkfifo', '-m', '0444', "$replica.fifo") == 0 or die "mkfifo: $?\n";
    unlink "$replica-wal", "$replica-shm";
    rename "$replica.fifo", $replica or die "rename: $!\n";
    $gw->succeeds('D5 a FIFO in its place',
        $gw->revoke($ended, basic => $who->{basic}));
    $had++;
    until_is('D5 it is not opened', 1, 5,
        sub { times_logged('cannot be opened: unable to open') ? 1 : 0 });
    until_is('D5 nor when the feed goes back to it', 2, 9,
        sub { times_logged('cannot be opened: unable to open') > 1 ? 2 : 1 });
    is($gw->result($ended, $who->{business}), '401 revoked', 'D5 and refused');
    is($gw->result($lives, $who->{business}), 'ok', 'D5 requests go on');
    unlink $replica;
    until_is('D5 without it, all is saved', $had, 20, sub {
        -e $replica ? saved('SELECT count(*) FROM entries') : 'none' });
}

# more than one script writes, and two nodes that heal

my $other = $gw->beside($conf, workers => 1);

$gw->store->revoke('token', "many:t$_") for 1 .. 700;
until_is('D5 many are saved', $had + 700, 5,
    sub { saved('SELECT count(*) FROM entries WHERE round > 0') });
sleep 0.5;
$redis->flush;
until_is('D5 two nodes heal', $had + 700, 5,
    sub { my %e = $gw->store->entries; scalar keys %e });
sleep 1.5;
is(entries(), $had + 700, 'D5 each entry once');

# A server that has the entry of the position, but not what a worker had written
# after that: the replica has it as not met yet.  Nobody looks for what is
# lacking any more, ten seconds after the last restart of the stream.

$other->nginx->stop;
sleep 11;
saved("INSERT INTO entries VALUES ('token', 'unmet:t1', (SELECT max(seq) - 1"
    . " FROM entries), 1, NULL, 0)");
$redis->call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
until_is('D5 a new connection: what was never met is written back', $had + 701,
    3, \&entries);
$had++;

# a worker that waits for the lock ends when it is told to, and not when it has
# waited for its two seconds: nginx kills one that is there still after three

sub lock_replica {
    my ($sql) = @_;

    my $log = $gw->prefix . '/lock';

    unlink $log;
    open my $lock, '|-', "sqlite3 -bail -cmd '.timeout 5000' $replica >$log 2>&1"
        or die "sqlite3: $!\n";
    $lock->autoflush(1);
    print {$lock} "$sql SELECT 'locked';\n";
    until_is('D5 a replica is locked', 1, 10,
        sub { -e $log && slurp($log) =~ /locked$/m ? 1 : 0 });

    return $lock;
}

my $lock = lock_replica('BEGIN IMMEDIATE;');
my $locked = times_logged('database is locked');
my $late = owner_in($gw);
my $last = $gw->issue($late, $late->{business});

$gw->succeeds('D5 a revocation that the replica waits for',
    $gw->revoke($last, basic => $late->{basic}));
is($gw->nginx->stop, 0, 'D5 a worker that waits for a lock ends');
is(times_logged('exited on signal'), 0, 'D5 by itself');
is(times_logged('database is locked'), $locked, 'D5 before its time is over');
close $lock;

# The story: one worker took over from another that was just closing the file,
# found it locked, and healed nothing for half a minute.  What it wrote meanwhile
# was in no replica.

$lock = lock_replica('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE;'
    . ' UPDATE state SET written = written;');
$gw->restart;
until_is('D5 and cannot be opened', 1, 10,
    sub { times_logged('cannot be opened: database is locked') ? 1 : 0 });

my $they = owner_in($gw);

until_is('D5 each worker has Redis', 200, 5, sub { tokens_are_issued($they) });

my $theirs = $gw->issue($they, $they->{business});

$gw->succeeds('D5 a revocation meanwhile',
    $gw->revoke($theirs, basic => $they->{basic}));
$redis->flush;
print {$lock} "COMMIT;\n.quit\n";
close $lock;
$had += 2;             # and $last, which no file has either
until_is('D5 a moment later, what is lost is written back', $had + 700, 15,
    sub { my %e = $gw->store->entries; scalar keys %e });

# The story: that the stream had lost something was in a batch that was not
# written, and it was forgotten.

{
    my $behind = times_logged('is behind');

    until_is('D5 all are met again', $had + 700, 9,
        sub { saved('SELECT count(*) FROM entries, state'
            . ' WHERE entries.round = state.round') });

    my $lock = lock_replica('BEGIN IMMEDIATE;');

    $redis->call('XTRIM', '{agw}:revocations', 'MAXLEN', 1);
    until_is('D5 a batch is not written', $behind + 1, 9,
        sub { times_logged('is behind') });
    print {$lock} "COMMIT;\n.quit\n";
    close $lock;
    until_is('D5 what the stream has lost is written back', $had + 700, 15,
        sub { my %e = $gw->store->entries; scalar keys %e });
}

# a replica that is damaged, and one that cannot be written

$gw->nginx->stop;
spew($replica, 'x' x 8192);
unlink "$replica-wal", "$replica-shm";
$gw->restart;
until_is('D5 a damaged replica is made anew', '1', 5,
    sub { saved('SELECT count(*) > 700 FROM entries') });
is($gw->result($revoked, $us->{business}), '401 revoked',
    'D5 and all is known');

like(slurp("$replica.damaged"), qr/^x+$/, 'D5 the old one is kept');

# One with a number that Redis would not take.  Story: it was written to Redis,
# where it stopped all nodes, or was skipped by them.

for my $change (map { my $set = $_; map { "$set = $_" } '9223372036854775807',
    '-9223372036854775808' } 'state SET round', 'state SET horizon',
    'state SET written', 'entries SET time')
{
    $gw->nginx->stop;
    $change = "UPDATE $change;";
    system('sqlite3', $replica, $change) == 0 or die "sqlite3\n";
    $gw->restart;
    until_is("D5 $change a living token", 'ok', 5,
        sub { $gw->result($living, $us->{business}) });
    is($gw->result($revoked, $us->{business}), '401 revoked',
        'D5 and a revoked one');
    until_is('D5 all is in the file', $had + 700, 5,
        sub { saved('SELECT count(*) FROM entries') });
    $redis->call('XTRIM', '{agw}:revocations', 'MAXLEN', 0);
    until_is('D5 what Redis loses then, is written back', $had + 700, 9,
        sub { my %e = $gw->store->entries; scalar keys %e });

    my $late = $gw->beside(conf_of() =~ s/%%ENGINE%%/$words/r, workers => 1);

    until_is('D5 a node that starts later serves', 200, 5,
        sub { $late->get($living, $us->{business})->status });
    is($late->result($revoked, $us->{business}), '401 revoked',
        'D5 and refuses what was revoked');
    $late->nginx->stop;
}

is(times_logged('malformed'), 0, 'D5 nothing in Redis is malformed');

# a file that is somebody else's is left alone

my $store = $gw->prefix . '/store/somebodys.db';

system('sqlite3', $store, 'CREATE TABLE t (a); PRAGMA user_version = 2') == 0
    or die "sqlite3\n";
chmod 0666, $store;

my $was = slurp($store);
my $mistaken = $gw->beside($conf =~ s{replica=\S+;}{replica=$store;}r,
    workers => 1);

until_is('D5 with a file that is no replica, a node reads Redis', 'ok', 5,
    sub { $mistaken->result($living, $us->{business}) });
ok(slurp($store) eq $was && !-e "$store.damaged", 'D5 and leaves it alone');
like(slurp($mistaken->nginx->error_log),
    qr{replica "\Q$store\E" cannot be opened: no such table}, 'D5 logged');
$mistaken->nginx->stop;

# one that cannot be written, which nginx -t did not see: the node goes on
# without it

my $away = "$replica.away";

symlink '/nowhere/replica.db', $away or die "$away: $!\n";

my $nowhere = $gw->beside($conf =~ s{replica=\S+;}{replica=$away;}r,
    workers => 1);

until_is('D5 without its replica, a node reads Redis', 'ok', 5,
    sub { $nowhere->result($living, $us->{business}) });
is($nowhere->result($revoked, $us->{business}), '401 revoked',
    'D5 and knows all');
ok($nowhere->learns, 'D5 and follows');
like(slurp($nowhere->nginx->error_log),
    qr{replica "\Q$away\E" cannot be opened}, 'D5 logged');


$gw->finish;
