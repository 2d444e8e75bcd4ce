package AGW::Admin;

# A gateway with its administration, which is asked over the unix socket.

use strict;
use warnings;

use parent -norequire, 'AGW::Gateway';

use JSON ();
use Test::More;

use AGW::Client;
use AGW::Files qw(slurp);
use AGW::Gateway;
use AGW::Reasons qw(%reasons);

my $usual = <<'CONF';
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_admin_log %%LOG%%;
    %%HTTP%%

    server {
        listen unix:%%PREFIX%%/admin.sock;
        listen 127.0.0.1:%%TLS%% ssl;

        auth_gateway_business_path /v1/businesses/<business_id>;

        location /admin/ { auth_gateway_admin write %%UID%%; }
        location /read { auth_gateway_admin read %%UID%%; }

        location = /token { auth_gateway_token partner; }

        location /token/ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location /v1/businesses/ {
            auth_gateway_require business;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /owned/ {
            auth_gateway_require owner;
            auth_gateway_business_path /owned/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        %%LOCATIONS%%
    }
}
CONF


# As AGW::Gateway starts; conf => another text; http and locations => more of
# it; log => another file.  %%UID%% lets in whoever runs the test, where that is not root.

sub start {
    my ($class, %opt) = @_;

    my $conf = $opt{conf} // $usual;
    my $uid = uid_word();
    my $http = $opt{http} // '';
    my $locations = $opt{locations} // '';
    my $log = $opt{log} // 'logs/admin.log';

    $conf =~ s/%%UID%%/$uid/g;
    $conf =~ s/%%LOG%%/$log/;
    $conf =~ s/%%HTTP%%/$http/;
    $conf =~ s/%%LOCATIONS%%/$locations/;

    my $self = $class->SUPER::start($conf, %opt,
        allow => [qr/is the user of the workers/, @{ $opt{allow} // [] }]);

    $self->{good} = sub {
        return $self->ask('GET', 'partners')->status == 200;
    };

    return $self;
}


sub uid_word {
    return $> == 0 ? '' : "uid=$>";
}


# One request below /admin/, or to a path that begins with a slash.  body is an
# object, or text; type another Content-Type; headers => [lines]; unix => another
# socket, or port => of TCP.

sub ask {
    my ($self, $method, $path, $body, %opt) = @_;

    my $client = $opt{port} ? $self->connect($opt{port})
        : AGW::Client->connect(unix => $opt{unix} // "$self->{prefix}/admin.sock");
    my @headers = @{ $opt{headers} // [] };

    $path = "/admin/$path" if $path !~ m{^/};

    if (defined $body) {
        $body = JSON->new->utf8->canonical->encode($body) if ref $body;
        push @headers, 'Content-Type: ' . ($opt{type} // 'application/json')
            if ($opt{type} // 'x') ne '';
        push @headers, 'Content-Length: ' . length $body;
    }

    $client->send(join("\r\n", "$method $path HTTP/1.1", 'Host: localhost',
        'Connection: close', @headers) . "\r\n\r\n" . ($body // ''));

    my $response = $client->response(method => $method,
        timeout => $opt{timeout} // 60);

    push @{ $self->{secrets} }, $response->json->{api_key}
        if $response && $response->status == 201 && ref $response->json
            && defined $response->json->{api_key};

    return $response;
}


sub tag {
    my ($response) = @_;

    return scalar $response->header('ETag');
}


# asserts a status and, of the object, these members (undef: null)

sub gets {
    my ($self, $name, $response, $status, %members) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $json = $response->json // {};
    my @problems;

    push @problems, 'status ' . $response->status
        if $response->status != $status;
    push @problems, 'Cache-Control is not no-store'
        if ($response->header('Cache-Control') // '') ne 'no-store';

    for (sort keys %members) {
        push @problems, "$_ is missing" if !exists $json->{$_};
        push @problems, "$_ is " . JSON->new->allow_nonref->canonical
            ->encode($json->{$_}) if !is_same($json->{$_}, $members{$_});
    }

    return ok(!@problems, $name) || diag(join "\n", @problems,
        $response->{body} // '');
}


sub is_same {
    my ($got, $want) = @_;

    my $json = JSON->new->allow_nonref->canonical;

    return $json->encode([$got]) eq $json->encode([$want])
        || (defined $got && defined $want && !ref $got && !ref $want
            && "$got" eq "$want");
}


# asserts a refusal as a whole: status, error, its words, member and line, the
# log, and a good request on the same workers afterwards

sub refuses {
    my ($self, $name, $response, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $want = $reasons{$reason} // die "no reason $reason\n";
    my $json = ref $response->json eq 'HASH' ? $response->json : {};
    my $said = $json->{error_description} // '';
    my @lines = $self->refusals;
    my @problems;

    push @problems, 'status ' . $response->status
        if $response->status != $want->{status};
    push @problems, 'error ' . ($json->{error} // '(none)')
        if ($json->{error} // '') ne $want->{error};
    push @problems, "error_description: $said"
        if $said !~ /\A[\x20\x21\x23-\x5b\x5d-\x7e]+\z/
            || ($opt{accepted} && $said !~ $opt{accepted});
    push @problems, 'not application/json'
        if ($response->header('Content-Type') // '') ne 'application/json';
    push @problems, 'Cache-Control is not no-store'
        if ($response->header('Cache-Control') // '') ne 'no-store';
    push @problems, 'Allow ' . ($response->header('Allow') // '(none)')
        if ($response->header('Allow') // '') ne ($opt{allow} // '');

    for (qw(member line)) {
        push @problems, "$_ is " . ($json->{$_} // '(none)')
            if ($json->{$_} // '') ne ($opt{$_} // '');
    }

    push @problems, 'logged ' . join ' ', map { $_->{reason} // '?' } @lines
        if @lines != 1 || ($lines[0]{reason} // '') ne $reason;
    push @problems, $self->problems_after;
    $self->mark;

    return ok(!@problems, $name) || diag(join "\n", @problems,
        $response->{body} // '');
}


# the lines of the log of administration: what came of each write; or all

sub written {
    my ($self, %opt) = @_;

    return grep { $opt{all} || $_->{result} ne 'begun' }
        map { JSON::decode_json($_) }
        split /\n/, slurp("$self->{prefix}/logs/admin.log");
}


1;
