# P8a.4 and D4: memory that runs out while a client certificate is read.  It was
# then taken for one that can't be read, as long as the connection lived: each
# request on it was refused with 401.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Certificates qw(make_client_certificate pem_escaped);
use AGW::FailingMalloc qw(arm no_compiler preload);
use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Skip qw(skip_all_for);
use AGW::Token qw(claims_for);

skip_all_for('compiler', 'a certificate that is read without memory is')
    if no_compiler();

# without a store: a worker allocates nothing between two requests

my $conf = <<'CONF';
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_require_https off;

    auth_gateway_business_path /v1/businesses/<business_id>;

    server {
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_client_certificate $http_client_cert;

        location = /ready { return 200; }

        location /v1/businesses/ {
            auth_gateway_require business;
            root %%PREFIX%%/html;
            try_files /x =404;
        }
    }

    server {
        listen 127.0.0.1:%%TLS%% ssl;

        ssl_verify_client optional_no_ca;

        location = /ready { return 200; }

        location /v1/businesses/ {
            auth_gateway_require business;
            root %%PREFIX%%/html;
            try_files /x =404;
        }
    }
}
CONF

# nginx may have ended the connection

$SIG{PIPE} = 'IGNORE';

my $thumb;
my $gw = AGW::Gateway->start($conf, workers => 1, before => sub {
        $thumb = make_client_certificate($_[0], 'one');
        make_client_certificate($_[0], 'other');
        spew("$_[0]/html/x", "the file\n", 0644);
        preload($_[0]);
    },
    allow => [qr/\[(?:emerg|crit)\].*/]);
my $prefix = $gw->prefix;

my $token = $gw->mint_raw(header => { alg => 'HS256', kid => 'k1' },
    payload => claims_for(partner_id => 'p-1', business_id => 'b-1',
        claims => { cnf => { 'x5t#S256' => $thumb } }));

# on a connection of its own, which is kept: the first request, of which the
# nth malloc() fails, and the one that follows

sub both {
    my ($n, $port, $name) = @_;

    my $client = $gw->connect($port, $port eq 'TLS' ? (cert => $name) : ());
    my @headers = (AGW::Gateway::bearer($token), $port eq 'TLS' ? ()
        : 'Client-Cert: ' . pem_escaped("$prefix/$name.pem"));
    my @status;

    $client->request('GET', '/ready', timeout => 20);
    $gw->mark;
    arm($n);

    my $failed;

    for (1, 2) {
        my $r = eval { $client->request('GET', '/v1/businesses/b-1/x',
            timeout => 20, headers => \@headers) };

        $failed //= arm(0);
        push @status, $r ? $r->status : 'none';
    }

    $client->close;

    return ($failed, @status);
}

$gw->good_is(sub { return (both(0, 'PLAIN', 'one'))[1] eq '200' });

for my $port (qw(PLAIN TLS)) {
    my $what = $port eq 'TLS' ? 'of the connection' : 'of a header';

    is_deeply([both(0, $port, 'one')], [0, 200, 200], "P8a.4 $what: bound");
    is_deeply([both(0, $port, 'other')], [0, 401, 401],
        "P8a.4 $what: another is refused");

    for my $case (['one', 200], ['other', 401]) {
        my ($name, $want) = @$case;
        my (%count, @problems, $unread);

        for my $n (1 .. 400) {
            my ($failed, $first, $second) = both($n, $port, $name);

            last if !$failed;

            my $log = $gw->log_text;

            $count{"$first, then $second"}++;
            $unread++ if $log =~ /\[error\].*no memory to read a certificate/;

            # nginx may end the connection where it has no memory itself

            push @problems, "malloc $n: $first, then $second: $log"
                if $first !~ /^(?:$want|500|none)$/
                    || $second !~ /^(?:$want|none)$/
                    || ($first eq '500' && $second eq 'none'
                        && $log =~ /no memory to read a certificate/);
        }

        note("$what, $name: ",
            join '; ', map { "$count{$_} times $_" } sort keys %count);
        ok(!@problems, "D4 $what, $name: right, or 500 for that request alone")
            or diag(join "\n", @problems > 3 ? @problems[0 .. 2] : @problems);
        cmp_ok($unread // 0, '>', 3, "D4 $what, $name: some could not read it");
    }
}

$gw->finish;
