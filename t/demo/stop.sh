#!/bin/bash

# Ends the demos that run.sh and fleet.sh started: gateways, their upstream,
# and Redis.
#
#     AGW_BUILD=<absolute build directory> t/demo/stop.sh

set -euo pipefail

: "${AGW_BUILD:?is not set: use make stop}"

stopped=

fail() {
    echo "demo: $*" >&2
    exit 1
}


# A process id is believed only while it is an nginx master whose prefix is
# ours, or a Redis in our directory: after a crash the number may be somebody
# else's.

is_ours() {
    local pid=$1 prefix=$2 name=$3 title master="nginx: master process"

    title=$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") || return 1

    if [[ $name == redis ]]; then
        [[ $title == *redis-server* \
           && $(readlink "/proc/$pid/cwd") == "$prefix" ]]

    else
        [[ $title == "$master "*" -p $prefix -c conf/$name.conf"* ]]
    fi
}


# ends the nginx of <prefix>/conf/<name>.conf, or redis, by its file with a pid

stop() {
    local prefix=$1 name=$2 file=$1/$3 pid

    [[ -s $file ]] || return 0

    read -r pid <"$file" || true

    if [[ ! $pid =~ ^[1-9][0-9]*$ ]] || ! is_ours "$pid" "$prefix" "$name"; then
        rm -f "$file" 2>/dev/null || true
        return 0
    fi

    kill -TERM "$pid" 2>/dev/null \
        || fail "process $pid, the $name of an earlier demo, is another user's"

    for _ in {1..100}; do
        if ! is_ours "$pid" "$prefix" "$name"; then
            stopped=1
            return 0
        fi

        sleep 0.1
    done

    fail "process $pid, the $name of the demo, does not end"
}


# nginx was given the real path

if prefix=$(cd "$AGW_BUILD/demo" 2>/dev/null && pwd -P); then
    stop "$prefix" nginx logs/nginx.pid
    stop "$prefix" upstream logs/upstream.pid
fi

if prefix=$(cd "$AGW_BUILD/fleet" 2>/dev/null && pwd -P); then
    for node in 1 2 3; do
        stop "$prefix/node$node" fleet logs/nginx.pid
    done

    stop "$prefix/upstream" upstream logs/upstream.pid
    stop "$prefix/redis" redis redis.pid
fi

if [[ -n $stopped ]]; then
    echo "demo: stopped"

elif [[ ${1-} != --quiet ]]; then
    echo "demo: not running"
fi
