# D3: what a worker keeps belongs to one set of keys, issuer and
# audience: a token that one server let in is looked at afresh by another.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Asker qw(seen);
use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Keys;
use AGW::Refusal qw(expected);

# what the servers have of their own; the rest is http's

my %servers = (
    http => [],
    same => [],
    equal => ['key %%PREFIX%%/hs.key kid=k1',
        'key %%PREFIX%%/rsa.pem kid=r1 verify',
        'key %%PREFIX%%/rsa.pem kid=r2 verify'],
    secret => ['key %%PREFIX%%/other.key kid=k1'],
    alg => ['key %%PREFIX%%/hs.key kid=k1 alg=HS512',
        'key %%PREFIX%%/rsa.pem kid=r1 alg=PS256 verify'],
    name => ['key %%PREFIX%%/hs.key kid=k2',
        'key %%PREFIX%%/rsa.pem kid=r2 verify'],
    alone => ['key %%PREFIX%%/hs.key kid=k1'],
    issuer => ['issuer https://two.example'],
    audience => ['audience two'],
    foreign => ['key %%PREFIX%%/other.key kid=k0',
        'key %%PREFIX%%/hs.key kid=k1 verify issuer=https://id.example',
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

my $conf = <<"CONF";
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
my $gw = AGW::Gateway->start($conf, log_level => 'debug', before => sub {
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
        alone => 'ok', secret => 'bad_signature', '*' => 'unknown_key'],
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
my $good = token('hs', 'HS256', 'k1');

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

$gw->finish;
