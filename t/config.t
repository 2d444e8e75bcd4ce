# Design 3: mistakes that nginx -t refuses, naming the directive, quoting
# the value and saying what is accepted; and what it takes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(make_prefix random_bytes random_hex spew);
use AGW::Nginx qw(nginx_t);

# each case fills in what stands in http, in the server, in the location

my $conf = <<'CONF';
http {
    %%HTTP%%

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        %%SERVER%%

        location /v1/businesses/ {
            %%LOCATION%%
        }
    }
}
CONF

my %good = (
    STORE => 'auth_gateway_store sqlite:%%STORE%%/gateway.db;',
    KEY => 'auth_gateway_key %%PREFIX%%/secret.key kid=k1;',
);
my $template = 'auth_gateway_business_path /v1/businesses/<business_id>;';
my $guard = "auth_gateway_require business; $template";
my $proxy = 'proxy_pass http://127.0.0.1:9;';
my $token = 'auth_gateway_token partner;';

my $prefix = make_prefix();

spew("$prefix/short.key", random_hex(8), 0600);
spew("$prefix/s31.key", substr(random_hex(16), 1), 0600);
spew("$prefix/s32.key", random_hex(16), 0600);
spew("$prefix/s47.key", substr(random_hex(24), 1), 0600);
spew("$prefix/s48.key", random_hex(24), 0600);
spew("$prefix/empty.key", '', 0600);
spew("$prefix/line.key", random_hex(32) . "\n", 0600);
spew("$prefix/bytes.key", "\xa5" . random_bytes(63), 0600);
spew("$prefix/pem.key", "-----BEGIN PRIVATE KEY-----\n"
    . ('A' x 64 . "\n") x 3 . "-----END PRIVATE KEY-----\n", 0600);
spew("$prefix/bom.key", "\xef\xbb\xbf \n-----BEGIN EC PRIVATE KEY-----\n"
    . 'A' x 64, 0600);
spew("$prefix/jwk.key", '{"kty":"oct","k":"' . 'A' x 64 . '"}', 0600);
spew("$prefix/array.key", " \n[" . '1,' x 40 . '1]', 0600);
spew("$prefix/ssh.key", 'ssh-ed25519 ' . 'A' x 68 . ' me', 0600);
spew("$prefix/huge.key", 'A' x 200_000, 0600);
mkdir "$prefix/dir.key";
mkdir "$prefix/root-only", 0700;
system('openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt',
    'ec_paramgen_curve:P-256', '-outform', 'DER', '-out',
    "$prefix/der.key") == 0 or die 'openssl';

sub check {
    my (%part) = @_;

    my $text = $conf;
    my $http = join "\n    ", grep { $_ }
        $part{store} // $good{STORE}, $part{key} // $good{KEY},
        $part{http};

    $text =~ s/%%HTTP%%/$http/;
    $text =~ s/%%SERVER%%/$part{server} \/\/ ''/e;
    $text =~ s/%%LOCATION%%/$part{location} \/\/ 'return 404;'/e;

    return nginx_t($text, prefix => $prefix);
}

# refused(name, directive, value, what is accepted, parts): the message is
# one [emerg] line that has the three (each may be undef)

sub refused {
    my ($name, $directive, $value, $accepted, %part) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($code, $said) = check(%part);
    my ($line) = $said =~ /(\[emerg\].* in \/[^\n]*)/s;
    my @problems;

    push @problems, "exit code $code" if $code != 1;
    push @problems, 'no [emerg] line' unless defined $line;
    $line //= '';
    push @problems, "does not name $directive"
        unless $line =~ /\b\Q$directive\E\b/;
    push @problems, "does not quote $value" if defined $value
        && index($line, "\"$value\"") < 0 && index($line, $value) < 0;
    push @problems, "does not say $accepted" if defined $accepted
        && $line !~ $accepted;
    push @problems, 'nginx knows no such directive'
        if $line =~ /unknown directive/;

    return ok(!@problems, "D3 refused: $name")
        || diag(join "\n", @problems, $said);
}

sub accepted {
    my ($name, %part) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($code, $said) = check(%part);

    return is($code, 0, "D3 accepted: $name") || diag($said);
}

# what is taken

accepted('a guarded location', location => "$guard $proxy");
accepted('requirement and template in the server', server => $guard,
    location => $proxy);
