package AGW::Proxy;

# A bad network between an nginx and its store: a process of its own that
# passes bytes on, later, never, cut short or changed, as the test says.
#
#     my $proxy = AGW::Proxy->start(to => $redis->port);
#     ... names => { REDIS => $redis->words(port => $proxy->port) } ...
#     $proxy->set(delay => 0.05);
#     $proxy->set(up => 'hold');

use strict;
use warnings;

use IO::Handle;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Socket qw(AF_UNIX IPPROTO_TCP PF_UNSPEC SOCK_STREAM SOL_SOCKET SO_LINGER
    TCP_NODELAY);
use Time::HiRes qw(time);

my %running;                     # of this process: pid => 1


# Listens on a free port, before a port of 127.0.0.1 or the path of a unix
# socket.  rewrite => sub { my ($way, $bytes, $memo) = @_; ... } returns the
# bytes that are passed on; $way is up, to the server, or down; $memo is a hash
# of that connection and way, to be written to.

sub start {
    my ($class, %opt) = @_;

    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => 0, Listen => 128) or die "listen: $!\n";

    socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC
        or die "socketpair: $!\n";
    $_->autoflush(1) for $ours, $theirs;

    my $parent = $$;
    my $pid = fork() // die "fork: $!\n";

    if (!$pid) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM CHLD);
        $SIG{PIPE} = 'IGNORE';
        close $ours;
        eval { serve($listener, $theirs, %opt) };
        print STDERR "proxy: $@" if $@;
        POSIX::_exit(0);
    }

    $running{$pid} = 1;
    close $theirs;

    return bless { port => $listener->sockport, control => $ours,
        pid => $pid }, $class;
}


sub port { return $_[0]{port} }


# From now on, until it is said otherwise, on connections that exist too:
#
#     delay => seconds, each way
#     up => 'pass', 'hold' (kept, and passed on later) or 'drop'; down likewise
#     accept => 'pass', 'hold' (connected, and nothing happens; these are never
#         passed on) or 'close'
#     to => another port, for connections from now on
#     left => bytes that each connection still passes down before it is cut;
#         -1, no such end

sub set {
    my ($self, %what) = @_;

    return $self->tell('set', map { $_ => $what{$_} } sort keys %what);
}


# all connections are reset, or closed as a server does

sub cut { return $_[0]->tell('cut') }
sub finish { return $_[0]->tell('finish') }


# no more of it comes down, and the connection stays: half a close

sub half_close { return $_[0]->tell('half_close') }


# what the next reply is instead, on each connection or on the first that
# gets one

sub replace_each { return $_[0]->tell('replace_each', unpack 'H*', $_[1]) }
sub replace_one { return $_[0]->tell('replace_one', unpack 'H*', $_[1]) }


# all connections that there are stay, and nothing passes any more

sub hold_all { return $_[0]->tell('hold_all') }


# The first connection that brings this text up is held from then on; others
# are not.  Whether it came.

sub hold_one { return $_[0]->tell('hold_one', unpack 'H*', $_[1]) }
sub has_held { return $_[0]->tell('has_held') }


# (connections now, connections ever)

sub connections {
    my ($self) = @_;

    return split / /, $self->tell('count');
}


sub tell {
    my ($self, @words) = @_;

    my $control = $self->{control};

    print {$control} join(' ', @words), "\n";

    my $answer = readline($control) // die "the proxy is gone\n";

    chomp $answer;

    return $answer;
}


sub stop {
    my ($self) = @_;

    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    delete $running{ $self->{pid} };

    return;
}


# In the process of its own, which ends with the test: control is then closed.

sub serve {
    my ($listener, $control, %opt) = @_;

    my $self = { %opt, delay => 0, up => 'pass', down => 'pass',
        accept => 'pass', left => -1, list => [], ever => 0 };
    my $commands = '';

    while (1) {
        my @ready = readers($self, $listener, $control)
            ->can_read(patience($self));

        for my $socket (@ready) {
            if ($socket == $listener) {
                accept_one($self, $listener);

            } elsif ($socket == $control) {
                return unless sysread $control, $commands, 4096,
                    length $commands;
                syswrite $control, obey($self, split / /, $1) . "\n"
                    while $commands =~ s/\A([^\n]*)\n//;
            }
        }

        my %ready = map { fileno $_ => 1 } grep { defined fileno $_ } @ready;

        pump($self, $_, \%ready) for @{ $self->{list} };
        @{ $self->{list} } = grep { !$_->{closed} } @{ $self->{list} };
    }

    return;
}


sub readers {
    my ($self, @always) = @_;

    return IO::Select->new(@always, map { my $pair = $_;
        map { $pair->{eof}{$_} || !$pair->{from}{$_} ? ()
            : $pair->{from}{$_} } qw(up down) } @{ $self->{list} });
}


# how long nothing is due: what a peer does not take is tried again

sub patience {
    my ($self) = @_;

    my $wait = 1;

    for my $pair (grep { !$_->{held} } @{ $self->{list} }) {
        for my $way (grep { $self->{$_} ne 'hold' } qw(up down)) {
            my $first = $pair->{queue}{$way}[0] or next;
            my $left = $first->[0] - time;

            $left = 0.002 if $left < 0.002;
            $wait = $left if $left < $wait;
        }
    }

    return $wait;
}


