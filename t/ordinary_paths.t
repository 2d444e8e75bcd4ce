# D6: ordinary paths pass, and arrive byte for byte.  Some hundreds of
# spellings: every character that a segment may have, raw and encoded, and
# names as people write them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    access_log off;
    keepalive_requests 100000;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /partners/ {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /try/ {
            auth_gateway_require business;
            auth_gateway_business_path /try/<business_id>;
            try_files /none @up;
        }

        location @up {
            auth_gateway_require business;
            auth_gateway_business_path /try/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location / {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $token = $gw->mint(partner_id => 'p-1', business_id => 'b-1');
my $partner = $gw->mint(partner_id => 'p-1');
my $connection = $gw->connect;

# one segment each

my @segments = (
    (map { 'a' . chr($_) . 'b' } grep { chr !~ m{[/?#%\\ ]} } 0x21 .. 0x7e),
    (map { sprintf 'a%%%02xb', $_ } grep { chr !~ m{[/\\]} } 0x20 .. 0x7e),
    (map { sprintf '%%%02X', $_ } grep { chr !~ m{[./\\]} } 0x20 .. 0x7e),
    '.hidden', '.well-known', '..c', '...c', 'c..', 'a..b', 'a...b', 'c.',
    'a.b.c', '..a..', '.a.', '-..', '.._', 'a..', '...x...', '%2ehidden',
    'a%2eb', 'a%2e%2eb', '%2e%2ec',
    'a%20b', 'a%20%20b', '%20a', 'a%20', '%20', '50%25', '50%25%20off',
    '100%25', '%25', '%25%25', '%2525', '%252525', '%25zz', 'a%25zb', '%25u0041',
    'x;v=1', 'x;v=1;w=2', ';v=1', ';', 'a;', 'x;..', 'x;a/b;c', ';jsessionid=1',
    '~', '~user', 'a~b', "it's", '(x)', '[x]', '{x}', 'a|b', '"q"', '<x>',
    '`x`', '^x', '$x', '$$', '!', '*', '**', '&', 'a&b=c', '=', '+', 'a+b',
    ',', 'a,b,c', ':', 'a:b', '::1', '@', '@a', 'a@b.example', 'http:',
    '2026-11-26T10:00:00Z', '2026-11-26T10:00:00%2B01:00', '1e10', '0x2f',
    "caf\xc3\xa9", 'caf%C3%A9', 'caf%c3%a9', 'cafe%CC%81', "na\xc3\xafve",
    "\xe2\x82\xac", '%E2%82%AC', "\xe6\x97\xa5\xe6\x9c\xac", '%E6%97%A5',
    "\xf0\x9f\x98\x80", '%F0%9F%98%80', '%f0%9f%91%a9%e2%80%8d%f0%9f%92%bb',
    "\xd0\x96", '%D7%A9%D7%9C', '%D8%A7', '%E2%80%AE', '%C2%A0', '%E3%80%82',
    '%E2%80%A6', '%EF%BC%8F', '%EF%BC%8E%EF%BC%8E', '%E2%81%84', '%E2%88%95',
    '%EF%BB%BF', '%F4%8F%BF%BF', '%C2%80',
    'a%26b', 'a%3Db', 'a%2Bb', 'a%3Fb', 'a%23b', 'a%3Bb', '%3Fx', '%23x',
    '%3B', '%40', '%3A', 'a%22b', 'a%3Cb%3E', 'a%7Cb', 'a%60b', 'a%5Eb',
    'null', 'undefined', 'con', 'nul', 'index.html', 'a.pdf', 'a.tar.gz',
    'A', 'a' x 200, '%C3%A9' x 60, 'business_id', 'v1', 'businesses', 'b-2',
    'e3b0c442-98fc-1c14-9afb-f4c8996fb924',
);

# what follows a path

my @queries = ('?', '?a=b', '?a=../../b', '?a=%2f..%2f', '?a=%00', '??',
    '?a=//b', '?a=\\b', "?a=\xff", '?%zz', '?a=/v1/businesses/b-2');

my %base = (
    guarded => ['/v1/businesses/b-1/', $token],
    named => ['/try/b-1/', $token],
    partner => ['/partners/', $partner],
    unguarded => ['/', undef],
);

sub arrives {
    my ($target, $bearer) = @_;

    $gw->mark;

    my $response = eval { $connection->request('GET', $target, headers =>
        [defined $bearer ? AGW::Gateway::bearer($bearer) : ()]) };

    $connection = $gw->connect if !$response
        || ($response->header('Connection') // '') eq 'close';

    my @saw = map { $_->{target} } $gw->upstream_saw;

    return if $response && $response->status == 200 && @saw == 1
        && $saw[0] eq $target;
    return ($target =~ s/([^!-~])/sprintf '\\x%02x', ord $1/ger) . ': '
        . ($response ? $response->status : 'no answer') . " @saw";
}

my $count = 0;

for my $where (sort keys %base) {
    my ($base, $bearer) = @{ $base{$where} };
    my @targets = ((map { ("$base$_", "${base}x/$_/y", "$base$_/") }
        @segments), map { "${base}x$_" } @queries);
    my @problems = map { arrives($_, $bearer) } @targets;

    $count += @targets;
    ok(!@problems, "D6 $where: " . @targets . ' ordinary paths arrive')
        or diag(join "\n", @problems);
}

cmp_ok($count, '>', 557 * 4, 'D6 many of them');
is_deeply([$gw->refusals(wait => 0)], [], 'D6 and none was refused');

$gw->finish;
