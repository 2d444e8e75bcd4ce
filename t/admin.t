# P11: an operator's day over HTTP: a partner, its keys, a business, what ends
# whose tokens; lists, and entity tags.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Admin;
use AGW::Token qw(key_digest);

my $admin = AGW::Admin->start;
my $uuid = qr/\A[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\z/;

sub ask { return $admin->ask(@_) }
sub gets { local $Test::Builder::Level = 2; return $admin->gets(@_) }

# a token of the partner, by its key; or nothing

sub token {
    my ($id, $key) = @_;

    my $response = $admin->request('POST', '/token', basic => [$id, $key]);

    return $response->status == 200
        ? $admin->keep_secret($response->json->{access_token}) : undef;
}

sub business_token {
    my ($token, $business) = @_;

    my $response = $admin->request('POST', "/token/$business",
        bearer => $token);

    return $response->status == 200
        ? $admin->keep_secret($response->json->{access_token}) : undef;
}

sub opens {
    my ($token, $path) = @_;

    return $admin->request('GET', $path, bearer => $token)->status;
}

# a partner

my $r = ask('POST', 'partners', { name => "Caf\x{e9} \"x\"",
    scopes => ['read', 'write'] });
my $id = $r->json->{partner_id};

gets('P11.2 a partner is created', $r, 201, status => 'active',
    name => "Caf\x{e9} \"x\"", scopes => ['read', 'write']);
like($id, $uuid, 'P11.2 with a new UUID');
is($r->header('Location'), "/admin/partners/$id", 'P11.2 and its Location');

my $tag = AGW::Admin::tag($r);

like($tag, qr/\A"[0-9a-f]{32}"\z/, 'P11.2 and a strong ETag');

$r = ask('GET', "partners/$id");
gets('P11.2 it is there', $r, 200, partner_id => $id, status => 'active');
is(AGW::Admin::tag($r), $tag, 'P11.2 with the same ETag');
gets('P0.4 with a final slash too', ask('GET', "partners/$id/"), 200,
    partner_id => $id);

$r = ask('PATCH', "partners/$id", { scopes => undef });
gets('P11.2 a member is removed', $r, 200, name => "Caf\x{e9} \"x\"");
ok(!exists $r->json->{scopes}, 'P11.2 and is gone');
isnt(AGW::Admin::tag($r), $tag, 'P11.2 the ETag is another one');

gets('P11.2 PUT creates', ask('PUT', 'partners/p-1', {}), 201,
    partner_id => 'p-1', status => 'active');
gets('P11.2 PUT replaces', ask('PUT', 'partners/p-1',
    { partner_id => 'p-1', name => 'One' }), 200, name => 'One');
$r = ask('PUT', 'partners/p-1', {});
gets('P11.2 and what it does not say is none', $r, 200);
ok(!exists $r->json->{name}, 'P11.2 the name is gone');

# its keys

$r = ask('POST', "partners/$id/keys", { name => 'first' });

my ($key, $key_id) = @{ $r->json }{qw(api_key key_id)};

gets('P11.3 an API key', $r, 201, name => 'first', not_before => 0,
    expires_at => undef, last_used_at => undef);
like($key, qr/\Aagw_[0-9A-Za-z]{33}\z/, 'P11.3 that scanners can tell');
like($key_id, qr/\A[a-z2-7]{16}\z/, 'P11.3 with a public id');
ok(abs($r->json->{created_at} - time) < 300, 'P11.3 and its time');
is($r->header('Location'), "/admin/partners/$id/keys/$key_id",
    'P11.3 and its Location');

my $token = token($id, $key);

ok($token, 'P11.3 it gets a token');

$r = ask('GET', "partners/$id/keys");
is(scalar @{ $r->json->{keys} }, 1, 'P11.3 it is in the list');
unlike($r->{body}, qr/\Q$key\E|api_key|sha256/, 'P11.3 without its secret');

$r = ask('POST', "partners/$id/keys/$key_id/roll", { grace => 3600 });

my ($next, $next_id) = @{ $r->json }{qw(api_key key_id)};

gets('P11.3 it is rolled', $r, 201, name => 'first', expires_at => undef);
ok(token($id, $next) && token($id, $key), 'P11.3 both hold for now');
$r = ask('GET', "partners/$id/keys/$key_id");
ok(abs($r->json->{expires_at} - time - 3600) < 300,
    'P11.3 the old one ends after the time of grace');

$r = ask('POST', "partners/$id/keys/$key_id/roll");

my $third = $r->json->{key_id};

gets('P11.3 without grace', $r, 201);
sleep 1;
ok(!token($id, $key), 'P11.3 the old one ends at once');

gets('P11.3 a key is changed', ask('PATCH', "partners/$id/keys/$third",
    { name => 'third', expires_at => time + 50 }), 200, name => 'third');
gets('P11.3 and does not end any more', ask('PATCH',
    "partners/$id/keys/$third", { expires_at => undef, name => undef }),
    200, expires_at => undef);
is(ask('DELETE', "partners/$id/keys/$third")->status, 204,
    'P11.8 a key is deleted');
$admin->mark;
$admin->refuses('P11.8 and is gone', ask('GET', "partners/$id/keys/$third"),
    'unknown_object');

# a business

gets('P11.2 a business', ask('PUT', 'businesses/b-1',
    { partner_id => $id }), 201, business_id => 'b-1', partner_id => $id,
    status => 'active');
like(ask('POST', 'businesses', { partner_id => $id })->json->{business_id},
    $uuid, 'P11.2 with a new UUID');

$token = token($id, $next);

my $mine = business_token($token, 'b-1');

is(opens($mine, '/v1/businesses/b-1/x'), 200, 'P11.2 its token opens it');
gets('P11.2 it is archived', ask('PATCH', 'businesses/b-1',
    { status => 'archived' }), 200, status => 'archived');
is(opens($mine, '/v1/businesses/b-1/x'), 401,
    'P11.4 and its tokens have ended');
gets('P11.2 it is restored', ask('PATCH', 'businesses/b-1',
    { status => 'active' }), 200, status => 'active');
is(opens($mine, '/v1/businesses/b-1/x'), 401, 'P11.4 they stay so');

$mine = business_token($token, 'b-1');
is(opens($mine, '/v1/businesses/b-1/x'), 200, 'P11.2 a new one opens it');
gets('P11.2 it is moved', ask('PATCH', 'businesses/b-1',
    { partner_id => 'p-1' }), 200, partner_id => 'p-1');
is(opens($mine, '/v1/businesses/b-1/x'), 401,
    'P11.4 and the tokens of the former owner have ended');
is(opens($token, '/owned/b-1/x'), 404, 'P11.2 it is not the owner any more');

# revocations

gets('P11.2 it is moved back', ask('PUT', 'businesses/b-1',
    { partner_id => $id }), 200, partner_id => $id);

for (
    ['owner', sub { "$id:b-1" }],
    ['business', sub { 'b-1' }],
    ['partner', sub { $id }],
    ['token', sub { "$id:" . AGW::Token::claims_of($mine)->{jti} }],
) {
    my ($kind, $of) = @$_;

    $token = token($id, $next);
    $mine = business_token($token, 'b-1');
    is(opens($mine, '/v1/businesses/b-1/x'), 200, "P11.4 $kind: before");

    my $r = ask('POST', 'revocations', { kind => $kind, id => $of->() });

    gets("P11.4 $kind: it is revoked", $r, 200, kind => $kind,
        id => $of->());
    cmp_ok($r->json->{seq}, '>', 0, "P11.4 $kind: with a stamp");
    is(opens($mine, '/v1/businesses/b-1/x'), 401, "P11.4 $kind: after");
}

{
    my $all = ask('GET', 'revocations')->json->{revocations};
    my @seqs = map { $_->{seq} } @$all;

    is_deeply(\@seqs, [sort { $a <=> $b } @seqs], 'P11.4 by their stamps');

    my $first = ask('GET', 'revocations?limit=1')->json;

    is_deeply($first->{revocations}, [$all->[0]], 'P11.4 a page of them');
    is_deeply(ask('GET', "revocations?after=$first->{after}")->json
        ->{revocations}, [@$all[1 .. $#$all]], 'P11.4 and the next one');
    is_deeply([map { $_->{kind} } @{ ask('GET',
        "revocations?kind=business")->json->{revocations} }], ['business'],
        'P11.4 of one kind');
    is_deeply([grep { $_->{kind} eq 'token' } @{ ask('GET',
        "revocations?partner_id=$id")->json->{revocations} }],
        [grep { $_->{kind} eq 'token' } @$all], 'P11.4 of one partner');
    is_deeply(ask('GET', 'revocations?partner_id=p-2')->json->{revocations},
        [], 'P11.4 of another one');
}

# a leaked key

$r = ask('POST', "partners/$id/keys");
$key = $r->json->{api_key};
$key_id = $r->json->{key_id};
$token = token($id, $key);
$mine = business_token($token, 'b-1');
gets('P11.8 a leaked key is ended', ask('POST',
    "partners/$id/keys/$key_id/end"), 200, kind => 'partner', id => $id);
is(opens($mine, '/v1/businesses/b-1/x'), 401, 'P11.8 and every token');
ok(!token($id, $key), 'P11.8 and the key');
ok(token($id, $next), 'P11.8 but not the other one');

# a partner is disabled

$mine = business_token(token($id, $next), 'b-1');
is(opens($mine, '/v1/businesses/b-1/x'), 200, 'P11.2 before');
gets('P11.2 a partner is disabled', ask('PATCH', "partners/$id",
    { status => 'disabled' }), 200, status => 'disabled');
is(opens($mine, '/v1/businesses/b-1/x'), 401, 'P11.4 its tokens have ended');
ok(!token($id, $next), 'P11.2 and it gets none');

# lists

ask('PUT', sprintf('businesses/l-%03d', $_), { partner_id => 'p-1',
    status => $_ % 2 ? 'active' : 'archived' }) for 1 .. 7;

{
    my (@seen, $after);
    my $pages = 0;

    do {
        my $page = ask('GET', 'businesses?partner_id=p-1&limit=2'
            . (defined $after ? "&after=$after" : ''))->json;

        push @seen, map { $_->{business_id} } @{ $page->{businesses} };
        $after = $page->{after};
        $pages++;
    } while (defined $after && $pages < 20);

    is_deeply([sort @seen], [map { sprintf 'l-%03d', $_ } 1 .. 7],
        'P11.2 all pages have each object once');
    is($pages, 4, 'P11.2 and no more');
    is_deeply([sort map { $_->{business_id} } @{ ask('GET',
        'businesses?partner_id=p-1&status=archived')->json->{businesses} }],
        [qw(l-002 l-004 l-006)], 'P11.2 by their status');
    is_deeply(ask('GET', 'businesses?after=zzz')->json, { businesses => [] },
        'P11.2 a page behind the last one is empty');
    is_deeply([map { $_->{partner_id} } @{ ask('GET',
        'partners?status=disabled')->json->{partners} }], [$id],
        'P11.2 partners too');
}

# what another program stored

my $other = $admin->partner;

$r = ask('GET', "partners/$other->{id}/keys");
is(scalar @{ $r->json->{keys} }, 1, 'P11.3 the key of another program');

my $theirs = $r->json->{keys}[0];

gets('P11.3 has an id too', ask('GET',
    "partners/$other->{id}/keys/$theirs->{key_id}"), 200,
    key_id => $theirs->{key_id});
gets('P11.3 by which it is named', ask('PATCH',
    "partners/$other->{id}/keys/$theirs->{key_id}", { name => 'old' }), 200,
    name => 'old', key_id => $theirs->{key_id});
ok(token($other->{id}, $other->{key}), 'P11.3 and it goes on');

$admin->finish;
