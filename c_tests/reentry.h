/*
 * What the tests of user code in the middle share: memory that counts, a server with its crowd, what can be under
 * way there, and a look at everything that can be asked.
 */
#ifndef NETCODE_C_TESTS_REENTRY_H
#define NETCODE_C_TESTS_REENTRY_H

#include "net.h"

#define CLIENTS 3                       /* connected when a scenario begins */
#define OTHER_SERVER "10.0.0.2:40000"

/* Memory that counts: what a destroyed object leaves behind. */

struct heap
{
    int outstanding, allocations;
    void (*inside)( void );             /* run in each call of the hooks */
};

static inline void * heap_allocate( void * context, size_t bytes )
{
    struct heap * heap = (struct heap *) context;
    heap->outstanding++;
    heap->allocations++;
    if ( heap->inside )
        heap->inside();
    return malloc( bytes );
}

static inline void heap_free( void * context, void * pointer )
{
    struct heap * heap = (struct heap *) context;
    if ( pointer )
        heap->outstanding--;
    if ( heap->inside )
        heap->inside();
    free( pointer );
}

static inline void ignore_loopback_packet( void * context, int slot, const uint8_t * data, int bytes, uint64_t sequence )
{
    (void) context; (void) slot; (void) data; (void) bytes; (void) sequence;
}

static inline struct net_endpoint * server_on_heap( struct net * net, const char * address, int max_clients, struct heap * heap )
{
    struct netcode_server_config_t config;
    netcode_default_server_config( &config );
    config.allocator_context = heap;
    config.allocate_function = heap_allocate;
    config.free_function = heap_free;
    config.send_loopback_packet_callback = ignore_loopback_packet;
    return net_server_with( net, address, max_clients, config );
}

static inline struct net_endpoint * client_on_heap( struct net * net, const char * address, struct heap * heap )
{
    struct netcode_client_config_t config;
    netcode_default_client_config( &config );
    config.allocator_context = heap;
    config.allocate_function = heap_allocate;
    config.free_function = heap_free;
    config.send_loopback_packet_callback = ignore_loopback_packet;
    return net_client_with( net, address, config );
}

/* A crowd: a server and CLIENTS clients connected to slots 0, 1, 2 with ids 1000, 1001, 1002. */

struct crowd
{
    struct net * net;
    struct net_endpoint * server, * clients[CLIENTS], * late;
    struct heap server_heap;

    /* scenarios */
    void (*act)( struct crowd * crowd, int slot );
    int place, armed, shots, depth;
};

static inline void crowd_open( struct crowd * crowd )
{
    char address[64];
    int i;
    memset( crowd, 0, sizeof( *crowd ) );
    crowd->net = net_create();
    crowd->server = server_on_heap( crowd->net, NET_SERVER, CLIENTS + 2, &crowd->server_heap );
    crowd->server->user = crowd;
    for ( i = 0; i < CLIENTS; i++ )
    {
        crowd->clients[i] = net_client( crowd->net, net_client_address( i, address, sizeof( address ) ) );
        CHECK( net_connect( crowd->clients[i], crowd->server, 1000 + (uint64_t) i ) );
    }
    crowd->late = net_client( crowd->net, net_client_address( 99, address, sizeof( address ) ) );
    net_settle( crowd->net );
    net_forget( crowd->net );
}

static inline void crowd_close( struct crowd * crowd )
{
    crowd->armed = 0;
    crowd->server->on_event = NULL;
    crowd->server->on_send = NULL;
    crowd->server->on_receive = NULL;
    net_destroy( crowd->net );
    CHECK_EQUAL( crowd->server_heap.outstanding, 0 );
}

static inline void send_to( struct net_endpoint * server, int slot )
{
    static const uint8_t payload[5] = "abcd";
    if ( server->server )
        netcode_server_send_packet( server->server, slot, payload, sizeof( payload ) );
}

