
/*
 * Options may stand anywhere; "--" ends them.  One thumbprint in 64 begins with
 * a dash, and is no option all the same.  What is not accepted is answered with
 * what is.
 */


#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agw_certificate.h"
#include "cli_args.h"
#include "cli_memory.h"
#include "cli_text.h"


typedef struct {
    int           argc;
    char        **argv;
    int           next;              /* index in argv */
    int           ended;             /* by "--" */
    cli_call_t   *call;
    uint64_t      given;             /* options, by cli_bit() */
} cli_args_t;


static int cli_args_is_option(const char *arg);
static int cli_args_option(cli_args_t *args, char *arg);
static int cli_args_flag(char *arg);
static int cli_args_find(const char *name, size_t len);
static int cli_args_set(cli_args_t *args, int option, const char *value);
static int cli_args_name(cli_args_t *args, const cli_command_t **command);
static int cli_args_unknown(const char *word, const cli_topic_t *group);
static int cli_args_options(const cli_args_t *args,
    const cli_command_t *command);
static int cli_args_operands(cli_args_t *args, const cli_command_t *command);
static void cli_args_environment(cli_args_t *args);
static void cli_args_help(const char *name);


int
cli_args_read(int argc, char **argv, cli_call_t *call,
    const cli_command_t **command)
{
    char        *arg;
    cli_args_t   args;

    memset(&args, 0, sizeof(cli_args_t));
    memset(call, 0, sizeof(cli_call_t));

    args.argc = argc;
    args.argv = argv;
    args.call = call;

    call->now = (int64_t) time(NULL);
    *command = NULL;

    for (args.next = 1; args.next < argc; args.next++) {
        arg = argv[args.next];

        if (!args.ended && strcmp(arg, "--") == 0) {
            args.ended = 1;
            continue;
        }

        if (!args.ended && cli_args_is_option(arg)) {
            if (cli_args_option(&args, arg) != 0) {
                return CLI_EXIT_USAGE;
            }

            continue;
        }

        if (call->word_count == CLI_WORDS_MAX) {
            cli_error("there are too many arguments");
            return CLI_EXIT_USAGE;
        }

        call->words[call->word_count++] = arg;
    }

    cli_args_environment(&args);

    if (call->values[CLI_HELP] != NULL || call->values[CLI_VERSION] != NULL
        || call->word_count == 0 || strcmp(call->words[0], "help") == 0)
    {
        return CLI_EXIT_OK;
    }

    if (cli_args_name(&args, command) != 0
        || cli_args_options(&args, *command) != 0
        || cli_args_operands(&args, *command) != 0)
    {
        return CLI_EXIT_USAGE;
    }

    call->command = (*command)->name;

    return CLI_EXIT_OK;
}


void
cli_args_free(cli_call_t *call)
{
    cli_free((void *) call->scopes);
}


const cli_command_t *
cli_args_command(const char *name)
{
    size_t  i;

    for (i = 0; cli_commands[i].name != NULL; i++) {
        if (strcmp(cli_commands[i].name, name) == 0) {
            return &cli_commands[i];
        }
    }

    return NULL;
}


const cli_topic_t *
cli_args_group(const char *word)
{
    size_t  i;

    for (i = 0; cli_groups[i].name != NULL; i++) {
        if (strcmp(cli_groups[i].name, word) == 0) {
            return &cli_groups[i];
        }
    }

    return NULL;
}


static int
cli_args_is_option(const char *arg)
{
    agw_str_t  text;

    text.data = (const unsigned char *) arg;
    text.len = strlen(arg);

    return arg[0] == '-' && text.len > 1 && !agw_is_thumbprint(text);
}


/* --name value, --name=value, or a flag */

static int
cli_args_option(cli_args_t *args, char *arg)
{
    int      option;
    size_t   len;
    char    *value;

    option = cli_args_flag(arg);

    if (option != -1) {
        return cli_args_set(args, option, "");
    }

    len = strcspn(arg, "=");
    option = cli_args_find(arg, len);

    if (option == -1) {
        cli_error("there is no option \"%.*s\"", (int) len, arg);
        cli_note("Each command has its own: see \"auth-gateway help\". An"
                 " argument that begins with \"-\" is put after \"--\".");
        return -1;
    }

    if (cli_options[option].value == NULL) {
        if (arg[len] == '=') {
            cli_error("%s takes no value", cli_options[option].name);
            return -1;
        }

        return cli_args_set(args, option, "");
    }

    if (arg[len] == '=') {
        return cli_args_set(args, option, arg + len + 1);
    }

    if (args->next + 1 == args->argc) {
        cli_error("%s needs a value: %s", cli_options[option].name,
                  cli_options[option].value);
        return -1;
    }

    value = args->argv[++args->next];

    return cli_args_set(args, option, value);
}


static int
cli_args_flag(char *arg)
{
    return strcmp(arg, "-h") == 0 || strcmp(arg, "-?") == 0 ? CLI_HELP
           : strcmp(arg, "-V") == 0 ? CLI_VERSION : -1;
}


static int
cli_args_find(const char *name, size_t len)
{
    int  i;

    for (i = 0; i < CLI_OPTIONS; i++) {
        if (strlen(cli_options[i].name) == len
            && strncmp(cli_options[i].name, name, len) == 0)
        {
            return i;
        }
    }

    return -1;
}


