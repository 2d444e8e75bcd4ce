# D3: nginx's mirror module gets no request of an endpoint.  The story:
# it got each with its body, API key and all, wherever a server had `mirror`.

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

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        mirror /mirror;

        location ~ ^/v1/platform/oauth2/token/?$ {
            auth_gateway_token partner;
        }

        location = /other {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /mirror {
            internal;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $partner = $gw->partner;

# at most seconds, or until the upstream has seen so many

sub saw {
    my ($count, $seconds) = @_;

    my $until = time + $seconds;
    my @saw;

    until ((@saw = $gw->upstream_saw) >= $count || time > $until) {
        select undef, undef, undef, 0.05;
    }

    return map { "$_->{method} $_->{target}" } @saw;
}

for my $length (0, 2000, 8000) {
    my $form = 'grant_type=client_credentials&x=' . 'y' x $length;

    for (['Basic', basic => [@$partner{qw(id key)}]],
        ['client_secret_post'])
    {
        my ($way, @basic) = @$_;
        my $r = $gw->request('POST', '/v1/platform/oauth2/token', @basic,
            form => $form . (@basic ? ''
                : "&client_id=$partner->{id}&client_secret=$partner->{key}"));

        is($r->status, 200, "D3 a token beside mirror, $way, $length bytes");
        $gw->keep_secret($r->json->{access_token});
        is(join(' ', saw(1, 0)), '', 'D3 and the mirror gets nothing');
    }
}

# what is not the module's is mirrored as ever

{
    my $r = $gw->request('POST', '/other', body => 'x=y');

    is($r->status, 200, 'D3 another location beside mirror');
    is_deeply([sort(saw(2, 5))], ['POST /mirror', 'POST /other'],
        'D3 and the mirror gets it');
}

# a body of no chunk is none, and was not taken from anybody

for my $kind ('Transfer-Encoding: chunked', 'Content-Length: 0') {
    my $client = $gw->connect;

    $client->send("POST /v1/platform/oauth2/token HTTP/1.1\r\n"
        . "Host: localhost\r\n"
        . AGW::Gateway::basic(@$partner{qw(id key)}) . "\r\n$kind\r\n\r\n"
        . ($kind =~ /chunked/ ? "0\r\n\r\n" : ''));
    is($client->response->status, 200, "P1.3 $kind, empty: a token");
}

$gw->finish;
