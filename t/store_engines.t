# D5: what every store engine does, one list of cases for all of them: two
# nginx on one store, which issue, revoke and introspect, and learn what the
# other one and an operator did.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Engine;
use AGW::Files qw(random_id);
use AGW::Gateway;
use AGW::Redis;
use AGW::Revoking qw(conf_of owner_in);
use AGW::Skip qw(skip_for);
use AGW::Token qw(api_key claims_of);

my ($gw, $other, $store, $engine);

sub named {
    return "D5 $engine: $_[0]";
}

sub status {
    my ($who, $key, %opt) = @_;

    return ($opt{on} // $gw)->request('POST', '/token',
        basic => [$who->{id}, $key // $who->{key}], quiet => 1)->status;
}

sub business_status {
    my ($who, $business) = @_;

    my $bearer = $gw->issue($who) // return 'no partner token';

    return $gw->request('POST', "/token/$business", bearer => $bearer,
        quiet => 1)->status;
}

# what becomes of tokens for businesses, on both, within a second: [token,
# business, result]

sub both_say {
    my ($name, @cases) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $until = time + 1;
    my @wrong;

    do {
        sleep 0.02 if @wrong;
        @wrong = ();

        for my $nginx ($gw, $other) {
            for my $case (@cases) {
                my $is = $nginx->result(@$case[0, 1]);

                push @wrong, ($nginx == $gw ? 'here' : 'there')
                    . ": $is, not $case->[2]" if $is ne $case->[2];
            }
        }
    } while (@wrong && time < $until);

    return ok(!@wrong, named($name)) || diag(join "\n", @wrong) && 0;
}

my @cases = (
    ['partners and their keys', sub {
        my $us = $gw->partner;
        my $now = int time;

        is(status($us), 200, named('a partner'));
        is(status($us, undef, on => $other), 200, named('there too'));
        is(status($us, api_key()), 401, named('a wrong key'));
        is(status({ id => random_id() }, $us->{key}), 401,
            named('an unknown partner'));
        is(status($gw->partner(status => 'disabled')), 401,
            named('a disabled one'));

        my $second = $store->add_key($us->{id}, api_key());

        is_deeply([status($us), status($us, $second)], [200, 200],
            named('two keys at once'));
        $store->remove_key($us->{id}, $us->{key});
        is_deeply([status($us), status($us, $second)], [401, 200],
            named('the first is removed'));
        $store->set_key($us->{id}, $second, expires_at => $now - 1);
        is(status($us, $second), 401, named('the second has expired'));
        $store->set_key($us->{id}, $second, not_before => $now + 60);
        is(status($us, $second), 401, named('is not yet valid'));
        $store->set_key($us->{id}, $second, not_before => $now - 60,
            expires_at => $now + 60);
        is(status($us, $second), 200, named('is valid now'));
        $store->set_partner($us->{id}, status => 'disabled');
        is(status($us, $second), 401, named('its partner is disabled'));
        $store->set_partner($us->{id}, status => 'active');
        is(status($us, $second), 200, named('and active again'));
    }],

    ['businesses and their owners', sub {
        my ($us, $them) = map { $gw->partner } 1, 2;
        my $ours = $gw->business($us);

        is(business_status($us, $ours), 200, named('a business'));
        is(business_status($us, random_id()), 404, named('an unknown one'));
        is(business_status($them, $ours), 404, named("another partner's"));
        is(business_status($us, $gw->business($us, status => 'archived')),
            404, named('an archived one'));

        my $owner = sub { return $gw->request('GET', "/owner/$ours/x",
            bearer => $gw->issue($_[0]), quiet => 1)->status };

        is_deeply([map { $owner->($_) } $us, $them], [200, 404],
            named('owner'));
        $store->set_business($ours, partner_id => $them->{id});
        is_deeply([map { $owner->($_) } $us, $them], [404, 200],
            named('owner, when it has moved'));
        is_deeply([map { business_status($_, $ours) } $us, $them],
            [404, 200], named('its new owner gets tokens, the old one none'));
        $store->set_business($ours, status => 'archived');
        is_deeply([map { $owner->($_) } $us, $them], [404, 404],
            named('owner, when it is archived'));
        $store->remove_business($ours);
        is(business_status($them, $ours), 404, named('it is removed'));
    }],

    ['a token is revoked', sub {
        my $us = owner_in($gw);
        my ($old, $beside) = map { $gw->issue($us, $us->{business}) } 1, 2;
        my $name = "token $us->{id}:" . claims_of($old)->{jti};
        my $before = $store->stamp // 0;

        cmp_ok(claims_of($old)->{seq}, '<=', $before, named('its seq'));
        both_say('before', [$old, $us->{business}, 'ok']);
        is($gw->introspect($old, basic => $us->{basic})->json->{active}, 1,
            named('active'));
        $gw->succeeds(named('a token is revoked'),
            $gw->revoke($old, basic => $us->{basic}));
        is($gw->result($old, $us->{business}), '401 revoked',
            named('refused at once here'));
        both_say('and there within a second',
            [$old, $us->{business}, '401 revoked'],
            [$beside, $us->{business}, 'ok']);
        is(!!$_->introspect($old, basic => $us->{basic})->json->{active}, '',
            named('inactive')) for $gw, $other;

        my $stamp = $gw->entry($name);

        is($stamp, $store->stamp, named('its entry, with the last stamp'));
        cmp_ok($stamp, '>', $before, named('which is a new one'));
        $other->succeeds(named('revoked again, there'),
            $other->revoke($old, basic => $us->{basic}));
        cmp_ok($gw->entry($name), '>=', $stamp, named('its stamp only grows'));
        $gw->succeeds(named('an unknown token'),
            $gw->revoke('unknown', basic => $us->{basic}));
    }],

    ['a business is revoked', sub {
        my $us = owner_in($gw);
        my $business = $us->{business};
        my $second = $gw->business($us);
        my ($old, $beside) = map { $gw->issue($us, $_) } $business, $second;

        for my $round (1 .. 3) {
            $gw->succeeds(named('a business is revoked'),
                $gw->cut_off($business, basic => $us->{basic}));

            my $new = $gw->issue($us, $business);

            is($gw->result($new, $business), 'ok',
                named('what is issued afterwards holds at once'));
            both_say('what was issued before does not',
                [$old, $business, '401 revoked'], [$new, $business, 'ok'],
                [$beside, $second, 'ok']);
            $old = $new;
        }

        my $theirs = owner_in($gw);

        is($gw->cut_off($business, basic => $theirs->{basic})->status, 404,
            named("another partner's"));
        both_say('which ends nothing', [$old, $business, 'ok']);
        ok($gw->entry("owner $us->{id}:$business"), named('its entry'));
    }],

    ['what an operator revokes', sub {
        my $us = owner_in($gw);
        my $business = $us->{business};
        my $second = $gw->business($us);
        my @old = map { $gw->issue($us, $_) } $business, $second, $second;

        $store->revoke('token', "$us->{id}:" . claims_of($old[1])->{jti});
        both_say('a token', [$old[0], $business, 'ok'],
            [$old[1], $second, '401 revoked'], [$old[2], $second, 'ok']);
        $store->revoke('business', $second);
        both_say('a business', [$old[0], $business, 'ok'],
            [$old[2], $second, '401 revoked']);
        $store->revoke('partner', $us->{id});
        both_say('a partner', [$old[0], $business, '401 revoked']);

        my $new = $gw->issue($us, $business);

        both_say('what is issued afterwards', [$new, $business, 'ok']);
    }],

    ['changes that end tokens', sub {
        for my $case (
            ['a partner is disabled', sub {
                $store->set_partner($_[0]{id}, status => 'disabled') }, 2],
            ['a partner is removed', sub {
                $store->remove_partner($_[0]{id}) }, 2],
            ['a business is archived', sub {
                $store->set_business($_[0]{business},
                    status => 'archived') }, 1],
            ['a business is moved', sub {
                $store->set_business($_[0]{business},
                    partner_id => $gw->{them}{id}) }, 1],
            ['there and back', sub {
                $store->set_business($_[0]{business}, partner_id => $_)
                    for $gw->{them}{id}, $_[0]{id} }, 1],
            ['archived and opened again', sub {
                $store->set_business($_[0]{business}, status => $_)
                    for 'archived', 'active' }, 1],
            ['a business is removed', sub {
                $store->remove_business($_[0]{business}) }, 1])
        {
            my ($name, $change, $ended) = @$case;
            my $us = owner_in($gw);
            my @of = ($us->{business}, $gw->business($us));
            my @tokens = map { $gw->issue($us, $_) } @of;
            my $witness = $gw->issue($gw->{us}, $gw->{business});

            both_say("before $name", map { [$tokens[$_], $of[$_], 'ok'] }
                0, 1);
            $change->($us);
            both_say($name, (map { [$tokens[$_], $of[$_],
                $_ < $ended ? '401 revoked' : 'ok'] } 0, 1),
                [$witness, $gw->{business}, 'ok']);
        }

        # what ends nothing

        my $us = owner_in($gw);
        my $token = $gw->issue($us, $us->{business});

        $store->set_partner($us->{id}, name => 'another name');
        $store->set_business($us->{business}, status => 'active');
        $store->set_business($us->{business}, partner_id => $us->{id});
        both_say('changes that end nothing', [$token, $us->{business}, 'ok']);
    }],

    ['many at once', sub {
        my $us = owner_in($gw);
        my @tokens = map { $gw->mint(partner_id => $us->{id},
            business_id => $us->{business}, seq => $store->stamp) }
            1 .. 200;
        my $half = @tokens / 2;
        my %how = (basic => $us->{basic}, port => 'TLS');
        my @status = ($gw->revoke_many([@tokens[0 .. $half - 1]], %how),
            $other->revoke_many([@tokens[$half .. $#tokens]], %how));

        is_deeply([grep { $_ ne '200' } @status], [],
            named('two hundred revocations'));
        both_say('the last of each', map { [$_, $us->{business},
            '401 revoked'] } @tokens[$half - 1, -1]);

        for my $nginx ($gw, $other) {
            my @lives = grep { $nginx->get($_, $us->{business})->status
                != 401 } @tokens;

            is(@lives, 0, named('each is refused on both'));
        }
    }],

    ['a restart and a reload', sub {
        my $us = owner_in($gw);
        my ($old, $new) = map { $gw->issue($us, $us->{business}) } 1, 2;

        $gw->revoke($old, basic => $us->{basic});

        for my $how ('reload', 'restart') {
            if ($how eq 'reload') {
                ok($gw->nginx->reload, named('a reload'));
                $gw->new_workers;

            } else {
                is($gw->restart, 0, named('a restart'));
            }

            $store->wait_until_ready($gw->nginx);
            is($gw->result($old, $us->{business}), '401 revoked',
                named("refused after a $how"));
            is($gw->result($new, $us->{business}), 'ok',
                named("accepted after a $how"));
            is(status($us), 200, named("a token after a $how"));
        }
    }],

    ['the store is lost and found', sub {
        my $us = owner_in($gw);
        my ($old, $new) = map { $gw->issue($us, $us->{business}) } 1, 2;

        $gw->revoke($old, basic => $us->{basic});
        both_say('before', [$old, $us->{business}, '401 revoked'],
            [$new, $us->{business}, 'ok']);
        $other->lose_store;

        my $r = $other->request('POST', '/token', basic => $us->{basic});

        $other->refused('P1.10 no store', $r, 'store_unavailable',
            by => 'basic', good => 0);
        is($other->result($old, $us->{business}), '401 revoked',
            named('without the store: refused'))
            if $engine ne 'sqlite';
        is($other->result($new, $us->{business}), 'ok',
            named('without the store: accepted'))
            if $engine ne 'sqlite';
        ok($other->find_store(sub { status($us, undef, on => $other) == 200 }),
            named('it comes back'));
        both_say('and all is as before',
            [$old, $us->{business}, '401 revoked'],
            [$new, $us->{business}, 'ok']);
    }],
);

my @engines = AGW::Engine->all;

for my $name (@engines) {
    $engine = $name;
    $gw = AGW::Revoking->start(conf_of(), workers => 2, engine => $engine);
    $other = $gw->beside(conf_of(), workers => 2);
    $store = $gw->store;

    for my $case (@cases) {
        my ($what, $run) = @$case;

        eval { $run->(); 1 } or fail(named("$what: $@"));
    }
}

SKIP: {
    skip_for(AGW::Redis::missing(), 'a store in Redis is') if @engines < 2;
}

$gw->finish;
