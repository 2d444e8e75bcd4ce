package Bench::Memory;

# What a worker's memory comes to: of nginx alone, and of the gateway while
# different tokens, more than its cache has entries, come in turn.

use strict;
use warnings;

use Exporter 'import';

use Bench::Knobs qw(knob);
use Bench::Wrk qw(load);

our @EXPORT_OK = qw(measure);


# Sends at least so many requests; returns [requests, RSS, PSS] after each
# five seconds of it and at the end.

sub grow {
    my ($row, $server, $size, $sent, $wanted) = @_;

    my @points;
    my $rate = 0;

    while ($sent < $wanted) {
        my $seconds = $rate ? int(($wanted - $sent) / $rate) + 1 : 1;
        my $load = load($row, $server, $seconds > 5 ? 5 : $seconds, $size);

        $rate = $load->{rps};
        $sent += $load->{requests};
        push @points, [$sent, $server->memory];
    }

    return @points;
}


# measure(bare row, its server, cold row, its server), both just started:
# { bare => [[requests, RSS, PSS]], gateway => [...], warm => index of the
# point after which nothing should grow }, KB

sub measure {
    my ($bare, $stock, $cold, $gateway) = @_;

    my @bare = ([0, $stock->memory]);
    my @points = ([0, $gateway->memory]);

    push @bare, grow($bare, $stock, $bare->{size}, 0, knob('warm_up'));
    push @points, grow($cold, $gateway, $cold->{size}, 0, knob('warm_up'));

    my $warm = $#points;

    push @points, grow($cold, $gateway, $cold->{size}, $points[-1][0],
        knob('requests'));

    return { bare => \@bare, gateway => \@points, warm => $warm,
        tokens => scalar @{ $cold->{requests} } };
}


1;
