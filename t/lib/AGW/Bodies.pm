package AGW::Bodies;

# A gateway that is sent bodies: three types of them, in every way of sending
# one.  A test of bodies has all of this at hand.

use strict;
use warnings;

use Encode ();
use Exporter 'import';
use JSON ();
use Test::More;
use Time::HiRes qw(sleep);

use AGW::Gateway;

our @EXPORT = qw(
    $gw $prefix $partner $id $key $business $token $to_partner $to_business
    $basic $bearer @grant @post $kept $boundary %types @types %ways pieces
    post ask ask_raw granted refused bad shown business
);

# /tokens/ is an ordinary place; in /spilled/ nginx puts the body into a file
# first, for an upstream that is not there; in /kept/ nginx is told to use a file as soon
# as it can, and cannot write there.

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_partner_scope reports;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        location = /tokens/partner { auth_gateway_token partner; }

        location ~ ^/tokens/business/[^/]+$ {
            auth_gateway_token business;
            auth_gateway_business_path /tokens/business/<business_id>;
        }

        location /spilled/ {
            client_body_buffer_size 8;
            client_body_in_file_only on;
            client_body_temp_path %%PREFIX%%/tmp/spilled;
            proxy_pass http://127.0.0.1:1;
            error_page 502 = @partner;

            location /spilled/business/ {
                proxy_pass http://127.0.0.1:1;
                error_page 502 = @business;
            }
        }

        location @partner { auth_gateway_token partner; }

        location @business {
            auth_gateway_token business;
            auth_gateway_business_path /spilled/business/<business_id>;
        }

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

our @grant = (['grant_type', 'client_credentials']);

our ($gw, $prefix, $partner, $id, $key, $business, $token);
our ($to_partner, $to_business, $basic, $bearer, @post, $kept);

# not at compile time: a test whose syntax alone is looked at starts nothing

INIT {
    $gw = AGW::Gateway->start($conf);
    $prefix = $gw->prefix;
    $partner = $gw->partner;
    ($id, $key) = @$partner{qw(id key)};
    $business = $gw->business($partner);
    $token = $gw->mint(partner_id => $id);

    $to_partner = '/tokens/partner';
    $to_business = "/tokens/business/$business";
    $basic = AGW::Gateway::basic($id, $key);
    $bearer = AGW::Gateway::bearer($token);

    @post = (['client_id', $id], ['client_secret', $key]);

    $gw->good_is(sub {
        return $gw->request('POST', $to_partner, quiet => 1, basic => [$id, $key],
            form => 'grant_type=client_credentials')->status == 200;
    });

    # no worker writes here: one that tries says so as a CRIT

    $kept = "$prefix/tmp/kept";

    chown 0, 0, $kept if $> == 0;
    chmod 0500, $kept or die "$kept: $!";
}

# pairs of name and value, encoded; each returns (Content-Type, body)

our $boundary = 'bOuNdArY-1';

our %types = (
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

our @types = sort keys %types;

# ways to send a body; small => n splits it so

our %ways = (
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


sub business {
    my (%opt) = @_;

    return (url => $to_business, auth => $bearer, %opt);
}

1;
