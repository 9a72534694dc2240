// The thin module, on stand-ins for the engine. What this shows is that the module parses, and does what it should if the
// engine does what the stand-ins do. No more.

#include "NetcodeEcho.h"
#include "NetcodePlayer.h"

#include "HAL/PlatformProcess.h"
#include "HAL/PlatformTime.h"
#include "NetcodeModule.h"

#include <netcode.hpp>

#include <pthread.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "test.h"

constexpr int MAX_FRAMES = 2000;
constexpr double FRAME = 1.0 / 60.0;
constexpr double REAL_PAUSE = 0.0005;

IModuleInterface & stub_module_Netcode();

static std::string port = "40000";

static FString address()
{
    const std::string text = "127.0.0.1:" + port;
    return UTF8_TO_TCHAR( text.c_str() );
}

static TArray<uint8> test_key( uint8 fill = 5 )
{
    TArray<uint8> made;
    made.Init( fill, 32 );
    return made;
}

template <class Condition> static bool until( Condition && condition )
{
    for ( int i = 0; i < MAX_FRAMES && !condition(); i++ )
    {
        stub_seconds += FRAME;
        FTSTicker::GetCoreTicker().Tick( static_cast<float>( FRAME ) );
        netcode::sleep( REAL_PAUSE );
    }
    return condition();
}

// What the delegates say.
struct ears : UObject
{
    int connected = 0, arrived = 0, gone = 0;
    ENetcodeClientEnd end = ENetcodeClientEnd::None;
    ENetcodeServerReason reason = ENetcodeServerReason::None;
    int64 id = 0;
    UGameInstance * quit = nullptr;
    TArray<uint8> last;

    void hear_connected( int32, int32 ) { connected++; }
    void hear_end( ENetcodeClientEnd told ) { end = told; }
    void hear_arrived( int32, int64 told ) { arrived++; id = told; }
    void hear_gone( int32, int64, ENetcodeServerReason told ) { gone++; reason = told; }
    void hear_packet( const TArray<uint8> & data )
    {
        last = data;
        if ( quit )
            quit->GetSubsystem<UNetcodeClientSubsystem>()->Deinitialize();
    }
};

struct game
{
    ears heard;
    UGameInstance instance;
    UNetcodeServerSubsystem & server = *instance.GetSubsystem<UNetcodeServerSubsystem>();
    UNetcodeClientSubsystem & client = *instance.GetSubsystem<UNetcodeClientSubsystem>();

    game()
    {
        server.OnClientConnected.AddDynamic( &heard, &ears::hear_arrived );
        server.OnClientDisconnected.AddDynamic( &heard, &ears::hear_gone );
        client.OnConnected.AddDynamic( &heard, &ears::hear_connected );
        client.OnDisconnected.AddDynamic( &heard, &ears::hear_end );
        client.OnPacket.AddDynamic( &heard, &ears::hear_packet );
    }

    // On a free port.
    bool start()
    {
        for ( int i = 0; i < 20; i++ )
        {
            port = std::to_string( netcode::client::create( "127.0.0.1:0", {}, 0.0 ).value.port() );
            if ( server.Start( address(), 4, 7, test_key() ) )
                return true;
        }
        return false;
    }

    bool connect()
    {
        TArray<uint8> token;
        return UNetcodeServerSubsystem::MakeToken( address(), 77, 7, test_key(), token ) && client.Connect( token ) &&
               until( [&] { return client.GetPhase() == ENetcodeClientPhase::Connected && server.GetNumConnected() == 1; } );
    }
};

