/*
 * Loopback clients: alone, wired together, and among real ones.
 */
#include <netcode.h>
#include "test.h"
#include "asserts.h"
#include "net.h"
#include <stdarg.h>

/* What an endpoint handed to its loopback callback; net_endpoint.user points to it. */
struct outbox
{
    int calls;
    int client_index;
    int bytes;
    uint64_t sequence;
    uint8_t data[NETCODE_MAX_PACKET_SIZE];

    struct net_endpoint * other; /* passed on to this one, if set */
};

static void post( void * context, int client_index, const uint8_t * data, int bytes, uint64_t sequence )
{
    struct net_endpoint * self = (struct net_endpoint *) context;
    struct outbox * outbox = (struct outbox *) self->user;
    if ( !CHECK( data && bytes >= 1 && bytes <= NETCODE_MAX_PACKET_SIZE ) )
        return;
    outbox->calls++;
    outbox->client_index = client_index;
    outbox->bytes = bytes;
    outbox->sequence = sequence;
    memcpy( outbox->data, data, (size_t) bytes );
    if ( outbox->other && outbox->other->server )
        netcode_server_process_loopback_packet( outbox->other->server, client_index, data, bytes, sequence );
    else if ( outbox->other && outbox->other->client )
        netcode_client_process_loopback_packet( outbox->other->client, data, bytes, sequence );
}

static struct net_endpoint * loopback_server( struct net * net, int max_clients, struct outbox * outbox )
{
    struct netcode_server_config_t config;
    struct net_endpoint * server;
    memset( &config, 0, sizeof( config ) );
    netcode_default_server_config( &config );
    config.send_loopback_packet_callback = post;
    server = net_server_with( net, NET_SERVER, max_clients, config );
    memset( outbox, 0, sizeof( *outbox ) );
    server->user = outbox;
    return server;
}

static struct net_endpoint * loopback_client( struct net * net, struct outbox * outbox )
{
    struct netcode_client_config_t config;
    struct net_endpoint * client;
    memset( &config, 0, sizeof( config ) );
    netcode_default_client_config( &config );
    config.send_loopback_packet_callback = post;
    client = net_client_with( net, NET_CLIENT, config );
    memset( outbox, 0, sizeof( *outbox ) );
    client->user = outbox;
    return client;
}

static int all_zero( const uint8_t * data, int bytes )
{
    while ( bytes > 0 && data[bytes - 1] == 0 )
        bytes--;
    return bytes == 0;
}

/* ---- the log, for what is refused with an ERROR ---- */

static int messages;

static int count_messages( const char * format, ... )
{
    (void) format;
    messages++;
    return 0;
}

static void begin_counting_errors( void )
{
    messages = 0;
    netcode_set_printf_function( count_messages );
    netcode_log_level( NETCODE_LOG_LEVEL_ERROR );
}

static int end_counting_errors( void )
{
    netcode_log_level( NETCODE_LOG_LEVEL_NONE );
    return messages;
}

/* ---- clients ---- */

static void a_client_connects_at_once_and_without_a_callback( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * client = loopback_client( net, &outbox );
    CHECK_EQUAL( netcode_client_loopback( client->client ), 0 );
    netcode_client_connect_loopback( client->client, 3, 16 );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_CONNECTED );
    CHECK_EQUAL( netcode_client_loopback( client->client ), 1 );
    CHECK_EQUAL( netcode_client_index( client->client ), 3 );
    CHECK_EQUAL( netcode_client_max_clients( client->client ), 16 );
    CHECK( net_history_is( client, "" ) );
    CHECK_EQUAL( net_total_sent( client ), 0 );
    net_destroy( net );
}

static void a_client_sends_to_the_callback( void )
{
    static const int sizes[] = { 1, 2, 100, 1199, 1200 };
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * client = loopback_client( net, &outbox );
    uint8_t data[NETCODE_MAX_PACKET_SIZE];
    int i;
    netcode_client_connect_loopback( client->client, 3, 16 );
    for ( i = 0; i < 5; i++ )
    {
        CHECK_EQUAL( netcode_client_next_packet_sequence( client->client ), i );
        net_fill( data, sizes[i], i );
        netcode_client_send_packet( client->client, data, sizes[i] );
        CHECK_EQUAL( outbox.calls, i + 1 );
        CHECK_EQUAL( outbox.client_index, 3 );
        CHECK_EQUAL( outbox.bytes, sizes[i] );
        CHECK_EQUAL( outbox.sequence, i );
        CHECK( net_filled( outbox.data, sizes[i], i ) );
    }
    CHECK_EQUAL( net_total_sent( client ), 0 );
    net_destroy( net );
}

