
/*
 * Revocations.  Of a token only its id leaves this program.
 */


#include <string.h>

#include "agw_claims.h"
#include "agw_jws.h"

#include "cli_list.h"
#include "cli_revocation.h"
#include "cli_secret.h"
#include "cli_text.h"


static char *cli_revoke_token_id(const cli_buf_t *token);
static int cli_revoke(const cli_call_t *call, const char *kind,
    const char *id);


const cli_column_t  cli_revocation_columns[] = {
    { "seq", "SEQ", CLI_TEXT, 0 },
    { "time", "TIME", CLI_TIME, 0 },
    { "kind", "KIND", CLI_TEXT, 0 },
    { "id", "ID", CLI_TEXT, 0 },
    { NULL, NULL, CLI_TEXT, 0 }
};


/* by --id, or by a token that is read */

int
cli_revoke_token(const cli_call_t *call)
{
    int         rc;
    char       *id;
    cli_buf_t   token;

    memset(&token, 0, sizeof(cli_buf_t));

    if (call->values[CLI_ID] != NULL) {

        if (call->values[CLI_TOKEN_FILE] != NULL) {
            cli_error("%s: --id and --token-file contradict each other",
                      call->command);
            return CLI_EXIT_USAGE;
        }

        return cli_revoke(call, "token", call->values[CLI_ID]);
    }

    rc = cli_secret_read_token(&token, call->values[CLI_TOKEN_FILE]);

    if (rc == CLI_EXIT_OK) {
        id = cli_revoke_token_id(&token);
        cli_buf_free(&token);
        cli_memory_scrub();

        if (id == NULL) {
            cli_error("what was read is no token of an auth gateway, which has"
                      " a partner_id and a jti");
            return CLI_EXIT_USAGE;
        }

        rc = cli_revoke(call, "token", id);
        cli_free(id);
    }

    cli_buf_free(&token);

    return rc;
}


int
cli_revoke_business(const cli_call_t *call)
{
    return cli_revoke(call, "business", call->operands[0]);
}


int
cli_revoke_owner(const cli_call_t *call)
{
    int    rc;
    char  *id;

    id = cli_printf("%s:%s", call->operands[0], call->operands[1]);
    rc = cli_revoke(call, "owner", id);
    cli_free(id);

    return rc;
}


int
cli_revoke_partner(const cli_call_t *call)
{
    return cli_revoke(call, "partner", call->operands[0]);
}


int
cli_revocation_list(const cli_call_t *call)
{
    cli_buf_t  path;

    memset(&path, 0, sizeof(cli_buf_t));

    cli_buf_str(&path, "revocations");
    cli_api_query(&path, "kind", call->values[CLI_KIND]);
    cli_api_query(&path, "partner_id", call->values[CLI_PARTNER]);

    return cli_list(call, path.data, "revocations", 1,
                    cli_revocation_columns);
}


static int
cli_revoke(const cli_call_t *call, const char *kind, const char *id)
{
    json_t  *body;

    body = json_object();
    cli_api_set_text(body, "kind", kind);
    cli_api_set_text(body, "id", id);

    return cli_api_change(call, "POST", cli_strdup("revocations"), body,
                          cli_revocation_columns);
}


/* "<partner_id>:<jti>"; the signature is not looked at */

static char *
cli_revoke_token_id(const cli_buf_t *token)
{
    char           *id;
    agw_str_t       text, payload;
    agw_claims_t    claims;
    unsigned char  *buf;

    text.data = (const unsigned char *) token->data;
    text.len = token->len;

    id = NULL;
    buf = cli_alloc(AGW_JWS_BUF_SIZE);

    if (agw_jws_payload(text, buf, &payload) == 0
        && agw_claims_read(&claims, payload) == AGW_OK)
    {
        if (claims.partner_id.len > 0 && claims.jti.len > 0) {
            id = cli_printf("%.*s:%.*s", (int) claims.partner_id.len,
                            (const char *) claims.partner_id.data,
                            (int) claims.jti.len,
                            (const char *) claims.jti.data);
        }

        agw_claims_done(&claims);
    }

    cli_free(buf);

    return id;
}
