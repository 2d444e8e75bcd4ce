# The packages on a bare Debian, which debootstrap makes: they are built in one,
# and in another the README's Install and the handbook's chapter on partners, API
# keys and businesses are followed as they stand there, with SQLite and with
# Redis.  Then the packages are upgraded under load, removed and purged.
#
# AGW_SUITES has the suites, which are tried one after another.  With
# AGW_PACKAGES nothing is built: $AGW_PACKAGES/<suite> is what an earlier run
# left in build/packages/<suite>.packages.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use File::Path qw(make_path);
use JSON ();
use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Files qw(repo_root slurp spew);
use AGW::Handbook;
use AGW::Machine;
use AGW::OperatorDay qw(operator_day);
use AGW::Skip qw(skip_all_for);

skip_all_for('no machine', 'the packages are') unless AGW::Machine::possible();

my $root = repo_root();
my $place = "$root/build/packages";
my $ca = '/etc/ssl/certs/ssl-cert-snakeoil.pem';
my $url = 'https://gateway.example.com';
my $site = '/etc/nginx/sites-enabled/api.example.com';
my $module = 'libnginx-mod-http-auth-gateway';

# a Redis with what conf/README.md wants of it

my $durable = '--appendonly yes --appendfsync always --maxmemory-policy'
    . ' noeviction --dir /var/tmp --daemonize yes --port 6379';
my %redis = (
    bookworm => ['redis-server', "redis-server $durable"],
    trixie => ['valkey-server', "valkey-server $durable"],
);

make_path($place);


# The packages of this version and of a later one: a folder, with old/ and new/.

