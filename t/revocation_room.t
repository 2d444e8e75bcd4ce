# D5, room: neither one partner, nor what an operator does in bulk, nor
# many that revoke at once, fill the zone for others.  Whoever has no part in
# it notices nothing; a 200 holds, over a restart too; and a 503 stays with
# whom it was said to.  AGW_BULK=1000000 makes it larger.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Bystanders;
use AGW::Gateway;
use AGW::Nginx qw(nginx_t);
use AGW::Revoking qw(conf_of);

my $bulk = $ENV{AGW_BULK} // 40_000;

my $conf = conf_of(http => <<'HTTP');
    auth_gateway_zone 64k;
    auth_gateway_require_https off;
    keepalive_requests 1000000;
HTTP

my $full = qr/\[alert\].* auth_gateway: the zone (?:is full|has no room for)/;
my $gw;

sub start {
    my (%opt) = @_;

    return $gw = AGW::Revoking->start($conf, workers => 2, %opt);
}

sub statuses {
    my %count;

    $count{$_}++ for @_;

    return join ', ', map { "$count{$_} times $_" } sort keys %count;
}

# a business token and a partner token, as the gateway issues them

sub issued {
    my ($partner, $business) = @_;

    return (AGW::Bystanders::issue($gw, 'PLAIN', $business,
        AGW::Gateway::basic(@$partner{qw(id key)})))[0];
}

sub get {
    my ($token, $business) = @_;

    return $gw->request('GET', "/v1/businesses/$business/x", quiet => 1,
        bearer => $token, port => 'PLAIN')->status;
}

# Asserts that each of [token, business] is refused, at most so many seconds
# from then.

sub all_end {
    my ($name, $from, $seconds, @of) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @left = @of;
    my %status;

    while (1) {
        @left = grep { ($status{ $_->[0] } = get(@$_)) ne '401' } @left;
        last if !@left || time > $from + $seconds;
        sleep 0.02;
    }

    note(sprintf '%s: after %.2f s', $name, time - $from);

    return is(statuses(map { $status{ $_->[0] } } @of), @of . ' times 401',
        $name);
}

sub unnoticed {
    my ($name, $bystanders) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    # a few at least, however quick it was

    for (1 .. 200) {
        last if $bystanders->count > 20;
        sleep 0.02;
    }

    my $seen = $bystanders->stop;

    is_deeply($seen->{problems}, {}, "D5 $name: nobody else notices");
    cmp_ok($seen->{events}, '>', 20, "D5 in $seen->{events} requests");
    note(sprintf 'the longest took %.3f s', $seen->{longest});

    return cmp_ok($seen->{longest}, '<', 2, 'D5 and none is held');
}

# the same store and zone, read anew

sub restart {
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is($gw->restart, 0, "$name: nginx ended well");
}

# so many businesses, named <word>-1 and so on, by turns of each partner

sub businesses {
    my ($word, $count, @partners) = @_;

    my $who = join ' ', map {
        "WHEN $_ THEN '$partners[$_]{id}'" } 0 .. $#partners;

    return $gw->store->sql('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL'
        . " SELECT i + 1 FROM n WHERE i < $count)"
        . ' INSERT INTO businesses (business_id, partner_id)'
        . " SELECT '$word-' || i, CASE i % " . @partners . " $who END FROM n");
}


# Routine work in bulk.

start();

{
    my $from = $gw->partner;
    my $to = $gw->partner;

    businesses('moved', $bulk, $from);

    # some of them, and a token of each

    my @of = map { my $business = "moved-$_"; [issued($from, $business),
        $business] } 1, 2, $bulk, map { 1 + int rand $bulk } 1 .. 17;
    my $kept = $gw->business($from);
    my $bystanders = AGW::Bystanders->start($gw);
    my $started = time;

    is(get(@{ $of[-1] }), 200, 'D5 before they move');
    $gw->store->sql("UPDATE businesses SET partner_id = '$to->{id}'"
        . " WHERE business_id LIKE 'moved-%'");
    note(sprintf "$bulk businesses moved in %.1f s", time - $started);
    all_end("D5 $bulk businesses moved: their tokens end within 2 s", time,
        2, @of);
    is(get(issued($from, $kept), $kept), 200,
        'D5 what their partner is issued after that holds');
    is(get(issued($to, $of[0][1]), $of[0][1]), 200,
        'D5 and what the other one is issued');
    sleep 1;
    unnoticed("$bulk businesses moved", $bystanders);

    my $token = issued($from, $kept);

    $gw->succeeds('D5 their partner revokes', $gw->revoke($token,
        basic => [@$from{qw(id key)}]));
    is(get($token, $kept), 401, 'P5.3 which holds');
    restart('D5 a start');
    all_end('D5 all have ended after a start', time, 0, @of);
    is(get(issued($from, $kept), $kept), 200, 'D5 and new ones are issued');
}

