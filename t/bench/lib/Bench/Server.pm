package Bench::Server;

# One server with its one worker: as it is, or under callgrind.

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use AGW::Files qw(make_prefix slurp spew);
use AGW::Nginx;
use AGW::Store;
use Bench::Knobs qw(cpus);
use Bench::Wire qw(exchange);


# the location that Bench::Callgrind asks between two batches

my $MARK = <<'CONF';
    server {
        listen 127.0.0.1:%%PORT%%;

        location = /mark { root /nonexistent; try_files /x @mark; }
        location @mark { return 204; }
    }
CONF

# nginx's defaults but for these

my $HTTP = <<'CONF';
    access_log off;
    default_type application/json;
    keepalive_timeout 600s;
    keepalive_requests 1000000000;
CONF


# start(text of http, %opt): names => { NAME => value }; module => 1 for
# ours; main => text; callgrind => a Bench::Callgrind; on => the processor,
# server or upstream; before => sub (prefix).

sub start {
    my ($class, $http, %opt) = @_;

    my $prefix = make_prefix();
    my $self = bless { prefix => $prefix, callgrind => $opt{callgrind} },
        $class;
    my %cpus = cpus();
    my $cpu = $opt{callgrind} ? undef : $cpus{ $opt{on} // 'server' };
    my $main = $opt{main} // '';

    $main .= 'worker_cpu_affinity 1' . '0' x $cpu . ";\n" if defined $cpu;
    local $ENV{AGW_NGINX} = $opt{callgrind}->wrapper if $opt{callgrind};

    $self->{nginx} = AGW::Nginx->start("http {\n$HTTP$MARK$http}\n",
        prefix => $prefix, module => $opt{module} ? undef : 0,
        main => $main, names => { %{ $opt{names} } },
        log_level => 'notice');
    ($self->{pid}) = $self->{nginx}->workers;

    if ($http =~ m{^\s*auth_gateway_store\s+sqlite:%%STORE%%/([\w.]+);}m) {
        $self->{store} = AGW::Store->new("$prefix/store/$1");
        $self->{store}->wait_for_schema;
    }

    return $self;
}


sub store { return $_[0]{store} }
sub pid { return $_[0]{pid} }


sub port {
    my ($self, $name) = @_;

    return $self->{nginx}->port($name);
}


# one request on a connection of its own: { status, head, body, size }

sub ask {
    my ($self, $port, $request) = @_;

    return exchange($self->port($port), $request);
}


# nanoseconds on a processor, so far

sub cpu_ns {
    my ($self) = @_;

    my ($ns) = split ' ', slurp("/proc/$self->{pid}/schedstat");

    return $ns // die "worker $self->{pid} is gone\n";
}


# (RSS, PSS) of the worker, KB

sub memory {
    my ($self) = @_;

    my ($rss) = slurp("/proc/$self->{pid}/status") =~ /^VmRSS:\s+(\d+)/m;
    my ($pss) = slurp("/proc/$self->{pid}/smaps_rollup")
        =~ /^Pss:\s+(\d+)/m;

    die "no memory figures of $self->{pid}\n" unless $rss && $pss;

    return ($rss, $pss);
}


# Ends it; dies where it was not well: another worker than at the start, or
# an alert in the log.

sub stop {
    my ($self) = @_;

    my @workers = $self->{nginx}->workers;
    my $status = $self->{nginx}->stop;
    my $said = slurp($self->{nginx}->error_log);

    die "the worker is another one:\n$said\n"
        if "@workers" ne $self->{pid};
    die "nginx ended with $status:\n$said\n" if $status != 0;
    die "in the error log:\n$1\n"
        if $said =~ /^(.*\[(?:error|crit|alert|emerg)\].*)$/m;

    return;
}


1;
