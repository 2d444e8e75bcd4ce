# D3: what nginx -t takes, and what it refuses of a store.  Mistakes
# are refused by the directive's name, quoting the value and saying what is
# accepted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Config qw(accepted check configuration refused $guard $proxy $store
    $template $token);
use AGW::Files qw(random_bytes random_hex spew);
use AGW::Redis;
use AGW::Skip qw(skip_for);

my $prefix = configuration();

spew("$prefix/line.key", random_hex(32) . "\n", 0600);
spew("$prefix/bytes.key", "\xa5" . random_bytes(62) . 'x', 0600);
mkdir "$prefix/root-only", 0700;

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
accepted('two keys', key => 'auth_gateway_key %%PREFIX%%/s32.key alg=HS256;'
    . ' auth_gateway_key %%PREFIX%%/s48.key kid=b alg=HS384 verify;',
    location => "$guard $proxy");
accepted('a server\'s own key of the same kid', server => 'auth_gateway_key'
    . ' %%PREFIX%%/s32.key alg=HS256 kid=k1;', location => "$guard $proxy");
accepted('a secret of any bytes', location => "$guard $proxy",
    key => 'auth_gateway_key %%PREFIX%%/bytes.key alg=HS256;');
accepted('nothing of ours', store => '', key => '', location => $proxy);
accepted('a template with a suffix', location => 'auth_gateway_require'
    . ' business; auth_gateway_business_path /a/<business_id>/b/c;'
    . $proxy);

{
    my ($code, $said) = check(location => "$guard $proxy",
        key => 'auth_gateway_key %%PREFIX%%/line.key alg=HS256;');

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
    store => $store x 2, location => $token);
refused('a token location without a store', 'auth_gateway_token', undef,
    qr/auth_gateway_store/, store => '', location => $token);
refused('a business token location without a store', 'auth_gateway_token',
    undef, qr/auth_gateway_store/, store => '',
    location => "auth_gateway_token business; $template");
refused('the store\'s directory is not there', 'auth_gateway_store',
    'nowhere', undef, location => $token,
    store => 'auth_gateway_store sqlite:%%PREFIX%%/nowhere/gateway.db;');

SKIP: {
    skip_for('not root', 'a parent of others is') if $> != 0;

    refused('a parent that the workers cannot write', 'auth_gateway_store',
        'root-only', qr/writ/, location => $token, store =>
        'auth_gateway_store sqlite:%%PREFIX%%/root-only/gateway.db;');
}

is_deeply([glob "$prefix/root-only/* $prefix/store/*"],
    [grep { (stat)[4] == (stat "$prefix/store")[4] }
        glob "$prefix/root-only/* $prefix/store/*"],
    'D5 nginx -t leaves nothing that the workers cannot use');

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

# without hiredis a store in Redis is refused for that, whatever else it lacks

for my $scheme (AGW::Redis::built_in() ? () : qw(redis rediss)) {
    refused("$scheme: without hiredis", 'auth_gateway_store', "$scheme:",
        qr/built without hiredis/, store => 'auth_gateway_store'
        . " $scheme://127.0.0.1;", location => $token);
}

done_testing();
