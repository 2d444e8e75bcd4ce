package Bench::Table;

# What a run found, as text.

use strict;
use warnings;

use Exporter 'import';

use Bench::Issuing;

our @EXPORT_OK = qw(text);

my @columns = ('requests/s', 'of bare', 'CPU us', 'instructions', 'over bare');

my %title = (
    static => 'a small static file',
    proxied => 'proxied to nginx on loopback, kept-alive',
    'guarded_proxy.conf' => 'proxied, with the headers of guarded_proxy.conf',
    'partner token' => 'POST: a partner token for an API key',
    'business token' => 'POST: a business token for a partner token',
);


sub whole {
    my ($n) = @_;

    return '-' unless defined $n;
    return ($n < -0.5 ? '-' : '')
        . Bench::Issuing::commas(sprintf '%.0f', abs $n);
}


sub line {
    my ($name, @cells) = @_;

    return sprintf("%-25s %10s %8s %7s %12s %11s", $name, @cells)
        =~ s/ +$//r . "\n";
}


sub row_line {
    my ($row) = @_;

    my $load = $row->{load};
    my $cost = $row->{cost};

    return sprintf "%-25s %s\n", $row->{name}, $row->{note}
        if $row->{note};

    return line($row->{name}, !$load ? ('-') x 3
        : (whole($load->{rps}) . ($load->{disturbed} ? '*' : ''),
            sprintf('%.3f', $load->{of_bare}),
            sprintf('%.1f', $load->{cpu_us})),
        whole($cost->{each}), $row->{is_bare} ? '' : whole($cost->{over}));
}


sub requests {
    my ($result) = @_;

    my $text = line('', @columns);
    my $section = '';

    for my $row (@{ $result->{rows} }) {
        $text .= "\n$title{ $row->{section} }\n"
            if $row->{section} ne $section;
        $section = $row->{section};
        $text .= row_line($row);
    }

    $text .= "* the worker had less than 90% of its processor: others used"
        . " it\n" if grep { $_->{load} && $_->{load}{disturbed} }
            @{ $result->{rows} };

    return $text;
}


sub beside_openssl {
    my ($result) = @_;

    my $form = "%-8s %6s %12s %12s %10s %12s %10s\n";
    my $text = sprintf "\nfirst sight, instructions beside OpenSSL's own"
        . " verification\n$form", '', 'bytes', 'over bare', 'OpenSSL',
        'the rest', 'prepared', 'the rest';

    for (@{ $result->{openssl} }) {
        $text .= sprintf $form, $_->{alg}, $_->{bytes},
            map { whole($_) } $_->{over}, $_->{openssl},
            $_->{over} - $_->{openssl}, $_->{lean}, $_->{over} - $_->{lean};
    }

    return $text . "OpenSSL: EVP_DigestVerify on a new context; prepared:"
        . " all that the key decides\nwas done before\n";
}


sub memory {
    my ($result) = @_;

    my $memory = $result->{memory};
    my @points = @{ $memory->{gateway} };
    my @rows = (
        ['bare nginx, started', $memory->{bare}[0]],
        ['bare nginx, warm', $memory->{bare}[-1]],
        ['gateway, started', $points[0]],
        ['gateway, warm', $points[ $memory->{warm} ]],
        ['gateway, at the end', $points[-1]],
    );
    my $text = sprintf "\nmemory of one worker, KB (%s tokens in turn)\n"
        . "%-25s %10s %8s %7s\n", whole($memory->{tokens}), '', 'requests',
        'RSS', 'PSS';

    for (@rows) {
        my ($name, $point) = @$_;

        $text .= sprintf "%-25s %10s %8s %7s\n", $name,
            map { whole($_) } @$point;
    }

    return $text . sprintf "since it was warm: %+d KB RSS, %+d KB PSS\n",
        map { $points[-1][$_] - $points[ $memory->{warm} ][$_] } 1, 2;
}


# whether others used the processors while much of the load was measured

sub disturbed {
    my ($result) = @_;

    my @loads = map { $_->{load} // () } @{ $result->{rows} };

    return (grep { $_->{disturbed} } @loads) > @loads / 4;
}


sub text {
    my ($result) = @_;

    my $about = $result->{about};
    my $text = $about->{quick}
        ? "A SMOKE RUN: too short for its figures to be published\n" : '';

    $text .= "DISTURBED: requests/s and of bare say little, for others used"
        . " the processors\n" if disturbed($result);

    $text .= "$about->{date}, $about->{machine}, nginx $about->{nginx},"
        . " $about->{openssl}\n"
        . "one worker, plain HTTP, $about->{connections} connections of wrk,"
        . " $about->{rounds} x $about->{seconds} s a row\ntokens of "
        . join(', ', map { "$_->{bytes} ($_->{alg})" }
            @{ $result->{openssl} }) . " bytes\n\n";

    return $text . requests($result) . beside_openssl($result)
        . memory($result);
}


1;
