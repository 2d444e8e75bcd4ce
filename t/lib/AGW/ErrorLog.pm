package AGW::ErrorLog;

# What nginx wrote into its error log: the module's refusals, and lines
# that no test may leave behind.

use strict;
use warnings;

use Exporter 'import';
use Time::HiRes qw(sleep);

use AGW::Files qw(slurp);

our @EXPORT_OK = qw(bad_lines log_mark log_since refusals_since);

my $BAD = qr/
    \[(?:alert|emerg|crit)\] | AddressSanitizer | runtime\ error:
    | LeakSanitizer | exited\ on\ signal | exited\ with\ fatal
    | exited\ with\ code\ [1-9]
/x;


# where the log ends now, to read from later

sub log_mark {
    my ($nginx) = @_;

    return -s $nginx->error_log // 0;
}


sub log_since {
    my ($nginx, $mark) = @_;

    return slurp($nginx->error_log, $mark);
}


# The module's refusals since then, as hashes of how (refused, or would refuse),
# reason, fault, kid, partner, request_id, client, server and line.  The line is
# written before the answer, but by another process: waits a moment where there
# is none.

sub refusals_since {
    my ($nginx, $mark, $wait) = @_;

    for (0 .. ($wait // 1 ? 25 : 0)) {
        my @found = parse_refusals(log_since($nginx, $mark));

        return @found if @found;
        sleep 0.02 if $wait // 1;
    }

    return;
}


sub parse_refusals {
    my ($text) = @_;

    my @found;

    for my $line (split /\n/, $text) {
        next unless $line =~ /auth_gateway: (?:refused|would refuse)/;

        my %found = (line => $line);

        if ($line =~ m{
            ^\d{4}/\d\d/\d\d\ \d\d:\d\d:\d\d\ \[info\]\ \d+\#\d+:\ \*\d+
            \ auth_gateway:\ (refused|would\ refuse),\ reason:\ (\w+)
            (?:\ \(([^()]+)\))?
            ,\ kid:\ (\S+),\ partner:\ ([A-Za-z0-9._~-]+)
            ,\ request_id:\ ([0-9a-f]{32})
            ,\ client:\ ([0-9.]+|unix:),\ server:\ (\S*)$
        }x) {
            @found{qw(how reason fault kid partner request_id client
                server)} = ($1, $2, $3, $4, $5, $6, $7, $8);
        }

        push @found, \%found;
    }

    return @found;
}


# lines that fail a test, save those that match one of the patterns

sub bad_lines {
    my ($text, @allowed) = @_;

    my @bad;

    LINE: for my $line (split /\n/, $text) {
        next unless $line =~ $BAD;

        for my $pattern (@allowed) {
            next LINE if $line =~ $pattern;
        }

        push @bad, $line;
    }

    return @bad;
}


1;
