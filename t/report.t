# D3: auth_gateway_report.  At nginx -t each location has a line that says
# what it demands; the sample in README.md is one of these.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(make_prefix repo_root slurp spew);
use AGW::Gateway;
use AGW::Nginx qw(nginx_t);

my $conf = <<'CONF';
http {
    auth_gateway_report on;
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_issuer https://api.example.com;
    auth_gateway_audience x;
    auth_gateway_token_type at+jwt;

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        server_name api.example.com www.example.com;
        auth_gateway_business_path /v1/businesses/<business_id>;

        auth_gateway_partner_scope reports ledger:read;

        location = /v1/platform/oauth2/token/ { auth_gateway_token partner; }

        location ~ ^/v1/platform/[^/]+/oauth2/token/?$ {
            auth_gateway_token business;
            auth_gateway_business_path
                /v1/platform/<business_id>/oauth2/token;
            auth_gateway_business_scope read write;
        }

        location = /revoke { auth_gateway_revoke token; }
        location = /end {
            auth_gateway_revoke business;
            auth_gateway_business_path /end/<business_id>;
            auth_gateway_require_https off;
            auth_gateway_client_certificate $http_client_cert;
            auth_gateway_bind_tokens certificate;
        }
        location = /introspect {
            auth_gateway_introspect;
            auth_gateway_require_https $http_x_forwarded_proto;
        }
        location = /jwks { auth_gateway_jwks; }
        location = /.well-known/oauth-authorization-server {
            auth_gateway_metadata token=/t;
        }
        location = /.well-known/oauth-protected-resource {
            auth_gateway_resource_metadata;
        }
        location = /status { auth_gateway_status; }
        location = /metrics { auth_gateway_metrics; }

        location ^~ /v1/businesses/ {
            auth_gateway_require business owner;
            auth_gateway_pass_preflight on;
            auth_gateway_client_certificate $http_client_cert;

            limit_except GET POST {
                auth_gateway_require owner;
            }

            location ~* \.(pdf|png)$ {
                auth_gateway_scope files;
                auth_gateway_require business;

                if ($arg_x) { set $y 1; }
            }

            location ~ ^/v1/businesses/[^/]+/public/ {
                auth_gateway_require off;

                location ~ "^/v1/businesses/[^/]+/public/[a-z]{1,2}	$" { }
            }
        }

        location /v1/partners/ {
            auth_gateway_require partner;
            auth_gateway_scope business_access reports;
            auth_gateway_require_https ${https};
        }

        location /docs/ {
            auth_gateway_require off;
            auth_gateway_strict_path off;
        }

        location /shadow/ {
            auth_gateway_enforce log;
            auth_gateway_require partner;

            location /shadow/open/ { auth_gateway_require off; }
            location /shadow/some/ { auth_gateway_enforce $arg_x; }
            location = /shadow/token {
                auth_gateway_token partner;
                auth_gateway_bind_tokens certificate;
                auth_gateway_client_auth post private_key_jwt tls;
            }
        }

        location @up { root /nonexistent; }
        location =/tight { return 204; }
    }

    server {
        listen 127.0.0.1:%%PORT2%%;
        listen 127.0.0.1:%%PORT3%%;
        auth_gateway_require business;
        auth_gateway_business_path /b/<business_id>;
        include %%PREFIX%%/included.conf;
    }

    server {
        listen 127.0.0.1:%%PORT2%%;
        server_name plain.example;
        return 301 https://api.example.com;
    }
}
CONF

# as they are in the configuration; the file and the line stand behind

my $api = 'server api.example.com, ';
my $other = 'server 127.0.0.1:%%PORT2%%, ';
my $path = '/v1/businesses/<business_id>';

