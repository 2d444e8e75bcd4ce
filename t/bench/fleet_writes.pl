#!/usr/bin/perl

# Three nodes on one Redis (appendfsync always), each with a replica: RATE
# (1000) revocations a second for SECONDS (60), a third of them by each node,
# and what a guarded request of another partner takes meanwhile, and at rest
# before and after that.  One table for each of AGW_MODULES, files with a colon
# between them; DURABLE=0 and REPLICA=0 leave that out.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use POSIX ();
use Time::HiRes qw(sleep time);

use AGW::Files qw(module_path slurp);
use AGW::Fleet;
use AGW::Redis;
use AGW::Revoking qw(owner_in);
use AGW::Token;

my @modules = split /:/, $ENV{AGW_MODULES} // module_path();
my $rate = $ENV{RATE} // 1000;
my $seconds = $ENV{SECONDS} // 60;
my $rest = $ENV{REST} // 15;
my $partners = 30;
my $connections = 4;
my $tick = POSIX::sysconf(POSIX::_SC_CLK_TCK());

my ($fleet, $first, @owners);

sub child {
    my ($work) = @_;

    my $pid = open my $out, '-|';

    die "fork: $!\n" unless defined $pid;
    return { pid => $pid, out => $out } if $pid;

    $SIG{PIPE} = 'DEFAULT';
    eval { $work->(); 1 } or print STDERR $@;
    STDOUT->flush;
    POSIX::_exit(0);
}

sub lines_of {
    my ($child) = @_;

    my @lines = readline $child->{out};

    close $child->{out};
    chomp @lines;

    return @lines;
}

sub token_of {
    my ($owner, $seq) = @_;

    return AGW::Token::mint_raw(secret => $first->{secret}, header => {
        alg => 'HS256', typ => 'JWT', kid => 'k1' },
        payload => AGW::Token::claims_for(partner_id => $owner->{id},
            business_id => $owner->{business}, seq => $seq));
}

# Each revocation at its time, however late the answers are; prints one line
# of statuses.

sub revoke_all {
    my ($node, $from, $tokens, $share) = @_;

    # those who revoke have machines of their own elsewhere

    POSIX::nice(5);

    my @clients = map { $node->connect('PLAIN') } 1 .. $connections;
    my @busy = (0) x @clients;
    my %status;

    for my $i (0 .. $#$tokens) {
        my ($owner, $token) = @{ $tokens->[$i] };
        my $k = $i % @clients;
        my $at = $from + $i / $share;

        if ($busy[$k]) {
            $status{ $clients[$k]->response(timeout => 30)->status }++;
        }

        my $left = $at - time;

        sleep $left if $left > 0;
        $node->send_revocation($clients[$k], $token, basic => $owner->{basic});
        $busy[$k] = 1;
    }

    for my $k (grep { $busy[$_] } 0 .. $#clients) {
        $status{ $clients[$k]->response(timeout => 30)->status }++;
    }

    printf "%.2f %s\n", time - $from,
        join ' ', map { "$_:$status{$_}" } sort keys %status;

    return;
}

# what each guarded request took, in ms

sub guard_until {
    my ($node, $token, $until) = @_;

    my $client = $node->connect('PLAIN');
    my $line = AGW::Gateway::bearer($token);
    my $path = "/check/$owners[-1]{business}/x";

    while (time < $until) {
        my $at = time;
        my $r = $client->request('GET', $path, headers => [$line],
            timeout => 60);

        printf "%.3f\n", 1000 * (time - $at);
        print STDERR 'guarded: ', $r->status, "\n" if $r->status != 200;
        sleep 0.004;
    }

    return;
}

sub guards {
    my ($until, $token) = @_;

    return map { my $node = $_;
        child(sub { guard_until($node, $token, $until) }) } $fleet->nodes;
}

sub cpu_of {
    my ($pid) = @_;

    my @field = split ' ', slurp("/proc/$pid/stat") =~ s/^.*\) //sr;

    return ($field[11] + $field[12]) / $tick;
}

sub cpu_of_all {
    my $sum = 0;

    $sum += cpu_of($_) for map { $_->nginx->workers } $fleet->nodes;

    return ($sum, cpu_of($fleet->redis->pid));
}

sub line_of {
    my ($name, @took) = @_;

    my @sorted = sort { $a <=> $b } @took;

    printf "%-12s %8d requests, p50 %6.2f ms, p99 %7.2f ms, max %7.2f ms\n",
        $name, scalar @sorted, map { $sorted[$_ * $#sorted] } 0.5, 0.99, 1;

    return $sorted[0.99 * $#sorted];
}

for my $module (@modules) {
    local $ENV{AGW_MODULE} = $module;

    $fleet = AGW::Fleet->start(redis => { durable => $ENV{DURABLE} // 1 },
        replica => $ENV{REPLICA} // 1, http => 'auth_gateway_zone 32m;',
        proxied => 0);
    ($first) = $fleet->nodes;
    @owners = map { owner_in($first) } 1 .. $partners;

    print "$module\n";

    my $seq = $fleet->store->stamp;
    my $token = token_of($owners[-1], $seq);
    my @all = map { my $owner = $owners[$_ % ($partners - 1)];
        [$owner, token_of($owner, $seq)] } 1 .. $rate * $seconds;
    my @nodes = $fleet->nodes;
    my @before = map { lines_of($_) } guards(time + $rest, $token);
    my $from = time + 1;
    my @cpu = cpu_of_all();
    my @revoking = map { my $k = $_;
        child(sub { revoke_all($nodes[$k], $from,
            [@all[grep { $_ % @nodes == $k } 0 .. $#all]], $rate / @nodes) })
    } 0 .. $#nodes;

    sleep 0.9;

    my @meanwhile = map { lines_of($_) } guards($from + $seconds, $token);
    my @done = map { lines_of($_) } @revoking;
    my @spent = cpu_of_all();
    my @after = map { lines_of($_) } guards(time + $rest, $token);
    my $was = line_of('at rest', @before, @after);
    my $is = line_of('meanwhile', @meanwhile);

    printf "p99 is %.2f times that at rest; workers %.2f of a processor,"
        . " Redis %.2f\n", $is / $was,
        map { ($spent[$_] - $cpu[$_]) / $seconds } 0, 1;
    print "revocations of a node, seconds and statuses: $_\n" for @done;

    $_->nginx->stop for $fleet->nodes;
    $first->upstream->stop;
}
