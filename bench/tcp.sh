#!/usr/bin/env bash
# Mainstay beside HAProxy (tcp mode) and nginx (stream) as TCP and UDP balancers, in one run: ./bench/tcp.sh [--quick] [CASE ...]
# Cases: connection stream-16k stream-1m stream-8m udp udp-one-packet; all of them when none is named.
#
# The balancer under test has CPU 0 to itself, load and backend share CPU 1. Rounds are interleaved, the table shows medians, the last
# lines the ratios. CPU is user and system time of all processes of the balancer over the connections, mebibytes or datagrams (both ways)
# that it carried. For us checks, counters, timers and the access log (JSON, to memory) are on; for the peers logs are off.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
cd "$root"
. scripts/prerequisites.sh
. bench/side-by-side.sh

rounds=6 seconds=4
if [ "${1:-}" = --quick ]; then rounds=2 seconds=1; shift; fi
cases=("$@")
[ ${#cases[@]} -gt 0 ] || cases=(connection stream-16k stream-1m stream-8m udp udp-one-packet)

need_packages "the peers and the load" haproxy nginx libnginx-mod-stream wrk || exit 1
take_bench_lock
work=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" mainstay-bench.XXXXXX)
trap 'stop_all; rm -rf "$work"' EXIT
chmod 755 "$work"

say "building"
./mainstay version >/dev/null
dotnet build bench/Mainstay.Bench.Load -c Release -nodeReuse:false -nologo -v quiet -clp:NoSummary
load=bench/Mainstay.Bench.Load/bin/Release/net10.0/Mainstay.Bench.Load

mkdir "$work/www"
head -c 16384 /dev/zero | tr '\0' a >"$work/www/16k"
head -c 1048576 /dev/zero | tr '\0' b >"$work/www/1m"
head -c 8388608 /dev/zero | tr '\0' c >"$work/www/8m"
cat >"$work/backend.conf" <<CONF
worker_processes 1; daemon off; master_process off; pid $work/backend.pid; error_log $work/backend.err; worker_rlimit_nofile 16000;
events { worker_connections 15000; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; sendfile on; tcp_nopush on; open_file_cache max=16;
 client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3; uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
 server { listen 127.0.0.1:18201 backlog=4096; root $work/www; location = /1k { default_type text/plain; return 200 $(head -c 1024 /dev/zero | tr '\0' a); } } }
CONF
cat >"$work/stream.conf" <<CONF
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
worker_processes 1; daemon off; master_process off; pid $work/stream.pid; error_log $work/stream.err; worker_rlimit_nofile 16000;
events { worker_connections 15000; }
stream {
 server { listen 127.0.0.1:18204 backlog=4096; proxy_pass 127.0.0.1:18201; proxy_buffer_size 64k; }
 server { listen 127.0.0.1:18214 udp; proxy_pass 127.0.0.1:18211; proxy_timeout 30s; }
 server { listen 127.0.0.1:18224 udp; proxy_pass 127.0.0.1:18211; proxy_timeout 5s; proxy_requests 1; proxy_responses 1; }
}
CONF
cat >"$work/haproxy.cfg" <<CONF
global
  nbthread 1
  maxconn 4000
defaults
  mode tcp
  option splice-auto
  timeout connect 5s
  timeout client 600s
  timeout server 600s
frontend f
  bind 127.0.0.1:18203 backlog 4096
  default_backend b
backend b
  server s 127.0.0.1:18201 check inter 1s
CONF
cat >"$work/mainstay.yaml" <<CONF
node: bench
admin: { socket: "$work/admin.sock" }
process: { shards: 1, state-directory: "$work/state", user: root }
access-log: { format: json, file: "$work/access.log" }
pools:
  app: { check: { tcp: true, interval: 1s, timeout: 500ms }, servers: ["127.0.0.1:18201"] }
  echo: { servers: ["127.0.0.1:18211"] }
tcp:
  stream: { listen: "127.0.0.1:18202", to: app }
  datagrams: { protocol: udp, listen: "127.0.0.1:18212", to: echo }
  packets: { protocol: udp, listen: "127.0.0.1:18222", to: echo, sessions: { one-packet: true, responses: 1, idle: 5s } }
CONF

start backend 1 nginx -c "$work/backend.conf"
mkfifo "$work/hold"
sleep 100000 >"$work/hold" &
pid_of[hold]=$!
taskset -c 1 "$load" udp-echo 127.0.0.1 18211 <"$work/hold" >"$work/echo.log" 2>&1 &
pid_of[echo]=$!
start haproxy 0 haproxy -db -f "$work/haproxy.cfg"
start nginx 0 nginx -c "$work/stream.conf"
start mainstay 0 ./mainstay run -c "$work/mainstay.yaml"
declare -A port=([mainstay]=18202 [haproxy]=18203 [nginx]=18204)
for name in mainstay haproxy nginx; do await_http "${port[$name]}" /1k; done
say "mainstay $(./mainstay version), $(haproxy -v | head -n 1 | cut -d' ' -f1-3), $(nginx -v 2>&1 | cut -d' ' -f3)"

# wrk_round NAME CONNECTIONS PATH MEBIBYTES [ARG...]: MEBIBYTES a response, or 0 to count connections.
wrk_round() {
    local name=$1 connections=$2 path=$3 size=$4 before out requests
    shift 4
    before=$(cpu_ticks "$name")
    out=$(taskset -c 1 wrk -t 1 -c "$connections" -d "${seconds}s" "$@" "http://127.0.0.1:${port[$name]}$path")
    requests=$(sed -n 's/ *\([0-9]*\) requests in.*/\1/p' <<<"$out")
    if grep -qE 'Non-2xx|Socket errors: connect [1-9]' <<<"$out"; then say "$name: $(grep -E 'Non-2xx|Socket errors' <<<"$out")"; fi
    note "$case" "$name" "$(cpu_since "$name" "$before" "$(awk -v n="$requests" -v s="$size" 'BEGIN { print n * (s > 0 ? s : 1) }')")"
}

udp_round() { # NAME PORT-OFFSET CLIENTS
    local name=$1 before out
    before=$(cpu_ticks "$name")
    out=$(taskset -c 1 "$load" udp 127.0.0.1 $((${port[$name]} + $2)) "$3" 100 "$seconds")
    note "$case" "$name" "$(cpu_since "$name" "$before" "$(($(sed 's/answered=\([0-9]*\).*/\1/' <<<"$out") * 2))")"
    [[ $out == *lost=0* ]] || say "$name: $out"
}

compare() { # UNIT PEERS FUNCTION ARG...
    local unit=$1 peers=$2 function=$3 name
    shift 3
    for ((round = 1; round <= rounds; round++)); do
        say "$case, round $round of $rounds"
        for name in $peers; do "$function" "$name" "$@"; done
    done
    row "$case" "$unit" $peers
}

header mainstay haproxy nginx
for name in mainstay haproxy nginx; do taskset -c 1 wrk -t 1 -c 64 -d "$((seconds * 2))s" -H "Connection: close" "http://127.0.0.1:${port[$name]}/1k" >/dev/null; done
for case in "${cases[@]}"; do
    case $case in
        connection) compare "us CPU a connection" "mainstay haproxy nginx" wrk_round 64 /1k 0 -H "Connection: close" ;;
        stream-16k) compare "us CPU a MiB" "mainstay haproxy nginx" wrk_round 64 /16k 0.015625 ;;
        stream-1m) compare "us CPU a MiB" "mainstay haproxy nginx" wrk_round 16 /1m 1 ;;
        stream-8m) compare "us CPU a MiB" "mainstay haproxy nginx" wrk_round 16 /8m 8 ;;
        udp) compare "us CPU a datagram" "mainstay nginx" udp_round 10 64 ;;
        udp-one-packet) compare "us CPU a datagram" "mainstay nginx" udp_round 20 64 ;;
        *) say "there is no case '$case'"; exit 2 ;;
    esac
done
footer
