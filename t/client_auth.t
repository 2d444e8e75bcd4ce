# P8a.4: how partners may authenticate, and with a client certificate that the
# store has for them (RFC 8705, section 2.2).  Every fault is answered alike.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Admin;
use AGW::Certificates qw(make_client_certificate rfc9440);
use AGW::Gateway;
use AGW::Token;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_issuer https://issuer.example;
    auth_gateway_admin_log %%LOG%%;
    auth_gateway_bind_tokens certificate;
    auth_gateway_client_auth basic post tls;

    server {
        listen unix:%%PREFIX%%/admin.sock;
        listen 127.0.0.1:%%TLS%% ssl http2;

        ssl_verify_client optional_no_ca;

        location /admin/ { auth_gateway_admin write %%UID%%; }
        location = /token { auth_gateway_token partner; }
        location = /revoke { auth_gateway_revoke token; }
        location = /introspect { auth_gateway_introspect; }

        location = /tls {
            auth_gateway_token partner;
            auth_gateway_client_auth tls;
            auth_gateway_bind_tokens off;
        }

        location = /basic {
            auth_gateway_token partner;
            auth_gateway_client_auth basic;
        }

        location = /post {
            auth_gateway_token partner;
            auth_gateway_client_auth post;
        }

        location = /proxied {
            auth_gateway_token partner;
            auth_gateway_client_certificate $http_client_cert;
        }

        location = /.well-known/oauth-authorization-server {
            auth_gateway_metadata token=/token;
        }
    }

    server {
        listen 127.0.0.1:%%TLS2%% ssl;

        ssl_verify_client optional_no_ca;

        auth_gateway_client_auth basic post;

        location = /token { auth_gateway_token partner; }

        location = /.well-known/oauth-authorization-server {
            auth_gateway_metadata token=/token;
        }
    }
}
CONF

my %thumb;
my $gw = AGW::Admin->start(conf => $conf, before => sub {
    %thumb = map { $_ => make_client_certificate($_[0], $_) }
        qw(one two other stranger);
    $thumb{expired} = make_client_certificate($_[0], 'expired', expired => 1);
});
my $prefix = $gw->prefix;
my $partner = $gw->partner;
my ($id, $key) = @$partner{qw(id key)};
my $other = $gw->partner->{id};
my $disabled = $gw->partner(status => 'disabled')->{id};

sub add {
    my ($partner_id, $name, %more) = @_;

    is($gw->ask('POST', "partners/$partner_id/certificates",
        { 'x5t#S256' => $thumb{$name}, %more })->status, 201,
        "P11.2 $name is added");

    return;
}

add($id, 'one', not_after => time + 86400);
add($id, 'two');
add($id, 'expired', not_after => time - 1);
add($other, 'other');
add($disabled, 'one');

$gw->good_is(sub {
    return $gw->request('POST', '/token', quiet => 1, cert => 'one',
        form => "client_id=$id")->status == 200;
});

sub asks {
    my ($cert, $form, %opt) = @_;

    return $gw->request('POST', $opt{to} // '/token', form => $form,
        (defined $cert ? (cert => $cert) : ()), %opt);
}

# what passes

for my $cert (qw(one two)) {
    my $r = asks($cert, "grant_type=client_credentials&client_id=$id");

    is($r->status, 200, "P8a.4 with certificate $cert") or diag($r->body);

    my $claims = AGW::Token::claims_of($gw->keep_secret(
        $r->json->{access_token}));

    is($claims->{partner_id}, $id, 'P8a.4 the partner');
    is($claims->{cnf}{'x5t#S256'}, $thumb{$cert},
        'P8a.4 and the token is bound');
}

is(asks('one', "client_id=$id", to => '/tls')->status, 200,
    'P8a.4 where it is the only method');
is(asks('one', "token=x&client_id=$id", to => '/introspect')->body,
    '{"active":false}', 'P6.1 it introspects');
is(asks('one', "token=x&client_id=$id", to => '/revoke')->status, 200,
    'P5.1 it revokes');
is(asks(undef, "client_id=$id", to => '/proxied',
    headers => ['Client-Cert: ' . rfc9440("$prefix/one.pem")])->status, 200,
    'P8a.4 a certificate that a proxy names');

# an API key beside a certificate, which only binds

