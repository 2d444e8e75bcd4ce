# D3: an endpoint answers its requests itself, whatever stands beside it.
# The story: `location = /t { auth_gateway_token partner; try_files /none @up; }`
# sent the request upstream, Basic credentials and all.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;

# what stands beside an endpoint, and could send its request elsewhere

my %beside = (
    'try_files-named' => 'try_files /none @up;',
    'try_files-path' => 'try_files /none /up;',
    'try_files-present' => 'root %%PREFIX%%; try_files /cert.pem @up;',
    'try_files-status' => 'try_files /none =404;',
    'try_files-in-if' => 'if ($arg_x = "") { set $y 1; }'
        . ' try_files /none @up;',
    'mirror' => 'mirror /mirror;',
    'mirror-no-body' => 'mirror /mirror; mirror_request_body off;',
    'mirror-and-try_files' => 'mirror /mirror; try_files /none @up;',
    'post_action-path' => 'post_action /up;',
    'post_action-named' => 'post_action @up;',
    'post_action-in-if' => 'if ($arg_x = "") { post_action @up; }',
    'index' => 'root %%PREFIX%%; index cert.pem; autoindex on;',
    'random_index' => 'root %%PREFIX%%; random_index on;',
    'dav' => 'root %%PREFIX%%; dav_methods PUT DELETE MKCOL COPY MOVE;',
    'limit_except' => 'limit_except GET { allow all; }'
        . ' try_files /none @up;',
    'limit_req' => 'limit_req zone=all burst=9999 nodelay;'
        . ' try_files /none @up;',
    'auth_request' => 'auth_request /allowed; try_files /none @up;',
    'satisfy' => 'satisfy any; allow 127.0.0.1; deny all;'
        . ' try_files /none @up;',
    'intercept' => 'auth_gateway_intercept_errors on;'
        . ' try_files /none @up;',
);

my $issuer = 'https://api.example.com';
my %endpoints = (
    partner => 'auth_gateway_token partner;',
    business => 'auth_gateway_token business;'
        . ' auth_gateway_business_path /%%AT%%/business/<business_id>;',
    revoke => 'auth_gateway_revoke token;',
    'revoke-business' => 'auth_gateway_revoke business;'
        . ' auth_gateway_business_path /%%AT%%/revoke-business/<business_id>;',
    introspect => 'auth_gateway_introspect;',
    jwks => 'auth_gateway_jwks;',
    metadata => 'auth_gateway_metadata token=/t;',
    status => 'auth_gateway_status;',
    metrics => 'auth_gateway_metrics;',
);

my $locations = '';

for my $at ('plain', sort keys %beside) {
    my $line = $beside{$at} // '';

    $locations .= "        location /$at/ { $line\n" . join('', map {
        "            location /$at/$_ { $line "
            . $endpoints{$_} =~ s/%%AT%%/$at/r . " }\n"
    } sort keys %endpoints) . "        }\n\n";
}

