/*
 * Callbacks, overrides and log hooks that call back into the client they come from: first exactly what must happen,
 * then everything with everything, as in reentry_server.c.
 */
#include "reentry.h"
#include <stdarg.h>

/* Exactly what happens */

static void disconnect_again( struct net_endpoint * self, const struct net_event * event )
{
    /* the state is still the old one in here, so nothing but the library ends this; or the count, if it does not */
    if ( event->current == NETCODE_CLIENT_STATE_DISCONNECTED && net_num_events( self ) < 10 )
        netcode_client_disconnect( self->client );
}

static void disconnecting_a_disconnecting_client_does_nothing( void )
{
    struct crowd crowd;
    crowd_open( &crowd );
    crowd.clients[0]->on_event = disconnect_again;
    netcode_server_disconnect_client( crowd.server->server, 0 );
    net_update( crowd.clients[0], crowd.net->time );
    CHECK( net_history_is( crowd.clients[0], "3>0" ) );
    CHECK_EQUAL( crowd.clients[0]->sent[NET_DISCONNECT], 0 );

    crowd.clients[1]->on_event = disconnect_again;
    netcode_client_disconnect( crowd.clients[1]->client );
    CHECK( net_history_is( crowd.clients[1], "3>0" ) );
    CHECK_EQUAL( crowd.clients[1]->sent[NET_DISCONNECT], 10 );

    net_forget( crowd.net );
    CHECK( net_connect( crowd.clients[0], crowd.server, 5000 ) );
    CHECK( net_history_is( crowd.clients[0], "0>1 1>2 2>3" ) );
    crowd_close( &crowd );
}

static void send_payload_on_connected( struct net_endpoint * self, const struct net_event * event )
{
    static const uint8_t payload[5] = "abcd";
    if ( event->current == NETCODE_CLIENT_STATE_CONNECTED )
        netcode_client_send_packet( self->client, payload, sizeof( payload ) );
}

static void a_client_is_not_yet_connected_in_its_connect_callback( void )
{
    struct crowd crowd;
    crowd_open( &crowd );
    crowd.late->on_event = send_payload_on_connected;
    CHECK( net_connect( crowd.late, crowd.server, 5000 ) );
    CHECK_EQUAL( crowd.late->sent[NET_PAYLOAD], 0 );
    CHECK( net_history_is( crowd.late, "0>1 1>2 2>3" ) );
    crowd_close( &crowd );
}

static void destroy_client_on_event( struct net_endpoint * self, const struct net_event * event )
{
    struct heap * heap = (struct heap *) self->user;
    (void) event;
    if ( !self->client )
        return;
    net_destroy_endpoint( self );
    CHECK( heap->outstanding > 0 );
}

static void a_client_destroyed_in_its_callback_goes_when_the_call_returns( void )
{
    int way;
    for ( way = 0; way < 6; way++ )
    {
        struct net * net = net_create();
        struct net_endpoint * server = net_server( net, NET_SERVER, 1 );
        struct heap heap;
        struct net_endpoint * client;
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
        memset( &heap, 0, sizeof( heap ) );
        client = client_on_heap( net, NET_CLIENT, &heap );
        client->user = &heap;
        net_token_for( server, token, NET_TIMEOUT, 1000 );
        if ( way > 2 )
            CHECK( net_connect_with( client, token ) );
        client->on_event = destroy_client_on_event;
        if ( way == 0 )
            netcode_client_connect( client->client, token );
        else if ( way == 1 )
        {
            client->on_event = NULL;
            netcode_client_connect( client->client, token );
            client->on_event = destroy_client_on_event;
            net_steps( net, 3, NET_TICK );
        }
        else if ( way == 2 )
        {
            memset( token, 0, sizeof( token ) );
            netcode_client_connect( client->client, token );
        }
        else if ( way == 3 )
            netcode_client_disconnect( client->client );
        else if ( way == 4 )
        {
            netcode_server_disconnect_client( server->server, 0 );
            net_update( client, net->time );
        }
        else
            net_update( client, net->time + 100.0 );
        CHECK( client->client == NULL );
        CHECK_EQUAL( heap.outstanding, 0 );
        net_destroy( net );
    }
}

/* Everything with everything */

enum { PLACE_STATE, PLACE_CLIENT_SEND, PLACE_CLIENT_RECEIVE, PLACE_CLIENT_PRINT };

struct solo
{
    struct net * net;
    struct net_endpoint * server, * full, * client;
    struct heap heap;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], bad_token[NETCODE_CONNECT_TOKEN_BYTES];
    void (*act)( struct solo * solo );
    int place, armed, shots, depth;
    uint64_t next_id;
};

static void solo_fire( struct solo * solo, int place )
{
    if ( !solo->armed || solo->place != place || solo->shots == 0 || solo->depth >= 3 || !solo->client->client )
        return;
    solo->shots--;
    solo->depth++;
    solo->act( solo );
    solo->depth--;
}

