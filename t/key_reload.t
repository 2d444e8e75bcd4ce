# D4: a reload with a broken key file changes nothing.  The error log
# names the file, the workers are the same, and tokens are issued and
# accepted as before; then a reload with good files takes place.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::ErrorLog qw(log_since);
use AGW::Files qw(random_bytes slurp spew);
use AGW::Gateway;
use AGW::Token qw(b64url header_of);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    KEYS

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        keepalive_requests 1000000;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }
        location = /jwks { auth_gateway_jwks; }

        location /token/ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location /v1/businesses/ {
            root %%PREFIX%%/html;
            try_files /x =404;
        }
    }
}
CONF

sub conf_of {
    return $conf =~ s/^ {4}KEYS$/join "\n", map {
        "    auth_gateway_key %%PREFIX%%\/$_;" } @_/mre;
}

sub openssl {
    my ($file, $command) = @_;

    system("umask 077; openssl $command -out $file 2>/dev/null") == 0
        or die "openssl $command\n";

    return slurp($file);
}

my @first = ('old.pem kid=old');
my $gw = AGW::Gateway->start(conf_of(@first),
    allow => [qr/\[emerg\] .*"auth_gateway_key" .*in .*nginx\.conf:\d+$/,
        qr/\[emerg\] .*of "auth_gateway_key" failed/],
    before => sub {
        openssl("$_[0]/old.pem",
            'genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256');
    });
my $prefix = $gw->prefix;
my $partner = $gw->partner;
my $business = $gw->business($partner);
my $here = "/v1/businesses/$business/x";
my $old = slurp("$prefix/old.pem");

spew("$prefix/html/x", "x\n", 0644);
openssl("$prefix/next.pem", 'genpkey -algorithm ED25519');

my $rsa = openssl("$prefix/rsa.pem",
    'genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048');
my $encrypted = openssl("$prefix/encrypted.pem",
    "pkey -in $prefix/old.pem -aes256 -passout pass:x");
my $older = openssl("$prefix/older.pem",
    "ec -in $prefix/old.pem -aes256 -passout pass:x");
my $small = openssl("$prefix/small.pem",
    'genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024');
my $p521 = openssl("$prefix/p521.pem",
    'genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521');
my $public = openssl("$prefix/public.pem", "pkey -in $prefix/rsa.pem -pubout");
my $k = b64url(random_bytes(32));

# name => [bytes (undef: no such file), parameters, other keys, message]

