
/*
 * The tables.
 */


#include <stddef.h>

#include "cli_business.h"
#include "cli_commands.h"
#include "cli_credential.h"
#include "cli_explain.h"
#include "cli_export.h"
#include "cli_import.h"
#include "cli_key.h"
#include "cli_partner.h"
#include "cli_revocation.h"


#define CLI_PAGES    (cli_bit(CLI_AFTER)|cli_bit(CLI_LIMIT))

#define CLI_CREATES  (cli_bit(CLI_ID)|cli_bit(CLI_REPLACE)|cli_bit(CLI_STATUS))

#define CLI_SCOPES                                                            \
    (cli_bit(CLI_SCOPE)|cli_bit(CLI_ALL_SCOPES)|cli_bit(CLI_NO_SCOPES))

#define CLI_VALIDITY                                                          \
    (cli_bit(CLI_NAME)|cli_bit(CLI_NOT_BEFORE)|cli_bit(CLI_EXPIRES))


const cli_command_t  cli_commands[] = {

    {
        "partner list", "",
        CLI_PAGES|cli_bit(CLI_STATUS), 0,
        "List partners",
        "Lists all partners, in the order of their ids.",
        "auth-gateway partner list --status active",
        cli_partner_list
    },

    {
        "partner show", "<partner_id>",
        0, 0,
        "Show one partner",
        "Shows a partner, and its etag for --if-match.",
        "auth-gateway partner show acme",
        cli_partner_show
    },

    {
        "partner create", "",
        CLI_CREATES|CLI_SCOPES|cli_bit(CLI_NAME), 0,
        "Create a partner",
        "Creates a partner, which is active unless --status says otherwise,"
        " and may ask for every scope unless --scope or --no-scopes says"
        " otherwise. It needs an API key next: see \"key create\".",
        "auth-gateway partner create --name 'Example Ltd'\n"
        "auth-gateway partner create --id acme --scope read --scope write",
        cli_partner_create
    },

    {
        "partner update", "<partner_id>",
        CLI_SCOPES|cli_bit(CLI_NAME)|cli_bit(CLI_NO_NAME)|cli_bit(CLI_STATUS)
        |cli_bit(CLI_IF_MATCH), 0,
        "Change a partner",
        "Changes what is given, and leaves the rest.",
        "auth-gateway partner update acme --name 'Example Inc'",
        cli_partner_update
    },

    {
        "partner disable", "<partner_id>",
        cli_bit(CLI_IF_MATCH), 0,
        "Close a partner",
        "Its tokens end, those for its businesses too, and it gets no new"
        " ones.",
        "auth-gateway partner disable acme",
        cli_partner_disable
    },

    {
        "partner enable", "<partner_id>",
        cli_bit(CLI_IF_MATCH), 0,
        "Open a partner again",
        "It gets tokens again. Those that it had before do not come back.",
        "auth-gateway partner enable acme",
        cli_partner_enable
    },

    {
        "key list", "<partner_id>",
        0, 0,
        "List the API keys of a partner",
        "Lists the keys with their times. The keys themselves are known to"
        " nobody but the partner.",
        "auth-gateway key list acme",
        cli_key_list
    },

    {
        "key show", "<partner_id> <key_id>",
        0, 0,
        "Show one API key",
        "Shows when it is accepted and when it was last used, and its etag for"
        " --if-match.",
        "auth-gateway key show acme Yk3fQ0aZ91LmP7xs",
        cli_key_show
    },

    {
        "key create", "<partner_id>",
        CLI_VALIDITY|cli_bit(CLI_KEY_FILE), 0,
        "Make an API key for a partner",
        "Makes a key and prints it, this once: the gateway keeps its digest"
        " only. The key alone is written to standard output, and what else is"
        " known of it to standard error.",
        "auth-gateway key create acme --name production --expires 90d\n"
        "auth-gateway key create acme --key-file acme.key",
        cli_key_create
    },

    {
        "key update", "<partner_id> <key_id>",
        CLI_VALIDITY|cli_bit(CLI_NO_NAME)|cli_bit(CLI_IF_MATCH), 0,
        "Change the name or the times of an API key",
        "Changes what is given, and leaves the rest.",
        "auth-gateway key update acme Yk3fQ0aZ91LmP7xs --expires 14d",
        cli_key_update
    },

    {
        "key roll", "<partner_id> <key_id>",
        cli_bit(CLI_GRACE)|cli_bit(CLI_KEY_FILE), cli_bit(CLI_GRACE),
        "Replace an API key by a new one",
        "Makes a new key, which is printed as by \"key create\". The old one is"
        " accepted for the time of --grace, and then no more; if it was to"
        " expire earlier, it still does.",
        "auth-gateway key roll acme Yk3fQ0aZ91LmP7xs --grace 24h",
        cli_key_roll
    },

    {
        "key delete", "<partner_id> <key_id>",
        cli_bit(CLI_IF_MATCH), 0,
        "Delete an API key",
        "The key is refused from now on. Tokens that it got live until they"
        " expire.",
        "auth-gateway key delete acme Yk3fQ0aZ91LmP7xs",
        cli_key_delete
    },

    {
        "key end", "<partner_id> <key_id>",
        0, 0,
        "Delete an API key that leaked, and end all tokens of its partner",
        "Both are done, or neither. The partner gets new tokens with another"
        " key at once.",
        "auth-gateway key end acme Yk3fQ0aZ91LmP7xs",
        cli_key_end
    },

    {
        "jwk list", "<partner_id>",
        0, 0,
        "List the public keys of a partner",
        "Those that its assertions are verified with.",
        "auth-gateway jwk list acme",
        cli_jwk_list
    },

    {
        "jwk add", "<partner_id> <file>",
        0, 0,
        "Add a public key of a partner, or replace it",
        "The file has one JWK; \"-\" is standard input. A private key is"
        " refused. Without a kid it is its thumbprint (RFC 7638); the key that"
        " has this kid already is replaced.",
        "auth-gateway jwk add acme acme.jwk",
        cli_jwk_add
    },

    {
        "jwk delete", "<partner_id> <kid>",
        cli_bit(CLI_IF_MATCH), 0,
        "Delete a public key of a partner",
        "It gets no token any more. Tokens that it got live until they"
        " expire.",
        "auth-gateway jwk delete acme 2026-a",
        cli_jwk_delete
    },

    {
        "certificate list", "<partner_id>",
        0, 0,
        "List the client certificates of a partner",
        "Shows their thumbprints, and when they end.",
        "auth-gateway certificate list acme",
        cli_certificate_list
    },

    {
        "certificate add", "<partner_id> <file>",
        0, 0,
        "Add a client certificate of a partner",
        "The file has it in PEM; \"-\" is standard input. Its thumbprint is"
        " sent and kept, and the time when it ends.",
        "auth-gateway certificate add acme acme.pem",
        cli_certificate_add
    },

    {
        "certificate delete", "<partner_id> <thumbprint>",
        cli_bit(CLI_IF_MATCH), 0,
        "Delete a client certificate of a partner",
        "It gets no token any more. Tokens that it got live until they"
        " expire.",
        "auth-gateway certificate delete acme"
        " BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSY",
        cli_certificate_delete
    },

    {
        "business list", "",
        CLI_PAGES|cli_bit(CLI_PARTNER)|cli_bit(CLI_STATUS), 0,
        "List businesses",
        "Lists all businesses, in the order of their ids.",
        "auth-gateway business list --partner acme --status archived",
        cli_business_list
    },

    {
        "business show", "<business_id>",
        0, 0,
        "Show one business",
        "Shows a business, and its etag for --if-match.",
        "auth-gateway business show 4f6c1d20",
        cli_business_show
    },

    {
        "business create", "<partner_id>",
        CLI_CREATES, 0,
        "Create a business of a partner",
        "Creates a business, which is active unless --status says otherwise.",
        "auth-gateway business create acme",
        cli_business_create
    },

    {
        "business archive", "<business_id>",
        cli_bit(CLI_IF_MATCH), 0,
        "Close a business",
        "The tokens for it end, and there are no new ones.",
        "auth-gateway business archive 4f6c1d20",
        cli_business_archive
    },

    {
        "business restore", "<business_id>",
        cli_bit(CLI_IF_MATCH), 0,
        "Open a business again",
        "There are tokens for it again. Those from before do not come back.",
        "auth-gateway business restore 4f6c1d20",
        cli_business_restore
    },

    {
        "business move", "<business_id> <partner_id>",
        cli_bit(CLI_IF_MATCH), 0,
        "Give a business to another partner",
        "The tokens of the former partner for it end.",
        "auth-gateway business move 4f6c1d20 other",
        cli_business_move
    },

    {
        "revoke token", "",
        cli_bit(CLI_TOKEN_FILE)|cli_bit(CLI_ID), 0,
        "End one token",
        "Reads the token from --token-file or standard input. Its partner_id"
        " and its jti are sent, and nothing else; its signature is not"
        " checked. If only these two are known, for example from a log, give"
        " \"<partner_id>:<jti>\" to --id.",
        "auth-gateway revoke token --token-file leaked.txt",
        cli_revoke_token
    },

    {
        "revoke business", "<business_id>",
        0, 0,
        "End all tokens for a business",
        "Those of every partner that were issued until now. There are new"
        " ones at once.",
        "auth-gateway revoke business 4f6c1d20",
        cli_revoke_business
    },

    {
        "revoke owner", "<partner_id> <business_id>",
        0, 0,
        "End the tokens of a partner for a business",
        "Those that were issued until now.",
        "auth-gateway revoke owner acme 4f6c1d20",
        cli_revoke_owner
    },

    {
        "revoke partner", "<partner_id>",
        0, 0,
        "End all tokens of a partner",
        "Those that were issued until now, for its businesses too. It gets new"
        " ones at once; \"partner disable\" ends that too.",
        "auth-gateway revoke partner acme",
        cli_revoke_partner
    },

    {
        "revocation list", "",
        CLI_PAGES|cli_bit(CLI_KIND)|cli_bit(CLI_PARTNER), 0,
        "List the revocations in force",
        "In the order in which they were made. Here --after takes a SEQ.",
        "auth-gateway revocation list --kind token",
        cli_revocation_list
    },

    {
        "import", "<file>",
        cli_bit(CLI_DRY_RUN)|cli_bit(CLI_FROM), 0,
        "Create or replace partners, their credentials and businesses from a"
        " file",
        "The file has one JSON object a line, as \"export\" writes them; \"-\""
        " is standard input. See \"auth-gateway help lines\".\n"
        "\n"
        "It is imported in pieces of 1000 lines, each of which is imported as"
        " a whole, or not. If one is refused, the line at fault is named, the"
        " import stops, and it is said which lines are in; --from goes on from"
        " there. To import a line again does no harm. With --dry-run all"
        " lines are checked, and nothing is changed.",
        "auth-gateway import --dry-run businesses.ndjson\n"
        "auth-gateway import businesses.ndjson",
        cli_import
    },

    {
        "export", "",
        0, 0,
        "Write all partners, their credentials and businesses, one a line",
        "The lines are JSON objects that \"import\" reads, here or at another"
        " gateway. Of API keys they have the digests. If it fails in the"
        " middle, the exit code says so.",
        "auth-gateway export > gateway.ndjson",
        cli_export
    },

    {
        "explain", "<method> <path>",
        cli_bit(CLI_TOKEN_FILE)|cli_bit(CLI_SERVER)|cli_bit(CLI_HTTPS)
        |cli_bit(CLI_DESTINATION)|cli_bit(CLI_THUMBPRINT), 0,
        "Show which check refuses a request with a token",
        "Reads the token from --token-file or standard input, and shows every"
        " check of the gateway with what was compared; the one that decides is"
        " marked. The exit code is 0 for a request that would be refused"
        " too.",
        "auth-gateway explain GET /v1/businesses/4f6c1d20/x --https"
        " --token-file t",
        cli_explain
    },

    {
        "status", "",
        cli_bit(CLI_STATUS_PATH), 0,
        "Show how the gateway is",
        "Asks the location with auth_gateway_status, which must be in the same"
        " server of nginx. If the gateway is not ready, the exit code is 1.",
        "auth-gateway status",
        cli_status
    },

    { NULL, NULL, 0, 0, NULL, NULL, NULL, NULL }
};


