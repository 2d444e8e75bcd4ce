package AGW::Rows;

# Requests as rows of a table, sent in every way there is to send them.  A row
# is [status or reason, method, target, [header lines], body or undef].  Each
# function returns what went otherwise than its rows say.

use strict;
use warnings;

use Exporter 'import';

use AGW::Refusal qw(expected);

our @EXPORT_OK = qw(over_http1 over_http2 cut_short problem);


sub problem {
    my ($how, $row, $response) = @_;

    my ($what, $method, $target) = @$row;
    my $want = $what =~ /^\d+$/ ? $what
        : expected($what, by => 'bearer')->{status};
    my $got = $response ? $response->status : 'nothing';

    return $got eq $want ? () : "$how: $method $target ($what): $got";
}


sub chunked {
    my ($body) = @_;

    return join '', map { sprintf "%x\r\n%s\r\n", length, $_ }
        unpack('(a2000)*', $body), '';
}


# On one connection, as long as nginx keeps it; a body once with its length
# and once in chunks.

sub over_http1 {
    my ($gw, $port, @rows) = @_;

    my $client = $gw->connect($port);
    my @problems;

    for my $row (@rows) {
        my (undef, $method, $target, $lines, $body) = @$row;

        for my $way ('length', defined $body ? 'chunks' : ()) {
            my @how = $way eq 'length'
                ? (headers => $lines, body => $body)
                : (headers => [@$lines, 'Transfer-Encoding: chunked'],
                    body => chunked($body), no_length => 1);
            my $response = eval { $client->request($method, $target, @how) };

            push @problems, problem("$port, $way", $row, $response);

            next if $response
                && ($response->header('Connection') // '') ne 'close';
            $client->close;
            $client = $gw->connect($port);
        }
    }

    $client->close;

    return @problems;
}


# on one connection; a body is also begun and taken back

sub over_http2 {
    my ($gw, $port, @rows) = @_;

    my $h2 = $gw->connect_h2($port);
    my @problems;

    for my $row (@rows) {
        my (undef, $method, $target, $lines, $body) = @$row;
        my @headers = map { [lc $1, $2] if /^([^:]+): ?(.*)/s } @$lines;

        push @problems, problem('HTTP/2', $row, eval {
            $h2->request($method, $target, headers => \@headers,
                body => $body);
        });

        next unless $row->[0] eq '200' && defined $body;

        my $id = $h2->start($method, $target, headers => \@headers,
            end => 0, body => substr $body, 0, 5);

        $h2->reset($id);
    }

    $h2->close;

    return @problems;
}


# bodies that would have been taken, whose clients leave before the end

sub cut_short {
    my ($gw, $port, @rows) = @_;

    for my $row (grep { $_->[0] eq '200' && defined $_->[4] } @rows) {
        my (undef, $method, $target, $lines, $body) = @$row;
        my $client = $gw->connect($port);

        $client->send(join "\r\n", "$method $target HTTP/1.1",
            'Host: localhost', @$lines, 'Content-Length: ' . length $body,
            '', substr $body, 0, 5);
        $client->close;
    }

    return;
}


1;
