# D7, no log has a key, a token or a password: every nginx and Redis of these
# tests is searched at its end for all that the test has made.  Here leaks are
# planted, and each fails the test that has it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IPC::Open3 qw(open3);
use Test::More;

use AGW::Command;
use AGW::Files qw(make_prefix random_bytes random_hex repo_root
    spew write_secret);
use AGW::Gateway;
use AGW::Keys;
use AGW::Secrets qw(leaks secret watch);
use AGW::Token qw(api_key b64url mint);

# What is found in a line, and what is not.  Each case has a log of its own;
# what was found is not found again.

my $dir = make_prefix();
my $cases = 0;

sub found {
    my (@lines) = @_;

    my $log = "$dir/logs/case" . ++$cases . '.log';

    spew($log, join '', map { "$_\n" } @lines);

    return scalar grep { /^\Q$log\E/ } leaks();
}

watch($dir, sub => '/logs', may_show => [qr/ allowed /]);

my $key = api_key();
my $hmac = write_secret("$dir/secret.key");
my $token = mint(partner_id => 'p', secret => $hmac, kid => 'k');
my ($header, $claims, $signature) = split /\./, $token;
my $password = secret(random_hex(16));
my $pem = AGW::Keys->new('ES256')->form('PKCS#8');
my $jwk = AGW::Keys->new('ES256')->jwk(private => 1, kid => 'a' x 43);

spew("$dir/key.jwk", AGW::Keys::jwk_set($jwk), 0600);

my $basic = AGW::Gateway::basic('p', $key) =~ s/.* //r;
my $at = '2026/11/26 12:00:00 [%s] 1#1: *1';

for (
    ['an API key', "key $key"],
    ['a key in quotes', qq({"key":"$key"})],
    ['a key in a query', "GET /x?client_secret=$key&y=z HTTP/1.1"],
    ['an HMAC secret', "secret: $hmac"],
    ['a password', "AUTH gateway $password"],
    ['Basic credentials', "Authorization: Basic $basic"],
    ['a token', "Bearer $token"],
    ['a token that was cut', 'Bearer ' . substr $token, 0, 90],
    ['the end of a token', '...' . substr $token, -30],
    ['a token without its signature', "$header.$claims."],
    ['its signature', "sig $signature"],
    ['a private key', (split /\n/, $pem)[1]],
    ['the end of a private key', (split /\n/, $pem)[2]],
    ['the private member of a JWK', "d: $jwk->{d}"],
    ['the module itself, at level debug',
        sprintf "$at auth_gateway token cache: %s", 'debug', $token],
    ['a message of nginx',
        sprintf "$at upstream sent %s, request: \"GET / HTTP/1.1\"", 'error',
            $token],
    ['the second line of a message', (sprintf "$at first", 'info'), $token],
) {
    my ($name, @lines) = @$_;

    is(found('a line', @lines, 'another'), 1, "D7 found: $name");
}

for (
    ['ordinary lines', 'GET /v1/businesses/b-1', 'a' x 60,
        b64url(random_bytes(32))],
    ['a kid', 'kid: ' . 'a' x 43],
    ['a digest', AGW::Token::key_digest($key)],
    ['nginx at level debug', (sprintf "$at http header: \"%s\"", 'debug',
        "Authorization: Bearer $token"), "Authorization: Bearer $token"],
    ['a header that nginx refuses', sprintf "$at client sent duplicate header"
        . ' line: "Authorization: Bearer %s"', 'info', $token],
    ['the request behind a message of nginx', sprintf "$at upstream timed out,"
        . ' request: "GET /?t=%s HTTP/1.1", upstream: "http://a/"', 'error',
        $token],
    ['a line that may have it', "an allowed $key"],
) {
    my ($name, @lines) = @$_;

    is(found(@lines), 0, "D7 not found: $name");
}

# what a program said that has ended

AGW::Secrets::look_at('nginx -t', "[emerg] invalid value \"$key\"\nwell\n");
is_deeply([grep { /^nginx -t/ } leaks()],
    ['nginx -t: [emerg] invalid value "<..."'], 'D7 found: what nginx -t said');

# what the command line prints, on standard error too; a key that it has made
# is a secret from then on

