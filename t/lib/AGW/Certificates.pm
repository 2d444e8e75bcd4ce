package AGW::Certificates;

# Client certificates that sign themselves, and what proxies write of them
# into headers.

use strict;
use warnings;

use Exporter 'import';
use MIME::Base64 qw(decode_base64 encode_base64);

use AGW::Files qw(slurp spew);

our @EXPORT_OK = qw(make_client_certificate pem_escaped pem_spaced rfc9440
    thumbprint_of);


# name.pem and name.key in a directory; returns the thumbprint.  expired => 1
# is one that has ended; key => options of openssl req.

sub make_client_certificate {
    my ($dir, $name, %opt) = @_;

    my $key = $opt{key} // 'ec -pkeyopt ec_paramgen_curve:prime256v1';

    if (!$opt{expired}) {
        openssl("req -x509 -newkey $key -nodes -days 2 -subj /CN=$name"
            . " -keyout $dir/$name.key -out $dir/$name.pem");

    } else {

        # of all versions of openssl, this command alone takes dates

        openssl("req -newkey $key -nodes -subj /CN=$name"
            . " -keyout $dir/$name.key -out $dir/$name.csr");
        spew("$dir/$name.index", '');
        spew("$dir/$name.cnf", <<"CONF");
[ca]
default_ca = past
[past]
database = $dir/$name.index
new_certs_dir = $dir
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
CONF
        openssl("ca -batch -notext -selfsign -config $dir/$name.cnf"
            . " -in $dir/$name.csr -keyfile $dir/$name.key -out $dir/$name.pem"
            . ' -startdate 20240101000000Z -enddate 20240102000000Z');
    }

    return thumbprint_of("$dir/$name.pem");
}


sub openssl {
    my ($command) = @_;

    my $said = `openssl $command 2>&1`;

    die "openssl $command: $said" if $? != 0;

    return $said;
}


# x5t#S256 (RFC 8705, section 3.1)

sub thumbprint_of {
    my ($file) = @_;

    require Digest::SHA;

    return encode_base64(Digest::SHA::sha256(der_of($file)), '')
        =~ tr{+/=}{-_}dr;
}


sub der_of {
    my ($file) = @_;

    my ($base64) = slurp($file)
        =~ /-----BEGIN CERTIFICATE-----(.*?)-----END/s or die $file;

    return decode_base64($base64);
}


# as nginx's $ssl_client_escaped_cert, with spaces for its lines, and as RFC
# 9440 has it

sub pem_escaped {
    my ($file) = @_;

    return slurp($file) =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger;
}

sub pem_spaced {
    my ($file) = @_;

    return slurp($file) =~ s/\s+\z//r =~ tr/\n/ /r;
}

sub rfc9440 {
    my ($file) = @_;

    return ':' . encode_base64(der_of($file), '') . ':';
}


1;
