
/*
 * A script may be run on any primary of the last minutes: one that was cut off,
 * one that lost the last writes, one that was emptied while we were connected.
 * So each looks for epoch and stamp, which all entries and tokens depend on,
 * and each that only reads makes sure that it would be allowed to write: a
 * primary that became a replica goes on answering reads, with what it knew.
 *
 * A new entry's id in the stream is its stamp.  So the stream is its own
 * index: what this node has not read yet is a range of ids, which a read that
 * issues a token compares with the partner token in the same step.  Nothing
 * else names revoked tokens in Redis, and nothing has to be kept in step with
 * the stream.  An entry that was healed has a new id and its old stamp.
 *
 * The last stamp is the greater of the key `stamp`, which a handshake raises,
 * and the id of the last entry.  So a revocation is one write: of a script
 * with two, Redis makes a transaction, which it drops when it loads its file,
 * without a word, where the user `default` may do nothing.
 *
 * In Lua all numbers are doubles: stamps end at 2^52, and more is malformed.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_lua.h"
#include "ngx_http_agw_redis_lua_parts.h"


/* the stamps of one that was emptied may begin below those that a node knows */

const ngx_str_t  ngx_http_agw_redis_handshake_lua = ngx_string(

    /* KEYS[3]: primary, [4]: floor, [5]: horizon, [6]: stream */
    /* ARGV: an epoch, run_id, known, horizon, a day */

    AGW_LUA_WHOLE AGW_LUA_TEXT AGW_LUA_NOW AGW_LUA_LAST

    "local epoch = redis.call('GET', KEYS[1]) "
    "local stamp = redis.call('GET', KEYS[2]) "
    "local primary = redis.call('GET', KEYS[3]) "
    "local floor = whole(redis.call('GET', KEYS[4]) or '0') "
    "local horizon = whole(redis.call('GET', KEYS[5]) or '0') "
    "local raised = 0 "

    "if stamp and not whole(stamp) then"
    " return {err = 'AGWMALFORMED ' .. KEYS[2]} end "
    "if not floor then return {err = 'AGWMALFORMED ' .. KEYS[4]} end "
    "if not horizon then return {err = 'AGWMALFORMED ' .. KEYS[5]} end "
    "if epoch and not string.match(epoch, '^' .. string.rep('%x', 16) .. '$')"
    " then return {err = 'AGWMALFORMED ' .. KEYS[1]} end "

    "local known = tonumber(ARGV[3]) "
    "local last = last_id(KEYS[6]) "
    "if last > " AGW_LUA_MAX " then"
    " return {err = 'AGWMALFORMED ' .. KEYS[6]} end "
    "last = math.max(whole(stamp or '0'), last) "

    "if not epoch or not stamp or primary ~= ARGV[2] then "
    "last = math.max(last, now, known) + tonumber(ARGV[5]) "
    "if last > " AGW_LUA_MAX " then"
    " return {err = 'AGWMALFORMED ' .. KEYS[2]} end "
    "epoch = epoch or ARGV[1] "
    "raised = 1 "
    "horizon = math.max(horizon, tonumber(ARGV[4])) "
    "redis.call('MSET', KEYS[1], epoch, KEYS[2], text(last), KEYS[3], ARGV[2],"
    " KEYS[5], text(horizon)) "

    "elseif known > last or tonumber(ARGV[4]) > horizon then "
    "last = math.max(last, known) "
    "horizon = math.max(horizon, tonumber(ARGV[4])) "
    "redis.call('MSET', KEYS[2], text(last), KEYS[5], text(horizon)) end "

    "return {epoch, text(last), raised, text(floor), text(horizon)}");


/*
 * The same commands whatever exists: what Redis does then does not tell
 * whether a partner does.
 */

const ngx_str_t  ngx_http_agw_redis_api_keys_lua = ngx_string(

    /* KEYS[4], [5]: the partner and its API keys; and so on; ARGV: digests */

    AGW_LUA_WHOLE AGW_LUA_STAMP AGW_LUA_PRIMARY

    "local answer = {epoch, string.format('%.0f', stamp)} "
    "for i = 1, #ARGV do"
    " answer[3 * i] = redis.call('HGET', KEYS[2 * i + 2], 'status')"
    " answer[3 * i + 1] = redis.call('HGET', KEYS[2 * i + 2], 'scopes')"
    " answer[3 * i + 2] = redis.call('HGET', KEYS[2 * i + 3], ARGV[i]) end "
    "return answer");


