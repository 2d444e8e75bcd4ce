# The fuzzers get to inputs as long as what the module takes: libFuzzer's own
# limit is 4 KB, a token and a body may have 8, a key file 64.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp ();
use Test::More;

use AGW::Files qw(repo_root slurp);

my $root = repo_root();

# the module's limits, as its headers have them

sub limit {
    my ($name) = @_;

    my ($value) = map { slurp($_) =~ /^#define $name\s+(\d+)\b/m }
        map { glob "$root/$_" } 'src/core/*.h', 'src/core/*/*.h', 'src/*.[ch]';

    return $value // die "no $name\n";
}

my ($token, $body, $key) = map { limit($_) }
    qw(AGW_TOKEN_MAX AGW_BODY_MAX NGX_HTTP_AGW_KEY_FILE_MAX);

my %limits = (fuzz_keys => $key, fuzz_jws => $token, fuzz_params => $body,
    fuzz_multipart => $body);

delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};

for my $fuzzer (map { m{(\w+)\.c$} } glob "$root/t/fuzz/*.c") {
    my $limit = $limits{$fuzzer} // $token;
    my $said = `make --no-print-directory -n -C $root -W $root/Makefile \\
        build/fuzz/$fuzzer.run 2>&1`;
    my ($max) = $said =~ /-max_len=(\d+)/;

    cmp_ok($max // 0, '>=', $limit, "$fuzzer: inputs of $limit bytes");

    my $dir = File::Temp->newdir('agw-test-XXXXXXXX', TMPDIR => 1);

    is(system($^X, "$root/t/fuzz/seeds.pl", $fuzzer, $dir), 0,
        "$fuzzer: long inputs to begin with");

    my @sizes = map { -s } glob "$dir/*";

    cmp_ok(scalar(grep { $_ > 4096 && $_ <= $limit } @sizes), '>=', 3,
        "$fuzzer: some over 4 KB that are taken");
    is(scalar(grep { $_ > $max } @sizes), 0, "$fuzzer: none is cut");
    cmp_ok(scalar(grep { $_ > $limit } @sizes), '>=', 1,
        "$fuzzer: one that is too long")
        if $limit < $max;
}

done_testing();
