package Bench::Issuing;

# Token requests: a partner token for an API key, and a business token for a
# partner token, by gateways whose stores have few and many businesses.  What
# they are compared with is nginx alone, which reads the same request with
# its body, drops it and answers with as many bytes.

use strict;
use warnings;

use JSON ();
use MIME::Base64 qw(encode_base64);

use AGW::Token qw(claims_of);
use Bench::Configs;
use Bench::Knobs qw(knob);
use Bench::Server;

my $FEW = 10;
my $PARTNER_PATH = '/v1/platform/oauth2/token/';
my $KEY = 'dGhpcyBpcyBubyBrZXkuLg';
my $MOST = 20_000;                   # business ids that are asked for

my $json = JSON->new->utf8;


# the i-th business; ids that follow each other are far apart

sub business {
    my ($i) = @_;

    return sprintf '%08x-%04x-4000-8000-%012x',
        ($i * 2_654_435_761) & 0xffffffff, $i & 0xffff, $i;
}


sub new {
    my ($class, $material) = @_;

    my ($token) = $material->mint('HS256', 1, business => undef);

    return bless {
        material => $material, key => $KEY, token => $token,
    }, $class;
}


sub partner_request {
    my ($self, $credentials) = @_;

    return $self->{material}->post($PARTNER_PATH, $credentials,
        'grant_type=client_credentials');
}


sub business_request {
    my ($self, $business, $credentials) = @_;

    return $self->{material}->post(
        "/v1/platform/$business/oauth2/token/", $credentials,
        'session_duration=900');
}


sub basic {
    my ($self) = @_;

    return 'Basic ' . encode_base64(
        "$self->{material}{partner}:$self->{key}", '');
}


# Gives the server's store the partner and so many businesses, in one
# transaction.  It is then as it would be after a while: all in the file.

sub fill {
    my ($self, $server, $count) = @_;

    my $partner = $self->{material}{partner};

    $server->store->partner(id => $partner, key => $self->{key});
    $server->store->sql(<<"SQL");
BEGIN IMMEDIATE;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
    WHERE i < $count)
INSERT INTO businesses (business_id, partner_id, status)
    SELECT printf('%08x-%04x-4000-8000-%012x',
        (i * 2654435761) & 0xffffffff, i & 0xffff, i), '$partner', 'active'
    FROM n;
COMMIT;
PRAGMA wal_checkpoint(TRUNCATE);
SQL

    my $there = $server->store->sql('SELECT count(*) FROM businesses');

    die "$there businesses, not $count\n" if $there != $count;

    return;
}


# (rows, { server => sub (%opt) that starts it })

sub all {
    my ($self, @names) = @_;

    my %start;
    my @rows;
    my $basic = $self->basic;
    my $bearer = "Bearer $self->{token}";
    my %store = (few => $FEW, many => knob('businesses'));

    for my $which (qw(few many)) {
        my $count = $store{$which};
        my $step = int($count / $MOST) || 1;
        my $asked = $count < $MOST ? $count : $MOST;
        my %common = (server => "issuing, $which", name =>
            commas($count) . ' businesses', port => 'PLAIN1', issuing => 1);

        $start{"issuing, $which"} = sub {
            my $server = Bench::Server->start(Bench::Configs::issuing(),
                @names, module => 1, @_);

            $self->fill($server, $count);

            return $server;
        };
        push @rows, { %common, section => 'partner token',
            requests => [$self->partner_request($basic)],
            refused => $self->partner_request(undef) };
        push @rows, { %common, section => 'business token', turns => 1,
            requests => [map {
                $self->business_request(business(1 + $_ * $step), $bearer)
            } 0 .. $asked - 1],
            refused => $self->business_request(business(1), undef) };
    }

    $start{'issuing, bare'} = sub {
        return Bench::Server->start(
            Bench::Configs::issuing_bare(
                @{ $self->{answers} }{qw(partner business)}),
            @names, @_);
    };

    for my $row (@rows[0, 1]) {
        push @rows, { server => 'issuing, bare', port => 'PLAIN1',
            is_bare => 1, section => $row->{section},
            name => 'bare POST, body read', requests => $row->{requests} };
    }

    return (\@rows, \%start);
}


sub commas {
    my ($n) = @_;

    1 while $n =~ s/(\d)(\d{3})(?!\d)/$1,$2/;

    return $n;
}


# Dies where an answer is not the token that was asked for; remembers it as
# what the bare server answers.  Returns the bytes of the answer.

sub verify {
    my ($self, $row, $server) = @_;

    my $request = $row->{requests}[-1];
    my $answer = $server->ask($row->{port}, $request);
    my $name = "$row->{section}: $row->{name}";
    my ($business) = $request =~ m{^POST /v1/platform/([^/]+)/oauth2/token/ };

    die "$name: $answer->{status}\n$answer->{head}\n"
        if $answer->{status} != 200;

    my $kind = $business ? 'business' : 'partner';

    if ($row->{is_bare}) {
        die "$name: $answer->{body}\n"
            if $answer->{body} ne $self->{answers}{$kind};

        return $answer->{size};
    }

    my $claims = claims_of($json->decode($answer->{body})->{access_token});

    die "$name: a token of $claims->{partner_id}\n"
        if $claims->{partner_id} ne $self->{material}{partner};
    die "$name: a token for another business\n"
        if ($claims->{business_id} // '') ne ($business // '');

    $self->{answers}{$kind} = $answer->{body};

    my $refusal = $server->ask($row->{port}, $row->{refused});

    die "$name, no credentials: $refusal->{status}\n"
        if $refusal->{status} != 401;

    return $answer->{size};
}


1;
