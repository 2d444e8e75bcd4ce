# P8.7, P8.13, P4.1: a worker that keeps a token knows it byte for byte.  What
# is sent while nothing is kept is sent again while the token is: each answer
# is the same, and none comes from the cache.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Math::BigInt;
use MIME::Base64 qw(decode_base64url);
use Test::More;

use AGW::Asker qw(answer_of seen);
use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Keys;
use AGW::Token qw(b64url);

my $conf = <<'CONF';
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=HS256;
    auth_gateway_key %%PREFIX%%/RS256.pem kid=RS256 verify;
    auth_gateway_key %%PREFIX%%/ES256.pem kid=ES256 verify;
    auth_gateway_key %%PREFIX%%/EdDSA.pem kid=EdDSA verify;
    keepalive_requests 100000;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        auth_gateway_business_path /b/<business_id>;

        location /b/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my @algs = qw(HS256 RS256 ES256 EdDSA);
my %keys = map { $_ => AGW::Keys->new($_) } @algs;
my $gw = AGW::Gateway->start($conf, log_level => 'debug', before => sub {
    spew("$_[0]/$_.pem", $keys{$_}->form('PKCS#8'), 0600)
        for grep { $_ ne 'HS256' } @algs;
});
my $asker = AGW::Asker->new($gw);
my $url = '/b/b-1/x';

$keys{HS256}{secret} = $gw->{secret};

sub token {
    my ($alg, %opt) = @_;

    return $gw->keep_secret($keys{$alg}->mint(kid => $alg,
        partner_id => 'p-1', business_id => 'b-1', %opt));
}

# another digit of base64url in that place

sub with_other {
    my ($text, $at, $digit) = @_;

    my $old = substr $text, $at, 1;

    $digit //= $old eq '.' ? 'A' : $old =~ /[A-Za-z]/ ? $old ^ ' '
        : $old eq 'A' ? 'B' : 'A';
    substr $text, $at, 1, $digit;

    return $text;
}

# the other spelling of an ECDSA signature: n - s

sub twin {
    my ($signed, $signature) = @_;

    my $n = Math::BigInt->from_hex('ffffffff00000000ffffffffffffffff'
        . 'bce6faada7179e84f3b9cac2fc632551');
    my ($r, $s) = unpack 'H64 H64', decode_base64url($signature);

    return "$signed." . b64url(pack 'H64 H64', $r, sprintf '%064s',
        substr $n->bsub(Math::BigInt->from_hex($s))->as_hex, 2);
}

# what is like a token, [name, scheme and token], and what is like another's

