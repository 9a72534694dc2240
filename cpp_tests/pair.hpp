// A client and a server that talk through the override callbacks, in memory, with a clock of their own.
#ifndef NETCODE_CPP_TESTS_PAIR_HPP
#define NETCODE_CPP_TESTS_PAIR_HPP

#include <netcode.hpp>

#include "hooks.h"
#include "test.h"

#include <cstdint>
#include <deque>
#include <vector>

constexpr const char * SERVER = "10.0.0.1:40000";
constexpr const char * CLIENT = "10.0.1.1:50000";
constexpr std::uint64_t PROTOCOL_ID = 0x1122334455667788;
constexpr std::uint64_t CLIENT_ID = 77;
constexpr int MAX_STEPS = 64;
constexpr double TICK = 0.0625;

inline netcode::key test_key()
{
    netcode::key made{};
    for ( std::size_t i = 0; i < made.size(); i++ )
        made[i] = static_cast<std::uint8_t>( i * 7 + 1 );
    return made;
}

inline std::optional<netcode::connect_token> token_for( const char * server, std::uint64_t client_id = CLIENT_ID, const netcode::user_data_array * user_data = nullptr )
{
    netcode::connect_token_config config;
    config.servers = server;
    config.client_id = client_id;
    config.protocol_id = PROTOCOL_ID;
    config.private_key = test_key();
    config.user_data = user_data;
    return netcode::connect_token::generate( config );
}

struct datagram
{
    netcode::address from;
    std::vector<std::uint8_t> data;
};

// What one side's overrides read and write.
struct mailbox
{
    std::deque<datagram> waiting;

    void put( const netcode::address & from, const std::uint8_t * data, std::size_t size ) { waiting.push_back( { from, std::vector<std::uint8_t>( data, data + size ) } ); }

    std::size_t take( netcode::address & from, std::uint8_t * data, std::size_t max_size )
    {
        if ( waiting.empty() )
            return 0;
        const datagram first = waiting.front();
        waiting.pop_front();
        const std::size_t size = first.data.size() < max_size ? first.data.size() : max_size;
        from = first.from;
        std::memcpy( data, first.data.data(), size );
        return size;
    }
};

inline netcode::allocator allocator_of( hooks & books )
{
    netcode::allocator memory;
    memory.context = &books;
    memory.allocate_function = hooks_allocate;
    memory.free_function = hooks_free;
    return memory;
}

struct pair
{
    struct state_event { netcode::client_state previous, current; };
    struct client_event { int index; bool connected; };

    hooks books;
    mailbox to_client, to_server;
    std::vector<state_event> state_events;
    std::vector<client_event> client_events;
    double time = 100.0;
    netcode::client_handlers on_client;     // before their client and server, so that they outlive them
    netcode::server_handlers on_server;
    netcode::client client;
    netcode::server server;

    pair()
    {
        hooks_begin( &books );
        on_client.on_state_change( [this]( netcode::client_state previous, netcode::client_state current ) { state_events.push_back( { previous, current } ); } )
            .on_send_packet( [this]( const netcode::address & to, const std::uint8_t * data, std::size_t size ) {
                CHECK( to == *netcode::address::parse( SERVER ) );
                to_server.put( *netcode::address::parse( CLIENT ), data, size );
            } )
            .on_receive_packet( [this]( netcode::address & from, std::uint8_t * data, std::size_t max_size ) { return to_client.take( from, data, max_size ); } );
        on_server.on_client_change( [this]( int index, bool connected ) { client_events.push_back( { index, connected } ); } )
            .on_send_packet( [this]( const netcode::address & to, const std::uint8_t * data, std::size_t size ) {
                CHECK( to == *netcode::address::parse( CLIENT ) );
                to_client.put( *netcode::address::parse( SERVER ), data, size );
            } )
            .on_receive_packet( [this]( netcode::address & from, std::uint8_t * data, std::size_t max_size ) { return to_server.take( from, data, max_size ); } );

        netcode::client_config client_config;
        client_config.handlers = &on_client;
        client_config.memory = allocator_of( books );
        auto made_client = netcode::client::create( CLIENT, client_config, time );
        CHECK( made_client.error == netcode::client_create_error::none );
        client = std::move( *made_client );

        netcode::server_config server_config;
        server_config.protocol_id = PROTOCOL_ID;
        server_config.private_key = test_key();
        server_config.handlers = &on_server;
        server_config.memory = allocator_of( books );
        auto made_server = netcode::server::create( SERVER, server_config, time );
        CHECK( made_server.error == netcode::server_create_error::none );
        server = std::move( *made_server );
        server.start( 4 );
    }

    ~pair()
    {
        client.destroy();
        server.destroy();
        hooks_end( &books );
    }

    void step()
    {
        time += TICK;
        client.update( time );
        server.update( time );
    }

    bool connect( const netcode::user_data_array * user_data = nullptr )
    {
        const auto token = token_for( SERVER, CLIENT_ID, user_data );
        if ( !token )
            return false;
        client.connect( *token );
        for ( int i = 0; i < MAX_STEPS && client.connecting(); i++ )
            step();
        step();
        return client.connected();
    }
};

inline bool is( const netcode::packet & packet, const char * text )
{
    return packet.size() == std::strlen( text ) && std::memcmp( packet.data(), text, packet.size() ) == 0;
}

#endif
