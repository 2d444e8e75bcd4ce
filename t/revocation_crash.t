# P5.3, D5: a revocation that was answered with 200 holds, whatever
# dies meanwhile.  Workers are killed and nginx is reloaded under clients
# that revoke; then every worker is asked about every token, and so is an
# nginx that has just started.  AGW_MANY=1000 does it for longer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Client;
use AGW::ErrorLog qw(bad_lines);
use AGW::Files qw(append_to slurp);
use AGW::Gateway;
use AGW::Nginx;
use AGW::Revoking qw(owner_in plain_conf);
use AGW::Skip qw(skip_for);
use AGW::Stopwatch;

my $many = $ENV{AGW_MANY} // 240;
my $clients = 4;
my $workers = 4;
my $patience = 8;                # seconds for one answer

my $conf = plain_conf('1028k', listen => 'reuseport');

# what nginx says of workers that are killed

my @allow = (
    qr/\[alert\].* worker process \d+ exited on signal 9/,
    qr/\[alert\].* (?:sendmsg|recvmsg|kill|close)\(.*\) failed/,
    qr{\[alert\].* shared memory zone "auth_gateway[^"]*" was locked by},
);

my $gw = AGW::Gateway->start($conf, workers => $workers, allow => \@allow);
my $partner = owner_in($gw);
my $business = $partner->{business};
my $here = "/v1/businesses/$business/x";
my @basic = (AGW::Gateway::basic(@{ $partner->{basic} }),
    'Content-Type: application/x-www-form-urlencoded');

AGW::Files::spew($gw->prefix . '/html/x', "x\n", 0644);

my @tokens = map { $gw->mint(partner_id => $partner->{id},
    business_id => $business, claims => { exp => int(time) + 3600 }) }
    1 .. $many + 40 + 2 * ($workers - 1);
my @untouched = splice @tokens, $many, 40;
my @early = splice @tokens, $many;

sub port {
    return $gw->nginx->port('PLAIN');
}

sub guarded {
    my ($client, $token) = @_;

    return $client->request('GET', $here, timeout => $patience,
        headers => [AGW::Gateway::bearer($token)]);
}

# Revokes one token; returns the status, 0 where the connection ended, and
# -1 where no answer came in time.

sub revoke {
    my ($token) = @_;

    my $response = eval {
        my $client = AGW::Client->connect(port => port(), tls => 0);

        $client->request('POST', '/revoke', body => "token=$token",
            timeout => $patience, headers => \@basic);
    };

    return $response->status if $response;

    return $@ =~ /nothing came in time/ ? -1 : 0;
}

# each client has its tokens, and does not rest before all are revoked

sub run_client {
    my ($number) = @_;

    my $record = $gw->prefix . "/logs/client.$number";

    for my $i (grep { $_ % $clients == $number } 0 .. $#tokens) {
        sleep rand 0.06;

        for my $try (1 .. 50) {
            my $from = time;
            my $status = revoke($tokens[$i]);

            append_to($record, sprintf "%d %d %.3f\n", $i, $status,
                time - $from);
            last if $status == 200;
            sleep 0.02;
        }
    }

    return;
}

# a child that is waited for

sub in_child {
    my ($work) = @_;

    my $pid = fork() // die "fork: $!\n";

    return $pid if $pid;

    srand $$;
    eval { $work->(); 1 } or print STDERR $@;
    POSIX::_exit(0);
}

# a connection to each worker that there is now: pid => client

sub connections {
    my %by;
    my %now = map { $_ => 1 } $gw->nginx->workers;

    for (1 .. 500) {
        last if keys %by == keys %now;

        my $client = eval {
            AGW::Client->connect(port => port(), tls => 0) } or next;
        my $response = eval { $client->request('GET', '/none',
            timeout => $patience) } or next;
        my $pid = $response->header('X-Pid');

        $by{$pid} //= $client if $now{$pid};
    }

    return \%by;
}

# Asks each worker about each token; the statuses that are wrong.

sub wrong {
    my ($status, @which) = @_;

    my $by = connections();

    is(scalar keys %$by, $workers, 'D5 each worker is asked');

    return map {
        my $pid = $_;

        map {
            my $got = guarded($by->{$pid}, $_);
            my $said = $got ? $got->status : 'nothing';

            $said eq $status ? () : "$pid: $said";
        } @which;
    } sort keys %$by;
}

# a reload that is under way comes to its end, with the same workers for a
# while

