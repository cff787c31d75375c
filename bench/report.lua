-- Reports prepared bodies (see bodies.py); each thread has a file of its own.
--   BENCH_BODIES  the files' prefix: <prefix>.0, <prefix>.1, …
--   BENCH_PACKED  1: each line is a body in hexadecimal digits
--   BENCH_ONCE    1: send each body exactly once, then stop; else rotate through them
--   BENCH_LIMIT   use so many bodies of each file; 0 is all
--   BENCH_DELAY   milliseconds that a connection waits before each request; 0 is none
-- Says "start" and "end <refused>" for each thread on stderr when sending once, and a JSON object
-- with the results on the last line of stdout.

local prefix = os.getenv("BENCH_BODIES")
local packed = os.getenv("BENCH_PACKED") == "1"
local once = os.getenv("BENCH_ONCE") == "1"
local limit = tonumber(os.getenv("BENCH_LIMIT") or "0")
local delay_ms = tonumber(os.getenv("BENCH_DELAY") or "0")

wrk.method = "POST"
wrk.headers["Content-Type"] = wrk.headers["Content-Type"] or "application/json"

local threads = 0
function setup(thread)
   thread:set("slice", threads)
   threads = threads + 1
end

local filler, verifying
local requests, turn = {}, 0
local sent, answered, refused, exhausted, over = 0, 0, 0, false, false

-- All is read and written out before the first request, so that sending is all that it costs then.
function init()
   filler = wrk.format("GET", "/healthz")
   verifying = slice == 0 -- wrk asks the first thread for a request that it parses and never sends
   for body in io.lines(prefix .. "." .. slice) do
      if packed then
         body = body:gsub("..", function(digits) return string.char(tonumber(digits, 16)) end)
      end
      requests[#requests + 1] = wrk.format(nil, nil, nil, body)
      if #requests == limit then break end
   end
   collectgarbage()
end

local function rotate()
   turn = turn % #requests + 1
   return requests[turn]
end

-- While the last answers come in, the free connections ask for the health page.
local function next_one()
   if verifying then
      verifying = false
      return filler
   end
   if sent == #requests then
      exhausted = true
      return filler
   end
   if sent == 0 then io.stderr:write("start\n") end
   sent = sent + 1
   return requests[sent]
end

local function count_answer(status)
   if status ~= 200 then answered = answered + 1 end -- 200 answers the filler, 202 a report
   if status > 299 then refused = refused + 1 end
   if exhausted and answered == sent and not over then -- more answers may come before it stops
      over = true
      io.stderr:write("end " .. refused .. "\n")
      wrk.thread:stop()
   end
end

request = once and next_one or rotate
if once then response = count_answer end
if delay_ms > 0 then
   function delay() return delay_ms end
end

function done(summary, latency)
   local e = summary.errors
   print(string.format(
      '{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "failed": %d}',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
      latency:percentile(99) / 1e3, e.connect + e.read + e.write + e.status + e.timeout))
end