sub accept_one {
    my ($self, $listener) = @_;

    my $client = $listener->accept or return;

    $self->{ever}++;

    return close $client if $self->{accept} eq 'close';

    my $pair = { from => { up => $client }, queue => { up => [], down => [] },
        eof => {}, left => $self->{left}, held => $self->{accept} eq 'hold' };

    push @{ $self->{list} }, $pair;

    return if $pair->{held};

    my $server = $self->{to} =~ m{/}
        ? IO::Socket::UNIX->new(Peer => $self->{to})
        : IO::Socket::INET->new(PeerAddr => '127.0.0.1',
            PeerPort => $self->{to}, Timeout => 1);

    return reset_pair($pair) unless $server;

    setsockopt $_, IPPROTO_TCP, TCP_NODELAY, 1 for $client, $server;
    $_->blocking(0) for $client, $server;
    $pair->{from}{down} = $server;

    return;
}


sub reset_pair {
    my ($pair) = @_;

    for my $socket (grep { defined } values %{ $pair->{from} }) {
        setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'll', 1, 0;
        close $socket;
    }

    return $pair->{closed} = 1;
}


sub close_pair {
    my ($pair) = @_;

    close $_ for grep { defined } values %{ $pair->{from} };

    return $pair->{closed} = 1;
}


sub obey {
    my ($self, $command, @args) = @_;

    my @list = @{ $self->{list} };

    if ($command eq 'set') {
        my %what = @args;

        @$self{keys %what} = values %what;

        if (exists $what{left}) {
            $_->{left} = $what{left} for @list;
        }

    } elsif ($command eq 'cut') {
        reset_pair($_) for @list;

    } elsif ($command eq 'finish') {
        close_pair($_) for @list;

    } elsif ($command eq 'half_close') {
        shutdown $_->{from}{up}, 1 for @list;

    } elsif ($command eq 'replace_each') {
        $_->{replace} = pack 'H*', $args[0] for @list;

    } elsif ($command eq 'replace_one') {
        $self->{replace} = pack 'H*', $args[0];

    } elsif ($command eq 'hold_all') {
        $_->{held} = 1 for @list;

    } elsif ($command eq 'hold_one') {
        $self->{hold} = pack 'H*', $args[0];

    } elsif ($command eq 'has_held') {
        return defined $self->{hold} ? 0 : 1;

    } elsif ($command eq 'count') {
        return scalar(@list) . " $self->{ever}";
    }

    return 'done';
}


# both ways of one connection

sub pump {
    my ($self, $pair, $ready) = @_;

    for my $way ('up', 'down') {
        last if $pair->{closed};

        my $from = $pair->{from}{$way} or next;
        my $queue = $pair->{queue}{$way};

        take($self, $pair, $way, $from) if $ready->{ fileno $from }
            && !$pair->{eof}{$way};

        next if $self->{$way} eq 'hold' || $pair->{held};

        while (@$queue && $queue->[0][0] <= time) {
            last unless pass($self, $pair, $way, $queue);
        }
    }

    return;
}


sub take {
    my ($self, $pair, $way, $from) = @_;

    my $got = sysread $from, my $bytes, 65536;

    return if !defined $got && $!{EAGAIN};

    my $queue = $pair->{queue}{$way};

    if (!$got) {
        return close_pair($pair) if $pair->{held};

        $pair->{eof}{$way} = 1;
        push @$queue, [time + $self->{delay}, undef];
        return;
    }

    return if $self->{$way} eq 'drop';

    if (defined $self->{hold} && index($bytes, $self->{hold}) >= 0) {
        $pair->{held} = 1;
        undef $self->{hold};
    }

    $bytes = $self->{rewrite}->($way, $bytes, $pair->{memo}{$way} //= {})
        if $self->{rewrite};

    if ($way eq 'down') {
        $bytes = delete($pair->{replace}) // delete($self->{replace})
            // $bytes;
    }

    push @$queue, [time + $self->{delay}, $bytes] if length $bytes;

    return;
}


# The first of what is due; returns whether to go on.

sub pass {
    my ($self, $pair, $way, $queue) = @_;

    my $to = $pair->{from}{ $way eq 'up' ? 'down' : 'up' } or return 0;

    if (!defined $queue->[0][1]) {
        close_pair($pair);
        return 0;
    }

    my $size = length $queue->[0][1];

    $size = $pair->{left}
        if $way eq 'down' && $pair->{left} >= 0 && $pair->{left} < $size;

    my $sent = $size ? syswrite $to, $queue->[0][1], $size : 0;

    if (!defined $sent) {
        close_pair($pair) unless $!{EAGAIN};
        return 0;
    }

    substr $queue->[0][1], 0, $sent, '';
    shift @$queue if $queue->[0][1] eq '';

    if ($way eq 'down' && $pair->{left} >= 0) {
        $pair->{left} -= $sent;
        close_pair($pair) if $pair->{left} == 0;
    }

    return !$pair->{closed};
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
