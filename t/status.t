# P12.0, P12.1: whether the gateway is ready, in each state that it can be in,
# on each engine.  The status is 503 exactly when a token gets 503 for what is
# revoked.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Engine;
use AGW::Files qw(repo_root slurp spew worker_ids);
use AGW::Gateway;
use AGW::Keys;
use AGW::Metrics qw(scrape);
use AGW::Skip qw(skip_for);
use AGW::Stopwatch;
use AGW::Store;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_zone 64k;
    auth_gateway_revocations_stale 2s;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_key %%PREFIX%%/theirs.pem verify issuer=urn:theirs kid=k2;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /token { auth_gateway_token partner; }
        location = /revoke { auth_gateway_revoke token; }
        location = /status { auth_gateway_status; }
        location = /metrics { auth_gateway_metrics; }
    }
}
CONF

my $bare = <<'CONF';
http {
    server {
        listen 127.0.0.1:%%PLAIN%%;

        location = /status { auth_gateway_status; }
        location = /metrics { auth_gateway_metrics; }

        # each as a subrequest

        location /asks/status/ {
            auth_request /status;
            alias %%PREFIX%%/html/;
        }

        location /asks/metrics/ {
            auth_request /metrics;
            alias %%PREFIX%%/html/;
        }
    }
}
CONF

my $full = qr/auth_gateway: the zone (?:is full|has no room for)/;
my $away = qr/auth_gateway: store "/;

# the command line is of the same version

my ($version) = slurp(repo_root() . '/src/core/agw.h')
    =~ /^#define AGW_VERSION +"([\d.]+)"$/m;
my %versions = (module => qr/^\Q$version\E$/, nginx => qr/^1\.\d+\.\d+$/,
    openssl => qr/^3\.\d+\.\d+/, jansson => qr/^2\.\d+/);
my $gw;


sub answered { return $gw->request('GET', '/status', quiet => 1,
    port => 'PLAIN') }


# until the status is that word; asserts the response and the metric beside it

