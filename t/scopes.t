# P4.2: methods by scopes.  Every cell of a table of locations, methods and
# tokens is asked, limit_except included: it is let through, or it is refused
# with the scope that is missing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Gateway;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_scope business_access outer;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_business_path /v1/businesses/<business_id>;

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_scope business_access read;

            limit_except GET {
                auth_gateway_scope business_access write;
            }

            location ~ ^/v1/businesses/[^/]+/payments {
                auth_gateway_scope payments read;

                limit_except GET POST {
                    auth_gateway_scope payments write read;
                }

                proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            }

            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /either/ {
            auth_gateway_require business owner;
            auth_gateway_business_path /either/<business_id>;
            auth_gateway_scope business_access read;

            limit_except GET {
                auth_gateway_scope write business_access;
            }

            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /owner/ {
            auth_gateway_require owner;
            auth_gateway_business_path /owner/<business_id>;
            auth_gateway_scope business_access;

            limit_except GET {
                auth_gateway_scope write;
            }

            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /partner/ {
            auth_gateway_require partner;
            auth_gateway_scope read;

            limit_except GET HEAD {
                auth_gateway_scope read write;
            }

            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # those of http

        location /outer/ {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /b/ {
            auth_gateway_require business;
            auth_gateway_business_path /b/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        # a scope that a location without a requirement has means nothing

        location /open/ {
            auth_gateway_require off;
            auth_gateway_scope read;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

my $gw = AGW::Gateway->start($conf);
my $partner = $gw->partner;
my $id = $partner->{id};
my $business = $gw->business($partner);
my $other = $gw->business($partner);

# what each location needs: by which token, and the words for a reading method
# and for any other

my @places = (
    ["/v1/businesses/$business/x", 'business',
        [qw(business_access read)], [qw(business_access write)]],
    ["/v1/businesses/$business", 'business',
        [qw(business_access read)], [qw(business_access write)]],
    ["/v1/businesses/$business/payments", 'business',
        [qw(payments read)], [qw(payments write read)], 'POST'],
    ["/either/$business/x", 'business partner',
        [qw(business_access read)], [qw(write business_access)]],
    ["/owner/$business/x", 'partner', [qw(business_access)], [qw(write)]],
    ['/partner/x', 'partner', [qw(read)], [qw(read write)]],
    ['/outer/x', 'partner', [qw(business_access outer)],
        [qw(business_access outer)]],
    ["/b/$business/x", 'business', [qw(business_access outer)],
        [qw(business_access outer)]],
);

my @methods = qw(GET HEAD POST PUT PATCH DELETE OPTIONS PROPFIND);
my @scopes = ('', 'read', 'write', 'read write', 'payments read',
    'write payments read outer', 'outer', 'READ Write', 'reads rea writes',
    'read:x x:write');
my %seen;

sub token {
    my ($kind, $scope) = @_;

    my $words = join ' ', $kind eq 'business' ? 'business_access' : (),
        split / /, $scope;

    return $gw->mint(partner_id => $id,
        ($kind eq 'business' ? (business_id => $business) : ()),
        claims => { scope => length $words ? $words : undef });
}

my %tokens = map { my $kind = $_;
    ($kind => { map { $_ => token($kind, $_) } @scopes }) }
    qw(business partner);

my $good = $tokens{business}{'read write'};

$gw->good_is(sub {
    return $gw->request('GET', "/v1/businesses/$business/x", quiet => 1,
        bearer => $good)->status == 200;
});

# one cell: the words that a token of this kind lacks

sub lacks {
    my ($kind, $scope, @needs) = @_;

    my %has = map { $_ => 1 } split(/ /, $scope),
        $kind eq 'business' ? 'business_access' : ();

    @needs = grep { $_ ne 'business_access' } @needs if $kind eq 'partner';

    return grep { !$has{$_} } @needs;
}

sub cell {
    my ($place, $method, $kind, $scope) = @_;

    my ($url, $kinds, $reading, $others, @also) = @$place;
    my $reads = grep { $_ eq $method } qw(GET HEAD), @also;
    my @needs = $reads ? @$reading : @$others;
    my $name = "P4.2 $method $url, $kind token of \"$scope\""
        =~ s/\Q$business/ID/r;
    my $answer = $gw->request($method, $url, bearer => $tokens{$kind}{$scope});
    my %opt = (method => $method, kid => 'k1', partner => $id);
    my $named = join ' ', $kinds =~ /business/ ? @needs
        : grep { $_ ne 'business_access' } @needs;

    $opt{scope} = length $named ? $named : undef;

    if ($kinds !~ /\b$kind\b/) {
        $seen{kind}++;
        return $gw->refused($name, $answer, 'wrong_kind', %opt);
    }

    if (lacks($kind, $scope, @needs)) {
        $seen{scope}++;
        return $gw->refused($name, $answer, 'insufficient_scope', %opt);
    }

    $seen{passes}++;

    return is_deeply([$answer->status, map { $_->{method} } $gw->upstream_saw],
        [200, $method], $name);
}

for my $place (@places) {
    for my $method (@methods) {
        for my $kind (qw(business partner)) {
            cell($place, $method, $kind, $_) for @scopes;
        }
    }
}

is($seen{kind} + $seen{scope} + $seen{passes},
    @places * @methods * 2 * @scopes, 'P4.2 every cell was asked');
cmp_ok($seen{$_}, '>', 100, "P4.2 many of them: $_") for sort keys %seen;

# the order: kind, scope, business

$gw->refused('P4.2 another business, without the scope',
    $gw->request('GET', "/v1/businesses/$other/x",
        bearer => $tokens{business}{write}), 'insufficient_scope',
    scope => 'business_access read');
$gw->refused('P4.2 another business, with the scope',
    $gw->request('GET', "/v1/businesses/$other/x",
        bearer => $tokens{business}{read}), 'wrong_business',
    scope => 'business_access read');

{
    my $theirs = $gw->business($gw->partner);

    $gw->refused('P4.2 owner, another partner\'s, without the scope',
        $gw->request('POST', "/owner/$theirs/x",
            bearer => $tokens{partner}{read}), 'insufficient_scope',
        scope => 'write');
    $gw->refused('P4.2 owner, another partner\'s, with the scope',
        $gw->request('POST', "/owner/$theirs/x",
            bearer => $tokens{partner}{write}), 'not_owner');
}

$gw->refused('P4.2 no token, and a scope', $gw->request('POST', '/partner/x'),
    'no_credentials');

# a scope alone guards nothing

is($gw->request('GET', '/open/x')->status, 200,
    'P4.2 auth_gateway_scope without a requirement');

# by whichever token a cached answer was

for (1 .. 3) {
    cell($places[0], 'GET', 'business', 'read');
    cell($places[0], 'POST', 'business', 'read');
    cell($places[2], 'DELETE', 'business', 'payments read');
    cell($places[5], 'POST', 'partner', 'read write');
    cell($places[5], 'POST', 'partner', 'write');
}

$gw->finish;
