/*
 * How clients leave a server: by themselves, sent away, or timed out, to the exact boundary; what the callback sees
 * of them, which packets go out, and what the slot tells afterwards.
 */
#include "server.h"

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

/* Timeouts */

static void send_keep_alive( struct net_pair * pair, uint64_t sequence )
{
    struct seal_session session = session_of( pair );
    uint8_t plain[8] = { 0 };
    seal_from_client( &session, pair->client, pair->server, NET_KEEP_ALIVE, sequence, plain, 8 );
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

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );

    TEST( the_disconnect_callback_sees_the_client_whole );
    TEST( a_client_that_leaves_gets_no_reply );
    TEST( one_disconnect_packet_is_enough );
    TEST( disconnecting_nobody_does_nothing );
    TEST( disconnect_all_spares_no_real_client );

    TEST( a_silent_client_times_out );
    TEST( the_keep_alive_comes_before_the_timeout );
    TEST( what_arrives_just_in_time_prevents_the_timeout );
    TEST( the_response_starts_the_timeout );
    TEST( without_a_positive_timeout_nobody_times_out );
    TEST( all_silent_clients_time_out_in_one_update );

    return tests_done();
}
