package AGW::Keys;

# One key of one algorithm, made anew: its bytes in every form that a file
# may have, tokens and bare signatures by it.  What knows nothing of the
# module makes them: openssl(1) the keys, CryptX the JWKs and signatures.

use strict;
use warnings;

use Crypt::PK::ECC ();
use Crypt::PK::Ed25519 ();
use Crypt::PK::RSA ();
use Digest::SHA qw(sha256);
use Exporter 'import';
use File::Temp ();
use JSON ();
use MIME::Base64 qw(decode_base64);
use POSIX ();

use AGW::Files qw(random_hex slurp spew);
use AGW::Secrets qw(secret);
use AGW::Token qw(b64url);

our @EXPORT_OK = qw(algorithms jwk_set openssl);

my $json = JSON->new->canonical->utf8;
my $dir = File::Temp->newdir('agw-keys-XXXXXXXX', TMPDIR => 1);

my %kinds = (
    HS => { kty => 'oct' },
    RS => { kty => 'RSA', class => 'Crypt::PK::RSA',
        made => [qw(-algorithm RSA -pkeyopt rsa_keygen_bits:2048)] },
    ES256 => { kty => 'EC', class => 'Crypt::PK::ECC', size => 32,
        curve => 'prime256v1', hash => 'SHA256' },
    ES384 => { kty => 'EC', class => 'Crypt::PK::ECC', size => 48,
        curve => 'secp384r1', hash => 'SHA384' },
    EdDSA => { kty => 'OKP', class => 'Crypt::PK::Ed25519',
        made => [qw(-algorithm ED25519)] },
);

# the same by another name (RFC 9864), which Crypt::JWT does not know

$kinds{Ed25519} = $kinds{EdDSA};

# RFC 7638, section 3.2; RFC 8037, section 2

my %required = (
    EC => [qw(crv kty x y)], RSA => [qw(e kty n)], OKP => [qw(crv kty x)],
);


sub algorithms {
    return qw(HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512
        ES256 ES384 EdDSA Ed25519);
}


# openssl(1) with these arguments and standard input; returns its output

sub openssl {
    my ($in, @args) = @_;

    my $file = spew("$dir/in", $in, 0600);
    my $pid = open(my $pipe, '-|') // die "fork: $!\n";

    if (!$pid) {
        open STDIN, '<', $file;
        open STDERR, '>', "$dir/err";
        exec 'openssl', @args or POSIX::_exit(127);
    }

    local $/;

    my $out = readline $pipe;

    close $pipe or die "openssl @args: " . slurp("$dir/err");
    unlink $file;

    return $out // '';
}


sub jwk_set {
    return $json->encode({ keys => [@_] });
}


# new(alg) makes a key; new(alg, pem => text) takes one that is there;
# bits => 1024, curve => name and args => [] are for keys that are refused.

sub new {
    my ($class, $alg, %opt) = @_;

    my $kind = $kinds{$alg} // $kinds{ substr($alg, 0, 2) =~ s/^PS/RS/r };
    my $self = bless { alg => $alg, %$kind, %opt }, $class;

    if ($self->{kty} eq 'oct') {
        $self->{secret} = secret(random_hex(substr($alg, 2) / 8));
        return $self;
    }

    my $made = $self->{curve}
        ? ['-algorithm', 'EC', '-pkeyopt',
            "ec_paramgen_curve:$self->{curve}"] : $self->{made};

    $self->{pem} //= openssl('', 'genpkey', @$made);
    secret($self->{pem});
    $self->{pk} = $kind->{class}->new(\$self->{pem});

    return $self;
}


sub alg { return $_[0]{alg} }
sub is_secret { return $_[0]{kty} eq 'oct' }


# the same key for another algorithm of its type

sub as {
    my ($self, $alg) = @_;

    return AGW::Keys->new($alg, pem => $self->{pem});
}


# what Crypt::JWT takes to sign, and to verify

sub private {
    my ($self) = @_;

    return $self->{secret} // $self->{pk};
}


sub public {
    my ($self) = @_;

    return $self->{secret}
        // $self->{class}->new(\($self->form('public, SPKI')));
}


# a hash; private => 1 has the private members too; others as told

sub jwk {
    my ($self, %opt) = @_;

    my $private = delete $opt{private};

    return { kty => 'oct', k => b64url($self->{secret}), %opt }
        if $self->is_secret;

    my $jwk = $self->{pk}->export_key_jwk(
        $private ? 'private' : 'public', 1);

    delete $jwk->{kid};

    return { %$jwk, %opt };
}


