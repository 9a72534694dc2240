/*
 * A server's creation, starting and stopping it, starting it again, and what it is while it is stopped.
 */
#include "server.h"

static void check_stopped( struct net_endpoint * server )
{
    int i;
    CHECK_EQUAL( netcode_server_running( server->server ), 0 );
    CHECK_EQUAL( netcode_server_max_clients( server->server ), 0 );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );
    check_no_slot( server, 0 );
    check_no_slot( server, 1 );
    for ( i = 0; i < OUTSIDE; i++ )
        check_no_slot( server, outside[i] );
}

/* Creation */

static void a_new_server_is_stopped( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 0 );
    CHECK_EQUAL( netcode_server_create_error(), NETCODE_SERVER_CREATE_ERROR_NONE );
    check_stopped( server );
    CHECK_EQUAL( netcode_server_get_port( server->server ), 0 );
    net_steps( net, 4, 1.0 );
    netcode_server_stop( server->server );
    netcode_server_disconnect_all_clients( server->server );
    check_stopped( server );
    CHECK_EQUAL( net_total_sent( server ), 0 );
    CHECK_EQUAL( net_num_events( server ), 0 );
    net_destroy( net );
}

static void create_says_what_was_wrong( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 0 );
    struct netcode_server_config_t config;
    netcode_default_server_config( &config );
    net_server_config( server, &config );

    CHECK( netcode_server_create( "not an address", &config, 0.0 ) == NULL );
    CHECK_EQUAL( netcode_server_create_error(), NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS_FAILED );
    CHECK( netcode_server_create_dual( NET_SERVER, "not an address", &config, 0.0 ) == NULL );
    CHECK_EQUAL( netcode_server_create_error(), NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS2_FAILED );
    CHECK( netcode_server_create_dual( "not an address", "[::1]:40000", &config, 0.0 ) == NULL );
    CHECK_EQUAL( netcode_server_create_error(), NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS_FAILED );

    net_tolerate_asserts( 1 );
    config.send_packet_override = NULL;
    CHECK( netcode_server_create( NET_SERVER, &config, 0.0 ) == NULL );
    CHECK_EQUAL( netcode_server_create_error(), NETCODE_SERVER_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK );
    net_server_config( server, &config );
    config.receive_packet_override = NULL;
    CHECK( netcode_server_create( NET_SERVER, &config, 0.0 ) == NULL );
    CHECK_EQUAL( netcode_server_create_error(), NETCODE_SERVER_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK );
    net_destroy( net );
}

static void the_config_is_copied( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_endpoint( net, NET_SERVER );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    struct netcode_server_config_t config;
    netcode_default_server_config( &config );
    net_server_config( server, &config );
    server->is_server = 1;
    server->server = netcode_server_create( NET_SERVER, &config, net->time );
    REQUIRE( server->server != NULL );
    memset( &config, 0xEE, sizeof( config ) );
    netcode_server_start( server->server, 1 );
    CHECK( net_connect( client, server, 1000 ) );
    net_destroy( net );
}

static void no_callback_is_needed( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_endpoint( net, NET_SERVER );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    struct netcode_server_config_t config;
    netcode_default_server_config( &config );
    net_server_config( server, &config );
    config.connect_disconnect_callback = NULL;
    server->is_server = 1;
    server->server = netcode_server_create( NET_SERVER, &config, net->time );
    REQUIRE( server->server != NULL );
    netcode_server_start( server->server, 1 );
    CHECK( net_connect( client, server, 1000 ) );
    netcode_server_disconnect_client( server->server, 0 );
    CHECK_EQUAL( netcode_server_client_connected( server->server, 0 ), 0 );
    net_destroy( net );
}

/* Starting and stopping */

static void start_takes_1_to_256_slots( void )
{
    static const int bad[] = { 0, -1, 257, 1000, 0x7FFFFFFF, -0x7FFFFFFF - 1 };
    static const int good[] = { 1, 2, 64, 255, 256 };
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 0 );
    int i;
    net_tolerate_asserts( 1 );
    for ( i = 0; i < (int) ( sizeof( bad ) / sizeof( bad[0] ) ); i++ )
    {
        netcode_server_start( server->server, bad[i] );
        CHECK_EQUAL( netcode_server_running( server->server ), 0 );
        CHECK_EQUAL( netcode_server_max_clients( server->server ), 0 );
    }
    net_tolerate_asserts( 0 );
    for ( i = 0; i < (int) ( sizeof( good ) / sizeof( good[0] ) ); i++ )
    {
        int slot;
        netcode_server_start( server->server, good[i] );
        CHECK_EQUAL( netcode_server_running( server->server ), 1 );
        CHECK_EQUAL( netcode_server_max_clients( server->server ), good[i] );
        CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );
        for ( slot = 0; slot < good[i]; slot++ )
            check_empty_slot( server, slot, NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE );
        check_no_slot( server, good[i] );
    }
    net_destroy( net );
}

