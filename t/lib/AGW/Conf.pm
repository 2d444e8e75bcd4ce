package AGW::Conf;

# A test's configuration, completed: %%NAME%% become paths and free ports,
# and what every nginx here needs is put around it.

use strict;
use warnings;

use Exporter 'import';
use File::Copy qw(copy);
use IO::Socket::INET;
use IO::Socket::UNIX;

use AGW::Files qw(module_path repo_root slurp worker_ids);

our @EXPORT_OK = qw(complete free_port load_line);


# A free port, which no other test takes while this one lives: each port has a
# name among sockets, and whoever has bound that may use the port.  None of them
# is one that the kernel gives to connections.

my ($given) = slurp('/proc/sys/net/ipv4/ip_local_port_range') =~ /^(\d+)/;
my $ports = 10_000;
my $first = ($given // 32_768) > 2 * $ports ? ($given // 32_768) - $ports
    : 61_000 - $ports;
my $next = $$ * 37;
my @held;

sub free_port {
    for (1 .. $ports) {
        my $port = $first + $next++ % $ports;
        my $name = IO::Socket::UNIX->new(Local => "\0agw-port-$port",
            Listen => 1) or next;
        my $socket = IO::Socket::INET->new(
            LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1,
            Proto => 'tcp', ReuseAddr => 1,
        ) or next;

        push @held, $name;

        return $port;
    }

    die "no free port\n";
}


# nginx's own format without the query: in some tests a client puts a secret
# there, which is not what the module logs.

my $access_log = 'log_format harness \'$remote_addr [$time_local]'
    . ' "$request_method $uri $server_protocol" $status $body_bytes_sent'
    . ' "$http_referer" "$http_user_agent"\'';

# Returns the whole configuration.  %$names holds what is known, and gets a
# free port for each %%TLS%%, %%PLAIN%%, %%PORT%% that is not, with a number
# behind it or without.

sub complete {
    my ($text, $prefix, $names, %opt) = @_;

    $names->{PREFIX} = "$prefix";
    $names->{STORE} = "$prefix/store";
    $names->{ENGINE} //= "sqlite:$prefix/store/gateway.db";
    $names->{ROOT} = repo_root();
    $names->{CONF} = repo_root() . '/conf';

    # whoever runs the tests administers, though that be the workers' user

    $names->{ADMIN} //= $> == 0 ? '' : "uid=$>";

    my $http = join "\n    ", map { "$_;" }
        "client_body_temp_path $prefix/tmp/body",
        "proxy_temp_path $prefix/tmp/proxy",
        "fastcgi_temp_path $prefix/tmp/fastcgi",
        "uwsgi_temp_path $prefix/tmp/uwsgi",
        "scgi_temp_path $prefix/tmp/scgi",
        "ssl_certificate $prefix/cert.pem",
        "ssl_certificate_key $prefix/cert.key",
        'ssl_protocols TLSv1.2 TLSv1.3',
        ($text =~ /^ {4}access_log /m ? ()
            : ($access_log, "access_log $prefix/logs/access.log harness"));

    $text =~ s/^http \{\n/http {\n    $http\n/m;

    my $level = $opt{log_level} // 'info';
    my $workers = $opt{workers} // 1;
    my ($user) = worker_ids();
    my $main = '';

    $main .= load_line($prefix, $opt{as}) . "\n"
        unless defined $opt{module} && !$opt{module};
    $main .= "user nobody nogroup;\n" if defined $user;
    $main .= "daemon off;\npid $prefix/nginx.pid;\n"
        . "worker_processes $workers;\n"
        . "error_log $prefix/logs/error.log $level;\n"
        . ($opt{main} // '')
        . 'events { worker_connections 512; ' . ($opt{events} // '') . " }\n";

    $text =~ s/%%((?:TLS|PLAIN|PORT)\d*)%%/$names->{$1} \/\/= free_port()/ge;
    $text =~ s/%%([A-Z]+\d*)%%/$names->{$1} \/\/ die "no name $1"/ge;

    return $main . $text;
}


# The line that loads the module, or nothing where nginx has it in it.  Another
# user, if there is one, may not be let into the directory of the build.

sub load_line {
    my ($prefix, $user) = @_;

    my $module = module_path();

    return '' if $module !~ /\.so$/;

    if (defined $user) {
        copy($module, "$prefix/module.so") or die "copy: $!\n";
        $module = "$prefix/module.so";
    }

    return "load_module $module;";
}


1;
