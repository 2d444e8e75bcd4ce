# D5: Redis is killed and restarted, or loses all that it has, in the middle of
# revocations: each that was answered with 200 is in force everywhere
# afterwards, on a node that starts then, too.  TOKENS=1000 revokes more.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Fleet;
use AGW::Redis;

AGW::Redis::skip_all_without();

my $count = $ENV{TOKENS} // 300;
my $fleet = AGW::Fleet->start(redis => { durable => 1 });
my $redis = $fleet->redis;
my $first = $fleet->node(0);
my $business = $first->{business};

sub tokens {
    return map { $first->token(seq => $fleet->store->stamp) } 1 .. $count;
}

my @all;

for my $case (
    ['killed', sub { $redis->kill; sleep 0.3; $redis->restart }],
    ['flushed', sub { $redis->flush_all_but_directory }])
{
    my ($name, $what) = @$case;
    my @tokens = tokens();
    my $living = $first->token(seq => $fleet->store->stamp);
    my @revoked = $fleet->revoke_while(\@tokens, sub {
        for (1 .. 2) {
            sleep 0.3;
            $what->();
        }
    });

    cmp_ok(@revoked, '>', $count / 20, "D5 $name: some are answered with 200,"
        . ' ' . @revoked . " of $count");
    ok(defined $fleet->wait_for(5, sub { defined $_[0]->issue($first->{us}) }),
        "D5 $name: tokens are issued again");
    is(scalar($fleet->accepted(3, $business, \@revoked)), 0,
        "D5 $name: each is refused by all nodes");
    ok($fleet->accepts($_, $living, $business), "D5 $name: others go on")
        for $fleet->nodes;

    my $late = $fleet->add_node;

    is(scalar($fleet->accepted(1, $business, \@revoked, $late)), 0,
        "D5 $name: by a node that starts late, too");
    ok($fleet->accepts($late, $living, $business),
        "D5 $name: which accepts others");
    push @all, @revoked;
}

is(scalar($fleet->accepted(0, $business, \@all)), 0,
    'D5 all of them in the end');

$first->finish;
