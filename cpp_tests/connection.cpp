// Clients and servers at work: callbacks, moves, packets, and every way for data to travel.
#include "pair.hpp"

#include <memory>

// ---- over overrides ----

static void packets_go_both_ways()
{
    pair pair;
    netcode::user_data_array user_data{};
    user_data[0] = 42;
    user_data[255] = 43;
    REQUIRE( pair.connect( &user_data ) );
    CHECK( pair.client.state() == netcode::client_state::connected && !pair.client.connecting() && !pair.client.failed() && !pair.client.loopback() );
    CHECK( pair.client.index() == 0 && pair.client.max_clients() == 4 && pair.client.port() == 0 );
    CHECK( pair.client.server_address() == *netcode::address::parse( SERVER ) );
    CHECK( pair.server.running() && pair.server.max_clients() == 4 && pair.server.num_connected_clients() == 1 && pair.server.port() == 0 );
    CHECK( pair.server.client_connected( 0 ) && !pair.server.client_connected( 1 ) && !pair.server.client_loopback( 0 ) );
    CHECK( pair.server.client_id( 0 ) == CLIENT_ID && pair.server.client_address( 0 ) == *netcode::address::parse( CLIENT ) && !pair.server.client_address( 1 ) );
    CHECK( pair.server.client_user_data( 0 ) && std::memcmp( pair.server.client_user_data( 0 ), user_data.data(), user_data.size() ) == 0 );
    CHECK( pair.server.client_disconnect_reason( 0 ) == netcode::disconnect_reason::none );

    const std::uint64_t sequence = pair.client.next_packet_sequence();
    pair.client.send( "to the server", 13 );
    CHECK( pair.client.next_packet_sequence() == sequence + 1 );
    pair.step();
    CHECK( !pair.server.receive( 1 ) );
    netcode::packet arrived = pair.server.receive( 0 );
    REQUIRE( static_cast<bool>( arrived ) );
    CHECK( is( arrived, "to the server" ) && arrived.sequence() == sequence );
    CHECK( arrived.end() - arrived.begin() == 13 && !arrived.empty() && arrived.get() == arrived.data() );
    int letters = 0;
    for ( const std::uint8_t byte : arrived )
        letters += byte != ' ';
    CHECK_EQUAL( letters, 11 );
    arrived.data()[0] = 'T';

    const std::uint64_t answer = pair.server.next_packet_sequence( 0 );
    pair.server.send( 0, arrived );
    pair.server.send( 0, "again", 5 );
    pair.step();
    netcode::packet echo = pair.client.receive();
    CHECK( is( echo, "To the server" ) && echo.sequence() == answer );
    echo = pair.client.receive();
    CHECK( is( echo, "again" ) && echo.sequence() == answer + 1 );
    pair.client.send( echo );
    echo = pair.client.receive();
    CHECK( !echo && echo.size() == 0 && echo.sequence() == 0 );
    pair.step();
    CHECK( is( pair.server.receive( 0 ), "again" ) );
}

static void callbacks_are_told_of_states_and_clients()
{
    pair pair;
    REQUIRE( pair.connect() );
    using state = netcode::client_state;
    const state path[] = { state::disconnected, state::sending_connection_request, state::sending_connection_response, state::connected };
    REQUIRE( pair.state_events.size() == 3 );
    for ( std::size_t i = 0; i < 3; i++ )
        CHECK( pair.state_events[i].previous == path[i] && pair.state_events[i].current == path[i + 1] );
    CHECK( pair.client_events.size() == 1 && pair.client_events[0].index == 0 && pair.client_events[0].connected );
    pair.server.disconnect_client( 0 );
    pair.step();
    CHECK( pair.client.state() == state::disconnected && pair.state_events.size() == 4 && pair.state_events[3].current == state::disconnected );
    CHECK( pair.client_events.size() == 2 && !pair.client_events[1].connected );
    CHECK( pair.server.client_disconnect_reason( 0 ) == netcode::disconnect_reason::server_disconnect );
    REQUIRE( pair.connect() );
    pair.client.disconnect();
    pair.step();
    CHECK( pair.server.client_disconnect_reason( 0 ) == netcode::disconnect_reason::client_disconnect && pair.client_events.size() == 4 );
    REQUIRE( pair.connect() );
    pair.server.disconnect_all_clients();
    CHECK( pair.server.num_connected_clients() == 0 );
}

