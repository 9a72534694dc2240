/*
 * Datagrams that are delivered at once, each processed by the other side before the send returns; and slots that go
 * to another client while a payload for them is under way.
 */
#include "reentry.h"

/* Direct delivery: each datagram is processed by the other side before the send returns. */

static struct net_endpoint * echo_server;

static void echo_at_once( struct net_endpoint * self )
{
    int slot, bytes;
    for ( slot = 0; slot < netcode_server_max_clients( self->server ); slot++ )
    {
        uint8_t * packet = netcode_server_receive_packet( self->server, slot, &bytes, NULL );
        if ( packet )
        {
            netcode_server_send_packet( self->server, slot, packet, bytes );
            netcode_server_free_packet( self->server, packet );
        }
    }
}

static void echo_after_send( struct net_endpoint * self, const struct net_datagram * datagram )
{
    (void) self;
    (void) datagram;
    if ( echo_server && echo_server->server )
        echo_at_once( echo_server );
}

static void a_session_runs_with_direct_delivery( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
    struct net_endpoint * clients[4];
    char address[64];
    int i, n;
    net->direct = 1;
    server->on_event = send_to_everyone;
    for ( i = 0; i < 4; i++ )
    {
        clients[i] = net_client( net, net_client_address( i, address, sizeof( address ) ) );
        CHECK( net_connect( clients[i], server, 1000 + (uint64_t) i ) );
        CHECK( net_history_is( clients[i], "0>1 1>2 2>3" ) );
        CHECK_EQUAL( netcode_client_index( clients[i]->client ), i );
    }
    CHECK( net_history_is( server, "+0 +1 +2 +3" ) );
    net_settle( net );

    /* told of itself and of all who came later */
    for ( i = 0; i < 4; i++ )
        CHECK_EQUAL( net_discard_payloads( clients[i], 0 ), 4 - i );

    /* payloads: in at once, and back out of the send of the next */
    for ( n = 0; n < 50; n++ )
    {
        for ( i = 0; i < 4; i++ )
        {
            uint8_t payload[NETCODE_MAX_PACKET_SIZE], * packet;
            int bytes = 1 + n * 24 + i, received = 0;
            net_fill( payload, bytes, i );
            netcode_client_send_packet( clients[i]->client, payload, bytes );
            echo_at_once( server );
            packet = netcode_client_receive_packet( clients[i]->client, &received, NULL );
            REQUIRE( packet != NULL );
            CHECK_EQUAL( received, bytes );
            CHECK( net_filled( packet, bytes, i ) );
            netcode_client_free_packet( clients[i]->client, packet );
        }
    }

    /* the server's farewell payload reaches a client in the middle of its own disconnecting */
    netcode_client_disconnect( clients[2]->client );
    CHECK( net_history_is( server, "+0 +1 +2 +3 -2:2" ) );
    CHECK( net_history_is( clients[2], "0>1 1>2 2>3 3>0" ) );
    netcode_server_disconnect_client( server->server, 0 );
    netcode_server_stop( server->server );
    CHECK( net_history_is( server, "+0 +1 +2 +3 -2:2 -0:3 -1:3 -3:3" ) );
    net_step( net, NET_TICK );
    for ( i = 0; i < 4; i++ )
        CHECK_EQUAL( net_state( clients[i] ), NETCODE_CLIENT_STATE_DISCONNECTED );
    server->on_event = NULL;
    net_destroy( net );
}

