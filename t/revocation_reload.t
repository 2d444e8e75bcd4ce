# D5 and D3: a node accepts no token before it has read the store that
# it is told of: not at a start, nor after a reload onto another one, whatever
# the one before knew.  And it ends in good time, whoever waits for the store.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Handle;
use IPC::Open3 qw(open3);
use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(spew worker_ids);
use AGW::Gateway;
use AGW::Nginx qw(nginx_t);
use AGW::Revoking qw(conf_of);
use AGW::Skip qw(skip_for);
use AGW::Store;
use AGW::Token qw(claims_of);

my $conf = conf_of(http => 'auth_gateway_require_https off;');
my $other_conf = $conf =~ s{%%ENGINE%%}{sqlite:%%STORE%%/other.db}r;
my $gw = AGW::Revoking->start($conf, workers => 2);
my $dir = $gw->prefix . '/store';
my $file = "$dir/gateway.db";
my $other = "$dir/other.db";
my (undef, $uid, $gid) = worker_ids();

# A file that another process has for itself alone.  Returns what ends that.

sub lock_file {
    my ($which) = @_;

    my $pid = open3(my $in, my $out, undef, 'sqlite3', $which);

    print {$in} ".timeout 5000\nPRAGMA locking_mode = EXCLUSIVE;"
        . " BEGIN EXCLUSIVE; SELECT 'holding';\n";
    $in->flush;
    readline $out for 1 .. 2;
    give_away($which);

    return sub {
        print {$in} "COMMIT;\n";
        close $in;
        waitpid $pid, 0;
    };
}

# what the sqlite3 program made is the workers'

sub give_away {
    my ($which) = @_;

    if (defined $uid) {
        chown $uid, $gid, grep { -e } map { "$which$_" } '', '-wal', '-shm';
    }

    return;
}

sub row_of {
    my ($token) = @_;

    my $claims = claims_of($token);

    return 'INSERT INTO revocations (kind, id, cutoff, expires_at) VALUES'
        . " ('token', '$claims->{partner_id}:$claims->{jti}',"
        . " $claims->{iat}, $claims->{exp} + 60);";
}

sub until_result {
    my ($name, $want, @of) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $until = time + 3;
    my $got;

    while (1) {
        $got = $gw->result(@of);
        last if $got eq $want || time > $until;
        sleep 0.05;
    }

    return is($got, $want, $name);
}

my ($first, $second, $living) = map { $gw->token } 1 .. 3;

# two stores that know the same partners, and each a revocation of its own

$gw->store->sql("VACUUM INTO '$other'");
$gw->succeeds('P5.3 revoked in the first store', $gw->revoke($first));
AGW::Store->new($other)->sql(row_of($second));
give_away($other);
is(join(' ', map { $gw->result($_) } $first, $second, $living),
    '401 revoked ok ok', 'D5 the first store');


# onto one that can't be read

{
    my $unlock = lock_file($other);
    my $from = time;

    ok($gw->nginx->reload($other_conf), 'D5 a reload onto a locked store');
    $gw->new_workers;
    cmp_ok(time - $from, '<', 8, 'D5 which does not wait for it');
    sleep 0.3;

    for (['a living one', $living], ['the second', $second],
        ['the first', $first])
    {
        $gw->mark;
        $gw->refused("D5 it was not read, so no token is accepted: $_->[0]",
            $gw->get($_->[1]), 'store_unavailable', partner => $gw->{id},
            good => 0);
    }

    is($gw->request('GET', "/owner/$gw->{business}/x",
        bearer => $gw->{bearer})->status, 503, 'D5 nor a partner token');
    is($gw->revoke($living)->status, 503, 'P5.3 and nothing is revoked');
    $unlock->();
    until_result('D5 when it was read, tokens are', 'ok', $living);
    is($gw->result($second), '401 revoked', 'D5 but for its revocations');
    is($gw->result($first), 'ok', 'D5 the other store has its own');
    is_deeply([$gw->problems_after], [], 'D5 on the same workers');
}

# back, and onto it again while both can be read

for my $round (1, 2) {
    ok($gw->nginx->reload($conf), 'D5 a reload onto the first');
    $gw->new_workers;
    until_result('D5 the first store is read', '401 revoked', $first);
    is($gw->result($second), 'ok', "D5 the second's revocations are not its");
    is($gw->result($living), 'ok', 'D5 others live');
    ok($gw->nginx->reload($other_conf), 'D5 and onto the second');
    $gw->new_workers;
    until_result('D5 the second store is read', '401 revoked', $second);
    is($gw->result($first), 'ok', "D5 the first's revocations are not its");
    is($gw->result($living), 'ok', 'D5 others live');

    my $token = $gw->token;

    $gw->succeeds('P5.3 a revocation there', $gw->revoke($token));
    is($gw->result($token), '401 revoked', 'P5.3 holds');
}


# a start on a store that can't be read

