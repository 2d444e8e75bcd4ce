#!/bin/bash

# Starts the demo and walks through the main job: a gateway on
# https://127.0.0.1:8443 with conf/nginx.conf, and an upstream behind it that
# answers with what it received.  Leaves both running; stop.sh ends them.
#
#     AGW_MODULE=<absolute .so> AGW_BUILD=<absolute build directory> \
#         t/demo/run.sh
#
# A later run keeps the certificates, the signing key and the store, and adds
# a partner with a new API key.

set -euo pipefail

: "${AGW_MODULE:?is not set: use make run}"
: "${AGW_BUILD:?is not set: use make run}"

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
demo=$AGW_BUILD/demo
worker=www-data

gateway=https://127.0.0.1:8443
plain=http://127.0.0.1:8080

# Debian keeps nginx where a user's PATH does not look

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

umask 022

. "$repo/t/demo/common.sh"


check_tools() {
    local tool

    for tool in nginx curl openssl sqlite3; do
        command -v "$tool" >/dev/null || fail "$tool is not installed"
    done

    [[ -r $AGW_MODULE ]] || fail "there is no module $AGW_MODULE"
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


sql() {
    sqlite3 -bail -batch -cmd ".timeout 5000" "$prefix/store/gateway.db" "$1"
}


# The workers make the schema when they start.  sqlite3 would make an empty
# file of its own where there is none yet.

wait_for_schema() {
    local version

    for _ in {1..100}; do
        if [[ -s $prefix/store/gateway.db ]]; then
            version=$(sql "PRAGMA user_version" 2>/dev/null) || true

            [[ $version == [1-9]* ]] && return
        fi

        sleep 0.1
    done

    fail "the store has no schema after 10 s:" \
        $'\n'"$(tail -n 5 "$prefix/logs/error.log")"
}


# Sets partner, api_key, business, business_2, and foreign, which is another
# partner's business.  Each run makes new ones: of an earlier API key only
# the digest is known.

fill_store() {
    local other

    partner=$(uuid)
    api_key=$(random_api_key)
    business=$(uuid)
    business_2=$(uuid)
    other=$(uuid)
    foreign=$(uuid)

    sql "BEGIN IMMEDIATE;
         INSERT INTO partners (partner_id, name)
             VALUES ('$partner', 'demo'), ('$other', 'demo, another');
         INSERT INTO api_keys (partner_id, key_sha256)
             VALUES ('$partner', '$(sha256 "$api_key")');
         INSERT INTO businesses (business_id, partner_id)
             VALUES ('$business', '$partner'), ('$business_2', '$partner'),
                    ('$foreign', '$other');
         COMMIT"
}


walk() {
    local ca=(--cacert "$prefix/ca.crt") partner_token business_token

    number=0

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

    request "Plain HTTP, where credentials would be read by others" 403 \
        -X POST "$plain/v1/platform/oauth2/token/"

    # curl sends none of "#n": one request for each number

    curl -sS -o "$prefix/logs/guesses" --max-time 10 "${ca[@]}" \
        -u "$partner:guess" -X POST \
        "$gateway/v1/platform/oauth2/token/#[1-15]" \
        || fail "the requests failed"

    request "The sixteenth guess at an API key within a second" 429 \
        "${ca[@]}" -u "$partner:guess" -X POST \
        "$gateway/v1/platform/oauth2/token/"
}


check_tools
"$repo/t/demo/stop.sh" --quiet
make_prefix
check_ports
make_certificates
make_signing_key
make_store "$prefix/store"

install -m 644 "$AGW_MODULE" "$prefix/modules/ngx_http_auth_gateway_module.so"
install -m 644 "$repo"/conf/{nginx,guarded_proxy,json_errors,docs}.conf \
    "$repo"/conf/{cors,cors_headers}.conf "$repo/t/demo/upstream.conf" \
    "$prefix/conf/"

docs="the API, to read and to try out"
"$repo/t/demo/docs.sh" "$prefix/docs" \
    || docs="WITHOUT SWAGGER UI: see the note at the top"

start upstream
start nginx
wait_for_schema
fill_store

cat <<END

The demo's partner and its API key, which is shown here and nowhere else: the
store keeps its SHA-256.

    partner       $partner
    API key       $api_key
    business      $business
    its second    $business_2
    another's     $foreign
END

walk

cat <<END

All answers were as expected.  The gateway is running:

    $gateway    (its CA: $prefix/ca.crt)
    $gateway/docs/    $docs
    configuration     $prefix/conf/nginx.conf
    logs              $prefix/logs/

'make stop' ends it.
END
