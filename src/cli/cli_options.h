
/*
 * The options of all commands, and a command line that was read.
 */


#ifndef CLI_OPTIONS_H_INCLUDED_
#define CLI_OPTIONS_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/* exit codes */

#define CLI_EXIT_OK           0
#define CLI_EXIT_REFUSED      1
#define CLI_EXIT_USAGE        2
#define CLI_EXIT_UNREACHABLE  3


typedef enum {
    CLI_SOCKET = 0,
    CLI_URL,
    CLI_CERT,
    CLI_KEY,
    CLI_CACERT,
    CLI_PREFIX,
    CLI_TIMEOUT,
    CLI_JSON,
    CLI_HELP,
    CLI_VERSION,
    CLI_ID,
    CLI_REPLACE,
    CLI_NAME,
    CLI_NO_NAME,
    CLI_SCOPE,
    CLI_ALL_SCOPES,
    CLI_NO_SCOPES,
    CLI_STATUS,
    CLI_NOT_BEFORE,
    CLI_EXPIRES,
    CLI_GRACE,
    CLI_KEY_FILE,
    CLI_IF_MATCH,
    CLI_PARTNER,
    CLI_KIND,
    CLI_AFTER,
    CLI_LIMIT,
    CLI_DRY_RUN,
    CLI_FROM,
    CLI_TOKEN_FILE,
    CLI_SERVER,
    CLI_HTTPS,
    CLI_DESTINATION,
    CLI_THUMBPRINT,
    CLI_STATUS_PATH,
    CLI_OPTIONS
} cli_option_e;


/* a set of them: those that every command has, and those of one */

#define cli_bit(option)   (UINT64_C(1) << (option))

#define CLI_ALWAYS        (cli_bit(CLI_ID) - 1)


typedef struct {
    const char  *name;               /* "--name" */
    const char  *value;              /* "<text>", or NULL for a flag */
    const char  *env;                /* a variable of the environment */
    const char  *text;
} cli_option_t;

extern const cli_option_t  cli_options[CLI_OPTIONS];


#define CLI_OPERANDS_MAX  2
#define CLI_WORDS_MAX     16

typedef struct {
    char        *words[CLI_WORDS_MAX];    /* all that are no options */
    size_t       word_count;
    const char  *operands[CLI_OPERANDS_MAX];
    const char  *values[CLI_OPTIONS];     /* "" for a flag, NULL if absent */
    const char **scopes;                  /* each value of --scope */
    size_t       scope_count;
    int64_t      now;                     /* Unix seconds, at the start */
    const char  *command;                 /* "key roll", for messages */
} cli_call_t;


#endif /* CLI_OPTIONS_H_INCLUDED_ */
