package AGW::Nginx;

# One nginx process: started, asked how it is, stopped.

use strict;
use warnings;

use Exporter 'import';
use File::Copy qw(copy);
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(sleep);

use AGW::Conf ();
use AGW::Files qw(make_certificate make_prefix slurp spew write_secret);
use AGW::Secrets qw(look_at watch);
use AGW::Stopwatch;

our @EXPORT_OK = qw(nginx_t);

my %running;                     # masters of this process: pid => 1


# What is run; another user may not be let into the directory of the build, and
# gets a copy.  make has the variable NGINX, which nginx would read, too, and
# take for a list of sockets.

delete $ENV{NGINX};

sub binary {
    my ($prefix, $user) = @_;

    my $binary = $ENV{AGW_NGINX} // '/usr/sbin/nginx';

    return $binary unless defined $user && defined $ENV{AGW_NGINX};

    my $copy = "$prefix/nginx.copy";

    if (!-e $copy) {
        copy($binary, $copy) or die "copy: $!\n";
        chmod 0755, $copy;
    }

    return $copy;
}


# Forks a child that becomes nginx; a sanitizer's library is preloaded there
# alone, so the rest of the test runs without.  So is the library of preload,
# behind the sanitizer's, which has to be the first; env => { NAME => value }
# is the child's alone as well, and so is the user of as => name.

