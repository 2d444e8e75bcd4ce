# D5, P1.6: the rotation of API keys.  t/operator_day.t has the commands of
# conf/README.md.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Gateway;
use AGW::Token qw(api_key key_digest);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $store = $gw->store;
my $witness = $gw->partner;

$gw->good_is(sub {
    return $gw->request('POST', '/token', quiet => 1,
        basic => [@$witness{qw(id key)}])->status == 200;
});

sub ask {
    my ($id, $key) = @_;

    return $gw->request('POST', '/token', basic => [$id, $key]);
}

sub granted {
    my ($name, @who) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $response = ask(@who);

    is($response->status, 200, "P1.6 $name");

    return $response;
}

sub refused {
    my ($name, @who) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $response = ask(@who);

    $gw->refused("P1.6 $name", $response, 'invalid_client', by => 'basic',
        kid => undef, partner => $who[0]);

    return $response;
}

sub new_key {
    my ($id, %opt) = @_;

    my $key = $gw->keep_secret(api_key());

    return $store->add_key($id, $key, %opt);
}

# every case of two keys at once

{
    my $now = int time;
    my %when = (
        'without dates' => [1],
        'since the beginning' => [1, not_before => 0],
        'since a second ago' => [1, not_before => $now - 1],
        'since now' => [1, not_before => $now],
        'until much later' => [1, expires_at => 7_258_118_400],
        'until in an hour' => [1, expires_at => $now + 3600],
        'within its time' => [1, not_before => $now - 1,
            expires_at => $now + 3600],
        'from in an hour' => [0, not_before => $now + 3600],
        'from much later' => [0, not_before => 7_258_118_400],
        'until a second ago' => [0, expires_at => $now - 1],
        'until now' => [0, expires_at => $now],
        'until long ago' => [0, expires_at => 1],
        'all in the past' => [0, not_before => 1, expires_at => 2],
        'all in the future' => [0, not_before => $now + 3600,
            expires_at => $now + 7200],
    );

    for my $one (sort keys %when) {
        my $partner = $gw->partner;
        my $id = $partner->{id};
        my ($good, %opt) = @{ $when{$one} };
        my $key = new_key($id, %opt);

        ($good ? \&granted : \&refused)->("a key $one", $id, $key);
        granted("beside one $one", $id, $partner->{key});
        refused("another key beside one $one", $id, api_key());
    }
}

# three at once, and each alone

{
    my $partner = $gw->partner;
    my $id = $partner->{id};
    my @keys = ($partner->{key}, map { new_key($id) } 1 .. 2);

    granted("key $_ of three", $id, $keys[$_ - 1]) for 1 .. 3;
    $store->sql("DELETE FROM api_keys WHERE key_sha256 = '"
        . key_digest($keys[1]) . "'");
    granted('the first of those left', $id, $keys[0]);
    refused('the one that was deleted', $id, $keys[1]);
    granted('the last of those left', $id, $keys[2]);

    # one key of two partners is no key of a third

    my ($one, $two) = map { $gw->partner->{id} } 1 .. 2;

    $store->add_key($one, $keys[0]);
    granted('a key that two have', $one, $keys[0]);
    refused('and a third has not', $two, $keys[0]);
    $store->sql('DELETE FROM api_keys WHERE key_sha256 = \''
        . key_digest($keys[0]) . "' AND partner_id = '$id'");
    refused('deleted for one', $id, $keys[0]);
    granted('is still the other\'s', $one, $keys[0]);
}

# The very second: not_before counts from its beginning, expires_at is the
# first second that is too late.

{
    my $id = $gw->partner->{id};
    my $turn = 2 + int time;
    my $old = new_key($id, expires_at => $turn);
    my $next = new_key($id, not_before => $turn);
    my (%early, %late);

    while (time < $turn + 0.6 || !%late) {
        my $before = time;
        my @got = map { ask($id, $_)->status } $old, $next;
        my $after = time;

        # nginx's clock is up to a few milliseconds behind

        $early{"@got"}++ if $after < $turn;
        $late{"@got"}++ if $before > $turn + 0.1;
        sleep 0.01;
    }

    is_deeply([keys %early], ['200 401'], 'P1.6 until the second before');
    is_deeply([keys %late], ['401 200'], 'P1.6 from that second on');
}

# refusals for every cause have the same bytes

{
    my $partner = $gw->partner;
    my $id = $partner->{id};
    my $now = int time;
    my $wrong = refused('a wrong key', $id, api_key())->same_bytes;

    is(refused("one $_->[0]", $id, new_key($id, @$_[1, 2]))->same_bytes,
        $wrong, 'P1.6 the same bytes') for
        ['before its time', not_before => $now + 60],
        ['after its time', expires_at => $now - 60];
}

$gw->finish;
