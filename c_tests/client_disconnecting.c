/*
 * How a client's connection ends, by the server or by itself, what it leaves, and how it connects again.
 */
#include "client.h"

/* Disconnected by the server */

static void the_server_disconnects_the_client( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    net_forget( scene.net );
    send_to_client( scene.server, 0, 10, 1 );
    netcode_server_disconnect_client( scene.server->server, 0 );
    net_update( scene.client, scene.net->time );
    CHECK( net_history_is( scene.client, "3>0" ) );
    CHECK_EQUAL( scene.client->sent[NET_DISCONNECT], 0 );
    check_reset( scene.client );
    check_reset_in_event( net_last_event( scene.client ) );
    check_nothing_to_receive( scene.client );
    net_destroy( scene.net );
}

static void one_disconnect_packet_is_enough( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    seal_from_server( &scene.session, scene.client, scene.server, NET_DISCONNECT, 250, NULL, 0 );
    net_update( scene.client, scene.net->time );
    CHECK_EQUAL( net_state( scene.client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    net_destroy( scene.net );
}

/* Disconnecting */

static void check_disconnect_sends_ten_packets( int state )
{
    struct scene scene;
    const struct net_event * event;
    char expected[16];
    scene_open( &scene, state, NET_LIFETIME, NET_TIMEOUT );
    net_forget( scene.net );
    netcode_client_disconnect( scene.client->client );
    snprintf( expected, sizeof( expected ), "%d>0", state );
    CHECK( net_history_is( scene.client, expected ) );
    CHECK( net_sent_types_are( scene.client, "6666666666" ) );
    check_reset( scene.client );
    event = net_event( scene.client, 0 );
    check_reset_in_event( event );
    CHECK( event && event->state == state );

    /* and nothing more, now or later */
    netcode_client_disconnect( scene.client->client );
    net_steps( scene.net, 4, 1.0 );
    CHECK_EQUAL( net_num_events( scene.client ), 1 );
    CHECK_EQUAL( net_total_sent( scene.client ), 10 );
    CHECK_EQUAL( net_state( scene.client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    net_destroy( scene.net );
}

static void disconnect_sends_ten_packets_in_every_active_state( void )
{
    check_disconnect_sends_ten_packets( NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    check_disconnect_sends_ten_packets( NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE );
    check_disconnect_sends_ten_packets( NETCODE_CLIENT_STATE_CONNECTED );
}

static void count_disconnects_already_sent( struct net_endpoint * self, const struct net_event * event )
{
    if ( event->current == NETCODE_CLIENT_STATE_DISCONNECTED )
        *(int *) self->user = self->sent[NET_DISCONNECT];
}

static void the_disconnect_packets_precede_the_callback( void )
{
    struct scene scene;
    int sent_before_callback = 0;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    scene.client->user = &sent_before_callback;
    scene.client->on_event = count_disconnects_already_sent;
    netcode_client_disconnect( scene.client->client );
    CHECK_EQUAL( sent_before_callback, 10 );
    net_destroy( scene.net );
}

static void disconnect_empties_the_queue( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    send_to_client( scene.server, 0, 100, 1 );
    send_to_client( scene.server, 0, 100, 2 );
    net_update( scene.client, scene.net->time );
    netcode_client_disconnect( scene.client->client );
    check_nothing_to_receive( scene.client );
    net_destroy( scene.net );
}

static void a_packet_in_hand_survives_disconnect( void )
{
    struct scene scene;
    uint8_t * packet;
    int bytes = 0;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    send_to_client( scene.server, 0, 100, 1 );
    net_update( scene.client, scene.net->time );
    packet = netcode_client_receive_packet( scene.client->client, &bytes, NULL );
    REQUIRE( packet != NULL );
    CHECK_EQUAL( bytes, 100 );
    netcode_client_disconnect( scene.client->client );
    CHECK( net_filled( packet, 100, 1 ) );
    netcode_client_free_packet( scene.client->client, packet );
    net_destroy( scene.net );
}

static void disconnect_keeps_an_error_state( void )
{
    struct attempt attempt;
    attempt_open( &attempt, NOBODY, NET_LIFETIME, 1 );
    net_update( attempt.client, NET_START_TIME + 2.0 );
    CHECK_EQUAL( net_state( attempt.client ), NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT );
    net_forget( attempt.net );
    netcode_client_disconnect( attempt.client->client );
    CHECK_EQUAL( net_state( attempt.client ), NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT );
    CHECK_EQUAL( net_num_events( attempt.client ), 0 );
    CHECK_EQUAL( net_total_sent( attempt.client ), 0 );
    net_destroy( attempt.net );
}

static void destroy_disconnects_first( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    send_to_client( scene.server, 0, 100, 1 );
    net_update( scene.client, scene.net->time );
    net_forget( scene.net );
    net_destroy_endpoint( scene.client );
    CHECK( net_sent_types_are( scene.client, "6666666666" ) );
    CHECK( net_history_is( scene.client, "3>0" ) );
    check_reset_in_event( net_event( scene.client, 0 ) );
    net_step( scene.net, NET_TICK );
    CHECK( net_history_is( scene.server, "-0:2" ) );
    net_destroy( scene.net );
}

static void destroying_an_idle_client_is_silent( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_DISCONNECTED, NET_LIFETIME, NET_TIMEOUT );
    net_destroy_endpoint( scene.client );
    CHECK_EQUAL( net_total_sent( scene.client ), 0 );
    CHECK_EQUAL( net_num_events( scene.client ), 0 );
    net_destroy( scene.net );
}

/* Connecting again */

static void connect_while_connected_disconnects_first( void )
{
    struct scene scene;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    net_forget( scene.net );
    net_token_for( scene.server, token, NET_TIMEOUT, 1000 );
    netcode_client_connect( scene.client->client, token );
    CHECK( net_history_is( scene.client, "3>0 0>1" ) );
    CHECK( net_sent_types_are( scene.client, "6666666666" ) );
    check_reset_in_event( net_event( scene.client, 0 ) );
    CHECK( net_run_until( scene.client, NETCODE_CLIENT_STATE_CONNECTED ) );
    CHECK( net_history_is( scene.client, "3>0 0>1 1>2 2>3" ) );
    CHECK( net_history_is( scene.server, "-0:2 +0" ) );
    net_destroy( scene.net );
}

static void connect_while_connecting_disconnects_first( void )
{
    struct attempt attempt;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    attempt_open( &attempt, NOBODY, NET_LIFETIME, NET_TIMEOUT );
    net_forget( attempt.net );
    net_token_to( attempt.net, token, NOBODY_ELSE, NET_LIFETIME, NET_TIMEOUT, 1000 );
    netcode_client_connect( attempt.client->client, token );
    CHECK( net_history_is( attempt.client, "1>0 0>1" ) );
    CHECK_EQUAL( attempt.client->sent[NET_DISCONNECT], 10 );
    CHECK( net_address_is( netcode_client_server_address( attempt.client->client ), NOBODY_ELSE ) );
    net_destroy( attempt.net );
}

static void a_new_token_starts_the_sequence_anew( void )
{
    struct scene scene;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    CHECK( netcode_client_next_packet_sequence( scene.client->client ) > 2 );
    netcode_client_disconnect( scene.client->client );
    net_token_for( scene.server, token, NET_TIMEOUT, 1000 );
    netcode_client_connect( scene.client->client, token );
    CHECK_EQUAL( netcode_client_next_packet_sequence( scene.client->client ), 0 );
    net_destroy( scene.net );
}

static void a_long_session_does_not_spoil_the_next( void )
{
    struct scene scene;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    scene_open( &scene, NETCODE_CLIENT_STATE_CONNECTED, NET_LIFETIME, NET_TIMEOUT );
    for ( i = 0; i < 1000; i++ )
    {
        send_to_client( scene.server, 0, 1, i );
        net_update( scene.client, scene.net->time );
        CHECK_EQUAL( net_discard_payloads( scene.client, 0 ), 1 );
    }

    /* both sides count from zero again, far behind where the old window stood */
    net_token_for( scene.server, token, NET_TIMEOUT, 1000 );
    CHECK( net_connect_with( scene.client, token ) );
    net_settle( scene.net );
    send_to_client( scene.server, 0, 1, i );
    net_update( scene.client, scene.net->time );
    CHECK_EQUAL( net_discard_payloads( scene.client, 0 ), 1 );
    net_destroy( scene.net );
}

static void the_same_token_continues_its_sequence( void )
{
    struct attempt attempt;
    int i;
    attempt_open( &attempt, NOBODY, NET_LIFETIME, 5 );
    for ( i = 0; i < 5; i++ )
        net_update( attempt.client, attempt.net->time + 0.5 );
    CHECK_EQUAL( netcode_client_next_packet_sequence( attempt.client->client ), 5 );
    netcode_client_disconnect( attempt.client->client );
    CHECK_EQUAL( netcode_client_next_packet_sequence( attempt.client->client ), 0 );
    netcode_client_connect( attempt.client->client, attempt.token );
    CHECK_EQUAL( netcode_client_next_packet_sequence( attempt.client->client ), 15 );

    /* without a disconnect in between, and after a failure, too */
    netcode_client_connect( attempt.client->client, attempt.token );
    CHECK_EQUAL( netcode_client_next_packet_sequence( attempt.client->client ), 25 );
    net_update( attempt.client, attempt.net->time + 20.0 );
    CHECK_EQUAL( net_state( attempt.client ), NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT );
    CHECK_EQUAL( netcode_client_next_packet_sequence( attempt.client->client ), 0 );
    netcode_client_connect( attempt.client->client, attempt.token );
    CHECK_EQUAL( netcode_client_next_packet_sequence( attempt.client->client ), 26 );
    net_destroy( attempt.net );
}

static void no_sequence_of_a_token_is_used_twice( void )
{
    struct scene scene;
    int round, i;
    uint8_t used[512];
    memset( used, 0, sizeof( used ) );
    scene_open( &scene, NETCODE_CLIENT_STATE_DISCONNECTED, NET_LIFETIME, NET_TIMEOUT );
    for ( round = 0; round < 4; round++ )
    {
        scene.client->drop = round < 3 ? 1 << NET_RESPONSE : 0;
        netcode_client_connect( scene.client->client, scene.token );
        net_steps( scene.net, 10, NET_TICK );
        CHECK_EQUAL( net_state( scene.client ), round < 3 ? NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE : NETCODE_CLIENT_STATE_CONNECTED );
        netcode_client_disconnect( scene.client->client );
        net_step( scene.net, NET_TICK );
    }
    for ( i = 0; i < scene.net->num_records; i++ )
    {
        const struct net_datagram * record = scene.net->records[i];
        uint64_t sequence = net_sequence( record );
        if ( record->sender != scene.client || net_type( record ) == NET_REQUEST )
            continue;
        if ( CHECK( sequence < sizeof( used ) ) )
            CHECK( !used[sequence]++ );
    }
    net_destroy( scene.net );
}

static void a_failed_attempt_can_be_repeated( void )
{
    struct scene scene;
    scene_open( &scene, NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST, NET_LIFETIME, 1 );
    net_steps( scene.net, 4, 1.0 );
    CHECK_EQUAL( net_state( scene.client ), NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT );
    scene.server->drop = 0;
    CHECK( net_connect_with( scene.client, scene.token ) );
    CHECK( net_history_is( scene.client, "0>1 1>-2 -2>1 1>2 2>3" ) );
    net_destroy( scene.net );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );

    TEST( the_server_disconnects_the_client );
    TEST( one_disconnect_packet_is_enough );

    TEST( disconnect_sends_ten_packets_in_every_active_state );
    TEST( the_disconnect_packets_precede_the_callback );
    TEST( disconnect_empties_the_queue );
    TEST( a_packet_in_hand_survives_disconnect );
    TEST( disconnect_keeps_an_error_state );
    TEST( destroy_disconnects_first );
    TEST( destroying_an_idle_client_is_silent );

    TEST( connect_while_connected_disconnects_first );
    TEST( connect_while_connecting_disconnects_first );
    TEST( a_new_token_starts_the_sequence_anew );
    TEST( a_long_session_does_not_spoil_the_next );
    TEST( the_same_token_continues_its_sequence );
    TEST( no_sequence_of_a_token_is_used_twice );
    TEST( a_failed_attempt_can_be_repeated );

    return tests_done();
}
