package AGW::Stopwatch;

# How long something takes by itself: without the time in which this process,
# or one of those given, was ready to run and had no processor.  A limit in
# seconds is one of nginx, not of the machine's load.
#
#     my $watch = AGW::Stopwatch->start($gw->nginx->workers);
#     cmp_ok($watch->seconds, '<', 1.2, 'D5 within a second');

use strict;
use warnings;

use Time::HiRes ();

use AGW::Files qw(slurp);


sub start {
    my ($class, @pids) = @_;

    my %waited = map { $_ => waited($_) } $$, @pids;

    return bless { from => Time::HiRes::time(), waited => \%waited }, $class;
}


# A process that has ended since has waited for no time.

sub seconds {
    my ($self) = @_;

    my $seconds = Time::HiRes::time() - $self->{from};

    for my $pid (keys %{ $self->{waited} }) {
        my $more = waited($pid) - $self->{waited}{$pid};

        $seconds -= $more if $more > 0;
    }

    return $seconds;
}


# seconds that a process has waited for a processor: zero where the kernel
# does not count them

sub waited {
    my ($pid) = @_;

    return slurp("/proc/$pid/schedstat") =~ /^\d+ (\d+) / ? $1 / 1e9 : 0;
}


1;
