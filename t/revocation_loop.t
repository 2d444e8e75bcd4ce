# D5: a nginx whose event method can't be told of what threads did
# writes in the event loop, and warns about it.  All that is promised holds:
# but for a worker that waits for the disk.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(slurp);
use AGW::Nginx;
use AGW::Revoking qw(conf_of);
use AGW::Skip qw(skip_all_for);

my $nginx = AGW::Nginx::binary();

skip_all_for('another event method', 'writing in the event loop is')
    if `$nginx -V 2>&1` !~ /--with-poll_module/;

my $gw = AGW::Revoking->start(conf_of(), workers => 2,
    events => 'use poll;');

like(slurp($gw->nginx->error_log),
    qr/\[warn\].* auth_gateway: store ".*" is written in the event loop/,
    'D5 nginx warns about it');

my ($first, $second, $third) = map { $gw->token } 1 .. 3;

$gw->succeeds('P5.3 a token', $gw->revoke($first));
is($gw->result($first), '401 revoked', 'P5.3 is refused');
$gw->succeeds('P5.4 a business', $gw->cut_off($gw->{business}));
is($gw->result($gw->issue($gw->{us}, $gw->{business})), 'ok',
    'D5 one issued after it is accepted');
is($gw->result($gw->mint(partner_id => $gw->{them}{id},
    business_id => $gw->{theirs}), $gw->{theirs}), 'ok', 'D5 so are others');

# a lock of somebody else's is waited for without holding the worker

{
    my $unlock = $gw->lock_writes;
    my $client = $gw->connect;
    my $token = $gw->issue($gw->{us}, $gw->{business});

    $gw->send_revocation($client, $token);
    sleep 0.4;
    is($gw->result($token), 'ok', 'D5 requests go on beside one that waits');
    $unlock->();
    is($client->response->status, 200, 'P5.3 answered once it is written');
    is($gw->result($token), '401 revoked', 'P5.3 and it holds');
}

is($gw->restart, 0, 'D5 nginx ends well');
is($gw->result($first), '401 revoked', 'P5.3 after a restart too');
$gw->finish;
