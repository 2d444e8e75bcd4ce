
/*
 * Dates by the proleptic Gregorian calendar, without a time zone of the
 * machine's.
 */


#include <stdio.h>
#include <string.h>

#include "cli_time.h"


/*
 * A number below that, in 2001, is taken for a duration that lacks its unit.
 * The other is the last second of the year 9999, behind which RFC 3339 ends.
 */

#define CLI_TIME_LEAST  INT64_C(1000000000)
#define CLI_TIME_MOST   INT64_C(253402300799)


static int cli_time_number(const char **p, size_t digits, int *number);
static int cli_time_zone(const char **p, int64_t *offset);
static int64_t cli_time_days(int year, int month, int day);
static int cli_time_date(const char *text, int64_t *time);
static int cli_time_of_day(const char *p, int64_t *seconds);
static int cli_time_integer(const char *text, int64_t *number);


int
cli_time_parse(const char *text, int64_t now, int64_t *time)
{
    int64_t  n;

    if (strcmp(text, "now") == 0) {
        *time = now;
        return 0;
    }

    if (cli_time_integer(text, &n) == 0) {
        *time = n;
        return n < CLI_TIME_LEAST ? -1 : 0;
    }

    if (cli_duration_parse(text, &n) == 0) {
        *time = now + n;
        return *time > CLI_TIME_MOST ? -1 : 0;
    }

    return cli_time_date(text, time);
}


int
cli_duration_parse(const char *text, int64_t *seconds)
{
    size_t       len;
    int64_t      n, unit;
    const char  *p;

    if (cli_time_integer(text, seconds) == 0) {
        return 0;
    }

    *seconds = 0;

    for (p = text; *p != '\0'; p++) {
        len = strspn(p, "0123456789");

        if (len == 0 || len > 10) {
            return -1;
        }

        for (n = 0; len > 0; len--) {
            n = n * 10 + (*p++ - '0');
        }

        unit = *p == 'w' ? 604800 : *p == 'd' ? 86400 : *p == 'h' ? 3600
               : *p == 'm' ? 60 : *p == 's' ? 1 : 0;

        if (unit == 0) {
            return -1;
        }

        *seconds += n * unit;

        if (*seconds > CLI_TIME_MOST) {
            return -1;
        }
    }

    return text[0] == '\0' ? -1 : 0;
}


void
cli_time_format(int64_t time, char buf[CLI_TIME_SIZE])
{
    int      month, year;
    int64_t  day, seconds;

    if (time < 0 || time > CLI_TIME_MOST) {
        snprintf(buf, CLI_TIME_SIZE, "%lld", (long long) time);
        return;
    }

    day = time / 86400;
    seconds = time % 86400;

    for (year = 1970 + (int) (day / 366);
         day >= cli_time_days(year + 1, 1, 1);
         year++)
    {
        /* void */
    }

    for (month = 1;
         month < 12 && day >= cli_time_days(year, month + 1, 1);
         month++)
    {
        /* void */
    }

    snprintf(buf, CLI_TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month,
             (int) (day - cli_time_days(year, month, 1)) + 1,
             (int) (seconds / 3600), (int) (seconds / 60 % 60),
             (int) (seconds % 60));
}


/* full-date, or full-date "T" full-time */

static int
cli_time_date(const char *text, int64_t *time)
{
    int          year, month, day;
    int64_t      days, seconds;
    const char  *p;

    p = text;

    if (cli_time_number(&p, 4, &year) || *p++ != '-'
        || cli_time_number(&p, 2, &month) || *p++ != '-'
        || cli_time_number(&p, 2, &day)
        || year < 1970 || month < 1 || month > 12 || day < 1)
    {
        return -1;
    }

    days = cli_time_days(year, month, day);

    if (days >= cli_time_days(year + (month == 12), month % 12 + 1, 1)) {
        return -1;
    }

    seconds = 0;

    if (*p != '\0' && cli_time_of_day(p, &seconds) != 0) {
        return -1;
    }

    *time = days * 86400 + seconds;

    return *time < 0 || *time > CLI_TIME_MOST ? -1 : 0;
}


