# P12.2: what the metrics say is of the format, and has the names that the
# documents, the alerts and the board have.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use Test::More;

use AGW::Engine;
use AGW::Files qw(repo_root slurp spew);
use AGW::Gateway;
use AGW::Keys qw(jwk_set);
use AGW::Metrics qw(scrape series until_scraped);
use AGW::Skip qw(skip_for);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_key %%PREFIX%%/set.jwks verify;
    auth_gateway_key %%PREFIX%%/theirs.pem verify kid=k2 'issuer=urn:"x"\\';

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location = /token { auth_gateway_token partner; }
        location = /metrics { auth_gateway_metrics; }
    }

    # one that has the same keys

    server {
        listen 127.0.0.1:%%PLAIN2%%;
        location = /metrics { auth_gateway_metrics; }
    }
}
CONF

my $promtool = system('command -v promtool >/dev/null') == 0;
my $kid = q({of}=braces,and#others);
my %seen;
my $gw;


# whether promtool has nothing against it

sub checked {
    my ($name, $text) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    SKIP: {
        skip_for('prometheus', 'what promtool says of the metrics is')
            unless $promtool;

        my $file = $gw->prefix . '/metrics.txt';

        spew($file, $text);

        my $said = `promtool check metrics <'$file' 2>&1`;

        is("$? $said", '0 ', "P12.2 $name: promtool check metrics");
    }

    return;
}


sub response {
    my (%opt) = @_;

    return $gw->request('GET', '/metrics', quiet => 1, port => 'PLAIN', %opt);
}


# the metrics that a text names, beside directives and variables

sub names_in {
    my ($text) = @_;

    my %directives = map { $_ => 1 }
        slurp(repo_root() . '/src/ngx_http_auth_gateway_module.c')
        =~ /ngx_string\("(\w+)"\)/g;

    return map { $_ => 1 } grep { !$directives{$_} }
        map { s/_(?:bucket|sum|count)$//r }
        $text =~ /(?<![\w\$])(auth_gateway_[a-z_]+)/g;
}


for my $engine (AGW::Engine->all) {
    $gw = AGW::Gateway->start($conf, engine => $engine, before => sub {
        my $key = AGW::Keys->new('ES256');

        spew("$_[0]/set.jwks", jwk_set($key->jwk(kid => $kid)), 0644);
        spew("$_[0]/theirs.pem", $key->form('public, SPKI'), 0644);
    });

    my $response = response();
    my $text = $response->body;

    is($response->status, 200, "P12.2 $engine: the metrics");
    is($response->header('Content-Type'),
        'text/plain; version=0.0.4; charset=utf-8', 'P12.2 their type');
    is($response->header('Cache-Control'), 'no-store',
        'P12.2 which no cache keeps');
    checked($engine, $text);

    # Redis tells its time with the first entries of the feed

    scrape($gw);
    until_scraped($gw, sub { exists $_[0]{clock_skew_seconds} })
        if $engine eq 'redis';
    $text = response()->body;
    my %typed = map { $_ => 1 } $text =~ /^# TYPE (\w+) /mg;
    my %helped = map { $_ => 1 } $text =~ /^# HELP (\w+) \S/mg;
    my %named = map { s/_(?:bucket|sum|count)$//r => 1 }
        $text =~ /^(\w+)/mg;

    %seen = (%seen, map { ($_ => 1) } keys %named);
    is_deeply(\%typed, \%named, "P12.2 $engine: each has a type");
    is_deeply(\%helped, \%named, "P12.2 $engine: and a help");

    # keys of all servers, once

    my @keys = grep { /^key_info/ } sort keys %{ scrape($gw) };

    is_deeply(\@keys, [
        'key_info{kid="k1",alg="HS256",use="sign",issuer=""}',
        'key_info{kid="k2",alg="ES256",use="verify",'
            . 'issuer="urn:\\"x\\"\\\\"}',
        "key_info{kid=\"$kid\",alg=\"ES256\",use=\"verify\",issuer=\"\"}"],
        "P12.2 $engine: each key once");
    is_deeply([sort keys %{ scrape($gw, port => 'PLAIN2') }],
        [sort keys %{ scrape($gw) }],
        'P12.2 any server serves all of it');

    # nothing that a client sends becomes a label

    my $token = $gw->mint(partner_id => 'made-up', business_id => 'b-1',
        header => { kid => 'made-up' });

    $gw->request('GET', '/v1/businesses/made-up/x', quiet => 1,
        bearer => $_) for $token, 'made.up.token';
    $gw->request('POST', '/token', quiet => 1, basic => ['made-up', 'x'],
        form => 'grant_type=made-up&made-up=1');
    $gw->request('PROPFIND', '/token?made-up', quiet => 1,
        headers => ['X-Request-Id: made-up']);

    my $later = until_scraped($gw, sub {
        $_[0]{'requests_total{result="method_not_allowed",enforced="on"}'} });

    is_deeply([sort keys %$later], [sort map { s/^auth_gateway_//r }
        keys %{ series($text) }], "P12.2 $engine: no label of a client's");
    is(index(response()->body, 'made-up'), -1, 'P12.2 nor a value');
    checked("$engine, later", response()->body);
}

# names: the handbook has all, and what names one names one that is there

SKIP: {
    skip_for('redis', 'the names of all metrics are')
        unless grep { $_ eq 'redis' } AGW::Engine->all;

    my ($chapter) = slurp(repo_root() . '/conf/README.md')
        =~ /^## Watching the gateway\n(.*?)^## /ms;
    my ($table) = $chapter =~ /^(\| metric \|.*?\n)\n/ms;
    my @cells = $table =~ /^\| ([^|]+) \|/mg;
    my %told = map { ("auth_gateway_$_" => 1) }
        map { /`(\w+)`/g } @cells;

    is_deeply(\%told, \%seen, 'P12.2 the table of conf/README.md has them all');

    for my $file (qw(alerts.yml grafana.json)) {
        my %named = names_in(slurp(repo_root() . "/conf/$file"));

        is_deeply([grep { !$seen{$_} } sort keys %named], [],
            "P12.2 $file names metrics that are there");
        cmp_ok(scalar keys %named, '>', 10, 'P12.2 and not only a few');
    }
}

# the board: each panel has what it needs, and shows something else

{
    my $board = JSON->new->utf8->decode(slurp(
        repo_root() . '/conf/grafana.json'));
    my (%titles, %ids);

    for my $panel (@{ $board->{panels} }) {
        $titles{$panel->{title}}++;
        $ids{$panel->{id}}++;
        ok(@{ $panel->{targets} } && !(grep { $_->{expr} !~ /auth_gateway_/ }
            @{ $panel->{targets} }), "P12.2 the panel $panel->{title}");
    }

    is(scalar(grep { $_ != 1 } values %titles, values %ids), 0,
        'P12.2 titles and ids are different');
}

$gw->finish;
