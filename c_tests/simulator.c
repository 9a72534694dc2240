/*
 * The network simulator: recorded runs, its limits, and sessions through it.
 */
#include <netcode.h>
#include "test.h"
#include "asserts.h"
#include "hooks.h"
#include "simulator_vectors.h"

#define COUNT( array ) ( (int) ( sizeof( array ) / sizeof( ( array )[0] ) ) )

/* Declared here as programs declare them: netcode.h has only the name of the structure. */

#ifdef __cplusplus
extern "C" {
#endif

struct netcode_network_simulator_t
{
    void * allocator_context;
    void * (*allocate_function)( void *, size_t );
    void (*free_function)( void *, void * );
    float latency_milliseconds;
    float jitter_milliseconds;
    float packet_loss_percent;
    float duplicate_packet_percent;
};

struct netcode_network_simulator_t * netcode_network_simulator_create( void * allocator_context, void * (*allocate_function)( void *, size_t ), void (*free_function)( void *, void * ) );
void netcode_network_simulator_destroy( struct netcode_network_simulator_t * simulator );
void netcode_network_simulator_reset( struct netcode_network_simulator_t * simulator );
void netcode_network_simulator_update( struct netcode_network_simulator_t * simulator, double time );
void netcode_network_simulator_send_packet( struct netcode_network_simulator_t * simulator, struct netcode_address_t * from, struct netcode_address_t * to, uint8_t * data, int bytes );
int netcode_network_simulator_receive_packets( struct netcode_network_simulator_t * simulator, struct netcode_address_t * to, int max_packets, uint8_t ** data, int * bytes, struct netcode_address_t * from );

#ifdef __cplusplus
}
#endif

typedef struct netcode_network_simulator_t simulator_t;

#define MAX_IN_FLIGHT 65536
#define MAX_RECEIVE ( 64 * 256 )
#define MAX_AT_ONCE 4096

/* Blocks that its tables may keep for later; far less than the packets that are to be freed. */
#define TABLES 8

static struct netcode_address_t address_a, address_b;

static uint8_t * received_data[MAX_RECEIVE];
static int received_bytes[MAX_RECEIVE];
static struct netcode_address_t received_from[MAX_RECEIVE];

static simulator_t * create_simulator( void )
{
    simulator_t * simulator = netcode_network_simulator_create( NULL, NULL, NULL );
    if ( !CHECK( simulator != NULL ) )
        exit( 1 );
    return simulator;
}

static int receive( simulator_t * simulator, struct netcode_address_t * to, int max_packets )
{
    return netcode_network_simulator_receive_packets( simulator, to, max_packets, received_data, received_bytes, received_from );
}

/* Receives and throws away. */
static int drain( simulator_t * simulator, struct netcode_address_t * to )
{
    int i, count = receive( simulator, to, MAX_RECEIVE );
    for ( i = 0; i < count; i++ )
        free( received_data[i] );
    return count;
}

static void send_number( simulator_t * simulator, struct netcode_address_t * from, struct netcode_address_t * to, uint32_t number )
{
    uint8_t data[4];
    memcpy( data, &number, 4 );
    netcode_network_simulator_send_packet( simulator, from, to, data, 4 );
}

static uint32_t number_of( const uint8_t * data )
{
    uint32_t number;
    memcpy( &number, data, 4 );
    return number;
}

/* ---- recorded runs ---- */

static void check_deliveries( simulator_t * simulator, const struct simulator_run_t * run, int tick, char receiver, int * next )
{
    int count = receive( simulator, receiver == 'A' ? &address_a : &address_b, MAX_AT_ONCE ), i, j;
    for ( i = 0; i < count; i++ )
    {
        const struct simulator_delivery_t * expected = &run->deliveries[*next];
        int n = received_data[i][0] | received_data[i][1] << 8;
        if ( CHECK( *next < run->num_deliveries ) )
        {
            CHECK_EQUAL( tick, expected->tick );
            CHECK_EQUAL( receiver, expected->receiver );
            CHECK_EQUAL( n, expected->packet );
            ++*next;
        }
        CHECK_EQUAL( received_bytes[i], 2 + n % 7 );
        for ( j = 2; j < received_bytes[i]; j++ )
            CHECK_EQUAL( received_data[i][j], 0 );
        CHECK( netcode_address_equal( &received_from[i], receiver == 'A' ? &address_b : &address_a ) );
        free( received_data[i] );
    }
}

static void play( simulator_t * simulator, const struct simulator_run_t * run )
{
    int tick, sent = 0, next = 0, i, failed_before = test_failed_checks;
    simulator->latency_milliseconds = run->latency_milliseconds;
    simulator->jitter_milliseconds = run->jitter_milliseconds;
    simulator->packet_loss_percent = run->packet_loss_percent;
    simulator->duplicate_packet_percent = run->duplicate_packet_percent;
    for ( tick = 1; tick <= run->ticks && test_failed_checks == failed_before; tick++ )
    {
        netcode_network_simulator_update( simulator, tick * run->tick_seconds );
        check_deliveries( simulator, run, tick, 'A', &next );
        check_deliveries( simulator, run, tick, 'B', &next );
        for ( i = 0; i < run->sends_per_tick && sent < run->sends; i++, sent++ )
        {
            uint8_t data[16] = { 0 };
            int to_a = sent % 3 == 0;
            data[0] = (uint8_t) sent;
            data[1] = (uint8_t) ( sent >> 8 );
            netcode_network_simulator_send_packet( simulator, to_a ? &address_b : &address_a, to_a ? &address_a : &address_b, data, 2 + sent % 7 );
        }
    }
    CHECK_EQUAL( next, run->num_deliveries );
    if ( test_failed_checks != failed_before )
        printf( "    in the run \"%s\", near tick %d\n", run->name, tick );
}

