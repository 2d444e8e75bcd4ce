package AGW::Bystanders;

# Partners that have no part in what a test does, and are to notice nothing:
# while it goes on, each asks for what its token opens, and for new tokens,
# over plain connections that stay open.

use strict;
use warnings;

use IO::Select;
use POSIX ();
use Time::HiRes qw(sleep time);

use AGW::Files qw(slurp);
use AGW::Gateway;

my $PATIENCE = 8;                # seconds for one answer


# start($gw, count => 3, port => 'PLAIN', pause => seconds between two
# requests): they have their tokens, and ask already.  The gateway has /token,
# /token/<business_id> and /v1/businesses/<business_id>/.

sub start {
    my ($class, $gw, %opt) = @_;

    my $port = $opt{port} // 'PLAIN';
    my @partners = map { partner($gw, $port) } 1 .. $opt{count} // 3;
    my $self = bless { gw => $gw, record => $gw->prefix . '/logs/bystanders',
        owner => $$ }, $class;

    unlink $self->{record};
    pipe my $end, $self->{hold} or die "pipe: $!\n";

    my $pid = fork() // die "fork: $!\n";

    if (!$pid) {
        delete $self->{hold};

        my $ok = eval { run($self, $port, $opt{pause} // 0.005, $end,
            @partners); 1 };

        print STDERR $@ unless $ok;
        POSIX::_exit($ok ? 0 : 1);
    }

    $self->{pid} = $pid;

    return $self;
}


sub partner {
    my ($gw, $port) = @_;

    my $partner = $gw->partner;
    my $business = $gw->business($partner);
    my $basic = AGW::Gateway::basic(@$partner{qw(id key)});
    my ($token, $bearer) = issue($gw, $port, $business, $basic);

    return { guarded => ['GET', "/v1/businesses/$business/x",
            AGW::Gateway::bearer($token)],
        'partner token' => ['POST', '/token', $basic, 'Content-Length: 0'],
        'business token' => ['POST', "/token/$business",
            AGW::Gateway::bearer($bearer), 'Content-Length: 0'] };
}


# (business token, partner token), issued by the gateway; not-issued where it
# was not, which opens nothing

sub issue {
    my ($gw, $port, $business, $basic) = @_;

    my $bearer = token_of($gw->request('POST', '/token', port => $port,
        headers => [$basic]));
    my $token = token_of($gw->request('POST', "/token/$business",
        port => $port, bearer => $bearer));

    return map { $gw->keep_secret($_) } $token, $bearer;
}


sub token_of {
    my ($response) = @_;

    return 'not-issued' if $response->status != 200;
    return $response->json->{access_token};
}


# three of four requests are guarded ones

sub run {
    my ($self, $port, $pause, $end, @partners) = @_;

    my $ended = IO::Select->new($end);
    my $client;

    open my $record, '>', $self->{record} or die "record: $!\n";
    $record->autoflush(1);

    for (my $i = 0; !$ended->can_read(0); $i++) {
        my $what = $i % 4 ? 'guarded'
            : $i % 8 ? 'partner token' : 'business token';
        my ($method, $path, @lines) = @{ $partners[$i % @partners]{$what} };
        my $from = time;
        my $r = eval {
            $client //= $self->{gw}->connect($port);
            $client->request($method, $path, headers => \@lines,
                timeout => $PATIENCE);
        };

        printf {$record} "%.4f %.4f %s %s\n", $from, time - $from,
            $r ? $r->status : 'nothing', $what;
        undef $client if !$r || ($r->header('Connection') // '') eq 'close';
        sleep $pause;
    }

    return;
}


# How many were answered so far, those of a kind or all.

sub count {
    my ($self, $what) = @_;

    return scalar grep { !defined $what || $_->{what} eq $what }
        $self->events;
}


sub events {
    my ($self) = @_;

    return map { my @of = split ' ', $_, 4;
        { from => $of[0], took => $of[1], status => $of[2], what => $of[3] }
    } slurp($self->{record}) =~ /^(.*)\n/mg;
}


# Ends them; returns { problems => { "what: status" => number }, events =>
# number, longest => seconds }.

sub stop {
    my ($self) = @_;

    my (%problems, $longest);
    my @events;

    $self->end;
    @events = $self->events;

    for (@events) {
        $problems{"$_->{what}: $_->{status}"}++ if $_->{status} ne '200';
        $longest = $_->{took} if $_->{took} > ($longest // 0);
    }

    return { problems => \%problems, events => scalar @events,
        longest => $longest // 0 };
}


sub end {
    my ($self) = @_;

    delete $self->{hold};
    waitpid delete $self->{pid}, 0 if $self->{pid};

    return;
}


sub DESTROY {
    my ($self) = @_;

    local $?;

    $self->end if $$ == $self->{owner};

    return;
}


1;
