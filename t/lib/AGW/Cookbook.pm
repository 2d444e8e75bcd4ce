package AGW::Cookbook;

# A complete configuration of a document, as it is written there, as a gateway.
# Only its paths, port, user and origin are others here.

use strict;
use warnings;

use parent 'AGW::Demo';

use AGW::Conf qw(load_line);
use AGW::Files qw(repo_root slurp worker_ids);


# Options are those of AGW::Demo->start, and document and section: the heading
# under which it stands.

sub configuration {
    my ($class, %opt) = @_;

    my $document = slurp(repo_root() . "/$opt{document}");
    my ($section) = $document
        =~ /^(?:\#+) \Q$opt{section}\E\n(.*?)(?=^\#\#|\z)/ms;
    my ($conf) = ($section // '') =~ /^```nginx\n(load_module .*?)^```$/ms;
    my ($user) = worker_ids();
    my $more = join '', map { "    $_;\n" }
        'access_log %%PREFIX%%/logs/access.log',
        map { "${_}_temp_path %%PREFIX%%/tmp/$_" }
        qw(client_body proxy fastcgi uwsgi scgi);

    die "$opt{document} has no complete configuration under $opt{section}\n"
        unless defined $conf;

    for (
        [qr/^user www-data;$/m, defined $user ? "user $user nogroup;" : ''],
        [qr{^pid /run/}m, 'pid %%PREFIX%%/'],
        [qr{/var/log/nginx/}, '%%PREFIX%%/logs/'],
        [qr{^load_module modules/ngx_http_auth_gateway_module\.so;$}m,
            load_line()],
        [qr{sqlite:/var/lib/auth_gateway/}, 'sqlite:%%STORE%%/'],
        [qr{/etc/nginx/auth_gateway\.pem}, '%%PREFIX%%/signing.pem'],
        [qr{/etc/nginx/tls/\S+\.crt}, '%%PREFIX%%/cert.pem'],
        [qr{/etc/nginx/tls/\S+\.key}, '%%PREFIX%%/cert.key'],
        [qr/listen 443 ssl/, 'listen 127.0.0.1:%%TLS%% ssl'],
        [qr/127\.0\.0\.1:9080/, '127.0.0.1:%%UPSTREAM%%'],
        [qr/^http \{\n/m, "http {\n$more"],
        @{ $opt{changes} // [] },
        $opt{origin} ? [qr{https://app\.example\.com}, $opt{origin}] : (),
    ) {
        my ($pattern, $text) = @$_;

        $conf =~ s/$pattern/$text/g or die "$opt{section}: no $pattern\n";
    }

    return $conf;
}


# its access log is nginx's own, not that of nginx.conf

sub finish {
    my ($self) = @_;

    return $self->AGW::Gateway::finish;
}


1;
