#!/bin/bash

# Ends the demo that run.sh started: the gateway and its upstream.
#
#     AGW_BUILD=<absolute build directory> t/demo/stop.sh

set -euo pipefail

: "${AGW_BUILD:?is not set: use make stop}"

demo=$AGW_BUILD/demo
stopped=

fail() {
    echo "demo: $*" >&2
    exit 1
}


# A process id is believed only while it is an nginx master whose prefix is
# ours: after a crash the number may be somebody else's.

is_ours() {
    local title

    title=$(tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline") || return 1

    [[ $title == "nginx: master process "*" -p $prefix -c conf/$2.conf"* ]]
}


# ends the nginx of conf/<name>.conf, whose pid is in logs/<name>.pid

stop() {
    local name=$1 file=$prefix/logs/$1.pid pid

    [[ -s $file ]] || return 0

    read -r pid <"$file" || true

    if [[ ! $pid =~ ^[1-9][0-9]*$ ]] || ! is_ours "$pid" "$name"; then
        rm -f "$file" 2>/dev/null || true
        return 0
    fi

    kill -TERM "$pid" 2>/dev/null \
        || fail "process $pid, the $name of an earlier demo, is another user's"

    for _ in {1..100}; do
        if ! is_ours "$pid" "$name"; then
            stopped=1
            return 0
        fi

        sleep 0.1
    done

    fail "process $pid, the $name of the demo, does not end"
}


# nginx was given the real path

if prefix=$(cd "$demo" 2>/dev/null && pwd -P); then
    stop nginx
    stop upstream
fi

if [[ -n $stopped ]]; then
    echo "demo: stopped"

elif [[ ${1-} != --quiet ]]; then
    echo "demo: not running"
fi
