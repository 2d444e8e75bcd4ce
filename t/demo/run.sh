#!/bin/bash

# Starts the demo and walks through the main job: a gateway on
# https://127.0.0.1:8443 with conf/nginx.conf, and an upstream behind it that
# answers with what it received.  Leaves both running; stop.sh ends them.
#
#     AGW_MODULE=<absolute .so> AGW_BUILD=<absolute build directory> \
#         t/demo/run.sh
#
# A later run keeps the certificates, the signing key and the store, and adds
# a partner with a new API key.  All of that is made with the command line
# auth-gateway, over a unix socket.

set -euo pipefail

: "${AGW_MODULE:?is not set: use make run}"
: "${AGW_BUILD:?is not set: use make run}"

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
demo=$AGW_BUILD/demo
worker=www-data

gateway=https://127.0.0.1:8443
plain=http://127.0.0.1:8080
operator=http://127.0.0.1:8081

# Debian keeps nginx where a user's PATH does not look

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

umask 022

. "$repo/t/demo/common.sh"


check_tools() {
    local tool

    for tool in nginx curl openssl; do
        command -v "$tool" >/dev/null || fail "$tool is not installed"
    done

    [[ -r $AGW_MODULE ]] || fail "there is no module $AGW_MODULE"
    [[ -x $AGW_BUILD/auth-gateway ]] \
        || fail "there is no $AGW_BUILD/auth-gateway: 'make command' builds it"
}


check_ports() {
    local port

    for port in 8443 8080 8081 9080; do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            fail "port $port on 127.0.0.1 is taken by another program" \
                "('ss -ltnp' names it); the demo needs 8443, 8080, 8081 and" \
                "9080"
        fi
    done
}


# a build with sanitizers needs their libraries in nginx

start() {
    local name=$1 log=$prefix/logs/$1_start.log

    LD_PRELOAD=${AGW_PRELOAD-} \
        nginx -p "$prefix" -c "conf/$name.conf" 2>"$log" \
        || fail "nginx did not start with conf/$name.conf:" $'\n'"$(cat "$log")"
}


# The socket is in a directory that only its owner can enter.  A user without
# root is the worker, too, and must be named.

install_conf() {
    local file=$prefix/conf/nginx.conf

    install -d -m 700 "$prefix/admin"
    rm -f "$socket"

    sed "s|unix:/run/auth_gateway/admin.sock|unix:$socket|" \
        "$repo/conf/nginx.conf" >"$file"
    chmod 644 "$file"

    if [[ $EUID != 0 ]]; then
        sed -i "s|auth_gateway_admin write|& uid=$EUID|" "$file"
    fi
}


wait_for_gateway() {
    for _ in {1..100}; do
        auth-gateway status >/dev/null 2>&1 && return

        sleep 0.1
    done

    fail "the gateway is not ready after 10 s:" \
        $'\n'"$(tail -n 5 "$prefix/logs/error.log")"
}


# shows a title, and a line for the shell

show() {
    local title=$1

    shift
    number=$((number + 1))
    printf '\n--- %d. %s\n\n%s\n\n' "$number" "$title" "$*"
}


# Shows what an operator does, does it, shows the answer and leaves it in said.

operate() {
    local title=$1 line=auth-gateway arg

    shift

    for arg; do
        line+=" $(quote "$arg")"
    done

    show "$title" "$line"

    said=$(auth-gateway "$@" 2>&1) \
        || fail "step $number: auth-gateway failed:" $'\n'"$said"
    printf '%s\n' "$said"
}


expect_said() {
    [[ $said == *"$1"* ]] || fail "step $number: the answer has no $1"
}


# Sets partner, api_key, business, business_2, and foreign, which is another
# partner's business.  Each run makes new ones: of an earlier API key only
# the digest is known.

fill_store() {
    local other

    partner=$(uuid)
    business=$(uuid)
    business_2=$(uuid)
    other=$(uuid)
    foreign=$(uuid)

    operate "A partner" partner create --id "$partner" --name demo
    show "Its API key, shown once: the store keeps its SHA-256" \
        "auth-gateway key create $partner --name first"
    api_key=$(auth-gateway key create "$partner" --name first) \
        || fail "step $number: there is no API key"
    printf '%s\n' "$api_key"

    operate "A business of the partner" \
        business create "$partner" --id "$business"
    operate "and a second one" business create "$partner" --id "$business_2"
    operate "Another partner" \
        partner create --id "$other" --name "demo, another"
    operate "and its business" business create "$other" --id "$foreign"
    operate "What the partner has" business list --partner "$partner"
    expect_said "$business_2"
}


