package AGW::Link;

# An nginx whose store is a Redis, and what its log says of the connection.
#
#     my $link = AGW::Link->start($redis->words);
#     ok($link->connected, 'it connects');
#     $redis->kill;
#     like($link->outage, qr/connect\(\) failed/, 'an outage');

use strict;
use warnings;

use parent 'AGW::Nginx';

use Time::HiRes qw(sleep time);

use AGW::ErrorLog qw(bad_lines log_mark log_since);

my $conf = <<'CONF';
http {
    auth_gateway_store %%REDIS%%;
    auth_gateway_zone 64k;
    auth_gateway_key %%PREFIX%%/cert.key kid=k1;
    %%HTTP%%

    server {
        listen 127.0.0.1:%%PLAIN%%;

        location / {
            return 204;
        }
    }
}
CONF


# Options: http => lines of http; those of AGW::Nginx.

sub start {
    my ($class, $words, %opt) = @_;

    my $self = $class->SUPER::start($conf =~ s/%%HTTP%%/$opt{http} \/\/ ''/er,
        %opt, names => { REDIS => $words });

    $self->{mark} = 0;

    return $self;
}


# what is logged is asked for from here on

sub mark {
    my ($self) = @_;

    $self->{mark} = log_mark($self);

    return $self;
}


sub lines {
    my ($self, $pattern) = @_;

    return grep { /$pattern/ } split /\n/, log_since($self, $self->{mark});
}


# Waits for a line, and returns it, or ''; at most as many seconds.

sub line {
    my ($self, $pattern, $seconds) = @_;

    my $until = time + ($seconds // 10);

    while (1) {
        my ($line) = $self->lines($pattern);

        return $line if defined $line;
        return '' if time > $until;
        sleep 0.01;
    }
}


# Waits until there are as many; each worker may have its own.

sub lines_are {
    my ($self, $pattern, $count) = @_;

    my $until = time + 30;

    sleep 0.02 while $self->lines($pattern) < $count && time < $until;

    return;
}


sub connected { return $_[0]->line(qr/connected to store "|is back after/) }
sub outage { return $_[0]->line(qr/\[error\].* is out of reach for/) }
sub back { return $_[0]->line(qr/\[notice\].* is back after \d+ ms/, $_[1]) }


# lines that no test may leave behind, but those that it expects

sub bad {
    my ($self, @expected) = @_;

    return bad_lines(log_since($self, 0), @expected);
}


1;
