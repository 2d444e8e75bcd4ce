package AGW::Browser;

# The scripts in t/clients that drive a browser: whether there is one, and
# what they are told of it.

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use Test::More;

use AGW::Clients qw(run_checks);
use AGW::Skip qw(skip_for);

our @EXPORT_OK = qw(browser run_in_browser);


# The one that is named, else the one on PATH, which is where the Makefile
# looks; or undef.

sub browser {
    my @places = defined $ENV{AGW_CHROMIUM} ? $ENV{AGW_CHROMIUM}
        : map { "$_/chromium" } grep { m{^/} } split /:/, $ENV{PATH} // '';
    my ($found) = grep { -f && -x } @places;

    return $found;
}


# whether it shows an empty page: a container may lack what it needs

sub starts {
    my ($chromium) = @_;

    my $profile = File::Temp->newdir('agw-browser-XXXXXXXX', TMPDIR => 1);

    return system("timeout 60 '$chromium' --headless --no-sandbox"
        . ' --disable-gpu --disable-quic --disable-dev-shm-usage'
        . ' --no-first-run --disable-background-networking'
        . " --user-data-dir='$profile' --dump-dom about:blank"
        . ' >/dev/null 2>&1') == 0;
}


# Like run_checks.  Where no browser runs the script is left out.

sub run_in_browser {
    my ($gw, $script, $calls) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $chromium = browser();

    if (!defined $chromium || !starts($chromium)) {
        SKIP: {
            skip_for('a browser', "t/clients/$script is");
        }

        return 0;
    }

    return run_checks($gw->prefix, $script, {
        %$calls, chromium => $chromium,
        certificate => $gw->prefix . '/cert.pem',
    });
}


1;
