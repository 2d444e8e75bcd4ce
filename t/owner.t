# D3 and D5, `auth_gateway_require owner`: a partner token opens the
# businesses that the store says are its partner's, and identifies them to
# the upstream.  t/owner_waits.t and t/owner_store.t have a store that takes
# its time, or fails.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(make_path);
use Test::More;
use Time::HiRes qw(sleep);

use AGW::Files qw(slurp spew);
use AGW::Gateway;
use AGW::Token qw(claims_of);

my $identity = <<'CONF';
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-Scope "s=$auth_gateway_scope";
            proxy_set_header X-Kind "$auth_gateway_token_kind";
            proxy_set_header X-Jti "$auth_gateway_token_id";
            proxy_set_header X-Key "$auth_gateway_key_id";
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
CONF

my $conf = <<"CONF";
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    log_format result '\$http_x_row|\$auth_gateway_result|'
        '\$auth_gateway_partner_id|\$auth_gateway_business_id|';
    access_log %%PREFIX%%/logs/result.log result;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;
        root %%PREFIX%%/html;

        auth_gateway_require owner;
        auth_gateway_business_path /owner/<business_id>;

        location /owner/ {
$identity
        }

        location /both/ {
            auth_gateway_require business owner;
            auth_gateway_business_path /both/<business_id>;
$identity
        }

        # asked before the access phase, too

        location /early/ {
            auth_gateway_business_path /early/<business_id>;
            set \$early "\$auth_gateway_partner_id/\$auth_gateway_business_id";
            proxy_set_header X-Early \$early;
$identity
        }

        location /except/ {
            auth_gateway_require off;
            auth_gateway_business_path /except/<business_id>;
            limit_except GET { auth_gateway_require owner; }
$identity
        }

        location /lifted/ {
            auth_gateway_business_path /lifted/<business_id>;
            limit_except POST { auth_gateway_require business; }
$identity
        }

        # with other modules' checks

        location /any/basic/ {
            satisfy any;
            auth_basic users;
            auth_basic_user_file %%PREFIX%%/htpasswd;
            auth_gateway_business_path /any/basic/<business_id>;
$identity
        }

        location /any/deny/ {
            satisfy any;
            deny all;
            auth_gateway_business_path /any/deny/<business_id>;
$identity
        }

        location /any/allow/ {
            satisfy any;
            allow all;
            auth_gateway_business_path /any/allow/<business_id>;
$identity
        }

        location /all/deny/ {
            satisfy all;
            deny all;
            auth_gateway_business_path /all/deny/<business_id>;
$identity
        }

        location /all/allow/ {
            satisfy all;
            allow all;
            auth_gateway_business_path /all/allow/<business_id>;
$identity
        }

        location /all/request/ {
            auth_request /asked;
            auth_gateway_business_path /all/request/<business_id>;
$identity
        }

        location = /asked {
            internal;
            auth_gateway_require off;
            proxy_method GET;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_pass http://127.0.0.1:%%UPSTREAM%%/asked;
        }

        # internal redirects

        location /try/ {
            auth_gateway_business_path /try/<business_id>;
            try_files /none /owner/%%THEIRS%%/x;
        }

        location /try/named/ {
            auth_gateway_business_path /try/named/<business_id>;
            try_files /none \@named;
        }

        location \@named {
            auth_gateway_require owner;
            auth_gateway_business_path /try/named/<business_id>;
$identity
        }

        location /page/ {
            auth_gateway_business_path /page/<business_id>;
            error_page 404 /owner/%%OURS%%/page;
            auth_gateway_intercept_errors on;
$identity
        }

        location /failing/ {
            auth_gateway_require off;
            error_page 404 /owner/%%OURS%%/page;
        }

        location /index/ {
            auth_gateway_business_path /index/<business_id>;
            index x.html /owner/%%THEIRS%%/index;
        }

        location /index/own/ {
            auth_gateway_business_path /index/own/<business_id>;
            index x.html /owner/%%OURS%%/index;
        }

        location /rewritten/ {
            auth_gateway_require off;
            rewrite ^/rewritten/(.*)\$ /owner/\$1 last;
        }
    }
}
CONF

