# D5, P1.6: the rotation of API keys, and the drill of conf/README.md as it is
# written there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(repo_root slurp);
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

# The drill.  The commands run as they stand; a week passes by moving what
# they wrote a week into the past.

my $readme = slurp(repo_root() . '/conf/README.md');
my ($section) = $readme =~ /^### Rotate an API key\n(.*?)^##/ms;
my (@numbers, @steps);

while ($section =~ m{
    ^(\d+)\.\ [^\n]*\n (?: \ {3}[^\n]*\n | \n )*?
    \ {3}```sh\n (.*?) ^\ {3}```
}gmsx) {
    push @numbers, $1;
    push @steps, $2 =~ s/^   //gmr;
}

is("@numbers", '1 2 3 4', 'D5 conf/README.md has a drill of four steps');

my $partner = $gw->partner;
my ($id, $old) = @$partner{qw(id key)};
my %shell = (store => $gw->prefix . '/store/gateway.db', partner => $id);

# runs one step in a shell that has what earlier ones set

sub run_step {
    my ($number) = @_;

    my $file = $gw->prefix . "/step$number";

    AGW::Files::spew($file, "set -euo pipefail\n$steps[$number - 1]\n"
        . "for name in next_key next_digest; do\n"
        . "    printf '\\0%s\\0%s' \"\$name\" \"\${!name-}\"\ndone\n", 0600);

    my $pid = open my $out, '-|';

    die "fork: $!\n" unless defined $pid;

    if ($pid == 0) {
        %ENV = (%ENV, %shell);
        exec 'bash', $file or POSIX::_exit(127);
    }

    my $said = do { local $/; readline($out) // '' };

    close $out;
    is($?, 0, "D5 step $number") or diag($said);

    ($said, my %set) = split /\0/, $said, -1;
    %shell = (%shell, %set);
    $gw->keep_secret($shell{next_key});

    return $said;
}

sub days_pass {
    my ($days) = @_;

    my $seconds = $days * 86400;

    return $store->sql("UPDATE api_keys SET not_before = max(0,"
        . " not_before - $seconds), expires_at = expires_at - $seconds"
        . " WHERE partner_id = '$id'");
}

sub count {
    return $store->sql("SELECT count(*) FROM api_keys WHERE partner_id ="
        . " '$id'");
}

my $other = $gw->partner;

for my $round (1 .. 3) {
    my $began = $store->sql('SELECT not_before FROM api_keys WHERE'
        . " partner_id = '$id'");

    granted("round $round: the key there is", $id, $old);

    my $said = run_step(1);
    my $next = $shell{next_key};

    like($next, qr/^[A-Za-z0-9]{20}$/, 'D5 a new key');
    is($shell{next_digest}, key_digest($next), 'D5 and its digest');
    like($said, qr/^next API key \Q$next\E, from /, 'D5 shown once');
    granted('step 1: the old key', $id, $old);
    refused('step 1: the next one, in its first week', $id, $next);

    run_step(2);
    granted('step 2: the old key', $id, $old);
    refused('step 2: the next one', $id, $next);

    days_pass(6);
    granted('day 6: the old key', $id, $old);
    refused('day 6: the next one', $id, $next);

    days_pass(1);
    granted('day 7: the old key', $id, $old);
    granted('day 7: the next one', $id, $next);

    $said = run_step(3);
    like($said, qr/^[0-9a-f]{8}\|[0-9: -]+\|[0-9: -]+\n[0-9a-f]{8}\|/,
        'D5 both keys with their dates');
    like($said, qr/^\Q@{[substr $shell{next_digest}, 0, 8]}\E\|[0-9: -]+\|$/m,
        'D5 the next one without an end');
    unlike($said, qr/\Q$next\E|\Q$old\E/, 'D5 and no key');

    run_step(4);
    is(count(), 2, 'D5 step 4, too early, deletes nothing');
    granted('too early: the old key', $id, $old);

    days_pass(6);
    granted('day 13: the old key', $id, $old);
    granted('day 13: the next one', $id, $next);

    my $life = $store->sql('SELECT expires_at - not_before FROM api_keys'
        . " WHERE partner_id = '$id' AND expires_at IS NOT NULL");

    # a round begins 83 days after the last one

    cmp_ok(abs($life - 90 * 86400), '<', 60, 'D5 a life of 90 days')
        if $round > 1;

    days_pass(1);
    refused('day 14: the old key', $id, $old);
    granted('day 14: the next one', $id, $next);

    run_step(4);
    is(count(), 1, 'D5 step 4 deletes the old key');
    refused('step 4: the old key', $id, $old);
    granted('step 4: the next one', $id, $next);

    $old = $next;
    days_pass(83 - 14);
}

granted('nobody else\'s key', @$other{qw(id key)});

$gw->finish;
