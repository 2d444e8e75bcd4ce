# P3.2, P0.5: session_duration, the size of a body, and where nginx keeps it,
# in each of the three types.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Bodies;
use AGW::Files qw(slurp);
use AGW::Token qw(api_key claims_of);

# P3.2, here by P2.6

for my $type (@types) {
    for my $seconds (1, 900, 86400) {
        my $json = granted("P3.2 session_duration $seconds: $type",
            ask($type, [['session_duration', $seconds]], business()));
        my $claims = claims_of($json->{access_token} // 'a.e30');

        is($json->{expires_in}, $seconds, 'P3.2 expires_in');
        is(($claims->{exp} // 0) - ($claims->{iat} // 0), $seconds,
            'P3.2 its life');
    }

    for my $text (0, 86401, -1, '+1', '1e3', '1.0', '01', ' 1', '1 ', '0x1',
        'null', 'true', '9999999999', '10000000000', '4294967297',
        '18446744073709551617', '1,5', '60s', "\xd9\xa1")
    {
        my $shown = shown($text);

        refused("P3.2 session_duration '$shown': $type", ask($type,
            [['session_duration', $text]], business()), 'invalid_request',
            by => 'bearer');
    }
}

for my $seconds (1, 86400) {
    is(granted("P3.2 an integer, $seconds", ask_raw('application/json',
        "{\"session_duration\": $seconds}", business()))->{expires_in},
        $seconds, 'P3.2 expires_in');
}

for my $value (qw(0 -1 86401 9999999999 10000000000 9223372036854775807 1.0
    1e3 900.0 1E2 null true false [900] {} -0))
{
    refused("P3.2 a JSON value of $value", ask_raw('application/json',
        "{\"session_duration\": $value}", business()), 'invalid_request',
        by => 'bearer');
}

refused('P3.2 an integer beyond 64 bits', ask_raw('application/json',
    '{"session_duration": 9223372036854775808}', business()),
    'body_not_json', also => ['invalid_request'], by => 'bearer');
granted('P3.2 is nothing to a partner token', ask('form',
    [@grant, ['session_duration', 'x']]));


# P0.5: 8192 bytes are taken, 8193 are not

for my $type (@types) {
    my (undef, $empty) = $types{$type}->(@grant, ['x', '']);

    for my $way (sort keys %ways) {
        for my $endpoint ('partner', 'business') {
            my %to = $endpoint eq 'business' ? business() : ();
            my $size = 8192 - length $empty;
            my $name = "$endpoint, $type, $way";

            granted("P0.5 a body of 8192 bytes: $name", ask($type,
                [@grant, ['x', 'a' x $size]], way => $way, %to));
            refused("P0.5 a body of 8193 bytes: $name", ask($type,
                [@grant, ['x', 'a' x ($size + 1)]], way => $way, %to),
                'body_too_large', %to ? (by => 'bearer') : ());
        }
    }
}


# P0.5: a body that nginx put into a file is read too

for my $type (@types) {
    for my $way (sort keys %ways) {
        my $marker = 'x' . api_key();
        my $pad = ['x', 'a' x 3000];

        granted("P0.5 in a file, client_secret_post: $type, $way",
            ask($type, [@grant, @post, [$marker, '']], auth => undef,
                way => $way, url => '/spilled/partner'));

        my @with = grep { slurp($_) =~ /$marker/ }
            glob "$prefix/tmp/spilled/*";

        is(@with, 1, "P0.5 and it was in a file: $type, $way");
        unlink @with;

        is(granted("P0.5 in a file, longer: $type, $way",
            ask($type, [$pad, ['session_duration', 33]], way => $way,
                auth => $bearer, url => "/spilled/business/$business"))
            ->{expires_in}, 33, "P0.5 and was read: $type, $way");
        refused("P0.5 in a file, too long: $type, $way",
            ask($type, [['x', 'a' x 9000]], way => $way,
                url => '/spilled/partner'), 'body_too_large');
        refused("P0.5 in a file, repeated: $type, $way",
            ask($type, [$pad, $pad], way => $way, url => '/spilled/partner'),
            bad($type), also => ['invalid_request']);
    }
}


# P0.5: otherwise it never goes there

for my $type (@types) {
    for my $way (sort keys %ways) {
        for my $url ('/kept/partner', '/kept/always/partner') {
            granted("P0.5 $url: $type, $way", ask($type,
                [@grant, @post], auth => undef, way => $way, url => $url));
            granted("P0.5 $url, longer: $type, $way", ask($type,
                [@grant, @post, ['x', 'a' x 4000]], auth => undef,
                way => $way, url => $url));
        }

        granted("P0.5 /kept/business: $type, $way", ask($type,
            [['session_duration', 60]], auth => $bearer, way => $way,
            url => "/kept/business/$business"));
    }
}

is_deeply([glob "$kept/*"], [], 'P0.5 nothing was written');

$gw->finish;
