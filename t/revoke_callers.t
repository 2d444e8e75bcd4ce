# P5.1, P6.1: who may revoke and introspect, and with what request.  The same
# holds for all three places, so all three are asked.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(random_id write_secret);
use AGW::Gateway;
use AGW::Revoking qw(conf_of);

my $conf = conf_of(http => <<'HTTP', locations => <<'LOCATIONS');
    auth_gateway_key %%PREFIX%%/theirs.key alg=HS256 kid=k2 verify
        issuer=https://id.example.com;
HTTP
        location = /thred/revoke {
            auth_gateway_error_format thred;
            auth_gateway_revoke token;
        }

        location = /thred/introspect {
            auth_gateway_error_format thred;
            auth_gateway_introspect;
        }

        location = /layer/revoke {
            auth_gateway_error_format layer;
            auth_gateway_revoke token;
        }

        location = /layer/introspect {
            auth_gateway_error_format layer;
            auth_gateway_introspect;
        }

        location = /realm/revoke {
            auth_gateway_realm "another realm";
            auth_gateway_revoke token;
        }

        location = /intercepted/revoke {
            auth_gateway_intercept_errors on;
            error_page 401 @page;
            auth_gateway_revoke token;
        }

        location @page {
            auth_gateway_require off;
            return 401 "the page";
        }
LOCATIONS

my $gw = AGW::Revoking->start($conf,
    before => sub { $main::theirs = write_secret("$_[0]/theirs.key") });
my ($id, $business) = @$gw{qw(id business)};
my $key = $gw->{us}{key};

$gw->keep_secret($main::theirs);

my @urls = ('/revoke', '/introspect', "/revoke/$business");
my $living = $gw->token;

# The same request at each of the three; the token that it names lives on.

