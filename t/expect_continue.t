# P0.5: a client that waits for "100 Continue" and is refused is not told to
# go on: neither in front of the refusal nor, where its body follows all the
# same, behind it.  A body that is wanted is asked for, once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    auth_gateway_business_path /v1/businesses/<business_id>;

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        listen 127.0.0.1:%%PLAIN%%;

        location /v1/businesses/ {
            auth_gateway_require business;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/partners/ {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /docs/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /pages/ {
            auth_gateway_require partner;
            auth_gateway_intercept_errors on;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # nginx decides there, and says the last word

        location /any/ {
            auth_gateway_require partner;
            satisfy any;
            deny all;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /token { auth_gateway_token partner; }
        location = /revoke { auth_gateway_revoke token; }
        location = /introspect { auth_gateway_introspect; }
        location = /jwks { auth_gateway_jwks; }

        location /token/ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf,
    allow => [qr/"auth_gateway_jwks" has no key/]);
my $partner = $gw->partner;
my @key = @$partner{qw(id key)};
my $basic = AGW::Gateway::basic(@key);
my $business = $gw->business($partner);
my %base = (partner_id => $partner->{id});
my $expired = $gw->mint(%base, business_id => $business,
    claims => { iat => time - 20, exp => time - 10 });

my ($ours, $theirs, $to_partner, $late) = map { AGW::Gateway::bearer($_) }
    $gw->mint(%base, business_id => $business),
    $gw->mint(%base, business_id => 'b-2'), $gw->mint(%base), $expired;

$gw->good_is(sub {
    return $gw->request('GET', "/v1/businesses/$business/x", quiet => 1,
        headers => [$ours])->status == 200;
});

my @post = ('Content-Type: application/x-www-form-urlencoded');
my $here = "/v1/businesses/$business/x";

# reason, status, target, lines

my @refusals = (
    ['no_credentials', 401, $here],
    ['malformed_credentials', 400, $here, 'Authorization: Bearer'],
    ['expired', 401, $here, $late],
    ['wrong_kind', 403, '/v1/partners/x', $ours],
    ['wrong_business', 403, $here, $theirs],
    ['ambiguous_path', 400, '/docs/..%2fx'],
    ['ambiguous_path', 400, "$here/..%2fx", $ours],
    ['no_credentials', 401, '/pages/x'],
    ['no_credentials', 401, '/any/x'],
    ['malformed_credentials', 400, '/any/x', 'Authorization: Bearer'],

    ['wrong_kind', 403, "/token/$business", $ours],
    ['no_credentials', 401, "/token/$business"],
    ['method_not_allowed', 405, '/jwks'],
    ['body_too_large', 413, '/token', $basic, 'Content-Length: 9000'],
    ['body_too_large', 413, '/revoke', $basic, 'Content-Length: 9000'],
);


sub head {
    my ($target, @lines) = @_;

    push @lines, 'Content-Length: 5' if !grep { /^Content-Length:/ } @lines;

    return join "\r\n", "POST $target HTTP/1.1", 'Host: localhost',
        'Expect: 100-continue', @post, @lines, '', '';
}

for my $row (@refusals) {
    my ($reason, $status, $target, @lines) = @$row;

    my $client = $gw->connect;

    $gw->mark;
    $client->send(head($target, @lines));

    my $response = $client->response;

    is($response->status, $status, "P0.5 $target, $reason: $status");
    is($response->{interim}, 0, 'P0.5 without a 100 before it');
    is_deeply([map { $_->{reason} } $gw->refusals], [$reason],
        'P0.5 for that reason');

    # whatever comes on this connection, it is no 100

    $client->send('a=b&c');
    $client->closed(0.2);
    is($client->{buffer}, '', 'P0.5 or behind it');
    is_deeply([$gw->upstream_saw], [], 'P0.5 and nothing goes up');
    $client->close;
}

# over plain HTTP too

{
    my $client = $gw->connect('PLAIN');

    $client->send(head('/token', $basic));

    my $response = $client->response;

    is($response->status, 403, 'P0.6 plain HTTP: 403');
    is($response->{interim}, 0, 'P0.5 without a 100 before it');
    $client->close;
}

# what is wanted is asked for

for my $row (['/token', $basic], ["/token/$business", $to_partner],
    ['/revoke', $basic], ['/introspect', $basic], [$here, $ours],
    ['/v1/partners/x', $to_partner])
{
    my ($target, $line) = @$row;
    my $client = $gw->connect;

    $client->send(head($target, $line));
    $client->wait_for(sub { $client->{buffer} =~ /\r\n\r\n/ });
    like($client->{buffer}, qr{^HTTP/1\.1 100 }, "P0.5 $target: 100");
    $client->send('a=b&c');

    my $response = $client->response;

    is($response->{interim}, 1, 'P0.5 once');
    isnt($response->status, 500, 'P0.5 and it is answered');
    $client->close;
}

is_deeply([$gw->problems_after], [], 'P0.5 on the same worker');
$gw->finish;
