# D10: Debian's source package of nginx, which a static build is made of: how
# .ci/run lets apt have it, and t/nginx_source.sh unpacks it.  In place of apt,
# dpkg, make and sudo there are others here that do nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(make_prefix repo_root slurp spew);

my $dir = make_prefix();

mkdir "$dir/$_" or die "$dir/$_: $!\n" for qw(bin etc);

sub command {
    my ($name, $text) = @_;

    spew("$dir/bin/$name", "#!/bin/bash\n$text\n", 0755);
}

# Outside of this folder nothing is written: sudo does what it is told, but to
# the same name in etc/.

command('id', 'echo 1000');
command('make', 'echo "made $*"');
command('sudo', <<'END' =~ s/ETC/$dir\/etc/r);
if [[ $1 == tee || $1 == chmod ]]; then
    set -- "${@:1:$#-1}" "ETC/$(basename "${@: -1}")"
fi
exec "$@"
END
command('dpkg-query', 'echo -n 1.22.1-9+deb12u3');
command('apt-cache', "cat '$dir/known'; test -s '$dir/known'");
command('apt-get', <<"END");
case "\$*" in
    *indextargets*) printf '%s:1\\n' $dir/sources.list $dir/debian.sources \\
                        $dir/debian.sources ;;
    *source*)
        mkdir nginx-1.22.1
        touch nginx-1.22.1/configure
        echo "\$*" >>'$dir/unpacked' ;;
esac
END

spew("$dir/sources.list", "# deb of old\ndeb [arch=amd64] http://a b main\n");
spew("$dir/debian.sources", "Types: deb\nURIs: http://a\nSigned-By: /k\n");

sub run {
    my ($umask, @line) = @_;

    local $ENV{PATH} = "$dir/bin:$ENV{PATH}";

    my $said = qx(umask $umask; @line 2>&1);

    return ($? >> 8, $said);
}


# The index of some archive was enough, though it has no nginx of this version.

my $known = "Package: nginx\nVersion: 1.22.1-9\n";

for (
    ['nothing', '', 1],
    ['another version', "Package: nginx\nVersion: 1.26.3-3\n", 1],
    ['this version', $known, 0],
    ['it among many', $known x 20000, 0],
) {
    my ($name, $text, $added) = @$_;

    unlink glob "$dir/etc/*";
    spew("$dir/known", $text);

    my ($status, $said) = run('077', repo_root() . '/.ci/run');

    is($status, 0, "D10 apt knows $name") or diag($said);
    like($said, qr/^made FUZZ_SEED=\d+ fuzz\n/m, 'D10 fuzzers run, alike');
    like($said, qr/^made test-clients\n\z/m, 'D10 the clients are the last');
    like($said, qr/^made static\n.*^made test NGINX=\S+ NGINX_SOURCE=\S+\n/ms,
        'D10 a static build is tested');
    is(join(' ', map { s{.*/}{}r } glob "$dir/etc/*"),
        $added ? 'deb-src-of-debian.sources deb-src-of-sources.list' : '',
        'D10 source packages are ' . ($added ? 'added' : 'left as they are'));

    next unless $added;

    is(slurp("$dir/etc/deb-src-of-debian.sources"),
        "Types: deb-src\nURIs: http://a\nSigned-By: /k\n",
        'D10 of the same archive');
    is(slurp("$dir/etc/deb-src-of-sources.list"),
        "# deb of old\ndeb-src [arch=amd64] http://a b main\n",
        'D10 in either form');
    is(join(' ', map { sprintf '%o', (stat)[2] & 07777 } glob "$dir/etc/*"),
        '644 644', 'D10 for apt\'s own user, too');
}


# The name of a version was trusted, though its folder was gone.

my $script = repo_root() . '/t/nginx_source.sh';

for (
    ['is unpacked', 'source nginx=1.22.1-9+deb12u3', sub { }],
    ['is kept', '', sub { }],
    ['is unpacked again if it is gone', 'source nginx=1.22.1-9+deb12u3',
        sub { system('rm', '-r', "$dir/sources") }],
    ['is replaced if it is of another', 'source nginx=1.22.1-9+deb12u3',
        sub { spew("$dir/sources.version", "1.22.1-8\n") }],
) {
    my ($name, $unpacked, $before) = @$_;

    $before->();
    unlink "$dir/unpacked";

    my ($status, $said) = run('022', $script, "$dir/sources");

    is($status, 0, "D10 the source package $name") or diag($said);
    is(slurp("$dir/unpacked"), $unpacked && "-q $unpacked\n",
        'D10 by apt-get, or not at all');
    ok(-e "$dir/sources/configure", 'D10 and is there');
    is(slurp("$dir/sources.version"), "1.22.1-9+deb12u3\n", 'D10 by its name');
}

done_testing();
