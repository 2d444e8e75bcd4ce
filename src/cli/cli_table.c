
/*
 * Columns are as wide as their widest cell.  On a terminal that is too narrow,
 * cells of flexible columns are cut; an id or a time never is, so that it can
 * be copied.
 */


#include <string.h>
#include <unistd.h>

#include "cli_table.h"
#include "cli_text.h"
#include "cli_time.h"


#define CLI_TABLE_GAP       2
#define CLI_TABLE_NARROWEST 8
#define CLI_TABLE_CUT       "..."


static size_t cli_table_count(const cli_column_t *columns);
static void cli_table_shrink(const cli_table_t *table, size_t *widths);
static void cli_table_line(cli_buf_t *out, const cli_table_t *table,
    const size_t *widths, char **cells);
static void cli_table_cell(cli_buf_t *out, const char *text, size_t width,
    int last);


void
cli_table_begin(cli_table_t *table, const cli_column_t *columns)
{
    size_t  i;

    memset(table, 0, sizeof(cli_table_t));
    table->columns = columns;

    for (i = 0; i < cli_table_count(columns); i++) {
        table->widths[i] = strlen(columns[i].title);
    }
}


void
cli_table_row(cli_table_t *table, const json_t *object)
{
    char    **row;
    size_t    i, n, width;

    n = cli_table_count(table->columns);

    if (table->rows == table->size) {
        table->size = 2 * table->size + 64;
        table->cells = cli_realloc(table->cells,
                                   table->size * n * sizeof(char *));
    }

    row = table->cells + table->rows++ * n;

    for (i = 0; i < n; i++) {
        row[i] = cli_table_value(json_object_get(object,
                                                 table->columns[i].member),
                                 table->columns[i].cell);
        width = cli_text_width(row[i], strlen(row[i]));

        if (width > table->widths[i]) {
            table->widths[i] = width;
        }
    }
}


void
cli_table_print(cli_table_t *table)
{
    char       *titles[CLI_COLUMNS_MAX];
    size_t      i, n, widths[CLI_COLUMNS_MAX];
    cli_buf_t   out;

    memset(&out, 0, sizeof(cli_buf_t));

    n = cli_table_count(table->columns);
    cli_table_shrink(table, widths);

    if (table->printed == 0 && table->rows > 0) {
        for (i = 0; i < n; i++) {
            titles[i] = (char *) table->columns[i].title;
        }

        cli_table_line(&out, table, widths, titles);
    }

    for (i = 0; i < table->rows; i++) {
        cli_table_line(&out, table, widths, table->cells + i * n);
    }

    for (i = 0; i < table->rows * n; i++) {
        cli_free(table->cells[i]);
    }

    if (out.len > 0) {
        (void) cli_write(STDOUT_FILENO, out.data, out.len);
    }

    table->printed += table->rows;
    table->rows = 0;
    table->size = 0;
    cli_free(table->cells);
    table->cells = NULL;
    cli_buf_free(&out);
}


void
cli_table_object(const cli_column_t *columns, const json_t *object,
    const char *etag, int fd)
{
    char       *value;
    size_t      i, n, width;
    cli_buf_t   out;

    memset(&out, 0, sizeof(cli_buf_t));

    width = etag ? sizeof("ETAG") - 1 : 0;
    n = cli_table_count(columns);

    for (i = 0; i < n; i++) {
        if (strlen(columns[i].title) > width) {
            width = strlen(columns[i].title);
        }
    }

    for (i = 0; i < n; i++) {
        value = cli_table_value(json_object_get(object, columns[i].member),
                                columns[i].cell);
        cli_table_cell(&out, columns[i].title, width, 0);
        cli_buf_str(&out, value);
        cli_buf_str(&out, "\n");
        cli_free(value);
    }

    if (etag != NULL) {
        cli_table_pair(&out, "ETAG", width, etag);
    }

    (void) cli_write(fd, out.data, out.len);
    cli_buf_free(&out);
}


