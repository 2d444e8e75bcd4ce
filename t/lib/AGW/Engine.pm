package AGW::Engine;

# The store of a test's nginx, where the test does not say which it is: what
# stands for %%ENGINE%% in `auth_gateway_store %%ENGINE%%;`.  SQLite, unless
# AGW_STORE=redis is in the environment or the test asks for another.

use strict;
use warnings;

use AGW::Redis;
use AGW::RedisStore;
use AGW::Store;

my %start = (sqlite => \&start_sqlite, redis => \&start_redis);


sub of_run {
    return $ENV{AGW_STORE} || 'sqlite';
}


# Those that can run here.

sub all {
    return grep { $_ ne 'redis' || !defined AGW::Redis::missing() }
        sort { $b cmp $a } keys %start;
}


# One for a test with that prefix.

sub start {
    my ($class, $name, $prefix) = @_;

    my $start = $start{$name} // die "no engine $name\n";

    return bless { name => $name, $start->($prefix) }, $class;
}


sub start_sqlite {
    my ($prefix) = @_;

    my $file = "$prefix/store/gateway.db";

    return (words => "sqlite:$file", store => AGW::Store->new($file),
        dir => "$prefix/store");
}


sub start_redis {
    AGW::Redis::skip_all_without();

    return redis_parts(AGW::Redis->start(user => 'gateway',
        config => ['appendonly yes', 'appendfsync no']));
}


sub redis_parts {
    my ($redis, %opt) = @_;

    return (words => $redis->words(%opt), store => AGW::RedisStore->new($redis),
        redis => $redis);
}


# that of an AGW::Redis; more => words of auth_gateway_store

sub on {
    my ($class, $redis, %opt) = @_;

    return bless { name => 'redis', redis_parts($redis, %opt) }, $class;
}


sub name { return $_[0]{name} }
sub words { return $_[0]{words} }
sub store { return $_[0]{store} }


# The store goes away under this gateway, absent or unreadable, and comes back
# as it was.

sub lose {
    my ($self, $gw, $how) = @_;

    return $self->{redis}->kill if $self->{redis};

    my $dir = $self->{dir};

    $self->{unreadable} = ($how // 'absent') eq 'unreadable';
    ($self->{unreadable} ? chmod(0000, $dir) : rename $dir, "$dir-away")
        or die "$dir: $!\n";

    $gw->nginx->replace_workers;
    $gw->new_workers;

    return;
}


sub find {
    my ($self) = @_;

    return $self->{redis}->restart if $self->{redis};

    my $dir = $self->{dir};

    return ($self->{unreadable} ? chmod(0750, $dir) : rename "$dir-away", $dir)
        || die "$dir: $!\n";
}


# what must be in no log

sub secrets {
    my ($self) = @_;

    return grep { defined } $self->{redis} ? $self->{redis}->password : ();
}


1;
