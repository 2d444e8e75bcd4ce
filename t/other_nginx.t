# D10: which nginx the Makefile builds for, and tests with.  There are an nginx,
# its sources and a compiler here that compile nothing, but say what they were
# called with; and a copy of the tree without anything that was built.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(make_prefix repo_root slurp spew);

my $dir = make_prefix();
my $name = 'ngx_http_auth_gateway_module';

mkdir "$dir/$_" or die "$dir/$_: $!\n"
    for qw(bin objs tree source source/src source/src/core);

system("tar -C '" . repo_root() . "' --exclude=./build --exclude=./.git -c ."
    . " | tar -C '$dir/tree' -x") == 0 or die "tar: $?\n";

spew("$dir/source/src/core/nginx.h", "#define NGINX_VERSION \"1.99.1\"\n");
spew("$dir/source/configure", <<'END', 0755);
for word; do
    case $word in --builddir=*) to=${word#*=} ;; esac
done
printf '%s\n' "$@" >"$to/arguments"
printf 'modules:\n\techo library >%s/ngx_http_auth_gateway_module.so\nbinary:\n' \
    "$to" >"$to/Makefile"
END

my $nginx = <<"END";
#!/bin/sh
case "\$1" in
    -V)   cat '$dir/configured' >&2 ;;
    -v)   ;;
    *)    cat '$dir/refusal' >&2; test ! -s '$dir/refusal' ;;
esac
exit
END

spew("$dir/bin/$_", $nginx, 0755) for qw(nginx nginx-debug);
spew("$dir/objs/nginx", "$nginx\0$name\0", 0755);
spew("$dir/objs/$_", '') for qw(ngx_auto_config.h Makefile);
spew("$dir/configured", "nginx version: nginx/1.99.1\nconfigure arguments:"
    . " --with-http_ssl_module --add-module=/other"
    . " --with-cc-opt='-fPIE -O3 -fno-pie -Wp,-D_FORTIFY_SOURCE=3 -fPIC'"
    . " --with-ld-opt='-Wl,-z,relro -no-pie -pie'\n");