accepted('a partner token location', location => $token);
accepted('the same where the server is guarded', server => $guard,
    location => $token);
accepted('a business token location', location => 'auth_gateway_token'
    . " business; $template");
accepted('every directive of a location', location => "$guard $proxy"
    . ' auth_gateway_scope read; auth_gateway_require_https off;'
    . ' auth_gateway_realm "a realm"; auth_gateway_strict_path on;');
accepted('lifetimes up to max_lifetime', http => 'auth_gateway_max_lifetime'
    . ' 2h; auth_gateway_partner_lifetime 2h;'
    . ' auth_gateway_business_lifetime 7200;', location => $token);
accepted('leeway of 60s', http => 'auth_gateway_leeway 60s;',
    location => "$guard $proxy");
accepted('issuer and audience in a server', server => 'auth_gateway_issuer'
    . ' https://issuer.example; auth_gateway_audience api;',
    location => "$guard $proxy");
accepted('a scope that is a URL', location => "$token"
    . ' auth_gateway_partner_scope https://a.example/b c;');
accepted('require off beside a template, inherited', server => $guard,
    location => "auth_gateway_require off; $proxy");
accepted('strict_path off, not guarded', server => $guard,
    location => "auth_gateway_require off; auth_gateway_strict_path off;"
    . $proxy);
accepted('a variable for https', location => "$guard $proxy"
    . ' auth_gateway_require_https $http_x_forwarded_proto;');
accepted('two keys', key => 'auth_gateway_key %%PREFIX%%/s32.key kid=a;'
    . ' auth_gateway_key %%PREFIX%%/s48.key kid=b alg=HS384 verify;',
    location => "$guard $proxy");
accepted('a server\'s own key of the same kid', server => 'auth_gateway_key'
    . ' %%PREFIX%%/s32.key kid=k1;', location => "$guard $proxy");
accepted('a secret of any bytes', location => "$guard $proxy",
    key => 'auth_gateway_key %%PREFIX%%/bytes.key;');
accepted('nothing of ours', store => '', key => '', location => $proxy);
accepted('a template with a suffix', location => 'auth_gateway_require'
    . ' business; auth_gateway_business_path /a/<business_id>/b/c;'
    . $proxy);

{
    my ($code, $said) = check(location => "$guard $proxy",
        key => 'auth_gateway_key %%PREFIX%%/line.key;');

    is($code, 0, 'D4 a secret that ends in a newline is taken');
    like($said, qr/\[warn\].*auth_gateway_key.*line\.key/,
        'D4 with a warning');
}

# the store

# what stands behind the scheme may hold a password: it is not shown

for ('mysql://me:hidden@host', '/var/lib/x.db', 'sqlite', 'sqlite:',
    'SQLITE:/x', 'file:/x', 'http://host')
{
    refused("store $_", 'auth_gateway_store', s/:.*//r, qr/sqlite:/,
        store => "auth_gateway_store $_;", location => $token);
}

unlike((check(store => 'auth_gateway_store mysql://me:hidden@host;',
    location => $token))[1], qr/hidden/, 'D3 no password is shown');

refused('store twice', 'auth_gateway_store', undef, qr/duplicate/,
    store => $good{STORE} x 2, location => $token);
refused('a token location without a store', 'auth_gateway_token', undef,
    qr/auth_gateway_store/, store => '', location => $token);
refused('a business token location without a store', 'auth_gateway_token',
    undef, qr/auth_gateway_store/, store => '',
    location => "auth_gateway_token business; $template");
refused('the store\'s directory is not there', 'auth_gateway_store',
    'nowhere', undef, location => $token,
    store => 'auth_gateway_store sqlite:%%PREFIX%%/nowhere/gateway.db;');

SKIP: {
    skip 'not root', 1 if $> != 0;
    refused('a parent that the workers cannot write', 'auth_gateway_store',
        'root-only', qr/writ/, location => $token, store =>
        'auth_gateway_store sqlite:%%PREFIX%%/root-only/gateway.db;');
}

is_deeply([glob "$prefix/root-only/* $prefix/store/*"],
    [grep { (stat)[4] == (stat "$prefix/store")[4] }
        glob "$prefix/root-only/* $prefix/store/*"],
    'D5 nginx -t leaves nothing that the workers cannot use');

