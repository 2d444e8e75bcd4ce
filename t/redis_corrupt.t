# D5: replies of Redis that were damaged on their way.  The story: a proxy
# flipped bits, and a node accepted tokens that had been revoked.  What cannot
# be is a token that is accepted since an entry was passed over, a list was
# short or a stamp was years ahead.  What nobody could notice is an entry that
# names another token than it did: that is for TCP and TLS to prevent.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(max min sum0);
use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(slurp spew);
use AGW::Proxy;
use AGW::Redis;
use AGW::Revoking qw(conf_of owner_in);
use AGW::Token qw(claims_of);

AGW::Redis::skip_all_without();

my $gw = AGW::Revoking->start(conf_of(), engine => 'redis', workers => 1);
my $redis = $gw->store->redis;
my $us = owner_in($gw);
my ($damage, $wrong, $far, $late, $first) = map { $gw->prefix . "/$_" }
    qw(damage wrong far late first);
my $seed = $ENV{AGW_SEED} // time;

srand $seed;
note "AGW_SEED=$seed";

# a busy machine may take ten times as long as it should

sub until_ok {
    my ($name, $seconds, $sub) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $until = time + 10 * $seconds;

    while (time < $until) {
        return pass($name) if $sub->();
        sleep 0.02;
    }

    return fail($name);
}

# the stream: two pages of it, with the tokens among others

my @tokens = map { $gw->mint(partner_id => $us->{id},
    business_id => $us->{business}) } 1 .. 60;
my $living = $gw->mint(partner_id => $us->{id},
    business_id => $us->{business});
my @jtis = map { claims_of($_)->{jti} } @tokens;
my $client = $redis->client;
my $stamp = $gw->store->stamp + 1;
my $total = 0;

for my $i (0 .. 2399) {
    my $id = $i % 40 ? "$us->{id}:other-$i" : "$us->{id}:$jtis[$i / 40]";

    $stamp++;
    $client->send(['XADD', '{agw}:revocations', "$stamp-0", kind => 'token',
        id => $id, seq => $stamp, time => int time]);
    $total++;
}

$client->reply for 1 .. $total;

# Which bytes of replies are not the value of an id, a seq or a time: spans of
# [offset, length].  INFO is left out: it is no more than what an operator has
# to be told.

sub structure {
    my ($memo, $bytes) = @_;

    my ($at, @spans) = (0);

    while ($at < length $bytes) {
        my $n;

        if ($memo->{left}) {
            $n = min($memo->{left}, length($bytes) - $at);

            my $text = max(0, min($n, $memo->{left} - 2));

            $memo->{text} .= substr $bytes, $at, $text;
            push @spans, $memo->{value} || $memo->{size} > 1000
                ? [$at + $text, $n - $text] : [$at, $n];
            $memo->{left} -= $n;
            $memo->{value} = !$memo->{value}
                && $memo->{text} =~ /\A(?:id|seq|time)\z/ if !$memo->{left};

        } else {
            my $end = index $bytes, "\n", $at;

            $n = ($end < 0 ? length $bytes : $end + 1) - $at;
            $memo->{line} .= substr $bytes, $at, $n;
            push @spans, [$at, $n];

            if ($end >= 0) {
                ($memo->{size}) = $memo->{line} =~ /\A\$(\d+)/;
                $memo->{left} = defined $memo->{size} ? $memo->{size} + 2 : 0;
                $memo->{value} = 0 if !$memo->{left};
                @$memo{qw(line text)} = ('', '');
            }
        }

        $at += $n;
    }

    return grep { $_->[1] } @spans;
}

sub flip {
    my ($bytes, @spans) = @_;

    my $at = int rand sum0 map { $_->[1] } @spans;

    for my $span (@spans) {
        if ($at < $span->[1]) {
            substr($bytes, $span->[0] + $at, 1)
                ^= chr 1 << int rand 8;
            spew($damage, slurp($damage) . '.');
            last;
        }

        $at -= $span->[1];
    }

    return $bytes;
}

