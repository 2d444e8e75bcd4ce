# P7.1, P7.2, D3: what nginx -t refuses and takes of auth_gateway_jwks
# and auth_gateway_metadata: values, places, and what stands beside them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Config qw(accepted check configuration refused $proxy);

configuration(path => '/.well-known/oauth-authorization-server');

my $jwks = 'auth_gateway_jwks;';
my $metadata = 'auth_gateway_metadata token=/t;';
my $issuer = 'auth_gateway_issuer https://api.example;';

# what they need

refused('a JWK Set without keys', 'auth_gateway_jwks', undef,
    qr/needs an "auth_gateway_key"/, key => '', location => $jwks);
accepted('a JWK Set without a store', store => '', location => $jwks);
accepted('a JWK Set of keys that verify alone', location => $jwks,
    key => 'auth_gateway_key %%PREFIX%%/s32.key alg=HS256 verify;');
accepted('metadata without a store and keys', store => '', key => '',
    http => $issuer, location => $metadata);
accepted('metadata, the issuer of the server', server => $issuer,
    location => $metadata);

{
    my (undef, $said) = check(location => $jwks, http => $issuer);

    like($said, qr/\[warn\].*"auth_gateway_jwks" has no key to publish/,
        'P7.1 nothing to publish is warned of');
}

# the issuer: RFC 8414, section 2

