# P11.1: who may administer.  The kernel says who is at the other end of the
# socket; a certificate must be listed; all others get 403, whatever the
# location's own rules say.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(decode_base64 encode_base64);
use POSIX ();
use Test::More;

use AGW::Admin;
use AGW::Files qw(slurp spew worker_ids);
use AGW::Skip qw(skip_for);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_admin_log logs/admin.log;

    ssl_client_certificate %%PREFIX%%/ca.pem;

    server {
        listen unix:%%PREFIX%%/admin.sock;
        listen 127.0.0.1:%%PLAIN%%;

        location /admin/ {
            allow all;
            satisfy any;
            auth_gateway_admin write %%UID%%;
        }

        location /daemon/ {
            auth_gateway_admin read uid=daemon;
        }

        location /worker/ {
            auth_gateway_admin read uid=%%WORKER%%;
        }

        location /page/ {
            error_page 403 /admin/partners;
            return 403;
        }
    }

    server {
        listen unix:%%PREFIX%%/behind.sock proxy_protocol;
        listen unix:%%PREFIX%%/named.sock;
        listen 127.0.0.1:%%TLS%% ssl http2;

        ssl_verify_client optional;

        set_real_ip_from unix:;
        real_ip_header proxy_protocol;

        location /admin/ {
            auth_gateway_admin write certificate=%%THUMB%%;
        }

        location /users/ {
            auth_gateway_admin read %%UID%%;
        }
    }

    server {
        listen 127.0.0.1:%%TLS2%% ssl;

        ssl_verify_client optional_no_ca;

        location /admin/ {
            auth_gateway_admin write certificate=%%STRANGER%%
                certificate=%%THUMB%%;
        }
    }

    server {
        listen 127.0.0.1:%%PLAIN2%%;

        location / {
            proxy_pass http://unix:%%PREFIX%%/admin.sock;
        }
    }
}
CONF

my %thumb;

sub openssl {
    my ($command) = @_;

    my $said = `openssl $command 2>&1`;

    die "openssl $command: $said" if $? != 0;

    return $said;
}

# a CA, and certificates: two of it, and one that signed itself

sub make_certificates {
    my ($dir) = @_;

    my $new = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1'
        . ' -nodes -days 2';

    openssl("$new -subj /CN=ca -keyout $dir/ca.key -out $dir/ca.pem");
    openssl("$new -subj /CN=stranger -keyout $dir/stranger.key"
        . " -out $dir/stranger.pem");

    for my $name (qw(admin partner)) {
        openssl('req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
            . " -subj /CN=$name -keyout $dir/$name.key -out $dir/$name.csr");
        openssl("x509 -req -days 2 -in $dir/$name.csr -CA $dir/ca.pem"
            . " -CAkey $dir/ca.key -CAcreateserial -out $dir/$name.pem");
    }

    for my $name (qw(admin partner stranger)) {
        openssl("x509 -in $dir/$name.pem -outform DER -out $dir/$name.der");
        openssl("dgst -sha256 -binary -out $dir/$name.sha $dir/$name.der");
        ($thumb{$name} = encode_base64(slurp("$dir/$name.sha"), ''))
            =~ tr{+/=}{-_}d;
    }

    return;
}

my ($worker) = worker_ids();
my $text = $conf;

# the thumbprints are known once the prefix is there

my $admin;

{
    my $dir = AGW::Files::make_prefix();

    make_certificates("$dir");
    $text =~ s/%%THUMB%%/$thumb{admin}/g;
    $text =~ s/%%STRANGER%%/$thumb{stranger}/g;
    $text =~ s/%%WORKER%%/defined $worker ? $worker : $>/e;

    $admin = AGW::Admin->start(conf => $text, before => sub {
        my ($prefix) = @_;

        for (glob "$dir/*.pem $dir/*.key") {
            my ($name) = m{([^/]+)\z};

            spew("$prefix/$name", slurp($_), 0600);
        }
    });
}

my $at = $admin->prefix;

# as another user: the status, by a process with its rights

sub status_as {
    my ($user, $path) = @_;

    my (undef, undef, $uid, $gid) = getpwnam $user;

    pipe my $out, my $in or die "pipe: $!";

    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        $( = $gid;
        $) = "$gid $gid";
        POSIX::setuid($uid);

        my $status = eval { $admin->ask('GET', $path)->status } // $@;

        syswrite $in, $status;
        POSIX::_exit(0);
    }

    close $in;
    waitpid $pid, 0;

    return join '', readline $out;
}

