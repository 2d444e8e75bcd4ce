# P0.5, P1.2, P1.4, P1.5, P2.6, P3.2: request parameters in each of the three
# types of body, however they are sent.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Encode ();
use JSON ();
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

use AGW::Files qw(slurp spew);
use AGW::Gateway;
use AGW::Token qw(api_key claims_of);

# /tokens/ is an ordinary place; in /spilled/ another module has nginx put
# the body into a file first; in /kept/ nginx is told to use a file as soon
# as it can, and cannot write there.

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key kid=k1;
    auth_gateway_partner_scope reports;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        location = /tokens/partner { auth_gateway_token partner; }

        location ~ ^/tokens/business/[^/]+$ {
            auth_gateway_token business;
            auth_gateway_business_path /tokens/business/<business_id>;
        }

        location /spilled/ {
            mirror /mirror;
            client_body_buffer_size 8;
            client_body_in_file_only on;
            client_body_temp_path %%PREFIX%%/tmp/spilled;

            location = /spilled/partner { auth_gateway_token partner; }

            location ~ ^/spilled/business/[^/]+$ {
                auth_gateway_token business;
                auth_gateway_business_path /spilled/business/<business_id>;
            }
        }

        location = /mirror { return 204; }

        location /kept/ {
            client_body_buffer_size 8;
            client_body_temp_path %%PREFIX%%/tmp/kept;

            location = /kept/partner { auth_gateway_token partner; }

            location ~ ^/kept/business/[^/]+$ {
                auth_gateway_token business;
                auth_gateway_business_path /kept/business/<business_id>;
            }
        }

        location /kept/always/ {
            client_body_buffer_size 8;
            client_body_temp_path %%PREFIX%%/tmp/kept;
            client_body_in_file_only on;

            location = /kept/always/partner { auth_gateway_token partner; }
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $prefix = $gw->prefix;
my $partner = $gw->partner;
my ($id, $key) = @$partner{qw(id key)};
my $business = $gw->business($partner);
my $token = $gw->mint(partner_id => $id);

my $to_partner = '/tokens/partner';
my $to_business = "/tokens/business/$business";
my $basic = AGW::Gateway::basic($id, $key);
my $bearer = AGW::Gateway::bearer($token);

my @grant = (['grant_type', 'client_credentials']);
my @post = (['client_id', $id], ['client_secret', $key]);

# no worker writes here: one that tries says so as a CRIT

my $kept = "$prefix/tmp/kept";

chown 0, 0, $kept if $> == 0;
chmod 0500, $kept or die "$kept: $!";

# pairs of name and value, encoded; each returns (Content-Type, body)

my $boundary = 'bOuNdArY-1';

my %types = (
    form => sub {
        return ('application/x-www-form-urlencoded', join '&', map {
            join '=', map { s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger }
                @$_
        } @_);
    },

    json => sub {
        my $json = JSON->new->utf8->allow_nonref;

        return ('application/json', '{' . join(', ', map {
            join ': ', map { $json->encode(Encode::decode('UTF-8', $_)) } @$_
        } @_) . '}');
    },

    multipart => sub {
        return ("multipart/form-data; boundary=$boundary", join '', (map {
            "--$boundary\r\nContent-Disposition: form-data; name=\"$_->[0]\""
                . "\r\n\r\n$_->[1]\r\n"
        } @_), "--$boundary--\r\n");
    },
);

my @types = sort keys %types;

# ways to send a body; small => n splits it so

my %ways = (
    'Content-Length' => {},
    'Content-Length, in small writes' => { small => 5 },
    'chunked' => { chunk => 1000 },
    'chunked, in small writes' => { chunk => 7, small => 4 },
    'HTTP/2' => { h2 => 1 },
    'HTTP/2, in small frames' => { h2 => 1, small => 5 },
    'HTTP/2, with its length' => { h2 => 1, length => 1 },
    'HTTP/2, with its length, in small frames' =>
        { h2 => 1, length => 1, small => 5 },
);

sub pieces {
    my ($bytes, $size) = @_;

    return $size ? unpack "(a$size)*", $bytes : $bytes;
}


# post(url, [header lines], body, way): the response

sub post {
    my ($url, $lines, $body, $way) = @_;

    my %how = %{ $ways{ $way // 'Content-Length' } };
    my $small = length $body > 2000 ? $how{small} && 600 : $how{small};

    $gw->mark;

    if ($how{h2}) {
        my $h2 = $gw->connect_h2;
        my @headers = map { [lc $1, $2] if /^([^:]+): ?(.*)/s } @$lines;

        push @headers, ['content-length', length $body] if $how{length};

        my $stream = $h2->start('POST', $url, headers => \@headers,
            end => 0);
        my @pieces = pieces($body, $small);

        for my $i (0 .. $#pieces) {
            $h2->data($stream, $pieces[$i], $i == $#pieces);
            sleep 0.001;
        }

        $h2->data($stream, '', 1) unless @pieces;

        my $response = $h2->response($stream);

        $h2->close;

        return $response;
    }

    my $wire = $how{chunk}
        ? join('', map { sprintf "%x\r\n%s\r\n", length, $_ }
            grep { length } pieces($body, $how{chunk})) . "0\r\n\r\n"
        : $body;
    my $head = join "\r\n", "POST $url HTTP/1.1", 'Host: localhost',
        $how{chunk} ? 'Transfer-Encoding: chunked'
            : 'Content-Length: ' . length $wire, @$lines, '', '';
    my $client = $gw->connect;

    if ($small) {
        $client->send($head);

        for (pieces($wire, $small)) {
            sleep 0.001;
            $client->send($_);
        }

    } else {
        $client->send($head . $wire);
    }

    my $response = $client->response;

    $client->close;

    return $response;
}


# ask(type, [pairs], options): url, auth (a header line or undef), way

sub ask {
    my ($type, $pairs, %opt) = @_;

    my ($content_type, $body) = $types{$type}->(@$pairs);

    return ask_raw($content_type, $body, %opt);
}


sub ask_raw {
    my ($content_type, $body, %opt) = @_;

    my $auth = exists $opt{auth} ? $opt{auth} : $basic;

    return post($opt{url} // $to_partner, [
        defined $auth ? $auth : (),
        defined $content_type ? "Content-Type: $content_type" : (),
    ], $body, $opt{way});
}


sub granted {
    my ($name, $response) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $json = $response && $response->json;

    ok($response && $response->status == 200 && $json->{access_token}, $name)
        or diag($response ? $response->status . $response->body : 'nothing',
            $gw->log_text);
    $gw->keep_secret($json->{access_token} // '') if ref $json;

    return $json // {};
}


# a JSON body that is none of ours is body_not_json, others invalid_request

sub refused {
    my ($name, $response, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return $gw->refused($name, $response, $reason, by => 'basic',
        scope => undef, %opt);
}


sub bad {
    my ($type) = @_;

    return $type eq 'json' ? 'body_not_json' : 'invalid_request';
}

# bytes in the name of a test

sub shown {
    my ($bytes) = @_;

    return $bytes =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;
}

$gw->good_is(sub {
    return $gw->request('POST', $to_partner, quiet => 1, basic => [$id, $key],
        form => 'grant_type=client_credentials')->status == 200;
});


# each type at each endpoint, in every way

for my $type (@types) {
    for my $way (sort keys %ways) {
        my $json = granted("P1.5 partner token: $type, $way",
            ask($type, [@grant, ['scope', 'reports']], way => $way));

        is($json->{scope}, 'reports', "P1.5 and it was read: $type, $way");

        granted("P1.2 client_secret_post: $type, $way",
            ask($type, [@grant, @post], way => $way, auth => undef));

        $json = granted("P2.6 business token: $type, $way",
            ask($type, [@grant, ['session_duration', 77]], way => $way,
                url => $to_business, auth => $bearer));

        is($json->{expires_in}, 77, "P2.6 and it was read: $type, $way");

        refused("P1.3 and what it says counts: $type, $way",
            ask($type, [['grant_type', 'password']], way => $way),
            'unsupported_grant_type');
    }
}


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


# P1.4, in each type

for my $type (@types) {
    for (['known', @grant, @grant], ['known, another value', @grant,
            ['grant_type', 'password']],
        ['known, once empty', @grant, ['grant_type', '']],
        ['unknown', ['x', 1], ['x', 2]],
        ['unknown, both empty', ['x', ''], ['x', '']],
        ['far apart', ['x', 1], ['y', 1], @grant, ['z', 1], ['x', 1]],
        ['with a space', ['a b', 1], ['a b', 2]],
        ['outside ASCII', ["\xc3\xa9", 1], ["\xc3\xa9", 2]],
        ['empty names', ['', 1], ['', 2]],
        ['client_id', $post[0], $post[0]])
    {
        my ($name, @pairs) = @$_;

        refused("P1.4 repeated parameter, $name: $type",
            ask($type, \@pairs), 'invalid_request', also => [bad($type)]);
        refused("P1.4 repeated parameter, $name, business: $type",
            ask($type, \@pairs, url => $to_business, auth => $bearer),
            'invalid_request', also => [bad($type)], by => 'bearer');
    }

    refused("P1.4 repeated client_secret: $type", ask($type,
        [@post, $post[1]], auth => undef), 'invalid_request',
        also => [bad($type)]);
    refused("P1.4 repeated session_duration: $type", ask($type,
        [['session_duration', 60], ['session_duration', 60]],
        url => $to_business, auth => $bearer), 'invalid_request',
        also => [bad($type)], by => 'bearer');

    granted("P1.4 names in another case are others: $type", ask($type,
        [@grant, ['GRANT_TYPE', 'x'], ['Scope', 'x'], ['x', 1], ['X', 1]]));
    granted("P1.4 unknown ones are ignored: $type", ask($type,
        [['resource', 'a'], @grant, ['audience', ''], ['', 'x'],
            ["\xf0\x9f\x98\x80", "\xe2\x82\xac"]]));
    granted("P1.4 empty ones are absent: $type",
        ask($type, [['grant_type', ''], ['scope', ''], ['client_id', '']]));
    granted("P1.4 an empty session_duration is an absent one: $type",
        ask($type, [['session_duration', '']], url => $to_business,
            auth => $bearer));
}

# compared after decoding

for (['form', 'application/x-www-form-urlencoded',
        'grant_type=client_credentials&grant%5Ftype=client_credentials'],
    ['form, a space', 'application/x-www-form-urlencoded',
        'a+b=1&a%20b=2'],
    ['form, without a value', 'application/x-www-form-urlencoded', 'x&x'],
    ['json', 'application/json', '{"grant_type": "client_credentials",'
        . ' "grant\u005ftype": "client_credentials"}'],
    ['json, surrogates', 'application/json',
        "{\"\xf0\x9f\x98\x80\": 1, \"\\ud83d\\ude00\": 2}"],
    ['json, of two types', 'application/json', '{"x": 1, "x": "1"}'],
    ['json, deep within', 'application/json', '{"x": {"y": 1, "y": 1}}'],
    ['multipart, quoted and not', "multipart/form-data; boundary=b", join '',
        (map { "--b\r\nContent-Disposition: form-data; name=$_\r\n\r\n1\r\n" }
        'x', '"x"'), "--b--\r\n"])
{
    my ($name, $type, $body) = @$_;

    refused("P1.4 repeated parameter, decoded: $name",
        ask_raw($type, $body), 'invalid_request',
        also => ['body_not_json']);
}

granted('P1.4 unknown members of any type', ask_raw('application/json',
    '{"a": null, "b": [1, {"c": {}}], "d": 1.5, "e": true, "f": -7, "g": {}}'
));


# P1.5: the type

my ($form, $json, $multipart) = map { ($types{$_}->(@grant,
    ['scope', 'reports']))[1] } qw(form json multipart);

for (['application/x-www-form-urlencoded', $form],
    ['application/json', $json],
    ["multipart/form-data; boundary=$boundary", $multipart])
{
    my ($type, $body) = @$_;
    my ($bare, $parameter) = $type =~ /^([^;]+)(.*)/;

    for my $spelled ("\U$bare\E$parameter", "\u$bare$parameter",
        "$type; charset=UTF-8", "$type;charset=utf-8", "$type ; a=\"b;c\"",
        "$type;", "$type\t;\tx=y", "$bare; charset=UTF-8$parameter",
        "$bare; x=\"a;b\"$parameter")
    {
        is(granted("P1.5 $spelled", ask_raw($spelled, $body))->{scope},
            'reports', 'P1.5 and it was read');
    }
}

for ("multipart/form-data; boundary=\"$boundary\"",
    "multipart/form-data; Boundary=$boundary",
    "multipart/form-data; charset=x; BOUNDARY=\"$boundary\"; x=y")
{
    is(granted("P1.5 $_", ask_raw($_, $multipart))->{scope}, 'reports',
        'P1.5 and it was read');
}

for ('text/plain', 'text/json', 'application/xml', 'application/jsonp',
    'application/json2', 'application/vnd.api+json', 'application/x-json',
    'application', 'json', 'application/json, application/json',
    'application/json x', 'x-application/json', 'multipart/mixed',
    "multipart/mixed; boundary=$boundary", 'multipart/form-data2',
    'application/x-www-form-urlencoded2', 'application/x-www-form',
    '; application/json', 'application/octet-stream', '', undef)
{
    for my $body ($form, $json, $multipart) {
        refused('P1.5 a body of ' . ($_ // 'no type') . ', '
            . substr($body, 0, 3), ask_raw($_, $body), 'invalid_request');
    }
}

for my $boundary ('', '; boundary=', '; boundary=""', '; boundary=other',
    "; x=\"\\\"\"; boundary=$boundary", "; boundary=\"$boundary \"",
    "; boundary=$boundary; boundary=$boundary", "; boundary=\"$boundary",
    "; boundary=${boundary}x", '; boundary=' . 'x' x 71,
    "; xboundary=$boundary")
{
    refused("P1.5 multipart/form-data$boundary",
        ask_raw("multipart/form-data$boundary", $multipart),
        'invalid_request');
}

# an empty body of any type is an absent one

for my $type ('application/x-www-form-urlencoded', 'application/json',
    "multipart/form-data; boundary=$boundary", 'multipart/form-data',
    'text/plain', 'nonsense', '', undef)
{
    for my $way ('Content-Length', 'chunked', 'HTTP/2') {
        granted('P1.5 an empty body of ' . ($type // 'no type')
            . ", $way", ask_raw($type, '', way => $way));
        granted('P2.6 an empty body of ' . ($type // 'no type')
            . ", $way", ask_raw($type, '', way => $way,
            url => $to_business, auth => $bearer));
    }
}

granted('P1.5 an empty object', ask_raw('application/json', '{}'));
granted('P1.5 an object in white space',
    ask_raw('application/json', " \r\n\t{ }\n"));
granted('P1.5 no parts', ask_raw("multipart/form-data; boundary=b",
    "--b--\r\n"));
granted('P1.5 no parts, no line break at the end',
    ask_raw("multipart/form-data; boundary=b", '--b--'));
granted('P1.5 a form of nothing but separators',
    ask_raw('application/x-www-form-urlencoded', '&&&'));

# malformed

for my $body (' ', '[]', '"x"', 'null', '1', '{', '}', '{"a"}', '{"a": }',
    '{"a": 1,}', '{"a": 1} x', '{"a": 1}{}', '{a: 1}', "{'a': 1}",
    '{"a": 01}', '{"a": NaN}', '{"a": "\x"}', "{\"a\": \"\n\"}",
    "\xef\xbb\xbf{}", "{}\0", "{\"a\": \"\0\"}", '{"a": "\u0000"}',
    '{"\u0000": 1}', '{"a": "\ud800"}', "{\"a\": \"\xff\"}",
    "{\"\xc0\xae\": 1}", '{"a": 1} // x', "{\0\"\0a\0\"\0:\0001\0}\0",
    "\xff\xfe{\0}\0", '{"a":' x 20 . '1' . '}' x 20, '[' x 8000,
    '{"a": ' . '[' x 2000 . ']' x 2000 . '}', $form, $multipart)
{
    my $shown = shown(substr $body, 0, 30);

    refused("P1.5 malformed JSON: $shown",
        ask_raw('application/json', $body), 'body_not_json');
}

for my $body ('%', 'x=%', 'x=%4', '%zz=1', 'x=%ff', 'x=%00', "x=\0", '%00=x',
    "x=\xff", 'x=%c0%ae', 'grant_type=%c3')
{
    my $shown = shown($body);

    refused("P1.5 malformed form: $shown", ask_raw(
        'application/x-www-form-urlencoded', $body), 'invalid_request');
}

{
    my $part = sub {
        my ($headers, $value) = @_;

        return "--b\r\n$headers\r\n\r\n" . ($value // '1') . "\r\n";
    };
    my $x = 'Content-Disposition: form-data; name="x"';
    my $good = $part->($x);
    my $end = "--b--\r\n";

    granted('P1.5 multipart: a good one',
        ask_raw('multipart/form-data; boundary=b', $good . $end));

    for (['no end', $good], ['cut in the end', "$good--b"],
        ['cut in the end, one hyphen', "$good--b-"],
        ['cut in a value', "--b\r\n$x\r\n\r\n1"],
        ['cut in a header', "--b\r\n$x"], ['cut behind it', "--b\r\n$x\r\n"],
        ['something in front', "x\r\n$good$end"],
        ['something behind', "$good${end}x"],
        ['a second body behind', "$good$end$good$end"],
        ['another boundary', $good =~ s/--b/--c/r . $end],
        ['line feeds alone', ($good . $end) =~ s/\r//gr],
        ['a file', $part->("$x; filename=\"y\"") . $end],
        ['a file of another kind', $part->("$x; filename*=UTF-8''y") . $end],
        ['an encoding', $part->("$x\r\nContent-Transfer-Encoding: base64")
            . $end],
        ['no disposition', $part->('Content-Type: text/plain') . $end],
        ['two dispositions', $part->("$x\r\n$x") . $end],
        ['no name', $part->('Content-Disposition: form-data') . $end],
        ['another disposition',
            $part->('Content-Disposition: attachment; name="x"') . $end],
        ['a name with an escape',
            $part->('Content-Disposition: form-data; name="a\\"b"') . $end],
        ['a header without a colon', $part->("$x\r\nno header") . $end],
        ['a folded header', $part->("$x\r\n  folded") . $end],
        ['a NUL in a value', $part->($x, "a\0b") . $end],
        ['invalid UTF-8 in a value', $part->($x, "\xff") . $end],
        ['a delimiter where a value begins', $part->($x, '--b') . $end],
        ['a delimiter among the headers', $part->("$x\r\n--b: 1") . $end],
        ['a space before a colon', $part->("$x\r\nX : 1") . $end],
        ['a name that is no token',
            $part->('Content-Disposition: form-data; name=a/b') . $end],
        ['an end inside of it', "$good--bx\r\n$end"])
    {
        refused("P1.5 malformed multipart: $_->[0]", ask_raw(
            'multipart/form-data; boundary=b', $_->[1]), 'invalid_request');
    }

    # what a value may hold all the same

    for my $value ('--c', 'x--b', "\n--b", "\r\n", "a\r\n--", "a\r\n\r\nb", '-', "\r",
        "x\r\n-b--", '')
    {
        my $with = $gw->partner(key => $value . api_key());
        my $body = join '', $part->($x =~ s/"x"/client_id/r, $with->{id}),
            $part->($x =~ s/"x"/client_secret/r, $with->{key}), $end;
        my $shown = shown($value);

        granted("P1.5 multipart: a value with $shown", ask_raw(
            'multipart/form-data; boundary=b', $body, auth => undef));
    }
}


# P3.2, here by P2.6

sub business {
    my (%opt) = @_;

    return (url => $to_business, auth => $bearer, %opt);
}

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


# real clients

my $base = 'https://localhost:' . $gw->nginx->port('TLS');
my %calls = (
    base => $base, id => $id, key => $key, business => $business,
    token => $token,
);

sub run {
    my ($env, @command) = @_;

    local %ENV = (%ENV, %$env);

    delete $ENV{LD_PRELOAD};

    my $pid = open my $out, '-|';

    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        exec @command or POSIX::_exit(127);
    }

    my $said = do { local $/; readline($out) // '' };

    close $out;

    return $said;
}


# each line is a name, a tab and a body

sub results_of {
    my ($client, $count, $said) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @lines = grep { /\S/ } split /\n/, $said;

    is(@lines, $count, "P10 $client: all calls were made") or diag($said);

    for (@lines) {
        my ($name, $body) = split /\t/, $_, 2;
        my $json = eval { JSON::decode_json($body // '') } // {};

        ok($json->{access_token}, "P10 $client: $name") or diag($_);
        is($json->{expires_in}, 120, "P10 $client: $name, its life")
            if $name =~ /business/;
    }

    return;
}

{
    my %env = (
        CURL_CA_BUNDLE => "$prefix/cert.pem",
        map { uc $_ => $calls{$_} } keys %calls,
    );

    results_of('curl', 14, run(\%env, 'sh', '-c', <<'SH'));
partner() {
    printf '%s\t' "$1"
    shift
    curl -sS "$@" "$BASE/tokens/partner"
    echo
}
business() {
    printf 'business %s\t' "$1"
    shift
    curl -sS -H "Authorization: Bearer $TOKEN" "$@" \
        "$BASE/tokens/business/$BUSINESS"
    echo
}
json="{\"grant_type\": \"client_credentials\", \"client_id\": \"$ID\""
json="$json, \"client_secret\": \"$KEY\"}"

for version in --http1.1 --http2; do
    partner "-d $version" $version -d grant_type=client_credentials \
        --data-urlencode "client_id=$ID" --data-urlencode "client_secret=$KEY"
    partner "-F $version" $version -F grant_type=client_credentials \
        -F "client_id=$ID" -F "client_secret=$KEY"
    partner "-F with Basic $version" $version -u "$ID:$KEY" \
        -F 'grant_type=client_credentials;type=text/plain; charset=utf-8'
    partner "JSON $version" $version -H 'Content-Type: application/json' \
        -d "$json"
    business "-F $version" $version -F session_duration=120
    business "JSON $version" $version -H 'Content-Type: application/json' \
        -d '{"session_duration": 120}'
done

partner 'JSON, chunked' --http1.1 -H 'Content-Type: application/json' \
    -H 'Transfer-Encoding: chunked' -d "$json"
partner '-F, Expect' --http1.1 -H 'Expect: 100-continue' \
    -F "client_id=$ID" -F "client_secret=$KEY"
SH
}

spew("$prefix/calls.json", JSON->new->encode(\%calls), 0644);

SKIP: {
    my ($python) = grep {
        system("$_ -c 'import requests' 2>/dev/null") == 0
    } '/usr/bin/python3', 'python3';

    skip 'no Python with requests', 1 unless $python;

    spew("$prefix/client.py", <<'PYTHON', 0644);
import json, sys
import requests

c = json.load(open(sys.argv[1]))
grant = {"grant_type": "client_credentials"}
post = {"client_id": c["id"], "client_secret": c["key"]}
bearer = {"Authorization": "Bearer " + c["token"]}


def parts(pairs):
    return {name: (None, value) for name, value in pairs.items()}


def partner(name, **how):
    print(name, requests.post(c["base"] + "/tokens/partner", **how).text,
        sep="\t")


def business(name, **how):
    url = c["base"] + "/tokens/business/" + c["business"]
    print("business", name + "\t" +
        requests.post(url, headers=bearer, **how).text)


partner("data=", data={**grant, **post})
partner("json=", json={**grant, **post})
partner("files=", files=parts({**grant, **post}))
partner("files= with Basic", files=parts(grant), auth=(c["id"], c["key"]))
partner("chunked", data=iter([b'{"grant_type": "client_',
    b'credentials"}']), auth=(c["id"], c["key"]),
    headers={"Content-Type": "application/json"})
business("data=", data={"session_duration": 120})
business("json=", json={"session_duration": 120})
business("files=", files=parts({"session_duration": "120"}))
PYTHON

    results_of('Python requests', 8, run(
        { REQUESTS_CA_BUNDLE => "$prefix/cert.pem" },
        $python, "$prefix/client.py", "$prefix/calls.json"));
}

SKIP: {
    skip 'no node with fetch', 1
        unless system("node -e 'fetch.name' 2>/dev/null") == 0;

    spew("$prefix/client.mjs", <<'NODE', 0644);
import { readFileSync } from 'node:fs';

const c = JSON.parse(readFileSync(process.argv[2]));
const post = { grant_type: 'client_credentials', client_id: c.id,
    client_secret: c.key };
const json = { 'Content-Type': 'application/json' };

function parts(pairs) {
    const form = new FormData();

    for (const [name, value] of Object.entries(pairs)) {
        form.append(name, value);
    }

    return form;
}

async function ask(name, path, options) {
    const response = await fetch(c.base + path,
        { method: 'POST', ...options });

    console.log(`${name}\t${await response.text()}`);
}

const partner = (name, options) => ask(name, '/tokens/partner', options);

const business = (name, { headers, ...options }) => ask(`business ${name}`,
    `/tokens/business/${c.business}`, { ...options,
        headers: { ...headers, Authorization: `Bearer ${c.token}` } });

await partner('URLSearchParams', { body: new URLSearchParams(post) });
await partner('JSON', { headers: json, body: JSON.stringify(post) });
await partner('FormData', { body: parts(post) });
await partner('a stream', { headers: json, duplex: 'half',
    body: new Blob([JSON.stringify(post)]).stream() });
await business('URLSearchParams',
    { body: new URLSearchParams({ session_duration: 120 }) });
await business('JSON', { headers: json,
    body: JSON.stringify({ session_duration: 120 }) });
await business('FormData', { body: parts({ session_duration: 120 }) });
NODE

    results_of('JavaScript fetch', 7, run(
        { NODE_EXTRA_CA_CERTS => "$prefix/cert.pem" },
        'node', "$prefix/client.mjs", "$prefix/calls.json"));
}

$gw->finish;
