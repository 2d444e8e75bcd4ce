
/*
 * A list of the administration, page after page.
 */


#ifndef CLI_LIST_H_INCLUDED_
#define CLI_LIST_H_INCLUDED_


#include "cli_api.h"
#include "cli_table.h"


/*
 * Prints all of it: a table, or with --json one object as the API's, with all
 * pages in its array.  path has its filters; --after and --limit are added
 * here if paged is 1, else there is one page.  Returns an exit code.
 */

int cli_list(cli_api_t *api, const char *path, const char *member, int paged,
    const cli_column_t *columns);


/* adds "after" and "limit" of a page */

#define CLI_LIST_PAGE      1000
#define CLI_LIST_PAGE_STR  "1000"


/* --limit; returns -1 after a message if it is no number; 0 is no limit */

int cli_list_limit(const cli_call_t *call, size_t *limit);


#endif /* CLI_LIST_H_INCLUDED_ */
