# D3: what nginx -t says of a server whose locations demand something,
# or of one in which nothing is demanded though it has a business path.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Config qw(accepted check configuration refused $proxy $template);

my $business = 'auth_gateway_require business;';

configuration();


# warned(name, pattern or undef, parts): whether nginx starts, and of the
# [warn] lines about what is guarded there is one, which matches, or none

sub warned {
    my ($name, $wanted, %part) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($code, $said) = check(%part);
    my @lines = grep { /auth_gateway_(?:require|business_path|enforce)/ }
        $said =~ /(\[warn\][^\n]*)/g;
    my @problems;

    push @problems, "exit code $code" if $code != 0;
    push @problems, @lines . ' lines' if @lines != (defined $wanted ? 1 : 0);
    push @problems, 'it says something else'
        if defined $wanted && @lines && $lines[0] !~ $wanted;

    return ok(!@problems, "D3 $name") || diag(join "\n", @problems, $said);
}


# A business path, and nothing is demanded: the author believes that it guards.

my $nothing = qr/"auth_gateway_business_path"\ guards\ nothing
    \ without\ an\ "auth_gateway_require"\ in\ the\ server
    \ in\ \/\S+:\d+$/x;

warned('a business path in a location alone', $nothing,
    location => "$template $proxy");
warned('in a server alone', $nothing, server => $template);
warned('in a server, and off', $nothing, server => $template,
    location => "auth_gateway_require off; $proxy");
warned('in http, and a location proxies', $nothing, http => $template,
    location => $proxy);
warned('of a nested location', $nothing,
    location => "location /v1/businesses/x { $template return 404; }");
warned('beside an endpoint that uses none', $nothing,
    server => "$template location = /t { auth_gateway_token partner; }");
warned('beside an endpoint that uses one, and a location proxies', $nothing,
    server => "$template location = /t { auth_gateway_token business; }",
    location => $proxy);

warned('what is demanded elsewhere in the server is no mistake', undef,
    server => "$template location /x/ { $business $proxy }",
    location => "auth_gateway_require off; $proxy");
warned('a path of http in a server that proxies nothing', undef,
    http => $template, location => 'return 301 https://$host$request_uri;');
warned('a path of an endpoint', undef, location =>
    "$template auth_gateway_token business;");
warned('a path of an endpoint, written in the server', undef,
    server => "$template location = /t { auth_gateway_token business; }",
    location => 'return 404;');
warned('a server without a path', undef, location => $proxy);



# A named location has no path of its own, and forwards the raw one of any:
# it says what it demands, whatever it would inherit.

my $named = "$template location /x/ { $business $proxy }";
my $own = qr/"\@up" must have an "auth_gateway_require" of its own/;
my $fast = 'fastcgi_pass 127.0.0.1:9;';

refused('a named location that proxies', 'auth_gateway_require', undef, $own,
    server => "$named location \@up { $proxy }");
refused('one that inherits a requirement', 'auth_gateway_require', undef,
    $own, server => "$business $named location \@up { $proxy }");
refused('one that inherits off', 'auth_gateway_require', undef, $own,
    server => "$named auth_gateway_require off; location \@up { $proxy }");
refused('one with another handler', 'auth_gateway_require', undef, $own,
    server => "$named location \@up { $fast }");
refused('one that proxies in an if', 'auth_gateway_require', undef, $own,
    server => "$named location \@up { if (\$arg_x) { $proxy } }");
refused('one with a requirement in limit_except alone',
    'auth_gateway_require', undef, $own, server =>
    "$named location \@up { $proxy limit_except GET { $business } }");

for my $require ('off', 'partner', 'business') {
    accepted("a named location that proxies, with $require",
        server => "$named location \@up { auth_gateway_require $require;"
            . " $proxy if (\$arg_x) { $proxy } }");
}

accepted('one that is a return', server =>
    "$named location \@up { return 404; }");
accepted('one for files', server =>
    "$named location \@up { root /nonexistent; }");
accepted('one that answers itself', server =>
    "$named location \@up { auth_gateway_token partner; }");
accepted('one that proxies where nothing is demanded', server =>
    "location \@up { $proxy }");


# A location for partners whose path a template describes is a mistake: its
# author believes that a partner token opens it.

my $partner = 'auth_gateway_require partner;';
my $guard = "$template $business $proxy";

sub partner_of {
    my ($location, $what) = @_;

    return qr/"auth_gateway_require\ partner"\ in\ location\ "\Q$location\E":
        \ its\ path\ is\ that\ of\ a\ business\ by\ the\ template
        \ "\/v1\/businesses\/<business_id>",\ and\ $what
        \ in\ the\ server\ in\ \/\S+:\d+$/x;
}

my $refuses = 'a\ partner\ token\ is\ refused';
my $opens = 'every\ partner\ token\ is\ accepted';

warned('partner in the very location', partner_of('/v1/businesses/',
    $refuses), location => "$template $partner $proxy");
warned('partner of the server', partner_of('/v1/businesses/', $refuses),
    server => "$partner $template", location => $proxy);
warned('partner of http', partner_of('/v1/businesses/', $refuses),
    http => "$partner $template", location => $proxy);
warned('in a limit_except', partner_of('/v1/businesses/', $refuses),
    location => "$guard limit_except GET { $partner }");
warned('once for a location and its blocks',
    partner_of('/v1/businesses/', $refuses),
    location => "$template $partner $proxy if (\$arg_x) { set \$x 1; }"
        . ' limit_except GET { deny all; }');

