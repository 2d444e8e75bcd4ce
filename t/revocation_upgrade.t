# D5, upgrade: a store that an older module made is opened by this one,
# while nginx with the older module goes on with it.  There is none here: its
# statements are, word for word, and what it would read by them.  (A business
# that was revoked or archived a second time failed on a primary key as long
# as the store served both.)

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(slurp);
use AGW::OldStore;
use AGW::Revoking qw(conf_of row row_of_token);
use AGW::Store qw(give_away);
use AGW::Token qw(claims_of);

# of the older module

my %old = (
    revoke => 'INSERT INTO revocations (kind, id, cutoff, expires_at)'
        . ' VALUES (?1, ?2, ?3, ?4)',
    ends => 'SELECT ifnull((SELECT min(seq) FROM revocation_log), 0),'
        . ' ifnull((SELECT max(seq) FROM revocation_log), 0)',
    log => 'SELECT l.seq, r.kind, r.id, r.cutoff, r.expires_at'
        . ' FROM revocation_log l LEFT JOIN revocations r USING (kind, id)'
        . ' WHERE l.seq > ?1 ORDER BY l.seq LIMIT ?2',
    page => 'SELECT 0, kind, id, cutoff, expires_at FROM revocations'
        . ' WHERE (kind, id) > (?1, ?2) ORDER BY kind, id LIMIT ?3',
    forget => 'DELETE FROM revocations WHERE (kind, id) IN'
        . ' (SELECT kind, id FROM revocations'
        . ' WHERE expires_at <= ?1 LIMIT 1000);'
        . 'DELETE FROM revocation_log WHERE seq IN'
        . ' (SELECT seq FROM revocation_log WHERE seq <='
        . ' (SELECT max(seq) - 10000 FROM revocation_log) LIMIT 1000)',
);

my $day = 86_400;
my @kinds = qw(business partner token);


# a gateway whose store was made by the older module, with these rows in it

sub started {
    my ($version, $sql, %opt) = @_;

    return AGW::Revoking->start(conf_of(http => $opt{http}),
        allow => $opt{allow}, before => sub {
            my ($prefix) = @_;

            my $file = "$prefix/store/gateway.db";

            AGW::Store->new($file)->sql('PRAGMA journal_mode = WAL;'
                . AGW::OldStore::schema($version) . $sql);
            give_away($file);
            $opt{before}->($prefix) if $opt{before};
        });
}

# what a statement of the older module returns, or dies where it fails

sub as_old {
    my ($gw, $name, @values) = @_;

    my $set = join '', map { '.parameter set ?' . ($_ + 1)
        . ($values[$_] =~ /^\d+$/ ? " $values[$_]\n"
            : " \"'$values[$_]'\"\n") } 0 .. $#values;

    return split /\n/, $gw->store->sql("$set$old{$name};");
}

# what it knows by its log since then, or by all rows: cutoff and expires_at
# of each "kind id".  It passes over a kind that it has no word for.

sub known {
    my ($gw, $since) = @_;

    my %known;

    for (defined $since ? as_old($gw, 'log', $since, 500)
        : as_old($gw, 'page', '', '', 500))
    {
        my (undef, $kind, $id, $cutoff, $expires_at) = split /\|/;

        $known{"$kind $id"} = [$cutoff, $expires_at]
            if grep { $_ eq $kind } @kinds;
    }

    return %known;
}

sub last_seq {
    my ($gw) = @_;

    return (split /\|/, (as_old($gw, 'ends'))[0])[1];
}

# asserts that it learned of a revocation at that time by its log, and would
# by all rows: it refuses an iat up to then, and as far ahead as may be

