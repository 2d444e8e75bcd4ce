# D5: what is stored, and how an operator's changes count.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time sleep);

use AGW::Files ();
use AGW::Gateway;
use AGW::Stopwatch;
use AGW::Token qw(api_key key_digest);

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
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

sub ask {
    my ($id, $key, %opt) = @_;

    return $gw->request('POST', '/token', basic => [$id, $key], %opt);
}

sub refused {
    my ($name, @who) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return $gw->refused($name, ask(@who), 'invalid_client', by => 'basic');
}

sub granted {
    my ($name, @who) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is(ask(@who)->status, 200, $name);
}

sub takes {
    my ($name, $sql) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($code, $said) = $store->run($sql);

    return is($code, 0, "D5 takes $name") || diag($said);
}

sub rejects {
    my ($name, $sql) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($code, $said) = $store->run($sql);

    isnt($code, 0, "D5 rejects $name");

    return like($said,
        qr/constraint|cannot store|abort|only ever grow|seconds|clock/i,
        'D5 by a constraint');
}

# the schema

is($store->sql('PRAGMA journal_mode'), 'wal', 'D5 WAL');
cmp_ok($store->sql('PRAGMA user_version'), '>=', 1, 'D5 user_version');

my %tables = (
    partners => 'partner_id status name scopes',
    api_keys => 'partner_id key_sha256 not_before expires_at key_id name'
        . ' created_at last_used_at',
    businesses => 'business_id partner_id status',
    jwks => 'partner_id kid jwk',
    certificates => 'partner_id x5t_s256 not_after',
    revocations => 'kind id cutoff expires_at seq time elapsed partner_id',
);

is(join(' ', split /\n/, $store->sql(
    "SELECT name FROM pragma_table_info('$_->[0]')")), $_->[1],
    "D5 columns of $_->[0]") for
    ['clock', 'one stamp floor elapsed horizon ahead legacy'],
    ['revocation_log', 'seq kind id tag'];

for my $table (sort keys %tables) {
    my $sql = $store->sql('SELECT sql FROM sqlite_schema WHERE'
        . " type = 'table' AND name = '$table'");

    like($sql, qr/STRICT/i, "D5 $table is STRICT");
    like($sql, qr/WITHOUT\s+ROWID/i, "D5 $table is WITHOUT ROWID");
    like($sql, qr/CHECK/i, "D5 $table has CHECKs");
    is(join(' ', split /\n/, $store->sql(
        "SELECT name FROM pragma_table_info('$table')")), $tables{$table},
        "D5 columns of $table");
}

is($store->sql("SELECT name FROM pragma_table_info('$_->[0]') WHERE pk > 0"
    . ' ORDER BY pk'), $_->[1], "D5 primary key of $_->[0]") for
    ['partners', 'partner_id'], ['businesses', 'business_id'],
    ['jwks', "partner_id\nkid"], ['certificates', "partner_id\nx5t_s256"],
    ['api_keys', "partner_id\nkey_sha256"], ['revocations', "kind\nid"];

{
    my ($user, $uid) = AGW::Files::worker_ids();

    is((stat $gw->prefix . '/store/gateway.db')[4], $uid // $>,
        'D5 the file is the workers\' own');
}

# defaults, and what cannot be written

my $sha = key_digest('x');

takes('a partner without name and status',
    "INSERT INTO partners (partner_id) VALUES ('p-1')");
is($store->sql("SELECT status, name IS NULL FROM partners WHERE partner_id"
    . " = 'p-1'"), 'active|1', 'D5 status defaults to active');
takes('a key without dates', "INSERT INTO api_keys (partner_id, key_sha256)"
    . " VALUES ('p-1', '$sha')");
is($store->sql("SELECT not_before, expires_at IS NULL FROM api_keys WHERE"
    . " partner_id = 'p-1'"), '0|1', 'D5 not_before defaults to 0');
takes('a business without status', 'INSERT INTO businesses (business_id,'
    . " partner_id) VALUES ('b-1', 'p-1')");
granted('D5 and the key works', 'p-1', 'x');

my $dated = 'INSERT INTO api_keys (partner_id, key_sha256, not_before,'
    . ' expires_at)';

for my $date ("'2030-01-01'", "'never'", '-1', '1.5', "x'00'")
{
    rejects("expires_at $date", "$dated VALUES ('p-1', '"
        . key_digest($date) . "', 0, $date)");
    rejects("not_before $date", "$dated VALUES ('p-1', '"
        . key_digest($date) . "', $date, NULL)");
}

rejects('a date as text, by UPDATE',
    "UPDATE api_keys SET expires_at = '2030-01-01'");
rejects("a digest $_->[0]", 'INSERT INTO api_keys (partner_id, key_sha256)'
    . " VALUES ('p-1', $_->[1])") for
    ['in upper case', "'" . uc key_digest('y') . "'"], ['too short', "'ab'"],
    ['too long', "'" . key_digest('y') . "0'"], ['that is a key', "'secret'"],
    ['that is none', 'NULL'], ['of other letters', "'" . 'g' x 64 . "'"];
