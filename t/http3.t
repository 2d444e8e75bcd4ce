# P0.6 HTTP/3: all that a client does, by QUIC alone, on one worker.  Of what
# the module decides nothing depends on the version of HTTP; what does is how
# nginx reads a body, and how a response ends that leaves one unread.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use Test::More;

use AGW::Files qw(slurp spew);
use AGW::Gateway;
use AGW::Nginx;
use AGW::Response;
use AGW::Secrets qw(secret);
use AGW::Skip qw(skip_all_for);

my $nginx = AGW::Nginx::binary();

skip_all_for('no HTTP/3', 'HTTP/3 is')
    if `$nginx -V 2>&1` !~ /--with-http_v3_module/
        || `curl -V 2>&1` !~ /^Features:.* HTTP3\b/m;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% quic;
        listen 127.0.0.1:%%TLS%% ssl;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }
        location = /revoke { auth_gateway_revoke token; }

        location /token/ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location /small/ {
            auth_gateway_business_path /small/<business_id>;
            client_max_body_size 4k;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/businesses/ {
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-Version $server_protocol;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $partner = $gw->partner;
my $business = $gw->business($partner);
my $at = $gw->prefix;
my $base = 'https://127.0.0.1:' . $gw->nginx->port('TLS');
my $path = "/v1/businesses/$business/x";

# One request by curl, which reads headers from a file: a command line is
# everybody's to read.  body => text; one that is refused fits into what QUIC
# sends before it hears from the server, since curl gives up on a stream that
# the server ends while it sends.

sub by_quic {
    my ($method, $target, %opt) = @_;

    my @headers = @{ $opt{headers} // [] };

    spew("$at/headers", join '', map { "$_\n" } @headers);
    spew("$at/body", $opt{body} // '');
    unlink "$at/answer";
    $gw->mark unless $opt{quiet};

    my $failed = system('curl', '--http3-only', '-sS', '-i', '--path-as-is',
        '--max-time', 20, '--cacert', "$at/cert.pem", '-X', $method,
        '-H', "\@$at/headers", '-o', "$at/answer",
        (defined $opt{body} ? ('--data-binary', "\@$at/body") : ()),
        "$base$target");

    my ($head, $body) = split /\r\n\r\n/, slurp("$at/answer"), 2;
    my ($line, @lines) = split /\r\n/, $head // '';

    ($line // '') =~ m{^HTTP/3 (\d+)} or die "curl ends with $failed\n";

    return AGW::Response->new(status => $1, body => $body // '',
        headers => [map { [split /: /, $_, 2] } @lines]);
}

sub token_of { return secret(JSON->new->decode($_[0]->body)->{access_token}) }

my $user = AGW::Gateway::basic(@$partner{qw(id key)});
my $form = 'Content-Type: application/x-www-form-urlencoded';

$gw->good_is(sub { return by_quic('GET', $path, quiet => 1,
    headers => [AGW::Gateway::bearer($gw->mint(partner_id => $partner->{id},
        business_id => $business))])->status == 200 });

# tokens

my $r = by_quic('POST', '/token', headers => [$user, $form],
    body => 'grant_type=client_credentials');

is($r->status, 200, 'P1.9 a partner token');

my $ours = AGW::Gateway::bearer(token_of($r));

$gw->refused('P1.6 a wrong API key', by_quic('POST', '/token', headers => [
    AGW::Gateway::basic($partner->{id}, 'wrong')]), 'invalid_client',
    by => 'basic');
$gw->refused('P1.5 a body over 8 KB', by_quic('POST', '/token',
    headers => [$user, $form], body => 'a' x 8300), 'body_too_large',
    by => 'basic');

$r = by_quic('POST', "/token/$business", headers => [$ours]);
is($r->status, 200, 'P2.5 a business token');

my $token = token_of($r);
my $theirs = AGW::Gateway::bearer($token);

# the guard

is(by_quic('GET', $path, headers => [$theirs])->status, 200,
    'P4.6 a guarded path');

my ($seen) = $gw->upstream_saw;

is_deeply([map { @{ $seen->{headers}{$_} // [] } } qw(x-version x-partner-id
    x-business-id authorization)],
    ['HTTP/3.0', $partner->{id}, $business], 'P4.6 what the upstream receives');

$gw->refused('P4.2 of another business', by_quic('GET',
    '/v1/businesses/another/x', headers => [$theirs]), 'wrong_business');
$gw->refused('P4.2 by nobody', by_quic('GET', $path), 'no_credentials');
$gw->refused('P4.2 by nobody, with a body', by_quic('POST', $path,
    body => 'x' x 8000), 'no_credentials');
$gw->refused("D6 $_", by_quic('GET', $_, headers => [$theirs]),
    'ambiguous_path') for "/v1/businesses/$business/..%2fanother/x",
    "/v1/businesses/$business/%2e%2e%2fx", "/v1//businesses/$business";

# bodies

{
    my $body = join '', map { chr 97 + $_ % 26 } 1 .. 100_000;

    is(by_quic('POST', $path, headers => [$theirs], body => $body)->status,
        200, 'P0.5 a body');
    is_deeply([map { $_->{body} } $gw->upstream_saw], [$body],
        'P0.5 which the upstream receives whole');

    $r = by_quic('POST', "/small/$business/x", headers => [$theirs],
        body => 'x' x 8000);
    is($r->status, 413, "P0.5 a body over nginx's limit");
    is_deeply([$gw->upstream_saw], [], 'P0.5 goes nowhere');
    is_deeply([$gw->problems_after], [], 'P0.5 a good request afterwards');
}

# revoked

is(by_quic('POST', '/revoke', headers => [$user, $form],
    body => "token=$token")->status, 200, 'P5.3 revoked');
$gw->refused('P5.3 and refused', by_quic('GET', $path, headers => [$theirs]),
    'revoked');

$gw->finish;
