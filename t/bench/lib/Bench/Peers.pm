package Bench::Peers;

# Others that check tokens: those that Debian packages, where they are
# installed, and those of BENCH_PEER.  Each checks a signature and exp; none
# knows a business, and none is told what has been revoked.

use strict;
use warnings;

use AGW::Files qw(repo_root slurp spew);
use Bench::Configs;
use Bench::HAProxy;
use Bench::Server;


sub modules_path {
    my $nginx = $ENV{AGW_NGINX} // '/usr/sbin/nginx';
    my ($path) = `$nginx -V 2>&1` =~ /--modules-path=(\S+)/;

    return $path // '/usr/lib/nginx/modules';
}


# of these files the ones that are not there; a pattern is one file

sub missing {
    return grep { my @found = glob; !grep { -e } @found } @_;
}


# [ { name, missing, modules, http => lines, location => lines } ]: others
# built as nginx modules

sub modules {
    my ($material) = @_;

    my $from = repo_root() . '/t/bench/peers';
    my $to = $material->{dir};
    my $dir = modules_path();
    my @js = ("$dir/ngx_http_js_module.so");
    my @lua = ("$dir/ndk_http_module.so", "$dir/ngx_http_lua_module.so");
    my $secret = $material->{secret};

    # where the workers can read them

    spew("$to/$_", slurp("$from/$_") =~ s/%%SECRET%%/$secret/r, 0644)
        for qw(check.js check.lua);

    my @peers = ({
        name => 'njs, HS256', modules => \@js, missing => [missing(@js)],
        http => "js_import check from $to/check.js;"
            . ' js_set $allowed check.allowed;',
        location => 'if ($allowed = "") { return 401; }',
    }, {
        name => 'Lua, HS256', modules => \@lua, missing => [missing(@lua,
            '/usr/lib/*/lua/5.1/cjson.so', '/usr/share/lua/5.1/ngx')],
        http => "lua_package_path \"$to/?.lua;;\";",
        location => 'access_by_lua_block {'
            . " require(\"check\").check(\"$secret\") }",
    });

    for (split ' ', $ENV{BENCH_PEER} // '') {
        my ($name, $so, $conf) = /^([^=]+)=(\/[^,]+),(\/[^,]+)$/;

        die "BENCH_PEER: $_: not name=/module.so,/location.conf\n"
            unless defined $conf && -f $so && -f $conf;
        push @peers, { name => $name, modules => [$so], missing => [],
            http => '', location => slurp($conf) };
    }

    return @peers;
}


# Returns rows, and { server => sub (callgrind or undef) that starts it }.
# A row whose program is not there has a note, and no server.

sub all {
    my ($material, $request, @names) = @_;

    my (@rows, %start);
    my %common = (guard => 1, peer => 1, requests => [$request]);

    for my $peer (modules($material)) {
        my $name = $peer->{name};
        my $main = join '', map { "load_module $_;\n" }
            @{ $peer->{modules} };
        my $http = Bench::Configs::proxy() . "    $peer->{http}\n"
            . join '', map {
                Bench::Configs::guarded("PLAIN$_->[0]", $_->[1],
                    $peer->{location});
            } [1, 'static'], [2, 'proxied'];
        my @note = @{ $peer->{missing} } ? (note => 'not installed') : ();

        $start{$name} = sub {
            return Bench::Server->start($http, @names, main => $main, @_);
        } unless @note;
        push @rows, { %common, section => 'static', name => $name,
            server => $name, port => 'PLAIN1', @note };
        push @rows, { %common, section => 'proxied', name => $name,
            server => $name, port => 'PLAIN2', @note };
    }

    return (\@rows, \%start);
}


# HAProxy only proxies, and is compared with itself too

sub haproxy {
    my ($material, $upstream, %request) = @_;

    my %common = (section => 'proxied', server => 'HAProxy',
        only_load => 1, peer => 1);
    my @note = Bench::HAProxy::command() ? () : (note => 'not installed');
    my @rows = (
        { %common, name => 'HAProxy, no check', port => 'PLAIN1',
            requests => [$request{HS256}], @note },
        { %common, name => 'HAProxy, HS256', port => 'PLAIN2', guard => 1,
            alg => 'HS256', requests => [$request{HS256}], @note },
        { %common, name => 'HAProxy, RS256', port => 'PLAIN3', guard => 1,
            alg => 'RS256', requests => [$request{RS256}], @note },
    );

    return (\@rows, @note ? {} : {
        HAProxy => sub {
            return Bench::HAProxy->start($material, $upstream);
        },
    });
}


1;
