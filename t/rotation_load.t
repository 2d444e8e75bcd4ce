# D4: signing keys change without an outage.  Under load, the next key
# is added with `verify`, the two are swapped, and the old one is dropped
# when its last token has expired: no request is lost, and no token refused
# that should live.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Crypt::JWT qw(decode_jwt);
use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(slurp spew);
use AGW::Gateway;
use AGW::Load;
use AGW::Token qw(claims_of header_of mint);

my $lifetime = 3;
my $clients = 4;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    KEYS
    auth_gateway_issuer https://issuer.example;
    auth_gateway_audience api;
    auth_gateway_partner_lifetime 3s;
    auth_gateway_business_lifetime 3s;

    log_format load '$http_x_request $status';
    access_log %%PREFIX%%/logs/load.log load;

    server {
        listen 127.0.0.1:%%TLS%% ssl;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }
        location = /jwks { auth_gateway_jwks; }

        location /token/ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location /v1/businesses/ {
            root %%PREFIX%%/html;
            try_files /x =404;
        }
    }
}
CONF

# the first line of each stage is the key that signs

my $old = 'auth_gateway_key %%PREFIX%%/old.pem kid=old';
my $next = 'auth_gateway_key %%PREFIX%%/next.pem kid=next';

my @stages = (
    { name => 'the old key', keys => ["$old"], kids => ['old'] },
    { name => 'the next one beside it', keys => ["$old", "$next verify"],
        kids => ['next', 'old'] },
    { name => 'swapped', keys => ["$next", "$old verify"],
        kids => ['next', 'old'] },
    { name => 'the old one dropped', keys => ["$next"], kids => ['next'] },
);

sub conf_of {
    my ($stage) = @_;

    return $conf =~ s/^ {4}KEYS$/join "\n", map { "    $_;" }
        @{ $stage->{keys} }/mre;
}

sub make_key {
    my ($file, $how) = @_;

    system("umask 077; openssl genpkey $how -out $file 2>/dev/null") == 0
        or die "openssl genpkey $how\n";

    return;
}

my $gw = AGW::Gateway->start(conf_of($stages[0]), workers => 2,
    before => sub {
        my ($dir) = @_;

        make_key("$dir/old.pem",
            '-algorithm EC -pkeyopt ec_paramgen_curve:P-256');
        make_key("$dir/next.pem",
            '-algorithm RSA -pkeyopt rsa_keygen_bits:2048');
    });

my $prefix = $gw->prefix;
my $partner = $gw->partner;
my $business = $gw->business($partner);
my $here = "/v1/businesses/$business/x";
my $log = "$prefix/logs/load.log";
my $began = time;

spew("$prefix/html/x", "x\n", 0644);

# one that the old key signed, and that would live for long

my $long = $gw->keep_secret(mint(
    alg => 'ES256', secret => \slurp("$prefix/old.pem"), kid => 'old',
    partner_id => $partner->{id}, business_id => $business,
    claims => { iss => 'https://issuer.example', aud => 'api' },
));

sub lines_in_log {
    return scalar(() = slurp($log) =~ /\n/g);
}

sub jwks {
    my $response = $gw->request('GET', '/jwks');

    is($response->status, 200, 'the JWK Set') or return {};

    return $response->json;
}

# A stage lasts so many seconds, and until so many requests were answered;
# at most 6 seconds more.

my $minimum = 150;

sub let_them_work {
    my ($seconds) = @_;

    my $from = lines_in_log();
    my $start = time;

    sleep 0.05 until time >= $start + $seconds
        && (lines_in_log() - $from > $minimum + 50
            || time > $start + $seconds + 6);

    return;
}

my $load = AGW::Load->start(
    port => $gw->nginx->port('TLS'), ca => "$prefix/cert.pem",
    dir => "$prefix/logs", clients => $clients,
    basic => AGW::Gateway::basic(@$partner{qw(id key)}),
    partner_path => '/token', business_path => "/token/$business",
    get_path => $here,
);

