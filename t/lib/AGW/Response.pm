package AGW::Response;

# A response, whatever protocol it came by.

use strict;
use warnings;

use JSON ();

use AGW::Secrets qw(secret);


# headers: a list of [name, value]

sub new {
    my ($class, %args) = @_;

    my $self = bless { body => '', headers => [], %args }, $class;

    return $self->keep_secrets;
}


# what a response may give away, in any format: tokens and API keys

sub keep_secrets {
    my ($self) = @_;

    secret($1) while $self->{body}
        =~ /"(?:access_token|api_key)"\s*:\s*"([^"]+)"/g;

    return $self;
}


sub status {
    my ($self) = @_;

    return $self->{status};
}


sub body {
    my ($self) = @_;

    return $self->{body};
}


# all values of a header; in scalar context the first, or undef

sub header {
    my ($self, $name) = @_;

    my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name }
        @{ $self->{headers} };

    return wantarray ? @values : $values[0];
}


# the body as JSON, or undef where it is none

sub json {
    my ($self) = @_;

    return scalar eval { JSON->new->utf8->decode($self->{body}) };
}


# everything but what differs from one request to the next

sub same_bytes {
    my ($self) = @_;

    return join "\n", $self->{status},
        (map { lc($_->[0]) . ": $_->[1]" } grep { lc $_->[0] ne 'date' }
            @{ $self->{headers} }),
        '', $self->{body};
}


1;
