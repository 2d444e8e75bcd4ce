# D5, as a whole: random histories of tokens and revocations, by HTTP,
# by hand and by trigger, under clocks that step by days, over restarts,
# reloads and killed workers, on one nginx and on two that share a store,
# against a small model (AGW::History).  None is accepted that was issued
# before its revocation, none is refused that was issued after it, and none
# comes back.
#
#     AGW_HISTORY_STEPS=1000000 AGW_HISTORY_SEED=7 prove t/revocation_history.t

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(time);

use AGW::Clock;
use AGW::History;
use AGW::Nginx qw(nginx_t);
use AGW::Revoking;

my $steps = $ENV{AGW_HISTORY_STEPS} // ($ENV{AGW_PRELOAD} ? 10_000 : 30_000);
my $seed = $ENV{AGW_HISTORY_SEED} // 7009;
my $workers = 2;

my $conf = <<'CONF';
http {
    access_log off;

    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_zone 64k;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_require_https off;
    auth_gateway_max_lifetime 7d;
    auth_gateway_partner_lifetime 5d;
    auth_gateway_business_lifetime 5d;

    keepalive_requests 1000000;
    keepalive_timeout 1h;

    add_header X-Result $auth_gateway_result always;
    add_header X-Worker $pid always;

    server {
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }
        location = /revoke { auth_gateway_revoke token; }

        location /token/ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location /revoke/ {
            auth_gateway_revoke business;
            auth_gateway_business_path /revoke/<business_id>;
        }

        location = /partners {
            auth_gateway_require partner;
            empty_gif;
        }

        location /v1/businesses/ { empty_gif; }
    }
}
CONF

# what nginx says of workers that are killed

my @allow = (
    qr/\[alert\].* worker process \d+ exited on signal 9/,
    qr/\[alert\].* (?:sendmsg|recvmsg|kill|close)\(.*\) failed/,
    qr{\[alert\].* shared memory zone "auth_gateway" was locked by},
);

my $room = (nginx_t($conf))[1]
    =~ /"auth_gateway_zone" of \d+ bytes holds (\d+) entries/ ? $1 : 600;

# on so many nginx

sub history {
    my ($nodes) = @_;

    my @clocks = map { AGW::Clock->new } 1 .. $nodes;
    my @gateways;
    my %opt = (workers => $workers, allow => \@allow, log_level => 'notice');

    push @gateways, AGW::Revoking->start($conf, %opt, $clocks[0]->options);
    push @gateways, $gateways[0]->beside($conf, %opt, $clocks[$_]->options)
        for 1 .. $nodes - 1;

    srand $seed;

    my $started = time;
    my $history = AGW::History->new(nodes => \@gateways,
        clocks => \@clocks, workers => $workers, room => $room,
        second => $ENV{AGW_PRELOAD} ? 3 : 2);
    my $done = eval { $history->run($steps) };

    ok($done, "D5 $steps steps on $nodes nginx, AGW_HISTORY_SEED=$seed")
        or diag($@);
    note(sprintf '%.0f s; %s', time - $started, $_) for $history->summary;

    return AGW::Revoking->finish;
}

# Both at once, as each waits a good part of its time: another process of this
# test has the second.

if (@ARGV) {
    history(@ARGV);
    exit;
}

open my $other, '-|', $^X, $0, 2 or die "fork: $!\n";
subtest('one nginx', sub { history(1) });
subtest('two nginx', sub {
    while (my $line = readline $other) {
        my ($failed, $name) = $line =~ /^(not )?ok \d+ - (.*)/;

        defined $name ? ok(!$failed, $name) : note($line);
    }

    ok(close $other, 'the other process ended well');
});
done_testing();
