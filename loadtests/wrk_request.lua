-- The request (built once: no request() function, so wrk repeats the same bytes) and a report as one line of JSON.
-- HEADERS is replaced by loadtests/wrk.py.
wrk.headers = { HEADERS }

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '\nREPORT {"requests": %d, "bytes": %d, "duration_us": %d, "p50_us": %.1f, "p99_us": %.1f, "max_us": %.1f, '
      .. '"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d}\n',
      summary.requests, summary.bytes, summary.duration,
      latency:percentile(50), latency:percentile(99), latency.max,
      errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
