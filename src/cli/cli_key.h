
/*
 * auth-gateway key: each function is a command, and returns its exit code.
 */


#ifndef CLI_KEY_H_INCLUDED_
#define CLI_KEY_H_INCLUDED_


#include "cli_options.h"


int cli_key_list(const cli_call_t *call);
int cli_key_show(const cli_call_t *call);
int cli_key_create(const cli_call_t *call);
int cli_key_update(const cli_call_t *call);
int cli_key_roll(const cli_call_t *call);
int cli_key_delete(const cli_call_t *call);
int cli_key_end(const cli_call_t *call);


#endif /* CLI_KEY_H_INCLUDED_ */
