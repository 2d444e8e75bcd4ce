# D6: a CORS preflight carries no token, and passes only where it is one to
# the letter, under each requirement of a business.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Files qw(slurp);
use AGW::Gateway;

# every variable that says something of a token or of whose it is

my $identity = <<'CONF';
            auth_gateway_pass_preflight on;
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-All "p=$auth_gateway_partner_id
                b=$auth_gateway_business_id s=$auth_gateway_scope
                t=$auth_gateway_token_id k=$auth_gateway_token_kind
                i=$auth_gateway_key_id e=$auth_gateway_expires
                c=$auth_gateway_claim_sub";
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
CONF

$identity =~ s/\n\s+(?=[btic]=)/ /g;

my $conf = <<"CONF";
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    log_format result '\$http_x_row|\$auth_gateway_result|';
    access_log %%PREFIX%%/logs/result.log result;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location /v1/businesses/ {
$identity
        }

        location /owner/ {
            auth_gateway_require owner;
            auth_gateway_business_path /owner/<business_id>;
$identity
        }

        location /both/ {
            auth_gateway_require business owner;
            auth_gateway_business_path /both/<business_id>;
$identity
        }

        location /closed/ {
            auth_gateway_business_path /closed/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /closed/owner/ {
            auth_gateway_require owner;
            auth_gateway_business_path /closed/owner/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /either/ {
            auth_gateway_pass_preflight on;
            auth_gateway_require business owner;
            auth_gateway_business_path /either/<business_id>;
            satisfy any;
            deny all;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $id = $gw->partner->{id};
my $business = $gw->business($id);
my $token = $gw->mint(partner_id => $id, business_id => $business);
my $mine = $gw->mint(partner_id => $id);
my @preflight = ('Origin: https://app.example',
    'Access-Control-Request-Method: GET');
my @h2 = (['origin', 'https://app.example'],
    ['access-control-request-method', 'PUT']);

$gw->good_is(sub {
    return $gw->request('GET', "/v1/businesses/$business/x", quiet => 1,
            bearer => $token)->status == 200
        && $gw->request('GET', "/owner/$business/x", quiet => 1,
            bearer => $mine)->status == 200;
});

my $rows = 0;

# let through, and the upstream is told of nobody

sub passes {
    my ($name, $response) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($seen) = $gw->upstream_saw;
    my $headers = $seen->{headers} // {};

    is($response && $response->status, 200, "D6 passes: $name");
    is($seen->{method}, 'OPTIONS', 'D6 and reaches the upstream');
    is_deeply([map { $headers->{$_} } qw(x-partner-id x-business-id
        authorization x-all)], [undef, undef, undef,
        ['p= b= s= t= k= i= e= c=']], 'D6 with every identity header empty');
    is_deeply([$gw->refusals(wait => 0)], [], 'D6 no refusal');

    return is_deeply([$gw->problems_after], [], 'D6 a good request after');
}

sub logged {
    for (1 .. 100) {
        my ($found) = slurp($gw->prefix . '/logs/result.log')
            =~ /^r$rows\|(.*)\|$/m;

        return $found if defined $found;
        sleep 0.02;
    }

    return;
}

for my $place ('/v1/businesses', '/owner', '/both') {
    my $path = "$place/$business/x";
    my @scope = (scope => $place eq '/owner' ? undef : 'business_access');
    my $options = sub {
        my ($headers, %opt) = @_;

        $rows++;

        return $gw->request('OPTIONS', $opt{target} // $path, %opt,
            headers => [@$headers, "X-Row: r$rows"]);
    };

    # a real one, for any business, and for one that is not there

    for my $target ($path, "$place/b-2", "$place/nobody/x?a=b", "$place/") {
        passes($target, $options->([@preflight,
            'Access-Control-Request-Headers: authorization',
            "X-Partner-Id: $id", "X-Business-Id: $business",
            'X-All: mine'], target => $target));
        is(logged(), '-', 'D6 nothing was decided');
    }

    passes("$place, with a length of 0",
        $options->([@preflight, 'Content-Length: 0']));
    passes("$place, names in another case", $options->(
        ['oRIGIN: null', 'ACCESS-CONTROL-REQUEST-METHOD: x']));

    $gw->mark;
    passes("$place, HTTP/2",
        $gw->connect_h2->request('OPTIONS', $path, headers => \@h2));

    # what is none needs a token

    my %none = (
        'without its headers' => [],
        'without Origin' => [$preflight[1]],
        'without Access-Control-Request-Method' => [$preflight[0]],
        'with Access-Control-Request-Headers for it' => [$preflight[0],
            'Access-Control-Request-Headers: authorization'],
        'with an empty Origin' => ['Origin:', $preflight[1]],
        'with an empty method' => [$preflight[0],
            'Access-Control-Request-Method:'],
        'with two Origins' => [@preflight, 'Origin: https://b.example'],
        'with two methods' =>
            [@preflight, 'access-control-request-method: PUT'],
        'with another scheme' => [@preflight, 'Authorization: Basic eDp5'],
    );

    for my $what (sort keys %none) {
        $gw->refused("D6 OPTIONS $what, $place", $options->($none{$what}),
            'no_credentials');
    }

    for my $method (qw(GET HEAD POST PUT DELETE PATCH)) {
        $gw->refused("D6 $method that looks like one, $place",
            $gw->request($method, $path, headers => \@preflight),
            'no_credentials', method => $method);
    }

    # with a body, however it is sent

    $gw->refused("D6 OPTIONS with a body, $place",
        $options->(\@preflight, body => 'x'), 'no_credentials');
    $gw->refused("D6 OPTIONS with a body in chunks, $place",
        $options->([@preflight, 'Transfer-Encoding: chunked'],
            body => "1\r\nx\r\n0\r\n\r\n", no_length => 1),
        'no_credentials');
    $gw->refused("D6 OPTIONS with no chunks, $place",
        $options->([@preflight, 'Transfer-Encoding: chunked'],
            body => "0\r\n\r\n", no_length => 1), 'no_credentials');

    for my $length ([], [['content-length', '1']]) {
        my $h2 = $gw->connect_h2;

        $gw->mark;
        $gw->refused("D6 OPTIONS with a body, HTTP/2, $place",
            $h2->request('OPTIONS', $path, body => 'x',
                headers => [@h2, @$length]), 'no_credentials');
        $h2->close;
    }

    # with Authorization: it is judged like any other request

    $gw->refused("D6 OPTIONS with an empty Authorization, $place",
        $options->([@preflight, 'Authorization:']), 'no_credentials',
        also => ['malformed_credentials']);
    $gw->refused("D6 OPTIONS with a malformed one, $place",
        $options->([@preflight, 'Authorization: Bearer a b']),
        'malformed_credentials');
    $gw->refused("D6 OPTIONS with a bad token, $place",
        $options->(\@preflight, bearer => 'a.b'), 'malformed_token');
    $gw->refused("D6 OPTIONS with another's token, $place",
        $options->(\@preflight, bearer => $gw->mint(partner_id => 'p-2',
            business_id => 'b-2')),
        $place eq '/owner' ? 'wrong_kind' : 'wrong_business', @scope);

    {
        my $r = $options->(\@preflight,
            bearer => $place eq '/owner' ? $mine : $token);

        is($r->status, 200, "D6 OPTIONS with a good token, $place");
        is(($gw->upstream_saw)[0]{headers}{'x-business-id'}[0], $business,
            'D6 is a request of its business');
        is(logged(), 'ok', 'D6 which was decided');
    }

    # transport and path come first

    for my $target ("$place/$business/..%2fb-2", "$place//$business",
        "$place/%62-1/x", "$place/$business/%5cx", "$place/$business/..;/x")
    {
        $gw->refused("D6 on an ambiguous path, $target",
            $options->(\@preflight, target => $target), 'ambiguous_path');
    }

    $gw->refused("D6 over plain HTTP, $place",
        $options->(\@preflight, port => 'PLAIN'), 'insecure_transport');
}

$gw->refused('D6 where it is off, which it is by default',
    $gw->request('OPTIONS', $_, headers => \@preflight),
    'no_credentials') for "/closed/$business", "/closed/owner/$business";


# it satisfies nothing: what else guards the location has its say

is($gw->request('OPTIONS', '/either/b-1', headers => \@preflight)->status,
    403, 'D6 a preflight under satisfy any');


# the store is not asked

{
    $gw->lose_store;
    is($gw->request('OPTIONS', "/owner/$business/x",
        headers => \@preflight)->status, 200, 'D6 without the store');
    $gw->refused('D6 a request is not answered without',
        $gw->request('GET', "/owner/$business/x", bearer => $mine),
        'store_unavailable', good => 0);
    $gw->find_store;
    is_deeply([$gw->problems_after], [], 'D6 a good request afterwards');
}

$gw->finish;
