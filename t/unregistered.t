# P10, D10: conf/nginx.conf for Thredfi's widget of a business that is not
# registered yet: its location runs if nothing but the signs "#" is taken away.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Demo;
use AGW::Files qw(repo_root slurp);

my $origin = 'https://app.example';
my $prices = '/api/v1/product-pricing/tiers/';
my ($block) = slurp(repo_root() . '/conf/nginx.conf')
    =~ m{^( {8}\# location /api/.*?^ {8}\# \}\n)}ms;

my $gw = AGW::Demo->start(origin => $origin,
    changes => [[qr/\Q$block\E/, $block =~ s/^ {8}\# ?/        /mgr]]);

$gw->obtain_tokens;

my $r = $gw->request('OPTIONS', $prices, headers => ["Origin: $origin",
    'Access-Control-Request-Method: POST']);

is_deeply([$r->status, $r->header('Access-Control-Allow-Origin')],
    [204, $origin], 'P10 a preflight without a token');
is_deeply([$gw->upstream_saw], [], 'P10 which nginx answers');

for my $way (['prices', 'GET'], ['an inquiry', 'POST', body => '{}']) {
    my ($name, $method, @body) = @$way;

    $r = $gw->request($method, $prices, @body, headers => ["Origin: $origin",
        'Content-Type: application/json', 'X-Partner-Id: p',
        'X-Business-Id: b']);
    is_deeply([$r->status, $r->header('Access-Control-Allow-Origin')],
        [200, $origin], "P10 $name, without a token") or diag($r->body);
    is_deeply([map { [$_->{target},
        @{ $_->{headers} }{qw(x-partner-id x-business-id)}] }
        $gw->upstream_saw], [[$prices, undef, undef]],
        'P4.6 under nobody\'s name');
}

# and nothing else is open

my $business = $gw->{businesses}[0];

$gw->refused('P10 a business without a token',
    $gw->request('GET', "/v1/platform/businesses/$business/"),
    'no_credentials', format => 'thred');
is($gw->request('GET', '/api/v1/x')->status, 404, 'P10 and nothing beside it');

$gw->finish;
