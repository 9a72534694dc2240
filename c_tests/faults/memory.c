/*
 * An allocator that fails: once, at each allocation of a whole life in turn, and at random, over sockets, the
 * simulator and overrides. Nothing crashes and nothing leaks; what has failed once succeeds when it is tried again;
 * and who is connected stays connected, whatever the memory of others does.
 */
#include "net.h"
#include "hooks.h"
#include "faults/simulator.h"

enum { SIMULATOR, SOCKETS, TRANSPORTS };

#define CLIENTS 3
#define ATTEMPTS 3
#define MAX_ALLOCATIONS 5000
#define SEEDS 25                /* of random failures; NETCODE_TEST_SEEDS in the environment takes its place */
#define PAYLOADS 4

static const int percents[] = { 1, 2, 5, 10, 20, 35, 50 };
#define PERCENTS ( (int) ( sizeof( percents ) / sizeof( percents[0] ) ) )

/* ---- memory ---- */

/* Keeps books as `struct hooks` does, and fails at random as well. */
struct memory
{
    struct hooks books;         /* the first member: it is also the context of hooks_free */
    uint64_t random;
    int percent;
};

static long lives, failures_seen, payloads_lost;

static void memory_begin( struct memory * memory, int percent, int seed )
{
    hooks_begin( &memory->books );
    memory->random = 0x9E3779B97F4A7C15ull * (uint64_t) ( seed + 1 );
    memory->percent = percent;
}

static void * memory_allocate( void * context, size_t bytes )
{
    struct memory * memory = (struct memory *) context;
    if ( memory->percent && net_random( &memory->random ) >> 33 < ( 1ull << 31 ) / 100 * (uint64_t) memory->percent )
    {
        memory->books.allocations++;
        memory->books.failures++;
        return NULL;
    }
    return hooks_allocate( &memory->books, bytes );
}

static void memory_end( struct memory * memory )
{
    failures_seen += memory->books.failures;
    hooks_end( &memory->books );
}

/* ---- a whole life ---- */

struct life
{
    struct memory memory;
    struct netcode_network_simulator_t * simulator;
    struct netcode_server_t * server;
    struct netcode_client_t * clients[CLIENTS];
    char address[64];
    double time;
    int transport;
};

static const uint8_t key[NETCODE_KEY_BYTES] = { 5, 5, 5 };

static void life_step( struct life * life )
{
    int i;
    life->time += 0.05;
    if ( life->simulator )
        netcode_network_simulator_update( life->simulator, life->time );
    for ( i = 0; i < CLIENTS; i++ )
    {
        if ( life->clients[i] )
            netcode_client_update( life->clients[i], life->time );
    }
    if ( life->server )
        netcode_server_update( life->server, life->time );
}

static void life_create( struct life * life )
{
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    int attempt, i;
    memset( &server_config, 0, sizeof( server_config ) );
    netcode_default_server_config( &server_config );
    netcode_default_client_config( &client_config );
    server_config.protocol_id = 3;
    memcpy( server_config.private_key, key, NETCODE_KEY_BYTES );
    server_config.allocator_context = client_config.allocator_context = life;
    server_config.allocate_function = client_config.allocate_function = memory_allocate;
    server_config.free_function = client_config.free_function = hooks_free;
    for ( attempt = 0; attempt < ATTEMPTS && life->transport == SIMULATOR && !life->simulator; attempt++ )
        life->simulator = netcode_network_simulator_create( life, memory_allocate, hooks_free );
    if ( life->transport == SIMULATOR && !life->simulator )
        return;
    server_config.network_simulator = client_config.network_simulator = life->simulator;
    for ( attempt = 0; attempt < ATTEMPTS && !life->server; attempt++ )
        life->server = netcode_server_create( life->simulator ? NET_SERVER : "127.0.0.1:0", &server_config, life->time );
    snprintf( life->address, sizeof( life->address ), "%s", NET_SERVER );
    if ( life->server && !life->simulator )
        snprintf( life->address, sizeof( life->address ), "127.0.0.1:%d", netcode_server_get_port( life->server ) );
    for ( i = 0; i < CLIENTS; i++ )
    {
        char address[64];
        net_client_address( i, address, sizeof( address ) );
        for ( attempt = 0; attempt < ATTEMPTS && !life->clients[i]; attempt++ )
            life->clients[i] = netcode_client_create( life->simulator ? address : "127.0.0.1:0", &client_config, life->time );
    }
}

