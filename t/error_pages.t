# What nginx has begun with another answer: error pages, preconditions.

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

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location ~ ^/v1/platform/oauth2/token/?$ {
            auth_gateway_token partner;
        }

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /answered/ {
            error_page 412 = @token;
            return 200 "answered";
        }

        location @token {
            auth_gateway_token partner;
        }

        location /missing/ {
            auth_gateway_require off;
            error_page 404 =200 @guarded;
            alias %%PREFIX%%/html/;
        }

        location @guarded {
            auth_gateway_require business;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /accel/ {
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf, reply => sub {
    my ($request) = @_;

    return unless $request->{target} =~ m{^/accel/};

    return (200, ['X-Accel-Redirect: /v1/businesses/b-2/x',
        'Cache-Control: public, max-age=60', 'Set-Cookie: upstream=1',
        'Expires: Thu, 01 Jan 2099 00:00:00 GMT', 'ETag: "upstream"',
        'Last-Modified: Thu, 01 Jan 2004 00:00:00 GMT'], '');
});

my $partner = $gw->partner;
my $token = $gw->mint(partner_id => 'p-1', business_id => 'b-1');

$gw->good_is(sub {
    return $gw->request('GET', '/v1/businesses/b-1/x', bearer => $token);
});


# An error page of a request whose body nginx had thrown away already took
# the worker down: nobody had allocated the body that the token endpoint
# looked at.

{
    $gw->mark;
    my $client = $gw->connect;

    $client->send("POST /answered/x HTTP/1.1\r\nHost: a\r\n"
        . "If-Match: \"x\"\r\nContent-Length: 100\r\n\r\n");

    my $r = $client->response;

    is($r && $r->status, 400, 'P0.5 a body that was thrown away');
    is($r && $r->json->{error}, 'invalid_request', 'P0.5 says so in JSON');
    is_deeply([map { $_->{reason} } $gw->refusals],
        ['invalid_request'], 'P0.5 and in the log');

    is($gw->request('GET', '/v1/businesses/b-1/x', bearer => $token)->status,
        200, 'P0.5 the worker goes on');
}


# An error page has the status that led to it, unless it sets its own: a
# refusal went out as 404, or as the 200 of `error_page 404 =200`.

{
    my $r = $gw->request('GET', '/missing/x');

    is($r->status, 401, 'P4.2 a refusal in an error page is a refusal');
    is($r->header('WWW-Authenticate'), 'Bearer realm="auth gateway"',
        'P4.2 with its challenge');
}


# If-Match asks about a representation; nginx answered a token request that
# had one with 412 and HTML, and threw the minted token away.

for my $header ('If-Match: "x"', 'If-None-Match: *',
    'If-Unmodified-Since: Mon, 01 Jan 2001 00:00:00 GMT')
{
    my $r = $gw->request('POST', '/v1/platform/oauth2/token',
        basic => [$partner->{id}, $partner->{key}], headers => [$header]);

    is($r->status, 200, "P1.9 with $header");
    ok($r->json->{access_token}, 'P1.9 and a token');
}


# The upstream's headers came along with X-Accel-Redirect, and made a refusal
# cacheable.

{
    my $r = $gw->request('GET', '/accel/x');

    is($r->status, 401, 'P4.2 a refusal after X-Accel-Redirect');
    is($r->header('Cache-Control'), 'no-store', 'P0.1 is not cached');
    is($r->header($_), undef, "P0.1 and has no $_")
        for qw(Set-Cookie Expires ETag Last-Modified);
}

$gw->finish;
