# P5: revoking one token, and all of a business.  t/revoke_callers.t has who
# may ask, and with what.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Files qw(random_id write_secret);
use AGW::Gateway;
use AGW::Keys;
use AGW::Revoking qw(conf_of);
use AGW::Token qw(b64url claims_of);

my $es256 = AGW::Keys->new('ES256');

# another issuer's tokens, and a key whose signatures have two spellings

my $conf = conf_of(http => <<'HTTP');
    auth_gateway_key %%PREFIX%%/theirs.key alg=HS256 kid=k2 verify
        issuer=https://id.example.com;
    auth_gateway_key %%PREFIX%%/es256.pem kid=k3 verify;
HTTP

my $gw = AGW::Revoking->start($conf, workers => 4, before => sub {
    $main::theirs = write_secret("$_[0]/theirs.key");
    AGW::Files::spew("$_[0]/es256.pem", $es256->form('PKCS#8'), 0600);
});
my ($id, $business) = @$gw{qw(id business)};
my $them = $gw->{them}{id};

$gw->keep_secret($main::theirs);

my %open = $gw->each_worker;

is(keys %open, 4, 'a connection to each of four workers');

# Asserts that a token holds, is revoked, and does not hold.

sub revoked {
    my ($name, $token, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $of = delete $opt{of} // $business;
    my $status = delete $opt{was} // '200 x 4';

    is($gw->status_of_each(\%open, $token, $of), $status, "$name: before")
        unless $status eq '';
    $gw->succeeds($name, $gw->revoke($token, %opt));

    my $after = $gw->status_of_each(\%open, $token, $of);

    is($after, '401 x 4', "$name: refused by each worker at once");
    is($gw->result($token, $of), '401 revoked', "$name: as revoked");

    return;
}

# P5.2, P5.3

{
    my $other = $gw->token;
    my $same = $gw->mint(partner_id => $them, business_id => $gw->{theirs});

    for (1 .. 5) {
        revoked("P5.3 a token ($_)", my $token = $gw->token);

        is($gw->status_of_each(\%open, $other), '200 x 4',
            'P5.3 another token of the same business goes on');

        my $r = $gw->get($token);

        like($r->header('WWW-Authenticate'),
            qr/^Bearer .*, error="invalid_token"/, 'P4.2 the challenge');
        is($r->json->{error}, 'invalid_token', 'P4.2 the body');
    }

    is($gw->status_of_each(\%open, $same, $gw->{theirs}), '200 x 4',
        'P5.3 another business goes on');
    is($gw->rows, 5, 'P5.3 a row each');

    my $token = $gw->token;
    my $claims = claims_of($token);

    my $before = $gw->store->stamp // 0;

    revoked('P5.3 as it is stored', $token);
    is($gw->entry("token $id:$claims->{jti}"), $gw->store->stamp,
        'D5 its row, with the last stamp');
    cmp_ok($gw->store->stamp // 0, '>', $before, 'D5 a new one');
}


{
    my $token = $gw->token;

    revoked('P5.1 client_secret_post', $token, headers => [],
        form => "client_id=$id&client_secret=$gw->{us}{key}&token=$token");
    revoked('P5.1 by a partner token', $gw->token,
        bearer => $gw->{bearer});
    revoked('P5.2 twice', $token, was => '401 x 4');
    is($gw->rows, 8, 'P5.2 which is no new row');

    for ('access_token', 'refresh_token', 'nonsense', '', 'x' x 200) {
        my $hinted = $gw->token;

        revoked('P5.2 token_type_hint ' . substr($_, 0, 20), $hinted,
            form => "token=$hinted&token_type_hint=$_");
    }

    $token = $gw->token;
    revoked('P5.2 other parameters', $token,
        form => "x=1&token=$token&y=&scope=z");
}

# not yet valid: it is revoked before it is

{
    my $token = $gw->token(claims => { nbf => time + 2 });

    is($gw->result($token), '401 not_yet_valid', 'P5.2 not yet valid: before');
    $gw->succeeds('P5.2 not yet valid', $gw->revoke($token));
    sleep 2.2;
    is($gw->result($token), '401 revoked', 'P5.2 and never will be');
}

# a partner token: what was minted with it lives

{
    my $partner_token = $gw->mint(partner_id => $id);
    my $minted = $gw->request('POST', "/token/$business",
        bearer => $partner_token)->json->{access_token};

    $gw->keep_secret($minted);
    $gw->succeeds('P5.3 a partner token', $gw->revoke($partner_token));

    $gw->refused('P5.3 it mints no more', $gw->request('POST',
        "/token/$business", bearer => $partner_token), 'revoked',
        scope => undef, partner => $id, kid => 'k1');
    $gw->refused('P5.3 it opens no business of its own', $gw->request('GET',
        "/owner/$business/x", bearer => $partner_token), 'revoked');
    $gw->refused('P5.3 it revokes nothing', $gw->revoke($gw->token,
        bearer => $partner_token), 'revoked', scope => undef);
    is($gw->result($minted), 'ok', 'D5 what was minted with it goes on');

    my $self = $gw->mint(partner_id => $id);

    $gw->succeeds('P5.3 a partner token revokes itself',
        $gw->revoke($self, bearer => $self));
    $gw->refused('P5.3 once', $gw->revoke($self, bearer => $self),
        'revoked', scope => undef);
}

# nothing is done, and nobody is told: the same bytes

{
    my $theirs = $gw->mint(partner_id => $them,
        business_id => $gw->{theirs});
    my $token = $gw->token;
    my $before = $gw->rows;
    my %bytes;

    for (['unknown', 'abc'], ['malformed', 'a.b.c'],
        ['not base64url', '%20%2F%40'], ['an unknown key',
            $gw->token(kid => 'no')],
        ['a bad signature', $token =~ s/\.[^.]{4}([^.]*)$/.AAAA$1/r],
        ['of claims that are none', $gw->mint_raw(header => { alg => 'HS256',
            kid => 'k1', typ => 'JWT' }, payload => { x => 1 })],
        ['expired for longer than any token lives',
            $gw->token(claims => { iat => time - 90_600,
                exp => time - 90_000 })],
        ['another partner\'s', $theirs],
        ['another partner\'s partner token',
            $gw->mint(partner_id => $them)],
        ['another partner\'s, not yet valid', $gw->mint(partner_id => $them,
            claims => { nbf => time + 60 })])
    {
        my ($name, $what) = @$_;
        my $r = $gw->revoke($what);

        $gw->succeeds("P5.2 $name", $r);
        like($gw->log_text, qr/partner \Q$id\E asked about a token of another/,
            'P5.2 which is logged') if $name =~ /^another/;
        push @{ $bytes{ $r->same_bytes =~ s/^x-worker.*\n//mr } }, $name;
    }

    is(keys %bytes, 1, 'P5.2 the same bytes for all of them')
        or diag(join "\n---\n", keys %bytes);
    is($gw->rows, $before, 'P5.2 no row');
    is($gw->result($theirs, $gw->{theirs}), 'ok',
        'P5.2 another partner\'s lives');
    is($gw->result($token), 'ok', 'P5.2 and so does one\'s own');
}

# Expired by this node's clock, which need not be right.

{
    my $before = $gw->rows;
    my $token = $gw->token(claims => { iat => time - 700,
        exp => time - 100 });

    $gw->succeeds('P5.2 expired', $gw->revoke($token));
    is($gw->rows, $before + 1, 'P5.2 which writes a row');
    is($gw->result($token), '401 expired', 'P5.2 it is expired all the same');
    $token = $gw->token(claims => { iat => time + 80_000,
        exp => time + 80_600 });
    $gw->succeeds('P5.2 issued by a clock that is ahead',
        $gw->revoke($token));
    is($gw->rows, $before + 2, 'P5.2 which writes a row');
}

# a token is its partner and jti, not its bytes

{
    my $token = $es256->mint(partner_id => $id, business_id => $business,
        kid => 'k3');
    my ($signed, $signature) = $token =~ /^(.*)\.([^.]*)$/;
    my ($r, $s) = unpack 'H64 H64', MIME::Base64::decode_base64url(
        $signature);
    require Math::BigInt;
    my $n = Math::BigInt->from_hex('ffffffff00000000ffffffffffffffff'
        . 'bce6faada7179e84f3b9cac2fc632551');
    my $other = "$signed." . b64url(pack 'H64 H64', $r,
        sprintf '%064s', substr $n->bsub(Math::BigInt->from_hex($s))
            ->as_hex, 2);

    $gw->keep_secret($_) for $token, $other;
    isnt($other, $token, 'D5 a signature has two spellings');
    is($gw->result($other), 'ok', 'D5 and both are one');
    revoked('D5 one of two spellings', $token);
    is($gw->status_of_each(\%open, $other), '401 x 4', 'D5 is the other');
    is($gw->result($other), '401 revoked', 'D5 revoked as well');

    my $jti = 'one-jti';
    my $ours = $gw->token(claims => { jti => $jti });
    my $theirs = $gw->mint(partner_id => $them,
        business_id => $gw->{theirs}, claims => { jti => $jti });

    revoked('D5 a jti', $ours);
    is($gw->status_of_each(\%open, $theirs, $gw->{theirs}), '200 x 4',
        'D5 another partner\'s token of the same jti goes on');
}

# another issuer's token, of which the caller is the partner

{
    my %ext = (kid => 'k2', secret => $main::theirs,
        claims => { iss => 'https://id.example.com' });

    revoked('P5.2 another issuer\'s', $gw->token(%ext));

    my $theirs = $gw->mint(partner_id => $them,
        business_id => $gw->{theirs}, %ext);

    $gw->succeeds('P5.2 another issuer\'s of another partner',
        $gw->revoke($theirs));
    is($gw->result($theirs, $gw->{theirs}), 'ok', 'P5.2 lives');
}

# P5.4

{
    my $ours = $gw->business($id);
    my $beside = $gw->token;
    my @tokens = map { $gw->token(business_id => $ours) } 1 .. 5;
    my $ahead = $gw->token(business_id => $ours,
        claims => { iat => time + 4 });

    is($gw->status_of_each(\%open, $tokens[0], $ours), '200 x 4',
        'P5.4 before');
    $gw->succeeds('P5.4 all of a business', $gw->cut_off($ours));
    is($gw->status_of_each(\%open, $_, $ours), '401 x 4',
        'P5.4 refused by each worker at once') for @tokens;
    is($gw->result($tokens[0], $ours), '401 revoked', 'P5.4 as revoked');
    is($gw->result($ahead, $ours), '401 revoked',
        'P5.4 one that was issued by a clock that is ahead as well');

    my $now = $gw->token(business_id => $ours, seq => $gw->store->stamp);

    is($gw->result($now, $ours), 'ok', 'P5.4 one that is issued now is not');
    is($gw->status_of_each(\%open, $beside), '200 x 4',
        'P5.4 the partner\'s other business goes on');

    $gw->succeeds('P5.4 with a final slash', $gw->cut_off("$ours/"));
    $gw->succeeds('P5.4 by a partner token', $gw->cut_off($ours,
        bearer => $gw->{bearer}));
    is($gw->result($now, $ours), '401 revoked', 'P5.4 which ends it, too');
    ok($gw->entry("business $ours"), 'P5.4 its row');

    # with a key of another issuer, it is everyone's tokens that end

    my $external = $gw->mint(partner_id => $them, business_id => $ours,
        kid => 'k2', secret => $main::theirs, claims => {
            iss => 'https://id.example.com', iat => time - 10 });

    is($gw->result($external, $ours), '401 revoked',
        'P5.4 another issuer\'s for that business ends as well');

    my $archived = $gw->business($id, status => 'archived');
    my $token = $gw->token(business_id => $archived);

    is($gw->result($token, $archived), 'ok', 'P5.4 archived: before');
    $gw->succeeds('P5.4 an archived one', $gw->cut_off($archived));
    is($gw->result($token, $archived), '401 revoked', 'P5.4 ends its tokens');

    my $theirs = $gw->mint(partner_id => $them,
        business_id => $gw->{theirs});
    my %bytes;

    for (['unknown', random_id(), 'unknown_business'],
        ['another partner\'s', $gw->{theirs}, 'not_owner'],
        ['another partner\'s archived', $gw->business($them,
            status => 'archived'), 'not_owner'])
    {
        my ($name, $which, $reason) = @$_;

        for ([basic => $gw->{basic}], [bearer => $gw->{bearer}]) {
            my $r = $gw->cut_off($which, @$_);

            $gw->refused("P5.4 $name, $_->[0]", $r, $reason, by => $_->[0],
                scope => undef, partner => $id);
            $bytes{ $r->same_bytes =~ s/^x-worker.*\n//mr } = 1;
        }
    }

    is(keys %bytes, 1, 'P5.4 the same bytes') or diag(keys %bytes);
    is($gw->result($theirs, $gw->{theirs}), 'ok', 'P5.4 and nothing done');

    $gw->refused("P5.4 an ambiguous path, $_", $gw->cut_off($_),
        'ambiguous_path', by => 'basic')
        for 'a%20b', "x%2f..%2f$ours", 'x' x 129;
}

# where all tokens are ours, a business is revoked for its owner alone

{
    my $own = AGW::Revoking->start(conf_of(), workers => 2);
    my ($who, $which) = @$own{qw(id business)};
    my $old = $own->token;
    my $before = $own->mint(partner_id => $own->{them}{id},
        business_id => $which);

    $own->succeeds('P5.4 without another issuer', $own->cut_off($which));
    is($own->entry("owner $who:$which"), $own->store->stamp, 'D5 its row');
    is($own->result($old), '401 revoked', 'P5.4 its tokens end');
    is($own->result($before, $which), 'ok',
        'D5 a token of another partner is none of its owner\'s');

    my $token = $own->token(seq => $own->store->stamp);

    is($own->result($token), 'ok', 'P5.4 what is issued now holds');
    $own->succeeds('P5.4 again', $own->cut_off($which));
    is($own->result($token), '401 revoked', 'P5.4 ends it');
    is($own->rows, 1, 'P5.4 one row');
}

$gw->finish;
