#!/bin/bash

# Unpacks Debian's source package of the nginx that is installed:
#
#     t/nginx_source.sh <directory, which it creates or replaces>
#
# A mirror may not have the sources of a version whose packages it has, such as
# a security update of today.  Then it is another one of the same nginx.

set -euo pipefail

directory=${1:?a directory is missing}
installed=$(dpkg-query -W -f '${source:Version}' nginx)

if [[ -e $directory/configure
      && "$(cat "$directory.version" 2>/dev/null)" == "$installed" ]]
then
    exit 0
fi

mkdir -p "$directory"
work=$(mktemp -d "$directory.XXXXXXXX")
trap 'rm -rf "$work"' EXIT

others=$(apt-cache showsrc nginx 2>/dev/null | sed -n 's/^Version: //p' \
         | { grep -F "${installed%-*}-" || true; } | sort -rV)

for version in $installed $others; do
    if (cd "$work" && apt-get -q source "nginx=$version") \
           >>"$work/log" 2>&1
    then
        echo "unpacked the source package of nginx $version"
        rm -rf "$directory"
        mv "$work"/nginx-*/ "$directory"
        echo "$installed" >"$directory.version"
        exit 0
    fi
done

tail -n 5 "$work/log" >&2
echo "apt-get can't get the source package of nginx $installed: it needs the" \
    "deb-src lines of the archives that it has deb lines of" >&2
exit 1
