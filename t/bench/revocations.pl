#!/usr/bin/perl

# Instructions of one protected request, warm, in the access handler: with no
# revocation, with ENTRIES (100000; 1000000 takes minutes) of them, and while others arrive between
# any two requests; then what a worker spends on each that arrives.  All in
# one run of nginx under callgrind.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Temp;
use POSIX ();
use Time::HiRes qw(sleep time);

use AGW::Files qw(slurp spew);
use AGW::Gateway;
use AGW::Token qw(claims_of);

my $entries = $ENV{ENTRIES} // 100_000;
my $dir = File::Temp->newdir('agw-bench-XXXXXXXX', TMPDIR => 1);
my $nginx = $ENV{AGW_NGINX} // '/usr/sbin/nginx';

chmod 0777, $dir;

# each call of the two functions leaves a file with its total behind

spew("$dir/nginx", <<"SH", 0755);
#!/bin/sh
exec valgrind -q --tool=callgrind --collect-atstart=no \\
    --toggle-collect=ngx_http_agw_access_handler \\
    --dump-after=ngx_http_agw_access_handler \\
    --callgrind-out-file=$dir/out.%p $nginx "\$@"
SH

$ENV{AGW_NGINX} = "$dir/nginx";

# room for some more

my $zone = 8 + POSIX::ceil($entries * 69 / 1_048_576);

my $gw = AGW::Gateway->start(<<'CONF' =~ s/%%ZONE%%/${zone}m/r);
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_zone %%ZONE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%PLAIN%%;
        keepalive_requests 100000;
        auth_gateway_require_https off;

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            root %%PREFIX%%/html;
            try_files /x =404;
        }
    }
}
CONF

spew($gw->prefix . '/html/x', "x\n", 0644);

my ($holds) = slurp($gw->nginx->out_file) =~ /holds (\d+) entries/;
my $partner = $gw->partner;
my $business = $gw->business($partner);
my $client = $gw->connect('PLAIN');
my $sent = 0;

sub token {
    return $gw->mint(partner_id => $partner->{id}, business_id => $business);
}

my $token = token();

# (status, instructions) of one; its file comes after its answer

sub ask {
    my ($which) = @_;

    my $response = $client->request('GET', "/v1/businesses/$business/x",
        headers => [AGW::Gateway::bearer($which)], timeout => 60);
    my $number = ++$sent;

    for (1 .. 200) {
        my ($file) = glob "$dir/out.*.$number";

        return ($response->status, $1)
            if $file && slurp($file) =~ /^summary: (\d+)$/m;
        sleep 0.02;
    }

    die "no figures of request $number\n";
}

# the middle one of nine

sub measure {
    my ($before) = @_;

    my @all = map {
        $before->() if $before;

        my ($status, $n) = ask($token);

        die "status $status\n" if $status != 200;
        $n;
    } 1 .. 9;

    return (sort { $a <=> $b } @all)[4];
}

my $rows = 0;

sub revoke_some {
    my ($count) = @_;

    my $until = int(time) + 3600;

    $gw->store->sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
        . " FROM n WHERE i < $count) INSERT INTO revocations (kind, id,"
        . " cutoff, expires_at) SELECT 'token', 'p' || ((i + $rows) % 1000)"
        . " || ':' || lower(hex(randomblob(11))), 1, $until FROM n");
    $rows += $count;

    return;
}

# until the worker knows all that is in the store now

sub wait_until_known {
    my $last = token();
    my $id = "$partner->{id}:" . claims_of($last)->{jti};
    my $from = time;
    my $until = int(time) + 3600;

    $gw->store->sql('INSERT INTO revocations (kind, id, cutoff, expires_at)'
        . " VALUES ('token', '$id', 1, $until)");
    $rows++;

    while (1) {
        my ($status) = ask($last);

        return time - $from if $status == 401;
        die "not known after ten minutes\n" if time - $from > 600;
        sleep 0.5;
    }
}

ask($token) for 1 .. 3;

my $none = measure();

revoke_some($entries - 1);

my $took = wait_until_known();

ask($token) for 1 .. 3;

my $known = $rows;
my $many = measure();
my $arriving = measure(sub { revoke_some(200); sleep 0.3 });

printf "%-44s %9d\n", 'no revocation', $none;
printf "%-44s %9d  %+.2f%%\n", "$known entries, nothing changes", $many,
    ($many / $none - 1) * 100;
printf "%-44s %9d  %+.2f%%\n", '200 more between any two requests', $arriving,
    ($arriving / $none - 1) * 100;
printf "%dm hold %d entries: %.1f bytes each, %.0f%% used\n", $zone, $holds,
    $zone * 1_048_576 / $holds, 100 * $known / $holds;
printf "known under valgrind after %.1f s\n", $took;

$client->close;
$gw->nginx->stop;
$gw->upstream->stop;
