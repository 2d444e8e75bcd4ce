# What stands behind a guarded location: a cache, WebSockets, gRPC, kept
# connections, bodies of every method.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use POSIX ();
use Test::More;

use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    proxy_cache_path %%PREFIX%%/tmp/cache keys_zone=answers:1m;

    upstream kept {
        server 127.0.0.1:%%UPSTREAM%%;
        keepalive 4;
    }

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        client_max_body_size 10m;

        auth_gateway_require business;

        location /cached/ {
            auth_gateway_business_path /cached/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_cache answers;
            proxy_cache_valid any 1m;
            add_header X-Cache $upstream_cache_status always;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # a path that names no business: the key has to say whose it is

        location /cached-partner/ {
            auth_gateway_require partner;
            include %%CONF%%/guarded_proxy.conf;
            proxy_cache answers;
            proxy_cache_valid any 1m;
            proxy_cache_key $auth_gateway_partner_id$request_uri;
            add_header X-Cache $upstream_cache_status always;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /socket/ {
            auth_gateway_business_path /socket/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_http_version 1.1;
            proxy_pass http://127.0.0.1:%%SOCKET%%;
        }

        location /seen/ {
            auth_gateway_business_path /seen/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_http_version 1.1;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /grpc.Books/ {
            auth_gateway_business_path /grpc.Books/<business_id>;
            include %%CONF%%/guarded_grpc.conf;
            grpc_pass grpc://127.0.0.1:%%PORT%%;
        }

        location /kept/ {
            auth_gateway_business_path /kept/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_http_version 1.1;
            proxy_pass http://kept;
        }

        location /mapped/ {
            auth_gateway_business_path /mapped/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%/internal/;
        }

        location /streamed/ {
            auth_gateway_business_path /streamed/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # an upstream that speaks HTTP/2 without TLS

    server {
        listen 127.0.0.1:%%PORT%% http2;

        location / {
            proxy_set_header X-Protocol $server_protocol;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

# An upstream of its own for WebSockets: says 101, then sends back each byte
# it gets, in capitals.

my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8,
    Proto => 'tcp', ReuseAddr => 1) or die "listen: $!\n";
my $parent = $$;
my $socket_pid = fork() // die "fork: $!\n";

if ($socket_pid == 0) {
    $SIG{PIPE} = 'IGNORE';
    $SIG{ALRM} = 'DEFAULT';
    alarm 60;

    while (my $peer = $listener->accept) {
        my ($head, $bytes) = ('');

        until ($head =~ /\r\n\r\n/) {
            sysread $peer, $head, 4096, length $head or last;
        }

        my ($id) = $head =~ /^X-Business-Id: (\S+)/mi;

        syswrite $peer, "HTTP/1.1 101 Switching Protocols\r\n"
            . "Upgrade: websocket\r\nConnection: upgrade\r\n"
            . 'X-For: ' . ($id // 'nobody') . "\r\n\r\n";
        syswrite $peer, uc $bytes while sysread $peer, $bytes, 4096;
        close $peer;
    }

    POSIX::_exit(0);
}

my $gw = AGW::Gateway->start($conf,
    names => { SOCKET => $listener->sockport },
    reply => sub {
        my ($request) = @_;

        return (200, ['Cache-Control: max-age=60'],
            "books of $request->{target} for "
                . $request->{headers}{'x-partner-id'}[0])
            if $request->{target} =~ m{^/cached};

        return;
    },
);

END {
    if ($$ == $parent && $socket_pid) {
        my $status = $?;

        kill 'KILL', $socket_pid;
        waitpid $socket_pid, 0;
        $? = $status;
    }
}

close $listener;

my ($business, $other) = ('b-1', 'b-2');
my $token = $gw->mint(partner_id => 'p-1', business_id => $business);
my $theirs = $gw->mint(partner_id => 'p-2', business_id => $other);
my $now = time;
my $expired = $gw->mint(partner_id => 'p-1', business_id => $business,
    claims => { iat => $now - 20, exp => $now - 10 });

sub get {
    my ($target, $bearer, %opt) = @_;

    return $gw->request('GET', $target, bearer => $bearer, %opt);
}

$gw->good_is(sub {
    return get("/seen/$business/good", $token, quiet => 1)->status == 200;
});

# proxy_cache: who may not ask is not told, whatever the cache holds

{
    my $url = "/cached/$business/books?page=1";
    my $r = get($url, $token);

    is_deeply([$r->status, $r->header('X-Cache'), $r->body],
        [200, 'MISS', "books of $url for p-1"], 'D6 cache, the first answer');
    is(scalar $gw->upstream_saw, 1, 'D6 cache, is the upstream\'s');

    $r = get($url, $token);
    is_deeply([$r->status, $r->header('X-Cache'), $r->body],
        [200, 'HIT', "books of $url for p-1"], 'D6 cache, the second');
    is(scalar $gw->upstream_saw, 0, 'D6 cache, is not');

    for (['nobody', undef, 'no_credentials'],
        ['another business', $theirs, 'wrong_business'],
        ['an expired token', $expired, 'expired'],
        ['nonsense', 'x', 'malformed_token'])
    {
        my ($who, $bearer, $reason) = @$_;
        my $response = get($url, $bearer);

        $gw->refused("D6 cache, not for $who", $response, $reason);
        unlike($response->body, qr/books/, "D6 cache, $who sees none of it");

        # nor is a refusal kept for those who may ask

        $gw->refused("D6 cache, HEAD, not for $who",
            $gw->request('HEAD', $url, bearer => $bearer), $reason,
            method => 'HEAD');
        is(get($url, $token)->header('X-Cache'), 'HIT',
            "D6 cache, after $who, still the answer");
    }

    my $fresh = "/cached/$business/fresh";

    $gw->refused('D6 cache, a refusal before any answer',
        get($fresh, $theirs), 'wrong_business');
    is_deeply([map { $_->header('X-Cache'), $_->body } get($fresh, $token)],
        ['MISS', "books of $fresh for p-1"], 'D6 cache, is not cached');

    $r = get("/cached/$other/books?page=1", $theirs);
    is($r->body, "books of /cached/$other/books?page=1 for p-2",
        'D6 cache, another business has its own');

    $gw->refused('D6 cache, a second spelling of a cached path',
        get("/cached/$other/..%2f$business/books?page=1", $theirs),
        'ambiguous_path');
}

{
    my $list = '/cached-partner/list';
    my %bearer = map {
        $_ => $gw->mint(partner_id => $_)
    } qw(p-1 p-2);

    is_deeply([map {
        my $r = get($list, $bearer{$_});
        [$r->header('X-Cache'), $r->body]
    } qw(p-1 p-2 p-1 p-2)],
        [map { [$_->[0], "books of $list for $_->[1]"] } ['MISS', 'p-1'],
            ['MISS', 'p-2'], ['HIT', 'p-1'], ['HIT', 'p-2']],
        'D6 cache, with the partner in its key');
    $gw->refused('D6 cache, no partner', get($list, undef),
        'no_credentials', scope => undef);
    $gw->refused('D6 cache, no partner\'s token', get($list, $token),
        'wrong_kind', scope => undef);
}

# WebSocket

my @upgrade = ('Upgrade: websocket', 'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==');

{
    my $client = $gw->connect;

    $client->send(join "\r\n", "GET /socket/$business/x HTTP/1.1",
        'Host: a', @upgrade, AGW::Gateway::bearer($token), '', '');
    $client->wait_for(sub { $client->{buffer} =~ /\r\n\r\n/ });
    $client->{buffer} =~ s/^(.*?)\r\n\r\n//s;

    my $head = $1;

    like($head, qr{^HTTP/1\.1 101 }, 'D6 WebSocket, 101');
    like($head, qr/^Upgrade: websocket\r?$/mi, 'D6 WebSocket, Upgrade');
    like($head, qr/^X-For: \Q$business\E\r?$/m,
        'D6 WebSocket, for its business');

    for my $said ('first frame', 'y' x 20000) {
        $client->send($said);
        $client->wait_for(sub {
            length $client->{buffer} >= length $said;
        });
        is($client->{buffer}, uc $said, 'D6 WebSocket, an echo');
        $client->{buffer} = '';
    }

    $client->close;
}

for (['nobody', undef, 'no_credentials'],
    ['another business', $theirs, 'wrong_business'],
    ['an expired token', $expired, 'expired'])
{
    $gw->refused("D6 WebSocket, not for $_->[0]",
        get("/socket/$business/x", $_->[1], headers => \@upgrade), $_->[2]);
}

# only that protocol, whatever else is asked for

for (
    ['websocket', 'websocket', 'Upgrade'],
    ['WebSocket', 'websocket', 'keep-alive, Upgrade'],
    ['h2c', undef, 'Upgrade, HTTP2-Settings'],
    ['h2c, websocket', undef, 'Upgrade'],
    ['websocket, h2c', undef, 'Upgrade'],
    ['websocketx', undef, 'Upgrade'],
    ['TLS/1.0', undef, 'Upgrade'],
) {
    my ($asked, $upgrade, $connection) = @$_;

    is(get("/seen/$business/x", $token, headers => ["Upgrade: $asked",
        "Connection: $connection", 'HTTP2-Settings: AAMAAABkAAQAAP__'])
        ->status, 200, "D6 Upgrade: $asked");

    my ($seen) = $gw->upstream_saw;

    is_deeply([@{ $seen->{headers} }{qw(upgrade http2-settings)}],
        [$upgrade ? [$upgrade] : undef, undef],
        "D6 Upgrade: $asked, what arrives");
    unlike($seen->{head}, qr/h2c|TLS|^connection:.*settings/mi,
        "D6 Upgrade: $asked, and nothing else");
}

# gRPC

{
    my $h2 = $gw->connect_h2;
    my $ask = sub {
        my ($target, $bearer) = @_;

        $gw->mark;

        return $h2->request('POST', $target, body => "\0\0\0\0\5hello",
            headers => [['content-type', 'application/grpc'],
                ['te', 'trailers'],
                ($bearer ? ['authorization', "Bearer $bearer"] : ())]);
    };
    my $url = "/grpc.Books/$business/List";
    my $r = $ask->($url, $token);
    my ($seen) = $gw->upstream_saw;

    is($r && $r->status, 200, 'D6 gRPC');
    is_deeply([$seen->{method}, $seen->{target}, $seen->{body},
        @{ $seen->{headers} }{qw(x-protocol x-business-id authorization)}],
        ['POST', $url, "\0\0\0\0\5hello", ['HTTP/2.0'], [$business], undef],
        'D6 gRPC, what arrives, by HTTP/2');

    $gw->refused('D6 gRPC, nobody', $ask->($url), 'no_credentials');
    $gw->refused('D6 gRPC, another business', $ask->($url, $theirs),
        'wrong_business');
    $gw->refused('D6 gRPC, an expired token', $ask->($url, $expired),
        'expired');
    $gw->refused('D6 gRPC, an ambiguous path',
        $ask->("/grpc.Books/$business/..%2f$other/List", $token),
        'ambiguous_path');
    is($ask->($url, $token)->status, 200,
        'D6 gRPC, the same connection goes on');
    $h2->close;
}

# kept connections, to us and to the upstream

{
    my $client = $gw->connect;
    my @who = (['b-1', $token, 200], ['b-1', $theirs, 403],
        ['b-2', $theirs, 200], ['b-2', $token, 403], ['b-1', undef, 401],
        ['b-1', $token, 200]);

    $gw->mark;

    my @got = map {
        my ($id, $bearer) = @$_;

        $client->request('POST', "/kept/$id/x", body => "of $id" x 100,
            headers => [$bearer ? AGW::Gateway::bearer($bearer) : ()])
            ->status;
    } @who;

    is_deeply(\@got, [map { $_->[2] } @who],
        'D6 upstream keepalive, each by its own token');

    my @saw = $gw->upstream_saw;

    is_deeply([map { "$_->{target} $_->{headers}{'x-business-id'}[0] "
            . $_->{body} } @saw],
        [map { "/kept/$_/x $_ " . "of $_" x 100 } qw(b-1 b-2 b-1)],
        'D6 upstream keepalive, each with its own identity and body');
    is_deeply([map { $_->{headers}{connection} } @saw],
        [undef, undef, undef], 'D6 upstream keepalive, kept');
}

# proxy_pass with a URI: what nginx has decoded, mapped

for (["$business/x?y=1", "$business/x?y=1"],
    ["$business/a%20b/%41", "$business/a%20b/A"], [$business, $business])
{
    is(get("/mapped/$_->[0]", $token)->status, 200, "D6 mapped, $_->[0]");
    is_deeply([map { $_->{target} } $gw->upstream_saw],
        ["/internal/$_->[1]"], "D6 mapped, $_->[0], what arrives");
}

for ("$business/../$other/x", "$business/%2e%2e/$other/x",
    "$other/..%2f$business/x", "$business/%252e%252e/$other/x")
{
    $gw->refused("D6 mapped, $_", get("/mapped/$_", $token),
        'ambiguous_path');
}

$gw->refused('D6 mapped, another business', get("/mapped/$other/x", $token),
    'wrong_business');

# every method, with a body or without, whole

my %bodies = (none => undef, short => 'abc', large => 'z' x 100_000);

for my $place (qw(seen streamed)) {
    for my $method (qw(GET HEAD OPTIONS POST PUT PATCH DELETE)) {
        for my $size (sort keys %bodies) {
            my $r = $gw->request($method, "/$place/$business/x",
                bearer => $token, body => $bodies{$size});
            my @saw = $gw->upstream_saw;

            is_deeply([$r->status, map { $_->{method}, $_->{target},
                $_->{body} eq ($bodies{$size} // '') } @saw],
                [200, $method, "/$place/$business/x", 1],
                "D6 $place, $method, body $size, arrives whole");
        }

        $gw->refused("D6 $place, $method with a body, refused",
            $gw->request($method, "/$place/$business/x", bearer => $theirs,
                body => $bodies{short}), 'wrong_business',
            method => $method);
    }

    # in pieces; and one that is refused before it has come

    my $client = $gw->connect;

    $gw->mark;
    $client->send("PUT /$place/$business/x HTTP/1.1\r\nHost: a\r\n"
        . AGW::Gateway::bearer($token)
        . "\r\nTransfer-Encoding: chunked\r\n\r\n");
    $client->send("5\r\nhello\r\n") for 1 .. 3;
    select undef, undef, undef, 0.05;
    $client->send("5\r\nhello\r\n0\r\n\r\n");
    is_deeply([$client->response->status,
        map { $_->{body} } $gw->upstream_saw], [200, 'hello' x 4],
        "D6 $place, a chunked body arrives whole");

    $gw->mark;
    $client->send("PUT /$place/$business/x HTTP/1.1\r\nHost: a\r\n"
        . "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");

    my $r = $client->response;

    is_deeply([$r->status, $r->{interim}], [401, 0],
        "P0.5 $place, no 100 for a body that is not wanted");
    $gw->refused("P0.5 $place, refused before its body", $r,
        'no_credentials');
    $client->close;
}

$gw->finish;
