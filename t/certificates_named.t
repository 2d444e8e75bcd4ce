# P8a.4: a certificate that a proxy names in a header, in the forms that
# proxies write: it replaces that of the connection.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Certificates qw(make_client_certificate pem_escaped pem_spaced
    rfc9440);
use AGW::Files qw(slurp);
use AGW::Gateway;
use AGW::Token;

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_bind_tokens certificate;

    large_client_header_buffers 4 64k;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        ssl_verify_client optional_no_ca;

        auth_gateway_client_certificate $http_client_cert;

        location = /token { auth_gateway_token partner; }

        location /v1/businesses/ {
            auth_gateway_require owner;
            auth_gateway_business_path /v1/businesses/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    # nginx's own variable, as another server has it

    server {
        listen 127.0.0.1:%%TLS2%% ssl;

        ssl_verify_client optional_no_ca;

        location /v1/businesses/ {
            auth_gateway_require owner;
            auth_gateway_business_path /v1/businesses/<business_id>;
            auth_gateway_client_certificate $ssl_client_raw_cert;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;

            location /v1/businesses/escaped/ {
                auth_gateway_business_path /v1/businesses/escaped/<business_id>;
                auth_gateway_client_certificate $ssl_client_escaped_cert;
                proxy_pass http://127.0.0.1:%%UPSTREAM%%;
            }
        }
    }
}
CONF

my %thumb;
my $gw = AGW::Gateway->start($conf, before => sub {
    my ($prefix) = @_;

    %thumb = map { $_ => make_client_certificate($prefix, $_) } qw(one other);
    $thumb{expired} = make_client_certificate($prefix, 'expired', expired => 1);
    $thumb{rsa} = make_client_certificate($prefix, 'rsa', key => 'rsa:4096');
});
my $prefix = $gw->prefix;
my $partner = $gw->partner;
my ($id, $key) = @$partner{qw(id key)};
my $business = $gw->business($partner);
my $here = "/v1/businesses/$business/x";

$gw->good_is(sub {
    return $gw->request('POST', '/token', quiet => 1, basic => [$id, $key])
        ->status == 200;
});

my %forms = (
    'escaped PEM' => \&pem_escaped,
    'PEM in one line' => \&pem_spaced,
    'RFC 9440' => \&rfc9440,
);

sub named {
    my ($form, $name) = @_;

    return 'Client-Cert: ' . $forms{$form}->("$prefix/$name.pem");
}

sub token_of {
    my (%opt) = @_;

    my $token = $gw->request('POST', '/token', basic => [$id, $key], %opt)
        ->json->{access_token};

    return $gw->keep_secret($token);
}

my $bound = token_of(headers => [named('RFC 9440', 'one')]);

is(AGW::Token::claims_of($bound)->{cnf}{'x5t#S256'}, $thumb{one},
    'P8a.4 issued to what the header names');

for my $form (sort keys %forms) {
    for my $name ('one', 'rsa') {
        my $token = token_of(headers => [named($form, $name)],
            cert => 'other');

        is(AGW::Token::claims_of($token)->{cnf}{'x5t#S256'}, $thumb{$name},
            "P8a.4 $form: the thumbprint of $name");
    }

    is($gw->request('GET', $here, bearer => $bound,
        headers => [named($form, 'one')])->status, 200, "P8a.4 $form: passes");
    $gw->refused("P8a.4 $form: another", $gw->request('GET', $here,
        bearer => $bound, headers => [named($form, 'other')]),
        'certificate_mismatch', fault => 'another certificate',
        scope => undef);
    $gw->refused("P8a.4 $form: expired", $gw->request('GET', $here,
        bearer => $bound, headers => [named($form, 'expired')]),
        'certificate_mismatch', fault => 'an unreadable or expired certificate');
}

# that of the connection is not asked

$gw->refused('P8a.4 that of the connection', $gw->request('GET', $here,
    bearer => $bound, cert => 'one'), 'certificate_mismatch',
    fault => 'no certificate');
