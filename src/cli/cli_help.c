
/*
 * Help of 80 columns on standard output.
 */


#include <string.h>
#include <unistd.h>

#include "cli_args.h"
#include "cli_help.h"
#include "cli_memory.h"
#include "cli_text.h"


#define CLI_HELP_COLUMNS  78
#define CLI_HELP_NAMES    20


static int cli_help_print(cli_buf_t *out);
static void cli_help_all(cli_buf_t *out);
static void cli_help_group(cli_buf_t *out, const cli_topic_t *group);
static void cli_help_command(cli_buf_t *out, const cli_command_t *command);
static void cli_help_topic(cli_buf_t *out, const cli_topic_t *topic);
static void cli_help_options(cli_buf_t *out, uint64_t set);
static void cli_help_row(cli_buf_t *out, const char *name, const char *text);
static void cli_help_text(cli_buf_t *out, const char *text, size_t indent);


int
cli_help(char *const *words, size_t count)
{
    char                 *name;
    size_t                i;
    cli_buf_t             out;
    const cli_topic_t    *group;
    const cli_command_t  *command;

    memset(&out, 0, sizeof(cli_buf_t));

    if (count == 0) {
        cli_help_all(&out);
        return cli_help_print(&out);
    }

    name = count > 1 ? cli_printf("%s %s", words[0], words[1])
                     : cli_strdup(words[0]);
    command = cli_args_command(name);
    cli_free(name);

    /* operands may follow: "key roll acme --help" */

    if (command == NULL) {
        command = cli_args_command(words[0]);
    }

    if (command != NULL) {
        cli_help_command(&out, command);
        return cli_help_print(&out);
    }

    group = cli_args_group(words[0]);

    if (group != NULL && count == 1) {
        cli_help_group(&out, group);
        return cli_help_print(&out);
    }

    for (i = 0; cli_topics[i].name != NULL; i++) {
        if (strcmp(cli_topics[i].name, words[0]) == 0) {
            cli_help_topic(&out, &cli_topics[i]);
            return cli_help_print(&out);
        }
    }

    cli_error("there is no help on \"%s%s%s\"", words[0],
              group ? " " : "", group ? words[1] : "");
    cli_note("\"auth-gateway help\" lists commands and topics.");

    return CLI_EXIT_USAGE;
}


static int
cli_help_print(cli_buf_t *out)
{
    int  rc;

    rc = cli_write(STDOUT_FILENO, out->data, out->len);
    cli_buf_free(out);

    return rc == 0 ? CLI_EXIT_OK : CLI_EXIT_REFUSED;
}


static void
cli_help_all(cli_buf_t *out)
{
    size_t  i;

    cli_buf_str(out, "usage: auth-gateway [options] <command> ...\n\n");
    cli_help_text(out, CLI_INTRODUCTION, 0);
    cli_buf_str(out, "\ncommands:\n");

    for (i = 0; cli_groups[i].name != NULL; i++) {
        cli_help_row(out, cli_groups[i].name, cli_groups[i].title);
    }

    for (i = 0; cli_commands[i].name != NULL; i++) {
        if (strchr(cli_commands[i].name, ' ') == NULL) {
            cli_help_row(out, cli_commands[i].name, cli_commands[i].summary);
        }
    }

    cli_buf_str(out, "\noptions of every command:\n");
    cli_help_options(out, CLI_ALWAYS);
    cli_buf_str(out, "\nmore help: auth-gateway help <command>, and on\n");

    for (i = 0; cli_topics[i].name != NULL; i++) {
        cli_help_row(out, cli_topics[i].name, cli_topics[i].title);
    }
}


