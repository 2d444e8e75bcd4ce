
/*
 * Partners.
 */


#include <string.h>

#include "cli_list.h"
#include "cli_partner.h"
#include "cli_text.h"


static int cli_partner_body(const cli_call_t *call, json_t *body, int patch);
static json_t *cli_partner_scopes(const cli_call_t *call);
static int cli_partner_set_status(const cli_call_t *call, const char *status);


static const cli_column_t  cli_partner_columns[] = {
    { "partner_id", "PARTNER_ID", CLI_TEXT, 0 },
    { "status", "STATUS", CLI_TEXT, 0 },
    { "name", "NAME", CLI_TEXT, 1 },
    { "scopes", "SCOPES", CLI_WORDS, 1 },
    { NULL, NULL, CLI_TEXT, 0 }
};


int
cli_partner_list(const cli_call_t *call)
{
    cli_buf_t  path;

    memset(&path, 0, sizeof(cli_buf_t));

    cli_buf_str(&path, "partners");
    cli_api_query(&path, "status", call->values[CLI_STATUS]);

    return cli_list(call, path.data, "partners", 1, cli_partner_columns);
}


int
cli_partner_show(const cli_call_t *call)
{
    return cli_api_change(call, "GET",
                          cli_api_path("partners/%", call->operands[0], NULL),
                          NULL, cli_partner_columns);
}


int
cli_partner_create(const cli_call_t *call)
{
    json_t      *body;
    const char  *id;

    body = json_object();
    id = call->values[CLI_ID];

    if (cli_partner_body(call, body, 0) != 0) {
        json_decref(body);
        return CLI_EXIT_USAGE;
    }

    return cli_api_create(call, id ? cli_api_path("partners/%", id, NULL)
                                   : cli_strdup("partners"),
                          body, cli_partner_columns);
}


int
cli_partner_update(const cli_call_t *call)
{
    json_t  *body;

    body = json_object();

    if (cli_partner_body(call, body, 1) != 0) {
        json_decref(body);
        return CLI_EXIT_USAGE;
    }

    if (json_object_size(body) == 0) {
        cli_error("%s: there is nothing to change: give --name, --no-name,"
                  " --scope, --all-scopes, --no-scopes or --status",
                  call->command);
        json_decref(body);
        return CLI_EXIT_USAGE;
    }

    return cli_api_change(call, "PATCH",
                          cli_api_path("partners/%", call->operands[0], NULL),
                          body, cli_partner_columns);
}


int
cli_partner_disable(const cli_call_t *call)
{
    return cli_partner_set_status(call, "disabled");
}


int
cli_partner_enable(const cli_call_t *call)
{
    return cli_partner_set_status(call, "active");
}


static int
cli_partner_set_status(const cli_call_t *call, const char *status)
{
    return cli_api_change(call, "PATCH",
                          cli_api_path("partners/%", call->operands[0], NULL),
                          json_pack("{s:s}", "status", status),
                          cli_partner_columns);
}


/* the members that options give; a patch removes one with null */

static int
cli_partner_body(const cli_call_t *call, json_t *body, int patch)
{
    int           scopes;
    const char  *const *v;

    v = call->values;
    scopes = (v[CLI_SCOPE] != NULL) + (v[CLI_ALL_SCOPES] != NULL)
             + (v[CLI_NO_SCOPES] != NULL);

    if (scopes > 1 || (v[CLI_NAME] != NULL && v[CLI_NO_NAME] != NULL)) {
        cli_error("%s: %s contradict each other", call->command, scopes > 1
                  ? "--scope, --all-scopes and --no-scopes"
                  : "--name and --no-name");
        return -1;
    }

    if (v[CLI_NAME] != NULL) {
        cli_api_set_text(body, "name", v[CLI_NAME]);
    }

    if (v[CLI_STATUS] != NULL) {
        cli_api_set_text(body, "status", v[CLI_STATUS]);
    }

    if (v[CLI_SCOPE] != NULL || v[CLI_NO_SCOPES] != NULL) {
        json_object_set_new(body, "scopes", cli_partner_scopes(call));
    }

    if (patch && v[CLI_NO_NAME] != NULL) {
        json_object_set_new(body, "name", json_null());
    }

    if (patch && v[CLI_ALL_SCOPES] != NULL) {
        json_object_set_new(body, "scopes", json_null());
    }

    return 0;
}


static json_t *
cli_partner_scopes(const cli_call_t *call)
{
    size_t   i;
    json_t  *scopes;

    scopes = json_array();

    for (i = 0; i < call->scope_count; i++) {
        json_array_append_new(scopes, json_string_nocheck(call->scopes[i]));
    }

    return scopes;
}
