# P10: the cookbook of conf/README.md.  Each of its configurations runs as it is
# written, and serves what it is for: every mode of that vendor's browser
# library, as its pages call, and no more.  t/clients/vendors.t has such pages.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Cookbook;
use AGW::Files qw(random_id);

my $origin = 'https://app.example';
my @issuer = (claims => { iss => 'https://api.example.com',
    aud => 'accounting-api' });

sub cook {
    my ($section) = @_;

    return AGW::Cookbook->start(document => 'conf/README.md',
        section => $section, origin => $origin);
}


# The status, and that a page of the origin reads it; 204 for a preflight.

sub seen {
    my ($gw, $name, $status, $method, $target, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @lines = @{ $opt{headers} // [] };

    push @lines, 'Access-Control-Request-Method: GET'
        if $method eq 'OPTIONS';

    my $r = $gw->request($method, $target, %opt,
        headers => ["Origin: $origin", @lines]);

    is_deeply([$r->status, $r->header('Access-Control-Allow-Origin')],
        [$status, $origin], "P10 $name") or diag($r->body);

    return $r;
}


# what is for backends alone: no preflight is answered

sub backend_only {
    my ($gw, $target) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $r = $gw->request('OPTIONS', $target, headers => ["Origin: $origin",
        'Access-Control-Request-Method: POST']);

    is_deeply([$r->status, $r->header('Access-Control-Allow-Origin')], [405],
        "P10 $target is for backends");

    return;
}


# a token request, and its token

sub token {
    my ($gw, $name, $target, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $r = $gw->request('POST', $target, %opt);

    is($r->status, 200, "P10 $name") or diag($r->body);

    return $gw->keep_secret($r->json->{access_token} // 'none');
}


{
    my $gw = cook("Layer's components");
    my ($business, $second) = @{ $gw->{businesses} };
    my $own = "/v1/businesses/$business";
    my @json = (headers => ['Content-Type: application/json']);

    # the page has the API key

    seen($gw, 'Layer\'s: a preflight for a partner token', 204,
        OPTIONS => '/v1/platform/oauth2/token');

    my $r = seen($gw, 'Layer\'s: a partner token', 200,
        POST => '/v1/platform/oauth2/token', basic => [@$gw{qw(id key)}],
        form => 'grant_type=client_credentials&client_id=' . $gw->{id}
            . '&scope=https://api.example.com/sandbox');
    my $partner = $gw->keep_secret($r->json->{access_token});

    seen($gw, "Layer's: with a partner token, $_->[1]", @$_,
        bearer => $partner) for
        [200, GET => "$own/tasks"], [200, GET => "/v1/businesses/$second"],
        [404, GET => '/v1/businesses/' . $gw->business($gw->partner)];

    # its backend has

    my $token = token($gw, 'Layer\'s: a business token', "$own/auth-token",
        bearer => $partner, body => '{"session_duration":"900"}', @json);

    $gw->good_is(sub {
        return $gw->request('GET', $own, quiet => 1, bearer => $token)
            ->status == 200;
    });
    backend_only($gw, "$own/auth-token");
    seen($gw, 'Layer\'s: a preflight', 204, OPTIONS => "$own/tasks");
    seen($gw, 'Layer\'s: a guarded call', 200, GET => "$own/tasks",
        bearer => $token);
    seen($gw, 'Layer\'s: a receipt of 3 MB', 200, POST => "$own/receipts",
        bearer => $token, body => 'x' x (3 << 20));
    seen($gw, 'Layer\'s: a body that is too large', 413,
        POST => "$own/receipts", bearer => $token,
        headers => ['Content-Length: 99999999']);
    seen($gw, 'Layer\'s: an unknown path', 404, GET => '/v1/whoami');
    seen($gw, 'Layer\'s: its preflight', 204, OPTIONS => '/v1/whoami');

    for (
        ['no token', 'no_credentials', $own, []],
        ['another business', 'wrong_business', "/v1/businesses/$second",
            [bearer => $token]],
        ['an expired token', 'expired', $own, [bearer => $gw->mint(
            partner_id => $gw->{id}, business_id => $business,
            claims => { %{ $issuer[1] },
                iat => time - 20, exp => time - 10 })]],
    ) {
        my ($name, $reason, $target, $with) = @$_;

        $gw->refused("P10 Layer's: $name",
            $gw->request('GET', $target, @$with), $reason,
            format => 'layer', kid => $with->[0] ? $gw->{kid} : undef,
            partner => $with->[0] ? $gw->{id} : undef);
    }
}


{
    my $gw = cook("Thredfi's widget");
    my ($business, $second) = @{ $gw->{businesses} };
    my $own = "/v1/platform/businesses/$business";
    my $categories = '/v1/platform/transaction-categories';

    # its backend

    my $partner = token($gw, 'Thredfi\'s: a partner token',
        '/v1/platform/oauth2/token/', basic => [@$gw{qw(id key)}],
        form => 'grant_type=client_credentials');
    my $token = token($gw, 'Thredfi\'s: a business token',
        "/v1/platform/$business/oauth2/token/", bearer => $partner,
        form => 'session_duration=900');

    $gw->good_is(sub {
        return $gw->request('GET', "$own/", quiet => 1, bearer => $token)
            ->status == 200;
    });
    backend_only($gw, $_) for '/v1/platform/oauth2/token/',
        "/v1/platform/$business/oauth2/token/";

    # its page

    for my $path ("$own/", "$own/invoices/", "$categories/$business") {
        seen($gw, "Thredfi's: a preflight to $path", 204, OPTIONS => $path);
        seen($gw, "Thredfi's: $path", 200, GET => $path, bearer => $token);
        is_deeply([map { $_->{headers}{'x-business-id'} }
            $gw->upstream_saw], [[$business]], 'P4.6 of that business');

        my $theirs = $path =~ s/\Q$business\E/$second/r;

        seen($gw, "Thredfi's: $theirs", 403, GET => $theirs,
            bearer => $token);
        seen($gw, 'Thredfi\'s: with a partner token', 403, GET => $path,
            bearer => $partner);
    }

    $gw->refused('P10 Thredfi\'s: no token',
        $gw->request('GET', "$categories/$business"), 'no_credentials',
        format => 'thred');
    seen($gw, 'Thredfi\'s: a statement of 3 MB', 200,
        POST => "$own/documents/", bearer => $token, body => 'x' x (3 << 20));

    # a business that is not registered yet

    my $prices = '/api/v1/product-pricing/tiers/';

    seen($gw, 'Thredfi\'s: a preflight without a token', 204,
        OPTIONS => $prices);
    seen($gw, 'Thredfi\'s: prices', 200, POST => $prices, body => '{}',
        headers => ['Content-Type: application/json', 'X-Partner-Id: p',
            'X-Business-Id: b']);
    is_deeply([map { @{ $_->{headers} }{qw(x-partner-id x-business-id)} }
        $gw->upstream_saw], [undef, undef], 'P4.6 under nobody\'s name');
    seen($gw, 'Thredfi\'s: an unknown path', 404, GET => '/v1/' . random_id());

    $gw->finish;
}
