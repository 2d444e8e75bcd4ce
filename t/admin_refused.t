# P11.1: what an administrator sends is checked: unknown members, wrong types,
# ids outside the grammar, a page that does not exist.  The error names the
# member and what is accepted, and nothing has changed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Admin;
use AGW::Files qw(slurp);

my $admin = AGW::Admin->start;
my $long = 'x' x 129;

sub ask { return $admin->ask(@_) }

sub refuses {
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return $admin->refuses(@_);
}

ask('PUT', 'partners/p-1', { name => 'One' });
ask('PUT', 'businesses/b-1', { partner_id => 'p-1' });

my $key_id = ask('POST', 'partners/p-1/keys')->json->{key_id};
my $key = "partners/p-1/keys/$key_id";
my $before = ask('GET', 'export')->{body};
my @written = $admin->written;

$admin->mark;

# bodies: method, path, body, member, what is accepted

my $scope = qr/must be an array of different scope words/;
my $id = qr/must be 1 to 128 characters/;
my $time = qr/must be an integer, Unix seconds before the year 2200/;
my $not_here = qr/is not accepted here/;

for (
    ['POST', 'partners', '{"Name":"x"}', 'Name', $not_here],
    ['POST', 'partners', '{"partner_id":"x"}', 'partner_id', $not_here],
    ['PUT', 'partners/p-2', '{"key_sha256":"x"}', 'key_sha256', $not_here],
    ['PATCH', 'partners/p-1', '{"partner_id":"p-2"}', 'partner_id',
        $not_here],
    ['PUT', 'partners/p-2', '{"partner_id":"p-3"}', 'partner_id',
        qr/must be that of the path/],
    (map { ['PUT', 'partners/p-2', qq({"status":$_}), 'status',
        qr/must be active or disabled/] } qw(1 null true [] {} "Active"),
        '"archived"', '""', '"active "'),
    (map { ['PUT', 'partners/p-2', qq({"name":$_}), 'name',
        qr/must be a string of 1 to 256 bytes/] } qw(1 true [] {}), '""',
        '"a\\u0001b"', '"' . 'x' x 257 . '"', '"' . "\xc3\xa9" x 129 . '"'),
    (map { ['PUT', 'partners/p-2', qq({"scopes":$_}), 'scopes', $scope] }
        qw(1 "a" {} [1] [""] [null]), '["a","a"]', '["a b"]', '["\\"" ]',
        '["' . join('","', map { $_ x 200 } 'a' .. 'f') . '"]'),
    ['POST', 'businesses', '{}', 'partner_id', $id],
    ['POST', 'businesses', '{"partner_id":"p-9"}', 'partner_id',
        qr/must be that of a partner that exists/],
    (map { ['PUT', 'businesses/b-2', qq({"partner_id":$_}), 'partner_id',
        $id] } qw(1 null [] ""), '"a b"', '"a/b"', '"a:b"', qq("$long"),
        qq("\xc3\xa9")),
    ['PATCH', 'businesses/b-1', '{"partner_id":"p-9"}', 'partner_id',
        qr/must be that of a partner that exists/],
    ['PATCH', 'businesses/b-1', '{"status":"disabled"}', 'status',
        qr/must be active or archived/],
    ['PATCH', 'businesses/b-1', '{"name":"x"}', 'name', $not_here],
    ['PUT', 'businesses/b-2', '{"business_id":"b-1","partner_id":"p-1"}',
        'business_id', qr/must be that of the path/],
    (map { ['POST', 'partners/p-1/keys', qq({"expires_at":$_}),
        'expires_at', $time] } qw("1" 1.5 1e3 true -1 0 7258118401
        1700000000000 99999999999)),
    (map { ['POST', 'partners/p-1/keys', qq({"not_before":$_}),
        'not_before', $time] } qw("1" null 1.5 -1 7258118401)),
    ['POST', 'partners/p-1/keys', '{"not_before":9,"expires_at":9}',
        'expires_at', qr/after not_before/],
    ['POST', 'partners/p-1/keys', '{"key_id":"mine"}', 'key_id', $not_here],
    ['PATCH', $key, '{"created_at":1}', 'created_at', $not_here],
    ['PATCH', $key, '{"last_used_at":1}', 'last_used_at', $not_here],
    ['PATCH', $key, '{"expires_at":0}', 'expires_at', qr/after not_before/],
    (map { ['POST', "$key/roll", qq({"grace":$_}), 'grace',
        qr/must be seconds/] } qw("1" -1 1.5 null 99999999999)),
    ['POST', "$key/roll", '{"name":"x"}', 'name', $not_here],
    ['POST', "$key/end", '{"grace":1}', 'grace', $not_here],
    (map { ['POST', 'revocations', qq({"kind":$_,"id":"p-1"}), 'kind',
        qr/must be token, owner, partner or business/] } qw(1 "all" ""),
        '"Partner"'),
    ['POST', 'revocations', '{"kind":"partner"}', 'id', qr/must be the id/],
    ['POST', 'revocations', '{"id":"p-1"}', 'kind', qr/must be token/],
    (map { ['POST', 'revocations', qq({"kind":"token","id":$_}), 'id',
        qr/must be the id/] } qw("p-1" "p-1:" ":x" 1 ""), '"p-1:a b"'),

    # What stood behind a token's id, as old rows have it, went into the log of
    # the administration: a line that nobody wrote, and more than its memory had
    # room for.

    (map { ['POST', 'revocations', qq({"kind":"token","id":"p-1:j-1:$_"}),
        'id', qr/must be the id/] } 'b-1', '', 'x' x 300_000,
        'x\",\"result\":\"done\"}\n{\"time\":1,\"uid\":0'),
    ['POST', 'revocations', '{"kind":"owner","id":"p-1"}', 'id',
        qr/must be the id/],
    ['POST', 'revocations', '{"kind":"partner","id":"a:b"}', 'id',
        qr/must be the id/],
    ['PUT', 'partners/p-2', '{"a b<script>":1}', '', $not_here],
    ['PUT', 'partners/p-2', qq({"$long":1}), '', $not_here],
) {
    my ($method, $path, $body, $member, $accepted) = @$_;

    refuses("P11.1 $method $path " . substr($body, 0, 60),
        ask($method, $path, $body), 'invalid_request', member => $member,
        accepted => $accepted);
}

