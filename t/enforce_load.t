# D3 under load, over four workers: with one bad token in ten nothing is
# refused under `log`, and the access log has each of them; while a reload
# switches it on, and afterwards, exactly those are refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

use AGW::Client;
use AGW::Files qw(append_to slurp);
use AGW::Gateway;

my $clients = 4;
my $each = 400;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    log_format audit '$http_x_row|$status|$auth_gateway_result'
        '|$auth_gateway_event|$auth_gateway_partner_id'
        '|$auth_gateway_event_partner_id';
    access_log %%PREFIX%%/logs/audit.log audit;

    keepalive_requests 100000;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        auth_gateway_require business owner;
        auth_gateway_business_path /v1/businesses/<business_id>;
        auth_gateway_enforce %%ENFORCE%%;

        location /v1/businesses/ {
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-Row $http_x_row;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf, workers => 4,
    names => { ENFORCE => 'log' });
my $partner = $gw->partner;
my $id = $partner->{id};
my $business = $gw->business($partner);
my $theirs = $gw->business($gw->partner);
my $now = time;

sub token {
    return $gw->mint(partner_id => $id, @_);
}

# nine good ones, of two kinds, and each bad one in its turn

my @good = map { [200, 'ok', $_, $business] }
    token(business_id => $business), token(),
    token(business_id => $business);
my @bad = (
    [401, 'expired', token(business_id => $business,
        claims => { iat => $now - 90, exp => $now - 30 }), $business],
    [401, 'bad_signature', token(business_id => $business,
        secret => 'x' x 64), $business],
    [401, 'no_credentials', undef, $business],
    [403, 'wrong_business', token(business_id => $theirs), $business],
    [404, 'not_owner', token(), $theirs],
);

my @workers = $gw->nginx->workers;


# the n-th request of a client

sub planned {
    my ($n) = @_;

    return $n % 10 == 7 ? $bad[int($n / 10) % @bad] : $good[$n % @good];
}


# Each client sends its requests over one connection, and over another one if
# nginx has closed it: a reload may close one that a request is on its way to,
# which then was not taken.  Each writes "row|status".

sub run_clients {
    my ($phase) = @_;

    my @pids;

    for my $client (1 .. $clients) {
        my $pid = fork() // die "fork: $!\n";

        if (!$pid) {
            my $ok = eval { client("$phase.$client"); 1 };

            print STDERR $@ unless $ok;
            POSIX::_exit($ok ? 0 : 1);
        }

        push @pids, $pid;
    }

    return @pids;
}


