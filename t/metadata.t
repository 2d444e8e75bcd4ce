# P7.2: the authorization server's metadata (RFC 8414).

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Documents qw(document_is locations other_ways);
use AGW::Files qw(spew);
use AGW::Gateway;

my $directive = 'auth_gateway_metadata token=/oauth2/token jwks=/jwks'
    . ' revoke=/oauth2/revoke introspect=/oauth2/introspect;';
my $conf = <<'CONF' =~ s/^ +%%LOCATIONS%%$/locations($directive)/mer;
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_business_path /v1/businesses/<business_id>;
    auth_gateway_partner_scope reports ledger:read;
    auth_gateway_business_scope ledger:read payments;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_issuer https://api.example.com;
        auth_gateway_require business;

        %%LOCATIONS%%
    }

    # an issuer with a port and a path, and little else

    server {
        listen 127.0.0.1:%%TLS2%% ssl;

        auth_gateway_issuer https://api.example.com:8443/books/a;

        location = /.well-known/oauth-authorization-server/books/a {
            auth_gateway_metadata token=/books/token;
            auth_gateway_partner_scope accounts;
            auth_gateway_business_scope accounts;
        }
    }

    # one that ends in a slash, and no keys

    server {
        listen 127.0.0.1:%%TLS3%% ssl;

        auth_gateway_issuer https://api.example.com/;

        location = /.well-known/oauth-authorization-server {
            auth_gateway_metadata jwks=/k token=/t;
        }
    }
}
CONF

my $type = 'application/json';
my $gw = AGW::Gateway->start($conf, reply => sub {
    return (200, ['X-Accel-Redirect: /document', 'ETag: "upstream"',
        'Cache-Control: no-store', 'Expires: Thu, 01 Jan 1970 00:00:00 GMT',
        'Last-Modified: Thu, 01 Jan 2015 00:00:00 GMT',
        'Set-Cookie: upstream=1'], 'upstream');
});


# what each document has; more as told

sub members {
    my ($issuer, @more) = @_;

    return {
        issuer => $issuer,
        grant_types_supported => ['client_credentials',
            'urn:ietf:params:oauth:grant-type:token-exchange'],
        response_types_supported => [],
        token_endpoint_auth_methods_supported =>
            ['client_secret_basic', 'client_secret_post'],
        @more,
    };
}


my $origin = 'https://api.example.com';
my $all = members($origin,
    token_endpoint => "$origin/oauth2/token",
    jwks_uri => "$origin/jwks",
    revocation_endpoint => "$origin/oauth2/revoke",
    introspection_endpoint => "$origin/oauth2/introspect",
    scopes_supported => ['reports', 'ledger:read', 'payments',
        'business_access']);

document_is('P7.2 every member', $gw->request('GET', '/document'), $type,
    $all);
other_ways($gw, 'P7.2', sub {
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return document_is(@_, $type, $all);
});

{
    my $port = 'https://api.example.com:8443';
    my $path = '/.well-known/oauth-authorization-server/books/a';

    document_is('P7.2 an issuer with port and path, what is not there',
        $gw->request('GET', $path, port => 'TLS2'), $type,
        members("$port/books/a", token_endpoint => "$port/books/token",
            scopes_supported => ['accounts', 'business_access']));
}

document_is('P7.2 an issuer that ends in a slash, in a server without keys',
    $gw->request('GET', '/.well-known/oauth-authorization-server',
        port => 'TLS3'), $type,
    members("$origin/", token_endpoint => "$origin/t",
        jwks_uri => "$origin/k",
        scopes_supported => ['reports', 'ledger:read', 'payments',
            'business_access']));

# the Host of a request says nothing of who we are

{
    my $response = $gw->request('GET', '/document', no_host => 1,
        headers => ['Host: evil.example', 'X-Forwarded-Host: evil.example',
            'Forwarded: host=evil.example']);

    document_is('P7.2 whatever the Host', $response, $type, $all);
}

# another issuer is another document, from the next reload on

{
    my $before = $gw->request('GET', '/document')->header('ETag');

    my $other = $conf =~ s{issuer \K\Q$origin\E;}{https://other.example;}r;

    ok($gw->nginx->reload($other), 'P7.2 a reload');
    $gw->new_workers;

    my $response = $gw->request('GET', '/document',
        headers => ["If-None-Match: $before"]);

    is($response->status, 200, 'P7.2 another issuer');
    is($response->json->{token_endpoint},
        'https://other.example/oauth2/token', 'P7.2 its endpoints');
    isnt($response->header('ETag'), $before, 'P7.2 another ETag');
}

$gw->finish;
