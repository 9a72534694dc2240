/*
 * Memory: every block of a client or server comes from its hooks and goes back to them, whatever fails.
 */
#if !defined( _DEFAULT_SOURCE )
#define _DEFAULT_SOURCE
#endif

#include <netcode.h>
#include "test.h"
#include "hooks.h"
#include "net.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

/* What queues and tables may keep for later; far less than the packets that are to be freed. */
#define TABLES 8

/* A net whose one server and one client have books of their own. */
struct house
{
    struct net * net;
    struct net_endpoint * server, * client;
    struct hooks server_hooks, client_hooks;
};

static struct netcode_server_config_t hooked_server_config( struct hooks * hooks )
{
    struct netcode_server_config_t config;
    memset( &config, 0, sizeof( config ) );
    netcode_default_server_config( &config );
    config.allocator_context = hooks;
    config.allocate_function = hooks_allocate;
    config.free_function = hooks_free;
    return config;
}

static struct netcode_client_config_t hooked_client_config( struct hooks * hooks )
{
    struct netcode_client_config_t config;
    memset( &config, 0, sizeof( config ) );
    netcode_default_client_config( &config );
    config.allocator_context = hooks;
    config.allocate_function = hooks_allocate;
    config.free_function = hooks_free;
    return config;
}

static int house_open( struct house * house )
{
    memset( house, 0, sizeof( *house ) );
    hooks_begin( &house->server_hooks );
    hooks_begin( &house->client_hooks );
    house->net = net_create();
    house->server = net_server_with( house->net, NET_SERVER, 4, hooked_server_config( &house->server_hooks ) );
    house->client = net_client_with( house->net, NET_CLIENT, hooked_client_config( &house->client_hooks ) );
    if ( !CHECK( house->server->server && house->client->client && net_connect( house->client, house->server, 1 ) ) )
        return 0;
    net_settle( house->net );
    return 1;
}

static void house_close( struct house * house )
{
    net_destroy( house->net );
    hooks_end( &house->server_hooks );
    hooks_end( &house->client_hooks );
}

/* Queues payloads at both ends and leaves them there. */
static void house_queue_payloads( struct house * house, int count )
{
    uint8_t data[NETCODE_MAX_PACKET_SIZE];
    int i;
    for ( i = 0; i < count; i++ )
    {
        int bytes = 1 + i * 37 % NETCODE_MAX_PACKET_SIZE;
        net_fill( data, bytes, i );
        netcode_client_send_packet( house->client->client, data, bytes );
        netcode_server_send_packet( house->server->server, 0, data, bytes );
    }
    net_steps( house->net, 2, NET_TICK );
}

/* ---- whose memory it is ---- */

static void a_whole_life_returns_all_memory( void )
{
    struct house house;
    REQUIRE( house_open( &house ) );
    CHECK( house.server_hooks.live > 0 );
    CHECK( house.client_hooks.live > 0 );
    house_queue_payloads( &house, 20 );
    CHECK_EQUAL( net_discard_payloads( house.server, 0 ), 20 );
    CHECK_EQUAL( net_discard_payloads( house.client, 0 ), 20 );
    netcode_client_disconnect( house.client->client );
    net_settle( house.net );
    CHECK( net_connect( house.client, house.server, 2 ) );
    netcode_server_stop( house.server->server );
    netcode_server_start( house.server->server, 8 );
    net_settle( house.net );
    house_close( &house );
}

static void create_and_destroy_alone_return_all_memory( void )
{
    int started;
    for ( started = 0; started <= 4; started += 4 )
    {
        struct hooks server_hooks, client_hooks;
        struct net * net = net_create();
        hooks_begin( &server_hooks );
        hooks_begin( &client_hooks );
        net_server_with( net, NET_SERVER, started, hooked_server_config( &server_hooks ) );
        net_client_with( net, NET_CLIENT, hooked_client_config( &client_hooks ) );
        CHECK( server_hooks.allocations > 0 );
        CHECK( client_hooks.allocations > 0 );
        net_destroy( net );
        hooks_end( &server_hooks );
        hooks_end( &client_hooks );
    }
}

