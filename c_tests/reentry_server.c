/*
 * Callbacks, overrides and log hooks that call back into the server they come from: first exactly what must happen
 * in cases that real programs have, then everything with everything.
 */
#include "reentry.h"
#include <stdarg.h>

/* Exactly what happens */

static void disconnect_next( struct net_endpoint * self, const struct net_event * event )
{
    if ( !event->connected && event->slot + 1 < CLIENTS )
        netcode_server_disconnect_client( self->server, event->slot + 1 );
}

static void a_disconnect_callback_may_disconnect_another_client( void )
{
    struct crowd crowd;
    int i;
    crowd_open( &crowd );
    crowd.server->on_event = disconnect_next;
    netcode_server_disconnect_client( crowd.server->server, 0 );
    CHECK( net_history_is( crowd.server, "-0:3 -1:3 -2:3" ) );
    CHECK_EQUAL( crowd.server->sent[NET_DISCONNECT], 30 );
    CHECK_EQUAL( netcode_server_num_connected_clients( crowd.server->server ), 0 );
    net_step( crowd.net, NET_TICK );
    for ( i = 0; i < CLIENTS; i++ )
        CHECK_EQUAL( net_state( crowd.clients[i] ), NETCODE_CLIENT_STATE_DISCONNECTED );
    crowd_close( &crowd );
}

static void disconnect_itself( struct net_endpoint * self, const struct net_event * event )
{
    if ( !event->connected )
        netcode_server_disconnect_client( self->server, event->slot );
}

