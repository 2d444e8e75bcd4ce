package AGW::CgiUpstream;

# Small servers of FastCGI, uwsgi and SCGI that record the parameters which
# they receive, one by one and in their order, as AGW::Upstream does requests.

use strict;
use warnings;

use parent 'AGW::Upstream';


# start('fastcgi' or 'uwsgi' or 'scgi', $file, options)

sub start {
    my ($class, $protocol, @more) = @_;

    return AGW::Upstream::start("AGW::CgiUpstream::$protocol", @more);
}


# head is name NUL value NUL, over and over.  Returns params: [[name, value],
# ...], method, target, body.

sub parse {
    my ($class, $head, $body) = @_;

    my @words = split /\0/, $head, -1;
    my (@params, %value);

    while (@words > 1) {
        my ($name, $value) = splice @words, 0, 2;

        push @params, [$name, $value];
        $value{$name} = $value;
    }

    return {
        head => $head, body => $body, params => \@params,
        method => $value{REQUEST_METHOD} // '',
        target => $value{REQUEST_URI} // '',
    };
}


# Off the buffer once its body is there too, or nothing.  $end is where its
# parameters end.

sub take_with_body {
    my ($class, $buffer, $end, @words) = @_;

    my $request = $class->parse(join('', map { "$_\0" } @words), '');
    my ($size) = map { $_->[1] || 0 }
        grep { $_->[0] eq 'CONTENT_LENGTH' } @{ $request->{params} };

    $size //= 0;

    return if length $$buffer < $end + $size;

    $request->{body} = substr $$buffer, $end, $size;
    substr $$buffer, 0, $end + $size, '';

    return $request;
}


sub answer_text {
    my ($class, $request, $reply, $first) = @_;

    my ($status, $lines, $body) = $reply ? $reply->($request) : ();

    $status //= 200;
    $lines //= ['Content-Type: text/plain'];
    $body //= "upstream saw $request->{method}\n";

    return join "\r\n", "$first $status Test", @$lines,
        'Content-Length: ' . length $body, '', $body;
}


sub answer {
    my ($class, $socket, $request, $reply) = @_;

    syswrite $socket, $class->answer_text($request, $reply, 'Status:');
    shutdown $socket, 1;

    return;
}


# https://fastcgi-archives.github.io/FastCGI_Specification.html: records of
# version, type, id, length of content and of padding; a parameter's lengths
# take one byte or four

package AGW::CgiUpstream::fastcgi;

use parent -norequire, 'AGW::CgiUpstream';

use constant {
    END_REQUEST => 3, PARAMS => 4, INPUT => 5, OUTPUT => 6,
};


sub take {
    my ($class, $buffer) = @_;

    my ($params, $body, $at) = ('', '', 0);

    while (length $$buffer >= $at + 8) {
        my (undef, $type, undef, $size, $padding) = unpack 'CCnnC',
            substr $$buffer, $at, 8;
        my $next = $at + 8 + $size + $padding;

        return if length $$buffer < $next;

        my $content = substr $$buffer, $at + 8, $size;

        $params .= $content if $type == PARAMS;
        $body .= $content if $type == INPUT;
        $at = $next;

        if ($type == INPUT && $size == 0) {
            substr $$buffer, 0, $at, '';

            return $class->parse(
                join('', map { "$_\0" } words($params)), $body);
        }
    }

    return;
}


sub words {
    my ($params) = @_;

    my @words;

    while (length $params) {
        my @sizes = map {
            my $size = ord $params;

            $size < 128 ? ord substr $params, 0, 1, ''
                : unpack('N', substr $params, 0, 4, '') & 0x7fffffff;
        } 1, 2;

        push @words, map { substr $params, 0, $_, '' } @sizes;
    }

    return @words;
}


sub answer {
    my ($class, $socket, $request, $reply) = @_;

    my $text = $class->answer_text($request, $reply, 'Status:');

    syswrite $socket, record(OUTPUT, $text) . record(OUTPUT, '')
        . record(END_REQUEST, "\0" x 8);
    shutdown $socket, 1;

    return;
}


sub record {
    my ($type, $content) = @_;

    return pack('CCnnCx', 1, $type, 1, length $content, 0) . $content;
}


# https://uwsgi-docs.readthedocs.io/en/latest/Protocol.html: a modifier, the
# size of all parameters, a modifier; each word has its length before it,
# little-endian as the size is

package AGW::CgiUpstream::uwsgi;

use parent -norequire, 'AGW::CgiUpstream';


sub take {
    my ($class, $buffer) = @_;

    return if length $$buffer < 4;

    my $end = 4 + unpack 'xv', $$buffer;

    return if length $$buffer < $end;

    return $class->take_with_body($buffer, $end,
        unpack '(v/a)*', substr $$buffer, 4, $end - 4);
}


sub answer {
    my ($class, $socket, $request, $reply) = @_;

    syswrite $socket, $class->answer_text($request, $reply, 'HTTP/1.1');
    shutdown $socket, 1;

    return;
}


# https://python.ca/scgi/protocol.txt: a netstring of words that end with NUL

package AGW::CgiUpstream::scgi;

use parent -norequire, 'AGW::CgiUpstream';


sub take {
    my ($class, $buffer) = @_;

    my ($size) = $$buffer =~ /^(\d{1,6}):/ or return;
    my $start = length($size) + 1;

    return if length $$buffer < $start + $size + 1;

    return $class->take_with_body($buffer, $start + $size + 1,
        unpack '(Z*)*', substr $$buffer, $start, $size);
}


1;
