package AGW::Skip;

# Leaving a test out, and saying what is then NOT tested.  Where CI is set, in
# the environment, nothing is left out that could be there: a cause that root
# on a Debian can mend is a failure.

use strict;
use warnings;

use Exporter 'import';
use Test::More;

our @EXPORT_OK = qw(left_out skip_all_for skip_for);

# cause => [what is said of it, whether CI bears it]

my %causes = (
    'a sanitizer' => ['with a sanitizer', 1],
    'root' => ['as root', 1],
    'another event method' => ['this nginx has no other event method', 1],
    'a module' => ['a module of nginx is not here', 1],
    'no HTTP/3' => ['nginx or curl is built without HTTP/3', 1],
    'an older nginx' => ['this nginx is older than 1.25.1', 1],
    'no debug log' => ['this nginx is built without its debug log', 1],
    'no terminal' => ['no terminal can be made here (/dev/pts)', 1],
    'tmpfs' => ['no tmpfs can be mounted here', 1],
    'no bind mount' => ['no file can be mounted here', 1],
    'no machine' => ['no bare Debian can be made here (root, debootstrap,'
        . ' namespaces)', 1],
    'another default user' => ['this nginx has another default user', 1],
    'npm' => ['npm could not be had', 1],
    'npm libraries' => ['what npm has is not installed: `make test-clients`'
        . ' does it', 1],
    'a browser' => ['no browser runs here', 1],

    'not root' => ['needs root', 0],
    'memory' => ["no right to read another process's memory", 0],
    'python' => ['Python, or one of its libraries, is not installed', 0],
    'node' => ['Node 18 or newer is not installed', 0],
    'redis' => ['Redis or Valkey is not installed', 0],
    'hiredis' => ['this module is built without hiredis', 0],
    'faketime' => ['libfaketime is not installed', 0],
    'ab' => ['ab (apache2-utils) is not installed', 0],
    'prometheus' => ['Prometheus is not installed', 0],
    'valgrind' => ['valgrind is not installed', 0],
    'libcurl' => ['the command line was left out of the build', 0],
    'mandoc' => ['mandoc is not installed', 0],
    'groff' => ['groff is not installed', 0],
    'gdb' => ['gdb is not installed', 0],
    'compiler' => ['there is no C compiler', 0],
);


# What is said, and whether that is a failure: "needs root: a full disk is NOT
# tested here", with where it is tested, if it is.

sub left_out {
    my ($cause, $what, $where) = @_;

    my ($said, $allowed) = @{ $causes{$cause}
        // die "\"$cause\" is no cause to leave a test out\n" };

    $said .= ": $what NOT tested here";
    $said .= ", but $where" if defined $where;

    return ($said, ($ENV{CI} // '') ne '' && !$allowed);
}


# skip_for(cause, what "is" or "are", where): ends the block SKIP.  prove
# itself does not show why.

sub skip_for {
    my ($said, $fails) = left_out(@_);

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    if (!$fails) {
        diag("SKIPPED: $said");
        skip($said, 1);
    }

    ok(0, $said);

    no warnings 'exiting';
    last SKIP;
}


# the whole file

sub skip_all_for {
    my ($said, $fails) = left_out(@_);

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    plan(skip_all => $said) unless $fails;

    ok(0, $said);
    done_testing();
    exit 1;
}


1;