sub spawn {
    my ($prefix, $out, @args) = @_;

    my $opt = ref $args[0] ? shift @args : {};
    my $binary = binary($prefix, $opt->{as});

    my $pid = fork() // die "fork: $!\n";

    return $pid if $pid;

    $SIG{$_} = 'DEFAULT' for qw(INT TERM PIPE CHLD);
    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', $out;
    open STDERR, '>&', \*STDOUT;

    my $preload = join ':', grep { $_ } $ENV{AGW_PRELOAD}, $opt->{preload};

    $ENV{LD_PRELOAD} = $preload if $preload ne '';
    %ENV = (%ENV, %{ $opt->{env} // {} });

    if (defined $opt->{as}) {
        my ($uid, $gid) = (getpwnam $opt->{as})[2, 3];

        $) = "$gid $gid";
        POSIX::setgid($gid);
        POSIX::setuid($uid) or POSIX::_exit(126);
    }

    # A sanitizer's allocator asks for the time with its lock held, and a
    # library that is asked for the first time allocates.  It asks the kernel
    # where the program has no name, as before libc is ready.

    my $name = $ENV{AGW_PRELOAD} && $opt->{preload} ? 'nginx/' : 'nginx';

    exec { $binary } $name, '-p', "$prefix/", '-c', "$prefix/nginx.conf",
        '-e', 'stderr', @args or POSIX::_exit(127);
}


# Starts nginx and waits until each of its ports answers.  Another process
# may take a free port before us: then once more with other ports.  Names
# that were given to us (an upstream's port) stay.  Its logs must show no secret,
# except in lines of the patterns of may_show.

sub start {
    my ($class, $text, %opt) = @_;

    my $self = bless {
        prefix => $opt{prefix} // make_prefix(),
        text => $text,
        opt => \%opt,
    }, $class;

    watch($self->{prefix}, sub => '/logs', may_show => $opt{may_show});
    make_certificate($self->{prefix}) unless -f "$self->{prefix}/cert.pem";

    for my $try (1 .. 5) {
        $self->{names} = { %{ $opt{names} // {} } };
        spew($self->error_log, '');
        $self->write_conf($text);

        return $self if $self->launch;

        my $said = slurp($self->error_log) . slurp($self->out_file);

        $self->stop;
        die "nginx did not start:\n$said"
            unless $said =~ /Address already in use/;
    }

    die "no free ports\n";
}


sub launch {
    my ($self) = @_;

    # what this nginx logs, and not one before it, begins here

    $self->{log_from} = -s $self->error_log // 0;
    $self->{pid} = spawn($self->{prefix}, $self->out_file, $self->{opt});
    $running{$self->{pid}} = 1;

    return $self->wait_until_ready;
}


sub log_from { return $_[0]{log_from} }


# Stopped and started anew, with the same ports and one log; dies where it
# does not start.  Returns the wait status of the master before.

sub restart {
    my ($self, $text) = @_;

    my $status = $self->stop;

    delete $self->{status};
    $self->write_conf($text) if defined $text;
    $self->launch or die "nginx did not start again:\n"
        . slurp($self->error_log) . slurp($self->out_file);

    return $status;
}


sub write_conf {
    my ($self, $text) = @_;

    my $conf = AGW::Conf::complete($text, $self->{prefix}, $self->{names},
        %{ $self->{opt} });

    spew("$self->{prefix}/nginx.conf", $conf);

    return;
}


sub error_log {
    my ($self) = @_;

    return "$self->{prefix}/logs/error.log";
}


sub out_file {
    my ($self) = @_;

    return "$self->{prefix}/logs/out";
}


sub port {
    my ($self, $name) = @_;

    return $self->{names}{$name} // die "no port $name\n";
}


# at most 20 seconds; a sanitizer build is slow to start

sub wait_until_ready {
    my ($self) = @_;

    my $names = $self->{names};
    my @ports = map { $names->{$_} } grep { /^(TLS|PLAIN|PORT)/ }
        keys %$names;
    my $watch = AGW::Stopwatch->start($self->{pid});

    # all of them: a test compares who is there later with who was

    my ($wanted) = slurp("$self->{prefix}/nginx.conf")
        =~ /^\s*worker_processes\s+(\w+);/m;

    $wanted = `nproc` + 0 if ($wanted // '') eq 'auto';

    while ($watch->seconds < 20) {
        return 0 if $self->gone;

        return 1 if slurp("$self->{prefix}/nginx.pid") =~ /^$self->{pid}$/m
            && $self->workers >= ($wanted || 1)
            && @ports == grep { can_connect($_) } @ports;

        sleep 0.02;
    }

    return 0;
}


sub can_connect {
    my ($port) = @_;

    return defined IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 1,
    );
}


sub gone {
    my ($self) = @_;

    return 1 unless $running{ $self->{pid} // 0 };

    if (waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid}) {
        $self->{status} = $?;
        delete $running{ $self->{pid} };
        return 1;
    }

    return 0;
}


# the pids of the workers, cache processes apart; valgrind keeps its own title

sub workers {
    my ($self) = @_;

    my @pids = split ' ',
        slurp("/proc/$self->{pid}/task/$self->{pid}/children");

    return grep { slurp("/proc/$_/cmdline") =~ /worker process|valgrind/ }
        @pids;
}


# memory of the first worker alone, in KB: what all of them share is not in it

sub worker_rss {
    my ($self) = @_;

    my ($pid) = $self->workers;

    return slurp("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m ? $1 : undef;
}


# Waits until all workers are there, and are others than those given; at most
# 10 seconds.  One that opens the store is no worker yet by its name.

sub wait_for_workers_other_than {
    my ($self, @old) = @_;

    my %old = map { $_ => 1 } @old;
    my $watch = AGW::Stopwatch->start($self->{pid});

    while ($watch->seconds < 10) {
        my @now = $self->workers;

        return 1 if @now >= ($self->{opt}{workers} // 1)
            && !grep { $old{$_} } @now;

        sleep 0.02;
    }

    return 0;
}


# with another configuration or the same; returns whether new workers came

sub reload {
    my ($self, $text) = @_;

    my @old = $self->workers;

    $self->write_conf($text) if defined $text;
    kill 'HUP', $self->{pid};

    return $self->wait_for_workers_other_than(@old);
}


# Ends the workers politely; the master starts others.

sub replace_workers {
    my ($self) = @_;

    my @old = $self->workers;

    kill 'TERM', @old;

    return $self->wait_for_workers_other_than(@old);
}


# returns the wait status of the master; KILL after 15 seconds

sub stop {
    my ($self) = @_;

    return $self->{status} if $self->gone;

    kill 'TERM', $self->{pid};

    for (1 .. 750) {
        return $self->{status} if $self->gone;
        sleep 0.02;
    }

    my @workers = $self->workers;

    kill 'KILL', $self->{pid}, @workers;
    waitpid $self->{pid}, 0;
    delete $running{ $self->{pid} };

    return $self->{status} = -1;
}


# Kills the master and all of its children, and waits until none of them has a
# socket any more: a thread that writes to the disk may outlive the others, and
# with it the sockets.  The master is stopped first: it forks no other meanwhile.

sub crash {
    my ($self) = @_;

    kill 'STOP', $self->{pid};

    my @children = split ' ',
        slurp("/proc/$self->{pid}/task/$self->{pid}/children");

    kill 'KILL', $self->{pid}, @children;

    for (1 .. 500) {
        return unless grep { slurp($_) =~ /\) [^ZX]/ }
            map { glob "/proc/$_/task/*/stat" } @children;
        sleep 0.01;
    }

    die "a killed nginx does not end\n";
}


# Runs nginx -t; returns (exit code, output).  %opt as for start().  nginx does
# not mind then that a port is taken: one set of them is enough.

my %tested;

sub nginx_t {
    my ($text, %opt) = @_;

    my $prefix = $opt{prefix} // make_prefix();
    my %names = (%tested, %{ $opt{names} // {} });

    make_certificate($prefix) unless -f "$prefix/cert.pem";
    write_secret("$prefix/secret.key") unless -f "$prefix/secret.key";

    unlink "$prefix/logs/out-t";
    spew("$prefix/nginx.conf",
        AGW::Conf::complete($text, $prefix, \%names, %opt));
    %tested = map { $_ => $names{$_} }
        grep { /^(?:TLS|PLAIN|PORT)\d*$/ } keys %names;

    my $pid = spawn($prefix, "$prefix/logs/out-t", \%opt, '-t');

    $running{$pid} = 1;
    waitpid $pid, 0;

    my $code = $? >> 8 || $? & 127;

    delete $running{$pid};

    my $said = slurp("$prefix/logs/out-t");

    look_at('nginx -t', $said);

    return ($code, $said);
}


# whatever way the test ends, no nginx is left behind

my $owner = $$;

END {
    my $status = $?;

    if ($$ == $owner) {
        for my $pid (keys %running) {
            kill 'TERM', $pid;

            for (1 .. 100) {
                last if waitpid($pid, POSIX::WNOHANG()) == $pid;
                sleep 0.02;
            }

            kill 'KILL', $pid if kill 0, $pid;
        }
    }

    $? = $status;
}

$SIG{INT} //= sub { exit 130 };
$SIG{TERM} //= sub { exit 143 };


1;
