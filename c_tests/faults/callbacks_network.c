/*
 * User code that ends the object it is called from, over sockets and the simulator: from the connect callback of a
 * server and the state callbacks of its clients, while datagrams of others wait. What is defined is in callbacks.c.
 */
#include "net.h"
#include "hooks.h"
#include "faults/pair.h"
#include "faults/simulator.h"

static long scenarios, acts_done;

static const uint8_t payload[64] = { 1, 2, 3, 4 };

#define CROWD 3

struct crowd
{
    struct hooks books;
    struct netcode_network_simulator_t * simulator;
    struct netcode_server_t * server;
    struct netcode_client_t * clients[CROWD];
    char address[64];
    double time;
    int act, at_server, shots;
};

static struct crowd crowd;

static void in_crowds_server( void * context, int slot, int connected )
{
    struct netcode_server_t * server = crowd.server;
    (void) context; (void) connected;
    if ( !crowd.at_server || !server || crowd.shots-- <= 0 )
        return;
    acts_done++;
    switch ( crowd.act )
    {
        case 0: crowd.server = NULL; netcode_server_destroy( server ); break;
        case 1: netcode_server_stop( server ); break;
        case 2: netcode_server_start( server, CROWD ); break;
        case 3: netcode_server_disconnect_all_clients( server ); break;
        case 4: netcode_server_disconnect_client( server, ( slot + 1 ) % CROWD ); break;
        default: netcode_server_update( server, crowd.time ); break;
    }
}

static void crowd_token( uint8_t * connect_token, uint64_t id )
{
    const char * address = crowd.address;
    CHECK( netcode_generate_connect_token( 1, &address, &address, PAIR_LIFETIME, PAIR_TIMEOUT, id, PAIR_PROTOCOL_ID, pair_key, NULL, connect_token ) );
}

static void in_crowds_client( void * context, int previous, int current )
{
    struct netcode_client_t ** place = (struct netcode_client_t **) context, * client = *place;
    uint8_t connect_token[NETCODE_CONNECT_TOKEN_BYTES];
    (void) previous; (void) current;
    if ( crowd.at_server || !client || crowd.shots-- <= 0 )
        return;
    acts_done++;
    switch ( crowd.act )
    {
        case 0: *place = NULL; netcode_client_destroy( client ); break;
        case 1: netcode_client_disconnect( client ); break;
        case 2: crowd_token( connect_token, 500 + (uint64_t) crowd.shots ); netcode_client_connect( client, connect_token ); break;
        default: netcode_client_update( client, crowd.time ); break;
    }
}

static void crowd_steps( int steps )
{
    int i;
    while ( steps-- > 0 )
    {
        crowd.time += 0.05;
        if ( crowd.simulator )
            netcode_network_simulator_update( crowd.simulator, crowd.time );
        for ( i = 0; i < CROWD; i++ )
        {
            if ( crowd.clients[i] )
                netcode_client_update( crowd.clients[i], crowd.time );
        }
        if ( crowd.server )
            netcode_server_update( crowd.server, crowd.time );
    }
}

static void crowd_connect( void )
{
    uint8_t connect_token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    for ( i = 0; i < CROWD; i++ )
    {
        crowd_token( connect_token, 1 + (uint64_t) i );
        if ( crowd.clients[i] )
            netcode_client_connect( crowd.clients[i], connect_token );
    }
    crowd_steps( 8 );
}

static void crowd_create( int on_simulator )
{
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    int i;
    pair_server_config( &server_config );
    netcode_default_client_config( &client_config );
    server_config.allocator_context = client_config.allocator_context = &crowd;
    server_config.allocate_function = client_config.allocate_function = hooks_allocate;
    server_config.free_function = client_config.free_function = hooks_free;
    server_config.connect_disconnect_callback = in_crowds_server;
    client_config.state_change_callback = in_crowds_client;
    crowd.simulator = on_simulator ? netcode_network_simulator_create( &crowd, hooks_allocate, hooks_free ) : NULL;
    server_config.network_simulator = client_config.network_simulator = crowd.simulator;
    crowd.server = netcode_server_create( on_simulator ? NET_SERVER : "127.0.0.1:0", &server_config, crowd.time );
    REQUIRE( crowd.server != NULL );
    snprintf( crowd.address, sizeof( crowd.address ), NET_SERVER );
    if ( !on_simulator )
        snprintf( crowd.address, sizeof( crowd.address ), "127.0.0.1:%d", netcode_server_get_port( crowd.server ) );
    netcode_server_start( crowd.server, CROWD );
    for ( i = 0; i < CROWD; i++ )
    {
        char address[64];
        client_config.callback_context = &crowd.clients[i];
        crowd.clients[i] = netcode_client_create( on_simulator ? net_client_address( i, address, sizeof( address ) ) : "127.0.0.1:0", &client_config, crowd.time );
        CHECK( crowd.clients[i] != NULL );
    }
}

