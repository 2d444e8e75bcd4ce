# D3, D4: how many tokens a worker keeps, and how large they may be; whether it
# keeps any, nobody can tell.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes ();

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


# D3: a gateway that keeps six tokens and one that keeps none are asked the
# same, by chance: tokens good and bad, some that end or are revoked on the
# way, servers, locations.  Nobody can tell them apart.

@names = qw(result partner_id business_id scope token_id token_kind
    key_id expires claim_x);
$headers = join '', map { '        add_header X-' . s/_/-/gr
    . " \$auth_gateway_$_ always;\n" } @names;

$conf = <<"CONF";
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/hs.key alg=HS256 kid=k1;
    auth_gateway_key %%PREFIX%%/es256.pem kid=k2 verify;
    auth_gateway_issuer https://id.example;
    auth_gateway_leeway 1s;
    auth_gateway_require_https off;
    auth_gateway_token_cache ENTRIES;
    keepalive_requests 100000;

    server {
        listen 127.0.0.1:%%PLAIN%%;
        server_name one;

        auth_gateway_business_path /b/<business_id>;
        root %%PREFIX%%/html;
$headers
        location /b/ { auth_gateway_require business owner;
            try_files /x =404; }
        location /b/b-1/deep { auth_gateway_require business;
            auth_gateway_scope deep; try_files /x =404; }
        location /p { auth_gateway_require partner; try_files /x =404; }
        location /o { auth_gateway_require off; try_files /x =404; }
        location /r { auth_gateway_require off; try_files /none /b/b-1/x; }
        location = /revoke { auth_gateway_revoke token; }
    }

    server {
        listen 127.0.0.1:%%PLAIN%%;
        server_name two;

        auth_gateway_key %%PREFIX%%/other.key alg=HS256 kid=k1;
        auth_gateway_key %%PREFIX%%/es256.pem kid=k2 verify issuer=urn:x;
        auth_gateway_business_path /b/<business_id>;
        auth_gateway_audience api;
        root %%PREFIX%%/html;
$headers
        location /b/ { auth_gateway_require business; try_files /x =404; }
        location /p { auth_gateway_require partner; try_files /x =404; }
        location /o { auth_gateway_require off; try_files /x =404; }
        location /r { auth_gateway_require off; try_files /none /b/b-1/x; }
    }
}
CONF

%keys = (hs => AGW::Keys->new('HS256'), other => AGW::Keys->new('HS256'),
    es256 => AGW::Keys->new('ES256'));
my @askers;

for my $entries (6, 'off') {
    my $gw = AGW::Gateway->start($conf =~ s/ENTRIES/$entries/r,
        log_level => 'debug', before => sub {
            spew("$_[0]/$_.key", $keys{$_}{secret}, 0600) for qw(hs other);
            spew("$_[0]/es256.pem", $keys{es256}->form('PKCS#8'), 0600);
        });

    spew($gw->prefix . '/html/x', "x\n", 0644);
    $gw->business($gw->partner(id => 'p-1', key => 'k' x 22), id => 'b-1');
    push @askers, { gw => $gw, map { $_ => AGW::Asker->new($gw,
        port => 'PLAIN', host => $_) } qw(one two) };
}

sub one_of { return $_[rand @_] }

my $made = 0;

# a token by chance; more than half of them are good somewhere

sub make_token {
    my $key = one_of(qw(hs hs hs other es256));
    my $now = time;
    my %claims = (partner_id => one_of(qw(p-1 p-1 p-2)), iat => $now - 1,
        exp => $now + one_of(0, 1, 2, 600, 600, 600), jti => 'j-' . ++$made,
        x => "x-$made", iss => one_of(('https://id.example') x 6, 'urn:x'));

    if (rand > 0.3) {
        $claims{business_id} = one_of(qw(b-1 b-1 b-2));
        $claims{scope} = one_of('business_access', 'business_access deep',
            'deep', 'other business_access');
    }

    $claims{aud} = one_of('api', ['x', 'api'], 'x') if rand > 0.5;
    $claims{nbf} = $now + one_of(0, 1, 2) if rand > 0.8;
    delete $claims{ one_of(qw(jti exp iat)) } if rand > 0.95;

    my $token = $keys{$key}->mint_raw(payload => \%claims, header => {
        alg => $keys{$key}->alg, typ => 'JWT',
        kid => $key eq 'es256' ? 'k2' : one_of(('k1') x 15, 'k9') });

    substr $token, rand(length $token), 1, one_of('A' .. 'Z', 0 .. 9, '.')
        if rand > 0.9;
    $_->{gw}->keep_secret($token) for @askers;

    return $token;
}

# what one is answered: everything but whether it was kept

sub answer {
    my ($at, $host, $path, $token) = @_;

    my $told = $at->{$host}->ask($path, $token) =~ s/ (?:hit|miss|stored)//gr;
    my $r = $at->{$host}->response;

    return join '|', $told, (map { $r->header('X-' . s/_/-/gr) // '-' }
        @names), map { $_ // '-' } $r->header('WWW-Authenticate'), $r->body;
}

my $seed = $ENV{AGW_SEED} // 7519;
my (@problems, %said, $hits);

@tokens = ();

srand $seed;

my @paths = qw(/b/b-1/x /b/b-1/x /b/b-1/deep /b/b-2/x /b/none/x /p /o /o /r);

for my $time (1 .. 1200) {
    my $token;

    # of a few at a time, the newer ones more often

    push @tokens, make_token() if @tokens < 6 || rand > 0.97;
    shift @tokens if @tokens > 12;
    $token = $tokens[rand @tokens];

    my ($host, $path) = (one_of(qw(one one two)), one_of(@paths));

    if (rand > 0.985) {
        for (@askers) {
            $_->{one}->ask('/revoke', undef, method => 'POST',
                headers => [AGW::Gateway::basic('p-1', 'k' x 22),
                    'Content-Type: application/x-www-form-urlencoded'],
                body => "token=$token");
        }
    }

    # both in one second of the clock

    my (@says, $second);

    do {
        $second = int Time::HiRes::time();
        @says = map { answer($_, $host, $path, $token) } @askers;
    } until $second == int Time::HiRes::time();

    Time::HiRes::sleep(0.003);
    $hits++ if $askers[0]{gw}->log_text =~ /token cache: hit/;
    $said{ (split /\|/, $says[0])[0] }++;
    push @problems, "$time, $host$path: $says[0], not $says[1]"
        if $says[0] ne $says[1];
}

ok(!@problems, "D3 nobody can tell them apart (AGW_SEED=$seed)")
    or diag(join "\n", grep { defined } @problems[0 .. 4]);

note(explain(\%said), "hits: ", $hits // 0);

for ('200', '401 expired', '401 revoked', '401 bad_signature',
    '403 wrong_kind', '403 wrong_business', '401 wrong_issuer')
{
    ok($said{$_}, "D3 some were answered $_") or diag(explain(\%said));
}

cmp_ok($hits // 0, '>', 150, 'D3 and many were kept') if observed();

$gw->finish;
