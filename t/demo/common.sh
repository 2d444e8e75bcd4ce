#!/bin/bash

# What the demos share: sourced by run.sh and fleet.sh, which set demo, the
# directory in the build, and worker, a user.

demo=${demo:?}
worker=${worker:?}

fail() {
    echo "demo: $*" >&2
    exit 1
}


worker_can_enter() {
    setpriv --reuid "$worker" --regid "$worker" --clear-groups \
        test -x "$1" 2>/dev/null
}


# Sets prefix, the real path of $demo.  Workers open the store by its path, so
# where they can't reach it (a clone under /root, say) the demo lives elsewhere
# and $demo is a link to it.

make_prefix() {
    if [[ -L $demo && ! -d $demo ]]; then
        rm "$demo"
    fi

    mkdir -p "$demo"

    if [[ $EUID == 0 && ! -L $demo ]] && ! worker_can_enter "$demo"; then
        rm -rf "$demo"
        prefix=$(mktemp -d /tmp/auth-gateway-demo.XXXXXXXX)
        chmod 755 "$prefix"
        ln -s "$prefix" "$demo"
    fi

    prefix=$(cd "$demo" && pwd -P)

    [[ -w $prefix ]] || fail "$prefix is not writable for you"

    mkdir -p "$prefix"/{conf/tls,conf/keys,logs,modules}
    chmod 700 "$prefix"/conf/{tls,keys}
}


# a directory of the workers' own

make_store() {
    if [[ $EUID == 0 ]]; then
        install -d -m 750 -o "$worker" -g "$worker" "$1"
        chown -hR "$worker:$worker" "$1"

    else
        install -d -m 750 "$1"
    fi
}


# The module for prefix $1; or, if nginx has it in it, no line in the
# configuration $2 that loads it.

use_module() {
    if [[ $AGW_MODULE == *.so ]]; then
        install -m 644 "$AGW_MODULE" \
            "$1/modules/ngx_http_auth_gateway_module.so"

    else
        sed -i '/^load_module /d' "$2"
    fi
}


# a CA for this demo alone, and a certificate of it, in directory $1

sign_certificates() {
    openssl req -x509 -newkey rsa:2048 -noenc -days 90 \
        -subj "/CN=auth gateway demo CA" \
        -addext "keyUsage=critical,keyCertSign,cRLSign" \
        -keyout "$1/ca.key" -out "$1/ca.crt" &&
    openssl req -newkey rsa:2048 -noenc -subj "/CN=localhost" \
        -keyout "$1/server.key" -out "$1/server.csr" &&
    openssl x509 -req -days 90 -CA "$1/ca.crt" -CAkey "$1/ca.key" \
        -CAcreateserial -in "$1/server.csr" -out "$1/server.crt" \
        -extfile <(printf '%s\n' \
            "basicConstraints=critical,CA:FALSE" \
            "keyUsage=critical,digitalSignature,keyEncipherment" \
            "extendedKeyUsage=serverAuth" \
            "subjectKeyIdentifier=hash" \
            "authorityKeyIdentifier=keyid" \
            "subjectAltName=DNS:localhost,IP:127.0.0.1")
}


# The CA's key is not kept: nobody can sign anything else with it.

make_certificates() {
    local tls=$prefix/conf/tls tmp

    if openssl x509 -noout -checkend 86400 -in "$tls/server.crt" \
           >/dev/null 2>&1 \
       && [[ -s $tls/server.key && -s $prefix/ca.crt ]]
    then
        return
    fi

    tmp=$(mktemp -d)

    sign_certificates "$tmp" 2>"$tmp/log" \
        || fail "no certificate could be made:" $'\n'"$(cat "$tmp/log")"

    install -m 644 "$tmp/ca.crt" "$prefix/ca.crt"
    install -m 644 "$tmp/server.crt" "$tls/server.crt"
    install -m 600 "$tmp/server.key" "$tls/server.key"
    rm -rf "$tmp"
}


make_signing_key() {
    local file=$prefix/conf/keys/signing.pem

    [[ -s $file ]] && return

    (umask 077 && openssl genpkey -algorithm EC \
        -pkeyopt ec_paramgen_curve:P-256 -out "$file.new" 2>/dev/null) \
        || fail "no signing key could be made"
    mv "$file.new" "$file"
}


uuid() {
    cat /proc/sys/kernel/random/uuid
}


# 20 of 62 characters are 119 bits; and partner:key is then 57 bytes, whose
# base64 still fits one line of the base64 program

random_api_key() {
    openssl rand -base64 96 | LC_ALL=C tr -dc 'A-Za-z0-9' | cut -c 1-20
}


sha256() {
    printf %s "$1" | sha256sum | cut -d ' ' -f 1
}


# a word as a shell would want it written

quote() {
    if [[ $1 =~ ^[A-Za-z0-9_./:=@%+,-]+$ ]]; then
        printf %s "$1"

    else
        printf "'%s'" "${1//\'/\'\\\'\'}"
    fi
}


# The file with the variables of the lines that are shown: to source, and to
# paste the lines then.  It has secrets.

make_variables() {
    variables=$prefix/variables

    rm -f "$variables"
    (umask 077 && cat >"$variables") <<END
# . $variables
#
# The variables of what the demo shows, each line of which can then be pasted.
# There are an API key and tokens among them: they are for your eyes only.

END
}


# gives a variable of that file a value

keep() {
    printf '%s=%s\n' "$1" "$(quote "$2")" >>"$variables"
}


# shows a title, and a line for the shell

show() {
    number=$((number + 1))
    printf '\n--- %d. %s\n\n%s\n\n' "$number" "$1" "$2"
}


# Runs a line as whoever pastes it does: in a shell that has the variables, and
# nothing else of this one.  Leaves in said what it prints.

run_line() {
    said=$(env -u AUTH_GATEWAY_SOCKET -u AUTH_GATEWAY_URL timeout 30 \
        bash -c ". '$variables'"$'\n'"$1" 2>&1)
}


# Shows a request, sends it, shows the answer: its status, the headers that
# this is about, its body.  The line must be one of curl -i.  Leaves the body
# in body.

request() {
    local title=$1 expected=$2 line=$3 head status

    show "$title" "$line"
    run_line "$line" || fail "step $number: the request failed:" $'\n'"$said"

    said=${said//$'\r'/}
    head=${said%%$'\n\n'*}
    body=${said#*$'\n\n'}
    status=${head#* }
    status=${status:0:3}

    sed -n '1p' <<<"$head"
    grep -iE '^(content-type|www-authenticate|allow|retry-after):' \
        <<<"$head" || true
    printf '\n%s\n' "$body"

    [[ $status == "$expected" ]] \
        || fail "step $number: the status is $status, not $expected;" \
            "the log is ${log:-$prefix/logs/error.log}"
}


# The token of the last answer becomes the variable $1, and is left in token.

take_token() {
    token=$(sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p' <<<"$body")

    [[ -n $token ]] || fail "step $number: there is no access_token"

    keep "$1" "$token"
    printf '\n(its access_token is %s from here on)\n' "$1"
}


expect_body() {
    [[ $body == *"$1"* ]] || fail "step $number: the answer has no $1"
}
