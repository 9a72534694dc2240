/*
 * Allocator hooks that keep books, can be told to fail, and are no kinder than they must be: memory starts
 * with garbage, ends with a guard, is aligned as malloc promises and not better, and is overwritten when freed.
 *
 *     struct hooks hooks;
 *     hooks_begin( &hooks );
 *     config.allocator_context = &hooks;
 *     config.allocate_function = hooks_allocate;
 *     config.free_function = hooks_free;
 *     ...
 *     hooks_end( &hooks );            checks that all was freed, and with this context
 */
#ifndef NETCODE_C_TESTS_HOOKS_H
#define NETCODE_C_TESTS_HOOKS_H

#include "test.h"
#include <stdint.h>

#define HOOKS_MAGIC 0x600DB10Cu
#define HOOKS_FREED 0xDEADB10Cu
#define HOOKS_ALIGNMENT ( sizeof( void * ) == 8 ? 16 : 8 )
#define HOOKS_HEADER 64
#define HOOKS_GUARD 16

struct hooks_block;

struct hooks
{
    struct hooks_block * first; /* of all live ones */
    int allocations;    /* calls of allocate, failed ones too */
    int failures;
    int live;           /* allocated and not yet freed */
    size_t live_bytes;
    int wrong;          /* frees of what this context did not allocate, or with an overrun guard */
    int fail_at;        /* this allocation fails, the first being 1; 0 for none */
    int fail_after;     /* all after so many fail; -1 for none */
};

struct hooks_block
{
    struct hooks * owner;
    struct hooks_block * previous, * next;
    void * memory;
    size_t bytes;
    uint32_t magic;
};

static inline void hooks_begin( struct hooks * hooks )
{
    memset( hooks, 0, sizeof( *hooks ) );
    hooks->fail_after = -1;
}

static inline void * hooks_allocate( void * context, size_t bytes )
{
    struct hooks * hooks = (struct hooks *) context;
    struct hooks_block * block;
    uint8_t * memory, * pointer;
    hooks->allocations++;
    if ( hooks->allocations == hooks->fail_at || ( hooks->fail_after >= 0 && hooks->allocations > hooks->fail_after ) )
    {
        hooks->failures++;
        return NULL;
    }
    memory = (uint8_t *) malloc( HOOKS_HEADER + bytes + HOOKS_GUARD );
    if ( !memory )
        return NULL;
    /* aligned to HOOKS_ALIGNMENT, but never to twice as much */
    pointer = memory + HOOKS_HEADER;
    if ( (uintptr_t) pointer % ( 2 * HOOKS_ALIGNMENT ) == 0 )
        pointer -= HOOKS_ALIGNMENT;
    memset( pointer, 0xCD, bytes );
    memset( pointer + bytes, 0xFD, HOOKS_GUARD );
    block = (struct hooks_block *) (void *) ( pointer - sizeof( struct hooks_block ) );
    block->owner = hooks;
    block->previous = NULL;
    block->next = hooks->first;
    if ( hooks->first )
        hooks->first->previous = block;
    hooks->first = block;
    block->memory = memory;
    block->bytes = bytes;
    block->magic = HOOKS_MAGIC;
    hooks->live++;
    hooks->live_bytes += bytes;
    return pointer;
}

static inline void hooks_free( void * context, void * pointer )
{
    struct hooks * hooks = (struct hooks *) context;
    struct hooks_block * block;
    int i;
    if ( !pointer )
        return;
    block = (struct hooks_block *) (void *) ( (uint8_t *) pointer - sizeof( struct hooks_block ) );
    if ( block->magic != HOOKS_MAGIC || block->owner != hooks )
    {
        hooks->wrong++;
        return;
    }
    for ( i = 0; i < HOOKS_GUARD; i++ )
    {
        if ( ( (uint8_t *) pointer )[block->bytes + (size_t) i] != 0xFD )
        {
            hooks->wrong++;
            break;
        }
    }
    if ( block->previous )
        block->previous->next = block->next;
    else
        hooks->first = block->next;
    if ( block->next )
        block->next->previous = block->previous;
    hooks->live--;
    hooks->live_bytes -= block->bytes;
    memset( pointer, 0xDD, block->bytes );
    block->magic = HOOKS_FREED;
    free( block->memory );
}

/* How many bytes from this pointer on belong to the same live block; 0 if it is not in one. */
static inline size_t hooks_extent( const struct hooks * hooks, const void * pointer )
{
    const struct hooks_block * block;
    for ( block = hooks->first; block; block = block->next )
    {
        uintptr_t start = (uintptr_t) block + sizeof( *block ), at = (uintptr_t) pointer;
        if ( at >= start && at < start + block->bytes )
            return (size_t) ( start + block->bytes - at );
    }
    return 0;
}

static inline void hooks_end( struct hooks * hooks )
{
    CHECK_EQUAL( hooks->live, 0 );
    CHECK_EQUAL( hooks->live_bytes, 0 );
    CHECK_EQUAL( hooks->wrong, 0 );
}

#endif