{
    my @partners = map { $gw->partner } 1 .. 40;

    businesses('archived', $bulk, @partners);

    my @of = map { my $business = "archived-$_";
        [issued($partners[$_ % 40], $business), $business] }
        1, 2, $bulk, map { 1 + int rand $bulk } 1 .. 17;
    my @kept = map { $gw->business($_) } @partners[0, 1, 2];
    my $bystanders = AGW::Bystanders->start($gw);
    my $started = time;

    $gw->store->sql("UPDATE businesses SET status = 'archived'"
        . " WHERE business_id LIKE 'archived-%'");
    note(sprintf "$bulk businesses archived in %.1f s", time - $started);
    all_end("D5 $bulk businesses of 40 partners archived", time, 2, @of);
    is(statuses(map { get(issued($partners[$_], $kept[$_]), $kept[$_]) }
        0 .. 2), '3 times 200', 'D5 what they are issued after that holds');
    sleep 1;
    unnoticed("$bulk businesses archived", $bystanders);
    restart('D5 a start');
    all_end('D5 all have ended after a start', time, 0, @of);
    is_deeply([$gw->problems_after], [], 'D5 and others live');
}


# One partner with many businesses, by HTTP.

start();

{
    my ($one, $two) = @$gw{qw(us them)};
    my @basic = ([@$one{qw(id key)}], [@$two{qw(id key)}]);

    businesses('one', 800, $one);

    my @sample = map { [issued($one, "one-$_"), "one-$_"] } 1, 50, 300, 661;
    my $bystanders = AGW::Bystanders->start($gw);
    my @status = $gw->revoke_many([map { "one-$_" } 1 .. 661],
        business => 1, basic => $basic[0]);

    is(statuses(@status), '661 times 200',
        'P5.4 one partner revokes 661 of its 800 businesses');
    all_end('P5.4 they end', time, 0, @sample);

    my $token = issued($one, 'one-800');

    is(get($token, 'one-800'), 200, 'D5 what it is issued then holds');

    # another one has all that it had

    my $theirs = $gw->business($two);
    my @tokens = map { issued($two, $theirs) } 1 .. 3;

    $gw->succeeds('D5 another partner revokes a token',
        $gw->revoke($tokens[0], basic => $basic[1]));
    is(join(' ', map { get($_, $theirs) } @tokens), '401 200 200',
        'P5.3 that one');
    $gw->succeeds('D5 and a business', $gw->cut_off($theirs,
        basic => $basic[1]));
    is(join(' ', map { get($_, $theirs) } @tokens), '401 401 401',
        'P5.4 all of it');

    my @more = map { $gw->business($two) } 1 .. 2;
    my @old = map { [issued($two, $_), $_] } @more;

    $gw->store->sql("UPDATE businesses SET status = 'archived' WHERE"
        . " business_id = '$more[0]'");
    all_end('D5 and one of its businesses is archived', time, 2, $old[0]);
    is(get(@{ $old[1] }), 200, 'D5 which leaves its other ones alone');
    unnoticed('one partner revokes 661 businesses', $bystanders);
    is(get($token, 'one-800'), 200, 'D5 it holds on');
    restart('D5 a start');
    all_end('P5.4 all have ended after a start', time, 0, @sample, $old[0],
        map { [$_, $theirs] } @tokens);
    is(get($token, 'one-800'), 200, 'D5 and what was issued after lives');
    is(get(@{ $old[1] }), 200, 'D5 another of the other one as well');
}


# One partner's 700 tokens, while another process writes.

start();

{
    my @tokens = map { $gw->token } 1 .. 700;
    my $line = AGW::Gateway::basic(@{ $gw->{basic} })
        =~ s/^Authorization: //r;
    my @connections = map { $gw->connect_h2 } 1 .. 7;
    my $bystanders = AGW::Bystanders->start($gw);
    my $unlock = $gw->lock_writes;
    my $from = time;
    my @streams = map { $connections[$_ % 7]->start('POST', '/revoke',
        body => "token=$tokens[$_]", headers => [['authorization', $line],
        ['content-type', 'application/x-www-form-urlencoded']]) }
        0 .. $#tokens;

    sleep 0.4 - (time - $from) if time < $from + 0.4;
    $unlock->();

    my @status = map { my $r = eval {
        $connections[$_ % 7]->response($streams[$_]) };
        $r ? $r->status : 'nothing' } 0 .. $#tokens;

    $_->close for @connections;
    is(statuses(@status), '700 times 200',
        'P5.3 700 tokens of one partner, behind another process');
    unnoticed('700 tokens of one partner', $bystanders);
    is(statuses(map { get($_, $gw->{business}) } @tokens), '700 times 401',
        'P5.3 all of them hold');
    is_deeply([$gw->problems_after], [], 'D5 and others live');
    restart('D5 a start');
    is(statuses(map { get($_, $gw->{business}) } @tokens), '700 times 401',
        'P5.3 all of them hold after a start');
    is_deeply([$gw->problems_after], [], 'D5 and others live');
}