refused('metadata without an issuer', 'auth_gateway_metadata', undef,
    qr/it must be one such as "https:/, location => $metadata);

for ('http://api.example', 'HTTPS://api.example', 'api.example',
    'https:api.example', 'https:/api.example', 'https://', 'https:///x',
    'https://api.example?x', 'https://api.example/?x=1',
    '"https://api.example/#x"', '"https://api.example#"',
    'https://me@api.example', '"https://api.example/a b"',
    "https://api.\xc3\xa9", 'ftp://api.example', 'urn:api',
    ' "https://api.example/<x>"', '"https://api.example\\\\x"')
{
    my $value = s/^ ?"(.*)"$/$1/r =~ s/\\\\/\\/r;

    refused("metadata of $_", 'auth_gateway_metadata', $value,
        qr/it must be one such as "https:.*without query and fragment/,
        http => "auth_gateway_issuer $_;", location => $metadata);
}

accepted("metadata of $_", http => "auth_gateway_issuer $_;",
    location => $metadata) for 'https://api.example', 'https://a',
    'https://api.example:8443', 'https://api.example/',
    'https://api.example/books/2', 'https://[::1]:8443',
    'https://192.0.2.1', 'https://api.example/%7ex';

# the parameters

my $paths = qr/"token=<path>", "jwks=<path>".*each once/;

refused('metadata without token=', 'auth_gateway_metadata', undef,
    qr/needs "token=<path>"/, http => $issuer,
    location => 'auth_gateway_metadata jwks=/jwks;');
refused('metadata without parameters', 'auth_gateway_metadata', undef,
    qr/invalid number of arguments/, http => $issuer,
    location => 'auth_gateway_metadata;');
refused('a JWK Set with a parameter', 'auth_gateway_jwks', undef,
    qr/invalid number of arguments/, location => 'auth_gateway_jwks on;');

for my $name (qw(token jwks revoke introspect)) {
    my $first = $name eq 'token' ? '' : 'token=/t ';

    for ('', 'x', 'oauth2/token', '//host', '//host/path', '//',
        'https://other.example/token', '?x', '/a?b', '"/a#b"', '"/a b"',
        '"/a\\"b"', '"/a\\\\b"', '/a<b>', "/\xc3\xa9", '"/a{b}"',
        '"/a|b"', '/a^b', '"/a\tb"', '/$host', '"/a/${x}"')
    {
        my $quoted = s/^"(.*)"$/$1/r;
        my $text = /^"/ ? "\"$name=$quoted\"" : "$name=$_";

        refused("metadata with $text", 'auth_gateway_metadata',
            "$name=" . ($quoted =~ s/\\([\\"])/$1/gr =~ s/\\t/\t/r),
            $paths, http => $issuer,
            location => "auth_gateway_metadata $first$text;");
    }

    accepted("metadata with $name=$_", http => $issuer,
        location => "auth_gateway_metadata $first$name=$_;")
        for '/', '/a', '/a/b/', '/a//b', "/~a-b_c.d!*'()\@:&=+,", '/%7e',
            '/v1/platform/oauth2/token/';
    refused("metadata with $name= twice", 'auth_gateway_metadata',
        "$name=/b", $paths, http => $issuer,
        location => "auth_gateway_metadata $first$name=/a $name=/b;");
    refused("metadata with $name=, of another case",
        'auth_gateway_metadata', uc($name) . '=/a', $paths,
        http => $issuer, location => "auth_gateway_metadata token=/t "
        . uc($name) . '=/a;');
}

refused("metadata with $_", 'auth_gateway_metadata', $_, $paths,
    http => $issuer, location => "auth_gateway_metadata token=/t $_;")
    for 'tokens=/t', 'token', '=/t', '/t', 'userinfo=/u', 'register=/r';

# the metadata of the guarded paths: RFC 9728

my $guarded = 'auth_gateway_resource_metadata;';

for (['none', ''], map { [$_, "auth_gateway_issuer $_;"] }
    'http://api.example', 'api', 'https://api.example?x')
{
    refused("P8a.2 resource metadata, the issuer $_->[0]",
        'auth_gateway_resource_metadata', undef,
        qr/it must be one such as "https:.*without query and fragment/,
        http => $_->[1], location => $guarded);
}

for ('= /.well-known/oauth-protected-resource',
    '/.well-known/oauth-protected-resource', '= /elsewhere',
    '= /.well-known/oauth-protected-resource/books')
{
    my $there = /resource$/ ? 1 : 0;
    my ($code, $said) = check(server => "auth_gateway_issuer"
        . " https://api.example/books; location $_ { $guarded }");

    my $warned = $said
        =~ m{look for it: "/\.well-known/oauth-protected-resource"};

    is($code, 0, "P8a.2 $_ is accepted");
    is($warned ? 1 : 0, 1 - $there,
        'P8a.2 and nginx warns about another place');
}

refused('P8a.2 a place with a quote', 'auth_gateway_resource_metadata',
    undef, qr/printable ASCII without quotes and backslashes/,
    server => "auth_gateway_issuer https://api.example;"
    . " location '/a\"b' { $guarded }");
refused('P8a.2 beside another handler', 'auth_gateway_resource_metadata',
    undef, undef, http => $issuer, location => "$guarded $proxy");

# where clients look for it: RFC 8414, section 3.1

{
    my $known = '/.well-known/oauth-authorization-server';
    my $warns = qr/\[warn\].*is not where clients look for it: "(\S+)"/;

    for (['https://api.example', $known], ['https://api.example/', $known],
        ['https://api.example/books', "$known/books"],
        ['https://api.example/books/', "$known/books"],
        ['https://api.example:8443/a/b', "$known/a/b"])
    {
        my ($iss, $path) = @$_;

        for my $location ("= $path", $path, "^~ $path") {
            my ($code, $said) = check(server => "auth_gateway_issuer $iss;"
                . "location $location/x { return 404; }"
                . "location = /elsewhere { $metadata }");

            is($code, 0, "P7.2 $iss, elsewhere, is accepted");
            is(($said =~ $warns)[0], $path, "P7.2 $iss, and warned of");

            last if $path eq $known;

            ($code, $said) = check(server => "auth_gateway_issuer $iss;"
                . "location $location { $metadata }");
            is($code, 0, "P7.2 $iss, in $location, is accepted");
            unlike($said, $warns, "P7.2 $iss, in $location, no warning");
        }
    }

    my (undef, $said) = check(http => $issuer, location => $metadata);

    unlike($said, $warns, 'P7.2 no warning in its place');
    (undef, $said) = check(http => $issuer,
        server => "location ~ ^$known/?\$ { $metadata }");
    unlike($said, $warns, 'P7.2 nor of a regular expression');
}

# who else answers: as for token locations

for my $line ($jwks, $metadata) {
    my ($name) = $line =~ /^(\w+)/;
    my $elsewhere = qr/it must be in a location without/;

    for my $other ('proxy_pass http://127.0.0.1:9;',
        'fastcgi_pass 127.0.0.1:9;', 'stub_status;')
    {
        refused("$name beside $other", $name, undef, $elsewhere,
            http => $issuer, location => $_) for "$line $other",
            "$other $line";
    }

    refused("$name beside $_", $name, undef, $elsewhere, http => $issuer,
        location => $_) for "$line if (\$arg_x) { $proxy }",
        "if (\$arg_x) { $proxy } $line",
        "$line limit_except POST { $proxy }";
    refused("$name twice", $name, undef, qr/is duplicate/,
        http => $issuer, location => "$line $line");
    refused("$name beside a token", $name, undef,
        $elsewhere, http => $issuer,
        location => "auth_gateway_token partner; $line");
    refused("a token beside $name", 'auth_gateway_token', undef,
        $elsewhere, http => $issuer,
        location => "$line auth_gateway_token partner;");

    for my $require (qw(off partner)) {
        refused("$name beside a requirement", $name, undef,
            qr/"auth_gateway_require", there must be one of them/,
            http => $issuer, location => $_)
            for "$line auth_gateway_require $require;",
                "auth_gateway_require $require; $line",
                "$line limit_except GET { auth_gateway_require $require; }";
    }

    accepted("$name beside $_", http => $issuer, location => "$line $_")
        for 'return 403;', 'if ($arg_x) { return 403; }',
            'if ($arg_x) { set $x 1; }', 'limit_except GET { deny all; }',
            'satisfy any; deny all;', 'auth_basic x;', 'internal;',
            'auth_gateway_require_https off;', 'expires 1h;',
            'auth_gateway_strict_path off;',
            "location /.well-known/oauth-authorization-server/x { $line }";
    accepted("$name in a guarded server", http => $issuer, server =>
        'auth_gateway_require business;'
        . ' auth_gateway_business_path /v1/businesses/<business_id>;',
        location => $line);
}

refused('both documents in one location', 'auth_gateway_metadata', undef,
    qr/it must be in a location without/, http => $issuer,
    location => "$jwks $metadata");

done_testing();
