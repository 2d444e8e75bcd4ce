package AGW::Config;

# What nginx -t says to one configuration after another: each case fills in what
# stands in http, in the server and in the location of one text.

use strict;
use warnings;

use Exporter 'import';
use Test::More;

use AGW::Files qw(make_prefix random_hex spew);
use AGW::Nginx qw(nginx_t);

our @EXPORT_OK = qw(accepted check configuration in_place refused
    $guard $key $proxy $store $template $token);

# what most cases fill in

our $store = 'auth_gateway_store %%ENGINE%%;';
our $key = 'auth_gateway_key %%PREFIX%%/secret.key alg=HS256 kid=k1;';
our $template = 'auth_gateway_business_path /v1/businesses/<business_id>;';
our $guard = "auth_gateway_require business; $template";
our $proxy = 'proxy_pass http://127.0.0.1:9;';
our $token = 'auth_gateway_token partner;';

my $usual = <<'CONF';
http {
    %%HTTP%%

    server {
        listen 127.0.0.1:%%TLS%% ssl;
        %%SERVER%%

        location %%PATH%% {
            %%LOCATION%%
        }
    }
}
CONF

my (%given, $prefix);


# Begins a test.  conf is the text with %%HTTP%%, %%SERVER%% and %%LOCATION%%,
# the one above if it is left out, path that of its location; store and key
# are used if a case has none of its own.  Returns the prefix, in which s32.key
# and s48.key are secrets of 32 and of 48 bytes.

sub configuration {
    %given = (
        conf => $usual, path => '/v1/businesses/', store => $store,
        key => $key, @_,
    );
    $given{conf} =~ s/%%PATH%%/$given{path}/;

    $prefix = make_prefix();
    spew("$prefix/s32.key", random_hex(16), 0600);
    spew("$prefix/s48.key", random_hex(24), 0600);

    return $prefix;
}


# (exit code, output); parts are store, key, http, server, location, main

sub check {
    my (%part) = @_;

    my $text = $given{conf};
    my $store = $part{store} // $given{store};
    my $http = join "\n    ", grep { $_ } $store,
        $part{key} // $given{key}, $part{http};

    # nginx -t makes the zone, and most of its time was that of 8 MB

    $http .= "\n    auth_gateway_zone 64k;"
        if $store && !grep { /auth_gateway_zone/ } grep { defined }
            values %part;

    $text =~ s/%%HTTP%%/$http/;
    $text =~ s/%%SERVER%%/$part{server} \/\/ ''/e;
    $text =~ s/%%LOCATION%%/$part{location} \/\/ 'return 404;'/e;

    return nginx_t($text, prefix => $prefix, main => $part{main});
}


# refused(name, directive, value, what is accepted, parts): the message is
# one [emerg] line that has the three (each may be undef)

sub refused {
    my ($name, $directive, $value, $accepted, %part) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($code, $said) = check(%part);
    my ($line) = $said =~ /(\[emerg\].* in \/[^\n]*)/s;
    my @problems;

    push @problems, "exit code $code" if $code != 1;
    push @problems, 'no [emerg] line' unless defined $line;
    $line //= '';
    push @problems, "does not name $directive"
        unless $line =~ /\b\Q$directive\E\b/;
    push @problems, "does not quote $value" if defined $value
        && index($line, "\"$value\"") < 0 && index($line, $value) < 0;
    push @problems, "does not say $accepted" if defined $accepted
        && $line !~ $accepted;
    push @problems, 'nginx knows no such directive'
        if $line =~ /unknown directive/;

    return ok(!@problems, "D3 refused: $name")
        || diag(join "\n", @problems, $said);
}


sub accepted {
    my ($name, %part) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my ($code, $said) = check(%part);

    return is($code, 0, "D3 accepted: $name") || diag($said);
}


# the parts of a case that has these lines in that place

sub in_place {
    my ($place, $lines) = @_;

    return (main => "$lines\n") if $place eq 'main';
    return (http => "upstream u { server 127.0.0.1:9; $lines }")
        if $place eq 'upstream';
    return (store => '', http => $lines)
        if $place eq 'http' && $lines =~ /_store /;
    return (http => $lines) if $place eq 'http';
    return (server => $lines) if $place eq 'server';
    return (server => "if (\$arg_x) { $lines }") if $place eq 'if_in_server';
    return (location => $lines) if $place eq 'location';
    return (location => "limit_except GET { $lines }")
        if $place eq 'limit_except';
    return (location => "if (\$arg_x) { $lines }");
}


1;
