# D6, 9 and 10: the files in conf/ that are to be included draw no warning
# at start, whatever else the configuration has; those that say what goes
# upstream agree, in each protocol, on what does not; and those that are to be
# changed say where.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Basename qw(basename);
use File::Copy qw(copy);
use Test::More;

use AGW::Files qw(make_prefix repo_root slurp);
use AGW::Nginx qw(nginx_t);

my $conf = <<'CONF';
http {
    %%HTTP%%

    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_issuer https://id.example;
    auth_gateway_audience api;

    map $http_origin $cors_origin {
        https://app.example.com  https://app.example.com;
    }

    server {
        listen 127.0.0.1:%%TLS%% ssl;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        include json_errors.conf;
        include docs.conf;

        location /v1/businesses/ {
            include cors.conf;
            include guarded_proxy.conf;
            proxy_pass http://127.0.0.1:9;

            location ~ /own_cors/ {
                include cors_upstream.conf;
                include guarded_proxy.conf;
                proxy_pass http://127.0.0.1:9;
            }

            location ~ /grpc/ {
                include guarded_grpc.conf;
                grpc_pass grpc://127.0.0.1:9;
            }

            location ~ /fastcgi/ {
                include guarded_fastcgi.conf;
                fastcgi_pass 127.0.0.1:9;
            }

            location ~ /uwsgi/ {
                include guarded_uwsgi.conf;
                uwsgi_pass 127.0.0.1:9;
            }

            location ~ /scgi/ {
                include guarded_scgi.conf;
                scgi_pass 127.0.0.1:9;
            }
        }
    }
}
CONF

my $cache = join ' ', map {
    "${_}_cache_path %%PREFIX%%/tmp/kept_$_ keys_zone=$_:1m;"
        . " ${_}_cache $_; ${_}_cache_key \$uri;"
} qw(proxy fastcgi uwsgi scgi);
my $inherited = 'include /etc/nginx/fastcgi_params;'
    . ' include /etc/nginx/uwsgi_params; include /etc/nginx/scgi_params;';

my @files = grep { !/^(?:nginx|fleet)\.conf$/ }
    map { basename($_) } glob repo_root() . '/conf/*.conf';
my $prefix = make_prefix();

copy(repo_root() . "/conf/$_", "$prefix/$_") or die "$_: $!\n" for @files;

for (
    ['nothing else', ''],
    ['types of nginx\'s own', 'types { text/html html; text/css css; }'],
    ['mime.types', 'include /etc/nginx/mime.types;'],
    ['mime.types, and a charset', 'include /etc/nginx/mime.types;'
        . ' charset utf-8; charset_types text/css text/plain;'],
    ['a cache', $cache],
    ['parameters above', $inherited],
) {
    my ($name, $http) = @$_;
    my ($code, $said) = nginx_t($conf =~ s/%%HTTP%%/$http/r, prefix => $prefix);

    is($code, 0, "D9 conf/ beside $name: nginx -t") or diag($said);
    is_deeply([$said =~ /^.*\[(?:warn|alert|crit|error)\].*$/mg], [],
        "D9 conf/ beside $name: without a warning");
}


# nginx.conf did not start on Debian if only the lines marked CHANGE were
# changed: its logs were below nginx's prefix, where Debian has no such
# directory.  So what names a place below the prefix, or an address of this
# machine, stands below such a mark.

