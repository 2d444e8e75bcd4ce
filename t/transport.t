# P0.6 what a balancer says of the transport.  The story: where
# underscores_in_headers is on, nginx takes a client's X_Forwarded_Proto for
# X-Forwarded-Proto, and a variable has the first of the two.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    underscores_in_headers on;

    map $http_x_scheme $mapped {
        default $http_x_scheme;
    }

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PORT%%;

        auth_gateway_require business;
        auth_gateway_require_https $http_x_forwarded_proto;

        location /header/ {
            auth_gateway_business_path /header/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /braces/ {
            auth_gateway_business_path /braces/<business_id>;
            auth_gateway_require_https ${http_X_Forwarded_Proto};
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /mapped/ {
            auth_gateway_business_path /mapped/<business_id>;
            auth_gateway_require_https $mapped;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /token {
            auth_gateway_token partner;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);

my $partner = $gw->partner;
my $business = $gw->business($partner);
my $token = $gw->mint(partner_id => $partner->{id},
    business_id => $business);

sub get {
    my ($place, $headers, %opt) = @_;

    return $gw->request('GET', "/$place/$business", bearer => $token,
        headers => $headers, port => 'PORT', %opt);
}

$gw->good_is(sub {
    return get('header', ['X-Forwarded-Proto: https'], quiet => 1)->status
        == 200;
});

my @insecure = (
    [], ['X-Forwarded-Proto: http'], ['X-Forwarded-Proto:'],
    ['X-Forwarded-Proto: https, http'], ['X-Forwarded-Proto: https,https'],
    ['X_Forwarded_Proto: https', 'X-Forwarded-Proto: http'],
    ['X-Forwarded-Proto: http', 'X_Forwarded_Proto: https'],
    ['x_forwarded-proto: HTTPS', 'X-Forwarded-Proto: http'],
    ['X-Forwarded_Proto: on', 'X-Forwarded-Proto: http',
        'X_Forwarded_Proto: 1'],
    ['X-Forwarded-Proto: https', 'X-Forwarded-Proto: http'],
    ['X-Forwarded-Proto: http', 'X-Forwarded-Proto: https'],
    ['X_Forwarded_Proto:', 'X-Forwarded-Proto: https'],
    ['X-Forwarded-Prot: https'], ['X-Forwarded-Proto2: https'],
);

for my $place (qw(header braces)) {
    for my $headers (@insecure) {
        $gw->refused("P0.6 /$place/ " . (join(' | ', @$headers) || 'nothing'),
            get($place, $headers), 'insecure_transport');
    }

    for my $headers (
        ['X-Forwarded-Proto: https'], ['x-forwarded-proto: HTTPS'],
        ['X-Forwarded-Proto: on'], ['X-Forwarded-Proto: 1'],
        ['X-Forwarded-Proto: https', 'X-Forwarded-Proto: https'],
        ['X-Forwarded-Proto: https', 'X-Forwarded-Prot: http',
            'X-Forwarded-Proto2: http'],
    ) {
        is(get($place, $headers)->status, 200,
            "P0.6 /$place/ " . join ' | ', @$headers);
    }
}

is(get('mapped', ['X-Scheme: https'])->status, 200,
    'P0.6 another variable is taken as it is');
$gw->refused('P0.6 and refused as it is', get('mapped', ['X-Scheme: http']),
    'insecure_transport');

$gw->refused('P0.6 credentials are refused likewise',
    $gw->request('POST', '/token', port => 'PORT',
        basic => [$partner->{id}, $partner->{key}], headers => [
            'X_Forwarded_Proto: https', 'X-Forwarded-Proto: http']),
    'insecure_transport', by => 'basic');

$gw->finish;
