
/*
 * A file of lines, sent in pieces, each of which is one transaction.  At any
 * end it is said which lines are in.
 */


#define _GNU_SOURCE

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli_api.h"
#include "cli_import.h"
#include "cli_lines.h"
#include "cli_piece.h"
#include "cli_text.h"


/* a dry run stops there: the rest may be bad for the same reason */

#define CLI_IMPORT_FAULTS  20

/* of records, that are counted */

#define CLI_IMPORT_KINDS   5


typedef struct {
    const cli_call_t  *call;
    cli_api_t          api;
    cli_lines_t        lines;
    cli_piece_t        piece;
    size_t             from;         /* the first line that is sent */
    size_t             done;         /* the last that is in, or 0 */
    size_t             sent;         /* lines that are in, or are good */
    size_t             faults;
    json_int_t         counts[CLI_IMPORT_KINDS];
    struct timespec    start;
    int                dry_run;
} cli_import_t;


static int cli_import_open(cli_import_t *import);
static int cli_import_from(cli_import_t *import);
static int cli_import_lines(cli_import_t *import);
static int cli_import_piece(cli_import_t *import);
static int cli_import_send(cli_import_t *import, cli_response_t *response,
    json_t **answer);
static int cli_import_fault(cli_import_t *import, int rc,
    const cli_response_t *response, json_t *answer);
static void cli_import_count(cli_import_t *import, const json_t *answer);
static void cli_import_stopped(cli_import_t *import, int unknown);
static int cli_import_result(cli_import_t *import);
static void cli_import_on_signal(int signal);


static const char *const  cli_import_members[CLI_IMPORT_KINDS] = {
    "partners", "api_keys", "jwks", "certificates", "businesses"
};

static volatile sig_atomic_t  cli_import_interrupted;


int
cli_import(const cli_call_t *call)
{
    int           rc;
    cli_import_t  import;

    memset(&import, 0, sizeof(cli_import_t));

    import.call = call;
    import.dry_run = call->values[CLI_DRY_RUN] != NULL;

    rc = cli_import_from(&import);

    if (rc == CLI_EXIT_OK) {
        rc = cli_import_open(&import);
    }

    if (rc != CLI_EXIT_OK) {
        return rc;
    }

    rc = cli_import_lines(&import);

    if (rc == CLI_EXIT_OK) {
        rc = cli_import_result(&import);
    }

    cli_piece_free(&import.piece);
    cli_lines_close(&import.lines);
    cli_api_close(&import.api);

    return rc;
}


static int
cli_import_from(cli_import_t *import)
{
    char           *end;
    const char     *text;
    unsigned long   n;

    import->from = 1;
    text = import->call->values[CLI_FROM];

    if (text == NULL) {
        return CLI_EXIT_OK;
    }

    n = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || n < 1) {
        cli_error("--from must be the number of a line, from 1 on");
        return CLI_EXIT_USAGE;
    }

    import->from = (size_t) n;

    return CLI_EXIT_OK;
}


/* the first interrupt waits for the end of a piece, the second does not */

static int
cli_import_open(cli_import_t *import)
{
    int               rc;
    struct sigaction  action;

    if (cli_lines_open(&import->lines, import->call->operands[0]) != 0) {
        return CLI_EXIT_USAGE;
    }

    rc = cli_api_open(&import->api, import->call);

    if (rc != CLI_EXIT_OK) {
        cli_lines_close(&import->lines);
        return rc;
    }

    cli_piece_init(&import->piece, import->dry_run);
    (void) clock_gettime(CLOCK_MONOTONIC, &import->start);

    memset(&action, 0, sizeof(struct sigaction));
    action.sa_handler = cli_import_on_signal;
    action.sa_flags = (int) SA_RESETHAND;
    (void) sigaction(SIGINT, &action, NULL);
    (void) sigaction(SIGTERM, &action, NULL);

    return CLI_EXIT_OK;
}


