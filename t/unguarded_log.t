# D3: what an operator has to mend is told in the error log, as ERR,
# with the location's name: once a minute a location and worker, since
# requests are anybody's.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Clock;
use AGW::Files qw(slurp);
use AGW::Gateway;
use AGW::Skip qw(skip_all_for);

my $conf = <<'CONF';
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        server_name api.example;

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ \.(pdf|png)$ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;

            if ($arg_x) {
                proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            }
        }

        location /v1/businesses/b-2/ {
            limit_except GET {
                deny all;
            }
        }
    }

    server {
        listen 127.0.0.1:%%TLS2%% ssl http2;
        server_name files.example;

        location /other/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
        }
    }
}
CONF

skip_all_for('faketime', 'that it is told once a minute is')
    unless AGW::Clock::library();

my $clock = AGW::Clock->new;
my $gw = AGW::Gateway->start($conf, $clock->options);
my $token = $gw->mint(partner_id => 'p-1', business_id => 'b-1');

sub refused {
    my ($target, %opt) = @_;

    my $response = $gw->request('GET', $target,
        headers => ['X-Secret: do-not-log'], %opt);

    return $response->status == 403;
}


# the ERR lines of the module, without what nginx puts before them

sub told {
    my ($mark) = @_;

    return map { s/^.*?\[error\] \d+#\d+: \*\d+ //r }
        grep { /\[error\].*auth_gateway/ } split /\n/,
        substr slurp_log(), $mark;
}

sub slurp_log {
    return slurp($gw->nginx->error_log);
}

my $regex = 'auth_gateway: the path of a business is refused in location'
    . ' "\.(pdf|png)$" of server "api.example", which must have an'
    . ' "auth_gateway_require" of its own to serve it';
my $prefix = $regex =~ s{"\\\.\(pdf\|png\)\$"}{"/v1/businesses/b-2/"}r;
my $none = 'auth_gateway: the path of a business is refused: no'
    . ' location of server "files.example" matches it, it must be one with an'
    . ' "auth_gateway_require" of its own';

ok(refused("/v1/businesses/b-2do-not-log/$_.pdf?do-not-log"),
    "D3 refused, $_") for 1 .. 5;
is_deeply([told(0)], [$regex], 'D3 told once, with nothing of the client');

ok(refused('/v1/businesses/b-2/1'), 'D3 another location');
is_deeply([told(0)], [$regex, $prefix], 'D3 is told of as well');

ok(refused('/v1/businesses/b-2/1', port => 'TLS2'), 'D3 no location');
is_deeply([told(0)], [$regex, $prefix, $none], 'D3 is told of as well');

# a block of an `if` counts for itself, and has its location's name

ok(refused('/v1/businesses/b-2/1.png?x=1'), 'D3 an if') for 1, 2;
is_deeply([told(0)], [$regex, $prefix, $none, $regex],
    'D3 its location is told of');

my $mark = length slurp_log();

$clock->set(50);
ok(refused('/v1/businesses/b-2/1.pdf'), 'D3 before a minute has passed');
is_deeply([told($mark)], [], 'D3 nothing is told');

$clock->set(65);
ok(refused('/v1/businesses/b-2/1.pdf'), 'D3 a minute later') for 1, 2;
is_deeply([told($mark)], [$regex], 'D3 once more');

$clock->set(-600);
ok(refused('/v1/businesses/b-2/1.pdf'), 'D3 a clock that was set back');
is_deeply([told($mark)], [$regex, $regex], 'D3 keeps nothing quiet');

$clock->set(0);
unlike(join("\n", grep { /auth_gateway/ } split /\n/, slurp_log()),
    qr/do-not-log/, 'D3 no text of the client');
is($gw->request('GET', '/v1/businesses/b-1/x', bearer => $token)->status,
    200, 'D3 a good request afterwards');

$gw->finish;
