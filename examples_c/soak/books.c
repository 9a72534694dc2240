/*
 * What is counted and kept: violations, the history of each client, memory, descriptors, the reasons in
 * the library's log. And the dice.
 */
#define _GNU_SOURCE

#include "soak.h"

#include <stdarg.h>

#if defined(__linux__)
#include <dirent.h>
#endif
#if defined(__GLIBC__) && ( __GLIBC__ > 2 || ( __GLIBC__ == 2 && __GLIBC_MINOR__ >= 33 ) )
#include <malloc.h>
#define HAVE_MALLINFO2 1
#endif

/* ---- violations ------------------------------------------------------------------------------ */

#define MAX_VIOLATIONS_PRINTED 25
#define MAX_HISTORIES_PRINTED 5

static void history_print( const struct soak_client_t * client )
{
    unsigned i, first = client->history.count > HISTORY_LINES ? client->history.count - HISTORY_LINES : 0;
    printf( "    history of client %d:\n", client->number );
    for ( i = first; i < client->history.count; i++ )
        printf( "    %s\n", client->history.lines[i % HISTORY_LINES] );
}

void violation( const struct soak_client_t * client, const char * format, ... )
{
    va_list arguments;
    if ( world.violations++ >= MAX_VIOLATIONS_PRINTED )
        return;
    printf( "VIOLATION at %.3f, seed %" PRIu64 ": ", world.time, world.seed );
    va_start( arguments, format );
    vprintf( format, arguments );
    va_end( arguments );
    printf( "\n" );
    if ( client && world.violations <= MAX_HISTORIES_PRINTED )
        history_print( client );
    fflush( stdout );
}

void history_note( struct soak_client_t * client, const char * format, ... )
{
    char * line = client->history.lines[client->history.count++ % HISTORY_LINES];
    int used = snprintf( line, HISTORY_LINE_BYTES, "%10.3f  ", world.time );
    va_list arguments;
    va_start( arguments, format );
    vsnprintf( line + used, (size_t) ( HISTORY_LINE_BYTES - used ), format, arguments );
    va_end( arguments );
}

void on_assert( const char * condition, const char * function, const char * file, int line )
{
    violation( NULL, "assert failed: %s in %s, %s:%d", condition, function, file, line );
}

void course_note( uint64_t what, uint64_t a, uint64_t b )
{
    world.course = mix64( mix64( mix64( world.course ^ what ) + a ) ^ b ) + world.tick;
}

/* ---- memory that is counted ------------------------------------------------------------------ */

#define BLOCK_MAGIC UINT64_C( 0x6b636f6c62646f67 )

/* Thirty-two bytes, so that what follows is aligned as well as what malloc returned. */
union block_head_t
{
    struct
    {
        uint64_t magic;
        uint64_t bytes;
        struct memory_t * owner;
    } info;
    uint8_t padding[32];
};

static void memory_add( struct memory_t * memory, int64_t blocks, int64_t bytes )
{
    memory->blocks += blocks;
    memory->bytes += bytes;
    if ( memory->bytes > memory->most_bytes )
        memory->most_bytes = memory->bytes;
}

void * counted_allocate( void * context, size_t bytes )
{
    struct memory_t * memory = (struct memory_t *) context;
    union block_head_t * head = (union block_head_t *) malloc( sizeof( *head ) + bytes );
    if ( !head )
        return NULL;
    head->info.magic = BLOCK_MAGIC;
    head->info.bytes = bytes;
    head->info.owner = memory;
    memory->allocations++;
    world.memory.allocations++;
    memory_add( memory, 1, (int64_t) bytes );
    memory_add( &world.memory, 1, (int64_t) bytes );
    return head + 1;
}

void counted_free( void * context, void * pointer )
{
    struct memory_t * memory = (struct memory_t *) context;
    union block_head_t * head = (union block_head_t *) pointer - 1;
    int64_t bytes;
    if ( !pointer )
        return;
    if ( head->info.magic != BLOCK_MAGIC || head->info.owner != memory )
    {
        violation( NULL, "freed memory that was not allocated, was somebody else's, or has been freed" );
        return;
    }
    bytes = (int64_t) head->info.bytes;
    head->info.magic = 0;
    memory_add( memory, -1, -bytes );
    memory_add( &world.memory, -1, -bytes );
    free( head );
}

/* After the owner has been destroyed. */
void memory_check( const struct memory_t * memory, const char * what, int number )
{
    if ( memory->blocks != 0 || memory->bytes != 0 )
        violation( NULL, "%s %d was destroyed and has left %" PRId64 " blocks, %" PRId64 " bytes", what, number, memory->blocks, memory->bytes );
}

