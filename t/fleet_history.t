# D5: a random history of a fleet, in which all that can go wrong goes wrong,
# keeps what is promised.  AGW_SECONDS=60 is how long it takes; AGW_SEED makes
# the same choices again; AGW_FAULTS="kill flush" makes only these happen.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Clock;
use AGW::Files qw(make_prefix);
use AGW::Fleet;
use AGW::FleetHistory;
use AGW::Redis;

AGW::Redis::skip_all_without();

my $seconds = $ENV{AGW_SECONDS} // 60;
my $seed = $ENV{AGW_SEED} // int rand 1e9;
my $dir = make_prefix();
my $redis = AGW::Redis->start(user => 'gateway', durable => 1);
my $standby = AGW::Redis->start(replica_of => $redis, durable => 1);

$standby->wait_for_primary;


# of the third node alone: by the others' no token ends

my @clocks = (undef, undef, AGW::Clock->library ? AGW::Clock->new : undef);
my $fleet = AGW::Fleet->start(redis => $redis,
    each => [map { $_ ? { $_->options } : {} } @clocks]);

srand $seed;

my $history = AGW::FleetHistory->new(fleet => $fleet,
    file => $ENV{AGW_FILE} // "$dir/history", seconds => $seconds,
    standby => $standby, clocks => \@clocks,
    faults => $ENV{AGW_FAULTS} ? [split ' ', $ENV{AGW_FAULTS}] : undef);
my $judge = $history->run;
my $happened = $history->{happened};

is_deeply($judge->{wrong}, [], 'D5 all promises were kept')
    or diag(join "\n", "AGW_SEED=$seed; before it:",
        @{ $judge->{before} });
diag(sprintf '%d requests, seed %d; %s', $history->{requests}, $seed,
    join ', ', map { "$_ $happened->{$_}" } sort keys %$happened);
diag(join ', ', map { "$_ $judge->{seen}{$_}" } sort keys %{ $judge->{seen} });

cmp_ok($judge->{seen}{$_} // 0, '>', 10 * $seconds, "D5 many were $_")
    for qw(issued ok revoked ended);

$fleet->node(0)->finish;
