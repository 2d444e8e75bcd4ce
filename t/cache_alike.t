# D3: a gateway that keeps six tokens and one that keeps none are
# asked the same, by chance: tokens good and bad, some that end or are
# revoked on the way, servers, locations.  Nobody can tell them apart.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes ();

use AGW::Asker qw(observed);
use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Keys;

my @names = qw(result partner_id business_id scope token_id token_kind
    key_id expires claim_x);
my $headers = join '', map { '        add_header X-' . s/_/-/gr
    . " \$auth_gateway_$_ always;\n" } @names;

my $conf = <<"CONF";
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/hs.key alg=HS256 kid=k1;
    auth_gateway_key %%PREFIX%%/es256.pem kid=k2 verify;
    auth_gateway_issuer https://id.example;
    auth_gateway_leeway 1s;
    auth_gateway_require_https off;
    auth_gateway_token_cache ENTRIES;
    keepalive_requests 100000;

    server {
        listen 127.0.0.1:%%PLAIN%%;
        server_name one;

        auth_gateway_business_path /b/<business_id>;
        root %%PREFIX%%/html;
$headers
        location /b/ { auth_gateway_require business owner;
            try_files /x =404; }
        location /b/b-1/deep { auth_gateway_require business;
            auth_gateway_scope deep; try_files /x =404; }
        location /p { auth_gateway_require partner; try_files /x =404; }
        location /o { auth_gateway_require off; try_files /x =404; }
        location /r { auth_gateway_require off; try_files /none /b/b-1/x; }
        location = /revoke { auth_gateway_revoke token; }
    }

    server {
        listen 127.0.0.1:%%PLAIN%%;
        server_name two;

        auth_gateway_key %%PREFIX%%/other.key alg=HS256 kid=k1;
        auth_gateway_key %%PREFIX%%/es256.pem kid=k2 verify issuer=urn:x;
        auth_gateway_business_path /b/<business_id>;
        auth_gateway_audience api;
        root %%PREFIX%%/html;
$headers
        location /b/ { auth_gateway_require business; try_files /x =404; }
        location /p { auth_gateway_require partner; try_files /x =404; }
        location /o { auth_gateway_require off; try_files /x =404; }
        location /r { auth_gateway_require off; try_files /none /b/b-1/x; }
    }
}
CONF

my %keys = (hs => AGW::Keys->new('HS256'), other => AGW::Keys->new('HS256'),
    es256 => AGW::Keys->new('ES256'));
my @askers;

for my $entries (6, 'off') {
    my $gw = AGW::Gateway->start($conf =~ s/ENTRIES/$entries/r,
        log_level => 'debug', before => sub {
            spew("$_[0]/$_.key", $keys{$_}{secret}, 0600) for qw(hs other);
            spew("$_[0]/es256.pem", $keys{es256}->form('PKCS#8'), 0600);
        });

    spew($gw->prefix . '/html/x', "x\n", 0644);
    $gw->business($gw->partner(id => 'p-1', key => 'k' x 22), id => 'b-1');
    push @askers, { gw => $gw, map { $_ => AGW::Asker->new($gw,
        port => 'PLAIN', host => $_) } qw(one two) };
}

sub one_of { return $_[rand @_] }

my $made = 0;

# a token by chance; more than half of them are good somewhere

sub make_token {
    my $key = one_of(qw(hs hs hs other es256));
    my $now = time;
    my %claims = (partner_id => one_of(qw(p-1 p-1 p-2)), iat => $now - 1,
        exp => $now + one_of(0, 1, 2, 600, 600, 600), jti => 'j-' . ++$made,
        x => "x-$made", iss => one_of(('https://id.example') x 6, 'urn:x'));

    if (rand > 0.3) {
        $claims{business_id} = one_of(qw(b-1 b-1 b-2));
        $claims{scope} = one_of('business_access', 'business_access deep',
            'deep', 'other business_access');
    }

    $claims{aud} = one_of('api', ['x', 'api'], 'x') if rand > 0.5;
    $claims{nbf} = $now + one_of(0, 1, 2) if rand > 0.8;
    delete $claims{ one_of(qw(jti exp iat)) } if rand > 0.95;

    my $token = $keys{$key}->mint_raw(payload => \%claims, header => {
        alg => $keys{$key}->alg, typ => 'JWT',
        kid => $key eq 'es256' ? 'k2' : one_of(('k1') x 15, 'k9') });

    substr $token, rand(length $token), 1, one_of('A' .. 'Z', 0 .. 9, '.')
        if rand > 0.9;
    $_->{gw}->keep_secret($token) for @askers;

    return $token;
}

# what one is answered: everything but whether it was kept

sub answer {
    my ($at, $host, $path, $token) = @_;

    my $told = $at->{$host}->ask($path, $token) =~ s/ (?:hit|miss|stored)//gr;
    my $r = $at->{$host}->response;

    return join '|', $told, (map { $r->header('X-' . s/_/-/gr) // '-' }
        @names), map { $_ // '-' } $r->header('WWW-Authenticate'), $r->body;
}

my $seed = $ENV{AGW_SEED} // 7519;
my (@tokens, @problems, %said, $hits);

srand $seed;

my @paths = qw(/b/b-1/x /b/b-1/x /b/b-1/deep /b/b-2/x /b/none/x /p /o /o /r);

for my $time (1 .. 1200) {
    my $token;

    # of a few at a time, the newer ones more often

    push @tokens, make_token() if @tokens < 6 || rand > 0.97;
    shift @tokens if @tokens > 12;
    $token = $tokens[rand @tokens];

    my ($host, $path) = (one_of(qw(one one two)), one_of(@paths));

    if (rand > 0.985) {
        for (@askers) {
            $_->{one}->ask('/revoke', undef, method => 'POST',
                headers => [AGW::Gateway::basic('p-1', 'k' x 22),
                    'Content-Type: application/x-www-form-urlencoded'],
                body => "token=$token");
        }
    }

    # both in one second of the clock

    my (@says, $second);

    do {
        $second = int Time::HiRes::time();
        @says = map { answer($_, $host, $path, $token) } @askers;
    } until $second == int Time::HiRes::time();

    Time::HiRes::sleep(0.003);
    $hits++ if $askers[0]{gw}->log_text =~ /token cache: hit/;
    $said{ (split /\|/, $says[0])[0] }++;
    push @problems, "$time, $host$path: $says[0], not $says[1]"
        if $says[0] ne $says[1];
}

ok(!@problems, "D3 nobody can tell them apart (AGW_SEED=$seed)")
    or diag(join "\n", grep { defined } @problems[0 .. 4]);

note(explain(\%said), "hits: ", $hits // 0);

for ('200', '401 expired', '401 revoked', '401 bad_signature',
    '403 wrong_kind', '403 wrong_business', '401 wrong_issuer')
{
    ok($said{$_}, "D3 some were answered $_") or diag(explain(\%said));
}

cmp_ok($hits // 0, '>', 150, 'D3 and many were kept') if observed();

$askers[0]{gw}->finish;
