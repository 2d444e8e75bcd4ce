# D7, the variables for an audit log: who got which token, who was refused
# and why, who changed what; and nothing in them that a client only claims.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use Test::More;
use Time::HiRes qw(sleep);

use AGW::Files qw(repo_root slurp);
use AGW::Gateway;
use AGW::Token qw(claims_of);

# the format that is shipped, and the same without its condition

my ($format) = slurp(repo_root() . '/conf/nginx.conf')
    =~ /^( {4}log_format audit .*?;)$/ms;

die "no log_format audit in conf/nginx.conf\n" unless $format;

my $conf = <<"CONF";
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    map \$request_uri \$logged_path {
        "~^(?<printable>[\\x21\\x22\\x24-\\x3e\\x40-\\x7e]*)" \$printable;
    }

$format
    access_log %%PREFIX%%/logs/audit.log audit if=\$auth_gateway_event;

    log_format all '\$http_x_row|\$auth_gateway_event|\$auth_gateway_event_partner_id'
        '|\$auth_gateway_event_business_id|\$auth_gateway_event_token_id|';
    access_log %%PREFIX%%/logs/all.log all;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;
        auth_gateway_partner_scope read;

        location = /token { auth_gateway_token partner; }
        location = /revoke { auth_gateway_revoke token; }
        location = /introspect { auth_gateway_introspect; }
        location = /jwks { auth_gateway_jwks; }

        location ~ ^/token/[^/]+\$ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location ~ ^/end/[^/]+\$ {
            auth_gateway_revoke business;
            auth_gateway_business_path /end/<business_id>;
        }

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /owner/ {
            auth_gateway_require owner;
            auth_gateway_business_path /owner/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /shadow/ {
            auth_gateway_business_path /shadow/<business_id>;
            auth_gateway_enforce log;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /open/ {
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /intercepted/ {
            auth_gateway_business_path /intercepted/<business_id>;
            auth_gateway_intercept_errors on;
            error_page 401 /open/login;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $partner = $gw->partner;
my ($id, $key) = @$partner{qw(id key)};
my $another = $gw->partner;
my $business = $gw->business($partner);
my $theirs = $gw->business($another);
my $row = 0;

# the four variables of one request, which must be in the audit log exactly if
# something happened

sub happened {
    my ($name, $wanted, $method, $target, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $number = 'r' . ++$row;

    $target .= "?row=$number" unless $opt{as_it_is};

    my $response = $gw->request($method, $target, %opt,
        headers => ["X-Row: $number", @{ $opt{headers} // [] }]);
    my $found;

    for (1 .. 200) {
        ($found) = slurp($gw->prefix . '/logs/all.log')
            =~ /^$number\|(.*)\|$/m;
        last if defined $found;
        sleep 0.02;
    }

    my @wanted = map { ref $_ ? $_->($response) : $_ } @$wanted;

    is_deeply([map { $_ eq '-' ? '' : $_ } split /\|/, $found // '', -1],
        \@wanted, "D7 $name") or diag($response->status);

    return $response;
}

sub jti {
    return claims_of($_[0]->json->{access_token})->{jti};
}

my @nothing = ('') x 4;

# issued

my $response = happened('a partner token', ['issued', $id, '', \&jti],
    'POST', '/token', basic => [$id, $key]);
my $token = $response->json->{access_token};

$gw->keep_secret($token);

happened('a partner token by the body', ['issued', $id, '', \&jti],
    'POST', '/token', form => "client_id=$id&client_secret=$key");

$response = happened('a business token', ['issued', $id, $business, \&jti],
    'POST', "/token/$business", bearer => $token);

my $business_token = $response->json->{access_token};

$gw->keep_secret($business_token);

# allowed: nothing to keep

happened('a guarded request', \@nothing, 'GET', "/v1/businesses/$business/x",
    bearer => $business_token);
happened('an owner', \@nothing, 'GET', "/owner/$business/x",
    bearer => $token);
happened('under log', \@nothing, 'GET', "/shadow/$business/x",
    bearer => $business_token);
happened('an open location', \@nothing, 'GET', '/open/x', bearer => $token);
happened('a document', \@nothing, 'GET', '/jwks');

# refused: by a token, whoever signed it for us; else nobody knows who it is

my $now = time;
my $expired = $gw->mint(partner_id => $id, business_id => $business,
    claims => { iat => $now - 90, exp => $now - 30 });
my $forged = $gw->mint(partner_id => $id, business_id => $business,
    secret => 'x' x 64);

for my $place (['v1/businesses', 'refused'], ['shadow', 'would_refuse']) {
    my ($where, $event) = @$place;
    my $path = "/$where/$business/x";

    happened("nobody, $where", [$event, '', '', ''], 'GET', $path);
    happened("a forged token, $where", [$event, '', '', ''], 'GET', $path,
        bearer => $forged);
    happened("an unknown key, $where", [$event, '', '', ''], 'GET', $path,
        bearer => $gw->mint(partner_id => $id, business_id => $business,
            header => { kid => 'k9' }));
    happened("malformed claims, $where", [$event, '', '', ''], 'GET', $path,
        bearer => $gw->mint(partner_id => $id, business_id => $business,
            claims => { exp => 'soon' }));
    happened("an id of another grammar, $where", [$event, '', '', ''], 'GET',
        $path, bearer => $gw->mint(partner_id => "p\",\"event\":\"issued",
            business_id => $business));
    happened("an expired token, $where", [$event, $id, $business, ''], 'GET',
        $path, bearer => $expired);
    happened("another business, $where", [$event, $id, $business, ''],
        'GET', "/$where/$theirs/x", bearer => $business_token);
    happened("a partner token, $where", [$event, $id, '', ''], 'GET', $path,
        bearer => $token);
    happened("an ambiguous path, $where", [$event, '', '', ''], 'GET',
        "/$where/$business/..%2fx", bearer => $business_token);
}

happened('another\'s business, as owner', ['refused', $id, '', ''], 'GET',
    "/owner/$theirs/x", bearer => $token);
happened('intercepted', ['refused', $id, $business, ''], 'GET',
    "/intercepted/$business/x", bearer => $expired);
happened('another business for a token', ['refused', $id, '', ''], 'POST',
    "/token/$theirs", bearer => $token);

# an API key: the partner that it is said to be of is not the one who asks

for (
    ['a wrong key', '/token', basic => [$id, 'wrong']],
    ['another\'s key', '/token', basic => [$id, $another->{key}]],
    ['an unknown partner', '/token', basic => ['nobody', $key]],
    ['a wrong key that revokes', '/revoke', basic => [$id, 'wrong'],
        form => 'token=x'],
    ['no key', '/token', form => "client_id=$id"],
    ['a forged line', '/token', basic => [qq($id","event":"issued), $key]],
) {
    my ($name, $target, %opt) = @$_;

    happened($name, ['refused', '', '', ''], 'POST', $target, %opt);
}

happened('a scope that is not granted', ['refused', '', '', ''], 'POST',
    '/token', basic => [$id, $key], form => 'scope=write');
happened('no token to revoke', ['refused', $id, '', ''], 'POST', '/revoke',
    basic => [$id, $key], form => 'x=y');

# introspected: the token's id only if it is the partner's own

my $jti = claims_of($business_token)->{jti};
my $of_another = $gw->mint(partner_id => $another->{id});

happened('introspection', ['introspected', $id, $business, $jti], 'POST',
    '/introspect', basic => [$id, $key], form => "token=$business_token");
happened('introspection by a token', ['introspected', $id, $business, $jti],
    'POST', '/introspect', bearer => $token, form => "token=$business_token");
happened('introspection of an expired token', ['introspected', $id,
    $business, claims_of($expired)->{jti}], 'POST', '/introspect',
    basic => [$id, $key], form => "token=$expired");
happened('introspection of another\'s token', ['introspected', $id, '', ''],
    'POST', '/introspect', basic => [$id, $key], form => "token=$of_another");
happened('introspection of a forged token', ['introspected', $id, '', ''],
    'POST', '/introspect', basic => [$id, $key], form => "token=$forged");

# revoked: what was revoked, and nothing where nothing was

happened('revocation', ['revoked', $id, $business, $jti], 'POST', '/revoke',
    basic => [$id, $key], form => "token=$business_token");
happened('the revoked token', ['refused', $id, $business, ''], 'GET',
    "/v1/businesses/$business/x", bearer => $business_token);
happened('revocation of another\'s token', \@nothing, 'POST', '/revoke',
    basic => [$id, $key], form => "token=$of_another");
happened('revocation of a forged token', \@nothing, 'POST', '/revoke',
    basic => [$id, $key], form => "token=$forged");
happened('revocation of a business', ['revoked', $id, $business, ''],
    'POST', "/end/$business", basic => [$id, $key]);
happened('revocation of another\'s business', ['refused', $id, '', ''],
    'POST', "/end/$theirs", basic => [$id, $key]);
happened('revocation of its own partner token', ['revoked', $id, '',
    claims_of($token)->{jti}], 'POST', '/revoke', bearer => $token,
    form => "token=$token");

# a client cannot write into the log, nor forge a line of it

happened('an evil path', ['refused', '', '', ''], 'GET',
    '/v1/businesses/"}%0a{"event":"issued"}/x?token=secret-in-a-query',
    as_it_is => 1);
happened('an evil header', ['refused', '', '', ''], 'GET',
    "/v1/businesses/$business/x", headers => [
        'X-Forwarded-For: "}', 'User-Agent: "}' ]);

# the shipped format: one JSON object a line, one for each that happened

{
    my @lines = split /\n/, slurp($gw->prefix . '/logs/audit.log');
    my $text = slurp($gw->prefix . '/logs/all.log');
    my @events = $text =~ /^r\d+\|(\w+)\|/mg;
    my @objects = map { eval { JSON->new->decode($_) } } @lines;

    is(scalar @objects, scalar @lines, 'D7 each line is a JSON object');
    is_deeply([map { $_->{event} } @objects], \@events,
        'D7 the audit log has what happened, and no more');

    my ($issued) = grep { $_->{event} eq 'issued' && $_->{business} }
        @objects;

    is_deeply([@$issued{qw(partner business jti result method path status)}],
        [$id, $business, $jti, 'ok', 'POST', "/token/$business", '200'],
        'D7 who got which token');

    my ($refused) = grep { $_->{result} eq 'wrong_business' } @objects;

    is_deeply([@$refused{qw(event partner business jti status path)}],
        ['refused', $id, $business, '', '403',
            "/v1/businesses/$theirs/x"], 'D7 who was refused, and why');
    like($_->{request_id}, qr/^[0-9a-f]{32}$/, 'D7 a request id')
        for $issued, $refused;

    is_deeply([grep { /secret-in-a-query|\Q$key\E|\Q$token\E/ } @lines], [],
        'D7 no query, key or token');

    my ($evil) = grep { $_->{path} =~ /evil|%0a/ } @objects;

    is($evil->{event}, 'refused', 'D7 a path with quotes is one string');
}

$gw->finish;
