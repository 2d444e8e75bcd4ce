# D3, D4: a token that is kept, and other locations, other servers and other
# configurations.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Asker qw(seen);
use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Keys;
use AGW::Refusal qw(expected);


# D3: a token that one location let in, or refused for what it demands,
# is kept for all of them; each demands its own, in whatever order they are
# asked.

# what is demanded at /<place>/<business>/x

my $places = join '', map {
    my ($place, @lines) = @$_;

    "        location /$place/ {\n"
        . join('', map { "            auth_gateway_$_;\n" } @lines)
        . "            auth_gateway_business_path /$place/<business_id>;\n"
        . "            include %%CONF%%/guarded_proxy.conf;\n"
        . "            proxy_set_header X-Result \$auth_gateway_result;\n"
        . "            proxy_pass http://127.0.0.1:%%UPSTREAM%%;\n"
        . "        }\n"
} ['business', 'require business'],
    ['deep', 'require business', 'scope deep'],
    ['owner', 'require owner'],
    ['both', 'require business owner'],
    ['both-deep', 'require business owner', 'scope deep'],
    ['matched', 'require partner'],
    ['thred', 'require business', 'error_format thred'],
    ['off', 'require off'];

my $conf = <<"CONF";
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

$places
        location /partner {
            auth_gateway_require partner;
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-Result \$auth_gateway_result;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # the segment in another place

        location /t/ {
            auth_gateway_require business;
            auth_gateway_business_path /t/<business_id>/x;
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-Result \$auth_gateway_result;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # one scope to read, another to write

        location /rw/ {
            auth_gateway_require business;
            auth_gateway_business_path /rw/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-Result \$auth_gateway_result;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;

            limit_except GET {
                auth_gateway_scope deep;
            }
        }
    }
}
CONF

# what each token (the columns) is answered at each target (the rows)

my $table = <<'TABLE';
target             | business           | deep               | both           | partner          | scoped
/business/A/x      | ok                 | insufficient_scope | ok             | wrong_kind       | wrong_kind
/business/B/x      | wrong_business     | insufficient_scope | wrong_business | wrong_kind       | wrong_kind
/business/C/x      | wrong_business     | insufficient_scope | wrong_business | wrong_kind       | wrong_kind
/deep/A/x          | insufficient_scope | ok                 | ok             | wrong_kind       | wrong_kind
/deep/B/x          | insufficient_scope | wrong_business     | wrong_business | wrong_kind       | wrong_kind
/owner/A/x         | wrong_kind         | wrong_kind         | wrong_kind     | ok               | ok
/owner/B/x         | wrong_kind         | wrong_kind         | wrong_kind     | ok               | ok
/owner/C/x         | wrong_kind         | wrong_kind         | wrong_kind     | not_owner        | not_owner
/owner/none/x      | wrong_kind         | wrong_kind         | wrong_kind     | unknown_business | unknown_business
/both/A/x          | ok                 | insufficient_scope | ok             | ok               | ok
/both/C/x          | wrong_business     | insufficient_scope | wrong_business | not_owner        | not_owner
/both-deep/A/x     | insufficient_scope | ok                 | ok             | insufficient_scope | insufficient_scope
/matched/A/x       | wrong_kind         | wrong_kind         | wrong_kind     | wrong_kind       | wrong_kind
/partner           | wrong_kind         | wrong_kind         | wrong_kind     | ok               | ok
/thred/A/x         | ok                 | insufficient_scope | ok             | wrong_kind       | wrong_kind
/thred/C/x         | wrong_business     | insufficient_scope | wrong_business | wrong_kind       | wrong_kind
/t/A/x             | ok                 | insufficient_scope | ok             | wrong_kind       | wrong_kind
/rw/A/x            | ok                 | insufficient_scope | ok             | wrong_kind       | wrong_kind
POST /rw/A/x       | insufficient_scope | ok                 | ok             | wrong_kind       | wrong_kind
TABLE

