# P11.2 and D4: memory that runs out while the JSON of a request is read.  Where
# its buffer can't grow, jansson goes on without the byte: a business of
# partner tenant-00000010 was given to tenant-0000001, and a member was refused
# by a name that nobody had written.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use Test::More;

use AGW::Admin;
use AGW::FailingMalloc qw(arm no_compiler preload);
use AGW::Skip qw(skip_all_for);

skip_all_for('compiler', 'JSON that is read without memory is')
    if no_compiler();

my $admin = AGW::Admin->start(workers => 1, before => sub { preload($_[0]) },
    engine => 'sqlite', http => 'auth_gateway_require_https off;',
    allow => [qr/malloc\(\d+\) failed|no memory|out of memory|cannot be (?:read|written|logged)/]);
my ($mine, $theirs) = ('tenant-00000010', 'tenant-0000001');

is($admin->ask('PUT', "partners/$_", {})->status, 201, "P11.2 $_")
    for $mine, $theirs;

my $partner = $admin->partner;

# what is sent, the same each time, and what the answer may be

my $text = JSON->new->canonical;
my @cases = (
    ['a business', ['PUT', 'businesses/b-1',
        $text->encode({ partner_id => $mine })], qr/^20[01]$/],
    ['a name', ['PATCH', "partners/$mine",
        $text->encode({ name => 'a name that is written' })], qr/^200$/],
    ['lines', ['POST', 'import', join "\n", map { $text->encode($_) }
        { type => 'partner', partner_id => 'partner-of-some-lines',
            name => 'a name that is written' },
        { type => 'business', business_id => 'business-of-lines',
            partner_id => $mine }], qr/^200$/],
    ['a question', ['POST', 'explain', $text->encode({ method => 'GET',
        path => '/v1/businesses/b-1/accounts', token => 'a.b.c' x 8 })],
        qr/^200$/],
    ['a token request', ['POST', '/token', $text->encode({
        client_id => $partner->{id}, client_secret => $partner->{key},
        grant_type => 'client_credentials' })], qr/^200$/],
);

# what is then stored, if anything is

sub problems {
    my @problems;
    my %name = map { $_->{partner_id} => $_->{name} }
        @{ $admin->ask('GET', 'partners')->json->{partners} };
    my %owner = map { $_->{business_id} => $_->{partner_id} }
        @{ $admin->ask('GET', 'businesses')->json->{businesses} };

    delete @name{$theirs, $partner->{id}};

    push @problems, grep { !/^(?:$mine|partner-of-some-lines)$/ } keys %name;
    push @problems, grep { defined && $_ ne 'a name that is written' }
        values %name;
    push @problems, grep { !/^(?:b-1|business-of-lines)$/ } keys %owner;
    push @problems, grep { $_ ne $mine } values %owner;

    return @problems;
}

for (@cases) {
    my ($name, $request, $good) = @$_;
    my ($method, $path, $body) = @$request;
    my (%count, @problems);

    my @type = $path eq 'import' ? (type => 'application/x-ndjson') : ();

    like($admin->ask($method, $path, $body, @type)->status, $good,
        "D4 $name, with all of its memory");

    for my $n (1 .. 160) {
        arm($n);

        my $r = eval { $admin->ask($method, $path, $body, timeout => 10,
            @type) };
        my $failed = arm(0);
        my $status = $r ? $r->status : 'none';

        last if !$failed;

        $count{$status}++;
        push @problems, "malloc $n: status $status " . ($r ? $r->body : '')
            if $status !~ $good && $status !~ /^(?:500|503|none)$/;
        push @problems, map { "malloc $n: $_" } problems();
    }

    note("$name: ", join ', ', map { "$count{$_} times $_" } sort keys %count);
    ok(!@problems, "D4 $name, whichever malloc() fails")
        or diag(join "\n", @problems > 10 ? @problems[0 .. 9] : @problems);
    cmp_ok(($count{500} // 0) + ($count{503} // 0), '>', 5,
        "D4 $name, most are answered");
}

$admin->finish;
