# D5: the master makes a store before its workers are there, as the
# user that they will be, so that an operator can fill it at once.  (In 13 of
# 20 runs of `nginx && sqlite3 ... INSERT` as root the file was root's: all
# token requests were 503.)

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(remove_tree);
use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Client;
use AGW::Conf;
use AGW::ErrorLog qw(bad_lines);
use AGW::Files qw(make_certificate make_prefix random_id slurp spew
    worker_ids write_secret);
use AGW::Gateway;
use AGW::Nginx;
use AGW::Skip qw(skip_for);
use AGW::Store qw(give_away);
use AGW::Token qw(api_key key_digest);

my $text = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl;

        location = /token { auth_gateway_token partner; }
    }
}
CONF

my $prefix = make_prefix();
my $dir = "$prefix/store";
my $file = "$dir/gateway.db";
my (undef, $uid, $gid) = worker_ids();
my $nginx = AGW::Nginx::binary();
my $command = join ' ', map { "'$_'" } $nginx, '-p', "$prefix/", '-c',
    "$prefix/nginx.conf", '-e', "$prefix/logs/error.log";
my %names;
my $mounted;

END {
    my $status = $?;

    end();
    system("umount -l $mounted 2>/dev/null") if $mounted;
    $? = $status;
}

make_certificate("$prefix");
write_secret("$prefix/secret.key");

sub write_conf {
    my ($change) = @_;

    # another binary is to have the environment of this one

    local $_ = AGW::Conf::complete($text, "$prefix", \%names,
        workers => 2, main => "env LD_PRELOAD;\nenv ASAN_OPTIONS;\n");

    $change->() if $change;
    spew("$prefix/nginx.conf", $_);

    return;
}

sub empty {
    remove_tree($dir, { keep_root => 1 });
    return;
}

# a shell command, with a sanitizer's library where it is one

sub run {
    my ($shell) = @_;

    local $ENV{LD_PRELOAD} = $ENV{AGW_PRELOAD} if $ENV{AGW_PRELOAD};

    return system("exec >>$prefix/logs/out 2>&1; $shell");
}

sub pid {
    return slurp("$prefix/nginx.pid") =~ /^(\d+)$/m ? $1 : undef;
}

# until a command succeeds, at most 10 seconds

sub wait_until {
    my ($what) = @_;

    for (1 .. 500) {
        return 1 if $what->();
        sleep 0.02;
    }

    return 0;
}

sub end {
    my $pid = pid();

    return unless $pid;

    # one that became a daemon is not our child: it takes its pid away last

    kill 'TERM', $pid;
    wait_until(sub { !-e "$prefix/nginx.pid" }) or kill 'KILL', $pid;
    unlink "$prefix/nginx.pid";

    return;
}

sub said {
    return slurp("$prefix/logs/error.log") . slurp("$prefix/logs/out");
}

sub anew {
    end();
    empty();
    unlink "$prefix/logs/error.log", "$prefix/logs/out";

    return;
}

sub insert {
    my ($partner) = @_;

    my $digest = key_digest($partner->{key});

    return "INSERT INTO partners (partner_id) VALUES ('$partner->{id}');"
        . ' INSERT INTO api_keys (partner_id, key_sha256) VALUES'
        . " ('$partner->{id}', '$digest');";
}

sub new_partner {
    return { id => random_id(), key => api_key() };
}

sub status_of {
    my ($partner) = @_;

    wait_until(sub { AGW::Nginx::can_connect($names{TLS}) });

    my $client = AGW::Client->connect(port => $names{TLS}, tls => 1,
        ca => "$prefix/cert.pem");
    my $response = $client->request('POST', '/token', headers => [
        AGW::Gateway::basic(@$partner{qw(id key)})]);

    $client->close;

    return $response->status;
}

# those files of the store that the workers do not own

sub foreign {
    my $owner = shift // $uid // $>;

    return join ' ', grep { (stat)[4] != $owner } glob "$dir/*";
}


# `nginx && sqlite3 ... INSERT`, over and over

