# P11 over Redis: hashes that were made by hand, lists that are longer than one
# script looks at, replicas that have to confirm, and a store that was emptied.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Admin;
use AGW::Engine;
use AGW::Files qw(slurp);
use AGW::Redis;
use AGW::Skip qw(skip_for);
use AGW::Token qw(key_digest);

AGW::Redis::skip_all_without();

my $admin = AGW::Admin->start(engine => 'redis', workers => 2,
    allow => [qr/are malformed|malformed API keys/, qr/no reply to/,
        qr/AGWEPOCH|the store was emptied/, qr/only 0 replicas/]);
my $redis = $admin->{store}->redis;

sub ask { return $admin->ask(@_) }

# the processor time of the workers, in nanoseconds

sub used_time {
    my $time = 0;

    $time += (slurp("/proc/$_/schedstat") =~ /^(\d+)/)[0] // 0
        for $admin->nginx->workers;

    return $time;
}

# all pages of a list; dies if they have no end

sub all {
    my ($path, $list) = @_;

    my (@all, $after);

    for (1 .. 100) {
        my $page = ask('GET', $path . ($path =~ /\?/ ? '&' : '?')
            . 'limit=300' . (defined $after ? "&after=$after" : ''))->json;

        push @all, @{ $page->{$list} };
        $after = $page->{after};
        return @all if !defined $after;
    }

    die "the pages of $path have no end";
}

# Many keys of one partner, each with its last use: to find the one took a
# search of all for each of them, a second of a worker at 10,000.  The keys are
# eight times as many: so is the worker's time, and not 64 times.

{
    my %took;

    for my $count (2000, 16000) {
        my $many = $admin->{store}->partner;
        my $id = $many->{id};
        my (@keys, @uses);

        for my $number (1 .. $count) {
            push @keys, sprintf('%064x', $number),
                sprintf '{"not_before":0,"key_id":"k%06d"}', $number;
            push @uses, sprintf('k%06d', $number), 1000 + $number;

            next if @keys < 2000 && $number < $count;

            $redis->call('HSET', "{agw}:api_keys:$id", splice @keys);
            $redis->call('HSET', "{agw}:used:$id", splice @uses);
        }

        # two keys of one key_id, by hand: a use is of both

        $redis->call('HSET', "{agw}:api_keys:$id", 'f' x 64,
            '{"not_before":0,"key_id":"k000007"}');

        my $path = "partners/$id/keys/" . sprintf 'k%06d', $count;
        my $before = used_time();

        is(ask('GET', $path)->json->{last_used_at}, 1000 + $count,
            "P11.3 the last of $count keys, and its last use") for 1 .. 3;
        $took{$count} = used_time() - $before;

        my @all = @{ ask("GET", "partners/$id/keys")->json->{keys} };
        my %used = map { $_->{key_id} => $_->{last_used_at} } @all;

        is_deeply([scalar(grep { $_->{key_id} ne 'k000007'
            && $_->{last_used_at} ne 1000 + substr $_->{key_id}, 1 }
            grep { $_->{key_id} =~ /^k/ } @all),
            map { $_->{last_used_at} } grep { $_->{key_id} eq 'k000007' } @all],
            [0, 1007, 1007], "P11.3 each of $count keys has its own last use");

        $redis->call('DEL', "{agw}:$_:$id") for qw(api_keys used partner);
    }

    SKIP: {
        skip_for('the time of a process', 'the time of many keys is')
            unless $took{2000};
        cmp_ok($took{16000}, '<', 24 * $took{2000},
            'P11.3 eight times as many keys take no square of that')
            or diag(explain(\%took));
    }
}

# hashes that were made by hand are listed, in order, and exported

my $partner = $admin->{store}->partner;
my @ids = sort map { sprintf 'b%04d', $_ } 1 .. 1500;

$redis->call('HSET', "{agw}:business:$_", 'partner_id', $partner->{id},
    'status', $_ =~ /7$/ ? 'archived' : 'active') for @ids;
$redis->call('SET', 'another', 1);
$redis->call('HSET', '{agw}:business:', 'partner_id', $partner->{id},
    'status', 'active');
$redis->call('HSET', '{agw}:business:b0001:x', 'partner_id', $partner->{id},
    'status', 'active');
