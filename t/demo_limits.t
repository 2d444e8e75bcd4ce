# D10: the throttle of conf/nginx.conf, and its access log.  How that
# file is started is in AGW::Demo.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use Test::More;

use AGW::Demo qw($token_path);
use AGW::Token qw(claims_of);

my $gw = AGW::Demo->start;
my %ask = $gw->ways;
my ($id, $key) = @$gw{qw(id key)};
my @business = @{ $gw->{businesses} };
my $json = JSON->new->utf8;

$gw->obtain_tokens;

my $partner_token = $gw->{partner_token};
my $business_token = $gw->{business_token};

my %mint = (partner_id => $id, claims => {
    iss => 'https://127.0.0.1:8443', aud => 'accounting-api' });

# the throttle; after the burst somebody else, or later, gets through

for my $version (sort keys %ask) {
    my $ask = $ask{$version};
    my $n = 0;

    $gw->rest;

    for my $case (
        ['guesses at a key, with the slash and without', 401, sub {
            $ask->('POST', $token_path . ($n++ % 2 ? '?x=SECRETquery' : '/'),
                basic => [$id, 'wrong'])
        }],
        ['business tokens', 200, sub {
            $ask->('POST', "/v1/platform/$business[0]/oauth2/token/",
                bearer => $partner_token)
        }],
    ) {
        my ($name, $status, $once) = @$case;
        my $from = $gw->log_end;
        my (@statuses, $first);

        for (1 .. 18) {
            my $response = $once->();

            push @statuses, $response->status;
            $first //= $response if $response->status == 429;
        }

        $gw->mark;
        is("@statuses[0 .. 10]", join(' ', ($status) x 11),
            "D10 $version $name: one and ten more at once");
        ok($first, 'D10 and then no more') or diag("@statuses");
        $gw->error_is("D10 $version $name: a 429 in JSON", $first, 429,
            'temporarily_unavailable');

        my ($line) = grep { $_->{status} eq '429' }
            map { $json->decode($_) } $gw->logged($from, 18);

        is($line->{method}, 'POST', 'D10 and in the log');
        like($line->{path}, qr{^/v1/platform/[0-9a-z/-]+/token/?$},
            'D10 by the path that was asked for');
        is($line->{result}, '', 'D10 where nothing was checked');
    }

    # another partner's minting is not touched, nor by whom it was meant for

    my $other = $gw->partner;
    my $theirs = $gw->business($other);
    my $token = $gw->mint(%mint, partner_id => $other->{id});

    is($ask->('POST', "/v1/platform/$theirs/oauth2/token/",
        bearer => $token)->status, 200,
        "D10 $version another partner goes on");
    is($ask->('POST', "/v1/platform/$theirs/oauth2/token/",
        bearer => $gw->mint(%mint, partner_id => $other->{id},
            business_id => $theirs))->status, 403,
        "D10 $version business tokens of theirs: $_") for 1 .. 15;
    is($ask->('POST', "/v1/platform/$theirs/oauth2/token/",
        bearer => $token)->status, 200, 'D10 do not count for them');
    is($ask->('GET', "/v1/businesses/$business[0]/x",
        bearer => $business_token)->status, 200,
        'D10 and guarded resources have no bound');
}

# a body that nobody reads is not the next request

{
    my $client = $gw->connect;
    my @statuses;

    $gw->mark;

    push @statuses, $client->request('POST', $token_path,
        body => "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")->status
        for 1 .. 15;
    is($statuses[-1], 429, 'P0.5 a 429 to a request with a body');
    is($client->request('GET', '/health')->status, 200,
        'P0.5 and the connection goes on');
    is(scalar $gw->upstream_saw, 1, 'P0.5 with one request');
    $client->close;
}

# Go's x/oauth2 sends Basic, and after any error the same in the body: each
# of five clients at once gets its second answer

{
    $gw->rest;

    for my $n (1 .. 5) {
        isnt($gw->request('POST', $token_path,
            basic => [$id, "wrong$n"])->status, 429,
            "D10 client $n: Basic");
        is($gw->request('POST', $token_path,
            form => 'grant_type=client_credentials'
            . "&client_id=$id&client_secret=$key")->status, 200,
            "D10 client $n: once more in the body");
    }
}

# the access log: one JSON object a line, whatever was sent

{
    my $from = $gw->log_end;
    my $jti = claims_of($business_token)->{jti};
    my $url = "/v1/businesses/$business[0]/x";

    $gw->request('GET', "$url#SECRETfragment?access_token=SECRETquery",
        bearer => $business_token);
    $gw->request('GET', "$url\"\\\x80\xff?SECRETquery",
        bearer => $business_token);
    $gw->request('GET', "$url?SECRETquery", bearer => $business_token,
        headers => ['Referer: https://x/?SECRETquery',
            "User-Agent: \"},{\"x\":\"", 'Cookie: SECRETcookie']);
    $gw->request_h2('GET', "$url?SECRETquery", bearer => $business_token);
    $gw->request('GET', "/v1/businesses/$business[1]?SECRETquery",
        bearer => $business_token);
    $gw->request('GET', $url, bearer => "$business_token.x");
    $gw->raw('PLAIN', "GET http://a:SECRET\@localhost/ HTTP/1.1\r\n\r\n");

    my @lines = $gw->logged($from, 7);
    my @found = map { scalar eval { $json->decode($_) } } @lines;

    is(@found, 7, 'D3 a line for each request');
    is(grep({ ref $_ eq 'HASH' } @found), 7, 'D3 each is JSON')
        or diag(join "\n", @lines);
    is_deeply([@{ $found[2] }{qw(method path protocol status result partner
        business kid jti client)}], ['GET', $url, 'HTTP/1.1', 200, 'ok', $id,
        $business[0], $gw->{kid}, $jti, '127.0.0.1'], 'D3 what is in a line');
    like($found[2]{seconds}, qr/^[0-9.]+$/, 'D3 a duration');
    like($found[2]{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/,
        'D3 a time');
    is($found[0]{path}, $url, 'D3 without a query or fragment');
    is($found[0]{result}, 'ambiguous_path', 'D3 which is refused');
    is($found[1]{path}, "$url\"\\", 'D3 as far as it is printable');
    is($found[3]{protocol}, 'HTTP/2.0', 'D3 HTTP/2');
    is($found[4]{result}, 'wrong_business', 'D3 a refusal');
    is($found[4]{partner}, $id, 'D3 and whose token it was');
    is($found[5]{result}, 'malformed_token', 'D3 a token that is none');
    is($found[5]{partner}, '', 'D3 says nothing');
    is($found[6]{status}, 400, 'D3 what nginx refused');
}

$gw->finish;