sub refused_as {
    my ($name, $user, $path) = @_;

    $admin->mark;
    is(status_as($user, $path), 403, $name);
    is_deeply([map { $_->{reason} } $admin->refusals], ['not_administrator'],
        "$name, in the log");
    ok($admin->{good}->(), "$name, and others go on");

    return;
}

is($admin->ask('GET', 'partners')->status, 200,
    'P11.1 root, or who started it, over the socket');

SKIP: {
    skip_for('not root', 'other users at the socket are') if $> != 0;

    refused_as('P11.1 another user', 'bin', 'partners');
    refused_as('P11.1 the user of the workers', $worker, 'partners');
    refused_as('P11.1 one that another location lists', 'daemon', 'partners');
    is(status_as('daemon', '/daemon/partners'), 200, 'P11.1 a listed one');
    is($admin->ask('GET', '/daemon/partners')->status, 200,
        'P11.1 root besides');
    is(status_as($worker, '/worker/partners'), 200,
        'P11.1 the user of the workers, where it is listed');
}

# over TCP, and through a proxy of this very nginx

for (['GET', 'partners'], ['POST', 'partners', { name => 'x' }],
    ['GET', 'nothing'], ['PATCH', '', 'x'])
{
    my ($method, $path, $body) = @$_;

    $admin->mark;
    $admin->refuses("P11.1 $method $path over TCP",
        $admin->ask($method, $path, $body, port => 'PLAIN'),
        'not_administrator');

    next if $> != 0;
    $admin->refuses("P11.1 $method $path through a proxy",
        $admin->ask($method, $path, $body, port => 'PLAIN2'),
        'not_administrator');
}

$admin->refuses('P11.1 over TCP by an error page',
    $admin->ask('GET', '/page/', undef, port => 'PLAIN'),
    'not_administrator');

# behind a proxy of its own

{
    my $client = AGW::Client->connect(unix => "$at/behind.sock");

    $admin->mark;
    $client->send("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"
        . "GET /users/partners HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    $admin->refuses('P11.1 a socket with proxy_protocol', $client->response,
        'not_administrator');
    is($admin->ask('GET', '/users/partners', undef,
        unix => "$at/named.sock")->status, 200,
        'P11.1 another socket of that server');
}

# certificates

sub status_by {
    my ($name, $port, @more) = @_;

    my $number = $admin->nginx->port($port);
    my @cert = $name ? ('--cert', "$at/$name.pem", '--key', "$at/$name.key")
        : ();

    open my $curl, '-|', 'curl', '-s', '-o', "$at/tmp/body", '-w',
        '%{http_version} %{http_code}', '--cacert', "$at/cert.pem", @cert,
        @more, "https://localhost:$number/admin/partners" or die "curl: $!";

    return scalar readline $curl;
}

for my $http ('--http1.1', '--http2') {
    my $version = $http eq '--http2' ? 2 : 1.1;

    is(status_by('admin', 'TLS', $http), "$version 200",
        "P11.1 a listed certificate, $http");

    for (['partner', 'of the same CA'], [undef, 'none']) {
        $admin->mark;
        is(status_by($_->[0], 'TLS', $http), "$version 403",
            "P11.1 a certificate $_->[1], $http");
        is_deeply([map { $_->{reason} } $admin->refusals],
            ['not_administrator'], "P11.1 and why, $http");
    }
}

is(status_by('stranger', 'TLS2'), '1.1 403',
    'P11.1 one that is listed, but not verified');
is(status_by('admin', 'TLS2'), '1.1 200', 'P11.1 one that is both');

# a web page, in a browser that holds the certificate

for my $origin ('https://evil.example', 'null', '') {
    $admin->mark;
    is(status_by('admin', 'TLS', '--http1.1', '-d', '', '-H',
        $origin eq '' ? 'Origin;' : "Origin: $origin"), '1.1 403',
        "P11.1 a page of '$origin'");
}

# who it was is in the log

is($admin->ask('PUT', 'partners/p-1', {})->status, 201, 'P11.7 a write');
is(status_by('admin', 'TLS', '--http1.1', '-d', '{}', '-H',
    'Content-Type: application/json'), '1.1 201', 'P11.7 by a certificate');

{
    my @lines = $admin->written;

    is($lines[0]{uid}, $>, 'P11.7 the user');
    is($lines[-1]{certificate}, $thumb{admin}, 'P11.7 the certificate');
    ok(!exists $lines[-1]{uid}, 'P11.7 is no user');
    is(scalar @lines, 2, 'P11.7 and nobody else');
}

$admin->finish;
