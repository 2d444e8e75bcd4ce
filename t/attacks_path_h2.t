# D6 over HTTP/2, where :path may hold bytes that no HTTP/1.1 request
# line can.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;
use AGW::Paths qw(hostile hostile_alone ordinary random_path
    reaches_another);
use AGW::Refusal qw(problems_of);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    access_log off;
    keepalive_requests 100000;
    merge_slashes off;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /docs/ {
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /break/ {
            rewrite ^/break/(.*)$ /v1/businesses/$1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /try/ {
            auth_gateway_business_path /try/<business_id>;
            try_files /nothing-here @named;
        }

        location @named {
            auth_gateway_require business;
            auth_gateway_business_path /try/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my ($mine, $theirs) = ('b-mine', 'b-theirs');
my $prefix = '/v1/businesses/';
my $token = $gw->mint(partner_id => 'p-1', business_id => $mine);
my $connection;

sub get {
    my ($path, %opt) = @_;

    my @headers = $opt{anonymous} ? ()
        : (['authorization', "Bearer $token"]);

    for (1 .. 2) {
        $connection //= $gw->connect_h2;
        $gw->mark;

        my $response = eval {
            $connection->request($opt{method} // 'GET', $path,
                headers => \@headers);
        };

        return $response if $response;
        $connection = undef;
    }

    return;
}

# no answer at all is nginx's own for some bytes: the stream is reset

sub refused {
    my ($name, $path, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $response = get($path, %opt);
    my $shown = $path =~ s/([^!-~])/sprintf '\\x%02x', ord $1/ger;
    my @problems = map { "the upstream received $_->{target}" }
        $gw->upstream_saw;

    if ($response && $response->json) {
        my @lines = $gw->refusals;

        push @problems, problems_of($response, 'ambiguous_path',
            by => 'bearer');
        push @problems, 'reasons: ' . join ' ',
            map { $_->{reason} // $_->{line} } @lines
            if @lines != 1 || ($lines[0]{reason} // '') ne 'ambiguous_path';

    } elsif ($response && $response->status != 400) {
        push @problems, 'status ' . $response->status;
    }

    return ok(!@problems, "$name: $shown") || diag(join "\n", @problems);
}

sub good {
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $response = get("$prefix$mine/x");

    return is_deeply([$response && $response->status,
        $gw->problems_after], [200], "$name: a good request afterwards");
}

sub some {
    my ($nth, @list) = @_;

    return @list[grep { $_ % $nth == 1 } 0 .. $#list];
}

refused('D6 guarded', $_) for some(3, hostile($prefix, $mine, $theirs)),
    hostile_alone($prefix, $mine, $theirs);
good('D6 guarded');

refused('D6 an unguarded neighbour', $_, anonymous => 1)
    for some(9, hostile('/docs/', 'x', substr("$prefix$theirs", 1)));
refused('D6 rewrite', $_) for some(17, hostile('/break/', $mine, $theirs));
refused('D6 a named location', $_)
    for some(17, hostile('/try/', $mine, $theirs));
good('D6 elsewhere');

# bytes that HTTP/1.1 could not carry, and paths that are none

for my $byte (map { chr } 0 .. 0x20, 0x7f, 0x23, 0x5c, 0xff, 0xc0) {
    refused('D6 a raw byte', "$prefix$mine/a${byte}b");
    refused('D6 a raw byte behind dots', "$prefix$mine/..$byte/$theirs");
}

refused('D6 no path', $_) for '', '*', 'v1/businesses/b-mine/x',
    '?x', '#', '//', "//localhost$prefix$mine/x",
    "https://localhost$prefix$mine/../$theirs/x",
    "$prefix$mine/x HTTP/1.1\r\nX-A: b", "$prefix$mine/x\r\n\r\nGET / H";
refused('D6 OPTIONS *', '*', method => 'OPTIONS');
good('D6 raw bytes');

for my $rest (ordinary()) {
    for my $base ("$prefix$mine", "/try/$mine", '/docs/x') {
        my $response = get("$base$rest");

        is_deeply([$response && $response->status,
            map { $_->{target} } $gw->upstream_saw], [200, "$base$rest"],
            "D6 ordinary: $base$rest");
    }
}

{
    my @surprises;
    my $seed = $ENV{AGW_SEED} // 3986;

    srand $seed;

    for (1 .. 300) {
        my $path = random_path("$prefix$mine/", $mine, $theirs);

        get($path);

        for (map { $_->{target} } $gw->upstream_saw) {
            my $read = reaches_another($_, $prefix, $mine);

            push @surprises, "$path arrived as $_, may be read as $read"
                if defined $read;
        }
    }

    is_deeply(\@surprises, [], "D6 300 random paths, AGW_SEED=$seed");
}

{
    my $response = get("$prefix$theirs/x");

    $gw->refused('P4.2 another business, over HTTP/2', $response,
        'wrong_business');
    $response = get("$prefix$mine/x", anonymous => 1);
    $gw->refused('P4.2 no credentials, over HTTP/2', $response,
        'no_credentials');
}

for (["Bearer $token", 'Bearer x'], ['Bearer x', "Bearer $token"],
    ["Bearer $token", "Bearer $token"])
{
    my $h2 = $gw->connect_h2;

    $gw->mark;

    my $response = $h2->request('GET', "$prefix$mine/x",
        headers => [map { ['authorization', $_] } @$_]);

    is($response && $response->status, 400,
        'P4.2 two authorization headers, over HTTP/2');
    is(scalar $gw->upstream_saw, 0, 'P4.2 and the upstream sees nothing');
    $h2->close;
}

$gw->finish;
