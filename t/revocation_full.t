# D5: the zone of revocations is bounded, and nothing in it is
# forgotten.  One partner fills at most a quarter: past that, or where the
# zone is full, its tokens and businesses become one entry of the partner.
# Only a zone full of such entries refuses a revoker; what is revoked for
# everyone is never merged, so who revokes too much of it is refused alone;
# and a node that learns of more than it can hold accepts no token.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Gateway;
use AGW::Nginx qw(nginx_t);
use AGW::Revoking qw(owner_in plain_conf);
use AGW::Stopwatch;
use AGW::Token qw(claims_of);

my $conf = plain_conf('64k',
    content => 'proxy_pass http://127.0.0.1:%%UPSTREAM%%;');

# with a key of another issuer, a business is revoked for everyone

my $theirs = $conf =~ s{(    auth_gateway_require_https off;\n)}
    {    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k2 verify
        issuer=https://id.example.com;\n$1}r;

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
        qr/"auth_gateway_zone" of $bytes bytes is too small, it must be/,
        'D3 and nginx -t says why');
}

my $full = qr/\[alert\].* auth_gateway: the zone (?:is full|has no room for)/;
my ($gw, $store);

sub start {
    my ($text) = @_;

    $gw = AGW::Gateway->start($text, workers => 2, allow => [$full]);
    $store = $gw->store;

    my $good = owner();
    my $token = living($good);

    $gw->good_is(sub { return guarded($good, $token)->status == 200 });

    return;
}

# the same store and another nginx

sub restart {
    my ($text) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($gw->nginx->restart($text), 0, 'D5 nginx ended well');
    $gw->new_workers;

    return;
}

# a partner, its business, and how to revoke

sub owner { return owner_in($gw) }

sub living {
    my ($owner, %claims) = @_;

    return $gw->mint(partner_id => $owner->{id},
        business_id => $owner->{business}, claims => \%claims);
}

# as the gateway issues it, now; undefined where it does not

sub issued {
    my ($owner) = @_;

    my $r = $gw->request('POST', '/token', port => 'PLAIN',
        basic => $owner->{basic}, quiet => 1);

    return if $r->status != 200;

    $r = $gw->request('POST', "/token/$owner->{business}", quiet => 1,
        port => 'PLAIN', bearer => $gw->keep_secret(
            $r->json->{access_token}));

    return $r->status == 200
        ? $gw->keep_secret($r->json->{access_token}) : undef;
}

sub guarded {
    my ($owner, $token) = @_;

    return $gw->request('GET', "/v1/businesses/$owner->{business}/x",
        port => 'PLAIN', bearer => $token, quiet => 1);
}

sub holds_now {
    my ($name, $owner) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $token = issued($owner);

    return is(defined $token ? guarded($owner, $token)->status : 'none', 200,
        $name);
}

sub revoke {
    my ($owner, $token) = @_;

    return $gw->request('POST', '/revoke', port => 'PLAIN',
        basic => $owner->{basic}, form => "token=$token");
}

