# The command line over TLS: the server is verified, always, and the gateway
# knows the administrator by a certificate.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256);
use MIME::Base64 qw(decode_base64 encode_base64url);
use Test::More;

use AGW::Command qw(no_command);
use AGW::Files qw(make_prefix slurp spew);
use AGW::Gateway;
use AGW::Skip qw(skip_all_for);

skip_all_for('libcurl', 'the command line over TLS is') if no_command();

# a CA with the server's certificate, and those of clients

my $pki = make_prefix();

sub openssl {
    my ($line) = @_;

    my $said = `cd '$pki' && openssl $line 2>&1`;

    die "openssl $line: $said" if $? != 0;

    return;
}

sub certificate {
    my ($name, $ca, @extensions) = @_;

    openssl("req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        . " -subj /CN=$name -keyout $name.key -out $name.csr");
    spew("$pki/$name.ext", join '', map { "$_\n" } @extensions);
    openssl("x509 -req -in $name.csr -CA $ca.pem -CAkey $ca.key -days 2"
        . " -CAcreateserial -extfile $name.ext -out $name.pem");

    return;
}

for my $ca (qw(ca other)) {
    openssl('req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1'
        . " -nodes -days 2 -subj /CN=$ca -keyout $ca.key -out $ca.pem");
}

certificate('server', 'ca', 'subjectAltName=DNS:localhost,IP:127.0.0.1');
certificate('elsewhere', 'ca', 'subjectAltName=DNS:elsewhere.example');
certificate('admin', 'ca');
certificate('partner', 'ca');
certificate('stranger', 'other');

my ($der) = slurp("$pki/admin.pem") =~ /BEGIN CERT[^\n]+\n(.*?)-----END/s;
my $thumbprint = encode_base64url(sha256(decode_base64($der)), '');

my $gw = AGW::Gateway->start(<<'CONF', names => { PKI => "$pki",
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_admin_log %%PREFIX%%/logs/admin.log;

    ssl_client_certificate %%PKI%%/ca.pem;
    ssl_verify_client optional;

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        ssl_certificate %%PKI%%/server.pem;
        ssl_certificate_key %%PKI%%/server.key;

        location = /token { auth_gateway_token partner; }
        location /admin/ {
            auth_gateway_admin write certificate=%%THUMBPRINT%%;
        }
        location = /status { auth_gateway_status; }
    }

    server {
        listen 127.0.0.1:%%TLS2%% ssl;
        ssl_certificate %%PKI%%/elsewhere.pem;
        ssl_certificate_key %%PKI%%/elsewhere.key;

        location /admin/ {
            auth_gateway_admin write certificate=%%THUMBPRINT%%;
        }
    }

    server {
        listen 127.0.0.1:%%PLAIN%%;
        return 404;
    }
}
CONF
    THUMBPRINT => $thumbprint });

my ($port, $port2, $plain) = map { $gw->nginx->port($_) } qw(TLS TLS2 PLAIN);
my %good = (url => "https://127.0.0.1:$port", cert => "$pki/admin.pem",
    key => "$pki/admin.key", cacert => "$pki/ca.pem");

sub gateway { return AGW::Command->new(%good, @_) }

gateway()->exits('D11 the administrator', 0, 'partner', 'create', '--id', 'p');
gateway(url => "https://localhost:$port/admin/")->exits('D11 a path in the URL',
    0, 'partner', 'show', 'p');
gateway()->exits('D11 the status', 0, 'status');
AGW::Command->new->exits('D11 by the environment', 0, 'partner', 'show', 'p',
    { env => { map { ("AUTH_GATEWAY_\U$_" => $good{$_}) } keys %good } });

# no proxy is asked, whatever the environment says

gateway()->exits('D11 no proxy', 0, 'partner', 'show', 'p', { env => {
    map { ($_ => "http://127.0.0.1:$plain") } qw(https_proxy HTTPS_PROXY
    all_proxy) } });

# who is not the administrator

for my $case (
    ["a partner's certificate", 1, qr/\(status 403, /,
        cert => "$pki/partner.pem", key => "$pki/partner.key"],
    ['a certificate of another CA', 3, qr/its status is 400, /,
        cert => "$pki/stranger.pem", key => "$pki/stranger.key"],
    ['a key of another certificate', 3, qr/--cert and --key must be files/,
        key => "$pki/partner.key"],
    ['no file of a certificate', 3, qr/--cert and --key must be files/,
        cert => "$pki/none.pem"],
) {
    my ($name, $code, $said, @options) = @$case;
    my $got = gateway(@options)->exits("D11 refused: $name", $code, 'partner',
        'create', '--id', 'not');

    like($got->{err}, $said, 'and why');
}

# who is not the gateway: nothing is sent

my $log = $gw->prefix . '/logs/access.log';

for my $case (
    ['a CA that is not given', qr/certificate/i, cacert => undef],
    ['another CA', qr/certificate/i, cacert => "$pki/other.pem"],
    ['another name', qr/certificate|alternative/i,
        url => "https://127.0.0.1:$port2"],
    ['no TLS', qr/SSL|TLS|wrong version|packet/i,
        url => "https://127.0.0.1:$plain"],
    ['no file of the CA', qr/cacert|certificate|CA/i,
        cacert => "$pki/none.pem"],
) {
    my ($name, $said, @options) = @$case;
    my %options = (%good, @options);

    delete $options{cacert} unless defined $options{cacert};

    my $got = AGW::Command->new(%options)->exits("D11 not verified: $name", 3,
        'partner', 'create', '--id', 'not');

    like($got->{err}, $said, 'and why');
}

gateway()->exits('D11 and nothing was done', 1, 'partner', 'show', 'not');
unlike(slurp($log), qr{ /admin/partners/not HTTP/1.1" 2}, 'by any of them');

# verification has no switch

for my $option (qw(--insecure -k --no-verify)) {
    gateway()->exits("D11 there is no $option", 2, $option, 'status');
}

$gw->finish;