/* ---- what the process has -------------------------------------------------------------------- */

int count_descriptors( void )
{
#if defined(__linux__)
    int count = -1;             /* the directory is open itself while it is read */
    DIR * directory = opendir( "/proc/self/fd" );
    const struct dirent * entry;
    if ( !directory )
        return -1;
    while ( ( entry = readdir( directory ) ) != NULL )
        count += entry->d_name[0] != '.';
    closedir( directory );
    return count;
#else
    return -1;
#endif
}

int64_t resident_bytes( void )
{
#if defined(__linux__)
    long total = 0, resident = 0;
    FILE * file = fopen( "/proc/self/statm", "r" );
    int fields = file ? fscanf( file, "%ld %ld", &total, &resident ) : 0;
    if ( file )
        fclose( file );
    return fields == 2 ? (int64_t) resident * sysconf( _SC_PAGESIZE ) : -1;
#else
    return -1;
#endif
}

#if defined(HAVE_MALLINFO2)

/* What glibc keeps for each thread counts as given, so it is taken out while the rest is counted. */
#define CACHED_SIZES 64
#define CACHED_BLOCKS 16
#define CACHED_SMALLEST 24
#define CACHED_STEP 16
#define BLOCK_OVERHEAD 8

int64_t heap_bytes( void )
{
    void * cached[CACHED_SIZES * CACHED_BLOCKS];
    int64_t bytes = 0;
    struct mallinfo2 info;
    int i;
    for ( i = 0; i < CACHED_SIZES * CACHED_BLOCKS; i++ )
    {
        cached[i] = malloc( CACHED_SMALLEST + CACHED_STEP * (size_t) ( i / CACHED_BLOCKS ) );
        bytes -= cached[i] ? (int64_t) malloc_usable_size( cached[i] ) + BLOCK_OVERHEAD : 0;
    }
    info = mallinfo2();
    for ( i = 0; i < CACHED_SIZES * CACHED_BLOCKS; i++ )
        free( cached[i] );
    return bytes + (int64_t) ( info.uordblks + info.hblkhd );
}

#else

int64_t heap_bytes( void )
{
    return -1;
}

#endif

/* ---- the library's log ----------------------------------------------------------------------- */

#define MAX_REASONS 48
#define REASON_BYTES 80

static struct
{
    char text[REASON_BYTES];
    uint64_t count;
} reasons[MAX_REASONS];

/* "server ignored a packet from 127.0.0.1:40000: already received" counts as "server: already received". */
static void count_ignored( const char * line )
{
    const char * ignored = strstr( line, " ignored a packet from " );
    const char * reason = ignored ? strstr( ignored, ": " ) : NULL;
    char text[REASON_BYTES];
    int i;
    if ( !reason )
        return;
    snprintf( text, sizeof( text ), "%.*s%.60s", (int) ( ignored - line ), line, reason );
    text[strcspn( text, "\n" )] = '\0';
    for ( i = 0; i < MAX_REASONS; i++ )
    {
        if ( reasons[i].count == 0 )
            snprintf( reasons[i].text, sizeof( reasons[i].text ), "%s", text );
        if ( strcmp( reasons[i].text, text ) == 0 )
        {
            reasons[i].count++;
            return;
        }
    }
}

int on_log( const char * format, ... )
{
    va_list arguments;
    va_start( arguments, format );
    if ( strcmp( format, "%s" ) == 0 )
        count_ignored( va_arg( arguments, const char * ) );
    else
        violation( NULL, "the log function was called with the format \"%s\"", format );
    va_end( arguments );
    return 0;
}

void print_ignored( void )
{
    int i;
    for ( i = 0; i < MAX_REASONS && reasons[i].count; i++ )
        printf( "%14" PRIu64 "  %s\n", reasons[i].count, reasons[i].text );
}

/* ---- chance ---------------------------------------------------------------------------------- */

/*
 * The dice depend on seed, tick and actor only, not on what happened before. So the same seed throws
 * the same dice in every run, although keys, nonces and the machine's timing differ.
 */
uint64_t throw_dice( uint64_t actor )
{
    return mix64( mix64( world.seed ^ mix64( world.tick ) ) + actor );
}

/* Independent numbers in [0,limit) out of one throw. */
int pick( uint64_t dice, uint64_t which, int limit )
{
    return (int) ( mix64( dice + which ) % (uint64_t) limit );
}

/* True about once in `ticks` ticks. */
int once_in( uint64_t dice, uint64_t which, int ticks )
{
    return pick( dice, which, ticks ) == 0;
}
