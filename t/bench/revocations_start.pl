#!/usr/bin/perl

# A node that starts on a Redis with ENTRIES (1000000) revocations: how long
# until a guarded request is answered with 200, the longest that another answer
# took until then, and what that costs its worker, and Redis; from the stream,
# then with what its replica has.  The middle of ROUNDS (5), and the least.  One
# table for each of AGW_MODULES, files with a colon between them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use POSIX ();
use Time::HiRes qw(sleep time);

use AGW::Engine;
use AGW::Files qw(module_path slurp spew);
use AGW::Gateway;
use AGW::Redis;
use AGW::Revoking qw(plain_conf);

my $entries = $ENV{ENTRIES} // 1_000_000;
my $rounds = $ENV{ROUNDS} // 5;
my @modules = split /:/, $ENV{AGW_MODULES} // module_path();
my $zone = POSIX::ceil($entries * 69 / 1_048_576) + 2;
my $tick = POSIX::sysconf(POSIX::_SC_CLK_TCK());

# tokens of a thousand partners, with UUIDs as a gateway makes them

my $fill = <<'LUA';
local from, n, first, time = tonumber(ARGV[1]), tonumber(ARGV[2]),
    tonumber(ARGV[3]), ARGV[4]
for i = from, from + n - 1 do
    local seq = string.format('%.0f', first + i)
    local jti = redis.sha1hex(seq)
    redis.call('XADD', KEYS[1], seq .. '-0', 'kind', 'token', 'id',
        string.format('%08x-0000-4000-8000-%012x:%s-%s-4%s-8%s-%s', i % 1000,
            i % 1000, string.sub(jti, 1, 8), string.sub(jti, 9, 12),
            string.sub(jti, 13, 15), string.sub(jti, 16, 18),
            string.sub(jti, 19, 30)), 'seq', seq, 'time', time)
end
LUA

my $redis = AGW::Redis->start(user => 'gateway');
my $first = int(1000 * time) - 2 * $entries;
my $page = 10_000;

for (my $i = 0; $i < $entries; $i += $page) {
    $redis->call('EVAL', $fill, 1, '{agw}:revocations', $i,
        $i + $page < $entries ? $page : $entries - $i, $first, int time);
}

sub middle {
    my (@all) = sort { $a <=> $b } @_;

    return $all[@all / 2];
}

# seconds of the processor: of a process, and of Redis

sub cpu_of {
    my ($pid) = @_;

    my @field = split ' ', slurp("/proc/$pid/stat") =~ s/^.*\) //sr;

    return ($field[11] + $field[12]) / $tick;
}

sub measure {
    my ($gw, $line, $business) = @_;

    my $nginx = $gw->nginx;
    my $before = cpu_of($redis->pid);

    $nginx->stop;
    delete $nginx->{status};

    my $began = time;

    $nginx->launch or die "nginx did not start again\n";

    my $client = $gw->connect('PLAIN');
    my $longest = 0;

    while (1) {
        my $at = time;
        my $status = $client->request('GET', "/v1/businesses/$business/x",
            headers => [$line])->status;

        $longest = time - $at if time - $at > $longest;
        last if $status == 200;
        die "not ready after a minute\n" if time - $began > 60;
        sleep 0.005;
    }

    my $took = time - $began;
    my ($worker) = $nginx->workers;

    $client->close;

    return ($took, cpu_of($worker), cpu_of($redis->pid) - $before,
        1000 * $longest);
}

sub report {
    my ($name, @all) = @_;

    printf "%-31s %6.2f s, least %5.2f s; worker %5.2f s, Redis %5.2f s;"
        . " an answer %.1f ms\n",
        $name, middle(map { $_->[0] } @all),
        (sort { $a <=> $b } map { $_->[0] } @all)[0],
        map { my $i = $_; middle(map { $_->[$i] } @all) } 1 .. 3;

    return;
}

for my $module (@modules) {
    local $ENV{AGW_MODULE} = $module;

    print "$module\n";

    for my $replica (0, 1) {
        my $conf = plain_conf("${zone}m");

        $conf =~ s{%%ENGINE%%}{%%ENGINE%% replica=%%PREFIX%%/store/replica.db}
            if $replica;

        my $gw = AGW::Gateway->start($conf, engine => AGW::Engine->on($redis),
            log_level => 'notice',
            before => sub { spew("$_[0]/html/x", "x\n") });
        my $partner = $gw->partner;
        my $business = $gw->business($partner);
        my $line = AGW::Gateway::bearer($gw->mint(business_id => $business,
            partner_id => $partner->{id}, seq => $gw->store->stamp));

        if ($replica) {
            my $file = $gw->prefix . '/store/replica.db';

            # the thread is behind the feed

            sleep 0.5 until (`sqlite3 $file 'SELECT count(*) FROM entries'` // 0)
                == $entries && `sqlite3 $file "SELECT store FROM state"`
                =~ /\S/;
        }

        report($replica ? 'from the replica' : 'from the stream',
            map { [measure($gw, $line, $business)] } 1 .. $rounds);

        my ($holds) = slurp($gw->nginx->out_file) =~ /holds (\d+) entries/;

        printf "%-31s %6.1f\n", 'bytes of the zone for an entry',
            $zone * 1_048_576 / $holds unless $replica;

        $gw->nginx->stop;
        $gw->upstream->stop;
    }
}
