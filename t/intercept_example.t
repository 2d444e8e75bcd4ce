# D3, README.md: the example of auth_gateway_intercept_errors, as it is written.
# An earlier one answered a 401 with the 404 of the server around it, where the
# page was looked for, and dropped the pages of json_errors.conf: a location
# with an error_page inherits none.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy qw(copy);
use Test::More;

use AGW::Files qw(repo_root slurp);
use AGW::Gateway;

my ($example) = slurp(repo_root() . '/README.md')
    =~ /^### auth_gateway_intercept_errors\n.*?^```nginx\n(server .*?)^```$/ms;

# around it, what a server needs; the upstream is the test's, and there is a
# second place beside the example's, as in every server

my $rest = <<'CONF';
    listen 127.0.0.1:%%TLS%% ssl http2;
    listen 127.0.0.1:%%PLAIN%%;

    location / {
        return 404;
    }

    location /gone/ {
        auth_gateway_business_path /gone/<business_id>;
        auth_gateway_intercept_errors on;
        proxy_pass http://127.0.0.1:1;
    }
CONF

$example =~ s/^(server \{\n)/$1$rest/
    or BAIL_OUT('README.md has no such example');
$example =~ s/127\.0\.0\.1:9080/127.0.0.1:%%UPSTREAM%%/g;

my $gw = AGW::Gateway->start(<<"CONF", before => sub {
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    map \$http_origin \$cors_origin {
        https://app.example  https://app.example;
    }

    $example
}
CONF
    for my $name (qw(cors cors_headers guarded_proxy json_errors)) {
        copy(repo_root() . "/conf/$name.conf", "$_[0]/$name.conf")
            or die "$name.conf: $!\n";
    }
});

my $partner = $gw->partner;
my $business = $gw->business($partner);
my %bearer = (partner_id => $partner->{id}, business_id => $business);
my $token = $gw->mint(%bearer);
my $expired = $gw->mint(%bearer,
    claims => { iat => time - 20, exp => time - 10 });
my $own = "/v1/businesses/$business";
my $page = qr/\A<p>You have no access: log in again\.\z/;
my $bare = 'Bearer realm="auth gateway"';

$gw->good_is(sub {
    return $gw->request('GET', $own, quiet => 1, bearer => $token)
        ->status == 200;
});

for (
    ['no token', 401, 'text/html', $page, qr/^\Q$bare\E$/, $own],
    ['a page that looks like a file', 401, 'text/html', $page,
        qr/^\Q$bare\E$/, "$own/a.pdf"],
    ['an expired token', 401, 'text/html', $page,
        qr/^\Q$bare\E, error="invalid_token"/, $own, $expired],
    ['another business', 403, 'text/html', $page,
        qr/^\Q$bare\E, error="insufficient_scope"/, '/v1/businesses/b-2',
        $token],
    ['an ambiguous path', 400, 'application/json', qr/"invalid_request"/,
        undef, "$own/..%2f", $token],
    ['no business', 404, 'application/json', qr/"not_found"/, undef,
        '/v1/businesses/', $token],
    ['nothing there', 404, 'application/json', qr/"not_found"/, undef, '/x'],
    ['a large body', 413, 'application/json', qr/too large/, undef, $own,
        $token, 'Content-Length: 9999999'],
    ['the upstream is gone', 502, 'application/json',
        qr/"temporarily_unavailable"/, undef, "/gone/$business", $token],
) {
    my ($name, $status, $type, $body, $challenge, $target, $bearer, @lines) =
        @$_;
    my $r = $gw->request('GET', $target, bearer => $bearer,
        headers => ['Origin: https://app.example', @lines]);

    is_deeply([$r->status, $r->header('Content-Type'),
        $r->header('Access-Control-Allow-Origin')],
        [$status, $type, 'https://app.example'], "D3 $name");
    like($r->body, $body, 'D3 with that page');

    my @challenges = $r->header('WWW-Authenticate');

    is(scalar @challenges, $challenge ? 1 : 0, 'D3 one challenge, or none');
    like($challenges[0], $challenge, 'D3 which is the gateway\'s')
        if $challenge;
    is(scalar $gw->upstream_saw, 0, 'D3 the upstream saw nothing');
    is_deeply([$gw->problems_after], [], 'D3 and a good request after it');
}

is($gw->request('GET', "$own/x", bearer => $token)->status, 200,
    'D3 what is let through has its own answer');

$gw->finish;
