# Design 5: the zone of revocations is bounded, and nothing in it is evicted.
# Who would fill it is refused; one partner fills at most a quarter; a
# cut-off takes the place of what it covers; and a node that learns of more
# than it can hold accepts no token until it can.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Gateway;
use AGW::Nginx qw(nginx_t);
use AGW::Token qw(claims_of);

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_zone 64k;
    auth_gateway_key %%PREFIX%%/secret.key kid=k1;
    auth_gateway_require_https off;

    server {
        listen 127.0.0.1:%%PLAIN%%;

        location = /token { auth_gateway_token partner; }
        location = /revoke { auth_gateway_revoke token; }

        location /token/ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location /cut/ {
            auth_gateway_revoke business;
            auth_gateway_business_path /cut/<business_id>;
        }

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

# nginx -t says what fits

sub holds {
    my ($size) = @_;

    my ($code, $said) = nginx_t($conf =~ s/zone 64k/zone $size/r,
        names => { UPSTREAM => 1 });

    is($code, 0, "D3 $size is a zone") or diag($said);

    my ($entries) = $said
        =~ /"auth_gateway_zone" of \d+ bytes holds (\d+) entries/;

    ok($entries, "D5 nginx -t says how many entries $size holds");

    return $entries // 0;
}

my $capacity = holds('64k');

cmp_ok($capacity, '>', 300, "D5 $capacity entries");
cmp_ok(holds('128k'), '>', 2 * $capacity, 'D5 more in a larger one');
cmp_ok(holds('8m'), '>', 100_000, 'D5 100,000 in the default');

for my $size (qw(63k 32k 8k 1)) {
    my ($code, $said) = nginx_t($conf =~ s/zone 64k/zone $size/r,
        names => { UPSTREAM => 1 });
    my $bytes = $size =~ /^(\d+)k/ ? $1 * 1024 : $size;

    isnt($code, 0, "D3 a zone of $size is refused");
    like($said,
        qr/"auth_gateway_zone" of $bytes bytes is too small, accepted/,
        'D3 and nginx -t says why');
}

my $full = qr/\[alert\].* auth_gateway: the zone (?:is full|has no room for)/;
my $gw = AGW::Gateway->start($conf, workers => 2, allow => [$full]);
my $store = $gw->store;

# a partner, its business, and how to revoke

sub owner {
    my $partner = $gw->partner;

    return { %$partner, basic => [@$partner{qw(id key)}],
        business => $gw->business($partner) };
}

sub living {
    my ($owner, %claims) = @_;

    return $gw->mint(partner_id => $owner->{id},
        business_id => $owner->{business}, claims => \%claims);
}

sub guarded {
    my ($owner, $token) = @_;

    return $gw->request('GET', "/v1/businesses/$owner->{business}/x",
        port => 'PLAIN', bearer => $token);
}

sub revoke {
    my ($owner, $token) = @_;

    return $gw->request('POST', '/revoke', port => 'PLAIN',
        basic => $owner->{basic}, form => "token=$token");
}

sub cut_off {
    my ($owner) = @_;

    return $gw->request('POST', "/cut/$owner->{business}", port => 'PLAIN',
        basic => $owner->{basic}, form => '');
}

# one after the other until one is refused: (how many were not, the last
# response, its token)

sub revoke_until_refused {
    my ($owner) = @_;

    for my $done (0 .. $capacity) {
        my $token = living($owner, exp => int(time) + 3600);
        my $response = revoke($owner, $token);

        return ($done, $response, $token) if $response->status != 200;
    }

    return ($capacity + 1);
}

sub until_status {
    my ($status, $request, $seconds) = @_;

    my $until = time + $seconds;
    my $got;

    while (time < $until) {
        $got = $request->()->status;
        return 1 if $got == $status;
        sleep 0.1;
    }

    diag("$got, not $status");

    return 0;
}

sub rows {
    return $store->sql('SELECT count(*) FROM revocations');
}

# A row by hand for each number, of a partner nobody knows.

sub add_rows {
    my ($count, $expires_at, $prefix) = @_;

    return $store->sql('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT'
        . " i + 1 FROM n WHERE i < $count) INSERT INTO revocations"
        . ' (kind, id, cutoff, expires_at)'
        . " SELECT 'token', '$prefix:t' || i || ':', 1, $expires_at FROM n");
}

# One partner: a quarter, and not one more.

my ($first, $second, $third) = map { owner() } 1 .. 3;
my ($done, $response, $token) = revoke_until_refused($first);

is($done, int($capacity / 4), "D5 one partner revokes a quarter");
$gw->refused('D5 and no more', $response, 'store_unavailable',
    by => 'basic', partner => $first->{id});
ok($response->header('Retry-After'), 'P1.10 with Retry-After');
like($gw->log_text, qr/\[error\].*one partner fill a quarter/,
    'D5 the log says so');
is(guarded($first, $token)->status, 200, 'P5.3 the token still lives');
is(rows(), $done, 'P5.3 no row is written');

# The others: until the zone is full.

my $before = $done;

($done) = revoke_until_refused($second);
is($done, int($capacity / 4), 'D5 another partner revokes its own quarter');
$before += $done;
($done) = revoke_until_refused($third);
is($done, int($capacity / 4), 'D5 and a third');
$before += $done;

my $fourth = owner();

($done, $response, $token) = revoke_until_refused($fourth);
cmp_ok($done, '<', int($capacity / 4), "D5 a fourth fills it with $done");
cmp_ok($before + $done, '>', $capacity * 0.9, 'D5 which is nearly all');
$gw->refused('D5 a full zone refuses the revoker', $response,
    'store_unavailable', by => 'basic', partner => $fourth->{id});
ok($response->header('Retry-After'), 'P1.10 with Retry-After');
like($gw->log_text, $full, 'D5 with an ALERT');
is(guarded($fourth, $token)->status, 200, 'P5.3 the token still lives');
is(rows(), $before + $done, 'P5.3 no row is written');

# what is revoked stays so, in a full zone as well

{
    my $again = living($fourth, jti => 'again', exp => int(time) + 3600);
    my $row = "'token', '$fourth->{id}:again'";

    is(guarded($fourth, $again)->status, 200, 'D5 not revoked yet');
    is(revoke($fourth, $again)->status, 503, 'D5 there is no room');
}

# A cut-off takes the place of what it covers: it is let in though the zone
# is full, or the zone would stay so.

$response = cut_off($first);
is($response->status, 200, 'D5 a business is cut off in a full zone');

is(guarded($first, living($first, iat => int(time) - 1))->status, 401,
    'D5 it holds');
is(revoke($fourth, $token)->status, 200, 'D5 and there is room again');
is(guarded($fourth, $token)->status, 401, 'P5.3 which is used');

# Then the first partner may revoke again: its share was absorbed.  Its
# tokens are younger than the cut-off.

sleep 1.1;
{
    my $other = living($first, exp => int(time) + 3600);

    is(guarded($first, $other)->status, 200, 'D5 a younger token lives');
    is(revoke($first, $other)->status, 200, 'D5 its share is free as well');
    is(guarded($first, $other)->status, 401, 'D5 it is revoked');
}

# a partner's cut-off, written by an operator

{
    my $now = int time;

    $store->sql("INSERT INTO revocations (kind, id, cutoff, expires_at)"
        . " VALUES ('partner', '$second->{id}', $now, $now + 90000)");
    ok(until_status(401, sub { guarded($second,
        living($second, iat => $now - 1)) }, 2),
        'D5 a partner is cut off with sqlite3');
    sleep 1.1;

    my ($count) = revoke_until_refused($second);

    cmp_ok($count, '>', 10, "D5 its tokens made room for $count");
}

# A reload changes nothing, and what the zone held, a new one holds.

ok($gw->nginx->reload, 'D5 a reload');
is(guarded($fourth, $token)->status, 401, 'D5 it is still revoked');

my $old = $gw->nginx;

is($old->stop, 0, 'nginx ended well');
$gw->{nginx} = AGW::Nginx->start($conf, workers => 2,
    prefix => $gw->{prefix}, names => $old->{names});
$gw->new_workers;
is(guarded($fourth, $token)->status, 401, 'D5 revoked after a restart');
is(guarded($fourth, living($fourth))->status, 200,
    'D5 absorbed rows do not fill the zone at a start');

# A start with more rows than fit.  Rows of the past are no matter.

$gw->nginx->stop;
$store->sql('DELETE FROM revocations');
add_rows(2000, 1000, 'past');

my $expires_at = int(time) + 7;

add_rows($capacity + 300, $expires_at, 'many');
$gw->{nginx} = AGW::Nginx->start($conf, workers => 2,
    prefix => $gw->{prefix}, names => $old->{names});
$gw->new_workers;

{
    my $good = living($fourth);

    $gw->refused('D5 more rows than fit: no token is accepted',
        guarded($fourth, $good), 'store_unavailable',
        partner => $fourth->{id}, good => 0);
    like(AGW::Files::slurp($gw->nginx->error_log), $full,
        'D5 with an ALERT');
    is($gw->request('POST', '/token', port => 'PLAIN',
        basic => $fourth->{basic})->status, 200,
        'D5 a partner still gets a token');
    $gw->refused('D5 which is not accepted either',
        $gw->request('POST', "/token/$fourth->{business}", port => 'PLAIN',
            bearer => $gw->mint(partner_id => $fourth->{id})),
        'store_unavailable', partner => $fourth->{id}, good => 0);
    is(cut_off($third)->status, 200, 'D5 a cut-off is taken all the same');

    # many requests do not hold each other up

    my $from = time;

    guarded($fourth, $good) for 1 .. 20;
    cmp_ok(time - $from, '<', 1, 'D5 the answers come at once');
    ok(until_status(200, sub { guarded($fourth, $good) },
        $expires_at - time + 5), 'D5 well again when rows have expired');
    is_deeply([$gw->problems_after], [], 'D5 on the same workers');
    is(revoke($fourth, $good)->status, 200, 'P5.3 and tokens are revoked');
    is(guarded($fourth, $good)->status, 401, 'P5.3 at once');
}

# More rows than fit, made while nginx runs; an operator's cut-off absorbs
# them.

{
    my $good = living($fourth);
    my $now = int time;

    add_rows($capacity + 50, $now + 3600, 'live');
    ok(until_status(503, sub { guarded($fourth, $good) }, 3),
        'D5 more rows than fit, later');
    $store->sql("INSERT INTO revocations (kind, id, cutoff, expires_at)"
        . " VALUES ('partner', 'live', $now, $now + 90000)");
    ok(until_status(200, sub { guarded($fourth, $good) }, 4),
        'D5 a cut-off that covers them makes room');
    is_deeply([$gw->problems_after], [], 'D5 on the same workers');
}

$gw->finish;
