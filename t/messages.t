# conf/README.md says what to do about each message that the module logs: its
# table has those of the sources, from level notice up.  Level emerg refuses a
# configuration, and says by itself what must be.  Why a Redis is out of reach
# is a part of a message: it says what must be, or a list there has it.

use strict;
use warnings;

use File::Find qw(find);
use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(repo_root slurp);

my $root = repo_root();
my $string = qr/"(?:[^"\\]|\\.)*"/;
my %levels = map { $_ => $_ } qw(alert crit warn notice);

$levels{err} = 'error';


# comparable(text): what differs from line to line, in nginx's formats or in
# the table's words, is one "%"

sub comparable {
    my ($text) = @_;

    $text =~ s/%(?:\*s|[0.]*\w?[VsdPTOLMl]|u[iz])|<[^<>]+>/%/g;
    $text =~ s/%+/%/g;

    return $text;
}


# The first strings of the arguments, as C joins them.  A level in a variable
# is any.  ngx_http_agw_sqlite_log() frames its text, and is no message itself.

sub messages {
    my ($source) = @_;
    my @found;

    $source =~ s/\bngx_(open|close)_file_n\b/"$1()"/g;

    while ($source =~ /\b(ngx_log_error|ngx_conf_log_error
        |ngx_http_agw_sqlite_log)\((?:NGX_LOG_(\w+)|level),\s*
        [^"]*?((?:$string\s*)+)/gx)
    {
        my ($function, $level, $text) = ($1, $2 ? $levels{lc $2} : 'any', $3);
        my $frame = 'auth_gateway: store "%" %: %';

        $text = join '', map { substr $_, 1, -1 } $text =~ /$string/g;
        $text = comparable($text =~ s/\\"/"/gr);
        $text = $frame =~ s/" %/" $text/r
            if $function eq 'ngx_http_agw_sqlite_log';

        push @found, [$level, $text]
            if $level && $text =~ /\w/ && $text ne $frame;
    }

    return @found;
}

is_deeply([messages(<<'END')], [[warn => '"a" of % is %'],
    ngx_log_error(NGX_LOG_WARN, log, ngx_errno,
                  "\"a\" of %V "
                  "is %*s", &name, "d");
    ngx_log_error(NGX_LOG_EMERG, log, 0, "b must be c");
    ngx_http_agw_sqlite_log(NGX_LOG_ERR, log, path, "is broken", db, rc);
END
    [error => 'auth_gateway: store "%" is broken: %']], 'messages are found');

my (%logged, %said);

find({ no_chdir => 1, wanted => sub {
    return if !/\.[ch]$/;

    for my $message (messages(slurp($_))) {
        my ($level, $text) = @$message;

        $logged{$text}{$level} = substr $_, length "$root/";
    }
} }, "$root/src");

cmp_ok(keys %logged, '>', 30, 'the sources were read');

my ($section) = slurp("$root/conf/README.md")
    =~ /^## Log messages\n(.*?)(?=^## )/ms;

for my $row ($section =~ /^\| ((?!level|---).*) \|$/mg) {
    my ($level, $texts, @rest) = split / \| /, $row;

    is(scalar(grep { /\w/ } @rest), 2, "a meaning and an action: $texts");
    $said{ comparable($_) }{$level} = 1 for $texts =~ /`([^`]+)`/g;
}

for my $text (sort keys %logged) {
    for my $level (sort keys %{ $logged{$text} }) {
        ok($level eq 'any' ? $said{$text} : $said{$text}{$level},
            "a row, level $level: $text")
            or diag("conf/README.md, \"Log messages\", lacks it:"
                . " $logged{$text}{$level}");
    }
}

for my $text (sort keys %said) {
    for my $level (sort keys %{ $said{$text} }) {
        ok($logged{$text}{$level} || $logged{$text}{any},
            "logged, level $level: $text");
    }
}


# Why a Redis is out of reach: the strings of its connection that are words, but
# for what a server says (ngx_string) and what is logged by itself.

sub reasons {
    my ($source) = @_;
    my %found;

    $source =~ s{/\*.*?\*/|^\s*\#.*?$}{}gms;
    $source =~ s/\bngx_(?:log|conf_log|ssl)_error\(.*?\);//gs;
    $source =~ s/\bngx_string\($string\)//g;

    while ($source =~ /((?:$string\s*)+)/g) {
        my $text = join '', map { substr $_, 1, -1 } $1 =~ /$string/g;

        $text =~ s/^ //;
        $found{ comparable($text =~ s/\\"/"/gr) } = 1
            if $text =~ /[a-z]{2}.* .*[a-z]{2}/;
    }

    return sort keys %found;
}

is_deeply([reasons(<<'END')], ['it is % (%)', 'no memory'],
    #include "no reason.h"
    { ngx_string("ERR no reason"), "no "
                                   "memory" },    /* "no reason" */
    ngx_log_error(NGX_LOG_ERR, log, 0, "no reason");
    send("AUTH", "it is %V (%l)", ": %s");
END
    'reasons are found');


# Whether a text of the list has the reason in it; what the one or the other
# leaves open, "%" and "...", is any.

my ($list) = $section =~ /^What follows `<server>`.*?\n\n(.*?)\n\n/ms;
my @listed = map { comparable(s/\s+/ /gr) } $list =~ /`([^`]+)`/g;

sub pattern {
    my ($text) = @_;

    return join '.*', map { quotemeta } split /%|\.\.\./, $text, -1;
}

sub is_listed {
    my ($reason) = @_;
    my $pattern = pattern($reason);

    return scalar grep { my $open = pattern($_);

        /$pattern/ || $reason =~ /\A$open\z/ } @listed;
}

ok(is_listed('a reply that is too long'), 'listed: open');
ok(is_listed('connect() failed'), 'listed: in a text');
ok(!is_listed('it is on fire'), 'not listed');

my @reasons = map { reasons(slurp("$root/src/$_")) } 'core/agw_resp.c',
    map { "store/redis/ngx_http_agw_redis_$_.c" }
        qw(conn error handshake peer pipeline sentinel tls);

cmp_ok(@reasons, '>', 60, 'the sources of the connection were read');

for my $reason (@reasons) {

    # of what nginx itself logs about a connection

    next if $reason eq "of auth_gateway's store";

    ok($reason =~ /\b(?:must|should)\b/ || is_listed($reason),
        "it says what to do: $reason")
        or diag('say what must be, or add it to the list below "What follows'
            . ' `<server>`" in conf/README.md');
}

done_testing();
