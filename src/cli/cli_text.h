
/*
 * Text for a terminal: what came from elsewhere cannot move its cursor, change
 * its title, or be read in another order than it is written.
 */


#ifndef CLI_TEXT_H_INCLUDED_
#define CLI_TEXT_H_INCLUDED_


#include "cli_memory.h"


/*
 * The locale of the environment; where it is not UTF-8, what is not ASCII is
 * escaped.  Called first.
 */

void cli_text_init(void);


/*
 * Appends text with each control character, a newline too, and each invisible
 * mark of direction written as JSON writes it, \u001b; a byte that is not
 * UTF-8 is \x9b.
 */

void cli_text_escape(cli_buf_t *buf, const char *text, size_t len);


/*
 * Appends JSON for standard output: as it is, or if that is a terminal, with
 * each character that it could act on as JSON's own escape.
 */

void cli_text_json(cli_buf_t *buf, const char *text);


/* the columns of text that was escaped; how many bytes fit in that many */

size_t cli_text_width(const char *text, size_t len);
size_t cli_text_fit(const char *text, size_t len, size_t columns);


/* 0 if it is no terminal; COLUMNS in the environment wins for one */

size_t cli_text_columns(int fd);


/*
 * A line, escaped: on standard error "auth-gateway: ..." for what went wrong,
 * and without the name for the rest; on standard output what was done.
 */

void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_print(const char *format, ...) __attribute__((format(printf, 1, 2)));


/*
 * A line on standard error that the next one takes the place of, and any line
 * from above too.  NULL ends it.  Nothing is printed unless it is a terminal.
 */

void cli_progress(const char *format, ...)
    __attribute__((format(printf, 1, 2)));


/*
 * Writes it all, without a buffer of stdio's.  Returns 0, or -1 with errno;
 * after a failure cli_text_failed() is true: of standard output, so that the
 * program does not end well.
 */

int cli_write(int fd, const void *data, size_t len);
int cli_text_failed(void);


#endif /* CLI_TEXT_H_INCLUDED_ */
