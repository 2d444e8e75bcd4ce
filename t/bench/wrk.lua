-- wrk's requests, for t/bench/lib/Bench/Wrk.pm: those of a file, in turn,
-- from the one after the given number on.  They stand there as they are
-- sent, each with a NUL behind it.  One line at the end tells what came.

local requests = {}
local count
local threads = {}

turn = 0

function setup(thread)
    table.insert(threads, thread)
end

function init(args)
    local file = assert(io.open(args[1], "rb"))

    for text in file:read("*a"):gmatch("[^%z]+") do
        requests[#requests + 1] = text
    end

    file:close()
    count = #requests
    turn = tonumber(args[2]) % count
end

function request()
    turn = turn % count + 1

    return requests[turn]
end

function done(summary, latency)
    local e = summary.errors

    io.write(string.format(
        "bench requests=%d us=%d bytes=%d status=%d other=%d p50=%d p99=%d "
        .. "turn=%d\n", summary.requests, summary.duration, summary.bytes,
        e.status, e.connect + e.read + e.write + e.timeout,
        latency:percentile(50), latency:percentile(99),
        threads[1]:get("turn")))
end
