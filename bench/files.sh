#!/usr/bin/env bash
# Static files beside nginx, in one run: ./bench/files.sh [--quick] [CASE ...]
# Cases: file-1k file-100k file-1m not-modified; all of them when none is named.
#
# The server under test has CPU 0 to itself, the load CPU 1. Rounds are interleaved, the table shows medians, the last lines the ratios. CPU is
# user and system time of all processes of the server over the requests that it answered. nginx has sendfile, tcp_nopush and an
# open_file_cache, and no log; our access log (combined format, to a file) is on.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
cd "$root"
. scripts/prerequisites.sh
. bench/side-by-side.sh

rounds=5 seconds=3
if [ "${1:-}" = --quick ]; then rounds=2 seconds=1; shift; fi
cases=("$@")
[ ${#cases[@]} -gt 0 ] || cases=(file-1k file-100k file-1m not-modified)

need_packages "the peer and the load" nginx wrk || exit 1
take_bench_lock
work=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" mainstay-bench.XXXXXX)
# Files are served from a disk's file system, as they are in life; the logs are not.
www=$(mktemp -d -p /var/tmp mainstay-bench.XXXXXX)
trap 'stop_all; rm -rf "$work" "$www"' EXIT
chmod 755 "$work" "$www"

say "building"
./mainstay version >/dev/null
head -c 1024 /dev/urandom >"$www/1k.bin"
head -c 102400 /dev/urandom >"$www/100k.bin"
head -c 1048576 /dev/urandom >"$www/1m.bin"
touch -d '2026-01-01 00:00:00 UTC' "$www"/*

cat >"$work/nginx.conf" <<CONF
worker_processes 1; daemon off; master_process off; pid $work/nginx.pid; error_log $work/nginx.err; worker_rlimit_nofile 16000;
events { worker_connections 15000; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; sendfile on; tcp_nopush on;
 open_file_cache max=1000 inactive=60s; open_file_cache_valid 1s; default_type application/octet-stream;
 client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
 server { listen 127.0.0.1:18204 backlog=4096; root $www; } }
CONF
cat >"$work/mainstay.yaml" <<CONF
node: bench
admin: { socket: "$work/admin.sock" }
process: { shards: 1, state-directory: "$work/state", user: root }
access-log: { format: combined, file: "$work/access.log" }
http:
  web:
    listen: "127.0.0.1:18202"
    timeouts: { keep-alive: 10m }
    routes: [{ files: "$www" }]
CONF
start nginx 0 nginx -c "$work/nginx.conf"
start mainstay 0 ./mainstay run -c "$work/mainstay.yaml"
declare -A port=([mainstay]=18202 [nginx]=18204)
for name in mainstay nginx; do await_http "${port[$name]}" /1k.bin; done
say "mainstay $(./mainstay version), $(nginx -v 2>&1 | cut -d' ' -f3)"

wrk_round() { # NAME CONNECTIONS PATH [ARG...]
    local name=$1 connections=$2 path=$3 before out requests
    shift 3
    before=$(cpu_ticks "$name")
    out=$(taskset -c 1 wrk -t 1 -c "$connections" -d "${seconds}s" "$@" "http://127.0.0.1:${port[$name]}$path")
    requests=$(sed -n 's/ *\([0-9]*\) requests in.*/\1/p' <<<"$out")
    if grep -qE 'Non-2xx|Socket errors: connect [1-9]' <<<"$out"; then say "$name: $(grep -E 'Non-2xx|Socket errors' <<<"$out")"; fi
    note "$case" "$name" "$(cpu_since "$name" "$before" "$requests")"
}

compare() { # CONNECTIONS PATH [ARG...]
    for ((round = 1; round <= rounds; round++)); do
        say "$case, round $round of $rounds"
        for name in mainstay nginx; do wrk_round "$name" "$@"; done
    done
    row "$case" "us CPU a request" mainstay nginx
}

header mainstay nginx
# What the JIT compiled before it knew what is hot runs a good deal slower: a server that is measured has been running.
for name in mainstay nginx; do
    for path in /1k.bin /100k.bin; do taskset -c 1 wrk -t 1 -c 64 -d "$((seconds * 2))s" "http://127.0.0.1:${port[$name]}$path" >/dev/null; done
done
for case in "${cases[@]}"; do
    case $case in
        file-1k) compare 64 /1k.bin ;;
        file-100k) compare 64 /100k.bin ;;
        file-1m) compare 16 /1m.bin ;;
        not-modified) compare 64 /1k.bin -H 'If-Modified-Since: Thu, 01 Jan 2026 00:00:00 GMT' ;;
        *) say "there is no case '$case'"; exit 2 ;;
    esac
done
footer
