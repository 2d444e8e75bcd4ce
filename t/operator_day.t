# The operator's day, with the command line alone, against this build; the tests of
# t/packages/ have it in bare Debians.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Command qw(no_command);
use AGW::Files qw(slurp);
use AGW::Gateway;
use AGW::Handbook;
use AGW::OperatorDay qw(operator_day);
use AGW::Skip qw(skip_all_for);

skip_all_for('libcurl', "the operator's day is") if no_command();

my $gw = AGW::Gateway->start(<<'CONF');
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_admin_log %%PREFIX%%/logs/admin.log;

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        listen unix:%%PREFIX%%/admin.sock;

        auth_gateway_require business owner;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }

        location /v1/platform/ {
            auth_gateway_token business;
            auth_gateway_business_path /v1/platform/<business_id>/token;
        }

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /admin/ { auth_gateway_admin write %%ADMIN%%; }
        location = /status { auth_gateway_status; }
    }
}
CONF

my $prefix = $gw->prefix;

operator_day(
    directory => $prefix,
    command => AGW::Command->new(socket => "$prefix/admin.sock"),
    shell => AGW::Handbook->new($prefix, AUTH_GATEWAY_SOCKET =>
        "$prefix/admin.sock"),
    token => sub {
        my $answer = $gw->request('POST', '/token', basic => [@_]);

        return ($answer->status, eval { $answer->json->{access_token} });
    },
    business_token => sub {
        my ($token, $business) = @_;

        my $answer = $gw->request('POST', "/v1/platform/$business/token",
            bearer => $token);

        return $answer->status == 200 ? $answer->json->{access_token} : undef;
    },
    opens => sub {
        my ($business, $token) = @_;

        return $gw->request('GET', "/v1/businesses/$business/x",
            bearer => $token)->status;
    },
    secret => sub { return $gw->keep_secret(@_) },
    good_is => sub { return $gw->good_is(@_) },
    admin_log => sub { return slurp("$prefix/logs/admin.log") },
);

$gw->finish;
