# D5 and D3: workers, and an nginx, that find the store locked, broken or
# where it cannot be.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::FaultyStore;
use AGW::Files qw(make_prefix spew worker_ids);
use AGW::Nginx qw(nginx_t);

my $gw = AGW::FaultyStore->start;
my (undef, $uid) = worker_ids();

# a new worker that finds it locked, or broken, serves

{
    my $lock = $gw->lock_store;
    my $started = time;

    $gw->mark;
    ok($gw->nginx->replace_workers, 'D5 a worker on a locked store');
    $gw->new_workers;
    is($gw->guarded_request->status, 200, 'D5 serves protected requests');
    cmp_ok(time - $started, '<', 15, 'D5 after a moment');
    like($gw->log_text, qr/is locked by another process/,
        'D5 and says what it found');
    $gw->unavailable('locked from the start', qr/locked by another process/);
    $gw->release($lock);
    $gw->available('after a lock from the start');

    # nginx -t refuses a broken one, but it may break under a worker

    $gw->put("nothing\n" x 200);
    $gw->mark;
    ok($gw->nginx->replace_workers, 'D5 a worker on a broken store');
    $gw->new_workers;
    like($gw->log_text, qr/cannot be opened: file is not a database/,
        'D5 says what it found');

    is($gw->guarded_request->status, 200, 'D5 what was known counts');
    $gw->unavailable('broken from the start', qr/file is not a database/);
    $gw->put;
    $gw->available('after it is mended');
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
    my $prefix = make_prefix();

    $break->("$prefix");

    my ($code, $said) = nginx_t(AGW::FaultyStore::conf(), prefix => $prefix,
        names => { UPSTREAM => 1 });

    isnt($code, 0, "D3 $name: does not start");
    like($said, qr/\[emerg\].*"\Q$prefix\E\/store" of "auth_gateway_store"/,
        'D3 naming directory and directive');
    like($said, $pattern, 'D3 and why');
    ok(!-e "$prefix/store/gateway.db", 'D3 and leaves nothing');
}

$gw->finish;
