package Bench::Callgrind;

# Instructions in user space, counted by callgrind.
#
# Of a server: callgrind writes down what was counted and begins again at
# zero whenever nginx enters a named location, and only /mark leads to one.
# So each figure is what was counted between two marks, less what was between
# two marks with nothing between them, by the number of requests.  They are
# sent on one kept-alive connection, each after the answer to the last.

use strict;
use warnings;

use Exporter 'import';
use List::Util qw(min);
use Time::HiRes qw(sleep);

use AGW::Files qw(slurp spew);
use Bench::Knobs qw(knob median);
use Bench::Wire;

our @EXPORT_OK = qw(count_program);

my $WHERE = 'ngx_http_named_location';


# new(directory for its files, which the workers can write)

sub new {
    my ($class, $dir) = @_;

    my $self = bless { dir => $dir, marks => {} }, $class;
    my $nginx = $ENV{AGW_NGINX} // '/usr/sbin/nginx';

    spew("$dir/nginx", <<"SH", 0755);
#!/bin/sh
exec valgrind -q --tool=callgrind --dump-before=$WHERE \\
    --callgrind-out-file=$dir/out.%p $nginx "\$@"
SH

    return $self;
}


sub wrapper { return "$_[0]{dir}/nginx" }


# what was counted since the last mark

sub mark {
    my ($self, $server) = @_;

    my $pid = $server->pid;
    my $wire = $self->{wire}{$pid} //= Bench::Wire->new(
        $server->port('PORT'));
    my $answer = $wire->ask("GET /mark HTTP/1.1\r\nHost: localhost\r\n\r\n");
    my $file = "$self->{dir}/out.$pid." . ++$self->{marks}{$pid};

    die "a mark was answered with $answer->{status}\n"
        if $answer->{status} != 204;

    # its totals are its last line

    for (1 .. 500) {
        if (slurp($file) =~ /^totals: (\d+)$/m) {
            unlink $file;
            return $1;
        }

        sleep 0.02;
    }

    die "callgrind wrote no $file\n";
}


# count(row, server): { each => the middle figure, all => [of each batch],
# requests => [first, last] of those that were counted }.  What a worker does
# by itself, once a second and now and then, is in the batch where it falls.

sub count {
    my ($self, $row, $server) = @_;

    my $requests = $row->{requests};
    my $turn = $row->{from} // 0;
    my $count = knob($row->{cold} || $row->{peer} ? 'costly' : 'count');
    my $wire = Bench::Wire->new($server->port($row->{port}));
    my $next = sub {
        my $request = $requests->[$row->{cold} ? $turn++ : 0];
        my $answer = $wire->ask($request // die "no more tokens\n");

        die "$row->{name}: $answer->{status} under callgrind\n"
            if $answer->{status} != 200;
    };
    my @all;

    $next->() for 1 .. 3 + ($row->{fill} // 0);
    $self->mark($server);

    # a new second, or a look into the store, would count for all of them

    my $nothing = min(map { $self->mark($server) } 1 .. 3);

    my $first = $turn;

    for (1 .. knob('batches')) {
        $next->() for 1 .. $count;
        push @all, ($self->mark($server) - $nothing) / $count;
    }

    return { each => median(@all), all => \@all,
        requests => [$first, $turn - 1] };
}


# Instructions of one verification by verify.c, the mean of so many: (figure,
# bytes of the token).  $out becomes callgrind's file.

sub count_program {
    my ($out, $count, $program, @args) = @_;

    my @command = ('valgrind', '-q', '--tool=callgrind',
        '--collect-atstart=no', '--toggle-collect=bench_measured',
        "--callgrind-out-file=$out", $program, @args, $count);

    unlink $out;
    open my $said, '-|', @command or die "@command: $!\n";

    my $length = readline $said;

    close $said;
    die "@command failed\n" if $? != 0;

    my ($total) = slurp($out) =~ /^summary: (\d+)/m;

    return ($total / $count, $length + 0);
}


1;
