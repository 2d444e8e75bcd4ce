
/*
 * API keys.  A new one is in our memory from its response to its one output,
 * and the connection, which has had it in its buffers, is closed before that.
 */


#include <string.h>
#include <unistd.h>

#include "agw_grammar.h"

#include "cli_key.h"
#include "cli_list.h"
#include "cli_revocation.h"
#include "cli_secret.h"
#include "cli_text.h"
#include "cli_time.h"


static int cli_key_body(const cli_call_t *call, json_t *body, int patch);
static int cli_key_set_time(const cli_call_t *call, json_t *body,
    cli_option_e option, const char *member);
static int cli_key_make(const cli_call_t *call, char *path, json_t *body);
static int cli_key_request(const cli_call_t *call, const char *path,
    const json_t *body, cli_response_t *response, json_t **answer);
static int cli_key_is_api_key(const json_t *value);
static int cli_key_print(const cli_call_t *call, json_t *answer,
    const cli_response_t *response, int fd);
static void cli_key_lost(const json_t *answer);


static const cli_column_t  cli_key_columns[] = {
    { "key_id", "KEY_ID", CLI_TEXT, 0 },
    { "name", "NAME", CLI_TEXT, 1 },
    { "created_at", "CREATED", CLI_TIME, 0 },
    { "not_before", "NOT BEFORE", CLI_TIME, 0 },
    { "expires_at", "EXPIRES", CLI_EXPIRY, 0 },
    { "last_used_at", "LAST USED", CLI_EXPIRY, 0 },
    { NULL, NULL, CLI_TEXT, 0 }
};


int
cli_key_list(const cli_call_t *call)
{
    return cli_list(call, cli_api_path("partners/%/keys", call->operands[0],
                                       NULL),
                    "keys", 0, cli_key_columns);
}


int
cli_key_show(const cli_call_t *call)
{
    return cli_api_change(call, "GET",
                          cli_api_path("partners/%/keys/%", call->operands[0],
                                       call->operands[1]),
                          NULL, cli_key_columns);
}


int
cli_key_create(const cli_call_t *call)
{
    json_t  *body;

    body = json_object();

    if (cli_key_body(call, body, 0) != 0) {
        json_decref(body);
        return CLI_EXIT_USAGE;
    }

    return cli_key_make(call, cli_api_path("partners/%/keys",
                                           call->operands[0], NULL),
                        body);
}


int
cli_key_update(const cli_call_t *call)
{
    json_t  *body;

    body = json_object();

    if (cli_key_body(call, body, 1) != 0) {
        json_decref(body);
        return CLI_EXIT_USAGE;
    }

    if (json_object_size(body) == 0) {
        cli_error("%s: there is nothing to change: give --name, --no-name,"
                  " --not-before or --expires", call->command);
        json_decref(body);
        return CLI_EXIT_USAGE;
    }

    return cli_api_change(call, "PATCH",
                          cli_api_path("partners/%/keys/%", call->operands[0],
                                       call->operands[1]),
                          body, cli_key_columns);
}


int
cli_key_roll(const cli_call_t *call)
{
    int64_t  grace;

    if (call->values[CLI_GRACE] == NULL
        || cli_duration_parse(call->values[CLI_GRACE], &grace) != 0)
    {
        cli_error("%s: --grace must be " CLI_DURATION_FORMS, call->command);
        return CLI_EXIT_USAGE;
    }

    return cli_key_make(call, cli_api_path("partners/%/keys/%/roll",
                                           call->operands[0],
                                           call->operands[1]),
                        json_pack("{s:I}", "grace", (json_int_t) grace));
}


int
cli_key_delete(const cli_call_t *call)
{
    return cli_api_delete(call,
                          cli_api_path("partners/%/keys/%", call->operands[0],
                                       call->operands[1]),
                          "The API key is deleted. Tokens that it got live"
                          " until they expire; \"auth-gateway key end\" ends"
                          " them.");
}


int
cli_key_end(const cli_call_t *call)
{
    return cli_api_change(call, "POST",
                          cli_api_path("partners/%/keys/%/end",
                                       call->operands[0], call->operands[1]),
                          json_object(), cli_revocation_columns);
}


static int
cli_key_body(const cli_call_t *call, json_t *body, int patch)
{
    const char  *const *v;

    v = call->values;

    if (v[CLI_NAME] != NULL && v[CLI_NO_NAME] != NULL) {
        cli_error("%s: --name and --no-name contradict each other",
                  call->command);
        return -1;
    }

    if (v[CLI_NAME] != NULL) {
        cli_api_set_text(body, "name", v[CLI_NAME]);
    }

    if (v[CLI_NO_NAME] != NULL) {
        json_object_set_new(body, "name", json_null());
    }

    if (v[CLI_EXPIRES] != NULL && strcmp(v[CLI_EXPIRES], "never") == 0) {
        if (patch) {
            json_object_set_new(body, "expires_at", json_null());
        }

    } else if (cli_key_set_time(call, body, CLI_EXPIRES, "expires_at") != 0) {
        return -1;
    }

    return cli_key_set_time(call, body, CLI_NOT_BEFORE, "not_before");
}


