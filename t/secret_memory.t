# What a request had of secrets leaves no trace in the worker: the API key,
# decoded; the body and its parameters; the token that was issued, or asked
# about.  All of it is there while the request is, and gone with it, whether
# the connection goes on or not.
#
# nginx does not wipe its own buffers.  They have the header in base64, the
# body in the client's chunks, and a response only where TLS has to copy it:
# what is looked for is none of that, but what the module makes of it.  There
# is no access log, for $remote_user has nginx decode the header too.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Gateway;
use AGW::Memory qw(can_read find);
use AGW::Skip qw(skip_all_for);
use AGW::Token qw(api_key);

skip_all_for('memory', 'that secrets are wiped is') unless can_read();

# in /slow/ a response takes its time, and the request is there as long

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_require_https off;
    access_log off;
    auth_gateway_business_path /slow/business/<business_id>;

    server {
        listen 127.0.0.1:%%PLAIN%%;

        location /fast/ {
            auth_gateway_business_path /fast/business/<business_id>;

            location = /fast/partner { auth_gateway_token partner; }
            location /fast/business/ { auth_gateway_token business; }
            location = /fast/revoke { auth_gateway_revoke token; }
            location = /fast/introspect { auth_gateway_introspect; }
        }

        location /slow/ {
            limit_rate 16;

            location = /slow/partner { auth_gateway_token partner; }
            location /slow/business/ { auth_gateway_token business; }
            location = /slow/revoke { auth_gateway_revoke token; }
            location = /slow/introspect { auth_gateway_introspect; }
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $client = $gw->connect('PLAIN');
my $business;

# In two chunks, between which each of the secrets is cut; nginx joins those
# of up to 128 bytes.

my $pad = 'x' x 200;

sub chunked {
    my ($secret, $body) = @_;

    my $at = (index $body, $secret) + length($secret) / 2;
    my @chunks = (substr($body, 0, $at), substr $body, $at);

    die "a body without its secret, or too short\n"
        if $at < 128 || length $chunks[1] < 128
            || $body =~ /\Q$secret\E.*\Q$secret\E/s;

    return join '', (map { sprintf "%x\r\n%s\r\n", length, $_ } @chunks),
        "0\r\n\r\n";
}

sub post {
    my ($secret, $path, $type, $body, @lines) = @_;

    return join "\r\n", "POST $path HTTP/1.1", 'Host: localhost', @lines,
        defined $body ? ("Content-Type: $type",
            'Transfer-Encoding: chunked', '', chunked($secret, $body))
        : ('Content-Length: 0', '', '');
}

sub escaped {
    my ($text) = @_;

    return join '', map { sprintf '%%%02x', ord } split //, $text;
}

sub basic {
    my ($partner) = @_;

    return AGW::Gateway::basic(@$partner{qw(id key)});
}

# a token of its own, of which the signature alone is like no other's

sub token {
    my ($partner) = @_;

    my $token = $gw->mint(partner_id => $partner->{id});

    return ($token, substr $token, -22);
}

# A key, and its middle, which is looked for: the allocator itself overwrites
# the beginning of what is freed.

sub long_key {
    my @parts = map { api_key() } 1 .. 3;

    return (join('', @parts), $parts[1]);
}

my $boundary = 'a-boundary-of-some-length';

sub parts {
    my ($partner, $secret) = @_;

    return join '', (map { "--$boundary\r\nContent-Disposition: form-data; "
        . "name=\"$_->[0]\"\r\n\r\n$_->[1]\r\n" } ['client_id',
        $partner->{id}], ['client_secret', $secret], ['pad', $pad]),
        "--$boundary--\r\n";
}

my $form = 'application/x-www-form-urlencoded';
my $json = 'application/json';
my $multipart = "multipart/form-data; boundary=$boundary";

# Each returns (what is secret, the request without its first directory,
# the status); a wrong key is as secret as the right one may be.

my %requests = (
    'an API key in Basic' => sub {
        my ($partner) = @_;

        return ($partner->{key}, ['partner', undef, undef, basic($partner)],
            200);
    },

    'an API key in Basic, form-encoded' => sub {
        my ($partner) = @_;

        return ($partner->{key}, ['partner', undef, undef,
            AGW::Gateway::basic($partner->{id}, escaped($partner->{key}))],
            200);
    },

    'a wrong API key in Basic' => sub {
        my ($partner) = @_;

        my $key = api_key();

        return ($key, ['partner', undef, undef,
            AGW::Gateway::basic($partner->{id}, $key)], 401);
    },

    'an API key in a form' => sub {
        my ($partner) = @_;

        return ($partner->{key}, ['partner', $form, "x=$pad&client_id="
            . "$partner->{id}&client_secret=$partner->{key}&y=$pad"], 200);
    },

    'an API key in JSON' => sub {
        my ($partner) = @_;

        my ($key, $middle) = long_key();

        return ($middle, ['partner', $json,
            qq({"x":"$pad","client_id":"$partner->{id}","client_secret":)
            . qq("$key"}) . ' ' x 200], 401);
    },

    'an API key in JSON, before other members' => sub {
        my ($partner) = @_;

        my ($key, $middle) = long_key();

        return ($middle, ['partner', $json,
            ' ' x 200 . qq({"client_secret":"$key","x":{"y":["z"]},)
            . qq("client_id":"$partner->{id}","z":"$pad"})], 401);
    },

    'an API key in JSON, where no parameter has it' => sub {
        my ($partner) = @_;

        my ($key, $middle) = long_key();

        return ($middle, ['partner', $json,
            qq({"x":["$pad","$key","$pad"]})], 401);
    },

    'an API key in JSON, as a name' => sub {
        my ($partner) = @_;

        my ($key, $middle) = long_key();

        return ($middle, ['partner', $json,
            qq({"x":"$pad","$key":"$pad"})], 401);
    },

    'an API key in JSON that ends too early' => sub {
        my ($partner) = @_;

        my ($key, $middle) = long_key();

        return ($middle, ['partner', $json,
            qq({"client_id":"$partner->{id}","x":"$pad","client_secret":)
            . qq("$key") . ' ' x 200], 400);
    },

    'an API key in JSON that has another name twice' => sub {
        my ($partner) = @_;

        my ($key, $middle) = long_key();

        return ($middle, ['partner', $json,
            qq({"x":"$pad","client_secret":"$key","x":"$pad"})],
            400);
    },

    'an API key in parts' => sub {
        my ($partner) = @_;

        return ($partner->{key}, ['partner', $multipart,
            parts($partner, $partner->{key})], 200);
    },

    'an API key in a body of another type' => sub {
        my ($partner) = @_;

        return ($partner->{key}, ['partner', 'text/plain',
            "x=$pad&client_secret=$partner->{key}&y=$pad"], 400);
    },

    'a token that is revoked' => sub {
        my ($partner) = @_;

        my ($token, $secret) = token($partner);

        return ($secret, ['revoke', $form, "x=$pad&token=$token&y=$pad",
            basic($partner)], 200);
    },

    'a token that is asked about' => sub {
        my ($partner) = @_;

        my ($token, $secret) = token($partner);

        return ($secret, ['introspect', $form, "x=$pad&token=$token&y=$pad",
            basic($partner)], 200);
    },
);

# of those whose secret is in the answer

my %issued = (
    'a partner token' => ['partner', sub { return basic($_[0]) }],
    'a business token' => ['business', sub {
        return AGW::Gateway::bearer((token($_[0]))[0]);
    }],
);

# whether it is found, and in which part of the memory

sub found {
    my ($secret) = @_;

    my ($pid) = $gw->nginx->workers;

    return map { $_->[1] } find($pid, { secret => $secret });
}

# a request ends a moment after its answer, or after its client has left

sub gone {
    my ($name, $secret) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @found;

    for (1 .. 10) {
        @found = found($secret) or last;
        sleep 0.1;
    }

    return ok(!@found, $name) || diag(join "\n", @found) && 0;
}

my $partner = $gw->partner;
my $other = $gw->business($partner);

$gw->good_is(sub {
    return $gw->request('POST', '/fast/partner', port => 'PLAIN', quiet => 1,
        basic => [@$partner{qw(id key)}])->status == 200;
});

for my $what (sort keys %requests) {
    my $number = 0;

    for my $where ('fast', 'slow') {
        my ($secret, $request, $status) = $requests{$what}->($gw->partner);
        my ($path, @rest) = @$request;

        $gw->keep_secret($secret);

        if ($where eq 'fast') {
            $client->send(post($secret, "/fast/$path", @rest));
            is($client->response->status, $status, "P0.5 $what: $status");
            gone("P0.5 $what: gone with the request", $secret);
            next;
        }

        my $leaver = $gw->connect('PLAIN');

        $leaver->send(post($secret, "/slow/$path", @rest));
        $leaver->wait_for(sub { $leaver->{buffer} =~ m{^HTTP/1.1 $status} });
        ok(scalar found($secret), "P0.5 $what: there while the request is");
        $leaver->close;
        gone("P0.5 $what: gone with the client", $secret);
    }
}

for my $what (sort keys %issued) {
    my ($path, $credentials) = @{ $issued{$what} };
    my $owner = $gw->partner;
    my @rest = (undef, undef, $credentials->($owner));

    $path .= '/' . $gw->business($owner) if $path eq 'business';

    $client->send(post('', "/fast/$path", @rest));

    my $token = $client->response->json->{access_token} // '';

    like($token, qr/^[\w-]+\.[\w-]+\.[\w-]{43}$/, "P1.9 $what");
    gone("P1.9 $what: gone with the request", substr $token, -40);

    # it is searched for when the client has its beginning; the rest is sent
    # by and by, so the client knows what to look for too late: a token has a
    # name, which nobody else has

    my $leaver = $gw->connect('PLAIN');

    $leaver->send(post('', "/slow/$path", @rest));
    $leaver->wait_for(sub { $leaver->{buffer} =~ m{^HTTP/1.1 200} });
    is(scalar(() = found('"token_type":"Bearer","expires_in":3600')), 1,
        "P1.9 $what: the answer is there while the request is");
    $leaver->close;
    gone("P1.9 $what: gone with the client",
        '"token_type":"Bearer","expires_in":3600');
}

$client->close;
is_deeply([$gw->problems_after], [], 'P1.9 on the same worker');
$gw->finish;