static void payloads_come_from_the_hooks_with_eight_bytes_to_spare( void )
{
    static const int sizes[] = { 1, 2, 7, 8, 9, 100, 1199, 1200 };
    struct house house;
    uint8_t data[NETCODE_MAX_PACKET_SIZE];
    int i;
    REQUIRE( house_open( &house ) );
    for ( i = 0; i < 8; i++ )
    {
        uint8_t * packet;
        int bytes = 0;
        net_fill( data, sizes[i], i );
        netcode_client_send_packet( house.client->client, data, sizes[i] );
        netcode_server_send_packet( house.server->server, 0, data, sizes[i] );
        net_steps( house.net, 2, NET_TICK );

        packet = netcode_server_receive_packet( house.server->server, 0, &bytes, NULL );
        REQUIRE( packet != NULL );
        CHECK_EQUAL( bytes, sizes[i] );
        CHECK( net_filled( packet, bytes, i ) );
        CHECK( hooks_extent( &house.server_hooks, packet ) >= (size_t) bytes + 8 );
        netcode_server_free_packet( house.server->server, packet );

        packet = netcode_client_receive_packet( house.client->client, &bytes, NULL );
        REQUIRE( packet != NULL );
        CHECK_EQUAL( bytes, sizes[i] );
        CHECK( net_filled( packet, bytes, i ) );
        CHECK( hooks_extent( &house.client_hooks, packet ) >= (size_t) bytes + 8 );
        netcode_client_free_packet( house.client->client, packet );
    }
    house_close( &house );
}

static void destroy_frees_queued_packets( void )
{
    struct house house;
    REQUIRE( house_open( &house ) );
    house_queue_payloads( &house, 100 );
    house_close( &house );
}

static void full_queues_are_freed_too( void )
{
    struct house house;
    REQUIRE( house_open( &house ) );
    house_queue_payloads( &house, 300 );
    CHECK_EQUAL( net_discard_payloads( house.server, 0 ), 256 );
    house_queue_payloads( &house, 300 );
    house_close( &house );
}

static void disconnect_frees_queued_packets( void )
{
    struct house house;
    int client_live, server_live, bytes;
    REQUIRE( house_open( &house ) );
    client_live = house.client_hooks.live;
    server_live = house.server_hooks.live;
    house_queue_payloads( &house, 50 );
    netcode_client_disconnect( house.client->client );
    CHECK( house.client_hooks.live <= client_live + TABLES );
    CHECK( netcode_client_receive_packet( house.client->client, &bytes, NULL ) == NULL );
    net_steps( house.net, 2, NET_TICK );
    CHECK_EQUAL( netcode_server_num_connected_clients( house.server->server ), 0 );
    CHECK( house.server_hooks.live <= server_live + TABLES );
    house_close( &house );
}

static void stop_frees_queued_packets( void )
{
    struct house house;
    int live;
    REQUIRE( house_open( &house ) );
    live = house.server_hooks.live;
    house_queue_payloads( &house, 50 );
    netcode_server_stop( house.server->server );
    CHECK( house.server_hooks.live <= live + TABLES );
    house_close( &house );
}

static void a_packet_outlives_stop_and_disconnect_and_can_then_be_freed( void )
{
    struct house house;
    uint8_t * of_server, * of_client;
    int server_bytes = 0, client_bytes = 0, i;
    REQUIRE( house_open( &house ) );
    house_queue_payloads( &house, 3 );
    of_server = netcode_server_receive_packet( house.server->server, 0, &server_bytes, NULL );
    of_client = netcode_client_receive_packet( house.client->client, &client_bytes, NULL );
    REQUIRE( of_server && of_client );
    netcode_client_disconnect( house.client->client );
    netcode_server_stop( house.server->server );
    netcode_server_start( house.server->server, 4 );
    /* others come and go, and what they send must not land in it */
    for ( i = 0; i < 3; i++ )
    {
        CHECK( net_connect( house.client, house.server, 100 + (uint64_t) i ) );
        house_queue_payloads( &house, 20 );
        netcode_client_disconnect( house.client->client );
        net_settle( house.net );
    }
    CHECK( net_filled( of_server, server_bytes, 0 ) );
    CHECK( net_filled( of_client, client_bytes, 0 ) );
    netcode_server_free_packet( house.server->server, of_server );
    netcode_client_free_packet( house.client->client, of_client );
    house_close( &house );
}

