# P8a.3, P8a.6: token exchange (RFC 8693) at the partner endpoint, with
# resource (RFC 8707) or audience; and a DPoP header there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use Test::More;

use AGW::Files qw(random_id write_secret);
use AGW::Gateway;
use AGW::Token qw(claims_of);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_key %%PREFIX%%/other.key alg=HS256 kid=o1 verify
                     issuer=https://other.example;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_issuer https://api.example.com/auth;
        auth_gateway_business_path /v1/businesses/<business_id>;
        auth_gateway_business_scope read write;

        location = /token { auth_gateway_token partner; }

        location = /layer {
            auth_gateway_token partner;
            auth_gateway_error_format layer;
        }

        location = /short {
            auth_gateway_token partner;
            auth_gateway_business_lifetime 90s;
            auth_gateway_business_scope only;
        }

        location = /revoke { auth_gateway_revoke token; }

        location /b/ {
            auth_gateway_token business;
            auth_gateway_business_path /b/<business_id>;
        }

        location /v1/businesses/ {
            auth_gateway_require business;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /report/ {
            auth_gateway_require business;
            auth_gateway_business_path /report/<business_id>/year;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # without an issuer no URL is known

    server {
        listen 127.0.0.1:%%TLS2%% ssl;

        location = /token { auth_gateway_token partner; }

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $others;
my $gw = AGW::Gateway->start($conf, before => sub {
    $others = write_secret("$_[0]/other.key");
});
my $partner = $gw->partner;
my $id = $partner->{id};
my $business = $gw->business($partner);
my $origin = 'https://api.example.com';
my $issuer = "$origin/auth";
my $resource = "$origin/v1/businesses/$business";
my $token = mint(partner_id => $id);

my %good = (
    grant_type => 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token => $token,
    subject_token_type => 'urn:ietf:params:oauth:token-type:access_token',
    resource => $resource,
);

sub mint {
    my (%opt) = @_;

    $opt{claims} = { iss => $issuer, %{ $opt{claims} // {} } };

    return $gw->mint(%opt);
}

sub encoded {
    my (%params) = @_;

    return join '&', map { "$_=" . $params{$_}
        =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger }
        grep { defined $params{$_} } sort keys %params;
}

sub ask {
    my ($params, %opt) = @_;

    my $to = delete $opt{url} // '/token';

    $opt{basic} = [$id, $partner->{key}] unless exists $opt{basic};
    delete $opt{basic} unless $opt{basic};

    return $gw->request('POST', $to, form => encoded(%good, %$params), %opt);
}

sub refused {
    my ($name, $response, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return $gw->refused($name, $response, $reason, by => 'basic', %opt);
}

sub granted {
    my ($name, $response, %want) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $got = $response->json // {};

    is($response->status, 200, $name) or return diag($response->body);
    $gw->keep_secret($got->{access_token});
    is_deeply([map { "$_=$got->{$_}" } grep { $_ ne 'access_token' }
        sort keys %$got], [
            'business_id=' . ($want{business_id} // $business),
            'expires_in=' . ($want{expires_in} // 3600),
            'issued_token_type=urn:ietf:params:oauth:token-type:access_token',
            'scope=' . ($want{scope} // 'business_access read write'),
            'token_type=Bearer',
        ], "P8a.3 exact members: $name");

    my $claims = claims_of($got->{access_token});

    is_deeply([@$claims{qw(partner_id sub client_id business_id scope)}],
        [($id) x 3, $got->{business_id}, $got->{scope}],
        "P8a.3 its claims: $name");

    return $got->{access_token};
}

$gw->good_is(sub { ask({}, quiet => 1)->status == 200 });

# what is granted

{
    my $response = ask({});
    my $new = granted('P8a.3 by resource', $response);

    is($response->header('Cache-Control'), 'no-store', 'P0.1 no-store');
    isnt(claims_of($new)->{jti}, claims_of($token)->{jti}, 'P8a.3 jti');
    is($gw->request('GET', "/v1/businesses/$business/x",
        bearer => $new)->status, 200, 'P8a.3 it opens its business');
    $gw->refused('P8a.3 and no other', $gw->request('GET',
        '/v1/businesses/' . $gw->business($partner), bearer => $new),
        'wrong_business');
}

granted('P8a.3 by audience', ask({ resource => undef,
    audience => $business }));
granted('P8a.3 by both', ask({ audience => $business }));
granted('P8a.3 with a final slash', ask({ resource => "$resource/" }));
granted('P8a.3 by another template of the server',
    ask({ resource => "$origin/report/$business/year" }));
granted('P8a.3 scheme and host in another case',
    ask({ resource => $resource =~ s/^https:..api/HTTPS:\/\/API/r }));
granted('P8a.3 the type of a JWT', ask({
    subject_token_type => 'urn:ietf:params:oauth:token-type:jwt' }));
granted('P8a.3 the type that is given', ask({
    requested_token_type => 'urn:ietf:params:oauth:token-type:access_token' }));
granted('P8a.3 empty parameters are absent ones', ask({ audience => '',
    actor_token => '', requested_token_type => '', scope => '' }));
granted('P8a.3 a scope', ask({ scope => 'read' }),
    scope => 'business_access read');
granted('P8a.3 session_duration', ask({ session_duration => 60 }),
    expires_in => 60);
granted('P8a.3 what the location says', ask({}, url => '/short'),
    expires_in => 90, scope => 'business_access only');
granted('P8a.3 layer', ask({}, url => '/layer'));
granted('P8a.3 with client_secret', ask({ client_id => $id,
    client_secret => $partner->{key} }, basic => undef));
granted('P8a.3 without an issuer, by audience', ask({ resource => undef,
    audience => $business, subject_token => $gw->mint(partner_id => $id) },
    port => 'TLS2'), scope => 'business_access');

{
    my $json = JSON->new->canonical;
    my $response = $gw->request('POST', '/token',
        headers => [AGW::Gateway::basic($id, $partner->{key}),
            'Content-Type: application/json'], body => $json->encode(\%good));

    granted('P8a.3 in JSON', $response);

    for my $name (sort keys %good) {
        refused("P8a.3 in JSON, $name is no string",
            $gw->request('POST', '/token',
                headers => [AGW::Gateway::basic($id, $partner->{key}),
                    'Content-Type: application/json'],
                body => $json->encode({ %good, $name => [$good{$name}] })),
            'invalid_request');
    }
}

# what has to be there, and what must not

for (['no subject_token', { subject_token => undef }],
    ['an empty one', { subject_token => '' }],
    ['no type', { subject_token_type => undef }],
    ['neither resource nor audience', { resource => undef }],
    ['both empty', { resource => '', audience => '' }],
    ['an actor', { actor_token => $token }],
    ['an actor with its type', { actor_token => $token,
        actor_token_type => $good{subject_token_type} }],
    ['the type of an actor alone',
        { actor_token_type => $good{subject_token_type} }],
    (map { ["the type $_", { subject_token_type => $_ }] }
        'urn:ietf:params:oauth:token-type:refresh_token',
        'urn:ietf:params:oauth:token-type:id_token',
        'urn:ietf:params:oauth:token-type:saml2',
        'URN:IETF:params:oauth:token-type:access_token', 'access_token',
        'urn:ietf:params:oauth:token-type:jwt '),
    (map { ["the wanted type $_", { requested_token_type => $_ }] }
        'urn:ietf:params:oauth:token-type:refresh_token',
        'urn:ietf:params:oauth:token-type:id_token', 'access_token'))
{
    refused("P8a.3 $_->[0]", ask($_->[1]), 'invalid_request');
}

refused('P1.4 resource twice', $gw->request('POST', '/token',
    basic => [$id, $partner->{key}],
    form => encoded(%good) . "&resource=x"), 'invalid_request');
refused('P2.6 a scope that is not to be had', ask({ scope => 'other' }),
    'invalid_scope');
refused('P3.2 a session_duration', ask({ session_duration => 0 }),
    'invalid_request');
refused('P1.3 another grant', ask({
    grant_type => 'urn:ietf:params:oauth:grant-type:token-exchang' }),
    'unsupported_grant_type');
$gw->refused('P1.3 an exchange where business tokens are issued',
    $gw->request('POST', "/b/$business", bearer => $token,
        form => encoded(%good)), 'unsupported_grant_type');

# the caller

refused('P8a.3 no credentials', ask({}, basic => undef), 'no_credentials');
refused('P8a.3 a wrong key', ask({}, basic => [$id, 'wrong']),
    'invalid_client');
refused('P8a.3 the token is no credential',
    ask({}, basic => undef, bearer => $token), 'no_credentials');
refused('P8a.3 a bad token and a wrong key', ask({ subject_token => 'x' },
    basic => [$id, 'wrong']), 'invalid_client');
refused('P0.6 plain HTTP', ask({}, port => 'PLAIN'), 'insecure_transport');

# the subject token: the same bytes whatever is wrong with it

{
    my $other = $gw->partner;
    my $now = time;
    my $ended = mint(partner_id => $id);
    my %bytes;

    is($gw->request('POST', '/revoke', basic => [$id, $partner->{key}],
        form => "token=$ended")->status, 200, 'P8a.3 a token is revoked');

    my $head = (split /\./, $token)[0];

    for (['a business token', 'wrong_kind', mint(partner_id => $id,
            business_id => $business)],
        ['expired', 'expired', mint(partner_id => $id,
            claims => { iat => $now - 700, exp => $now - 100 })],
        ['not yet valid', 'not_yet_valid', mint(partner_id => $id,
            claims => { iat => $now + 100, exp => $now + 200 })],
        ['lives too long', 'lifetime_exceeded', mint(partner_id => $id,
            claims => { exp => $now + 90000 })],
        ['revoked', 'revoked', $ended],
        ['another partner\'s', q(another partner's),
            mint(partner_id => $other->{id})],
        ['of another issuer', 'wrong_issuer', mint(partner_id => $id,
            claims => { iss => 'https://x' })],
        ['under another issuer\'s key', 'wrong_kind', $gw->mint(
            partner_id => $id, kid => 'o1', secret => $others,
            claims => { iss => 'https://other.example' })],
        ['an unknown key', 'unknown_key', mint(partner_id => $id,
            kid => 'x')],
        ['a bad signature', 'bad_signature',
            $token =~ s/\.[^.]{4}([^.]*)$/.AAAA$1/r],
        ['no token', 'malformed_token', 'abc'],
        ['claims without jti', 'malformed_claims', mint(partner_id => $id,
            claims => { jti => undef })])
    {
        my ($name, $fault, $subject) = @$_;
        my $response = ask({ subject_token => $subject });

        refused("P8a.3 $name", $response, 'invalid_request',
            fault => "subject_token: $fault", partner => $id);
        push @{ $bytes{ $response->same_bytes } }, $name;
    }

    is(keys %bytes, 1, 'P8a.3 the same bytes for every subject token')
        or diag(join "\n---\n", keys %bytes);
}

# the business: likewise

{
    my $other = $gw->partner;
    my %bytes;

    for (['unknown', random_id(), 'unknown_business'],
        ['another partner\'s', $gw->business($other), 'not_owner'],
        ['archived', $gw->business($partner, status => 'archived'),
            'archived_business'],
        ['another partner\'s archived', $gw->business($other,
            status => 'archived'), 'not_owner'])
    {
        my ($name, $which, $fault) = @$_;

        for ({ resource => "$origin/v1/businesses/$which" },
            { resource => undef, audience => $which })
        {
            my $response = ask($_);

            refused("P8a.3 $name, by " . (exists $_->{audience} ? 'audience'
                : 'resource'), $response, 'invalid_target', fault => $fault,
                partner => $id);
            push @{ $bytes{ $response->same_bytes } }, $name;
        }

        my $layer = ask({ resource => undef, audience => $which },
            url => '/layer');

        refused("P8a.3 $name, layer", $layer, 'invalid_target',
            format => 'layer', fault => $fault);
        push @{ $bytes{'layer ' . $layer->same_bytes} }, $name;
    }

    for ("http://api.example.com/v1/businesses/$business",
        "https://api.example.com:443/v1/businesses/$business",
        "https://api.example.co/v1/businesses/$business",
        "https://api.example.com.evil/v1/businesses/$business",
        "https://x\@api.example.com/v1/businesses/$business",
        "/v1/businesses/$business", "v1/businesses/$business", $business,
        "urn:business:$business", $origin, "$origin/", $issuer,
        "$resource/invoices", "$resource//", "$resource?", "$resource?x=1",
        "$resource#", "$resource#x", "$resource;x", "$resource%2f",
        "$origin/v1/businesses/", "$origin/v1//businesses/$business",
        "$origin/v1/businesses/x/../$business", "$origin/v1/businesses/..",
        "$origin/v1/businesses/%61", "$origin/V1/businesses/$business",
        "$origin/report/$business", "$origin/b/$business",
        "$origin/auth/v1/businesses/$business", "$resource ", " $resource",
        "$resource\t", "$resource\xc3\xa9")
    {
        my $response = ask({ resource => $_ });

        refused('P8a.3 the resource '
            . s/\Q$business/ID/r =~ s/[^ -~]/?/gr, $response,
            'invalid_target');
        push @{ $bytes{ $response->same_bytes } }, $_;
    }

    for ('a b', 'x' x 129, "$business/", 'a%2fb', $resource) {
        my $response = ask({ resource => undef, audience => $_ });

        refused('P8a.3 the audience ' . substr(s/\Q$business/ID/r, 0, 20),
            $response, 'invalid_target');
        push @{ $bytes{ $response->same_bytes } }, $_;
    }

    refused('P8a.3 resource and audience of two businesses',
        ask({ audience => $gw->business($partner) }), 'invalid_target');
    refused('P8a.3 without an issuer no resource is known', ask({},
        port => 'TLS2'), 'invalid_target');

    is(keys %bytes, 2, 'P8a.3 the same bytes for every target')
        or diag(join "\n---\n", keys %bytes);
}

# the partner, between two requests

{
    my $closing = $gw->partner;
    my $theirs = $gw->business($closing);
    my %params = (resource => undef, audience => $theirs,
        subject_token => mint(partner_id => $closing->{id}));
    my @basic = (basic => [$closing->{id}, $closing->{key}]);

    is(ask(\%params, @basic)->status, 200, 'P2.4 before');
    $gw->store->set_partner($closing->{id}, status => 'disabled');
    refused('P2.4 a disabled partner', ask(\%params, @basic),
        'invalid_client');
}

# P8a.6

for (['/token', { basic => [$id, $partner->{key}] }, 'basic'],
    ["/b/$business", { bearer => $token }, 'bearer'])
{
    my ($url, $by, $how) = @$_;

    for ('DPoP: eyJ0eXAiOiJkcG9wK2p3dCJ9.e30.AA', 'dpop: x', 'DPoP:',
        'DPOP: a, b')
    {
        my $response = $gw->request('POST', $url, headers => [$_], %$by);

        $gw->refused("P8a.6 $url, $_" =~ s/\Q$business/ID/r, $response,
            'dpop_unsupported', by => $how);
        like($response->json->{error_description}, qr/^DPoP /,
            'P8a.6 it is named');
    }

    my @lines = map { [split /: /, lc($_) =~ /^dpop/ ? 'dpop: x' : $_, 2] }
        'dpop', $by->{bearer} ? AGW::Gateway::bearer($token)
        : AGW::Gateway::basic($id, $partner->{key});

    $_->[0] = lc $_->[0] for @lines;

    my $h2 = $gw->connect_h2;

    is($h2->request('POST', $url, headers => \@lines)->status, 400,
        "P8a.6 $how, over HTTP/2");
    $h2->close;
}

is($gw->request('GET', "/v1/businesses/$business", headers => ['DPoP: x'],
    bearer => mint(partner_id => $id, business_id => $business))->status,
    200, 'P8a.6 a guarded location does not look for it');

$gw->finish;
