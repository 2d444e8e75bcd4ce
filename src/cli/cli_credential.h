
/*
 * auth-gateway jwk, auth-gateway certificate: each function is a command, and
 * returns its exit code.
 */


#ifndef CLI_CREDENTIAL_H_INCLUDED_
#define CLI_CREDENTIAL_H_INCLUDED_


#include "cli_options.h"


int cli_jwk_list(const cli_call_t *call);
int cli_jwk_add(const cli_call_t *call);
int cli_jwk_delete(const cli_call_t *call);

int cli_certificate_list(const cli_call_t *call);
int cli_certificate_add(const cli_call_t *call);
int cli_certificate_delete(const cli_call_t *call);


#endif /* CLI_CREDENTIAL_H_INCLUDED_ */