static void connects_and_exchanges_packets()
{
    game g;
    REQUIRE( g.start() && g.server.IsRunning() );
    REQUIRE( g.connect() );
    CHECK( g.heard.connected == 1 && g.heard.arrived == 1 && g.heard.id == 77 );
    CHECK( g.client.GetSlot() == 0 && g.server.GetClientId( 0 ) == 77 );
    CHECK( g.client.Send( { 9 } ) );
    CHECK( !g.client.Send( {} ) );
    CHECK_EQUAL( g.server.Broadcast( { 1, 2, 3 } ), 1 );
    REQUIRE( until( [&] { return g.heard.last.Num() > 0; } ) );
    CHECK( g.heard.last == TArray<uint8>( { 1, 2, 3 } ) );
    CHECK( g.server.Send( 0, { 4 } ) );
    REQUIRE( until( [&] { return g.heard.last.Num() == 1; } ) );
    CHECK( !g.server.Send( 1, { 4 } ) );
}

static void tells_ends()
{
    game g;
    REQUIRE( g.start() );
    REQUIRE( g.connect() );
    g.client.Disconnect();
    CHECK( g.heard.end == ENetcodeClientEnd::Left );
    REQUIRE( until( [&] { return g.heard.gone == 1; } ) );
    CHECK( g.heard.reason == ENetcodeServerReason::ClientLeft );
    REQUIRE( g.connect() );
    g.server.Kick( 0 );
    CHECK( g.heard.gone == 2 && g.heard.reason == ENetcodeServerReason::Kicked );
    REQUIRE( until( [&] { return g.heard.end == ENetcodeClientEnd::ServerLeft; } ) );
    CHECK( g.client.GetPhase() == ENetcodeClientPhase::Idle );
    g.server.Stop();
    CHECK( !g.server.IsRunning() );
    REQUIRE( !g.connect() );
    CHECK( g.heard.end == ENetcodeClientEnd::NoAnswer );
    CHECK( !g.client.Connect( { 1, 2, 3 } ) );
    CHECK( g.heard.end == ENetcodeClientEnd::TokenInvalid );
}

static void refuses_and_logs_what_cannot_be()
{
    game g;
    TArray<uint8> token;
    const int32 before = stub_errors_logged;
    CHECK( !g.server.Start( TEXT( "nowhere" ), 4, 7, test_key() ) );
    CHECK( !g.server.Start( address(), 4, 7, { 1, 2, 3 } ) );
    CHECK( !UNetcodeServerSubsystem::MakeToken( address(), 1, 7, { 1 }, token ) );
    CHECK( token.Num() == 0 );
    CHECK( stub_errors_logged >= before + 3 );
}

constexpr std::size_t STACK_BYTES = 1 << 20, ROOM_BYTES = 1 << 15;

// What a thread does at its end is done in the room, and leaves what is below it as it was.
static void * run_below_room( void * function )
{
    volatile unsigned char room[ROOM_BYTES] = {};
    ( *static_cast<std::function<void()> *>( function ) )();
    return room[0] == 0 ? function : nullptr;
}

// Runs this on a stack of its own. Whether a key of such bytes is left there; or it could not be run.
static bool leaves_key( uint8 fill, std::function<void()> function )
{
    std::vector<unsigned char> stack( STACK_BYTES );
    pthread_attr_t attributes;
    pthread_t thread;
    void * result = nullptr;
    CHECK( pthread_attr_init( &attributes ) == 0 );
    const bool ran = pthread_attr_setstack( &attributes, stack.data(), stack.size() ) == 0 && pthread_create( &thread, &attributes, run_below_room, &function ) == 0 &&
                     pthread_join( thread, &result ) == 0;
    CHECK( ran && result == &function && pthread_attr_destroy( &attributes ) == 0 );
    return std::search_n( stack.begin(), stack.end(), static_cast<int>( netcode::key_bytes ), fill ) != stack.end();
}

