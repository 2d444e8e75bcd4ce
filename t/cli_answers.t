# What listens at the socket is no gateway, or fails in the middle: whatever it
# sends, the command line says so, ends with 3, and nothing acts on a terminal.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use Test::More;

use AGW::Command qw(no_command);
use AGW::FalseGateway;
use AGW::Files qw(make_prefix slurp spew);
use AGW::Skip qw(skip_all_for skip_for);

skip_all_for('libcurl', 'what is no gateway is') if no_command();

my $prefix = make_prefix();
my $socket = "$prefix/admin.sock";
my $command = AGW::Command->new(socket => $socket);
my $json = JSON->new->canonical->utf8;
my ($server, $files);

sub response { return AGW::FalseGateway::response(@_) }
sub object { return response($_[0], $json->encode($_[1])) }

# the server answers so, from now on; the requests that it gets are in its file

sub answers {
    my ($reply) = @_;

    $server->stop if $server;
    $server = AGW::FalseGateway->start($socket,
        "$prefix/seen" . ++$files, ref $reply ? $reply : sub { $reply });

    return;
}

sub seen { return $server->since(0) }


# no gateway

my $page = '<html>nginx</html>';
my $esc = "\e[31m";

for my $case (
    ['nothing', '', qr/Empty reply from server/],
    ['garbage', "\0\1\2garbage\r\n\r\n", qr/cannot be reached/],
    ['another protocol', "SSH-2.0-OpenSSH_9.2\r\n", qr/cannot be reached/],
    ['half a header', "HTTP/1.1 200 OK\r\nContent-",
        qr/is not the gateway: its status is 200, and its body is not JSON/],
    ['half a body', "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        . "Content-Length: 100\r\n\r\n{\"partners\":[]", qr/cannot be reached/],
    ['a page', response(200, $page, 'Content-Type: text/html'),
        qr/is not the gateway: its status is 200, and its body is not JSON/],
    (map { ["a page of $_", response($_, $page, 'Content-Type: text/html'),
        qr/is not the gateway: its status is $_, .*
There must be a location with "auth_gateway_admin" in that server/] }
        403, 404, 502),
    ['JSON of no error', object(404, { message => 'no' }),
        qr/is not the gateway: its status is 404, .* not the JSON of a gate/],
    ['an array', response(200, '[]'), qr/not the JSON of a gateway/],
    ['a repeated member', response(200, '{"partners":[],"partners":[]}'),
        qr/not the JSON of a gateway/],
    ['bytes that are not UTF-8', response(200, qq({"partners":["\xff"]})),
        qr/not the JSON of a gateway/],
    ['depth', response(200, '{"partners":' . '[' x 2000 . ']' x 2000 . '}'),
        qr/not the JSON of a gateway/],
    ['another object', object(200, { businesses => [] }),
        qr/the answer has no array "partners"/],
    ['no body', "HTTP/1.1 204 No Content\r\n\r\n", qr/is not the gateway/],
    ['a long body', sub { (response(200, ' ' x 17_000_000)) },
        qr/longer than any of an auth gateway/],
    ['a long chunked body', sub { ("HTTP/1.1 200 OK\r\nContent-Type:"
        . " application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        ("100000\r\n" . ' ' x 1_048_576 . "\r\n") x 17) },
        qr/longer than any of an auth gateway/],
    ['a long header', "HTTP/1.1 200 OK\r\n" . 'X: ' . 'x' x 2_000_000
        . "\r\n\r\n", qr/cannot be reached/],
) {
    my ($name, $reply, $said) = @$case;

    answers($reply);

    my $got = $command->exits("D11 $name", 3, 'partner', 'list');

    like($got->{err}, $said, 'and what it is');
    is($got->{out}, '', 'and nothing is printed');
}

# no redirect

for my $status (301, 302, 307, 308) {
    answers(response($status, '', "Location: https://other.example/$esc",
        'Content-Type: text/html'));

    my $got = $command->exits("D11 a redirect with $status", 3, 'partner',
        'show', 'p');

    like($got->{err}, qr{it redirects \($status\), which is not followed,},
        'it is said');
    like($got->{err}, qr{, to https://other\.example/\\u001b\[31m$}m,
        'and where to, escaped');
    is(scalar seen(), 1, 'and nobody is asked again');
}

# a gateway that answers never

answers(sub { sleep 5; return '' });
like($command->exits('D11 no answer in time', 3, 'partner', 'list',
    '--timeout', '1s')->{err}, qr/timed out/i, 'is said');


# lists

answers(object(200, { partners => [{ partner_id => 'p1' }], after => 'p1' }));
like($command->exits('D11 pages in a circle', 3, 'partner', 'list')->{err},
    qr/lead in a circle\nThe list above is not complete\.$/m, 'they end');
is($command->run('partner', 'list', '--json')->{out} =~ /\]\}/ ? 1 : 0, 0,
    'a JSON list that is not complete is no JSON');

answers(sub {
    return $_[1] == 1 ? object(200, { partners => [{ partner_id => 'p1' }],
        after => 'p1' }) : '';
});
like($command->exits('D11 no second page', 3, 'partner', 'list')->{out},
    qr/^p1 /m, 'the first one was printed');


# a terminal

my $name = "a${esc}b\a\x{9b}31m\x{202e}c\x{e9}\x{4e16}\n";
my $hostile = { partners => [{ partner_id => 'p1', status => 'active',
    name => $name, scopes => ["\x{1b}]0;title\x{7}"] }] };
my $unseen = qr/[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae/;

answers(object(200, $hostile));

{
    my $got = $command->exits('D11 a hostile list', 0, 'partner', 'list');

    unlike($got->{out}, $unseen, 'no control character');
    like($got->{out}, qr/^p1[ ]+active[ ]+
        a\\u001b\[31mb\\u0007\\u009b31m\\u202ec\xc3\xa9\xe4\xb8\x96\\u000a
        [ ]+\\u001b\]0;title\\u0007$/mx,
        'all of them are escaped, and nothing else is');

    $got = $command->exits('D11 in ASCII', 0, 'partner', 'list',
        { env => { LC_ALL => 'C' } });
    unlike($got->{out}, qr/[^\n\x20-\x7e]/, 'there is nothing but ASCII');
    like($got->{out}, qr/c\\u00e9\\u4e16/, 'the rest is escaped');

    $got = $command->json('D11 the same in JSON', 0, 'partner', 'list');
    is_deeply($got, $hostile, 'is what the gateway sent');
}

SKIP: {
    my $seen = $command->on_terminal(60, 'partner', 'list', '--json');

    skip_for('no terminal', 'what a terminal gets is')
        if $seen->{out} !~ /partners/;

    unlike($seen->{out} =~ s/\r\n/\n/gr, $unseen,
        'D11 nor has its JSON on a terminal any');
    is_deeply(eval { $json->decode($seen->{out}) }, $hostile,
        'though it is the same object');

    answers(object(200, { partners => [{ partner_id => 'p' x 36,
        status => 'active', name => "\x{4e16}" x 40, scopes => ['read'] }] }));

    my ($title, $row) = split /\r\n/,
        $command->on_terminal(70, 'partner', 'list')->{out};

    like($row, qr/^p{36}  active  (?:\xe4\xb8\x96){4,}\.\.\. +read$/,
        'D11 a narrow terminal gets a shorter name, and whole ids');
    utf8::decode($row);
    cmp_ok(length($row) + ($row =~ tr/\x{4e16}//), '<=', 70, 'that fits');
}

answers(object(400, { error => 'invalid_request',
    error_description => "bad$esc\nauth-gateway: all is well",
    member => "na${esc}me" }));

{
    my $got = $command->exits('D11 a hostile refusal', 1, 'partner', 'create');

    unlike($got->{err}, $unseen, 'has no control character');
    is(scalar(() = $got->{err} =~ /^auth-gateway: /mg), 1,
        'and forges no line');
    like($got->{err}, qr/member "na\\u001b\[31mme"/, 'the member is escaped');
}


# API keys

my $key = 'agw_' . join '', map { (('a' .. 'z'), 0 .. 9)[rand 36] } 1 .. 33;
my %record = (key_id => 'k1', created_at => 1_790_000_000, not_before => 0,
    expires_at => undef, last_used_at => undef);

answers(object(201, { %record }));
like($command->exits('D11 no key in an answer', 3, 'key', 'create', 'p')
    ->{err}, qr/the answer has no "api_key"/, 'is said');

# a key is not escaped: what could act on a terminal is none

for my $none ('', "agw_$esc", "agw_x\ny", "\x{e9}", 1) {
    answers(object(201, { %record, api_key => $none }));

    my $got = $command->exits('D11 what is no key', 3, 'key', 'create', 'p');

    is($got->{out}, '', 'is not printed');
    unlike($got->{err}, qr/\e/, 'nor is it said');
}

answers('');
like($command->exits('D11 an answer that is lost', 3, 'key', 'create', 'p',
    '--key-file', "$prefix/lost.key")->{err},
    qr/^It is not known whether this was done\.$/m, 'leaves that open');
ok(!-e "$prefix/lost.key", 'leaves no empty file');

answers(object(201, { %record, api_key => $key }));

{
    my $got = $command->exits('D11 a new key', 0, 'key', 'create', 'p');

    is($got->{out}, "$key\n", 'it alone is on standard output');
    like($got->{err}, qr/^KEY_ID +k1\n.*^EXPIRES +never\n.*shown this once/ms,
        'and the rest on standard error');
    unlike($got->{err}, qr/\Q$key\E/, 'without the key');

    $got = $command->exits('D11 a key in a file', 0, 'key', 'create', 'p',
        '--key-file', "$prefix/new.key");
    is(slurp("$prefix/new.key"), "$key\n", 'is there');
    is((stat "$prefix/new.key")[2] & 07777, 0600, 'with mode 0600');
    unlike("$got->{out}$got->{err}", qr/\Q$key\E/, 'and nowhere else');

    $got = $command->json('D11 a key in a file and JSON', 0, 'key', 'create',
        'p', '--key-file', "$prefix/other.key");
    is_deeply($got, \%record, 'the JSON lacks it');

    my $count = seen();

    $got = $command->exits('D11 a file that exists', 2, 'key', 'create', 'p',
        '--key-file', "$prefix/new.key");
    like($got->{err}, qr/cannot be created: File exists; a file that exists/,
        'is not overwritten');
    is(scalar seen(), $count, 'and no key was made');

    symlink "$prefix/there", "$prefix/link";
    $command->exits('D11 a link', 2, 'key', 'create', 'p', '--key-file',
        "$prefix/link");
    ok(!-e "$prefix/there", 'is not followed');
}

SKIP: {
    skip_for('tmpfs', 'a key that has no place is') unless -w '/dev/full';

    like($command->exits('D11 standard output is full', 1, 'key', 'create',
        'p', { out => '/dev/full' })->{err},
        qr/whose key_id is k1, exists but is lost: delete it/,
        'the key that nobody has is named');
}

# a closed standard output is not the file that is opened next

{
    my $path = AGW::Command::command_path();
    my $line = "'$path' --socket '$socket' key create p --key-file"
        . " '$prefix/closed.key' >&-";
    my $got = AGW::Command->new->run({ command => ['sh', '-c', $line] });

    is(slurp("$prefix/closed.key"), "$key\n",
        'D11 with standard output closed, the file has the key alone');

    $got = AGW::Command->new->run({ command => ['sh', '-c',
        "'$path' --socket '$socket' key create p >&-"] });
    is($got->{code}, 1, 'D11 a key for a closed standard output');
    like($got->{err}, qr/whose key_id is k1, exists but is lost/, 'is lost');
}

# nor is a reader that has enough told of

{
    my $path = AGW::Command::command_path();
    my $got = AGW::Command->new->run({ command => ['bash', '-c',
        "{ sleep 0.5; '$path' help; } | true"] });

    is($got->{err}, '', 'D11 a pipe that ends');
}


# an export

sub lines {
    my ($text, @more) = @_;

    return response(200, $text, 'Content-Type: application/x-ndjson', @more);
}

for my $case (
    ['half a line', lines("{}\n{"), qr/does not end with a whole line/, 0],
    ['another type', object(200, {}), qr/is not of type/, 0],
    (map { ["a next page $_", lines("{}\n", "Link: $_"),
        qr/leads to ".*", which is not the next page of the export/, 1] }
        '<https://other.example/admin/export?after=1>; rel="next"',
        '<//other.example/admin/export?after=1>; rel="next"',
        '</admin/partners?after=1>; rel="next"',
        '</admin/export?after=1 HTTP/1.1>; rel="next"',
        '</admin/export?limit=1000>; rel="next"',
        '</admin/export?after=1>; rel="last"', '</admin/export?after=1',
        'garbage'),
) {
    my ($title, $reply, $said, $count) = @$case;

    answers($reply);

    my $got = $command->exits("D11 export: $title", 3, 'export');

    like($got->{err}, $said, 'is said');
    like($got->{err}, qr/is not complete: it has $count lines/, 'and so far');
    is(scalar seen(), 1, 'and nobody is asked again');
}


# an import

my $file = spew("$prefix/lines", join '', map {
    qq({"type":"business","business_id":"b$_","partner_id":"p"}\n)
} 1 .. 2500);

sub pieces {
    my (@replies) = @_;

    answers(sub {
        my ($request, $number) = @_;
        my $lines = $request->{body} =~ tr/\n//;

        return $replies[$number - 1] // object(200, { partners => 0,
            api_keys => 0, jwks => 0,
        certificates => 0, businesses => $lines });
    });

    return;
}

my $good = object(200, { partners => 0, api_keys => 0, jwks => 0,
        certificates => 0, businesses => 1000 });
my $bad = object(400, { error => 'invalid_request', line => 7,
    member => 'status', error_description => 'must be active or archived' });

pieces();

{
    my $got = $command->json('D11 an import', 0, 'import', $file);

    is_deeply($got, { partners => 0, api_keys => 0, jwks => 0,
        certificates => 0, businesses => 2500 },
        'its counts are summed');
    is_deeply([map { $_->{body} =~ tr/\n// } seen()], [1000, 1000, 500],
        'in pieces of 1000 lines');
    is(join('', map { $_->{body} } seen()), slurp($file), 'all of them');
}

for my $case (
    ['a bad line', 1, $bad,
        qr/line 1007: must be active or archived \(member "status"\)
Lines 1 to 1000 are in\.
Nothing behind them is:/m],
    ['hung up', 3, '', qr/^Lines 1 to 1000 are in\.
Of lines 1001 to 2000 it is not known: either all of them are in, or none/m],
    ['a store that fails', 1, object(503, { error =>
        'temporarily_unavailable', error_description => 'later' }),
        qr/^Of lines 1001 to 2000 it is not known/m],
    ['a line that is not there', 1, object(400, { error => 'invalid_request',
        line => 1001, error_description => 'no' }),
        qr/^Lines 1 to 1000 are in\.\nNothing behind them is:/m],
    ['no JSON', 3, response(200, 'done', 'Content-Type: text/plain'),
        qr/^Of lines 1001 to 2000 it is not known/m],
) {
    my ($title, $code, $reply, $said) = @$case;

    pieces($good, $reply);

    my $got = $command->exits("D11 import: $title", $code, 'import', $file);

    like($got->{err}, $said, 'what is in is said');
    like($got->{err}, qr{^To go on: auth-gateway import --from 1001 $file$}m,
        'and how to go on');
    is(scalar seen(), 2, 'nothing more was sent');
}

pieces($bad);
like($command->exits('D11 import: a bad line in the first piece', 1, 'import',
    $file)->{err}, qr/line 7: .*\nNo line is in\./, 'no line is in');

pieces();
$command->exits('D11 import --from', 0, 'import', $file, '--from', '1501');
is((seen())[0]{body}, join('', (split /^/, slurp($file))[1500 .. 2499]),
    'sends the rest');

pieces($good, $bad);
is_deeply($command->json('D11 a refusal in JSON', 1, 'import', $file),
    { error => 'invalid_request', line => 1007, member => 'status',
      error_description => 'must be active or archived' },
    'has the line of the file');

# the socket goes away in the middle: it is known that nothing was sent

pieces($good);
{
    my $listing = "$prefix/fifo";

    system('mkfifo', $listing) == 0 or die "mkfifo: $!\n";

    my $child = $command->begin('import', '-', { stdin => $listing });

    open my $fifo, '>', $listing or die "fifo: $!\n";
    $fifo->autoflush(1);
    print {$fifo} join '', (split /^/, slurp($file))[0 .. 1500];

    for (1 .. 100) {
        last if seen() >= 1;
        select undef, undef, undef, 0.1;
    }

    $server->stop;
    unlink $socket;
    close $fifo;

    my $got = $child->end;

    is($got->{code}, 3, 'D11 the socket is gone');
    like($got->{err}, qr/^Lines 1 to 1000 are in\.\nNothing behind them is:/m,
        'what is in is known');
    unlike($got->{err}, qr/To go on/, 'standard input is not read again');

    $got = $command->exits('D11 a socket that is gone', 3, 'partner',
        'disable', 'p');
    unlike($got->{err}, qr/not known/, 'nothing was done, and that is known');
}

# an interrupt, while it waits for lines, and while it waits for an answer

for my $case (['for lines', sub { $good }, 1500],
    ['for an answer', sub { sleep 10; return $good }, 1001])
{
    my ($title, $reply, $count) = @$case;
    my $listing = "$prefix/fifo";

    answers($reply);

    my $child = $command->begin('import', '-', { stdin => $listing });

    open my $fifo, '>', $listing or die "fifo: $!\n";
    $fifo->autoflush(1);
    print {$fifo} join '', (split /^/, slurp($file))[0 .. $count - 1];

    for (1 .. 100) {
        last if seen() >= 1;
        select undef, undef, undef, 0.1;
    }

    select undef, undef, undef, 2 if $title eq 'for lines';
    kill 'INT', $child->pid;

    my $got = $child->end;

    is($got->{code}, 1, "D11 an interrupt while it waits $title");
    like($got->{err}, qr/^Lines 1 to 1000 are in\.\nNothing behind them is:/m,
        'what is in is said');
}

# a line that is too long, or a file that is a directory

pieces();
spew("$prefix/long", "{}\n" . 'x' x 1_000_001 . "\n");
like($command->exits('D11 a line that is too long', 1, 'import',
    "$prefix/long")->{err}, qr/line 2 is longer than 999999 bytes\nNo line/,
    'is said');
like($command->exits('D11 a directory', 1, 'import', "$prefix")->{err},
    qr/cannot be read behind line 0: Is a directory\nNo line/, 'is said');

# blank lines are counted, and not sent

spew("$prefix/blank", "\n{\"a\":1}\r\n  \n\n{\"a\":2}");
pieces(object(400, { error => 'invalid_request', line => 2,
    error_description => 'bad' }));
like($command->exits('D11 blank lines', 1, 'import', "$prefix/blank")->{err},
    qr/^auth-gateway: line 5: bad$/m, 'and the number is that of the file');
is((seen())[0]{body}, "{\"a\":1}\r\n{\"a\":2}\n", 'two lines were sent');

# a dry run: each bad line is found, and a partner of an earlier piece is known

{
    my @lines = (qq({"type":"partner","partner_id":"p"}\n),
        map { qq({"type":"business","business_id":"b$_","partner_id":")
            . ($_ % 900 ? 'p' : 'nobody') . qq("}\n) } 1 .. 2000);

    spew("$prefix/dry", join '', @lines);
    answers(sub {
        my ($request) = @_;
        my (%known, $number);

        return response(400, 'not a dry run')
            if $request->{target} ne '/admin/import?dry_run=1';

        for my $line (split /\n/, $request->{body}) {
            my $object = $json->decode($line);

            $number++;
            $known{ $object->{partner_id} } = 1
                if $object->{type} eq 'partner';

            return object(400, { error => 'invalid_request', line => $number,
                member => 'partner_id', error_description => 'no such' })
                if !$known{ $object->{partner_id} };
        }

        return object(200, { partners => scalar keys %known, api_keys => 0,
            businesses => $number - keys %known });
    });

    my $got = $command->exits('D11 a dry run', 1, 'import', '--dry-run',
        "$prefix/dry");

    is(join(' ', $got->{err} =~ /^auth-gateway: line (\d+): no such/mg),
        '901 1801', 'finds every bad line');
    like($got->{err}, qr/^1999 lines are good, 2 are not\. Nothing was/m,
        'and says how many are good');

    spew("$prefix/dry", join '', grep { !/nobody/ } @lines);
    is_deeply($command->json('D11 without them', 0, 'import', '--dry-run',
        "$prefix/dry"), { partners => 1, api_keys => 0, jwks => 0,
        certificates => 0, businesses => 1998 },
        'all are good, and each is counted once');
}

# the status

answers(object(503, { status => 'stale', keys => [{ kid => "k$esc" }] }));
{
    my $got = $command->exits('D11 a status that is not ready', 1, 'status');

    like($got->{out}, qr/^keys\.1\.kid +k\\u001b\[31m$/m, 'is shown, escaped');
    like($got->{out}, qr/^status +stale$/m, 'all of it');
    is((seen())[0]{target}, '/status', 'and asked for at its place');
}

# a time was shown as the double that it is: 0.010999999999999999

for (
    ['0.010999999999999999', '11 ms'], ['0.0', '0 ms'], ['0.9994', '999 ms'],
    ['0.9996', '1.0 s'], ['1.25', '1.2 s'], ['59.999', '59.9 s'],
    ['60.0', '1m0s'], ['3723.4', '1h2m'], ['90061.0', '1d1h'], ['-1.5', '-1.5 s'],
    ['1e300', '1e+300 s'],
) {
    my ($number, $shown) = @$_;

    answers(response(200, qq({"feed":{"age":$number,"lag":null},"size":8192})));

    my $got = $command->exits("D11 a time of $number", 0, 'status');

    is_deeply([split /\n/, $got->{out} =~ s/ +/ /gr],
        ["feed.age $shown", 'feed.lag -', 'size 8192'], "is shown as $shown");
    seen();
}

answers(response(200, '{"feed":{"age":0.5}}'));
like($command->exits('D11 a time with --json', 0, '--json', 'status')->{out},
    qr/"age":0\.5\b/, 'is what the gateway says');

$server->stop;
done_testing();
