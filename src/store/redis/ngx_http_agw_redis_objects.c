
#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_agw_redis_objects.h"


#define NGX_HTTP_AGW_REDIS_OBJECTS_SIZE  32768   /* of a block */


struct ngx_http_agw_redis_objects_block_s {
    ngx_http_agw_redis_objects_block_t  *next;
    size_t                               used;
    size_t                               size;
    void                                *data[];
};


static ngx_http_agw_redis_objects_block_t **ngx_http_agw_redis_objects_keep(
    ngx_http_agw_redis_objects_block_t **link);
static void *ngx_http_agw_redis_objects_string(const redisReadTask *task,
    char *str, size_t len);
#if (HIREDIS_MAJOR >= 1)
static void *ngx_http_agw_redis_objects_array(const redisReadTask *task,
    size_t n);
static void *ngx_http_agw_redis_objects_double(const redisReadTask *task,
    double value, char *str, size_t len);
static void *ngx_http_agw_redis_objects_bool(const redisReadTask *task,
    int value);
#else
static void *ngx_http_agw_redis_objects_array(const redisReadTask *task,
    int n);
#endif
static void *ngx_http_agw_redis_objects_integer(const redisReadTask *task,
    long long value);
static void *ngx_http_agw_redis_objects_nil(const redisReadTask *task);
static void ngx_http_agw_redis_objects_leave(void *object);
static redisReply *ngx_http_agw_redis_objects_add(const redisReadTask *task,
    size_t more);
static void *ngx_http_agw_redis_objects_alloc(
    ngx_http_agw_redis_objects_t *objects, size_t size);
static ngx_http_agw_redis_objects_block_t *ngx_http_agw_redis_objects_next(
    ngx_http_agw_redis_objects_t *objects, size_t size);


static redisReplyObjectFunctions  ngx_http_agw_redis_objects_functions = {
    .createString = ngx_http_agw_redis_objects_string,
    .createArray = ngx_http_agw_redis_objects_array,
    .createInteger = ngx_http_agw_redis_objects_integer,
#if (HIREDIS_MAJOR >= 1)
    .createDouble = ngx_http_agw_redis_objects_double,
    .createBool = ngx_http_agw_redis_objects_bool,
#endif
    .createNil = ngx_http_agw_redis_objects_nil,
    .freeObject = ngx_http_agw_redis_objects_leave
};


redisReader *
ngx_http_agw_redis_objects_reader(ngx_http_agw_redis_objects_t *objects)
{
    redisReader  *reader;

    reader = redisReaderCreateWithFunctions(
                                       &ngx_http_agw_redis_objects_functions);

    if (reader != NULL) {
        reader->privdata = objects;
    }

    return reader;
}


ngx_uint_t
ngx_http_agw_redis_objects_are_many(
    const ngx_http_agw_redis_objects_t *objects)
{
    return objects->first != NULL && objects->first->next != NULL;
}


/*
 * The next reply is often as long: what this one needed is kept.  Of the rest
 * one block is freed, so that it goes away reply by reply.
 */

void
ngx_http_agw_redis_objects_clear(ngx_http_agw_redis_objects_t *objects)
{
    ngx_http_agw_redis_objects_block_t  *block, **link;

    link = &objects->first;

    while (*link != NULL && *link != objects->current) {
        link = ngx_http_agw_redis_objects_keep(link);
    }

    if (*link != NULL) {
        link = ngx_http_agw_redis_objects_keep(link);
    }

    block = *link;

    if (block != NULL) {
        *link = block->next;
        ngx_free(block);
    }

    objects->current = NULL;
}


/* the link of the next block; one that is longer than others is freed */

static ngx_http_agw_redis_objects_block_t **
ngx_http_agw_redis_objects_keep(ngx_http_agw_redis_objects_block_t **link)
{
    ngx_http_agw_redis_objects_block_t  *block;

    block = *link;

    if (block->size == NGX_HTTP_AGW_REDIS_OBJECTS_SIZE) {
        return &block->next;
    }

    *link = block->next;
    ngx_free(block);

    return link;
}


void
ngx_http_agw_redis_objects_free(ngx_http_agw_redis_objects_t *objects)
{
    ngx_http_agw_redis_objects_block_t  *block;

    while (objects->first != NULL) {
        block = objects->first;
        objects->first = block->next;

        ngx_free(block);
    }

    objects->current = NULL;
}


