/*
 * A program like those that use the installed library: a server and a client over UDP on loopback, and a payload
 * each way. The same as C and as C++, and as a plugin. Returns the number of things that went wrong.
 */
#ifndef GAME_H
#define GAME_H

#include <netcode.h>
#include <stdio.h>
#include <string.h>

#define GAME_PROTOCOL_ID 0x1122334455667788ULL
#define GAME_MAX_SECONDS 20.0
#define GAME_TICK_SECONDS 0.001
#define GAME_PAYLOAD_BYTES 100

static int game_answer( struct netcode_server_t * server )
{
    int bytes, echoed = 0;
    uint8_t * packet;
    while ( ( packet = netcode_server_receive_packet( server, 0, &bytes, NULL ) ) != NULL )
    {
        netcode_server_send_packet( server, 0, packet, bytes );
        netcode_server_free_packet( server, packet );
        echoed++;
    }
    return echoed;
}

static int game_is_answered( struct netcode_client_t * client, const uint8_t * payload )
{
    int bytes, right = 0;
    uint8_t * packet;
    while ( ( packet = netcode_client_receive_packet( client, &bytes, NULL ) ) != NULL )
    {
        right |= bytes == GAME_PAYLOAD_BYTES && memcmp( packet, payload, GAME_PAYLOAD_BYTES ) == 0;
        netcode_client_free_packet( client, packet );
    }
    return right;
}

static int game_play( struct netcode_server_t * server, struct netcode_client_t * client, uint8_t * private_key )
{
    char address[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    const char * server_address = address;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], payload[GAME_PAYLOAD_BYTES];
    double start = netcode_time();
    int answered = 0;

    snprintf( address, sizeof( address ), "127.0.0.1:%d", (int) netcode_server_get_port( server ) );
    netcode_random_bytes( payload, sizeof( payload ) );
    if ( netcode_generate_connect_token( 1, &server_address, &server_address, 30, 5, 1, GAME_PROTOCOL_ID, private_key,
                                         NULL, token ) != NETCODE_OK )
        return 0;
    netcode_server_start( server, 1 );
    netcode_client_connect( client, token );

    while ( !answered && netcode_time() - start < GAME_MAX_SECONDS &&
            netcode_client_state( client ) > NETCODE_CLIENT_STATE_DISCONNECTED )
    {
        double now = netcode_time();
        netcode_client_update( client, now );
        netcode_client_send_packet( client, payload, sizeof( payload ) );
        netcode_server_update( server, now );
        game_answer( server );
        answered = game_is_answered( client, payload );
        netcode_sleep( GAME_TICK_SECONDS );
    }
    return answered;
}

static int game_run( const char * name )
{
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    struct netcode_server_t * server;
    struct netcode_client_t * client;
    int answered = 0;

    if ( netcode_init() != NETCODE_OK )
        return 1;
    netcode_default_server_config( &server_config );
    netcode_default_client_config( &client_config );
    server_config.protocol_id = GAME_PROTOCOL_ID;
    netcode_random_bytes( server_config.private_key, NETCODE_KEY_BYTES );
    server = netcode_server_create( "127.0.0.1:0", &server_config, netcode_time() );
    client = netcode_client_create( "127.0.0.1:0", &client_config, netcode_time() );
    if ( server && client )
        answered = game_play( server, client, server_config.private_key );
    netcode_client_destroy( client );
    netcode_server_destroy( server );
    netcode_term();

    printf( "%s: %s\n", name, answered ? "the payload came back" : "NO PAYLOAD CAME BACK" );
    return answered ? 0 : 1;
}

#endif