for (['/v1/businesses/b-1', ''], ['/v1/businesses/b-1/x', ''],
    ['/v1/businesses/b-1/x', '^~ '])
{
    my ($name, $modifier) = @$_;

    warned("beside it: $modifier$name", partner_of($name, $refuses),
        location => $guard,
        server => "location $modifier$name { $partner $proxy }");
}

# The story: the list of businesses is for partners, and a location with a
# longer name has all that the template describes: nginx warned all the same.

warned('no mistake: the list, beside what is below it', undef,
    location => $guard,
    server => "location /v1/businesses { $partner $proxy }");
warned('the list, and all below it', qr/in\ location\ "\/v2\/businesses": .*
    a\ partner\ token\ is\ refused/x, server => "location /v2/businesses {"
    . " $partner $proxy } location ~ ^/v2/businesses/ { $business $proxy"
    . ' auth_gateway_business_path /v2/businesses/<business_id>; }');

warned('an exact location that inherits it',
    partner_of('/v1/businesses/all', $refuses),
    location => $guard, server => "location /x/ { $partner"
        . ' location = /x/all { return 404; } }'
        . " location = /v1/businesses/all { $proxy }", http => $partner);
warned('an exact location that says so',
    partner_of('/v1/businesses/all', $opens), location => $guard,
    server => "location = /v1/businesses/all { $partner $proxy }");

for ('/', '/v1/', '/v1/business', '/v1/businesses2', '/v1/businessesx/y',
    '/v2/businesses/', '= /v1/businesses/', '= /v1/businesses',
    '~ ^/v1/businesses/', '~ /v1/businesses/b-1$')
{
    warned("no mistake: $_", undef, location => $guard,
        server => "location $_ { $partner $proxy }");
}

warned('no mistake: a regex that looks like a path', undef,
    location => $guard, server =>
    "location ~ /v1/businesses/b-1 { $guard limit_except GET { $partner } }");
warned('no mistake: a named location', undef,
    location => $guard, server => "location \@up { $partner $proxy }");
warned('no mistake: a template with more behind the business', undef,
    location => $partner . $proxy, server => 'location /v1/ {'
    . " $business $proxy auth_gateway_business_path"
    . ' /v1/businesses/<business_id>/files; }');
warned('no mistake: the template of an endpoint', undef,
    location => 'return 404;', server => "location /p/ { $partner $proxy }"
    . ' location = /t { auth_gateway_token business;'
    . ' auth_gateway_business_path /p/<business_id>; }');

# once a server in which a location only logs; a variable may well enforce

my $log = qr/"auth_gateway_enforce\ log"\ lets\ requests\ through\ that\ should
    \ be\ refused\ in\ the\ server\ in\ \/\S+:\d+$/x;
my $guard_here = "$business $template $proxy";

warned('log in a location', $log,
    location => "auth_gateway_enforce log; $guard_here");
warned('log in a server, once', $log, server => 'auth_gateway_enforce log;'
    . " location /a/ { return 204; } location /b/ { $guard_here }",
    location => $guard_here);
warned('log in http', $log, http => 'auth_gateway_enforce log;',
    location => $guard_here);
warned('log beside what is guarded', $log, location => $guard_here,
    server => "location /a/ { auth_gateway_enforce log; $proxy }");
warned('no log: on below it', undef, http => 'auth_gateway_enforce log;',
    server => 'auth_gateway_enforce on;', location => $guard_here);
warned('no log: a variable', undef,
    location => "auth_gateway_enforce \$arg_x; $guard_here");
warned('no log: an endpoint alone', undef, location => $guard_here,
    server => 'location = /t { auth_gateway_enforce log;'
        . ' auth_gateway_token partner; }');
warned('no log: nothing is required', undef,
    http => 'auth_gateway_enforce log;', location => $proxy);

# Templates that match the same paths: a business called as a literal of the
# other one loses paths.

sub overlap {
    my ($first, $second, $what) = @_;

    return qr/"auth_gateway_business_path":\ the\ templates\ "\Q$first\E"
        \ and\ "\Q$second\E"\ match\ the\ same\ paths,\ \Q$what\E,
        \ in\ the\ server\ in\ \/\S+:\d+$/x;
}

sub beside {
    my ($path) = @_;

    return (location => $guard, server => "location ~ ^/any/ { $business"
        . " $proxy auth_gateway_business_path $path; }");
}

my $usual = '/v1/businesses/<business_id>';
my $specific = 'of which the second names the business';

warned("a less specific one: $_", overlap($_, $usual, $specific), beside($_))
    for '/v1/<business_id>', '/<business_id>', '/<business_id>/businesses';
warned("a more specific one: $_", overlap($usual, $_, $specific), beside($_))
    for "/v1/businesses/x/<business_id>", '/v1/businesses/x/y/<business_id>/z';
warned("neither: $_", overlap($_, $usual, 'which are refused'), beside($_))
    for '/v1/<business_id>/x', '/<business_id>/businesses/x/y';
warned("no mistake: $_", undef, beside($_))
    for $usual, "$usual/x", '/v2/<business_id>', '/v1/business/<business_id>',
        '/v1/<business_id>/businesses', '/<business_id>/business',
        '/<business_id>/businesses2', '/v1/businesses/@me/<business_id>',
        '/v1/businesses2/x/<business_id>';
warned('no mistake: the template of an endpoint', undef, location => $guard,
    server => 'location = /t { auth_gateway_token business;'
    . ' auth_gateway_business_path /v1/<business_id>/token; }');
warned('no mistake: another server', undef, location => $guard,
    http => "server { listen 127.0.0.1:9; location / { $business $proxy"
    . ' auth_gateway_business_path /v1/<business_id>; } }');

done_testing();