static int
cli_key_set_time(const cli_call_t *call, json_t *body, cli_option_e option,
    const char *member)
{
    int64_t  time;

    if (call->values[option] == NULL) {
        return 0;
    }

    if (cli_time_parse(call->values[option], call->now, &time) != 0) {
        cli_error("%s: %s must be " CLI_TIME_FORMS "%s", call->command,
                  cli_options[option].name, option == CLI_EXPIRES
                  ? "; or \"never\"" : "");
        return -1;
    }

    json_object_set_new(body, member, json_integer(time));

    return 0;
}


/* the file is there before the key is, so that no key is made in vain */

static int
cli_key_make(const cli_call_t *call, char *path, json_t *body)
{
    int              fd, rc;
    json_t          *answer;
    const char      *file;
    cli_response_t   response;

    fd = -1;
    answer = NULL;
    file = call->values[CLI_KEY_FILE];
    memset(&response, 0, sizeof(cli_response_t));

    rc = path ? CLI_EXIT_OK : CLI_EXIT_USAGE;

    if (rc == CLI_EXIT_OK && file != NULL) {
        fd = cli_secret_key_file(file);
        rc = fd == -1 ? CLI_EXIT_USAGE : CLI_EXIT_OK;
    }

    if (rc == CLI_EXIT_OK) {
        rc = cli_key_request(call, path, body, &response, &answer);

        if (rc == CLI_EXIT_OK) {
            rc = cli_key_print(call, answer, &response, fd);

        } else if (fd != -1) {
            cli_secret_key_drop(fd, file);
        }
    }

    json_decref(answer);
    json_decref(body);
    cli_response_free(&response);
    cli_free(path);

    return rc;
}


static int
cli_key_request(const cli_call_t *call, const char *path, const json_t *body,
    cli_response_t *response, json_t **answer)
{
    int        rc;
    cli_api_t  api;

    rc = cli_api_open(&api, call);

    if (rc != CLI_EXIT_OK) {
        return rc;
    }

    rc = cli_api_call(&api, "POST", path, body, response, answer);
    cli_api_close(&api);

    if (rc == CLI_EXIT_OK
        && !cli_key_is_api_key(json_object_get(*answer, "api_key")))
    {
        cli_error("the answer has no \"api_key\"");
        return CLI_EXIT_UNREACHABLE;
    }

    return rc;
}


/* it is printed as it is, maybe to a terminal, which must not act on it */

static int
cli_key_is_api_key(const json_t *value)
{
    agw_str_t  key;

    key.data = (const unsigned char *) json_string_value(value);
    key.len = json_string_length(value);

    return json_is_string(value) && agw_is_b64token(key);
}


/*
 * The key alone goes to standard output, what is known of it to standard
 * error; where the key goes to a file, or with --json, the rest does not.
 */

static int
cli_key_print(const cli_call_t *call, json_t *answer,
    const cli_response_t *response, int fd)
{
    int          rc;
    const char  *key;

    key = json_string_value(json_object_get(answer, "api_key"));

    if (fd != -1) {
        rc = cli_secret_key_write(fd, call->values[CLI_KEY_FILE], key);
        json_object_del(answer, "api_key");

        if (call->values[CLI_JSON] != NULL) {
            cli_api_print_json(answer);

        } else {
            cli_table_object(cli_key_columns, answer, response->etag,
                             STDOUT_FILENO);
        }

    } else if (call->values[CLI_JSON] != NULL) {
        cli_api_print(response);
        rc = cli_text_failed() ? -1 : 0;

    } else {
        cli_table_object(cli_key_columns, answer, NULL, STDERR_FILENO);

        rc = cli_write(STDOUT_FILENO, key, strlen(key)) == -1
             || cli_write(STDOUT_FILENO, "\n", 1) == -1 ? -1 : 0;
    }

    if (rc != 0) {
        cli_key_lost(answer);
        return CLI_EXIT_REFUSED;
    }

    cli_note("The API key is shown this once: the gateway keeps its digest"
             " only.");

    return CLI_EXIT_OK;
}


static void
cli_key_lost(const json_t *answer)
{
    const char  *id;

    id = json_string_value(json_object_get(answer, "key_id"));

    cli_error("the new API key, whose key_id is %s, exists but is lost: delete"
              " it, and make another", id ? id : "not known");
}
