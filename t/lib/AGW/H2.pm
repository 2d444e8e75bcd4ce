package AGW::H2;

# An HTTP/2 client (RFC 9113) that sends any bytes as :path, and DATA when
# the test says so.  Sends literals without indexing and without Huffman;
# asks for a dynamic table of nothing, so responses need none.

use strict;
use warnings;

use Protocol::HTTP2::Huffman qw(huffman_decode);
use Protocol::HTTP2::StaticTable;
use Time::HiRes qw(time);

use AGW::Client;
use AGW::Response;

use constant {
    DATA => 0, HEADERS => 1, RST_STREAM => 3, SETTINGS => 4, PING => 6,
    GOAWAY => 7, CONTINUATION => 9,
    END_STREAM => 1, ACK => 1, END_HEADERS => 4, PADDED => 8,
};


sub connect {
    my ($class, %opt) = @_;

    my $client = AGW::Client->connect(%opt, tls => 1, alpn => 'h2');

    die "no HTTP/2\n"
        unless ($client->{socket}->alpn_selected // '') eq 'h2';

    my $self = bless {
        client => $client, next_id => 1, streams => {},
    }, $class;

    # SETTINGS_HEADER_TABLE_SIZE 0, and a large window for the connection

    $client->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        . frame(SETTINGS, 0, 0, pack 'nN', 1, 0)
        . frame(8, 0, 0, pack 'N', 1 << 24));

    return $self;
}


sub frame {
    my ($type, $flags, $id, $payload) = @_;

    return substr(pack('N', length $payload), 1)
        . pack('CCN', $type, $flags, $id) . $payload;
}


sub integer {
    my ($value, $bits, $first) = @_;

    my $max = (1 << $bits) - 1;

    return chr($first | $value) if $value < $max;

    my $out = chr($first | $max);

    for ($value -= $max; $value >= 128; $value >>= 7) {
        $out .= chr(128 | $value & 127);
    }

    return $out . chr $value;
}


sub literal {
    my ($name, $value) = @_;

    return "\0" . join '', map { integer(length $_, 7, 0) . $_ }
        $name, $value;
}


# Opens a stream; returns its id.  headers: [[name, value], ...]; body goes
# as DATA; end => 0 leaves the stream open on our side.

