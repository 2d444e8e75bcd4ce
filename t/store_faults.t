# D5: a store that is gone, broken or another one.  Token
# requests get 503 and the log a line; protected requests go on; and all is
# well again as soon as the store is, on the same worker.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::FaultyStore;
use AGW::Files qw(slurp worker_ids);
use AGW::Skip qw(skip_for);
use AGW::Store qw(bytes_of give_away);
use AGW::Token qw(key_digest);

my $gw = AGW::FaultyStore->start;
my $dir = $gw->dir;
my $file = $gw->file;
my $bytes = $gw->bytes;
my ($id, $key, $business) = @$gw{qw(id key business)};
my (undef, $uid) = worker_ids();

$gw->available('at first');

# files that are no store

my $page = unpack 'x16 n', $bytes;

my $shape = 'CREATE TABLE partners (partner_id TEXT, status TEXT, name TEXT);'
    . 'CREATE TABLE api_keys (partner_id TEXT, key_sha256 TEXT,'
    . ' not_before INTEGER, expires_at INTEGER);'
    . 'CREATE TABLE businesses (business_id TEXT, partner_id TEXT,'
    . ' status TEXT);'
    . 'CREATE TABLE revocations (kind TEXT, id TEXT, cutoff INTEGER,'
    . ' expires_at INTEGER, PRIMARY KEY (kind, id));';
my $rows = "INSERT INTO partners VALUES ('$id', 'active', NULL);"
    . "INSERT INTO businesses VALUES ('$business', '$id', 'active');";
my $digest = key_digest($key);

for my $case (
    ['not a database', "This is a text.\n" x 1000, qr/not a database/],
    ['a database cut to its header', substr($bytes, 0, 100),
        qr/malformed|not a database|cannot be (?:opened|read)/],
    ['a corrupt schema', substr($bytes, 0, 100)
        . "\xff" x ($page - 100) . substr($bytes, $page), qr/malformed/],
    ['tables before the first version', bytes_of($shape . $rows),
        qr/user_version 0, it must be 2, or 0 in an empty database.*whole/],
    ['a newer version', bytes_of($shape . $rows . 'PRAGMA user_version = 3'),
        qr/user_version 3, it must be 2/],
    ['a newer version without a table', bytes_of('PRAGMA user_version = 7'),
        qr/user_version 7, it must be 2/],
    ['a version below all', bytes_of($shape . 'PRAGMA user_version = -1'),
        qr/user_version -1, it must be 2/],
    ['our version without a table', bytes_of('PRAGMA user_version = 2'),
        qr/no such table/],
    ['the version before without a table',
        bytes_of('PRAGMA user_version = 1'), qr/no such table/],
    ['our version without its log', bytes_of($shape . $rows
        . 'PRAGMA user_version = 2'), qr/no such table/],
    ['tables of another shape', bytes_of('CREATE TABLE partners (id TEXT);'
        . 'CREATE TABLE api_keys (id TEXT);'
        . 'CREATE TABLE businesses (id TEXT);'
        . 'CREATE TABLE revocations (id TEXT); PRAGMA user_version = 1'),
        qr/no such column/],
    ['a view of nothing', bytes_of('CREATE VIEW partners AS SELECT * FROM x;'
        . 'CREATE VIEW api_keys AS SELECT * FROM x;'
        . 'CREATE VIEW businesses AS SELECT * FROM x;'
        . 'PRAGMA user_version = 1'), qr/no such table/],
) {
    my ($name, $content, $pattern) = @$case;

    $gw->put($content);
    $gw->unavailable($name, $pattern);
    ok(slurp($file) eq $content, "D5 $name is left as it is")
        unless unpack('x60 N', $content . "\0" x 64) =~ /^[12]$/;
    $gw->put;
    $gw->available("after $name");
}

# Every page but the first is overwritten, in the file that is open.  What
# the worker has in memory may still be true, so a new one asks.

{
    my $overwrite = sub {
        my ($what) = @_;

        open my $fh, '+<:raw', $file or die "$file: $!\n";
        seek $fh, $page, 0;
        print {$fh} $what;
        close $fh;
    };

    $gw->store->sql('PRAGMA wal_checkpoint(TRUNCATE)');

    my $before = slurp($file, $page);

    $overwrite->("\xaa" x length $before);

    my $status = $gw->partner_request->status;

    ok($status == 200 || $status == 503, 'P1.10 overwritten while open')
        or diag($status);
    ok($gw->nginx->replace_workers, 'D5 another worker');
    $gw->new_workers;
    $gw->unavailable('an overwritten file', qr/malformed/);
    $overwrite->($before);
    $gw->available('after the bytes are back');
}

# a file that is not there, and a directory; as a directory, a broken link

