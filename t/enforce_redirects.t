# D3 and D6, internal redirects under `auth_gateway_enforce log`: each pass
# is checked as its own location says.  What a pass would have refused is what
# the log says of the request, since under `on` no later pass would come; and
# a location that checks nothing gives it no identity.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Files qw(slurp);
use AGW::Gateway;

my $up = <<'CONF';
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-Result $auth_gateway_result;
            proxy_set_header X-Event $auth_gateway_event;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
CONF

my $conf = <<"CONF";
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    log_format result '\$request_uri|\$auth_gateway_result|\$auth_gateway_event'
        '|\$auth_gateway_partner_id|\$auth_gateway_event_partner_id|\$status|';
    access_log %%PREFIX%%/logs/result.log result;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        auth_gateway_enforce log;
        auth_gateway_require business;

        # to a named location, from one that has no file

        location /named/ {
            auth_gateway_business_path /named/<business_id>;
            root %%PREFIX%%/html;
            try_files \$uri \@app;
        }

        location \@app {
            auth_gateway_require business;
            auth_gateway_business_path /named/<business_id>;
$up
        }

        # to one that checks nothing

        location /open/ {
            auth_gateway_business_path /open/<business_id>;
            root %%PREFIX%%/html;
            try_files \$uri \@open;
        }

        location \@open {
            auth_gateway_require off;
$up
        }

        location /open_on/ {
            auth_gateway_business_path /open_on/<business_id>;
            root %%PREFIX%%/html;
            try_files \$uri \@open_on;
        }

        location \@open_on {
            auth_gateway_require off;
            auth_gateway_enforce on;
$up
        }

        # to one that enforces, for another kind of token

        location /to_partner/ {
            auth_gateway_business_path /to_partner/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /for_partners {
            auth_gateway_require partner;
            auth_gateway_enforce on;
$up
        }

        # from one that enforces, to one that does not

        location /error/ {
            auth_gateway_enforce on;
            auth_gateway_intercept_errors on;
            auth_gateway_business_path /error/<business_id>;
            error_page 401 403 /page/x;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /error_open/ {
            auth_gateway_enforce on;
            auth_gateway_intercept_errors on;
            auth_gateway_business_path /error_open/<business_id>;
            error_page 401 403 /open_page;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /open_page {
            auth_gateway_require off;
$up
        }

        location /page/ {
            auth_gateway_business_path /page/<business_id>;
$up
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf, reply => sub {
    my ($request) = @_;

    return $request->{target} =~ m{^/to_partner}
        ? (200, ['X-Accel-Redirect: /for_partners'], '') : ();
});
my $good = $gw->mint(partner_id => 'p-1', business_id => 'b-1');
my $other = $gw->mint(partner_id => 'p-1', business_id => 'b-2');
my $partner = $gw->mint(partner_id => 'p-1');
my $requests = 0;

# status; how and why of the refusals; the upstream's last request: partner,
# business, result; the line of the access log

sub get {
    my ($target, $token) = @_;

    $target .= '?' . $requests++;

    my $response = $gw->request('GET', $target, bearer => $token);
    my @refusals = map { "$_->{how}: $_->{reason}" }
        $gw->refusals(wait => $token ne $good);
    my $saw = ($gw->upstream_saw)[-1];
    my ($logged, $text);

    for (1 .. 200) {
        ($logged) = slurp($gw->prefix . '/logs/result.log')
            =~ /^\Q$target\E\|(.*)\|$/m;
        last if defined $logged;
        sleep 0.02;
    }

    return [$response->status, \@refusals,
        [map { ($saw->{headers}{$_} // ['-'])->[0] }
            qw(x-partner-id x-business-id x-result x-event)], $logged,
        ($saw->{headers}{authorization} // ['-'])->[0]
            eq "Bearer $token" ? 1 : 0];
}

sub is_seen {
    my ($name, $got, @wanted) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is_deeply($got, \@wanted, "D3 $name");
}

my $would = 'would refuse: wrong_business';

is_seen('a named location, a good token', get('/named/b-1/x', $good),
    200, [], ['p-1', 'b-1', 'ok', '-'], 'ok|-|p-1|-|200', 1);
is_seen('a named location', get('/named/b-1/x', $other), 200,
    [$would, $would], ['-', '-', 'wrong_business', 'would_refuse'],
    'wrong_business|would_refuse|-|p-1|200', 1);
is_seen('an open named location, a good token', get('/open/b-1/x', $good),
    200, [], ['p-1', 'b-1', 'ok', '-'], 'ok|-|p-1|-|200', 1);
is_seen('an open named location', get('/open/b-1/x', $other), 200,
    [$would], ['-', '-', 'wrong_business', 'would_refuse'],
    'wrong_business|would_refuse|-|p-1|200', 1);
is_seen('an open named location that enforces', get('/open_on/b-1/x', $other),
    200, [$would], ['-', '-', 'wrong_business', 'would_refuse'],
    'wrong_business|would_refuse|-|p-1|200', 0);

# the second pass is enforced: it gives an identity, or refuses; but the log
# keeps what the first would have refused

is_seen('to an enforced location that allows',
    get('/to_partner/b-1/x', $partner), 200, ['would refuse: wrong_kind'],
    ['p-1', '-', 'wrong_kind', 'would_refuse'],
    'wrong_kind|would_refuse|p-1|p-1|200', 0);

{
    my $got = get('/to_partner/b-1/x', $other);

    is_deeply([@$got[0, 1, 3]], [403,
        [$would, 'refused: wrong_kind'], 'wrong_kind|refused|-|p-1|403'],
        'D3 to an enforced location that refuses');
}

# a refusal, and its error page in a location that refuses nothing: what was
# refused is what was.  The API that makes the page once got the credentials of
# the refused request with it.

for my $page ('', '_open') {
    my $got = get("/error$page/b-1/x", $other);

    is_deeply([@$got[0, 1, 3, 4]], [403, ['refused: wrong_business',
        $page ? () : $would],
        ($page ? 'wrong_business|refused|p-1|p-1|403'
            : 'wrong_business|refused|-|p-1|403'), 0],
        "D3 the error page of a refusal$page");
}

is($gw->request('GET', '/named/b-1/x', bearer => $good)->status, 200,
    'D3 a good request afterwards');
$gw->finish;
