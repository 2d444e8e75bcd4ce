# Design 5: a store that is locked, gone, broken or another one.  Token
# requests get 503 and the log a line; protected requests go on; and all is
# well again as soon as the store is, on the same worker.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy qw(copy);
use IO::Handle;
use IPC::Open3 qw(open3);
use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(slurp spew worker_ids);
use AGW::Gateway;
use AGW::Nginx qw(nginx_t);
use AGW::Store;
use AGW::Token qw(api_key key_digest);

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }

        location ~ ^/token/[^/]+$ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my (undef, $uid, $gid) = worker_ids();

my $gw = AGW::Gateway->start($conf);
my $dir = $gw->prefix . '/store';
my $file = "$dir/gateway.db";
my ($id, $key) = @{ $gw->partner }{qw(id key)};
my $business = $gw->business($id);
my $partner_token = $gw->mint(partner_id => $id);
my $business_token = $gw->mint(partner_id => $id,
    business_id => $business);
my $guarded = "/v1/businesses/$business/x";

$gw->good_is(sub {
    return $gw->request('GET', $guarded, quiet => 1,
        bearer => $business_token)->status == 200;
});

# what the store holds, to put back, beside the store and out of its way

my $good = $gw->prefix . '/good.db';

$gw->store->sql("VACUUM INTO '$good'");

sub partner_request {
    return $gw->request('POST', '/token', basic => [$id, $key], @_);
}

sub business_request {
    return $gw->request('POST', "/token/$business",
        bearer => $partner_token, @_);
}

sub unavailable {
    my ($name, $pattern) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    for (['a partner token', \&partner_request, by => 'basic'],
        ['a business token', \&business_request])
    {
        my ($what, $request, @by) = @$_;
        my $started = time;
        my $response = $request->();
        my $took = time - $started;

        $gw->refused("P1.10 $name: no $what", $response,
            'store_unavailable', @by);
        cmp_ok($took, '<', 1.6, 'P1.10 in good time');
        like($gw->log_text, qr/\[error\].*auth_gateway: store "\Q$file\E" /,
            'P1.10 the log names the store');
        like($gw->log_text, $pattern, 'P1.10 and says what is wrong');
    }

    return;
}

sub available {
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is(partner_request()->status, 200, "D5 $name: a partner token");
    is(business_request()->status, 200, "D5 $name: a business token");
    is_deeply([$gw->problems_after], [], 'D5 on the same worker');

    return;
}

# another file in the place of the store: a new one, as a restored backup is

