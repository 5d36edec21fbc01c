-- What wrk asks: BODIES is a file with a request's body on each line, taken in turn; the figures end as JSON.
local requests = {}
local turn = 0

function init(arguments)
  for line in io.lines(os.getenv("BODIES")) do
    table.insert(requests, wrk.format("POST", nil, nil, line))
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
