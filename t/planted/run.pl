# Plants faults into copies of the module, one at a time, and drives a fleet of
# each: t/fleet_history.t has to find every one, in one of three histories.
# Arguments: where the copies are built, and names, of those that are wanted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Path qw(make_path remove_tree);
use File::Spec;
use Test::More;

use AGW::Files qw(repo_root slurp spew);
use AGW::FleetHistory;
use AGW::Planted qw(planted_faults times_there);

my ($dir, @names) = @ARGV;

die "a directory is expected\n" unless defined $dir;

my $root = repo_root();

$dir = File::Spec->rel2abs($dir, $root);

my $tree = "$dir/tree";
my $module = "$tree/build/ngx_http_auth_gateway_module.so";

make_path($dir);
remove_tree($tree);
chdir $root or die "$root: $!\n";
make_path($tree);
system(qw(cp -a config Makefile src t conf README.md), $tree) == 0
    or die "no copy in $tree\n";

for my $fault (planted_faults()) {
    my $name = $fault->{name};

    next if @names && !grep { index($name, $_) >= 0 } @names;

    my %was = map { $_->[0] => slurp("$tree/$_->[0]") }
        @{ $fault->{changes} };
    my %is = %was;
    my $planted = 1;

    for my $change (@{ $fault->{changes} }) {
        my ($file, $there, $instead) = @$change;

        $planted &&= times_there($is{$file}, $there) == 1;
        $is{$file} =~ s/\Q$there\E/$instead/;
    }

    ok($planted, "$name: there is where to plant it") or next;
    spew("$tree/$_", $is{$_}) for keys %is;

    my $history = "$dir/history";
    my $built = system("make -C $tree module >$dir/make.log 2>&1") == 0;

    ok($built, "$name: built") or diag(slurp("$dir/make.log"));

    if ($built) {
        local %ENV = (%ENV, AGW_MODULE => $module, AGW_FILE => $history,
            AGW_FAULTS => $fault->{faults},
            AGW_SECONDS => $ENV{AGW_SECONDS} // $fault->{seconds} // 40);

        # a random history may miss it

        my @found;

        for my $try (1 .. 3) {
            unlink $history;
            system("cd $tree && prove t/fleet_history.t >$dir/prove.log 2>&1");

            my @wrong = -f $history
                ? @{ AGW::FleetHistory::judge_file($history)->{wrong} } : ();

            @found = grep { /$fault->{found}/ } @wrong;
            last if @found;
            diag("$name: not found in history $try");
        }

        ok(@found > 0, "$name: found") or diag(slurp("$dir/prove.log"));
        diag("$name: $found[0]") if @found;
    }

    spew("$tree/$_", $was{$_}) for keys %was;
}

done_testing();
