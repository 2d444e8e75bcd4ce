# D3: nginx -t refuses a store that the workers cannot use, says what is
# wrong with it and what is accepted, and leaves it as it is.  (It passed all
# of these; then every token request was a 503, and the log said "unable to
# open database file".)

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);
use POSIX ();
use Test::More;

use AGW::FaultyStore;
use AGW::Files qw(make_prefix repo_root slurp spew worker_ids);
use AGW::Nginx qw(nginx_t);
use AGW::OldStore;
use AGW::Skip qw(skip_for);
use AGW::Store qw(bytes_of give_away);

my $conf = AGW::FaultyStore::conf();
my $gw = AGW::FaultyStore->start($conf);
my $bytes = $gw->bytes;
my $page = unpack 'x16 n', $bytes;
my (undef, $uid, $gid) = worker_ids();
my $prefix = make_prefix();
my $dir = "$prefix/store";
my $file = "$dir/gateway.db";
my @mounted;

END {
    my $status = $?;

    system("umount -l $_ 2>/dev/null") for reverse @mounted;
    $? = $status;
}

# an empty directory of the workers

sub anew {
    remove_tree($dir, { keep_root => 1 });
    chmod 0750, $dir;
    give_away($dir);

    return;
}

# a store with that content, of the workers

sub put {
    my ($content) = @_;

    spew($file, $content, 0640);
    give_away($file);

    return;
}

# name, inode, size, owner and bytes of all that is there

sub content {
    return join '', map { join(' ', $_, (lstat)[1, 2, 4, 5, 7]) . "\n"
        . (-f && !/-shm$/ ? slurp($_) : '') } sort glob("$dir/* $dir/.??*");
}

sub test_of {
    my (%opt) = @_;

    return nginx_t($conf, prefix => $prefix, names => { UPSTREAM => 1 },
        %opt);
}

# asserts that nginx -t says so, of that file, and changes nothing

