# D3: locations that answer themselves.  nginx -t refuses one where
# somebody else would answer as well, or that is guarded; what else stands
# beside it is taken.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Config qw(accepted check configuration refused $proxy $template
    $token);
use AGW::Skip qw(skip_for);

configuration();

# each of the mistakes

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

for (['no issuer and no audience', ''],
    ['no issuer', 'auth_gateway_audience x;'],
    ['no audience', 'auth_gateway_issuer x;'])
{
    refused("P8a.1 at+jwt with $_->[0]", 'auth_gateway_token', undef,
        qr/needs an "auth_gateway_issuer" and an "auth_gateway_audience"/,
        http => "auth_gateway_token_type at+jwt; $_->[1]",
        location => 'auth_gateway_token partner;');
}

accepted('P8a.1 at+jwt with them in the server',
    http => 'auth_gateway_token_type at+jwt;',
    server => 'auth_gateway_issuer x; auth_gateway_audience x;',
    location => 'auth_gateway_token partner;');
accepted('P8a.1 at+jwt, and no endpoint that issues',
    http => 'auth_gateway_token_type at+jwt;',
    location => 'auth_gateway_introspect;');

refused('auth_gateway_token in a server', 'auth_gateway_token', undef,
    qr/not allowed/, server => $token);

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
            'auth_gateway_token', undef, qr/it must be in a location without/,
            location => $places{$place});
    }
}

for my $other ('empty_gif;', 'stub_status;', 'flv;', 'mp4;') {
    for my $line ("$token $other", "$other $token") {
        refused("answering beside another: $line", 'auth_gateway_token',
            undef, qr/it must be in a location without/, location => $line);
    }
}

# modules of other packages; some set their handler after us

for (['echo', 'echo x;'], ['js', 'js_content x.y;'],
    ['perl', 'perl "sub { return 0; }";'], ['nchan', 'nchan_publisher;'])
{
    my ($name, $other) = @$_;
    my ($file) = grep { -f } map { ("$_/ngx_http_${name}_module.so",
        "$_/ngx_${name}_module.so") } '/usr/lib/nginx/modules',
        '/usr/share/nginx/modules';

    SKIP: {
        skip_for('a module', "$name beside an endpoint is") unless $file;

        for my $line ("$token $other", "$other $token") {
            refused("answering beside $name: $line", 'auth_gateway_token',
                undef, qr/it must be in a location without/,
                location => $line, main => "load_module $file;\n");
        }
    }
}

# what nginx itself would send elsewhere

for my $kind ('partner', 'business') {
    for (['a location', location => 'post_action @up;'],
        ['a server', server => 'post_action /up;'],
        ['an if', location => 'if ($arg_x) { post_action @up; }'])
    {
        my ($place, %part) = @$_;

        $part{location} = "$template auth_gateway_token $kind; "
            . ($part{location} // '');

        my ($code, $said) = check(%part);

        is($code, 0, "D3 accepted: answering, $kind, post_action of $place");
        like($said, qr{\[warn\].*"post_action"\ is\ ignored\ in\ location
            \ "/v1/businesses/",\ "auth_gateway_token"}x,
            "D3 with a warning: post_action of $place");
    }
}

for my $require ('off', 'partner', 'business') {
    for ("$token auth_gateway_require $require;",
        "auth_gateway_require $require; $token",
        "$token limit_except POST { auth_gateway_require $require; }",
        "limit_except POST { auth_gateway_require $require; } $token")
    {
        refused("answering beside a requirement: $_", 'auth_gateway_token',
            undef, qr/"auth_gateway_require", there must be one of them/,
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

done_testing();
