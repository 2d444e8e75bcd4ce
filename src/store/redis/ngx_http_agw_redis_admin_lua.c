
/*
 * An operation reads hashes with one script, decides in C, and writes with
 * another, which does so only if those hashes are still what was read.
 *
 * Lists need the ids in order: the sorted sets `partners` and `businesses`
 * have them.  Hashes that were made by hand are not in there, so the first
 * page looks for them; an id whose hash is gone is removed when it is met.
 * These hashes have no place in KEYS: their ids come from the script's own
 * reading, and their hash tag is that of all keys.
 *
 * A page begins behind an id, or behind the empty one, which is none: a hash
 * that was made by hand may have it, and a page would never get past it.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_admin_lua.h"
#include "ngx_http_agw_redis_lua_parts.h"


#define AGW_LUA_ADMIN_PAGE  "1000"           /* NGX_HTTP_AGW_REDIS_ADMIN_PAGE */

/* less than AGW_RESP_BYTES_MAX and _ELEMENTS_MAX, by what is beside hashes */

#define AGW_LUA_BYTES       "8000000"
#define AGW_LUA_ELEMENTS    "250000"


/* a digest of a hash: its fields are in no order */

#define AGW_LUA_STATE                                                         \
    "local function state(flat)"                                              \
    " local fields = {}"                                                      \
    " for i = 1, #flat, 2 do"                                                 \
    " fields[#fields + 1] = #flat[i] .. ':' .. #flat[i + 1] .. ':'"           \
    " .. flat[i] .. flat[i + 1] end"                                          \
    " table.sort(fields)"                                                     \
    " return redis.sha1hex(table.concat(fields)) end "

#define AGW_LUA_FIELD                                                         \
    "local function field(flat, name)"                                        \
    " for i = 1, #flat, 2 do"                                                 \
    " if flat[i] == name then return flat[i + 1] end end end "


/*
 * A reply that agw_resp refuses would end the connection, and all that others
 * wait for on it: the room is what is left of its limits.  get() has a hash
 * with all of its fields, or nil if it does not fit.
 */

#define AGW_LUA_ROOM                                                          \
    "local bytes, elements = " AGW_LUA_BYTES ", " AGW_LUA_ELEMENTS " "        \
    "local function get(key)"                                                 \
    " local flat = redis.call('HGETALL', key)"                                \
    " elements = elements - #flat - 4"                                        \
    " for i = 1, #flat do bytes = bytes - #flat[i] - 16 end"                  \
    " return bytes > 0 and elements > 0 and flat or nil end "                 \
    "local function large(key)"                                               \
    " return {err = '" NGX_HTTP_AGW_REDIS_LARGE " ' .. key"                   \
    " .. ' has more than can be read at once'} end "


const ngx_str_t  ngx_http_agw_redis_admin_read_lua = ngx_string(

    /* KEYS[4] and so on: hashes, but the last one; ARGV: whether to change */

    AGW_LUA_WHOLE AGW_LUA_STAMP AGW_LUA_PRIMARY AGW_LUA_STATE AGW_LUA_ROOM

    "local answer = {epoch} "
    "for i = 4, #KEYS - 1 do"
    " local flat = get(KEYS[i])"
    " if not flat then return large(KEYS[i]) end"
    " answer[#answer + 1] = ARGV[1] == '1' and state(flat) or '-'"
    " answer[#answer + 1] = flat end "
    "return answer");


/* what is revoked is written first: see ngx_http_agw_redis_lua.c */

const ngx_str_t  ngx_http_agw_redis_admin_change_lua = ngx_string(

    /* KEYS[4]: partners, [5]: businesses, then hashes */
    /* ARGV: known; the JSON of what to do, with keys by their number */

    AGW_LUA_WHOLE AGW_LUA_TEXT AGW_LUA_NOW AGW_LUA_STAMP AGW_LUA_NEXT
    AGW_LUA_STATE

    "local todo = cjson.decode(ARGV[2]) "

    "for _, s in ipairs(todo.same) do"
    " if state(redis.call('HGETALL', KEYS[s[1]])) ~= s[2] then"
    " return {epoch, 0} end end "

    "local answer = {epoch, 1} "
    "local seq = following(tonumber(ARGV[1])) "
    "if seq + #todo.revoke > " AGW_LUA_MAX " then"
    " return {err = 'AGWMALFORMED ' .. KEYS[2]} end "

    "for _, r in ipairs(todo.revoke) do"
    " redis.call('XADD', KEYS[3], text(seq) .. '-0', 'kind', r[1],"
    " 'id', r[2], 'seq', text(seq), 'time', time[1])"
    " answer[#answer + 1] = text(seq)"
    " answer[#answer + 1] = time[1]"
    " seq = seq + 1 end "

    "for _, w in ipairs(todo.write) do"
    " if w[3] then redis.call('HSET', KEYS[w[1]], w[2], w[3])"
    " else redis.call('HDEL', KEYS[w[1]], w[2]) end end "

    "for _, n in ipairs(todo.name) do"
    " redis.call('ZADD', KEYS[n[1]], 0, n[2]) end "

    "return answer");


