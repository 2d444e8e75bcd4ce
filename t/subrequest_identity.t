# D3 and 6: subrequests of an allowed request carry its identity, that
# of `owner` too, which only the store knows; those of a refused one carry
# none.  nginx runs no access phase for a subrequest: what decided is the
# main request, and what its subrequest says upstream is what the main
# request would.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(slurp spew);
use AGW::Gateway;

my $up = <<'CONF';
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-Kind $auth_gateway_token_kind;
            proxy_set_header X-Jti $auth_gateway_token_id;
            proxy_set_header X-Key $auth_gateway_key_id;
            proxy_set_header X-Expires $auth_gateway_expires;
            proxy_set_header X-Scope $auth_gateway_scope;
            proxy_set_header X-Team $auth_gateway_claim_team;
            proxy_set_header X-Result $auth_gateway_result;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
CONF

my $conf = <<"CONF";
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    log_format result '\$request_uri|\$auth_gateway_result'
        '|\$auth_gateway_partner_id|\$auth_gateway_business_id|';
    access_log %%PREFIX%%/logs/result.log result;

    proxy_cache_path %%PREFIX%%/tmp/cache keys_zone=answers:1m;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business owner;

        location /cached/ {
            auth_gateway_business_path /cached/<business_id>;
            proxy_cache answers;
            proxy_cache_use_stale updating;
            proxy_cache_background_update on;
            add_header X-Cache \$upstream_cache_status always;
$up
        }

        location /sliced/ {
            auth_gateway_business_path /sliced/<business_id>;
            slice 10;
            proxy_cache answers;
            proxy_cache_key \$uri\$slice_range\$http_x_n;
            proxy_cache_valid 206 1m;
            proxy_set_header Range \$slice_range;
$up
        }

        location /mirrored/ {
            auth_gateway_business_path /mirrored/<business_id>;
            mirror /copy;
$up
        }

        location = /copy {
            internal;
            auth_gateway_require off;
$up
        }

        location /asked/ {
            auth_gateway_business_path /asked/<business_id>;
            auth_request /opinion;
$up
        }

        location = /opinion {
            internal;
            auth_gateway_require off;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
$up
        }

        # the page comes from the upstream and includes /part/outer, which
        # includes /part/inner

        location /ssi/ {
            auth_gateway_business_path /ssi/<business_id>;
            ssi on;
$up
        }

        location /part/ {
            internal;
            auth_gateway_require off;
            ssi on;
$up
        }

        location /added/ {
            auth_gateway_business_path /added/<business_id>;
            add_before_body /part/before;
            add_after_body /part/after;
            addition_types text/plain;
$up
        }

        # another pass

        location /tried/ {
            auth_gateway_business_path /tried/<business_id>;
            try_files /none \@tried;
        }

        location \@tried {
            auth_gateway_require business owner;
            auth_gateway_business_path /tried/<business_id>;
            ssi on;
$up
        }

        location /sent-on/ {
            auth_gateway_business_path /sent-on/<business_id>;
$up
        }

        location /open/ {
            auth_gateway_require off;
            ssi on;
$up
        }

        location /open-asked/ {
            auth_gateway_require off;
            auth_request /opinion;
$up
        }

        # refused, and the page that says so includes others

        location /refused/ {
            auth_gateway_business_path /refused/<business_id>;
            auth_gateway_intercept_errors on;
            error_page 401 403 404 /open/sorry;
$up
        }
    }
}
CONF

my $text = join '', 'a' .. 'y';

my $gw = AGW::Gateway->start($conf, reply => sub {
    my ($request) = @_;

    my $target = $request->{target};
    my $page = sub {
        return (200, ['Content-Type: text/html'], join '',
            map { "<!--#include virtual=\"$_\" -->" } @_);
    };

    return (200, ['X-Accel-Redirect: /open/sent', 'X-Accel-Expires: 0'], '')
        if $target =~ m{^/sent-on/};
    return $page->('/part/outer')
        if $target =~ m{^/(?:ssi|tried|open)/};
    return $page->('/part/inner') if $target eq '/part/outer';
    return (200, ['X-Accel-Expires: 1'], 'kept')
        if $target =~ m{^/cached/};

    if ($target =~ m{^/sliced/}) {
        my ($from) = $request->{headers}{range}[0] =~ /^bytes=(\d+)-/;
        my $part = substr $text, $from, 10;

        return (206, ['ETag: "1"', sprintf 'Content-Range: bytes %d-%d/%d',
            $from, $from + length($part) - 1, length $text], $part);
    }

    return;
});

my $partner = $gw->partner;
my $business = $gw->business($partner);
my $other = $gw->business($gw->partner);
my $expires = time + 500;
my %token;

# One of a business, which says itself whose it is, and one of a partner,
# where the store has to.

