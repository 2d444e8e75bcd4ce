# D7: of `invalid_client` the log says what the client is not told, and
# each refusal has the request's id.  The story: support could neither see why a
# partner got 401, nor find the line of that partner's request.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(random_id slurp);
use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    log_format id '$request_id $auth_gateway_result $uri';
    access_log %%PREFIX%%/logs/id.log id;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        add_header X-Request-Id $request_id always;

        location = /token { auth_gateway_token partner; }
        location = /revoke { auth_gateway_revoke token; }
        location = /introspect { auth_gateway_introspect; }

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_set_header X-Request-Id $request_id;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;

            location /v1/businesses/pages/ {
                auth_gateway_intercept_errors on;
                error_page 401 = /page;
            }

            location /v1/businesses/any/ {
                satisfy any;
                deny all;
            }
        }

        location = /page {
            return 418;
        }
    }

    # a server that has no use for the id

    server {
        listen 127.0.0.1:%%TLS2%% ssl;
        access_log off;

        location = /token { auth_gateway_token partner; }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $now = time;

my $good = $gw->partner;
my $disabled = $gw->partner(status => 'disabled');
my $expired = $gw->partner(expires_at => $now - 10);
my $early = $gw->partner(not_before => $now + 3600);
my $percent = $gw->partner(key => 'a%41b', expires_at => $now - 10);
my $keyless = $gw->partner;
my $orphan = random_id();
my ($id, $key) = @$good{qw(id key)};

$gw->store->add_key($orphan, $key);
$gw->good_is(sub {
    return $gw->request('POST', '/token', quiet => 1,
        basic => [$id, $key])->status == 200;
});

# [name, id, key, what the log says, whose partner it knows]

my @causes = (
    ['a wrong key', $id, 'wrong', 'wrong key', $id],
    ['another partner\'s key', $id, $disabled->{key}, 'wrong key', $id],
    ['an unknown partner', random_id(), $key, 'unknown partner'],
    ['an id outside the grammar', 'a b', $key, 'unknown partner'],
    ['a key without its partner', $orphan, $key, 'unknown partner'],
    ['a disabled partner', @$disabled{qw(id key)}, 'disabled partner',
        $disabled->{id}],
    ['a disabled partner, a wrong key', $disabled->{id}, $key,
        'disabled partner', $disabled->{id}],
    ['an expired key', @$expired{qw(id key)}, 'expired key', $expired->{id}],
    ['a key of tomorrow', @$early{qw(id key)}, 'key not yet valid',
        $early->{id}],

    # decoded it is a wrong one, raw it is the one that has expired

    ['an expired key with a %', $percent->{id}, 'a%41b', 'expired key',
        $percent->{id}],
    ['a text that forges', 'a (good key), kid: k', 'b), kid: k',
        'unknown partner'],
);

sub form {
    my (%pairs) = @_;

    return join '&', map {
        "$_=" . $pairs{$_} =~ s/([^A-Za-z0-9])/sprintf '%%%02x', ord $1/ger
    } sort keys %pairs;
}

my %bytes;

sub refused {
    my ($name, $response, $fault, $partner, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($line) = $gw->refusals;
    my $same = $response->same_bytes
        =~ s/^x-request-id: ?[0-9a-f]{32}\r?\n//imr;

    is($line->{fault}, $fault, "D7 $name: the log says $fault");
    is($line->{request_id}, $response->header('X-Request-Id'),
        "D7 $name: the request's id") unless $opt{port};
    $gw->refused("P1.6 $name", $response, 'invalid_client', by => 'basic',
        fault => $fault, kid => undef, partner => $partner);
    unlike($response->body, qr/$fault/, "P1.6 $name: the client is not told");

    return $same;
}

for my $at ('/token', '/revoke', '/introspect') {
    my %seen;

    for (@causes) {
        my ($name, $who, $with, $fault, $partner) = @$_;
        my $r = $gw->request('POST', $at, basic => [$who, $with],
            form => 'token=x');

        push @{ $seen{ refused("$at, $name", $r, $fault, $partner) } },
            $name;

        # in the body there is one reading, and no encoding within

        next if $with eq 'a%41b';

        $r = $gw->request('POST', $at, form => form(token => 'x',
            client_id => $who, client_secret => $with));
        push @{ $seen{ refused("$at, $name, in the body", $r, $fault,
            $partner) } }, "$name, in the body";
    }

    my $r = $gw->request('POST', $at, basic => [$id, ''], form => 'token=x');

    push @{ $seen{ refused("$at, an empty key", $r, 'no key', $id) } },
        'an empty key';
    is(keys %seen, 1, "P1.6 $at: the same bytes for every cause")
        or diag(join "\n---\n", keys %seen);
}

# what is no invalid_client has none of that

$gw->refused('D7 no credentials', $gw->request('POST', '/token'),
    'no_credentials', by => 'basic');
$gw->refused('D7 malformed credentials', $gw->request('POST', '/token',
    headers => ['Authorization: Basic !']), 'malformed_credentials',
    by => 'basic');

# the id of the log's line is that of the access log and of the header

sub last_logged {
    my ($pattern) = @_;

    for (1 .. 100) {
        my @lines = split /\n/, slurp($gw->prefix . '/logs/id.log');

        return $lines[-1] if @lines && $lines[-1] =~ $pattern;
        select undef, undef, undef, 0.02;
    }

    return '';
}

my %ids;

for (['a guarded location', '/v1/businesses/b-1/x', 'no_credentials'],
    ['an error page', '/v1/businesses/pages/x', 'no_credentials', 418],
    ['satisfy any', '/v1/businesses/any/x', 'no_credentials', 401],
    ['an endpoint', '/token', 'method_not_allowed'])
{
    my ($name, $path, $reason) = @$_;

    for my $h2 (0, 1) {
        my $client = $h2 ? $gw->connect_h2 : $gw->connect;

        $gw->mark;

        my $r = $client->request('GET', "$path?$h2");
        my ($line) = $gw->refusals;
        my $id = $line->{request_id} // '';

        $client->close;

        like($id, qr/^[0-9a-f]{32}$/, "D7 $name: an id");
        is($r->header('X-Request-Id'), $id, "D7 $name: and the client has it");
        like(last_logged(qr/^$id /), qr/^$id $reason /,
            "D7 $name: and the access log");
        $ids{$id}++;
    }
}

is(keys %ids, 8, 'D7 each request has an id of its own');

{
    my $r = $gw->request('POST', '/token', port => 'TLS2',
        basic => [$id, 'wrong']);

    refused('where nothing else asks for the id', $r, 'wrong key', $id,
        port => 'TLS2');
}

$gw->finish;
