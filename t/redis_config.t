# D3: what nginx -t says to `auth_gateway_store redis:`.  No server is asked:
# there is none.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Config qw(accepted check configuration refused $token);
use AGW::Files qw(make_certificate spew);
use AGW::Redis;
use AGW::Skip qw(skip_for);

AGW::Redis::skip_all_without_hiredis();

my $prefix = configuration(location => $token);
my $p = '%%PREFIX%%';

spew("$prefix/password", "s3cr3t\n", 0600);
make_certificate($prefix);

sub part {
    my ($words) = @_;

    return (store => "auth_gateway_store $words;", location => $token);
}


# taken

accepted($_, part($_)) for
    'redis://127.0.0.1', 'redis://127.0.0.1/', 'redis://127.0.0.1:1/0',
    'redis://127.0.0.1:65535/15', 'rediss://127.0.0.1',
    'redis://[::1]', 'redis://[::1]:7000/1',
    'redis://127.0.0.1,127.0.0.2:6380,[::1]/2',
    'redis://localhost',
    'redis:unix:/run/redis/redis.sock', 'redis:unix:/tmp/a@b.sock',
    "redis://127.0.0.1 password_file=$p/password",
    "redis://127.0.0.1 user=gateway password_file=$p/password",
    'redis://127.0.0.1 sentinel=mymaster', 'redis://127.0.0.1 wait=0',
    'redis://127.0.0.1 wait=100', 'redis://127.0.0.1 prefix=a.B_9-c',
    "redis://127.0.0.1 replica=$p/store/replica.db",
    "rediss://127.0.0.1 ca=$p/cert.pem name=redis.example",
    "rediss://127.0.0.1 certificate=$p/cert.pem certificate_key=$p/cert.key";


# refused: the address

my $form = qr{it must be "redis://<host>\[:<port>\]\[,...\]\[/<db>\]"};

refused($_, 'auth_gateway_store', $_, $form, part($_)) for
    'redis:', 'redis:/', 'redis://', 'redis:///1', 'redis:127.0.0.1',
    'redis://,', 'redis://127.0.0.1,', 'redis://,127.0.0.1',
    'redis://127.0.0.1:', 'redis://127.0.0.1:0', 'redis://127.0.0.1:65536',
    'redis://127.0.0.1:a', 'redis://127.0.0.1:-1', 'redis://127.0.0.1/a',
    'redis://127.0.0.1/-1', 'redis://127.0.0.1/65536', 'redis://127.0.0.1/1/2',
    'redis://127.0.0.256', 'redis://1.2.3', 'redis://a..b', 'redis://.a',
    'redis://a_b!c', 'redis://[::1', 'redis://[::1]x', 'redis://[::1]:',
    'redis://[]', 'redis://[127.0.0.1]', 'redis://::1', 'redis://[::g]',
    'redis://127.0.0.1?db=1', 'rediss:unix:/run/redis.sock',
    'redis:unix:', 'redis://' . 'a' x 254;

refused($_, 'auth_gateway_store', undef, qr/absolute/, part($_)) for
    'redis:unix:redis.sock';
refused($_, 'auth_gateway_store', undef, qr/unix socket/, part($_)) for
    'redis:unix:/a:b', 'redis:unix:/' . 'a' x 200;

# a name that nobody knows: it is resolved at start where http has no resolver

refused('a name that nobody knows', 'auth_gateway_store', 'nobody.invalid',
    qr/resolver/, part('redis://nobody.invalid'));

{
    my ($code, $said) = check(part('redis://nobody.invalid'),
        http => 'resolver 127.0.0.1;');

    is($code, 0, 'with a resolver it is not resolved at start') || diag $said;

    ($code, $said) = check(part('redis://localhost'));
    is($code, 0, 'a name that everybody knows') || diag $said;
    like($said, qr/\[warn\].*"localhost" of "auth_gateway_store" is resolved/,
        'and a warning that it is resolved once');
    unlike((check(part('redis://127.0.0.1')))[1], qr/is resolved/,
        'but not of an address');
}


# refused: the parameters

