
/*
 * Requests of the administration, and what a gateway answers; anything else is
 * no gateway, and counts as if none had been reached.
 */


#include <string.h>
#include <unistd.h>

#include "agw_grammar.h"
#include "agw_json.h"

#include "cli_api.h"
#include "cli_text.h"


static int cli_api_id(cli_buf_t *path, const char *id);
static char *cli_api_etag(const char *text);
static int cli_api_check(const cli_api_t *api, const cli_request_t *request,
    const cli_response_t *response, json_t **answer);
static int cli_api_is_json(const char *type);
static void cli_api_foreign(const cli_api_t *api,
    const cli_request_t *request, const cli_response_t *response);
static void cli_api_print_text(const char *text);


int
cli_api_open(cli_api_t *api, const cli_call_t *call)
{
    api->call = call;
    api->http = cli_http_open(call);

    return api->http ? CLI_EXIT_OK : CLI_EXIT_USAGE;
}


void
cli_api_close(cli_api_t *api)
{
    cli_http_close(api->http);
    api->http = NULL;
}


char *
cli_api_path(const char *format, const char *first, const char *second)
{
    cli_buf_t    path;
    const char  *p;

    memset(&path, 0, sizeof(cli_buf_t));
    cli_buf_add(&path, "", 0);

    for (p = format; *p != '\0'; p++) {

        if (*p != '%') {
            cli_buf_add(&path, p, 1);
            continue;
        }

        if (cli_api_id(&path, first) != 0) {
            cli_buf_free(&path);
            return NULL;
        }

        first = second;
    }

    return path.data;
}


/* "." and ".." are ids, but nginx takes them for steps in the path */

static int
cli_api_id(cli_buf_t *path, const char *id)
{
    agw_str_t  s;

    s.data = (const unsigned char *) id;
    s.len = strlen(id);

    if (!agw_is_id(s)) {
        cli_error("\"%s\" is no id: 1 to %d letters, digits and . _ ~ - are"
                  " accepted", id, AGW_ID_MAX);
        return -1;
    }

    if (strcmp(id, ".") == 0 || strcmp(id, "..") == 0) {
        cli_error("\"%s\" cannot be used in the path of a request", id);
        return -1;
    }

    cli_buf_str(path, id);

    return 0;
}


void
cli_api_query(cli_buf_t *path, const char *name, const char *value)
{
    agw_str_t             c;
    const unsigned char  *p;

    static const char  hex[] = "0123456789ABCDEF";

    if (value == NULL) {
        return;
    }

    cli_buf_add(path, "", 0);
    cli_buf_str(path, strchr(path->data, '?') ? "&" : "?");
    cli_buf_str(path, name);
    cli_buf_str(path, "=");

    for (p = (const unsigned char *) value; *p != '\0'; p++) {
        c.data = p;
        c.len = 1;

        if (agw_is_id(c)) {
            cli_buf_add(path, p, 1);
            continue;
        }

        cli_buf_str(path, "%");
        cli_buf_add(path, &hex[*p >> 4], 1);
        cli_buf_add(path, &hex[*p & 15], 1);
    }
}


int
cli_api_call(cli_api_t *api, const char *method, const char *path,
    const json_t *body, cli_response_t *response, json_t **answer)
{
    int            rc;
    char          *text, *etag;
    cli_request_t  request;

    memset(&request, 0, sizeof(cli_request_t));

    text = NULL;
    etag = cli_api_etag(api->call->values[CLI_IF_MATCH]);

    if (body != NULL) {
        text = json_dumps(body, JSON_COMPACT);

        if (text == NULL) {
            cli_free(etag);
            cli_error("an argument is not UTF-8");
            return CLI_EXIT_USAGE;
        }

        request.type = "application/json";
        request.body = text;
        request.body_len = strlen(text);
    }

    request.method = method;
    request.path = path;
    request.if_match = etag;
    request.if_none_match = strcmp(method, "PUT") == 0
                            && api->call->values[CLI_REPLACE] == NULL
                            ? "*" : NULL;

    rc = cli_api_send(api, &request, 0, response, answer);

    if (rc != CLI_EXIT_OK && strcmp(method, "GET") != 0
        && (response->unknown || response->status >= 500
            || (response->status > 0 && rc == CLI_EXIT_UNREACHABLE)))
    {
        cli_note("It is not known whether this was done.");
    }

    cli_free(text);
    cli_free(etag);

    return rc;
}


