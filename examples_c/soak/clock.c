/*
 * The wall clock, by which connect tokens expire. In the world it goes with the world's time, so that a
 * simulated hour is an hour for tokens, too, and a run repeats exactly.
 *
 * The library asks the operating system for it. Where a program may define clock_gettime itself, that
 * is done here; elsewhere the system's clock stays, and what depends on it is left out.
 */
#define _GNU_SOURCE

#include "soak.h"

#include <time.h>

#define FIRST_WALL_SECOND INT64_C( 1700000000 )

static int64_t wall;            /* 0: the system's */

#if defined(__linux__) && defined(__LP64__)

#include <sys/syscall.h>

int clock_gettime( clockid_t clock, struct timespec * result )
{
    if ( clock == CLOCK_REALTIME && wall != 0 )
    {
        result->tv_sec = (time_t) wall;
        result->tv_nsec = 0;
        return 0;
    }
    return (int) syscall( SYS_clock_gettime, clock, result );
}

#endif

/* In a connect token the time of its making follows the version and the protocol id. */
#define TOKEN_CREATE_TIMESTAMP 21

/* Not time(), which can be a tick behind the clock that the library reads. */
static int64_t library_wall( void )
{
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    uint64_t seconds = 0;
    int i;
    if ( demo_connect_token( "127.0.0.1:1", "127.0.0.1:1", 1, token ) != NETCODE_OK )
        fail( "no connect token" );
    for ( i = 7; i >= 0; i-- )
        seconds = seconds << 8 | token[TOKEN_CREATE_TIMESTAMP + i];
    return (int64_t) seconds;
}

void wall_begin( void )
{
    wall = FIRST_WALL_SECOND;
    world.wall_is_ours = library_wall() == FIRST_WALL_SECOND;
    if ( !world.wall_is_ours )
        wall = 0;
}

void wall_set( double time )
{
    if ( world.wall_is_ours )
        wall = FIRST_WALL_SECOND + (int64_t) time;
}

int64_t wall_seconds( void )
{
    return wall != 0 ? wall : library_wall();
}
