# conf/README.md says what to do about each message that the module logs: its
# table has those of the sources, from level notice up.  Level emerg refuses a
# configuration, and says by itself what must be.

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

    $text =~ s/%(?:\*s|[0.]*\w?[VsdPTOLM]|u[iz])|<[^<>]+>/%/g;
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

done_testing();