static void client_event( struct net_endpoint * self, const struct net_event * event )
{
    (void) event;
    solo_fire( (struct solo *) self->user, PLACE_STATE );
}

static void client_sends( struct net_endpoint * self, const struct net_datagram * datagram )
{
    (void) datagram;
    solo_fire( (struct solo *) self->user, PLACE_CLIENT_SEND );
}

static void client_receives( struct net_endpoint * self )
{
    solo_fire( (struct solo *) self->user, PLACE_CLIENT_RECEIVE );
}

static struct solo * printing_solo;

static int print_and_fire_solo( const char * format, ... )
{
    va_list arguments;
    va_start( arguments, format );
    check_line( format, va_arg( arguments, const char * ) );
    va_end( arguments );
    if ( printing_solo )
        solo_fire( printing_solo, PLACE_CLIENT_PRINT );
    return 0;
}

static void solo_connect( struct solo * solo )
{
    net_token_for( solo->server, solo->token, NET_TIMEOUT, solo->next_id++ );
    netcode_client_connect( solo->client->client, solo->token );
}

static void solo_connect_again( struct solo * solo )
{
    netcode_client_connect( solo->client->client, solo->token );
}

static void solo_connect_badly( struct solo * solo )
{
    netcode_client_connect( solo->client->client, solo->bad_token );
}

static void solo_disconnect( struct solo * solo )
{
    netcode_client_disconnect( solo->client->client );
}

static void solo_destroy( struct solo * solo )
{
    net_destroy_endpoint( solo->client );
}

static void solo_update( struct solo * solo )
{
    netcode_client_update( solo->client->client, solo->net->time );
}

static void solo_update_later( struct solo * solo )
{
    netcode_client_update( solo->client->client, solo->net->time + 1000.0 );
}

static void solo_send( struct solo * solo )
{
    static const uint8_t payload[5] = "abcd";
    netcode_client_send_packet( solo->client->client, payload, sizeof( payload ) );
}

static void solo_receive( struct solo * solo )
{
    net_discard_payloads( solo->client, 0 );
}

static void solo_feed( struct solo * solo )
{
    net_feed( solo->client );
}

static void solo_query( struct solo * solo )
{
    struct netcode_client_t * client = solo->client->client;
    int state = netcode_client_state( client );
    CHECK( state >= NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED && state <= NETCODE_CLIENT_STATE_CONNECTED );
    CHECK( netcode_client_index( client ) >= 0 );
    CHECK( netcode_client_max_clients( client ) >= 0 );
    CHECK( netcode_client_server_address( client ) != NULL );
    CHECK_EQUAL( netcode_client_loopback( client ), 0 );
    CHECK_EQUAL( netcode_client_get_port( client ), 0 );
    netcode_client_next_packet_sequence( client );
}

static void (*const client_acts[])( struct solo * ) =
{
    solo_connect, solo_connect_again, solo_connect_badly, solo_disconnect, solo_destroy, solo_update, solo_update_later,
    solo_send, solo_receive, solo_feed, solo_query
};

#define CLIENT_ACTS ( (int) ( sizeof( client_acts ) / sizeof( client_acts[0] ) ) )

static void solo_during_connect( struct solo * solo )
{
    int i;
    solo_connect_again( solo );
    for ( i = 0; i < 8; i++ )
        net_step( solo->net, NET_TICK );
}

/* Gets there unwatched. */

static void solo_get_connected( struct solo * solo )
{
    int armed = solo->armed;
    solo->armed = 0;
    CHECK( net_connect_with( solo->client, solo->token ) );
    net_settle( solo->net );
    solo->armed = armed;
}

static void solo_during_bad_token( struct solo * solo )
{
    solo_connect_badly( solo );
}

static void solo_during_disconnect( struct solo * solo )
{
    solo_get_connected( solo );
    solo_disconnect( solo );
}

static void solo_during_destroy( struct solo * solo )
{
    solo_get_connected( solo );
    solo_destroy( solo );
}

static void solo_during_reconnect( struct solo * solo )
{
    solo_get_connected( solo );
    solo_connect( solo );
}

static void solo_during_kick( struct solo * solo )
{
    solo_get_connected( solo );
    netcode_server_disconnect_all_clients( solo->server->server );
    net_step( solo->net, NET_TICK );
}

static void solo_during_timeout( struct solo * solo )
{
    solo_get_connected( solo );
    net_drain( solo->client );
    net_update( solo->client, solo->net->time + 100.0 );
}

static void solo_during_traffic( struct solo * solo )
{
    int i;
    solo_get_connected( solo );
    for ( i = 0; i < 4; i++ )
    {
        send_to( solo->server, 0 );
        if ( solo->client->client )
            solo_send( solo );
        net_step( solo->net, NET_TICK );
    }
}

