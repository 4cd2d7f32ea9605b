#!/bin/sh
# Builds everything with warnings as errors and runs every test, or one part: ./test.sh [NAME]; ./test.sh --list names the parts.
# The last line is "N passed, N failed, N skipped"; the exit code is 0 only if something ran and nothing failed.
set -eu
root=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
cd "$root"
. scripts/prerequisites.sh

passed=0 failed=0 skipped=0
packages="haproxy nginx curl apache2-utils slowhttptest openssl testssl.sh wrk nghttp2-client python3-h2 python3-grpcio"
python3 -c 'import yaml, jsonschema' 2>/dev/null || packages="$packages python3 python3-yaml python3-jsonschema"

# The folders of the test projects that hold tests, in lower case: every one is a part.
folders() {
    for dir in tests/*/*/; do
        dir=${dir%/}
        case ${dir##*/} in bin | obj | TestResults) continue ;; esac
        [ -n "$(find "$dir" -name '*Tests.cs' | head -n 1)" ] && printf '%s\n' "${dir##*/}"
    done | tr '[:upper:]' '[:lower:]' | sort -u
}

list() {
    echo "house       formatting, dependency rules, the scripts themselves"
    echo "unit        tests/Mainstay.Core.Tests"
    [ -d tests/Mainstay.Simulation ] && echo "simulation  tests/Mainstay.Simulation"
    echo "loopback    tests/Mainstay.Engine.Tests"
    echo "system      tests/Mainstay.System.Tests"
    echo "and by subject, over all of these: $(folders | grep -vx house | tr '\n' ' ')"
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
}

build() {
    say "building $1"
    if ! dotnet build "$1" -c Release -warnaserror -nodeReuse:false -nologo -v quiet -clp:NoSummary; then
        failed=$((failed + 1))
        finish
    fi
}

check_format() {
    say "checking the formatting"
    # Style and analyzer rules are errors of the build already; what is left is white space.
    if dotnet format whitespace Mainstay.slnx --verify-no-changes --no-restore; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        say "run 'dotnet format whitespace' and look at what it changed"
    fi
}

# run PROJECT [FILTER...]: adds what the runner counted. A runner that ends without a report has failed.
run() {
    project=$1
    shift
    report=$(mktemp)
    status=0
    "tests/$project/bin/Release/net10.0/$project" -noLogo -noColor "$@" -xml "$report" || status=$?
    counts=$(grep -o '<assembly [^>]*>' "$report" | head -n 1 || true)
    rm -f "$report"
    if [ -z "$counts" ]; then
        say "$project ended with code $status and no report"
        failed=$((failed + 1))
        return
    fi
    failures=$(($(count failed) + $(count errors)))
    [ "$status" -eq 0 ] || [ "$failures" -gt 0 ] || failures=1
    passed=$((passed + $(count passed)))
    failed=$((failed + failures))
    skipped=$((skipped + $(count skipped)))
}

count() { printf '%s' "$counts" | sed "s/.* $1=\"\([0-9]*\)\".*/\1/"; }

run_all() {
    build Mainstay.slnx
    check_format
    for dir in tests/*/; do
        dir=${dir%/}
        run "${dir##*/}"
    done
}

# run_subject NAME: in every test project the folder of that name.
run_subject() {
    for dir in tests/*/*/; do
        dir=${dir%/}
        folder=${dir##*/}
        [ "$(printf '%s' "$folder" | tr '[:upper:]' '[:lower:]')" = "$1" ] || continue
        [ -n "$(find "$dir" -name '*Tests.cs' | head -n 1)" ] || continue
        project=${dir%/*}
        build "$project"
        run "${project##*/}" -namespace "${project##*/}.$folder*"
    done
}

part=${1:-}
case $part in
    --list) list; exit 0 ;;
    --help | -h) sed -n '2,3s/^# //p' "$0"; list; exit 0 ;;
esac
case $part in
    "" | house | unit | simulation | loopback | system) ;;
    *) folders | grep -qx -e "$part" || { say "there is no part '$part'; ./test.sh --list names them"; exit 2; } ;;
esac

need_sdk
# Tests that lack a program say so when they are skipped: go on without what could not be installed.
# shellcheck disable=SC2086 # words on purpose
need_packages "the test of what Mainstay does beside other programs" $packages || true

case $part in
    "") run_all ;;
    unit) build tests/Mainstay.Core.Tests; run Mainstay.Core.Tests ;;
    simulation) build tests/Mainstay.Simulation; run Mainstay.Simulation ;;
    loopback) build tests/Mainstay.Engine.Tests; run Mainstay.Engine.Tests ;;
    system) build tests/Mainstay.System.Tests; run Mainstay.System.Tests ;;
    house) build Mainstay.slnx; check_format; run_subject house ;;
    *) run_subject "$part" ;;
esac
finish
