# D7: one line a refusal, and nothing in it that a client wrote.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(encode_base64);
use Test::More;

use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;
        server_name gateway.example;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }
        location = /revoke { auth_gateway_revoke token; }
        location = /introspect { auth_gateway_introspect; }

        location ~ ^/token/[^/]+$ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /early/ {
            auth_gateway_business_path /early/<business_id>;
            set $early $auth_gateway_partner_id;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $partner = $gw->partner;
my ($id, $key) = @$partner{qw(id key)};
my $business = $gw->business($partner);
my $token = $gw->mint(partner_id => $id, business_id => $business);
my $mark = 'MARKofTHEclient';
my $url = "/v1/businesses/$business/$mark?secret=$mark";

# what a client writes appears nowhere in our lines

sub refused {
    my ($name, $response, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @ours = grep { /auth_gateway/ } split /\n/, $gw->log_text;

    is(@ours, 1, "D7 $name: one line");
    unlike("@ours", qr/$mark|secret|\?|request:|host:|referrer/,
        "D7 $name: no text of the client's");
    like($ours[0] // '',
        qr/, client: 127\.0\.0\.1, server: gateway\.example$/,
        "D7 $name: client and server");
    $gw->refused("D7 $name: $reason", $response, $reason, %opt);

    return;
}

sub get {
    my (@lines) = @_;

    return $gw->request('GET', $url, headers => ["Referer: http://$mark/",
        "User-Agent: $mark", "Cookie: $mark", "X-Forwarded-For: $mark",
        @lines]);
}

sub bearer {
    my (%opt) = @_;

    return AGW::Gateway::bearer($gw->mint(partner_id => $id,
        business_id => $business, %opt));
}

my %none = (kid => undef, partner => undef);

refused('no token', get(), 'no_credentials', %none);
refused('another scheme', get("Authorization: $mark x"), 'no_credentials',
    %none);
refused('a malformed header', get("Authorization: Bearer $mark $mark"),
    'malformed_credentials', %none);
refused('no token at all', get("Authorization: Bearer $mark"),
    'malformed_token', %none);
refused('an unknown kid', get(bearer(kid => $mark)), 'unknown_key', %none);
refused('a bad signature', get(bearer(secret => $mark, claims => {
    partner_id => $mark, sub => $mark, client_id => $mark })),
    'bad_signature', kid => 'k1', partner => undef);
refused('malformed claims', get(bearer(claims => { exp => $mark })),
    'malformed_claims', kid => 'k1', partner => undef,
    fault => 'exp: not an integer');
refused('an expired token', get(bearer(claims => { iat => 1, exp => 2,
    jti => $mark })), 'expired', kid => 'k1');
refused('another business', get(bearer(business_id => $mark)),
    'wrong_business', kid => 'k1', partner => $id);
refused('a partner token', get(bearer(business_id => undef)),
    'wrong_kind', kid => 'k1', partner => $id);
refused('plain HTTP', $gw->request('GET', $url, port => 'PLAIN',
    bearer => $token), 'insecure_transport', %none);
refused('an ambiguous path', $gw->request('GET', "/$mark/..%2f$mark?$mark",
    bearer => $token), 'ambiguous_path', %none);
refused('an unknown partner', $gw->request('POST', "/token?x=$mark",
    basic => [$mark, $mark]), 'invalid_client', %none, by => 'basic');
refused('a wrong key', $gw->request('POST', '/token',
    basic => [$id, $mark]), 'invalid_client', by => 'basic',
    kid => undef, partner => $id);
refused('a wrong grant', $gw->request('POST', '/token',
    basic => [$id, $key], form => "grant_type=$mark"),
    'unsupported_grant_type', by => 'basic');
refused('an unknown business', $gw->request('POST', "/token/$mark",
    bearer => $gw->mint(partner_id => $id)), 'unknown_business',
    kid => 'k1', partner => $id);

# What is at fault is said at whatever asks for a token: a location, one that
# the token was asked of before, an endpoint, and one that revokes.

my $theirs = AGW::Gateway::bearer($gw->mint(partner_id => $id));
my @faults = (
    ['no jti', 'malformed_claims', 'jti: missing', { jti => undef }],
    ['a jti of the client\'s', 'malformed_claims',
        'jti: not 1 to 128 of A-Za-z0-9._~-', { jti => "($mark), $mark" }],
    ['another sub', 'malformed_claims', 'sub: differs from partner_id',
        { sub => $mark }],
    ['an aud', 'malformed_claims', 'aud: an array, but not of strings',
        { aud => [$mark, 1], $mark => $mark }],
    ['a long life', 'lifetime_exceeded',
        'life of 86401 s is over auth_gateway_max_lifetime',
        { iat => 1700000000, exp => 1700086401, $mark => $mark }],
    ['an endless life', 'lifetime_exceeded',
        'life of 9007199254740991 s is over auth_gateway_max_lifetime',
        { iat => 0, exp => 9007199254740991 }],
);

for (@faults) {
    my ($name, $reason, $fault, $claims) = @$_;

    my $whose = $reason eq 'lifetime_exceeded'
        || $fault =~ /^aud/ ? $id : undef;
    my %log = (kid => 'k1', partner => $whose, fault => $fault);
    my $bad = bearer(claims => $claims);
    my $caller = bearer(business_id => undef, claims => $claims);

    refused("$name, a location", get($bad), $reason, %log);
    refused("$name, a variable first", $gw->request('GET',
        "/early/$mark", headers => [$bad]), $reason, %log);
    refused("$name, a business token's endpoint", $gw->request('POST',
        "/token/$business", headers => [$caller]), $reason, %log);
    refused("$name, $_", $gw->request('POST', $_, headers => [$caller],
        form => "token=$mark"), $reason, %log, scope => undef)
        for '/revoke', '/introspect';

    # where the claims are not what it is about

    refused("$name, plain HTTP", $gw->request('GET', "/early/$mark",
        port => 'PLAIN', headers => [$bad]), 'insecure_transport', %log,
        fault => undef);

    # of a token that is no credential nothing is said

    $gw->request('POST', $_, headers => [$theirs],
        form => 'token=' . $bad =~ s/.* //r) for '/revoke', '/introspect';
    unlike($gw->log_text, qr/auth_gateway/, "D7 $name, in the body");
}

# lines that somebody would like to forge

my $forged = 'auth_gateway: refused, reason: expired, kid: k1, partner: x';

for my $bytes ("\r\n", "\n", "\r", "\0", '"', '%0a', '\\x0a', "\x1b[31m",
    "\xe2\x80\xa8", ', ')
{
    my $text = "a${bytes}2026/01/01 00:00:00 [info] 1#1: *1 $forged";
    my $name = $bytes =~ s/([^!-~])/sprintf '\\x%02x', ord $1/ger;
    my $response = $gw->request('POST', '/token', headers => [
        'Authorization: Basic ' . encode_base64("$text:$text", '')]);

    unlike($gw->log_text, qr/reason: expired|2026\/01\/01/,
        "D7 a forged line in Basic, $name");
    is(scalar $gw->refusals, 1, 'D7 and one line as ever');

    $response = $gw->request('GET', $url,
        bearer => $gw->mint(partner_id => $text, business_id => $text));
    unlike($gw->log_text, qr/reason: expired|2026\/01\/01/,
        "D7 a forged line in claims, $name");
    is(scalar $gw->refusals, 1, 'D7 and one line as ever');

    $response = $gw->request('GET', $url,
        bearer => $gw->mint(kid => $text, partner_id => 'p'));
    unlike($gw->log_text, qr/reason: expired|2026\/01\/01/,
        "D7 a forged line in a kid, $name");
    is(scalar $gw->refusals, 1, 'D7 and one line as ever');

    $response = $gw->request('POST', '/token', basic => [$id, $key],
        form => 'grant_type=' . join '', map { sprintf '%%%02x', ord }
            split //, $text);
    unlike($gw->log_text, qr/reason: expired|2026\/01\/01/,
        "D7 a forged line in a form, $name");
    is(scalar $gw->refusals, 1, 'D7 and one line as ever');
}

# nothing is said of a request that was let through

$gw->request('GET', "/v1/businesses/$business/x", bearer => $token);
unlike($gw->log_text, qr/auth_gateway/, 'D7 a good request is not logged');
$gw->request('POST', '/token', basic => [$id, $key]);
unlike($gw->log_text, qr/auth_gateway/, 'D7 nor is a good token request');

# no secret anywhere in the log, nginx's own lines included; see finish()

{
    my $text = AGW::Files::slurp($gw->nginx->error_log);
    my @found = grep { index($text, $_) >= 0 } @{ $gw->{secrets} };

    is_deeply(\@found, [], 'D7 no secret, key or token in the log');
}

$gw->finish;