# keys

refused('no key for a guarded location', 'auth_gateway_key', undef, undef,
    key => '', location => "$guard $proxy");
refused('no key for a token location', 'auth_gateway_key', undef, undef,
    key => '', location => $token);

for (['missing', 'no.key'], ['short', 'short.key'], ['31 bytes', 's31.key'],
    ['empty', 'empty.key'], ['a PEM key', 'pem.key'],
    ['a PEM key behind a BOM', 'bom.key'], ['a JWK', 'jwk.key'],
    ['JSON', 'array.key'], ['an SSH key', 'ssh.key'],
    ['a DER key', 'der.key'], ['a directory', 'dir.key'])
{
    my ($name, $file) = @$_;

    refused("key, $name", 'auth_gateway_key', $file, undef,
        key => "auth_gateway_key %%PREFIX%%/$file kid=k1;",
        location => "$guard $proxy");
}

refused('a secret of 32 bytes says what is needed', 'auth_gateway_key',
    's31.key', qr/32/, location => "$guard $proxy",
    key => 'auth_gateway_key %%PREFIX%%/s31.key;');
refused('47 bytes for HS384', 'auth_gateway_key', 's47.key', qr/48/,
    key => 'auth_gateway_key %%PREFIX%%/s47.key alg=HS384;',
    location => "$guard $proxy");

for (qw(none None HS1 hs256 HS128 RS257)) {
    refused("alg=$_", 'auth_gateway_key', $_, qr/HS256/, key =>
        "auth_gateway_key %%PREFIX%%/s48.key alg=$_;",
        location => "$guard $proxy");
}

for ('ES256', 'RS256', 'EdDSA') {
    refused("a secret as $_", 'auth_gateway_key', $_, undef, key =>
        "auth_gateway_key %%PREFIX%%/s48.key alg=$_;",
        location => "$guard $proxy");
}

refused('two keys with one kid', 'auth_gateway_key', 'k1', undef,
    key => 'auth_gateway_key %%PREFIX%%/s32.key kid=k1;'
    . ' auth_gateway_key %%PREFIX%%/s48.key kid=k1 verify;',
    location => "$guard $proxy");
refused('an empty kid', 'auth_gateway_key', 'kid=', undef,
    key => 'auth_gateway_key %%PREFIX%%/s32.key kid=;',
    location => "$guard $proxy");
refused('a parameter that nobody knows', 'auth_gateway_key', 'sign', undef,
    key => 'auth_gateway_key %%PREFIX%%/s32.key sign;',
    location => "$guard $proxy");
refused('issuer= without verify', 'auth_gateway_key', 'issuer=', qr/verify/,
    key => 'auth_gateway_key %%PREFIX%%/s32.key issuer=https://x;',
    location => "$guard $proxy");
refused('only verify keys for a token location', 'auth_gateway_key', undef,
    undef, key => 'auth_gateway_key %%PREFIX%%/s32.key verify;',
    location => $token);

# templates

for ('/v1/businesses', '/v1/<business_id>/<business_id>',
    '/v1/x<business_id>', '/v1/<business_id>x', 'v1/<business_id>',
    '/v1//<business_id>', '<business_id>', '/v1/<other>/x',
    '/v1/../<business_id>', '/v1/<business_id>?x', '/v1/<business_id>#x',
    '/v1/<business_id>//x', '/v1/%2e/<business_id>', '/v1/$x/<business_id>',
    '/v1/<BUSINESS_ID>', '/v1/:business_id', '/')
{
    refused("template $_", 'auth_gateway_business_path', $_,
        qr/<business_id>/, location => 'auth_gateway_require business;'
        . " auth_gateway_business_path $_; $proxy");
}

refused('require business without a template', 'auth_gateway_require',
    undef, qr/auth_gateway_business_path/,
    location => "auth_gateway_require business; $proxy");
refused('the same in the server', 'auth_gateway_require', undef,
    qr/auth_gateway_business_path/, server => 'auth_gateway_require'
    . ' business;', location => $proxy);
refused('a business token without a template', 'auth_gateway_token', undef,
    qr/auth_gateway_business_path/,
    location => 'auth_gateway_token business;');

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

# answering locations

refused('answering before proxy_pass', 'auth_gateway_token', undef, undef,
    location => "$token $proxy");
