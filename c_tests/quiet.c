/*
 * With the log level that it starts with, the library writes nothing anywhere, whatever goes wrong. run.py takes any
 * output of this program for a failure.
 */
#include <netcode.h>
#include <string.h>

static int serve( struct netcode_server_t * server, struct netcode_client_t * client, uint8_t * token )
{
    double time = 0.0;
    int tick, connected = 0;
    netcode_client_connect( client, token );
    for ( tick = 0; tick < 2000 && !connected && netcode_client_state( client ) > NETCODE_CLIENT_STATE_DISCONNECTED; tick++ )
    {
        time += 0.001;
        netcode_client_update( client, time );
        netcode_server_update( server, time );
        netcode_sleep( 0.001 );
        connected = netcode_client_state( client ) == NETCODE_CLIENT_STATE_CONNECTED;
    }
    netcode_client_send_packet( client, token, 100 );
    netcode_server_update( server, time );
    netcode_client_update( client, time + 1000.0 );     /* times out */
    return connected;
}

int main( void )
{
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    struct netcode_server_t * server;
    struct netcode_client_t * client;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    const char * address = "127.0.0.1:0";
    char bound[] = "127.0.0.1:00000";
    int port, digit, connected;
    if ( netcode_init() != NETCODE_OK )
        return 1;
    netcode_default_client_config( &client_config );
    netcode_default_server_config( &server_config );
    server_config.protocol_id = 1;
    memset( server_config.private_key, 7, NETCODE_KEY_BYTES );
    server = netcode_server_create( address, &server_config, 0.0 );
    client = netcode_client_create( address, &client_config, 0.0 );
    if ( !server || !client || netcode_client_create( "nowhere", &client_config, 0.0 ) != NULL )
        return 2;
    netcode_server_start( server, 4 );
    for ( port = netcode_server_get_port( server ), digit = 14; digit >= 10; digit--, port /= 10 )
        bound[digit] = (char) ( '0' + port % 10 );
    address = bound;
    if ( netcode_generate_connect_token( 1, &address, &address, 30, 5, 1, 1, server_config.private_key, NULL, token ) != NETCODE_OK )
        return 3;
    connected = serve( server, client, token );
    memset( token, 0, sizeof( token ) );
    netcode_client_connect( client, token );            /* cannot be read */
    netcode_client_destroy( client );
    netcode_server_stop( server );
    netcode_server_destroy( server );
    netcode_term();
    return connected ? 0 : 4;
}