walk() {
    local ca=(--cacert "$prefix/ca.crt") partner_token business_token

    request "Where everything is" 200 \
        "${ca[@]}" "$gateway/.well-known/oauth-authorization-server"
    expect_body "\"token_endpoint\":\"$gateway/v1/platform/oauth2/token/\""

    request "The key that others verify tokens with" 200 \
        "${ca[@]}" "$gateway/.well-known/jwks.json"
    expect_body '"alg":"ES256"'

    request "The partner's UUID and API key, for a partner token" 200 \
        "${ca[@]}" -u "$partner:$api_key" -d grant_type=client_credentials \
        "$gateway/v1/platform/oauth2/token/"
    take_token
    partner_token=$token

    request "The partner's own resource, with the partner token" 200 \
        "${ca[@]}" -H "Authorization: Bearer $partner_token" \
        "$gateway/v1/platform/businesses/"
    expect_body "\"x_partner_id\": \"$partner\""

    request "The partner token, for a token for one business" 200 \
        "${ca[@]}" -X POST -H "Authorization: Bearer $partner_token" \
        "$gateway/v1/platform/$business/oauth2/token/"
    take_token
    business_token=$token

    request "The business token opens that business" 200 \
        "${ca[@]}" -H "Authorization: Bearer $business_token" \
        "$gateway/v1/businesses/$business/invoices?page=1"
    expect_body "\"path\": \"/v1/businesses/$business/invoices?page=1\""
    expect_body "\"x_business_id\": \"$business\""

    request "and no other, not even of the same partner" 403 \
        "${ca[@]}" -H "Authorization: Bearer $business_token" \
        "$gateway/v1/businesses/$business_2/invoices?page=1"

    request "The partner's own token opens it too, where owners may" 200 \
        "${ca[@]}" -H "Authorization: Bearer $partner_token" \
        "$gateway/v1/platform/businesses/$business/invoices"
    expect_body "\"x_business_id\": \"$business\""

    request "The same business token in Layer's dialect" 200 \
        "${ca[@]}" -H "Authorization: Bearer $partner_token" \
        -H "Content-Type: application/json" -d '{"session_duration":"900"}' \
        "$gateway/v1/businesses/$business/auth-token"
    expect_body '"expires_in":900'

    request "A path that an upstream could read as another business's" 400 \
        "${ca[@]}" --path-as-is -H "Authorization: Bearer $business_token" \
        "$gateway/v1/businesses/$business_2/..%2f$business/invoices"

    request "A token for a business of another partner" 404 \
        "${ca[@]}" -X POST -H "Authorization: Bearer $partner_token" \
        "$gateway/v1/platform/$foreign/oauth2/token/"

    request "What a token is good for" 200 \
        "${ca[@]}" -u "$partner:$api_key" -d "token=$business_token" \
        "$gateway/v1/platform/oauth2/introspect/"
    expect_body "\"business_id\":\"$business\""

    request "It is taken back" 200 \
        "${ca[@]}" -u "$partner:$api_key" -d "token=$business_token" \
        "$gateway/v1/platform/oauth2/revoke/"

    request "and refused at once" 401 \
        "${ca[@]}" -H "Authorization: Bearer $business_token" \
        "$gateway/v1/businesses/$business/invoices"

    request "A token that lives for one second" 200 \
        "${ca[@]}" -H "Authorization: Bearer $partner_token" \
        -d session_duration=1 \
        "$gateway/v1/platform/$business/oauth2/token/"
    take_token

    sleep 2

    request "and is refused two seconds later" 401 \
        "${ca[@]}" -H "Authorization: Bearer $token" \
        "$gateway/v1/businesses/$business/invoices"

    operate_on_tokens "$partner_token" "${ca[@]}"

    request "Plain HTTP, where credentials would be read by others" 403 \
        -X POST "$plain/v1/platform/oauth2/token/"

    guess "${ca[@]}"
}


# One request for each number of #[1-40], since curl sends none of "#n".  They
# are sent at once, and many, so that a slow machine refuses some too.  With -Z
# curl 7.88 shows its progress in spite of -s.

