// The engine-free core. Every test runs over loopback sockets and in the network simulator.

#include "world.hpp"

#include <numeric>

using netcode_core::client_end;
using netcode_core::client_phase;
using netcode_core::server_start;
using strings = std::vector<std::string>;

static bool over_sockets;

static bool same( const strings & heard, const strings & expected )
{
    if ( heard == expected )
        return true;
    for ( const std::string & one : heard )
        printf( "    heard: %s\n", one.c_str() );
    return false;
}

static std::vector<std::uint8_t> payload( std::size_t size )
{
    std::vector<std::uint8_t> made( size );
    std::iota( made.begin(), made.end(), static_cast<std::uint8_t>( size ) );
    return made;
}

static bool silent( const test_client & client ) { return client.events.empty() && client.packets.empty(); }

static void connects()
{
    world w( over_sockets );
    test_client & first = w.add(), & second = w.add();
    REQUIRE( w.start() );
    CHECK( w.server.session.running() );
    CHECK_EQUAL( w.server.session.slots(), 4 );
    CHECK( w.server.session.slot_of( 7 ) == -1 );
    CHECK( first.session.phase() == client_phase::idle );
    REQUIRE( w.connect( first, 7 ) );
    CHECK( first.session.phase() == client_phase::connecting );
    CHECK( silent( first ) );
    REQUIRE( w.until( [&] { return first.session.phase() == client_phase::connected; } ) );
    REQUIRE( w.connected( second, 8 ) );
    CHECK( same( first.events, { "connected" } ) );
    CHECK( same( w.server.events, { "+0:7", "+1:8" } ) );
    CHECK_EQUAL( first.slot, 0 );
    CHECK_EQUAL( second.slot, 1 );
    CHECK_EQUAL( second.slots, 4 );
    CHECK_EQUAL( second.session.slot(), 1 );
    CHECK_EQUAL( w.server.session.num_connected(), 2 );
    CHECK( w.server.session.slot_of( 8 ) == 1 && w.server.session.client_id( 1 ) == 8 );
    CHECK( first.session.last_end() == client_end::none );
}

static void carries_user_data()
{
    world w( over_sockets );
    test_client & client = w.add();
    netcode::user_data_array data{};
    std::iota( data.begin(), data.end(), std::uint8_t( 3 ) );
    REQUIRE( w.start() );
    REQUIRE( w.connect( client, w.token( 7, 1, PROTOCOL_ID, 30, &data ) ) );
    REQUIRE( w.until( [&] { return w.server.session.connected( 0 ); } ) );
    const std::uint8_t * const seen = w.server.session.user_data( 0 );
    REQUIRE( seen );
    CHECK( std::equal( data.begin(), data.end(), seen ) );
    CHECK( w.server.session.user_data( 1 ) == nullptr );
}

static void exchanges_payloads()
{
    world w( over_sockets );
    test_client & client = w.add();
    REQUIRE( w.start() );
    CHECK( !client.session.send( "x", 1 ) );
    CHECK( !w.server.session.send( 0, "x", 1 ) );
    REQUIRE( w.connected( client, 7 ) );
    w.steps( 2 );
    const std::size_t sizes[] = { 1, 2, 255, netcode::max_packet_size };
    for ( const std::size_t size : sizes )
    {
        const std::vector<std::uint8_t> sent = payload( size );
        CHECK( client.session.send( sent.data(), size ) );
        CHECK( w.server.session.send( 0, sent.data(), size ) );
        client.packets.clear();
        w.server.packets.clear();
        REQUIRE( w.until( [&] { return !client.packets.empty() && !w.server.packets.empty(); } ) );
        w.steps( 3 );
        CHECK_EQUAL( client.packets.size(), 1 );
        CHECK_EQUAL( w.server.packets.size(), 1 );
        CHECK( client.packets[0].data == sent );
        CHECK( w.server.packets[0].data == sent );
        CHECK_EQUAL( w.server.packets[0].slot, 0 );
    }
    CHECK( client.session.get().next_packet_sequence() > 0 );
}