static void a_packet_not_freed_before_destroy_does_no_harm( void )
{
    struct house house;
    struct netcode_server_t * server;
    struct netcode_client_t * client;
    int bytes, left;
    REQUIRE( house_open( &house ) );
    house_queue_payloads( &house, 3 );
    server = house.server->server;
    client = house.client->client;
    CHECK( netcode_server_receive_packet( server, 0, &bytes, NULL ) != NULL );
    CHECK( netcode_client_receive_packet( client, &bytes, NULL ) != NULL );
    net_destroy( house.net );
    /* its owner forgot it: it may be lost, but nothing else may */
    left = house.server_hooks.live;
    CHECK( left == 0 || left == 1 );
    left = house.client_hooks.live;
    CHECK( left == 0 || left == 1 );
    CHECK_EQUAL( house.server_hooks.wrong + house.client_hooks.wrong, 0 );
    while ( house.server_hooks.first )
        hooks_free( &house.server_hooks, house.server_hooks.first + 1 );
    while ( house.client_hooks.first )
        hooks_free( &house.client_hooks, house.client_hooks.first + 1 );
}

static void packets_can_be_freed_in_any_order( void )
{
    struct house house;
    void * packets[50];
    int bytes, i;
    REQUIRE( house_open( &house ) );
    house_queue_payloads( &house, 50 );
    for ( i = 0; i < 50; i++ )
        packets[i] = netcode_server_receive_packet( house.server->server, 0, &bytes, NULL );
    for ( i = 0; i < 50; i++ )
    {
        int other = i * 7 % 50; /* every one once */
        CHECK( packets[other] != NULL );
        if ( packets[other] )
            netcode_server_free_packet( house.server->server, packets[other] );
    }
    house_close( &house );
}

static void ignore_loopback_packet( void * context, int client_index, const uint8_t * data, int bytes, uint64_t sequence )
{
    (void) context;
    (void) client_index;
    (void) data;
    (void) bytes;
    (void) sequence;
}

static void loopback_payloads_come_from_the_hooks_with_eight_bytes_to_spare( void )
{
    struct hooks server_hooks, client_hooks;
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    struct net * net = net_create();
    struct net_endpoint * server, * client;
    uint8_t data[100], * packet;
    int bytes = 0, i;
    hooks_begin( &server_hooks );
    hooks_begin( &client_hooks );
    server_config = hooked_server_config( &server_hooks );
    server_config.send_loopback_packet_callback = ignore_loopback_packet;
    client_config = hooked_client_config( &client_hooks );
    client_config.send_loopback_packet_callback = ignore_loopback_packet;
    server = net_server_with( net, NET_SERVER, 4, server_config );
    client = net_client_with( net, NET_CLIENT, client_config );
    REQUIRE( server->server && client->client );
    netcode_client_connect_loopback( client->client, 0, 4 );
    netcode_server_connect_loopback_client( server->server, 0, 1, NULL );
    net_fill( data, 100, 5 );
    for ( i = 0; i < 10; i++ )
    {
        netcode_client_process_loopback_packet( client->client, data, 100, (uint64_t) i );
        netcode_server_process_loopback_packet( server->server, 0, data, 100, (uint64_t) i );
    }
    packet = netcode_client_receive_packet( client->client, &bytes, NULL );
    REQUIRE( packet != NULL );
    CHECK( net_filled( packet, bytes, 5 ) );
    CHECK( hooks_extent( &client_hooks, packet ) >= 108 );
    netcode_client_free_packet( client->client, packet );
    packet = netcode_server_receive_packet( server->server, 0, &bytes, NULL );
    REQUIRE( packet != NULL );
    CHECK( net_filled( packet, bytes, 5 ) );
    CHECK( hooks_extent( &server_hooks, packet ) >= 108 );
    netcode_server_free_packet( server->server, packet );
    /* nine still queued at each end, one end let go first */
    netcode_client_disconnect_loopback( client->client );
    net_destroy( net );
    hooks_end( &server_hooks );
    hooks_end( &client_hooks );
}

static void clients_and_servers_use_only_their_own_context( void )
{
    /* hooks_free counts a free with another context as wrong */
    struct house house;
    REQUIRE( house_open( &house ) );
    house_queue_payloads( &house, 10 );
    CHECK_EQUAL( net_discard_payloads( house.server, 0 ), 10 );
    CHECK_EQUAL( house.server_hooks.wrong, 0 );
    CHECK_EQUAL( house.client_hooks.wrong, 0 );
    house_close( &house );
}