static int life_connect( struct life * life, int i )
{
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    const char * address = life->address;
    int attempt, step;
    for ( attempt = 0; attempt < ATTEMPTS && netcode_client_state( life->clients[i] ) != NETCODE_CLIENT_STATE_CONNECTED; attempt++ )
    {
        CHECK( netcode_generate_connect_token( 1, &address, &address, 3600, 2, (uint64_t) i + 1, 3, key, NULL, token ) );
        netcode_client_connect( life->clients[i], token );
        for ( step = 0; step < 45 && netcode_client_state( life->clients[i] ) > 0 && netcode_client_state( life->clients[i] ) < NETCODE_CLIENT_STATE_CONNECTED; step++ )
            life_step( life );
    }
    return netcode_client_state( life->clients[i] ) == NETCODE_CLIENT_STATE_CONNECTED;
}

/* How many of the packets that wait are this one; all must be one that was sent. */
static int life_take( struct life * life, int i, int slot, int n )
{
    int bytes = 0, found = 0;
    uint8_t * packet;
    for ( ;; )
    {
        packet = slot < 0 ? netcode_client_receive_packet( life->clients[i], &bytes, NULL ) : netcode_server_receive_packet( life->server, slot, &bytes, NULL );
        if ( !packet )
            return found;
        CHECK( net_filled( packet, bytes, i ) );
        found |= bytes == 100 + 300 * n;
        if ( slot < 0 )
            netcode_client_free_packet( life->clients[i], packet );
        else
            netcode_server_free_packet( life->server, packet );
    }
}

/* A payload each way, sent again if it got lost; 1 if both arrived. */
static int life_exchange( struct life * life, int i, int n )
{
    uint8_t data[NETCODE_MAX_PACKET_SIZE];
    int attempt, slot = netcode_client_index( life->clients[i] ), there = 0, back = 0, bytes = 100 + 300 * n;
    net_fill( data, bytes, i );
    for ( attempt = 0; attempt < ATTEMPTS && !( there && back ); attempt++ )
    {
        netcode_client_send_packet( life->clients[i], data, bytes );
        netcode_server_send_packet( life->server, slot, data, bytes );
        life_step( life );
        life_step( life );
        there |= life_take( life, i, slot, n );
        back |= life_take( life, i, -1, n );
        payloads_lost += !there + !back;
    }
    return there && back;
}

static void life_end( struct life * life )
{
    int i;
    for ( i = 0; i < CLIENTS; i++ )
    {
        if ( life->clients[i] )
            netcode_client_destroy( life->clients[i] );
    }
    if ( life->server )
        netcode_server_destroy( life->server );
    if ( life->simulator )
        netcode_network_simulator_destroy( life->simulator );
    memory_end( &life->memory );
    lives++;
}

