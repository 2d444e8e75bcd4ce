# P10: the cookbook of conf/README.md: scopes for pages, certificates behind a
# balancer, assertions.  Each configuration and each command runs as it is
# written.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Admin;
use AGW::Certificates qw(make_client_certificate);
use AGW::Command qw(no_command);
use AGW::Cookbook;
use AGW::Files qw(spew);
use AGW::Handbook;
use AGW::Skip qw(skip_for);

my $origin = 'https://app.example';
my $token_path = '/v1/platform/oauth2/token/';

sub cook {
    my ($section, %opt) = @_;

    return AGW::Cookbook->start(document => 'conf/README.md',
        section => $section, %opt);
}

sub token {
    my ($gw, $name, $target, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $r = $gw->request('POST', $target, %opt);

    is($r->status, 200, "P10 $name") or diag($r->body);

    return $gw->keep_secret($r->json->{access_token} // 'none');
}


{
    my $gw = cook('Tokens bound to certificates, behind a balancer',
        changes => [[qr/127\.0\.0\.1:9081/, '127.0.0.1:%%PLAIN%%']],
        before => sub { make_client_certificate($_[0], $_) for qw(one other) });
    my $business = $gw->{businesses}[0];
    my $own = "/v1/businesses/$business";
    my $partner = token($gw, 'certificates: a partner token', $token_path,
        basic => [@$gw{qw(id key)}], cert => 'one');
    my $token = token($gw, 'certificates: a business token',
        "/v1/platform/$business/oauth2/token", bearer => $partner,
        cert => 'one');

    $gw->good_is(sub {
        return $gw->request('GET', $own, quiet => 1, bearer => $token,
            cert => 'one')->status == 200;
    });

    for (['another', cert => 'other'], ['none'],
        ['none, but a header', headers => ['Client-Cert: '
            . AGW::Certificates::pem_escaped($gw->prefix . '/one.pem')]])
    {
        my ($name, @with) = @$_;

        $gw->refused("P10 certificates: $name",
            $gw->request('GET', $own, bearer => $token, @with),
            'certificate_mismatch');
    }

    $gw->refused('P10 certificates: a partner token without its own',
        $gw->request('POST', "/v1/platform/$business/oauth2/token",
            bearer => $partner), 'certificate_mismatch');

    my $free = token($gw, 'certificates: a client without one', $token_path,
        basic => [@$gw{qw(id key)}]);

    isnt($free, $partner, 'P10 certificates: gets a token that is not bound');
}


SKIP: {
    skip_for('libcurl', 'private_key_jwt of the cookbook is') if no_command();

    my $section = 'Assertions in place of API keys';
    my $uid = AGW::Admin::uid_word();
    my $gw = cook($section, changes => [
        [qr{unix:/run/auth_gateway/}, 'unix:%%PREFIX%%/'],
        [qr/auth_gateway_admin write/, "auth_gateway_admin write $uid"],
    ], allow => [qr/is the user of the workers/]);
    my $prefix = $gw->prefix;
    my @blocks = AGW::Handbook::blocks($section);
    my $shell = AGW::Handbook->new($prefix, CURL_HOME => "$prefix",
        AUTH_GATEWAY_SOCKET => "$prefix/admin.sock");

    # the name of the example is this host's port

    spew("$prefix/.curlrc", "connect-to = \"api.example.com:443:127.0.0.1:"
        . $gw->nginx->port('TLS') . "\"\ninsecure\n");

    is(scalar @blocks, 3, 'P10 assertions: three blocks');
    $shell->run('P10 assertions: a key', $blocks[0]);
    $shell->run('P10 assertions: it is added', $blocks[1]);

    my $business = $gw->business($shell->get('partner'));

    for my $which ('the first token', 'the next one') {
        my ($token) = $shell->run("P10 assertions: $which", $blocks[2])
            =~ /"access_token":"([^"]+)"/;

        $gw->keep_secret($token // 'none');
        is($gw->request('GET', "/v1/businesses/$business/x",
            bearer => $token // 'none')->status, 200,
            "P10 assertions: $which opens its business");
    }

    is($gw->request('POST', $token_path, basic => [@$gw{qw(id key)}])->status,
        401, 'P10 assertions: an API key is none');
}


{
    my $gw = cook('Read-only tokens for pages', origin => $origin);
    my $business = $gw->{businesses}[0];
    my $own = "/v1/businesses/$business";
    my $mint = "/v1/platform/$business/oauth2/token";
    my $partner = token($gw, 'scopes: a partner token', $token_path,
        basic => [@$gw{qw(id key)}]);
    my %with = (
        read => token($gw, 'scopes: one that reads', $mint,
            bearer => $partner, form => 'scope=read'),
        write => token($gw, 'scopes: one that writes', $mint,
            bearer => $partner, form => 'scope=write'),
        all => token($gw, 'scopes: one that does all', $mint,
            bearer => $partner),
    );

    $gw->good_is(sub {
        return $gw->request('GET', $own, quiet => 1, bearer => $with{read})
            ->status == 200;
    });

    for my $method (qw(GET HEAD POST PUT PATCH DELETE)) {
        my $needed = $method =~ /GET|HEAD/ ? 'read' : 'write';

        for my $scope (sort keys %with) {
            my $r = $gw->request($method, "$own/invoices",
                bearer => $with{$scope}, headers => ["Origin: $origin"]);

            if ($scope eq 'all' || $scope eq $needed) {
                is($r->status, 200, "P10 scopes: $method with $scope");

            } else {
                $gw->refused("P10 scopes: $method with $scope", $r,
                    'insufficient_scope', scope => "business_access $needed",
                    method => $method);
            }

            is($r->header('Access-Control-Allow-Origin'), $origin,
                "P10 scopes: a page reads the answer to $method");
        }
    }

    is($gw->request('OPTIONS', "$own/invoices", headers => ["Origin: $origin",
        'Access-Control-Request-Method: POST'])->status, 204,
        'P10 scopes: a preflight');
    $gw->finish;
}
