/*
 * The server: starting and stopping, slots, what the queries answer when, timers to the exact boundary,
 * the order of callbacks and packets, and payloads both ways.
 */
#include "net.h"
#include "seal.h"

#define ANOTHER_CLIENT "10.0.1.2:50000"

static const int outside[] = { -1, -1000, 4, 5, 256, 257, 0x7FFFFFFF, -0x7FFFFFFF - 1 };  /* of a server with 4 slots */

#define OUTSIDE ( (int) ( sizeof( outside ) / sizeof( outside[0] ) ) )

static void check_nothing_to_receive( struct net_endpoint * server, int slot )
{
    int bytes = -77;
    uint64_t sequence = 77;
    CHECK( netcode_server_receive_packet( server->server, slot, &bytes, &sequence ) == NULL );
    CHECK_EQUAL( bytes, -77 );
    CHECK_EQUAL( sequence, 77 );
    CHECK( netcode_server_receive_packet( server->server, slot, &bytes, NULL ) == NULL );
    CHECK_EQUAL( bytes, -77 );
}

/* For an index that is no slot: out of range, or of a stopped server. */

static void check_no_slot( struct net_endpoint * server, int slot )
{
    net_tolerate_asserts( 1 );
    CHECK_EQUAL( netcode_server_client_connected( server->server, slot ), 0 );
    CHECK_EQUAL( netcode_server_client_disconnect_reason( server->server, slot ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE );
    CHECK_EQUAL( netcode_server_client_id( server->server, slot ), 0 );
    CHECK( netcode_server_client_address( server->server, slot ) == NULL );
    CHECK( netcode_server_client_user_data( server->server, slot ) == NULL );
    CHECK_EQUAL( netcode_server_next_packet_sequence( server->server, slot ), 0 );
    CHECK_EQUAL( netcode_server_client_loopback( server->server, slot ), 0 );
    check_nothing_to_receive( server, slot );
    net_tolerate_asserts( 0 );
}

static void check_empty_slot( struct net_endpoint * server, int slot, int reason )
{
    struct netcode_address_t * address = netcode_server_client_address( server->server, slot );
    uint8_t * user_data = (uint8_t *) netcode_server_client_user_data( server->server, slot );
    int i, set = 0;
    CHECK_EQUAL( netcode_server_client_connected( server->server, slot ), 0 );
    CHECK_EQUAL( netcode_server_client_disconnect_reason( server->server, slot ), reason );
    CHECK_EQUAL( netcode_server_client_id( server->server, slot ), 0 );
    CHECK( address && address->type == NETCODE_ADDRESS_NONE );
    if ( CHECK( user_data != NULL ) )
    {
        for ( i = 0; i < NETCODE_USER_DATA_BYTES; i++ )
            set |= user_data[i];
    }
    CHECK_EQUAL( set, 0 );
    CHECK_EQUAL( netcode_server_next_packet_sequence( server->server, slot ), 0 );
    CHECK_EQUAL( netcode_server_client_loopback( server->server, slot ), 0 );
    check_nothing_to_receive( server, slot );
}

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

static void send_payload( struct net_endpoint * from, int slot, int bytes, int seed )
{
    uint8_t payload[NETCODE_MAX_PACKET_SIZE];
    net_fill( payload, bytes, seed );
    if ( from->server )
        netcode_server_send_packet( from->server, slot, payload, bytes );
    else
        netcode_client_send_packet( from->client, payload, bytes );
}

/* The client as a cheap ear: the session and the next sequence to seal with. */

static struct seal_session session_of( struct net_pair * pair )
{
    return seal_session_of( pair->net, pair->token );
}

static void send_keep_alive( struct net_pair * pair, uint64_t sequence )
{
    struct seal_session session = session_of( pair );
    uint8_t plain[8] = { 0 };
    seal_from_client( &session, pair->client, pair->server, NET_KEEP_ALIVE, sequence, plain, 8 );
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

/* Slots */

static void clients_take_the_lowest_free_slot( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    struct net_endpoint * clients[4], * late;
    char address[64];
    int i;
    for ( i = 0; i < 4; i++ )
    {
        clients[i] = net_client( net, net_client_address( i, address, sizeof( address ) ) );
        CHECK( net_connect( clients[i], server, 1000 + (uint64_t) i ) );
        CHECK_EQUAL( net_slot( server, 1000 + (uint64_t) i ), i );
        CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), i + 1 );
    }
    netcode_server_disconnect_client( server->server, 2 );
    netcode_server_disconnect_client( server->server, 1 );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 2 );
    for ( i = 1; i <= 2; i++ )
    {
        late = net_client( net, net_client_address( 10 + i, address, sizeof( address ) ) );
        CHECK( net_connect( late, server, 2000 + (uint64_t) i ) );
        CHECK_EQUAL( netcode_client_index( late->client ), i );
        CHECK_EQUAL( net_slot( server, 2000 + (uint64_t) i ), i );
    }
    CHECK( net_history_is( server, "+0 +1 +2 +3 -2:3 -1:3 +1 +2" ) );
    net_destroy( net );
}