static void reconnecting_does_not_pile_up_memory( void )
{
    struct house house;
    size_t server_bytes = 0, client_bytes = 0;
    int i;
    REQUIRE( house_open( &house ) );
    for ( i = 0; i < 200; i++ )
    {
        netcode_client_disconnect( house.client->client );
        net_step( house.net, NET_TICK );
        CHECK( net_connect( house.client, house.server, 1 ) );
        house_queue_payloads( &house, 5 );
        net_forget( house.net );
        if ( i == 30 )
        {
            server_bytes = house.server_hooks.live_bytes;
            client_bytes = house.client_hooks.live_bytes;
        }
    }
    /* the history of used tokens may grow by a few bytes for each */
    CHECK( house.server_hooks.live_bytes <= server_bytes + 200 * 512 );
    CHECK( house.client_hooks.live_bytes <= client_bytes + 4096 );
    house_close( &house );
}

static void payloads_do_not_pile_up_memory( void )
{
    struct house house;
    int i, server_live = 0, client_live = 0;
    REQUIRE( house_open( &house ) );
    for ( i = 0; i < 50; i++ )
    {
        house_queue_payloads( &house, 20 );
        CHECK_EQUAL( net_discard_payloads( house.server, 0 ), 20 );
        CHECK_EQUAL( net_discard_payloads( house.client, 0 ), 20 );
        net_forget( house.net );
        if ( i == 3 )
        {
            server_live = house.server_hooks.live;
            client_live = house.client_hooks.live;
        }
    }
    CHECK( house.server_hooks.live <= server_live + TABLES );
    CHECK( house.client_hooks.live <= client_live + TABLES );
    house_close( &house );
}

/* ---- nothing behind the hooks ---- */

#if defined( __GLIBC__ ) && defined( __GLIBC_PREREQ )
#if __GLIBC_PREREQ( 2, 33 )
#define CAN_ASK_MALLOC 1
#endif
#endif

#ifdef CAN_ASK_MALLOC

/* These hooks have memory of their own, so that what malloc hands out meanwhile is somebody else's. */
static uint8_t * pool;
static size_t pool_used;
#define POOL_BYTES ( (size_t) 512 * 1024 * 1024 )

static void * pool_allocate( void * context, size_t bytes )
{
    uint8_t * memory = pool + pool_used;
    (void) context;
    bytes = ( bytes + 15 ) / 16 * 16;
    if ( pool_used + bytes > POOL_BYTES )
        return NULL;
    pool_used += bytes;
    return memory;
}

static void pool_free( void * context, void * pointer )
{
    (void) context;
    (void) pointer;
}

static void send_nowhere( void * context, struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    (void) context;
    (void) to;
    (void) data;
    (void) bytes;
}

static int receive_nothing( void * context, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    (void) context;
    (void) from;
    (void) data;
    (void) max_bytes;
    return 0;
}

#define OBJECTS 16

/* What malloc has handed out while OBJECTS servers and clients exist, have queued packets and are connecting. */
static size_t bytes_in_use_with_objects( void )
{
    struct netcode_server_t * servers[OBJECTS];
    struct netcode_client_t * clients[OBJECTS];
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], data[1000] = { 0 };
    const char * address = NET_SERVER;
    struct mallinfo2 info;
    int i, j;
    pool_used = 0;
    memset( &server_config, 0, sizeof( server_config ) );
    netcode_default_server_config( &server_config );
    server_config.allocate_function = pool_allocate;
    server_config.free_function = pool_free;
    server_config.override_send_and_receive = 1;
    server_config.send_packet_override = send_nowhere;
    server_config.receive_packet_override = receive_nothing;
    server_config.send_loopback_packet_callback = ignore_loopback_packet;
    memset( &client_config, 0, sizeof( client_config ) );
    netcode_default_client_config( &client_config );
    client_config.allocate_function = pool_allocate;
    client_config.free_function = pool_free;
    client_config.override_send_and_receive = 1;
    client_config.send_packet_override = send_nowhere;
    client_config.receive_packet_override = receive_nothing;
    CHECK_EQUAL( netcode_generate_connect_token( 1, &address, &address, -1, 5, 1, 0, server_config.private_key, NULL, token ), NETCODE_OK );
    for ( i = 0; i < OBJECTS; i++ )
    {
        servers[i] = netcode_server_create( NET_SERVER, &server_config, 0.0 );
        clients[i] = netcode_client_create( NET_CLIENT, &client_config, 0.0 );
        if ( !CHECK( servers[i] && clients[i] ) )
            exit( 1 );
        netcode_server_start( servers[i], NETCODE_MAX_CLIENTS );
        netcode_server_connect_loopback_client( servers[i], 0, 1, NULL );
        for ( j = 0; j < 100; j++ )
            netcode_server_process_loopback_packet( servers[i], 0, data, (int) sizeof( data ), (uint64_t) j );
        netcode_server_update( servers[i], 1.0 );
        netcode_client_connect( clients[i], token );
        netcode_client_update( clients[i], 1.0 );
    }
    info = mallinfo2();
    for ( i = 0; i < OBJECTS; i++ )
    {
        netcode_client_destroy( clients[i] );
        netcode_server_destroy( servers[i] );
    }
    return info.uordblks + info.hblkhd;
}