/* the reader's buffer moves before the reply is used, so strings are copied */

static void *
ngx_http_agw_redis_objects_string(const redisReadTask *task, char *str,
    size_t len)
{
    redisReply  *reply;

    reply = ngx_http_agw_redis_objects_add(task, len + 1);

    if (reply != NULL) {
        reply->str = (char *) (reply + 1);
        reply->len = len;

        ngx_memcpy(reply->str, str, len);
        reply->str[len] = '\0';
    }

    return reply;
}


#if (HIREDIS_MAJOR >= 1)

static void *
ngx_http_agw_redis_objects_array(const redisReadTask *task, size_t n)

#else

static void *
ngx_http_agw_redis_objects_array(const redisReadTask *task, int n)

#endif
{
    redisReply  *reply;

    reply = ngx_http_agw_redis_objects_add(task, n * sizeof(redisReply *));

    if (reply != NULL) {
        reply->element = (redisReply **) (reply + 1);
        reply->elements = n;

        ngx_memzero(reply->element, n * sizeof(redisReply *));
    }

    return reply;
}


static void *
ngx_http_agw_redis_objects_integer(const redisReadTask *task, long long value)
{
    redisReply  *reply;

    reply = ngx_http_agw_redis_objects_add(task, 0);

    if (reply != NULL) {
        reply->integer = value;
    }

    return reply;
}


static void *
ngx_http_agw_redis_objects_nil(const redisReadTask *task)
{
    redisReply  *reply;

    reply = ngx_http_agw_redis_objects_add(task, 0);

    if (reply != NULL) {
        reply->type = REDIS_REPLY_NIL;   /* the task's is that of a value */
    }

    return reply;
}


#if (HIREDIS_MAJOR >= 1)

/* of RESP3, which agw_resp has refused */

static void *
ngx_http_agw_redis_objects_double(const redisReadTask *task, double value,
    char *str, size_t len)
{
    return NULL;
}


static void *
ngx_http_agw_redis_objects_bool(const redisReadTask *task, int value)
{
    return NULL;
}

#endif


/* all are freed at once */

static void
ngx_http_agw_redis_objects_leave(void *object)
{
}


/* an object, with so many bytes behind it, as an element of its array */

static redisReply *
ngx_http_agw_redis_objects_add(const redisReadTask *task, size_t more)
{
    redisReply  *reply, *parent;

    reply = ngx_http_agw_redis_objects_alloc(task->privdata,
                                             sizeof(redisReply) + more);
    if (reply == NULL) {
        return NULL;
    }

    ngx_memzero(reply, sizeof(redisReply));

    reply->type = task->type;

    if (task->parent != NULL) {
        parent = task->parent->obj;
        parent->element[task->idx] = reply;
    }

    return reply;
}


static void *
ngx_http_agw_redis_objects_alloc(ngx_http_agw_redis_objects_t *objects,
    size_t size)
{
    void                                *p;
    ngx_http_agw_redis_objects_block_t  *block;

    size = ngx_align(size, sizeof(void *));
    block = objects->current;

    if (block == NULL || block->size - block->used < size) {
        block = ngx_http_agw_redis_objects_next(objects, size);
        if (block == NULL) {
            return NULL;
        }
    }

    p = (u_char *) block->data + block->used;
    block->used += size;

    return p;
}


/* the next block: one that was kept, or a new one before that */

static ngx_http_agw_redis_objects_block_t *
ngx_http_agw_redis_objects_next(ngx_http_agw_redis_objects_t *objects,
    size_t size)
{
    ngx_http_agw_redis_objects_block_t  *block, **link;

    link = objects->current ? &objects->current->next : &objects->first;
    block = *link;

    if (block == NULL || block->size < size) {
        size = ngx_max(size, NGX_HTTP_AGW_REDIS_OBJECTS_SIZE);

        block = ngx_alloc(sizeof(ngx_http_agw_redis_objects_block_t) + size,
                          objects->log);
        if (block == NULL) {
            return NULL;
        }

        block->next = *link;
        block->size = size;

        *link = block;
    }

    block->used = 0;
    objects->current = block;

    return block;
}
