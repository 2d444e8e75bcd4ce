# P11.5, D5: the store's disk is full in the middle, or another process has it:
# 503, nothing is half-written, and all is well as soon as the store is.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);

use AGW::Admin;
use AGW::Files qw(spew worker_ids);
use AGW::Skip qw(skip_for);
use AGW::Store;

my $mounted;
my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_admin_log logs/admin.log;

    server {
        listen unix:%%PREFIX%%/admin.sock;
        location /admin/ { auth_gateway_admin write %%UID%%; }
    }
}
CONF

# a disk of 600 kilobytes, of the workers

sub mount_store {
    my ($prefix) = @_;

    my (undef, $uid, $gid) = worker_ids();

    return if !defined $uid
        || system("mount -t tmpfs -o size=600k,mode=0750,uid=$uid,gid=$gid"
            . " agw $prefix/store 2>/dev/null") != 0;

    return $mounted = "$prefix/store";
}

END {
    my $status = $?;

    system("umount -l $mounted") if $mounted;
    $? = $status;
}

my $admin = AGW::Admin->start(conf => $conf, before => \&mount_store);

sub import_of {
    my ($from, $n) = @_;

    return $admin->ask('POST', 'import', join('', map {
        sprintf qq({"type":"business","business_id":"b-%06d-%s",)
            . qq("partner_id":"p-1"}\n), $_, 'x' x 60 } $from .. $from + $n - 1),
        type => 'application/x-ndjson');
}

sub businesses {
    return $admin->store->sql('SELECT count(*) FROM businesses');
}

$admin->ask('PUT', 'partners/p-1', {});
is(import_of(1, 10)->status, 200, 'P11.5 an import');

SKIP: {
    skip_for('tmpfs', 'a full disk is') unless $mounted;

    my $there = businesses();
    my $from = 100;
    my $r;

    for (1 .. 20) {
        $r = import_of($from, 500);
        last if $r->status != 200;
        $there += 500;
        $from += 500;
    }

    $admin->refuses('P11.5 the disk is full', $r, 'store_unavailable');
    is(businesses(), $there, 'P11.5 nothing of that import is there');
    is($admin->ask('GET', 'partners/p-1')->status, 200, 'P11.5 it is read');
    is(($admin->written)[-1]{result}, 'failed', 'P11.7 the log says so');
    like($admin->log_text . slurp_log(), qr/cannot be written: .*full/,
        'P1.10 the error log says why');
    is($admin->store->sql('PRAGMA integrity_check'), 'ok',
        'D5 the store is whole');

    system("mount -o remount,size=8m $mounted") == 0
        or die "remount: $?\n";

    my $status = 0;

    for (1 .. 20) {
        last if ($status = import_of($from, 500)->status) == 200;
        sleep 1;
    }

    is($status, 200, 'P11.5 with room it goes on');
    is(businesses(), $there + 500, 'P11.5 with all of it');
}

sub slurp_log {
    return AGW::Files::slurp($admin->prefix . '/logs/error.log');
}

# another process has the store: what writes waits, what reads does not

{
    my $held = $admin->store->hold('BEGIN IMMEDIATE;');
    my $client = AGW::Client->connect(unix => $admin->prefix . '/admin.sock');
    my $began = time;

    $client->send("PUT /admin/partners/p-2 HTTP/1.1\r\nHost: x\r\n"
        . "Connection: close\r\n\r\n");
    is($admin->ask('GET', 'partners/p-1')->status, 200,
        'D5 what reads does not wait');
    $admin->mark;

    my $r = $client->response(timeout => 60);

    $admin->refuses('D5 what writes waits for ten seconds', $r,
        'store_unavailable');
    cmp_ok(time - $began, '>=', 9, 'D5 not less');
    ok($r->header('Retry-After'), 'P1.10 with Retry-After');
    AGW::Store::release($held, 'ROLLBACK;');
    is($admin->ask('GET', 'partners/p-2')->status, 404, 'D5 nothing is there');
    is($admin->ask('PUT', 'partners/p-2', {})->status, 201,
        'D5 and it goes on');
}

# a client that does not wait: it is done and logged all the same

{
    my $held = $admin->store->hold('BEGIN IMMEDIATE;');
    my $client = AGW::Client->connect(unix => $admin->prefix . '/admin.sock');

    $client->send("PUT /admin/partners/p-3 HTTP/1.1\r\nHost: x\r\n\r\n");
    select undef, undef, undef, 0.5;
    $client->close;
    select undef, undef, undef, 0.5;
    AGW::Store::release($held, 'ROLLBACK;');

    my $line;

    for (1 .. 300) {
        ($line) = grep { $_->{object} eq 'partners/p-3' } $admin->written;
        last if $line;
        select undef, undef, undef, 0.1;
    }

    is($line && $line->{result}, 'created', 'P11.7 a client that has gone');
    is($admin->ask('GET', 'partners/p-3')->status, 200, 'P11.7 it was done');
}

$admin->finish;
