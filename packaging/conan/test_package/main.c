/* A server and a client that connect over UDP on loopback. */
#include <netcode.h>
#include <stdio.h>

#define PROTOCOL_ID 1
#define MAX_SECONDS 20.0
#define TICK_SECONDS 0.001

int main( void )
{
    char address[32];
    const char * server_address = address;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    struct netcode_server_t * server;
    struct netcode_client_t * client;
    double start;
    int connected;

    if ( netcode_init() != NETCODE_OK )
        return 1;
    netcode_default_server_config( &server_config );
    netcode_default_client_config( &client_config );
    server_config.protocol_id = PROTOCOL_ID;
    netcode_random_bytes( server_config.private_key, NETCODE_KEY_BYTES );
    server = netcode_server_create( "127.0.0.1:0", &server_config, netcode_time() );
    client = netcode_client_create( "127.0.0.1:0", &client_config, netcode_time() );
    if ( !server || !client )
        return 1;
    snprintf( address, sizeof( address ), "127.0.0.1:%d", (int) netcode_server_get_port( server ) );
    netcode_generate_connect_token( 1, &server_address, &server_address, 30, 5, 1, PROTOCOL_ID,
                                    server_config.private_key, NULL, token );
    netcode_server_start( server, 1 );
    netcode_client_connect( client, token );
    start = netcode_time();
    while ( netcode_client_state( client ) != NETCODE_CLIENT_STATE_CONNECTED && netcode_time() - start < MAX_SECONDS )
    {
        netcode_client_update( client, netcode_time() );
        netcode_server_update( server, netcode_time() );
        netcode_sleep( TICK_SECONDS );
    }
    connected = netcode_client_state( client ) == NETCODE_CLIENT_STATE_CONNECTED;
    netcode_client_destroy( client );
    netcode_server_destroy( server );
    netcode_term();
    printf( connected ? "netcode %s: connected\n" : "netcode %s: NOT CONNECTED\n", NETCODE_VERSION_FULL );
    return connected ? 0 : 1;
}