sub refused {
    my ($name, $which, $pattern, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $before = content();
    my ($code, $said) = test_of(%opt);
    my @problems;

    push @problems, 'it starts' if $code == 0;
    push @problems, "no [emerg] names $which"
        unless $said =~ /\[emerg\][^\n]*"\Q$which\E"[^\n]*auth_gateway_store/;
    push @problems, "not $pattern" unless $said =~ $pattern;
    push @problems, 'not what is accepted' unless $said =~ /it must be/;
    push @problems, 'not the place' unless $said =~ /nginx\.conf:\d+/;
    push @problems, 'something is changed' if content() ne $before;

    return ok(!@problems, "D3 $name: refused")
        || diag(join "\n", @problems, $said);
}

sub taken {
    my ($name, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $before = content();
    my ($code, $said) = test_of(%opt);

    is($code, 0, "D3 $name: taken") or diag($said);

    return is(content(), $before, 'D3 and left as it is');
}


# databases that are none, or another, or of another version

my $tables = 'CREATE TABLE partners (partner_id TEXT, status TEXT,'
    . ' name TEXT); CREATE TABLE api_keys (partner_id TEXT, key_sha256 TEXT,'
    . ' not_before INTEGER, expires_at INTEGER);'
    . ' CREATE TABLE businesses (business_id TEXT, partner_id TEXT,'
    . ' status TEXT);';
my $log = 'CREATE TABLE revocation_log (seq INTEGER PRIMARY KEY, kind TEXT,'
    . ' id TEXT);';
my $revocations = 'CREATE TABLE revocations (kind TEXT, id TEXT,'
    . ' cutoff INTEGER, expires_at INTEGER, PRIMARY KEY (kind, id));';
my $accepted = qr/it must be 2, or 0 in an empty database/;
my $whole = qr/\.backup or \.dump/;

for my $case (
    ['not a database', "This is a text.\n" x 1000,
        qr/cannot be opened .*: file is not a database, SQLite code 26/],
    ['a short text', 'x', qr/file is not a database/],
    ['a database cut to its header', substr($bytes, 0, 100),
        qr/malformed|not a database|I\/O/],
    ['a corrupt schema', substr($bytes, 0, 100)
        . "\xff" x ($page - 100) . substr($bytes, $page), qr/malformed/],
    ['all pages but the first overwritten', substr($bytes, 0, $page)
        . "\xaa" x (length($bytes) - $page), qr/malformed/],
    ['half of a database', substr($bytes, 0, $page * 4), qr/malformed/],
    ['another database', bytes_of('CREATE TABLE people (id TEXT)'),
        qr/user_version 0, $accepted.*has no table "partners"/],
    ['another database with a version of its own',
        bytes_of('CREATE TABLE t (a); PRAGMA user_version = 2'),
        qr/has no table "partners"/],
    ['another database of version 1',
        bytes_of('CREATE TABLE t (a); PRAGMA user_version = 1'),
        qr/has no table "partners"/],
    ['another with a table of our name', bytes_of('CREATE TABLE partners'
        . ' (id INTEGER PRIMARY KEY, company TEXT)'),
        qr/user_version 0.*no column "partners\.partner_id"/],
    ['our tables by hand', bytes_of($tables . $revocations),
        qr/user_version 0.*no STRICT table "partners"/],
    ['a newer version', bytes_of('PRAGMA user_version = 3', $bytes),
        qr/has user_version 3, it must be 2.*newer version/],
    ['a much newer version', bytes_of('PRAGMA user_version = 2147483647'),
        qr/has user_version 2147483647, it must be 2/],
    ['a version below all', bytes_of('PRAGMA user_version = -1', $bytes),
        qr/has user_version -1, it must be 2/],
    ['a part of version 1', bytes_of($tables . 'PRAGMA user_version = 1'),
        qr/$whole.*has no table "revocations"/],
    ['a part of version 2', bytes_of($tables . $revocations
        . 'PRAGMA user_version = 2'), qr/has no table "revocation_log"/],
    ['columns of another shape', bytes_of($tables . $log
        . 'CREATE TABLE revocations (kind TEXT, key TEXT);'
        . 'PRAGMA user_version = 2'), qr/has no column "revocations\.id"/],
    ['no businesses', bytes_of('DROP TABLE businesses', $bytes),
        qr/has no table "businesses"/],
    ['no log', bytes_of('DROP TABLE revocation_log', $bytes),
        qr/has no table "revocation_log"/],
    ['a column less', bytes_of('DROP TRIGGER api_key_dated;'
        . 'DROP TRIGGER api_key_dated_again; ALTER TABLE api_keys RENAME'
        . ' COLUMN not_before TO valid_from', $bytes),
        qr/has no column "api_keys\.not_before"/],
    ['an index less', bytes_of('DROP INDEX revocations_by_seq', $bytes),
        qr/has no index "revocations_by_seq"/],
    ['no clock in the clock', bytes_of('DROP TRIGGER clock_gone;'
        . 'DELETE FROM clock', $bytes), qr/has no row in "clock"/],
    ['views of nothing', bytes_of('CREATE VIEW partners AS SELECT * FROM x;'
        . 'PRAGMA user_version = 1'), qr/no such table|has no/],
) {
    my ($name, $content, $pattern) = @$case;

    anew();
    put($content);
    refused($name, $file, $pattern);
}


# what is no regular file

for my $case (
    ['a directory in its place', sub { mkdir $file }, qr/Is a directory/],
    ['a pipe in its place', sub { POSIX::mkfifo($file, 0666) },
        qr/cannot be read and written/],
    ['a link to itself', sub { symlink $file, $file },
        qr/Too many levels of symbolic links|Symbolic link loop/],
    ['a link to a directory', sub {
        mkdir "$dir/deeper";
        give_away("$dir/deeper");
        symlink 'deeper', $file }, qr/Is a directory/, "$dir/deeper"],
    ['a directory for its log of pages', sub {
        put($bytes);
        mkdir "$file-wal" }, qr/Is a directory/, "$file-wal"],
    ['a directory for its journal', sub { mkdir "$file-journal" },
        qr/Is a directory/, "$file-journal"],
) {
    my ($name, $make, $pattern, $which) = @$case;

    anew();
    $make->();
    give_away(glob "$file*") unless -l $file;
    refused($name, $which // $file, $pattern);
}


# where links lead to counts

{
    anew();
    mkdir "$dir/deeper";
    symlink 'deeper/there.db', $file;
    give_away("$dir/deeper");
    taken('a link to a file that can be made');
    chmod 0555, "$dir/deeper";
    chown 0, 0, "$dir/deeper" if defined $uid;
    refused('a link into a directory that cannot be written', "$dir/deeper",
        qr/\(13: Permission denied\)/);
    chmod 0755, "$dir/deeper";
    spew("$dir/deeper/there.db", $bytes, 0666);
    chmod 0555, "$dir/deeper";
    refused('a link to a file there', "$dir/deeper",
        qr/cannot be written by the worker user/);
    chmod 0755, "$dir/deeper";
    unlink $file;
    symlink 'nowhere/there.db', $file;
    refused('a link into no directory', "$dir/nowhere", qr/No such file/);
}


# what is taken: nothing, an empty file, a store of any version, one that was
# not closed

{
    anew();
    taken('no file');
    is(join(' ', glob "$dir/*"), '', 'D3 no file is made');
    put('');
    taken('an empty file');
    put($bytes);
    taken('a store');

    for my $version (1, 2) {
        put(bytes_of(AGW::OldStore::schema($version)));
        taken("a store of version $version");
    }

    # a process that ends without closing leaves a log of pages

    anew();
    put($bytes);

    my $held = AGW::Store->new($file)->hold('PRAGMA wal_autocheckpoint = 0;'
        . " PRAGMA journal_mode = WAL; UPDATE partners SET name ="
        . " 'in the log';") or die "$file was not changed\n";

    kill 'KILL', $held->{pid};
    waitpid $held->{pid}, 0;
    give_away(glob "$file*");
    cmp_ok(-s "$file-wal", '>', 0, 'D3 a log of pages is there');
    taken('a store that was not closed');
    unlink "$file-shm";

    my $wal = slurp("$file-wal");
    my ($code, $said) = test_of();

    is($code, 0, 'D3 without its index: taken') or diag($said);
    is(slurp("$file-wal"), $wal, 'D3 and its log is as it was');
    ok(slurp($file) !~ /in the log/, 'D3 which is not in the file');
    is(grep({ defined $uid && (stat)[4] != $uid } glob "$dir/*"), 0,
        'D3 nothing is there that the workers cannot use');
    is(AGW::Store->new($file)->sql('SELECT DISTINCT name FROM partners'),
        'in the log', 'D3 nothing is lost');
}


# beside an nginx that runs: the same files, and nobody notices

{
    $gw->store->sql("UPDATE partners SET name = 'x'");

    # the worker may still write when a key was used last

    my $names = sub { return join "\n", map { join ' ', $_,
        (stat)[1, 4, /-wal$/ ? () : 7] } sort glob $gw->file . '*' };
    my $before = $names->();
    my $text = slurp($gw->prefix . '/nginx.conf');

    for (1 .. 5) {
        my $out = $gw->prefix . '/logs/out-t';
        my $pid = AGW::Nginx::spawn($gw->prefix, $out, '-t');

        waitpid $pid, 0;
        is($?, 0, 'D3 nginx -t of one that runs') or diag(slurp($out));
    }

    is($names->(), $before, 'D3 leaves its files');
    $gw->available('after nginx -t');

    # locked by another process: it cannot be looked into, and may be good

    my $lock = $gw->lock_store;
    my $out = $gw->prefix . '/logs/out-locked';
    my $pid = AGW::Nginx::spawn($gw->prefix, $out, '-t');

    waitpid $pid, 0;
    is($?, 0, 'D3 nginx -t of a locked store') or diag(slurp($out));
    like(slurp($out), qr/\[warn\].*"\Q@{[ $gw->file ]}\E".*is locked by/,
        'D3 says that it is locked');
    # put back while it is locked: a worker that gets the lock may be writing

    $gw->put;
    $gw->release($lock);
    $gw->available('after a lock');
}


# A reload onto one is refused, and the workers go on; signals by nginx -s
# are sent all the same.

{
    my $other = $gw->prefix . '/store/other.db';
    my $reload = sub {
        my @workers = $gw->nginx->workers;

        $gw->mark;
        kill 'HUP', $gw->nginx->{pid};

        for (1 .. 500) {
            last if $gw->log_text =~ /\[emerg\]/;
            select undef, undef, undef, 0.02;
        }

        is(join(' ', $gw->nginx->workers), "@workers",
            'D3 the workers stay');
    };

    $gw->{allow} = [qr/\[emerg\].*auth_gateway_store/];
    spew($other, "This is a text.\n" x 1000, 0644);
    give_away($other);
    $gw->nginx->write_conf($conf =~ s/gateway\.db/other.db/r);
    $reload->();
    like($gw->log_text, qr/\[emerg\].*"\Q$other\E".*not a database/,
        'D3 a reload onto another store is refused');
    $gw->available('after a refused reload');
    $gw->nginx->write_conf($conf);

    $gw->put("nothing\n" x 200);
    $reload->();
    like($gw->log_text, qr/\[emerg\].*not a database/,
        'D3 a reload onto a broken store is refused');
    is($gw->guarded_request->status, 200, 'D5 protected requests go on');

    my $out = $gw->prefix . '/logs/out-s';
    my $pid = AGW::Nginx::spawn($gw->prefix, $out, '-s', 'reopen');

    waitpid $pid, 0;
    is($?, 0, 'D3 nginx -s on a broken store') or diag(slurp($out));
    $gw->put;
    ok($gw->nginx->reload, 'D3 and when it is mended, it reloads');
    $gw->new_workers;
    $gw->available('after that');
}


# a file system without locks

for my $there (0, 1) {
    my $build = $ENV{AGW_BUILD} // repo_root() . '/build';

    anew();
    put($bytes) if $there;
    refused('no locks, ' . ($there ? 'a store' : 'no file yet'), $file,
        qr/cannot be .*locked .*\(37: No locks available\)/,
        preload => "$build/lib/no_locks.so");
    taken('with locks');
}


# owners, modes and mounts

SKIP: {
    skip_for('not root', 'other owners, closed directories, other users and'
        . ' read-only mounts are') unless defined $uid;

    for my $suffix ('', '-wal', '-shm', '-journal') {
        anew();
        put($bytes);

        my $before = content();

        spew("$file$suffix", $suffix eq '' ? $bytes : '', 0644);
        chown 0, 0, "$file$suffix";
        refused("gateway.db$suffix of root", "$file$suffix",
            qr/by the worker user "nobody".*\(13: Permission denied\)/);
    }

    anew();
    put($bytes);
    chmod 0444, $file;
    refused('a file that cannot be written', $file,
        qr/\(13: Permission denied\)/);
    chmod 0640, $file;
    chmod 0550, $dir;
    refused('a directory that cannot be written', $dir,
        qr/\(13: Permission denied\)/);
    chmod 0700, $prefix;
    refused('a directory above that is closed', "$prefix/",
        qr/cannot be searched by the worker user "nobody"/);
    chmod 0755, $prefix;

    # by a group that is the user's in addition to its own

    anew();
    put($bytes);
    chown 0, $gid, $dir, $file;
    chmod 0770, $dir;
    chmod 0660, $file;
    taken('a store of the group');

    # an nginx that is not root has no worker user: its own name is said

    my $as = 'daemon';
    my @ids = (getpwnam $as)[2, 3];

    system("chown -R $ids[0]:$ids[1] $prefix");
    chown 0, 0, $dir;
    refused('not root', $dir, qr/by the worker user "daemon"/, as => $as);
    chown @ids, $dir;
    spew($file, $bytes, 0644);
    chown 0, 0, $file;
    refused('not root, a file of root', $file,
        qr/by the worker user "daemon".*\(13: Permission denied\)/,
        as => $as);
    chown @ids, $file;
    taken('not root, its own', as => $as);
    system("chown -R 0:0 $prefix");

    # mounts

    skip_for('tmpfs', 'read-only mounts are')
        if system("mount -t tmpfs -o size=1m,mode=0750,uid=$uid,gid=$gid agw"
            . " $dir 2>/dev/null") != 0;

    push @mounted, $dir;
    system("mount -o remount,ro $dir") == 0 or die "no read-only mount\n";
    refused('a read-only mount, no file yet', $dir,
        qr/cannot be written .*\(30: Read-only file system\)/);

    for my $wal (0, 1) {
        my $content = $bytes;

        substr $content, 18, 2, chr(1 + $wal) x 2;
        system("mount -o remount,rw $dir");
        put($content);
        system("mount -o remount,ro $dir");
        refused('a read-only mount' . ($wal ? ', in WAL' : ''), $file,
            qr/cannot be read and written .*\(30: Read-only file system\)/);
    }

    system("mount -o remount,rw $dir");
    taken('when it can be written');

    # the file alone

    skip_for('no bind mount', 'a read-only file is')
        if system("mount --bind $file $file 2>/dev/null") != 0;

    push @mounted, $file;
    system("mount -o remount,bind,ro $file");
    refused('a file that is mounted read-only', $file,
        qr/\(30: Read-only file system\)/);
}

$gw->finish;