my $proxy = AGW::Proxy->start(to => $redis->port, rewrite => sub {
    my ($way, $bytes, $memo) = @_;

    return $bytes if $way eq 'up';

    my @spans = structure($memo, $bytes);

    return flip($bytes, @spans) if -e $damage && @spans && rand() < 0.3;

    if (-e $wrong) {
        $bytes =~ s/\Q$_\E/substr($_, 0, -1) . '.'/e for @jtis[0, 1];
    }

    # the first handshake of a node has a stamp of the years 2065 to 2096

    if (-e $first && $bytes =~ s/(\A\*5\r\n\$16\r\n\w{16}\r\n\$13\r\n)1(\d{12}\r\n:)/${1}3$2/) {
        unlink $first;
    }

    # a cut-off is written in the year 2286

    if (-e $late) {
        $bytes =~ s/\A(\*2\r\n\$13\r\n\d{13}\r\n\$10\r\n)\d{10}/${1}9999999999/;
    }

    # no news becomes an entry of the year 144683

    if (-e $far && $bytes =~ s/\*-1\r\n\z/*1\r\n*2\r\n+k\r\n*1\r\n*2\r\n/) {
        $bytes .= "\$18\r\n4503599627370496-0\r\n*-1\r\n";
        unlink $far;
    }

    return $bytes;
});
my $words = $redis->words(port => $proxy->port,
    more => ['replica=%%PREFIX%%/store/replica.db']);
my $bare = $redis->words(port => $proxy->port);
my $node = $gw->beside(conf_of() =~ s/%%ENGINE%%/$bare/r, workers => 1);

sub status { return $node->get($_[0], $us->{business})->status }

# The tokens that it accepts, of those that are revoked: while it starts, and
# once it accepts others.

sub accepted_in_a_start {
    my (%accepted, $ready);

    $node->restart;

    my $until = time + 60;

    while (time < $until && !$ready) {
        $ready = status($living) == 200;

        for my $i (map { int rand @tokens } 1 .. 3) {
            $accepted{$i} = 1 if status($tokens[$i]) == 200;
        }

        sleep 0.02;
    }

    ok($ready, 'D5 it accepts tokens in the end');

    for my $i (0 .. $#tokens) {
        $accepted{$i} = 1 if status($tokens[$i]) == 200;
    }

    return [sort { $a <=> $b } keys %accepted];
}

is_deeply(accepted_in_a_start(), [], 'D5 undamaged: no revoked token');

# The story: a node that knew no stamp believed the first one, and told it to
# Redis with its next handshake, as one that was lost: then no node could revoke
# anything.

spew($first, '');
is_deeply(accepted_in_a_start(), [], 'D5 a first stamp that is years ahead');
ok(!-e $first, 'D5 which it got');
$proxy->cut;
until_ok('D5 after another handshake it issues tokens', 10,
    sub { eval { $node->issue($us) } });
cmp_ok($gw->store->stamp, '<', time * 1000 + 400 * 86_400_000,
    'D5 Redis was not told of it');

spew($damage, '');

for my $round (1 .. 5) {
    is_deeply(accepted_in_a_start(), [],
        "D5 damaged, but for what is revoked: none, start $round");
}

cmp_ok(-s $damage, '>', 10, 'D5 replies were damaged');

# while it follows

my @later = map { $gw->issue($us, $us->{business}) } 1 .. 40;

my $revoked = 0;

for my $token (@later) {
    $revoked++ if $gw->revoke($token, basic => $us->{basic})->status == 200;
    sleep 0.02;
}

is($revoked, 40, 'D5 revoked on another node');
until_ok('D5 damaged while it follows: each is learned', 20,
    sub { !grep { status($_) == 200 } @later });
unlink $damage;

my @known = slurp($node->nginx->error_log)
    =~ /all revocations are known \((\d+)\)/g;

is(scalar(grep { $_ < $total } @known), 0,
    'D5 it never took a part of the stream for all of it')
    or diag "@known, of $total";

# an entry that names another token: this one lives, and no other

spew($wrong, '');
is_deeply(accepted_in_a_start(), [0, 1],
    'D5 entries that name other tokens: those alone are accepted');
unlink $wrong;
is_deeply(accepted_in_a_start(), [], 'D5 a start later, none');

# A reply that no stream gives is not believed: the stamps of the fleet would be
# at their end, and what Redis loses could not be written back.

$node->nginx->stop;

my $healer = $gw->beside(conf_of() =~ s/%%ENGINE%%/$words/r, workers => 1);

sub entries { return scalar keys %{ { $gw->store->entries } } }

until_ok('D5 a node with a replica', 10,
    sub { $healer->get($living, $us->{business})->status == 200 });

# nor is a time of a cut-off that is to come: it would end what is issued later

spew($late, '');
is($healer->cut_off($us->{business}, basic => $us->{basic})->status, 200,
    'D5 a cut-off that the reply dates in the future');
unlink $late;

my $file = $healer->prefix . '/store/replica.db';

until_ok('D5 is of now', 5, sub {
    qx(sqlite3 -cmd '.timeout 5000' $file "SELECT time BETWEEN 1 AND 9000000000
        FROM entries WHERE kind <> 'token'") =~ /\A1\n\z/ });

spew($far, '');
until_ok('D5 a reply of the year 144683', 10, sub { !-e $far });
until_ok('D5 is refused', 5, sub {
    slurp($healer->nginx->error_log) =~ /malformed reply to XREAD/ });
sleep 2.5;                       # it saves its state every other second
$healer->restart;
until_ok('D5 tokens are issued after a restart', 10,
    sub { $healer->issue($us) });
cmp_ok($gw->store->stamp, '<', time * 1000 + 400 * 86_400_000,
    'D5 no stamp is years ahead');

my $before = entries();

$redis->call('DEL', '{agw}:epoch', '{agw}:revocations');
until_ok('D5 what was lost is written back', 20,
    sub { entries() >= $before });

$gw->finish;
