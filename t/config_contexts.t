# D3: where each directive may stand, how often, and with how many
# values; what a requirement is, and what it needs beside it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Config qw(accepted configuration in_place refused $guard $proxy
    $store $template $token);
use AGW::Files qw(repo_root slurp);

my $prefix = configuration();

# Directives, by D3: where each may stand, and a line of it that is
# good there.

my @all = qw(main upstream http server location limit_except if_in_server
    if_in_location);
my @usual = qw(http server location);

my %directives = (
    auth_gateway_store => [$store, 'http'],
    auth_gateway_key => ['auth_gateway_key %%PREFIX%%/s48.key alg=HS256 kid=own;',
        qw(http server)],
    auth_gateway_issuer => ['auth_gateway_issuer x;', qw(http server)],
    auth_gateway_audience => ['auth_gateway_audience x;', qw(http server)],
    auth_gateway_token_type => ['auth_gateway_token_type JWT;', 'http'],
    auth_gateway_thread_pool => ['auth_gateway_thread_pool default;',
        'http'],
    auth_gateway_leeway => ['auth_gateway_leeway 5s;', 'http'],
    auth_gateway_max_lifetime => ['auth_gateway_max_lifetime 8h;', 'http'],
    auth_gateway_require => ['auth_gateway_require partner;', @usual,
        'limit_except'],
    auth_gateway_scope => ['auth_gateway_scope read;', @usual,
        'limit_except'],
    auth_gateway_business_path => [$template, @usual],
    auth_gateway_enforce => ['auth_gateway_enforce log;', @usual],
    auth_gateway_require_https => ['auth_gateway_require_https off;',
        @usual],
    auth_gateway_strict_path => ['auth_gateway_strict_path on;', @usual],
    auth_gateway_pass_preflight => ['auth_gateway_pass_preflight on;',
        @usual],
    auth_gateway_error_format => ['auth_gateway_error_format thred;',
        @usual],
    auth_gateway_intercept_errors => ['auth_gateway_intercept_errors on;',
        @usual],
    auth_gateway_realm => ['auth_gateway_realm x;', @usual],
    auth_gateway_zone => ['auth_gateway_zone 1m;', 'http'],
    auth_gateway_revocations_stale => ['auth_gateway_revocations_stale 30s;',
        'http'],
    auth_gateway_token_cache => ['auth_gateway_token_cache 8;', 'http'],
    auth_gateway_report => ['auth_gateway_report on;', 'http'],
    auth_gateway_admin_log => ['auth_gateway_admin_log logs/admin.log;',
        'http'],
    auth_gateway_admin => ['auth_gateway_admin read;', 'location'],
    auth_gateway_token => [$token, 'location'],
    auth_gateway_revoke => ['auth_gateway_revoke token;', 'location'],
    auth_gateway_introspect => ['auth_gateway_introspect;', 'location'],
    auth_gateway_jwks => ['auth_gateway_jwks;', 'location'],
    auth_gateway_metadata => ['auth_gateway_metadata token=/token;',
        'location'],
    auth_gateway_resource_metadata => ['auth_gateway_resource_metadata;',
        'location'],
    auth_gateway_status => ['auth_gateway_status;', 'location'],
    auth_gateway_metrics => ['auth_gateway_metrics;', 'location'],
    auth_gateway_partner_lifetime => ['auth_gateway_partner_lifetime 5m;',
        @usual],
    auth_gateway_business_lifetime => ['auth_gateway_business_lifetime 5m;',
        @usual],
    auth_gateway_partner_scope => ['auth_gateway_partner_scope read;',
        @usual],
    auth_gateway_business_scope => ['auth_gateway_business_scope read;',
        @usual],
    auth_gateway_client_auth => ['auth_gateway_client_auth tls;', @usual],
    auth_gateway_bind_tokens => ['auth_gateway_bind_tokens certificate;',
        @usual],
    auth_gateway_client_certificate => [
        'auth_gateway_client_certificate $http_client_cert;', @usual],
);

