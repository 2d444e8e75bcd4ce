package AGW::Reasons;

# The response to each reason: t/unit/reasons.def, which unit tests include.

use strict;
use warnings;

use Exporter 'import';

use AGW::Files qw(repo_root slurp);

our @EXPORT_OK = qw(%reasons @administration);

# name => { status, error, error_code, type, enum }; enum is undef where the
# layer format has no error_enum

our %reasons;

# those that only administration has, see t/admin_*.t

our @administration = qw(not_administrator read_only unknown_object
    precondition_failed unsupported_media_type);

{
    my $table = slurp(repo_root() . '/t/unit/reasons.def')
        =~ s{^/\*.*?\*/\s*}{}sr;

    for (split /^(?=REASON)/m, $table) {
        my ($name, @row) = /^REASON\(AGW_\w+,\s+(\w+),\s+(\d+),\s+(\w+),
            \s+(\w+),\s+(\w+),\s+(\w+)\)\n\z/x
            or die "not a row of t/unit/reasons.def: $_";

        die "$name has two rows in t/unit/reasons.def\n" if $reasons{$name};
        $row[-1] = undef if $row[-1] eq 'NONE';
        @{ $reasons{$name} }{qw(status error error_code type enum)} = @row;
    }
}


1;