/* A full server, a dead one, and then none. */

static void solo_during_failure( struct solo * solo )
{
    static const char * addresses[] = { OTHER_SERVER, "10.9.9.9:9" };
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token( solo->net, token, 2, addresses, addresses, NET_LIFETIME, 1, 6000, NULL );
    netcode_client_connect( solo->client->client, token );
    net_steps( solo->net, 2, NET_TICK );
    net_steps( solo->net, 3, 1.0 );
}

static void (*const client_occasions[])( struct solo * ) =
{
    solo_during_connect, solo_during_bad_token, solo_during_disconnect, solo_during_destroy, solo_during_reconnect,
    solo_during_kick, solo_during_timeout, solo_during_traffic, solo_during_failure
};

#define CLIENT_OCCASIONS ( (int) ( sizeof( client_occasions ) / sizeof( client_occasions[0] ) ) )

static void run_client_scenario( int place, int act, int occasion, int shots )
{
    struct solo solo;
    struct net_endpoint * occupant;
    int failed = test_failed_checks;
    if ( client_acts[act] == solo_destroy && client_occasions[occasion] == solo_during_destroy )
        return;
    memset( &solo, 0, sizeof( solo ) );
    solo.next_id = 2000;
    solo.net = net_create();
    solo.server = net_server( solo.net, NET_SERVER, 4 );
    solo.full = net_server( solo.net, OTHER_SERVER, 1 );
    occupant = net_client( solo.net, "10.0.1.9:50000" );
    CHECK( net_connect( occupant, solo.full, 1 ) );
    solo.client = client_on_heap( solo.net, NET_CLIENT, &solo.heap );
    net_token_for( solo.server, solo.token, NET_TIMEOUT, 1000 );
    solo.client->user = &solo;
    solo.client->on_event = client_event;
    solo.client->on_send = client_sends;
    solo.client->on_receive = client_receives;
    solo.act = client_acts[act];
    solo.place = place;
    solo.shots = shots;
    if ( place == PLACE_CLIENT_PRINT )
    {
        printing_solo = &solo;
        listen_to_log( print_and_fire_solo );
    }
    solo.armed = 1;
    client_occasions[occasion]( &solo );
    solo.armed = 0;
    if ( place == PLACE_CLIENT_PRINT )
    {
        stop_listening_to_log();
        printing_solo = NULL;
    }

    if ( solo.client->client )
    {
        /* it still is a client; with clocks together and the server rid of what went before */
        int state = net_state( solo.client );
        CHECK( state >= NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED && state <= NETCODE_CLIENT_STATE_CONNECTED );
        netcode_client_disconnect( solo.client->client );
        net_steps( solo.net, 2, 2000.0 );
        CHECK( net_connect( solo.client, solo.server, 9000 ) );
        net_settle( solo.net );
        CHECK( net_slot( solo.server, 9000 ) >= 0 );
        net_destroy_endpoint( solo.client );
    }
    CHECK_EQUAL( solo.heap.outstanding, 0 );
    if ( test_failed_checks != failed )
        printf( "    in the client scenario: place %d, act %d, occasion %d, shots %d\n", place, act, occasion, shots );
    net_destroy( solo.net );
}

static void run_client_scenarios( int place )
{
    int act, occasion;
    for ( act = 0; act < CLIENT_ACTS; act++ )
    {
        for ( occasion = 0; occasion < CLIENT_OCCASIONS; occasion++ )
        {
            run_client_scenario( place, act, occasion, 1 );
            run_client_scenario( place, act, occasion, 50 );
        }
    }
}

static void anything_may_happen_in_a_state_change_callback( void )
{
    run_client_scenarios( PLACE_STATE );
}

static void anything_may_happen_in_a_clients_send_override( void )
{
    run_client_scenarios( PLACE_CLIENT_SEND );
}

static void anything_may_happen_in_a_clients_receive_override( void )
{
    run_client_scenarios( PLACE_CLIENT_RECEIVE );
}

static void anything_may_happen_to_a_client_in_a_printf_hook( void )
{
    lines_printed = 0;
    run_client_scenarios( PLACE_CLIENT_PRINT );
    CHECK( lines_printed > 0 );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );

    TEST( disconnecting_a_disconnecting_client_does_nothing );
    TEST( a_client_is_not_yet_connected_in_its_connect_callback );
    TEST( a_client_destroyed_in_its_callback_goes_when_the_call_returns );

    TEST( anything_may_happen_in_a_state_change_callback );
    TEST( anything_may_happen_in_a_clients_send_override );
    TEST( anything_may_happen_in_a_clients_receive_override );
    TEST( anything_may_happen_to_a_client_in_a_printf_hook );

    return tests_done();
}
