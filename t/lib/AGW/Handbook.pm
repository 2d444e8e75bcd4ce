package AGW::Handbook;

# The commands of conf/README.md, run as they stand there.

use strict;
use warnings;

use POSIX ();
use Test::More;

use AGW::Command qw(command_path);
use AGW::Files qw(repo_root slurp spew);
use AGW::Secrets qw(secret);

use File::Basename qw(dirname);


# The shell's blocks of a section, by its heading: the text of each.

sub blocks {
    my ($title, $page) = @_;

    my $text = slurp(repo_root() . '/' . ($page // 'conf/README.md'));
    my ($section) = $text =~ /^(?:\#+) \Q$title\E\n(.*?)(?=^\#|\z)/ms;
    my @blocks;

    while (($section // '') =~ /^( *)```sh\n(.*?)^\1```$/msg) {
        push @blocks, $2 =~ s/^$1//gmr;
    }

    return @blocks;
}


# A shell that keeps its variables from one block to the next.  new(directory,
# variables): AUTH_GATEWAY_SOCKET among them.

sub new {
    my ($class, $directory, %variables) = @_;

    return bless { directory => "$directory", variables => { %variables } },
        $class;
}


sub set {
    my ($self, %variables) = @_;

    @{ $self->{variables} }{keys %variables} = values %variables;

    return;
}


sub get { return $_[0]{variables}{$_[1]} }


# Runs a block, which must succeed; its standard output and error together.

sub run {
    my ($self, $name, $block) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $file = "$self->{directory}/block.sh";
    my $after = "$self->{directory}/block.set";
    my $inside = $self->inside('block.set');

    unlink $after;
    spew($file, "set -euo pipefail\n" . ($block // 'false')
        . "\nset -o posix; set > '$inside'\n", 0600);

    my $pid = open my $out, '-|';

    die "fork: $!\n" unless defined $pid;

    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM PIPE);
        open STDIN, '<', '/dev/null';
        open STDERR, '>&', \*STDOUT;
        $self->become($self->inside('block.sh'));
        POSIX::_exit(127);
    }

    my $said = do { local $/; readline($out) // '' };

    close $out;
    secret($_) for $said =~ /\bagw_\w{33}\b|\beyJ[\w-]+\.[\w-]+\.[\w-]+/g;
    ok($? == 0, $name) or diag("exit status $?\n", $block // 'no block',
        "\n", $said);

    for (split /\n/, slurp($after)) {
        my ($key, $value) = /^([a-z_]+)=(.*)/ or next;

        $value =~ s/^'(.*)'$/$1/;
        $self->{variables}{$key} = $value;
    }

    return $said;
}


# a file of the directory, as the shell sees it

sub inside { return "$_[0]{directory}/$_[1]" }


# Runs bash in place of this process.

sub become {
    my ($self, $file) = @_;

    chdir $self->{directory} or return;

    # no sqlite3, no redis-cli: what is not in these is not needed

    %ENV = (%{ $self->{variables} }, LC_ALL => 'C.UTF-8',
        PATH => dirname(command_path()) . ':/usr/bin:/bin',
        map { $_ => $ENV{$_} } grep { /SAN_OPTIONS$/ } keys %ENV);
    exec 'bash', $file;
}


1;
