
/*
 * A buffer over read(2).
 */


#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli_lines.h"
#include "cli_text.h"


#define CLI_LINES_READ  65536


static int cli_lines_fill(cli_lines_t *lines);


int
cli_lines_open(cli_lines_t *lines, const char *file)
{
    memset(lines, 0, sizeof(cli_lines_t));

    if (strcmp(file, "-") == 0) {
        lines->fd = STDIN_FILENO;
        return 0;
    }

    lines->fd = open(file, O_RDONLY|O_CLOEXEC);

    if (lines->fd == -1) {
        cli_error("\"%s\" cannot be opened: %s", file, strerror(errno));
        return -1;
    }

    return 0;
}


int
cli_lines_next(cli_lines_t *lines, size_t max, const char **text, size_t *len)
{
    size_t   have, seen;
    char    *end, *start;

    seen = 0;

    for ( ;; ) {
        start = lines->buf.data + lines->next;
        have = lines->buf.len - lines->next;
        end = have > seen ? memchr(start + seen, '\n', have - seen) : NULL;

        if (end != NULL || (lines->eof && have > 0)) {
            *text = start;
            *len = end ? (size_t) (end - start) : have;
            lines->next += *len + (end != NULL);
            lines->number++;

            if (*len <= max) {
                return 1;
            }
        }

        if (have > max) {
            cli_error("line %zu is longer than %zu bytes",
                      lines->number + (end == NULL), max);
            return -1;
        }

        if (lines->eof) {
            return 0;
        }

        seen = have;

        if (cli_lines_fill(lines) != 0) {
            return -1;
        }
    }
}


void
cli_lines_close(cli_lines_t *lines)
{
    if (lines->fd != STDIN_FILENO) {
        close(lines->fd);
    }

    cli_buf_free(&lines->buf);
}


/* what was read goes, and more comes */

static int
cli_lines_fill(cli_lines_t *lines)
{
    char     bytes[CLI_LINES_READ];
    ssize_t  n;

    if (lines->next > 0) {
        lines->buf.len -= lines->next;
        memmove(lines->buf.data, lines->buf.data + lines->next,
                lines->buf.len);
        lines->next = 0;
        cli_buf_add(&lines->buf, "", 0);
    }

    /* an interrupt ends the reading, too */

    n = read(lines->fd, bytes, sizeof(bytes));

    if (n == -1) {
        cli_error("the file cannot be read behind line %zu: %s",
                  lines->number, strerror(errno));
        return -1;
    }

    if (n == 0) {
        lines->eof = 1;
        return 0;
    }

    cli_buf_add(&lines->buf, bytes, (size_t) n);

    return 0;
}