sub likenesses {
    my ($alg, $token, $other) = @_;

    my ($head, $body, $signature) = split /\./, $token;
    my ($head2, $body2, $signature2) = split /\./, $other;
    my $size = length $token;
    my %texts = (
        'a byte more' => "${token}A", 'another byte more' => "${token}_",
        'padded' => "$token=", 'padded twice' => "$token==",
        'a byte before' => "A$token", 'a dot more' => "$token.",
        'a dot before' => ".$token", 'a part more' => "$token.$signature",
        'twice' => $token . $token, 'upper case' => uc $token,
        'the first byte gone' => substr($token, 1),
        'two dots' => "$head..$body.$signature",
        'the signature alone' => "..$signature",
        'no header' => ".$body.$signature",
        'no payload' => "$head..$signature",
        'no signature' => "$head.$body.", 'no third part' => "$head.$body",
        'another signature' => "$head.$body.$signature2",
        'another payload' => "$head.$body2.$signature",
        'another header' => "$head2.$body.$signature",
        'all but the signature' => "$head2.$body2.$signature",
        'a long payload' => "$head.${body}AAAA.$signature",
        'a short payload' => "$head." . substr($body, 4) . ".$signature",
        'parts exchanged' => "$body.$head.$signature",
        'a header of another place' => b64url('{"kid":"' . $alg
            . qq(", "alg":"$alg","typ":"JWT"})) . ".$body.$signature",
        'a payload of as many bytes' => "$head." . ('A' x length $body)
            . ".$signature",
        'claims of somebody else' => "$head." . b64url(decode_base64url($body)
            =~ s/"b-1"/"b-2"/r) . ".$signature",
    );

    $texts{"cut by $_"} = substr $token, 0, -$_ for 1 .. 5, 16, 17, 20;
    $texts{"byte $_ from the end"} = with_other($token, $size - $_)
        for 1 .. 20;
    $texts{"byte $_ from the end, an A"} = with_other($token, $size - $_,
        substr($token, -$_, 1) eq 'A' ? 'Q' : 'A') for 1 .. 20;
    $texts{"byte $_"} = with_other($token, $_)
        for 0 .. 3, map { $_ * 11 } 1 .. int(($size - 21) / 11);

    return map { [$_, "Bearer $texts{$_}"] } sort keys %texts;
}

# the same token, written otherwise around it: 200, or how it is refused

sub spellings {
    my ($token) = @_;

    return ['lower case', "bearer $token", 200],
        ['upper case', "BEARER $token", 200],
        ['two spaces', "Bearer  $token", 200],
        ['many spaces', 'Bearer' . ' ' x 50 . $token, 200],
        ['a tab', "Bearer\t$token"], ['no space', "Bearer$token"],
        ['a word more', "Bearer $token x"], ['a comma', "Bearer $token,"],
        ['quoted', "Bearer \"$token\""], ['no scheme', $token],
        ['another scheme', "Basic $token"],
        ['a name', "Bearer token=$token"];
}

sub told {
    my ($text) = @_;

    return $asker->ask($url, $text, scheme => '');
}

sub told_h2 {
    my ($h2, $text) = @_;

    $gw->mark;

    return answer_of($gw, $h2->request('GET', $url,
        headers => [['authorization', $text]]));
}

my $good = token('HS256');

$gw->good_is(sub {
    return $gw->request('GET', $url, bearer => $good, quiet => 1)->status
        == 200;
});

for my $alg (@algs) {
    my $token = token($alg);
    my $other = token($alg, header => { x => 1 });
    my @like = likenesses($alg, $token, $other);
    my @spelled = spellings($token);
    my $h2 = $gw->connect_h2;
    my %before;

    # nothing is kept

    $before{$_->[0]} = told($_->[1]) for @like,
        grep { !$_->[2] } @spelled;

    my @problems = map { "$_->[0]: $before{$_->[0]}" } grep {
        $before{$_->[0]} !~ /^401\ (?:malformed_token|malformed_claims|
            bad_signature|unknown_key|algorithm_mismatch)(?:\ miss)?$/x
    } @like;

    ok(!@problems, "P4.2 $alg, each is refused, and not kept")
        or diag(join "\n", @problems);

    # both are

    for ($token, $other) {
        $asker->gets("P4.1 $alg, at first sight", '200 miss stored', $url,
            $_);
        $asker->gets("P4.1 $alg, kept", '200 hit', $url, $_);
    }

    my @problems_h2;

    for (@like, grep { !$_->[2] } @spelled) {
        my ($name, $text) = @$_;
        my $now = told($text);
        my $now_h2 = $text =~ /\t/ ? $now : told_h2($h2, $text);

        push @problems, "$name: $now, was $before{$name}"
            if $now ne $before{$name};
        push @problems_h2, "$name: $now_h2, was $before{$name}"
            if $now_h2 ne $before{$name};
    }

    ok(!@problems, "P4.2 $alg, @{[scalar @like]} that are like it")
        or diag(join "\n", @problems);
    ok(!@problems_h2, "P4.2 $alg, over HTTP/2 too")
        or diag(join "\n", @problems_h2);

    for (grep { $_->[2] } @spelled) {
        is(told($_->[1]), seen('200 hit'), "P4.1 $alg, $_->[0]: the token");
        is(told_h2($h2, $_->[1]), seen('200 hit'),
            "P4.1 $alg, $_->[0]: over HTTP/2 too");
    }

    $asker->gets("P4.1 $alg, kept as before", '200 hit', $url, $_)
        for $token, $other;

    # one refusal of each kind as a whole

    for (['its last byte', with_other($token, length($token) - 1)],
        ['its first byte', with_other($token, 0)],
        ['its signature\'s first byte',
            with_other($token, rindex($token, '.') + 1)])
    {
        my ($status, $reason, $cache) = split / /, told("Bearer $_->[1]");

        $reason = 'bad_signature' if $status != 401;
        $gw->refused("P8.7 $alg, $_->[0]", $asker->response, $reason);
        isnt($cache, 'hit', "P8.7 $alg, $_->[0]: not from the cache");
    }

    $h2->close;
}

# The twin is a token too, and another one: it is kept beside its brother.

{
    my $token = token('ES256');
    my $twin = $gw->keep_secret(twin($token =~ /^(.*)\.([^.]*)$/));

    for ($token, $twin) {
        $asker->gets('P8.13 one of two spellings', '200 miss stored', $url,
            $_);
    }

    $asker->gets('P8.13 both are kept', '200 hit', $url, $_)
        for $token, $twin, $token, $twin;
    is(told("Bearer $twin="), told("Bearer $token="),
        'P8.7 and padded, neither is');
    like(told("Bearer $twin="), qr/^401 malformed_token/,
        'P8.7 padded, it is malformed');
}

# two tokens that differ in one byte of their payload, each with its own
# signature: each is itself

{
    my %now = (iat => int time, exp => int(time) + 600);
    my @tokens = map { token('HS256', claims => { %now, jti => $_ }) }
        'jti-0', 'jti-1';

    $asker->gets('P4.1 one of two that are alike', $_, $url, $tokens[0])
        for '200 miss stored', '200 hit';
    $asker->gets('P4.1 the other', $_, $url, $tokens[1])
        for '200 miss stored', '200 hit';
    $asker->gets('P4.1 the one again', '200 hit', $url, $tokens[0]);
}

$gw->finish;