$redis->call('HSET', '{agw}:business:nobody', 'status', 'active');
$redis->call('HSET', '{agw}:partner:', 'status', 'active');
$redis->call('HSET', '{agw}:api_keys:', 'f' x 64, '{}');

is_deeply([map { $_->{business_id} } all('businesses', 'businesses')], \@ids,
    'P11.2 businesses that were made by hand are listed, in order');
is_deeply([map { $_->{business_id} }
    all('businesses?status=archived', 'businesses')], [grep { /7$/ } @ids],
    'P11.2 a filter looks beyond one script');
is_deeply([map { $_->{partner_id} } all('partners', 'partners')],
    [$partner->{id}], 'P11.2 and the partner');

my ($after, $lines) = ('', '');

for (1 .. 20) {
    my $page = ask('GET', "export?limit=700$after");

    $lines .= $page->body;
    last if ($page->header('Link') // '') !~ /[?&](after=[^&>]*)/;
    $after = "&$1";
}

is(($lines =~ tr/\n//), 1502, 'P11.5 all of them are exported, each once');
is((() = $lines =~ /"type":"api_key"/g), 1, 'P11.5 with the API key');

# what is gone is not listed any more

$redis->call('DEL', '{agw}:business:b0002');
ok(!(grep { $_->{business_id} eq 'b0002' } all('businesses', 'businesses')),
    'P11.2 a business that was deleted by hand is not listed');
is($redis->call('ZSCORE', '{agw}:businesses', 'b0002'), undef,
    'P11.2 nor is its id kept');

# API keys that were made by hand

my ($key) = @{ ask('GET', "partners/$partner->{id}/keys")->json->{keys} };

like($key->{key_id}, qr/^[0-9a-f]{16}$/, 'P11.3 a key without key_id has one');
$redis->call('HSET', "{agw}:api_keys:$partner->{id}", 'f' x 64, '{"not_before"');
is(scalar @{ ask('GET', "partners/$partner->{id}/keys")->json->{keys} }, 1,
    'P11.2 a malformed key is left out');
like(slurp($admin->nginx->error_log),
    qr/1 credentials of partner "$partner->{id}" are malformed/,
    'P11.2 and the log says so');
$redis->call('HDEL', "{agw}:api_keys:$partner->{id}", 'f' x 64);

# one that authenticates is seen, to be ended, whatever else is malformed

$redis->call('HSET', "{agw}:api_keys:$partner->{id}", 'e' x 64,
    '{"key_id":7,"name":"","created_at":"x"}');
is(scalar @{ ask('GET', "partners/$partner->{id}/keys")->json->{keys} }, 2,
    'P11.2 a key of which only its id is malformed is listed');
$redis->call('HDEL', "{agw}:api_keys:$partner->{id}", 'e' x 64);

my $rolled = ask('POST', "partners/$partner->{id}/keys/$key->{key_id}/roll",
    { grace => 3600 });

is($rolled->status, 201, 'P11.3 a key that was made by hand is rolled');

my $json = $redis->call('HGET', "{agw}:api_keys:$partner->{id}",
    key_digest($partner->{key}));

like($json, qr/"expires_at":\d+/, 'P11.3 the old one ends');
like($json, qr/"key_id":"$key->{key_id}"/, 'P11.3 and keeps its key_id');

# a token of another node ends with its business

sub wait_for {
    my ($name, $want, $sub) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $got;

    for (1 .. 500) {
        $got = $sub->();
        last if $got eq $want;
        sleep 0.02;
    }

    return is($got, $want, $name);
}

my $token = $admin->keep_secret($admin->request('POST', '/token',
    basic => [@$partner{qw(id key)}])->json->{access_token});
my $business = $admin->keep_secret($admin->request('POST', '/token/b0001',
    bearer => $token)->json->{access_token});

sub opens {
    return $admin->request('GET', '/v1/businesses/b0001/x',
        bearer => $business)->status;
}

is(opens(), 200, 'P11.2 a token of a business that was made by hand');
is(ask('PATCH', 'businesses/b0001', { status => 'archived' })->status, 200,
    'P11.2 which is archived');
wait_for('D5 its tokens end', 401, \&opens);

my @entries = all('revocations', 'revocations');

# a plain HSET ends nothing: what is asked for by name does

my $other = $admin->keep_secret($admin->request('POST', '/token/b0003',
    bearer => $token)->json->{access_token});

sub opens_other {
    return $admin->request('GET', '/v1/businesses/b0003/x',
        bearer => $other)->status;
}

$redis->call('HSET', '{agw}:business:b0003', 'status', 'archived');
is(opens_other(), 200, 'P11.2 archived by hand: its tokens live');
is(ask('PATCH', 'businesses/b0003', { status => 'archived' })->status, 200,
    'P11.2 archived once more');
wait_for('D5 now they end', 401, \&opens_other);

is(scalar @entries, 1, 'P11.4 one entry is in force');
is($entries[0]{kind}, 'owner', 'P11.4 of the owner');

# an entry that was healed has an old seq at a late place

my $last = (all('revocations', 'revocations'))[-1]{seq};

for my $n (1 .. 5) {
    $redis->call('XADD', '{agw}:revocations', ($last + $n) . '-0', 'kind',
        'partner', 'id', "p$n", 'seq', $n, 'time', 1);
}

$redis->call('XADD', '{agw}:revocations', ($last + 5) . "-$_", 'kind',
    'partner', 'id', "q$_", 'seq', $_, 'time', 1) for 1, 2;

{
    my (@seen, $after);

    for (1 .. 20) {
        my $page = ask('GET', 'revocations?limit=1'
            . (defined $after ? "&after=$after" : ''))->json;

        push @seen, map { $_->{id} } @{ $page->{revocations} };
        $after = $page->{after};
        last if !defined $after;
    }

    is_deeply(\@seen, [map({ "$partner->{id}:$_" } qw(b0001 b0003)), qw(p1 p2 p3 p4 p5 q1 q2)],
        'P11.4 each is listed once, one a page, but for those of one place');
}

is_deeply([map { $_->{id} } all('revocations?kind=owner', 'revocations')],
    [map { "$partner->{id}:$_" } qw(b0001 b0003)], 'P11.4 by kind');

# a store that was emptied is another store: no operation half-done on it

$redis->flush;
wait_for('D5 an emptied store is 200 again', 200,
    sub { ask('GET', 'partners')->status });
is_deeply(ask('GET', 'partners')->json->{partners}, [], 'P11.2 and empty');
is(ask('PUT', 'partners/p1', {})->status, 201, 'P11.2 a partner is created');

# Redis is away

$redis->freeze;
is(ask('GET', 'partners')->status, 503, 'P11.2 Redis stands still: 503');
$redis->thaw;
wait_for('P11.2 and works again', 200,
    sub { ask('GET', 'partners/p1')->status });

# wait=

my $primary = AGW::Redis->start;
my $waiter = AGW::Admin->start(
    engine => AGW::Engine->on($primary, more => ['wait=1']),
    allow => [qr/only 0 replicas confirmed/, qr/OOM command not allowed/]);

is($waiter->ask('PUT', 'partners/p1', {})->status, 503,
    'P11.2 wait=1 without a replica: 503');

my $replica = AGW::Redis->start(replica_of => $primary);

$replica->wait_for_primary;
wait_for('P11.2 with a replica: written', 200,
    sub { $waiter->ask('PUT', 'partners/p1', {})->status });
is($waiter->ask('PATCH', 'partners/p1', { status => 'disabled' })->status,
    200, 'P11.2 and what ends tokens');
is($replica->call('HGET', '{agw}:partner:p1', 'status'), 'disabled',
    'P11.2 which the replica has');

# a full Redis: a first page keeps the names that it finds, and cannot

$primary->call(qw(CONFIG SET maxmemory 1kb));
is($waiter->ask('GET', $_->[0])->status, $_->[1], "P11.2 full: $_->[0]")
    for ['partners', 503], ['partners?after=0', 200], ['partners/p1', 200],
        ['partners/p1/keys', 200], ['revocations', 200];
$primary->call(qw(CONFIG SET maxmemory 0));
is($waiter->ask('GET', 'partners')->status, 200, 'P11.2 with room: partners');


$waiter->finish;
