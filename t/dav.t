# D6: COPY and MOVE write where Destination says, which no location was
# matched for: a token for b-1 wrote files of b-2, and so did anybody from a
# location that demands nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(make_path remove_tree);
use Test::More;

use AGW::Files qw(slurp spew);
use AGW::Gateway;
use AGW::Nginx;
use AGW::Skip qw(skip_all_for);

my $nginx = AGW::Nginx::binary();

skip_all_for('a module', 'COPY and MOVE of ngx_http_dav_module are')
    unless `$nginx -V 2>&1` =~ /--with-http_dav_module/;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        root %%PREFIX%%/html;
        dav_methods PUT DELETE COPY MOVE;
        create_full_put_path on;

        location /files/ {
            auth_gateway_require business;
            auth_gateway_business_path /files/<business_id>;
        }

        location /owned/ {
            auth_gateway_require owner;
            auth_gateway_business_path /files/<business_id>;
            rewrite ^/owned/(.*)$ /files/$1 break;
        }

        location /reports/ {
            auth_gateway_require business;
            auth_gateway_business_path /reports/<business_id>/final;
        }

        location /trees/ {
            auth_gateway_require business;
            auth_gateway_business_path /trees/<business_id>;
        }

        location ~ ^/trees/x/y/[^/]+ {
            auth_gateway_require business;
            auth_gateway_business_path /trees/x/y/<business_id>;
        }

        location /partners/ {
            auth_gateway_require partner;
        }

        location /pub/ {
        }

        location /open/ {
            auth_gateway_require off;
            auth_gateway_strict_path off;
        }

        location /alias {
            auth_gateway_require off;
            alias %%PREFIX%%/html/aliased/;
        }

        location /up/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location ~ ^/up/guarded/ {
            auth_gateway_require business;
            auth_gateway_business_path /up/guarded/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    server {
        listen 127.0.0.1:%%TLS2%% ssl http2;
        root %%PREFIX%%/html;
        dav_methods COPY MOVE;
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $html = $gw->prefix . '/html';
my ($id) = $gw->partner->{id};
my $mine = $gw->business($id, id => 'b-1');
my $token = $gw->mint(partner_id => $id, business_id => 'b-1');
my $partner = $gw->mint(partner_id => $id);

# the files, afresh for each request: each says where it was

sub plant {
    remove_tree($html, { keep_root => 1 });

    for my $file ('files/b-1/a', 'files/b-1/dir/a', 'files/b-2/a',
        'files/b-2/dir/a', 'pub/a', 'pub/dir/a', 'pub/tree/b-2/a',
        'partners/a', 'open/a', 'aliased/a', 'reports/b-1/final',
        'reports/b-2/final', 'reports/b-1/a', 'trees/x/a', 'trees/x/dir/a',
        'trees/x/y/b-1/a', 'trees/x/y/b-2/a')
    {
        my ($dir) = $file =~ m{^(.*)/};

        make_path("$html/$dir");
        spew("$html/$file", "$file\n");
    }

    system('chmod', '-R', 'a+rwX', $html) == 0 or die "chmod $html\n";

    return;
}

# what b-2 has

sub theirs {
    return join ' ', map { s{^\Q$html\E/}{}r . '=' . slurp($_) =~ s/\s//gr }
        sort grep { !m{/b-1(?:/|$)} } map { split /\n/ }
            `find $html/files $html/reports $html/trees/x/y -type f`;
}

plant();

my $theirs = theirs();

sub dav {
    my ($method, $from, $to, %opt) = @_;

    plant();

    my @to = !defined $to ? () : ref $to ? @$to : ($to);

    return $gw->request($method, $from, headers => [
        map { "Destination: $_" } @to], %opt);
}

sub refused {
    my ($name, $reason, $method, $from, $to, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $r = dav($method, $from, $to, %opt);
    my $shown = join ', ', map { s/([^ -~])/sprintf '\\x%02x', ord $1/ger }
        ref $to ? @$to : $to;

    $gw->refused("D6 $name: $method $from to $shown", $r, $reason,
        scope => $opt{scope}, good => 0);

    return is(theirs(), $theirs, 'D6 and nothing of another was touched');
}

sub done {
    my ($name, $method, $from, $to, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $r = dav($method, $from, $to, %opt);

    like($r->status, qr/^20[14]$/, "D6 $name: $method $from to $to")
        or diag($r->body);

    return is(theirs(), $theirs, 'D6 and nothing of another was touched');
}

my $base = 'https://localhost';
my %mine = (bearer => $token, scope => 'business_access');


# under `business`: the same business, in each spelling of the header

for my $method ('COPY', 'MOVE') {
    refused('another business', 'wrong_business', $method, '/files/b-1/a',
        $_, %mine) for '/files/b-2/b', '/files/b-2', "$base/files/b-2/b",
        'http://other.example/files/b-2/b', '/files/b-2/b?x=/files/b-1/',
        'HTTPS://localhost:443/files/b-2/b', '/files/b-10/a', '/pub/b',
        '/files/', '/files', '/', '/files/B-1/a', '/f%iles/b-2/b';
    done('the same business', $method, '/files/b-1/a', $_, %mine)
        for '/files/b-1/b', "$base/files/b-1/dir/b", '/files/b-1/b%20c',
        '/files/b-1/caf%C3%A9', '/files/b-1/b%23c', '/files/b-1/b;v=1',
        '/files/b-1/x?y';
}

done('a collection of the same business', 'COPY', '/files/b-1/dir/',
    '/files/b-1/dir2/', %mine);
refused('a collection into another', 'wrong_business', 'MOVE',
    '/files/b-1/dir/', '/files/b-2/dir/', %mine);
refused('a collection over all businesses', 'wrong_business', 'COPY',
    '/files/b-1/dir/', '/files/', %mine);


# The most specific template names the business, and the collection in which its
# businesses lie is not the other one's.  The story: a business called as the
# literal segment copied them all into its own.

{
    my @x = (bearer => $gw->mint(partner_id => $id, business_id => 'x'),
        scope => 'business_access');

    done('by the most specific template', 'COPY', '/trees/x/y/b-1/a',
        '/trees/x/y/b-1/b', %mine);
    refused('by another template', 'wrong_business', 'COPY', '/trees/x/a',
        $_, @x) for '/trees/x/y/b-1/b', '/trees/x/y/b-2';
    refused('by the most specific one', 'wrong_business', 'COPY',
        '/trees/x/y/b-1/a', $_, %mine) for '/trees/x/a', '/trees/x/y/b-2/a',
        '/trees/b-1/a', '/trees/x/y/';

    for my $method ('COPY', 'MOVE') {
        done('beside the businesses', $method, '/trees/x/dir/',
            '/trees/x/dir2/', @x);
        refused('with all businesses', 'wrong_business', $method, $_,
            '/trees/x/z/', @x) for '/trees/x/y/', '/trees/x/y';
        refused('over all businesses', 'wrong_business', $method,
            '/trees/x/dir/', $_, @x) for '/trees/x/y/', '/trees/x/y',
                '/trees/x/', '/trees/x';
    }
}


# a path that can be read in two ways, as nginx reads it, or another

my @twice = (
    '/files/b-1/../b-2/b', '/files/b-1/..%2fb-2/b', '/files/b-1/%2e%2e/b-2/b',
    '/files/b-1/%252e%252e/b-2/b', '/files/b-1/..;/b-2/b', '/files//b-2/b',
    '//localhost/files/b-1/b', '/files/b-1//b', '/files/b-1/./b',
    '/files/b-1\\..\\b-2/b', '/files/b-1/%5c..', '/files/b-1/b#c',
    '/files/b-1/%00', '/files/b-1/%0d%0ax', '/files/b-1/%ff', "/files/b-1/\xff",
    '/files/b%2d2/b', '/files/%62-2/b', '/f%69les/b-2/b', '/Files/b-2/b',
    '/files;x/b-2/b', '/files%3bx/b-2/b', '/files%20/b-2/b', '/files/b-1%20/b',
    '/files/b-1;x/b', '/files/*/b', '/files/b-1/.%./b-2/b',
    '/files/b-1/.%2z./b-2/b', '/files/b%-2/b', '/files/%2zb-2/b', 'files/b-1/b', '', '*', 'b',
    'https:/files/b-1/b', 'https:///../files/b-2/b', 'https://localhost',
    'https://localhost?x=/files/b-2/b', 'https://localhost#/files/b-2/b',
    'https://localhost\\@x/files/b-1/b', "https://local host/files/b-1/b",
    'ftp://localhost/files/b-1/b', 'file:///files/b-1/b',
);

refused('two readings', 'ambiguous_path', 'COPY', '/files/b-1/a', $_, %mine)
    for @twice;
refused('two readings, unguarded', 'ambiguous_path', 'MOVE', '/pub/a', $_)
    for grep { m{^/.*b-2} } @twice;
refused('two readings, opened, strict_path off', 'ambiguous_path', 'COPY',
    '/open/a', $_) for grep { m{^/.*b-2} } @twice;
refused('two headers', 'ambiguous_path', 'COPY', '/files/b-1/a', $_, %mine)
    for ['/files/b-1/b', '/files/b-2/b'], ['/files/b-2/b', '/files/b-1/b'],
        ['/files/b-1/b', '/files/b-1/b'], ['', '/files/b-2/b'];


# under `owner`

done('owner', 'COPY', '/owned/b-1/a', '/files/b-1/b', bearer => $partner);
refused('owner', 'wrong_business', 'COPY', '/owned/b-1/a', '/files/b-2/b',
    bearer => $partner);
refused('owner, where it would not be rewritten', 'wrong_business', 'COPY',
    '/owned/b-1/a', '/owned/b-1/b', bearer => $partner);


# from where no business is named: to none

for my $from (['/pub/a'], ['/open/a'], ['/partners/a', bearer => $partner]) {
    my ($path, %opt) = @$from;
    my ($dir) = $path =~ m{^(/\w+/)};

    refused('into a business', 'wrong_business', 'COPY', $path, $_, %opt)
        for '/files/b-2/b', "$base/files/b-2/b", '/files/b-2',
            '/f%iles/b-2/b', '/reports/b-2/final', '/reports/b-2/final/x';
    refused('over what businesses lie in', 'wrong_business', 'COPY', $path,
        $_, %opt) for '/files/', '/files', '/', '/reports/', '/reports/b-2/',
            '/reports/b-2';
    done('to no business', 'COPY', $path, "${dir}b", %opt);
    done('to no business', 'MOVE', $path, "$base/pub/c", %opt);
}

refused('a tree over all businesses', 'wrong_business', 'COPY',
    '/pub/tree/', '/files/');
refused('without a token', 'no_credentials', 'COPY', '/files/b-1/a',
    '/files/b-1/b', scope => 'business_access');
refused('a path before credentials', 'ambiguous_path', 'COPY',
    '/files/b-1/a', '/files/b-1/../b', scope => 'business_access');


# `alias` cuts off as many bytes as the location's name has: a Destination that
# is another, or shorter, was written beside it, or past a buffer

done('alias', 'COPY', '/alias/a', '/alias/b');
refused('alias', 'ambiguous_path', 'COPY', '/alias/a', $_)
    for '/aaaaa../files/b-2/b', '/alias../files/b-2/b', '/a', '/',
        '/aaaaa/b';


# a proxy gets what was checked, and a missing header is the handler's

{
    my $r = dav('COPY', '/up/x', '/files/b-2/b');

    $gw->refused('D6 a proxy, unguarded', $r, 'wrong_business',
        scope => undef, good => 0);
    $r = dav('MOVE', '/up/guarded/b-1/x', "$base/up/guarded/b-2/x", %mine);
    $gw->refused('D6 a proxy, guarded', $r, 'wrong_business', good => 0);
    $r = dav('MOVE', '/up/guarded/b-1/x', "$base/up/guarded/b-1/y", %mine);
    is_deeply([$r->status, map { $_->{headers}{destination}[0] }
        $gw->upstream_saw], [200, "$base/up/guarded/b-1/y"],
        'D6 a proxy gets the header that was checked');

    $r = dav('COPY', '/up/x', undef);
    is_deeply([$r->status, map { $_->{target} } $gw->upstream_saw],
        [200, '/up/x'], 'D6 without a header: left to the upstream');
    is(dav('COPY', '/pub/a', undef)->status, 400,
        'D6 without a header: left to nginx');
    is(dav('PUT', '/pub/new', '/files/b-2/b', body => 'x')->status, 201,
        'D6 another method has no Destination');
    is(theirs(), $theirs, 'D6 and does not follow it');
}

{
    my $h2 = $gw->connect_h2;

    plant();
    $gw->mark;

    my $r = $h2->request('COPY', '/pub/a',
        headers => [['destination', '/files/b-2/b']]);

    $gw->refused('D6 over HTTP/2', $r, 'wrong_business', scope => undef,
        good => 0);
    $h2->close;
}

like(dav('COPY', '/pub/a', '/files/b-2/b', port => 'TLS2')->status,
    qr/^20[14]$/, 'D6 a server that demands nothing is left alone');

plant();
is($gw->request('GET', '/files/b-1/a', bearer => $token)->body,
    "files/b-1/a\n", 'D6 a good request afterwards');

$gw->finish;
