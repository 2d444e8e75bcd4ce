# D5: a primary with two replicas, three sentinels, and a primary that is
# killed: with wait=1 nothing is lost, and tokens are issued soon after the
# promotion.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Fleet;
use AGW::Redis;
use AGW::Sentinels;
use AGW::Stopwatch;

AGW::Redis::skip_all_without();

my $primary = AGW::Redis->start(user => 'gateway', durable => 1);
my @replicas = map { AGW::Redis->start(replica_of => $primary, durable => 1) }
    1, 2;

$_->wait_for_primary for @replicas;

my $sentinels = AGW::Sentinels->start($primary, replicas => 2);
my $fleet = AGW::Fleet->start(redis => $primary, nodes => 2, replica => 0,
    words => $sentinels->words($primary, 'wait=1'));
my $first = $fleet->node(0);
my $business = $first->{business};
my @tokens = map { $first->token(seq => $fleet->store->stamp) } 1 .. 400;
my $living = $first->token(seq => $fleet->store->stamp);
my $new;

my @revoked = $fleet->revoke_while(\@tokens, sub {
    sleep 0.1;
    $primary->kill;
    $new = $sentinels->wait_for_other_than($primary->port);
});

cmp_ok(@revoked, '>', 0, 'P5.3 some are answered with 200: '
    . @revoked . ' of ' . @tokens);

my ($promoted) = grep { $_->port == $new } @replicas;

sleep 0.01 while $promoted->role ne 'master';

my $watch = AGW::Stopwatch->start($promoted->pid,
    map { $_->nginx->workers } $fleet->nodes);
my $took = $fleet->wait_for(30, sub { defined $_[0]->issue($first->{us}) });

ok(defined $took, 'D5 tokens are issued again')
    and diag(sprintf '%.2f s after the promotion', $took);
cmp_ok($watch->seconds, '<', 5, 'D5 soon after the promotion');

$fleet->{redis} = $fleet->store->{redis} = $promoted;

is(scalar($fleet->accepted(2, $business, \@revoked)), 0,
    'D5 each is refused by all nodes');

my $late = $fleet->add_node;

is(scalar($fleet->accepted(1, $business, \@revoked, $late)), 0,
    'D5 and by a node that knows nothing but what the new primary has');
ok($fleet->accepts($_, $living, $business), 'D5 others go on')
    for $fleet->nodes;

$first->finish;