rejects("a partner $_", "INSERT INTO partners (partner_id) VALUES ($_)")
    for "''", 'NULL', "'a b'", "'a/b'", "'" . 'x' x 129 . "'";
rejects("a business $_", 'INSERT INTO businesses (business_id, partner_id)'
    . " VALUES ($_, 'p-1')") for "''", 'NULL', "'a b'", "'a/b'";
rejects("a partner's status $_",
    "UPDATE partners SET status = $_ WHERE partner_id = 'p-1'")
    for "''", 'NULL', "'Active'", "'deleted'", '1';
rejects("a business's status $_",
    "UPDATE businesses SET status = $_ WHERE business_id = 'b-1'")
    for "''", 'NULL', "'disabled'", "'ACTIVE'";
my $revocation = 'INSERT INTO revocations (kind, id, cutoff, expires_at)'
    . ' VALUES';

rejects("a revocation of $_", "$revocation ($_, 'x', 1, 2)")
    for "'key'", "''", 'NULL', "'Token'", "'Owner'";

# milliseconds where seconds are wanted

{
    my $ms = int(time * 1000);

    rejects('expires_at of a key in milliseconds', $dated
        . " VALUES ('p-1', '" . key_digest('ms') . "', 0, $ms)");
    rejects('not_before of a key in milliseconds', $dated
        . " VALUES ('p-1', '" . key_digest('ms') . "', $ms, NULL)");
    rejects('expires_at in milliseconds, by UPDATE', 'UPDATE api_keys SET'
        . " expires_at = $ms WHERE partner_id = 'p-1'");

    for my $kind (qw(token owner business partner)) {
        my $id = $kind =~ /token|owner/ ? 'p-1:x' : 'p-1';

        rejects("a $kind until some millisecond",
            "$revocation ('$kind', '$id', 1, $ms)");
        rejects("a $kind from some millisecond",
            "$revocation ('$kind', '$id', $ms, $ms + 1)");
    }

    is($store->sql('SELECT count(*) FROM revocations'), 0,
        'D5 and none is there');
}

# keys: overlap, not_before, expires_at

{
    my $now = int time;
    my $partner = $gw->partner;
    my $id = $partner->{id};
    my $next = $store->add_key($id, api_key());
    my $future = $store->add_key($id, api_key(), not_before => $now + 3600);
    my $past = $store->add_key($id, api_key(), expires_at => $now - 1);
    my $brief = $store->add_key($id, api_key(), not_before => $now - 10,
        expires_at => $now + 3600);

    granted('D5 the first of several keys', $id, $partner->{key});
    granted('D5 the second of several keys', $id, $next);
    granted('D5 a key within its time', $id, $brief);
    refused('D5 a key before its time', $id, $future);
    refused('D5 a key after its time', $id, $past);

    my $old = key_digest($partner->{key});

    $store->sql("UPDATE api_keys SET expires_at = 1 WHERE key_sha256 ="
        . " '$old'");
    refused('D5 a change counts from the next request', $id,
        $partner->{key});
    granted('D5 and the other key goes on', $id, $next);
    $store->sql("UPDATE api_keys SET expires_at = NULL WHERE key_sha256 ="
        . " '$old'");
    granted('D5 and back', $id, $partner->{key});
    $store->sql("DELETE FROM api_keys WHERE key_sha256 = '$old'");
    refused('D5 a key that was taken away', $id, $partner->{key});
    $store->sql("UPDATE partners SET status = 'disabled' WHERE partner_id"
        . " = '$id'");
    refused('D5 a disabled partner', $id, $next);
    $store->sql("UPDATE partners SET status = 'active' WHERE partner_id"
        . " = '$id'");


    my $watch = AGW::Stopwatch->start($gw->nginx->workers);

    granted('D5 and an active one, in this very second', $id, $next);
    cmp_ok($watch->seconds, '<', 0.5, 'D5 which waits for no clock');
}

# triggers

sub cutoff {
    my ($kind, $id) = @_;

    return [split /\|/, $store->sql('SELECT cutoff, expires_at FROM'
        . " revocations WHERE kind = '$kind' AND id = '$id'")];
}

