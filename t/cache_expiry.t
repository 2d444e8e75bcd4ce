# D3 and D4: a token that a worker keeps ends in the second in which it
# would have ended: time is looked at on every hit.

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

my $end = int(time) + 2;

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

cmp_ok(time, '<', $end, 'P8.10 each was used in time');

my @busy = grep { $_->{how} eq 'busy' } @tokens;

until (time > $end + 0.2) {
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
    my $asker = $at->{asker};
    my $soon = int(time) + 2;
    my $token = token($at, 'ES256', $soon);
    my $exp = $soon - $at->{leeway};

    for ('miss stored', 'hit') {
        $asker->gets("D3 leeway $at->{leeway}, where nothing is demanded",
            "200 $_", '/open/x', $token);
        is(identity($at), "p-1 $exp y", 'D3 the variables');
    }

    $at->{soon} = [$soon, $token];
}

for my $at (@gateways) {
    my ($soon, $token) = @{ $at->{soon} };

    sleep 0.05 while time < $soon;

    for (1, 2) {
        $at->{asker}->gets('D3 where nothing is demanded, too late',
            '200 hit', '/open/x', $token);
        is(identity($at), '- - -', 'D3 are empty');
    }

    $at->{asker}->refused('P8.10 and refused where something is',
        'expired hit', $url, $token, kid => 'ES256', partner => 'p-1');
    ok($at->{good}->(), 'P8.10 a token that lives is a hit as before');
}

$gateways[0]{gw}->finish;
