# D5: Redis's own clock steps an hour ahead, and back: stamps only grow, what
# was revoked stays so, what is issued afterwards is accepted, and no request
# waits.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Fleet;
use AGW::Redis;

AGW::Redis::skip_all_without();

my $fleet = AGW::Fleet->start(nodes => 2, redis => { clock => 1 });
my ($first, $second) = $fleet->nodes;
my ($us, $business) = @$first{qw(us business)};
my @revoked;

sub stamp { return $fleet->store->stamp }

# what was revoked and what was issued so far, on both

sub as_it_should {
    my ($name, @living) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is(scalar($fleet->accepted(5, $business, \@revoked)), 0,
        "D5 $name: what was revoked stays so");

    my @refused = grep { my $node = $_;
        grep { !$fleet->accepts($node, $_, $business) } @living } $fleet->nodes;

    return is(scalar @refused, 0, "D5 $name: others are accepted");
}

sub round {
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $before = stamp();
    my ($token, $old, $living) = map { $first->issue($us, $business) } 1 .. 3;

    ok(!(grep { !defined } $token, $old, $living), "D5 $name: tokens");
    is($first->revoke($token, port => 'PLAIN')->status, 200,
        "P5.3 $name: a token is revoked");
    push @revoked, $token;
    cmp_ok(stamp(), '>', $before, "D5 $name: stamps grow");
    as_it_should($name, $old, $living);

    # a cut-off ends what was issued before it, and nothing else

    is($second->cut_off($business, basic => $first->{basic},
        port => 'PLAIN')->status, 200, "P5.4 $name: all of a business");
    push @revoked, $old, $living;

    my $new = $second->issue($us, $business);

    return as_it_should("$name, after a cut-off", $new);
}

cmp_ok(abs($fleet->redis->call('TIME')->[0] - time), '<', 60,
    'D5 a clock that is right');
round('right');

for my $hours (1, 0, -1, 0, 1, -1) {
    my $name = "$hours hours";

    $fleet->redis->set_clock(3600 * $hours);
    cmp_ok(abs($fleet->redis->call('TIME')->[0] - time - 3600 * $hours), '<',
        60, "D5 $name: Redis has that time");
    round($name);
}

# a node that starts then

$first->restart;
undef $first->{kept};
ok(defined $fleet->wait_for(10, sub { defined $_[0]->issue($us, $business) },
    $first), 'D5 a node starts');
round('after a start');

$first->finish;
