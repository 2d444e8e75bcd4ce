# P1.4, P1.5, P2.6: request parameters in each of the three types of body,
# however they are sent.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Bodies;
use AGW::Token qw(api_key);

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

    # what a value may hold all the same; a key that began with b would make
    # a delimiter of "\r\n--"

    for my $value ('--c', 'x--b', "\n--b", "\r\n", "a\r\n--", "a\r\n\r\nb", '-', "\r",
        "x\r\n-b--", '')
    {
        my $with = $gw->partner(key => $value . 'k' . api_key());
        my $body = join '', $part->($x =~ s/"x"/client_id/r, $with->{id}),
            $part->($x =~ s/"x"/client_secret/r, $with->{key}), $end;
        my $shown = shown($value);

        granted("P1.5 multipart: a value with $shown", ask_raw(
            'multipart/form-data; boundary=b', $body, auth => undef));
    }
}

$gw->finish;
