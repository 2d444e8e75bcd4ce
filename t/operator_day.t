# The operator's day, with the command line alone: conf/README.md's chapter on
# partners, API keys and businesses, with its commands, against a gateway that
# decides after each.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON ();
use Test::More;

use AGW::Command qw(no_command);
use AGW::Files qw(slurp spew);
use AGW::Gateway;
use AGW::Handbook;
use AGW::Skip qw(skip_all_for);
use AGW::Stopwatch;

skip_all_for('libcurl', "the operator's day is") if no_command();

my $json = JSON->new->utf8;

my $gw = AGW::Gateway->start(<<'CONF');
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_admin_log %%PREFIX%%/logs/admin.log;

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        listen unix:%%PREFIX%%/admin.sock;

        auth_gateway_require business owner;
        auth_gateway_business_path /v1/businesses/<business_id>;

        location = /token { auth_gateway_token partner; }

        location /v1/platform/ {
            auth_gateway_token business;
            auth_gateway_business_path /v1/platform/<business_id>/token;
        }

        location /v1/businesses/ {
            proxy_pass http://127.0.0.1:%%UPSTREAM%%;
        }

        location /admin/ { auth_gateway_admin write %%ADMIN%%; }
        location = /status { auth_gateway_status; }
    }
}
CONF

my $prefix = $gw->prefix;
my $command = AGW::Command->new(socket => "$prefix/admin.sock");
my $shell = AGW::Handbook->new($prefix, AUTH_GATEWAY_SOCKET =>
    "$prefix/admin.sock");

# what partners do

sub token {
    my ($key) = @_;

    return $gw->request('POST', '/token', basic => [$shell->get('partner'),
        $key]);
}

sub business_token {
    my ($key, $business) = @_;

    my $answer = $gw->request('POST', "/v1/platform/$business/token",
        bearer => token($key)->json->{access_token});

    return $answer->status == 200
        ? $gw->keep_secret($answer->json->{access_token}) : undef;
}

sub opens {
    my ($business, $token) = @_;

    return $gw->request('GET', "/v1/businesses/$business/x", bearer => $token)
        ->status;
}