static void a_client_receives_what_is_processed( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * client = loopback_client( net, &outbox );
    uint8_t data[NETCODE_MAX_PACKET_SIZE], * packet;
    uint64_t sequence;
    int i, bytes = 12345;
    netcode_client_connect_loopback( client->client, 0, 1 );
    CHECK( netcode_client_receive_packet( client->client, &bytes, &sequence ) == NULL );
    CHECK_EQUAL( bytes, 12345 );
    for ( i = 0; i < 10; i++ )
    {
        net_fill( data, 1 + i * 133, i );
        netcode_client_process_loopback_packet( client->client, data, 1 + i * 133, 1000 + (uint64_t) i );
    }
    memset( data, 0, sizeof( data ) ); /* it was copied */
    for ( i = 0; i < 10; i++ )
    {
        packet = netcode_client_receive_packet( client->client, &bytes, &sequence );
        REQUIRE( packet != NULL );
        CHECK_EQUAL( bytes, 1 + i * 133 );
        CHECK_EQUAL( sequence, 1000 + i );
        CHECK( net_filled( packet, bytes, i ) );
        netcode_client_free_packet( client->client, packet );
    }
    CHECK( netcode_client_receive_packet( client->client, &bytes, &sequence ) == NULL );
    net_destroy( net );
}

static void no_sequence_is_a_replay_on_loopback( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * client = loopback_client( net, &outbox );
    uint8_t data[4] = { 1, 2, 3, 4 };
    netcode_client_connect_loopback( client->client, 0, 1 );
    netcode_client_process_loopback_packet( client->client, data, 4, 100000 );
    netcode_client_process_loopback_packet( client->client, data, 4, 100000 );
    netcode_client_process_loopback_packet( client->client, data, 4, 0 );
    CHECK_EQUAL( net_discard_payloads( client, 0 ), 3 );
    net_destroy( net );
}

static void a_clients_loopback_queue_holds_256_packets( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * client = loopback_client( net, &outbox );
    uint8_t data[4] = { 0 }, * packet;
    uint64_t sequence = 99;
    int i, bytes;
    netcode_client_connect_loopback( client->client, 0, 1 );
    for ( i = 0; i < 300; i++ )
        netcode_client_process_loopback_packet( client->client, data, 4, (uint64_t) i );
    packet = netcode_client_receive_packet( client->client, &bytes, &sequence );
    REQUIRE( packet != NULL );
    CHECK_EQUAL( sequence, 0 ); /* the new ones were dropped, not the old */
    netcode_client_free_packet( client->client, packet );
    CHECK_EQUAL( net_discard_payloads( client, 0 ), 255 );
    net_destroy( net );
}

static void a_loopback_client_neither_sends_nor_receives_nor_times_out( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * client = loopback_client( net, &outbox );
    netcode_client_connect_loopback( client->client, 0, 1 );
    net_steps( net, 1000, 1.0 );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_CONNECTED );
    CHECK_EQUAL( client->receive_calls, 0 );
    CHECK_EQUAL( net_total_sent( client ), 0 );
    CHECK_EQUAL( outbox.calls, 0 );
    net_destroy( net );
}

static void disconnecting_a_loopback_client_calls_back( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * client = loopback_client( net, &outbox );
    uint8_t data[4] = { 0 };
    netcode_client_connect_loopback( client->client, 3, 16 );
    netcode_client_process_loopback_packet( client->client, data, 4, 0 );
    netcode_client_disconnect_loopback( client->client );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    CHECK_EQUAL( netcode_client_loopback( client->client ), 0 );
    CHECK_EQUAL( netcode_client_index( client->client ), 0 );
    CHECK_EQUAL( netcode_client_max_clients( client->client ), 0 );
    CHECK( net_history_is( client, "3>0" ) );
    CHECK_EQUAL( net_discard_payloads( client, 0 ), 0 );
    CHECK_EQUAL( net_total_sent( client ), 0 );
    /* sends go nowhere now */
    netcode_client_send_packet( client->client, data, 4 );
    CHECK_EQUAL( outbox.calls, 0 );
    net_destroy( net );
}

static void every_loopback_connection_starts_at_sequence_zero( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * client = loopback_client( net, &outbox );
    uint8_t data[4] = { 0 };
    int round;
    for ( round = 0; round < 3; round++ )
    {
        netcode_client_connect_loopback( client->client, round, 4 );
        netcode_client_send_packet( client->client, data, 4 );
        CHECK_EQUAL( outbox.sequence, 0 );
        CHECK_EQUAL( outbox.client_index, round );
        netcode_client_send_packet( client->client, data, 4 );
        CHECK_EQUAL( outbox.sequence, 1 );
        netcode_client_disconnect_loopback( client->client );
    }
    net_destroy( net );
}

static void a_client_alternates_between_loopback_and_network( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    struct net_endpoint * client = loopback_client( net, &outbox );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int round;
    for ( round = 0; round < 3; round++ )
    {
        netcode_client_connect_loopback( client->client, 0, 4 );
        net_steps( net, 100, 1.0 ); /* the clock runs on, or the next connect would time out at once */
        netcode_client_disconnect_loopback( client->client );
        net_token_for( server, token, 1, 1 );
        CHECK( net_connect_with( client, token ) );
        CHECK_EQUAL( netcode_client_loopback( client->client ), 0 );
        netcode_client_disconnect( client->client );
        net_step( net, NET_TICK );
    }
    net_destroy( net );
}

static void a_client_in_an_error_state_may_connect_loopback( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * client = loopback_client( net, &outbox );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    memset( token, 0, sizeof( token ) );
    netcode_client_connect( client->client, token );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN );
    netcode_client_connect_loopback( client->client, 0, 4 );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_CONNECTED );
    CHECK_EQUAL( netcode_client_loopback( client->client ), 1 );
    net_destroy( net );
}

