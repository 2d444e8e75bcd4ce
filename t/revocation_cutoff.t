# D5: cut-offs of businesses and partners, and what is issued after
# them: it holds at once, and nobody waits for it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Gateway;
use AGW::Revoking qw(conf_of row);
use AGW::Token qw(claims_of);

my $gw = AGW::Revoking->start(conf_of(), workers => 4);
my $id = $gw->{id};
my $bearer = $gw->issue($gw->{us});

# the stamp of a cut-off, or one that nobody has

sub seq_of {
    my ($kind, $which) = @_;

    return eval { $gw->store->sql('SELECT seq FROM revocations'
        . " WHERE kind = '$kind' AND id = '$which'") } || 2 ** 52;
}

sub begin {
    my ($client, $target, $line) = @_;

    return $client->send("POST $target HTTP/1.1\r\nHost: localhost\r\n"
        . "$line\r\nContent-Length: 0\r\n\r\n");
}


# Revoke, mint, and ask, for twenty businesses at a time, each on connections
# of its own, and at any time of a second.  No token holds that was issued
# before, and each holds that was issued after.

{
    my @of = map { $gw->business($id) } 1 .. 20;
    my (@late, @dead, @undead);
    my $waited = 0;

    for my $round (1 .. 4) {
        my @old = map { $gw->issue($gw->{us}, $_, bearer => $bearer) } @of;
        my @revoking = map { $gw->connect } @of;
        my @minting = map { $gw->connect } @of;
        my @asked;

        for my $i (0 .. $#of) {
            sleep rand 0.05;
            begin($revoking[$i], "/revoke/$of[$i]",
                AGW::Gateway::basic(@{ $gw->{basic} }));

            my $status = $revoking[$i]->response->status;

            is($status, 200, 'P5.4 a cut-off') if $round == 1;
            $asked[$i] = int time;
            begin($minting[$i], "/token/$of[$i]",
                AGW::Gateway::bearer($bearer));
        }

        for my $i (0 .. $#of) {
            my $r = $minting[$i]->response;
            my $token = ($r->json // {})->{access_token} // '';
            my $result = $token eq '' ? $r->status
                : $gw->result($gw->keep_secret($token), $of[$i]);

            push @dead, "$round, $i: $result" if $result ne 'ok';
            push @undead, "$round, $i" if $gw->result($old[$i], $of[$i])
                ne '401 revoked';

            next if $token eq '';

            my $claims = claims_of($token);

            push @late, "$round, $i" if ($claims->{seq} // 0)
                < seq_of('owner', "$id:$of[$i]");
            $waited++ if $claims->{iat} > $asked[$i];
            $_->close for $revoking[$i], $minting[$i];
        }
    }

    is_deeply(\@dead, [], 'D5 revoke, then mint: eighty tokens that hold');
    is_deeply(\@late, [], 'D5 each with the stamp of the cut-off, or later');
    is_deeply(\@undead, [], 'D5 and none from before holds');
    cmp_ok($waited, '<=', 20, 'D5 none waits for the next second');
}

# one after another, for one business, in every worker

{
    my $business = $gw->business($id);
    my %open = $gw->each_worker;
    my @problems;

    for (1 .. 10) {
        my $old = $gw->issue($gw->{us}, $business, bearer => $bearer);

        $gw->cut_off($business);

        my $token = $gw->issue($gw->{us}, $business, bearer => $bearer);
        my ($new, $gone) = map { $gw->status_of_each(\%open, $_, $business) }
            $token, $old;

        push @problems, "after: $new" if $new ne '200 x 4';
        push @problems, "before: $gone" if $gone ne '401 x 4';
    }

    is_deeply(\@problems, [], 'D5 revoke, then mint, in one loop');
}

# many at once, and some of them leave

{
    my $business = $gw->business($id);

    $gw->cut_off($business);

    my @clients = map { my $client = $gw->connect;
        begin($client, "/token/$business", AGW::Gateway::bearer($bearer));
        $client } 1 .. 30;

    $clients[$_]->close for grep { $_ % 3 == 0 } 0 .. 29;
    is_deeply([grep { $_ != 200 } map { $clients[$_]->response->status }
        grep { $_ % 3 } 0 .. 29], [], 'D5 twenty of thirty that stay');
    is_deeply([$gw->problems_after], [], 'D5 a good request afterwards');
}


# a partner's cut-off, as an operator writes it

{
    my $partner = $gw->partner;
    my $business = $gw->business($partner);
    my $old = $gw->issue($partner);
    my $minted = $gw->issue($partner, $business, bearer => $old);

    is($gw->result($minted, $business), 'ok', 'D5 a partner, before');
    $gw->store->sql(row('partner', $partner->{id}));

    my $new = $gw->issue($partner);
    my $new_minted = $gw->issue($partner, $business, bearer => $new);

    is($gw->result($new_minted, $business), 'ok',
        'D5 what is issued before it is seen holds');
    $gw->ends_within_a_second('D5 a business token ends with its partner',
        $minted, $business);
    $gw->refused('D5 a partner token as well', $gw->request('POST',
        "/token/$business", bearer => $old), 'revoked', scope => undef);
    $gw->refused('D5 as a caller, too', $gw->revoke('x', bearer => $old),
        'revoked', scope => undef);
    cmp_ok(claims_of($new)->{seq} // 0, '>=', seq_of('partner',
        $partner->{id}), 'D5 a new one is issued after it');
    is($gw->result($new_minted, $business), 'ok', 'D5 and holds on');
    is($gw->request('POST', "/token/$business", bearer => $new)->status, 200,
        'D5 a new partner token works');
    is($gw->revoke('x', bearer => $new)->status, 200,
        'D5 as a caller, too');
    is($gw->result($gw->token), 'ok', 'D5 other partners go on');
}


# The triggers: what is done, the entry that it makes, and what becomes of
# the partner's other business.  OTHER is a business of another partner.

for my $case (
    ['a business is archived', "UPDATE businesses SET status = 'archived'"
        . " WHERE business_id = 'BUSINESS'", 'owner PARTNER:BUSINESS', 'ok'],
    ['a business is moved', "UPDATE businesses SET partner_id = 'other'"
        . " WHERE business_id = 'BUSINESS'", 'owner PARTNER:BUSINESS', 'ok'],
    ['a business is moved by an upsert', 'INSERT INTO businesses'
        . " (business_id, partner_id) VALUES ('BUSINESS', 'other')"
        . ' ON CONFLICT DO UPDATE SET partner_id = excluded.partner_id',
        'owner PARTNER:BUSINESS', 'ok'],
    ['a business is renamed', 'UPDATE businesses SET business_id ='
        . " 'BUSINESS-2' WHERE business_id = 'BUSINESS'",
        'owner PARTNER:BUSINESS', 'ok'],
    ['a business is deleted', 'DELETE FROM businesses'
        . " WHERE business_id = 'BUSINESS'", 'owner PARTNER:BUSINESS', 'ok'],
    ['a business is replaced', 'INSERT OR REPLACE INTO businesses'
        . " VALUES ('BUSINESS', 'other', 'active')",
        'owner PARTNER:BUSINESS', 'ok'],
    ['a business is replaced by an archived one', 'INSERT OR REPLACE INTO'
        . " businesses VALUES ('BUSINESS', 'PARTNER', 'archived')",
        'owner PARTNER:BUSINESS', 'ok'],
    ['a business is run over', 'UPDATE OR REPLACE businesses SET business_id'
        . " = 'BUSINESS' WHERE business_id = 'OTHER'",
        'owner PARTNER:BUSINESS', 'ok'],
    ['a partner is disabled', "UPDATE partners SET status = 'disabled'"
        . " WHERE partner_id = 'PARTNER'", 'partner PARTNER', 'revoked'],
    ['a partner is renamed', 'UPDATE partners SET partner_id = '
        . "'PARTNER-2' WHERE partner_id = 'PARTNER'", 'partner PARTNER',
        'revoked'],
    ['a partner is deleted', 'DELETE FROM partners'
        . " WHERE partner_id = 'PARTNER'", 'partner PARTNER', 'revoked'],
    ['a partner is replaced', 'INSERT OR REPLACE INTO partners'
        . " (partner_id, status) VALUES ('PARTNER', 'disabled')",
        'partner PARTNER', 'revoked'],
    ['a partner is run over', "INSERT INTO partners (partner_id) VALUES"
        . " ('OTHER'); UPDATE OR REPLACE partners SET partner_id ="
        . " 'PARTNER' WHERE partner_id = 'OTHER'", 'partner PARTNER',
        'revoked'])
{
    my ($name, $sql, $row, $rest) = @$case;
    my ($partner, $stranger) = map { $gw->partner } 1, 2;
    my ($business, $beside) = map { $gw->business($partner) } 1, 2;
    my $other = $gw->business($stranger);
    my $token = $gw->issue($partner, $business);
    my $sibling = $gw->issue($partner, $beside);
    my $elsewhere = $gw->issue($gw->{us}, $gw->{business});
    my $filled = sub { return $_[0] =~ s/BUSINESS/$business/gr
        =~ s/PARTNER/$partner->{id}/gr =~ s/OTHER/$other/gr };

    is($gw->result($token, $business), 'ok', "D5 $name: before");
    $gw->store->sql($filled->($sql));
    $gw->ends_within_a_second("D5 $name: its tokens end", $token, $business);
    is($gw->result($sibling, $beside), $rest eq 'ok' ? 'ok' : '401 revoked',
        "D5 $name: its partner's other business");
    is($gw->result($elsewhere), 'ok', "D5 $name: others go on");

    my ($kind, $which) = split / /, $filled->($row);

    is($gw->rows("kind = '$kind' AND id = '$which'"), 1,
        "D5 $name: the entry is of kind $kind");
}

# A business that another one runs over is of another partner then: of its
# tokens none opens it, and those of its new owner do.

{
    my ($from, $to) = map { { partner => $gw->partner } } 1, 2;

    $_->{business} = $gw->business($_->{partner}) for $from, $to;
    $_->{token} = $gw->issue(@$_{qw(partner business)}) for $from, $to;
    $gw->store->sql('UPDATE OR REPLACE businesses SET business_id ='
        . " '$to->{business}' WHERE business_id = '$from->{business}'");

    my $new = $gw->issue($from->{partner}, $to->{business});

    is($new && $gw->result($new, $to->{business}), 'ok',
        'D5 run over: its new owner has it at once');
    $gw->ends_within_a_second('D5 run over: the tokens of the one before'
        . ' end', $to->{token}, $to->{business});
    $gw->ends_within_a_second('D5 run over: and those of the old name',
        $from->{token}, $from->{business});
    is($new && $gw->result($new, $to->{business}), 'ok',
        'D5 run over: its new owner goes on');
}

# a business that was archived, and is opened again: what was issued before
# has ended, what is issued now holds

{
    my $business = $gw->business($id);
    my $old = $gw->issue($gw->{us}, $business, bearer => $bearer);
    my $to = sub { $gw->store->sql("UPDATE businesses SET status = '$_[0]'"
        . " WHERE business_id = '$business'") };

    $to->('archived');
    $to->('active');

    my $new = $gw->issue($gw->{us}, $business, bearer => $bearer);

    is($gw->result($new, $business), 'ok',
        'D5 opened again: a new one holds at once');
    $gw->ends_within_a_second('D5 opened again: the old ends', $old,
        $business);
    is($gw->result($new, $business), 'ok', 'D5 opened again: and holds on');
}

# a business that comes back to its owner: what the owner had does not

{
    my $business = $gw->business($id);
    my $old = $gw->issue($gw->{us}, $business, bearer => $bearer);
    my $to = sub { $gw->store->sql("UPDATE businesses SET partner_id ="
        . " '$_[0]' WHERE business_id = '$business'") };

    $to->($gw->{them}{id});

    my $theirs = $gw->issue($gw->{them}, $business);

    is($gw->result($theirs, $business), 'ok', 'D5 moved: its new owner');
    $to->($id);

    my $new = $gw->issue($gw->{us}, $business, bearer => $bearer);

    is($gw->result($new, $business), 'ok', 'D5 moved back: at once');
    $gw->ends_within_a_second("D5 moved back: the other's end", $theirs,
        $business);
    is($gw->result($old, $business), '401 revoked',
        'D5 moved back: what was issued before has ended');
    is($gw->result($new, $business), 'ok', 'D5 moved back: it holds on');
}


# with a leeway nothing waits either, and what has a stamp knows no leeway

{
    my $slow = AGW::Revoking->start(conf_of(
        http => 'auth_gateway_leeway 60s;'));
    my $business = $slow->{business};
    my $ahead = $slow->token(claims => { iat => int(time) + 55 });
    my $old = $slow->issue($slow->{us}, $business);

    is($slow->result($ahead), 'ok', 'D4 within the leeway');
    $slow->succeeds('P5.4 with a leeway', $slow->cut_off($business));

    my $asked = int time;
    my $new = $slow->issue($slow->{us}, $business);

    ok($new, 'D5 a token is issued with a leeway') or $new = $old;
    cmp_ok(claims_of($new)->{iat} - $asked, '<=', 2, 'D5 at once');
    is($slow->result($new), 'ok', 'D5 and holds');
    is($slow->result($ahead), '401 revoked', 'D5 within the leeway: ended');
    is($slow->result($old), '401 revoked', 'D5 issued before: ended');

    # partner tokens likewise; an operator may have written anything

    $slow->store->sql(row('partner', $slow->{id},
        cutoff => 'unixepoch() + 600'));
    ok($slow->learns, 'D5 a partner cut-off ahead');
    $new = $slow->issue($slow->{us}, $business);
    ok($new, 'D5 locks nobody out') or $new = $old;
    is($slow->result($new), 'ok', 'D5 and what is issued holds');
}

$gw->finish;
