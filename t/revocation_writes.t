# D5, P5.3: a revocation waits for the disk in a thread, so nobody else
# does; its 200 follows the sync of its commit; and what fails there fails
# those whose transaction it was, and nobody after them.  The disk is as slow
# as t/lib/slow_sync.c makes it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Disk;
use AGW::Files qw(slurp);
use AGW::Gateway;
use AGW::Revoking qw(conf_of);
use AGW::Token qw(claims_of);

my $conf = conf_of(http => <<'HTTP');
    auth_gateway_require_https off;
    keepalive_requests 100000;
HTTP

my $disk = AGW::Disk->new;
my $gw = AGW::Revoking->start($conf, $disk->options);
my ($id, $business) = @$gw{qw(id business)};
my $here = "/v1/businesses/$business/x";
my $bystander = $gw->mint(partner_id => $gw->{them}{id},
    business_id => $gw->{theirs});
my $asker = $gw->connect('PLAIN');

# One request on a connection of its own that stays open: its status, or
# nothing.  A worker that is held would not answer while the test waits.

sub ask {
    my ($method, $target, @lines) = @_;

    my $r = eval { $asker->request($method, $target, headers => \@lines,
        timeout => 3) };

    return $r->status if $r;

    $asker->close;
    $asker = $gw->connect('PLAIN');

    return 'nothing';
}

sub guarded {
    return ask('GET', "/v1/businesses/$gw->{theirs}/x",
        AGW::Gateway::bearer($bystander));
}

sub statuses {
    my %count;

    $count{$_}++ for @_;

    return join ', ', map { "$count{$_} times $_" } sort keys %count;
}

sub answered {
    my ($client) = @_;

    $client->fill(0);

    return $client->{buffer} ne '';
}

sub status_of {
    my ($client) = @_;

    my $r = eval { $client->response(timeout => 15) };

    return $r ? $r->status : 'nothing';
}

sub all_end {
    my ($name, @tokens) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is(statuses(map { $gw->get($_)->status } @tokens),
        @tokens . ' times 401', $name);
}

# one that is dead may wait for init to learn of it

sub lives {
    my ($pid) = @_;

    return slurp("/proc/$pid/stat") =~ /^.*\) [^XZ] /;
}

my @clients = map { $gw->connect('PLAIN') } 1 .. 4;

# No sync ends: what is revoked waits, and nothing else does.

{
    my @tokens = map { $gw->token } @clients;
    my ($before) = $disk->began('wal');

    $disk->hold;
    $gw->send_revocation($clients[$_], $tokens[$_]) for 0 .. $#clients;

    for (1 .. 200) {
        last if $disk->began('wal') > $before;
        sleep 0.02;
    }

    cmp_ok($disk->began('wal'), '>', $before, 'P5.3 a sync has begun');

    my @status = map { guarded() } 1 .. 3;

    # enough to see, where the worker is held: each would take its time

    push @status, map { guarded() } 1 .. 47 if "@status" eq '200 200 200';
    is(statuses(@status), '50 times 200',
        'D5 the disk holds, and guarded requests of that worker go on');
    is(ask('POST', '/token', AGW::Gateway::basic(
        @{ $gw->{them} }{qw(id key)}), 'Content-Length: 0'), 200,
        'D5 and a token request');
    is(statuses(map { ask('GET', $here, AGW::Gateway::bearer($_)) }
        @tokens), '4 times 200', 'P5.3 not revoked before it is durable');
    sleep 0.3;
    is(scalar(grep { answered($_) } @clients), 0,
        'P5.3 none is answered before the sync of its commit');
    $disk->release;
    is(statuses(map { status_of($_) } @clients), '4 times 200',
        'P5.3 and all are after it');
    all_end('P5.3 then they hold', @tokens);
    is_deeply([$gw->problems_after], [], 'D5 on the same worker');
}

# Each 200 is preceded by a sync that began after its request was sent.  This
# is what fails with synchronous = OFF, or NORMAL.

