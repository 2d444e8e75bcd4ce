# P11.2 over Redis: a partner with more API keys than one reply may hold.  The
# reply to its list was refused in the middle, which ended the connection of the
# worker for the administration: whatever other requests waited for on it, they
# got 503.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Admin;
use AGW::Client;
use AGW::Files qw(slurp);
use AGW::Redis;

AGW::Redis::skip_all_without();

my $admin = AGW::Admin->start(engine => 'redis', workers => 1,
    allow => [qr/AGWLARGE/]);
my $redis = $admin->{store}->redis;
my $small = $admin->{store}->partner;
my $huge = $admin->{store}->partner;

$admin->{store}->business($small->{id});

# so many fields, with a name of so many bytes, or that are no API keys at all

sub fill {
    my ($key, $count, $size) = @_;

    my @fields;

    for my $number (1 .. $count) {
        push @fields, $size ? (sprintf('%064x', $number),
            sprintf '{"not_before":0,"key_id":"k%06d","name":"%s"}', $number,
                'x' x $size) : ($number, '');
        $redis->call('HSET', $key, splice @fields)
            if @fields == 1000 || $number == $count;
    }

    return;
}

# requests that are all sent before the first answer is read; nginx reads them
# in one turn of its loop or in several, and sends what they ask for on one
# connection

sub together {
    my (@requests) = @_;

    my @clients = map {
        my ($method, $path, $body) = @$_;
        my $client = AGW::Client->connect(
            unix => "$admin->{prefix}/admin.sock");

        $body //= '';
        $client->send("$method /admin/$path HTTP/1.1\r\nHost: localhost\r\n"
            . "Connection: close\r\nContent-Type: application/json\r\n"
            . 'Content-Length: ' . length($body) . "\r\n\r\n$body");
        $client;
    } @requests;

    return map { $_->response(timeout => 60) } @clients;
}

my @others = (['GET', 'partners'], ['GET', "partners/$small->{id}"],
    ['GET', "partners/$small->{id}/keys"], ['GET', "businesses"],
    ['GET', 'revocations'], ['PATCH', "partners/$small->{id}",
        '{"name":"a name"}']);

# how often the connection of the worker for the administration has ended

sub ended {
    return scalar(() = slurp($admin->nginx->error_log)
        =~ /the connection for administration to store .*(?:closed|ended)/g);
}

my $too_many = qr/^a partner has more credentials than can be read at once/;

sub is_too_large {
    my ($name, $r) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return $admin->refuses($name, $r, 'store_unavailable',
        accepted => $too_many);
}

is(ended(), 0, 'P11.2 the connection is there');

for (['bytes', 10_000, 800], ['fields', 130_000, 0]) {
    my ($what, $count, $size) = @$_;
    my $path = "partners/$huge->{id}/keys";

    fill("{agw}:api_keys:$huge->{id}", $count, $size);
    $admin->mark;

    for (['GET', $path], ['GET', "$path/k000001"], ['POST', $path, '{}'],
        ['DELETE', "$path/k000001"])
    {
        my ($method) = @$_;
        my ($first, @rest) = together($_, @others);

        is_too_large("P11.2 too many $what: $method", $first);
        is_deeply([map { $_->status } @rest], [(200) x @others],
            "P11.2 too many $what: $method, others notice nothing");
    }

    is_too_large("P11.5 too many $what: an import", $admin->ask('POST',
        'import', qq({"type":"api_key","partner_id":"$huge->{id}",)
        . '"key_sha256":"' . 'f' x 64 . qq("}\n),
        type => 'application/x-ndjson'));
    is_too_large("P11.5 too many $what: an export",
        $admin->ask('GET', 'export'));

    is($redis->call('HLEN', "{agw}:api_keys:$huge->{id}"), $count + 1,
        "P11.2 too many $what: nothing was written");
    is($admin->ask('GET', "partners/$huge->{id}")->status, 200,
        "P11.2 too many $what: the partner itself");
    like(slurp($admin->nginx->error_log),
        qr/administration: AGWLARGE \{agw\}:api_keys:\Q$huge->{id}\E has more/,
        "P11.2 too many $what: the log names the hash");
    is($admin->request('POST', '/token', basic => [@$huge{qw(id key)}])->status,
        200, "P11.2 too many $what: its tokens are issued as before");

    # those that have ended are removed: here all but that of the test

    $redis->call('DEL', "{agw}:api_keys:$huge->{id}");
    $admin->{store}->add_key($huge->{id}, $huge->{key});
    is($admin->ask('GET', $path)->status, 200,
        "P11.2 too many $what: it is listed with few");
}

# Two partners fit into a reply alone, and not together: an export has a reply
# of each.

{
    my @both = map { $admin->{store}->partner } 1, 2;

    fill("{agw}:api_keys:$_->{id}", 5000, 800) for @both;

    my ($lines, $after) = ('', '');

    for (1 .. 20) {
        my $page = $admin->ask('GET', "export?limit=1000$after");

        is($page->status, 200, 'P11.5 a page of an export');
        $lines .= $page->body;
        last if ($page->header('Link') // '') !~ /[?&](after=[^&>]*)/;
        $after = "&$1";
    }

    for my $id (map { $_->{id} } @both) {
        is((() = $lines =~ /"type":"api_key","partner_id":"\Q$id\E"/g), 5001,
            'P11.5 all keys of a partner are in it, once');
    }
}

is(ended(), 0, 'P11.2 the connection is still there');

$admin->finish;
