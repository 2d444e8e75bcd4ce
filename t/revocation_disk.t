# P5.3, D5: nothing is revoked that the store could not keep.  Its disk
# is full, its file can only be read, another process has it: 503, the token
# lives, no row is half there, and all is well as soon as the store is.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Handle;
use IPC::Open3 qw(open3);
use Test::More;
use Time::HiRes qw(sleep time);

use AGW::FaultyStore;
use AGW::Files qw(slurp worker_ids);
use AGW::Skip qw(skip_for);
use AGW::Token qw(claims_of);

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }
        location = /revoke { auth_gateway_revoke token; }

        location /cut/ {
            auth_gateway_revoke business;
            auth_gateway_business_path /cut/<business_id>;
        }

        location /token/ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $mounted;

# a disk of half a megabyte, of the workers

sub mount_store {
    my ($prefix) = @_;

    my (undef, $uid, $gid) = worker_ids();

    return if !defined $uid
        || system("mount -t tmpfs -o size=512k,mode=0750,uid=$uid,gid=$gid"
            . " agw $prefix/store 2>/dev/null") != 0;

    return $mounted = "$prefix/store";
}

END {
    my $status = $?;

    system("umount -l $mounted") if $mounted;
    $? = $status;
}

my $gw = AGW::FaultyStore->start($conf, before => \&mount_store);

sub living { return $gw->living }
sub status_of { return $gw->status_of(@_) }

# what is sent: to revoke a token, or all of its business

sub form_of {
    my ($token) = @_;

    return defined $token ? ('/revoke', "token=$token")
        : ("/cut/$gw->{business}", '');
}

sub revoke {
    my ($token) = @_;

    my ($path, $form) = form_of($token);

    return $gw->request('POST', $path, form => $form, timeout => 20,
        basic => [@$gw{qw(id key)}]);
}

# the same on its way: a connection

sub begin {
    my ($token) = @_;

    return $gw->begin_form(form_of($token));
}

sub rows_of {
    my ($token) = @_;

    my $id = "$gw->{id}:" . claims_of($token)->{jti};

    return join ' ', map { $gw->store->sql(
        "SELECT count(*) FROM $_ WHERE id = '$id'") }
        qw(revocations revocation_log);
}

# one try to revoke: gw, form (what form_of takes)

sub start_try {
    my ($try) = @_;

    $gw = $try->{gw};
    $gw->mark;
    @$try{qw(from watch)} = (time, $gw->stopwatch);
    $try->{client} = begin($try->{form});

    return;
}

# Asserts that neither a token nor its business are revoked, within so many
# seconds; returns the token.  beside is another gateway, which is as badly off:
# it is asked for the business at the same time.