{
    my (@tokens, @early, @status);
    my ($meanwhile, $rounds) = (0, 10);

    $disk->delay(100);

    for my $round (1 .. $rounds) {
        my @began;

        for my $client (@clients) {
            push @tokens, $gw->token;
            push @began, $disk->began('wal');
            $gw->send_revocation($client, $tokens[-1]);
            sleep rand 0.03;
        }

        # the guarded requests that are answered before any of the four

        until (grep { answered($_) } @clients) {
            last if guarded() ne '200';
            $meanwhile++;
        }

        for my $i (0 .. $#clients) {
            push @status, status_of($clients[$i]);
            push @early, "round $round, $i"
                if $disk->ended('wal') <= $began[$i];
        }
    }

    $disk->delay(0);
    is(statuses(@status), 4 * $rounds . ' times 200',
        'P5.3 40 revocations over 4 connections, 100 ms a sync');
    is_deeply(\@early, [],
        'P5.3 no 200 before a sync that began after the request');
    note("$meanwhile guarded requests meanwhile");
    cmp_ok($meanwhile, '>', 4 * $rounds,
        'D5 and guarded requests are answered meanwhile');
    all_end('P5.3 all of them hold', @tokens);
}

# Who waits together is written together.

{
    my @many = map { $gw->connect('PLAIN') } 1 .. 40;
    my @tokens = map { $gw->token } @many;

    $disk->hold;
    $gw->send_revocation($clients[0], my $first = $gw->token);
    sleep 0.2;

    my $before = $disk->began('wal');

    $gw->send_revocation($many[$_], $tokens[$_]) for 0 .. $#many;
    sleep 0.3;
    $disk->release;
    is(status_of($clients[0]), 200, 'D5 one that others wait behind');
    is(statuses(map { status_of($_) } @many), '40 times 200',
        'D5 40 that wait together');
    cmp_ok($disk->began('wal') - $before, '<', 10,
        'D5 are a few transactions');
    all_end('P5.3 and hold', $first, @tokens);
    $_->close for @many;
}

# Asserts, of revocations that come into one transaction, what each is
# answered.  Returns their tokens.