static void objects_take_no_memory_behind_the_hooks( void )
{
    struct mallinfo2 info;
    size_t before, with_objects;
    void * ( *volatile allocate )( size_t ) = malloc; /* not to be optimised away */
    void * probe;
    info = mallinfo2();
    before = info.uordblks + info.hblkhd;
    probe = allocate( 100000 );
    info = mallinfo2();
    if ( info.uordblks + info.hblkhd < before + 100000 )
    {
        printf( "SKIPPED %s: this malloc does not answer\n", __func__ );
        CHECK( probe != NULL );
        free( probe );
        return;
    }
    free( probe );

    pool = (uint8_t *) malloc( POOL_BYTES ); /* address space only: pages come when they are used */
    REQUIRE( pool != NULL );
    netcode_init();
    bytes_in_use_with_objects(); /* what the library allocates once for itself */
    info = mallinfo2();
    before = info.uordblks + info.hblkhd;
    with_objects = bytes_in_use_with_objects();
    CHECK( with_objects < before + OBJECTS * 64 );
    if ( with_objects >= before + OBJECTS * 64 )
        printf( "    %d bytes an object came from malloc\n", (int) ( ( with_objects - before ) / OBJECTS ) );
    netcode_term();
    free( pool );
}

#else

static void objects_take_no_memory_behind_the_hooks( void )
{
    printf( "SKIPPED %s: no mallinfo2 here\n", __func__ );
    CHECK( 1 );
}

#endif

/* ---- hooks that call back ---- */

static struct netcode_server_t * asked_server;
static struct netcode_client_t * asked_client;
static int times_asked;

static void ask_the_objects( void )
{
    times_asked++;
    (void) netcode_time();
    if ( asked_server )
    {
        (void) netcode_server_running( asked_server );
        (void) netcode_server_num_connected_clients( asked_server );
        (void) netcode_server_client_id( asked_server, 0 );
    }
    if ( asked_client )
        (void) netcode_client_state( asked_client );
}

static void * allocate_and_ask( void * context, size_t bytes )
{
    ask_the_objects();
    return hooks_allocate( context, bytes );
}

static void free_and_ask( void * context, void * pointer )
{
    ask_the_objects();
    hooks_free( context, pointer );
}

static void hooks_may_query_the_object_they_serve( void )
{
    struct house house;
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    memset( &house, 0, sizeof( house ) );
    hooks_begin( &house.server_hooks );
    hooks_begin( &house.client_hooks );
    times_asked = 0;
    house.net = net_create();
    server_config = hooked_server_config( &house.server_hooks );
    server_config.allocate_function = allocate_and_ask;
    server_config.free_function = free_and_ask;
    client_config = hooked_client_config( &house.client_hooks );
    client_config.allocate_function = allocate_and_ask;
    client_config.free_function = free_and_ask;
    house.server = net_server_with( house.net, NET_SERVER, 0, server_config );
    house.client = net_client_with( house.net, NET_CLIENT, client_config );
    REQUIRE( house.server->server && house.client->client );
    asked_server = house.server->server;
    asked_client = house.client->client;
    netcode_server_start( house.server->server, 4 );
    CHECK( net_connect( house.client, house.server, 1 ) );
    house_queue_payloads( &house, 20 );
    CHECK_EQUAL( net_discard_payloads( house.server, 0 ), 20 );
    CHECK_EQUAL( net_discard_payloads( house.client, 0 ), 20 );
    netcode_server_stop( house.server->server );
    CHECK( times_asked > 0 );
    asked_server = NULL;
    asked_client = NULL;
    house_close( &house );
}

/* ---- failing allocations ---- */

