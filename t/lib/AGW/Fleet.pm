package AGW::Fleet;

# Several nginx on one Redis, each with a bad network of its own between:
#
#     my $fleet = AGW::Fleet->start(nodes => 3, redis => { durable => 1 });
#     my ($first, $second, $third) = $fleet->nodes;      # AGW::Revoking
#     $fleet->proxy(1)->set(up => 'hold');

use strict;
use warnings;

use POSIX ();
use Time::HiRes qw(sleep time);

use AGW::Engine;
use AGW::Files qw(make_prefix slurp spew);
use AGW::Gateway;
use AGW::Proxy;
use AGW::Redis;
use AGW::Revoking qw(conf_of);

my $http = 'auth_gateway_require_https off; keepalive_requests 10000000;'
    . ' access_log off; add_header X-Result $auth_gateway_result always;';

# for many requests, which no upstream sees

my $locations = <<'CONF';
        location /check/ {
            auth_gateway_business_path /check/<business_id>;
            root %%PREFIX%%/html;
            try_files /x =404;
        }

        location = /partners {
            auth_gateway_require partner;
            root %%PREFIX%%/html;
            try_files /x =404;
        }
CONF


# Options: nodes => 3; redis => options of AGW::Redis, or one that runs;
# words => what auth_gateway_store is given instead of the address; more =>
# words for it; replica => 0 for nodes without a file of their own; http =>
# lines; each => [{ options }], of each node alone; others as AGW::Revoking's,
# such as workers => 2.

sub start {
    my ($class, %opt) = @_;

    my $redis = delete $opt{redis} // {};

    $redis = AGW::Redis->start(user => 'gateway', %$redis)
        unless UNIVERSAL::isa($redis, 'AGW::Redis');

    my $self = bless { redis => $redis, engine => AGW::Engine->on($redis),
        count => delete $opt{nodes} // 3, more => delete $opt{more} // [],
        words => delete $opt{words}, replica => delete $opt{replica} // 1,
        conf => conf_of(http => "$http " . (delete $opt{http} // ''),
            locations => $locations),
        nodes => [], proxies => [],
    }, $class;
    my @each = @{ delete $opt{each} // [] };

    $self->{opt} = { workers => 2, %opt };
    $self->add_node(%{ $each[$_] // {} }) for 0 .. $self->{count} - 1;

    return $self;
}


# Another node; returns its AGW::Revoking.  It may not be ready: with wait => 0
# nobody waits until it knows all that is revoked.

sub add_node {
    my ($self, %opt) = @_;

    my $redis = $self->{redis};
    my $proxy = AGW::Proxy->start(to => $redis->port);
    my $words = $self->{words} // $redis->words(port => $proxy->port);
    my $conf = $self->{conf} =~ s{%%ENGINE%%}{join ' ', '%%ENGINE%%',
        @{ $self->{more} }, $self->{replica}
            ? 'replica=%%PREFIX%%/store/replica.db' : ()}er;
    my %start = (%{ $self->{opt} }, engine => $self->{engine}, %opt,
        names => { ENGINE => $words },
        before => sub { spew("$_[0]/html/x", "x\n") });
    my $first = $self->{nodes}[0];
    my $node = $first ? $first->beside($conf, %start)
        : AGW::Revoking->start($conf, %start);

    $node->{conf_text} = $conf;
    push @{ $self->{nodes} }, $node;
    push @{ $self->{proxies} }, $proxy;

    return $node;
}


sub redis { return $_[0]{redis} }
sub store { return $_[0]{engine}->store }
sub nodes { return @{ $_[0]{nodes} } }
sub node { return $_[0]{nodes}[$_[1]] }
sub proxy { return $_[0]{proxies}[$_[1]] }
sub proxies { return @{ $_[0]{proxies} } }


# Restarted with its file; SIGKILL where hard => 1.

sub restart_node {
    my ($self, $i, %opt) = @_;

    my $node = $self->node($i);

    $node->nginx->crash if $opt{hard};

    $node->restart;

    return;
}


# Waits until each node answers this as it should: sub ($node), true.  Returns
# the seconds that it took, or undef after the time.

sub wait_for {
    my ($self, $seconds, $done, @nodes) = @_;

    @nodes = $self->nodes unless @nodes;

    my $began = time;

    while (1) {
        @nodes = grep { !eval { $done->($_) } } @nodes;

        return time - $began unless @nodes;
        return if time - $began > $seconds;

        sleep 0.01;
    }
}


# A token is refused there as revoked, on a connection that is kept; whether it
# is accepted.

sub refuses {
    my ($self, $node, $token, $business) = @_;

    return $self->status($node, $token, $business) == 401;
}


sub accepts {
    my ($self, $node, $token, $business) = @_;

    return $self->status($node, $token, $business) == 200;
}


sub status {
    my ($self, $node, $token, $business) = @_;

    my $client = $node->{kept} //= $node->connect('PLAIN');
    my $r = eval { $client->request('GET', "/check/$business/x",
        headers => [AGW::Gateway::bearer($token)]) };

    undef $node->{kept} unless $r;

    return $r ? $r->status : 0;
}


# Those of the tokens, all of that business, that a node accepts though it
# should not, within the seconds; [token, node] of each.

sub accepted {
    my ($self, $seconds, $business, $tokens, @nodes) = @_;

    my $until = time + $seconds;
    my @left = map { my $node = $_; map { [$_, $node] } @$tokens }
        @nodes ? @nodes : $self->nodes;

    while (1) {
        @left = grep { !$self->refuses($_->[1], $_->[0], $business) } @left;

        return @left if !@left || time > $until;

        sleep 0.02;
    }

    return;
}


# Revokes the tokens through all nodes at once, each a share of them, in
# processes of their own, while during->() happens.  Returns those that were
# answered with 200.

sub revoke_while {
    my ($self, $tokens, $during, %opt) = @_;

    my $dir = make_prefix();
    my @nodes = $self->nodes;
    my @pids;

    for my $i (0 .. $#nodes) {
        my @share = @$tokens[grep { $_ % @nodes == $i } 0 .. $#$tokens];
        my $pid = fork() // die "fork: $!\n";

        if (!$pid) {
            my @status = eval { $nodes[$i]->revoke_many(\@share,
                connections => 4, %opt) };

            spew("$dir/$i", join "\n", map { "$share[$_] " . ($status[$_]
                // 'nothing') } 0 .. $#share);
            POSIX::_exit(0);
        }

        push @pids, $pid;
    }

    $during->();
    waitpid $_, 0 for @pids;

    return map { /^(\S+) 200$/ ? $1 : () } map { split /\n/, slurp("$dir/$_") }
        0 .. $#nodes;
}


# what the logs say, of all nodes

sub log_text {
    my ($self) = @_;

    return join '', map { slurp($_->nginx->error_log) } $self->nodes;
}


1;
