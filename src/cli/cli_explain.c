
/*
 * What the gateway says of a request, and of itself.
 */


#include <string.h>
#include <unistd.h>

#include "cli_api.h"
#include "cli_explain.h"
#include "cli_secret.h"
#include "cli_text.h"
#include "cli_time.h"


static int cli_explain_ask(const cli_call_t *call, cli_buf_t *token,
    cli_response_t *response, json_t **answer);
static void cli_explain_print(const json_t *answer);
static void cli_explain_place(const json_t *answer);
static void cli_status_print(cli_buf_t *out, const char *name,
    const json_t *value);
static void cli_status_members(cli_buf_t *out, const char *name,
    const json_t *value);


static const cli_column_t  cli_explain_columns[] = {
    { "mark", "", CLI_TEXT, 0 },
    { "check", "CHECK", CLI_TEXT, 0 },
    { "result", "RESULT", CLI_TEXT, 0 },
    { "compared", "COMPARED", CLI_TEXT, 1 },
    { NULL, NULL, CLI_TEXT, 0 }
};


/* the token is wiped before anything is printed */

int
cli_explain(const cli_call_t *call)
{
    int              rc;
    json_t          *answer;
    cli_buf_t        token;
    cli_response_t   response;

    memset(&token, 0, sizeof(cli_buf_t));
    memset(&response, 0, sizeof(cli_response_t));

    answer = NULL;
    rc = cli_secret_read_token(&token, call->values[CLI_TOKEN_FILE]);

    if (rc == CLI_EXIT_OK) {
        rc = cli_explain_ask(call, &token, &response, &answer);
    }

    cli_buf_free(&token);
    cli_memory_scrub();

    if (rc == CLI_EXIT_OK) {
        if (call->values[CLI_JSON] != NULL) {
            cli_api_print(&response);

        } else {
            cli_explain_print(answer);
        }
    }

    json_decref(answer);
    cli_response_free(&response);

    return rc;
}


/* whatever the gateway answers, 503 too, is its status */

int
cli_status(const cli_call_t *call)
{
    int              rc;
    json_t          *answer;
    cli_buf_t        out;
    cli_api_t        api;
    cli_request_t    request;
    cli_response_t   response;

    memset(&out, 0, sizeof(cli_buf_t));
    memset(&request, 0, sizeof(cli_request_t));
    memset(&response, 0, sizeof(cli_response_t));

    answer = NULL;

    request.method = "GET";
    request.root_path = call->values[CLI_STATUS_PATH]
                        ? call->values[CLI_STATUS_PATH] : "/status";

    if (request.root_path[0] != '/') {
        cli_error("--path must begin with a slash");
        return CLI_EXIT_USAGE;
    }

    rc = cli_api_open(&api, call);

    if (rc == CLI_EXIT_OK) {
        rc = cli_api_send(&api, &request, 1, &response, &answer);

        if (cli_api_description(answer) != NULL) {
            cli_api_print_refusal(&api, &response, answer);

        } else if (answer != NULL && cli_api_json(&api)) {
            cli_api_print(&response);

        } else if (answer != NULL) {
            cli_status_members(&out, "", answer);
            (void) cli_write(STDOUT_FILENO, out.data, out.len);
        }

        cli_api_close(&api);
    }

    json_decref(answer);
    cli_buf_free(&out);
    cli_response_free(&response);

    return rc;
}


