
/*
 * One HTTP request after another to the administration, over its unix socket
 * or over TLS with a client certificate.
 */


#ifndef CLI_HTTP_H_INCLUDED_
#define CLI_HTTP_H_INCLUDED_


#include "cli_memory.h"
#include "cli_options.h"


typedef struct cli_http_s  cli_http_t;


typedef struct {
    const char  *method;
    const char  *path;               /* below the prefix, with its query */
    const char  *root_path;          /* instead of both, if not NULL */
    const char  *type;               /* of the body, or NULL for none */
    const char  *body;
    size_t       body_len;
    const char  *if_match;           /* or NULL */
    const char  *if_none_match;      /* or NULL */
} cli_request_t;


/* zeroed before its first use; freed by cli_response_free() */

typedef struct {
    long         status;
    int          unknown;            /* without an answer it may be done */
    cli_buf_t    body;
    char        *type;               /* NULL if the header is absent */
    char        *etag;
    char        *link;
    char        *location;
} cli_response_t;


/*
 * Nothing is sent yet.  Returns NULL after a message if options are missing or
 * contradict each other, which is a fault of usage.
 */

cli_http_t *cli_http_open(const cli_call_t *call);


/*
 * Returns CLI_EXIT_OK with a response of any status, or CLI_EXIT_UNREACHABLE
 * after a message.
 */

int cli_http_send(cli_http_t *http, const cli_request_t *request,
    cli_response_t *response);


/* the path of the location, which begins and ends with a slash */

const char *cli_http_prefix(const cli_http_t *http);


/* wipes the buffers of the connection */

void cli_http_close(cli_http_t *http);

void cli_response_free(cli_response_t *response);


#endif /* CLI_HTTP_H_INCLUDED_ */
