# Memory, with master and workers under valgrind: every kind of request, in
# every way to send it, and reloads.  Nothing is read that was freed or never
# written, nothing is lost, and what is kept grows with neither of them.
#
# What lives as long as a worker's pool is not lost: memory.t has an eye on
# that, with far more requests.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Handle;
use IPC::Open3 qw(open3);
use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Reasons qw(@administration);
use AGW::ErrorLog qw(log_since);
use AGW::Files qw(repo_root slurp write_secret);
use AGW::Gateway;
use AGW::Memcheck;
use AGW::Rows qw(cut_short over_http1 over_http2 problem);
use AGW::Skip qw(skip_all_for);

skip_all_for('valgrind', 'memory under valgrind is')
    if system('valgrind --version >/dev/null 2>&1') != 0;

skip_all_for('a sanitizer', 'memory under valgrind is',
    'it is in the release build') if $ENV{AGW_PRELOAD};

my $conf = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_key %%PREFIX%%/second.key kid=k2 alg=HS384 verify;
    auth_gateway_issuer https://issuer.example;
    auth_gateway_audience api;
    auth_gateway_partner_scope read;

    log_format all '$auth_gateway_result|$auth_gateway_partner_id'
        '|$auth_gateway_business_id|$auth_gateway_scope'
        '|$auth_gateway_token_id|$auth_gateway_token_kind'
        '|$auth_gateway_key_id|$auth_gateway_expires|$auth_gateway_claim_x'
        '|$auth_gateway_claim_iss|$auth_gateway_upgrade'
        '|$auth_gateway_connection';
    access_log %%PREFIX%%/logs/all.log all;

    limit_req_zone $auth_gateway_partner_id zone=partners:1m rate=9999r/s;

    auth_gateway_require business;
    auth_gateway_business_path /v1/businesses/<business_id>;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;
        auth_gateway_require off;

        location = /token {
            client_max_body_size 20k;
            auth_gateway_token partner;
        }

        location /token/ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        # the body is in a file before the module asks for it

        location = /spilled {
            auth_gateway_require off;
            client_body_buffer_size 8;
            client_body_in_file_only clean;
            proxy_pass http://127.0.0.1:1;
            error_page 502 = @spilled;
        }

        location @spilled { auth_gateway_token partner; }

        location /v1/businesses/ {
            auth_gateway_require business;
            limit_req zone=partners burst=9999 nodelay;
            include %%CONF%%/guarded_proxy.conf;
            proxy_http_version 1.1;
            add_header X-Seen "$auth_gateway_claim_x $auth_gateway_expires";
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/partners/ {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /v1/businesses/open/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /docs/ {
            auth_gateway_require off;
            set $early "$auth_gateway_partner_id $auth_gateway_business_id";
            add_header X-Early $early;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /asked/ {
            auth_gateway_require business;
            auth_gateway_business_path /asked/<business_id>;
            auth_request /v1/businesses/x;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /any/ {
            auth_gateway_require business;
            auth_gateway_business_path /any/<business_id>;
            satisfy any;
            deny all;
            try_files /none /v1/businesses/$auth_gateway_business_id/any;
        }

        location /pages/ {
            auth_gateway_require business;
            auth_gateway_business_path /pages/<business_id>;
            auth_gateway_intercept_errors on;
            error_page 401 403 404 = @page;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location @page {
            auth_gateway_require off;
            return 418 "$auth_gateway_result\n";
        }
    }

    server {
        listen 127.0.0.1:%%PLAIN2%%;

        auth_gateway_error_format thred;
        auth_gateway_require_https $http_x_forwarded_proto;
        auth_gateway_key %%PREFIX%%/second.key kid=k9 alg=HS512;

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $memcheck = AGW::Memcheck->start;
my $gw = AGW::Gateway->start($conf, main => 'worker_shutdown_timeout 200ms;',
    before => sub { write_secret("$_[0]/second.key") },
    allow => [
        qr/\[emerg\] .* another key has the same kid/,
        qr/\[crit\] .*store "[^"]*" (?:cannot be opened|was moved)/,
    ]);
my ($id, $key) = @{ $gw->partner }{qw(id key)};
my $disabled = $gw->partner(status => 'disabled');
my $business = $gw->business($id);
my $archived = $gw->business($id, status => 'archived');
my $theirs = $gw->business($gw->partner);

sub bearer {
    my (%opt) = @_;

    return AGW::Gateway::bearer($gw->mint(partner_id => $id, %opt,
        claims => { iss => 'https://issuer.example', aud => ['api', 'b'],
            x => "a\r\nb", %{ $opt{claims} // {} } }));
}

my $now = int time;
my %to_business = (business_id => $business);
my $good = bearer(%to_business);
my $ours = bearer();
my $basic = AGW::Gateway::basic($id, $key);
my $here = "/v1/businesses/$business/x";
my $there = "/token/$business";

my $form = 'Content-Type: application/x-www-form-urlencoded';
my $json = 'Content-Type: application/json';
my $parts = 'Content-Type: multipart/form-data; boundary=b0';

# RFC 8693

sub exchange {
    my ($line, $to) = @_;

    my $urn = 'urn:ietf:params:oauth';
    my ($token) = $line =~ /(\S+)$/;

    return "grant_type=$urn:grant-type:token-exchange&subject_token=$token"
        . "&subject_token_type=$urn:token-type:access_token&audience=$to";
}

sub multipart {
    my (%field) = @_;

    return join '', (map { "--b0\r\nContent-Disposition: form-data;"
        . " name=\"$_\"\r\n\r\n$field{$_}\r\n" } sort keys %field),
        "--b0--\r\n";
}

# what is wrong with a token; each takes what kind of token it shall be

my %broken = (
    malformed_token => sub { 'Authorization: Bearer abc' },
    unknown_key => sub { bearer(@_, header => { kid => 'k3' }) },
    algorithm_mismatch => sub { bearer(@_, header => { kid => 'k2' }) },
    bad_signature => sub { bearer(@_, secret => 'x' x 64) },
    malformed_claims => sub { bearer(@_, claims => { jti => undef }) },
    wrong_issuer => sub { bearer(@_, claims => { iss => 'x' }) },
    wrong_audience => sub { bearer(@_, claims => { aud => ['x'] }) },
    expired => sub { bearer(@_,
        claims => { iat => $now - 90, exp => $now - 30 }) },
    not_yet_valid => sub { bearer(@_, claims => { nbf => $now + 900 }) },
    lifetime_exceeded => sub { bearer(@_,
        claims => { exp => $now + 86500 }) },
    certificate_mismatch => sub { bearer(@_,
        claims => { cnf => { 'x5t#S256' => 'A' x 43 } }) },
);

sub raw {
    my ($header, $payload) = @_;

    return AGW::Gateway::bearer($gw->mint_raw(header => $header,
        payload => $payload));
}

# [status or reason, method, target, [header lines], body]

my @requests = (
    [200, 'GET', $here, [$good]],
    [200, 'HEAD', $here, [$good]],
    [200, 'POST', $here, [$good, $json], '{}' x 5000],
    [200, 'GET', '/v1/partners/x', [$ours]],
    [200, 'GET', '/docs/x', [$good]],
    [200, 'GET', '/docs/x', ['Authorization: Bearer a.b.c']],
    [200, 'GET', "/any/$business", [$good]],
    [401, 'GET', "/any/$business", []],
    [200, 'GET', "/asked/$business", [$good]],
    [200, 'GET', "/pages/$business", [$good]],
    [418, 'GET', "/pages/$business", []],
    [418, 'POST', "/pages/$theirs", [$good, $form], 'a=b'],

    (map {
        my ($type, $grant, $bad_scope, $secret, $session) = @$_;
        ([200, 'POST', '/token', [$basic, $type], $grant],
            [200, 'POST', '/token', [$type], $secret],
            [200, 'POST', '/spilled', [$basic, $type], $grant],
            [200, 'POST', $there, [$ours, $type], $session],
            ['invalid_scope', 'POST', '/token', [$basic, $type],
                $bad_scope]);
    } [$form, 'grant_type=client_credentials&scope=re%61d', 'scope=x',
        "client_id=$id&client_secret=$key", 'session_duration=77'],
    [$json, '{"grant_type":"client_credentials","scope":"read"}',
        '{"scope":"x","other":[{"a":1}]}',
        qq({"client_id":"$id","client_secret":"$key"}),
        '{"session_duration":77}'],
    [$parts, multipart(grant_type => 'client_credentials'),
        multipart(scope => 'x'),
        multipart(client_id => $id, client_secret => $key),
        multipart(session_duration => 77)]),
    [200, 'POST', '/token', [$basic]],
    [200, 'POST', $there, [$ours]],

    # who is it
    (map { ['invalid_client', 'POST', '/token',
        [AGW::Gateway::basic(@$_)]] }
        [$id, 'wrong'], ['nobody', $key], [@$disabled{qw(id key)}]),
    ['no_credentials', 'POST', '/token', []],
    ['no_credentials', 'POST', '/token', [$ours]],
    ['malformed_credentials', 'POST', '/token', ['Authorization: Basic !']],
    ['malformed_credentials', 'POST', $there, ['Authorization: Bearer']],
    ['malformed_credentials', 'GET', $here, ['Authorization: Bearer a b']],
    ['invalid_request', 'POST', '/token?client_secret=x', [$basic]],

    # bodies
    ['invalid_request', 'POST', '/token', [$basic, $form], 'a&a'],
    ['invalid_request', 'POST', '/token', [$basic, $form], 'a=%zz'],
    ['invalid_request', 'POST', '/token', [$basic, $parts], '--b0 x'],
    ['invalid_request', 'POST', '/token', [$basic, $parts],
        substr multipart(a => 'b', c => 'd'), 0, -9],
    ['invalid_request', 'POST', '/token', [$basic], 'a=b'],
    ['invalid_request', 'POST', $there, [$ours, $form],
        'session_duration=x'],
    (map { ['body_not_json', 'POST', '/token', [$basic, $json], $_] }
        '[]', '{', '{"a":1,"a":2}', "{\"a\":\"\xff\"}", '{"a":"\u0000"}',
        '{"a":[' . '[' x 3000),
    ['body_not_json', 'POST', $there, [$ours, $json], '"x"'],
    ['body_too_large', 'POST', '/token', [$basic, $form], 'a' x 8193],
    ['body_too_large', 'POST', '/spilled', [$basic, $form], 'a' x 8193],
    [413, 'POST', '/token', [$basic, $form], 'a' x 30_000],
    ['unsupported_grant_type', 'POST', '/token', [$basic, $form],
        'grant_type=password'],
    ['unsupported_grant_type', 'POST', $there, [$ours, $json],
        '{"grant_type":"password"}'],
    [200, 'POST', '/token', [$basic, $form], exchange($ours, $business)],
    ['invalid_target', 'POST', '/token', [$basic, $form],
        exchange($ours, 'nobody')],
    ['invalid_request', 'POST', '/token', [$basic, $form],
        exchange('x', $business)],
    ['dpop_unsupported', 'POST', '/token', [$basic, 'DPoP: x']],
    ['dpop_unsupported', 'POST', $there, [$ours, 'DPoP: x']],
    ['method_not_allowed', 'GET', '/token', [$basic]],
    ['method_not_allowed', 'DELETE', $there, [$ours]],
    ['method_not_allowed', 'PUT', $there, [$ours, $form], 'a=b'],

    # paths and businesses
    ['ambiguous_path', 'GET', "/v1/businesses/$business/..%2fx", [$good]],
    ['ambiguous_path', 'GET', '/docs/..%2fx', []],
    ['ambiguous_path', 'POST', '/x/..%2ftoken', [$basic, $form], 'a=b'],
    ['unguarded_path', 'GET', '/v1/businesses/open/x', [$good]],
    ['ambiguous_path', 'GET', '/docs/%2e%252e/x', []],
    [200, 'COPY', $here, [$good, "Destination: $here%20x"]],
    [200, 'MOVE', '/docs/x', ['Destination: https://a/docs/%y?z']],
    ['wrong_business', 'COPY', $here, [$good,
        "Destination: /v1/businesses/$theirs/x"]],
    ['wrong_business', 'MOVE', '/docs/x', ["Destination: $here"]],
    ['ambiguous_path', 'COPY', $here, [$good, "Destination: $here/%2e%2e"]],
    ['no_business_in_path', 'GET', '/v1/businesses/', [$good]],
    ['no_business_in_path', 'POST', '/token/', [$ours]],
    ['unknown_business', 'POST', '/token/nobody', [$ours]],
    ['not_owner', 'POST', "/token/$theirs", [$ours]],
    ['archived_business', 'POST', "/token/$archived", [$ours]],
    ['wrong_business', 'GET', "/v1/businesses/$theirs/x", [$good]],

    # tokens
    ['no_credentials', 'GET', $here, []],
    (map { my $why = $_; ([$why, 'GET', $here,
        [$broken{$why}->(%to_business)]],
        [$why, 'POST', $there, [$broken{$why}->()]]) } sort keys %broken),
    (map { ['malformed_token', 'GET', $here, [raw(@$_)]] }
        ['{"alg":', '{}'], ['[]', '{}'], ['{"alg":1,"kid":"k1"}', '{}'],
        ['{"alg":"HS256","kid":"k1","crit":[]}', '{}'],
        [{ alg => 'HS256', kid => 'k1' }, '{"a":[1,{']),
    ['malformed_claims', 'GET', $here, [bearer(%to_business,
        claims => { partner_id => [{}] })]],
    ['revoked', 'POST', $there, [bearer(partner_id => $disabled->{id})]],
    ['wrong_kind', 'GET', $here, [$ours]],
    ['wrong_kind', 'POST', $there, [$good]],
    ['wrong_kind', 'GET', '/v1/partners/x', [$good]],
    ['insufficient_scope', 'GET', $here,
        [bearer(%to_business, claims => { scope => 'read' })]],
);

my @plain = (
    ['insecure_transport', 'GET', $here, [$good]],
    ['insecure_transport', 'POST', '/token', [$basic, $form], 'a=b'],
    ['insecure_transport', 'POST', $there, [$ours]],
);

my @thred = (
    ['insecure_transport', 'GET', $here, [$good]],
    ['unknown_key', 'GET', $here, [$good, 'X-Forwarded-Proto: https']],
    ['no_credentials', 'GET', $here, ['X-Forwarded-Proto: https']],
    [200, 'GET', $here, ['X-Forwarded-Proto: https',
        bearer(%to_business, kid => 'k9', alg => 'HS512',
            secret => slurp($gw->prefix . '/second.key'))]],
);

my (@problems, %reached);

# a token request on its way

sub begin {
    my ($target, $line) = @_;

    my $client = $gw->connect;

    $client->send("POST $target HTTP/1.1\r\nHost: localhost\r\n$line\r\n"
        . "Content-Length: 0\r\n\r\n");

    return $client;
}

# The store is taken away, and comes back in the hands of another process.

my @both = (['/token', $basic], [$there, $ours]);
my @refused = map { ['store_unavailable', 'POST', $_->[0], [$_->[1]]] } @both;

sub lock_store {
    my $store = $gw->prefix . '/store';

    rename $store, "$store-away" or die "rename: $!\n";
    push @problems, over_http1($gw, 'TLS', @refused);

    my $pid = open3(my $in, my $out, undef, 'sqlite3',
        "$store-away/gateway.db");

    print {$in} "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;"
        . " SELECT 'holding';\n";
    $in->flush;
    readline $out for 1 .. 2;
    rename "$store-away", $store or die "rename: $!\n";

    return ($in, $pid);
}

# that one keeps it for too long, and then for a moment, while clients leave

sub without_store {
    my ($in, $pid) = lock_store();
    my @late = map { begin(@$_) } @both;

    push @problems, problem('locked', $refused[$_], $late[$_]->response)
        for 0, 1;

    my @gone = map { begin(@$_) } @both;
    my @waiting = map { begin(@$_) } @both;

    sleep 0.2;
    $_->close for @gone, @late;
    close $in;
    waitpid $pid, 0;

    push @problems, problem('unlocked', [200, 'POST', $_],
        shift(@waiting)->response) for '/token', $there;

    return;
}

# Every kind of request, so many times, all of it on one worker, or for 0 each
# once over HTTP/1.1; returns that worker.

sub rounds {
    my ($name, $count) = @_;

    my ($worker, @others) = $gw->nginx->workers;

    @problems = ();
    $gw->mark;

    for (1 .. $count) {
        push @problems, over_http1($gw, 'TLS', @requests),
            over_http2($gw, 'TLS', @requests),
            over_http1($gw, 'PLAIN', @plain),
            over_http1($gw, 'PLAIN2', @thred);
        cut_short($gw, 'TLS', @requests);
        without_store();
    }

    push @problems, over_http1($gw, 'TLS', @requests) if $count == 0;

    push @problems, 'another worker'
        if join(' ', $gw->nginx->workers) ne "$worker@others";

    $reached{ $_->{reason} // $_->{line} }++ for $gw->refusals;

    is_deeply(\@problems, [], "$name: answers");

    return $worker;
}

# a reload that fails after keys were read

sub broken_reload {
    my $again = 'auth_gateway_key %%PREFIX%%/second.key alg=HS384 kid=k1;';
    my $mark = -s $gw->nginx->error_log;

    $gw->nginx->write_conf(
        $conf =~ s/^(?= {4}auth_gateway_issuer)/$again\n/mr);
    kill 'HUP', $gw->nginx->{pid};

    my $until = time + 60;

    sleep 0.02 until log_since($gw->nginx, $mark) =~ /\[emerg\]/
        || time > $until;

    like(log_since($gw->nginx, $mark), qr/\[emerg\] .*the same kid/,
        'a configuration that is refused');
    $gw->nginx->write_conf($conf);

    return;
}

sub quit {
    my ($gateway) = @_;

    my $until = time + 60;

    kill 'QUIT', $gateway->nginx->{pid};
    sleep 0.05 until $gateway->nginx->gone || time > $until;

    return $gateway->nginx->{pid};
}

my @workers = (rounds('the first worker', 1));

for (['after a reload', 2], ['after another', 0], ['after the third', 0]) {
    broken_reload();
    ok($gw->nginx->reload, 'new workers');
    $gw->new_workers;
    push @workers, rounds(@$_);
}

# nginx ends requests that wait for the store

my ($in) = lock_store();
my @waiting = map { begin(@$_) } @both;

sleep 0.1;

my $master = quit($gw);

close $in;

# a master that has read its configuration once

my $other = AGW::Gateway->start($conf,
    before => sub { write_secret("$_[0]/second.key") });
my @of_once = $other->nginx->workers;
my $once = quit($other);

# every reason but the one that nothing brings about

{
    my $source = slurp(repo_root() . '/src/core/agw_reason.c');
    my @reasons = $source =~ /\{ "(\w+)",\s+[1-9]/g;

    is_deeply([sort keys %reached],
        do {
            my %elsewhere = map { $_ => 1 } qw(ok internal_error),
                @administration;

            [sort grep { !$elsewhere{$_} } @reasons];
        },
        'every reason was reached');
}

my @pids = $memcheck->pids;
my %who = ((map { $_ => 'worker' } @workers, @of_once),
    (map { $_ => 'master' } $master, $once));

is(grep({ $who{$_} } @pids), @workers + 3, 'a report of each process');

for my $pid (@pids) {
    my $who = $who{$pid} // 'child';

    ok($who{$pid} ? $memcheck->clean($pid) : $memcheck->sound($pid),
        "$who $pid: nothing wrong, nothing lost")
        or diag(substr $memcheck->report($pid), 0, 20_000);
}

for (['twice the requests', @workers[0, 1]],
    ['reloads', $once, $master])
{
    my ($what, $little, $much) = @$_;

    cmp_ok($memcheck->kept($much), '<=', $memcheck->kept($little) // 0,
        "$what leave no more behind");
}

$gw->finish;
