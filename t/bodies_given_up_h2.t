# P0.5 over HTTP/2: of a body that was given up nothing more is taken in.
# The stream goes on as long as its answer does, and so may the client's DATA:
# nginx passes over each frame, says so in its debug log, and tells the client
# to stop at the end of the answer (RFC 9113, section 8.1).

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Gateway;
use AGW::H2;
use AGW::Nginx;
use AGW::Skip qw(skip_all_for);

my $nginx = AGW::Nginx::binary();

skip_all_for('no debug log', 'that a body is passed over is')
    if `$nginx -V 2>&1` !~ /--with-debug/;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        location = /token { auth_gateway_token partner; }

        location = /page {
            auth_gateway_token partner;
            auth_gateway_intercept_errors on;
            error_page 413 = @page;
        }

        location @page { return 413 "the page\n"; }

        location = /again {
            auth_gateway_token partner;
            auth_gateway_intercept_errors on;
            error_page 413 = @again;
        }

        location @again { auth_gateway_token partner; }
    }
}
CONF

use constant { WINDOW_UPDATE => 8, INITIAL_WINDOW_SIZE => 4 };

my $gw = AGW::Gateway->start($conf, log_level => 'debug');
my $partner = $gw->partner;
my $basic = AGW::Gateway::basic(@$partner{qw(id key)}) =~ s/^\S+ //r;
my @headers = (['authorization', $basic],
    ['content-type', 'application/x-www-form-urlencoded']);

# until the debug log has it; what it has by then

sub log_with {
    my ($pattern) = @_;

    for (1 .. 100) {
        return $gw->log_text if $gw->log_text =~ $pattern;
        sleep 0.02;
    }

    return $gw->log_text;
}

for my $case (['/token', 413], ['/page', 413], ['/again', 400]) {
    my ($target, $status) = @$case;
    my $h2 = $gw->connect_h2;

    # no window for an answer: the stream stays

    $h2->{client}->send(AGW::H2::frame(AGW::H2::SETTINGS, 0, 0,
        pack 'nN', INITIAL_WINDOW_SIZE, 0));

    $gw->mark;

    my $stream = $h2->start('POST', $target, end => 0, headers => \@headers);

    $h2->data($stream, 'x' x 9000, 0);

    like(log_with(qr/http finalize request: -2/),
        qr/reason: body_too_large/, "P0.5 $target, over 8 KB: refused");

    # what is left of the body, and another request behind it

    $gw->mark;
    $h2->data($stream, 'y' x 1000, 0);
    $h2->data($stream, 'z' x 1000, 1);

    my $next = $h2->start('POST', '/token', headers => \@headers);
    my $log = log_with(qr/HEADERS frame sid:3/);

    is(scalar(() = $log =~ /skipping http2 DATA frame/g), 2,
        "P0.5 $target, the rest: passed over");
    unlike($log, qr/http2 process request body/, 'P0.5 and not taken in');

    for ($stream, $next) {
        $h2->{client}->send(AGW::H2::frame(WINDOW_UPDATE, 0, $_,
            pack 'N', 10_000));
    }

    my ($first, $second) = map { $h2->response($_) } $stream, $next;

    is($first->status, $status, "P0.5 $target: $status");
    ok(length $first->body, 'P0.5 with its body');
    is($h2->{streams}{$stream}{reset}, 0, 'P0.5 the client is to stop');
    is($second->status, 200, 'P0.5 the next stream gets a token');
    $gw->keep_secret($second->json->{access_token});
    $h2->close;
}

$gw->finish;
