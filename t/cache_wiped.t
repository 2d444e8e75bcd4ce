# D3: a verified token is wiped as it leaves the cache, and at the end
# of its request where it was not taken in.  Looked for is the place where
# the module's copy of a token meets the partner's id: nginx has none such.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Files qw(random_hex spew);
use AGW::Gateway;
use AGW::Memory qw(can_read find);
use AGW::Skip qw(skip_all_for);

skip_all_for('memory', 'that verified tokens are wiped is') unless can_read();

my $conf = <<'CONF';
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_token_cache 2;
    auth_gateway_require_https off;

    server {
        listen 127.0.0.1:%%PLAIN%%;

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            root %%PREFIX%%/html;
            try_files /x =404;
        }

        location /slow/ {
            auth_gateway_require business;
            auth_gateway_business_path /slow/<business_id>;
            auth_gateway_error_format layer;
            limit_rate 16;
            root %%PREFIX%%/html;
            try_files /x =404;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf, before => sub {
    spew("$_[0]/html/x", "the file\n", 0644);
});

$gw->good_is(sub { return status(token()) == 200 });


# a token of a partner of its own, and where the two meet

sub token {
    my (%claims) = @_;

    my $partner = random_hex(16);
    my $token = $gw->mint(partner_id => $partner, business_id => 'b-1',
        claims => \%claims);

    return ($token, substr($token, -8) . substr $partner, 0, 8);
}

sub status {
    my ($token) = @_;

    return $gw->request('GET', '/v1/businesses/b-1/x', port => 'PLAIN',
        quiet => 1, bearer => $token)->status;
}

sub is_there {
    my ($where) = @_;

    my ($pid) = $gw->nginx->workers;

    return scalar(() = find($pid, { token => $where }));
}

# a request ends a moment after its answer, or after its client has left

sub gone {
    my ($where) = @_;

    for (1 .. 10) {
        return 1 if !is_there($where);
        sleep 0.1;
    }

    return 0;
}

# a request that is there as long as its client

sub begin {
    my ($token, $status) = @_;

    my $client = $gw->connect('PLAIN');

    $client->send(join "\r\n", 'GET /slow/b-1/x HTTP/1.1', 'Host: localhost',
        AGW::Gateway::bearer($token), '', '');
    $client->wait_for(sub { $client->{buffer} =~ m{^HTTP/1\.1 $status} });

    return $client;
}

my @tokens = map { [token()] } 1 .. 6;

# evicted: two are kept

for my $i (0 .. $#tokens) {
    is(status($tokens[$i][0]), 200, "D3 token $i");
    is(join(' ', map { is_there($tokens[$_][1]) ? $_ : () } 0 .. $#tokens),
        join(' ', grep { $_ >= 0 } $i - 1, $i),
        'D3 two of them are kept, and nothing of the others');
}

# evicted while a request has it

{
    my ($token, $where) = token();
    my $client = begin($token, 200);

    status($_->[0]) for @tokens;
    ok(is_there($where), 'D3 one that was evicted, and is still read');
    $client->close;
    ok(gone($where), 'D3 and is wiped with its request');
}

# not taken in: what is refused is held for the log's line

{
    my ($token, $where) = token(iat => time - 20, exp => time - 10);
    my $client = begin($token, 401);

    ok(is_there($where), 'D3 one that has expired');
    $client->close;
    ok(gone($where), 'D3 and is wiped with its request');
}

is_deeply([$gw->problems_after], [], 'D3 on the same worker');
$gw->finish;
