# D6 and D3, proxy_cache under `auth_gateway_enforce log`: who is let through
# has no identity, so all of them had one cache key, and the response to one
# client was sent to the next.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    proxy_cache_path %%PREFIX%%/tmp/cache keys_zone=cache:1m;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        auth_gateway_enforce %%ENFORCE%%;
        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location /v1/businesses/ {
            include %%CONF%%/guarded_proxy.conf;
            proxy_cache cache;
            proxy_cache_valid any 60s;
            proxy_cache_key
                $auth_gateway_partner_id|$auth_gateway_business_id|$request_uri;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $answered = 0;
my $gw = AGW::Gateway->start($conf, names => { ENFORCE => 'log' },
    reply => sub { return (200, [], 'answer ' . ++$answered) });
my $good = $gw->mint(partner_id => 'p-1', business_id => 'b-1');
my $second = $gw->mint(partner_id => 'p-2', business_id => 'b-1');
my $path = '/v1/businesses/b-1/x';

sub get {
    my (%opt) = @_;

    return $gw->request('GET', $path, quiet => 1, %opt)->body;
}

my %seen;

for my $who ([bearer => 'alice'], [bearer => 'bob'], [],
    [headers => ['Cookie: session=1']], [headers => ['Cookie: session=2']],
    [bearer => 'alice'])
{
    $seen{get(@$who)}++;
}

is_deeply([sort values %seen], [(1) x 6],
    'D3 each request that is let through has its own response');

my $cached = get(bearer => $good);

is(get(bearer => $good), $cached, 'D3 one with an identity is cached');
isnt(get(bearer => $second), $cached, 'D6 for its partner alone');
ok(!$seen{$cached}, 'D3 and never has that of another');
isnt(get(), $cached, 'D3 nor has another the one that is cached');

# `on`: as ever

ok($gw->nginx->reload($conf =~ s/%%ENFORCE%%/on/r), 'D3 on, by a reload');
$gw->new_workers;
is(get(bearer => $good), $cached, 'D6 cached over a reload');
is($gw->request('GET', $path, quiet => 1)->status, 401,
    'D6 checked before the cache is read');

$gw->finish;
