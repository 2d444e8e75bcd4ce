# P0.5: a body of which a part is read when it is given up, and an error page
# that is a token location itself.  It read on, with an alert of nginx's and a
# 500, or took the worker down; it answers now, and nothing of the body is
# taken for a request.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use Test::More;

use AGW::Gateway;
use AGW::Refusal qw(problems_of);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        location = /token {
            auth_gateway_token partner;
            auth_gateway_intercept_errors on;
            error_page 400 413 = @again;
        }

        location = /token/uri {
            auth_gateway_token partner;
            auth_gateway_intercept_errors on;
            error_page 400 413 = /again;
        }

        location @again { auth_gateway_token partner; }

        # nginx comes here with GET

        location = /again {
            internal;
            auth_gateway_token partner;
        }

        location /proxied/ {
            proxy_http_version 1.1;
            proxy_request_buffering off;
            error_page 502 = @again;

            # nobody listens, or somebody leaves in the middle

            location = /proxied/nobody {
                proxy_pass http://127.0.0.1:%%NOBODY%%;
            }

            location = /proxied/uri {
                error_page 502 = /again;
                proxy_pass http://127.0.0.1:%%NOBODY%%;
            }

            location = /proxied/leaver {
                proxy_pass http://127.0.0.1:%%LEAVER%%;
            }
        }

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

# a port that is taken as long as this lives

sub taken {
    my (%opt) = @_;

    return IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0,
        Proto => 'tcp', %opt) || die "no port: $!\n";
}

my $nobody = taken();
my $leaver = taken(Listen => 8, Timeout => 5);

my $gw = AGW::Gateway->start($conf, names => {
    NOBODY => $nobody->sockport, LEAVER => $leaver->sockport });
my $partner = $gw->partner;
my $bearer = AGW::Gateway::bearer($gw->mint(partner_id => 'p-1',
    business_id => 'b-1'));
my @lines = (AGW::Gateway::basic(@$partner{qw(id key)}),
    'Content-Type: application/x-www-form-urlencoded');

$gw->good_is(sub {
    return $gw->request('POST', '/token', quiet => 1, body => '',
        headers => \@lines)->status == 200;
});

my $smuggled = "GET /v1/businesses/b-1/smuggled HTTP/1.1\r\n"
    . "Host: localhost\r\n$bearer\r\n\r\n";

sub chunk {
    my ($bytes) = @_;

    return sprintf "%x\r\n%s\r\n", length $bytes, $bytes;
}

# what was accepted, is read from, and then left

sub leave {
    my $socket = $leaver->accept or die "nobody came: $!\n";
    my $got = sysread $socket, my $bytes, 65536;

    close $socket;

    return $got;
}

# What is wrong with the answer to a body of which this is sent, where the
# rest follows when the answer is there.

sub problems {
    my ($target, $reasons, $framing, $first, $rest) = @_;

    my $client = $gw->connect;
    my @problems;

    $gw->mark;
    $client->send(join "\r\n", "POST $target HTTP/1.1", 'Host: localhost',
        @lines, $framing, '', $first);

    push @problems, 'nobody was sent any of it'
        if $target =~ /leaver/ && !leave();

    my $response = eval { $client->response(timeout => 5) };

    push @problems, "no answer: $@" if !$response;
    push @problems, problems_of($response, $reasons->[-1], by => 'basic');

    my @logged = map { $_->{reason} // $_->{line} } $gw->refusals;

    push @problems, "logged: @logged" if "@logged" ne "@$reasons";

    $client->send($rest);

    push @problems, "and then: $client->{buffer}"
        if !$client->closed(5);
    push @problems, map { "the upstream received $_->{target}" }
        $gw->upstream_saw;
    push @problems, $gw->problems_after;

    $client->close;

    return @problems;
}

my @chunked = ('Transfer-Encoding: chunked');
my @length = ('Content-Length: 400');

# name, target, reasons; the rest as problems() has it

for (['20,000 bytes', '/token', [qw(body_too_large invalid_request)],
        @chunked, chunk('x' x 20_000) . "0\r\n\r\n", $smuggled],
    ['20,000 bytes, the end later', '/token',
        [qw(body_too_large invalid_request)],
        @chunked, chunk('x' x 20_000), "0\r\n\r\n$smuggled"],
    ['20,000 bytes, and more', '/token',
        [qw(body_too_large invalid_request)],
        @chunked, chunk('x' x 20_000), chunk($smuggled)],
    ['20,000 bytes of requests', '/token',
        [qw(body_too_large invalid_request)],
        @chunked, chunk($smuggled x (20_000 / length $smuggled)), $smuggled],
    ['20,000 bytes', '/token/uri', [qw(body_too_large method_not_allowed)],
        @chunked, chunk('x' x 20_000), "0\r\n\r\n$smuggled"],

    ['a chunk', '/proxied/nobody', ['invalid_request'],
        @chunked, chunk('a=b'), chunk($smuggled)],
    ['a chunk, and the end later', '/proxied/nobody', ['invalid_request'],
        @chunked, chunk('a=b'), "0\r\n\r\n$smuggled"],
    ['a part', '/proxied/nobody', ['invalid_request'],
        @length, 'a=b&', $smuggled],
    ['nothing yet', '/proxied/nobody', ['invalid_request'],
        @length, '', $smuggled],
    ['20,000 bytes', '/proxied/nobody', ['body_too_large'],
        @chunked, chunk('x' x 20_000), "0\r\n\r\n$smuggled"],
    ['a part', '/proxied/uri', ['method_not_allowed'],
        @length, 'a=b&', $smuggled],
    ['a chunk', '/proxied/leaver', ['invalid_request'],
        @chunked, chunk('a=b'), chunk($smuggled)],
    ['a part', '/proxied/leaver', ['invalid_request'],
        @length, 'a=b&', $smuggled],
) {
    my ($name, $target, @sent) = @$_;
    my @problems = problems($target, @sent);

    ok(!@problems, "P0.5 $target, $name") or diag(join "\n", @problems);
}


# over HTTP/2, where the other streams go on

for (['/token', 20_000, qw(body_too_large invalid_request)],
    ['/proxied/nobody', 3, 'invalid_request'],
    ['/proxied/leaver', 3, 'invalid_request'],
) {
    my ($target, $size, @reasons) = @$_;
    my $h2 = $gw->connect_h2;

    $gw->mark;

    my $stream = $h2->start('POST', $target, end => 0,
        headers => [map { [lc $1, $2] if /^([^:]+): (.*)/ } @lines]);

    $h2->data($stream, 'x' x $size, 0);
    leave() if $target =~ /leaver/;

    my $r = eval { $h2->response($stream, timeout => 5) };
    my @problems = problems_of($r, $reasons[-1], by => 'basic');
    my @logged = map { $_->{reason} // $_->{line} } $gw->refusals;

    push @problems, "logged: @logged" if "@logged" ne "@reasons";

    my $next = eval { $h2->request('GET', '/v1/businesses/b-1/next',
        headers => [['authorization', $bearer =~ s/^\S+ //r]]) };

    push @problems, 'no good request on another stream'
        unless $next && $next->status == 200;
    push @problems, $gw->problems_after;

    ok(!@problems, "P0.5 HTTP/2, $target") or diag(join "\n", @problems);
    $h2->close;
}

$gw->finish;