// ---- moves ----

// Moves to other places, and has what was there overwritten.
template <class T> static void shake( T & object )
{
    std::vector<T> elsewhere;
    for ( int i = 0; i < 10; i++ )
    {
        elsewhere.push_back( std::move( object ) );
        elsewhere.emplace_back();
        std::swap( elsewhere[elsewhere.size() - 2], elsewhere.back() );
        object = std::move( elsewhere.back() );
        elsewhere.pop_back();
    }
    auto on_the_heap = std::make_unique<T>( std::move( object ) );
    T here( std::move( *on_the_heap ) );
    on_the_heap.reset();
    object = std::move( here );
}

static void callbacks_stay_right_when_objects_move()
{
    pair pair;
    const auto token = token_for( SERVER );
    pair.client.connect( *token );
    for ( int i = 0; i < MAX_STEPS && !pair.client.connected(); i++ )
    {
        shake( pair.client );
        shake( pair.server );
        pair.step();
    }
    REQUIRE( pair.client.connected() );
    CHECK( pair.state_events.size() == 3 && pair.client_events.size() == 1 );
    pair.client.send( "moved", 5 );
    shake( pair.server );
    pair.step();
    shake( pair.server );
    CHECK( is( pair.server.receive( 0 ), "moved" ) );

    // What is destroyed somewhere else still tells where it was told to.
    {
        const netcode::client here( std::move( pair.client ) );
        const netcode::server there( std::move( pair.server ) );
        CHECK( pair.state_events.size() == 3 && pair.client_events.size() == 1 );
    }
    CHECK( pair.state_events.size() == 4 && pair.client_events.size() == 2 && pair.books.live == 0 );
}

static void whole_objects_answer_in_callbacks_of_their_destruction()
{
    pair pair;
    REQUIRE( pair.connect() );
    std::uint64_t id = 0;
    netcode::disconnect_reason reason = netcode::disconnect_reason::none;
    pair.on_server.on_client_change( [&]( int index, bool connected ) {
        id = connected ? 0 : pair.server.client_id( index );
        reason = pair.server.client_disconnect_reason( index );
    } );
    pair.server.destroy();
    CHECK( id == CLIENT_ID && reason == netcode::disconnect_reason::server_disconnect && !pair.server );

    bool whole = false;
    pair.on_client.on_state_change( [&]( netcode::client_state previous, netcode::client_state ) { whole = static_cast<bool>( pair.client ) && previous == netcode::client_state::connected; } );
    pair.client.destroy();
    CHECK( whole && !pair.client );
}

static void objects_may_be_destroyed_in_their_callbacks()
{
    for ( int in_destroy = 0; in_destroy < 2; in_destroy++ )
    {
        pair pair;
        REQUIRE( pair.connect() );
        int calls = 0;
        pair.on_server.on_client_change( [&]( int, bool ) { calls++; pair.server.destroy(); } );
        pair.on_client.on_state_change( [&]( netcode::client_state, netcode::client_state ) { calls++; pair.client.destroy(); } );
        if ( in_destroy )
        {
            pair.client.destroy();
            pair.server.destroy();
        }
        else
        {
            pair.client.disconnect();
            pair.step();
        }
        CHECK_EQUAL( calls, 2 );
        CHECK( !pair.client && !pair.server && pair.books.live == 0 );
    }
}

static void objects_may_be_moved_away_in_their_callbacks()
{
    pair pair;
    REQUIRE( pair.connect() );
    netcode::client saved;
    pair.on_client.on_state_change( [&]( netcode::client_state, netcode::client_state ) { if ( pair.client ) saved = std::move( pair.client ); } );
    pair.client.destroy();
    CHECK( !pair.client && saved && saved.state() == netcode::client_state::disconnected );
    pair.on_client.on_state_change( nullptr );
    saved.destroy();
    pair.step();
}

static int function_calls;
static void a_function( netcode::client_state, netcode::client_state ) { function_calls++; }

