#!/bin/bash

# Starts three nginx with conf/fleet.conf and the Redis that they share, and
# shows what holds there: what one of them revokes is refused by the others,
# after how many milliseconds, and what goes on while Redis is away.  Leaves all
# of it running; stop.sh ends it.
#
#     AGW_MODULE=<absolute .so> AGW_BUILD=<absolute build directory> \
#         t/demo/fleet.sh

# shellcheck disable=SC2016  # what is shown has the names of variables

set -euo pipefail

: "${AGW_MODULE:?is not set: use make run-fleet}"
: "${AGW_BUILD:?is not set: use make run-fleet}"

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
demo=$AGW_BUILD/fleet
worker=www-data
nginx=${AGW_NGINX:-nginx}

nodes=(1 2 3)                    # on the ports 845x, and 846x for operators
redis_port=6390
upstream_port=9081

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

umask 022

. "$repo/t/demo/common.sh"


check_tools() {
    local tool

    for tool in "$nginx" curl openssl redis-cli; do
        command -v "$tool" >/dev/null || fail "$tool is not installed"
    done

    [[ -r $AGW_MODULE ]] || fail "there is no module $AGW_MODULE"
}


check_ports() {
    local port

    for port in "${nodes[@]/#/845}" "${nodes[@]/#/846}" \
        "$redis_port" "$upstream_port"
    do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            fail "port $port on 127.0.0.1 is taken by another program" \
                "('ss -ltnp' names it)"
        fi
    done
}


# Redis, with the users of README.md: the gateway may do what it needs, the
# operator all.  redis-tools has the server in it, by another name.

make_redis() {
    local redis=$prefix/redis password operator_password

    mkdir -p "$redis"
    chmod 700 "$redis"
    rm -rf "$redis/appendonlydir"

    password=$(random_api_key)
    operator_password=$(random_api_key)
    (umask 077
     printf '%s\n' "$password" >"$prefix/conf/keys/redis_password"
     printf '%s\n' "$operator_password" >"$redis/operator_password"
     cat >"$redis/redis.conf" <<END
dir $redis
logfile redis.log
pidfile redis.pid
daemonize yes
bind 127.0.0.1
port 0
tls-port $redis_port
tls-cert-file $prefix/conf/tls/server.crt
tls-key-file $prefix/conf/tls/server.key
tls-ca-cert-file $prefix/ca.crt
tls-auth-clients no
unixsocket $redis/redis.sock
unixsocketperm 700
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
user default off ~* &* +@all
user operator on >$operator_password ~* &* +@all
user gateway on >$password $(rights)
END
    )

    ln -sf "$(command -v redis-server || command -v redis-check-rdb)" \
        "$redis/redis-server"
}


# of the user `gateway`, as README.md lists them

rights() {
    sed -n 's/^ACL SETUSER gateway on >\S* //p' "$repo/conf/README.md"
}


start_redis() {
    "$prefix/redis/redis-server" "$prefix/redis/redis.conf" \
        || fail "Redis did not start"

    for _ in {1..100}; do
        [[ $(operator PING 2>/dev/null) == PONG ]] && return
        sleep 0.05
    done

    fail "Redis does not answer:" $'\n'"$(tail -n 5 "$prefix/redis/redis.log")"
}


stop_redis() {
    local pid

    read -r pid <"$prefix/redis/redis.pid"
    kill -KILL "$pid"

    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.02
    done
}


operator() {
    REDISCLI_AUTH=$(<"$prefix/redis/operator_password") \
        redis-cli --no-auth-warning -s "$prefix/redis/redis.sock" \
        --user operator "$@"
}


# Node $1 has conf/fleet.conf: only its addresses are others, and there is no
# replica of Redis to wait for.

