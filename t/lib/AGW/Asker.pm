package AGW::Asker;

# Asks a gateway on one connection that it keeps, and knows of each answer
# what the worker's cache of verified tokens did for it: nginx says that in
# its error log, where it was built --with-debug and the level is debug.

use strict;
use warnings;

use Exporter 'import';
use Test::More;

use AGW::Gateway;
use AGW::Nginx;

our @EXPORT_OK = qw(answer_of cache_says observed seen);

my $words = qr/hit|miss|stored/;
my $observed;


# whether this nginx says so; where not, tests say that they don't look

sub observed {
    return $observed if defined $observed;

    my $binary = AGW::Nginx::binary();

    $observed = `$binary -V 2>&1` =~ /--with-debug/ ? 1 : 0;
    diag('this nginx is not built --with-debug: whether an answer came from'
        . ' the cache is not observed') unless $observed;

    return $observed;
}


# what is expected, as far as it can be observed

sub seen {
    my ($want) = @_;

    return observed() ? $want : $want =~ s/ (?:$words)\b//gr;
}


# what caches did since the gateway's last mark: "miss stored", "hit hit"

sub cache_says {
    my ($gw) = @_;

    return join ' ', $gw->log_text =~ /auth_gateway token cache: ($words)$/mg;
}


# what a response was, and what the cache did since the mark: "200 hit"

sub answer_of {
    my ($gw, $r) = @_;

    my @said = ($r->status);

    # nginx's own answers have no line to wait for

    push @said, map { $_->{reason} // $_->{line} } $gw->refusals(wait =>
        $r->status >= 400 && ($r->header('Content-Type') // '') =~ /json/);
    push @said, cache_says($gw) if observed();

    return join ' ', grep { length } @said;
}


# Options: port, a name in the configuration; client, a connection that is
# there already; host, to be sent instead of localhost.

sub new {
    my ($class, $gw, %opt) = @_;

    return bless { gw => $gw, %opt }, $class;
}


# One request; returns its status, the reason where it was refused, and what
# the cache did: "200 hit", "401 expired hit", "200 miss stored".  Options
# are method, headers (lines), body, scheme instead of Bearer.

sub ask {
    my ($self, $target, $token, %opt) = @_;

    my $gw = $self->{gw};
    my @lines = @{ $opt{headers} // [] };

    push @lines, "Host: $self->{host}" if defined $self->{host};
    push @lines, 'Authorization: ' . ($opt{scheme} // 'Bearer ') . $token
        if defined $token;

    $gw->mark;
    $self->{client} //= $gw->connect($self->{port});

    my $r = $self->{client}->request($opt{method} // 'GET', $target,
        no_host => defined $self->{host}, headers => \@lines,
        body => $opt{body}) or die "no response\n";

    delete($self->{client})->close
        if ($r->header('Connection') // '') eq 'close';
    $self->{response} = $r;

    return answer_of($gw, $r);
}


# asserts what is told

sub gets {
    my ($self, $name, $want, @asked) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    return is($self->ask(@asked), seen($want), $name);
}


# Asserts a refusal as a whole (see AGW::Gateway), and what the cache did
# for it.  The options of both may follow the token.

sub refused {
    my ($self, $name, $want, $target, $token, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($reason, $cache) = $want =~ /^(\w+) ?(.*)$/;
    my $got = $self->ask($target, $token, %opt);
    my $status = $self->{response}->status;

    is($got, seen("$status $reason $cache" =~ s/ $//r), "$name: $cache");

    return $self->{gw}->refused($name, $self->{response}, $reason, %opt);
}


sub response { return $_[0]{response} }


sub close {
    my ($self) = @_;

    $self->{client}->close if $self->{client};
    delete $self->{client};

    return;
}


1;
