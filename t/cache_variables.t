# What a worker keeps says the same as the token, and is the same to the byte.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(decode_base64url);
use Math::BigInt;
use Test::More;

use AGW::Asker qw(answer_of seen);
use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Keys;
use AGW::Token qw(b64url);


# D3: variables say the same of a token at first sight, when it is
# kept, when it was kept by another request, and where nothing is kept;
# whatever its claims are, and however they are written.

my @names = (qw(result partner_id business_id scope token_id token_kind
    key_id expires), map { "claim_$_" } qw(iss sub aud exp iat nbf jti
    partner_id client_id scope business_id x y z true false none));
my $headers = join '', map {
    "            add_header X-$_ \$auth_gateway_$_;\n" =~ s/X-\w+/
        join '-', split m{_}, $&/er
} @names;
my $log = join '|', map { "\$auth_gateway_$_" } @names;

my $conf = <<"CONF";
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/key alg=HS256 kid=k1;
    auth_gateway_key %%PREFIX%%/es256.pem kid=k2 verify;
    auth_gateway_issuer https://id.example;
    auth_gateway_audience api;
    auth_gateway_partner_scope read write;
    auth_gateway_token_cache ENTRIES;

    log_format who '\$http_x_n|$log';
    access_log %%PREFIX%%/logs/who.log who;
    large_client_header_buffers 4 32k;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_business_path /b/<business_id>;

        location = /token { auth_gateway_token partner; }

        location /token/ {
            auth_gateway_business_path /token/<business_id>;
            auth_gateway_token business;
        }

        location /b/ {
            auth_gateway_require business owner;
            root %%PREFIX%%/html;
            try_files /x =404;
$headers
        }

        location /open/ {
            auth_gateway_require off;
            root %%PREFIX%%/html;
            try_files /x =404;
$headers
        }
    }
}
CONF

my ($key, $es256) = (AGW::Keys->new('HS256'), AGW::Keys->new('ES256'));
my (%gateways, %askers);

for my $entries ('off', 2) {
    my $gw = AGW::Gateway->start($conf =~ s/ENTRIES/$entries/r,
        log_level => 'debug', before => sub {
            spew("$_[0]/key", $key->{secret}, 0600);
            spew("$_[0]/es256.pem", $es256->form('public, SPKI'), 0644);
        });

    spew($gw->prefix . '/html/x', "x\n", 0644);
    $gateways{$entries} = $gw;
    $askers{$entries} = AGW::Asker->new($gw);
    $gw->keep_secret($key->{secret});
    $gw->business($gw->partner(id => 'p-1', key => 'k' x 22), id => 'b-1');
}

my $gw = $gateways{2};

# what the gateway issues has its own layout

my $own = $gw->request('POST', '/token', basic => ['p-1', 'k' x 22],
    form => 'scope=read%20write')->json->{access_token};
my $owned = $gw->request('POST', '/token/b-1', bearer => $own)
    ->json->{access_token};
my ($head, $partner_json) = map { decode_base64url($_) } split /\./, $own;
my $business_json = decode_base64url((split /\./, $owned)[1]);

# the members of one object as texts, in their order

sub members {
    my ($json) = @_;

    return $json =~ /("\w+":(?:"(?:[^"\\]|\\.)*"|[0-9]+|\[[^]]*\]))[,}]/g;
}

my @members = members($business_json);

cmp_ok(scalar @members, '>=', 9, 'D4 the claims of our own token');

sub object { return '{' . join(',', @_) . '}' }