guess() {
    local url="$gateway/v1/platform/oauth2/token/#[1-40]" guesses arg line

    guesses=(-Z -o /dev/null -w '%{http_code}\n' "$@" -X POST
        -u "$partner:guess" "$url")
    line=curl

    for arg in "${guesses[@]}"; do
        line+=" $(quote "$arg")"
    done

    show "Forty guesses at an API key at once: most are too many" \
        "$line 2>/dev/null | sort | uniq -c"
    said=$(curl --max-time 20 "${guesses[@]}" 2>/dev/null | sort | uniq -c) \
        || fail "the requests failed"
    printf '%s\n' "$said"
    expect_said " 429"
}


# What an operator can do to tokens.  $1 is a partner token, the rest is for
# curl.

operate_on_tokens() {
    local partner_token=$1 business_token

    shift

    request "A token for the second business" 200 \
        "$@" -X POST -H "Authorization: Bearer $partner_token" \
        "$gateway/v1/platform/$business_2/oauth2/token/"
    take_token
    business_token=$token

    operate "An operator ends the tokens for it" revoke business "$business_2"

    request "which are refused at once" 401 \
        "$@" -H "Authorization: Bearer $business_token" \
        "$gateway/v1/businesses/$business_2/invoices"

    show "Why that is, by the gateway's own checks" \
        "printf %s $business_token |" \
        $'\\\n'"    auth-gateway explain --https" \
        "GET /v1/businesses/$business_2/invoices"
    said=$(printf %s "$business_token" | auth-gateway explain --https \
        GET "/v1/businesses/$business_2/invoices" 2>&1) \
        || fail "step $number: auth-gateway failed:" $'\n'"$said"
    printf '%s\n' "$said"
    expect_said revoked

    operate "and closes it" business archive "$business_2"

    request "There are no new ones, then" 404 \
        "$@" -X POST -H "Authorization: Bearer $partner_token" \
        "$gateway/v1/platform/$business_2/oauth2/token/"

    operate "Until it is opened again" business restore "$business_2"
    operate "What was revoked" revocation list
    expect_said "$business_2"
}


# whether the gateway is ready, and what it has counted

watch() {
    local pattern='^auth_gateway_(requests|tokens_issued|admin_writes)_total'

    operate "Whether the gateway is ready, for an operator" status
    expect_said ready

    request "and for a load balancer" 200 "$operator/status"
    expect_body '"status":"ready"'

    show "What it has counted, for Prometheus" \
        "curl -sS $operator/metrics |" \
        $'\\\n'"    grep -E '$pattern' | grep -v ' 0\$'"
    said=$(curl -sS --max-time 10 "$operator/metrics" \
        | grep -E "$pattern" | grep -v ' 0$') \
        || fail "step $number: there are no metrics"
    printf '%s\n' "$said"
    expect_said auth_gateway_requests_total
}


check_tools
"$repo/t/demo/stop.sh" --quiet
make_prefix
check_ports
make_certificates
make_signing_key
make_store "$prefix/store"

export PATH=$AGW_BUILD:$PATH AUTH_GATEWAY_SOCKET=$prefix/admin/admin.sock
unset AUTH_GATEWAY_URL
socket=$AUTH_GATEWAY_SOCKET
install_conf

install -m 644 "$AGW_MODULE" "$prefix/modules/ngx_http_auth_gateway_module.so"
install -m 644 "$repo"/conf/{guarded_proxy,json_errors,docs}.conf \
    "$repo"/conf/{cors,cors_headers}.conf "$repo/t/demo/upstream.conf" \
    "$prefix/conf/"

docs="the API, to read and to try out"
"$repo/t/demo/docs.sh" "$prefix/docs" \
    || docs="WITHOUT SWAGGER UI: see the note at the top"

start upstream
start nginx
wait_for_gateway

cat <<END

The gateway is administered with this command, over a unix socket:

    export PATH=$AGW_BUILD:\$PATH
    export AUTH_GATEWAY_SOCKET=$socket
END

number=0
fill_store
walk
watch

cat <<END

All answers were as expected.  The gateway is running:

    $gateway    (its CA: $prefix/ca.crt)
    $gateway/docs/    $docs
    $operator/status, /metrics    for whoever runs it
    partner           $partner
    API key           $api_key
    business          $business
    administration    AUTH_GATEWAY_SOCKET=$socket \\
                      $AGW_BUILD/auth-gateway help
    configuration     $prefix/conf/nginx.conf
    logs              $prefix/logs/

'make stop' ends it.
END
