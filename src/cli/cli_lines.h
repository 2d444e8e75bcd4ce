
/*
 * A file read line by line.
 */


#ifndef CLI_LINES_H_INCLUDED_
#define CLI_LINES_H_INCLUDED_


#include "cli_memory.h"


typedef struct {
    int           fd;
    int           eof;
    cli_buf_t     buf;
    size_t        next;              /* of the first unread byte in buf */
    size_t        number;            /* of the last line that was read */
} cli_lines_t;


/* "-" is standard input; returns 0, or -1 after a message */

int cli_lines_open(cli_lines_t *lines, const char *file);


/*
 * Returns 1 and sets *text, which is good until the next call, and *len, both
 * without the newline; 0 at the end; -1 after a message, if the file cannot be
 * read or the line is longer than max.
 */

int cli_lines_next(cli_lines_t *lines, size_t max, const char **text,
    size_t *len);

void cli_lines_close(cli_lines_t *lines);


#endif /* CLI_LINES_H_INCLUDED_ */
