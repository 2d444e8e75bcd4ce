
/*
 * A list of the administration, page after page.
 */


#ifndef CLI_LIST_H_INCLUDED_
#define CLI_LIST_H_INCLUDED_


#include "cli_api.h"
#include "cli_table.h"


/* rows of a page, the most that the API gives */

#define CLI_LIST_PAGE  "1000"


/*
 * Connects, and prints all of a list: a table, or with --json one object as
 * the API's, with all pages in its array.  path has the filters, and is freed
 * here; if it is NULL, nothing is done and the result is CLI_EXIT_USAGE.
 * --after and --limit are followed if paged is 1, else there is one page.
 * Returns an exit code.
 */

int cli_list(const cli_call_t *call, char *path, const char *member,
    int paged, const cli_column_t *columns);


#endif /* CLI_LIST_H_INCLUDED_ */
