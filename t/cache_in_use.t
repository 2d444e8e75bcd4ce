# D3, D6: requests that use what a worker keeps: what it drops meanwhile, and
# how they end.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Asker qw(cache_says observed seen);
use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Slow;


# D3: what a request has been told of its token is its own to its end,
# however many other tokens come meanwhile and take the place of what the
# worker keeps: a token that is in use may leave, and is not freed.

my $identity = AGW::Slow::identity();

my $conf = <<"CONF";
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_token_cache ENTRIES;

    log_format who '\$http_x_n|$identity';
    access_log %%PREFIX%%/logs/who.log who;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business owner;
        proxy_set_header X-Identity "$identity";
        proxy_intercept_errors on;

        # the upstream is asked when the body is there

        location /b/ {
            auth_gateway_business_path /b/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /hasty/ {
            auth_gateway_business_path /hasty/<business_id>;
            client_body_timeout 1s;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # it answers when the test says so

        location /late/ {
            auth_gateway_business_path /late/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # the same, and what it answers leads elsewhere

        location /late404/ {
            auth_gateway_business_path /late404/<business_id>;
            error_page 404 = /b/b-1/page;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /late410/ {
            auth_gateway_business_path /late410/<business_id>;
            error_page 410 = \@named;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location \@named {
            auth_gateway_require business owner;
            auth_gateway_business_path /late410/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /late411/ {
            auth_gateway_business_path /late411/<business_id>;
            error_page 411 = /b/b-2/page;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # both the request and its copy say who it is

        location /mirrored/ {
            auth_gateway_business_path /mirrored/<business_id>;
            mirror /mirror;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /mirror {
            internal;
            auth_gateway_require off;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /quick/ {
            auth_gateway_business_path /quick/<business_id>;
            root %%PREFIX%%/html;
            try_files /x =404;
        }
    }
}
CONF

my $prefix;
my ($gw, $partner, $asker);

sub start {
    my ($entries) = @_;

    $gw = AGW::Gateway->start($conf =~ s/ENTRIES/$entries/r,
        log_level => 'debug', before => sub { $prefix = "$_[0]" },
        reply => AGW::Slow::upstream_waits(\$prefix));
    spew($gw->prefix . '/html/x', "x\n", 0644);
    $partner = $gw->partner(id => 'p-1');
    $gw->business($partner, id => 'b-1');
    $asker = AGW::Asker->new($gw);

    return;
}

my $made = 0;

# a token like no other in any of its claims; of a partner's own or not

sub fresh {
    my ($kind) = @_;

    $made++;

    return $gw->mint(partner_id => 'p-1', claims => { x => $made,
        exp => time + 600 + $made, ($made % 2 ? (scope => "s-$made") : ()) })
        if $kind eq 'partner';

    return $gw->mint(partner_id => "p-x-$made", business_id => 'b-1',
        claims => { x => "claim $made", exp => time + 600 + $made,
            scope => 'business_access ' . 's' x ($made % 40 + 1) });
}

# Other tokens, each twice: one of them is kept after the other.

sub flood {
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my %told;

    for my $kind (('business', 'partner') x 6) {
        my $token = fresh($kind);

        $told{ join ', ', map { $asker->ask('/quick/b-1/x', $token) } 1, 2 }++;
    }

    is_deeply([keys %told], [seen('200 miss stored, 200 hit')],
        "D3 $name: others take its place");

    return;
}

sub begin {
    my ($token, $target, %opt) = @_;

    $gw->mark;

    return AGW::Slow->begin($gw, $target // '/b/b-1/x', $token, %opt);
}

sub is_own {
    my ($name, $slow, $response) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @problems = $slow->problems($response, 'b-1');

    return ok(!@problems, "D3 $name: its own to the end")
        || diag(join "\n", @problems);
}

sub kept {
    my ($name, $token) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $asker->gets("D3 $name", $_, '/quick/b-1/x', $token)
        for '200 miss stored', '200 hit';

    return;
}

for my $entries (1, 2) {
    start($entries);

    my $some = "$entries kept";

    # in the middle of one request, at first sight and kept before

    for my $kind ('business', 'partner') {
        for my $before (0, 1) {
            my $name = "$some, $kind, " . ($before ? 'kept' : 'first sight');
            my $token = fresh($kind);

            kept("$name, before", $token) if $before;

            my $slow = begin($token);

            is(cache_says($gw), $before ? 'hit' : 'miss stored',
                "D3 $name") if observed();
            flood($name);
            is_own($name, $slow, $slow->end);
        }
    }

    # more at once than are kept, ended in another order

    for my $order ([0 .. 6], [reverse 0 .. 6], [3, 1, 5, 0, 2, 4, 6]) {
        my @slow = map { begin(fresh($_ % 2 ? 'business' : 'partner')) }
            0 .. 6;

        flood("$some, seven at once");

        my @problems = map { $slow[$_]->problems($slow[$_]->end, 'b-1') }
            @$order;

        ok(!@problems, "D3 $some, seven at once: each its own to the end")
            or diag(join "\n", @problems);
    }

    # one token of several requests: in use until the last has ended

    {
        my $token = fresh('business');
        my @slow = map { begin($token) } 1 .. 3;

        is_own("$some, one token, three requests", $slow[1], $slow[1]->end);
        flood("$some, two of three left");
        is_own("$some, the second", $slow[0], $slow[0]->end);
        flood("$some, one of three left");
        $asker->gets("D3 $some, which has left", '200 miss stored',
            '/quick/b-1/x', $token);
        is_own("$some, the third", $slow[2], $slow[2]->end);
        $asker->gets("D3 $some, and is kept anew", '200 hit',
            '/quick/b-1/x', $token);
    }

    # in the middle of an answer: the log is written at its end

    {
        my @slow = (begin(fresh('business'), '/late/b-1/x', whole => 1));

        for (1 .. 200) {
            last if $slow[0]->told;
            select undef, undef, undef, 0.02;
        }

        flood("$some, while the upstream works");
        $slow[0]->go;
        is_own("$some, while the upstream works", $slow[0],
            $slow[0]->response);
    }

    # HTTP/2: streams of one connection

    {
        my $h2 = $gw->connect_h2;
        my @tokens = map { fresh($_ % 2 ? 'business' : 'partner') } 0 .. 4;
        my @streams = map {
            $h2->start('POST', '/b/b-1/x', end => 0, body => 'ab', headers =>
                [['authorization', "Bearer $tokens[$_]"],
                    ['x-n', "h2-$entries-$_"], ['content-length', 4]])
        } 0 .. 4;

        # the sixth is answered when the five have been looked at

        is($h2->request('GET', '/quick/b-1/x', headers =>
            [['authorization', 'Bearer ' . fresh('business')]])->status, 200,
            "D3 $some, HTTP/2, a sixth");
        flood("$some, HTTP/2");

        for my $i (4, 2, 0, 1, 3) {
            my $slow = AGW::Slow->sent($gw, "h2-$entries-$i", $tokens[$i]);

            $h2->data($streams[$i], 'cd', 1);
            is_own("$some, HTTP/2, stream $i", $slow,
                $h2->response($streams[$i]));
        }

        $h2->close;
    }

    # nobody uses anything: as many as there is room for are kept

    my @last = map { fresh('business') } 1 .. $entries;

    $asker->gets("D3 $some, at last", '200 miss stored', '/quick/b-1/x', $_)
        for @last;
    $asker->gets("D3 $some, at last", '200 hit', '/quick/b-1/x', $_)
        for @last;
}


# D3 and D6: requests that use what a worker keeps, and end otherwise
# than with an answer: redirected inside nginx, mirrored, over a reload, left
# by their clients.  Each is its own to the end, and other tokens are kept
# afterwards.  t/cache_memory.t holds that nothing is left behind.

$SIG{PIPE} = 'IGNORE';

# a token like no other, by turns of a business and of a partner

sub fresh_one {
    my ($kind) = @_;

    $made++;

    return $gw->mint(partner_id => 'p-1', claims => { x => $made,
        exp => time + 600 + $made }) if ($kind // $made % 2) eq '1';
    return $gw->mint(partner_id => "p-x-$made", business_id => 'b-1',
        claims => { x => "claim $made", exp => time + 600 + $made });
}

sub others_come {
    $asker->ask('/quick/b-1/x', fresh_one()) for 1 .. 9;

    return;
}

sub begin_at {
    my ($target, %opt) = @_;

    return AGW::Slow->begin($gw, $target, $opt{token} // fresh_one(), %opt);
}

# asserts that two new tokens are kept

sub others_are_kept {
    my ($name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @tokens = (fresh_one(), fresh_one());
    my @told = map { $asker->ask('/quick/b-1/x', $_) } @tokens, @tokens;

    return is_deeply(\@told, [map { seen($_) } ('200 miss stored') x 2,
        ('200 hit') x 2], "D3 $name: others are kept");
}

sub until_told {
    my ($slow) = @_;

    for (1 .. 250) {
        last if $slow->told;
        sleep 0.02;
    }

    return;
}

# error_page, to another path, to a named location, to a business of others

for (['/late404/', 2, 200], ['/late410/', 2, 200], ['/late411/', 1, 403]) {
    my ($place, $asked, $status) = @$_;

    for my $time (1, 2) {
        my $slow = begin_at("${place}b-1/x", whole => 1,
            ($status == 403 ? (token => fresh_one('business')) : ()));

        until_told($slow);
        others_come();
        $slow->go;

        my $r = $slow->response;
        my $want = AGW::Slow::identity_of($slow->{token}, 'b-1');

        is($r->status, $status, "D6 error_page of $place ($time)");
        is_deeply([$slow->told], [($want) x $asked],
            'D6 the upstream is told the same each time');

        if ($status == 200) {
            is($slow->logged, $want, 'D6 and so is the log');

        } else {
            is($slow->logged, $want =~ s/^ok/wrong_business/r,
                'D6 and so is the log');
        }
    }

    others_are_kept("error_page of $place");
}

# mirrored

for (1 .. 3) {
    my $slow = begin_at('/mirrored/b-1/x');

    others_come();

    my $r = $slow->end;
    my $want = AGW::Slow::identity_of($slow->{token}, 'b-1');

    for (1 .. 100) {
        last if 2 == (my @told = $slow->told);
        sleep 0.02;
    }

    is($r->status, 200, 'D6 mirrored');
    is_deeply([map { (split /\|/)[1, 4] } $slow->told],
        [((split /\|/, $want)[1, 4]) x 2], 'D6 the mirror is told the same');
    is($slow->logged, $want, 'D6 and so is the log');
}

others_are_kept('mirrored');

# clients that leave: in their body, before an answer, over HTTP/2

{
    my @slow = map { begin_at('/b/b-1/x') } 1 .. 6;

    others_come();
    $_->abort for @slow;
    others_are_kept('left in their bodies');
    is($_->logged, AGW::Slow::identity_of($_->{token}, 'b-1'),
        'D3 left in its body: its own to the end') for @slow;

    @slow = map { begin_at('/hasty/b-1/x') } 1 .. 3;
    others_come();
    is($_->logged, AGW::Slow::identity_of($_->{token}, 'b-1'),
        'D3 too slow: its own to the end') for @slow;
    others_are_kept('too slow');

    my $slow = begin_at('/late/b-1/x', whole => 1);

    until_told($slow);
    $slow->abort;
    others_come();
    $slow->go;
    is($slow->logged, AGW::Slow::identity_of($slow->{token}, 'b-1'),
        'D3 left before its answer: its own to the end');
    others_are_kept('left before its answer');

    my $h2 = $gw->connect_h2;
    my @streams = map { $h2->start('POST', '/b/b-1/x', end => 0,
        body => 'ab', headers => [['authorization', 'Bearer ' . fresh_one()],
            ['content-length', 4]]) } 1 .. 5;

    others_come();
    $h2->reset($_) for @streams[0 .. 2];
    $h2->request('GET', '/quick/b-1/x', headers =>
        [['authorization', 'Bearer ' . fresh_one()]]);
    $h2->close;
    others_are_kept('HTTP/2, reset and left');
}

# refused for what the location demands, and many in a row

{
    my @tokens = map { fresh_one() } 1 .. 4;

    for (1 .. 30) {
        $asker->ask('/b/none/x', $_, method => 'POST', body => 'abcd')
            for @tokens;
    }

    others_are_kept('refused by the location');
}

# A reload: the old worker goes on with what it keeps, the new one has none.

{
    my @old = $gw->nginx->workers;
    my @slow = (begin_at('/b/b-1/x'), begin_at('/late/b-1/x', whole => 1),
        begin_at('/b/b-1/x'));

    until_told($slow[1]);
    spew($gw->prefix . '/secret.key', 'x' x 64, 0600);
    kill 'HUP', $gw->nginx->{pid};

    for (1 .. 250) {
        last if $gw->nginx->workers > @old;
        sleep 0.02;
    }

    cmp_ok(scalar $gw->nginx->workers, '>', @old, 'D4 a new worker comes');
    $slow[1]->go;

    my @problems = map { $_->problems($_ == $slow[1] ? $_->response
        : $_->end, 'b-1') } @slow[2, 0, 1];

    ok(!@problems, 'D4 over a reload: each its own to the end')
        or diag(join "\n", @problems);
    ok($gw->nginx->wait_for_workers_other_than(@old),
        'D4 the old worker ends');
    $gw->new_workers;
    $asker->close;

    my $told = $asker->ask('/quick/b-1/x', $slow[0]{token});

    is($told, seen('401 bad_signature miss'),
        'D4 and the key that is gone opens nothing');
}

$gw->finish;
