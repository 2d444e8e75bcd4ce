# D5: revocations that somebody else wrote are seen within a second, and
# none is forgotten: not over a reload, a crash or a restart, nor when the log
# is lost or an older file is put in place.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(slurp spew worker_ids);
use AGW::Gateway;
use AGW::Nginx;
use AGW::OldStore;
use AGW::Revoking qw(conf_of);
use AGW::Token qw(claims_of);

my $conf = conf_of();
my $gw = AGW::Revoking->start($conf, workers => 4,
    allow => [qr/exited on signal 9/, qr/was moved or removed/]);
my $id = $gw->{id};
my $file = $gw->prefix . '/store/gateway.db';
my @ended;

sub row_of {
    my ($kind, $which, %opt) = @_;

    return 'INSERT INTO revocations (kind, id, cutoff, expires_at) VALUES'
        . " ('$kind', '$which', " . ($opt{cutoff} // 'unixepoch()') . ', '
        . ($opt{expires_at} // 'unixepoch() + 90000') . ');';
}

sub row_of_token {
    my ($token) = @_;

    my $claims = claims_of($token);

    return row_of('token', "$claims->{partner_id}:$claims->{jti}",
        cutoff => $claims->{iat}, expires_at => $claims->{exp} + 60);
}

# every token that was ever revoked here is refused by every worker

sub all_ended {
    my ($name, $gateway, $only) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $gateway //= $gw;

    my %open = $gateway->each_worker;
    my @problems;

    for my $token ($only // @ended) {
        my $status = $gateway->status_of_each(\%open, $token);

        push @problems, $status if $status ne '401 x ' . keys %open;
    }

    is(scalar @problems, 0, "D5 $name: all " . @ended . ' are refused')
        or diag(join "\n", @problems);
    is($gateway->result($only // $ended[-1]), '401 revoked',
        "D5 $name: as revoked");
    is($gateway->result($gw->token), 'ok', "D5 $name: another lives");

    return;
}

sub revoke_one {
    my ($gateway) = @_;

    my $token = $gw->token;

    die "not revoked\n" if ($gateway // $gw)->revoke($token)->status != 200;
    push @ended, $token;

    return $token;
}


# by the sqlite3 program

{
    my $token = $gw->token;

    is($gw->result($token), 'ok', 'D5 a row by hand: before');
    $gw->store->sql(row_of_token($token));
    $gw->ends_within_a_second('D5 a row by hand, a token', $token);
    push @ended, $token;

    my $business = $gw->business($id);
    my $theirs = $gw->token(business_id => $business);

    $gw->store->sql(row_of('business', $business));
    $gw->ends_within_a_second('D5 a row by hand, a business', $theirs,
        $business);

    # one that grows, and many at once

    $theirs = $gw->token(business_id => $business,
        seq => $gw->store->stamp);
    is($gw->result($theirs, $business), 'ok', 'D5 issued after it');
    $gw->store->sql('UPDATE revocations SET cutoff = cutoff + 1,'
        . " expires_at = expires_at + 9 WHERE id = '$business'");
    $gw->ends_within_a_second('D5 a row that grows', $theirs, $business);

    my @tokens = map { $gw->token } 1 .. 1300;

    $gw->store->sql(join ' ', 'BEGIN;', (map { row_of_token($_) } @tokens),
        'COMMIT;');
    $gw->ends_within_a_second('D5 1,300 rows at once, the last',
        $tokens[-1]);
    push @ended, @tokens[0, 499, 500, 501, 999, 1000, 1299];
    all_ended('1,300 rows at once');

    # rows that are none of ours do no harm, whether the store takes them or
    # not; and one refuses its token whatever it says of its end

    $gw->store->run(row_of(@$_)) for ['token', 'no-colon'], ['token', ':'],
        ['token', 'a:'], ['token', ':a'], ['business', 'a:b'],
        ['partner', 'a:b:c'], ['owner', 'no-colon'], ['owner', ':'],
        ['owner', 'a:'], ['owner', ':a'], ['owner', 'a:b:c'];

    $token = $gw->token;
    $gw->store->sql(row_of('token', "$id:" . claims_of($token)->{jti},
            cutoff => 1, expires_at => 2)
        . row_of_token(my $good = $gw->token));
    $gw->ends_within_a_second('D5 a row behind rows of no use', $good);
    is($gw->result($token), '401 revoked',
        'D5 a row whose expires_at is long past refuses all the same');
    push @ended, $good, $token;
}


# by another nginx on the same file

my $other = bless { %$gw }, 'AGW::Revoking';

{
    my $prefix = AGW::Files::make_prefix();

    spew("$prefix/secret.key", $gw->{secret}, 0600);
    $other->{prefix} = $prefix;
    $other->{nginx} = AGW::Nginx->start($conf, prefix => $prefix,
        workers => 2, names => { UPSTREAM => $gw->upstream->port,
            ENGINE => $gw->{engine}->words });
    $other->new_workers;

    all_ended('another nginx, from the start', $other);

    my ($here, $there) = map { $gw->token } 1, 2;

    $gw->succeeds('D5 another nginx: revoked here', $gw->revoke($here));
    $other->ends_within_a_second('D5 is seen there', $here);
    $other->succeeds('D5 another nginx: revoked there',
        $other->revoke($there));
    $gw->ends_within_a_second('D5 is seen here', $there);
    push @ended, $here, $there;

    my $business = $gw->business($id);
    my $token = $gw->token(business_id => $business);

    $other->cut_off($business);
    $gw->ends_within_a_second('D5 a business cut off there', $token,
        $business);
    all_ended('both');
    all_ended('both', $other);
}


# what does not end the zone, and what does

revoke_one() for 1 .. 5;
ok($gw->nginx->reload, 'D5 a reload');
$gw->new_workers;
all_ended('a reload');
revoke_one();

for my $round (1 .. 3) {
    my @workers = $gw->nginx->workers;

    revoke_one();
    kill 'KILL', @workers;
    $gw->nginx->wait_for_workers_other_than(@workers);
    sleep 0.02 while $gw->nginx->workers < 4;
    $gw->new_workers;
    all_ended("SIGKILL to each worker, $round");
}

# who follows the store may be the one that dies

{
    for my $round (1 .. 4) {
        my ($worker) = ($gw->nginx->workers)[0];
        my $token = $gw->token;

        kill 'KILL', $worker;
        $gw->store->sql(row_of_token($token));

        for (1 .. 1000) {
            last if $gw->result($token) ne 'ok';
            sleep 0.02;
        }

        is($gw->result($token), '401 revoked',
            "D5 a row while a worker dies, $round");
        push @ended, $token;
    }

    sleep 0.02 while $gw->nginx->workers < 4;
    $gw->new_workers;
}


# the log is lost: whatever it held, the rows are read

{
    my $token = $gw->token;

    $gw->store->sql('BEGIN; ' . row_of_token($token)
        . 'DELETE FROM revocation_log; COMMIT;');
    $gw->ends_within_a_second('D5 a lost log', $token);
    push @ended, $token;

    # and again, with rows behind it, and with its numbers begun anew

    my @more = map { $gw->token } 1 .. 3;

    $gw->store->sql('BEGIN; ' . row_of_token($more[0])
        . 'DELETE FROM revocation_log; ' . row_of_token($more[1])
        . 'COMMIT;');
    $gw->ends_within_a_second('D5 a row that is in no log', $more[0]);
    $gw->ends_within_a_second('D5 the one behind it', $more[1]);
    $gw->store->sql('BEGIN; DELETE FROM revocation_log;'
        . 'DELETE FROM sqlite_sequence; ' . row_of_token($more[2])
        . 'COMMIT;');
    $gw->ends_within_a_second('D5 a log that begins anew', $more[2]);
    push @ended, @more;
    all_ended('a lost log');
    $other->ends_within_a_second('D5 another nginx has its own second',
        $more[2]);
    all_ended('a lost log', $other);
}


# another file in its place

sub put {
    my ($bytes) = @_;

    my (undef, $uid, $gid) = worker_ids();

    spew("$file.new", $bytes, 0640);
    chown $uid, $gid, "$file.new" if defined $uid;
    unlink "$file-wal", "$file-shm";
    rename "$file.new", $file or die "rename: $!\n";

    return;
}

sub copy_of_store {
    my ($sql) = @_;

    my $copy = $gw->prefix . '/copy.db';

    unlink $copy;
    $gw->store->sql("VACUUM INTO '$copy'");
    AGW::Store->new($copy)->sql($sql) if $sql;

    return slurp($copy);
}

# one as an older module made it, with the partners and revocations of ours

sub old_store {
    my ($version, $sql) = @_;

    my $old = $gw->prefix . '/old.db';

    AGW::OldStore::copy($gw->store, $old, $version);
    AGW::Store->new($old)->sql($sql);

    return slurp($old);
}

{
    my $backup = copy_of_store();

    revoke_one() for 1 .. 3;
    put($backup);
    sleep 0.5;
    all_ended('an older backup in place');
    revoke_one();
    all_ended('and revoked in it');

    # a file of the same length of log, with a row that nobody has read

    my $token = $gw->token;

    sleep 0.5;
    put(copy_of_store('BEGIN; ' . row_of_token($token)
        . 'DELETE FROM revocation_log WHERE seq ='
        . ' (SELECT max(seq) FROM revocation_log); COMMIT;'));
    $gw->ends_within_a_second('D5 another file with as long a log', $token);
    push @ended, $token;

    # one of the version before: it has no log

    for my $version (1, 1, 2, 2) {
        $token = $gw->token;
        put(old_store($version, row_of_token($token)));
        $gw->ends_within_a_second("D5 a file of version $version", $token);
        push @ended, $token;
        is($gw->store->sql('PRAGMA user_version'), 2, 'D5 is migrated');
        revoke_one();
    }

    all_ended('other files');
}


# A cold start: the file has all that there was.  The rows of the tokens
# above went with files that were replaced.

{
    my $prefix = $gw->prefix;
    my $token = $gw->token;

    @ended = ();
    revoke_one() for 1 .. 5;
    $gw->nginx->stop;
    $gw->store->sql(row_of_token($token));
    push @ended, $token;
    $gw->{nginx} = AGW::Nginx->start($conf, prefix => $prefix, workers => 4,
        names => { UPSTREAM => $gw->upstream->port });
    $gw->new_workers;
    is($gw->get($token)->status, 401, 'D5 a cold start: the first request');
    all_ended('a cold start');
}

ok($other->nginx->stop == 0, 'the other nginx ended well');
$gw->finish;
