package AGW::FleetFaults;

# What goes wrong in a history of a fleet: with Redis, the network, a node or a
# clock.  A fault is applied by fault_<name>($node), which notes it, and returns
# how it is mended, or nothing if it is over at once.

use strict;
use warnings;

use Exporter 'import';
use List::Util qw(shuffle);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use AGW::Redis;

our @EXPORT_OK = qw(now one_of);

# [name, seconds that it may take]

my @FAULTS = (['kill', 2], ['freeze', 3], ['partition', 3], ['hold', 3],
    ['cut', 0], ['cut', 0], ['slow', 2], ['flush', 0], ['lose', 0],
    ['restart', 0], ['crash', 0], ['restart_alone', 2], ['reload', 0],
    ['clock', 0], ['fail_over', 0], ['late', 0], ['nothing', 2]);

# only if it is asked for

my @MORE = (['ahead', 0]);


sub now { return clock_gettime(CLOCK_MONOTONIC) }
sub one_of { return $_[rand @_] }


# these, or all

sub choose_faults {
    my ($self, $names) = @_;

    my %only = map { $_ => 1 } @{ $names // [map { $_->[0] } @FAULTS] };

    $self->{kinds} = [grep { $only{ $_->[0] } } @FAULTS, @MORE];

    return;
}


sub go_wrong {
    my ($self) = @_;

    return $self->mend if $self->{mend};

    # each of them once, in a random order, and so on

    $self->{coming} = [shuffle(@{ $self->{kinds} })]
        unless @{ $self->{coming} // [] };

    my ($kind, $seconds) = @{ shift @{ $self->{coming} } };
    my $do = $self->can("fault_$kind");
    my $began = now();

    $self->{happened}{$kind}++;
    $self->{mend} = $do->($self, int rand @{ $self->{fleet}{nodes} });
    $self->{next_fault} = now() + ($self->{mend} ? 0.3 + rand $seconds
        : $self->rest);
    $self->was_late($began);

    return;
}


# a fault that comes before the last one is forgotten hides what that one did

sub rest {
    my ($self) = @_;

    return rand() < 0.5 ? 0.3 + rand : 3.5 + rand;
}


sub mend {
    my ($self) = @_;

    my $mend = delete $self->{mend} or return;
    my $began = now();

    $mend->();
    $self->{next_fault} = now() + $self->rest;
    $self->was_late($began);

    return;
}


# answers that came meanwhile were not looked at

sub was_late {
    my ($self, $began) = @_;

    return if now() - $began < 0.05;

    $_->{late} = 1 for grep { $_->{request} } @{ $self->{conns} };

    return;
}


sub on { return $_[0]->note('fault', now(), $_[1], $_[2], 'on') }
sub off { return $_[0]->note('fault', now(), $_[1], $_[2], 'off') }


# A Redis that stands still by itself, for its disk or the machine is busy, is a
# fault, too.

sub watch {
    my ($self) = @_;

    my $watch = $self->{watch};

    if (!$watch || $watch->{redis} != $self->{fleet}->redis
        || $watch->{pid} != $self->{fleet}->redis->pid)
    {
        my $redis = $self->{fleet}->redis;

        $self->off('stall', '*') if delete $self->{stalls};
        undef $self->{asked};
        $self->{watch} = { redis => $redis, pid => $redis->pid,
            client => $redis->client, next => 0 };
        return;
    }

    if (!$self->{asked}) {
        return if now() < $watch->{next};

        $watch->{client}->send(['PING']);
        $self->{asked} = now();
        return;
    }

    if ($watch->{client}->readable) {
        $watch->{client}->reply;
        $self->stalled;
        $self->off('stall', '*') if delete $self->{stalls};
        undef $self->{asked};
        $watch->{next} = now() + 0.05;

    } else {
        $self->stalled;
    }

    return;
}


sub stalled {
    my ($self) = @_;

    return if $self->{stalls} || now() - $self->{asked} < 0.2;

    $self->{stalls} = 1;
    $self->{happened}{stall}++;
    $self->note('fault', $self->{asked}, 'stall', '*', 'on');

    return;
}


sub stood_still {
    my ($self, $since) = @_;

    $self->{happened}{stall}++;
    $self->note('fault', $since, 'stall', '*', 'on');
    $self->off('stall', '*');
    $self->was_late($since);

    return;
}


sub fault_nothing { return }


sub fault_kill {
    my ($self) = @_;

    $self->{away} = 1;
    $self->on('kill', '*');
    $self->{fleet}->redis->kill;

    return sub {
        $self->{fleet}->redis->restart;
        $self->off('kill', '*');
        $self->{away} = 0;
    };
}


sub fault_freeze {
    my ($self) = @_;

    $self->{away} = 1;
    $self->on('freeze', '*');
    $self->{fleet}->redis->freeze;

    return sub {
        $self->{fleet}->redis->thaw;
        $self->off('freeze', '*');
        $self->{away} = 0;
    };
}


sub fault_partition {
    my ($self, $node) = @_;

    my $proxy = $self->{fleet}->proxy($node);

    $self->on('partition', $node);
    $proxy->set(up => 'drop', down => 'drop', accept => 'hold');

    return sub {
        $proxy->set(up => 'pass', down => 'pass', accept => 'pass');
        $proxy->cut;
        $self->off('partition', $node);
    };
}


sub fault_hold {
    my ($self, $node) = @_;

    my $proxy = $self->{fleet}->proxy($node);

    $self->on('hold', $node);
    $proxy->set(one_of('up', 'down') => 'hold');

    return sub {
        $proxy->set(up => 'pass', down => 'pass');
        $self->off('hold', $node);
    };
}


sub fault_cut {
    my ($self, $node) = @_;

    $self->on('cut', $node);
    $self->{fleet}->proxy($node)->cut;
    $self->off('cut', $node);

    return;
}


sub fault_slow {
    my ($self) = @_;

    my @proxies = $self->{fleet}->proxies;

    $_->set(delay => 0.005 + rand 0.03) for @proxies;

    return sub { $_->set(delay => 0) for @proxies };
}


# all is gone, and the directory back before anybody can look

sub fault_flush {
    my ($self) = @_;

    $self->{fleet}->redis->flush_all_but_directory;
    $self->note('lost', now());

    return;
}


# Entries are removed, while directory, epoch and connections stay.  So does the
# last stamp: what conf/fleet.lua writes next must be above it, and no node has
# told it.

my $lose = <<'LUA';
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
local stamp = redis.call('GET', KEYS[1])
local id = last and string.match(last[1], '^%d+')
if stamp and id and tonumber(id) > tonumber(stamp) then
    redis.call('SET', KEYS[1], id)
end
if ARGV[1] == '0' then
    return redis.call('DEL', KEYS[2])
end
return redis.call('XTRIM', KEYS[2], 'MAXLEN', ARGV[1])
LUA

sub fault_lose {
    my ($self) = @_;

    $self->{fleet}->redis->call('EVAL', $lose, 2, '{agw}:stamp',
        '{agw}:revocations', one_of(0, 0, 1, 20));
    $self->note('lost', now());

    return;
}


# The standby takes over, with what it has, and another one follows it.  What
# the primary got last, the standby never had; but it has the directory, or
# nobody could tell what an answer has to be.

sub fault_fail_over {
    my ($self) = @_;

    my $fleet = $self->{fleet};
    my $new = $self->{standby} or return;

    $self->{away} = 1;

    if (!$self->is_whole($new)) {
        $self->{happened}{fail_over_put_off}++;
        $self->{away} = 0;
        return;
    }

    $new->promote;

    my $until = now() + 0.2;

    $self->serve while now() < $until;

    $self->on('fail_over', '*');
    $fleet->redis->kill;
    $self->note('lost', now());

    for my $proxy ($fleet->proxies) {
        $proxy->set(to => $new->port);
        $proxy->cut;
    }

    $fleet->{redis} = $self->{store}{redis} = $new;
    $self->off('fail_over', '*');
    $self->{standby} = AGW::Redis->start(%{ $new->{opt} },
        replica_of => $new);
    $self->{standby}->wait_for_primary;
    $self->{away} = 0;

    return;
}


# Whether the standby has all that the primary has had so far, on its disk, too.
# One that still copies a primary which was restarted may lack a change of the
# directory; and if it is killed before it has a file of that copy, it comes
# back with what it had before.

sub is_whole {
    my ($self, $standby) = @_;

    my $client = $self->{fleet}->redis->client;

    $client->call('SET', 'directory', 'written');

    my $confirmed = $client->call('WAIT', 1, 2000);

    $client->close;

    return 0 unless $confirmed;

    my %info = $standby->info('persistence');

    return !$info{aof_rewrite_in_progress} && !$info{aof_rewrite_scheduled};
}


sub fault_restart { return $_[0]->restart_node($_[1]) }
sub fault_crash { return $_[0]->restart_node($_[1], hard => 1) }


# without Redis, with its own file

sub fault_restart_alone {
    my ($self, $node) = @_;

    my $mend = $self->fault_partition($node);

    $self->restart_node($node);

    return $mend;
}


sub restart_node {
    my ($self, $node, %opt) = @_;

    my $stopped = now();

    $self->{ends}{$node} = $stopped;

    # what is on its way is answered first, or never

    $self->{fleet}->restart_node($node, %opt);
    $self->{ends}{$node} = now();
    $self->note('started', now(), $node, $stopped);

    return;
}


sub fault_reload {
    my ($self, $node) = @_;

    $self->{ends}{$node} = now();
    kill 'HUP', $self->{fleet}->node($node)->nginx->{pid};

    return;
}


# the node that has a clock of its own

sub with_clock {
    my ($self) = @_;

    return (grep { $self->{clocks}[$_] } 0 .. $#{ $self->{clocks} })[0];
}


sub fault_clock {
    my ($self) = @_;

    my $node = $self->with_clock // return;

    $self->note('clock', now(), $node);
    $self->{clocks}[$node]->set(one_of(0, 2, -2, 30, -30, 4000, -4000, 200_000,
        -200_000));

    return;
}


# two days more, each time

sub fault_ahead {
    my ($self) = @_;

    my $node = $self->with_clock;

    $self->note('clock', now(), $node);
    $self->{clocks}[$node]->set($self->{ahead} += 200_000);

    return;
}


# one that was not there

sub fault_late {
    my ($self) = @_;

    return if @{ $self->{fleet}{nodes} } > 5;

    my $node = @{ $self->{fleet}{nodes} };

    $self->{fleet}->add_node;
    $self->note('started', now(), $node, now());
    $self->open_slots($node);

    return;
}


1;
