package AGW::Resp;

# A client of Redis, as small as tests need it: RESP2 on a connection that is
# kept.  A bulk string is a string, an integer a number, an array a list; a
# reply that is an error is an AGW::Resp::Error.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Time::HiRes qw(time);


# connect(port => 6379) or connect(unix => path); timeout => 10 of each reply

sub connect {
    my ($class, %opt) = @_;

    my $socket = defined $opt{unix}
        ? IO::Socket::UNIX->new(Peer => $opt{unix})
        : IO::Socket::INET->new(PeerAddr => '127.0.0.1',
            PeerPort => $opt{port}, Timeout => 5);

    die 'connect to ' . ($opt{unix} // $opt{port}) . ": $!\n" unless $socket;

    return bless { socket => $socket, buffer => '',
        timeout => $opt{timeout} // 10 }, $class;
}


# Sends commands, each a list; a pipeline where there are several.

sub send {
    my ($self, @commands) = @_;

    my $bytes = join '', map { encode(@$_) } @commands;

    local $SIG{PIPE} = 'IGNORE';

    while (length $bytes) {
        my $sent = syswrite $self->{socket}, $bytes;

        die "Redis: $!\n" unless $sent;
        substr $bytes, 0, $sent, '';
    }

    return;
}


sub encode {
    my (@words) = @_;

    return join "\r\n", '*' . @words,
        (map { my $word = "$_"; utf8::encode($word) if utf8::is_utf8($word);
            ('$' . length $word, $word) } @words), '';
}


# The next reply; dies where none comes.

sub reply {
    my ($self) = @_;

    my $line = $self->line;
    my $type = substr $line, 0, 1, '';

    return $line if $type eq '+';
    return 0 + $line if $type eq ':';
    return bless { text => $line }, 'AGW::Resp::Error' if $type eq '-';

    return undef if $line < 0;      ## no critic: an element may be nil

    if ($type eq '*') {
        my @list;

        push @list, $self->reply for 1 .. $line;
        return \@list;
    }

    $self->fill while length $self->{buffer} < $line + 2;

    return substr substr($self->{buffer}, 0, $line + 2, ''), 0, $line;
}


sub line {
    my ($self) = @_;

    $self->fill while $self->{buffer} !~ /\r\n/;

    $self->{buffer} =~ s/\A([^\r]*)\r\n//;

    return $1;
}


sub fill {
    my ($self) = @_;

    die "Redis did not answer\n"
        unless IO::Select->new($self->{socket})->can_read($self->{timeout});
    die "Redis closed the connection\n"
        unless sysread $self->{socket}, $self->{buffer}, 65536,
            length $self->{buffer};

    return;
}


# One command; its reply, an error among them.

sub try {
    my ($self, @words) = @_;

    $self->send(\@words);

    return $self->reply;
}


# One that must not fail.

sub call {
    my ($self, @words) = @_;

    my $reply = $self->try(@words);

    die "Redis: $reply->{text} ($words[0])\n" if is_error($reply);

    return $reply;
}


# whether there is something to read: a reply, or the end if none is due

sub readable {
    my ($self) = @_;

    return IO::Select->new($self->{socket})->can_read(0);
}


sub is_error {
    my ($reply) = @_;

    return ref $reply eq 'AGW::Resp::Error';
}


sub close {
    my ($self) = @_;

    close $self->{socket};

    return;
}


1;
