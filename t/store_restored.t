# D5: a store that was restored from a .dump of the sqlite3 program,
# which has all of it but user_version, is a store.  (nginx started, and every
# token request was a 503.)  A part of one is not, and nginx -t says so.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);

use AGW::Files qw(make_prefix slurp spew worker_ids);
use AGW::Nginx qw(nginx_t);
use AGW::OldStore;
use AGW::Revoking qw(conf_of row);
use AGW::Skip qw(skip_for);
use AGW::Store qw(give_away);

my $conf = conf_of(http => 'auth_gateway_require_https off;');
my $gw = AGW::Revoking->start($conf,
    allow => [qr/\[emerg\].*auth_gateway_store/]);
my $file = $gw->prefix . '/store/gateway.db';
my $dump = $gw->prefix . '/dump.sql';
my (undef, $uid) = worker_ids();

# what a shell command says, which must not fail

sub shell {
    my ($command) = @_;

    my $said = `$command 2>&1`;

    die "$command: $said\n" if $? != 0;

    return $said;
}

# a file that the sqlite3 program made of these statements, of the workers

sub restored {
    my ($sql) = @_;

    my $new = $gw->prefix . '/store/restored.db';

    unlink $new;
    spew("$dump.2", $sql);
    shell("sqlite3 $new < $dump.2");
    give_away($new);

    return $new;
}

sub put {
    my ($new) = @_;

    unlink "$file-wal", "$file-shm";
    rename $new, $file or die "rename: $!\n";

    return;
}

sub schema_of {
    return AGW::Store->new($_[0])->sql('SELECT type, name, sql FROM'
        . " sqlite_schema WHERE name NOT GLOB 'sqlite_*'"
        . ' ORDER BY type, name');
}

