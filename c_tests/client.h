/*
 * What the tests of the client share: a client that is on its way to some address, a client and a server in a
 * state of choice, and what a client must read as when nothing is left of a connection.
 */
#ifndef NETCODE_C_TESTS_CLIENT_H
#define NETCODE_C_TESTS_CLIENT_H

#include "net.h"
#include "seal.h"

#define NOBODY "10.9.9.1:40000"         /* an address where no endpoint listens */
#define NOBODY_ELSE "10.9.9.2:40000"

/* A client that was told to connect to `address` with these seconds. */

struct attempt
{
    struct net * net;
    struct net_endpoint * client;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
};

static inline void attempt_open( struct attempt * attempt, const char * address, int expire_seconds, int timeout_seconds )
{
    attempt->net = net_create();
    attempt->client = net_client( attempt->net, NET_CLIENT );
    net_token_to( attempt->net, attempt->token, address, expire_seconds, timeout_seconds, 1000 );
    netcode_client_connect( attempt->client->client, attempt->token );
}

/* A server, and a client that is brought to a state; with a confirmed connection if that is CONNECTED. */

struct scene
{
    struct net * net;
    struct net_endpoint * server, * client;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    struct seal_session session;
};

static inline void scene_open( struct scene * scene, int state, int expire_seconds, int timeout_seconds )
{
    /* with a timeout of zero a server waits for the response only as long as its clock stands still */
    double dt = timeout_seconds == 0 ? 0.0 : NET_TICK;
    int i;
    scene->net = net_create();
    scene->server = net_server( scene->net, NET_SERVER, 4 );
    scene->client = net_client( scene->net, NET_CLIENT );
    net_token_to( scene->net, scene->token, NET_SERVER, expire_seconds, timeout_seconds, 1000 );
    scene->session = seal_session_of( scene->net, scene->token );
    if ( state == NETCODE_CLIENT_STATE_DISCONNECTED )
        return;
    scene->server->drop = state == NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST ? NET_ALL : 0;
    scene->client->drop = state == NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE ? 1 << NET_RESPONSE : 0;
    netcode_client_connect( scene->client->client, scene->token );
    for ( i = 0; i < NET_MAX_STEPS && ( i == 0 || net_state( scene->client ) != state ); i++ )
        net_step( scene->net, dt );
    CHECK_EQUAL( net_state( scene->client ), state );
    if ( state == NETCODE_CLIENT_STATE_CONNECTED )
        net_settle( scene->net );
}

/* An update of the client alone in which it receives the server's next keep-alive; from then on it hears nothing. */

static inline void scene_last_word_of_the_server( struct scene * scene )
{
    int handed;
    net_update( scene->client, scene->net->time );
    handed = scene->client->handed[NET_KEEP_ALIVE];
    net_update( scene->server, scene->net->time + 1 );
    net_update( scene->client, scene->net->time );
    CHECK_EQUAL( scene->client->handed[NET_KEEP_ALIVE], handed + 1 );
    scene->server->drop = NET_ALL;
}

static inline void send_to_client( struct net_endpoint * server, int slot, int bytes, int seed )
{
    uint8_t payload[NETCODE_MAX_PACKET_SIZE];
    net_fill( payload, bytes, seed );
    netcode_server_send_packet( server->server, slot, payload, bytes );
}

static inline void check_reset( struct net_endpoint * client )
{
    CHECK_EQUAL( netcode_client_next_packet_sequence( client->client ), 0 );
    CHECK_EQUAL( netcode_client_index( client->client ), 0 );
    CHECK_EQUAL( netcode_client_max_clients( client->client ), 0 );
    CHECK_EQUAL( netcode_client_server_address( client->client )->type, NETCODE_ADDRESS_NONE );
}

static inline void check_reset_in_event( const struct net_event * event )
{
    if ( !CHECK( event != NULL ) )
        return;
    CHECK_EQUAL( event->next_sequence, 0 );
    CHECK_EQUAL( event->index, 0 );
    CHECK_EQUAL( event->max_clients, 0 );
    CHECK_EQUAL( event->server_address.type, NETCODE_ADDRESS_NONE );
}

static inline void check_nothing_to_receive( struct net_endpoint * client )
{
    int bytes = -77;
    uint64_t sequence = 77;
    CHECK( netcode_client_receive_packet( client->client, &bytes, &sequence ) == NULL );
    CHECK_EQUAL( bytes, -77 );
    CHECK_EQUAL( sequence, 77 );
    CHECK( netcode_client_receive_packet( client->client, &bytes, NULL ) == NULL );
    CHECK_EQUAL( bytes, -77 );
}

/* With this error, and strictly later than the timeout after the last packet, which came at `last`. */

static inline void check_times_out( struct net_endpoint * client, double last, double timeout, int error )
{
    int before = net_state( client ), events = net_num_events( client );
    const struct net_event * event;
    net_update( client, last + timeout );
    CHECK_EQUAL( net_state( client ), before );
    CHECK_EQUAL( net_num_events( client ), events );
    net_update( client, last + timeout + NET_TINY );
    CHECK_EQUAL( net_state( client ), error );
    CHECK_EQUAL( net_num_events( client ), events + 1 );
    check_reset( client );
    event = net_last_event( client );
    if ( CHECK( event != NULL ) )
    {
        CHECK_EQUAL( event->previous, before );
        CHECK_EQUAL( event->current, error );
        CHECK_EQUAL( event->state, before );
    }
    check_reset_in_event( event );
    CHECK_EQUAL( client->sent[NET_DISCONNECT], 0 );

    /* and then it is silent */
    net_forget( client->net );
    net_update( client, last + timeout + 10.0 );
    CHECK_EQUAL( net_total_sent( client ), 0 );
    CHECK_EQUAL( net_num_events( client ), 0 );
    CHECK_EQUAL( net_state( client ), error );
}

#endif
