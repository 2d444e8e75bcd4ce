# D5: the way from SQLite to Redis that conf/README.md shows, with its commands:
# tokens go on, what is revoked stays so, and a partner has the rights and the
# credentials that it had.  An earlier text dropped scopes, JWKs, certificates
# and what is said of API keys: without its list, a partner got every scope.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Crypt::JWT qw(encode_jwt);
use Crypt::PK::ECC ();
use File::Copy qw(copy);
use JSON ();
use Test::More;

use AGW::Admin;
use AGW::Certificates qw(make_client_certificate);
use AGW::Command qw(command_path no_command);
use AGW::Engine;
use AGW::Files qw(make_prefix random_id repo_root slurp spew);
use AGW::Redis;
use AGW::Revoking qw(conf_of);
use AGW::Skip qw(skip_all_for);
use AGW::Token qw(api_key claims_of);

AGW::Redis::skip_all_without();
skip_all_for('libcurl', 'the move is') if no_command();

my $issuer = 'https://issuer.example';
my $json = JSON->new->utf8->canonical;

my ($section) = slurp(repo_root() . '/conf/README.md')
    =~ /^### Move from SQLite to Redis\n(.*?)^##/ms;
my @commands = $section =~ /^ *```sh\n(.*?)^ *```/msg;

my $uid = AGW::Admin::uid_word();
my $conf = conf_of(http => <<'HTTP', locations => <<"LOCATIONS");
    auth_gateway_issuer https://issuer.example;
    auth_gateway_client_auth basic private_key_jwt tls;
    auth_gateway_partner_scope reports ledger;
    auth_gateway_business_scope read write;
    auth_gateway_admin_log %%PREFIX%%/logs/admin.log;
