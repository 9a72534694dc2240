/*
 * What the attacks have in common: what an attack must leave as it was, who attacks, and the figures that each
 * program prints before its summary.
 */
#ifndef NETCODE_C_TESTS_ATTACK_H
#define NETCODE_C_TESTS_ATTACK_H

#include "net.h"
#include "seal.h"

#define STRANGER "10.66.6.6:6666"
#define ANOTHER_CLIENT "10.0.1.2:50000"
#define MAX_BYTES 1300

static long long attack_cases;          /* what the program counts as one is its own affair */

/* What an attack must leave as it is. */

struct snapshot
{
    int events, sent, state, connected;
};

static inline struct snapshot snapshot_of( struct net_endpoint * target )
{
    struct snapshot snapshot;
    memset( &snapshot, 0, sizeof( snapshot ) );
    snapshot.events = net_num_events( target );
    snapshot.sent = net_total_sent( target );
    if ( target->server )
        snapshot.connected = netcode_server_num_connected_clients( target->server );
    else
        snapshot.state = net_state( target );
    return snapshot;
}

static inline int untouched( struct net_endpoint * target, const struct snapshot * before )
{
    struct snapshot now = snapshot_of( target );
    int slot, bytes;
    if ( memcmp( &now, before, sizeof( now ) ) != 0 )
        return 0;
    if ( target->client )
        return netcode_client_receive_packet( target->client, &bytes, NULL ) == NULL;
    for ( slot = 0; slot < netcode_server_max_clients( target->server ); slot++ )
    {
        if ( netcode_server_receive_packet( target->server, slot, &bytes, NULL ) != NULL )
            return 0;
    }
    return 1;
}

/* The connection still carries payloads, and nobody noticed anything. */

static inline void check_undisturbed( struct net_pair * pair )
{
    static const uint8_t payload[4] = "abc";
    CHECK( net_history_is( pair->client, "" ) );
    CHECK( net_history_is( pair->server, "" ) );
    netcode_client_send_packet( pair->client->client, payload, sizeof( payload ) );
    netcode_server_send_packet( pair->server->server, 0, payload, sizeof( payload ) );
    net_steps( pair->net, 2, NET_TICK );
    CHECK_EQUAL( net_discard_payloads( pair->server, 0 ), 1 );
    CHECK_EQUAL( net_discard_payloads( pair->client, 0 ), 1 );
    CHECK( net_history_is( pair->client, "" ) );
    CHECK( net_history_is( pair->server, "" ) );
    CHECK_EQUAL( net_state( pair->client ), NETCODE_CLIENT_STATE_CONNECTED );
}

/* The datagram of this type that `sender` has last sent and that did not get through. */

static inline struct net_datagram withheld( struct net_endpoint * sender, int type )
{
    const struct net_datagram * record = net_last_record( sender, type );
    struct net_datagram copy;
    memset( &copy, 0, sizeof( copy ) );
    if ( CHECK( record != NULL ) )
        copy = *record;
    return copy;
}

/* Everything recorded so far, once more to where it went; the records themselves stay. */

static inline void replay_everything( struct net * net )
{
    int i, n = net->num_records;
    for ( i = 0; i < n; i++ )
        net_replay( net, net->records[i] );
}

/* The server's answer to a request with this token from there: the packet's type, -1 for none, -2 for several. */

static inline int answer_to( struct net_endpoint * server, const uint8_t * token, const struct netcode_address_t * source )
{
    uint8_t request[NET_REQUEST_BYTES];
    int before[NET_TYPES], type, answer = -1;
    memcpy( before, server->sent, sizeof( before ) );
    attack_cases++;
    net_process( server, source, request, net_request( token, request ) );
    for ( type = 0; type < NET_TYPES; type++ )
    {
        if ( server->sent[type] != before[type] )
            answer = answer == -1 && server->sent[type] == before[type] + 1 ? type : -2;
    }
    return answer;
}

/* The response to the last challenge that the server sent, as whoever has the token makes it; its size. */

static inline int response_to_the_last( struct net_endpoint * server, const uint8_t * token, uint8_t * packet )
{
    const struct net_datagram * challenge = net_last_record( server, NET_CHALLENGE );
    uint8_t plain[NET_DATAGRAM_BYTES];
    if ( !CHECK( challenge && seal_open_packet( challenge, plain, server->net->protocol_id, seal_server_key( token ) ) == SEAL_CHALLENGE_BYTES ) )
        return 0;
    return seal_packet( packet, NET_RESPONSE, 1, plain, SEAL_CHALLENGE_BYTES, server->net->protocol_id, seal_client_key( token ) );
}

/* The n-th of the sources that an attacker pretends to have, of both families. */

static inline struct netcode_address_t spoofed_source( int n )
{
    struct netcode_address_t source;
    memset( &source, 0, sizeof( source ) );
    source.type = n % 2 ? NETCODE_ADDRESS_IPV4 : NETCODE_ADDRESS_IPV6;
    source.port = (uint16_t) ( 1 + n );
    if ( n % 2 )
        source.data.ipv4[0] = 10;
    else
        source.data.ipv6[0] = 0x2001;
    return source;
}

static inline int attack_done( void )
{
    if ( attack_cases )
        printf( FIGURES "%lld cases\n", attack_cases );
    if ( net_traffic.datagrams_in )
        printf( FIGURES "%lld datagrams with %lld bytes into the library, %lld with %lld bytes out of it\n", net_traffic.datagrams_in, net_traffic.bytes_in, net_traffic.datagrams_out, net_traffic.bytes_out );
    return tests_done();
}

#endif
