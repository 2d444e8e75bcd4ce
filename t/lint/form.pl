#!/usr/bin/perl

# The form of C files: what clang-format can hold of nginx's style, and the
# rules that it has no option for.  Prints file:line: what, and exits 1.
#
# clang-format knows where statements break, how they are indented and where
# tokens have a space between them.  It does not know nginx's alignment, nor
# that an author chooses where an expression is broken.  So its result is not
# compared line by line: the two texts are walked together, and only the gaps
# that it is right about count.

use strict;
use warnings;

my $failed = 0;
my $file;


sub complain {
    my ($line, $what) = @_;

    print "$file:$line: $what\n";
    $failed = 1;
}


sub slurp {
    my ($fh) = @_;

    local $/;
    return scalar <$fh>;
}


# Blanks out what is between the quotes of strings and in comments, keeping
# every position.

sub masked {
    my ($text) = @_;

    $text =~ s{ (/\* .*? \*/) | (//[^\n]*)
                | ("(?:[^"\\\n]|\\.)*") | ('(?:[^'\\\n]|\\.)*') }
              { my $s = $&; my $c = defined $1 || defined $2 ? ' ' : 'x';
                $s =~ s/[^\n]/$c/g; $s }gsex;

    return $text;
}


# Blanks out preprocessor directives: clang-format reads macros as best it can.

sub without_directives {
    my ($text) = @_;

    $text =~ s{^[ \t]*\#(?:[^\n]*\\\n)*[^\n]*$}
              { my $s = $&; $s =~ s/[^\n]//g; $s }gmex;

    return $text;
}


sub check_lines {
    my ($text) = @_;

    my @lines = split /\n/, $text, -1;

    complain(scalar @lines, "no newline at the end") if pop @lines ne '';
    complain(600, "longer than 600 lines: " . @lines) if @lines > 600;

    for my $i (0 .. $#lines) {
        my $line = $lines[$i];

        utf8::decode($line);

        complain($i + 1, "longer than 80 columns") if length $line > 80;
        complain($i + 1, "a tab") if $line =~ /\t/;
        complain($i + 1, "a carriage return") if $line =~ /\r/;
        complain($i + 1, "space at the end") if $line =~ /[ ]$/;

        complain($i + 1, "more than two blank lines")
            if $i > 1 && !grep { length } @lines[$i - 2 .. $i];
    }
}


sub check_blocks {
    my ($text) = @_;

    my $mask = masked($text);
    my @lines = split /\n/, $mask;
    my @raw = split /\n/, $text;
    my $start;

    # of what remains of a // comment in the mask, only the text tells

    (my $code = $text) =~ s{/\*.*?\*/|"(?:[^"\\\n]|\\.)*"}
                           { my $s = $&; $s =~ s/[^\n]/ /g; $s }gse;

    while ($code =~ m{//}g) {
        complain(1 + (substr($code, 0, $-[0]) =~ tr/\n//), "a // comment");
    }

    for my $i (0 .. $#lines) {
        my $line = $lines[$i];

        if ($line =~ /^\s*\} else\b/ && $i > 0 && $raw[$i - 1] ne '') {
            complain($i + 1, "no blank line before else");
        }

        if ($line =~ /^\s+\{$/ && $i > 0
            && $lines[$i - 1] =~ /^\s*(?:if|for|while|switch)\b(.*)$/) {

            my $condition = $1;
            my $open = $condition =~ tr/(//;
            my $close = $condition =~ tr/)//;

            if ($open == $close) {
                complain($i + 1, "a line of its own for the brace");
            }
        }

        if ($line eq '{') {
            $start = $i;

            my $j = $i;
            $j-- while $j > 0 && $lines[$j] !~ /^\w[\w\s\*]*\(/;

            if ($lines[$j] !~ /^\w+\(/) {
                complain($j + 1, "no line of its own for the return type");
            }

        } elsif ($line =~ /^\w[^=]*\)\s*\{$/
                 && $line !~ /^(?:typedef|struct|union|enum)\b/) {
            complain($i + 1, "no line of its own for the function's brace");

        } elsif ($line eq '}' && defined $start) {

            if ($i - $start - 1 > 80) {
                print "$file:", $start + 1, ": note: a function of ",
                      $i - $start - 1, " lines\n";
            }

            my $next = $i + 1;
            $next++ while $next <= $#raw && $raw[$next] eq '';

            if ($next <= $#raw && $next - $i != 3 && $raw[$next] !~ /^#/) {
                complain($i + 2, "not two blank lines between definitions");
            }

            undef $start;
        }
    }

    # braces always

    my $plain = without_directives($mask);
    my $parens;
    $parens = qr/\((?:[^()]++|(??{ $parens }))*\)/;

    while ($plain =~ /\b(if|for|while|switch)\s*($parens)\s*(?=(\S))/g) {
        my ($word, $next, $at) = ($1, $3, $-[0]);

        next if $next eq '{';
        next if $word eq 'while' && $next eq ';'
                && substr($plain, 0, $at) =~ /\}\s*$/;

        complain(1 + (substr($plain, 0, $at) =~ tr/\n//),
                 "no braces after $word");
    }

    while ($plain =~ /\b(else|do)\b\s*(?!\{|if\b)\S/g) {
        complain(1 + (substr($plain, 0, $-[0]) =~ tr/\n//),
                 "no braces after $1");
    }
}


# ngx_config.h defines _GNU_SOURCE, which is too late after a libc header.

sub check_first_include {
    my ($text) = @_;

    return unless $file =~ m{(?:^|/)ngx_[^/]*$} && $text =~ /^#include (.*)/m;

    my ($first, $line) = ($1, 1 + (substr($text, 0, $-[0]) =~ tr/\n//));

    complain($line, "$first before <ngx_config.h>")
        unless $first =~ /^(?:<ngx_config\.h>|"ngx_)/;
}


# A difference between the author's gap and clang-format's, or nothing.

sub gap_fault {
    my ($ours, $theirs, $before, $after) = @_;

    my $prev = substr $before, -1;
    my $next = substr $after, 0, 1;
    my $broken = $ours =~ /\n/;
    my $breaks = $theirs =~ /\n/;

    if ($broken && $breaks) {
        return if $prev !~ /[;{}]/ || $after =~ m{^[*/]};

        my ($is) = $ours =~ /([^\n]*)\z/;
        my ($wants) = $theirs =~ /([^\n]*)\z/;

        return if $is eq $wants;
        return "indented by " . length($is) . ", not " . length $wants;
    }

    if ($broken) {
        return "a line broken before '{'" if $next eq '{' && $prev eq ')';
        return "a line broken after '}'"
            if $prev eq '}' && $after =~ /^(?:else|while)\b/;
        return;
    }

    if ($breaks) {
        return if $prev eq '{' && $after =~ m{^/\* void \*/ \}};
        return if $next eq '}' && $before =~ m{\{ /\* void \*/$};
        return "no line break after '$prev'" if $prev =~ /[;]/;
        return "no line break before '{'" if $next eq '{' && $prev eq ')';
        return "no line break after ':'"
            if $before =~ /\b(?:case\s[^?]*|default):$/;
        return;
    }

    return if ($ours eq '') == ($theirs eq '');

    # nginx's own habits

    return if $prev eq '|' || $next eq '|';                 # A|B of flags
    return if "$prev$next" eq '(;' || "$prev$next" eq ';)'; # for ( ;; )
    return if $prev eq ')' && $next eq '{';                 # (type_t) { 0 }
    return if $prev eq ';' && $next eq ';';

    return $ours eq '' ? "no space between '$prev' and '$next'"
                       : "a space between '$prev' and '$next'";
}


sub check_clang_format {
    my ($text) = @_;

    open my $pipe, '-|', 'clang-format', '--style=file', $file
        or die "clang-format: $!\n";
    my $theirs = without_directives(slurp($pipe));
    close $pipe or die "clang-format failed on $file\n";

    my $ours = without_directives($text);
    my ($i, $j) = (0, 0);
    my $line = 1;

    while ($i < length $ours && $j < length $theirs) {
        pos($ours) = $i;
        pos($theirs) = $j;

        my ($gap) = $ours =~ /\G(\s*)/g;
        my ($wanted) = $theirs =~ /\G(\s*)/g;

        $line += $gap =~ tr/\n//;
        $i += length $gap;
        $j += length $wanted;

        last if $i >= length $ours || $j >= length $theirs;

        if (substr($ours, $i, 1) ne substr($theirs, $j, 1)) {
            complain($line, "clang-format reads this otherwise");
            return;
        }

        if ($gap ne $wanted) {
            my $from = $i - length($gap);
            my $begin = $from > 60 ? $from - 60 : 0;

            my $fault = gap_fault($gap, $wanted,
                                  substr($ours, $begin, $from - $begin),
                                  substr($ours, $i, 20));
            complain($line, $fault) if $fault;
        }

        $i++;
        $j++;
    }
}


for (@ARGV) {
    $file = $_;

    open my $fh, '<', $file or die "$file: $!\n";
    my $text = slurp($fh);
    close $fh;

    check_lines($text);
    check_blocks($text);
    check_first_include($text);
    check_clang_format($text);
}

exit $failed;
