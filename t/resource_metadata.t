# P8a.2: the metadata of the guarded paths (RFC 9728), and the challenges that
# lead to it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use Test::More;

use AGW::Documents qw(document_is);
use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_business_path /v1/businesses/<business_id>;
    auth_gateway_partner_scope reports;
    auth_gateway_business_scope read;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_issuer https://api.example.com;

        location = /.well-known/oauth-protected-resource {
            auth_gateway_resource_metadata;
        }

        location = /token { auth_gateway_token partner; }
        location = /revoke { auth_gateway_revoke token; }

        location /b/ {
            auth_gateway_token business;
            auth_gateway_business_path /b/<business_id>;
        }

        location /v1/businesses/ {
            auth_gateway_require business;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # an issuer with a path; a document elsewhere

    server {
        listen 127.0.0.1:%%TLS2%% ssl;

        auth_gateway_issuer https://api.example.com:8443/books/a;

        auth_gateway_bind_tokens certificate;

        location = /resource { auth_gateway_resource_metadata; }

        location /v1/businesses/ {
            auth_gateway_require business;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # none: its challenges name none

    server {
        listen 127.0.0.1:%%TLS3%% ssl;

        auth_gateway_issuer https://api.example.com;

        location /v1/businesses/ {
            auth_gateway_require business;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $partner = $gw->partner;
my $business = $gw->business($partner);
my $url = "/v1/businesses/$business/x";
my $path = '/.well-known/oauth-protected-resource';
my $type = 'application/json';
my $token = $gw->mint(partner_id => $partner->{id}, business_id => $business,
    claims => { iss => 'https://api.example.com' });
my $unscoped = $gw->mint(partner_id => $partner->{id},
    claims => { iss => 'https://api.example.com' });

$gw->good_is(sub {
    return $gw->request('GET', $url, quiet => 1, bearer => $token)
        ->status == 200;
});

sub members {
    my ($origin, $issuer) = @_;

    return {
        resource => $origin, authorization_servers => [$issuer],
        scopes_supported => ['reports', 'read', 'business_access'],
        bearer_methods_supported => ['header'],
    };
}

document_is('P8a.2 every member', $gw->request('GET', $path), $type,
    members(('https://api.example.com') x 2));
document_is('P8a.2 whatever the Host', $gw->request('GET', $path,
    no_host => 1, headers => ['Host: evil.example',
        'X-Forwarded-Host: evil.example']), $type,
    members(('https://api.example.com') x 2));
document_is('P8a.2 an issuer with a port and a path',
    $gw->request('GET', '/resource', port => 'TLS2'), $type,
    { %{ members('https://api.example.com:8443',
            'https://api.example.com:8443/books/a') },
        tls_client_certificate_bound_access_tokens => JSON::true() });

for (qw(POST PUT OPTIONS)) {
    my $response = $gw->request($_, $path);

    is_deeply([$response->status, $response->header('Allow')],
        [405, 'GET, HEAD'], "P0.3 $_");
}

# RFC 9728, section 5.1

my $named = 'https://api.example.com' . $path;

sub challenge {
    my ($response) = @_;

    return join ' | ', $response->header('WWW-Authenticate');
}

for (['no token', [$url], qr/^Bearer realm="auth gateway"/, 401],
    ['a malformed header', [$url, headers => ['Authorization: Bearer a b']],
        qr/error="invalid_request"/, 400],
    ['a bad token', [$url, bearer => 'abc'], qr/error="invalid_token"/, 401],
    ['another kind', [$url, bearer => $unscoped],
        qr/error="insufficient_scope", scope="business_access"/, 403],
    ['another business', ['/v1/businesses/other', bearer => $token],
        qr/error="insufficient_scope", scope="business_access"/, 403])
{
    my ($name, $ask, $form, $status) = @$_;
    my $response = $gw->request('GET', @$ask);

    is($response->status, $status, "P8a.2 $name");
    like(challenge($response),
        qr/$form.*, resource_metadata="\Q$named\E"$/,
        "P8a.2 $name: the challenge");
    is_deeply([$gw->problems_after], [], "P8a.2 $name, then a good request");
}

like(challenge($gw->request('POST', "/b/$business")),
    qr/^Bearer realm="auth gateway", resource_metadata="\Q$named\E"$/,
    'P8a.2 where business tokens are issued');
is(challenge($gw->request('POST', '/token')), 'Basic realm="auth gateway"',
    'P8a.2 a Basic challenge has none');
is(challenge($gw->request('POST', '/revoke')), 'Basic realm="auth gateway"'
    . " | Bearer realm=\"auth gateway\", resource_metadata=\"$named\"",
    'P8a.2 both challenges');
like(challenge($gw->request('GET', $url, port => 'TLS2')),
    qr{, resource_metadata="https://api.example.com:8443/resource"$},
    'P8a.2 a document elsewhere');
is(challenge($gw->request('GET', $url, port => 'TLS3')),
    'Bearer realm="auth gateway"', 'P8a.2 a server without the document');

$gw->finish;
