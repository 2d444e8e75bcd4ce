# D3: the values that nginx -t refuses, quoting each and saying what is
# accepted, and those that it takes: templates, times, words and the others.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Config qw(accepted check configuration in_place refused $guard $proxy
    $template $token);

configuration();

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

# Values: [directive, value, what is accepted, place, [line]]; the value is
# quoted as it is.

my $times = qr/it must be a time of "1s" to "3650d"/;
my $words = qr/it must be words of RFC 6749, section 3\.3, other than/;
my $word = qr{it must be words of RFC 6749, section 3\.3};
my $text = qr/it must be UTF-8 text without control characters, not empty/;
my $flag = qr/it must be "on" or "off"/;
my $long = 'x' x 512;
my $kinds = qr/it must be "off", "partner", "business", "owner" or "business o/;

my @values = (
    (map { ['auth_gateway_error_format', $_,
        qr/it must be "oauth2", "thred" or "layer"/, 'location'] }
        qw(Layer layers OAuth2 THRED json on off $x), '', 'oauth2 '),
    (map { ['auth_gateway_intercept_errors', $_, $flag, 'server'] }
        qw(yes no true 1 onn $x), ''),
    (map { ['auth_gateway_pass_preflight', $_, $flag, 'location'] }
        qw(yes 0 off_ $x)),
    (map { ['auth_gateway_report', $_, $flag, 'http'] }
        qw(yes 1 all ON_ $x), ''),
    (map { ['auth_gateway_strict_path', $_, $flag, 'http'] }
        qw(yes 0 off_ $x)),
    (map { ['auth_gateway_require_https', $_,
        qr/it must be "on", "off" or a variable/, 'http'] }
        qw(yes On OFF https 1 off_), ''),
    (map { ['auth_gateway_client_auth', $_,
        qr/it must be "basic", "post", "private_key_jwt" and "tls", each o/,
        'server'] } qw(off Basic PRIVATE_KEY_JWT none $x), ''),
    ['auth_gateway_client_auth', 'tls', qr/each once/, 'server',
        'auth_gateway_client_auth tls post tls;'],
    (map { ['auth_gateway_bind_tokens', $_,
        qr/it must be "off" or "certificate"/, 'server'] }
        qw(on Off CERTIFICATE certificates dpop $x), ''),
    (map { ['auth_gateway_client_certificate', $_,
        qr/it must be a variable/, 'server'] }
        qw(off http_client_cert $1 x$http_x $http_x-$http_y), ''),
    (map { ['auth_gateway_enforce', $_,
        qr/it must be "on", "log" or a variable/, 'http'] }
        qw(yes On Log LOG off 1 logs log$x $1), ''),
    (map { ['auth_gateway_require', $_,
        $kinds, 'location'] }
        qw(on Off PARTNER businesses Owner owners any $x), ''),
    (map { ['auth_gateway_require', (split / /, $_)[0], $kinds, 'location',
        "auth_gateway_require $_;"] } 'partner business', 'off partner',
        'partner partner', 'partner owner', 'off owner', 'off off',
        'partner business owner'),
    (map { ['auth_gateway_require', (split / /, $_)[-1], $kinds, 'location',
        "auth_gateway_require $_;"] } 'business partner', 'owner partner',
        'business off', 'owner off', 'owner owner', 'business business',
        'business owner business', 'owner business owner',
        'business owner partner'),
    (map { ['auth_gateway_token', $_,
        qr/it must be "partner" or "business"/, 'location'] }
        qw(Partner both token owner $x), ''),
    (map { ['auth_gateway_token_type', $_,
        qr/it must be "JWT" or "at\+jwt"/, 'http'] }
        qw(jwt AT+JWT at+JWT application/at+jwt both $x), ''),
    (map { ['auth_gateway_leeway', $_,
        qr/it must be a time of at most "60s"/, 'http'] }
        qw(61s 61 2m 1h 1d -1 1.5s 5x 5000ms 99999999999999999999), ''),
    (map { my $name = $_; map { ["auth_gateway_${name}_lifetime", $_, $times,
        'http'] } qw(0 0s 0d -1 1.5h 5x 500ms 3651d 11y
            99999999999999999999 s $x), '' }
        qw(max partner business)),
    # one variable, and nothing beside it (the story: $scheme$host was taken,
    # and nothing was secure)

    (map { ['auth_gateway_require_https', $_,
        qr/it must be "on", "off" or a variable/, 'server'] }
        '$scheme$host', '${scheme}${host}', '$scheme${host}', 'x$scheme',
        '$scheme/', '$scheme-x', '${scheme}s', '$scheme ', ' $scheme',
        'on$scheme', '$scheme off', '$', '$$', '${}', '$-', '$$scheme',
        '${scheme', '$scheme}', '$1', '${1}', '$9x', '$scheme.',
        "\$scheme\xc3\xa9", 'off$empty'),
    (map { my $name = $_; map { ["auth_gateway_$name", $_,
        qr/it must be text without variables/, 'server'] } '$host',
        'https://$host', 'a ${host} b', '$1', '$_x' }
        qw(issuer audience realm)),
    (map { my $name = $_; map { ["auth_gateway_$name", $_,
        qr/must be text without variables/, 'location'] } '$scope',
        'a$scope', 'a:${b}' } qw(scope partner_scope business_scope)),
    (map { my $name = $_; map { ["auth_gateway_$name", $_, $text,
        'server'] } '', "a\tb", "a\x01b", "a\x7fb", "\xff", "a\xc0\xafb" }
        qw(issuer audience)),
    (map { ['auth_gateway_realm', $_, qr/it must be printable ASCII/,
        'server'] } '', "a\tb", "a\x7f", "\xc3\xa9"),
    (map { ['auth_gateway_scope', $_, $word, 'location'] }
        '', 'a b', ' a', "a\tb", "\xc3\xa9", "a\x7f"),
    (map { my $name = $_; ((map { [$name, $_, $words, 'location'] }
        '', 'a b', 'business_access', "a\tb", "\xc3\xa9"),
        [$name, 'business_access', $words, 'server',
            "$name a b business_access c;"]) }
        qw(auth_gateway_partner_scope auth_gateway_business_scope)),
    (map { ["auth_gateway_$_", undef, qr/it must be at most 10\d\d bytes/,
        'server', "auth_gateway_$_ $long $long;"],
        ["auth_gateway_$_", 'b', qr/it must be words that differ/,
        'server', "auth_gateway_$_ a b c b;"] }
        qw(scope partner_scope business_scope)),
    ['auth_gateway_business_scope', undef, qr/it must be at most 1008 bytes/,
        'server', 'auth_gateway_business_scope ' . 'x' x 1009 . ';'],
    (map { ['auth_gateway_business_path', $_,
        qr{it must be a path such as "/v1/businesses/<business_id>"},
        'server'] } '', '/', '/v1', '<business_id>', 'v1/<business_id>',
        '/v1/<business_id', '/v1/business_id>', '/v1/<business_id>>',
        '/<business_id>/<business_id>', '/v1/a<business_id>', '/v1/<id>',
        '/v1/<business_id>-x', '/v1//<business_id>', '//<business_id>',
        '/v1/./<business_id>', '/v1/<business_id>/..', '/v1/<business_id>/.',
        '/v1/<business_id>//', '/v1/%41/<business_id>', '/v1 /<business_id>',
        "/v1/\xc3\xa9/<business_id>", '/v1/<business_id>?x=y',
        '/v1/<business_id>#x', '/v1/$x/<business_id>', "/a\tb/<business_id>",
        '/v1/<Business_id>'),
    ['auth_gateway_store', 'sqlite:', qr/it must be "sqlite:<path>"/,
        'http'],
    (map { ['auth_gateway_store', $_ =~ s/:.*//r,
        qr/it must be "sqlite:<path>"/, 'http',
        "auth_gateway_store $_;"] } qw(sqlite SQLite:/x sqlite3:/x /x
        redis Redis://localhost postgres://x :x)),
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
    'auth_gateway_error_format layer;',
    'auth_gateway_partner_scope https://api.example.com/sandbox;',
    'auth_gateway_intercept_errors on;', 'auth_gateway_intercept_errors off;',
    'auth_gateway_leeway 60s;', 'auth_gateway_leeway 1m;',
    'auth_gateway_leeway 0;', 'auth_gateway_max_lifetime 3650d;',
    'auth_gateway_require_https ${scheme};',
    'auth_gateway_require_https "$https";',
    'auth_gateway_require_https $http_x_forwarded_proto;',
    'auth_gateway_client_auth tls;', 'auth_gateway_client_auth tls basic;',
    'auth_gateway_client_auth basic post tls;',
    'auth_gateway_bind_tokens off;',
    'auth_gateway_client_certificate $ssl_client_raw_cert;',
    'auth_gateway_client_certificate ${http_client_cert};',
    'auth_gateway_require_https $arg_1;', 'auth_gateway_realm "US$ 5 $";',
    'auth_gateway_issuer "a$";', 'auth_gateway_audience "a$-$.";',
    'auth_gateway_max_lifetime 1s;', 'auth_gateway_require_https $scheme;',
    'auth_gateway_issuer "a b \xc3\xa9";', 'auth_gateway_realm "a, b";',
    'auth_gateway_scope https://a.example/b;',
    'auth_gateway_partner_scope ' . 'x' x 1024 . ';',
    'auth_gateway_business_scope ' . 'x' x 1008 . ';',
    'auth_gateway_scope business_access read write;',
    'auth_gateway_token_type JWT;',
    'auth_gateway_token_type at+jwt; auth_gateway_issuer x;'
        . ' auth_gateway_audience y;',
    'auth_gateway_business_path /<business_id>;',
    'auth_gateway_business_path /a.b/~c-d_e/<business_id>/f;')
{
    accepted(substr($_, 0, 60), http => $_, location => $token);
}

accepted("require $_",
    location => "auth_gateway_require $_; $template $proxy")
    for 'off', 'business', 'owner', 'business owner', 'owner business';

# what private_key_jwt needs

refused('private_key_jwt without an issuer', 'auth_gateway_token', undef,
    qr/needs an "auth_gateway_issuer" for "private_key_jwt"/,
    location => "$token auth_gateway_client_auth private_key_jwt;");
accepted('private_key_jwt with one', http => 'auth_gateway_issuer https://x;',
    location => "$token auth_gateway_client_auth private_key_jwt;");

# what owner needs

for my $require ('owner', 'business owner', 'owner business') {
    refused("$require without a store", 'auth_gateway_require', undef,
        qr/needs an "auth_gateway_store"/, store => '',
        location => "auth_gateway_require $require; $template $proxy");
    refused("$require without a template", 'auth_gateway_require', undef,
        qr/needs an "auth_gateway_business_path"/,
        location => "auth_gateway_require $require; $proxy");
    refused("$require without a key", 'auth_gateway_require', undef,
        qr/needs an "auth_gateway_key"/, key => '',
        location => "auth_gateway_require $require; $template $proxy");
    refused("$require without a store, inherited", 'auth_gateway_require',
        undef, qr/needs an "auth_gateway_store"/, store => '',
        server => "auth_gateway_require $require; $template",
        location => $proxy);
    refused("$require without a store, in limit_except",
        'auth_gateway_require', undef, qr/needs an "auth_gateway_store"/,
        store => '', location => "$template limit_except GET {"
        . " auth_gateway_require $require; } $proxy");
}

accepted('business without a store', store => '',
    location => "auth_gateway_require business; $template $proxy");

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
        qr/it must be at most "3600s"/, %part);
}

accepted('a default lifetime gives way to max_lifetime',
    http => 'auth_gateway_max_lifetime 1m;', location => $token);

done_testing();
