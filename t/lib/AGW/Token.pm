package AGW::Token;

# Tokens, good ones by Crypt::JWT and broken ones by hand, and what is in
# the tokens that the gateway issues.

use strict;
use warnings;

use Crypt::JWT qw(encode_jwt);
use Digest::SHA qw(hmac_sha256 sha256_hex);
use Exporter 'import';
use JSON ();
use MIME::Base64 qw(decode_base64url encode_base64url);

use AGW::Files qw(random_bytes);
use AGW::Secrets qw(secret);

our @EXPORT_OK = qw(
    api_key b64url claims_of header_of claims_for key_digest mint mint_raw
);

my $json = JSON->new->canonical->utf8;


sub b64url {
    my ($bytes) = @_;

    return encode_base64url($bytes, '');
}


# 128 random bits, as an operator would make them

sub api_key {
    return secret(b64url(random_bytes(16)));
}


sub key_digest {
    my ($key) = @_;

    return sha256_hex($key);
}


# The claims of a good token, changed as told: undef takes one away.

sub claims_for {
    my (%opt) = @_;

    my $now = time;
    my $partner = $opt{partner_id} // die 'no partner_id';
    my %claims = (
        sub => $partner,
        partner_id => $partner,
        client_id => $partner,
        iat => $now,
        exp => $now + 600,
        jti => b64url(random_bytes(16)),
    );

    if (defined $opt{business_id}) {
        $claims{business_id} = $opt{business_id};
        $claims{scope} = 'business_access';
    }

    $claims{seq} = $opt{seq} + 0 if defined $opt{seq};

    %claims = (%claims, %{ $opt{claims} // {} });

    return { map { $_ => $claims{$_} } grep { defined $claims{$_} }
        keys %claims };
}


# mint(secret =>, kid =>, partner_id =>, [business_id =>,] [claims => {}],
# [seq => a stamp of the store,] [header => {}], [alg => 'HS256']); without a
# kid the header has none

sub mint {
    my (%opt) = @_;

    my %header = (
        typ => 'JWT',
        (defined $opt{kid} ? (kid => $opt{kid}) : ()),
        %{ $opt{header} // {} },
    );

    delete $header{$_} for grep { !defined $header{$_} } keys %header;

    return secret(encode_jwt(
        payload => $json->encode(claims_for(%opt)),
        alg => $opt{alg} // 'HS256',
        key => $opt{secret},
        extra_headers => \%header,
    ));
}


# Any bytes as header and payload (hashes become JSON), signed with the
# secret, or with the bytes of signature where those are given.

sub mint_raw {
    my (%opt) = @_;

    my ($head, $body) = map { ref $_ ? $json->encode($_) : $_ }
        @opt{qw(header payload)};
    my $input = b64url($head) . '.' . b64url($body);
    my $signature = $opt{signature}
        // hmac_sha256($input, $opt{secret} // die 'no secret');

    return secret($input . '.' . b64url($signature));
}


sub header_of {
    my ($token) = @_;

    return $json->decode(decode_base64url((split /\./, $token)[0]));
}


sub claims_of {
    my ($token) = @_;

    return $json->decode(decode_base64url((split /\./, $token)[1]));
}


1;