my %broken = (
    'no file' => [undef, '', [], qr/No such file/],
    'an empty file' => ['', ' alg=HS256', [], qr/shorter than its hash/],
    'a newline' => ["\n", ' alg=HS256', [], qr/shorter than its hash/],
    'a short secret' => ['x' x 31, ' alg=HS256', [],
        qr/shorter than its hash/],
    'a secret without alg=' => ['x' x 64, '', [], qr/must have alg=HS256/],
    'an error page' => ["<html>\r\n<h1>502 Bad Gateway</h1>\r\n</html>\r\n",
        ' alg=HS256', [], qr/never taken for a secret/],
    'a PEM without its end' => [substr($old, 0, -20), '', [],
        qr/broken or cut short/],
    'half a PEM' => [substr($old, 0, length($old) / 2), '', [],
        qr/broken or cut short/],
    'the first line of a PEM' => [($old =~ /^(.*\n)/)[0], '', [],
        qr/broken or cut short/],
    'the rest of a PEM' => [substr($old, 30), '', [], qr/neither a PEM key/],
    'a PEM that was changed' => [$old =~ s/^(M.{40})./$1!/mr, '', [],
        qr/broken or cut short|cannot be read/],
    'two PEM keys' => ["$old$rsa", '', [], qr/several keys/],
    'an encrypted PEM' => [$encrypted, '', [], qr/encrypted/],
    'an older encrypted PEM' => [$older, '', [], qr/encrypted/],
    'a certificate' => [slurp("$prefix/cert.pem"), '', [],
        qr/something else/],
    'a public key to sign with' => [$public, '', [], qr/can sign/],
    'a wrong alg' => [$old, ' alg=RS256', [], qr/does not fit/],
    'an alg of a secret' => [$old, ' alg=HS256', [], qr/does not fit/],
    'an alg of another curve' => [$old, ' alg=ES384', [], qr/does not fit/],
    'an unknown alg' => [$old, ' alg=ES512', [], qr/unknown algorithm/],
    'a small RSA key' => [$small, '', [], qr/2048 to 8192 bits/],
    'another curve' => [$p521, '', [], qr/type or curve/],
    'two keys with one kid' => [$rsa, ' kid=old verify', \@first,
        qr/the same kid/],
    'the same key twice' => [$old, ' verify', ['old.pem'], qr/the same kid/],
    'a JWK with a number as k' => [qq({"kty":"oct","k":1}), '', [],
        qr/member of the JWK/],
    'a JWK with padding' => [qq({"kty":"oct","k":"$k="}), '', [],
        qr/member of the JWK/],
    'a JWK with a kid of its own kind' =>
        [qq({"kty":"oct","k":"$k","kid":[]}), '', [], qr/member of the JWK/],
    'a JWK without k' => [qq({"kty":"oct"}), '', [], qr/member of the JWK/],
    'a JWK with k twice' => [qq({"kty":"oct","k":"$k","k":"$k"}), '', [],
        qr/neither a JWK/],
    'a JWK to encrypt with' => [qq({"kty":"oct","k":"$k","use":"enc"}), '',
        [], qr/not for signatures/],
    'a JWK cut short' => [qq({"kty":"oct","k":"$k"), '', [],
        qr/neither a JWK/],
    'an empty JWK Set' => [qq({"keys":[]}), '', [], qr/no key in/],
    'a JWK Set with something else' => [qq({"keys":[1]}), '', [],
        qr/not a JSON object/],
    'a file that is too long' => ['x' x 65537, '', [], qr/too long/],
    'a directory' => ['', '', [], qr/not a regular file/, 1],
);

# the requests of one client; its connection lives as long as the worker

my $client;
my %token;

sub ask {
    my ($method, $path, @lines) = @_;

    push @lines, 'Content-Length: 0' if $method eq 'POST';

    my $response = $client->request($method, $path, headers => \@lines);

    return $response ? ($response->status, $response->json) : ('nothing', {});
}

sub issue {
    my ($path, $line) = @_;

    my ($status, $json) = ask('POST', $path, $line);
    my $token = ref $json ? $json->{access_token} : undef;

    return ("$status", '') unless defined $token;

    $gw->keep_secret($token);

    return ("$status " . header_of($token)->{kid}, $token);
}

# what is wrong with a gateway that signs with that kid

sub problems {
    my ($kid) = @_;

    my ($one, $partner_token) = issue('/token',
        AGW::Gateway::basic(@$partner{qw(id key)}));
    my ($two, $business_token) = issue("/token/$business",
        AGW::Gateway::bearer($token{partner} // $partner_token));
    my @problems;

    %token = (partner => $partner_token, business => $business_token)
        unless %token;

    my ($three) = ask('GET', $here, AGW::Gateway::bearer($business_token));
    my ($four) = ask('GET', $here, AGW::Gateway::bearer($token{business}));
    my ($status, $jwks) = ask('GET', '/jwks');
    my $kids = ref $jwks eq 'HASH'
        ? join ' ', map { $_->{kid} } @{ $jwks->{keys} } : $status;

    push @problems, "a partner token: $one" if $one ne "200 $kid";
    push @problems, "a business token: $two" if $two ne "200 $kid";
    push @problems, "with a new token: $three" if $three ne '200';
    push @problems, "with an old token: $four" if $four ne '200';
    push @problems, "JWKS: $kids" if $kids !~ /^\Q$kid\E(?: old)?$/;

    return @problems;
}

sub holds {
    my ($name, $kid) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @problems = problems($kid);

    return ok(!@problems, $name) || diag(join "\n", @problems) && 0;
}

# Until the log says that the reload failed, the gateway is asked.

sub failed_reload {
    my ($name, $text, $file, $message) = @_;

    my $mark = -s $gw->nginx->error_log;
    my $until = time + 10;
    my @during;

    $gw->nginx->write_conf($text);
    kill 'HUP', $gw->nginx->{pid};

    while (time < $until && log_since($gw->nginx, $mark) !~ /\[emerg\].*\n/) {
        push @during, problems('old');
    }

    my @lines = grep { /\[emerg\]/ } split /\n/,
        log_since($gw->nginx, $mark);

    is(@lines, 1, "D4 $name: one line in the log") or diag("@lines");
    like($lines[0], $message, "D4 $name: it says why");
    like($lines[0], qr/"\Q$prefix\E\/\Q$file\E"/,
        "D4 $name: it names the file");
    is_deeply(\@during, [], "D4 $name: nothing else meanwhile");

    return;
}

$client = $gw->connect;
holds('D4 before all', 'old');

my @workers = $gw->nginx->workers;
my $number = 0;

for my $name (sort keys %broken) {
    my ($bytes, $parameters, $others, $message, $is_directory)
        = @{ $broken{$name} };
    my $file = 'broken-' . ++$number;

    if ($is_directory) {
        mkdir "$prefix/$file" or die "$file: $!\n";

    } elsif (defined $bytes) {
        spew("$prefix/$file", $bytes, 0600);
    }

    failed_reload($name, conf_of(@$others, "$file$parameters"), $file,
        $message);
    holds("D4 $name: as before", 'old');
}

is(join(' ', $gw->nginx->workers), "@workers", 'D4 the workers are the same');

# the file that is in use becomes a broken one

spew("$prefix/old.pem", substr($old, 0, 100));
failed_reload('the file in use, cut', conf_of(@first), 'old.pem',
    qr/broken or cut short/);
holds('D4 the file in use, cut: as before', 'old');
is(join(' ', $gw->nginx->workers), "@workers", 'D4 still the same');

# and a reload with good ones takes place

spew("$prefix/old.pem", $old);
ok($gw->nginx->reload(conf_of('next.pem kid=next', "$first[0] verify")),
    'D4 a good reload');
$gw->new_workers;
$client = $gw->connect;
holds('D4 after a good reload', 'next');

$gw->finish;
