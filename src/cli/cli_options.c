
/*
 * The table of options: parsed by it, and explained by it.
 */


#include "cli_options.h"


#define CLI_DEFAULT_SOCKET  "/run/auth_gateway/admin.sock"


const cli_option_t  cli_options[CLI_OPTIONS] = {

    [CLI_SOCKET] = {
        "--socket", "<path>", "AUTH_GATEWAY_SOCKET",
        "The unix socket where nginx serves the administration;"
        " " CLI_DEFAULT_SOCKET " by default."
    },

    [CLI_URL] = {
        "--url", "<https url>", "AUTH_GATEWAY_URL",
        "Ask there instead, over TLS, with --cert and --key. A path in the URL"
        " is the one of --prefix."
    },

    [CLI_CERT] = {
        "--cert", "<file>", "AUTH_GATEWAY_CERT",
        "The client certificate for --url, in PEM."
    },

    [CLI_KEY] = {
        "--key", "<file>", "AUTH_GATEWAY_KEY",
        "The private key of --cert, in PEM."
    },

    [CLI_CACERT] = {
        "--cacert", "<file>", "AUTH_GATEWAY_CACERT",
        "The CA certificates that the server's is verified with, in PEM; those"
        " of the system by default. It is always verified."
    },

    [CLI_PREFIX] = {
        "--prefix", "<path>", NULL,
        "The location of the administration in nginx; /admin/ by default."
    },

    [CLI_TIMEOUT] = {
        "--timeout", "<duration>", NULL,
        "How long one request may take; 60s by default."
    },

    [CLI_JSON] = {
        "--json", NULL, NULL,
        "Print the gateway's JSON instead of tables and sentences."
    },

    [CLI_HELP] = {
        "--help", NULL, NULL,
        "Print the help of the command."
    },

    [CLI_VERSION] = {
        "--version", NULL, NULL,
        "Print the version."
    },

    [CLI_ID] = {
        "--id", "<id>", NULL,
        "The id of what is created: 1 to 128 letters, digits and . _ ~ -. By"
        " default the gateway makes a new UUID."
    },

    [CLI_REPLACE] = {
        "--replace", NULL, NULL,
        "If --id exists, replace it as a whole. Without it that is refused."
    },

    [CLI_NAME] = {
        "--name", "<text>", NULL,
        "A name for people."
    },

    [CLI_NO_NAME] = {
        "--no-name", NULL, NULL,
        "Remove the name."
    },

    [CLI_SCOPE] = {
        "--scope", "<scope>", NULL,
        "A scope that the partner may ask for; once for each scope. Those that"
        " are not named any more are removed."
    },

    [CLI_ALL_SCOPES] = {
        "--all-scopes", NULL, NULL,
        "Let the partner ask for every scope of the gateway."
    },

    [CLI_NO_SCOPES] = {
        "--no-scopes", NULL, NULL,
        "Let the partner ask for no scope."
    },

    [CLI_STATUS] = {
        "--status", "<status>", NULL,
        "A partner is active or disabled, a business active or archived."
    },

    [CLI_NOT_BEFORE] = {
        "--not-before", "<time>", NULL,
        "The key is refused before that time."
    },

    [CLI_EXPIRES] = {
        "--expires", "<time>", NULL,
        "The key is refused from that time on; \"never\" for no such time."
    },

    [CLI_GRACE] = {
        "--grace", "<duration>", NULL,
        "How long the old key is accepted beside the new one, such as 24h; 0"
        " ends it at once."
    },

    [CLI_KEY_FILE] = {
        "--key-file", "<file>", NULL,
        "Write the new API key to that file, with mode 0600, and not to"
        " standard output. The file must not exist."
    },

    [CLI_IF_MATCH] = {
        "--if-match", "<etag>", NULL,
        "Refuse the change unless this is still the etag that \"show\""
        " printed: nobody has changed it since."
    },

    [CLI_PARTNER] = {
        "--partner", "<partner_id>", NULL,
        "Only those of that partner."
    },

    [CLI_KIND] = {
        "--kind", "<kind>", NULL,
        "Only those of that kind: token, owner, partner or business."
    },

    [CLI_AFTER] = {
        "--after", "<id>", NULL,
        "Only those behind that id, in the order of the list."
    },

    [CLI_LIMIT] = {
        "--limit", "<number>", NULL,
        "Only so many; all by default."
    },

    [CLI_DRY_RUN] = {
        "--dry-run", NULL, NULL,
        "Check every line and change nothing."
    },

    [CLI_FROM] = {
        "--from", "<line>", NULL,
        "Begin with that line of the file."
    },

    [CLI_TOKEN_FILE] = {
        "--token-file", "<file>", NULL,
        "Read the token from that file; from standard input by default."
    },

    [CLI_SERVER] = {
        "--server", "<name>", NULL,
        "The server of nginx that the request would be for, by a name of its"
        " server_name."
    },

    [CLI_HTTPS] = {
        "--https", NULL, NULL,
        "The request would come over HTTPS."
    },

    [CLI_DESTINATION] = {
        "--destination", "<uri>", NULL,
        "The Destination of COPY or MOVE: a URI or a path. Without it, it is"
        " not checked."
    },

    [CLI_THUMBPRINT] = {
        "--thumbprint", "<x5t#S256>", NULL,
        "The client would have the certificate with that thumbprint: its"
        " SHA-256 in base64url."
    },

    [CLI_STATUS_PATH] = {
        "--path", "<path>", NULL,
        "The location of auth_gateway_status; /status by default."
    },
};
