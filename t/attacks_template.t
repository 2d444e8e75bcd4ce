# D6: a location whose own template matched need not ask whether that
# template could be confused; each other template is asked, and its own too
# where nothing matched or the path was rewritten.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    # one template for all, of which nothing is said in a location

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_business_path /v1/businesses/<business_id>;

        location /v1/businesses/ {
            auth_gateway_require business;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location / {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /old/ {
            auth_gateway_require business;
            rewrite ^/old/(.*)$ /v1/businesses/$1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /older/ {
            rewrite ^/older/(.*)$ /v1/businesses/$1 last;
        }

        location /V1/BUSINESSES/ {
            auth_gateway_require business;
            rewrite ^/V1/BUSINESSES/[^/]+(.*)$ /v1/businesses/b-1$1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /V1/businesses/ {
            rewrite ^ /v1/businesses/b-1/x last;
        }

        location /loud/ {
            auth_gateway_require partner;
            rewrite ^/loud/(.*)$ /v1/Businesses/$1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # two templates that meet where a business is called as the other's path

    server {
        listen 127.0.0.1:%%TLS2%% ssl http2;

        auth_gateway_require business;

        location /v1/businesses/ {
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ ^/v1/[^/]+/report$ {
            auth_gateway_business_path /v1/<business_id>/report;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ ^/v1/[^/]+/report/all$ {
            auth_gateway_business_path /v1/<business_id>/report;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/businesses/R {
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $partner = $gw->mint(partner_id => 'p-1');

sub of {
    my ($business) = @_;

    return $gw->mint(partner_id => 'p-1', business_id => $business);
}

my $token = of('b-1');

$gw->good_is(sub {
    return $gw->request('GET', '/v1/businesses/b-1/x', bearer => $token,
        quiet => 1)->status == 200;
});

sub ambiguous {
    my ($name, $target, $bearer, $port) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $response = $gw->request('GET', $target, bearer => $bearer,
        port => $port);

    return $gw->refused("D6 $name: $target", $response, 'ambiguous_path');
}

sub arrives {
    my ($name, $target, $bearer, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $response = $gw->request('GET', $target, bearer => $bearer,
        port => $opt{port});

    return is_deeply([$response->status,
        map { $_->{target} } $gw->upstream_saw],
        [200, $opt{as} // $target], "D6 $name: $target");
}


# A location for partners with a template that did not match: what is no
# business to us may be one to the upstream.

ambiguous('a partner, and no business', $_, $partner) for
    '/v1/Businesses/b-1', '/v1/bUSINESSES/b-1/x', '/v1/BUSINESSES/b-1',
    '/v1/businesses;x/b-1', '/v1;x/businesses/b-1', '/v1/businesses./b-1',
    '/v1/businesses%20/b-1', '/v1/businesses%3Bx/b-1',
    '/v1/businesses%253bx/b-1', '/v1/businesses%3fx/b-1',
    '/v1/businesses%23/b-1', '/v1/Business%65s/b-1', '/v1/b%55sinesses/b-1',
    '/V1;a/Businesses.%20/b-1/x?y=z';

arrives('a partner, and no business', $_, $partner) for
    '/', '/x', '/v1', '/v1/Businesses', '/v1/Businesses/',
    '/v1/businesses2/b-1', '/v2/Businesses/b-1', '/x/v1/Businesses/b-1',
    '/v1/x/Businesses/b-1';


# A rewritten path that matches says nothing of the raw one, which could be
# read as that of another business; nor does a raw one of what it became.

ambiguous('a raw path before a rewrite', $_, $token) for
    '/V1/BUSINESSES/b-2/x', '/V1/BUSINESSES/b-1/x', '/V1/BUSINESSES/b-2';
ambiguous('a raw path before another location', '/V1/businesses/b-2/x',
    $token);
ambiguous('a path after a rewrite', $_, $partner) for
    '/loud/b-1', '/loud/b-2/x';

arrives('a rewrite', '/old/b-1/x', $token, as => '/v1/businesses/b-1/x');
arrives('a rewrite to another location', '/older/b-1/x', $token,
    as => '/v1/businesses/b-1/x');
arrives('a rewrite that names no business', '/loud/', $partner,
    as => '/v1/Businesses/');


# Two templates, and two locations of each: it is spared its own alone.

ambiguous('of the first, and of the second', "/v1/businesses/$_",
    of($_), 'TLS2') for 'rePort', 'reporT';
ambiguous('of the first again, and of the second', "/v1/businesses/$_",
    of($_), 'TLS2') for 'Report', 'REPORT';
ambiguous('of the second, and of the first', "/v1/$_/report",
    of($_), 'TLS2') for 'Businesses', 'BUSINESSES', 'bUSINESSES';
ambiguous('of the second again, and of the first', "/v1/$_/report/all",
    of($_), 'TLS2') for 'Businesses', 'BUSINESSES';

# what both match as it stands is of neither

ambiguous('of both', '/v1/businesses/report', of($_), 'TLS2')
    for 'businesses', 'report';

arrives('of one alone', $_, $token, port => 'TLS2') for
    '/v1/businesses/b-1', '/v1/businesses/b-1/report', '/v1/b-1/report',
    '/v1/b-1/report/all';
arrives('of one alone', '/v1/businesses/R-1/x', of('R-1'), port => 'TLS2');

$gw->finish;
