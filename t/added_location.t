# D3 and 6: the README's first configuration, and a location that
# somebody adds to it without a thought for the gateway.  Whatever it is, no
# request for a business reaches the upstream without a token for it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Crypt::PK::ECC ();
use Test::More;

use AGW::Files qw(make_prefix repo_root slurp spew);
use AGW::Nginx;
use AGW::Client;
use AGW::Token ();
use AGW::Upstream;

my $prefix = make_prefix();
my $upstream = AGW::Upstream->start("$prefix/upstream.jsonl");
my $key = Crypt::PK::ECC->new->generate_key('secp256r1');

mkdir "$prefix/html/static" or die "html/static: $!\n";
spew("$prefix/auth_gateway.pem", $key->export_key_pem('private'), 0600);
spew("$prefix/html/secret.txt", "secret\n");


# The README's block of http, with this machine's paths; what a case adds
# stands where an operator would put it, before the last location.

my $readme;

{
    my ($block) = grep { /^load_module /m } slurp(repo_root() . '/README.md')
        =~ /^```nginx\n(.*?)^```$/msg;

    ($readme) = $block =~ /^(http \{\n.*^\}\n)/ms
        or die "no configuration in README.md\n";
    $readme =~ s{/etc/nginx/auth_gateway\.pem}
        {%%PREFIX%%/auth_gateway.pem kid=k1};
    $readme =~ s{/var/lib/auth_gateway/}{%%STORE%%/};
    $readme =~ s{\n\s+ssl_certificate\S* \S+;}{}g;
    $readme =~ s{ listen 443 }{ listen 127.0.0.1:%%TLS%% };
    $readme =~ s{127\.0\.0\.1:9080}{127.0.0.1:%%UPSTREAM%%}g;
    $readme =~ s{include (guarded_proxy\.conf)}{include %%CONF%%/$1}g;
    $readme =~ s{(\n +location / \{)}{\n%%CARELESS%%\n$1} or die 'no place';
}

my $up = 'http://127.0.0.1:%%UPSTREAM%%';

# name => [what is added, targets beside the usual ones]

my @additions = (
    ['nothing', ''],
    ['a regex location for files',
        "location ~* \\.(pdf|png|csv)\$ { proxy_pass $up; }"],
    ['a regex location for everything', "location ~ . { proxy_pass $up; }"],
    ['a prefix location that wins',
        "location ^~ /v1/businesses/b-2/ { proxy_pass $up; }"],
    ['an exact location',
        "location = /v1/businesses/b-2/x { proxy_pass $up; }"],
    ['a prefix location beside it', "location /v1/ { proxy_pass $up; }"],
    ['a prefix location with another path behind it',
        "location /docs { proxy_pass $up/docs/; }",
        '/docs../v1/businesses/b-2/x', '/docs..;/v1/businesses/b-2/x',
        '/docs%2e%2e/v1/businesses/b-2/x'],
    ['a prefix location that is replaced by the businesses',
        "location /api/ { proxy_pass $up/; }", '/api/v1/businesses/b-2/x'],
    ['a rewrite with break', 'location /old/ { rewrite ^/old/(.*)$'
        . " /v1/businesses/\$1 break; proxy_pass $up; }", '/old/b-2/x',
        '/old/b-2/report.pdf'],
    ['a rewrite with last', 'location /old/ { rewrite ^/old/(.*)$'
        . ' /v1/businesses/$1 last; }', '/old/b-2/x'],
    ['a rewrite of the server', 'rewrite ^/old/(.*)$ /v1/businesses/$1;',
        '/old/b-2/x'],
    ['try_files', 'location /old/ { try_files /none'
        . ' /v1/businesses/b-2/x; }', '/old/x'],
    ['an error page', 'location /old/ { root %%PREFIX%%/html;'
        . ' error_page 404 =200 /v1/businesses/b-2/x; }', '/old/x'],
    ['alias', 'location /static { alias %%PREFIX%%/html/static/; }',
        '/static../secret.txt'],
    ['an if', 'location ~ \.pdf$ { if ($arg_x) { proxy_pass ' . $up
        . "; } }", '/v1/businesses/b-2/report.pdf?x=1'],
    ['a limit_except', "location ~ \\.pdf\$ { proxy_pass $up;"
        . ' limit_except GET { deny 192.0.2.1; } }'],
    ['a location for partners', 'location ~ \.pdf$ {'
        . " auth_gateway_require partner; proxy_pass $up; }"],
    ['a prefix for partners', 'location ^~ /v1/businesses/b-2/ {'
        . " auth_gateway_require partner; proxy_pass $up; }"],
    ['an endpoint with a way out', 'location ^~ /v1/businesses/b-2/ {'
        . ' auth_gateway_token partner;'
        . ' limit_except POST { deny 192.0.2.1; } }'],
);

my @nested = (
    ['a nested location for files', "location ~ \\.pdf\$ { proxy_pass $up; }"],
    ['a nested location', "location /v1/businesses/b-2/ { proxy_pass $up; }"],
    ['a nested exact one', "location = /v1/businesses/b-2/x {"
        . " proxy_pass $up; }"],
    ['an if', "if (\$arg_x) { proxy_pass $up; }",
        '/v1/businesses/b-2/x?x=1'],
    ['a limit_except', 'limit_except GET { deny 192.0.2.1; }'],
);

my @targets = map { "/v1/businesses/b-2$_" } '', '/', '/x', '/report.pdf',
    '/a%20b.PNG', '/x/y.csv?x=/docs';


# the requirement in the server, as README has it, or in the location alone

my $guard = qr/\n\h+auth_gateway_require\ business;
    \n\h+(auth_gateway_business_path\ \S+;)/x;
my ($in_server, $in_location) = ($readme) x 2;
my ($template) = $readme =~ $guard or die "README has no guard\n";

$in_location =~ s/$guard//;
$in_location =~ s{(location /v1/businesses/ \{)}
    {$1 auth_gateway_require business; $template};

sub mint {
    my (%opt) = @_;

    return AGW::Token::mint(secret => $key, alg => 'ES256', kid => 'k1', %opt,
        claims => { iss => 'https://api.example.com',
            aud => 'accounting-api' });
}

my %who = (
    'no token' => undef,
    'another business' => mint(partner_id => 'p-1', business_id => 'b-1'),
    'a partner token' => mint(partner_id => 'p-1'),
);

sub get {
    my ($nginx, $target, $token, $method) = @_;

    my $client = AGW::Client->connect(port => $nginx->port('TLS'), tls => 1,
        ca => "$prefix/cert.pem");
    my $response = $client->request($method // 'GET', $target, headers =>
        [defined $token ? "Authorization: Bearer $token" : ()],
        body => $method ? '' : undef);

    $client->close;

    return $response;
}

sub start {
    my ($text, $added, $nested) = @_;

    $text =~ s/%%CARELESS%%/$added/;
    $text =~ s/(location \/v1\/businesses\/ \{)/$1 $nested/ if $nested;

    return AGW::Nginx->start($text, prefix => $prefix, names =>
        { UPSTREAM => $upstream->port });
}

sub safe {
    my ($name, $nginx, @targets) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @problems;

    for my $who (sort keys %who) {
        for my $target (@targets) {
            my $mark = $upstream->mark;

            for my $method (undef, 'POST') {
                my $r = get($nginx, $target, $who{$who}, $method);

                push @problems, ($method // 'GET') . " $target with $who: "
                    . $r->status if $r->status < 300;
            }

            push @problems, map { "with $who arrives: $_->{target}" }
                $upstream->since($mark);
        }
    }

    my $good = get($nginx, '/v1/businesses/b-1/x', mint(partner_id => 'p-1',
        business_id => 'b-1'));

    push @problems, 'a good request: ' . $good->status
        if $good->status != 200;
    $nginx->stop;

    return ok(!@problems, $name) || diag(join "\n", @problems);
}

for (@additions) {
    my ($name, $added, @more) = @$_;

    safe("D3 README, and $name", start($in_server, $added), @targets, @more);

    # the first closes the guarded location too; of the second the path is
    # none of a business, unless the server demands something

    next if $name =~ /replaced|for everything/;
    safe("D3 required in the location alone, and $name",
        start($in_location, $added), @targets, @more);
}

for (@nested) {
    my ($name, $added, @more) = @$_;

    safe("D3 README, and $name within", start($in_server, '', $added),
        @targets, @more);
    safe("D3 required in the location alone, and $name within",
        start($in_location, '', $added), @targets, @more);
}


# one that nginx does not start with

for my $text ($in_server, $in_location) {
    my $all = $text =~ s/%%CARELESS%%/location \/old\/ { try_files \$uri \@up;
        } location \@up { proxy_pass $up; }/r;
    my ($code, $said) = AGW::Nginx::nginx_t($all, prefix => $prefix,
        names => { UPSTREAM => $upstream->port });

    is($code, 1, 'D3 a named location by try_files: nginx does not start');
    like($said, qr/\[emerg\].*location\ "\@up"\ must\ have\ an
        \ "auth_gateway_require"/x, 'D3 and says what must be');
}

done_testing();