is($gw->request('GET', $here, bearer => $bound, cert => 'other',
    headers => [named('RFC 9440', 'one')])->status, 200,
    'P8a.4 another in the connection');
is(AGW::Token::claims_of(token_of(cert => 'other'))->{cnf}, undef,
    'P8a.4 without the header nothing is bound');
is(AGW::Token::claims_of(token_of(headers => ['Client-Cert:'])
    )->{cnf}, undef, 'P8a.4 nor with an empty one');

# what cannot be read, for a token and for a request

my $pem = pem_spaced("$prefix/one.pem");
my $der = rfc9440("$prefix/one.pem");
my %bad = (
    'no certificate' => '-',
    '(null)' => '(null)',
    'the half of it' => substr($pem, 0, 300),
    'base64 alone' => $der =~ s/://gr,
    'a key' => pem_spaced("$prefix/one.key"),
    'two in one header' => "$der, $der",
    'text before it' => "x$pem",
    'text behind it' => "$pem x",
    'escaped twice' => pem_escaped("$prefix/one.pem") =~ s/%/%25/gr,
    'half an escape' => pem_escaped("$prefix/one.pem") . '%2',
    '40 KB' => $pem . ' ' x 40_000 . $pem,
);

for my $what (sort keys %bad) {
    my @header = (headers => ["Client-Cert: $bad{$what}"]);

    $gw->refused("P8a.4 $what, to use a token",
        $gw->request('GET', $here, bearer => $bound, @header),
        'certificate_mismatch', fault => 'an unreadable or expired certificate');
    $gw->refused("P8a.4 $what, to get one",
        $gw->request('POST', '/token', basic => [$id, $key], @header),
        'certificate_mismatch', by => 'basic',
        fault => 'an unreadable or expired certificate');
}

# a client's header must not stand before the proxy's

for (['one', 'other'], ['other', 'one'], ['one', 'one']) {
    $gw->refused("P8a.4 two headers, @$_", $gw->request('GET', $here,
        bearer => $bound, headers => [map { named('RFC 9440', $_) } @$_]),
        'certificate_mismatch', fault => 'an unreadable or expired certificate');
}

# many clients on a proxy's connection

for my $connect (sub { $gw->connect }, sub { $gw->connect_h2 }) {
    my $client = $connect->();
    my @lines = map { [named($_, 'one'), named($_, 'other')] }
        'escaped PEM', 'RFC 9440';
    my $ask = sub {
        my ($line) = @_;

        return $client->request('GET', $here,
            headers => [AGW::Gateway::bearer($bound), $line])->status
            if !$client->isa('AGW::H2');

        my $stream = $client->start('GET', $here, headers => [
            ['authorization', "Bearer $bound"],
            map { [lc $1, $2] if /^([^:]+): (.*)/s } $line]);

        return $client->response($stream)->status;
    };

    $gw->mark;
    is(join(' ', map { $ask->($_) } map { (@$_, @$_, $_->[0], $_->[0]) }
        @lines), '200 401 200 401 200 200 200 401 200 401 200 200',
        'P8a.4 clients in turn: ' . ref $client);
    $client->close;
}

# nginx's own variables

for ($here, $here =~ s{/businesses}{$&/escaped}r) {
    is($gw->request('GET', $_, bearer => $bound, cert => 'one',
        port => 'TLS2')->status, 200, "P8a.4 nginx's variable, $_");
    $gw->refused("P8a.4 nginx's variable, another, $_",
        $gw->request('GET', $_, bearer => $bound, cert => 'other',
        port => 'TLS2'), 'certificate_mismatch',
        fault => 'another certificate');
    $gw->refused("P8a.4 nginx's variable, none, $_",
        $gw->request('GET', $_, bearer => $bound, port => 'TLS2'),
        'certificate_mismatch', fault => 'no certificate');
}

$gw->finish;
