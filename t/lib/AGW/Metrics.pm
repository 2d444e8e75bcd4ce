package AGW::Metrics;

# What an nginx counts, as auth_gateway_metrics says it.

use strict;
use warnings;

use Exporter 'import';
use Time::HiRes qw(sleep);

use AGW::Stopwatch;

our @EXPORT_OK = qw(scrape series until_scraped);


# the series of a text in Prometheus's format: { name{labels} => value }

sub series {
    my ($text) = @_;

    return { map { /^([a-z_]+(?:\{.*\})?) (\S+)$/ ? ($1 => $2)
        : die "no line of the format: $_\n" }
        grep { !/^#/ } split /\n/, $text };
}


# of a gateway, without the prefix of the names

sub scrape {
    my ($gw, %opt) = @_;

    my $response = $gw->request('GET', $opt{target} // '/metrics', quiet => 1,
        port => $opt{port} // 'PLAIN');

    die 'the metrics have status ' . $response->status . "\n"
        if $response->status != 200;

    my $found = series($response->body);

    return { map { s/^auth_gateway_//r => $found->{$_} } keys %$found };
}


# Scrapes until sub is true of one, at most 30 seconds: a request is counted
# after its response was sent.  Returns the last one.

sub until_scraped {
    my ($gw, $sub, %opt) = @_;

    my $watch = AGW::Stopwatch->start($gw->nginx->{pid});
    my $found;

    while ($watch->seconds < 30) {
        $found = scrape($gw, %opt);
        last if $sub->($found);
        sleep 0.05;
    }

    return $found;
}


1;
