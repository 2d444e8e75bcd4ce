# D10: /docs/ of the demo in Chromium: Swagger UI under a strict policy,
# walked through with the mouse at two widths.  Pictures of it are kept in the
# build directory.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use JSON ();
use Test::More;

use AGW::Browser qw(run_in_browser);
use AGW::Demo;
use AGW::Files qw(repo_root slurp spew);
use AGW::Skip qw(skip_for);
use AGW::Upstream;

my $root = repo_root();
my $build = $ENV{AGW_BUILD} // "$root/build";
my $status;

my $gw = AGW::Demo->start(
    before => sub {
        my ($prefix) = @_;

        local $ENV{AGW_BUILD} = $build;

        system "$root/t/demo/docs.sh", "$prefix/docs";
        $status = $? >> 8;
    },
    reply => \&AGW::Upstream::echo,
);

my $page = $gw->request('GET', '/docs/');

is($page->status, 200, 'D10 /docs/ is there');
is(scalar $page->header('Content-Type'), 'text/html; charset=utf-8',
    'D10 and is a page');
is($gw->request('GET', '/docs/openapi.yaml')->body,
    slurp("$root/conf/openapi.yaml"), 'D10 the description beside it');
$gw->error_is("D10 $_ is not there", $gw->request('GET', $_), 404,
    'not_found') for '/docs', '/docs/none';

SKIP: {
    if ($status != 0) {
        like($page->body, qr/Swagger UI is not here/, 'D10 which says so');
        skip_for('npm', 't/clients/swagger.mjs is');
    }

    # as the demo does it

    spew($gw->prefix . '/docs/examples.json', JSON->new->utf8->encode({
        partner_id => $gw->{id}, business_id => $gw->{businesses}[0],
    }), 0644);

    $gw->obtain_tokens;

    for my $size ([1440, 900], [390, 844]) {
        $gw->rest;
        run_in_browser($gw, 'swagger.mjs', {
            base => 'https://127.0.0.1:' . $gw->nginx->port('TLS'),
            id => $gw->{id}, key => $gw->{key},
            business => $gw->{businesses}[0],
            other => $gw->{businesses}[1],
            description => "$root/conf/openapi.yaml", pictures => $build,
            size => { width => $size->[0], height => $size->[1] },
        });
    }
}

$gw->finish;