# no object

for (
    ['{"name":"a","name":"b"}', 'name', qr/a repeated member/],
    ['{"scopes":[{"a":1,"a":2}]}', 'a', qr/a repeated member/],
    ['{"a b":1,"a b":2}', '', qr/a repeated member/],
    ['', ''], ['[]', ''], ['1', ''], ['null', ''], ['{', ''], ['{}x', ''],
    ["{\"name\":\"\xff\"}", ''], ['{"name":"a\\u0000b"}', ''],
    ["{}\0", ''], ['{"x":' . '[' x 20 . ']' x 20 . '}', ''],
    ['{"expires_at":99999999999999999999999}', ''], ["\xef\xbb\xbf{}", ''],
) {
    my ($body, $member, $accepted) = @$_;

    next if $body eq '';
    refuses('P11.1 a body: ' . substr($body, 0, 40) =~ s/[^ -~]/?/gr,
        ask('PUT', 'partners/p-2', $body), 'body_not_json',
        member => $member, accepted => $accepted // qr/must be one object/);
}

for my $type ('', 'text/plain', 'application/x-www-form-urlencoded',
    'application/x-ndjson', 'application/jsonx')
{
    refuses("P11.1 Content-Type '$type'", ask('PUT', 'partners/p-2', '{}',
        type => $type), 'unsupported_media_type',
        accepted => qr{must be application/json});
}

refuses('P11.1 the type of an import', ask('POST', 'import', '{}'),
    'unsupported_media_type', accepted => qr{must be application/x-ndjson});

# an import of empty lines took memory for a record each: 200 MB

{
    my $most = 0;

    for ("\n" x 1_048_576, "{}\n" x 300_000) {
        ask('POST', 'import', $_, type => 'application/x-ndjson');
    }

    for ($admin->nginx->workers) {
        my ($peak) = slurp("/proc/$_/status") =~ /^VmHWM:\s+(\d+)/m;

        $most = $peak if $peak > $most;
    }

    cmp_ok($most, '<', 120 * 1024, 'P11.5 lines without a record take no room')
        unless $ENV{AGW_PRELOAD};
}

# one that is long

{
    my $most = 1048576;
    my $body = '{"name":"x"}' . ' ' x ($most - 12);

    is(ask('PATCH', 'partners/p-1', $body)->status, 200,
        'P11.1 a body of 1 MB');
    ask('PATCH', 'partners/p-1', { name => 'One' });
    $admin->mark;
    refuses('P11.1 one byte more', ask('PATCH', 'partners/p-1', "$body "),
        'body_too_large', accepted => qr/larger than 1048576 bytes/);
}

# queries: path, member, what is accepted

for (
    (map { ["partners?limit=$_", 'limit', qr/must be a number from 1 to 1000/] }
        qw(0 1001 -1 x 1.5 99999999999999999999), ''),
    (map { ["businesses?after=$_", 'after',
        qr/must be that of the page before/] } '', 'a%20b', 'a/b', $long),
    (map { ["revocations?after=$_", 'after',
        qr/must be that of the page before/] } '', 'x', '-1', '1.5',
        '99999999999999999999'),
    (map { ["export?after=$_", 'after', qr/must be that of the page before/] }
        '', 'p-1', 'partner', 'partner:', 'key:a', 'partner:a b'),
    ['partners?status=archived', 'status', qr/must be active or disabled/],
    ['businesses?status=disabled', 'status', qr/must be active or archived/],
    ['businesses?partner_id=a%2fb', 'partner_id', $id],
    ['revocations?kind=all', 'kind', qr/must be token/],
    ['partners?partner_id=p-1', 'partner_id', qr/not accepted here/],
    ['partners?Limit=1', 'Limit', qr/not accepted here/],
    ['partners?x', 'x', qr/not accepted here/],
    ['partners?<script>=1', '', qr/not accepted here/],
    ['partners?limit=1&limit=1', 'limit', qr/twice/],
    ['partners/p-1?limit=1', 'limit', qr/not accepted here/],
    ['export?kind=token', 'kind', qr/not accepted here/],
) {
    my ($path, $member, $accepted) = @$_;

    refuses('P11.1 GET ' . substr($path, 0, 60), ask('GET', $path =~ s/ /%20/gr),
        'invalid_request', member => $member, accepted => $accepted);
}

refuses('P11.5 dry_run is 1', ask('POST', 'import?dry_run=yes', '',
    type => 'application/x-ndjson'), 'invalid_request', member => 'dry_run',
    accepted => qr/must be 1/);

# paths

refuses("P11.2 GET $_", ask('GET', $_), 'unknown_object') for
    'partner', 'partners/p-9', 'partners/p-9/keys', 'partners/p-1/keys/x',
    'partners/p-1/key', 'partners/a%20b', 'partners/a%3ab',
    "partners/$long", 'businesses/b-9', 'businesses/b-1/keys',
    'revocations/1', 'export/x', 'Partners', '/admin/', 'partners/p-1/keys/x/y';

refuses("P11.2 $_->[0] $_->[1]", ask(@$_, {}), 'unknown_object') for
    ['PATCH', 'partners/p-9'], ['PATCH', 'businesses/b-9'],
    ['POST', 'partners/p-9/keys'], ['PATCH', 'partners/p-1/keys/x'],
    ['POST', 'partners/p-1/keys/x/roll'], ['POST', 'partners/p-1/keys/x/end'];
refuses('P11.2 DELETE of no key', ask('DELETE', 'partners/p-1/keys/x'),
    'unknown_object');

refuses("P0.3 $_->[0] $_->[1]", ask($_->[0], $_->[1]), 'method_not_allowed',
    allow => $_->[2]) for
    ['DELETE', 'partners/p-1', 'GET, PUT, PATCH'],
    ['PUT', 'partners', 'GET, POST'],
    ['OPTIONS', 'businesses', 'GET, POST'],
    ['GET', "$key/roll", 'POST'], ['GET', "$key/end", 'POST'],
    ['PUT', $key, 'GET, PATCH, DELETE'],
    ['DELETE', 'revocations', 'GET, POST'],
    ['GET', 'import', 'POST'], ['POST', 'export', 'GET'];

# a location that reads

is(ask('GET', '/read/partners')->status, 200, 'P11.1 `read` reads');
$admin->mark;
refuses("P11.1 `read`: $_->[0]", ask(@$_), 'read_only') for
    ['PUT', '/read/partners/p-2', {}], ['DELETE', "/read/$key"],
    ['POST', '/read/import', '', type => 'application/x-ndjson'];

# preconditions

my @etags = (headers => ['If-Match: "0123456789abcdef0123456789abcdef"']);

refuses('P11.2 If-Match', ask('PATCH', 'partners/p-1', { name => 'x' },
    @etags), 'precondition_failed');
refuses('P11.2 If-Match of a DELETE', ask('DELETE', $key, undef, @etags),
    'precondition_failed');
refuses('P11.2 If-Match of an end', ask('POST', "$key/end", undef, @etags),
    'precondition_failed');
refuses('P11.2 If-Match with nothing there', ask('PUT', 'partners/p-2', {},
    @etags), 'precondition_failed');
refuses('P11.2 If-Match: * with nothing there', ask('PUT', 'partners/p-2',
    {}, headers => ['If-Match: *']), 'precondition_failed');
refuses('P11.2 If-None-Match', ask('PUT', 'partners/p-1', {},
    headers => ['If-None-Match: *']), 'precondition_failed');

for ('x', '"x', '', '"a" b', join ', ', ('"a"') x 9) {
    refuses("P11.2 If-Match: $_", ask('PATCH', 'partners/p-1', {},
        headers => ["If-Match: $_"]), 'invalid_request',
        accepted => qr/If-Match/);
}

refuses('P11.2 If-None-Match with a tag', ask('PUT', 'partners/p-1', {},
    headers => ['If-None-Match: "x"']), 'invalid_request',
    accepted => qr/must be \*/);

# a key that is not valid yet would have to end before it begins

{
    my $later = ask('POST', 'partners/p-1/keys', { not_before => time + 500 })
        ->json->{key_id};

    $admin->mark;
    refuses('P11.3 a key that is not valid yet is not rolled', ask('POST',
        "partners/p-1/keys/$later/roll"), 'invalid_request',
        member => 'not_before', accepted => qr/must not be in the future/);
    ask('DELETE', "partners/p-1/keys/$later");
}

is(ask('GET', 'export')->{body}, $before, 'P11.1 nothing has changed');

# what got as far as the store is in the log

my %results = map { $_->{result} => 1 } $admin->written;

is_deeply([sort keys %results], ['created', 'done', 'no such partner',
    'not found', 'precondition failed', 'refused'],
    'P11.7 the log has what was refused');

$admin->finish;
