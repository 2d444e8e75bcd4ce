# D4: every algorithm, with its key in a file of every form.  What the
# gateway signs, Crypt::JWT verifies, by the key and by the published JWK Set;
# what Crypt::JWT signs with the same key, the gateway takes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Crypt::JWT qw(decode_jwt);
use Crypt::PK::Ed25519 ();
use MIME::Base64 qw(decode_base64url);
use Test::More;

use AGW::Files qw(slurp spew);
use AGW::Gateway;
use AGW::Keys qw(algorithms);
use AGW::Token qw(b64url claims_of header_of);

# a server for each form, chosen by the Host of a request

my $conf = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_issuer https://issuer.example;
    auth_gateway_audience the-api;

    auth_gateway_business_path /v1/businesses/<business_id>;

    %%SERVERS%%
}
CONF

my $signing = <<'CONF';
    server {
        listen 127.0.0.1:%%TLS%% ssl;
        server_name %%NAME%%;

        auth_gateway_key %%PREFIX%%/%%NAME%%.key %%PARAMETERS%%;

        location = /token { auth_gateway_token partner; }
        location = /jwks { auth_gateway_jwks; }

        location /business/ {
            auth_gateway_business_path /business/<business_id>;
            auth_gateway_token business;
        }

        location /v1/businesses/ {
            auth_gateway_require business;
            proxy_set_header X-Kid $auth_gateway_key_id;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
CONF

my $verifying = $signing =~ s/^        location .*token.*\n//mgr
    =~ s/^        location \/business\/.*?\n        \}\n\n//smr;

my %ours = (iss => 'https://issuer.example', aud => 'the-api');
my %defaults = map { $_ => 1 } qw(HS256 RS256 ES256 ES384 EdDSA);

# The parameters of a form's directive, and the kid that the key then has,
# undef for one of its own: by the directive, by the JWK, or by neither.

sub cases {
    my ($key, $private, @forms) = @_;

    my @cases;

    for my $form (@forms) {
        my $alg = $defaults{ $key->alg } && $form ne 'a secret' ? ''
            : 'alg=' . $key->alg;
        my $verify = $private ? '' : ' verify';
        my $jwk = $form =~ /JWK/;

        push @cases, {
            form => $form, bytes => $key->form($form),
            parameters => "$alg$verify", private => $private,
        };
        push @cases, {
            form => "$form, kid=", bytes => $key->form($form),
            parameters => "$alg$verify kid=given.1", private => $private,
            kid => 'given.1',
        } if $form eq $forms[0];
        push @cases, {
            form => "$form, kid and alg in it", parameters => $verify,
            private => $private, kid => 'from-the-JWK',
            bytes => $key->form($form, alg => $key->alg, use => 'sig',
                kid => 'from-the-JWK', key_ops => $private
                    ? ['sign', 'verify'] : ['verify']),
        }, {
            form => "$form, kid= over the one in it", private => $private,
            parameters => "$verify kid=given.2", kid => 'given.2',
            bytes => $key->form($form, alg => $key->alg, kid => 'other'),
        } if $jwk;
    }

    return @cases;
}

# one gateway for each algorithm

my $gw;

sub start {
    my (@cases) = @_;

    my ($i, $servers) = (0, '');

    for my $case (@cases) {
        my %names = (NAME => "f$i", PARAMETERS => $case->{parameters});
        my $server = $case->{private} ? $signing : $verifying;

        $case->{host} = 'f' . $i++;
        $servers .= $server
            =~ s/%%(NAME|PARAMETERS)%%/$names{$1}/gr;
    }

    return AGW::Gateway->start($conf =~ s/%%SERVERS%%/$servers/r,
        before => sub {
            spew("$_[0]/$_->{host}.key", $_->{bytes}, 0600) for @cases;
        });
}

sub ask {
    my ($case, $method, $path, %opt) = @_;

    push @{ $opt{headers} }, "Host: $case->{host}";

    return $gw->request($method, $path, no_host => 1, %opt);
}

sub get {
    my ($case, $business, $token, %opt) = @_;

    return ask($case, 'GET', "/v1/businesses/$business/x",
        bearer => $token, %opt);
}

# what Crypt::JWT does not know by this name: the claims, if it is signed

sub verified {
    my ($pk, $token) = @_;
    my ($input, $signature) = $token =~ /^(.*)\.(.*)$/;

    return $pk->verify_message(decode_base64url($signature), $input)
        ? claims_of($token) : {};
}

# Verified by somebody else: with the key, and from the JWK Set as served.

sub is_signed {
    my ($name, $case, $key, $token, $claims) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is_deeply(header_of($token),
        { alg => $key->alg, typ => 'JWT', kid => $case->{kid} },
        "$name, its header");

    my %rules = (accepted_alg => $key->alg, verify_exp => 1,
        verify_iat => 1, leeway => 1, verify_iss => $ours{iss},
        verify_aud => $ours{aud}, token => $token);
    my $read = $key->alg eq 'Ed25519' ? verified($key->public, $token)
        : eval { decode_jwt(%rules, key => $key->public) };

    is(eval { $read->{partner_id} }, $claims->{partner_id},
        "$name, verified with the key") or diag($@);
    is(eval { $read->{business_id} }, $claims->{business_id},
        "$name, its business");

    my $jwks = ask($case, 'GET', '/jwks')->json;

    if ($key->is_secret) {
        is_deeply($jwks, { keys => [] }, "$name, no secret is published");
        return;
    }

    is_deeply($jwks, { keys => [$key->jwk(
        alg => $key->alg, use => 'sig', kid => $case->{kid})] },
        "$name, published, all of it and no more");
    $read = $key->alg eq 'Ed25519'
        ? verified(Crypt::PK::Ed25519->new($jwks->{keys}[0]), $token)
        : eval { decode_jwt(%rules, kid_keys => $jwks) };
    is(eval { $read->{partner_id} }, $claims->{partner_id},
        "$name, verified from the JWK Set") or diag($@);

    return;
}

sub refuses_others {
    my ($name, $case, $key, $good, $mint) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($input, $last) = $good =~ /^(.*)\.(.*)$/;
    my $signature = decode_base64url($last);
    my %logged = (kid => $case->{kid}, partner => undef);

    for my $at (0, length($signature) - 1) {
        my $bytes = $signature;

        substr($bytes, $at, 1) ^= "\x01";
        $gw->refused("$name, byte $at of the signature changed",
            get($case, 'b-1', "$input." . b64url($bytes)),
            'bad_signature', %logged);
    }

    my ($head, $body) = split /\./, $input;
    my $other = b64url('{"a":1}');

    $gw->refused("$name, another payload",
        get($case, 'b-1', "$head.$other.$last"), 'bad_signature', %logged);
    $gw->refused("$name, by another key", get($case, 'b-1', $mint),
        'bad_signature', %logged);

    return;
}

# the same two RSA keys for each algorithm that takes one

my @rsa = map { AGW::Keys->new('RS256')->{pem} } 1, 2;

for my $alg (algorithms()) {
    my ($key, $other) = map { AGW::Keys->new($alg,
        $alg =~ /^[PR]S/ ? (pem => $_) : ()) } @rsa;
    my @cases = (cases($key, 1, $key->private_forms),
        cases($key, 0, $key->public_forms));

    $gw = start(@cases);
    $gw->keep_secret($key->{secret}) if $key->is_secret;
    $gw->keep_secret($key->jwk(private => 1)->{d}) unless $key->is_secret;

    my $partner = $gw->partner;
    my $business = $gw->business($partner);
    my %who = (partner_id => $partner->{id}, claims => \%ours);

    for my $case (@cases) {
        my $name = "D4 $alg, $case->{form}:";

        # a secret's own kid is known by the token alone

        if (!defined $case->{kid}) {
            $case->{kid} = $key->is_secret
                ? header_of(ask($case, 'POST', '/token', basic =>
                    [@$partner{qw(id key)}])->json->{access_token})->{kid}
                : $key->thumbprint;
        }

        my $good = $key->mint(%who, business_id => 'b-1',
            kid => $case->{kid});

        $gw->good_is(sub {
            return get($case, 'b-1', $good, quiet => 1)->status == 200;
        });

        is(get($case, 'b-1', $good)->status, 200, "$name a foreign token");
        is_deeply([map { $_->{headers}{'x-kid'} } $gw->upstream_saw],
            [[$case->{kid}]], "$name its kid is \$auth_gateway_key_id");
        is(get($case, 'b-1', $key->mint(%who, business_id => 'b-1'))
            ->status, 200, "$name a token without a kid");
        refuses_others($name, $case, $key, $good, $other->mint(%who,
            business_id => 'b-1', kid => $case->{kid}));

        if (!$case->{private}) {
            is_deeply(ask($case, 'GET', '/jwks')->json,
                { keys => [$key->jwk(alg => $alg, use => 'sig',
                    kid => $case->{kid})] }, "$name published");
            next;
        }

        my $token = ask($case, 'POST', '/token',
            basic => [@$partner{qw(id key)}])->json->{access_token};

        is_signed("$name a partner token", $case, $key, $token,
            { partner_id => $partner->{id} });

        $token = ask($case, 'POST', "/business/$business",
            bearer => $token)->json->{access_token};

        is_signed("$name a business token", $case, $key, $token,
            { partner_id => $partner->{id}, business_id => $business });
        is(get($case, $business, $token)->status, 200,
            "$name opens the business");
        $gw->refused("$name and no other", get($case, 'b-1', $token),
            'wrong_business', kid => $case->{kid},
            partner => $partner->{id});
    }

    if ($key->is_secret) {
        unlike($_->{kid}, qr/\Q@{[substr $key->{secret}, 0, 8]}\E/,
            "D4 $alg: the kid does not tell the secret") for @cases;
        is($cases[0]{kid}, (grep { $_->{form} eq 'JWK' } @cases)[0]{kid},
            "D4 $alg: and is the same in each form");
    }

    unlike(slurp($gw->prefix . '/logs/error.log'), qr/\[error\]/,
        "D4 $alg: no error in the log");
}

$gw->finish;
