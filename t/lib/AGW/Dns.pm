package AGW::Dns;

# A name server whose answers change when the test says so: A records of a
# second.
#
#     my $dns = AGW::Dns->start('redis.test' => '127.0.0.1');
#     http => 'resolver ' . $dns->address . ' valid=1s;'
#     $dns->set('redis.test' => '127.0.0.2');

use strict;
use warnings;

use IO::Socket::INET;
use POSIX ();

use AGW::Files qw(make_prefix slurp spew);

my %running;                     # of this process: pid => 1


# name => addresses, with spaces between them; '' : it does not exist

sub start {
    my ($class, %names) = @_;

    my $socket = IO::Socket::INET->new(Proto => 'udp',
        LocalAddr => '127.0.0.1', LocalPort => 0) or die "udp: $!\n";
    my $self = bless { port => $socket->sockport, prefix => make_prefix() },
        $class;

    $self->set(%names);

    my $parent = $$;

    $self->{pid} = fork() // die "fork: $!\n";

    if (!$self->{pid}) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM CHLD);
        serve($socket, "$self->{prefix}/names", $parent);
        POSIX::_exit(0);
    }

    $running{ $self->{pid} } = 1;

    return $self;
}


sub address { return "127.0.0.1:$_[0]{port}" }


sub set {
    my ($self, %names) = @_;

    $self->{names}{$_} = $names{$_} for keys %names;
    spew("$self->{prefix}/names.new", join '', map {
        "$_ $self->{names}{$_}\n" } keys %{ $self->{names} });
    rename "$self->{prefix}/names.new", "$self->{prefix}/names"
        or die "rename: $!\n";

    return;
}


# in a process of its own, until the test is gone

sub serve {
    my ($socket, $file, $parent) = @_;

    while (getppid() == $parent) {
        my $ready = '';

        vec($ready, fileno $socket, 1) = 1;
        next unless select $ready, undef, undef, 0.5;

        my $peer = recv $socket, my $query, 512, 0;

        next unless defined $peer && length $query > 12;
        send $socket, answer($query, slurp($file)), 0, $peer;
    }

    return;
}


sub answer {
    my ($query, $text) = @_;

    my ($id) = unpack 'n', $query;
    my ($name, $at) = ('', 12);

    while (my $len = ord substr $query, $at, 1) {
        $name .= ($name eq '' ? '' : '.') . substr $query, $at + 1, $len;
        $at += $len + 1;
    }

    my $question = substr $query, 12, $at - 12 + 5;
    my ($type) = unpack 'n', substr $query, $at + 1, 2;
    my ($found) = $text =~ /^\Q$name\E (.*)$/m;
    my @addresses = $type == 1 ? split / /, $found // '' : ();
    my $code = defined $found && $found ne '' ? 0 : 3;

    return pack('nnnnnn', $id, 0x8180 | $code, 1, scalar @addresses, 0, 0)
        . $question
        . join '', map { pack('nnnNn', 0xc00c, 1, 1, 1, 4)
            . pack 'C4', split /\./ } @addresses;
}


my $owner = $$;

END {
    my $status = $?;

    if ($$ == $owner) {
        for my $pid (keys %running) {
            kill 'KILL', $pid;
            waitpid $pid, 0;
        }
    }

    $? = $status;
}


1;
