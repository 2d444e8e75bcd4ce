package AGW::Files;

# The temporary prefix of one nginx, and the files that it needs.

use strict;
use warnings;

use Cwd ();
use Exporter 'import';
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Spec;
use File::Temp;

use AGW::Secrets qw(secret);

our @EXPORT_OK = qw(
    append_to make_certificate make_prefix module_path random_bytes
    random_hex random_id repo_root slurp spew worker_ids write_secret
);


# the repository, whatever the current directory is

sub repo_root {
    my $here = File::Spec->rel2abs(dirname(__FILE__));

    return Cwd::realpath("$here/../../..");
}


# the module's file, or an nginx that has the module in it

sub module_path {
    my $path = $ENV{AGW_MODULE}
        // 'build/ngx_http_auth_gateway_module.so';

    $path = repo_root() . "/$path" unless $path =~ m{^/};

    die "no module at $path: run make first\n" unless -f $path;

    return $path;
}


# (user, uid, gid) of the workers; only root can change users

sub worker_ids {
    return if $> != 0;

    my @user = getpwnam('nobody');

    die "no user nobody\n" unless @user;

    return ('nobody', $user[2], (getgrnam('nogroup'))[2] // $user[3]);
}


# A directory that an unprivileged worker can traverse, with logs and
# temporary files; it goes away with the returned object.

sub make_prefix {
    my $dir = File::Temp->newdir('agw-test-XXXXXXXX', TMPDIR => 1);

    chmod 0755, "$dir" or die "chmod $dir: $!\n";

    make_path("$dir/logs", "$dir/tmp", "$dir/html", "$dir/store");

    chmod 0750, "$dir/store";

    if (my (undef, $uid, $gid) = worker_ids()) {
        chown $uid, $gid, "$dir/store" or die "chown: $!\n";
    }

    return $dir;
}


sub slurp {
    my ($file, $from) = @_;

    open my $fh, '<:raw', $file or return '';
    seek $fh, $from // 0, 0;
    local $/;

    return readline($fh) // '';
}


# what only its owner may read is a secret, if it is no store

sub spew {
    my ($file, $bytes, $mode) = @_;

    secret($bytes) if ($mode // 0) == 0600 && $bytes !~ /^SQLite format 3/;

    open my $fh, '>:raw', $file or die "$file: $!\n";
    chmod $mode, $file if defined $mode;
    print {$fh} $bytes;
    close $fh or die "$file: $!\n";

    return $file;
}


sub append_to {
    my ($file, $bytes) = @_;

    open my $fh, '>>:raw', $file or die "$file: $!\n";
    syswrite $fh, $bytes;
    close $fh;

    return;
}


sub random_bytes {
    my ($size) = @_;

    open my $fh, '<:raw', '/dev/urandom' or die "urandom: $!\n";
    (read $fh, my $bytes, $size) == $size or die "urandom: $!\n";

    return $bytes;
}


sub random_hex {
    my ($size) = @_;

    return unpack 'H*', random_bytes($size);
}


# like the UUIDs that platforms use

sub random_id {
    return join '-', unpack 'a8 a4 a4 a4 a12', random_hex(16);
}


# a secret key file that only the master reads; returns the secret

sub write_secret {
    my ($file, $size) = @_;

    my $secret = random_hex(($size // 64) / 2);

    spew($file, $secret, 0600);

    return $secret;
}


# a self-signed certificate for 127.0.0.1 and localhost

sub make_certificate {
    my ($dir) = @_;

    my $out = `openssl req -x509 -newkey ec \\
        -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \\
        -subj /CN=localhost \\
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \\
        -keyout $dir/cert.key -out $dir/cert.pem 2>&1`;

    die "openssl: $out" if $? != 0;

    return;
}


1;
