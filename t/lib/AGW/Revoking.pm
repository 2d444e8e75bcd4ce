package AGW::Revoking;

# A gateway of several workers that revokes and introspects: each of its
# workers can be asked, as every answer says which one gave it.

use strict;
use warnings;

use parent 'AGW::Gateway';

use Exporter 'import';
use Test::More;
use Time::HiRes qw(sleep);

use AGW::Files qw(random_id spew);
use AGW::Gateway;
use AGW::Stopwatch;
use AGW::Token qw(claims_of);

our @EXPORT_OK = qw(conf_of owner_in plain_conf row row_of_token);


# A configuration with these lines in http, and these locations beside the
# usual ones.

sub conf_of {
    my (%opt) = @_;

    my $http = $opt{http} // '';
    my $more = $opt{locations} // '';

    return <<"CONF";
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    $http

    add_header X-Worker \$pid always;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2 reuseport;
        listen 127.0.0.1:%%PLAIN%%;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }

        location ~ ^/token/[^/]+\$ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location = /revoke { auth_gateway_revoke token; }
        location = /introspect { auth_gateway_introspect; }

        location ~ ^/revoke/[^/]+/?\$ {
            auth_gateway_revoke business;
            auth_gateway_business_path /revoke/<business_id>;
        }

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /owner/ {
            auth_gateway_require owner;
            auth_gateway_business_path /owner/<business_id>;
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

$more
    }
}
CONF
}


# One for many requests, without TLS: with a zone of that size, other parameters
# of listen, and what answers a guarded request, a file if it is left out.

sub plain_conf {
    my ($zone, %opt) = @_;

    my $listen = $opt{listen} // '';
    my $content = $opt{content} // 'root %%PREFIX%%/html; try_files /x =404;';

    return <<"CONF";
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_zone $zone;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_require_https off;
    keepalive_requests 10000000;

    server {
        listen 127.0.0.1:%%PLAIN%% $listen;

        add_header X-Pid \$pid always;

        location = /token { auth_gateway_token partner; }
        location = /revoke { auth_gateway_revoke token; }
        location = /introspect { auth_gateway_introspect; }

        location /token/ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location /cut/ {
            auth_gateway_revoke business;
            auth_gateway_business_path /cut/<business_id>;
        }

        location /v1/businesses/ {
            auth_gateway_require business;
            auth_gateway_business_path /v1/businesses/<business_id>;
            $content
        }
    }
}
CONF
}


# a new partner of a gateway, its business, and what basic of a request takes

sub owner_in {
    my ($gw) = @_;

    my $partner = $gw->partner;

    return { %$partner, basic => [@$partner{qw(id key)}],
        business => $gw->business($partner) };
}


# with a partner, its business, another partner and its business

sub start {
    my ($class, $conf, %opt) = @_;

    my $self = $class->SUPER::start($conf, %opt);

    $self->{us} = $self->partner;
    $self->{id} = $self->{us}{id};
    $self->{business} = $self->business($self->{us});
    $self->{them} = $self->partner;
    $self->{theirs} = $self->business($self->{them});
    $self->{basic} = [@{ $self->{us} }{qw(id key)}];
    $self->{bearer} = $self->mint(partner_id => $self->{id});
    $self->{good} = sub {
        my $token = $self->mint(partner_id => $self->{them}{id},
            business_id => $self->{theirs});

        return $self->get($token, $self->{theirs})->status == 200;
    };

    return $self;
}


# Another nginx on the same store, with the same key and the same rows.

sub beside {
    my ($self, $conf, %opt) = @_;

    my $store = $self->prefix . '/store';
    my $before = delete $opt{before} // sub { };
    my $other = AGW::Gateway::start(ref $self, $conf
        =~ s/%%STORE%%/$store/r, engine => $self->{engine}, %opt,
        before => sub {
            spew("$_[0]/secret.key", $self->{secret}, 0600);
            $before->(@_);
        });

    $other->{secret} = $self->{secret};
    $other->{$_} = $self->{$_} for qw(store us id business them theirs basic
        bearer good);

    return $other;
}


# nginx is ended and started again

