-- HS256 and exp, for t/bench/lib/Bench/Peers.pm: what one writes in Lua.
-- The MAC is OpenSSL's own, called without a library in between.

local base64 = require "ngx.base64"
local cjson = require "cjson.safe"
local ffi = require "ffi"

ffi.cdef [[
    const void *EVP_sha256(void);
    unsigned char *HMAC(const void *md, const void *key, int key_len,
        const char *data, size_t n, unsigned char *out, unsigned int *len);
]]

local mac = ffi.new("unsigned char[32]")
local len = ffi.new("unsigned int[1]")

local function parsed(part)
    local text = base64.decode_base64url(part)

    return text and cjson.decode(text) or {}
end

local function allowed(header, secret)
    local head, body, signature = (header or ""):match(
        "^Bearer ([%w_-]+)%.([%w_-]+)%.([%w_-]+)$")

    if not head or parsed(head).alg ~= "HS256" then
        return false
    end

    local input = head .. "." .. body

    ffi.C.HMAC(ffi.C.EVP_sha256(), secret, #secret, input, #input, mac, len)

    return base64.encode_base64url(ffi.string(mac, 32)) == signature
        and (parsed(body).exp or 0) > ngx.time()
end

return {
    check = function(secret)
        if not allowed(ngx.var.http_authorization, secret) then
            return ngx.exit(401)
        end
    end,
}