/* With `all` everything has to succeed in the end: no more than one allocation fails. */
static int live( int transport, int percent, int seed, int fail_at, int all )
{
    static struct life life;
    int i, n, attempt, complete, connected[CLIENTS] = { 0 };
    memset( &life, 0, sizeof( life ) );
    memory_begin( &life.memory, percent, seed );
    life.memory.books.fail_at = fail_at;
    life.transport = transport;
    life.time = 10.0;
    life_create( &life );
    complete = life.server && life.clients[0] && life.clients[1] && life.clients[2];
    CHECK( complete || !all );
    for ( attempt = 0; attempt < ATTEMPTS && complete && !netcode_server_running( life.server ); attempt++ )
        netcode_server_start( life.server, 16 );
    if ( complete && netcode_server_running( life.server ) )
    {
        for ( i = 0; i < CLIENTS; i++ )
        {
            connected[i] = life_connect( &life, i );
            CHECK( connected[i] || !all );
        }
        for ( n = 0; n < PAYLOADS; n++ )
        {
            for ( i = 0; i < CLIENTS; i++ )
            {
                if ( connected[i] )
                    CHECK( life_exchange( &life, i, n ) || !all );
            }
        }
        /* nobody lost a connection for the want of memory, except that a simulator without it delivers nothing */
        for ( i = 0; i < CLIENTS; i++ )
            CHECK( !connected[i] || transport == SIMULATOR || netcode_client_state( life.clients[i] ) == NETCODE_CLIENT_STATE_CONNECTED );
        /* what waits when they leave is freed */
        for ( i = 0; i < CLIENTS; i++ )
        {
            static const uint8_t data[500] = { 0 };
            netcode_client_send_packet( life.clients[i], data, 500 );
            netcode_server_send_packet( life.server, netcode_client_index( life.clients[i] ), data, 500 );
        }
        life_step( &life );
        life_step( &life );
        netcode_client_disconnect( life.clients[0] );
        life_step( &life );
        CHECK( life_connect( &life, 0 ) || !all );
        netcode_server_stop( life.server );
        life_step( &life );
    }
    else
        CHECK( !all );
    life_end( &life );
    return life.memory.books.failures;
}

static void any_allocation_of_a_life_may_fail( void )
{
    int transport, n;
    for ( transport = 0; transport < TRANSPORTS; transport++ )
    {
        for ( n = 1; n <= MAX_ALLOCATIONS && live( transport, 0, 0, n, 1 ); n++ )
            ;
        printf( "    %s: each of %d allocations failed once\n", transport == SIMULATOR ? "simulator" : "sockets", n - 1 );
        CHECK( n > 20 && n <= MAX_ALLOCATIONS );
    }
}

static void allocations_may_fail_at_random( void )
{
    const char * wanted = getenv( "NETCODE_TEST_SEEDS" );
    int transport, i, seed, seeds = wanted && atoi( wanted ) > 0 ? atoi( wanted ) : SEEDS;
    for ( transport = 0; transport < TRANSPORTS; transport++ )
    {
        for ( i = 0; i < PERCENTS; i++ )
        {
            for ( seed = 0; seed < seeds; seed++ )
                live( transport, percents[i], seed, 0, 0 );
        }
    }
}

/* ---- those who are connected ---- */

#define BYSTANDERS 4
#define CHURNERS 4
#define ROUNDS 60

/* Payloads between a server and a bystander: as many as there is memory for, each as it was sent. */
static int take_all( struct net_endpoint * endpoint, int slot, int seed )
{
    int bytes, taken = 0;
    uint8_t * packet;
    for ( ;; )
    {
        packet = endpoint->server ? netcode_server_receive_packet( endpoint->server, slot, &bytes, NULL ) : netcode_client_receive_packet( endpoint->client, &bytes, NULL );
        if ( !packet )
            return taken;
        taken++;
        CHECK( net_filled( packet, bytes, seed ) );
        if ( endpoint->server )
            netcode_server_free_packet( endpoint->server, packet );
        else
            netcode_client_free_packet( endpoint->client, packet );
    }
}

static int play( struct net_endpoint * server, struct net_endpoint ** players, int n )
{
    uint8_t data[NETCODE_MAX_PACKET_SIZE];
    int i, slot, arrived = 0;
    for ( i = 0; i < n; i++ )
    {
        slot = net_slot( server, 100 + (uint64_t) i );
        if ( !CHECK( slot >= 0 ) )
            continue;
        net_fill( data, 200 + i, i );
        netcode_client_send_packet( players[i]->client, data, 200 + i );
        netcode_server_send_packet( server->server, slot, data, 200 + i );
    }
    net_steps( server->net, 2, NET_TICK );
    for ( i = 0; i < n; i++ )
        arrived += take_all( players[i], 0, i ) + take_all( server, net_slot( server, 100 + (uint64_t) i ), i );
    return arrived;
}

