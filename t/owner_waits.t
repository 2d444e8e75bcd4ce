# D5 and D9, `owner` while the store is locked by another process: the
# access phase is left and run again when there is an answer.  One worker, so
# whatever is answered meanwhile proves that the phase was left.  What is the
# request's own (its body, what follows it on the connection) is untouched.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA ();
use Test::More;
use Time::HiRes qw(sleep time);

use AGW::FaultyStore;
use AGW::Files qw(spew);
use AGW::Stopwatch;

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        client_max_body_size 8m;

        auth_gateway_require business owner;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location /v1/businesses/ {
            auth_gateway_pass_preflight on;
            include %%CONF%%/guarded_proxy.conf;
            proxy_http_version 1.1;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /big/ {
            auth_gateway_require off;
            root %%PREFIX%%/html;
        }

        location /unbuffered/ {
            auth_gateway_business_path /unbuffered/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /any/ {
            satisfy any;
            auth_basic users;
            auth_basic_user_file %%PREFIX%%/htpasswd;
            auth_gateway_business_path /any/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /request/ {
            auth_request /asked;
            auth_gateway_business_path /request/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /asked {
            internal;
            auth_gateway_require off;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_pass http://127.0.0.1:%%UPSTREAM%%/asked;
        }

        location /intercepted/ {
            auth_gateway_intercept_errors on;
            auth_delay 100ms;
            error_page 404 /v1/businesses/%%OURS%%/page;
            auth_gateway_business_path /intercepted/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my ($gw, $mine, $business, $path);

sub gateway {
    $gw = AGW::FaultyStore->start($conf, names => { OURS => 'none' },
        before => sub {
            spew("$_[0]/htpasswd", "u:{PLAIN}p\n", 0644);
            mkdir "$_[0]/html/big" or die "mkdir: $!\n";
            spew("$_[0]/html/big/file", 'x' x (16 << 20), 0644);
        });
    $mine = AGW::Gateway::bearer($gw->{partner_token});
    ($business, $path) = ($gw->{business}, $gw->guarded);

    return;
}

gateway();

# a request as bytes; body => text goes with its length unless head says so

sub text {
    my ($method, $target, %opt) = @_;

    my @lines = ($opt{auth} // $mine, @{ $opt{headers} // [] });

    push @lines, 'Content-Length: ' . length $opt{body}
        if defined $opt{body} && !$opt{chunked};
    push @lines, 'Transfer-Encoding: chunked' if $opt{chunked};

    return join "\r\n", "$method $target HTTP/1.1", 'Host: localhost',
        @lines, '', $opt{headed} ? '' : $opt{chunked}
            ? chunks($opt{body}) : $opt{body} // '';
}

sub chunks {
    return join '', map { sprintf "%x\r\n%s\r\n", length, $_ }
        unpack('(a3000)*', $_[0]), '';
}

sub begin {
    my (@bytes) = @_;

    my $client = $gw->connect;

    $client->send($_) for @bytes;

    return $client;
}

# Takes the lock, calls the first function, waits, gives it back; asserts
# that nobody was answered meanwhile.

sub while_locked {
    my ($name, $begin, $meanwhile) = @_;

    my $lock = $gw->lock_store;

    $gw->mark;

    my $started = time;
    my @clients = $begin->();

    sleep 0.2;
    $meanwhile->(@clients) if $meanwhile;
    $_->fill(0) for @clients;
    is(join('', map { $_->{buffer} } @clients), '',
        "D9 $name: no answer while it is locked");
    $gw->release($lock);
    cmp_ok(time - $started, '<', 0.95, "D9 $name: before its patience ends");

    return @clients;
}

sub status {
    my (@clients) = @_;

    return join ' ', map { my $r = $_->response; $r ? $r->status : 'none' }
        @clients;
}

# the bodies that reached the upstream, in the order of their targets

sub bodies {
    return map { $_->{body} } sort { $a->{target} cmp $b->{target} }
        grep { $_->{target} =~ /body/ } $gw->upstream_saw;
}


# one request waits, others do not

{
    my ($client) = while_locked('a request',
        sub { begin(text('GET', "$path?q")) },
        sub { $gw->guarded_is_fast('while an owner waits') });

    # the record was marked anew

    is(status($client), 200, 'D9 answered when it is released');

    my ($seen) = grep { $_->{target} =~ /\?q/ } $gw->upstream_saw;

    is_deeply([map { $seen->{headers}{$_} } qw(x-partner-id x-business-id
        authorization)], [[$gw->{id}], [$business], undef],
        'D3 the upstream is told of owner and business');
    is_deeply([$gw->problems_after], [], 'D9 a good request afterwards');
}

# every decision, by HTTP/1.1 and HTTP/2

my $archived = $gw->business($gw->{id}, status => 'archived');
my $theirs = $gw->business($gw->partner->{id});
my $gone = AGW::Gateway::bearer($gw->mint(partner_id => 'gone'));
my @cases = ([200, $business], [404, 'nobody'], [404, $theirs],
    [404, $archived], [401, $business, $gone]);

$gw->store->sql("VACUUM INTO '" . $gw->prefix . "/again.db'");
$gw->{bytes} = AGW::Files::slurp($gw->prefix . '/again.db');

{
    my $h2;
    my @streams;
    my @clients = while_locked('decisions', sub {
        $h2 = $gw->connect_h2;
        @streams = map { $h2->start('GET', "/v1/businesses/$_->[1]/x",
            headers => [['authorization',
                ($_->[2] // $mine) =~ s/^Authorization: //r]]) } @cases;

        return map { begin(text('GET', "/v1/businesses/$_->[1]/x",
            auth => $_->[2])) } @cases;
    });
    my $want = join ' ', map { $_->[0] } @cases;

    is(status(@clients), $want, 'D9 decisions');
    is(join(' ', map { $h2->response($_)->status } @streams), $want,
        'D9 over HTTP/2');
    is(scalar($gw->refusals), 8, 'D7 a line each');
    $h2->close;
    is_deeply([$gw->problems_after], [], 'D9 a good request afterwards');
}

# one refusal in full

{
    for (['unknown_business', 'nobody'], ['not_owner', $theirs],
        ['archived_business', $archived])
    {
        my ($client) = while_locked($_->[0], sub {
            begin(text('GET', "/v1/businesses/$_->[1]/x")) });

        $gw->refused("D9 $_->[0]", $client->response, $_->[0],
            partner => $gw->{id}, kid => 'k1');
    }

    my ($client) = while_locked('revoked', sub {
        begin(text('GET', $path, auth => $gone)) });

    $gw->refused('D9 revoked', $client->response, 'revoked',
        partner => 'gone');
}

# bodies, before, while and after the store is asked

for my $place ('/v1/businesses', '/unbuffered') {
    my %body = map { $_ => join '', map { pack 'N', rand 2**32 } 1 .. $_ }
        2, 5000, 200_000;
    my $to = sub { "$place/$business/body$_[0]" };
    my ($h2, $stream, @late);
    my @clients = while_locked("bodies, $place", sub {
        my @now = (
            begin(text('POST', $to->(1), body => $body{2})),
            begin(text('POST', $to->(2), body => $body{5000})),
            begin(text('PUT', $to->(3), body => $body{5000}, chunked => 1)),
        );

        @late = (
            begin(text('POST', $to->(4), body => $body{5000}, headed => 1)),
            begin(text('POST', $to->(5), body => $body{5000}, headed => 1,
                chunked => 1)),
            begin(text('POST', $to->(6), body => $body{5000}, headed => 1,
                headers => ['Expect: 100-continue'])),
            begin(text('POST', $to->(7), body => $body{200_000},
                headed => 1)),
        );
        $h2 = $gw->connect_h2;
        $stream = $h2->start('POST', $to->(8), end => 0,
            headers => [['authorization', $mine =~ s/^Authorization: //r]]);
        $h2->data($stream, substr($body{5000}, 0, 7000), 0);

        return (@now, @late);
    }, sub {
        $late[0]->send($body{5000});
        $late[1]->send(substr chunks($body{5000}), 0, 100);
    });

    $late[1]->send(substr chunks($body{5000}), 100);
    $late[2]->wait_for(sub { $late[2]{buffer} =~ /\r\n\r\n/ });
    like($late[2]{buffer}, qr{^HTTP/1\.1 100 }, 'D9 100, when it is let in');
    $late[2]->send($body{5000});
    $late[3]->send($body{200_000});
    $h2->data($stream, substr($body{5000}, 7000), 1);

    is(status(@clients), join(' ', (200) x 7), "D9 bodies, $place");
    is($h2->response($stream)->status, 200, 'D9 over HTTP/2');
    is(join(' ', map { Digest::SHA::sha1_hex($_) } bodies()),
        join(' ', map { Digest::SHA::sha1_hex($body{$_}) }
            2, 5000, 5000, 5000, 5000, 5000, 200_000, 5000),
        'D9 and they reach the upstream whole');
    is(status(map { $_->send(text('GET', $path)); $_ } @clients),
        join(' ', (200) x 7), 'D9 and their connections go on');
    $_->close for @clients, $h2;
}

# refused with a body on its way: it is not the next request

{
    my $smuggled = text('GET', "$path/smuggled");
    my @clients = while_locked('refused bodies', sub {
        return (
            begin(text('POST', "/v1/businesses/$theirs/x",
                body => $smuggled) . text('GET', $path)),
            begin(text('POST', "/v1/businesses/$theirs/x",
                body => $smuggled, chunked => 1) . text('GET', $path)),
            begin(text('POST', "/v1/businesses/$theirs/x", headed => 1,
                headers => ['Expect: 100-continue'], body => $smuggled)),
        );
    });

    is(status(@clients), '404 404 404', 'D6 refused, with a body');
    is(status(@clients[0, 1]), '200 200', 'D6 the next of the connection');
    ok(!(grep { $_->{target} =~ /smuggled/ } $gw->upstream_saw),
        'D6 a body is not a request');
    $clients[2]->send($smuggled . text('GET', "$path/after"));
    my $last = $clients[2]->response;

    ok(!defined $last || $last->status == 200, 'D6 nor after no 100');
    ok(!(grep { $_->{target} =~ /smuggled/ } $gw->upstream_saw),
        'D6 it was none either');
    is_deeply([$gw->problems_after], [], 'D6 a good request afterwards');
}

# pipelined: answered in order, whatever each of them asks

{
    my @clients = while_locked('pipelined', sub {
        return (begin(text('GET', $path) x 3),
            begin(text('GET', $path)
                . text('GET', "/v1/businesses/$theirs/x")
                . text('GET', $path, auth => AGW::Gateway::bearer(
                    $gw->{business_token}))
                . text('GET', '/v1/businesses/nobody')
                . text('POST', $path, body => 'abc')),
            begin(text('GET', $path), text('GET', $path)));
    });

    is(status(($clients[0]) x 3), '200 200 200', 'D9 three in one write');
    is(status(($clients[1]) x 5), '200 404 200 404 200', 'D9 in order');
    is(status(($clients[2]) x 2), '200 200', 'D9 in two');
    is_deeply([$gw->problems_after], [], 'D9 a good request afterwards');
}

# A connection that had to wait until it could be written to is told of that
# with whatever comes in later: it does not run the request's phases.

{
    my $client = begin(text('GET', '/big/file'));

    sleep 0.3;
    is(length $client->response->body, 16 << 20, 'D9 a long response');
    while_locked('after a long response', sub {
        $client->send(text('GET', $path));

        return $client;
    }, sub {
        $client->send(text('GET', "/v1/businesses/$theirs/x"));
        sleep 0.1;
    });
    is(status(($client) x 2), '200 404', 'D9 and the next ones of it');
    is_deeply([$gw->problems_after], [], 'D9 a good request afterwards');
}

# other modules' checks, and pages

{
    my $user = AGW::Gateway::basic('u', 'p');
    my @clients = while_locked('other checks', sub {
        return (begin(text('GET', "/any/$business/x")),
            begin(text('GET', "/any/$theirs/x")),
            begin(text('GET', "/request/$business/x")),
            begin(text('GET', "/request/$theirs/x")),
            begin(text('GET', "/intercepted/$business/x")),
            begin(text('GET', "/intercepted/$theirs/x")));
    }, sub {
        is($gw->request('GET', "/any/$business/x", headers => [$user],
            quiet => 1)->status, 200, 'D6 any: a user does not wait');
        is($gw->request('OPTIONS', $path, quiet => 1, headers => [
            'Origin: https://a.example', 'Access-Control-Request-Method: PUT',
        ])->status, 200, 'D6 nor does a preflight');
    });

    is(status(@clients), '200 404 200 404 200 404', 'D6 any, all, a page');
    is(scalar(grep { $_->{target} eq '/asked' } $gw->upstream_saw), 1,
        'D6 auth_request comes after, once');
    is_deeply([$gw->problems_after], [], 'D6 a good request afterwards');
}

# a token that expires meanwhile

# It is verified in the half second before its end, and the store comes back
# before the second of patience is over: a machine that is too slow for that
# tries again.

{
    my ($client, $early);

    for (1 .. 20) {
        my $now = time;

        sleep 1.55 - ($now - int $now);

        my $dying = AGW::Gateway::bearer($gw->mint(partner_id => $gw->{id},
            claims => { exp => 1 + int time }));
        my $lock = $gw->lock_store;

        $gw->mark;

        my $started = time;

        $client = begin(text('GET', $path, auth => $dying));
        sleep 0.6;
        $client->fill(0);
        $early = $client->{buffer};
        $gw->release($lock);

        last if $early eq '' && time - $started < 0.95;

        $client->close;
    }

    is($early, '', 'D9 a token that expires: no answer while it is locked');
    $gw->refused('D3 time is looked at again', $client->response, 'expired',
        partner => $gw->{id});
}

# clients that go away: their connections and timers go with them

{
    my ($pid) = $gw->nginx->workers;
    my $sockets = sub { scalar grep { (readlink($_) // '') =~ /^socket/ }
        glob "/proc/$pid/fd/*" };
    my $before = $sockets->();
    my $lock = $gw->lock_store;

    for my $round (1 .. 3) {
        my @clients = map { begin(text('POST', $path, body => 'x' x 100,
            headed => $_ % 2)) } 1 .. 20;
        my $h2 = $gw->connect_h2;
        my @streams = map { $h2->start('GET', $path, headers => [
            ['authorization', $mine =~ s/^Authorization: //r]]) } 1 .. 10;

        sleep 0.1;
        $h2->reset($_) for @streams[0 .. 4];
        $_->close for @clients, $round % 2 ? $h2 : ();
        sleep 0.1;
        $h2->close;
    }


    # before their second of patience is over, which would close them, too

    my $watch = AGW::Stopwatch->start($pid);

    sleep 0.02 while $sockets->() > $before + 1 && $watch->seconds < 0.5;
    cmp_ok($sockets->(), '<=', $before + 1, 'D9 no connection is kept');
    $gw->guarded_is_fast('clients that went away');
    $gw->release($lock);
    is_deeply([$gw->problems_after], [], 'D9 a good request afterwards');
    is($gw->request('GET', $path, bearer => $gw->{partner_token})->status,
        200, 'D9 an owner\'s too');
    sleep 1;
    is_deeply([$gw->problems_after], [], 'D9 when their time is over');
}

# a reload: the old worker answers, then it goes

{
    my @old = $gw->nginx->workers;
    my @clients = while_locked('a reload',
        sub { map { begin(text('GET', $path)) } 1 .. 3 },
        sub { kill 'HUP', $gw->nginx->{pid} });

    is(status(@clients), '200 200 200', 'D9 a reload while it waits');
    ok($gw->nginx->wait_for_workers_other_than(@old), 'D9 the old one goes');
    $gw->new_workers;
    is_deeply([$gw->problems_after], [], 'D9 a good request afterwards');
}

for my $signal (qw(QUIT TERM)) {
    my $lock = $gw->lock_store;
    my @clients = map { begin(text('GET', $path)) } 1 .. 3;

    sleep 0.2;
    kill $signal, $gw->nginx->{pid};
    sleep 0.2;
    $gw->release($lock);
    is(status(@clients), join(' ', ($signal eq 'QUIT' ? 200 : 'none') x 3),
        "D9 $signal while it waits");

    for (1 .. 1500) {
        last if $gw->nginx->gone;
        sleep 0.02;
    }

    is($gw->nginx->{status}, 0, "D9 $signal: the end is well");
    gateway() if $signal eq 'QUIT';
}

$gw->finish;