sub escaped {
    my ($text) = @_;

    return $text =~ s/(?<=[a-z])([a-z])(?=[a-z0-9.-]*"$)/
        sprintf '\\u%04x', ord $1/er;
}

my $with = sub { return object(@members, @_) };
my %payloads = (
    'as issued' => $business_json,
    'a partner\'s, as issued' => $partner_json,
    'a partner\'s, without scope' => object(grep { !/^"scope"/ }
        members($partner_json)),
    'turned around' => object(reverse @members),
    'sorted' => object(sort @members),
    'white space' => object(map { s/^("\w+"):/\n\t $1 : /r . "\r " } @members),
    'a line behind it' => "$business_json\n",
    'a space before it' => " $business_json",
    'escapes' => object(map { escaped($_) } @members),
    'names with escapes' => object(map { s/^"(.)/sprintf '"\\u%04x', ord $1/er
        } @members),
    'slashes escaped' => object(map { s{/}{\\/}gr } @members),
    'no sub, no client_id' => object(grep { !/^"(?:sub|client_id)"/ }
        @members),
    'aud of several' => object(map { s/^"aud":.*/"aud":["x","api"]/r }
        @members),
    'aud of one' => object(map { s/^"aud":.*/"aud":["api"]/r } @members),
    'nbf' => $with->('"nbf":1'),
    'another scope too' => object(map {
        s/^"scope":.*/"scope":"a business_access b"/r } @members),
    'a string' => $with->('"x":"plain text"', '"y":"a;b,c=d\'e"'),
    'strings with escapes' => $with->('"x":"\\u0041\\"\\\\\\/b"',
        '"y":"\\u00e9"', '"z":"a\\nb"'),
    'an empty string' => $with->('"x":""', '"y":" "'),
    '256 bytes, and 257' => $with->('"x":"' . 'x' x 256 . '"',
        '"y":"' . 'y' x 257 . '"'),
    'integers' => $with->('"x":0', '"y":-7', '"z":9007199254740993'),
    'the largest' => $with->('"x":9223372036854775807',
        '"y":-9223372036854775808'),
    'other numbers' => $with->('"x":1.5', '"y":1e3', '"z":-0'),
    'booleans' => $with->('"true":true', '"false":false', '"none":null'),
    'nested' => $with->('"x":{"y":"inner","partner_id":"p-2"}',
        '"z":[1,{"x":"y"}]', '"y":"outer"'),
    'nested to the depth' => $with->('"x":' . '[' x 14 . ']' x 14),
    'unicode' => $with->("\"x\":\"caf\xc3\xa9\"", '"y":"\\ud83d\\ude00"',
        "\"z\":\"\xf0\x9f\x98\x80\""),
    'names in unicode' => $with->("\"\xc3\xa9\":1", '"\\u0078":"by escape"'),
    'many' => $with->(map { "\"c$_\":$_" } 1 .. 200),
    'an array' => $with->('"x":["a"]', '"y":[]', '"z":{}'),
    'what only looks like a claim' => $with->('"x":"\\",\\"partner_id\\":'
        . '\\"p-2"', '"y":"}"'),
);

my %tokens = map { $_ => $key->mint_raw(header => $head,
    payload => $payloads{$_}) } keys %payloads;

$tokens{'issued, a partner\'s'} = $own;
$tokens{'issued, a business\'s'} = $owned;
$tokens{'another header'} = $key->mint_raw(payload => $business_json,
    header => { alg => 'HS256', kid => 'k1' });
$tokens{'ES256'} = $es256->mint_raw(payload => $business_json,
    header => { typ => 'JWT', alg => 'ES256', kid => 'k2' });
$tokens{'ES256, other claims'} = $es256->mint_raw(
    payload => $payloads{'a string'},
    header => { kid => 'k2', alg => 'ES256', typ => 'JWT' });

for my $gateway (values %gateways) {
    $gateway->keep_secret($_) for values %tokens;
}

my $n = 0;

# the variables, in headers; HTTP/1.1 takes a space for none

sub says {
    my ($r) = @_;

    return join '|', map { ($r->header('X-' . join '-', split /_/) // '')
        =~ s/^ $//r } @names;
}

sub variables {
    my ($entries, $token, $path, $want) = @_;

    my $told = $askers{$entries}->ask($path, $token,
        headers => ['X-N: ' . ++$n]);

    return "told $told, not $want" if defined $want && $told ne seen($want);
    return $told if $told !~ /^200/;
    return says($askers{$entries}->response);
}

sub logged {
    my ($entries, $number) = @_;

    for (1 .. 100) {
        my ($line) = AGW::Files::slurp($gateways{$entries}->prefix
            . '/logs/who.log') =~ /^$number\|(.*)$/m;

        return $line if defined $line;
        select undef, undef, undef, 0.02;
    }

    return 'no line';
}

my @all = sort keys %tokens;
my %reference;

for my $name (@all) {
    my $token = $tokens{$name};

    for my $path ('/b/b-1/x', '/open/x') {
        my $reference = variables('off', $token, $path);
        my $line = logged('off', $n);

        unlike($reference, qr/^40/, "D3 $name at $path: it is accepted");
        $reference{$path}{$name} = $reference;

        # the first path sees it, or takes from what is kept

        my @told = length $token > 2048 ? ('200 miss') x 3
            : $path =~ /^.b/ ? ('200 miss stored', '200 hit', '200 hit')
            : ('200 hit', '200 hit');
        my @problems = map {
            my $says = variables(2, $token, $path, $_);
            my $says_log = logged(2, $n);

            (($says eq $reference ? () : "$_: $says, not $reference"),
                ($says_log eq $line ? () : "log, $_: $says_log, not $line"))
        } @told;

        ok(!@problems, "D3 $name at $path: always the same")
            or diag(join "\n", @problems);
    }
}

# some by hand, so that the same is not the same nonsense

sub value { return (split /\|/, $reference{'/b/b-1/x'}{$_[0]}, -1)[$_[1]] }

my %at = map { $names[$_] => $_ } 0 .. $#names;

is(value($_->[0], $at{ $_->[1] }), $_->[2], "D3 $_->[0]: $_->[1]") for
    ['as issued', 'business_id', 'b-1'], ['as issued', 'partner_id', 'p-1'],
    ['escapes', 'claim_iss', 'https://id.example'],
    ['names with escapes', 'claim_iss', 'https://id.example'],
    ['as issued', 'scope', 'business_access'],
    ['as issued', 'token_kind', 'business'], ['as issued', 'key_id', 'k1'],
    ['ES256', 'key_id', 'k2'], ['a partner\'s, as issued', 'scope',
        'read write'], ['a partner\'s, as issued', 'business_id', 'b-1'],
    ['a partner\'s, without scope', 'scope', ''],
    ['strings with escapes', 'claim_x', 'A"\\/b'],
    ['256 bytes, and 257', 'claim_x', 'x' x 256],
    ['256 bytes, and 257', 'claim_y', ''], ['unicode', 'claim_x', ''],
    ['integers', 'claim_y', '-7'], ['booleans', 'claim_false', 'false'],
    ['nested', 'claim_y', 'outer'], ['nested', 'claim_x', ''],
    ['names in unicode', 'claim_x', 'by escape'],
    ['aud of one', 'claim_aud', ''], ['as issued', 'claim_aud', 'api'];

# All by turns, so that each takes the place of one that was otherwise; in
# HTTP/2 many at once.

{
    my @problems;

    srand 11;

    for my $name (map { @all[rand @all] } 1 .. 400) {
        my $path = ('/b/b-1/x', '/open/x')[rand 2];
        my $says = variables(2, $tokens{$name}, $path);

        push @problems, "$name: $says" if $says ne $reference{$path}{$name};
    }

    ok(!@problems, 'D3 by turns: always the same')
        or diag(join "\n", @problems);

    my $h2 = $gw->connect_h2;
    my @streams = map { [$_, $h2->start('GET', '/b/b-1/x',
        headers => [['authorization', "Bearer $tokens{$_}"]])] } @all, @all;

    for (@streams) {
        my ($name, $id) = @$_;
        my $says = says($h2->response($id));

        push @problems, "$name: $says"
            if $says ne $reference{'/b/b-1/x'}{$name};
    }

    ok(!@problems, 'D3 HTTP/2, all at once: always the same')
        or diag(join "\n", @problems);
    $h2->close;
}


# P8.7, P8.13, P4.1: a worker that keeps a token knows it byte for byte.  What
# is sent while nothing is kept is sent again while the token is: each answer
# is the same, and none comes from the cache.

$conf = <<'CONF';
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
$gw = AGW::Gateway->start($conf, log_level => 'debug', before => sub {
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
