# Design 3: mistakes that nginx -t refuses, naming the directive, quoting
# the value and saying what is accepted; and what it takes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(make_prefix random_bytes random_hex repo_root slurp spew);
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

    return nginx_t($text, prefix => $prefix, main => $part{main});
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


# Directives, by design 3: where each may stand, and a line of it that is
# good there.

my @all = qw(main upstream http server location limit_except if_in_server
    if_in_location);
my @usual = qw(http server location);

my %directives = (
    auth_gateway_store => [$good{STORE}, 'http'],
    auth_gateway_key => ['auth_gateway_key %%PREFIX%%/s48.key kid=own;',
        qw(http server)],
    auth_gateway_issuer => ['auth_gateway_issuer x;', qw(http server)],
    auth_gateway_audience => ['auth_gateway_audience x;', qw(http server)],
    auth_gateway_leeway => ['auth_gateway_leeway 5s;', 'http'],
    auth_gateway_max_lifetime => ['auth_gateway_max_lifetime 8h;', 'http'],
    auth_gateway_require => ['auth_gateway_require partner;', @usual,
        'limit_except'],
    auth_gateway_scope => ['auth_gateway_scope read;', @usual,
        'limit_except'],
    auth_gateway_business_path => [$template, @usual],
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
    auth_gateway_token => [$token, 'location'],
    auth_gateway_partner_lifetime => ['auth_gateway_partner_lifetime 5m;',
        @usual],
    auth_gateway_business_lifetime => ['auth_gateway_business_lifetime 5m;',
        @usual],
    auth_gateway_partner_scope => ['auth_gateway_partner_scope read;',
        @usual],
);

