# D3 and D4: what a reload changes counts for tokens that were kept
# before it: keys that are gone or other ones, issuers, audiences, times.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Asker;
use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Keys;

my $conf = <<'CONF';
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

my %keys = (ours => AGW::Keys->new('ES256'), hs => AGW::Keys->new('HS256'),
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

my $gw = AGW::Gateway->start(conf_with(), log_level => 'debug',
    before => $files);
my $prefix = $gw->prefix;
my $asker = AGW::Asker->new($gw);
my $url = '/b/b-1/x';

sub token {
    my ($key, %claims) = @_;

    return $gw->keep_secret($keys{$key}->mint(kid => $key,
        partner_id => 'p-1', business_id => 'b-1', claims => {
            iss => 'https://id.example', aud => 'api', %claims }));
}

my $good = token('ours');
my $holds = $good;
my $now = time;
my %tokens = (
    'a secret' => token('hs'), 'an RSA key' => token('rsa'),
    'of several audiences' => token('ours', aud => ['api', 'x']),
    'ends at once' => token('ours', iat => $now - 60, exp => $now - 10),
    'lives for long' => token('ours', exp => $now + 3000),
    'two issuers\' key' => token('hs', iss => 'urn:two'),
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

    $holds = %claims ? token('ours', %claims) : $good;

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
    my $token = token('ours');

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