sub thumbprint {
    my ($self) = @_;

    my $jwk = $self->jwk;

    return b64url(sha256($json->encode(
        { map { $_ => $jwk->{$_} } @{ $required{ $self->{kty} } } })));
}


# Names of forms: those that sign, and those that verify alone.

sub private_forms {
    my ($self) = @_;

    return ('a secret', 'JWK', 'JWK Set') if $self->is_secret;

    return ('PKCS#8', 'PKCS#8 with CRLF', 'PKCS#8 behind a BOM',
        ($self->{kty} eq 'RSA' ? 'PKCS#1' : ()),
        ($self->{kty} eq 'EC' ? ('SEC1', 'SEC1 with parameters') : ()),
        'JWK', 'JWK behind a BOM', 'JWK Set');
}


sub public_forms {
    my ($self) = @_;

    return if $self->is_secret;

    return ('public, SPKI', 'public, SPKI with CRLF',
        ($self->{kty} eq 'RSA' ? 'public, PKCS#1' : ()),
        'public, JWK', 'public, JWK Set');
}


# the bytes of a file in that form; a JWK with these members more

sub form {
    my ($self, $form, %members) = @_;

    return "\xef\xbb\xbf \n" . $self->form($1, %members)
        if $form =~ /^(.*) behind a BOM$/;
    return $self->form($1) =~ s/\n/\r\n/gr if $form =~ /^(.*) with CRLF$/;

    return $self->{secret} if $form eq 'a secret';
    return $self->{pem} if $form eq 'PKCS#8';

    my $private = $form !~ /^public, /;

    return $json->encode($self->jwk(private => $private, %members))
        if $form =~ /JWK$/;
    return jwk_set($self->jwk(private => $private, %members))
        if $form =~ /JWK Set$/;

    my %args = (
        'PKCS#1' => ['pkey', '-traditional'],
        'SEC1' => ['pkey', '-traditional'],
        'public, SPKI' => ['pkey', '-pubout'],
        'public, PKCS#1' => ['rsa', '-RSAPublicKey_out'],
        'public, DER' => ['pkey', '-pubout', '-outform', 'DER'],
        'PKCS#8, DER' => ['pkey', '-outform', 'DER'],
    );

    return openssl('', 'ecparam', '-name', $self->{curve})
        . $self->form('SEC1') if $form eq 'SEC1 with parameters';

    return openssl($self->{pem}, @{ $args{$form} // die "no $form" });
}


# DER, or another PEM's body

sub der {
    my ($pem) = @_;

    return decode_base64($pem =~ s/^-----[^\n]*\n//mgr);
}


# The bare signature of these bytes, as JWS has it (RFC 7518, section 3).

sub sign {
    my ($self, $input) = @_;

    my ($type, $bits) = $self->{alg} =~ /^(\D+)(\d*)$/;
    my $pk = $self->{pk};

    return Digest::SHA->can("hmac_sha$bits")->($input, $self->{secret})
        if $type eq 'HS';
    return $pk->sign_message($input) if $type =~ /^Ed/;
    return $pk->sign_message_rfc7518($input, $self->{hash})
        if $type eq 'ES';

    return $pk->sign_message($input, "SHA$bits",
        $type eq 'PS' ? ('pss', $bits / 8) : 'v1.5');
}


# as ASN.1 has it, which JWS does not

sub sign_der {
    my ($self, $input) = @_;

    return $self->{pk}->sign_message($input, $self->{hash});
}


# Any bytes as header and payload, signed (see AGW::Token::mint_raw).

sub mint_raw {
    my ($self, %opt) = @_;

    my ($head, $body) = map { ref $_ ? $json->encode($_) : $_ }
        @opt{qw(header payload)};
    my $input = b64url($head) . '.' . b64url($body);

    return $input . '.' . b64url($opt{signature} // $self->sign($input));
}


# a good token, by Crypt::JWT if it can; options are AGW::Token::mint's

sub mint {
    my ($self, %opt) = @_;

    return secret($self->mint_raw(payload => AGW::Token::claims_for(%opt),
        header => { alg => 'Ed25519', typ => 'JWT',
            (defined $opt{kid} ? (kid => $opt{kid}) : ()),
            %{ $opt{header} // {} } })) if $self->{alg} eq 'Ed25519';

    return AGW::Token::mint(
        alg => $self->{alg}, secret => $self->private, %opt);
}


1;
