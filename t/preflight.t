# D6: a CORS preflight carries no token, and passes only where it is one to
# the letter.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location /v1/businesses/ {
            auth_gateway_pass_preflight on;
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-Scope "s=$auth_gateway_scope";
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /closed/ {
            auth_gateway_business_path /closed/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /either/ {
            auth_gateway_pass_preflight on;
            auth_gateway_business_path /either/<business_id>;
            satisfy any;
            deny all;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $token = $gw->mint(partner_id => 'p-1', business_id => 'b-1');
my @preflight = ('Origin: https://app.example',
    'Access-Control-Request-Method: GET');
my $path = '/v1/businesses/b-1/x';

$gw->good_is(sub {
    return $gw->request('GET', $path, bearer => $token);
});


# a real one, for any business; the upstream is told of nobody

for my $target ($path, '/v1/businesses/b-2') {
    my $r = $gw->request('OPTIONS', $target, headers => [@preflight,
        'Access-Control-Request-Headers: authorization',
        'X-Partner-Id: p-1', 'X-Business-Id: b-1']);

    is($r->status, 200, "D6 a preflight to $target passes");

    my ($seen) = $gw->upstream_saw;

    is($seen->{method}, 'OPTIONS', 'D6 and reaches the upstream');
    is_deeply([map { $seen->{headers}{$_} } qw(x-partner-id x-business-id
        authorization x-scope)], [undef, undef, undef, ['s=']],
        'D6 which is told of nobody');
}

{
    my $r = $gw->connect_h2->request('OPTIONS', $path,
        headers => [['origin', 'https://app.example'],
            ['access-control-request-method', 'PUT']]);

    is($r->status, 200, 'D6 a preflight over HTTP/2 passes');
}


# what is none needs a token

my %none = (
    'without Origin' => [$preflight[1]],
    'without Access-Control-Request-Method' => [$preflight[0]],
    'with an empty Origin' => ['Origin:', $preflight[1]],
    'with two Origins' => [@preflight, 'Origin: https://b.example'],
    'with two methods' => [@preflight, 'access-control-request-method: PUT'],
    'with another scheme' => [@preflight, 'Authorization: Basic eDp5'],
);

for my $what (sort keys %none) {
    $gw->refused("D6 OPTIONS $what",
        $gw->request('OPTIONS', $path, headers => $none{$what}),
        'no_credentials');
}

for my $method (qw(GET POST PUT DELETE)) {
    $gw->refused("D6 $method that looks like one",
        $gw->request($method, $path, headers => \@preflight),
        'no_credentials');
}

$gw->refused('D6 OPTIONS with a body',
    $gw->request('OPTIONS', $path, headers => \@preflight, body => 'x'),
    'no_credentials');

$gw->refused('D6 OPTIONS with a bad token',
    $gw->request('OPTIONS', $path, headers => \@preflight, bearer => 'a.b'),
    'malformed_token');

$gw->refused('D6 on an ambiguous path',
    $gw->request('OPTIONS', '/v1/businesses/b-1/..%2fb-2',
        headers => \@preflight), 'ambiguous_path');

$gw->refused('D6 over plain HTTP',
    $gw->request('OPTIONS', $path, headers => \@preflight,
        port => 'PLAIN'), 'insecure_transport');

$gw->refused('D6 where it is off, which it is by default',
    $gw->request('OPTIONS', '/closed/b-1', headers => \@preflight),
    'no_credentials');


# it satisfies nothing: what else guards the location has its say

is($gw->request('OPTIONS', '/either/b-1', headers => \@preflight)->status,
    403, 'D6 a preflight under satisfy any');

$gw->finish;