make_node() {
    local dir=$prefix/node$1

    mkdir -p "$dir"/{conf,logs,modules}
    make_store "$dir/store"
    install -d -m 700 "$dir/admin"
    rm -f "$dir"/{store,admin}/* "$dir"/logs/*.log
    ln -sfn ../../conf/tls "$dir/conf/tls"
    ln -sfn ../../conf/keys "$dir/conf/keys"

    install -m 644 "$repo"/conf/{guarded_proxy,json_errors}.conf \
        "$repo"/conf/cors{,_headers}.conf "$dir/conf/"

    sed -e "s|rediss://[^ ]*|rediss://127.0.0.1:$redis_port|" \
        -e '/^  *wait=1$/d' \
        -e "s|ca=tls/redis_ca.crt|ca=$prefix/ca.crt|" \
        -e "s|listen 127.0.0.1:8443|listen 127.0.0.1:845$1|" \
        -e "s|listen 127.0.0.1:8081|listen 127.0.0.1:846$1|" \
        -e "s|server 127.0.0.1:9080|server 127.0.0.1:$upstream_port|" \
        -e "s|unix:/run/auth_gateway/admin.sock|unix:$dir/admin/admin.sock|" \
        "$repo/conf/fleet.conf" >"$dir/conf/fleet.conf"

    if [[ $EUID != 0 ]]; then
        sed -i "s|auth_gateway_admin write|& uid=$EUID|" "$dir/conf/fleet.conf"
    fi

    use_module "$dir" "$dir/conf/fleet.conf"
}


# a build with sanitizers needs their libraries in nginx

start_nginx() {
    local dir=$1 name=$2

    LD_PRELOAD=${AGW_PRELOAD-} \
        "$nginx" -p "$dir" -c "conf/$name.conf" 2>"$dir/logs/start.log" \
        || fail "nginx did not start with $dir/conf/$name.conf:" \
            $'\n'"$(cat "$dir/logs/start.log")"
}


start_upstream() {
    mkdir -p "$prefix"/upstream/{conf,logs}
    sed "s|127.0.0.1:9080|127.0.0.1:$upstream_port|" \
        "$repo/t/demo/upstream.conf" >"$prefix/upstream/conf/upstream.conf"
    start_nginx "$prefix/upstream" upstream
}


# An nginx accepts no token before it knows what is revoked.

wait_for_node() {
    local log=$prefix/node$1/logs/error.log

    for _ in {1..200}; do
        grep -q 'revocations are known\|are used, from replica' "$log" \
            2>/dev/null && return
        sleep 0.05
    done

    fail "node $1 is not ready:" $'\n'"$(tail -n 5 "$log")"
}


fill_store() {
    partner=$(uuid)
    api_key=$(random_api_key)
    business=$(uuid)

    operator HSET "{agw}:partner:$partner" status active name demo
    operator HSET "{agw}:api_keys:$partner" "$(sha256 "$api_key")" '{}'
    operator HSET "{agw}:business:$business" partner_id "$partner" \
        status active
} >/dev/null


url() {
    printf 'https://127.0.0.1:845%s' "$1"
}


# A request with token $1 to each of the nodes $3...; the status must be $2.

get() {
    local token=$1 expected=$2 node status seconds

    shift 2

    for node; do
        read -r status seconds < <(curl -sS -o /dev/null --max-time 10 \
            "${ca[@]}" -H "Authorization: Bearer $token" \
            -w '%{http_code} %{time_starttransfer}\n' \
            "$(url "$node")/v1/businesses/$business/invoices")

        printf '    GET .../invoices of node %s: %s after %s s\n' "$node" \
            "$status" "$seconds"
        [[ $status == "$expected" ]] || fail "node $node answered $status," \
            "not $expected; the log is $prefix/node$node/logs/error.log"
    done
}


say() {
    printf '\n=== %s\n\n' "$*"
}


# Many requests to node $1 on one connection, so that its access log has the
# time at which it refused the token first.

ask_often() {
    curl -sS -o /dev/null --max-time 20 "${ca[@]}" \
        -H "Authorization: Bearer $business_token" \
        "$(url "$1")/v1/businesses/$business/n/[1-4000]" \
        >/dev/null 2>&1 || true
}


# the milliseconds from the 200 of the revocation to the first refusal

delay_at() {
    local revoked first

    revoked=$(sed -n 's|.*"at":\([0-9.]*\),.*/oauth2/revoke/".*|\1|p' \
        "$prefix/node1/logs/access.log" | tail -n 1)
    first=$(sed -n 's/.*"at":\([0-9.]*\),.*"result":"revoked".*/\1/p' \
        "$prefix/node$1/logs/access.log" | head -n 1)

    [[ -n $revoked && -n $first ]] \
        || fail "node $1 did not refuse the token while it was asked"

    echo $((10#${first/./} - 10#${revoked/./}))
}


revoke_and_measure() {
    local pids=() node

    for node in 2 3; do
        ask_often "$node" &
        pids+=("$!")
    done

    sleep 0.5

    request "Node 1 revokes it" 200 \
        'curl -sS -i --cacert "$CA" -u "$PARTNER:$API_KEY" \
    -d "token=$REVOKED_TOKEN" "$NODE1/v1/platform/oauth2/revoke/"'

    wait "${pids[@]}"

    say "The others were asked for it all the time"

    for node in 2 3; do
        printf '    node %s refused it %s ms after that answer\n' "$node" \
            "$(delay_at "$node")"
    done

    get "$business_token" 401 "${nodes[@]}"
}


# the same request until it succeeds

wait_for_token() {
    local began now

    began=$(date +%s%3N)

    for _ in {1..200}; do
        if curl -sS -f -o /dev/null "${ca[@]}" -u "$partner:$api_key" -X POST \
               "$(url 2)/v1/platform/oauth2/token/" 2>/dev/null
        then
            now=$(date +%s%3N)
            printf '    node 2 issues tokens again after %s ms\n' \
                "$((now - began))"
            return
        fi

        sleep 0.2
    done

    fail "node 2 issues no token again"
}


walk() {
    local revoked

    ca=(--cacert "$prefix/ca.crt")
    number=0
    log="$prefix/node*/logs/error.log"

    request "Node 1 issues a partner token" 200 \
        'curl -sS -i --cacert "$CA" -u "$PARTNER:$API_KEY" \
    -d grant_type=client_credentials "$NODE1/v1/platform/oauth2/token/"'
    take_token PARTNER_TOKEN

    request "Node 2 takes it, and issues a business token" 200 \
        'curl -sS -i --cacert "$CA" -H "Authorization: Bearer $PARTNER_TOKEN" \
    -X POST "$NODE2/v1/platform/$BUSINESS/oauth2/token/"'
    take_token REVOKED_TOKEN
    business_token=$token

    say "Each node accepts it"
    get "$business_token" 200 "${nodes[@]}"

    revoke_and_measure
    revoked=$business_token

    request "A token that is issued now" 200 \
        'curl -sS -i --cacert "$CA" -H "Authorization: Bearer $PARTNER_TOKEN" \
    -X POST "$NODE3/v1/platform/$BUSINESS/oauth2/token/"'
    take_token BUSINESS_TOKEN
    business_token=$token

    stop_redis
    say "Redis is killed: what is known goes on"
    get "$business_token" 200 "${nodes[@]}"
    get "$revoked" 401 "${nodes[@]}"

    request "But no token is issued" 503 \
        'curl -sS -i --cacert "$CA" -u "$PARTNER:$API_KEY" \
    -X POST "$NODE1/v1/platform/oauth2/token/"'

    say "Node 3 is restarted, and serves with its own file"
    "$nginx" -p "$prefix/node3" -c conf/fleet.conf -s stop 2>/dev/null
    while [[ -s $prefix/node3/logs/nginx.pid ]]; do sleep 0.05; done
    : >"$prefix/node3/logs/error.log"
    start_nginx "$prefix/node3" fleet
    wait_for_node 3
    grep -o 'auth_gateway: .* from replica.*' "$prefix/node3/logs/error.log" \
        | head -n 1 | sed 's/^/    /'
    get "$business_token" 200 3
    get "$revoked" 401 3

    say "Redis is back"
    start_redis
    wait_for_token
    get "$revoked" 401 "${nodes[@]}"
}


check_tools
"$repo/t/demo/stop.sh" --quiet
make_prefix
check_ports
echo "making keys and certificates in $prefix"
make_certificates
make_signing_key
make_redis
echo "starting Redis, an upstream and three nginx"
start_redis
start_upstream

for node in "${nodes[@]}"; do
    make_node "$node"
    start_nginx "$prefix/node$node" fleet
    wait_for_node "$node"
done

fill_store

make_variables

for node in "${nodes[@]}"; do
    keep "NODE$node" "$(url "$node")"
done

keep CA "$prefix/ca.crt"
keep PARTNER "$partner"
keep API_KEY "$api_key"
keep BUSINESS "$business"

cat <<END

Three nginx and one Redis are running, with a partner and a business in it.
Each line of curl below can be pasted into a shell that has its variables:

    . $variables
END

walk

cat <<END

All answers were as expected.  The fleet is running:

    variables         $variables
                      (it has the API key and tokens)
    nodes             $(url 1)  $(url 2)  $(url 3)
                      (their CA: $prefix/ca.crt)
    configuration     $prefix/node1/conf/fleet.conf
    logs              $prefix/node*/logs/
    Redis             $prefix/redis/redis.conf
    administration    $prefix/node1/admin/admin.sock
                      (auth-gateway --socket)

'make stop' ends it.
END