static void two_hundred_and_fifty_six_clients_fit( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, NETCODE_MAX_CLIENTS );
    struct net_endpoint * clients[NETCODE_MAX_CLIENTS], * late;
    char address[64];
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    uint8_t seen[NETCODE_MAX_CLIENTS];
    int i;
    memset( seen, 0, sizeof( seen ) );
    for ( i = 0; i < NETCODE_MAX_CLIENTS; i++ )
    {
        clients[i] = net_client( net, net_client_address( i, address, sizeof( address ) ) );
        net_token_for( server, token, NET_TIMEOUT, 1000 + (uint64_t) i );
        netcode_client_connect( clients[i]->client, token );
    }
    net_settle( net );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), NETCODE_MAX_CLIENTS );
    for ( i = 0; i < NETCODE_MAX_CLIENTS; i++ )
    {
        int index = netcode_client_index( clients[i]->client );
        CHECK_EQUAL( net_state( clients[i] ), NETCODE_CLIENT_STATE_CONNECTED );
        CHECK_EQUAL( net_slot( server, 1000 + (uint64_t) i ), index );
        if ( CHECK( index >= 0 && index < NETCODE_MAX_CLIENTS ) )
            CHECK( !seen[index]++ );
        send_payload( clients[i], 0, 1 + i, i );
    }

    /* no mix-up among so many */
    net_update( server, net->time );
    for ( i = 0; i < NETCODE_MAX_CLIENTS; i++ )
    {
        int bytes = 0;
        uint8_t * packet = netcode_server_receive_packet( server->server, net_slot( server, 1000 + (uint64_t) i ), &bytes, NULL );
        if ( CHECK( packet != NULL ) )
        {
            CHECK_EQUAL( bytes, 1 + i );
            CHECK( net_filled( packet, bytes, i ) );
            netcode_server_free_packet( server->server, packet );
        }
    }

    late = net_client( net, ANOTHER_CLIENT );
    CHECK( !net_connect( late, server, 5000 ) );
    CHECK_EQUAL( net_state( late ), NETCODE_CLIENT_STATE_CONNECTION_DENIED );
    netcode_server_disconnect_client( server->server, 255 );
    CHECK( net_connect( late, server, 5000 ) );
    CHECK_EQUAL( netcode_client_index( late->client ), 255 );
    netcode_server_disconnect_all_clients( server->server );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );
    net_destroy( net );
}

static void a_denied_packet_uses_the_global_sequence( void )
{
    struct net_pair pair = net_pair_open( 1 );
    struct net_endpoint * late = net_client( pair.net, ANOTHER_CLIENT );
    const struct net_datagram * challenge = net_record( pair.server, NET_CHALLENGE, 0 );
    const struct net_datagram * denied;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], plain[NET_DATAGRAM_BYTES];
    REQUIRE( challenge != NULL );
    net_token_for( pair.server, token, NET_TIMEOUT, 2000 );
    CHECK( !net_connect_with( late, token ) );
    denied = net_record( pair.server, NET_DENIED, 0 );
    REQUIRE( denied != NULL );
    CHECK_EQUAL( denied->bytes, 25 );
    CHECK( net_sequence( denied ) == net_sequence( challenge ) + 1 );
    CHECK_EQUAL( seal_open_packet( denied, plain, pair.net->protocol_id, seal_server_key( token ) ), 0 );
    net_pair_close( &pair );
}

