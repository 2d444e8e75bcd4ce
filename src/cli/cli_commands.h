
/*
 * The commands: what is parsed, run, shown as help, and written as the manual
 * page.
 */


#ifndef CLI_COMMANDS_H_INCLUDED_
#define CLI_COMMANDS_H_INCLUDED_


#include "cli_options.h"


/* texts are paragraphs, with an empty line between */

typedef struct {
    const char  *name;               /* "key roll"; NULL ends the table */
    const char  *operands;           /* "<partner_id> <key_id>", or "" */
    uint64_t     options;            /* cli_bit() of each, save CLI_ALWAYS */
    uint64_t     required;           /* those without which it is refused */
    const char  *summary;            /* a sentence without its period */
    const char  *text;
    const char  *example;            /* lines */
    int        (*run)(const cli_call_t *call);
} cli_command_t;

extern const cli_command_t  cli_commands[];


/* the first words of commands of two words, and what else help is about */

typedef struct {
    const char  *name;               /* NULL ends the table */
    const char  *title;
    const char  *text;
} cli_topic_t;

extern const cli_topic_t  cli_groups[];
extern const cli_topic_t  cli_topics[];


#define CLI_SUMMARY  "administer an auth gateway"

#define CLI_INTRODUCTION                                                      \
    "auth-gateway reads and changes the partners, API keys, businesses and"   \
    " revocations of an auth gateway, through a location of nginx with"       \
    " auth_gateway_admin. It prints tables for people, and with --json the"   \
    " JSON of the gateway for programs."


#endif /* CLI_COMMANDS_H_INCLUDED_ */
