# The command line without a gateway: its help, its manual page, and what it
# says of arguments that it does not accept.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Command qw(command_path no_command);
use AGW::Files qw(make_prefix repo_root slurp);
use AGW::Skip qw(skip_all_for skip_for);

skip_all_for('libcurl', 'the command line is') if no_command();

my $prefix = make_prefix();
my $nobody = AGW::Command->new(socket => "$prefix/none.sock");

# the commands, as the help has them

my $help = $nobody->exits('D11 help', 0, 'help')->{out};
my ($listed) = $help =~ /^commands:\n(.*?)\n\n/ms;
my @words = $listed =~ /^  (\w+) /mg;
my @commands;

for my $word (@words) {
    my $said = $nobody->exits("D11 help of $word", 0, 'help', $word)->{out};

    push @commands, $said =~ /^usage: auth-gateway $word <command>/
        ? map { [$word, $_] } $said =~ /^  (\w+)\b/mg : [$word];
}

cmp_ok(@commands, '>', 25, 'there are commands');

my $man = slurp(command_path() . '.1');
my $plain = $man =~ s/\\&//gr =~ s/\\-/-/gr;
my %operands = (
    '<partner_id>' => 'acme', '<key_id>' => 'k1', '<business_id>' => 'b1',
    '<method>' => 'GET', '<path>' => '/v1', '<file>' => '/dev/null',
    '<kid>' => 'k-1', '<thumbprint>' => 'A' x 43,
);

