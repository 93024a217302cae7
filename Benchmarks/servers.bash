# shellcheck shell=bash
# servers.bash: the servers that are compared: how each is started, and what it must answer.

all_servers='responder tprtd tprtd-interval tprtd-keys tprtd-interval-keys tprtd-history tprtd-interval-history tprtd-memory tprtd-gdbm tprtd-redis tprtd-redis-tcp postgrey'
postgrey=/usr/sbin/postgrey
redis=/usr/bin/redis-server

# Where server $1 listens, as the generator wants it; set by start_server.
declare -A address=()
# The process of each server that runs.
declare -A pid_of=()

# The directory of server $1's data.
place_of() { echo "$directory/$1.data"; }

# How many seconds a new triplet has to wait at a server that is started.
delay=300

# What is told of a history and of a page where there is one.
history_file='' history_size='' page=()

# When the last tprtd was started, in seconds since 1970.
started_at=

# Starts server $1 in the background; its errors go to the file `errors' among its data.
start_server() {
    local place port
    place=$(place_of "$1") port=$(free_port)
    mkdir -p "$place"
    chmod 755 "$place"
    if [ "$transport" = tcp ]; then address[$1]="-t 127.0.0.1:$port"; else address[$1]="-u $place/policy.sock"; fi
    "start_$1" "$place" "$port"
    pid_of[$1]=$!
    started+=($!)
}

# A port of the loopback that nobody listens on.
free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)) && (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; do :; done
    echo "$port"
}

# Each of these starts one server with its data in $1, on $1/policy.sock or port $2.

start_responder() {
    local where=(-u "$1/policy.sock")
    [ "$transport" != tcp ] || where=(-t "127.0.0.1:$2")
    "$directory/responder" "${where[@]}" 2>"$1/errors" &
}

start_tprtd() { start_tprtd_on "lmdb://$1/tprt.lmdb" "$@"; }

start_tprtd-interval() { start_tprtd_on "lmdb://$1/tprt.lmdb" "$@" -i service.durability=interval; }

# A triplet has three keys: the client's name gives two.
start_tprtd-keys() { start_tprtd_on "lmdb://$1/tprt.lmdb" "$@" -i service.identity=name; }

start_tprtd-interval-keys() { start_tprtd-interval "$@" -i service.identity=name; }

# With a history: that of its directory, or `history_file', and as large as `history_size' says.
start_tprtd-history() {
    start_tprtd "$@" -i "service.history_db=${history_file:-$1/history.sqlite}" \
        -i "service.history_max_size=${history_size:-16GiB}" "${page[@]}"
}

start_tprtd-interval-history() { start_tprtd-history "$@" -i service.durability=interval; }

start_tprtd-memory() { start_tprtd_on memory: "$@"; }

start_tprtd-gdbm() { start_tprtd_on "gdbm://$1/tprt.gdbm" "$@"; }

# Redis as it is after installation, but that it keeps nothing on disk.
start_tprtd-redis() {
    start_redis "$1" --port 0
    start_tprtd_on "redis-unix://$1/redis.sock" "$@"
}

start_tprtd-redis-tcp() {
    local port
    port=$(free_port)
    start_redis "$1" --port "$port" --bind 127.0.0.1
    start_tprtd_on "redis://127.0.0.1:$port" "$@"
}

start_redis() {
    local place=$1
    shift
    "$redis" "$@" --unixsocket "$place/redis.sock" --save '' --appendonly no --dir "$place" >"$place/redis.log" 2>&1 &
    started+=($!)
    until [ -S "$place/redis.sock" ] || ! kill -0 "${started[-1]}"; do sleep 0.1; done
}

# start_tprtd_on URL PLACE PORT ARGUMENTS...: tprtd with its data at that URL.
start_tprtd_on() {
    local url=$1 place=$2 where
    where=(-i server.socket_type=unix -i "server.socket_path=$2/policy.sock" -i server.socket_mode=0666)
    [ "$transport" != tcp ] ||
        where=(-i server.socket_type=inet -i server.socket_listen_host=127.0.0.1 -i "server.socket_listen_port=$3")
    shift 3
    cat >"$place/whitelist.json" <<'END'
{"bench":[{"type":"recipient_literal","recipient":"postmaster@whitelisted.example"}]}
END
    started_at=$EPOCHREALTIME
    "$tprtd" "${as_root[@]}" "${where[@]}" \
        -i "service.grey_delay=${delay}s" \
        -i "service.grey_db=$url" \
        -i "service.awl_db=$url" \
        -i service.identity=off \
        -i service.history_db= \
        -i "service.wl_sources=[\"file://$place/whitelist.json\"]" \
        --log_level 1 "$@" >"$place/errors" 2>&1 &
}

start_postgrey() {
    local user group where=(--unix="$1/policy.sock" --socketmode=0666)
    [ "$transport" != tcp ] || where=(--inet="127.0.0.1:$2")
    user=$(id -un) group=$(id -gn)
    mkdir "$1/db"
    if [ "$(id -u)" -eq 0 ]; then
        user=postgrey group=postgrey
        chown "$user:$group" "$1/db"
    fi
    echo '# none' >"$1/clients"
    echo 'postmaster@whitelisted.example' >"$1/recipients"
    "$postgrey" --quiet "${where[@]}" --dbdir="$1/db" --delay="$delay" --user="$user" --group="$group" \
        --whitelist-clients="$1/clients" --whitelist-recipients="$1/recipients" >"$1/errors" 2>&1 &
}

# The one verb that server $1 must answer to workload $2.
expected() {
    case $1-$2 in
        responder-*) echo DUNNO ;;
        postgrey-state | postgrey-outgoing) echo DEFER_IF_PERMIT ;; # it greylists at DATA too, and our own users
        *-new | *-seen | *-mixed) echo DEFER_IF_PERMIT ;;
        *) echo DUNNO ;;
    esac
}

# introduce OPTIONS...: shows a server the set of `known'; let_pass, no sooner than `delay' later, has it pass.
introduce() { load "$@" -w known -n "$known" -e DEFER_IF_PERMIT; }

let_pass() { load "$@" -w known -n "$known" -e PREPEND; }

# Says why server $1 can't be measured at all; nothing where it can.
hindrance() {
    local program
    case $1 in
        responder) return ;;
        postgrey) program=$postgrey ;;
        tprtd-redis*) program=$redis ;;
        *) program=$tprtd ;;
    esac
    [ -x "$program" ] || echo "no program $program"
}

# How many bytes the entries of server $1 take on disk, locks and marks aside; nothing where they aren't there.
bytes_on_disk() {
    find "$(place_of "$1")" -type f \( -name 'tprt.*' -o -path '*/db/*.db' \) ! -name '*-lock' ! -name '*-open' \
        -printf '%s\n' | awk '{ sum += $1 } END { if (sum) print sum }'
}
