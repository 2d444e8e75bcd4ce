# D5: what a nginx needs of its store to begin with.  It waits for
# nobody who writes, and it knows the store's floor, also where no row is left
# to tell of it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Revoking qw(conf_of);

my $gw = AGW::Revoking->start(conf_of(), workers => 2,
    allow => [qr/exited on signal 9/]);

sub issued_now {
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $by_key = $gw->request('POST', '/token', basic => $gw->{basic});

    is($by_key->status, 200, "D5 $name: a partner token");

    my $bearer = $gw->keep_secret($by_key->json->{access_token} // 'none');
    my $minted = $gw->request('POST', "/token/$gw->{business}",
        bearer => $bearer);

    is($minted->status, 200, "D5 $name: a business token");

    return is($gw->result($gw->keep_secret($minted->json->{access_token}
        // 'none')), 'ok', "D5 $name: it is accepted");
}


# While somebody writes, a worker that died, a reload and a restart found the
# store locked: whoever connected wrote to it first.

{
    my $unlock = $gw->lock_writes;
    my @workers = $gw->nginx->workers;

    kill 'KILL', @workers;
    $gw->nginx->wait_for_workers_other_than(@workers);
    sleep 0.02 while $gw->nginx->workers < 2;
    $gw->new_workers;
    issued_now('beside a writer, a respawned worker');
    ok($gw->nginx->reload, 'D5 a reload');
    $gw->new_workers;
    issued_now('beside a writer, a reload');
    is($gw->restart, 0, 'D5 a restart');
    issued_now('beside a writer, a restart');
    $unlock->();
}


# A backup from before the last purge, restored under a nginx that knows of
# that purge by the floor alone: all that was issued then was born dead.

{
    my $backup = $gw->prefix . '/backup.db';

    $gw->store->sql(".backup $backup");
    is($gw->revoke($gw->token)->status, 200, 'P5.3 one is revoked');
    $gw->store->sql('UPDATE clock SET elapsed = elapsed + horizon + 60');

    for (1 .. 150) {
        last if !$gw->rows;
        sleep 0.2;
    }

    is($gw->rows, 0, 'D5 and its row went');

    my $floor = $gw->store->sql('SELECT floor FROM clock');

    cmp_ok($floor, '>', 0, 'D5 which raised the floor');
    is($gw->restart, 0, 'D5 a restart');
    issued_now('where nothing but the floor is left');
    $gw->store->sql(".restore $backup");

    for (1 .. 100) {
        last if $gw->store->sql('SELECT stamp FROM clock') >= $floor;
        sleep 0.02;
    }

    cmp_ok($gw->store->sql('SELECT stamp FROM clock'), '>=', $floor,
        'D5 restored: the stamps go on behind the floor');
    issued_now('restored');
}


$gw->finish;
