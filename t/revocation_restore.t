# D5: what happens to the file under a running nginx.  A backup that is
# restored in place is read anew; a long reader does not leave the log of
# pages long for ever; the log of revocations is trimmed, not to nothing; and
# after an error the file is opened anew.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(slurp);
use AGW::Gateway;
use AGW::Revoking qw(conf_of);
use AGW::Token qw(claims_of);

my $MB = 1024 * 1024;
my $conf = conf_of(http => <<'HTTP');
    auth_gateway_require_https off;
    auth_gateway_zone 8m;
    keepalive_requests 100000;
HTTP

my $gw = AGW::Revoking->start($conf, workers => 2);
my $file = $gw->prefix . '/store/gateway.db';

sub row_of {
    my ($token) = @_;

    my $claims = claims_of($token);

    return 'INSERT INTO revocations (kind, id, cutoff, expires_at) VALUES'
        . " ('token', '$claims->{partner_id}:$claims->{jti}',"
        . " $claims->{iat}, $claims->{exp} + 60);";
}

sub living {
    my (@tokens) = @_;

    return scalar grep { $gw->get($_)->status != 401 } @tokens;
}

# asserts that all are refused, at most a second or so from now

sub all_end {
    my ($name, @tokens) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $until = time + 1.5;
    my $left;

    while (1) {
        $left = living(@tokens);
        last if !$left || time > $until;
        sleep 0.05;
    }

    return is($left, 0, $name);
}


# The log of revocations is trimmed, but for its last rows: who follows knows
# its place by one of them.  nginx does so every ten seconds, for which another
# one has the time of all that follows.

my $trimmed = AGW::Revoking->start($conf, workers => 2);
my $fresh = $trimmed->token;

$trimmed->store->sql('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT'
    . ' i + 1 FROM n WHERE i < 25000) INSERT INTO revocations'
    . ' (kind, id, cutoff, expires_at)'
    . " SELECT 'token', 'many-' || (i % 50) || ':t-' || i, 1,"
    . ' unixepoch() + 3600 FROM n');

my $last = $trimmed->store->sql('SELECT max(seq) FROM revocation_log');
my $count = sub {
    return $trimmed->store->sql('SELECT count(*) FROM revocation_log') };
my $before = $count->();


# .restore writes into the file that nginx has open.  Its log of revocations
# goes back, and what comes then has numbers that were there before.

for my $round (1 .. 3) {
    my $backup = $gw->prefix . "/backup-$round.db";
    my @before = map { $gw->token } 1 .. 5;
    my @since = map { $gw->token } 1 .. 10;
    my @rows = map { $gw->token } 1 .. 16;
    my @revoked = map { $gw->token } 1 .. 3;
    my $other = $gw->token;

    $gw->revoke($_) for @before;
    $gw->store->sql(".backup $backup");
    $gw->revoke($_) for @since;
    sleep 0.5;
    is(living(@since), 0, 'D5 what was revoked since the backup');
    $gw->store->sql(join "\n", ".restore $backup", map { row_of($_) }
        @rows);
    all_end('D5 restored in place: 16 rows at once', @rows);
    is(living(@before, @since), 0, 'D5 and nothing is un-learned');
    is(join(' ', map { $gw->revoke($_)->status } @revoked), '200 200 200',
        'P5.3 and others are revoked');
    is(living(@revoked), 0, 'P5.3 which holds');

    # once more, and rows a little later, fewer than were in the log

    $gw->store->sql(".restore $backup");
    sleep 0.1 * $round;
    @rows = map { $gw->token } 1 .. 4;
    $gw->store->sql(join "\n", map { row_of($_) } @rows);
    all_end('D5 restored again: rows a moment later', @rows);
    is($gw->get($other)->status, 200, 'D5 another token lives');
    is_deeply([$gw->problems_after], [], 'D5 on the same workers');

    # a token that is issued now is newer than all of that

    my $now = $gw->request('POST', "/token/$gw->{business}",
        bearer => $gw->{bearer});

    is($now->status, 200, 'D5 tokens are issued');
    is($gw->result($gw->keep_secret($now->json->{access_token})), 'ok',
        'D5 and hold');
    is($gw->store->sql('PRAGMA integrity_check'), 'ok',
        'D5 the store is whole');
}


# A long reader: nothing that is written meanwhile can leave the log of pages.

