# D5: Redis is stopped, or gone, while requests go on: no guarded request
# notices, a token request gets 503 soon, and works soon afterwards.  A node
# that starts meanwhile serves with its own file.  AWAY=30 is a longer time.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(slurp);
use AGW::Fleet;
use AGW::Redis;
use AGW::Stopwatch;

AGW::Redis::skip_all_without();

my $away = $ENV{AWAY} // 4;
my $fleet = AGW::Fleet->start(redis => { durable => 1 });
my $redis = $fleet->redis;
my ($first, $second, $third) = $fleet->nodes;
my $business = $first->{business};

sub token_request {
    my ($node) = @_;

    my $began = time;
    my $r = $node->request('POST', '/token', basic => $first->{basic},
        port => 'PLAIN');

    return ($r, time - $began);
}

# All nodes, until that time: what was wrong.  One request of a node may wait
# until it finds out that nobody answers.

sub go_on_until {
    my ($until, $token, $revoked) = @_;

    my $guarded = 0;
    my (@wrong, @took);

    while (time < $until) {
        for my $node (map { $fleet->nodes } 1 .. 10) {
            my $status = $fleet->status($node, $token, $business);

            push @wrong, "guarded: $status" if $status != 200;
            $status = $fleet->status($node, $revoked, $business);
            push @wrong, "revoked: $status" if $status != 401;
            $guarded += 2;
        }

        my ($r, $took) = token_request($second);

        push @wrong, 'token: ' . $r->status if $r->status != 503;
        push @wrong, 'no Retry-After'
            if ($r->header('Retry-After') // '') !~ /^[1-9]\d*$/;
        push @wrong, 'body ' . $r->body
            if $r->json->{error} ne 'temporarily_unavailable';
        push @took, $took;
        sleep 0.02;
    }

    @took = sort { $b <=> $a } @took;
    diag(sprintf '%d guarded requests; %d token requests, which took at most'
        . ' %.1f, %.1f and then %.1f ms', $guarded, scalar @took,
        map { 1000 * $_ } @took[0 .. 2]);
    push @wrong, "a 503 after $took[0]" if $took[0] > 2;
    push @wrong, "another one after $took[1]" if $took[1] > 0.5;

    return @wrong;
}

for my $case (
    ['stopped', sub { $redis->freeze }, sub { $redis->thaw }],
    ['killed', sub { $redis->kill }, sub { $redis->restart }])
{
    my ($name, $go, $back) = @$case;
    my $token = $first->issue($first->{us}, $business);
    my $revoked = $first->issue($first->{us}, $business);

    is($first->revoke($revoked, port => 'PLAIN')->status, 200,
        "D5 $name: a token is revoked");
    is(scalar($fleet->accepted(1, $business, [$revoked])), 0,
        "D5 $name: everywhere");

    $go->();
    is_deeply([go_on_until(time + $away, $token, $revoked)], [],
        "D5 $name: what goes on, and what does not");

    is($second->revoke($token, port => 'PLAIN')->status, 503,
        "P5.3 $name: a revocation is not answered with 200");

    $third->restart;
    undef $third->{kept};
    ok(defined $fleet->wait_for(30, sub {
        $fleet->accepts($_[0], $token, $business) }, $third),
        "D5 $name: a node that was restarted accepts");
    ok($fleet->refuses($third, $revoked, $business),
        "D5 $name: and refuses what was revoked");
    ok(slurp($third->nginx->error_log) =~ /seconds ago are used, from replica/,
        "D5 $name: and says that it knows from its file");

    $back->();

    my $watch = AGW::Stopwatch->start(map { $_->nginx->workers }
        $fleet->nodes);
    my $after = $fleet->wait_for(30, sub {
        (token_request($_[0]))[0]->status == 200 });

    ok(defined $after, "D5 $name: tokens are issued again")
        and diag(sprintf '%s: after %.2f s', $name, $after);
    cmp_ok($watch->seconds, '<', 4, "D5 $name: soon");
    ok($fleet->refuses($_, $revoked, $business), "D5 $name: still revoked")
        for $fleet->nodes;

    # one that was not answered with 200 may be revoked or not, and is soon the
    # same everywhere

    sleep 1;
    my @status = map { $fleet->status($_, $token, $business) } $fleet->nodes;

    is(scalar(grep { $_ != $status[0] } @status), 0,
        "D5 $name: all nodes say the same");
}

$first->finish;
