# D5: AGW::FleetJudge, which decides whether a fleet kept its promises, finds
# what breaks each of them in histories that were written by hand, and nothing
# in those beside them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::FleetJudge;

# Events are words, tokens t1 of partner p for business b; the last one is what
# is judged.  Returns the promises that were broken.

sub broken {
    my ($history) = @_;

    my $judge = AGW::FleetJudge->new;

    for my $line (grep { /\S/ } split /\n/, $history) {
        $judge->judge(split ' ', $line);
    }

    return join ', ', map { /^(G\d \S+|refused, and not revoked)/ ? $1 : $_ }
        @{ $judge->{wrong} };
}

my $issued = "issued 1 1.1 0 t1 p b\n";
my $revoked = "${issued}begun 2 r1 token:t1\nended 2 2.1 0 r1 200\n";
my $cut_off = "${issued}begun 2 r1 owner:p:b\nended 2 2.1 0 r1 200\n";
my $moved = "${issued}begun 2 r1 owner:p:b\nended 2 2.1 change r1 ok\n";

for (
    ['a token that lives', "$issued asked 2 2.1 1 t1 ok", ''],
    ['on the node that answered, at once', "$revoked asked 2.2 2.3 0 t1 ok",
        'G1 accepted:'],
    ['asked before the answer', "$revoked asked 2.05 2.3 0 t1 ok", ''],
    ['on another, within a second', "$revoked asked 3 3.1 1 t1 ok", ''],
    ['and after it', "$revoked asked 3.2 3.3 1 t1 ok", 'G1 accepted:'],
    ['refused', "$revoked asked 3.2 3.3 1 t1 revoked", ''],
    ['a 503 promises nothing', "${issued}begun 2 r1 token:t1\n"
        . "ended 2 2.1 0 r1 503\nasked 9 9.1 0 t1 ok", ''],
    ['and allows a refusal', "${issued}begun 2 r1 token:t1\n"
        . "ended 2 2.1 0 r1 503\nasked 9 9.1 0 t1 revoked", ''],

    ['once refused, always', "${issued}begun 2 r1 token:t1\n"
        . "ended 2 2.1 0 r1 503\nasked 3 3.1 1 t1 revoked\n"
        . 'asked 3.2 3.3 1 t1 ok', 'G3 accepted:'],
    ['what one knew, another has to know', "${issued}begun 2 r1 token:t1\n"
        . "ended 2 2.1 0 r1 503\nasked 3 3.1 1 t1 revoked\n"
        . 'asked 4.2 4.3 2 t1 ok', 'G4 accepted:'],
    ['a second later', "${issued}begun 2 r1 token:t1\n"
        . "ended 2 2.1 0 r1 503\nasked 3 3.1 1 t1 revoked\n"
        . 'asked 4 4.3 2 t1 ok', ''],

    ['a cut-off ends what was issued before', "$cut_off"
        . 'asked 4 4.1 1 t1 ok', 'G1 accepted:'],
    ['and not what was issued after', "$cut_off issued 2.2 2.3 1 t2 p b\n"
        . 'asked 4 4.1 1 t2 ok', ''],
    ['which may not be refused', "$cut_off issued 2.2 2.3 1 t2 p b\n"
        . 'asked 4 4.1 1 t2 revoked', 'refused, and not revoked'],
    ['what was issued meanwhile may be', "$cut_off issued 2 2.3 1 t2 p b\n"
        . "asked 4 4.1 1 t2 revoked", ''],
    ['nor what is for another business', "$cut_off issued 1 1.1 1 t2 p c\n"
        . 'asked 4 4.1 1 t2 revoked', 'refused, and not revoked'],

    ['what was issued while a business moved ends',
        "$moved issued 2 2.2 1 t2 p b\nasked 4 4.1 1 t2 ok", 'G1 accepted:'],
    ['what was issued once it had moved, too',
        "$moved issued 2.2 2.3 1 t2 p b\nasked 4 4.1 1 t2 ok",
        'G1 accepted:'],
    ['which it may be while that is asked', "$moved"
        . "issued 2.9 3.1 1 t2 p b\nregained 3 owner:p:b\n"
        . 'asked 5 5.1 1 t2 ok', ''],
    ['not once it is back', "$moved regained 3 owner:p:b\n"
        . "issued 3.1 3.2 1 t2 p b\nasked 5 5.1 1 t2 ok", ''],

    ['a node that is cut off need not know', "fault 1 f 1 on\n$revoked"
        . 'asked 9 9.1 1 t1 ok', ''],
    ['but others', "fault 1 f 1 on\n$revoked asked 9 9.1 2 t1 ok",
        'G1 accepted:'],
    ['nor at once when it is back', "fault 1 f 1 on\n${revoked}fault 9 f 1 off\n"
        . 'asked 11.9 11.95 1 t1 ok', ''],
    ['but soon', "fault 1 f 1 on\n${revoked}fault 9 f 1 off\n"
        . 'asked 12.1 12.2 1 t1 ok', 'G1 accepted:'],
    ['what it refused it refuses while it is cut off', "$revoked"
        . "asked 2.5 2.6 1 t1 revoked\nfault 3 f 1 on\nasked 9 9.1 1 t1 ok",
        'G3 accepted:'],
    ['and once it was restarted', "$revoked asked 2.5 2.6 1 t1 revoked\n"
        . "fault 5 f 1 on\nstarted 6 1 5.5\nasked 6.1 6.2 1 t1 ok",
        'G3 accepted:'],
    ['if it had the time to write it', "$revoked asked 2.5 2.6 1 t1 revoked\n"
        . "fault 2.7 f 1 on\nstarted 4 1 3\nasked 4.1 4.2 1 t1 ok", ''],
    ['which the nginx that ended had not, though it is heard from later',
        "${issued}fault 1.9 f 0 on\nbegun 2 r1 token:t1\n"
        . "started 2.2 0 2.05\nended 2 2.3 0 r1 200\nasked 3 3.1 0 t1 ok", ''],
    ['nor what refused it then', "$revoked fault 2.1 f 1 on\n"
        . "started 2.3 1 2.2\nasked 2.15 2.4 1 t1 revoked\n"
        . 'asked 3 3.1 1 t1 ok', ''],
    ['but what the new one answered counts at once',
        "${issued}fault 1.9 f 0 on\nstarted 1.95 0 1.92\n"
        . "begun 2 r1 token:t1\nended 2 2.1 0 r1 200\nasked 2.2 2.3 0 t1 ok", 'G1 accepted:'],

    ['what Redis lost comes back', "${revoked}lost 3\nasked 6.2 6.3 2 t1 ok",
        'G1 accepted:'],
    ['in its time', "${revoked}lost 3\nasked 5.9 6.3 2 t1 ok", ''],
    ['what it lost before the answer, too', "${issued}begun 2 r1 token:t1\n"
        . "lost 2.05\nended 2.05 2.1 0 r1 200\nasked 5 5.3 2 t1 ok", ''],
    ['in no longer time', "${issued}begun 2 r1 token:t1\n"
        . "lost 2.05\nended 2.05 2.1 0 r1 200\nasked 5.1 5.3 2 t1 ok",
        'G1 accepted:'],
    ['and what a node knew before, though it is seen later', "$revoked"
        . "lost 3\nasked 3.1 3.2 1 t1 revoked\nasked 5.9 6.3 2 t1 ok", ''],
    ['which has no longer, either', "$revoked"
        . "lost 3\nasked 3.1 3.2 1 t1 revoked\nasked 6.1 6.3 2 t1 ok",
        'G1 accepted:'],
    ['what began after a loss is due as ever', "${issued}lost 1.9\n"
        . "begun 2 r1 token:t1\nended 2 2.1 0 r1 503\n"
        . "asked 3 3.1 1 t1 revoked\nasked 4.5 4.6 2 t1 ok", 'G4 accepted:'],
    ['if it is known to who is connected', "fault 2.2 f 0 on\n${revoked}lost 3\n"
        . 'asked 9 9.1 2 t1 ok', ''],

    ['no guarded request is lost', "${issued}fault 2 f * on\n"
        . 'asked 9 9.1 1 t1 store_unavailable', 'G5 store_unavailable:'],
    ['but at a start', "${issued}started 8 1 7\n"
        . 'asked 9 9.1 1 t1 store_unavailable', ''],
    ['a 503 while Redis is away', "fault 2 f * on\nwanted 9 9.05 1 503 0", ''],
    ['which is late', "fault 2 f * on\nwanted 9 9.9 1 503 0", 'G5 a'],
    ['when nobody knew yet', "fault 2 f * on\nwanted 3 4 1 503 0", ''],
    ['a 503 soon after', "fault 2 f * on\nfault 9 f * off\n"
        . 'wanted 11 11.1 1 503 0', ''],
    ['and long after', "fault 2 f * on\nfault 9 f * off\n"
        . 'wanted 13 13.1 1 503 0', 'G5 not'],
    ['no token for one that is revoked', "issued 1 1.1 0 p1 p - -\n"
        . "begun 2 r1 token:p1\nended 2 2.1 0 r1 200\n"
        . 'issued 2.2 2.3 1 t2 p b p1', 'G1 issued'],
    ['but while that is asked', "issued 1 1.1 0 p1 p - -\n"
        . "begun 2 r1 token:p1\nended 2 2.1 0 r1 200\n"
        . 'issued 2.05 2.3 1 t2 p b p1', ''],
    ['a token does not end by a clock', "$issued asked 2 2.1 1 t1 expired",
        'expired: t1 node 1 at 2'],
    ['but by one that was stepped', "clock 1.5 1\n$issued"
        . 'asked 2 2.1 1 t1 expired', ''],
    ['any other reason', "$issued asked 2 2.1 1 t1 wrong_kind",
        'wrong_kind: t1 node 1 at 2'],
    ['a 401 to who may', 'wanted 13 13.1 1 401 0', 'G5 answered'],
) {
    my ($name, $history, $broken) = @$_;

    is(broken($history), $broken, "D5 $name");
}

done_testing();
