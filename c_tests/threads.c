/*
 * The rule for threads: one object from one thread at a time, different objects from different threads at the same
 * time, log level and hooks from anywhere at any time, create errors for each thread its own.
 *
 * 32 threads, each with a server and clients of its own, half over sockets and half over the simulator, connect,
 * exchange payloads, leave and begin again, while one more thread changes every hook and setting that there is.
 * Under ThreadSanitizer (make tsan-test) a race fails the test; without, what it breaks.
 *
 * NETCODE_TEST_SECONDS sets how long that goes on.
 */
#if !defined( _DEFAULT_SOURCE )
#define _DEFAULT_SOURCE
#endif

#include <netcode.h>
#include "test.h"
#include "asserts.h"
#include "faults/simulator.h"
#include <pthread.h>
#include <stdarg.h>

#define THREADS 32
#define CLIENTS 2
#define SECONDS 2.0
#define MAX_SECONDS 60.0
#define MAX_LIVES 100000
#define PATIENCE 3000               /* ticks until something that must happen has */
#define PAYLOADS 12
#define TIMEOUT_SECONDS 20
#define LIFETIME 3600
#define PROTOCOL_ID 12

/* ---- hooks: they count, wherever they are called ---- */

static long printed[2], asserted[2];
static int over; /* the threads are done: the one that changes hooks ends, too */

static void count( long * counter )
{
    __atomic_add_fetch( counter, 1, __ATOMIC_RELAXED );
}

static long counted( const long * counter )
{
    return __atomic_load_n( counter, __ATOMIC_RELAXED );
}

static long bad_lines;

static void note_line( const char * format, va_list arguments, long * counter )
{
    const char * text = va_arg( arguments, const char * );
    size_t length = strlen( text );
    if ( strcmp( format, "%s" ) != 0 || length == 0 || text[length - 1] != '\n' )
        count( &bad_lines );
    count( counter );
}

static int print_0( const char * format, ... )
{
    va_list arguments;
    va_start( arguments, format );
    note_line( format, arguments, &printed[0] );
    va_end( arguments );
    return 0;
}

static int print_1( const char * format, ... )
{
    va_list arguments;
    va_start( arguments, format );
    note_line( format, arguments, &printed[1] );
    va_end( arguments );
    return 0;
}

static void assert_0( const char * condition, const char * function, const char * file, int line )
{
    if ( !condition || !function || !file || line <= 0 )
        count( &bad_lines );
    count( &asserted[0] );
}

static void assert_1( const char * condition, const char * function, const char * file, int line )
{
    if ( !condition || !function || !file || line <= 0 )
        count( &bad_lines );
    count( &asserted[1] );
}

static void * change_everything( void * context )
{
    long * changes = (long *) context;
    while ( !__atomic_load_n( &over, __ATOMIC_RELAXED ) )
    {
        int n = (int) ( *changes )++;
        uint8_t random[16];
        netcode_log_level( n / 7 % ( NETCODE_LOG_LEVEL_DEBUG + 1 ) );
        netcode_set_printf_function( n & 1 ? print_1 : print_0 );
        netcode_set_assert_function( n & 2 ? assert_1 : assert_0 );
        netcode_init();
        netcode_enable_packet_tagging();
        netcode_random_bytes( random, (int) sizeof( random ) );
        netcode_term();
        netcode_sleep( 0.0001 );
    }
    return NULL;
}

/* ---- one thread: its world ---- */

struct world
{
    int number, sockets;
    double deadline;
    struct netcode_network_simulator_t * simulator;
    struct netcode_server_t * server;
    struct netcode_client_t * clients[CLIENTS];
    double time;
    char address[64];
    uint8_t key[NETCODE_KEY_BYTES];
    int connects, disconnects;      /* by the server's callback */
    int lives, payloads, wrong;     /* what is told of it in the end */
    int wrong_line;
};

/* As CHECK, which is for one thread only. */
#define MUST( world, condition ) must( world, !!( condition ), __LINE__ )

static int must( struct world * world, int ok, int line )
{
    if ( !ok && world->wrong++ == 0 )
        world->wrong_line = line;
    return ok;
}

static void count_clients( void * context, int slot, int connected )
{
    struct world * world = (struct world *) context;
    (void) slot;
    if ( connected )
        world->connects++;
    else
        world->disconnects++;
}

static uint8_t content( const struct world * world, int client, int n, int i )
{
    return (uint8_t) ( world->number * 8 + client * 3 + n * 5 + i );
}

static int is_content( const struct world * world, int client, const uint8_t * packet, int bytes )
{
    int i, n = bytes / 90 - 1;
    if ( bytes % 90 != 0 )
        return 0;
    for ( i = 0; i < bytes; i++ )
    {
        if ( packet[i] != content( world, client, n, i ) )
            return 0;
    }
    return 1;
}

