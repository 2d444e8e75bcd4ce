#!/usr/bin/perl

# Revocations a second over CLIENTS (8) connections that stay open, and what a
# guarded request takes meanwhile and at rest, by how slow the disk is: DELAYS
# ("0 1 20 100") ms are added to each sync, by WORKERS ("1 2").  Then BULK
# (1000000) businesses move to another partner in one statement: what requests
# of others take meanwhile, and when all tokens of those are refused.  One
# table for each of AGW_MODULES, files with a colon between them, so that two
# builds are measured in one run; SECONDS (4) for each figure; BULK=0, or
# DELAYS="", leaves that out.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use POSIX ();
use Time::HiRes qw(sleep time);

use AGW::Bystanders;
use AGW::Disk;
use AGW::Files qw(module_path slurp spew);
use AGW::Gateway;
use AGW::Nginx;
use AGW::Revoking qw(owner_in plain_conf);
use AGW::Token;

my @modules = split /:/, $ENV{AGW_MODULES} // module_path();
my @delays = split ' ', $ENV{DELAYS} // '0 1 20 100';
my @workers = split ' ', $ENV{WORKERS} // '1 2';
my $clients = $ENV{CLIENTS} // 8;
my $seconds = $ENV{SECONDS} // 4;
my $bulk = $ENV{BULK} // 1_000_000;

# on a disk, as stores are: /tmp may be memory

my $conf = plain_conf('64m', listen => 'reuseport');

my ($gw, $disk, @partners);

sub start {
    my ($module, $workers) = @_;

    local $ENV{AGW_MODULE} = $module;

    $disk = AGW::Disk->new;
    $gw = AGW::Gateway->start($conf, $disk->options, workers => $workers,
        log_level => 'warn');
    spew($gw->prefix . '/html/x', "x\n", 0644);

    # each client is a partner: none is to fill its quarter

    @partners = map { owner_in($gw) } 0 .. $clients;

    return;
}

sub stop {
    $gw->nginx->stop;
    $gw->upstream->stop;

    return;
}

sub token_of {
    my ($partner) = @_;

    return AGW::Token::mint_raw(secret => $gw->{secret}, header => {
        alg => 'HS256', typ => 'JWT', kid => 'k1' },
        payload => AGW::Token::claims_for(partner_id => $partner->{id},
            business_id => $partner->{business}));
}

# A child, whose figures are the lines that it prints.

sub child {
    my ($work) = @_;

    my $pid = open my $out, '-|';

    die "fork: $!\n" unless defined $pid;
    return { pid => $pid, out => $out } if $pid;

    $SIG{PIPE} = 'DEFAULT';
    eval { $work->(); 1 } or print STDERR $@;
    STDOUT->flush;
    POSIX::_exit(0);
}

sub figures {
    my ($child) = @_;

    my @lines = readline $child->{out};

    close $child->{out};
    chomp @lines;

    return @lines;
}

# one after the other until that time; prints how many were answered with 200

sub revoke_until {
    my ($partner, $from, $until) = @_;

    my @tokens = map { token_of($partner) } 1 .. 1500 * $seconds;
    my $client = $gw->connect('PLAIN');
    my $line = AGW::Gateway::basic(@$partner{qw(id key)});
    my ($done, $failed) = (0, 0);

    sleep $from - time if time < $from;

    while (time < $until && @tokens) {
        my $r = $client->request('POST', '/revoke', headers => [$line,
            'Content-Type: application/x-www-form-urlencoded'],
            body => 'token=' . shift @tokens, timeout => 60);

        $r->status == 200 ? $done++ : $failed++;
    }

    print "$done $failed\n";

    return;
}

# what each guarded request took, in ms

sub guard_until {
    my ($partner, $from, $until) = @_;

    my $line = AGW::Gateway::bearer(token_of($partner));
    my @clients = map { $gw->connect('PLAIN') } 1 .. 4;

    sleep $from - time if time < $from;

    for (my $i = 0; time < $until; $i++) {
        my $at = time;
        my $r = $clients[$i % 4]->request('GET',
            "/v1/businesses/$partner->{business}/x", headers => [$line],
            timeout => 60);

        printf "%.3f\n", 1000 * (time - $at);
        print STDERR 'guarded: ', $r->status, "\n" if $r->status != 200;
        sleep 0.002;
    }

    return;
}

