
/*
 * Tokens and API keys.  Arguments are visible to every user of the machine
 * (ps, /proc/<pid>/cmdline), and stay in the history of the shell.
 */


#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "agw_base64.h"
#include "agw_grammar.h"

#include "cli_options.h"
#include "cli_secret.h"
#include "cli_text.h"


/* what an id, a token and a key are made of */

#define CLI_WORD_CHARS                                                        \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

/* behind "agw_": 160 bits and a checksum are longer, no word is */

#define CLI_API_KEY_RUN   20
#define CLI_API_KEY       "agw_"

/* "{" and a quote in base64url */

#define CLI_JWT           "eyJ"

/* the characters that end the input of a terminal that is not cooked */

#define CLI_CTRL_C        3
#define CLI_CTRL_D        4
#define CLI_BACKSPACE     8
#define CLI_DEL           127


static const char *cli_secret_in(const char *text);
static int cli_secret_is_jwt(const char *word);
static int cli_secret_read(cli_buf_t *buf, int fd);
static int cli_secret_ask(cli_buf_t *buf);
static int cli_secret_take(cli_buf_t *buf);


/*
 * A stream that is closed is opened, not to be written: else a file that is
 * opened later would take its place, and an API key would go there.
 */

void
cli_secret_harden(void)
{
    int            fd;
    struct rlimit  none;

    do {
        fd = open("/dev/null", O_RDONLY);
    } while (fd != -1 && fd <= STDERR_FILENO);

    if (fd != -1) {
        close(fd);
    }

    memset(&none, 0, sizeof(struct rlimit));

    (void) setrlimit(RLIMIT_CORE, &none);
    (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}


int
cli_secret_check_args(int argc, char **argv)
{
    int          i, found;
    const char  *what;

    found = 0;

    for (i = 1; i < argc; i++) {
        what = cli_secret_in(argv[i]);

        if (what == NULL) {
            continue;
        }

        OPENSSL_cleanse(argv[i], strlen(argv[i]));
        found = 1;

        cli_error("argument %d contains %s, which is refused there: every user"
                  " of this machine can read the arguments of a program, and"
                  " shells keep them", i, what);
    }

    if (found) {
        cli_note("A token is read from --token-file or standard input; an API"
                 " key is never needed here. If others have an account on this"
                 " machine, revoke the token, or roll the key.");
        return -1;
    }

    return 0;
}


int
cli_secret_read_token(cli_buf_t *token, const char *file)
{
    int  fd, rc;

    if (file == NULL && isatty(STDIN_FILENO)) {
        rc = cli_secret_ask(token);

    } else {
        fd = file ? open(file, O_RDONLY|O_CLOEXEC) : STDIN_FILENO;

        if (fd == -1) {
            cli_error("\"%s\" of --token-file cannot be opened: %s", file,
                      strerror(errno));
            return CLI_EXIT_USAGE;
        }

        rc = cli_secret_read(token, fd);

        if (rc == -1) {
            cli_error("the token cannot be read: %s", strerror(errno));
        }

        if (file != NULL) {
            close(fd);
        }
    }

    if (rc == -1 || cli_secret_take(token) == -1) {
        return CLI_EXIT_USAGE;
    }

    return CLI_EXIT_OK;
}


int
cli_secret_key_file(const char *file)
{
    int  fd, rc;

    fd = open(file, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC|O_NOFOLLOW, 0600);

    if (fd == -1) {
        cli_error("\"%s\" of --key-file cannot be created: %s%s", file,
                  strerror(errno), errno == EEXIST
                  ? "; a file that exists is never overwritten" : "");
        return -1;
    }

    /* the room is taken now, where the file system can do that */

    rc = posix_fallocate(fd, 0, 128);

    if (rc == ENOSPC || rc == EDQUOT || rc == EIO) {
        cli_error("\"%s\" of --key-file cannot be written: %s", file,
                  strerror(rc));
        cli_secret_key_drop(fd, file);
        return -1;
    }

    return fd;
}


int
cli_secret_key_write(int fd, const char *file, const char *key)
{
    int  rc;

    rc = 0;

    if (ftruncate(fd, 0) == -1 || cli_write(fd, key, strlen(key)) == -1
        || cli_write(fd, "\n", 1) == -1 || fsync(fd) == -1)
    {
        cli_error("\"%s\" of --key-file cannot be written: %s", file,
                  strerror(errno));
        rc = -1;
    }

    if (close(fd) == -1 && rc == 0) {
        cli_error("\"%s\" of --key-file cannot be closed: %s", file,
                  strerror(errno));
        rc = -1;
    }

    return rc;
}


void
cli_secret_key_drop(int fd, const char *file)
{
    close(fd);
    (void) unlink(file);
}


/*
 * What is in the text, or NULL; a file of the same name is none.  A word may
 * have it behind another one: "acme.agw_...", "old-eyJ...".
 */

static const char *
cli_secret_in(const char *text)
{
    int          begins;
    const char  *p;

    for (p = text; *p != '\0'; p++) {
        begins = p == text || strchr(CLI_WORD_CHARS ".", p[-1]) == NULL;

        if ((begins || strncmp(p, CLI_JWT, sizeof(CLI_JWT) - 1) == 0)
            && cli_secret_is_jwt(p))
        {
            return "a token";
        }

        if (strncmp(p, CLI_API_KEY, sizeof(CLI_API_KEY) - 1) == 0
            && strspn(p + sizeof(CLI_API_KEY) - 1,
                      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                      "0123456789") >= CLI_API_KEY_RUN)
        {
            return "an API key";
        }
    }

    return NULL;
}


/* three segments at least, and the first is a JSON object: no host is that */

static int
cli_secret_is_jwt(const char *word)
{
    size_t          n, second, third;
    json_t         *header;
    agw_str_t       segment, text;
    unsigned char  *decoded;

    n = strspn(word, CLI_WORD_CHARS);

    if (n == 0 || word[n] != '.') {
        return 0;
    }

    second = strspn(word + n + 1, CLI_WORD_CHARS);

    if (second == 0 || word[n + 1 + second] != '.') {
        return 0;
    }

    third = strspn(word + n + 1 + second + 1, CLI_WORD_CHARS);

    if (third == 0) {
        return 0;
    }

    segment.data = (const unsigned char *) word;
    segment.len = n;

    decoded = cli_alloc(AGW_BASE64_DECODED(n) + 1);
    header = NULL;

    if (agw_base64url_decode(segment, decoded, &text.len) == 0) {
        text.data = decoded;
        header = cli_json(text);
        json_decref(header);
    }

    cli_free(decoded);

    return header != NULL;
}


static int
cli_secret_read(cli_buf_t *buf, int fd)
{
    char     bytes[512];
    ssize_t  n;

    do {
        n = read(fd, bytes, sizeof(bytes));

        if (n > 0) {
            cli_buf_add(buf, bytes, (size_t) n);
        }

    } while ((n > 0 && buf->len <= 4 * AGW_TOKEN_MAX)
             || (n == -1 && errno == EINTR));

    OPENSSL_cleanse(bytes, sizeof(bytes));

    return n == -1 ? -1 : 0;
}


/*
 * A terminal has no line longer than 4095 bytes while it is cooked.  Signals
 * are off until it is as before, so that it is not left without an echo.
 */

static int
cli_secret_ask(cli_buf_t *buf)
{
    char            c;
    ssize_t         n;
    struct termios  before, raw;

    if (tcgetattr(STDIN_FILENO, &before) == -1) {
        cli_error("the terminal cannot be asked: %s", strerror(errno));
        return -1;
    }

    raw = before;
    raw.c_lflag &= ~(tcflag_t) (ECHO|ECHONL|ICANON|ISIG|IEXTEN);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;

    (void) cli_write(STDERR_FILENO, "Token (not shown): ", 19);
    (void) tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);

    for ( ;; ) {
        n = read(STDIN_FILENO, &c, 1);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n != 1 || c == CLI_CTRL_C || c == CLI_CTRL_D || c == '\n'
            || c == '\r' || buf->len > AGW_TOKEN_MAX)
        {
            break;
        }

        if (c == CLI_BACKSPACE || c == CLI_DEL) {
            buf->len -= buf->len > 0;
            continue;
        }

        cli_buf_add(buf, &c, 1);
    }

    (void) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    (void) cli_write(STDERR_FILENO, "\n", 1);

    if (n != 1 || c == CLI_CTRL_C) {
        cli_error("no token was given");
        return -1;
    }

    return 0;
}


/* one word of what was read: a token, with the scheme of its header or not */

static int
cli_secret_take(cli_buf_t *buf)
{
    char       *p, *end;
    agw_str_t   token;

    cli_buf_add(buf, "", 0);

    p = buf->data + strspn(buf->data, " \t\r\n");

    if (strncasecmp(p, "bearer ", 7) == 0) {
        p += 7;
        p += strspn(p, " \t\r\n");
    }

    end = p + strcspn(p, " \t\r\n");

    token.data = (unsigned char *) p;
    token.len = (size_t) (end - p);

    if (strlen(buf->data) != buf->len || token.len > AGW_TOKEN_MAX
        || strspn(end, " \t\r\n") != strlen(end) || !agw_is_b64token(token))
    {
        cli_error("what was read is no token: one word of at most %d letters,"
                  " digits and - . _ ~ + / is expected", AGW_TOKEN_MAX);
        return -1;
    }

    memmove(buf->data, p, token.len);
    OPENSSL_cleanse(buf->data + token.len, buf->len - token.len);
    buf->len = token.len;

    return 0;
}
