#!/bin/bash

# Starts the demo and walks through the main job: a gateway on
# https://127.0.0.1:8443 with conf/nginx.conf, and an upstream behind it that
# answers with what it received.  Leaves both running; stop.sh ends them.
#
#     AGW_MODULE=<absolute .so> AGW_BUILD=<absolute build directory> \
#         [AGW_DEMO_PORTS="8443 8080 8081 9080"] t/demo/run.sh
#
# A later run keeps the certificates, the signing key and the store, and adds
# a partner with a new API key.  All of that is made with the command line
# auth-gateway, over a unix socket.  Each line that is shown is run as it is
# shown, with the variables of the file "variables".

# shellcheck disable=SC2016  # what is shown has the names of variables

set -euo pipefail

: "${AGW_MODULE:?is not set: use make run}"
: "${AGW_BUILD:?is not set: use make run}"

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
demo=$AGW_BUILD/demo
worker=www-data
nginx=${AGW_NGINX:-nginx}

read -r tls_port plain_port operator_port upstream_port \
    <<<"${AGW_DEMO_PORTS:-8443 8080 8081 9080}"

gateway=https://127.0.0.1:$tls_port
operator=http://127.0.0.1:$operator_port

# Debian keeps nginx where a user's PATH does not look

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

umask 022

. "$repo/t/demo/common.sh"


check_tools() {
    local tool

    for tool in "$nginx" curl openssl; do
        command -v "$tool" >/dev/null || fail "$tool is not installed"
    done

    [[ -r $AGW_MODULE ]] || fail "there is no module $AGW_MODULE"
    [[ -x $AGW_BUILD/auth-gateway ]] \
        || fail "there is no $AGW_BUILD/auth-gateway: 'make command' builds it"
}


check_ports() {
    local port ports=("$tls_port" "$plain_port" "$operator_port"
        "$upstream_port")

    for port in "${ports[@]}"; do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            fail "port $port on 127.0.0.1 is taken by another program" \
                "('ss -ltnp' names it); the demo needs ${ports[*]}"
        fi
    done
}


# a build with sanitizers needs their libraries in nginx

start() {
    local name=$1 log=$prefix/logs/$1_start.log

    LD_PRELOAD=${AGW_PRELOAD-} \
        "$nginx" -p "$prefix" -c "conf/$name.conf" 2>"$log" \
        || fail "nginx did not start with conf/$name.conf:" $'\n'"$(cat "$log")"
}


# The socket is in a directory that only its owner can enter.  A user without
# root is the worker, too, and must be named.

install_conf() {
    local file=$prefix/conf/nginx.conf

    install -d -m 700 "$prefix/admin"
    rm -f "$socket"

    sed -e "s|unix:/run/auth_gateway/admin.sock|unix:$socket|" \
        -e "s|127.0.0.1:8443|127.0.0.1:$tls_port|" \
        -e "s|127.0.0.1:8080|127.0.0.1:$plain_port|" \
        -e "s|127.0.0.1:8081|127.0.0.1:$operator_port|" \
        -e "s|127.0.0.1:9080|127.0.0.1:$upstream_port|" \
        "$repo/conf/nginx.conf" >"$file"
    chmod 644 "$file"

    sed "s|127.0.0.1:9080|127.0.0.1:$upstream_port|" \
        "$repo/t/demo/upstream.conf" >"$prefix/conf/upstream.conf"

    if [[ $EUID != 0 ]]; then
        sed -i "s|auth_gateway_admin write|& uid=$EUID|" "$file"
    fi
}


wait_for_gateway() {
    for _ in {1..100}; do
        run_line "auth-gateway status" && return

        sleep 0.1
    done

    fail "the gateway is not ready after 10 s:" \
        $'\n'"$(tail -n 5 "$prefix/logs/error.log")"
}


# Shows what an operator does, does it, shows the answer and leaves it in said.

operate() {
    show "$1" "$2"
    run_line "$2" || fail "step $number: it failed:" $'\n'"$said"
    printf '%s\n' "$said"
}


expect_said() {
    [[ $said == *"$1"* ]] || fail "step $number: the answer has no $1"
}


# The UUID that the gateway made, in the last answer, becomes the variable $1.
# $2 is another one there.

take_id() {
    id=$(grep -oE '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' <<<"$said" \
        | grep -vFx "${2:-none}" | head -n 1) \
        || fail "step $number: there is no id"

    keep "$1" "$id"
    printf '\n(its id is %s from here on)\n' "$1"
}


# Each run makes new ones: of an earlier API key only the digest is known.

fill_store() {
    operate "A partner" 'auth-gateway partner create --name demo'
    take_id PARTNER
    partner=$id

    operate "Its API key, shown once: the store keeps its SHA-256" \
        'auth-gateway key create "$PARTNER" --name first'
    api_key=$(grep -oE 'agw_[0-9A-Za-z]{33}' <<<"$said") \
        || fail "step $number: there is no API key"
    keep API_KEY "$api_key"
    printf '\n(it is API_KEY from here on)\n'

    operate "A business of the partner" \
        'auth-gateway business create "$PARTNER"'
    take_id BUSINESS "$partner"
    business=$id

    operate "and a second one" 'auth-gateway business create "$PARTNER"'
    take_id BUSINESS_2 "$partner"
    business_2=$id

    operate "What the partner has" \
        'auth-gateway business list --partner "$PARTNER"'
    expect_said "$business_2"

    operate "Another partner" \
        'auth-gateway partner create --name "demo, another"'
    take_id OTHER_PARTNER

    operate "and its business" 'auth-gateway business create "$OTHER_PARTNER"'
    take_id OTHER_BUSINESS "$id"
}


