# D3 and D6, `satisfy any` under `auth_gateway_enforce log`: what would be
# refused satisfies nothing, and the other module decides alone, as if the
# gateway were not there; a good token still is enough.  What `on` leaves to the
# other module, and that allows, was counted as what would be refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Files qw(slurp spew);
use AGW::Gateway;
use AGW::Metrics qw(until_scraped);

my %places = (
    allow => 'allow all;',
    deny => 'deny all;',
    basic => 'auth_basic users; auth_basic_user_file %%PREFIX%%/htpasswd;',
    request => 'auth_request /auth;',
    alone => '',
    third => 'auth_basic users; auth_basic_user_file %%PREFIX%%/htpasswd;'
        . ' auth_request /auth;',
    both => 'deny all; auth_basic users;'
        . ' auth_basic_user_file %%PREFIX%%/htpasswd;',
);

my $locations = join "\n", map {
    my $satisfy = $_;

    map { <<"CONF" } sort keys %places;
        location /$satisfy/$_/ {
            satisfy $satisfy;
            $places{$_}
            auth_gateway_business_path /$satisfy/$_/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
CONF
} qw(any all);

my $conf = <<"CONF";
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    map \$http_x_enforce \$enforce { never never; default log; }

    log_format result '\$http_x_row|\$auth_gateway_result|\$auth_gateway_event|';
    access_log %%PREFIX%%/logs/result.log result;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;
        auth_gateway_require business;
        auth_gateway_enforce %%ENFORCE%%;

$locations
        location = /metrics { auth_gateway_metrics; }

        location = /auth {
            internal;
            auth_gateway_require off;
            proxy_method GET;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my %names = (ENFORCE => 'log');
my $gw = AGW::Gateway->start($conf, names => \%names,
    before => sub {
        my $hash = `openssl passwd -apr1 open-sesame`;

        spew("$_[0]/htpasswd", "ali:$hash", 0644);
    },
    reply => sub {
        my ($request) = @_;

        return unless $request->{target} eq '/auth';

        return ($request->{headers}{'x-let'} ? 204 : 403, [], '');
    },
);

my %who = (
    good => [AGW::Gateway::bearer($gw->mint(partner_id => 'p-1',
        business_id => 'b-1'))],
    wrong_business => [AGW::Gateway::bearer($gw->mint(partner_id => 'p-1',
        business_id => 'b-2'))],
    malformed_token => ['Authorization: Bearer abc'],
    malformed_credentials => ['Authorization: Bearer a b'],
    no_credentials => [],
    user => [AGW::Gateway::basic('ali', 'open-sesame')],
    let => ['X-Let: 1'],
);

# whom another module lets through, of those whom `on` leaves to it

my %lets = (allow => qr/^(?:no_credentials|user|let)$/, basic => qr/^user$/,
    request => qr/^let$/, third => qr/^(?:user|let)$/, both => qr/^user$/);

# what nginx says without the gateway: status of each place, and of who

my %alone = (
    allow => sub { 200 },
    deny => sub { 403 },
    basic => sub { $_[0] eq 'user' ? 200 : 401 },
    request => sub { $_[0] eq 'let' ? 200 : 403 },
    alone => sub { 200 },
    third => sub { $_[1] eq 'any' && $_[0] =~ /^(?:user|let)$/ ? 200
        : $_[0] eq 'user' ? 403 : 401 },
    both => sub { $_[0] eq 'user' && $_[1] eq 'any' ? 200
        : $_[1] eq 'all' ? 403 : 401 },
);

my ($row, %counted) = 0;

sub logged {
    my ($number) = @_;

    for (1 .. 200) {
        my ($found) = slurp($gw->prefix . '/logs/result.log')
            =~ /^\Q$number\E\|(.*)\|$/m;

        return $found if defined $found;
        sleep 0.02;
    }

    return;
}

$gw->good_is(sub {
    return $gw->request('GET', '/any/alone/b-1/x', headers => $who{good},
        quiet => 1)->status == 200;
});

sub counter { return qq(requests_total{result="$_[0]",enforced="$_[1]"}) }

# one request, and what becomes of it

sub sends {
    my ($satisfy, $place, $who, $with) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $number = 'r' . $row++;
    my $response = $gw->request('GET', "/$satisfy/$place/b-1/x",
        headers => ["X-Row: $number", @{ $who{$who} }]);
    my $name = "D3 $with, $satisfy, $place, $who";
    my $reason = $who =~ /^(?:user|let)$/ ? 'no_credentials' : $who;
    my ($saw) = grep { $_->{target} ne '/auth' } $gw->upstream_saw;

    if ($who eq 'good') {
        $counted{counter('ok', 'on')}++;
        is($response->status, $satisfy eq 'any' ? 200
            : $alone{$place}->($who, $satisfy), $name);
        is(logged($number), 'ok|-', "$name, in the log");
        is_deeply($saw->{headers}{'x-business-id'}, ['b-1'],
            "$name, its identity") if $saw;
        return;
    }

    my $let = $satisfy eq 'any' && $lets{$place} && $who =~ $lets{$place};

    $counted{counter($reason, $let ? 'on' : 'log')}++;

    is($response->status, $alone{$place}->($who, $satisfy), $name);
    is(scalar(grep { /Bearer/ } $response->header('WWW-Authenticate')), 0,
        "$name, no challenge of ours");
    is(scalar(grep { /Basic/ } $response->header('WWW-Authenticate')),
        $response->status == 401 ? 1 : 0, "$name, the other module's");
    is_deeply([map { [@$_{qw(how reason)}] } $gw->refusals],
        [['would refuse', $reason]], "$name, in the log");
    is(logged($number), "$reason|" . ($let ? '-' : 'would_refuse'),
        "$name, variables");

    return unless $saw;

    my @authorization = map { /^Authorization: (.*)/ ? $1 : () }
        @{ $who{$who} };

    is_deeply([map { $saw->{headers}{$_} } qw(x-partner-id x-business-id
        authorization)], [undef, undef,
        @authorization ? \@authorization : undef],
        "$name, no identity, and the client's Authorization");

    return;
}

for my $satisfy (qw(any all)) {
    for my $place (sort keys %places) {
        sends($satisfy, $place, $_, 'log') for sort keys %who;
    }
}

# the same by a variable

ok($gw->nginx->reload($conf =~ s/%%ENFORCE%%/\$enforce/r),
    'D3 a variable, by a reload');
$gw->new_workers;

for my $place (qw(allow third alone)) {
    sends('any', $place, $_, 'a variable') for qw(user let no_credentials);
}

# counted as it was logged

{
    my $is = until_scraped($gw, sub {
        my ($found) = @_;

        return !grep { ($found->{$_} // 0) != $counted{$_} } keys %counted;
    });

    is_deeply({ map { $_ => $is->{$_} } keys %counted }, \%counted,
        'P12.2 counted as it was logged');
}

# on again: one that another module let through is no refusal

ok($gw->nginx->reload($conf =~ s/%%ENFORCE%%/on/r), 'D3 on, by a reload');
$gw->new_workers;

for (
    ['any/allow', 'no_credentials', 200, 'no_credentials|-'],
    ['any/basic', 'user', 200, 'no_credentials|-'],
    ['any/request', 'let', 200, 'no_credentials|-'],
    ['any/deny', 'no_credentials', 401, 'no_credentials|refused'],
    ['any/basic', 'no_credentials', 401, 'no_credentials|refused'],
    ['any/alone', 'no_credentials', 401, 'no_credentials|refused'],
    ['any/allow', 'wrong_business', 403, 'wrong_business|refused'],
    ['any/allow', 'good', 200, 'ok|-'],
    ['all/allow', 'no_credentials', 401, 'no_credentials|refused'],
) {
    my ($place, $who, $status, $line) = @$_;
    my $number = 'r' . $row++;

    is($gw->request('GET', "/$place/b-1/x", headers => ["X-Row: $number",
        @{ $who{$who} }])->status, $status, "D3 on, $place, $who");
    is(logged($number), $line, "D3 on, $place, $who, variables");
}

$gw->finish;