static void empty_slots_and_none_at_all_answer_neutrally( void )
{
    struct net_pair pair = net_pair_open( 4 );
    int i;
    for ( i = 1; i < 4; i++ )
        check_empty_slot( pair.server, i, NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE );
    for ( i = 0; i < OUTSIDE; i++ )
        check_no_slot( pair.server, outside[i] );
    CHECK_EQUAL( netcode_server_client_connected( pair.server->server, 0 ), 1 );
    CHECK_EQUAL( netcode_server_client_id( pair.server->server, 0 ), NET_PAIR_ID );
    CHECK_EQUAL( netcode_server_client_disconnect_reason( pair.server->server, 0 ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE );
    CHECK( net_address_is( netcode_server_client_address( pair.server->server, 0 ), NET_CLIENT ) );
    CHECK_EQUAL( netcode_server_client_loopback( pair.server->server, 0 ), 0 );
    net_pair_close( &pair );
}

static void a_slot_keeps_only_its_last_reason( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint64_t id = 2000;

    netcode_client_disconnect( pair.client->client );
    net_step( pair.net, NET_TICK );
    check_empty_slot( pair.server, 0, NETCODE_SERVER_CLIENT_DISCONNECT_REASON_CLIENT_DISCONNECT );

    CHECK( net_connect( pair.client, pair.server, id++ ) );
    CHECK_EQUAL( netcode_server_client_disconnect_reason( pair.server->server, 0 ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE );
    netcode_server_disconnect_client( pair.server->server, 0 );
    check_empty_slot( pair.server, 0, NETCODE_SERVER_CLIENT_DISCONNECT_REASON_SERVER_DISCONNECT );
    net_step( pair.net, NET_TICK );

    CHECK( net_connect( pair.client, pair.server, id++ ) );
    pair.client->drop = NET_ALL;
    net_steps( pair.net, 8, 1.0 );
    check_empty_slot( pair.server, 0, NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT );

    CHECK( net_history_is( pair.server, "+0 -0:2 +0 -0:3 +0 -0:1" ) );
    net_pair_close( &pair );
}

static void a_new_client_does_not_inherit_anything( void )
{
    struct net_pair pair = net_pair_open( 1 );
    struct net_endpoint * next = net_client( pair.net, ANOTHER_CLIENT );
    const struct net_datagram * keep_alive;
    int i;
    for ( i = 0; i < 5; i++ )
    {
        send_payload( pair.client, 0, 10, i );
        send_payload( pair.server, 0, 10, i );
    }
    net_update( pair.server, pair.net->time );
    netcode_server_disconnect_client( pair.server->server, 0 );
    check_nothing_to_receive( pair.server, 0 );
    net_forget( pair.net );
    CHECK( net_connect( next, pair.server, 2000 ) );
    check_nothing_to_receive( pair.server, 0 );
    keep_alive = net_record( pair.server, NET_KEEP_ALIVE, 0 );
    CHECK( keep_alive && net_sequence( keep_alive ) == 0 );
    net_pair_close( &pair );
}

/* Connecting */

static void user_data_and_id_come_from_the_token( void )
{
    static const uint64_t ids[] = { 1, 0xFFFFFFFFFFFFFFFFULL, 0x8000000000000000ULL, 0x0123456789ABCDEFULL };
    const char * address = NET_SERVER;
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    char text[64];
    int i;
    for ( i = 0; i < 4; i++ )
    {
        struct net_endpoint * client = net_client( net, net_client_address( i, text, sizeof( text ) ) );
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], user_data[NETCODE_USER_DATA_BYTES];
        const struct net_event * event;
        void * stored;
        net_fill( user_data, sizeof( user_data ), i );
        net_token( net, token, 1, &address, &address, NET_LIFETIME, NET_TIMEOUT, ids[i], user_data );
        CHECK( net_connect_with( client, token ) );
        CHECK( netcode_server_client_id( server->server, i ) == ids[i] );
        stored = netcode_server_client_user_data( server->server, i );
        CHECK( stored && memcmp( stored, user_data, sizeof( user_data ) ) == 0 );
        CHECK( net_address_is( netcode_server_client_address( server->server, i ), text ) );

        event = net_last_event( server );
        REQUIRE( event != NULL );
        CHECK_EQUAL( event->connected, 1 );
        CHECK_EQUAL( event->slot, i );
        CHECK_EQUAL( event->still_connected, 1 );
        CHECK_EQUAL( event->num_connected, i + 1 );
        CHECK( event->id == ids[i] );
        CHECK_EQUAL( event->reason, NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE );
        CHECK( memcmp( event->user_data, user_data, sizeof( user_data ) ) == 0 );
        CHECK( memcmp( &event->address, &client->address, sizeof( event->address ) ) == 0 );
        /* the keep-alive that tells the client its slot is already out */
        CHECK_EQUAL( event->next_sequence, 1 );
    }
    net_destroy( net );
}

static void the_first_keep_alive_goes_out_before_the_callback( void )
{
    struct net_pair pair = net_pair_open( 4 );
    const struct net_datagram * record = net_record( pair.server, NET_KEEP_ALIVE, 0 );
    uint8_t plain[NET_DATAGRAM_BYTES];
    REQUIRE( record != NULL );
    CHECK_EQUAL( net_sequence( record ), 0 );
    CHECK_EQUAL( record->bytes, 26 );
    CHECK_EQUAL( seal_open_packet( record, plain, pair.net->protocol_id, seal_server_key( pair.token ) ), 8 );
    CHECK_EQUAL( net_read_little_endian( plain, 4 ), 0 );
    CHECK_EQUAL( net_read_little_endian( plain + 4, 4 ), 4 );
    net_pair_close( &pair );
}

static void send_on_connect( struct net_endpoint * self, const struct net_event * event )
{
    if ( event->connected )
    {
        send_payload( self, event->slot, 20, 5 );
        CHECK_EQUAL( netcode_server_next_packet_sequence( self->server, event->slot ), 3 );
    }
}

static void a_payload_sent_in_the_connect_callback_arrives( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    int bytes = 0;
    uint64_t sequence = 0;
    uint8_t * packet;
    server->on_event = send_on_connect;
    CHECK( net_connect( client, server, 1000 ) );
    CHECK( net_sent_types_are( server, "2445" ) );
    packet = netcode_client_receive_packet( client->client, &bytes, &sequence );
    REQUIRE( packet != NULL );
    CHECK( bytes == 20 && net_filled( packet, 20, 5 ) );
    CHECK_EQUAL( sequence, 2 );
    netcode_client_free_packet( client->client, packet );
    net_destroy( net );
}

/* The server is silent to this request. */

static void check_request_ignored( struct net_endpoint * server, const uint8_t * token, const char * source )
{
    uint8_t request[NET_REQUEST_BYTES];
    struct netcode_address_t from = net_address( source );
    int sent = net_total_sent( server ), events = net_num_events( server );
    net_process( server, &from, request, net_request( token, request ) );
    CHECK_EQUAL( net_total_sent( server ), sent );
    CHECK_EQUAL( net_num_events( server ), events );
}

static void a_connected_id_is_refused_from_elsewhere( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct net_endpoint * twin = net_client( pair.net, ANOTHER_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_for( pair.server, token, 1, NET_PAIR_ID );
    check_request_ignored( pair.server, token, "10.3.3.3:3" );
    CHECK( !net_connect( twin, pair.server, NET_PAIR_ID ) );
    CHECK( net_history_is( twin, "0>1" ) );
    CHECK_EQUAL( net_state( pair.client ), NETCODE_CLIENT_STATE_CONNECTED );
    CHECK( net_history_is( pair.server, "+0" ) );

    /* as soon as it has left, the other may come */
    netcode_client_disconnect( pair.client->client );
    CHECK( net_run_until( twin, NETCODE_CLIENT_STATE_CONNECTED ) );
    CHECK( net_history_is( pair.server, "+0 -0:2 +0" ) );
    net_pair_close( &pair );
}

static void a_connected_source_is_refused_another_slot( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_for( pair.server, token, NET_TIMEOUT, 2000 );
    check_request_ignored( pair.server, token, NET_CLIENT );

    /* its own token again, and the connection goes on */
    check_request_ignored( pair.server, pair.token, NET_CLIENT );
    net_settle( pair.net );
    send_payload( pair.client, 0, 5, 5 );
    net_update( pair.server, pair.net->time );
    CHECK_EQUAL( net_discard_payloads( pair.server, 0 ), 1 );
    net_pair_close( &pair );
}

static void of_two_challenged_with_one_id_the_first_to_answer_wins( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    struct net_endpoint * first = net_client( net, NET_CLIENT );
    struct net_endpoint * second = net_client( net, ANOTHER_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    netcode_client_connect( first->client, token );
    net_token_for( server, token, 1, 1000 );
    netcode_client_connect( second->client, token );
    net_steps( net, 30, NET_TICK );
    CHECK( net_history_is( first, "0>1 1>2 2>3" ) );
    CHECK( net_history_is( second, "0>1 1>2 2>-3" ) );
    CHECK( net_history_is( server, "+0" ) );
    CHECK_EQUAL( server->sent[NET_DENIED], 0 );
    net_destroy( net );
}

static void ignore_loopback_packet( void * context, int slot, const uint8_t * data, int bytes, uint64_t sequence )
{
    (void) context; (void) slot; (void) data; (void) bytes; (void) sequence;
}

static struct net_endpoint * loopback_server( struct net * net, int max_clients )
{
    struct netcode_server_config_t config;
    netcode_default_server_config( &config );
    config.send_loopback_packet_callback = ignore_loopback_packet;
    return net_server_with( net, NET_SERVER, max_clients, config );
}

static void the_id_of_a_loopback_client_is_refused( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, 4 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    netcode_server_connect_loopback_client( server->server, 0, 1000, NULL );
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    check_request_ignored( server, token, NET_CLIENT );
    CHECK( net_connect( client, server, 1001 ) );
    CHECK_EQUAL( netcode_client_index( client->client ), 1 );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 2 );
    net_destroy( net );
}

static void stop_disconnects_real_clients_before_loopback_ones( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, 4 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    netcode_server_connect_loopback_client( server->server, 0, 1, NULL );
    netcode_server_connect_loopback_client( server->server, 2, 2, NULL );
    CHECK( net_connect( client, server, 1000 ) );
    net_forget( net );
    netcode_server_stop( server->server );
    CHECK( net_history_is( server, "-1:3 -0:3 -2:3" ) );
    CHECK( net_sent_types_are( server, "6666666666" ) );
    net_destroy( net );
}

static void disconnect_calls_leave_loopback_clients_alone( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, 4 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    netcode_server_connect_loopback_client( server->server, 0, 1, NULL );
    CHECK( net_connect( client, server, 1000 ) );
    netcode_server_disconnect_all_clients( server->server );
    CHECK( net_history_is( server, "+0 +1 -1:3" ) );
    net_tolerate_asserts( 1 );
    netcode_server_disconnect_client( server->server, 0 );
    net_tolerate_asserts( 0 );
    CHECK_EQUAL( netcode_server_client_connected( server->server, 0 ), 1 );
    CHECK_EQUAL( netcode_server_client_loopback( server->server, 0 ), 1 );
    net_destroy( net );
}

/* Disconnecting */

static void send_on_disconnect( struct net_endpoint * self, const struct net_event * event )
{
    if ( !event->connected )
        send_payload( self, event->slot, 20, 5 );
}

static void stop_server( struct netcode_server_t * server )
{
    netcode_server_stop( server );
}

static void restart_server( struct netcode_server_t * server )
{
    netcode_server_start( server, 4 );
}

static void disconnect_slot( struct netcode_server_t * server )
{
    netcode_server_disconnect_client( server, 0 );
}

static void disconnect_all( struct netcode_server_t * server )
{
    netcode_server_disconnect_all_clients( server );
}

static void check_event_of_the_leaving( const struct net_event * event, int reason )
{
    struct netcode_address_t address;
    if ( !CHECK( event != NULL ) )
        return;
    address = event->address;
    CHECK_EQUAL( event->connected, 0 );
    CHECK_EQUAL( event->slot, 0 );
    CHECK_EQUAL( event->still_connected, 1 );
    CHECK_EQUAL( event->num_connected, 1 );
    CHECK_EQUAL( event->reason, reason );
    CHECK_EQUAL( event->id, NET_PAIR_ID );
    CHECK( net_address_is( &address, NET_CLIENT ) );
    CHECK_EQUAL( event->user_data[0], 'u' );
    CHECK_EQUAL( event->user_data[NETCODE_USER_DATA_BYTES - 1], 'z' );
}

/* A pair whose client has user data from 'u' to 'z'. */

static struct net_pair pair_with_user_data( void )
{
    const char * address = NET_SERVER;
    struct net_pair pair;
    uint8_t user_data[NETCODE_USER_DATA_BYTES] = { 0 };
    user_data[0] = 'u';
    user_data[NETCODE_USER_DATA_BYTES - 1] = 'z';
    pair.net = net_create();
    pair.server = net_server( pair.net, NET_SERVER, 4 );
    pair.client = net_client( pair.net, NET_CLIENT );
    net_token( pair.net, pair.token, 1, &address, &address, NET_LIFETIME, NET_TIMEOUT, NET_PAIR_ID, user_data );
    CHECK( net_connect_with( pair.client, pair.token ) );
    net_settle( pair.net );
    return pair;
}

static void the_disconnect_callback_sees_the_client_whole( void )
{
    void (*ways[])( struct netcode_server_t * ) = { stop_server, restart_server, disconnect_slot, disconnect_all };
    int i;
    for ( i = 0; i < 4; i++ )
    {
        struct net_pair pair = pair_with_user_data();
        pair.server->on_event = send_on_disconnect;
        net_forget( pair.net );
        ways[i]( pair.server->server );
        CHECK_EQUAL( net_num_events( pair.server ), 1 );
        check_event_of_the_leaving( net_event( pair.server, 0 ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_SERVER_DISCONNECT );

        /* the last payload goes out before the packets that end the connection */
        CHECK( net_sent_types_are( pair.server, "56666666666" ) );
        net_step( pair.net, NET_TICK );
        CHECK_EQUAL( net_state( pair.client ), NETCODE_CLIENT_STATE_DISCONNECTED );
        pair.server->on_event = NULL;
        net_pair_close( &pair );
    }
}

static void a_client_that_leaves_gets_no_reply( void )
{
    struct net_pair pair = pair_with_user_data();
    net_forget( pair.net );
    netcode_client_disconnect( pair.client->client );
    net_update( pair.server, pair.net->time );
    CHECK_EQUAL( pair.server->handed[NET_DISCONNECT], 10 );
    CHECK_EQUAL( net_num_events( pair.server ), 1 );
    check_event_of_the_leaving( net_event( pair.server, 0 ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_CLIENT_DISCONNECT );
    CHECK_EQUAL( net_total_sent( pair.server ), 0 );
    check_empty_slot( pair.server, 0, NETCODE_SERVER_CLIENT_DISCONNECT_REASON_CLIENT_DISCONNECT );
    net_pair_close( &pair );
}

static void one_disconnect_packet_is_enough( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct seal_session session = session_of( &pair );
    net_forget( pair.net );
    seal_from_client( &session, pair.client, pair.server, NET_DISCONNECT, 200, NULL, 0 );
    net_update( pair.server, pair.net->time );
    CHECK( net_history_is( pair.server, "-0:2" ) );
    net_pair_close( &pair );
}

static void disconnecting_nobody_does_nothing( void )
{
    struct net_pair pair = net_pair_open( 4 );
    int i;
    net_forget( pair.net );
    net_tolerate_asserts( 1 );
    for ( i = 0; i < OUTSIDE; i++ )
        netcode_server_disconnect_client( pair.server->server, outside[i] );
    for ( i = 1; i < 4; i++ )
        netcode_server_disconnect_client( pair.server->server, i );
    net_tolerate_asserts( 0 );
    CHECK_EQUAL( net_num_events( pair.server ), 0 );
    CHECK_EQUAL( net_total_sent( pair.server ), 0 );
    CHECK_EQUAL( netcode_server_num_connected_clients( pair.server->server ), 1 );

    netcode_server_disconnect_client( pair.server->server, 0 );
    netcode_server_disconnect_client( pair.server->server, 0 );
    netcode_server_disconnect_all_clients( pair.server->server );
    CHECK( net_history_is( pair.server, "-0:3" ) );
    CHECK_EQUAL( net_total_sent( pair.server ), 10 );
    net_pair_close( &pair );
}

static void disconnect_all_spares_no_real_client( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 8 );
    struct net_endpoint * clients[8];
    char address[64];
    int i;
    for ( i = 0; i < 8; i++ )
    {
        clients[i] = net_client( net, net_client_address( i, address, sizeof( address ) ) );
        CHECK( net_connect( clients[i], server, 1000 + (uint64_t) i ) );
    }
    netcode_server_disconnect_client( server->server, 3 );
    net_forget( net );
    netcode_server_disconnect_all_clients( server->server );
    CHECK_EQUAL( net_num_events( server ), 7 );
    CHECK_EQUAL( server->sent[NET_DISCONNECT], 70 );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );
    CHECK_EQUAL( netcode_server_running( server->server ), 1 );
    net_step( net, NET_TICK );
    for ( i = 0; i < 8; i++ )
        CHECK_EQUAL( net_state( clients[i] ), NETCODE_CLIENT_STATE_DISCONNECTED );
    net_destroy( net );
}

/* Timers */

static void keep_alives_go_out_at_ten_hertz( void )
{
    struct net_pair pair = net_pair_open( 4 );
    double last = pair.net->time + 1.0;
    net_update( pair.server, last );
    net_forget( pair.net );
    net_update( pair.server, last );
    net_update( pair.server, last + 0.05 );
    net_update( pair.server, last + 0.1 - NET_TINY );
    CHECK_EQUAL( net_total_sent( pair.server ), 0 );
    net_update( pair.server, last + 0.1 );
    CHECK_EQUAL( pair.server->sent[NET_KEEP_ALIVE], 1 );
    last = last + 0.1;
    net_update( pair.server, last + 0.1 - NET_TINY );
    CHECK_EQUAL( pair.server->sent[NET_KEEP_ALIVE], 1 );

    /* one at a time, however late */
    last += 2.0;
    net_update( pair.server, last );
    CHECK_EQUAL( pair.server->sent[NET_KEEP_ALIVE], 2 );
    net_update( pair.server, last );
    CHECK_EQUAL( net_total_sent( pair.server ), 2 );
    net_pair_close( &pair );
}

static void the_first_keep_alive_starts_the_timer( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    double connected;
    CHECK( net_connect( client, server, 1000 ) );
    connected = net_event( server, 0 ) ? net_event( server, 0 )->time : 0.0;
    CHECK_EQUAL( server->sent[NET_KEEP_ALIVE], 1 );
    net_update( server, connected + 0.1 - NET_TINY );
    CHECK_EQUAL( server->sent[NET_KEEP_ALIVE], 1 );
    net_update( server, connected + 0.1 );
    CHECK_EQUAL( server->sent[NET_KEEP_ALIVE], 2 );
    net_destroy( net );
}

static void a_payload_puts_the_keep_alive_off( void )
{
    struct net_pair pair = net_pair_open( 4 );
    double last = pair.net->time + 1.0;
    net_update( pair.server, last );
    last += 0.0625;
    net_update( pair.server, last );
    net_forget( pair.net );
    send_payload( pair.server, 0, 1, 1 );
    net_update( pair.server, last + 0.1 - NET_TINY );
    CHECK( net_sent_types_are( pair.server, "5" ) );
    net_update( pair.server, last + 0.1 );
    CHECK( net_sent_types_are( pair.server, "54" ) );
    net_pair_close( &pair );
}

/* Gives the server a last word of the client, the server's clock then being at the time returned. */

static double last_word_of_the_client( struct net_pair * pair )
{
    double last = pair->net->time + 1.0;
    send_keep_alive( pair, 200 );
    net_update( pair->server, last );
    CHECK_EQUAL( pair->server->queued, 0 );
    net_forget( pair->net );
    return last;
}

static void a_silent_client_times_out( void )
{
    struct net_pair pair = pair_with_user_data();
    double last = last_word_of_the_client( &pair );
    net_update( pair.server, last + NET_TIMEOUT - NET_TINY );
    CHECK_EQUAL( netcode_server_client_connected( pair.server->server, 0 ), 1 );
    net_forget( pair.net );

    /* at the very moment, and without disconnect packets */
    net_update( pair.server, last + NET_TIMEOUT );
    CHECK( net_history_is( pair.server, "-0:1" ) );
    check_event_of_the_leaving( net_event( pair.server, 0 ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT );
    CHECK_EQUAL( net_total_sent( pair.server ), 0 );
    check_empty_slot( pair.server, 0, NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT );
    net_pair_close( &pair );
}

static void the_keep_alive_comes_before_the_timeout( void )
{
    struct net_pair pair = net_pair_open( 4 );
    double last = last_word_of_the_client( &pair );
    net_update( pair.server, last + 100.0 );
    CHECK( net_history_is( pair.server, "-0:1" ) );
    CHECK( net_sent_types_are( pair.server, "4" ) );
    net_pair_close( &pair );
}

static void what_arrives_just_in_time_prevents_the_timeout( void )
{
    struct net_pair pair = net_pair_open( 4 );
    double last = last_word_of_the_client( &pair );
    struct seal_session session = session_of( &pair );

    send_keep_alive( &pair, 201 );
    net_update( pair.server, last + 100.0 );
    CHECK_EQUAL( netcode_server_client_connected( pair.server->server, 0 ), 1 );
    last += 100.0;

    /* payloads count as well */
    seal_from_client( &session, pair.client, pair.server, NET_PAYLOAD, 202, (const uint8_t *) "x", 1 );
    net_update( pair.server, last + NET_TIMEOUT );
    CHECK_EQUAL( netcode_server_client_connected( pair.server->server, 0 ), 1 );
    last += NET_TIMEOUT;
    net_update( pair.server, last + NET_TIMEOUT - NET_TINY );
    CHECK_EQUAL( netcode_server_client_connected( pair.server->server, 0 ), 1 );
    net_update( pair.server, last + NET_TIMEOUT );
    CHECK( net_history_is( pair.server, "-0:1" ) );
    net_pair_close( &pair );
}

static void the_response_starts_the_timeout( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    double connected;
    CHECK( net_connect( client, server, 1000 ) );
    client->drop = NET_ALL;
    net_drain( server );
    connected = net_event( server, 0 ) ? net_event( server, 0 )->time : 0.0;
    net_update( server, connected + NET_TIMEOUT - NET_TINY );
    CHECK( net_history_is( server, "+0" ) );
    net_update( server, connected + NET_TIMEOUT );
    CHECK( net_history_is( server, "+0 -0:1" ) );
    net_destroy( net );
}

static void without_a_positive_timeout_nobody_times_out( void )
{
    static const int timeouts[] = { 0, -1, -0x7FFFFFFF - 1 };
    int i, step;
    for ( i = 0; i < 3; i++ )
    {
        struct net * net = net_create();
        struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
        struct net_endpoint * client = net_client( net, NET_CLIENT );
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
        net_token_to( net, token, NET_SERVER, -1, timeouts[i], 1000 );
        netcode_client_connect( client->client, token );
        for ( step = 0; step < 4; step++ )
            net_step( net, 0.0 );
        CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_CONNECTED );
        client->drop = NET_ALL;
        net_update( server, net->time + 1.0e6 );
        CHECK_EQUAL( netcode_server_client_connected( server->server, 0 ), 1 );
        net_destroy( net );
    }
}

static void all_silent_clients_time_out_in_one_update( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 16 );
    char address[64];
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    for ( i = 0; i < 16; i++ )
    {
        struct net_endpoint * client = net_client( net, net_client_address( i, address, sizeof( address ) ) );
        net_token_for( server, token, i % 2 ? NET_TIMEOUT : -1, 1000 + (uint64_t) i );
        CHECK( net_connect_with( client, token ) );
    }
    net_forget( net );
    net_update( server, net->time + 100.0 );
    net_drain( server );
    net_update( server, net->time + 100.0 );
    CHECK( net_history_is( server, "-1:1 -3:1 -5:1 -7:1 -9:1 -11:1 -13:1 -15:1" ) );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 8 );
    net_destroy( net );
}