static void disconnecting_the_leaving_client_does_nothing( void )
{
    struct crowd crowd;
    crowd_open( &crowd );
    crowd.server->on_event = disconnect_itself;
    netcode_server_disconnect_client( crowd.server->server, 0 );
    CHECK( net_history_is( crowd.server, "-0:3" ) );
    CHECK_EQUAL( crowd.server->sent[NET_DISCONNECT], 10 );

    /* nor does it change the reason, or send anything, when the client leaves otherwise */
    netcode_client_disconnect( crowd.clients[1]->client );
    net_update( crowd.server, crowd.net->time );
    CHECK( net_history_is( crowd.server, "-0:3 -1:2" ) );
    CHECK_EQUAL( netcode_server_client_disconnect_reason( crowd.server->server, 1 ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_CLIENT_DISCONNECT );
    net_drain( crowd.server );
    net_update( crowd.server, crowd.net->time + 100.0 );
    CHECK( net_history_is( crowd.server, "-0:3 -1:2 -2:1" ) );
    CHECK_EQUAL( netcode_server_client_disconnect_reason( crowd.server->server, 2 ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT );
    CHECK_EQUAL( crowd.server->sent[NET_DISCONNECT], 10 );
    crowd_close( &crowd );
}

static void disconnect_everyone( struct net_endpoint * self, const struct net_event * event )
{
    if ( !event->connected )
        netcode_server_disconnect_all_clients( self->server );
}

static void a_disconnect_callback_may_disconnect_everyone( void )
{
    struct crowd crowd;
    crowd_open( &crowd );
    crowd.server->on_event = disconnect_everyone;
    netcode_client_disconnect( crowd.clients[1]->client );
    net_update( crowd.server, crowd.net->time );
    CHECK( net_history_is( crowd.server, "-1:2 -0:3 -2:3" ) );
    CHECK_EQUAL( crowd.server->sent[NET_DISCONNECT], 20 );
    CHECK_EQUAL( netcode_server_num_connected_clients( crowd.server->server ), 0 );
    crowd_close( &crowd );
}

static void stop_on_disconnect( struct net_endpoint * self, const struct net_event * event )
{
    if ( !event->connected )
        netcode_server_stop( self->server );
}

static void a_disconnect_callback_may_stop_the_server( void )
{
    int way;
    for ( way = 0; way < 4; way++ )
    {
        struct crowd crowd;
        crowd_open( &crowd );
        crowd.server->on_event = stop_on_disconnect;
        if ( way == 0 )
            netcode_server_disconnect_client( crowd.server->server, 1 );
        else if ( way == 1 )
            netcode_server_disconnect_all_clients( crowd.server->server );
        else if ( way == 2 )
            netcode_client_disconnect( crowd.clients[1]->client );
        else
            net_drain( crowd.server );
        net_update( crowd.server, crowd.net->time + ( way == 3 ? 100.0 : 0.0 ) );
        CHECK_EQUAL( net_num_events( crowd.server ), CLIENTS );
        CHECK_EQUAL( netcode_server_running( crowd.server->server ), 0 );
        CHECK_EQUAL( netcode_server_max_clients( crowd.server->server ), 0 );
        CHECK_EQUAL( netcode_server_num_connected_clients( crowd.server->server ), 0 );
        crowd.server->on_event = NULL;
        netcode_server_start( crowd.server->server, 2 );
        net_update( crowd.late, crowd.net->time );
        CHECK( net_connect( crowd.late, crowd.server, 5000 ) );
        crowd_close( &crowd );
    }
}

static void stopping_in_a_callback_of_stop_is_stopping_once( void )
{
    struct crowd crowd;
    crowd_open( &crowd );
    crowd.server->on_event = stop_on_disconnect;
    netcode_server_stop( crowd.server->server );
    CHECK_EQUAL( net_num_events( crowd.server ), CLIENTS );
    CHECK_EQUAL( netcode_server_running( crowd.server->server ), 0 );
    crowd_close( &crowd );
}

static void replace_on_disconnect( struct net_endpoint * self, const struct net_event * event )
{
    if ( !event->connected && event->slot > 0 )
        netcode_server_connect_loopback_client( self->server, event->slot - 1, 7000 + (uint64_t) event->slot, NULL );
}

static void nobody_comes_in_while_the_server_stops( void )
{
    struct crowd crowd;
    int i, connects = 0;
    crowd_open( &crowd );
    crowd.server->on_event = replace_on_disconnect;
    netcode_server_stop( crowd.server->server );
    for ( i = 0; i < crowd.net->num_events; i++ )
        connects += crowd.net->events[i].who == crowd.server && crowd.net->events[i].connected;
    CHECK_EQUAL( connects, 0 );
    CHECK_EQUAL( net_num_events( crowd.server ), CLIENTS );
    CHECK_EQUAL( netcode_server_running( crowd.server->server ), 0 );
    crowd.server->on_event = NULL;
    netcode_server_start( crowd.server->server, 2 );
    netcode_server_connect_loopback_client( crowd.server->server, 1, 7000, NULL );
    CHECK_EQUAL( netcode_server_num_connected_clients( crowd.server->server ), 1 );
    crowd_close( &crowd );
}

/* The last of a handshake that a disconnect callback hands to a server that is stopping. */

static void feed_on_disconnect( struct net_endpoint * self, const struct net_event * event )
{
    if ( !event->connected )
        net_feed( self );
}

static void no_handshake_ends_while_the_server_stops( void )
{
    struct crowd crowd;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    crowd_open( &crowd );
    net_token_for( crowd.server, token, NET_TIMEOUT, 5000 );
    netcode_client_connect( crowd.late->client, token );
    net_update( crowd.late, crowd.net->time );
    net_update( crowd.server, crowd.net->time );
    net_update( crowd.late, crowd.net->time );
    CHECK_EQUAL( crowd.late->sent[NET_RESPONSE], 1 );
    crowd.server->on_event = feed_on_disconnect;
    netcode_server_stop( crowd.server->server );
    CHECK_EQUAL( net_num_events( crowd.server ), CLIENTS );
    crowd_close( &crowd );
}

static void restart_on_disconnect( struct net_endpoint * self, const struct net_event * event )
{
    if ( !event->connected && event->slot == 1 )
        netcode_server_start( self->server, 7 );
}

static void a_disconnect_callback_may_restart_the_server( void )
{
    struct crowd crowd;
    crowd_open( &crowd );
    crowd.server->on_event = restart_on_disconnect;
    netcode_client_disconnect( crowd.clients[1]->client );
    net_update( crowd.server, crowd.net->time );
    CHECK_EQUAL( net_num_events( crowd.server ), CLIENTS );
    CHECK_EQUAL( netcode_server_running( crowd.server->server ), 1 );
    CHECK_EQUAL( netcode_server_max_clients( crowd.server->server ), 7 );
    CHECK_EQUAL( netcode_server_num_connected_clients( crowd.server->server ), 0 );
    CHECK( net_connect( crowd.late, crowd.server, 5000 ) );
    CHECK_EQUAL( netcode_client_index( crowd.late->client ), 0 );
    CHECK_EQUAL( netcode_client_max_clients( crowd.late->client ), 7 );
    crowd_close( &crowd );
}

static void refuse_on_connect( struct net_endpoint * self, const struct net_event * event )
{
    if ( event->connected )
        netcode_server_disconnect_client( self->server, event->slot );
}

static void a_connect_callback_may_send_the_client_away( void )
{
    struct crowd crowd;
    crowd_open( &crowd );
    crowd.server->on_event = refuse_on_connect;
    net_connect( crowd.late, crowd.server, 5000 );
    net_step( crowd.net, NET_TICK );
    CHECK( net_history_is( crowd.server, "+3 -3:3" ) );
    CHECK_EQUAL( net_state( crowd.late ), NETCODE_CLIENT_STATE_DISCONNECTED );
    CHECK_EQUAL( netcode_server_num_connected_clients( crowd.server->server ), CLIENTS );
    crowd_close( &crowd );
}

static void callbacks_may_tell_the_others( void )
{
    struct crowd crowd;
    int i;
    crowd_open( &crowd );
    crowd.server->on_event = send_to_everyone;
    CHECK( net_connect( crowd.late, crowd.server, 5000 ) );
    CHECK_EQUAL( net_discard_payloads( crowd.late, 0 ), 1 );
    netcode_client_disconnect( crowd.late->client );
    net_step( crowd.net, NET_TICK );
    net_step( crowd.net, NET_TICK );
    for ( i = 0; i < CLIENTS; i++ )
        CHECK_EQUAL( net_discard_payloads( crowd.clients[i], 0 ), 2 );
    CHECK( net_history_is( crowd.server, "+3 -3:2" ) );
    crowd_close( &crowd );
}

static void destroy_on_event( struct net_endpoint * self, const struct net_event * event )
{
    struct crowd * crowd = (struct crowd *) self->user;
    (void) event;
    if ( !self->server )
        return;
    net_destroy_endpoint( self );
    /* not yet: the calls on the stack are still using it */
    CHECK( crowd->server_heap.outstanding > 0 );
}

static void a_server_destroyed_in_its_callback_goes_when_the_call_returns( void )
{
    int way;
    for ( way = 0; way < 5; way++ )
    {
        struct crowd crowd;
        crowd_open( &crowd );
        crowd.server->on_event = destroy_on_event;
        if ( way == 0 )
            netcode_server_disconnect_client( crowd.server->server, 1 );
        else if ( way == 1 )
            netcode_server_disconnect_all_clients( crowd.server->server );
        else if ( way == 2 )
            netcode_server_stop( crowd.server->server );
        else if ( way == 3 )
        {
            netcode_client_disconnect( crowd.clients[1]->client );
            net_update( crowd.server, crowd.net->time );
        }
        else
            net_connect( crowd.late, crowd.server, 5000 );
        CHECK( crowd.server->server == NULL );
        CHECK_EQUAL( crowd.server_heap.outstanding, 0 );
        /* one callback for each client that left, with the late one's arrival in the last case */
        CHECK_EQUAL( net_num_events( crowd.server ), way == 4 ? CLIENTS + 2 : CLIENTS );
        crowd_close( &crowd );
    }
}

/*
 * Everything with everything: each thing that user code can do, from each place where it can stand, while each thing
 * that a program can ask for is under way; then whether the books still balance, whether the server still works, and
 * whether all its memory came back.
 */

enum { PLACE_CONNECT, PLACE_DISCONNECT, PLACE_SEND, PLACE_RECEIVE, PLACE_PRINT };

static void fire( struct crowd * crowd, int place, int slot )
{
    if ( !crowd->armed || crowd->place != place || crowd->shots == 0 || crowd->depth >= 3 || !crowd->server->server )
        return;
    crowd->shots--;
    crowd->depth++;
    crowd->act( crowd, slot );
    crowd->depth--;
}

static void server_event( struct net_endpoint * self, const struct net_event * event )
{
    struct crowd * crowd = (struct crowd *) self->user;
    struct netcode_address_t address = event->address;
    if ( self->server && crowd->place != PLACE_PRINT )
    {
        CHECK_EQUAL( event->still_connected, 1 );
        CHECK( event->num_connected > 0 );
        CHECK( event->id != 0 );
        CHECK( event->id == 7777 || net_endpoint_at( self->net, &address ) != NULL );
    }
    fire( (struct crowd *) self->user, event->connected ? PLACE_CONNECT : PLACE_DISCONNECT, event->slot );
}

static void server_sends( struct net_endpoint * self, const struct net_datagram * datagram )
{
    (void) datagram;
    fire( (struct crowd *) self->user, PLACE_SEND, 0 );
}

static void server_receives( struct net_endpoint * self )
{
    fire( (struct crowd *) self->user, PLACE_RECEIVE, 0 );
}

static struct crowd * printing_crowd;

static int print_and_fire( const char * format, ... )
{
    va_list arguments;
    va_start( arguments, format );
    check_line( format, va_arg( arguments, const char * ) );
    va_end( arguments );
    if ( printing_crowd )
        fire( printing_crowd, PLACE_PRINT, 0 );
    return 0;
}

/* What user code does in the middle */

static void act_send( struct crowd * crowd, int slot )
{
    send_to( crowd->server, slot );
}

static void act_send_to_all( struct crowd * crowd, int slot )
{
    for ( slot = 0; slot < CLIENTS + 2; slot++ )
        send_to( crowd->server, slot );
}

static void act_disconnect( struct crowd * crowd, int slot )
{
    netcode_server_disconnect_client( crowd->server->server, slot );
}

static void act_disconnect_another( struct crowd * crowd, int slot )
{
    netcode_server_disconnect_client( crowd->server->server, ( slot + 1 ) % CLIENTS );
}

static void act_disconnect_all( struct crowd * crowd, int slot )
{
    (void) slot;
    netcode_server_disconnect_all_clients( crowd->server->server );
}

static void act_stop( struct crowd * crowd, int slot )
{
    (void) slot;
    netcode_server_stop( crowd->server->server );
}

static void act_start( struct crowd * crowd, int slot )
{
    (void) slot;
    netcode_server_start( crowd->server->server, CLIENTS + 2 );
}

static void act_start_smaller( struct crowd * crowd, int slot )
{
    (void) slot;
    netcode_server_start( crowd->server->server, 1 );
}

static void act_destroy( struct crowd * crowd, int slot )
{
    (void) slot;
    net_destroy_endpoint( crowd->server );
}

static void act_update( struct crowd * crowd, int slot )
{
    (void) slot;
    netcode_server_update( crowd->server->server, crowd->net->time );
}

static void act_update_later( struct crowd * crowd, int slot )
{
    (void) slot;
    netcode_server_update( crowd->server->server, crowd->net->time + 1000.0 );
}

static void act_receive( struct crowd * crowd, int slot )
{
    for ( slot = 0; slot < netcode_server_max_clients( crowd->server->server ); slot++ )
        net_discard_payloads( crowd->server, slot );
}

static void act_feed( struct crowd * crowd, int slot )
{
    (void) slot;
    net_feed( crowd->server );
}

static void act_loopback( struct crowd * crowd, int slot )
{
    struct netcode_server_t * server = crowd->server->server;
    slot = netcode_server_max_clients( server ) - 1;
    if ( slot < 0 || netcode_server_client_connected( server, slot ) )
        return;
    netcode_server_connect_loopback_client( server, slot, 7777, NULL );
    if ( crowd->server->server && netcode_server_client_loopback( server, slot ) )
        netcode_server_disconnect_loopback_client( server, slot );
}

static void (*const server_acts[])( struct crowd *, int ) =
{
    act_send, act_send_to_all, act_disconnect, act_disconnect_another, act_disconnect_all, act_stop, act_start, act_start_smaller,
    act_destroy, act_update, act_update_later, act_receive, act_feed, act_loopback, act_query
};

#define SERVER_ACTS ( (int) ( sizeof( server_acts ) / sizeof( server_acts[0] ) ) )

static void (*const server_occasions[])( struct crowd * ) =
{
    during_connect, during_leave, during_disconnect, during_disconnect_all, during_timeout, during_stop, during_restart, during_destroy, during_traffic
};

#define SERVER_OCCASIONS ( (int) ( sizeof( server_occasions ) / sizeof( server_occasions[0] ) ) )

/*
 * Every slot's callbacks alternate, and end as the slot is. A client that is thrown out from inside the send
 * of its very first keep-alive has not been announced; whether its leaving is, is left open. Where exactly
 * log lines stand among all this is the library's affair, so what is done from there has only to be safe.
 */

static void check_books( struct crowd * crowd )
{
    int up[CLIENTS + 2], i;
    int lenient = crowd->place == PLACE_SEND;
    if ( crowd->place == PLACE_PRINT )
        return;
    for ( i = 0; i < CLIENTS + 2; i++ )
        up[i] = i < CLIENTS;
    for ( i = 0; i < crowd->net->num_events; i++ )
    {
        const struct net_event * event = &crowd->net->events[i];
        if ( event->who != crowd->server )
            continue;
        if ( !CHECK( event->slot >= 0 && event->slot < CLIENTS + 2 ) )
            return;
        if ( event->connected )
            CHECK( !up[event->slot] );
        else
            CHECK( up[event->slot] || lenient );
        up[event->slot] = event->connected;
    }
    net_tolerate_asserts( 1 );
    for ( i = 0; i < CLIENTS + 2; i++ )
        CHECK_EQUAL( up[i], crowd->server->server ? netcode_server_client_connected( crowd->server->server, i ) : 0 );
    net_tolerate_asserts( 0 );
}

static void run_server_scenario( int place, int act, int occasion, int shots )
{
    struct crowd crowd;
    int failed = test_failed_checks;

    /* destroying twice is nobody's right */
    if ( server_acts[act] == act_destroy && server_occasions[occasion] == during_destroy )
        return;
    crowd_open( &crowd );
    crowd.act = server_acts[act];
    crowd.place = place;
    crowd.shots = shots;
    crowd.server->on_event = server_event;
    crowd.server->on_send = server_sends;
    crowd.server->on_receive = server_receives;
    if ( place == PLACE_PRINT )
    {
        printing_crowd = &crowd;
        listen_to_log( print_and_fire );
    }

    /* the slot that somebody is about to use may be gone by then, which makes it misuse, and must be harmless */
    crowd.armed = 1;
    net_tolerate_asserts( 1 );
    server_occasions[occasion]( &crowd );
    net_tolerate_asserts( 0 );
    crowd.armed = 0;
    if ( place == PLACE_PRINT )
    {
        stop_listening_to_log();
        printing_crowd = NULL;
    }

    check_books( &crowd );
    if ( crowd.server->server )
    {
        /* it still is a server */
        uint64_t id = 9000;
        net_update( crowd.server, crowd.net->time + 2000.0 );
        if ( !netcode_server_running( crowd.server->server ) )
            netcode_server_start( crowd.server->server, CLIENTS + 2 );
        netcode_server_disconnect_all_clients( crowd.server->server );
        check_books( &crowd );
        net_update( crowd.late, crowd.net->time );
        CHECK( net_connect( crowd.late, crowd.server, id ) );
        CHECK( net_slot( crowd.server, id ) >= 0 );
        check_books( &crowd );
    }
    else
        CHECK_EQUAL( crowd.server_heap.outstanding, 0 );
    if ( test_failed_checks != failed )
        printf( "    in the server scenario: place %d, act %d, occasion %d, shots %d\n", place, act, occasion, shots );
    crowd_close( &crowd );
}

static void run_server_scenarios( int place )
{
    int act, occasion;
    for ( act = 0; act < SERVER_ACTS; act++ )
    {
        for ( occasion = 0; occasion < SERVER_OCCASIONS; occasion++ )
        {
            run_server_scenario( place, act, occasion, 1 );
            run_server_scenario( place, act, occasion, 50 );
        }
    }
}

static void anything_may_happen_in_a_connect_callback( void )
{
    run_server_scenarios( PLACE_CONNECT );
}

static void anything_may_happen_in_a_disconnect_callback( void )
{
    run_server_scenarios( PLACE_DISCONNECT );
}

static void anything_may_happen_in_a_servers_send_override( void )
{
    run_server_scenarios( PLACE_SEND );
}

static void anything_may_happen_in_a_servers_receive_override( void )
{
    run_server_scenarios( PLACE_RECEIVE );
}

static void anything_may_happen_to_a_server_in_a_printf_hook( void )
{
    lines_printed = 0;
    run_server_scenarios( PLACE_PRINT );
    CHECK( lines_printed > 0 );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );

    TEST( a_disconnect_callback_may_disconnect_another_client );
    TEST( disconnecting_the_leaving_client_does_nothing );
    TEST( a_disconnect_callback_may_disconnect_everyone );
    TEST( a_disconnect_callback_may_stop_the_server );
    TEST( stopping_in_a_callback_of_stop_is_stopping_once );
    TEST( nobody_comes_in_while_the_server_stops );
    TEST( no_handshake_ends_while_the_server_stops );
    TEST( a_disconnect_callback_may_restart_the_server );
    TEST( a_connect_callback_may_send_the_client_away );
    TEST( callbacks_may_tell_the_others );
    TEST( a_server_destroyed_in_its_callback_goes_when_the_call_returns );

    TEST( anything_may_happen_in_a_connect_callback );
    TEST( anything_may_happen_in_a_disconnect_callback );
    TEST( anything_may_happen_in_a_servers_send_override );
    TEST( anything_may_happen_in_a_servers_receive_override );
    TEST( anything_may_happen_to_a_server_in_a_printf_hook );

    return tests_done();
}
