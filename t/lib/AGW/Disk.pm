package AGW::Disk;

# The disk of a store, as slow, as full or as broken as a test wants, by
# t/lib/slow_sync.c, which nginx is started with:
#
#     my $disk = AGW::Disk->new;
#     my $gw = AGW::Gateway->start($conf, $disk->options);
#     $disk->delay(100);

use strict;
use warnings;

use Errno qw(EIO ENOSPC);
use File::Temp;

use AGW::Files qw(repo_root spew);

# where what is, in the file that is shared

my %place = (delay => 0, held => 4, sync_error => 8, write_error => 12,
    began_main => 16, began_wal => 24, ended_main => 32, ended_wal => 40,
    in_loop => 48);
my $SIZE = 56;

my %errors = (EIO => EIO, ENOSPC => ENOSPC);


sub new {
    my ($class) = @_;

    my $dir = File::Temp->newdir('agw-disk-XXXXXXXX', TMPDIR => 1);

    chmod 0755, "$dir" or die "chmod $dir: $!\n";

    my $file = spew("$dir/disk", "\0" x $SIZE, 0666);

    open my $fh, '+<:raw', $file or die "$file: $!\n";

    return bless { dir => $dir, file => $file, fh => $fh }, $class;
}


sub library {
    my $build = $ENV{AGW_BUILD} // repo_root() . '/build';
    my $library = "$build/lib/slow_sync.so";

    die "no $library: run make unit first\n" unless -f $library;

    return $library;
}


# for AGW::Nginx->start, and whatever starts one

sub options {
    my ($self) = @_;

    return (env => { AGW_DISK => $self->{file} }, preload => library());
}


sub put {
    my ($self, $what, $value) = @_;

    sysseek $self->{fh}, $place{$what}, 0 or die "seek: $!\n";
    syswrite $self->{fh}, pack('L', $value) or die "write: $!\n";

    return;
}


sub read_count {
    my ($self, $what) = @_;

    sysseek $self->{fh}, $place{$what}, 0 or die "seek: $!\n";
    (sysread $self->{fh}, my $bytes, 8) == 8 or die "read: $!\n";

    return unpack 'Q', $bytes;
}


# ms that each sync takes

sub delay {
    my ($self, $ms) = @_;

    return $self->put(delay => $ms);
}


# while it is held, no sync ends; after 20 seconds it does all the same

sub hold {
    my ($self) = @_;

    return $self->put(held => 1);
}


sub release {
    my ($self) = @_;

    return $self->put(held => 0);
}


# syncs fail, or writes do: with EIO or ENOSPC, or, with '', no longer

sub fail_syncs {
    my ($self, $error) = @_;

    return $self->put(sync_error => $errors{$error} // 0);
}


sub fail_writes {
    my ($self, $error) = @_;

    return $self->put(write_error => $errors{$error} // 0);
}


# Syncs so far: of main, the store's file, or wal; in_loop: of either, in no
# thread of a worker but its first.

sub began {
    my ($self, $file) = @_;

    return $self->read_count("began_$file");
}


sub ended {
    my ($self, $file) = @_;

    return $self->read_count("ended_$file");
}


sub in_loop {
    my ($self) = @_;

    return $self->read_count('in_loop');
}


1;
