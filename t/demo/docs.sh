#!/bin/bash

# Collects what /docs/ of the demo shows: Swagger UI, by npm, and the
# description of the API.
#
#     AGW_BUILD=<absolute build directory> t/demo/docs.sh <directory>
#
# What npm fetched stays in build/ for the next time.  Without npm, and with
# DOCS=0, the directory gets a page that says so, and the exit status is 3; it
# is 2 if npm fails.

set -euo pipefail

: "${AGW_BUILD:?is not set: use make run}"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
cache=$AGW_BUILD/docs
ui=$cache/node_modules/swagger-ui-dist
to=${1:?usage: docs.sh <directory>}
status=0

files=(swagger-ui.css swagger-ui-bundle.js favicon-32x32.png LICENSE NOTICE)


# The version and its digest are those of package-lock.json; no script of a
# package is run.

fetch() {
    if cmp -s "$here/docs/package-lock.json" "$cache/package-lock.json" \
       && [[ -s $ui/swagger-ui-bundle.js ]]
    then
        return
    fi

    if [[ ${DOCS-} == 0 ]] || ! command -v npm >/dev/null; then
        return 3
    fi

    echo "fetching Swagger UI for /docs/ (npm, log in $cache/npm.log)"
    rm -rf "$cache"
    mkdir -p "$cache"
    cp "$here/docs/package.json" "$here/docs/package-lock.json" "$cache/"

    if ! (cd "$cache" && timeout 120 npm ci --ignore-scripts --no-audit \
              --no-fund --omit=dev </dev/null >npm.log 2>&1)
    then
        mv "$cache/package-lock.json" "$cache/package-lock.failed"
        return 2
    fi
}


mkdir -p "$to"
install -m 644 "$here/../../conf/openapi.yaml" "$here"/docs/docs.{css,js} \
    "$to/"

if ! [[ -e $to/examples.json ]]; then
    install -m 644 "$here/docs/examples.json" "$to/"
fi

fetch || status=$?

if ((status != 0)); then
    install -m 644 "$here/docs/unavailable.html" "$to/index.html"

    if ((status == 2)); then
        echo "docs: NO SWAGGER UI: npm reaches no registry" \
            "(log in $cache/npm.log); /docs/ says so" >&2
    fi

    exit "$status"
fi

for file in "${files[@]}"; do
    install -m 644 "$ui/$file" "$to/"
done

install -m 644 "$here/docs/index.html" "$to/"