static void recorded_runs_repeat_exactly( void )
{
    int i;
    for ( i = 0; i < COUNT( simulator_runs ); i++ )
    {
        simulator_t * simulator = create_simulator();
        play( simulator, &simulator_runs[i] );
        netcode_network_simulator_destroy( simulator );
    }
}

static void a_reset_simulator_repeats_itself( void )
{
    simulator_t * simulator = create_simulator();
    int i;
    for ( i = 0; i < COUNT( simulator_runs ); i++ )
    {
        play( simulator, &simulator_runs[i] );
        netcode_network_simulator_reset( simulator );
        play( simulator, &simulator_runs[i] );
        netcode_network_simulator_reset( simulator );
    }
    netcode_network_simulator_destroy( simulator );
}

static void simulators_do_not_share_their_chances( void )
{
    /* two at once, turn by turn, must each behave as if alone */
    const struct simulator_run_t * run = &simulator_runs[COUNT( simulator_runs ) - 1];
    simulator_t * other = create_simulator(), * simulator = create_simulator();
    int i;
    other->jitter_milliseconds = 10.0f;
    for ( i = 0; i < 100; i++ )
        send_number( other, &address_a, &address_b, (uint32_t) i );
    play( simulator, run );
    netcode_network_simulator_destroy( other );
    netcode_network_simulator_destroy( simulator );
}

/* ---- sending and receiving ---- */

static void settings_start_at_zero( void )
{
    struct hooks hooks;
    simulator_t * simulator;
    hooks_begin( &hooks );
    simulator = netcode_network_simulator_create( &hooks, hooks_allocate, hooks_free );
    REQUIRE( simulator != NULL );
    CHECK( simulator->latency_milliseconds == 0.0f );
    CHECK( simulator->jitter_milliseconds == 0.0f );
    CHECK( simulator->packet_loss_percent == 0.0f );
    CHECK( simulator->duplicate_packet_percent == 0.0f );
    /* the members before them are where programs expect them */
    CHECK( simulator->allocator_context == &hooks );
    CHECK( simulator->allocate_function == hooks_allocate );
    CHECK( simulator->free_function == hooks_free );
    netcode_network_simulator_destroy( simulator );
    hooks_end( &hooks );
}

static void packets_arrive_in_the_next_update( void )
{
    simulator_t * simulator = create_simulator();
    netcode_network_simulator_update( simulator, 1.0 );
    send_number( simulator, &address_a, &address_b, 7 );
    CHECK_EQUAL( drain( simulator, &address_b ), 0 );
    /* even if no time has passed */
    netcode_network_simulator_update( simulator, 1.0 );
    CHECK_EQUAL( receive( simulator, &address_a, MAX_RECEIVE ), 0 );
    REQUIRE( receive( simulator, &address_b, MAX_RECEIVE ) == 1 );
    CHECK_EQUAL( number_of( received_data[0] ), 7 );
    CHECK_EQUAL( received_bytes[0], 4 );
    CHECK( netcode_address_equal( &received_from[0], &address_a ) );
    free( received_data[0] );
    CHECK_EQUAL( drain( simulator, &address_b ), 0 );
    netcode_network_simulator_destroy( simulator );
}

static void latency_counts_from_the_last_update( void )
{
    simulator_t * simulator = create_simulator();
    simulator->latency_milliseconds = 500.0f;
    netcode_network_simulator_update( simulator, 10.0 );
    send_number( simulator, &address_a, &address_b, 1 );
    netcode_network_simulator_update( simulator, 10.49 );
    CHECK_EQUAL( drain( simulator, &address_b ), 0 );
    netcode_network_simulator_update( simulator, 10.5 );
    CHECK_EQUAL( drain( simulator, &address_b ), 1 );
    netcode_network_simulator_destroy( simulator );
}

static void all_is_lost_at_100_percent( void )
{
    simulator_t * simulator = create_simulator();
    int i;
    simulator->packet_loss_percent = 100.0f;
    for ( i = 0; i < 1000; i++ )
        send_number( simulator, &address_a, &address_b, (uint32_t) i );
    netcode_network_simulator_update( simulator, 10.0 );
    CHECK_EQUAL( drain( simulator, &address_b ), 0 );
    netcode_network_simulator_destroy( simulator );
}