sub settle {
    my ($before, $since) = ('', time);
    my $until = time + 15;

    while (time < $until) {
        my @now = $gw->nginx->workers;
        my $now = join ' ', @now;

        ($before, $since) = ($now, time) if $now ne $before;

        last if @now == $workers && time > $since + 0.5
            && !grep { slurp("/proc/$_/cmdline") =~ /shutting down/ } @now;

        sleep 0.04;
    }

    return is(scalar(@{ [$gw->nginx->workers] }), $workers,
        'D5 there are as many workers as before');
}

# A worker remembers the tokens that it has seen, and one that goes on while
# another dies is to forget what was revoked meanwhile: nothing but the shared
# memory tells it.

is_deeply([wrong(200, @untouched, @tokens, @early)], [],
    'D5 the tokens are good, and each worker knows them');

# one worker after another dies, between two revocations

my @held;

{
    my $by = connections();

    for my $victim ((sort keys %$by)[0 .. $workers - 2]) {
        my ($before, $after) = splice @early, 0, 2;

        is(revoke($before), 200, 'P5.3 revoked before a worker dies');
        kill 'KILL', $victim;
        delete $by->{$victim};
        ok((grep { revoke($after) == 200 } 1 .. 5), 'P5.3 and after that');
        push @held, $before, $after;

        for (1 .. 250) {
            my @now = grep { $_ != $victim } $gw->nginx->workers;

            last if @now == $workers;
            sleep 0.02;
        }

        my @wrong = map {
            my $pid = $_;

            (map { "$pid: a revoked token, $_" } grep { $_ != 401 }
                map { guarded($by->{$pid}, $_)->status } @held),
            (map { "$pid: another token, $_" } grep { $_ != 200 }
                map { guarded($by->{$pid}, $_)->status } @untouched[0 .. 4]);
        } sort keys %$by;

        is_deeply(\@wrong, [], 'P5.3 both hold on each of '
            . keys(%$by) . ' that survived');
    }
}

# What the clients were answered: number of a token => 1, where it was 200.

sub records {
    return map { split /\n/, slurp($_) }
        glob $gw->prefix . '/logs/client.*';
}

sub answered {
    return map { /^(\d+) 200 / ? ($1 => 1) : () } records();
}

# The same under fire.  Of each worker that is met: its connection, and the
# numbers of tokens that it accepted a moment ago.  Once one of them is
# revoked, the worker refuses it for the rest of its life.

my (%met, @believed);
my $refused = 0;

