# P12.2: what the metrics say of a disk that is slow, and of one that is full:
# how many writes wait, how long they took, and how many failed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Disk;
use AGW::Metrics qw(scrape until_scraped);
use AGW::Revoking qw(conf_of);

my $disk = AGW::Disk->new;
my $conf = conf_of(locations =>
    'location = /metrics { auth_gateway_metrics; }')
    =~ s{%%ENGINE%%}{sqlite:%%STORE%%/gateway.db}r;
my $gw = AGW::Revoking->start($conf, workers => 2, $disk->options,
    allow => [qr/auth_gateway: store "/, qr/exited on signal 9/]);
my $count = 'store_seconds_count{operation="revoke"}';
my $failed = 'store_failures_total{operation="revoke"}';


# that many revocations are on their way

sub send_some {
    my ($n) = @_;

    my @clients = map { $gw->connect } 1 .. $n;

    $gw->send_revocation($_, $gw->mint(partner_id => $gw->{id}))
        for @clients;

    return @clients;
}


sub waiting {
    my ($n) = @_;

    return until_scraped($gw, sub { $_[0]{store_writes_waiting} == $n });
}


is(scrape($gw)->{store_writes_waiting}, 0, 'P12.2 none waits');

# a disk that stands still

{
    my $before = scrape($gw);

    $disk->hold;

    my @clients = send_some(7);

    is(waiting(7)->{store_writes_waiting}, 7, 'P12.2 seven wait');
    is(scrape($gw)->{$count}, $before->{$count},
        'P12.2 and have not taken any time yet');
    $disk->release;
    is(scalar(grep { $_->response->status == 200 } @clients), 7,
        'P12.2 they are written');

    my $after = waiting(0);

    is($after->{store_writes_waiting}, 0, 'P12.2 none waits any more');
    is($after->{$count} - $before->{$count}, 7, 'P12.2 seven took a time');
    is($after->{'revocations_written_total{kind="token"}'}, 7,
        'P12.2 seven were written');
    is($after->{$failed}, 0, 'P12.2 none failed');
}

# a disk that is full

{
    $disk->fail_writes('ENOSPC');

    my @clients = send_some(3);

    is(scalar(grep { $_->response->status == 503 } @clients), 3,
        'P12.2 three are refused');

    my $after = until_scraped($gw, sub { $_[0]{$failed} == 3 });

    is($after->{$failed}, 3, 'P12.2 three failed');
    is($after->{'revocations_written_total{kind="token"}'}, 7,
        'P12.2 and were not written');
    is($after->{store_writes_waiting}, 0, 'P12.2 none waits for ever');
    $disk->fail_writes('');
}

# what a worker was about to write when it was killed waits no more

{
    my @old = $gw->nginx->workers;

    $disk->hold;

    my @clients = send_some(4);

    is(waiting(4)->{store_writes_waiting}, 4, 'P12.2 four wait');
    kill 'KILL', @old;
    $disk->release;
    $_->close for @clients;
    ok($gw->nginx->wait_for_workers_other_than(@old), 'P12.2 other workers');
    $gw->new_workers;
    is(waiting(0)->{store_writes_waiting}, 0,
        'P12.2 nothing waits for workers that were killed');
}

$gw->finish;
