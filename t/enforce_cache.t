# D6 and D3, the caches of upstreams under `auth_gateway_enforce log`: who is let
# through has no identity, so all of them had one cache key, and the response to
# one client was sent to the next.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::CgiUpstream;
use AGW::Files qw(make_prefix);
use AGW::Gateway;

my %pass = (
    proxy => 'proxy_pass http://127.0.0.1:%%UPSTREAM%%',
    map { $_ => "${_}_pass 127.0.0.1:%%" . uc($_) . '%%' }
        qw(fastcgi uwsgi scgi),
);
my @protocols = sort keys %pass;

my $caches = join '', map { <<"CONF" } @protocols;
    ${_}_cache_path %%PREFIX%%/tmp/cache-$_ keys_zone=$_:1m;
CONF

my $locations = join '', map { <<"CONF" } @protocols;
        location /$_/ {
            auth_gateway_business_path /$_/<business_id>;
            include %%CONF%%/guarded_$_.conf;
            ${_}_cache $_;
            ${_}_cache_valid any 60s;
            ${_}_cache_key
                \$auth_gateway_partner_id|\$auth_gateway_business_id|\$request_uri;
            $pass{$_};
        }
CONF

my $conf = <<"CONF";
http {
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
$caches

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        auth_gateway_enforce %%ENFORCE%%;
        auth_gateway_require business;

$locations
    }
}
CONF

# each response of an upstream is another one

my $directory = make_prefix();
my $answered = 0;
my $reply = sub {
    return (200, ['Content-Type: text/plain'], 'answer ' . ++$answered);
};
my %cgi = map {
    $_ => AGW::CgiUpstream->start($_, "$directory/$_.jsonl", reply => $reply)
} grep { $_ ne 'proxy' } @protocols;

my $gw = AGW::Gateway->start($conf, reply => $reply, names => {
    ENFORCE => 'log', map { uc $_ => $cgi{$_}->port } keys %cgi });
my $good = $gw->mint(partner_id => 'p-1', business_id => 'b-1');
my $second = $gw->mint(partner_id => 'p-2', business_id => 'b-1');
my %cached;

sub get {
    my ($protocol, %opt) = @_;

    return $gw->request('GET', "/$protocol/b-1/x", quiet => 1, %opt)->body;
}

for my $protocol (@protocols) {
    my %seen;

    for my $who ([bearer => 'alice'], [bearer => 'bob'], [],
        [headers => ['Cookie: session=1']], [headers => ['Cookie: session=2']],
        [bearer => 'alice'])
    {
        $seen{get($protocol, @$who)}++;
    }

    is_deeply([sort values %seen], [(1) x 6],
        "D3 $protocol: each that is let through has its own response")
        or diag(explain(\%seen));

    my $cached = $cached{$protocol} = get($protocol, bearer => $good);

    like($cached, qr/^answer \d+$/, "D3 $protocol: a good token");
    is(get($protocol, bearer => $good), $cached,
        "D3 $protocol: one with an identity is cached");
    isnt(get($protocol, bearer => $second), $cached,
        "D6 $protocol: for its partner alone");
    ok(!$seen{$cached}, "D3 $protocol: and never has that of another");
    isnt(get($protocol), $cached,
        "D3 $protocol: nor has another the one that is cached");
}

# `on`: as ever

ok($gw->nginx->reload($conf =~ s/%%ENFORCE%%/on/r), 'D3 on, by a reload');
$gw->new_workers;

for my $protocol (@protocols) {
    is(get($protocol, bearer => $good), $cached{$protocol},
        "D6 $protocol: cached over a reload");
    is($gw->request('GET', "/$protocol/b-1/x", quiet => 1)->status, 401,
        "D6 $protocol: checked before the cache is read");
}

$gw->finish;
