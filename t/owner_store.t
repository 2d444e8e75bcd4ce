# D5, `owner` and a store that is slow, locked or broken: owners wait,
# or get 503 with Retry-After; business tokens in the same location need no
# store, and notice nothing; and all is well as soon as the store is, on the
# same worker.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IPC::Open3 qw(open3);
use Test::More;
use Time::HiRes qw(sleep time);

use AGW::FaultyStore;
use AGW::Files qw(slurp);
use AGW::Store;

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business owner;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }

        location ~ ^/token/[^/]+$ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location /v1/businesses/ {
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /owner/ {
            auth_gateway_require owner;
            auth_gateway_business_path /owner/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /any/ {
            satisfy any;
            allow all;
            auth_gateway_business_path /any/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /intercepted/ {
            auth_gateway_intercept_errors on;
            error_page 503 @page;
            auth_gateway_business_path /intercepted/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location @page {
            auth_gateway_require off;
            return 503 "the page";
        }
    }
}
CONF

my $gw = AGW::FaultyStore->start($conf);
my ($id, $business) = @$gw{qw(id business)};
my $mine = AGW::Gateway::bearer($gw->{partner_token});
my @places = ('/v1/businesses', '/owner', '/any');

sub owner {
    my ($place, %opt) = @_;

    return $gw->request($opt{method} // 'GET', "$place/$business/x",
        bearer => $gw->{partner_token}, %opt);
}

sub begin {
    my ($target) = @_;

    my $client = $gw->connect;

    $client->send("GET $target HTTP/1.1\r\nHost: localhost\r\n$mine\r\n\r\n");

    return $client;
}

# P1.10, for owners: 503, and the log says why; others are not touched

sub unavailable {
    my ($name, $pattern) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $file = $gw->file;

    for my $place (@places) {
        my $watch = $gw->stopwatch;
        my $response = owner($place);
        my $took = $watch->seconds;

        $gw->refused("P1.10 $name: $place", $response, 'store_unavailable',
            partner => $id, kid => 'k1');
        cmp_ok($took, '<', 1.6, 'P1.10 in good time');
        like($gw->log_text, qr/\[error\].*auth_gateway: store "\Q$file\E" /,
            'P1.10 the log names the store');
        like($gw->log_text, $pattern, 'P1.10 and says what is wrong');
    }

    my $r = owner('/intercepted');

    is($r->status, 503, "D3 $name: intercepted");
    is($r->body, 'the page', 'D3 by the page');
    is($r->header('Retry-After'), 1, 'P1.10 with Retry-After');
    $gw->guarded_is_fast($name);

    return;
}

sub available {
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is(join(' ', map { owner($_)->status } @places), '200 200 200',
        "D5 $name: owners");
    is(($gw->upstream_saw)[0]{headers}{'x-business-id'}[0], $business,
        'D5 and the upstream is told of the business');
    is_deeply([$gw->problems_after], [], 'D5 on the same worker');

    return;
}

available('at first');


# slow: what takes less than a second is waited for

for my $held (0.1, 0.3, 0.6) {
    my $lock = $gw->lock_store;
    my $started = time;
    my @clients = map { begin("$_/$business/x") } @places;

    $gw->guarded_is_fast("locked for $held s") if $held > 0.2;
    sleep $held - (time - $started) if time - $started < $held;
    $gw->release($lock);
    is(join(' ', map { $_->response->status } @clients), '200 200 200',
        "D9 locked for $held s: owners wait");
    cmp_ok(time - $started, '>=', $held, 'D9 for the store');
    available("after $held s");
}

# another process writes: readers of a WAL never wait

{
    my $pid = open3(my $in, my $out, undef, 'sqlite3',
        $gw->file);

    print {$in} "BEGIN IMMEDIATE;"
        . " UPDATE businesses SET status = 'archived'; SELECT 'held';\n";
    $in->flush;
    readline $out;

    my $watch = $gw->stopwatch;

    available('while another process writes');
    cmp_ok($watch->seconds, '<', 0.5, 'D5 without waiting');
    print {$in} "ROLLBACK;\n";
    close $in;
    waitpid $pid, 0;
}


# locked for longer: 503 after a second, one or many, and again

{
    my $lock = $gw->lock_store;
    my $started = time;

    unavailable('locked', qr/stays locked by another process/);
    cmp_ok(time - $started, '>', 3.5, 'D5 each of four waited a second');

    my @clients = map { begin("$_/$business/x") } (@places) x 10;

    my $watch = $gw->stopwatch;

    $gw->guarded_is_fast('thirty owners wait');
    is(join(' ', map { $_->response->status } @clients),
        join(' ', (503) x 30), 'P1.10 each of thirty at once');
    cmp_ok($watch->seconds, '<', 1.6, 'P1.10 in one second');

    # on one connection, a 503 and then what there is

    my $client = begin("/owner/$business/x");

    is($client->response->status, 503, 'P1.10 on a connection');
    $gw->release($lock);
    is($client->request('GET', "/owner/$business/x", headers => [$mine])
        ->status, 200, 'D5 which is good for the next');

    my $h2 = $gw->connect_h2;

    is($h2->request('GET', "/owner/$business/x", headers =>
        [['authorization', $mine =~ s/^Authorization: //r]])->status, 200,
        'D5 over HTTP/2');
    $h2->close;
    available('after a lock');
}


# failing: no database, a corrupt one, another one, none; with a body on its
# way, which is not the next request

sub by_hand {
    my ($sql) = @_;

    my $other = $gw->prefix . '/by_hand.db';

    unlink $other;
    AGW::Store->new($other)->sql($sql);

    return slurp($other);
}

my $bytes = $gw->bytes;
my $page = unpack 'x16 n', $bytes;

for my $case (
    ['not a database', "This is a text.\n" x 1000, qr/not a database/],
    ['a corrupt schema', substr($bytes, 0, 100)
        . "\xff" x ($page - 100) . substr($bytes, $page), qr/malformed/],
    ['a newer version', by_hand('PRAGMA user_version = 7'),
        qr/user_version 7, it must be 2/],
    ['our version without a table', by_hand('PRAGMA user_version = 1'),
        qr/no such table/],
    ['an empty file', '', qr/empty|user_version/],
) {
    my ($name, $content, $pattern) = @$case;

    $gw->put($content);
    unavailable($name, $pattern);

    my $client = $gw->connect;
    my $body = "GET /owner/$business/smuggled HTTP/1.1\r\nHost: x\r\n"
        . "$mine\r\n\r\n";

    $client->send("POST /owner/$business/x HTTP/1.1\r\nHost: localhost\r\n"
        . "$mine\r\nContent-Length: " . length($body) . "\r\n\r\n$body");
    is($client->response->status, 503, "P1.10 $name: with a body");
    $gw->put;
    $client->send("GET /owner/$business/x HTTP/1.1\r\nHost: localhost\r\n"
        . "$mine\r\n\r\n");
    is($client->response->status, 200, 'D6 and the next is another');
    ok(!(grep { $_->{target} =~ /smuggled/ } $gw->upstream_saw),
        'D6 a body is no request');
    available("after $name");
}

{
    my $dir = $gw->dir;

    rename $dir, "$dir.away" or die "rename: $!\n";
    unavailable('a directory that was taken away', qr/unable to open/);
    rename "$dir.away", $dir or die "rename: $!\n";
    available('after it is back');
}

# What another store says counts from the next request on.  Its triggers would
# write a cut-off as well, which some moment later refuses every token.

my $triggers = join ' ', map { "DROP TRIGGER $_;" } split /\n/,
    $gw->store->sql("SELECT name FROM sqlite_master WHERE type = 'trigger'");

for (["UPDATE businesses SET status = 'archived'", 'archived_business'],
    ["UPDATE partners SET status = 'disabled'", 'revoked'],
    ['DELETE FROM businesses', 'unknown_business'],
    ['DELETE FROM partners', 'revoked'])
{
    my ($sql, $reason) = @$_;

    $gw->store->sql("PRAGMA foreign_keys = OFF; BEGIN; $triggers $sql;"
        . ' COMMIT');
    $gw->refused("D5 $sql", owner('/v1/businesses'), $reason,
        partner => $id, kid => 'k1');

    $gw->put;
    available("after $sql");
}

# it fails while owners wait for it

{
    my $lock = $gw->lock_store;
    my @clients = map { begin("$_/$business/x") } @places;

    sleep 0.2;
    unlink $gw->file . $_ for '-wal', '-shm';
    rename $gw->file, $gw->file . '.away' or die "rename: $!\n";
    is(join(' ', map { $_->response->status } @clients), '503 503 503',
        'P1.10 the file goes while it is waited for');
    $gw->release($lock);
    $gw->put;
    available('after that');
}

$gw->finish;
