package AGW::Clients;

# The programs in t/clients that use the libraries of other languages:
# whether they can run here, and the assertions that they report.

use strict;
use warnings;

use Exporter 'import';
use JSON ();
use POSIX ();
use Test::More;

use AGW::Files qw(repo_root slurp spew);
use AGW::Skip qw(skip_for);

our @EXPORT_OK = qw(run_checks);

my $json = JSON->new->canonical->utf8;


# What make test-clients makes: node_modules, and scripts, which leads to
# t/clients.  Node looks for libraries above the place of a script, so that
# is where it is started from.

sub directory {
    return $ENV{AGW_CLIENTS} // repo_root() . '/build/clients';
}


sub is_node {
    my ($script) = @_;

    return $script =~ /\.mjs$/;
}


# Debian's modules belong to Debian's interpreter

sub command {
    my ($script) = @_;

    return (qw(node --preserve-symlinks --preserve-symlinks-main),
        directory() . "/scripts/$script") if is_node($script);

    return (-x '/usr/bin/python3' ? '/usr/bin/python3' : 'python3',
        repo_root() . "/t/clients/$script");
}


# why a script can't run here: a cause of AGW::Skip, or undef

my %why_not;

sub why_not {
    my ($script) = @_;

    my $language = is_node($script) ? 'node' : 'python';

    $why_not{$language} = is_node($script) ? no_node() : no_python($script)
        unless exists $why_not{$language};

    return $why_not{$language};
}


sub no_node {
    my ($major) = (`node --version 2>/dev/null` // '') =~ /^v(\d+)/;

    return ($major // 0) < 18 ? 'node'
        : -e directory() . '/installed' ? undef : 'npm libraries';
}


sub no_python {
    my ($script) = @_;

    my ($python) = command($script);

    return system("$python -c 'import authlib, cryptography, jwt, requests'"
        . ' 2>/dev/null') == 0 ? undef : 'python';
}


# Runs t/clients/$script, which finds %$calls in the file that it is given,
# and turns each line that it prints into an assertion.  What can't run is
# left out; returns whether it ran.

sub run_checks {
    my ($prefix, $script, $calls) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $why = why_not($script);

    SKIP: {
        skip_for($why, "t/clients/$script is") if defined $why;

        my ($status, $said, $errors) = run($prefix, $script, $calls);

        assert_checks($script, $status, $said, $errors);
    }

    return !defined $why;
}


# The certificate is self-signed: it is its own CA, which each runtime is
# told of in its own way.  Returns (wait status, output, errors).

sub run {
    my ($prefix, $script, $calls) = @_;

    my ($name) = $script =~ /^(\w+)\./;
    my $file = "$prefix/$name.json";

    spew($file, $json->encode($calls), 0600);

    my $pid = open my $out, '-|';

    die "fork: $!\n" unless defined $pid;

    if ($pid == 0) {
        $ENV{$_} = "$prefix/cert.pem"
            for qw(NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE SSL_CERT_FILE);
        $ENV{PYTHONDONTWRITEBYTECODE} = 1;
        delete $ENV{$_} for qw(LD_PRELOAD NODE_OPTIONS NODE_PATH);
        open STDERR, '>', "$prefix/$name.err";
        exec 'timeout', 600, command($script), $file or POSIX::_exit(127);
    }

    my $said = do { local $/; readline($out) // '' };

    close $out;

    return ($?, $said, slurp("$prefix/$name.err"));
}


# each line is { name, ok, detail }, the last one { checks => their number }

sub assert_checks {
    my ($script, $status, $said, $errors) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @lines = map { scalar eval { $json->decode($_) } // { said => $_ } }
        split /\n/, $said;
    my @checks = grep { exists $_->{name} } @lines;
    my ($end) = grep { exists $_->{checks} } @lines;

    for my $check (@checks) {
        ok($check->{ok}, $check->{name}) or diag($check->{detail});
    }

    ok($status == 0 && $end && $end->{checks} == @checks && @checks
        && @lines == @checks + 1, "P10 t/clients/$script ran to its end")
        or diag("status $status\n", $errors,
            map { "$_\n" } grep { defined } map { $_->{said} } @lines);

    return;
}


1;