/* Sending */

static void a_keep_alive_precedes_payloads_until_confirmed( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    uint64_t sequence;
    CHECK( net_connect( client, server, 1000 ) );
    client->drop = 1 << NET_KEEP_ALIVE;
    net_drain( server );
    net_forget( net );
    sequence = netcode_server_next_packet_sequence( server->server, 0 );
    send_payload( server, 0, 10, 1 );
    send_payload( server, 0, 10, 2 );
    CHECK( net_sent_types_are( server, "4545" ) );
    CHECK_EQUAL( netcode_server_next_packet_sequence( server->server, 0 ), sequence + 4 );

    /* a payload of the client confirms it */
    net_forget( net );
    send_payload( client, 0, 10, 1 );
    net_update( server, net->time );
    send_payload( server, 0, 10, 3 );
    CHECK( net_sent_types_are( server, "5" ) );
    CHECK_EQUAL( netcode_server_next_packet_sequence( server->server, 0 ), sequence + 5 );
    net_destroy( net );
}

static void a_keep_alive_confirms_too( void )
{
    struct net_pair pair = net_pair_open( 4 );
    net_forget( pair.net );
    send_payload( pair.server, 0, 10, 1 );
    CHECK( net_sent_types_are( pair.server, "5" ) );
    net_pair_close( &pair );
}

