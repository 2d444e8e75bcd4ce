# P1.2: client_id and client_secret in the body, in each of its types.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Bodies;
use AGW::Token qw(api_key);

# P1.2, in each type

my %same;

for my $type (@types) {
    my $case = sub {
        my ($name, $pairs, $reason, %opt) = @_;

        local $Test::Builder::Level = $Test::Builder::Level + 1;

        my $response = ask($type, $pairs, auth => undef, %opt);

        return $reason ? refused("P1.2 $name: $type", $response, $reason)
            : granted("P1.2 $name: $type", $response);
    };
    my ($client_id, $client_secret) = @post;

    $case->('without a grant_type', \@post);
    $case->('in the other order', [reverse @post]);
    $case->('Basic and an equal client_id', [@grant, $client_id], undef,
        auth => $basic);
    $case->('Basic and an empty client_secret',
        [@grant, $client_id, ['client_secret', '']], undef,
        auth => $basic);
    $case->('Basic and an empty client_id', [@grant, ['client_id', '']],
        undef, auth => $basic);

    $case->('both ways at once', [@grant, @post], 'invalid_request',
        auth => $basic);
    $case->('Basic and client_secret alone', [$client_secret],
        'invalid_request', auth => $basic);
    $case->('Basic with a wrong key, and a right secret', \@post,
        'invalid_request', auth => AGW::Gateway::basic($id, 'wrong'));
    $case->('Basic and an unequal client_id', [['client_id', 'x']],
        'invalid_request', auth => $basic);
    $case->('Basic and client_id in another case',
        [['client_id', uc "a$id"]], 'invalid_request',
        auth => AGW::Gateway::basic("a$id", $key));
    $case->('id without secret', [@grant, $client_id], 'no_credentials');
    $case->('id and an empty secret', [$client_id, ['client_secret', '']],
        'no_credentials');
    $case->('secret without id', [@grant, $client_secret],
        'invalid_request');
    $case->('secret and an empty id', [['client_id', ''], $client_secret],
        'invalid_request');
    $case->('Bearer beside it', [@grant, @post], 'invalid_request',
        auth => $bearer);
    $case->('a scheme nobody knows beside it', \@post, 'invalid_request',
        auth => 'Authorization: Digest x');
    $case->('a malformed Basic beside it', \@post, 'invalid_request',
        auth => 'Authorization: Basic !');
    $case->('an empty Authorization beside it', \@post, 'invalid_request',
        auth => 'Authorization: ');
    $case->('Bearer and an id', [$client_id], 'no_credentials',
        auth => $bearer);

    for my $query ("client_secret=$key", 'client_secret=', 'client_secret',
        "client_id=$id&client_secret=$key", 'client%5fsecret=x',
        '%63lient_secret=x', 'a&&client_secret', 'a=b&client_secret=x&c')
    {
        my $shown = $query =~ s/\Q$key\E/KEY/r =~ s/\Q$id\E/ID/r;

        $case->("?$shown", \@post, 'invalid_request',
            url => "$to_partner?$query");
        $case->("?$shown beside Basic", \@grant, 'invalid_request',
            url => "$to_partner?$query", auth => $basic);
    }

    $case->('the query is not read', [$client_secret], 'invalid_request',
        url => "$to_partner?client_id=$id");
    $case->('the query is not read for what is there', \@post, undef,
        url => "$to_partner?client_id=x&grant_type=password&scope=x"
            . '&x_client_secret=x&client_secretx=1');

    # a name that is too long to be one of ours

    for my $size (39, 40, 64, 4000) {
        my $name = '%63' x int($size / 3) . 'c' x ($size % 3);

        $case->("a name of $size bytes in the query", \@post, undef,
            url => "$to_partner?$name=x&" . 'n' x $size);
        $case->("a name of $size bytes in the query, and a secret", \@post,
            'invalid_request', url => "$to_partner?$name&client_secret=x");
    }

    # every cause looks alike

    my $disabled = $gw->partner(status => 'disabled');
    my $past = $gw->partner(expires_at => time - 60);
    my $later = $gw->partner(not_before => time + 3600);

    for (['a wrong key', $id, 'wrong'], ['an unknown id', 'nobody', $key],
        ['an id outside the grammar', 'no body', $key],
        ['a disabled partner', @$disabled{qw(id key)}],
        ['an expired key', @$past{qw(id key)}],
        ['a key not yet valid', @$later{qw(id key)}])
    {
        my $response = ask($type, [['client_id', $_->[1]],
            ['client_secret', $_->[2]]], auth => undef);

        refused("P1.6 $_->[0]: $type", $response, 'invalid_client');
        $same{ $response->same_bytes }++;
    }

    # a value is what it is, whatever the type has to do to carry it

    for my $odd ('a:b+c%41d&e=f;', "\xc3\xa9\"\\/", ' x ', '--x', '%zz') {
        my $with = $gw->partner(key => $odd . api_key());

        granted("P1.2 a secret with $odd: $type", ask($type,
            [['client_id', $with->{id}], ['client_secret', $with->{key}]],
            auth => undef));
    }

    my $encoded = $id =~ s/-/%2D/gr;

    $case->('no value is decoded twice', [['client_id', $encoded],
        $client_secret], 'invalid_client');
}

is(keys %same, 1, 'P1.6 the same bytes for every cause and type')
    or diag(join "\n---\n", keys %same);

for my $value (qw(null true 1 1.5 [] {}), "[\"$key\"]") {
    for my $name (qw(client_id client_secret grant_type scope)) {
        my $rest = $name =~ /^client/
            ? join ', ', map { "\"$_->[0]\": \"$_->[1]\"" }
                grep { $_->[0] ne $name } @post
            : "\"client_id\": \"$id\", \"client_secret\": \"$key\"";
        my $shown = $value =~ s/\Q$key\E/KEY/r;

        refused("P1.2 $name that is no text: $shown", ask_raw(
            'application/json', "{\"$name\": $value, $rest}",
            auth => undef), 'invalid_request');
    }
}

# at the business endpoint only the token counts

for my $type (@types) {
    granted("P2.6 client_secret is an unknown parameter here: $type",
        ask($type, \@post, url => $to_business, auth => $bearer));
    refused("P2.1 and no credential: $type",
        ask($type, \@post, url => $to_business, auth => undef),
        'no_credentials', by => 'bearer');
}

$gw->finish;
