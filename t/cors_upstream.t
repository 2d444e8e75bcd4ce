# P4.5, conf/cors_upstream.conf: an upstream with CORS of its own.  With
# auth_gateway_pass_preflight alone a page could not read the gateway's own
# refusals, and with cors_headers.conf beside it the upstream's answers had
# Access-Control-Allow-Origin twice, which browsers reject.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy qw(copy);
use Test::More;

use AGW::Files qw(repo_root);
use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    map $http_origin $cors_origin {
        https://app.example    https://app.example;
        https://other.example  https://other.example;
    }

    limit_req_zone $http_x_limited zone=limited:1m rate=1r/m;
    limit_req_status 429;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;

        include json_errors.conf;

        auth_gateway_require business owner;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location /v1/businesses/ {
            include cors_upstream.conf;
            include guarded_proxy.conf;
            limit_req zone=limited;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /late/ {
            auth_gateway_business_path /late/<business_id>;
            include cors_upstream.conf;
            include guarded_proxy.conf;
            proxy_read_timeout 1s;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /gone/ {
            auth_gateway_business_path /gone/<business_id>;
            include cors_upstream.conf;
            include guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%CLOSED%%;
        }
    }
}
CONF

# it allows one origin, and says so in many words

my $allows = 'https://app.example';

my $gw = AGW::Gateway->start($conf, names => { CLOSED => 1 },
    before => sub {
        for my $name (qw(cors_upstream cors_headers guarded_proxy
            json_errors))
        {
            copy(repo_root() . "/conf/$name.conf", "$_[0]/$name.conf")
                or die "$name.conf: $!\n";
        }
    }, reply => sub {
        my ($request) = @_;

        my $from = $request->{headers}{origin}[0] // '';
        my @cors = $from ne $allows ? () : (
            "Access-Control-Allow-Origin: $from", 'Vary: Origin',
            'Access-Control-Allow-Credentials: true');

        sleep 3 if $request->{target} =~ m{^/late/};

        return (204, [@cors, $from eq $allows
            ? ('Access-Control-Allow-Methods: GET, LOCK',
                'Access-Control-Allow-Headers: Authorization, X-Upstream',
                'Access-Control-Max-Age: 7') : ()], '')
            if $request->{method} eq 'OPTIONS';
        return (404, [@cors], 'none') if $request->{target} =~ m{/nothing$};
        return (200, [@cors, 'Access-Control-Expose-Headers: X-Total'], 'ok');
    });

my $partner = $gw->partner;
my $business = $gw->business($partner);
my %bearer = (partner_id => $partner->{id}, business_id => $business);
my $token = $gw->mint(%bearer);
my $expired = $gw->mint(%bearer,
    claims => { iat => time - 20, exp => time - 10 });
my $path = "/v1/businesses/$business/x";

$gw->good_is(sub {
    return $gw->request('GET', $path, quiet => 1, bearer => $token)
        ->status == 200;
});


# Status, and for whom: once, or for nobody.

sub shared_with {
    my ($name, $response, $status, $allowed) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is_deeply([$response && $response->status, [$response->header(
        'Access-Control-Allow-Origin')], [$response->header(
        'Access-Control-Allow-Credentials')]],
        [$status, [$allowed // ()], []], "P4.5 $name");
    like(join(', ', $response->header('Access-Control-Expose-Headers')),
        qr/^(?:X-Total, )?WWW-Authenticate, Retry-After$/,
        'P4.5 and what it may read of it');

    return ok(scalar(grep { /\bOrigin\b/ } $response->header('Vary')),
        'P4.5 with Vary');
}


# answers of the upstream, and of the gateway

for (
    ['the upstream\'s answer', 200, $path, bearer => $token],
    ['the upstream\'s 404', 404, "$path/nothing", bearer => $token],
    ['no token', 401, $path],
    ['an expired token', 401, $path, bearer => $expired],
    ['another business', 403, '/v1/businesses/b-2', bearer => $token],
    ['a malformed header', 400, $path, headers => ['Authorization: Bearer']],
    ['an ambiguous path', 400, "$path/..%2f", bearer => $token],
    ['no business', 404, '/v1/businesses/', bearer => $token],
    ['an unknown one, for a partner', 404, '/v1/businesses/nobody',
        bearer => $gw->mint(partner_id => $partner->{id})],
    ['a large body', 413, $path, bearer => $token,
        headers => ['Content-Length: 9999999']],
    ['plain HTTP', 403, $path, bearer => $token, port => 'PLAIN'],
    ['the upstream is gone', 502, "/gone/$business", bearer => $token],
) {
    my ($name, $status, $target, %opt) = @$_;
    my @lines = @{ $opt{headers} // [] };

    for my $origin ($allows, 'https://other.example',
        'https://b.example', 'null')
    {
        my $known = $origin =~ /app|other/ ? $origin : undef;

        shared_with("$name, to $origin", $gw->request('GET', $target, %opt,
            headers => [@lines, "Origin: $origin"]), $status, $known);
    }
}

{
    my @limited = (bearer => $token,
        headers => ["Origin: $allows", 'X-Limited: 1']);

    $gw->request('GET', $path, @limited);
    shared_with('too many requests', $gw->request('GET', $path, @limited),
        429, $allows);
}


# preflights: the upstream's answer, but for whom

my $asks = 'Access-Control-Request-Method: LOCK';

{
    my $r = $gw->request('OPTIONS', $path,
        headers => ["Origin: $allows", $asks]);

    shared_with('a preflight', $r, 204, $allows);
    is_deeply([map { $r->header("Access-Control-$_") }
        qw(Allow-Methods Allow-Headers Max-Age)],
        ['GET, LOCK', 'Authorization, X-Upstream', 7],
        'P4.5 with the methods and headers of the upstream');
    is_deeply([map { $_->{method} } $gw->upstream_saw], ['OPTIONS'],
        'P4.5 which has seen it');

    $r = $gw->request('OPTIONS', $path,
        headers => ['Origin: https://b.example', $asks]);
    shared_with('a preflight of a stranger', $r, 204, undef);

    $r = $gw->request('OPTIONS', $path, port => 'PLAIN',
        headers => ["Origin: $allows", $asks]);
    shared_with('a preflight over plain HTTP', $r, 403, $allows);
    $gw->refused('P0.6 it is refused', $r, 'insecure_transport');

    $r = $gw->request('OPTIONS', $path,
        headers => ["Origin: $allows"]);
    shared_with('what is no preflight', $r, 401, $allows);
    $gw->refused('D6 it is refused', $r, 'no_credentials');
}


# at last, since the upstream does one thing at a time

shared_with('the upstream is late', $gw->request('GET', "/late/$business",
    bearer => $token, headers => ["Origin: $allows"]), 504, $allows);

$gw->finish;
