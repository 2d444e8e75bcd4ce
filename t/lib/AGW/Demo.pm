package AGW::Demo;

# conf/nginx.conf, which is what people copy, as a gateway.  Only its paths,
# ports and user are others here.

use strict;
use warnings;

use parent 'AGW::Gateway';

use Crypt::PK::ECC ();
use Exporter 'import';
use File::Copy qw(copy);
use JSON ();
use Test::More;
use Time::HiRes qw(sleep time);

use AGW::Admin ();
use AGW::Conf ();
use AGW::Files qw(repo_root slurp spew worker_ids);
use AGW::Gateway;

our @EXPORT_OK = qw($token_path);
our $token_path = '/v1/platform/oauth2/token';

my $json = JSON->new->utf8;


# the harness's own completion would say half of it twice

{
    no warnings 'redefine';

    *AGW::Conf::complete = sub {
        my ($text, $prefix, $names) = @_;

        $names->{PREFIX} = "$prefix";
        $names->{STORE} = "$prefix/store";
        $text =~ s/%%((?:TLS|PLAIN)\d*)%%/
            $names->{$1} \/\/= AGW::Conf::free_port()/gex;
        $text =~ s/%%([A-Z]+)%%/$names->{$1} \/\/ die "no name $1"/ge;

        return "daemon off;\n$text";
    };
}