static void all_comes_twice_at_100_percent( void )
{
    simulator_t * simulator = create_simulator();
    int i, first, second;
    simulator->duplicate_packet_percent = 100.0f;
    netcode_network_simulator_update( simulator, 1.0 );
    for ( i = 0; i < 1000; i++ )
        send_number( simulator, &address_a, &address_b, (uint32_t) i );
    netcode_network_simulator_update( simulator, 1.0 );
    first = drain( simulator, &address_b );
    netcode_network_simulator_update( simulator, 2.0 );
    second = drain( simulator, &address_b );
    CHECK( first >= 1000 );
    CHECK_EQUAL( first + second, 2000 );
    netcode_network_simulator_destroy( simulator );
}

static void any_size_arrives_unchanged( void )
{
    simulator_t * simulator = create_simulator();
    static uint8_t data[2000];
    int size, i;
    for ( i = 0; i < (int) sizeof( data ); i++ )
        data[i] = (uint8_t) ( i * 13 );
    for ( size = 1; size <= 2000; size += size < 20 ? 1 : 99 )
    {
        netcode_network_simulator_send_packet( simulator, &address_a, &address_b, data, size );
        netcode_network_simulator_update( simulator, 1.0 );
        REQUIRE( receive( simulator, &address_b, MAX_RECEIVE ) == 1 );
        CHECK_EQUAL( received_bytes[0], size );
        CHECK( memcmp( received_data[0], data, (size_t) size ) == 0 );
        free( received_data[0] );
    }
    netcode_network_simulator_destroy( simulator );
}

static void addresses_are_told_apart_by_family_bytes_and_port( void )
{
    static const char * texts[] = { "1.2.3.4:5", "1.2.3.4:6", "1.2.3.5:5", "[::1]:5", "[::1]:6", "[::2]:5", "[::ffff:1.2.3.4]:5" };
    struct netcode_address_t addresses[7];
    simulator_t * simulator = create_simulator();
    int i;
    for ( i = 0; i < 7; i++ )
    {
        netcode_parse_address( texts[i], &addresses[i] );
        send_number( simulator, &address_a, &addresses[i], (uint32_t) i );
    }
    netcode_network_simulator_update( simulator, 1.0 );
    for ( i = 0; i < 7; i++ )
    {
        REQUIRE( receive( simulator, &addresses[i], MAX_RECEIVE ) == 1 );
        CHECK_EQUAL( number_of( received_data[0] ), i );
        free( received_data[0] );
    }
    netcode_network_simulator_destroy( simulator );
}

static void a_packet_to_oneself_arrives( void )
{
    simulator_t * simulator = create_simulator();
    send_number( simulator, &address_a, &address_a, 1 );
    netcode_network_simulator_update( simulator, 1.0 );
    CHECK_EQUAL( drain( simulator, &address_a ), 1 );
    netcode_network_simulator_destroy( simulator );
}

static void receive_takes_no_more_than_asked_for( void )
{
    simulator_t * simulator = create_simulator();
    uint32_t i, next = 0;
    int count, j;
    for ( i = 0; i < 100; i++ )
        send_number( simulator, &address_a, &address_b, i );
    netcode_network_simulator_update( simulator, 1.0 );
    CHECK_EQUAL( receive( simulator, &address_b, 0 ), 0 );
    while ( ( count = receive( simulator, &address_b, 7 ) ) > 0 )
    {
        CHECK( count <= 7 );
        for ( j = 0; j < count; j++, next++ )
        {
            CHECK_EQUAL( number_of( received_data[j] ), next );
            free( received_data[j] );
        }
    }
    CHECK_EQUAL( next, 100 );
    netcode_network_simulator_destroy( simulator );
}

static void what_nobody_picks_up_is_discarded_by_the_next_update( void )
{
    struct hooks hooks;
    simulator_t * simulator;
    int before, i;
    hooks_begin( &hooks );
    simulator = netcode_network_simulator_create( &hooks, hooks_allocate, hooks_free );
    REQUIRE( simulator != NULL );
    before = hooks.live;
    for ( i = 0; i < 100; i++ )
        send_number( simulator, &address_a, &address_b, (uint32_t) i );
    netcode_network_simulator_update( simulator, 1.0 );
    netcode_network_simulator_update( simulator, 2.0 );
    CHECK_EQUAL( receive( simulator, &address_b, MAX_RECEIVE ), 0 );
    CHECK( hooks.live <= before + TABLES );
    netcode_network_simulator_destroy( simulator );
    hooks_end( &hooks );
}

static void what_does_not_fit_into_the_receive_list_waits( void )
{
    simulator_t * simulator = create_simulator();
    uint32_t i, next = 0;
    int j, round, count;
    for ( i = 0; i < 40000; i++ )
        send_number( simulator, &address_a, &address_b, i );
    for ( round = 0; round < 3; round++ )
    {
        netcode_network_simulator_update( simulator, 1.0 );
        count = receive( simulator, &address_b, MAX_RECEIVE );
        CHECK_EQUAL( count, round < 2 ? MAX_RECEIVE : 40000 - 2 * MAX_RECEIVE );
        for ( j = 0; j < count; j++, next++ )
        {
            CHECK_EQUAL( number_of( received_data[j] ), next );
            free( received_data[j] );
        }
    }
    CHECK_EQUAL( next, 40000 );
    netcode_network_simulator_destroy( simulator );
}

