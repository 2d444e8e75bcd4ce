# D3, D4: the end of a token that a worker keeps, and its revocation while a
# request is held.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Asker qw(cache_says observed seen);
use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Keys;
use AGW::Refusal qw(problems_of);


# D3 and D4: a token that a worker keeps ends in the second in which it
# would have ended: time is looked at on every hit.

my $conf = <<'CONF';
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=HS256;
    auth_gateway_key %%PREFIX%%/rsa.pem kid=RS256 verify;
    auth_gateway_key %%PREFIX%%/rsa.pem kid=PS256 alg=PS256 verify;
    auth_gateway_key %%PREFIX%%/ES256.pem kid=ES256 verify;
    auth_gateway_key %%PREFIX%%/EdDSA.pem kid=EdDSA verify;
    auth_gateway_leeway LEEWAY;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        auth_gateway_business_path /b/<business_id>;

        location /b/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /open/ {
            auth_gateway_require off;
            proxy_set_header X-Partner $auth_gateway_partner_id;
            proxy_set_header X-Expires $auth_gateway_expires;
            proxy_set_header X-Claim $auth_gateway_claim_x;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my @algs = qw(HS256 RS256 PS256 ES256 EdDSA);
my %keys = map { $_ => AGW::Keys->new($_) } qw(HS256 RS256 ES256 EdDSA);
my @gateways;

$keys{PS256} = $keys{RS256}->as('PS256');

for my $leeway (0, 2) {
    my $gw = AGW::Gateway->start($conf =~ s/LEEWAY/${leeway}s/r,
        log_level => 'debug', before => sub {
        spew("$_[0]/rsa.pem", $keys{RS256}->form('PKCS#8'), 0600);
        spew("$_[0]/$_.pem", $keys{$_}->form('PKCS#8'), 0600)
            for qw(ES256 EdDSA);
    });

    $keys{HS256}{secret} = $gw->{secret};
    push @gateways, { gw => $gw, leeway => $leeway, secret => $gw->{secret},
        asker => AGW::Asker->new($gw) };
}

# a token of that gateway that is refused from $end on

sub token {
    my ($at, $alg, $end) = @_;

    $keys{HS256}{secret} = $at->{secret};

    return $at->{gw}->keep_secret($keys{$alg}->mint(kid => $alg,
        partner_id => 'p-1', business_id => 'b-1', claims => {
            iat => int(time) - 60, exp => $end - $at->{leeway}, x => 'y' }));
}

sub identity {
    my ($at) = @_;

    my ($saw) = $at->{gw}->upstream_saw;

    return join ' ', map { @{ $saw->{headers}{"x-$_"} // ['-'] } }
        qw(partner expires claim);
}

my $url = '/b/b-1/x';
my @tokens;

for my $at (@gateways) {
    my $long = token($at, 'HS256', int(time) + 600);

    $at->{asker}->gets("D3 leeway $at->{leeway}, before", '200 miss stored',
        $url, $long);
    $at->{good} = sub {
        return $at->{asker}->ask($url, $long) eq seen('200 hit');
    };
    $at->{gw}->good_is($at->{good});
}

# All of them end in the same second.  Of each algorithm one token is used
# all the time, one is not used at the end, and one is used over HTTP/2.

my $end = int(time) + 6;

for my $at (@gateways) {
    for my $alg (@algs) {
        for my $how ('busy', 'idle', 'h2') {
            my $token = token($at, $alg, $end);
            my $name = "$alg, leeway $at->{leeway}, $how";

            $at->{asker}->gets("P8.10 $name: at first sight",
                '200 miss stored', $url, $token);
            $at->{asker}->gets("P8.10 $name: in time", '200 hit', $url,
                $token);
            push @tokens, { at => $at, token => $token, name => $name,
                how => $how };
        }
    }
}

# and one of each gateway is used where nothing is demanded

for my $at (@gateways) {
    my $exp = $end - $at->{leeway};

    $at->{open} = token($at, 'ES256', $end);

    for ('miss stored', 'hit') {
        $at->{asker}->gets("D3 leeway $at->{leeway}, where nothing is demanded",
            "200 $_", '/open/x', $at->{open});
        is(identity($at), "p-1 $exp y", 'D3 the variables');
    }
}

cmp_ok(time, '<', $end, 'P8.10 each was used in time');

my @busy = grep { $_->{how} eq 'busy' } @tokens;

until (time > $end + 0.2 && !grep { !$_->{seen}{late} } @busy) {
    for (@busy) {
        my $before = time;
        my $told = $_->{at}{asker}->ask($url, $_->{token});

        $_->{seen}{ time < $end ? 'early' : $before >= $end ? 'late'
            : 'meanwhile' }{$told}++;
    }

    # the kernel's time, to the millisecond: whoever is early waits no longer

    sleep 0.02 if time < $end - 0.3;
}

for (@busy) {
    is_deeply([keys %{ $_->{seen}{early} }], [seen('200 hit')],
        "P8.10 $_->{name}: accepted until its last moment")
        or diag(explain($_->{seen}));
    is_deeply([keys %{ $_->{seen}{late} }], [seen('401 expired hit')],
        "P8.10 $_->{name}: refused from that second on")
        or diag(explain($_->{seen}));
}

# what was not used since: its first use is too late, and so is each other

for (@tokens) {
    my ($at, $name, $token) = @$_{qw(at name token)};

    if ($_->{how} eq 'h2') {
        my $h2 = $at->{gw}->connect_h2;

        for my $time (1, 2) {
            $at->{gw}->mark;

            my $r = $h2->request('GET', $url, headers =>
                [['authorization', "Bearer $token"]]);

            is(cache_says($at->{gw}), 'hit', "P8.10 $name: a hit")
                if observed();
            $at->{gw}->refused("P8.10 $name: refused", $r, 'expired',
                kid => $name =~ s/,.*//r, partner => 'p-1', good => 0);
        }

        $h2->close;
        next;
    }

    $at->{asker}->refused("P8.10 $name, time $_", 'expired hit', $url,
        $token, kid => $name =~ s/,.*//r, partner => 'p-1') for 1, 2;
}

# Where nothing is demanded, the variables are empty from then on.

for my $at (@gateways) {
    for (1, 2) {
        $at->{asker}->gets('D3 where nothing is demanded, too late',
            '200 hit', '/open/x', $at->{open});
        is(identity($at), '- - -', 'D3 are empty');
    }

    $at->{asker}->refused('P8.10 and refused where something is',
        'expired hit', $url, $at->{open}, kid => 'ES256', partner => 'p-1');
    ok($at->{good}->(), 'P8.10 a token that lives is a hit as before');
}


# D3: time and revocation are looked at again when the request is
# decided.  A token that was verified in an earlier phase, for a variable,
# and that ended while the request was held, is refused: whether it was seen
# for the first time or kept.

# the second request of a partner, or with one k, is held for 4 seconds

$conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    map $auth_gateway_token_id $mapped { default $auth_gateway_partner_id; }

    limit_req_zone $auth_gateway_partner_id zone=partner:1m rate=15r/m;
    limit_req_zone $mapped zone=mapped:1m rate=15r/m;
    limit_req_zone $arg_k zone=k:1m rate=15r/m;

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

sub token_of {
    my ($id, %claims) = @_;

    return $gw->mint(partner_id => $id, business_id => 'b-1',
        claims => \%claims);
}

my $good = token_of('p-good');

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

# early in a second: all are to be held before the tokens end

sleep 0.01 while time - int(time) > 0.1;

$end = int(time) + 3;
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

            $case->{token} = token_of("p-$n", $fate eq 'expired'
                ? (iat => $end - 60, exp => $end) : ());

            # nobody is held yet; then it is seen, or not, and held

            $asker->ask($case->{target}, token_of("p-$n"));
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
