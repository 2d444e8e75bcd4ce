#!/usr/bin/perl

# Long inputs to begin with: seeds.pl <fuzzer> <directory>.  libFuzzer grows an
# input byte by byte, and by itself never gets to what is as long as a token, a
# body or a key file may be.  Each is good for as far as it goes, and no two
# are of one length.

use strict;
use warnings;

use File::Path qw(make_path);
use MIME::Base64 qw(encode_base64 encode_base64url);

# around the limits: what is read on a page, a token and a body, and past them

my @sizes = (600, 4000, 4097, 6000, 8191, 8192, 8193, 12_000, 16_000);

# a text of so many bytes, of which few repeat

sub filler {
    my ($size) = @_;

    my $text = join '', map { sprintf '%x-', $_ * 2654435761 % 2 ** 32 }
        1 .. $size / 4 + 1;

    return substr $text, 0, $size;
}

# $make->(filler) with a filler that makes it so long

sub fitted {
    my ($size, $make) = @_;

    my $bare = length $make->('');

    return $bare > $size ? () : $make->(filler($size - $bare));
}

# a JSON object of many members, the last of which takes what is left

sub object {
    my ($size, $first) = @_;

    return fitted($size, sub {
        my ($rest) = @_;

        my $members = join '', map { ",\"m$_\":[\"$_\",$_]" }
            1 .. $size / 100;

        return qq({$first$members,"rest":"$rest"});
    });
}

# a certificate with a comment of so many bytes

sub certificate {
    my ($size) = @_;

    my $comment = filler($size > 1 ? $size : 1);

    open my $openssl, '-|', 'openssl', 'req', '-x509', '-newkey', 'ec',
        '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
        '-subj', '/CN=x', '-addext', "nsComment=$comment", '-keyout',
        '/dev/null' or die "openssl: $!";

    return join '', readline $openssl;
}

my $claims = '"partner_id":"p","business_id":"b","scope":"business_access",'
    . '"jti":"j","iat":1,"exp":2';

# each takes a size, and returns inputs of that size

