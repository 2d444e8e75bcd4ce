# D3: an endpoint is let through without the token that is demanded
# around it because it authenticates by itself.  That holds where it is the
# module that answers: another module may take a location over for a request,
# and what it answers then, or the file that nginx serves, has the guard that
# stands there.
#
# The configuration has no way to do that, so a module of the test's own does.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(repo_root spew);
use AGW::Gateway;

my $module = ($ENV{AGW_BUILD} || repo_root() . '/build')
    . '/lib/ngx_http_other_handler_module.so';

die "no $module: run make check\n" unless -f $module;

# each endpoint as it is, taken over, and left to files

my %endpoints = (
    partner => ['auth_gateway_token partner;', 'POST', 401, 'basic'],
    business => ['auth_gateway_token business; auth_gateway_business_path'
        . ' /WHERE/business/<business_id>;', 'POST', 401, 'bearer'],
    revoke => ['auth_gateway_revoke token;', 'POST', 401, 'either'],
    introspect => ['auth_gateway_introspect;', 'POST', 401, 'either'],
    jwks => ['auth_gateway_jwks;', 'GET', 200],
    metadata => ['auth_gateway_metadata token=/token;', 'GET', 200],
    status => ['auth_gateway_status;', 'GET', 200],
    metrics => ['auth_gateway_metrics;', 'GET', 200],
);

sub locations {
    my ($where, $more) = @_;

    return join "\n", map {
        my $path = "/$where/$_" . ($_ eq 'business' ? '/' : '');

        "        location $path { $more "
            . $endpoints{$_}[0] =~ s/WHERE/$where/r . ' }'
    } sort keys %endpoints;
}

my $conf = <<"CONF";
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_issuer https://issuer.example;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        root %%PREFIX%%/html;

        auth_gateway_require partner;

@{[ locations('own', '') ]}
@{[ locations('taken', 'other_handler answer;') ]}
@{[ locations('file', 'other_handler none;') ]}

        location = /good { proxy_pass http://127.0.0.1:%%UPSTREAM%%; }
    }
}
CONF

my $gw = AGW::Gateway->start($conf, main => "load_module $module;\n",
    allow => [qr/"auth_gateway_jwks" has no key/], before => sub {
        mkdir "$_[0]/html/file" or die "mkdir: $!\n";
        mkdir "$_[0]/html/file/business" or die "mkdir: $!\n";
        chmod 0755, "$_[0]/html/file", "$_[0]/html/file/business";
        spew("$_[0]/html/file/$_", "a file\n", 0644)
            for 'business/b-1', grep { $_ ne 'business' } keys %endpoints;
    });
my $partner = $gw->partner;
my $token = $gw->mint(partner_id => $partner->{id},
    claims => { iss => 'https://issuer.example' });

$gw->good_is(sub {
    return $gw->request('GET', '/good', quiet => 1, bearer => $token)
        ->status == 200;
});

sub path_of {
    my ($where, $endpoint) = @_;

    return "/$where/$endpoint" . ($endpoint eq 'business' ? '/b-1' : '');
}

for my $endpoint (sort keys %endpoints) {
    my (undef, $method, $status, $by) = @{ $endpoints{$endpoint} };
    my $own = path_of('own', $endpoint);
    my $response = $gw->request($method, $own);

    # its own answer, without a token of the guard's

    if ($status == 401) {
        $gw->refused("D3 $endpoint", $response, 'no_credentials',
            by => $by, scope => undef);

    } else {
        is($response->status, $status, "D3 $endpoint");
    }

    for my $case (['taken', "somebody else's\n"], ['file', "a file\n"]) {
        my ($where, $body) = @$case;
        my $path = path_of($where, $endpoint);

        for my $method ('GET', 'POST') {
            $gw->refused("D3 $endpoint, $where, $method",
                $gw->request($method, $path), 'no_credentials',
                scope => undef);
        }

        $response = $gw->request('GET', $path, basic =>
            [@$partner{qw(id key)}]);
        $gw->refused("D3 $endpoint, $where, with an API key", $response,
            'no_credentials', scope => undef);

        # a partner's token opens no path that names a business

        next if $endpoint eq 'business';

        $response = $gw->request('GET', $path, bearer => $token);
        is($response->status, 200, "D3 $endpoint, $where, with a token");
        is($response->body, $body, 'D3 which is what is there');
    }
}

$gw->finish;
