# D6: what has been a way past other gateways, by the name of the
# advisory.  Each spelling stands in every place of a path; none of them leads
# to another's business, in a guarded location, beside it, or for a partner.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;
use AGW::Paths qw(readings);

my $conf = <<'CONF';
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    access_log off;
    keepalive_requests 100000;
    merge_slashes off;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ ^/v1/[^/]+/[^/]+/report(/|$) {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>/report;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ \.p$ {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /api {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%/api/;
        }

        location / {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $token = $gw->mint(partner_id => 'p-1', business_id => 'b-1');
my $partner = $gw->mint(partner_id => 'p-1');
my $connection;

sub get {
    my ($target, $bearer) = @_;

    for (1 .. 2) {
        $connection //= $gw->connect;
        $gw->mark;

        my $response = eval {
            $connection->request('GET', $target, headers =>
                [defined $bearer ? AGW::Gateway::bearer($bearer) : ()]);
        };

        undef $connection if !$response
            || ($response->header('Connection') // '') eq 'close';
        return $response if $response;
    }

    return;
}

$gw->good_is(sub {
    my $response = get('/v1/businesses/b-1/x', $token);

    return $response && $response->status == 200;
});

my %way = (
    guarded => [$token, '/v1/businesses/b-2/x'],
    'guarded, more behind it' => [$token, '/v1/businesses/b-2/report'],
    unguarded => [undef, '/v1/businesses/b-2/x'],
    partner => [$partner, '/v1/businesses/b-2/x.p'],
);


# Whether it stays out: an answer that is no success, or a path upstream that
# nobody reads as that of b-2.

sub stays_out {
    my ($target, $bearer) = @_;

    my $response = get($target, $bearer);
    my @saw = map { $_->{target} } $gw->upstream_saw;
    my $status = $response ? $response->status : 0;

    return "$target: no answer" unless $status;
    return "$target: status $status" if $status !~ /^(?:200|301|400|401|403|404)$/;
    return map { my $read = $_; "$target arrives, may be read as $read" }
        grep { m{^/v1/businesses/b-2(?:/|$)}i } map { readings($_) } @saw;
}


# Puts each spelling at each place of the path of a business.

sub everywhere {
    my ($name, @spellings) = @_;

    for my $way (sort keys %way) {
        my ($bearer, $path) = @{ $way{$way} };
        my (@problems, $count);

        for my $at (0 .. length $path) {
            for my $spelling (@spellings) {
                my $target = $path;

                substr $target, $at, 0, $spelling;
                $target = "/$target" if $target !~ m{^/};
                push @problems, stays_out($target, $bearer);
                $count++;
            }
        }

        push @problems, $gw->problems_after;
        ok(!@problems, "D6 $name, $way, $count paths")
            or diag(join "\n", @problems[0 .. ($#problems < 9
                ? $#problems : 9)]);
    }

    return;
}

sub refused {
    my ($name, @targets) = @_;

    for my $target (@targets) {
        for my $way (sort keys %way) {
            my $r = get($target, $way{$way}[0]);
            my @saw = $gw->upstream_saw;

            ok($r && $r->status == 400 && !@saw,
                "D6 $name, $way: $target") or diag($r ? $r->status : 'none');
        }
    }

    return;
}

everywhere('CVE-2025-66490 (Traefik) encoded slash', '%2f', '%2F', '/%2f',
    '%2f/');
everywhere('CVE-2025-66490 (Traefik) encoded backslash', '%5c', '%5C');
everywhere('CVE-2025-66490 (Traefik) encoded NUL', '%00');
everywhere('CVE-2025-66490 (Traefik) encoded semicolon', '%3b', '%3B',
    '%3bx=1', '/%3b');
everywhere('CVE-2025-66490 (Traefik) encoded question mark', '%3f', '%3Fx',
    '/%3f');
everywhere('CVE-2025-66490 (Traefik) encoded hash', '%23', '%23x', '/%23');
everywhere('encoded twice', map { "%25$_" } qw(2f 5c 00 3b 3f 23 2e2e));
everywhere('CVE-2021-29492 (Envoy) escaped slashes', '%2f..%2f', '..%2f',
    '%2f%2e%2e', '%5c..%5c', '..%5c');
everywhere('CVE-2021-31920 (Istio) several slashes', '/', '//', '/./', '///');
everywhere('CVE-2019-9901 (Envoy) dot segments', '/..', '/../', '..', '%2e',
    '/%2e%2e/', '/.');
everywhere('CVE-2021-39156 (Istio) a fragment', '#', '#x', '/#', '#/../');
everywhere('istio/istio#27409 path parameters', ';', ';v=1', '/;', '/;x',
    ';/', ';a=b/../');
everywhere('Tomcat\'s way up', '/..;', '/..;/', '/..;x=1/', '..;', '/.;/',
    '/..%3b/');
everywhere('wildcards', '*', '/*', '%2a', '**', '?', '[', '{b-2}', '%7b');
everywhere('what is not UTF-8', '%ff', '%c0%af', '%c0%ae', '%e0%80%af', '%80',
    "\xff", "\xc0\xaf", '%ed%a0%80', '%c3');
everywhere('dots, and what looks like a space', '.', '%09', '%e3%80%80',
    '%c2%a0', '%20.');
everywhere('another case', 'B', 'V', '%56');


# the very examples

refused('CVE-2026-48020 (Traefik) a prefix that is replaced',
    '/api../v1/businesses/b-2/x', '/api%2e%2e/v1/businesses/b-2/x');
refused('CVE-2026-40912 (Traefik) a prefix that is cut off',
    '/api%2e/v1/businesses/b-2/x', '/api./v1/businesses/b-2/x');
refused('CVE-2019-9901 (Envoy)', '/api/%2e%2e%2fv1/businesses/b-2/x');
refused('in the segment of the business', map { "/v1/businesses/$_/x" }
    'b-2%2f', 'b-2%5c', '%00b-2', 'b-2%3b', 'b-2;x', 'b-2%3f', 'b-2%23',
    '*', 'b-*', '%2a', 'b-2%ff', "b-2\xff", '%c0%aeb-2', 'b-2%20', 'b%2d2',
    'b-2,b-1', '%7Eb-2');
refused('spaces and dots at an end', map { ("/v1$_/businesses/b-2/x",
    "/v1/businesses$_/b-2/x") } '%20', '.', '%20.', '.%20', '%2e');

$gw->finish;
