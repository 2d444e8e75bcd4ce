package AGW::Client;

# HTTP/1.1 as bytes, over TLS or plain: what is written is what is sent.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::SSL ();
use IO::Socket::UNIX;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

use AGW::Response;


# A context reads the CA's file: one for all connections that trust it.

my %contexts;

sub context {
    my (%opt) = @_;

    return $contexts{$opt{ca}}{ join ' ',
        map { $_ // '' } @opt{qw(alpn cert version)} }
        //= IO::Socket::SSL::SSL_Context->new(
            SSL_ca_file => $opt{ca}, SSL_verify_mode => 1,
            ($opt{alpn} ? (SSL_alpn_protocols => [$opt{alpn}]) : ()),
            ($opt{cert} ? (SSL_cert_file => "$opt{cert}.pem",
                SSL_key_file => "$opt{cert}.key") : ()),
            ($opt{version} ? (SSL_version => $opt{version}) : ()),
        ) // die "context of $opt{ca}: $IO::Socket::SSL::SSL_ERROR\n";
}


# connect(port =>, tls => 0 or 1, ca => file, cert => of a client: a file's
# path without ".pem" and ".key", version => that of TLS); or
# connect(unix => path)

sub connect {
    my ($class, %opt) = @_;

    my $socket = defined $opt{unix}
        ? IO::Socket::UNIX->new(Peer => $opt{unix})
        : $opt{tls}
        ? IO::Socket::SSL->new(
            PeerAddr => '127.0.0.1', PeerPort => $opt{port}, Timeout => 60,
            SSL_reuse_ctx => context(%opt), SSL_verify_mode => 1,
            SSL_verifycn_name => '127.0.0.1', SSL_verifycn_scheme => 'http',
            SSL_hostname => 'localhost',
        )
        : IO::Socket::INET->new(
            PeerAddr => '127.0.0.1', PeerPort => $opt{port}, Timeout => 60,
        );

    die 'connect to ' . ($opt{unix} // $opt{port})
        . ": $!, $IO::Socket::SSL::SSL_ERROR\n" unless $socket;

    # no small piece waits for the kernel to send more with it

    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1
        unless defined $opt{unix};

    return bless {
        socket => $socket, buffer => '', tls => $opt{tls}, eof => 0,
    }, $class;
}


# all of the bytes, or as many as the peer takes; returns whether all

sub send {
    my ($self, $bytes) = @_;

    local $SIG{PIPE} = 'IGNORE';

    while (length $bytes) {
        my $sent = $self->{socket}->syswrite($bytes);

        return 0 unless $sent;
        substr $bytes, 0, $sent, '';
    }

    return 1;
}


# Reads more; returns 1, 0 at the end of the stream, undef where nothing
# came in time.

sub fill {
    my ($self, $timeout) = @_;

    my $socket = $self->{socket};

    return 0 if $self->{eof};

    if (!$self->{tls} || !$socket->pending) {
        return unless IO::Select->new($socket)
            ->can_read($timeout > 0 ? $timeout : 0);
    }

    # what came may be a ticket of TLS alone, after which a read would wait

    $socket->blocking(0);

    my $got = $socket->sysread($self->{buffer}, 65536,
        length $self->{buffer});
    my $again = !defined $got && $!{EAGAIN};

    $socket->blocking(1);

    return 1 if $got || $again;

    $self->{eof} = 1;

    return 0;
}


# Waits until $done->() is true; dies after the time, returns false at the
# end of the stream.

sub wait_for {
    my ($self, $done, $timeout) = @_;

    my $until = time + ($timeout // 10);

    until ($done->()) {
        my $left = $until - time;
        my $got = $self->fill($left < 0.2 ? $left : 0.2);

        return $done->() if defined $got && $got == 0;
        die "nothing came in time\n" if time > $until;
    }

    return 1;
}


# The next response, or undef where the connection ended before it.  method
# => 'HEAD' for one without a body; interim (1xx) responses are skipped and
# counted in {interim}.

sub response {
    my ($self, %opt) = @_;

    my $interim = 0;

    while (1) {
        my $there = $self->wait_for(sub {
            index($self->{buffer}, "\r\n\r\n") >= 0;
        }, $opt{timeout});

        return unless $there;

        $self->{buffer} =~ s/^(.*?)\r\n\r\n//s;

        my ($line, @lines) = split /\r\n/, $1;
        my ($status) = $line =~ m{^HTTP/1\.1 (\d{3})};
        my @headers = map { [split /:[ ]*/, $_, 2] } @lines;

        die "not a response: $line\n" unless defined $status;

        if ($status < 200 && $status != 101) {
            $interim++;
            next;
        }

        my $response = AGW::Response->new(
            status => $status, headers => \@headers, interim => $interim,
        );

        $response->{body} = $self->read_body($response, $opt{timeout})
            unless ($opt{method} // '') eq 'HEAD' || $status == 204
            || $status == 304;

        return $response->keep_secrets;
    }
}


sub read_body {
    my ($self, $response, $timeout) = @_;

    my $body = '';

    if (($response->header('Transfer-Encoding') // '') eq 'chunked') {
        while (1) {
            $self->wait_for(sub { $self->{buffer} =~ /\r\n/ }, $timeout)
                or die "a chunked body was cut\n";
            $self->{buffer} =~ s/^([0-9a-f]+)\r\n//i or die "bad chunk\n";

            my $size = hex $1;

            $self->wait_for(sub { length $self->{buffer} >= $size + 2 },
                $timeout) or die "a chunked body was cut\n";
            $body .= substr $self->{buffer}, 0, $size;
            substr $self->{buffer}, 0, $size + 2, '';

            return $body if $size == 0;
        }
    }

    my $length = $response->header('Content-Length');

    if (defined $length) {
        $self->wait_for(sub { length $self->{buffer} >= $length }, $timeout)
            or die "a body was cut\n";

        return substr $self->{buffer}, 0, $length, '';
    }

    $self->wait_for(sub { 0 }, $timeout);
    ($body, $self->{buffer}) = ($self->{buffer}, '');

    return $body;
}


# whether the peer has closed, or does within the time, without a byte more

sub closed {
    my ($self, $timeout) = @_;

    my $until = time + ($timeout // 10);

    while (!$self->{eof} && time < $until) {
        $self->fill(0.1);
    }

    return $self->{eof} && $self->{buffer} eq '';
}


# One request on this connection: method, target, header lines, body.  A
# body gets its Content-Length unless told no_length => 1.

sub request {
    my ($self, $method, $target, %opt) = @_;

    my @lines = @{ $opt{headers} // [] };

    unshift @lines, 'Host: localhost' unless $opt{no_host};
    push @lines, 'Content-Length: ' . length $opt{body}
        if defined $opt{body} && !$opt{no_length};

    $self->send(join "\r\n", "$method $target HTTP/1.1", @lines, '',
        $opt{body} // '');

    return $self->response(method => $method, timeout => $opt{timeout});
}


sub close {
    my ($self) = @_;

    $self->{socket}->close if $self->{socket};

    return;
}


1;