static void the_oldest_of_more_than_65536_packets_is_overwritten( void )
{
    struct hooks hooks;
    simulator_t * simulator;
    static uint8_t seen[MAX_IN_FLIGHT + 10];
    uint32_t i;
    int before, j, count, total = 0;
    hooks_begin( &hooks );
    simulator = netcode_network_simulator_create( &hooks, hooks_allocate, hooks_free );
    REQUIRE( simulator != NULL );
    before = hooks.live;
    memset( seen, 0, sizeof( seen ) );
    for ( i = 0; i < MAX_IN_FLIGHT + 10; i++ )
        send_number( simulator, &address_a, &address_b, i );
    CHECK( hooks.live <= before + MAX_IN_FLIGHT + TABLES );
    for ( ;; )
    {
        netcode_network_simulator_update( simulator, 1.0 );
        count = receive( simulator, &address_b, MAX_RECEIVE );
        if ( count == 0 )
            break;
        /* slots are scanned from the first, which now hold the newest packets */
        if ( total == 0 )
        {
            for ( j = 0; j < 20; j++ )
                CHECK_EQUAL( number_of( received_data[j] ), j < 10 ? MAX_IN_FLIGHT + j : j );
        }
        for ( j = 0; j < count; j++ )
        {
            uint32_t number = number_of( received_data[j] );
            if ( CHECK( number < sizeof( seen ) ) )
                seen[number]++;
            hooks_free( &hooks, received_data[j] );
        }
        total += count;
        if ( total > 2 * MAX_IN_FLIGHT )
            break;
    }
    CHECK_EQUAL( total, MAX_IN_FLIGHT );
    for ( i = 0; i < MAX_IN_FLIGHT + 10; i++ )
        CHECK_EQUAL( seen[i], i >= 10 );
    CHECK( hooks.live <= before + TABLES );
    netcode_network_simulator_destroy( simulator );
    hooks_end( &hooks );
}

/* ---- reset ---- */

static void reset_forgets_packets_and_keeps_settings_and_clock( void )
{
    struct hooks hooks;
    simulator_t * simulator;
    int before, i;
    hooks_begin( &hooks );
    simulator = netcode_network_simulator_create( &hooks, hooks_allocate, hooks_free );
    REQUIRE( simulator != NULL );
    before = hooks.live;
    simulator->latency_milliseconds = 100.0f;
    simulator->packet_loss_percent = 0.0f;
    netcode_network_simulator_update( simulator, 5.0 );
    for ( i = 0; i < 100; i++ )
        send_number( simulator, &address_a, &address_b, (uint32_t) i );
    netcode_network_simulator_update( simulator, 10.0 );
    for ( i = 0; i < 100; i++ )
        send_number( simulator, &address_a, &address_b, (uint32_t) i );
    /* some in the receive list, some under way */
    netcode_network_simulator_reset( simulator );
    CHECK( hooks.live <= before + TABLES );
    CHECK_EQUAL( receive( simulator, &address_b, MAX_RECEIVE ), 0 );
    CHECK( simulator->latency_milliseconds == 100.0f );

    send_number( simulator, &address_a, &address_b, 1 );
    netcode_network_simulator_update( simulator, 10.05 );
    CHECK_EQUAL( receive( simulator, &address_b, MAX_RECEIVE ), 0 );
    netcode_network_simulator_update( simulator, 10.2 );
    REQUIRE( receive( simulator, &address_b, MAX_RECEIVE ) == 1 );
    hooks_free( &hooks, received_data[0] );
    netcode_network_simulator_destroy( simulator );
    hooks_end( &hooks );
}

/* ---- memory ---- */

static void destroy_frees_what_is_under_way_and_what_was_not_picked_up( void )
{
    struct hooks hooks;
    simulator_t * simulator;
    int i;
    hooks_begin( &hooks );
    simulator = netcode_network_simulator_create( &hooks, hooks_allocate, hooks_free );
    REQUIRE( simulator != NULL );
    for ( i = 0; i < 10; i++ )
        send_number( simulator, &address_a, &address_b, (uint32_t) i );
    netcode_network_simulator_update( simulator, 1.0 );
    REQUIRE( receive( simulator, &address_b, 2 ) == 2 );
    simulator->latency_milliseconds = 1000.0f;
    for ( i = 0; i < 10; i++ )
        send_number( simulator, &address_a, &address_b, (uint32_t) i );
    netcode_network_simulator_destroy( simulator );
    /* what was received is the caller's, also after the simulator is gone */
    CHECK_EQUAL( hooks.live, 2 );
    CHECK_EQUAL( number_of( received_data[0] ), 0 );
    CHECK_EQUAL( number_of( received_data[1] ), 1 );
    hooks_free( &hooks, received_data[0] );
    hooks_free( &hooks, received_data[1] );
    hooks_end( &hooks );
}

