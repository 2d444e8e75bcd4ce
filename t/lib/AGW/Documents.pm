package AGW::Documents;

# What holds for both documents that are published, the JWK Set and the
# metadata: methods, headers, preconditions, and who else may answer.

use strict;
use warnings;

use Exporter 'import';
use Test::More;

use AGW::Gateway;

our @EXPORT_OK = qw(document_is locations other_ways);


# Locations around one that answers by itself, by the directive's text.

sub locations {
    my ($directive) = @_;

    return <<"CONF" =~ s/^(?=.)/        /mgr;
location = /document { $directive }
location ~ ^/slash/?\$ { $directive }
location /prefix/ { $directive }

location = /if {
    $directive
    if (\$arg_x) { set \$y 1; }
}

location = /limited {
    $directive
    limit_except GET { deny all; }
}

location = /denied {
    deny all;
    $directive
}

location = /satisfied {
    satisfy any;
    deny all;
    $directive
}

location = /intercepted {
    auth_gateway_intercept_errors on;
    error_page 405 /sorry;
    $directive
}

location = /sorry {
    auth_gateway_require off;
    return 405 "sorry";
}

location = /over-http {
    auth_gateway_require_https off;
    $directive
}

location /missing/ {
    auth_gateway_require off;
    error_page 404 = /document;
    alias %%PREFIX%%/html/;
}

location /missing-named/ {
    auth_gateway_require off;
    error_page 404 =200 \@document;
    alias %%PREFIX%%/html/;
}

location \@document { $directive }

location /accel/ {
    auth_gateway_require off;
    proxy_pass http://127.0.0.1:%%UPSTREAM%%;
}

location = /sub {
    auth_gateway_require off;
    auth_request /document;
    proxy_pass http://127.0.0.1:%%UPSTREAM%%;
}

location / {
    proxy_pass http://127.0.0.1:%%UPSTREAM%%;
}
CONF
}


# asserts status, headers and body of a document as it is served

sub document_is {
    my ($name, $response, $type, $json) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my %want = (
        'Content-Type' => $type,
        'Cache-Control' => 'public, max-age=300',
        'Content-Length' => length $response->body,
    );
    my @problems;

    push @problems, 'status ' . $response->status
        if $response->status != 200;

    for (sort keys %want) {
        my $got = join ' | ', $response->header($_);

        push @problems, "$_ is $got, not $want{$_}" if $got ne $want{$_};
    }

    push @problems, 'ETag is ' . join ' | ', $response->header('ETag')
        if join('|', $response->header('ETag')) !~ /^"[\w-]{22}"$/;
    push @problems, map { "$_ is there" } grep { $response->header($_) }
        qw(Pragma Expires Last-Modified Set-Cookie WWW-Authenticate
        X-Accel-Redirect);

    ok(!@problems, $name) or diag(join "\n", @problems);

    return is_deeply($response->json, $json, "$name, its members");
}


# Everything that P0 and D3 say of an answering location, for one whose
# GET is as $is->(name, response) says; $type for HEAD's header.

