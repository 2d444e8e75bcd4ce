# README.md says what the sources do: directives and their contexts,
# variables, reasons.  Its configurations start, and those of conf/README.md.
# src/README.md has each file.  The links of all documents lead somewhere.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Crypt::PK::ECC ();
use File::Basename qw(dirname);
use File::Find qw(find);
use Test::More;

use AGW::Conf qw(free_port load_line);
use AGW::Files qw(make_certificate make_prefix repo_root slurp
    spew worker_ids);
use AGW::Nginx qw(nginx_t);
use AGW::Reasons qw(%reasons);

my $root = repo_root();
my $readme = slurp("$root/README.md");
my $operating = slurp("$root/conf/README.md");
my $module = slurp("$root/src/ngx_http_auth_gateway_module.c");

# a heading of that level and text, up to the next of its level or above

sub section {
    my ($level, $title) = @_;

    my $mark = '#' x $level;
    my ($text) = $readme =~ /^$mark \Q$title\E\n(.*?)(?=^#{1,$level} |\z)/ms;

    return $text // '';
}

sub blocks {
    my ($text, $language) = @_;
    my @found;

    while ($text =~ /^( *)```$language\n(.*?)^\1```$/msg) {
        push @found, $2 =~ s/^$1//gmr;
    }

    return @found;
}

sub none {
    my ($name, @problems) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return ok(!@problems, $name) || diag(join "\n", @problems);
}


# the command table: name => { contexts, flag }

my @contexts = (
    [MAIN => 'http'], [SRV => 'server'], [LOC => 'location'],
    [SIF => 'if in server'], [LIF => 'if in location'],
    [LMT => 'limit_except'],
);
my %commands;

{
    my %macros = $module =~ /^\#define[ ](NGX_HTTP_AGW_\w+)\s+\\\n\s*(.+)$/mg;
    my ($table) = $module
        =~ /^static ngx_command_t .*?\{\n(.*?)ngx_null_command/ms;

    while ($table =~ /\{ ngx_string\("(\w+)"\),\s*([\w|]+),/g) {
        my ($name, $flags) = ($1, $2);

        $flags =~ s/\b(NGX_HTTP_AGW_\w+)/$macros{$1}/g;
        $commands{$name} = {
            contexts => [map { $_->[1] } grep { $flags =~ /_$_->[0]_CONF\b/ }
                @contexts],
            flag => scalar $flags =~ /NGX_CONF_FLAG/,
        };
    }
}

cmp_ok(keys %commands, '>', 10, 'the command table was read');

# the sections: name => { syntax, default, contexts, text, examples }

my %sections;

for my $part (split /^(?=### )/m, section(2, 'Directives')) {
    my ($name, $text) = $part =~ /^### (\S+)\n\n(.*)/s or next;
    my ($syntax, $default, $contexts, $rest) = $text =~ /^```\n
        Syntax:[ ]{3}(\S\N*;)\nDefault:[ ]{2}(\S\N*)\n
        Context:[ ]{2}(\S\N*)\n```\n\n(.*)/sx;

    ok(!exists $sections{$name}, "$name has one section");
    $sections{$name} = {
        syntax => $syntax, default => $default, contexts => $contexts,
        text => $rest, examples => [blocks($part, 'nginx')],
    };
}

is_deeply([sort keys %sections], [sort keys %commands],
    'a section for each directive, and a directive for each section');

# what holds for all is said once, and a table leads to each

{
    my ($intro) = section(2, 'Directives') =~ /\A(.*?)^### /ms;
    my @rows = $intro =~ /^\| \[(\w+)\]\((\#\w+)\) \| [^|]+ \| (.+) \|$/mg;
    my %contexts;

    like($intro, qr/inherited\s+from\s+the\s+enclosing\s+level/,
        'values are inherited');
    like($intro, qr/does\s+not\s+start\s+with\s+a\s+value\s+that\s+is\s+not/,
        'nginx does not start with another value');

    while (my ($name, $link, $contexts) = splice @rows, 0, 3) {
        ok(!exists $contexts{$name}, "$name has one row");
        is($link, "#$name", "$name: the link of its row");
        $contexts{$name} = $contexts;
    }

    is_deeply(\%contexts, { map { $_ => join ', ',
        @{ $commands{$_}{contexts} } } keys %commands },
        'the table has each directive with its contexts');

    my $entries = section(2, 'Directives') =~ s/\A.*?(?=^### )//msr;

    cmp_ok(($readme =~ tr/\n//) - ($entries =~ tr/\n//), '<=', 1060,
        'beside the entries the README has at most 1060 lines');
}

for my $name (sort grep { $commands{$_} } keys %sections) {
    my $said = $sections{$name};
    my $command = $commands{$name};
    my @examples = @{ $said->{examples} };
    my @problems;

    if (!defined $said->{syntax}) {
        fail("$name: Syntax, Default and Context");
        next;
    }

    push @problems, "Syntax is of another: $said->{syntax}"
        if $said->{syntax} !~ /^${name}[ ;]/;
    push @problems, 'Syntax is not that of a flag'
        if $command->{flag} != ($said->{syntax} =~ / on \| off;$/ ? 1 : 0);
    push @problems, "Default is $said->{default}"
        if $said->{default} !~ /^(?:\xe2\x80\x94|$name .*;)$/;
    push @problems, 'no sentence of effect'
        if $said->{text} !~ /^[A-Z][^\n]+/;
    push @problems, @examples . ' examples' if @examples != 1;
    push @problems, 'its example does without it'
        if @examples && $examples[0] !~ /^\s+${name}[ ;]/m;

    none("$name: its section", @problems);
    is($said->{contexts}, join(', ', @{ $command->{contexts} }),
        "$name: its contexts");
}


# examples and defaults start

my $prefix = make_prefix();

for my $name (qw(auth_gateway.pem auth_gateway.next old-issuer.jwks)) {
    my $key = Crypt::PK::ECC->new->generate_key('secp256r1');

    spew("$prefix/$name", $name =~ /jwks/
        ? '{"keys":[' . $key->export_key_jwk('public') . ']}'
        : $key->export_key_pem('private'));
    chmod 0600, "$prefix/$name" or die "$prefix/$name: $!";
}

for my $name (qw(guarded_proxy guarded_fastcgi cors cors_headers
    cors_upstream json_errors))
{
    spew("$prefix/$name.conf", slurp("$root/conf/$name.conf"));
}

sub here {
    my ($text) = @_;

    $text =~ s{/etc/nginx/|/run/auth_gateway/}{%%PREFIX%%/}g;
    $text =~ s{/var/lib/auth_gateway/}{%%STORE%%/}g;

    return $text;
}

# Around an example of http, of a server or of a location stands what it
# needs and does not say itself.

sub around {
    my ($example) = @_;

    my $unless = sub {
        return $example =~ /^\s+\Q$_[0]\E /m ? '' : "$_[0] $_[1];\n";
    };
    my $template = $unless->('auth_gateway_business_path',
        '/v1/businesses/<business_id>');
    my $inside = $example;
    my ($outer) = $inside =~ s/^(http|server) \{\n(.*)\}\n\z/$2/s ? $1 : '';
    my $guarded = 'location /a/ { auth_gateway_require business; }'
        . ' location = /b { auth_gateway_token partner; }';

    return "http {\n"
        . $unless->('auth_gateway_store', 'sqlite:%%STORE%%/gateway.db')
        . $unless->('auth_gateway_key', '%%PREFIX%%/auth_gateway.pem')
        . $unless->('auth_gateway_issuer', 'https://api.example.com')
        . ($outer eq 'http' ? $inside : '')
        . $unless->('auth_gateway_admin_log', 'logs/admin.log')
        . "server { listen 127.0.0.1:%%TLS%% ssl;\n"
        . "listen unix:$prefix/around.sock;\n$template"
        . ($outer eq 'http' ? $guarded
            : $outer eq 'server' ? "$inside$guarded" : $inside)
        . "}\n}\n";
}

sub starts {
    my ($name, $text) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($code, $said) = nginx_t(here($text), prefix => $prefix);

    return is($code, 0, $name) || diag($said, $text);
}

# the map that cors.conf and what includes its headers need

my ($map) = grep { /^map \$/m } blocks($operating, 'nginx');

sub with_map {
    my ($example, $text) = @_;

    return $text unless $example =~ /include (?:cors|json_errors)/;
    return $text =~ s/^(http \{\n)/$1$map/r;
}

for my $name (sort grep { $commands{$_} } keys %sections) {
    for my $example (@{ $sections{$name}{examples} }) {
        my ($outer) = $example =~ /^(\w+)/;

        ok(scalar(grep { $_ eq $outer } @{ $commands{$name}{contexts} }),
            "$name: its example is in one of its contexts");
        starts("$name: its example starts",
            with_map($example, around($example)));
    }
}

# those of conf/README.md; t/cookbook.t starts those that are complete

{
    my @blocks = grep { !/^load_module /m } blocks($operating, 'nginx');

    cmp_ok(@blocks, '>', 5, 'conf/README.md has configurations');

    for my $block (@blocks) {
        my ($said) = $block =~ /^(.*)/;

        starts("conf/README.md: $said", $block eq $map
            ? around("http {\n$block}\n")
            : with_map($block, around($block)));
    }
}

starts('all defaults start', around("http {\n" . join('', map { "    $_\n" }
    grep { /;$/ } map { $_->{default} // '' } values %sections) . "}\n"));


# the recipe of a secret, and the parameter that it needs

{
    my ($recipe, $words) = $readme =~
        /`(openssl rand [^`]+)` makes one, for\s+`auth_gateway_key <file> ([^`]+)`/;

    spew("$prefix/made.key", `@{[ $recipe // 'false' ]}`);
    chmod 0600, "$prefix/made.key" or die "$prefix/made.key: $!";
    starts('a secret by its recipe', around("http {\n    auth_gateway_key"
        . " /etc/nginx/made.key @{[ $words // '' ]};\n}\n"));
}


# the complete configuration, with this machine's paths, port and user

{
    my ($complete) = grep { /^load_module /m && /^http \{/m }
        blocks($readme, 'nginx');

    $complete //= '';
    is(scalar(() = $complete =~ m{^load_module modules/(?:\w+)\.so;$}mg), 1,
        'a complete configuration, with load_module');

    my ($user) = worker_ids();
    my $port = free_port();
    my $load = load_line();
    my $places = join '', "access_log $prefix/logs/access.log;\n",
        map { "${_}_temp_path $prefix/tmp/$_;\n" }
        qw(client_body proxy fastcgi uwsgi scgi);

    $user = defined $user ? "user $user nogroup;" : '';
    $complete = here($complete)
        =~ s/%%PREFIX%%/$prefix/gr =~ s/%%STORE%%/$prefix\/store/gr
        =~ s{^user .*$}{$user}mr =~ s{^pid .*$}{pid $prefix/nginx.pid;}mr
        =~ s{^error_log .* info;$}{error_log $prefix/logs/error.log info;}mr
        =~ s{^load_module modules/ngx_http_auth_gateway_module\.so;}{$load}mr
        =~ s{ listen 443 }{ listen 127.0.0.1:$port }r
        =~ s{\S+\.crt;}{$prefix/cert.pem;}r
        =~ s{\S+/tls/\S+\.key;}{$prefix/cert.key;}r
        =~ s/^(http \{\n)/$1$places/mr;

    make_certificate($prefix) unless -f "$prefix/cert.pem";
    spew("$prefix/nginx.conf", $complete);
    unlink "$prefix/logs/out-t";

    my $pid = AGW::Nginx::spawn($prefix, "$prefix/logs/out-t", '-t');

    waitpid $pid, 0;
    is($?, 0, 'the complete configuration starts')
        or diag(slurp("$prefix/logs/out-t"), $complete);
    unlike(slurp("$prefix/logs/out-t"), qr/\[warn\].*auth_gateway/,
        'and nothing of it is warned of');
}


# variables

{
    my $source = slurp("$root/src/handlers/ngx_http_agw_variables.c");
    my ($table) = $source =~ /^static\ ngx_http_variable_t\s.*?\{\n(.*?)
        ngx_http_null_variable/msx;
    my @known = map { "\$$_" } $table =~ /ngx_string\("(\w+)"\)/g;

    push @known, '$auth_gateway_claim_<name>'
        if $table =~ /NGX_HTTP_AGW_CLAIM_PREFIX/;

    my @said = section(2, 'Variables') =~ /^\| `(\$[\w<>]+)` \|/mg;

    cmp_ok(@known, '>', 8, 'the table of variables was read');
    is_deeply([sort @said], [sort @known],
        'a row for each variable, and a variable for each row');

    my %known = map { $_ => 1 } @known;

    for my $text ($readme, $operating, slurp("$root/t/README.md")) {
        my ($title) = $text =~ /^# (.*)/;

        none("$title: no other variable is named", grep { !$known{$_} }
            grep { !/^\$auth_gateway_claim_[a-z]/ }
            $text =~ /(\$auth_gateway_\w+(?:<name>)?)/g);
        none("$title: no other directive is named", grep { !$commands{$_} }
            $text =~ /(?<![\$\w])(auth_gateway_[a-z_]+)\b(?!\.)/g);
    }
}


# reasons, as in the table of the tests, which t/reasons.t and
# t/unit/test_reason.c compare with the sources

{
    my %said;

    for my $row (section(3, 'Reasons') =~ /^\| (`.*) \|$/mg) {
        my ($names, %row);

        ($names, @row{qw(status error error_code type)})
            = split / \| /, $row;
        ($row{error}) = $row{error} =~ /^`(\w+)`/;
        ($row{error_code}) = $row{error_code} =~ /^`(\w+)`$/;
        @row{qw(type enum)} = $row{type}
            =~ /^`(\w+)`, (?:`(\w+)`|absent)$/;

        for my $name ($names =~ /`(\w+)`/g) {
            ok(!exists $said{$name}, "$name has one row");
            $said{$name} = \%row;
        }
    }

    cmp_ok(keys %reasons, '>', 20, 'the table of reasons was read');
    is_deeply(\%said, \%reasons, 'each reason with its answer');

    # and what an endpoint may answer is in its table

    my %statuses = map { $_->{status} => 1 } values %reasons;

    for my $title ('Partner token', 'Business token', 'Guarded resources') {
        my @rows = section(3, $title) =~ /^\| (\d+) \|/mg;

        cmp_ok(@rows, '>', 3, "$title has a table of errors");
        none("$title: no status that nothing answers",
            grep { !$statuses{$_} } @rows);
    }
}


# the map of the code: a line for each file, and no name that is not there

{
    my $map = slurp("$root/src/README.md");
    my (%units, %said, %names);

    find({ no_chdir => 1, wanted => sub {
        my ($room, $unit) = m{^\Q$root\E/(src/(?:.+/)?)(\w+)\.[ch]$} or return;

        $units{"$room$unit"} = 1;
        $names{$unit} = 1;
        $names{$_} = 1 for slurp($_) =~ /\b((?:ngx_http_)?agw_\w+)\b/g;
    } }, "$root/src");

    for my $part (split /^(?=\#\#)/m, $map) {
        my ($room) = $part =~ m{\A\#\#\# (\S+/)\n} or next;

        $room = "src/$room" if $room ne 'src/';
        $said{"$room$_"}++ for $part =~ /^\| `(\w+)` \|/mg;
    }

    is_deeply(\%said, \%units, 'the map has each file of src/ once');
    none('the map names nothing else', grep { !$names{$_} }
        $map =~ /`((?:ngx_http_)?agw_\w+)`/g);
}


# Links of every document: a file, relative to the document, and a heading.

{
    my (%text, %anchors);

    find({ no_chdir => 1, wanted => sub {
        $File::Find::prune = 1 if m{/(?:\.git|build|node_modules)$};
        $text{ substr $_, length "$root/" } = slurp($_) if /\.md$/;
    } }, $root);

    cmp_ok(keys %text, '>', 3, 'there are documents');

    for my $file (keys %text) {
        $text{$file} =~ s/^( *)```.*?^\1```$//msg;
        $anchors{$file} = { map { lc =~ s/[^\w -]//gr =~ tr/ /-/r => 1 }
            $text{$file} =~ /^#+ (.+)$/mg };
    }

    for my $file (sort keys %text) {
        my @lost;

        for my $link ($text{$file} =~ /\]\(([^)\s]+)\)/g) {
            next if $link =~ m{^https?://};

            my ($path, $anchor) = $link =~ /^([^#]*)(?:#(.*))?$/;
            my $to = $path eq '' ? $file : dirname($file) . "/$path";

            1 while $to =~ s{(^|/)\./}{$1} || $to =~ s{[^/.]+/\.\./}{};
            push @lost, $link if !-e "$root/$to"
                || defined $anchor && !$anchors{$to}{$anchor};
        }

        none("$file: links", @lost);
        none("$file: paths", grep { !-e "$root/$_" }
            $text{$file} =~ m{`((?:conf|src|t)/[\w./-]*)`}g);
    }
}

done_testing();