static void every_failing_allocation_of_a_create_is_reported( void )
{
    struct hooks hooks;
    struct net * net = net_create();
    struct net_endpoint * endpoint = net_endpoint( net, NET_SERVER );
    struct netcode_server_config_t server_config = hooked_server_config( &hooks );
    struct netcode_client_config_t client_config = hooked_client_config( &hooks );
    int n, failed;
    net_server_config( endpoint, &server_config );
    net_client_config( endpoint, &client_config );
    for ( n = 1, failed = 1; failed && n < 1000; n++ )
    {
        struct netcode_server_t * server;
        hooks_begin( &hooks );
        hooks.fail_at = n;
        server = netcode_server_create( NET_SERVER, &server_config, 0.0 );
        failed = hooks.failures;
        CHECK_EQUAL( server == NULL, failed );
        CHECK_EQUAL( netcode_server_create_error(), failed ? NETCODE_SERVER_CREATE_ERROR_ALLOCATE_SERVER_FAILED : NETCODE_SERVER_CREATE_ERROR_NONE );
        if ( server )
            netcode_server_destroy( server );
        hooks_end( &hooks );
    }
    CHECK( n > 2 );
    for ( n = 1, failed = 1; failed && n < 1000; n++ )
    {
        struct netcode_client_t * client;
        hooks_begin( &hooks );
        hooks.fail_at = n;
        client = netcode_client_create( NET_CLIENT, &client_config, 0.0 );
        failed = hooks.failures;
        CHECK_EQUAL( client == NULL, failed );
        CHECK_EQUAL( netcode_client_create_error(), failed ? NETCODE_CLIENT_CREATE_ERROR_ALLOCATE_CLIENT_FAILED : NETCODE_CLIENT_CREATE_ERROR_NONE );
        if ( client )
            netcode_client_destroy( client );
        hooks_end( &hooks );
    }
    CHECK( n > 2 );
    net_destroy( net );
}

/* A whole scenario in which allocations of the server or of the client fail, as its hooks were told. Whatever
   happens: no crash, no leak. With `recovers`, no more than one allocation fails, so a second try succeeds. */
static void live_with_failures( struct hooks * server_hooks, struct hooks * client_hooks, int recovers )
{
    struct netcode_server_config_t server_config = hooked_server_config( server_hooks );
    struct netcode_client_config_t client_config = hooked_client_config( client_hooks );
    struct net * net = net_create();
    struct net_endpoint * server = net_endpoint( net, NET_SERVER ), * client = net_endpoint( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], data[NETCODE_MAX_PACKET_SIZE];
    int attempt, round, i, bytes, slot;
    void * packet, * kept = NULL;
    server->is_server = 1;
    net_server_config( server, &server_config );
    net_client_config( client, &client_config );
    server_config.send_loopback_packet_callback = ignore_loopback_packet;
    client_config.send_loopback_packet_callback = ignore_loopback_packet;

    for ( attempt = 0; attempt < 2 && !server->server; attempt++ )
        server->server = netcode_server_create( NET_SERVER, &server_config, net->time );
    for ( attempt = 0; attempt < 2 && !client->client; attempt++ )
        client->client = netcode_client_create( NET_CLIENT, &client_config, net->time );
    if ( recovers )
        CHECK( server->server && client->client );
    if ( server->server && client->client )
    {
        for ( round = 0; round < 2; round++ )
        {
            for ( attempt = 0; attempt < 2 && !netcode_server_running( server->server ); attempt++ )
                netcode_server_start( server->server, 4 );
            for ( attempt = 0; attempt < 2 && net_state( client ) != NETCODE_CLIENT_STATE_CONNECTED; attempt++ )
            {
                net_token_for( server, token, 2, 1000 );
                net_connect_with( client, token );
            }
            if ( recovers )
            {
                CHECK_EQUAL( netcode_server_running( server->server ), 1 );
                CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_CONNECTED );
                CHECK_EQUAL( netcode_server_num_connected_clients( server->server ), 1 );
            }
            slot = net_slot( server, 1000 );
            for ( i = 0; i < 8; i++ )
            {
                net_fill( data, 1 + i * 170, i );
                netcode_client_send_packet( client->client, data, 1 + i * 170 );
                if ( slot >= 0 )
                    netcode_server_send_packet( server->server, slot, data, 1 + i * 170 );
            }
            net_steps( net, 2, NET_TICK );
            for ( i = 0; i < 4; i++ )
            {
                packet = netcode_client_receive_packet( client->client, &bytes, NULL );
                if ( packet )
                {
                    CHECK( net_filled( (uint8_t *) packet, bytes, ( bytes - 1 ) / 170 ) );
                    netcode_client_free_packet( client->client, packet );
                }
                packet = slot >= 0 ? netcode_server_receive_packet( server->server, slot, &bytes, NULL ) : NULL;
                if ( packet )
                {
                    CHECK( net_filled( (uint8_t *) packet, bytes, ( bytes - 1 ) / 170 ) );
                    if ( kept )
                        netcode_server_free_packet( server->server, packet );
                    else
                        kept = packet;
                }
            }
            netcode_server_connect_loopback_client( server->server, 3, 3, NULL );
            netcode_server_process_loopback_packet( server->server, 3, data, 100, 0 );
            if ( round == 0 )
            {
                netcode_client_disconnect( client->client );
                net_steps( net, 2, NET_TICK );
                netcode_client_connect_loopback( client->client, 0, 4 );
                netcode_client_process_loopback_packet( client->client, data, 100, 0 );
                netcode_client_disconnect_loopback( client->client );
            }
            netcode_server_stop( server->server );
            net_steps( net, 2, NET_TICK );
            if ( round == 0 && net_state( client ) != NETCODE_CLIENT_STATE_DISCONNECTED )
                netcode_client_disconnect( client->client );
        }
    }
    if ( kept )
        netcode_server_free_packet( server->server, kept );
    net_destroy( net );
    hooks_end( server_hooks );
    hooks_end( client_hooks );
}