const ngx_str_t  ngx_http_agw_redis_once_lua = ngx_string(

    /* KEYS[4]: what is used; ARGV: for how many seconds */

    AGW_LUA_WHOLE AGW_LUA_STAMP

    "local first = redis.call('SET', KEYS[4], '1', 'NX', 'EX', ARGV[1]) "
    "return {epoch, string.format('%.0f', stamp), first and '1' or '0'}");


/* iat of a token without seq is less how far it may be ahead */

const ngx_str_t  ngx_http_agw_redis_business_lua = ngx_string(

    /* KEYS[3]: stream, [4]: the partner, [5]: the business */
    /* ARGV: known, partner, token or '', seq, iat */

    AGW_LUA_WHOLE AGW_LUA_STAMP AGW_LUA_PRIMARY AGW_LUA_ENTRY

    "local ended = 0 "

    "if ARGV[3] ~= '' then "
    "local since = redis.call('XRANGE', KEYS[3], '(' .. ARGV[1], '+',"
    " 'COUNT', " AGW_LUA_PAGE ") "
    "if #since == " AGW_LUA_PAGE " then"
    " return {err = 'AGWBEHIND it has ' .. #since .. ' unread entries'} end "
    "local seq = tonumber(ARGV[4]) "
    "for i = 1, #since do"
    " local e = entry(since[i][2])"
    " if e.kind == 'token' and e.id == ARGV[3] then ended = 1 end"
    " if e.kind == 'partner' and e.id == ARGV[2] and"
    " (seq >= 0 and seq < (whole(e.seq) or 0)"
    " or seq < 0 and tonumber(ARGV[5]) <= (whole(e.time) or 0))"
    " then ended = 1 end end end "

    "return {epoch, string.format('%.0f', stamp),"
    " redis.call('HGET', KEYS[4], 'status'),"
    " redis.call('HGET', KEYS[5], 'partner_id'),"
    " redis.call('HGET', KEYS[5], 'status'), ended,"
    " redis.call('HGET', KEYS[4], 'scopes')}");


const ngx_str_t  ngx_http_agw_redis_revoke_lua = ngx_string(

    /* KEYS[3]: stream; ARGV: known, kind, id, time of a token or 0, partner */

    AGW_LUA_WHOLE AGW_LUA_TEXT AGW_LUA_NOW AGW_LUA_STAMP AGW_LUA_NEXT

    "local at = math.max(tonumber(time[1]), tonumber(ARGV[4])) "
    "local next = following(tonumber(ARGV[1])) "
    "if next > " AGW_LUA_MAX " then"
    " return {err = 'AGWMALFORMED ' .. KEYS[2]} end "
    "local command = {'XADD', KEYS[3], text(next) .. '-0', 'kind', ARGV[2],"
    " 'id', ARGV[3], 'seq', text(next), 'time', text(at)} "
    "if ARGV[5] ~= '' then"
    " command[#command + 1] = 'partner_id'"
    " command[#command + 1] = ARGV[5] end "
    "redis.call(unpack(command)) "
    "return {text(next), text(at)}");


/*
 * The entry of the position stays: readers know the stream by it.  One whose
 * seq is above its id was never known to them, and is no floor.
 */

