# D4: secrets and private keys are wiped.  What a file spells them with
# is gone from memory once the configuration was read; the keys themselves
# are, once it has gone.  Looked for in all that master and workers can
# write to.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Crypt::PK::ECC;
use Crypt::PK::Ed25519;
use Crypt::PK::RSA;
use Digest::SHA ();
use IPC::Open2 qw(open2);
use JSON ();
use MIME::Base64 qw(decode_base64 encode_base64);
use Test::More;

use AGW::Files qw(random_bytes slurp spew);
use AGW::Gateway;
use AGW::Memory qw(can_read find free_at_once);
use AGW::Skip qw(skip_all_for);
use AGW::Token qw(b64url);

skip_all_for('memory', 'that keys are wiped is') unless can_read();

free_at_once();

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    KEYS

    server {
        listen 127.0.0.1:%%TLS%% ssl;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }
        location = /jwks { auth_gateway_jwks; }

        location /v1/businesses/ {
            root %%PREFIX%%/html;
            try_files /x =404;
        }
    }
}
CONF

# Each returns (file's bytes, {what is secret in them, by name}).  Texts are
# what the file has; of numbers, both orders of their bytes.

sub number {
    my ($name, $hex) = @_;

    my $bytes = pack 'H*', length($hex) % 2 ? "0$hex" : $hex;

    return ("$name, big-endian" => $bytes,
        "$name, little-endian" => scalar reverse $bytes);
}

# The base64 of so many bytes of what is in a PEM, line by line.  OpenSSL frees
# the two last lines as they are; whoever allocates next takes their place, but
# for a sanitizer, which gives each size a place of its own.

sub lines_of {
    my ($name, $der, $first, $count) = @_;

    my $text = encode_base64($der, '');
    my ($from, $to) = (int(($first * 4 + 2) / 3),
        int(($first + $count) * 4 / 3));
    my %lines;

    while ($from < $to) {
        my $end = $from - $from % 64 + 64;

        $end = $to if $end > $to;
        last if $ENV{AGW_PRELOAD} && $end > length($text) - 65;
        $lines{"$name, text at $from"} = substr $text, $from, $end - $from;
        $from = $end;
    }

    return %lines;
}

sub even {
    my ($hex) = @_;

    return length($hex) % 2 ? "0$hex" : $hex;
}

# SHA-256 after the first block of HMAC, inner and outer: as good as the key

