# P10: real clients send each of the three types of body.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use POSIX ();
use POSIX ();
use Test::More;

use AGW::Bodies;
use AGW::Files qw(spew);
use AGW::Skip qw(skip_for);

# real clients

my $base = 'https://127.0.0.1:' . $gw->nginx->port('TLS');
my %calls = (
    base => $base, id => $id, key => $key, business => $business,
    token => $token,
);

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


# each line is a name, a tab and a body

sub results_of {
    my ($client, $count, $said) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @lines = grep { /\S/ } split /\n/, $said;

    is(@lines, $count, "P10 $client: all calls were made") or diag($said);

    for (@lines) {
        my ($name, $body) = split /\t/, $_, 2;
        my $json = eval { JSON::decode_json($body // '') } // {};

        ok($json->{access_token}, "P10 $client: $name") or diag($_);
        is($json->{expires_in}, 120, "P10 $client: $name, its life")
            if $name =~ /business/;
    }

    return;
}

{
    my %env = (
        CURL_CA_BUNDLE => "$prefix/cert.pem",
        map { uc $_ => $calls{$_} } keys %calls,
    );

    results_of('curl', 14, run(\%env, 'sh', '-c', <<'SH'));
partner() {
    printf '%s\t' "$1"
    shift
    curl -sS "$@" "$BASE/tokens/partner"
    echo
}
business() {
    printf 'business %s\t' "$1"
    shift
    curl -sS -H "Authorization: Bearer $TOKEN" "$@" \
        "$BASE/tokens/business/$BUSINESS"
    echo
}
json="{\"grant_type\": \"client_credentials\", \"client_id\": \"$ID\""
json="$json, \"client_secret\": \"$KEY\"}"

for version in --http1.1 --http2; do
    partner "-d $version" $version -d grant_type=client_credentials \
        --data-urlencode "client_id=$ID" --data-urlencode "client_secret=$KEY"
    partner "-F $version" $version -F grant_type=client_credentials \
        -F "client_id=$ID" -F "client_secret=$KEY"
    partner "-F with Basic $version" $version -u "$ID:$KEY" \
        -F 'grant_type=client_credentials;type=text/plain; charset=utf-8'
    partner "JSON $version" $version -H 'Content-Type: application/json' \
        -d "$json"
    business "-F $version" $version -F session_duration=120
    business "JSON $version" $version -H 'Content-Type: application/json' \
        -d '{"session_duration": 120}'
done

partner 'JSON, chunked' --http1.1 -H 'Content-Type: application/json' \
    -H 'Transfer-Encoding: chunked' -d "$json"
partner '-F, Expect' --http1.1 -H 'Expect: 100-continue' \
    -F "client_id=$ID" -F "client_secret=$KEY"
SH
}

spew("$prefix/calls.json", JSON->new->encode(\%calls), 0644);

SKIP: {
    my ($python) = grep {
        system("$_ -c 'import requests' 2>/dev/null") == 0
    } '/usr/bin/python3', 'python3';

    skip_for('python', 'its requests are') unless $python;

    spew("$prefix/client.py", <<'PYTHON', 0644);
import json, sys
import requests

c = json.load(open(sys.argv[1]))
grant = {"grant_type": "client_credentials"}
post = {"client_id": c["id"], "client_secret": c["key"]}
bearer = {"Authorization": "Bearer " + c["token"]}


def parts(pairs):
    return {name: (None, value) for name, value in pairs.items()}


def partner(name, **how):
    print(name, requests.post(c["base"] + "/tokens/partner", **how).text,
        sep="\t")


def business(name, **how):
    url = c["base"] + "/tokens/business/" + c["business"]
    print("business", name + "\t" +
        requests.post(url, headers=bearer, **how).text)


partner("data=", data={**grant, **post})
partner("json=", json={**grant, **post})
partner("files=", files=parts({**grant, **post}))
partner("files= with Basic", files=parts(grant), auth=(c["id"], c["key"]))
partner("chunked", data=iter([b'{"grant_type": "client_',
    b'credentials"}']), auth=(c["id"], c["key"]),
    headers={"Content-Type": "application/json"})
business("data=", data={"session_duration": 120})
business("json=", json={"session_duration": 120})
business("files=", files=parts({"session_duration": "120"}))
PYTHON

    results_of('Python requests', 8, run(
        { REQUESTS_CA_BUNDLE => "$prefix/cert.pem" },
        $python, "$prefix/client.py", "$prefix/calls.json"));
}

SKIP: {
    skip_for('node', 'its requests are')
        unless system("node -e 'fetch.name' 2>/dev/null") == 0;

    spew("$prefix/client.mjs", <<'NODE', 0644);
import { readFileSync } from 'node:fs';

const c = JSON.parse(readFileSync(process.argv[2]));
const post = { grant_type: 'client_credentials', client_id: c.id,
    client_secret: c.key };
const json = { 'Content-Type': 'application/json' };

function parts(pairs) {
    const form = new FormData();

    for (const [name, value] of Object.entries(pairs)) {
        form.append(name, value);
    }

    return form;
}

async function ask(name, path, options) {
    const response = await fetch(c.base + path,
        { method: 'POST', ...options });

    console.log(`${name}\t${await response.text()}`);
}

const partner = (name, options) => ask(name, '/tokens/partner', options);

const business = (name, { headers, ...options }) => ask(`business ${name}`,
    `/tokens/business/${c.business}`, { ...options,
        headers: { ...headers, Authorization: `Bearer ${c.token}` } });

await partner('URLSearchParams', { body: new URLSearchParams(post) });
await partner('JSON', { headers: json, body: JSON.stringify(post) });
await partner('FormData', { body: parts(post) });
await partner('a stream', { headers: json, duplex: 'half',
    body: new Blob([JSON.stringify(post)]).stream() });
await business('URLSearchParams',
    { body: new URLSearchParams({ session_duration: 120 }) });
await business('JSON', { headers: json,
    body: JSON.stringify({ session_duration: 120 }) });
await business('FormData', { body: parts({ session_duration: 120 }) });
NODE

    results_of('JavaScript fetch', 7, run(
        { NODE_EXTRA_CA_CERTS => "$prefix/cert.pem" },
        'node', "$prefix/client.mjs", "$prefix/calls.json"));
}

$gw->finish;