sub refused {
    my ($name, $reason, $ask, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    for my $url (@{ delete $opt{urls} // \@urls }) {
        my $r = $gw->request($opt{method} // 'POST', $url,
            ref $ask eq 'CODE' ? $ask->() : @$ask);

        $gw->refused("$name: " . $url =~ s/\Q$business/ID/r, $r, $reason,
            by => 'basic', scope => undef, %opt);
    }

    is($gw->result($living), 'ok', "$name: nothing was done");

    return;
}

my $form = "token=$living";
my @basic = (basic => [$id, $key]);

# nobody

for (['no Authorization', []], ['another scheme', ['Authorization: Digest x']],
    ['a scheme that begins with Bearer', ["Authorization: Bearerx $living"]])
{
    refused("P5.1 $_->[0]", 'no_credentials',
        [form => $form, headers => $_->[1]], by => 'either');
}

is_deeply([$gw->revoke($living, headers => [])->header('WWW-Authenticate')],
    ['Basic realm="auth gateway"', 'Bearer realm="auth gateway"'],
    'P5.1 both challenges, a line each');
is_deeply([$gw->revoke($living, headers => [], url => '/realm/revoke')
    ->header('WWW-Authenticate')], ['Basic realm="another realm"',
    'Bearer realm="another realm"'], 'P0.7 the realm of the location');

# a client

my $disabled = $gw->partner(status => 'disabled');
my $expired = $gw->partner(expires_at => time - 10);
my $early = $gw->partner(not_before => time + 600);

for (['a wrong key', $id, 'x' x 22], ['an empty key', $id, ''],
    ['an unknown partner', random_id(), $key],
    ['another partner\'s key', $gw->{them}{id}, $key],
    ['a disabled partner', @$disabled{qw(id key)}],
    ['an expired key', @$expired{qw(id key)}],
    ['a key not yet valid', @$early{qw(id key)}])
{
    my ($name, @pair) = @$_;

    refused("P5.1 Basic, $name", 'invalid_client',
        [form => $form, basic => \@pair]);
    refused("P5.1 client_secret_post, $name", 'invalid_client',
        [form => "$form&client_id=$pair[0]&client_secret=$pair[1]"])
        if $pair[1] ne '';
}

refused('P5.1 Basic that is none', 'malformed_credentials',
    [form => $form, headers => ['Authorization: Basic !']]);
refused('P5.1 Basic and client_secret', 'invalid_request',
    [form => "$form&client_secret=$key", @basic]);
refused('P5.1 Basic and another client_id', 'invalid_request',
    [form => "$form&client_id=other", @basic]);

# a bearer

my @bearer = (by => 'bearer');

refused('P5.1 a business token', 'wrong_kind',
    [form => $form, bearer => $living], @bearer, partner => $id,
    kid => 'k1');

my %bad = (
    'no token' => ['malformed_token', 'abc'],
    'a bad signature' => ['bad_signature',
        $gw->{bearer} =~ s/\.[^.]{4}([^.]*)$/.AAAA$1/r],
    'an unknown key' => ['unknown_key', $gw->mint(partner_id => $id,
        kid => 'no')],
    'expired' => ['expired', $gw->mint(partner_id => $id,
        claims => { iat => time - 700, exp => time - 100 })],
    'not yet valid' => ['not_yet_valid', $gw->mint(partner_id => $id,
        claims => { nbf => time + 300 })],
    'living for too long' => ['lifetime_exceeded', $gw->mint(
        partner_id => $id, claims => { exp => time + 86500 })],
    'no jti' => ['malformed_claims', $gw->mint(partner_id => $id,
        claims => { jti => undef })],
    'not yet issued' => ['not_yet_valid', $gw->mint(partner_id => $id,
        claims => { iat => time + 300 })],
    'another issuer\'s partner token' => ['wrong_kind', $gw->mint(
        partner_id => $id, kid => 'k2', secret => $main::theirs,
        claims => { iss => 'https://id.example.com' })],
    'another issuer\'s business token' => ['wrong_kind', $gw->mint(
        partner_id => $id, business_id => $business, kid => 'k2',
        secret => $main::theirs,
        claims => { iss => 'https://id.example.com' })],
);

# The reasons for which a token in the body is no news were no news of the
# caller's own, either: a revoked caller revoked on, and one not yet valid
# was the end of the worker.

my $revoked = $gw->mint(partner_id => $id);

$gw->succeeds('P5.1 a caller is revoked', $gw->revoke($revoked));
$bad{'revoked'} = ['revoked', $revoked];

for my $name (sort keys %bad) {
    my ($reason, $token) = @{ $bad{$name} };

    refused("P5.1 Bearer, $name", $reason, [form => $form,
        bearer => $token], @bearer);
}

refused('P5.1 Bearer, malformed', 'malformed_credentials', [form => $form,
    headers => ["Authorization: Bearer $gw->{bearer} x"]], @bearer);
refused('P5.1 Bearer and client_secret', 'invalid_request',
    [form => "$form&client_id=$id&client_secret=$key",
        bearer => $gw->{bearer}], @bearer);

# the body

for (['JSON', 'application/json', "{\"token\":\"$living\"}"],
    ['multipart', 'multipart/form-data; boundary=x', "--x\r\n"
        . "Content-Disposition: form-data; name=\"token\"\r\n\r\n$living\r\n"
        . "--x--\r\n"],
    ['text', 'text/plain', $form])
{
    my ($name, $type, $body) = @$_;

    refused("P5.1 $name", 'invalid_request', [body => $body, @basic,
        headers => ["Content-Type: $type"]]);
    refused("P5.1 $name, Bearer", 'invalid_request', [body => $body,
        headers => ["Content-Type: $type",
            AGW::Gateway::bearer($gw->{bearer})]], @bearer);
}

refused('P5.1 a body without a type', 'invalid_request',
    [body => $form, @basic]);

my @two = (urls => [@urls[0, 1]]);

for (['no body', []], ['an empty one', [form => '']],
    ['no token', [form => 'x=1']], ['an empty token', [form => 'token=']],
    ['the token in the query', [form => 'x=1']])
{
    my ($name, $ask) = @$_;

    refused("P5.2 $name", 'invalid_request', [@$ask, @basic], @two);
    refused("P5.2 $name, Bearer", 'invalid_request', [@$ask,
        bearer => $gw->{bearer}], @two, @bearer);
}

refused('P5.2 the token in the query', 'invalid_request', [form => 'x=1',
    @basic], urls => ["/revoke?$form", "/introspect?$form"]);

for ("$form&$form", "$form&token=", "$form&token=x", "token=x&%74oken=y",
    "$form&x=1&x=2", "token=%zz", "$form&token_type_hint=a&token_type_hint=a")
{
    refused('P1.4 ' . s/\Q$living/TOKEN/gr, 'invalid_request', [form => $_,
        @basic]);
}

refused('P0.5 over 8 KB', 'body_too_large', [form => 'token=' . 'x' x 8192,
    @basic]);

# the request

for my $method (qw(GET HEAD OPTIONS PUT PATCH DELETE)) {
    refused("P0.3 $method", 'method_not_allowed', [form => $form, @basic],
        method => $method);
}

refused('P0.6 plain HTTP', 'insecure_transport', [form => $form, @basic,
    port => 'PLAIN']);
refused('P0.6 plain HTTP, nobody', 'insecure_transport', [form => $form,
    port => 'PLAIN']);

# the formats

for my $where ('revoke', 'introspect') {
    for my $format ('thred', 'layer') {
        refused("P4.4 $format", 'no_credentials', [form => $form],
            urls => ["/$format/$where"], by => 'either',
            format => $format eq 'thred' ? 'oauth2' : $format);
        refused("P4.4 $format", 'invalid_client', [form => $form,
            basic => [$id, 'no']], urls => ["/$format/$where"],
            format => $format eq 'thred' ? 'oauth2' : $format);
        refused("P4.4 $format", 'wrong_kind', [form => $form,
            bearer => $living], urls => ["/$format/$where"], @bearer,
            format => $format eq 'thred' ? 'oauth2' : $format);
        refused("P4.4 $format", 'invalid_request', [form => '', @basic],
            urls => ["/$format/$where"],
            format => $format eq 'thred' ? 'oauth2' : $format);
    }
}

{
    my $token = $gw->token;

    $gw->succeeds('P4.4 layer', $gw->revoke($token, url => '/layer/revoke'));
    is($gw->result($token), '401 revoked', 'P5.3 which counts');

    my $r = $gw->revoke($living, url => '/intercepted/revoke',
        headers => []);

    is($r->status . ' ' . $r->body, '401 the page', 'D3 intercepted');
    is(scalar(() = $r->header('WWW-Authenticate')), 2,
        'P5.1 with both challenges');
}

# HTTP/2, many at once, in every way

{
    my $h2 = $gw->connect_h2;
    my @tokens = map { $gw->token } 1 .. 20;
    my $line = AGW::Gateway::basic($id, $key) =~ s/^Authorization: //r;
    my @streams = map { $h2->start('POST', '/revoke', body => "token=$_",
        headers => [['authorization', $line], ['content-type',
            'application/x-www-form-urlencoded']]) } @tokens;

    is(join(' ', map { my $r = $h2->response($_); $r->status . $r->body }
        @streams), join(' ', ('200{}') x 20), 'P5.3 HTTP/2');
    is_deeply([grep { $_ ne '401 revoked' } map { $gw->result($_) } @tokens],
        [], 'P5.3 all of them');

    my $r = $h2->request('POST', '/revoke', body => $form, headers => [
        ['content-type', 'application/x-www-form-urlencoded']]);

    is_deeply([$r->status, $r->header('WWW-Authenticate')], [401,
        'Basic realm="auth gateway"', 'Bearer realm="auth gateway"'],
        'P5.1 HTTP/2, nobody');
    $h2->close;
    is_deeply([$gw->problems_after], [], 'P5.1 a good request afterwards');
}

is($gw->result($living), 'ok', 'P5.1 the token lives to the end');
$gw->finish;