sub rows_of {
    return AGW::Store->new($_[0])->sql(join ' ', map {
        "SELECT '$_', * FROM $_ ORDER BY 1, 2, 3;" } @_[1 .. $#_]);
}


# what there is to lose

my $living = $gw->issue($gw->{us}, $gw->{business});
my ($revoked, $cut) = map { $gw->issue($gw->{us}, $gw->{business}) } 1, 2;
my $theirs = $gw->issue($gw->{them}, $gw->{theirs});
my @tables = qw(partners api_keys businesses revocations revocation_log
    clock);

$gw->succeeds('P5.2 a revocation', $gw->revoke($revoked));
$gw->store->sql("UPDATE businesses SET status = 'archived' WHERE"
    . " business_id = '$gw->{theirs}'; UPDATE businesses SET status ="
    . " 'active' WHERE business_id = '$gw->{theirs}'");
is($gw->nginx->stop, 0, 'D5 nginx ended');

my $schema = schema_of($file);
my $rows = rows_of($file, @tables[0 .. 4]);

spew($dump, shell("sqlite3 $file .dump"));

my $whole = slurp($dump);
my $source = $gw->prefix . '/source.db';

shell("sqlite3 $file '.backup $source'");

unlike($whole, qr/user_version/, 'D5 a dump has no user_version');


# restored in each way that makes the same rows

my $bare = join '', grep { !/^CREATE (?:TRIGGER|INDEX) / }
    split /^/, $whole;

my %ways = (
    '.dump' => sub { return restored($whole) },
    '.dump, without triggers and indexes' => sub { return restored($bare) },
    '.dump, with statistics' => sub { return restored("$whole\nANALYZE;") },
    '.clone' => sub {
        my $new = $gw->prefix . '/store/cloned.db';

        shell("sqlite3 $source '.clone $new'");
        give_away($new);

        return $new;
    },
    '.backup' => sub {
        my $new = $gw->prefix . '/store/copied.db';

        shell("sqlite3 $source '.backup $new'");
        give_away($new);

        return $new;
    },
);

for my $way (sort keys %ways) {
    my $new = $ways{$way}->();
    my $before = rows_of($new, @tables[0 .. 4]);

    is($before, $rows, "D5 $way: the same rows");
    put($new);

    my ($code, $said) = nginx_t($conf, prefix => $gw->prefix,
        names => $gw->nginx->{names});

    is($code, 0, "D3 $way: nginx -t takes it") or diag($said);
    is(rows_of($file, @tables[0 .. 4]), $before, 'D3 and leaves it');
    $gw->restart($conf);
    is($gw->store->sql('PRAGMA user_version'), 2,
        "D5 $way: it has a version");
    is(schema_of($file) =~ s/^.*\bsqlite_stat.*\n//mgr, $schema,
        "D5 $way: and all that belongs to a store");
    is($gw->store->sql('PRAGMA integrity_check'), 'ok', 'D5 intact');
    is($gw->result($revoked), '401 revoked',
        "D5 $way: what was revoked is");
    is($gw->result($theirs, $gw->{theirs}), '401 revoked',
        "D5 $way: what a trigger wrote counts");
    is($gw->result($living), 'ok', "D5 $way: others live");

    my $token = $gw->issue($gw->{us}, $gw->{business});

    ok($token, "D5 $way: tokens are issued");
    is($gw->result($token), 'ok', 'D5 and hold');
    $gw->succeeds("P5.2 $way: a revocation", $gw->revoke($token));
    is($gw->result($token), '401 revoked', 'P5.2 holds');

    # triggers are there

    $token = $gw->issue($gw->{them}, $gw->{theirs});
    $gw->store->sql("UPDATE partners SET status = 'disabled' WHERE"
        . " partner_id = '$gw->{them}{id}'");
    $gw->ends_within_a_second("D5 $way: a trigger ends tokens", $token,
        $gw->{theirs});
    is_deeply([grep { /\[error\]/ } split /\n/, $gw->log_text], [],
        "D5 $way: without an error");
    $gw->nginx->stop;
    give_away($file);
}


# a dump of an older store is migrated as that store would be

for my $version (1, 2) {
    my $old = $gw->prefix . '/old.db';
    my $then = int(time) - 100;

    AGW::OldStore::copy($gw->store, $old, $version)->sql(
        row('partner', $gw->{id}, cutoff => $then) . 'UPDATE partners SET'
        . " status = 'active';");
    put(restored(shell("sqlite3 $old .dump")));
    $gw->restart($conf);
    is($gw->store->sql('PRAGMA user_version; SELECT legacy FROM clock'),
        "2\n1", "D5 a dump of version $version: migrated");
    is(join("\n", sort map { /\|(\w+)\|/ } split /\n/, schema_of($file)),
        join("\n", sort map { /\|(\w+)\|/ } split /\n/, $schema),
        "D5 a dump of version $version: with all triggers");
    is($gw->result($gw->token(claims => { iat => $then - 1 })),
        '401 revoked', "D5 a dump of version $version: its rows count");

    my $token = $gw->issue($gw->{us}, $gw->{business});

    ok($token, "D5 a dump of version $version: tokens are issued");
    is($token && $gw->result($token), 'ok', 'D5 and hold');
    $gw->nginx->stop;
}


# a part of a dump is no store

{
    my $prefix = make_prefix();
    my $there = "$prefix/store/gateway.db";
    my $without = sub {
        my ($table) = @_;

        my $part = restored($whole);

        AGW::Store->new($part)->sql('DROP TRIGGER clock_gone;'
            . " DROP TABLE $table");

        return $part;
    };

    for my $case (
        ['tables without revocations', sub { return restored(shell(
            "sqlite3 $there.whole '.dump partners' '.dump api_keys'"
            . " '.dump businesses'")) }, qr/has no table "revocations"/],
        ['partners alone', sub { return restored(shell(
            "sqlite3 $there.whole '.dump partners'")) },
            qr/has no table "api_keys"/],
        ['tables without rows', sub { return restored(shell(
            "sqlite3 $there.whole .schema") =~ s/^CREATE TABLE sqlite_.*//mr)
            }, qr/has no row in "clock"/],
        (map { my $table = $_; ["all but $table", sub {
            return $without->($table) }, qr/has no table "$table"/] }
            qw(clock revocation_log api_keys businesses)),
        ['a column that was renamed', sub {
            my $part = restored($bare);

            AGW::Store->new($part)->sql('ALTER TABLE partners RENAME COLUMN'
                . ' status TO state');
            return $part;
        }, qr/has no column "partners\.status"/],
        ['tables that are not STRICT', sub { return restored(
            $bare =~ s/\) STRICT, WITHOUT ROWID;/) WITHOUT ROWID;/r) },
            qr/has no STRICT table "/],
    ) {
        my ($name, $make, $pattern) = @$case;

        unlink "$there.whole";
        rename restored($whole), "$there.whole";
        rename $make->(), $there or die "rename: $!\n";
        give_away($there);

        my $before = slurp($there);
        my ($code, $said) = nginx_t($conf, prefix => $prefix,
            names => { UPSTREAM => 1 });

        isnt($code, 0, "D3 $name: refused");
        like($said, qr/\[emerg\].*"\Q$there\E" of "auth_gateway_store"/,
            'D3 it is named');
        like($said, $pattern, 'D3 and what is not there');
        like($said, qr/user_version 0, it must be 2.*whole \.dump/,
            'D3 and what is accepted');
        ok(slurp($there) eq $before, 'D3 it is left as it is');
    }
}


# in place of a store while nginx runs; then a part of one, and the whole

{
    put(restored($whole));
    $gw->restart($conf);
    put(restored($whole));
    is($gw->store->sql('PRAGMA user_version'), 0, 'D5 restored under nginx');
    ok($gw->issue($gw->{us}, $gw->{business}), 'D5 it is used at once');
    is($gw->store->sql('PRAGMA user_version'), 2, 'D5 and has a version');
    put(restored(join '', grep { !/^(?:CREATE TABLE|INSERT INTO) businesses/ }
        split /^/, $bare));
    $gw->mark;

    my $r = $gw->request('POST', '/token', basic => $gw->{basic});

    $gw->refused('P1.10 a part of one', $r, 'store_unavailable',
        by => 'basic', good => 0);
    like($gw->log_text, qr/has no table "businesses"/, 'P1.10 the log says');
    put(restored($whole));
    ok($gw->issue($gw->{us}, $gw->{business}), 'D5 the whole is used again');
}


# made by root, as a restore is: -t says whose it must be

SKIP: {
    skip_for('not root', 'a restored file of root is') unless defined $uid;

    $gw->nginx->stop;
    put(restored($whole));
    chown 0, 0, $file;
    chmod 0644, $file;

    my ($code, $said) = nginx_t($conf, prefix => $gw->prefix,
        names => $gw->nginx->{names});

    isnt($code, 0, 'D3 a restored file of root: refused');
    like($said, qr/"\Q$file\E".* by the worker user "nobody".*denied/,
        'D3 it says whose it must be');
    give_away($file);
    $gw->restart($conf);
    ok($gw->issue($gw->{us}, $gw->{business}), 'D5 given away, it is used');
}

$gw->finish;