refused('answering behind proxy_pass', 'auth_gateway_token', undef, undef,
    location => "$proxy $token");
refused('answering beside fastcgi_pass', 'auth_gateway_token', undef, undef,
    location => "$token fastcgi_pass 127.0.0.1:9;");
refused('answering beside a handler in if', 'auth_gateway_token', undef,
    undef, location => "$token if (\$arg_x) { $proxy }");
refused('answering beside a handler in limit_except', 'auth_gateway_token',
    undef, undef, location => "$token limit_except POST { $proxy }");
refused('answering beside an explicit require', 'auth_gateway_token', undef,
    qr/auth_gateway_require/, location => "$token"
    . ' auth_gateway_require partner;');
refused('answering behind an explicit require', 'auth_gateway_token', undef,
    qr/auth_gateway_require/, location => 'auth_gateway_require off;'
    . $token);
refused('answering twice', 'auth_gateway_token', undef, qr/duplicate/,
    location => $token x 2);

for ('partners', 'off', 'Business', 'owner') {
    refused("auth_gateway_token $_", 'auth_gateway_token', $_,
        qr/partner.*business/, location => "auth_gateway_token $_;");
}

refused('auth_gateway_token in a server', 'auth_gateway_token', undef,
    qr/not allowed/, server => $token);

# times

refused('a partner lifetime over max_lifetime',
    'auth_gateway_partner_lifetime', undef, qr/auth_gateway_max_lifetime/,
    location => "$token auth_gateway_partner_lifetime 25h;");
refused('a business lifetime over max_lifetime',
    'auth_gateway_business_lifetime', undef, qr/auth_gateway_max_lifetime/,
    http => 'auth_gateway_max_lifetime 30m;'
    . ' auth_gateway_partner_lifetime 30m;',
    location => "auth_gateway_token business; $template"
    . ' auth_gateway_business_lifetime 31m;');

for ('0', '0s', '-1', '1x', '500ms', 'x') {
    refused("a lifetime of $_", 'auth_gateway_partner_lifetime', undef,
        undef, location => "$token auth_gateway_partner_lifetime $_;");
}

refused('a max_lifetime of 0', 'auth_gateway_max_lifetime', undef, undef,
    http => 'auth_gateway_max_lifetime 0;', location => $token);

for ('61s', '2m', '1h', 'x', '-1') {
    refused("leeway $_", 'auth_gateway_leeway', undef, undef,
        http => "auth_gateway_leeway $_;", location => "$guard $proxy");
}

# words

refused('business_access as a partner\'s scope',
    'auth_gateway_partner_scope', 'business_access', undef,
    location => "$token auth_gateway_partner_scope a business_access;");
refused('a partner\'s scope with a quote', 'auth_gateway_partner_scope',
    undef, undef, location => "$token auth_gateway_partner_scope 'a\"b';");
refused('a scope of two words', 'auth_gateway_scope', 'a b', undef,
    location => "$guard $proxy auth_gateway_scope 'a b';");
refused('an empty scope', 'auth_gateway_scope', undef, undef,
    location => "$guard $proxy auth_gateway_scope '';");
refused('a realm with quotes', 'auth_gateway_realm', undef, undef,
    location => "$guard $proxy auth_gateway_realm 'a\"b';");
refused('a realm with a backslash', 'auth_gateway_realm', undef, undef,
    location => "$guard $proxy auth_gateway_realm 'a\\\\b';");
refused('a realm with a line feed', 'auth_gateway_realm', undef, undef,
    location => "$guard $proxy auth_gateway_realm 'a\\nb';");

for ('yes', 'true', '1', 'https', 'ON') {
    refused("require_https $_", 'auth_gateway_require_https', $_,
        qr/on.*off.*variable/, location =>
        "$guard $proxy auth_gateway_require_https $_;");
}

refused('strict_path off where guarded', 'auth_gateway_strict_path', undef,
    undef, location => "$guard $proxy auth_gateway_strict_path off;");
refused('strict_path off above, guarded below', 'auth_gateway_strict_path',
    undef, undef, server => 'auth_gateway_strict_path off;',
    location => "$guard $proxy");
refused('strict_path with another word', 'auth_gateway_strict_path', 'no',
    qr/on.*off/, location => "$guard $proxy auth_gateway_strict_path no;");

done_testing();
