#!/usr/bin/env bash
# Mainstay beside HAProxy and nginx with clients that speak HTTP/2 (without TLS, so that HTTP/2 is what is measured), in one run:
# ./bench/http2.sh [--quick] [CASE ...]
# Cases: streams-1 streams-32 streams-100 body-100k body-1m upload-100k; all of them when none is named.
#
# The proxy under test has CPU 0 to itself, load (h2load) and backend (nginx, HTTP/1.1) share CPU 1. Rounds are interleaved, the table shows
# medians, the last lines the ratios. CPU is user and system time of all processes of the proxy over the requests that it answered. For us
# timers, checks, counters and the access log (combined format, to a file in memory) are on; for the peers logs are off.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
cd "$root"
. scripts/prerequisites.sh
. bench/side-by-side.sh

rounds=6 seconds=4
if [ "${1:-}" = --quick ]; then rounds=2 seconds=2; shift; fi
cases=("$@")
[ ${#cases[@]} -gt 0 ] || cases=(streams-1 streams-32 streams-100 body-100k body-1m upload-100k)

need_packages "the peers and the load" haproxy nginx nghttp2-client || exit 1
take_bench_lock
work=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" mainstay-bench.XXXXXX)
trap 'stop_all; rm -rf "$work"' EXIT
chmod 755 "$work"
say "building"
./mainstay version >/dev/null

# --- the backend and the three proxies ---
mkdir "$work/www"
head -c 1024 /dev/zero | tr '\0' a >"$work/www/1k"
head -c 102400 /dev/zero | tr '\0' b >"$work/www/100k"
head -c 1048576 /dev/zero | tr '\0' c >"$work/www/1m"

nginx_conf() { # NAME PORT HTTP SERVER
    cat <<CONF
worker_processes 1; daemon off; master_process off; pid $work/$1.pid; error_log $work/$1.err; worker_rlimit_nofile 16000;
events { worker_connections 8000; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; sendfile on; tcp_nopush on; open_file_cache max=16;
 client_max_body_size 0; client_body_buffer_size 256k;
 client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
 $3
 server { listen 127.0.0.1:$2; $4 } }
CONF
}
nginx_conf backend 18201 "" "root $work/www; location = /1k { default_type text/plain; return 200 $(cat "$work/www/1k"); }
 location = /take { return 204; }" >"$work/backend.conf"
nginx_conf proxy "18204 http2" "upstream b { server 127.0.0.1:18201; keepalive 1024; keepalive_requests 1000000000; }" \
    "http2_max_concurrent_streams 128; location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection '';
     proxy_set_header X-Forwarded-For \$remote_addr; proxy_set_header Host \$http_host; proxy_buffers 16 64k; }" >"$work/proxy.conf"
cat >"$work/haproxy.cfg" <<CONF
global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 60s
  http-reuse always
  option forwardfor
frontend f
  bind 127.0.0.1:18203 proto h2
  default_backend b
backend b
  server s 127.0.0.1:18201 check inter 1s
CONF
cat >"$work/mainstay.yaml" <<CONF
node: bench
admin: { socket: "$work/admin.sock" }
process: { shards: 1, state-directory: "$work/state", user: root }
access-log: { format: combined, file: "$work/access.log" }
pools:
  app:
    check: { http: /1k, interval: 1s, timeout: 500ms }
    servers: ["127.0.0.1:18201"]
http:
  web:
    listen: "127.0.0.1:18202"
    timeouts: { keep-alive: 10m }
    routes: [{ to: app }]
CONF

await_h2() { # PORT
    local i
    for ((i = 0; i < 200; i++)); do
        curl -fs --http2-prior-knowledge -o /dev/null "http://127.0.0.1:$1/1k" && return 0
        sleep 0.1
    done
    say "nothing answers on port $1; logs:"
    tail -n 5 "$work"/*.log >&2
    exit 1
}

start backend 1 nginx -c "$work/backend.conf"
start haproxy 0 haproxy -db -f "$work/haproxy.cfg"
start nginx 0 nginx -c "$work/proxy.conf"
start mainstay 0 ./mainstay run -c "$work/mainstay.yaml"
declare -A port=([mainstay]=18202 [haproxy]=18203 [nginx]=18204)
for name in mainstay haproxy nginx; do await_h2 "${port[$name]}"; done
say "mainstay $(./mainstay version), $(haproxy -v | head -n 1 | cut -d' ' -f1-3), $(nginx -v 2>&1 | cut -d' ' -f3)"

# round NAME CONNECTIONS STREAMS PATH [ARG...]: one round; notes CPU microseconds a request.
round() {
    local name=$1 connections=$2 streams=$3 path=$4 before out requests failed
    shift 4
    before=$(cpu_ticks "$name")
    out=$(taskset -c 1 h2load -t 1 -c "$connections" -m "$streams" -D "$seconds" "$@" "http://127.0.0.1:${port[$name]}$path")
    read -r requests failed < <(sed -n 's/^requests: .* \([0-9]*\) succeeded, \([0-9]*\) failed.*/\1 \2/p' <<<"$out")
    [ "$failed" = 0 ] || say "$name: $failed requests failed"
    note "$case" "$name" "$(cpu_since "$name" "$before" "$requests")"
    note "$case-rate" "$name" "$((requests / seconds))"
}

compare() { # CONNECTIONS STREAMS PATH [ARG...]
    for ((i = 1; i <= rounds; i++)); do
        say "$case, round $i of $rounds"
        for name in mainstay haproxy nginx; do round "$name" "$@"; done
    done
    row "$case" "us CPU a request" mainstay haproxy nginx
}

# What the JIT compiled before it knew what is hot runs a good deal slower: a proxy that is measured has been running.
for name in mainstay haproxy nginx; do
    taskset -c 1 h2load -t 1 -c 8 -m 32 -D $((seconds * 2)) "http://127.0.0.1:${port[$name]}/1k" >/dev/null
done
header mainstay haproxy nginx
for case in "${cases[@]}"; do
    case $case in
        streams-1) compare 64 1 /1k ;;
        streams-32) compare 8 32 /1k ;;
        streams-100) compare 2 100 /1k ;;
        body-100k) compare 8 8 /100k ;;
        body-1m) compare 4 4 /1m ;;
        upload-100k) compare 8 8 /take -d "$work/www/100k" ;;
        *) say "there is no case '$case'"; exit 2 ;;
    esac
done
footer
