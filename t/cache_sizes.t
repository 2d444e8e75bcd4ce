# P8.15 and D4: tokens of every size that is accepted, to the largest,
# by turns with small ones in a cache of two: each answer is right each time.
# Those of more than 2048 bytes are not kept.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Asker;
use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Keys qw(openssl);

my @names = qw(partner_id business_id scope token_id key_id claim_x
    claim_last);
my $headers = join '', map { '            add_header X-' . s/_/-/r
    . " \$auth_gateway_$_;\n" } @names;

my $conf = <<"CONF";
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_key %%PREFIX%%/rsa.pem kid=rsa verify;
    auth_gateway_key %%PREFIX%%/ES384.pem kid=%%LONGKID%% verify;
    auth_gateway_token_cache 2;

    # tokens over 8 KB are to reach the module

    large_client_header_buffers 4 32k;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_business_path /b/<business_id>;

        location /b/ {
            auth_gateway_require business;
            root %%PREFIX%%/html;
            try_files /x =404;
$headers
        }

        location /partner {
            auth_gateway_require partner;
            root %%PREFIX%%/html;
            try_files /x =404;
$headers
        }
    }
}
CONF

my $kid = 'k' x 128;
my %keys = (ES384 => AGW::Keys->new('ES384'), RS256 => AGW::Keys->new('RS256',
    pem => openssl('', qw(genpkey -algorithm RSA -pkeyopt
        rsa_keygen_bits:4096))));
my $gw = AGW::Gateway->start($conf, log_level => 'debug',
    names => { LONGKID => $kid }, before => sub {
        spew("$_[0]/rsa.pem", $keys{RS256}->form('public, SPKI'), 0644);
        spew("$_[0]/ES384.pem", $keys{ES384}->form('public, SPKI'), 0644);
    });
my $asker = AGW::Asker->new($gw);

spew($gw->prefix . '/html/x', "x\n", 0644);
$keys{HS256} = AGW::Keys->new('HS256');
$keys{HS256}{secret} = $gw->{secret};

my %kids = (HS256 => 'k1', RS256 => 'rsa', ES384 => $kid);

# a token of so many bytes in all, where there is one: padded in its payload

sub sized {
    my ($size, %opt) = @_;

    my $alg = $opt{alg} // 'HS256';
    my $pad = '';

    for my $spaces (0 .. 3) {
        for (1 .. 4) {
            my $token = token($alg, { business_id => 'b-1',
                x => 'sized', pad => $pad, last => 'l' }, $spaces);
            my $more = $size - length $token;

            return $token if $more == 0;
            last if $more < 0;
            $pad .= 'p' x (int($more * 3 / 4) || 1);
        }

        $pad = '';
    }

    die "no token of $size\n";
}

