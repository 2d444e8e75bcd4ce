package AGW::OperatorDay;

# The operator's day: conf/README.md's chapter on partners, API keys and
# businesses, with its commands, against a gateway that decides after each.

use strict;
use warnings;

use Exporter 'import';
use Test::More;

use AGW::Files qw(slurp spew);
use AGW::Handbook;
use AGW::Stopwatch;

our @EXPORT_OK = qw(operator_day);


# operator_day(what the chapter needs of a gateway):
#
#     shell => AGW::Handbook, command => AGW::Command
#     directory => where the shell's files are, for this process
#     token => sub (partner, key): (status of a token request, partner token)
#     business_token => sub (partner token, business): a token, or undef
#     opens => sub (business, token): the status of a guarded request
#     secret => sub (text): remembers a secret, and returns it
#     good_is => sub (sub): what must still be true after each refusal
#     admin_log => sub (): the text of auth_gateway_admin_log
#     others => businesses that the store has already, or none
#
# Some steps leave tokens and keys to the next.

sub operator_day {
    my (%day) = @_;

    my $day = bless { %day }, __PACKAGE__;

    $day->create;
    $day->roll;
    $day->close_and_open;
    $day->revoke;
    $day->explain_refusal;
    $day->import_many;

    like($day->command->exits('D11 the status', 0, 'status')->{out},
        qr/^status +ready$/m, 'is ready');

    # what was done is in the log of the administration, and no key

    my $log = $day->{admin_log}->();

    cmp_ok(scalar(() = $log =~ /\n/g), '>', 20, 'P11.7 each write is logged');
    unlike($log, qr/\Q$_\E/, 'without a secret')
        for @{ $day->{keys} }, $day->{now};

    return;
}


sub shell { return $_[0]{shell} }
sub command { return $_[0]{command} }


sub blocks { return AGW::Handbook::blocks(@_) }


# what partners do

sub token_status { return ($_[0]{token}->($_[0]{partner}, $_[1]))[0] }


sub business_token {
    my ($day, $key, $business) = @_;

    my (undef, $token) = $day->{token}->($day->{partner}, $key);
    my $made = defined $token
        ? $day->{business_token}->($token, $business) : undef;

    return defined $made ? $day->{secret}->($made) : undef;
}


sub opens { return $_[0]{opens}->(@_[1, 2]) }


