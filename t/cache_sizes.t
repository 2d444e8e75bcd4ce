# D3, D4: how many tokens a worker keeps, and how large they may be.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Asker qw(cache_says observed seen);
use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Keys qw(openssl);


# D3: a worker keeps as many tokens as auth_gateway_token_cache says,
# and the one that was not used for longest leaves first.

my $conf = <<'CONF';
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_token_cache ENTRIES;
    keepalive_requests 100000;

    server {
        listen 127.0.0.1:%%PLAIN%%;
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        auth_gateway_require_https off;
        auth_gateway_business_path /b/<business_id>;

        location /b/ {
            root %%PREFIX%%/html;
            add_header X-Who $auth_gateway_partner_id;
            try_files /x =404;
        }
    }
}
CONF

my ($gw, $asker);
my $url = '/b/b-1/x';

# the one directive in http, and nothing else, is different

sub start {
    my ($entries) = @_;

    my $text = defined $entries ? $conf =~ s/ENTRIES/$entries/r
        : $conf =~ s/^.*ENTRIES.*\n//mr;

    $gw = AGW::Gateway->start($text, log_level => 'debug');
    spew($gw->prefix . '/html/x', "x\n", 0644);
    $asker = AGW::Asker->new($gw, port => 'PLAIN');

    return;
}

sub tokens {
    my ($count) = @_;

    return map { $gw->mint(partner_id => "p-$_", business_id => 'b-1') }
        1 .. $count;
}

sub is_kept {
    my ($name, $token) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return $asker->gets("D3 $name: kept", '200 hit', $url, $token);
}

sub is_new {
    my ($name, $token) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return $asker->gets("D3 $name: looked at", '200 miss stored', $url,
        $token);
}

# three

{
    start(3);

    my ($a, $b, $c, $d) = tokens(4);

    is_new("$_->[0] of three", $_->[1]) for ['a', $a], ['b', $b], ['c', $c];
    is_kept('a is used', $a);
    is_new('d takes a place', $d);
    is_kept('a is there', $a);
    is_kept('c is there', $c);
    is_kept('d is there', $d);
    is_new('b had left', $b);
    is_new('and a for it', $a);
    is_new('c for that', $c);
    is_kept('b', $b);
    is_kept('a', $a);
    is_kept('c', $c);
    is_new('d', $d);
    is_kept('a again', $a);
    is_kept('c again', $c);
    is_new('b again', $b);

    # refusals take no place, whatever they are for

    $asker->ask($url, $_) for 'x', substr($a, 0, -1), $gw->mint(
        partner_id => 'p', business_id => 'b-1', secret => 'y' x 40),
        $gw->mint(partner_id => 'p', business_id => 'b-1',
            claims => { iat => time - 9, exp => time - 1 }), undef;
    is_kept('after refusals, a', $a);
    is_kept('after refusals, c', $c);
    is_kept('after refusals, b', $b);

    # a hit that the location refuses is a use like any other

    $asker->gets('D3 a, at another business', '403 wrong_business hit',
        '/b/b-2/x', $a);
    is_new('d, after that', $d);
    is_kept('a', $a);
    is_new('c', $c);
}

# one

{
    start(1);

    my ($a, $b) = tokens(2);

    is_new('a alone', $a);
    is_kept('a alone', $a) for 1 .. 3;
    is_new('b instead', $b);
    is_kept('b instead', $b);
    is_new('a instead', $a);
    is_new('b instead, again', $b);
    is_kept('b instead, again', $b);
}

# whatever the order: as in a list of the last ones used

for my $entries (2, 5, 16) {
    start($entries);

    my @tokens = tokens(2 * $entries + 1);
    my (@kept, %told, @problems);

    srand 7;

    for my $time (1 .. 400) {
        my $i = int(rand() ** 2 * @tokens);
        my $want = grep({ $_ == $i } @kept) ? '200 hit' : '200 miss stored';
        my $told = $asker->ask($url, $tokens[$i]);

        push @problems, "$time: $told, not $want" if $told ne seen($want);
        push @problems, "$time: of another"
            if $asker->response->header('X-Who') ne 'p-' . ($i + 1);
        @kept = ($i, grep { $_ != $i } @kept);
        $#kept = $entries - 1 if @kept > $entries;
        $told{$want}++;
    }

    ok(!@problems, "D3 $entries, 400 requests")
        or diag(join "\n", @problems[0 .. 9]);
    cmp_ok($told{$_}, '>', 50, "D3 $entries, enough that say $_")
        for '200 hit', '200 miss stored';
}

# off: each is looked at each time

{
    start('off');

    my ($a, $b) = tokens(2);

    for ($a, $b, $a, $a, $b, $b) {
        like($asker->ask($url, $_), qr/^200(?: miss)?$/, 'D3 off: not kept');
    }

    my $h2 = $gw->connect_h2;

    for (1 .. 3) {
        $gw->mark;
        is($h2->request('GET', $url,
            headers => [['authorization', "Bearer $a"]])->status, 200,
            'D3 off, HTTP/2');
        unlike(cache_says($gw), qr/hit|stored/, 'D3 off, HTTP/2: not kept')
            if observed();
    }

    $h2->close;
}

# nothing said: some thousands; each worker keeps its own

{
    start(undef);

    my @tokens = tokens(1000);
    my %told;

    $told{ $asker->ask($url, $_) }++ for @tokens, @tokens;
    is_deeply(\%told, observed() ? { '200 miss stored' => 1000,
        '200 hit' => 1000 } : { 200 => 2000 }, 'D3 by default, 1000 are');
}


# P8.15 and D4: tokens of every size that is accepted, to the largest,
# by turns with small ones in a cache of two: each answer is right each time.
# Those of more than 2048 bytes are not kept.

my @names = qw(partner_id business_id scope token_id key_id claim_x
    claim_last);
my $headers = join '', map { '            add_header X-' . s/_/-/r
    . " \$auth_gateway_$_;\n" } @names;

$conf = <<"CONF";
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
$gw = AGW::Gateway->start($conf, log_level => 'debug',
    names => { LONGKID => $kid }, before => sub {
        spew("$_[0]/rsa.pem", $keys{RS256}->form('public, SPKI'), 0644);
        spew("$_[0]/ES384.pem", $keys{ES384}->form('public, SPKI'), 0644);
    });
$asker = AGW::Asker->new($gw);

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
