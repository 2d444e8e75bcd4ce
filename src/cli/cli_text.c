
/*
 * Escaping, widths, and the two streams.
 */


#define _GNU_SOURCE

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "cli_text.h"


static size_t cli_text_char(const char *text, size_t len, uint32_t *code);
static int cli_text_is_shown(uint32_t code);
static void cli_text_line(int fd, const char *before, const char *format,
    va_list args);


static int  cli_text_utf8;
static int  cli_text_write_failed;

/* the columns of the line of progress that is there */

static size_t  cli_text_progress;


void
cli_text_init(void)
{
    (void) setlocale(LC_CTYPE, "");
    cli_text_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}


void
cli_text_escape(cli_buf_t *buf, const char *text, size_t len)
{
    char      escaped[24];
    size_t    i, n;
    uint32_t  code;

    for (i = 0; i < len; i += n) {
        n = cli_text_char(text + i, len - i, &code);

        if (n == 0) {
            n = 1;
            snprintf(escaped, sizeof(escaped), "\\x%02x",
                     (unsigned char) text[i]);

        } else if (cli_text_is_shown(code)) {
            cli_buf_add(buf, text + i, n);
            continue;

        } else if (code < 0x10000) {
            snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned) code);

        } else {
            code -= 0x10000;
            snprintf(escaped, sizeof(escaped), "\\u%04x\\u%04x",
                     (unsigned) (0xd800 + (code >> 10)),
                     (unsigned) (0xdc00 + (code & 0x3ff)));
        }

        cli_buf_str(buf, escaped);
    }

    cli_buf_add(buf, "", 0);
}


void
cli_text_json(cli_buf_t *buf, const char *text)
{
    size_t  n;

    if (!isatty(STDOUT_FILENO)) {
        cli_buf_str(buf, text);
        return;
    }

    while (*text != '\0') {
        n = strcspn(text, "\n");
        cli_text_escape(buf, text, n);
        text += n;

        if (*text == '\n') {
            cli_buf_str(buf, "\n");
            text++;
        }
    }
}


size_t
cli_text_width(const char *text, size_t len)
{
    int       columns;
    size_t    i, n, width;
    uint32_t  code;

    width = 0;

    for (i = 0; i < len; i += n) {
        n = cli_text_char(text + i, len - i, &code);

        if (n == 0) {
            n = 1;
            code = '?';
        }

        columns = code < 0x80 ? 1 : wcwidth((wchar_t) code);
        width += columns < 0 ? 1 : (size_t) columns;
    }

    return width;
}


size_t
cli_text_fit(const char *text, size_t len, size_t columns)
{
    size_t    i, n;
    uint32_t  code;

    for (i = 0; i < len; i += n) {
        n = cli_text_char(text + i, len - i, &code);
        n = n ? n : 1;

        if (cli_text_width(text, i + n) > columns) {
            break;
        }
    }

    return i;
}


size_t
cli_text_columns(int fd)
{
    long             n;
    char            *end;
    const char      *said;
    struct winsize   size;

    if (!isatty(fd)) {
        return 0;
    }

    said = getenv("COLUMNS");

    if (said != NULL) {
        n = strtol(said, &end, 10);

        if (n > 0 && n < 10000 && *end == '\0') {
            return (size_t) n;
        }
    }

    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }

    return 80;
}


void
cli_error(const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    cli_text_line(STDERR_FILENO, "auth-gateway: ", format, args);
    va_end(args);
}


void
cli_note(const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    cli_text_line(STDERR_FILENO, "", format, args);
    va_end(args);
}


void
cli_print(const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    cli_text_line(STDOUT_FILENO, "", format, args);
    va_end(args);
}


void
cli_progress(const char *format, ...)
{
    char       *text;
    va_list     args;
    cli_buf_t   line;

    if (!isatty(STDERR_FILENO)) {
        return;
    }

    memset(&line, 0, sizeof(cli_buf_t));

    if (cli_text_progress > 0) {
        cli_buf_str(&line, "\r");
        cli_buf_fill(&line, ' ', cli_text_progress);
        cli_buf_str(&line, "\r");
        cli_text_progress = 0;
    }

    if (format != NULL) {
        va_start(args, format);
        text = cli_vprintf(format, args);
        va_end(args);

        cli_buf_str(&line, text);
        cli_text_progress = strlen(text);
        cli_free(text);
    }

    if (line.len > 0) {
        (void) cli_write(STDERR_FILENO, line.data, line.len);
    }

    cli_buf_free(&line);
}


int
cli_write(int fd, const void *data, size_t len)
{
    int          error;
    ssize_t      n;
    const char  *p;

    for (p = data; len > 0; len -= (size_t) n) {
        n = write(fd, p, len);

        if (n == -1 && errno == EINTR) {
            n = 0;
            continue;
        }

        if (n == -1) {
            error = errno;

            if (fd == STDOUT_FILENO && !cli_text_write_failed) {
                cli_text_write_failed = 1;

                /* whoever reads it may have enough: "| head" */

                if (error != EPIPE) {
                    cli_error("standard output cannot be written: %s",
                              strerror(error));
                }
            }

            errno = error;
            return -1;
        }

        p += n;
    }

    return 0;
}


int
cli_text_failed(void)
{
    return cli_text_write_failed;
}


/* the length of the character at text, or 0 if it is not UTF-8 */

static size_t
cli_text_char(const char *text, size_t len, uint32_t *code)
{
    size_t                i, n;
    const unsigned char  *p;

    static const uint32_t  least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    p = (const unsigned char *) text;

    n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2
        : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

    if (n == 0 || n > len) {
        return 0;
    }

    *code = n == 1 ? p[0] : p[0] & (0xffU >> (n + 1));

    for (i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }

        *code = (*code << 6) | (p[i] & 0x3f);
    }

    if (*code < least[n] || *code > 0x10ffff
        || (*code >= 0xd800 && *code <= 0xdfff))
    {
        return 0;
    }

    return n;
}


/*
 * Neither a control character (C0, DEL, C1), nor a separator of lines, nor a
 * mark or an override of direction, nor what has no width and hides.
 */

static int
cli_text_is_shown(uint32_t code)
{
    if (code < 0x80) {
        return code >= 0x20 && code != 0x7f;
    }

    if (!cli_text_utf8 || code < 0xa0 || code == 0xad || code == 0x61c
        || (code >= 0x200b && code <= 0x200f)
        || (code >= 0x2028 && code <= 0x202e)
        || (code >= 0x2060 && code <= 0x206f)
        || (code >= 0xe000 && code <= 0xf8ff)
        || code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb)
        || code >= 0xe0000)
    {
        return 0;
    }

    return 1;
}


static void
cli_text_line(int fd, const char *before, const char *format, va_list args)
{
    char       *text;
    cli_buf_t   line;

    cli_progress(NULL);
    memset(&line, 0, sizeof(cli_buf_t));

    text = cli_vprintf(format, args);
    cli_buf_str(&line, before);
    cli_text_escape(&line, text, strlen(text));
    cli_buf_str(&line, "\n");

    (void) cli_write(fd, line.data, line.len);

    cli_free(text);
    cli_buf_free(&line);
}
