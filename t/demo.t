# D10: conf/nginx.conf, which is what people copy: the main job, what is
# there and what is not.  How that file is started is in AGW::Demo.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Admin;
use AGW::Demo qw($token_path);
use AGW::Files qw(random_id);
use AGW::Token qw(claims_of);

my $gw = AGW::Demo->start;
my %ask = $gw->ways;
my ($id, $key) = @$gw{qw(id key)};
my @business = @{ $gw->{businesses} };
my $other = $gw->business($gw->partner);

# the main job

my ($first, $second) = $gw->obtain_tokens;
my $partner_token = $gw->{partner_token};
my $business_token = $gw->{business_token};
my $r;

is($first->status, 200, 'P0.4 with a final slash, a partner token');
is(claims_of($partner_token)->{iss}, 'https://127.0.0.1:8443',
    'D10 its issuer');
is(claims_of($partner_token)->{aud}, 'accounting-api', 'D10 its audience');
is($second->status, 200, 'P0.4 with a final slash, a business token');

# both dialects, the business itself and what is below it

for my $version (sort keys %ask) {
    my $ask = $ask{$version};

    for my $root ('/v1/businesses', '/v1/platform/businesses',
        '/v1/platform/transaction-categories')
    {
        my $thred = $root =~ /platform/;
        my %format = (format => $thred ? 'thred' : 'layer');

        for my $end ('', '/', '/invoices', '/invoices/', '/oauth2/token',
            '/oauth2/token/', $thred ? '/auth-token' : ())
        {
            my $path = "$root/$business[0]$end?page=1";

            $r = $ask->('GET', $path, bearer => $business_token);
            is($r->status, 200, "P4.3 $version $path");

            my ($seen) = $gw->upstream_saw;

            is($seen->{target}, $path, 'P4.6 as it was written');
            is_deeply([map { $seen->{headers}{$_} // [] } qw(x-partner-id
                x-business-id authorization)],
                [[$id], [$business[0]], []], 'P4.6 with its identity');

            my $theirs = "$root/$business[1]$end";

            $gw->refused("P4.2 $version $theirs, another business",
                $ask->('GET', $theirs, bearer => $business_token),
                'wrong_business', kid => $gw->{kid}, partner => $id, %format);
            $gw->refused("P4.2 $version $theirs without a token",
                $ask->('GET', $theirs), 'no_credentials', %format);

            # a page of Layer's with an API key has a partner token, and
            # every call of it was 403

            $r = $ask->('GET', $theirs, bearer => $partner_token);
            is($r->status, 200, "D3 $version $theirs, for its owner");
            is_deeply([map { $_->{headers}{'x-business-id'} }
                $gw->upstream_saw], [[$business[1]]], 'P4.6 of that business');
            $gw->refused("D3 $version $other$end, for another partner",
                $ask->('GET', "$root/$other$end", bearer => $partner_token),
                'not_owner', partner => $id, %format);
        }
    }

    # no business is named here

    for my $path (qw(/v1/platform/businesses /v1/platform/businesses/)) {
        $r = $ask->('GET', $path, bearer => $partner_token);
        is($r->status, 200, "P0.4 $version $path");
        is(join(' ', map { $_->{target} } $gw->upstream_saw), $path,
            'P0.4 no redirect');
        $gw->refused("P4.2 $version $path, a business token",
            $ask->('GET', $path, bearer => $business_token), 'wrong_kind',
            scope => undef, format => 'thred');
    }

    # public, and the rules for paths hold there

    is($ask->('GET', '/health')->status, 200, "D3 $version /health");
    $gw->refused("D6 $version an ambiguous path", $ask->('GET',
        "/v1/businesses/$business[1]/..%2f$business[0]/x",
        bearer => $business_token), 'ambiguous_path', format => 'layer');

    # what is not there

    for my $path (qw(/ /v1 /v1/ /v1/businesses /v1/businesses/ /v1/platform
        /v1/platform/ /v1/platform/transaction-categories /health/ /favicon.ico /x.html /v1/businessesx/1
        /errors/unreadable /errors/ /a//b /x%5cy))
    {
        $r = $ask->('GET', $path, bearer => $business_token);

        if ($path eq '/v1/businesses/') {
            $gw->refused("P4.1 $version $path names no business", $r,
                'no_business_in_path', format => 'layer');
            next;
        }

        $gw->error_is("P0.4 $version $path is not there", $r, 404, 'not_found');
    }

    $r = $ask->('GET', "/v1/businesses/$business[0]/nothing",
        bearer => $business_token);
    is($r->status . ' ' . $r->body, "404 the API's own\n",
        "P0.7 $version an upstream's 404 is left as it is");

    # token endpoints, each with a final slash and without

    $gw->rest(6);

    for my $slash ('', '/') {
        $r = $ask->('POST', $token_path . $slash, basic => [$id, $key]);
        is($r->status, 200, "P0.4 $version $token_path$slash");
        $gw->refused("P0.3 $version GET of it",
            $ask->('GET', $token_path . $slash), 'method_not_allowed',
            by => 'basic');
        $gw->refused("P1.6 $version a wrong key", $ask->('POST',
            $token_path . $slash, basic => [$id, 'wrong']),
            'invalid_client', by => 'basic', partner => $id);

        my $path = "/v1/platform/$business[0]/oauth2/token$slash";

        $r = $ask->('POST', $path, bearer => $partner_token);
        is($r->status, 200, "P0.4 $version $path");
        is($r->json->{business_id}, $business[0], 'P2.5 of that business');
        $gw->refused("P2.2 $version minting with a business token",
            $ask->('POST', $path, bearer => $business_token), 'wrong_kind',
            scope => undef);
        $gw->refused("P2.3 $version an unknown business", $ask->('POST',
            '/v1/platform/' . random_id() . "/oauth2/token$slash",
            bearer => $partner_token), 'unknown_business');
    }

    for my $path (map { "/v1/businesses/$business[0]/auth-token$_" } '', '/') {
        $gw->rest(3);

        $r = $ask->('POST', $path, bearer => $partner_token,
            body => '{"session_duration":"60"}',
            headers => ['Content-Type: application/json']);
        is($r->status, 200, "P0.4 $version $path");
        is_deeply([sort keys %{ $r->json }],
            [qw(access_token expires_in token_type)], 'P3.3 an AuthToken');
        is($r->json->{expires_in}, 60, 'P3.2 its life');
        $gw->refused("P3.4 $version $path, a business token",
            $ask->('POST', $path, bearer => $business_token), 'wrong_kind',
            scope => undef, format => 'layer');
        $gw->refused("P0.3 $version GET of it",
            $ask->('GET', $path, bearer => $business_token),
            'method_not_allowed', format => 'layer');
    }

    # "businesses" is no business here

    $gw->rest(4);

    $gw->refused("P2.1 $version $_", $ask->('POST', $_,
        bearer => $partner_token), 'unknown_business', format => 'thred')
        for '/v1/platform/businesses/oauth2/token',
            '/v1/platform/businesses/oauth2/token/';
}

# plain HTTP, by its own listener

$gw->refused("P0.6 plain $_", $gw->request('POST', $_, port => 'PLAIN',
    basic => [$id, $key]), 'insecure_transport', by => 'basic')
    for $token_path, "$token_path/";
$gw->refused("P0.6 plain $_->[0]", $gw->request('GET', $_->[0],
    port => 'PLAIN', bearer => $business_token), 'insecure_transport',
    format => $_->[1])
    for ["/v1/businesses/$business[0]/x", 'layer'],
        ['/v1/platform/businesses', 'thred'];

# what its operator asks, on this host

for my $path ('/status', '/metrics') {
    is($gw->request('GET', $path, port => 'PLAIN2')->status, 200,
        "P12.0 $path is there for the host itself");
    is($gw->request('GET', $path)->status, 404,
        "P12.0 $path is not where clients are");
}

# and what the command line asks, over a socket

my $socket = $gw->prefix . '/admin.sock';

is(AGW::Admin::ask($gw, 'GET', $_, undef, unix => $socket)->status, 200,
    "P11.1 $_ is on the socket") for "/admin/partners/$id", '/status';
is($gw->request('GET', "/admin/partners/$id", port => $_)->status, 404,
    "P11.1 and not on $_") for qw(TLS PLAIN PLAIN2);

$gw->finish;
