package AGW::RedisStore;

# The store in a Redis, read and changed as an operator does: with redis-cli
# and conf/fleet.lua.  It has the same face as AGW::Store, but for SQL.

use strict;
use warnings;

use AGW::Files qw(random_id repo_root slurp);
use AGW::Token qw(api_key key_digest);

use JSON ();
use Time::HiRes qw(sleep);


# of an AGW::Redis

sub new {
    my ($class, $redis) = @_;

    return bless { redis => $redis,
        lua => slurp(repo_root() . '/conf/fleet.lua') }, $class;
}


# An nginx accepts no token before it has read all that is revoked; at most 10
# seconds.  After a restart its log has the line of the nginx before, too.

sub wait_until_ready {
    my ($self, $nginx) = @_;

    for (1 .. 500) {
        return 1 if substr(slurp($nginx->error_log), $nginx->log_from)
            =~ /auth_gateway: store ".*": all revocations are known/;
        sleep 0.02;
    }

    die "the store is not known:\n" . slurp($nginx->error_log);
}


sub redis { return $_[0]{redis} }


# A change by conf/fleet.lua, which refuses a server that no nginx has connected
# to since it started: that takes a moment.

sub change {
    my ($self, $key, @words) = @_;

    my @eval = ('EVAL', $self->{lua}, 1, "{agw}:$key", @words);

    for (1 .. 100) {
        my $reply = $self->{redis}->try(@eval);

        return $reply if !AGW::Resp::is_error($reply);
        last if $reply->{text} !~ /no nginx has connected to this server/;
        sleep 0.1;
    }

    return $self->{redis}->call(@eval);
}


# The last stamp of a revocation: the seq of a token that is issued now.

sub stamp {
    my ($self) = @_;

    my $stamp = $self->{redis}->call('GET', '{agw}:stamp') // return;
    my ($last) = @{ $self->{redis}->call('XREVRANGE', '{agw}:revocations',
        '+', '-', 'COUNT', 1) };

    return $stamp if !$last;

    my ($id) = $last->[0] =~ /^(\d+)/;

    return $id > $stamp ? $id : $stamp;
}


# A partner with one API key; returns { id, key }.  Options: id, key,
# status, not_before, expires_at.

sub partner {
    my ($self, %opt) = @_;

    my $id = $opt{id} // random_id();
    my $key = $opt{key} // api_key();

    $self->{redis}->call('HSET', "{agw}:partner:$id", 'status',
        $opt{status} // 'active');
    $self->add_key($id, $key, %opt);

    return { id => $id, key => $key };
}


sub add_key {
    my ($self, $id, $key, %opt) = @_;

    $self->{redis}->call('HSET', "{agw}:api_keys:$id", key_digest($key),
        key_json(%opt));

    return $key;
}


sub key_json {
    my (%opt) = @_;

    return JSON->new->canonical->encode({
        map { defined $opt{$_} ? ($_ => 0 + $opt{$_}) : () }
            qw(not_before expires_at) });
}


sub business {
    my ($self, $partner_id, %opt) = @_;

    my $id = $opt{id} // random_id();

    $self->{redis}->call('HSET', "{agw}:business:$id", 'partner_id',
        $partner_id, 'status', $opt{status} // 'active');

    return $id;
}


# scopes end no token: a plain command changes them

sub set_partner {
    my ($self, $id, %fields) = @_;

    return $self->{redis}->call('HSET', "{agw}:partner:$id", %fields)
        if exists $fields{scopes};

    return $self->change("partner:$id", %fields);
}


sub set_business {
    my ($self, $id, %fields) = @_;

    return $self->change("business:$id", %fields);
}


sub remove_partner {
    my ($self, $id) = @_;

    return $self->change("partner:$id", 'delete');
}


sub remove_business {
    my ($self, $id) = @_;

    return $self->change("business:$id", 'delete');
}


sub remove_key {
    my ($self, $partner_id, $key) = @_;

    return $self->{redis}->call('HDEL', "{agw}:api_keys:$partner_id",
        key_digest($key));
}


sub set_key {
    my ($self, $partner_id, $key, %times) = @_;

    $self->add_key($partner_id, $key, %times);

    return;
}


# a JWK as somebody wrote it

sub set_jwk {
    my ($self, $partner_id, $kid, $text) = @_;

    return $self->{redis}->call('HSET', "{agw}:jwks:$partner_id", $kid, $text);
}


sub odd_partner {
    my ($self, $id, $key) = @_;

    $self->partner(id => $id, key => $key);

    return;
}


sub revoke {
    my ($self, $kind, $id) = @_;

    return $self->change('revocations', $kind, $id);
}


# Many tokens of a thousand partners that nobody has, as a gateway writes them;
# with stamps from the oldest one on.

my $fill = <<'LUA';
for i = tonumber(ARGV[1]), tonumber(ARGV[2]) - 1 do
    local seq = string.format('%.0f', tonumber(ARGV[3]) + i)
    redis.call('XADD', KEYS[1], seq .. '-0', 'kind', 'token', 'id',
        redis.sha1hex(i % 1000) .. ':' .. redis.sha1hex(seq), 'seq', seq, 'time',
        ARGV[4])
end
LUA

sub fill {
    my ($self, $entries, $oldest) = @_;

    for (my $i = 0; $i < $entries; $i += 10_000) {
        my $end = $i + 10_000 < $entries ? $i + 10_000 : $entries;

        $self->{redis}->call('EVAL', $fill, 1, '{agw}:revocations', $i, $end,
            $oldest, time);
    }

    return;
}


# What is revoked, "kind id", each with its last stamp.

sub entries {
    my ($self) = @_;

    my %last;

    for my $entry (@{ $self->{redis}->call('XRANGE', '{agw}:revocations',
        '-', '+') })
    {
        my %of = @{ $entry->[1] };

        $last{"$of{kind} $of{id}"} = $of{seq};
    }

    return %last;
}


sub count {
    my ($self) = @_;

    my %entries = $self->entries;

    return scalar keys %entries;
}


1;