# Many revoke at once where there is next to no room: a zone that entries of
# partners fill, which give way to nothing.

{
    my ($code, $said) = nginx_t($conf, names => { UPSTREAM => 1 });
    my ($holds) = $said =~ /holds (\d+) entries/;

    ok($holds, 'D5 nginx -t says how many entries the zone holds');

    # all at once: nginx takes a second to learn what fills each of them

    my @cases = map { { free => $_ } } 0, 5, 12;

    for my $case (@cases) {
        start(allow => [$full]);

        my @partners = map { $gw->partner } 1 .. 24;
        my @of = map { $gw->business($_) } @partners;
        my @tokens = map { $gw->keep_secret($gw->mint(
            partner_id => $partners[$_]{id}, business_id => $of[$_])) }
            0 .. 23;
        my $fill = $holds - $case->{free};

        $gw->store->sql('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT'
            . " i + 1 FROM n WHERE i < $fill) INSERT INTO revocations"
            . " (kind, id, cutoff, expires_at) SELECT 'partner',"
            . " 'filler-' || i, unixepoch(), unixepoch() + 90000 FROM n");
        %$case = (%$case, gw => $gw, partners => \@partners, of => \@of,
            tokens => \@tokens);
    }

    # what each of a case's tokens is answered

    my $answers = sub {
        my ($case) = @_;

        $gw = $case->{gw};

        return map { get($case->{tokens}[$_], $case->{of}[$_]) } 0 .. 23;
    };

    sleep 1.5;

    for my $case (@cases) {
        my $free = $case->{free};

        is(statuses($answers->($case)), '24 times 200',
            "D5 $free places are free");

        my $bystanders = AGW::Bystanders->start($gw);
        my @status = $gw->revoke_many($case->{tokens}, connections => 24,
            basic => [map { [@$_{qw(id key)}] } @{ $case->{partners} }]);
        my $good = grep { $_ eq '200' } @status;

        $case->{want} = [map { $_ eq '200' ? 401 : 200 } @status];

        # what is hashed into a full row finds no place, so not each is used

        is(scalar(grep { !/^(?:200|503)$/ } @status), 0,
            "P5.3 24 at once: @{[statuses(@status)]}");
        cmp_ok($good, '<=', $free, 'D5 no more than there is room for');
        like($gw->log_text, $full, 'D5 with an ALERT');
        is_deeply([$answers->($case)], $case->{want},
            'P5.3 each 200 holds, and each 503 is nothing');
        unnoticed("24 at once with $free places", $bystanders);
    }

    sleep 1.5;

    for my $case (@cases) {
        my @later = $answers->($case);

        is_deeply([$gw->problems_after], [], 'D5 nor do others later');
        is_deeply(\@later, $case->{want}, 'P5.3 as before');
        restart('D5 a start');
        is_deeply([$answers->($case)], $case->{want},
            'P5.3 the same after a start');
        is_deeply([$gw->problems_after], [], 'D5 and others live');
    }

    # and one that tokens of many fill: they give way

    start();

    my @partners = map { $gw->partner } 1 .. 24;
    my @of = map { $gw->business($_) } @partners;

    $gw->store->sql('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT'
        . " i + 1 FROM n WHERE i < $holds - 4) INSERT INTO revocations"
        . ' (kind, id, cutoff, expires_at)'
        . " SELECT 'token', 'filler-' || (i % 8) || ':t-' || i, 1,"
        . ' unixepoch() + 3600 FROM n');
    sleep 1.5;

    my @tokens = map { issued($partners[$_], $of[$_]) } 0 .. 23;
    my $bystanders = AGW::Bystanders->start($gw);
    my @status = $gw->revoke_many(\@tokens, connections => 24,
        basic => [map { [@$_{qw(id key)}] } @partners]);

    is(statuses(@status), '24 times 200', 'D5 24 at once: tokens give way');
    is(statuses(map { get($tokens[$_], $of[$_]) } 0 .. 23), '24 times 401',
        'P5.3 all hold');
    unnoticed('24 at once in a zone of tokens', $bystanders);
    restart('D5 a start');
    is(statuses(map { get($tokens[$_], $of[$_]) } 0 .. 23), '24 times 401',
        'P5.3 all hold after a start');
    is_deeply([$gw->problems_after], [], 'D5 and others live');
}

$gw->finish;