static void a_busy_client_refuses_to_connect_loopback( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    struct net_endpoint * client = loopback_client( net, &outbox );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    netcode_set_assert_function( count_assert );
    net_token_for( server, token, 5, 1 );
    netcode_client_connect( client->client, token );
    CHECK_TOLERATED( netcode_client_connect_loopback( client->client, 3, 16 ) );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    CHECK_EQUAL( netcode_client_loopback( client->client ), 0 );
    CHECK( net_run_until( client, NETCODE_CLIENT_STATE_CONNECTED ) );
    CHECK_TOLERATED( netcode_client_connect_loopback( client->client, 3, 16 ) );
    CHECK_EQUAL( netcode_client_loopback( client->client ), 0 );
    CHECK_EQUAL( netcode_client_index( client->client ), 0 );
    CHECK_EQUAL( netcode_client_max_clients( client->client ), 4 );
    net_destroy( net );
}

static void destroying_a_loopback_client_is_fine( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * client = loopback_client( net, &outbox );
    uint8_t data[4] = { 0 };
    netcode_client_connect_loopback( client->client, 0, 1 );
    netcode_client_process_loopback_packet( client->client, data, 4, 0 );
    net_destroy_endpoint( client );
    CHECK_EQUAL( net_total_sent( client ), 0 );
    net_destroy( net );
}

/* ---- servers ---- */

static void a_server_takes_a_loopback_client( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, 4, &outbox );
    uint8_t user_data[NETCODE_USER_DATA_BYTES];
    const struct net_event * event;
    struct netcode_address_t * address;
    net_fill( user_data, (int) sizeof( user_data ), 9 );
    netcode_server_connect_loopback_client( server->server, 2, 0xFEDCBA9876543210ull, user_data );
    memset( user_data, 0, sizeof( user_data ) ); /* it was copied */
    CHECK_EQUAL( netcode_server_client_connected( server->server, 2 ), 1 );
    CHECK_EQUAL( netcode_server_client_loopback( server->server, 2 ), 1 );
    CHECK_EQUAL( netcode_server_client_loopback( server->server, 0 ), 0 );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 1 );
    CHECK( netcode_server_client_id( server->server, 2 ) == 0xFEDCBA9876543210ull );
    CHECK( net_filled( (const uint8_t *) netcode_server_client_user_data( server->server, 2 ), NETCODE_USER_DATA_BYTES, 9 ) );
    address = netcode_server_client_address( server->server, 2 );
    CHECK( address && address->type == NETCODE_ADDRESS_NONE );
    CHECK_EQUAL( netcode_server_client_disconnect_reason( server->server, 2 ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE );

    CHECK( net_history_is( server, "+2" ) );
    event = net_last_event( server );
    REQUIRE( event != NULL );
    CHECK_EQUAL( event->still_connected, 1 );
    CHECK_EQUAL( event->num_connected, 1 );
    CHECK( event->id == 0xFEDCBA9876543210ull );
    CHECK_EQUAL( event->next_sequence, 0 );
    CHECK_EQUAL( event->address.type, NETCODE_ADDRESS_NONE );
    CHECK( net_filled( event->user_data, NETCODE_USER_DATA_BYTES, 9 ) );
    net_destroy( net );
}

static void a_loopback_client_without_user_data_has_zeros( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, 4, &outbox );
    uint8_t user_data[NETCODE_USER_DATA_BYTES];
    int round;
    for ( round = 0; round < 2; round++ )
    {
        netcode_server_connect_loopback_client( server->server, 0, 1, NULL );
        CHECK( all_zero( (const uint8_t *) netcode_server_client_user_data( server->server, 0 ), NETCODE_USER_DATA_BYTES ) );
        netcode_server_disconnect_loopback_client( server->server, 0 );
        /* not what the slot's last client had */
        net_fill( user_data, (int) sizeof( user_data ), 9 );
        netcode_server_connect_loopback_client( server->server, 0, 1, user_data );
        netcode_server_disconnect_loopback_client( server->server, 0 );
    }
    net_destroy( net );
}

static void a_server_sends_to_the_callback( void )
{
    static const int sizes[] = { 1, 2, 100, 1199, 1200 };
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, 4, &outbox );
    uint8_t data[NETCODE_MAX_PACKET_SIZE];
    int i;
    netcode_server_connect_loopback_client( server->server, 3, 1, NULL );
    for ( i = 0; i < 5; i++ )
    {
        CHECK_EQUAL( netcode_server_next_packet_sequence( server->server, 3 ), i );
        net_fill( data, sizes[i], i );
        netcode_server_send_packet( server->server, 3, data, sizes[i] );
        CHECK_EQUAL( outbox.calls, i + 1 );
        CHECK_EQUAL( outbox.client_index, 3 );
        CHECK_EQUAL( outbox.bytes, sizes[i] );
        CHECK_EQUAL( outbox.sequence, i );
        CHECK( net_filled( outbox.data, sizes[i], i ) );
    }
    /* confirmed from the start: no keep-alive before a payload, and nothing on the network at all */
    CHECK_EQUAL( net_total_sent( server ), 0 );
    net_destroy( net );
}

