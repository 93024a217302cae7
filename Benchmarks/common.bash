# shellcheck shell=bash
# common.bash: what the scripts of this directory share. The script that sources it is named in its errors.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
me=$(basename "$0")

die() {
    echo "$me: $1" >&2
    exit "${2:-1}"
}

# tprtd mustn't run as root unless it is told so.
as_root=()
[ "$(id -u)" -ne 0 ] || as_root=(--allow-root)

# ---------------------------------------------------------------- what is started is ended

directory=
started=() # processes

# Ends a child of this script: kindly at first, and then not.
end_process() {
    local pid=$1 tries
    kill -TERM "$pid" 2>/dev/null || true
    for ((tries = 0; tries < 150; tries++)); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
}

end_all() {
    local pid
    for pid in "${started[@]}"; do end_process "$pid"; done
    started=()
}

clean_up() {
    end_all
    [ -z "$directory" ] || rm -rf "$directory"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Makes the directory that all data of a run lie in; it should be on a real disk.
make_directory() {
    directory=$(mktemp -d "${TMPDIR:-/tmp}/tprt-$me.XXXXXX")
    chmod 711 "$directory" # postgrey's user passes through
    case $(stat -f -c %T "$directory") in
        tmpfs | ramfs) echo "$me: $directory lies in memory: a commit to disk costs nothing there" >&2 ;;
    esac
}

# ---------------------------------------------------------------- building

find_compiler() {
    local candidate swift_clang=
    if command -v swift >/dev/null; then
        swift_clang=$(dirname "$(readlink -f "$(command -v swift)")")/clang
    fi
    compiler=
    for candidate in "${CC:-cc}" cc gcc clang "$swift_clang"; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null; then
            compiler=$candidate
            return
        fi
    done
    die "no C compiler"
}

# compile NAME FILES-AND-FLAGS...: builds a program of this directory into $directory/NAME.
compile() {
    local name=$1
    shift
    [ -n "${compiler:-}" ] || find_compiler
    "$compiler" -std=c11 -O2 -Wall -Wextra -Werror -o "$directory/$name" "$@"
}

compile_load() { compile load "$here"/Load/*.c; }

# The program that is measured: the argument of a script, or what is built in this checkout.
find_tprtd() {
    tprtd=${1:-$here/../.build/release/tprtd}
    [ -x "$tprtd" ] || die "no program $tprtd" 2
}

# ---------------------------------------------------------------- measuring

# Runs the generator; its output lies in $directory/out then. It is a background process so
# that a signal ends this script at once.
load() {
    local status=0 pid
    "$directory/load" "$@" --json >"$directory/out" &
    pid=$!
    started+=("$pid")
    wait "$pid" || status=$?
    unset 'started[-1]'
    return "$status"
}

# The number of that name in the generator's last output.
number() {
    sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" "$directory/out"
}

# What a process takes of memory for itself, without the files that it has mapped, in kB.
own_memory() {
    awk '/^(RssAnon|RssShmem):/ { sum += $2 } END { print sum + 0 }' "/proc/$1/status"
}

# When it was measured, and what.
measured_at() {
    echo "$(date -u '+%Y-%m-%d %H:%M UTC'), commit $(git -C "$here" describe --always --dirty 2>/dev/null || echo unknown)"
}

# Where it was measured.
machine() {
    local model
    model=$(awk -F ': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)
    echo "$(nproc) cores, ${model:-unknown model}, $(uname -sr), data on $(stat -f -c %T "$directory")"
}
