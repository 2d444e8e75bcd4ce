# D3: time and revocation are looked at again when the request is
# decided.  A token that was verified in an earlier phase, for a variable,
# and that ended while the request was held, is refused: whether it was seen
# for the first time or kept.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Asker qw(observed);
use AGW::Gateway;
use AGW::Refusal qw(problems_of);

# the second request of a partner, or with one k, is held for 2.5 seconds

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    map $auth_gateway_token_id $mapped { default $auth_gateway_partner_id; }

    limit_req_zone $auth_gateway_partner_id zone=partner:1m rate=24r/m;
    limit_req_zone $mapped zone=mapped:1m rate=24r/m;
    limit_req_zone $arg_k zone=k:1m rate=24r/m;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        add_header X-Connection $connection always;

        location = /revoke { auth_gateway_revoke token; }

        location /preaccess/ {
            auth_gateway_business_path /preaccess/<business_id>;
            limit_req zone=partner burst=9;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /map/ {
            auth_gateway_business_path /map/<business_id>;
            limit_req zone=mapped burst=9;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /set/ {
            auth_gateway_business_path /set/<business_id>;
            set $who $auth_gateway_partner_id;
            limit_req zone=k burst=9;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /if/ {
            auth_gateway_business_path /if/<business_id>;

            if ($auth_gateway_partner_id = "") {
                return 418;
            }

            limit_req zone=k burst=9;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /at-once/ {
            auth_gateway_business_path /at-once/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf, log_level => 'debug');
my $asker = AGW::Asker->new($gw);
my $number = 0;

sub token {
    my ($id, %claims) = @_;

    return $gw->mint(partner_id => $id, business_id => 'b-1',
        claims => \%claims);
}

my $good = token('p-good');

$gw->good_is(sub {
    return $gw->request('GET', '/at-once/b-1/x', bearer => $good,
        quiet => 1)->status == 200;
});

# What happens to a token while its request is held, and what is answered.

my @fates = (['lives', 200], ['expired', 'expired'], ['revoked', 'revoked'],
    ['cut off by hand', 'revoked'], ['cut off by a trigger', 'revoked']);

# who revokes a token of its own

my %basic = map { $_->{id} => [@$_{qw(id key)}] }
    map { $gw->partner(id => "p-$_") } map { 5 * $_ + 3 } 0 .. 7;

# early in a second: all are to be held before the end of the next one

sleep 0.01 while time - int(time) > 0.1;

my $end = int(time) + 2;
my $mark = -s $gw->nginx->error_log;
my @cases;

for my $place (qw(preaccess map set if)) {
    for my $kept (0, 1) {
        for (@fates) {
            my ($fate, $want) = @$_;
            my $n = ++$number;
            my $case = { place => $place, kept => $kept, fate => $fate,
                want => $want, name => "D3 $place, "
                    . ($kept ? 'kept' : 'first sight') . ", $fate",
                target => "/$place/b-1/$n?k=$n", id => "p-$n" };

            $case->{token} = token("p-$n", $fate eq 'expired'
                ? (iat => $end - 60, exp => $end) : ());

            # nobody is held yet; then it is seen, or not, and held

            $asker->ask($case->{target}, token("p-$n"));
            $asker->ask('/at-once/b-1/x', $case->{token}) if $kept;
            $case->{client} = $gw->connect;
            $case->{client}->send(join "\r\n",
                "GET $case->{target} HTTP/1.1", 'Host: localhost',
                AGW::Gateway::bearer($case->{token}), '', '');
            push @cases, $case;
        }
    }
}

sub log_text { return AGW::ErrorLog::log_since($gw->nginx, $mark) }

for (1 .. 100) {
    last if (() = log_text() =~ /delaying request/g) == @cases;
    sleep 0.01;
}

is(scalar(() = log_text() =~ /delaying request/g), scalar @cases,
    'D3 each request is held');
cmp_ok(time, '<', $end, 'D3 before any token ends');

# now they end

for my $case (@cases) {
    my $id = $case->{id};

    if ($case->{fate} eq 'revoked') {
        is($gw->request('POST', '/revoke', basic => $basic{$id},
            form => "token=$case->{token}")->status, 200,
            "P5.3 $case->{name}");

    } elsif ($case->{fate} =~ /hand/) {
        push @{ $case->{sql} }, 'INSERT INTO revocations (kind, id, cutoff,'
            . " expires_at) VALUES ('partner', '$id', unixepoch(),"
            . ' unixepoch() + 3600);';

    } elsif ($case->{fate} =~ /trigger/) {
        push @{ $case->{sql} }, 'INSERT INTO partners (partner_id) VALUES'
            . " ('$id'); UPDATE partners SET status = 'disabled' WHERE"
            . " partner_id = '$id';";
    }
}

$gw->store->sql(join ' ', 'BEGIN;', (map { @{ $_->{sql} // [] } } @cases),
    'COMMIT;');

for my $case (@cases) {
    my ($name, $want) = @$case{qw(name want)};
    my $r = $case->{client}->response(timeout => 10);

    $case->{client}->close;

    if (!$r) {
        fail("$name: no response");
        next;
    }

    my $connection = $r->header('X-Connection');
    my @mine = grep { / \*$connection / } split /\n/, log_text();
    my @reasons = map { /auth_gateway: refused, reason: (\w+)/ } @mine;
    my @problems;

    if ($want eq '200') {
        push @problems, 'status ' . $r->status if $r->status != 200;
        push @problems, "refused: @reasons" if @reasons;

    } else {
        push @problems, problems_of($r, $want, by => 'bearer',
            scope => 'business_access');
        push @problems, "refused as (@reasons)" if "@reasons" ne $want;
    }

    my $cache = join ' ', map { /auth_gateway token cache: (\w+)$/ } @mine;
    my $told = $case->{kept} ? 'hit' : 'miss stored';

    push @problems, "the cache: $cache, not $told"
        if observed() && $cache ne $told;
    ok(!@problems, $name) or diag(join "\n", @problems);
}

# the upstream saw those that live, and who came first

{
    my %asked;

    $asked{ $_->{target} }++ for $gw->upstream->since(0);
    is_deeply([grep { ($asked{ $_->{target} } // 0)
        != ($_->{want} eq '200' ? 2 : 1) } @cases], [],
        'D3 the upstream saw no other');
}

# once more, where nothing is held

for my $case (@cases) {
    if ($case->{want} eq '200') {
        $asker->gets("$case->{name}, again", '200 hit', '/at-once/b-1/x',
            $case->{token});
        next;
    }

    $asker->refused("$case->{name}, again", "$case->{want} hit",
        '/at-once/b-1/x', $case->{token}, partner => $case->{id},
        kid => 'k1');
}

$gw->finish;
