/*
 * A server and a client over real sockets on the loopback interface, in virtual time. Waiting for the kernel is a
 * bounded number of updates with a moment between them.
 */
#ifndef NETCODE_C_TESTS_FAULTS_PAIR_H
#define NETCODE_C_TESTS_FAULTS_PAIR_H

#include <netcode.h>
#include "test.h"

#define PAIR_PROTOCOL_ID 0x1122334455667788ull
#define PAIR_TICK 0.01              /* of virtual time */
#define PAIR_PASSING_TICK 0.11      /* of time in which nothing is waited for: everybody sends in each */
#define PAIR_MOMENT 0.0005          /* of real time, between two ticks */
#define PAIR_PATIENCE 2000          /* ticks */
#define PAIR_LIFETIME 3600
#define PAIR_TIMEOUT 5
#define PAIR_TIMEOUT_TICKS ( (int) ( PAIR_TIMEOUT / PAIR_TICK ) + 2 )

struct pair
{
    struct netcode_server_t * server;
    struct netcode_client_t * client;
    char address[NETCODE_MAX_ADDRESS_STRING_LENGTH];  /* of the server */
    double time;
    uint64_t next_id;
};

static const uint8_t pair_key[NETCODE_KEY_BYTES] = { 7, 1, 9 };

static inline void pair_server_config( struct netcode_server_config_t * config )
{
    memset( config, 0, sizeof( *config ) );
    netcode_default_server_config( config );
    config->protocol_id = PAIR_PROTOCOL_ID;
    memcpy( config->private_key, pair_key, NETCODE_KEY_BYTES );
}

/* "127.0.0.1" or "[::1]" */
static inline int pair_open_with( struct pair * pair, const char * host, struct netcode_server_config_t * server_config, struct netcode_client_config_t * client_config )
{
    char any_port[64];
    memset( pair, 0, sizeof( *pair ) );
    pair->time = 100.0;
    pair->next_id = 1;
    snprintf( any_port, sizeof( any_port ), "%s:0", host );
    pair->server = netcode_server_create( any_port, server_config, pair->time );
    pair->client = netcode_client_create( any_port, client_config, pair->time );
    if ( !pair->server || !pair->client )
        return 0;
    snprintf( pair->address, sizeof( pair->address ), "%s:%d", host, netcode_server_get_port( pair->server ) );
    netcode_server_start( pair->server, 4 );
    return 1;
}

static inline int pair_open( struct pair * pair, const char * host )
{
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    pair_server_config( &server_config );
    netcode_default_client_config( &client_config );
    return pair_open_with( pair, host, &server_config, &client_config );
}

static inline void pair_close( struct pair * pair )
{
    if ( pair->client )
        netcode_client_destroy( pair->client );
    if ( pair->server )
        netcode_server_destroy( pair->server );
    pair->client = NULL;
    pair->server = NULL;
}

static inline void pair_step( struct pair * pair )
{
    pair->time += PAIR_TICK;
    if ( pair->client )
        netcode_client_update( pair->client, pair->time );
    if ( pair->server )
        netcode_server_update( pair->server, pair->time );
    netcode_sleep( PAIR_MOMENT );
}

static inline void pair_steps( struct pair * pair, int steps )
{
    while ( steps-- > 0 )
        pair_step( pair );
}

/* Time in which nothing arrives that would have to be waited for. */
static inline void pair_pass( struct pair * pair, double seconds )
{
    double end = pair->time + seconds;
    while ( pair->time < end )
    {
        pair->time += PAIR_PASSING_TICK;
        netcode_client_update( pair->client, pair->time );
        netcode_server_update( pair->server, pair->time );
    }
}

static inline void pair_begin_to_connect( struct pair * pair )
{
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    const char * address = pair->address;
    CHECK( netcode_generate_connect_token( 1, &address, &address, PAIR_LIFETIME, PAIR_TIMEOUT, pair->next_id++, PAIR_PROTOCOL_ID, pair_key, NULL, token ) );
    netcode_client_connect( pair->client, token );
}

static inline int pair_is_connected( struct pair * pair )
{
    return pair->client && pair->server && netcode_client_state( pair->client ) == NETCODE_CLIENT_STATE_CONNECTED
        && netcode_server_client_connected( pair->server, netcode_client_index( pair->client ) );
}

static inline int pair_connect( struct pair * pair )
{
    int i;
    pair_begin_to_connect( pair );
    for ( i = 0; i < PAIR_PATIENCE && !pair_is_connected( pair ) && netcode_client_state( pair->client ) > 0; i++ )
        pair_step( pair );
    return pair_is_connected( pair );
}

static inline uint8_t pair_byte( int i, int seed )
{
    return (uint8_t) ( i * 7 + seed * 31 );
}

static inline int pair_is_payload( const uint8_t * packet, int bytes, int expected_bytes, int seed )
{
    int i;
    for ( i = 0; packet && i < expected_bytes && bytes == expected_bytes; i++ )
    {
        if ( packet[i] != pair_byte( i, seed ) )
            return 0;
    }
    return packet && bytes == expected_bytes;
}

/* A payload each way; 1 if both arrived as they were. Others that were under way are thrown away. */
static inline int pair_exchange( struct pair * pair, int bytes, int seed )
{
    uint8_t data[NETCODE_MAX_PACKET_SIZE];
    int i, slot = netcode_client_index( pair->client ), got_client = 0, got_server = 0, received = 0;
    for ( i = 0; i < bytes; i++ )
        data[i] = pair_byte( i, seed );
    netcode_client_send_packet( pair->client, data, bytes );
    netcode_server_send_packet( pair->server, slot, data, bytes );
    for ( i = 0; i < PAIR_PATIENCE && !( got_client && got_server ) && pair_is_connected( pair ); i++ )
    {
        uint8_t * packet;
        pair_step( pair );
        while ( ( packet = netcode_client_receive_packet( pair->client, &received, NULL ) ) != NULL )
        {
            got_client |= pair_is_payload( packet, received, bytes, seed );
            netcode_client_free_packet( pair->client, packet );
        }
        while ( ( packet = netcode_server_receive_packet( pair->server, slot, &received, NULL ) ) != NULL )
        {
            got_server |= pair_is_payload( packet, received, bytes, seed );
            netcode_server_free_packet( pair->server, packet );
        }
    }
    return got_client && got_server;
}

#endif
