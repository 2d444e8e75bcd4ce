# P11.7: each write is in the log before its answer; the log is opened again
# with the others, has no secret, and without it nothing is written.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Admin;
use AGW::Files qw(slurp spew);

my $admin = AGW::Admin->start;
my $log = $admin->prefix . '/logs/admin.log';

sub mode_of { return (stat $_[0])[2] & 0777 }

is(slurp($log), '', 'P11.7 the log is there, and empty');
is(mode_of($log), 0640, 'P11.7 and not for everybody');

# what each write says

for (
    ['PUT', 'partners/p-1', { name => 'One' }, 'put', 'partners/p-1',
        'created'],
    ['PUT', 'partners/p-1', {}, 'put', 'partners/p-1', 'done'],
    ['PATCH', 'partners/p-1', { name => 'x' }, 'change', 'partners/p-1',
        'done'],
    ['PATCH', 'partners/p-9', { name => 'x' }, 'change', 'partners/p-9',
        'not found'],
    ['PUT', 'businesses/b-1', { partner_id => 'p-1' }, 'put',
        'businesses/b-1', 'created'],
    ['PUT', 'businesses/b-1', { partner_id => 'p-9' }, 'put',
        'businesses/b-1', 'no such partner'],
    ['POST', 'revocations', { kind => 'owner', id => 'p-1:b-1' }, 'revoke',
        'owner p-1:b-1', 'done'],
) {
    my ($method, $path, $body, $operation, $object, $result) = @$_;
    my $before = $admin->written;

    $admin->ask($method, $path, $body);

    my @lines = $admin->written;
    my $line = $lines[-1];

    is(scalar @lines, $before + 1, "P11.7 $method $path: one line");
    is_deeply([@$line{qw(operation object result uid)}],
        [$operation, $object, $result, $>], "P11.7 $method $path: who, what");
    ok(abs($line->{time} - time) < 300 && $line->{request_id} =~ /^[0-9a-f]{32}$/,
        "P11.7 $method $path: when");
}

{
    my $before = $admin->written;

    $admin->ask('GET', 'export');
    $admin->ask('PATCH', 'partners/p-1', { status => 'gone' });
    is(scalar $admin->written, $before,
        'P11.7 what reads, and what is refused before, is not there');
}

# each has begun before

{
    my @lines = $admin->written(all => 1);
    my (%begun, @problems);

    for my $line (@lines) {
        my $id = $line->{request_id};

        push @problems, "$id: $line->{result}"
            if $line->{result} eq 'begun' ? $begun{$id}++ : !$begun{$id};
    }

    ok(!@problems, 'P11.7 each write has a line before it is done')
        or diag(join "\n", @problems);
    is(scalar @lines, 2 * $admin->written, 'P11.7 and one with its result');
}

# keys

my $key = $admin->ask('POST', 'partners/p-1/keys')->json;
my $next = $admin->ask('POST', "partners/p-1/keys/$key->{key_id}/roll")->json;

is(($admin->written)[-1]{object}, "partners/p-1/keys/$key->{key_id}",
    'P11.7 a key by its id');

for my $file (glob $admin->prefix . '/logs/*') {
    my $text = slurp($file);

    ok(index($text, $_) < 0, "P11.7 no key in $file")
        for $key->{api_key}, $next->{api_key};
}

# moved away, and opened again

rename $log, "$log.1" or die "$log: $!";
kill USR1 => $admin->nginx->{pid} or die "nginx: $!";

for (1 .. 300) {
    last if -e $log;
    sleep 0.1;
}

# each worker opens it by itself, when the master tells it

for (1 .. 300) {
    last if !grep { (readlink($_) // '') eq "$log.1" }
        map { glob "/proc/$_/fd/*" } $admin->nginx->workers;
    sleep 0.1;
}

{
    my $moved = slurp("$log.1");

    $admin->ask('PATCH', 'partners/p-1', { name => 'y' });
    is(slurp("$log.1"), $moved, 'P11.7 the old file is left alone');
    is(scalar $admin->written, 1, 'P11.7 the new one is written');
    is(mode_of($log), 0640, 'P11.7 and not for everybody either');
}

# one that the operator, or logrotate, has made keeps its mode

rename $log, "$log.2" or die "$log: $!";
spew($log, '', 0604);
kill USR1 => $admin->nginx->{pid} or die "nginx: $!";
sleep 0.5;
$admin->ask('PATCH', 'partners/p-1', { name => 'z' });
is(mode_of($log), 0604, 'P11.7 one that exists keeps its mode');
is(mode_of("$log.2"), 0640, 'P11.7 and the old one its own');

# one that cannot be written: nothing is done

my $full = AGW::Admin->start(log => '/dev/full');

$full->refuses('P11.7 a write that cannot be logged',
    $full->ask('PUT', 'partners/p-1', {}), 'store_unavailable');
is($full->ask('GET', 'partners/p-1')->status, 404, 'P11.7 is not done');
$full->mark;
$full->refuses('P11.7 nor the next one',
    $full->ask('PUT', 'partners/p-2', {}), 'store_unavailable');

$admin->finish;
