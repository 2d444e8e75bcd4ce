# D6: what conf/guarded_*.conf send upstream by each protocol, and what
# they keep from it.  A proxy_set_header has no effect on the others, where
# every header of the client's went up: its X-Business-Id, its method override
# and its token.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::CgiUpstream;
use AGW::Files qw(make_prefix);
use AGW::Gateway;

my %pass = (
    proxy => 'proxy_pass http://127.0.0.1:%%UPSTREAM%%',
    grpc => 'grpc_pass grpc://127.0.0.1:%%PORT%%',
    fastcgi => 'fastcgi_pass 127.0.0.1:%%FASTCGI%%',
    uwsgi => 'uwsgi_pass 127.0.0.1:%%UWSGI%%',
    scgi => 'scgi_pass 127.0.0.1:%%SCGI%%',
);
my @protocols = sort keys %pass;

# one location a protocol for a business, for a partner, and for anybody

my $locations = join '', map { <<"CONF" } @protocols;
        location /$_/ {
            auth_gateway_business_path /$_/<business_id>;
            include %%CONF%%/guarded_$_.conf;
            $pass{$_};
        }

        location /partners/$_/ {
            auth_gateway_require partner;
            include %%CONF%%/guarded_$_.conf;
            $pass{$_};
        }

        location /open/$_/ {
            auth_gateway_require off;
            include %%CONF%%/guarded_$_.conf;
            $pass{$_};
        }
CONF

my $conf = <<"CONF";
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    underscores_in_headers on;
    proxy_http_version 1.1;

    # what is above has no effect in the locations below

    include /etc/nginx/fastcgi_params;
    include /etc/nginx/uwsgi_params;
    include /etc/nginx/scgi_params;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        server_name gateway.example localhost;

        auth_gateway_require business owner;

