# D5: what t/planted/run.pl replaces is in the sources, and once: so it is
# noticed when they move on.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(repo_root slurp);
use AGW::Planted qw(planted_faults times_there);

my $root = repo_root();

for my $fault (planted_faults()) {
    for my $change (@{ $fault->{changes} }) {
        my ($file, $there, $instead) = @$change;
        my $source = -f "$root/$file" ? slurp("$root/$file") : '';

        is(times_there($source, $there), 1,
            "D5 $fault->{name}: once in $file") or diag($there);
        isnt($there, $instead, "D5 $fault->{name}: a change");
    }
}

done_testing();
