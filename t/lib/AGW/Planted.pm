package AGW::Planted;

# Faults that t/planted/run.pl plants into the sources.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(planted_faults times_there);

my $redis = 'src/store/redis/ngx_http_agw_redis';
my $maintenance = 'src/services/ngx_http_agw_revocation_maintenance.c';
my $sync = 'src/services/ngx_http_agw_revocation_sync.c';

# no node learns at once what is new

my @late = (
    [$sync, 'if (ngx_http_agw_sync_end(sync, rc) == NGX_OK) {',
        'if (ngx_http_agw_sync_end(sync, rc) == NGX_OK && sync->more) {'],
    [$sync, '#define NGX_HTTP_AGW_SYNC        200',
        '#define NGX_HTTP_AGW_SYNC        800'],
    [$sync, '#define NGX_HTTP_AGW_SYNC_LEASE  600',
        '#define NGX_HTTP_AGW_SYNC_LEASE  2400'],
);

# A change is [file, what stands there once, what is there instead]; found is
# what the judge says, faults what goes wrong meanwhile, and seconds how long,
# if not 40.

my @planted = (
    { name => 'resuming by id alone', faults => 'flush late',
        found => qr/^G[134] accepted/, changes => [["${redis}_look.c",
            "    position->store_id = epoch;\n\n    return NGX_DECLINED;",
            "    position->store_id = epoch;\n\n    return NGX_OK;"]] },

    { name => 'a position that moves past a loss', faults => 'lose late',
        found => qr/^G[134] accepted/, changes => [["${redis}_feed.c",
            "    feed->seen = feed->looked;\n"
                . "    feed->seen.previous = *position;",
            "    ngx_memzero(&feed->seen, sizeof(ngx_http_agw_redis_seen_t));"]]
        },

    # nodes take no stamp that they know already: they refuse instead

    { name => 'no jump at the handshake', faults => 'fail_over', seconds => 60,
        found => qr/^(?:G[134] accepted|refused|G5 not recovered)/,
        changes => [
            ["${redis}_lua.c", 'math.max(last, now, known)'
                . ' + tonumber(ARGV[5])', 'last'],
            ["${redis}_lua.c", 'local known = tonumber(ARGV[3])',
                'local known = 0'],

            # all clocks stand still, and no node knows more than Redis

            ["${redis}_lua_parts.h", 'local now = tonumber(time[1]) * 1000 +'
                . ' math.floor(time[2] / 1000)', 'local now = 0'],
            ["${redis}_lua_parts.h", 'math.max(stamp + 1, now, known + 1)',
                'math.max(stamp + 1, now)'],
            ['conf/fleet.lua', 'now[1] * 1000 + math.floor(now[2] / 1000)',
                '0']] },

    # from what it knows; it keeps it, too, or would heal it

    { name => 'a stamp made by the client', faults => 'nothing',
        found => qr/^G[134] accepted/, changes => [
            ["${redis}_lua.c", "'id', ARGV[3], 'seq', text(next)",
                "'id', ARGV[3], 'seq', text(tonumber(ARGV[1]) + 1)"],
            ["${redis}_lua.c", 'return {text(next), text(at)}',
                'return {text(tonumber(ARGV[1]) + 1), text(at)}'],
            @late] },

    # the new owner is refused, or the old one served

    { name => 'two reads where one script is due', faults => 'nothing',
        found => qr/^(?:G[134] accepted|G5 answered 404)/, changes => [
            ["${redis}_lua.c",
            q{    "local ended = 0 "},
            q{    "local before = KEYS[5] .. ':before' "}
                . q{"local owner = redis.call('GET', before) "}
                . q{"local now = redis.call('HGET', KEYS[5], 'partner_id') "}
                . q{"redis.call('SET', before, now or '') "}
                . q{"local ended = 0 "}],
            ["${redis}_lua.c",
            q{    " redis.call('HGET', KEYS[5], 'partner_id'),"},
            q{    " owner or now,"}]] },

    # neither when it is wanted nor now and then

    { name => 'no healing', faults => 'flush late',
        found => qr/^G[134] accepted/, changes => [["${redis}_heal.c",
            'if (heal->busy || (ngx_msec_int_t)',
            'if (1 || heal->busy || (ngx_msec_int_t)']] },

    { name => 'trimming by the wall clock', faults => 'ahead',
        found => qr/^expired/, changes => [
            [$maintenance, '(ngx_current_msec - held->at)',
                '((ngx_msec_t) ngx_time() * 1000 - held->at)'],
            [$maintenance, 'ngx_current_msec - held->at < interval',
                '(ngx_msec_t) ngx_time() * 1000 - held->at < interval'],
            [$maintenance, 'held->at = ngx_current_msec',
                'held->at = (ngx_msec_t) ngx_time() * 1000']] },

    # seen where a partner is disabled, and back before all nodes know

    { name => 'news that are not looked at', faults => 'nothing',
        seconds => 80, found => qr/^G1 issued/, changes => [
            ["${redis}_lua.c",
            "local since = redis.call('XRANGE', KEYS[3], '(' .. ARGV[1], '+'",
            "local since = redis.call('XRANGE', KEYS[3], '+', '+'"],
            @late] },
);


sub planted_faults { return @planted }


sub times_there {
    my ($source, $text) = @_;

    return scalar(() = $source =~ /\Q$text\E/g);
}


1;
