
/*
 * Pages are printed as they come, so that a list of any length takes the
 * memory of one.
 */


#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_list.h"
#include "cli_text.h"


typedef struct {
    cli_api_t     *api;
    const char    *member;
    cli_table_t    table;
    size_t         count;            /* printed so far */
    size_t         limit;
    char          *after;            /* of the next page, or NULL */
    int            json;
    int            begun;            /* its JSON is */
} cli_list_t;


static int cli_list_pages(cli_api_t *api, const char *path,
    const char *member, int paged, const cli_column_t *columns);
static int cli_list_limit(const cli_call_t *call, size_t *limit);
static int cli_list_page(cli_list_t *list, const char *path, int paged);
static void cli_list_rows(cli_list_t *list, const json_t *rows);
static int cli_list_next(cli_list_t *list, const json_t *answer);


int
cli_list(const cli_call_t *call, char *path, const char *member, int paged,
    const cli_column_t *columns)
{
    int        rc;
    cli_api_t  api;

    rc = path ? cli_api_open(&api, call) : CLI_EXIT_USAGE;

    if (rc == CLI_EXIT_OK) {
        rc = cli_list_pages(&api, path, member, paged, columns);
        cli_api_close(&api);
    }

    cli_free(path);

    return rc;
}


static int
cli_list_pages(cli_api_t *api, const char *path, const char *member,
    int paged, const cli_column_t *columns)
{
    int         rc;
    cli_list_t  list;

    memset(&list, 0, sizeof(cli_list_t));

    list.api = api;
    list.member = member;
    list.json = cli_api_json(api);

    if (cli_list_limit(api->call, &list.limit) != 0) {
        return CLI_EXIT_USAGE;
    }

    if (api->call->values[CLI_AFTER] != NULL) {
        list.after = cli_strdup(api->call->values[CLI_AFTER]);
    }

    cli_table_begin(&list.table, columns);

    do {
        rc = cli_list_page(&list, path, paged);

    } while (rc == CLI_EXIT_OK && list.after != NULL && !cli_text_failed());

    cli_free(list.after);

    if (rc != CLI_EXIT_OK) {
        if (list.count > 0) {
            cli_note("The list above is not complete.");
        }

        return rc;
    }

    if (list.json) {
        (void) cli_write(STDOUT_FILENO, "]}\n", 3);

    } else if (list.count == 0) {
        cli_note("There are none.");
    }

    return CLI_EXIT_OK;
}


/* --limit; -1 after a message if it is no number; 0: there is none */

static int
cli_list_limit(const cli_call_t *call, size_t *limit)
{
    char           *end;
    const char     *text;
    unsigned long   n;

    *limit = 0;
    text = call->values[CLI_LIMIT];

    if (text == NULL) {
        return 0;
    }

    n = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || n < 1
        || n > 1000000000)
    {
        cli_error("--limit must be a number from 1 on");
        return -1;
    }

    *limit = (size_t) n;

    return 0;
}


static int
cli_list_page(cli_list_t *list, const char *path, int paged)
{
    int              rc;
    json_t          *answer, *rows;
    cli_buf_t        url;
    cli_response_t   response;

    memset(&url, 0, sizeof(cli_buf_t));
    memset(&response, 0, sizeof(cli_response_t));

    cli_buf_str(&url, path);

    if (paged) {
        cli_api_query(&url, "limit", CLI_LIST_PAGE);
        cli_api_query(&url, "after", list->after);
    }

    rc = cli_api_call(list->api, "GET", url.data, NULL, &response, &answer);

    if (rc == CLI_EXIT_OK) {
        rows = json_object_get(answer, list->member);

        if (!json_is_array(rows)) {
            cli_error("the answer has no array \"%s\"", list->member);
            rc = CLI_EXIT_UNREACHABLE;

        } else {
            cli_list_rows(list, rows);
            rc = cli_list_next(list, answer);
        }
    }

    json_decref(answer);
    cli_response_free(&response);
    cli_buf_free(&url);

    return rc;
}


static void
cli_list_rows(cli_list_t *list, const json_t *rows)
{
    char       *text;
    size_t      i;
    cli_buf_t   out;

    memset(&out, 0, sizeof(cli_buf_t));

    if (list->json && !list->begun) {
        list->begun = 1;
        text = cli_printf("{\"%s\":[", list->member);
        cli_buf_str(&out, text);
        cli_free(text);
    }

    for (i = 0; i < json_array_size(rows); i++) {

        if (list->limit > 0 && list->count == list->limit) {
            break;
        }

        if (!list->json) {
            cli_table_row(&list->table, json_array_get(rows, i));
            list->count++;
            continue;
        }

        text = json_dumps(json_array_get(rows, i),
                          JSON_COMPACT|JSON_ENCODE_ANY);

        if (text != NULL) {
            cli_buf_str(&out, list->count ? "," : "");
            cli_text_json(&out, text);
        }

        cli_free(text);
        list->count++;
    }

    if (out.len > 0) {
        (void) cli_write(STDOUT_FILENO, out.data, out.len);
    }

    cli_table_print(&list->table);
    cli_buf_free(&out);
}


/* a page that leads to itself would never end */

static int
cli_list_next(cli_list_t *list, const json_t *answer)
{
    int      same;
    char    *after;
    json_t  *value;

    value = json_object_get(answer, "after");
    after = json_is_string(value) ? cli_strdup(json_string_value(value))
            : json_is_integer(value)
            ? cli_printf("%lld", (long long) json_integer_value(value)) : NULL;

    same = after != NULL && list->after != NULL
           && strcmp(after, list->after) == 0;

    cli_free(list->after);
    list->after = after;

    if (same) {
        cli_error("the pages of the list lead in a circle");
        return CLI_EXIT_UNREACHABLE;
    }

    if (list->limit > 0 && list->count == list->limit) {
        cli_free(list->after);
        list->after = NULL;
    }

    return CLI_EXIT_OK;
}
