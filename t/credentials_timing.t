# P1.6: what is wrong with a partner's credentials cannot be told by how long
# it takes to find out.  Counts instructions, which is not a matter of luck.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Temp;
use Test::More;

use AGW::Files qw(random_id slurp spew);
use AGW::Gateway;
use AGW::Skip qw(skip_all_for);

skip_all_for('valgrind', 'that refusals take the same work is')
    if system('valgrind --version >/dev/null 2>&1') != 0;

skip_all_for('a sanitizer', 'that refusals take the same work is',
    'it is in the release build') if $ENV{AGW_PRELOAD};

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%PLAIN%%;

        location /token {
            auth_gateway_require_https off;
            auth_gateway_token partner;
        }
    }
}
CONF

my $dir = File::Temp->newdir('agw-test-XXXXXXXX', TMPDIR => 1);
my $nginx = $ENV{AGW_NGINX} // '/usr/sbin/nginx';

chmod 0777, $dir;

# each call of the handler leaves a file with its total behind

spew("$dir/nginx", <<"SH");
#!/bin/sh
exec valgrind -q --tool=callgrind --collect-atstart=no \\
    --toggle-collect=ngx_http_agw_token_handler \\
    --dump-after=ngx_http_agw_token_handler \\
    --callgrind-out-file=$dir/out.%p $nginx "\$@"
SH

chmod 0755, "$dir/nginx";
$ENV{AGW_NGINX} = "$dir/nginx";

my $gw = AGW::Gateway->start($conf);
my $now = time;

my ($good, $disabled) = ($gw->partner, $gw->partner(status => 'disabled'));
my $expired = $gw->partner(expires_at => $now - 10);
my $early = $gw->partner(not_before => $now + 3600);
my $orphan = random_id();
my $key = $good->{key};

$gw->store->add_key($orphan, $key);
$gw->partner for 1 .. 50;

my %cause = (
    'a wrong key' => [$good->{id}, scalar reverse $key],
    'an unknown partner' => [random_id(), $key],
    'an id outside the grammar' => [random_id() =~ s/^./\@/r, $key],
    'a disabled partner' => [$disabled->{id}, $disabled->{key}],
    'a disabled partner, a wrong key' => [$disabled->{id}, $key],
    'an expired key' => [$expired->{id}, $expired->{key}],
    'a key of tomorrow' => [$early->{id}, $early->{key}],
    'a key without its partner' => [$orphan, $key],
);

my $sent = 0;

sub token {
    my ($credentials) = @_;

    $sent++;

    return $gw->request('POST', '/token', basic => $credentials,
        port => 'PLAIN')->status;
}

# of the request that was sent last; its file comes after its answer

sub last_total {
    for (1 .. 100) {
        my ($file) = glob "$dir/out.*.$sent";

        return $1 if $file && slurp($file) =~ /^summary: (\d+)$/m;

        select undef, undef, undef, 0.05;
    }

    return 0;
}

is(token([$good->{id}, $key]), 200, 'P1.6 the right key') for 1 .. 2;

# now and then a request does the house's work too: the heap's, SQLite's; so
# the causes take turns, and the middle one of a cause's totals counts

sub middle {
    my @sorted = sort { $a <=> $b } @_;

    return $sorted[$#sorted / 2];
}

my (%totals, %work);

for my $turn (1 .. 7) {
    for my $cause (sort keys %cause) {
        is(token($cause{$cause}), 401, "P1.6 $cause, turn $turn");

        push @{ $totals{$cause} }, last_total();
    }
}

$work{$_} = middle(@{ $totals{$_} }) for keys %cause;

my $reference = $work{'a wrong key'};

cmp_ok($reference, '>', 10_000, 'P1.6 instructions are counted');

for my $cause (sort keys %cause) {
    my $ratio = $work{$cause} / ($reference || 1);

    cmp_ok(abs($ratio - 1), '<=', 0.02, "P1.6 $cause is the same work")
        or diag("$work{$cause} instructions, a wrong key $reference");
}

# an id takes its time by its length, not by what is in it

my @long = map {
    my $long = $_ . 'a' x 127;

    middle(map {
        is(token([$long, $key]), 401, "P1.6 a long id, time $_");
        last_total();
    } 1 .. 7);
} 'a', '@';

cmp_ok(abs($long[1] / ($long[0] || 1) - 1), '<=', 0.02,
    'P1.6 a long id outside the grammar is the same work')
    or diag("@long instructions");

note(join "\n", map { "$work{$_} $_" } sort keys %work);

$gw->finish;
