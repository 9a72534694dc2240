/*
 * User code that ends the object it is called from: destroys, stops, disconnects, connects or starts it, from the
 * callbacks of loopback clients, the allocator hooks and the assert handler. (reentry_*.c do the other callbacks,
 * overrides and the printf hook; callbacks_network.c sockets and the simulator.)
 *
 * What is defined: destroy takes effect when the outermost call returns, everything else at once; what was under
 * way is dropped. From an allocator hook that runs within the library's own tables it may do nothing. Nothing
 * crashes, nothing leaks, and what is left works.
 */
#include "net.h"
#include "hooks.h"
#include "faults/pair.h"

enum { IN_SEND, IN_CHANGE, IN_ALLOCATE, IN_FREE, IN_ASSERT, PLACES };

struct scene
{
    struct hooks books;             /* the first member: it is also the context of hooks_free */
    struct netcode_server_t * server;
    struct netcode_client_t * client;
    int place, act, shots, depth, fired;
    int is_server;                  /* whose turn it is */
};

static struct scene scene;
static long scenarios, acts_done;

static const uint8_t payload[64] = { 1, 2, 3, 4 };
static uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];

/* ---- acts ---- */

static void destroy_server( void )
{
    struct netcode_server_t * server = scene.server;
    scene.server = NULL;
    netcode_server_destroy( server );
}

static void destroy_client( void )
{
    struct netcode_client_t * client = scene.client;
    scene.client = NULL;
    netcode_client_destroy( client );
}

static void server_act( int act )
{
    int i;
    switch ( act )
    {
        case 0: destroy_server(); break;
        case 1: netcode_server_stop( scene.server ); break;
        case 2: netcode_server_start( scene.server, 4 ); break;
        case 3: netcode_server_disconnect_all_clients( scene.server ); break;
        case 4: netcode_server_update( scene.server, 1e6 ); break;
        case 5: netcode_server_connect_loopback_client( scene.server, 3, 33, NULL ); break;
        case 6: netcode_server_process_loopback_packet( scene.server, 0, payload, 10, 0 ); break;
        default:
            for ( i = 0; scene.server && i < netcode_server_max_clients( scene.server ); i++ )
            {
                if ( act == 7 )
                    netcode_server_disconnect_loopback_client( scene.server, i );
                else
                    netcode_server_send_packet( scene.server, i, payload, 10 );
            }
    }
}

#define SERVER_ACTS 9

static void client_act( int act )
{
    switch ( act )
    {
        case 0: destroy_client(); break;
        case 1: netcode_client_disconnect( scene.client ); break;
        case 2: netcode_client_disconnect_loopback( scene.client ); break;
        case 3: netcode_client_connect( scene.client, token ); break;
        case 4: netcode_client_connect_loopback( scene.client, 1, 4 ); break;
        case 5: netcode_client_update( scene.client, 1e6 ); break;
        case 6: netcode_client_process_loopback_packet( scene.client, payload, 10, 0 ); break;
        default: netcode_client_send_packet( scene.client, payload, 10 ); break;
    }
}

#define CLIENT_ACTS 8

static void fire( int place )
{
    if ( scene.place != place || scene.shots == 0 || scene.depth >= 3 || !( scene.is_server ? (void *) scene.server : (void *) scene.client ) )
        return;
    scene.shots--;
    scene.depth++;
    scene.fired++;
    acts_done++;
    if ( scene.is_server )
        server_act( scene.act );
    else
        client_act( scene.act );
    scene.depth--;
}

/* ---- places ---- */

static void in_send( void * context, int slot, const uint8_t * data, int bytes, uint64_t sequence )
{
    (void) context; (void) slot; (void) sequence;
    CHECK( bytes == 10 && memcmp( data, payload, 10 ) == 0 );
    fire( IN_SEND );
}

static void in_server_change( void * context, int slot, int connected )
{
    (void) context; (void) slot; (void) connected;
    fire( IN_CHANGE );
}

static void in_client_change( void * context, int previous, int current )
{
    (void) context; (void) previous; (void) current;
    fire( IN_CHANGE );
}