for (['Basic', 'grant_type=client_credentials', basic => [$id, $key]],
    ['Basic and client_id', "client_id=$id", basic => [$id, $key]],
    ['in the body', "client_id=$id&client_secret=$key"])
{
    my ($name, $form, @more) = @$_;

    is(AGW::Token::claims_of($gw->keep_secret(asks('stranger', $form, @more)
        ->json->{access_token} // 'e30.e30'))->{cnf}{'x5t#S256'},
        $thumb{stranger}, "P8a.4 an API key $name, and any certificate");
}

# what is refused, in the same bytes

my $bytes;

for (['another partner\'s certificate', 'other', $id, 'unknown certificate'],
    ['one that nobody has', 'stranger', $id, 'unknown certificate'],
    ['one of his, for another', 'one', $other, 'unknown certificate'],
    ['of a disabled partner', 'one', $disabled, 'disabled partner'],
    ['of nobody', 'one', 'nobody', 'unknown partner'],
    ['an id outside the grammar', 'one', '..%2Fx', 'unknown partner'])
{
    my ($name, $cert, $partner_id, $fault) = @$_;

    for my $to ('/token', '/tls') {
        my $r = asks($cert, "client_id=$partner_id", to => $to);

        $bytes //= $r->body;
        $gw->refused("P8a.4 $name, $to", $r, 'invalid_client', by => 'basic',
            scope => undef, fault => $fault);
        is($r->body, $bytes, "P8a.4 $name, $to: the same bytes");
    }
}

$gw->refused('P8a.4 one whose end has come', asks(undef, "client_id=$id",
    to => '/proxied', headers => ['Client-Cert: '
        . rfc9440("$prefix/expired.pem")]), 'invalid_client', by => 'basic',
    scope => undef, fault => 'an unreadable or expired certificate');
$gw->refused('P8a.4 no certificate', asks(undef, "client_id=$id"),
    'no_credentials', by => 'basic', scope => undef);
$gw->refused('P8a.4 no client_id', asks('one', 'grant_type='
    . 'client_credentials'), 'no_credentials', by => 'basic', scope => undef);
$gw->refused('P8a.4 where it is no method', asks('one', "client_id=$id",
    port => 'TLS2'), 'no_credentials', by => 'basic', scope => undef);
$gw->refused('P8a.4 beside an assertion', asks('one',
    "client_id=$id&client_assertion=x"), 'no_credentials', by => 'basic',
    scope => undef);

for my $to ('/revoke', '/introspect') {
    $gw->refused("P5.1 another's certificate, $to", asks('other',
        "token=x&client_id=$id", to => $to), 'invalid_client', by => 'basic',
        scope => undef, fault => 'unknown certificate');
}

# one method at a time, and only those that are listed

$gw->refused('P1.2 two methods', asks('one', "client_id=$id&client_secret="
    . $key, basic => [$id, $key]), 'invalid_request', by => 'basic',
    scope => undef);

for (['/tls', 'Basic', 'x=1', basic => [$id, $key]],
    ['/tls', 'in the body', "client_id=$id&client_secret=$key"],
    ['/post', 'Basic', 'x=1', basic => [$id, $key]],
    ['/basic', 'in the body', "client_id=$id&client_secret=$key"])
{
    my ($to, $name, $form, @more) = @$_;

    $gw->refused("P8a.4 an API key $name, $to", asks('one', $form, to => $to,
        @more), 'invalid_client', by => 'basic', scope => undef,
        fault => 'method not accepted');
}

is(asks(undef, 'x=1', to => '/basic', basic => [$id, $key])->status, 200,
    'P1.1 Basic alone');
is(asks(undef, "client_id=$id&client_secret=$key", to => '/post')->status,
    200, 'P1.2 the body alone');

# what the store says counts from the next request on

is($gw->ask('DELETE', "partners/$id/certificates/$thumb{two}")->status, 204,
    'P11.2 one is deleted');
$gw->refused('P8a.4 and refused', asks('two', "client_id=$id"),
    'invalid_client', by => 'basic', scope => undef,
    fault => 'unknown certificate');

{
    my $late = $gw->ask('POST', "partners/$id/certificates",
        { 'x5t#S256' => $thumb{two}, not_after => time - 60 });

    is($late->status, 201, 'P11.2 one that has ended');
    $gw->refused('P8a.4 and refused by its end', asks('two',
        "client_id=$id"), 'invalid_client', by => 'basic', scope => undef,
        fault => 'expired certificate');
}

# P7.2

my $at = '/.well-known/oauth-authorization-server';

is_deeply($gw->request('GET', $at)->json
    ->{token_endpoint_auth_methods_supported}, ['client_secret_basic',
    'client_secret_post', 'self_signed_tls_client_auth'], 'P7.2 the methods');
is_deeply($gw->request('GET', $at, port => 'TLS2')->json
    ->{token_endpoint_auth_methods_supported}, ['client_secret_basic',
    'client_secret_post'], 'P7.2 without certificates');

$gw->finish;
