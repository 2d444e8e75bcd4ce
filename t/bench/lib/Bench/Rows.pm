package Bench::Rows;

# The rows of guarded requests, and what each has to answer before it is
# measured.
#
# A row is { section, name, server, port, requests, file, cold, from, guard,
# alg, is_bare, only_cost, fill }: requests are sent in turn if cold, by
# callgrind from the one of that number on and without counting the first
# fill of them; otherwise the first again and again.  The file has the same
# for wrk.  base() is the row that it is compared with.

use strict;
use warnings;

use Exporter 'import';
use Time::HiRes qw(sleep time);

use AGW::Files qw(random_id);
use AGW::Token qw(claims_of);
use Bench::Knobs qw(knob);
use Bench::Material;

our @EXPORT_OK = qw(all base prepare verify);

my $CACHE = 4_200;                   # more than it has by default
my %heads;                           # of each section's first answer
my @sections = (['static', 1], ['proxied', 2]);


sub all {
    my ($material) = @_;

    my (%cold, @rows);
    my %size = map { $_ => length $material->tokens($_)->[0] }
        Bench::Material::algs();
    my $warm = sub { [$material->get($material->tokens($_[0])->[0])] };
    my $cold = sub {
        $cold{$_[0]} //= [
            map { $material->get($_) } @{ $material->tokens($_[0]) }
        ];
    };

    for (@sections) {
        my ($section, $digit) = @$_;
        my $auth_request = 'PLAIN' . ($digit + 2);
        my $n = 0;

        push @rows, map { {
            section => $section, server => 'stock', port => "PLAIN$digit",
            name => sprintf('bare nginx, token of %d', $size{$_}),
            requests => $warm->($_), is_bare => 1,
        } } grep { $_ ne 'EdDSA' || $size{EdDSA} != $size{ES256} }
            Bench::Material::algs();
        push @rows, {
            section => $section, name => 'auth_request, empty 204',
            server => 'stock', port => $auth_request,
            requests => $warm->('HS256'),
        };

        for my $alg (Bench::Material::algs()) {
            my %common = (section => $section, alg => $alg, guard => 1,
                server => 'gateway', port => 'PLAIN' . ++$n . $digit);

            push @rows,
                { %common, name => "$alg, warm", requests => $warm->($alg) },
                { %common, name => "$alg, first sight", cold => 1,
                    requests => $cold->($alg),
                    from => ($digit - 1) * knob('tokens') / 2 };
            push @rows, { %common, name => "$alg, cache off", cold => 1,
                server => 'uncached', requests => $cold->($alg) }
                if $section eq 'static';
        }
    }

    # the last of the tokens, with as many before them as the cache holds;
    # under load every first sight is one like these

    push @rows, {
        section => 'static', name => 'HS256, the cache full', cold => 1,
        server => 'gateway', port => 'PLAIN11', alg => 'HS256', guard => 1,
        requests => $cold->('HS256'), fill => $CACHE, only_cost => 1,
        from => knob('tokens') - $CACHE - 500,
    };

    push @rows, {
        section => 'guarded_proxy.conf', name => 'bare nginx, these headers',
        server => 'stock', port => 'PLAIN5', requests => $warm->('HS256'),
        is_bare => 1,
    }, {
        section => 'guarded_proxy.conf', name => 'HS256, warm', guard => 1,
        server => 'gateway', port => 'PLAIN13', alg => 'HS256',
        requests => $warm->('HS256'),
    };

    return @rows;
}


# The bare row of the same section whose request is as long: nginx itself
# spends some ten instructions on each byte of a header.

sub base {
    my ($row, @rows) = @_;

    return $row if $row->{is_bare};

    my ($base) = grep {
        $_->{is_bare} && $_->{section} eq $row->{section}
            && length $_->{requests}[0] == length $row->{requests}[0];
    } @rows;

    return $base // die "$row->{section}: $row->{name}: no bare row
";
}


# What wrk reads.  Rows of the same tokens share a file, and with it where
# the last of them stopped: so no token comes back before all others came.

sub prepare {
    my ($material, @rows) = @_;

    my $n = 0;

    for my $row (@rows) {
        my $name = $row->{cold} ? "$row->{alg}.cold" : 'row.' . ++$n;

        $row->{file} //= $material->requests_file($name,
            @{ $row->{requests} });
    }

    return;
}


# Rows of other tokens, and one of each algorithm that is revoked: dies if
# the gateway does not learn of them in ten seconds.

sub revoke {
    my ($material, $server) = @_;

    my $until = $material->{now} + 86_000;
    my $count = knob('revoked');
    my $n = 0;

    $server->store->sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT"
        . " i + 1 FROM n WHERE i < $count) INSERT INTO revocations (kind, id,"
        . " cutoff, expires_at) SELECT 'token', 'p' || (i % 100) || ':' ||"
        . " lower(hex(randomblob(11))), 1, $until FROM n");

    for my $alg (Bench::Material::algs()) {
        my ($token) = $material->mint($alg, 1);
        my $id = "$material->{partner}:" . claims_of($token)->{jti};
        my $port = 'PLAIN' . ++$n . '1';
        my $end = time + 10;

        expect("$alg, before it is revoked", 200,
            $server->ask($port, $material->get($token)));
        $server->store->sql('INSERT INTO revocations (kind, id, cutoff,'
            . " expires_at) VALUES ('token', '$id', 1, $until)");

        while ($server->ask($port, $material->get($token))->{status} != 401) {
            die "$alg: a revoked token opens still\n" if time > $end;
            sleep 0.2;
        }
    }

    return;
}


sub expect {
    my ($what, $status, $answer) = @_;

    die "$what: $answer->{status}, not $status\n$answer->{head}\n"
        if $answer->{status} != $status;

    return $answer;
}


# Dies where the server's answer is not what the row claims; returns the
# bytes of a good answer.  No token, one with another byte in its signature,
# and one for another business are refused.

sub verify {
    my ($material, $row, $server) = @_;

    my $name = "$row->{section}: $row->{name}";
    my $request = $row->{requests}[-1];
    my $good = expect($name, 200, $server->ask($row->{port}, $request));

    die "$name: another document: $good->{body}\n"
        if $good->{body} ne Bench::Material::document();

    # nginx answers with the same headers whatever was checked

    my $head = $good->{head} =~ s/^Date: .*\n//mr;

    $heads{ $row->{section} } //= $head;
    die "$name: other headers than its bare row's\n$head\n"
        if $head ne $heads{ $row->{section} } && !$row->{only_load};

    return $good->{size} unless $row->{guard};

    my ($token) = $request =~ /^Authorization: Bearer (\S+)\r$/m;
    my $forged = $token;
    my $path = "/v1/businesses/" . random_id() . '/invoices';

    substr($forged, -9, 1) =~ tr/A-Za-z0-9_-/B-ZAb-za1-90\-_/;
    expect("$name, no token", 401,
        $server->ask($row->{port}, $material->get(undef)));
    expect("$name, a forged token", 401,
        $server->ask($row->{port}, $material->get($forged)));
    expect("$name, another business", 403, $server->ask($row->{port},
        $material->get($token, path => $path))) unless $row->{peer};

    return $good->{size};
}


1;
