package AGW::History;

# A random history of one store, which one nginx has or several, and a small
# model of what becomes of each token: issued before a revocation it is
# refused after it, issued after it is accepted, and nothing else ends it.
#
# The model has no clock and no stamp, but for three things: a token that is
# not yet valid or expired by the clock of the nginx that is asked; a nginx
# that did not answer the revocation itself, which has a second to learn of
# it; and a partner that has more entries than fit into a quarter of the zone,
# whose tokens from before the last of them may end.

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use AGW::Files qw(random_id);
use AGW::Gateway;
use AGW::Revoking qw(row);
use AGW::Sql;
use AGW::Store;
use AGW::Token qw(api_key claims_of key_digest);

my $DAYS = 2 * 86_400;
my $POOL = 200;                  # tokens that are remembered


# What happens, and how often of a thousand times.

our %OPS = (
    issue_partner => 90, issue_business => 260, dead_bearer => 20,
    revoke_token => 110, revoke_business => 70, row => 90, grow => 15,
    toggle_partner => 45, toggle_business => 60, blink => 20, move => 50,
    delete_business => 15, delete_partner => 6, replace_business => 30,
    replace_partner => 8, run_over_business => 15, run_over_partner => 4,
    ignored => 5, burst => 30, clock => 60, restart => 8, reload => 8,
    kill_worker => 12, settle => 8, age => 3, delete_rows => 5,
);


# nodes: gateways; clocks: theirs; room: how many entries the zone holds;
# second: how long a nginx may take to learn

sub new {
    my ($class, %opt) = @_;

    my $self = bless {
        %opt, step => 0, tokens => [], log => [], most => {},
        conns => [map { [] } @{ $opt{nodes} }],
    }, $class;
    my $store = $opt{nodes}[0]->store;

    $self->{sql} = AGW::Sql->new($store);
    $self->{skewed} = AGW::Sql->new(
        AGW::Store->new($store->{file}, $opt{clocks}[0]->options));

    for my $i (1 .. 5) {
        my $id = random_id();

        $self->{partners}{$id} = { id => $id, key => api_key(),
            active => 1, noisy => $i <= 2 };
        $self->write("INSERT INTO partners (partner_id) VALUES ('$id');"
            . ' INSERT INTO api_keys (partner_id, key_sha256) VALUES'
            . " ('$id', '" . key_digest($self->{partners}{$id}{key}) . "')");
    }

    $self->{ids} = [sort keys %{ $self->{partners} }];
    $self->{names} = [map { random_id() } 1 .. 14];

    for my $name (@{ $self->{names} }) {
        my $owner = $self->any_partner;

        $self->write('INSERT INTO businesses (business_id, partner_id)'
            . " VALUES ('$name', '$owner->{id}')");
        $self->{businesses}{$name} = { owner => $owner->{id}, active => 1 };
    }

    return $self;
}


sub one_of {
    my (@list) = @_;

    return $list[rand @list];
}


sub any_partner {
    my ($self) = @_;

    return $self->{partners}{ one_of(@{ $self->{ids} }) };
}


sub any_node {
    my ($self) = @_;

    return int rand @{ $self->{nodes} };
}


sub note_op {
    my ($self, $text) = @_;

    push @{ $self->{log} }, [$self->{step}, $text];
    shift @{ $self->{log} } if @{ $self->{log} } > 4000;

    return;
}


# Ends the history: what happened to a token, its partner and business, and
# to everybody.