sub key_of {
    my ($day, $file) = @_;

    my $key = $day->{secret}->(slurp("$day->{directory}/$file") =~ s/\n\z//r);

    push @{ $day->{keys} }, $key;

    return $key;
}


# a partner, its key, a business

sub create {
    my ($day) = @_;

    my $shell = $day->shell;
    my $said = $shell->run('D11 create a partner', blocks('Create a partner and'
        . ' its API key'));
    my $partner = $day->{partner} = $shell->get('partner');

    like($said, qr/^PARTNER_ID +$partner\n.*^NAME +Example Ltd\n/ms,
        'it is shown');

    my $key = $day->{key} = $day->key_of("$partner.key");

    like($key, qr/^agw_[0-9A-Za-z]{33}$/, 'D11 a key in its form');
    is((stat "$day->{directory}/$partner.key")[2] & 07777, 0600,
        'in a file of its owner');
    unlike($said, qr/\Q$key\E/, 'and nowhere else');
    is($day->token_status($key), 200, 'the partner gets a token');

    $said = $shell->run('D11 create a business', blocks('Create a business'));

    my $business = $day->{business} = $shell->get('business');

    like($said, qr/^$business  $partner  active$/m, 'it is in the list');

    $day->{now} = $day->business_token($key, $business);

    is($day->opens($business, $day->{now}), 200, 'its token opens it');

    $day->{good_is}->(sub {
        return $day->opens($business, $day->{now}) == 200;
    });

    return;
}


# a key is rolled

sub roll {
    my ($day) = @_;

    my ($shell, $command, $partner) = @$day{qw(shell command partner)};
    my ($key, $business) = @$day{qw(key business)};
    my ($roll, $delete, $end) = blocks('Rotate an API key');
    my ($first) = @{ $command->json('D11 keys of a partner', 0, 'key', 'list',
        $partner)->{keys} };

    is($first->{name}, 'first', 'there is the one');
    $shell->set(key_id => $first->{key_id});
    $shell->run('D11 roll a key', $roll);

    my $next = $day->key_of("$partner.next");

    isnt($next, $key, 'D11 another key');
    is($day->token_status($key), 200, 'the old one lives');
    is($day->token_status($next), 200, 'beside the new one');

    my $keys = $command->json('D11 both keys', 0, 'key', 'list', $partner);
    my ($old) = grep { $_->{key_id} eq $first->{key_id} } @{ $keys->{keys} };

    cmp_ok(abs($old->{expires_at} - time - 14 * 86400), '<', 300,
        'the old one ends in two weeks');

    my $said = $shell->run('D11 delete the old one', $delete);

    like($said, qr/^\Q$first->{key_id}\E +first +\d{4}-/m, 'after a look at it');
    is($day->token_status($key), 401, 'it is refused');
    is($day->token_status($next), 200, 'the new one is not');
    is($day->opens($business, $day->{now}), 200,
        'tokens of the old one live');

    # with a grace of nothing

    my ($current) = @{ $command->json('D11 the key', 0, 'key', 'list',
        $partner)->{keys} };
    my $made = $command->json('D11 a roll with no grace', 0, 'key', 'roll',
        $partner, $current->{key_id}, '--grace', '0');

    push @{ $day->{keys} }, $day->{secret}->($made->{api_key});
    is($day->token_status($next), 401, 'ends the old one at once');
    is($day->token_status($made->{api_key}), 200, 'the new one is there');

    $day->leak($made, $end);

    return;
}


# a key that leaked

sub leak {
    my ($day, $made, $end) = @_;

    my ($shell, $business) = @$day{qw(shell business)};

    $day->{good_is}->(undef);
    $day->{now} = $day->business_token($made->{api_key}, $business);
    $shell->set(key_id => $made->{key_id});
    $shell->run('D11 a key that leaked', $end);

    is($day->token_status($made->{api_key}), 401, 'it is refused');
    is($day->opens($business, $day->{now}), 401,
        'and so is each token of the partner');

    my $another = $day->command->json('D11 another key', 0, 'key', 'create',
        $day->{partner});

    $day->{key} = $day->{secret}->($another->{api_key});
    push @{ $day->{keys} }, $day->{key};
    $day->{now} = $day->business_token($day->{key}, $business);
    is($day->opens($business, $day->{now}), 200,
        'with another key there are new ones');

    return;
}


# closed, and opened again

sub close_and_open {
    my ($day) = @_;

    my ($shell, $command, $partner) = @$day{qw(shell command partner)};
    my ($key, $business) = @$day{qw(key business)};
    my ($close, $move) = blocks('Close a partner or a business');
    my ($archive, $disable) = split /(?<=\n)/, $close;
    my $again = sub {
        $day->{now} = $day->business_token($key, $business);
        is($day->opens($business, $day->{now}), 200, $_[0]);
    };

    $shell->run('D11 archive a business', $archive);
    isnt($day->opens($business, $day->{now}), 200, 'its token ends');
    is($day->business_token($key, $business), undef, 'and there is none');

    $command->exits('D11 restore it', 0, 'business', 'restore', $business);
    isnt($day->opens($business, $day->{now}), 200,
        'the token does not come back');
    $again->('but there are new ones');

    my $other = $command->json('D11 another partner', 0, 'partner', 'create');

    $shell->set(other_partner => $other->{partner_id});
    $shell->run('D11 move a business', $move);
    isnt($day->opens($business, $day->{now}), 200,
        'the former partner has none');
    is($day->business_token($key, $business), undef, 'and gets none');
    $command->exits('D11 move it back', 0, 'business', 'move', $business,
        $partner);
    $again->('it is as before');

    $shell->run('D11 disable a partner', $disable);
    is($day->opens($business, $day->{now}), 401, 'its tokens end');
    is($day->token_status($key), 401, 'and it gets none');
    $command->exits('D11 enable it', 0, 'partner', 'enable', $partner);
    $again->('it is as before');

    return;
}


# revoked, in each way

sub revoke {
    my ($day) = @_;

    my ($partner, $key, $business) = @$day{qw(partner key business)};
    my ($revoke) = blocks('Revoke');
    my $said;

    for my $line (split /(?<=\n)/, $revoke) {
        my ($name) = $line =~ /^auth-gateway (\w+ \w+)/;

        my $token = $day->{now} = $day->business_token($key, $business);

        spew("$day->{directory}/leaked.token", "$token\n", 0600);
        is($day->opens($business, $token), 200, "D11 before $name");
        $said = $day->shell->run("D11 $name", $line);
        is($day->opens($business, $token),
            $name eq 'revocation list' ? 200 : 401, 'and after');
    }

    like($said, qr/^\d+ +\S+Z +partner +$partner$/m, 'D11 they are listed');
    like($said, qr/^\d+ +\S+Z +token +$partner:[\w-]+$/m, 'each of them');

    return;
}


# why a request is refused

sub explain_refusal {
    my ($day) = @_;

    my ($shell, $key, $business) = @$day{qw(shell key business)};
    my ($explain) = blocks('Explain a refusal');
    my $token = $day->business_token($key, $business);

    spew("$day->{directory}/reported.token", "$token\n", 0600);
    like($shell->run('D11 explain', $explain), qr/^The request is allowed\.$/m,
        'it is allowed');

    $day->command->exits('D11 revoke', 0, 'revoke', 'business', $business);

    my $said = $shell->run('D11 explain a refusal', $explain);

    like($said, qr/^The request is refused: revoked$/m, 'it is refused');
    is(scalar(() = $said =~ /^>  \w+ +refused  /mg), 1, 'one check decides');
    unlike($said, qr/\Q$token\E/, 'the token is not shown');

    $day->{now} = $day->business_token($key, $business);

    return;
}


# 100,000 businesses

sub import_many {
    my ($day) = @_;

    my ($shell, $partner, $key) = @$day{qw(shell partner key)};
    my $count = $ENV{AGW_IMPORT} // 100_000;
    my $id = sub { return sprintf 'b%06d', $_[0] };

    spew("$day->{directory}/businesses.ndjson", join '', map {
        qq({"type":"business","business_id":") . $id->($_)
            . qq(","partner_id":"$partner"}\n) } 1 .. $count);

    my ($import) = blocks('Import a file');
    my ($check, $do, $export) = split /(?<=\n)/, $import;

    like($shell->run('D11 a dry run', $check),
        qr/^$count lines are good, and nothing was changed/m, 'all are good');
    is($day->opens($id->(1), $day->{now}), 403, 'nothing was changed');

    my $watch = AGW::Stopwatch->start;

    like($shell->run('D11 an import', $do), qr/^$count lines imported in /m,
        'all are in');
    diag(sprintf '%d businesses imported in %.1f s', $count, $watch->seconds);

    my $last = $id->($count);

    is($day->opens($last, $day->business_token($key, $last)), 200,
        'the last one opens');

    $shell->run('D11 an export', $export);

    my $out = slurp("$day->{directory}/gateway.ndjson");

    is(scalar(() = $out =~ /"type": ?"business"/g),
        $count + 1 + ($day->{others} // 0), 'has each business');
    unlike($out, qr/\Q$key\E/, 'and no key');

    # what was exported is imported as it is

    $shell->run('D11 import of an export', 'auth-gateway import --dry-run'
        . ' gateway.ndjson');

    return;
}


1;
