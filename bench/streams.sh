#!/bin/sh
# What HTTP/2 itself costs a request, without sockets: ./bench/streams.sh
set -eu
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
cd "$root"
dotnet build bench/Mainstay.Bench.Streams -c Release -nodeReuse:false -nologo -v quiet -clp:NoSummary
exec bench/Mainstay.Bench.Streams/bin/Release/net10.0/Mainstay.Bench.Streams "$@"
