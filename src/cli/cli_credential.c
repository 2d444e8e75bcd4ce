
/*
 * What a partner authenticates with instead of an API key: public keys, and
 * certificates, of which the gateway keeps the thumbprints.
 */


#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agw_certificate.h"
#include "agw_record.h"

#include "cli_api.h"
#include "cli_credential.h"
#include "cli_list.h"
#include "cli_text.h"


#define CLI_CREDENTIAL_TOKENS                                                 \
    " Tokens that were got with it live until they expire; \"auth-gateway"    \
    " revoke partner\" ends them."


static int cli_credential_read(const cli_call_t *call, cli_buf_t *buf,
    agw_str_t *text);


static const cli_column_t  cli_jwk_columns[] = {
    { "kid", "KID", CLI_TEXT, 0 },
    { "jwk", "JWK", CLI_TEXT, 1 },
    { NULL, NULL, CLI_TEXT, 0 }
};

static const cli_column_t  cli_certificate_columns[] = {
    { "x5t#S256", "X5T#S256", CLI_TEXT, 0 },
    { "not_after", "NOT AFTER", CLI_TIME, 0 },
    { NULL, NULL, CLI_TEXT, 0 }
};


int
cli_jwk_list(const cli_call_t *call)
{
    return cli_list(call, cli_api_path("partners/%/jwks", call->operands[0],
                                       NULL),
                    "jwks", 0, cli_jwk_columns);
}


/* what is wrong with the key the gateway says */

int
cli_jwk_add(const cli_call_t *call)
{
    int         rc;
    json_t     *jwk;
    agw_str_t   text;
    cli_buf_t   buf;

    rc = cli_credential_read(call, &buf, &text);

    if (rc != CLI_EXIT_OK) {
        return rc;
    }

    jwk = cli_json(text);
    cli_buf_free(&buf);

    if (jwk == NULL) {
        cli_error("%s: \"%s\" must be a JWK, a JSON object", call->command,
                  call->operands[1]);
        return CLI_EXIT_USAGE;
    }

    return cli_api_change(call, "POST",
                          cli_api_path("partners/%/jwks", call->operands[0],
                                       NULL),
                          json_pack("{s:o}", "jwk", jwk), cli_jwk_columns);
}


int
cli_jwk_delete(const cli_call_t *call)
{
    return cli_api_delete(call,
                          cli_api_path("partners/%/jwks/%", call->operands[0],
                                       call->operands[1]),
                          "The JWK is deleted." CLI_CREDENTIAL_TOKENS);
}


int
cli_certificate_list(const cli_call_t *call)
{
    return cli_list(call, cli_api_path("partners/%/certificates",
                                       call->operands[0], NULL),
                    "certificates", 0, cli_certificate_columns);
}


/* the gateway gets the thumbprint, and not the certificate */

int
cli_certificate_add(const cli_call_t *call)
{
    int                 rc;
    json_t             *body;
    agw_str_t           text;
    cli_buf_t           buf;
    agw_certificate_t   certificate;

    rc = cli_credential_read(call, &buf, &text);

    if (rc != CLI_EXIT_OK) {
        return rc;
    }

    rc = agw_certificate_read(&certificate, text);
    cli_buf_free(&buf);

    if (rc != 0) {
        cli_error("%s: \"%s\" must be a certificate in PEM", call->command,
                  call->operands[1]);
        return CLI_EXIT_USAGE;
    }

    body = json_pack("{s:s%}", "x5t#S256", certificate.thumbprint,
                     (size_t) AGW_THUMBPRINT_SIZE);

    /* RFC 5280, section 4.1.2.5: one of the year 9999 has no end */

    if (body != NULL && certificate.not_after <= AGW_RECORD_TIME_MAX
        && json_object_set_new(body, "not_after",
                               json_integer(certificate.not_after))
           != 0)
    {
        json_decref(body);
        body = NULL;
    }

    return cli_api_change(call, "POST",
                          cli_api_path("partners/%/certificates",
                                       call->operands[0], NULL),
                          body, cli_certificate_columns);
}


int
cli_certificate_delete(const cli_call_t *call)
{
    return cli_api_delete(call,
                          cli_api_path("partners/%/certificates/%",
                                       call->operands[0], call->operands[1]),
                          "The certificate is deleted."
                          CLI_CREDENTIAL_TOKENS);
}


/* text is in buf, which the caller frees; "-" is standard input */

static int
cli_credential_read(const cli_call_t *call, cli_buf_t *buf, agw_str_t *text)
{
    int          fd;
    char         part[4096];
    ssize_t      n;
    const char  *file;

    memset(buf, 0, sizeof(cli_buf_t));

    file = call->operands[1];
    fd = strcmp(file, "-") == 0 ? STDIN_FILENO
                                : open(file, O_RDONLY|O_CLOEXEC);
    n = fd == -1 ? -1 : 0;

    while (fd != -1 && buf->len <= AGW_CERTIFICATE_MAX) {
        n = read(fd, part, sizeof(part));

        if (n <= 0) {
            break;
        }

        cli_buf_add(buf, part, (size_t) n);
    }

    if (n == -1) {
        cli_error("\"%s\" cannot be read: %s", file, strerror(errno));
    }

    if (fd != -1 && fd != STDIN_FILENO) {
        close(fd);
    }

    if (n == -1) {
        cli_buf_free(buf);
        return CLI_EXIT_USAGE;
    }

    text->data = (const unsigned char *) buf->data;
    text->len = buf->len;

    return CLI_EXIT_OK;
}