sub becomes {
    my ($word, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $watch = AGW::Stopwatch->start($gw->nginx->workers);
    my $response = answered();

    while ($response->json->{status} ne $word && $watch->seconds < 30) {
        sleep 0.05;
        $response = answered();
    }

    my @problems = problems($response, $word eq 'ready' ? 200 : 503);

    push @problems, "the status is $response->json->{status}"
        if $response->json->{status} ne $word;
    ok(!@problems, "P12.1 $name: $word")
        or diag(join "\n", @problems, $response->body);

    return $response->json;
}


# P0.1

sub problems {
    my ($response, $status) = @_;

    my %want = ('Content-Type' => 'application/json',
        'Cache-Control' => 'no-store', Pragma => 'no-cache',
        'Content-Length' => length $response->body);
    my @problems = map { "$_ is " . ($response->header($_) // 'not there') }
        grep { ($response->header($_) // '') ne $want{$_} } sort keys %want;

    push @problems, 'status ' . $response->status
        if $response->status != $status;

    return @problems;
}


# what a token gets, and what the metric says

sub agrees {
    my ($name, $token, $business, $ready) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($gw->request('GET', "/v1/businesses/$business/x", quiet => 1,
        bearer => $token)->status, $ready ? 200 : 503,
        "P12.1 $name: and so are tokens");
    is(scrape($gw)->{ready}, $ready, "P12.1 $name: and so is the metric");

    return;
}


sub lose {
    my ($engine) = @_;

    return $engine->{redis}->kill if $engine->name eq 'redis';

    # a copy that another process has locked takes the place of the file

    my $file = $gw->prefix . '/store/gateway.db';
    my (undef, $uid, $gid) = worker_ids();

    $engine->store->sql("VACUUM INTO '$file.copy'");
    chown $uid, $gid, "$file.copy" if defined $uid;
    $gw->{held} = AGW::Store->new("$file.copy")->hold(
        'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;')
        // die "the store cannot be locked\n";
    rename "$file.copy", $file or die "rename: $!\n";
    unlink "$file-wal", "$file-shm";

    return;
}


sub find {
    my ($engine) = @_;

    return $engine->{redis}->restart if $engine->name eq 'redis';

    return AGW::Store::release(delete $gw->{held}, 'COMMIT;');
}


sub revoke_many {
    my ($engine, $n) = @_;

    if ($engine->name eq 'redis') {
        $engine->store->revoke('partner', "p$_") for 1 .. $n;
        return;
    }

    $engine->store->sql('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL'
        . " SELECT i + 1 FROM n WHERE i < $n)"
        . ' INSERT INTO revocations (kind, id, cutoff, expires_at)'
        . " SELECT 'partner', 'p' || i, unixepoch(), unixepoch() + 90000"
        . ' FROM n');

    return;
}


sub states {
    my ($name) = @_;

    $gw = AGW::Gateway->start($conf, engine => $name, workers => 2,
        allow => [$full, $away], before => sub {
            spew("$_[0]/theirs.pem",
                AGW::Keys->new('ES256')->form('public, SPKI'), 0644);
        });

    my $engine = $gw->{engine};
    my $partner = $gw->partner;
    my $business = $gw->business($partner);
    my @basic = (basic => [@$partner{qw(id key)}]);
    my $token = $gw->mint(partner_id => $partner->{id},
        business_id => $business);
    my $ended = $gw->mint(partner_id => $partner->{id},
        business_id => $business);

    # ready

    my $json = becomes('ready', "$name, a start");

    agrees("$name, a start", $token, $business, 1);
    is_deeply([sort keys %$json], [qw(engine entries feed keys reachable
        status versions zone)], "P12.1 $name: the members");
    is($json->{engine}, $name, "P12.1 $name: the engine");
    ok($json->{reachable}, "P12.1 $name: which answers");
    is($json->{entries}, 0, "P12.1 $name: nothing is revoked");
    is_deeply($json->{keys}, [
        { kid => 'k1', alg => 'HS256', use => 'sign' },
        { kid => 'k2', alg => 'ES256', use => 'verify',
            issuer => 'urn:theirs' }], "P12.1 $name: the keys");
    like($json->{versions}{$_}, $versions{$_}, "P12.1 $name: version of $_")
        for sort keys %versions;
    like($json->{versions}{$name eq 'redis' ? 'hiredis' : 'sqlite'},
        qr/^\d+\.\d+/, "P12.1 $name: and of its library");
    cmp_ok($json->{feed}{age}, '>=', 0, "P12.1 $name: an age");

    # what it knows

    is($gw->request('POST', '/revoke', quiet => 1, @basic,
        form => "token=$ended")->status, 200, "P12.1 $name: a revocation");
    $json = becomes('ready', "$name, with a revocation");
    cmp_ok($json->{entries}, '>', 0, "P12.1 $name: is an entry");
    cmp_ok($json->{zone}{used}, '>', 0, "P12.1 $name: and takes room");
    cmp_ok($json->{zone}{used}, '<', $json->{zone}{size},
        "P12.1 $name: some of it");

    my $said = answered()->body;

    is(index($said, $_), -1, "P12.1 $name: no secret, no partner")
        for $partner->{id}, $partner->{key}, $business, $gw->{secret};

    # a revocation that comes late; a worker may be stopped while it writes, and
    # then nobody else can

    my @workers = $gw->nginx->workers;

    for (1 .. 20) {
        kill 'STOP', @workers;
        last if eval { $engine->store->revoke('partner', 'late'); 1 };
        kill 'CONT', @workers;
        sleep 0.3;
    }

    sleep 3;
    kill 'CONT', @workers;

    my $late = AGW::Stopwatch->start(@workers);

    sleep 0.1 while ($json = answered()->json)->{feed}{lag} < 1
        && $late->seconds < 20;
    cmp_ok($json->{feed}{lag}, '>=', 1, "P12.1 $name: the lag of one that"
        . ' came late');
    cmp_ok($json->{feed}{lag}, '<', 60, "P12.1 $name: which is about that");

    # stale

    lose($engine);
    $json = becomes('stale', "$name, without the store");
    agrees("$name, without the store", $token, $business, 0);
    cmp_ok($json->{feed}{age}, '>', 2, "P12.1 $name: and says since when");

    my $watch = AGW::Stopwatch->start($gw->nginx->workers);

    sleep 0.1 while answered()->json->{reachable} && $watch->seconds < 30;
    ok(!answered()->json->{reachable}, "P12.1 $name: it does not answer");
    is(scrape($gw)->{"store_up{engine=\"$name\"}"}, 0,
        "P12.1 $name: nor for the metric");
    find($engine);
    becomes('ready', "$name, with the store again");
    agrees("$name, with the store again", $token, $business, 1);

    # overflow

    revoke_many($engine, 1500);
    becomes('overflow', "$name, a zone that is too small");
    agrees("$name, a zone that is too small", $token, $business, 0);
    cmp_ok(scrape($gw)->{revocations_unfit}, '>', 0,
        "P12.1 $name: some did not fit");

    # starting: a zone that was filled from nothing yet

    lose($engine);
    ok($gw->nginx->reload($conf =~ s/64k/1m/r), "P12.1 $name: a reload");
    $gw->new_workers;
    $json = becomes('starting', "$name, a new zone without the store");
    agrees("$name, a new zone without the store", $token, $business, 0);
    is_deeply($json->{feed}, { age => undef, lag => undef },
        "P12.1 $name: nothing is known yet");
    ok(!exists scrape($gw)->{feed_age_seconds},
        "P12.1 $name: no age for the metric");
    find($engine);
    $json = becomes('ready', "$name, a zone that is large enough");
    agrees("$name, a zone that is large enough", $token, $business, 1);
    cmp_ok($json->{entries}, '>=', 1500, "P12.1 $name: all is known");

    return;
}


my %can = map { $_ => 1 } AGW::Engine->all;

for my $name (qw(sqlite redis)) {
    SKIP: {
        skip_for('redis', 'the states on Redis are') unless $can{$name};
        states($name);
    }
}

# without a store

{
    $gw = AGW::Gateway->start($bare, before => sub {
        spew("$_[0]/html/x", "a file\n", 0644);
    });

    my $json = becomes('ready', 'without a store');

    is($json->{$_}, undef, "P12.0 $_ is null without a store")
        for qw(engine reachable feed entries zone);
    is_deeply($json->{keys}, [], 'P12.0 without keys');

    my $found = scrape($gw);

    is($found->{ready}, 1, 'P12.0 the metrics are there');
    ok(!(grep { /^(?:store|feed|zone|revocations(?!_w))/ } keys %$found),
        'P12.0 but none of a store');

    # methods, and bodies

    for my $path ('/status', '/metrics') {
        my $client = $gw->connect('PLAIN');

        for my $method (qw(POST PUT DELETE OPTIONS PATCH)) {
            my $response = $client->request($method, $path,
                body => 'x' x 20_000);

            is($response->status, 405, "P12.0 $method $path");
            is($response->header('Allow'), 'GET, HEAD',
                'P0.3 what is allowed');
        }

        is($client->request('GET', $path, body => 'x' x 20_000)->status, 200,
            "P0.5 GET $path with a body");

        my $head = $client->request('HEAD', $path);

        is($head->status, 200, "P12.0 HEAD $path");
        is($head->body, '', 'P12.0 has no body');
        cmp_ok($head->header('Content-Length'), '>', 100,
            'P12.0 but its length');
        $client->close;

        is($gw->request('GET', "/asks$path/x", port => 'PLAIN')->status, 403,
            "P12.0 $path refuses to be a subrequest");
    }
}

$gw->finish;
