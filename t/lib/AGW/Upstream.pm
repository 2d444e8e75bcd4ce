package AGW::Upstream;

# A small HTTP/1.1 server that records what it receives, byte for byte, and
# answers as the test wants.  AGW::CgiUpstream has it for other protocols,
# with a take(), parse() and answer() of its own, and AGW::FalseGateway for
# answers that no gateway gives.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use JSON ();
use POSIX ();

use AGW::Files qw(append_to slurp);

my $json = JSON->new->canonical;
my %running;


# Starts it with records in $file.  reply => sub ($request) returns (status,
# [header lines], body), or nothing for the usual answer; it runs in the
# upstream's own process.  listener => a socket of the test's.

sub start {
    my ($class, $file, %opt) = @_;

    my $listener = $opt{listener} // IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 128,
        Proto => 'tcp', ReuseAddr => 1,
    ) or die "upstream: $!\n";
    my $parent = $$;
    my $pid = fork() // die "fork: $!\n";

    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM);
        $SIG{PIPE} = 'IGNORE';
        eval { $class->serve($listener, $file, $parent, $opt{reply}); };
        POSIX::_exit(0);
    }

    $running{$pid} = 1;
    append_to($file, '');

    return bless {
        pid => $pid, file => $file,
        port => $opt{listener} ? undef : $listener->sockport,
    }, $class;
}


sub serve {
    my ($class, $listener, $file, $parent, $reply) = @_;

    my $select = IO::Select->new($listener);
    my %buffers;

    while (getppid() == $parent) {
        for my $socket ($select->can_read(1)) {
            if ($socket == $listener) {
                my $client = $listener->accept or next;

                $select->add($client);
                $buffers{$client} = '';
                next;
            }

            my $got = sysread $socket, $buffers{$socket}, 65536,
                length $buffers{$socket};

            if (!$got) {
                record($file, { partial => unpack 'H*', $buffers{$socket} })
                    if length $buffers{$socket};
                delete $buffers{$socket};
                $select->remove($socket);
                close $socket;
                next;
            }

            while (my $request = $class->take(\$buffers{$socket})) {
                record($file, {
                    head => unpack('H*', $request->{head}),
                    body => unpack('H*', $request->{body}),
                });
                $class->answer($socket, $request, $reply);
            }
        }
    }

    return;
}


# one whole request off the buffer, or nothing

sub take {
    my ($class, $buffer) = @_;

    my $end = index $$buffer, "\r\n\r\n";

    return if $end < 0;

    my $head = substr $$buffer, 0, $end + 4;
    my $rest = substr $$buffer, $end + 4;
    my $body = '';

    if ($head =~ /^transfer-encoding:[ ]*chunked/mi) {
        while (1) {
            return unless $rest =~ s/^([0-9a-fA-F]+)[^\r\n]*\r\n//;
            my $size = hex $1;

            return if length $rest < $size + 2;
            $body .= substr $rest, 0, $size;
            $rest = substr $rest, $size + 2;
            last if $size == 0;
        }

    } elsif ($head =~ /^content-length:[ ]*(\d+)/mi) {
        return if length $rest < $1;
        $body = substr $rest, 0, $1;
        $rest = substr $rest, $1;
    }

    $$buffer = $rest;

    return $class->parse($head, $body);
}


# head and body as they came; method, target; headers by lower-case name

sub parse {
    my ($class, $head, $body) = @_;

    my ($line, @lines) = split /\r\n/, $head;
    my ($method, $target) = $line =~ /^(\S+) (.*) HTTP\/1\.[01]$/;
    my %headers;

    for (@lines) {
        my ($name, $value) = split /:[ ]*/, $_, 2;

        push @{ $headers{ lc $name } }, $value;
    }

    return {
        head => $head, body => $body, method => $method // '',
        target => $target // $line, headers => \%headers,
    };
}


sub record {
    my ($file, $what) = @_;

    return append_to($file, $json->encode($what) . "\n");
}


sub answer {
    my ($class, $socket, $request, $reply) = @_;

    my ($status, $lines, $body) = $reply ? $reply->($request) : ();

    $status //= 200;
    $lines //= ['Content-Type: text/plain'];
    $body //= "upstream saw $request->{method}\n";

    my $text = join "\r\n", "HTTP/1.1 $status Test", @$lines,
        'Content-Length: ' . length $body, '', '';

    $text .= $body unless $request->{method} eq 'HEAD';
    syswrite $socket, $text;

    return;
}


# a reply: what reached it, as the demo's own upstream answers

sub echo {
    my ($request) = @_;

    my ($partner, $business) = map {
        ($request->{headers}{$_} // [''])->[0]
    } qw(x-partner-id x-business-id);

    return (200, ['Content-Type: application/json'], $json->encode({
        method => $request->{method}, path => $request->{target},
        x_partner_id => $partner, x_business_id => $business,
    }));
}


sub port {
    my ($self) = @_;

    return $self->{port};
}


# where the record ends now

sub mark {
    my ($self) = @_;

    return -s $self->{file} // 0;
}


# the requests received since then, as parse() gives them; one that was
# never completed has partial => its bytes

sub since {
    my ($self, $mark) = @_;

    return map {
        my $what = $json->decode($_);

        defined $what->{partial}
            ? { partial => pack('H*', $what->{partial}), target => '' }
            : $self->parse(map { pack 'H*', $what->{$_} } qw(head body));
    } split /\n/, slurp($self->{file}, $mark);
}


sub stop {
    my ($self) = @_;

    return unless delete $running{ $self->{pid} };

    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;

    return;
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
