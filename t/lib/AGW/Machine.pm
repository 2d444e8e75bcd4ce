package AGW::Machine;

# A bare Debian in a folder, by debootstrap, and processes in it as on a machine
# of its own: with their own processes, mounts, host name and network, which is
# the loopback interface alone.  All of them end with the test.
#
#     my $machine = AGW::Machine->new('bookworm', "$build/bookworm");
#     $machine->online('apt-get -q update');
#     $machine->boot;
#     my ($code, $said) = $machine->run('service', 'nginx', 'status');

use strict;
use warnings;

use File::Path qw(make_path);
use POSIX ();
use Time::HiRes qw(sleep);

use AGW::Command;
use AGW::Files qw(slurp spew);
use AGW::Handbook;

my @environment = qw(LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive HOME=/root
    TERM=xterm PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin);

my $proc = 'mount -t proc proc /proc';
my %running;


# whether that can be done here

sub possible {
    return $> == 0 && !system('command -v debootstrap ip unshare nsenter'
        . ' >/dev/null && unshare -muinp --fork true 2>/dev/null');
}


# new(suite, folder): AGW_MIRROR may say where from

sub new {
    my ($class, $suite, $root) = @_;

    my $mirror = $ENV{AGW_MIRROR} // 'http://deb.debian.org/debian';
    my $cache = "$root.cache";

    system('rm', '-rf', '--one-file-system', $root);
    unlink "$root.log";
    make_path($cache);
    system("debootstrap --variant=minbase --cache-dir='$cache' '$suite' '$root'"
        . " '$mirror' >'$root.log' 2>&1") == 0
        or die "debootstrap $suite failed: see $root.log\n";

    # a person answers "yes", and does not wait for the disk

    spew("$root/etc/apt/apt.conf.d/test", "APT::Get::Assume-Yes \"true\";\n");
    spew("$root/etc/dpkg/dpkg.cfg.d/test", "force-unsafe-io\n");
    spew("$root/etc/resolv.conf", slurp('/etc/resolv.conf'));
    spew("$root/etc/hosts", slurp('/etc/hosts')
        . "127.0.1.1 gateway.example.com gateway\n");
    make_path("$root/root/day");

    return bless { root => $root, suite => $suite }, $class;
}


# another one like it, before either was booted

sub copy {
    my ($self, $root) = @_;

    system('rm', '-rf', '--one-file-system', $root);
    system('cp', '-a', $self->{root}, $root) == 0 or die "cp: $?\n";

    return bless { %$self, root => $root }, ref $self;
}


sub root { return $_[0]{root} }


# Runs a script with this host's network; the log has what it says.  Returns
# whether it went well.

sub online {
    my ($self, $script) = @_;

    my $file = "$self->{root}/root/online.sh";

    spew($file, "set -eu\n$proc\n$script\n");

    return system("unshare -muip --fork --kill-child chroot '$self->{root}'"
        . " env -i @environment bash /root/online.sh </dev/null"
        . " >>'$self->{root}.log' 2>&1") == 0;
}


# Starts the first process.  Debian starts and stops no service where it sees no
# init, unless it is told so.

sub boot {
    my ($self) = @_;

    my $policy = "$self->{root}/usr/sbin/policy-rc.d";

    spew($policy, "#!/bin/sh\nexit 104\n", 0755);

    my $init = "$proc; mount -t devpts -o newinstance,ptmxmode=0666 d /dev/pts;"
        . ' ln -sf pts/ptmx /dev/ptmx; hostname gateway; echo 1 >/root/up;'
        . ' while sleep 1; do :; done';
    my $pid = fork() // die "fork: $!\n";

    if (!$pid) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM PIPE);
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', "$self->{root}.boot";
        exec qw(unshare -muinp --fork --kill-child chroot), $self->{root},
            qw(env -i), @environment, 'bash', '-c', $init
            or POSIX::_exit(127);
    }

    $running{$pid} = 1;
    $self->{pid} = $pid;

    for (1 .. 300) {
        last if -s "$self->{root}/root/up";
        sleep 0.1;
    }

    $self->{first} = slurp("/proc/$pid/task/$pid/children") =~ s/\D//gr;
    die "no machine in $self->{root}\n" unless $self->{first};
    system("nsenter -t $self->{first} -n ip link set lo up") == 0
        or die "no loopback interface: $?\n";

    return $self;
}


# ends all that runs in it, and removes its folder

sub end {
    my ($self) = @_;

    if (my $pid = delete $self->{pid}) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
        delete $running{$pid};
    }

    system('rm', '-rf', '--one-file-system', $self->{root});

    return;
}


# the words before a command that is to run in it

sub enter {
    my ($self) = @_;

    return ('nsenter', '-t', $self->{first}, qw(-m -u -i -n -p -r -w env -i),
        @environment);
}


# Runs a command: its exit code, and its standard output and error together.

sub run {
    my ($self, @command) = @_;

    my $pid = $self->begin(my $file = "$self->{root}/root/said.$$", @command);

    waitpid $pid, 0;

    return ($? >> 8, slurp($file));
}


# the same in the background; the file is of this host

sub begin {
    my ($self, $file, @command) = @_;

    my $pid = fork() // die "fork: $!\n";

    if (!$pid) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM PIPE);
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', $file or POSIX::_exit(126);
        open STDERR, '>&', \*STDOUT;

        my @words = ($self->enter, @command);

        exec { $words[0] } @words or POSIX::_exit(127);
    }

    return $pid;
}


# what the tests of the command line and of its handbook take

sub shell { return AGW::Machine::Shell->new($_[0]) }
sub command { return AGW::Machine::Command->new($_[0]) }


my $owner = $$;

END {
    my $status = $?;

    if ($$ == $owner) {
        kill 'KILL', $_ for keys %running;
        waitpid $_, 0 for keys %running;
    }

    $? = $status;
}


package AGW::Machine::Shell;

our @ISA = ('AGW::Handbook');

sub new {
    my ($class, $machine) = @_;

    my $self = AGW::Handbook::new($class, $machine->root . '/root/day');

    $self->{machine} = $machine;

    return $self;
}

sub inside { return "/root/day/$_[1]" }

sub become {
    my ($self, $file) = @_;

    my %variables = %{ $self->{variables} };

    exec { 'nsenter' } $self->{machine}->enter,
        (map { "$_=$variables{$_}" } keys %variables),
        'bash', '-c', "cd /root/day && exec bash $file";
}


package AGW::Machine::Command;

our @ISA = ('AGW::Command');

sub new {
    my ($class, $machine) = @_;

    return bless { options => [], machine => $machine }, $class;
}

sub begin {
    my ($self, @args) = @_;

    my %opt = ref $args[-1] ? %{ pop @args } : ();

    return $self->SUPER::begin(@args, {
        command => [$self->{machine}->enter, 'auth-gateway'], %opt });
}


1;
