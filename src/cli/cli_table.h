
/*
 * Tables for people: a line for each row of a list, or for each member of one
 * object.
 */


#ifndef CLI_TABLE_H_INCLUDED_
#define CLI_TABLE_H_INCLUDED_


#include <jansson.h>

#include "cli_memory.h"


#define CLI_COLUMNS_MAX  8


typedef enum {
    CLI_TEXT = 0,
    CLI_TIME,                        /* Unix seconds; null is "-" */
    CLI_EXPIRY,                      /* the same; null is "never" */
    CLI_WORDS                        /* an array; absent is "all" */
} cli_cell_e;


typedef struct {
    const char   *member;            /* NULL ends the columns */
    const char   *title;
    cli_cell_e    cell;
    int           flexible;          /* it is cut if a terminal is too narrow */
} cli_column_t;


/*
 * Rows are kept until they are printed.  The next ones are as wide at least:
 * a long list is printed page by page.
 */

typedef struct {
    const cli_column_t   *columns;
    size_t                widths[CLI_COLUMNS_MAX];
    size_t                rows;
    size_t                printed;
    char                **cells;
    size_t                size;
} cli_table_t;

/* to standard output; columns are borrowed, the cells of a row are copied */

void cli_table_begin(cli_table_t *table, const cli_column_t *columns);
void cli_table_row(cli_table_t *table, const json_t *object);
void cli_table_print(cli_table_t *table);

/* to fd, one member a line; etag is one more, unless it is NULL */

void cli_table_object(const cli_column_t *columns, const json_t *object,
    const char *etag, int fd);


/* two columns of text that is not escaped yet; the caller owns the strings */

void cli_table_pair(cli_buf_t *out, const char *title, size_t width,
    const char *value);


/* a value of JSON as people read it, escaped; cli_free() frees it */

char *cli_table_value(const json_t *value, cli_cell_e cell);


#endif /* CLI_TABLE_H_INCLUDED_ */