static void * in_allocate( void * context, size_t bytes )
{
    fire( IN_ALLOCATE );
    return hooks_allocate( context, bytes );
}

static void in_free( void * context, void * pointer )
{
    fire( IN_FREE );
    hooks_free( context, pointer );
}

static void in_assert( const char * condition, const char * function, const char * file, int line )
{
    (void) condition; (void) function; (void) file; (void) line;
    fire( IN_ASSERT );
}

static void send_nowhere( void * context, struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    (void) context; (void) to; (void) data; (void) bytes;
}

static int receive_nothing( void * context, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    (void) context; (void) from; (void) data; (void) max_bytes;
    return 0;
}

/* ---- what goes on meanwhile ---- */

static void free_server_packets( int slot )
{
    int bytes;
    uint8_t * packet;
    while ( scene.server && ( packet = netcode_server_receive_packet( scene.server, slot, &bytes, NULL ) ) != NULL )
    {
        struct netcode_server_t * server = scene.server;
        netcode_server_free_packet( server, packet );
    }
}

#define WITH_SERVER( call ) do { if ( scene.server ) call; } while ( 0 )
#define WITH_CLIENT( call ) do { if ( scene.client ) call; } while ( 0 )

static void live_as_server( void )
{
    int round, i;
    for ( round = 0; round < 2; round++ )
    {
        WITH_SERVER( netcode_server_start( scene.server, 4 ) );
        for ( i = 0; i < 3; i++ )
            WITH_SERVER( netcode_server_connect_loopback_client( scene.server, i, 1 + (uint64_t) i, NULL ) );
        for ( i = 0; i < 3; i++ )
        {
            WITH_SERVER( netcode_server_send_packet( scene.server, i, payload, 10 ) );
            WITH_SERVER( netcode_server_process_loopback_packet( scene.server, i, payload, 10, 5 ) );
            WITH_SERVER( netcode_server_process_loopback_packet( scene.server, i, payload, 60, 6 ) );
            if ( i != 2 )
                free_server_packets( i );
        }
        WITH_SERVER( netcode_server_update( scene.server, 1.0 ) );
        WITH_SERVER( netcode_server_send_packet( scene.server, -1, payload, 10 ) );
        WITH_SERVER( netcode_server_client_id( scene.server, 100 ) );
        WITH_SERVER( netcode_server_start( scene.server, 0 ) );
        WITH_SERVER( netcode_server_disconnect_loopback_client( scene.server, 0 ) );
        WITH_SERVER( netcode_server_disconnect_loopback_client( scene.server, 1 ) );
        WITH_SERVER( netcode_server_stop( scene.server ) );
    }
}

static void free_client_packets( void )
{
    int bytes;
    uint8_t * packet;
    while ( scene.client && ( packet = netcode_client_receive_packet( scene.client, &bytes, NULL ) ) != NULL )
        netcode_client_free_packet( scene.client, packet );
}

static void live_as_client( void )
{
    const char * address = NET_SERVER;
    int round;
    /* of its own for each client: two that showed one token would number their packets alike */
    CHECK( netcode_generate_connect_token( 1, &address, &address, PAIR_LIFETIME, PAIR_TIMEOUT, 1, PAIR_PROTOCOL_ID, pair_key, NULL, token ) );
    for ( round = 0; round < 2; round++ )
    {
        WITH_CLIENT( netcode_client_connect_loopback( scene.client, 0, 4 ) );
        WITH_CLIENT( netcode_client_send_packet( scene.client, payload, 10 ) );
        WITH_CLIENT( netcode_client_process_loopback_packet( scene.client, payload, 10, 5 ) );
        free_client_packets();
        WITH_CLIENT( netcode_client_process_loopback_packet( scene.client, payload, 60, 5 ) );
        WITH_CLIENT( netcode_client_send_packet( scene.client, payload, 0 ) );
        WITH_CLIENT( netcode_client_connect( scene.client, NULL ) );
        WITH_CLIENT( netcode_client_update( scene.client, 1.0 ) );
        WITH_CLIENT( netcode_client_disconnect_loopback( scene.client ) );
        WITH_CLIENT( netcode_client_connect( scene.client, token ) );
        WITH_CLIENT( netcode_client_update( scene.client, 2.0 ) );
        WITH_CLIENT( netcode_client_disconnect( scene.client ) );
    }
}

