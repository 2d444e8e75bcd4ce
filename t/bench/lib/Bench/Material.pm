package Bench::Material;

# What every server of a run is given: keys, tokens, the path, documents.

use strict;
use warnings;

use File::Path qw(make_path);
use Time::HiRes qw(time);

use AGW::Files qw(random_hex spew);
use AGW::Keys ();
use Bench::Knobs qw(knob);

my $KID = 'bench-01';                # with it an HS256 token has 495 bytes
my $LIFE = 6 * 3600;

# always the same: what a request costs depends a little on its bytes

my $PARTNER = '5f0c2f9e-3d64-4c0e-9a51-8b7d1e2f6a30';
my $BUSINESS = 'c81d4e2e-bcf2-41e6-869b-7df92533d2db';
my $WRITTEN = 1_750_000_000;

my @algs = qw(HS256 RS256 ES256 EdDSA);
my $JSON = '{"invoices":[{"id":"1001","total":"129.00"}]}' . "\n";


sub algs { return @algs }
sub kid { return $KID }
sub document { return $JSON }


# new(dir, mint): the directory that all may read, the program of mint.c

sub new {
    my ($class, $dir, $mint) = @_;

    my $self = bless {
        dir => $dir, mint => $mint, partner => $PARTNER,
        business => $BUSINESS, now => int(time),
    }, $class;

    $self->{path} = "/v1/businesses/$self->{business}/invoices";
    make_path("$dir/docs/v1/businesses/$self->{business}", "$dir/requests");
    utime $WRITTEN, $WRITTEN, spew("$dir/docs$self->{path}", $JSON, 0644);
    $self->make_key($_) for @algs;

    return $self;
}


# NAME.key is private, and read by no worker; NAME.pub.pem, NAME.jwks and
# HS256.secret are for peers

sub make_key {
    my ($self, $alg) = @_;

    my $key = AGW::Keys->new($alg);
    my $file = "$self->{dir}/$alg";
    my %members = (kid => $KID, alg => $alg, use => 'sig');

    if ($key->is_secret) {
        $self->{secret} = random_hex(32);
        $key->{secret} = $self->{secret};
        spew("$file.key", $self->{secret}, 0600);

    } else {
        spew("$file.key", $key->form('PKCS#8'), 0600);
        spew("$file.pub.pem", $key->form('public, SPKI'), 0644);
    }

    spew("$file.jwks", AGW::Keys::jwk_set($key->jwk(%members)), 0644);

    return;
}


sub key_file {
    my ($self, $alg) = @_;

    return "$self->{dir}/$alg.key";
}


# so many tokens; business => another or undef, partner => another

sub mint {
    my ($self, $alg, $count, %opt) = @_;

    my $business = exists $opt{business} ? $opt{business}
        : $self->{business};
    my @command = ($self->{mint}, $alg, $self->key_file($alg), $KID,
        $opt{partner} // $self->{partner}, $business // '-', $self->{now},
        $self->{now} + $LIFE, $count);

    open my $pipe, '-|', @command or die "@command: $!\n";
    chomp(my @tokens = readline $pipe);
    close $pipe or die "@command failed\n";
    die "@command: " . @tokens . " tokens\n" if @tokens != $count;

    return @tokens;
}


# tokens for load, minted once

sub tokens {
    my ($self, $alg) = @_;

    return $self->{tokens}{$alg} //= [$self->mint($alg, knob('tokens'))];
}


# a request as it is sent; without a token if none is given

sub get {
    my ($self, $token, %opt) = @_;

    my $path = $opt{path} // $self->{path};

    return "GET $path HTTP/1.1\r\nHost: localhost\r\n"
        . (defined $token ? "Authorization: Bearer $token\r\n" : '')
        . "\r\n";
}


sub post {
    my ($self, $path, $credentials, $form) = @_;

    return "POST $path HTTP/1.1\r\nHost: localhost\r\n"
        . (defined $credentials ? "Authorization: $credentials\r\n" : '')
        . "Content-Type: application/x-www-form-urlencoded\r\n"
        . 'Content-Length: ' . length($form) . "\r\n\r\n$form";
}


# the file of these requests that wrk.lua reads

sub requests_file {
    my ($self, $name, @requests) = @_;

    my $file = "$self->{dir}/requests/$name";

    spew($file, join('', map { "$_\0" } @requests)) unless -e $file;

    return $file;
}


1;