static void a_server_receives_what_is_processed( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, 4, &outbox );
    uint8_t data[NETCODE_MAX_PACKET_SIZE], * packet;
    uint64_t sequence;
    int i, bytes;
    netcode_server_connect_loopback_client( server->server, 1, 1, NULL );
    netcode_server_connect_loopback_client( server->server, 2, 2, NULL );
    for ( i = 0; i < 10; i++ )
    {
        net_fill( data, 1 + i * 133, i );
        netcode_server_process_loopback_packet( server->server, 1, data, 1 + i * 133, 1000 + (uint64_t) i );
    }
    memset( data, 0, sizeof( data ) );
    CHECK( netcode_server_receive_packet( server->server, 2, &bytes, &sequence ) == NULL );
    for ( i = 0; i < 10; i++ )
    {
        packet = netcode_server_receive_packet( server->server, 1, &bytes, &sequence );
        REQUIRE( packet != NULL );
        CHECK_EQUAL( bytes, 1 + i * 133 );
        CHECK_EQUAL( sequence, 1000 + i );
        CHECK( net_filled( packet, bytes, i ) );
        netcode_server_free_packet( server->server, packet );
    }
    CHECK( netcode_server_receive_packet( server->server, 1, &bytes, &sequence ) == NULL );
    net_destroy( net );
}

static void a_servers_loopback_queue_holds_256_packets( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, 4, &outbox );
    uint8_t data[4] = { 0 };
    int i;
    netcode_server_connect_loopback_client( server->server, 1, 1, NULL );
    for ( i = 0; i < 300; i++ )
        netcode_server_process_loopback_packet( server->server, 1, data, 4, (uint64_t) i );
    CHECK_EQUAL( net_discard_payloads( server, 1 ), 256 );
    net_destroy( net );
}

static void a_loopback_client_of_a_server_never_times_out( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, 4, &outbox );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];

    /* even where the slot's previous client had a timeout */
    net_token_for( server, token, 1, 1 );
    CHECK( net_connect_with( client, token ) );
    netcode_client_disconnect( client->client );
    net_step( net, NET_TICK );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );

    netcode_server_connect_loopback_client( server->server, 0, 1, NULL );
    net_forget( net );
    net_steps( net, 1000, 1.0 );
    CHECK_EQUAL( netcode_server_client_connected( server->server, 0 ), 1 );
    CHECK_EQUAL( net_num_events( server ), 0 );
    CHECK_EQUAL( net_total_sent( server ), 0 ); /* no keep-alives either */
    CHECK_EQUAL( outbox.calls, 0 );
    net_destroy( net );
}

static void disconnecting_a_servers_loopback_client_calls_back_with_its_data( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, 4, &outbox );
    uint8_t user_data[NETCODE_USER_DATA_BYTES], data[4] = { 0 };
    const struct net_event * event;
    net_fill( user_data, (int) sizeof( user_data ), 9 );
    netcode_server_connect_loopback_client( server->server, 2, 77, user_data );
    netcode_server_process_loopback_packet( server->server, 2, data, 4, 0 );
    netcode_server_disconnect_loopback_client( server->server, 2 );
    CHECK( net_history_is( server, "+2 -2:3" ) );
    event = net_last_event( server );
    REQUIRE( event != NULL );
    CHECK_EQUAL( event->still_connected, 1 );
    CHECK_EQUAL( event->num_connected, 1 );
    CHECK_EQUAL( event->id, 77 );
    CHECK( net_filled( event->user_data, NETCODE_USER_DATA_BYTES, 9 ) );

    CHECK_EQUAL( netcode_server_client_connected( server->server, 2 ), 0 );
    CHECK_EQUAL( netcode_server_client_loopback( server->server, 2 ), 0 );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );
    CHECK_EQUAL( netcode_server_client_id( server->server, 2 ), 0 );
    CHECK( all_zero( (const uint8_t *) netcode_server_client_user_data( server->server, 2 ), NETCODE_USER_DATA_BYTES ) );
    CHECK_EQUAL( netcode_server_client_disconnect_reason( server->server, 2 ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_SERVER_DISCONNECT );
    CHECK_EQUAL( net_discard_payloads( server, 2 ), 0 );
    CHECK_EQUAL( net_total_sent( server ), 0 );

    /* the slot is as good as new */
    netcode_server_connect_loopback_client( server->server, 2, 78, NULL );
    CHECK_EQUAL( netcode_server_client_disconnect_reason( server->server, 2 ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE );
    CHECK_EQUAL( netcode_server_next_packet_sequence( server->server, 2 ), 0 );
    CHECK_EQUAL( net_discard_payloads( server, 2 ), 0 );
    net_destroy( net );
}

static void any_number_of_loopback_clients_with_any_ids( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, NETCODE_MAX_CLIENTS, &outbox );
    uint8_t data[4] = { 0 };
    int i;
    for ( i = 0; i < NETCODE_MAX_CLIENTS; i++ )
        netcode_server_connect_loopback_client( server->server, i, 5, NULL );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), NETCODE_MAX_CLIENTS );
    for ( i = 0; i < NETCODE_MAX_CLIENTS; i++ )
    {
        netcode_server_send_packet( server->server, i, data, 4 );
        CHECK_EQUAL( outbox.client_index, i );
        CHECK_EQUAL( netcode_server_client_id( server->server, i ), 5 );
    }
    netcode_server_stop( server->server );
    CHECK_EQUAL( net_num_events( server ), 2 * NETCODE_MAX_CLIENTS );
    net_destroy( net );
}

