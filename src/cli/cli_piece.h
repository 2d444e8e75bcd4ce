
/*
 * A piece of an import: lines that are sent in one request, with their numbers
 * in the file.
 */


#ifndef CLI_PIECE_H_INCLUDED_
#define CLI_PIECE_H_INCLUDED_


#include <jansson.h>

#include "cli_memory.h"


#define CLI_PIECE_LINES  1000

/* a request has at most 1 MB */

#define CLI_PIECE_BYTES  1000000


typedef struct {
    char        *text;
    size_t       len;
    size_t       number;             /* 0 for a line of an earlier piece */
} cli_line_t;


/*
 * A dry run changes nothing, so that a partner of an earlier piece is not in
 * the store: its line is put before the first that needs it.  partners has
 * these lines by their ids, here those that are in the piece.
 */

typedef struct {
    cli_line_t  *lines;
    size_t       count;
    size_t       size;
    size_t       bytes;
    size_t       own;                /* of count: those with a number */
    json_t      *partners;           /* NULL if it is no dry run */
    json_t      *here;
} cli_piece_t;


void cli_piece_init(cli_piece_t *piece, int dry_run);


/* copies a line, and in a dry run before it the partner that it needs */

void cli_piece_add(cli_piece_t *piece, const char *text, size_t len,
    size_t number);


/* a partner of a line that is not sent, but that others may need */

void cli_piece_know(cli_piece_t *piece, const char *text, size_t len);


/* whether another line of len bytes would be too much */

int cli_piece_is_full(const cli_piece_t *piece, size_t len);


/* takes the line away, counted from 1 as in what is sent */

void cli_piece_drop(cli_piece_t *piece, size_t line);


/* the lines, each with its newline */

void cli_piece_body(const cli_piece_t *piece, cli_buf_t *body);

/* takes all lines away; what is known of partners stays */

void cli_piece_clear(cli_piece_t *piece);
void cli_piece_free(cli_piece_t *piece);


#endif /* CLI_PIECE_H_INCLUDED_ */