my $gw = AGW::Gateway->start($conf, log_level => 'debug');
my $partner = $gw->partner(id => 'p-1');
my $asker = AGW::Asker->new($gw);
my %scopes = (business => 'business_access', deep => 'deep',
    both => 'deep business_access');

$gw->business($partner, id => $_) for qw(A B);
$gw->business($gw->partner, id => 'C');

sub fresh {
    my ($kind) = @_;

    return $gw->mint(partner_id => 'p-1', claims => { scope => 'reports' })
        if $kind eq 'scoped';
    return $gw->mint(partner_id => 'p-1') if $kind eq 'partner';
    return $gw->mint(partner_id => 'p-1', business_id => 'A',
        claims => { scope => $scopes{$kind} });
}

my $good = fresh('business');

$gw->good_is(sub {
    return $gw->request('GET', '/business/A/x', bearer => $good,
        quiet => 1)->status == 200;
});

my ($head, @rows) = map { [split /\s*\|\s*/, $_] } split /\n/, $table;
my (undef, @kinds) = @$head;

# identity as the upstream is to see it: under owner, the path's business

sub identity {
    my ($kind, $target) = @_;

    return 'p-1 A ok' if $scopes{$kind};
    return 'p-1 - ok' if $target !~ m{^/\w[\w-]*/(\w+)};
    return "p-1 $1 ok";
}

# One request; what it told, and what is wrong with it.