for my $kind (qw(business partner)) {
    $token{$kind} = $gw->mint(partner_id => $partner->{id},
        ($kind eq 'business' ? (business_id => $business) : ()),
        claims => { exp => $expires, jti => "j-$kind", team => 'blue',
            scope => $kind eq 'business' ? 'business_access' : 'read' });
}

$gw->good_is(sub {
    return $gw->request('GET', "/asked/$business/good", quiet => 1,
        bearer => $token{business})->status == 200;
});

# what the upstream is to be told: (partner, business, all the rest)

sub identity {
    my ($kind, %opt) = @_;

    my $named = $opt{business} // $business;

    return [[$partner->{id}], $named eq '' ? undef : [$named],
        join ' ', $opt{result} // 'ok', $kind, "j-$kind", 'k1', $expires,
        $kind eq 'business' ? 'business_access' : 'read', 'blue'];
}

sub told {
    my ($seen) = @_;

    return [@{ $seen->{headers} }{qw(x-partner-id x-business-id)},
        join ' ', map { @{ $seen->{headers}{$_} // [] } } qw(x-result x-kind
            x-jti x-key x-expires x-scope x-team)];
}

# a subrequest may come after the answer

sub upstream_saw {
    my ($count) = @_;

    for (1 .. 250) {
        my @saw = $gw->upstream_saw;

        return @saw if @saw >= $count;
        select undef, undef, undef, 0.02;
    }

    return $gw->upstream_saw;
}

# by HTTP/1.1 or HTTP/2

my $n = 0;

sub get {
    my ($http, $target, $bearer, @headers) = @_;

    $n++;
    $gw->mark;

    my @lines = (["x-n", $n], @headers,
        ($bearer ? ['authorization', "Bearer $bearer"] : ()));

    return $gw->request('GET', $target, quiet => 1,
        headers => [map { "$_->[0]: $_->[1]" } @lines]) if $http eq 'HTTP/1.1';

    my $h2 = $gw->connect_h2;
    my $response = $h2->request('GET', $target, headers => \@lines);

    $h2->close;

    return $response;
}

# Asserts that the upstream received these targets, whatever their order,
# each with that identity.

sub carried {
    my ($name, $targets, $identity) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @saw = upstream_saw(scalar @$targets);

    is_deeply([sort map { $_->{target} } @saw], [sort @$targets],
        "$name: what the upstream received");
    is_deeply(told($_), $identity, "$name: who it is for, $_->{target}")
        for @saw;
    unlike($_->{head}, qr/^authorization:/mi, "$name: no token, $_->{target}")
        for @saw;

    return;
}

for my $http ('HTTP/1.1', 'HTTP/2') {
    for my $kind (qw(business partner)) {
        my $bearer = $token{$kind};
        my $of = "$kind, $http";
        my $r = get($http, "/sliced/$business/x", $bearer);

        is_deeply([$r->status, $r->body], [200, $text],
            "D6 slices, $of: put together");
        carried("D6 slices, $of", [("/sliced/$business/x") x 3],
            identity($kind));

        $r = get($http, "/sliced/$business/x", $bearer,
            ['range', 'bytes=3-21']);
        is_deeply([$r->status, $r->body], [206, substr $text, 3, 19],
            "D6 slices of a range, $of: put together");
        carried("D6 slices of a range, $of", [("/sliced/$business/x") x 3],
            identity($kind));

        get($http, "/mirrored/$business/x", $bearer);
        carried("D6 mirror, $of", ["/mirrored/$business/x", '/copy'],
            identity($kind));

        get($http, "/asked/$business/x", $bearer);
        carried("D6 auth_request, $of", ["/asked/$business/x", '/opinion'],
            identity($kind));

        get($http, "/ssi/$business/x", $bearer);
        carried("D6 SSI, $of",
            ["/ssi/$business/x", '/part/outer', '/part/inner'],
            identity($kind));

        get($http, "/added/$business/x", $bearer);
        carried("D6 addition, $of",
            ["/added/$business/x", '/part/before', '/part/after'],
            identity($kind));

        get($http, "/tried/$business/x", $bearer);
        carried("D6 try_files, then SSI, $of",
            ["/tried/$business/x", '/part/outer', '/part/inner'],
            identity($kind));
    }
}

# The cache is stale after a second; whoever asks then gets what is there,
# and a subrequest fetches it anew.

{
    my @cases = map {
        my $http = $_;

        map { [$http, $_, "/cached/$business/$_" . ($http =~ /2/ ? 2 : 1)] }
            qw(business partner);
    } 'HTTP/1.1', 'HTTP/2';

    for (@cases) {
        my ($http, $kind, $target) = @$_;
        my $r = get($http, $target, $token{$kind});

        is($r->header('X-Cache'), 'MISS', "D6 cached, $kind, $http");
        carried("D6 cached, $kind, $http", [$target], identity($kind));
    }

    select undef, undef, undef, 2.2;

    for (@cases) {
        my ($http, $kind, $target) = @$_;
        my $r = get($http, $target, $token{$kind});

        is_deeply([$r->status, $r->header('X-Cache'), $r->body],
            [200, 'STALE', 'kept'], "D6 background update, $kind, $http");
        carried("D6 background update, $kind, $http", [$target],
            identity($kind));
    }
}

# Where nothing was decided the subrequest says what the main request would:
# the token is verified where a variable is asked for, and only the store
# could say whose business it is, which nobody asked.

for my $http ('HTTP/1.1', 'HTTP/2') {
    for (['business', $business], ['partner', '']) {
        my ($kind, $named) = @$_;
        my %undecided = (business => $named, result => '');

        get($http, '/open/x', $token{$kind});
        for (upstream_saw(3)) {
            my $told = told($_);

            is_deeply([@$told[0, 1]], [@{ identity($kind, %undecided) }[0,
                1]], "D3 an unguarded page, $kind, $http: $_->{target}");
            unlike($told->[2], qr/^ok/, 'D3 and nothing was decided');
        }

        get($http, '/open-asked/x', $token{$kind});
        is_deeply([map { [@{ told($_) }[0, 1]] } upstream_saw(2)],
            [([[$partner->{id}], $named eq '' ? undef : [$named]]) x 2],
            "D3 auth_request of an unguarded page, $kind, $http");

        # allowed first, and sent on to an unguarded location then

        get($http, "/sent-on/$business/x", $token{$kind});

        my ($first, @then) = upstream_saw(4);

        is_deeply(told($first), identity($kind),
            "D3 X-Accel-Redirect, $kind, $http: the first pass");
        is_deeply([map { [$_->{target}, @{ told($_) }] } @then],
            [map { [$_, @{ identity($kind, business => $named) }] }
                '/open/sent', '/part/outer', '/part/inner'],
            "D3 X-Accel-Redirect, $kind, $http: the second");
    }

    get($http, '/open/x');
    is_deeply([map { told($_) } upstream_saw(3)],
        [([undef, undef, '']) x 3], "D3 nobody, $http: nobody is named");
}

# What is included in an error page is for nobody: the token is good, and
# the request was refused.

for my $http ('HTTP/1.1', 'HTTP/2') {
    for (['business', $other, 403, 'wrong_business'],
        ['partner', $other, 404, 'not_owner'])
    {
        my ($kind, $id, $status, $reason) = @$_;

        is(get($http, "/refused/$id/x", $token{$kind})->status, $status,
            "D3 refused, $kind, $http");

        my @saw = upstream_saw(3);

        is_deeply([sort map { $_->{target} } @saw],
            ['/open/sorry', '/part/inner', '/part/outer'],
            "D3 refused, $kind, $http: its page is put together");
        is_deeply(told($_), [undef, undef, $reason],
            "D3 refused, $kind, $http: and names nobody at $_->{target}")
            for grep { $_->{target} =~ /part/ } @saw;
        is_deeply([$gw->problems_after], [],
            "D3 refused, $kind, $http: then a good request");
    }
}

# One connection, and two identities at once: each subrequest has its own.

{
    my $second = $gw->partner;
    my $theirs = $gw->business($second);
    my %bearer = (
        $business => $token{partner},
        $theirs => $gw->mint(partner_id => $second->{id}),
    );
    my %whose = ($business => $partner->{id}, $theirs => $second->{id});
    my $h2 = $gw->connect_h2;

    $gw->mark;

    my @streams = map {
        $h2->start('GET', "/mirrored/$_/x",
            headers => [['authorization', "Bearer $bearer{$_}"]]);
    } ($business, $theirs) x 5;

    is($h2->response($_)->status, 200, 'D6 two partners at once')
        for @streams;

    my %count;

    $count{ join ' ', $_->{target} =~ m{^/(\w+)},
        map { $_ // '-' } map { @$_ } @{ told($_) }[0, 1] }++
        for upstream_saw(20);

    is_deeply(\%count, { map {
        ("mirrored $whose{$_} $_" => 5, "copy $whose{$_} $_" => 5)
    } $business, $theirs }, 'D6 two partners at once, each for itself');
    $h2->close;

    # and nothing is left for the next request

    my $client = $gw->connect;

    for (['GET', "/ssi/$business/x", $token{partner}], ['GET', '/open/x']) {
        my ($method, $target, $bearer) = @$_;

        $gw->mark;
        $client->request($method, $target, headers =>
            [$bearer ? AGW::Gateway::bearer($bearer) : ()]);
        is_deeply([map { [@{ told($_) }[0, 1]] } upstream_saw(3)],
            [($bearer ? [[$partner->{id}], [$business]] : [undef, undef])
                x 3], "D3 a kept connection, $target");
    }

    $client->close;
}

# the main request's own line

like(slurp($gw->prefix . '/logs/result.log'),
    qr{^/asked/$business/x\|ok\|\Q$partner->{id}\E\|$business\|$}m,
    'D3 the log has the same identity');

$gw->finish;
