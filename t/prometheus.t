# P12.2: a Prometheus that scrapes an nginx over reloads sees no counter go back,
# and in the end what nginx has counted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use LWP::UserAgent;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);
use URI::Escape qw(uri_escape);

use AGW::Conf qw(free_port);
use AGW::Files qw(repo_root slurp spew);
use AGW::Gateway;
use AGW::Skip qw(skip_all_for);
use AGW::Stopwatch;

skip_all_for('prometheus', 'a scrape by Prometheus is')
    if system('command -v prometheus >/dev/null') != 0;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /token { auth_gateway_token partner; }
    }

    server {
        listen 127.0.0.1:%%PLAIN%%;
        location = /metrics { auth_gateway_metrics; }
    }
}
CONF

my $gw = AGW::Gateway->start($conf, workers => 4);
my $partner = $gw->partner;
my $token = $gw->mint(partner_id => $partner->{id}, business_id => 'b-1');
my $port = free_port();
my $prefix = $gw->prefix;
my $target = '127.0.0.1:' . $gw->nginx->port('PLAIN');

spew("$prefix/prometheus.yml", <<"YAML");
global:
  scrape_interval: 1s
  evaluation_interval: 1s

rule_files:
  - @{[repo_root()]}/conf/alerts.yml

scrape_configs:
  - job_name: auth_gateway
    static_configs:
      - targets: ['$target']
YAML

my $pid = start();
my $agent = LWP::UserAgent->new(timeout => 10);


sub start {
    my $pid = fork() // die "fork: $!\n";

    return $pid if $pid;

    open STDOUT, '>', "$prefix/prometheus.log" or POSIX::_exit(1);
    open STDERR, '>&', \*STDOUT or POSIX::_exit(1);
    exec 'prometheus', "--config.file=$prefix/prometheus.yml",
        "--storage.tsdb.path=$prefix/tsdb",
        "--web.listen-address=127.0.0.1:$port"
        or POSIX::_exit(1);
}


END {
    if ($pid) {
        my $status = $?;

        kill 'KILL', $pid;
        waitpid $pid, 0;
        $? = $status;
    }
}


# the values of an expression, { labels without the target's => value }

sub query {
    my ($expr) = @_;

    my $response = $agent->get("http://127.0.0.1:$port/api/v1/query?query="
        . uri_escape($expr));
    my $json = eval { JSON->new->utf8->decode($response->content) } // {};
    my %found;

    for my $series (@{ $json->{data}{result} // [] }) {
        my $labels = $series->{metric};

        $found{join ',', map { "$_=$labels->{$_}" }
            grep { !/^(?:instance|job|__name__)$/ } sort keys %$labels} =
            $series->{value}[1];
    }

    return \%found;
}


sub value { return (values %{ query($_[0]) })[0] }


# until the value is that, at most 30 seconds

sub becomes {
    my ($expr, $want, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $watch = AGW::Stopwatch->start($pid);
    my $got = value($expr);

    while (($got // '') ne $want && $watch->seconds < 30) {
        sleep 0.1;
        $got = value($expr);
    }

    return is($got, $want, "P12.2 $name") || diag(slurp("$prefix/prometheus.log"));
}


sub some {
    my ($n) = @_;

    for (1 .. $n) {
        $gw->request('GET', '/v1/businesses/b-1/x', quiet => 1,
            bearer => $token);
        $gw->request('GET', '/v1/businesses/b-2/x', quiet => 1,
            bearer => $token);
    }

    return;
}


my $refused =
    'auth_gateway_requests_total{result="wrong_business",enforced="on"}';

becomes('up', 1, 'Prometheus scrapes');
some(20);
becomes($refused, 20, 'and has what was counted');

my $n = 20;

for my $other ($conf =~ s/^http \{/http {\n    auth_gateway_zone 1m;/r, $conf,
    undef)
{
    ok($gw->nginx->reload($other), 'P12.2 a reload');
    $gw->new_workers;
    some(10);
    becomes($refused, $n += 10, "which goes on: $n");
}

for my $name (qw(requests_total token_cache_hits_total tokens_issued_total
    store_seconds_bucket store_seconds_count store_seconds_sum))
{
    my $resets = query("resets(auth_gateway_$name\[10m])");

    cmp_ok(scalar keys %$resets, '>', 0, "P12.2 $name is there");
    is(scalar(grep { $_ != 0 } values %$resets), 0,
        "P12.2 $name never went back");
}

# a new nginx begins at zero: resets() would have said so

$gw->nginx->restart;
$gw->new_workers;
becomes("resets($refused\[10m])", 1, 'a restart is seen');

kill 'TERM', $pid;
waitpid $pid, 0;
$pid = 0;
$gw->finish;
