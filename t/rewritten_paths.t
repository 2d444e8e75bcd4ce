# D6: a path that nginx changed is read as it stands, in which "%23" has
# become "#": that is a character of a name, not the end of the path.  All the
# other rules hold for it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /break/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            rewrite ^/break/(.*)$ /v1/businesses/$1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /last/ {
            rewrite ^/last/(.*)$ /v1/businesses/$1 last;
        }

        location /try/ {
            auth_gateway_require business;
            auth_gateway_business_path /try/<business_id>;
            try_files /none /v1/businesses/b-1$uri;
        }

        location = /header {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            rewrite ^ /v1/businesses/$http_x_path? break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /partners/ {
            auth_gateway_require partner;
            rewrite ^/partners/(.*)$ /v2/$1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /open/ {
            rewrite ^/open/(.*)$ /docs/$1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /open-header {
            rewrite ^ /docs/$http_x_path? break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /accel/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf, reply => sub {
    my ($request) = @_;

    return unless $request->{target} =~ m{^/accel/};
    return (200, ["X-Accel-Redirect: $request->{headers}{'x-to'}[0]"], '');
});
my $token = $gw->mint(partner_id => 'p-1', business_id => 'b-1');
my $partner = $gw->mint(partner_id => 'p-1');

$gw->good_is(sub {
    return $gw->request('GET', '/v1/businesses/b-1/x', bearer => $token,
        quiet => 1)->status == 200;
});

sub passes {
    my ($name, $target, $arrives, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $response = $gw->request('GET', $target, bearer => $token, %opt);
    my @saw = map { $_->{target} } $gw->upstream_saw;

    return is_deeply([$response->status, $saw[-1]], [200, $arrives],
        "D6 $name: $target");
}

sub refused {
    my ($name, $target, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $response = $gw->request('GET', $target, bearer => $token, %opt);

    return $gw->refused("D6 $name: $target", $response, $reason, %opt);
}


# "%23" in a name was refused as soon as nginx had rewritten the path

my $here = '/v1/businesses/b-1';

for my $rest ('/a%23b', '/%23', '/%23x/y', '/a%23/b', '/C%23/1', '/a%23%25',
    '/50%25%23', '/caf%C3%A9%23', '/a%23..', '/%23..')
{
    passes('not rewritten', "$here$rest", "$here$rest");
    passes('rewrite ... break', "/break/b-1$rest", "$here$rest");
    passes('rewrite ... last', "/last/b-1$rest", "$here$rest");
    passes('try_files', "/try/b-1$rest", "$here/try/b-1$rest");
    passes('X-Accel-Redirect', '/accel/x', "$here$rest",
        headers => ["X-To: $here$rest"]);
    passes('partner', "/partners/x$rest", "/v2/x$rest", bearer => $partner);
    passes('unguarded', "/open/x$rest", "/docs/x$rest", bearer => undef);
}


# dot segments are not hidden by it, before, behind or within a segment

for my $rest ('..%23', '..%23/x', '%2e%2e%23/b-2', 'x/..%23..', '..%2523',
    '..%2523/x', '.%23', '..%20%23')
{
    refused('rewrite ... break', "/break/b-1/$rest", 'ambiguous_path');
    refused('unguarded', "/open/$rest", 'ambiguous_path');
}

for my $path ('b-1/#/../../b-2/x', 'b-1/x#/../../b-2', 'b-1/..#', 'b-1/..#x',
    'b-1/#..#/..', 'b-1/..;#', 'b-1/ ..#/x', 'b-1/#/./x', 'b-1/#//x',
    'b-1/#\\x', "b-1/#\xff")
{
    refused("a header, $path", '/header', 'ambiguous_path',
        headers => ["X-Path: $path"]);
    refused("a header, unguarded, $path", '/open-header', 'ambiguous_path',
        headers => ["X-Path: $path"]);
}

passes('a header', '/header', "$here/x%23y", headers => ['X-Path: b-1/x#y']);


# nor is a business

refused('in the segment of the business', $_, 'ambiguous_path')
    for '/break/b-1%23/x', '/break/b%23', '/last/b-1%23/x', '/break/%23b-1';
refused('in the segment before it', '/open-header', 'ambiguous_path',
    headers => ["X-Path: $_"]) for '../v1/businesses#/b-2/x',
    '#/../../v1/businesses/b-2';
refused('another business', '/break/b-2/a%23b', 'wrong_business');
refused('a raw one, which is no request', "$here/a#b", 'ambiguous_path');

$gw->finish;
