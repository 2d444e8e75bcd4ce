# Design 5: cut-offs of businesses and partners, and what is issued after
# them: no token is born dead.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Gateway;
use AGW::Revoking qw(conf_of);
use AGW::Token qw(claims_of);

my $gw = AGW::Revoking->start(conf_of(), workers => 4);
my $id = $gw->{id};
my @form = ('Content-Type: application/x-www-form-urlencoded');

sub cutoff_of {
    my ($gateway, $kind, $which) = @_;

    return $gateway->store->sql('SELECT cutoff FROM revocations'
        . " WHERE kind = '$kind' AND id = '$which'");
}


# Revoke, mint, and ask, for twenty businesses at a time, each on connections
# of its own, and at any time of a second.  No token holds that was issued
# before, and each holds that was issued after.

{
    my @of = map { $gw->business($id) } 1 .. 20;
    my (@late, @dead, @undead, @waits);

    for my $round (1 .. 4) {
        my @old = map { $gw->token(business_id => $_) } @of;
        my @revoking = map { $gw->connect } @of;
        my @minting = map { $gw->connect } @of;

        for my $i (0 .. $#of) {
            sleep rand 0.05;
            $revoking[$i]->send("POST /revoke/$of[$i] HTTP/1.1\r\n"
                . "Host: localhost\r\n" . AGW::Gateway::basic(
                @{ $gw->{basic} }) . "\r\nContent-Length: 0\r\n\r\n");
            is($revoking[$i]->response->status, 200, 'P5.4 a cut-off')
                if $round == 1;
            $revoking[$i]->response if $round > 1;
            $minting[$i]->send("POST /token/$of[$i] HTTP/1.1\r\n"
                . "Host: localhost\r\n" . AGW::Gateway::bearer(
                $gw->{bearer}) . "\r\nContent-Length: 0\r\n\r\n");
        }

        my $started = time;

        for my $i (0 .. $#of) {
            my $r = $minting[$i]->response;
            my $token = ($r->json // {})->{access_token} // '';
            my $result = $token eq '' ? $r->status
                : $gw->result($gw->keep_secret($token), $of[$i]);

            push @dead, "$round, $i: $result" if $result ne 'ok';
            push @undead, "$round, $i" if $gw->result($old[$i], $of[$i])
                ne '401 revoked';
            push @late, "$round, $i" if $token ne ''
                && claims_of($token)->{iat}
                    <= cutoff_of($gw, 'business', $of[$i]);
            $_->close for $revoking[$i], $minting[$i];
        }

        push @waits, time - $started;
    }

    is_deeply(\@dead, [], 'D5 revoke, then mint: eighty tokens that hold');
    is_deeply(\@late, [], 'D5 each with an iat after the cut-off');
    is_deeply(\@undead, [], 'D5 and none from before holds');
    ok(!(grep { $_ > 3.5 } @waits), 'D5 after a second or so')
        or diag("@waits");
}

# one after another, for one business, in every worker

{
    my $business = $gw->business($id);
    my %open = $gw->each_worker;
    my @problems;

    for (1 .. 3) {
        $gw->cut_off($business);

        my $started = time;
        my $r = $gw->request('POST', "/token/$business",
            bearer => $gw->{bearer});
        my $token = $gw->keep_secret($r->json->{access_token});
        my $status = $gw->status_of_each(\%open, $token, $business);

        push @problems, $status if $status ne '200 x 4';
        push @problems, time - $started if time - $started > 1.5;
    }

    is_deeply(\@problems, [], 'D5 revoke, then mint, in one loop');
}

# many wait, and some of them leave

{
    my $business = $gw->business($id);

    $gw->cut_off($business);

    my @clients = map { my $client = $gw->connect;
        $client->send("POST /token/$business HTTP/1.1\r\nHost: localhost\r\n"
            . AGW::Gateway::bearer($gw->{bearer})
            . "\r\nContent-Length: 0\r\n\r\n");
        $client } 1 .. 30;

    $clients[$_]->close for grep { $_ % 3 == 0 } 0 .. 29;
    is_deeply([grep { $_ != 200 } map { $clients[$_]->response->status }
        grep { $_ % 3 } 0 .. 29], [], 'D5 twenty that wait');
    is_deeply([$gw->problems_after], [], 'D5 a good request afterwards');
}


# a partner's cut-off, as an operator writes it

{
    my $partner = $gw->partner;
    my $business = $gw->business($partner);
    my $by_key = sub { return $gw->keep_secret($gw->request('POST',
        '/token', basic => [@$partner{qw(id key)}])->json->{access_token}) };
    my $bearer = $by_key->();
    my $minted = $gw->keep_secret($gw->request('POST', "/token/$business",
        bearer => $bearer)->json->{access_token});

    is($gw->result($minted, $business), 'ok', 'D5 a partner, before');

    sleep 1.1;

    $gw->store->sql('INSERT INTO revocations (kind, id, cutoff, expires_at)'
        . " VALUES ('partner', '$partner->{id}', unixepoch(),"
        . " unixepoch() + 90000)");
    $gw->ends_within_a_second('D5 a business token ends with its partner',
        $minted, $business);
    $gw->refused('D5 a partner token as well', $gw->request('POST',
        "/token/$business", bearer => $bearer), 'revoked', scope => undef);
    $gw->refused('D5 as a caller, too', $gw->revoke('x', bearer => $bearer),
        'revoked', scope => undef);

    my $new = $by_key->();

    cmp_ok(claims_of($new)->{iat}, '>', cutoff_of($gw, 'partner',
        $partner->{id}), 'D5 a new one is issued after it');

    my $r = $gw->request('POST', "/token/$business", bearer => $new);

    is($r->status, 200, 'D5 a new partner token works');
    is($gw->result($gw->keep_secret($r->json->{access_token}), $business),
        'ok', 'D5 and so does what is minted with it');
    is($gw->result($gw->token), 'ok', 'D5 other partners go on');
}


# the triggers

for my $case (
    ['a business is archived', "UPDATE businesses SET status = 'archived'"
        . " WHERE business_id = 'BUSINESS'", 'ok'],
    ['a business is moved', "UPDATE businesses SET partner_id = 'other'"
        . " WHERE business_id = 'BUSINESS'", 'ok'],
    ['a business is deleted', 'DELETE FROM businesses'
        . " WHERE business_id = 'BUSINESS'", 'ok'],
    ['a business is replaced', 'INSERT OR REPLACE INTO businesses'
        . " VALUES ('BUSINESS', 'other', 'active')", 'ok'],
    ['a partner is disabled', "UPDATE partners SET status = 'disabled'"
        . " WHERE partner_id = 'PARTNER'", 'revoked'],
    ['a partner is deleted', 'DELETE FROM partners'
        . " WHERE partner_id = 'PARTNER'", 'revoked'],
    ['a partner is replaced', 'INSERT OR REPLACE INTO partners'
        . " VALUES ('PARTNER', 'disabled', NULL)", 'revoked'])
{
    my ($name, $sql, $rest) = @$case;
    my $partner = $gw->partner;
    my ($business, $beside) = map { $gw->business($partner) } 1, 2;
    my $token = $gw->mint(partner_id => $partner->{id},
        business_id => $business);
    my $other = $gw->mint(partner_id => $partner->{id},
        business_id => $beside);
    my $elsewhere = $gw->token;

    is($gw->result($token, $business), 'ok', "D5 $name: before");
    $gw->store->sql($sql =~ s/BUSINESS/$business/r
        =~ s/PARTNER/$partner->{id}/r);
    $gw->ends_within_a_second("D5 $name: its tokens end", $token, $business);
    is($gw->result($other, $beside), $rest eq 'ok' ? 'ok' : '401 revoked',
        "D5 $name: its partner's other business");
    is($gw->result($elsewhere), 'ok', "D5 $name: others go on");
}

# a business that was archived, and is opened again: what was issued before
# has ended, what is issued now holds

{
    my $business = $gw->business($id);
    my $old = $gw->token(business_id => $business);
    my $to = sub { $gw->store->sql("UPDATE businesses SET status = '$_[0]'"
        . " WHERE business_id = '$business'") };

    $to->('archived');
    $to->('active');
    $gw->ends_within_a_second('D5 opened again: the old ends', $old,
        $business);

    my $r = $gw->request('POST', "/token/$business",
        bearer => $gw->{bearer});

    is($gw->result($gw->keep_secret($r->json->{access_token}), $business),
        'ok', 'D5 opened again: a new one holds');
}


# with a leeway, a cut-off lies ahead: up to 3 s are waited for, else 503

{
    my $slow = AGW::Revoking->start(conf_of(
        http => 'auth_gateway_leeway 5s;'));
    my $business = $slow->{business};
    my $mint = sub { $slow->request('POST', "/token/$business",
        bearer => $slow->{bearer}) };
    my $ahead = $slow->token(claims => { iat => int(time) + 4 });

    $slow->succeeds('P5.4 with a leeway', $slow->cut_off($business));

    my $now = time;
    my $r = $mint->();
    my $after = $r->header('Retry-After');

    $slow->refused('D5 503 where it would take too long', $r,
        'store_unavailable', scope => undef, partner => $slow->{id});
    cmp_ok(time - $now, '<', 1, 'D5 at once');
    cmp_ok($after, '>=', 5, 'D5 Retry-After');
    cmp_ok($after, '<=', 6, 'D5 Retry-After');
    is($slow->result($ahead), '401 revoked', 'D5 within the leeway: ended');

    # a good half of that is too early to be kept waiting

    sleep 1.2;
    $r = $mint->();
    is($r->status, 503, 'D5 too early');
    cmp_ok($r->header('Retry-After'), '<', $after, 'D5 and told so');
    sleep 2;
    $r = $mint->();
    is($r->status, 200, 'D5 what is left is waited for');
    cmp_ok(time - $now, '<=', $after + 0.5, 'D5 Retry-After was true');
    cmp_ok(claims_of($r->json->{access_token})->{iat}, '>',
        cutoff_of($slow, 'business', $business), 'D5 its iat');
    is($slow->result($slow->keep_secret($r->json->{access_token})), 'ok',
        'D5 and it holds');

    # partner tokens likewise; an operator may have written anything

    $slow->store->sql('INSERT INTO revocations (kind, id, cutoff,'
        . " expires_at) VALUES ('partner', '$slow->{id}',"
        . " unixepoch() + 600, unixepoch() + 90000)");
    sleep 1;
    $r = $slow->request('POST', '/token', basic => $slow->{basic});
    $slow->refused('D5 a partner cut-off ahead', $r, 'store_unavailable',
        by => 'basic', partner => $slow->{id});
    cmp_ok(abs($r->header('Retry-After') - 600), '<=', 3, 'D5 Retry-After');
}

$gw->finish;
