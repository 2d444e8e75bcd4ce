# t/RULES.md has each rule that a test names, and no other: a name leads
# somewhere, and a rule that nothing holds is none.

use strict;
use warnings;

use File::Find qw(find);
use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(repo_root slurp);

my $t = repo_root() . '/t';
my $rule = qr/[PD]\d+a?(?:\.\d+)?/;


# entries: a heading, an item of a list, a row of a table

my %entries;

for (slurp("$t/RULES.md") =~ /^(?:\#\# |- \*\*|\| \*\*)($rule)(?=\*\*| )/mg) {
    ok(!$entries{$_}++, "$_ has one entry");
}

cmp_ok(keys %entries, '>', 70, 'the page was read');


# names(text, file), the rules that it names: in strings that begin with one,
# in comments, and in the functions of unit tests.  A bare P1 elsewhere is a
# partner of some test.

sub names {
    my ($text, $file) = @_;

    if ($file =~ /\.[ch]$/) {
        return (($text =~ m{\b($rule)\b}g), map { s/^(.)/\U$1/r =~ tr/_/./r }
            map { /(?:^|_)(p\d+a?_\d+|d\d+)(?=_)/g } $text =~ /^(\w+)\(void/mg);
    }

    my @comments = $text =~ m{^\s*(?:\#|//)(.*)}mg;

    return (($text =~ /\b([PD]\d+a?\.\d+)\b/g),
        ($text =~ /["'`]($rule)(?=[ "'`])/g),
        map { /\b($rule)\b/g } @comments);
}

my %named;

find({ no_chdir => 1, wanted => sub {
    $File::Find::prune = 1 if /node_modules$/;
    return if !/\.(?:t|pm|mjs|py|[ch])$/ || $_ eq "$t/rules.t";

    my $file = substr $_, length "$t/";

    push @{ $named{$_} }, $file for names(slurp($_), $_);
} }, $t);

# a rule is named with its group

for my $name (grep { /\./ } keys %named) {
    push @{ $named{ $name =~ s/\..*//r } }, @{ $named{$name} };
}

my @unknown = sort grep { !$entries{$_} } keys %named;
my @unheld = sort grep { !$named{$_} } keys %entries;

ok(!@unknown, 'each rule that a test names has an entry')
    or diag(map { "$_: $named{$_}[0]\n" } @unknown);
ok(!@unheld, 'each entry is named by a test') or diag(join ' ', @unheld);

done_testing();