/* ---- client and server in one process ---- */

static void client_and_server_wired_together( void )
{
    struct outbox server_outbox, client_outbox;
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, 4, &server_outbox ), * client = loopback_client( net, &client_outbox );
    uint8_t data[NETCODE_MAX_PACKET_SIZE], * packet;
    uint64_t sequence;
    int i, bytes;
    server_outbox.other = client;
    client_outbox.other = server;
    netcode_client_connect_loopback( client->client, 1, 4 );
    netcode_server_connect_loopback_client( server->server, 1, 1, NULL );
    for ( i = 0; i < 1000; i++ )
    {
        int size = 1 + i % NETCODE_MAX_PACKET_SIZE;
        net_fill( data, size, i );
        netcode_client_send_packet( client->client, data, size );
        netcode_server_send_packet( server->server, 1, data, size );
        if ( i % 10 == 0 )
            net_step( net, NET_TICK );
        packet = netcode_server_receive_packet( server->server, 1, &bytes, &sequence );
        REQUIRE( packet != NULL );
        CHECK_EQUAL( bytes, size );
        CHECK_EQUAL( sequence, i );
        CHECK( net_filled( packet, bytes, i ) );
        netcode_server_free_packet( server->server, packet );
        packet = netcode_client_receive_packet( client->client, &bytes, &sequence );
        REQUIRE( packet != NULL );
        CHECK_EQUAL( bytes, size );
        CHECK_EQUAL( sequence, i );
        CHECK( net_filled( packet, bytes, i ) );
        netcode_client_free_packet( client->client, packet );
    }
    CHECK_EQUAL( net_total_sent( server ) + net_total_sent( client ), 0 );
    net_destroy( net );
}

/* ---- among real clients ---- */

struct crowd
{
    struct net * net;
    struct net_endpoint * server, * client;
    struct outbox outbox;
};

/* Loopback clients in slots 0 and 2, a real one in slot 1. */
static void crowd_open( struct crowd * crowd, int max_clients )
{
    crowd->net = net_create();
    crowd->server = loopback_server( crowd->net, max_clients, &crowd->outbox );
    crowd->client = net_client( crowd->net, NET_CLIENT );
    netcode_server_connect_loopback_client( crowd->server->server, 0, 1000, NULL );
    netcode_server_connect_loopback_client( crowd->server->server, 2, 1002, NULL );
    CHECK( net_connect( crowd->client, crowd->server, 1001 ) );
    net_settle( crowd->net );
}

static void real_clients_take_the_lowest_slot_that_is_left( void )
{
    struct crowd crowd;
    crowd_open( &crowd, 4 );
    CHECK_EQUAL( netcode_client_index( crowd.client->client ), 1 );
    CHECK_EQUAL( netcode_server_client_id( crowd.server->server, 1 ), 1001 );
    CHECK_EQUAL( netcode_server_client_loopback( crowd.server->server, 1 ), 0 );
    CHECK_EQUAL( netcode_server_num_connected_clients( crowd.server->server ), 3 );
    CHECK( net_history_is( crowd.server, "+0 +2 +1" ) );
    net_destroy( crowd.net );
}

static void payloads_go_where_they_belong( void )
{
    struct crowd crowd;
    uint8_t data[100];
    crowd_open( &crowd, 4 );
    net_fill( data, 100, 1 );
    netcode_server_send_packet( crowd.server->server, 0, data, 100 );
    CHECK_EQUAL( crowd.outbox.calls, 1 );
    netcode_server_send_packet( crowd.server->server, 1, data, 100 );
    CHECK_EQUAL( crowd.outbox.calls, 1 );
    netcode_server_send_packet( crowd.server->server, 2, data, 100 );
    CHECK_EQUAL( crowd.outbox.calls, 2 );
    netcode_client_send_packet( crowd.client->client, data, 100 );
    netcode_server_process_loopback_packet( crowd.server->server, 2, data, 100, 0 );
    net_step( crowd.net, NET_TICK );
    CHECK_EQUAL( net_discard_payloads( crowd.client, 0 ), 1 );
    CHECK_EQUAL( net_discard_payloads( crowd.server, 0 ), 0 );
    CHECK_EQUAL( net_discard_payloads( crowd.server, 1 ), 1 );
    CHECK_EQUAL( net_discard_payloads( crowd.server, 2 ), 1 );
    net_destroy( crowd.net );
}

static void loopback_clients_fill_a_server( void )
{
    struct crowd crowd;
    struct net_endpoint * late;
    crowd_open( &crowd, 3 );
    late = net_client( crowd.net, "10.0.1.2:50000" );
    CHECK( !net_connect( late, crowd.server, 5 ) );
    CHECK_EQUAL( net_state( late ), NETCODE_CLIENT_STATE_CONNECTION_DENIED );
    netcode_server_disconnect_loopback_client( crowd.server->server, 2 );
    CHECK( net_connect( late, crowd.server, 6 ) );
    CHECK_EQUAL( netcode_client_index( late->client ), 2 );
    net_destroy( crowd.net );
}

