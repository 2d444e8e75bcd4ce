
/*
 * auth-gateway explain, and status: each is a command, and returns its exit
 * code.
 */


#ifndef CLI_EXPLAIN_H_INCLUDED_
#define CLI_EXPLAIN_H_INCLUDED_


#include "cli_options.h"


int cli_explain(const cli_call_t *call);
int cli_status(const cli_call_t *call);


#endif /* CLI_EXPLAIN_H_INCLUDED_ */
