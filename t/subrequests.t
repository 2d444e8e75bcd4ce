# Subrequests: an answering location refuses them, and nginx runs no access
# phase for the others.  What is a limit of nginx is written down here too,
# so that nobody takes it for a guard.

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

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location ~ ^/v1/platform/oauth2/token/?$ {
            auth_gateway_token partner;
        }

        location ~ ^/v1/platform/[^/]+/oauth2/token/?$ {
            auth_gateway_business_path
                /v1/platform/<business_id>/oauth2/token;
            auth_gateway_token business;
        }

        location /v1/businesses/ {
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # SSI

        location /ssi/ {
            auth_gateway_require off;
            ssi on;
            alias %%PREFIX%%/html/;
        }

        location /guarded-ssi/ {
            auth_gateway_business_path /guarded-ssi/<business_id>;
            ssi on;
            alias %%PREFIX%%/html/;
        }

        # auth_request

        location /ask-token/ {
            auth_request /v1/platform/oauth2/token;
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /ask-business-token/ {
            auth_request /v1/platform/b-1/oauth2/token;
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /ask-guarded/ {
            auth_request /v1/businesses/b-1/check;
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /both/ {
            auth_request /opinion;
            auth_gateway_business_path /both/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /opinion {
            internal;
            proxy_set_header X-Who $auth_gateway_partner_id;
            proxy_set_header X-Result $auth_gateway_result;
            proxy_set_header Content-Length "";
            proxy_pass_request_body off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # mirror

        location /mirrored/ {
            mirror /v1/businesses/b-2/copy;
            auth_gateway_business_path /mirrored/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /mirror-token/ {
            mirror /v1/platform/oauth2/token;
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my ($business, $other) = ('b-1', 'b-2');

my $gw = AGW::Gateway->start($conf,
    before => sub {
        my ($prefix) = @_;
        my %pages = (
            'token.html' => '/v1/platform/oauth2/token',
            'business-token.html' => '/v1/platform/b-1/oauth2/token',
            'include.html' => '/v1/businesses/b-2/x',
        );

        mkdir "$prefix/html/b-1" or die "mkdir: $!\n";
        chmod 0755, "$prefix/html/b-1";

        for my $name (keys %pages) {
            spew("$prefix/html/$_$name",
                "<!--#include virtual=\"$pages{$name}\" -->END\n", 0644)
                for '', 'b-1/';
        }
    },
    reply => sub {
        my ($request) = @_;

        return unless $request->{target} eq '/opinion';

        return ($request->{headers}{'x-let'} ? 204 : 403, [], '');
    },
);

my $partner = $gw->partner;

$gw->business($partner, id => $business);

my @basic = ($partner->{id}, $partner->{key});
my $token = $gw->mint(partner_id => $partner->{id}, business_id => $business);
my $unscoped = $gw->mint(partner_id => $partner->{id});

$gw->good_is(sub {
    return $gw->request('GET', "/v1/businesses/$business/x",
        bearer => $token, quiet => 1)->status == 200;
});

# waits for what may come later than the answer

sub upstream_saw {
    my ($count) = @_;

    for (1 .. 100) {
        my @saw = $gw->upstream_saw;

        return @saw if @saw >= $count;
        select undef, undef, undef, 0.02;
    }

    return $gw->upstream_saw;
}

# a token is for whoever asked for it, not for a page around it

sub no_token {
    my ($name, $response, $status) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($response->status, $status, $name);
    unlike($response->body, qr/access_token|eyJ/, "$name: no token");
    is_deeply([map { $_->{target} } $gw->upstream_saw], [],
        "$name: nothing at the upstream");
    is_deeply([$gw->problems_after], [], "$name: then a good request");

    return $response;
}

for ('GET', 'POST') {
    my $r = no_token("D3 SSI of a partner token location, $_",
        $gw->request($_, '/ssi/token.html', basic => \@basic),
        $_ eq 'GET' ? 200 : 405);

    like($r->body, qr/403 Forbidden.*END$/s, 'D3 SSI says 403 in its place')
        if $_ eq 'GET';
    no_token("D3 SSI of a business token location, $_",
        $gw->request($_, '/ssi/business-token.html', bearer => $unscoped),
        $_ eq 'GET' ? 200 : 405);
    no_token("D3 auth_request to a partner token location, $_",
        $gw->request($_, '/ask-token/x', basic => \@basic,
            body => 'grant_type=client_credentials',
            headers => ['Content-Type: application/x-www-form-urlencoded']),
        403);
    no_token("D3 auth_request to a business token location, $_",
        $gw->request($_, '/ask-business-token/x', bearer => $unscoped), 403);
}

# they do give tokens to those who ask

{
    my $r = $gw->request('POST', '/v1/platform/oauth2/token',
        basic => \@basic);

    is($r->status, 200, 'P1.9 asked for itself');

    $r = $gw->request('POST', "/v1/platform/$business/oauth2/token",
        bearer => $unscoped);
    is($r->status, 200, 'P2.5 asked for itself');
}

{
    my $r = $gw->request('POST', '/mirror-token/x', basic => \@basic,
        form => 'grant_type=client_credentials');

    is($r->status, 200, 'D3 mirror to a token location');
    is_deeply([map { "$_->{method} $_->{target} $_->{body}" }
        $gw->upstream_saw],
        ['POST /mirror-token/x grant_type=client_credentials'],
        'D3 mirror to a token location, the request itself goes on');
    is_deeply([$gw->problems_after], [],
        'D3 mirror to a token location, then a good request');
}

# Known limits: nginx runs no access phase for a subrequest, so a location
# that includes, mirrors or asks has to be guarded itself.

{
    my $r = $gw->request('GET', '/ssi/include.html');
    my @saw = upstream_saw(1);

    like($r->body, qr/^upstream saw GET.*END$/s,
        'limit: an SSI of a guarded location is not checked');
    is_deeply([map { $_->{target} } @saw], ["/v1/businesses/$other/x"],
        'limit: and reaches the upstream');
    is_deeply([@{ $saw[0]{headers} }{qw(x-business-id x-partner-id)}],
        [undef, undef], 'limit: without an identity');

    $r = $gw->request('GET', '/ask-guarded/x');
    is_deeply([$r->status, map { $_->{target} } upstream_saw(2)],
        [200, '/v1/businesses/b-1/check', '/ask-guarded/x'],
        'limit: auth_request to a guarded location always passes');
}

# and where it is guarded itself, that is what holds

$gw->refused('D6 a guarded page with an SSI',
    $gw->request('GET', "/guarded-ssi/$business/include.html"),
    'no_credentials');

{
    my $r = $gw->request('GET', "/guarded-ssi/$business/include.html",
        bearer => $token);

    is_deeply([$r->status, map { $_->{target} } upstream_saw(1)],
        [200, "/v1/businesses/$other/x"],
        'limit: what a guarded page includes is the operator\'s choice');
}

$gw->refused('D6 a refused request is not mirrored',
    $gw->request('POST', "/mirrored/$other/x", bearer => $token,
        body => 'abc'), 'wrong_business');

{
    my $r = $gw->request('POST', "/mirrored/$business/x", bearer => $token,
        body => 'abc');
    my @saw = upstream_saw(2);

    is_deeply([$r->status, sort map { "$_->{target} $_->{body}" } @saw],
        [200, "/mirrored/$business/x abc",
            '/v1/businesses/b-2/copy abc'],
        'limit: a mirror to a guarded location is not checked');
    is_deeply([map { $_->{headers}{'x-business-id'}[0] } @saw],
        [$business, $business],
        'limit: its identity is that of the token, whatever its path');
}

# auth_request beside our check: both are needed, ours first

{
    my $url = "/both/$business/x";
    my $r = $gw->request('GET', $url, bearer => $token,
        headers => ['X-Let: 1']);
    my @saw = $gw->upstream_saw;

    is_deeply([$r->status, map { $_->{target} } @saw],
        [200, '/opinion', $url], 'D6 auth_request beside: both let through');
    is_deeply($saw[0]{headers}{'x-who'}, [$partner->{id}],
        'D6 auth_request beside: may know who asks');
    is_deeply($saw[0]{headers}{'x-result'}, ['ok'],
        'D6 auth_request beside: we have decided before');
    is_deeply($saw[1]{headers}{'x-business-id'}, [$business],
        'D6 auth_request beside: the upstream gets the identity');

    for ('GET', 'POST') {
        $r = $gw->request($_, $url, bearer => $token, body => 'x' x 100);
        is_deeply([$r->status, map { $_->{target} } $gw->upstream_saw],
            [403, '/opinion'], "D6 auth_request beside: it refuses, $_");
        is_deeply([$gw->refusals(wait => 0)], [],
            "D6 auth_request beside: it refuses, $_, and not we");
        is_deeply([$gw->problems_after], [],
            "D6 auth_request beside: it refuses, $_, then a good request");
    }

    for (['nobody', undef, 'no_credentials'],
        ['a partner token', $unscoped, 'wrong_kind'],
        ['nonsense', 'x', 'malformed_token'])
    {
        $gw->refused("D6 auth_request beside: it is not asked for $_->[0]",
            $gw->request('GET', $url, bearer => $_->[1],
                headers => ['X-Let: 1']), $_->[2]);
    }
}

$gw->finish;