static void a_simulator_that_cannot_be_allocated_is_null( void )
{
    struct hooks hooks;
    simulator_t * simulator;
    int n, needed;
    hooks_begin( &hooks );
    simulator = netcode_network_simulator_create( &hooks, hooks_allocate, hooks_free );
    REQUIRE( simulator != NULL );
    needed = hooks.allocations;
    CHECK( needed >= 1 );
    netcode_network_simulator_destroy( simulator );
    hooks_end( &hooks );
    for ( n = 1; n <= needed; n++ )
    {
        hooks_begin( &hooks );
        hooks.fail_at = n;
        simulator = netcode_network_simulator_create( &hooks, hooks_allocate, hooks_free );
        CHECK( simulator == NULL );
        CHECK_EQUAL( hooks.failures, 1 );
        hooks_end( &hooks );
    }
}

static void a_packet_that_cannot_be_allocated_is_dropped( void )
{
    struct hooks hooks;
    simulator_t * simulator;
    int count, i;
    hooks_begin( &hooks );
    simulator = netcode_network_simulator_create( &hooks, hooks_allocate, hooks_free );
    REQUIRE( simulator != NULL );
    send_number( simulator, &address_a, &address_b, 1 );
    hooks.fail_after = hooks.allocations;
    for ( i = 0; i < 10; i++ )
        send_number( simulator, &address_a, &address_b, 2 );
    CHECK( hooks.failures >= 10 );
    hooks.fail_after = -1;
    send_number( simulator, &address_a, &address_b, 3 );
    netcode_network_simulator_update( simulator, 1.0 );
    count = receive( simulator, &address_b, MAX_RECEIVE );
    REQUIRE( count == 2 );
    CHECK_EQUAL( number_of( received_data[0] ), 1 );
    CHECK_EQUAL( number_of( received_data[1] ), 3 );
    for ( i = 0; i < count; i++ )
        hooks_free( &hooks, received_data[i] );
    netcode_network_simulator_destroy( simulator );
    hooks_end( &hooks );
}

/* ---- clients and servers through a simulator ---- */

static const uint8_t private_key[NETCODE_KEY_BYTES] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 };

struct session_t
{
    simulator_t * simulator;
    struct netcode_server_t * server;
    struct netcode_client_t * client;
    struct hooks simulator_hooks;
    struct hooks server_hooks;
    struct hooks client_hooks;
    double time;
};

static int open_session( struct session_t * session, const char * server_address, const char * client_address )
{
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    memset( session, 0, sizeof( *session ) );
    hooks_begin( &session->simulator_hooks );
    hooks_begin( &session->server_hooks );
    hooks_begin( &session->client_hooks );
    session->simulator = netcode_network_simulator_create( &session->simulator_hooks, hooks_allocate, hooks_free );
    memset( &server_config, 0, sizeof( server_config ) );
    netcode_default_server_config( &server_config );
    server_config.protocol_id = 1;
    memcpy( server_config.private_key, private_key, sizeof( private_key ) );
    server_config.network_simulator = session->simulator;
    server_config.allocator_context = &session->server_hooks;
    server_config.allocate_function = hooks_allocate;
    server_config.free_function = hooks_free;
    session->server = netcode_server_create( server_address, &server_config, 0.0 );
    memset( &client_config, 0, sizeof( client_config ) );
    netcode_default_client_config( &client_config );
    client_config.network_simulator = session->simulator;
    client_config.allocator_context = &session->client_hooks;
    client_config.allocate_function = hooks_allocate;
    client_config.free_function = hooks_free;
    session->client = netcode_client_create( client_address, &client_config, 0.0 );
    if ( !CHECK( session->simulator && session->server && session->client ) )
        return 0;
    netcode_server_start( session->server, 2 );
    CHECK_EQUAL( netcode_generate_connect_token( 1, &server_address, &server_address, -1, 5, 77, 1, private_key, NULL, token ), NETCODE_OK );
    netcode_client_connect( session->client, token );
    return 1;
}

static void close_session( struct session_t * session )
{
    netcode_client_destroy( session->client );
    netcode_server_destroy( session->server );
    netcode_network_simulator_destroy( session->simulator );
    hooks_end( &session->client_hooks );
    hooks_end( &session->server_hooks );
    hooks_end( &session->simulator_hooks );
}

static void step_session( struct session_t * session )
{
    session->time += 0.015625;
    netcode_network_simulator_update( session->simulator, session->time );
    netcode_client_update( session->client, session->time );
    netcode_server_update( session->server, session->time );
}

#define PAYLOADS 1000

/* Sends PAYLOADS numbered payloads each way; counts how often each number arrived. */
static void exchange_payloads( struct session_t * session, uint8_t * up, uint8_t * down )
{
    int i, bytes;
    uint8_t * packet;
    memset( up, 0, PAYLOADS );
    memset( down, 0, PAYLOADS );
    for ( i = 0; i < PAYLOADS + 400; i++ )
    {
        uint8_t data[NETCODE_MAX_PACKET_SIZE];
        uint32_t number = (uint32_t) i;
        int size = 4 + i % ( NETCODE_MAX_PACKET_SIZE - 3 );
        if ( i < PAYLOADS )
        {
            memset( data, i, sizeof( data ) );
            memcpy( data, &number, 4 );
            netcode_client_send_packet( session->client, data, size );
            netcode_server_send_packet( session->server, 0, data, size );
        }
        step_session( session );
        while ( ( packet = netcode_server_receive_packet( session->server, 0, &bytes, NULL ) ) != NULL )
        {
            number = number_of( packet );
            if ( CHECK( number < PAYLOADS ) )
            {
                up[number]++;
                CHECK_EQUAL( bytes, 4 + (int) number % ( NETCODE_MAX_PACKET_SIZE - 3 ) );
                CHECK( bytes == 4 || packet[bytes - 1] == (uint8_t) number );
            }
            netcode_server_free_packet( session->server, packet );
        }
        while ( ( packet = netcode_client_receive_packet( session->client, &bytes, NULL ) ) != NULL )
        {
            number = number_of( packet );
            if ( CHECK( number < PAYLOADS ) )
            {
                down[number]++;
                CHECK_EQUAL( bytes, 4 + (int) number % ( NETCODE_MAX_PACKET_SIZE - 3 ) );
                CHECK( bytes == 4 || packet[bytes - 1] == (uint8_t) number );
            }
            netcode_client_free_packet( session->client, packet );
        }
    }
}

