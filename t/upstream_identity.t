# P4.6: what guarded_proxy.conf sends upstream, and what it keeps from it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    underscores_in_headers on;
    proxy_http_version 1.1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location /v1/businesses/ {
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /partners {
            auth_gateway_require partner;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /open/ {
            auth_gateway_require off;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $token = $gw->mint(partner_id => 'p-1', business_id => 'b-1');
my $unscoped = $gw->mint(partner_id => 'p-1');
my $upstream = '127.0.0.1:' . $gw->upstream->port;

# what the upstream received of a request with these header lines

sub seen {
    my ($target, $bearer, @lines) = @_;

    my $response = $gw->request('GET', $target, bearer => $bearer,
        headers => \@lines);

    is($response->status, 200, "P4.6 $target arrives");

    return ($gw->upstream_saw)[0];
}

$gw->good_is(sub {
    return $gw->request('GET', '/v1/businesses/b-1', bearer => $token,
        quiet => 1)->status == 200;
});

# a client names somebody else, in every spelling, before and after

my @claims = map { ("$_: evil", "\L$_: evil") } qw(
    X-Partner-Id X-Business-Id X_Partner_Id X-Partner_Id X_Partner-Id
    X_Business_Id X-Business_Id X_Business-Id
);

for (['/v1/businesses/b-1/x', $token, ['p-1'], ['b-1']],
    ['/partners', $unscoped, ['p-1'], undef], ['/open/x', undef])
{
    my ($target, $bearer, $partner, $business) = @$_;
    my $seen = seen($target, $bearer, @claims);

    is_deeply($seen->{headers}{'x-partner-id'}, $partner,
        "P4.6 X-Partner-Id of $target");
    is_deeply($seen->{headers}{'x-business-id'}, $business,
        "P4.6 X-Business-Id of $target");
    unlike($seen->{head}, qr/evil/, "P4.6 no other spelling at $target");
}

# each header that is for nobody behind us

for my $name (qw(X_Partner_Id X-Partner_Id X_Partner-Id X_Business_Id
    X-Business_Id X_Business-Id X-Original-URL X-Original-URI X-Rewrite-URL
    X-Override-URL X-Forwarded-Uri X-Forwarded-Path X-Forwarded-Prefix
    Destination X-Forwarded-Host Forwarded X-HTTP-Method
    X-HTTP-Method-Override X-Method-Override HTTP2-Settings))
{
    my $seen = seen('/v1/businesses/b-1/x', $token, "$name: evil");

    is($seen->{headers}{ lc $name }, undef, "P4.6 $name is kept back");
    unlike($seen->{head}, qr/evil/, "P4.6 $name, its value too");
}

for (['/v1/businesses/b-1/x', $token], ['/partners', $unscoped],
    ['/open/x', $token])
{
    my $seen = seen(@$_);

    is($seen->{headers}{authorization}, undef,
        "P4.6 Authorization is kept back, $_->[0]");
    unlike($seen->{head}, qr/\Q$_->[1]/, "P4.6 and the token, $_->[0]");
}

# what stays nginx's own

{
    my $client = $gw->connect;

    $gw->mark;
    $client->send(join "\r\n", 'GET /v1/businesses/b-1/x HTTP/1.1',
        'Host: evil.example', AGW::Gateway::bearer($token),
        'Connection: X-Business-Id', 'Upgrade: h2c', '', '');
    is($client->response->status, 200, 'P4.6 Host, Connection, Upgrade');

    my ($seen) = $gw->upstream_saw;

    is_deeply($seen->{headers}{host}, [$upstream],
        'P4.6 Host is that of proxy_pass');
    is($seen->{headers}{connection}, undef,
        'P4.6 Connection is not the client\'s');
    is($seen->{headers}{upgrade}, undef, 'P4.6 Upgrade is not the client\'s');
    $client->close;

    $seen = seen('/v1/businesses/b-1/x', $token, 'Upgrade: websocket',
        'Connection: Upgrade');
    is_deeply([@{ $seen->{headers} }{qw(upgrade connection)}],
        [['websocket'], ['upgrade']], 'P4.6 but for a WebSocket');
}

# nobody is named by a token that does not hold, where none is asked for

for (['expired', $gw->mint(partner_id => 'p-1', business_id => 'b-1',
        claims => { iat => time - 20, exp => time - 10 })],
    ['of another key', $gw->mint(partner_id => 'p-1', business_id => 'b-1',
        secret => 'x' x 48)])
{
    my ($name, $bearer) = @$_;
    my $seen = seen('/open/x', $bearer);

    is_deeply([@{ $seen->{headers} }{qw(x-partner-id x-business-id)}],
        [undef, undef], "P4.6 nobody is named by a token $name");
}

# no store is asked, here there is none

$gw->refused('P4.2 another business, before any look-up',
    $gw->request('GET', '/v1/businesses/b-2/x', bearer => $token),
    'wrong_business');

# a header of the client's that is nobody's business arrives

is_deeply(seen('/v1/businesses/b-1/x', $token, 'X-Trace: 7')
    ->{headers}{'x-trace'}, ['7'], 'P4.6 other headers arrive');

$gw->finish;