static void numbers_packets()
{
    world w( over_sockets );
    test_client & client = w.add();
    REQUIRE( w.start() );
    REQUIRE( w.connected( client, 7 ) );
    for ( int i = 0; i < 5; i++ )
        CHECK( client.session.send( "x", 1 ) );
    REQUIRE( w.until( [&] { return w.server.packets.size() == 5; } ) );
    // Their order is the network's business; no two have one number.
    for ( std::size_t i = 0; i < 5; i++ )
        for ( std::size_t j = 0; j < i; j++ )
            CHECK( w.server.packets[i].sequence != w.server.packets[j].sequence );
}

static void refuses_wrong_sizes_and_slots()
{
    world w( over_sockets );
    test_client & client = w.add();
    const std::vector<std::uint8_t> large = payload( netcode::max_packet_size + 1 );
    REQUIRE( w.start() );
    REQUIRE( w.connected( client, 7 ) );
    CHECK( !client.session.send( large.data(), large.size() ) );
    CHECK( !client.session.send( large.data(), 0 ) );
    CHECK( !client.session.send( nullptr, 1 ) );
    CHECK( !w.server.session.send( 0, large.data(), large.size() ) );
    CHECK( !w.server.session.send( 0, large.data(), 0 ) );
    CHECK( !w.server.session.send( 0, nullptr, 1 ) );
    const int slots[] = { -1, 1, 4, 256, INT_MAX, INT_MIN };
    for ( const int slot : slots )
    {
        CHECK( !w.server.session.send( slot, "x", 1 ) );
        CHECK( !w.server.session.connected( slot ) );
        CHECK( w.server.session.client_id( slot ) == 0 && !w.server.session.user_data( slot ) );
        w.server.session.kick( slot );
    }
    w.steps( 3 );
    CHECK( w.server.packets.empty() && client.packets.empty() );
    CHECK_EQUAL( w.server.session.num_connected(), 1 );
}

static void broadcasts()
{
    world w( over_sockets );
    test_client & a = w.add(), & b = w.add(), & c = w.add();
    REQUIRE( w.start() );
    REQUIRE( w.connected( a, 1 ) && w.connected( b, 2 ) && w.connected( c, 3 ) );
    CHECK_EQUAL( w.server.session.broadcast( "hi", 2, 1 ), 2 );
    REQUIRE( w.until( [&] { return !a.packets.empty() && !c.packets.empty(); } ) );
    w.steps( 3 );
    CHECK( b.packets.empty() );
    CHECK_EQUAL( w.server.session.broadcast( "hi", 2 ), 3 );
    CHECK_EQUAL( w.server.session.broadcast( "hi", 0 ), 0 );
    REQUIRE( w.until( [&] { return b.packets.size() == 1; } ) );
}

static void client_leaves()
{
    world w( over_sockets );
    test_client & client = w.add();
    REQUIRE( w.start() );
    REQUIRE( w.connected( client, 7 ) );
    client.session.disconnect();
    CHECK( same( client.events, { "connected", "left" } ) );
    CHECK( client.session.last_end() == client_end::left );
    REQUIRE( w.until( [&] { return w.server.session.num_connected() == 0; } ) );
    CHECK( same( w.server.events, { "+0:7", "-0:7 client disconnect" } ) );
    client.session.disconnect();
    client.session.close();
    CHECK_EQUAL( client.events.size(), 2 );
    REQUIRE( w.connected( client, 7 ) );
    CHECK( same( client.events, { "connected", "left", "connected" } ) );
    client.session.close();
    CHECK( !client.session.get() );
    CHECK( same( client.events, { "connected", "left", "connected", "left" } ) );
}

