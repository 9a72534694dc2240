/*
 * Asking a server with bare connection requests, made from the token and handed to process_packet from any source
 * the test likes: the server answers with a challenge, a denial, or not at all.
 */
#ifndef NETCODE_C_TESTS_TOKEN_ASK_H
#define NETCODE_C_TESTS_TOKEN_ASK_H

#include "net.h"
#include "seal.h"

#define SOURCE "10.7.0.1:50000"
#define OTHER_PORT "10.7.0.1:50001"
#define OTHER_HOST "10.7.0.2:50000"

enum answer { SILENCE, CHALLENGED, DENIED, CONFUSED };

static inline int sent_since( struct net_endpoint * server, const int * before, int type )
{
    return server->sent[type] - before[type];
}

/* What the server says to this request from this source. */

static inline enum answer ask_from( struct net_endpoint * server, const uint8_t * token, struct netcode_address_t * source )
{
    uint8_t request[NET_REQUEST_BYTES];
    int before[NET_TYPES], total = net_total_sent( server );
    memcpy( before, server->sent, sizeof( before ) );
    net_process( server, source, request, net_request( token, request ) );
    total = net_total_sent( server ) - total;
    if ( total == 0 )
        return SILENCE;
    if ( total == 1 && sent_since( server, before, NET_CHALLENGE ) == 1 )
        return CHALLENGED;
    if ( total == 1 && sent_since( server, before, NET_DENIED ) == 1 )
        return DENIED;
    return CONFUSED;
}

static inline enum answer ask( struct net_endpoint * server, const uint8_t * token, const char * source )
{
    struct netcode_address_t from = net_address( source );
    return ask_from( server, token, &from );
}

/* Answers the last challenge that the server sent, by hand, as the client with this token; 1 if that connected it. */

static inline int respond( struct net_endpoint * server, const uint8_t * token, const char * source, uint64_t sequence )
{
    struct net * net = server->net;
    struct netcode_address_t from = net_address( source );
    const struct net_datagram * challenge = net_last_record( server, NET_CHALLENGE );
    uint8_t plain[NET_DATAGRAM_BYTES], packet[NET_DATAGRAM_BYTES];
    int connected = netcode_server_num_connected_clients( server->server ), bytes;
    if ( !CHECK( challenge != NULL ) )
        return 0;
    CHECK_EQUAL( seal_open_packet( challenge, plain, net->protocol_id, seal_server_key( token ) ), SEAL_CHALLENGE_BYTES );
    bytes = seal_packet( packet, NET_RESPONSE, sequence, plain, SEAL_CHALLENGE_BYTES, net->protocol_id, seal_client_key( token ) );
    net_process( server, &from, packet, bytes );
    return netcode_server_num_connected_clients( server->server ) > connected;
}

/* The packet that `respond` would hand over. */

static inline int make_response( struct net_endpoint * server, const uint8_t * token, uint8_t * packet )
{
    struct net * net = server->net;
    const struct net_datagram * challenge = net_last_record( server, NET_CHALLENGE );
    uint8_t plain[NET_DATAGRAM_BYTES];
    if ( !CHECK( challenge != NULL ) )
        return 0;
    CHECK_EQUAL( seal_open_packet( challenge, plain, net->protocol_id, seal_server_key( token ) ), SEAL_CHALLENGE_BYTES );
    return seal_packet( packet, NET_RESPONSE, 7, plain, SEAL_CHALLENGE_BYTES, net->protocol_id, seal_client_key( token ) );
}

static inline void client_leaves( struct net_pair * pair )
{
    netcode_client_disconnect( pair->client->client );
    net_update( pair->server, pair->net->time );
}

#endif
