
/*
 * auth-gateway export: it returns its exit code.
 */


#ifndef CLI_EXPORT_H_INCLUDED_
#define CLI_EXPORT_H_INCLUDED_


#include "cli_options.h"


int cli_export(const cli_call_t *call);


#endif /* CLI_EXPORT_H_INCLUDED_ */
