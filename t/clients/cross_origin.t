# P4.5: web pages in Chromium, on origins that may call the gateway and on
# others, over TLS; and a client in a page that behaves as Thredfi's does.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Copy qw(copy);
use Test::More;

use AGW::Browser qw(run_in_browser);
use AGW::Conf qw(free_port);
use AGW::Files qw(repo_root slurp);
use AGW::Gateway;
use AGW::Skip qw(skip_for);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    map $http_origin $cors_origin {
        http://localhost:%%PAGE%%  http://localhost:%%PAGE%%;
        http://127.0.0.1:%%BACKED%%  http://127.0.0.1:%%BACKED%%;
    }

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /v1/platform/oauth2/token/ {
            auth_gateway_token partner;
        }

        location ~ ^/v1/platform/[^/]+/oauth2/token/?$ {
            auth_gateway_token business;
            auth_gateway_business_path
                /v1/platform/<business_id>/oauth2/token;
        }

        location /v1/businesses/ {
            include cors.conf;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /own-cors/ {
            auth_gateway_business_path /own-cors/<business_id>;
            include cors_upstream.conf;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /elsewhere/ {
            auth_gateway_business_path /elsewhere/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my %port = map { $_ => free_port() } qw(PAGE STRANGER BACKED);
my $gw = AGW::Gateway->start($conf, names => { %port }, before => sub {
    for my $name (qw(cors cors_headers cors_upstream)) {
        copy(repo_root() . "/conf/$name.conf", "$_[0]/$name.conf")
            or die "$name.conf: $!\n";
    }
}, reply => sub {
    my ($request) = @_;

    # below this path it has CORS of its own

    return unless $request->{target} =~ m{^/own-cors/};

    return ($request->{method} eq 'OPTIONS' ? 204 : 200, [
        'Access-Control-Allow-Origin: *',
        'Access-Control-Allow-Headers: Authorization, X-Upstream',
    ], $request->{method} eq 'OPTIONS' ? '' : 'its own');
});

my $partner = $gw->partner;
my ($business, $other) = map { $gw->business($partner) } 1, 2;
my $base = 'https://127.0.0.1:' . $gw->nginx->port('TLS');
my %bearer = (partner_id => $partner->{id}, business_id => $business);

my $ran = run_in_browser($gw, 'cross_origin.mjs', {
    id => $partner->{id}, key => $partner->{key},
    partner_url => "$base/v1/platform/oauth2/token/",
    business_url => "$base/v1/platform/$business/oauth2/token/",
    own => "$base/v1/businesses/$business/invoices",
    other => "$base/v1/businesses/$other/invoices",
    elsewhere => "$base/elsewhere/$business",
    own_cors => "$base/own-cors/$business/x",
    token => $gw->mint(%bearer),
    expired => $gw->mint(%bearer,
        claims => { iat => time - 20, exp => time - 10 }),
    origin => "http://localhost:$port{PAGE}",
    stranger => "http://localhost:$port{STRANGER}",
    backed => "http://127.0.0.1:$port{BACKED}",
});

# what the gateway saw of it

SKIP: {
    skip_for('a browser', 'what the gateway saw of it is') unless $ran;

    my $log = slurp($gw->prefix . '/logs/access.log');

    like($log, qr{"OPTIONS /v1/businesses/\S+ HTTP/2\.0" 204 },
        'P4.5 preflights were sent, and answered');
    like($log, qr{"OPTIONS /v1/businesses/\S+ HTTP/2\.0" 401 },
        'P4.5 those of strangers were refused');

    my @seen = $gw->upstream->since(0);

    is(scalar(grep { $_->{method} eq 'OPTIONS'
        && $_->{target} =~ m{^/own-cors/} } @seen) > 0, 1,
        'D6 preflights reached the upstream that answers them');

    @seen = grep { $_->{method} ne 'OPTIONS' } @seen;

    is_deeply([grep { $_->{method} !~ /^(?:GET|PUT)$/
        || !$_->{headers}{'x-business-id'} } @seen], [],
        'P4.5 and what reached the upstream had a token');
}

$gw->finish;