const cli_topic_t  cli_groups[] = {
    { "partner", "Partners, which have API keys and businesses", NULL },
    { "key", "API keys of a partner", NULL },
    { "jwk", "Public keys of a partner", NULL },
    { "certificate", "Client certificates of a partner", NULL },
    { "business", "Businesses of a partner", NULL },
    { "revoke", "End tokens before they expire", NULL },
    { "revocation", "What was revoked", NULL },
    { NULL, NULL, NULL }
};


const cli_topic_t  cli_topics[] = {

    {
        "connection", "How the gateway is reached",
        "By default at the unix socket of --socket or AUTH_GATEWAY_SOCKET. The"
        " gateway asks the kernel who is at its other end: root may, and whom"
        " \"uid=\" of auth_gateway_admin names.\n"
        "\n"
        "With --url it is reached over TLS, with the client certificate of"
        " --cert and --key, which \"certificate=\" of auth_gateway_admin must"
        " name. The certificate of the server is verified with --cacert, or"
        " with the CAs of the system; that cannot be switched off.\n"
        "\n"
        "An option wins over a variable of the environment, and --socket over"
        " AUTH_GATEWAY_URL. No redirect is followed, and no proxy used."
    },

    {
        "times", "Times and durations",
        "A time is 2027-01-31T12:00:00Z (RFC 3339), a date as 2027-01-31 for"
        " its first second in UTC, Unix seconds, \"now\", or a duration from"
        " now.\n"
        "\n"
        "A duration is a number with its unit, or several of them: 90d, 24h,"
        " 1h30m. The units are w, d, h, m and s. For a duration a number alone"
        " is seconds."
    },

    {
        "secrets", "Tokens and API keys",
        "A token is read from a file or from standard input; a terminal is"
        " asked without an echo. It is refused among the arguments, which every"
        " user of the machine can read, and which shells keep. An API key is"
        " printed once, when it is made.\n"
        "\n"
        "Memory that had one of them is wiped, and a core dump of this program"
        " is never written."
    },

    {
        "lines", "What is imported and exported",
        "A line is a JSON object with a \"type\": \"partner\", \"api_key\","
        " \"jwk\", \"certificate\" or \"business\". Its other members are those"
        " that the lists show.\n"
        "\n"
        "A partner has partner_id, status, and if it has them name and scopes,"
        " an array. An API key has partner_id and key_sha256, the SHA-256 of"
        " the key in 64 lower-case hexadecimal digits, and if it has them"
        " key_id, name, created_at, not_before and expires_at, in Unix seconds."
        " A JWK has partner_id and jwk, an object, and a certificate partner_id"
        " and x5t#S256, its thumbprint, and if it has it not_after. A business"
        " has business_id, partner_id and status. A partner comes before its"
        " credentials and businesses."
    },

    {
        "exit-codes", "Exit codes",
        "0 is done. 1 is refused: by the gateway, or since a file or standard"
        " output could not be written. 2 is a fault of usage: nothing was"
        " sent. 3 is that no gateway was reached, or that what answered is"
        " none; a change may then have been made all the same."
    },

    { NULL, NULL, NULL }
};
