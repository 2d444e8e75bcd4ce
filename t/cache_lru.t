# D3: a worker keeps as many tokens as auth_gateway_token_cache says,
# and the one that was not used for longest leaves first.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Asker qw(cache_says observed seen);
use AGW::Files qw(spew);
use AGW::Gateway;

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

$gw->finish;