sub key_of {
    my ($file) = @_;

    return $gw->keep_secret(slurp("$prefix/$file") =~ s/\n\z//r);
}

sub blocks { return AGW::Handbook::blocks(@_) }


# a partner, its key, a business

my $said = $shell->run('D11 create a partner', blocks('Create a partner and'
    . ' its API key'));
my $partner = $shell->get('partner');

like($said, qr/^PARTNER_ID +$partner\n.*^NAME +Example Ltd\n/ms, 'it is shown');

my $key = key_of("$partner.key");

like($key, qr/^agw_[0-9A-Za-z]{33}$/, 'D11 a key in its form');
is((stat "$prefix/$partner.key")[2] & 07777, 0600, 'in a file of its owner');
unlike($said, qr/\Q$key\E/, 'and nowhere else');
is(token($key)->status, 200, 'the partner gets a token');

$said = $shell->run('D11 create a business', blocks('Create a business'));

my $business = $shell->get('business');

like($said, qr/^$business  $partner  active$/m, 'it is in the list');

my $token = business_token($key, $business);

is(opens($business, $token), 200, 'its token opens it');

$gw->good_is(sub { return opens($business, $token) == 200 });


# a key is rolled

my ($roll, $delete, $end) = blocks('Rotate an API key');
my ($first) = @{ $command->json('D11 keys of a partner', 0, 'key', 'list',
    $partner)->{keys} };

is($first->{name}, 'first', 'there is the one');
$shell->set(key_id => $first->{key_id});
$shell->run('D11 roll a key', $roll);

my $next = key_of("$partner.next");

isnt($next, $key, 'D11 another key');
is(token($key)->status, 200, 'the old one lives');
is(token($next)->status, 200, 'beside the new one');

my $keys = $command->json('D11 both keys', 0, 'key', 'list', $partner);
my ($old) = grep { $_->{key_id} eq $first->{key_id} } @{ $keys->{keys} };

cmp_ok(abs($old->{expires_at} - time - 14 * 86400), '<', 300,
    'the old one ends in two weeks');

$said = $shell->run('D11 delete the old one', $delete);
like($said, qr/^\Q$first->{key_id}\E +first +\d{4}-/m, 'after a look at it');
is(token($key)->status, 401, 'it is refused');
is(token($next)->status, 200, 'the new one is not');
is(opens($business, $token), 200, 'tokens of the old one live');

# with a grace of nothing

{
    my ($current) = @{ $command->json('D11 the key', 0, 'key', 'list',
        $partner)->{keys} };
    my $made = $command->json('D11 a roll with no grace', 0, 'key', 'roll',
        $partner, $current->{key_id}, '--grace', '0');

    $gw->keep_secret($made->{api_key});
    is(token($next)->status, 401, 'ends the old one at once');
    is(token($made->{api_key})->status, 200, 'the new one is there');
    $next = $made->{api_key};

    # a key that leaked

    $gw->good_is(undef);
    $token = business_token($next, $business);
    $shell->set(key_id => $made->{key_id});
    $shell->run('D11 a key that leaked', $end);

    is(token($next)->status, 401, 'it is refused');
    is(opens($business, $token), 401, 'and so is each token of the partner');

    $key = $gw->keep_secret($command->json('D11 another key', 0, 'key',
        'create', $partner)->{api_key});
    $token = business_token($key, $business);
    is(opens($business, $token), 200, 'with another key there are new ones');
}


# closed, and opened again

{
    my ($close, $move) = blocks('Close a partner or a business');
    my ($archive, $disable) = split /(?<=\n)/, $close;

    $shell->run('D11 archive a business', $archive);
    isnt(opens($business, $token), 200, 'its token ends');
    is(business_token($key, $business), undef, 'and there is none');

    $command->exits('D11 restore it', 0, 'business', 'restore', $business);
    isnt(opens($business, $token), 200, 'the token does not come back');
    $token = business_token($key, $business);
    is(opens($business, $token), 200, 'but there are new ones');

    my $other = $command->json('D11 another partner', 0, 'partner', 'create');

    $shell->set(other_partner => $other->{partner_id});
    $shell->run('D11 move a business', $move);
    isnt(opens($business, $token), 200, 'the former partner has none');
    is(business_token($key, $business), undef, 'and gets none');
    $command->exits('D11 move it back', 0, 'business', 'move', $business,
        $partner);

    $token = business_token($key, $business);
    is(opens($business, $token), 200, 'it is as before');

    $shell->run('D11 disable a partner', $disable);
    is(opens($business, $token), 401, 'its tokens end');
    is(token($key)->status, 401, 'and it gets none');
    $command->exits('D11 enable it', 0, 'partner', 'enable', $partner);
    $token = business_token($key, $business);
    is(opens($business, $token), 200, 'it is as before');
}


# revoked, in each way

{
    my ($revoke) = blocks('Revoke');
    my @lines = split /(?<=\n)/, $revoke;

    for my $line (@lines) {
        my ($name) = $line =~ /^auth-gateway (\w+ \w+)/;

        $token = business_token($key, $business);
        spew("$prefix/leaked.token", "$token\n", 0600);
        is(opens($business, $token), 200, "D11 before $name");
        $said = $shell->run("D11 $name", $line);
        is(opens($business, $token), $name eq 'revocation list' ? 200 : 401,
            'and after');
    }

    like($said, qr/^\d+ +\S+Z +partner +$partner$/m, 'D11 they are listed');
    like($said, qr/^\d+ +\S+Z +token +$partner:[\w-]+$/m, 'each of them');
}


# why a request is refused

{
    my ($explain) = blocks('Explain a refusal');

    $token = business_token($key, $business);
    spew("$prefix/reported.token", "$token\n", 0600);
    like($shell->run('D11 explain', $explain), qr/^The request is allowed\.$/m,
        'it is allowed');

    $command->exits('D11 revoke', 0, 'revoke', 'business', $business);
    $said = $shell->run('D11 explain a refusal', $explain);
    like($said, qr/^The request is refused: revoked$/m, 'it is refused');
    is(scalar(() = $said =~ /^>  \w+ +refused  /mg), 1, 'one check decides');
    unlike($said, qr/\Q$token\E/, 'the token is not shown');

    $token = business_token($key, $business);
}


# 100,000 businesses

{
    my $count = $ENV{AGW_IMPORT} // 100_000;
    my $file = "$prefix/businesses.ndjson";
    my $id = sub { return sprintf 'b%06d', $_[0] };

    spew($file, join '', map { qq({"type":"business","business_id":")
        . $id->($_) . qq(","partner_id":"$partner"}\n) } 1 .. $count);

    my ($import) = blocks('Import a file');
    my ($check, $do, $export) = split /(?<=\n)/, $import;

    like($shell->run('D11 a dry run', $check),
        qr/^$count lines are good, and nothing was changed/m, 'all are good');
    is(opens($id->(1), $token), 403, 'nothing was changed');

    my $watch = AGW::Stopwatch->start;

    like($shell->run('D11 an import', $do), qr/^$count lines imported in /m,
        'all are in');
    diag(sprintf '%d businesses imported in %.1f s', $count, $watch->seconds);

    my $last = $id->($count);

    is(opens($last, business_token($key, $last)), 200, 'the last one opens');

    $shell->run('D11 an export', $export);

    my $out = slurp("$prefix/gateway.ndjson");

    is(scalar(() = $out =~ /"type": ?"business"/g), $count + 1,
        'has each business');
    unlike($out, qr/\Q$key\E/, 'and no key');

    # what was exported is imported as it is

    $shell->run('D11 import of an export', 'auth-gateway import --dry-run'
        . ' gateway.ndjson');
}


# the status

like($command->exits('D11 the status', 0, 'status')->{out},
    qr/^status +ready$/m, 'is ready');

# what was done is in the log of the administration, and no key

{
    my $log = slurp("$prefix/logs/admin.log");

    cmp_ok(scalar(() = $log =~ /\n/g), '>', 20, 'P11.7 each write is logged');
    unlike($log, qr/\Q$_\E/, 'without a secret')
        for $key, $next, $token;
}

$gw->finish;