{
    my @known = slurp(repo_root() . '/src/ngx_http_auth_gateway_module.c')
        =~ /^    \{ ngx_string\("(\w+)"\),$/mg;

    is_deeply([sort keys %directives], [sort @known],
        'every directive is here');
}

# parts of a configuration with these lines in that place

sub in_place {
    my ($place, $lines) = @_;

    return (main => "$lines\n") if $place eq 'main';
    return (http => "upstream u { server 127.0.0.1:9; $lines }")
        if $place eq 'upstream';
    return (store => '', http => $lines)
        if $place eq 'http' && $lines =~ /_store /;
    return (http => $lines) if $place eq 'http';
    return (server => $lines) if $place eq 'server';
    return (server => "if (\$arg_x) { $lines }") if $place eq 'if_in_server';
    return (location => $lines) if $place eq 'location';
    return (location => "limit_except GET { $lines }")
        if $place eq 'limit_except';
    return (location => "if (\$arg_x) { $lines }");
}

for my $name (sort keys %directives) {
    my ($line, @places) = @{ $directives{$name} };
    my %may = map { $_ => 1 } @places;

    for my $place (@all) {
        if ($may{$place}) {
            accepted("$name in $place", in_place($place, $line));
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
        qr/invalid number of arguments/, in_place($places[0], "$name;"));
    refused("$name with one too many", $name, undef,
        qr/invalid number of arguments/,
        in_place($places[0], $line =~ s/;/ again;/r))
        unless $name =~ /_(?:store|key|require|partner_scope)$/;
}


# Values: [directive, value, what is accepted, place, [line]]; the value is
# quoted as it is.

my $times = qr/accepted is a time of "1s" to "3650d"/;
my $words = qr/accepted is words of RFC 6749, section 3\.3, other than/;
my $word = qr/accepted is one word of RFC 6749, section 3\.3/;
my $text = qr/accepted is UTF-8 text without control characters, not empty/;
my $flag = qr/it must be "on" or "off"/;
my $long = 'x' x 512;

my @values = (
    (map { ['auth_gateway_error_format', $_,
        qr/accepted is "oauth2" or "thred"/, 'location'] }
        qw(layer OAuth2 THRED json on off $x), '', 'oauth2 '),
    (map { ['auth_gateway_intercept_errors', $_, $flag, 'server'] }
        qw(yes no true 1 onn $x), ''),
    (map { ['auth_gateway_pass_preflight', $_, $flag, 'location'] }
        qw(yes 0 off_ $x)),
    (map { ['auth_gateway_strict_path', $_, $flag, 'http'] }
        qw(yes 0 off_ $x)),
    (map { ['auth_gateway_require_https', $_,
        qr/accepted is "on", "off" or a variable/, 'http'] }
        qw(yes On OFF https 1 off_), ''),
    (map { ['auth_gateway_require', $_,
        qr/accepted is one of "off", "partner" and "business"/,
        'location'] } qw(on Off PARTNER businesses owner any $x), ''),
    (map { ['auth_gateway_require', (split / /, $_)[1],
        qr/accepted is one of "off", "partner" and "business"/, 'location',
        "auth_gateway_require $_;"] } 'partner business', 'off partner',
        'business owner', 'owner business', 'partner partner'),
    (map { ['auth_gateway_token', $_,
        qr/accepted is "partner" or "business"/, 'location'] }
        qw(Partner both token owner $x), ''),
    (map { ['auth_gateway_leeway', $_,
        qr/accepted is a time of at most "60s"/, 'http'] }
        qw(61s 61 2m 1h 1d -1 1.5s 5x 5000ms 99999999999999999999), ''),
    (map { my $name = $_; map { ["auth_gateway_${name}_lifetime", $_, $times,
        'http'] } qw(0 0s 0d -1 1.5h 5x 500ms 3651d 11y
            99999999999999999999 s $x), '' }
        qw(max partner business)),
    (map { my $name = $_; map { ["auth_gateway_$name", $_, $text,
        'server'] } '', "a\tb", "a\x01b", "a\x7fb", "\xff", "a\xc0\xafb" }
        qw(issuer audience)),
    (map { ['auth_gateway_realm', $_, qr/accepted is printable ASCII/,
        'server'] } '', "a\tb", "a\x7f", "\xc3\xa9"),
    (map { ['auth_gateway_scope', $_, $word, 'location'] }
        '', 'a b', ' a', "a\tb", "\xc3\xa9", "a\x7f"),
    (map { ['auth_gateway_partner_scope', $_, $words, 'location'] }
        '', 'a b', 'business_access', "a\tb", "\xc3\xa9"),
    ['auth_gateway_partner_scope', 'business_access', $words, 'server',
        'auth_gateway_partner_scope a b business_access c;'],
    ['auth_gateway_partner_scope', undef, qr/accepted are 1024 bytes/,
        'server', "auth_gateway_partner_scope $long $long;"],
    (map { ['auth_gateway_business_path', $_,
        qr{accepted is a path such as "/v1/businesses/<business_id>"},
        'server'] } '', '/', '/v1', '<business_id>', 'v1/<business_id>',
        '/v1/<business_id', '/v1/business_id>', '/v1/<business_id>>',
        '/<business_id>/<business_id>', '/v1/a<business_id>', '/v1/<id>',
        '/v1/<business_id>-x', '/v1//<business_id>', '//<business_id>',
        '/v1/./<business_id>', '/v1/<business_id>/..', '/v1/<business_id>/.',
        '/v1/<business_id>//', '/v1/%41/<business_id>', '/v1 /<business_id>',
        "/v1/\xc3\xa9/<business_id>", '/v1/<business_id>?x=y',
        '/v1/<business_id>#x', '/v1/$x/<business_id>', "/a\tb/<business_id>",
        '/v1/<Business_id>'),
    ['auth_gateway_store', 'sqlite:', qr/accepted is "sqlite:<path>"/,
        'http'],
    (map { ['auth_gateway_store', $_ =~ s/:.*//r,
        qr/accepted is "sqlite:<path>"/, 'http',
        "auth_gateway_store $_;"] } qw(sqlite SQLite:/x sqlite3:/x /x
        redis://localhost redis:unix:/x postgres://x :x)),
    ['auth_gateway_store', '/x', qr/"sqlite:<path>" takes none/, 'http',
        'auth_gateway_store sqlite:%%STORE%%/gateway.db /x;'],
);

for (@values) {
    my ($name, $value, $accepted, $place, $line) = @$_;
    my $shown = defined $line && length $line < 70 ? $line
        : "$name '" . substr($value // '', 0, 40) . "'";

    $shown =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
    $line //= "$name '$value';";

    my %part = in_place($place, $line);

    $part{key} = '' if $name eq 'auth_gateway_key';
    $part{location} .= $template
        if $place eq 'location' && $name eq 'auth_gateway_require';
    refused($shown, $name, defined $value ? "\"$value\"" : undef, $accepted,
        %part);
}

# and those that are taken

for ('auth_gateway_error_format oauth2;', 'auth_gateway_error_format thred;',
    'auth_gateway_intercept_errors on;', 'auth_gateway_intercept_errors off;',
    'auth_gateway_leeway 60s;', 'auth_gateway_leeway 1m;',
    'auth_gateway_leeway 0;', 'auth_gateway_max_lifetime 3650d;',
    'auth_gateway_max_lifetime 1s;', 'auth_gateway_require_https $scheme;',
    'auth_gateway_issuer "a b \xc3\xa9";', 'auth_gateway_realm "a, b";',
    'auth_gateway_scope https://a.example/b;',
    'auth_gateway_partner_scope ' . 'x' x 1024 . ';',
    'auth_gateway_business_path /<business_id>;',
    'auth_gateway_business_path /a.b/~c-d_e/<business_id>/f;')
{
    accepted(substr($_, 0, 60), http => $_, location => $token);
}

like((check(http => 'auth_gateway_require_https $nosuch;'))[1],
    qr/\[emerg\].*unknown "nosuch" variable/,
    'D3 refused: require_https with a variable that is not there');


# lifetimes are compared where they meet

for (['http', http => 'auth_gateway_partner_lifetime 2h;'],
    ['server', server => 'auth_gateway_partner_lifetime 2h;'],
    ['location', location => "$token auth_gateway_partner_lifetime 2h;"])
{
    my ($place, %part) = @$_;

    $part{http} .= ' auth_gateway_max_lifetime 1h;';
    refused("a lifetime over max_lifetime, in $place",
        'auth_gateway_partner_lifetime', '7200',
        qr/accepted is at most "3600s"/, %part);
}

accepted('a default lifetime gives way to max_lifetime',
    http => 'auth_gateway_max_lifetime 1m;', location => $token);


# keys

for (['alg=none', 'none', qr/HS256/], ['alg=hs256', 'hs256', qr/HS256/],
    ['alg=HS1024', 'HS1024', qr/HS256/], ['alg=', 'alg=', qr/accepted are/],
    ['kid=', 'kid=', qr/accepted are/], ['kid', 'kid', qr/accepted are/],
    ['sign', 'sign', qr/accepted are/], ['Verify', 'Verify', qr/"verify"/],
    ['verify=on', 'verify=on', qr/accepted are/],
    ["'kid=a b'", 'a b', qr/1 to 256 printable/],
    ["'kid=a\"b'", 'a"b', qr/1 to 256 printable/],
    ["'kid=a\tb'", "a\tb", qr/1 to 256 printable/],
    ["kid=\xc3\xa9", "\xc3\xa9", qr/1 to 256 printable/],
    ['kid=' . 'k' x 257, 'k' x 257, qr/1 to 256 printable/],
    ['alg=HS256 alg=HS384', 'alg=HS384', qr/each once/],
    ['kid=a kid=b', 'kid=b', qr/each once/],
    ['verify verify', 'verify', qr/each once/])
{
    my ($words, $value, $accepted) = @$_;

    refused('key with ' . substr($words, 0, 40)
        =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger, 'auth_gateway_key',
        "\"$value\"", $accepted, location => "$guard $proxy",
        key => "auth_gateway_key %%PREFIX%%/s48.key $words;");
}

spew("$prefix/s63.key", substr(random_hex(32), 1), 0600);
spew("$prefix/s64.key", random_hex(32), 0600);

refused('63 bytes for HS512', 'auth_gateway_key', 's63.key', qr/64 for HS512/,
    key => 'auth_gateway_key %%PREFIX%%/s63.key alg=HS512;',
    location => "$guard $proxy");
refused('a file that is too long', 'auth_gateway_key', 'huge.key', qr/65536/,
    key => 'auth_gateway_key %%PREFIX%%/huge.key;');
refused('the same secret twice, both of its own name', 'auth_gateway_key',
    's48.key', qr/same kid/, key => 'auth_gateway_key %%PREFIX%%/s48.key;'
    . ' auth_gateway_key %%PREFIX%%/s48.key verify;');
refused('two keys of a server with one kid', 'auth_gateway_key', 'a',
    qr/same kid/, server => 'auth_gateway_key %%PREFIX%%/s48.key kid=a;'
    . ' auth_gateway_key %%PREFIX%%/s32.key kid=a;');
refused('a server whose own keys only verify', 'auth_gateway_token', undef,
    qr/"auth_gateway_key" without "verify"/, location => $token,
    server => 'auth_gateway_key %%PREFIX%%/s48.key verify;');

for (['s32', 'HS256'], ['s48', 'HS384'], ['s64', 'HS512'],
    ['s64', 'HS256'])
{
    accepted("$_->[0] as $_->[1]", location => "$guard $proxy",
        key => "auth_gateway_key %%PREFIX%%/$_->[0].key alg=$_->[1];");
}

accepted('a kid of 256 characters', location => "$guard $proxy",
    key => 'auth_gateway_key %%PREFIX%%/s48.key kid=' . 'k' x 256 . ';');
accepted('a key beside nginx.conf', location => "$guard $proxy",
    key => 'auth_gateway_key s48.key;');

for my $file (qw(short pem bom jwk array ssh der)) {
    my $secret = slurp("$prefix/$file.key");
    my (undef, $said) = check(location => "$guard $proxy",
        key => "auth_gateway_key %%PREFIX%%/$file.key;");

    is(index($said, substr $secret, 0, 16), -1,
        "D3 no byte of $file.key is shown") if $file ne 'pem'
        && $file ne 'bom' && $file ne 'ssh';
    unlike($said, qr/A{16}/, "D3 no part of $file.key is shown");
}


# a password is shown in no message

for ('redis://user:s3cr3t@host', 'redis://user:s3cr3t@host:6379/0',
    'redis://:s3cr3t@host', 'rediss://user:s3cr3t@host',
    'redis:s3cr3t@host', 'redis://host password=s3cr3t',
    'redis://host password_file=%%PREFIX%%/s3cr3t',
    'redis://user:s3cr3t@host password_file=/x', 'mysql://me:s3cr3t@host',
    'sqlite:%%STORE%%/gateway.db password=s3cr3t')
{
    my ($code, $said) = check(store => "auth_gateway_store $_;",
        location => $token);

    is($code, 1, "D3 refused: store $_");
    like($said, qr/\[emerg\].*auth_gateway_store/, 'D3 it is named');
    unlike($said, qr/s3cr3t/, 'D3 and its password is not');
}


# answering locations: whoever else would answer, wherever it stands

for my $other ('proxy_pass http://127.0.0.1:9;', 'fastcgi_pass 127.0.0.1:9;',
    'grpc_pass 127.0.0.1:9;', 'uwsgi_pass 127.0.0.1:9;',
    'scgi_pass 127.0.0.1:9;', 'memcached_pass 127.0.0.1:9;')
{
    my %places = (
        'before' => "$token $other",
        'behind' => "$other $token",
        'in an if behind' => "$token if (\$arg_x) { $other }",
        'in an if before' => "if (\$arg_x) { $other } $token",
        'in limit_except behind' => "$token limit_except POST { $other }",
        'in limit_except before' => "limit_except POST { $other } $token",
    );

    # nginx itself has the others in no limit_except

    for my $place (sort keys %places) {
        next if $place =~ /limit_except/ && $other !~ /^proxy_pass/;

        refused("$other and answering, $place",
            'auth_gateway_token', undef, qr/accepted is a location without/,
            location => $places{$place});
    }
}

for my $other ('empty_gif;', 'stub_status;') {
    for my $line ("$token $other", "$other $token") {
        refused("answering beside another: $line", 'auth_gateway_token',
            undef, qr/accepted is a location without/, location => $line);
    }
}

for my $require ('off', 'partner', 'business') {
    for ("$token auth_gateway_require $require;",
        "auth_gateway_require $require; $token",
        "$token limit_except POST { auth_gateway_require $require; }",
        "limit_except POST { auth_gateway_require $require; } $token")
    {
        refused("answering beside a requirement: $_", 'auth_gateway_token',
            undef, qr/"auth_gateway_require", accepted is one of them/,
            location => "$template $_");
    }
}

for my $kind ('partner', 'business') {
    my $line = "auth_gateway_token $kind;";

    for (['return', 'return 403;'], ['return in an if',
            'if ($arg_x) { return 403; }'],
        ['set in an if', 'if ($arg_x) { set $x 1; }'],
        ['rewrite', 'rewrite ^/x /y;'], ['limit_except',
            'limit_except POST { deny all; }'],
        ['a scope in limit_except',
            'limit_except POST { auth_gateway_scope read; }'],
        ['root', 'root /nonexistent;'], ['try_files', 'try_files $uri =404;'],
        ['mirror', 'mirror /mirror;'], ['auth_basic', 'auth_basic x;'],
        ['satisfy', 'satisfy any; deny all;'], ['internal', 'internal;'],
        ['a nested location', 'location /v1/businesses/x/ {'
            . " auth_gateway_require partner; $proxy }"],
        ['a nested answering one', 'location /v1/businesses/y/ {'
            . ' auth_gateway_token partner; }'])
    {
        accepted("answering, $kind, beside $_->[0]",
            location => "$template $line $_->[1]");
        accepted("answering, $kind, behind $_->[0]",
            location => "$template $_->[1] $line");
    }
}

for (['regex', '~ ^/token/?$'], ['exact', '= /token'],
    ['named', '@token'], ['nested', '/v1/ { location /v1/token'])
{
    my ($name, $location) = @$_;

    accepted("answering in a location, $name", server => "location $location"
        . " { $token }" . ($location =~ /\{/ ? ' }' : ''));
}

refused('a nested location is guarded, and has no template',
    'auth_gateway_require', undef, qr/needs an "auth_gateway_business_path"/,
    server => 'auth_gateway_require business;', location => "$template"
    . ' return 404; } location /x/ { location /x/y/ { return 404; }');


# what a requirement needs, in limit_except too

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
    'auth_gateway_strict_path', 'off', qr/accepted there is "on"/,
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
    key => '', server => 'auth_gateway_key %%PREFIX%%/s32.key kid=a;'
    . ' auth_gateway_issuer x; auth_gateway_audience y; } server {'
    . ' listen 127.0.0.1:%%PORT%%; auth_gateway_issuer z;'
    . ' auth_gateway_key %%PREFIX%%/s48.key kid=a;',
    location => "$guard $proxy");

done_testing();
