# D4 over Redis: memory that runs out while the JSON of an API key is read.
# Where its buffer can't grow, jansson goes on without the byte: a key without
# its "expires_at" is good for ever, and one that cannot be read is not listed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use Test::More;

use AGW::Admin;
use AGW::FailingMalloc qw(arm no_compiler preload);
use AGW::Redis;
use AGW::Skip qw(skip_all_for);
use AGW::Token qw(key_digest);

AGW::Redis::skip_all_without();
skip_all_for('compiler', 'JSON that is read without memory is')
    if no_compiler();

my $admin = AGW::Admin->start(workers => 1, before => sub { preload($_[0]) },
    engine => 'redis', http => 'auth_gateway_require_https off;',
    allow => [qr/malloc\(\d+\) failed|no memory|out of memory/i,
        qr/auth_gateway: (?:.*)(?:store|connection)/]);
my $redis = $admin->{store}->redis;
my $partner = $admin->{store}->partner;
my $ended = $admin->keep_secret('an-api-key-that-has-ended-long-ago');
my $text = JSON->new->canonical;

# jansson's first buffer is of 16 bytes: "expires_at" grows it in the one, and
# its value in the other

my %json = (
    key_digest($partner->{key}) => '{"not_before":1,'
        . '"name":"a name that is written","key_id":"the-key-that-is-good"}',
    key_digest($ended) => '{"a":{"of":["a nested one"]},"not_before":1,'
        . '"expires_at":1700000000,"key_id":"the-key-that-has-ended"}',
);

$redis->call('HSET', "{agw}:api_keys:$partner->{id}", %json);

sub ask_list {
    my $r = eval { $admin->ask('GET', "partners/$partner->{id}/keys",
        undef, timeout => 10) } or return ('none', '');

    return ($r->status, $r->status != 200 ? '' : join ' ',
        map { join ':', map { $_ // 'null' }
            @$_{qw(key_id name not_before expires_at)} }
        @{ $r->json->{keys} });
}

sub ask_token {
    my ($key) = @_;

    my $r = eval { $admin->ask('POST', '/token', { client_secret => $key,
        client_id => $partner->{id} }, timeout => 10) }
        or return ('none', '');

    $admin->keep_secret($r->json->{access_token}) if $r->status == 200;

    return ($r->status, '');
}

my @cases = (
    ['a list', \&ask_list, 200, 'the-key-that-has-ended:null:1:1700000000 '
        . 'the-key-that-is-good:a name that is written:1:null'],
    ['a good key', sub { ask_token($partner->{key}) }, 200, ''],
    ['a key that has ended', sub { ask_token($ended) }, 401, ''],
);

# once Redis is connected again, if that was what had no memory

sub with_memory {
    my ($sub, @want) = @_;

    my @got;

    for (1 .. 100) {
        @got = $sub->();
        return 1 if "@got" eq "@want";
        select undef, undef, undef, 0.05;
    }

    diag("@got");
    return 0;
}

for (@cases) {
    my ($name, $sub, @want) = @$_;
    my (%count, @problems);

    ok(with_memory($sub, @want), "D4 $name, with all of its memory");

    for my $n (1 .. 200) {
        arm($n);

        my @got = $sub->();

        last if !arm(0);

        $count{$got[0]}++;
        push @problems, "malloc $n: @got"
            if "@got" ne "@want" && $got[0] !~ /^(?:500|503|none)$/;

        push @problems, "malloc $n: not as before"
            if !with_memory($sub, @want);
    }

    note("$name: ", join ', ', map { "$count{$_} times $_" } sort keys %count);
    ok(!@problems, "D4 $name, whichever malloc() fails")
        or diag(join "\n", @problems > 10 ? @problems[0 .. 9] : @problems);
    cmp_ok(($count{500} // 0) + ($count{503} // 0), '>', 3,
        "D4 $name, some are answered");
}

$admin->finish;