static long servers_failures;

static void check_bystanders( int percent, int seed )
{
    struct memory memories[1 + BYSTANDERS + CHURNERS];
    struct net * net = net_create();
    struct net_endpoint * server, * clients[BYSTANDERS + CHURNERS];
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    uint64_t random = 77 + (uint64_t) seed;
    char address[64];
    int i, round, arrived = 0;
    memset( &server_config, 0, sizeof( server_config ) );
    netcode_default_server_config( &server_config );
    netcode_default_client_config( &client_config );
    server_config.allocate_function = client_config.allocate_function = memory_allocate;
    server_config.free_function = client_config.free_function = hooks_free;
    for ( i = 0; i < 1 + BYSTANDERS + CHURNERS; i++ )
        memory_begin( &memories[i], 0, seed + i );
    server_config.allocator_context = &memories[0];
    server = net_server_with( net, NET_SERVER, BYSTANDERS + CHURNERS, server_config );
    for ( i = 0; i < BYSTANDERS + CHURNERS; i++ )
    {
        client_config.allocator_context = &memories[1 + i];
        clients[i] = net_client_with( net, net_client_address( i, address, sizeof( address ) ), client_config );
        if ( i < BYSTANDERS )
            CHECK( net_connect( clients[i], server, 100 + (uint64_t) i ) );
    }
    net_settle( net );
    net_forget( net );

    /* the server's memory and the churners' fail; the bystanders' own does not */
    for ( i = 0; i < 1 + BYSTANDERS + CHURNERS; i++ )
        memories[i].percent = i == 0 || i > BYSTANDERS ? percent : 0;
    for ( round = 0; round < ROUNDS; round++ )
    {
        for ( i = BYSTANDERS; i < BYSTANDERS + CHURNERS; i++ )
        {
            uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
            if ( net_random( &random ) % 4 != 0 )
                continue;
            net_token_for( server, token, 1, 100 + (uint64_t) i );
            netcode_client_connect( clients[i]->client, token );
        }
        arrived += play( server, clients, BYSTANDERS );
    }
    for ( i = 0; i < BYSTANDERS; i++ )
        CHECK( net_history_is( clients[i], "" ) );
    CHECK( arrived >= ROUNDS * BYSTANDERS && arrived <= 2 * ROUNDS * BYSTANDERS );
    servers_failures += memories[0].books.failures;
    payloads_lost += 2 * ROUNDS * BYSTANDERS - arrived;

    /* memory is back: so is everything else */
    for ( i = 0; i < 1 + BYSTANDERS + CHURNERS; i++ )
        memories[i].percent = 0;
    for ( i = BYSTANDERS; i < BYSTANDERS + CHURNERS; i++ )
        netcode_client_disconnect( clients[i]->client );
    net_steps( net, 4, 1.0 );
    for ( i = BYSTANDERS; i < BYSTANDERS + CHURNERS; i++ )
        CHECK( net_connect( clients[i], server, 100 + (uint64_t) i ) );
    net_settle( net );
    CHECK_EQUAL( play( server, clients, BYSTANDERS + CHURNERS ), 2 * ( BYSTANDERS + CHURNERS ) );
    net_destroy( net );
    for ( i = 0; i < 1 + BYSTANDERS + CHURNERS; i++ )
        memory_end( &memories[i] );
    lives++;
}

static void bystanders_play_on_while_memory_fails( void )
{
    int i, seed;
    for ( i = 0; i < PERCENTS; i++ )
    {
        for ( seed = 0; seed < 5; seed++ )
            check_bystanders( percents[i], seed );
        CHECK( servers_failures > 0 );
        servers_failures = 0;
    }
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    netcode_init();
    TEST( any_allocation_of_a_life_may_fail );
    TEST( allocations_may_fail_at_random );
    TEST( bystanders_play_on_while_memory_fails );
    netcode_term();
    printf( FIGURES "memory: %ld lives, %ld allocations failed, %ld payloads lost for it\n", lives, failures_seen, payloads_lost );
    return tests_done();
}
