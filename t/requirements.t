# D3 and D4: every requirement against every token, as one table.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use AGW::Files qw(write_secret);
use AGW::Gateway;
use AGW::Refusal qw(problems_of);

# The columns: what is demanded at /<column>/<business>/x.  A location for
# partners names no business: /partner/ has its template elsewhere, and in
# /matched/ there is one that matches, against the rules.

my $columns = join '', map {
    my ($place, $require, $template) = @$_;

    "        location /$place/ {\n"
        . "            auth_gateway_require $require;\n"
        . "            auth_gateway_business_path $template;\n"
        . "            include %%CONF%%/guarded_proxy.conf;\n"
        . "            proxy_pass http://127.0.0.1:%%UPSTREAM%%;\n"
        . "        }\n"
} ['off', 'off', '/off/<business_id>'],
    ['partner', 'partner', '/elsewhere/<business_id>'],
    ['matched', 'partner', '/matched/<business_id>'],
    ['business', 'business', '/business/<business_id>'],
    ['owner', 'owner', '/owner/<business_id>'],
    ['both', 'business owner', '/both/<business_id>'];

my $conf = <<"CONF";
http {
    auth_gateway_store %%ENGINE%%;
    auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;
    auth_gateway_key %%PREFIX%%/theirs.key alg=HS256 kid=k2 verify
        issuer=https://id.example.com;

    server {
        listen 127.0.0.1:%%TLS%% ssl http2;

$columns
    }
}
CONF

# The rows: a token, and the business whose URL it is sent to.  P1 has the
# businesses A and A2, and Z, which is archived; P2 has B; P3 is disabled and
# has C; nobody has X.  "ext" is another issuer's, which says what it likes.
#
# A cell is "ok" or the reason.  `owner` and `both` are the only ones that
# ask the store, and of a partner token alone.  P3 and Z never were anything
# else here, so no cut-off was written for them, and their tokens live;
# t/revocation_cutoff.t has those that are ended.

my $table = <<'TABLE';
token    | to | off | partner | matched | business | owner | both

none     | A  | ok | no_credentials | no_credentials | no_credentials | no_credentials | no_credentials
basic    | A  | ok | no_credentials | no_credentials | no_credentials | no_credentials | no_credentials
junk     | A  | ok | malformed_token | malformed_token | malformed_token | malformed_token | malformed_token

P1       | A  | ok | ok | wrong_kind | wrong_kind | ok                | ok
P1       | A2 | ok | ok | wrong_kind | wrong_kind | ok                | ok
P1       | Z  | ok | ok | wrong_kind | wrong_kind | archived_business | archived_business
P1       | B  | ok | ok | wrong_kind | wrong_kind | not_owner         | not_owner
P1       | C  | ok | ok | wrong_kind | wrong_kind | not_owner         | not_owner
P1       | X  | ok | ok | wrong_kind | wrong_kind | unknown_business  | unknown_business
P1 scope | A  | ok | ok | wrong_kind | wrong_kind | ok                | ok
P2       | A  | ok | ok | wrong_kind | wrong_kind | not_owner         | not_owner
P2       | Z  | ok | ok | wrong_kind | wrong_kind | not_owner         | not_owner
P2       | B  | ok | ok | wrong_kind | wrong_kind | ok                | ok
P3       | C  | ok | ok | wrong_kind | wrong_kind | revoked           | revoked
P3       | A  | ok | ok | wrong_kind | wrong_kind | revoked           | revoked
P3       | X  | ok | ok | wrong_kind | wrong_kind | revoked           | revoked
P9       | A  | ok | ok | wrong_kind | wrong_kind | revoked           | revoked
P1 old   | A  | ok | expired | expired | expired | expired | expired
P1 bad   | A  | ok | bad_signature | bad_signature | bad_signature | bad_signature | bad_signature

P1/A     | A  | ok | wrong_kind | wrong_kind | ok             | wrong_kind | ok
P1/A     | A2 | ok | wrong_kind | wrong_kind | wrong_business | wrong_kind | wrong_business
P1/A     | Z  | ok | wrong_kind | wrong_kind | wrong_business | wrong_kind | wrong_business
P1/A     | B  | ok | wrong_kind | wrong_kind | wrong_business | wrong_kind | wrong_business
P1/A     | X  | ok | wrong_kind | wrong_kind | wrong_business | wrong_kind | wrong_business
P1/A2    | A  | ok | wrong_kind | wrong_kind | wrong_business | wrong_kind | wrong_business
P1/Z     | Z  | ok | wrong_kind | wrong_kind | ok             | wrong_kind | ok
P1/Z     | A  | ok | wrong_kind | wrong_kind | wrong_business | wrong_kind | wrong_business
P2/B     | A  | ok | wrong_kind | wrong_kind | wrong_business | wrong_kind | wrong_business
P2/B     | B  | ok | wrong_kind | wrong_kind | ok             | wrong_kind | ok
P3/C     | C  | ok | wrong_kind | wrong_kind | ok             | wrong_kind | ok
P1/A old | A  | ok | expired | expired | expired | expired | expired
P1/A bad | A  | ok | bad_signature | bad_signature | bad_signature | bad_signature | bad_signature
P1/A low | A  | ok | wrong_kind | wrong_kind | insufficient_scope | wrong_kind | insufficient_scope

