package AGW::FleetHistory;

# A random history of a fleet: clients of each node issue tokens, revoke them
# and use them, an operator moves businesses and disables partners, and all the
# while something is wrong with Redis, the network, a node or a clock.  What
# was asked and answered is written to a file, which AGW::FleetJudge reads
# afterwards.

use strict;
use warnings;

use parent 'AGW::FleetFaults';

use IO::Select;
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(sleep);

use AGW::FleetFaults qw(now one_of);
use AGW::FleetJudge;
use AGW::Gateway;
use AGW::Token qw(claims_of);

my $POOL = 150;                  # tokens that live, and that ended, each
my $PATIENCE = 5;                # seconds; what has no answer then is lost

# fleet; file, for what happened; seconds; faults => [names], or all; slots =>
# 3 connections of each node; clocks => [AGW::Clock of each node, or undef];
# standby => an AGW::Redis that follows

sub new {
    my ($class, %opt) = @_;

    my $self = bless { slots => 3, clocks => [], %opt, live => [],
        dead => [], old => [], conns => [], ids => 0, requests => 0,
    }, $class;

    $self->choose_faults($opt{faults});
    open $self->{out}, '>', $opt{file} or die "$opt{file}: $!\n";
    $self->{store} = $self->{fleet}->store;

    for (1 .. 4) {
        my $partner = $self->{store}->partner;

        $self->{partners}{ $partner->{id} } = { %$partner, active => 1,
            version => 0 };
    }

    for (1 .. 10) {
        my $owner = $self->any_partner;

        $self->{businesses}{ $self->{store}->business($owner->{id}) }
            = { owner => $owner->{id}, version => 0 };
    }

    return $self;
}


sub any_partner {
    my ($self) = @_;

    return $self->{partners}{ one_of(keys %{ $self->{partners} }) };
}


sub note {
    my ($self, @words) = @_;

    print { $self->{out} } join("\t", map { /^\d+\.\d+$/
        ? sprintf '%.6f', $_ : $_ } @words), "\n";

    return;
}


# Drives it, and returns the judge of what came of it.

sub run {
    my ($self) = @_;

    my $until = now() + $self->{seconds};

    $self->{next_fault} = now() + 1;
    $self->{next_change} = now();

    for my $node (0 .. $#{ $self->{fleet}{nodes} }) {
        $self->open_slots($node);
    }

    while (now() < $until) {
        $self->serve;
        $self->watch unless $self->{away};
        $self->change_it if now() > $self->{next_change} && $self->reachable;
        $self->go_wrong if now() > $self->{next_fault};
    }

    $self->mend;
    $self->settle;
    close $self->{out};

    return judge_file($self->{file});
}


# all is well for long enough that every node must know all

sub settle {
    my ($self) = @_;

    my $until = now() + 5;

    while (now() < $until) {
        $self->serve;
        $self->watch;
    }

    return;
}


sub judge_file {
    my ($file) = @_;

    my $judge = AGW::FleetJudge->new;

    open my $in, '<', $file or die "$file: $!\n";

    while (my $line = readline $in) {
        chomp $line;
        $judge->judge(split /\t/, $line);
    }

    return $judge;
}


# Connections, each with one request on its way.

sub open_slots {
    my ($self, $node) = @_;

    push @{ $self->{conns} }, map { { node => $node, buffer => '' } }
        1 .. $self->{slots};

    return;
}


sub serve {
    my ($self) = @_;

    for my $conn (@{ $self->{conns} }) {
        $self->ask($conn) unless $conn->{request};
    }

    my %of = map { fileno $_->{socket} => $_ }
        grep { $_->{request} && $_->{socket} } @{ $self->{conns} };
    my $select = IO::Select->new(map { $_->{socket} } values %of);

    if (!$select->count) {
        sleep 0.01;
        return;
    }

    $self->receive($of{ fileno $_ }) for $select->can_read(0.05);

    for my $conn (grep { $_->{request} } @{ $self->{conns} }) {
        $self->answered($conn, 'lost', undef, '')
            if now() - $conn->{from} > $PATIENCE;
    }

    return;
}


sub ask {
    my ($self, $conn) = @_;

    return if now() < ($conn->{later} // 0) || $self->{down}{ $conn->{node} };

    if (!$conn->{socket}) {
        my $nginx = $self->{fleet}->node($conn->{node})->nginx;

        $conn->{socket} = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
            PeerPort => $nginx->port('PLAIN'), Timeout => 2);

        if (!$conn->{socket}) {
            $conn->{later} = now() + 0.05;
            return;
        }

        setsockopt $conn->{socket}, IPPROTO_TCP, TCP_NODELAY, 1;
        $conn->{buffer} = '';
    }

    my $request = $self->request($conn->{node}) or return;
    my $body = $request->{form} // '';
    my $text = join "\r\n", "$request->{method} $request->{path} HTTP/1.1",
        'Host: localhost', "Authorization: $request->{line}",
        ($request->{method} eq 'POST' ? (
            'Content-Type: application/x-www-form-urlencoded',
            'Content-Length: ' . length $body) : ()), '', $body;

    local $SIG{PIPE} = 'IGNORE';

    @$conn{qw(request from late)} = ($request, now(), 0);
    $self->note('begun', $conn->{from}, @$request{qw(id name)})
        if $request->{id};
    syswrite $conn->{socket}, $text;

    return;
}