spew("$dir/refusal", '');
spew("$dir/bin/cc", <<"END", 0755);
#!/bin/sh
while [ \$# -gt 0 ]; do
    if [ "\$1" = -o ]; then : >"\$2"; fi
    shift
done
echo once >>'$dir/compiled'
END

# (exit status, what it says), with nothing but these in the environment

sub make_in {
    my ($tree, $environment, @words) = @_;

    my $line = join ' ', map { "'$_'" } 'env', '-i', "PATH=$dir/bin:$ENV{PATH}",
        @$environment, 'make', '--no-print-directory', '-C', "$dir/$tree",
        "CC=$dir/bin/cc", 'JOBS=1', @words;
    my $said = qx($line 2>&1);

    return ($? >> 8, $said);
}

my @ours = ("NGINX=$dir/bin/nginx", "NGINX_SOURCE=$dir/source");
my $module = "build/$name.so";

sub arguments {
    my ($file) = @_;

    return { map { /^(--[\w-]+)=(.*)/ ? ($1 => $2) : ($_ => 1) }
        split /\n/, slurp("$dir/$file/arguments") };
}


# A tree that was copied was once built with the files of the other one.

my ($status, $said) = make_in('tree', [], $module, @ours);

is($status, 0, 'D10 a tree without what was built') or diag($said);
like($said, qr{^configuring in build/nginx for nginx 1\.99\.1$}m,
    'D10 is configured');

my $given = arguments('tree/build/nginx');

is($given->{'--add-dynamic-module'}, "$dir/tree", 'D10 with its own folder');
is($given->{'--builddir'}, "$dir/tree/build/nginx", 'D10 into its own folder');
like(slurp("$dir/tree/build/nginx/plan"), qr{^\Q$dir\E/tree$}m,
    'D10 which is in the plan');

($status, $said) = make_in('tree', [], $module, @ours);
is("$status $said", '0 ', 'D10 and once');

system('cp', '-a', "$dir/tree", "$dir/copy") == 0 or die "cp: $?\n";
($status, $said) = make_in('copy', [], $module, @ours);
is($status, 0, 'D10 a copy with what was built') or diag($said);

my $copied = arguments('copy/build/nginx');

is($copied->{'--add-dynamic-module'}, "$dir/copy", 'D10 has its own folder');
is($copied->{'--builddir'}, "$dir/copy/build/nginx", 'D10 for both');
unlike(slurp("$dir/copy/build/nginx/plan"), qr{\Q$dir\E/tree},
    'D10 the other one is not in its plan');


# nginx's own flags: those of an executable are not a library's, and of "-no-pie"
# no "-no" was to stay

like($given->{'--with-cc-opt'}, qr/^ -O3 -fPIC /,
    'D10 a library is compiled without -fPIE');
like($given->{'--with-ld-opt'}, qr/^-Wl,-z,relro /, 'D10 and linked without -pie');
unlike(join(' ', %$given), qr/pie\b|-no |-Wp|FORTIFY_SOURCE=3/i,
    'D10 nothing is left of them');
is($given->{'--with-http_ssl_module'}, 1, 'D10 other flags stay');
ok(!exists $given->{'--add-module'}, 'D10 other modules do not');

($status, $said) = make_in('tree', [], 'static-build', @ours);
is($status, 0, 'D10 an nginx with the module in it') or diag($said);

my $static = arguments('tree/build/static');

is($static->{'--add-module'}, "$dir/tree", 'D10 has it');
like($static->{'--with-cc-opt'}, qr/^-fPIE -O3 -fno-pie -fPIC /,
    'D10 and is compiled as that one');
like($static->{'--with-ld-opt'}, qr/^-Wl,-z,relro -no-pie -pie /,
    'D10 and linked');


# an nginx that does not load the module fails the tests before they begin

($status, $said) = make_in('tree', [], 'loads', @ours);
is($status, 0, 'D10 an nginx that loads the module') or diag($said);

my $why = 'nginx: [emerg] module is not binary compatible';

spew("$dir/refusal", "$why\n");

for my $target ('loads', 'check') {
    ($status, $said) = make_in('tree', [], $target, 'TESTS=t/none.t', @ours);

    isnt($status, 0, "D10 $target: an nginx that does not");
    like($said, qr{^\Q$why\E\n\QNGINX=$dir/bin/nginx does not load the module\E
        \Q that was built with NGINX_SOURCE=$dir/source\E\n}mx,
        'D10 says so, and make says which');
    unlike($said, qr/none/, 'D10 no test is run');
}


# one that is not there was noticed when everything was built for it

for my $target ('loads', 'check') {
    ($status, $said) = make_in('tree', [], $target, 'TESTS=t/none.t',
        "NGINX=$dir/none/nginx", $ours[1]);
    isnt($status, 0, "D10 $target: an nginx that is not there");
    like($said, qr{\A\QNGINX=$dir/none/nginx does not run\E\n(?!.*configuring)}s,
        'D10 make says so, and builds nothing');
}


# a path with a space became two, of which each was looked for here

for my $name (qw(NGINX NGINX_SOURCE)) {
    ($status, $said) = make_in('tree', [], $module, @ours,
        "$name=$dir/two words/nginx");
    is($status, 2, "D10 $name with a space");
    like($said, qr{\Q$name is "$dir/two words/nginx": it must be a path without\E
        \Q spaces\E}x, 'D10 is refused');
}


# what was given: PATH was not asked for a name, and an empty variable of the
# environment was taken for a folder

sub given {
    my ($environment, @words) = @_;

    return (make_in('tree', $environment, '-s', '--eval', 'show: ; @echo'
        . ' $(NGINX) $(or $(OTHER_SOURCE),no): $(NGINX_SOURCE)'
        . ' $${NGINX_SOURCE-none} $${AGW_NGINX-none}', 'show', @words))[1];
}

my $nothing = given([]);

like($nothing, qr{\A\Q$dir\E/bin/nginx no: /\S+ none none\n\z},
    'D10 nothing is given');
is(given(['NGINX=', 'NGINX_SOURCE=']), $nothing,
    'D10 nor is it by empty variables');
is(given([], 'NGINX=', 'NGINX_SOURCE='), $nothing, 'D10 or on the command line');

for (
    ['a name', 'nginx-debug', "$dir/bin/nginx-debug"],
    ['a file', 'objs/nginx', "$dir/tree/objs/nginx"],
    ['one above', '../objs/nginx', "$dir/objs/nginx"],
    ['an unknown name', 'no-such-nginx', 'no-such-nginx'],
) {
    my ($what, $word, $file) = @$_;

    for my $got (given([], "NGINX=$word"), given(["NGINX=$word"])) {
        is($got, $nothing =~ s{^\S+}{$file}r =~ s{none$}{$file}r,
            "D10 $what: $word");
    }
}

like(given(["NGINX_SOURCE=$dir/source"]),
    qr{ yes: (\Q$dir\E/source) \1 none$}, 'D10 a folder in the environment');


# A module that stands beside ours was of the last nginx, if the files of another
# one are older.

my ($beside) = map { m{/(\w+)\.c$} } glob repo_root() . '/t/lib/nginx/*.c';

sub compiled {
    my ($nginx) = @_;

    unlink "$dir/compiled";
    ($status, $said) = make_in('tree', [], "build/lib/$beside.so",
        "NGINX=$nginx", "NGINX_SOURCE=$dir/source");
    is($status, 0, "D10 $beside for $nginx") or diag($said);

    return -e "$dir/compiled" ? slurp("$dir/compiled") : '';
}

utime 1, 1, "$dir/objs/Makefile" or die "utime: $!\n";

is(compiled("$dir/bin/nginx"), "once\n", 'D10 is compiled');
is(compiled("$dir/bin/nginx"), '', 'D10 and stays');
is(compiled("$dir/objs/nginx"), "once\n", 'D10 but not for another one');
is(compiled("$dir/objs/nginx"), '', 'D10 where it stays, too');

done_testing();
