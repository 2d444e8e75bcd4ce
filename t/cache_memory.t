# D3: the memory of what a worker keeps: how much it takes, and that it is
# wiped.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Files qw(random_hex spew);
use AGW::Gateway;
use AGW::Memory qw(can_read find free_at_once);
use AGW::Skip qw(skip_for);
use AGW::Token qw(mint_raw);


# D3: what a worker keeps takes memory once: 20,000 different tokens,
# far more than it keeps, come again and again, and it is where it was.

my $conf = <<'CONF';
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    access_log off;
    keepalive_requests 10000000;

    server {
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_require business;
        auth_gateway_require_https off;
        auth_gateway_business_path /b/<business_id>;

        location /b/ {
            root %%PREFIX%%/html;
            add_header X-Who $auth_gateway_token_id;
            add_header X-Claim $auth_gateway_claim_pad;
            try_files /x =404;
        }

        # two passes, and each has the token

        location /r/ {
            auth_gateway_business_path /r/<business_id>;
            try_files /none /b/b-1/x;
        }
    }
}
CONF

my $growth = free_at_once();

my $gw = AGW::Gateway->start($conf);
my $now = time;

spew($gw->prefix . '/html/x', "x\n", 0644);

# of many sizes, so that what one leaves is not what the next one takes

my @requests = map {
    my $token = mint_raw(secret => $gw->{secret},
        header => '{"alg":"HS256","typ":"JWT","kid":"k1"}',
        payload => qq({"partner_id":"p-$_","business_id":"b-1","scope":)
            . qq("business_access","jti":"j-$_","iat":$now,"exp":)
            . ($now + 600) . ',"pad":"' . 'x' x ($_ * 37 % 900) . '"}');

    join "\r\n", 'GET /' . ($_ % 3 ? 'b' : 'r') . '/b-1/x HTTP/1.1',
        'Host: localhost',
        AGW::Gateway::bearer($token), '', '';
} 1 .. 20_000;

# each once, in that order, 50 at a time; returns what went wrong

sub all_of_them {
    my $client = $gw->connect('PLAIN');
    my $wrong = 0;

    for my $round (0 .. @requests / 50 - 1) {
        my @asked = map { $round * 50 + $_ } 0 .. 49;

        $client->send(join '', @requests[@asked]);

        for my $i (@asked) {
            $client->wait_for(sub { $client->{buffer} =~ /\r\n\r\nx\n/ });
            $client->{buffer} =~ s/^(.*?)\r\n\r\nx\n//s;

            my $head = $1;
            my $n = $i + 1;

            $wrong++ if $head !~ m{^HTTP/1\.1 200 }
                || $head !~ /^X-Who: j-$n\r?$/m;
        }
    }

    $client->close;

    return $wrong;
}

is(all_of_them(), 0, 'D3 20,000 tokens');

my $before = $gw->nginx->worker_rss;

is(all_of_them(), 0, "D3 20,000 tokens, time $_") for 2 .. 3;

my $after = $gw->nginx->worker_rss;

cmp_ok($after - $before, '<=', $growth, "D8 from $before to $after KB");

SKIP: {
    skip_for('a sanitizer', 'how much it is in all is',
        'it is in the release build') if $ENV{AGW_PRELOAD};

    cmp_ok($after, '<', 12 * 1024, 'D8 under 12 MB in all');
}


# D3: a verified token is wiped as it leaves the cache, and at the end
# of its request where it was not taken in.  Looked for is the place where
# the module's copy of a token meets the partner's id: nginx has none such.

$conf = <<'CONF';
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

$gw = AGW::Gateway->start($conf, before => sub {
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

SKIP: {
    skip_for('memory', 'that verified tokens are wiped is')
        unless can_read();

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
}

$gw->finish;