static void payload_sizes_and_slots_are_checked( void )
{
    static const int bad[] = { 0, -1, -1200, 1201, 65536, 0x7FFFFFFF };
    static uint8_t payload[NETCODE_MAX_PACKET_SIZE + 1];
    struct net_pair pair = net_pair_open( 4 );
    uint64_t sequence = netcode_server_next_packet_sequence( pair.server->server, 0 );
    int i;
    net_forget( pair.net );
    net_tolerate_asserts( 1 );
    for ( i = 0; i < (int) ( sizeof( bad ) / sizeof( bad[0] ) ); i++ )
        netcode_server_send_packet( pair.server->server, 0, payload, bad[i] );
    for ( i = 0; i < OUTSIDE; i++ )
        netcode_server_send_packet( pair.server->server, outside[i], payload, 10 );
    for ( i = 1; i < 4; i++ )
        netcode_server_send_packet( pair.server->server, i, payload, 10 );
    CHECK_EQUAL( net_total_sent( pair.server ), 0 );
    CHECK_EQUAL( netcode_server_next_packet_sequence( pair.server->server, 0 ), sequence );
    netcode_server_send_packet( pair.server->server, 0, payload, 1 );
    netcode_server_send_packet( pair.server->server, 0, payload, NETCODE_MAX_PACKET_SIZE );
    CHECK( net_sent_types_are( pair.server, "55" ) );
    CHECK_EQUAL( netcode_server_next_packet_sequence( pair.server->server, 0 ), sequence + 2 );

    netcode_server_stop( pair.server->server );
    net_forget( pair.net );
    netcode_server_send_packet( pair.server->server, 0, payload, 10 );
    CHECK_EQUAL( net_total_sent( pair.server ), 0 );
    net_pair_close( &pair );
}