static void handlers_can_be_replaced_and_are_destroyed()
{
    const auto counted = std::make_shared<int>( 0 );
    {
        pair pair;
        pair.on_client.on_state_change( [counted]( netcode::client_state, netcode::client_state ) { ++*counted; } );
        CHECK( counted.use_count() == 2 );
        REQUIRE( pair.connect() );
        CHECK( *counted == 3 && pair.state_events.empty() );
        pair.on_client.on_state_change( nullptr );
        CHECK( counted.use_count() == 1 );
        pair.client.disconnect();
        CHECK( *counted == 3 );

        function_calls = 0;
        pair.on_client.on_state_change( a_function );
        REQUIRE( pair.connect() );
        CHECK_EQUAL( function_calls, 3 );

        // State of its own, and as large as a callback may be.
        struct large { void * pointers[5]; std::size_t calls; };
        static_assert( sizeof( large ) == netcode::max_callback_bytes );
        static std::size_t calls;
        pair.on_client.on_state_change( [mine = large{}]( netcode::client_state, netcode::client_state ) mutable { calls = ++mine.calls; } );
        pair.client.disconnect();
        REQUIRE( pair.connect() );
        CHECK_EQUAL( calls, 4 );
        pair.on_client.on_state_change( [counted]( netcode::client_state, netcode::client_state ) {} );
    }
    CHECK( counted.use_count() == 1 );
}

// ---- packets that are kept ----

static void packets_outlive_connections_and_moves()
{
    pair pair;
    REQUIRE( pair.connect() );
    pair.client.send( "one", 3 );
    pair.client.send( "two", 3 );
    pair.server.send( 0, "three", 5 );
    pair.step();
    pair.step();
    netcode::packet one = pair.server.receive( 0 ), two = pair.server.receive( 0 ), three = pair.client.receive();
    REQUIRE( one && two && three );
    pair.server.disconnect_client( 0 );     // the slot is reset
    CHECK( is( one, "one" ) );
    pair.client.disconnect();
    pair.server.stop();
    shake( pair.client );
    shake( pair.server );
    CHECK( is( one, "one" ) && is( two, "two" ) && is( three, "three" ) );

    int live = pair.books.live;
    one.destroy();
    CHECK( pair.books.live == --live && !one );
    one = std::move( two );
    CHECK( pair.books.live == live && is( one, "two" ) && !two );
    one = std::move( three );
    CHECK( pair.books.live == --live && is( one, "three" ) );
    netcode::packet & same = one;
    one = std::move( same );
    CHECK( is( one, "three" ) );
    {
        const netcode::packet last( std::move( one ) );
        CHECK( pair.books.live == live && !one );
    }
    CHECK( pair.books.live == --live );
}

static void a_released_packet_is_the_callers()
{
    pair pair;
    REQUIRE( pair.connect() );
    pair.client.send( "raw", 3 );
    pair.step();
    netcode::packet packet = pair.server.receive( 0 );
    const int live = pair.books.live;
    std::uint8_t * const raw = packet.release();
    packet.destroy();
    CHECK( raw && !packet && pair.books.live == live && std::memcmp( raw, "raw", 3 ) == 0 );
    netcode_server_free_packet( pair.server.get(), raw );
    CHECK( pair.books.live == live - 1 );
}

// ---- loopback ----

