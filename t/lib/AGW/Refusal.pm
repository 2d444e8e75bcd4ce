package AGW::Refusal;

# What a refusal looks like from outside, by its reason.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(expected problems_of);

# reason => [status, error word in the oauth2 format]

my %answers = (
    insecure_transport => [403, 'invalid_request'],
    invalid_client => [401, 'invalid_client'],
    no_credentials => [401, 'invalid_token'],
    body_too_large => [413, 'invalid_request'],
    method_not_allowed => [405, 'invalid_request'],
    unsupported_grant_type => [400, 'unsupported_grant_type'],
    invalid_scope => [400, 'invalid_scope'],
    store_unavailable => [503, 'temporarily_unavailable'],
    (map { $_ => [400, 'invalid_request'] } qw(
        ambiguous_path malformed_credentials invalid_request body_not_json
    )),
    (map { $_ => [401, 'invalid_token'] } qw(
        malformed_token unknown_key algorithm_mismatch bad_signature
        malformed_claims wrong_issuer wrong_audience expired not_yet_valid
        revoked
    )),
    (map { $_ => [403, 'insufficient_scope'] } qw(
        wrong_kind insufficient_scope wrong_business
    )),
    (map { $_ => [404, 'invalid_target'] } qw(
        no_business_in_path unknown_business not_owner archived_business
    )),
);


# The exact challenge for a reason, or undef where there is none.  by is
# 'basic' for partner token locations, else 'bearer'; scope is what a 403
# names, undef for none.

sub challenge {
    my ($reason, %opt) = @_;

    my ($status, $error) = @{ $answers{$reason} };
    my $realm = 'realm="' . ($opt{realm} // 'auth gateway') . '"';

    if ($opt{by} eq 'basic') {
        return $status == 401 ? "Basic $realm" : undef;
    }

    return "Bearer $realm" if $reason eq 'no_credentials';

    return "Bearer $realm, error=\"$error\""
        if $status == 401 || $reason eq 'malformed_credentials';

    return "Bearer $realm, error=\"insufficient_scope\""
        . (defined $opt{scope} ? ", scope=\"$opt{scope}\"" : '')
        if $error eq 'insufficient_scope';

    return;
}


# { status, error, challenge } of a reason

sub expected {
    my ($reason, %opt) = @_;

    my $answer = $answers{$reason} or die "no reason $reason\n";
    my $error = $answer->[1];

    $error = 'invalid_client'
        if $reason eq 'no_credentials' && $opt{by} eq 'basic';

    return {
        status => $answer->[0], error => $error,
        challenge => scalar challenge($reason, %opt),
    };
}


# What is wrong with a response as the answer to a reason; an empty list
# where nothing is.  method => 'HEAD' for one without a body; allow => the
# methods of a location that is not for POST.

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

    my $said = ref $response->json eq 'HASH'
        ? $response->json->{error_description} : undef;

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
    $same->('Allow', scalar $response->header('Allow'),
        $opt{allow} // 'POST') if $reason eq 'method_not_allowed';
    push @problems, 'no Retry-After' if $reason eq 'store_unavailable'
        && ($response->header('Retry-After') // '') !~ /^[1-9][0-9]*$/;

    if (($opt{method} // '') eq 'HEAD') {
        push @problems, 'a body to HEAD' if $response->body ne '';
        return @problems;
    }

    return (@problems, problems_of_body($response, $want->{error}));
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


1;