P1 ext   | A  | ok | wrong_kind | wrong_kind | wrong_kind     | wrong_kind | wrong_kind
P1 ext   | B  | ok | wrong_kind | wrong_kind | wrong_kind     | wrong_kind | wrong_kind
P2 ext   | A  | ok | wrong_kind | wrong_kind | wrong_kind     | wrong_kind | wrong_kind
P1/A ext | A  | ok | wrong_kind | wrong_kind | ok             | wrong_kind | ok
P1/A ext | A2 | ok | wrong_kind | wrong_kind | wrong_business | wrong_kind | wrong_business
P2/A ext | A  | ok | wrong_kind | wrong_kind | ok             | wrong_kind | ok
P1/B ext | B  | ok | wrong_kind | wrong_kind | ok             | wrong_kind | ok
P1/Z ext | Z  | ok | wrong_kind | wrong_kind | ok             | wrong_kind | ok
P1/A mix | A  | ok | wrong_issuer | wrong_issuer | wrong_issuer | wrong_issuer | wrong_issuer
P1 mix   | A  | ok | wrong_issuer | wrong_issuer | wrong_issuer | wrong_issuer | wrong_issuer
TABLE

my $gw = AGW::Gateway->start($conf,
    before => sub { $main::secret = write_secret("$_[0]/theirs.key") });
my %status = (P3 => 'disabled', Z => 'archived');
my %owner = (A => 'P1', A2 => 'P1', Z => 'P1', B => 'P2', C => 'P3');

$gw->partner(id => $_, status => $status{$_} // 'active') for qw(P1 P2 P3);
$gw->business($owner{$_}, id => $_, status => $status{$_} // 'active')
    for sort keys %owner;
$gw->keep_secret($main::secret);

my $good = $gw->mint(partner_id => 'P1', business_id => 'A');

$gw->good_is(sub {
    return $gw->request('GET', '/both/A/x', bearer => $good, quiet => 1)
        ->status == 200;
});


# The Authorization line of a row, "P1/A ext": partner, business, and what is
# other than usual: scope, old, bad (signature), low (scope), ext (another
# issuer's), mix (says to be of that issuer, under our key).

my $now = time;

my %other = (
    scope => { claims => { scope => 'reports' } },
    old => { claims => { iat => $now - 90, exp => $now - 30 } },
    bad => { secret => 'x' x 64 },
    low => { claims => { scope => 'reports' } },
    ext => { kid => 'k2', secret => $main::secret,
        claims => { iss => 'https://id.example.com' } },
    mix => { claims => { iss => 'https://id.example.com' } },
);

sub line_of {
    my ($token) = @_;

    return if $token eq 'none';
    return AGW::Gateway::basic('P1', 'x') if $token eq 'basic';
    return AGW::Gateway::bearer('junk') if $token eq 'junk';

    my ($partner, $business, $what) = $token
        =~ m{^(P\d)(?:/(\w+))?(?: (\w+))?$} or die "row $token";

    return AGW::Gateway::bearer($gw->mint(partner_id => $partner,
        business_id => $business, $what ? %{ $other{$what} } : ()));
}


# What the upstream is told: the partner of a token that was let through,
# and the business of the URL.

sub identity_of {
    my ($token, $to, $column) = @_;

    my ($partner) = $token =~ /^(P\d)/;

    return ([$partner], $column eq 'partner' ? undef : [$to]);
}


# one cell; returns what is wrong with it

sub cell {
    my ($token, $to, $column, $want, $line, $h2) = @_;

    my $target = "/$column/$to/x";
    my @headers = grep { defined } $line;

    $gw->mark;

    my $r = $h2 ? $h2->request('GET', $target,
            headers => [map { [lc $1, $2] if /^(\S+): (.*)/ } @headers])
        : $gw->request('GET', $target, headers => \@headers, quiet => 1);
    my @seen = $gw->upstream_saw;

    if ($want ne 'ok') {
        my @logged = map { $_->{reason} // $_->{line} } $gw->refusals;
        my $scope = $column =~ /business|both/ ? 'business_access' : undef;

        return (problems_of($r, $want, by => 'bearer', scope => $scope),
            "@logged" eq $want ? () : "logged: @logged",
            @seen ? 'it reached the upstream' : ());
    }

    my @problems;

    push @problems, 'status ' . ($r ? $r->status : 'none')
        unless $r && $r->status == 200;
    push @problems, 'refused in the log' if $gw->refusals(wait => 0);
    push @problems, 'the upstream saw ' . @seen unless @seen == 1;

    return @problems if @problems || $column eq 'off';

    my @want = map { defined ? "@$_" : '-' }
        identity_of($token, $to, $column);
    my @got = map { defined ? "@$_" : '-' }
        @{ $seen[0]{headers} }{qw(x-partner-id x-business-id)};

    return "@got" eq "@want" ? () : "identity @got, not @want";
}

my (undef, undef, @columns) = split /\s*\|\s*/, $table =~ s/\n.*//sr;
my %told;

for my $row (grep { /\|/ && !/^token/ } split /\n/, $table) {
    my ($token, $to, @cells) = split /\s*\|\s*/, $row =~ s/\s+$//r;
    my $line = line_of($token);
    my $h2 = $gw->connect_h2;

    is(@cells, @columns, "the row $token to $to is whole");

    for my $i (0 .. $#columns) {
        my @problems = map { cell($token, $to, $columns[$i], $cells[$i],
            $line, $_) } undef, $h2;

        ok(!@problems, "D3 $columns[$i]: $token to $to: $cells[$i]")
            or diag(join "\n", @problems);
        $told{$columns[$i]}{ $cells[$i] }++;
    }

    $h2->close;
    is_deeply([$gw->problems_after], [], 'D3 a good request afterwards');
}

# The table says what there is to say: who passes is few.

is_deeply({ map { $_ => $told{$_}{ok} } @columns }, { off => 43,
    partner => 14, matched => undef, business => 8, owner => 4, both => 12 },
    'D3 and nobody else passes');

$gw->finish;
