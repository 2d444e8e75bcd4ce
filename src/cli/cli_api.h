
/*
 * The administration API: JSON goes in, JSON comes out, and a refusal becomes
 * a message and an exit code.
 */


#ifndef CLI_API_H_INCLUDED_
#define CLI_API_H_INCLUDED_


#include <jansson.h>

#include "cli_http.h"
#include "cli_table.h"


typedef struct {
    const cli_call_t  *call;
    cli_http_t        *http;
} cli_api_t;


/* returns CLI_EXIT_OK, or CLI_EXIT_USAGE if an option is wrong */

int cli_api_open(cli_api_t *api, const cli_call_t *call);
void cli_api_close(cli_api_t *api);


/*
 * A path of segments that come from a person: each "%" takes an id, which is
 * checked first.  The caller frees it with cli_free(); NULL after a message.
 */

char *cli_api_path(const char *format, const char *first, const char *second);

/* appends "?name=value" or "&name=value", encoded, unless value is NULL */

void cli_api_query(cli_buf_t *path, const char *name, const char *value);


/*
 * One request.  body is sent as JSON, or none if it is NULL; the reference
 * stays the caller's.  Returns CLI_EXIT_OK with a response of 2xx and *answer,
 * if that is not NULL, a reference that the caller gives back; or another exit
 * code after a message.  --if-match is sent if the command has it.  Free the
 * response in either case.
 */

int cli_api_call(cli_api_t *api, const char *method, const char *path,
    const json_t *body, cli_response_t *response, json_t **answer);

/*
 * Connects, makes one request, and prints the object that it is answered with.
 * path is freed here, and the reference to body is taken; if path is NULL,
 * nothing is done and the result is CLI_EXIT_USAGE.
 */

int cli_api_change(const cli_call_t *call, const char *method, char *path,
    json_t *body, const cli_column_t *columns);

/*
 * The same for what is created: by POST on a list, or with --id by PUT, which
 * replaces nothing without --replace.
 */

int cli_api_create(const cli_call_t *call, char *path, json_t *body,
    const cli_column_t *columns);

/* the same with DELETE, which has no answer: note is printed, without --json */

int cli_api_delete(const cli_call_t *call, char *path, const char *note);

/* a member of an argument; what is not UTF-8 is refused when it is sent */

void cli_api_set_text(json_t *body, const char *member, const char *text);

/* one request of any form; a refusal has printed nothing yet if quiet is 1 */

int cli_api_send(cli_api_t *api, const cli_request_t *request, int quiet,
    cli_response_t *response, json_t **answer);


/* prints the refusal of a response: its JSON too, with --json */

void cli_api_print_refusal(const cli_api_t *api,
    const cli_response_t *response, const json_t *answer);


/* what is in a refusal, or NULL */

const char *cli_api_description(const json_t *answer);


/* the program was started for programs: --json */

int cli_api_json(const cli_api_t *api);


/* prints the bytes of a response, and a newline if it lacks one */

void cli_api_print(const cli_response_t *response);

/* the same of an object; it is freed by the caller */

void cli_api_print_json(const json_t *json);


#endif /* CLI_API_H_INCLUDED_ */