sub percentile {
    my ($percent, @all) = @_;

    my @sorted = sort { $a <=> $b } @all;

    return @sorted ? $sorted[$percent / 100 * $#sorted] : 0;
}

sub measure_writes {
    my ($module, $workers, $delay) = @_;

    start($module, $workers);
    $disk->delay($delay);

    my $other = $partners[$clients];
    my @rest = figures(child(sub {
        guard_until($other, time, time + $seconds) }));

    # a moment to make tokens in

    my $from = time + 2 + $seconds;
    my @revoking = map { my $partner = $partners[$_];
        child(sub { revoke_until($partner, $from, $from + $seconds) })
    } 0 .. $clients - 1;
    my @meanwhile = figures(child(sub {
        guard_until($other, $from + 0.2, $from + $seconds) }));
    my ($done, $failed) = (0, 0);

    for (map { figures($_) } @revoking) {
        my @of = split;

        $done += $of[0];
        $failed += $of[1];
    }

    $disk->delay(0);
    stop();
    printf "%7d %8d %12d %9.2f %8.2f %11.2f %8.2f\n", $workers, $delay,
        $done / $seconds, map { percentile(50, @$_), percentile(99, @$_) }
        \@rest, \@meanwhile;
    print "$failed were refused\n" if $failed;

    return;
}

sub measure_bulk {
    my ($module) = @_;

    start($module, 2);

    my ($from, $to) = @partners[0, 1];

    $gw->store->sql('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT'
        . " i + 1 FROM n WHERE i < $bulk) INSERT INTO businesses"
        . " (business_id, partner_id) SELECT 'moved-' || i, '$from->{id}'"
        . ' FROM n');

    my @of = map { my $business = "moved-$_";
        [$business, (AGW::Bystanders::issue($gw, 'PLAIN', $business,
            AGW::Gateway::basic(@$from{qw(id key)})))[0]]
    } 1, $bulk, map { 1 + int rand $bulk } 1 .. 30;
    my $bystanders = AGW::Bystanders->start($gw, pause => 0.001);
    my $started = time;

    $gw->store->sql("UPDATE businesses SET partner_id = '$to->{id}' WHERE"
        . " business_id LIKE 'moved-%'");

    my $committed = time;
    my @left = @of;

    while (@left && time < $committed + 120) {
        @left = grep { $gw->request('GET', "/v1/businesses/$_->[0]/x",
            bearer => $_->[1], port => 'PLAIN', quiet => 1)->status != 401 }
            @left;
    }

    my $ended = time;

    sleep 10;

    my $seen = $bystanders->stop;
    my @before = map { $_->{took} } grep {
        $_->{from} + $_->{took} < $committed } $bystanders->events;
    my @after = map { $_->{took} } grep {
        $_->{from} + $_->{took} >= $committed } $bystanders->events;

    printf "%d moved in %.1f s; all tokens refused %s; of others %d requests,"
        . " the longest %.0f ms before the commit, %.0f ms after it%s\n",
        $bulk, $committed - $started,
        @left ? 'NEVER' : sprintf('%.2f s after', $ended - $committed),
        $seen->{events}, 1000 * percentile(100, @before),
        1000 * percentile(100, @after), join '', map {
            ", $seen->{problems}{$_} x $_" } sort keys %{ $seen->{problems} };
    stop();

    return;
}

for my $module (@modules) {
    print "$module\n";
    print "workers  added ms  revocations/s   guarded at rest     meanwhile\n"
        . "                                    p50      p99 ms     p50"
        . "      p99 ms\n" if @delays;

    for my $workers (@delays ? @workers : ()) {
        measure_writes($module, $workers, $_) for @delays;
    }

    measure_bulk($module) if $bulk;
}