/* what was read stays where it is while a piece is sent: text is still good */

static int
cli_import_lines(cli_import_t *import)
{
    int          more, rc;
    size_t       len;
    const char  *text;

    for ( ;; ) {
        more = cli_lines_next(&import->lines, CLI_PIECE_BYTES - 1, &text,
                              &len);

        if (more == -1) {
            cli_import_stopped(import, 0);
            return CLI_EXIT_REFUSED;
        }

        if (more == 1 && import->lines.number < import->from) {
            cli_piece_know(&import->piece, text, len);
            continue;
        }

        if (more == 0 || cli_piece_is_full(&import->piece, len)) {
            rc = cli_import_piece(import);

            if (rc != CLI_EXIT_OK) {
                return rc;
            }
        }

        if (more == 0) {
            return CLI_EXIT_OK;
        }

        if (strspn(text, " \t\r") < len) {
            cli_piece_add(&import->piece, text, len, import->lines.number);
        }
    }
}


/* a dry run sends it again without a line that is bad, for there may be more */

static int
cli_import_piece(cli_import_t *import)
{
    int              rc;
    json_t          *answer;
    cli_response_t   response;

    rc = CLI_EXIT_OK;

    while (rc == CLI_EXIT_OK && import->piece.own > 0) {
        memset(&response, 0, sizeof(cli_response_t));

        rc = cli_import_send(import, &response, &answer);

        if (rc == CLI_EXIT_OK) {
            cli_import_count(import, answer);
            cli_piece_clear(&import->piece);

        } else {
            rc = cli_import_fault(import, rc, &response, answer);
        }

        json_decref(answer);
        cli_response_free(&response);
    }

    if (rc == CLI_EXIT_OK && cli_import_interrupted) {
        cli_error("%s: interrupted", import->call->command);
        cli_import_stopped(import, 0);
        return CLI_EXIT_REFUSED;
    }

    return rc;
}


static int
cli_import_send(cli_import_t *import, cli_response_t *response,
    json_t **answer)
{
    int            rc;
    cli_buf_t      body;
    cli_request_t  request;

    memset(&body, 0, sizeof(cli_buf_t));
    memset(&request, 0, sizeof(cli_request_t));

    cli_piece_body(&import->piece, &body);

    request.method = "POST";
    request.path = import->dry_run ? "import?dry_run=1" : "import";
    request.type = "application/x-ndjson";
    request.body = body.data;
    request.body_len = body.len;

    rc = cli_api_send(&import->api, &request, 1, response, answer);

    cli_buf_free(&body);

    return rc;
}


/* the number of a line is the one in the file, for whoever reads it */

static int
cli_import_fault(cli_import_t *import, int rc, const cli_response_t *response,
    json_t *answer)
{
    size_t       n;
    json_int_t   line;
    const char  *member, *text;

    line = json_integer_value(json_object_get(answer, "line"));

    if (rc != CLI_EXIT_REFUSED || line < 1
        || line > (json_int_t) import->piece.count
        || import->piece.lines[line - 1].number == 0)
    {
        if (rc == CLI_EXIT_REFUSED) {
            cli_api_print_refusal(&import->api, response, answer);
        }

        /* an answer that is none, or that the store failed */

        cli_import_stopped(import, response->unknown
                                   || response->status >= 500
                                   || (response->status > 0
                                       && rc != CLI_EXIT_REFUSED));
        return rc;
    }

    n = import->piece.lines[line - 1].number;
    text = cli_api_description(answer);
    member = json_string_value(json_object_get(answer, "member"));

    if (cli_api_json(&import->api)) {
        json_object_set_new(answer, "line", json_integer((json_int_t) n));
        cli_api_print_json(answer);
    }

    cli_error("line %zu: %s%s%s%s", n, text ? text : "refused",
              member ? " (member \"" : "", member ? member : "",
              member ? "\")" : "");

    import->faults++;

    if (import->dry_run && import->faults < CLI_IMPORT_FAULTS) {
        cli_piece_drop(&import->piece, (size_t) line);
        return CLI_EXIT_OK;
    }

    cli_import_stopped(import, 0);

    return CLI_EXIT_REFUSED;
}


