# D5: an endpoint that is the error page of a header filter: If-Match makes a
# 412 of a response that nginx was about to send.  The story: nginx closes the
# connection when the handler of such a page returns, so where the store
# answered later, the client lost its connection without a response.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use Test::More;

use AGW::Gateway;
use AGW::Redis;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_require_https off;
    proxy_cache_path %%PREFIX%%/cache keys_zone=zone:1m;
    auth_gateway_business_path /v1/businesses/<business_id>;

    server {
        listen 127.0.0.1:%%PLAIN%%;
        listen 127.0.0.1:%%TLS%% ssl http2;

        location = /token { auth_gateway_token partner; }
        location = /introspect { auth_gateway_introspect; }
        location = /revoke { auth_gateway_revoke token; }

        location = /answered/token {
            error_page 412 = @token;
            return 200 "answered";
        }

        # one that has read the body

        location = /cached/revoke {
            error_page 412 = @revoke;
            proxy_cache zone;
            proxy_cache_methods POST;
            proxy_cache_valid 1m;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/businesses/ {
            error_page 412 = @owner;
            return 200 "answered";
        }

        location @token { auth_gateway_token partner; }
        location @revoke { auth_gateway_revoke token; }

        location @owner {
            auth_gateway_require owner;
            try_files /nothing =404;
        }
    }
}
CONF

my @engines = ('sqlite');

push @engines, 'redis' if !AGW::Redis::missing();

for my $engine (@engines) {
    my $gw = AGW::Gateway->start($conf, engine => $engine);
    my $partner = $gw->partner;
    my $business = $gw->business($partner->{id});
    my @basic = (basic => [@$partner{qw(id key)}]);
    my @match = (headers => ['If-Match: "x"']);
    my $token = $gw->request('POST', '/token', @basic)->json->{access_token};

    $gw->good_is(sub {
        return $gw->request('POST', '/token', quiet => 1, @basic)->status
            == 200;
    });

    # a revocation is always waited for, and a query where the store is elsewhere

    my @form = (form => "token=$token");
    my @pages = (
        ['a revocation', 'basic', sub { $gw->request('POST', '/cached/revoke',
            @basic, @match, @form) }, 503],
        ['a token', 'basic', sub { $gw->request('POST', '/answered/token',
            @basic, @match) }, $engine eq 'redis' ? 503 : 200],
        ['an owner', 'bearer', sub { $gw->request('GET',
            "/v1/businesses/$business/x", bearer => $token, @match) },
            $engine eq 'redis' ? 503 : 404],
    );

    for my $page (@pages) {
        my ($name, $by, $ask, $status) = @$page;
        my $response = $ask->();

        if ($status == 503) {
            $gw->refused("D5 $engine: $name", $response, 'store_unavailable',
                by => $by, reaches => 1);
            like($gw->log_text, qr/cannot wait for the store/,
                "D5 $engine: $name, logged");
        } else {
            is($response->status, $status, "D5 $engine: $name");
        }
    }

    is($gw->request('POST', '/introspect', @basic, @form)->json->{active},
        JSON::true, "D5 $engine: nothing was revoked");
    is($gw->request('POST', '/revoke', @basic, @form)->status, 200,
        "D5 $engine: the endpoint itself revokes");
}

AGW::Gateway::finish();