HTTP
        listen unix:%%PREFIX%%/admin.sock;
        ssl_verify_client optional_no_ca;

        location /admin/ { auth_gateway_admin write $uid; }

        location /reports/ {
            auth_gateway_require partner;
            auth_gateway_scope reports;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /ledger/ {
            auth_gateway_require partner;
            auth_gateway_scope ledger;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /write/ {
            auth_gateway_business_path /write/<business_id>;
            auth_gateway_scope write;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
LOCATIONS
my @allow = (allow => [qr/is the user of the workers/]);

my $gw = AGW::Revoking->start($conf, engine => 'sqlite', @allow,
    before => sub { make_client_certificate($_[0], 'client') });
my $redis = AGW::Redis->start(user => 'gateway');
my ($living, @ended) = map { $gw->issue($gw->{us}, $gw->{business}) } 1 .. 3;
my $bearer = $gw->issue($gw->{us});
my $cut = $gw->issue($gw->{them}, $gw->{theirs});

is($gw->revoke($ended[0])->status, 200, 'P5.3 one is revoked');
$gw->store->revoke('owner', "$gw->{them}{id}:$gw->{theirs}");
$gw->store->set_partner($gw->{us}{id}, name => "O'Neill \"& Co\"");

# a partner with a list of scopes, and all kinds of credentials

my $old = AGW::Command->new(socket => $gw->prefix . '/admin.sock');
my $pk = Crypt::PK::ECC->new;
my $jwk = $pk->generate_key('secp256r1')->export_key_jwk('public');
my %key;

spew($gw->prefix . '/jwk', $json->encode({ %{ $json->decode($jwk) },
    kid => 'es' }));

$old->exits('D11 a partner with scopes', 0, qw(partner create --id limited
    --name Limited --scope reports --scope read));
$old->exits('D11 its business', 0, qw(business create limited --id ours));
$old->exits('D11 its JWK', 0, qw(jwk add limited), $gw->prefix . '/jwk');
$old->exits('D11 its certificate', 0, qw(certificate add limited),
    $gw->prefix . '/client.pem');

for (['now', qw(--expires 30d)], ['future', qw(--not-before 2d)]) {
    my ($name, @times) = @$_;

    $key{$name} = $old->json("D11 an API key, $name", 0, qw(key create limited
        --name), $name, @times);
    $gw->keep_secret($key{$name}{api_key});
}

$key{past}{api_key} = $gw->keep_secret(api_key());
$gw->store->add_key('limited', $key{past}{api_key}, expires_at => time - 5);
$gw->store->sql("UPDATE api_keys SET last_used_at = 1700000000"
    . ' WHERE name = \'future\';');

# what such a partner may do and what not, at a node

sub token_for {
    my ($node, $key, $form, %opt) = @_;

    return $node->request('POST', '/token', form =>
        'grant_type=client_credentials' . ($form // ''), %opt,
        $key ? (basic => ['limited', $key{$key}{api_key}]) : ());
}

sub assertion {
    return $gw->keep_secret(encode_jwt(payload => { iss => 'limited',
        sub => 'limited', aud => $issuer, jti => random_id(),
        exp => time + 60 }, alg => 'ES256', key => $pk,
        extra_headers => { kid => 'es' }));
}

sub is_limited {
    my ($node, $where) = @_;

    my $partner = $node->issued(token_for($node, 'now', '&scope=reports'));
    my $ours = $node->issued($node->request('POST', '/token/ours',
        bearer => $partner));

    is(claims_of($ours)->{scope}, 'business_access read',
        "P2.6 $where: the scopes of its list, and no other");
    $node->refused("P1.8 $where: a scope that it may not have",
        token_for($node, 'now', '&scope=ledger'), 'invalid_scope',
        by => 'basic');
    $node->refused("P2.6 $where: nor for its business",
        $node->request('POST', '/token/ours', bearer => $partner,
            form => 'scope=write'), 'invalid_scope');
    has_rights($node, $where, $partner, $ours);

    is(token_for($node, undef, '&client_assertion_type=urn%3Aietf%3Aparams'
        . '%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion='
        . assertion())->status, 200, "P8a.5 $where: private_key_jwt");
    is(token_for($node, undef, '&client_id=limited', cert => 'client')
        ->status, 200, "P8a.4 $where: its certificate");
    is(token_for($node, $_)->status, 401, "P1.3 $where: the API key, $_")
        for qw(past future);

    return ($partner, $ours);
}

sub has_rights {
    my ($node, $where, $partner, $ours) = @_;

    is($node->request('GET', '/reports/x', bearer => $partner)->status, 200,
        "P4.2 $where: a token with the scope");
    $node->refused("P4.2 $where: a token without it",
        $node->request('GET', '/ledger/x', bearer => $partner),
        'insufficient_scope', scope => 'ledger');
    is($node->result($ours, 'ours'), 'ok',
        "P4.2 $where: a token for its business");
    $node->refused("P4.2 $where: which may not write",
        $node->request('GET', '/write/ours/x', bearer => $ours),
        'insufficient_scope', scope => 'write');

    return;
}

sub can_issue {
    my ($node) = @_;

    $node->good_is(sub { return defined $node->issue($node->{us}) });

    return;
}

can_issue($gw);

my @before = is_limited($gw, 'SQLite');

# what an export has, but for uses, which are written later

sub directory {
    my ($command) = @_;

    return [sort map { s/,"last_used_at":\d+//r }
        split /\n/, $command->exits('D11 export', 0, 'export')->{out}];
}

# redis-cli and auth-gateway as an operator has them

my $bin = make_prefix();
my $cli = qx{sh -c 'command -v redis-cli'} =~ s{\n}{}r;

spew("$bin/redis-cli", "#!/bin/sh\nexec $cli --no-auth-warning"
    . ' -s ' . $redis->socket . " --user test --pass $redis->{test_password}"
    . ' "$@"' . "\n", 0755);
symlink command_path(), "$bin/auth-gateway";
symlink repo_root() . '/conf', "$bin/conf";

# returns (exit code, what was said)

sub run {
    my ($commands, %sockets) = @_;

    $commands =~ s{^ *$_=\K/.*$}{$sockets{$_}}m for keys %sockets;

    local $ENV{PATH} = "$bin:$ENV{PATH}";
    local $ENV{store} = $gw->prefix . '/store/gateway.db';

    my $quoted = $commands =~ s/'/'\\''/gr;
    my $said = qx{cd '$bin' && bash -euo pipefail -c '$quoted' 2>&1};

    return ($? >> 8, $said);
}

sub move {
    my ($name, @run) = @_;

    my ($code, $said) = run(@run);

    return is($code, 0, $name) || diag($said);
}

# Redis refuses what no nginx has prepared, and the operator sees it

{
    my ($code, $said) = run($commands[-1]);

    isnt($code, 0, 'D5 a refusal of Redis ends the commands');
    like($said, qr/^ERR no nginx has connected to this store yet$/m,
        'D5 and is seen');
}

# one node with Redis prepares it; then the copy, and once more

my $other = $gw->beside($conf, engine => AGW::Engine->on($redis), @allow,
    before => sub {
        copy($gw->prefix . "/client.$_", "$_[0]/client.$_") for qw(pem key);
    });
my $new = AGW::Command->new(socket => $other->prefix . '/admin.sock');

move('D5 the commands', $_, old => $gw->prefix . '/admin.sock',
    new => $other->prefix . '/admin.sock') for @commands;
is($gw->revoke($ended[1])->status, 200, 'P5.3 another one, meanwhile');
move('D5 the revocations, once more', $commands[-1]);

$other->{store} = AGW::RedisStore->new($redis);
can_issue($other);

is_deeply(directory($new), directory($old),
    'D5 the directory is as it was, to the last member');
is($new->json('D11 a key', 0, qw(key show limited),
    $key{future}{key_id})->{last_used_at}, 1_700_000_000,
    'D5 with the last use of a key');
ok($other->issue($other->{us}, $other->{business}),
    'D5 the partner, its key and its business are there');
is($redis->call('HGET', "{agw}:partner:$gw->{us}{id}", 'name'),
    "O'Neill \"& Co\"", 'D5 its name as it was');
is_limited($other, 'Redis');
has_rights($other, 'of before', @before);
is($other->result($living), 'ok', 'D5 a token goes on');
is($other->request('POST', "/token/$gw->{business}", bearer => $bearer)
    ->status, 200, 'D5 a partner token gets another one');
ok($other->learns(iss => $issuer), 'D5 all that was copied is read');
is($other->result($_), '401 revoked', 'D5 what was revoked stays so')
    for @ended;
is($other->result($cut, $gw->{theirs}), '401 revoked',
    'D5 what a cut-off ended, too');
is($other->revoke($living)->status, 200, 'P5.3 a revocation in Redis');
is($other->result($living), '401 revoked', 'D5 ends a token of before');

$gw->finish;
