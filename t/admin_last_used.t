# P11.3: when a key was last used is known to the minute, and no request writes
# it: it is noted, and written in a batch.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Admin;

my $admin = AGW::Admin->start(workers => 2);
my $partner = $admin->partner;
my $id = $partner->{id};

# a new key that was used, one that was not, and one of another program

my $used = $admin->ask('POST', "partners/$id/keys")->json;
my $unused = $admin->ask('POST', "partners/$id/keys")->json;

sub last_used {
    my ($key_id) = @_;

    return $admin->ask('GET', "partners/$id/keys/$key_id")->json
        ->{last_used_at};
}

my ($old) = grep { $_->{key_id} ne $used->{key_id}
    && $_->{key_id} ne $unused->{key_id} }
    @{ $admin->ask('GET', "partners/$id/keys")->json->{keys} };
my $r = $admin->ask('GET', "partners/$id/keys/$used->{key_id}");
my $tag = AGW::Admin::tag($r);
my $began = time;

for my $key ($used->{api_key}, $partner->{key}) {
    $admin->request('POST', '/token', basic => [$id, $key])->status == 200
        or die "no token\n" for 1 .. 20;
}

$admin->request('POST', '/token', basic => [$id, 'wrong']);

my %at;

for (1 .. 600) {
    $at{$_} //= last_used($_) for $used->{key_id}, $old->{key_id};
    last if defined $at{$used->{key_id}} && defined $at{$old->{key_id}};
    sleep 0.2;
}

for (['a key', $used->{key_id}], ['one of another program', $old->{key_id}]) {
    my ($name, $key_id) = @$_;

    ok(defined $at{$key_id} && $at{$key_id} >= $began - 1
        && $at{$key_id} <= time, "P11.3 $name: its last use is written")
        or diag($at{$key_id} // 'never');
}

is(last_used($unused->{key_id}), undef, 'P11.3 a key that was not used');
is(AGW::Admin::tag($admin->ask('GET', "partners/$id/keys/$used->{key_id}")),
    $tag, 'P11.2 a use changes no entity tag');
is($admin->ask('PATCH', "partners/$id/keys/$used->{key_id}", { name => 'x' },
    headers => ["If-Match: $tag"])->status, 200,
    'P11.2 nor is it in the way of a change');
is(last_used($used->{key_id}), $at{$used->{key_id}},
    'P11.3 a change leaves it as it is');

$admin->finish;
