# D10 HTTP/2 in conf/nginx.conf.  The word http2 of "listen" is all that nginx
# 1.22 has; from 1.25.1 on it draws a warning, and the file says what is to be
# written there.  As shipped it starts with both, and as it says without a
# warning.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Demo;
use AGW::Files qw(slurp spew);
use AGW::Nginx;
use AGW::Skip qw(skip_for);

my $gw = AGW::Demo->start;
my $prefix = $gw->prefix;
my $shipped = slurp("$prefix/nginx.conf");
my $nginx = AGW::Nginx::binary();
my @version = `$nginx -V 2>&1` =~ m{^\S+ version: \S+?/(\d+)\.(\d+)\.(\d+)};
my $newer = sprintf('%d%03d%03d', @version) >= 1_025_001;

# (wait status, warnings) of nginx -t

sub tested {
    my ($text) = @_;

    spew("$prefix/nginx.conf", $text);
    unlink "$prefix/logs/out-t";

    my $pid = AGW::Nginx::spawn($prefix, "$prefix/logs/out-t", '-t');

    waitpid $pid, 0;

    return ($?, grep { /\[warn\]/ } split /\n/, slurp("$prefix/logs/out-t"));
}

my ($status, @warnings) = tested($shipped);

is($status, 0, 'D10 as shipped it starts');
is_deeply([grep { !/"listen \.\.\. http2" directive is deprecated/ }
    @warnings], [], 'D10 without another warning');
is(@warnings ? 1 : 0, $newer ? 1 : 0, 'D10 and with that one if it is newer');

SKIP: {
    skip_for('an older nginx', '"http2 on" is') unless $newer;

    my $said = $shipped =~ s/^( +listen \S+ ssl) http2\b(.*;)$/$1$2/gmr
        =~ s/^( +)(listen \S+ ssl\b.*;)$/$1$2\n$1http2 on;/gmr;

    ($status, @warnings) = tested($said);
    is($status, 0, 'D10 as it says, it starts');
    is_deeply(\@warnings, [], 'D10 without a warning');
    ok($gw->nginx->reload, 'D10 and is loaded');
    $gw->new_workers;
    is($gw->connect_h2->request('GET', '/health')->status, 200,
        'D10 and speaks HTTP/2');
}

$gw->finish;
