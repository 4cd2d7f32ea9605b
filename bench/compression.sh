#!/usr/bin/env bash
# Compression of proxied responses beside HAProxy and nginx, in one run: ./bench/compression.sh [--quick] [CASE ...]
# Cases: gzip-10k gzip-100k brotli-100k; all of them when none is named. Neither peer has brotli: that case shows us beside ourselves with gzip.
#
# The proxy under test has CPU 0 to itself, load and backend (nginx) share CPU 1. Everybody compresses at level 1; the table also shows the bytes
# that a response takes, without which the time says nothing.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
cd "$root"
. scripts/prerequisites.sh
. bench/side-by-side.sh

rounds=4 seconds=3
if [ "${1:-}" = --quick ]; then rounds=2 seconds=1; shift; fi
cases=("$@")
[ ${#cases[@]} -gt 0 ] || cases=(gzip-10k gzip-100k brotli-100k)

need_packages "the peers and the load" haproxy nginx wrk || exit 1
take_bench_lock
work=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" mainstay-bench.XXXXXX)
trap 'stop_all; rm -rf "$work"' EXIT
chmod 755 "$work"

say "building"
./mainstay version >/dev/null
mkdir "$work/www"
# A page as applications make them: repeated markup around words and numbers.
awk 'BEGIN { srand(1); for (i = 0; i < 4000; i++) printf "<tr class=\"row\"><td>%d</td><td><a href=\"/item/%d\">name %d</a></td></tr>\n", i, rand() * 1e6, rand() * 1e5 }' >"$work/page"
head -c 10240 "$work/page" >"$work/www/10k.html"
head -c 102400 "$work/page" >"$work/www/100k.html"

nginx_conf() { # NAME PORT HTTP SERVER
    cat <<CONF
worker_processes 1; daemon off; master_process off; pid $work/$1.pid; error_log $work/$1.err; worker_rlimit_nofile 16000;
events { worker_connections 15000; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; sendfile on; tcp_nopush on; open_file_cache max=16;
 types { text/html html; }
 client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
 $3
 server { listen 127.0.0.1:$2 backlog=4096; $4 } }
CONF
}
nginx_conf backend 18301 "" "root $work/www;" >"$work/backend.conf"
nginx_conf nginx 18304 "upstream b { server 127.0.0.1:18301; keepalive 1024; keepalive_requests 1000000000; } gzip on; gzip_comp_level 1; gzip_proxied any;" \
    "location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host \$http_host; proxy_buffers 16 64k; }" >"$work/nginx.conf"
cat >"$work/haproxy.cfg" <<CONF
global
  nbthread 1
  maxconn 9500
  tune.comp.maxlevel 1
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 60s
  http-reuse always
frontend f
  bind 127.0.0.1:18303 backlog 4096
  compression algo gzip
  compression type text/html
  default_backend b
backend b
  server s 127.0.0.1:18301
CONF
cat >"$work/mainstay.yaml" <<CONF
node: bench
admin: { socket: "$work/admin.sock" }
process: { shards: 1, state-directory: "$work/state", user: root }
access-log: { format: combined, file: "$work/access.log" }
pools: { app: { servers: ["127.0.0.1:18301"] } }
http:
  web:
    listen: "127.0.0.1:18302"
    timeouts: { keep-alive: 10m }
    compress: { gzip: 1, brotli: 1 }
    routes: [{ to: app }]
CONF
start backend 1 nginx -c "$work/backend.conf"
start haproxy 0 haproxy -db -f "$work/haproxy.cfg"
start nginx 0 nginx -c "$work/nginx.conf"
start mainstay 0 ./mainstay run -c "$work/mainstay.yaml"
declare -A port=([mainstay]=18302 [haproxy]=18303 [nginx]=18304)
for name in mainstay haproxy nginx; do await_http "${port[$name]}" /10k.html; done
say "mainstay $(./mainstay version), $(haproxy -v | head -n 1 | cut -d' ' -f1-3), $(nginx -v 2>&1 | cut -d' ' -f3)"

# NAME COLUMN CODING PATH: one round; COLUMN is what the table calls it.
wrk_round() {
    local name=$1 column=$2 coding=$3 path=$4 before out requests
    before=$(cpu_ticks "$name")
    out=$(taskset -c 1 wrk -t 1 -c 32 -d "${seconds}s" -H "Accept-Encoding: $coding" "http://127.0.0.1:${port[$name]}$path")
    requests=$(sed -n 's/ *\([0-9]*\) requests in.*/\1/p' <<<"$out")
    if grep -qE 'Non-2xx|Socket errors: connect [1-9]' <<<"$out"; then say "$name: $(grep -E 'Non-2xx|Socket errors' <<<"$out")"; fi
    note "$case" "$column" "$(cpu_since "$name" "$before" "$requests")"
    note "$case-size" "$column" "$(curl -s -H "Accept-Encoding: $coding" "http://127.0.0.1:${port[$name]}$path" | wc -c)"
}

gzip_case() { # PATH
    for ((round = 1; round <= rounds; round++)); do
        say "$case, round $round of $rounds"
        for name in mainstay haproxy nginx; do wrk_round "$name" "$name" gzip "$1"; done
    done
    row "$case" "us CPU a request" mainstay haproxy nginx
    row "$case-size" "bytes" mainstay haproxy nginx
}

brotli_case() { # PATH
    for ((round = 1; round <= rounds; round++)); do
        say "$case, round $round of $rounds"
        wrk_round mainstay brotli br "$1"
        wrk_round mainstay gzip gzip "$1"
    done
    row "$case" "us CPU a request" brotli gzip
    row "$case-size" "bytes" brotli gzip
}

header "(first)" "(second)" "(third)"
for name in mainstay haproxy nginx; do
    taskset -c 1 wrk -t 1 -c 32 -d "$((seconds * 2))s" -H "Accept-Encoding: gzip" "http://127.0.0.1:${port[$name]}/10k.html" >/dev/null
done
for case in "${cases[@]}"; do
    case $case in
        gzip-10k) gzip_case /10k.html ;;
        gzip-100k) gzip_case /100k.html ;;
        brotli-100k) brotli_case /100k.html ;;
        *) say "there is no case '$case'"; exit 2 ;;
    esac
done
footer