sub ask_survivors {
    my %now = map { $_ => 1 } $gw->nginx->workers;
    my %answered = answered();

    delete @met{ grep { !$now{$_} } keys %met };

    for my $pid (keys %met) {
        my ($client, $known) = @{ $met{$pid} };

        for my $i (grep { $answered{$_} } keys %$known) {
            my $response = eval { guarded($client, $tokens[$i]) };

            delete $met{$pid}, last if !$response;
            delete $known->{$i};
            $refused++ if $response->status == 401;
            push @believed, "$pid: token $i, " . $response->status
                if $response->status != 401;
        }
    }

    # some that are next

    my @next = (grep { !$answered{$_} } 0 .. $#tokens)[0 .. 3 * $clients];

    for (1 .. 3) {
        my $client = eval {
            AGW::Client->connect(port => port(), tls => 0) } or next;

        for my $i (grep { defined } @next) {
            my $response = eval { guarded($client, $tokens[$i]) } or last;
            my $pid = $response->header('X-Pid');

            $met{$pid} //= [$client, {}];
            last if $met{$pid}[0] != $client;
            $met{$pid}[1]{$i} = 1 if $response->status == 200;
        }
    }

    return;
}

# A worker dies every 20 to 100 ms, a reload comes every second.

my ($killed, $reloads) = (0, 0);

{
    my @pids = map { my $number = $_; in_child(sub { run_client($number) }) }
        0 .. $clients - 1;
    my %left = map { $_ => 1 } @pids;
    my $until = time + 120;
    my $reload_at = time + 0.4;

    while (%left && time < $until) {
        for (keys %left) {
            delete $left{$_} if waitpid($_, POSIX::WNOHANG()) == $_;
        }

        sleep 0.02 + rand 0.08;

        my @now = $gw->nginx->workers;

        $killed += kill 'KILL', $now[rand @now] if @now;
        ask_survivors();

        if (time > $reload_at) {
            kill 'HUP', $gw->nginx->{pid};
            $reloads++;
            $reload_at = time + 1;
        }
    }

    is(scalar keys %left, 0, 'D5 the clients came to an end');
    kill 'KILL', keys %left;
}

ok(!$gw->nginx->gone, 'D5 the master lives');
cmp_ok($killed, '>', 10, "D5 $killed workers were killed");
cmp_ok($reloads, '>', 0, "D5 $reloads reloads");
is_deeply(\@believed, [], 'P5.3 no survivor believes what it remembers');
cmp_ok($refused, '>', 20, "P5.3 which $refused tokens would have shown");
settle();
$gw->new_workers;

my (%revoked, %count, $longest);

for (records()) {
    my ($i, $status, $took) = split;

    $count{$status}++;
    $revoked{$i} = 1 if $status == 200;
    $longest = $took if $took > ($longest // 0);
}

note(join ', ', map { "$count{$_} times $_" } sort keys %count);

is(scalar keys %revoked, $many, 'P5.3 all were revoked in the end');
is($count{-1} // 0, 0, 'D5 no request hangs');
cmp_ok($longest, '<', $patience, "D5 the longest took $longest s");
is_deeply([grep { !/^(?:0|200|503)$/ } keys %count], [],
    'P5.3 an answer is 200 or 503');

push @held, @tokens[sort { $a <=> $b } keys %revoked];

is_deeply([wrong(401, @held)], [],
    'P5.3 what was answered with 200 holds on each worker');
is_deeply([wrong(200, @untouched)], [], 'P5.3 the others live');

# A worker that dies with the lock: the test takes it in its name, through
# the memory that all share.

sub zone_of {
    my ($pid) = @_;

    no warnings 'portable';

    for (split /\n/, slurp("/proc/$pid/maps")) {
        my ($from, $to) = /^(\w+)-(\w+) rw-s .*zero/ or next;

        return hex $from if hex($to) - hex($from) == 1028 * 1024;
    }

    return;
}

SKIP: {
    skip_for('not root', 'a lock of a dead worker is') if $> != 0;

    my ($victim) = $gw->nginx->workers;
    my $at = zone_of($victim);

    ok($at, 'D5 the zone is found') or last SKIP;

    # each other worker waits for the lock, save those that only read

    my $by = connections();
    my ($other) = grep { $_ != $victim } keys %$by;

    open my $memory, '+<:raw', "/proc/$victim/mem" or die "mem: $!\n";
    sysseek $memory, $at, 0;
    sysread $memory, my $lock, 8;
    is(unpack('Q', $lock), 0, 'D5 nobody has the lock');
    sysseek $memory, $at, 0;
    syswrite $memory, pack('Q', $victim);

    my $token = shift @untouched;

    $by->{$other}->send(join "\r\n", 'POST /revoke HTTP/1.1',
        'Host: localhost', @basic, 'Content-Length: '
        . length("token=$token"), '', "token=$token");
    ok(!defined $by->{$other}->fill(0.5), 'D5 it waits for the lock');

    # who has no lock to take is not held up

    my ($third) = grep { $_ != $victim && $_ != $other } keys %$by;

    is(guarded($by->{$third}, $held[0])->status, 401,
        'D5 a protected request goes on, revoked');
    is(guarded($by->{$third}, $untouched[0])->status, 200,
        'D5 a protected request goes on, living');

    my $watch = AGW::Stopwatch->start($other);

    kill 'KILL', $victim;

    my $response = eval { $by->{$other}->response(timeout => 30) };

    ok($response && $response->status == 200,
        "P5.3 answered when nginx has freed a dead worker's lock");
    cmp_ok($watch->seconds, '<', 2, 'D5 at once');
    push @held, $token;
    settle();
    $gw->new_workers;
}

# a cold start

{
    my $old = $gw->nginx;

    is($old->stop, 0, 'D5 nginx ended well');
    is_deeply([bad_lines(slurp($old->error_log) . slurp($old->out_file),
        @allow)], [], 'D5 and said nothing bad');

    $gw->{nginx} = AGW::Nginx->start($conf, workers => $workers,
        prefix => $gw->{prefix}, names => $old->{names});
    $gw->new_workers;
}

is_deeply([wrong(401, @held)], [], 'P5.3 all hold after a cold start');
is_deeply([wrong(200, @untouched)], [], 'P5.3 the others live on');
is($gw->store->sql('PRAGMA integrity_check'), 'ok', 'D5 the store is whole');
is($gw->store->sql("SELECT count(*) FROM revocations WHERE kind = 'token'"),
    scalar @held, 'D5 the store has a row for each');

$gw->finish;
