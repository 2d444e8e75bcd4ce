# D3: a token that one location let in, or refused for what it demands,
# is kept for all of them; each demands its own, in whatever order they are
# asked.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Asker qw(seen);
use AGW::Gateway;

# what is demanded at /<place>/<business>/x

my $places = join '', map {
    my ($place, @lines) = @$_;

    "        location /$place/ {\n"
        . join('', map { "            auth_gateway_$_;\n" } @lines)
        . "            auth_gateway_business_path /$place/<business_id>;\n"
        . "            include %%CONF%%/guarded_proxy.conf;\n"
        . "            proxy_set_header X-Result \$auth_gateway_result;\n"
        . "            proxy_pass http://127.0.0.1:%%UPSTREAM%%;\n"
        . "        }\n"
} ['business', 'require business'],
    ['deep', 'require business', 'scope deep'],
    ['owner', 'require owner'],
    ['both', 'require business owner'],
    ['both-deep', 'require business owner', 'scope deep'],
    ['matched', 'require partner'],
    ['thred', 'require business', 'error_format thred'],
    ['off', 'require off'];

my $conf = <<"CONF";
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

$places
        location /partner {
            auth_gateway_require partner;
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-Result \$auth_gateway_result;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # the segment in another place

        location /t/ {
            auth_gateway_require business;
            auth_gateway_business_path /t/<business_id>/x;
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-Result \$auth_gateway_result;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # one scope to read, another to write

        location /rw/ {
            auth_gateway_require business;
            auth_gateway_business_path /rw/<business_id>;
            include %%CONF%%/guarded_proxy.conf;
            proxy_set_header X-Result \$auth_gateway_result;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;

            limit_except GET {
                auth_gateway_scope deep;
            }
        }
    }
}
CONF

# what each token (the columns) is answered at each target (the rows)

my $table = <<'TABLE';
target             | business           | deep               | both           | partner          | scoped
/business/A/x      | ok                 | insufficient_scope | ok             | wrong_kind       | wrong_kind
/business/B/x      | wrong_business     | insufficient_scope | wrong_business | wrong_kind       | wrong_kind
/business/C/x      | wrong_business     | insufficient_scope | wrong_business | wrong_kind       | wrong_kind
/deep/A/x          | insufficient_scope | ok                 | ok             | wrong_kind       | wrong_kind
/deep/B/x          | insufficient_scope | wrong_business     | wrong_business | wrong_kind       | wrong_kind
/owner/A/x         | wrong_kind         | wrong_kind         | wrong_kind     | ok               | ok
/owner/B/x         | wrong_kind         | wrong_kind         | wrong_kind     | ok               | ok
/owner/C/x         | wrong_kind         | wrong_kind         | wrong_kind     | not_owner        | not_owner
/owner/none/x      | wrong_kind         | wrong_kind         | wrong_kind     | unknown_business | unknown_business
/both/A/x          | ok                 | insufficient_scope | ok             | ok               | ok
/both/C/x          | wrong_business     | insufficient_scope | wrong_business | not_owner        | not_owner
/both-deep/A/x     | insufficient_scope | ok                 | ok             | ok               | ok
/matched/A/x       | wrong_kind         | wrong_kind         | wrong_kind     | wrong_kind       | wrong_kind
/partner           | wrong_kind         | wrong_kind         | wrong_kind     | ok               | ok
/thred/A/x         | ok                 | insufficient_scope | ok             | wrong_kind       | wrong_kind
/thred/C/x         | wrong_business     | insufficient_scope | wrong_business | wrong_kind       | wrong_kind
/t/A/x             | ok                 | insufficient_scope | ok             | wrong_kind       | wrong_kind
/rw/A/x            | ok                 | insufficient_scope | ok             | wrong_kind       | wrong_kind
POST /rw/A/x       | insufficient_scope | ok                 | ok             | wrong_kind       | wrong_kind
TABLE

my $gw = AGW::Gateway->start($conf, log_level => 'debug');
my $partner = $gw->partner(id => 'p-1');
my $asker = AGW::Asker->new($gw);
my %scopes = (business => 'business_access', deep => 'deep',
    both => 'deep business_access');

$gw->business($partner, id => $_) for qw(A B);
$gw->business($gw->partner, id => 'C');

