# What the variables say in each phase, and $auth_gateway_result for every
# reason.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use Test::More;

use AGW::Files qw(slurp);
use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_issuer https://id.example;
    auth_gateway_audience api;

    log_format who '$http_x_n|$auth_gateway_result|$auth_gateway_partner_id'
        '|$auth_gateway_business_id|$auth_gateway_scope'
        '|$auth_gateway_token_id|$auth_gateway_token_kind'
        '|$auth_gateway_key_id|$auth_gateway_expires'
        '|$auth_gateway_claim_x';
    access_log %%PREFIX%%/logs/who.log who;

    limit_req_zone $auth_gateway_partner_id zone=fast:1m rate=1r/m;
    limit_req_zone $auth_gateway_partner_id zone=slow:1m rate=20r/m;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_require business;

        location = /token {
            auth_gateway_token partner;
        }

        location /mint/ {
            auth_gateway_business_path /mint/<business_id>;
            auth_gateway_token business;
        }

        location /b/ {
            auth_gateway_business_path /b/<business_id>;
            proxy_set_header X-Claim $auth_gateway_claim_x;
            add_header X-Who
                "$auth_gateway_result $auth_gateway_partner_id" always;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /partner/ {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /open/ {
            auth_gateway_require off;
            add_header X-Who
                "$auth_gateway_result $auth_gateway_partner_id" always;
            proxy_set_header X-Partner-Id $auth_gateway_partner_id;
            proxy_set_header Authorization "";
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /open-last/ {
            auth_gateway_require off;
            set $early $auth_gateway_partner_id;
            rewrite ^/open-last/(.*)$ /open/$1 last;
        }

        location /set/ {
            auth_gateway_business_path /set/<business_id>;
            set $early "$auth_gateway_partner_id $auth_gateway_business_id";
            set $decided "x$auth_gateway_result";
            proxy_set_header X-Early $early;
            proxy_set_header X-Decided $decided;
            proxy_set_header X-Late $auth_gateway_result;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /if/ {
            auth_gateway_business_path /if/<business_id>;

            if ($auth_gateway_token_kind = partner) {
                return 418;
            }

            if ($auth_gateway_claim_x = block) {
                return 410;
            }

            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /limited/ {
            auth_gateway_business_path /limited/<business_id>;
            limit_req zone=fast burst=1 nodelay;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /held/ {
            auth_gateway_business_path /held/<business_id>;
            limit_req zone=slow burst=5;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # asked in the first pass, decided in the second

        location /last/ {
            auth_gateway_business_path /last/<business_id>;
            set $early $auth_gateway_partner_id;
            rewrite ^/last/(.*)$ /b/$1 last;
        }

        location /try/ {
            auth_gateway_business_path /try/<business_id>;
            try_files /none /b/b-2/x;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my ($business, $other) = ('b-1', 'b-2');
my %ours = (iss => 'https://id.example', aud => 'api');
my $partner = $gw->partner;
my @basic = ($partner->{id}, $partner->{key});

sub token {
    my (%claims) = @_;

    return $gw->mint(partner_id => 'p-1', business_id => $business,
        claims => { %ours, %claims });
}

# each request has a number, by which its line in the access log is found

my $number = 0;

sub get {
    my ($target, $bearer, %opt) = @_;

    $number++;

    return $gw->request($opt{method} // 'GET', $target, bearer => $bearer,
        %opt, headers => ["X-N: $number", @{ $opt{headers} // [] }]);
}

sub logged {
    for (1 .. 100) {
        my ($line) = slurp($gw->prefix . '/logs/who.log')
            =~ /^$number\|(.*)$/m;

        return $line if defined $line;
        select undef, undef, undef, 0.02;
    }

    return 'no line';
}

sub result { return (split /\|/, logged())[0] }

my $token = token();

$gw->good_is(sub {
    return $gw->request('GET', "/b/$business/x", bearer => $token,
        quiet => 1)->status == 200;
});

# Asserts the reason in the access log beside all that a refusal is.  The
# good request that follows has a line too, so ours is read before.

sub told {
    my ($reason, $response, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $who = logged();

    $gw->refused("D7 $reason", $response, $reason, %opt);

    return like($who, qr/^$reason\|/, "D3 \$auth_gateway_result $reason");
}

# every reason but internal_error, which takes a lack of memory

my $now = time;
my $url = "/b/$business/x";
my $unscoped = $gw->mint(partner_id => $partner->{id}, claims => \%ours);
my $mine = $gw->business($partner);
my $archived = $gw->business($partner, status => 'archived');
my $foreign = $gw->business($gw->partner);
my $disabled = $gw->partner(status => 'disabled');
my %by = (by => 'basic', scope => undef);

get($url, $token);
is(result(), 'ok', 'D3 $auth_gateway_result ok');

told('insecure_transport', get($url, $token, port => 'PLAIN'));
told('ambiguous_path', get("/b/$business/..%2fx", $token));
told('malformed_credentials', get($url, 'x y'));
told('no_credentials', get($url, undef));
told('malformed_token', get($url, 'x'));
told('unknown_key', get($url, $gw->mint(partner_id => 'p-1',
    business_id => $business, claims => \%ours, kid => 'k2')));
told('algorithm_mismatch', get($url, $gw->mint(partner_id => 'p-1',
    business_id => $business, claims => \%ours, alg => 'HS512')));
told('bad_signature', get($url, $gw->mint(partner_id => 'p-1',
    business_id => $business, claims => \%ours, secret => 'x' x 64)));
told('malformed_claims', get($url, token(jti => undef)));
told('wrong_issuer', get($url, token(iss => 'https://id.example/')));
told('wrong_audience', get($url, token(aud => 'web')));
told('expired', get($url, token(iat => $now - 20, exp => $now - 10)));
told('not_yet_valid', get($url, token(nbf => $now + 100)));
told('lifetime_exceeded', get($url, token(exp => $now + 86500)));
told('wrong_kind', get($url, $unscoped));
told('insufficient_scope', get($url, token(scope => 'read')));
told('wrong_business', get("/b/$other/x", $token));
told('no_business_in_path', get('/b/', $token));

told('method_not_allowed', get('/token', undef), %by);
told('invalid_request', get('/token', undef, method => 'POST',
    form => 'x=1&x=2', basic => \@basic), %by);
told('body_not_json', get('/token', undef, method => 'POST',
    body => '{', headers => ['Content-Type: application/json'],
    basic => \@basic), %by);
told('body_too_large', get('/token', undef, method => 'POST',
    form => 'x=' . 'y' x 9000, basic => \@basic), %by);
told('unsupported_grant_type', get('/token', undef, method => 'POST',
    form => 'grant_type=password', basic => \@basic), %by);
told('invalid_scope', get('/token', undef, method => 'POST',
    form => 'scope=admin', basic => \@basic), %by);
told('invalid_client', get('/token', undef, method => 'POST',
    basic => [$partner->{id}, 'x']), %by);

told('unknown_business', get('/mint/none', $unscoped, method => 'POST'));
told('not_owner', get("/mint/$foreign", $unscoped, method => 'POST'));
told('archived_business', get("/mint/$archived", $unscoped,
    method => 'POST'));
told('revoked', get("/mint/$mine", $gw->mint(claims => \%ours,
    partner_id => $disabled->{id}), method => 'POST'));

is(get('/token', undef, method => 'POST', basic => \@basic)->status, 200,
    'D3 a partner token');
is(result(), 'ok', 'D3 $auth_gateway_result ok, of a token location');
is(get("/mint/$mine", $unscoped, method => 'POST')->status, 200,
    'D3 a business token');
like(logged(), qr/^ok\|\Q$partner->{id}\E\|-?\|/,
    'D3 $auth_gateway_result ok, of a business token location');

get('/open/x', $token);
like(logged(), qr/^-?\|p-1\|/, 'D3 nothing is decided where nothing is asked'
    . ' for, and a token is verified where a variable is');

# empty where the token is not verified, whatever it claims

for (['nobody', undef], ['nonsense', 'x.y.z'],
    ['a bad signature', $gw->mint(partner_id => 'p-1', claims => \%ours,
        business_id => $business, secret => 'x' x 64)],
    ['expired', token(x => 'x', iat => $now - 20, exp => $now - 10)],
    ['wrong issuer', token(x => 'x', iss => 'other')],
    ['not yet valid', token(x => 'x', nbf => $now + 100)],
    ['malformed claims', token(x => 'x', partner_id => "p\n1")])
{
    for my $at ($url, '/open/x', '/open-last/x') {
        my $r = get($at, $_->[1]);

        like(logged(), qr/^\w*-?(\|-?){8}$/, "D3 empty: $_->[0] at $at");
        like($r->header('X-Who'), qr/^\w* ?$/, "D3 empty: $_->[0] at $at,"
            . ' in a header') if defined $r->header('X-Who');

        for ($gw->upstream_saw) {
            is($_->{headers}{'x-partner-id'}, undef,
                'D3 empty: no header upstream');
        }
    }
}

# claims

my @claims = (
    ['a string', 'plain text', 'plain text'],
    ['punctuation', q{a;b,c=d'e\\f"g}, q{a;b,c=d'e\\f"g}],
    ['256 bytes', 'y' x 256, 'y' x 256],
    ['257 bytes', 'y' x 257, undef],
    ['an empty string', '', undef],
    ['an integer', 42, '42'],
    ['a negative integer', -7, '-7'],
    ['true', JSON::true(), 'true'],
    ['false', JSON::false(), 'false'],
    ['a float', 1.5, undef],
    ['absent', undef, undef],
    ['an object', { a => 1 }, undef],
    ['an array', ['a'], undef],
    ['CR LF', "a\r\nX-Business-Id: b-2", undef],
    ['LF', "a\nX: y", undef],
    ['CR', "a\rb", undef],
    ['tab', "a\tb", undef],
    ['DEL', "a\x7fb", undef],
    ['escape', "a\x1b[2J", undef],
    ['not ASCII', "caf\x{e9}", undef],
);

for (@claims) {
    my ($name, $value, $want) = @$_;
    my $r = get($url, token(x => $value));
    my @saw = $gw->upstream_saw;

    is_deeply([$r->status, map { $_->{headers}{'x-claim'} } @saw],
        [200, defined $want ? [$want] : undef], "D3 a claim: $name");
    unlike($saw[0]{head}, qr/^X(-Business-Id)?:/mi,
        "D3 a claim: $name, is no other header");

    my ($last) = logged() =~ /\|([^|]*)$/;
    my $written = ($want // '-')
        =~ s/(["\\])/sprintf '\\x%02X', ord $1/ger;

    is($last, $written, "D3 a claim: $name, in the log");
}

{
    my %claims = (%{ AGW::Token::claims_for(partner_id => 'p-1',
        business_id => $business, claims => \%ours) }, x => undef);
    my $null = $gw->mint_raw(header => { typ => 'JWT', alg => 'HS256',
        kid => 'k1' }, payload => \%claims);

    is(get($url, $null)->status, 200, 'D3 a claim: null itself');
    is(($gw->upstream_saw)[0]{headers}{'x-claim'}, undef,
        'D3 a claim: null itself is empty');
}

# in the rewrite phase: verified, and not yet decided

{
    is(get("/set/$business/x", $token)->status, 200, 'D3 set');

    my ($seen) = $gw->upstream_saw;

    is_deeply([@{ $seen->{headers} }{qw(x-early x-decided x-late)}],
        [["p-1 $business"], ['x'], ['ok']],
        'D3 set: an identity, no result before the decision');
}

is(get("/if/$business/x", $unscoped)->status, 418, 'D3 if, by kind');
is(get("/if/$business/x", token(x => 'block'))->status, 410,
    'D3 if, by a claim');
is(get("/if/$business/x", token(x => 'go'))->status, 200, 'D3 if, not');
told('no_credentials', get("/if/$business/x", undef));
told('wrong_business', get("/if/$other/x", $token));

# in add_header

is(get($url, $token)->header('X-Who'), 'ok p-1', 'D3 add_header');
is(get("/b/$other/x", $token)->header('X-Who'), 'wrong_business p-1',
    'D3 add_header, of a refusal');

# in the preaccess phase: each partner has a measure of its own

{
    my $second = $gw->mint(partner_id => 'p-2', business_id => $business,
        claims => \%ours);

    is_deeply([map { get("/limited/$business/x", $_)->status }
        $token, $token, $token, $second, $token, $second, $second],
        [200, 200, 503, 200, 503, 200, 503],
        'D3 limit_req, one partner is throttled and another is not');
    is(get("/limited/$business/x", undef)->status, 401,
        'D3 limit_req, nobody is not counted, and refused');
    is(get("/limited/$business/x", token() . 'x')->status, 401,
        'D3 limit_req, nor counted as p-1 with a token of somebody\'s own');
}

# The second look at time: verified before limit_req held the request for
# some seconds, expired when it was decided.

{
    is(get("/held/$business/x", $token)->status, 200, 'D3 held, the first');

    my $short = token(iat => time, exp => time + 2);
    my $r = get("/held/$business/x", $short, timeout => 20);
    my $who = logged();

    $gw->refused('D3 held, a token that expired meanwhile', $r, 'expired',
        kid => 'k1', partner => 'p-1');
    like($who, qr/^expired\|p-1\|/, 'D3 held, had been verified before');
}

# an internal redirect starts anew

$gw->refused('D3 rewrite last, another business is refused',
    get("/last/$other/x", $token), 'wrong_business');
is(get("/last/$business/x", $token)->header('X-Who'), 'ok p-1',
    'D3 rewrite last, decided once');

{
    my $r = get("/try/$business/x", $token);

    is(result(), 'wrong_business',
        'D3 try_files, the decision that counts is the last');
    is($r->header('X-Who'), 'wrong_business p-1',
        'D3 try_files, in a header too');
    $gw->refused('D3 try_files, allowed first and refused then', $r,
        'wrong_business');
}

# one connection, several requests: nothing is left of the one before

{
    my $client = $gw->connect;

    my @who = map {
        $client->request('GET', $_->[0], headers =>
            [$_->[1] ? AGW::Gateway::bearer($_->[1]) : ()])
            ->header('X-Who') =~ s/^ | $//gr;
    } [$url, $token], [$url], ['/open/x', $token], [$url, $unscoped],
        [$url, $token];

    is_deeply(\@who, ['ok p-1', 'no_credentials', 'p-1',
        "wrong_kind $partner->{id}", 'ok p-1'],
        'D3 kept connection, each request for itself');
}

# the store is lost at the end

$gw->lose_store;
told('store_unavailable', get('/token', undef, method => 'POST',
    basic => \@basic), %by);

$gw->finish;