static void server_sends_away()
{
    world w( over_sockets );
    test_client & first = w.add(), & second = w.add();
    REQUIRE( w.start() );
    REQUIRE( w.connected( first, 7 ) && w.connected( second, 8 ) );
    w.server.session.kick( 0 );
    CHECK( same( w.server.events, { "+0:7", "+1:8", "-0:7 server disconnect" } ) );
    REQUIRE( w.until( [&] { return first.session.phase() == client_phase::idle; } ) );
    CHECK( same( first.events, { "connected", "server left" } ) );
    CHECK( second.session.phase() == client_phase::connected );
    w.server.session.kick_all();
    REQUIRE( w.until( [&] { return second.session.phase() == client_phase::idle; } ) );
    CHECK( second.session.last_end() == client_end::server_left );
    CHECK( w.server.session.running() );
}

static void server_misses_a_silent_client()
{
    world w( over_sockets );
    test_client & client = w.add();
    REQUIRE( w.start() );
    REQUIRE( w.connected( client, 7 ) );
    w.silent_client = &client;
    const double start = w.now;
    REQUIRE( w.until( [&] { return w.server.session.num_connected() == 0; } ) );
    CHECK( w.now - start > TIMEOUT_SECONDS - 1 && w.now - start < TIMEOUT_SECONDS + 1 );
    CHECK( same( w.server.events, { "+0:7", "-0:7 timed out" } ) );
}

static void client_misses_a_silent_server()
{
    world w( over_sockets );
    test_client & client = w.add();
    REQUIRE( w.start() );
    REQUIRE( w.connected( client, 7 ) );
    w.server_silent = true;
    const double start = w.now;
    REQUIRE( w.until( [&] { return client.session.phase() == client_phase::idle; } ) );
    CHECK( w.now - start > TIMEOUT_SECONDS - 1 && w.now - start < TIMEOUT_SECONDS + 1 );
    CHECK( same( client.events, { "connected", "timed out" } ) );
    // The end has been told.
    client.session.disconnect();
    CHECK_EQUAL( client.events.size(), 2 );
    CHECK( client.session.last_end() == client_end::timed_out );
}

static void stays_connected_without_packets()
{
    world w( over_sockets );
    test_client & client = w.add();
    REQUIRE( w.start() );
    REQUIRE( w.connected( client, 7 ) );
    w.steps( static_cast<int>( 2.0 * TIMEOUT_SECONDS / TICK ) );
    CHECK( same( client.events, { "connected" } ) );
    CHECK( same( w.server.events, { "+0:7" } ) );
}

static void refuses_bad_tokens()
{
    world w( over_sockets );
    test_client & client = w.add();
    REQUIRE( w.start() );
    std::vector<std::uint8_t> bytes( netcode::connect_token_bytes );
    CHECK( !client.session.connect( nullptr, 0, w.now ) );
    CHECK( !client.session.connect( bytes.data(), bytes.size() - 1, w.now ) );
    CHECK( !client.session.get() );
    CHECK( same( client.events, { "token invalid", "token invalid" } ) );
    // Over sockets in the simulator's world, too: it does not get that far.
    CHECK( !client.session.connect( bytes.data(), bytes.size(), w.now ) );
    CHECK_EQUAL( client.events.size(), 3 );
    CHECK( client.session.last_end() == client_end::token_invalid );
    client.session.close();
    CHECK_EQUAL( client.events.size(), 3 );
    REQUIRE( w.connected( client, 7 ) );
    CHECK( client.session.last_end() == client_end::none );
}

static void bad_token_ends_a_connection()
{
    world w( over_sockets );
    test_client & client = w.add();
    REQUIRE( w.start() );
    REQUIRE( w.connected( client, 7 ) );
    CHECK( !client.session.connect( "short", 5, w.now ) );
    CHECK( same( client.events, { "connected", "left", "token invalid" } ) );
    CHECK( client.session.phase() == client_phase::idle );
}

