# D5: a primary that is lost with its last entries, which no replica had: the
# nodes that know them give them to the new primary, so that a node which
# starts afterwards refuses them too.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Fleet;
use AGW::Redis;
use AGW::Stopwatch;

AGW::Redis::skip_all_without();

my $primary = AGW::Redis->start(user => 'gateway');
my $replica = AGW::Redis->start(replica_of => $primary);

$replica->wait_for_primary;

my $fleet = AGW::Fleet->start(redis => $primary);
my $first = $fleet->node(0);
my $business = $first->{business};
my ($kept, @lost) = map { $first->issue($first->{us}, $business) } 1 .. 21;
my $living = $first->issue($first->{us}, $business);
my @basic = (port => 'PLAIN');

is($first->revoke($kept, @basic)->status, 200, 'P5.3 one that the replica has');
$primary->call('WAIT', 1, 1000);
sleep 0.05 until $replica->call('XLEN', '{agw}:revocations') == 1;

# the tail that it never gets

$replica->promote;
is_deeply([grep { $_ != 200 } map { $first->revoke($_, @basic)->status }
    @lost], [], 'P5.3 twenty that it has not');
is(scalar($fleet->accepted(1, $business, \@lost)), 0, 'D5 everywhere');
is($replica->call('XLEN', '{agw}:revocations'), 1, 'D5 not in the replica');

$primary->kill;
$_->set(to => $replica->port) for $fleet->proxies;
$fleet->{redis} = $fleet->store->{redis} = $replica;

my $took = $fleet->wait_for(10, sub { defined $_[0]->issue($first->{us}) });

ok(defined $took, 'D5 tokens are issued by the new primary');

my $began = time;
my $watch = AGW::Stopwatch->start($replica->pid,
    map { $_->nginx->workers } $fleet->nodes);

sleep 0.02 while $replica->call('XLEN', '{agw}:revocations') < 21
    && time < $began + 30;
diag(sprintf 'healed after %.2f s', time - $began);
is($replica->call('XLEN', '{agw}:revocations'), 21,
    'D5 the entries are back, each once');
cmp_ok($watch->seconds, '<', 3, 'D5 soon');

my $late = $fleet->add_node;

is_deeply([grep { !$fleet->refuses($late, $_, $business) } $kept, @lost], [],
    'D5 a node that starts afterwards refuses all of them');
ok($fleet->accepts($_, $living, $business), 'D5 others go on')
    for $fleet->nodes;

my $new = $first->issue($first->{us}, $business);

ok($fleet->accepts($_, $new, $business), 'D5 and what is issued now')
    for $fleet->nodes;

$first->finish;