// Neither the module's copies nor, once there is a server, the library's own.
static void private_keys_do_not_stay_on_the_stack()
{
    constexpr uint8 FILL = 0xA7;
    game g;
    const TArray<uint8> key = test_key( FILL );
    const FString nowhere = TEXT( "nowhere" );
    TArray<uint8> token;
    int right = 0;
    CHECK( leaves_key( FILL, [&] {
        netcode::connect_token_config wanted;       // else the rest would prove nothing
        wanted.servers = "127.0.0.1:40000";
        wanted.private_key.fill( FILL );
        right += netcode::connect_token::generate( wanted ).has_value();
    } ) );
    CHECK( !leaves_key( FILL, [&] { right += !g.server.Start( nowhere, 4, 7, key ); } ) );
    CHECK( !leaves_key( FILL, [&] { right += g.server.Start( address(), 4, 7, key ); } ) );
    CHECK( !leaves_key( FILL, [&] { right += UNetcodeServerSubsystem::MakeToken( address(), 1, 7, key, token ); } ) );
    CHECK( !leaves_key( FILL, [&] { right += !UNetcodeServerSubsystem::MakeToken( nowhere, 1, 7, key, token ); } ) );
    CHECK_EQUAL( right, 5 );
}

static void may_end_within_a_delegate()
{
    game g;
    REQUIRE( g.start() );
    REQUIRE( g.connect() );
    g.heard.quit = &g.instance;
    CHECK( g.server.Send( 0, { 1, 2 } ) && g.server.Send( 0, { 3 } ) );
    REQUIRE( until( [&] { return g.heard.last.Num() > 0; } ) );
    CHECK( g.heard.last.Num() == 2 );
    CHECK( g.client.GetPhase() == ENetcodeClientPhase::Idle && !g.client.Send( { 1 } ) );
    REQUIRE( until( [&] { return g.heard.gone == 1; } ) );
}

static void nothing_ticks_afterwards()
{
    {
        game g;
        CHECK_EQUAL( FTSTicker::GetCoreTicker().stub_count(), 2 );
    }
    CHECK_EQUAL( FTSTicker::GetCoreTicker().stub_count(), 0 );
}

static void does_nothing_without_the_library()
{
    stub_module_Netcode().ShutdownModule();
    CHECK_EQUAL( stub_dlls_loaded, 0 );
    {
        game g;
        TArray<uint8> token;
        CHECK( !FNetcodeModule::IsLibraryLoaded() );
        CHECK( !g.server.Start( address(), 4, 7, test_key() ) );
        CHECK( !g.client.Connect( token ) && !g.client.Send( { 1 } ) );
        CHECK( !UNetcodeServerSubsystem::MakeToken( address(), 1, 7, test_key(), token ) );
    }
#if PLATFORM_WINDOWS
    stub_dll_found = false;
    stub_module_Netcode().StartupModule();
    CHECK( !FNetcodeModule::IsLibraryLoaded() );
    stub_dll_found = true;
#endif
    stub_module_Netcode().StartupModule();
    CHECK( FNetcodeModule::IsLibraryLoaded() );
}

static void the_samples_talk()
{
    UGameInstance server_game, client_game;
    ANetcodeEcho echo;
    ANetcodePlayer player;
    echo.stub_game = &server_game;
    echo.PrivateKey = test_key();
    echo.BeginPlay();
    player.stub_game = &client_game;
    CHECK( UNetcodeServerSubsystem::MakeToken( UTF8_TO_TCHAR( NETCODE_TEST_SAMPLE_ADDRESS ), 1, 7, test_key(), player.Token ) );
    player.BeginPlay();
    CHECK( until( [&] { return player.Received == 3; } ) );
}

int main( int argc, char ** argv )
{
    const netcode::library library;
    tests_begin( argc, argv );
    stub_module_Netcode().StartupModule();
    TEST( connects_and_exchanges_packets );
    TEST( tells_ends );
    TEST( refuses_and_logs_what_cannot_be );
    TEST( private_keys_do_not_stay_on_the_stack );
    TEST( may_end_within_a_delegate );
    TEST( nothing_ticks_afterwards );
    TEST( does_nothing_without_the_library );
    TEST( the_samples_talk );
    stub_module_Netcode().ShutdownModule();
    return tests_done();
}