sub restart {
    my ($self, $text) = @_;

    my $status = $self->{nginx}->restart($text);

    $self->new_workers;

    return $status;
}


# A row as the documentation has it; cutoff and expires_at are SQL.

sub row {
    my ($kind, $id, %opt) = @_;

    return 'INSERT INTO revocations (kind, id, cutoff, expires_at) VALUES'
        . " ('$kind', '$id', " . ($opt{cutoff} // 'unixepoch()') . ', '
        . ($opt{expires_at} // 'unixepoch() + 90000') . ');';
}


sub row_of_token {
    my ($token) = @_;

    my $claims = claims_of($token);

    return row('token', "$claims->{partner_id}:$claims->{jti}",
        cutoff => $claims->{iat}, expires_at => $claims->{exp} + 60);
}


# Tokens that the gateway issues: to a partner for its key, and for a
# business of it.  Returns nothing where it does not.

sub issue {
    my ($self, $partner, $business, %opt) = @_;

    my $partner_token = $opt{bearer} // $self->issued($self->request('POST',
        '/token', basic => [@$partner{qw(id key)}], quiet => 1));

    return $partner_token if !defined $business || !defined $partner_token;

    return $self->issued($self->request('POST', "/token/$business",
        bearer => $partner_token, quiet => 1));
}


sub issued {
    my ($self, $response) = @_;

    return if $response->status != 200;
    return $self->keep_secret($response->json->{access_token});
}


# Waits until this nginx knows what was written so far: it refuses a token
# that was revoked last, by hand.  It is of nobody, whom nothing else refuses.
# Returns whether it did, within a time that a busy machine has, too.

sub learns {
    my ($self, %claims) = @_;

    my ($partner, $business) = map { random_id() } 1, 2;
    my $probe = $self->mint(partner_id => $partner, business_id => $business,
        claims => \%claims);

    die "the probe is refused\n"
        if $self->get($probe, $business)->status != 200;

    $self->{store}->revoke('token',
        "$partner:" . claims_of($probe)->{jti});

    for (1 .. 1500) {
        return 1 if $self->get($probe, $business)->status == 401;
        sleep 0.02;
    }

    return 0;
}


# a token of ours, of our business or the one given

sub token {
    my ($self, %opt) = @_;

    return $self->mint(partner_id => $self->{id},
        business_id => $self->{business}, %opt);
}


# a protected request

