package AGW::Slow;

# Requests that take as long as a test wants, and who they turn out to be of:
# what the upstream was told, and what the access log says at their end.

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use AGW::Files qw(slurp spew);
use AGW::Gateway;
use AGW::Token qw(claims_of header_of);


# what a configuration tells upstream in X-Identity, and writes into its log
# behind $http_x_n

sub identity {
    return join '|', map { "\$auth_gateway_$_" } qw(
        result partner_id business_id scope token_id token_kind key_id
        expires claim_x
    );
}


# that of an accepted token; a partner's is of the business in the path

sub identity_of {
    my ($token, $business) = @_;

    my $claims = claims_of($token);

    return join '|', map { $_ // '-' } 'ok', $claims->{partner_id},
        $claims->{business_id} // $business, @$claims{qw(scope jti)},
        (defined $claims->{business_id} ? 'business' : 'partner'),
        header_of($token)->{kid}, @$claims{qw(exp x)};
}


my $number = 0;


# one that a test sends by itself, with that X-N

sub sent {
    my ($class, $gw, $n, $token) = @_;

    return bless { gw => $gw, n => $n, token => $token, target => $n },
        $class;
}


# begin(gateway, target, token, %opt): sends all but the end of the body, and
# returns when nginx has asked for it: then the decision is made.  With whole
# => 1 it sends everything, and returns at once.  Options: port, headers.

sub begin {
    my ($class, $gw, $target, $token, %opt) = @_;

    my $client = $gw->connect($opt{port});
    my $self = bless { gw => $gw, client => $client, n => ++$number,
        token => $token, target => $target }, $class;

    $client->send(join "\r\n", "POST $target HTTP/1.1", 'Host: localhost',
        AGW::Gateway::bearer($token), "X-N: $self->{n}", 'Content-Length: 4',
        'Expect: 100-continue', @{ $opt{headers} // [] }, '', '');
    $client->wait_for(sub { $client->{buffer} =~ s{^HTTP/1.1 100.*?\r\n\r\n}{}s
        || $client->{buffer} ne '' });
    $client->send($opt{whole} ? 'abcd' : 'ab');

    return $self;
}


# sends the rest and returns the response

sub end {
    my ($self, $rest) = @_;

    $self->{client}->send($rest // 'cd');

    return $self->response;
}


sub response {
    my ($self) = @_;

    my $response = $self->{client}->response;

    $self->{client}->close;

    return $response;
}


sub abort {
    my ($self) = @_;

    return $self->{client}->close;
}


# what the upstream was told about it, once for each time it was asked

sub told {
    my ($self) = @_;

    return map { join '|', map { length ? $_ : '-' } split /\|/,
        $_->{headers}{'x-identity'}[0], -1 } grep {
        ($_->{headers}{'x-n'} // [''])->[0] eq $self->{n}
    } $self->{gw}->upstream->since(0);
}


# its line in logs/who.log, without its number

sub logged {
    my ($self) = @_;

    for (1 .. 250) {
        my ($line) = slurp($self->{gw}->prefix . '/logs/who.log')
            =~ /^$self->{n}\|(.*)$/m;

        return $line if defined $line;
        sleep 0.02;
    }

    return 'no line';
}


# what is wrong with it, where it is to be accepted and of $business

sub problems {
    my ($self, $response, $business) = @_;

    my $want = identity_of($self->{token}, $business);
    my @told = $self->told;
    my $logged = $self->logged;
    my @problems;

    push @problems, 'answered with ' . ($response ? $response->status
        : 'nothing') if !$response || $response->status != 200;
    push @problems, 'the upstream was not asked' unless @told;
    push @problems, map { "told to be $_, not $want" } grep { $_ ne $want }
        @told;
    push @problems, "logged as $logged, not $want" if $logged ne $want;

    return map { "$self->{target} ($self->{n}): $_" } @problems;
}


# A reply for the upstream, told the gateway's prefix before it starts: below
# /late/ it waits for go(), 10 seconds at most; below /late404/ it then says
# so, once for each request.

sub upstream_waits {
    my ($prefix) = @_;

    my %seen;

    return sub {
        my ($request) = @_;

        return unless $request->{target} =~ m{^/late(\d*)/};

        my $status = $1;
        my $n = $request->{headers}{'x-n'}[0];
        my $until = time + 10;

        sleep 0.01 until -e "$$prefix/go-$n" || time > $until;

        return if !$status || $seen{$n}++;
        return ($status, [], 'no');
    };
}


# the upstream answers it

sub go {
    my ($self) = @_;

    return spew($self->{gw}->prefix . "/go-$self->{n}", '');
}


1;
