# P12.2: each write of an operator is counted once, by what it did, and one that
# is refused is not.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use List::Util qw(sum);
use Test::More;

use AGW::Admin;
use AGW::Metrics qw(scrape);

my $admin = AGW::Admin->start(locations =>
    'location = /metrics { auth_gateway_metrics; }');
my %want;


sub counted {
    my ($name, $operation, $response, $status) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $want{$operation}++ if defined $operation;

    is($response->status, $status, "P12.2 $name");

    my $found = scrape($admin, port => 'TLS');
    my %got = map { /^admin_writes_total\{operation="(\w+)"\}$/ && $found->{$_}
        ? ($1 => $found->{$_}) : () } keys %$found;

    is_deeply(\%got, \%want, 'P12.2 ' . (defined $operation
        ? "is a $operation" : 'is no write'));

    return $response->json;
}

sub ask { return $admin->ask(@_) }


my $id = counted('a new partner', 'partner_create',
    ask('POST', 'partners', {}), 201)->{partner_id};

counted('one with an id', 'partner_create', ask('PUT', 'partners/p-1', {}),
    201);
counted('it is replaced', 'partner_update', ask('PUT', 'partners/p-1', {}),
    200);
counted('it is changed', 'partner_update', ask('PATCH', 'partners/p-1',
    { name => 'x' }), 200);
counted('it is read', undef, ask('GET', 'partners/p-1'), 200);
counted('a list', undef, ask('GET', 'partners'), 200);
counted('what is invalid', undef, ask('PATCH', 'partners/p-1',
    { status => 'x' }), 400);
counted('what is not there', undef, ask('PATCH', 'partners/p-2',
    { name => 'x' }), 404);

my $key = counted('a key', 'key_create', ask('POST', "partners/$id/keys", {}),
    201)->{key_id};

counted('it is named', 'key_update', ask('PATCH', "partners/$id/keys/$key",
    { name => 'x' }), 200);

my $next = counted('it is rolled', 'key_roll',
    ask('POST', "partners/$id/keys/$key/roll", { grace => 60 }),
    201)->{key_id};

counted('it is deleted', 'key_delete',
    ask('DELETE', "partners/$id/keys/$key"), 204);
counted('the next one is ended', 'key_end',
    ask('POST', "partners/$id/keys/$next/end"), 200);

my $business = counted('a business', 'business_create',
    ask('POST', 'businesses', { partner_id => $id }), 201)->{business_id};

counted('it is archived', 'business_update',
    ask('PATCH', "businesses/$business", { status => 'archived' }), 200);
counted('a revocation', 'revoke', ask('POST', 'revocations',
    { kind => 'partner', id => $id }), 200);
counted('an import', 'import', ask('POST', 'import',
    qq({"type":"partner","partner_id":"p-3"}\n),
    type => 'application/x-ndjson'), 200);
counted('one that only checks', undef, ask('POST', 'import?dry_run=1',
    qq({"type":"partner","partner_id":"p-4"}\n),
    type => 'application/x-ndjson'), 200);

cmp_ok(scrape($admin, port => 'TLS')
    ->{'store_seconds_count{operation="admin"}'}, '>=', sum(values %want),
    'P12.2 and each took a time');

$admin->finish;