sub wrong {
    my ($self, $what, %about) = @_;

    my @words = grep { defined } @about{qw(p b jti)};
    my @lines = map { "$_->[0]: $_->[1]" } grep {
        my $text = $_->[1];

        $text =~ /^(?:clock|node|age)/ || grep { index($text, $_) >= 0 }
            @words;
    } @{ $self->{log} };

    @lines = @lines[-40 .. -1] if @lines > 40;

    die join "\n", "step $self->{step}: $what",
        (map { "    $_ " . ($about{$_} // '-') } sort keys %about),
        @lines, '';
}


# The store, by the sqlite3 program, at the right time or at that of nginx.

sub write {
    my ($self, $sql, %opt) = @_;

    my $which = ($opt{skewed} // rand() < 0.3) ? 'skewed' : 'sql';
    my ($ok, $said) = $self->{$which}->run($sql);

    $self->note_op("$which: $sql") if length $sql < 600;
    $self->wrong("sqlite3: $said", sql => substr $sql, 0, 300) unless $ok;

    return $said;
}


# a partner's rows that may be merged: how many, and their last stamp

sub rows_of {
    my ($self, $partner) = @_;

    my ($ok, $said) = $self->{sql}->run('SELECT count(*), max(seq) FROM'
        . " revocations WHERE kind IN ('token', 'owner') AND id >="
        . " '$partner:' AND id < '$partner;'");

    return $ok && $said =~ /^(\d+)\|(\d*)$/m ? ($1, $2 || 0) : (0, 0);
}


# Returns the last stamp, and remembers the most rows that there were: what
# has left the store may be in a zone for some time.

sub count_rows {
    my ($self, $partner) = @_;

    my ($rows, $last) = $self->rows_of($partner);

    $self->{most}{$partner} = $rows
        if $rows > ($self->{most}{$partner} // -1);

    return $last;
}


# Requests.  A connection whose worker was killed or replaced is made anew.

sub ask {
    my ($self, $node, $method, $target, $line, $body) = @_;

    my $conns = $self->{conns}[$node];
    my $slot = $self->{step} % 3;

    for my $try (1 .. 100) {
        my $response = eval {
            $conns->[$slot] //= $self->{nodes}[$node]->connect('PLAIN');
            $conns->[$slot]->request($method, $target, body => $body,
                headers => ["Authorization: $line", defined $body
                    ? 'Content-Type: application/x-www-form-urlencoded'
                    : ()]);
        };

        return $response if $response;

        $conns->[$slot]->close if $conns->[$slot];
        undef $conns->[$slot];
        sleep 0.03;
    }

    return $self->wrong("node $node does not answer $method $target: $@");
}


sub basic {
    my ($partner) = @_;

    return AGW::Gateway::basic(@$partner{qw(id key)})
        =~ s/^Authorization: //r;
}


# Asks a nginx for a token; returns the token, or undef and the status.

sub issue {
    my ($self, $node, $target, $line, %token) = @_;

    my $r = $self->ask($node, 'POST', $target, $line);

    return (undef, $r->status) if $r->status != 200;

    my $raw = $r->json->{access_token};
    my $claims = claims_of($raw);
    my $token = { raw => $raw, %token, node => $node, born => $self->{step},
        jti => $claims->{jti}, map { $_ => $claims->{$_} }
            qw(iat exp seq) };

    $self->note_op("node $node issues $claims->{jti}, seq "
        . ($claims->{seq} // 'none') . ", to $token{p}"
        . (defined $token{b} ? " for $token{b}" : ''));

    push @{ $self->{tokens} }, $token;
    splice @{ $self->{tokens} }, rand $#{ $self->{tokens} }, 1
        if @{ $self->{tokens} } > $POOL;
    $self->check($token, $node);
    $self->check($token, $_) for grep { $_ != $node }
        0 .. $#{ $self->{nodes} };

    return $token;
}


# Those of the tokens end that were issued until now; node answered itself.

sub end_tokens {
    my ($self, $which, $node) = @_;

    my $now = time;

    for my $token (grep { !$_->{dead} && $which->($_) } @{ $self->{tokens} })
    {
        $token->{dead} = $self->{step} || 1;
        $token->{until} = [map { defined $node && $_ == $node ? $now
            : $now + $self->{second} } 0 .. $#{ $self->{nodes} }];
    }

    return;
}


# Nothing is said of these.

sub forget_tokens {
    my ($self, $which) = @_;

    @{ $self->{tokens} } = grep { $_->{dead} || !$which->($_) }
        @{ $self->{tokens} };

    return;
}


# One token at one nginx.

sub check {
    my ($self, $token, $node) = @_;

    my $clock = $self->{clocks}[$node];
    my $before = $clock->now;
    my $asked = time;
    my $r = $self->ask($node, 'GET', defined $token->{b}
        ? "/v1/businesses/$token->{b}/x" : '/partners',
        "Bearer $token->{raw}");
    my $after = $clock->now;
    my $result = $r->header('X-Result') // $r->status;

    $self->{step}++;
    $self->{seen}{$result}++;

    # by the clock alone

    if ($token->{iat} > $after + 6) {
        return if $result eq 'not_yet_valid';
        $self->complain("$result, not not_yet_valid", $token, $node);
    }

    return if $result eq 'not_yet_valid' && $token->{iat} > $before + 4;

    if ($before >= $token->{exp} + 1) {
        return if $result eq 'expired';
        $self->complain("$result, not expired", $token, $node);
    }

    return if $result eq 'expired' && $after >= $token->{exp} - 1;

    # below the floor, or about to be

    return if $token->{old} && $result eq 'expired';

    if ($result eq 'ok') {
        $self->complain('a revoked token is accepted', $token, $node)
            if $token->{dead} && $asked > $token->{until}[$node];
        $self->complain('a token that was refused is accepted again',
            $token, $node) if $token->{dead} && $token->{refused}{$node};

    } elsif ($result eq 'revoked') {
        $self->complain('a living token is refused', $token, $node)
            unless $token->{dead} || $self->is_merged($token);
        $token->{refused}{$node} = 1 if $token->{dead};

    } else {
        $self->complain("$result (" . $r->status . ')', $token, $node);
    }

    return $result eq 'ok';
}


# Whether it may have ended because its partner has too many entries.

sub is_merged {
    my ($self, $token) = @_;

    my $last = $self->count_rows($token->{p});

    return 0 if $self->{most}{ $token->{p} } < 0.8 * $self->{room} / 4
        || !defined $token->{seq} || $token->{seq} >= $last;

    $self->{seen}{'revoked with others'}++;

    return 1;
}


sub complain {
    my ($self, $what, $token, $node) = @_;

    my ($rows, $last) = $self->rows_of($token->{p});

    return $self->wrong("node $node: $what",
        (map { $_ => $token->{$_} } qw(p b jti seq born dead node)),
        ahead => $token->{iat} - $self->{clocks}[$node]->now,
        rows => $rows, last => $last,
        left => $token->{dead} ? sprintf '%.3f',
            $token->{until}[$node] - time : '-');
}


# A living token of the partner that may ask for others, or a new one.

sub bearer_of {
    my ($self, $partner, $node) = @_;

    my $now = $self->{clocks}[$node]->now;
    my ($token) = grep { $_->{p} eq $partner->{id} && !defined $_->{b}
        && !$_->{dead} && !$_->{old} && $_->{iat} <= $now + 2
        && $_->{exp} > $now + 60 } reverse @{ $self->{tokens} };

    if ($token && rand() < 0.8) {
        my $lives = $self->check($token, $node);

        return $token if $lives;
    }

    my ($new, $status) = $self->issue($node, '/token', basic($partner),
        p => $partner->{id});

    $self->wrong("no partner token: $status", p => $partner->{id})
        unless $new;

    return $new;
}


# What happens.

sub op_issue_partner {
    my ($self) = @_;

    my $partner = $self->any_partner;
    my ($token, $status) = $self->issue($self->any_node, '/token',
        basic($partner), p => $partner->{id});
    my $want = $partner->{active} ? 200 : 401;

    $self->wrong("a partner token: $status, not $want",
        p => $partner->{id}) if ($token ? 200 : $status) != $want;

    return;
}


sub op_issue_business {
    my ($self) = @_;

    my $name = one_of(@{ $self->{names} });
    my $business = $self->{businesses}{$name};
    my $node = $self->any_node;
    my $partner = $business && rand() < 0.95
        ? $self->{partners}{ $business->{owner} } : $self->any_partner;

    return unless $partner->{active};

    my $bearer = $self->bearer_of($partner, $node);
    my ($token, $status) = $self->issue($node, "/token/$name",
        "Bearer $bearer->{raw}", p => $partner->{id}, b => $name);

    # a nginx may have merged the partner's entries since the bearer was
    # looked at: whether it may end is for check() to say

    return if !$token && $status == 401 && !$self->check($bearer, $node);

    my $want = $business && $business->{owner} eq $partner->{id}
        && $business->{active} ? 200 : 404;

    $self->wrong('a business token: ' . ($status // 200) . ", not $want",
        p => $partner->{id}, b => $name)
        if ($token ? 200 : $status) != $want;

    return;
}


# what is refused is refused to who asks for another with it

sub op_dead_bearer {
    my ($self) = @_;

    my $node = $self->any_node;
    my $token = one_of(grep { $_->{dead} && !defined $_->{b}
        && $_->{refused}{$node} } @{ $self->{tokens} }) or return;
    my ($business) = grep { $self->{businesses}{$_}
        && $self->{businesses}{$_}{owner} eq $token->{p} }
        @{ $self->{names} };
    my ($new, $status) = $self->issue($node, '/token/'
        . ($business // 'none'), "Bearer $token->{raw}", p => $token->{p},
        b => $business);

    $self->wrong('a revoked token gets another: ' . ($status // 200),
        %$token) if $new || $status != 401;

    return;
}


sub op_revoke_token {
    my ($self) = @_;

    my $token = one_of(@{ $self->{tokens} }) or return;
    my $partner = $self->{partners}{ $token->{p} };
    my $node = $self->any_node;
    my $r = $self->ask($node, 'POST', '/revoke', basic($partner),
        "token=$token->{raw}");
    my $want = $partner->{active} ? 200 : 401;

    $self->note_op("node $node revokes $token->{jti}: " . $r->status);
    $self->wrong('a revocation: ' . $r->status . ", not $want",
        %$token) if $r->status != $want;
    $self->end_tokens(sub { $_[0] == $token }, $node) if $want == 200;

    return;
}


sub op_revoke_business {
    my ($self) = @_;

    my $name = one_of(@{ $self->{names} });
    my $business = $self->{businesses}{$name} or return;
    my $partner = $self->{partners}{ $business->{owner} };
    my $node = $self->any_node;
    my $r = $self->ask($node, 'POST', "/revoke/$name", basic($partner), '');
    my $want = $partner->{active} ? 200 : 401;

    $self->note_op("node $node revokes $name of $partner->{id}: "
        . $r->status);
    $self->wrong('a cut-off: ' . $r->status . ", not $want",
        p => $partner->{id}, b => $name) if $r->status != $want;
    $self->end_tokens(sub { ($_[0]{b} // '') eq $name
        && $_[0]{p} eq $partner->{id} }, $node) if $want == 200;

    return;
}


# as the documentation has it, and as hands may write it

sub op_row {
    my ($self) = @_;

    my $kind = one_of(qw(token token owner owner partner business));
    my $token = one_of(@{ $self->{tokens} }) or return;
    my ($p, $b) = @$token{qw(p b)};

    $kind = 'token' if !defined $b && $kind =~ /owner|business/;

    my %id = (token => "$p:$token->{jti}", partner => $p, business => $b,
        owner => $p . ':' . ($b // ''));
    my %which = (
        token => sub { $_[0] == $token },
        partner => sub { $_[0]{p} eq $p },
        business => sub { ($_[0]{b} // '') eq $b },
        owner => sub { $_[0]{p} eq $p && ($_[0]{b} // '') eq $b },
    );
    my $sql = row($kind, $id{$kind},
        cutoff => one_of('unixepoch()', 'unixepoch()', 1,
            'unixepoch() - ' . int rand $DAYS,
            'unixepoch() + ' . int rand $DAYS),
        expires_at => 'unixepoch() + ' . ($DAYS + int rand $DAYS));
    my $verb = one_of('INSERT', 'INSERT', 'INSERT OR REPLACE');

    $self->write($sql =~ s/^INSERT/$verb/r);
    $self->end_tokens($which{$kind});

    return;
}


# a cut-off that is written anew, by hand

sub op_grow {
    my ($self) = @_;

    my $partner = $self->any_partner;
    my $said = $self->write('UPDATE revocations SET cutoff = cutoff + 1,'
        . " expires_at = expires_at + 1 WHERE kind = 'partner' AND id ="
        . " '$partner->{id}'; SELECT 'changed ' || changes()");

    $self->end_tokens(sub { $_[0]{p} eq $partner->{id} })
        if $said =~ /changed [1-9]/;

    return;
}


sub set_partner {
    my ($self, $partner, $active) = @_;

    $self->write('UPDATE partners SET status = '
        . ($active ? "'active'" : "'disabled'")
        . " WHERE partner_id = '$partner->{id}'");
    $self->end_tokens(sub { $_[0]{p} eq $partner->{id} })
        if $partner->{active} && !$active;
    $partner->{active} = $active;

    return;
}


sub set_business {
    my ($self, $name, $active) = @_;

    my $business = $self->{businesses}{$name} or return;

    $self->write('UPDATE businesses SET status = '
        . ($active ? "'active'" : "'archived'")
        . " WHERE business_id = '$name'");
    $self->end_business($name) if $business->{active} && !$active;
    $business->{active} = $active;

    return;
}


# the owner's tokens for it

sub end_business {
    my ($self, $name) = @_;

    my $business = $self->{businesses}{$name} or return;
    my $owner = $business->{owner};

    return $self->end_tokens(sub { ($_[0]{b} // '') eq $name
        && $_[0]{p} eq $owner });
}


# disabled is not for long, or there would be nothing to see

sub op_toggle_partner {
    my ($self) = @_;

    my $partner = $self->any_partner;

    $self->set_partner($partner, !$partner->{active} || rand() < 0.1);
    $self->set_partner($partner, 1) if rand() < 0.7;

    return;
}


sub op_toggle_business {
    my ($self) = @_;

    my $name = one_of(@{ $self->{names} });
    my $business = $self->{businesses}{$name};

    if (!$business) {
        my $owner = $self->any_partner;

        $self->write('INSERT INTO businesses (business_id, partner_id)'
            . " VALUES ('$name', '$owner->{id}')");
        $self->{businesses}{$name} = { owner => $owner->{id}, active => 1 };

        return;
    }

    $self->set_business($name, !$business->{active});
    $self->set_business($name, 1) if rand() < 0.6;

    return;
}


# disabled and enabled, archived and activated, in one transaction

sub op_blink {
    my ($self) = @_;

    if (rand() < 0.5) {
        my $partner = $self->any_partner;

        $self->write('BEGIN; ' . (join ' ', map { "UPDATE partners SET status"
            . " = '$_' WHERE partner_id = '$partner->{id}';" }
            qw(disabled active)) . ' COMMIT');
        $self->end_tokens(sub { $_[0]{p} eq $partner->{id} })
            if $partner->{active};
        $partner->{active} = 1;

    } else {
        my $name = one_of(@{ $self->{names} });
        my $business = $self->{businesses}{$name} or return;

        $self->write('BEGIN; ' . (join ' ', map { 'UPDATE businesses SET'
            . " status = '$_' WHERE business_id = '$name';" }
            qw(archived active)) . ' COMMIT');
        $self->end_business($name) if $business->{active};
        $business->{active} = 1;
    }

    return;
}


sub op_move {
    my ($self) = @_;

    my $name = one_of(@{ $self->{names} });
    my $business = $self->{businesses}{$name} or return;
    my $to = $self->any_partner->{id};

    if (rand() < 0.3) {
        $self->write('INSERT INTO businesses (business_id, partner_id,'
            . " status) VALUES ('$name', '$to', '"
            . ($business->{active} ? 'active' : 'archived') . "')"
            . ' ON CONFLICT (business_id) DO UPDATE'
            . ' SET partner_id = excluded.partner_id');
    } else {
        $self->write("UPDATE businesses SET partner_id = '$to'"
            . " WHERE business_id = '$name'");
    }

    $self->end_business($name) if $to ne $business->{owner};
    $business->{owner} = $to;

    return;
}


sub op_delete_business {
    my ($self) = @_;

    my $name = one_of(@{ $self->{names} });

    return unless $self->{businesses}{$name};
    $self->write("DELETE FROM businesses WHERE business_id = '$name'");
    $self->end_business($name);
    delete $self->{businesses}{$name};

    return;
}


sub op_delete_partner {
    my ($self) = @_;

    my $partner = $self->any_partner;

    $self->write("DELETE FROM partners WHERE partner_id = '$partner->{id}';"
        . " INSERT INTO partners (partner_id) VALUES ('$partner->{id}')");
    $self->end_tokens(sub { $_[0]{p} eq $partner->{id} });
    $partner->{active} = 1;

    return;
}


# where nothing is taken away, nothing need end

sub op_replace_business {
    my ($self) = @_;

    my $name = one_of(@{ $self->{names} });
    my $business = $self->{businesses}{$name};
    my $to = rand() < 0.5 && $business ? $business->{owner}
        : $self->any_partner->{id};
    my $active = rand() < 0.7 ? 1 : 0;

    $self->write('INSERT OR REPLACE INTO businesses (business_id,'
        . " partner_id, status) VALUES ('$name', '$to', '"
        . ($active ? 'active' : 'archived') . "')");

    if ($business) {
        my $owner = $business->{owner};

        $self->end_business($name)
            if $owner ne $to || $business->{active} && !$active;
        $self->forget_tokens(sub { $_[0]{p} eq $owner
            && ($_[0]{b} // '') eq $name });
    }

    $self->{businesses}{$name} = { owner => $to, active => $active };

    return;
}


sub op_replace_partner {
    my ($self) = @_;

    my $partner = $self->any_partner;
    my $active = rand() < 0.5 ? 1 : 0;

    $self->write('INSERT OR REPLACE INTO partners (partner_id, status)'
        . " VALUES ('$partner->{id}', '"
        . ($active ? 'active' : 'disabled') . "')");
    $self->end_tokens(sub { $_[0]{p} eq $partner->{id} })
        if $partner->{active} && !$active;
    $self->forget_tokens(sub { $_[0]{p} eq $partner->{id} });
    $partner->{active} = $active;

    return;
}


# one takes the name of another, whose row goes without a word

sub op_run_over_business {
    my ($self) = @_;

    my ($from, $to) = map { one_of(@{ $self->{names} }) } 1, 2;

    return if $from eq $to || !$self->{businesses}{$from};
    $self->write("UPDATE OR REPLACE businesses SET business_id = '$to'"
        . " WHERE business_id = '$from'");
    $self->end_business($_) for $from, $to;
    $self->{businesses}{$to} = delete $self->{businesses}{$from};

    return;
}


sub op_run_over_partner {
    my ($self) = @_;

    my ($from, $to) = map { $self->any_partner } 1, 2;

    return if $from == $to;
    $self->write("UPDATE OR REPLACE partners SET partner_id = '$to->{id}'"
        . " WHERE partner_id = '$from->{id}'; INSERT INTO partners"
        . " (partner_id) VALUES ('$from->{id}')");

    for my $partner ($from, $to) {
        $self->end_tokens(sub { $_[0]{p} eq $partner->{id} });
    }

    $to->{active} = $from->{active};
    $from->{active} = 1;

    return;
}


# what changes nothing; a trigger that fires before may end tokens yet

sub op_ignored {
    my ($self) = @_;

    my $name = one_of(@{ $self->{names} });
    my $business = $self->{businesses}{$name} or return;
    my $to = $self->any_partner->{id};

    $self->write('INSERT OR IGNORE INTO businesses (business_id, partner_id)'
        . " VALUES ('$name', '$to')");
    $self->forget_tokens(sub { $_[0]{p} eq $business->{owner}
        && ($_[0]{b} // '') eq $name });

    return;
}


# a partner that revokes so much that its entries are merged

sub op_burst {
    my ($self) = @_;

    my $partner = one_of(grep { $_->{noisy} }
        map { $self->{partners}{$_} } @{ $self->{ids} });
    my $rows = 10 + int rand $self->{room} / 8;

    $self->note_op("$rows rows of $partner->{id}");
    $self->write(join ' ', 'BEGIN;', (map {
        row(one_of(qw(token owner)), "$partner->{id}:" . random_id())
    } 1 .. $rows), 'COMMIT;');
    $self->count_rows($partner->{id});

    return;
}


sub op_clock {
    my ($self) = @_;

    my $node = $self->any_node;
    my $clock = $self->{clocks}[$node];
    my $to = one_of(0, 0, -4, 4, -60, 7200, -$DAYS, $DAYS,
        int(rand 2 * $DAYS) - $DAYS, $clock->offset + one_of(-5, -1, 1, 5));

    $to = $DAYS if $to > $DAYS;
    $to = -$DAYS if $to < -$DAYS;
    $self->note_op("clock of node $node: $to");
    $clock->set($to);

    return;
}


sub op_restart {
    my ($self) = @_;

    my $node = $self->any_node;

    $self->note_op("node $node is restarted");
    $self->{conns}[$node] = [];
    $self->wrong("node $node did not end well")
        if $self->{nodes}[$node]->restart != 0;

    # it has read all of the store

    $_->{until}[$node] = time for grep { $_->{dead} } @{ $self->{tokens} };

    return;
}


sub op_reload {
    my ($self) = @_;

    my $node = $self->any_node;

    $self->note_op("node $node is reloaded");
    $self->wrong("node $node did not reload")
        unless $self->{nodes}[$node]->nginx->reload;
    $self->{nodes}[$node]->new_workers;

    return;
}


sub op_kill_worker {
    my ($self) = @_;

    my $node = $self->any_node;
    my $gw = $self->{nodes}[$node];
    my $victim = one_of($gw->nginx->workers);

    $self->note_op("node $node loses a worker");
    kill 'KILL', $victim;

    for (1 .. 250) {
        my @now = grep { $_ != $victim } $gw->nginx->workers;

        last if @now == $self->{workers};
        sleep 0.02;
    }

    $gw->new_workers;

    return;
}


# All that was written is known, and every token is asked for, by the right
# clock and by one that is ahead of all that was issued.

sub op_settle {
    my ($self) = @_;

    my @before = map { $_->offset } @{ $self->{clocks} };

    $self->settle_clocks(0);
    $self->wait_until_known;

    for my $offset (0, $DAYS) {
        $self->settle_clocks($offset);

        for my $node (0 .. $#{ $self->{nodes} }) {
            $self->check($_, $node) for @{ $self->{tokens} };
        }
    }

    $self->{clocks}[$_]->set($before[$_]) for 0 .. $#before;

    # those below the floor were asked for twice at least

    @{ $self->{tokens} } = grep { !$_->{old} || rand() < 0.3 }
        @{ $self->{tokens} };

    return;
}


sub settle_clocks {
    my ($self, $offset) = @_;

    $_->set($offset) for @{ $self->{clocks} };

    return;
}


# by a token that is revoked last

sub wait_until_known {
    my ($self) = @_;

    my $partner = (grep { $_->{active} } map { $self->{partners}{$_} }
        @{ $self->{ids} })[0] or return;
    my ($probe) = $self->issue(0, '/token', basic($partner),
        p => $partner->{id});

    $self->write(row('token', "$partner->{id}:$probe->{jti}",
        expires_at => 'unixepoch() + 900000'), skewed => 0);
    $self->end_tokens(sub { $_[0] == $probe });

    for my $node (0 .. $#{ $self->{nodes} }) {
        for (1 .. 500) {
            last if !$self->check($probe, $node);
            sleep 0.02;
        }

        $self->wrong("node $node does not refuse the probe", %$probe)
            unless $probe->{refused}{$node};
    }

    for my $token (grep { $_->{dead} } @{ $self->{tokens} }) {
        $token->{until} = [map { 0 } @{ $self->{nodes} }];
    }

    return;
}


# Seconds go by, as nginx counts them: more than any token can live.  What
# was issued before the last row ends, and what was revoked stays so.

sub op_age {
    my ($self) = @_;

    $self->count_rows($_) for @{ $self->{ids} };

    my ($ok, $said) = $self->{sql}->run('UPDATE clock SET elapsed = elapsed'
        . ' + horizon + 60; SELECT stamp FROM clock');

    return unless $ok;

    $self->note_op('age');
    chomp $said;
    @{ $self->{tokens} } = grep { $_->{dead} || $_->{seq} >= $said }
        @{ $self->{tokens} };
    $_->{old} = 1 for grep { ($_->{seq} // 0) < $said }
        @{ $self->{tokens} };

    # a nginx that starts finds nothing left but the floor

    return if rand() < 0.3;
    $self->op_restart;

    for (1 .. 50) {
        last if $self->{sql}->get('SELECT floor FROM clock') >= $said;
        sleep 0.02;
    }

    $self->op_restart;

    for my $node (0 .. $#{ $self->{nodes} }) {
        $self->check($_, $node) for grep { $_->{old} } @{ $self->{tokens} };
    }

    return;
}


# nobody takes a row away that may refuse a token still

sub op_delete_rows {
    my ($self) = @_;

    my $token = one_of(grep { $_->{dead} && !$_->{old} }
        @{ $self->{tokens} }) or return;
    my ($ok, $said) = $self->{sql}->run('DELETE FROM revocations WHERE'
        . " id = '$token->{p}:$token->{jti}' OR id = '$token->{p}'"
        . (defined $token->{b} ? " OR id = '$token->{b}' OR id ="
            . " '$token->{p}:$token->{b}'" : '')
        . "; SELECT 'changed ' || changes()");

    $self->note_op("rows that end $token->{jti} are to be deleted: $said");
    $self->wrong("rows are deleted: $said", %$token)
        if $ok && $said =~ /changed [1-9]/;

    return;
}


# So many steps: what happens, and a number of tokens looked at after each.
# Newer tokens are looked at more often, and those that just ended.

sub run {
    my ($self, $steps) = @_;

    my @ops = map { ($_) x $OPS{$_} } sort keys %OPS;

    while ($self->{step} < $steps) {
        my $op = one_of(@ops);

        $self->{step}++;
        $self->{ops}{$op}++;
        $self->can("op_$op")->($self);

        my $tokens = $self->{tokens};
        my @ended = grep { $_->{dead} && $_->{dead} > $self->{step} - 300 }
            @$tokens;

        for (1 .. 10) {
            my $token = rand() < 0.3 && @ended ? one_of(@ended)
                : rand() < 0.3 && @$tokens > 20
                    ? $tokens->[-1 - int rand 20] : one_of(@$tokens);

            $self->check($token, $self->any_node) if $token;
        }
    }

    $self->op_settle;
    $self->{conns} = [map { [] } @{ $self->{nodes} }];
    $_->restart for @{ $self->{nodes} };
    $self->note_op('all nodes are restarted');
    $self->op_settle;

    return 1;
}


# how often what happened, and what was answered

sub summary {
    my ($self) = @_;

    return map { my $which = $_; join ', ', map { "$_ $self->{$which}{$_}" }
        sort keys %{ $self->{$which} } } qw(ops seen);
}


1;
