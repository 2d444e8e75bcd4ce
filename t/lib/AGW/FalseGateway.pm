package AGW::FalseGateway;

# What listens at the socket of the administration, and is no gateway: it hangs
# up, redirects, or answers with anything.  What a gateway answers is tested
# with a gateway.

use strict;
use warnings;

use IO::Socket::UNIX;

use parent 'AGW::Upstream';


# start($socket, $file, sub ($request, $number) { ... }): the bytes that are
# answered, as they are; the connection is then closed.

sub start {
    my ($class, $socket, $file, $reply) = @_;

    unlink $socket;

    my $listener = IO::Socket::UNIX->new(Local => $socket, Listen => 16)
        or die "$socket: $!\n";
    my $number = 0;

    return $class->SUPER::start($file, listener => $listener,
        reply => sub { return $reply->($_[0], ++$number) });
}


sub answer {
    my ($class, $socket, $request, $reply) = @_;

    for my $bytes ($reply->($request)) {
        while (length $bytes) {
            my $sent = syswrite $socket, $bytes;

            last unless $sent;
            substr $bytes, 0, $sent, '';
        }
    }

    shutdown $socket, 2;

    return;
}


# a whole response

sub response {
    my ($status, $body, @lines) = @_;

    @lines = ('Content-Type: application/json') unless @lines;

    return join "\r\n", "HTTP/1.1 $status Test", @lines,
        'Content-Length: ' . length $body, '', $body;
}


1;