sub configuration {
    my ($class, %opt) = @_;

    my ($user) = worker_ids();
    my $conf = slurp(repo_root() . '/conf/nginx.conf');

    for (
        [qr/^user www-data;$/m, defined $user ? "user $user nogroup;" : ''],
        [qr{^pid logs/}m, 'pid %%PREFIX%%/'],
        [qr{^load_module modules/ngx_http_auth_gateway_module\.so;$}m,
            AGW::Conf::load_line()],
        [qr{sqlite:store/}, 'sqlite:%%STORE%%/'],
        [qr{keys/signing\.pem}, '%%PREFIX%%/signing.pem'],
        [qr{tls/server\.crt}, '%%PREFIX%%/cert.pem'],
        [qr{tls/server\.key}, '%%PREFIX%%/cert.key'],
        [qr/listen 127\.0\.0\.1:8443/, 'listen 127.0.0.1:%%TLS%%'],
        [qr/listen 127\.0\.0\.1:8080/, 'listen 127.0.0.1:%%PLAIN%%'],
        [qr/listen 127\.0\.0\.1:8081/, 'listen 127.0.0.1:%%PLAIN2%%'],
        [qr{unix:/run/auth_gateway/}, 'unix:%%PREFIX%%/'],
        [qr/auth_gateway_admin write/,
            'auth_gateway_admin write ' . AGW::Admin::uid_word()],
        [qr/server 127\.0\.0\.1:9080/, 'server 127.0.0.1:%%UPSTREAM%%'],
        $opt{origin} ? [qr{https://app\.example\.com}, $opt{origin}] : (),
        @{ $opt{changes} // [] },
    ) {
        my ($pattern, $text) = @$_;

        $conf =~ s/$pattern/$text/g
            or die "conf/nginx.conf has no $pattern\n";
    }

    return $conf;
}


# With a partner and two businesses.  The upstream answers 404 below any
# /nothing.  Options: origin, of pages that may call it; changes => [[pattern,
# text], ...], to the file; reply for the upstream; before => sub ($prefix) for
# further files.

sub start {
    my ($class, %opt) = @_;

    my $key = Crypt::PK::ECC->new->generate_key('secp256r1');

    my $self = $class->SUPER::start($class->configuration(%opt), before => sub {
        my ($prefix) = @_;

        spew("$prefix/signing.pem", $key->export_key_pem('private'), 0600);

        for my $name (qw(guarded_proxy json_errors cors cors_headers
            docs))
        {
            copy(repo_root() . "/conf/$name.conf", "$prefix/$name.conf")
                or die "$name.conf: $!\n";
        }

        $opt{before}->($prefix) if $opt{before};
    }, reply => $opt{reply} // sub {
        my ($request) = @_;

        return (404, ['Content-Type: text/html'], "the API's own\n")
            if $request->{target} =~ m{/nothing$};
        return;
    });

    $self->{metadata} = 'https://127.0.0.1:8443'
        . '/.well-known/oauth-protected-resource'
        if slurp($self->prefix . '/nginx.conf')
            =~ /auth_gateway_resource_metadata;/;
    @$self{qw(alg secret kid)} =
        ('ES256', $key, $key->export_key_jwk_thumbprint('SHA256'));
    @$self{qw(id key)} = @{ $self->partner }{qw(id key)};
    $self->{businesses} = [map { $self->business($self->{id}) } 1, 2];
    @$self{qw(rested taken)} = (time, 1);

    return $self;
}


# The main job: a partner token, and with it one for the first business, kept
# as partner_token and business_token.  Returns both responses.

sub obtain_tokens {
    my ($self) = @_;

    my $business = $self->{businesses}[0];
    my $first = $self->request('POST', "$token_path/",
        basic => [@$self{qw(id key)}],
        form => 'grant_type=client_credentials');

    $self->{partner_token} = $self->keep_secret($first->json->{access_token});

    my $second = $self->request('POST',
        "/v1/platform/$business/oauth2/token/",
        bearer => $self->{partner_token});

    $self->{business_token} =
        $self->keep_secret($second->json->{access_token});
    $self->good_is(sub {
        return $self->request('GET', "/v1/businesses/$business/x",
            quiet => 1, bearer => $self->{business_token})->status == 200;
    });

    return ($first, $second);
}


# both ways to ask: HTTP/1.1, and HTTP/2 with the same arguments

sub ways {
    my ($self) = @_;

    return (
        'HTTP/1.1' => sub { return $self->request(@_) },
        'HTTP/2' => sub { return $self->request_h2(@_) },
    );
}


sub request_h2 {
    my ($self, $method, $target, %opt) = @_;

    my @lines = @{ $opt{headers} // [] };

    push @lines, AGW::Gateway::bearer($opt{bearer}) if defined $opt{bearer};
    push @lines, AGW::Gateway::basic(@{ $opt{basic} }) if $opt{basic};

    if (defined $opt{form}) {
        push @lines, 'Content-Type: application/x-www-form-urlencoded';
        $opt{body} = $opt{form};
    }

    my $client = $self->connect_h2;

    $self->mark;

    my $response = $client->request($method, $target,
        headers => [map { my ($n, $v) = split /: /, $_, 2; [lc $n, $v] }
            @lines],
        defined $opt{body} ? (body => $opt{body}) : (),
        end => $opt{end} // 1,
        defined $opt{authority} ? (authority => $opt{authority}) : ());

    $client->close;

    return $response;
}


# bytes as they are, and the response to them

sub raw {
    my ($self, $port, $bytes) = @_;

    my $client = $self->connect($port);

    $self->mark;
    $client->send($bytes);

    my $response = $client->response;

    $client->close;

    return $response;
}


# an error that nginx itself found: status, headers, body, no challenge

sub error_is {
    my ($self, $name, $response, $status, $error) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @problems;
    my $body = $response ? $response->json : undef;

    if (!$response) {
        push @problems, 'no response';

    } else {
        push @problems, "status $response->{status}"
            if $response->status != $status;

        for (['Content-Type', 'application/json'],
            ['Cache-Control', 'no-store'], ['Pragma', 'no-cache'],
            ['WWW-Authenticate', ''], ['Location', ''],
            ['Retry-After', $status == 429 ? '1'
                : $status =~ /^50[234]$/ ? '5' : ''])
        {
            my $got = join ' | ', $response->header($_->[0]);

            push @problems, "$_->[0]: $got" if $got ne $_->[1];
        }

        push @problems, 'body ' . $response->body
            if ref $body ne 'HASH'
            || join(' ', sort keys %$body) ne 'error error_description'
            || $body->{error} ne $error
            || $body->{error_description}
                !~ /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/;
    }

    push @problems, map { "the upstream received $_->{target}" }
        $self->upstream_saw;
    push @problems, $self->problems_after;

    return ok(!@problems, $name) || diag(join "\n", @problems) && 0;
}


# lines of the access log, parsed; the last one may be on its way

sub logged {
    my ($self, $from, $count) = @_;

    my @lines;

    for (1 .. 100) {
        @lines = split /\n/,
            slurp($self->prefix . '/logs/access.log', $from);

        last if @lines >= $count;
        sleep 0.02;
    }

    return @lines;
}


sub log_end {
    my ($self) = @_;

    sleep 0.1;

    return -s $self->prefix . '/logs/access.log' // 0;
}


# Waits until the limits on token requests have room for so many more, or for
# as many as there may be at once: ten, of which five a second are forgotten.
# Whoever calls this with a number does so before each request to them.

sub rest {
    my ($self, $count) = @_;

    if (!defined $count) {
        sleep 2.5;
        return;
    }

    my $taken = $self->{taken} - 5 * (time - $self->{rested});

    $taken = 0 if $taken < 0;

    if ($taken + $count > 10) {
        sleep +($taken + $count - 10) / 5;
        $taken = 10 - $count;
    }

    @$self{qw(taken rested)} = ($taken + $count, time);

    return;
}


# with what holds of the access log as a whole

sub finish {
    my ($self) = @_;

    $self->log_end;

    my $all = slurp($self->prefix . '/logs/access.log');
    my @bad = grep { ref scalar eval { $json->decode($_) } ne 'HASH' }
        split /\n/, $all;

    ok(!@bad, 'D3 every line of this test is JSON')
        or diag(join "\n", @bad);
    unlike($all, qr/SECRET|\?|#/, 'D3 no query string');
    ok(!grep({ index($all, $_) >= 0 } @{ $self->{secrets} }),
        'D3 no token, API key or secret');

    # none is issued where the browser's part is left out

    my @tokens = grep { defined }
        @$self{qw(business_token partner_token)};

    ok(!grep({ index($all, (split /\./, $_)[-1]) >= 0 } @tokens),
        'D3 nor a part of a token');

    return $self->SUPER::finish;
}


1;