sub receive {
    my ($self, $conn) = @_;

    my $got = sysread $conn->{socket}, $conn->{buffer}, 65536,
        length $conn->{buffer};

    return $self->answered($conn, 'closed', undef, '') unless $got;

    my $buffer = \$conn->{buffer};

    return unless $$buffer =~ /\r\n\r\n/;

    my $head = substr $$buffer, 0, $+[0];
    my ($size) = $head =~ /^Content-Length: (\d+)/mi;

    return if length $$buffer < length($head) + ($size // 0);

    my ($status) = $head =~ m{^HTTP/1.1 (\d+)};
    my ($result) = $head =~ /^X-Result: (\S+)/mi;
    my $body = substr $$buffer, length $head, $size // 0;

    $$buffer = '';
    undef $conn->{socket} if $head =~ /^Connection: close/mi;
    $self->answered($conn, $status, $result, $body);

    return;
}


sub answered {
    my ($self, $conn, $status, $result, $body) = @_;

    my $request = delete $conn->{request};
    my ($node, $from, $to) = (@$conn{qw(node from)}, now());

    undef $conn->{socket} if $status =~ /^\D/;

    # a worker that ends closes its connections

    $status = 'lost' if $status eq 'closed'
        && $to > ($self->{ends}{$node} // 0) + 5;
    $self->{requests}++;
    $request->{then}->($request, $node, $from, $to, $status, $result, $body,
        $conn->{late});

    return;
}


# A request for that node.

sub request {
    my ($self, $node) = @_;

    my $die = rand;

    return $self->ask_revocation($node) if $die < 0.02;
    return $self->ask_token($node) if $die < 0.12
        || !@{ $self->{live} };

    my $token = one_of(@{ $self->{live} });

    # those that ended lately, and some that did long ago

    $token = one_of(@{ rand() < 0.5 ? $self->{dead} : $self->{old} }) // $token
        if rand() < 0.4;

    return { method => 'GET', line => "Bearer $token->{raw}",
        path => $token->{business} eq '-' ? '/partners'
            : "/check/$token->{business}/x", token => $token,
        then => sub { $self->was_asked(@_) } };
}


sub was_asked {
    my ($self, $request, $node, $from, $to, $status, $result) = @_;

    return if $status eq 'closed';

    $self->note('asked', $from, $to, $node, $request->{token}{jti},
        $status eq 'lost' ? 'lost' : $result // $status);

    # by the clock of that node; others may go on with it

    $self->end_tokens(sub { $_[0] == $request->{token} })
        if ($result // '') =~ /^(?:expired|not_yet_valid)$/ && rand() < 0.3;

    return;
}


sub basic {
    my ($partner) = @_;

    return AGW::Gateway::basic(@$partner{qw(id key)})
        =~ s/^Authorization: //r;
}


# A partner token, or a business token for one that lives.

sub ask_token {
    my ($self, $node) = @_;

    my $business = one_of(keys %{ $self->{businesses} });
    my $owner = $self->{partners}{ $self->{businesses}{$business}{owner} };
    my ($bearer) = grep { $_->{partner} eq $owner->{id}
        && $_->{business} eq '-' && !$_->{ending} }
        @{ rand() < 0.2 ? $self->{dead} : $self->{live} };
    my %request = (method => 'POST', partner => $owner,
        then => sub { $self->was_issued(@_) });

    return { %request, path => '/token', line => basic($owner),
        business => '-', versions => $self->versions($owner) }
        if !$bearer || rand() < 0.2;

    return { %request, path => "/token/$business", bearer => $bearer,
        line => "Bearer $bearer->{raw}", business => $business,
        versions => $self->versions($owner, $business) };
}


# what an operator may change, so that an answer cannot be foreseen

sub versions {
    my ($self, $partner, $business) = @_;

    return join ' ', $partner->{version}, $partner->{active},
        defined $business ? map { $_->{version}, $_->{owner} }
            $self->{businesses}{$business} : ();
}


sub was_issued {
    my ($self, $request, $node, $from, $to, $status, $result, $body,
        $late) = @_;

    my ($partner, $business) = @$request{qw(partner business)};
    my $changed = !$partner->{active} || $request->{versions}
        ne $self->versions($partner, $business eq '-' ? () : $business);

    if ($status eq '200') {
        my ($raw) = $body =~ /"access_token":\s*"([^"]+)"/;
        my $token = { raw => $raw, partner => $partner->{id},
            business => $business, jti => claims_of($raw)->{jti},
            ending => $changed };

        $self->note('issued', $from, $to, $node, $token->{jti},
            $partner->{id}, $business, $request->{bearer}
                ? $request->{bearer}{jti} : '-');
        $self->remember($token);
    }

    return if $status eq 'closed' || $changed
        || ($result // '') =~ /^(?:not_yet_valid|expired)$/
        || $request->{bearer} && ($request->{bearer}{ending}
            || $request->{bearer}{ended});

    $self->note('wanted', $from, $to, $node, $status, $late, $result // '-',
        $partner->{id}, $business, $request->{bearer}
            ? $request->{bearer}{jti} : '-');

    return;
}


sub remember {
    my ($self, $token) = @_;

    push @{ $self->{live} }, $token;
    splice @{ $self->{live} }, rand @{ $self->{live} }, 1
        if @{ $self->{live} } > $POOL;

    return;
}


# tokens that a revocation names are asked for as ended ones

sub end_tokens {
    my ($self, $which) = @_;

    my @ended = grep { $which->($_) } @{ $self->{live} };

    return unless @ended;

    $_->{ended} = 1 for @ended;
    @{ $self->{live} } = grep { !$_->{ended} } @{ $self->{live} };
    push @{ $self->{dead} }, @ended;
    push @{ $self->{old} }, grep { rand() < 0.04 } @ended;
    splice @{ $self->{old} }, rand @{ $self->{old} }, 1
        while @{ $self->{old} } > $POOL;
    splice @{ $self->{dead} }, rand @{ $self->{dead} }, 1
        while @{ $self->{dead} } > $POOL;

    return;
}


sub ask_revocation {
    my ($self, $node) = @_;

    my $token = one_of(grep { !$_->{ending} } @{ $self->{live} }) or return;
    my $partner = $self->{partners}{ $token->{partner} };
    my $business = $token->{business};
    my %request = (method => 'POST', line => basic($partner),
        id => ++$self->{ids}, partner => $partner,
        then => sub { $self->was_revoked(@_) });

    if ($business ne '-' && rand() < 0.03
        && $self->{businesses}{$business}{owner} eq $partner->{id})
    {
        return { %request, path => "/revoke/$business",
            name => "owner:$partner->{id}:$business",
            versions => $self->versions($partner, $business),
            business => $business, ends => sub {
                $_[0]{business} eq $business
                    && $_[0]{partner} eq $partner->{id} } };
    }

    $token->{ending} = 1;

    return { %request, path => '/revoke', form => "token=$token->{raw}",
        name => "token:$token->{jti}", versions => $self->versions($partner),
        ends => sub { $_[0] == $token } };
}


sub was_revoked {
    my ($self, $request, $node, $from, $to, $status, $result, $body,
        $late) = @_;

    $self->note('ended', $from, $to, $node, $request->{id}, $status);
    $self->end_tokens($request->{ends}) if $status =~ /^(?:200|503|lost)$/;

    return if $status eq 'closed' || !$request->{partner}{active}
        || $request->{versions} ne $self->versions($request->{partner},
            $request->{business} // ());

    $self->note('wanted', $from, $to, $node, $status, $late, $result // '-',
        $request->{partner}{id}, @$request{qw(id name)});

    return;
}


# What the operator does, past all proxies.

sub reachable {
    my ($self) = @_;

    return if $self->{away} || $self->{asked};

    my $redis = $self->{fleet}->redis;
    my ($run_id) = $redis->call('INFO', 'server') =~ /^run_id:(\w+)/m;

    # fleet.lua refuses a server that no node has connected to

    return $redis->call('EXISTS', '{agw}:epoch')
        && $run_id eq ($redis->call('GET', '{agw}:primary') // '');
}


sub change_it {
    my ($self) = @_;

    my $began = now();

    $self->change;
    $self->stood_still($began) if now() - $began > 0.2;

    return;
}


sub change {
    my ($self) = @_;

    $self->{next_change} = now() + 0.1 + rand;

    my ($id, $from) = (++$self->{ids}, now());
    my $store = $self->{store};

    if (rand() < 0.3) {
        my $partner = $self->any_partner;

        $partner->{version}++;

        if (!$partner->{active}) {
            $self->note('regained', $from, "partner:$partner->{id}");
            $store->set_partner($partner->{id}, status => 'active');
            $partner->{active} = 1;
            return;
        }

        $self->note('begun', $from, $id, "partner:$partner->{id}");
        $partner->{active} = 0;
        $store->set_partner($partner->{id}, status => 'disabled');
        $self->note('ended', $from, now(), 'change', $id, 'ok');
        $self->end_tokens(sub { $_[0]{partner} eq $partner->{id} });
        $self->{next_change} = now() + 0.05;
        return;
    }

    my $name = one_of(keys %{ $self->{businesses} });
    my $business = $self->{businesses}{$name};
    my ($old, $new) = ($business->{owner}, $self->any_partner->{id});

    return if $old eq $new;

    $business->{version}++;
    $self->note('regained', $from, "owner:$new:$name");
    $self->note('begun', $from, $id, "owner:$old:$name");
    $store->set_business($name, partner_id => $new);
    $business->{owner} = $new;
    $business->{version}++;
    $self->note('ended', $from, now(), 'change', $id, 'ok');
    $self->end_tokens(sub { $_[0]{business} eq $name
        && $_[0]{partner} eq $old });

    return;
}


1;