static void a_server_echoes_from_inside_its_own_sends( void )
{
    struct crowd crowd;
    int n;
    crowd_open( &crowd );
    net_steps( crowd.net, 2, NET_TICK );
    crowd.net->direct = 1;
    echo_server = crowd.server;
    crowd.server->on_send = echo_after_send;
    for ( n = 0; n < 20; n++ )
    {
        static const uint8_t payload[5] = "abcd";
        netcode_client_send_packet( crowd.clients[0]->client, payload, sizeof( payload ) );
        netcode_client_send_packet( crowd.clients[1]->client, payload, sizeof( payload ) );
        send_to( crowd.server, 2 );
        net_step( crowd.net, NET_TICK );
    }
    CHECK_EQUAL( net_discard_payloads( crowd.clients[0], 0 ), 20 );
    CHECK_EQUAL( net_discard_payloads( crowd.clients[1], 0 ), 20 );
    CHECK_EQUAL( net_discard_payloads( crowd.clients[2], 0 ), 20 );
    CHECK( net_history_is( crowd.server, "" ) );
    echo_server = NULL;
    crowd_close( &crowd );
}

static void a_denial_arrives_with_direct_delivery( void )
{
    const char * addresses[] = { NET_SERVER, OTHER_SERVER };
    struct net_pair pair = net_pair_open( 1 );
    struct net_endpoint * second = net_server( pair.net, OTHER_SERVER, 1 );
    struct net_endpoint * client = net_client( pair.net, "10.0.1.2:50000" );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token( pair.net, token, 2, addresses, addresses, NET_LIFETIME, NET_TIMEOUT, 2000, NULL );
    pair.net->direct = 1;
    CHECK( net_connect_with( client, token ) );
    CHECK( net_history_is( client, "0>1 1>1 1>2 2>3" ) );
    CHECK( net_history_is( second, "+0" ) );
    net_pair_close( &pair );
}

/* Somebody else's payload: a client leaves, and another takes its slot, while the library is busy with a payload. */

struct relay
{
    struct net_endpoint * server, * next;
    struct netcode_client_t * leaving;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    struct heap * heap;
    int allocations;
    int armed;
};

static struct relay relay;

static void relay_slot_zero( void )
{
    int i;
    relay.armed = 0;
    netcode_server_disconnect_client( relay.server->server, 0 );
    netcode_client_connect( relay.next->client, relay.token );
    for ( i = 0; i < 4; i++ )
        net_update( relay.next, relay.next->net->time + NET_TICK );
    CHECK_EQUAL( netcode_server_client_id( relay.server->server, 0 ), 2000 );
}

static void relay_on_keep_alive( struct net_endpoint * self, const struct net_datagram * datagram )
{
    (void) self;
    if ( relay.armed && net_type( datagram ) == NET_KEEP_ALIVE )
        relay_slot_zero();
}

static void a_payload_does_not_go_to_the_next_client_of_the_slot( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 1 ), * first = net_client( net, NET_CLIENT );
    memset( &relay, 0, sizeof( relay ) );
    relay.server = server;
    relay.next = net_client( net, "10.0.1.2:50000" );
    net_token_for( server, relay.token, NET_TIMEOUT, 2000 );
    net->direct = 1;
    /* never confirmed, so that a keep-alive goes before each payload */
    first->drop = 1 << NET_KEEP_ALIVE | 1 << NET_PAYLOAD;
    CHECK( net_connect( first, server, 1000 ) );
    CHECK_EQUAL( netcode_server_client_id( server->server, 0 ), 1000 );
    net_forget( net );
    server->on_send = relay_on_keep_alive;
    relay.armed = 1;
    send_to( server, 0 );
    CHECK_EQUAL( relay.armed, 0 );
    CHECK_EQUAL( net_state( relay.next ), NETCODE_CLIENT_STATE_CONNECTED );
    CHECK_EQUAL( server->sent[NET_PAYLOAD], 0 );
    CHECK_EQUAL( net_discard_payloads( first, 0 ), 0 );
    CHECK_EQUAL( net_discard_payloads( relay.next, 0 ), 0 );
    CHECK( net_history_is( server, "-0:3 +0" ) );
    net_update( first, net->time );
    CHECK_EQUAL( net_state( first ), NETCODE_CLIENT_STATE_DISCONNECTED );

    /* its own do reach it */
    send_to( server, 0 );
    CHECK_EQUAL( net_discard_payloads( relay.next, 0 ), 1 );
    net_destroy( net );
}