my %makers = (
    # a JWK, NUL, and what a client sends

    fuzz_assertion => sub {
        my ($size) = @_;

        my $jwk = '{"kty":"EC","crv":"P-256","kid":"k","alg":"ES256",'
            . '"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
            . '"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}' . "\0"
            . encode_base64url('{"alg":"ES256","kid":"k"}') . '.';
        my $says = '{"iss":"p","sub":"p","aud":"a","exp":9,"jti":"j","x":"';

        return map { my $tail = $_; fitted($size, sub {
            my $fill = $_[0];

            return substr($jwk . encode_base64url("$says$fill"), 0,
                $size - length $tail) . $tail;
        }) } '.' . 'A' x 86, '.x';
    },

    fuzz_base64 => sub {
        my ($size) = @_;

        return (substr(encode_base64url(filler($size)), 0, $size),
            substr(encode_base64(filler($size), ''), 0, $size));
    },

    # a comment makes one as long, in PEM and in RFC 9440's form

    fuzz_certificate => sub {
        my ($size) = @_;

        my $pem = certificate(int(($size - 700) * 0.72));
        my ($base64) = $pem =~ /-----BEGIN CERTIFICATE-----(.*?)-----END/s;

        return ($pem, ':' . $base64 =~ s/\s//gr . ':',
            $pem =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger);
    },

    fuzz_claims => sub {
        my ($size) = @_;

        return (object($size, $claims),
            fitted($size, sub { return "{$claims,\"x\":\"$_[0]\"}" }),
            fitted($size, sub { return "x\":\"$_[0]\"" }),
            fitted($size, sub { return "aud\":[\"$_[0]\",\"a\"]" }));
    },

    fuzz_credentials => sub {
        my ($size) = @_;

        return (fitted($size, sub { return "Bearer $_[0]" }),
            'Basic ' . substr(encode_base64(filler(100) . ':'
                . filler($size), ''), 0, ($size - 6) / 4 * 4),
            'Basic ' . substr(encode_base64('a:'
                . join('', map { sprintf '%%%02x', 32 + $_ % 90 }
                    0 .. $size), ''), 0, ($size - 6) / 4 * 4));
    },

    # the first byte chooses the key

    fuzz_jws => sub {
        my ($size) = @_;

        return map {
            my $kind = $_;

            (fitted($size, sub { return "$kind,\"kid\":\"$_[0]\"}" }),
                fitted($size, sub { return "$kind,\"x\":[\"$_[0]\"]}" }),
                fitted($size, sub { return "$kind$_[0]" }),
                $kind . substr(encode_base64url(
                    qq({"alg":"HS256","kid":"k"})) . '.' . encode_base64url(
                    "{$claims,\"x\":\"" . filler($size) . '"}'), 0,
                    $size - 45) . '.' . 'A' x 43);
        } map { chr } 0, 3, 5;
    },

    fuzz_keys => sub {
        my ($size) = @_;

        $size *= 4 if $size > 8000;

        return (object($size, '"kty":"oct","k":"'
                . 'A' x 43 . '"'),
            fitted($size, sub {
                return '{"keys":[' . join(',', map { qq({"kty":"oct",)
                    . qq("kid":"k$_","use":"sig","k":") . 'A' x 43 . '"}' }
                    1 .. $size / 120) . "],\"x\":\"$_[0]\"}";
            }),
            fitted($size, sub { return '{"kty":"RSA","e":"AQAB","n":"'
                . substr(encode_base64url($_[0]), 0, length $_[0]) . '"}' }),
            fitted($size, sub { return "-----BEGIN PUBLIC KEY-----\n"
                . substr(encode_base64($_[0]), 0, length $_[0])
                . "\n-----END PUBLIC KEY-----\n" }));
    },

    # the boundary is as long as the first byte says

    fuzz_multipart => sub {
        my ($size) = @_;

        my $part = sub { return "--B\r\nContent-Disposition: form-data; "
            . "name=\"$_[0]\"\r\n\r\n$_[1]\r\n" };

        return (fitted($size, sub {
                return "\1B" . $part->('a', $_[0]) . "--B--\r\n";
            }),
            fitted($size, sub {
                return "\1B" . join('', map { $part->("a$_", $_) } 1 .. 8)
                    . $part->('b', $_[0]) . "--B--\r\n";
            }),
            fitted($size, sub {
                return "\1B" . $part->($_[0], 'a') . "--B--\r\n";
            }));
    },

    fuzz_params => sub {
        my ($size) = @_;

        return (fitted($size, sub { return "a=b&c=$_[0]" }),
            fitted($size, sub { return join('&', map { "a$_=%41+" } 1 .. 8)
                . "&$_[0]=x" }),
            fitted($size, sub { return '{"session_duration":"60",'
                . "\"a\":\"$_[0]\"}" }),
            substr('a=' . '%41' x $size, 0, $size));
    },

    # lines: what is asked for, configured, listed; an issuer, a resource

    fuzz_grant => sub {
        my ($size) = @_;

        my $read = "read\nread write\nread\n";
        my $url = "https://a/x\nhttps://a/v1";

        return (fitted($size, sub { return "$read$url/$_[0]" }),
            fitted($size, sub { return "$read$url/b/$_[0]/reports" }),
            fitted($size, sub {
                my $third = substr $_[0], 0, length($_[0]) / 3;

                return "$third\n$third\n$third\n$url/b";
            }),
            substr("\n" . 'a ' x ($size / 3) . "a\n" . 'a ' x $size, 0,
                $size));
    },

    fuzz_path => sub {
        my ($size) = @_;

        return (fitted($size, sub { return "/b/B1/$_[0]" }),
            substr('/b/B1' . '/x' x $size, 0, $size),
            substr('/b/B1/' . '%25' x $size, 0, $size),
            substr('/b/B1/' . '/%2e%2e;' x $size, 0, $size));
    },

    fuzz_resp => sub {
        my ($size) = @_;

        return (fitted($size, sub {
                return '$' . length($_[0]) . "\r\n$_[0]\r\n" }),
            fitted($size, sub { return "-ERR $_[0]\r\n" }),
            substr("*$size\r\n" . "*2\r\n\$1\r\na\r\n:1\r\n" x $size,
                0, $size));
    },
);

my ($fuzzer, $dir) = @ARGV;
my $make = $makers{ $fuzzer // '' }
    // die 'usage: seeds.pl ' . join('|', sort keys %makers)
    . " <directory>\n";

make_path($dir);

for my $size (@sizes) {
    my $n = 0;

    for my $input ($make->($size)) {
        my $file = "$dir/" . length($input) . '.' . $n++;

        open my $out, '>:raw', $file or die "$file: $!\n";
        print {$out} $input;
        close $out or die "$file: $!\n";
    }
}
