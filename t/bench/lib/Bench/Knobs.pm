package Bench::Knobs;

# How long and how often: from the environment, with two sets of defaults.

use strict;
use warnings;

use Exporter 'import';

use AGW::Files qw(slurp);

our @EXPORT_OK = qw(cpus knob median on_cpu quick say_now);

my $quick = ($ENV{BENCH} // '') eq 'quick';

# name => [of a run whose figures may be published, of a smoke run]

my %default = (
    seconds => [2, 1],              # of load, for each row in each round
    rounds => [5, 1],
    connections => [16, 16],
    tokens => [20_000, 6_000],      # more than the cache has entries
    batches => [3, 2],              # callgrind: the middle one counts
    count => [500, 100],            # requests of one batch
    costly => [100, 20],            # where each has a signature checked
    revoked => [1_000, 100],        # entries that others left
    businesses => [1_000_000, 1_000],
    warm_up => [100_000, 10_000],   # requests, before memory is compared
    requests => [1_000_000, 150_000],
);

my %set = map { $_ => $ENV{'BENCH_' . uc} } qw(seconds rounds);

for my $name (keys %set) {
    die 'BENCH_' . uc($name) . "=$set{$name}: a whole number, from 1\n"
        if defined $set{$name} && $set{$name} !~ /^[1-9]\d*$/;
}

die "BENCH=$ENV{BENCH}: quick is known\n" if !$quick && $ENV{BENCH};


sub quick { return $quick }


sub knob {
    my ($name) = @_;

    my $values = $default{$name} // die "no knob $name\n";

    return $set{$name} // $values->[$quick ? 1 : 0];
}


# The processors that may be used, for: the server that is measured, what
# stands behind it, the load.  Of two the last two share one; where there is
# only one, nobody is bound to it.

sub cpus {
    my ($list) = slurp('/proc/self/status') =~ /^Cpus_allowed_list:\s+(\S+)/m;
    my @all = map { /^(\d+)-(\d+)$/ ? ($1 .. $2) : $_ } split /,/, $list;

    return (count => 1) if @all < 2;
    return (count => scalar @all, server => $all[0], upstream => $all[1],
        load => $all[2] // $all[1]);
}


# the beginning of a command that runs there: server, upstream or load

sub on_cpu {
    my ($who) = @_;

    my %cpus = cpus();

    return defined $cpus{$who} ? ('taskset', '-c', $cpus{$who}) : ();
}


sub median {
    my @sorted = sort { $a <=> $b } @_;

    return @sorted % 2 ? $sorted[@sorted / 2]
        : ($sorted[@sorted / 2 - 1] + $sorted[@sorted / 2]) / 2;
}


sub say_now {
    my ($what) = @_;

    my (undef, $minutes, $hours) = localtime;

    printf STDERR "%02d:%02d  %s\n", $hours, $minutes, $what;

    return;
}


1;
