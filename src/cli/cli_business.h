
/*
 * auth-gateway business: each function is a command, and returns its exit
 * code.
 */


#ifndef CLI_BUSINESS_H_INCLUDED_
#define CLI_BUSINESS_H_INCLUDED_


#include "cli_options.h"


int cli_business_list(const cli_call_t *call);
int cli_business_show(const cli_call_t *call);
int cli_business_create(const cli_call_t *call);
int cli_business_archive(const cli_call_t *call);
int cli_business_restore(const cli_call_t *call);
int cli_business_move(const cli_call_t *call);


#endif /* CLI_BUSINESS_H_INCLUDED_ */
