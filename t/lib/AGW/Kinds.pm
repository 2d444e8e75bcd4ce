package AGW::Kinds;

# One gateway with servers for each kind of key, and attacks on each of them:
# a test says once what is tried, and it is tried on a secret, an RSA, an EC
# and an Ed25519 key.  The Host of a request chooses the key.

use strict;
use warnings;

use JSON ();
use Test::More;

use AGW::Files qw(spew);
use AGW::Gateway;
use AGW::Keys;
use AGW::Token qw(claims_for);

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_business_path /v1/businesses/<business_id>;

    # tokens over 8 KB are to reach the module

    large_client_header_buffers 4 64k;

    %%SERVERS%%
}
CONF

my $servers = <<'CONF';
    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        server_name %%NAME%%;

        auth_gateway_key %%PREFIX%%/%%NAME%%.key kid=k1 %%ALG%%;
        auth_gateway_require business;

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /partners {
            auth_gateway_require partner;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;
        server_name two.%%NAME%%;

        auth_gateway_key %%PREFIX%%/%%NAME%%.key kid=k1 %%ALG%%;
        auth_gateway_key %%PREFIX%%/second.%%NAME%%.key kid=k2 %%ALG%% verify;
        auth_gateway_issuer https://issuer.example;
        auth_gateway_audience the-api;
        auth_gateway_require business;

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
CONF

our %base = (partner_id => 'p-1', business_id => 'b-1');


# Starts it; returns a list of kinds, of which each has key, second, other
# (the attacker's, of the same algorithm), name, alg, and gateway.

sub start {
    my ($class, @algs) = @_;

    @algs = qw(HS256 RS256 ES256 EdDSA) unless @algs;

    my @kinds = map { bless {
        alg => $_, name => lc $_,
        key => AGW::Keys->new($_), second => AGW::Keys->new($_),
        other => AGW::Keys->new($_),
    }, $class } @algs;

    my $all = join "\n", map {
        my %names = (NAME => $_->{name}, ALG => "alg=$_->{alg}");

        $servers =~ s/%%(NAME|ALG)%%/$names{$1}/gr;
    } @kinds;

    my $gw = AGW::Gateway->start($conf =~ s/%%SERVERS%%/$all/r,
        before => sub {
            for my $kind (@kinds) {
                my ($form) = $kind->{key}->private_forms;

                spew("$_[0]/$kind->{name}.key",
                    $kind->{key}->form($form), 0600);
                spew("$_[0]/second.$kind->{name}.key",
                    $kind->{second}->form($form), 0600);
            }
        });

    for my $kind (@kinds) {
        $kind->{gateway} = $gw;
        $kind->{good} = $gw->keep_secret(
            $kind->{key}->mint(%base, kid => 'k1'));
        $gw->keep_secret($kind->{key}{secret})
            if $kind->{key}->is_secret;
    }

    return @kinds;
}


sub key { return $_[0]{key} }
sub second { return $_[0]{second} }
sub other { return $_[0]{other} }
sub alg { return $_[0]{alg} }
sub good { return $_[0]{good} }


# P8.1 alg none -> P8.1 RS256, alg none

sub named {
    my ($self, $name) = @_;

    return $name =~ s/^(\S+) /$1 $self->{alg}, /r;
}


# options: two => 1 for the server with two keys; path; as for request()

sub get {
    my ($self, $token, %opt) = @_;

    my $host = (delete $opt{two} ? 'two.' : '') . $self->{name};

    return $self->{gateway}->request('GET',
        $opt{path} // '/v1/businesses/b-1/x', bearer => $token,
        no_host => 1, headers => ["Host: $host"], %opt);
}


# asserts the refusal (see AGW::Gateway::refused), and that the good token
# of the same key is taken afterwards

sub attack {
    my ($self, $name, $token, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    $self->{gateway}->good_is(sub {
        return $self->get($self->{good}, quiet => 1)->status == 200;
    });

    return $self->{gateway}->refused($self->named($name),
        $self->get($token, two => $opt{two}, path => $opt{path}), $reason,
        %opt);
}


sub allowed {
    my ($self, $name, $token, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is($self->get($token, %opt)->status, 200, $self->named($name));
}


# the parts of a good token: to be tampered with, and signed by mint_raw

sub header {
    my ($self, @more) = @_;

    return { alg => $self->{alg}, typ => 'JWT', kid => 'k1', @more };
}


# the same as text, with something behind the last member

sub header_text {
    my ($self, $more) = @_;

    return "{\"alg\":\"$self->{alg}\",\"typ\":\"JWT\",\"kid\":\"k1\"$more}";
}


sub payload {
    my ($self, %claims) = @_;

    return JSON->new->canonical->utf8->encode(
        claims_for(%base, claims => \%claims));
}


# signed by the key; header defaults to header(), payload to payload()

sub raw {
    my ($self, %opt) = @_;

    my $key = delete $opt{key} // $self->{key};

    return $key->mint_raw(header => $self->header,
        payload => $self->payload, %opt);
}


# by Crypt::JWT, with other claims

sub token {
    my ($self, %claims) = @_;

    return $self->{key}->mint(%base, kid => 'k1', claims => \%claims);
}


1;
