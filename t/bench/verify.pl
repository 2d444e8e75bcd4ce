#!/usr/bin/perl

# Instructions of one verification, warm: OpenSSL's own, the leanest that it
# allows, and ours (see verify.c).  make bench-verify runs this; TOKEN_SIZE
# and COUNT may be set.  With --profile: where ours spends them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../lib";

use File::Path qw(make_path);

use Bench::Callgrind qw(count_program);

my ($program, $dir) = @ARGV;
my $profile = grep { $_ eq '--profile' } @ARGV;
my $count = $ENV{COUNT} // 200;
my $size = $ENV{TOKEN_SIZE} // 495;

my @algs = (
    ['RS256', 'genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048'],
    ['ES256', 'genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256'],
    ['EdDSA', 'genpkey -algorithm ED25519'],
    ['HS256', 'rand -hex 32'],
);

make_path($dir);

sub count {
    my ($way, $alg, $key) = @_;

    return count_program("$dir/$alg.$way.out", $count, $program, $way, $alg,
        $key, $size);
}

sub show_profile {
    my ($way, $alg) = @_;

    my $out = `callgrind_annotate --auto=no --inclusive=yes \\
        $dir/$alg.$way.out`;
    my $rows = 0;

    print "\n$alg, $way: instructions of one, with what is called\n";

    for (split /\n/, $out) {
        next unless /^\s*([\d,]+) \([^)]*\)\s+(\S.*)/;

        my ($n, $what) = ($1 =~ tr/,//dr, $2);

        $what =~ s{^\S*/(\S+:)}{$1};
        $what =~ s{^\?\?\?:}{};
        $what =~ s{ \[/\S*/(\S+)\]}{ [$1]};
        next if $what =~ /PROGRAM\ TOTALS|bench_measured|main\b|ld-linux
            |(?:\.c:\S+$)/x;
        printf "%10.0f  %s\n", $n / $count, $what;
        last if ++$rows >= 40;
    }
}

printf "%-9s %6s %12s %12s %12s %8s %8s\n", 'algorithm', 'bytes',
    'OpenSSL (a)', 'lean (b)', 'ours (c)', 'c/a', 'c/b';

for (@algs) {
    my ($alg, $make) = @$_;
    my $key = "$dir/$alg.key";

    system("umask 077; openssl $make 2>/dev/null | "
        . ($alg =~ /^HS/ ? "tr -d '\\n'" : 'cat') . " > $key") == 0
        or die "openssl $make\n" unless -s $key;

    my ($openssl) = count('openssl', $alg, $key);
    my ($lean) = count('lean', $alg, $key);
    my ($ours, $length) = count('ours', $alg, $key);

    printf "%-9s %6d %12.0f %12.0f %12.0f %8.3f %8.3f\n", $alg, $length,
        $openssl, $lean, $ours, $ours / $openssl, $ours / $lean;
}

if ($profile) {
    show_profile($_->[1], $_->[0])
        for map { my $alg = $_->[0]; map { [$alg, $_] } qw(lean ours) } @algs;
}
