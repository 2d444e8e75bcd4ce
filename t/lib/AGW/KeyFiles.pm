package AGW::KeyFiles;

# What nginx -t says to one key file after another, in a server that needs a
# key.

use strict;
use warnings;

use Exporter 'import';
use Test::More;

use AGW::Config qw(check configuration $guard $proxy);
use AGW::Files qw(spew);

our @EXPORT_OK = qw(key_accepted key_file key_refused keys_ready);

my ($prefix, $count);


# returns the prefix

sub keys_ready {
    $prefix = configuration(store => '', key => '');

    return $prefix;
}


# the name of a new file with these bytes

sub key_file {
    my ($bytes, $mode) = @_;

    my $name = sprintf 'file%d.key', ++$count;

    spew("$prefix/$name", $bytes, $mode // 0600);

    return $name;
}


sub said_to {
    my ($file, $words, %opt) = @_;

    return check(http => join("\n    ", $opt{before} // '',
        "auth_gateway_key $file $words;", $opt{behind} // ''),
        server => $opt{server}, location => "$guard $proxy");
}


# 12 bytes in a row of what stands in the file, labels of PEM and kids apart

sub shown_of {
    my ($bytes, $said) = @_;

    my @found;

    $bytes =~ s/^(?:\xef\xbb\xbf)?\s*-----[^\n]*//mg;
    $bytes =~ s/"kid":"[^"]*"//g;

    for my $i (0 .. length($bytes) - 12) {
        my $part = substr $bytes, $i, 12;

        push @found, $part if $part !~ /^\s|\s$/ && index($said, $part) >= 0;
    }

    return @found;
}


# key_refused(name, bytes, reason as a pattern, [the directive's other
# words], [file => one that is there, before, behind => other lines of http,
# server => lines of the server]): one [emerg] line that has the file, or is
# about a parameter (unnamed => 1), and nothing of what is in it

sub key_refused {
    my ($name, $bytes, $reason, $words, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $file = $opt{file} // key_file($bytes);
    my ($code, $said) = said_to($file, $words // '', %opt);
    my @lines = $said =~ /(\[emerg\].* in \/[^\n]*)/g;
    my @problems;

    push @problems, "exit code $code" if $code != 1;
    push @problems, @lines . ' [emerg] lines' if @lines != 1;
    push @problems, 'not about auth_gateway_key'
        if ($lines[0] // '') !~ /"auth_gateway_key"/;
    push @problems, "does not name $file"
        if !$opt{unnamed} && index($lines[0] // '', "/$file\"") < 0;
    push @problems, "does not say $reason" if ($lines[0] // '') !~ $reason;
    push @problems, map { "shows $_" } shown_of($bytes, $said);

    return ok(!@problems, "$name is refused")
        || diag(join "\n", @problems, $said);
}


# the same, accepted; warning => what it has to say, a list where there are
# several, undef for nothing; notice => what the file is said to be

sub key_accepted {
    my ($name, $bytes, $words, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $file = $opt{file} // key_file($bytes, $opt{mode});
    my ($code, $said) = said_to($file, $words // '', %opt);
    my @lines = grep { /"auth_gateway_key"/ } $said =~ /(\[warn\][^\n]*)/g;
    my ($notice, @more) = grep { index($_, "/$file\"") >= 0 }
        $said =~ /(\[notice\][^\n]*)/g;
    my @warnings = ref $opt{warning} eq 'ARRAY' ? @{ $opt{warning} }
        : $opt{warning} // ();
    my @problems;

    push @problems, "exit code $code" if $code != 0;
    push @problems, @lines . ' warnings' if @lines != @warnings;

    for my $i (0 .. $#warnings) {
        push @problems, "does not warn $warnings[$i]"
            if ($lines[$i] // '') !~ $warnings[$i];
        push @problems, "warning $i does not name $file"
            if index($lines[$i] // '', "/$file\"") < 0;
    }

    push @problems, 'not one notice' if !defined $notice || @more;
    push @problems, "does not say $opt{notice}"
        if defined $opt{notice} && ($notice // '') !~ $opt{notice};
    push @problems, map { "shows $_" } shown_of($bytes, $said);

    return ok(!@problems, "$name is accepted")
        || diag(join "\n", @problems, $said);
}


1;
