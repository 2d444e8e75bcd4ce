
/*
 * The completion of a command line in bash.
 */


#ifndef CLI_COMPLETE_H_INCLUDED_
#define CLI_COMPLETE_H_INCLUDED_


/* prints it, a script for bash; returns an exit code */

int cli_complete_bash(void);


#endif /* CLI_COMPLETE_H_INCLUDED_ */