{
    my $held = $gw->store->hold('BEGIN; SELECT * FROM partners LIMIT 1;');

    ok($held, 'D5 somebody reads on and on');

    my @tokens = map { $gw->token } 1 .. 3000;
    my @status = $gw->revoke_many(\@tokens);

    is(scalar(grep { $_ eq '200' } @status), 3000,
        'P5.3 3,000 revocations beside a reader');

    # however few transactions that were

    my $n = 0;

    while (-s "$file-wal" < 12 * $MB && $n++ < 40) {
        $gw->store->sql('PRAGMA synchronous = OFF; ' . join ' ',
            map { row_of($gw->token) } 1 .. 100);
    }

    cmp_ok(-s "$file-wal", '>=', 12 * $MB, 'D5 the log of pages is long');
    AGW::Store::release($held, 'COMMIT;');

    my $until = time + 10;

    while (-s "$file-wal" >= 8 * $MB && time < $until) {
        $gw->revoke($gw->token);
        sleep 0.2;
    }

    my $size = sprintf '%.1f MB', (-s "$file-wal") / $MB;

    cmp_ok(-s "$file-wal", '<', 8 * $MB, "D5 and short again: $size");
    is(living(@tokens[0, 1000, 2999]), 0, 'P5.3 all hold');
    is_deeply([$gw->problems_after], [], 'D5 and all is well');
}


# What a connection has read of a broken file is not what the file says later.

{
    my $page = unpack 'x16 n', slurp($file);
    my $overwrite = sub {
        my ($bytes) = @_;

        open my $fh, '+<:raw', $file or die "$file: $!\n";
        seek $fh, $page, 0;
        print {$fh} $bytes;
        close $fh;
    };

    # a change, so that nobody has pages of the file in memory

    my $change = sub {
        $gw->store->sql("UPDATE partners SET name = '$_[0]';"
            . ' PRAGMA wal_checkpoint(TRUNCATE)');
    };

    $change->('before');

    my $bytes = slurp($file, $page);
    my ($token, $row) = map { $gw->token } 1, 2;

    $change->('then');
    is(length slurp($file, $page), length $bytes, 'D5 of the same length');
    $overwrite->("\xaa" x length $bytes);

    my %open = $gw->each_worker;

    for my $pid (sort keys %open) {
        for my $line (AGW::Gateway::basic(@{ $gw->{basic} }),
            AGW::Gateway::bearer($gw->{bearer}))
        {
            is($open{$pid}->request('POST', '/revoke', headers => [$line,
                'Content-Type: application/x-www-form-urlencoded'],
                body => "token=$token")->status, 503,
                'P1.10 a broken file: nothing is revoked');
        }

        is($open{$pid}->request('POST', "/token/$gw->{business}", headers =>
            [AGW::Gateway::bearer($gw->{bearer}), 'Content-Length: 0'])
            ->status, 503, 'P1.10 nothing is issued');
    }

    is($gw->get($token)->status, 200, 'D5 guarded requests go on');
    sleep 0.5;
    $overwrite->($bytes);

    # at once: what is asked next opens it anew

    for my $pid (sort keys %open) {
        $gw->send_revocation($open{$pid}, my $one = $gw->token);
        is($open{$pid}->response->status, 200,
            'P5.3 the bytes are back: a token is revoked');
        is($gw->get($one)->status, 401, 'P5.3 which holds');
        is($open{$pid}->request('POST', "/token/$gw->{business}", headers =>
            [AGW::Gateway::bearer($gw->{bearer}), 'Content-Length: 0'])
            ->status, 200, 'D5 and one is issued');
    }

    $gw->store->sql(row_of($row));
    all_end('D5 and rows by hand are seen', $row);
    is_deeply([$gw->problems_after], [], 'D5 on the same workers');
}

# as far as the log goes

{
    my $until = time + 100;
    my $now;

    sleep 0.5 while $count->() > $before - 10_000 && time < $until;

    while (time < $until) {
        $now = $count->();
        sleep 2;
        last if $count->() >= $now;
    }

    cmp_ok($now, '<=', $before - 10_000, 'D5 the log is trimmed');
    cmp_ok($now, '>', 0, "D5 and not to nothing: $now rows");
    is($trimmed->store->sql('SELECT max(seq) FROM revocation_log'), $last,
        'D5 its last row stays');
    $gw = $trimmed;
    $gw->store->sql(row_of($fresh));
    all_end('D5 a row after that is seen', $fresh);
    is_deeply([$gw->problems_after], [], 'D5 and others live');
}

$gw->finish;