static void a_real_client_with_the_id_of_a_loopback_client_is_refused( void )
{
    struct crowd crowd;
    struct net_endpoint * twin;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    crowd_open( &crowd, 4 );
    twin = net_client( crowd.net, "10.0.1.2:50000" );
    net_token_for( crowd.server, token, 1, 1000 );
    net_forget( crowd.net );
    CHECK( !net_connect_with( twin, token ) );
    CHECK_EQUAL( net_state( twin ), NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT );
    CHECK_EQUAL( crowd.server->sent[NET_CHALLENGE], 0 );
    CHECK_EQUAL( crowd.server->sent[NET_DENIED], 0 );
    /* once the loopback client is gone the id is free */
    netcode_server_disconnect_loopback_client( crowd.server->server, 0 );
    CHECK( net_connect( twin, crowd.server, 1000 ) );
    net_destroy( crowd.net );
}

static void a_loopback_client_may_have_the_id_of_a_real_one( void )
{
    struct crowd crowd;
    crowd_open( &crowd, 4 );
    netcode_server_connect_loopback_client( crowd.server->server, 3, 1001, NULL );
    CHECK_EQUAL( netcode_server_client_connected( crowd.server->server, 3 ), 1 );
    CHECK_EQUAL( netcode_server_client_connected( crowd.server->server, 1 ), 1 );
    /* and leaves without taking the id with it */
    netcode_server_disconnect_loopback_client( crowd.server->server, 3 );
    net_settle( crowd.net );
    CHECK_EQUAL( netcode_server_client_connected( crowd.server->server, 1 ), 1 );
    CHECK_EQUAL( net_state( crowd.client ), NETCODE_CLIENT_STATE_CONNECTED );
    net_destroy( crowd.net );
}

static void disconnect_all_leaves_loopback_clients( void )
{
    struct crowd crowd;
    crowd_open( &crowd, 4 );
    netcode_server_disconnect_all_clients( crowd.server->server );
    CHECK( net_history_is( crowd.server, "+0 +2 +1 -1:3" ) );
    CHECK_EQUAL( netcode_server_client_connected( crowd.server->server, 0 ), 1 );
    CHECK_EQUAL( netcode_server_client_connected( crowd.server->server, 1 ), 0 );
    CHECK_EQUAL( netcode_server_client_connected( crowd.server->server, 2 ), 1 );
    CHECK_EQUAL( netcode_server_num_connected_clients( crowd.server->server ), 2 );
    CHECK_EQUAL( crowd.server->sent[NET_DISCONNECT], 10 );
    net_destroy( crowd.net );
}

static void disconnect_client_leaves_a_loopback_client( void )
{
    struct crowd crowd;
    crowd_open( &crowd, 4 );
    netcode_set_assert_function( count_assert );
    CHECK_MISUSE( netcode_server_disconnect_client( crowd.server->server, 0 ) );
    CHECK_EQUAL( netcode_server_client_connected( crowd.server->server, 0 ), 1 );
    CHECK_EQUAL( netcode_server_client_loopback( crowd.server->server, 0 ), 1 );
    CHECK_EQUAL( crowd.server->sent[NET_DISCONNECT], 0 );
    net_destroy( crowd.net );
}

static void disconnect_loopback_client_leaves_a_real_client( void )
{
    struct crowd crowd;
    crowd_open( &crowd, 4 );
    netcode_set_assert_function( count_assert );
    CHECK_TOLERATED( netcode_server_disconnect_loopback_client( crowd.server->server, 1 ) );
    CHECK_EQUAL( netcode_server_client_connected( crowd.server->server, 1 ), 1 );
    CHECK_EQUAL( net_num_events( crowd.server ), 3 );
    net_destroy( crowd.net );
}

static void stop_disconnects_real_clients_first( void )
{
    struct crowd crowd;
    const struct net_event * event;
    crowd_open( &crowd, 4 );
    netcode_server_stop( crowd.server->server );
    CHECK( net_history_is( crowd.server, "+0 +2 +1 -1:3 -0:3 -2:3" ) );
    CHECK_EQUAL( crowd.server->sent[NET_DISCONNECT], 10 );
    event = net_event( crowd.server, 3 );
    CHECK( event && event->num_connected == 3 );
    event = net_event( crowd.server, 5 );
    CHECK( event && event->num_connected == 1 && event->id == 1002 );
    CHECK_EQUAL( netcode_server_num_connected_clients( crowd.server->server ), 0 );
    CHECK_EQUAL( netcode_server_client_loopback( crowd.server->server, 0 ), 0 );
    net_destroy( crowd.net );
}

static void destroy_disconnects_loopback_clients( void )
{
    struct crowd crowd;
    crowd_open( &crowd, 4 );
    net_destroy_endpoint( crowd.server );
    CHECK( net_history_is( crowd.server, "+0 +2 +1 -1:3 -0:3 -2:3" ) );
    net_destroy( crowd.net );
}

