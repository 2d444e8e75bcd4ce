# `make vectors` counts right: files in Wycheproof's format, made here with
# keys and tokens of now, some of whose results are lies.  The published files
# are not part of this repository.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Crypt::JWT qw(encode_jwt);
use File::Temp ();
use JSON ();
use Test::More;

use AGW::Files qw(repo_root slurp spew);
use AGW::Keys qw(jwk_set);

my $program = ($ENV{AGW_BUILD} || repo_root() . '/build') . '/vectors';
my $dir = File::Temp->newdir('agw-vectors-XXXXXXXX', TMPDIR => 1);
my $json = JSON->new->canonical->utf8;

# `make check` builds it

die "no $program: run make check\n" unless -x $program;

# the unit tests look for leaks, and so does this

$ENV{ASAN_OPTIONS} = 'detect_leaks=1' if $ENV{AGW_PRELOAD};


# exit status, and all that was printed

sub run {
    my (@args) = @_;

    my $pid = open(my $pipe, '-|') // die "fork: $!\n";

    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec $program, @args;
        exit 127;
    }

    local $/;
    my $out = readline($pipe) // '';
    close $pipe;

    return ($? >> 8, $out);
}


# a file of groups: [key members, [comment, result, token], ...]

my $id;

sub file {
    my ($schema, @groups) = @_;

    my @out;
    $id = 0 unless defined $id;

    for my $group (@groups) {
        my ($keys, @tests) = @$group;

        push @out, { type => 'JsonWebSignature', %$keys, tests => [
            map { { tcId => $_->[3] // ++$id, comment => $_->[0],
                result => $_->[1], jws => $_->[2], flags => [] } } @tests
        ] };
    }

    return spew("$dir/file.json", $json->encode({
        schema => $schema, testGroups => \@out }));
}


sub vectors {
    $id = 0;
    return run(file('', @_));
}


sub token {
    my ($key, $kid, %opt) = @_;

    return encode_jwt(payload => $opt{payload} // 'foo', alg => $key->alg,
        key => $key->private,
        extra_headers => { defined $kid ? (kid => $kid) : () });
}


# another character in the middle of the signature

sub tampered {
    my ($token) = @_;

    my $at = length($token) - 20;
    substr($token, $at, 1) = substr($token, $at, 1) eq 'A' ? 'B' : 'A';

    return $token;
}


# how a group gives its key: public, if there is one, before private

sub keys_of {
    my ($key, %opt) = @_;

    my %jwk = (alg => $key->alg, use => 'sig', kid => 'k', %opt);

    return { private => $key->jwk(private => 1, %jwk),
        $key->is_secret ? () : (public => $key->jwk(%jwk)) };
}


my %key = map { $_ => AGW::Keys->new($_) } qw(HS256 RS256 ES256 EdDSA);

