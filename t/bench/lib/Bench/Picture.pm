package Bench::Picture;

# What a run found, as a picture by gnuplot.

use strict;
use warnings;

use Exporter 'import';

use AGW::Files qw(spew);
use Bench::Table;

our @EXPORT_OK = qw(draw);


sub quoted {
    my ($text) = @_;

    return '"' . ($text =~ s/(["\\])/\\$1/gr =~ s/_/\\\\_/gr) . '"';
}


# a data block of these rows; the last in the file is the lowest bar

sub block {
    my ($name, @lines) = @_;

    return "\$$name << END\n" . join('', map { "$_\n" } @lines) . "END\n";
}


# nginx alone and its own module, the gateway, others

sub colour {
    my ($label) = @_;

    return $label =~ /^(?:bare|auth_request)/ ? 0x888888
        : $label =~ /^(?:[HR]S256|ES256|EdDSA|partner|business)/ ? 0x2b6cb0
        : 0xdd8833;
}


# the panel of one section: bars with their figures beside them

sub bars {
    my ($name, $title, $unit, $log, @bars) = @_;

    my $n = @bars;
    my $from = $log ? 100 : 0;
    my $most = (sort { $b <=> $a } map { $_->[1] } @bars)[0] // 1;
    my $to = $log ? $most * 20 : $most * 1.25;
    my $i = $n;
    my $text = block($name, map {
        my ($label, $value) = @$_;

        join ' ', $i--, $value < $from ? $from : $value, quoted($label),
            '"' . Bench::Table::whole($value) . '"', colour($label);
    } @bars);
    my $scale = $log ? "set logscale x\nset format x '10^{%L}'"
        : "unset logscale x\nset format x '%.0f'";

    return $text . <<"GP";
set title "$title"
set xlabel "$unit"
$scale
set xrange [$from:$to]
set yrange [0.3:$n.7]
plot \$$name using 2:1:($from):2:(\$1 - 0.35):(\$1 + 0.35):5:ytic(3) \\
        with boxxyerror linecolor rgb variable notitle, \\
    \$$name using 2:1:4 with labels left offset 0.6,0 notitle
GP
}


sub rates {
    my ($name, $title, $result, $section) = @_;

    return bars($name, $title, 'requests a second', 0,
        map { [$_->{name}, $_->{load}{rps}] }
        grep { $_->{load} && $_->{section} eq $section }
        @{ $result->{rows} });
}


sub costs {
    my ($name, $title, $result, @sections) = @_;

    my @bars;

    for my $section (@sections) {
        push @bars, map {
            [(@sections > 1 ? "$section, " : '') . $_->{name},
                $_->{cost}{over}];
        } grep { $_->{cost} && !$_->{is_bare} && $_->{section} eq $section }
            @{ $result->{rows} };
    }

    return bars($name, $title, 'instructions a request over bare nginx,'
        . ' logarithmic', 1, @bars);
}


sub memory {
    my ($result) = @_;

    my $memory = $result->{memory};
    my $most = (sort { $b <=> $a } map { $_->[1] }
        map { @$_ } @$memory{qw(bare gateway)})[0] / 1024 * 1.3;

    return block('gateway', map { "@$_" } @{ $memory->{gateway} })
        . block('bare', map { "@$_" } @{ $memory->{bare} })
        . <<"GP";
set title "memory of a worker, $memory->{tokens} tokens in turn"
set xlabel "requests"
set ylabel "resident, MB"
unset logscale
set xrange [0:*]
set yrange [0:$most]
set ytics auto
set format x '%.0f'
set key top right
plot \$gateway using 1:(\$2 / 1024) with linespoints pt 7 ps 0.5 \\
        title "gateway, RSS", \\
    \$gateway using 1:(\$3 / 1024) with linespoints pt 6 ps 0.5 \\
        title "gateway, PSS", \\
    \$bare using 1:(\$2 / 1024) with linespoints pt 5 ps 0.5 \\
        title "bare nginx, RSS"
GP
}


# draw(result, file): the commands stay beside it

sub draw {
    my ($result, $file) = @_;

    my $about = $result->{about};
    my $head = $about->{quick} ? 'A SMOKE RUN, not to be published. '
        : Bench::Table::disturbed($result) ? 'DISTURBED. ' : '';
    my $title = quoted("$head$about->{date}, $about->{machine}, nginx"
        . " $about->{nginx}, one worker");
    my $commands = $file =~ s/\.png$/.gp/r;

    spew($commands, <<"GP"
set terminal pngcairo size 1600,1500 font "sans,11"
set output "$file"
set multiplot layout 3,2 title $title font "sans,14"
set style fill solid 0.6 border
set tics nomirror out
set grid xtics
set lmargin 26
set rmargin 4
GP
        . rates('rs', 'a static file', $result, 'static')
        . rates('rp', 'proxied', $result, 'proxied')
        . costs('cs', 'a static file', $result, 'static')
        . costs('cp', 'proxied', $result, 'proxied')
        . "set lmargin 40\n"
        . costs('ct', 'POST: tokens', $result, 'partner token',
            'business token')
        . "set lmargin 12\n" . memory($result) . "unset multiplot\n");

    system('gnuplot', $commands) == 0 or die "gnuplot $commands failed\n";
    die "no $file\n" unless -s $file;

    return;
}


1;