static inline void send_to_everyone( struct net_endpoint * self, const struct net_event * event )
{
    int slot;
    (void) event;
    for ( slot = 0; slot < netcode_server_max_clients( self->server ); slot++ )
    {
        if ( netcode_server_client_connected( self->server, slot ) )
            send_to( self, slot );
    }
}

static int lines_printed;

/* What every printf hook here checks: one text, ending in a newline. */

static inline void check_line( const char * format, const char * text )
{
    size_t length = text ? strlen( text ) : 0;
    lines_printed++;
    CHECK( strcmp( format, "%s" ) == 0 );
    CHECK( length > 0 && text[length - 1] == '\n' );
}

static inline void listen_to_log( int (*function)( const char *, ... ) )
{
    netcode_set_printf_function( function );
    netcode_log_level( NETCODE_LOG_LEVEL_DEBUG );
}

static inline void stop_listening_to_log( void )
{
    netcode_log_level( NETCODE_LOG_LEVEL_NONE );
    netcode_set_printf_function( printf );
}

/* All that can be asked of a server, whatever it is doing. */

static inline void act_query( struct crowd * crowd, int slot )
{
    struct netcode_server_t * server = crowd->server->server;
    int in_range, tolerated = net_asserts_tolerated;
    net_tolerate_asserts( 1 );
    for ( slot = 0; slot < CLIENTS + 2; slot++ )
    {
        int bytes;
        in_range = slot < netcode_server_max_clients( server );
        CHECK( !netcode_server_client_connected( server, slot ) || netcode_server_client_id( server, slot ) != 0 );
        CHECK( ( netcode_server_client_address( server, slot ) != NULL ) == in_range );
        CHECK( ( netcode_server_client_user_data( server, slot ) != NULL ) == in_range );
        CHECK( netcode_server_client_disconnect_reason( server, slot ) >= 0 );
        netcode_server_next_packet_sequence( server, slot );
        netcode_server_client_loopback( server, slot );
        if ( !netcode_server_client_connected( server, slot ) )
            CHECK( netcode_server_receive_packet( server, slot, &bytes, NULL ) == NULL );
    }
    net_tolerate_asserts( tolerated );
    CHECK( netcode_server_num_connected_clients( server ) <= netcode_server_max_clients( server ) );
    CHECK_EQUAL( netcode_server_get_port( server ), 0 );
    netcode_server_running( server );
}

/* What is under way */

static inline void during_connect( struct crowd * crowd )
{
    net_connect( crowd->late, crowd->server, 5000 );
}

static inline void during_leave( struct crowd * crowd )
{
    netcode_client_disconnect( crowd->clients[1]->client );
    net_update( crowd->server, crowd->net->time );
}

static inline void during_disconnect( struct crowd * crowd )
{
    netcode_server_disconnect_client( crowd->server->server, 0 );
}

static inline void during_disconnect_all( struct crowd * crowd )
{
    netcode_server_disconnect_all_clients( crowd->server->server );
}

static inline void during_timeout( struct crowd * crowd )
{
    net_drain( crowd->server );
    net_update( crowd->server, crowd->net->time + 100.0 );
}

static inline void during_stop( struct crowd * crowd )
{
    netcode_server_stop( crowd->server->server );
}

static inline void during_restart( struct crowd * crowd )
{
    netcode_server_start( crowd->server->server, CLIENTS + 2 );
}

static inline void during_destroy( struct crowd * crowd )
{
    net_destroy_endpoint( crowd->server );
}

static inline void during_traffic( struct crowd * crowd )
{
    static const uint8_t payload[5] = "abcd";
    int i, round;
    for ( round = 0; round < 4; round++ )
    {
        for ( i = 0; i < CLIENTS; i++ )
        {
            netcode_client_send_packet( crowd->clients[i]->client, payload, sizeof( payload ) );
            send_to( crowd->server, i );
        }
        net_step( crowd->net, NET_TICK );
    }
}

#endif