static void loopback_connects_a_client_to_a_server()
{
    struct message { int index; std::string_view text; std::uint64_t sequence; };
    hooks books;
    hooks_begin( &books );
    {
        netcode::client client;
        netcode::server server;
        netcode::client_handlers on_client;
        netcode::server_handlers on_server;
        int joined = 0, left = 0, client_states = 0;
        on_client.on_loopback_packet( [&]( int index, const std::uint8_t * data, std::size_t size, std::uint64_t sequence ) { server.process_loopback_packet( index, data, size, sequence ); } )
            .on_state_change( [&]( netcode::client_state, netcode::client_state ) { client_states++; } );
        on_server.on_loopback_packet( [&]( int index, const std::uint8_t * data, std::size_t size, std::uint64_t sequence ) {
            CHECK_EQUAL( index, 2 );
            client.process_loopback_packet( data, size, sequence );
        } ).on_client_change( [&]( int, bool connected ) { ( connected ? joined : left )++; } );
        netcode::client_config client_config;
        client_config.handlers = &on_client;
        client_config.memory = allocator_of( books );
        netcode::server_config server_config;
        server_config.handlers = &on_server;
        server_config.memory = allocator_of( books );
        client = *netcode::client::create( "127.0.0.1:0", client_config, 0.0 );
        server = *netcode::server::create( "127.0.0.1:0", server_config, 0.0 );
        REQUIRE( client && server );
        server.start( 4 );
        netcode::user_data_array user_data{};
        user_data[7] = 7;
        server.connect_loopback_client( 2, 99, &user_data );
        client.connect_loopback( 2, 4 );
        CHECK( client.loopback() && client.connected() && client.index() == 2 && client.max_clients() == 4 );
        CHECK( server.client_loopback( 2 ) && server.client_id( 2 ) == 99 && joined == 1 && server.client_user_data( 2 )[7] == 7 );
        client.send( "up", 2 );
        server.send( 2, "down", 4 );
        netcode::packet up = server.receive( 2 ), down = client.receive();
        CHECK( is( up, "up" ) && is( down, "down" ) );
        server.disconnect_loopback_client( 2 );
        CHECK( left == 1 && !server.client_connected( 2 ) );
        client.disconnect_loopback();
        CHECK( client_states == 1 && !client.loopback() );
        client.connect_loopback( 2, 4 );
        server.connect_loopback_client( 2, 99 );
        CHECK( server.client_user_data( 2 )[7] == 0 );
        up.destroy();
        down.destroy();
        client.destroy();       // while connected
        CHECK_EQUAL( client_states, 2 );
        server.destroy();
        CHECK_EQUAL( left, 2 );
    }
    hooks_end( &books );
}

// ---- the simulator ----

static void the_simulator_connects_them()
{
    hooks books;
    hooks_begin( &books );
    {
        netcode::network_simulator simulator = netcode::network_simulator::create( allocator_of( books ) );
        REQUIRE( static_cast<bool>( simulator ) );
        netcode::network_conditions conditions;
        conditions.latency_milliseconds = 50.0f;
        conditions.jitter_milliseconds = 1.0f;
        conditions.packet_loss_percent = 2.0f;
        conditions.duplicate_packet_percent = 3.0f;
        simulator.set_conditions( conditions );
        const netcode::network_conditions read = simulator.conditions();
        CHECK( std::memcmp( &read, &conditions, sizeof( read ) ) == 0 );
        conditions.packet_loss_percent = 0.0f;
        simulator.set_conditions( conditions );

        netcode::client_config client_config;
        client_config.network_simulator = simulator.get();
        netcode::server_config server_config;
        server_config.network_simulator = simulator.get();
        server_config.protocol_id = PROTOCOL_ID;
        server_config.private_key = test_key();
        auto [client, client_error] = netcode::client::create( "[::1]:50000", client_config, 0.0 );
        auto [server, server_error] = netcode::server::create( "[::1]:40000", server_config, 0.0 );
        REQUIRE( client && server && client_error == netcode::client_create_error::none && server_error == netcode::server_create_error::none );
        server.start( 1 );
        client.connect( *token_for( "[::1]:40000" ) );
        netcode::network_simulator moved( std::move( simulator ) );
        int received = 0;
        for ( int i = 1; i < MAX_STEPS && received < 3; i++ )
        {
            moved.update( i * TICK );
            client.update( i * TICK );
            server.update( i * TICK );
            client.send( "through the simulator", 21 );
            while ( netcode::packet packet = server.receive( 0 ) )
            {
                received++;
                CHECK( is( packet, "through the simulator" ) );
            }
        }
        CHECK( received >= 3 && client.connected() );
        client.destroy();
        server.destroy();
    }
    hooks_end( &books );
}