sub start {
    my ($self, $method, $path, %opt) = @_;

    my $id = $self->{next_id};
    my $end = $opt{end} // 1;
    my $has_body = defined $opt{body} && length $opt{body};
    my $block = join '', map { literal(@$_) }
        [':method', $method], [':scheme', $opt{scheme} // 'https'],
        [':authority', $opt{authority} // 'localhost'], [':path', $path],
        @{ $opt{headers} // [] };

    $self->{next_id} += 2;
    $self->{streams}{$id} = { headers => [], body => '' };
    $self->{client}->send(frame(HEADERS,
        END_HEADERS | ($end && !$has_body ? END_STREAM : 0), $id, $block));
    $self->data($id, $opt{body}, $end) if $has_body;

    return $id;
}


# DATA in frames of at most 16 KB; without regard to windows

sub data {
    my ($self, $id, $bytes, $end) = @_;

    do {
        my $part = substr $bytes, 0, 16384, '';

        $self->{client}->send(frame(DATA,
            $end && !length $bytes ? END_STREAM : 0, $id, $part));
    } while (length $bytes);

    return;
}


sub reset {
    my ($self, $id) = @_;

    $self->{client}->send(frame(RST_STREAM, 0, $id, pack 'N', 8));

    return;
}


# The response of a stream, or undef where it was reset or the connection
# ended before its headers.  {reset} holds the code of an RST_STREAM.

sub response {
    my ($self, $id, %opt) = @_;

    my $stream = $self->{streams}{$id};
    my $until = time + ($opt{timeout} // 10);

    until ($stream->{done}) {
        last unless $self->one_frame($until);
    }

    my ($status) = map { $_->[1] } grep { $_->[0] eq ':status' }
        @{ $stream->{headers} };

    return unless defined $status;

    return AGW::Response->new(
        status => $status, body => $stream->{body},
        headers => [grep { $_->[0] !~ /^:/ } @{ $stream->{headers} }],
        reset => $stream->{reset},
    );
}


sub request {
    my ($self, $method, $path, %opt) = @_;

    return $self->response($self->start($method, $path, %opt), %opt);
}


# reads and handles one frame; false at the end of the connection

sub one_frame {
    my ($self, $until) = @_;

    my $client = $self->{client};
    my $enough = sub { length $client->{buffer} >= $_[0] };
    my $left = $until - time;

    $client->wait_for(sub { $enough->(9) }, $left) or return 0;

    my ($high, $low, $type, $flags, $id) = unpack 'CnCCN', $client->{buffer};
    my $size = $high << 16 | $low;

    $client->wait_for(sub { $enough->(9 + $size) }, $left) or return 0;

    my $payload = substr $client->{buffer}, 9, $size;

    substr $client->{buffer}, 0, 9 + $size, '';
    $self->handle($type, $flags, $id & 0x7fffffff, $payload);

    return 1;
}


sub handle {
    my ($self, $type, $flags, $id, $payload) = @_;

    my $stream = $self->{streams}{$id} //= { headers => [], body => '' };

    if ($type == SETTINGS && !($flags & ACK)) {
        $self->{client}->send(frame(SETTINGS, ACK, 0, ''));

    } elsif ($type == PING && !($flags & ACK)) {
        $self->{client}->send(frame(PING, ACK, 0, $payload));

    } elsif ($type == HEADERS || $type == CONTINUATION) {
        die "padded headers\n" if $flags & PADDED && $type == HEADERS;
        $stream->{block} .= $payload;
        push @{ $stream->{headers} }, decode(delete $stream->{block})
            if $flags & END_HEADERS;

    } elsif ($type == DATA) {
        $stream->{body} .= $payload;

    } elsif ($type == RST_STREAM) {
        $stream->{reset} = unpack 'N', $payload;
        $stream->{done} = 1;

    } elsif ($type == GOAWAY) {
        $self->{goaway} = unpack 'x4N', $payload;
    }

    $stream->{ended} ||= $flags & END_STREAM && $type <= HEADERS;
    $stream->{done} ||= $stream->{ended} && !defined $stream->{block};

    return;
}


# HPACK (RFC 7541) without a dynamic table

sub decode {
    my ($block) = @_;

    my $static = \@Protocol::HTTP2::StaticTable::stable;
    my @headers;

    while (length $block) {
        my $first = ord $block;

        if ($first & 0x80) {
            push @headers, [@{ $static->[take_integer(\$block, 7) - 1] }];
            next;
        }

        if (($first & 0xe0) == 0x20) {
            take_integer(\$block, 5);
            next;
        }

        my $index = take_integer(\$block, ($first & 0x40) ? 6 : 4);
        my $name = $index ? $static->[$index - 1][0] : take_string(\$block);

        push @headers, [$name, take_string(\$block)];
    }

    return @headers;
}


sub take_integer {
    my ($block, $bits) = @_;

    my $max = (1 << $bits) - 1;
    my $value = ord(substr $$block, 0, 1, '') & $max;
    my $shift = 0;

    return $value if $value < $max;

    while (length $$block) {
        my $byte = ord substr $$block, 0, 1, '';

        $value += ($byte & 127) << $shift;
        $shift += 7;
        last if $byte < 128;
    }

    return $value;
}


sub take_string {
    my ($block) = @_;

    my $huffman = ord($$block) & 0x80;
    my $bytes = substr $$block, 0, take_integer($block, 7), '';

    return $huffman ? huffman_decode($bytes) : $bytes;
}


sub close {
    my ($self) = @_;

    return $self->{client}->close;
}


1;
