# P12.2: the alerts of conf/ are rules that Prometheus takes, and each fires when
# it should, and alone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(make_prefix repo_root slurp spew);
use AGW::Skip qw(skip_all_for);

skip_all_for('prometheus', 'the alerts are')
    if system('command -v promtool >/dev/null') != 0;

my $rules = repo_root() . '/conf/alerts.yml';
my $cases = repo_root() . '/t/prometheus/alerts.yml';


sub promtool {
    my ($name, @args) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $said = `promtool @args 2>&1`;

    return is($?, 0, "P12.2 $name") || diag($said);
}


promtool('promtool check rules', "check rules '$rules'");
promtool('promtool test rules', "test rules '$cases'");

# each alert has a case, and the cases are such that they can fail

my @alerts = slurp($rules) =~ /^ +- alert: (\w+)$/mg;
my %fires = map { $_ => 1 } slurp($cases) =~ /alertname="(\w+)"/g;

is_deeply([sort keys %fires], [sort @alerts], 'P12.2 each alert has a case');

{
    my $prefix = make_prefix();

    spew("$prefix/alerts.yml", slurp($rules) =~ s/ == 0$/ == 2/mgr);
    spew("$prefix/cases.yml",
        slurp($cases) =~ s{\.\./\.\./conf/alerts\.yml}{$prefix/alerts.yml}r);
    system("promtool test rules '$prefix/cases.yml' >/dev/null 2>&1");
    isnt($?, 0, 'P12.2 a case fails where an alert does not fire');
}

done_testing();