sub unmarked {
    my ($file) = @_;

    my ($marked, @found) = 0;

    for (split /\n(?:[ ]*\n)+/, slurp(repo_root() . "/conf/$file")) {
        my @comment = grep { /^ *#/ } split /\n/;
        my @lines = grep { !/^ *#/ } split /\n/;

        $marked = grep { /CHANGE/ } @comment if @comment;

        push @found, grep {
            m{[ :=](?:logs|store|keys|tls)/|_temp;|(?:listen|server)\ 127\.}
        } @lines if !$marked;
    }

    return \@found;
}

is_deeply(unmarked($_), [], "D10 what is to be changed in $_ is marked")
    for qw(nginx.conf fleet.conf debian/site.conf);


# What each file sends with a value, and what it keeps back: names as a CGI
# program sees them, HTTP_ apart.

sub names_of {
    my ($protocol) = @_;

    my $text = slurp(repo_root() . "/conf/guarded_$protocol.conf");
    my (%sent, %kept_back);

    while ($text =~ /^(\w+)_(set_header|param)\s+(\S+)\s+(\S+)(.*);$/mg) {
        my ($prefix, $how, $name, $value, $rest) = ($1, $2, $3, $4, $5);

        is($prefix, $protocol, "D6 $protocol: $name is of that protocol")
            if $prefix ne $protocol;

        if ($how eq 'param') {
            next unless $name =~ s/^HTTP_//;

        } else {
            $name = uc $name =~ tr/-/_/r;
        }

        if ($value eq '""') {
            $kept_back{$name} = 1;

        } else {
            $sent{$name} = "$value$rest";
        }
    }

    return (\%sent, \%kept_back);
}

my @identity = qw(AUTHORIZATION X_BUSINESS_ID X_PARTNER_ID);
my @kept_back = sort qw(
    DESTINATION FORWARDED HTTP2_SETTINGS PROXY
    X_FORWARDED_HOST X_FORWARDED_PATH X_FORWARDED_PREFIX X_FORWARDED_URI
    X_HTTP_METHOD X_HTTP_METHOD_OVERRIDE X_METHOD_OVERRIDE X_ORIGINAL_URI
    X_ORIGINAL_URL X_OVERRIDE_URL X_REWRITE_URL
);
my %more = (
    proxy => [[qw(CONNECTION HOST UPGRADE)], []],
    grpc => [[], []],
    fastcgi => [['HOST'], [qw(CONNECTION UPGRADE)]],
    uwsgi => [[qw(CONNECTION HOST UPGRADE)], []],
    scgi => [[qw(CONNECTION HOST UPGRADE)], []],
);

# set beside the include, by those who trust their balancer: "_" for "-" alone

my @beside = qw(X_FORWARDED_FOR X_FORWARDED_PORT X_FORWARDED_PROTO X_REAL_IP);

for my $protocol (sort keys %more) {
    my ($sent, $kept_back) = names_of($protocol);
    my $by_header = $protocol =~ /^(?:proxy|grpc)$/;

    is_deeply([sort keys %$sent], [sort @identity, @{ $more{$protocol}[0] }],
        "D6 $protocol: what is sent");
    is_deeply([sort grep { !exists $sent->{$_} } keys %$kept_back],
        [sort @kept_back, @{ $more{$protocol}[1] },
            $by_header ? @beside : ()],
        "D6 $protocol: what is kept back");

    # an empty header is not sent; an empty parameter is, unless it says so

    is_deeply([grep { !$by_header && $_ ne 'HOST'
        && $sent->{$_} !~ / if_not_empty$/ } keys %$sent], [],
        "D6 $protocol: an identity that is empty is not sent");
}

# with proxy_set_header, each spelling is a header of its own

for my $protocol (qw(proxy grpc)) {
    my $text = slurp(repo_root() . "/conf/guarded_$protocol.conf");
    my %lines;

    $lines{lc $1}++ while $text =~ /^${protocol}_set_header\s+(\S+)/mg;

    my @missing = grep { !$lines{$_} } map { spellings($_) }
        grep { /-/ } keys %lines;

    is_deeply([sort @missing], [], "D6 $protocol: every spelling is there");
    is_deeply([grep { $lines{$_} > 1 } keys %lines], [],
        "D6 $protocol: and once");
}

sub spellings {
    my ($name) = @_;

    my ($first, @rest) = split /[-_]/, $name;
    my @spellings = ($first);

    for my $part (@rest) {
        @spellings = map { ("$_-$part", "${_}_$part") } @spellings;
    }

    # the first is the header itself, which may be set beside

    return @spellings[1 .. $#spellings];
}


# While nginx was stopped, systemd had removed the directory of the socket, so
# that `nginx -t` failed, as when a store is restored: without the package, too.

{
    my @lines = (qw(RuntimeDirectory=auth_gateway RuntimeDirectoryMode=0700
        RuntimeDirectoryPreserve=yes),
        'ExecStartPre=-/bin/rm -f /run/auth_gateway/admin.sock');

    for my $file (qw(debian/service.conf README.md)) {
        is_deeply([slurp(repo_root() . "/conf/$file")
            =~ /^((?:RuntimeDirectory|ExecStart)\w*=.*)$/mg], \@lines,
            "D10 $file: the directory of the socket stays");
    }

    for my $file (qw(nginx.conf fleet.conf debian/site.conf)) {
        like(slurp(repo_root() . "/conf/$file"),
            qr{^\s+listen unix:/run/auth_gateway/admin\.sock;$}m,
            "D10 $file: which is this one");
    }
}


# each is where it is looked for

{
    my $readme = slurp(repo_root() . '/README.md');

    my ($installed) = $readme =~ m{^cp (conf/[^`]*?) /etc/nginx/$}m;
    my %installed = map { basename($_) => 1 }
        map { glob repo_root() . "/$_" } split /[\s\\]+/, $installed // '';

    ok($installed{$_}, "D9 README installs $_")
        for @files;
}

done_testing();