sub other_ways {
    my ($gw, $rule, $is) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $ask = sub { return $gw->request(@_) };
    my $plain = $ask->('GET', '/document');
    my $etag = $plain->header('ETag');

    $gw->good_is(sub {
        return $gw->request('GET', '/document', quiet => 1)->body
            eq $plain->body;
    });

    $is->("$rule GET $_", $ask->('GET', $_)) for '/document',
        '/document?x=1', '/slash', '/slash/', '/prefix/', '/prefix/x',
        '/if', '/if?x=1', '/limited';
    is($ask->('GET', '/denied')->status, 403, "$rule deny all holds");
    is($ask->('GET', '/satisfied')->status, 403,
        "$rule satisfies nothing by itself");

    # whatever comes along

    $is->("$rule with $_", $ask->('GET', '/document', headers => [$_]))
        for 'Authorization: Bearer x', 'Authorization: Basic eDp5',
            'Authorization: x', 'If-None-Match: "x"', 'Accept: text/html',
            'If-Modified-Since: Mon, 01 Jan 2001 00:00:00 GMT',
            'If-None-Match: ' . substr($etag, 0, -2) . '"',
            'Range: bytes=0-1', 'X-HTTP-Method-Override: POST';

    # P0.3

    for (qw(POST PUT DELETE PATCH OPTIONS TRACE PROPFIND)) {
        my $response = $ask->($_, '/document');

        next if $_ eq 'TRACE' && is($response->status, 405,
            'P0.3 TRACE is refused by nginx');
        method_refused($gw, "P0.3 $_", $response);
    }

    method_refused($gw, "P0.3 POST $_", $ask->('POST', $_,
        form => 'a=b')) for '/document', '/if', '/if?x=1', '/prefix/x';
    is($ask->('POST', '/limited')->status, 403,
        'P0.3 limit_except comes first');

    {
        my $response = $ask->('POST', '/intercepted');

        is($response->status, 405, 'P0.3 intercepted, status');
        is($response->body, 'sorry', 'P0.3 intercepted, body');
        is($response->header('Allow'), 'GET, HEAD',
            'P0.3 intercepted, Allow');
    }

    my $head = $ask->('HEAD', '/document');

    is($head->status, 200, 'P0.3 HEAD');
    is_deeply([headers_of($head)], [headers_of($plain)],
        'P0.3 HEAD has the headers of GET');

    # preconditions

    for ($etag, "W/$etag", "\"x\", $etag", '*') {
        for my $method ('GET', 'HEAD') {
            my $response = $ask->($method, '/document',
                headers => ["If-None-Match: $_"]);

            is($response->status, 304, "$rule $method, If-None-Match: $_");
            is($response->header('ETag'), $etag, "$rule and its ETag");
            is($response->header('Cache-Control'), 'public, max-age=300',
                "$rule and for how long");
            is($response->body, '', "$rule and no body");
        }
    }

    bodies($gw, $rule, $is);
    elsewhere($gw, $rule, $is, $etag);

    return;
}


sub headers_of {
    my ($response) = @_;

    return sort map { "$_->[0]: $_->[1]" } grep { $_->[0] ne 'Date' }
        @{ $response->{headers} };
}


sub method_refused {
    my ($gw, $name, $response) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $gw->refused($name, $response, 'method_not_allowed', kid => undef,
        partner => undef, allow => 'GET, HEAD');

    return;
}


# P0.5: on one connection, the next request is read from its beginning

sub bodies {
    my ($gw, $rule, $is) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $hidden = "GET /document?hidden HTTP/1.1\r\nHost: x\r\n\r\n";

    for my $method ('GET', 'POST') {
        for my $size (0, 100, 20_000) {
            my $client = $gw->connect;
            my $response = $client->request($method, '/document',
                body => $hidden . 'x' x $size);

            is($response->status, $method eq 'GET' ? 200 : 405,
                "P0.5 $method with a body of $size and more");
            $is->('P0.5 and what comes next',
                $client->request('GET', '/document'))
                unless ($response->header('Connection') // '') eq 'close';
            $client->close;
        }
    }

    return;
}


# P0.6, strict paths, HTTP/2, and ways that lead here from elsewhere

sub elsewhere {
    my ($gw, $rule, $is, $etag) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $is->('P0.6 plain HTTP: no credentials are taken here',
        $gw->request('GET', $_, port => 'PLAIN'))
        for '/document', '/over-http';

    $gw->refused("D6 $_", $gw->request('GET', $_), 'ambiguous_path')
        for '//document', '/document//', '/prefix//x', '/prefix/%2e%2e/x',
        '/prefix/..;/x', '/prefix/a%2fb', '/prefix/a%5cb',
        '/prefix/%ff', '/prefix/../document';

    my $h2 = $gw->connect_h2;

    $gw->mark;

    my $response = $h2->request('GET', '/document');

    $is->("$rule HTTP/2", $response);
    is($h2->request('HEAD', '/document')->header('etag'), $etag,
        "$rule HTTP/2, HEAD");
    is($h2->request('GET', '/document',
        headers => [['if-none-match', $etag]])->status, 304,
        "$rule HTTP/2, If-None-Match");
    $gw->mark;
    method_refused($gw, 'P0.3 HTTP/2, POST',
        $h2->request('POST', '/document', body => 'a=b'));

    $is->("$rule an error page", $gw->request('GET', '/missing/x'));
    $is->("$rule a named error page",
        $gw->request('GET', '/missing-named/x'));
    $is->("$rule X-Accel-Redirect", $gw->request('GET', '/accel/x'));
    $is->("$rule the request after it", $gw->request('GET', '/document'));

    is($gw->request('GET', '/sub')->status, 403,
        "$rule refuses to be a subrequest");
    is(scalar $gw->upstream_saw, 0, "$rule and lets nothing through");

    return;
}


1;
