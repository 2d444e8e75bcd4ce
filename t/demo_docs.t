# D10: /docs/ of the demo, where Swagger UI can't be had, or nobody asked for
# npm: it says so, to this machine alone, under a strict policy.
# t/clients/swagger.t has the other case.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Demo;
use AGW::Files qw(repo_root slurp spew);

my $root = repo_root();
my (%status, %said);

# docs.sh in three ways: (what, PATH, DOCS); the tools that it needs, and no npm

my @tools = qw(bash cmp cp dirname install mkdir rm);

my $gw = AGW::Demo->start(before => sub {
    my ($prefix) = @_;

    mkdir "$prefix/$_" or die "$prefix/$_: $!\n" for qw(bin tools);
    spew("$prefix/bin/npm", "#!/bin/sh\nexit 1\n", 0755);

    for my $tool (@tools) {
        my ($path) = grep { -x } map { "$_/$tool" } split /:/, $ENV{PATH};

        symlink $path, "$prefix/tools/$tool" or die "$tool: $!\n";
    }

    local $ENV{AGW_BUILD} = "$prefix/build";

    for (['no npm', "$prefix/tools", ''],
        ['not wanted', "$prefix/bin:$ENV{PATH}", '0'],
        ['npm fails', "$prefix/bin:$ENV{PATH}", ''])
    {
        my ($name, $path, $docs) = @$_;

        local @ENV{qw(PATH DOCS)} = ($path, $docs);

        $said{$name} = `$root/t/demo/docs.sh $prefix/docs 2>&1`;
        $status{$name} = $? >> 8;
    }
});

$gw->obtain_tokens;

is("$status{$_} $said{$_}", '3 ', "D10 $_: there is no Swagger UI")
    for 'no npm', 'not wanted';
is($status{'npm fails'}, 2, 'D10 nor where npm fails');
like($said{'npm fails'}, qr/NO SWAGGER UI/, 'D10 which is said loudly');

my $policy = "default-src 'none'; script-src 'self'; style-src 'self';"
    . " img-src 'self' data:; connect-src 'self'; base-uri 'none';"
    . " form-action 'none'; frame-ancestors 'none'";

for (
    ['/docs/', 'text/html; charset=utf-8', 't/demo/docs/unavailable.html'],
    ['/docs/openapi.yaml', 'application/yaml; charset=utf-8',
        'conf/openapi.yaml'],
    ['/docs/docs.css', 'text/css; charset=utf-8', 't/demo/docs/docs.css'],
    ['/docs/docs.js', 'text/javascript; charset=utf-8',
        't/demo/docs/docs.js'],
    ['/docs/examples.json', 'application/json',
        't/demo/docs/examples.json'],
) {
    my ($path, $type, $file) = @$_;
    my $r = $gw->request('GET', $path);

    is($r->status, 200, "D10 $path");
    is($r->body, slurp("$root/$file"), "D10 $path is $file");
    is_deeply([map { join ' | ', $r->header($_) } qw(Content-Type
        Content-Security-Policy X-Content-Type-Options Referrer-Policy
        Cache-Control Access-Control-Allow-Origin)],
        [$type, $policy, 'nosniff', 'no-referrer', 'no-cache', ''],
        "D10 $path, its headers");
}

# nginx says nothing at start that an operator would have to look into; from
# 1.25 on it would have HTTP/2 turned on by a directive that 1.22 lacks

unlike(slurp($gw->nginx->error_log) . slurp($gw->nginx->out_file),
    qr/\[warn\](?!.*"listen \.\.\. http2" directive is deprecated)/,
    'D10 the demo starts without a warning');

# no script or style stands in a page

for my $page (qw(index unavailable)) {
    my $html = slurp("$root/t/demo/docs/$page.html");

    unlike($html, qr/<style|\sstyle=|\son\w+=|<script>|<script(?![^>]*src=)/i,
        "D10 $page.html has nothing inline");
    unlike($html, qr{https?://}, "D10 $page.html asks nobody else");
}

# what is not there

$gw->error_is("D10 $_", $gw->request('GET', $_), 404, 'not_found')
    for '/docs', '/docs/none', '/docs/npm.log', '/docs/..%2fconf/nginx.conf';
$gw->refused("D6 $_", $gw->request('GET', $_), 'ambiguous_path')
    for '/docs/%252e%252e/store', '/docs//', '/docs/x%5c..%5cconf';
is($gw->request('POST', '/docs/')->status, 405, 'D10 it takes no POST');

# Another address than 127.0.0.1 is another machine's, as far as nginx knows.

{
    my $url = 'https://127.0.0.1:' . $gw->nginx->port('TLS');
    my @curl = ('curl', '-sS', '--max-time', 10, '--cacert',
        $gw->prefix . '/cert.pem', '-o', '/dev/null', '-w', '%{http_code}');

    for (['127.0.0.1', 200], ['127.0.0.2', 403]) {
        my ($address, $expected) = @$_;

        for my $path ('/docs/', '/docs/openapi.yaml') {
            open my $out, '-|', @curl, '--interface', $address, "$url$path"
                or die "curl: $!\n";
            is(scalar readline($out), $expected, "D10 $path from $address");
        }
    }
}

$gw->finish;
