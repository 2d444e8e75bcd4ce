# Tokens and API keys and the command line: not among its arguments, not in its
# memory after their use, and never in a core.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use POSIX ();
use Test::More;

use AGW::Command qw(command_path no_command);
use AGW::FalseGateway;
use AGW::Files qw(random_bytes slurp spew);
use AGW::Gateway;
use AGW::Skip qw(skip_all_for skip_for);
use AGW::Token qw(b64url);

skip_all_for('libcurl', 'the secrets of the command line are') if no_command();

my $json = JSON->new->canonical->utf8;

my $gw = AGW::Gateway->start(<<'CONF');
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_admin_log %%PREFIX%%/logs/admin.log;

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        listen unix:%%PREFIX%%/gateway.sock;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }
        location /admin/ { auth_gateway_admin write %%ADMIN%%; }
    }
}
CONF

my $prefix = $gw->prefix;
my $gateway = AGW::Command->new(socket => "$prefix/gateway.sock");

$gateway->exits('D11 a partner', 0, 'partner', 'create', '--id', 'acme');

# what is sent, by mistake too, byte for byte

my $socket = "$prefix/admin.sock";
my $command = AGW::Command->new(socket => $socket);

my $token = join '.', b64url('{"alg":"HS256"}'), b64url($json->encode({
    sub => 'acme', partner_id => 'acme', client_id => 'acme',
    iat => time, exp => time + 600, jti => b64url(random_bytes(16)) })),
    b64url(random_bytes(32));
my $key = 'agw_' . join '', map { (0 .. 9, 'A' .. 'Z', 'a' .. 'z')[$_ % 62] }
    unpack 'C*', random_bytes(33);

my $server = AGW::FalseGateway->start($socket, "$prefix/seen", sub {
    my ($request) = @_;

    return AGW::FalseGateway::response(200, $json->encode(
        { allowed => JSON::true, reason => 'ok', checks => [] }));
});


# among the arguments: as one, within one, and behind an option

for my $secret ($token, $key) {
    my $what = $secret eq $key ? 'an API key' : 'a token';

    for my $args (
        ['explain', 'GET', '/', $secret],
        ['explain', 'GET', "/?access_token=$secret"],
        ['revoke', 'token', "--token-file=$secret"],
        ['revoke', 'token', '--id', $secret],
        ['key', 'delete', 'acme', $secret],
        ['partner', 'show', "acme:$secret"],
        ['status', '--socket', "Bearer $secret"],
        [$secret], ['help', $secret],
        ['partner', 'create', '--name', "the key is $secret."],
        ['partner', 'show', "acme.$secret"],
        ['partner', 'show', "acme-$secret"],
        ['partner', 'show', "acme_$secret"],
    ) {
        my $shown = join ' ', map { s/\Q$secret\E/<secret>/r } @$args;
        my $got = $command->exits("D11 refused: $shown", 2, @$args);

        like($got->{err}, qr/contains $what, which is refused there: every/,
            'with the reason');
        unlike("$got->{out}$got->{err}", qr/\Q@{[ substr $secret, 8, 16 ]}\E/,
            'and without it');
    }
}

is(scalar $server->since(0), 0, 'nothing was sent');

# what is none is accepted: hosts, files, ids with dots

for my $args (
    ['explain', 'GET', '/v1/a.b.c', '--server', 'api.example.com'],
    ['explain', 'GET', '/', '--server', 'eyJ.example.com'],
    ['partner', 'show', 'agw_prod'],
    ['partner', 'show', 'agw_a-partner-with-a-long-name_and_more'],
) {
    $command->exits("D11 accepted: @$args", 0, @$args, { in => $token });
}


# how a token is written: alone, with its scheme, in a file, with white space

spew("$prefix/token", "  Bearer $token \r\n", 0600);

for my $case (
    ['alone', $token], ['with a newline', "$token\n"],
    ['with its scheme', "bearer $token"], ['in a file', '', '--token-file',
        "$prefix/token"],
) {
    my ($name, $in, @args) = @$case;
    my $mark = $server->mark;

    $command->exits("D11 a token $name", 0, 'explain', 'GET', '/', @args,
        { in => $in });
    is($json->decode(($server->since($mark))[0]{body})->{token}, $token,
        'is sent as it is');
}

for my $case (['two words', "$token $token"], ['a page', '<html>'],
    ['nothing', ''], ['zeros', "\0" x 10], ['too much', 'a' x 8193],
    ['far too much', 'a' x 200_000])
{
    my ($name, $in) = @$case;

    like($command->exits("D11 no token: $name", 2, 'explain', 'GET', '/',
        { in => $in })->{err}, qr/what was read is no token: one word of at/,
        'and what one is');
}

# a revocation sends the id of a token alone

{
    my $mark = $server->mark;

    $command->exits('D11 a token to revoke', 0, 'revoke', 'token',
        { in => $token });

    my $sent = ($server->since($mark))[0];

    like($sent->{body}, qr/^\{"kind":"token","id":"acme:[\w-]{22}"\}$/,
        'its id is sent');
}


# while it runs: its arguments, its limits, its core

my $fifo = "$prefix/fifo";

POSIX::mkfifo($fifo, 0600) or die "mkfifo: $!\n";

