# P0.6 the versions of TLS that conf/nginx.conf has: one client after another
# does all that a client does, by TLS 1.2 and by TLS 1.3.  The story: a server
# of 1.3 sends session tickets after its handshake, and a client that waits for
# an answer finds those.  nginx 1.22 has 1.3 only where it is told.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use Test::More;
use Time::HiRes qw(sleep);

use AGW::FaultyStore;
use AGW::Secrets qw(secret);

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business owner;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }
        location = /revoke { auth_gateway_revoke token; }

        location /token/ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location /v1/businesses/ {
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-Version $ssl_protocol;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::FaultyStore->start($conf);
my ($id, $business, $path) = (@$gw{qw(id business)}, $gw->guarded);
my $json = JSON->new->utf8;
my $form = 'Content-Type: application/x-www-form-urlencoded';
my $user = AGW::Gateway::basic(@$gw{qw(id key)});

sub token_of { return secret($json->decode($_[0]->body)->{access_token}) }

my @versions = (['TLSv1_2', 'TLSv1.2'], ['TLSv1_3', 'TLSv1.3']);

# a request that waits for the store is answered when it is there

for (@versions) {
    my ($wanted, $version) = @$_;
    my $lock = $gw->lock_store;
    my $late = $gw->connect('TLS', version => $wanted);
    my $ours = AGW::Gateway::bearer($gw->{partner_token});

    $late->send("GET $path HTTP/1.1\r\nHost: localhost\r\n$ours\r\n\r\n");
    sleep 0.2;
    $late->fill(0);
    is($late->{buffer}, '', "D9 $version, no answer while it is locked");
    $gw->release($lock);
    is($late->response->status, 200, "D9 $version, answered then");
}

for (@versions) {
    my ($wanted, $version) = @$_;
    my $client = $gw->connect('TLS', version => $wanted);

    is($client->{socket}->get_sslversion, $wanted, "P0.6 $version is spoken");

    # all of it on one connection

    my $r = $client->request('POST', '/token', headers => [$user]);

    is($r->status, 200, "P1.9 $version, a partner token");

    my $ours = AGW::Gateway::bearer(token_of($r));

    $r = $client->request('POST', "/token/$business", headers => [$ours]);
    is($r->status, 200, "P2.5 $version, a business token");

    my $token = token_of($r);
    my $theirs = AGW::Gateway::bearer($token);

    $gw->good_is(sub { return $gw->request('GET', $path, quiet => 1,
        headers => [$ours])->status == 200 });
    $gw->mark;
    is($client->request('GET', $path, headers => [$theirs])->status, 200,
        "P4.6 $version, a guarded path");

    my ($seen) = $gw->upstream_saw;

    is_deeply([map { @{ $seen->{headers}{$_} // [] } } qw(x-version
        x-partner-id x-business-id authorization)],
        [$version, $id, $business],
        "P4.6 $version, what the upstream receives");

    $gw->mark;
    $gw->refused("P4.2 $version, of another business", $client->request('GET',
        "/v1/businesses/another/x", headers => [$theirs]), 'wrong_business');
    $gw->mark;
    $gw->refused("P4.2 $version, by nobody", $client->request('POST', $path,
        body => 'x' x 20_000), 'no_credentials');

    # a body that is sent after its head, and the next request with it

    my $body = join '', map { chr 97 + $_ % 26 } 1 .. 100_000;

    $gw->mark;
    $client->send("POST $path HTTP/1.1\r\nHost: localhost\r\n$theirs\r\n"
        . "Content-Length: 100000\r\n\r\n");
    sleep 0.1;
    $client->send($body . "GET $path?next HTTP/1.1\r\nHost: localhost\r\n"
        . "$theirs\r\n\r\n");
    is(join(' ', map { $client->response->status } 1, 2), '200 200',
        "P0.5 $version, a body and the next request");
    is_deeply([map { [$_->{target}, $_->{body}] } $gw->upstream_saw],
        [[$path, $body], ["$path?next", '']], "P0.5 $version, both arrive");

    # revoked, and refused on the connection that had it

    is($client->request('POST', '/revoke', headers => [$user, $form],
        body => "token=$token")->status, 200, "P5.3 $version, revoked");
    $gw->mark;
    $gw->refused("P5.3 $version, and refused", $client->request('GET', $path,
        headers => [$theirs]), 'revoked');
    $client->close;
}

$gw->finish;
