# D5: a node that learns of a revocation it has no room for accepts no
# token, one that a worker keeps no more than any other.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Asker;
use AGW::Files qw(slurp);
use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_zone 64k;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl;

        auth_gateway_require business;
        auth_gateway_business_path /b/<business_id>;

        location /b/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /open/ {
            auth_gateway_require off;
            proxy_set_header X-Partner $auth_gateway_partner_id;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf, log_level => 'debug',
    allow => [qr/\[alert\].* auth_gateway: the zone has no room for/]);
my $asker = AGW::Asker->new($gw);
my $url = '/b/b-1/x';
my ($capacity) = join('', map { slurp($_) } $gw->nginx->error_log,
    $gw->nginx->out_file) =~ /bytes holds (\d+) entries/;

ok($capacity, 'D5 nginx says how many entries the zone holds');

sub token {
    return $gw->mint(partner_id => 'p-1', business_id => 'b-1');
}

sub partner {
    return ($gw->upstream_saw)[0]{headers}{'x-partner'};
}

# what kept() and others get, as soon as nginx has followed the store

sub until_answered {
    my ($status, $token, $seconds) = @_;

    my $until = time + ($seconds // 4);

    while ($asker->ask($url, $token) !~ /^$status/) {
        return 0 if time > $until;
        sleep 0.05;
    }

    return 1;
}

my ($kept, $new) = (token(), token());

$asker->gets('D5 kept', $_, $url, $kept) for '200 miss stored', '200 hit';

# rows of partners that nobody knows, more than there is room for

$gw->store->sql('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1'
    . ' FROM n WHERE i < ' . ($capacity + 50) . ') INSERT INTO'
    . " revocations (kind, id, cutoff, expires_at) SELECT 'partner',"
    . " 'nobody-' || i, 1, unixepoch() + 3600 FROM n");
ok(until_answered(503, $kept), 'D5 more rows than fit');

for (1 .. 3) {
    $asker->refused('D5 what is kept is refused', 'store_unavailable hit',
        $url, $kept, partner => 'p-1', good => 0);
    $asker->refused('D5 what is new is refused, and not kept',
        'store_unavailable miss', $url, $new, partner => 'p-1', good => 0);
    $asker->gets('D5 where nothing is demanded', '200 hit', '/open/x',
        $kept);
    is(partner(), undef, 'D5 there it is nobody\'s');
}

# They go when they are older than any token: the seconds are added by hand,
# and nginx looks at them every ten.

$gw->store->sql('UPDATE clock SET elapsed = elapsed + horizon + 60');
ok(until_answered(200, $kept, 40), 'D5 there is room again');
is($gw->store->sql('SELECT count(*) FROM revocations'), 0, 'D5 no row is left');
$asker->gets('D5 what was kept still is', '200 hit', $url, $kept);
$asker->gets('D5 and is somebody\'s', '200 hit', '/open/x', $kept);
is_deeply(partner(), ['p-1'], 'D5 as before');
$asker->gets('D5 what was new is looked at', $_, $url, $new)
    for '200 miss stored', '200 hit';
is_deeply([$gw->problems_after], [], 'D5 on the same worker');

$gw->finish;
