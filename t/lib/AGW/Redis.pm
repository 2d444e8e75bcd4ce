package AGW::Redis;

# A Redis or Valkey of a test: on a free port of 127.0.0.1 and a unix socket,
# in a directory that goes away with it, ended whatever way the test ends.
#
#     my $redis = AGW::Redis->start(durable => 1, user => 'gateway');
#     my $gw = AGW::Gateway->start($conf, names => { REDIS => $redis->words });
#     $redis->call('HGETALL', '{agw}:business:b1');

use strict;
use warnings;

use File::Copy qw(copy);
use File::Path qw(make_path);
use POSIX ();
use Time::HiRes qw(sleep time);

use AGW::Conf qw(free_port);
use AGW::Files qw(make_certificate make_prefix module_path random_hex
    repo_root slurp spew);
use AGW::Resp;
use AGW::Secrets qw(secret watch);
use AGW::Skip qw(skip_all_for);

my %running;                     # of this process: pid => 1


# The program, by whatever name: redis-tools has all of redis-server in it, and
# starts no service.  AGW_REDIS may say which.

sub binary {
    my @found = grep { -x } map { my $name = $_;
        map { "$_/$name" } split(/:/, $ENV{PATH} // ''), '/usr/bin' }
        qw(redis-server valkey-server redis-check-rdb valkey-check-rdb);

    return $ENV{AGW_REDIS} // $found[0];
}


# Whether the module has a store in Redis: it then wants the library.

sub built_in {
    return slurp(module_path()) =~ /libhiredis/;
}


# what of it is not here: a cause that AGW::Skip knows, or undef

sub missing {
    return built_in() ? defined binary() ? undef : 'redis' : 'hiredis';
}


sub skip_all_without {
    my $missing = missing();

    skip_all_for($missing, 'a store in Redis is') if defined $missing;

    return;
}


# likewise, where no server is asked

sub skip_all_without_hiredis {
    skip_all_for('hiredis', 'a store in Redis is') unless built_in();

    return;
}


# Starts one.  Options:
#
#     durable => 1         appendonly with appendfsync always
#     tls => 1             the port speaks TLS; certificates as in ->words
#     client_certificate => 1   and asks for the client's
#     user => name         with a random password, and no right but those that
#                          the README lists for the gateway
#     password => 1        a random password for the user `default`
#     maxmemory => '50mb', policy => 'noeviction'
#     replica_of => another AGW::Redis
#     cluster => 1         a node of a cluster, without slots
#     clock => 1           a wall clock that ->set_clock steps
#     config => [lines]

sub start {
    my ($class, %opt) = @_;

    $opt{user} //= $opt{replica_of}{opt}{user} if $opt{replica_of};

    my $self = bless { opt => \%opt, dir => make_prefix() }, $class;

    watch($self->{dir}, sub => '/redis.log');
    symlink binary() // die("no redis-server\n"), "$self->{dir}/redis-server";
    $self->make_certificates if $opt{tls};
    $self->make_passwords;

    for my $try (1 .. 5) {
        $self->{port} = free_port();
        spew($self->log_file, '');
        spew("$self->{dir}/redis.conf", $self->conf);

        return $self if $self->launch;

        my $said = slurp($self->log_file);

        $self->kill;
        die "Redis did not start:\n$said"
            unless $said =~ /Address already in use/;
    }

    die "no free port\n";
}


# Passwords are in files, each with a newline; the one of %opt's user is what
# the gateway has.  Tests have another user, `test`, that may do anything.

sub make_passwords {
    my ($self) = @_;

    my $opt = $self->{opt};
    my $of = $opt->{replica_of};

    for my $name (qw(password test_password)) {
        $self->{$name} = $of ? $of->{$name} : secret(random_hex(16));
    }

    undef $self->{password} unless $opt->{user} || $opt->{password} || $of;

    $self->write_password if defined $self->{password};

    return;
}


sub write_password {
    my ($self) = @_;

    spew("$self->{dir}/password", "$self->{password}\n", 0600);

    return;
}


# The certificate is its own CA.  The client's own is another, and a stranger's
# is unknown to the server.  A replica has those of its primary.

sub make_certificates {
    my ($self) = @_;

    my $of = $self->{opt}{replica_of};

    for my $who (qw(server client stranger)) {
        my $dir = "$self->{dir}/$who";

        make_path($dir);
        make_certificate($dir) unless $of;

        for my $file ($of ? qw(cert.pem cert.key) : ()) {
            copy("$of->{dir}/$who/$file", "$dir/$file") or die "copy: $!\n";
        }
    }

    spew("$self->{dir}/ca.pem", join '', map {
        slurp("$self->{dir}/$_/cert.pem") } qw(server client));

    return;
}


sub conf {
    my ($self) = @_;

    my ($opt, $dir) = @$self{qw(opt dir)};
    my @lines = ("dir $dir", "logfile $dir/redis.log", 'daemonize no',
        'bind 127.0.0.1', 'protected-mode no', "unixsocket $dir/redis.sock",
        'unixsocketperm 777', 'repl-diskless-sync-delay 0', 'save ""',
        "user test on >$self->{test_password} ~* &* +\@all");

    push @lines, $opt->{tls} ? ('port 0', "tls-port $self->{port}",
        "tls-cert-file $dir/server/cert.pem",
        "tls-key-file $dir/server/cert.key", "tls-ca-cert-file $dir/ca.pem",
        'tls-replication yes', 'tls-auth-clients '
            . ($opt->{client_certificate} ? 'yes' : 'no'))
        : "port $self->{port}";

    push @lines, $self->acl;
    push @lines, 'appendonly yes', 'appendfsync always' if $opt->{durable};
    push @lines, "maxmemory $opt->{maxmemory}" if $opt->{maxmemory};
    push @lines, "maxmemory-policy $opt->{policy}" if $opt->{policy};

    if ($opt->{cluster}) {
        $self->{bus} = has_cluster_port() ? free_port()
            : $self->{port} + 10_000;
        push @lines, 'cluster-enabled yes';
        push @lines, "cluster-port $self->{bus}" if has_cluster_port();
    }

    if (my $primary = $opt->{replica_of}) {
        push @lines, "replicaof 127.0.0.1 $primary->{port}",
            'masteruser test', "masterauth $self->{test_password}";
    }

    return join "\n", @lines, @{ $opt->{config} // [] }, '';
}


# Before 7.0, nodes of a cluster talk on a port 10,000 above their own.

sub has_cluster_port {
    my $dir = make_prefix();

    symlink binary(), "$dir/redis-server";

    my ($major) = qx($dir/redis-server --version) =~ /v=(\d+)/;

    return $major >= 7;
}


# of a node of a cluster: makes it know another one, and gives it slots

sub meet {
    my ($self, $other) = @_;

    return $self->call('CLUSTER', 'MEET', '127.0.0.1', $other->{port},
        has_cluster_port() ? $other->{bus} : ());
}


sub add_slots {
    my ($self, $first, $last) = @_;

    return $self->call('CLUSTER', 'ADDSLOTS', $first .. $last);
}


# What a gateway may do: the README's rule.

sub rights {
    my ($rights) = slurp(repo_root() . '/conf/README.md')
        =~ /^ACL SETUSER gateway on >password (.+)$/m;

    return $rights // die "conf/README.md has no rights in Redis\n";
}


sub acl {
    my ($self) = @_;

    my ($opt, $password) = @$self{qw(opt password)};

    return () unless defined $password;
    return "user default on >$password ~* &* +\@all" unless $opt->{user};

    my $rights = $opt->{rights} // rights();

    # nobody can log in as `default`, whose rights the AOF is loaded with

    return ('user default off ~* &* +@all',
        "user $opt->{user} on >$password $rights");
}


sub launch {
    my ($self) = @_;

    my $dir = $self->{dir};
    my $pid = fork() // die "fork: $!\n";

    if (!$pid) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM PIPE CHLD);
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $self->log_file;
        open STDERR, '>&', \*STDOUT;

        if ($self->{opt}{clock}) {
            $ENV{LD_PRELOAD} = clock_library();
            $ENV{AGW_WALL_CLOCK} = "$dir/clock";
        }

        # a test that is killed leaves none behind

        exec 'setpriv', '--pdeathsig', 'KILL', $self->program
            or POSIX::_exit(127);
    }

    $self->{pid} = $pid;
    $running{$pid} = 1;

    return $self->wait_until_ready;
}


sub clock_library {
    my $build = $ENV{AGW_BUILD} // repo_root() . '/build';
    my $library = "$build/lib/wall_clock.so";

    die "no $library: run make unit first\n" unless -f $library;

    return $library;
}


# seconds ahead of the right time, or behind it

sub set_clock {
    my ($self, $offset) = @_;

    my $file = "$self->{dir}/clock";

    spew("$file.new", "$offset\n", 0644);
    rename "$file.new", $file or die "rename: $!\n";

    return;
}


sub program {
    my ($self) = @_;

    return ("$self->{dir}/redis-server", "$self->{dir}/redis.conf");
}


sub port { return $_[0]{port} }
sub dir { return "$_[0]{dir}" }
sub pid { return $_[0]{pid} }
sub password { return $_[0]{password} }
sub socket { return "$_[0]{dir}/redis.sock" }
sub log_file { return "$_[0]{dir}/redis.log" }
sub log_text { return slurp($_[0]->log_file) }


# What auth_gateway_store is given.  Options: unix => 1; host =>, port => of a
# proxy before it; db; more => [words].

sub words {
    my ($self, %opt) = @_;

    my $tls = $self->{opt}{tls};
    my $dir = $self->{dir};
    my @words = $opt{unix} ? "redis:unix:$dir/redis.sock"
        : ($tls ? 'rediss' : 'redis') . '://' . ($opt{host} // '127.0.0.1')
            . ':' . ($opt{port} // $self->{port})
            . (defined $opt{db} ? "/$opt{db}" : '');

    push @words, "user=$self->{opt}{user}" if $self->{opt}{user};
    push @words, "password_file=$dir/password" if defined $self->{password};

    if ($tls && !$opt{unix}) {
        push @words, "ca=$dir/server/cert.pem";
        push @words, "certificate=$dir/client/cert.pem",
            "certificate_key=$dir/client/cert.key"
            if $self->{opt}{client_certificate};
    }

    return join ' ', @words, @{ $opt{more} // [] };
}


# a connection with all rights, past TLS and any proxy

sub client {
    my ($self, %opt) = @_;

    my $client = AGW::Resp->connect(unix => $self->socket, %opt);

    $client->call('AUTH', 'test', $self->{test_password});

    return $client;
}


# One command: its reply, or death; the reply of try may be an error.  The
# connection is kept, and made anew where the server has closed it.

sub call {
    my ($self, @words) = @_;

    my $reply = $self->try(@words);

    die "Redis: $reply->{text} ($words[0])\n"
        if AGW::Resp::is_error($reply);

    return $reply;
}


sub try {
    my ($self, @words) = @_;

    $self->forget_client if $self->{client} && $self->{client}->readable;
    $self->{client} //= $self->client;

    my $reply = eval { $self->{client}->try(@words) };

    return $reply if $@ eq '';

    $self->forget_client;
    die $@;
}


sub forget_client {
    my ($self) = @_;

    undef $self->{client};

    return;
}


# at most 20 seconds: it answers, and has loaded what it kept

sub wait_until_ready {
    my ($self) = @_;

    my $until = time + 20;

    $self->forget_client;

    while (time < $until) {
        return 0 if $self->gone;
        return 1 if eval { ($self->call('PING') // '') eq 'PONG' };

        $self->forget_client;
        sleep 0.01;
    }

    return 0;
}


sub gone {
    my ($self) = @_;

    my $pid = $self->{pid};

    return 1 unless $running{ $pid // 0 };
    return 0 if waitpid($pid, POSIX::WNOHANG()) != $pid;

    delete $running{$pid};

    return 1;
}


# How it ends and comes back.  After a restart it has what it kept (durable),
# on the same port.

sub kill {
    my ($self) = @_;

    return if $self->gone;

    CORE::kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
    delete $running{ $self->{pid} };
    $self->forget_client;

    return;
}


sub stop {
    my ($self) = @_;

    return if $self->gone;

    CORE::kill 'TERM', $self->{pid};

    for (1 .. 250) {
        return $self->forget_client if $self->gone;
        sleep 0.02;
    }

    return $self->kill;
}


sub restart {
    my ($self) = @_;

    $self->stop;
    $self->launch or die "Redis did not start again:\n" . $self->log_text;

    return;
}


# it stands still, and its connections stay

sub freeze {
    my ($self) = @_;

    return CORE::kill 'STOP', $self->{pid};
}


sub thaw {
    my ($self) = @_;

    return CORE::kill 'CONT', $self->{pid};
}


sub flush {
    my ($self) = @_;

    return $self->call('FLUSHALL');
}


# The same, and the directory is there again at once, as by an import.

sub flush_all_but_directory {
    my ($self) = @_;

    my $client = $self->client;
    my @keep = map { my $key = $_;
        [$key, @{ $client->call('HGETALL', $key) }] }
        map { @{ $client->call('KEYS', "{agw}:$_:*") } }
        qw(partner api_keys business);

    $client->send(['MULTI'], ['FLUSHALL'], (map { ['HSET', @$_] } @keep),
        ['EXEC']);
    $client->reply for 1 .. @keep + 3;
    $client->close;

    return;
}


# The role, and INFO as a hash.

sub role {
    my ($self) = @_;

    return $self->call('ROLE')->[0];
}


sub info {
    my ($self, $section) = @_;

    return map { /^([^#:]+):(.*?)\r?$/ ? ($1, $2) : () }
        split /\n/, $self->call('INFO', $section // 'default');
}


# waits until this replica follows; at most 20 seconds

sub wait_for_primary {
    my ($self) = @_;

    for (1 .. 1000) {
        return 1 if ($self->call('ROLE')->[3] // '') eq 'connected';
        sleep 0.02;
    }

    die "the replica does not follow:\n" . $self->log_text;
}


# becomes a primary, and is one after a restart, too

sub promote {
    my ($self) = @_;

    $self->call('REPLICAOF', 'NO', 'ONE');
    $self->call('CONFIG', 'REWRITE');

    return;
}


# a password that changes, on the server; in the file only if asked

sub change_password {
    my ($self, %opt) = @_;

    my $user = $self->{opt}{user} // 'default';

    $self->{password} = random_hex(16);
    $self->call('ACL', 'SETUSER', $user, 'resetpass', ">$self->{password}");
    $self->call('CONFIG', 'REWRITE');
    $self->write_password if $opt{file};

    return $self->{password};
}


# whatever way the test ends, none is left behind

my $owner = $$;

END {
    my $status = $?;

    if ($$ == $owner) {
        for my $pid (keys %running) {
            CORE::kill 'KILL', $pid;
            waitpid $pid, 0;
        }
    }

    $? = $status;
}


1;
