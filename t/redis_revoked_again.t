# D5: what was revoked twice, and the second time is lost by Redis before this
# node has met it in the stream, is written back from its replica.  The story:
# the first time counted for the second one, too.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(spew);
use AGW::Proxy;
use AGW::Redis;
use AGW::Revoking qw(conf_of owner_in);
use AGW::Store;
use AGW::Until qw(until_is);

AGW::Redis::skip_all_without();

my $gw = AGW::Revoking->start(conf_of(), engine => 'redis', workers => 1);
my $redis = $gw->store->redis;
my $us = owner_in($gw);
my $hide = $gw->prefix . '/hide';

# while it is there, the node gets no entries

my $proxy = AGW::Proxy->start(to => $redis->port, rewrite => sub {
    my ($way, $bytes) = @_;

    $bytes =~ s/\*1\r\n\*2\r\n\$\d+\r\n\{agw\}:revocations\r\n.*\z/*-1\r\n/s
        if $way eq 'down' && -e $hide;

    return $bytes;
});
my $words = $redis->words(port => $proxy->port,
    more => ['replica=%%PREFIX%%/store/replica.db']);
my $node = $gw->beside(conf_of() =~ s/%%ENGINE%%/$words/r, workers => 1);
my $store = AGW::Store->new($node->prefix . '/store/replica.db');

sub saved { return $store->sql($_[0]) }

sub ids {
    my $entries = $redis->call('XRANGE', '{agw}:revocations', '-', '+');

    return map { $_->[0] } @$entries;
}

my $met = 'SELECT count(*) FROM entries, state WHERE entries.round = state.round';

is($node->cut_off($us->{business}, basic => $us->{basic})->status, 200,
    'P5.4 all tokens of a business are revoked');
until_is('D5 the node has met it', 1, 5, sub { saved($met) });

my $between = $node->issue($us, $us->{business});

is($node->result($between, $us->{business}), 'ok', 'P5.4 a later one lives');
spew($hide, '');
is($node->cut_off($us->{business}, basic => $us->{basic})->status, 200,
    'P5.4 and is revoked, too');
until_is('D5 it is in the file, and not met', 0, 5, sub { saved($met) });

my @ids = ids();

is(scalar @ids, 2, 'D5 both are in the stream');
$redis->call('XDEL', '{agw}:revocations', $ids[1]);
unlink $hide;
$proxy->cut;
until_is('D5 what was lost is written back', 2, 5, sub { scalar ids() });

my $late = $gw->beside(conf_of() =~ s/%%ENGINE%%/$words/r
    =~ s/ replica=\S+;/;/r, workers => 1);

until_is('D5 and refused by a node that starts', '401 revoked', 5,
    sub { $late->result($between, $us->{business}) });

$gw->finish;