for my $i (0 .. $#stages) {
    my $stage = $stages[$i];

    # reload() returns when the last worker with the former keys has ended

    $stage->{from} = time;
    ok($gw->nginx->reload(conf_of($stage)), "D4 $stage->{name}: new workers")
        if $i > 0;
    $gw->new_workers;
    $stage->{settled} = time;

    $stage->{jwks} = jwks();
    is_deeply([sort map { $_->{kid} } @{ $stage->{jwks}{keys} // [] }],
        $stage->{kids}, "D4 $stage->{name}: the JWK Set");

    my $response = $gw->request('GET', $here, bearer => $long);

    if ($i < 3) {
        is($response->status, 200, "D4 $stage->{name}: a token of the old key");

    } else {
        # others are refused in the same moment: the log has more lines

        is($response->status, 401, "D4 $stage->{name}: its token is refused");
        like($gw->log_text, qr/reason: unknown_key, kid: -,/,
            'D4 for its key');
    }

    # the old key signed its last token before the swap was settled

    let_them_work($i == 2 ? $lifetime + 1.2 : 1.5);
    $stage->{end} = time;
}

my @events = $load->stop;
my $seconds = time - $began;

note(sprintf '%.1f seconds', $seconds);

# Nothing was lost.

{
    my @lost = map { "$_->{kind} $_->{id}: $_->{why}" }
        grep { !defined $_->{status} } @events;

    is_deeply(\@lost, [], 'D4 every request got its answer');

    my %taken = map { $_ => 1 } slurp($log) =~ /^([\d-]+) \d+$/mg;
    my @repeats = map { @{ $_->{repeats} } } @events;

    is_deeply([grep { $taken{$_} } @repeats], [],
        'D4 what was repeated had not been taken');
    note(@repeats . ' requests met the end of a connection');
    is_deeply([map { $_->{id} } grep { defined $_->{status}
        && !@{ $_->{repeats} } && !$taken{ $_->{id} } } @events], [],
        'D4 the log has them all');
}

# Each answer is the one that was due.  In the second in which a token
# expires either is.

sub wrong {
    my ($event) = @_;

    my ($status, $exp) = @$event{qw(status exp)};

    return 0 if !defined $status;
    return $status != 200 if !defined $exp;
    return $status != 200 if $event->{until} < $exp;
    return $status != 401 if $event->{at} > $exp + 0.5;
    return $status != 200 && $status != 401;
}

{
    my @wrong = map { "$_->{kind} $_->{id}: $_->{status} with "
        . ($_->{kid} // 'a key') . sprintf ', %.2f s to live',
        ($_->{exp} // 0) - $_->{until} } grep { wrong($_) } @events;

    is_deeply([@wrong[0 .. ($#wrong > 9 ? 9 : $#wrong)]], [],
        'D4 no token was refused that should live, none lived too long');
}

my $late = grep { ($_->{status} // 0) == 401 } @events;

cmp_ok($late, '>', 0, "D4 $late expired tokens were refused");

# what was done in each stage: {what}{kid} => how often

my %done;

for my $event (@events) {
    my ($stage) = grep { $event->{at} >= $stages[$_]{settled}
        && $event->{until} <= $stages[$_]{end} } 0 .. $#stages;

    next unless defined $stage && ($event->{status} // 0) == 200;

    $done{$stage}{all}++;
    $done{$stage}{$event->{kind}}{ $event->{kid} // '-' }++;
    $done{$stage}{issued}{ header_of($event->{token})->{kid} }++
        if $event->{token};
}

for my $i (0 .. $#stages) {
    my $name = "D4 $stages[$i]{name}";
    my $signer = $i < 2 ? 'old' : 'next';
    my $what = $done{$i};

    cmp_ok($what->{all}, '>=', $minimum, "$name: $what->{all} requests");
    is_deeply([keys %{ $what->{issued} }], [$signer],
        "$name: tokens are signed by it alone");

    for my $kind (qw(business get)) {
        my %by = map { $_ => $what->{$kind}{$_} // 0 } qw(old next);

        note("$name: $kind with old $by{old}, next $by{next}");
        cmp_ok($by{$signer}, '>=', 10, "$name: $kind with a token of $signer");
    }
}

# of the old key's last tokens

cmp_ok($done{2}{$_}{old} // 0, '>=', 10, "D4 swapped: $_ with a token of old")
    for qw(business get);

# during the reloads as well

{
    my $during = grep {
        my $event = $_;

        grep { $event->{until} >= $stages[$_]{from}
            && $event->{at} <= $stages[$_]{settled} } 1 .. 3;
    } @events;

    cmp_ok($during, '>=', 3, "D4 $during requests while workers changed");
}

# who fetched the JWK Set before the swap has the key for what comes after

{
    my %tokens;

    for my $event (grep { $_->{token} } @events) {
        push @{ $tokens{ header_of($event->{token})->{kid} } },
            $event->{token};
    }

    for (['old', 0], ['old', 1], ['old', 2], ['next', 1], ['next', 2],
        ['next', 3])
    {
        my ($kid, $i) = @$_;
        my @some = @{ $tokens{$kid} // [] };

        @some = map { $some[$_ * $#some / 19] } 0 .. 19;

        my $good = grep {
            my $claims = eval { decode_jwt(token => $_,
                kid_keys => $stages[$i]{jwks}, verify_exp => 0,
                accepted_alg => $kid eq 'old' ? 'ES256' : 'RS256') };

            $claims && $claims->{iss} eq 'https://issuer.example';
        } @some;

        is($good, 20, "D4 the JWK Set of \"$stages[$i]{name}\" verifies"
            . " tokens of $kid");
        $gw->keep_secret($_) for @some;
    }

    my ($token) = $tokens{next}[0];

    ok(!eval { decode_jwt(token => $token, kid_keys => $stages[0]{jwks},
        verify_exp => 0) }, 'D4 and the one before does not');
}

$gw->finish;
