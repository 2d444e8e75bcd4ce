
/*
 * Help for a person, and the manual page, out of the same tables.
 */


#ifndef CLI_HELP_H_INCLUDED_
#define CLI_HELP_H_INCLUDED_


#include <stddef.h>


/*
 * Prints the help of what the words name: nothing, a group, a command or a
 * topic.  Returns an exit code.
 */

int cli_help(char *const *words, size_t count);


#endif /* CLI_HELP_H_INCLUDED_ */
