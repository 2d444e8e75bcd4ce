package Bench::Rounds;

# Load on all rows, round after round: in each every row has its turn, in
# another order, and the bare rows of each section two, spread between the
# others.  A ratio is to the bare row of the same round.  So what else the
# machine does meanwhile falls on all rows alike.

use strict;
use warnings;

use Exporter 'import';
use List::Util qw(shuffle);
use Time::HiRes qw(sleep);

use AGW::Files qw(slurp);
use Bench::Knobs qw(cpus knob median quick);
use Bench::Rows qw(base);
use Bench::Wrk qw(load);

our @EXPORT_OK = qw(run);

my $BUSY = 0.9;                      # of a processor, or it was disturbed
my $AGAIN = quick() ? 0 : 2;
my $repeats = 40;                    # in a whole run
my $patience = 120;                  # seconds, in a whole run


# Returns as soon as the processors were left alone for half a second, or
# the time is up.

sub wait_for_calm {
    while ($patience > 0) {
        my ($idle, $all) = (0, 0);
        my @before = split ' ', slurp('/proc/stat');

        sleep 0.5;
        $patience -= 0.5;

        my @after = split ' ', slurp('/proc/stat');

        # user, nice, system, idle, ...

        $all += $after[$_] - $before[$_] for 1 .. 8;
        $idle = $after[4] - $before[4];

        return if $all && $idle / $all > $BUSY;
    }

    return;
}


# Others may have used the processors meanwhile: then the worker was not
# busy all of the time.  Twice again at most; the busiest counts.

sub undisturbed {
    my ($row, $server) = @_;

    my $best;

    for (0 .. $AGAIN) {
        my $load = load($row, $server, knob('seconds'), $row->{size});

        $best = $load if !$best || $load->{busy} > $best->{busy};
        last if $best->{busy} >= $BUSY || !bound() || !$AGAIN
            || $repeats-- <= 0;
        wait_for_calm();
    }

    return $best;
}


# With one processor for all of them, no worker ever has it alone.

sub bound {
    my %cpus = cpus();

    return defined $cpus{server};
}


# the rows of a section in the order of one round

sub order {
    my (@rows) = @_;

    my @bare = grep { $_->{is_bare} } @rows;
    my @others = shuffle(grep { !$_->{is_bare} } @rows);
    my @first = splice @others, 0, int(@others / 2);

    return (@first, shuffle(@bare), @others, shuffle(@bare));
}


# Sets of each row: load => { rps, of_bare, cpu_us, busy, p50_us, p99_us,
# rounds => [...] }, medians over the rounds.

sub run {
    my ($progress, $servers, @rows) = @_;

    my (%sections, %got);

    push @{ $sections{ $_->{section} } }, $_ for @rows;

    for my $round (1 .. knob('rounds')) {
        $progress->("round $round of " . knob('rounds'));

        for my $section (sort keys %sections) {
            my %now;

            for my $row (order(@{ $sections{$section} })) {
                push @{ $now{$row} }, undisturbed($row,
                    $servers->{ $row->{server} });
            }

            for my $row (@{ $sections{$section} }) {
                my $bare = base($row, @rows);
                my @all = @{ $now{$row} };
                my %middle = map {
                    my $what = $_;

                    ($what => median(map { $_->{$what} } @all));
                } qw(rps cpu_us busy p50_us p99_us);

                $middle{of_bare} = $middle{rps}
                    / median(map { $_->{rps} } @{ $now{$bare} });
                push @{ $got{$row} }, \%middle;
            }
        }
    }

    for my $row (@rows) {
        my @rounds = @{ $got{$row} };

        $row->{load} = { rounds => \@rounds, map {
            my $what = $_;

            ($what => median(map { $_->{$what} } @rounds));
        } qw(rps of_bare cpu_us busy p50_us p99_us) };
        $row->{load}{disturbed}
            = bound() && $row->{load}{busy} < $BUSY ? 1 : 0;
    }

    return;
}


1;
