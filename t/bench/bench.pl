#!/usr/bin/perl

# What a checked request costs: requests a second, processor time and
# instructions, of nginx alone, of nginx with a no-op auth_request, of the
# gateway, and of others that are installed.  make bench runs this.
#
#     BENCH=quick        a smoke run of about a minute, not for publishing
#     BENCH_SECONDS=2    of load, for each row in each round
#     BENCH_ROUNDS=5     of which each figure is the median
#     BENCH_PEER="name=/module.so,/location.conf"
#                        another nginx module and what stands in the location
#                        to be guarded by HS256, of which %%KEYS%%/HS256.key
#                        has the secret, HS256.jwks the same as a JWK Set;
#                        several are separated by spaces
#
# Processes are bound to processors where there are two: the server that is
# measured has one, its upstream and wrk the other.  Every row is asked once
# before it is measured, also for what it has to refuse; any other answer
# than the row's, also one among those that are counted, ends the run.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib", "$FindBin::Bin/../lib";

use File::Temp;
use JSON ();
use POSIX qw(strftime);

use AGW::Files qw(module_path slurp spew);
use Bench::Callgrind qw(count_program);
use Bench::Configs;
use Bench::Issuing;
use Bench::Knobs qw(cpus knob quick say_now);
use Bench::Material;
use Bench::Memory;
use Bench::Peers;
use Bench::Picture;
use Bench::Rounds;
use Bench::Rows;
use Bench::Server;
use Bench::Table;

$SIG{INT} = sub { exit 130 };
$SIG{TERM} = sub { exit 143 };

my ($out) = @ARGV or die "the directory of mint and verify\n";
my $dir = File::Temp->newdir('agw-bench-XXXXXXXX', TMPDIR => 1);

chmod 0777, "$dir" or die "$dir: $!\n";
say_now('a smoke run: its figures are not to be published') if quick();
say_now('keys, tokens and servers');

my $material = Bench::Material->new("$dir", "$out/mint");
my $upstream = Bench::Server->start(Bench::Configs::upstream(),
    on => 'upstream', names => {});
my @names = (names => {
    UPSTREAM => $upstream->port('PLAIN'), DOCS => "$dir/docs",
    KEYS => "$dir",
});
my $issuing = Bench::Issuing->new($material);
my ($rows, $start) = everything();


# the rows, and how each server is started

sub everything {
    my %request = map { $_ => $material->get($material->tokens($_)->[0]) }
        qw(HS256 RS256);
    my @parts = (
        [[Bench::Rows::all($material)], {
            stock => sub {
                Bench::Server->start(Bench::Configs::stock($material),
                    @names, @_);
            },
            gateway => sub { gateway('', @_) },
            uncached => sub { gateway('auth_gateway_token_cache off;', @_) },
        }],
        [Bench::Peers::all($material, $request{HS256}, @names)],
        [Bench::Peers::haproxy($material, $upstream->port('PLAIN'),
            %request)],
        [$issuing->all(@names)],
    );

    return ([map { @{ $_->[0] } } @parts],
        { map { %{ $_->[1] } } @parts });
}


sub gateway {
    my ($cache, @opt) = @_;

    my $server = Bench::Server->start(Bench::Configs::gateway($cache),
        @names, module => 1, @opt);

    Bench::Rows::revoke($material, $server);

    return $server;
}


# Starts the servers of these rows and verifies each row there; bare
# token requests come last, for they repeat what the others answered.

sub serve {
    my ($rows, @opt) = @_;

    my %servers;

    for my $row (@$rows) {
        my $name = $row->{server};
        my $server = $servers{$name} //= $start->{$name}->(@opt);

        $row->{size} = $row->{section} =~ /token/
            ? $issuing->verify($row, $server)
            : Bench::Rows::verify($material, $row, $server);
    }

    return \%servers;
}


sub stop {
    my ($servers) = @_;

    $_->stop for values %$servers;

    return;
}


sub measure_load {
    my @measured = grep { !$_->{note} && !$_->{only_cost} } @$rows;
    my $servers = serve(\@measured);

    Bench::Rows::prepare($material, @measured);
    Bench::Rounds::run(sub { say_now("load, $_[0]") }, $servers, @measured);
    stop($servers);

    return;
}


