#!/bin/sh
# What one pick of a server costs, for every scheduling algorithm: ./bench/picks.sh [--request NANOSECONDS]
# NANOSECONDS is the CPU time of a proxied request on this machine (bench/http.sh prints it); a pick may cost 2 % of it.
set -eu
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
cd "$root"
dotnet build bench/Mainstay.Bench.Picks -c Release -nodeReuse:false -nologo -v quiet -clp:NoSummary
exec bench/Mainstay.Bench.Picks/bin/Release/net10.0/Mainstay.Bench.Picks "$@"