static void tick( struct world * world )
{
    int i;
    world->time += 0.02;
    if ( world->simulator )
        netcode_network_simulator_update( world->simulator, world->time );
    for ( i = 0; i < CLIENTS; i++ )
        netcode_client_update( world->clients[i], world->time );
    netcode_server_update( world->server, world->time );
    if ( world->sockets )
        netcode_sleep( 0.0002 );
}

static int open_world( struct world * world )
{
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    int i;
    memset( &server_config, 0, sizeof( server_config ) );
    netcode_default_server_config( &server_config );
    netcode_default_client_config( &client_config );
    netcode_random_bytes( world->key, NETCODE_KEY_BYTES );
    server_config.protocol_id = PROTOCOL_ID;
    memcpy( server_config.private_key, world->key, NETCODE_KEY_BYTES );
    server_config.callback_context = world;
    server_config.connect_disconnect_callback = count_clients;
    world->connects = world->disconnects = 0;
    world->time = 5.0;
    world->simulator = world->sockets ? NULL : netcode_network_simulator_create( NULL, NULL, NULL );
    server_config.network_simulator = client_config.network_simulator = world->simulator;
    world->server = netcode_server_create( world->sockets ? "127.0.0.1:0" : "10.0.0.1:40000", &server_config, world->time );
    if ( !MUST( world, world->server ) )
        return 0;
    snprintf( world->address, sizeof( world->address ), "10.0.0.1:40000" );
    if ( world->sockets )
        snprintf( world->address, sizeof( world->address ), "127.0.0.1:%d", netcode_server_get_port( world->server ) );
    for ( i = 0; i < CLIENTS; i++ )
    {
        char address[64];
        snprintf( address, sizeof( address ), "10.0.0.%d:50000", 2 + i );
        world->clients[i] = netcode_client_create( world->sockets ? "127.0.0.1:0" : address, &client_config, world->time );
        if ( !MUST( world, world->clients[i] ) )
            return 0;
    }
    netcode_server_start( world->server, CLIENTS );
    return 1;
}

static void close_world( struct world * world )
{
    int i;
    for ( i = 0; i < CLIENTS; i++ )
    {
        if ( world->clients[i] )
            netcode_client_destroy( world->clients[i] );
        world->clients[i] = NULL;
    }
    if ( world->server )
        netcode_server_destroy( world->server );
    if ( world->simulator )
        netcode_network_simulator_destroy( world->simulator );
    world->server = NULL;
    world->simulator = NULL;
    MUST( world, world->connects == world->disconnects );
}

static int connect_all( struct world * world )
{
    const char * address = world->address;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i, n;
    for ( i = 0; i < CLIENTS; i++ )
    {
        uint64_t id = (uint64_t) ( world->number * CLIENTS + i + 1 );
        MUST( world, netcode_generate_connect_token( 1, &address, &address, LIFETIME, TIMEOUT_SECONDS, id, PROTOCOL_ID, world->key, NULL, token ) );
        netcode_client_connect( world->clients[i], token );
    }
    for ( n = 0; n < PATIENCE && netcode_server_num_connected_clients( world->server ) < CLIENTS; n++ )
        tick( world );
    for ( i = 0; i < CLIENTS; i++ )
    {
        for ( n = 0; n < PATIENCE && netcode_client_state( world->clients[i] ) == NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE; n++ )
            tick( world );
        if ( !MUST( world, netcode_client_state( world->clients[i] ) == NETCODE_CLIENT_STATE_CONNECTED ) )
            return 0;
    }
    return 1;
}

static int take( struct world * world, int i, int at_server )
{
    int bytes = 0, taken = 0, slot = netcode_client_index( world->clients[i] );
    uint8_t * packet;
    for ( ;; )
    {
        packet = at_server ? netcode_server_receive_packet( world->server, slot, &bytes, NULL ) : netcode_client_receive_packet( world->clients[i], &bytes, NULL );
        if ( !packet )
            return taken;
        MUST( world, is_content( world, i, packet, bytes ) );
        taken++;
        if ( at_server )
            netcode_server_free_packet( world->server, packet );
        else
            netcode_client_free_packet( world->clients[i], packet );
    }
}

