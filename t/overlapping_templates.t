# D6: of the templates of a server that match a path, the most specific names
# the business.  The story: each location decided by its own template, so that a
# token of a business "x" got what /a/x/<business_id> guards for B, through a
# location with the template /a/<business_id> that a rewrite led to.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    # one template is more specific than the other

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        auth_gateway_business_path /a/<business_id>;

        location /a/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /a/x/ {
            auth_gateway_business_path /a/x/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ ^/a/[^/]+/pdf/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ ^/a/@me/ {
            auth_gateway_business_path /a/@me/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ ^/zz/ {
            rewrite ^/zz/(.*)$ /a/$1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ ^/zx/ {
            auth_gateway_business_path /a/x/<business_id>;
            rewrite ^/zx/(.*)$ /a/$1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ ^/last/ {
            rewrite ^/last/(.*)$ /a/$1 last;
        }

        location ~ ^/owned/ {
            auth_gateway_require owner;
            rewrite ^/owned/(.*)$ /a/$1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ ^/either/ {
            auth_gateway_require business owner;
            auth_gateway_business_path /a/x/<business_id>;
            rewrite ^/either/(.*)$ /a/$1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ ^/partners/ {
            auth_gateway_require partner;
            rewrite ^/partners/(.*)$ /a/$1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /a/x/list/all {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location @up {
            auth_gateway_require business;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /a/x/y/ {
            try_files /none @up;
        }

        location ~ ^/a/x/[^/]+/token$ {
            auth_gateway_token business;
            auth_gateway_business_path /a/x/<business_id>/token;
        }
    }

    # neither is more specific than the other

    server {
        listen 127.0.0.1:%%TLS2%% ssl;

        auth_gateway_require business;
        auth_gateway_business_path /c/b/<business_id>;

        location /c/b/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ ^/c/[^/]+/report {
            auth_gateway_business_path /c/<business_id>/report/by/month;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ ^/zz/ {
            rewrite ^/zz/(.*)$ /c/$1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ ^/c/[^/]+/token/?$ {
            auth_gateway_token business;
            auth_gateway_business_path /c/<business_id>/token;
        }

        location ~ ^/c/[^/]+/revoke/?$ {
            auth_gateway_revoke business;
            auth_gateway_business_path /c/<business_id>/revoke;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $id = $gw->partner->{id};

$gw->business($id, id => $_) for 'x', 'b', 'B', 'token', 'revoke', 'q';

my $partner = $gw->mint(partner_id => $id);
my %of = map { $_ => $gw->mint(partner_id => $id, business_id => $_) }
    qw(x B b q report);

$gw->good_is(sub {
    return $gw->request('GET', '/a/x/B', bearer => $of{B},
        quiet => 1)->status == 200;
});

sub refused {
    my ($name, $reason, $target, $bearer, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $response = $gw->request($opt{method} // 'GET', $target,
        bearer => $bearer, port => $opt{port});

    return $gw->refused("D6 $name: $target", $response, $reason, %opt);
}

sub passes {
    my ($name, $target, $bearer, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $response = $gw->request('GET', $target, bearer => $bearer, %opt);
    my $arrives = $target
        =~ s{^/(?:zz|zx|last|owned|either)/}{$opt{port} ? '/c/' : '/a/'}er;

    return is_deeply([$response->status,
        map { $_->{target} } $gw->upstream_saw], [200, $arrives],
        "D6 $name: $target");
}


# The location of the less specific template, by a rewrite, by a regular
# expression, and by a named location, which forwards the raw path.

for my $target ('/zz/x/B', '/zz/x/B/', '/zz/x/B/c/d', '/a/x/pdf/1',
    '/a/x/y/B', '/zz/x/;')
{
    refused('another template names another business', 'ambiguous_path',
        $target, $of{$_}) for 'x', 'B';
}

refused('owner', 'ambiguous_path', '/owned/x/B', $partner);
refused('before the credentials', 'ambiguous_path', '/zz/x/B', undef);

# to the location of the more specific one

passes('its own template is the most specific', $_, $of{B})
    for '/a/x/B', '/a/x/B/', '/a/x/B/c?d', '/last/x/B/c', '/zx/x/B',
        '/either/x/B';
passes('for the owner', '/either/x/B', $partner);
passes('of what no business can be called', '/a/@me/B/c', $of{B});
refused('for the business that the other one names', 'wrong_business', $_,
    $of{x}) for '/a/x/B', '/last/x/B', '/zx/x/B', '/either/x/B';

# what one alone matches, or both for one business

passes('one template matches', $_, $of{x}) for '/zz/x', '/zz/x/';
passes('one template matches', $_, $of{B})
    for '/a/B', '/zz/B/x', '/a/B/pdf/1', '/a/B/x/y';
passes('for the owner', '/owned/B/c', $partner);
passes('both name one business', $_, $of{x}) for '/zz/x/x', '/zx/x/x/c';

# partners are refused whichever it is, but in what is no business's

refused('partner', 'wrong_kind', '/partners/x/B', $partner, scope => undef);
passes('partner, one path', '/a/x/list/all', $partner);

is($gw->request('POST', '/a/x/B/token', bearer => $partner)->status, 200,
    'D6 an endpoint, whose template is the most specific');


# Where neither is more specific, however much of it is literal.

for my $target ('/c/b/report/by/month', '/c/b/report/by/month/1',
    '/zz/b/report/by/month')
{
    refused('neither is more specific', 'ambiguous_path', $target, $of{$_},
        port => 'TLS2') for 'b', 'report';
}

passes('one template matches', $_, $of{B}, port => 'TLS2')
    for '/c/b/B', '/c/b/B/report';
passes('one template matches', '/c/q/report/by/month', $of{q}, port => 'TLS2');
passes('one template matches', '/zz/b/report/by', $of{report},
    port => 'TLS2');


# An endpoint takes its business from its own template: no path is that of one
# business there, and that of another elsewhere.

sub post {
    my ($target) = @_;

    return $gw->request('POST', $target, bearer => $partner, port => 'TLS2');
}

for my $what ('token', 'revoke') {
    for my $end ('', '/') {
        $gw->refused("D6 an endpoint: /c/b/$what$end",
            post("/c/b/$what$end"), 'ambiguous_path', scope => undef);
    }

    is(post("/c/q/$what")->status, 200, "D6 an endpoint: /c/q/$what");
}

$gw->finish;
