# P0.5: a body that nginx has thrown away before an error page that is a token
# location.  The story: where all of it had come, nothing but the header told
# that there had been one, and a token was issued though what the body asked
# for, or the secret in it, had never been read.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep);

use AGW::Gateway;

# "answered" throws the body away, and If-Match makes an error of it

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        location = /token { auth_gateway_token partner; }

        location = /answered {
            error_page 412 = @token;
            return 200 "answered";
        }

        location @token { auth_gateway_token partner; }

        location = /answered/revoke {
            error_page 412 = @revoke;
            return 200 "answered";
        }

        location @revoke { auth_gateway_revoke token; }

        # an upstream that takes the body, and leaves

        location /proxied/ {
            error_page 502 = @token;
            proxy_http_version 1.1;
            proxy_pass http://127.0.0.1:%%LEAVER%%;

            location = /proxied/unbuffered {
                proxy_request_buffering off;
                proxy_pass http://127.0.0.1:%%LEAVER%%;
            }
        }
    }
}
CONF

my $leaver = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0,
    Proto => 'tcp', Listen => 8, Timeout => 5) || die "no port: $!\n";
my $gw = AGW::Gateway->start($conf,
    names => { LEAVER => $leaver->sockport });
my $partner = $gw->partner;
my $basic = AGW::Gateway::basic(@$partner{qw(id key)});
my $form = 'Content-Type: application/x-www-form-urlencoded';
my $password = 'grant_type=password&username=x';
my $length = length $password;

$gw->good_is(sub {
    return $gw->request('POST', '/token', quiet => 1,
        basic => [@$partner{qw(id key)}])->status == 200;
});


# the answer to these pieces, one after another

sub post {
    my ($target, $lines, @pieces) = @_;

    my $client = $gw->connect;

    $gw->mark;
    $client->send(join "\r\n", "POST $target HTTP/1.1", 'Host: localhost',
        'If-Match: "x"', @$lines, '', shift @pieces);

    for my $piece (@pieces) {
        sleep 0.1;
        $client->send($piece);
    }

    my $response = $client->response;

    $client->close;

    return $response;
}

sub chunk {
    my ($text) = @_;

    return sprintf "%x\r\n%s\r\n", length $text, $text;
}

my @length = ("Content-Length: $length");
my @chunked = ('Transfer-Encoding: chunked');
my %sent = (
    'all at once' => [\@length, $password],
    'behind the header' => [\@length, '', $password],
    'in two pieces' => [\@length, substr($password, 0, 5),
        substr $password, 5],
    'a part of it' => [\@length, substr $password, 0, 5],
    'none of it' => [\@length, ''],
    'chunked, all at once' => [\@chunked, chunk($password) . chunk('')],
    'chunked, behind the header' => [\@chunked, '',
        chunk($password) . chunk('')],
    'chunk by chunk' => [\@chunked, chunk($password), chunk('')],
    'chunked, without its end' => [\@chunked, chunk($password)],
);

for my $how (sort keys %sent) {
    my ($framing, @pieces) = @{ $sent{$how} };

    $gw->refused("P0.5 Basic and a body, $how",
        post('/answered', [$basic, $form, @$framing], @pieces),
        'invalid_request', by => 'basic');
}

# a secret in the body is no more than any other

{
    my $body = "client_id=$partner->{id}&client_secret=$partner->{key}";

    $gw->refused('P0.5 credentials in the body', post('/answered',
        [$form, 'Content-Length: ' . length $body], $body),
        'invalid_request', by => 'basic');

    my $token = $gw->mint(partner_id => $partner->{id});

    $body = "token=$token";
    $gw->refused('P0.5 a token to revoke', post('/answered/revoke',
        [$basic, $form, 'Content-Length: ' . length $body], $body),
        'invalid_request', by => 'basic');
}

# where there was none, it is not missed

for my $lines ([], ['Content-Length: 0'], [$form, 'Content-Length: 0'],
    ['Content-Length: 000'])
{
    my $response = post('/answered', [$basic, @$lines], '');

    is($response->status, 200, "P1.5 no body: @$lines");
    ok($response->json && $response->json->{access_token},
        'P1.5 and a token');
}


# A body that was passed on piece by piece is gone, one that nginx has as a
# whole is not: what it asks for counts.

sub passed_on {
    my ($target, $body) = @_;

    my $client = $gw->connect;
    my $size = length $body;

    $gw->mark;
    $client->send(join "\r\n", "POST $target HTTP/1.1", 'Host: localhost',
        $basic, $form, "Content-Length: $size", '', substr $body, 0, 5);
    sleep 0.1;
    $client->send(substr $body, 5);

    my $upstream = $leaver->accept or die "nobody came: $!\n";
    my $got = '';

    while ($got !~ /\r\n\r\n.{$size}/s) {
        sysread $upstream, $got, 65536, length $got or last;
    }

    close $upstream;

    my $response = $client->response;

    $client->close;

    return $response;
}

$gw->refused('P0.5 a body that was passed on as it came',
    passed_on('/proxied/unbuffered', $password), 'invalid_request',
    by => 'basic');
$gw->refused('P1.3 a body that was passed on as a whole',
    passed_on('/proxied/whole', $password), 'unsupported_grant_type',
    by => 'basic');

{
    my $response = passed_on('/proxied/whole',
        'grant_type=client_credentials');

    is($response->status, 200, 'P1.3 a good one');
    ok($response->json && $response->json->{access_token},
        'P1.3 and a token');
}


# over HTTP/2, with a length and without

sub post_h2 {
    my ($headers, @pieces) = @_;

    my $h2 = $gw->connect_h2;

    $gw->mark;

    my $stream = $h2->start('POST', '/answered', end => !@pieces, headers => [
        ['if-match', '"x"'],
        map { [lc $1, $2] if /^([^:]+): (.*)/ } $basic, @$headers]);

    for my $i (0 .. $#pieces) {
        sleep 0.1 if $i;
        $h2->data($stream, $pieces[$i], $i == $#pieces);
    }

    my $response = $h2->response($stream);

    $h2->close;

    return $response;
}

for my $lines ([$form], [$form, @length]) {
    $gw->refused("P0.5 HTTP/2, all at once: @$lines",
        post_h2($lines, $password), 'invalid_request', by => 'basic');
    $gw->refused("P0.5 HTTP/2, in two pieces: @$lines",
        post_h2($lines, substr($password, 0, 5), substr $password, 5),
        'invalid_request', by => 'basic');
}

for my $lines ([], [$form], ['Content-Length: 0']) {
    my $response = post_h2($lines);

    is($response->status, 200, "P1.5 HTTP/2, no body: @$lines");
    ok($response->json && $response->json->{access_token},
        'P1.5 and a token');
}

$gw->finish;
