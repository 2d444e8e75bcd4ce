# P6: introspection.  t/revoke_callers.t has who may ask, and with what.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;
use Time::HiRes qw(sleep);

use AGW::Files qw(write_secret);
use AGW::Gateway;
use AGW::Revoking qw(conf_of);
use AGW::Token qw(claims_of);

my $key2 = <<'HTTP';
    auth_gateway_key %%PREFIX%%/theirs.key alg=HS256 kid=k2 verify
        issuer=https://id.example.com;
    auth_gateway_partner_scope read write;
HTTP

my %gateways = (
    'no iss, no aud' => AGW::Revoking->start(conf_of(http => $key2),
        before => sub { $main::theirs = write_secret("$_[0]/theirs.key") }),
    'iss and aud' => AGW::Revoking->start(conf_of(http => <<'HTTP')),
    auth_gateway_issuer https://gateway.example.com;
    auth_gateway_audience https://api.example.com;
    auth_gateway_partner_scope read write;
HTTP
);

$_->keep_secret($main::theirs) for values %gateways;
$gateways{'iss and aud'}{good} = undef;

# the answer, as it is to be, member for member

sub active {
    my ($gw, $name, $token, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $r = $gw->introspect($token, %opt);
    my $claims = claims_of($token);
    my %want = map { $_ => $claims->{$_} } grep { exists $claims->{$_} }
        qw(scope client_id sub iss aud exp iat jti partner_id business_id);

    is($r->status, 200, "P6.3 $name");
    is_deeply($r->json, { active => JSON::true(), token_type => 'Bearer',
        %want }, "P6.3 $name: exact members") or diag($r->body);
    like($r->body, qr/"exp":\s*\d+\b(?!")/, 'P6.3 exp is an integer');
    like($r->body, qr/"active":\s*true/, 'P6.3 active is a boolean');
    is($r->header($_->[0]), $_->[1], "P0.1 $_->[0]") for
        ['Content-Type', 'application/json'],
        ['Cache-Control', 'no-store'], ['Pragma', 'no-cache'];
    is_deeply([$gw->refusals(wait => 0)], [], 'P6.3 nothing is refused');

    return $r->json;
}

my %bytes;

sub inactive {
    my ($gw, $name, $token, %opt) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $r = $gw->introspect($token, %opt);

    is($r->body, '{"active":false}', "P6.2 $name");
    push @{ $bytes{ $r->same_bytes =~ s/^x-worker.*\n//mr } }, $name;

    return;
}

for my $which (sort keys %gateways) {
    my $gw = $gateways{$which};
    my ($id, $business) = @$gw{qw(id business)};
    my $partner = $gw->request('POST', '/token', basic => $gw->{basic})
        ->json->{access_token};
    my $scoped = $gw->request('POST', '/token', basic => $gw->{basic},
        form => 'scope=read%20write')->json->{access_token};
    my $minted = $gw->request('POST', "/token/$business",
        bearer => $partner)->json->{access_token};

    $gw->keep_secret($_) for $partner, $scoped, $minted;

    for (['Basic', basic => $gw->{basic}], ['Bearer', bearer => $partner],
        ['post', headers => [], form => undef])
    {
        my ($name, @by) = @$_;
        my $post = sub { $name ne 'post' ? () : (form =>
            "client_id=$id&client_secret=$gw->{us}{key}&token=$_[0]") };

        active($gw, "$which, $name: partner", $partner, @by,
            $post->($partner));
        active($gw, "$which, $name: scope", $scoped, @by, $post->($scoped));
        active($gw, "$which, $name: business", $minted, @by,
            $post->($minted));
    }

    my @of = $which =~ /^iss/ ? qw(aud iss) : ();

    is(join(' ', sort keys %{ active($gw, 'partner', $partner) }),
        join(' ', sort qw(active client_id exp iat jti partner_id sub
        token_type), @of), 'P6.3 members of a partner token');
    is(join(' ', sort keys %{ active($gw, 'business', $minted) }),
        join(' ', sort qw(active business_id client_id exp iat jti partner_id
        scope sub token_type), @of), 'P6.3 members of a business token');
    is(active($gw, 'scope', $scoped)->{scope}, 'read write', 'P6.3 scope');

    # a hint is ignored, and other parameters are

    active($gw, 'a hint', $minted,
        form => "token=$minted&token_type_hint=refresh_token&x=");

    # revoked, one by one

    $gw->succeeds('P6.2 revoked', $gw->revoke($minted));
    inactive($gw, 'revoked', $minted);
    active($gw, 'another lives', $partner);

    # another partner asks

    inactive($gw, 'another partner\'s', $partner,
        basic => [@{ $gw->{them} }{qw(id key)}]);
    inactive($gw, 'another partner\'s, revoked', $minted,
        basic => [@{ $gw->{them} }{qw(id key)}]);
    like($gw->log_text, qr/partner \Q$gw->{them}{id}\E asked about/,
        'P6.2 which is logged');
}

{
    my $gw = $gateways{'no iss, no aud'};
    my ($id, $business) = @$gw{qw(id business)};
    my $token = $gw->token;

    inactive($gw, @$_) for ['unknown', 'abc'], ['malformed', 'a.b.c'],
        ['white space', '%20'],
        ['an unknown key', $gw->token(kid => 'no')],
        ['a bad signature', $token =~ s/\.[^.]{4}([^.]*)$/.AAAA$1/r],
        ['expired', $gw->token(claims => { iat => time - 700,
            exp => time - 100 })],
        ['not yet valid', $gw->token(claims => { nbf => time + 60 })],
        ['not yet issued', $gw->token(claims => { iat => time + 60 })],
        ['not yet valid, another\'s', $gw->mint(partner_id => $gw->{them}{id},
            claims => { nbf => time + 60 })],
        ['no claims', $gw->mint_raw(payload => { x => 1 },
            header => { alg => 'HS256', kid => 'k1', typ => 'JWT' })],
        ['another issuer\'s under our key', $gw->token(
            claims => { iss => 'https://id.example.com' })],
        ['another issuer\'s partner token', $gw->mint(partner_id => $id,
            kid => 'k2', secret => $main::theirs,
            claims => { iss => 'https://id.example.com' })];

    my %ext = (kid => 'k2', secret => $main::theirs,
        claims => { iss => 'https://id.example.com' });

    active($gw, 'another issuer\'s business token', $gw->token(%ext));
    inactive($gw, 'another issuer\'s, another partner\'s', $gw->mint(
        partner_id => $gw->{them}{id}, business_id => $business, %ext));

    # one that was to be valid, revoked before; and a cut-off

    my $early = $gw->token(claims => { nbf => time + 2 });

    $gw->succeeds('P5.2 not yet valid', $gw->revoke($early));
    inactive($gw, 'not yet valid, revoked', $early);

    my $ours = $gw->business($id);
    my $cut = $gw->token(business_id => $ours);

    active($gw, 'before the cut-off', $cut);
    $gw->succeeds('P5.4 a cut-off', $gw->cut_off($ours));
    inactive($gw, 'a business that was cut off', $cut);
    sleep 2.2;
    inactive($gw, 'revoked before it was valid', $early);
    active($gw, 'a living one', $token);
}

is(keys %bytes, 1, 'P6.2 the same bytes for every cause')
    or diag(join "\n---\n", keys %bytes);

(values %gateways)[0]->finish;
