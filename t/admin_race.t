# P11.2: two writers at once.  With If-Match, or If-None-Match, one of them
# gets 412; without, none sees half of the other's change.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Admin;
use AGW::Client;

my $admin = AGW::Admin->start(workers => 4);
my $n = 12;

# the responses to requests that are all sent before one is read

sub at_once {
    my (@requests) = @_;

    my @clients = map {
        my ($method, $path, $body, @headers) = @$_;
        my $client = AGW::Client->connect(
            unix => $admin->prefix . '/admin.sock');

        $client->send(join("\r\n", "$method /admin/$path HTTP/1.1",
            'Host: localhost', 'Connection: close', @headers,
            'Content-Type: application/json', 'Content-Length: '
            . length $body) . "\r\n\r\n" . substr $body, 0, -1);
        [$client, substr $body, -1];
    } @requests;

    $_->[0]->send($_->[1]) for @clients;

    return map { $_->[0]->response(timeout => 60) } @clients;
}

sub statuses {
    my %count;

    $count{$_->status}++ for @_;

    return \%count;
}

# each creates the same

is_deeply(statuses(at_once(map { ['PUT', 'partners/p-1',
    qq({"name":"n-$_"}), 'If-None-Match: *'] } 1 .. $n)),
    { 201 => 1, 412 => $n - 1 }, 'P11.2 one of them creates it');

# each changes what it has read

for my $round (1 .. 10) {
    my $tag = AGW::Admin::tag($admin->ask('GET', 'partners/p-1'));
    my @got = at_once(map { ['PATCH', 'partners/p-1',
        qq({"name":"r-$round-$_"}), "If-Match: $tag"] } 1 .. $n);
    my ($won) = grep { $_->status == 200 } @got;

    is_deeply(statuses(@got), { 200 => 1, 412 => $n - 1 },
        "P11.2 round $round: one of them changes it");
    is_deeply($admin->ask('GET', 'partners/p-1')->json, $won->json,
        "P11.2 round $round: and what it was told is there");
}

# two members, by two writers, who know nothing of each other

for my $round (1 .. 10) {
    at_once(['PATCH', 'partners/p-1', qq({"name":"x-$round"})],
        ['PATCH', 'partners/p-1', qq({"scopes":["y-$round"]})]);

    my $got = $admin->ask('GET', 'partners/p-1')->json;

    is_deeply([$got->{name}, $got->{scopes}], ["x-$round", ["y-$round"]],
        "P11.2 round $round: no change is lost");
}

# a key is rolled and deleted

for my $round (1 .. 5) {
    my $key = $admin->ask('POST', 'partners/p-1/keys')->json->{key_id};
    my @got = at_once(map { ['POST', "partners/p-1/keys/$key/end", '{}'] }
        1 .. 4);

    is_deeply(statuses(@got), { 200 => 1, 404 => 3 },
        "P11.8 round $round: a key is ended once");
}

# the log has each

my %results;

$results{$_->{result}}++ for $admin->written;
is($results{'precondition failed'}, 11 * ($n - 1), 'P11.7 who lost');
is($results{'not found'}, 15, 'P11.7 and who came late');

$admin->finish;