static void starting_again_disconnects_loopback_clients( void )
{
    struct crowd crowd;
    crowd_open( &crowd, 4 );
    netcode_server_start( crowd.server->server, 4 );
    CHECK( net_history_is( crowd.server, "+0 +2 +1 -1:3 -0:3 -2:3" ) );
    CHECK_EQUAL( netcode_server_num_connected_clients( crowd.server->server ), 0 );
    CHECK_EQUAL( netcode_server_client_disconnect_reason( crowd.server->server, 0 ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE );
    netcode_server_connect_loopback_client( crowd.server->server, 0, 1, NULL );
    CHECK_EQUAL( netcode_server_client_loopback( crowd.server->server, 0 ), 1 );
    net_destroy( crowd.net );
}

/* ---- what is refused ---- */

static void a_client_without_the_callback_refuses_with_an_error( void )
{
    struct net * net = net_create();
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    netcode_set_assert_function( count_assert );
    begin_counting_errors();
    CHECK_TOLERATED( netcode_client_connect_loopback( client->client, 0, 4 ) );
    CHECK( end_counting_errors() >= 1 );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    CHECK_EQUAL( netcode_client_loopback( client->client ), 0 );
    net_destroy( net );
}

static void a_server_without_the_callback_refuses_with_an_error( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    netcode_set_assert_function( count_assert );
    begin_counting_errors();
    CHECK_TOLERATED( netcode_server_connect_loopback_client( server->server, 0, 1, NULL ) );
    CHECK( end_counting_errors() >= 1 );
    CHECK_EQUAL( netcode_server_client_connected( server->server, 0 ), 0 );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );
    CHECK_EQUAL( net_num_events( server ), 0 );
    net_destroy( net );
}

static void a_taken_slot_refuses_another_loopback_client( void )
{
    struct crowd crowd;
    crowd_open( &crowd, 4 );
    netcode_set_assert_function( count_assert );
    CHECK_TOLERATED( netcode_server_connect_loopback_client( crowd.server->server, 0, 5, NULL ) );
    CHECK_TOLERATED( netcode_server_connect_loopback_client( crowd.server->server, 1, 5, NULL ) );
    CHECK_EQUAL( netcode_server_client_id( crowd.server->server, 0 ), 1000 );
    CHECK_EQUAL( netcode_server_client_id( crowd.server->server, 1 ), 1001 );
    CHECK_EQUAL( netcode_server_client_loopback( crowd.server->server, 1 ), 0 );
    CHECK_EQUAL( netcode_server_num_connected_clients( crowd.server->server ), 3 );
    CHECK_EQUAL( net_num_events( crowd.server ), 3 );
    net_destroy( crowd.net );
}

static void slots_out_of_range_are_refused( void )
{
    static const int slots[] = { -1, 4, 255, 256, 1000000, -2147483647 - 1, 2147483647 };
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, 4, &outbox );
    uint8_t data[4] = { 0 };
    int i;
    netcode_set_assert_function( count_assert );
    for ( i = 0; i < 7; i++ )
    {
        CHECK_MISUSE( netcode_server_connect_loopback_client( server->server, slots[i], 1, NULL ) );
        CHECK_MISUSE( netcode_server_disconnect_loopback_client( server->server, slots[i] ) );
        CHECK_MISUSE( netcode_server_process_loopback_packet( server->server, slots[i], data, 4, 0 ) );
        CHECK_TOLERATED( CHECK_EQUAL( netcode_server_client_loopback( server->server, slots[i] ), 0 ) );
    }
    CHECK_EQUAL( net_num_events( server ), 0 );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );
    net_destroy( net );
}

static void a_stopped_server_refuses_loopback_clients( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, 0, &outbox );
    uint8_t data[4] = { 0 };
    netcode_set_assert_function( count_assert );
    CHECK_TOLERATED( netcode_server_connect_loopback_client( server->server, 0, 1, NULL ) );
    CHECK_TOLERATED( netcode_server_process_loopback_packet( server->server, 0, data, 4, 0 ) );
    CHECK_TOLERATED( netcode_server_disconnect_loopback_client( server->server, 0 ) );
    CHECK_TOLERATED( CHECK_EQUAL( netcode_server_client_loopback( server->server, 0 ), 0 ) );
    CHECK_EQUAL( net_num_events( server ), 0 );
    netcode_server_start( server->server, 4 );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );
    net_destroy( net );
}

static void loopback_payloads_of_a_wrong_size_are_dropped( void )
{
    static const int sizes[] = { 0, -1, 1201, 1000000, -2147483647 - 1 };
    struct outbox server_outbox, client_outbox;
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, 4, &server_outbox ), * client = loopback_client( net, &client_outbox );
    static uint8_t data[1201];
    int i;
    netcode_set_assert_function( count_assert );
    netcode_client_connect_loopback( client->client, 0, 4 );
    netcode_server_connect_loopback_client( server->server, 0, 1, NULL );
    for ( i = 0; i < 5; i++ )
    {
        CHECK_TOLERATED( netcode_client_send_packet( client->client, data, sizes[i] ) );
        CHECK_TOLERATED( netcode_server_send_packet( server->server, 0, data, sizes[i] ) );
        CHECK_TOLERATED( netcode_client_process_loopback_packet( client->client, data, sizes[i], 0 ) );
        CHECK_TOLERATED( netcode_server_process_loopback_packet( server->server, 0, data, sizes[i], 0 ) );
    }
    CHECK_EQUAL( client_outbox.calls + server_outbox.calls, 0 );
    CHECK_EQUAL( netcode_client_next_packet_sequence( client->client ), 0 );
    CHECK_EQUAL( netcode_server_next_packet_sequence( server->server, 0 ), 0 );
    CHECK_EQUAL( net_discard_payloads( client, 0 ) + net_discard_payloads( server, 0 ), 0 );
    net_destroy( net );
}