{
    my ($one, $two) = map { $gw->partner->{id} } 1 .. 2;
    my @ours = map { $gw->business($one) } 1 .. 4;
    my $now = int time;
    my $fresh = sub {
        my ($name, $kind, $id) = @_;
        my ($cutoff, $expires) = @{ cutoff($kind, $id) };

        ok(defined $cutoff && $cutoff >= $now && $cutoff <= time + 61,
            "D5 $name writes a cut-off of now")
            or diag($cutoff // 'none');
        ok(defined $expires && $expires > $cutoff,
            'D5 that outlives the tokens');
    };

    my %of = map { $_ => "$one:$_" } @ours;

    is_deeply(cutoff('owner', $of{$ours[0]}), [], 'D5 no cut-off at first');
    $store->sql("UPDATE businesses SET status = 'archived' WHERE"
        . " business_id = '$ours[0]'");
    $fresh->('archiving a business', 'owner', $of{$ours[0]});
    $store->sql("UPDATE businesses SET partner_id = '$two' WHERE"
        . " business_id = '$ours[1]'");
    $fresh->('moving a business', 'owner', $of{$ours[1]});
    is_deeply(cutoff('owner', $of{$ours[2]}), [], 'D5 the others have none');
    $store->sql("UPDATE partners SET status = 'disabled' WHERE partner_id"
        . " = '$one'");
    $fresh->('disabling a partner', 'partner', $one);
    is_deeply(cutoff('partner', $two), [], 'D5 the other has none');
    $store->sql("UPDATE partners SET name = 'x' WHERE partner_id = '$two'");
    is_deeply(cutoff('partner', $two), [], 'D5 a name writes none');
    $store->sql("UPDATE businesses SET status = 'active' WHERE business_id"
        . " = '$ours[3]'");
    is_deeply(cutoff('owner', $of{$ours[3]}), [],
        'D5 nor does what changes nothing');
    $store->run("DELETE FROM businesses WHERE business_id = '$ours[2]'");
    $fresh->('taking a business away', 'owner', $of{$ours[2]})
        if $store->sql("SELECT count(*) FROM businesses WHERE business_id"
            . " = '$ours[2]'") == 0;
}

# what is revoked stays revoked

{
    my $far = int(time) - 5000;

    $store->sql("$revocation ('business', 'b-9', $far, $far + 100)");

    for ("UPDATE revocations SET cutoff = cutoff - 1",
        "UPDATE revocations SET expires_at = expires_at - 1",
        $revocation =~ s/INSERT/INSERT OR REPLACE/r
            . " ('business', 'b-9', 1, 2)")
    {
        $store->run($_ . (/^UPDATE/ ? " WHERE id = 'b-9'" : ''));
        is_deeply(cutoff('business', 'b-9'), [$far, $far + 100],
            'D5 cut-off and expiry only grow: ' . substr $_, 0, 40);
    }

    takes('a later cut-off', "UPDATE revocations SET cutoff = cutoff + 1,"
        . " expires_at = expires_at + 1 WHERE id = 'b-9'");
    is_deeply(cutoff('business', 'b-9'), [$far + 1, $far + 101],
        'D5 and they do grow');
    $store->run("DELETE FROM revocations WHERE id = 'b-9';");
    is_deeply(cutoff('business', 'b-9'), [$far + 1, $far + 101],
        'D5 nor are they deleted before their time');

    my $clock = ($store->run('SELECT stamp, floor FROM clock;'))[1];

    rejects('a clock that is gone', 'DELETE FROM clock');
    rejects('a clock that goes back', 'UPDATE clock SET stamp = stamp - 1');
    rejects('a second clock', 'INSERT INTO clock (one, stamp) VALUES (2, 1)');
    rejects('another clock', 'INSERT OR REPLACE INTO clock (one, stamp)'
        . ' VALUES (1, 1)');
    is(($store->run('SELECT stamp, floor FROM clock;'))[1], $clock,
        'D5 the clock goes on as it was');
}

# another process's write transaction

{
    my $partner = $gw->partner;
    my $held = $store->hold('BEGIN IMMEDIATE; INSERT INTO partners'
        . " (partner_id) VALUES ('held');");

    ok($held, 'D5 somebody holds the write lock');

    my $watch = AGW::Stopwatch->start($gw->nginx->workers);

    granted('D5 a token meanwhile', @$partner{qw(id key)}) for 1 .. 5;
    refused('D5 a refusal meanwhile', $partner->{id}, 'wrong');
    cmp_ok($watch->seconds, '<', 2, 'D5 without waiting');
    refused('D5 what is not committed is not there', 'held', 'x');
    AGW::Store::release($held, 'ROLLBACK;');
}

# four workers on a new store at once, some times over

for my $round (1 .. 3) {
    my $many = AGW::Gateway->start($conf, workers => 4);
    my $partner = $many->partner;
    my %statuses;

    for (1 .. 40) {
        my $response = $many->request('POST', '/token',
            basic => [@$partner{qw(id key)}]);

        $statuses{ $response->status }++;
    }

    is_deeply(\%statuses, { 200 => 40 }, "D5 four workers, round $round");
    is($many->store->sql('PRAGMA integrity_check'), 'ok', 'D5 intact');
    is(scalar(my @all = $many->nginx->workers), 4, 'D5 four of them');
}

# a reload, and a restart on the store that is there

{
    my $partner = $gw->partner;

    ok($gw->nginx->reload, 'D5 reload');
    $gw->new_workers;
    granted('D5 after a reload', @$partner{qw(id key)});
}

$gw->finish;
