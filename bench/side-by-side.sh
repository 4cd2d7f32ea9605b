# Sourced by the benchmarks: processes pinned and ended by pid, their CPU time and memory, medians and ratios.

declare -A pid_of=() noted=()
declare -a table=() ratios=()

# One benchmark at a time on a machine.
take_bench_lock() {
    exec 8>"${TMPDIR:-/tmp}/mainstay-bench.lock"
    if ! flock -n 8; then
        say "another benchmark is running; waiting for it"
        flock 8
    fi
}

# start NAME CPU COMMAND...: in the background, its output in $work/NAME.log.
start() {
    local name=$1 cpu=$2
    shift 2
    taskset -c "$cpu" "$@" >"$work/$name.log" 2>&1 &
    pid_of[$name]=$!
}

stop_all() {
    local pid
    for pid in "${pid_of[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${pid_of[@]}"; do wait "$pid" 2>/dev/null || true; done
}

await_http() { # PORT PATH
    local i
    for ((i = 0; i < 200; i++)); do
        curl -fs -o /dev/null "http://127.0.0.1:$1$2" && return 0
        sleep 0.1
    done
    say "nothing answers on port $1; logs:"
    tail -n 5 "$work"/*.log >&2
    exit 1
}

# The process and all its descendants.
family() {
    local pid=$1 child
    echo "$pid"
    for child in $(cat /proc/"$pid"/task/*/children 2>/dev/null); do family "$child"; done
}

# User and system time of a proxy's processes, in clock ticks.
cpu_ticks() {
    local pid sum=0 ticks
    for pid in $(family "${pid_of[$1]}"); do
        ticks=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | awk '{ print $12 + $13 }')
        sum=$((sum + ${ticks:-0}))
    done
    echo "$sum"
}

# cpu_since NAME TICKS REQUESTS: microseconds a request.
cpu_since() { awk -v t=$(($(cpu_ticks "$1") - $2)) -v hz="$(getconf CLK_TCK)" -v n="$3" 'BEGIN { printf "%.2f", t * 1e6 / hz / n }'; }

# Memory of a proxy's processes alone (private, and its share of what is shared).
memory_kib() {
    local pid sum=0 kib
    for pid in $(family "${pid_of[$1]}"); do
        kib=$(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup" 2>/dev/null)
        sum=$((sum + ${kib:-0}))
    done
    echo "$sum"
}

note() { noted[$1/$2]="${noted[$1/$2]:-} $3"; }

median() { tr ' ' '\n' <<<"$1" | sed '/^$/d' | sort -g | awk '{ v[NR] = $1 } END { if (NR) printf "%.2f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

spread() { tr ' ' '\n' <<<"$1" | sed '/^$/d' | sort -g | awk 'NR == 1 { a = $1 } { b = $1 } END { printf "%s..%s", a, b }'; }

header() { table+=("$(printf '%-16s %-20s' case unit)$(printf '%26s' "$@")"); }

# row CASE UNIT NAME...: the first name is the subject, ratios are against each of the others.
row() {
    local case=$1 unit=$2 name line own
    shift 2
    own=$(median "${noted[$case/$1]}")
    line=$(printf '%-16s %-20s' "$case" "$unit")
    for name in "$@"; do
        line+=$(printf '%26s' "$(median "${noted[$case/$name]}") ($(spread "${noted[$case/$name]}"))")
        [ "$name" = "$1" ] || ratios+=("$(awk -v a="$own" -v b="$(median "${noted[$case/$name]}")" -v c="$case" -v s="$1" -v p="$name" \
            'BEGIN { printf "%-16s %s / %-8s %.2f", c, s, p, (b > 0 ? a / b : 0) }')")
    done
    table+=("$line")
}

footer() {
    printf '\n%s\n' "Medians (least..greatest):"
    printf '%s\n' "${table[@]}"
    printf '\n%s\n' "Ratios (below 1: less than the peer):"
    printf '%s\n' "${ratios[@]}"
}