my @true = map {
    my $key = $key{$_};
    my $good = token($key, 'k');

    [keys_of($key),
        ['right', 'valid', $good],
        ['with an empty payload', 'valid', token($key, 'k', payload => '')],
        ['tampered', 'invalid', tampered($good)],
        ['no signature', 'invalid', $good =~ s/[^.]+$//r],
        ['nothing', 'invalid', ''],
        ['another kid', 'invalid', token($key, 'l')],
        ['either way', 'acceptable', $good],
        ['either way', 'acceptable', tampered($good)]];
} sort keys %key;


subtest 'a file that is right' => sub {
    my ($status, $out) = vectors(@true);

    is($out, "32 passed, 0 failed\n", 'all passed, and nothing more is said');
    is($status, 0, 'exit 0');
};


subtest 'results that are lies' => sub {
    my $good = token($key{ES256}, 'k');

    my ($status, $out) = vectors(@true, [keys_of($key{ES256}),
        ['a good one', 'invalid', $good],
        ['a bad one', 'valid', tampered($good)],
        ['nothing known', 'perhaps', $good],
        ['a right one', 'valid', $good]]);

    is($status, 1, 'exit 1');
    is($out, "33 a good one: invalid, and verified\n"
        . "34 a bad one: valid, and refused\n"
        . "35 nothing known: of no known result\n"
        . "33 passed, 3 failed\n", 'each failure by its id and comment');
};


# the key is what is refused, and every token of its group with it

subtest 'keys that are refused' => sub {
    my $hs = $key{HS256};
    my %bad = (
        'a public key for encryption' => [$key{RS256}, { use => 'enc' }],
        'no verify in key_ops' => [$key{ES256}, { key_ops => ['encrypt'] }],
        'another algorithm' => [$key{ES256}, { alg => 'ES384' }],
        'a short secret' => [$hs, { k => 'AAAA' }],
    );

    for my $name (sort keys %bad) {
        my ($key, $members) = @{ $bad{$name} };
        my $keys = keys_of($key, %$members);

        my ($status, $out) = vectors([$keys,
            [$name, 'invalid', token($key, 'k')],
            [$name, 'valid', token($key, 'k')]]);

        is($status, 1, "$name: exit 1");
        is($out, "2 $name: valid, and refused\n1 passed, 1 failed\n",
            "$name: its tokens are refused");
    }
};


subtest 'key sets' => sub {
    my ($es, $ed, $hs) = @key{qw(ES256 EdDSA HS256)};
    my $set = sub { return $json->decode(jwk_set(@_)) };

    my ($status, $out) = vectors(
        [{ public => $set->($es->jwk(kid => 'a'), $ed->jwk(kid => 'b')) },
            ['the first', 'valid', token($es, 'a')],
            ['the second', 'valid', token($ed, 'b')],
            ['each other\'s', 'invalid', token($es, 'b')],
            ['no kid', 'valid', token($es)],
            ['no kid, the second', 'valid', token($ed)],
            ['no kid, of no key', 'invalid', token($key{RS256})]],
        [{ private => $set->($es->jwk(kid => 'a'), $hs->jwk(kid => 'b')) },
            ['mixed', 'invalid', token($es, 'a')]],
        [{ private => $set->($es->jwk(kid => 'a'), $ed->jwk(kid => 'a')) },
            ['one kid', 'invalid', token($es, 'a')]]);

    is($out, "8 passed, 0 failed\n", 'all passed');
    is($status, 0, 'exit 0');
};


# cases of the published file of signatures alone, by id and comment

subtest 'where this project is stricter' => sub {
    my $schema = 'json_web_signature_schema_v1.json';
    my $ps = $key{RS256}->as('PS384');
    my $keys = keys_of($key{RS256}, alg => 'PS256');
    my $mismatch = token($ps, 'k');
    my $fits = token($key{RS256}->as('PS256'), 'k');

    my ($status, $out) = run(file($schema,
        [$keys, ['Figure20', 'valid', $mismatch, 346],
            ['Figure13', 'valid', $mismatch, 349],
            ['Figure13', 'valid', $fits, 349]]));

    is($status, 0, 'refused, or either way: exit 0');
    like($out, qr/^346 Figure20: refused on purpose: .*PS384/m, 'and why');
    like($out, qr/^3 passed, 0 failed\n\z/m, 'they count as passed');

    ($status, $out) = run(file($schema,
        [$keys, ['Figure20', 'valid', $fits, 346]]));
    is($status, 1, 'accepted: exit 1');
    like($out, qr/^346 Figure20: verified, and is to be refused/, 'why');

    for my $case ([$schema, 'Figure20', 345], [$schema, 'Figure21', 346],
        ['json_web_key_schema_v1.json', 'Figure20', 346])
    {
        ($status, $out) = run(file($case->[0],
            [$keys, [$case->[1], 'valid', $mismatch, $case->[2]]]));
        is($status, 1, "@$case: not one of them");
        like($out, qr/^0 passed, 1 failed\n\z/m, "@$case: it fails");
    }
};


subtest 'nothing to run' => sub {
    my ($status, $out) = run();
    is($status, 2, 'no file: exit 2');
    like($out, qr/^usage: make vectors FILE=/, 'usage');

    ($status, $out) = run('');
    is($status, 2, 'an empty name: exit 2');
    like($out, qr/^usage: make vectors FILE=/, 'usage');

    ($status, $out) = run("$dir/none.json");
    is($status, 2, 'no such file: exit 2');
    like($out, qr/none\.json/, 'it is named');

    for my $text ('', 'x', '[]', '{}', '{"testGroups":[]}',
        '{"testGroups":[{"private":{},"tests":[]}]}',
        '{"testGroups":[{"tests":[{"tcId":1}]}]}')
    {
        ($status, $out) = run(spew("$dir/broken.json", $text));
        is($status, 2, "\"$text\": exit 2");
        unlike($out, qr/passed/, "\"$text\": nothing passed");
    }
};


done_testing();