static void stop_disconnects_everyone( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct net_endpoint * second = net_client( pair.net, ANOTHER_CLIENT );
    CHECK( net_connect( second, pair.server, 2000 ) );
    net_settle( pair.net );
    net_forget( pair.net );
    netcode_server_stop( pair.server->server );
    CHECK( net_history_is( pair.server, "-0:3 -1:3" ) );
    CHECK( net_sent_types_are( pair.server, "66666666666666666666" ) );
    check_stopped( pair.server );
    net_step( pair.net, NET_TICK );
    CHECK_EQUAL( net_state( pair.client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    CHECK_EQUAL( net_state( second ), NETCODE_CLIENT_STATE_DISCONNECTED );

    /* twice is once */
    netcode_server_stop( pair.server->server );
    CHECK_EQUAL( net_num_events( pair.server ), 2 );
    CHECK_EQUAL( net_total_sent( pair.server ), 20 );
    net_pair_close( &pair );
}

static void start_while_running_stops_first( void )
{
    struct net_pair pair = net_pair_open( 4 );
    netcode_server_disconnect_client( pair.server->server, 0 );
    CHECK_EQUAL( netcode_server_client_disconnect_reason( pair.server->server, 0 ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_SERVER_DISCONNECT );
    net_step( pair.net, NET_TICK );
    CHECK( net_connect( pair.client, pair.server, 3000 ) );
    net_forget( pair.net );

    netcode_server_start( pair.server->server, 2 );
    CHECK( net_history_is( pair.server, "-0:3" ) );
    CHECK( net_sent_types_are( pair.server, "6666666666" ) );
    CHECK_EQUAL( netcode_server_running( pair.server->server ), 1 );
    CHECK_EQUAL( netcode_server_max_clients( pair.server->server ), 2 );
    check_empty_slot( pair.server, 0, NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE );
    check_empty_slot( pair.server, 1, NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE );
    check_no_slot( pair.server, 2 );

    net_step( pair.net, NET_TICK );
    CHECK_EQUAL( net_state( pair.client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    CHECK( net_connect( pair.client, pair.server, 4000 ) );
    CHECK_EQUAL( netcode_client_max_clients( pair.client->client ), 2 );
    net_pair_close( &pair );
}

static void a_server_can_be_started_again_and_again( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 0 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    int i;
    for ( i = 0; i < 10; i++ )
    {
        netcode_server_start( server->server, 1 + i );
        CHECK( net_connect( client, server, 1000 ) );
        CHECK_EQUAL( netcode_client_max_clients( client->client ), 1 + i );
        netcode_server_stop( server->server );
        net_step( net, NET_TICK );
        CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    }
    net_destroy( net );
}

static void destroy_stops_first( void )
{
    struct net_pair pair = net_pair_open( 4 );
    send_payload( pair.client, 0, 100, 1 );
    net_update( pair.server, pair.net->time );
    net_forget( pair.net );
    net_destroy_endpoint( pair.server );
    CHECK( net_history_is( pair.server, "-0:3" ) );
    CHECK( net_sent_types_are( pair.server, "6666666666" ) );
    net_step( pair.net, NET_TICK );
    CHECK_EQUAL( net_state( pair.client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    net_pair_close( &pair );
}

static void a_stopped_server_drops_what_comes_in( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 0 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], request[NET_REQUEST_BYTES];
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    netcode_client_connect( client->client, token );
    net_steps( net, 5, 0.25 );
    CHECK( client->sent[NET_REQUEST] == 5 );
    CHECK_EQUAL( server->handed[NET_REQUEST], 5 );
    CHECK_EQUAL( server->queued, 0 );
    net_process( server, &client->address, request, net_request( token, request ) );

    /* nothing of it is remembered */
    client->drop = NET_ALL;
    netcode_server_start( server->server, 1 );
    net_step( net, 0.25 );
    CHECK_EQUAL( net_total_sent( server ), 0 );
    client->drop = 0;
    CHECK( net_run_until( client, NETCODE_CLIENT_STATE_CONNECTED ) );
    net_destroy( net );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );

    TEST( a_new_server_is_stopped );
    TEST( create_says_what_was_wrong );
    TEST( the_config_is_copied );
    TEST( no_callback_is_needed );

    TEST( start_takes_1_to_256_slots );
    TEST( stop_disconnects_everyone );
    TEST( start_while_running_stops_first );
    TEST( a_server_can_be_started_again_and_again );
    TEST( destroy_stops_first );
    TEST( a_stopped_server_drops_what_comes_in );

    return tests_done();
}
