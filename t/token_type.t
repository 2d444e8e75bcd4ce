# P8a.1, P8.17: auth_gateway_token_type.  Tokens of RFC 9068 are issued, and
# both kinds are accepted, whichever is issued.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;
use AGW::Token qw(claims_of header_of);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_token_type at+jwt;
    auth_gateway_issuer https://api.example.com;
    auth_gateway_audience https://api.example.com;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }

        location /b/ {
            auth_gateway_token business;
            auth_gateway_business_path /b/<business_id>;
        }

        location = /introspect { auth_gateway_introspect; }

        location /v1/businesses/ {
            auth_gateway_require business;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # a key of its own

    server {
        listen 127.0.0.1:%%TLS2%% ssl;
        auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k2;

        location = /token { auth_gateway_token partner; }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $partner = $gw->partner;
my $id = $partner->{id};
my $business = $gw->business($partner);
my $url = "/v1/businesses/$business/x";
my $issuer = 'https://api.example.com';

sub partner_token {
    my (%opt) = @_;

    return $gw->keep_secret($gw->request('POST', '/token',
        basic => [@$partner{qw(id key)}], %opt)->json->{access_token});
}

sub business_token {
    return $gw->keep_secret($gw->request('POST', "/b/$business",
        bearer => $_[0])->json->{access_token});
}

sub opens {
    my ($name, $token) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is_deeply([map { $gw->request('GET', $url,
        bearer => $token)->status } 1 .. 2], [200, 200],
        "$name, at first sight and cached");
}

$gw->good_is(sub {
    return $gw->request('POST', '/token', quiet => 1,
        basic => [@$partner{qw(id key)}])->status == 200;
});

# RFC 9068, section 2: the header, and the claims that have to be there

for my $type ('at+jwt', 'JWT') {
    if ($type eq 'JWT') {
        ok($gw->nginx->reload($conf =~ s/token_type at\+jwt/token_type JWT/r),
            'P8a.1 a reload with the other type');
        $gw->new_workers;
    }

    my $first = partner_token();
    my $second = business_token($first);
    my $third = partner_token(port => 'TLS2');

    is_deeply(header_of($_), { alg => 'HS256', kid => 'k1', typ => $type },
        "P8a.1 header, $type") for $first, $second;
    is_deeply(header_of($third), { alg => 'HS256', kid => 'k2',
        typ => $type }, "P8a.1 header, $type, under another server's key");

    for ([partner => $first], [business => $second]) {
        my ($kind, $token) = @$_;
        my $claims = claims_of($token);

        is_deeply([@$claims{qw(iss aud sub client_id)}],
            [$issuer, $issuer, $id, $id], "P8a.1 $kind, iss, aud, sub");
        is(scalar(grep { defined $claims->{$_} } qw(iat exp jti)), 3,
            "P8a.1 $kind, iat, exp, jti");
    }

    opens("P8a.1 issued as $type", $second);
    is($gw->request('POST', '/introspect', basic => [@$partner{qw(id key)}],
        form => "token=$second")->json->{active}, JSON::true(),
        "P6.3 issued as $type, introspected");

    # of others, in any spelling of a media type

    for ('at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/At+Jwt',
        'JWT', 'jwt', 'application/jwt', undef)
    {
        opens('P8.17 typ ' . ($_ // '(none)') . " where $type is issued",
            $gw->mint(partner_id => $id, business_id => $business,
                header => { typ => $_ },
                claims => { iss => $issuer, aud => $issuer }));
    }

    for ('at+jwt2', 'jwt+at', 'at jwt', 'at+jwt ', '+jwt', 'id+jwt',
        'text/at+jwt', 'dpop+jwt', '')
    {
        $gw->refused("P8.17 typ \"$_\" where $type is issued",
            $gw->request('GET', $url, bearer => $gw->mint(
                partner_id => $id, business_id => $business,
                header => { typ => $_ },
                claims => { iss => $issuer, aud => $issuer })),
            'malformed_token');
    }
}

$gw->finish;
