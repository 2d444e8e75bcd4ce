# D5: what one node of a fleet revokes, the others refuse: how many
# milliseconds after the 200.  TRIALS=1000 measures more of them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);

use AGW::Fleet;
use AGW::Redis;
use AGW::Stopwatch;

AGW::Redis::skip_all_without();

my $trials = $ENV{TRIALS} // 200;
my $fleet = AGW::Fleet->start(redis => { durable => 1 });
my ($first, @others) = $fleet->nodes;
my $business = $first->{business};
my @tokens = map { $first->token(seq => $fleet->store->stamp) }
    1 .. $trials;
my $client = $first->connect('PLAIN');
my (@took, @here, @failed);
my @pids = ($fleet->redis->pid, map { $_->nginx->workers } $fleet->nodes);
my $slowest = 0;

for my $token (@tokens) {
    my @before = grep { !$fleet->accepts($_, $token, $business) }
        $fleet->nodes;

    $first->send_revocation($client, $token);
    push @failed, 'not accepted before' if @before;
    push @failed, 'not answered with 200' if $client->response->status != 200;

    my $began = time;
    my $watch = AGW::Stopwatch->start(@pids);
    my @waiting = @others;

    push @here, $token if !$fleet->refuses($first, $token, $business);

    while (@waiting && time < $began + 20) {
        @waiting = grep { !$fleet->refuses($_, $token, $business) } @waiting;
    }

    push @failed, 'accepted elsewhere' if @waiting;
    push @took, 1000 * (time - $began);
    $slowest = $watch->seconds if $watch->seconds > $slowest;
}

is_deeply(\@failed, [], 'D5 each is refused by all nodes');
is(@here, 0, 'D5 at once by the node that answered');

@took = sort { $a <=> $b } @took;
diag(sprintf 'from the 200 to a refusal by both others, %d trials:'
    . ' p50 %.1f ms, p99 %.1f ms, max %.1f ms', $trials,
    $took[@took * 0.5], $took[@took * 0.99], $took[-1]);
cmp_ok($slowest, '<', 1, 'D5 within a second');

# by an operator, and what is issued afterwards

{
    my $old = $first->issue($first->{us}, $business);

    $fleet->store->revoke('partner', $first->{id});

    my $new = $others[0]->issue($first->{us}, $business);

    is_deeply([$fleet->accepted(1, $business, [$old])], [],
        'D5 an entry of an operator');
    ok($fleet->accepts($_, $new, $business), 'D5 what is issued after it')
        for $fleet->nodes;
}

# a node that starts late knows all

my $late = $fleet->add_node;

is_deeply([grep { !$fleet->refuses($late, $_, $business) } @tokens], [],
    'D5 a node that starts late refuses all');

$first->finish;
