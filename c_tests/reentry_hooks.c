/*
 * Hooks that ask and act: printf, assert, allocate and free hooks, the last while their object is destroyed.
 */
#include "reentry.h"
#include <stdarg.h>

/* Hooks without an object of their own: they look at whatever there is. */

static struct crowd * observed;
static int observations;

static void observe( void )
{
    int i;
    if ( !observed )
        return;
    observations++;
    if ( observed->server->server )
        act_query( observed, 0 );
    for ( i = 0; i < CLIENTS; i++ )
    {
        if ( observed->clients[i] && observed->clients[i]->client )
        {
            netcode_client_state( observed->clients[i]->client );
            netcode_client_index( observed->clients[i]->client );
            netcode_client_next_packet_sequence( observed->clients[i]->client );
            CHECK( netcode_client_server_address( observed->clients[i]->client ) != NULL );
        }
    }
}

static int print_and_observe( const char * format, ... )
{
    va_list arguments;
    va_start( arguments, format );
    check_line( format, va_arg( arguments, const char * ) );
    va_end( arguments );
    observe();
    return 0;
}

static void live_through_everything( struct crowd * crowd )
{
    during_traffic( crowd );
    net_connect( crowd->late, crowd->server, 5000 );
    during_leave( crowd );
    during_disconnect( crowd );
    during_timeout( crowd );
    during_restart( crowd );
    during_stop( crowd );
}

static void a_printf_hook_may_query( void )
{
    struct crowd crowd;
    crowd_open( &crowd );
    observed = &crowd;
    observations = 0;
    listen_to_log( print_and_observe );
    live_through_everything( &crowd );
    stop_listening_to_log();
    observed = NULL;
    CHECK( observations > 10 );
    crowd_close( &crowd );
}

static void allocate_and_free_hooks_may_query( void )
{
    struct crowd crowd;
    crowd_open( &crowd );
    observed = &crowd;
    observations = 0;
    crowd.server_heap.inside = observe;
    live_through_everything( &crowd );
    crowd.server_heap.inside = NULL;
    observed = NULL;
    CHECK( observations > 0 );
    CHECK( crowd.server_heap.allocations > 1 );
    crowd_close( &crowd );
}

static int hook_act, hook_calls;

static void act_in_hook( void )
{
    static int depth;
    struct netcode_server_t * server = observed ? observed->server->server : NULL;
    static const uint8_t data[4] = { 1, 2, 3, 4 };
    int i;
    if ( !server || depth || ++hook_calls % 5 )
        return;
    depth++;
    switch ( hook_act )
    {
        case 0: netcode_server_stop( server ); break;
        case 1: netcode_server_start( server, CLIENTS + 1 ); break;
        case 2: netcode_server_disconnect_all_clients( server ); break;
        case 3: netcode_server_update( server, observed->net->time ); break;
        default:
            for ( i = 0; i < netcode_server_max_clients( server ); i++ )
                netcode_server_send_packet( server, i, data, (int) sizeof( data ) );
    }
    depth--;
}

static void allocate_and_free_hooks_may_act( void )
{
    for ( hook_act = 0; hook_act < 5; hook_act++ )
    {
        struct crowd crowd;
        hook_calls = 0;
        crowd_open( &crowd );
        observed = &crowd;
        crowd.server_heap.inside = act_in_hook;
        net_tolerate_asserts( 1 );
        live_through_everything( &crowd );
        net_tolerate_asserts( 0 );
        crowd.server_heap.inside = NULL;
        observed = NULL;
        CHECK( hook_calls > 5 );
        crowd_close( &crowd );
    }
}

/* An allocate hook that gets ahead of the start that it is called for. */

static void get_ahead( void )
{
    struct netcode_server_t * server = observed->server->server;
    if ( hook_calls++ )
        return;
    netcode_server_start( server, 2 );
    if ( netcode_server_running( server ) )
    {
        static const uint8_t data[4] = { 1, 2, 3, 4 };
        netcode_server_connect_loopback_client( server, 1, 7000, NULL );
        netcode_server_process_loopback_packet( server, 1, data, (int) sizeof( data ), 0 );
    }
}

static void a_start_that_an_allocate_hook_gets_ahead_of_does_nothing( void )
{
    struct crowd crowd;
    crowd_open( &crowd );
    netcode_server_stop( crowd.server->server );
    net_forget( crowd.net );
    observed = &crowd;
    hook_calls = 0;
    crowd.server_heap.inside = get_ahead;
    netcode_server_start( crowd.server->server, CLIENTS );
    crowd.server_heap.inside = NULL;
    observed = NULL;
    CHECK_EQUAL( netcode_server_max_clients( crowd.server->server ), 2 );
    CHECK_EQUAL( netcode_server_client_connected( crowd.server->server, 1 ), 1 );
    netcode_server_stop( crowd.server->server );
    CHECK_EQUAL( net_num_events( crowd.server ), 2 );
    crowd_close( &crowd );
}

static int assert_depth;

static void assert_and_observe( const char * condition, const char * function, const char * file, int line )
{
    CHECK( condition && function && file && line > 0 );
    /* the queries may be out of range themselves */
    if ( assert_depth++ == 0 )
        observe();
    assert_depth--;
}