sub put {
    my ($bytes, %opt) = @_;

    spew("$dir/new", $bytes, $opt{mode} // 0640);
    chown $opt{uid} // $uid, $opt{gid} // $gid, "$dir/new"
        if defined $uid;
    unlink "$file-wal", "$file-shm";
    rename "$dir/new", $file or die "rename: $!\n";

    return;
}

# a database that somebody made by hand

sub by_hand {
    my ($sql) = @_;

    my $other = $gw->prefix . '/by_hand.db';

    unlink $other;
    AGW::Store->new($other)->sql($sql);

    return slurp($other);
}

available('at first');

# files that are no store

my $bytes = slurp($good);
my $page = unpack 'x16 n', $bytes;

my $shape = 'CREATE TABLE partners (partner_id TEXT, status TEXT, name TEXT);'
    . 'CREATE TABLE api_keys (partner_id TEXT, key_sha256 TEXT,'
    . ' not_before INTEGER, expires_at INTEGER);'
    . 'CREATE TABLE businesses (business_id TEXT, partner_id TEXT,'
    . ' status TEXT);';
my $rows = "INSERT INTO partners VALUES ('$id', 'active', NULL);"
    . "INSERT INTO businesses VALUES ('$business', '$id', 'active');";
my $digest = key_digest($key);

for my $case (
    ['not a database', "This is a text.\n" x 1000, qr/not a database/],
    ['a database cut to its header', substr($bytes, 0, 100),
        qr/malformed|not a database|cannot be (?:opened|read)/],
    ['a corrupt schema', substr($bytes, 0, 100)
        . "\xff" x ($page - 100) . substr($bytes, $page), qr/malformed/],
    ['tables before the first version', by_hand($shape . $rows),
        qr/user_version 0, accepted is 1, or 0 in an empty database/],
    ['a newer version', by_hand($shape . $rows . 'PRAGMA user_version = 2'),
        qr/user_version 2, accepted is 1/],
    ['a newer version without a table', by_hand('PRAGMA user_version = 7'),
        qr/user_version 7, accepted is 1/],
    ['a version below all', by_hand($shape . 'PRAGMA user_version = -1'),
        qr/user_version -1, accepted is 1/],
    ['our version without a table', by_hand('PRAGMA user_version = 1'),
        qr/no such table/],
    ['tables of another shape', by_hand('CREATE TABLE partners (id TEXT);'
        . 'CREATE TABLE api_keys (id TEXT);'
        . 'CREATE TABLE businesses (id TEXT); PRAGMA user_version = 1'),
        qr/no such column/],
    ['a view of nothing', by_hand('CREATE VIEW partners AS SELECT * FROM x;'
        . 'CREATE VIEW api_keys AS SELECT * FROM x;'
        . 'CREATE VIEW businesses AS SELECT * FROM x;'
        . 'PRAGMA user_version = 1'), qr/no such table/],
) {
    my ($name, $content, $pattern) = @$case;

    put($content);
    unavailable($name, $pattern);
    ok(slurp($file) eq $content, "D5 $name is left as it is")
        unless unpack('x60 N', $content . "\0" x 64) == 1;
    put($bytes);
    available("after $name");
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

    my $status = partner_request()->status;

    ok($status == 200 || $status == 503, 'P1.10 overwritten while open')
        or diag($status);
    ok($gw->nginx->replace_workers, 'D5 another worker');
    $gw->new_workers;
    unavailable('an overwritten file', qr/malformed/);
    $overwrite->($before);
    available('after the bytes are back');
}

# a file that is not there, and a directory; as a directory, a broken link

{
    rename $file, "$file.away" or die "rename: $!\n";
    rename "$file$_", "$file.away$_" for '-wal', '-shm';
    unavailable('a file that was taken away', qr/unable to open/);
    ok(!-e $file, 'D5 an empty store is not made in its place');
    rename "$file.away$_", "$file$_" for '-wal', '-shm', '';
    available('after it is back');

    rename $dir, "$dir.away" or die "rename: $!\n";
    unavailable('a directory that was taken away', qr/unable to open/);
    ok(!-e $dir, 'D5 nor the directory');
    rename "$dir.away", $dir or die "rename: $!\n";
    available('after the directory is back');

    unlink $file, "$file-wal", "$file-shm";
    mkdir $file or die "mkdir: $!\n";
    unavailable('a directory in its place', qr/unable to open/);
    rmdir $file or die "rmdir: $!\n";
    symlink "$dir/nowhere", $file;
    unavailable('a link to nowhere', qr/unable to open/);
    unlink $file;
    put($bytes);
    available('after the file is back');
}

# other owners: only root can make one

SKIP: {
    skip 'needs root', 1 unless defined $uid;

    put($bytes, uid => 0, gid => 0, mode => 0600);
    unavailable('a file of root alone', qr/unable to open/);
    chown $uid, $gid, $file;
    available('after it is given away');

    chmod 0000, $dir;
    unavailable('a closed directory', qr/unable to open/);
    chmod 0750, $dir;
    available('after it is opened');
}

# A row that no store of ours would hold: a date as text never passes, as a
# number it would be any.  Rows beside it are served.

{
    my $other = 'beside';

    for my $date ("'2030-01-01'", "'never'", '1.5', "x'00'", "''", '1e300') {
        for my $column (qw(not_before expires_at)) {
            my $pair = $column eq 'not_before' ? "$date, NULL" : "0, $date";

            put(by_hand($shape . $rows
                . "INSERT INTO api_keys VALUES ('$id', '$digest', $pair);"
                . "INSERT INTO partners VALUES ('$other', 'active', NULL);"
                . "INSERT INTO api_keys VALUES ('$other', '$digest', 0,"
                . ' 4000000000); PRAGMA user_version = 1'));

            $gw->refused("P1.10 $column is $date", partner_request(),
                'store_unavailable', by => 'basic');
            like($gw->log_text, qr/a time is no integer/,
                'P1.10 and the log says so');
            is($gw->request('POST', '/token', basic => [$other, $key])
                ->status, 200, 'D5 the row beside it');
        }
    }

    # not_before NULL is no time either; a status is active or it is not

    for my $status ("'Active'", "'active '", 'NULL', '1', "x'616374697665'") {
        put(by_hand($shape . "INSERT INTO partners VALUES ('$id', $status,"
            . " NULL); INSERT INTO api_keys VALUES ('$id', '$digest', 0,"
            . " NULL); INSERT INTO businesses VALUES ('$business', '$id',"
            . " 'active'); PRAGMA user_version = 1"));

        $gw->refused("D5 a partner's status $status", partner_request(),
            'invalid_client', by => 'basic');
        $gw->refused("D5 a partner's status $status, living token",
            business_request(), 'revoked', partner => $id);

        put(by_hand($shape . "INSERT INTO partners VALUES ('$id', 'active',"
            . " NULL); INSERT INTO businesses VALUES ('$business', '$id',"
            . " $status); PRAGMA user_version = 1"));
        $gw->refused("D5 a business's status $status", business_request(),
            'archived_business', also => ['unknown_business'],
            partner => $id);
    }

    put($bytes);
    available('after tables by hand');
}

# A file that can only be read, in WAL already or not (bytes 18 and 19 of its
# header).  Then one that is empty: a worker that has had a store makes no new
# one, in which all partners would be unknown and all tokens revoked.

SKIP: {
    skip 'needs root', 1 unless defined $uid;

    for my $mode (1, 2) {
        my $content = $bytes;

        substr $content, 18, 2, chr($mode) x 2;
        put($content, uid => 0, gid => 0, mode => 0444);
        unavailable('a read-only file' . ($mode == 2 ? ' in WAL' : ''),
            qr/read-?only|only be read/);
        put($bytes);
        available('after it can be written');
    }
}

{
    put('');
    unavailable('an empty file in its place', qr/empty|user_version/);
    is(-s $file, 0, 'D5 which is left alone');
    put($bytes);
    available('after it is filled');

    $gw->store->sql('PRAGMA wal_checkpoint(TRUNCATE)');
    truncate $file, 0;
    unavailable('a file that was emptied',
        qr/empty|user_version|malformed|no such table/);
    put($bytes);
    available('after it is filled again');
}

# Locked: a database that another process has for itself alone.  The process
# takes it before it is put in place, since a worker has the one before open.

sub lock_store {
    put($bytes, mode => 0640);
    rename $file, "$dir/held";

    my $pid = open3(my $in, my $out, undef, 'sqlite3', "$dir/held");

    print {$in} "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;"
        . " SELECT 'holding';\n";
    $in->flush;
    readline $out for 1 .. 2;
    rename "$dir/held", $file or die "rename: $!\n";

    return { pid => $pid, in => $in };
}

sub release {
    my ($lock) = @_;

    print { $lock->{in} } "COMMIT;\n";
    close $lock->{in};
    waitpid $lock->{pid}, 0;

    return;
}

# a request on its way: its connection, to be asked for the response later

sub begin {
    my ($path, $line) = @_;

    my $client = $gw->connect;

    $client->send("POST $path HTTP/1.1\r\nHost: localhost\r\n$line\r\n"
        . "Content-Length: 0\r\n\r\n");

    return $client;
}

my @both = (['/token', AGW::Gateway::basic($id, $key)],
    ["/token/$business", AGW::Gateway::bearer($partner_token)]);

sub guarded_is_fast {
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $started = time;
    my @wrong = grep { $_ != 200 } map { $gw->request('GET', $guarded,
        quiet => 1, bearer => $business_token)->status } 1 .. 10;

    is("@wrong", '', "D5 $name: protected requests go on");

    return cmp_ok(time - $started, '<', 0.5, 'D5 without waiting');
}

{
    my $lock = lock_store();
    my $started = time;
    my @clients = map { begin(@$_) } @both;

    guarded_is_fast('locked');
    sleep 0.4;
    release($lock);
    is($_->response->status, 200, 'D5 answered when it is released')
        for @clients;
    cmp_ok(time - $started, '<', 1, 'D5 within a second');
    cmp_ok(time - $started, '>', 0.4, 'D5 and not before');
    available('after a lock');
}

{
    my $lock = lock_store();

    unavailable('locked for longer', qr/stays locked by another process/);

    my $started = time;
    my @clients = map { begin(@$_) } (@both) x 5;

    guarded_is_fast('locked for longer');
    is($_->response->status, 503, 'P1.10 each of ten at once')
        for @clients;
    cmp_ok(time - $started, '<', 1.6, 'P1.10 in one second');

    # clients that do not wait for it

    $_->close for map { begin(@$_) } @both;

    my $h2 = $gw->connect_h2;
    my @streams = map {
        my ($path, $line) = @$_;

        $h2->start('POST', $path,
            headers => [['authorization', $line =~ s/^Authorization: //r]])
    } @both;

    $h2->request('GET', $guarded, headers => [
        ['authorization', "Bearer $business_token"]]);
    $h2->reset($streams[0]);
    sleep 0.1;
    guarded_is_fast('clients that went away');
    $h2->close;
    sleep 0.1;
    release($lock);
    available('after clients went away');
    sleep 1;
    available('and when their time is over');
}

# a reload while requests wait: the old worker answers, then it goes

{
    my $lock = lock_store();
    my @clients = map { begin(@$_) } @both;
    my @old = $gw->nginx->workers;

    sleep 0.1;
    kill 'HUP', $gw->nginx->{pid};
    sleep 0.3;
    release($lock);
    is($_->response->status, 200, 'D5 a reload while it waits')
        for @clients;
    ok($gw->nginx->wait_for_workers_other_than(@old),
        'D5 the old worker goes');
    $gw->new_workers;
    available('after the reload');
}

# a new worker that finds it locked, or broken, serves

{
    my $lock = lock_store();
    my $started = time;

    $gw->mark;
    ok($gw->nginx->replace_workers, 'D5 a worker on a locked store');
    $gw->new_workers;
    is($gw->request('GET', $guarded, quiet => 1,
        bearer => $business_token)->status, 200,
        'D5 serves protected requests');
    cmp_ok(time - $started, '<', 2, 'D5 after a moment');
    like($gw->log_text, qr/is locked by another process/,
        'D5 and says what it found');
    unavailable('locked from the start', qr/locked by another process/);
    release($lock);
    available('after a lock from the start');

    put("nothing\n" x 200);
    $gw->mark;
    ok($gw->nginx->reload, 'D5 a reload on a broken store');
    $gw->new_workers;
    like($gw->log_text, qr/cannot be opened: file is not a database/,
        'D5 says what it found');
    unavailable('broken from the start', qr/not a database/);
    put($bytes);
    available('after it is mended');
}

# graceful and fast shutdown while requests wait

for my $signal (qw(QUIT TERM)) {
    my $lock = lock_store();
    my @clients = map { begin(@$_) } @both;
    my $started = time;

    sleep 0.1;
    kill $signal, $gw->nginx->{pid};

    if ($signal eq 'QUIT') {
        sleep 0.2;
        release($lock);
        is($_->response->status, 200, 'D5 QUIT: answered, then the end')
            for @clients;

    } else {
        ok(!defined $_->response, 'D5 TERM: no answer') for @clients;
    }

    for (1 .. 250) {
        last if $gw->nginx->gone;
        sleep 0.02;
    }

    ok($gw->nginx->gone, "D5 $signal ends nginx");
    is($gw->nginx->{status}, 0, 'D5 well');
    cmp_ok(time - $started, '<', 2, 'D5 in good time');
    release($lock) if $signal eq 'TERM';

    last if $signal eq 'TERM';

    $gw->good_is(undef);
    $gw = AGW::Gateway->start($conf);
    $dir = $gw->prefix . '/store';
    $file = "$dir/gateway.db";
    $both[1] = ["/token/$business",
        AGW::Gateway::bearer($gw->mint(partner_id => $id))];
}

# what is wrong at the start: a refusal, or a server that says 503

for my $case (
    ['no directory', sub { rmdir "$_[0]/store" }, qr/No such file/],
    ['a file in its place', sub {
        rmdir "$_[0]/store";
        spew("$_[0]/store", '');
    }, qr/Not a directory/],
    ['a directory of others', sub {
        chown 0, 0, "$_[0]/store" if defined $uid;
        chmod 0555, "$_[0]/store";
    }, qr/cannot be written by the worker user/],
) {
    my ($name, $break, $pattern) = @$case;
    my $prefix = AGW::Files::make_prefix();

    $break->("$prefix");

    my ($code, $said) = nginx_t($conf, prefix => $prefix,
        names => { UPSTREAM => 1 });

    isnt($code, 0, "D3 $name: does not start");
    like($said, qr/\[emerg\].*"\Q$prefix\E\/store" of "auth_gateway_store"/,
        'D3 naming directory and directive');
    like($said, $pattern, 'D3 and why');
    ok(!-e "$prefix/store/gateway.db", 'D3 and leaves nothing');
}

$gw->finish;