const ngx_str_t  ngx_http_agw_redis_trim_lua = ngx_string(

    /* KEYS[3]: stream, [4]: floor, [5]: horizon; ARGV: held, horizon */

    AGW_LUA_WHOLE AGW_LUA_TEXT AGW_LUA_STAMP AGW_LUA_ENTRY

    "local floor = whole(redis.call('GET', KEYS[4]) or '0') "
    "local horizon = whole(redis.call('GET', KEYS[5]) or '0') "
    "local removed = 0 "

    "if not floor or floor > stamp then"
    " return {err = 'AGWMALFORMED ' .. KEYS[4]} end "
    "if not horizon then return {err = 'AGWMALFORMED ' .. KEYS[5]} end "

    "if tonumber(ARGV[2]) > horizon then"
    " horizon = tonumber(ARGV[2])"
    " redis.call('SET', KEYS[5], ARGV[2]) end "

    "if tonumber(ARGV[1]) > 0 and tonumber(ARGV[2]) == horizon then "
    "local old = redis.call('XRANGE', KEYS[3], '-', '(' .. ARGV[1] .. '-0',"
    " 'COUNT', " AGW_LUA_PAGE ") "
    "for i = 1, #old do"
    " local e = entry(old[i][2])"
    " local seq = whole(e.seq)"
    " if seq and seq <= tonumber(string.match(old[i][1], '^%d+'))"
    " then floor = math.max(floor, seq) end end "
    "if #old > 0 then"
    " redis.call('SET', KEYS[4], text(floor))"
    " local ms, part = string.match(old[#old][1], '^(%d+)-(%d+)$')"
    " removed = redis.call('XTRIM', KEYS[3], 'MINID', '=',"
    " ms .. '-' .. text(tonumber(part) + 1)) end end "

    "return {text(floor), text(horizon), removed}");


const ngx_str_t  ngx_http_agw_redis_look_lua = ngx_string(

    /* KEYS[3]: stream, [4]: floor, [5]: horizon; ARGV: two positions */

    AGW_LUA_WHOLE AGW_LUA_TEXT AGW_LUA_NOW AGW_LUA_STAMP AGW_LUA_PRIMARY
    AGW_LUA_ENTRY

    "local function at(id)"
    " return redis.call('XRANGE', KEYS[3], id, id)[1] or false end "
    "local first = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', 1)[1] "
    "local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1] "
    "return {epoch, text(stamp),"
    " redis.call('GET', KEYS[4]), redis.call('GET', KEYS[5]),"
    " at(ARGV[1]), last and {last[1]} or false, text(now), at(ARGV[2]),"
    " first and {first[1], text(whole(entry(first[2]).seq) or 0)} or false}");


/*
 * An entry at or below the floor refuses no valid token.  What others have
 * healed since we looked has stamps below its ids.  Answers { the last id that
 * was written or looked at, how many were written }, or -1.
 */

const ngx_str_t  ngx_http_agw_redis_heal_lua = ngx_string(

    /* KEYS[3]: stream, [4]: floor */
    /* ARGV: since, known; for each: kind, id, seq, time, partner */

    AGW_LUA_WHOLE AGW_LUA_TEXT AGW_LUA_NOW AGW_LUA_STAMP AGW_LUA_ENTRY
    AGW_LUA_NEXT

    "local floor = whole(redis.call('GET', KEYS[4]) or '0') "
    "if not floor then return {err = 'AGWMALFORMED ' .. KEYS[4]} end "

    "local later = redis.call('XRANGE', KEYS[3], '(' .. ARGV[1], '+',"
    " 'COUNT', " AGW_LUA_PAGE ") "
    "if #later == " AGW_LUA_PAGE " then return -1 end "
    "for i = 1, #later do"
    " if (entry(later[i][2]).seq or '') .. '-0' ~= later[i][1] then"
    " return -1 end end "

    "local next = following(tonumber(ARGV[2])) "
    "local written = 0 "
    "local last = ARGV[1] "

    "for i = 3, #ARGV, 5 do "
    "local seq = whole(ARGV[i + 2]) "
    "if seq and seq > floor then "
    "next = math.max(next, seq + 1) "
    "if next > " AGW_LUA_MAX " then"
    " return {err = 'AGWMALFORMED ' .. KEYS[2]} end "
    "last = text(next) .. '-0' "
    "local command = {'XADD', KEYS[3], last, 'kind', ARGV[i],"
    " 'id', ARGV[i + 1], 'seq', ARGV[i + 2], 'time', ARGV[i + 3]} "
    "if ARGV[i + 4] ~= '' then"
    " command[#command + 1] = 'partner_id'"
    " command[#command + 1] = ARGV[i + 4] end "
    "redis.call(unpack(command)) "
    "written = written + 1 "
    "next = next + 1 end end "

    "return {last, written}");
