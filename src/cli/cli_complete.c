
/*
 * A function for bash, with the words of the tables in it.  It finds the
 * command by skipping options and their values, as the parser does, and offers
 * the next word of a command, its options, or files where one is wanted.
 */


#include <string.h>
#include <unistd.h>

#include "cli_commands.h"
#include "cli_complete.h"
#include "cli_memory.h"
#include "cli_text.h"


static void cli_complete_values(cli_buf_t *out, int files);
static void cli_complete_words(cli_buf_t *out);
static void cli_complete_group(cli_buf_t *out, const char *group);
static void cli_complete_options(cli_buf_t *out);
static void cli_complete_set(cli_buf_t *out, uint64_t set);
static int cli_complete_is_file(int option);


static const char  cli_complete_begin[] =
    "# bash completion for auth-gateway, written by \"auth-gateway help"
    " --bash\"\n"
    "\n"
    "_auth_gateway()\n"
    "{\n"
    "    local i command='' help='' words='' files=''\n"
    "    local current=${COMP_WORDS[COMP_CWORD]}\n"
    "\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        case ${COMP_WORDS[i]} in\n";

static const char  cli_complete_command[] =
    "            -*) ;;\n"
    "            help) [[ $command ]] && command+=' help' || help=yes ;;\n"
    "            *) command+=${command:+ }${COMP_WORDS[i]} ;;\n"
    "        esac\n"
    "    done\n"
    "\n"
    "    case $command in\n";

static const char  cli_complete_end[] =
    "    esac\n"
    "\n"
    "    [[ $help ]] && files=''\n"
    "    [[ $current != -* ]] || files=''\n"
    "\n"
    "    if [[ $files ]]; then\n"
    "        compopt -o filenames\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
    "    else\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
    "    fi\n"
    "}\n"
    "\n"
    "complete -F _auth_gateway auth-gateway\n";


int
cli_complete_bash(void)
{
    int        rc;
    cli_buf_t  out;

    memset(&out, 0, sizeof(cli_buf_t));

    cli_buf_str(&out, cli_complete_begin);
    cli_complete_values(&out, 1);
    cli_complete_values(&out, 0);
    cli_buf_str(&out, cli_complete_command);
    cli_complete_words(&out);
    cli_complete_options(&out);
    cli_buf_str(&out, cli_complete_end);

    rc = cli_write(STDOUT_FILENO, out.data, out.len);
    cli_buf_free(&out);

    return rc == 0 ? CLI_EXIT_OK : CLI_EXIT_REFUSED;
}


/*
 * The options with a value, which is the word behind them: a file, or one that
 * nobody can guess.
 */

static void
cli_complete_values(cli_buf_t *out, int files)
{
    int          i;
    const char  *before;

    before = "            ";

    for (i = 0; i < CLI_OPTIONS; i++) {

        if (cli_options[i].value != NULL && cli_complete_is_file(i) == files) {
            cli_buf_str(out, before);
            cli_buf_str(out, cli_options[i].name);
            before = "|";
        }
    }

    cli_buf_str(out, ")\n                ((++i == COMP_CWORD)) || continue\n");
    cli_buf_str(out, files
                ? "                compopt -o filenames\n"
                  "                mapfile -t COMPREPLY"
                  " < <(compgen -f -- \"$current\")\n"
                : "                COMPREPLY=()\n");
    cli_buf_str(out, "                return ;;\n");
}


/* the first words, and the second ones of a group */

static void
cli_complete_words(cli_buf_t *out)
{
    size_t  i;

    cli_buf_str(out, "        '')\n            words='help");

    for (i = 0; cli_groups[i].name != NULL; i++) {
        cli_buf_str(out, " ");
        cli_buf_str(out, cli_groups[i].name);
    }

    for (i = 0; cli_commands[i].name != NULL; i++) {

        if (strchr(cli_commands[i].name, ' ') == NULL) {
            cli_buf_str(out, " ");
            cli_buf_str(out, cli_commands[i].name);
        }
    }

    cli_complete_set(out, CLI_ALWAYS);
    cli_buf_str(out, "'\n            [[ ! $help ]] || words+='");

    for (i = 0; cli_topics[i].name != NULL; i++) {
        cli_buf_str(out, " ");
        cli_buf_str(out, cli_topics[i].name);
    }

    cli_buf_str(out, "' ;;\n");

    for (i = 0; cli_groups[i].name != NULL; i++) {
        cli_complete_group(out, cli_groups[i].name);
    }
}


static void
cli_complete_group(cli_buf_t *out, const char *group)
{
    size_t  i, n;

    n = strlen(group);

    cli_buf_str(out, "        ");
    cli_buf_str(out, group);
    cli_buf_str(out, ")\n            words='");

    for (i = 0; cli_commands[i].name != NULL; i++) {

        if (strncmp(cli_commands[i].name, group, n) == 0
            && cli_commands[i].name[n] == ' ')
        {
            cli_buf_str(out, cli_commands[i].name + n + 1);
            cli_buf_str(out, " ");
        }
    }

    out->len--;
    cli_buf_str(out, "' ;;\n");
}


/* behind a whole command: its options, and the file that is its operand */

static void
cli_complete_options(cli_buf_t *out)
{
    size_t                i;
    const cli_command_t  *c;

    for (i = 0; cli_commands[i].name != NULL; i++) {
        c = &cli_commands[i];

        cli_buf_str(out, "        '");
        cli_buf_str(out, c->name);
        cli_buf_str(out, "'|'");
        cli_buf_str(out, c->name);
        cli_buf_str(out, " '*)\n            words='");
        cli_complete_set(out, c->options|CLI_ALWAYS);
        cli_buf_str(out, "'");
        cli_buf_str(out, strcmp(c->operands, "<file>") == 0 ? " files=yes"
                                                            : "");
        cli_buf_str(out, " ;;\n");
    }
}


static void
cli_complete_set(cli_buf_t *out, uint64_t set)
{
    int  i;

    for (i = 0; i < CLI_OPTIONS; i++) {

        if (set & cli_bit(i)) {
            cli_buf_str(out, " ");
            cli_buf_str(out, cli_options[i].name);
        }
    }
}


static int
cli_complete_is_file(int option)
{
    return option == CLI_SOCKET
           || (cli_options[option].value != NULL
               && strcmp(cli_options[option].value, "<file>") == 0);
}
