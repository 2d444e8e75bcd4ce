# How demands pass from level to level: http, server, locations of each
# form, limit_except, if.

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

    auth_gateway_require business;
    auth_gateway_business_path /b/<business_id>;
    auth_gateway_realm "from http";

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        merge_slashes off;

        # all of http's

        location /b/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /b/exact {
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ^~ /b/b-1/first/ {
            auth_gateway_scope first;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ \.report$ {
            auth_gateway_scope report;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # nested: one level at a time

        location /n/ {
            auth_gateway_business_path /n/<business_id>;
            auth_gateway_realm "from n";

            location /n/b-1/deep/ {
                auth_gateway_scope deep;

                location /n/b-1/deep/open/ {
                    auth_gateway_require off;
                    proxy_pass http://127.0.0.1:%%UPSTREAM%%;
                }

                location ~ /own/ {
                    auth_gateway_realm "from own";
                    proxy_pass http://127.0.0.1:%%UPSTREAM%%;
                }

                proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            }

            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /open/ {
            auth_gateway_require off;

            location /open/guarded/ {
                auth_gateway_require partner;
                proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            }

            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /lax/ {
            auth_gateway_require off;
            auth_gateway_strict_path off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # limit_except

        location /unsafe/ {
            auth_gateway_require off;
            auth_gateway_business_path /unsafe/<business_id>;

            limit_except GET {
                auth_gateway_require business;
            }

            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /write/ {
            auth_gateway_business_path /write/<business_id>;

            limit_except GET OPTIONS {
                auth_gateway_scope write;
            }

            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # if

        location /if/ {
            auth_gateway_business_path /if/<business_id>;

            if ($arg_v = 2) {
                proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            }

            if ($arg_v = 3) {
                set $third 1;
            }

            proxy_set_header X-Third $third;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /if-static/ {
            auth_gateway_business_path /if-static/<business_id>;

            if ($arg_v = 2) {
                proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            }

            alias %%PREFIX%%/html/;
        }

        # answering, though all about is guarded

        location = /token {
            auth_gateway_realm "from token";
            auth_gateway_token partner;
        }

        location = /token-if {
            auth_gateway_token partner;

            if ($arg_v = 2) {
                set $second 1;
            }
        }

        location = /token-limited {
            auth_gateway_token partner;

            limit_except POST {
                allow all;
            }
        }

        location /below-token/ {
            auth_gateway_business_path /below-token/<business_id>;

            location = /below-token/token {
                auth_gateway_token partner;
            }

            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # formats

        location /thred/ {
            auth_gateway_error_format thred;
            auth_gateway_business_path /thred/<business_id>;

            location /thred/b-1/oauth2/ {
                auth_gateway_error_format oauth2;
                proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            }

            location = /thred/token {
                auth_gateway_token partner;
            }

            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # a server with a word of its own

    server {
        listen 127.0.0.1:%%TLS2%% ssl;

        auth_gateway_require partner;
        auth_gateway_realm "from server";
        auth_gateway_error_format thred;

        location / {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /b/ {
            auth_gateway_require business;
            auth_gateway_error_format oauth2;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # nothing is guarded here, and so nothing is checked

    server {
        listen 127.0.0.1:%%TLS3%% ssl;

        auth_gateway_require off;

        location / {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /token-limited {
            auth_gateway_token partner;

            limit_except POST {
                allow all;
            }
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my ($business, $other) = ('b-1', 'b-2');
my $partner = $gw->partner;
my $token = $gw->mint(partner_id => 'p-1', business_id => $business);
my $unscoped = $gw->mint(partner_id => 'p-1');

$gw->{realm} = 'from http';

sub scoped {
    my ($scope) = @_;

    return $gw->mint(partner_id => 'p-1', business_id => $business,
        claims => { scope => $scope });
}

sub ask {
    my ($target, $bearer, %opt) = @_;

    return $gw->request($opt{method} // 'GET', $target, bearer => $bearer,
        %opt);
}

sub passes {
    my ($name, $target, $bearer, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $response = ask($target, $bearer, %opt);
    my @saw = $gw->upstream_saw;

    is_deeply([$response->status, map { $_->{method}, $_->{target} } @saw],
        [200, $opt{method} // 'GET', $target], $name)
        or diag($response->body);

    return $saw[0];
}

$gw->good_is(sub {
    return ask("/b/$business/x", $token, quiet => 1)->status == 200;
});

# from http to locations of each form

passes('D3 http to location', "/b/$business/x", $token);
$gw->refused('D3 http to location, nobody', ask("/b/$business/x", undef),
    'no_credentials');
$gw->refused('D3 http to location, another business',
    ask("/b/$other/x", $token), 'wrong_business');
$gw->refused('D3 http to no location at all', ask('/none', $token),
    'no_business_in_path');
$gw->refused('D3 http to no location at all, nobody', ask('/none', undef),
    'no_credentials');
passes('D3 an exact location', '/b/exact', undef);
$gw->refused('D3 beside an exact location', ask('/b/exact/', undef),
    'no_credentials');

for (['^~', 'first', "/b/$business/first/x.report"],
    ['regex', 'report', "/b/$business/x.report"])
{
    my ($form, $scope, $target) = @$_;

    passes("D3 a $form location", $target, scoped($scope));
    $gw->refused("D3 a $form location, scope", ask($target, $token),
        'insufficient_scope', scope => $scope);
}

# nested

{
    local $gw->{realm} = 'from n';

    passes('D3 nested, above', "/n/$business/x", $token);
    $gw->refused('D3 nested, above', ask("/n/$business/x", undef),
        'no_credentials');
    passes('D3 nested', "/n/$business/deep/x", scoped('deep'));
    $gw->refused('D3 nested, scope', ask("/n/$business/deep/x", $token),
        'insufficient_scope', scope => 'deep');
    passes('D3 nested twice, off by name', "/n/$business/deep/open/x");
    $gw->{realm} = 'from own';
    passes('D3 nested twice, regex', "/n/$business/deep/own/x",
        scoped('deep'));
    $gw->refused('D3 nested twice, regex, keeps the scope',
        ask("/n/$business/deep/own/x", $token), 'insufficient_scope',
        scope => 'deep');
}

passes('D3 off', '/open/x');
passes('D3 off, above a guarded one', '/open/guarded/x', $unscoped);
$gw->refused('D3 guarded below off', ask('/open/guarded/x', undef),
    'no_credentials');
$gw->refused('D3 guarded below off, kind', ask('/open/guarded/x', $token),
    'wrong_kind', scope => undef);

# strict_path: off by name only

for ('x/..%2fy', 'a%5cb', 'a/%252e%252e/b', 'a//b') {
    passes("D6 strict_path off, $_", "/lax/$_");
    $gw->refused("D6 strict_path on, $_", ask("/open/$_", undef),
        'ambiguous_path');
}

$gw->refused('D6 strict_path off, and on where the path leads to',
    ask("/lax/..%2fb/$business/x", $token), 'ambiguous_path');
passes('D6 a server without a guarded location is not checked',
    "/open/..%2fb/$other/x", undef, port => 'TLS3');

# limit_except: a demand for some methods, and for those nobody knows

for (qw(GET HEAD)) {
    passes("D3 limit_except, $_ is open", "/unsafe/$business/x", undef,
        method => $_);
}

for (qw(POST PUT PATCH DELETE OPTIONS PROPFIND MKCOL FOO)) {
    $gw->refused("D3 limit_except, $_ is not",
        ask("/unsafe/$business/x", undef, method => $_), 'no_credentials');
    $gw->refused("D3 limit_except, $_, another business",
        ask("/unsafe/$other/x", $token, method => $_), 'wrong_business');
    passes("D3 limit_except, $_ with a token", "/unsafe/$business/x",
        $token, method => $_);
}

{
    my $r = ask("/unsafe/$business/x", undef, method => 'get');

    is_deeply([$r->status, $gw->upstream_saw], [400],
        'D3 limit_except, no method at all');
}

$gw->refused('D6 limit_except, an open method has a plain path',
    ask("/unsafe/$business/..%2fx", undef), 'ambiguous_path');

for (qw(GET HEAD OPTIONS)) {
    passes("D3 limit_except, $_, the scope above", "/write/$business/x",
        $token, method => $_);
    $gw->refused("D3 limit_except, $_, nobody",
        ask("/write/$business/x", undef, method => $_), 'no_credentials',
        method => $_);
}

for (qw(POST DELETE FOO)) {
    $gw->refused("D3 limit_except, $_, its own scope",
        ask("/write/$business/x", $token, method => $_),
        'insufficient_scope', scope => 'write');
    passes("D3 limit_except, $_, with its own scope", "/write/$business/x",
        scoped('write'), method => $_);
    $gw->refused("D3 limit_except, $_, the template above",
        ask("/write/$other/x", scoped('write'), method => $_),
        'wrong_business', scope => 'write');
}

# if: a location of its own to nginx, with the demand of the one around it

for my $place (qw(if if-static)) {
    for my $v (1 .. 3) {
        my $url = "/$place/$business/x?v=$v";

        passes("D3 $place, v=$v", $url, $token)
            if $place eq 'if' || $v == 2;
        $gw->refused("D3 $place, v=$v, nobody", ask($url, undef),
            'no_credentials');
        $gw->refused("D3 $place, v=$v, another business",
            ask("/$place/$other/x?v=$v", $token), 'wrong_business');
    }
}

# answering

sub grants {
    my ($name, $target) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $r = ask($target, undef, method => 'POST',
        basic => [$partner->{id}, $partner->{key}]);

    return is_deeply([$r->status, ($r->json // {})->{token_type}],
        [200, 'Bearer'], $name);
}

for ('/token-if', '/token-if?v=2', '/token-limited', '/below-token/token') {
    grants("D3 $_ answers where all about is guarded", $_);
    $gw->refused("D3 $_, without credentials",
        ask($_, undef, method => 'POST'), 'no_credentials', by => 'basic');
    $gw->refused("D3 $_, a token is no API key",
        ask($_, $token, method => 'POST'), 'no_credentials',
        by => 'basic');
}

for ('/token-if', '/token-if?v=2', '/below-token/token') {
    $gw->refused("P0.3 $_, GET", ask($_, undef), 'method_not_allowed',
        by => 'basic');
}

# The methods of a limit_except had no content handler: nginx looked for a
# file, guarded or not.

for my $port ('TLS', 'TLS3') {
    $gw->refused("P0.3 limit_except in a token location, $_, $port",
        ask('/token-limited', undef, method => $_, port => $port),
        'method_not_allowed', by => 'basic', method => $_)
        for qw(GET HEAD PUT FOO);
}

$gw->refused('D3 beside /below-token/token',
    ask("/below-token/$business/x", undef), 'no_credentials');

{
    local $gw->{realm} = 'from token';

    grants('D3 /token', '/token');
    $gw->refused('P0.7 the realm of /token',
        ask('/token', undef, method => 'POST'), 'no_credentials',
        by => 'basic');
}

# error_format

sub body_is {
    my ($name, $response, $status, $member) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is_deeply([$response->status,
        join ' ', sort keys %{ $response->json // {} }],
        [$status, $member], "P4.4 $name");
    is(scalar $gw->upstream_saw, 0, "P4.4 $name, not at the upstream");
    is_deeply([$gw->problems_after], [], "P4.4 $name, then a good request");

    return;
}

my $thred = 'details error error_code';

body_is('thred', ask("/thred/$business/x", undef), 401, $thred);
body_is('thred, nothing that is its own', ask('/thred/x', $token), 403,
    $thred);
$gw->refused('P4.4 oauth2 below thred', ask("/thred/$business/oauth2/x",
    undef), 'no_credentials');
$gw->refused('P4.4 thred is oauth2 where tokens are given',
    ask('/thred/token', undef, method => 'POST'), 'no_credentials',
    by => 'basic');

# a server's own word

{
    local $gw->{realm} = 'from server';
    my %two = (port => 'TLS2');

    passes('D3 server over http', '/x', $unscoped, %two);
    body_is('D3 server over http, kind', ask('/x', $token, %two), 403,
        $thred);
    passes('D3 location over server', "/b/$business/x", $token, %two);
    $gw->refused('D3 location over server',
        ask("/b/$business/x", $unscoped, %two), 'wrong_kind');
    is(ask('/x', undef, %two)->header('WWW-Authenticate'),
        'Bearer realm="from server"', 'P0.7 the realm of the server');
}

passes('D3 server off over http', '/x', undef, port => 'TLS3');

$gw->finish;