/* Every payload arrives: neither loopback sockets nor the simulator lose any. */
static void exchange( struct world * world )
{
    uint8_t data[NETCODE_MAX_PACKET_SIZE];
    int i, n, k, arrived = 0, expected = 2 * CLIENTS * PAYLOADS;
    for ( n = 0; n < PAYLOADS; n++ )
    {
        for ( i = 0; i < CLIENTS; i++ )
        {
            for ( k = 0; k < 90 * ( n + 1 ); k++ )
                data[k] = content( world, i, n, k );
            netcode_client_send_packet( world->clients[i], data, 90 * ( n + 1 ) );
            netcode_server_send_packet( world->server, netcode_client_index( world->clients[i] ), data, 90 * ( n + 1 ) );
        }
    }
    for ( n = 0; n < PATIENCE && arrived < expected; n++ )
    {
        tick( world );
        for ( i = 0; i < CLIENTS; i++ )
            arrived += take( world, i, 0 ) + take( world, i, 1 );
    }
    MUST( world, arrived == expected );
    world->payloads += arrived;
}

/* What this thread did wrong, others do not hear of. */
static void check_create_errors( struct world * world )
{
    struct netcode_client_config_t config;
    struct netcode_client_t * client;
    netcode_default_client_config( &config );
    config.override_send_and_receive = world->number % 3 == 2;
    client = netcode_client_create( world->number % 3 == 0 ? "nonsense" : "127.0.0.1:0", &config, 0.0 );
    netcode_sleep( 0.0005 ); /* time for others to do wrong */
    switch ( world->number % 3 )
    {
        case 0: MUST( world, netcode_client_create_error() == NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS_FAILED ); break;
        case 1: MUST( world, netcode_client_create_error() == NETCODE_CLIENT_CREATE_ERROR_NONE && client ); break;
        default: MUST( world, netcode_client_create_error() == NETCODE_CLIENT_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK ); break;
    }
    if ( client )
        netcode_client_destroy( client );
}

static void * live( void * context )
{
    struct world * world = (struct world *) context;
    int round;
    while ( world->lives < MAX_LIVES && ( world->lives == 0 || netcode_time() < world->deadline ) && !world->wrong )
    {
        if ( open_world( world ) )
        {
            for ( round = 0; round < 2 && connect_all( world ); round++ )
            {
                exchange( world );
                netcode_client_send_packet( world->clients[0], NULL, 10 ); /* an assertion, where they are on */
                netcode_server_disconnect_all_clients( world->server );
            }
        }
        close_world( world );
        check_create_errors( world );
        world->lives++;
    }
    return NULL;
}

/* ---- all of them ---- */

static void many_threads_live_at_once( void )
{
    static struct world worlds[THREADS];
    static long changes;
    pthread_t threads[THREADS], changer;
    const char * seconds = getenv( "NETCODE_TEST_SECONDS" );
    double wanted = seconds ? atof( seconds ) : SECONDS, start = netcode_time();
    int i, lives = 0, payloads = 0, started = 0;
    wanted = wanted > 0.0 && wanted < MAX_SECONDS ? wanted : SECONDS;
    REQUIRE( pthread_create( &changer, NULL, change_everything, &changes ) == 0 );
    for ( i = 0; i < THREADS; i++ )
    {
        worlds[i].number = i;
        worlds[i].sockets = i % 2;
        worlds[i].deadline = start + wanted;
        if ( !CHECK( pthread_create( &threads[i], NULL, live, &worlds[i] ) == 0 ) )
            break;
        started++;
    }
    for ( i = 0; i < started; i++ )
    {
        pthread_join( threads[i], NULL );
        lives += worlds[i].lives;
        payloads += worlds[i].payloads;
        CHECK( worlds[i].lives > 0 );
        if ( !CHECK_EQUAL( worlds[i].wrong, 0 ) )
            printf( "    in thread %d (%s), line %d\n", i, worlds[i].sockets ? "sockets" : "simulator", worlds[i].wrong_line );
    }
    __atomic_store_n( &over, 1, __ATOMIC_RELAXED );
    pthread_join( changer, NULL );
    CHECK_EQUAL( bad_lines, 0 );
    CHECK( changes > 10 );
    for ( i = 0; i < 2; i++ )
    {
        CHECK( counted( &printed[i] ) > 0 );
        CHECK_EQUAL( counted( &asserted[i] ) > 0, NETCODE_TEST_ASSERTS );
    }
    printf( FIGURES "threads: %d at once, %d lives, %d payloads, %ld lines logged, %ld assertions, hooks changed %ld times, %.1f s\n",
            started, lives, payloads, counted( &printed[0] ) + counted( &printed[1] ), counted( &asserted[0] ) + counted( &asserted[1] ),
            changes, netcode_time() - start );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    netcode_init();
    netcode_set_printf_function( print_0 );
    netcode_set_assert_function( assert_0 );
    TEST( many_threads_live_at_once );
    netcode_log_level( NETCODE_LOG_LEVEL_NONE );
    netcode_term();
    return tests_done();
}
