# A protected request, 100,000 times: the worker's memory is where it was
# after the first 1,000.  Likewise for refusals and for issued tokens.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Memory qw(free_at_once);

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    access_log off;
    keepalive_requests 1000000;

    server {
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;
        auth_gateway_require_https off;

        location /v1/businesses/ {
            root %%PREFIX%%/html;
            try_files /x =404;
            include %%CONF%%/guarded_proxy.conf;
            add_header X-Seen $auth_gateway_token_id;
        }

        location = /token { auth_gateway_token partner; }

        location ~ ^/token/[^/]+$ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }
    }
}
CONF

my $growth = free_at_once();

# refusals are logged at info: 20,000 lines that nobody reads

my $gw = AGW::Gateway->start($conf, log_level => 'notice');
my $partner = $gw->partner;
my $business = $gw->business($partner);
my %base = (partner_id => $partner->{id}, business_id => $business);
my $good = $gw->mint(%base);
my $unscoped = $gw->mint(partner_id => $partner->{id});

spew($gw->prefix . '/html/x', "x\n", 0644);

sub get {
    my (@lines) = @_;

    return request("GET /v1/businesses/$business/x", @lines);
}

sub request {
    my ($line, @lines) = @_;

    return join "\r\n", "$line HTTP/1.1", 'Host: localhost', @lines, '', '';
}

# Sends each of the requests in turn, $count in all, 50 at a time on one
# connection; returns how often each status came.

sub burst {
    my ($count, @requests) = @_;

    my $client = $gw->connect('PLAIN');
    my %statuses;

    for my $round (1 .. $count / 50) {
        $client->send(join '', map { $requests[$_ % @requests] } 1 .. 50);

        my $seen = 0;

        while ($seen < 50) {
            my $got = $client->fill(10);

            die "no answer\n" unless $got;

            while ($client->{buffer}
                =~ s{^HTTP/1\.1\ (\d+).*?\r\nContent-Length:\ (\d+)
                    .*?\r\n\r\n}{}xsi)
            {
                my ($status, $size) = ($1, $2);

                $client->wait_for(sub {
                    length $client->{buffer} >= $size;
                });
                substr $client->{buffer}, 0, $size, '';
                $statuses{$status}++;
                $seen++;
            }
        }
    }

    $client->close;

    return \%statuses;
}

# memory after $count is where it was after the first $first

sub steady {
    my ($name, $first, $count, $statuses, @requests) = @_;

    burst($first, @requests);

    my $before = $gw->nginx->worker_rss;
    my $got = burst($count - $first, @requests);
    my $after = $gw->nginx->worker_rss;

    is_deeply([sort keys %$got], $statuses, "$name: answers");
    cmp_ok($after - $before, '<=', $growth,
        "$name: from $before to $after KB after $count");

    return;
}

my $bearer = AGW::Gateway::bearer($good);
my ($head, $body, $mac) = split /\./, $good;
my $form = 'grant_type=client_credentials';
my $key = AGW::Gateway::basic(@$partner{qw(id key)});

steady('D8 a protected request', 20_000, 120_000, [200], get($bearer));

steady('D8 refusals of every kind', 1000, 20_000, [400, 401, 403, 404],
    get(), get('Authorization: Bearer x'), get("$bearer.x"),
    get("Authorization: Bearer $head.$body.AAAA$mac"),
    get('Authorization: Bearer ' . $gw->mint(%base, secret => 'x' x 32)),
    get('Authorization: Bearer ' . $gw->mint(%base, kid => 'none')),
    get('Authorization: Bearer ' . $gw->mint(%base,
        claims => { exp => 'x' })),
    get('Authorization: Bearer ' . $gw->mint(%base,
        claims => { iat => 1, exp => 2 })),
    get('Authorization: Bearer ' . $gw->mint_raw(payload => '{"a":[1,{',
        header => { alg => 'HS256', kid => 'k1', typ => 'JWT' })),
    get("Authorization: Bearer $unscoped"),
    request('GET /v1/businesses/other/x', $bearer),
    request('GET /v1/businesses/', $bearer),
    request("GET /v1/businesses/$business/%2e%2e/x", $bearer));

steady('D8 partner tokens', 500, 5000, [200, 400, 401],
    request('POST /token', $key, 'Content-Length: ' . length $form,
        'Content-Type: application/x-www-form-urlencoded') . $form,
    request('POST /token', $key),
    request('POST /token', AGW::Gateway::basic($partner->{id}, 'x')),
    request('POST /token', AGW::Gateway::basic('nobody', 'x')),
    request('POST /token', 'Authorization: Basic !'));

steady('D8 business tokens', 500, 5000, [200, 401, 403, 404],
    request("POST /token/$business", "Authorization: Bearer $unscoped"),
    request('POST /token/other', "Authorization: Bearer $unscoped"),
    request("POST /token/$business", $bearer),
    request("POST /token/$business"));

$gw->finish;
