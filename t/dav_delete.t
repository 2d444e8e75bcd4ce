# D6: nginx's own DELETE removes all that lies in a collection.  The
# story: `DELETE /v1/` in a location that demands nothing, or for a partner,
# removed the files of every business, though COPY and MOVE of it are refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(make_path remove_tree);
use Test::More;

use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Nginx;
use AGW::Skip qw(skip_all_for);

my $nginx = AGW::Nginx::binary();

skip_all_for('a module', 'DELETE of ngx_http_dav_module is')
    unless `$nginx -V 2>&1` =~ /--with-http_dav_module/;

my $conf = <<'CONF';
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        root %%PREFIX%%/html;
        dav_methods PUT DELETE;

        location /v1/files/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/files/<business_id>;
        }

        location ~ ^/reports/[^/]+/final(/|$) {
            auth_gateway_require business;
            auth_gateway_business_path /reports/<business_id>/final;
        }

        location /v1/ {
        }

        location /reports/ {
            auth_gateway_require partner;
        }

        location = /reports/literal/ {
            auth_gateway_require partner;
        }

        location = /v1/files/ {
            auth_gateway_require off;
        }

        location /trees/ {
            auth_gateway_require business;
            auth_gateway_business_path /trees/<business_id>;
        }

        location ~ ^/trees/x/y/[^/]+ {
            auth_gateway_require business;
            auth_gateway_business_path /trees/x/y/<business_id>;
        }

        location = /up/v1/ {
            rewrite ^/up(.*)$ $1 break;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $html = $gw->prefix . '/html';
my $token = $gw->mint(partner_id => 'p-1', business_id => 'b-1');
my $partner = $gw->mint(partner_id => 'p-1');

sub plant {
    remove_tree($html, { keep_root => 1 });

    for my $file ('v1/files/b-1/a', 'v1/files/b-2/a', 'v1/other/a',
        'reports/literal/final/a', 'reports/b-2/final/a', 'reports/b-2/draft/a',
        'trees/x/a', 'trees/x/y/b-1/a', 'trees/x/y/b-2/a', 'trees/x/z/a')
    {
        my ($dir) = $file =~ m{^(.*)/};

        make_path("$html/$dir");
        spew("$html/$file", "$file\n");
    }

    system('chmod', '-R', 'a+rwX', $html) == 0 or die "chmod $html\n";

    return;
}

sub files {
    return join ' ', sort map { s{^\Q$html\E/}{}r } map { split /\n/ }
        `find $html -type f`;
}

plant();

my $all = files();

sub refused {
    my ($name, $reason, $target, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    plant();
    $gw->refused("D6 $name: DELETE $target",
        $gw->request('DELETE', $target, %opt), $reason,
        scope => $opt{scope}, good => 0);

    return is(files(), $all, 'D6 and nothing is gone');
}

sub removed {
    my ($name, $target, $gone, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    plant();

    my $r = $gw->request('DELETE', $target, %opt);

    return is_deeply([$r->status, files()],
        [204, join ' ', grep { !/^$gone/ } split / /, $all],
        "D6 $name: DELETE $target");
}

refused('businesses lie in it', 'unguarded_path', $_) for '/', '/v1/';
refused('for partners', 'wrong_kind', $_, bearer => $partner)
    for '/reports/', '/reports/b-2/';
refused('for partners, one path', 'wrong_kind', '/reports/literal/',
    bearer => $partner);

removed('a collection beside them', '/v1/other/', 'v1/other/');
removed('a file beside them', '/v1/other/a', 'v1/other/a');
removed('a collection for partners', '/reports/b-2/draft/',
    'reports/b-2/draft/', bearer => $partner);
removed('the business itself', '/v1/files/b-1/', 'v1/files/b-1/',
    bearer => $token);
# The story: a business called as a literal of a more specific template
# removed those that lie there.

{
    my $x = $gw->mint(partner_id => 'p-1', business_id => 'x');

    refused('other businesses lie in it', 'wrong_business', $_, bearer => $x,
        scope => 'business_access')
        for '/trees/x/', '/trees/x/y/';
    removed('what is beside them', '/trees/x/z/', 'trees/x/z/', bearer => $x);
    removed('one of them', '/trees/x/y/b-1/', 'trees/x/y/b-1/',
        bearer => $token);
}

removed('what says off', '/v1/files/', 'v1/files/');

# an upstream is asked as ever, and another method removes nothing

is_deeply([$gw->request('DELETE', '/up/v1/')->status,
    map { "$_->{method} $_->{target}" } $gw->upstream_saw],
    [200, 'DELETE /v1/'], 'D6 an upstream has rules of its own');
is($gw->request('PUT', '/v1/new', body => 'x')->status, 201,
    'D6 PUT beside them');

$gw->finish;
