# P3.5: a client in a page, in Chromium, that behaves as Layer's browser
# library does.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Copy qw(copy);
use Test::More;

use AGW::Browser qw(run_in_browser);
use AGW::Conf qw(free_port);
use AGW::Files qw(repo_root);
use AGW::Gateway;
use AGW::Upstream;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_partner_scope https://sandbox.example/sandbox;
    auth_gateway_error_format layer;

    map $http_origin $cors_origin {
        http://localhost:%%PAGE%%  http://localhost:%%PAGE%%;
    }

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /v1/platform/oauth2/token {
            include cors.conf;
            auth_gateway_token partner;
        }

        location ~ ^/v1/businesses/[^/]+/auth-token$ {
            include cors.conf;
            auth_gateway_token business;
            auth_gateway_business_path /v1/businesses/<business_id>/auth-token;
        }

        location /v1/businesses/ {
            include cors.conf;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $page = free_port();
my $gw = AGW::Gateway->start($conf, names => { PAGE => $page },
    reply => \&AGW::Upstream::echo, before => sub {
        for my $name (qw(cors cors_headers)) {
            copy(repo_root() . "/conf/$name.conf", "$_[0]/$name.conf")
                or die "$name.conf: $!\n";
        }
    });

my $partner = $gw->partner;
my ($business, $other) = map { $gw->business($partner) } 1, 2;

run_in_browser($gw, 'layer_page.mjs', {
    base => 'https://127.0.0.1:' . $gw->nginx->port('TLS'),
    origin => "http://localhost:$page",
    description => repo_root() . '/conf/openapi.yaml',
    scope => 'https://sandbox.example/sandbox',
    id => $partner->{id}, key => $partner->{key}, business => $business,
    foreign => $gw->business($gw->partner),
    archived => $gw->business($partner, status => 'archived'),
    own => "/v1/businesses/$business/invoices",
    other => "/v1/businesses/$other/invoices",
    expired => $gw->mint(partner_id => $partner->{id},
        business_id => $business,
        claims => { iat => time - 20, exp => time - 10 }),
});

$gw->finish;
