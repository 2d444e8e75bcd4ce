# D10: what t/install.sh installs, what it says of it, and what it keeps.  In
# place of apt-get and dpkg there are others here that install nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(make_prefix repo_root slurp spew);

my $script = repo_root() . '/t/install.sh';
my $dir = make_prefix();

mkdir "$dir/$_" or die "$dir/$_: $!\n" for qw(bin home);

# a user without root, whose every use of sudo is written down

sub command {
    my ($name, $text) = @_;

    spew("$dir/bin/$name", "#!/bin/bash\n$text\n", 0755);
}

command('id', 'echo 1000');
command('sudo', "echo \"\$*\" >>'$dir/sudo.log'\ncat >/dev/null\n"
    . 'case "$*" in *apt-get*) exec "$@" ;; esac');
command('dpkg-query', <<'END');
case "$*" in
    *Version*)  echo -n 1.22.1-9 ;;
    *here*)     echo -n 'installed ' ;;
    *)          exit 1 ;;
esac
END
command('apt-get', <<'END');
case "$*" in
    *--assume-no*)
        echo '0 upgraded, 61 newly installed, 0 to remove and 3 not upgraded.'
        echo 'Need to get 71.2 MB of archives.'
        echo 'After this operation, 291 MB of additional disk space will be used.'
        exit 1 ;;
    *broken*)   echo 'E: it is broken'; exit 100 ;;
    *download*) echo 'downloads'; touch x.deb ;;
    *)          echo "runs $*" ;;
esac
END
command('dpkg-deb', 'mkdir -p usr/share/nginx/src'
    . ' && touch usr/share/nginx/src/configure'
    . ' && chmod +x usr/share/nginx/src/configure');

# (exit status, what it says)

sub install {
    my (@words) = @_;

    local $ENV{PATH} = "$dir/bin:$ENV{PATH}";

    my $said = qx(cd '$dir/home' && '$script' @words 2>&1);

    return ($? >> 8, $said);
}

my ($status, $said) = install(qw(here here-too/no-such-command no-package/sh));

is("$status $said", '0 ', 'D10 what is there is not installed');
ok(!-e "$dir/home/build", 'D10 and not spoken of');

($status, $said) = install(qw(here one two/no-such-command));
is($status, 0, 'D10 what is missing is installed');
is($said, <<'END', 'D10 and how much that is, in one line each');
reading the lists of packages (apt-get update)
installing 61 packages, 291 MB (log in build/apt.log): one two
END

my $first = slurp("$dir/home/build/apt.log");

like($first, qr/== \d{4}-\d\d-\d\d [\d:]+ reading .*\nruns -q update\n/,
    'D10 the log has the update');
like($first, qr/== .* installing .*\nruns -q -y \S+ install one two\n/,
    'D10 and the installation');

# the log of a call was gone with the next one

($status, $said) = install(qw(three));
is($status, 0, 'D10 a later call');

my $second = slurp("$dir/home/build/apt.log");

is(substr($second, 0, length $first), $first, 'D10 keeps the log of the first');
like(substr($second, length $first), qr/install three\n/,
    'D10 and adds its own');

($status, $said) = install(qw(broken));
is($status, 1, 'D10 what fails is a failure');
like($said, qr/^E: it is broken$/m, 'D10 with what apt-get said of it');
like(slurp("$dir/home/build/apt.log"), qr/\A\Q$second\E.*it is broken/s,
    'D10 which is in the log, too');

# Debian's nginx is not started meanwhile, if nobody has said so already

POLICY: {
    my $sudo = slurp("$dir/sudo.log");

    if (-e '/usr/sbin/policy-rc.d') {
        unlike($sudo, qr/policy/, 'D10 the policy of others is left alone');
        last POLICY;
    }

    like($sudo, qr{^tee\ (\S+/policy-rc\.d)\nchmod\ 755\ \1\n
        env\ .*\ install\ one\ two\nrm\ -f\ \1\n}mx,
        'D10 no service is started');
}

# nginx's sources, where its package is not there

my $to = 'build/nginx-dev/1.22.1-9';

for my $expected (<<"END", '') {
reading the lists of packages (apt-get update)
unpacking nginx's sources into $to (nginx-dev)
END
    local $ENV{NGINX_SOURCE} = "$dir/none";

    ($status, $said) = install('--nginx-source', 'here');
    is($status, 0, 'D10 the sources of nginx');
    is($said, $expected, 'D10 are unpacked once');
    ok(-x "$dir/home/$to/usr/share/nginx/src/configure",
        'D10 where the Makefile finds them');
}

{
    local $ENV{NGINX_SOURCE} = "$dir/home/$to/usr/share/nginx/src";

    ($status, $said) = install('--nginx-source', 'here');
    is("$status $said", '0 ', 'D10 those that are there are used');
}

done_testing();
