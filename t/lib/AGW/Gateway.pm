package AGW::Gateway;

# What a test talks to: an nginx with the module, its store, an upstream,
# and the assertions.

use strict;
use warnings;

use MIME::Base64 ();
use Test::More;
use Time::HiRes qw(sleep);

use AGW::Client;
use AGW::Engine;
use AGW::ErrorLog qw(bad_lines log_mark log_since refusals_since);
use AGW::Files qw(make_certificate make_prefix random_id slurp write_secret);
use AGW::H2;
use AGW::Nginx;
use AGW::Refusal qw(problems_of problems_of_fault);
use AGW::Secrets qw(leaks secret);
use AGW::Store;
use AGW::Token;
use AGW::Upstream;

my @all;


# Starts all of it.  Options: allow => [patterns] of log lines that are
# expected; reply for the upstream (see AGW::Upstream); workers, log_level,
# main, module for the configuration; names; before => sub ($prefix), for
# files that the configuration names; engine => name or AGW::Engine of another
# gateway, for %%ENGINE%%.

sub start {
    my ($class, $conf, %opt) = @_;

    my $prefix = make_prefix();
    my $self = bless {
        prefix => $prefix, kid => 'k1', realm => 'auth gateway',
        allow => $opt{allow} // [], secrets => [],
    }, $class;

    $self->{secret} = write_secret("$prefix/secret.key");
    push @{ $self->{secrets} }, $self->{secret};
    $opt{before}->("$prefix") if $opt{before};
    $self->{upstream} = AGW::Upstream->start("$prefix/upstream.jsonl",
        reply => $opt{reply});

    my $engine = $conf =~ /%%ENGINE%%/ ? $self->engine_of($opt{engine})
        : undef;

    $self->{nginx} = AGW::Nginx->start($conf, %opt, prefix => $prefix,
        names => { UPSTREAM => $self->{upstream}->port,
            ($engine ? (ENGINE => $engine->words) : ()),
            %{ $opt{names} // {} } });

    if ($engine) {
        $self->{store} = $engine->store;
        $self->{store}->wait_until_ready($self->{nginx});

    } elsif ($conf =~ m{^\s*auth_gateway_store\s+sqlite:%%STORE%%/([\w.]+);}m) {
        $self->{store} = AGW::Store->new("$prefix/store/$1");
        $self->{store}->wait_for_schema;
    }

    $self->{workers} = join ' ', $self->{nginx}->workers;
    $self->mark;
    push @all, $self;

    return $self;
}


# of another gateway, or a new one by its name

sub engine_of {
    my ($self, $engine) = @_;

    $engine = AGW::Engine->start($engine // AGW::Engine->of_run,
        $self->{prefix}) unless ref $engine;
    push @{ $self->{secrets} }, $engine->secrets;

    return $self->{engine} = $engine;
}


# The store is out of reach, or what makes it useless; and there again, when a
# request succeeds: that of good_is, or this one.  Returns whether it did within
# 10 seconds.

sub lose_store {
    my ($self, $how) = @_;

    $self->{engine}->lose($self, $how);

    return;
}


sub find_store {
    my ($self, $good) = @_;

    $good //= $self->{good};
    $self->{engine}->find;

    return 1 unless $good;

    for (1 .. 100) {
        return 1 if eval { $good->() };
        sleep 0.1;
    }

    return 0;
}


sub nginx { return $_[0]{nginx} }
sub prefix { return "$_[0]{prefix}" }
sub store { return $_[0]{store} }
sub upstream { return $_[0]{upstream} }


# workers were replaced on purpose

sub new_workers {
    my ($self) = @_;

    $self->{workers} = join ' ', $self->{nginx}->workers;

    return;
}


sub partner {
    my ($self, %opt) = @_;

    my $partner = $self->{store}->partner(%opt);

    push @{ $self->{secrets} }, $partner->{key};

    return $partner;
}


sub business {
    my ($self, $partner, %opt) = @_;

    return $self->{store}->business(
        ref $partner ? $partner->{id} : $partner, %opt);
}


# a token by AGW::Token::mint, with the gateway's own key

sub mint {
    my ($self, %opt) = @_;

    my $token = AGW::Token::mint(
        secret => $self->{secret}, kid => $self->{kid},
        alg => $self->{alg}, %opt);

    return $self->keep_secret($token);
}


sub mint_raw {
    my ($self, %opt) = @_;

    return $self->keep_secret(
        AGW::Token::mint_raw(secret => $self->{secret}, %opt));
}


sub keep_secret {
    my ($self, $text) = @_;

    push @{ $self->{secrets} }, $text if length $text > 20;

    return secret($text);
}


# Connections.  port is a name in the configuration: TLS, PLAIN, ...; cert that
# of a client certificate in the prefix; version => 'TLSv1_2' is that of TLS.

sub connect {
    my ($self, $port, %opt) = @_;

    $port //= 'TLS';

    return AGW::Client->connect(
        port => $self->{nginx}->port($port), tls => $port =~ /^TLS/ ? 1 : 0,
        ca => "$self->{prefix}/cert.pem", %opt, $self->cert_words(%opt),
    );
}


sub connect_h2 {
    my ($self, $port, %opt) = @_;

    return AGW::H2->connect(
        port => $self->{nginx}->port($port // 'TLS'),
        ca => "$self->{prefix}/cert.pem", $self->cert_words(%opt),
    );
}


sub cert_words {
    my ($self, %opt) = @_;

    return defined $opt{cert} ? (cert => "$self->{prefix}/$opt{cert}") : ();
}


# One request on a connection of its own; remembers where the log and the
# upstream's record stood.  headers: lines; bearer => token; basic => [id,
# key]; form => text; port => name; cert => name.

sub request {
    my ($self, $method, $target, %opt) = @_;

    my @lines = @{ $opt{headers} // [] };

    push @lines, bearer($opt{bearer}) if defined $opt{bearer};
    push @lines, basic(@{ $opt{basic} }) if $opt{basic};

    if (defined $opt{form}) {
        push @lines, 'Content-Type: application/x-www-form-urlencoded';
        $opt{body} = $opt{form};
    }

    my $client = $self->connect($opt{port}, cert => $opt{cert});

    $self->mark unless $opt{quiet};

    my $response = $client->request($method, $target, %opt,
        headers => \@lines);

    $client->close;

    return $response;
}


sub bearer {
    my ($token) = @_;

    return "Authorization: Bearer $token";
}


sub basic {
    my ($id, $key) = @_;

    return 'Authorization: Basic '
        . secret(MIME::Base64::encode_base64("$id:$key", ''));
}


sub mark {
    my ($self) = @_;

    $self->{log_mark} = log_mark($self->{nginx});
    $self->{upstream_mark} = $self->{upstream}->mark;

    return;
}


# since the last mark: what the upstream received, what the log says

sub upstream_saw {
    my ($self) = @_;

    return $self->{upstream}->since($self->{upstream_mark});
}


sub refusals {
    my ($self, %opt) = @_;

    return refusals_since($self->{nginx}, $self->{log_mark}, $opt{wait});
}


sub log_text {
    my ($self) = @_;

    return log_since($self->{nginx}, $self->{log_mark});
}


# sub returning true where a good request is answered as it should be

sub good_is {
    my ($self, $good) = @_;

    $self->{good} = $good;

    return;
}


# the same workers, and a good request gets its answer

sub problems_after {
    my ($self) = @_;

    my @problems;

    push @problems, 'the worker is another one'
        if join(' ', $self->{nginx}->workers) ne $self->{workers};
    push @problems, 'a good request fails afterwards'
        if $self->{good} && !eval { $self->{good}->() };
    push @problems, $@ if $@;

    return @problems;
}


# Asserts one refusal as a whole: status, headers, body, the one log line,
# nothing at the upstream, and a good request afterwards.  Options: by =>
# 'basic'; scope (undef for none); method; kid, partner as logged; fault, what
# the log says of claims; reaches => 1 where the upstream was to see something;
# good => 0; also => [reasons] where the protocol leaves open which one it is.

sub refused {
    my ($self, $name, $response, $reason, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my @lines = $self->refusals;
    my @problems;

    if (@lines != 1) {
        push @problems, @lines . ' log lines';
        push @problems, map { $_->{line} } @lines;

    } elsif (!defined $lines[0]{reason} || $lines[0]{how} ne 'refused') {
        push @problems, "log line out of form: $lines[0]{line}";

    } else {
        my ($found) = grep { $_ eq $lines[0]{reason} }
            $reason, @{ $opt{also} // [] };

        push @problems, "logged as $lines[0]{reason}, not $reason"
            unless $found;
        $reason = $found // $reason;

        push @problems, problems_of_fault(@{ $lines[0] }{qw(reason fault)},
            $opt{fault});

        for (grep { exists $opt{$_} } qw(kid partner server)) {
            push @problems, "logged $_ is $lines[0]{$_}, not $opt{$_}"
                if $lines[0]{$_} ne ($opt{$_} // '-');
        }
    }

    push @problems, problems_of($response, $reason, by => 'bearer',
        realm => $self->{realm}, scope => 'business_access',
        metadata => $self->{metadata}, %opt);
    push @problems, map { "the upstream received $_->{target}" }
        $self->upstream_saw unless $opt{reaches};
    push @problems, $self->problems_after unless exists $opt{good};

    return ok(!@problems, $name) || diag(join "\n", @problems) && 0;
}


# Ends everything; asserts what the log must not hold, and done_testing.

sub finish {
    my ($self) = @_;

    my @found;

    for my $gateway (@all) {
        my $status = $gateway->{nginx}->stop;

        is($status, 0, 'nginx ended well');
        $gateway->{upstream}->stop;

        my $said = slurp($gateway->{nginx}->error_log)
            . slurp($gateway->{nginx}->out_file);
        push @found, bad_lines($said, @{ $gateway->{allow} });

        for my $line (grep { /auth_gateway/ } split /\n/, $said) {
            push @found, "a secret in: $line"
                if grep { index($line, $_) >= 0 }
                    @{ $gateway->{secrets} };
        }
    }

    push @found, leaks();

    ok(!@found, 'no alert, no crash, no secret in any log')
        or diag(join "\n", @found);
    done_testing();

    return;
}


1;