static int
cli_explain_ask(const cli_call_t *call, cli_buf_t *token,
    cli_response_t *response, json_t **answer)
{
    int        rc;
    json_t    *body;
    cli_api_t  api;

    rc = cli_api_open(&api, call);

    if (rc != CLI_EXIT_OK) {
        return rc;
    }

    body = json_object();
    json_object_set_new(body, "token",
                        json_stringn_nocheck(token->data, token->len));
    cli_api_set_text(body, "method", call->operands[0]);
    cli_api_set_text(body, "path", call->operands[1]);

    if (call->values[CLI_SERVER] != NULL) {
        cli_api_set_text(body, "server", call->values[CLI_SERVER]);
    }

    if (call->values[CLI_DESTINATION] != NULL) {
        cli_api_set_text(body, "destination", call->values[CLI_DESTINATION]);
    }

    if (call->values[CLI_THUMBPRINT] != NULL) {
        cli_api_set_text(body, "certificate", call->values[CLI_THUMBPRINT]);
    }

    if (call->values[CLI_HTTPS] != NULL) {
        json_object_set_new(body, "https", json_true());
    }

    rc = cli_api_call(&api, "POST", "explain", body, response, answer);

    json_decref(body);
    cli_api_close(&api);

    return rc;
}


/* the first check that refuses is marked: it decides */

static void
cli_explain_print(const json_t *answer)
{
    int           marked, refused;
    char         *text;
    size_t        i;
    json_t       *row, *checks, *notes;
    const char   *reason, *result;
    cli_table_t   table;

    marked = 0;
    reason = json_string_value(json_object_get(answer, "reason"));
    checks = json_object_get(answer, "checks");

    if (json_is_true(json_object_get(answer, "allowed"))) {
        cli_print("The request is allowed.");

    } else {
        cli_print("The request is refused: %s", reason ? reason : "-");
    }

    cli_explain_place(answer);
    cli_table_begin(&table, cli_explain_columns);

    for (i = 0; i < json_array_size(checks); i++) {
        row = json_array_get(checks, i);
        result = json_string_value(json_object_get(row, "result"));
        refused = !marked && result != NULL && strcmp(result, "refused") == 0;
        marked |= refused;

        json_object_set_new(row, "mark", json_string(refused ? ">" : ""));
        cli_table_row(&table, row);
    }

    cli_table_print(&table);

    notes = json_object_get(answer, "notes");

    for (i = 0; i < json_array_size(notes); i++) {
        text = cli_table_value(json_array_get(notes, i), CLI_TEXT);
        cli_print("%s", text);
        cli_free(text);
    }
}


/* what the request was taken for */

static void
cli_explain_place(const json_t *answer)
{
    char    *text;
    size_t   i;
    json_t  *value;

    static const char *const  members[] = { "server", "location", "enforce" };

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        value = json_object_get(answer, members[i]);

        if (value != NULL && !json_is_null(value)) {
            text = cli_table_value(value, CLI_TEXT);
            cli_print("%s: %s", members[i], text);
            cli_free(text);
        }
    }
}


/*
 * One member a line; of objects in it "outer.inner", of arrays "outer.1".  Only
 * a number of seconds has a fraction.
 */

static void
cli_status_print(cli_buf_t *out, const char *name, const json_t *value)
{
    char  *text, time[CLI_TIME_SIZE];

    if (json_is_real(value)) {
        cli_duration_format(json_real_value(value), time);
        cli_table_pair(out, name, 28, time);
        return;
    }

    if (json_is_object(value) || json_is_array(value)) {
        text = cli_printf("%s.", name);
        cli_status_members(out, text, value);
        cli_free(text);
        return;
    }

    text = cli_table_value(value, CLI_TEXT);
    cli_table_pair(out, name, 28, text);
    cli_free(text);
}


static void
cli_status_members(cli_buf_t *out, const char *name, const json_t *value)
{
    char        *text;
    size_t       i;
    json_t      *object;
    void        *at;

    if (json_is_array(value)) {

        for (i = 0; i < json_array_size(value); i++) {
            text = cli_printf("%s%zu", name, i + 1);
            cli_status_print(out, text, json_array_get(value, i));
            cli_free(text);
        }

        return;
    }

    object = (json_t *) value;

    for (at = json_object_iter(object);
         at != NULL;
         at = json_object_iter_next(object, at))
    {
        text = cli_printf("%s%s", name, json_object_iter_key(at));
        cli_status_print(out, text, json_object_iter_value(at));
        cli_free(text);
    }
}
