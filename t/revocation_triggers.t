# D5: a business that is archived, moved, renamed, deleted, replaced or
# run over takes its tokens with it, those of the partner that had it; so does
# a partner.  Whatever statement does it, by the sqlite3 program.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Bystanders;
use AGW::Gateway;
use AGW::Revoking qw(conf_of);

my $gw = AGW::Revoking->start(conf_of(
    http => 'auth_gateway_require_https off;'), workers => 2);
my $witness = $gw->mint(partner_id => $gw->{them}{id},
    business_id => $gw->{theirs});
my $number = 0;

sub issued {
    my ($partner, $business) = @_;

    return (AGW::Bystanders::issue($gw, 'PLAIN', $business,
        AGW::Gateway::basic(@$partner{qw(id key)})))[0];
}

sub rows_since {
    my ($count) = @_;

    return join ' ', sort split /\n/, $gw->store->sql("SELECT kind || '/'"
        . " || id FROM revocations WHERE kind || id NOT IN ($count)");
}

sub known {
    return join ', ', "''", map { "'$_'" } split /\n/,
        $gw->store->sql('SELECT kind || id FROM revocations');
}

# P has the businesses B and C, Q has D.  [name, statements, the tokens that
# end, the rows]: BP is a token of P for B.  Those of CP and DQ that are not
# named live on.

for my $case (
    ['archived', "UPDATE businesses SET status = 'archived' WHERE"
        . " business_id = 'B'", 'BP', 'owner/P:B'],
    ['moved', "UPDATE businesses SET partner_id = 'Q' WHERE business_id"
        . " = 'B'", 'BP', 'owner/P:B'],
    ['renamed', "UPDATE businesses SET business_id = 'B2' WHERE business_id"
        . " = 'B'", 'BP', 'owner/P:B'],
    ['deleted', "DELETE FROM businesses WHERE business_id = 'B'", 'BP',
        'owner/P:B'],
    ['replaced, archived', 'INSERT OR REPLACE INTO businesses VALUES'
        . " ('B', 'P', 'archived')", 'BP', 'owner/P:B'],
    ['replaced, moved', 'REPLACE INTO businesses VALUES'
        . " ('B', 'Q', 'active')", 'BP', 'owner/P:B'],
    ['replaced by the same', 'INSERT OR REPLACE INTO businesses VALUES'
        . " ('B', 'P', 'active')", '', ''],
    ['inserted on a conflict', 'INSERT INTO businesses VALUES'
        . " ('B', 'Q', 'active') ON CONFLICT DO UPDATE SET"
        . ' partner_id = excluded.partner_id', 'BP', 'owner/P:B'],
    ['run over by another', "UPDATE OR REPLACE businesses SET business_id ="
        . " 'D' WHERE business_id = 'B'", 'BP DQ', 'owner/P:B owner/Q:D'],
    ['run over by one of the same partner', 'UPDATE OR REPLACE businesses'
        . " SET business_id = 'C' WHERE business_id = 'B'", 'BP',
        'owner/P:B', 'owner/P:B owner/P:C'],
    ['both moved, in one statement', "UPDATE businesses SET partner_id ="
        . " 'Q' WHERE partner_id = 'P'", 'BP CP', 'owner/P:B owner/P:C'],
    ['there and back', "UPDATE businesses SET partner_id = 'Q' WHERE"
        . " business_id = 'B'; UPDATE businesses SET partner_id = 'P' WHERE"
        . " business_id = 'B'", 'BP', 'owner/P:B owner/Q:B'],
    ['a partner disabled', "UPDATE partners SET status = 'disabled' WHERE"
        . " partner_id = 'P'", 'BP CP', 'partner/P'],
    ['a partner deleted', "DELETE FROM partners WHERE partner_id = 'P'",
        'BP CP', 'partner/P'],
    ['a partner renamed', "UPDATE partners SET partner_id = 'P2' WHERE"
        . " partner_id = 'P'", 'BP CP', 'partner/P'],
    ['a partner replaced, disabled', 'INSERT OR REPLACE INTO partners'
        . " (partner_id, status, name) VALUES ('P', 'disabled', NULL)",
        'BP CP', 'partner/P'],
    ['a partner replaced by the same', 'INSERT OR REPLACE INTO partners'
        . " (partner_id, status, name) VALUES ('P', 'active', 'a name')",
        '', ''],
    ['a partner run over', "UPDATE OR REPLACE partners SET partner_id = 'Q'"
        . " WHERE partner_id = 'P'", 'BP CP DQ', 'partner/P partner/Q'])
{
    my ($name, $sql, $ended, @rows) = @$case;
    my ($p, $q) = map { $gw->partner(id => "$_-" . ++$number) } qw(P Q);
    my %id = (P => $p->{id}, Q => $q->{id}, P2 => "P2-$number",
        B2 => "B2-$number");

    $id{$_->[0]} = $gw->business($_->[1], id => "$_->[0]-$number")
        for ['B', $p], ['C', $p], ['D', $q];

    my %of = (BP => [issued($p, $id{B}), $id{B}],
        CP => [issued($p, $id{C}), $id{C}],
        DQ => [issued($q, $id{D}), $id{D}]);
    my %ends = map { $_ => 1 } split ' ', $ended;
    my $known = known();

    is(join(' ', map { $gw->result(@{ $of{$_} }) } sort keys %of),
        'ok ok ok', "D5 $name: before");
    $gw->store->sql($sql =~ s/'(P2|B2|[PQBCD])'/'$id{$1}'/gr);

    for (sort keys %ends) {
        $gw->ends_within_a_second("D5 $name: a token $_ ends",
            @{ $of{$_} });
    }

    # the second of two that one run over the other may keep its tokens

    for (grep { !$ends{$_} } sort keys %of) {
        next if $name =~ /same partner/ && $_ eq 'CP';
        is($gw->result(@{ $of{$_} }), 'ok', "D5 $name: a token $_ lives");
    }

    my $rows = rows_since($known) =~ s/-\d+//gr;

    ok(scalar(grep { $_ eq $rows } @rows), "D5 $name: its rows")
        or diag("$rows, not ", join ' or ', @rows);
    is($gw->get($witness, $gw->{theirs})->status, 200,
        'D5 another partner notices nothing');

    # what is issued from now on holds at once

    my %now = map { split /:/ } split /\n/, $gw->store->sql(
        "SELECT b.business_id || ':' || b.partner_id FROM businesses b"
        . ' JOIN partners p USING (partner_id) WHERE b.business_id IN ('
        . join(', ', map { "'$id{$_}'" } qw(B B2 C D)) . ')'
        . " AND b.status = 'active' AND p.status = 'active'"
        . " AND p.partner_id IN ('$id{P}', '$id{Q}')");
    my %partners = map { $_->{id} => $_ } $p, $q;

    # a key stays with the name of its partner

    for my $business (sort keys %now) {
        my $token = issued($partners{$now{$business}}, $business);

        is($gw->result($token, $business), 'ok',
            "D5 $name: issued after it, by $now{$business}, it holds");
    }
}

$gw->finish;
