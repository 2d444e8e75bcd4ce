
/*
 * Times and durations as people write them, and as they read them.
 */


#ifndef CLI_TIME_H_INCLUDED_
#define CLI_TIME_H_INCLUDED_


#include <stdint.h>


/* what both accept, for messages */

#define CLI_TIME_FORMS                                                        \
    "a time as 2027-01-31T12:00:00Z, a date as 2027-01-31 (its first second," \
    " in UTC), Unix seconds, \"now\", or a duration from now as 90d or 12h"

#define CLI_DURATION_FORMS                                                    \
    "a duration as 24h, 90d, 1h30m (w, d, h, m, s), or a number of seconds"


/*
 * A time in Unix seconds: RFC 3339, section 5.6, with a fraction that is
 * dropped; a date; an integer; "now"; or a duration, which is added to now.
 * Returns 0 and sets *time, or -1.
 */

int cli_time_parse(const char *text, int64_t now, int64_t *time);


/* a duration in seconds; returns 0 and sets *seconds, or -1 */

int cli_duration_parse(const char *text, int64_t *seconds);


/* "2027-01-31T12:00:00Z" */

#define CLI_TIME_SIZE  64

void cli_time_format(int64_t time, char buf[CLI_TIME_SIZE]);


/* "11 ms", "2.5 s", "1h30m": rounded to what is of interest */

void cli_duration_format(double seconds, char buf[CLI_TIME_SIZE]);


#endif /* CLI_TIME_H_INCLUDED_ */
