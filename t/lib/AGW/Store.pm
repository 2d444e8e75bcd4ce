package AGW::Store;

# The SQLite store, read and changed as an operator does: by the sqlite3
# program.

use strict;
use warnings;

use Exporter 'import';
use IO::Handle;
use IPC::Open3 qw(open3);
use Time::HiRes qw(sleep);

use AGW::Files qw(make_prefix random_id slurp spew worker_ids);
use AGW::Token qw(api_key key_digest);

our @EXPORT_OK = qw(bytes_of give_away);


# preload and env, as AGW::Clock->options has them, are of the program

sub new {
    my ($class, $file, %opt) = @_;

    return bless { file => $file, opt => \%opt }, $class;
}


# Runs statements; returns (exit code, output with errors).

sub run {
    my ($self, $sql) = @_;

    my $pid = $self->spawn(my $in, my $out, '-bail');

    print {$in} "$sql\n";
    close $in;

    my $said = do { local $/; readline($out) // '' };

    waitpid $pid, 0;

    return ($? >> 8, $said);
}


sub spawn {
    my ($self, undef, undef, @args) = @_;

    my $preload = $self->{opt}{preload};
    local %ENV = (%ENV, %{ $self->{opt}{env} // {} },
        defined $preload ? (LD_PRELOAD => $preload) : ());

    return open3($_[1], $_[2], undef, 'sqlite3', @args, '-cmd',
        '.timeout 5000', $self->{file});
}


# The program at its prompt, when it has run these statements; undefined if it
# has not.  It is ended by release, or killed by its pid.

sub hold {
    my ($self, $sql) = @_;

    my $pid = $self->spawn(my $in, my $out);
    my $line;

    print {$in} "$sql SELECT 'holding';\n";
    $in->flush;

    1 while defined($line = readline $out) && $line ne "holding\n";

    return defined $line ? { pid => $pid, in => $in, out => $out } : undef;
}


sub release {
    my ($held, $sql) = @_;

    print { $held->{in} } "$sql\n";
    close $held->{in};
    waitpid $held->{pid}, 0;

    return;
}


# the output of statements that must not fail

sub sql {
    my ($self, $sql) = @_;

    my ($code, $said) = $self->run($sql);

    die "sqlite3: $said ($sql)\n" if $code != 0;

    chomp $said;

    return $said;
}


# The last stamp of a revocation: the seq of a token that is issued now.
# Undefined where the store has none yet.

sub stamp {
    my ($self) = @_;

    my ($code, $said) = $self->run('SELECT stamp FROM clock;');

    return $code == 0 && $said =~ /^(\d+)$/m ? $1 : undef;
}


# the module's first worker makes the schema; at most 10 seconds

sub wait_for_schema {
    my ($self) = @_;

    for (1 .. 200) {
        if (-s $self->{file}) {
            my ($code, $said) = $self->run('PRAGMA user_version;');

            return 1 if $code == 0 && $said =~ /^[1-9]/;
        }

        sleep 0.05;
    }

    die "no schema in $self->{file}\n";
}


# whatever the engine: this nginx has it

sub wait_until_ready {
    my ($self) = @_;

    return $self->wait_for_schema;
}


sub quote {
    my ($text) = @_;

    return 'NULL' unless defined $text;

    $text =~ s/'/''/g;

    return "'$text'";
}


# A partner with one API key; returns { id, key }.  Options: id, key,
# status, not_before, expires_at.

sub partner {
    my ($self, %opt) = @_;

    my $id = $opt{id} // random_id();
    my $key = $opt{key} // api_key();

    $self->sql(sprintf
        'INSERT INTO partners (partner_id, status) VALUES (%s, %s);',
        quote($id), quote($opt{status} // 'active'));
    $self->add_key($id, $key, %opt);

    return { id => $id, key => $key };
}


sub add_key {
    my ($self, $id, $key, %opt) = @_;

    $self->sql(sprintf
        'INSERT INTO api_keys (partner_id, key_sha256, not_before,'
            . ' expires_at) VALUES (%s, %s, %d, %s);',
        quote($id), quote(key_digest($key)), $opt{not_before} // 0,
        $opt{expires_at} // 'NULL');

    return $key;
}


# a business of that partner; returns its id

sub business {
    my ($self, $partner_id, %opt) = @_;

    my $id = $opt{id} // random_id();

    $self->sql(sprintf
        'INSERT INTO businesses (business_id, partner_id, status)'
            . ' VALUES (%s, %s, %s);',
        quote($id), quote($partner_id), quote($opt{status} // 'active'));

    return $id;
}


# What an operator changes; what that ends of tokens, it ends.  Fields of a
# business: status, partner_id.

sub set_partner {
    my ($self, $id, %fields) = @_;

    return $self->set('partners', 'partner_id', $id, %fields);
}


sub set_business {
    my ($self, $id, %fields) = @_;

    return $self->set('businesses', 'business_id', $id, %fields);
}


sub set {
    my ($self, $table, $column, $id, %fields) = @_;

    my $values = join ', ', map { "$_ = " . quote($fields{$_}) }
        sort keys %fields;

    return $self->sql("UPDATE $table SET $values WHERE $column = "
        . quote($id));
}


sub remove_partner {
    my ($self, $id) = @_;

    return $self->sql('PRAGMA foreign_keys=OFF; DELETE FROM partners WHERE'
        . ' partner_id = ' . quote($id));
}


sub remove_business {
    my ($self, $id) = @_;

    return $self->sql('DELETE FROM businesses WHERE business_id = '
        . quote($id));
}


sub remove_key {
    my ($self, $partner_id, $key) = @_;

    return $self->sql('DELETE FROM api_keys WHERE partner_id = '
        . quote($partner_id) . ' AND key_sha256 = '
        . quote(key_digest($key)));
}


# times of a key, which may be undefined

sub set_key {
    my ($self, $partner_id, $key, %times) = @_;

    return $self->sql(sprintf 'UPDATE api_keys SET not_before = %d,'
        . ' expires_at = %s WHERE partner_id = %s AND key_sha256 = %s',
        $times{not_before} // 0, $times{expires_at} // 'NULL',
        quote($partner_id), quote(key_digest($key)));
}


# a JWK as somebody wrote it

sub set_jwk {
    my ($self, $partner_id, $kid, $text) = @_;

    return $self->sql(sprintf 'INSERT OR REPLACE INTO jwks (partner_id, kid,'
        . ' jwk) VALUES (%s, %s, %s)', map { quote($_) } $partner_id, $kid,
        $text);
}


# a row of others, whose id is none

sub odd_partner {
    my ($self, $id, $key) = @_;

    return $self->sql('PRAGMA ignore_check_constraints=ON;'
        . ' INSERT INTO partners (partner_id) VALUES (' . quote($id) . ');'
        . ' INSERT INTO api_keys (partner_id, key_sha256) VALUES ('
        . quote($id) . ', ' . quote(key_digest($key)) . ');');
}


# an entry as an operator writes it

sub revoke {
    my ($self, $kind, $id) = @_;

    return $self->sql('INSERT INTO revocations (kind, id, cutoff,'
        . ' expires_at) VALUES (' . quote($kind) . ', ' . quote($id)
        . ', unixepoch(), unixepoch() + 90000)');
}


# What is revoked, "kind id", each with its last stamp.

sub entries {
    my ($self) = @_;

    return map { /^(\w+)\|(.+)\|(\d+)$/ ? ("$1 $2" => $3) : () } split /\n/,
        $self->sql('SELECT kind, id, seq FROM revocations WHERE seq > 0');
}


sub count {
    my ($self) = @_;

    return $self->sql('SELECT count(*) FROM revocations');
}


# The bytes of a database that these statements make, of an empty one or of
# one that has these bytes.

sub bytes_of {
    my ($sql, $from) = @_;

    my $prefix = make_prefix();
    my $file = "$prefix/by_hand.db";

    spew($file, $from) if defined $from;
    AGW::Store->new($file)->sql($sql);

    return slurp($file);
}


# files, of those that are there, become the workers' own

sub give_away {
    my (@files) = @_;

    my (undef, $uid, $gid) = worker_ids();

    chown $uid, $gid, grep { -e } @files if defined $uid;

    return;
}


1;
