#!/bin/bash
# What protection costs: CPU of the worker per request, with and without limits, interleaved; a fixed response, so that nothing else is measured.
# Mainstay on CPU 0, wrk on CPU 1. Prints microseconds per request of each run. Usage: bench/limits.sh [ROUNDS] [SECONDS]
set -eu
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
mainstay=${MAINSTAY:-$root/src/Mainstay/bin/Release/net10.0/mainstay}
rounds=${1:-3} seconds=${2:-4} port=18480
dir=$(mktemp -d)
chmod 755 "$dir"
keeper=
trap '[ -z "$keeper" ] || kill "$keeper" 2> /dev/null; rm -rf "$dir"' EXIT

run() {
    cat > "$dir/c.yaml" <<YAML
admin: { socket: $dir/admin.sock }
process: { state-directory: $dir/state, shards: 1 }
http:
  web:
    listen: "127.0.0.1:$port"
    $2
    routes: [{ respond: { status: 200, body: ok } }]
YAML
    taskset -c 0 "$mainstay" run -c "$dir/c.yaml" 2> /dev/null &
    keeper=$!
    until curl -s -o /dev/null "http://127.0.0.1:$port/"; do sleep 0.1; done
    worker=$(tr ' ' '\n' < "/proc/$keeper/task/$keeper/children" | grep . | tail -n 1)
    taskset -c 1 wrk -t1 -c64 -d1s "http://127.0.0.1:$port/" > /dev/null
    before=$(awk '{print $14 + $15}' "/proc/$worker/stat")
    count=$(taskset -c 1 wrk -t1 -c64 -d"${seconds}s" "http://127.0.0.1:$port/" | awk '/requests in/ {print $1}')
    after=$(awk '{print $14 + $15}' "/proc/$worker/stat")
    kill "$keeper"
    wait "$keeper" || true
    keeper=
    awk -v n="$1" -v t=$((after - before)) -v c="$count" 'BEGIN { printf "%-28s %.3f us/request (%d requests)\n", n, t * 10000 / c, c }'
}

for _ in $(seq "$rounds"); do
    run "off" ""
    run "one limit by address" "protect: { rate-limits: { a: { requests: 1000000/s } } }"
    run "detector and three limits" "protect: { connections-per-address: 1000, rate-limits: { a: { requests: 1000000/s }, b: { requests: 1000000/s, by: [address, path] }, c: { requests: 1000000/s, by: [] } }, dos-detector: { threshold: 1048575, period: 1s } }"
done
