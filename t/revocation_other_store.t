# D5: a reload that names another store.  The zone lives on, and its position
# was in the log of the store before: as long a log is not the same one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Files qw(worker_ids);
use AGW::Gateway;
use AGW::Store;
use AGW::Token qw(claims_of);

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;

            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf, workers => 1);
my $partner = $gw->partner;
my $business = $gw->business($partner);
my $token = $gw->mint(partner_id => $partner->{id},
    business_id => $business);
my $later = int(time) + 3600;
my $insert = 'INSERT INTO revocations (kind, id, cutoff, expires_at)'
    . ' VALUES';

sub status {
    return $gw->request('GET', "/v1/businesses/$business/x", quiet => 1,
        bearer => $token)->status;
}

# two that are the same to begin with, and have logs as long

my $file = $gw->prefix . '/store/other.db';
my $id = "$partner->{id}:" . claims_of($token)->{jti};

$gw->store->sql("VACUUM INTO '$file'");
$gw->store->sql("$insert ('token', 'x:1', 1, $later);"
    . " $insert ('token', 'x:2', 1, $later)");
sleep 0.6;
is(status(), 200, 'D5 not revoked in the first store');
AGW::Store->new($file)->sql("$insert ('token', '$id', 1, $later);"
    . " $insert ('token', 'y:1', 1, $later)");

my (undef, $uid, $gid) = worker_ids();

if (defined $uid) {
    chown $uid, $gid, grep { -e } map { "$file$_" } '', '-wal', '-shm';
}

ok($gw->nginx->reload($conf =~ s/gateway\.db/other.db/r), 'D5 a reload');
$gw->new_workers;
is(status(), 401, 'D5 revoked in the store of the reload');

# A token's row by hand, whose cut-off is not its iat: an earlier cut-off of
# its partner must not pass for covering it.

my $issued = int time;
my $other = $gw->mint(partner_id => $partner->{id},
    business_id => $business);
my $by_hand = "$partner->{id}:" . claims_of($other)->{jti};

AGW::Store->new($file)->sql("$insert ('partner', '$partner->{id}',"
    . " $issued - 60, $later); $insert ('token', '$by_hand', 1, $later)");
sleep 1;
$token = $other;
is(status(), 401, 'D5 a row by hand is covered by no earlier cut-off');

# a store that is gone is told of once, and the tokens go on

rename $file, "$file.gone" or die "$file: $!";
$gw->mark;
sleep 1.5;

my @lines = $gw->log_text =~ /\[error\].*(?:moved|opened)/g;

cmp_ok(scalar @lines, '>=', 1, 'D5 an error is said');
cmp_ok(scalar @lines, '<=', 2, 'D5 and not again and again');
is(status(), 401, 'D5 what is known goes on to count');

$gw->finish;
