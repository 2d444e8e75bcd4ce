package Bench::Wire;

# One kept-alive connection with little of its own: a request as bytes, its
# answer.

use strict;
use warnings;

use Exporter 'import';
use IO::Select;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY);

our @EXPORT_OK = qw(exchange);

my $PATIENCE = 30;                   # seconds


sub new {
    my ($class, $port) = @_;

    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 10,
    ) or die "connect to $port: $!\n";

    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;

    return bless {
        socket => $socket, select => IO::Select->new($socket),
    }, $class;
}


# { status, head, body, size }: an answer has a Content-Length, or is 204

sub ask {
    my ($self, $request) = @_;

    local $SIG{PIPE} = 'IGNORE';

    my $text = '';

    (syswrite($self->{socket}, $request) // -1) == length $request
        or die "a request was not sent\n";

    while (1) {
        if ($text =~ /^(.*?)\r\n\r\n/s) {
            my $head = $1;
            my ($status) = $head =~ m{^HTTP/1\.1 (\d{3})};
            my ($length) = $head =~ /^content-length: (\d+)\r?$/mi;
            my $size = length($head) + 4 + ($length // 0);

            die "not an answer: $head\n" unless $status;
            die "no length: $head\n" unless defined $length || $status == 204;

            return { status => $status, head => $head, size => $size,
                body => substr $text, length($head) + 4 }
                if length $text >= $size;
        }

        $self->{select}->can_read($PATIENCE)
            or die "no answer in $PATIENCE seconds\n";
        sysread $self->{socket}, $text, 65536, length $text
            or die "closed without an answer\n";
    }

    return;
}


sub exchange {
    my ($port, $request) = @_;

    return Bench::Wire->new($port)->ask($request);
}


1;