sub old_refuses {
    my ($name, $gw, $since, $key, $at) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    for (['its log', known($gw, $since)], ['all rows', known($gw)]) {
        my ($how, %known) = @$_;
        my ($cutoff, $expires_at) = @{ $known{$key} // [0, 0] };

        ok($cutoff >= int($at) + 5 && $cutoff <= time + 5,
            "D5 $name: an older module reads it in $how")
            or diag(explain(\%known));
        cmp_ok($expires_at, '>=', $cutoff + $day, "D5 $name: for long");
    }

    return;
}


# The rows of a store of each version, in the tokens that it ended

for my $version (1, 2) {
    my $then = int(time) - 100;
    my $gw = started($version,
        row('token', 'p:j', cutoff => $then)
        . row('token', 'p:k:b', cutoff => $then)
        . row('token', 'p:l:', cutoff => $then)
        . row('business', 'b', cutoff => $then)
        . row('partner', 'q', cutoff => $then)
        . row('partner', 'r', cutoff => "unixepoch() + $day")
        . row('business', 'c', cutoff => 'unixepoch() * 1000',
            expires_at => 'unixepoch() * 2000'));
    my $name = "a file of version $version";
    my %partner = map { $_ => $gw->partner(id => $_) } qw(p q r s);

    $gw->business($_->[1], id => $_->[0]) for [b => 's'], [c => 's'],
        [d => 'p'], [e => 'q'], [f => 'r'];

    is($gw->store->sql('PRAGMA user_version; SELECT legacy FROM clock'),
        "2\n1", "D5 $name: an older module may be on it");

    for my $case (
        ['a token', p => 'd', -200, '401 revoked', jti => 'j'],
        ['a token with its business', p => 'd', -200, '401 revoked',
            jti => 'k'],
        ['a token without one', p => 'd', -200, '401 revoked', jti => 'l'],
        ['a token, newer than its row', p => 'd', 0, '401 revoked',
            jti => 'j'],
        ['another token', p => 'd', -200, 'ok'],
        ['before a business was', s => 'b', -101, '401 revoked'],
        ['as a business was', s => 'b', -95, '401 revoked'],
        ['after a business was', s => 'b', -94, 'ok'],
        ['before a partner was', q => 'e', -101, '401 revoked'],
        ['as a partner was', q => 'e', -95, '401 revoked'],
        ['after a partner was', q => 'e', -94, 'ok'],
        ['a cut-off a day ahead', r => 'f', -1, '401 revoked'],
        ['a cut-off in milliseconds', s => 'c', -1, '401 revoked'])
    {
        my ($what, $partner, $business, $age, $want, %claims) = @$case;

        $claims{iat} = $then + 100 + $age;

        is($gw->result($gw->mint(partner_id => $partner,
            business_id => $business, claims => \%claims), $business), $want,
            "D5 $name, without seq, $what: $want");
    }

    # nobody waits for a second of then, and nobody is locked out

    for (['s', 'b'], ['s', 'c'], ['p', 'd'], ['q', 'e'], ['r', 'f']) {
        my ($partner, $business) = @$_;
        my $token = $gw->issue($partner{$partner}, $business);

        ok($token, "D5 $name: $partner gets a token for $business");
        is($token && $gw->result($token, $business), 'ok',
            "D5 $name: it is accepted");
    }

    my %known = known($gw);

    is(keys %known, 7, "D5 $name: an older module finds its rows");
}

{
    my $gw = AGW::Revoking->start(conf_of());

    is($gw->store->sql('SELECT legacy FROM clock'), 0,
        'D5 a new store: no older module is on it');
}


# Both on one file.  What the new one writes, the older one reads.

my $rows = row('token', 'nobody:x') . row('token', 'nobody:y');
my $gw = started(2, $rows);
my $id = $gw->{id};

{
    is((as_old($gw, 'ends'))[0], '2|2',
        'D5 the log goes on where the older module read it');

    my $by_http = sub { $gw->cut_off($_[0])->status == 200 };
    my $by_sql = sub {
        my ($sql) = @_;

        return sub {
            my ($code, $said) = $gw->store->run($sql =~ s/%/$_[0]/gr);

            diag($said) if $code;
            return $code == 0;
        };
    };
    my $update = 'UPDATE businesses SET';

    $gw->store->sql('UPDATE clock SET elapsed = elapsed + 1000');

    for my $case (
        ['revoke business', $by_http],
        ['a business archived', $by_sql->("$update status = 'archived' WHERE"
            . " business_id = '%'; $update status = 'active' WHERE"
            . " business_id = '%'")],
        ['a business moved', $by_sql->("$update partner_id = 'x' WHERE"
            . " business_id = '%'; $update partner_id = '$id' WHERE"
            . " business_id = '%'")],
        ['a business replaced', $by_sql->('INSERT OR REPLACE INTO businesses'
            . " VALUES ('%', '$id', 'archived'); INSERT OR REPLACE INTO"
            . " businesses VALUES ('%', '$id', 'active')")])
    {
        my ($name, $revoke) = @$case;
        my $business = $gw->business($id);
        my $foreign = $gw->mint(partner_id => $gw->{them}{id},
            business_id => $business, seq => $gw->store->stamp);
        my $since = last_seq($gw);

        for my $time ('once', 'twice', 'three times') {
            my $token = $gw->issue($gw->{us}, $business);
            my $at = time;

            ok($revoke->($business), "D5 $name $time: is done");
            old_refuses("$name $time", $gw, $since, "business $business",
                $at);
            $gw->ends_within_a_second("D5 $name $time: its token ends",
                $token, $business);

            $token = $gw->issue($gw->{us}, $business);
            is($gw->result($token, $business), 'ok',
                "D5 $name $time: what is issued then lives");
        }

        # who reads the owner's row passes over that of the business

        is($gw->rows("kind = 'business' AND id = '$business'"
            . ' AND seq = -1'), 1, "D5 $name: a row for the older module");
        is($gw->rows("kind = 'business' AND id = '$business' AND elapsed ="
            . ' (SELECT elapsed FROM revocations WHERE kind = \'owner\''
            . " AND id = '$id:$business') AND elapsed >= 1000"), 1,
            "D5 $name: which is as old as the owner's");
        is($gw->result($foreign, $business), 'ok',
            "D5 $name: which ends nobody else's token here");
        is($gw->restart, 0, 'D5 a restart') if $name eq 'revoke business';
        is($gw->result($foreign, $business), 'ok',
            "D5 $name: nor after it");

        # until the older one revokes it

        my $token = $gw->issue($gw->{us}, $business);

        as_old($gw, revoke => 'business', $business, int time,
            int(time) + $day);
        $gw->ends_within_a_second("D5 $name, then by the older module",
            $foreign, $business);
        is($gw->result($token, $business), '401 revoked',
            "D5 $name, then by the older module: ours too");

        # and then it is its row that goes ahead

        $token = $gw->issue($gw->{us}, $business);
        is($gw->result($token, $business), 'ok', "D5 $name: issued then");

        my $at = time;

        ok($revoke->($business), "D5 $name, behind the older module's row");
        old_refuses("$name, behind the older module's row", $gw, $since,
            "business $business", $at);
        $gw->ends_within_a_second("D5 $name, behind the older module's row",
            $token, $business);
        $token = $gw->issue($gw->{us}, $business);
        is($gw->result($token, $business), 'ok', "D5 $name: issued at last");
    }

    # a partner, and a token

    my $since = last_seq($gw);

    for my $time ('once', 'twice') {
        my $at = time;

        $gw->store->sql("UPDATE partners SET status = '$_' WHERE partner_id"
            . " = '$id'") for qw(disabled active);
        old_refuses("a partner disabled $time", $gw, $since, "partner $id",
            $at);
    }

    my $token = $gw->token(seq => $gw->store->stamp);
    my $key = "token $id:" . claims_of($token)->{jti};

    $gw->succeeds('P5.2 revoke token', $gw->revoke($token));

    for (['its log', known($gw, $since)], ['all rows', known($gw)]) {
        my ($how, %known) = @$_;

        cmp_ok(($known{$key} // [0, 0])->[1], '>', claims_of($token)->{exp},
            "D5 a token: an older module reads it in $how");
    }
}


# What the older one writes, the new one reads: in each kind.

{
    my $partner = $gw->partner;
    my $business = $gw->business($partner);
    my $now = int time;

    for my $case (
        ['a token', 'token', '%:#:' . $business],
        ['a token that fills its row', 'token', '%:#'],
        ['a business', 'business', $business],
        ['a business, again', 'business', $business],
        ['a partner', 'partner', '%'],
        ['a partner, with leeway', 'partner', '%', 60])
    {
        my ($name, $kind, $row, $leeway) = @$case;
        my $mint = sub { $gw->mint(partner_id => $partner->{id},
            business_id => $business, claims => { @_ }) };
        my $ours = $gw->issue($partner, $business);
        my $before = $mint->(iat => $now - 60);
        my $at = int time;

        is($gw->result($ours, $business), 'ok', "D5 $name: before");

        # what is written first is known first

        for my $token ($kind eq 'token' ? $before : (), $ours) {
            my $jti = claims_of($token)->{jti};

            as_old($gw, revoke => $kind,
                $row =~ s/%/$partner->{id}/r =~ s/#/$jti/r,
                $kind eq 'token' ? claims_of($token)->{iat}
                    : $at + ($leeway // 0), $at + $day);
        }

        my $until = time;

        $gw->ends_within_a_second("D5 $name that the older module revoked",
            $ours, $business);
        is($gw->result($before, $business), '401 revoked',
            "D5 $name, without seq");

        my $after = $gw->issue($partner, $business);

        is($gw->result($after, $business), 'ok',
            "D5 $name: what is issued then lives");

        next if $kind eq 'token';

        my $time = $gw->store->sql('SELECT time FROM revocations WHERE kind'
            . " = '$kind' AND id = '" . ($row =~ s/%/$partner->{id}/r)
            . "'");

        ok($time >= $at && $time <= $until, "D5 $name: its time is now")
            or diag($time - $at);
    }
}


# What it forgets, as its rows tell it, is not forgotten.

{
    my @tokens = map { $gw->token(seq => $gw->store->stamp) } 1 .. 20;

    $gw->store->sql(join '', map { row('token', "$id:"
        . claims_of($_)->{jti}, cutoff => 1, expires_at => 2) } @tokens);
    $gw->ends_within_a_second('D5 rows whose expires_at is past',
        $tokens[-1]);

    my ($rows, $last) = ($gw->rows('seq > 0'), last_seq($gw));
    my $late = int(time) + 30 * $day;
    my ($changes) = reverse as_old($gw, forget => $late);

    is($gw->rows('seq > 0'), $rows,
        'D5 the older module forgets nothing that may refuse a token');
    is($gw->rows('seq < 0'), 0, 'D5 but rows that it alone reads');
    is(last_seq($gw), $last, 'D5 and leaves the end of its log');

    # it goes on at once where it removed a thousand

    is($gw->store->sql("UPDATE clock SET legacy = 1;"
        . 'CREATE TEMP TABLE before AS SELECT total_changes() AS n;'
        . ($old{forget} =~ s/\?1/$late/r)
        . '; SELECT total_changes() - n < 1000 FROM before'), 1,
        'D5 and has no reason to go on');
    is($gw->restart, 0, 'D5 a restart');
    is(scalar grep({ $gw->result($_) ne '401 revoked' } @tokens), 0,
        'D5 all of them are still refused');
    is($gw->result($gw->issue($gw->{us}, $gw->{business})), 'ok',
        'D5 and others are not');
}


# The last older one is gone.

{
    $gw->store->sql('UPDATE clock SET legacy = 0');

    my $business = $gw->business($id);
    my @before = known($gw);

    for my $time ('once', 'twice') {
        my $token = $gw->issue($gw->{us}, $business);

        $gw->succeeds("P5.4 none is left, $time", $gw->cut_off($business));
        $gw->store->sql("UPDATE businesses SET status = '$_' WHERE"
            . " business_id = '$business'") for qw(archived active);
        is($gw->result($token, $business), '401 revoked',
            "D5 none is left, $time: the token ends");
        is($gw->result($gw->issue($gw->{us}, $business), $business), 'ok',
            "D5 none is left, $time: what is issued then lives");
    }

    is_deeply({ known($gw) }, { @before }, 'D5 none is left: no row for it');
    is($gw->rows("kind = 'owner' AND id = '$id:$business'"), 1,
        'D5 none is left: the row of the owner');
    is($gw->store->sql('PRAGMA user_version'), 2, 'D5 user_version stays');
}


# the processes that a master of this prefix has before its workers

sub children_of {
    my ($prefix) = @_;

    my %nginx = map { $_ => 1 }
        grep { slurp("/proc/$_/cmdline") =~ m{\Q$prefix\E/nginx\.conf} }
        map { m{/(\d+)$} } glob '/proc/[0-9]*';

    return grep { (slurp("/proc/$_/stat") =~ /\) \w (\d+) /)[0]
        && $nginx{$1} } keys %nginx;
}


# A migration that is killed in the middle leaves the file as it was.

{
    my $pid;
    my $ended = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1'
        . ' FROM n WHERE i < 60000) INSERT INTO revocations SELECT'
        . " 'token', 'p:' || i || ':', unixepoch(), unixepoch() + 90000"
        . ' FROM n;';
    my $kill = sub {
        my ($prefix) = @_;

        my $until = time + 20;

        $pid = fork() // die "fork: $!\n";
        return if $pid;

        # what does not fit its memory is written ahead of the commit

        while (time < $until) {
            if (-s "$prefix/store/gateway.db-wal") {
                kill 'KILL', children_of($prefix);
                last;
            }

            sleep 0.002;
        }

        POSIX::_exit(0);
    };
    my $killed = started(2, $ended, http => 'auth_gateway_zone 32m;',
        before => $kill, allow => [qr/exited on signal 9/]);

    waitpid $pid, 0;
    like(slurp($killed->nginx->error_log), qr/exited on signal 9/,
        'D5 a migration is killed');
    is($killed->store->sql('PRAGMA integrity_check'), 'ok',
        'D5 a killed migration leaves a store');
    is($killed->rows('seq > 0'), 60_000, 'D5 the next one has all its rows');
    is($killed->store->sql('SELECT count(DISTINCT seq), max(seq) ='
        . ' (SELECT stamp FROM clock), min(seq) > 0 FROM revocations'),
        '60000|1|1', 'D5 each with a stamp of its own');

    my $wal = $killed->{store}{file} . '-wal';

    for (1 .. 100) {
        last if -s $wal < 5_000_000;
        sleep 0.02;
    }

    cmp_ok(-s $wal, '<', 5_000_000, 'D5 and keeps no long WAL');

    for my $jti (1, 30_000, 60_000) {
        is($killed->result($killed->mint(partner_id => 'p',
            business_id => 'b', claims => { jti => "$jti" }), 'b'),
            '401 revoked', 'D5 and refuses by them');
    }

    is($killed->result($killed->token), 'ok', 'D5 and accepts others');
}

AGW::Revoking->finish;
