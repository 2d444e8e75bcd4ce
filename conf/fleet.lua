-- Changes a partner or a business in Redis or Valkey and, in the same step,
-- revokes the tokens that the change ends.  A plain HSET revokes nothing.
--
--   redis-cli --eval fleet.lua '{agw}:partner:<partner_id>' , status disabled
--   redis-cli --eval fleet.lua '{agw}:business:<business_id>' , \
--       partner_id <partner_id> status active
--   redis-cli --eval fleet.lua '{agw}:business:<business_id>' , delete
--   redis-cli --eval fleet.lua '{agw}:revocations' , partner <partner_id>
--   redis-cli --eval fleet.lua '{agw}:revocations' , <kind> <id> <seq> <time>
--
-- Fields that are not named keep their values; status is active if it was
-- not set.  The third form revokes without a change: the kind (token, owner,
-- partner or business) and its id, as README.md has them.  The last one takes
-- revocations over from another store, any number of them, with their stamps.
--
-- Prints the last stamp, or 0 if nothing was revoked.

local prefix, what, id = KEYS[1]:match('^({[^{}]+}):(%a+):?(.*)$')

local STATES = {
    partner = { active = true, disabled = true },
    business = { active = true, archived = true },
}

local FIELDS = {
    partner = { status = true, name = true },
    business = { status = true, partner_id = true },
}

local KINDS = { token = 2, owner = 2, partner = 1, business = 1 }


local function is_id(text)
    return #text >= 1 and #text <= 128 and not text:find('[^%w._~-]')
end


local function is_revocation(kind, id)
    local first, second = id:match('^([^:]*):(.*)$')

    if KINDS[kind] == 1 then
        return is_id(id)
    end

    return KINDS[kind] == 2 and first and is_id(first) and is_id(second)
end


-- A replica that was promoted may lack the last stamps.  The first nginx that
-- connects makes up for it; a stamp from before would not end all tokens.

local function is_known()
    local info = redis.pcall('INFO', 'server')

    return type(info) == 'string'
        and info:match('run_id:(%x+)')
            == redis.call('GET', prefix .. ':primary')
end


-- The stamp of an entry is in its id as well, so what is newer has a higher id.

local function next_stamp()
    local epoch = redis.call('GET', prefix .. ':epoch')
    local stamp = redis.call('GET', prefix .. ':stamp')
    local last = redis.call('XREVRANGE', prefix .. ':revocations', '+', '-',
        'COUNT', 1)
    local now = redis.call('TIME')

    if not epoch or not tonumber(stamp) then
        return nil, 'ERR no nginx has connected to this store yet'
    end

    if not is_known() then
        return nil, 'ERR no nginx has connected to this server since it'
            .. ' started, or INFO is not allowed: try again'
    end

    stamp = math.max(tonumber(stamp) + 1,
        now[1] * 1000 + math.floor(now[2] / 1000))

    if last[1] then
        stamp = math.max(stamp, tonumber(last[1][1]:match('^%d+')) + 1)
    end

    if stamp > 2 ^ 52 then
        return nil, 'ERR the stamp is malformed'
    end

    return string.format('%.0f', stamp), nil, now[1]
end


local function revoke(kind, of, seq, time)
    local stamp, problem, now = next_stamp()

    if not stamp then
        return nil, redis.error_reply(problem)
    end

    redis.call('XADD', prefix .. ':revocations', stamp .. '-0', 'kind', kind,
        'id', of, 'seq', seq or stamp, 'time', time or now)

    return stamp
end


-- of another store, whose stamps end before ours

local function take_over(list)
    local stamp, problem = next_stamp()

    if not stamp then
        return redis.error_reply(problem)
    end

    for i = 1, #list, 4 do
        local seq, time = tonumber(list[i + 2]), tonumber(list[i + 3])

        if not is_revocation(list[i], list[i + 1]) or not seq or not time
            or seq < 1 or seq >= tonumber(stamp) or time < 0
        then
            return redis.error_reply('ERR not a kind, an id, a seq and a'
                .. ' time: number ' .. (i + 3) / 4)
        end
    end

    for i = 1, #list, 4 do
        stamp = revoke(list[i], list[i + 1], list[i + 2], list[i + 3])
    end

    return stamp
end


local function fields_of(key)
    local fields = {}
    local flat = redis.call('HGETALL', key)

    for i = 1, #flat, 2 do
        fields[flat[i]] = flat[i + 1]
    end

    return fields
end


if what == 'revocations' and #ARGV > 0 and #ARGV % 4 == 0 then
    return take_over(ARGV)
end

if what == 'revocations' then
    if #ARGV ~= 2 or not is_revocation(ARGV[1], ARGV[2]) then
        return redis.error_reply('ERR a kind and its id are expected')
    end

    local stamp, problem = revoke(ARGV[1], ARGV[2])

    return stamp or problem
end

if not STATES[what] or not is_id(id) then
    return redis.error_reply('ERR not the key of a partner or business')
end

local old = fields_of(KEYS[1])
local new = {}
local delete = #ARGV == 1 and ARGV[1] == 'delete'

if not delete then
    if #ARGV == 0 or #ARGV % 2 ~= 0 then
        return redis.error_reply('ERR fields with their values are expected')
    end

    new.status = old.status or 'active'
    new.partner_id = old.partner_id

    for i = 1, #ARGV, 2 do
        if not FIELDS[what][ARGV[i]] then
            return redis.error_reply('ERR unknown field ' .. ARGV[i])
        end

        new[ARGV[i]] = ARGV[i + 1]
    end

    if not STATES[what][new.status] then
        return redis.error_reply('ERR unknown status ' .. new.status)
    end

    if what == 'business' and not is_id(new.partner_id or '') then
        return redis.error_reply('ERR a business must have a partner_id')
    end
end


-- a change that cannot revoke is not made

local stamp, problem = '0', nil

if what == 'partner' and old.status and new.status ~= 'active' then
    stamp, problem = revoke('partner', id)

elseif what == 'business' and old.partner_id
    and (new.status ~= 'active' or new.partner_id ~= old.partner_id)
then
    stamp, problem = revoke('owner', old.partner_id .. ':' .. id)
end

if problem then
    return problem
end

if delete then
    redis.call('DEL', KEYS[1])

else
    redis.call('HSET', KEYS[1], 'status', new.status, unpack(ARGV))
end

return stamp
