
/*
 * auth-gateway import: it returns its exit code.
 */


#ifndef CLI_IMPORT_H_INCLUDED_
#define CLI_IMPORT_H_INCLUDED_


#include "cli_options.h"


int cli_import(const cli_call_t *call);


#endif /* CLI_IMPORT_H_INCLUDED_ */
