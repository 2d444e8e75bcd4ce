# P0.7: an answer has the challenge of the pass that gives it, and no other.
# An error page is a pass of its own: nginx keeps the headers of the one
# before, of which it remembers one challenge alone.  The story: a token, and
# a 405, went out with the challenge of the refusal before it, and where that
# one had two, so did another's 401.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;

# the realm says whose a challenge is

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_issuer https://issuer.example;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_intercept_errors on;

        location /bearer/ {
            auth_gateway_realm first;
            auth_gateway_require partner;

            location /bearer/bearer { error_page 400 401 403 = @bearer; }
            location /bearer/partner { error_page 400 401 403 = @partner; }
            location /bearer/either { error_page 400 401 403 = @either; }
            location /bearer/document { error_page 401 =200 /document; }
            location /bearer/post { error_page 401 =405 /post; }
            location /bearer/page { error_page 401 /page; }
        }

        location /partner/ {
            auth_gateway_realm first;

            location = /partner/bearer {
                auth_gateway_token partner;
                error_page 400 401 403 = @bearer;
            }

            location = /partner/either {
                auth_gateway_token partner;
                error_page 400 401 403 = @either;
            }
        }

        # both challenges, of which nginx remembers the second

        location /either/ {
            auth_gateway_realm first;

            location = /either/bearer {
                auth_gateway_revoke token;
                error_page 400 401 403 = @bearer;
            }

            location = /either/partner {
                auth_gateway_revoke token;
                error_page 400 401 403 = @partner;
            }

            location = /either/document {
                auth_gateway_revoke token;
                error_page 401 /document;
            }
        }

        location @bearer {
            auth_gateway_realm second;
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # a business's token is not for the first, but for the second

        location /let/ {
            auth_gateway_realm first;
            auth_gateway_require partner;
            error_page 403 = @business;
        }

        location @business {
            auth_gateway_realm second;
            auth_gateway_require business;
            auth_gateway_business_path /let/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location @partner {
            auth_gateway_realm second;
            auth_gateway_token partner;
        }

        location @either {
            auth_gateway_realm second;
            auth_gateway_introspect;
        }

        # nginx comes to these with GET

        location = /document { auth_gateway_jwks; }
        location = /post { auth_gateway_token partner; }
        location = /page { return 401 "page\n"; }
    }
}
CONF

my $gw = AGW::Gateway->start($conf,
    allow => [qr/"auth_gateway_jwks" has no key/]);
my $partner = $gw->partner;
my $token = $gw->mint(partner_id => $partner->{id},
    claims => { iss => 'https://issuer.example' });

$gw->good_is(sub {
    return $gw->request('GET', '/bearer/bearer', quiet => 1,
        bearer => $token)->status;
});


sub challenges {
    my ($response) = @_;

    return join ' | ', $response->header('WWW-Authenticate');
}

sub is_challenged {
    my ($name, $response, $status, @challenges) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($response->status, $status, "P0.7 $name: $status");
    is(challenges($response), join(' | ', @challenges),
        "P0.7 $name: its challenges");

    return;
}

my ($bearer, $basic) = map { "$_ realm=\"second\"" } qw(Bearer Basic);

# without credentials: each refuses, and the last one's challenge remains

my %second = (bearer => [$bearer], partner => [$basic],
    either => [$basic, $bearer]);

for my $first (qw(bearer partner either)) {
    for my $second (grep { $_ ne $first || $first eq 'bearer' }
        sort keys %second)
    {
        my $response = $gw->request('POST', "/$first/$second");

        is_challenged("$first, then $second", $response, 401,
            @{ $second{$second} });
        is(scalar(() = $gw->refusals), 2, 'D7 and two lines of the log');
    }
}

# with credentials for the second one alone: no challenge is left

{
    my @key = @$partner{qw(id key)};

    my $response = $gw->request('POST', '/bearer/partner', basic => \@key);

    is_challenged('bearer, then a token', $response, 200);
    ok($response->json->{access_token}, 'P1.9 which is there');
    $gw->keep_secret($response->json->{access_token});

    $response = $gw->request('POST', '/bearer/either', basic => \@key,
        form => "token=$token");
    is_challenged('bearer, then introspection', $response, 200);
    is($response->json->{active}, JSON::true(), 'P6.3 which is there');
}

# one that is about something else has no challenge: a malformed body, a
# method

{
    my $response = $gw->request('POST', '/bearer/partner', basic =>
        [@$partner{qw(id key)}], form => 'grant_type=password');

    is_challenged('bearer, then a bad request', $response, 400);

    $response = $gw->request('GET', '/bearer/post');
    is_challenged('bearer, then a wrong method', $response, 405);
    is($response->header('Allow'), 'POST', 'P0.3 which it names');
}

# nothing is added to a request that is let through

{
    my $response = $gw->request('GET', '/let/b-1', bearer => $gw->mint(
        partner_id => $partner->{id}, business_id => 'b-1',
        claims => { iss => 'https://issuer.example' }));

    is(scalar(() = $gw->refusals), 1, 'D7 refused once');
    is_challenged('bearer, then let through', $response, 200);
    is(scalar(() = $gw->upstream_saw), 1, 'P0.7 to its upstream');
}

# documents are for everybody

for my $first (qw(bearer either)) {
    my $response = $gw->request('POST', "/$first/document");

    is(challenges($response), '', "P7.1 $first, then a document");
    is_deeply($response->json, { keys => [] }, 'P7.1 which is there');
}

# a page of nginx's own keeps the challenge that its status needs

is_challenged('bearer, then a page', $gw->request('GET', '/bearer/page'),
    401, 'Bearer realm="first"');

is_deeply([$gw->problems_after], [], 'P0.7 on the same worker');
$gw->finish;
