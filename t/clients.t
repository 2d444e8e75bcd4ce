# P10: real programs make the calls that the API documents show,
# over TLS, unchanged: curl, Python requests, JavaScript fetch, LWP.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use LWP::UserAgent;
use POSIX ();
use Test::More;

use AGW::Files qw(random_hex spew);
use AGW::Gateway;
use AGW::Skip qw(skip_for);
use AGW::Token qw(claims_of);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /v1/platform/oauth2/token { auth_gateway_token partner; }
        location = /v1/platform/oauth2/token/ { auth_gateway_token partner; }

        location ~ ^/v1/platform/[^/]+/oauth2/token/?$ {
            auth_gateway_token business;
            auth_gateway_business_path
                /v1/platform/<business_id>/oauth2/token;
        }

        location /v1/businesses/ {
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $prefix = $gw->prefix;
my $base = 'https://127.0.0.1:' . $gw->nginx->port('TLS');

# a key of 20 characters: the shell line's base64 wraps after 76

my $partner = $gw->partner(key => random_hex(10));
my $long = $gw->partner(key => random_hex(16));
my $business = $gw->business($partner);
my $other = $gw->business($long);

sub run {
    my ($env, @command) = @_;

    local %ENV = (%ENV, %$env);

    delete $ENV{LD_PRELOAD};

    my $pid = open my $out, '-|';

    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(127);
    }

    my $said = do { local $/; readline($out) // '' };

    close $out;

    return $said;
}

sub results_of {
    my ($client, $said) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $got = eval { JSON->new->decode($said) };

    ok($got, "$client ran") or return diag($said);

    my ($first, $second) = @$got{qw(partner business)};

    is($first->{token_type}, 'Bearer', "$client: token_type");
    is($first->{expires_in}, 3600, "$client: expires_in");
    is(claims_of($first->{access_token})->{partner_id}, $partner->{id},
        "$client: a partner token");
    is($second->{token_type}, 'Bearer', "$client: token_type again");
    is($second->{expires_in}, 3600, "$client: expires_in again");
    is($second->{scope}, 'business_access', "$client: scope");
    is($second->{business_id}, $business, "$client: business_id");
    is(claims_of($second->{access_token})->{business_id}, $business,
        "$client: a business token");
    is_deeply([@$got{qw(own other none)}], [200, 403, 401],
        "$client: its business, another's, without a token")
        if exists $got->{own};

    return;
}

# curl, as a shell runs it

for my $body ('', '-d grant_type=client_credentials') {
    my $said = run({
        CURL_CA_BUNDLE => "$prefix/cert.pem", ID => $partner->{id},
        KEY => $partner->{key}, BASE => $base, BUSINESS => $business,
    }, 'sh', '-c', <<"SH");
set -e
first=\$(curl -sS -X POST \$BASE/v1/platform/oauth2/token/ \\
    -H "Authorization: Basic \$(printf %s "\$ID:\$KEY" | base64)" $body)
token=\$(printf %s "\$first" | sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')
second=\$(curl -sS -X POST \$BASE/v1/platform/\$BUSINESS/oauth2/token/ \\
    -H "Authorization: Bearer \$token")
printf '{"partner":%s,"business":%s}' "\$first" "\$second"
SH

    results_of('P10 curl' . ($body ? ' with a body' : ''), $said);
}

# A longer key wraps.  Over HTTP/2 a header with a line feed never gets as far
# as an answer; over HTTP/1.1 the second line is no header, and the first is
# cut at 76 characters.

{
    my $said = run({
        CURL_CA_BUNDLE => "$prefix/cert.pem", ID => $long->{id},
        KEY => $long->{key}, BASE => $base,
    }, 'sh', '-c', <<'SH');
curl -sS --http1.1 -X POST $BASE/v1/platform/oauth2/token/ \
    -H "Authorization: Basic $(printf %s "$ID:$KEY" | base64)"
curl -sS -X POST $BASE/v1/platform/oauth2/token/ \
    -H "Authorization: Basic $(printf %s "$ID:$KEY" | base64 -w0)"
SH
    my ($first, $second) = $said =~ /^(\{.*?\})\s*(\{.*\})\s*$/s;

    diag($said) unless $second;
    like($first, qr/"invalid_client"/,
        'P1.6 curl with a wrapped line is refused');
    like($second, qr/"access_token"/, 'P1.1 and without the wrap it works');
}

# Python requests; the interpreter that has it

my $calls = "$prefix/calls.json";

spew($calls, JSON->new->encode({
    base => $base, id => $partner->{id}, key => $partner->{key},
    business => $business, other => $other,
}), 0644);

SKIP: {
    my ($python) = grep {
        system("$_ -c 'import requests' 2>/dev/null") == 0
    } '/usr/bin/python3', 'python3';

    skip_for('python', 'its calls are') unless $python;

    spew("$prefix/client.py", <<'PYTHON', 0644);
import base64, json, sys
import requests

c = json.load(open(sys.argv[1]))
basic = base64.b64encode((c["id"] + ":" + c["key"]).encode()).decode()

first = requests.post(c["base"] + "/v1/platform/oauth2/token/",
    headers={"Authorization": "Basic " + basic},
    data={"grant_type": "client_credentials"})
by_auth = requests.post(c["base"] + "/v1/platform/oauth2/token/",
    auth=(c["id"], c["key"]), data={"grant_type": "client_credentials"})
assert by_auth.status_code == 200, by_auth.text

partner_token = first.json()["access_token"]
second = requests.post(
    c["base"] + "/v1/platform/" + c["business"] + "/oauth2/token/",
    headers={"Authorization": "Bearer " + partner_token})
token = {"Authorization": "Bearer " + second.json()["access_token"]}


def status(business, headers):
    url = c["base"] + "/v1/businesses/" + business + "/invoices"
    return requests.get(url, headers=headers).status_code


print(json.dumps({
    "partner": first.json(), "business": second.json(),
    "own": status(c["business"], token), "other": status(c["other"], token),
    "none": status(c["business"], {}),
}))
PYTHON

    results_of('P10 Python requests', run(
        { REQUESTS_CA_BUNDLE => "$prefix/cert.pem" },
        $python, "$prefix/client.py", $calls));
}

# JavaScript fetch

SKIP: {
    my $node = 'node';

    skip_for('node', 'its calls are')
        unless system("$node -e 'fetch.name' 2>/dev/null") == 0;

    spew("$prefix/client.mjs", <<'NODE', 0644);
import { readFileSync } from 'node:fs';

const c = JSON.parse(readFileSync(process.argv[2]));
const basic = btoa(`${c.id}:${c.key}`);

const first = await (await fetch(`${c.base}/v1/platform/oauth2/token/`, {
    method: 'POST',
    headers: { 'Authorization': `Basic ${basic}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
})).json();

const second = await (await fetch(
    `${c.base}/v1/platform/${c.business}/oauth2/token/`, {
        method: 'POST',
        headers: { 'Authorization': `Bearer ${first.access_token}` },
    })).json();

async function status(business, headers) {
    const url = `${c.base}/v1/businesses/${business}/invoices`;
    const response = await fetch(url, { headers });
    await response.arrayBuffer();
    return response.status;
}

const headers = { 'Authorization': `Bearer ${second.access_token}` };

console.log(JSON.stringify({
    partner: first, business: second,
    own: await status(c.business, headers),
    other: await status(c.other, headers),
    none: await status(c.business, {}),
}));
NODE

    results_of('P10 JavaScript fetch', run(
        { NODE_EXTRA_CA_CERTS => "$prefix/cert.pem" },
        $node, "$prefix/client.mjs", $calls));
}

# LWP

{
    my $agent = LWP::UserAgent->new(ssl_opts => {
        SSL_ca_file => "$prefix/cert.pem", verify_hostname => 1,
    });
    my $first = $agent->post("$base/v1/platform/oauth2/token",
        { grant_type => 'client_credentials' },
        split /: /, AGW::Gateway::basic(@$partner{qw(id key)}), 2);
    my $second = $agent->post(
        "$base/v1/platform/$business/oauth2/token",
        split /: /, AGW::Gateway::bearer(
            JSON::decode_json($first->content)->{access_token}), 2);
    my @auth = (Authorization => 'Bearer '
        . JSON::decode_json($second->content)->{access_token});

    results_of('P10 LWP', JSON::encode_json({
        partner => JSON::decode_json($first->content),
        business => JSON::decode_json($second->content),
        own => $agent->get("$base/v1/businesses/$business/x", @auth)->code,
        other => $agent->get("$base/v1/businesses/$other/x", @auth)->code,
        none => $agent->get("$base/v1/businesses/$business/x")->code,
    }));
}

$gw->finish;
