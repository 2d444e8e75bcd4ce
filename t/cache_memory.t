# D3: what a worker keeps takes memory once: 20,000 different tokens,
# far more than it keeps, come again and again, and it is where it was.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Memory qw(free_at_once);
use AGW::Skip qw(skip_for);
use AGW::Token qw(mint_raw);

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

$gw->finish;