/* a shell takes the quotes of an ETag away */

static char *
cli_api_etag(const char *text)
{
    if (text == NULL) {
        return NULL;
    }

    return text[0] == '"' || strcmp(text, "*") == 0
           ? cli_strdup(text) : cli_printf("\"%s\"", text);
}


int
cli_api_send(cli_api_t *api, const cli_request_t *request, int quiet,
    cli_response_t *response, json_t **answer)
{
    int      rc;
    json_t  *json;

    json = NULL;
    rc = cli_http_send(api->http, request, response);

    if (rc == CLI_EXIT_OK) {
        rc = cli_api_check(api, request, response, &json);

        if (rc == CLI_EXIT_OK && answer != NULL && json == NULL) {
            cli_api_foreign(api, request, response);
            rc = CLI_EXIT_UNREACHABLE;
        }

        if (rc == CLI_EXIT_REFUSED && !quiet) {
            cli_api_print_refusal(api, response, json);
        }
    }

    if (answer != NULL) {
        *answer = json;

    } else {
        json_decref(json);
    }

    return rc;
}


/* a gateway answers with JSON, whatever the status, or with nothing at 204 */

static int
cli_api_check(const cli_api_t *api, const cli_request_t *request,
    const cli_response_t *response, json_t **answer)
{
    int          ok;
    agw_str_t    text;
    const char  *fault;

    ok = response->status >= 200 && response->status < 300;

    if (response->status == 204) {
        return CLI_EXIT_OK;
    }

    if (ok && response->type != NULL
        && strncmp(response->type, "application/x-ndjson", 20) == 0)
    {
        return CLI_EXIT_OK;
    }

    text.data = (const unsigned char *) response->body.data;
    text.len = response->body.len;

    if (cli_api_is_json(response->type)) {
        *answer = agw_json_object(text, &fault);

        if (*answer == NULL && fault == agw_json_no_memory) {
            cli_error("there is no memory to read the answer, whose status is"
                      " %ld", response->status);
            return CLI_EXIT_UNREACHABLE;
        }
    }

    if (*answer == NULL
        || (!ok && request->root_path == NULL
            && !json_is_string(json_object_get(*answer, "error"))))
    {
        cli_api_foreign(api, request, response);
        json_decref(*answer);
        *answer = NULL;
        return CLI_EXIT_UNREACHABLE;
    }

    return ok ? CLI_EXIT_OK : CLI_EXIT_REFUSED;
}


