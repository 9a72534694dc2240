/*
 * Odd behaviour of the receive override while a handshake is under way, so that there are keys to try.
 */
#include "attack.h"

struct script
{
    const int * returns;                /* what one call after the other returns; then 0 for ever */
    int length, calls;
    struct netcode_address_t from;
};

static int scripted_receive( void * context, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    struct script * script = (struct script *) ( (struct net_endpoint *) context )->user;
    int result = script->calls < script->length ? script->returns[script->calls] : 0;
    script->calls++;
    CHECK_EQUAL( max_bytes, MAX_BYTES );
    if ( result > 0 )
    {
        *from = script->from;
        memset( data, 0x15, (size_t) ( result < max_bytes ? result : max_bytes ) );
    }
    return result;
}

/* Updates of a server with a handshake under way, then of its client, all fed by the script. */

static void run_script( const int * returns, int length, int expected_calls )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_endpoint( net, NET_SERVER );
    struct net_endpoint * client = net_endpoint( net, NET_CLIENT );
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], request[NET_REQUEST_BYTES];
    struct script script;
    int as_client, update;

    netcode_default_server_config( &server_config );
    net_server_config( server, &server_config );
    server_config.receive_packet_override = scripted_receive;
    server->is_server = 1;
    server->server = netcode_server_create( NET_SERVER, &server_config, net->time );
    netcode_default_client_config( &client_config );
    net_client_config( client, &client_config );
    client_config.receive_packet_override = scripted_receive;
    client->client = netcode_client_create( NET_CLIENT, &client_config, net->time );
    REQUIRE( server->server && client->client );
    netcode_server_start( server->server, 1 );
    net_token_for( server, token, -1, 1000 );

    /* so that the server has keys to try on what comes from there */
    net_process( server, &client->address, request, net_request( token, request ) );
    net_drain( client );
    net_forget( net );
    netcode_client_connect( client->client, token );

    for ( as_client = 0; as_client <= 1; as_client++ )
    {
        for ( update = 0; update < 3; update++ )
        {
            script.returns = returns;
            script.length = length;
            script.calls = 0;
            script.from = as_client ? server->address : client->address;
            client->user = server->user = &script;
            net_update( as_client ? client : server, net->time + 1.0 );
            CHECK_EQUAL( script.calls, expected_calls );
        }
    }
    CHECK( net_history_is( client, "0>1" ) );
    CHECK( net_history_is( server, "" ) );
    CHECK_EQUAL( net_total_sent( server ), 0 );
    client->user = server->user = &script;
    net_destroy( net );
}

static void receive_is_called_until_nothing_waits( void )
{
    static const int nothing[] = { 0 };
    static const int three[] = { 100, 18, 1300 };
    static const int pause[] = { 20, 0, 20, 20 };
    run_script( nothing, 1, 1 );
    run_script( three, 3, 4 );
    run_script( pause, 4, 2 );
}

static void a_negative_return_ends_receiving_as_well( void )
{
    static const int error[] = { -1, -1, -1, -1 };
    static const int later[] = { 50, -1000, 50 };
    static const int lowest[] = { -0x7FFFFFFF - 1, -1 };
    run_script( error, 4, 1 );
    run_script( later, 3, 2 );
    run_script( lowest, 2, 1 );
}

static void a_return_beyond_the_buffer_is_clamped( void )
{
    static const int beyond[] = { 1301, 65536, 0x7FFFFFFF, 30 };
    run_script( beyond, 4, 5 );
}

static void overrides_are_drained_without_bound( void )
{
    static int many[20000];
    int i;
    for ( i = 0; i < 20000; i++ )
        many[i] = 20;
    run_script( many, 20000, 20001 );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    TEST( receive_is_called_until_nothing_waits );
    TEST( a_negative_return_ends_receiving_as_well );
    TEST( a_return_beyond_the_buffer_is_clamped );
    TEST( overrides_are_drained_without_bound );
    return attack_done();
}