sub build {
    my ($base, $suite) = @_;

    return "$ENV{AGW_PACKAGES}/$suite.packages" if $ENV{AGW_PACKAGES};

    my $machine = $base->copy("$place/$suite.build");
    my $in = $machine->root . '/root';

    system("tar -C '$root' --exclude=./build --exclude=./.git -c . |"
        . " tar -C '$in/day' -x") == 0 or die "tar: $?\n";

    ok($machine->online(<<'END'), "D9 $suite: make deb") or return;
set -o pipefail
mkdir -p /root/packages/old /root/packages/new
apt-get -q update
apt-get -q install --no-install-recommends make
cd /root/day
make deb | tee /root/packages/said
rm build/*-dbgsym_*.deb
mv build/*.deb /root/packages/old
sed -i 's/^\(#define AGW_VERSION *\)".*"/\1"99.0"/' src/core/agw.h
make deb
rm build/*-dbgsym_*.deb
mv build/*.deb /root/packages/new
END

    is_deeply([grep { /^[EW]: / } split /\n/, slurp("$in/packages/said")], [],
        "D9 $suite: lintian finds nothing");

    system('rm', '-rf', "$place/$suite.packages");
    system('cp', '-a', "$in/packages", "$place/$suite.packages") == 0
        or die "cp: $?\n";
    $machine->end;

    return "$place/$suite.packages";
}


# the state of a file, as an administrator sees it

sub mode {
    my ($machine, $file) = @_;

    return ($machine->run('stat', '-c', '%U:%G %a', $file))[1] =~ s/\n\z//r;
}


# (status, body) of a request; 429 is a request to come again

sub curl {
    my ($machine, @args) = @_;

    for (1 .. 200) {
        my (undef, $said) = $machine->run('curl', '-s', '--cacert', $ca, '-w',
            '\n%{http_code}', @args);
        my ($body, $status) = $said =~ /^(.*)\n(\d+)$/s;

        return ($status // 0, $body // '') if ($status // 0) != 429;

        sleep 0.2;
    }

    return (429, '');
}


sub access_token {
    my ($body) = @_;

    return eval { JSON->new->utf8->decode($body)->{access_token} };
}


sub partner_token {
    my ($machine, $partner, $key) = @_;

    my ($status, $body) = curl($machine, '-u', "$partner:$key", '-d',
        'grant_type=client_credentials', "$url/v1/platform/oauth2/token");

    return ($status, access_token($body));
}


sub business_token {
    my ($machine, $token, $business) = @_;

    my ($status, $body) = curl($machine, '-X', 'POST', '-H',
        "Authorization: Bearer $token",
        "$url/v1/platform/$business/oauth2/token");

    return $status == 200 ? access_token($body) : undef;
}


sub opens {
    my ($machine, $business, $token) = @_;

    return (curl($machine, '-H', "Authorization: Bearer $token",
        "$url/v1/businesses/$business/x"))[0];
}


# the API: an nginx of its own, whose answer to /slow takes some seconds

sub start_api {
    my ($machine) = @_;

    spew($machine->root . '/root/api.conf', <<'CONF');
pid /run/api.pid;
error_log /var/log/api.log;
events { }
http {
    access_log off;
    server {
        listen 127.0.0.1:9080;
        location / { return 200 "$http_x_partner_id $http_x_business_id\n"; }
        location /v1/businesses/b1/slow/ {
            limit_rate 6k;
            alias /usr/bin/;
        }
    }
}
CONF

    my ($code, $said) = $machine->run('nginx', '-c', '/root/api.conf');

    is($code, 0, 'the API runs') or diag($said);

    return;
}


# The README's Install, as it stands there, and what it leaves.  It does without
# documentation, as images of containers do: these leave out /usr/share/doc.

sub install {
    my ($machine, $suite) = @_;

    spew($machine->root . '/etc/dpkg/dpkg.cfg.d/slim',
        "path-exclude=/usr/share/doc/*\n");

    my $shell = $machine->shell;
    my (undef, $block) = AGW::Handbook::blocks('Debian packages', 'README.md');
    my $commands = () = $block =~ /^[a-z(].*?(?<!\\|\|)$/msg;
    my ($apt, $rest) = $block =~ /^(apt-get .*?(?<!\\)\n)(.*)/s;

    is($commands, 10, "D9 $suite: ten commands");
    isnt(($machine->run('sh', '-c', 'command -v sqlite3'))[0], 0, 'no sqlite3');
    $shell->run("D9 $suite: apt-get", $apt);

    is(mode($machine, '/var/lib/auth_gateway'), 'www-data:www-data 750',
        'the directory of the store');
    is(mode($machine, '/run/auth_gateway'), 'root:root 700',
        'that of the socket');
    is(mode($machine, '/var/log/auth_gateway/audit.log'), 'www-data:adm 640',
        'an audit log');
    is(($machine->run('readlink',
        '/etc/nginx/modules-enabled/50-mod-http-auth-gateway.conf'))[1],
        "/usr/share/nginx/modules-available/mod-http-auth-gateway.conf\n",
        'the module is enabled');
    is(($machine->run('nginx', '-t'))[0], 0, 'nginx -t');

    start_api($machine);

    my $said = $shell->run("D9 $suite: Install", $rest);

    like($said, qr/^example b1$/m, "D9 $suite: the API is called");
    is((curl($machine, "$url/v1/businesses/b1/x"))[0], 401,
        "D9 $suite: and guarded");
    is(mode($machine, '/var/lib/auth_gateway/gateway.db'),
        'www-data:www-data 640', 'the store');
    is(mode($machine, '/etc/nginx/auth_gateway/signing.pem'), 'root:root 600',
        'the key');

    return $shell->get('partner_token');
}


# the chapter, on a store

sub day {
    my ($machine, $suite, $store, $others) = @_;

    note("$suite, $store");

    operator_day(
        directory => $machine->root . '/root/day',
        shell => $machine->shell,
        command => $machine->command,
        token => sub { return partner_token($machine, @_) },
        business_token => sub { return business_token($machine, @_) },
        opens => sub { return opens($machine, @_) },
        others => $others,
        secret => sub { return $_[0] },
        good_is => sub { },
        admin_log => sub {
            return slurp($machine->root . '/var/log/auth_gateway/admin.log');
        },
    );

    # how far it is, for a person

    my ($code, $said) = $machine->run('script', '-qec',
        'auth-gateway import /root/day/gateway.ndjson', '/dev/null');

    is($code, 0, "D11 $suite, $store: an import on a terminal");
    like($said, qr/\r.*\d+ lines.*\r.*\d+ lines/s, 'shows how far it is')
        or diag(substr $said, 0, 500);

    return;
}


sub on_redis {
    my ($machine, $suite) = @_;

    my (undef, $start) = @{ $redis{$suite} };
    my ($code, $said) = $machine->run('bash', '-c', "$start && sed -i"
        . " 's|^auth_gateway_store .*|auth_gateway_store"
        . " redis://127.0.0.1:6379;|' $site && service nginx restart");

    is($code, 0, "D9 $suite: a store in Redis") or diag($said);

    for (1 .. 100) {
        last if ($machine->run('auth-gateway', 'status'))[0] == 0;
        sleep 0.1;
    }

    day($machine, $suite, 'Redis', 0);

    ($code, $said) = $machine->run('bash', '-c', "sed -i"
        . " 's|^auth_gateway_store .*|auth_gateway_store"
        . " sqlite:/var/lib/auth_gateway/gateway.db;|' $site &&"
        . ' service nginx restart');
    is($code, 0, "D9 $suite: and SQLite again") or diag($said);

    return;
}


# logs are rotated, and go on

sub rotate {
    my ($machine, $suite) = @_;

    my ($code, $said) = $machine->run('logrotate', '-f',
        "/etc/logrotate.d/$module");

    is($code, 0, "D9 $suite: logrotate") or diag($said);

    for (1 .. 100) {
        $machine->run('auth-gateway', 'business', 'create', 'example');
        last if -s $machine->root . '/var/log/auth_gateway/admin.log';
        sleep 0.1;
    }

    cmp_ok(-s $machine->root . '/var/log/auth_gateway/admin.log', '>', 0,
        'the log of administrators goes on');
    is(mode($machine, '/var/log/auth_gateway/admin.log'), 'www-data:adm 640',
        'as it was');

    return;
}


sub units {
    my ($machine, $suite) = @_;

    my ($code, $said) = $machine->run(qw(systemd-analyze verify --man=no
        nginx.service));

    is($code, 0, "D9 $suite: systemd-analyze verify");
    unlike($said, qr/auth_gateway/, 'finds nothing') or diag($said);
    like(($machine->run(qw(systemd-analyze security --offline=yes
        nginx.service)))[1], qr/ProtectSystem= +Service has strict read-only/,
        'and reads the drop-in');

    return;
}


# the version of the code that runs

sub version {
    my ($machine) = @_;

    my $status = ($machine->run('auth-gateway', '--json', 'status'))[1];

    return eval { JSON->new->utf8->decode($status)->{versions}{module} };
}


# Requests on new connections, one after another, while something is done: their
# statuses.  One that began before it is still answered.

sub under_load {
    my ($machine, $token, $do) = @_;

    my $in = $machine->root . '/root';
    my $get = "curl -s --cacert $ca -H 'Authorization: Bearer $token'";

    spew("$in/load.sh", "while ! [ -e /root/stop ]; do\n$get -H 'Connection:"
        . " close' -o /dev/null -w '%{http_code}\\n'"
        . " '$url/v1/businesses/b1/x?[1-20]'\ndone\n");

    my @loads = map { $machine->begin("$in/load.$_", 'bash', '/root/load.sh') }
        1 .. 3;
    my $slow = $machine->begin("$in/slow", 'sh', '-c', "$get -o /dev/null -w"
        . " '%{http_code} %{size_download}' $url/v1/businesses/b1/slow/env");

    # nginx 1.22 alone cuts one of which it has had but the first piece

    sleep 3;

    my @said = $do->();

    sleep 2;
    spew("$in/stop", '');
    waitpid $_, 0 for @loads, $slow;
    unlink "$in/stop";

    my %count;

    $count{$_}++ for map { split /\n/, slurp("$in/load.$_") } 1 .. 3;

    return (\%count, slurp("$in/slow"), @said);
}


sub upgrade {
    my ($machine, $suite, $token) = @_;

    my $size = -s $machine->root . '/usr/bin/env';
    my $old = version($machine);

    # a configuration that is broken meanwhile

    spew($machine->root . '/etc/nginx/conf.d/broken.conf', "nonsense;\n");

    my ($code, $said) = $machine->run('bash', '-c',
        'dpkg -i /root/new/*.deb');

    is($code, 0, "D9 $suite: an upgrade while nginx -t fails");
    like($said, qr/goes on with its former module: nginx -t fails\./,
        'says so') or diag($said);
    is(version($machine), $old, 'the old code runs on');
    is(opens($machine, 'b1', $token), 200, 'and guards');
    unlink $machine->root . '/etc/nginx/conf.d/broken.conf';
    ($code, $said) = $machine->run('bash', '-c',
        'dpkg -i /root/old/*.deb');
    is($code, 0, 'back again') or diag($said);

    # and under load

    my ($statuses, $slow, $done, $text) = under_load($machine, $token, sub {
        return $machine->run('bash', '-c',
            'dpkg -i /root/new/*.deb');
    });

    is($done, 0, "D9 $suite: an upgrade under load") or diag($text);
    is(join(' ', keys %$statuses), 200, 'no request is lost')
        or diag(explain($statuses));
    cmp_ok($statuses->{200} // 0, '>', 50, 'of many');
    diag("$suite: " . ($statuses->{200} // 0) . ' requests during the upgrade');
    is($slow, "200 $size", 'nor one that began before it')
        or diag(map { slurp($machine->root . "/var/log/$_") }
            'nginx/error.log', 'api.log');
    is(version($machine), '99.0', 'the new code runs');
    is(opens($machine, 'b1', $token), 200, 'and guards');
    like(($machine->run('auth-gateway', '--version'))[1], qr/ 99\.0$/,
        'so does the command');

    return;
}


sub remove {
    my ($machine, $suite, $token) = @_;

    my $store = '/var/lib/auth_gateway/gateway.db';
    my ($code, $said) = $machine->run('apt-get', 'remove', $module,
        'auth-gateway');

    is($code, 0, "D9 $suite: remove") or diag($said);
    is(opens($machine, 'b1', $token), 200,
        'nginx goes on as long as its configuration has the module');
    ok(-e $machine->root . $store, 'the store stays');
    ok(-e $machine->root . '/etc/nginx/auth_gateway/guarded_proxy.conf',
        'so does the configuration');

    ($code, $said) = $machine->run('sh', '-c',
        "rm $site && service nginx restart");
    is($code, 0, "D9 $suite: nginx without it") or diag($said);
    isnt((curl($machine, "$url/v1/businesses/b1/x"))[0], 401, 'is another');

    ($code, $said) = $machine->run('apt-get', 'purge', $module,
        'auth-gateway');
    is($code, 0, "D9 $suite: purge") or diag($said);
    ok(!-e $machine->root . '/var/lib/auth_gateway', 'the store is gone');
    ok(!-e $machine->root . '/var/log/auth_gateway', 'so are the logs');
    ok(-e $machine->root . '/etc/nginx/auth_gateway/signing.pem',
        'but not the key, which was the administrator\'s');

    return;
}


for my $suite (split ' ', $ENV{AGW_SUITES} // 'bookworm trixie') {
    my $from = time;
    my $machine = AGW::Machine->new($suite, "$place/$suite");
    my $packages = build($machine, $suite) or next;

    system("cp -a '$packages/old' '$packages/new' '" . $machine->root
        . "/root/' && cp $packages/old/*.deb '" . $machine->root
        . "/root/day/'") == 0 or die "cp: $?\n";

    # what apt-get will want, for it has no network there

    ok($machine->online("apt-get -q update\ncd /root/day\napt-get -q"
        . " --download-only install ./*.deb nginx curl openssl ssl-cert\n"
        . "apt-get -q install --no-install-recommends systemd util-linux"
        . " bsdutils $redis{$suite}[0]"), "D9 $suite: packages are fetched");

    $machine->boot;

    my $token = install($machine, $suite);

    day($machine, $suite, 'SQLite', 1);
    on_redis($machine, $suite);

    my $business_token = business_token($machine, $token, 'b1');

    rotate($machine, $suite);
    units($machine, $suite);
    upgrade($machine, $suite, $business_token);
    remove($machine, $suite, $business_token);

    $machine->end;
    diag(sprintf '%s: %.0f s', $suite, time - $from);
}

done_testing();
