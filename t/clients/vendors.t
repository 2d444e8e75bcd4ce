# P4.5, P10: conf/nginx.conf serves the browser libraries of both vendors, in
# Chromium: pages that do what those do, in each of their modes, and see a
# network error for no answer of the gateway.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::More;

use AGW::Browser qw(run_in_browser);
use AGW::Conf qw(free_port);
use AGW::Demo;
use AGW::Upstream;

my $page = free_port();
my $gw = AGW::Demo->start(origin => "http://localhost:$page",
    reply => sub {
        my ($request) = @_;

        return (404, ['Content-Type: application/json'], '{"own":true}')
            if $request->{target} =~ m{/nothing$};
        return AGW::Upstream::echo($request);
    });
my ($business, $second) = @{ $gw->{businesses} };
my %claims = (iss => 'https://127.0.0.1:8443', aud => 'accounting-api');

my %calls = (
    base => 'https://127.0.0.1:' . $gw->nginx->port('TLS'),
    origin => "http://localhost:$page",
    scope => 'https://api.example.com/sandbox',
    id => $gw->{id}, key => $gw->{key},
    business => $business, second => $second,
    foreign => $gw->business($gw->partner),
    archived => $gw->business($gw->{id}, status => 'archived'),
    expired => $gw->mint(partner_id => $gw->{id}, business_id => $business,
        claims => { %claims, iat => time - 20, exp => time - 10 }),
);

run_in_browser($gw, 'vendors.mjs', \%calls);

# and what is left of it without an upstream

$gw->upstream->stop;
run_in_browser($gw, 'vendors.mjs', { %calls, down => JSON::true,
    token => $gw->mint(partner_id => $gw->{id}, business_id => $business,
        claims => \%claims) });

$gw->finish;