sub hmac_states {
    my ($key) = @_;

    return map {
        my $block = $key ^ (chr($_->[1]) x length $key);

        $block .= chr($_->[1]) x (64 - length $block);

        my ($state) = Digest::SHA->new(256)->add($block)->getstate
            =~ /^H((?::[0-9a-f]+)+)$/m
            or die "no state of SHA-256\n";

        ("HMAC, $_->[0]" => pack 'L<8', unpack 'L>8',
            pack 'H*', $state =~ tr/://dr);
    } ['inner', 0x36], ['outer', 0x5c];
}

# a newline at its end would be spoken of

sub secret {
    my $bytes = random_bytes(47) . 'x';

    return ($bytes, { 'the secret' => $bytes, hmac_states($bytes) });
}

sub oct_jwk {
    my $bytes = random_bytes(48);

    return (JSON::encode_json({ kty => 'oct', k => b64url($bytes) }),
        { 'k' => $bytes, hmac_states($bytes), 'k, text' => b64url($bytes) });
}

# of each type: OpenSSL's parameters, the reader of the PEM, its secrets

my %types = (
    RSA => ['RSA -pkeyopt rsa_keygen_bits:2048', 'Crypt::PK::RSA',
        qw(d p q dP dQ qP)],
    EC => ['EC -pkeyopt ec_paramgen_curve:P-256', 'Crypt::PK::ECC', 'k'],
    Ed25519 => ['ED25519', 'Crypt::PK::Ed25519', 'priv'],
);

sub make_key {
    my ($type) = @_;

    my ($how, $class, @names) = @{ $types{$type} };
    my $pem = `openssl genpkey -algorithm $how 2>/dev/null`;
    my $key = $class->new(\$pem);
    my $all = $key->key2hash;

    return ($pem, $key, pack('H*', even($all->{ $names[0] })),
        { map { number("$type $_", $all->{$_}) } @names });
}

# whether PKCS #8 or the type's own form, RSA's numbers behind d are secret

sub pem {
    my ($type, $convert) = @_;

    my ($pem, undef, $d, $secrets) = make_key($type);

    if ($convert) {
        my $pid = open2(my $out, my $in, "openssl $convert 2>/dev/null");

        print {$in} $pem;
        close $in;
        $pem = do { local $/; readline $out };
        waitpid $pid, 0;
    }

    my ($der) = map { decode_base64($_) } $pem =~ /-----\n(.*?)-----/s;
    my $at = index $der, $d;

    die "$type: no private number in the PEM\n" if $at < 0;

    return ($pem, { %$secrets, lines_of("$type PEM", $der, $at,
        $type eq 'RSA' ? length($der) - $at : length $d) });
}

sub jwk {
    my ($type) = @_;

    my (undef, $key, undef, $secrets) = make_key($type);
    my $jwk = $key->export_key_jwk('private', 1);

    return (JSON::encode_json($jwk), { %$secrets,
        map { ("$type JWK $_, text" => $jwk->{$_}) }
        grep { defined $jwk->{$_} } qw(d p q dp dq qi) });
}

my %kinds = (
    'secret' => \&secret,
    'oct.jwk' => \&oct_jwk,
    'rsa.pem' => sub { pem('RSA') },
    'rsa.old.pem' => sub { pem('RSA', 'rsa -traditional') },
    'rsa.jwk' => sub { jwk('RSA') },
    'ec.pem' => sub { pem('EC') },
    'ec.old.pem' => sub { pem('EC', 'ec') },
    'ec.jwk' => sub { jwk('EC') },
    'ed.pem' => sub { pem('Ed25519') },
    'ed.jwk' => sub { jwk('Ed25519') },
);

# New files; returns their secrets as {"file: name" => bytes}.

sub write_keys {
    my ($dir) = @_;

    my %all;

    for my $file (sort keys %kinds) {
        my ($bytes, $secrets) = $kinds{$file}->();

        spew("$dir/$file", $bytes, 0600);
        $all{"$file: $_"} = $secrets->{$_} for keys %$secrets;
    }

    return \%all;
}

sub conf_of {
    my ($dir) = @_;

    return $conf =~ s/^ {4}KEYS$/join "\n", map {
        my $alg = $_ eq 'secret' ? ' alg=HS256' : '';

        "    auth_gateway_key %%PREFIX%%\/$dir\/$_$alg;";
    } sort keys %kinds/mre;
}

# whatever of these is found, in the master and in the workers

sub found_in {
    my ($gw, $secrets) = @_;

    my %found;

    for my $pid ($gw->nginx->{pid}, $gw->nginx->workers) {
        my $who = $pid == $gw->nginx->{pid} ? 'master' : 'worker';

        push @{ $found{$_->[0]} }, "$who $_->[1]" for find($pid, $secrets);
    }

    return \%found;
}

sub is_gone {
    my ($name, $found) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return ok(!%$found, $name) || diag(map { "$_: "
        . join(', ', @{ $found->{$_} }) . "\n" } sort keys %$found) && 0;
}

my ($first, $second);

my $gw = AGW::Gateway->start(conf_of('first'), before => sub {
    mkdir "$_[0]/$_" or die "$_: $!\n" for qw(first second);
    $first = write_keys("$_[0]/first");
    $second = write_keys("$_[0]/second");
});
my $partner = $gw->partner;

# what only the file has; the rest is what a key is made of

sub texts {
    my ($secrets) = @_;

    return { map { $_ => $secrets->{$_} } grep { /, text/ } keys %$secrets };
}

# work, in which keys are used

sub work {
    is($gw->request('POST', '/token', basic => [@$partner{qw(id key)}])
        ->status, 200, 'a token');
    is($gw->request('GET', '/jwks')->status, 200, 'the JWK Set');
    is($gw->request('GET', '/v1/businesses/x/x', headers => [
        'Authorization: Bearer ' . $gw->mint(partner_id => $partner->{id},
            kid => 'x')])->status, 401, 'a refused token');

    return;
}

work();

my $found = found_in($gw, $first);

for my $file (sort keys %kinds) {
    my @here = grep { /^\Q$file\E: / && !/, text/ } keys %$found;

    ok(@here > 0, "$file: the key is found while it serves");
}

# OpenSSL keeps an Ed25519 seed as it is, other numbers the other way round

is_gone('no number as the files have it', {
    map { $_ => $found->{$_} } grep { /big-endian/ && !/Ed25519/ }
        keys %$found
});

is_gone('no text of a file, once it was read', found_in($gw, texts($first)));
is_gone('nothing of a file that was never read', found_in($gw, $second));

ok($gw->nginx->reload(conf_of('second')), 'a reload with other keys');
$gw->new_workers;
work();

ok(%{ found_in($gw, $second) }, 'the new keys are there');
is_gone('nothing of the old keys, once they have gone',
    found_in($gw, $first));
is_gone('no text of the new ones', found_in($gw, texts($second)));

# keys that are refused, too

{
    my $third = do {
        mkdir $gw->prefix . '/third' or die "third: $!\n";
        write_keys($gw->prefix . '/third');
    };

    $gw->{allow} = [qr/\[emerg\] .*"auth_gateway_key"/];
    $gw->nginx->write_conf(conf_of('third')
        =~ s/^( {4}auth_gateway_key .*secret alg=.*\n)/$1$1/mr);
    kill 'HUP', $gw->nginx->{pid};

    for (1 .. 250) {
        last if slurp($gw->nginx->error_log) =~ /\[emerg\].*the same kid/;
        select undef, undef, undef, 0.02;
    }

    like(slurp($gw->nginx->error_log), qr/\[emerg\].*the same kid/,
        'a reload that is refused');
    is_gone('nothing of keys that were refused', found_in($gw, $third));
}

$gw->finish;
