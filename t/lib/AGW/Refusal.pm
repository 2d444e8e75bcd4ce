package AGW::Refusal;

# What a refusal looks like from outside, by its reason.

use strict;
use warnings;

use Exporter 'import';
use JSON ();

use AGW::Reasons qw(%reasons);

our @EXPORT_OK = qw(expected problems_of problems_of_fault);

my $canonical = JSON->new->canonical;

# what the log adds to a reason

my $wrong = qr/missing | not\ a\ string | not\ an\ integer | out\ of\ range
    | not\ 1\ to\ 128\ of\ A-Za-z0-9\._~- | differs\ from\ partner_id
    | not\ after\ iat | not\ as\ RFC\ 6749\ has\ it,\ or\ over\ 1024\ bytes
    | business_access\ without\ business_id
    | not\ a\ string\ or\ an\ array\ of\ strings
    | an\ array,\ but\ not\ of\ strings
    | not\ of\ x5t\#S256\ alone,\ with\ the\ SHA-256\ of\ a\ certificate/x;

my %faults = (
    malformed_claims => qr/(?:partner_id|business_id|client_id|sub|jti|iss|aud
        |iat|exp|nbf|seq|scope|cnf):\ $wrong
        | not\ JSON | not\ a\ JSON\ object | not\ UTF-8 | nested\ too\ deep
        | a\ (?:repeated\ member|number\ out\ of\ range|NUL\ character)/x,
    invalid_client => qr/(?:unknown|disabled)\ partner | (?:wrong|no|expired)\ key
        | key\ not\ yet\ valid | (?:unknown|expired)\ certificate
        | an\ unreadable\ or\ expired\ certificate
        | method\ not\ accepted | unknown\ JWK | not\ a\ JWS
        | wrong\ signature | the\ stored\ key\ cannot\ be\ used
        | [a-z_]+(?:,\ [a-z]+)?:\ [a-zA-Z ,-]+/x,
    certificate_mismatch => qr/(?:no|another)\ certificate
        | an\ unreadable\ or\ expired\ certificate/x,
    invalid_target => qr/unknown_business|not_owner|archived_business/,
    lifetime_exceeded =>
        qr/life of [1-9][0-9]* s is over auth_gateway_max_lifetime/,
);


# The exact challenge for a reason, or undef where there is none.  by is
# 'basic' for partner token locations, 'either' where both are asked for, else
# 'bearer'; scope is what a 403 names, undef for none; metadata is the URL that
# each Bearer challenge names, where there is one.

sub challenge {
    my ($reason, %opt) = @_;

    my $challenge = plain_challenge($reason, %opt);

    return defined $challenge && defined $opt{metadata}
        && $challenge =~ /Bearer/
        ? "$challenge, resource_metadata=\"$opt{metadata}\"" : $challenge;
}