static void the_simulator_carries_packets_of_ones_own()
{
    hooks books;
    hooks_begin( &books );
    {
        const netcode::address a = netcode::address::ipv4( 10, 0, 0, 1, 1 ), b = netcode::address::ipv4( 10, 0, 0, 2, 2 );
        netcode::network_simulator simulator = netcode::network_simulator::create( allocator_of( books ) );
        const int before = books.live;
        simulator.send( a, b, "abc", 3 );
        simulator.update( 1.0 );
        netcode::address from;
        CHECK( !simulator.receive( a, from ) );
        netcode::packet packet = simulator.receive( b, from );
        CHECK( is( packet, "abc" ) && packet.sequence() == 0 && from == a && books.live == before + 1 );
        packet.destroy();
        CHECK( books.live == before );
        simulator.send( a, b, "abc", 3 );
        simulator.reset();
        simulator.update( 2.0 );
        CHECK( !simulator.receive( b, from ) );

        netcode::network_conditions conditions;
        conditions.packet_loss_percent = 100.0f;
        simulator.set_conditions( conditions );
        simulator.send( a, b, "abc", 3 );
        simulator.update( 3.0 );
        CHECK( !simulator.receive( b, from ) );
    }
    hooks_end( &books );
    // The same with malloc and free.
    netcode::network_simulator simulator = netcode::network_simulator::create();
    simulator.send( netcode::address::ipv4( 1, 1, 1, 1, 1 ), netcode::address::ipv4( 2, 2, 2, 2, 2 ), "abc", 3 );
    simulator.update( 1.0 );
    netcode::address from;
    CHECK( is( simulator.receive( netcode::address::ipv4( 2, 2, 2, 2, 2 ), from ), "abc" ) );
}

// ---- datagrams that the program receives itself ----

static void datagrams_can_be_handed_in()
{
    pair pair;
    REQUIRE( pair.connect() );
    pair.client.send( "by hand", 7 );
    REQUIRE( !pair.to_server.waiting.empty() );
    datagram up = pair.to_server.waiting.back();
    pair.to_server.waiting.clear();
    pair.server.process_packet( up.from, up.data.data(), up.data.size() );
    CHECK( is( pair.server.receive( 0 ), "by hand" ) );

    pair.server.send( 0, "back", 4 );
    REQUIRE( !pair.to_client.waiting.empty() );
    datagram down = pair.to_client.waiting.back();
    pair.to_client.waiting.clear();
    pair.client.process_packet( down.from, down.data.data(), down.data.size() );
    CHECK( is( pair.client.receive(), "back" ) );
}

// A receive callback that ends in recvfrom returns -1 when nothing is there.
static void negative_sizes_end_the_reading()
{
    pair pair;
    REQUIRE( pair.connect() );
    int calls = 0;
    pair.on_client.on_receive_packet( [&]( netcode::address &, std::uint8_t *, std::size_t ) { calls++; return -1; } );
    pair.step();
    CHECK_EQUAL( calls, 1 );
    CHECK( pair.client.connected() );
    pair.on_client.on_receive_packet( nullptr );
    pair.on_client.on_send_packet( nullptr );
    pair.client.send( "nowhere", 7 );
    pair.step();
    CHECK( !pair.server.receive( 0 ) );
}

// ---- sockets ----

static void check_over_sockets( const char * server_address, bool dual )
{
    constexpr double PATIENCE = 10.0;
    netcode::enable_packet_tagging();
    netcode::server_config config;
    config.protocol_id = PROTOCOL_ID;
    config.private_key = test_key();
    const double start = netcode::time();
    netcode::server server = dual ? *netcode::server::create( server_address, "[::1]:0", config, start ) : *netcode::server::create( server_address, config, start );
    netcode::client client = dual ? *netcode::client::create( "0.0.0.0:0", "[::]:0", {}, start ) : *netcode::client::create( "0.0.0.0:0", {}, start );
    REQUIRE( server && client );
    CHECK( server.port() != 0 && client.port() != 0 );
    server.start( 2 );
    const netcode::address address = netcode::address::parse( server_address )->with_port( server.port() );
    const netcode::address_text text = address.to_string();
    client.connect( *token_for( text.c_str() ) );
    bool echoed = false;
    while ( !echoed && netcode::time() < start + PATIENCE )
    {
        client.update( netcode::time() );
        server.update( netcode::time() );
        client.send( "hello", 6 );
        while ( const netcode::packet packet = server.receive( 0 ) )
            server.send( 0, packet );
        while ( const netcode::packet packet = client.receive() )
            echoed = packet.size() == 6 && std::memcmp( packet.data(), "hello", 6 ) == 0;
        netcode::sleep( 0.001 );
    }
    CHECK( echoed && client.connected() && client.server_address() == address );
    CHECK( server.client_address( 0 ).port() == client.port() );
}

static void sockets_connect_them()
{
    check_over_sockets( "127.0.0.1:0", false );
}

static void dual_sockets_connect_them()
{
    if ( !netcode::client::create( "[::1]:0", {}, 0.0 ) )
    {
        CHECK( true );
        printf( "SKIPPED: no IPv6 on this machine\n" );
        return;
    }
    check_over_sockets( "127.0.0.1:0", true );
}