{
    my (%status, @foreign, @failed);

    for my $run (1 .. 20) {
        my $partner = new_partner();

        anew();
        write_conf(sub { s/daemon off;// });

        my $code = run("$command && exec sqlite3 -cmd '.timeout 5000'"
            . " $file \"" . insert($partner) . '"');

        push @failed, $run if $code != 0;
        push @foreign, foreign();
        $status{ status_of($partner) }++;
    }

    is_deeply(\%status, { 200 => 20 },
        'D5 nginx, and at once sqlite3: every token request is 200');
    is("@failed", '', 'D5 each INSERT found the schema')
        or diag(slurp("$prefix/logs/out"));
    is(join('', @foreign), '', 'D5 each file is the workers\' own');
    is(sprintf('%o', (stat $file)[2] & 07777), '640',
        'D5 closed to everybody else');
    is_deeply([bad_lines(said())], [], 'D5 nothing went wrong');
    note('without root there is one user: owners are NOT tested')
        unless defined $uid;
}


# in each way of starting it

for my $case (
    ['in the foreground', sub { }, "$command &"],
    ['without a master', sub { s/daemon off;/daemon off;master_process off;/ },
        "$command &", $>],
    ['by the default user', sub { s/^user .*;\n//m; s/daemon off;// }],
    ['by one that ignores its children', sub { s/daemon off;// },
        "perl -e '\$SIG{CHLD} = q(IGNORE); exec \@ARGV' $command"],
) {
    my ($name, $change, $shell, $owner) = @$case;
    my $partner = new_partner();

    SKIP: {
        skip_for('another default user', "a store made $name is")
            if $name =~ /default/ && defined $uid
                && `$nginx -V 2>&1` =~ /--user=(?!nobody)/;

        anew();
        write_conf($change);
        run($shell // $command);
        ok(wait_until(sub { defined pid() }), "D5 $name: it starts")
            or diag(said());
        is(system('sqlite3', '-cmd', '.timeout 5000', $file,
            insert($partner)), 0, "D5 $name: the schema is there");
        is(status_of($partner), 200, "D5 $name: the store can be used");
        is(foreign($owner), '', "D5 $name: it is the workers' own");
        is_deeply([bad_lines(said())], [], "D5 $name: nothing went wrong");
    }
}


# a reload, and another binary, onto another store

{
    my $other = "$dir/other.db";
    my $onto = sub { s/gateway\.db/other.db/; s/daemon off;// };

    for my $case (['a reload', 'HUP'], ['another binary', 'USR2']) {
        my ($name, $signal) = @$case;
        my $partner = new_partner();

        anew();
        write_conf(sub { s/daemon off;// });
        run($command);
        status_of($partner);
        write_conf($onto);

        my $old = pid();

        kill $signal, $old;
        ok(wait_until(sub { -s $other && system("sqlite3 $other"
            . ' "SELECT 1 FROM clock" >/dev/null 2>&1') == 0 }),
            "D5 $name: the store is made") or diag(said());
        is(system('sqlite3', '-cmd', '.timeout 5000', $other,
            insert($partner)), 0, "D5 $name: an INSERT");
        kill 'QUIT', $old if $signal eq 'USR2'
            && wait_until(sub { -e "$prefix/nginx.pid.oldbin"
                && (pid() // $old) != $old });
        ok(wait_until(sub { status_of($partner) == 200 }),
            "D5 $name: the store can be used") or diag(said());
        is(foreign(), '', "D5 $name: it is the workers' own");
        is_deeply([bad_lines(said())], [], "D5 $name: nothing went wrong");
    }
}


# what cannot be made is left to the workers: nginx starts, and serves as soon
# as it can be

SKIP: {
    end();

    skip_for('not root', 'a full disk is') unless defined $uid;
    skip_for('tmpfs', 'a full disk is')
        if system("mount -t tmpfs -o size=64k,mode=0750,"
            . "uid=$uid,gid=$gid agw $dir 2>/dev/null") != 0;

    $mounted = $dir;
    anew();

    open my $filler, '>', "$dir/filler" or die "filler: $!\n";
    1 while syswrite $filler, 'x' x 4096;
    close $filler;

    my $partner = new_partner();

    write_conf(sub { s/daemon off;// });
    is(run($command), 0, 'D5 a full disk: nginx starts') or diag(said());
    like(said(), qr/auth_gateway: store "\Q$file\E" cannot be opened: /,
        'D5 a full disk: it says what is wrong');
    is(status_of($partner), 503, 'P1.10 a full disk: 503');
    unlink "$dir/filler", glob "$file*";
    system("mount -o remount,size=1m $dir");
    is(status_of($partner), 401, 'D5 with room, a worker makes it');
    is(sprintf('%o', (stat $file)[2] & 07777), '640',
        'D5 closed to everybody else too');
    is(system('sqlite3', '-cmd', '.timeout 5000', $file, insert($partner)),
        0, 'D5 and it can be filled');
    is(status_of($partner), 200, 'D5 and used');
    is(foreign(), '', 'D5 it is the workers\' own');
}

# one that is locked does not keep it from starting either

{
    end();
    system("umount -l $mounted"), undef $mounted if $mounted;
    anew();

    my $held = AGW::Store->new($file)->hold('PRAGMA locking_mode = EXCLUSIVE;'
        . ' BEGIN EXCLUSIVE; CREATE TABLE t (a);')
        or die "$file was not locked\n";

    give_away(glob "$file*");
    write_conf(sub { s/daemon off;// });

    my $from = time;

    is(run($command), 0, 'D5 a locked file: nginx starts') or diag(said());
    cmp_ok(time - $from, '<', 15, 'D5 after a moment');
    like(said(), qr/\[warn\].*"\Q$file\E" is locked by another process/,
        'D5 and warns about it');
    AGW::Store::release($held, 'ROLLBACK;');
    is(status_of(new_partner()), 401, 'D5 then a worker makes the store');
}

end();
done_testing();