sub token {
    my ($alg, $claims, $spaces) = @_;

    my $json = JSON->new->canonical->utf8;
    my $head = $json->encode({ typ => 'JWT', alg => $alg,
        kid => $kids{$alg} });
    my %claims = (scope => 'business_access', jti => 'j-1', partner_id =>
        'p-1', iat => time, exp => time + 600, %$claims);

    delete $claims{scope} unless defined $claims{business_id};

    return $gw->keep_secret($keys{$alg}->mint_raw(
        header => $head . ' ' x ($spaces // 0),
        payload => $json->encode(\%claims)));
}

# what the headers are to say

my %want;

sub want {
    my ($token) = @_;

    my $claims = AGW::Token::claims_of($token);

    return join '|', (map { $_ // '' }
        @$claims{qw(partner_id business_id scope jti)}),
        AGW::Token::header_of($token)->{kid},
        map { defined && length() <= 256 ? $_ : '' } @$claims{qw(x last)};
}

sub problem {
    my ($name, $token, $path) = @_;

    my $told = $asker->ask($path, $token);
    my $r = $asker->response;
    my $says = join '|', map { $r->header('X-' . s/_/-/r) // '' } @names;

    return "$name: $told" if $told !~ /^200/;
    return "$name: $says" if $says ne ($want{$token} //= want($token));
    return;
}

my $long = 'i' x 128;
my @tokens = (
    ['small', token('HS256', { business_id => 'b-1' })],
    ['as small as can be', token('HS256', { business_id => 'b',
        partner_id => 'p', jti => 'j' }), '/b/b/x'],
    ['a partner\'s', token('HS256', {}), '/partner'],
    ['an RSA key of 4096 bits', token('RS256', { business_id => 'b-1' })],
    ['ES384, a kid of 128 bytes', token('ES384', { business_id => 'b-1' })],
    ['ids of 128 bytes', token('HS256', { business_id => $long,
        partner_id => 'p' x 128, jti => 'j' x 128 }), "/b/$long/x"],
    ['ids and kid of 128 bytes', token('ES384', { business_id => $long,
        partner_id => 'q' x 128, jti => 'J' x 128 }), "/b/$long/x"],
    ['a scope of 1024 bytes', token('HS256', { business_id => 'b-1',
        scope => 'business_access ' . 's' x 1008 })],
    ['a scope of many words', token('HS256', { business_id => 'b-1',
        scope => join ' ', ('abc') x 252, 'business_access' })],
    ['all of it', token('RS256', { business_id => $long,
        partner_id => 'r' x 128, jti => 'l' x 128, x => 'x' x 256,
        scope => 'business_access ' . 't' x 1008 }), "/b/$long/x"],
    ['claims of 256 and 257 bytes', token('HS256', { business_id => 'b-1',
        x => 'y' x 256, last => 'z' x 257 })],
    ['2000 members', token('HS256', { business_id => 'b-1', last => 'm',
        map { $_ => 1 } 1 .. 700 })],
    (map { ["$_ bytes in all", sized($_)] } 511 .. 513, 1024,
        1025, 2047, 2048, 2049, 4095, 4096, 4097, 8191, 8192),
    ['8192 bytes, an RSA key of 4096 bits', sized(8192, alg => 'RS256')],
    ['8191 bytes, ES384', sized(8191, alg => 'ES384')],
);
my $good = $tokens[0][1];

$gw->good_is(sub {
    return $gw->request('GET', '/b/b-1/x', bearer => $good, quiet => 1)
        ->status == 200;
});

# each alone, several times; then each behind each other one

for (@tokens) {
    my ($name, $token, $path) = @$_;
    my @problems = map { problem($name, $token, $path // '/b/b-1/x') } 1 .. 3;

    ok(!@problems, "D4 $name: right each time")
        or diag(join "\n", @problems);
    $asker->gets("D3 $name: " . (length $token > 2048 ? 'not kept' : 'kept'),
        length $token > 2048 ? '200 miss' : '200 hit', $path // '/b/b-1/x',
        $token);
}

for my $ahead (@tokens) {
    my @problems = map {
        my $one = $_;

        map { problem($_->[0], $_->[1], $_->[2] // '/b/b-1/x') } $one, $ahead
    } @tokens;

    ok(!@problems, "D4 $ahead->[0], and each other by turns")
        or diag(join "\n", map { substr $_, 0, 300 } @problems[0 .. 3]);
}

# those of the size that is usual are kept, however large their neighbours

for my $alg (sort keys %keys) {
    my $token = token($alg, { business_id => 'b-1', x => $alg });

    $asker->ask('/b/b-1/x', $tokens[-2][1]);
    $asker->gets("D3 $alg, behind the largest", $_, '/b/b-1/x', $token)
        for '200 miss stored', '200 hit';
}

# one byte more than is accepted, never kept

for my $alg (sort keys %keys) {
    my $token = sized(8193, alg => $alg);

    for (1, 2) {
        my $told = $asker->ask('/b/b-1/x', $token);

        $gw->refused("P8.15 $alg, 8193 bytes", $asker->response,
            'malformed_token');
        unlike($told, qr/hit|stored/, "P8.15 $alg, 8193 bytes: not kept");
    }
}

$gw->finish;
