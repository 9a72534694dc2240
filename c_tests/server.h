/*
 * What the tests of the server share: what its queries answer for a slot that is empty and for one that is none, and
 * something to send.
 */
#ifndef NETCODE_C_TESTS_SERVER_H
#define NETCODE_C_TESTS_SERVER_H

#include "net.h"
#include "seal.h"

#define ANOTHER_CLIENT "10.0.1.2:50000"

static const int outside[] = { -1, -1000, 4, 5, 256, 257, 0x7FFFFFFF, -0x7FFFFFFF - 1 };  /* of a server with 4 slots */

#define OUTSIDE ( (int) ( sizeof( outside ) / sizeof( outside[0] ) ) )

static inline void check_nothing_to_receive( struct net_endpoint * server, int slot )
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

static inline void check_no_slot( struct net_endpoint * server, int slot )
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

static inline void check_empty_slot( struct net_endpoint * server, int slot, int reason )
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

static inline void send_payload( struct net_endpoint * from, int slot, int bytes, int seed )
{
    uint8_t payload[NETCODE_MAX_PACKET_SIZE];
    net_fill( payload, bytes, seed );
    if ( from->server )
        netcode_server_send_packet( from->server, slot, payload, bytes );
    else
        netcode_client_send_packet( from->client, payload, bytes );
}

/* To seal in the place of the client. */

static inline struct seal_session session_of( struct net_pair * pair )
{
    return seal_session_of( pair->net, pair->token );
}

#endif