static void gets_no_answer_with_tokens_of_others()
{
    world w( over_sockets );
    test_client & other_key = w.add(), & other_game = w.add(), & good = w.add();
    REQUIRE( w.start() );
    REQUIRE( w.connect( other_key, w.token( 7, 2 ) ) );
    REQUIRE( w.connect( other_game, w.token( 8, 1, PROTOCOL_ID + 1 ) ) );
    REQUIRE( w.until( [&] { return other_key.session.phase() == client_phase::idle && other_game.session.phase() == client_phase::idle; } ) );
    CHECK( same( other_key.events, { "no answer" } ) );
    CHECK( same( other_game.events, { "no answer" } ) );
    CHECK( w.server.events.empty() );
    CHECK( w.connected( good, 9 ) );
}

static void token_expires_on_the_way()
{
    world w( over_sockets );
    test_client & client = w.add();
    REQUIRE( w.connect( client, w.token( 7, 1, PROTOCOL_ID, 1 ) ) );
    REQUIRE( w.until( [&] { return client.session.phase() == client_phase::idle; } ) );
    CHECK( same( client.events, { "token expired" } ) );
}

static void full_server_refuses()
{
    world w( over_sockets );
    w.settings.slots = 1;
    test_client & first = w.add(), & second = w.add();
    REQUIRE( w.start() );
    REQUIRE( w.connected( first, 7 ) );
    REQUIRE( w.connect( second, 8 ) );
    REQUIRE( w.until( [&] { return second.session.phase() == client_phase::idle; } ) );
    CHECK( same( second.events, { "server full" } ) );
    first.session.disconnect();
    REQUIRE( w.until( [&] { return w.server.session.num_connected() == 0; } ) );
    CHECK( w.connected( second, 8 ) );
}

static void server_restarts()
{
    world w( over_sockets );
    test_client & client = w.add();
    REQUIRE( w.start() );
    REQUIRE( w.connected( client, 7 ) );
    w.server.session.stop();
    CHECK( !w.server.session.running() && !w.server.session.get() );
    CHECK( same( w.server.events, { "+0:7", "-0:7 server disconnect" } ) );
    REQUIRE( w.until( [&] { return client.session.phase() == client_phase::idle; } ) );
    CHECK( same( client.events, { "connected", "server left" } ) );
    REQUIRE( w.server.session.start( w.settings, w.now ) == server_start::started );
    REQUIRE( w.connected( client, 7 ) );
    CHECK( client.session.send( "again", 5 ) );
    REQUIRE( w.until( [&] { return w.server.packets.size() == 1; } ) );
    // Without stop in between.
    REQUIRE( w.server.session.start( w.settings, w.now ) == server_start::started );
    CHECK( w.server.session.num_connected() == 0 && w.server.events.size() == 4 );
    REQUIRE( w.until( [&] { return client.session.phase() == client_phase::idle; } ) );
    CHECK( w.connected( client, 7 ) );
}

static void server_does_not_start_with_bad_settings()
{
    world w( over_sockets );
    test_server second;
    REQUIRE( w.start() );
    netcode_core::server_settings wanted = w.settings;
    const int numbers[] = { 0, -1, netcode::max_clients + 1 };
    for ( const int number : numbers )
    {
        wanted.slots = number;
        CHECK( second.session.start( wanted, w.now ) == server_start::bad_settings );
    }
    wanted.slots = 1;
    wanted.address = "nowhere";
    CHECK( second.session.start( wanted, w.now ) == server_start::bad_settings );
    wanted.address = w.settings.address;
    if ( over_sockets )
        CHECK( second.session.start( wanted, w.now ) == server_start::no_socket );
    CHECK( !second.session.running() );
    CHECK( second.events.empty() );
    second.session.tick( w.now );
    second.session.stop();
    second.session.kick_all();
}

static void client_does_not_connect_from_nowhere()
{
    world w( over_sockets );
    test_client & client = w.add();
    REQUIRE( w.start() );
    const auto token = w.token( 7 );
    REQUIRE( token );
    netcode_core::client_settings wanted;
    wanted.local_address = "nowhere";
    CHECK( !client.session.connect( token->data(), token->size(), w.now, wanted ) );
    CHECK( same( client.events, { "no socket" } ) );
    CHECK( w.connected( client, 7 ) );
}

