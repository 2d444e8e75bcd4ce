# D3, `auth_gateway_enforce` with a variable: a request is refused unless
# the value is exactly `log`, for all of the request alike.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;

my $up = <<'CONF';
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-Tenant $tenant;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
CONF

my $conf = <<"CONF";
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    # a share of the clients, a partner, a reason

    split_clients \$http_x_client \$share { 50% on; * log; }
    map \$auth_gateway_event_partner_id \$by_partner { p-1 on; default log; }
    map \$auth_gateway_partner_id \$by_token { p-1 on; default log; }
    map \$auth_gateway_result \$by_reason { wrong_business on; default log; }
    map \$auth_gateway_partner_id \$tenant { default "\$auth_gateway_partner_id"; }

    map \$auth_gateway_authorization \$by_header { "" on; default log; }
    limit_req_zone \$auth_gateway_partner_id zone=partners:1m rate=1000r/s;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location /v1/businesses/ {
            auth_gateway_enforce \$http_x_enforce;
$up
        }

        location /share/ {
            auth_gateway_business_path /share/<business_id>;
            auth_gateway_enforce \$share;
$up
        }

        location /partner/ {
            auth_gateway_business_path /partner/<business_id>;
            auth_gateway_enforce \${by_partner};
$up
        }

        location /token/ {
            auth_gateway_business_path /token/<business_id>;
            auth_gateway_enforce \$by_token;
$up
        }

        location /reason/ {
            auth_gateway_business_path /reason/<business_id>;
            auth_gateway_enforce \$by_reason;

            location /reason/b-1/deep/ {
$up
            }

$up
        }

        location /early/ {
            auth_gateway_business_path /early/<business_id>;
            auth_gateway_enforce \$by_reason;
            limit_req zone=partners burst=1000 nodelay;
            set \$early \$auth_gateway_authorization;
$up
        }

        location /header/ {
            auth_gateway_business_path /header/<business_id>;
            auth_gateway_enforce \$by_header;
$up
        }

        location /changing/ {
            auth_gateway_business_path /changing/<business_id>;
            auth_gateway_enforce \$changing;
            set \$changing log;
            error_page 418 = \@changed;
$up
        }

        location \@changed {
            auth_gateway_require business;
            auth_gateway_enforce on;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $path = '/v1/businesses/b-1/x';

sub token {
    my ($partner, $business) = @_;

    return $gw->mint(partner_id => $partner, business_id => $business);
}

my $good = token('p-1', 'b-1');
my $other = token('p-1', 'b-2');
my $second = token('p-2', 'b-2');

$gw->good_is(sub {
    return $gw->request('GET', $path, bearer => $good, quiet => 1)->status
        == 200;
});

sub get {
    my ($target, $token, @headers) = @_;

    return $gw->request('GET', $target, headers => \@headers,
        bearer => $token);
}

sub goes_on {
    my ($name, $response, $reason) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($saw) = $gw->upstream_saw;

    is_deeply([$response->status, map { [@$_{qw(how reason)}] }
        $gw->refusals], [200, ['would refuse', $reason]],
        "D3 $name goes on");
    is_deeply([map { $saw->{headers}{$_} } qw(x-partner-id x-tenant)],
        [undef, undef], "D3 $name, no identity");
    ok($saw->{headers}{authorization}, "D3 $name, its Authorization");

    return;
}

# exactly `log`

for ('on', 'off', '', 'LOG', 'Log', 'log ', ' log', 'logs', 'lo', '1', 'log,log',
    'l' x 3000)
{
    my $name = length > 10 ? substr($_, 0, 5) . '...' : "\"$_\"";

    # nginx itself strips the spaces around a header's value

    next if / /;

    $gw->refused("D3 $name enforces", get($path, $other,
        "X-Enforce: $_"), 'wrong_business');
}

$gw->refused('D3 no value enforces', get($path, $other),
    'wrong_business');
goes_on('log', get($path, $other, 'X-Enforce: log'), 'wrong_business');

# a good token: the header goes up under log alone

for (['log', ["Bearer $good"]], ['on', undef]) {
    my ($value, $wanted) = @$_;
    my $response = get($path, $good, "X-Enforce: $value");
    my ($saw) = $gw->upstream_saw;

    is_deeply([$response->status, $saw->{headers}{'x-partner-id'},
        $saw->{headers}{authorization}], [200, ['p-1'], $wanted],
        "D3 $value, a good token");
}

# a share: each client has one answer, and both happen

{
    my %of;

    for my $client (1 .. 24) {
        my %seen = map { get('/share/b-1/x', $other, "X-Client: $client")
            ->status => 1 } 1 .. 2;

        is(scalar keys %seen, 1, "D3 client $client has one answer");
        $of{$_}++ for keys %seen;
    }

    is_deeply([sort keys %of], [200, 403], 'D3 a share of each');
}

# one partner, by its verified token

$gw->refused('D3 the first partner', get('/partner/b-1/x', $other),
    'wrong_business');
$gw->refused('D3 the first partner, expired', get('/partner/b-1/x',
    $gw->mint(partner_id => 'p-1', business_id => 'b-1',
        claims => { iat => time - 90, exp => time - 30 })), 'expired');
goes_on('another partner', get('/partner/b-1/x', $second), 'wrong_business');
goes_on('a forged token of the first partner', get('/partner/b-1/x',
    $gw->mint(partner_id => 'p-1', business_id => 'b-1',
        secret => 'x' x 64)), 'bad_signature');

# or by the identity itself, which that variable alone may have

$gw->refused('D3 by identity', get('/token/b-1/x', $other),
    'wrong_business');
goes_on('by identity, another partner', get('/token/b-1/x', $second),
    'wrong_business');

# one reason after another

$gw->refused('D3 the first reason', get('/reason/b-1/x', $other),
    'wrong_business');
$gw->refused('D3 the first reason, inherited',
    get('/reason/b-1/deep/x', $other), 'wrong_business');
goes_on('another reason', get('/reason/b-1/x', 'abc'), 'malformed_token');

# The key of a limit_req reads the identity before there is a result.  It once
# asked whether to enforce, and the map kept its answer for no result, which was
# `log`: what the map says to refuse went on.

$gw->refused('D3 the first reason, a map that was asked early',
    get('/early/b-1/x', $other), 'wrong_business');
goes_on('another reason, a map that was asked early',
    get('/early/b-1/x', 'abc'), 'malformed_token');

{
    my $response = get('/early/b-1/x', $good);
    my ($saw) = $gw->upstream_saw;

    is_deeply([$response->status, map { $saw->{headers}{$_} }
        qw(x-partner-id authorization)], [200, ['p-1'], ["Bearer $good"]],
        'D3 a good token, a map that was asked early');
}

# a variable that asks itself: nothing is known by then

$gw->refused('D3 by the header', get('/header/b-1/x', $other),
    'wrong_business');

goes_on('a variable of the location', get('/changing/b-1/x', $other),
    'wrong_business');

$gw->finish;
