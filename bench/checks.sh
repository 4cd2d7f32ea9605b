#!/usr/bin/env bash
# CPU of health checks beside HAProxy: 2,000 tcp and 2,000 http checks at 1 s each, against servers on loopback.
#   ./bench/checks.sh [--servers 2000] [--rounds 5] [--seconds 15]
# The subject (all its processes) runs on CPU 0, the checked servers on CPU 1; rounds are interleaved. The last line is the ratio of
# the medians of CPU seconds, user and system; goal: at most 1.00.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
servers=2000 rounds=5 seconds=15 warmup=10
while [ $# -gt 0 ]; do
    case $1 in
        --servers) servers=$2 ;;
        --rounds) rounds=$2 ;;
        --seconds) seconds=$2 ;;
        *) echo "unknown option $1" >&2; exit 2 ;;
    esac
    shift 2
done
. scripts/prerequisites.sh
. bench/side-by-side.sh
need_packages "the peer and the checked servers" haproxy || exit 1
take_bench_lock
./mainstay version >/dev/null
ulimit -n "$(ulimit -Hn)"
work=$(mktemp -d /tmp/mainstay-bench.XXXXXX)
trap 'stop_all; rm -rf "$work"' EXIT
chmod 755 "$work"
tcp_port=21080 http_port=21081 stats_port=21082 unused_port=21083

# The checked servers answer at once and close, as they are asked to. 127.1.x.y: an address of its own for each.
cat >"$work/servers.cfg" <<CONF
global
  maxconn 6000
  nbthread 1
  stats socket ipv4@127.0.0.1:$stats_port level user
defaults
  mode http
  timeout client 5s
frontend tcp
  mode tcp
  bind 0.0.0.0:$tcp_port backlog 16384
  tcp-request connection reject
frontend web
  bind 0.0.0.0:$http_port backlog 16384
  http-request return status 200 content-type text/plain string "ok"
CONF
each_server() { # PREFIX PORT SUFFIX, %d = the server's number
    local i
    for ((i = 0; i < servers; i++)); do printf "$1127.1.%d.%d:%d$3\n" "$i" $((i / 250)) $((i % 250 + 1)) "$2"; done
}
{
    cat <<CONF
global
  maxconn 100
  nbthread 1
defaults
  mode http
  timeout client 1s
  timeout connect 500ms
  timeout server 500ms
  timeout check 500ms
  default-server check inter 1s rise 2 fall 3
listen unused
  bind 127.0.0.1:$unused_port
backend tcp
$(each_server "  server s%d " $tcp_port "")
backend web
  option httpchk
  http-check send meth GET uri /healthz ver HTTP/1.1 hdr Host 127.1.0.1:$http_port hdr User-Agent check
  http-check expect status 200-399
$(each_server "  server s%d " $http_port "")
CONF
} >"$work/haproxy.cfg"
{
    cat <<CONF
node: bench
admin: { socket: "$work/admin.sock" }
process: { state-directory: "$work/state", shards: 1 }
pools:
  tcp:
    check: { tcp: $tcp_port, interval: 1s, fast-interval: 1s, timeout: 500ms, rise: 2, fall: 3 }
    servers:
$(each_server "      - { name: s%d, address: \"" $tcp_port "\" }")
  web:
    check: { http: /healthz, interval: 1s, fast-interval: 1s, timeout: 500ms, rise: 2, fall: 3 }
    servers:
$(each_server "      - { name: s%d, address: \"" $http_port "\" }")
http:
  unused: { listen: ["127.0.0.1:$unused_port"], routes: [ { to: web } ] }
CONF
} >"$work/mainstay.yaml"

answered() { # requests that the checked web servers have answered
    local line
    exec 3<>"/dev/tcp/127.0.0.1/$stats_port"
    echo "show stat" >&3
    line=$(grep '^web,FRONTEND,' <&3)
    exec 3>&-
    cut -d, -f8 <<<"$line"
}

measure() { # NAME: CPU seconds a second
    sleep "$warmup"
    kill -0 "${pid_of[$1]}" 2>/dev/null || { say "$1 has ended:"; tail -n 5 "$work/$1.log" >&2; exit 1; }
    local ticks answered0 time0 cpu rate
    ticks=$(cpu_ticks "$1") answered0=$(answered) time0=$(date +%s%N)
    sleep "$seconds"
    ticks=$(($(cpu_ticks "$1") - ticks))
    cpu=$(awk -v t="$ticks" -v hz="$(getconf CLK_TCK)" -v ns=$(($(date +%s%N) - time0)) 'BEGIN { printf "%.4f", t / hz / (ns / 1e9) }')
    rate=$(awk -v n=$(($(answered) - answered0)) -v ns=$(($(date +%s%N) - time0)) 'BEGIN { printf "%.0f", n / (ns / 1e9) }')
    say "  $1: $cpu CPU seconds a second, $rate http checks a second"
    note checks "$1" "$cpu"
}

stop() { # NAME
    kill "${pid_of[$1]}" 2>/dev/null || true
    wait "${pid_of[$1]}" 2>/dev/null || true
    unset "pid_of[$1]"
}

start servers 1 haproxy -db -f "$work/servers.cfg"
for ((i = 0; i < 100; i++)); do (exec 3<>"/dev/tcp/127.0.0.1/$stats_port") 2>/dev/null && break; sleep 0.1; done
say "$(./mainstay version), $(haproxy -v | head -n 1 | cut -d' ' -f1-3)"
say "$servers tcp and $servers http checks at 1 s, $rounds rounds of $seconds s"
for ((round = 1; round <= rounds; round++)); do
    say "round $round"
    start haproxy 0 haproxy -db -f "$work/haproxy.cfg"
    measure haproxy
    stop haproxy
    start mainstay 0 ./mainstay run -c "$work/mainstay.yaml"
    measure mainstay
    stop mainstay
done
fine() { tr ' ' '\n' <<<"$1" | sed '/^$/d' | sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
awk -v ours="$(fine "${noted[checks/mainstay]}")" -v peer="$(fine "${noted[checks/haproxy]}")" 'BEGIN {
    printf "medians: mainstay %.4f, haproxy %.4f CPU seconds a second\n", ours, peer
    printf "checks: mainstay / haproxy %.2f (goal: at most 1.00)\n", ours / peer
}'
