# P12.2: counters are exact, whichever worker serves a request, and go on over
# reloads.  What is compared with them is the access log, line by line.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(slurp spew worker_ids);
use AGW::Gateway;
use AGW::Metrics qw(scrape until_scraped);
use AGW::Skip qw(skip_all_for);

skip_all_for('ab', 'exact counters are')
    if system('command -v ab >/dev/null') != 0;

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    log_format result '$pid $uri $auth_gateway_result';
    access_log %%PREFIX%%/logs/result.log result;
    log_subrequest on;
    keepalive_requests 100000;

    server {
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_require_https off;

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            alias %%PREFIX%%/html/;
        }

        # subrequests, and a second pass

        location /v1/businesses/b-1/sub/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            add_after_body /open/x;
            alias %%PREFIX%%/html/;
        }

        location /v1/businesses/b-1/page/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            auth_gateway_intercept_errors on;
            error_page 401 = /open/x;
            alias %%PREFIX%%/html/;
        }

        location /open/ {
            auth_gateway_require off;
            alias %%PREFIX%%/html/;
        }

        location = /token { auth_gateway_token partner; }
        location = /revoke { auth_gateway_revoke token; }
        location = /metrics { auth_gateway_metrics; }
    }
}
CONF

my $gw = AGW::Gateway->start($conf, workers => 4, log_level => 'warn',
    allow => [qr/worker process \d+ exited on signal 9/],
    before => sub {
        spew("$_[0]/html/x", "a file\n", 0644);
        mkdir "$_[0]/html/b-1" or die "mkdir: $!\n";
        chmod 0755, "$_[0]/html/b-1";
        spew("$_[0]/html/b-1/x", "a file\n", 0644);
    });
my $port = $gw->nginx->port('PLAIN');
my $partner = $gw->partner;
my @mine = (partner_id => $partner->{id}, business_id => 'b-1');
my $good = $gw->mint(@mine);
my $expired = $gw->mint(@mine, claims => { iat => time - 90,
    exp => time - 60 });
my $other = $gw->mint(@mine, business_id => 'b-2');
my $forged = $good =~ s/\.(.)([^.]+)\z/'.' . ($1 eq 'A' ? 'B' : 'A') . $2/er;

$gw->keep_secret($forged);


# what the access log says, without the line of the last scrape

sub logged {
    my @lines = map { [split / /, $_, -1] } split /\n/,
        slurp($gw->prefix . '/logs/result.log');
    my %results;

    # a subrequest has the result of its request, and is no other

    $results{$_->[2]}++
        for grep { $_->[2] ne '-' && !subrequest(@$_) } @lines;
    $results{ok}--;

    return \%results;
}


sub subrequest {
    my (undef, $uri, $result) = @_;

    return $uri eq '/open/x' && $result eq 'ok';
}


sub counted {
    my ($found) = @_;

    return { map { /^requests_total\{result="(\w+)",enforced="on"\}$/
        && $found->{$_} ? ($1 => $found->{$_}) : () } keys %$found };
}


sub same {
    my ($one, $other) = map { my $h = $_; join ' ', map { "$_=$h->{$_}" }
        sort keys %$h } @_;

    return $one eq $other;
}


# n requests by ab, in the background

sub load {
    my ($n, $path, @headers) = @_;

    my $pid = fork() // die "fork: $!\n";

    if (!$pid) {
        open STDOUT, '>', '/dev/null' or die "/dev/null: $!\n";
        open STDERR, '>', '/dev/null' or die "/dev/null: $!\n";
        exec 'ab', '-r', '-k', '-q', '-l', '-c', 8, '-n', $n,
            (map { ('-H', $_) } @headers), "http://127.0.0.1:$port$path"
            or die "ab: $!\n";
    }

    return $pid;
}


sub bearer { return 'Authorization: Bearer ' . $_[0] }


# five mixes at the same time; a part of them all together is 1

