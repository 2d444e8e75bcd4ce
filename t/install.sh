#!/bin/bash

# Installs those of the packages that are missing, with apt-get, and says in one
# line each what it does.  What apt-get says is added to build/apt.log.
#
#     t/install.sh [--nginx-source] package[/command] ...
#
# With a command, any origin of it will do.  --nginx-source is for the sources
# of the installed nginx: of the package nginx-dev, whose dependencies are ten
# times what a build of the module needs, it unpacks the files into build/.
#
# While apt-get runs, Debian's own switch keeps it from starting the nginx
# service: a server on port 80 was not asked for, and on a host without IPv6
# its failure would be the installation's.

set -euo pipefail

log=build/apt.log
policy=/usr/sbin/policy-rc.d
sudo=()
updated=

if [[ $(id -u) != 0 ]]; then
    sudo=(sudo)
fi


fail() {
    tail -n 20 "$log" >&2
    exit 1
}


# one line for the terminal and for the log

say() {
    printf '%s\n' "$*"
    mkdir -p build
    printf '\n== %(%F %T)T %s\n' -1 "$*" >>"$log"
}


update() {
    if [[ -z $updated ]]; then
        say "reading the lists of packages (apt-get update)"
        "${sudo[@]}" apt-get -q update >>"$log" 2>&1 || true
        updated=1
    fi
}


is_installed() {
    local package=$1 status

    status=$(dpkg-query -W -f '${db:Status-Status} ' "$package" 2>/dev/null) \
        || true

    [[ " $status" == *" installed "* ]]
}


# Sets missing.

find_missing() {
    local dep

    missing=()

    for dep; do
        if [[ $dep == */* ]] && command -v "${dep#*/}" >/dev/null; then
            continue
        fi

        is_installed "${dep%%/*}" || missing+=("${dep%%/*}")
    done
}


# Says how much apt-get would add to what there is.

announce() {
    local plan count size

    plan=$(LC_ALL=C apt-get -q --no-install-recommends --assume-no \
        install "$@" 2>&1 || true)
    count=$(sed -n 's/.*, \([0-9]*\) newly installed, .*/\1/p' <<<"$plan")
    size=$(sed -n 's/^After this operation, \(.*\) of additional .*/, \1/p' \
        <<<"$plan")

    say "installing ${count:-$#} packages$size (log in $log): $*"
}


install_packages() {
    if (($# == 0)); then
        return
    fi

    update
    announce "$@"

    if [[ ! -e $policy ]]; then
        trap '"${sudo[@]}" rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
        "${sudo[@]}" chmod 755 "$policy"
    fi

    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y --no-install-recommends install "$@" \
        </dev/null >>"$log" 2>&1 || fail
}


# Where the Makefile looks for them: a directory of this version alone.

unpack_nginx_source() {
    local version to

    version=$(dpkg-query -W -f '${Version}' nginx)
    to=build/nginx-dev/${version//:/_}

    if [[ -x ${NGINX_SOURCE:-/usr/share/nginx/src}/configure \
          || -x $to/usr/share/nginx/src/configure ]]
    then
        return
    fi

    update
    say "unpacking nginx's sources into $to (nginx-dev)"
    rm -rf "$to"
    mkdir -p "$to"

    (cd "$to" && apt-get -q download "nginx-dev=$version" \
        && dpkg-deb -x ./*.deb . && rm ./*.deb) >>"$log" 2>&1 \
    || {
        rm -rf "$to"
        install_packages nginx-dev
    }
}


source=

if [[ ${1-} == --nginx-source ]]; then
    source=1
    shift
fi

if ! command -v dpkg-query >/dev/null; then
    echo "not a Debian: taking it that these are here: $*"
    exit 0
fi

find_missing "$@"
install_packages "${missing[@]}"

if [[ -n $source ]]; then
    unpack_nginx_source
fi