static void check_session( const char * server_address, const char * client_address, float latency, float jitter, float loss, float duplicates, int least )
{
    struct session_t session;
    static uint8_t up[PAYLOADS], down[PAYLOADS];
    int i, arrived_up = 0, arrived_down = 0;
    REQUIRE( open_session( &session, server_address, client_address ) );
    session.simulator->latency_milliseconds = latency;
    session.simulator->jitter_milliseconds = jitter;
    session.simulator->packet_loss_percent = loss;
    session.simulator->duplicate_packet_percent = duplicates;
    for ( i = 0; i < 640 && netcode_client_state( session.client ) != NETCODE_CLIENT_STATE_CONNECTED; i++ )
        step_session( &session );
    CHECK_EQUAL( netcode_client_state( session.client ), NETCODE_CLIENT_STATE_CONNECTED );
    CHECK_EQUAL( netcode_server_client_id( session.server, 0 ), 77 );
    CHECK_EQUAL( netcode_client_get_port( session.client ), 0 );
    CHECK_EQUAL( netcode_server_get_port( session.server ), 0 );
    exchange_payloads( &session, up, down );
    for ( i = 0; i < PAYLOADS; i++ )
    {
        CHECK( up[i] <= 1 ); /* duplicates of the network are not the program's business */
        CHECK( down[i] <= 1 );
        arrived_up += up[i];
        arrived_down += down[i];
    }
    CHECK( arrived_up >= least );
    CHECK( arrived_down >= least );
    CHECK_EQUAL( netcode_client_state( session.client ), NETCODE_CLIENT_STATE_CONNECTED );
    CHECK_EQUAL( netcode_server_num_connected_clients( session.server ), 1 );

    netcode_client_disconnect( session.client );
    for ( i = 0; i < 64; i++ )
        step_session( &session );
    CHECK_EQUAL( netcode_server_num_connected_clients( session.server ), 0 );
    close_session( &session );
}

static void a_session_over_a_perfect_network( void )
{
    check_session( "127.0.0.1:40000", "127.0.0.1:50000", 0.0f, 0.0f, 0.0f, 0.0f, PAYLOADS );
}

static void a_session_over_ipv6( void )
{
    check_session( "[::1]:40000", "[::1]:50000", 0.0f, 0.0f, 0.0f, 0.0f, PAYLOADS );
}

static void a_session_with_latency( void )
{
    check_session( "127.0.0.1:40000", "127.0.0.1:50000", 250.0f, 0.0f, 0.0f, 0.0f, PAYLOADS );
}

static void a_session_with_jitter( void )
{
    check_session( "127.0.0.1:40000", "127.0.0.1:50000", 100.0f, 100.0f, 0.0f, 0.0f, PAYLOADS );
}

static void a_session_with_loss( void )
{
    check_session( "127.0.0.1:40000", "127.0.0.1:50000", 50.0f, 0.0f, 25.0f, 0.0f, PAYLOADS / 2 );
}

static void a_session_with_duplicates( void )
{
    check_session( "127.0.0.1:40000", "127.0.0.1:50000", 50.0f, 0.0f, 0.0f, 100.0f, PAYLOADS );
}

static void a_session_with_everything( void )
{
    check_session( "[::1]:40000", "[::1]:50000", 250.0f, 250.0f, 5.0f, 10.0f, PAYLOADS * 8 / 10 );
}

static void a_client_takes_at_most_64_packets_an_update( void )
{
    struct session_t session;
    struct netcode_address_t client, stranger;
    int i, left;
    REQUIRE( open_session( &session, "127.0.0.1:40000", "127.0.0.1:50000" ) );
    netcode_parse_address( "127.0.0.1:50000", &client );
    netcode_parse_address( "10.9.8.7:6", &stranger );
    for ( i = 0; i < 200; i++ )
        send_number( session.simulator, &stranger, &client, (uint32_t) i );
    netcode_network_simulator_update( session.simulator, 0.1 );
    netcode_client_update( session.client, 0.1 );
    left = receive( session.simulator, &client, MAX_RECEIVE );
    CHECK_EQUAL( left, 200 - 64 );
    for ( i = 0; i < left; i++ )
        hooks_free( &session.simulator_hooks, received_data[i] );
    close_session( &session );
}

