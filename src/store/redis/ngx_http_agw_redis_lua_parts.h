
/*
 * What scripts have in common: Lua that is put before their own.
 */


#ifndef NGX_HTTP_AGW_REDIS_LUA_PARTS_H_INCLUDED_
#define NGX_HTTP_AGW_REDIS_LUA_PARTS_H_INCLUDED_


/* entries beyond `known` that one script looks at; entries that one trims */

#define AGW_LUA_PAGE      "1000"

#define AGW_LUA_MAX       "4503599627370496"

/* a decimal integer as scripts write it, or nil */

#define AGW_LUA_WHOLE                                                         \
    "local function whole(s)"                                                 \
    " if type(s) ~= 'string' or #s > 16 or not string.match(s, '^%d+$')"      \
    " or tonumber(s) > " AGW_LUA_MAX " then return nil end"                   \
    " return tonumber(s) end "

#define AGW_LUA_TEXT                                                          \
    "local function text(n) return string.format('%.0f', n) end "

#define AGW_LUA_NOW                                                           \
    "local time = redis.call('TIME') "                                        \
    "local now = tonumber(time[1]) * 1000 + math.floor(time[2] / 1000) "

#define AGW_LUA_LAST                                                          \
    "local function last_id(key)"                                             \
    " local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]"     \
    " return last and tonumber(string.match(last[1], '^%d+')) or 0 end "

/* KEYS[1] to [3] are epoch, stamp and stream of every script but one */

#define AGW_LUA_STAMP                                                         \
    AGW_LUA_LAST                                                              \
    "local epoch = redis.call('GET', KEYS[1]) "                               \
    "local stamp = redis.call('GET', KEYS[2]) "                               \
    "if not epoch or not stamp then"                                          \
    " return {err = 'AGWEPOCH the epoch or the stamp is missing'} end "       \
    "stamp = whole(stamp) "                                                   \
    "if not stamp then"                                                       \
    " return {err = 'AGWMALFORMED ' .. KEYS[2]} end "                         \
    "stamp = math.max(stamp, last_id(KEYS[3])) "                              \
    "if stamp > " AGW_LUA_MAX " then"                                         \
    " return {err = 'AGWMALFORMED ' .. KEYS[3]} end "

/* changes nothing; the last key does not exist */

#define AGW_LUA_PRIMARY                                                       \
    "local probe = redis.pcall('DEL', KEYS[#KEYS]) "                          \
    "if type(probe) == 'table' and probe.err then"                            \
    " if string.find(probe.err, 'READONLY', 1, true) then"                    \
    " return {err = 'READONLY it is a replica'} end"                          \
    " if string.find(probe.err, 'NOREPLICAS', 1, true) then"                  \
    " return {err = 'NOREPLICAS it has too few replicas'} end end "

#define AGW_LUA_ENTRY                                                         \
    "local function entry(fields)"                                            \
    " local e = {}"                                                           \
    " for i = 1, #fields, 2 do e[fields[i]] = fields[i + 1] end"              \
    " return e end "

#define AGW_LUA_NEXT                                                          \
    "local function following(known)"                                         \
    " return math.max(stamp + 1, now, known + 1) end "


#endif /* NGX_HTTP_AGW_REDIS_LUA_PARTS_H_INCLUDED_ */