static int
cli_api_is_json(const char *type)
{
    size_t  n;

    n = sizeof("application/json") - 1;

    return type != NULL && strncmp(type, "application/json", n) == 0
           && (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}


static void
cli_api_foreign(const cli_api_t *api, const cli_request_t *request,
    const cli_response_t *response)
{
    const char  *path;

    path = request->root_path ? request->root_path
                              : cli_http_prefix(api->http);

    if (response->status >= 300 && response->status < 400) {
        cli_error("what answers at %s is not the gateway: it redirects (%ld),"
                  " which is not followed%s%s", path, response->status,
                  response->location ? ", to " : "",
                  response->location ? response->location : "");
        return;
    }

    cli_error("what answers at %s is not the gateway: its status is %ld, and"
              " its body is %s", path, response->status,
              cli_api_is_json(response->type) ? "not the JSON of a gateway"
                                              : "not JSON");

    if (request->root_path != NULL) {
        cli_note("There must be a location with \"auth_gateway_status\" in"
                 " that server; --path names another path.");
        return;
    }

    cli_note("There must be a location with \"auth_gateway_admin\" in that"
             " server; --prefix names another path.");
}


void
cli_api_print_refusal(const cli_api_t *api, const cli_response_t *response,
    const json_t *answer)
{
    const char  *error, *member, *text;

    error = json_string_value(json_object_get(answer, "error"));
    member = json_string_value(json_object_get(answer, "member"));
    text = cli_api_description(answer);

    if (cli_api_json(api)) {
        cli_api_print(response);
    }

    cli_error("%s: %s", api->call->command, text ? text : "refused");
    cli_note("(status %ld, %s%s%s%s)", response->status,
             error ? error : "no error", member ? ", member \"" : "",
             member ? member : "", member ? "\"" : "");
}


const char *
cli_api_description(const json_t *answer)
{
    return json_string_value(json_object_get(answer, "error_description"));
}


int
cli_api_change(const cli_call_t *call, const char *method, char *path,
    json_t *body, const cli_column_t *columns)
{
    int              rc;
    json_t          *answer;
    cli_api_t        api;
    cli_response_t   response;

    answer = NULL;
    memset(&response, 0, sizeof(cli_response_t));

    rc = path ? cli_api_open(&api, call) : CLI_EXIT_USAGE;

    if (rc == CLI_EXIT_OK) {
        rc = cli_api_call(&api, method, path, body, &response, &answer);

        if (rc == CLI_EXIT_OK && cli_api_json(&api)) {
            cli_api_print(&response);

        } else if (rc == CLI_EXIT_OK) {
            cli_table_object(columns, answer, response.etag, STDOUT_FILENO);
        }

        cli_api_close(&api);
    }

    json_decref(answer);
    json_decref(body);
    cli_response_free(&response);
    cli_free(path);

    return rc;
}


int
cli_api_create(const cli_call_t *call, char *path, json_t *body,
    const cli_column_t *columns)
{
    if (call->values[CLI_REPLACE] != NULL && call->values[CLI_ID] == NULL) {
        cli_error("%s: --replace needs --id", call->command);
        cli_free(path);
        json_decref(body);
        return CLI_EXIT_USAGE;
    }

    return cli_api_change(call, call->values[CLI_ID] ? "PUT" : "POST", path,
                          body, columns);
}


int
cli_api_delete(const cli_call_t *call, char *path, const char *note)
{
    int              rc;
    cli_api_t        api;
    cli_response_t   response;

    memset(&response, 0, sizeof(cli_response_t));

    rc = path ? cli_api_open(&api, call) : CLI_EXIT_USAGE;

    if (rc == CLI_EXIT_OK) {
        rc = cli_api_call(&api, "DELETE", path, NULL, &response, NULL);

        if (rc == CLI_EXIT_OK && !cli_api_json(&api)) {
            cli_note("%s", note);
        }

        cli_api_close(&api);
    }

    cli_response_free(&response);
    cli_free(path);

    return rc;
}


void
cli_api_set_text(json_t *body, const char *member, const char *text)
{
    json_object_set_new(body, member, json_string_nocheck(text));
}


int
cli_api_json(const cli_api_t *api)
{
    return api->call->values[CLI_JSON] != NULL;
}


void
cli_api_print(const cli_response_t *response)
{
    cli_api_print_text(response->body.data);
}


void
cli_api_print_json(const json_t *json)
{
    char  *text;

    text = json_dumps(json, JSON_COMPACT);

    cli_api_print_text(text);
    cli_free(text);
}


static void
cli_api_print_text(const char *text)
{
    cli_buf_t  line;

    memset(&line, 0, sizeof(cli_buf_t));

    if (text == NULL || text[0] == '\0') {
        return;
    }

    cli_text_json(&line, text);

    if (line.data[line.len - 1] != '\n') {
        cli_buf_str(&line, "\n");
    }

    (void) cli_write(STDOUT_FILENO, line.data, line.len);
    cli_buf_free(&line);
}