{
    is($gw->nginx->stop, 0, 'D5 nginx ended well');

    my $unlock = lock_file($file);

    $gw->restart($conf);
    $gw->mark;
    $gw->refused('D5 a store that was never read: no token is accepted',
        $gw->get($living), 'store_unavailable', partner => $gw->{id},
        good => 0);
    sleep 1.5;
    is($gw->get($living)->status, 503, 'D5 nor later');
    is($gw->get($first)->status, 503, 'D5 a revoked one likewise');

    # others take over, and know no more

    ok($gw->nginx->replace_workers, 'D5 nor by other workers');
    sleep 0.02 while $gw->nginx->workers < 2;
    $gw->new_workers;
    is($gw->get($living)->status, 503, 'D5 which know no more');
    $unlock->();
    until_result('D5 when it was read, tokens are', 'ok', $living);
    is($gw->result($first), '401 revoked', 'D5 but for its revocations');
    is_deeply([$gw->problems_after], [], 'D5 on the same workers');
}


# Who waits for the store does not keep a worker that is told to end.  Its
# connections are closed at worker_shutdown_timeout.

for my $case (
    ['a token request, QUIT', 'QUIT', \&lock_file, sub {
        $_[0]->send(join "\r\n", 'POST /token HTTP/1.1', 'Host: localhost',
            AGW::Gateway::basic(@{ $gw->{basic} }), 'Content-Length: 0', '',
            '') }],
    ['a token request, HUP', 'HUP', \&lock_file, sub {
        $_[0]->send(join "\r\n", 'POST /token HTTP/1.1', 'Host: localhost',
            AGW::Gateway::basic(@{ $gw->{basic} }), 'Content-Length: 0', '',
            '') }],
    ['a revocation, QUIT', 'QUIT', sub { $gw->lock_writes },
        sub { $gw->send_revocation($_[0], $gw->token) }],
    ['a revocation, HUP', 'HUP', sub { $gw->lock_writes },
        sub { $gw->send_revocation($_[0], $gw->token) }],
    ['a revocation, TERM', 'TERM', sub { $gw->lock_writes },
        sub { $gw->send_revocation($_[0], $gw->token) }])
{
    my ($name, $signal, $lock, $ask) = @$case;

    is($gw->nginx->stop, 0, 'D5 nginx ended well');

    # a file that is locked for itself alone is so before it is opened

    my $unlock = $lock == \&lock_file ? $lock->($file) : undef;

    @{ $gw->nginx->{opt} }{qw(workers main)} = (1,
        "worker_shutdown_timeout 400ms;\n");
    $gw->restart($conf);
    $unlock //= $lock->();

    my @clients = map { $gw->connect('PLAIN') } 1 .. 3;
    my @old = $gw->nginx->workers;
    my $from = time;

    $ask->($_) for @clients;
    sleep 0.2;
    kill $signal, $gw->nginx->{pid};

    for (1 .. 400) {
        last if $signal eq 'HUP' ? !grep { kill 0, $_ } @old
            : $gw->nginx->gone;
        sleep 0.02;
    }

    cmp_ok(time - $from, '<', 8, "D5 $name: it ends before the lock");
    $unlock->();
    $_->close for @clients;

    if ($signal eq 'HUP') {
        $gw->nginx->wait_for_workers_other_than(@old);
        $gw->new_workers;
        until_result("D5 $name: the store is read", 'ok', $gw->token);
        is_deeply([$gw->problems_after], [], "D5 $name: the new one serves");
        next;
    }

    for (1 .. 600) {
        last if $gw->nginx->gone;
        sleep 0.02;
    }

    is($gw->nginx->{status}, 0, "D5 $name: and well");
    $gw->restart;
    is_deeply([$gw->problems_after], [], "D5 $name: the next one serves");
    is($gw->store->sql('PRAGMA integrity_check'), 'ok',
        'D5 the store is whole');
}


# the files beside it are the workers' as well, or it does not start

SKIP: {
    skip_for('not root', 'a store of other owners is') unless defined $uid;

    for my $suffix ('-wal', '-shm', '') {
        my $prefix = AGW::Files::make_prefix();
        my $beside = "$prefix/store/gateway.db";

        AGW::Store->new($beside)->sql("VACUUM; PRAGMA user_version = 0;");
        spew("$beside$_", '', 0644) for '-wal', '-shm';
        chown $uid, $gid, map { "$beside$_" } '', '-wal', '-shm';

        my ($code, $said) = nginx_t($conf, prefix => $prefix,
            names => { UPSTREAM => 1 });

        is($code, 0, 'D3 all the workers\' own') or diag($said);

        spew("$beside$suffix", '', 0644) unless -e "$beside$suffix";
        chown 0, 0, "$beside$suffix" or die "chown: $!\n";
        chmod 0644, "$beside$suffix";
        ($code, $said) = nginx_t($conf, prefix => $prefix,
            names => { UPSTREAM => 1 });

        isnt($code, 0, "D3 gateway.db$suffix is root's: does not start");
        like($said, qr/\[emerg\].*\Q$beside$suffix\E"/,
            'D3 and nginx -t names it');
        chown $uid, $gid, "$beside$suffix";
        ($code, $said) = nginx_t($conf, prefix => $prefix,
            names => { UPSTREAM => 1 });
        is($code, 0, 'D3 and back') or diag($said);
    }
}

$gw->finish;
