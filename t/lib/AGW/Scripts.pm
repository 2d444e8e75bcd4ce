package AGW::Scripts;

# The Lua scripts of the Redis engine, as its source has them.

use strict;
use warnings;

use Exporter qw(import);
use FindBin;

use AGW::Files qw(slurp);

our @EXPORT_OK = qw(script);

my $file = "$FindBin::Bin/../src/store/redis/ngx_http_agw_redis_lua.c";

my %texts;


# the text of ngx_http_agw_redis_<name>_lua

sub script {
    my ($name) = @_;

    _read() if !%texts;

    return $texts{"ngx_http_agw_redis_${name}_lua"} // die "no script $name";
}


sub _read {
    # the parts of a script, and the scripts

    my $source = join '', map { slurp($_) }
        $file =~ s/\.c\z/_parts.h/r, $file;

    $source =~ s/\\\n//g;
    $source =~ s{/\*.*?\*/}{}gs;

    while ($source =~ /^\#define\s+(AGW_LUA_\w+)\s+(.*)$/gm) {
        $texts{$1} = _join($2);
    }

    while ($source
        =~ /(\w+_lua) = ngx_string\(((?:\s*"[^"]*"|\s*AGW_\w+)+)\);/g)
    {
        $texts{$1} = _join($2);
    }

    return;
}


sub _join {
    my ($words) = @_;

    my $text = '';

    while ($words =~ /"([^"]*)"|(AGW_\w+)/g) {
        $text .= defined $1 ? $1 : $texts{$2};
    }

    return $text;
}


1;
