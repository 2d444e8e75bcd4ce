# D3: what nginx -t says to auth_gateway_token_cache.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Config qw(accepted check configuration in_place refused $guard
    $key);

my $name = 'auth_gateway_token_cache';
my $accepted = qr/it must be "off" or a number of entries from 1 to 1048576/;

configuration();

# values

refused("$name $_", $name, '"' . s/"//gr . '"', $accepted,
    http => "$name $_;")
    for qw(0 -1 1048577 1048576000 99999999999999999999
        18446744073709551617 4294967297 -4096 +1 1.5 1e3 0x10 00 on Off OFF
        offf none yes 4k 4096k 1m 4096x x4096 true $x), '"4096 "', '" 4096"';
refused("$name, empty", $name, '""', $accepted, http => "$name \"\";");
refused("$name, a line feed", $name, undef, $accepted,
    http => "$name \"1\n\";");

accepted("$name $_", http => "$name $_;", location => $guard)
    for qw(1 2 3 4096 65536 1048575 1048576 off);

# arguments, repetition, places

like((check(http => "$name 1 2;"))[1],
    qr/\[emerg\] .*invalid number of arguments in "$name"/,
    'D3 refused: two arguments');
like((check(http => "$name off off;"))[1],
    qr/\[emerg\] .*invalid number of arguments in "$name"/,
    'D3 refused: off twice in one');
like((check(http => "$name;"))[1],
    qr/\[emerg\] .*invalid number of arguments in "$name"/,
    'D3 refused: none');

for (['4096', '4096'], ['4096', 'off'], ['off', '4096'], ['off', 'off'],
    ['1', '2'])
{
    my $lines = join ' ', map { "$name $_;" } @$_;

    refused("twice, $lines", $name, undef, qr/is duplicate/,
        http => $lines);
}

for my $place (qw(main server location limit_except if if_in_server upstream))
{
    my %part = in_place($place, "$name 4096;");

    like((check(%part))[1],
        qr/\[emerg\] .*"$name" directive is not allowed here/,
        "D3 refused: in $place");
}

# it needs nothing else, and harms nothing

accepted('without a store', store => '', http => "$name 10;",
    location => $guard);
accepted('without a guarded location', http => "$name 10;");
accepted('without a key and a store', store => '', key => '',
    http => "$name 10;");
accepted('before the key', key => "$name 10; $key",
    location => $guard);

done_testing();
