// A server and a client in one program: the client says hello over UDP on loopback until it has heard it back ten times.
#include <netcode.hpp>

#include <cstdio>

namespace
{

constexpr std::uint64_t PROTOCOL_ID = 0x1122334455667788;   // identifies your game and its version
constexpr double TICK_SECONDS = 1.0 / 60.0;
constexpr double PATIENCE_SECONDS = 10.0;
constexpr int ECHOES = 10;

void echo( netcode::server & server )
{
    for ( int i = 0; i < server.max_clients(); i++ )
    {
        while ( const netcode::packet packet = server.receive( i ) )
            server.send( i, packet );
    }
}

} // namespace

int main()
{
    const netcode::library library;
    const netcode::key private_key = netcode::generate_key();  // shared by servers and backend, never by clients

    // Handlers come before the objects that call them, so that they outlive them.
    netcode::server_handlers on_server;
    netcode::client_handlers on_client;
    netcode::server server;
    netcode::client client;

    on_server.on_client_change( [&]( int index, bool connected ) {
        if ( connected )
            std::printf( "server: client %d has come from %s\n", index, server.client_address( index ).to_string().c_str() );
        else
            std::printf( "server: client %d leaves (%s)\n", index, to_string( server.client_disconnect_reason( index ) ) );
    } );
    on_client.on_state_change( []( netcode::client_state previous, netcode::client_state current ) {
        std::printf( "client: %s -> %s\n", to_string( previous ), to_string( current ) );
    } );

    netcode::server_config server_config;
    server_config.protocol_id = PROTOCOL_ID;
    server_config.private_key = private_key;
    server_config.handlers = &on_server;
    auto created_server = netcode::server::create( "127.0.0.1:0", server_config, netcode::time() );
    if ( !created_server )
    {
        std::printf( "no server: %s\n", to_string( created_server.error ) );
        return 1;
    }
    server = std::move( *created_server );
    server.start( 4 );

    netcode::client_config client_config;
    client_config.handlers = &on_client;
    auto created_client = netcode::client::create( "0.0.0.0:0", client_config, netcode::time() );
    if ( !created_client )
    {
        std::printf( "no client: %s\n", to_string( created_client.error ) );
        return 1;
    }
    client = std::move( *created_client );

    // In production your backend makes the token, and sends its bytes to the client over HTTPS.
    const netcode::address_text address = netcode::address::ipv4( 127, 0, 0, 1, server.port() ).to_string();
    netcode::connect_token_config token_config;
    token_config.servers = address.c_str();
    token_config.client_id = 1;
    token_config.protocol_id = PROTOCOL_ID;
    token_config.private_key = private_key;
    const auto token = netcode::connect_token::generate( token_config );
    if ( !token )
        return 1;
    client.connect( *token );

    int echoes = 0;
    const double end = netcode::time() + PATIENCE_SECONDS;
    while ( echoes < ECHOES && !client.failed() && netcode::time() < end )
    {
        const double now = netcode::time();
        client.update( now );
        server.update( now );
        echo( server );
        client.send( "hello", 5 );      // does nothing until connected
        while ( const netcode::packet packet = client.receive() )
            echoes++;
        netcode::sleep( TICK_SECONDS );
    }

    client.disconnect();
    server.update( netcode::time() );
    std::printf( "%d echoes\n", echoes );
    return echoes >= ECHOES ? 0 : 1;
}
