
/*
 * auth-gateway partner: each function is a command, and returns its exit code.
 */


#ifndef CLI_PARTNER_H_INCLUDED_
#define CLI_PARTNER_H_INCLUDED_


#include "cli_options.h"


int cli_partner_list(const cli_call_t *call);
int cli_partner_show(const cli_call_t *call);
int cli_partner_create(const cli_call_t *call);
int cli_partner_update(const cli_call_t *call);
int cli_partner_disable(const cli_call_t *call);
int cli_partner_enable(const cli_call_t *call);


#endif /* CLI_PARTNER_H_INCLUDED_ */