static void listener_of_a_client_may_call_it()
{
    world w( over_sockets );
    test_client & client = w.add();
    REQUIRE( w.start() );
    REQUIRE( w.connected( client, 7 ) );
    // Closes with a packet in hand, and others waiting.
    client.when_packet = [&] {
        client.session.tick( w.now );
        client.session.close();
        CHECK( client.session.phase() == client_phase::idle );
        CHECK_EQUAL( client.events.size(), 1 );
    };
    for ( int i = 0; i < 3; i++ )
        CHECK( w.server.session.send( 0, "hello", 5 ) );
    REQUIRE( w.until( [&] { return !client.packets.empty(); } ) );
    CHECK( same( client.events, { "connected", "left" } ) );
    CHECK( !client.session.get() );
    CHECK_EQUAL( client.packets.size(), 1 );
    CHECK( client.packets[0].data == std::vector<std::uint8_t>( { 'h', 'e', 'l', 'l', 'o' } ) );
    REQUIRE( w.until( [&] { return w.server.session.num_connected() == 0; } ) );
    // Comes back at once when it is sent away, from within.
    client.when_packet = nullptr;
    REQUIRE( w.connected( client, 7 ) );
    client.when_disconnected = [&] {
        client.when_disconnected = nullptr;
        client.session.close();
        CHECK( w.connect( client, 8 ) );
    };
    w.server.session.kick( 0 );
    REQUIRE( w.until( [&] { return w.server.session.slot_of( 8 ) >= 0 && client.session.phase() == client_phase::connected; } ) );
    CHECK( same( client.events, { "connected", "left", "connected", "server left", "connected" } ) );
}

// Each successful connect has its end: one that the listener begins while close tells the end of the last is no exception.
static void an_attempt_begun_while_closing_stays()
{
    world w( over_sockets );
    test_client & client = w.add();
    REQUIRE( w.start() );
    for ( const bool from_packet : { false, true } )
    {
        client.events.clear();
        client.when_packet = nullptr;
        REQUIRE( w.connected( client, 7 ) );
        client.when_disconnected = [&] {
            client.when_disconnected = nullptr;
            CHECK( w.connect( client, 8 ) );
        };
        client.when_packet = [&] { client.session.close(); };
        if ( !from_packet )
            client.session.close();
        CHECK( from_packet || client.session.phase() == client_phase::connecting );
        CHECK( !from_packet || w.server.session.send( w.server.session.slot_of( 7 ), "x", 1 ) );
        REQUIRE( w.until( [&] { return client.session.phase() == client_phase::connected && w.server.session.slot_of( 8 ) >= 0; } ) );
        CHECK( same( client.events, { "connected", "left", "connected" } ) );
        client.session.close();
        CHECK( same( client.events, { "connected", "left", "connected", "left" } ) );
        CHECK( !client.session.get() );
        REQUIRE( w.until( [&] { return w.server.session.num_connected() == 0; } ) );
    }
}

static void the_last_of_nested_attempts_counts()
{
    world w( over_sockets );
    test_client & client = w.add();
    REQUIRE( w.start() );
    REQUIRE( w.connected( client, 7 ) );
    client.when_disconnected = [&] {
        client.when_disconnected = nullptr;
        CHECK( w.connect( client, 8 ) );
    };
    REQUIRE( w.connected( client, 9 ) );
    CHECK( same( client.events, { "connected", "left", "left", "connected" } ) );
    CHECK_EQUAL( w.server.session.slot_of( 8 ), -1 );
}

