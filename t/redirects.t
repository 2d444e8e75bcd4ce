# D6, internal redirects: every pass is checked afresh, from the
# location that it has come to.

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

    log_format result '$auth_gateway_result';
    access_log %%PREFIX%%/logs/result.log result;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        root %%PREFIX%%/html;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location /v1/businesses/ {
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/platform/ {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /docs/ {
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # try_files

        location /files/ {
            auth_gateway_business_path /files/<business_id>;
            try_files $uri /docs/none;
        }

        location /try/own/ {
            auth_gateway_business_path /try/own/<business_id>;
            try_files /none /v1/businesses/b-1/x;
        }

        location /try/other/ {
            auth_gateway_business_path /try/other/<business_id>;
            try_files /none /v1/businesses/b-2/x;
        }

        location /try/open/ {
            auth_gateway_business_path /try/open/<business_id>;
            try_files /none /docs/x;
        }

        location /open/try/ {
            auth_gateway_require off;
            try_files /none /v1/businesses/b-1/x;
        }

        location /try/named/ {
            auth_gateway_business_path /try/named/<business_id>;
            try_files /none @guarded;
        }

        location /open/named/ {
            auth_gateway_require off;
            try_files /none @guarded;
        }

        location @guarded {
            auth_gateway_require business;
            auth_gateway_scope deep;
            auth_gateway_business_path /try/named/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /try/open-named/ {
            auth_gateway_business_path /try/open-named/<business_id>;
            try_files /none @open;
        }

        location @open {
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # error_page

        location /error/open/ {
            auth_gateway_business_path /error/open/<business_id>;
            error_page 404 /docs/sorry;
            proxy_intercept_errors on;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /error/other/ {
            auth_gateway_business_path /error/other/<business_id>;
            error_page 404 =200 /v1/businesses/b-2/x;
            proxy_intercept_errors on;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /error/own/ {
            auth_gateway_business_path /error/own/<business_id>;
            error_page 404 =200 /v1/businesses/b-1/x;
            proxy_intercept_errors on;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # rewrite

        location /last/ {
            rewrite ^/last/(.*)$ /v1/businesses/$1 last;
        }

        location /swap/ {
            rewrite ^/swap/[^/]+/(.*)$ /v1/businesses/b-2/$1 last;
        }

        location /break/ {
            rewrite ^/break/(.*)$ /v1/businesses/$1 break;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /away/ {
            auth_gateway_business_path /away/<business_id>;
            rewrite ^/away/[^/]+/(.*)$ /docs/$1 last;
        }

        location /open/last/ {
            auth_gateway_require off;
            rewrite ^/open/last/(.*)$ /v1/businesses/$1 last;
        }

        location /break-named/ {
            rewrite ^/break-named/(.*)$ /try/named/$1 break;
            auth_gateway_business_path /try/named/<business_id>;
            try_files /none @guarded;
        }

        # files

        location /static/ {
            auth_gateway_business_path /static/<business_id>;
            alias %%PREFIX%%/html/;
            index index.html;
        }

        location /index/own/ {
            auth_gateway_business_path /index/own/<business_id>;
            alias %%PREFIX%%/html/;
            index none /v1/businesses/b-1/x;
        }

        location /index/other/ {
            auth_gateway_business_path /index/other/<business_id>;
            alias %%PREFIX%%/html/;
            index none /v1/businesses/b-2/x;
        }
    }
}
CONF

# what the upstream is asked for says where it sends us

my $gw = AGW::Gateway->start($conf,
    before => sub {
        my ($prefix) = @_;

        for ("$prefix/html/files", "$prefix/html/files/b-1",
            "$prefix/html/b-1")
        {
            mkdir $_ or die "mkdir: $!\n";
            chmod 0755, $_;
        }

        spew("$prefix/html/files/b-1/f", "file of b-1\n", 0644);
        spew("$prefix/html/b-1/index.html", "index of b-1\n", 0644);
    },
    reply => sub {
        my ($request) = @_;

        return (404, [], 'no') if $request->{target} =~ m{^/error/};

        return unless $request->{target} =~ /\?go=(\S+)/;

        return (200, ["X-Accel-Redirect: $1"], '');
    },
);

my ($business, $other) = ('b-1', 'b-2');
my $token = $gw->mint(partner_id => 'p-1', business_id => $business);
my $theirs = $gw->mint(partner_id => 'p-2', business_id => $other);
my $deep = $gw->mint(partner_id => 'p-1', business_id => $business,
    claims => { scope => 'business_access deep' });
my $partner = $gw->mint(partner_id => 'p-1');

sub get {
    my ($target, $bearer, %opt) = @_;

    return $gw->request('GET', $target, bearer => $bearer, %opt);
}

sub passes {
    my ($name, $response, @targets) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @saw = $gw->upstream_saw;

    is_deeply([$response->status, map { $_->{target} } @saw],
        [200, @targets], $name) or diag($response->body);

    return $saw[-1];
}

$gw->good_is(sub {
    return get("/v1/businesses/$business/x", $token, quiet => 1)
        ->status == 200;
});

my $end = "/v1/businesses/$business/x";

# try_files

{
    my $response = get("/files/$business/f", $token);

    is_deeply([$response->status, $response->body], [200, "file of b-1\n"],
        'D6 try_files, a file');
}

$gw->refused('D6 try_files, a file of another business',
    get("/files/$business/f", $theirs), 'wrong_business');
$gw->refused('D6 try_files, a file for nobody',
    get("/files/$business/f", undef), 'no_credentials');
passes('D6 try_files, to an open location', get("/try/open/$business/y",
    $token), '/docs/x');
$gw->refused('D6 try_files, to an open location, is checked before',
    get("/try/open/$business/y", undef), 'no_credentials');

{
    my $seen = passes('D6 try_files, to its own business',
        get("/try/own/$business/y", $token), $end);

    is_deeply($seen->{headers}{'x-business-id'}, [$business],
        'D6 try_files, with its identity');
}

$gw->refused('D6 try_files, to another business',
    get("/try/other/$business/y", $token), 'wrong_business');
$gw->refused('D6 try_files, of another business to one\'s own',
    get("/try/other/$business/y", $theirs), 'wrong_business');
passes('D6 try_files, open to guarded', get('/open/try/y', $token), $end);
$gw->refused('D6 try_files, open to guarded, nobody',
    get('/open/try/y', undef), 'no_credentials');
$gw->refused('D6 try_files, open to guarded, another business',
    get('/open/try/y', $theirs), 'wrong_business');

# named locations: their own demand, and the raw path

passes('D6 named, both demands are met',
    get("/try/named/$business/a%20b?q=%2f", $deep),
    "/try/named/$business/a%20b?q=%2f");
$gw->refused('D6 named, only the first demand is met',
    get("/try/named/$business/y", $token), 'insufficient_scope',
    scope => 'deep');
$gw->refused('D6 named, the raw path is checked',
    get("/try/named/$business/..%2f$other/y", $deep), 'ambiguous_path');
$gw->refused("D6 named, what goes on raw is compared raw, $_",
    get($_, $deep), 'ambiguous_path')
    for "/try/n%61med/$business/y", '/try/named/%62-1/y',
        "/try/named/$business%2dx/y";
$gw->refused('D6 named, from an open location: the raw path goes on, and'
    . ' names no business', get("/open/named/$business/y", $deep),
    'no_business_in_path');
$gw->refused('D6 named, from an open location, nobody',
    get("/open/named/$business/y", undef), 'no_credentials',
    scope => 'deep');
passes('D6 named, open', get("/try/open-named/$business/%41", $token),
    "/try/open-named/$business/%41");
$gw->refused('D6 named, open, is checked before',
    get("/try/open-named/$business/x", $theirs), 'wrong_business');
passes('D6 named, after a rewrite it forwards what was rewritten',
    get("/break-named/$business/y", $deep), "/try/named/$business/y");
$gw->refused('D6 named, after a rewrite, another business',
    get("/break-named/$other/y", $deep), 'wrong_business');

# error_page

{
    my $response = get("/error/open/$business/x", $token);

    is_deeply([$response->status, map { $_->{target} } $gw->upstream_saw],
        [404, "/error/open/$business/x", '/docs/sorry'],
        'D6 error_page, to an open location');
}

passes('D6 error_page, to its own business',
    get("/error/own/$business/x", $token), "/error/own/$business/x", $end);
$gw->refused('D6 error_page, to another business',
    get("/error/other/$business/x", $token), 'wrong_business',
    reaches => 1);
is_deeply([map { $_->{target} } $gw->upstream_saw],
    ["/error/other/$business/x", $end],
    'D6 error_page, and that is not asked for');
$gw->refused('D6 error_page, is checked before',
    get("/error/other/$business/x", $theirs), 'wrong_business');

# rewrite

passes('D6 rewrite last', get("/last/$business/a%20b?x=1", $token),
    "/v1/businesses/$business/a%20b?x=1");
$gw->refused('D6 rewrite last, another business',
    get("/last/$other/x", $token), 'wrong_business');
$gw->refused('D6 rewrite last, nobody', get("/last/$business/x", undef),
    'no_credentials');
passes('D6 rewrite last, open to guarded', get("/open/last/$business/x",
    $token), $end);
$gw->refused('D6 rewrite last, open to guarded, nobody',
    get("/open/last/$business/x", undef), 'no_credentials');
$gw->refused('D6 a rewrite that changes the business, the one asked for',
    get("/swap/$business/x", $token), 'wrong_business');

{
    my $seen = passes('D6 a rewrite that changes the business, the one it'
        . ' leads to', get("/swap/$business/x", $theirs),
        "/v1/businesses/$other/x");

    is_deeply($seen->{headers}{'x-business-id'}, [$other],
        'D6 a rewrite that changes the business, with its identity');
}

passes('D6 rewrite break', get("/break/$business/x", $token), $end);
$gw->refused('D6 rewrite break, another business',
    get("/break/$other/x", $token), 'wrong_business');
$gw->refused('D6 rewrite break, the path as it was',
    get("/break/$business", $partner), 'wrong_kind');
passes('D6 a rewrite before the access phase: its end counts',
    get("/away/$business/x", undef), '/docs/x');

for (qw(last break)) {
    $gw->refused("D6 rewrite $_, dots in the raw path",
        get("/$_/$business/..%2f$other/x", $token), 'ambiguous_path');
    $gw->refused("D6 rewrite $_, a double encoded slash",
        get("/$_/$business%252fx", $token), 'ambiguous_path');
    $gw->refused("D6 rewrite $_, nothing in place of the business",
        get("/$_/", $token), 'no_business_in_path');
}

# files: the index module redirects too

{
    my $response = get("/static/$business/", $token);

    is_deeply([$response->status, $response->body], [200, "index of b-1\n"],
        'D6 index');
}

$gw->refused('D6 index, another business', get("/static/$business/",
    $theirs), 'wrong_business');
$gw->refused('D6 alias, dots', get("/static/$business/%2e%2e/b-1/", $token),
    'ambiguous_path');
passes('D6 index, elsewhere', get("/index/own/$business/", $token), $end);
$gw->refused('D6 index, to another business',
    get("/index/other/$business/", $token), 'wrong_business');

# X-Accel-Redirect: the upstream leads

sub led {
    my ($from, $to, $bearer) = @_;

    return get("$from?go=$to", $bearer);
}

my $here = "/v1/businesses/$business/a";

passes('D6 X-Accel-Redirect, open to guarded', led('/docs/a', $end, $token),
    "/docs/a?go=$end", $end);
passes('D6 X-Accel-Redirect, guarded to guarded', led($here, $end, $token),
    "$here?go=$end", $end);
passes('D6 X-Accel-Redirect, guarded to open', led($here, '/docs/z', $token),
    "$here?go=/docs/z", '/docs/z');

for (
    ['nobody', '/docs/a', $end, undef, 'no_credentials'],
    ['another business', '/docs/a', $end, $theirs, 'wrong_business'],
    ['guarded to another business', $here, "/v1/businesses/$other/x",
        $token, 'wrong_business'],
    ['another demand', $here, '/v1/platform/x', $token, 'wrong_kind'],
    ['to a named one', "/try/open-named/$business/x", '@guarded', $token,
        'insufficient_scope'],
    ['a path that may be read twice', '/docs/a',
        "/v1/businesses/$business/%252e%252e/$other/x", $token,
        'ambiguous_path'],
) {
    my ($name, $from, $to, $bearer, $reason) = @$_;

    $gw->refused("D6 X-Accel-Redirect, $name", led($from, $to, $bearer),
        $reason, reaches => 1,
        scope => $to =~ /platform/ ? undef
            : $to =~ /^@/ ? 'deep' : 'business_access');
    is_deeply([map { $_->{target} } ($gw->upstream_saw)[0 .. 1]],
        ["$from?go=$to", $end],
        "D6 X-Accel-Redirect, $name, and it ends there");
}

$gw->finish;
