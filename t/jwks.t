# P7.1: the JWK Set, in which others find the keys that our tokens are
# verified with.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Documents qw(document_is locations other_ways);
use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Keys qw(algorithms jwk_set);

my $conf = <<'CONF' =~ s/^ +%%LOCATIONS%%$/locations('auth_gateway_jwks;')/mer;
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_business_path /v1/businesses/<business_id>;

    auth_gateway_key %%PREFIX%%/signer.pem;
    auth_gateway_key %%PREFIX%%/next.pem verify kid=next;
    auth_gateway_key %%PREFIX%%/public.pem verify alg=PS384;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=hs verify;
    auth_gateway_key %%PREFIX%%/set.jwks verify;
    auth_gateway_key %%PREFIX%%/theirs.pem verify issuer=urn:theirs;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_require business;

        %%LOCATIONS%%
    }

    # its own keys, of which none can be published

    server {
        listen 127.0.0.1:%%TLS2%% ssl;

        auth_gateway_key %%PREFIX%%/secret.key alg=HS256;
        location / { auth_gateway_jwks; }
    }
}
CONF

my $type = 'application/jwk-set+json';
my %keys = (signer => AGW::Keys->new('ES256'), next => AGW::Keys->new(
    'EdDSA'), public => AGW::Keys->new('PS384'), theirs =>
    AGW::Keys->new('RS256'), one => AGW::Keys->new('ES384'),
    two => AGW::Keys->new('RS512'));
my $gw = AGW::Gateway->start($conf, before => sub {
    spew("$_[0]/signer.pem", $keys{signer}->form('PKCS#8'), 0600);
    spew("$_[0]/next.pem", $keys{next}->form('PKCS#8'), 0600);
    spew("$_[0]/public.pem", $keys{public}->form('public, SPKI'), 0644);
    spew("$_[0]/theirs.pem", $keys{theirs}->form('public, SPKI'), 0644);
    spew("$_[0]/set.jwks", jwk_set(
        $keys{one}->jwk(private => 1, kid => 'one', key_ops => ['sign',
            'verify'], x5u => 'https://x/', foo => 'bar'),
        $keys{two}->jwk(kid => 'two', alg => 'RS512'),
        $keys{two}->jwk(kid => 'not', use => 'enc')), 0600);
}, reply => sub {
    return (200, ['X-Accel-Redirect: /document', 'ETag: "upstream"',
        'Cache-Control: no-store', 'Expires: Thu, 01 Jan 1970 00:00:00 GMT',
        'Last-Modified: Thu, 01 Jan 2015 00:00:00 GMT',
        'Set-Cookie: upstream=1'], 'upstream');
});


# as RFC 7517, section 4, and RFC 7518, section 6, have it: no more, no less

sub published {
    my ($key, $kid) = @_;

    return $key->jwk(alg => $key->alg, use => 'sig',
        kid => $kid // $key->thumbprint);
}


my @all = (published($keys{signer}), published($keys{next}, 'next'),
    published($keys{public}), published($keys{one}, 'one'),
    published($keys{two}, 'two'));

{
    my $response = $gw->request('GET', '/document');
    my $keys = $response->json->{keys};
    my %kids = map { $_->{kid} => 1 } @$keys;

    document_is('P7.1 the keys that sign and verify', $response, $type,
        { keys => \@all });
    is(scalar keys %kids, @$keys, 'P7.1 each kid once');
    unlike($response->body, qr/"(?:d|p|q|dp|dq|qi|k|oth)":/,
        'P7.1 no private member');
    unlike($response->body, qr/"(?:oct|HS256|hs|foo|x5u)"/,
        'P7.1 no secret, nothing else of the file');
    is(index($response->body, $keys{theirs}->jwk->{n}), -1,
        'P7.1 no key of another issuer');

    for my $key (values %keys) {
        is(index($response->body, $key->jwk(private => 1)->{d}), -1,
            'P7.1 ' . $key->alg . ' and not its private part');
    }
}

other_ways($gw, 'P7.1', sub {
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return document_is(@_, $type, { keys => \@all });
});

document_is('P7.1 a server whose keys are secrets', $gw->request('GET',
    '/x', port => 'TLS2'), $type, { keys => [] });

# another key is another document, from the next reload on

{
    my $before = $gw->request('GET', '/document')->header('ETag');
    my $next = AGW::Keys->new('ES384');

    ok($gw->nginx->reload, 'P7.1 a reload');
    $gw->new_workers;
    is($gw->request('GET', '/document')->header('ETag'), $before,
        'P7.1 the same keys, the same ETag');

    spew($gw->prefix . '/next.pem', $next->form('PKCS#8'), 0600);
    is($gw->request('GET', '/document')->header('ETag'), $before,
        'P7.1 the file is read at a reload alone');
    ok($gw->nginx->reload, 'P7.1 another reload');
    $gw->new_workers;

    my $response = $gw->request('GET', '/document',
        headers => ["If-None-Match: $before"]);

    $all[1] = published($next, 'next');
    document_is('P7.1 another key', $response, $type, { keys => \@all });
    isnt($response->header('ETag'), $before, 'P7.1 another ETag');
}

$gw->finish;
