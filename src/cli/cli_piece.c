
/*
 * Lines, and the partners of a dry run.
 */


#include <string.h>

#include "cli_piece.h"


static void cli_piece_need(cli_piece_t *piece, const char *text, size_t len);
static char *cli_piece_partner(const char *text, size_t len, int *defines);
static void cli_piece_append(cli_piece_t *piece, const char *text, size_t len,
    size_t number);


void
cli_piece_init(cli_piece_t *piece, int dry_run)
{
    memset(piece, 0, sizeof(cli_piece_t));

    if (dry_run) {
        piece->partners = json_object();
        piece->here = json_object();
    }
}


void
cli_piece_add(cli_piece_t *piece, const char *text, size_t len, size_t number)
{
    if (piece->partners != NULL) {
        cli_piece_need(piece, text, len);
    }

    cli_piece_append(piece, text, len, number);
    piece->own++;
}


void
cli_piece_know(cli_piece_t *piece, const char *text, size_t len)
{
    int    defines;
    char  *id;

    if (piece->partners == NULL) {
        return;
    }

    id = cli_piece_partner(text, len, &defines);

    if (id != NULL && defines) {
        json_object_set_new_nocheck(piece->partners, id,
                                    json_stringn_nocheck(text, len));
    }

    cli_free(id);
}


int
cli_piece_is_full(const cli_piece_t *piece, size_t len)
{
    return piece->own == CLI_PIECE_LINES
           || (piece->own > 0 && piece->bytes + len + 1 > CLI_PIECE_BYTES);
}


void
cli_piece_drop(cli_piece_t *piece, size_t line)
{
    int          defines;
    char        *id;
    cli_line_t  *l;

    l = &piece->lines[line - 1];

    id = piece->partners ? cli_piece_partner(l->text, l->len, &defines) : NULL;

    if (id != NULL && defines) {
        json_object_del(piece->partners, id);
    }

    cli_free(id);

    piece->own -= l->number > 0;
    piece->bytes -= l->len + 1;
    cli_free(l->text);

    piece->count--;
    memmove(l, l + 1, (piece->count - (line - 1)) * sizeof(cli_line_t));
}


void
cli_piece_body(const cli_piece_t *piece, cli_buf_t *body)
{
    size_t  i;

    for (i = 0; i < piece->count; i++) {
        cli_buf_add(body, piece->lines[i].text, piece->lines[i].len);
        cli_buf_str(body, "\n");
    }
}


void
cli_piece_clear(cli_piece_t *piece)
{
    size_t  i;

    for (i = 0; i < piece->count; i++) {
        cli_free(piece->lines[i].text);
    }

    piece->count = 0;
    piece->own = 0;
    piece->bytes = 0;
    json_object_clear(piece->here);
}


void
cli_piece_free(cli_piece_t *piece)
{
    cli_piece_clear(piece);
    cli_free(piece->lines);
    json_decref(piece->partners);
    json_decref(piece->here);
}


/* the partner of the line comes before it, or is the line */

static void
cli_piece_need(cli_piece_t *piece, const char *text, size_t len)
{
    int      defines;
    char    *id;
    json_t  *line;

    id = cli_piece_partner(text, len, &defines);

    if (id == NULL) {
        return;
    }

    line = json_object_get(piece->partners, id);

    if (!defines && line != NULL && json_object_get(piece->here, id) == NULL) {
        cli_piece_append(piece, json_string_value(line),
                         json_string_length(line), 0);
        json_object_set_new_nocheck(piece->here, id, json_true());
    }

    if (defines) {
        json_object_set_new_nocheck(piece->partners, id,
                                    json_stringn_nocheck(text, len));
        json_object_set_new_nocheck(piece->here, id, json_true());
    }

    cli_free(id);
}


/* the partner_id of a line, or NULL: what is wrong there the gateway says */

static char *
cli_piece_partner(const char *text, size_t len, int *defines)
{
    char        *copy;
    json_t      *json;
    agw_str_t    line;
    const char  *id, *type;

    line.data = (const unsigned char *) text;
    line.len = len;

    copy = NULL;
    json = cli_json(line);
    id = json_string_value(json_object_get(json, "partner_id"));
    type = json_string_value(json_object_get(json, "type"));

    if (id != NULL && type != NULL) {
        copy = cli_strdup(id);
        *defines = strcmp(type, "partner") == 0;
    }

    json_decref(json);

    return copy;
}


static void
cli_piece_append(cli_piece_t *piece, const char *text, size_t len,
    size_t number)
{
    cli_line_t  *line;

    if (piece->count == piece->size) {
        piece->size = 2 * piece->size + 64;
        piece->lines = cli_realloc(piece->lines,
                                   piece->size * sizeof(cli_line_t));
    }

    line = &piece->lines[piece->count++];

    line->text = cli_alloc(len + 1);
    memcpy(line->text, text, len);
    line->len = len;
    line->number = number;

    piece->bytes += len + 1;
}
