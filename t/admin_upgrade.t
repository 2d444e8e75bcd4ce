# D5, upgrade: a store from before the administration gets its columns, keeps
# all that it has, and goes on for an older nginx, which knows nothing of them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Admin;
use AGW::Token qw(key_digest);

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_admin_log logs/admin.log;

    server {
        listen unix:%%PREFIX%%/admin.sock;
        listen 127.0.0.1:%%TLS%% ssl;
        location = /token { auth_gateway_token partner; }
        location /admin/ { auth_gateway_admin write %%UID%%; }
    }
}
CONF

my $admin = AGW::Admin->start(conf => $conf);
my $store = $admin->store;
my $partner = $admin->partner;
my $id = $partner->{id};

sub token {
    my ($key) = @_;

    return $admin->request('POST', '/token', basic => [$id, $key])->status;
}

$admin->ask('POST', 'revocations', { kind => 'partner', id => 'p-0' });

# as it was before

my $rows = 'SELECT partner_id, status, name FROM partners;'
    . 'SELECT partner_id, key_sha256, not_before, expires_at FROM api_keys;'
    . 'SELECT * FROM revocations; SELECT stamp FROM clock;';
my ($before, $ids);

{
    $ids = $admin->ask('GET', "partners/$id/keys")->json->{keys};
    $admin->nginx->stop;
    delete $admin->nginx->{status};
    $store->sql("DROP TABLE $_;") for qw(jwks certificates);
    $store->sql("ALTER TABLE $_;") for 'partners DROP COLUMN scopes',
        map { "api_keys DROP COLUMN $_" } qw(key_id name created_at
            last_used_at);
    $before = $store->sql($rows);
    $admin->nginx->launch;
    $admin->new_workers;
}

is($store->sql($rows), $before, 'D5 all of it is there');
is($store->sql('PRAGMA user_version'), 2, 'D5 user_version is the same');
is(join(' ', split /\n/, $store->sql(
    "SELECT name FROM pragma_table_info('api_keys')")),
    'partner_id key_sha256 not_before expires_at key_id name created_at'
    . ' last_used_at', 'D5 with the columns');
is($store->sql('PRAGMA integrity_check'), 'ok', 'D5 and whole');
is(token($partner->{key}), 200, 'D5 a key goes on');
is_deeply([map { $_->{key_id} } @{ $admin->ask('GET', "partners/$id/keys")
    ->json->{keys} }], [map { $_->{key_id} } @$ids],
    'P11.3 and has the id that it had');

# what an older nginx, or its operator, writes meanwhile

$store->sql('INSERT INTO api_keys (partner_id, key_sha256, not_before,'
    . " expires_at) VALUES ('$id', '" . key_digest('second') . "', 0, NULL)");
$store->sql("UPDATE partners SET status = 'disabled' WHERE partner_id = '$id'");
is(token('second'), 401, 'D5 the triggers and rows of an older one hold');
$admin->gets('D5 and are seen', $admin->ask('GET', "partners/$id"), 200,
    status => 'disabled');
is(scalar @{ $admin->ask('GET', 'revocations?kind=partner')->json
    ->{revocations} }, 2, 'D5 the partner was cut off');
$admin->ask('PATCH', "partners/$id", { status => 'active' });
is(token('second'), 200, 'D5 and changed');

# what cannot be a value

like(($store->run("UPDATE api_keys SET $_"))[1], qr/CHECK|cannot store/,
    "D5 refused: $_") for "key_id = 'a b'", "key_id = ''", "created_at = 'x'",
    'created_at = -1', 'last_used_at = 1700000000000';

$admin->finish;