sub get {
    my ($self, $token, $business) = @_;

    return $self->request('GET', '/v1/businesses/'
        . ($business // $self->{business}) . '/x', bearer => $token,
        quiet => 1);
}


sub revoke {
    my ($self, $token, %opt) = @_;

    $opt{basic} //= $self->{basic} unless $opt{bearer} || $opt{headers};

    return $self->request('POST', $opt{url} // '/revoke',
        form => defined $token ? "token=$token" : '', %opt);
}


sub introspect {
    my ($self, $token, %opt) = @_;

    return $self->revoke($token, url => '/introspect', %opt);
}


sub cut_off {
    my ($self, $business, %opt) = @_;

    $opt{basic} //= $self->{basic} unless $opt{bearer} || $opt{headers};

    return $self->request('POST', "/revoke/$business", %opt);
}


# The same two on a connection that is kept, sent alone: the response may be
# long in coming.

sub send_revocation {
    my ($self, $client, $token, %opt) = @_;

    return $self->send_form($client, '/revoke', "token=$token", %opt);
}


sub send_cut_off {
    my ($self, $client, $business, %opt) = @_;

    return $self->send_form($client, "/revoke/$business", '', %opt);
}


sub send_form {
    my ($self, $client, $path, $form, %opt) = @_;

    return $client->send(join "\r\n", "POST $path HTTP/1.1",
        'Host: localhost',
        AGW::Gateway::basic(@{ $opt{basic} // $self->{basic} }),
        'Content-Type: application/x-www-form-urlencoded',
        'Content-Length: ' . length $form, '', $form);
}


# Many revocations, each connection with one on its way: [token or business,
# the statuses in their order].  Options: connections => 8; business => 1;
# basic, one pair or, for each, one; port.

sub revoke_many {
    my ($self, $which, %opt) = @_;

    my $send = $opt{business} ? 'send_cut_off' : 'send_revocation';
    my @clients = map { $self->connect($opt{port} // 'PLAIN') }
        1 .. $opt{connections} // 8;
    my @basic = @{ $opt{basic} // $self->{basic} };
    my @status;

    for (my $i = 0; $i < @$which; $i += @clients) {
        my $last = $i + @clients > @$which ? $#$which : $i + $#clients;

        $self->$send($clients[$_ - $i], $which->[$_],
            basic => ref $basic[0] ? $basic[$_] : \@basic) for $i .. $last;
        push @status, map { my $r = eval {
            $clients[$_ - $i]->response(timeout => $opt{timeout} // 15) };
            $r ? $r->status : 'nothing' } $i .. $last;
    }

    $_->close for @clients;

    return @status;
}


# A write lock that another process holds: release it by its return value.

sub lock_writes {
    my ($self) = @_;

    my $held = $self->{store}->hold('BEGIN IMMEDIATE;')
        or die "the store was not locked\n";

    return sub { AGW::Store::release($held, 'COMMIT;') };
}


# the reason for which a protected request was refused, or ok, or the status

sub result {
    my ($self, $token, $business) = @_;

    my $r = $self->request('GET', '/v1/businesses/'
        . ($business // $self->{business}) . '/x', bearer => $token);

    return 'ok' if $r->status == 200;
    return join ' ', $r->status, map { $_->{reason} // $_->{line} }
        $self->refusals;
}


# how many entries the store has; with SQL, SQLite

sub rows {
    my ($self, $where) = @_;

    return $self->{store}->count unless $where;
    return $self->{store}->sql('SELECT count(*) FROM revocations'
        . " WHERE $where");
}


# the stamp of an entry, "kind id", or undef

sub entry {
    my ($self, $name) = @_;

    my %entries = $self->{store}->entries;

    return $entries{$name};
}


# A connection to each worker: pid => connection.

sub each_worker {
    my ($self) = @_;

    my @pids = $self->{nginx}->workers;
    my %open;

    for (1 .. 400) {
        last if keys %open == @pids;

        my $client = $self->connect;
        my $pid = $client->request('GET', '/v1/businesses/x/x')
            ->header('X-Worker');

        $open{$pid} //= $client;
    }

    return %open;
}


# what each of these connections is answered: one status for all, or a list

sub status_of_each {
    my ($self, $open, $token, $business) = @_;

    my %status;

    for my $pid (sort keys %$open) {
        my $r = $open->{$pid}->request('GET', '/v1/businesses/'
            . ($business // $self->{business}) . '/x',
            headers => [AGW::Gateway::bearer($token)]);

        die "another worker\n" if $r->header('X-Worker') != $pid;
        $status{ $r->status }++;
    }

    return join ' ', map { "$_ x $status{$_}" } sort keys %status;
}


# asserts that the token is refused as revoked within a second

sub ends_within_a_second {
    my ($self, $name, @asked) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $watch = AGW::Stopwatch->start($self->{nginx}->workers);
    my $result;

    while (1) {
        $result = $self->result(@asked);
        last if $result ne 'ok' || $watch->seconds > 1.5;
        sleep 0.05;
    }

    is($result, '401 revoked', $name);
    cmp_ok($watch->seconds, '<', 1.2, 'D5 within a second');

    return;
}


sub succeeds {
    my ($self, $name, $r) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @problems;

    push @problems, 'status ' . $r->status if $r->status != 200;
    push @problems, 'body ' . $r->body if $r->body ne '{}';

    for (['Content-Type', 'application/json'], ['Cache-Control', 'no-store'],
        ['Pragma', 'no-cache'])
    {
        push @problems, "$_->[0] " . ($r->header($_->[0]) // '(none)')
            if ($r->header($_->[0]) // '') ne $_->[1];
    }

    push @problems, 'a challenge' if $r->header('WWW-Authenticate');
    push @problems, 'refused in the log' if $self->refusals(wait => 0);

    return ok(!@problems, $name) || diag(join "\n", @problems) && 0;
}


1;
