// A server and clients of the core, over loopback sockets or in the network simulator, with a clock of their own.
#ifndef NETCODE_UNREAL_TESTS_WORLD_HPP
#define NETCODE_UNREAL_TESTS_WORLD_HPP

#include "netcode_core/client_session.hpp"
#include "netcode_core/server_session.hpp"

#include "test.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

constexpr double TICK = 1.0 / 64.0;
constexpr int MAX_STEPS = 2000;             // of TICK: half a minute of the tests' clock
constexpr double REAL_PAUSE = 0.0005;       // for datagrams between sockets: a second of real time at most
constexpr std::uint64_t PROTOCOL_ID = 0xfedcba9876543210u;
constexpr int TIMEOUT_SECONDS = 4;
constexpr int MAX_PORTS_TRIED = 20;

inline netcode::key test_key( unsigned seed = 1 )
{
    netcode::key made{};
    for ( std::size_t i = 0; i < made.size(); i++ )
        made[i] = static_cast<std::uint8_t>( i * 5 + seed );
    return made;
}

struct received_packet
{
    int slot;
    std::vector<std::uint8_t> data;
    std::uint64_t sequence;
};

// Writes down what it hears, and runs the test's code on packets and ends.
struct test_client final : netcode_core::client_listener
{
    std::vector<std::string> events;
    std::vector<received_packet> packets;
    std::function<void()> when_packet, when_disconnected;
    int slot = -1, slots = -1;
    netcode_core::client_session session{ *this };

    void on_connected( int at, int of ) override
    {
        slot = at;
        slots = of;
        events.push_back( "connected" );
    }
    void on_disconnected( netcode_core::client_end end ) override
    {
        events.push_back( to_string( end ) );
        if ( when_disconnected )
            when_disconnected();
    }
    void on_packet( const std::uint8_t * data, std::size_t size, std::uint64_t sequence ) override
    {
        if ( when_packet )
            when_packet();
        // After the test's code: the memory has to be good until this returns.
        packets.push_back( { 0, std::vector<std::uint8_t>( data, data + size ), sequence } );
    }
};

struct test_server final : netcode_core::server_listener
{
    std::vector<std::string> events;
    std::vector<received_packet> packets;
    std::function<void()> when_packet, when_disconnected;
    netcode_core::server_session session{ *this };

    void on_client_connected( int slot, std::uint64_t id ) override { events.push_back( "+" + std::to_string( slot ) + ":" + std::to_string( id ) ); }
    void on_client_disconnected( int slot, std::uint64_t id, netcode::disconnect_reason reason ) override
    {
        events.push_back( "-" + std::to_string( slot ) + ":" + std::to_string( id ) + " " + to_string( reason ) );
        if ( when_disconnected )
            when_disconnected();
    }
    void on_packet( int slot, const std::uint8_t * data, std::size_t size, std::uint64_t sequence ) override
    {
        if ( when_packet )
            when_packet();
        packets.push_back( { slot, std::vector<std::uint8_t>( data, data + size ), sequence } );
    }
};

struct world
{
    explicit world( bool use_sockets ) : sockets( use_sockets )
    {
        if ( !sockets )
            simulator = netcode::network_simulator::create();
        settings.slots = 4;
        settings.protocol_id = PROTOCOL_ID;
        settings.private_key = test_key();
        settings.network_simulator = simulator.get();
    }

    // On a free port, which another program may take at any time.
    bool start()
    {
        for ( int i = 0; i < MAX_PORTS_TRIED; i++ )
        {
            address = "127.0.0.1:" + std::to_string( sockets ? free_port() : 40000 );
            settings.address = address.c_str();
            if ( server.session.start( settings, now ) == netcode_core::server_start::started )
                return true;
        }
        return false;
    }

    test_client & add()
    {
        clients.push_back( std::make_unique<test_client>() );
        return *clients.back();
    }

    bool connect( test_client & client, std::uint64_t id ) { return connect( client, token( id ) ); }
    bool connect( test_client & client, const std::optional<netcode::connect_token> & token_made )
    {
        netcode_core::client_settings wanted;
        std::string local = "127.0.0.1:" + std::to_string( sockets ? 0 : 50000 + place_of( client ) );
        wanted.local_address = local.c_str();
        wanted.network_simulator = simulator.get();
        return CHECK( token_made ) && client.session.connect( token_made->data(), token_made->size(), now, wanted );
    }

    bool connected( test_client & client, std::uint64_t id )
    {
        return connect( client, id ) && until( [&] { return client.session.phase() == netcode_core::client_phase::connected && server.session.slot_of( id ) >= 0; } );
    }

    std::optional<netcode::connect_token> token( std::uint64_t id, unsigned key_seed = 1, std::uint64_t protocol_id = PROTOCOL_ID, int expire_seconds = 30, const netcode::user_data_array * user_data = nullptr )
    {
        netcode::connect_token_config wanted;
        wanted.servers = address.c_str();
        wanted.client_id = id;
        wanted.protocol_id = protocol_id;
        wanted.private_key = test_key( key_seed );
        wanted.expire_seconds = expire_seconds;
        wanted.timeout_seconds = TIMEOUT_SECONDS;
        wanted.user_data = user_data;
        return netcode::connect_token::generate( wanted );
    }

    void step()
    {
        now += TICK;
        simulator.update( now );
        for ( const auto & client : clients )
            if ( client.get() != silent_client )
                client->session.tick( now );
        if ( !server_silent )
            server.session.tick( now );
        if ( sockets )
            netcode::sleep( REAL_PAUSE );
    }

    template <class Condition> bool until( Condition && condition )
    {
        for ( int i = 0; i < MAX_STEPS; i++ )
        {
            if ( condition() )
                return true;
            step();
        }
        return condition();
    }

    void steps( int count )
    {
        for ( int i = 0; i < count; i++ )
            step();
    }

    int place_of( const test_client & client ) const
    {
        for ( std::size_t i = 0; i < clients.size(); i++ )
            if ( clients[i].get() == &client )
                return static_cast<int>( i );
        return -1;
    }

    static int free_port()
    {
        const auto found = netcode::client::create( "127.0.0.1:0", {}, 0.0 );
        return found.value.port();
    }

    bool sockets;
    double now = 100.0;
    netcode::library library;
    netcode::network_simulator simulator;   // before those who use it
    std::string address = "127.0.0.1:40000";
    netcode_core::server_settings settings;
    test_server server;
    std::vector<std::unique_ptr<test_client>> clients;
    test_client * silent_client = nullptr;
    bool server_silent = false;
};

#endif