my ($ours, $theirs) = ('b-ours', 'b-theirs');

$conf =~ s/%%OURS%%/$ours/g;
$conf =~ s/%%THEIRS%%/$theirs/g;

my $gw = AGW::Gateway->start($conf, before => sub {
    spew("$_[0]/htpasswd", "user:{PLAIN}pass\n", 0644);
    make_path("$_[0]/html/index/$ours", "$_[0]/html/index/own/$ours");
});
my $id = $gw->partner->{id};
my $other = $gw->partner->{id};
my $disabled = $gw->partner(status => 'disabled')->{id};

$gw->business($id, id => $ours);
$gw->business($other, id => $theirs);

my $archived = $gw->business($id, status => 'archived');
my $of_disabled = $gw->business($disabled);
my $token = $gw->mint(partner_id => $id);
my $business_token = $gw->mint(partner_id => $id, business_id => $ours);
my $rows = 0;

$gw->good_is(sub {
    return $gw->request('GET', "/owner/$ours/x", bearer => $token,
        quiet => 1)->status == 200;
});

sub get {
    my ($target, %opt) = @_;

    $rows++;
    $opt{bearer} = $token unless exists $opt{bearer};

    return $gw->request($opt{method} // 'GET', $target, %opt,
        headers => ["X-Row: $rows", @{ $opt{headers} // [] }]);
}

# "result|partner|business" of the last request, once it is logged

sub logged {
    for (1 .. 100) {
        my ($found) = slurp($gw->prefix . '/logs/result.log')
            =~ /^$rows\|(.*)\|$/m;

        return $found if defined $found;
        sleep 0.02;
    }

    return;
}

# let through, and the upstream knows for whom

sub passes {
    my ($name, $response, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($seen) = grep { $_->{target} !~ m{^/asked} } $gw->upstream_saw;
    my $headers = $seen->{headers} // {};
    my $by = $opt{token} // $token;
    my $business = $opt{business} // $ours;

    return subtest $name => sub {
        is($response && $response->status, 200, 'status')
            or diag($gw->log_text);
        is_deeply([map { $headers->{"x-$_"} } qw(partner-id business-id
            scope kind jti key)], [[$id], [$business],
            ['s=' . (claims_of($by)->{scope} // '')],
            [$by eq $business_token ? 'business' : 'partner'],
            [claims_of($by)->{jti}], ['k1']], 'identity at the upstream');
        is($headers->{authorization}, undef, 'without the token');
        is($response->header('WWW-Authenticate'), undef, 'no challenge');
        is(logged(), "ok|$id|$business", 'the log');
        is_deeply([$gw->refusals(wait => 0)], [], 'no refusal');
    };
}

sub refused {
    my ($name, $response, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $gw->refused($name, $response, $reason, scope => undef, %opt);

    return like(logged(), qr/^$reason\|/, "D3 \$auth_gateway_result: $name");
}


# the decision

for my $place ('owner', 'both') {
    my @scope = (scope => $place eq 'both' ? 'business_access' : undef);
    my @mine = (kid => 'k1', partner => $id);

    passes("D3 $place: below the business", get("/$place/$ours/x?y=z"));
    passes("P4.3 $place: the business itself", get("/$place/$ours"));
    passes("D3 $place: $_", get("/$place/$ours/x", method => $_))
        for qw(POST PUT DELETE PATCH OPTIONS);
    passes("D3 $place: a header of the client's", get("/$place/$ours/x",
        headers => ["X-Business-Id: $theirs", "X-Partner-Id: $other"]));

    refused("D3 $place: nothing", get("/$place/$ours/x", bearer => undef),
        'no_credentials');
    refused("D3 $place: unknown", get("/$place/nobody/x"),
        'unknown_business', @mine);
    refused("D3 $place: its case", get("/$place/B-ours/x"),
        'unknown_business', @mine);
    refused("D3 $place: another's", get("/$place/$theirs/x"), 'not_owner',
        @mine);
    refused("D3 $place: archived", get("/$place/$archived/x"),
        'archived_business', @mine);
    is(get("/$place/$_/x")->same_bytes, get("/$place/nobody/x")->same_bytes,
        "P2.3 $place: the same bytes") for $theirs, $archived;
    refused("D3 $place: a disabled partner", get("/$place/$of_disabled/x",
        bearer => $gw->mint(partner_id => $disabled)), 'revoked',
        partner => $disabled);
    refused("D3 $place: a partner that the store does not know",
        get("/$place/$ours/x", bearer => $gw->mint(partner_id => 'gone')),
        'revoked', partner => 'gone');
    refused("D3 $place: no business", get("/$place/"),
        'no_business_in_path', @mine);
    refused("D6 $place: an ambiguous path",
        get("/$place/$ours/..%2f$theirs/x"), 'ambiguous_path');
    refused("P0.6 $place: plain HTTP", get("/$place/$ours/x",
        port => 'PLAIN'), 'insecure_transport');
    refused("D8 $place: expired", get("/$place/$ours/x",
        bearer => $gw->mint(partner_id => $id,
            claims => { iat => time - 90, exp => time - 30 })), 'expired',
        @mine);

    $place eq 'both'
        ? passes("D3 $place: a business token", get("/$place/$ours/x",
            bearer => $business_token), token => $business_token)
        : refused("D3 $place: a business token", get("/$place/$ours/x",
            bearer => $business_token), 'wrong_kind', @mine);
}

refused("D3 both: another business's token", get("/both/$theirs/x",
    bearer => $business_token), 'wrong_business',
    scope => 'business_access');


# the variables before the decision and after it

passes('D3 asked in the rewrite phase', get("/early/$ours/x"));
is_deeply(($gw->upstream_saw)[0]{headers}{'x-early'}, ["$id/"],
    'D3 no business before it was allowed');
refused('D3 refused: the log', get("/early/$theirs/x"), 'not_owner');
is(logged(), "not_owner|$id|-", 'D3 no business where it was refused');


# a business changes hands between two requests, on one connection

{
    my $client = $gw->connect;
    my $second = $gw->partner->{id};
    my $moving = $gw->business($id);
    my $to = sub { $gw->store->set_business($moving, @_) };
    my @status;
    my $ask = sub {
        my $stamp = 0 + $gw->store->stamp;
        my @ids = map { $client->request('GET', "/both/$moving/x",
            headers => [AGW::Gateway::bearer($gw->mint(partner_id => $_,
                claims => { seq => $stamp }))])->status } $id, $second;

        push @status, "@ids";
    };

    $ask->();
    $to->(partner_id => $second);
    $ask->();
    $to->(status => 'archived');
    $ask->();
    $to->(status => 'active', partner_id => $id);
    $ask->();
    $gw->store->set_partner($second, status => 'disabled');
    $ask->();
    $gw->store->set_partner($second, status => 'active');
    $gw->store->remove_business($moving);
    $ask->();
    is_deeply(\@status, ['200 404', '404 200', '404 404', '200 404',
        '200 401', '404 404'], 'D5 a business changes hands');
    $client->close;
    is_deeply([$gw->problems_after], [], 'D5 a good request afterwards');
}


# limit_except

is(get("/except/$theirs/x", bearer => undef)->status, 200,
    'D3 limit_except: GET is open');
passes('D3 limit_except: POST of an owner', get("/except/$ours/x",
    method => 'POST'));
refused('D3 limit_except: POST of none', get("/except/$theirs/x",
    method => 'POST'), 'not_owner');
passes('D3 limit_except: owner outside', get("/lifted/$ours/x",
    method => 'POST'));
refused('D3 limit_except: business inside', get("/lifted/$ours/x"),
    'wrong_kind', scope => 'business_access');


# satisfy

my $user = AGW::Gateway::basic('user', 'pass');

for my $place (qw(any/basic any/deny any/allow all/allow all/request)) {
    passes("D6 $place: an owner", get("/$place/$ours/x"));
    refused("D6 $place: another's", get("/$place/$theirs/x"), 'not_owner');
    refused("D6 $place: archived", get("/$place/$archived/x"),
        'archived_business');
    refused("D6 $place: a business token", get("/$place/$ours/x",
        bearer => $business_token), 'wrong_kind');
}

is(get("/any/basic/$ours/x", bearer => undef, headers => [$user])->status,
    200, 'D6 any: a user');
is_deeply([map { ($gw->upstream_saw)[0]{headers}{$_} } qw(x-partner-id
    x-business-id)], [undef, undef], 'D6 any: who is nobody here');
is(get("/any/basic/$ours/x", bearer => undef)->status, 401,
    'D6 any: nobody');
is(get("/any/deny/$ours/x", bearer => undef)->status, 401,
    'D6 any, deny: nobody');
is(get("/any/allow/$ours/x", bearer => undef)->status, 200,
    'D6 any, allow: nobody');
is(get("/all/deny/$ours/x")->status, 403, 'D6 all, deny: an owner');
is_deeply([$gw->upstream_saw], [], 'D6 all, deny: goes no further');


# internal redirects: each pass asks for itself

refused('D6 try_files to another\'s', get("/try/$ours/x"), 'not_owner');
passes('D6 try_files to a named location', get("/try/named/$ours/x"));
refused('D6 to a named location, another\'s', get("/try/named/$theirs/x"),
    'not_owner');
refused('D6 index to another\'s', get("/index/$ours/"), 'not_owner');
passes('D6 index to one\'s own', get("/index/own/$ours/"));
passes('D6 a rewrite to one\'s own', get("/rewritten/$ours/x"));
refused('D6 a rewrite to another\'s', get("/rewritten/$theirs/x"),
    'not_owner');

# error_page 404 of what was refused, and of what was never checked; the
# page is a business's own, so its owner sees it

{
    my $r = get("/page/$theirs/x");

    is($r->status, 404, 'D6 error_page to one\'s own');
    is(join(' ', map { $_->{headers}{'x-business-id'}[0] }
        $gw->upstream_saw), $ours, 'D6 was checked afresh, and passed');
    is_deeply([map { $_->{reason} } $gw->refusals], ['not_owner'],
        'D6 after the refusal');
    $r = get("/page/$theirs/x", bearer => $gw->mint(partner_id => $other));
    is($r->status, 200, 'D6 nothing to redirect');
    $r = get("/page/nobody/x", bearer => $gw->mint(partner_id => $other));
    is($r->status, 404, 'D6 error_page to another\'s');
    is_deeply([$gw->upstream_saw], [], 'D6 was checked afresh, and refused');
    is_deeply([map { $_->{reason} } $gw->refusals],
        ['unknown_business', 'not_owner'], 'D6 twice');
    get('/failing/none');
    is(($gw->upstream_saw)[0]{headers}{'x-business-id'}[0], $ours,
        'D6 error_page from an open location');
    get('/failing/none', bearer => undef);
    is_deeply([$gw->upstream_saw], [], 'D6 without a token: refused');
    is_deeply([$gw->problems_after], [], 'D6 a good request afterwards');
}


# HTTP/2, many at once

{
    my $h2 = $gw->connect_h2;
    my @ask = map { [$ours, 200], [$theirs, 404] } 1 .. 20;
    my @streams = map { $h2->start('GET', "/both/$_->[0]/x",
        headers => [['authorization', "Bearer $token"]]) } @ask;

    is(join(' ', map { $h2->response($_)->status } @streams),
        join(' ', map { $_->[1] } @ask), 'D3 HTTP/2');
    $h2->close;
    is_deeply([$gw->problems_after], [], 'D3 a good request afterwards');
}

$gw->finish;
