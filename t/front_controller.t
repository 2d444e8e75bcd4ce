# D6: a front controller, one program that serves every path.  The story: in
# a server that demands a business token, try_files sent the request on to
# /index.php, which inherited the demand and names no business: the right
# token got 404.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::CgiUpstream;
use AGW::Files qw(make_prefix);
use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl;

        auth_gateway_require business owner;
        auth_gateway_business_path /v1/businesses/<business_id>;

        # without another pass

        location /v1/businesses/ {
            include %%CONF%%/guarded_fastcgi.conf;
            fastcgi_param SCRIPT_FILENAME /srv/accounting/index.php;
            fastcgi_pass 127.0.0.1:%%FASTCGI%%;
        }

        # by way of try_files

        location /v2/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v2/businesses/<business_id>;
            try_files $uri /index.php$is_args$args;
        }

        location = /index.php {
            internal;
            auth_gateway_require off;
            include %%CONF%%/guarded_fastcgi.conf;
            fastcgi_param SCRIPT_FILENAME /srv/accounting/index.php;
            fastcgi_pass 127.0.0.1:%%FASTCGI%%;
        }

        # as it was

        location /v3/businesses/ {
            auth_gateway_business_path /v3/businesses/<business_id>;
            try_files $uri /inherits.php;
        }

        location = /inherits.php {
            fastcgi_pass 127.0.0.1:%%FASTCGI%%;
        }
    }
}
CONF

my $directory = make_prefix();
my $php = AGW::CgiUpstream->start('fastcgi', "$directory/php.jsonl");
my $gw = AGW::Gateway->start($conf, names => { FASTCGI => $php->port });

my $partner = $gw->partner;
my ($business, $other) = map { $gw->business($partner) } 1, 2;
my $token = $gw->mint(partner_id => $partner->{id},
    business_id => $business);
my $owners = $gw->mint(partner_id => $partner->{id});

$gw->good_is(sub {
    return $gw->request('GET', "/v1/businesses/$business", bearer => $token,
        quiet => 1)->status == 200;
});


sub get {
    my ($target, $bearer) = @_;

    return $gw->request('GET', $target, bearer => $bearer);
}

# what the program is told, by name

sub told {
    my ($target, $bearer) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $mark = $php->mark;
    is(get($target, $bearer)->status, 200, "D6 $target is served");

    my @seen = $php->since($mark);

    is(@seen, 1, "D6 $target is asked for once");

    return { map { @$_ } @{ $seen[0]{params} } };
}

for my $version (1, 2) {
    my $target = "/v$version/businesses/$business/invoices%20due?a=b";
    my $told = told($target, $token);

    is($told->{HTTP_X_BUSINESS_ID}, $business,
        "D6 v$version: the business is told");
    is($told->{HTTP_X_PARTNER_ID}, $partner->{id},
        "D6 v$version: the partner is told");
    is($told->{REQUEST_URI}, $target, "D6 v$version: the path is the client's");
    is($told->{QUERY_STRING}, 'a=b', "D6 v$version: the query is told");
    is($told->{SCRIPT_FILENAME}, '/srv/accounting/index.php',
        "D6 v$version: one program serves it");

    my $mark = $php->mark;

    $gw->refused("D6 v$version: another business", get(
        "/v$version/businesses/$other/x", $token), 'wrong_business',
        good => 0);
    $gw->refused("D6 v$version: no token", get(
        "/v$version/businesses/$business/x"), 'no_credentials', good => 0);
    is($php->since($mark), 0, "D6 v$version: the program sees neither");
}

is(told("/v1/businesses/$other/x", $owners)->{HTTP_X_BUSINESS_ID}, $other,
    'D6 under owner, the business is told where there is one pass');

{
    my $mark = $php->mark;

    for my $target ('/index.php', "/index.php?x=/v1/businesses/$other") {
        is(get($target, $token)->status, 404,
            "D6 $target is no client's to ask for");
    }

    $gw->refused('D6 a program that inherits the demand: its path names no'
        . ' business', get("/v3/businesses/$business/x", $token),
        'no_business_in_path', good => 0);
    is($php->since($mark), 0, 'D6 the program sees none of these');
}

is(get("/v2/businesses/$business/x", $token)->status, 200,
    'D6 the right token is served as before');

$gw->finish;
