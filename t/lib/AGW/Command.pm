package AGW::Command;

# The command auth-gateway, run as a person or a program would.

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use IO::Select;
use JSON ();
use POSIX ();
use Test::More;

use AGW::Files qw(repo_root slurp);
use AGW::Secrets ();

our @EXPORT_OK = qw(command_path no_command);

my %running;


sub command_path {
    my $build = $ENV{AGW_BUILD} // 'build';

    $build = repo_root() . "/$build" unless $build =~ m{^/};

    return "$build/auth-gateway";
}


# whether it was left out of the build, for want of libcurl

sub no_command {
    return !-x command_path();
}


# new(socket => path, or other options and their values: for each run)

sub new {
    my ($class, %opt) = @_;

    return bless { options => [map { ("--$_", $opt{$_}) } sort keys %opt] },
        $class;
}


# Runs it.  A last argument that is a hash: in => what is on its standard
# input, env => { NAME => value }, cwd => directory, out => a file that is its
# standard output.  Returns { code, signal, out, err }.

sub run {
    my ($self, @args) = @_;

    my %opt = ref $args[-1] ? %{ pop @args } : ();
    my $child = $self->begin(@args, \%opt);

    return $child->end;
}


# the same, and it runs on: AGW::Command::Child

sub begin {
    my ($self, @args) = @_;

    my %opt = ref $args[-1] ? %{ pop @args } : ();
    my $in = File::Temp->new;
    my $err = File::Temp->new;
    my $out = $opt{out} ? undef : File::Temp->new;

    print {$in} $opt{in} // '';
    close $in;

    my $pid = fork() // die "fork: $!\n";

    if (!$pid) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM PIPE);
        open STDIN, '<', $opt{stdin} // "$in" or POSIX::_exit(126);
        open STDOUT, '>', $opt{out} // "$out" or POSIX::_exit(126);
        open STDERR, '>', "$err" or POSIX::_exit(126);
        chdir $opt{cwd} if $opt{cwd};

        delete @ENV{grep { /^AUTH_GATEWAY_/ } keys %ENV};
        $ENV{LC_ALL} = 'C.UTF-8';
        %ENV = (%ENV, %{ $opt{env} // {} });

        my @command = @{ $opt{command} // [command_path()] };

        # it gives back what it took, unlike nginx; who may look is root

        $ENV{ASAN_OPTIONS} =~ s/detect_leaks=0/detect_leaks=1/
            if $ENV{ASAN_OPTIONS} && $> == 0 && !$opt{command};

        exec { $command[0] } @command, @{ $self->{options} }, @args
            or POSIX::_exit(127);
    }

    $running{$pid} = 1;

    return bless { pid => $pid, in => $in, out => $out, err => $err },
        'AGW::Command::Child';
}


# Runs it, and asserts its exit code; a sanitizer's report fails too.  Returns
# what run() does.

sub exits {
    my ($self, $name, $code, @args) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $got = $self->run(@args);
    my $report = $got->{err} =~ /Sanitizer|runtime error:/;

    ok($got->{code} == $code && !$report, $name)
        or diag("exit code $got->{code}, signal $got->{signal}\n",
            "$got->{out}$got->{err}");

    return $got;
}


# the same with --json: the object that it prints, or nothing

sub json {
    my ($self, $name, $code, @args) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $got = $self->exits($name, $code, '--json', @args);

    return eval { JSON->new->utf8->decode($got->{out}) };
}


# On a terminal of that many columns, by script(1): all that the terminal gets,
# and what is typed into it.

sub on_terminal {
    my ($self, $columns, @args) = @_;

    my %opt = ref $args[-1] ? %{ pop @args } : ();
    my $line = join ' ', map { "'" . s/'/'\\''/gr . "'" } command_path(),
        @{ $self->{options} }, @args;

    return AGW::Command->new->run({ %opt, command => ['script', '-qec',
        "stty cols $columns; $line", '/dev/null'] });
}


package AGW::Command::Child;

sub pid { return $_[0]{pid} }
sub said { return AGW::Files::slurp("$_[0]{err}") }
sub printed { return AGW::Files::slurp("$_[0]{out}") }

sub end {
    my ($self) = @_;

    waitpid $self->{pid}, 0;

    my $status = $?;

    delete $running{ $self->{pid} };

    my $out = $self->{out} ? AGW::Files::slurp("$self->{out}") : '';
    my $err = AGW::Files::slurp("$self->{err}");

    # a new API key is printed once: from then on it is a secret

    AGW::Secrets::look_at('auth-gateway', $out);
    AGW::Secrets::secret($_) for $out =~ /\bagw_\w{33}\b/g;
    AGW::Secrets::look_at('auth-gateway, standard error', $err);

    return {
        code => $status >> 8, signal => $status & 127,
        out => $out, err => $err,
    };
}


my $owner = $$;

END {
    my $status = $?;

    if ($$ == $owner) {
        kill 'KILL', $_ for keys %running;
        waitpid $_, 0 for keys %running;
    }

    $? = $status;
}


1;
