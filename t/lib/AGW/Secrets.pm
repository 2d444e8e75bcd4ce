package AGW::Secrets;

# Every key, token and password of a test, kept where it is made, and every log
# of the programs that it runs: none of the one may be in the other.  A test
# that leaks one fails at its end, whatever it tests.

use strict;
use warnings;

use Exporter 'import';
use Fcntl qw(O_APPEND O_CREAT O_RDWR);
use File::Temp ();
use Test::Builder;

our @EXPORT_OK = qw(leaks look_at secret watch);

# A log may show a part of a secret, cut or quoted: a run of so many characters
# at the beginning or at the end of one of its words is enough.  Most secrets are
# base64url, or base64, whose "+" and "/" end a word here.

my $word = qr/[A-Za-z0-9_-]{20,}/;
my $run = 20;

# the id of a partner or a business, which paths and logs have

my $uuid = qr/\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z/;

# children of a test make secrets as well: all write to one file

my $dir = File::Temp->newdir('agw-secrets-XXXXXXXX', TMPDIR => 1);
my $owner = $$;
my (%known, %begins, %ends, %read, @watched, @seen);

sysopen my $all, "$dir/secrets", O_RDWR | O_CREAT | O_APPEND, 0600
    or die "secrets: $!\n";


# Keeps it, and returns it: a word, or a text with some, such as a key file.  A
# kid is none.

sub secret {
    my ($text) = @_;

    my @new = grep { !/$uuid/ && !$known{$_}++ }
        ($text // '') =~ s/"kid"\s*:\s*"[^"]*"//gr =~ /$word/g;

    syswrite $all, join '', map { "$_\n" } @new if @new;

    return $text;
}


# The logs in a directory, or one file, are searched at the end.  The directory
# lives as long, if it is an object of File::Temp.  may_show => [patterns] of
# lines that have a secret for a reason.

sub watch {
    my ($where, %opt) = @_;

    push @watched, { where => $where, path => "$where",
        sub => $opt{sub} // '', may_show => $opt{may_show} // [] };

    return;
}


# what a program that has ended said, which no file has

sub look_at {
    my ($name, $text) = @_;

    my $in_debug = 0;

    learn();
    push @seen, map { shown($name, $_) }
        grep { has_secret($_, \$in_debug) } split /^/, $text;

    return;
}


# "file: line" of each line that has a secret; once for each

sub leaks {
    learn();

    return splice(@seen), map { my $watched = $_;
        map { leaks_of($_, $watched) } files_of($watched) } @watched;
}


# what was made since the last time

sub learn {
    open my $in, '<', "$dir/secrets" or die "secrets: $!\n";
    seek $in, $read{''} // 0, 0;

    while (my $secret = readline $in) {
        chomp $secret;
        $begins{ substr $secret, 0, $run } = 1;
        $ends{ substr $secret, -$run } = 1;
    }

    $read{''} = tell $in;

    return;
}


sub files_of {
    my ($watched) = @_;

    my $path = $watched->{path} . $watched->{sub};

    return grep { -f } -d $path ? glob("$path/*.log $path/out*") : $path;
}


# What a line says apart from what nginx itself quotes of a request, which no
# module can help: all of it at level debug, where a message may have several
# lines; a header that it refuses; and the request line behind its messages.

my $quotes = qr/\ client\ sent\ (?:duplicate|invalid|too\ long)
    \ header\ line:/x;

sub said {
    my ($line, $in_debug) = @_;

    $$in_debug = $1 eq 'debug' if $line =~ m{^\d{4}/[\d/: ]+ \[(\w+)\] };

    return $line if $line =~ /auth_gateway/;
    return '' if $$in_debug || $line =~ $quotes;

    return $line =~ s/, request: ".*?"(?=, |$)//r;
}


sub has_secret {
    my ($line, $in_debug) = @_;

    return scalar grep { $begins{ substr $_, 0, $run }
        || $ends{ substr $_, -$run } } said($line, $in_debug) =~ /$word/g;
}


sub shown {
    my ($name, $line) = @_;

    chomp $line;

    return "$name: " . $line =~ s/$word/<.../gr;
}


# those of one file since the last time

sub leaks_of {
    my ($file, $watched) = @_;

    my $at = $read{$file} // 0;
    my $in_debug = 0;
    my @found;

    open my $log, '<:raw', $file or return;
    seek $log, -s $log < $at ? 0 : $at, 0;

    while (my $line = readline $log) {
        push @found, shown($file, $line)
            if has_secret($line, \$in_debug)
                && !grep { $line =~ $_ } @{ $watched->{may_show} };
    }

    $read{$file} = tell $log;

    return @found;
}


# after all programs have ended: AGW::Nginx and others use this module first

END {
    my $status = $?;

    if ($$ == $owner) {
        my @found = leaks();

        if (@found) {
            Test::Builder->new->diag(join "\n", 'a secret in a log:',
                @found > 20 ? (@found[0 .. 19], '...') : @found);
            $status ||= 1;
        }
    }

    $? = $status;
}


1;
