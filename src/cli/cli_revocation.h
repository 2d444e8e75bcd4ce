
/*
 * auth-gateway revoke, and revocation: each function is a command, and returns
 * its exit code.
 */


#ifndef CLI_REVOCATION_H_INCLUDED_
#define CLI_REVOCATION_H_INCLUDED_


#include "cli_options.h"
#include "cli_table.h"


extern const cli_column_t  cli_revocation_columns[];


int cli_revoke_token(const cli_call_t *call);
int cli_revoke_business(const cli_call_t *call);
int cli_revoke_owner(const cli_call_t *call);
int cli_revoke_partner(const cli_call_t *call);
int cli_revocation_list(const cli_call_t *call);


#endif /* CLI_REVOCATION_H_INCLUDED_ */