{
    my $child = $command->begin('explain', 'GET', '/', { stdin => $fifo });

    open my $in, '>', $fifo or die "$fifo: $!\n";
    $in->autoflush(1);
    print {$in} $token;

    # it has read it: the pipe is empty

    my $pid = $child->pid;

    for (1 .. 100) {
        last if slurp("/proc/$pid/wchan") =~ /pipe/
            || slurp("/proc/$pid/syscall") =~ /^0 0x0 /;
        select undef, undef, undef, 0.05;
    }

    unlike(slurp("/proc/$pid/cmdline"), qr/\Q$token\E/,
        'D11 no token in its arguments');
    like(slurp("/proc/$pid/limits"), qr/^Max core file size +0 +0 /m,
        'D11 no core may be written');

    kill 'ABRT', $pid;
    close $in;
    waitpid $pid, 0;

    is($? & 127, POSIX::SIGABRT(), 'D11 aborted');
    ok(!($? & 128), 'without a core');
}


# A core that somebody makes with the rights to do so (gcore), at the end, has
# no run of 16 bytes of the secret; one in the middle has it, so it is found.
# secret is a pattern of what is then in a file, or the secret.

sub core_has {
    my ($where, $secret, $file, $in, @args) = @_;

    my $core = "$prefix/core.$where";
    my @break = $where eq 'end' ? ('catch syscall exit_group')
        : ('catch syscall write');
    my $line = join ' ', map { "'$_'" } @args;

    spew("$prefix/in", $in, 0600);
    spew("$prefix/gdb", join '', map { "$_\n" } 'set confirm off',
        'set debuginfod enabled off', 'set disable-randomization off', @break,
        "run $line <$prefix/in >$prefix/out 2>$prefix/err",
        "gcore $core", $where eq 'end' ? 'kill' : ('delete', 'continue'));

    system("gdb -nx -batch -x $prefix/gdb @{[ command_path() ]} "
        . ">$prefix/gdb.out 2>&1");

    if (defined $file) {
        ($secret) = slurp("$prefix/$file") =~ $secret;
        $gw->keep_secret($secret) if defined $secret;
    }

    return (0, 0) unless defined $secret;

    my $bytes = slurp($core);
    my %runs = map { substr($secret, $_, 16) => 1 } 0 .. length($secret) - 16;
    my $any = join '|', map { quotemeta } sort keys %runs;

    unlink $core;

    return (length $bytes, scalar(() = $bytes =~ /$any/g));
}

SKIP: {
    skip_for('a sanitizer', 'a core of the command is')
        if ($ENV{ASAN_OPTIONS} // '') ne '';
    skip_for('not root', 'a core of the command is') if $> != 0;
    skip_for('gdb', 'a core of the command is')
        unless `sh -c 'command -v gdb'`;

    system("gdb -nx -batch -ex 'catch syscall exit_group' -ex run"
        . " -ex 'gcore $prefix/core.trial' -ex kill /bin/true"
        . " >$prefix/gdb.out 2>&1");
    skip_for('memory', 'a core of the command is')
        unless -s "$prefix/core.trial";
    unlink "$prefix/core.trial";

    # of the token: its claims and its signature, for its header is any token's

    my $part = substr $token, index($token, '.') + 1;
    my $new = qr/(agw_\w{33})/;
    my @create = ('--socket', "$prefix/gateway.sock", 'key', 'create', 'acme');
    my @revoke = ('--socket', "$prefix/gateway.sock", 'revoke', 'token');
    my @explain = ('--socket', "$prefix/gateway.sock", 'explain', 'GET',
        '/v1/businesses/b/x', '--https');

    for my $case (
        ['an API key', $new, 'out', '', @create],
        ['an API key in a file', $new, 'new.key', '', @create, '--key-file',
            "$prefix/new.key"],
        ['an API key in JSON', $new, 'out', '', '--json', @create],
        ['a token', $part, undef, $token, @explain],
        ['a token to revoke', $part, undef, "Bearer $token\n", @revoke],
        ['a token that is none', $part, undef, "$token x", @revoke],
        ['a token in the arguments', $part, undef, '', @explain, $token],
    ) {
        my ($name, @what) = @$case;
        my ($size, $found) = core_has('end', @what);

        cmp_ok($size, '>', 100_000, "D11 $name: a core at the end")
            or diag(slurp("$prefix/gdb.out"), slurp("$prefix/err"));
        is($found, 0, 'has no part of it');
        like(slurp("$prefix/out"), qr/^The request is refused: bad_signature$/m,
            'though it was explained') if $name eq 'a token';
    }

    my ($size, $found) = core_has('middle', $new, 'out', '', @create);

    cmp_ok($found, '>', 0, 'D11 a core in the middle has the key');
}


# a terminal is asked, without an echo

SKIP: {
    skip_for('no terminal', 'asking a terminal is')
        if $command->on_terminal(80, 'help')->{out} !~ /usage/;

    my $mark = $server->mark;
    my $got = AGW::Command->new->run({ command => ['sh', '-c',
        "(sleep 1; printf '%s' '$token'; printf '\\r') | script -qec '"
        . command_path() . " --socket $socket explain GET /' /dev/null"] });
    my ($sent) = map { $_->{body} } $server->since($mark);

    like($got->{out}, qr/^Token \(not shown\): \r\nThe request is allowed/m,
        'D11 a terminal is asked');
    unlike($got->{out}, qr/\Q$token\E/, 'and shows no token');
    like($sent // '', qr/\Q$token\E/, 'which is sent');
}

$server->stop;
unlike(slurp("$prefix/logs/admin.log"), qr/agw_\w{33}|\Q$token\E/,
    'D11 nor are they in the log of the administration');
$gw->finish;