// ---- spans ----

#if defined( __cpp_lib_span )
static void spans_carry_payloads()
{
    pair pair;
    REQUIRE( pair.connect() );
    const std::vector<std::uint8_t> vector = { 'v', 'e', 'c' };
    const std::array<std::byte, 2> bytes = { std::byte{ 'b' }, std::byte{ 'y' } };
    pair.client.send( vector );
    pair.client.send( bytes );
    pair.client.send( std::span( vector ).first( 1 ) );
    pair.server.send( 0, vector );
    pair.server.send( 0, bytes );
    pair.step();
    pair.step();
    CHECK( is( pair.server.receive( 0 ), "vec" ) && is( pair.server.receive( 0 ), "by" ) && is( pair.server.receive( 0 ), "v" ) );
    netcode::packet vec = pair.client.receive();
    const std::span<const std::uint8_t> view = vec;
    CHECK( is( vec, "vec" ) && view.size() == 3 && view.data() == vec.data() );
    CHECK( is( pair.client.receive(), "by" ) );

    pair.client.send( "x", 1 );
    datagram up = pair.to_server.waiting.back();
    pair.to_server.waiting.clear();
    pair.server.process_packet( up.from, up.data );
    CHECK( is( pair.server.receive( 0 ), "x" ) );
    pair.server.send( 0, "y", 1 );
    datagram down = pair.to_client.waiting.back();
    pair.to_client.waiting.clear();
    pair.client.process_packet( down.from, std::as_writable_bytes( std::span( down.data ) ) );
    CHECK( is( pair.client.receive(), "y" ) );

    const auto token = token_for( SERVER );
    CHECK( netcode::connect_token::from_bytes( token->bytes() )->bytes() == token->bytes() );
    CHECK( netcode::connect_token::from_bytes( std::as_bytes( std::span( token->bytes() ) ) )->bytes() == token->bytes() );
    CHECK( !netcode::connect_token::from_bytes( vector ) );
}

static void configs_take_designated_initialisers()
{
    const auto token = netcode::connect_token::generate( { .servers = { SERVER, "[::1]:1" }, .internal_servers = { SERVER, SERVER }, .expire_seconds = 30, .client_id = 5, .protocol_id = PROTOCOL_ID, .private_key = test_key() } );
    CHECK( token.has_value() );
    netcode::client_handlers handlers;
    auto [client, error] = netcode::client::create( "127.0.0.1:0", { .handlers = &handlers }, 0.0 );
    CHECK( client && error == netcode::client_create_error::none );
    auto [server, server_error] = netcode::server::create( "127.0.0.1:0", { .protocol_id = PROTOCOL_ID, .private_key = test_key() }, 0.0 );
    CHECK( server && server_error == netcode::server_create_error::none );
}
#endif

// ---- exceptions ----

#if defined( __cpp_exceptions )
// Tests may be built with exceptions; the functions still say that they throw none.
static_assert( noexcept( std::declval<netcode::client &>().update( 0.0 ) ) && noexcept( std::declval<netcode::server &>().receive( 0 ) ) );
#endif

int main( int argc, char ** argv )
{
    const netcode::library library;
    tests_begin( argc, argv );
    TEST( packets_go_both_ways );
    TEST( callbacks_are_told_of_states_and_clients );
    TEST( callbacks_stay_right_when_objects_move );
    TEST( whole_objects_answer_in_callbacks_of_their_destruction );
    TEST( objects_may_be_destroyed_in_their_callbacks );
    TEST( objects_may_be_moved_away_in_their_callbacks );
    TEST( handlers_can_be_replaced_and_are_destroyed );
    TEST( packets_outlive_connections_and_moves );
    TEST( a_released_packet_is_the_callers );
    TEST( loopback_connects_a_client_to_a_server );
    TEST( the_simulator_connects_them );
    TEST( the_simulator_carries_packets_of_ones_own );
    TEST( datagrams_can_be_handed_in );
    TEST( negative_sizes_end_the_reading );
    TEST( sockets_connect_them );
    TEST( dual_sockets_connect_them );
#if defined( __cpp_lib_span )
    TEST( spans_carry_payloads );
    TEST( configs_take_designated_initialisers );
#endif
    return tests_done();
}
