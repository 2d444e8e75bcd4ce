# D6: what remains of a path after a location's name may be put behind
# another path.  `location /docs` with `proxy_pass http://up/docs/;` turned
# /docs../v1/businesses/b-2/x into /docs/../v1/businesses/b-2/x; `alias` does
# the same with files.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(spew);
use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    merge_slashes off;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /docs {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%/docs/;
        }

        location ^~ /help {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%/help/;
        }

        location /raw {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /open {
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%/open/;
        }

        location /partners {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%/partners/;
        }

        location /owned {
            auth_gateway_require business;
            auth_gateway_business_path /owned/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%/owned/;
        }

        location /alias {
            alias %%PREFIX%%/html/alias/;
        }

        location /nested {
            alias %%PREFIX%%/html/alias/;

            location ~ \.txt$ {
            }
        }

        location /in {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%/in/;

            if ($arg_if) {
                set $x 1;
            }

            limit_except GET {
                deny 192.0.2.1;
            }
        }

        location /token {
            auth_gateway_token partner;
        }

        location /lifted {
            auth_gateway_strict_path off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%/lifted/;
        }

        location ~ ^/regex {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /exact.. {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /to-named {
            try_files /none @named;
        }

        location @named {
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # nothing is demanded

    server {
        listen 127.0.0.1:%%TLS2%% ssl http2;

        location /docs {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%/docs/;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf, before => sub {
    my ($prefix) = @_;

    mkdir "$prefix/html" unless -d "$prefix/html";
    mkdir "$prefix/html/alias" or die "html/alias: $!\n";
    spew("$prefix/html/$_", "$_\n") for 'secret.txt', 'alias/x.txt';
});
my $partner = $gw->mint(partner_id => 'p-1');
my $token = $gw->mint(partner_id => 'p-1', business_id => 'b-1');

$gw->good_is(sub {
    return $gw->request('GET', '/v1/businesses/b-1/x', bearer => $token,
        quiet => 1)->status == 200;
});

sub refused {
    my ($name, $target, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $method = $opt{method} // 'GET';

    return $gw->refused("D6 $name: $target",
        $gw->request($method, $target, %opt), 'ambiguous_path', %opt);
}

sub passes {
    my ($name, $target, $arrives, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $response = $gw->request($opt{method} // 'GET', $target, %opt);

    return is_deeply([$response->status, map { $_->{target} }
        $gw->upstream_saw], [200, $arrives], "D6 $name: $target");
}

# what may stand between the name and the next slash

my @dots = ('..', '..;', '..;v=1', '..%3b', '..%253b', '..%20', '..%2520',
    '%20..', '%2e%2e', '%2e.', '.%2E', '%252e%252e', '%25252e.', '.', '.;',
    '%2e', '...', '..%3f', '..%3fx', '..%23', '..%2523', '.%20.');

for my $dots (@dots) {
    refused('proxy_pass with a URI', "/docs$dots/v1/businesses/b-2/x");
}

refused('at the end', "/docs$_") for '..', '.', '%2e%2e', '..;', '..%20';
refused('with a query', '/docs..?x=/y');
refused('^~', '/help../v1/businesses/b-2/x');
refused('proxy_pass without a URI', '/raw../v1/businesses/b-2/x');
refused('opened by name', '/open../v1/businesses/b-2/x');
refused('partner', '/partners../v1/businesses/b-2/x', bearer => $partner);
refused('business', '/owned../v1/businesses/b-2/x', bearer => $token);
refused('an if', '/in../v1/businesses/b-2/x?if=1');
refused('beside an if', '/in../v1/businesses/b-2/x');
refused('limit_except', '/in../v1/businesses/b-2/x', method => 'POST',
    body => '');
refused('an endpoint', '/token../x', method => 'POST', body => '',
    by => 'basic');
refused('on the way to a named location', '/to-named../x');

# files

is($gw->request('GET', '/alias/x.txt')->body, "alias/x.txt\n",
    'D6 alias gives its files');
is($gw->request('GET', '/nested/x.txt')->body, "alias/x.txt\n",
    'D6 so does a location in it');
refused('alias', "/alias$_/secret.txt") for '..', '%2e%2e', '..;', '..%20';
refused('a regex location in one with alias', '/nested../secret.txt');

# HTTP/2

{
    my $h2 = $gw->connect_h2;

    for my $target ('/docs../v1/businesses/b-2/x', '/docs%2e%2e/x') {
        $gw->mark;
        $gw->refused("D6 HTTP/2: $target", $h2->request('GET', $target),
            'ambiguous_path');
    }

    $h2->close;
}


# What is no dot segment passes, and so does what the rule is not for.

passes('ordinary', @$_) for
    ['/docs', '/docs/'], ['/docs/x', '/docs//x'], ['/docsx', '/docs/x'],
    ['/docs..x', '/docs/..x'], ['/docs.x/y', '/docs/.x/y'],
    ['/docs;v=1/x', '/docs/;v=1/x'], ['/docs-..', '/docs/-..'],
    ['/docs%20x', '/docs/%20x'], ['/docs%25..', '/docs/%25..'],
    ['/docs...a', '/docs/...a'], ['/docs/..a', '/docs//..a'],
    ['/docs;../x', '/docs/;../x'], ['/raw.json', '/raw.json'],
    ['/raw..a/b', '/raw..a/b'];
passes('ordinary, partner', '/partners.x', '/partners/.x',
    bearer => $partner);
passes('strict_path off', '/lifted../x', '/lifted/../x');
passes('a regex location', '/regex../x', '/regex../x');
passes('an exact location', '/exact..', '/exact..');
passes('a named location', '/to-named.x', '/to-named.x');
passes('a server that demands nothing', '/docs../x', '/docs/../x',
    port => 'TLS2');

$gw->finish;
