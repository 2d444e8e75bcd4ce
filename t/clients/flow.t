# P10: OAuth clients of Python and Node get both kinds of token, make
# a guarded call, and see a refusal for what it is.  t/clients.t has the calls
# as the API documents show them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use AGW::Clients qw(run_checks);
use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_partner_scope reports;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location ~ ^/v1/platform/oauth2/token/?$ {
            auth_gateway_token partner;
        }

        location ~ ^/v1/platform/[^/]+/oauth2/token/?$ {
            auth_gateway_token business;
            auth_gateway_business_path
                /v1/platform/<business_id>/oauth2/token;
        }

        location /v1/businesses/ {
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $partner = $gw->partner;
my $business = $gw->business($partner);
my $other = $gw->business($gw->partner);
my $base = 'https://127.0.0.1:' . $gw->nginx->port('TLS');

my %calls = (
    base => $base, id => $partner->{id}, key => $partner->{key},
    business => $business,
    token_path => '/v1/platform/oauth2/token/',
    partner_url => "$base/v1/platform/oauth2/token/",
    business_url => "$base/v1/platform/$business/oauth2/token/",
    own => "$base/v1/businesses/$business/invoices",
    other => "$base/v1/businesses/$other/invoices",
);

my @scripts = qw(
    flow_requests.py flow_authlib.py flow_fetch.mjs flow_oauth4webapi.mjs
    flow_openid_client.mjs flow_simple_oauth2.mjs
);

for my $script (@scripts) {
    $gw->mark;
    run_checks($gw->prefix, $script, \%calls) or next;

    my @seen = map {
        my $headers = $_->{headers};

        [$_->{method}, @$headers{qw(x-partner-id x-business-id
            authorization)}];
    } $gw->upstream_saw;

    is_deeply(\@seen, [
        ['GET', [$partner->{id}], [$business], undef],
    ], "P4.6 $script: the upstream got the one call, and whose it is");
}

$gw->finish;