sub plain_challenge {
    my ($reason, %opt) = @_;

    my ($status, $error) = @{ $reasons{$reason} }{qw(status error)};
    my $realm = 'realm="' . ($opt{realm} // 'auth gateway') . '"';

    if ($opt{by} eq 'basic') {
        return $status == 401 ? "Basic $realm" : undef;
    }

    return "Basic $realm | Bearer $realm" if $opt{by} eq 'either';

    return "Bearer $realm" if $reason eq 'no_credentials';

    return "Bearer $realm, error=\"$error\""
        if $status == 401 || $reason eq 'malformed_credentials';

    return "Bearer $realm, error=\"insufficient_scope\""
        . (defined $opt{scope} ? ", scope=\"$opt{scope}\"" : '')
        if $error eq 'insufficient_scope';

    return;
}


# { status, error, error_code, challenge, type, enum } of a reason

sub expected {
    my ($reason, %opt) = @_;

    my %want = %{ $reasons{$reason} or die "no reason $reason\n" };

    $want{error} = 'invalid_client'
        if $reason eq 'no_credentials' && $opt{by} ne 'bearer';
    $want{challenge} = challenge($reason, %opt);

    return \%want;
}


# What is wrong with a response as the answer to a reason; an empty list
# where nothing is.  method => 'HEAD' for one without a body; format =>
# 'thred' or 'layer' for that body, allow => for another Allow than POST.

sub problems_of {
    my ($response, $reason, %opt) = @_;

    return ('no response') unless $response;

    my $want = expected($reason, %opt);
    my @problems;
    my $same = sub {
        my ($what, $got, $wanted) = @_;

        return if ($got // '(none)') eq ($wanted // '(none)');
        push @problems, sprintf '%s is %s, not %s', $what,
            $got // '(none)', $wanted // '(none)';
    };
    my @challenges = $response->header('WWW-Authenticate');

    # RFC 6750, section 3, lets a description stand in the challenge: the
    # same as in the body

    my $format = $opt{format} // 'oauth2';
    my $said = ref $response->json eq 'HASH'
        ? $response->json->{{ oauth2 => 'error_description',
            thred => 'error', layer => 'description' }->{$format}} : undef;

    for (@challenges) {
        next unless s/, error_description="([^"\\]+)"//;
        $same->('description in the challenge', $1, $said)
            if defined $said;
    }

    $same->('status', $response->status, $want->{status});
    $same->('WWW-Authenticate', join(' | ', @challenges),
        $want->{challenge} // '');
    $same->($_->[0], join(' | ', $response->header($_->[0])), $_->[1]) for
        ['Content-Type', 'application/json'],
        ['Cache-Control', 'no-store'],
        ['Pragma', 'no-cache'];
    $same->('Allow', scalar $response->header('Allow'), $opt{allow} // 'POST')
        if $reason eq 'method_not_allowed';
    push @problems, 'no Retry-After' if $reason eq 'store_unavailable'
        && ($response->header('Retry-After') // '') !~ /^[1-9][0-9]*$/;

    if (($opt{method} // '') eq 'HEAD') {
        push @problems, 'a body to HEAD' if $response->body ne '';
        return @problems;
    }

    return (@problems,
        $format eq 'layer' ? problems_of_api_error($response, $want)
        : $format eq 'thred' ? problems_of_thred($response, $want)
        : problems_of_body($response, $want->{error}));
}


# the oauth2 format, exactly (RFC 6749, section 5.2)

sub problems_of_body {
    my ($response, $error) = @_;

    my $json = $response->json;

    return ('the body is not JSON: ' . $response->body)
        unless ref $json eq 'HASH';

    my @problems;

    push @problems, 'members are ' . join ' ', sort keys %$json
        if join(' ', sort keys %$json) ne 'error error_description';
    push @problems, 'error is ' . ($json->{error} // '(none)')
        . ", not $error" if ($json->{error} // '') ne $error;

    for (grep { defined } @$json{qw(error error_description)}) {
        push @problems, "characters outside RFC 6749, 5.2: $_"
            unless /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/;
    }

    return @problems;
}


# the thred format, exactly (P4.4)

sub problems_of_thred {
    my ($response, $want) = @_;

    my $json = $response->json;

    return ('the body is not JSON: ' . $response->body)
        unless ref $json eq 'HASH';

    my $got = $canonical->encode($json);
    my $wanted = $canonical->encode({
        error => $json->{error} // '', details => {},
        error_code => $want->{error_code},
    });

    return $got eq $wanted ? () : "the body is $got, not $wanted";
}


# the layer format, exactly: ApiError, and the same object in an array

sub problems_of_api_error {
    my ($response, $want) = @_;

    my $json = $response->json;

    return ('the body is not JSON: ' . $response->body)
        unless ref $json eq 'HASH';

    my %want = (
        type => $want->{type}, description => $json->{description} // '',
        (defined $want->{enum} ? (error_enum => $want->{enum}) : ()),
        meta => {},
    );
    my $got = $canonical->encode($json);
    my $wanted = $canonical->encode({ %want, errors => [\%want] });
    my @problems;

    push @problems, "the body is $got, not $wanted" if $got ne $wanted;
    push @problems, 'a description outside RFC 6749, 5.2'
        if $want{description} !~ /^[\x20-\x21\x23-\x5b\x5d-\x7e]{10,}$/;

    return @problems;
}


# What is wrong with what the log adds to a reason: something is said exactly
# where claims or an API key are at fault, in words of the module's own, and that what is
# wanted, if anything is.

sub problems_of_fault {
    my ($reason, $fault, $want) = @_;

    my $form = $faults{$reason};

    return if !defined $fault && !defined $want && $reason eq 'invalid_target';
    $form = qr/subject_token: (?:\w+|another partner's)/
        if $reason eq 'invalid_request' && defined $want;

    return defined $fault ? "the log adds: $fault" : () unless $form;
    return 'the log does not say what is at fault' unless defined $fault;
    return "the log adds: $fault" unless $fault =~ /^(?:$form)$/;
    return "the log adds: $fault, not $want"
        if defined $want && $fault ne $want;

    return;
}


1;
