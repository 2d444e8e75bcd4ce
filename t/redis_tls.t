# rediss: the server's certificate must be of the right CA, name and time, and
# the client has one where it is wanted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Files qw(make_prefix slurp spew);
use AGW::Link;
use AGW::Proxy;
use AGW::Redis;

AGW::Redis::skip_all_without();

my $redis = AGW::Redis->start(tls => 1, user => 'gateway');
my $port = $redis->port;
my $dir = $redis->dir;
my $usual = "user=gateway password_file=$dir/password";
my $prefix = make_prefix();


# a CA, and certificates of it: make(name, days, subjectAltName)

sub openssl {
    my ($command) = @_;

    my $out = `cd $prefix && openssl $command 2>&1`;

    die "openssl $command: $out" if $? != 0;

    return;
}

my $new = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';

openssl("req -x509 $new -days 2 -subj /CN=ca -keyout ca.key -out ca.pem");

sub make {
    my ($name, $days, $alt) = @_;

    open my $out, '>', "$prefix/$name.ext" or die "$name: $!\n";
    print {$out} "subjectAltName=$alt\n";
    close $out or die "$name: $!\n";
    openssl("req $new -subj /CN=localhost -keyout $name.key -out $name.csr");
    openssl("x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial"
        . " -days $days -extfile $name.ext -out $name.pem");

    return;
}

make('right', 2, 'DNS:localhost,DNS:*.redis.example,IP:127.0.0.1');
make('other', 2, 'DNS:other.example,IP:127.0.0.2');
make('expired', 0, 'DNS:localhost,IP:127.0.0.1');

# the server has that one from now on

sub serve {
    my ($name) = @_;

    my $file = $redis->dir . '/redis.conf';

    spew($file, slurp($file) =~ s{^tls-cert-file \K.*}{$prefix/$name.pem}mr
        =~ s{^tls-key-file \K.*}{$prefix/$name.key}mr);
    $redis->restart;

    return;
}

sub connects {
    my ($name, $words) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $link = AGW::Link->start($words);

    ok($link->connected, $name);
    is_deeply([$link->bad], [], "$name: nothing is wrong");
    $link->stop;

    return;
}

sub refused {
    my ($name, $words, $why) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $link = AGW::Link->start($words);

    like($link->outage, $why, $name);
    is(scalar $link->lines(qr/connected to store/), 0, "$name: never");
    is_deeply([$link->bad(qr{SSL_(?:do_handshake|read|write)})], [],
        "$name: nothing else is wrong");
    $link->stop;

    return;
}


connects('its own certificate is the CA', $redis->words);
refused('another CA', "rediss://127.0.0.1:$port $usual ca=$dir/stranger/"
    . 'cert.pem', qr/the server's certificate is refused: self.signed/);
refused("the system's CAs", "rediss://127.0.0.1:$port $usual",
    qr/the server's certificate is refused: self.signed/);

serve('right');

my $ca = "ca=$prefix/ca.pem";

connects('a certificate of a CA', "rediss://127.0.0.1:$port $usual $ca");
connects('by name', "rediss://localhost:$port $usual $ca");
connects('name=', "rediss://127.0.0.1:$port $usual $ca name=localhost");
connects('name= by a wildcard',
    "rediss://127.0.0.1:$port $usual $ca name=a.redis.example");
refused('name= of another', "rediss://127.0.0.1:$port $usual $ca"
    . ' name=other.example', qr/certificate is not of "other\.example"/);
refused('a wildcard of two labels', "rediss://127.0.0.1:$port $usual $ca"
    . ' name=a.b.redis.example', qr/certificate is not of "a\.b\.redis/);
refused('name= of another address', "rediss://127.0.0.1:$port $usual $ca"
    . ' name=127.0.0.9', qr/certificate is not of "127\.0\.0\.9"/);

serve('other');
refused("another one's certificate", "rediss://127.0.0.1:$port $usual $ca",
    qr/certificate is not of "127\.0\.0\.1"/);
refused('likewise by name', "rediss://localhost:$port $usual $ca",
    qr/certificate is not of "localhost"/);

serve('expired');
refused('an expired one', "rediss://127.0.0.1:$port $usual $ca",
    qr/the server's certificate is refused: certificate has expired/);


# renewed while nginx waits for it

{
    my $link = AGW::Link->start("rediss://127.0.0.1:$port $usual $ca");

    ok($link->outage, 'an expired one');
    serve('right');
    ok($link->back, 'once it is renewed, it is taken');
    $link->stop;
}


# plain and TLS

refused('TLS to a plain port',
    'rediss://127.0.0.1:' . AGW::Redis->start->port . " $ca",
    qr/it may have no TLS there/);
refused('plain to a TLS port', "redis://127.0.0.1:$port $usual",
    qr/it may want TLS: "rediss:"|recv\(\) failed/);


# the client's certificate

{
    my $strict = AGW::Redis->start(tls => 1, client_certificate => 1);
    my $at = $strict->dir;
    my $words = 'rediss://127.0.0.1:' . $strict->port
        . " ca=$at/server/cert.pem";

    connects("the client's certificate", $strict->words);
    refused('no certificate', $words,
        qr/it may want another "certificate="|handshake failed: .* must/);
    refused('a certificate of nobody', "$words certificate=$at/stranger/"
        . "cert.pem certificate_key=$at/stranger/cert.key",
        qr/it may want another "certificate="|handshake failed: .* must/);
}


# in pieces, slowly, cut, and never

{
    my $proxy = AGW::Proxy->start(to => $port);
    my $words = 'rediss://127.0.0.1:' . $proxy->port . " $usual $ca";
    my $link;

    $proxy->set(delay => 0.05);
    connects('a slow network', $words);
    $proxy->set(delay => 0);

    for my $left (0, 100, 1000, 1500, 3000) {
        $proxy->set(left => $left);
        $link = AGW::Link->start($words);
        ok($link->outage, "the end after $left bytes");
        $proxy->set(left => -1);
        ok($link->back, 'then all of them');
        is_deeply([$link->bad(qr/SSL_do_handshake|SSL_shutdown/)], [],
            'nothing is wrong');
        $link->stop;
    }

    $proxy->set(accept => 'hold');
    $link = AGW::Link->start($words);
    like($link->outage, qr/the TLS handshake took longer than 1000 ms/,
        'a server that says nothing');
    $proxy->set(accept => 'pass');
    ok($link->back(2.5), 'and then does');
    is($link->stop, 0, 'it ends');
    is(scalar $link->lines(qr/open socket/), 0, 'nothing is left open');
}

# reloads

{
    my $link = AGW::Link->start("rediss://127.0.0.1:$port $usual $ca",
        workers => 2);

    ok($link->connected, 'connected');
    sleep 0.3;

    my $before = () = $redis->call(qw(CLIENT LIST)) =~ /user=gateway/g;

    $link->reload for 1 .. 5;
    sleep 0.5;

    my $after = () = $redis->call(qw(CLIENT LIST)) =~ /user=gateway/g;

    is($after, $before, "as many connections after reloads: $before");
    is(scalar $link->lines(qr/\[(?:error|alert|crit)\]/), 0, 'no error');
    $link->stop;
}

done_testing();
