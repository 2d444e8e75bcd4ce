package AGW::FaultyStore;

# A gateway whose store is replaced, locked and broken.  Its configuration is
# the one below, or another with these locations and this store.

use strict;
use warnings;

use parent 'AGW::Gateway';

use Test::More;

use AGW::Files qw(slurp spew worker_ids);
use AGW::Gateway;
use AGW::Stopwatch;
use AGW::Store;


my $usual = <<'CONF';
http {
    auth_gateway_store sqlite:%%STORE%%/gateway.db;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

        auth_gateway_require business;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }

        location ~ ^/token/[^/]+$ {
            auth_gateway_token business;
            auth_gateway_business_path /token/<business_id>;
        }

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }
    }
}
CONF

sub conf { return $usual }


# With a partner, a business, tokens of both, and what the store holds, to
# put back.

sub start {
    my ($class, $conf, %opt) = @_;

    my $self = $class->SUPER::start($conf // $usual, %opt);
    my ($id, $key) = @{ $self->partner }{qw(id key)};
    my $business = $self->business($id);
    my $copy = $self->prefix . '/good.db';

    $self->store->sql("VACUUM INTO '$copy'");

    %$self = (%$self,
        id => $id, key => $key, business => $business,
        partner_token => $self->mint(partner_id => $id),
        business_token => $self->mint(partner_id => $id,
            business_id => $business),
        bytes => slurp($copy),
    );
    $self->good_is(sub { return $self->guarded_request->status == 200 });

    return $self;
}


sub dir { return $_[0]->prefix . '/store' }
sub file { return $_[0]->dir . '/gateway.db' }
sub bytes { return $_[0]{bytes} }


sub guarded {
    my ($self) = @_;

    return "/v1/businesses/$self->{business}/x";
}


sub guarded_request {
    my ($self) = @_;

    return $self->request('GET', $self->guarded, quiet => 1,
        bearer => $self->{business_token});
}


sub partner_request {
    my ($self) = @_;

    return $self->request('POST', '/token',
        basic => [@$self{qw(id key)}]);
}


sub business_request {
    my ($self) = @_;

    return $self->request('POST', "/token/$self->{business}",
        bearer => $self->{partner_token});
}


# Asserts that both token endpoints answer 503, and that the log says why.

sub unavailable {
    my ($self, $name, $pattern) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $file = $self->file;

    for (['a partner token', 'partner_request', by => 'basic'],
        ['a business token', 'business_request'])
    {
        my ($what, $request, @by) = @$_;
        my $watch = $self->stopwatch;
        my $response = $self->$request;
        my $took = $watch->seconds;

        $self->refused("P1.10 $name: no $what", $response,
            'store_unavailable', @by);
        cmp_ok($took, '<', 1.6, 'P1.10 in good time');
        like($self->log_text, qr/\[error\].*auth_gateway: store "\Q$file\E" /,
            'P1.10 the log names the store');
        like($self->log_text, $pattern, 'P1.10 and says what is wrong');
    }

    return;
}


sub available {
    my ($self, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is($self->partner_request->status, 200, "D5 $name: a partner token");
    is($self->business_request->status, 200, "D5 $name: a business token");
    is_deeply([$self->problems_after], [], 'D5 on the same worker');

    return;
}


# Another file in the place of the store: a new one, as a restored backup is.
# Without bytes, what it held at first.  Options: mode, uid, gid.

sub put {
    my ($self, $bytes, %opt) = @_;

    my $file = $self->file;
    my $new = $self->dir . '/new';
    my (undef, $uid, $gid) = worker_ids();

    spew($new, $bytes // $self->{bytes}, $opt{mode} // 0640);
    chown $opt{uid} // $uid, $opt{gid} // $gid, $new if defined $uid;
    unlink "$file-wal", "$file-shm";
    rename $new, $file or die "rename: $!\n";

    return;
}


# Locked: a database that another process has for itself alone.  The process
# takes it before it is put in place, since a worker has the one before open.

sub lock_store {
    my ($self) = @_;

    my $file = $self->file;
    my $held = $self->dir . '/held';

    $self->put;
    rename $file, $held;

    my $lock = AGW::Store->new($held)->hold('PRAGMA locking_mode = EXCLUSIVE;'
        . ' BEGIN EXCLUSIVE;') or die "$held was not locked\n";

    rename $held, $file or die "rename: $!\n";

    return $lock;
}


sub release {
    my ($self, $lock) = @_;

    return AGW::Store::release($lock, 'COMMIT;');
}


# a business token; and what a guarded request with one is answered

sub living {
    my ($self) = @_;

    return $self->mint(partner_id => $self->{id},
        business_id => $self->{business});
}


sub status_of {
    my ($self, $token) = @_;

    return $self->request('GET', $self->guarded, quiet => 1,
        bearer => $token)->status;
}


# the same as begin() below, of a form that the partner sends

sub begin_form {
    my ($self, $path, $form) = @_;

    my $client = $self->connect;

    $client->send(join "\r\n", "POST $path HTTP/1.1", 'Host: localhost',
        AGW::Gateway::basic(@$self{qw(id key)}),
        'Content-Type: application/x-www-form-urlencoded',
        'Content-Length: ' . length $form, '', $form);

    return $client;
}


# both token endpoints: [path, Authorization line]

sub endpoints {
    my ($self) = @_;

    return (['/token', AGW::Gateway::basic(@$self{qw(id key)})],
        ["/token/$self->{business}",
            AGW::Gateway::bearer($self->{partner_token})]);
}


# of what its workers do from now on

sub stopwatch {
    my ($self) = @_;

    return AGW::Stopwatch->start($self->nginx->workers);
}


# a request on its way: its connection, to be asked for the response later

sub begin {
    my ($self, $path, $line) = @_;

    my $client = $self->connect;

    $client->send("POST $path HTTP/1.1\r\nHost: localhost\r\n$line\r\n"
        . "Content-Length: 0\r\n\r\n");

    return $client;
}


sub guarded_is_fast {
    my ($self, $name) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $watch = $self->stopwatch;
    my @wrong = grep { $_ != 200 }
        map { $self->guarded_request->status } 1 .. 10;

    is("@wrong", '', "D5 $name: protected requests go on");

    return cmp_ok($watch->seconds, '<', 0.5, 'D5 without waiting');
}


1;
