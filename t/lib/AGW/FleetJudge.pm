package AGW::FleetJudge;

# Decides, after the fact, whether what a fleet answered kept its promises.  It
# knows no stamp and no clock but one: that of who asked.  A history is a list
# of events, in the order in which they were known:
#
#     issued   from to node token partner business bearer   a token was issued
#     begun    from revocation kind name               a revocation was asked
#     ended    from to node revocation status          and answered: 200, ok of
#                                                      an operator, or not
#     regained at name                                 what an operator ended
#                                                      may be issued again
#     asked    from to node token result               a guarded request: ok,
#                                                      revoked, a reason, lost
#     wanted   from to node status late about          a token request, or a
#                                                      revocation: its reason,
#                                                      partner, and more
#     fault    at name node|* on|off                   no way to Redis; what
#     lost     at                                      Redis lost entries
#     clock    at node                                 its clock was stepped
#     started  at node before                          a nginx, again, which
#                                                      ended then
#
# name is token:<token>, owner:<partner>:<business> or partner:<partner>.

use strict;
use warnings;


# What is allowed: second, to learn of what another node did; again, after a
# fault ended or a start; refusal, for a 503 once the fault is known; known,
# until it is; written, until a node's own file has what the node knows, or
# undef where it has none.

sub new {
    my ($class, %opt) = @_;

    return bless { second => 1, again => 3, refusal => 0.5, known => 2.5,
        written => 1, %opt, tokens => {}, names => {}, revocations => {},
        faults => {}, calm => {}, started => {}, lost => 0, wrong => [],
        seen => {}, refusals => [], now => 0 }, $class;
}


sub judge {
    my ($self, $what, @about) = @_;

    my $handler = $self->can("is_$what") // die "no event $what\n";

    $self->{seen}{$what}++;
    $self->keep($what, @about) if $what =~ /^(?:fault|lost|clock|started)$/
        || $what eq 'regained' || $what eq 'ended' && $about[2] eq 'change';
    $handler->($self, @about);

    return;
}


# what happened lately, for whoever looks for the cause of the first wrong

sub keep {
    my ($self, @event) = @_;

    push @{ $self->{lately} }, "@event";
    shift @{ $self->{lately} } if @{ $self->{lately} } > 40;

    return;
}


sub wrong {
    my ($self, $what, @about) = @_;

    $self->{before} //= [@{ $self->{lately} // [] }];
    push @{ $self->{wrong} }, join ' ', $what,
        map { /^\d+\.\d+$/ ? sprintf '%.3f', $_ : $_ } grep { defined } @about
        if @{ $self->{wrong} } < 200;
    $self->{wrongs}{ $what =~ /^(\w+)/ ? $1 : '?' }++;

    return;
}