# what /docs/ has entered in its forms; the API key is for a person to paste

prefill_docs() {
    printf '{"partner_id": "%s", "business_id": "%s"}\n' \
        "$partner" "$business" >"$prefix/docs/examples.json"
}


walk() {
    request "Where everything is" 200 \
        'curl -sS -i --cacert "$CA" \
    "$GATEWAY/.well-known/oauth-authorization-server"'
    expect_body "\"token_endpoint\":\"$gateway/v1/platform/oauth2/token/\""

    request "The key that others verify tokens with" 200 \
        'curl -sS -i --cacert "$CA" "$GATEWAY/.well-known/jwks.json"'
    expect_body '"alg":"ES256"'

    request "The partner's UUID and API key, for a partner token" 200 \
        'curl -sS -i --cacert "$CA" -u "$PARTNER:$API_KEY" \
    -d grant_type=client_credentials \
    "$GATEWAY/v1/platform/oauth2/token/"'
    take_token PARTNER_TOKEN

    request "The partner's own resource, with the partner token" 200 \
        'curl -sS -i --cacert "$CA" -H "Authorization: Bearer $PARTNER_TOKEN" \
    "$GATEWAY/v1/platform/businesses/"'
    expect_body "\"x_partner_id\": \"$partner\""

    request "The partner token, for a token for one business" 200 \
        'curl -sS -i --cacert "$CA" -H "Authorization: Bearer $PARTNER_TOKEN" \
    -X POST "$GATEWAY/v1/platform/$BUSINESS/oauth2/token/"'
    take_token BUSINESS_TOKEN

    request "The business token opens that business" 200 \
        'curl -sS -i --cacert "$CA" -H "Authorization: Bearer $BUSINESS_TOKEN" \
    "$GATEWAY/v1/businesses/$BUSINESS/invoices?page=1"'
    expect_body "\"path\": \"/v1/businesses/$business/invoices?page=1\""
    expect_body "\"x_business_id\": \"$business\""

    request "and no other, not even of the same partner" 403 \
        'curl -sS -i --cacert "$CA" -H "Authorization: Bearer $BUSINESS_TOKEN" \
    "$GATEWAY/v1/businesses/$BUSINESS_2/invoices?page=1"'

    request "The partner's own token opens it too, where owners may" 200 \
        'curl -sS -i --cacert "$CA" -H "Authorization: Bearer $PARTNER_TOKEN" \
    "$GATEWAY/v1/platform/businesses/$BUSINESS/invoices"'
    expect_body "\"x_business_id\": \"$business\""

    request "A path that an upstream could read as another business's" 400 \
        'curl -sS -i --cacert "$CA" -H "Authorization: Bearer $BUSINESS_TOKEN" \
    --path-as-is "$GATEWAY/v1/businesses/$BUSINESS_2/..%2f$BUSINESS/invoices"'

    request "A token for a business of another partner" 404 \
        'curl -sS -i --cacert "$CA" -H "Authorization: Bearer $PARTNER_TOKEN" \
    -X POST "$GATEWAY/v1/platform/$OTHER_BUSINESS/oauth2/token/"'

    end_tokens
    operate_on_tokens

    request "Plain HTTP, where credentials would be read by others" 403 \
        'curl -sS -i -X POST "$PLAIN/v1/platform/oauth2/token/"'

    guess
}


# a token is revoked, another one expires

end_tokens() {
    request "Another token for the business, in Layer's dialect" 200 \
        'curl -sS -i --cacert "$CA" -H "Authorization: Bearer $PARTNER_TOKEN" \
    -H "Content-Type: application/json" -d '\''{"session_duration":"900"}'\'' \
    "$GATEWAY/v1/businesses/$BUSINESS/auth-token"'
    expect_body '"expires_in":900'
    take_token REVOKED_TOKEN

    request "It is taken back" 200 \
        'curl -sS -i --cacert "$CA" -u "$PARTNER:$API_KEY" \
    -d "token=$REVOKED_TOKEN" "$GATEWAY/v1/platform/oauth2/revoke/"'

    request "and refused at once" 401 \
        'curl -sS -i --cacert "$CA" -H "Authorization: Bearer $REVOKED_TOKEN" \
    "$GATEWAY/v1/businesses/$BUSINESS/invoices"'

    request "What the first one is good for" 200 \
        'curl -sS -i --cacert "$CA" -u "$PARTNER:$API_KEY" \
    -d "token=$BUSINESS_TOKEN" "$GATEWAY/v1/platform/oauth2/introspect/"'
    expect_body "\"business_id\":\"$business\""

    request "A token that lives for one second" 200 \
        'curl -sS -i --cacert "$CA" -H "Authorization: Bearer $PARTNER_TOKEN" \
    -d session_duration=1 "$GATEWAY/v1/platform/$BUSINESS/oauth2/token/"'
    take_token SHORT_TOKEN

    sleep 2

    request "and is refused two seconds later" 401 \
        'curl -sS -i --cacert "$CA" -H "Authorization: Bearer $SHORT_TOKEN" \
    "$GATEWAY/v1/businesses/$BUSINESS/invoices"'
}


