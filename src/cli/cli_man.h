
/*
 * The manual page, in mdoc(7).
 */


#ifndef CLI_MAN_H_INCLUDED_
#define CLI_MAN_H_INCLUDED_


/* prints it; returns an exit code */

int cli_man(void);


#endif /* CLI_MAN_H_INCLUDED_ */
