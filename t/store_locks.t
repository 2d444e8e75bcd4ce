# D5: a store that another process has for itself.  Token requests wait
# for it, at most a second, and nobody else does; a reload and the end of
# nginx find them waiting.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::FaultyStore;

my $gw = AGW::FaultyStore->start;

{
    my $lock = $gw->lock_store;
    my $started = time;
    my $watch = $gw->stopwatch;
    my @clients = map { $gw->begin(@$_) } $gw->endpoints;

    $gw->guarded_is_fast('locked');
    sleep 0.4;
    $gw->release($lock);
    is($_->response->status, 200, 'D5 answered when it is released')
        for @clients;
    cmp_ok($watch->seconds, '<', 1, 'D5 within a second');
    cmp_ok(time - $started, '>', 0.4, 'D5 and not before');
    $gw->available('after a lock');
}

{
    my $lock = $gw->lock_store;

    $gw->unavailable('locked for longer', qr/stays locked by another process/);

    my $watch = $gw->stopwatch;
    my @clients = map { $gw->begin(@$_) } ($gw->endpoints) x 5;

    $gw->guarded_is_fast('locked for longer');
    is($_->response->status, 503, 'P1.10 each of ten at once')
        for @clients;
    cmp_ok($watch->seconds, '<', 1.6, 'P1.10 in one second');

    # clients that do not wait for it

    $_->close for map { $gw->begin(@$_) } $gw->endpoints;

    my $h2 = $gw->connect_h2;
    my @streams = map {
        my ($path, $line) = @$_;

        $h2->start('POST', $path,
            headers => [['authorization', $line =~ s/^Authorization: //r]])
    } $gw->endpoints;

    $h2->request('GET', $gw->guarded, headers => [
        ['authorization', "Bearer $gw->{business_token}"]]);
    $h2->reset($streams[0]);
    sleep 0.1;
    $gw->guarded_is_fast('clients that went away');
    $h2->close;
    sleep 0.1;
    $gw->release($lock);
    $gw->available('after clients went away');
    sleep 1;
    $gw->available('and when their time is over');
}

# a reload while requests wait: the old worker answers, then it goes

{
    my $lock = $gw->lock_store;
    my @clients = map { $gw->begin(@$_) } $gw->endpoints;
    my @old = $gw->nginx->workers;

    sleep 0.1;
    kill 'HUP', $gw->nginx->{pid};
    sleep 0.3;
    $gw->release($lock);
    is($_->response->status, 200, 'D5 a reload while it waits')
        for @clients;
    ok($gw->nginx->wait_for_workers_other_than(@old),
        'D5 the old worker goes');
    $gw->new_workers;
    $gw->available('after the reload');
}

# graceful and fast shutdown while requests wait

for my $signal (qw(QUIT TERM)) {
    my $lock = $gw->lock_store;
    my @clients = map { $gw->begin(@$_) } $gw->endpoints;

    sleep 0.1;
    kill $signal, $gw->nginx->{pid};

    if ($signal eq 'QUIT') {
        sleep 0.2;
        $gw->release($lock);
        is($_->response->status, 200, 'D5 QUIT: answered, then the end')
            for @clients;

    } else {
        ok(!defined $_->response, 'D5 TERM: no answer') for @clients;
    }

    for (1 .. 1000) {
        last if $gw->nginx->gone;
        sleep 0.02;
    }

    ok($gw->nginx->gone, "D5 $signal ends nginx");
    is($gw->nginx->{status}, 0, 'D5 well');
    $gw->release($lock) if $signal eq 'TERM';

    last if $signal eq 'TERM';

    $gw->good_is(undef);
    $gw = AGW::FaultyStore->start;
}

$gw->finish;
