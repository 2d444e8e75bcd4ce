# D5: a node whose zone has no room for what it reads accepts no token, and
# goes on so when another worker takes over, which has a replica: all has to
# fit, not only what comes after the position of the replica.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(slurp);
use AGW::Redis;
use AGW::Revoking qw(conf_of owner_in);

AGW::Redis::skip_all_without();

my $conf = conf_of(http => 'auth_gateway_zone 64k;') =~ s{%%ENGINE%%}{%%ENGINE%%
        replica=%%PREFIX%%/store/replica.db}r;
my $gw = AGW::Revoking->start($conf, engine => 'redis', workers => 1);
my $us = owner_in($gw);
my $token = $gw->issue($us, $us->{business});

sub guarded { return $gw->get($token, $us->{business})->status }

is(guarded(), 200, 'D5 a token');
$gw->store->revoke('partner', "p$_") for 1 .. 1500;
$gw->store->revoke('partner', $us->{id});

my $until = time + 60;

sleep 0.05 while guarded() != 503 && time < $until;
is(guarded(), 503, 'D5 what is revoked does not fit: no token is accepted');
sleep 2.5;

for my $how ('a reload', 'a worker that dies') {
    if ($how eq 'a reload') {
        $gw->nginx->reload;
    }
    else {
        kill 'KILL', $gw->nginx->workers;
        sleep 0.3;
    }

    $gw->new_workers;

    my %got;

    for ($until = time + 4; time < $until; sleep 0.05) {
        $got{ eval { guarded() } // 'none' }++;
    }

    delete $got{none};
    is(join(' ', sort keys %got), '503', "D5 nor after $how");
}

unlike(slurp($gw->nginx->error_log), qr/holds all revocations again/,
    'D5 it does not hold all');

done_testing();
