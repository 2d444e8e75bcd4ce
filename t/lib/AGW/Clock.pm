package AGW::Clock;

# The wall clock of an nginx, which a test steps while it runs: libfaketime
# reads an offset from a file at each look at the clock.  The monotonic clock
# goes on as it does.
#
#     my $clock = AGW::Clock->new;
#     my $gw = AGW::Revoking->start(conf_of(), $clock->options);
#     $clock->set(-60);

use strict;
use warnings;

use File::Temp;
use Time::HiRes ();

use AGW::Files qw(spew);


# the library, or undef where it is not installed

sub library {
    my ($found) = map { glob "$_/faketime/libfaketime.so.1" }
        '/usr/lib/*', '/usr/lib', '/usr/local/lib';

    return $found;
}


# a clock that is right until it is set

sub new {
    my ($class) = @_;

    die "no libfaketime: apt-get install libfaketime\n" unless library();

    my $dir = File::Temp->newdir('agw-clock-XXXXXXXX', TMPDIR => 1);

    chmod 0755, "$dir" or die "chmod $dir: $!\n";

    my $self = bless { dir => $dir }, $class;

    $self->set(0);

    return $self;
}


# What a program is started with.  Whose time a file was written is not
# changed: nginx and SQLite compare files, not clocks.

sub env {
    my ($self) = @_;

    return (
        FAKETIME_TIMESTAMP_FILE => "$self->{dir}/offset",
        FAKETIME_NO_CACHE => 1,
        FAKETIME_DONT_FAKE_MONOTONIC => 1,
        NO_FAKE_STAT => 1,
    );
}


# Options for AGW::Nginx->start and what is made of it, and for
# AGW::Store->new.  nginx empties the environment of its workers, where the
# library would look for the file.

sub options {
    my ($self, %opt) = @_;

    my %env = $self->env;

    return (
        %opt,
        env => \%env, preload => library(),
        main => join '', (map { "env $_;\n" } sort keys %env),
            $opt{main} // '',
    );
}


# Seconds ahead of the right time, or behind it.  nginx sees it with the next
# event, and a request is one.  Each offset has as many digits as the next, so
# that two threads that read them at once read one of both.

sub set {
    my ($self, $offset) = @_;

    my $file = "$self->{dir}/offset";

    spew("$file.new", sprintf("%+011d\n", $offset), 0644);
    rename "$file.new", $file or die "rename: $!\n";
    $self->{offset} = $offset;

    return;
}


sub step {
    my ($self, $seconds) = @_;

    return $self->set($self->{offset} + $seconds);
}


sub offset { return $_[0]{offset} }


# what it shows, in whole seconds or with their fractions

sub now { return int Time::HiRes::time + $_[0]{offset} }
sub exact { return Time::HiRes::time + $_[0]{offset} }


1;