my @want = (
    "${api}no location: require off (inherited)",
    "${api}location = /v1/platform/oauth2/token/: token partner,"
        . ' partner_scope reports ledger:read, token_type at+jwt,'
        . ' require_https on',
    "${api}location ~ ^/v1/platform/[^/]+/oauth2/token/?\$: token business,"
        . ' business_path /v1/platform/<business_id>/oauth2/token,'
        . ' business_scope read write, token_type at+jwt,'
        . ' require_https on',
    "${api}location = /revoke: revoke token, require_https on",
    "${api}location = /end: revoke business,"
        . ' business_path /end/<business_id>, require_https off,'
        . ' client_certificate $http_client_cert',
    "${api}location = /introspect: introspect,"
        . ' require_https $http_x_forwarded_proto',
    "${api}location = /jwks: jwks",
    "${api}location = /.well-known/oauth-authorization-server: metadata",
    "${api}location = /.well-known/oauth-protected-resource:"
        . ' resource_metadata',
    "${api}location = /status: status",
    "${api}location = /metrics: metrics",
    "${api}location ^~ /v1/businesses/: require business owner,"
        . " scope business_access, business_path $path, require_https on,"
        . ' client_certificate $http_client_cert, pass_preflight on',
    "${api}location ^~ /v1/businesses/, limit_except GET POST:"
        . " require owner, business_path $path, require_https on,"
        . ' client_certificate $http_client_cert, pass_preflight on',
    "${api}location ~* \\.(pdf|png)\$: require business, scope files,"
        . " business_path $path, require_https on,"
        . ' client_certificate $http_client_cert, pass_preflight on',
    "${api}location ~ ^/v1/businesses/[^/]+/public/: require off (its own),"
        . ' opened',
    "${api}location ~ ^/v1/businesses/[^/]+/public/[a-z]{1,2} \$:"
        . ' require off (inherited), opened',
    "${api}location /v1/partners/: require partner, scope reports,"
        . ' require_https ${https}',
    "${api}location /docs/: require off (its own), opened, strict_path off",
    "${api}location /shadow/: require partner, require_https on,"
        . ' enforce log',
    "${api}location /shadow/open/: require off (its own), opened,"
        . ' enforce log',
    "${api}location /shadow/some/: require partner, require_https on,"
        . ' enforce $arg_x',
    "${api}location = /shadow/token: token partner,"
        . ' partner_scope reports ledger:read, token_type at+jwt,'
        . ' require_https on, client_auth post private_key_jwt tls,'
        . ' bind_tokens certificate',
    "${api}location \@up: require off (inherited)",
    "${api}location =/tight: require off (inherited)",
    "${other}no location: require business, scope business_access,"
        . ' business_path /b/<business_id>, require_https on',
    "${other}location /b/: require business, scope business_access,"
        . ' business_path /b/<business_id>, require_https on',
    'server plain.example, no location: require off (inherited)',
);

my $prefix = make_prefix();
my %names;

spew("$prefix/included.conf", "# a comment\nlocation /b/ { }\n");

sub report {
    my ($text, @args) = @_;

    my ($code, $said) = nginx_t($text, prefix => $prefix, names => \%names,
        @args);

    is($code, 0, 'D3 nginx -t passes') or diag($said);

    return grep { /auth_gateway_report/ } split /\n/, $said;
}

my @lines = report($conf);
my @report = map { s/^.*?auth_gateway_report: //r } @lines;
my %at = map { s/^(.*) in (\S+):(\d+)$/$1/r => [$2, $3] } @report;

my @names = slurp("$prefix/nginx.conf") =~ /listen 127\.0\.0\.1:(\d+)/g;

s/%%PORT2%%/$names[1]/ for @want;

is_deeply([map { s/ in \S+:\d+$//r } @report], \@want,
    'D3 a line for each location');
is(scalar(grep { /\[notice\]/ } @lines), scalar @lines, 'D3 each a NOTICE');

# where it is

for my $line (@want) {
    my ($place) = $line
        =~ /, (.*?): (?:require|token|revoke|intro|jwks|met|res|status)/;
    my ($file, $number) = @{ $at{$line} // ['', 0] };
    my $text = (split /\n/, slurp($file))[$number - 1] // '';

    $place =~ s/^no location$/server/;
    $place =~ s/^.*(?=limit_except)//;
    $place =~ s/ \$$/\t\$/;
    $text =~ s/"//g;
    like($text, qr/^ *\Q$place\E \{/, "D3 $place: its file and line");
}

is($at{$want[25]}[0], "$prefix/included.conf", 'D3 of an included file');

# on the terminal too, where the error log is a file

my $log = "$prefix/logs/report.log";

sub terminal {
    my (@args) = @_;

    local $ENV{LD_PRELOAD} = $ENV{AGW_PRELOAD} // '';

    my $nginx = AGW::Nginx::binary();

    return scalar `$nginx -p $prefix/ -c $prefix/nginx.conf @args 2>&1`;
}

my $said = terminal('-t', '-e', $log);

is(scalar(() = $said =~ /^[\w-]+: \[notice\] auth_gateway_report: /mg),
    scalar @want, 'D3 a line each on the terminal');
is(scalar(() = slurp($log) =~ /\[notice\] .*auth_gateway_report: /g),
    scalar @want, 'D3 and in the error log');
unlike(terminal('-t', '-q', '-e', 'stderr'), qr/auth_gateway_report/,
    'D3 nginx -t -q is quiet');

# off, which is the default

is(scalar report($conf =~ s/report on/report off/r), 0, 'D3 off: no line');
is(scalar report($conf =~ s/^ *auth_gateway_report.*\n//mr), 0,
    'D3 by default: no line');

# nothing of it when nginx starts, or reloads

my $gw = AGW::Gateway->start(<<'CONF');
http {
    auth_gateway_report on;
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl;

        location = /token { auth_gateway_token partner; }
    }
}
CONF

ok($gw->nginx->reload, 'D3 nginx reloads');
$gw->new_workers;
unlike(slurp($gw->nginx->error_log) . slurp($gw->nginx->out_file),
    qr/auth_gateway_report/, 'D3 nothing is reported by a nginx that serves');

$gw->finish;
