/*
 * Processes that fork. An object that is not connected may be destroyed in both; one that is connected may go on in
 * one of them, while the other does nothing with it but exit: both would seal different packets under the same
 * numbers. Sockets are shared, so what the one leaves open the other can still use.
 */
#if !defined( _GNU_SOURCE )
#define _GNU_SOURCE
#endif

#include <netcode.h>
#include "test.h"

#if defined( __linux__ ) || defined( __APPLE__ )

#include "faults/pair.h"
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a forked process returned; -1 if it did not end by itself. */
static int result_of( pid_t child )
{
    int status = 0;
    if ( child < 0 || waitpid( child, &status, 0 ) != child )
        return -1;
    return WIFEXITED( status ) ? WEXITSTATUS( status ) : -1;
}

/* A forked process must not flush what its parent has still to print, nor run what it has at its exit. */
static pid_t fork_quietly( void )
{
    pid_t child;
    fflush( NULL );
    child = fork();
    if ( child == 0 )
        alarm( 60 );
    return child;
}

static int exchanges( struct pair * pair, int from )
{
    int i, ok = 1;
    for ( i = from; i < from + 10; i++ )
        ok &= pair_exchange( pair, 100 + i, i );
    return ok;
}

static void idle_objects_may_be_destroyed_in_both_processes( void )
{
    struct pair pair;
    pid_t child;
    REQUIRE( pair_open( &pair, "127.0.0.1" ) );
    netcode_server_stop( pair.server );
    child = fork_quietly();
    if ( child == 0 )
    {
        pair_close( &pair );
        _exit( 0 );
    }
    CHECK_EQUAL( result_of( child ), 0 );
    netcode_server_start( pair.server, 4 );
    CHECK( pair_connect( &pair ) );
    CHECK( exchanges( &pair, 0 ) );
    pair_close( &pair );
}

static void the_parent_goes_on_when_the_child_exits( void )
{
    struct pair pair;
    pid_t child;
    REQUIRE( pair_open( &pair, "127.0.0.1" ) );
    CHECK( pair_connect( &pair ) );
    child = fork_quietly();
    if ( child == 0 )
        _exit( 0 );
    CHECK( exchanges( &pair, 0 ) );
    CHECK_EQUAL( result_of( child ), 0 );
    CHECK( exchanges( &pair, 20 ) );
    CHECK( pair_is_connected( &pair ) );
    pair_close( &pair );
}

static void the_child_goes_on_when_the_parent_exits( void )
{
    /* in a process of its own, which can exit without a word */
    pid_t parent = fork_quietly();
    if ( parent == 0 )
    {
        struct pair pair;
        int ok = pair_open( &pair, "127.0.0.1" ) && pair_connect( &pair ) && exchanges( &pair, 0 );
        pid_t child = fork_quietly();
        if ( child == 0 )
        {
            ok = ok && exchanges( &pair, 20 );
            netcode_client_disconnect( pair.client );
            pair_steps( &pair, 5 );
            ok = ok && netcode_server_num_connected_clients( pair.server ) == 0 && pair_connect( &pair );
            pair_close( &pair );
            _exit( ok ? 0 : 1 );
        }
        _exit( result_of( child ) );
    }
    CHECK_EQUAL( result_of( parent ), 0 );
}

/* Random numbers are the system's, so two processes never draw the same. */
static void keys_differ_in_both_processes( void )
{
    uint8_t mine[64], theirs[64] = { 0 };
    int ends[2];
    pid_t child;
    REQUIRE( pipe( ends ) == 0 );
    netcode_random_bytes( mine, 64 );
    child = fork_quietly();
    netcode_random_bytes( mine, 64 );
    if ( child == 0 )
        _exit( write( ends[1], mine, 64 ) == 64 ? 0 : 1 );
    CHECK_EQUAL( result_of( child ), 0 );
    CHECK_EQUAL( read( ends[0], theirs, 64 ), 64 );
    CHECK( memcmp( mine, theirs, 64 ) != 0 );
    close( ends[0] );
    close( ends[1] );
}

/* A forked process that starts objects of its own has nothing to do with those of its parent. */
static void both_processes_may_have_their_own( void )
{
    struct pair pair, other;
    pid_t child;
    REQUIRE( pair_open( &pair, "127.0.0.1" ) );
    CHECK( pair_connect( &pair ) );
    child = fork_quietly();
    if ( child == 0 )
    {
        int ok = pair_open( &other, "127.0.0.1" ) && pair_connect( &other ) && exchanges( &other, 0 );
        pair_close( &other );
        _exit( ok ? 0 : 1 );
    }
    CHECK( exchanges( &pair, 0 ) );
    CHECK_EQUAL( result_of( child ), 0 );
    pair_close( &pair );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    netcode_init();
    TEST( idle_objects_may_be_destroyed_in_both_processes );
    TEST( the_parent_goes_on_when_the_child_exits );
    TEST( the_child_goes_on_when_the_parent_exits );
    TEST( keys_differ_in_both_processes );
    TEST( both_processes_may_have_their_own );
    netcode_term();
    return tests_done();
}

#else

int main( void )
{
    printf( "skipped: this system does not fork\n" );
    return 0;
}

#endif
