# What a test leaves out it says, by AGW::Skip, with what is then NOT tested;
# and where CI is set, what is left out for want of something is a failure.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(repo_root slurp);

# each test leaves nothing out in another way

{
    my $root = repo_root();
    my @files = grep { !m{/(?:skips\.t|Skip\.pm)$} } glob
        "$root/t/*.t $root/t/*/*.t $root/t/lib/AGW/*.pm";
    my (@others, $count);

    for my $file (@files) {
        my $text = slurp($file);

        push @others, $file
            if $text =~ /^[^#\n]*(?:\bskip_all\b|\bskip[ (]|\btodo_skip\b)/m;
        $count++ while $text =~ /\bskip(?:_all)?_for\(/g;
    }

    is_deeply(\@others, [], 'skipped in one way alone');
    cmp_ok($count, '>', 20, 'which is used');
}

# what a test that leaves something out comes to: (exit status, output)

sub run {
    my ($ci, $code) = @_;

    local $ENV{CI} = $ci;

    my $lib = "$FindBin::Bin/lib";
    my $said = `$^X -I$lib -MTest::More -MAGW::Skip=skip_for,skip_all_for \\
        -e '$code' 2>&1`;

    return ($? >> 8, $said);
}

my $block = 'SKIP: { skip_for("CAUSE", "this is"); ok(1, "inside"); }'
    . ' ok(1, "behind"); done_testing();';
my $whole = 'skip_all_for("CAUSE", "this is", "it is elsewhere");'
    . ' ok(1, "behind"); done_testing();';

for my $ci ('', 'true', '1') {
    for my $cause ('a sanitizer', 'tmpfs') {
        my ($status, $said) = run($ci, $block =~ s/CAUSE/$cause/r);

        is($status, 0, "CI \"$ci\", $cause: fine");
        like($said, qr/^ok 1 # skip .*: this is NOT tested here$/m,
            'and says what is left out');
        like($said, qr/^# SKIPPED: .*: this is NOT tested here$/m,
            'for everybody to see');
        like($said, qr/^ok 2 - behind$/m, 'the rest is run');
        unlike($said, qr/inside/, 'the block is not');

        ($status, $said) = run($ci, $whole =~ s/CAUSE/$cause/r);
        is($status, 0, "CI \"$ci\", $cause, the whole file: fine");
        like($said, qr/^1\.\.0 # SKIP .*: this is NOT tested here, but it is/m,
            'and says where it is not left out');
    }
}

for my $cause ('not root', 'python', 'node', 'valgrind', 'compiler',
    'memory')
{
    my ($status, $said) = run('', $block =~ s/CAUSE/$cause/r);

    is($status, 0, "$cause: fine outside of CI");
    like($said, qr/^ok 1 # skip .*: this is NOT tested here$/m,
        'and says what is left out');

    ($status, $said) = run('true', $block =~ s/CAUSE/$cause/r);
    isnt($status, 0, "$cause: it fails in CI");
    like($said, qr/^not ok 1 - .*: this is NOT tested here$/m, 'and says so');
    like($said, qr/^ok 2 - behind$/m, 'the rest is run');

    ($status, $said) = run('true', $whole =~ s/CAUSE/$cause/r);
    isnt($status, 0, "$cause, the whole file: it fails in CI");
    unlike($said, qr/behind|SKIP/, 'and ends there');
}

# nobody makes up a cause

isnt((run('', $block =~ s/CAUSE/no reason/r))[0], 0, 'a cause is one of few');

done_testing();