my $conf = <<'CONF' =~ s/^ +%%LOCATIONS%%\n/$locations/mr;
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_issuer https://api.example.com;
    limit_req_zone $binary_remote_addr zone=all:1m rate=9999r/s;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        %%LOCATIONS%%

        location /mirror { proxy_pass http://127.0.0.1:%%UPSTREAM%%; }
        location /up { proxy_pass http://127.0.0.1:%%UPSTREAM%%; }
        location @up { proxy_pass http://127.0.0.1:%%UPSTREAM%%; }
        location = /allowed { internal; return 204; }

        # it stands beside all the others too

        location = /asked {
            auth_request /try_files-named/partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # all of it at the server

    server {
        listen 127.0.0.1:%%TLS2%% ssl;
        mirror /mirror;
        post_action /mirror;
        try_files /none @up;

        location = /token { auth_gateway_token partner; }
        location = /jwks { auth_gateway_jwks; }
        location /mirror { proxy_pass http://127.0.0.1:%%UPSTREAM%%; }
        location @up { proxy_pass http://127.0.0.1:%%UPSTREAM%%; }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $partner = $gw->partner;
my @basic = @$partner{qw(id key)};
my $business = $gw->business($partner);
my $gone = $gw->business($partner);

$gw->good_is(sub {
    return $gw->request('POST', '/plain/partner', quiet => 1,
        basic => \@basic)->status == 200;
});

# what an endpoint answers, by what is sent: [status, members of the body]

sub outcome {
    my ($at, $endpoint, $good, %opt) = @_;

    my $mine = $good ? $gw->mint(partner_id => $basic[0],
        claims => { iss => $issuer }) : 'x.y.z';
    my %caller = (basic => [$basic[0], $good ? $basic[1] : 'wrong']);
    my %request = (
        partner => ['POST', '', %caller, form => 'grant_type='
            . ($good ? '' : 'client_credentials')],
        business => ['POST', "/$business", bearer => $mine],
        revoke => ['POST', '', %caller, form => "token=$mine"],
        'revoke-business' => ['POST', "/$gone", %caller, form => ''],
        introspect => ['POST', '', %caller, form => "token=$mine"],
        jwks => [$good ? 'GET' : 'POST', ''],
        metadata => [$good ? 'GET' : 'PUT', ''],
        status => [$good ? 'GET' : 'DELETE', ''],
        metrics => [$good ? 'GET' : 'POST', ''],
    );
    my ($method, $below, @rest) = @{ $request{$endpoint} };
    my $r = $gw->request($method, "/$at/$endpoint$below", @rest, %opt);
    my $json = $r->json;

    $gw->keep_secret($json->{access_token})
        if ref $json && $json->{access_token};

    return join ' ', $r->status,
        ref $json ? join ',', sort keys %$json : 'no JSON';
}

# background requests come after the answer

sub went_on {
    select undef, undef, undef, 0.1;

    return map { "$_->{method} $_->{target}" } $gw->upstream_saw;
}

my %plain;

for my $endpoint (sort keys %endpoints) {
    for my $good (1, 0) {
        $plain{$endpoint}[$good] = outcome('plain', $endpoint, $good);

        like($plain{$endpoint}[$good], $good ? qr/^200 / : qr/^4\d\d error,/,
            "D3 $endpoint alone answers " . ($good ? 'well' : 'with a no'));
    }
}

for my $at (sort keys %beside) {
    $gw->mark;

    for my $endpoint (sort keys %endpoints) {
        for my $good (1, 0) {
            my $want = $plain{$endpoint}[$good];

            $want =~ s/ error.*/ no JSON/ if $at eq 'intercept';
            is(outcome($at, $endpoint, $good, quiet => 1), $want,
                "D3 $endpoint beside $at: $want");
        }
    }

    is(join("\n", went_on()), '', "D3 beside $at: nothing goes upstream");
}

# a method that another module would answer

for my $method (qw(PUT DELETE MKCOL COPY MOVE PROPFIND OPTIONS HEAD TRACE)) {
    for my $at ('dav', 'try_files-named') {
        my $r = $gw->request($method, "/$at/partner", basic => \@basic,
            headers => ["Destination: /$at/x"]);

        next if $method eq 'TRACE';

        $gw->refused("P0.3 $method beside $at", $r, 'method_not_allowed',
            by => 'basic', method => $method);
    }
}

# HTTP/2

{
    my $h2 = $gw->connect_h2;

    for my $at ('mirror', 'try_files-named', 'post_action-named') {
        $gw->mark;

        my $stream = $h2->start('POST', "/$at/partner", end => 0, headers => [
            ['authorization', AGW::Gateway::basic(@basic)
                =~ s/^Authorization: //r],
            ['content-type', 'application/x-www-form-urlencoded']]);

        $h2->data($stream, 'grant_type=client_credentials', 1);

        my $r = $h2->response($stream);

        is($r->status, 200, "D3 HTTP/2, a token beside $at");
        $gw->keep_secret($r->json->{access_token});
        is(join(' ', went_on()), '', "D3 HTTP/2, nothing beside $at");
    }

    $h2->close;
}

# a chunked body, whose end comes late

{
    my $client = $gw->connect;

    $gw->mark;
    $client->send("POST /mirror-and-try_files/partner HTTP/1.1\r\n"
        . "Host: localhost\r\n" . AGW::Gateway::basic(@basic) . "\r\n"
        . "Content-Type: application/x-www-form-urlencoded\r\n"
        . "Transfer-Encoding: chunked\r\n\r\n4\r\nx=yz\r\n");
    select undef, undef, undef, 0.2;
    is(scalar $gw->upstream_saw, 0, 'D3 a body that is waited for');
    $client->send("0\r\n\r\n");

    my $r = $client->response;

    is($r->status, 200, 'D3 a body that is waited for, a token');
    $gw->keep_secret($r->json->{access_token});
    is(join(' ', went_on()), '', 'D3 a body that is waited for, nothing else');
    $client->close;
}

# inherited from the server

for (['POST', '/token', basic => \@basic], ['POST', '/token'],
    ['GET', '/jwks'])
{
    my ($method, $target, @rest) = @$_;
    my $r = $gw->request($method, $target, @rest, port => 'TLS2');

    is($r->status, @rest || $method eq 'GET' ? 200 : 401,
        "D3 $method $target beside a server's");
    is(join(' ', went_on()), '',
        "D3 $method $target beside a server's: nothing goes upstream");
}

# a subrequest is refused, and goes nowhere either

{
    my $r = $gw->request('GET', '/asked', basic => \@basic);

    is($r->status, 403, 'D3 a subrequest to an endpoint is refused');
    is(join(' ', went_on()), '', 'D3 and goes nowhere');
}

$gw->finish;