sub load_all {
    my ($n) = @_;

    return map { load($n * $_->[0], @$_[1 .. $#$_]) }
        [0.4, '/v1/businesses/b-1/x', bearer($good)],
        [0.2, '/v1/businesses/b-1/x', bearer($expired)],
        [0.2, '/v1/businesses/b-1/x', bearer($other)],
        [0.1, '/v1/businesses/b-1/page/x', bearer($forged)],
        [0.1, '/v1/businesses/b-1/sub/x'];
}


# An answer comes before its line and its count: one may be missing in both, if
# it is not said how many there must be.

sub exact {
    my ($name, %least) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $logged;
    my $found = until_scraped($gw, sub {
        my $counted = counted($_[0]);

        $logged = logged();

        return same($counted, $logged)
            && !grep { ($counted->{$_} // 0) < $least{$_} } keys %least;
    });

    is_deeply(counted($found), $logged, $name);

    return $found;
}


my $n = $ENV{AGW_PRELOAD} ? 10_000 : 100_000;

{
    waitpid $_, 0 for load_all($n);

    my $found = exact("P12.2 $n requests over four workers are counted once",
        ok => $n * 0.4, expired => $n * 0.2, wrong_business => $n * 0.2,
        bad_signature => $n * 0.1, no_credentials => $n * 0.1);
    my $results = counted($found);

    is($results->{expired}, $n * 0.2, 'P12.2 as many as were sent');
    is($results->{bad_signature}, $n * 0.1,
        'P12.2 once for each request, whatever an error page does');
    is($results->{no_credentials}, $n * 0.1, 'P12.2 without credentials');

    my %pids = map { (split / /)[0] => 1 } split /\n/,
        slurp($gw->prefix . '/logs/result.log');

    cmp_ok(scalar keys %pids, '>', 1, 'P12.2 more than one worker served');
    cmp_ok($found->{token_cache_hits_total}, '>', $n * 0.5,
        'P12.2 tokens that were cached');
    cmp_ok($found->{token_cache_misses_total}, '>=', $n * 0.1,
        'P12.2 what is never cached is missed');
}

# nothing where the module does nothing

{
    my $before = exact('P12.2 before requests that need no token');

    $gw->request('GET', '/open/x', port => 'PLAIN', quiet => 1) for 1 .. 5;

    my $after = counted(exact('P12.2 and after them'));

    delete $_->{ok} for $after, $before = counted($before);
    is_deeply($after, $before, 'P12.2 nothing else is counted');
}

# over reloads, under load: another store, another size of the zone

{
    my $copy = $gw->prefix . '/store/other.db';
    my (undef, $uid, $gid) = worker_ids();

    $gw->store->sql("VACUUM INTO '$copy'");
    chown $uid, $gid, $copy if defined $uid;

    my $before = scrape($gw);
    my @loads = load_all($n / 10);

    for my $other ($conf =~ s/gateway\.db/other.db/r,
        $conf =~ s/^http \{/http {\n    auth_gateway_zone 1m;/r, $conf)
    {
        ok($gw->nginx->reload($other), 'P12.2 a reload');

        my $after = scrape($gw);
        my @back = grep { /_(?:total|bucket|count|sum)\b/
            && $after->{$_} < $before->{$_} } sort keys %$before;

        is(join(' ', @back), '', 'P12.2 no counter goes back');
        $before = $after;
    }

    waitpid $_, 0 for @loads;
    $gw->new_workers;
    exact('P12.2 exact after three reloads under load');
}

# a worker that is killed: what it counted stays

{
    my ($first) = $gw->nginx->workers;
    my $before = scrape($gw);

    kill 'KILL', $first;
    ok($gw->nginx->wait_for_workers_other_than($first),
        'P12.2 another worker comes');
    $gw->new_workers;

    my $after = scrape($gw);

    cmp_ok($after->{'requests_total{result="expired",enforced="on"}'}, '==',
        $before->{'requests_total{result="expired",enforced="on"}'},
        'P12.2 what a killed worker counted stays');
}

# tokens, revocations, and the store's time for them

{
    my $before = scrape($gw);
    my @basic = (basic => [@$partner{qw(id key)}]);
    my $token = $gw->request('POST', '/token', port => 'PLAIN', @basic)
        ->json->{access_token};

    $gw->keep_secret($token);
    is($gw->request('POST', '/revoke', port => 'PLAIN', @basic,
        form => "token=$token")->status, 200, 'P12.2 a token is revoked');
    is($gw->request('POST', '/token', port => 'PLAIN',
        basic => [$partner->{id}, 'wrong'])->status, 401,
        'P12.2 a request without success');

    my $after = until_scraped($gw, sub {
        $_[0]{'requests_total{result="invalid_client",enforced="on"}'} });
    my %more = map { $_ => $after->{$_} - $before->{$_} } keys %$before;

    is($more{'tokens_issued_total{kind="partner"}'}, 1, 'P12.2 one token');
    is($more{'tokens_issued_total{kind="business"}'}, 0, 'P12.2 no other');
    is($more{'revocations_written_total{kind="token"}'}, 1,
        'P12.2 one revocation');
    is($more{'store_seconds_count{operation="api_key"}'}, 3,
        'P12.2 three queries');
    is($more{'store_seconds_count{operation="revoke"}'}, 1,
        'P12.2 one write');
    is($more{'store_seconds_bucket{operation="api_key",le="+Inf"}'}, 3,
        'P12.2 a histogram has them all');
    cmp_ok($more{'store_seconds_sum{operation="revoke"}'}, '>', 0,
        'P12.2 which took a time');
    is($after->{store_writes_waiting}, 0, 'P12.2 none waits');
    cmp_ok($after->{revocations}, '>', 0, 'P12.2 the zone has entries');
}

$gw->finish;
