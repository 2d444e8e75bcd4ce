
/*
 * Secrets: where they may come from, and where they may not go.
 */


#ifndef CLI_SECRET_H_INCLUDED_
#define CLI_SECRET_H_INCLUDED_


#include "cli_memory.h"


/*
 * No core dump, no other process of this user that reads our memory, and no
 * file in place of a standard stream.
 */

void cli_secret_harden(void);


/*
 * Looks for a token or an API key among the arguments, within one too.  What
 * it finds it wipes, says so on standard error, and returns -1; else 0.
 */

int cli_secret_check_args(int argc, char **argv);


/*
 * A token, from a file or, if that is NULL, from standard input: a terminal is
 * asked without an echo.  "Bearer " before it, and white space around it, are
 * dropped.  Returns an exit code; the caller frees the buffer.
 */

int cli_secret_read_token(cli_buf_t *token, const char *file);


/*
 * A file for an API key, before there is one: it is created here, so that no
 * key is made that has no place.  Returns it, or -1 after a message.
 */

int cli_secret_key_file(const char *file);

/* writes the key and closes it; returns 0, or -1 after a message */

int cli_secret_key_write(int fd, const char *file, const char *key);

/* there was no key: the file goes */

void cli_secret_key_drop(int fd, const char *file);


#endif /* CLI_SECRET_H_INCLUDED_ */