for my $command (@commands) {
    my $name = join ' ', @$command;
    my $said = $nobody->exits("D11 $name: help", 0, 'help', @$command)->{out};
    my ($usage) = $said =~ /^usage: auth-gateway $name \[options\](.*)/;
    my @options = $said =~ /^  (--[a-z-]+)/mg;
    my ($entry) = $plain =~ /^\.It Nm Cm \Q$name\E\b(.*?)^\.(?:It Nm|Ss) /ms;
    my @needs = grep { $_ eq '--grace' } @options;

    ok(defined $usage, "D11 $name: usage") or next;
    is($nobody->run(@$command, '--help')->{out}, $said,
        "D11 $name: --help is the same");
    is_deeply([map { "--$_" } $entry =~ /^\.It Fl -([a-z-]+)/mg], \@options,
        "D11 $name: the manual page has its options");
    cmp_ok(length((sort { length $b <=> length $a } split /\n/, $said)[0]),
        '<=', 80, "D11 $name: help has 80 columns");

    my @given = map { $operands{$_} // die $_ } $usage =~ /(<\w+>)/g;
    my @all = (@given, (map { ($_, '1h') } @needs),
        $name =~ /update/ ? ('--name', 'x') : ());
    my $token = grep { $_ eq '--token-file' } @options;

    # nobody listens there: the arguments were right

    $nobody->exits("D11 $name: exit code 3 without a gateway", 3, @$command,
        @all, { in => $token ? token() : '' }) unless $name =~ /^import$| add$/;

    if (@given) {
        my $got = $nobody->exits("D11 $name: too few operands", 2, @$command,
            @all[1 .. $#all]);

        like($got->{err}, qr/^auth-gateway: $name: <\w+> is missing$/m,
            'and which one is missing');
    }

    my $got = $nobody->exits("D11 $name: too many operands", 2, @$command,
        @all, 'more');

    like($got->{err}, qr/^auth-gateway: $name: "more" is one argument too/m,
        'and which one it is');

    my ($foreign) = grep { my $o = $_; !grep { $_ eq $o } @options }
        '--grace', '--dry-run';

    $got = $nobody->exits("D11 $name: another command's option", 2, @$command,
        @all, $foreign, $foreign eq '--grace' ? '1h' : ());
    my $own = join ' ', @options ? @options : 'none';

    like($got->{err}, qr/\Q$foreign\E is not an option of this command\n/,
        'and which one');
    like($got->{err}, qr/^Its own options: $own$/m, 'and what its own are');
}

# a token of no one, which no gateway has issued

sub token {
    return join('.', 'eyJhbGciOiJIUzI1NiJ9',
        'eyJwYXJ0bmVyX2lkIjoiYWNtZSIsInN1YiI6ImFjbWUiLCJjbGllbnRfaWQiOiJhY21l'
        . 'IiwiaWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDM2MDAsImp0aSI6ImoxIn0',
        'AAAA');
}


# what is not accepted

my @faults = (
    ['no command', [], qr/^usage: auth-gateway/],
    ['an unknown command', ['partners'],
        qr/there is no command "partners"\nThere are: partner key jwk/],
    ['an unknown verb', ['key', 'rol'],
        qr/key: there is no command "rol"\nThere are: list show create/],
    ['no verb', ['key'], qr/key: a command is missing\nThere are: list/],
    ['an unknown option', ['status', '--nosuch'],
        qr/there is no option "--nosuch"/],
    ['an option of another value', ['status', '--json=yes'],
        qr/--json takes no value/],
    ['an option without a value', ['status', '--timeout'],
        qr/--timeout needs a value: <duration>/],
    ['an option twice', ['partner', 'create', '--name', 'a', '--name', 'b'],
        qr/--name is given twice/],
    ['a help of nothing', ['help', 'nosuch'], qr/there is no help on "nosuch"/],
    ['a help of no verb', ['help', 'key', 'nosuch'],
        qr/there is no help on "key nosuch"/],
    ['no grace', ['key', 'roll', 'p', 'k'],
        qr/--grace <duration> is missing/],
    ['a bad grace', ['key', 'roll', 'p', 'k', '--grace', '1 day'],
        qr/--grace must be a duration as 24h, 90d/],
    (map { my $bad = $_; ["a bad time $bad", ['key', 'create', 'p',
        '--expires', $bad], qr/--expires must be a time as 2027-01-31T12/] }
        '90', '2027-02-29', '2027-13-01', '2027-1-1', '2027-01-31T24:00:00Z',
        '2027-01-31T12:00:00', '2027-01-31T12:00:00+1', 'tomorrow', '90x',
        '-1d', '', '999999999999', '1d2', '99999999999d'),
    ['never for not before', ['key', 'create', 'p', '--not-before', 'never'],
        qr/--not-before must be a time/],
    ['names that contradict', ['partner', 'update', 'p', '--name', 'a',
        '--no-name'], qr/--name and --no-name contradict each other/],
    ['scopes that contradict', ['partner', 'update', 'p', '--scope', 'a',
        '--all-scopes'], qr/--scope, --all-scopes and --no-scopes contra/],
    ['nothing to change', ['partner', 'update', 'p'],
        qr/there is nothing to change: give --name/],
    ['nothing to change of a key', ['key', 'update', 'p', 'k'],
        qr/there is nothing to change: give --name/],
    ['replace without an id', ['partner', 'create', '--replace'],
        qr/--replace needs --id/],
    ['a bad limit', ['partner', 'list', '--limit', '0'],
        qr/--limit must be a number/],
    ['a bad line', ['import', '/dev/null', '--from', '0'],
        qr/--from must be the number of a line/],
    ['a file that is not there', ['import', "$prefix/none"],
        qr/none" cannot be opened: No such file/],
    ['a token file that is not there', ['explain', 'GET', '/', '--token-file',
        "$prefix/none"], qr/of --token-file cannot be opened: No such file/],
    ['no token', ['revoke', 'token'], qr/what was read is no token/],
    ['a token and an id', ['revoke', 'token', '--id', 'p:j', '--token-file',
        '/dev/null'], qr/--id and --token-file contradict/],
    ['a bad timeout', ['status', '--timeout', '0'],
        qr/--timeout must be a duration .*, from 1s to 24h/],
    ['a status path without a slash', ['status', '--path', 'status'],
        qr/--path must begin with a slash/],
    ['an empty operand', ['partner', 'show', ''], qr/<partner_id> is empty/],
    (map { my $id = $_; ["no id: $id", ['partner', 'show', $id],
        qr/is no id: 1 to 128 letters, digits and \. _ ~ - are accepted/] }
        'a/b', '../x', 'a b', 'a%2f', "\xc3\xa9", 'x' x 129),
    (map { ["no step: $_", ['partner', 'show', $_],
        qr/cannot be used in the path of a request/] } '.', '..'),
    ['a prefix with a query', ['partner', 'list', '--prefix', '/a?b'],
        qr/--prefix or --url must begin with a slash, and/],
);

for my $fault (@faults) {
    my ($name, $args, $said) = @$fault;
    my $got = $nobody->exits("D11 $name", 2, @$args);

    like($got->{err} . $got->{out}, $said, 'and what is accepted');
}

# where it is reached

{
    my $bare = AGW::Command->new;
    my @places = (
        ['plain HTTP', 2, qr/--url must begin with https:/,
            '--url', 'http://localhost/'],
        ['no certificate', 2, qr/--url needs a client certificate/,
            '--url', 'https://localhost/'],
        ['no host', 2, qr/--url must be https:\/\/, a host/,
            '--url', 'https:///x', '--cert', 'c', '--key', 'k'],
        ['a user', 2, qr/--url must be https:\/\/, a host/,
            '--url', 'https://u:p@h/', '--cert', 'c', '--key', 'k'],
        ['a query', 2, qr/the path of --prefix or --url/,
            '--url', 'https://h/admin?x', '--cert', 'c', '--key', 'k'],
        ['two paths', 2, qr/--prefix is given, and --url has a path/,
            '--url', 'https://h/a/', '--prefix', '/b/', '--cert', 'c',
            '--key', 'k'],
        ['a path that is too long', 2, qr/too long .* at most 107 bytes/,
            '--socket', '/' . 'x' x 107],
        ['no socket', 3, qr{socket $prefix/x: No such file or directory
nginx does not run, or listens elsewhere},
            '--socket', "$prefix/x"],
    );

    for my $place (@places) {
        my ($name, $code, $said, @options) = @$place;
        my $got = $bare->exits("D11 $name", $code, @options, 'partner',
            'list');

        like($got->{err}, $said, 'and what must be');
    }

    like($bare->run('partner', 'list')->{err},
        qr{socket /run/auth_gateway/admin\.sock: }, 'D11 the usual socket');
    like($bare->run('partner', 'list', { env => { AUTH_GATEWAY_SOCKET =>
        "$prefix/e" } })->{err}, qr{socket $prefix/e: },
        'D11 the socket of the environment');
    like($bare->run('partner', 'list', '--socket', "$prefix/o", { env => {
        AUTH_GATEWAY_SOCKET => "$prefix/e",
        AUTH_GATEWAY_URL => 'https://h/' } })->{err},
        qr{socket $prefix/o: }, 'D11 an option wins');
    like($bare->exits('D11 the URL of the environment', 2, 'partner', 'list',
        { env => { AUTH_GATEWAY_URL => 'https://h/' } })->{err},
        qr/--url needs a client certificate/, 'and it needs the rest too');
}

# the version

like($nobody->exits('D11 the version', 0, '--version')->{out},
    qr/^auth-gateway \d+\.\d+$/, 'is printed');

# standard output that is full

SKIP: {
    skip_for('tmpfs', 'a full standard output is') unless -w '/dev/full';

    like($nobody->exits('D11 a full standard output', 1, 'help',
        { out => '/dev/full' })->{err},
        qr/standard output cannot be written: No space/, 'is said');
}

# an argument that is not UTF-8

like($nobody->exits('D11 no UTF-8', 2, 'partner', 'create', '--name', "\xff")
    ->{err}, qr/an argument is not UTF-8/, 'is said');

# without libcurl the module is built, and the command is left out

{
    my $root = repo_root();
    my $said = `unset MAKEFLAGS; make -C '$root' HAS_CURL= command 2>&1`;

    is($?, 0, 'D11 a build without libcurl');
    like($said, qr/^no libcurl: the command auth-gateway is left out/m,
        'says what is missing');
}


# the manual page

{
    my $page = command_path() . '.1';

    SKIP: {
        skip_for('mandoc', 'the form of the manual page is')
            unless `sh -c 'command -v mandoc'`;

        # a page of nginx may not be installed

        my @said = grep { !/nginx\(8\) entry|referenced manual not found/ }
            `mandoc -T lint '$page' 2>&1`;

        is(join('', @said), '', 'D11 mandoc finds no fault in the manual page');
    }

    SKIP: {
        skip_for('groff', 'the manual page in groff is')
            unless `sh -c 'command -v groff'`;

        is(`groff -ww -mandoc -Tutf8 '$page' 2>&1 >/dev/null`, '',
            'D11 groff has no warning about it');
        like(`groff -mandoc -Tascii -P-cbou '$page'`,
            qr/^ *--grace duration$/m, 'and an option can be copied');
    }
}

done_testing();
