package AGW::Memcheck;

# nginx under valgrind's memcheck, master and workers, and what it reports of
# each of them.

use strict;
use warnings;

use File::Temp;

use AGW::Files qw(slurp spew);

# What is nginx's own, by an exact chain of its frames in which a module has
# no place.

my $suppressions = <<'SUPP';
# the copy of environ, which a master makes for good; from 1.24 on it hangs on a
# block that is lost
{
    environment
    Memcheck:Leak
    match-leak-kinds: definite,indirect
    fun:malloc
    fun:ngx_alloc
    fun:ngx_set_environment
}
# a table, and a worker's connections and events: pointers lead into them,
# not to where they begin
{
    crc32
    Memcheck:Leak
    match-leak-kinds: possible
    fun:malloc
    fun:ngx_alloc
    fun:ngx_crc32_table_init
}
{
    connections
    Memcheck:Leak
    match-leak-kinds: possible
    fun:malloc
    fun:ngx_alloc
    obj:*/nginx
    obj:*/nginx
    obj:*/nginx
    fun:ngx_spawn_process
}
# nginx's threads are detached: one that is told to end may not be gone yet
# when its worker is
{
    thread
    Memcheck:Leak
    match-leak-kinds: possible
    ...
    fun:_dl_allocate_tls
    ...
    fun:pthread_create*
}
SUPP

my @options = (
    '--tool=memcheck', '--leak-check=full', '--num-callers=40',
    '--show-leak-kinds=definite,indirect,possible',
    '--errors-for-leak-kinds=definite,indirect,possible',
    '--keep-debuginfo=yes',      # nginx unloads modules before it exits
    '--error-limit=no', '--error-exitcode=9',
);


# From now on, and as long as the object lives, AGW::Nginx starts nginx so.
# A report is opened before its worker changes users.

sub start {
    my ($class) = @_;

    my $dir = File::Temp->newdir('agw-test-XXXXXXXX', TMPDIR => 1);
    my $nginx = $ENV{AGW_NGINX} // '/usr/sbin/nginx';

    spew("$dir/suppressions", $suppressions);
    spew("$dir/nginx", <<"SH");
#!/bin/sh
exec valgrind @options --suppressions=$dir/suppressions \\
    --log-file=$dir/%p.report $nginx "\$@"
SH

    chmod 0755, "$dir/nginx";
    $ENV{AGW_NGINX} = "$dir/nginx";

    return bless { dir => $dir }, $class;
}


# the pids of which there is a report

sub pids {
    my ($self) = @_;

    return sort { $a <=> $b }
        map { m{(\d+)\.report$} } glob "$self->{dir}/*.report";
}


sub report {
    my ($self, $pid) = @_;

    return slurp("$self->{dir}/$pid.report");
}


# whether the process lived until its end, with nothing wrong or lost

sub clean {
    my ($self, $pid) = @_;

    return $self->report($pid) =~ /^==\d+== ERROR SUMMARY: 0 errors /m;
}


# Whether it did nothing wrong, whatever it had at its end: a child that the
# master asks to look at the store ends in the middle of a configuration.

sub sound {
    my ($self, $pid) = @_;

    my $report = $self->report($pid);

    return $report =~ /^==\d+== ERROR SUMMARY: /m && $report !~ /^==\d+==\ (?:
        Invalid | Mismatched | Conditional\ jump | Use\ of\ uninitialised
        | Syscall\ param | Source\ and\ destination | Process\ terminating
        | Argument\ .*\ of\ function)/mx;
}


# the bytes that it had not given back at its end

sub kept {
    my ($self, $pid) = @_;

    return $self->report($pid)
        =~ /in use at exit: ([\d,]+) bytes/ ? $1 =~ tr{,}{}dr : undef;
}


1;
