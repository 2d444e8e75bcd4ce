#!/usr/bin/perl

# Token requests a second over Redis, on loopback, and over SQLite: the same
# requests by wrk over CONNECTIONS (16) to one worker of each, in turn, for
# SECONDS (3) a round.  The middle of ROUNDS (7), and the ratio within a round.
# REPLICA=1: Redis with a replica of the node.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use POSIX ();

use AGW::Files qw(make_prefix slurp spew);
use AGW::Gateway;
use AGW::Revoking qw(owner_in plain_conf);

my $rounds = $ENV{ROUNDS} // 7;
my $seconds = $ENV{SECONDS} // 3;
my $connections = $ENV{CONNECTIONS} // 16;
my $dir = make_prefix();
my $tick = POSIX::sysconf(POSIX::_SC_CLK_TCK());
my %gw;

sub script {
    my ($name, $path, $line) = @_;
    my ($key, $value) = split /: /, $line, 2;

    spew("$dir/$name.lua", <<"LUA");
wrk.method = "POST"
wrk.path = "$path"
wrk.headers["$key"] = "$value"
wrk.headers["Content-Length"] = "0"
function done(summary, latency, requests)
    io.write(string.format("requests=%d us=%d bad=%d p99=%d\\n",
        summary.requests, summary.duration, summary.errors.status
        + summary.errors.connect + summary.errors.read + summary.errors.write
        + summary.errors.timeout, latency:percentile(99)))
end
LUA

    return;
}

for my $engine (qw(sqlite redis)) {
    my $conf = plain_conf('8m') =~ s{%%ENGINE%%}{'%%ENGINE%%'
        . ($engine eq 'redis' && $ENV{REPLICA}
            ? ' replica=%%PREFIX%%/store/replica.db' : '')}er;
    my $gw = $gw{$engine} = AGW::Gateway->start($conf, engine => $engine,
        log_level => 'notice');
    my $us = owner_in($gw);
    my $basic = AGW::Gateway::basic(@{ $us->{basic} });
    my $r = $gw->request('POST', '/token', headers => [$basic],
        port => 'PLAIN');

    die 'a partner token: ' . $r->status . "\n" if $r->status != 200;

    my $bearer = AGW::Gateway::bearer($r->json->{access_token});

    script("partner.$engine", '/token', $basic);
    script("business.$engine", "/token/$us->{business}", $bearer);
}

sub cpu_of {
    my ($pid) = @_;

    my @field = split ' ', slurp("/proc/$pid/stat") =~ s/^.*\) //sr;

    return ($field[11] + $field[12]) / $tick;
}

# (requests a second, us of the processor for one: of the worker, and of Redis)

sub load {
    my ($kind, $engine) = @_;

    my ($worker) = $gw{$engine}->nginx->workers;
    my $port = $gw{$engine}->nginx->port('PLAIN');
    my $redis = $gw{redis}{engine}{redis}->pid;
    my @before = (cpu_of($worker), cpu_of($redis));
    my $said = qx(wrk -t 1 -c $connections -d ${seconds}s --timeout 5s \\
        -s $dir/$kind.$engine.lua http://127.0.0.1:$port/ 2>&1);
    my %got = $said =~ /\b(requests|us|bad|p99)=(\d+)/g;

    die "wrk: $said\n" if $? || !$got{requests} || $got{bad};

    return ($got{requests} / $got{us} * 1e6,
        1e6 * (cpu_of($worker) - $before[0]) / $got{requests},
        1e6 * (cpu_of($redis) - $before[1]) / $got{requests});
}

sub middle {
    my (@all) = sort { $a <=> $b } @_;

    return $all[@all / 2];
}

print "                   a second      us of the worker    us of   ratio of a"
    . " second\n                 SQLite    Redis    SQLite   Redis"
    . "    Redis\n";

for my $kind (qw(partner business)) {
    my (%rate, %cpu, @redis, @ratio);

    load($kind, $_) for qw(sqlite redis);

    for my $round (1 .. $rounds) {
        my %of = map { $_ => [load($kind, $_)] }
            $round % 2 ? qw(sqlite redis) : qw(redis sqlite);

        push @{ $rate{$_} }, $of{$_}[0] for keys %of;
        push @{ $cpu{$_} }, $of{$_}[1] for keys %of;
        push @redis, $of{redis}[2];
        push @ratio, $of{redis}[0] / $of{sqlite}[0];
    }

    printf "%-14s %8.0f %8.0f %9.1f %7.1f %8.1f %8.2f (%.2f to %.2f)\n",
        "$kind token", (map { middle(@{ $rate{$_} }) } qw(sqlite redis)),
        (map { middle(@{ $cpu{$_} }) } qw(sqlite redis)), middle(@redis),
        middle(@ratio),
        (sort { $a <=> $b } @ratio)[0, -1];
}

for my $gw (values %gw) {
    $gw->nginx->stop;
    $gw->upstream->stop;
}