sub client {
    my ($name) = @_;

    my $connection;

    for my $n (0 .. $each - 1) {
        my (undef, undef, $token, $where) = @{ planned($n) };
        my $response;

        for my $try (1 .. 5) {
            $connection //= $gw->connect;
            $response = eval { $connection->request('GET',
                "/v1/businesses/$where/x", timeout => 60,
                headers => ["X-Row: $name.$n.$try",
                    defined $token ? AGW::Gateway::bearer($token) : ()]) };

            last if $response;
            undef $connection;
        }

        die "no response\n" unless $response;

        append_to($gw->prefix . "/answers.$name", "$name.$n|"
            . $response->status . "\n");
        undef $connection
            if ($response->header('Connection') // '') eq 'close';
    }

    return;
}


sub wait_for_clients {
    my (@pids) = @_;

    return is_deeply([map { waitpid $_, 0; $? } @pids], [map { 0 } @pids],
        'D3 load: all clients came to their end');
}


# row => [status, result, event, partner, event's partner]

sub audit {
    my ($phase, $wanted) = @_;

    my %found;

    for (1 .. 300) {
        %found = map { /^(\Q$phase\E\.\d+\.\d+)\.\d+\|(.*)$/
            ? ($1 => [map { $_ eq '-' ? '' : $_ } split /\|/, $2, -1]) : () }
            split /\n/, slurp($gw->prefix . '/logs/audit.log');
        last if keys %found >= $wanted;
        sleep 0.1;
    }

    return %found;
}


# what is wrong with the answers and lines of a phase; $on is 0, 1, or undef
# while it changes

sub problems_of {
    my ($phase, $on) = @_;

    my %line = audit($phase, $clients * $each);
    my %status = map { /^(.*)\|(\d+)$/ ? ($1 => $2) : () }
        map { split /\n/, slurp($_) } glob $gw->prefix . "/answers.$phase.*";
    my (@problems, %events);

    push @problems, scalar(keys %line) . ' lines'
        if keys %line != $clients * $each;

    for my $row (sort keys %line) {
        my ($n) = $row =~ /(\d+)$/;
        my ($code, $reason) = @{ planned($n) };
        my ($status, $result, $event, $identity, $who) = @{ $line{$row} };
        my $bad = $reason ne 'ok';
        my $named = $bad && $reason !~ /^(?:bad_signature|no_credentials)$/;
        my $refuses = !$bad ? 0 : $on // ($event eq 'refused');
        my @want = ($refuses ? $code : 200, $reason,
            !$bad ? '' : $refuses ? 'refused' : 'would_refuse',
            !$bad ? $id : $refuses && $reason =~ /^(?:wrong_b|not_o)/ ? $id
            : '', $named ? $id : '');

        $events{"$reason $event"}++;
        push @problems, "$row: @{ $line{$row} }, not @want"
            if "@{ $line{$row} }" ne "@want";
        push @problems, "$row: the client saw $status{$row}"
            if $status{$row} != $want[0];
    }

    return (\@problems, \%events);
}


# what the upstream saw of a phase: the bad ones without an identity

sub problems_upstream {
    my ($phase, $rows) = @_;

    my @problems;
    my %seen;

    for my $saw ($gw->upstream->since(0)) {
        my ($row) = ($saw->{headers}{'x-row'}[0] // '')
            =~ /^(\Q$phase\E\.\d+\.\d+)\.\d+$/ or next;
        my ($n) = $row =~ /(\d+)$/;
        my (undef, $reason, undef, $where) = @{ planned($n) };
        my $identity = join ' ', map { $saw->{headers}{$_}[0] // '-' }
            qw(x-partner-id x-business-id);
        my $wanted = $reason eq 'ok' ? "$id $where" : '- -';

        $seen{$row} = 1;
        push @problems, "$row: $identity, not $wanted"
            if $identity ne $wanted;
    }

    push @problems, scalar(keys %seen) . " at the upstream, not $rows"
        if defined $rows && keys %seen != $rows;

    return @problems;
}


my $all = $clients * $each;
my $bad_in_all = $all / 10;
my %bad_each = map { $_->[1] => $bad_in_all / @bad } @bad;

# log

wait_for_clients(run_clients('log'));

{
    my ($problems, $events) = problems_of('log', 0);

    is_deeply([@$problems[0 .. ($#$problems > 5 ? 5 : $#$problems)]], [],
        'D3 load, log: none is refused');
    is_deeply($events, { 'ok ' => $all - $bad_in_all,
        map { ("$_ would_refuse" => $bad_each{$_}) } keys %bad_each },
        'D3 load, log: the counts are exact');
    is_deeply([problems_upstream('log', $all)], [],
        'D3 load, log: the upstream saw all, the bad ones without identity');
}

# a reload, under load

my @pids = run_clients('reload');

sleep 0.3;
ok($gw->nginx->reload($conf =~ s/%%ENFORCE%%/on/r), 'D3 load: a reload');
$gw->new_workers;
wait_for_clients(@pids);

{
    my ($problems) = problems_of('reload', undef);

    is_deeply([@$problems[0 .. ($#$problems > 5 ? 5 : $#$problems)]], [],
        'D3 load, reload: each is refused or let through, as it is logged');
    is_deeply([problems_upstream('reload')], [],
        'D3 load, reload: no identity of a bad one at the upstream');
}

# on

wait_for_clients(run_clients('on'));

{
    my ($problems, $events) = problems_of('on', 1);

    is_deeply([@$problems[0 .. ($#$problems > 5 ? 5 : $#$problems)]], [],
        'D3 load, on: exactly those are refused');
    is_deeply($events, { 'ok ' => $all - $bad_in_all,
        map { ("$_ refused" => $bad_each{$_}) } keys %bad_each },
        'D3 load, on: the counts are exact');
    is_deeply([problems_upstream('on', $all - $bad_in_all)], [],
        'D3 load, on: the upstream saw none of them');
}

$gw->finish;