static void relay_in_allocate( void )
{
    if ( !relay.armed || relay.heap->allocations == relay.allocations )
        return;
    relay.armed = 0;
    if ( relay.leaving )
        netcode_client_disconnect( relay.leaving );
    else if ( relay.next )
        relay_slot_zero();
    else
        netcode_server_disconnect_client( relay.server->server, 0 );
}

/* Arms the allocate hook, not the free hook that shares its code. */
static void relay_arm( struct heap * heap )
{
    relay.heap = heap;
    relay.allocations = heap->allocations;
    relay.armed = 1;
    heap->inside = relay_in_allocate;
}

static void check_disconnecting_in_a_servers_allocate_hook( int at_once )
{
    static const uint8_t payload[5] = "abcd";
    struct net * net = net_create();
    struct heap heap;
    struct net_endpoint * server, * first = net_client( net, NET_CLIENT ), * next = net_client( net, "10.0.1.2:50000" );
    memset( &heap, 0, sizeof( heap ) );
    memset( &relay, 0, sizeof( relay ) );
    server = server_on_heap( net, NET_SERVER, 1, &heap );
    relay.server = server;
    relay.next = at_once ? next : NULL;
    net_token_for( server, relay.token, NET_TIMEOUT, 2000 );
    net->direct = 1;
    CHECK( net_connect( first, server, 1000 ) );
    net_settle( net );
    net_forget( net );
    relay_arm( &heap );
    netcode_client_send_packet( first->client, payload, (int) sizeof( payload ) );
    CHECK_EQUAL( relay.armed, 0 );
    heap.inside = NULL;
    if ( !at_once )
    {
        CHECK_EQUAL( netcode_server_client_connected( server->server, 0 ), 0 );
        CHECK_EQUAL( net_discard_payloads( server, 0 ), 0 );
        CHECK( net_connect_with( next, relay.token ) );
    }
    CHECK( net_history_is( server, "-0:3 +0" ) );
    CHECK_EQUAL( netcode_server_client_id( server->server, 0 ), 2000 );
    CHECK_EQUAL( net_discard_payloads( server, 0 ), 0 );
    netcode_client_send_packet( next->client, payload, (int) sizeof( payload ) );
    CHECK_EQUAL( net_discard_payloads( server, 0 ), 1 );
    net_destroy( net );
    CHECK_EQUAL( heap.outstanding, 0 );
}

static void a_payload_does_not_come_from_the_next_client_of_the_slot( void )
{
    check_disconnecting_in_a_servers_allocate_hook( 0 );
    check_disconnecting_in_a_servers_allocate_hook( 1 );
}

static void a_client_that_disconnects_in_its_allocate_hook_queues_nothing( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 1 ), * client;
    struct heap heap;
    memset( &heap, 0, sizeof( heap ) );
    memset( &relay, 0, sizeof( relay ) );
    client = client_on_heap( net, NET_CLIENT, &heap );
    net->direct = 1;
    CHECK( net_connect( client, server, 1000 ) );
    net_settle( net );
    relay.leaving = client->client;
    relay_arm( &heap );
    send_to( server, 0 );
    CHECK_EQUAL( relay.armed, 0 );
    heap.inside = NULL;
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    CHECK_EQUAL( net_discard_payloads( client, 0 ), 0 );

    /* nor does it turn up in its next session */
    CHECK( net_connect( client, server, 1000 ) );
    CHECK_EQUAL( net_discard_payloads( client, 0 ), 0 );
    net_destroy( net );
    CHECK_EQUAL( heap.outstanding, 0 );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );

    TEST( a_session_runs_with_direct_delivery );
    TEST( a_server_echoes_from_inside_its_own_sends );
    TEST( a_denial_arrives_with_direct_delivery );
    TEST( a_payload_does_not_go_to_the_next_client_of_the_slot );
    TEST( a_payload_does_not_come_from_the_next_client_of_the_slot );
    TEST( a_client_that_disconnects_in_its_allocate_hook_queues_nothing );

    return tests_done();
}
