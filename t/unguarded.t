# D3: a location that demands nothing opens no business by accident.
# What names a business there is refused, unless the location, or one around
# it, says `off` itself.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(slurp spew);
use AGW::Gateway;

# `off` of http and of a server opens nothing

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_require off;

    log_format result '$http_x_row|$auth_gateway_result|';
    access_log %%PREFIX%%/logs/result.log result;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        root %%PREFIX%%/html;

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            error_page 404 /missing.html;
            error_page 410 @gone;
            proxy_intercept_errors on;
        }

        location = /missing.html {
            internal;
        }

        location @gone {
            default_type text/plain;
            return 410 "gone for good";
        }

        # an endpoint authenticates by itself

        location ~ ^/v1/businesses/[^/]+/auth-token$ {
            auth_gateway_token business;
            auth_gateway_business_path
                /v1/businesses/<business_id>/auth-token;
        }

        # matched, and nothing is said of what they demand

        location ~* \.(pdf|png|csv)$ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /v1/businesses/b-2/exact {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ^~ /v1/businesses/b-2/prefix/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ ^/v1/businesses/[^/]+/static/ {
            root %%PREFIX%%/html;
        }

        location ~ \.lax$ {
            auth_gateway_strict_path off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ \.if$ {
            if ($arg_x) {
                proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            }
        }

        location ~ \.put$ {
            limit_except PUT {
                auth_gateway_require off;
            }
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ \.read$ {
            auth_gateway_business_path /v1/businesses/<business_id>;
            limit_except GET {
                auth_gateway_require business;
            }
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # other ways to such a path

        location /break/ {
            rewrite ^/break/(.*)$ /v1/businesses/$1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ^~ /last/ {
            rewrite ^/last/(.*)$ /v1/businesses/$1 last;
        }

        location /try/ {
            try_files /none /v1/businesses/b-2/tried.pdf;
        }

        location /failing/ {
            error_page 404 =200 /v1/businesses/b-2/failed.pdf;
        }

        location /accel/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ \.named$ {
            auth_gateway_require off;
            try_files /none @static;
        }

        location @static {
            root %%PREFIX%%/html;
        }

        location ~ \.forwarded$ {
            auth_gateway_require off;
            try_files /none @forwarded;
        }

        location @forwarded {
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # opened by name

        location ~ \.open$ {
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/businesses/public/ {
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;

            location /v1/businesses/public/nested/ {
                proxy_pass http://127.0.0.1:%%UPSTREAM%%;

                location ~ \.deep$ {
                    proxy_pass http://127.0.0.1:%%UPSTREAM%%;
                }
            }

            location /v1/businesses/public/not/ {
                auth_gateway_require business;
                auth_gateway_business_path /v1/businesses/<business_id>;
                proxy_pass http://127.0.0.1:%%UPSTREAM%%;

                location ~ \.txt$ {
                    proxy_pass http://127.0.0.1:%%UPSTREAM%%;
                }
            }

            if ($arg_if) {
                proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            }

            limit_except GET {
                deny 192.0.2.1;
            }
        }

        location /open-break/ {
            auth_gateway_require off;
            rewrite ^/open-break/(.*)$ /v1/businesses/$1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location / {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # no location for the rest: files

    server {
        listen 127.0.0.1:%%TLS2%% ssl http2;
        root %%PREFIX%%/html;
        auth_gateway_require off;

        location /elsewhere/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            rewrite ^/elsewhere/(.*)$ /v1/businesses/$1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # nothing is demanded: nothing is looked at

    server {
        listen 127.0.0.1:%%TLS3%% ssl http2;

        location / {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf,
    before => sub {
        my ($prefix) = @_;

        mkdir "$prefix/html" unless -d "$prefix/html";

        for my $dir ('v1', 'v1/businesses', 'v1/businesses/b-2',
            'v1/businesses/b-2/static')
        {
            mkdir "$prefix/html/$dir" or die "$dir: $!\n";
        }

        spew("$prefix/html/v1/businesses/b-2/$_", "a file of b-2\n")
            for 'static/x', 'x.named', 'x';
        spew("$prefix/html/missing.html", "it is missing\n");
    },
    reply => sub {
        my ($request) = @_;
        my ($status) = $request->{target} =~ m{/status/(\d+)};

        return ($status, [], '') if $status;
        return unless $request->{target} =~ m{^/accel/};
        return (200, ["X-Accel-Redirect: $request->{headers}{'x-to'}[0]"],
            '');
    });
my $token = $gw->mint(partner_id => 'p-1', business_id => 'b-1');

$gw->good_is(sub {
    return $gw->request('GET', '/v1/businesses/b-1/x', bearer => $token,
        quiet => 1)->status == 200;
});

sub unguarded {
    my ($name, $target, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $response = $gw->request($opt{method} // 'GET', $target, %opt);

    return $gw->refused("D3 $name: $target", $response, 'unguarded_path',
        reaches => $opt{reaches});
}

sub passes {
    my ($name, $target, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $response = $gw->request($opt{method} // 'GET', $target, %opt);

    return is_deeply([$response->status,
        map { $_->{target} } $gw->upstream_saw],
        [200, $opt{as} // $target], "D3 $name: $target");
}


# A regex location for files beside the guarded one: GET .../report.pdf went
# up without any token, or with that of another business, while /V1/... was
# refused.

unguarded('a regex location', '/v1/businesses/b-2/report.pdf');
unguarded('a regex location, with its own token',
    '/v1/businesses/b-1/report.pdf', bearer => $token);
unguarded('a regex location, another method', '/v1/businesses/b-2/x.PDF',
    method => 'DELETE');
unguarded('the business alone', '/v1/businesses/b-2.csv');
unguarded('a query', '/v1/businesses/b-2/report.pdf?x=/docs/a.pdf');
unguarded('an encoded name', '/v1/businesses/b-2/a%20b.p%64f');
unguarded('an exact location', '/v1/businesses/b-2/exact');
unguarded('a prefix location', '/v1/businesses/b-2/prefix/x');
unguarded('files', '/v1/businesses/b-2/static/x');
unguarded('a segment that is no id', '/v1/businesses/;v=1.pdf');

for my $target ('/V1/businesses/b-2/report.pdf',
    '/v1/businesses/b%2d2/report.pdf', '/v1/businesses/*/report.pdf',
    '/v1/businesses/b-2/..%2freport.pdf')
{
    $gw->refused("D6 another spelling: $target",
        $gw->request('GET', $target), 'ambiguous_path');
}

passes('a path that is nobody\'s', $_) for '/files/report.pdf',
    '/v1/businesses.pdf', '/v2/businesses/b-2.pdf', '/v1/business/b-2.png';


# strict_path lifts what answers 400, and nothing else

unguarded('strict_path off', $_) for '/v1/businesses/b-2/x.lax',
    '/v1/businesses/%20/x.lax', '/v1/businesses/a%2fb.lax',
    '/v1/businesses/b-2/..%2fx.lax', '/v1/businesses//b-2/x.lax',
    '/docs/../v1/businesses/b-2/x.lax';
passes('strict_path off', $_) for '/docs/..%2fx.lax', '/docs//x.lax';


# blocks: each is where its location is, and has what that says

unguarded('an if', '/v1/businesses/b-2/x.if?x=1');
unguarded('beside an if', '/v1/businesses/b-2/x.if');
unguarded('beside a limit_except', '/v1/businesses/b-2/x.put',
    method => 'PUT');
passes('a limit_except', '/v1/businesses/b-2/x.put');
unguarded('beside a limit_except that demands', '/v1/businesses/b-2/x.read');
$gw->refused('D3 a limit_except that demands', $gw->request('POST',
    '/v1/businesses/b-2/x.read', body => ''), 'no_credentials');


# A rewrite, an internal redirect: the location that it ends in decides, and
# the path that it ends with.

unguarded('rewrite ... break', '/break/b-2/x');
unguarded('rewrite ... break, of the own token', '/break/b-1/x',
    bearer => $token);
passes('rewrite ... break to no business', '/break/', as =>
    '/v1/businesses/');
$gw->refused('D3 rewrite ... last', $gw->request('GET', '/last/b-2/x'),
    'no_credentials');
unguarded('rewrite ... last', '/last/b-2/x.pdf');
unguarded('try_files', '/try/x');
unguarded('error_page', '/failing/x');
unguarded('X-Accel-Redirect', '/accel/x', reaches => 1,
    headers => ['X-To: /v1/businesses/b-2/x.pdf']);
unguarded('a named location for files', '/v1/businesses/b-2/x.named');
passes('a named location that is opened',
    '/v1/businesses/b-2/x%20y.forwarded');


# an endpoint is exempt

{
    my $partner = $gw->partner;
    my $business = $gw->business($partner);
    my $response = $gw->request('POST',
        "/v1/businesses/$business/auth-token", body => '',
        bearer => $gw->mint(partner_id => $partner->{id}));

    is($response->status, 200, 'D3 an endpoint');
    is($response->json->{business_id}, $business, 'D3 gives its token');
}


# error pages of a guarded location go on working

{
    my $response = $gw->request('GET', '/v1/businesses/b-1/status/404',
        bearer => $token);

    is_deeply([$response->status, $response->body],
        [404, "it is missing\n"], 'D3 an error page with a path of its own');
    $response = $gw->request('GET', '/v1/businesses/b-1/status/410',
        bearer => $token);
    is_deeply([$response->status, $response->body], [410, 'gone for good'],
        'D3 an error page that is a return in a named location');
}


# opened by name, there or around it

passes('a regex location that says off', '/v1/businesses/b-2/x.open');
passes('a prefix location that says off', '/v1/businesses/public/x');
passes('nested in it', '/v1/businesses/public/nested/x');
passes('nested twice', '/v1/businesses/public/nested/x.deep');
passes('an if in it', '/v1/businesses/public/x?if=1');
passes('a limit_except in it', '/v1/businesses/public/x', method => 'POST',
    body => '');
passes('a rewrite that it says itself', '/open-break/b-2/x',
    as => '/v1/businesses/b-2/x');
$gw->refused("D3 what demands again, nested in it: $_",
    $gw->request('GET', $_), 'no_credentials')
    for '/v1/businesses/public/not/x', '/v1/businesses/public/not/x.txt';


# where no location matches

unguarded('no location', '/v1/businesses/b-2/x', port => 'TLS2');
$gw->refused('D3 no location, another spelling',
    $gw->request('GET', '/v1/Businesses/b-2/x', port => 'TLS2'),
    'ambiguous_path');
is($gw->request('GET', '/missing.html', port => 'TLS2')->body,
    "it is missing\n", 'D3 no location, and no business');


# HTTP/2, the variable, and a server that guards nothing

{
    my $h2 = $gw->connect_h2;

    $gw->mark;
    $gw->refused('D3 over HTTP/2', $h2->request('GET',
        '/v1/businesses/b-2/report.pdf'), 'unguarded_path');
    $h2->close;

    $gw->request('GET', '/v1/businesses/b-2/report.pdf',
        headers => ['X-Row: row']);
    $gw->nginx->stop;
    like(slurp($gw->prefix . '/logs/result.log'),
        qr/^row\|unguarded_path\|$/m, 'D7 $auth_gateway_result');
    $gw->nginx->restart;
    $gw->new_workers;
}

passes('a server that demands nothing', '/v1/businesses/b-2/x',
    port => 'TLS3');

$gw->finish;