sub count_instructions {
    say_now('instructions');

    my $callgrind = Bench::Callgrind->new("$dir");
    my @counted = grep { !$_->{note} && !$_->{only_load} } @$rows;
    my $servers = serve(\@counted, callgrind => $callgrind);
    # a cache is filled when nobody needs it as it was

    for my $row (sort { ($a->{fill} // 0) <=> ($b->{fill} // 0) } @counted) {
        $row->{cost} = $callgrind->count($row, $servers->{ $row->{server} });
    }

    $_->{cost}{over} = $_->{cost}{each}
        - Bench::Rows::base($_, @counted)->{cost}{each} for @counted;
    stop($servers);

    return;
}


# of each algorithm: OpenSSL's own verification, of the tokens that were
# verified while instructions were counted

sub ask_openssl {
    say_now("OpenSSL's own");

    return [map {
        my $alg = $_;
        my $size = length $material->tokens($alg)->[0];
        my ($row) = grep { $_->{cold} && $_->{alg} eq $alg
            && $_->{section} eq 'static' && $_->{server} eq 'gateway' }
            @$rows;
        my ($from, $to) = @{ $row->{cost}{requests} };
        my $file = spew("$dir/tokens", join '', map { "$_\n" }
            @{ $material->tokens($alg) }[$from .. $to]);
        my %got = map {
            $_ => (count_program("$dir/verify.out", $to - $from + 1,
                "$out/verify", $_, $alg, $material->key_file($alg),
                "\@$file"))[0];
        } qw(openssl lean);

        +{ alg => $alg, bytes => $size, over => $row->{cost}{over}, %got };
    } Bench::Material::algs()];
}


sub watch_memory {
    say_now('memory');

    my ($bare) = grep { $_->{is_bare} } @$rows;
    my ($cold) = grep { $_->{cold} } @$rows;
    my @servers = map { $start->{ $_->{server} }->() } $bare, $cold;
    my $memory = Bench::Memory::measure($bare, $servers[0], $cold,
        $servers[1]);

    $_->stop for @servers;

    return $memory;
}


sub about {
    my $nginx = $ENV{AGW_NGINX} // '/usr/sbin/nginx';
    my $version = `$nginx -V 2>&1`;
    my ($openssl) = $version =~ /running with (OpenSSL \S+)/;
    my %cpus = cpus();
    my ($cpu) = slurp('/proc/cpuinfo') =~ /^model name\s*: (.*)$/m;

    ($openssl) = $version =~ /built with (OpenSSL \S+)/ unless $openssl;

    my (undef, undef, undef, undef, $class) = POSIX::uname();

    return {
        date => strftime('%Y-%m-%d', localtime), quick => quick() ? 1 : 0,
        machine => ($class =~ s/_/-/r) . ", $cpus{count} "
            . ($cpus{count} == 1 ? 'core' : 'cores'),
        cpu => $cpu, nginx => ($version =~ m{nginx/(\S+)})[0],
        openssl => $openssl, module => -s module_path(),
        map { $_ => knob($_) } qw(seconds rounds connections tokens batches
            count costly revoked businesses),
    };
}


# bare rows first in their section; sections as they came

sub in_order {
    my %section;

    $section{ $_->{section} } //= scalar keys %section for @$rows;

    return [map { $_->[0] } sort {
        $section{ $a->[0]{section} } <=> $section{ $b->[0]{section} }
            || ($b->[0]{is_bare} // 0) <=> ($a->[0]{is_bare} // 0)
            || $a->[1] <=> $b->[1];
    } map { [$rows->[$_], $_] } 0 .. $#$rows];
}


measure_load();
count_instructions();

my $openssl = ask_openssl();
my $memory = watch_memory();
my %shown = map { $_ => 1 } qw(section name note alg is_bare load cost);
my $result = {
    about => about(), memory => $memory, openssl => $openssl,
    document_bytes => length Bench::Material::document(),
    rows => [map {
        my $row = $_;

        +{ map { $_ => $row->{$_} } grep { $shown{$_} } keys %$row };
    } @{ in_order() }],
};

$upstream->stop;
spew("$out/bench.json",
    JSON->new->canonical->pretty->utf8->encode($result));
Bench::Picture::draw($result, "$out/bench.png");
print slurp(spew("$out/bench.txt", Bench::Table::text($result)));
say_now("also in $out/bench.txt, .json and .png");
