# P11.1: what auth_gateway_admin and its log need, and who can reach it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Config qw(accepted configuration refused);

my $prefix = configuration(conf => <<'CONF', path => '/admin/');
http {
    %%HTTP%%

    ssl_client_certificate %%PREFIX%%/cert.pem;

    server {
        %%SERVER%%

        location %%PATH%% {
            %%LOCATION%%
        }
    }

    server {
        listen unix:%%PREFIX%%/other.sock;
        listen 127.0.0.1:%%TLS2%% ssl;
        ssl_verify_client on;
    }
}
CONF

my $thumb = 'E' x 42 . 'A';
my $unix = "listen unix:$prefix/admin.sock;";
my $tcp = 'listen 127.0.0.1:%%TLS%%;';
my $log = 'auth_gateway_admin_log logs/admin.log;';

sub no_way {
    my ($name, $server, $location, %opt) = @_;

    return refused($name, 'auth_gateway_admin', undef,
        qr/can be used by nobody.*unix socket.*certificate=/s, http => $log,
        server => $server, location => "$location;", %opt);
}

sub fine {
    my ($name, $server, $location) = @_;

    return accepted($name, http => $log, server => $server,
        location => "$location;");
}

# values

refused("admin $_", 'auth_gateway_admin', $_, qr/"read" or "write"/,
    server => $unix, location => "auth_gateway_admin $_;")
    for 'on', 'Read', 'uid=0', '$x';
refused("admin read $_", 'auth_gateway_admin', $_,
    qr/"uid=<user>" or "certificate=/, server => $unix,
    location => "auth_gateway_admin read $_;")
    for 'write', 'gid=0', 'UID=0', 'certificate';
refused("admin read $_", 'auth_gateway_admin', $_,
    qr/"uid=" with the name or the number of a user/, server => $unix,
    location => "auth_gateway_admin read $_;")
    for 'uid=', 'uid=no-such-user', 'uid=-1', 'uid=$x', 'uid=4294967295',
        'uid=4294967296';
refused("admin read certificate=" . substr($_, 0, 20), 'auth_gateway_admin',
    "certificate=$_", qr/the SHA-256 of a certificate.*base64url/,
    server => $unix,
    location => "auth_gateway_admin read certificate=$_;")
    for '', 'x', 'E' x 42, 'E' x 44, 'E' x 42 . 'B', 'E' x 42 . '=', 'a' x 64;
refused('admin twice', 'auth_gateway_admin', undef, qr/is duplicate/,
    server => $unix, location => 'auth_gateway_admin read;' x 2);

fine("admin read $_", $unix, "auth_gateway_admin read $_")
    for '', 'uid=0', 'uid=daemon', 'uid=daemon uid=bin uid=12345',
    "certificate=$thumb";

# its log

refused('admin write without a log', 'auth_gateway_admin', undef,
    qr/needs an "auth_gateway_admin_log"/, server => $unix,
    location => 'auth_gateway_admin write;');
fine('admin write with a log', $unix, 'auth_gateway_admin write');
accepted('admin read without a log', server => $unix,
    location => 'auth_gateway_admin read;');
refused("a log: $_", 'auth_gateway_admin_log', undef, qr/path of a file/,
    http => "auth_gateway_admin_log $_;", server => $unix) for '""', '$x.log';
refused('admin without a store', 'auth_gateway_admin', undef,
    qr/needs an "auth_gateway_store"/, store => '', server => $unix,
    location => 'auth_gateway_admin read;');

# who can reach it

fine('a unix socket among others', "$tcp $unix", 'auth_gateway_admin write');
fine('a certificate over TLS', "$tcp ssl_verify_client on;" =~ s/;/ ssl;/r,
    "auth_gateway_admin write certificate=$thumb");
fine('an optional one', "$tcp ssl_verify_client optional;" =~ s/;/ ssl;/r,
    "auth_gateway_admin write certificate=$thumb");

no_way('TCP', $tcp, 'auth_gateway_admin write');
no_way('TCP, for a user', $tcp, 'auth_gateway_admin write uid=0');
no_way('TCP without ssl, for a certificate', $tcp,
    "auth_gateway_admin write certificate=$thumb");
no_way('TLS without a certificate', $tcp =~ s/;/ ssl;/r,
    'auth_gateway_admin write');
no_way('TLS without ssl_verify_client', $tcp =~ s/;/ ssl;/r,
    "auth_gateway_admin write certificate=$thumb");
no_way('TLS with ssl_verify_client, but none listed',
    "$tcp ssl_verify_client on;" =~ s/;/ ssl;/r, 'auth_gateway_admin write');
no_way('a unix socket with proxy_protocol', $unix =~ s/;/ proxy_protocol;/r,
    'auth_gateway_admin write');

# where

for ('= /admin', '~ ^/admin', '@admin') {
    configuration(conf => <<'CONF', path => $_);
http {
    %%HTTP%%

    server {
        %%SERVER%%

        location %%PATH%% {
            %%LOCATION%%
        }
    }
}
CONF
    refused("location $_", 'auth_gateway_admin', undef,
        qr/must be in a prefix location/, server => $unix,
        location => 'auth_gateway_admin read;');
}

done_testing();
