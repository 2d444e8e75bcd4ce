# D10: conf/openapi.yaml is valid, and the demo's answers, good ones and
# refusals, are as it describes them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON ();
use Test::More;

use AGW::Clients qw(run_checks);
use AGW::Demo;
use AGW::Files qw(repo_root);
use AGW::Upstream;

my $gw = AGW::Demo->start(reply => \&AGW::Upstream::echo);
my %claims = (iss => 'https://127.0.0.1:8443', aud => 'accounting-api');
my %bearer = (partner_id => $gw->{id}, business_id => $gw->{businesses}[0]);

$gw->obtain_tokens;

my %calls = (
    base => 'https://127.0.0.1:' . $gw->nginx->port('TLS'),
    plain => 'http://127.0.0.1:' . $gw->nginx->port('PLAIN'),
    description => repo_root() . '/conf/openapi.yaml',
    id => $gw->{id}, key => $gw->{key}, business => $gw->{businesses}[0],
    foreign => $gw->business($gw->partner),
    archived => $gw->business($gw->{id}, status => 'archived'),
    partner_token => $gw->{partner_token}, token => $gw->{business_token},
    expired => $gw->mint(%bearer,
        claims => { %claims, iat => time - 20, exp => time - 10 }),
    others_token => $gw->mint(%bearer, claims => \%claims,
        business_id => $gw->{businesses}[1]),
);

run_checks($gw->prefix, 'openapi.mjs', \%calls);
$gw->upstream->stop;

# the business token was taken back with all of its business

run_checks($gw->prefix, 'openapi.mjs', { %calls, down => JSON::true,
    token => $gw->mint(%bearer, claims => \%claims) });

$gw->finish;