static void every_packet_to_a_client_has_its_own_sequence( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct net_endpoint * other = net_client( pair.net, ANOTHER_CLIENT );
    uint64_t expected = 0;
    int i;
    CHECK( net_connect( other, pair.server, 2000 ) );
    for ( i = 0; i < 20; i++ )
    {
        send_payload( pair.server, i % 2, 10, i );
        net_step( pair.net, NET_TICK );
    }
    CHECK_EQUAL( netcode_server_next_packet_sequence( pair.server->server, 2 ), 0 );
    netcode_server_disconnect_client( pair.server->server, 0 );
    for ( i = 0; i < pair.net->num_records; i++ )
    {
        const struct net_datagram * record = pair.net->records[i];
        struct netcode_address_t to = record->to;
        if ( record->sender == pair.server && net_type( record ) >= NET_KEEP_ALIVE && netcode_address_equal( &to, &pair.client->address ) )
        {
            CHECK_EQUAL( net_sequence( record ), expected );
            expected++;
        }
    }
    CHECK( expected > 20 );
    net_pair_close( &pair );
}

/* Receiving */

static void payloads_of_every_size_arrive_whole_both_ways( void )
{
    struct net_pair pair = net_pair_open( 4 );
    int size, behind = 0;
    for ( size = 1; size <= NETCODE_MAX_PACKET_SIZE; size++ )
    {
        uint64_t to_client = netcode_server_next_packet_sequence( pair.server->server, 0 );
        uint64_t to_server = netcode_client_next_packet_sequence( pair.client->client );
        uint64_t sequence = 0;
        int bytes = 0, i;
        uint8_t * packet;
        send_payload( pair.client, 0, size, 1 );
        send_payload( pair.server, 0, size, 2 );
        net_update( pair.client, pair.net->time );
        net_update( pair.server, pair.net->time );

        packet = netcode_server_receive_packet( pair.server->server, 0, &bytes, &sequence );
        REQUIRE( packet != NULL );
        CHECK_EQUAL( bytes, size );
        CHECK_EQUAL( sequence, to_server );
        CHECK( net_filled( packet, size, 1 ) );
        /* bit readers load eight bytes at a time; memory checkers watch this */
        for ( i = 0; i < 8; i++ )
            behind |= packet[size + i];
        netcode_server_free_packet( pair.server->server, packet );

        packet = netcode_client_receive_packet( pair.client->client, &bytes, &sequence );
        REQUIRE( packet != NULL );
        CHECK_EQUAL( bytes, size );
        CHECK_EQUAL( sequence, to_client );
        CHECK( net_filled( packet, size, 2 ) );
        for ( i = 0; i < 8; i++ )
            behind |= packet[size + i];
        netcode_client_free_packet( pair.client->client, packet );
    }
    check_nothing_to_receive( pair.server, 0 );
    CHECK( behind <= 0xFF );
    net_pair_close( &pair );
}