$locations

        # set beside the include, as behind a balancer

        location /beside/proxy/ {
            auth_gateway_business_path /beside/proxy/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-Forwarded-Proto \$scheme;
            $pass{proxy};
        }

        location /beside/grpc/ {
            auth_gateway_business_path /beside/grpc/<business_id>;
            include %%CONF%%/guarded_grpc.conf;
            grpc_set_header X-Forwarded-Proto \$scheme;
            $pass{grpc};
        }

        location /beside/fastcgi/ {
            auth_gateway_business_path /beside/fastcgi/<business_id>;
            include %%CONF%%/guarded_fastcgi.conf;
            fastcgi_param HTTP_X_FORWARDED_PROTO \$scheme;
            $pass{fastcgi};
        }

        location /beside/uwsgi/ {
            auth_gateway_business_path /beside/uwsgi/<business_id>;
            include %%CONF%%/guarded_uwsgi.conf;
            uwsgi_param HTTP_X_FORWARDED_PROTO \$scheme;
            $pass{uwsgi};
        }

        location /beside/scgi/ {
            auth_gateway_business_path /beside/scgi/<business_id>;
            include %%CONF%%/guarded_scgi.conf;
            scgi_param HTTP_X_FORWARDED_PROTO \$scheme;
            $pass{scgi};
        }
    }

    # the gRPC upstream; it sends on each header that it received

    server {
        listen 127.0.0.1:%%PORT%% http2;
        ignore_invalid_headers off;

        location / {
            proxy_set_header X-Protocol \$server_protocol;
            proxy_set_header X-Host-Seen \$http_host;
            proxy_set_header X-Upgrade \$http_upgrade;
            proxy_set_header X-Connection \$http_connection;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $directory = make_prefix();
my %cgi = map {
    $_ => AGW::CgiUpstream->start($_, "$directory/$_.jsonl")
} qw(fastcgi uwsgi scgi);

my $gw = AGW::Gateway->start($conf,
    names => { map { uc $_ => $cgi{$_}->port } keys %cgi });

my $partner = $gw->partner;
my $business = $gw->business($partner);
my $token = $gw->mint(partner_id => $partner->{id},
    business_id => $business);
my $unscoped = $gw->mint(partner_id => $partner->{id});

$gw->good_is(sub {
    return $gw->request('GET', "/proxy/$business", bearer => $token,
        quiet => 1)->status == 200;
});


# One request on a connection of its own.  Returns what the upstream of that
# protocol received: { names => { name => [values] } }, where names are those
# of CGI whatever the protocol, and all, its bytes.

sub seen {
    my ($protocol, $target, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $upstream = $cgi{$protocol} // $gw->upstream;
    my $mark = $upstream->mark;
    my $response = $opt{by} ? $opt{by}->($target)
        : $gw->request('GET', $target, quiet => 1, %opt);

    is($response->status, 200, "D6 $protocol, $target arrives");

    my ($request) = $upstream->since($mark);
    my %names;

    push @{ $names{ $_->[0] } }, $_->[1] for $request->{params}
        ? @{ $request->{params} }
        : map {
            my $name = $_;
            map { ['HTTP_' . uc $name =~ tr/-/_/r, $_] }
                @{ $request->{headers}{$name} }
        } keys %{ $request->{headers} };

    return {
        %$request, names => \%names, all => $request->{head},
    };
}

# every way to write a name: "-" or "_", in three cases

sub spellings {
    my ($name) = @_;

    my ($first, @rest) = split /-/, $name;
    my @spellings = ($first);

    for my $part (@rest) {
        @spellings = map { ("$_-$part", "${_}_$part") } @spellings;
    }

    return map { ($_, lc, uc) } @spellings;
}

# whose request it is: the target, the bearer, partner and business

my @callers = map {
    my $protocol = $_;

    (
        [$protocol, "/$protocol/$business/x", $token,
            [$partner->{id}], [$business]],
        [$protocol, "/$protocol/$business/x", $unscoped,
            [$partner->{id}], [$business]],
        [$protocol, "/partners/$protocol/x", $unscoped,
            [$partner->{id}], undef],
        [$protocol, "/open/$protocol/x", undef, undef, undef],
    );
} @protocols;

# An authorised client says that it is somebody else: once, twice, in every
# spelling, before its token and after it.

for (@callers) {
    my ($protocol, $target, $bearer, @identity) = @$_;

    for my $name ('X-Partner-Id', 'X-Business-Id') {
        my @claims = map { "$_: evil-$_" } spellings($name);
        my $seen = seen($protocol, $target, bearer => $bearer,
            headers => [@claims, @claims]);

        is_deeply([@{ $seen->{names} }{qw(HTTP_X_PARTNER_ID
            HTTP_X_BUSINESS_ID)}], \@identity,
            "D6 $protocol, $target, $name: who it is");
        unlike($seen->{all}, qr/evil/i,
            "D6 $protocol, $target, $name: in no spelling");
    }
}

for my $name (map { spellings($_) } 'X-Partner-Id', 'X-Business-Id') {
    for my $protocol (@protocols) {
        my $seen = seen($protocol, "/$protocol/$business/x",
            bearer => $token, headers => ["$name: evil"]);

        is_deeply([@{ $seen->{names} }{qw(HTTP_X_PARTNER_ID
            HTTP_X_BUSINESS_ID)}], [[$partner->{id}], [$business]],
            "D6 $protocol, $name alone");
        unlike($seen->{all}, qr/evil/, "D6 $protocol, $name alone is gone");
    }
}

# each header that is for nobody behind us

for my $protocol (@protocols) {
    for my $name (qw(X-Original-URL X-Original-URI X-Rewrite-URL
        X-Override-URL X-Forwarded-Uri X-Forwarded-Path X-Forwarded-Prefix
        X-Forwarded-Host Forwarded Destination X-HTTP-Method
        X-HTTP-Method-Override X-Method-Override HTTP2-Settings Proxy))
    {
        my @lines = map { "$_: evil-$_" } spellings($name);
        my $seen = seen($protocol, "/$protocol/$business/x",
            bearer => $token, headers => [@lines, $lines[0]]);

        is($seen->{names}{ 'HTTP_' . uc $name =~ tr/-/_/r }, undef,
            "D6 $protocol, $name is kept back");
        unlike($seen->{all}, qr/evil/i,
            "D6 $protocol, $name, in every spelling");
    }
}

# the token, whoever looks at it, and what else Authorization may hold

for (@callers) {
    my ($protocol, $target, $bearer) = @$_;
    my $open = $target =~ /^\/open/;
    my $seen = seen($protocol, $target,
        bearer => $open ? $token : $bearer);

    is_deeply([grep { /AUTH|REMOTE_USER/ } keys %{ $seen->{names} }], [],
        "D6 $protocol, $target: no Authorization");
    unlike($seen->{all}, qr/\Q@{[ $open ? $token : $bearer ]}/,
        "D6 $protocol, $target: no token");

    next unless $open;

    $seen = seen($protocol, $target, basic => ['admin', 'password']);
    is_deeply([grep { /AUTH|REMOTE_USER/ } keys %{ $seen->{names} }], [],
        "D6 $protocol, $target: nobody is REMOTE_USER by a Basic name");
    unlike($seen->{all}, qr/admin|YWRtaW/,
        "D6 $protocol, $target: and no credentials");
}

# other headers arrive

for my $protocol (@protocols) {
    my $seen = seen($protocol, "/$protocol/$business/x", bearer => $token,
        headers => ['X-Trace: 7', 'Cookie: a=b']);

    is_deeply([@{ $seen->{names} }{qw(HTTP_X_TRACE HTTP_COOKIE)}],
        [['7'], ['a=b']], "D6 $protocol: other headers arrive");
}

# The host: the upstream's own, or, where a protocol has none, the one by
# which nginx chose the server, and once.

{
    my $upstream = '127.0.0.1:' . $gw->upstream->port;
    my $grpc = '127.0.0.1:' . $gw->nginx->port('PORT');
    my %host = (proxy => [$upstream], (map { $_ => ['gateway.example'] }
        keys %cgi));

    for my $protocol (@protocols) {
        my $client = sub {
            my ($target) = @_;

            my $client = $gw->connect;

            $client->send(join "\r\n",
                "GET https://Gateway.example:1$target HTTP/1.1",
                'Host: evil.example:2', 'X-Forwarded-Host: evil.example',
                AGW::Gateway::bearer($token), '', '');

            my $response = $client->response;

            $client->close;

            return $response;
        };
        my $seen = seen($protocol, "/$protocol/$business/x",
            by => $client);
        my $name = $protocol eq 'grpc' ? 'HTTP_X_HOST_SEEN' : 'HTTP_HOST';

        is_deeply($seen->{names}{$name}, $host{$protocol} // [$grpc],
            "D6 $protocol: the host, once");
        unlike($seen->{all}, qr/evil/, "D6 $protocol: and no other");
    }
}

# The parameters are all of these, and what they say of the path is what was
# checked: raw, or as nginx has normalised it.

{
    my @common = qw(CONTENT_LENGTH CONTENT_TYPE DOCUMENT_ROOT HTTPS
        HTTP_CONTENT_LENGTH HTTP_CONTENT_TYPE HTTP_HOST HTTP_X_BUSINESS_ID
        HTTP_X_PARTNER_ID QUERY_STRING REMOTE_ADDR REMOTE_PORT REQUEST_METHOD
        REQUEST_SCHEME REQUEST_URI SERVER_NAME SERVER_PORT SERVER_PROTOCOL);
    my %more = (
        fastcgi => [qw(DOCUMENT_URI GATEWAY_INTERFACE SCRIPT_NAME
            SERVER_ADDR SERVER_SOFTWARE)],
        uwsgi => ['PATH_INFO'],
        scgi => [qw(DOCUMENT_URI SCGI)],
    );

    for my $protocol (sort keys %cgi) {
        my $raw = "/$protocol/$business/a%20b/c%3Bd?x=%2F";
        my $seen = seen($protocol, $raw, by => sub {
            return $gw->request('POST', $_[0], bearer => $token,
                body => '{"a":1}', quiet => 1,
                headers => ['Content-Type: application/json']);
        });
        my $names = $seen->{names};

        is_deeply([sort keys %$names], [sort @common, @{ $more{$protocol} }],
            "D6 $protocol: all parameters");
        is_deeply([grep { @{ $names->{$_} } > 1 } sort keys %$names], [],
            "D6 $protocol: each once");
        is_deeply({ map { $_ => $names->{$_}[0] } grep {
                /^(?:REQUEST_|QUERY|CONTENT_|SERVER_NAME|SERVER_PRO|HTTPS)/
                || /^(?:SCRIPT_NAME|DOCUMENT_URI|PATH_INFO|SCGI)$/
            } keys %$names },
            {
                REQUEST_METHOD => 'POST', REQUEST_SCHEME => 'https',
                REQUEST_URI => $raw,
                QUERY_STRING => 'x=%2F', CONTENT_LENGTH => '7',
                CONTENT_TYPE => 'application/json', HTTPS => 'on',
                SERVER_NAME => 'gateway.example',
                SERVER_PROTOCOL => 'HTTP/1.1',
                ($protocol eq 'scgi' ? (SCGI => 1) : ()),
                map { $_ => "/$protocol/$business/a b/c;d" } grep {
                    /SCRIPT_NAME|DOCUMENT_URI|PATH_INFO/
                } @{ $more{$protocol} },
            }, "D6 $protocol: what they say");
        is($seen->{body}, '{"a":1}', "D6 $protocol: the body");
    }
}

# a WebSocket passes where the protocol can carry one, over HTTP/1.1 alone

{
    my %carries = map { $_ => 1 } qw(proxy uwsgi scgi);
    my $ask = sub {
        my ($version, @lines) = @_;

        return sub {
            my ($target) = @_;
            my $client = $gw->connect;

            $client->send(join "\r\n", "GET $target HTTP/$version",
                'Host: localhost', AGW::Gateway::bearer($token), @lines,
                '', '');

            my $response = $client->response;

            $client->close;

            return $response;
        };
    };
    my $h2 = sub {
        my ($target) = @_;
        my $client = $gw->connect_h2;
        my $response = $client->request('GET', $target, headers => [
            ['upgrade', 'websocket'], ['connection', 'upgrade'],
            ['authorization', "Bearer $token"]]);

        $client->close;

        return $response;
    };

    # nginx itself does since 1.31.0, and nothing goes up

    my $refuses = $h2->("/proxy/$business/x")->status == 400;
    my @websocket = ('Upgrade: websocket', 'Connection: Upgrade');

    for my $protocol (@protocols) {
        my $target = "/$protocol/$business/x";
        my $none = [undef, undef];
        my @names = map { $protocol eq 'grpc' ? "HTTP_X_$_" : "HTTP_$_" }
            qw(UPGRADE CONNECTION);

        for (
            ['HTTP/1.1', $ask->('1.1', @websocket),
                $carries{$protocol} ? [['websocket'], ['upgrade']] : $none],
            ['HTTP/1.1, WebSocket', $ask->('1.1', 'Upgrade: WebSocket',
                'Connection: keep-alive, Upgrade, X-Business-Id'),
                $carries{$protocol} ? [['websocket'], ['upgrade']] : $none],
            ['HTTP/1.0', $ask->('1.0', @websocket), $none],
            ['HTTP/2', $h2, $none],
            ['h2c', $ask->('1.1', 'Upgrade: h2c',
                'Connection: Upgrade, HTTP2-Settings',
                'HTTP2-Settings: AAMAAABkAAQAAP__'), $none],
            ['two protocols', $ask->('1.1', 'Upgrade: websocket, h2c',
                'Connection: Upgrade'), $none],
            ['Connection alone', $ask->('1.1',
                'Connection: close, X-Business-Id, X-Partner-Id'), $none],
        ) {
            my ($name, $by, $want) = @$_;

            next if $name eq 'HTTP/2' && $refuses;

            my $seen = seen($protocol, $target, by => $by);

            is_deeply([@{ $seen->{names} }{@names}], $want,
                "D6 $protocol, Upgrade by $name");
            is_deeply([@{ $seen->{names} }{qw(HTTP_X_PARTNER_ID
                HTTP_X_BUSINESS_ID HTTP_HTTP2_SETTINGS)}],
                [[$partner->{id}], [$business], undef],
                "D6 $protocol, Upgrade by $name: who it is");
        }
    }
}

# HTTP/2 to the client: lower-case names, and :authority for a host

for my $protocol (@protocols) {
    my $seen = seen($protocol, "/$protocol/$business/x", by => sub {
        my ($target) = @_;
        my $client = $gw->connect_h2;
        my $response = $client->request('GET', $target,
            authority => 'gateway.example', headers => [
                (map { [lc $_, 'evil'] } map { spellings($_) }
                    qw(X-Partner-Id X-Business-Id X-HTTP-Method-Override
                        X-Forwarded-Prefix X-Original-URL Proxy)),
                ['authorization', "Bearer $token"]]);

        $client->close;

        return $response;
    });

    is_deeply([@{ $seen->{names} }{qw(HTTP_X_PARTNER_ID
        HTTP_X_BUSINESS_ID)}], [[$partner->{id}], [$business]],
        "D6 $protocol from HTTP/2: who it is");
    unlike($seen->{all}, qr/evil|\Q$token/,
        "D6 $protocol from HTTP/2: and nothing else");
}

# Advisories of other gateways, by name, here with underscores_in_headers on.

for my $protocol (@protocols) {
    my $target = "/$protocol/$business/x";

    for (
        ['Traefik CVE-2024-52003', 'X-Forwarded-Prefix: //evil.example'],
        ['the same with "_"', 'X_Forwarded_Prefix: //evil.example'],
        ['oauth2-proxy CVE-2026-40575', 'X-Forwarded-Uri: /evil'],
        ['oauth2-proxy CVE-2025-64484', 'X_Business_Id: evil'],
        ['Fabio CVE-2025-48865, Traefik CVE-2024-45410',
            'Connection: close, X-Business-Id, X-Evil'],
        ['httpoxy, CVE-2016-5385', 'Proxy: http://evil.example'],
    ) {
        my ($name, $line) = @$_;
        my $seen = seen($protocol, $target, bearer => $token,
            headers => [$line]);

        is_deeply([@{ $seen->{names} }{qw(HTTP_X_PARTNER_ID
            HTTP_X_BUSINESS_ID)}], [[$partner->{id}], [$business]],
            "D6 $protocol, $name: who it is");
        unlike($seen->{all}, qr/evil/i, "D6 $protocol, $name: is kept back");
    }

    my $seen = seen($protocol, "/beside$target", bearer => $token,
        headers => [map { "$_: evil" } spellings('X-Forwarded-Proto')]);

    is_deeply($seen->{names}{HTTP_X_FORWARDED_PROTO}, ['https'],
        "D6 $protocol, X_Forwarded_Proto: the operator's own, once");
    unlike($seen->{all}, qr/evil/,
        "D6 $protocol, X_Forwarded_Proto: in no spelling");
}

# and what is refused reaches none of them

for my $protocol (@protocols) {
    my @marks = map { $_->mark } values %cgi;

    $gw->refused("D6 $protocol, another business",
        $gw->request('GET', "/$protocol/b-2/x", bearer => $token),
        'wrong_business');
    $gw->refused("D6 $protocol, nobody",
        $gw->request('GET', "/$protocol/$business/x",
            headers => ["X-Business-Id: $business"]), 'no_credentials');
    $gw->refused("D6 $protocol, an ambiguous path",
        $gw->request('GET', "/$protocol/b-2/..%2f$business/x",
            bearer => $token), 'ambiguous_path');
    is_deeply([map { $_->mark } values %cgi], \@marks,
        "D6 $protocol, nothing arrives");
}

$_->stop for values %cgi;
$gw->finish;
