# D6: auth_basic beside a demand of the module's.  Both read the one
# Authorization header.  The story: under `satisfy all` nobody got in, under
# `satisfy any` each user of auth_basic opened every business, and nginx started
# without a word.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Config qw(check configuration $key);
use AGW::Files qw(spew);
use AGW::Gateway;

my $conf = <<'CONF';
http {
    map $uri $realm { default off; }
    %%HTTP%%

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        auth_gateway_business_path /v1/businesses/<business_id>;
        auth_basic_user_file %%PREFIX%%/users;
        %%SERVER%%

        location /v1/businesses/ {
            %%LOCATION%%
        }
    }
}
CONF

configuration(conf => $conf,
    key => "$key auth_gateway_issuer https://api.example.com;");

my $guard = 'auth_gateway_require business; proxy_pass http://127.0.0.1:9;';
my $basic = 'auth_basic x;';
my $both = 'no request has the credentials of both';
my $any = 'a user of "auth_basic" needs no token, whatever the business';
my $place = 'location "/v1/businesses/"';

sub warnings {
    my (%part) = @_;

    my ($code, $said) = check(%part);

    return $code ? "nginx does not start: $said"
        : join "\n", map { s/^.*\[warn\] \d+#\d+: //r =~ s/ of the server in \S+:\d+//r }
            grep { /auth_basic/ } split /\n/, $said;
}

sub warns {
    my ($name, $demand, $effect, $satisfy, %part) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $where = delete $part{where} // $place;

    return is(warnings(%part), qq{"auth_basic" stands beside "$demand" in }
        . qq{$where: under "satisfy $satisfy" $effect},
        "D6 nginx warns: $name");
}

sub silent {
    my ($name, %part) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is(warnings(%part), '', "D6 nginx is silent: $name");
}

# each demand, whichever level auth_basic is of

for my $require ('partner', 'business', 'owner', 'business owner') {
    my $line = "auth_gateway_require $require; proxy_pass http://127.0.0.1:9;";

    for (['the location', location => "$line $basic"],
        ['the server', server => $basic, location => $line],
        ['http', http => $basic, location => $line])
    {
        my ($level, %part) = @$_;

        warns("require $require, auth_basic of $level",
            'auth_gateway_require', $both, 'all', %part);
        $part{location} .= ' satisfy any;';
        warns("require $require, auth_basic of $level, satisfy any",
            'auth_gateway_require', $any, 'any', %part);
    }
}

warns('satisfy any of the server', 'auth_gateway_require', $any, 'any',
    server => 'satisfy any;', location => "$guard $basic");
warns('a realm with a variable', 'auth_gateway_require', $both, 'all',
    location => "$guard auth_basic \$realm;");
warns('a realm that begins with off', 'auth_gateway_require', $both, 'all',
    location => "$guard auth_basic office;");
warns('a require of a nested location', 'auth_gateway_require', $both, 'all',
    location => "$basic location /v1/businesses/x/ { $guard }",
    where => 'location "/v1/businesses/x/"');
warns('limit_except alone has auth_basic', 'auth_gateway_require', $both,
    'all', location => "$guard limit_except GET { $basic }",
    where => qq{"limit_except" of $place});
warns('limit_except alone has the demand', 'auth_gateway_require', $both,
    'all', location => "$basic limit_except GET {"
    . ' auth_gateway_require business; }',
    where => qq{"limit_except" of $place});
warns('a location with limit_except and if, once', 'auth_gateway_require',
    $both, 'all', location => "$guard $basic limit_except GET { deny all; }"
    . ' if ($arg_x) { set $y 1; }');

for my $answer ('token partner', 'token business', 'revoke token',
    'revoke business', 'introspect')
{
    my ($name) = split / /, $answer;

    warns("$answer, satisfy $_", "auth_gateway_$name", $both, $_,
        location => "auth_gateway_$answer; $basic satisfy $_;")
        for 'all', 'any';
}

is(warnings(server => "auth_gateway_require business; $basic",
    location => 'return 404;'),
    join("\n", map { qq{"auth_basic" stands beside "auth_gateway_require" $_: }
        . qq{under "satisfy all" $both} } 'outside the locations',
        "in $place"), 'D6 nginx warns: the server and its location');

# nothing to warn about

# Of the server itself, where a location takes all of its requests: nginx warned
# about location "".

silent('a location takes all', server => "auth_gateway_require business;"
    . " $basic location / { auth_basic off; root /x; }",
    location => 'auth_basic off;');
silent('nothing is demanded', location => "$basic root /x;");
silent('auth_basic off', location => "$guard auth_basic off;");
silent('auth_basic off under one of the server', server => $basic,
    location => "$guard auth_basic off;");
silent('the neighbour has it', location => $guard,
    server => "location /other/ { $basic root /x; }");
silent('no auth_basic, but its file', location => $guard);
silent('what takes no credentials, the JWK Set',
    location => "auth_gateway_jwks; $basic");
silent('what takes no credentials, metadata',
    location => "auth_gateway_metadata token=/t; $basic");
silent('an off beside it', server => 'auth_gateway_require business;'
    . ' auth_basic off;', location => "auth_gateway_require off; $basic");
silent("$_ beside it", location => "$guard $_") for 'auth_request /x;',
    'allow 127.0.0.1; deny all;', 'satisfy any; deny all;';

# and what it warns of is so

my $gw = AGW::Gateway->start(<<'CONF', before => sub {
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_store %%ENGINE%%;

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        auth_gateway_business_path /v1/<business_id>;
        auth_basic x;
        auth_basic_user_file %%PREFIX%%/users;

        location /v1/all/ {
            auth_gateway_business_path /v1/all/<business_id>;
            auth_gateway_require business;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/any/ {
            satisfy any;
            auth_gateway_business_path /v1/any/<business_id>;
            auth_gateway_require business;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF
    spew("$_[0]/users", "me:{PLAIN}secret\n", 0644);
});

my $token = $gw->mint(partner_id => 'p', business_id => 'b-1');
my @me = (basic => ['me', 'secret']);

is($gw->request('GET', '/v1/all/b-1/x', @$_)->status, 401,
    'D6 satisfy all: nobody gets in') for [bearer => $token], \@me;
is($gw->request('GET', '/v1/any/b-1/x', bearer => $token)->status, 200,
    'D6 satisfy any: a token opens its business');
is($gw->request('GET', "/v1/any/$_/x", @me)->status, 200,
    "D6 satisfy any: a user opens $_") for 'b-1', 'b-2';

$gw->finish;