static void a_server_takes_all_that_a_simulator_can_hold( void )
{
    struct session_t session;
    struct netcode_address_t server, stranger;
    int i, left;
    REQUIRE( open_session( &session, "127.0.0.1:40000", "127.0.0.1:50000" ) );
    netcode_parse_address( "127.0.0.1:40000", &server );
    netcode_parse_address( "10.9.8.7:6", &stranger );
    for ( i = 0; i < MAX_RECEIVE; i++ )
        send_number( session.simulator, &stranger, &server, (uint32_t) i );
    netcode_network_simulator_update( session.simulator, 0.1 );
    netcode_server_update( session.server, 0.1 );
    left = receive( session.simulator, &server, MAX_RECEIVE );
    CHECK_EQUAL( left, 0 );
    for ( i = 0; i < left; i++ )
        hooks_free( &session.simulator_hooks, received_data[i] );
    close_session( &session );
}

static struct netcode_client_t * client_through( simulator_t * simulator, const char * address1, const char * address2 )
{
    struct netcode_client_config_t config;
    memset( &config, 0, sizeof( config ) );
    netcode_default_client_config( &config );
    config.network_simulator = simulator;
    return address2 ? netcode_client_create_dual( address1, address2, &config, 0.0 ) : netcode_client_create( address1, &config, 0.0 );
}

static void clients_need_a_port( void )
{
    simulator_t * simulator = create_simulator();
    struct netcode_client_t * client;
    static const char * without[][2] = { { "127.0.0.1", NULL }, { "127.0.0.1:0", NULL }, { "::1", NULL },
                                         { "127.0.0.1:0", "[::1]:1" }, { "127.0.0.1:1", "[::1]:0" }, { "[::1]:1", "127.0.0.1" } };
    int i;
    for ( i = 0; i < COUNT( without ); i++ )
    {
        CHECK( client_through( simulator, without[i][0], without[i][1] ) == NULL );
        CHECK_EQUAL( netcode_client_create_error(), NETCODE_CLIENT_CREATE_ERROR_SIMULATOR_REQUIRES_PORT );
    }
    client = client_through( simulator, "127.0.0.1:1", "[::1]:1" );
    CHECK( client != NULL );
    CHECK_EQUAL( netcode_client_create_error(), NETCODE_CLIENT_CREATE_ERROR_NONE );
    CHECK_EQUAL( netcode_client_get_port( client ), 0 );
    netcode_client_destroy( client );
    netcode_network_simulator_destroy( simulator );
}

static void missing_overrides_are_reported_before_a_missing_port( void )
{
    static const char * addresses[] = { "0.0.0.0", "[::]:0", "127.0.0.1:1" };
    simulator_t * simulator = create_simulator();
    struct netcode_client_config_t config;
    int i;
    memset( &config, 0, sizeof( config ) );
    netcode_default_client_config( &config );
    config.network_simulator = simulator;
    config.override_send_and_receive = 1;
    for ( i = 0; i < COUNT( addresses ); i++ )
    {
        CHECK_TOLERATED( CHECK( netcode_client_create( addresses[i], &config, 0.0 ) == NULL ) );
        CHECK_EQUAL( netcode_client_create_error(), NETCODE_CLIENT_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK );
    }
    netcode_network_simulator_destroy( simulator );
}

static void servers_do_not_need_a_port( void )
{
    struct netcode_server_config_t config;
    simulator_t * simulator = create_simulator();
    struct netcode_server_t * server;
    memset( &config, 0, sizeof( config ) );
    netcode_default_server_config( &config );
    config.network_simulator = simulator;
    server = netcode_server_create( "127.0.0.1:0", &config, 0.0 );
    REQUIRE( server != NULL );
    CHECK_EQUAL( netcode_server_create_error(), NETCODE_SERVER_CREATE_ERROR_NONE );
    CHECK_EQUAL( netcode_server_get_port( server ), 0 );
    netcode_server_destroy( server );
    netcode_network_simulator_destroy( simulator );
}

/* ---- misuse ---- */