static int
cli_args_set(cli_args_t *args, int option, const char *value)
{
    cli_call_t  *call;

    call = args->call;

    if (option == CLI_SCOPE) {
        call->scopes = cli_realloc((void *) call->scopes,
                                   (call->scope_count + 1) * sizeof(char *));
        call->scopes[call->scope_count++] = value;

    } else if (call->values[option] != NULL && cli_options[option].value) {
        cli_error("%s is given twice", cli_options[option].name);
        return -1;
    }

    call->values[option] = value;
    args->given |= cli_bit(option);

    return 0;
}


/* a command of two words, or of one */

static int
cli_args_name(cli_args_t *args, const cli_command_t **command)
{
    char               *name;
    const cli_topic_t  *group;

    group = cli_args_group(args->call->words[0]);

    if (group == NULL) {
        *command = cli_args_command(args->call->words[0]);

        return *command ? 0 : cli_args_unknown(args->call->words[0], NULL);
    }

    if (args->call->word_count == 1) {
        cli_error("%s: a command is missing", group->name);
        return cli_args_unknown(NULL, group);
    }

    name = cli_printf("%s %s", args->call->words[0], args->call->words[1]);
    *command = cli_args_command(name);
    cli_free(name);

    return *command ? 0 : cli_args_unknown(args->call->words[1], group);
}


/* the commands that there are */

static int
cli_args_unknown(const char *word, const cli_topic_t *group)
{
    size_t      i, n;
    cli_buf_t   list;

    memset(&list, 0, sizeof(cli_buf_t));

    if (word != NULL) {
        cli_error("%s%sthere is no command \"%s\"", group ? group->name : "",
                  group ? ": " : "", word);
    }

    n = group ? strlen(group->name) : 0;

    for (i = 0; group == NULL && cli_groups[i].name != NULL; i++) {
        cli_buf_str(&list, " ");
        cli_buf_str(&list, cli_groups[i].name);
    }

    for (i = 0; cli_commands[i].name != NULL; i++) {

        if (group ? strncmp(cli_commands[i].name, group->name, n) == 0
                    && cli_commands[i].name[n] == ' '
                  : strchr(cli_commands[i].name, ' ') == NULL)
        {
            cli_buf_str(&list, " ");
            cli_buf_str(&list, cli_commands[i].name + (n ? n + 1 : 0));
        }
    }

    cli_note("There are:%s", list.data);
    cli_args_help(group ? group->name : NULL);
    cli_buf_free(&list);

    return -1;
}


/* only those that the command takes, and all that it needs */

static int
cli_args_options(const cli_args_t *args, const cli_command_t *command)
{
    int         i;
    cli_buf_t   list;

    for (i = 0; i < CLI_OPTIONS; i++) {

        if ((command->required & ~args->given) & cli_bit(i)) {
            cli_error("%s: %s %s is missing", command->name,
                      cli_options[i].name, cli_options[i].value);
            cli_args_help(command->name);
            return -1;
        }

        if (!(args->given & ~(command->options|CLI_ALWAYS) & cli_bit(i))) {
            continue;
        }

        cli_error("%s: %s is not an option of this command", command->name,
                  cli_options[i].name);

        memset(&list, 0, sizeof(cli_buf_t));

        for (i = 0; i < CLI_OPTIONS; i++) {
            if (command->options & cli_bit(i)) {
                cli_buf_str(&list, " ");
                cli_buf_str(&list, cli_options[i].name);
            }
        }

        cli_note("Its own options:%s", list.data ? list.data : " none");
        cli_args_help(command->name);
        cli_buf_free(&list);

        return -1;
    }

    return 0;
}


/* as many as there are names of them */

static int
cli_args_operands(cli_args_t *args, const cli_command_t *command)
{
    size_t       i, len, used;
    const char  *p;

    p = command->operands;
    used = strchr(command->name, ' ') ? 2 : 1;

    for (i = 0; *p != '\0'; i++) {
        len = strcspn(p, " ");

        if (used + i == args->call->word_count) {
            cli_error("%s: %.*s is missing", command->name, (int) len, p);
            cli_args_help(command->name);
            return -1;
        }

        if (args->call->words[used + i][0] == '\0') {
            cli_error("%s: %.*s is empty", command->name, (int) len, p);
            return -1;
        }

        args->call->operands[i] = args->call->words[used + i];
        p += len + (p[len] == ' ');
    }

    if (used + i < args->call->word_count) {
        cli_error("%s: \"%s\" is one argument too many%s", command->name,
                  args->call->words[used + i], i ? "" : ": it takes none");
        cli_args_help(command->name);
        return -1;
    }

    return 0;
}


/* an option wins; what is empty is not there */

static void
cli_args_environment(cli_args_t *args)
{
    int          i;
    uint64_t     place;
    const char  *value;

    place = args->given & (cli_bit(CLI_SOCKET)|cli_bit(CLI_URL));

    for (i = 0; i < CLI_OPTIONS; i++) {

        if (cli_options[i].env == NULL || args->call->values[i] != NULL
            || (place != 0 && (i == CLI_SOCKET || i == CLI_URL)))
        {
            continue;
        }

        value = getenv(cli_options[i].env);

        if (value != NULL && value[0] != '\0') {
            args->call->values[i] = value;
        }
    }
}


static void
cli_args_help(const char *name)
{
    cli_note("See \"auth-gateway help%s%s\".", name ? " " : "",
             name ? name : "");
}