/* ---- callbacks that do things ---- */

static void leave_again( struct net_endpoint * self, const struct net_event * event )
{
    if ( event->connected )
        netcode_server_disconnect_loopback_client( self->server, event->slot );
}

static void a_loopback_client_may_be_thrown_out_in_its_own_connect_callback( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, 4, &outbox );
    server->on_event = leave_again;
    netcode_server_connect_loopback_client( server->server, 1, 1, NULL );
    CHECK( net_history_is( server, "+1 -1:3" ) );
    CHECK_EQUAL( netcode_server_client_connected( server->server, 1 ), 0 );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 0 );
    server->on_event = NULL;
    netcode_server_connect_loopback_client( server->server, 1, 1, NULL );
    CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 1 );
    net_destroy( net );
}

static void leave_twice( struct net_endpoint * self, const struct net_event * event )
{
    if ( !event->connected )
        netcode_server_disconnect_loopback_client( self->server, event->slot );
}

static void leaving_in_the_own_disconnect_callback_does_nothing( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, 4, &outbox );
    server->on_event = leave_twice;
    netcode_server_connect_loopback_client( server->server, 1, 1, NULL );
    netcode_server_disconnect_loopback_client( server->server, 1 );
    CHECK( net_history_is( server, "+1 -1:3" ) );
    netcode_server_connect_loopback_client( server->server, 1, 1, NULL );
    netcode_server_stop( server->server );
    CHECK( net_history_is( server, "+1 -1:3 +1 -1:3" ) );
    net_destroy( net );
}

static void say_goodbye( struct net_endpoint * self, const struct net_event * event )
{
    uint8_t data[3] = { 'b', 'y', 'e' };
    if ( !event->connected )
        netcode_server_send_packet( self->server, event->slot, data, 3 );
}

static void a_payload_in_the_disconnect_callback_still_goes_out( void )
{
    struct outbox outbox;
    struct net * net = net_create();
    struct net_endpoint * server = loopback_server( net, 4, &outbox );
    server->on_event = say_goodbye;
    netcode_server_connect_loopback_client( server->server, 1, 1, NULL );
    netcode_server_disconnect_loopback_client( server->server, 1 );
    CHECK_EQUAL( outbox.calls, 1 );
    CHECK_EQUAL( outbox.bytes, 3 );
    CHECK( memcmp( outbox.data, "bye", 3 ) == 0 );
    net_destroy( net );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    TEST( a_client_connects_at_once_and_without_a_callback );
    TEST( a_client_sends_to_the_callback );
    TEST( a_client_receives_what_is_processed );
    TEST( no_sequence_is_a_replay_on_loopback );
    TEST( a_clients_loopback_queue_holds_256_packets );
    TEST( a_loopback_client_neither_sends_nor_receives_nor_times_out );
    TEST( disconnecting_a_loopback_client_calls_back );
    TEST( every_loopback_connection_starts_at_sequence_zero );
    TEST( a_client_alternates_between_loopback_and_network );
    TEST( a_client_in_an_error_state_may_connect_loopback );
    TEST( a_busy_client_refuses_to_connect_loopback );
    TEST( destroying_a_loopback_client_is_fine );
    TEST( a_server_takes_a_loopback_client );
    TEST( a_loopback_client_without_user_data_has_zeros );
    TEST( a_server_sends_to_the_callback );
    TEST( a_server_receives_what_is_processed );
    TEST( a_servers_loopback_queue_holds_256_packets );
    TEST( a_loopback_client_of_a_server_never_times_out );
    TEST( disconnecting_a_servers_loopback_client_calls_back_with_its_data );
    TEST( any_number_of_loopback_clients_with_any_ids );
    TEST( client_and_server_wired_together );
    TEST( real_clients_take_the_lowest_slot_that_is_left );
    TEST( payloads_go_where_they_belong );
    TEST( loopback_clients_fill_a_server );
    TEST( a_real_client_with_the_id_of_a_loopback_client_is_refused );
    TEST( a_loopback_client_may_have_the_id_of_a_real_one );
    TEST( disconnect_all_leaves_loopback_clients );
    TEST( disconnect_client_leaves_a_loopback_client );
    TEST( disconnect_loopback_client_leaves_a_real_client );
    TEST( stop_disconnects_real_clients_first );
    TEST( destroy_disconnects_loopback_clients );
    TEST( starting_again_disconnects_loopback_clients );
    TEST( a_client_without_the_callback_refuses_with_an_error );
    TEST( a_server_without_the_callback_refuses_with_an_error );
    TEST( a_taken_slot_refuses_another_loopback_client );
    TEST( slots_out_of_range_are_refused );
    TEST( a_stopped_server_refuses_loopback_clients );
    TEST( loopback_payloads_of_a_wrong_size_are_dropped );
    TEST( a_loopback_client_may_be_thrown_out_in_its_own_connect_callback );
    TEST( leaving_in_the_own_disconnect_callback_does_nothing );
    TEST( a_payload_in_the_disconnect_callback_still_goes_out );
    return tests_done();
}
