# P5.3, D5: another file comes in the place of the store while nginx runs, at
# the worst of times.  What is answered 200 is in the file that is there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Disk;
use AGW::FaultyStore;
use AGW::Files qw(spew worker_ids);
use AGW::Store;
use AGW::Token qw(claims_of);

my $conf = AGW::FaultyStore->conf
    =~ s{(?=location = /token )}{location = /revoke \{
            auth_gateway_revoke token;
        \}

        }r;
my $disk = AGW::Disk->new;
my $gw = AGW::FaultyStore->start($conf, $disk->options);

sub living { return $gw->living }
sub status_of { return $gw->status_of(@_) }

# a revocation on its way: a connection

sub begin {
    my ($token) = @_;

    return $gw->begin_form('/revoke', "token=$token");
}

sub status {
    my ($client) = @_;

    my $status = $client->response(timeout => 20)->status;

    $client->close;

    return $status;
}

sub rows_of {
    my ($token, $file) = @_;

    my $id = "$gw->{id}:" . claims_of($token)->{jti};

    return AGW::Store->new($file // $gw->file)
        ->sql("SELECT count(*) FROM revocations WHERE id = '$id'");
}

# holds the disk while nothing is being synced, as the maintenance does at times

sub hold_idle {
    my $until = time + 10;

    while (1) {
        $disk->hold;

        return if time > $until
            || !grep { $disk->began($_) != $disk->ended($_) } qw(wal main);

        $disk->release;
        sleep 0.05;
    }
}

# A revocation whose transaction is being synced: nothing ends that sync until
# the disk is released.

sub begin_sync {
    my ($token) = @_;

    hold_idle();

    my $before = $disk->began('wal');
    my $client = begin($token);
    my $until = time + 10;

    sleep 0.01 while $disk->began('wal') == $before && time < $until;
    cmp_ok($disk->began('wal'), '>', $before, 'D5 it is being synced');

    return $client;
}


# while it is synced

{
    is(status(begin(living())), 200, 'D5 at first');

    my $token = living();
    my $client = begin_sync($token);

    $gw->put;
    $disk->release;
    is(status($client), 200, 'P5.3 replaced in a sync: revoked');
    is(rows_of($token), 1, 'P5.3 in the file that is there');
    is(status_of($token), 401, 'P5.3 and it holds');
}


# removed, and nothing in its place

{
    is(status(begin(living())), 200, 'D5 once more');

    my $token = living();
    my $client = begin_sync($token);

    unlink glob $gw->file . '*';
    $disk->release;
    is(status($client), 503, 'P5.3 removed in a sync: not revoked');
    is(status_of($token), 200, 'P5.3 the token lives');
    $gw->put;

    my $after = living();

    is(status(begin($after)), 200, 'P5.3 when there is one again: revoked');
    is(rows_of($after), 1, 'P5.3 in that one');
    is(status_of($after), 401, 'P5.3 and it holds');
}


# the file that is gone stays locked

{
    is(status(begin(living())), 200, 'D5 before a lock');

    my $lock = AGW::Store->new($gw->file)->hold('BEGIN IMMEDIATE;');
    my $token = living();
    my $client = begin($token);

    sleep 0.4;

    my $from = time;

    $gw->put;
    is(status($client), 200, 'P5.3 it does not wait for the one that is gone');
    cmp_ok(time - $from, '<', 5, 'D5 which would be ten seconds');
    is(rows_of($token), 1, 'P5.3 in the file that is there');
    is(status_of($token), 401, 'P5.3 and it holds');
    AGW::Store::release($lock, 'ROLLBACK;');
}


# a restored file, with a journal in place of a WAL, that another process writes

{
    my $held = $gw->dir . '/held';
    my (undef, $uid, $gid) = worker_ids();

    spew($held, $gw->bytes, 0640);
    chown $uid, $gid, $held if defined $uid;

    my $lock = AGW::Store->new($held)->hold('BEGIN IMMEDIATE;');
    my $token = living();

    $gw->mark;
    unlink $gw->file . '-wal', $gw->file . '-shm';
    rename $held, $gw->file or die "rename: $!\n";

    my $client = begin($token);

    sleep 0.5;
    AGW::Store::release($lock, 'COMMIT;');
    is(status($client), 200, 'P5.3 a restored file that is written: revoked');
    is(rows_of($token), 1, 'P5.3 in that one');
    is(status_of($token), 401, 'P5.3 and it holds');
    unlike($gw->log_text, qr/stays locked/, 'D5 it waited for a lock, once');
}


# what is no file at all

for my $case (['a directory', sub { mkdir $_[0] }, sub { rmdir $_[0] }],
    ['a FIFO', sub { POSIX::mkfifo($_[0], 0666) }, sub { unlink $_[0] }],
    ['a link to nothing', sub { symlink "$_[0].none", $_[0] },
        sub { unlink $_[0] }])
{
    my ($what, $make, $remove) = @$case;
    my $token = living();

    unlink glob $gw->file . '*';
    $make->($gw->file) or die "$what: $!\n";
    is(status(begin($token)), 503, "P5.3 $what in its place: not revoked");
    is(status_of($token), 200, 'P5.3 the token lives');
    $remove->($gw->file) or die "$what: $!\n";
    unlink glob $gw->file . '*';
    $gw->put;
    is(status(begin($token)), 200, 'P5.3 when there is a file: revoked');
    is(status_of($token), 401, 'P5.3 and it holds');
}


# a link that leads elsewhere: the former file stays where it is

{
    my @files = map { $gw->dir . "/v$_.db" } 1, 2;
    my (undef, $uid, $gid) = worker_ids();

    for my $file (@files) {
        spew($file, $gw->bytes, 0640);
        chown $uid, $gid, $file if defined $uid;
    }

    for my $file (@files) {
        my $new = $gw->dir . '/link';

        symlink $file, $new or die "symlink: $!\n";
        unlink $gw->file . '-wal', $gw->file . '-shm';
        rename $new, $gw->file or die "rename: $!\n";

        my $token = living();

        is(status(begin($token)), 200, 'P5.3 a link: revoked');
        is(rows_of($token, $file), 1, 'P5.3 in the file that it leads to');
        is(status_of($token), 401, 'P5.3 and it holds');
    }
}

$gw->available('at last');
$gw->finish;