static void
cli_help_group(cli_buf_t *out, const cli_topic_t *group)
{
    char    *name;
    size_t   i, n;

    n = strlen(group->name);
    name = cli_printf("usage: auth-gateway %s <command> ...\n\ncommands:\n",
                      group->name);
    cli_buf_str(out, name);
    cli_free(name);

    for (i = 0; cli_commands[i].name != NULL; i++) {

        if (strncmp(cli_commands[i].name, group->name, n) == 0
            && cli_commands[i].name[n] == ' ')
        {
            name = cli_printf("%s %s", cli_commands[i].name + n + 1,
                              cli_commands[i].operands);
            cli_help_row(out, name, cli_commands[i].summary);
            cli_free(name);
        }
    }

    name = cli_printf("\nmore help: auth-gateway help %s <command>\n",
                      group->name);
    cli_buf_str(out, name);
    cli_free(name);
}


static void
cli_help_command(cli_buf_t *out, const cli_command_t *command)
{
    char  *line;

    line = cli_printf("usage: auth-gateway %s [options]%s%s\n\n%s.\n\n",
                      command->name, command->operands[0] ? " " : "",
                      command->operands, command->summary);
    cli_buf_str(out, line);
    cli_free(line);

    cli_help_text(out, command->text, 0);

    if (command->options != 0) {
        cli_buf_str(out, "\noptions:\n");
        cli_help_options(out, command->options);
    }

    cli_buf_str(out, "\nexample:\n");
    cli_help_text(out, command->example, 4);
    cli_buf_str(out, "\nOptions of every command: auth-gateway help\n");
}


static void
cli_help_topic(cli_buf_t *out, const cli_topic_t *topic)
{
    cli_buf_str(out, topic->title);
    cli_buf_str(out, "\n\n");
    cli_help_text(out, topic->text, 0);
}


static void
cli_help_options(cli_buf_t *out, uint64_t set)
{
    int         i;
    char       *name;
    cli_buf_t   text;

    for (i = 0; i < CLI_OPTIONS; i++) {

        if (!(set & cli_bit(i))) {
            continue;
        }

        memset(&text, 0, sizeof(cli_buf_t));
        cli_buf_str(&text, cli_options[i].text);

        if (cli_options[i].env != NULL) {
            cli_buf_str(&text, " Environment: ");
            cli_buf_str(&text, cli_options[i].env);
            cli_buf_str(&text, ".");
        }

        name = cli_printf("%s%s%s", cli_options[i].name,
                          cli_options[i].value ? " " : "",
                          cli_options[i].value ? cli_options[i].value : "");
        cli_help_row(out, name, text.data);

        cli_free(name);
        cli_buf_free(&text);
    }
}


/* the text begins beside the name, or below it if that is too long */

static void
cli_help_row(cli_buf_t *out, const char *name, const char *text)
{
    size_t     n;
    cli_buf_t  wrapped;

    memset(&wrapped, 0, sizeof(cli_buf_t));

    cli_buf_str(out, "  ");
    cli_buf_str(out, name);

    n = strlen(name) + 2;
    cli_help_text(&wrapped, text, CLI_HELP_NAMES + 4);

    if (n < CLI_HELP_NAMES + 3) {
        cli_buf_fill(out, ' ', CLI_HELP_NAMES + 4 - n);
        cli_buf_str(out, wrapped.data + CLI_HELP_NAMES + 4);

    } else {
        cli_buf_str(out, "\n");
        cli_buf_str(out, wrapped.data);
    }

    cli_buf_free(&wrapped);
}


/* words are wrapped; a newline stays one */

static void
cli_help_text(cli_buf_t *out, const char *text, size_t indent)
{
    size_t  column, n;

    column = 0;

    while (*text != '\0') {

        if (*text == '\n') {
            cli_buf_str(out, "\n");
            column = 0;
            text++;
            continue;
        }

        n = strcspn(text, " \n");

        if (column > 0 && column + 1 + n > CLI_HELP_COLUMNS) {
            cli_buf_str(out, "\n");
            column = 0;
        }

        if (column == 0) {
            cli_buf_fill(out, ' ', indent);
            column = indent;

        } else {
            cli_buf_str(out, " ");
            column++;
        }

        cli_buf_add(out, text, n);
        column += n;
        text += n;
        text += *text == ' ';
    }

    cli_buf_str(out, "\n");
}
