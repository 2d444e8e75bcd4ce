# D3: a partner token opens no business, whichever location has come by
# its path: its own template or that of any other location of the server says
# what a business is.  One literal path, of a `location =` that demands
# `partner` itself, is opened.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    # partner in locations

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~* \.(pdf|png|csv)$ {
            auth_gateway_require partner;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ \.other$ {
            auth_gateway_require partner;
            auth_gateway_business_path /v2/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ \.write$ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            limit_except GET {
                auth_gateway_require partner;
            }
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ \.if$ {
            auth_gateway_require partner;
            if ($arg_x) {
                proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            }
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /break/ {
            auth_gateway_require partner;
            rewrite ^/break/(.*)$ /v1/businesses/$1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ \.named$ {
            auth_gateway_require off;
            try_files /none @partner;
        }

        location @partner {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # literal paths

        location = /v1/businesses/all {
            auth_gateway_require partner;
            auth_gateway_business_path /v1/businesses/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /v1/businesses/other-template {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;

            if ($arg_x) {
                proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            }
        }

        location = /v1/businesses/limited {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            limit_except GET {
                auth_gateway_require partner;
            }
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /v1/businesses/rewritten {
            auth_gateway_require partner;
            rewrite ^ /v1/businesses/$arg_to? break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # nobody's

        location /v1/platform/ {
            auth_gateway_require partner;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;

            location = /v1/platform/v1 {
                proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            }
        }
    }

    # partner in the server: a `location =` that says nothing has no path that
    # it opens, nor has one nested in another

    server {
        listen 127.0.0.1:%%TLS2%% ssl http2;

        auth_gateway_require partner;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location / {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /v1/businesses/inherits {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/businesses/nested {
            auth_gateway_require partner;

            location = /v1/businesses/nested {
                proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            }

            location = /v1/businesses/nested-says-so {
                auth_gateway_require partner;
                proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            }
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $partner = $gw->mint(partner_id => 'p-1');
my $business = $gw->mint(partner_id => 'p-1', business_id => 'b-1');

$gw->good_is(sub {
    return $gw->request('GET', '/v1/platform/x', bearer => $partner,
        quiet => 1)->status == 200;
});

sub closed {
    my ($name, $target, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $method = $opt{method} // 'GET';

    $gw->refused("D3 $name, no token: $target",
        $gw->request($method, $target, %opt), 'no_credentials');

    return $gw->refused("D3 $name: $target", $gw->request($method, $target,
        bearer => $partner, %opt), 'wrong_kind', scope => undef, kid => 'k1',
        partner => 'p-1');
}

sub opened {
    my ($name, $target, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $method = $opt{method} // 'GET';
    my $r = $gw->request($method, $target, bearer => $partner, %opt);

    is_deeply([$r->status, map { $_->{target}, $_->{headers}{'x-business-id'} }
        $gw->upstream_saw], [200, $target, undef], "D3 $name: $target");

    return $gw->refused("D3 $name, another kind: $target",
        $gw->request($method, $target, bearer => $business, %opt),
        'wrong_kind', scope => undef);
}


# Partner 1 read partner 2's business: a regex location had come by its path,
# and has no template, or another.

closed('a regex location', $_) for '/v1/businesses/b-2/report.pdf',
    '/v1/businesses/b-2.csv', '/v1/businesses/b-1/a%20b.PNG';
closed('a regex location with another template', $_) for
    '/v1/businesses/b-2/x.other', '/v2/b-2/x.other';
closed('a limit_except', '/v1/businesses/b-2/x.write', method => 'POST',
    body => '');
closed('an if', '/v1/businesses/b-2/x.if?x=1');
closed('beside an if', '/v1/businesses/b-2/x.if');
closed('rewrite ... break', '/break/b-2/x');
closed('a named location', '/v1/businesses/b-2/x.named');
closed('of the server', $_, port => 'TLS2') for '/v1/businesses/b-2',
    '/v1/businesses/b-2/x';
closed('a location = that inherits it', '/v1/businesses/inherits',
    port => 'TLS2');
closed('a location = that inherits it from the one around it',
    '/v1/businesses/nested', port => 'TLS2');
closed('another path than the literal one', $_) for
    '/v1/businesses/rewritten?to=b-2', '/v1/businesses/rewritten?to=b-2/x';

$gw->refused('D6 another spelling of it', $gw->request('GET',
    '/v1/Businesses/b-2/report.pdf', bearer => $partner), 'ambiguous_path');


# literal paths, and what no template describes

opened('a location =', '/v1/businesses/all');
opened('a location = without that template', '/v1/businesses/other-template');
opened('an if in it', '/v1/businesses/other-template?x=1');
opened('a limit_except in one', '/v1/businesses/limited', method => 'POST',
    body => '');
opened('a location = in another', '/v1/businesses/nested-says-so',
    port => 'TLS2');
opened('nobody\'s path', $_) for '/v1/platform/x', '/v1/platform/v1',
    '/x.pdf', '/v1/businesses.pdf';
opened('the list', '/v1/businesses/', port => 'TLS2');

$gw->refused('D3 a longer path is another', $gw->request('GET',
    '/v1/businesses/all/x', bearer => $partner), 'wrong_kind');
$gw->refused('D3 the literal path, written otherwise', $gw->request('GET',
    '/v1/businesses/%61ll', bearer => $partner), 'ambiguous_path');

$gw->finish;
