#!/usr/bin/env bash
# CPU of health checks beside HAProxy: 2,000 tcp and 2,000 http checks at 1 s each, against servers on loopback.
#   ./bench/checks.sh [--servers 2000] [--rounds 3] [--seconds 15]
# The subject runs on CPU 0, the checked servers on CPU 1; rounds are interleaved; the last line is the ratio of the medians of
# CPU seconds (user + system of all threads). Goal: at most 1.00.
set -euo pipefail
servers=2000 rounds=3 seconds=15 warmup=6
while [ $# -gt 0 ]; do
  case $1 in
    --servers) servers=$2 ;;
    --rounds) rounds=$2 ;;
    --seconds) seconds=$2 ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
  shift 2
done
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
cd "$root"
command -v haproxy >/dev/null || { echo "haproxy is needed as the peer: apt install haproxy" >&2; exit 2; }

# One benchmark at a time on this machine.
exec 9>"${TMPDIR:-/tmp}/mainstay-bench.lock"
flock 9

dotnet build bench/Mainstay.Bench.Checks -c Release -nodeReuse:false -nologo -v quiet -clp:NoSummary
ulimit -n "$(ulimit -Hn)"
work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do stop "$pid"; done
  rm -rf "$work"
}
trap finish EXIT
tcp_port=21080 http_port=21081 stats_port=21082

# The checked servers: HAProxy answers at once and closes, as asked.
cat >"$work/servers.cfg" <<EOF
global
  maxconn 6000
  nbthread 1
  stats socket ipv4@127.0.0.1:$stats_port level user
defaults
  mode http
  timeout client 5s
frontend tcp
  mode tcp
  timeout client 5s
  bind 0.0.0.0:$tcp_port backlog 16384
  tcp-request connection reject
frontend web
  bind 0.0.0.0:$http_port backlog 16384
  http-request return status 200 content-type text/plain string "ok"
EOF

{
  cat <<EOF
global
  maxconn 100
  nbthread 1
defaults
  mode http
  timeout connect 500ms
  timeout server 500ms
  timeout check 500ms
  default-server check inter 1s rise 2 fall 3
listen unused
  bind 127.0.0.1:21083
  timeout client 1s
backend tcp
EOF
  server_lines() {
    for ((i = 0; i < servers; i++)); do echo "  server s$i 127.1.$((i / 250)).$((i % 250 + 1)):$1"; done
  }
  server_lines $tcp_port
  cat <<EOF
backend web
  option httpchk
  http-check send meth GET uri /healthz ver HTTP/1.1 hdr Host 127.1.0.1:$http_port hdr User-Agent check
  http-check expect status 200-399
EOF
  server_lines $http_port
} >"$work/subject.cfg"

served() { # requests that the checked web server has answered
  exec 3<>"/dev/tcp/127.0.0.1/$stats_port"
  echo "show stat" >&3
  awk -F, '$1 == "web" && $2 == "FRONTEND" { print $8 }' <&3
  exec 3>&-
}

cpu_ticks() { # user and system of a process; its name is stripped because it may contain blanks
  sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12, $13 }'
}

measure() { # pid, name -> CPU seconds a second into results
  sleep "$warmup"
  kill -0 "$1" 2>/dev/null || { echo "$2 has ended:" >&2; tail -n 5 "$work/subject.log" >&2; exit 1; }
  local user0 system0 user1 system1 served0 served1 time0 time1
  read -r user0 system0 < <(cpu_ticks "$1")
  served0=$(served) time0=$(date +%s%N)
  sleep "$seconds"
  read -r user1 system1 < <(cpu_ticks "$1")
  served1=$(served) time1=$(date +%s%N)
  awk -v name="$2" -v user=$((user1 - user0)) -v system_=$((system1 - system0)) -v hz="$(getconf CLK_TCK)" -v served=$((served1 - served0)) -v ns=$((time1 - time0)) \
    -v results="$work/$2" 'BEGIN {
      ticks = hz * ns / 1e9
      cpu = (user + system_) / ticks
      printf "  %-10s %.4f CPU seconds a second (user %.4f, system %.4f), %.0f http checks a second\n",
        name, cpu, user / ticks, system_ / ticks, served / (ns / 1e9)
      print cpu >>results
    }'
}

stop() { # pid
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true # also keeps the shell from reporting the end
}

run_haproxy() {
  taskset -c 0 haproxy -db -f "$work/subject.cfg" >"$work/subject.log" 2>&1 &
  local pid=$!
  pids+=("$pid")
  measure "$pid" haproxy
  stop "$pid"
}

run_mainstay() {
  mkfifo "$work/input"
  taskset -c 0 bench/Mainstay.Bench.Checks/bin/Release/net10.0/Mainstay.Bench.Checks $servers $tcp_port $http_port <"$work/input" >"$work/output" 2>"$work/subject.log" &
  local pid=$!
  pids+=("$pid")
  exec 4>"$work/input"
  rm "$work/input"
  measure "$pid" mainstay
  echo >&4
  for _ in $(seq 50); do [ "$(wc -l <"$work/output")" -ge 2 ] && break; sleep 0.1; done
  echo "             passed tcp and http, failed, since its start: $(tail -n 1 "$work/output"); warnings: $(wc -l <"$work/subject.log")"
  exec 4>&-
  stop "$pid"
}

taskset -c 1 haproxy -db -f "$work/servers.cfg" >"$work/servers.log" 2>&1 &
pids+=($!)
for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$stats_port") 2>/dev/null && break; sleep 0.1; done
kill -0 "${pids[0]}" 2>/dev/null || { cat "$work/servers.log" >&2; exit 1; }
echo "peer: $(haproxy -v | head -n 1)"
echo "$servers tcp and $servers http checks at 1 s, $rounds rounds of $seconds s"
for ((round = 1; round <= rounds; round++)); do
  echo "round $round"
  run_haproxy
  run_mainstay
done
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
awk -v ours="$(median "$work/mainstay")" -v peer="$(median "$work/haproxy")" 'BEGIN {
  printf "medians: mainstay %.4f, haproxy %.4f CPU seconds a second\n", ours, peer
  printf "ratio of CPU to HAProxy: %.2f (goal: at most 1.00)\n", ours / peer
}'