#define MAX_FAILURES 200

#define OF_SERVER 1
#define OF_CLIENT 2

/* Lives once with the n-th allocation, or all from it on, failing. Returns 0 when that is more than there are. */
static int live_with_failure( int whose, int n, int single )
{
    struct hooks server_hooks, client_hooks;
    hooks_begin( &server_hooks );
    hooks_begin( &client_hooks );
    if ( whose & OF_SERVER )
    {
        server_hooks.fail_at = single ? n : 0;
        server_hooks.fail_after = single ? -1 : n - 1;
    }
    if ( whose & OF_CLIENT )
    {
        client_hooks.fail_at = single ? n : 0;
        client_hooks.fail_after = single ? -1 : n - 1;
    }
    live_with_failures( &server_hooks, &client_hooks, single );
    return server_hooks.failures + client_hooks.failures;
}

static void any_single_allocation_may_fail( void )
{
    int whose, n;
    for ( whose = OF_SERVER; whose <= OF_CLIENT; whose++ )
    {
        for ( n = 1; n <= MAX_FAILURES && live_with_failure( whose, n, 1 ); n++ )
            ;
        CHECK( n > 2 );
    }
}

static void memory_may_run_out_at_any_allocation( void )
{
    int whose, n;
    for ( whose = OF_SERVER; whose <= ( OF_SERVER | OF_CLIENT ); whose++ )
    {
        for ( n = 1; n <= MAX_FAILURES && live_with_failure( whose, n, 0 ); n++ )
            ;
        CHECK( n > 2 );
    }
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    TEST( a_whole_life_returns_all_memory );
    TEST( create_and_destroy_alone_return_all_memory );
    TEST( payloads_come_from_the_hooks_with_eight_bytes_to_spare );
    TEST( loopback_payloads_come_from_the_hooks_with_eight_bytes_to_spare );
    TEST( destroy_frees_queued_packets );
    TEST( full_queues_are_freed_too );
    TEST( disconnect_frees_queued_packets );
    TEST( stop_frees_queued_packets );
    TEST( a_packet_outlives_stop_and_disconnect_and_can_then_be_freed );
    TEST( a_packet_not_freed_before_destroy_does_no_harm );
    TEST( packets_can_be_freed_in_any_order );
    TEST( clients_and_servers_use_only_their_own_context );
    TEST( reconnecting_does_not_pile_up_memory );
    TEST( payloads_do_not_pile_up_memory );
    TEST_REPEATING_NONCES( objects_take_no_memory_behind_the_hooks );
    TEST( hooks_may_query_the_object_they_serve );
    TEST( every_failing_allocation_of_a_create_is_reported );
    TEST( any_single_allocation_may_fail );
    TEST( memory_may_run_out_at_any_allocation );
    return tests_done();
}