const ngx_str_t  ngx_http_agw_redis_admin_index_lua = ngx_string(

    /* KEYS[4]: partners, [5]: businesses */
    /* ARGV: cursor, pattern, and what keys of the two begin with */

    AGW_LUA_WHOLE AGW_LUA_STAMP

    "local found = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2],"
    " 'COUNT', " AGW_LUA_ADMIN_PAGE ") "

    "for _, key in ipairs(found[2]) do"
    " for i = 3, 4 do"
    " if string.sub(key, 1, #ARGV[i]) == ARGV[i] then"
    " redis.call('ZADD', KEYS[i + 1], 0, string.sub(key, #ARGV[i] + 1))"
    " end end end "

    "return {epoch, found[1]}");


const ngx_str_t  ngx_http_agw_redis_admin_page_lua = ngx_string(

    /* KEYS[4]: partners or businesses */
    /* ARGV: after, how many, what their keys begin with, status, partner */

    AGW_LUA_WHOLE AGW_LUA_STAMP AGW_LUA_PRIMARY AGW_LUA_FIELD AGW_LUA_ROOM

    "local at = ARGV[1] "
    "local answer = {epoch, at, 1} "
    "local ids = redis.call('ZRANGEBYLEX', KEYS[4],"
    " '(' .. at, '+', 'LIMIT', 0, " AGW_LUA_ADMIN_PAGE ") "
    "if #ids == " AGW_LUA_ADMIN_PAGE " then answer[3] = 0 end "

    "for _, id in ipairs(ids) do "
    "if #answer >= 3 + 2 * tonumber(ARGV[2]) then answer[3] = 0 break end "
    "local flat = get(ARGV[3] .. id) "
    "if not flat and #answer == 3 then return large(ARGV[3] .. id) end "
    "if not flat then answer[3] = 0 break end "
    "answer[2] = id "
    "if #flat == 0 then redis.call('ZREM', KEYS[4], id) "
    "elseif (ARGV[4] == '' or (field(flat, 'status') == 'active')"
    " == (ARGV[4] == 'active'))"
    " and (ARGV[5] == '' or field(flat, 'partner_id') == ARGV[5]) then"
    " answer[#answer + 1] = id"
    " answer[#answer + 1] = flat end end "

    "return answer");


const ngx_str_t  ngx_http_agw_redis_admin_credentials_lua = ngx_string(

    /* KEYS[4]: partners */
    /* ARGV: after, how many, what all keys begin with, and those */

    AGW_LUA_WHOLE AGW_LUA_STAMP AGW_LUA_PRIMARY AGW_LUA_ROOM

    "local at = ARGV[1] "
    "local answer = {epoch, at, 1} "
    "local ids = redis.call('ZRANGEBYLEX', KEYS[4],"
    " '(' .. at, '+', 'LIMIT', 0, " AGW_LUA_ADMIN_PAGE ") "
    "if #ids == " AGW_LUA_ADMIN_PAGE " then answer[3] = 0 end "
    "local seen = 0 "

    "for _, id in ipairs(ids) do "
    "if seen >= tonumber(ARGV[2]) then answer[3] = 0 break end "
    "local keys = get(ARGV[4] .. id) "
    "if not keys or #keys > 0"
    " and redis.call('HGET', ARGV[3] .. 'partner:' .. id, 'status') then"
    " local used = keys and get(ARGV[3] .. 'used:' .. id)"
    " if not used and #answer == 3 then return large(ARGV[4] .. id) end"
    " if not used then answer[3] = 0 break end"
    " answer[#answer + 1] = id"
    " answer[#answer + 1] = keys"
    " answer[#answer + 1] = used"
    " seen = seen + #keys / 2 end "
    "answer[2] = id end "

    "return answer");


const ngx_str_t  ngx_http_agw_redis_admin_entries_lua = ngx_string(

    /* ARGV: an id */

    AGW_LUA_WHOLE AGW_LUA_STAMP AGW_LUA_PRIMARY

    "return {epoch, string.format('%.0f', stamp),"
    " redis.call('XRANGE', KEYS[3],"
    " '(' .. ARGV[1], '+', 'COUNT', " AGW_LUA_ADMIN_PAGE ")}");


const ngx_str_t  ngx_http_agw_redis_admin_used_lua = ngx_string(

    /* KEYS[4], [5]: API keys and their use; and so on */
    /* ARGV: of each, the digest, its key_id if it has no other, a time */

    AGW_LUA_WHOLE AGW_LUA_STAMP

    "for i = 1, #ARGV, 3 do "
    "local key = redis.call('HGET', KEYS[3 + (i + 2) / 3 * 2 - 1], ARGV[i]) "
    "if key then "
    "local used = KEYS[3 + (i + 2) / 3 * 2] "
    "local ok, json = pcall(cjson.decode, key) "
    "local id = ok and type(json) == 'table'"
    " and type(json.key_id) == 'string' and json.key_id or ARGV[i + 1] "
    "local last = whole(redis.call('HGET', used, id) or '0') or 0 "
    "if tonumber(ARGV[i + 2]) > last then"
    " redis.call('HSET', used, id, ARGV[i + 2]) end end end "

    "return {epoch}");
