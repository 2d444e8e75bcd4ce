
/*
 * auth-gateway: the command line of an auth gateway.
 */


#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "agw.h"

#include "cli_args.h"
#include "cli_complete.h"
#include "cli_help.h"
#include "cli_man.h"
#include "cli_memory.h"
#include "cli_secret.h"
#include "cli_text.h"


static int cli_main_help(const cli_call_t *call);


int
main(int argc, char **argv)
{
    int                   rc;
    cli_call_t            call;
    const cli_command_t  *command;

    cli_secret_harden();

    if (cli_memory_init() != 0) {
        fputs("auth-gateway: OpenSSL or libcurl cannot be initialised\n",
              stderr);
        return CLI_EXIT_REFUSED;
    }

    cli_text_init();
    (void) signal(SIGPIPE, SIG_IGN);

    if (cli_secret_check_args(argc, argv) != 0) {
        return CLI_EXIT_USAGE;
    }

    if (argc == 3 && strcmp(argv[1], "help") == 0) {

        if (strcmp(argv[2], "--mdoc") == 0) {
            return cli_man();
        }

        if (strcmp(argv[2], "--bash") == 0) {
            return cli_complete_bash();
        }
    }

    rc = cli_args_read(argc, argv, &call, &command);

    if (rc == CLI_EXIT_OK && call.values[CLI_VERSION] != NULL) {
        cli_print("auth-gateway " AGW_VERSION);

    } else if (rc == CLI_EXIT_OK && command == NULL) {
        rc = cli_main_help(&call);

    } else if (rc == CLI_EXIT_OK) {
        rc = command->run(&call);
    }

    cli_args_free(&call);
    cli_memory_scrub();

    return rc == CLI_EXIT_OK && cli_text_failed() ? CLI_EXIT_REFUSED : rc;
}


/* "help ...", "... --help", and nothing at all, which is a fault */

static int
cli_main_help(const cli_call_t *call)
{
    int  rc, said;

    said = call->word_count > 0 && strcmp(call->words[0], "help") == 0;

    rc = cli_help(call->words + said, call->word_count - (size_t) said);

    return said || call->values[CLI_HELP] != NULL ? rc : CLI_EXIT_USAGE;
}
