package AGW::Load;

# Clients that never rest: each issues tokens, exchanges them, fetches what
# they open, and uses every token again for as long as it lives.  Each has
# two TLS connections, keeps them for as long as it may, save that now and
# then it opens one anew: while nginx reloads, one may lead to an old worker
# and the other to a new one.  Each writes down what it did.
#
# A reload closes connections that are idle.  A request that is already on
# its way then finds nobody: HTTP has a client send it again (RFC 9112,
# section 9.3.1).  Whether nginx had taken it is in the access log, where
# each request has a number; only what it never took may be repeated.

use strict;
use warnings;

use IO::Select;
use JSON ();
use POSIX ();
use Time::HiRes qw(sleep time);

use AGW::Client;
use AGW::Files qw(slurp);
use AGW::Token qw(claims_of header_of);

my $json = JSON->new->canonical->utf8;


# start(port =>, ca =>, dir =>, clients =>, basic => a header line,
# partner_path =>, business_path =>, get_path =>): the clients run already

sub start {
    my ($class, %opt) = @_;

    my $self = bless { %opt, pids => [], owner => $$ }, $class;

    # who works reads the end of this file when nobody holds the other side

    pipe my $end, $self->{hold} or die "pipe: $!\n";

    for my $number (1 .. $opt{clients}) {
        my $pid = fork() // die "fork: $!\n";

        if (!$pid) {
            delete $self->{hold};

            my $ok = eval { $self->run($number, $end); 1 };

            print STDERR $@ unless $ok;
            POSIX::_exit($ok ? 0 : 1);
        }

        push @{ $self->{pids} }, $pid;
    }

    return $self;
}


# Ends them; returns what they did, oldest first, as hashes: id, kind
# (partner, business, get), at, until, status (undef: lost, with why), kid
# and exp of the token that was used, token where one was issued, repeats
# (numbers of requests that found a closed connection).

sub stop {
    my ($self) = @_;

    $self->end;

    my @events = map { $json->decode($_) }
        map { split /\n/, slurp($_) } glob "$self->{dir}/client.*";

    return sort { $a->{at} <=> $b->{at} } @events;
}


sub end {
    my ($self) = @_;

    my @failed;

    delete $self->{hold};

    for my $pid (splice @{ $self->{pids} }) {
        waitpid $pid, 0;
        push @failed, $pid if $? != 0;
    }

    die "clients failed\n" if @failed;

    return;
}


sub DESTROY {
    my ($self) = @_;

    local $?;

    eval { $self->end } if $$ == $self->{owner};

    return;
}


# one client

sub run {
    my ($self, $number, $end) = @_;

    my $count = 0;
    my $ended = IO::Select->new($end);

    open my $record, '>', "$self->{dir}/client.$number" or die "record: $!\n";

    $self->{tokens} = { partner => [], business => [] };
    $self->{connections} = [undef, undef];
    srand $number;

    until ($ended->can_read(0)) {
        my $event = $self->step("$number-" . ++$count);

        print {$record} $json->encode($event), "\n";
        sleep 0.05 unless defined $event->{status};
    }

    close $record or die "record: $!\n";

    return;
}


# Every fourth request issues a partner token, another fourth a business
# token, the rest are fetched: half of them with the newest token, some with
# one that has expired.

sub step {
    my ($self, $id) = @_;

    my $now = time;
    my $turn = int rand 8;
    my $kind = $turn < 2 ? 'partner' : $turn < 4 ? 'business' : 'get';
    my ($used, @line);

    if ($kind ne 'partner') {
        my $tokens = $self->{tokens}{$kind eq 'get' ? 'business' : 'partner'};
        my $late = rand() < 0.05;
        my @fit = grep { ($_->{exp} > $now + 0.3) != $late } @$tokens;

        $used = rand() < 0.5 ? $fit[-1] : $fit[rand @fit];
        $kind = 'partner' unless $used;
    }

    @line = $used ? "Authorization: Bearer $used->{token}" : $self->{basic};

    my $event = $self->ask($id, $kind, @line);

    @$event{qw(kid exp)} = @$used{qw(kid exp)} if $used;
    $self->learn($event, $kind) if defined $event->{token};

    return $event;
}


sub learn {
    my ($self, $event, $kind) = @_;

    my $token = $event->{token};
    my $tokens = $self->{tokens}{$kind};

    push @$tokens, {
        token => $token,
        kid => header_of($token)->{kid},
        exp => claims_of($token)->{exp},
    };

    # those of the last seconds, and some that are too old

    shift @$tokens if @$tokens > 400;

    return;
}


sub ask {
    my ($self, $id, $kind, @lines) = @_;

    my $method = $kind eq 'get' ? 'GET' : 'POST';
    my $which = int rand 2;
    my @repeats;
    my %event = (id => $id, kind => $kind, at => time, repeats => \@repeats);

    push @lines, 'Content-Length: 0' if $method eq 'POST';
    $self->drop($which) if rand() < 0.05;

    while (1) {
        my $number = @repeats ? "$id-" . @repeats : $id;
        my ($response, $reused) = eval {
            $self->exchange($which, $method, $self->{"${kind}_path"},
                "X-Request: $number", @lines);
        };

        if ($response) {
            @event{qw(until status)} = (time, $response->status);

            my $answer = $kind ne 'get' && $response->status == 200
                ? $response->json : undef;

            $event{token} = $answer->{access_token} if $answer;

            return \%event;
        }

        my $why = $@;

        $self->drop($which);
        push @repeats, $number;

        next if $why eq '' && $reused && @repeats < 3;

        @event{qw(until why)} = (time, $why || 'closed without an answer');

        return \%event;
    }
}


sub drop {
    my ($self, $which) = @_;

    my $client = $self->{connections}[$which];

    $client->close if $client;
    $self->{connections}[$which] = undef;

    return;
}


# (response or undef, whether the connection had been used before); dies
# where something else is wrong

sub exchange {
    my ($self, $which, $method, $path, @lines) = @_;

    my $client = $self->{connections}[$which];

    # closed while nothing was on its way: the end that keep-alive may have

    $self->drop($which) if $client && IO::Select->new($client->{socket})
        ->can_read(0) && !$client->fill(0) && $client->{eof};

    my $reused = defined $self->{connections}[$which];

    $client = $self->{connections}[$which] //= AGW::Client->connect(
        port => $self->{port}, tls => 1, ca => $self->{ca});

    my $response = $client->request($method, $path, headers => \@lines);

    if (!$response) {
        die "an answer was cut\n" if $client->{buffer} ne '';
        return (undef, $reused);
    }

    $self->drop($which)
        if lc($response->header('Connection') // '') eq 'close';

    return ($response, $reused);
}


1;