sub is_issued {
    my ($self, $from, $to, $node, $token, $partner, $business, $bearer) = @_;

    $self->{tokens}{$token} = { from => $from, to => $to, node => $node,
        names => ["token:$token", "partner:$partner", $business ne '-'
            ? "owner:$partner:$business" : ()], knows => {} };

    # Redis is asked whether the token that asks for another has ended: no
    # node has to know

    my $asking = $self->{tokens}{ $bearer // '-' } or return;
    my ($why) = grep { $_->{holds} && $_->{to} < $from
        && $_->{from} > $self->{lost} && $self->is_before($asking, $_) }
        map { @{ $self->{names}{$_} // [] } } @{ $asking->{names} };

    $self->wrong('G1 issued for a revoked token:', $bearer, 'node', $node,
        'at', $from, $why->{id}, $why->{name}) if $why;

    return;
}


# whether the token was issued before it

sub is_before {
    my ($self, $token, $revocation) = @_;

    return $revocation->{name} =~ /^token/
        || $token->{to} < $revocation->{from}
        || $revocation->{change} && (!defined $revocation->{until}
            || $token->{to} < $revocation->{until});
}


sub is_clock {
    my ($self, $at, $node) = @_;

    $self->{stepped}{$node} = $at;

    return;
}


sub is_begun {
    my ($self, $from, $id, $name) = @_;

    my $revocation = { from => $from, name => $name, id => $id };

    $self->{revocations}{$id} = $revocation;
    push @{ $self->{names}{$name} }, $revocation;

    return;
}


# An operator's change has no node, and no token may be issued until it is
# undone.

sub is_ended {
    my ($self, $from, $to, $node, $id, $status) = @_;

    my $revocation = $self->{revocations}{$id};

    @$revocation{qw(to node holds)} = ($to, $node,
        $status eq '200' || $status eq 'ok');
    $revocation->{change} = 1 if $status eq 'ok' && $node eq 'change';

    return;
}


sub is_regained {
    my ($self, $at, $name) = @_;

    for my $revocation (@{ $self->{names}{$name} // [] }) {
        $revocation->{until} //= $at if $revocation->{change};
    }

    return;
}


# Of each node, since when nothing is in its way.

sub is_fault {
    my ($self, $at, $name, $node, $how) = @_;

    $self->{faults}{$node}{$name} = $at if $how eq 'on';

    if ($how eq 'off') {
        delete $self->{faults}{$node}{$name};
        $self->{calm}{$node} = $at;
        $self->{calm}{any} = $at;
    }

    return;
}


sub is_lost {
    my ($self, $at) = @_;

    $self->{lost} = $at;

    return;
}


sub is_started {
    my ($self, $at, $node, $before) = @_;

    $self->{started}{$node} = $at;
    $self->{stopped}{$node} = $before;

    return;
}


sub max {
    my (@list) = @_;

    my $max = 0;

    for (@list) {
        $max = $_ if defined $_ && $_ > $max;
    }

    return $max;
}


# whether there is a fault, of this node or of all; since when

sub faulty {
    my ($self, @nodes) = @_;

    my @since = map { values %{ $self->{faults}{$_} // {} } } @nodes;

    return @since ? (sort { $a <=> $b } @since)[0] : undef;
}


# Since when the node must know what began then, and what a node told who asked
# it from $asked to $at; undef if it does not have to.  What Redis may have lost
# since it began comes from another node, which has to be connected too.

sub due {
    my ($self, $node, $began, $asked, $at, $where) = @_;

    if ($node eq $where) {
        my $started = $self->{started}{$node} // 0;

        # if it was asked before, the nginx that ended may have told it

        return $at if $asked > $started;
        return $started if defined $self->{written}
            && $at < $self->{stopped}{$node} - $self->{written};
    }

    my $lost = $began <= $self->{lost};

    return if defined $self->faulty('*', $node,
        $lost ? keys %{ $self->{faults} } : ());

    my $calm = max(@{ $self->{calm} }{'*', $node},
        $self->{started}{$node}, $lost ? ($self->{calm}{any}, $self->{lost})
            : ());

    return max($at + $self->{second}, $calm + $self->{again});
}


# since when the token had to be refused there, and why

sub due_of {
    my ($self, $token, $node) = @_;

    my ($first, $why, $began);
    my $take = sub {
        my ($due, $reason) = @_;

        ($first, $why) = ($due, $reason)
            if defined $due && (!defined $first || $due < $first);
    };

    for my $revocation (map { @{ $self->{names}{$_} // [] } }
        @{ $token->{names} })
    {
        $began = $revocation->{from}
            if !defined $began || $revocation->{from} < $began;

        next unless $revocation->{holds}
            && $self->is_before($token, $revocation);

        $take->(scalar $self->due($node,
            @$revocation{qw(from from to node)}),
            "$revocation->{id} $revocation->{name}");
    }

    # a node that refuses it may have known so since it began

    $take->(scalar $self->due($node, $began // 0, @{ $token->{knows}{$_} }, $_),
        "known to $_") for keys %{ $token->{knows} };

    return ($first, $why);
}


# A guarded request.

sub is_asked {
    my ($self, $from, $to, $node, $name, $result) = @_;

    my $token = $self->{tokens}{$name} or return;

    $self->{seen}{$result}++;

    if ($result eq 'ok') {
        my ($due, $why) = $self->due_of($token, $node);

        return unless defined $due && $from > $due;

        my $promise = exists $token->{knows}{$node} ? 'G3'
            : $why =~ /^known/ ? 'G4' : 'G1';

        $self->wrong("$promise accepted:", $name, 'node', $node, 'at', $from,
            'due', $due, $why);

    } elsif ($result eq 'revoked') {
        $token->{knows}{$node} //= [$from, $to];
        $self->wrong('refused, and not revoked:', $name, 'node', $node, 'at',
            $from, 'issued', $token->{from})
            unless $self->may_be_revoked($token, $to);

    } elsif ($result eq 'store_unavailable' || $result eq 'lost') {
        $self->wrong("G5 $result:", $name, 'node', $node, 'at', $from)
            if $from > ($self->{started}{$node} // 0) + $self->{again};

    } elsif ($result !~ /^(?:not_yet_valid|expired)$/
        || !grep { defined } @{ $self->{stepped} }{$node, $token->{node}})
    {
        $self->wrong("$result:", $name, 'node', $node, 'at', $from);
    }

    return;
}


# Something names it that began before, and that did not end before it was
# issued.  What was not answered may have been carried out later.

sub may_be_revoked {
    my ($self, $token, $at) = @_;

    for my $revocation (map { @{ $self->{names}{$_} // [] } }
        @{ $token->{names} })
    {
        next if $revocation->{from} > $at;

        return 1 if $revocation->{name} =~ /^token/
            || !$revocation->{holds} || !defined $revocation->{to}
            || $token->{from} <= $revocation->{to};
    }

    return 0;
}


# A token request or a revocation of somebody who may: 200, or 503 while Redis
# is away, quickly once that is known.

sub is_wanted {
    my ($self, $from, $to, $node, $status, $late, @about) = @_;

    my $since = $self->faulty('*', $node);
    my $calm = max(@{ $self->{calm} }{'*', $node}, $self->{started}{$node},
        $self->{lost});

    if ($status ne '200' && $status ne '503') {
        return if $status eq 'lost'
            && $from < ($self->{started}{$node} // 0) + $self->{again};

        $self->wrong("G5 answered $status:", 'node', $node, 'at', $from,
            @about);

    } elsif ($status eq '503' && !defined $since
        && $from > $calm + $self->{again})
    {
        $self->wrong('G5 not recovered:', 'node', $node, 'at', $from);

    } elsif ($status eq '503' && defined $since && !$late
        && $from > $since + $self->{known})
    {
        push @{ $self->{refusals} }, $to - $from;
        $self->wrong('G5 a slow 503:', 'node', $node, 'at', $from, 'after',
            $to - $from) if $to - $from > $self->{refusal};
    }

    return;
}


1;
