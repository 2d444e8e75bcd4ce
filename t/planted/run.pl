# Plants faults into copies of the module, one at a time, and drives a fleet of
# each: t/fleet_history.t has to find every one.  Arguments: where the copies
# are built, and names, of those that are wanted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Path qw(make_path remove_tree);
use Test::More;

use AGW::Files qw(repo_root slurp spew);
use AGW::FleetHistory;

my ($dir, @names) = @ARGV;

die "a directory is expected\n" unless defined $dir;

my $redis = 'src/store/redis/ngx_http_agw_redis';

# A change is [file, what stands there, what is there instead]; found is what
# the judge says, and faults what goes wrong meanwhile.

my @planted = (
    { name => 'resuming by id alone', faults => 'flush late',
        found => qr/^G[134] accepted/, changes => [["${redis}_look.c",
            "    position->store_id = epoch;\n\n    return NGX_DECLINED;",
            "    position->store_id = epoch;\n\n    return NGX_OK;"]] },

    { name => 'a position that moves past a loss', faults => 'lose late',
        found => qr/^G[134] accepted/, changes => [["${redis}_feed.c",
            "    feed->seen = feed->looked;\n    feed->seen.previous = *position;",
            "    ngx_memzero(&feed->seen, sizeof(ngx_http_agw_redis_seen_t));"]]
        },

    { name => 'no jump at the handshake', faults => 'fail_over cut',
        found => qr/^(?:G[134] accepted|refused)/, changes => [
            ["${redis}_lua.c", 'now, tonumber(ARGV[3]),"', 'now,"'],
            ["${redis}_lua.c", 'last_id(KEYS[6])) + tonumber(ARGV[5])',
                '0)'],

            # all clocks stand still, and no node knows more than Redis

            ["${redis}_lua.c", 'local now = tonumber(time[1]) * 1000 +'
                . ' math.floor(time[2] / 1000)', 'local now = 0'],
            ["${redis}_lua.c", 'math.max(stamp + 1, now, known + 1)',
                'math.max(stamp + 1, now)']] },

    { name => 'a stamp made by the client', faults => 'slow nothing',
        found => qr/^G[134] accepted/, changes => [["${redis}_lua.c",
            "'id', ARGV[3], 'seq', text(next)",
            "'id', ARGV[3], 'seq', text(now)"]] },

    { name => 'two reads where one script is due', faults => 'nothing',
        found => qr/^G[134] accepted/, changes => [["${redis}_lua.c",
            q{    "local ended = 0 "},
            q{    "local before = KEYS[5] .. ':before' "}
                . q{"local owner = redis.call('GET', before) "}
                . q{"local now = redis.call('HGET', KEYS[5], 'partner_id') "}
                . q{"redis.call('SET', before, now or '') "}
                . q{"local ended = 0 "}],
            ["${redis}_lua.c",
            q{    " redis.call('HGET', KEYS[5], 'partner_id'),"},
            q{    " owner or now,"}]] },

    { name => 'no healing', faults => 'flush late',
        found => qr/^G[134] accepted/, changes => [["${redis}_heal.c",
            'if (!heal->wanted || heal->busy', 'if (1 || heal->busy']] },

    { name => 'trimming by the wall clock', faults => 'ahead',
        found => qr/^expired/, changes => [
            ['src/services/ngx_http_agw_revocation_maintenance.c',
            '(ngx_current_msec - held->at)',
            '((ngx_msec_t) ngx_time() * 1000 - held->at)'],
            ['src/services/ngx_http_agw_revocation_maintenance.c',
            'ngx_current_msec - held->at < interval',
            '(ngx_msec_t) ngx_time() * 1000 - held->at < interval'],
            ['src/services/ngx_http_agw_revocation_maintenance.c',
            'held->at = ngx_current_msec', 'held->at = (ngx_msec_t)'
            . ' ngx_time() * 1000']] },

    { name => 'news that are not looked at', faults => 'slow hold',
        found => qr/^G1 issued/, changes => [["${redis}_lua.c",
            "KEYS[3], '(' .. ARGV[1], '+'", "KEYS[3], '+', '+'"]] },
);

my $root = repo_root();
my $tree = "$dir/tree";
my $module = "$tree/build/ngx_http_auth_gateway_module.so";

make_path($dir);
remove_tree($tree);
chdir $root or die "$root: $!\n";
make_path($tree);
system(qw(cp -a config Makefile src t conf README.md), $tree) == 0
    or die "no copy in $tree\n";

for my $fault (@planted) {
    my $name = $fault->{name};

    next if @names && !grep { index($name, $_) >= 0 } @names;

    my %was = map { $_->[0] => slurp("$tree/$_->[0]") }
        @{ $fault->{changes} };
    my %is = %was;
    my $planted = 1;

    for my $change (@{ $fault->{changes} }) {
        my ($file, $there, $instead) = @$change;
        my $at = index $is{$file}, $there;

        $planted &&= $at >= 0;
        substr($is{$file}, $at, length $there) = $instead if $at >= 0;
    }

    ok($planted, "$name: there is where to plant it") or next;
    spew("$tree/$_", $is{$_}) for keys %is;

    my $history = "$dir/history";
    my $built = system("make -C $tree module >$dir/make.log 2>&1") == 0;

    ok($built, "$name: built") or diag(slurp("$dir/make.log"));

    if ($built) {
        local %ENV = (%ENV, AGW_MODULE => $module, AGW_FILE => $history,
            AGW_FAULTS => $fault->{faults},
            AGW_SECONDS => $ENV{AGW_SECONDS} // 40);

        system("prove t/fleet_history.t >$dir/prove.log 2>&1");

        my $judge = AGW::FleetHistory::judge_file($history);
        my @found = grep { /$fault->{found}/ } @{ $judge->{wrong} };

        ok(@found > 0, "$name: found") or diag(slurp("$dir/prove.log"));
        diag("$name: $found[0]") if @found;
    }

    spew("$tree/$_", $was{$_}) for keys %was;
}

done_testing();
