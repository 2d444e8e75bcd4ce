# P11.5: an import is all or nothing, its error names the line, and an export is
# what an import reads.  100,000 businesses come in pieces, of which one has a
# bad line.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use Test::More;

use AGW::Admin;
use AGW::Token qw(key_digest);

my $admin = AGW::Admin->start;
my $json = JSON->new->canonical;
my $ndjson = 'application/x-ndjson';

sub import_lines {
    my ($lines, %opt) = @_;

    return $admin->ask('POST', 'import' . ($opt{query} // ''),
        join('', map { ref $_ ? $json->encode($_) . "\n" : "$_\n" } @$lines),
        type => $ndjson);
}

sub export {
    my ($limit) = @_;

    my ($path, $all, $pages) = ("export?limit=$limit", '', 0);

    while (defined $path && $pages++ < 1000) {
        my $r = $admin->ask('GET', $path);

        is($r->header('Content-Type'), $ndjson, 'P11.5 the type')
            if $pages == 1;
        $all .= $r->{body};
        ($path) = ($r->header('Link') // '') =~ /\A<([^>]+)>; rel="next"\z/;
    }

    return $all;
}

# a use may be written meanwhile

sub but_uses { return $_[0] =~ s/,"last_used_at":\d+//gr }

sub partner { return { type => 'partner', partner_id => @_ } }

# all kinds, with and without what may be left out

my $digest = key_digest('agw-import');
my @lines = (
    { type => 'partner', partner_id => 'p-1', status => 'active',
        name => 'One', scopes => ['a', 'b'] },
    { type => 'partner', partner_id => 'p-2' },
    { type => 'partner', partner_id => 'p-3', name => undef, scopes => [] },
    { type => 'api_key', partner_id => 'p-1', key_sha256 => $digest },
    { type => 'api_key', partner_id => 'p-2', key_sha256 => $digest,
        key_id => 'k-2', name => 'two', created_at => 5, not_before => 6,
        expires_at => 7258118400, last_used_at => 8 },
    { type => 'business', business_id => 'b-1', partner_id => 'p-1' },
    { type => 'business', business_id => 'b-2', partner_id => 'p-2',
        status => 'archived' },
);

my $r = import_lines(\@lines, query => '?dry_run=1');

$admin->gets('P11.5 a dry run', $r, 200, partners => 3, api_keys => 2,
    businesses => 2);
is($admin->ask('GET', 'export')->{body}, '', 'P11.5 writes nothing');
is(scalar $admin->written, 0, 'P11.7 and is no write');

$admin->gets('P11.5 an import', import_lines(\@lines), 200, partners => 3,
    api_keys => 2, businesses => 2);
is($admin->request('POST', '/token', basic => ['p-1', 'agw-import'])->status,
    200, 'P11.5 a key of it gets a token');

my $all = export(1000);
my @got = map { $json->decode($_) } split /\n/, $all;
my %of = map { $json->encode({ %$_{grep { /_id$|type/ } keys %$_} }) => $_ }
    @got;

is(scalar @got, 7, 'P11.5 an export has all of it');
is_deeply([map { $_->{type} } @got], [('partner') x 3, ('api_key') x 2,
    ('business') x 2], 'P11.5 in an order that an import takes');
is_deeply((grep { ($_->{key_id} // '') eq 'k-2' } @got)[0], $lines[4],
    'P11.5 a key as it was');
is_deeply([grep { $_->{partner_id} eq 'p-1' && $_->{type} eq 'partner' }
    @got], [$lines[0]], 'P11.5 a partner as it was');
is_deeply([sort split /\n/, but_uses(export($_))],
    [sort split /\n/, but_uses($all)],
    "P11.5 in pages of $_") for 1, 2, 3;

# twice is once, and what is replaced ends tokens

import_lines([split /\n/, $all]);
is(but_uses(export(1000)), but_uses($all), 'P11.5 an import of an export changes nothing');

{
    my $token = $admin->keep_secret($admin->request('POST', '/token',
        basic => ['p-1', 'agw-import'])->json->{access_token});
    my $mine = $admin->keep_secret($admin->request('POST', '/token/b-1',
        bearer => $token)->json->{access_token});
    my $status = sub {
        return $admin->request('GET', '/v1/businesses/b-1/x',
            bearer => $mine)->status;
    };

    is($status->(), 200, 'P11.5 a token');
    import_lines([{ type => 'business', business_id => 'b-1',
        partner_id => 'p-2' }]);
    is($status->(), 401, 'P11.4 ends if an import moves the business');
    import_lines([$lines[5]]);
}

# bad lines: what is written, member, reason; the third line of four

$admin->mark;

my $bad = 'invalid_request';
my $before = export(1000);

for (
    ['{"type":"partner","partner_id":"a b"}', 'partner_id', $bad],
    ['{"type":"partner"}', 'partner_id', $bad],
    ['{"partner_id":"p-9"}', 'type', $bad],
    ['{"type":"revocation","id":"x"}', 'type', $bad],
    ['{"type":1}', 'type', $bad],
    ['{"type":"partner","partner_id":"p-9","expires_at":1}', 'expires_at',
        $bad],
    ['{"type":"partner","partner_id":"p-9","api_key":"x"}', 'api_key', $bad],
    ['{"type":"api_key","partner_id":"p-1"}', 'key_sha256', $bad],
    ['{"type":"api_key","partner_id":"p-1","key_sha256":"' . uc($digest)
        . '"}', 'key_sha256', $bad],
    ['{"type":"api_key","partner_id":"p-9","key_sha256":"' . $digest . '"}',
        'partner_id', $bad],
    ['{"type":"api_key","partner_id":"p-2","key_id":"k-2","key_sha256":"'
        . key_digest('other') . '"}', 'key_id', $bad],
    ['{"type":"api_key","partner_id":"p-1","not_before":5,"expires_at":5,'
        . '"key_sha256":"' . $digest . '"}', 'expires_at', $bad],
    ['{"type":"business","business_id":"b-9","partner_id":"p-9"}',
        'partner_id', $bad],
    ['{"type":"business","business_id":"b-9"}', 'partner_id', $bad],
    ['{"type":"business","business_id":"b-9","partner_id":"p-1",'
        . '"status":"disabled"}', 'status', $bad],
    ['{"type":"business","type":"partner"}', 'type', 'body_not_json'],
    ['{"type":"partner"', '', 'body_not_json'],
    ['[]', '', 'body_not_json'], ['x', '', 'body_not_json'],
) {
    my ($line, $member, $reason) = @$_;

    $admin->refuses("P11.5 a bad line: " . substr($line, 0, 60),
        import_lines([partner('n-1'), '', $line, partner('n-2')]), $reason,
        member => $member, line => 3);
    $admin->refuses("P11.5 a dry run says it too: " . substr($line, 0, 60),
        import_lines([partner('n-1'), $line], query => '?dry_run=1'), $reason,
        member => $member, line => 2);
}

is(but_uses(export(1000)), but_uses($before), 'P11.5 of which nothing is there');

# many, in pieces of 1,000; the 12,345th is bad

{
    my $n = 100_000;
    my $failed = 0;
    my @written = $admin->written;

    for my $piece (0 .. $n / 1000 - 1) {
        my @piece = map { sprintf '{"type":"business","business_id":"m-%06d",'
            . '"partner_id":"%s"}', $_, $_ == 12_345 ? 'p 1' : 'p-1' }
            $piece * 1000 .. $piece * 1000 + 999;
        my $r = import_lines(\@piece);

        next if $r->status == 200;
        $failed++;
        $admin->refuses('P11.5 the piece with the bad line', $r,
            'invalid_request', member => 'partner_id', line => 346);
    }

    is($failed, 1, 'P11.5 one piece has failed');

    my @ids = map { /"business_id":"(m-\d+)"/ ? $1 : () }
        split /\n/, export(1000);

    is(scalar @ids, $n - 1000, 'P11.5 all others are there');
    ok(!(grep { $_ ge 'm-012000' && $_ le 'm-012999' } @ids),
        'P11.5 and none of that piece');
    is($ids[0], 'm-000000', 'P11.5 from the first');
    is($ids[-1], 'm-099999', 'P11.5 to the last');
    is(scalar $admin->written, @written + 99, 'P11.7 each is in the log');
}

$admin->finish;