static void a_full_queue_drops_the_newest( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint64_t first, sequence = 0;
    uint8_t * packet;
    int i, bytes = 0;
    net_update( pair.server, pair.net->time );
    first = netcode_client_next_packet_sequence( pair.client->client );
    for ( i = 0; i < 300; i++ )
        send_payload( pair.client, 0, 4 + i % 3, i );
    net_update( pair.server, pair.net->time );

    /* one taken out makes room for one */
    packet = netcode_server_receive_packet( pair.server->server, 0, &bytes, &sequence );
    REQUIRE( packet != NULL );
    CHECK_EQUAL( sequence, first );
    netcode_server_free_packet( pair.server->server, packet );
    send_payload( pair.client, 0, 4 + 300 % 3, 300 );
    send_payload( pair.client, 0, 4 + 301 % 3, 301 );
    net_update( pair.server, pair.net->time );
    for ( i = 1; i <= 256; i++ )
    {
        int seed = i == 256 ? 300 : i;
        packet = netcode_server_receive_packet( pair.server->server, 0, &bytes, &sequence );
        REQUIRE( packet != NULL );
        CHECK_EQUAL( sequence, first + (uint64_t) seed );
        CHECK_EQUAL( bytes, 4 + seed % 3 );
        CHECK( net_filled( packet, bytes, seed ) );
        netcode_server_free_packet( pair.server->server, packet );
    }
    check_nothing_to_receive( pair.server, 0 );
    CHECK_EQUAL( netcode_server_client_connected( pair.server->server, 0 ), 1 );
    net_pair_close( &pair );
}

static void one_full_queue_does_not_crowd_out_others( void )
{
    struct net_pair pair = net_pair_open( 4 );
    struct net_endpoint * quiet = net_client( pair.net, ANOTHER_CLIENT );
    int i;
    CHECK( net_connect( quiet, pair.server, 2000 ) );
    for ( i = 0; i < 400; i++ )
        send_payload( pair.client, 0, 100, i );
    send_payload( quiet, 0, 100, 1 );
    net_update( pair.server, pair.net->time );
    CHECK_EQUAL( net_discard_payloads( pair.server, 0 ), 256 );
    CHECK_EQUAL( net_discard_payloads( pair.server, 1 ), 1 );
    net_pair_close( &pair );
}

static uint8_t * receive_one( struct net_pair * pair, int seed )
{
    uint8_t * packet;
    int bytes = 0;
    send_payload( pair->client, 0, 600, seed );
    net_update( pair->server, pair->net->time );
    packet = netcode_server_receive_packet( pair->server->server, 0, &bytes, NULL );
    CHECK( packet && bytes == 600 );
    return packet;
}

static void packets_in_hand_survive_the_slot_and_the_stop( void )
{
    struct net_pair pair = net_pair_open( 4 );
    uint8_t * first = receive_one( &pair, 1 ), * second = receive_one( &pair, 2 ), * third;
    REQUIRE( first && second );
    send_payload( pair.client, 0, 600, 9 );
    net_update( pair.server, pair.net->time );

    netcode_server_disconnect_client( pair.server->server, 0 );
    CHECK( net_filled( first, 600, 1 ) );
    netcode_server_free_packet( pair.server->server, first );

    net_step( pair.net, NET_TICK );
    CHECK( net_connect( pair.client, pair.server, 2000 ) );
    third = receive_one( &pair, 3 );
    REQUIRE( third != NULL );
    netcode_server_stop( pair.server->server );
    CHECK( net_filled( second, 600, 2 ) );
    CHECK( net_filled( third, 600, 3 ) );
    netcode_server_free_packet( pair.server->server, second );
    netcode_server_start( pair.server->server, 1 );
    netcode_server_free_packet( pair.server->server, third );
    net_pair_close( &pair );
}

