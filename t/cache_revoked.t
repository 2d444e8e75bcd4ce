# D5: tokens that a worker keeps, when they are revoked, and when the zone has
# no room for a revocation.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(decode_base64url);
use Math::BigInt;
use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Asker;
use AGW::Files qw(slurp spew);
use AGW::Gateway;
use AGW::Keys;
use AGW::Revoking qw(conf_of);
use AGW::Stopwatch;
use AGW::Token qw(b64url claims_of);


# D5: a revocation ends a token that a worker keeps as it ends any
# other: at once, in each worker, whoever wrote it.  What was not revoked
# goes on, and from the same cache.

my $es256 = AGW::Keys->new('ES256');

# a key whose signatures have two spellings, and a place to read variables

my $conf = conf_of(http => <<'HTTP', locations => <<'LOCATIONS');
    auth_gateway_key %%PREFIX%%/es256.pem kid=k2 verify;
HTTP
        location /open/ {
            auth_gateway_require off;
            proxy_set_header X-Partner $auth_gateway_partner_id;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
LOCATIONS

my $workers = 3;
my $gw = AGW::Revoking->start($conf, workers => $workers,
    log_level => 'debug', before => sub {
        spew("$_[0]/es256.pem", $es256->form('PKCS#8'), 0600);
    });
my %open = $gw->each_worker;
my @askers = map { AGW::Asker->new($gw, client => $open{$_}) } sort keys %open;
my $n = 0;

is(@askers, $workers, "an asker for each of $workers workers");

# a partner, its business and a token; nothing else here is about them

sub fresh {
    my (%opt) = @_;

    my $partner = $gw->partner(id => 'p-' . ++$n);
    my $business = $gw->business($partner, id => "b-$n");

    return { %$partner, business => $business, basic =>
        [@$partner{qw(id key)}], url => "/v1/businesses/$business/x",
        token => $gw->mint(partner_id => $partner->{id},
            business_id => $business, %opt) };
}

# each worker sees it for the first time, and then keeps it

sub keeps {
    my ($name, @of) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    for my $asker (@askers) {
        $asker->gets("D5 $name: $_->[0]", $_->[1], $of[0]{url},
            $of[0]{token}) for ['at first sight', '200 miss stored'],
                ['before', '200 hit'];
    }

    return;
}

# each worker refuses it, again and again, though it keeps it

sub ended {
    my ($name, $of) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    for my $asker (@askers) {
        my ($partner) = claims_of($of->{token})->{partner_id};

        $asker->refused("D5 $name", 'revoked hit', $of->{url}, $of->{token},
            partner => $partner);
        $asker->gets("D5 $name, once more", '401 revoked hit', $of->{url},
            $of->{token}) for 1, 2;
        $asker->gets("D5 $name, where nothing is demanded", '200 hit',
            '/open/x', $of->{token});
        is(($gw->upstream_saw)[0]{headers}{'x-partner'}, undef,
            "D5 $name, and its variables are empty");
    }

    return;
}

sub lives {
    my ($name, $of) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    for my $asker (@askers) {
        $asker->gets("D5 $name", '200 hit', $of->{url}, $of->{token})
            for 1, 2;
    }

    return;
}

# until one worker knows; they share what they know

sub within_a_second {
    my ($name, $of) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $watch = AGW::Stopwatch->start($gw->nginx->workers);

    while ($askers[0]->ask($of->{url}, $of->{token}) =~ /^200/) {
        last if $watch->seconds > 1.2;
        sleep 0.02;
    }

    ended($name, $of);

    return;
}

# Who lives through all of it: another partner, and beside it the same.

my $witness = fresh();

keeps('a token of somebody else', $witness);

# by the endpoints

{
    my $us = fresh();
    my $beside = { %$us, token => $gw->mint(partner_id => $us->{id},
        business_id => $us->{business}) };

    keeps('a token', $us);
    keeps('another of the same business', $beside);
    $gw->succeeds('P5.3 a token is revoked',
        $gw->revoke($us->{token}, basic => $us->{basic}));
    ended('a token', $us);
    lives('another of the same business', $beside);
    lives('a token of somebody else', $witness);

    my $other = { %$us, business => $gw->business($us->{id}) };

    $other->{url} = "/v1/businesses/$other->{business}/x";
    $other->{token} = $gw->mint(partner_id => $us->{id},
        business_id => $other->{business});
    keeps('another business of the partner', $other);
    $gw->succeeds('P5.4 a business is cut off',
        $gw->cut_off($us->{business}, basic => $us->{basic}));
    ended('a business', $beside);
    lives('another business of the partner', $other);
    lives('a token of somebody else', $witness);
}

# by hand, and by the store's triggers

my %rows = (
    'a row of a token' => sub {
        my $claims = claims_of($_[0]{token});

        return row('token', "$_[0]{id}:$claims->{jti}", $claims->{iat});
    },
    'a row of a business' => sub { row('business', $_[0]{business}, time) },
    'a row of a partner' => sub { row('partner', $_[0]{id}, time) },
    'a partner is disabled' => sub {
        "UPDATE partners SET status = 'disabled' WHERE partner_id ="
            . " '$_[0]{id}'"
    },
    'a business is archived' => sub {
        "UPDATE businesses SET status = 'archived' WHERE business_id ="
            . " '$_[0]{business}'"
    },
    'a business changes its partner' => sub {
        "UPDATE businesses SET partner_id = '$witness->{id}' WHERE"
            . " business_id = '$_[0]{business}'"
    },
);

sub row {
    my ($kind, $id, $cutoff) = @_;

    return sprintf 'INSERT INTO revocations (kind, id, cutoff, expires_at)'
        . " VALUES ('%s', '%s', %d, %d)", $kind, $id, $cutoff, time + 3600;
}

for my $name (sort keys %rows) {
    my $us = fresh();

    keeps($name, $us);
    $gw->store->sql($rows{$name}->($us) . ';');
    within_a_second($name, $us);
    lives("$name: somebody else's", $witness);
}

# a cut-off leaves alone what was issued after it, until it grows

{
    my $before = fresh();

    keeps('issued before a cut-off', $before);
    $gw->store->sql(row('business', $before->{business}, time) . ';');

    my $us = { %$before, token => $gw->mint(partner_id => $before->{id},
        business_id => $before->{business}, seq => $gw->store->stamp) };

    within_a_second('issued before a cut-off', $before);
    keeps('issued after a cut-off', $us);
    lives('issued after a cut-off', $us);
    $gw->store->sql('UPDATE revocations SET cutoff = cutoff + 1'
        . " WHERE id = '$us->{business}';");
    within_a_second('a cut-off that grows', $us);
}

# one worker has kept it and the others have not

{
    my $us = fresh();

    $askers[0]->gets('D5 kept by one worker', $_, $us->{url}, $us->{token})
        for '200 miss stored', '200 hit';
    $gw->succeeds('P5.3 it is revoked',
        $gw->revoke($us->{token}, basic => $us->{basic}));
    $askers[0]->gets('D5 who kept it', '401 revoked hit', $us->{url},
        $us->{token}) for 1 .. 3;
    $askers[1]->gets('D5 who did not', '401 revoked miss', $us->{url},
        $us->{token}) for 1 .. 3;
}

# a token is its partner and jti: two spellings of one signature, both kept

{
    my $us = fresh();
    my $n = Math::BigInt->from_hex('ffffffff00000000ffffffffffffffff'
        . 'bce6faada7179e84f3b9cac2fc632551');
    my $one = $es256->mint(partner_id => $us->{id}, kid => 'k2',
        business_id => $us->{business});
    my ($signed, $signature) = $one =~ /^(.*)\.([^.]*)$/;
    my ($r, $s) = unpack 'H64 H64', decode_base64url($signature);
    my $two = "$signed." . b64url(pack 'H64 H64', $r, sprintf '%064s',
        substr $n->bsub(Math::BigInt->from_hex($s))->as_hex, 2);

    $gw->keep_secret($_) for $one, $two;
    keeps("spelling $_->[0]", { %$us, token => $_->[1] })
        for [1, $one], [2, $two];
    $gw->succeeds('D5 one spelling is revoked',
        $gw->revoke($two, basic => $us->{basic}));

    for my $asker (@askers) {
        $asker->gets('D5 both spellings end', '401 revoked hit', $us->{url},
            $_) for $one, $two, $one;
    }
}

lives('a token of somebody else, after all', $witness);


# D5: a node that learns of a revocation it has no room for accepts no
# token, one that a worker keeps no more than any other.

$conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_zone 64k;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl;

        auth_gateway_require business;
        auth_gateway_business_path /b/<business_id>;

        location /b/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /open/ {
            auth_gateway_require off;
            proxy_set_header X-Partner $auth_gateway_partner_id;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

$gw = AGW::Gateway->start($conf, log_level => 'debug',
    allow => [qr/\[alert\].* auth_gateway: the zone has no room for/]);
my $asker = AGW::Asker->new($gw);
my $url = '/b/b-1/x';
my ($capacity) = join('', map { slurp($_) } $gw->nginx->error_log,
    $gw->nginx->out_file) =~ /bytes holds (\d+) entries/;

ok($capacity, 'D5 nginx says how many entries the zone holds');

sub token {
    return $gw->mint(partner_id => 'p-1', business_id => 'b-1');
}

sub partner {
    return ($gw->upstream_saw)[0]{headers}{'x-partner'};
}

# what kept() and others get, as soon as nginx has followed the store

sub until_answered {
    my ($status, $token, $seconds) = @_;

    my $until = time + ($seconds // 4);

    while ($asker->ask($url, $token) !~ /^$status/) {
        return 0 if time > $until;
        sleep 0.05;
    }

    return 1;
}

my ($kept, $new) = (token(), token());

$asker->gets('D5 kept', $_, $url, $kept) for '200 miss stored', '200 hit';

# rows of partners that nobody knows, more than there is room for

$gw->store->sql('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1'
    . ' FROM n WHERE i < ' . ($capacity + 50) . ') INSERT INTO'
    . " revocations (kind, id, cutoff, expires_at) SELECT 'partner',"
    . " 'nobody-' || i, 1, unixepoch() + 3600 FROM n");
ok(until_answered(503, $kept), 'D5 more rows than fit');

for (1 .. 3) {
    $asker->refused('D5 what is kept is refused', 'store_unavailable hit',
        $url, $kept, partner => 'p-1', good => 0);
    $asker->refused('D5 what is new is refused, and not kept',
        'store_unavailable miss', $url, $new, partner => 'p-1', good => 0);
    $asker->gets('D5 where nothing is demanded', '200 hit', '/open/x',
        $kept);
    is(partner(), undef, 'D5 there it is nobody\'s');
}

# They go when they are older than any token: the seconds are added by hand,
# and nginx looks at them every ten.

$gw->store->sql('UPDATE clock SET elapsed = elapsed + horizon + 60');
ok(until_answered(200, $kept, 40), 'D5 there is room again');
is($gw->store->sql('SELECT count(*) FROM revocations'), 0, 'D5 no row is left');
$asker->gets('D5 what was kept still is', '200 hit', $url, $kept);
$asker->gets('D5 and is somebody\'s', '200 hit', '/open/x', $kept);
is_deeply(partner(), ['p-1'], 'D5 as before');
$asker->gets('D5 what was new is looked at', $_, $url, $new)
    for '200 miss stored', '200 hit';
is_deeply([$gw->problems_after], [], 'D5 on the same worker');

$gw->finish;