{
    rename $file, "$file.away" or die "rename: $!\n";
    rename "$file$_", "$file.away$_" for '-wal', '-shm';
    $gw->unavailable('a file that was taken away',
        qr/unable to open database file, SQLite code \d+ \(2: No such file/);
    ok(!-e $file, 'D5 an empty store is not made in its place');
    rename "$file.away$_", "$file$_" for '-wal', '-shm', '';
    $gw->available('after it is back');

    rename $dir, "$dir.away" or die "rename: $!\n";
    $gw->unavailable('a directory that was taken away', qr/unable to open/);
    ok(!-e $dir, 'D5 nor the directory');
    rename "$dir.away", $dir or die "rename: $!\n";
    $gw->available('after the directory is back');

    unlink $file, "$file-wal", "$file-shm";
    mkdir $file or die "mkdir: $!\n";
    $gw->unavailable('a directory in its place', qr/unable to open/);
    rmdir $file or die "rmdir: $!\n";
    symlink "$dir/nowhere", $file;
    $gw->unavailable('a link to nowhere', qr/unable to open/);
    unlink $file;
    $gw->put;
    $gw->available('after the file is back');
}

# other owners: only root can make one

SKIP: {
    skip_for('not root', 'a store of other owners is') unless defined $uid;

    $gw->put($bytes, uid => 0, gid => 0, mode => 0600);
    $gw->unavailable('a file of root alone',
        qr/unable to open database file, .*\(13: Permission denied\)/);
    give_away($file);
    $gw->available('after it is given away');

    chmod 0000, $dir;
    $gw->unavailable('a closed directory',
        qr/unable to open database file, .*\(13: Permission denied\)/);
    chmod 0750, $dir;
    $gw->available('after it is opened');
}

# A row that no store of ours would hold: a date as text never passes, as a
# number it would be any.  Rows beside it are served.

{
    my $other = 'beside';

    for my $date ("'2030-01-01'", "'never'", '1.5', "x'00'", "''", '1e300') {
        for my $column (qw(not_before expires_at)) {
            my $pair = $column eq 'not_before' ? "$date, NULL" : "0, $date";

            $gw->put(bytes_of($shape . $rows
                . "INSERT INTO api_keys VALUES ('$id', '$digest', $pair);"
                . "INSERT INTO partners VALUES ('$other', 'active', NULL);"
                . "INSERT INTO api_keys VALUES ('$other', '$digest', 0,"
                . ' 4000000000); PRAGMA user_version = 1'));

            $gw->refused("P1.10 $column is $date", $gw->partner_request,
                'store_unavailable', by => 'basic');
            like($gw->log_text, qr/a time is no integer/,
                'P1.10 and the log says so');
            is($gw->request('POST', '/token', basic => [$other, $key])
                ->status, 200, 'D5 the row beside it');
        }
    }

    # not_before NULL is no time either; a status is active or it is not

    for my $status ("'Active'", "'active '", 'NULL', '1', "x'616374697665'") {
        $gw->put(bytes_of($shape
            . "INSERT INTO partners VALUES ('$id', $status, NULL);"
            . "INSERT INTO api_keys VALUES ('$id', '$digest', 0, NULL);"
            . "INSERT INTO businesses VALUES ('$business', '$id',"
            . " 'active'); PRAGMA user_version = 1"));

        $gw->refused("D5 a partner's status $status", $gw->partner_request,
            'invalid_client', by => 'basic');
        $gw->refused("D5 a partner's status $status, living token",
            $gw->business_request, 'revoked', partner => $id);

        $gw->put(bytes_of($shape
            . "INSERT INTO partners VALUES ('$id', 'active', NULL);"
            . "INSERT INTO businesses VALUES ('$business', '$id',"
            . " $status); PRAGMA user_version = 1"));
        $gw->refused("D5 a business's status $status", $gw->business_request,
            'archived_business', also => ['unknown_business'],
            partner => $id);
    }

    $gw->put;
    $gw->available('after tables by hand');
}

# A file that can only be read, in WAL already or not (bytes 18 and 19 of its
# header).  Then one that is empty: a worker that has had a store makes no new
# one, in which all partners would be unknown and all tokens revoked.

SKIP: {
    skip_for('not root', 'a read-only store is') unless defined $uid;

    for my $mode (1, 2) {
        my $content = $bytes;

        substr $content, 18, 2, chr($mode) x 2;
        $gw->put($content, uid => 0, gid => 0, mode => 0444);
        $gw->unavailable('a read-only file' . ($mode == 2 ? ' in WAL' : ''),
            qr/read-?only|only be read/);
        $gw->put;
        $gw->available('after it can be written');
    }
}

{
    $gw->put('');
    $gw->unavailable('an empty file in its place', qr/empty|user_version/);
    is(-s $file, 0, 'D5 which is left alone');
    $gw->put;
    $gw->available('after it is filled');

    $gw->store->sql('PRAGMA wal_checkpoint(TRUNCATE)');
    truncate $file, 0;
    $gw->unavailable('a file that was emptied',
        qr/empty|user_version|malformed|no such table|not a database/);
    $gw->put;
    $gw->available('after it is filled again');
}

$gw->finish;
