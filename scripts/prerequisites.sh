# Sourced by the scripts at the root: finds the .NET SDK and installs Debian packages that are missing.
# Expects $root to be the repository.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# Puts a .NET 10 SDK on the PATH, or leaves with one sentence on how to get it.
need_sdk() {
    for dir in "" "${DOTNET_ROOT:-}" "$HOME/.dotnet" /usr/share/dotnet /usr/lib/dotnet; do
        [ -n "$dir" ] && [ ! -x "$dir/dotnet" ] && continue
        dotnet=$(command -v "${dir:+$dir/}dotnet") || continue
        # Also works on machines without libicu: nothing here depends on a culture.
        DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$dotnet" --list-sdks 2>/dev/null | grep -q '^10\.' || continue
        DOTNET_ROOT=$(dirname "$(readlink -f "$dotnet")")
        PATH="$DOTNET_ROOT:$PATH"
        export DOTNET_ROOT PATH
        export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
        return 0
    done
    say "the .NET 10 SDK is missing; get it with 'curl -fsSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0' (into ~/.dotnet, no root needed) or as in https://learn.microsoft.com/dotnet/core/install/linux, then run this again."
    exit 1
}

# need_packages WHY PACKAGE...: installs those that are not installed; asks first where there is a terminal.
need_packages() {
    why=$1
    shift
    missing=
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
    done
    [ -z "$missing" ] && return 0
    if ! command -v apt-get >/dev/null; then
        say "$why needs these packages, please install them:$missing"
        return 1
    fi

    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { say "$why needs these packages, and there is neither root nor sudo:$missing"; return 1; }
        as_root=sudo
    fi
    if [ -t 0 ] && [ -t 2 ]; then
        printf '%s: %s needs these packages:%s. Install them now? [Y/n] ' "${0##*/}" "$why" "$missing" >&2
        read -r answer
        case $answer in [nN]*) return 1 ;; esac
    fi

    say "installing$missing"
    # The lists of a fresh machine are empty or old; a failed update of one source must not stop the rest.
    $as_root apt-get -qq update >&2 || true
    # shellcheck disable=SC2086 # words on purpose
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing >&2 || return 1

    # Debian starts a service when its package is installed; here only the programs are wanted.
    for service in haproxy nginx keepalived; do
        case " $missing " in *" $service "*) ;; *) continue ;; esac
        if [ -d /run/systemd/system ]; then
            $as_root systemctl --quiet disable --now "$service" >&2 || true
        else
            $as_root service "$service" stop >/dev/null 2>&1 || true
        fi
    done
}