sub cut_off {
    my ($owner, $business) = @_;

    return $gw->request('POST', '/cut/' . ($business // $owner->{business}),
        port => 'PLAIN', basic => $owner->{basic}, form => '');
}

sub statuses {
    my %count;

    $count{$_}++ for @_;

    return join ', ', map { "$count{$_} times $_" } sort keys %count;
}

# a busy machine may take ten times as long as it should

sub until_status {
    my ($status, $request, $seconds) = @_;

    my $until = time + 10 * $seconds;
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
    my ($where) = @_;

    return $store->sql('SELECT count(*) FROM revocations'
        . ($where ? " WHERE $where" : ''));
}

# Rows by hand, with ids by the number i.

sub add_rows {
    my ($count, $kind, $id) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($code, $said) = $store->run('WITH RECURSIVE n(i) AS (SELECT 1 UNION'
        . " ALL SELECT i + 1 FROM n WHERE i < $count)"
        . ' INSERT INTO revocations (kind, id, cutoff, expires_at)'
        . " SELECT '$kind', $id, unixepoch(), unixepoch() + 90000 FROM n;");

    return is($code, 0, "D5 $count rows of kind $kind") || diag($said);
}


# One partner: as much as it likes.  Past a quarter its tokens are one entry,
# which ends what it was issued before, and nothing later.

start($conf);

{
    my ($one, $two) = map { owner() } 1, 2;
    my $count = int($capacity / 2);
    my $theirs = living($two);
    my (@tokens, @status);

    for (1 .. $count) {
        push @tokens, living($one);
        push @status, revoke($one, $tokens[-1])->status;
    }

    is(statuses(@status), "$count times 200",
        'D5 one partner revokes half of what the zone holds');
    is(statuses(map { guarded($one, $_)->status } @tokens),
        "$count times 401", 'P5.3 each is refused');
    is(rows("kind = 'token'"), $count, 'P5.3 each has its row');
    holds_now('D5 what it is issued after that holds', $one);

    my $token = issued($one) // 'none';

    is(revoke($one, $token)->status, 200, 'P5.3 and is revoked');
    is(guarded($one, $token)->status, 401, 'P5.3 which holds');
    is(cut_off($one)->status, 200, 'P5.4 its business is');
    holds_now('D5 and tokens are issued after it', $one);
    is(guarded($two, $theirs)->status, 200,
        'D5 another partner notices nothing');
    is(revoke($two, $theirs)->status, 200, 'D5 and revokes');
    is(guarded($two, $theirs)->status, 401, 'P5.3 which holds');

    # many partners: more than the zone holds, each less than a quarter

    my @many = map { owner() } 1 .. 8;
    my %of;

    @status = ();

    for my $owner (@many) {
        for (1 .. int($capacity / 6)) {
            push @{ $of{$owner->{id}} }, my $revoked = living($owner);
            push @status, revoke($owner, $revoked)->status;
        }
    }

    is(statuses(@status), @status . ' times 200',
        "D5 eight partners revoke @{[scalar @status]}");
    is(statuses(map { my $owner = $_; map { guarded($owner, $_)->status }
        @{ $of{$owner->{id}} } } @many), @status . ' times 401',
        'P5.3 each is refused');
    holds_now('D5 what one is issued after that holds', $_) for @many[0, 7];
    is_deeply([$gw->problems_after], [], 'D5 nobody else notices');

    # a reload changes nothing, and what the zone held, a new one holds

    ok($gw->nginx->reload, 'D5 a reload');
    $gw->new_workers;
    is(statuses(map { guarded($one, $_)->status } @tokens),
        "$count times 401", 'P5.3 each is refused');
    restart($conf);
    is(statuses(map { guarded($one, $_)->status } @tokens),
        "$count times 401", 'P5.3 each is refused after a start');
    is(statuses(map { my $owner = $_; map { guarded($owner, $_)->status }
        @{ $of{$owner->{id}} } } @many), @status . ' times 401',
        'P5.3 those of the eight as well');
    holds_now('D5 new tokens hold after a start', $_) for $one, @many[0, 7];
    is_deeply([$gw->problems_after], [], 'D5 and others live');
}


# Rows by hand, more than fit, of few partners: they are merged.

start($conf);

{
    my $one = owner();
    my $token = living($one);

    add_rows(3 * $capacity, 'token', "'many-' || (i % 3) || ':t-' || i");
    add_rows(3 * $capacity, 'owner', "'$one->{id}:b-' || i");
    ok(until_status(401, sub { guarded($one, $token) }, 3),
        'D5 rows by hand are merged, and end what was issued before');
    sleep 1;
    is_deeply([$gw->problems_after], [], 'D5 and others live');
    holds_now('D5 what is issued after them holds', $one);
    restart($conf);
    is(guarded($one, $token)->status, 401, 'D5 likewise at a start');
    is_deeply([$gw->problems_after], [], 'D5 and others live');
    holds_now('D5 what is issued after them holds', $one);
}


# A zone full of partners' entries: who would revoke is refused.

start($conf);

{
    my $one = owner();
    my $first = living($one);

    is(revoke($one, $first)->status, 200, 'D5 a token in an empty zone');

    my $second = issued($one);

    add_rows($capacity - 2, 'partner', "'filler-' || i");
    sleep 1.5;

    my ($before, $response, $token) = (rows());

    for (1 .. 10) {
        my $owner = owner();

        $token = living($owner);
        $response = revoke($owner, $token);
        next if $response->status == 200;

        $gw->refused('D5 a full zone refuses the revoker', $response,
            'store_unavailable', by => 'basic', partner => $owner->{id});
        ok($response->header('Retry-After'), 'P1.10 with Retry-After');
        like($gw->log_text, $full, 'D5 with an ALERT');
        is(guarded($owner, $token)->status, 200,
            'P5.3 the token still lives');
        is(rows(), $before, 'P5.3 no row is written');

        $response = cut_off($owner);
        is($response->status, 503, 'D5 nor is there room for its business');
        is(guarded($owner, $token)->status, 200,
            'P5.3 whose tokens still live');
        is(rows(), $before, 'P5.3 no row is written');
        undef $token;
        last;
    } continue {
        $before = rows();
    }

    is($token, undef, 'D5 the zone was full');
    is(guarded($one, $first)->status, 401, 'D5 what is revoked stays so');
    is(revoke($one, $first)->status, 200, 'D5 and is revoked again');
    is(guarded($one, $second)->status, 200, 'D5 what is not, lives');
    is_deeply([$gw->problems_after], [], 'D5 nobody else notices');
    sleep 1.5;
    is_deeply([$gw->problems_after], [], 'D5 nor later');
}


# A business that is revoked for everyone is never merged: past the quarter
# its caller is refused, and nobody else.

start($theirs);

{
    my ($one, $two) = map { owner() } 1, 2;
    my @businesses = map { $gw->business($one) } 1 .. int($capacity / 2);
    my ($done, $response) = (0);

    for (@businesses) {
        $response = cut_off($one, $_);
        last if $response->status != 200;
        $done++;
    }

    cmp_ok($done, '>', $capacity / 6, "D5 one partner revokes $done"
        . ' businesses for everyone');
    cmp_ok($done, '<=', $capacity / 4 + 1, 'D5 and no more than a quarter');
    $gw->refused('D5 then it is refused', $response, 'store_unavailable',
        by => 'basic', partner => $one->{id});
    ok($response->header('Retry-After'), 'P1.10 with Retry-After');
    is(cut_off($two)->status, 200, 'D5 another partner is not');
    is(revoke($two, living($two))->status, 200, 'D5 with a token neither');
    is_deeply([$gw->problems_after], [], 'D5 nobody else notices');

    my %one = (%$one, business => $businesses[0]);

    is(guarded(\%one, living(\%one, iat => int(time) - 1))->status, 401,
        'P5.4 what was revoked is refused');
}


# More than a node can hold: it accepts no token.

start($conf);

{
    my $one = owner();
    my $token = living($one);

    add_rows($capacity + 50, 'business', "'b-' || i");
    ok(until_status(503, sub { guarded($one, $token) }, 3),
        'D5 more businesses than fit, by hand: no token is accepted');
    $gw->mark;
    $gw->refused('D5 which is said', guarded($one, $token),
        'store_unavailable', partner => $one->{id}, good => 0);
    like(AGW::Files::slurp($gw->nginx->error_log), $full,
        'D5 with an ALERT');
    is($gw->request('POST', "/token/$one->{business}", port => 'PLAIN',
        bearer => $gw->mint(partner_id => $one->{id}))->status, 503,
        'D5 a partner token is not accepted either');

    # nor is it said of one that it is inactive, which nobody knows

    $gw->refused('P6.2 introspection', $gw->request('POST', '/introspect',
        port => 'PLAIN', basic => $one->{basic}, form => "token=$token"),
        'store_unavailable', by => 'basic', partner => $one->{id}, good => 0);

    # many requests do not hold each other up

    my $watch = AGW::Stopwatch->start($gw->nginx->workers);

    guarded($one, $token) for 1 .. 20;
    cmp_ok($watch->seconds, '<', 1, 'D5 the answers come at once');
    sleep 1.5;
    is(guarded($one, $token)->status, 503, 'D5 and it stays so');

    my $lines = () = AGW::Files::slurp($gw->nginx->error_log) =~ /$full/g;

    cmp_ok($lines, '<', 10, "D5 which is not said on and on ($lines)");
    restart($conf);
    is(guarded($one, $token)->status, 503, 'D5 nor at a start');
    restart($conf =~ s/zone 64k/zone 256k/r);
    is(guarded($one, $token)->status, 200, 'D5 a larger zone holds them');
    is_deeply([$gw->problems_after], [], 'D5 and all is well');
}

$gw->finish;
