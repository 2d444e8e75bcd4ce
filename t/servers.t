# Servers of one nginx with keys, issuers and audiences of their own: a
# server's keys replace those of http.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(write_secret);
use AGW::Gateway;
use AGW::Token qw(claims_of header_of);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_key %%PREFIX%%/old.key alg=HS256 kid=k0 verify;
    auth_gateway_issuer https://id.example;
    auth_gateway_audience api;

    auth_gateway_require business;
    auth_gateway_business_path /b/<business_id>;

    log_format who '$server_name|$auth_gateway_result|$auth_gateway_key_id';
    access_log %%PREFIX%%/logs/who.log who;

    # http's keys, issuer and audience

    server {
        listen 127.0.0.1:%%TLS%% ssl http2 default_server;
        server_name one.example;

        location = /token { auth_gateway_token partner; }

        location /b/ {
            proxy_set_header X-Server one;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # keys of its own

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        server_name two.example;

        auth_gateway_key %%PREFIX%%/two.key alg=HS256 kid=k2;

        location = /token { auth_gateway_token partner; }

        location /b/ {
            proxy_set_header X-Server two;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # another key by the same name

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        server_name three.example;

        auth_gateway_key %%PREFIX%%/three.key alg=HS256 kid=k1;

        location = /token { auth_gateway_token partner; }

        location /b/ {
            proxy_set_header X-Server three;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # http's keys, and another issuer

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        server_name four.example;

        auth_gateway_issuer https://four.example;

        location = /token { auth_gateway_token partner; }

        location /b/ {
            proxy_set_header X-Server four;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # http's keys, and another audience

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        server_name five.example;

        auth_gateway_audience five;

        location = /token { auth_gateway_token partner; }

        location /b/ {
            proxy_set_header X-Server five;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # nothing of this server is guarded

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        server_name open.example;

        auth_gateway_require off;

        location / {
            proxy_set_header X-Server open;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my %secret;
my $gw = AGW::Gateway->start($conf, before => sub {
    $secret{$_} = write_secret("$_[0]/$_.key") for qw(old two three);
});

$gw->keep_secret($_) for values %secret;

my ($business, $other) = ('b-1', 'b-2');
my $partner = $gw->partner;
my %server = (
    one => { kid => 'k1', secret => $gw->{secret},
        iss => 'https://id.example', aud => 'api' },
    two => { kid => 'k2', secret => $secret{two},
        iss => 'https://id.example', aud => 'api' },
    three => { kid => 'k1', secret => $secret{three},
        iss => 'https://id.example', aud => 'api' },
    four => { kid => 'k1', secret => $gw->{secret},
        iss => 'https://four.example', aud => 'api' },
    five => { kid => 'k1', secret => $gw->{secret},
        iss => 'https://id.example', aud => 'five' },
);

sub token_of {
    my ($name, %opt) = @_;

    my $server = $server{$name};

    return $gw->mint(partner_id => 'p-1', business_id => $business,
        secret => $server->{secret}, kid => $server->{kid}, %opt,
        claims => { iss => $server->{iss}, aud => $server->{aud},
            %{ $opt{claims} // {} } });
}

sub at {
    my ($name, $target, $bearer, %opt) = @_;

    return $gw->request($opt{method} // 'GET', $target, no_host => 1,
        %opt, bearer => $bearer,
        headers => ["Host: $name.example", @{ $opt{headers} // [] }]);
}

my $url = "/b/$business/x";
my %token = map { $_ => token_of($_) } sort keys %server;

$gw->good_is(sub {
    return 5 == grep { at($_, $url, $token{$_}, quiet => 1)->status == 200 }
        keys %server;
});

# which reason a token of one server gets at another

my %reason = (
    one => { two => 'unknown_key', three => 'bad_signature',
        four => 'wrong_issuer', five => 'wrong_audience' },
    two => { one => 'unknown_key', three => 'unknown_key',
        four => 'unknown_key', five => 'unknown_key' },
    three => { one => 'bad_signature', two => 'unknown_key',
        four => 'bad_signature', five => 'bad_signature' },
    four => { one => 'wrong_issuer', two => 'unknown_key',
        three => 'bad_signature', five => 'wrong_issuer' },
    five => { one => 'wrong_audience', two => 'unknown_key',
        three => 'bad_signature', four => 'wrong_issuer' },
);

for my $of (sort keys %server) {
    for my $where (sort keys %server) {
        my $r = at($where, $url, $token{$of});

        if ($of eq $where) {
            my ($seen) = $gw->upstream_saw;

            is_deeply([$r->status, $seen->{headers}{'x-server'}],
                [200, [$where]], "D3 a token of $of at its own server");
            next;
        }

        $gw->refused("D3 a token of $of at $where", $r,
            $reason{$of}{$where}, server => "$where.example");
    }
}

# a server's keys replace http's, those for reading too

{
    my %old = (secret => $secret{old}, kid => 'k0');

    is(at('one', $url, token_of('one', %old))->status, 200,
        'D3 an old key, where http\'s keys are inherited');
    is(at('four', $url, token_of('four', %old))->status, 200,
        'D3 an old key, with a server\'s own issuer');
    $gw->refused("D3 an old key of http, at $_",
        at($_, $url, token_of($_, %old)), 'unknown_key')
        for qw(two three);

    # without a kid, each of a server's own keys is tried, and no other

    is(at('two', $url, token_of('two', kid => undef))->status, 200,
        'D4 no kid, where there is one key');
    is(at('one', $url, token_of('one', kid => undef))->status, 200,
        'D4 no kid, where there are several');
    is(at('one', $url, token_of('one', %old, kid => undef))->status, 200,
        'D4 no kid, the second of them');
    $gw->refused("D4 no kid, an old key of http, at $_", at($_, $url,
        token_of($_, %old, kid => undef)), 'bad_signature') for qw(two three);
}

# a server's issuer and audience replace http's

for (
    ['four', 'wrong_issuer', { iss => 'https://id.example' }],
    ['four', 'wrong_issuer', { iss => undef }],
    ['four', 'wrong_audience', { aud => 'five' }],
    ['five', 'wrong_audience', { aud => 'api' }],
    ['five', 'wrong_audience', { aud => undef }],
    ['five', 'wrong_issuer', { iss => 'https://four.example' }],
) {
    my ($name, $reason, $claims) = @$_;
    my ($claim, $value) = %$claims;

    $gw->refused("P8.11 at $name: $claim " . ($value // 'absent'),
        at($name, $url, token_of($name, claims => $claims)), $reason);
}

is(at('five', $url, token_of('five', claims => { aud => ['api', 'five'] }))
    ->status, 200, 'P8.11 an audience among others');

# what each issues: signed by its key, with its issuer and audience

for my $name (sort keys %server) {
    my $r = at($name, '/token', undef, method => 'POST',
        headers => [AGW::Gateway::basic($partner->{id}, $partner->{key})]);
    my $issued = $gw->keep_secret($r->json->{access_token} // 'x.y.z');
    my $want = $server{$name};

    is_deeply([header_of($issued)->{kid}, @{ claims_of($issued) }{
        qw(iss aud)}], [@$want{qw(kid iss aud)}],
        "D4 a partner token of $name");
    $gw->refused("D4 a partner token of $name, at its own server",
        at($name, $url, $issued), 'wrong_kind', partner => $partner->{id},
        kid => $want->{kid});
}

# which server it is, nginx says: by Host, and the first for any other

{
    my $r = $gw->request('GET', $url, no_host => 1, bearer => $token{one},
        headers => ['Host: unknown.example']);

    is($r->status, 200, 'D3 an unknown host is the default server\'s');
    $gw->refused('D3 an unknown host, a token of another server',
        $gw->request('GET', $url, no_host => 1, bearer => $token{two},
            headers => ['Host: unknown.example']), 'unknown_key');
    $gw->refused('D3 an absolute target names the server',
        at('two', "https://one.example$url", $token{two}),
        'unknown_key', server => 'one.example');
    is(at('two', "https://one.example$url", $token{one})->status, 200,
        'D3 an absolute target, with that server\'s token');
}

is(at('open', '/b/..%2fx', undef)->status, 200,
    'D6 a server without a guarded location is not checked');

# HTTP/1.1: a kept connection, and servers by turns

{
    my $client = $gw->connect;

    is_deeply([map {
        $client->request('GET', $url, no_host => 1,
            headers => ["Host: $_->[0].example",
                AGW::Gateway::bearer($token{$_->[1]})])->status;
    } ['one', 'one'], ['two', 'one'], ['two', 'two'], ['one', 'two'],
        ['three', 'three'], ['four', 'three'], ['one', 'one']],
        [200, 401, 200, 401, 200, 401, 200],
        'D3 a kept connection, each request for its own server');
    $client->close;
}

# HTTP/2: a connection that was made for one name and is used for another

{
    my $h2 = $gw->connect_h2;
    my $ask = sub {
        my ($name, $bearer, $target) = @_;

        $gw->mark;

        return $h2->request('GET', $target // $url,
            authority => "$name.example",
            headers => [$bearer ? ['authorization', "Bearer $bearer"] : ()]);
    };

    for my $of (qw(one two three four five)) {
        for my $where (qw(one two three four five)) {
            my $r = $ask->($where, $token{$of});

            if ($of eq $where) {
                my ($seen) = $gw->upstream_saw;

                is_deeply([$r->status, $seen->{headers}{'x-server'}],
                    [200, [$where]], "D3 HTTP/2, $of, at its own server");
                next;
            }

            $gw->refused("D3 HTTP/2, a token of $of at $where", $r,
                $reason{$of}{$where}, server => "$where.example");
        }
    }

    $gw->refused('D3 HTTP/2, nobody', $ask->('two'), 'no_credentials',
        server => 'two.example');
    $gw->refused('D3 HTTP/2, another business',
        $ask->('two', $token{two}, "/b/$other/x"), 'wrong_business',
        server => 'two.example', kid => 'k2');

    # several at once

    my @ids = map {
        [$_, $h2->start('GET', $url, authority => "$_->[0].example",
            headers => [['authorization', "Bearer $token{$_->[1]}"]])]
    } map { my $of = $_; map { [$_, $of] } sort keys %server }
        sort keys %server;

    is_deeply([map { $h2->response($_->[1])->status } @ids],
        [map { $_->[0][0] eq $_->[0][1] ? 200 : 401 } @ids],
        'D3 HTTP/2, all at once, each for its own server');
    $h2->close;
}

$gw->finish;
