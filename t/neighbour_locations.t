# D6: what an unguarded or a partner's location beside the guarded ones could
# forward, and an upstream could read as the path of a business.

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

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/platform/businesses {
            auth_gateway_require partner;
            auth_gateway_business_path
                /v1/platform/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/businesses/public/ {
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location / {
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);

my $partner = $gw->mint(partner_id => 'p-1');
my $business = $gw->mint(partner_id => 'p-1', business_id => 'b-1');

$gw->good_is(sub {
    return $gw->request('GET', '/v1/businesses/b-1/x', bearer => $business);
});


# An upstream that cuts parameters off segments, as it would for `..;`, that
# decodes once more, or whose router ignores case, read these as b-2's: the
# catch-all forwarded them without a token.

for my $target (
    '/v1;x/businesses/b-2/y', '/v1/businesses;x/b-2/y',
    '/;/v1/businesses/b-2/y', '/v1/;/businesses/b-2/y',
    '/v1/businesses%3Bx/b-2', '/v1/businesses%253Bx/b-2',
    '/v1%3fx/businesses/b-2', '/v1/businesses%20/b-2',
    '/v1/businesses./b-2', '/v1/Businesses/b-2/y', '/V1/businesses/b-2',
    '/v1;/platform/businesses/b-2', '/v1/Platform/businesses/b-2',
) {
    my $r = $gw->request('GET', $target);

    $gw->refused("D6 $target without a token", $r, 'ambiguous_path');
}


# A partner token, where the location is for partners and nginx saw no
# business in the path.

for my $target (
    '/v1/platform/businesses;x/b-2', '/v1/platform/businesses%3bx/b-2/y',
    '/v1/platform/businesses%20/b-2',
) {
    my $r = $gw->request('GET', $target, bearer => $partner);

    $gw->refused("D6 $target with a partner token", $r, 'ambiguous_path');
}


# the path of a business, plain, is no partner's

$gw->refused('D3 a business in a location for partners',
    $gw->request('GET', '/v1/platform/businesses/b-1', bearer => $partner),
    'wrong_kind', scope => undef, kid => 'k1', partner => 'p-1');


# what is nobody's business passes, and so does what `off` names

for my $target (
    '/', '/docs/a;v=1', '/v1/businesses;x', '/a;b/c', '/v1/business/b-2',
    '/v1/businesses/public/terms',
) {
    my $r = $gw->request('GET', $target);

    is($r->status, 200, "D6 $target passes");
    is_deeply([map { $_->{target} } $gw->upstream_saw], [$target],
        'D6 as it is');
}

is($gw->request('GET', '/v1/platform/businesses', bearer => $partner)->status,
    200, 'D3 a partner lists its businesses');

$gw->finish;
