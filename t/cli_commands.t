# Each command of the command line against a gateway: what it sends, what it
# prints, and how the gateway's refusals look.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use MIME::Base64 qw(encode_base64);
use POSIX qw(strftime);
use Test::More;

use AGW::Certificates qw(make_client_certificate);
use AGW::Command qw(no_command);
use AGW::Files qw(random_id slurp spew);
use AGW::Gateway;
use AGW::Skip qw(skip_all_for skip_for);
use AGW::Token qw(key_digest);

skip_all_for('libcurl', 'the commands are') if no_command();

my $json = JSON->new->utf8;

my $gw = AGW::Gateway->start(<<'CONF');
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_admin_log %%PREFIX%%/logs/admin.log;

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        listen unix:%%PREFIX%%/admin.sock;

        location = /token { auth_gateway_token partner; }
        location /admin/ { auth_gateway_admin write %%ADMIN%%; }
        location /read/ { auth_gateway_admin read %%ADMIN%%; }
        location = /status { auth_gateway_status; }
    }
}
CONF

my $prefix = $gw->prefix;
my $command = AGW::Command->new(socket => "$prefix/admin.sock");

sub iso { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

# what a refusal says: exit code 1, and the rest on standard error

sub refuses {
    my ($name, $said, @args) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $got = $command->exits("D11 refused: $name", 1, @args);

    is($got->{out}, '', 'nothing is printed');

    return like($got->{err}, $said, 'and why');
}


# partners

is($command->exits('D11 no partners', 0, 'partner', 'list')->{err},
    "There are none.\n", 'are told');
is_deeply($command->json('D11 no partners in JSON', 0, 'partner', 'list'),
    { partners => [] }, 'are an empty list');

my $acme = $command->json('D11 create', 0, 'partner', 'create', '--id', 'acme',
    '--name', "Caf\xc3\xa9 Ltd", '--scope', 'read', '--scope', 'write');

is_deeply($acme, { partner_id => 'acme', name => "Caf\x{e9} Ltd",
    status => 'active', scopes => ['read', 'write'] }, 'the partner');
refuses('an id that is taken', qr/\(status 412, /, 'partner', 'create', '--id',
    'acme');
is($command->json('D11 replace', 0, 'partner', 'create', '--id', 'acme',
    '--replace', '--status', 'disabled', '--no-scopes')->{name}, undef,
    'as a whole');

my $made = $command->json('D11 create without an id', 0, 'partner', 'create');

like($made->{partner_id}, qr/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    'makes a UUID');

{
    my $got = $command->exits('D11 list', 0, 'partner', 'list');
    my @lines = split /\n/, $got->{out};
    my %at = map { $_ => index $lines[0], $_ }
        qw(PARTNER_ID STATUS NAME SCOPES);

    is(scalar @lines, 3, 'a title and two rows');

    for my $line (@lines[1, 2]) {
        is(substr($line, $_ - 2, 3) =~ /^  \S/ ? 1 : 0, 1, 'in its columns')
            for @at{qw(STATUS NAME SCOPES)};
    }

    like($got->{out}, qr/^acme +disabled +- +none$/m, 'no name, no scope');
    like($got->{out}, qr/^$made->{partner_id}  active +- +all$/m, 'all scopes');

    is_deeply([map { $_->{partner_id} } @{ $command->json('D11 a filter', 0,
        'partner', 'list', '--status', 'disabled')->{partners} }], ['acme'],
        'is sent');
}

for my $case (
    [['--all-scopes'], {}], [[qw(--name B)], { name => 'B' }],
    [['--no-name'], {}], [[qw(--scope x)], { scopes => ['x'] }],
    [['--no-scopes'], { scopes => [] }],
    [[qw(--status active)], { scopes => [], status => 'active' }],
    [['--all-scopes'], { status => 'active' }],
) {
    my ($args, $now) = @$case;

    is_deeply($command->json("D11 update @$args", 0, 'partner', 'update',
        'acme', @$args), { partner_id => 'acme', status => 'disabled', %$now },
        'is so');
}

is($command->json('D11 disable', 0, 'partner', 'disable', 'acme')->{status},
    'disabled', 'is so');
is($command->json('D11 enable', 0, 'partner', 'enable', 'acme')->{status},
    'active', 'is so');

refuses('a status that is none', qr/"?status"?.*active.*disabled.*
\(status 400, invalid_request, member "status"\)/s, 'partner', 'update',
    'acme', '--status', 'archived');
refuses('a scope that is none', qr/member "scopes"/, 'partner', 'update',
    'acme', '--scope', 'a b');
refuses('a partner that is not there', qr/\(status 404, not_found\)/,
    'partner', 'show', 'nobody');
is($command->json('D11 the same in JSON', 1, 'partner', 'show', 'nobody')
    ->{error}, 'not_found', 'has the error of the gateway');

# two writers

{
    my $seen = $command->exits('D11 show', 0, 'partner', 'show', 'acme');
    my ($etag) = $seen->{out} =~ /^ETAG +(.*)$/m;

    like($etag, qr/^"[^"]+"$/, 'has an etag');

    my $bare = $etag =~ tr/"//dr;

    $command->exits('D11 it is still so', 0, 'partner', 'update', 'acme',
        '--name', 'first', '--if-match', $bare);
    refuses('it is not any more', qr/\(status 412, precondition_failed\)/,
        'partner', 'update', 'acme', '--name', 'second', '--if-match', $etag);
    is($command->json('D11 show', 0, 'partner', 'show', 'acme')->{name},
        'first', 'nothing was changed');
}


# API keys

{
    my $now = time;
    my $key = $command->json('D11 a key', 0, 'key', 'create', 'acme', '--name',
        'one', '--not-before', '1h', '--expires', '2w');

    $gw->keep_secret($key->{api_key});
    like($key->{api_key}, qr/^agw_\w{33}$/, 'in its form');
    cmp_ok(abs($key->{not_before} - $now - 3600), '<', 60, 'from then on');
    cmp_ok(abs($key->{expires_at} - $now - 14 * 86400), '<', 60, 'until then');

    for my $case (
        ['2037-01-31T12:00:00Z', 2_117_016_000],
        ['2037-01-31T12:00:00.5+01:00', 2_117_016_000 - 3600],
        ['2036-02-29', 2_087_856_000], ['2100000000', 2_100_000_000],
        ['never', undef],
    ) {
        my ($text, $time) = @$case;
        my $row = $command->json("D11 expires $text", 0, 'key', 'update',
            'acme', $key->{key_id}, '--expires', $text);

        is($row->{expires_at}, $time, 'is that time');

        my $shown = $command->exits('D11 show', 0, 'key', 'show', 'acme',
            $key->{key_id})->{out};
        my $said = defined $time ? iso($time) : 'never';

        like($shown, qr/^EXPIRES +\Q$said\E$/m, "it is shown: $said");
    }

    $command->exits('D11 from now on', 0, 'key', 'update', 'acme',
        $key->{key_id}, '--not-before', 'now', '--no-name');
    is($gw->request('POST', '/token', basic => ['acme', $key->{api_key}])
        ->status, 200, 'it is accepted');

    my $list = $command->exits('D11 list', 0, 'key', 'list', 'acme');

    like($list->{out}, qr/^KEY_ID +NAME +CREATED +NOT BEFORE +EXPIRES +LAST U/,
        'has a title');
    like($list->{out}, qr/^\Q$key->{key_id}\E  - +(?:\d{4}-\S+Z  ){2}never/m,
        'and the key');
    unlike("$list->{out}$list->{err}", qr/\Q$key->{api_key}\E/,
        'and not itself');

    refuses('an end before its beginning', qr/member "(?:expires_at|not_b\w+)"/,
        'key', 'update', 'acme', $key->{key_id}, '--not-before', '2d',
        '--expires', '1d');
    refuses('a partner that is not there', qr/\(status 404/, 'key', 'create',
        'nobody');
    ok(!-e "$prefix/x.key", 'nor is there a file');
    $command->exits('D11 a refused key', 1, 'key', 'create', 'nobody',
        '--key-file', "$prefix/x.key");
    ok(!-e "$prefix/x.key", 'leaves no file');

    is($command->exits('D11 delete', 0, 'key', 'delete', 'acme',
        $key->{key_id})->{out}, '', 'prints nothing');
    is($gw->request('POST', '/token', basic => ['acme', $key->{api_key}])
        ->status, 401, 'it is refused');
    refuses('a key that is gone', qr/\(status 404/, 'key', 'delete', 'acme',
        $key->{key_id});
}

# public keys and certificates

{
    my $thumb = make_client_certificate($prefix, 'client');
    my $der = qx(openssl ec -in $prefix/client.key -pubout -outform DER \\
        2>/dev/null);
    my ($x, $y) = map { encode_base64($_, '') =~ tr{+/=}{-_}dr }
        unpack 'a32 a32', substr $der, -64;
    my %key = (kty => 'EC', crv => 'P-256', x => $x, y => $y, kid => 'k-1');

    spew("$prefix/client.jwk", JSON::encode_json(\%key));

    is_deeply($command->json('D11 jwk add', 0, 'jwk', 'add', 'acme',
        "$prefix/client.jwk"), { kid => 'k-1', jwk => { %key, alg => 'ES256',
        use => 'sig' } }, 'the JWK');
    like($command->exits('D11 jwk list', 0, 'jwk', 'list', 'acme')->{out},
        qr/^KID +JWK\nk-1 +\{/, 'a list of them');

    spew("$prefix/private.jwk", JSON::encode_json({ %key, d => $x }));
    refuses('a private key', qr/member "jwk"/, 'jwk', 'add', 'acme',
        "$prefix/private.jwk");
    is($command->exits('D11 jwk delete', 0, 'jwk', 'delete', 'acme',
        'k-1')->{out}, '', 'is done');
    refuses('a JWK that is gone', qr/\(status 404/, 'jwk', 'delete', 'acme',
        'k-1');

    my $got = $command->json('D11 certificate add', 0, 'certificate', 'add',
        'acme', "$prefix/client.pem");

    is($got->{'x5t#S256'}, $thumb, 'its thumbprint');
    cmp_ok($got->{not_after}, '>', time, 'and its end');
    like($command->exits('D11 certificate list', 0, 'certificate', 'list',
        'acme')->{out}, qr/^\Q$thumb\E  20\d\d-/m, 'a list of them');
    $command->exits('D11 certificate delete', 0, 'certificate', 'delete',
        'acme', $thumb);
    refuses('a certificate that is gone', qr/\(status 404/, 'certificate',
        'delete', 'acme', $thumb);

    # one in 64 begins with a dash

    refuses("a certificate that is none, $_", qr/\(status 404/, 'certificate',
        'delete', 'acme', $_) for '-' . 'A' x 42, '--' . 'A' x 41;
    like($command->exits('D11 an option that is none', 2, 'certificate',
        'delete', 'acme', '-' . 'A' x 41)->{err},
        qr/no option "-\w+"\n.*after "--"/s, 'what to write');

    for (['jwk', 'client.pem', qr/must be a JWK/], ['certificate',
        'client.jwk', qr/must be a certificate in PEM/],
        ['certificate', 'nothing', qr/cannot be read/])
    {
        my ($verb, $file, $says) = @$_;

        like($command->exits("D11 $verb add of $file", 2, $verb, 'add',
            'acme', "$prefix/$file")->{err}, $says, 'and why');
    }
}


# businesses: more than a page of them

{
    my $one = $command->json('D11 a business', 0, 'business', 'create', 'acme',
        '--id', 'b', '--status', 'archived');

    is_deeply($one, { business_id => 'b', partner_id => 'acme',
        status => 'archived' }, 'is there');
    refuses('a business of nobody', qr/member "partner_id"/, 'business',
        'create', 'nobody');
    is($command->json('D11 show', 0, 'business', 'show', 'b')->{status},
        'archived', 'it');
    is($command->json('D11 restore', 0, 'business', 'restore', 'b')->{status},
        'active', 'it');
    is($command->json('D11 archive', 0, 'business', 'archive', 'b')->{status},
        'archived', 'it');
    is($command->json('D11 move', 0, 'business', 'move', 'b',
        $made->{partner_id})->{partner_id}, $made->{partner_id}, 'it');
    refuses('a move to nobody', qr/member "partner_id"/, 'business', 'move',
        'b', 'nobody');

    my $file = spew("$prefix/many", join '', map {
        sprintf qq({"type":"business","business_id":"m%05d","partner_id":)
            . qq("acme","status":"%s"}\n), $_, $_ % 2 ? 'active' : 'archived'
    } 1 .. 2500);

    is_deeply($command->json('D11 import', 0, 'import', $file),
        { partners => 0, api_keys => 0, jwks => 0,
        certificates => 0, businesses => 2500 }, 'all of them');

    my $all = $command->json('D11 all pages', 0, 'business', 'list');

    is_deeply([map { $_->{business_id} } @{ $all->{businesses} }],
        ['b', map { sprintf 'm%05d', $_ } 1 .. 2500], 'in order');
    is(scalar @{ $command->json('D11 filters', 0, 'business', 'list',
        '--partner', 'acme', '--status', 'archived')->{businesses} }, 1250,
        'are sent with each page');
    is_deeply([map { $_->{business_id} } @{ $command->json('D11 a part', 0,
        'business', 'list', '--after', 'm01200', '--limit', '1001')
        ->{businesses} }], [map { sprintf 'm%05d', $_ } 1201 .. 2201],
        'over a page');

    my @rows = split /\n/, $command->exits('D11 a table of pages', 0,
        'business', 'list')->{out};

    is(scalar @rows, 2502, 'has one title');

    SKIP: {
        my $seen = $command->on_terminal(80, 'import', $file);

        skip_for('no terminal', 'the progress of an import is')
            if $seen->{out} !~ /imported/;

        like($seen->{out}, qr/1000 lines, \d+ a second\r +\r2000 lines/,
            'D11 a terminal sees the progress');
        like($seen->{out}, qr/\r +\r2500 lines imported in /,
            'and its end in its place');
    }

    is($command->run('import', $file)->{err}, '', 'D11 no other does');
}


# a bad line, in the middle of the file

{
    my @lines = map { qq({"type":"business","business_id":"n$_",)
        . qq("partner_id":"acme"}\n) } 1 .. 3000;

    $lines[2345] = qq({"type":"business","business_id":"n/x",)
        . qq("partner_id":"acme"}\n);
    spew("$prefix/bad", join '', @lines);

    my $got = $command->exits('D11 a bad line', 1, 'import', "$prefix/bad");

    like($got->{err},
        qr/^auth-gateway: line 2346: .*\(member "business_id"\)$/m,
        'has its number in the file');
    like($got->{err}, qr/^Lines 1 to 2000 are in\.$/m, 'and what is in');
    $command->exits('D11 the last that is in', 0, 'business', 'show', 'n2000');
    $command->exits('D11 the first that is not', 1, 'business', 'show',
        'n2001');

    $lines[2345] = '';
    spew("$prefix/bad", join '', @lines);

    my ($again) = $got->{err} =~ /^To go on: auth-gateway (.*)$/m;

    $command->exits('D11 to go on', 0, split / /, $again);
    $command->exits('D11 the rest', 0, 'business', 'show', 'n3000');

    # all kinds, without the partner being there yet, in a dry run first

    my $key = 'k' . random_id();
    my $digest = key_digest($key);

    spew("$prefix/kinds", join "\n", '{"type":"partner","partner_id":"new",'
        . '"scopes":["a"]}', '{"type":"api_key","partner_id":"new",'
        . qq("key_sha256":"$digest","name":"imported"}),
        map { qq({"type":"business","business_id":"k$_","partner_id":"new"}) }
        1 .. 1500);
    $gw->keep_secret($key);

    for my $dry (['--dry-run'], []) {
        is_deeply($command->json("D11 kinds @$dry", 0, 'import', @$dry,
            "$prefix/kinds"), { partners => 1, api_keys => 1, jwks => 0,
            certificates => 0, businesses => 1500 }, 'are counted');
        $command->exits("D11 after @$dry", @$dry ? 1 : 0, 'partner', 'show',
            'new');
    }

    is($gw->request('POST', '/token', basic => ['new', $key])->status, 200,
        'D11 an imported key is accepted');

    # from standard input, with faults that a dry run all finds

    my $in = join '', map { "$_\n" } '{"type":"partner","partner_id":"q"}',
        'nonsense', '{"type":"business","business_id":"q1","partner_id":"q"}',
        '{"type":"business","business_id":"q2","partner_id":"nobody"}', '',
        '{"type":"sheep"}', '{"type":"partner","partner_id":"q","age":3}';

    $got = $command->exits('D11 a dry run of faults', 1, 'import',
        '--dry-run', '-', { in => $in });
    is(join(' ', sort $got->{err} =~ /^auth-gateway: line (\d+): /mg),
        '2 4 6 7', 'finds each');
    $command->exits('D11 and changes nothing', 1, 'partner', 'show', 'q');
}


# an export, and its import elsewhere

{
    my $out = $command->exits('D11 an export', 0, 'export')->{out};
    my @lines = map { $json->decode($_) } split /\n/, $out;
    my %count;

    $count{ $_->{type} }++ for @lines;
    is_deeply(\%count, { partner => 3, api_key => 1,
        business => 1 + 2500 + 2999 + 1500 }, 'has each once');

    my $again = $command->exits('D11 import of an export', 0, 'import', '-',
        { in => $out });

    # but for when a key was used last, which is written later

    my ($before, $after) = map { s/,"last_used_at":\d+//gr } $out,
        $command->exits('D11 an export', 0, 'export')->{out};

    is($after, $before, 'is the same afterwards');
}


# revocations

{
    my $mark = ($command->json('D11 revocations', 0, 'revocation', 'list',
        '--limit', 1)->{revocations}[0] // {})->{seq} // 0;

    for my $case (
        ['partner', 'acme', 'acme'], ['owner', 'acme:b', 'acme', 'b'],
        ['business', 'b', 'b'], ['token', 'acme:j1', '--id', 'acme:j1'],
    ) {
        my ($kind, $id, @args) = @$case;
        my $row = $command->json("D11 revoke $kind", 0, 'revoke', $kind, @args);

        is_deeply([@$row{qw(kind id)}], [$kind, $id], 'is answered');

        my $list = $command->json("D11 revocations of $kind", 0, 'revocation',
            'list', '--kind', $kind, '--after', $row->{seq} - 1);

        is($list->{revocations}[-1]{id}, $id, 'and listed');
    }

    refuses('an id of a token that is none', qr/member "id"/, 'revoke',
        'token', '--id', 'acme');
}


# a location that only reads, and a prefix that is none

{
    my $reader = AGW::Command->new(socket => "$prefix/admin.sock",
        prefix => '/read');

    $reader->exits('D11 another prefix', 0, 'partner', 'show', 'acme');
    like($reader->exits('D11 a location that reads', 1, 'partner', 'disable',
        'acme')->{err}, qr/\(status 403, /, 'refuses a write');
    is($command->json('D11 show', 0, 'partner', 'show', 'acme')->{status},
        'active', 'nothing was changed');

    like(AGW::Command->new(socket => "$prefix/admin.sock",
        prefix => '/none/')->exits('D11 a prefix that is none', 3, 'partner',
        'list')->{err}, qr/its status is 404/, 'is no gateway');
}

# the status

{
    my $got = $command->exits('D11 the status', 0, 'status');

    like($got->{out}, qr/^status +ready$/m, 'is shown');

    my $status = $command->json('D11 the status in JSON', 0, 'status');

    is($status->{status}, 'ready', 'is the same');
    is($command->run('--version')->{out},
        "auth-gateway $status->{versions}{module}\n",
        'D11 the command and the module have one version');
}

$gw->finish;
