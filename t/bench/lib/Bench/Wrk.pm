package Bench::Wrk;

# Load by wrk: requests a second, and what each cost the server.  A run in
# which one answer was another than the row's dies.

use strict;
use warnings;

use Exporter 'import';
use FindBin;

use Bench::Knobs qw(knob on_cpu);

our @EXPORT_OK = qw(load);

my %turn;                            # where a file of requests was left


# load(row, server, seconds, bytes of one answer): { rps, cpu_us, busy,
# requests, p50_us, p99_us }

sub load {
    my ($row, $server, $seconds, $size) = @_;

    my $file = $row->{file};
    my $url = 'http://127.0.0.1:' . $server->port($row->{port}) . '/';
    my @command = (on_cpu('load'), 'wrk', '-t', 1, '-c', knob('connections'),
        '-d', "${seconds}s", '--timeout', '5s', '-s',
        "$FindBin::Bin/wrk.lua", $url, '--', $file, $turn{$file} // 0);
    my $before = $server->cpu_ns;

    open my $pipe, '-|', @command or die "wrk: $!\n";

    my $said = do { local $/; readline $pipe } // '';

    close $pipe or die "@command failed:\n$said\n";

    my $spent = $server->cpu_ns - $before;
    my %got = map { /^(\w+)=(\d+)$/ ? ($1 => $2) : () } split ' ', $said;
    my $name = "$row->{section}: $row->{name}";

    die "$name: wrk said\n$said\n" unless $got{requests} && $got{us};
    die "$name: $got{status} answers of 400 or more, $got{other} lost, of"
        . " $got{requests}\n" if $got{status} || $got{other};

    # a redirect or an empty answer is no error to wrk

    my $bytes = $got{bytes} / $got{requests};

    die sprintf "%s: answers of %.1f bytes, not of %d\n", $name, $bytes, $size
        if abs($bytes / $size - 1) > 0.01;

    $turn{$file} = $got{turn};

    return {
        rps => $got{requests} / $got{us} * 1e6,
        cpu_us => $spent / 1000 / $got{requests},
        busy => $spent / 1000 / $got{us},
        requests => $got{requests} + 0,
        p50_us => $got{p50} + 0,
        p99_us => $got{p99} + 0,
    };
}


1;
