# D6, `satisfy any`: only the absence of credentials is for another
# module to judge; whatever was presented and refused is final.

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

    log_format result '$uri $auth_gateway_result';
    access_log %%PREFIX%%/logs/result.log result;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_require business;

        # the other module lets everybody in, nobody, or whoever it knows

        location /allow/ {
            satisfy any;
            allow all;
            auth_gateway_business_path /allow/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /deny/ {
            satisfy any;
            deny all;
            auth_gateway_business_path /deny/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /basic/ {
            satisfy any;
            auth_basic users;
            auth_basic_user_file %%PREFIX%%/htpasswd;
            auth_gateway_business_path /basic/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /request/ {
            satisfy any;
            auth_request /auth;
            auth_gateway_business_path /request/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /three/ {
            satisfy any;
            auth_basic users;
            auth_basic_user_file %%PREFIX%%/htpasswd;
            auth_request /auth;
            auth_gateway_business_path /three/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /intercepted/ {
            satisfy any;
            allow all;
            auth_gateway_intercept_errors on;
            auth_gateway_business_path /intercepted/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /page/ {
            satisfy any;
            deny all;
            error_page 401 = @page;
            auth_gateway_business_path /page/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location @page {
            auth_gateway_require off;
            return 401 "the page";
        }

        # off checks nothing, and so satisfies nothing

        location /off/deny/ {
            satisfy any;
            deny all;
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /off/basic/ {
            satisfy any;
            auth_basic users;
            auth_basic_user_file %%PREFIX%%/htpasswd;
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /off/allow/ {
            satisfy any;
            allow all;
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /all/allow/ {
            satisfy all;
            allow all;
            auth_gateway_business_path /all/allow/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /all/deny/ {
            satisfy all;
            deny all;
            auth_gateway_business_path /all/deny/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /all/request/ {
            satisfy all;
            auth_request /auth;
            auth_gateway_business_path /all/request/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /all/basic/ {
            satisfy all;
            auth_basic users;
            auth_basic_user_file %%PREFIX%%/htpasswd;
            auth_gateway_business_path /all/basic/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /auth {
            internal;
            auth_gateway_require off;
            proxy_method GET;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my ($business, $other) = ('b-1', 'b-2');

my $gw = AGW::Gateway->start($conf,
    before => sub {
        my ($prefix) = @_;

        my $hash = `openssl passwd -apr1 open-sesame`;

        spew("$prefix/htpasswd", "ali:$hash", 0644);
    },
    reply => sub {
        my ($request) = @_;

        return unless $request->{target} eq '/auth';

        return ($request->{headers}{'x-let'} ? 204 : 403, [], '');
    },
);

my $token = $gw->mint(partner_id => 'p-1', business_id => $business);
my $now = time;
my %refused = (
    expired => $gw->mint(partner_id => 'p-1', business_id => $business,
        claims => { iat => $now - 20, exp => $now - 10 }),
    wrong_business => $gw->mint(partner_id => 'p-1', business_id => $other),
    wrong_kind => $gw->mint(partner_id => 'p-1'),
    malformed_token => 'nonsense',
    bad_signature => $gw->mint(partner_id => 'p-1',
        business_id => $business, secret => 'x' x 64),
);

sub get {
    my ($target, %opt) = @_;

    return $gw->request('GET', $target, %opt);
}

sub passes {
    my ($name, $response, @target) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @saw = $gw->upstream_saw;

    is_deeply([$response->status, map { $_->{target} } @saw],
        [200, @target], $name);
    is_deeply([$response->header('WWW-Authenticate')], [],
        "$name, P0.7 without a challenge");

    return $saw[-1];
}

# nginx's own 401 or 403: its body, our line in the log, our challenge

sub nginx_says {
    my ($name, $response, $status, $challenges, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is_deeply([$response->status, $response->header('Content-Type'),
        map { $_->{target} } $gw->upstream_saw],
        [$status, 'text/html', @{ $opt{reaches} // [] }], $name);
    like($response->body, qr/<hr><center>/, "$name, in nginx's words");
    is_deeply([$response->header('WWW-Authenticate')], $challenges,
        "$name, challenges");
    is_deeply([map { $_->{reason} } $gw->refusals(wait => !$opt{reasons})],
        $opt{reasons} // ['no_credentials'], "$name, in the log");
    is_deeply([$gw->problems_after], [], "$name, and then a good request");

    return;
}

$gw->good_is(sub {
    return get("/deny/$business/x", bearer => $token, quiet => 1)
        ->status == 200;
});

my $bearer = 'Bearer realm="auth gateway"';
my $users = 'Basic realm="users"';

# our word is enough

for my $place (qw(allow deny basic)) {
    my $seen = passes("D6 any, $place, a good token",
        get("/$place/$business/x", bearer => $token),
        "/$place/$business/x");

    is_deeply($seen->{headers}{'x-business-id'}, [$business],
        "D6 any, $place, with its business");
}

passes('D6 any, auth_request is not asked with a good token',
    get("/request/$business/x", bearer => $token), "/request/$business/x");

# absent credentials, or another scheme: the other module's word

for ([], ['Authorization: Digest username="x"'], ['Authorization: ApiKey x'])
{
    my ($line) = map { s/.*: | .*//gr } @$_;
    my $what = $line // 'no header';
    my $seen = passes("D6 any, allow, $what",
        get("/allow/$business/x", headers => $_), "/allow/$business/x");

    is_deeply([$seen->{headers}{'x-business-id'},
        $seen->{headers}{'x-partner-id'}], [undef, undef],
        "D6 any, allow, $what, without an identity");
    nginx_says("D6 any, deny, $what", get("/deny/$business/x",
        headers => $_), 401, [$bearer]);
}

{
    my $response = get("/basic/$business/x", basic => ['ali', 'open-sesame']);
    my $seen = passes('D6 any, basic, a password', $response,
        "/basic/$business/x");

    is($seen->{headers}{'x-business-id'}, undef,
        'D6 any, basic, a password is no business');
    is(scalar(grep { /Basic/ } map { @$_ } values %{ $seen->{headers} }), 0,
        'D6 any, basic, and does not reach the upstream');
}

nginx_says('D6 any, basic, nothing', get("/basic/$business/x"), 401,
    [$bearer, $users]);
nginx_says('D6 any, basic, a wrong password',
    get("/basic/$business/x", basic => ['ali', 'x']), 401,
    [$bearer, $users]);

passes('D6 any, auth_request lets through', get("/request/$business/x",
    headers => ['X-Let: 1']), '/auth', "/request/$business/x");
nginx_says('D6 any, auth_request refuses', get("/request/$business/x"), 401,
    [$bearer], reaches => ['/auth']);
# With three of them nginx 1.22 takes back only the last challenge of two,
# when the third lets the request through.

passes('D6 any, of three, auth_request lets through', get(
    "/three/$business/x", headers => ['X-Let: 1'],
    basic => ['ali', 'x']), '/auth', "/three/$business/x");
passes('D6 any, of three, basic lets through', get("/three/$business/x",
    basic => ['ali', 'open-sesame']), "/three/$business/x");
nginx_says('D6 any, of three, none', get("/three/$business/x"), 401,
    [$bearer, $users], reaches => ['/auth']);

nginx_says('D6 any, POST with a body', $gw->request('POST',
    "/deny/$business/x", body => 'x' x 3000), 401, [$bearer]);

# presented and refused is final, whatever the other would say

for my $reason (sort keys %refused) {
    for my $place (qw(allow deny basic request)) {
        $gw->refused("D6 any, $place, $reason is final",
            get("/$place/$business/x", bearer => $refused{$reason},
                headers => ['X-Let: 1']), $reason);
    }
}

for ('Bearer', 'Bearer a b', "Bearer \"x\"") {
    $gw->refused("D6 any, a malformed header is final, $_",
        get("/allow/$business/x", headers => ["Authorization: $_"]),
        'malformed_credentials');
}

for (undef, $token) {
    my $who = defined ? 'a good token' : 'nobody';

    $gw->refused("D6 any, an ambiguous path is final, $who",
        get("/allow/$business/..%2f$other/x", bearer => $_),
        'ambiguous_path');
    $gw->refused("D6 any, plain HTTP is final, $who",
        get("/allow/$business/x", bearer => $_, port => 'PLAIN'),
        'insecure_transport');
}

$gw->refused('D6 any, plain HTTP is final with a password',
    get("/basic/$business/x", basic => ['ali', 'open-sesame'],
        port => 'PLAIN'), 'insecure_transport');
$gw->refused('D6 any, no business in the path is final',
    get('/allow/', bearer => $token), 'no_business_in_path');

# a refusal that nginx words is as final

{
    my $response = get("/intercepted/$business/x",
        bearer => $refused{expired});

    like($response->header('WWW-Authenticate'),
        qr/^Bearer realm="auth gateway", error="invalid_token"/,
        'D6 any, intercepted, the challenge is kept');
    nginx_says('D6 any, intercepted', $response, 401,
        [$response->header('WWW-Authenticate')], reasons => ['expired']);
    passes('D6 any, intercepted, nothing', get("/intercepted/$business/x"),
        "/intercepted/$business/x");
}

# nginx's 401 goes through error_page

{
    my $response = get("/page/$business/x");

    is_deeply([$response->status, $response->body],
        [401, 'the page'], 'D6 any, error_page for nginx\'s 401');
    is_deeply([$response->header('WWW-Authenticate')], [$bearer],
        'D6 any, error_page keeps the challenge');
    $gw->refused('D6 any, and not for a refusal of ours',
        get("/page/$business/x", bearer => $refused{expired}), 'expired');
}

# off never satisfies

for (undef, $token, 'nonsense') {
    my $who = !defined ? 'nobody' : $_ eq $token ? 'a good token' : 'nonsense';

    nginx_says("D6 any, off does not satisfy, deny, $who",
        get("/off/deny/$business/x", bearer => $_), 403, [], reasons => []);
    nginx_says("D6 any, off does not satisfy, basic, $who",
        get("/off/basic/$business/x", bearer => $_), 401, [$users],
        reasons => []);
    passes("D6 any, off, allow, $who",
        get("/off/allow/$business/x", bearer => $_),
        "/off/allow/$business/x");
}

$gw->refused('D6 any, off, an ambiguous path is final',
    get("/off/allow/..%2f..%2fdeny/$business/x"), 'ambiguous_path');

# satisfy all: both

passes('D6 all, allow and a good token',
    get("/all/allow/$business/x", bearer => $token),
    "/all/allow/$business/x");
$gw->refused('D6 all, allow alone', get("/all/allow/$business/x"),
    'no_credentials');
nginx_says('D6 all, a good token alone',
    get("/all/deny/$business/x", bearer => $token), 403, [], reasons => []);
passes('D6 all, auth_request and a good token',
    get("/all/request/$business/x", bearer => $token,
        headers => ['X-Let: 1']), '/auth', "/all/request/$business/x");
nginx_says('D6 all, auth_request refuses a good token',
    get("/all/request/$business/x", bearer => $token), 403, [],
    reasons => [], reaches => ['/auth']);
$gw->refused('D6 all, auth_request would let nobody through',
    get("/all/request/$business/x", headers => ['X-Let: 1']),
    'no_credentials');

# one Authorization header cannot be both

$gw->refused('D6 all, a password and no token', get("/all/basic/$business/x",
    basic => ['ali', 'open-sesame']), 'no_credentials');
nginx_says('D6 all, a token and no password', get("/all/basic/$business/x",
    bearer => $token), 401, [$users], reasons => []);

$gw->finish;
