#!/usr/bin/env bash
# Mainstay beside HAProxy and nginx as HTTP proxies, in one run: ./bench/http.sh [--quick] [CASE ...]
# Cases: memory idle keepalive-64 keepalive-512 body-100k body-1m per-connection latency; all of them when none is named.
#
# The proxy under test has CPU 0 to itself, load and backend (nginx) share CPU 1. Rounds are interleaved, the table shows medians, the
# last lines the ratios. CPU is user and system time of all processes of the proxy over the requests that it answered. For us timers,
# checks, counters and the access log (combined format, to a file) are on; for the peers logs are off.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
cd "$root"
. scripts/prerequisites.sh
. bench/side-by-side.sh

rounds=6 seconds=4
if [ "${1:-}" = --quick ]; then rounds=2 seconds=1; shift; fi
cases=("$@")
[ ${#cases[@]} -gt 0 ] || cases=(memory idle keepalive-64 keepalive-512 body-100k body-1m per-connection latency)

need_packages "the peers and the load" haproxy nginx wrk || exit 1
take_bench_lock
# In memory where that is possible: what the disk does with a log is not the proxy's CPU.
work=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" mainstay-bench.XXXXXX)
trap 'stop_all; rm -rf "$work"' EXIT
chmod 755 "$work"

say "building"
./mainstay version >/dev/null
dotnet build bench/Mainstay.Bench.Load -c Release -nodeReuse:false -nologo -v quiet -clp:NoSummary
load=bench/Mainstay.Bench.Load/bin/Release/net10.0/Mainstay.Bench.Load

# --- the backend and the three proxies ---
mkdir "$work/www"
head -c 1024 /dev/zero | tr '\0' a >"$work/www/1k"
head -c 102400 /dev/zero | tr '\0' b >"$work/www/100k"
head -c 1048576 /dev/zero | tr '\0' c >"$work/www/1m"

nginx_conf() { # NAME PORT BODY
    cat <<CONF
worker_processes 1; daemon off; master_process off; pid $work/$1.pid; error_log $work/$1.err; worker_rlimit_nofile 16000;
events { worker_connections 15000; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; sendfile on; tcp_nopush on; open_file_cache max=16;
 client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
 $3
 server { listen 127.0.0.1:$2 backlog=4096; $4 } }
CONF
}
# The small response comes from memory: the cheaper the backend, the more surely the proxy is what limits.
nginx_conf backend 18101 "" "root $work/www; location = /1k { default_type text/plain; return 200 $(cat "$work/www/1k"); }" >"$work/backend.conf"
nginx_conf proxy 18104 "upstream b { server 127.0.0.1:18101; keepalive 1024; keepalive_requests 1000000000; }" \
    "location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header X-Forwarded-For \$remote_addr;
     proxy_set_header Host \$http_host; proxy_buffers 16 64k; }" >"$work/proxy.conf"
cat >"$work/haproxy.cfg" <<CONF
global
  nbthread 1
  maxconn 9500
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 60s
  http-reuse always
  option forwardfor
frontend f
  bind 127.0.0.1:18103 backlog 4096
  default_backend b
backend b
  server s 127.0.0.1:18101 check inter 1s
CONF
cat >"$work/mainstay.yaml" <<CONF
node: bench
admin: { socket: "$work/admin.sock" }
process: { shards: 1, state-directory: "$work/state", user: root }
access-log: { format: combined, file: "$work/access.log" }
pools:
  app:
    check: { http: /1k, interval: 1s, timeout: 500ms }
    servers: ["127.0.0.1:18101"]
http:
  web:
    listen: "127.0.0.1:18102"
    timeouts: { keep-alive: 10m }
    routes: [{ to: app }]
CONF

start backend 1 nginx -c "$work/backend.conf"
start haproxy 0 haproxy -db -f "$work/haproxy.cfg"
start nginx 0 nginx -c "$work/proxy.conf"
start mainstay 0 ./mainstay run -c "$work/mainstay.yaml"
declare -A port=([mainstay]=18102 [haproxy]=18103 [nginx]=18104)
for name in mainstay haproxy nginx; do await_http "${port[$name]}" /1k; done
say "mainstay $(./mainstay version), $(haproxy -v | head -n 1 | cut -d' ' -f1-3), $(nginx -v 2>&1 | cut -d' ' -f3)"

# wrk_round NAME CONNECTIONS PATH [ARG...]: one round; notes CPU microseconds a request.
wrk_round() {
    local name=$1 connections=$2 path=$3 before out requests
    shift 3
    before=$(cpu_ticks "$name")
    out=$(taskset -c 1 wrk -t 1 -c "$connections" -d "${seconds}s" "$@" "http://127.0.0.1:${port[$name]}$path")
    requests=$(sed -n 's/ *\([0-9]*\) requests in.*/\1/p' <<<"$out")
    if grep -qE 'Non-2xx|Socket errors: connect [1-9]' <<<"$out"; then say "$name: $(grep -E 'Non-2xx|Socket errors' <<<"$out")"; fi
    note "$case" "$name" "$(cpu_since "$name" "$before" "$requests")"
}

# What the JIT compiled before it knew what is hot runs a good deal slower: a proxy that is measured has been running.
warm_up() { for name in mainstay haproxy nginx; do taskset -c 1 wrk -t 1 -c 64 -d "$1s" "http://127.0.0.1:${port[$name]}/1k" >/dev/null; done; }

compare() { # PEERS CONNECTIONS PATH [ARG...]
    local peers=$1
    shift
    for ((round = 1; round <= rounds; round++)); do
        say "$case, round $round of $rounds"
        for name in $peers; do wrk_round "$name" "$@"; done
    done
    row "$case" "us CPU a request" $peers
}

# Half of what the slower of the two can do, as requests that are due at a fixed rate.
latency() {
    local rate slower=1000000000 out name capacity
    for name in mainstay haproxy; do
        capacity=$(taskset -c 1 wrk -t 1 -c 64 -d "${seconds}s" "http://127.0.0.1:${port[$name]}/1k" | sed -n 's/Requests\/sec: *\([0-9]*\).*/\1/p')
        [ "$capacity" -lt "$slower" ] && slower=$capacity
    done
    rate=$((slower / 2))
    for ((round = 1; round <= rounds; round++)); do
        say "latency at $rate requests/s, round $round of $rounds"
        for name in mainstay haproxy; do
            out=$(taskset -c 1 "$load" open 127.0.0.1 "${port[$name]}" /1k 64 "$rate" "$seconds")
            note latency-p50 "$name" "$(sed 's/.*p50_us=\([0-9]*\).*/\1/' <<<"$out")"
            note latency-p99 "$name" "$(sed 's/.*p99_us=\([0-9]*\).*/\1/' <<<"$out")"
            note latency-p999 "$name" "$(sed 's/.*p999_us=\([0-9]*\).*/\1/' <<<"$out")"
        done
    done
    for name in latency-p50 latency-p99 latency-p999; do row "$name" "us at $rate/s" mainstay haproxy; done
}

# Memory of all processes that grows with ten thousand idle connections (7,000 where the descriptor limit is lower), after a first
# hundred have shown every proxy what a connection is.
idle() {
    local count=10000 before name
    [ "$(ulimit -Hn)" -ge 45000 ] || count=7000
    for name in mainstay haproxy; do
        taskset -c 1 "$load" open 127.0.0.1 "${port[$name]}" /1k 100 1000 1 >/dev/null
        before=$(memory_kib "$name")
        coproc HOLD { taskset -c 1 "$load" idle 127.0.0.1 "${port[$name]}" /1k "$count"; }
        read -r held <&"${HOLD[0]}"
        say "$name, $count idle connections: $held"
        note idle "$name" "$((($(memory_kib "$name") - before) * 1024 / count))"
        eval "exec ${HOLD[1]}>&-"
        wait "$HOLD_PID" || true
    done
    row idle "bytes a connection" mainstay haproxy
}

memory() {
    for name in mainstay haproxy nginx; do note memory "$name" "${at_start[$name]}"; done
    row memory "KiB after start" mainstay haproxy nginx
}

declare -A at_start
for name in mainstay haproxy nginx; do at_start[$name]=$(memory_kib "$name"); done
header mainstay haproxy nginx
warm=
for case in "${cases[@]}"; do
    case $case in memory | idle) ;; *) [ -n "$warm" ] || warm_up $((seconds * 2)); warm=yes ;; esac
    case $case in
        keepalive-64) compare "mainstay haproxy nginx" 64 /1k ;;
        keepalive-512) compare "mainstay haproxy nginx" 512 /1k ;;
        body-100k) compare "mainstay haproxy nginx" 64 /100k ;;
        body-1m) compare "mainstay haproxy nginx" 16 /1m ;;
        per-connection) compare "mainstay haproxy nginx" 64 /1k -H "Connection: close" ;;
        latency) latency ;;
        idle) idle ;;
        memory) memory ;;
        *) say "there is no case '$case'"; exit 2 ;;
    esac
done
footer
