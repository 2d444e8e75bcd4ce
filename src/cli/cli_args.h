
/*
 * The arguments, read by the tables.
 */


#ifndef CLI_ARGS_H_INCLUDED_
#define CLI_ARGS_H_INCLUDED_


#include "cli_commands.h"


/*
 * Reads a command line.  Returns CLI_EXIT_OK, with *command NULL if there is
 * none; or CLI_EXIT_USAGE after a message.  The options of the connection that
 * are not given are those of the environment.
 */

int cli_args_read(int argc, char **argv, cli_call_t *call,
    const cli_command_t **command);

void cli_args_free(cli_call_t *call);


/* the command of that name, or NULL; the group of it, or NULL */

const cli_command_t *cli_args_command(const char *name);
const cli_topic_t *cli_args_group(const char *word);


#endif /* CLI_ARGS_H_INCLUDED_ */
