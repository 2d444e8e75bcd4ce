package AGW::Sql;

# One sqlite3 program that runs statements one after another: a process for
# each would be most of a long test's time.

use strict;
use warnings;

use IO::Handle;


# $store is an AGW::Store, whose file and clock it has

sub new {
    my ($class, $store) = @_;

    my $self = bless { store => $store, marks => 0 }, $class;

    $self->open;

    return $self;
}


sub open {
    my ($self) = @_;

    $self->{pid} = $self->{store}->spawn($self->{in}, $self->{out});
    $self->{in}->autoflush(1);

    return;
}


# Returns (whether none of them failed, what they said).

sub run {
    my ($self, $sql) = @_;

    my $mark = 'done ' . ++$self->{marks};
    my $said = '';

    print { $self->{in} } "$sql\n;SELECT '$mark';\n";

    while (defined(my $line = readline $self->{out})) {
        return ($said !~ /^(?:\w+ )?[Ee]rror\b/m, $said)
            if $line eq "$mark\n";

        $said .= $line;
    }

    die "sqlite3 ended: $said ($sql)\n";
}


# the output of statements that must not fail

sub get {
    my ($self, $sql) = @_;

    my ($ok, $said) = $self->run($sql);

    die "sqlite3: $said ($sql)\n" unless $ok;

    chomp $said;

    return $said;
}


sub close {
    my ($self) = @_;

    close $self->{in};
    waitpid $self->{pid}, 0;

    return;
}


1;