void
cli_table_pair(cli_buf_t *out, const char *title, size_t width,
    const char *value)
{
    cli_buf_t  text;

    memset(&text, 0, sizeof(cli_buf_t));

    cli_text_escape(&text, title, strlen(title));
    cli_table_cell(out, text.data, text.len > width ? text.len : width, 0);
    cli_text_escape(out, value, strlen(value));
    cli_buf_str(out, "\n");

    cli_buf_free(&text);
}


char *
cli_table_value(const json_t *value, cli_cell_e cell)
{
    char        *text, time[CLI_TIME_SIZE];
    size_t       i;
    cli_buf_t    buf;

    memset(&buf, 0, sizeof(cli_buf_t));
    cli_buf_add(&buf, "", 0);

    if (value == NULL || json_is_null(value)) {
        cli_buf_str(&buf, cell == CLI_EXPIRY ? "never"
                          : cell == CLI_WORDS ? "all" : "-");

    } else if (json_is_string(value)) {
        cli_text_escape(&buf, json_string_value(value),
                        json_string_length(value));

    } else if (json_is_integer(value) && cell != CLI_TEXT) {
        cli_time_format(json_integer_value(value), time);
        cli_buf_str(&buf, json_integer_value(value) ? time : "-");

    } else if (json_is_array(value) && cell == CLI_WORDS) {
        for (i = 0; i < json_array_size(value); i++) {
            text = cli_table_value(json_array_get(value, i), CLI_TEXT);
            cli_buf_str(&buf, i ? " " : "");
            cli_buf_str(&buf, text);
            cli_free(text);
        }

        cli_buf_str(&buf, i ? "" : "none");

    } else {
        text = json_dumps(value, JSON_COMPACT|JSON_ENCODE_ANY);

        if (text != NULL) {
            cli_text_escape(&buf, text, strlen(text));
        }

        cli_free(text);
    }

    return buf.data;
}


static size_t
cli_table_count(const cli_column_t *columns)
{
    size_t  n;

    for (n = 0; n < CLI_COLUMNS_MAX && columns[n].member != NULL; n++) {
        /* void */
    }

    return n;
}


/* the widest flexible column gives way first, a column at a time */

static void
cli_table_shrink(const cli_table_t *table, size_t *widths)
{
    size_t  i, n, columns, sum, widest;

    n = cli_table_count(table->columns);
    columns = cli_text_columns(STDOUT_FILENO);
    sum = (n - 1) * CLI_TABLE_GAP;

    for (i = 0; i < n; i++) {
        widths[i] = table->widths[i];
        sum += widths[i];
    }

    while (columns > 0 && sum > columns) {
        widest = n;

        for (i = 0; i < n; i++) {
            if (table->columns[i].flexible && widths[i] > CLI_TABLE_NARROWEST
                && (widest == n || widths[i] > widths[widest]))
            {
                widest = i;
            }
        }

        if (widest == n) {
            break;
        }

        widths[widest]--;
        sum--;
    }
}


static void
cli_table_line(cli_buf_t *out, const cli_table_t *table, const size_t *widths,
    char **cells)
{
    size_t  i, n;

    n = cli_table_count(table->columns);

    for (i = 0; i < n; i++) {
        cli_table_cell(out, cells[i], widths[i], i + 1 == n);
    }

    cli_buf_str(out, "\n");
}


/* filled with spaces, save the last one */

static void
cli_table_cell(cli_buf_t *out, const char *text, size_t width, int last)
{
    size_t  fits, is;

    is = cli_text_width(text, strlen(text));

    if (is > width) {
        fits = cli_text_fit(text, strlen(text),
                            width - (sizeof(CLI_TABLE_CUT) - 1));
        cli_buf_add(out, text, fits);
        cli_buf_str(out, CLI_TABLE_CUT);
        is = cli_text_width(text, fits) + sizeof(CLI_TABLE_CUT) - 1;

    } else {
        cli_buf_str(out, text);
    }

    if (!last) {
        cli_buf_fill(out, ' ', width - is + CLI_TABLE_GAP);
    }
}
