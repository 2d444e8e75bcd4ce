package Bench::Configs;

# The configurations that are measured.  Each server block answers one row of
# the table, on a port of its own; what is common to all is in Bench::Server.

use strict;
use warnings;

use AGW::Files qw(repo_root slurp);
use Bench::Material;

my $STATIC = 'root %%DOCS%%;';
my $PROXY = 'proxy_pass http://backend; proxy_http_version 1.1;';
my $KEEP = 'proxy_set_header Connection "";';

my $BACKEND = <<'CONF';
    upstream backend { server 127.0.0.1:%%UPSTREAM%%; keepalive 64; }
CONF

my $GUARD = 'auth_gateway_require business;'
    . ' auth_gateway_business_path /v1/businesses/<business_id>;';


sub server {
    my ($port, @lines) = @_;

    return join "\n        ", "    server {", "listen 127.0.0.1:%%$port%%;",
        @lines, "\n    }\n";
}


sub location {
    my (@parts) = @_;

    return join ' ', 'location /v1/businesses/ {', @parts, '}';
}


# the answer of a location: static or proxied

sub content {
    my ($kind) = @_;

    return $kind eq 'static' ? $STATIC : "$PROXY $KEEP";
}


# a server block whose location has these lines, for peers

sub guarded {
    my ($port, $kind, $lines) = @_;

    return server($port, location($lines, content($kind)));
}


# the lines of http that proxied locations need

sub proxy { return $BACKEND }


# What guarded_proxy.conf sends, by a server that knows nobody: the same
# headers, of which those of the caller are constants.

sub forwarded_by_stock {
    my ($partner, $business) = @_;

    my %value = (
        '$auth_gateway_partner_id' => $partner,
        '$auth_gateway_business_id' => $business,
        map { ("\$auth_gateway_$_" => '""') }
            qw(connection upgrade authorization event),
    );
    my $text = slurp(repo_root() . '/conf/guarded_proxy.conf');

    $text =~ s/(\$auth_gateway_\w+)/$value{$1} \/\/ die "no $1"/ge;
    $text =~ s/^#.*\n//mg;

    return $text;
}


# PLAIN1 bare static, 2 bare proxied, 3 and 4 auth_request, 5 bare with the
# headers of guarded_proxy.conf

sub stock {
    my ($material) = @_;

    my $check = 'auth_request /check;';
    my $answer = 'location = /check { internal; return 204; }';

    return $BACKEND
        . server('PLAIN1', location(content('static')))
        . server('PLAIN2', location(content('proxied')))
        . server('PLAIN3', $answer, location($check, content('static')))
        . server('PLAIN4', $answer, location($check, content('proxied')))
        . server('PLAIN5', location($PROXY, forwarded_by_stock(
            $material->{partner}, $material->{business})));
}


# PLAINn1 static, n2 proxied, for the n-th algorithm; PLAIN13 proxied with
# guarded_proxy.conf

sub gateway {
    my ($cache) = @_;

    my $n = 0;
    my $text = $BACKEND . <<"CONF";
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_zone 8m;
    auth_gateway_require_https off;
    $cache
CONF

    for my $alg (Bench::Material::algs()) {
        my $key = "auth_gateway_key %%KEYS%%/$alg.key alg=$alg kid="
            . Bench::Material::kid() . ';';

        $n++;
        $text .= server("PLAIN${n}1", $key,
            location($GUARD, content('static')));
        $text .= server("PLAIN${n}2", $key,
            location($GUARD, content('proxied')));
        $text .= server("PLAIN${n}3", $key,
            location($GUARD, 'include %%CONF%%/guarded_proxy.conf;', $PROXY))
            if $n == 1;
    }

    return $text;
}


# an answer that costs its server little

sub upstream {
    my $json = Bench::Material::document() =~ s/\n//r;

    return server('PLAIN', "location / { return 200 '$json\n'; }");
}


# token requests: PLAIN1

sub issuing {
    my $kid = Bench::Material::kid();

    return <<'CONF' . server('PLAIN1',
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_require_https off;
CONF
        "auth_gateway_key %%KEYS%%/HS256.key alg=HS256 kid=$kid;",
        'location = /v1/platform/oauth2/token/ {'
            . ' auth_gateway_token partner; }',
        'location /v1/platform/ { auth_gateway_token business;'
            . ' auth_gateway_business_path'
            . ' /v1/platform/<business_id>/oauth2/token; }');
}


# The same requests, answered with those bytes by nginx alone, which reads a
# body before `return` in order to drop it.

sub issuing_bare {
    my ($partner, $business) = @_;

    return server('PLAIN1',
        "location = /v1/platform/oauth2/token/ { return 200 '$partner'; }",
        "location /v1/platform/ { return 200 '$business'; }");
}


1;
