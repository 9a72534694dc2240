/*
 * The slots of a server: which one a client gets, what stands in it before, while and after it is taken, and who is
 * refused one, loopback clients among them.
 */
#include "server.h"

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

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );

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

    return tests_done();
}