sub fresh {
    my ($kind) = @_;

    return $gw->mint(partner_id => 'p-1', claims => { scope => 'reports' })
        if $kind eq 'scoped';
    return $gw->mint(partner_id => 'p-1') if $kind eq 'partner';
    return $gw->mint(partner_id => 'p-1', business_id => 'A',
        claims => { scope => $scopes{$kind} });
}

my $good = fresh('business');

$gw->good_is(sub {
    return $gw->request('GET', '/business/A/x', bearer => $good,
        quiet => 1)->status == 200;
});

my ($head, @rows) = map { [split /\s*\|\s*/, $_] } split /\n/, $table;
my (undef, @kinds) = @$head;

# identity as the upstream is to see it: under owner, the path's business

sub identity {
    my ($kind, $target) = @_;

    return 'p-1 A ok' if $scopes{$kind};
    return 'p-1 - ok' if $target !~ m{^/\w[\w-]*/(\w+)};
    return "p-1 $1 ok";
}

# One request; what it told, and what is wrong with it.

sub problem {
    my ($kind, $token, $row, $cache, $want) = @_;

    my ($method, $target) = $row->[0] =~ /^(?:(\w+) )?(.*)$/;
    my $told = $asker->ask($target, $token, method => $method // 'GET',
        ($method ? (body => 'x') : ()));

    if ($want ne 'ok') {
        my $status = AGW::Refusal::expected($want, by => 'bearer')->{status};

        return $told eq seen("$status $want $cache") ? () : "$row->[0] $told";
    }

    my ($saw) = $gw->upstream_saw;
    my $identity = join ' ', map { @{ $saw->{headers}{$_} // ['-'] } }
        qw(x-partner-id x-business-id x-result);

    return "$row->[0] $told" if $told ne seen("200 $cache");
    return "$row->[0] as $identity"
        if $identity ne identity($kind, $target);
    return;
}

# Each row is once the first that sees a token, and each other comes behind
# it: once as the table has them, and once from its end.

for my $i (0 .. $#kinds) {
    my $kind = $kinds[$i];

    for my $first (0 .. $#rows) {
        my $token = fresh($kind);
        my @problems;
        my $cache = 'miss stored';

        for my $row ($rows[$first], @rows, reverse(@rows), $rows[$first]) {
            push @problems, problem($kind, $token, $row, $cache,
                $row->[$i + 1]);
            $cache = 'hit';
        }

        ok(!@problems, "D3 $kind, first seen by $rows[$first][0]")
            or diag(join "\n", @problems);
    }
}

# every refusal once more as a whole, of tokens that are kept

for my $i (0 .. $#kinds) {
    my $token = fresh($kinds[$i]);

    $asker->gets("D3 $kinds[$i], first seen where nothing is demanded",
        '200 miss stored', '/off/A/x', $token);

    for my $row (grep { $_->[$i + 1] ne 'ok' } @rows) {
        my ($method, $target) = $row->[0] =~ /^(?:(\w+) )?(.*)$/;
        my $reason = $row->[$i + 1];

        $asker->refused("D3 $kinds[$i] at $row->[0]", "$reason hit", $target,
            $token, method => $method // 'GET', partner => 'p-1',
            ($method ? (body => 'x') : ()),
            scope => $row->[0] =~ /deep|POST/ ? 'deep'
                : $row->[0] =~ m{/(?:owner|partner|matched)} ? undef
                : 'business_access',
            ($target =~ /thred/ ? (format => 'thred') : ()));
    }
}

# HTTP/2: all at once, on one connection

for my $i (0 .. $#kinds) {
    my $h2 = $gw->connect_h2;
    my $token = fresh($kinds[$i]);
    my @order = sort { $a->[0] cmp $b->[0] } @rows;
    my @streams = map {
        my ($method, $target) = $_->[0] =~ /^(?:(\w+) )?(.*)$/;

        $h2->start($method // 'GET', $target,
            headers => [['authorization', "Bearer $token"]],
            ($method ? (body => 'x') : ()));
    } @order;

    is_deeply([map { $h2->response($_)->status } @streams], [map {
        $_->[$i + 1] eq 'ok' ? 200
            : AGW::Refusal::expected($_->[$i + 1], by => 'bearer')->{status}
    } @order], "D3 $kinds[$i], all at once");
    $h2->close;
}

$gw->finish;
