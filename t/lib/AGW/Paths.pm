package AGW::Paths;

# Spellings of a path that two readers may read differently, and all the
# ways in which somebody may read one.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(
    hostile hostile_alone ordinary random_path readings reaches_another
);

# '..' and '.' as somebody may decode or trim them

my @dots = (
    '..', '.', '...', '%2e%2e', '.%2e', '%2E.', '%2e', '%252e%252e',
    '.%252e', '%25252e%25252e', '%2525252e%2525252e', '..;', '..;v=1',
    '..%3b', '..%3B%2f', '..%253b', '..%3f', '..%3fx=1', '..%253f', '..%23',
    '..%2523', '..%20', '%20..', '.%20.', '..%2520', '.%20', '..%00',
    '..%0a', '..%0d', '..%09', '..%7f', '%c0%ae%c0%ae', '%c0%2e%c0%2e',
    '%e0%80%ae%e0%80%ae', '%f0%80%80%ae.', '%25%32%65%25%32%65',
    '%25c0%25ae%25c0%25ae', '.;/..', '%%32%65%%32%65', '..%01',
);

# '/' likewise

my @slashes = (
    '/', '//', '/./', '%2f', '%2F', '%5c', '\\', '%255c', '%252f', '%252F',
    '%25252f', '%2525252F', '%25%32%66', '%c0%af', '%25c0%25af', '%e0%80%af',
    '/;/', '%2f%2f', '%5c/',
);


# Paths under $prefix (which ends with a slash) that lead from one segment
# to another in somebody's reading.

sub hostile {
    my ($prefix, $mine, $theirs) = @_;

    my %seen;

    return grep { !$seen{$_}++ } map {
        my $dot = $_;

        map {
            my $slash = $_;

            $slash eq '/;/' ? () : (
                "$prefix$mine$slash$dot$slash$theirs/x",
                "$prefix$theirs$slash$dot$slash$mine/x",
            );
        } @slashes;
    } @dots;
}


# And those of other kinds: in the business segment, at the end, twice.

sub hostile_alone {
    my ($prefix, $mine, $theirs) = @_;

    my @bytes = grep { /%0|%7f|%c0|%e0|%f0|%25c0/ } @dots;

    return (
        (map { ("$prefix$_/$mine", "$prefix$mine/x$_/y") } @bytes),
        (map { ("$prefix$mine/$_", "$prefix$mine/x/$_/y") } @dots),
        (map { ("$prefix$mine${_}x", "$prefix$mine/a${_}b",
            "$prefix$mine${_}..${_}$theirs") }
            grep { $_ ne '/' && $_ ne '/;/' } @slashes),
        (map { ("$prefix$mine$_/x", "$prefix$_$mine/x") }
            '%20', '%2e%2f', ';', ';v=1', '%3b', '%00', '%0d%0a', '+', ',',
            '@', ':', '*', '!', "'", '%25', '%C3%A9', '%ff', '%2561'),
        (map { "$prefix$mine/$_" } '%ff', '%fe%ff', '%c3', '%c3%28',
            '%ed%a0%80', '%f4%90%80%80', '%f8%88%80%80%80', '%25ff',
            '%00', '%2500', '%01', '%1f', '%7f', '%0d%0aX-A:%20b',
            '%250d%250a', 'a%5cb', 'a%2fb', 'x%2f', '%2fx'),
        "$prefix%62-mine/x", "$prefix/$mine/x", "/$prefix$mine/x",
        "$prefix$mine//", "$prefix$mine/x//y", "$prefix$mine/x#/y",
        "$prefix$mine#$theirs", "$prefix$mine/#/../$theirs",
    );
}


# What nobody reads in two ways: what follows the business.

sub ordinary {
    return (
        '', '/', '/x', '/x/', '/a%20b', '/%20', '/%C3%A9t%C3%A9',
        "/\xc3\xa9t\xc3\xa9", '/%F0%9F%98%80', '/x;v=1', '/;v=1', '/x;v=1/y',
        '/50%25', '/100%25%20sure', '/a.b', '/.hidden', '/..c', '/...c',
        '/c..', '/a..b', '/a...', '/.well-known/x', '/a+b', '/a&b=c',
        '/~user', "/it's", '/(x)', '/a:b@c', '/a,b', '/$x', '/a*b', '/a%26b',
        '/a%3Fb', '/a%23b', '/a%3Bb', '/%41', '/a%252525', '/%25zz',
        '/x?y=../../z', '/x?a=%2f..%2f&b=%00', '/x?', '/x??',
        '/x?y=//z', '/a%7Cb', '/%e2%80%a6/x', '/a/b/c/d/e/f',
    );
}


# A path of pieces that are known to confuse, from a seeded srand().

sub random_path {
    my ($prefix, @ids) = @_;

    my @pieces = (@dots, @slashes, ('/') x 20, @ids, @ids, @ids, 'x', 'v1',
        '%', '%25', ';', '?', '#', '%3f', '%23', '%20');

    return $prefix . join '', map { $pieces[rand @pieces] }
        1 .. 2 + rand 7;
}


sub decode {
    my ($text) = @_;

    return $text =~ s/%([0-9a-fA-F]{2})/chr hex $1/ger;
}


# Every path that a reader may take the target for, resolved.

sub readings {
    my ($target) = @_;

    my %found;
    my ($raw) = $target =~ /^([^?]*)/;

    for my $how (0 .. 63) {
        my $path = $raw;

        for (0 .. 5) {
            my $read = $path;

            $read =~ tr{\\}{/} if $how & 1;
            $read =~ s/[?#].*//s if $how & 2;
            $read =~ s/\0.*//s if $how & 4;
            $read =~ s/;[^\/]*//g if $how & 8;
            $read =~ s/[\0-\x20\x7f]//g if $how & 16;
            $read =~ s/\xc0\xae/./g, $read =~ s/\xc0\xaf/\//g if $how & 32;
            $found{ resolve($read) } = 1;

            my $next = decode($path);

            last if $next eq $path;
            $path = $next;
        }
    }

    return keys %found;
}


sub resolve {
    my ($path) = @_;

    my @out;

    for (split m{/+}, $path) {
        next if $_ eq '' || $_ eq '.';
        if ($_ eq '..') { pop @out; next; }
        push @out, $_;
    }

    return '/' . join '/', @out;
}


# the reading by which a target is under $prefix but not under $mine there,
# or undef

sub reaches_another {
    my ($target, $prefix, $mine) = @_;

    my ($bare) = $prefix =~ m{^(.*)/$};

    for (readings($target)) {
        return $_ if m{^\Q$bare\E/} && !m{^\Q$bare\E/\Q$mine\E(/|$)};
    }

    return;
}


1;
