# D10: the site that Debian's package has for sites-enabled/, conf/debian/site.conf,
# in an nginx.conf like Debian's.  Its map of origins had no effect, for no
# location included cors.conf; a receipt of more than 1 MB was 413.

package Site;

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use parent 'AGW::Demo';

use AGW::Admin ();
use AGW::Conf qw(load_line);
use AGW::Files qw(repo_root slurp worker_ids);

sub configuration {
    my ($class, %opt) = @_;

    my ($user) = worker_ids();
    my $site = slurp(repo_root() . '/conf/debian/site.conf');

    for (
        [qr{include auth_gateway/}, 'include '],
        [qr{include snippets/snakeoil\.conf;}, 'ssl_certificate'
            . ' %%PREFIX%%/cert.pem; ssl_certificate_key %%PREFIX%%/cert.key;'],
        [qr{/var/lib/auth_gateway/}, '%%STORE%%/'],
        [qr{/etc/nginx/auth_gateway/signing\.pem}, '%%PREFIX%%/signing.pem'],
        [qr{/var/log/(?:auth_gateway|nginx)/}, '%%PREFIX%%/logs/'],
        [qr{/run/auth_gateway/}, '%%PREFIX%%/'],
        [qr{auth_gateway_admin write}, 'auth_gateway_admin write '
            . AGW::Admin::uid_word()],
        [qr{listen 443 ssl}, 'listen 127.0.0.1:%%TLS%% ssl'],
        [qr{127\.0\.0\.1:9080}, '127.0.0.1:%%UPSTREAM%%'],
        [qr{\# https://app\.example\.com  https://app\.example\.com},
            "$opt{origin}  $opt{origin}"],
    ) {
        my ($pattern, $text) = @$_;

        $site =~ s/$pattern/$text/g or die "the site has no $pattern\n";
    }

    return (defined $user ? "user $user nogroup;\n" : '') . load_line()
        . <<"CONF";

pid %%PREFIX%%/nginx.pid;
error_log %%PREFIX%%/logs/error.log info;
events { }
http {
    types_hash_max_size 2048;
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    gzip on;
    access_log %%PREFIX%%/logs/access.log;
    client_body_temp_path %%PREFIX%%/tmp/client_body;
    proxy_temp_path %%PREFIX%%/tmp/proxy;
    fastcgi_temp_path %%PREFIX%%/tmp/fastcgi;
    uwsgi_temp_path %%PREFIX%%/tmp/uwsgi;
    scgi_temp_path %%PREFIX%%/tmp/scgi;
$site
}
CONF
}

# its access log is nginx's own, not that of nginx.conf

sub finish {
    my ($self) = @_;

    return $self->AGW::Gateway::finish;
}


package main;

use strict;
use warnings;

use Test::More;

use AGW::Files qw(slurp);

my $origin = 'https://app.example';
my $stranger = 'https://b.example';
my $gw = Site->start(origin => $origin);

$gw->{metadata} =
    'https://api.example.com/.well-known/oauth-protected-resource';

is_deeply([slurp($gw->prefix . '/logs/error.log')
    =~ /^.*\[(?:warn|alert|crit|error)\].*$/mg], [],
    'D10 the site starts without a warning');

$gw->obtain_tokens;

my ($token, $partner_token) = @$gw{qw(business_token partner_token)};
my ($business, $other) = @{ $gw->{businesses} };
my $own = "/v1/businesses/$business";
my $known = '/.well-known';


# what a page of the origin reads, and no other page

for (
    ['its resource', 200, GET => $own, bearer => $token],
    ['no token', 401, GET => $own],
    ['another business', 403, GET => "/v1/businesses/$other",
        bearer => $token],
    ['a receipt of 3 MB', 200, POST => "$own/receipts", bearer => $token,
        body => 'x' x (3 << 20)],
    ['a body that is too large', 413, POST => "$own/receipts",
        bearer => $token, headers => ['Content-Length: 99999999']],
    ['a business token', 200, POST => "/v1/platform/$business/oauth2/token",
        bearer => $partner_token],
    ['no business', 404, GET => '/v1/businesses'],
    ['an unknown path', 404, GET => '/v2'],
    map { ["$_, a document", 200, GET => "$known/$_"] } qw(jwks.json
        oauth-protected-resource oauth-authorization-server),
) {
    my ($name, $status, $method, $target, %opt) = @$_;
    my @lines = @{ $opt{headers} // [] };

    for my $from ($origin, $stranger) {
        my $r = $gw->request($method, $target, %opt,
            headers => [@lines, "Origin: $from"]);

        is_deeply([$r->status, $r->header('Access-Control-Allow-Origin')],
            [$status, $from eq $origin ? $origin : ()],
            "P4.5 the site: $name, for $from") or diag($r->body);
    }

    my $r = $gw->request('OPTIONS', $target, headers => ["Origin: $origin",
        "Access-Control-Request-Method: $method"]);

    is_deeply([$r->status, $r->header('Access-Control-Allow-Origin')],
        [204, $origin], 'P4.5 and its preflight');
}

{
    my $r = $gw->request('OPTIONS', '/v1/platform/oauth2/token',
        headers => ["Origin: $origin", 'Access-Control-Request-Method: POST']);

    is_deeply([$r->status, $r->header('Access-Control-Allow-Origin')], [405],
        'P4.5 no page has the API key');
}

$gw->refused('D10 the site refuses', $gw->request('GET', $own),
    'no_credentials');


# what is named exists

{
    my $resource = $gw->request('GET',
        $gw->{metadata} =~ s{^https://[^/]*}{}r)->json;
    my $server = $gw->request('GET',
        "$known/oauth-authorization-server")->json;

    is_deeply($resource->{authorization_servers}, [$server->{issuer}],
        'P8a.2 the resource names the issuer');
    is($server->{token_endpoint},
        "$server->{issuer}/v1/platform/oauth2/token", 'P8a.2 and that one its'
        . ' endpoint');
    is($server->{jwks_uri}, "$server->{issuer}$known/jwks.json",
        'P8a.2 and its keys');
}

$gw->finish;
