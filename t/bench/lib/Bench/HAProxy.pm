package Bench::HAProxy;

# HAProxy with one thread, in front of the same upstream: PLAIN1 checks
# nothing, PLAIN2 HS256 and exp, PLAIN3 RS256 and exp.  It has the methods of
# Bench::Server that load is measured with.

use strict;
use warnings;

use POSIX ();
use Time::HiRes qw(sleep);

use AGW::Conf qw(free_port);
use AGW::Files qw(make_prefix slurp spew);
use AGW::Nginx;
use Bench::Knobs qw(on_cpu);
use Bench::Wire qw(exchange);

my %running;


sub command {
    my ($found) = grep { -x } map { "$_/haproxy" }
        split(/:/, $ENV{PATH}), '/usr/sbin';

    return $found;
}


sub frontend {
    my ($name, $port, @lines) = @_;

    return join "\n    ", "frontend $name", "bind 127.0.0.1:$port", @lines,
        "default_backend invoices\n\n";
}


sub check {
    my ($alg, $key) = @_;

    my $deny = 'http-request deny deny_status 401';

    return ('http-request set-var(txn.token) http_auth_bearer',
        'http-request set-var(txn.exp)'
            . " var(txn.token),jwt_payload_query('\$.exp','int')",
        'http-request set-var(txn.now) date()',
        "$deny unless { var(txn.token),jwt_header_query('\$.alg')"
            . " -m str $alg }",
        "$deny unless { var(txn.token),jwt_verify(\"$alg\",\"$key\")"
            . ' -m int 1 }',
        "$deny if { var(txn.exp),sub(txn.now) -m int lt 1 }");
}


# start(material, port of the upstream)

sub start {
    my ($class, $material, $upstream) = @_;

    my $self = bless { prefix => make_prefix() }, $class;
    my $out = "$self->{prefix}/logs/out";

    $self->{names} = { map { ("PLAIN$_" => free_port()) } 1 .. 3 };

    my $config = spew("$self->{prefix}/haproxy.cfg", <<"CONF"
global
    nbthread 1

defaults
    mode http
    timeout connect 5s
    timeout client 600s
    timeout server 600s
    http-reuse always

backend invoices
    server upstream 127.0.0.1:$upstream

CONF
        . frontend('bare', $self->port('PLAIN1'))
        . frontend('hs256', $self->port('PLAIN2'),
            check('HS256', $material->{secret}))
        . frontend('rs256', $self->port('PLAIN3'),
            check('RS256', "$material->{dir}/RS256.pub.pem")), 0600);

    my $pid = $self->{pid} = fork() // die "fork: $!\n";

    if (!$pid) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM);
        open STDIN, '<', '/dev/null';
        open STDOUT, '>', $out;
        open STDERR, '>&', \*STDOUT;

        my @command = (on_cpu('server'), command(), '-db', '-f', $config);

        exec @command or POSIX::_exit(127);
    }

    $running{$pid} = 1;

    for (1 .. 500) {
        return $self if 3 == grep { AGW::Nginx::can_connect($_) }
            values %{ $self->{names} };
        last if waitpid($pid, POSIX::WNOHANG()) == $pid;
        sleep 0.02;
    }

    die "HAProxy did not start:\n" . slurp($out);
}


sub port {
    my ($self, $name) = @_;

    return $self->{names}{$name} // die "no port $name\n";
}


sub ask {
    my ($self, $port, $request) = @_;

    return exchange($self->port($port), $request);
}


sub cpu_ns {
    my ($self) = @_;

    my ($ns) = split ' ', slurp("/proc/$self->{pid}/schedstat");

    return $ns // die "HAProxy is gone\n";
}


sub stop {
    my ($self) = @_;

    end($self->{pid});

    return;
}


sub end {
    my ($pid) = @_;

    return unless delete $running{$pid};

    kill 'KILL', $pid;
    waitpid $pid, 0;

    return;
}


my $owner = $$;

END {
    my $status = $?;

    if ($$ == $owner) {
        end($_) for keys %running;
    }

    $? = $status;
}


1;
