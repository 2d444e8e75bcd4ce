
/*
 * The mirror of an import: pages of lines, each of which names the next one in
 * a header.
 */


#include <string.h>
#include <unistd.h>

#include "cli_api.h"
#include "cli_export.h"
#include "cli_list.h"
#include "cli_text.h"


#define CLI_EXPORT_NDJSON  "application/x-ndjson"


static int cli_export_page(cli_api_t *api, char **path, size_t *count);
static int cli_export_lines(const cli_response_t *response, size_t *count);
static int cli_export_next(cli_api_t *api, const char *link, char **path);


int
cli_export(const cli_call_t *call)
{
    int         rc;
    char       *path;
    size_t      count;
    cli_api_t   api;

    count = 0;
    rc = cli_api_open(&api, call);

    if (rc != CLI_EXIT_OK) {
        return rc;
    }

    path = cli_strdup("export?limit=" CLI_LIST_PAGE);

    do {
        rc = cli_export_page(&api, &path, &count);

    } while (rc == CLI_EXIT_OK && path != NULL && !cli_text_failed());

    cli_progress(NULL);

    if (rc != CLI_EXIT_OK || cli_text_failed()) {
        cli_note("The export is not complete: it has %zu lines.", count);

    } else if (isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO)) {
        cli_note("%zu lines exported", count);
    }

    cli_free(path);
    cli_api_close(&api);

    return rc;
}


static int
cli_export_page(cli_api_t *api, char **path, size_t *count)
{
    int             rc;
    cli_request_t   request;
    cli_response_t  response;

    memset(&request, 0, sizeof(cli_request_t));
    memset(&response, 0, sizeof(cli_response_t));

    request.method = "GET";
    request.path = *path;

    rc = cli_api_send(api, &request, 0, &response, NULL);

    if (rc == CLI_EXIT_OK) {
        rc = cli_export_lines(&response, count);
    }

    if (rc == CLI_EXIT_OK) {
        rc = cli_export_next(api, response.link, path);
    }

    cli_response_free(&response);

    return rc;
}


static int
cli_export_lines(const cli_response_t *response, size_t *count)
{
    size_t       i;
    cli_buf_t    out;
    const char  *data;

    if (response->type == NULL
        || strncmp(response->type, CLI_EXPORT_NDJSON,
                   sizeof(CLI_EXPORT_NDJSON) - 1) != 0)
    {
        cli_error("the answer is not of type " CLI_EXPORT_NDJSON);
        return CLI_EXIT_UNREACHABLE;
    }

    data = response->body.data;

    if (response->body.len == 0) {
        return CLI_EXIT_OK;
    }

    if (memchr(data, '\0', response->body.len) != NULL
        || data[response->body.len - 1] != '\n')
    {
        cli_error("the answer does not end with a whole line");
        return CLI_EXIT_UNREACHABLE;
    }

    memset(&out, 0, sizeof(cli_buf_t));
    cli_text_json(&out, data);
    (void) cli_write(STDOUT_FILENO, out.data, out.len);
    cli_buf_free(&out);

    for (i = 0; i < response->body.len; i++) {
        *count += data[i] == '\n';
    }

    if (!isatty(STDOUT_FILENO)) {
        cli_progress("%zu lines", *count);
    }

    return CLI_EXIT_OK;
}


/*
 * RFC 8288: <target>; rel="next".  The target is another page of the same
 * export; the way to anywhere else is not taken.  *path is NULL at the end.
 */

static int
cli_export_next(cli_api_t *api, const char *link, char **path)
{
    char        *former, *place;
    size_t       len, n;
    const char  *rest;

    former = *path;
    *path = NULL;

    if (link == NULL) {
        cli_free(former);
        return CLI_EXIT_OK;
    }

    place = cli_printf("<%sexport?", cli_http_prefix(api->http));
    n = strlen(place);
    len = strcspn(link, ">");
    rest = link[len] == '>' ? link + len + 1 : "";

    if (strncmp(link, place, n) == 0 && strstr(rest, "rel=\"next\"") != NULL
        && strcspn(link, " \t\\#") > len)
    {
        *path = cli_printf("export?%.*s", (int) (len - n), link + n);
    }

    cli_free(place);

    if (*path == NULL || strcmp(*path, former) == 0) {
        cli_error("the answer leads to \"%s\", which is not the next page of"
                  " the export", link);
        cli_free(former);
        return CLI_EXIT_UNREACHABLE;
    }

    cli_free(former);

    return CLI_EXIT_OK;
}