{
    my @known = slurp(repo_root() . '/src/ngx_http_auth_gateway_module.c')
        =~ /^    \{ ngx_string\("(\w+)"\),$/mg;

    is_deeply([sort keys %directives], [sort @known],
        'every directive is here');
}

for my $name (sort keys %directives) {
    my ($line, @places) = @{ $directives{$name} };
    my %may = map { $_ => 1 } @places;
    my @beside = $name =~ /_metadata$/
        ? (http => 'auth_gateway_issuer https://x;')
        : $name eq 'auth_gateway_admin'
        ? (server => "listen unix:$prefix/admin.sock;") : ();

    for my $place (@all) {
        if ($may{$place}) {
            accepted("$name in $place", @beside, in_place($place, $line));
        } else {
            refused("$name in $place", $name, undef,
                qr/"$name" directive is not allowed here/,
                in_place($place, $line));
        }
    }

    for my $place (grep { $name ne 'auth_gateway_key' } @places) {
        refused("$name twice in $place", $name, undef, qr/is duplicate/,
            in_place($place, $line x 2));
    }

    refused("$name without a value", $name, undef,
        qr/invalid number of arguments/, in_place($places[0], "$name;"))
        if $name !~ /_(?:jwks|introspect|status|metrics|resource_metadata)$/;
    refused("$name with one too many", $name, undef,
        qr/invalid number of arguments/,
        in_place($places[0], $line =~ s/;/ again;/r))
        unless $name =~ /_(?:store|key|require|client_auth|scope|admin)$
            | gateway_metadata$/x;
}

# require

for ('partner business', 'business partner', 'partner owner',
    'off business', 'business off', 'off partner')
{
    refused("require $_", 'auth_gateway_require', undef, undef,
        location => "auth_gateway_require $_; $template $proxy");
}

for ('on', 'Business', 'any', 'businesses', '$x') {
    refused("require $_", 'auth_gateway_require', $_, qr/off.*partner/,
        location => "auth_gateway_require $_; $template $proxy");
}

refused('require business business', 'auth_gateway_require', 'business',
    undef, location => "auth_gateway_require business business;"
    . "$template $proxy");
refused('require in if', 'auth_gateway_require', undef, qr/not allowed/,
    location => "if (\$arg_x) { auth_gateway_require off; } $template"
    . $proxy);

# what a requirement needs

refused('require business without a template', 'auth_gateway_require',
    undef, qr/auth_gateway_business_path/,
    location => "auth_gateway_require business; $proxy");
refused('the same in the server', 'auth_gateway_require', undef,
    qr/auth_gateway_business_path/, server => 'auth_gateway_require'
    . ' business;', location => $proxy);
refused('a business token without a template', 'auth_gateway_token', undef,
    qr/auth_gateway_business_path/,
    location => 'auth_gateway_token business;');
refused('revoke business without a template', 'auth_gateway_revoke', undef,
    qr/auth_gateway_business_path/,
    location => 'auth_gateway_revoke business;');
accepted('revoke business', location => "auth_gateway_revoke business;"
    . $template);

# revoke, introspect

for ('partner', 'Token', 'all', '$x') {
    refused("revoke $_", 'auth_gateway_revoke', $_, qr/token.*business/,
        location => "auth_gateway_revoke $_; $template");
}

for ('auth_gateway_revoke token', 'auth_gateway_introspect') {
    my ($name) = split / /;

    refused("$_ without a store", $name, undef,
        qr/needs an "auth_gateway_store"/, store => '', location => "$_;");
    refused("$_ without a key", $name, undef,
        qr/needs an "auth_gateway_key"/, key => '', location => "$_;");
    refused("$_ beside proxy_pass", $name, undef, undef,
        location => "$_; $proxy");
    refused("$_ beside a requirement", $name, undef, undef,
        location => "$_; auth_gateway_require partner;");
    refused("$_ beside another answer", 'auth_gateway_jwks', undef, undef,
        location => "$_; auth_gateway_jwks;");
}

# zone

for ('1', '4k', '60k', '0', '-1', 'x', '8mb', '') {
    my $value = $_ eq '' ? '""' : $_;

    refused("zone $value", 'auth_gateway_zone', undef, undef,
        http => "auth_gateway_zone $value;");
}

for ('64k', '128K', '8m', '20M') {
    accepted("zone $_", http => "auth_gateway_zone $_;");
}

refused('a nested location is guarded, and has no template',
    'auth_gateway_require', undef, qr/needs an "auth_gateway_business_path"/,
    server => 'auth_gateway_require business;', location => "$template"
    . ' return 404; } location /x/ { location /x/y/ { return 404; }');

# in limit_except too

for (["limit_except GET { auth_gateway_require business; } $proxy",
        qr/needs an "auth_gateway_business_path"/],
    ["auth_gateway_require business; limit_except GET { deny all; } $proxy",
        qr/needs an "auth_gateway_business_path"/])
{
    refused("no template: $_->[0]", 'auth_gateway_require', undef, $_->[1],
        location => $_->[0]);
}

refused('no key: limit_except', 'auth_gateway_require', undef,
    qr/needs an "auth_gateway_key"/, key => '', location =>
    "limit_except GET { auth_gateway_require partner; } $proxy");
refused('strict_path off, guarded in limit_except',
    'auth_gateway_strict_path', 'off', qr/it must be "on" there/,
    location => 'auth_gateway_strict_path off; limit_except GET {'
    . " auth_gateway_require partner; } $proxy");
accepted('guarded in limit_except alone', location =>
    "$template limit_except GET { auth_gateway_require business; } $proxy");
accepted('guarded but in limit_except', location =>
    "$guard limit_except POST { auth_gateway_require off; } $proxy");
accepted('guarded beside an if that proxies', location =>
    "$guard if (\$arg_x) { $proxy }");
accepted('a guarded server of which each location has a template',
    server => 'auth_gateway_require business;',
    location => "$template $proxy");
accepted('two servers with keys, issuers and audiences of their own',
    key => '', server => 'auth_gateway_key %%PREFIX%%/s32.key alg=HS256 kid=a;'
    . ' auth_gateway_issuer x; auth_gateway_audience y; } server {'
    . ' listen 127.0.0.1:%%PORT%%; auth_gateway_issuer z;'
    . ' auth_gateway_key %%PREFIX%%/s48.key alg=HS256 kid=a;',
    location => "$guard $proxy");

done_testing();