# what an operator can do to tokens

operate_on_tokens() {
    request "A token for the second business" 200 \
        'curl -sS -i --cacert "$CA" -H "Authorization: Bearer $PARTNER_TOKEN" \
    -X POST "$GATEWAY/v1/platform/$BUSINESS_2/oauth2/token/"'
    take_token ENDED_TOKEN

    operate "An operator ends the tokens for it" \
        'auth-gateway revoke business "$BUSINESS_2"'

    request "which are refused at once" 401 \
        'curl -sS -i --cacert "$CA" -H "Authorization: Bearer $ENDED_TOKEN" \
    "$GATEWAY/v1/businesses/$BUSINESS_2/invoices"'

    operate "Why that is, by the gateway's own checks" \
        'printf %s "$ENDED_TOKEN" |
    auth-gateway explain --https GET "/v1/businesses/$BUSINESS_2/invoices"'
    expect_said revoked

    operate "and closes it" 'auth-gateway business archive "$BUSINESS_2"'

    request "There are no new ones, then" 404 \
        'curl -sS -i --cacert "$CA" -H "Authorization: Bearer $PARTNER_TOKEN" \
    -X POST "$GATEWAY/v1/platform/$BUSINESS_2/oauth2/token/"'

    operate "Until it is opened again" \
        'auth-gateway business restore "$BUSINESS_2"'
    operate "What was revoked" 'auth-gateway revocation list'
    expect_said "$business_2"
}


# One request for each number of #[1-40], since curl sends none of "#n".  They
# are sent at once, and many, so that a slow machine refuses some too.  With -Z
# curl 7.88 shows its progress in spite of -s.

guess() {
    operate "Forty guesses at an API key at once: most are too many" \
        'curl -Z -o /dev/null -w "%{http_code}\n" --cacert "$CA" -X POST \
    -u "$PARTNER:guess" "$GATEWAY/v1/platform/oauth2/token/#[1-40]" \
    2>/dev/null | sort | uniq -c'
    expect_said " 429"
}


# whether the gateway is ready, and what it has counted

watch() {
    operate "Whether the gateway is ready, for an operator" \
        'auth-gateway status'
    expect_said ready

    request "and for a load balancer" 200 'curl -sS -i "$OPERATOR/status"'
    expect_body '"status":"ready"'

    operate "What it has counted, for Prometheus" \
        'curl -sS "$OPERATOR/metrics" |
    grep -E "^auth_gateway_(requests|tokens_issued|admin_writes)_total" |
    grep -v " 0$"'
    expect_said auth_gateway_requests_total
}


# The API, to read and to try out: with npm, unless DOCS=0.

collect_docs() {
    local status=0

    "$repo/t/demo/docs.sh" "$prefix/docs" || status=$?

    case $status in
    0)  docs="the API, to read and to try out" ;;
    3)  docs="the API, to read and to try out, needs npm: make run DOCS=1" ;;
    *)  docs="WITHOUT SWAGGER UI: see the note at the top" ;;
    esac
}


check_tools
"$repo/t/demo/stop.sh" --quiet
make_prefix
check_ports
echo "making keys and certificates in $prefix"
make_certificates
make_signing_key
make_store "$prefix/store"
socket=$prefix/admin/admin.sock
install_conf
use_module "$prefix" "$prefix/conf/nginx.conf"

make_variables
printf 'export PATH=%s:"$PATH"\n' "$(quote "$AGW_BUILD")" >>"$variables"
printf 'export AUTH_GATEWAY_SOCKET=%s\n' "$(quote "$socket")" >>"$variables"
keep GATEWAY "$gateway"
keep PLAIN "http://127.0.0.1:$plain_port"
keep OPERATOR "$operator"
keep CA "$prefix/ca.crt"

install -m 644 "$repo"/conf/{guarded_proxy,json_errors,docs}.conf \
    "$repo"/conf/{cors,cors_headers}.conf "$prefix/conf/"

collect_docs

echo "starting an upstream and the gateway"
start upstream
start nginx
wait_for_gateway

cat <<END

Each line below can be pasted into a shell that has its variables:

    . $variables
END

number=0
fill_store
prefill_docs
walk
watch

cat <<END

All answers were as expected.  The gateway is running:

    $gateway    (its CA: $prefix/ca.crt)
    $gateway/docs/    $docs
    $operator/status, /metrics    for whoever runs it
    partner           $partner
    business          $business
    API key, tokens   in $variables, for your eyes only
    administration    auth-gateway help, after
                      . $variables
    configuration     $prefix/conf/nginx.conf
    logs              $prefix/logs/

'make stop' ends it.
END
