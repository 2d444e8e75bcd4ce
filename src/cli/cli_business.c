
/*
 * Businesses.
 */


#include <string.h>

#include "cli_business.h"
#include "cli_list.h"


static int cli_business_patch(const cli_call_t *call, const char *member,
    const char *value);


static const cli_column_t  cli_business_columns[] = {
    { "business_id", "BUSINESS_ID", CLI_TEXT, 0 },
    { "partner_id", "PARTNER_ID", CLI_TEXT, 0 },
    { "status", "STATUS", CLI_TEXT, 0 },
    { NULL, NULL, CLI_TEXT, 0 }
};


int
cli_business_list(const cli_call_t *call)
{
    cli_buf_t  path;

    memset(&path, 0, sizeof(cli_buf_t));

    cli_buf_str(&path, "businesses");
    cli_api_query(&path, "partner_id", call->values[CLI_PARTNER]);
    cli_api_query(&path, "status", call->values[CLI_STATUS]);

    return cli_list(call, path.data, "businesses", 1, cli_business_columns);
}


int
cli_business_show(const cli_call_t *call)
{
    return cli_api_change(call, "GET",
                          cli_api_path("businesses/%", call->operands[0],
                                       NULL),
                          NULL, cli_business_columns);
}


int
cli_business_create(const cli_call_t *call)
{
    json_t      *body;
    const char  *id;

    body = json_object();
    id = call->values[CLI_ID];

    cli_api_set_text(body, "partner_id", call->operands[0]);

    if (call->values[CLI_STATUS] != NULL) {
        cli_api_set_text(body, "status", call->values[CLI_STATUS]);
    }

    return cli_api_create(call, id ? cli_api_path("businesses/%", id, NULL)
                                   : cli_strdup("businesses"),
                          body, cli_business_columns);
}


int
cli_business_archive(const cli_call_t *call)
{
    return cli_business_patch(call, "status", "archived");
}


int
cli_business_restore(const cli_call_t *call)
{
    return cli_business_patch(call, "status", "active");
}


int
cli_business_move(const cli_call_t *call)
{
    return cli_business_patch(call, "partner_id", call->operands[1]);
}


static int
cli_business_patch(const cli_call_t *call, const char *member,
    const char *value)
{
    json_t  *body;

    body = json_object();
    cli_api_set_text(body, member, value);

    return cli_api_change(call, "PATCH",
                          cli_api_path("businesses/%", call->operands[0],
                                       NULL),
                          body, cli_business_columns);
}
