# The completion of the command line in bash, out of the same tables as its
# help: what is offered for the words so far.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Command qw(command_path no_command);
use AGW::Files qw(make_prefix slurp spew);
use AGW::Skip qw(skip_all_for);

skip_all_for('libcurl', 'the completion in bash is') if no_command();

my $script = command_path() . '.bash';
my $prefix = make_prefix();
my $nobody = AGW::Command->new;

is($nobody->exits('D11 the completion', 0, 'help', '--bash')->{out},
    slurp($script), 'is what the build has');
is(`bash -n '$script' 2>&1`, '', 'D11 bash reads it');

spew("$prefix/$_", '') for 'a file.ndjson', 'other.ndjson';


# what bash would offer behind these words, of which the last is being written

sub offered {
    my (@words) = @_;

    my $line = join ' ', map { "'" . s/'/'\\''/gr . "'" } 'auth-gateway',
        @words;

    # compopt wants a completion that goes on

    my $said = `cd '$prefix' && bash -c 'compopt() { :; }; source "\$0"; \\
        eval "COMP_WORDS=(\$1)"; COMP_CWORD=\$((\${#COMP_WORDS[\@]} - 1)); \\
        _auth_gateway; printf "%s\\n" "\${COMPREPLY[\@]}"' '$script' \\
        "\$(cat <<'END'\n$line\nEND\n)" 2>&1`;

    return [grep { length } split /\n/, $said];
}

sub offers {
    my ($name, $words, @wanted) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is_deeply([sort @{ offered(@$words) }], [sort @wanted], "D11 $name");
}

# what the help has

my @help = $nobody->exits('D11 help', 0, 'help')->{out}
    =~ /^  ((?:--)?[a-z][a-z-]*)/mg;
my %help = map { $_ => 1 } @help;
my %first = map { $_ => 1 } @{ offered('') };

is_deeply([grep { !$help{$_} && $_ ne 'help' } sort keys %first], [],
    'D11 the first word: what the help has');
is_deeply([grep { !$first{$_} } grep { !/^(?:connection|times|secrets|lines|exit)/ }
    @help], [], 'and all of it');

for my $group (grep { $nobody->run('help', $_)->{out} =~ /<command>/ }
    grep { !/^-/ } sort keys %first)
{
    my @verbs = $nobody->run('help', $group)->{out} =~ /^  ([a-z]+)\b/mg;

    offers("$group: its commands", [$group, ''], @verbs);

    for my $verb (@verbs) {
        my @options = $nobody->run('help', $group, $verb)->{out}
            =~ /^  (--[a-z-]+)/mg;
        my %offered = map { $_ => 1 } @{ offered($group, $verb, '--') };

        is_deeply([grep { !$offered{$_} } @options], [],
            "D11 $group $verb: its options");
        is_deeply([grep { my $o = $_; !grep { $_ eq $o } @options, keys %help }
            sort keys %offered], [], 'and no other');
    }
}

offers('the beginning of a word', ['partner', 'di'], 'disable');
offers('behind an option and its value', ['--timeout', '5s', 'key', 'r'],
    'roll');
offers('behind a flag', ['--json', 'key', 'r'], 'roll');
offers('behind operands', ['key', 'roll', 'acme', 'k1', '--gr'], '--grace');
offers('an option of another command', ['partner', 'list', '--gr']);
offers('a value that nobody knows', ['partner', 'create', '--name', '']);
offers('a file for an option', ['key', 'create', 'acme', '--key-file', 'oth'],
    'other.ndjson');
offers('a file that is an operand', ['import', ''], 'a file.ndjson',
    'other.ndjson', qw(logs tmp html store));
offers('a file with a space', ['import', '--dry-run', 'a'], 'a file.ndjson');
offers('an option before a file', ['import', '--dr'], '--dry-run');
offers('a command to be explained', ['help', 'revo'], 'revoke', 'revocation');
offers('a topic', ['help', 'ti'], 'times');
offers('a word of two', ['help', 'key', 'ro'], 'roll');
offers('no topic without help', ['ti']);
offers('no command', ['nosuch', '']);

done_testing();