/* partners that a dry run sent once more are counted once */

static void
cli_import_count(cli_import_t *import, const json_t *answer)
{
    size_t           i;
    double           seconds;
    cli_piece_t     *piece;
    struct timespec  now;

    piece = &import->piece;

    for (i = 0; i < CLI_IMPORT_KINDS; i++) {
        import->counts[i] += json_integer_value(
                             json_object_get(answer, cli_import_members[i]));
    }

    import->counts[0] -= (json_int_t) (piece->count - piece->own);
    import->sent += piece->own;
    import->done = piece->lines[piece->count - 1].number;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);

    seconds = (double) (now.tv_sec - import->start.tv_sec)
              + (double) (now.tv_nsec - import->start.tv_nsec) / 1e9;

    cli_progress("%zu lines, %.0f a second", import->sent,
                 seconds > 0 ? (double) import->sent / seconds : 0.0);
}


/* which lines are in, which are not, and of which that is not known */

static void
cli_import_stopped(cli_import_t *import, int unknown)
{
    size_t              first, last;
    const char         *file;
    const cli_piece_t  *piece;

    if (import->dry_run) {
        cli_note("The check ends there. Nothing was changed.");
        return;
    }

    piece = &import->piece;
    file = import->call->operands[0];

    if (import->done > 0) {
        cli_note("Lines %zu to %zu are in.", import->from, import->done);

    } else {
        cli_note("No line is in.");
    }

    first = piece->own ? piece->lines[0].number : import->done + 1;

    if (unknown && piece->own > 0) {
        last = piece->lines[piece->count - 1].number;
        cli_note("Of lines %zu to %zu it is not known: either all of them are"
                 " in, or none. Nothing behind them is. To import a line again"
                 " does no harm.", first, last);

    } else {
        cli_note("Nothing behind them is: each piece of %d lines is imported"
                 " as a whole, or not.", CLI_PIECE_LINES);
    }

    if (strcmp(file, "-") != 0) {
        cli_note("To go on: auth-gateway import --from %zu %s",
                 first > import->from ? first : import->from, file);
    }
}


static int
cli_import_result(cli_import_t *import)
{
    size_t            i;
    double            seconds;
    json_t           *counts;
    struct timespec   now;

    cli_progress(NULL);
    (void) clock_gettime(CLOCK_MONOTONIC, &now);

    seconds = (double) (now.tv_sec - import->start.tv_sec)
              + (double) (now.tv_nsec - import->start.tv_nsec) / 1e9;

    if (import->faults > 0) {
        cli_note("%zu lines are good, %zu are not. Nothing was changed.",
                 import->sent, import->faults);
        return CLI_EXIT_REFUSED;
    }

    if (cli_api_json(&import->api)) {
        counts = json_object();

        for (i = 0; i < CLI_IMPORT_KINDS; i++) {
            json_object_set_new(counts, cli_import_members[i],
                                json_integer(import->counts[i]));
        }

        cli_api_print_json(counts);
        json_decref(counts);

        return CLI_EXIT_OK;
    }

    cli_print("%zu lines %s in %.1f s: %lld partners, %lld API keys, %lld"
              " JWKs, %lld certificates, %lld businesses", import->sent,
              import->dry_run ? "are good, and nothing was changed,"
                              : "imported",
              seconds, (long long) import->counts[0],
              (long long) import->counts[1], (long long) import->counts[2],
              (long long) import->counts[3], (long long) import->counts[4]);

    return CLI_EXIT_OK;
}


static void
cli_import_on_signal(int signal)
{
    (void) signal;

    cli_import_interrupted = 1;
}
