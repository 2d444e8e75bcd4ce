
/*
 * One sentence a line, as mandoc wants it, and nothing that roff could take
 * for a request.
 */


#include <string.h>
#include <unistd.h>

#include "cli_commands.h"
#include "cli_man.h"
#include "cli_memory.h"
#include "cli_text.h"


#define CLI_MAN_DATE     "November 27, 2026"
#define CLI_MAN_COLUMNS  64


static void cli_man_commands(cli_buf_t *out);
static void cli_man_options(cli_buf_t *out, uint64_t set);
static void cli_man_environment(cli_buf_t *out);
static void cli_man_operands(cli_buf_t *out, const char *operands);
static void cli_man_value(cli_buf_t *out, const char *value);
static void cli_man_text(cli_buf_t *out, const char *text);
static void cli_man_word(cli_buf_t *out, const char *word, size_t len,
    int first);
static void cli_man_example(cli_buf_t *out, const char *example);


int
cli_man(void)
{
    int         rc;
    size_t      i;
    cli_buf_t   out;

    memset(&out, 0, sizeof(cli_buf_t));

    cli_buf_str(&out, ".Dd " CLI_MAN_DATE "\n.Dt AUTH-GATEWAY 1\n.Os\n"
                      ".Sh NAME\n.Nm auth-gateway\n.Nd " CLI_SUMMARY "\n"
                      ".Sh SYNOPSIS\n.Nm\n.Op Ar options\n.Ar command\n"
                      ".Op Ar arguments\n"
                      ".Nm\n.Cm help\n.Op Ar command | topic\n"
                      ".Sh DESCRIPTION\n");

    cli_man_text(&out, CLI_INTRODUCTION);
    cli_buf_str(&out, ".Pp\nThese options are those of every command.\n"
                      "An option may stand anywhere.\n");
    cli_man_options(&out, CLI_ALWAYS);
    cli_man_commands(&out);

    for (i = 0; cli_topics[i].name != NULL; i++) {

        if (strcmp(cli_topics[i].name, "exit-codes") != 0) {
            cli_buf_str(&out, ".Ss ");
            cli_buf_str(&out, cli_topics[i].title);
            cli_buf_str(&out, "\n");
            cli_man_text(&out, cli_topics[i].text);
        }
    }

    cli_man_environment(&out);

    for (i = 0; cli_topics[i].name != NULL; i++) {

        if (strcmp(cli_topics[i].name, "exit-codes") == 0) {
            cli_buf_str(&out, ".Sh EXIT STATUS\n");
            cli_man_text(&out, cli_topics[i].text);
        }
    }

    cli_buf_str(&out, ".Sh SEE ALSO\n.Xr nginx 8\n");

    rc = cli_write(STDOUT_FILENO, out.data, out.len);
    cli_buf_free(&out);

    return rc == 0 ? CLI_EXIT_OK : CLI_EXIT_REFUSED;
}


static void
cli_man_commands(cli_buf_t *out)
{
    size_t                i;
    const cli_command_t  *c;

    cli_buf_str(out, ".Ss Commands\n.Bl -tag -width Ds\n");

    for (i = 0; cli_commands[i].name != NULL; i++) {
        c = &cli_commands[i];

        cli_buf_str(out, ".It Nm Cm ");
        cli_buf_str(out, c->name);
        cli_man_operands(out, c->operands);
        cli_buf_str(out, "\n");

        cli_man_text(out, c->summary);
        out->len--;
        cli_buf_str(out, ".\n");
        cli_man_text(out, c->text);

        if (c->options != 0) {
            cli_man_options(out, c->options);
        }

        cli_man_example(out, c->example);
    }

    cli_buf_str(out, ".El\n");
}


static void
cli_man_options(cli_buf_t *out, uint64_t set)
{
    int  i;

    cli_buf_str(out, ".Bl -tag -width Ds\n");

    for (i = 0; i < CLI_OPTIONS; i++) {

        if (set & cli_bit(i)) {
            cli_buf_str(out, ".It Fl \\&");
            cli_man_word(out, cli_options[i].name + 1,
                         strlen(cli_options[i].name) - 1, 0);
            cli_man_value(out, cli_options[i].value);
            cli_buf_str(out, "\n");
            cli_man_text(out, cli_options[i].text);
        }
    }

    cli_buf_str(out, ".El\n");
}


static void
cli_man_environment(cli_buf_t *out)
{
    int  i;

    cli_buf_str(out, ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n");

    for (i = 0; i < CLI_OPTIONS; i++) {

        if (cli_options[i].env != NULL) {
            cli_buf_str(out, ".It Ev ");
            cli_buf_str(out, cli_options[i].env);
            cli_buf_str(out, "\nStands for\n.Fl \\&");
            cli_man_word(out, cli_options[i].name + 1,
                         strlen(cli_options[i].name) - 1, 0);
            cli_buf_str(out, " .\n");
        }
    }

    cli_buf_str(out, ".El\n");
}


/* "<partner_id> <key_id>" */

static void
cli_man_operands(cli_buf_t *out, const char *operands)
{
    size_t  n;

    while (*operands != '\0') {
        n = strcspn(operands, ">");
        cli_buf_str(out, " Ar ");
        cli_buf_add(out, operands + 1, n - 1);
        operands += n + 1;
        operands += *operands == ' ';
    }
}


static void
cli_man_value(cli_buf_t *out, const char *value)
{
    if (value != NULL) {
        cli_man_operands(out, value);
    }
}


static void
cli_man_text(cli_buf_t *out, const char *text)
{
    size_t  column, n;

    column = 0;

    while (*text != '\0') {

        if (*text == '\n') {
            cli_buf_str(out, column ? "\n.Pp\n" : "");
            column = 0;
            text++;
            continue;
        }

        n = strcspn(text, " \n");

        if (column > 0
            && (column + 1 + n > CLI_MAN_COLUMNS
                || strchr(".:", text[-2]) != NULL))
        {
            cli_buf_str(out, "\n");
            column = 0;
        }

        if (column > 0) {
            cli_buf_str(out, " ");
            column++;
        }

        cli_man_word(out, text, n, column == 0);
        column += n;
        text += n;
        text += *text == ' ';
    }

    cli_buf_str(out, "\n");
}


/* a hyphen that is one of an option is not one that joins words */

static void
cli_man_word(cli_buf_t *out, const char *word, size_t len, int first)
{
    size_t  i;

    if (first && len > 0 && (word[0] == '.' || word[0] == '\'')) {
        cli_buf_str(out, "\\&");
    }

    for (i = 0; i < len; i++) {

        if (word[i] == '\\') {
            cli_buf_str(out, "\\e");

        } else if (word[i] == '-' || word[i] == '~' || word[i] == '\'') {
            cli_buf_str(out, word[i] == '-' ? "\\-"
                             : word[i] == '~' ? "\\(ti" : "\\(aq");

        } else if (word[i] == '"') {
            cli_buf_str(out, "\\(dq");

        } else {
            cli_buf_add(out, word + i, 1);
        }
    }
}


static void
cli_man_example(cli_buf_t *out, const char *example)
{
    size_t  i, n;

    cli_buf_str(out, ".Bd -literal\n");

    while (*example != '\0') {
        n = strcspn(example, "\n");

        for (i = 0; i < n; i++) {
            cli_man_word(out, example + i, 1, 0);
        }

        cli_buf_str(out, "\n");
        example += n + (example[n] == '\n');
    }

    cli_buf_str(out, ".Ed\n");
}