{
    my $say = AGW::Command->new;
    my $print = sub {
        $say->run({ command => ['sh', '-c', $_[0]] });

        return scalar grep { /^auth-gateway/ } leaks();
    };
    my $new = 'agw_' . substr(random_hex(20), 0, 33);

    is($print->("echo a token $token"), 1, 'D7 found: what a command prints');
    is($print->("echo no key $key >&2"), 1, 'D7 found: and what it complains');
    is($print->("echo a key $new"), 0, 'D7 not found: a key that is made');
    is(found("the key $new"), 1, 'D7 found: that key in a log');
}

# each log that the configuration of a test names is where logs are searched

{
    my @elsewhere;

    for my $file (glob(repo_root() . '/t/*.t'), glob(repo_root()
        . '/t/lib/AGW/*.pm'))
    {
        my $text = AGW::Files::slurp($file);

        push @elsewhere, "$file: $1"
            while $text =~ m{^\s*(?:access_log|error_log|auth_gateway_admin_log)
                \s+(?!off\b|stderr\b|(?:%+PREFIX%+/)?logs/[\w.]+\.log\b|%%LOG%%)
                ([\w/%\$.{}]+)}gmx;
    }

    is_deeply(\@elsewhere, [], 'D7 no test writes a log elsewhere');
}

# children of a test make secrets too

{
    my $pid = fork() // die "fork: $!\n";

    if (!$pid) {
        spew("$dir/made", api_key());
        POSIX::_exit(0);
    }

    waitpid $pid, 0;
    is(found(AGW::Files::slurp("$dir/made")), 1, 'D7 found: that of a child');
}


# A whole test, of a configuration that logs what it must not, or what it may.
# It asserts nothing of that; it fails all the same, whatever way it ends.

my $test = <<'TEST';
use strict;
use warnings;
use lib '%s/t/lib';
use Test::More;
use AGW::Gateway;
use AGW::Redis;

my $gw = AGW::Gateway->start(<<'CONF');
http {
    auth_gateway_store %%%%ENGINE%%%%;
    auth_gateway_key %%%%PREFIX%%%%/secret.key alg=HS256 kid=k1;
    log_format leak '%s';
    access_log %%%%PREFIX%%%%/logs/leak.log leak;

    server {
        listen 127.0.0.1:%%%%TLS%%%% ssl;
        auth_gateway_require business;
        auth_gateway_business_path /b/<business_id>;
        auth_gateway_enforce log;
        location = /token { auth_gateway_token partner; }
        location /b/ { proxy_pass http://127.0.0.1:%%%%UPSTREAM%%%%; }
    }
}
CONF

my $partner = $gw->partner;
my $token = $gw->request('POST', '/token',
    basic => [@$partner{qw(id key)}])->json->{access_token};

is($gw->request('GET', '/b/b-1', bearer => $token)->status, 200);
is($gw->request('GET', '/b/b-1', bearer => $gw->mint(partner_id => 'p',
    business_id => 'b-1'))->status, 200);
%s
TEST

sub outcome {
    my ($format, $end) = @_;

    my $file = spew("$dir/planted.t",
        sprintf $test, repo_root(), $format, $end);
    my $pid = open3(my $in, my $out, undef, $^X, $file);

    close $in;

    my $said = do { local $/; readline($out) // '' };

    waitpid $pid, 0;

    return ($? >> 8, $said);
}

for (
    ['Authorization', '$http_authorization', 3],
    ['the variable for the upstream', '"$auth_gateway_authorization"', 2],
) {
    my ($name, $format, $lines) = @$_;
    my ($code, $said) = outcome($format, '$gw->finish;');

    isnt($code, 0, "D7 a planted leak fails a test: $name");
    like($said, qr/not ok 4 - no alert, no crash, no secret/,
        "D7 a planted leak is said: $name");
    is(scalar(grep { /leak\.log: / } split /\n/, $said), $lines,
        "D7 a planted leak, each line: $name");
    unlike($said, qr/eyJ[\w-]{20}/, "D7 a planted leak is not repeated: $name");

    ($code, $said) = outcome($format, 'done_testing();');
    isnt($code, 0, "D7 a planted leak fails a test that ends early: $name");
    like($said, qr/a secret in a log/, "D7 and says why: $name");
}

{
    my ($code, $said) = outcome('$uri $auth_gateway_event'
        . ' $auth_gateway_token_id', '$gw->finish;');

    is($code, 0, 'D7 without a leak it passes') or diag($said);
}

done_testing();