sub together {
    my ($name, $want, $break, @more) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @tokens = map { $gw->token(claims => $_) } @more;
    my $first = $gw->connect('PLAIN');

    $disk->hold;
    $gw->send_revocation($first, my $token = $gw->token);
    sleep 0.2;
    $gw->send_revocation($clients[$_], $tokens[$_]) for 0 .. $#tokens;
    sleep 0.2;
    $break->() if $break;
    $disk->release;
    status_of($first);
    $first->close;
    is(join(' ', map { status_of($clients[$_]) } 0 .. $#tokens), $want, $name);

    return @tokens;
}

# a row that the table refuses: alone

{
    $gw->store->sql('CREATE TRIGGER refused BEFORE INSERT ON revocations'
        . " WHEN NEW.id LIKE '%:refused%'"
        . " BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed'); END");

    my @tokens = together('P5.3 a row that is refused fails alone',
        '200 503 200 200', undef, {}, { jti => 'refused-1' }, {}, {});

    all_end('P5.3 those beside it hold', @tokens[0, 2, 3]);
    is($gw->get($tokens[1])->status, 200, 'P5.3 and it lives');
    is($gw->rows("id LIKE '%refused%'"), 0, 'P5.3 without a row');

    # as the first of its transaction, and as the only one

    @tokens = together('P5.3 as the first', '503 200 200', undef,
        { jti => 'refused-2' }, {}, {});
    all_end('P5.3 those behind it hold', @tokens[1, 2]);

    my $r = $gw->revoke($gw->token(claims => { jti => 'refused-3' }));

    $gw->refused('P5.3 as the only one', $r, 'store_unavailable',
        by => 'basic', partner => $id);
    ok($r->header('Retry-After'), 'P1.10 with Retry-After');
    $gw->store->sql('DROP TRIGGER refused');
    all_end('P5.3 then it is revoked', map { $gw->revoke($_); $_ }
        $tokens[0]);
}

# a disk that fails: all of those, and nobody after them

for my $case (['a sync that fails', sub { $disk->fail_syncs(@_) }, 'EIO'],
    ['a full disk', sub { $disk->fail_writes(@_) }, 'ENOSPC'],
    ['a disk that cannot be written', sub { $disk->fail_writes(@_) }, 'EIO'])
{
    my ($name, $fail, $error) = @$case;

    $gw->mark;

    my @tokens = together("P5.3 $name: all of its transaction",
        '503 503 503', sub { $fail->($error) }, {}, {}, {});

    like($gw->log_text, qr/\[error\].*auth_gateway: store "[^"]+" cannot be/,
        'P1.10 the log says why');
    is(statuses(map { guarded() } 1 .. 5), '5 times 200',
        "D5 $name: nobody else notices");

    my $r = $gw->revoke($tokens[0]);

    $gw->refused("P5.3 $name: and again", $r, 'store_unavailable',
        by => 'basic', partner => $id, good => 0);
    ok($r->header('Retry-After'), 'P1.10 with Retry-After');
    $fail->('');
    is(statuses(map { $gw->revoke($_)->status } @tokens), '3 times 200',
        "P5.3 $name: all is well when the disk is");
    all_end('P5.3 they hold', @tokens);
    is_deeply([$gw->problems_after], [], 'D5 on the same worker');
    is($gw->store->sql('PRAGMA integrity_check'), 'ok',
        'D5 the store is whole');
}

# a client that goes away while it waits

{
    my $client = $gw->connect('PLAIN');
    my $h2 = $gw->connect_h2;
    my ($one, $two) = map { $gw->token } 1, 2;

    $disk->hold;
    $gw->send_revocation($client, $one);

    my $stream = $h2->start('POST', '/revoke', body => "token=$two",
        headers => [['authorization', AGW::Gateway::basic(
            @{ $gw->{basic} }) =~ s/^Authorization: //r], ['content-type',
            'application/x-www-form-urlencoded']]);

    sleep 0.2;
    $client->close;
    $h2->reset($stream);
    $h2->close;
    sleep 0.2;
    is(guarded(), 200, 'D5 clients went away while the disk held');
    $disk->release;
    sleep 0.2;
    is_deeply([$gw->problems_after], [], 'D5 the worker lives');
    is($gw->revoke($_)->status, 200, 'P5.3 revoked again') for $one, $two;
    all_end('P5.3 they hold', $one, $two);
}

# a reload while one waits: it is answered, and the old worker goes

{
    my $token = $gw->token;
    my @old = $gw->nginx->workers;

    $disk->hold;
    $gw->send_revocation($clients[0], $token);
    sleep 0.2;
    kill 'HUP', $gw->nginx->{pid};

    for (1 .. 250) {
        last if $gw->nginx->workers > @old;
        sleep 0.02;
    }

    sleep 0.3;
    ok(!answered($clients[0]), 'P5.3 a reload answers nothing');
    $disk->release;
    is(status_of($clients[0]), 200, 'P5.3 a reload while one waits');

    # nginx lingers over a connection until its client closes it

    $_->close for @clients;
    ok($gw->nginx->wait_for_workers_other_than(@old),
        'D5 the old worker goes');
    $gw->new_workers;
    all_end('P5.3 it holds on the new one', $token);
    @clients = map { $gw->connect('PLAIN') } 1 .. 4;
    $asker = $gw->connect('PLAIN');
}

# Killed while syncs are slow: what was answered is in the file.

for my $round (1, 2) {
    my (@answered, @on_way);
    my $until = time + 1;

    $disk->delay(20);

    while (time < $until) {
        for (@clients) {
            push @on_way, [$_, $gw->token];
            $gw->send_revocation(@{ $on_way[-1] });
        }

        while (my $next = shift @on_way) {
            push @answered, $next->[1] if status_of($next->[0]) eq '200';
        }
    }

    # at an instant at which some are on their way

    $disk->hold;
    $gw->send_revocation($_, $gw->token) for @clients;
    sleep 0.2;

    my @pids = ($gw->nginx->{pid}, $gw->nginx->workers);

    kill 'KILL', @pids;

    for (1 .. 250) {
        last if $gw->nginx->gone && !grep { lives($_) } @pids[1 .. $#pids];
        sleep 0.02;
    }

    $disk->release;
    $disk->delay(0);
    cmp_ok(scalar @answered, '>', 20, 'P5.3 killed after ' . @answered
        . ' revocations');

    my %rows = map { $_ => 1 } map { (split /:/)[1] } split /\n/,
        $gw->store->sql("SELECT id FROM revocations WHERE kind = 'token'");

    is_deeply([grep { !$rows{$_} } map { claims_of($_)->{jti} } @answered],
        [], 'P5.3 each that was answered has its row');

    $gw->restart;
    all_end('P5.3 and holds after a start', @answered);
    is_deeply([$gw->problems_after], [], 'D5 the others live');
    @clients = map { $gw->connect('PLAIN') } 1 .. 4;
}

# nginx ends in good time, whatever the disk does

{
    $disk->delay(500);
    $gw->send_revocation($clients[0], $gw->token);
    sleep 0.1;

    my $from = time;

    is($gw->nginx->stop, 0, 'D5 TERM while one waits');
    cmp_ok(time - $from, '<', 15, 'D5 in good time');
    $disk->delay(0);
    $gw->restart;
}

$gw->finish;
