#!/usr/bin/env bash
# Mainstay beside HAProxy and nginx as TLS ends, in one run: ./bench/tls.sh [--quick] [CASE ...]
# Cases: keepalive-1k keepalive-100k full resumed; all of them when none is named.
#
# An ECDSA P-256 certificate for all. The proxy under test has CPU 0 to itself, load and backend (nginx, without TLS) share CPU 1. CPU is user and
# system time of all processes of the proxy over the requests, or the handshakes, that it did; full and resumed are TLS 1.2 as openssl s_time
# makes them, one after the other. Rounds are interleaved, the table shows medians.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
cd "$root"
. scripts/prerequisites.sh
. bench/side-by-side.sh

rounds=5 seconds=4
if [ "${1:-}" = --quick ]; then rounds=3 seconds=2; shift; fi
cases=("$@")
[ ${#cases[@]} -gt 0 ] || cases=(keepalive-1k keepalive-100k full resumed)

need_packages "the peers and the load" haproxy nginx wrk openssl curl || exit 1
take_bench_lock
work=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" mainstay-bench.XXXXXX)
trap 'stop_all; rm -rf "$work"' EXIT
chmod 755 "$work"
say "building"
./mainstay version >/dev/null

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=bench.example.com \
    -addext subjectAltName=DNS:bench.example.com -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
cat "$work/cert.pem" "$work/key.pem" >"$work/both.pem"
mkdir "$work/www"
head -c 1024 /dev/zero | tr '\0' a >"$work/www/1k"
head -c 102400 /dev/zero | tr '\0' b >"$work/www/100k"

nginx_conf() { # NAME BODY
    cat <<CONF
worker_processes 1; daemon off; master_process off; pid $work/$1.pid; error_log $work/$1.err; worker_rlimit_nofile 16000;
events { worker_connections 15000; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; sendfile on; tcp_nopush on; open_file_cache max=16;
 client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
 $2 }
CONF
}
nginx_conf backend "server { listen 127.0.0.1:18201 backlog=4096; root $work/www; location = /1k { default_type text/plain; return 200 $(cat "$work/www/1k"); } }" >"$work/backend.conf"
nginx_conf proxy "upstream b { server 127.0.0.1:18201; keepalive 1024; keepalive_requests 1000000000; }
 server { listen 127.0.0.1:18204 ssl backlog=4096; ssl_certificate $work/cert.pem; ssl_certificate_key $work/key.pem; ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache shared:s:10m; location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_buffers 16 64k; } }" >"$work/proxy.conf"
cat >"$work/haproxy.cfg" <<CONF
global
  nbthread 1
  maxconn 9500
  ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 60s
  http-reuse always
frontend f
  bind 127.0.0.1:18203 backlog 4096 ssl crt $work/both.pem alpn http/1.1
  default_backend b
backend b
  server s 127.0.0.1:18201
CONF
cat >"$work/mainstay.yaml" <<CONF
node: bench
admin: { socket: "$work/admin.sock" }
process: { shards: 1, state-directory: "$work/state", user: root }
tls: { site: { certificate: $work/cert.pem, key: $work/key.pem } }
pools: { app: { servers: ["127.0.0.1:18201"] } }
http:
  web:
    listen: { address: "127.0.0.1:18202", tls: site }
    timeouts: { keep-alive: 10m }
    routes: [{ to: app }]
CONF
start backend 1 nginx -c "$work/backend.conf"
start haproxy 0 haproxy -db -f "$work/haproxy.cfg"
start nginx 0 nginx -c "$work/proxy.conf"
start mainstay 0 ./mainstay run -c "$work/mainstay.yaml"
declare -A port=([mainstay]=18202 [haproxy]=18203 [nginx]=18204)
await_https() { for ((i = 0; i < 200; i++)); do curl -fsk -o /dev/null "https://127.0.0.1:$1/1k" && return 0; sleep 0.1; done; say "nothing answers on port $1"; tail -n 5 "$work"/*.log >&2; exit 1; }
for name in mainstay haproxy nginx; do await_https "${port[$name]}"; done
say "mainstay $(./mainstay version), $(haproxy -v | head -n 1 | cut -d' ' -f1-3), $(nginx -v 2>&1 | cut -d' ' -f3), $(openssl version | cut -d' ' -f1,2)"

requests_round() { # NAME PATH
    local before out
    before=$(cpu_ticks "$1")
    out=$(taskset -c 1 wrk -t 1 -c 64 -d "${seconds}s" "https://127.0.0.1:${port[$1]}$2")
    if grep -qE 'Non-2xx|Socket errors: connect [1-9]' <<<"$out"; then say "$1: $(grep -E 'Non-2xx|Socket errors' <<<"$out")"; fi
    note "$case" "$1" "$(cpu_since "$1" "$before" "$(sed -n 's/ *\([0-9]*\) requests in.*/\1/p' <<<"$out")")"
}

handshake_round() { # NAME -new|-reuse
    local before out count
    before=$(cpu_ticks "$1")
    out=$(taskset -c 1 openssl s_time -connect "127.0.0.1:${port[$1]}" "$2" -tls1_2 -time "$seconds" 2>/dev/null)
    count=$(sed -n 's/^\([0-9]*\) connections in [0-9.]* real.*/\1/p' <<<"$out" | tail -n 1)
    note "$case" "$1" "$(cpu_since "$1" "$before" "$count")"
    note "$case-rate" "$1" "$((count / seconds))"
}

header mainstay haproxy nginx
for name in mainstay haproxy nginx; do taskset -c 1 wrk -t 1 -c 64 -d "$((seconds * 2))s" "https://127.0.0.1:${port[$name]}/1k" >/dev/null; done
for case in "${cases[@]}"; do
    for ((round = 1; round <= rounds; round++)); do
        say "$case, round $round of $rounds"
        for name in mainstay haproxy nginx; do
            case $case in
                keepalive-1k) requests_round "$name" /1k ;;
                keepalive-100k) requests_round "$name" /100k ;;
                full) handshake_round "$name" -new ;;
                resumed) handshake_round "$name" -reuse ;;
                *) say "there is no case '$case'"; exit 2 ;;
            esac
        done
    done
    case $case in
        full | resumed)
            row "$case" "us CPU a handshake" mainstay haproxy nginx
            row "$case-rate" "handshakes/s" mainstay haproxy nginx
            ;;
        *) row "$case" "us CPU a request" mainstay haproxy nginx ;;
    esac
done
footer
