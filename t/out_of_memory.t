# D4: memory that runs out while a token is read.  Where its buffer
# can't grow, jansson goes on without the byte: the business tenant-00000010
# became tenant-0000001, and its token opened what belongs to that one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::FailingMalloc qw(arm no_compiler preload);
use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Skip qw(skip_all_for);
use AGW::Token qw(claims_for);

skip_all_for('compiler', 'a token that is read without memory is')
    if no_compiler();

# without a store: a worker allocates nothing between two requests

my $conf = <<'CONF';
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_require_https off;

    server {
        listen 127.0.0.1:%%PLAIN%%;

        add_header X-Business $auth_gateway_business_id;
        add_header X-Claim $auth_gateway_claim_business_id;

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            root %%PREFIX%%/html;
            try_files /x =404;
        }
    }
}
CONF

# nginx's own words where it is nginx that has no memory

my $gw = AGW::Gateway->start($conf, before => sub {
        preload($_[0]);
        spew("$_[0]/html/x", "the file\n", 0644);
    },
    allow => [qr/\[emerg\].* malloc\(\d+\) failed/]);

my ($mine, $theirs) = ('tenant-00000010', 'tenant-0000001');

# A token that is in no cache, and that the general reader alone reads: its
# member x is enough.  The business comes first, when the buffer of jansson
# is still too small for it; and the order is always the same.

sub fresh {
    return $gw->mint_raw(header => { alg => 'HS256', kid => 'k1' },
        payload => claims_for(partner_id => 'p-1', business_id => $mine,
            claims => { x => [1] }));
}

# The answer where the nth malloc() fails, as (whether one did, status or
# "none", the two headers).  nginx is done with the connection after it: one
# that is kept alive takes memory when the client leaves.

sub ask {
    my ($n, $business, $token) = @_;

    my $client = $gw->connect('PLAIN');

    $gw->mark;
    arm($n);

    my $r = eval {
        $client->request('GET', "/v1/businesses/$business/x", timeout => 5,
            headers => ['Connection: close', AGW::Gateway::bearer($token)]);
    };

    $client->closed(5);

    my $failed = arm(0);

    $client->close;

    return ($failed, $r ? $r->status : 'none',
        map { $r && $r->header($_) // '' } qw(X-Business X-Claim));
}

$gw->good_is(sub {
    my (undef, @got) = ask(0, $mine, fresh());

    return "@got" eq "200 $mine $mine";
});

is_deeply([$gw->problems_after], [], 'D4 with all of its memory');
is_deeply([ask(0, $theirs, fresh())], [0, 403, '', ''],
    "D4 and $theirs is another's");


# What is wrong with the answer where a malloc() failed.  No answer at all is
# for nginx to give, where it could not even read the request.

sub problems {
    my ($n, $business, $status, @headers) = @_;

    my @problems;
    my $log = $gw->log_text;
    my %may = $business eq $mine
        ? (200 => qr/^/, 500 => qr/\[error\].*: no memory/)
        : (403 => qr/^/, 500 => qr/\[error\].*: no memory/);

    $may{none} = qr/\[emerg\].* malloc\(\d+\) failed/;

    if (!$may{$status}) {
        push @problems, "malloc $n: status $status";

    } elsif ($log !~ $may{$status}) {
        push @problems, "malloc $n: status $status, and the log has: $log";
    }

    push @problems, map { "malloc $n: it was taken for $_" }
        grep { $_ ne '' && $_ ne $mine } @headers;

    return (@problems, map { "malloc $n: $_" } $gw->problems_after);
}

# until one more than there are

sub each_malloc {
    my ($name, $business, $token) = @_;

    my (%count, @problems);
    my $n = 1;

    for (; $n <= 200; $n++) {
        my ($failed, $status, @headers) = ask($n, $business, $token->());

        last if !$failed;

        $count{$status}++;
        push @problems, problems($n, $business, $status, @headers);
    }

    $n--;
    note("$name, $n times: ",
        join ', ', map { "$count{$_} times $_" } sort keys %count);
    ok(!@problems, "D4 $name, whichever of $n malloc() fails")
        or diag(join "\n", @problems);

    return ($n, \%count);
}

for my $case (['its own business', $mine], ["another's", $theirs]) {
    my ($name, $business) = @$case;
    my ($n, $count) = each_malloc($name, $business, \&fresh);

    cmp_ok($n, '>', 15, 'D4 which are those of a reader of JSON');
    cmp_ok($n, '<', 200, 'D4 and all of them');
    cmp_ok($count->{500} // 0, '>', 10, 'D4 most are answered with 500');
}


# A token that is known is read again for a variable of any claim: right, or
# empty.

{
    my $token = fresh();

    is((ask(0, $mine, $token))[1], 200, 'D4 a token that is known');

    my ($n, $count) = each_malloc('a known token', $mine, sub { $token });

    cmp_ok($n, '>', 5, 'D4 which are those of the variable');
    is_deeply([grep { $_ !~ /^(?:200|none)$/ } keys %$count], [],
        'D4 it is accepted all the same');
}

is_deeply([$gw->problems_after], [], 'D4 with all of its memory again');

$gw->finish;