static void an_assert_hook_may_query( void )
{
    struct crowd crowd;
    uint8_t payload[4] = "abc";
    crowd_open( &crowd );
    observed = &crowd;
    netcode_set_assert_function( assert_and_observe );
    netcode_server_send_packet( crowd.server->server, 0, payload, 0 );
    netcode_server_send_packet( crowd.server->server, -1, payload, 3 );
    netcode_server_disconnect_client( crowd.server->server, 1000 );
    netcode_server_client_id( crowd.server->server, 1000 );
    netcode_server_start( crowd.server->server, 0 );
    netcode_client_send_packet( crowd.clients[0]->client, payload, 2000 );
    netcode_set_assert_function( net_assert_handler );
    observed = NULL;
    CHECK( net_history_is( crowd.server, "" ) );
    CHECK_EQUAL( net_total_sent( crowd.server ), 0 );
    CHECK_EQUAL( netcode_server_num_connected_clients( crowd.server->server ), CLIENTS );
    crowd_close( &crowd );
}

/* A free hook that asks the object that is being destroyed. */

static struct
{
    struct netcode_server_t * server;
    struct netcode_client_t * client;
    int outstanding, frees, depth, recursions;
    int busy, last_busy;                /* frees in which the object did not read as idle; whether the last was one */
} dying;

static void * dying_allocate( void * context, size_t bytes )
{
    (void) context;
    dying.outstanding++;
    return malloc( bytes );
}

static void dying_free( void * context, void * pointer )
{
    (void) context;
    if ( !pointer )
        return;
    if ( dying.depth > 0 )
    {
        /* it would go on for ever, and free twice */
        dying.recursions++;
        return;
    }
    dying.depth++;
    dying.last_busy = 0;
    if ( dying.server )
    {
        struct netcode_server_t * server = dying.server;
        dying.last_busy = netcode_server_running( server ) || netcode_server_max_clients( server )
                       || netcode_server_num_connected_clients( server ) || netcode_server_client_connected( server, 0 )
                       || netcode_server_client_id( server, 0 ) || netcode_server_next_packet_sequence( server, 0 )
                       || netcode_server_client_loopback( server, 0 ) || netcode_server_client_address( server, 0 )
                       || netcode_server_client_user_data( server, 0 );
        netcode_server_get_port( server );
    }
    if ( dying.client )
    {
        struct netcode_client_t * client = dying.client;
        struct netcode_address_t * address = netcode_client_server_address( client );
        dying.last_busy = netcode_client_state( client ) || netcode_client_index( client ) || netcode_client_max_clients( client )
                       || netcode_client_next_packet_sequence( client ) || netcode_client_loopback( client )
                       || ( address && address->type != NETCODE_ADDRESS_NONE );
        netcode_client_get_port( client );
    }
    dying.busy += dying.last_busy;
    dying.frees++;
    dying.outstanding--;
    free( pointer );
    dying.depth--;
}

/* What the object was doing when it is destroyed. */
enum { DYING_NEW, DYING_ACTIVE, DYING_ENDED };

static void check_dying( int what )
{
    CHECK( dying.frees > 0 );
    CHECK_EQUAL( dying.recursions, 0 );
    CHECK_EQUAL( dying.outstanding, 0 );
    CHECK_EQUAL( dying.last_busy, 0 );
    if ( what != DYING_ACTIVE )
        CHECK_EQUAL( dying.busy, 0 );
    memset( &dying, 0, sizeof( dying ) );
}

static void free_hooks_may_query_the_server_that_is_destroyed( void )
{
    static const uint8_t payload[5] = "abcd";
    int what;
    for ( what = DYING_NEW; what <= DYING_ENDED; what++ )
    {
        struct net * net = net_create();
        struct net_endpoint * server, * client = net_client( net, NET_CLIENT );
        struct netcode_server_config_t config;
        memset( &dying, 0, sizeof( dying ) );
        memset( &config, 0, sizeof( config ) );
        netcode_default_server_config( &config );
        config.allocate_function = dying_allocate;
        config.free_function = dying_free;
        server = net_server_with( net, NET_SERVER, what == DYING_NEW ? 0 : 2, config );
        if ( what != DYING_NEW )
        {
            CHECK( net_connect( client, server, 1000 ) );
            netcode_client_send_packet( client->client, payload, (int) sizeof( payload ) );
            net_settle( net );
        }
        if ( what == DYING_ENDED )
            netcode_server_stop( server->server );
        dying.frees = 0;
        dying.server = server->server;
        net_destroy_endpoint( server );
        dying.server = NULL;
        check_dying( what );
        net_destroy( net );
    }
}

static void free_hooks_may_query_the_client_that_is_destroyed( void )
{
    int what;
    for ( what = DYING_NEW; what <= DYING_ENDED; what++ )
    {
        struct net * net = net_create();
        struct net_endpoint * server = net_server( net, NET_SERVER, 2 ), * client;
        struct netcode_client_config_t config;
        memset( &dying, 0, sizeof( dying ) );
        netcode_default_client_config( &config );
        config.allocate_function = dying_allocate;
        config.free_function = dying_free;
        client = net_client_with( net, NET_CLIENT, config );
        if ( what != DYING_NEW )
        {
            CHECK( net_connect( client, server, 1000 ) );
            send_to( server, 0 );
            net_settle( net );
        }
        if ( what == DYING_ENDED )
            netcode_client_disconnect( client->client );
        dying.frees = 0;
        dying.client = client->client;
        net_destroy_endpoint( client );
        dying.client = NULL;
        check_dying( what );
        net_destroy( net );
    }
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );

    TEST( a_printf_hook_may_query );
    TEST( allocate_and_free_hooks_may_query );
    TEST( allocate_and_free_hooks_may_act );
    TEST( a_start_that_an_allocate_hook_gets_ahead_of_does_nothing );
    TEST( an_assert_hook_may_query );
    TEST( free_hooks_may_query_the_server_that_is_destroyed );
    TEST( free_hooks_may_query_the_client_that_is_destroyed );

    return tests_done();
}