static void crowd_live( void )
{
    int i, slot;
    crowd_connect();
    for ( i = 0; i < CROWD; i++ )
    {
        if ( crowd.clients[i] )
            netcode_client_send_packet( crowd.clients[i], payload, 10 );
    }
    for ( slot = 0; crowd.server && slot < netcode_server_max_clients( crowd.server ); slot++ )
        netcode_server_send_packet( crowd.server, slot, payload, 10 );
    crowd_steps( 2 );
    if ( crowd.clients[0] )
        netcode_client_disconnect( crowd.clients[0] );
    crowd_steps( 2 );
    if ( crowd.server )
        netcode_server_disconnect_all_clients( crowd.server );
    crowd_steps( 2 );
    crowd_connect();
    crowd.time += 2.0 * PAIR_TIMEOUT;
    crowd_steps( 2 );
    if ( crowd.server )
        netcode_server_stop( crowd.server );
    crowd_steps( 2 );
}

static void check_crowd( int on_simulator, int at_server, int act, int shots )
{
    int i, connected = 0;
    memset( &crowd, 0, sizeof( crowd ) );
    hooks_begin( &crowd.books );
    crowd.time = 10.0;
    crowd.at_server = at_server;
    crowd.act = act;
    crowd_create( on_simulator );
    crowd.shots = shots;
    crowd_live();
    crowd.shots = 0;
    if ( crowd.server )
    {
        /* whoever is left connects */
        netcode_server_stop( crowd.server );
        for ( i = 0; i < CROWD; i++ )
        {
            if ( crowd.clients[i] )
                netcode_client_disconnect( crowd.clients[i] );
        }
        crowd_steps( 4 );
        netcode_server_start( crowd.server, CROWD );
        crowd_connect();
        crowd_steps( 12 );
        for ( i = 0; i < CROWD; i++ )
        {
            connected += crowd.clients[i] != NULL;
            CHECK( !crowd.clients[i] || netcode_client_state( crowd.clients[i] ) == NETCODE_CLIENT_STATE_CONNECTED );
        }
        CHECK_EQUAL( netcode_server_num_connected_clients( crowd.server ), connected );
        netcode_server_destroy( crowd.server );
    }
    for ( i = 0; i < CROWD; i++ )
    {
        if ( crowd.clients[i] )
            netcode_client_destroy( crowd.clients[i] );
    }
    if ( crowd.simulator )
        netcode_network_simulator_destroy( crowd.simulator );
    hooks_end( &crowd.books );
    scenarios++;
}

static void anything_may_happen_over_sockets_and_simulator( void )
{
    int on_simulator, at_server, act, shots, failed;
    for ( on_simulator = 0; on_simulator <= 1; on_simulator++ )
    {
        for ( at_server = 0; at_server <= 1; at_server++ )
        {
            for ( act = 0; act < ( at_server ? 6 : 4 ); act++ )
            {
                for ( shots = 1; shots <= 8; shots++ )
                {
                    failed = test_failed_checks;
                    check_crowd( on_simulator, at_server, act, shots == 8 ? 100 : shots );
                    if ( test_failed_checks != failed )
                        printf( "    over %s, at the %s, act %d, %d times\n", on_simulator ? "the simulator" : "sockets", at_server ? "server" : "clients", act, shots );
                }
            }
        }
    }
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    netcode_init();
    netcode_set_assert_function( net_assert_handler );
    TEST( anything_may_happen_over_sockets_and_simulator );
    netcode_term();
    printf( FIGURES "callbacks over a network: %ld scenarios, %ld acts from within\n", scenarios, acts_done );
    return tests_done();
}
