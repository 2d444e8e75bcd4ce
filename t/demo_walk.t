# D10: the walk of the demo.  Each line that it shows is pasted into a fresh
# shell that has its variables, and gets the answer that was shown; its secrets
# are in a file of its owner's alone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use Test::More;

use AGW::Command qw(command_path no_command);
use AGW::Conf ();
use AGW::Files qw(make_prefix module_path repo_root slurp);
use AGW::Skip qw(skip_all_for);

skip_all_for('libcurl', 'the walk of the demo is') if no_command();

my $root = repo_root();
my $build = make_prefix();

symlink command_path(), "$build/auth-gateway" or die "symlink: $!\n";

my %environment = (AGW_BUILD => "$build", AGW_MODULE => module_path(),
    AGW_DEMO_PORTS => join(' ', map { AGW::Conf::free_port() } 1 .. 4),
    DOCS => 0);
my $walked;

{
    local @ENV{keys %environment} = values %environment;

    $walked = qx('$root/t/demo/run.sh' 2>&1);
    is($?, 0, 'D10 the walk ends well') or diag($walked);
}

END {
    local $?;
    local @ENV{keys %environment} = values %environment;

    qx('$root/t/demo/stop.sh' --quiet) if $build;
}


# steps: (title, line, answer) of each

my @steps = map { [/\A\d+\. ([^\n]+)\n\n((?:[^\n]+\n)+)\n(.*)\z/s] }
    $walked =~ /^--- (.*?)(?=^--- |^All answers|\z)/msg;
my ($variables) = $walked =~ m{^    \. (\S+)$}m;

cmp_ok(@steps, '>', 30, 'D10 it has steps');
like($_->[1], qr/\A(?:curl|auth-gateway|printf) /, "D10 with a line: $_->[0]")
    for @steps;

# what differs each time has a name here

sub alike {
    my ($text) = @_;

    for ($text) {
        s/\r//g;
        s/eyJ[\w-]+\.[\w-]+\.[\w-]+/<token>/g;
        s/\bagw_\w+/<key>/g;
        s/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/<uuid>/g;
        s/"[0-9a-f]{32}"/<etag>/g;
        s/(<uuid>:|"?jti"?[: ]"?)[\w-]{22}/$1<jti>/g;
        s/^(KEY_ID +)\S+/$1<id>/mg;
        s/\d{4}-\d\d-\d\dT[\d:]+Z|\b1\d{9}\b/<time>/g;
        s/\b1\d{12}\b/<stamp>/g;
        s/("?(?:age|lag|entries|used)"?[: ]+)
            (?:[\d.]+\ m?s\b|\d+[dhm]\d+[hms]\b|[\d.]+)/$1<n>/gx;
        s/^(auth_gateway_\S+) \d+$/$1 <n>/mg;
        s/^ *\d+ (\d{3})$/<n> $1/mg;
        s/ +/ /g;
    }

    return grep { length } split /\n/, $text;
}

# a slow machine took "1.2 s" for another answer than "112 ms"

is_deeply([map { alike("feed.age   $_") } '0 ms', '112 ms', '1.2 s', '59.9 s',
    '1m0s', '2h59m', '3d4h'], [('feed.age <n>') x 7],
    'D10 an age is alike in every unit');

sub paste {
    my ($line) = @_;

    local %ENV = (PATH => '/usr/bin:/bin');

    open my $out, '-|', 'bash', '-c', ". '$variables'\n$line\n" or die "$!\n";
    local $/;

    return scalar readline $out;
}

# the demo refuses token requests that come too fast, and of forty guesses all,
# if others came just before

for my $step (@steps) {
    my ($title, $line, $answer) = @$step;
    my $got = '';

    for (1 .. 100) {
        $got = paste("{ $line } 2>&1");
        last if $got !~ m{\A(?:HTTP\S+ 429| *\d+ 429\n\z)};
        select undef, undef, undef, 0.3;
    }

    my %has = map { $_ => 1 } alike($got);
    my @lacks = grep { !$has{$_} && !/^\(its? .* from here on\)$/ }
        alike($answer);

    is_deeply(\@lacks, [], "D10 pasted again: $title")
        or diag("$line\n$got");
}

# what /docs/ has entered in its forms

my %named = slurp($variables) =~ /^(?:export )?(PARTNER|BUSINESS)=(\S+)$/mg;

is_deeply(JSON::decode_json(slurp("$build/demo/docs/examples.json")),
    { partner_id => $named{PARTNER}, business_id => $named{BUSINESS} },
    'D10 /docs/ has the ids of the walk');

# no line has a secret itself

my $secret = qr/eyJ[\w-]+\.[\w-]+\.[\w-]+|\bagw_\w{33}\b/;

unlike($_->[1], $secret, "D10 a line to be read: $_->[0]") for @steps;

# where the secrets are

my @secrets = slurp($variables) =~ /($secret)/g;
my ($mode, $owner) = (stat $variables)[2, 4];

is(@secrets, 6, 'D10 an API key and five tokens are in the file');
is(sprintf('%o', $mode & 07777) . " $owner", "600 $>",
    'D10 which its owner alone can read');

my @found;

for my $place (glob('/proc/[0-9]*/cmdline'), split /\n/,
    qx(find '$build/demo/' -type f -perm /077))
{
    my $text = eval { slurp($place) } // next;

    push @found, $place if grep { index($text, $_) >= 0 } @secrets;
}

is_deeply(\@found, [], 'D10 in no argument of a process that goes on, and no other file');

done_testing();