static void null_pointers_are_harmless( void )
{
    simulator_t * simulator = create_simulator();
    uint8_t data[4] = { 0 };
    CHECK_TOLERATED( netcode_network_simulator_destroy( NULL ) );
    CHECK_TOLERATED( netcode_network_simulator_reset( NULL ) );
    CHECK_TOLERATED( netcode_network_simulator_update( NULL, 1.0 ) );
    CHECK_TOLERATED( netcode_network_simulator_send_packet( NULL, &address_a, &address_b, data, 4 ) );
    CHECK_TOLERATED( netcode_network_simulator_send_packet( simulator, NULL, &address_b, data, 4 ) );
    CHECK_TOLERATED( netcode_network_simulator_send_packet( simulator, &address_a, NULL, data, 4 ) );
    CHECK_TOLERATED( netcode_network_simulator_send_packet( simulator, &address_a, &address_b, NULL, 4 ) );
    CHECK_TOLERATED( netcode_network_simulator_send_packet( simulator, &address_a, &address_b, data, 0 ) );
    CHECK_TOLERATED( netcode_network_simulator_send_packet( simulator, &address_a, &address_b, data, -1 ) );
    netcode_network_simulator_update( simulator, 1.0 );
    CHECK_TOLERATED( CHECK_EQUAL( netcode_network_simulator_receive_packets( NULL, &address_b, 1, received_data, received_bytes, received_from ), 0 ) );
    CHECK_TOLERATED( CHECK_EQUAL( netcode_network_simulator_receive_packets( simulator, NULL, 1, received_data, received_bytes, received_from ), 0 ) );
    drain( simulator, &address_b );
    send_number( simulator, &address_a, &address_b, 1 );
    netcode_network_simulator_update( simulator, 2.0 );
    CHECK_TOLERATED( CHECK_EQUAL( netcode_network_simulator_receive_packets( simulator, &address_b, -1, received_data, received_bytes, received_from ), 0 ) );
    CHECK_TOLERATED( CHECK_EQUAL( netcode_network_simulator_receive_packets( simulator, &address_b, 1, NULL, received_bytes, received_from ), 0 ) );
    CHECK_TOLERATED( CHECK_EQUAL( netcode_network_simulator_receive_packets( simulator, &address_b, 1, received_data, NULL, received_from ), 0 ) );
    CHECK_TOLERATED( CHECK_EQUAL( netcode_network_simulator_receive_packets( simulator, &address_b, 1, received_data, received_bytes, NULL ), 0 ) );
    CHECK_EQUAL( drain( simulator, &address_b ), 1 );
    netcode_network_simulator_destroy( simulator );
}

static void odd_times_and_settings_are_harmless( void )
{
    double nan = strtod( "nan", NULL ), infinity = strtod( "inf", NULL );
    double values[] = { 0.0, -1.0, -1e30, 1e30, 0.0, 0.0, 0.0, 5.0 };
    int i, j;
    values[4] = nan;
    values[5] = infinity;
    values[6] = -infinity;
    for ( i = 0; i < COUNT( values ); i++ )
    {
        simulator_t * simulator = create_simulator();
        simulator->latency_milliseconds = (float) values[i];
        simulator->jitter_milliseconds = (float) values[( i + 1 ) % COUNT( values )];
        simulator->packet_loss_percent = (float) values[( i + 2 ) % COUNT( values )];
        simulator->duplicate_packet_percent = (float) values[( i + 3 ) % COUNT( values )];
        for ( j = 0; j < COUNT( values ); j++ )
        {
            send_number( simulator, &address_a, &address_b, 1 );
            netcode_network_simulator_update( simulator, values[j] );
            drain( simulator, &address_b );
        }
        /* and it still works */
        simulator->latency_milliseconds = simulator->jitter_milliseconds = 0.0f;
        simulator->packet_loss_percent = simulator->duplicate_packet_percent = 0.0f;
        netcode_network_simulator_reset( simulator );
        netcode_network_simulator_update( simulator, 100.0 );
        send_number( simulator, &address_a, &address_b, 1 );
        netcode_network_simulator_update( simulator, 101.0 );
        CHECK_EQUAL( drain( simulator, &address_b ), 1 );
        netcode_network_simulator_destroy( simulator );
    }
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    netcode_set_assert_function( count_assert );
    netcode_init();
    netcode_parse_address( "127.0.0.1:1", &address_a );
    netcode_parse_address( "[::1]:2", &address_b );
    TEST( recorded_runs_repeat_exactly );
    TEST( a_reset_simulator_repeats_itself );
    TEST( simulators_do_not_share_their_chances );
    TEST( settings_start_at_zero );
    TEST( packets_arrive_in_the_next_update );
    TEST( latency_counts_from_the_last_update );
    TEST( all_is_lost_at_100_percent );
    TEST( all_comes_twice_at_100_percent );
    TEST( any_size_arrives_unchanged );
    TEST( addresses_are_told_apart_by_family_bytes_and_port );
    TEST( a_packet_to_oneself_arrives );
    TEST( receive_takes_no_more_than_asked_for );
    TEST( what_nobody_picks_up_is_discarded_by_the_next_update );
    TEST( what_does_not_fit_into_the_receive_list_waits );
    TEST( the_oldest_of_more_than_65536_packets_is_overwritten );
    TEST( reset_forgets_packets_and_keeps_settings_and_clock );
    TEST( destroy_frees_what_is_under_way_and_what_was_not_picked_up );
    TEST( a_simulator_that_cannot_be_allocated_is_null );
    TEST( a_packet_that_cannot_be_allocated_is_dropped );
    TEST( a_session_over_a_perfect_network );
    TEST( a_session_over_ipv6 );
    TEST( a_session_with_latency );
    TEST( a_session_with_jitter );
    TEST( a_session_with_loss );
    TEST( a_session_with_duplicates );
    TEST( a_session_with_everything );
    TEST( a_client_takes_at_most_64_packets_an_update );
    TEST( a_server_takes_all_that_a_simulator_can_hold );
    TEST( clients_need_a_port );
    TEST( missing_overrides_are_reported_before_a_missing_port );
    TEST( servers_do_not_need_a_port );
    TEST( null_pointers_are_harmless );
    TEST( odd_times_and_settings_are_harmless );
    netcode_term();
    return tests_done();
}