static void reordered_payloads_arrive_and_doubled_ones_once( void )
{
    static const uint64_t order[] = { 205, 203, 204, 202 };
    struct net_pair pair = net_pair_open( 4 );
    struct seal_session session = session_of( &pair );
    uint64_t sequence = 0;
    int i, bytes;
    for ( i = 0; i < 8; i++ )
        seal_from_client( &session, pair.client, pair.server, NET_PAYLOAD, order[i / 2], (const uint8_t *) "abc", 3 );
    net_update( pair.server, pair.net->time );
    for ( i = 0; i < 4; i++ )
    {
        uint8_t * packet = netcode_server_receive_packet( pair.server->server, 0, &bytes, &sequence );
        REQUIRE( packet != NULL );
        CHECK_EQUAL( sequence, order[i] );
        netcode_server_free_packet( pair.server->server, packet );
    }
    check_nothing_to_receive( pair.server, 0 );
    net_pair_close( &pair );
}

static void clients_are_kept_apart( void )
{
    enum { CLIENTS = 8, PACKETS = 20 };
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, CLIENTS );
    struct net_endpoint * clients[CLIENTS];
    char address[64];
    int i, n;
    for ( i = 0; i < CLIENTS; i++ )
    {
        clients[i] = net_client( net, net_client_address( i, address, sizeof( address ) ) );
        CHECK( net_connect( clients[i], server, 1000 + (uint64_t) i ) );
    }
    net_settle( net );
    for ( n = 0; n < PACKETS; n++ )
    {
        for ( i = 0; i < CLIENTS; i++ )
        {
            send_payload( clients[i], 0, 10 + n, i );
            send_payload( server, i, 10 + n, 100 + i );
        }
        net_step( net, NET_TICK );
    }
    net_step( net, 0.0 );
    for ( n = 0; n < PACKETS; n++ )
    {
        for ( i = 0; i < CLIENTS; i++ )
        {
            int bytes = 0;
            uint8_t * packet = netcode_server_receive_packet( server->server, i, &bytes, NULL );
            REQUIRE( packet != NULL );
            CHECK( bytes == 10 + n && net_filled( packet, bytes, i ) );
            netcode_server_free_packet( server->server, packet );
            packet = netcode_client_receive_packet( clients[i]->client, &bytes, NULL );
            REQUIRE( packet != NULL );
            CHECK( bytes == 10 + n && net_filled( packet, bytes, 100 + i ) );
            netcode_client_free_packet( clients[i]->client, packet );
        }
    }
    net_destroy( net );
}

static void a_server_can_be_fed_by_hand( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    net_update( server, net->time );
    netcode_client_connect( client->client, token );
    for ( i = 0; i < 3; i++ )
    {
        net_update( client, net->time + NET_TICK );
        net_feed( server );
    }
    CHECK( net_history_is( client, "0>1 1>2 2>3" ) );
    CHECK( net_history_is( server, "+0" ) );
    send_payload( client, 0, 30, 1 );
    net_feed( server );
    CHECK_EQUAL( net_discard_payloads( server, 0 ), 1 );

    /* its clock is that of the last update: the client came in at NET_START_TIME */
    client->drop = NET_ALL;
    net_update( server, NET_START_TIME + NET_TIMEOUT - NET_TINY );
    CHECK( net_history_is( server, "+0" ) );
    net_update( server, NET_START_TIME + NET_TIMEOUT );
    CHECK( net_history_is( server, "+0 -0:1" ) );
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

    TEST( clients_take_the_lowest_free_slot );
    TEST( two_hundred_and_fifty_six_clients_fit );
    TEST( a_denied_packet_uses_the_global_sequence );
    TEST( empty_slots_and_none_at_all_answer_neutrally );
    TEST( a_slot_keeps_only_its_last_reason );
    TEST( a_new_client_does_not_inherit_anything );

    TEST( user_data_and_id_come_from_the_token );
    TEST( the_first_keep_alive_goes_out_before_the_callback );
    TEST( a_payload_sent_in_the_connect_callback_arrives );
    TEST( a_connected_id_is_refused_from_elsewhere );
    TEST( a_connected_source_is_refused_another_slot );
    TEST( of_two_challenged_with_one_id_the_first_to_answer_wins );
    TEST( the_id_of_a_loopback_client_is_refused );

    TEST( stop_disconnects_real_clients_before_loopback_ones );
    TEST( disconnect_calls_leave_loopback_clients_alone );
    TEST( the_disconnect_callback_sees_the_client_whole );
    TEST( a_client_that_leaves_gets_no_reply );
    TEST( one_disconnect_packet_is_enough );
    TEST( disconnecting_nobody_does_nothing );
    TEST( disconnect_all_spares_no_real_client );

    TEST( keep_alives_go_out_at_ten_hertz );
    TEST( the_first_keep_alive_starts_the_timer );
    TEST( a_payload_puts_the_keep_alive_off );
    TEST( a_silent_client_times_out );
    TEST( the_keep_alive_comes_before_the_timeout );
    TEST( what_arrives_just_in_time_prevents_the_timeout );
    TEST( the_response_starts_the_timeout );
    TEST( without_a_positive_timeout_nobody_times_out );
    TEST( all_silent_clients_time_out_in_one_update );

    TEST( a_keep_alive_precedes_payloads_until_confirmed );
    TEST( a_keep_alive_confirms_too );
    TEST( payload_sizes_and_slots_are_checked );
    TEST( every_packet_to_a_client_has_its_own_sequence );

    TEST( payloads_of_every_size_arrive_whole_both_ways );
    TEST( a_full_queue_drops_the_newest );
    TEST( one_full_queue_does_not_crowd_out_others );
    TEST( packets_in_hand_survive_the_slot_and_the_stop );
    TEST( reordered_payloads_arrive_and_doubled_ones_once );
    TEST( clients_are_kept_apart );
    TEST( a_server_can_be_fed_by_hand );

    return tests_done();
}