/* "T" full-time; a leap second is the next second */

static int
cli_time_of_day(const char *p, int64_t *seconds)
{
    int      hour, minute, second;
    int64_t  offset;

    if (*p != 'T' && *p != 't' && *p != ' ') {
        return -1;
    }

    p++;

    if (cli_time_number(&p, 2, &hour) || *p++ != ':'
        || cli_time_number(&p, 2, &minute) || *p++ != ':'
        || cli_time_number(&p, 2, &second)
        || hour > 23 || minute > 59 || second > 60)
    {
        return -1;
    }

    if (*p == '.') {
        p++;

        if (strspn(p, "0123456789") == 0) {
            return -1;
        }

        p += strspn(p, "0123456789");
    }

    if (cli_time_zone(&p, &offset) != 0 || *p != '\0') {
        return -1;
    }

    *seconds = hour * 3600 + minute * 60 + second - offset;

    return 0;
}


static int
cli_time_zone(const char **p, int64_t *offset)
{
    int  hour, minute, sign;

    *offset = 0;

    if (**p == 'Z' || **p == 'z') {
        (*p)++;
        return 0;
    }

    if (**p != '+' && **p != '-') {
        return -1;
    }

    sign = *(*p)++ == '+' ? 1 : -1;

    if (cli_time_number(p, 2, &hour) || *(*p)++ != ':'
        || cli_time_number(p, 2, &minute) || hour > 23 || minute > 59)
    {
        return -1;
    }

    *offset = sign * (hour * 3600 + minute * 60);

    return 0;
}


static int
cli_time_number(const char **p, size_t digits, int *number)
{
    *number = 0;

    for (/* void */; digits > 0; digits--, (*p)++) {
        if (**p < '0' || **p > '9') {
            return -1;
        }

        *number = *number * 10 + (**p - '0');
    }

    return 0;
}


/* from 1970-01-01 on */

static int64_t
cli_time_days(int year, int month, int day)
{
    int64_t  y;

    static const int  before[] = {
        0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334
    };

    y = year - 1;
    y = y * 365 + y / 4 - y / 100 + y / 400 - 719162;

    if (month > 2
        && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0))
    {
        y++;
    }

    return y + before[month - 1] + day - 1;
}


static int
cli_time_integer(const char *text, int64_t *number)
{
    size_t       len;
    const char  *p;

    len = strlen(text);

    if (len == 0 || len > 12 || strspn(text, "0123456789") != len) {
        return -1;
    }

    *number = 0;

    for (p = text; *p != '\0'; p++) {
        *number = *number * 10 + (*p - '0');
    }

    return *number > CLI_TIME_MOST ? -1 : 0;
}


void
cli_duration_format(double seconds, char buf[CLI_TIME_SIZE])
{
    size_t     i;
    long long  whole, ms;

    static const struct {
        char       name;
        long long  seconds;
        long long  part;
        char       part_name;
    }  units[] = {
        { 'd', 86400, 3600, 'h' },
        { 'h', 3600, 60, 'm' },
        { 'm', 60, 1, 's' }
    };

    if (!(seconds >= 0 && seconds < (double) CLI_TIME_MOST)) {
        snprintf(buf, CLI_TIME_SIZE, "%g s", seconds);
        return;
    }

    ms = (long long) (seconds * 1000 + 0.5);
    whole = ms / 1000;

    if (whole == 0) {
        snprintf(buf, CLI_TIME_SIZE, "%lld ms", ms);
        return;
    }

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {

        if (whole >= units[i].seconds) {
            snprintf(buf, CLI_TIME_SIZE, "%lld%c%lld%c",
                     whole / units[i].seconds, units[i].name,
                     whole % units[i].seconds / units[i].part,
                     units[i].part_name);
            return;
        }
    }

    snprintf(buf, CLI_TIME_SIZE, "%lld.%lld s", whole, ms % 1000 / 100);
}