/* ---- on loopback ---- */

static void begin_scene( int is_server, int place, int act, int shots )
{
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    memset( &scene, 0, sizeof( scene ) );
    hooks_begin( &scene.books );
    pair_server_config( &server_config );
    netcode_default_client_config( &client_config );
    server_config.allocator_context = client_config.allocator_context = &scene;
    server_config.allocate_function = client_config.allocate_function = in_allocate;
    server_config.free_function = client_config.free_function = in_free;
    server_config.send_loopback_packet_callback = client_config.send_loopback_packet_callback = in_send;
    server_config.override_send_and_receive = client_config.override_send_and_receive = 1;
    server_config.send_packet_override = client_config.send_packet_override = send_nowhere;
    server_config.receive_packet_override = client_config.receive_packet_override = receive_nothing;
    server_config.connect_disconnect_callback = in_server_change;
    client_config.state_change_callback = in_client_change;
    netcode_set_assert_function( in_assert );
    scene.place = PLACES;
    if ( is_server )
        CHECK( ( scene.server = netcode_server_create( NET_SERVER, &server_config, 0.0 ) ) != NULL );
    else
        CHECK( ( scene.client = netcode_client_create( NET_CLIENT, &client_config, 0.0 ) ) != NULL );
    scene.is_server = is_server;
    scene.place = place;
    scene.act = act;
    scene.shots = shots;
}

/* What is left of it works. */
static void end_scene( void )
{
    int bytes;
    uint8_t * packet;
    scene.shots = 0;
    if ( scene.server )
    {
        netcode_server_start( scene.server, 2 );
        CHECK_EQUAL( netcode_server_running( scene.server ), 1 );
        netcode_server_connect_loopback_client( scene.server, 1, 9, NULL );
        CHECK_EQUAL( netcode_server_num_connected_clients( scene.server ), 1 );
        netcode_server_process_loopback_packet( scene.server, 1, payload, 20, 0 );
        packet = netcode_server_receive_packet( scene.server, 1, &bytes, NULL );
        if ( CHECK( packet && bytes == 20 ) )
            netcode_server_free_packet( scene.server, packet );
        destroy_server();
    }
    if ( scene.client )
    {
        netcode_client_disconnect( scene.client );
        netcode_client_connect_loopback( scene.client, 0, 4 );
        CHECK_EQUAL( netcode_client_loopback( scene.client ), 1 );
        netcode_client_process_loopback_packet( scene.client, payload, 20, 0 );
        packet = netcode_client_receive_packet( scene.client, &bytes, NULL );
        if ( CHECK( packet && bytes == 20 ) )
            netcode_client_free_packet( scene.client, packet );
        destroy_client();
    }
    hooks_end( &scene.books );
    scenarios++;
}

static void anything_may_happen_on_loopback( void )
{
    int is_server, place, act, shots, failed, fired;
    for ( is_server = 0; is_server <= 1; is_server++ )
    {
        for ( place = 0; place < PLACES; place++ )
        {
            for ( fired = act = 0; act < ( is_server ? SERVER_ACTS : CLIENT_ACTS ); act++ )
            {
                for ( shots = 1; shots <= 4; shots++ )
                {
                    failed = test_failed_checks;
                    begin_scene( is_server, place, act, shots == 4 ? 1000 : shots );
                    if ( is_server )
                        live_as_server();
                    else
                        live_as_client();
                    fired += scene.fired;
                    end_scene();
                    if ( test_failed_checks != failed )
                        printf( "    as a %s, place %d, act %d, %d times\n", is_server ? "server" : "client", place, act, shots );
                }
            }
            /* assertions are for builds that have them */
            CHECK( fired > 0 || place == IN_ASSERT );
        }
    }
    netcode_set_assert_function( net_assert_handler );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    netcode_init();
    netcode_set_assert_function( net_assert_handler );
    TEST( anything_may_happen_on_loopback );
    netcode_term();
    printf( FIGURES "callbacks: %ld scenarios, %ld acts from within\n", scenarios, acts_done );
    return tests_done();
}
