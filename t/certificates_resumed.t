# P8a.4: a TLS session that is resumed has the certificate of the first
# handshake, since none is sent again: bound tokens hold with that one, and a
# session without one gets none.  By tickets and by a cache of nginx, in TLS 1.2
# and 1.3.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Certificates qw(make_client_certificate);
use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Token;

my $server = <<'CONF';
    server {
        listen 127.0.0.1:%%PORT%% ssl;

        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_verify_client optional_no_ca;
        %%SESSIONS%%

        auth_gateway_bind_tokens certificate;

        location = /token { auth_gateway_token partner; }

        location /partners/ {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
CONF

my %sessions = (TLS => 'ssl_session_tickets on;', TLS2 =>
    'ssl_session_tickets off; ssl_session_cache shared:s:1m;');

my $conf = join '', "http {\n", "    auth_gateway_store %%ENGINE%%;\n",
    "    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;\n",
    (map { my $port = $_; $server =~ s/%%PORT%%/%%$port%%/r
        =~ s/%%SESSIONS%%/$sessions{$port}/r } sort keys %sessions), "}\n";

my %thumb;
my $gw = AGW::Gateway->start($conf, workers => 2, before => sub {
    my ($prefix) = @_;

    %thumb = map { $_ => make_client_certificate($prefix, $_) } qw(one other);
});
my $prefix = $gw->prefix;
my $partner = $gw->partner;
my @basic = (basic => [@$partner{qw(id key)}]);

$gw->good_is(sub {
    return $gw->request('POST', '/token', quiet => 1, @basic)->status == 200;
});

my %token = map { $_ => $gw->keep_secret($gw->request('POST', '/token',
    @basic, cert => $_)->json->{access_token}) } qw(one other);

# one request by openssl(1): whether the session was resumed, the status, and
# the response

sub ask {
    my ($port, $version, $method, $path, $headers, @args) = @_;

    my $in = spew("$prefix/tmp/request", join("\r\n", "$method $path HTTP/1.1",
        'Host: localhost', 'Connection: close', @$headers, '', ''), 0600);
    my $to = 'localhost:' . $gw->nginx->port($port);
    my $said = `openssl s_client -connect $to -servername localhost -ign_eof \\
        -CAfile $prefix/cert.pem -$version @args <$in 2>&1`;

    unlink $in;

    my ($status) = $said =~ m{HTTP/1\.1 (\d+) };

    return (scalar($said =~ /^Reused, TLS/m), $status, $said);
}

sub bearer {
    my ($name) = @_;

    return ['Authorization: Bearer ' . $token{$name}];
}

for my $port (sort keys %sessions) {
    for my $version ('tls1_2', 'tls1_3') {
        my $name = "P8a.4 $version, $sessions{$port}";
        my @one = ('-cert', "$prefix/one.pem", '-key', "$prefix/one.key");
        my %session = map { $_ => "$prefix/tmp/$_.$port.$version" }
            qw(with without);

        my ($resumed, $status) = ask($port, $version, 'GET', '/partners/x',
            bearer('one'), @one, '-sess_out', $session{with});

        is_deeply([$resumed, $status], ['', 200], "$name: the certificate");

        ($resumed, $status) = ask($port, $version, 'GET', '/partners/x',
            bearer('one'), '-sess_out', $session{without});

        is_deeply([$resumed, $status], ['', 401], "$name: none");
        $gw->mark;

        for (1 .. 2) {
            ($resumed, $status) = ask($port, $version, 'GET', '/partners/x',
                bearer('one'), '-sess_in', $session{with});

            is_deeply([$resumed, $status], [1, 200],
                "$name: it is that of a resumed session");
        }

        for (['another token', 'other', 'with', 'another certificate'],
            ['no certificate at first', 'one', 'without', 'no certificate',
                @one])
        {
            my ($what, $token, $which, $fault, @args) = @$_;

            ($resumed, $status) = ask($port, $version, 'GET', '/partners/x',
                bearer($token), '-sess_in', $session{$which}, @args);

            is_deeply([$resumed, $status, map { "$_->{reason} ($_->{fault})" }
                $gw->refusals], [1, 401, "certificate_mismatch ($fault)"],
                "$name: resumed, $what");
            $gw->mark;
        }

        my $said;
        ($resumed, $status, $said) = ask($port, $version, 'POST', '/token',
            [AGW::Gateway::basic(@$partner{qw(id key)}), 'Content-Length: 0'],
            '-sess_in', $session{with});

        is_deeply([$resumed, $status], [1, 200], "$name: a token, resumed");

        my ($made) = $said =~ /"access_token":"([^"]+)"/;

        is(AGW::Token::claims_of($gw->keep_secret($made // 'e30.e30'))
            ->{cnf}{'x5t#S256'}, $thumb{one}, "$name: it is bound");
        is_deeply([$gw->problems_after], [], "$name: then a good request");
    }
}

$gw->finish;
