package AGW::Sentinels;

# Sentinels of a test, which watch a primary and its replicas:
#
#     my $sentinels = AGW::Sentinels->start($primary, replicas => 2);
#     $primary->kill;
#     my $port = $sentinels->wait_for_other_than($primary->port);

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use AGW::Redis;


# Starts them and waits until they know each other and the replicas, whose
# number is replicas => 0.  Options: count => 3; quorum => 2; name =>
# 'mymaster'; down_after => 1000 ms; failover_timeout => 3000 ms; password =>
# what they require.  Where the primary has TLS, they have it, and certificates
# of it.

sub start {
    my ($class, $primary, %opt) = @_;

    my $self = bless { name => $opt{name} // 'mymaster',
        count => $opt{count} // 3, replicas => $opt{replicas} // 0 }, $class;
    my $name = $self->{name};
    my @watch = ("sentinel monitor $name 127.0.0.1 " . $primary->port . ' '
            . ($opt{quorum} // 2),
        "sentinel auth-user $name test",
        "sentinel auth-pass $name $primary->{test_password}",
        "sentinel down-after-milliseconds $name "
            . ($opt{down_after} // 1000),
        "sentinel failover-timeout $name "
            . ($opt{failover_timeout} // 3000));

    push @watch, "requirepass $opt{password}" if defined $opt{password};

    $self->{list} = [map { AGW::Redis::Sentinel->start(config => \@watch,
        of => $primary) } 1 .. $self->{count}];
    $self->wait_until_ready;

    return $self;
}


# hello messages go out every two seconds; at most 20

sub wait_until_ready {
    my ($self) = @_;

    for (1 .. 400) {
        return 1 if !grep { !$self->knows($_) } @{ $self->{list} };
        sleep 0.05;
    }

    die "the sentinels do not know each other:\n"
        . join "\n", map { $_->log_text } @{ $self->{list} };
}


sub knows {
    my ($self, $sentinel) = @_;

    my ($others, $replicas) = map {
        scalar @{ $sentinel->call('SENTINEL', $_, $self->{name}) } }
        qw(sentinels replicas);

    return $others == $self->{count} - 1 && $replicas >= $self->{replicas};
}


sub ports {
    my ($self) = @_;

    return map { $_->port } @{ $self->{list} };
}


# what auth_gateway_store is given

sub words {
    my ($self, $redis, @more) = @_;

    my ($first, @words) = split / /, $redis->words;
    my ($scheme) = $first =~ m{^(\w+)://};

    return join ' ', "$scheme://" . join(',', map { "127.0.0.1:$_" }
        $self->ports), @words, "sentinel=$self->{name}", @more;
}


# the port of the primary, as the first of them that answers has it

sub primary_port {
    my ($self) = @_;

    for my $sentinel (@{ $self->{list} }) {
        my $reply = eval { $sentinel->call('SENTINEL',
            'get-master-addr-by-name', $self->{name}) } or next;

        return $reply->[1];
    }

    die "no sentinel answers\n";
}


# Waits until another one is the primary, and returns its port; at most 30
# seconds.

sub wait_for_other_than {
    my ($self, $port) = @_;

    for (1 .. 1500) {
        my $now = $self->primary_port;

        return $now if $now != $port;
        sleep 0.02;
    }

    die "no fail-over:\n" . $self->{list}[0]->log_text;
}


package AGW::Redis::Sentinel;

use parent -norequire, 'AGW::Redis';


sub program {
    my ($self) = @_;

    return ($self->SUPER::program, '--sentinel');
}


sub conf {
    my ($self) = @_;

    my $of = $self->{opt}{of};
    my @port = $of->{opt}{tls} ? ('port 0', "tls-port $self->{port}",
        "tls-cert-file $of->{dir}/server/cert.pem",
        "tls-key-file $of->{dir}/server/cert.key",
        "tls-ca-cert-file $of->{dir}/ca.pem", 'tls-auth-clients no',
        'tls-replication yes') : "port $self->{port}";

    return join "\n", "dir $self->{dir}", "logfile $self->{dir}/redis.log",
        'daemonize no', 'bind 127.0.0.1', 'protected-mode no', @port,
        "unixsocket $self->{dir}/redis.sock", 'unixsocketperm 777',
        "user test on >$self->{test_password} ~* &* +\@all",
        'sentinel resolve-hostnames no', @{ $self->{opt}{config} }, '';
}


1;