for (
    ['user=a', qr/must have "password_file="/],
    ["user=a password_file=$p/password user=b", qr/"user=" .* given once/],
    ['user=', qr/"user="/], ['wait=-1', qr/0 to 100/],
    ['wait=101', qr/0 to 100/], ['wait=a', qr/0 to 100/],
    ['prefix={a}', qr/letters, digits, dots/],
    ['prefix=a:b', qr/letters, digits, dots/],
    ['prefix=' . 'a' x 65, qr/1 to 64/],
    ['sentinel=a$b', qr/without variables/], ['name=a', qr/"rediss:"/],
    ["ca=$p/cert.pem", qr/"rediss:"/],
    ["certificate=$p/cert.pem certificate_key=$p/cert.key", qr/"rediss:"/],
    ['db=1', qr/must be one of "user=", "password_file="/],
    ['tls', qr/must be one of/], ['wait', qr/must be one of/],
    ['password=s3cr3t', qr/"password" .*must be one of/],
    ["sentinel=a\tb", qr/printable/],
) {
    my ($words, $accepted) = @$_;

    # what ends a word in nginx is quoted

    my $shown = $words =~ s/\t/\\t/r;

    refused("redis://127.0.0.1 $shown", 'auth_gateway_store', undef, $accepted,
        part('redis://127.0.0.1 ' . ($words =~ m/[\t{]/ ? "'$words'" : $words)));
}

refused('a certificate without a key', 'auth_gateway_store', undef,
    qr/must be given together/,
    part("rediss://127.0.0.1 certificate=$p/cert.pem"));
refused('a key without a certificate', 'auth_gateway_store', undef,
    qr/must be given together/,
    part("rediss://127.0.0.1 certificate_key=$p/cert.key"));
refused('sentinels at a socket', 'auth_gateway_store', undef,
    qr/must be with hosts/, part('redis:unix:/a sentinel=b'));

for my $word (qw(ca certificate)) {
    refused("no file of $word", 'auth_gateway_store', undef, qr/PEM/,
        part("rediss://127.0.0.1 $word=$p/nowhere"
            . ($word eq 'ca' ? '' : " certificate_key=$p/nowhere")));
    refused("$word is no certificate", 'auth_gateway_store', undef, qr/PEM/,
        part("rediss://127.0.0.1 $word=$p/password"
            . ($word eq 'ca' ? '' : " certificate_key=$p/cert.key")));
}


# the file of this node

mkdir "$prefix/root-only", 0700 or die "$prefix/root-only: $!\n";
mkdir "$prefix/store/a-directory" or die "$prefix/store: $!\n";

refused('no directory of replica=', 'auth_gateway_store', "$prefix/nowhere/",
    qr/No such file/, part("redis://127.0.0.1 replica=$p/nowhere/a.db"));
refused('a directory as replica=', 'auth_gateway_store',
    "$prefix/store/a-directory", qr/must be a file/,
    part("redis://127.0.0.1 replica=$p/store/a-directory"));

SKIP: {
    skip_for('not root', 'a directory of others is') if $> != 0;

    refused('a directory of others', 'auth_gateway_store',
        "$prefix/root-only/", qr/must be writable for the worker user "nobody"/,
        part("redis://127.0.0.1 replica=$p/root-only/a.db"));
    spew("$prefix/store/replica.db", '', 0600);
    refused('a file of others', 'auth_gateway_store',
        "$prefix/store/replica.db", qr/must be a file that the worker user/,
        part("redis://127.0.0.1 replica=$p/store/replica.db"));
}


# the file of the password

for (
    ['', qr/one line/], ["\n", qr/one line/], ["a\nb\n", qr/one line/],
    ["s3cr3t\n\n", qr/one line/], ["s3cr3t\0\n", qr/one line/],
    ['s3cr3t' . 'a' x 507, qr/1 to 512 bytes/],
    ['s3cr3t' . 'a' x 100_000, qr/1 to 512 bytes/],
) {
    my ($content, $accepted) = @$_;
    my $name = substr $content, 0, 12;

    $name =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
    spew("$prefix/bad", $content, 0600);
    refused('a password file of "' . $name . '", ' . length($content),
        'auth_gateway_store', undef, $accepted,
        part("redis://127.0.0.1 password_file=$p/bad"));
    unlike((check(part("redis://127.0.0.1 password_file=$p/bad")))[1],
        qr/s3cr3t/, 'D3 and nothing of it is shown');
}

for my $content ('s', "s3cr3t\r\n", 'a b"c\\', 'a' x 512, 'a' x 512 . "\n",
    "\xff\x01\n")
{
    spew("$prefix/good", $content, 0600);
    accepted('a password of ' . length($content) . ' bytes',
        part("redis://127.0.0.1 password_file=$p/good"));
}

refused('a directory', 'auth_gateway_store', undef, qr/regular file/,
    part("redis://127.0.0.1 password_file=$p"));
refused('no file', 'auth_gateway_store', undef, qr/No such file/,
    part("redis://127.0.0.1 password_file=$p/nowhere"));

spew("$prefix/open", "s3cr3t\n", 0644);

{
    my ($code, $said) = check(part("redis://127.0.0.1 password_file=$p/open"));

    is($code, 0, 'a password that everybody can read is taken');
    like($said, qr/\[warn\].*"password_file=".*chmod o-rwx/,
        'D3 with a warning');
}

# in the address it is refused before anything is quoted

for ('redis://gateway:s3cr3t@127.0.0.1', 'redis://s3cr3t@127.0.0.1',
    'rediss://:s3cr3t@127.0.0.1:1/0', 'redis:s3cr3t@127.0.0.1',
    'redis://gateway:s3cr3t@127.0.0.1 what=ever')
{
    my ($code, $said) = check(part($_));

    is($code, 1, "D3 refused: $_");
    like($said, qr/without a user and a password.*"password_file="/,
        'D3 it says where they go');
    unlike($said, qr/s3cr3t/, 'D3 and shows none');
}

done_testing();