sub problem {
    my ($kind, $token, $row, $cache, $want) = @_;

    my ($method, $target) = $row->[0] =~ /^(?:(\w+) )?(.*)$/;
    my $told = $asker->ask($target, $token, method => $method // 'GET',
        ($method ? (body => 'x') : ()));

    if ($want ne 'ok') {
        my $status = AGW::Refusal::expected($want, by => 'bearer')->{status};

        return $told eq seen("$status $want $cache") ? () : "$row->[0] $told";
    }

    my ($saw) = $gw->upstream_saw;
    my $identity = join ' ', map { @{ $saw->{headers}{$_} // ['-'] } }
        qw(x-partner-id x-business-id x-result);

    return "$row->[0] $told" if $told ne seen("200 $cache");
    return "$row->[0] as $identity"
        if $identity ne identity($kind, $target);
    return;
}

# Each row is once the first that sees a token, and each other comes behind
# it: once as the table has them, and once from its end.

for my $i (0 .. $#kinds) {
    my $kind = $kinds[$i];

    for my $first (0 .. $#rows) {
        my $token = fresh($kind);
        my @problems;
        my $cache = 'miss stored';

        for my $row ($rows[$first], @rows, reverse(@rows), $rows[$first]) {
            push @problems, problem($kind, $token, $row, $cache,
                $row->[$i + 1]);
            $cache = 'hit';
        }

        ok(!@problems, "D3 $kind, first seen by $rows[$first][0]")
            or diag(join "\n", @problems);
    }
}

# every refusal once more as a whole, of tokens that are kept

for my $i (0 .. $#kinds) {
    my $token = fresh($kinds[$i]);

    $asker->gets("D3 $kinds[$i], first seen where nothing is demanded",
        '200 miss stored', '/off/A/x', $token);

    for my $row (grep { $_->[$i + 1] ne 'ok' } @rows) {
        my ($method, $target) = $row->[0] =~ /^(?:(\w+) )?(.*)$/;
        my $reason = $row->[$i + 1];

        $asker->refused("D3 $kinds[$i] at $row->[0]", "$reason hit", $target,
            $token, method => $method // 'GET', partner => 'p-1',
            ($method ? (body => 'x') : ()),
            scope => $row->[0] =~ /deep|POST/ ? 'deep'
                : $row->[0] =~ m{/(?:owner|partner|matched)} ? undef
                : 'business_access',
            ($target =~ /thred/ ? (format => 'thred') : ()));
    }
}

# HTTP/2: all at once, on one connection

for my $i (0 .. $#kinds) {
    my $h2 = $gw->connect_h2;
    my $token = fresh($kinds[$i]);
    my @order = sort { $a->[0] cmp $b->[0] } @rows;
    my @streams = map {
        my ($method, $target) = $_->[0] =~ /^(?:(\w+) )?(.*)$/;

        $h2->start($method // 'GET', $target,
            headers => [['authorization', "Bearer $token"]],
            ($method ? (body => 'x') : ()));
    } @order;

    is_deeply([map { $h2->response($_)->status } @streams], [map {
        $_->[$i + 1] eq 'ok' ? 200
            : AGW::Refusal::expected($_->[$i + 1], by => 'bearer')->{status}
    } @order], "D3 $kinds[$i], all at once");
    $h2->close;
}


# D3: what a worker keeps belongs to one set of keys, issuer and
# audience: a token that one server let in is looked at afresh by another.

# what the servers have of their own; the rest is http's

my %servers = (
    http => [],
    same => [],
    equal => ['key %%PREFIX%%/hs.key kid=k1 alg=HS256',
        'key %%PREFIX%%/rsa.pem kid=r1 verify',
        'key %%PREFIX%%/rsa.pem kid=r2 verify'],
    secret => ['key %%PREFIX%%/other.key kid=k1 alg=HS256'],
    alg => ['key %%PREFIX%%/hs.key kid=k1 alg=HS512',
        'key %%PREFIX%%/rsa.pem kid=r1 alg=PS256 verify'],
    name => ['key %%PREFIX%%/hs.key kid=k2 alg=HS256',
        'key %%PREFIX%%/rsa.pem kid=r2 verify'],
    alone => ['key %%PREFIX%%/hs.key kid=k1 alg=HS256'],
    issuer => ['issuer https://two.example'],
    audience => ['audience two'],
    foreign => ['key %%PREFIX%%/other.key kid=k0 alg=HS256',
        'key %%PREFIX%%/hs.key kid=k1 alg=HS256 verify'
            . ' issuer=https://id.example',
        'key %%PREFIX%%/rsa.pem kid=r1 verify issuer=https://two.example',
        'issuer https://foreign.example'],
);

my $servers = join '', map {
    my $name = $_;

    "    server {\n        listen 127.0.0.1:%%TLS%% ssl http2;\n"
        . "        server_name $name;\n\n"
        . join('', map { "        auth_gateway_$_;\n" } @{ $servers{$name} })
        . <<'LOCATIONS' } sort keys %servers;

        location /b/ {
            proxy_set_header X-Server $server_name;
            proxy_set_header X-Key $auth_gateway_key_id;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /partner {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

LOCATIONS

$conf = <<"CONF";
http {
    auth_gateway_key %%PREFIX%%/hs.key alg=HS256 kid=k1;
    auth_gateway_key %%PREFIX%%/rsa.pem kid=r1 verify;
    auth_gateway_key %%PREFIX%%/rsa.pem kid=r2 verify;
    auth_gateway_issuer https://id.example;
    auth_gateway_audience api;

    auth_gateway_require business;
    auth_gateway_business_path /b/<business_id>;

$servers
}
CONF

my %keys = (hs => AGW::Keys->new('HS512'), other => AGW::Keys->new('HS512'),
    rsa => AGW::Keys->new('RS256'));
$gw = AGW::Gateway->start($conf, log_level => 'debug', before => sub {
    spew("$_[0]/$_.key", $keys{$_}{secret}, 0600) for qw(hs other);
    spew("$_[0]/rsa.pem", $keys{rsa}->form('public, SPKI'), 0644);
});
my %askers = map { $_ => AGW::Asker->new($gw, host => $_) } keys %servers;

$gw->keep_secret($keys{$_}{secret}) for qw(hs other);

sub token {
    my ($key, $alg, $kid, %opt) = @_;

    return $gw->keep_secret(AGW::Token::mint(alg => $alg,
        secret => $keys{$key}->private, kid => $kid, partner_id => 'p-1',
        ($opt{partner} ? () : (business_id => 'b-1')), claims => {
            iss => 'https://id.example', aud => 'api',
            %{ $opt{claims} // {} } }));
}

# Tokens, and who lets them in; what others say.  A star is for the rest.

my %tokens = (
    'by http\'s key' => [sub { token('hs', 'HS256', 'k1') },
        http => 'ok', same => 'ok', equal => 'ok', alone => 'ok',
        foreign => 'ok', secret => 'bad_signature',
        alg => 'algorithm_mismatch', name => 'unknown_key',
        issuer => 'wrong_issuer', audience => 'wrong_audience'],
    'without a kid' => [sub { token('hs', 'HS256', undef) },
        secret => 'bad_signature', alg => 'unknown_key',
        issuer => 'wrong_issuer', audience => 'wrong_audience', '*' => 'ok'],
    'of another alg' => [sub { token('hs', 'HS512', 'k1') },
        alg => 'ok', name => 'unknown_key', '*' => 'algorithm_mismatch'],
    'of another name' => [sub { token('hs', 'HS256', 'k2') },
        name => 'ok', '*' => 'unknown_key'],
    'by another secret' => [sub { token('other', 'HS256', 'k1') },
        secret => 'ok', alg => 'algorithm_mismatch', name => 'unknown_key',
        '*' => 'bad_signature'],
    'of another issuer' => [sub { token('hs', 'HS256', 'k1',
            claims => { iss => 'https://two.example' }) },
        issuer => 'ok', secret => 'bad_signature',
        alg => 'algorithm_mismatch', name => 'unknown_key',
        '*' => 'wrong_issuer'],
    'of another audience' => [sub { token('hs', 'HS256', 'k1',
            claims => { aud => 'two' }) },
        audience => 'ok', secret => 'bad_signature', issuer => 'wrong_issuer',
        alg => 'algorithm_mismatch', name => 'unknown_key',
        '*' => 'wrong_audience'],
    'of both audiences' => [sub { token('hs', 'HS256', 'k1',
            claims => { aud => ['two', 'api'] }) },
        secret => 'bad_signature', issuer => 'wrong_issuer',
        alg => 'algorithm_mismatch', name => 'unknown_key', '*' => 'ok'],
    'by the RSA key' => [sub { token('rsa', 'RS256', 'r1') },
        http => 'ok', same => 'ok', equal => 'ok',
        alg => 'algorithm_mismatch', issuer => 'wrong_issuer',
        audience => 'wrong_audience', foreign => 'wrong_issuer',
        '*' => 'unknown_key'],
    'by the RSA key, its other name' => [sub { token('rsa', 'RS256', 'r2') },
        http => 'ok', same => 'ok', equal => 'ok', name => 'ok',
        issuer => 'wrong_issuer', audience => 'wrong_audience',
        '*' => 'unknown_key'],
    'by the RSA key, another alg' => [sub { token('rsa', 'PS256', 'r1') },
        alg => 'ok', (map { $_ => 'unknown_key' } qw(secret name alone)),
        '*' => 'algorithm_mismatch'],
    'by the RSA key, of another issuer' => [sub { token('rsa', 'RS256', 'r1',
            claims => { iss => 'https://two.example' }) },
        issuer => 'ok', foreign => 'ok', alg => 'algorithm_mismatch',
        (map { $_ => 'unknown_key' } qw(secret name alone)),
        '*' => 'wrong_issuer'],
);

my $url = '/b/b-1/x';
$good = token('hs', 'HS256', 'k1');

$gw->good_is(sub {
    return $gw->request('GET', $url, bearer => $good, quiet => 1,
        no_host => 1, headers => ['Host: http'])->status == 200;
});

sub want_of {
    my ($name, $server) = @_;

    my (undef, %want) = @{ $tokens{$name} };

    return $want{$server} // $want{'*'} // die "$name at $server\n";
}

# Each server that lets a token in is once the first; then all the others
# are asked, and it is asked again, twice.

my $shared = 0;

for my $name (sort keys %tokens) {
    my @all = sort keys %servers;

    for my $first (grep { want_of($name, $_) eq 'ok' } @all) {
        my $token = $tokens{$name}[0]->();
        my @problems;

        for my $at ($first, $first, @all, reverse(@all), $first) {
            my $want = want_of($name, $at);
            my $told = $askers{$at}->ask($url, $token);
            my ($saw) = $gw->upstream_saw;

            if ($want eq 'ok') {
                push @problems, "$at: $told" unless $told =~ /^200/;
                push @problems, "$at: seen by " . ($saw->{headers}
                    {'x-server'} // ['nobody'])->[0]
                    if ($saw->{headers}{'x-server'} // [''])->[0] ne $at;
                next;
            }

            my $status = expected($want, by => 'bearer')->{status};

            push @problems, "$at: $told, not $want"
                unless $told =~ /^$status $want(?: miss)?$/;
        }

        push @problems, 'not kept by its own server, '
            . $askers{$first}->ask($url, $token)
            if $askers{$first}->ask($url, $token) ne seen('200 hit');
        ok(!@problems, "D3 $name, first seen by $first")
            or diag(join "\n", @problems);
    }

    # who lets it in comes last: what others refused is not kept either

    my $token = $tokens{$name}[0]->();
    my ($last, @others) = ((grep { want_of($name, $_) eq 'ok' } @all),
        (grep { want_of($name, $_) ne 'ok' } @all));

    $askers{$_}->ask($url, $token) for grep { want_of($name, $_) ne 'ok' } @all;
    $askers{$last}->gets("D3 $name, refused by others before",
        '200 miss stored', $url, $token);
}

# each refusal as a whole, of a token that somebody keeps

for my $name (sort keys %tokens) {
    my $token = $tokens{$name}[0]->();
    my @all = sort keys %servers;

    $askers{$_}->ask($url, $token) for grep { want_of($name, $_) eq 'ok' } @all;

    for my $at (grep { want_of($name, $_) ne 'ok' } @all) {
        my $reason = want_of($name, $at);

        $askers{$at}->ask($url, $token);
        $gw->refused("D3 $name, at $at", $askers{$at}->response, $reason,
            server => $at);
    }
}

# another issuer's key lets in a business's token and nothing else

{
    my $partner = token('hs', 'HS256', 'k1', partner => 1);

    $askers{alone}->gets('P8.12 a partner\'s token at home', $_, '/partner',
        $partner) for '200 miss stored', '200 hit';
    $askers{foreign}->refused('P8.12 where it is another issuer\'s',
        'wrong_kind miss', '/partner', $partner, scope => undef) for 1, 2;
    $askers{alone}->gets('P8.12 and at home again', '200 hit', '/partner',
        $partner);
}

# the kid that is told is that of the token's own key

for my $kid ('r1', 'r2') {
    my $token = token('rsa', 'RS256', $kid);

    for ('200 miss stored', '200 hit') {
        $askers{http}->gets("D3 one RSA key, named $kid", $_, $url, $token);
        is_deeply(($gw->upstream_saw)[0]{headers}{'x-key'}, [$kid],
            'D3 by the name that the token has');
    }
}

# HTTP/2: one connection, several hosts

{
    my $h2 = $gw->connect_h2;

    for my $name ('by http\'s key', 'by another secret') {
        my $token = $tokens{$name}[0]->();
        my @hosts = (sort keys %servers) x 2;
        my @streams = map { $h2->start('GET', $url, authority => $_,
            headers => [['authorization', "Bearer $token"]]) } @hosts;

        is_deeply([map { $h2->response($_)->status } @streams],
            [map { want_of($name, $_) eq 'ok' ? 200 : 401 } @hosts],
            "D3 HTTP/2, $name, all at once");
    }

    $h2->close;
}


# D3 and D4: what a reload changes counts for tokens that were kept
# before it: keys that are gone or other ones, issuers, audiences, times.

$conf = <<'CONF';
http {
    auth_gateway_key %%PREFIX%%/ours.pem kid=ours;
    LINES

    server {
        listen 127.0.0.1:%%TLS%% ssl;

        auth_gateway_require business;
        auth_gateway_business_path /b/<business_id>;

        location /b/ {
            proxy_set_header X-Key $auth_gateway_key_id;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

%keys = (ours => AGW::Keys->new('ES256'), hs => AGW::Keys->new('HS256'),
    rsa => AGW::Keys->new('RS256'), other => AGW::Keys->new('HS256'));
my $files = sub {
    my ($prefix) = @_;

    spew("$prefix/ours.pem", $keys{ours}->form('PKCS#8'), 0600);
    spew("$prefix/rsa.pem", $keys{rsa}->form('public, SPKI'), 0644);
    spew("$prefix/$_.key", $keys{$_}{secret}, 0600) for qw(hs other);
};

# the lines in http to begin with

my %with = (
    hs => 'auth_gateway_key %%PREFIX%%/hs.key alg=HS256 kid=hs verify',
    rsa => 'auth_gateway_key %%PREFIX%%/rsa.pem kid=rsa verify',
    issuer => 'auth_gateway_issuer https://id.example',
    audience => 'auth_gateway_audience api',
    lifetime => 'auth_gateway_max_lifetime 1h',
    leeway => 'auth_gateway_leeway 50s',
);

sub conf_with {
    my (%changed) = @_;

    my %lines = (%with, %changed);

    return $conf =~ s/LINES/join "\n    ", map { "$lines{$_};" }
        grep { defined $lines{$_} } sort keys %lines/er;
}

$gw = AGW::Gateway->start(conf_with(), log_level => 'debug',
    before => $files);
my $prefix = $gw->prefix;
$asker = AGW::Asker->new($gw);
$url = '/b/b-1/x';

sub token_by {
    my ($key, %claims) = @_;

    return $gw->keep_secret($keys{$key}->mint(kid => $key,
        partner_id => 'p-1', business_id => 'b-1', claims => {
            iss => 'https://id.example', aud => 'api', %claims }));
}

$good = token_by('ours');
my $holds = $good;
my $now = time;
%tokens = (
    'a secret' => token_by('hs'), 'an RSA key' => token_by('rsa'),
    'of several audiences' => token_by('ours', aud => ['api', 'x']),
    'ends at once' => token_by('ours', iat => $now - 60, exp => $now - 10),
    'lives for long' => token_by('ours', exp => $now + 3000),
    'two issuers\' key' => token_by('hs', iss => 'urn:two'),
);

$gw->keep_secret($keys{$_}{secret}) for qw(hs other);
$gw->good_is(sub {
    return $gw->request('GET', $url, bearer => $holds, quiet => 1)->status
        == 200;
});

sub reload {
    my ($name, $text) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok($gw->nginx->reload($text), "D4 $name: a reload");
    $gw->new_workers;
    $asker->close;

    return;
}

# a worker keeps a token for both requests

sub kept {
    my ($name, @named) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    for (map { $_ ? $tokens{$_} : $good } @named) {
        $asker->gets("D4 $name: $_->[0]", $_->[1], $url, $_->[2]) for
            ['at first sight', '200 miss stored', $_], ['kept', '200 hit', $_];
    }

    return;
}

# Cases: what the tokens are refused for, and what is changed.

my @cases = (
    ['a key is gone', { 'a secret' => 'unknown_key' }, hs => undef],
    ['a key has another name', { 'an RSA key' => 'unknown_key' },
        rsa => 'auth_gateway_key %%PREFIX%%/rsa.pem kid=rsa2 verify'],
    ['another key has its name', { 'a secret' => 'bad_signature' },
        hs => 'auth_gateway_key %%PREFIX%%/other.key alg=HS256 kid=hs verify'],
    ['a key has another algorithm', { 'an RSA key' => 'algorithm_mismatch' },
        rsa => 'auth_gateway_key %%PREFIX%%/rsa.pem kid=rsa alg=PS256 verify'],
    ['a key is another issuer\'s', { 'a secret' => 'wrong_issuer' },
        hs => 'auth_gateway_key %%PREFIX%%/hs.key alg=HS256 kid=hs verify'
            . ' issuer=urn:two'],
    ['another issuer', { 'a secret' => 'wrong_issuer',
        'of several audiences' => 'wrong_issuer' },
        issuer => 'auth_gateway_issuer https://id.example/'],
    ['another audience', { 'an RSA key' => 'wrong_audience',
        'of several audiences' => 'wrong_audience' },
        audience => 'auth_gateway_audience web'],
    ['a shorter life', { 'lives for long' => 'lifetime_exceeded' },
        lifetime => 'auth_gateway_max_lifetime 40m;'
            . ' auth_gateway_partner_lifetime 1s'],
    ['less leeway', { 'ends at once' => 'expired' },
        leeway => 'auth_gateway_leeway 0s'],
);

for (@cases) {
    my ($name, $refused, %changed) = @$_;
    my @named = sort keys %$refused;
    my %claims;

    $claims{iss} = $1 if ($changed{issuer} // '') =~ / (\S+)$/;
    $claims{aud} = $1 if ($changed{audience} // '') =~ / (\S+)$/;

    kept("before $name", @named, '');
    reload($name, conf_with(%changed));

    $holds = %claims ? token_by('ours', %claims) : $good;

    for my $which (@named) {
        my $reason = $refused->{$which};

        $asker->refused("D4 $name: $which", "$reason miss", $url,
            $tokens{$which}) for 1, 2;
    }

    $asker->gets("D4 $name: what holds", '200 hit', $url, $holds);
    $holds = $good;
    reload("back from: $name", conf_with());
}

# the same file, with other bytes

{
    kept('before the file has other bytes', 'a secret', '');
    spew("$prefix/hs.key", $keys{other}{secret}, 0600);
    reload('the file has other bytes', conf_with());
    $asker->refused('D4 the file has other bytes', 'bad_signature miss',
        $url, $tokens{'a secret'}, kid => 'hs');

    my $theirs = $gw->keep_secret($keys{other}->mint(kid => 'hs',
        partner_id => 'p-1', business_id => 'b-1', claims => {
            iss => 'https://id.example', aud => 'api' }));

    $asker->gets('D4 the file has other bytes: by the new key',
        '200 miss stored', $url, $theirs);
    spew("$prefix/hs.key", $keys{hs}{secret}, 0600);
    reload('the file as before', conf_with());
    $asker->refused('D4 the file as before', 'bad_signature miss', $url,
        $theirs, kid => 'hs');
    $asker->gets('D4 the file as before: the old token', '200 miss stored',
        $url, $tokens{'a secret'});
}

# a token by a key that becomes another issuer's

{
    my %theirs = (hs => 'auth_gateway_key %%PREFIX%%/hs.key alg=HS256 kid=hs verify'
        . ' issuer=urn:two');
    my $token = $tokens{'two issuers\' key'};

    $asker->refused('P8.11 of another issuer', 'wrong_issuer miss', $url,
        $token);
    reload('whose key it is', conf_with(%theirs));
    kept('whose key it is', 'two issuers\' key');
    reload('whose key it is not any more', conf_with());
    $asker->refused('P8.11 of another issuer, after it was let in',
        'wrong_issuer miss', $url, $token);
}

# A reload that fails changes nothing: the same worker keeps what it kept.

{
    my @workers = $gw->nginx->workers;

    push @{ $gw->{allow} }, qr/\[emerg\] .*"auth_gateway_key"/;
    my $token = token_by('ours');

    $asker->gets('D4 before a reload that fails', $_, $url, $token)
        for '200 miss stored', '200 hit';
    $gw->nginx->write_conf(conf_with(hs => 'auth_gateway_key'
        . ' %%PREFIX%%/none.key kid=hs verify'));
    kill 'HUP', $gw->nginx->{pid};

    for (1 .. 200) {
        last if $gw->log_text =~ /\[emerg\].*\n/;
        sleep 0.02;
    }

    like($gw->log_text, qr/\[emerg\] .*none\.key/, 'D4 it failed');
    is_deeply([$gw->nginx->workers], \@workers, 'D4 the worker is the same');
    $asker->gets('D4 after a reload that failed', '200 hit', $url, $token);
}

$gw->finish;