static void listener_of_a_server_may_call_it()
{
    world w( over_sockets );
    test_client & first = w.add(), & second = w.add();
    REQUIRE( w.start() );
    REQUIRE( w.connected( first, 7 ) && w.connected( second, 8 ) );
    w.server.when_packet = [&] {
        w.server.session.kick( 0 );
        CHECK_EQUAL( w.server.events.size(), 2 );
    };
    CHECK( first.session.send( "one", 3 ) && first.session.send( "two", 3 ) );
    REQUIRE( w.until( [&] { return w.server.events.size() == 3; } ) );
    CHECK_EQUAL( w.server.packets.size(), 1 );
    // Stops with a packet in hand. Starting has to wait.
    w.server.when_packet = [&] {
        w.server.session.tick( w.now );
        w.server.session.stop();
        CHECK( w.server.session.start( w.settings, w.now ) == server_start::in_callback );
    };
    w.server.when_disconnected = [&] { CHECK( w.server.session.start( w.settings, w.now ) == server_start::in_callback ); };
    CHECK( second.session.send( "three", 5 ) );
    REQUIRE( w.until( [&] { return !w.server.session.running(); } ) );
    CHECK( same( w.server.events, { "+0:7", "+1:8", "-0:7 server disconnect", "-1:8 server disconnect" } ) );
    CHECK( !w.server.session.get() );
    CHECK( w.server.packets.size() == 2 && w.server.packets[1].data.size() == 5 );
    w.server.when_packet = w.server.when_disconnected = nullptr;
    REQUIRE( w.server.session.start( w.settings, w.now ) == server_start::started );
    REQUIRE( w.until( [&] { return second.session.phase() == client_phase::idle; } ) );
    CHECK( w.connected( second, 8 ) );
}

static void destruction_tells_the_other_side_only()
{
    world w( over_sockets );
    test_client & keeps = w.add();
    REQUIRE( w.start() );
    REQUIRE( w.connected( keeps, 7 ) );
    {
        world other( over_sockets );
        test_client & client = other.add();
        REQUIRE( other.start() );
        REQUIRE( other.connected( client, 9 ) );
    }
    w.clients.clear();
    REQUIRE( w.until( [&] { return w.server.session.num_connected() == 0; } ) );
    CHECK( same( w.server.events, { "+0:7", "-0:7 client disconnect" } ) );
}

static void names_are_told_apart()
{
    strings ends, starts;
    for ( int i = 0; i <= static_cast<int>( client_end::no_socket ); i++ )
        ends.push_back( to_string( static_cast<client_end>( i ) ) );
    for ( int i = 0; i <= static_cast<int>( server_start::in_callback ); i++ )
        starts.push_back( to_string( static_cast<server_start>( i ) ) );
    for ( const strings & names : { ends, starts } )
        for ( std::size_t i = 0; i < names.size(); i++ )
            for ( std::size_t j = 0; j <= i; j++ )
                CHECK( names[i] != "unknown" && ( names[i] == names[j] ) == ( i == j ) );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    for ( const bool sockets : { false, true } )
    {
        over_sockets = sockets;
        printf( "%s\n", sockets ? "over loopback sockets" : "in the network simulator" );
        TEST( connects );
        TEST( carries_user_data );
        TEST( exchanges_payloads );
        TEST( numbers_packets );
        TEST( refuses_wrong_sizes_and_slots );
        TEST( broadcasts );
        TEST( client_leaves );
        TEST( server_sends_away );
        TEST( server_misses_a_silent_client );
        TEST( client_misses_a_silent_server );
        TEST( stays_connected_without_packets );
        TEST( refuses_bad_tokens );
        TEST( bad_token_ends_a_connection );
        TEST( gets_no_answer_with_tokens_of_others );
        TEST( token_expires_on_the_way );
        TEST( full_server_refuses );
        TEST( server_restarts );
        TEST( server_does_not_start_with_bad_settings );
        TEST( client_does_not_connect_from_nowhere );
        TEST( listener_of_a_client_may_call_it );
        TEST( an_attempt_begun_while_closing_stays );
        TEST( the_last_of_nested_attempts_counts );
        TEST( listener_of_a_server_may_call_it );
        TEST( destruction_tells_the_other_side_only );
        TEST( names_are_told_apart );
    }
    return tests_done();
}
