# D3: variables say the same of a token at first sight, when it is
# kept, when it was kept by another request, and where nothing is kept;
# whatever its claims are, and however they are written.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(decode_base64url);
use Test::More;

use AGW::Asker qw(seen);
use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Keys;

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
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
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

$gw->finish;
