package AGW::Until;

# A test of something that becomes so in a moment.

use strict;
use warnings;

use Exporter 'import';
use Test::More;
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(until_is);


# Asks until it is what is wanted: within some seconds, ten times as many where
# the machine is busy.

sub until_is {
    my ($name, $want, $seconds, $sub) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $from = time;
    my $got = $sub->();

    while ($got ne $want && time - $from < 10 * $seconds) {
        sleep 0.02;
        $got = $sub->();
    }

    return is($got, $want, $name);
}


1;