sub not_revoked {
    my ($name, $pattern, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $ours = $gw;
    my $token = $opt{token} // living();
    my @tries = (
        { what => 'a token', gw => $gw, token => $token, form => $token },
        { what => 'a business', gw => $gw, token => $token, form => undef },
    );

    if ($opt{beside}) {
        $gw = $opt{beside};
        @{ $tries[1] }{qw(gw token)} = ($gw, living());
        start_try($_) for @tries;
    }

    for my $try (@tries) {
        start_try($try) unless $try->{client};
        $gw = $try->{gw};

        my $response = $try->{client}->response(timeout => 20);
        my $took = time - $try->{from};
        my $seconds = $try->{watch}->seconds;
        my $what = $try->{what};

        $try->{client}->close;
        $gw->refused("P5.3 $name: $what is not revoked", $response,
            'store_unavailable', by => 'basic',
            partner => $opt{partner} && $gw->{id});
        ok($response->header('Retry-After'), 'P1.10 with Retry-After');
        like($gw->log_text, $pattern, 'P1.10 the log says why');
        cmp_ok($took, '>=', $opt{least} // 0, 'D5 not before its time');
        cmp_ok($seconds, '<', $opt{most} // 1.6, 'D5 in good time');
        is(status_of($try->{token}), 200,
            "P5.3 $name: the token still lives");
    }

    $gw = $ours;

    return $token;
}

sub revoked {
    my ($name, $token) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is(revoke($token)->status, 200, "D5 $name: it is revoked");
    is(status_of($token), 401, "P5.3 $name: and holds");
    is(rows_of($token), '1 1', 'P5.3 with one row');

    return is_deeply([$gw->problems_after], [], 'D5 on the same worker');
}

revoked('at first', living());

# A full disk.  What the log of SQLite has room for is still taken.

SKIP: {
    skip_for($> == 0 ? 'tmpfs' : 'not root', 'a full disk is')
        unless $mounted;

    open my $filler, '>', "$mounted/filler" or die "filler: $!\n";
    1 while syswrite $filler, 'x' x 4096;
    1 while syswrite $filler, 'x';
    close $filler;

    my ($token, $response);

    for (1 .. 500) {
        $token = living();
        $response = revoke($token);
        last if $response->status != 200;
    }

    $gw->refused('P5.3 a full disk: not revoked', $response,
        'store_unavailable', by => 'basic', partner => $gw->{id});
    like($gw->log_text, qr/\[error\].*store "[^"]+" cannot be written: /,
        'P1.10 the log says why');
    not_revoked('a full disk', qr/(?:full|I\/O error)/, token => $token,
        partner => $gw->{id});

    # a restart finds nothing half-written, with the disk still full

    ok($gw->nginx->replace_workers, 'D5 another worker');
    $gw->new_workers;
    is(status_of($token), 200, 'P5.3 the token lives after that');

    unlink "$mounted/filler";
    is($gw->store->sql('PRAGMA integrity_check'), 'ok',
        'P5.3 the store is whole');
    is(rows_of($token), '0 0', 'P5.3 nothing is half-written');
    revoked('when there is room again', $token);
}

# A file that can only be read, by the workers or by anybody.

SKIP: {
    my (undef, $uid, $gid) = worker_ids();

    skip_for('not root', 'a read-only store is') unless defined $uid;

    $gw->put($gw->bytes, uid => 0, gid => 0, mode => 0444);

    my $token = not_revoked('a read-only store',
        qr/read-?only|only be read/);

    is($gw->store->sql('SELECT count(*) FROM revocations'), 0,
        'P5.3 nothing is written');
    $gw->put;
    revoked('when it can be written', $token);
}

# Another process writes: whoever revokes waits for it, ten seconds at most,
# and one for who has the store alone, so that nobody can be authenticated.

sub write_lock {
    my $pid = open3(my $in, my $out, undef, 'sqlite3',
        ($_[0] // $gw)->file);

    print {$in} "BEGIN IMMEDIATE; SELECT 'holding';\n";
    $in->flush;
    readline $out;

    return { pid => $pid, in => $in };
}

for my $case (['has the store alone', sub { $gw->lock_store }, undef,
        least => 0.9],
    ['writes', \&write_lock, $gw->{id}, least => 9.5, most => 13,
        beside => AGW::FaultyStore->start($conf)])
{
    my ($what, $take, $partner, %took) = @$case;
    my $lock = $take->();
    my $also = $took{beside} ? write_lock($took{beside}) : undef;
    my $token = not_revoked("another process $what",
        qr/stays locked by another process/, %took, partner => $partner);

    $gw->release($also) if $also;

    $gw->guarded_is_fast("another process $what");
    $gw->release($lock);
    is(rows_of($token), '0 0', 'P5.3 nothing is half-written');
    revoked("when no process $what", $token);

    # for less than a second

    $lock = $take->();
    $token = living();

    my $watch = $gw->stopwatch;
    my $client = begin($token);

    sleep 0.4;
    is(status_of($token), 200, 'P5.3 not revoked before it is written');
    $gw->release($lock);
    is($client->response->status, 200, "D5 it waits for one that $what");
    cmp_ok($watch->seconds, '<', 1, 'D5 for less than a second');
    is(status_of($token), 401, 'P5.3 then it holds');

    # a client that does not wait

    $lock = $take->();
    $client = begin(living());
    sleep 0.1;
    $client->close;
    sleep 0.1;
    $gw->release($lock);
    revoked('after a client that went away', living());
}

# Another file comes in its place while a revocation waits for the lock: it is
# written to the one that is there.  (It was answered 200, and written to the
# one that was gone.)

for my $case (['writes', \&write_lock], ['has the store alone',
    sub { $gw->lock_store }])
{
    my ($what, $take) = @$case;
    my $name = "another process $what, and the file is replaced";
    my $first = living();

    $gw->put;
    revoked("before $name", living());

    my $lock = $take->();

    # in the store alone nobody can be authenticated: it waits before that

    my $client = begin($first);

    sleep 0.4;
    $gw->put;
    sleep 0.1;
    $gw->release($lock);
    is($client->response->status, 200, "P5.3 $name: revoked");
    is(rows_of($first), '1 1', 'P5.3 in the file that is there');
    is(status_of($first), 401, 'P5.3 and it holds');
    ok(!-e $gw->file . '-journal', 'P5.3 no journal is left');
    is($gw->store->sql('PRAGMA integrity_check'), 'ok', 'P5.3 it is whole');
    $gw->guarded_is_fast($name);
}

$gw->finish;
