/*
 * A small internet in memory, for tests that need several netcode clients and servers, a clock of
 * their own, and a hand on every datagram.
 *
 * Clients and servers are created as endpoints of a `struct net`, at the address that they are
 * known by. They send and receive through the override functions: what one sends waits in the queue
 * of the endpoint it is addressed to until that one updates. Nothing here sleeps or reads a clock;
 * time is `net->time` and moves in net_step. In a step all clients update first, then all servers,
 * each in the order of creation.
 *
 *     struct net * net = net_create();
 *     struct net_endpoint * server = net_server( net, NET_SERVER, 4 );
 *     struct net_endpoint * client = net_client( net, NET_CLIENT );
 *     CHECK( net_connect( client, server, 1000 ) );
 *     CHECK( net_history_is( client, "0>1 1>2 2>3" ) );
 *     net_destroy( net );
 *
 * What a test can watch: net->records (every datagram sent), endpoint->sent and ->handed (counters by
 * packet type), net->events (every state change and connect/disconnect callback, with what the
 * queries answered inside it). What it can change: endpoint->drop and net->filter (drop, alter,
 * double), net_inject (forge), net->direct (deliver inside the send), endpoint->on_event, ->on_send,
 * ->on_receive (run code in the middle).
 */
#ifndef NETCODE_C_TEST_NET_H
#define NETCODE_C_TEST_NET_H

#include "netcode.h"
#include "test.h"

#define NET_SERVER "10.0.0.1:40000"
#define NET_CLIENT "10.0.1.1:50000"

#define NET_TICK 0.0625                 /* a binary fraction: adding it up makes no rounding errors */
#define NET_TINY 1e-6                   /* just over a boundary */
#define NET_START_TIME 100.0
#define NET_MAX_STEPS 64                /* of NET_TICK: patience of net_run_until */
#define NET_LIFETIME 3600               /* seconds a token lives if the test does not say otherwise */
#define NET_TIMEOUT 5

#define NET_RECEIVE_BYTES 1300          /* what the library offers its receive override */
#define NET_DATAGRAM_BYTES 1400
#define NET_MAX_ENDPOINTS 320
#define NET_MAX_QUEUED 8192
#define NET_MAX_RECORDS 32768
#define NET_MAX_EVENTS 8192

#define NET_REQUEST_BYTES 1078

#define NET_REQUEST 0
#define NET_DENIED 1
#define NET_CHALLENGE 2
#define NET_RESPONSE 3
#define NET_KEEP_ALIVE 4
#define NET_PAYLOAD 5
#define NET_DISCONNECT 6
#define NET_TYPES 16                    /* as many as the low four bits of a first byte can name */
#define NET_ALL -1                      /* for endpoint->drop */

/* Offsets in a connect token, and in its first server address. */
#define NET_TOKEN_VERSION 0
#define NET_TOKEN_PROTOCOL_ID 13
#define NET_TOKEN_CREATE 21
#define NET_TOKEN_EXPIRE 29
#define NET_TOKEN_NONCE 37
#define NET_TOKEN_PRIVATE 61
#define NET_TOKEN_TIMEOUT 1085
#define NET_TOKEN_NUM_ADDRESSES 1089
#define NET_TOKEN_ADDRESSES 1093

struct net;
struct net_endpoint;

struct net_datagram
{
    struct net_endpoint * sender;       /* NULL for an injected one */
    struct netcode_address_t from, to;
    double time;
    int bytes;
    uint8_t data[NET_DATAGRAM_BYTES];
    struct net_datagram * next;
};

/* One run of a callback, and what the queries answered in it. */
struct net_event
{
    struct net_endpoint * who;
    double time;

    /* clients: state_change_callback */
    int previous, current;
    int state, index, max_clients;
    uint64_t next_sequence;             /* servers: of that client */
    struct netcode_address_t server_address;

    /* servers: connect_disconnect_callback */
    int slot, connected;
    int still_connected, num_connected, reason;
    uint64_t id;
    struct netcode_address_t address;
    uint8_t user_data[NETCODE_USER_DATA_BYTES];
};

struct net_endpoint
{
    struct net * net;
    struct netcode_address_t address;
    struct netcode_client_t * client;   /* one of the two, NULL again once destroyed */
    struct netcode_server_t * server;
    int is_server;
    struct net_datagram * first, * last;
    int queued;

    int drop;                           /* types of what it sends that are lost: 1 << NET_PAYLOAD | ... */

    int sent[NET_TYPES];                /* by packet type: handed to the send override */
    int handed[NET_TYPES];              /* taken by the library through the receive override */
    int receive_calls;

    void (*on_event)( struct net_endpoint * self, const struct net_event * event );
    void (*on_send)( struct net_endpoint * self, const struct net_datagram * datagram );
    void (*on_receive)( struct net_endpoint * self );
    void * user;                        /* the test's own */
};

struct net
{
    double time;
    uint64_t protocol_id;
    uint8_t private_key[NETCODE_KEY_BYTES];

    struct net_endpoint endpoints[NET_MAX_ENDPOINTS];
    int num_endpoints;

    /* How many copies of this datagram are to arrive: 0, 1 or 2. May change the datagram. */
    int (*filter)( struct net * net, struct net_datagram * datagram );
    void * filter_context;

    int direct;                         /* deliver with process_packet inside the send */
    int queued, lost;                   /* lost: sent to an address where nobody is, or queue full */

    struct net_datagram ** records;
    int num_records, max_records;
    struct net_event * events;          /* moves when it grows */
    int num_events, max_events;
};

/* What went into the library and came out of it in all nets of this program: for figures. */

struct net_traffic
{
    long long datagrams_in, bytes_in, datagrams_out, bytes_out;
};

static struct net_traffic net_traffic;

/* Asserts. Builds with debug assertions report misuse; tests that misuse say so first. */

static int net_asserts_tolerated;
static int net_asserts_seen;

static inline void net_assert_handler( const char * condition, const char * function, const char * file, int line )
{
    net_asserts_seen++;
    if ( net_asserts_tolerated )
        return;
    printf( "    assert( %s ) in %s, %s:%d\n", condition, function, file, line );
    test_check( 0, "no assert from the library", file, line );
}

static inline void net_tolerate_asserts( int tolerate )
{
    net_asserts_tolerated = tolerate;
}

static inline void * net_or_exit( void * memory )
{
    if ( !memory )
    {
        printf( "the test is out of memory\n" );
        exit( 2 );
    }
    return memory;
}

static inline void * net_allocate( size_t bytes )
{
    return net_or_exit( calloc( 1, bytes ) );
}

/* Room for one more of these in an array: doubles it if it is full. */

static inline void * net_grow( void * array, int used, int * max, size_t bytes )
{
    if ( used < *max )
        return array;
    *max = *max ? *max * 2 : 64;
    return net_or_exit( realloc( array, (size_t) *max * bytes ) );
}

static inline uint64_t net_random( uint64_t * state )
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Contents that differ with size and seed, so that a mix-up of payloads shows. */

static inline uint8_t net_content( int i, int bytes, int seed )
{
    return (uint8_t) ( i * 7 + bytes * 3 + seed * 31 + ( i >> 8 ) );
}

static inline void net_fill( uint8_t * data, int bytes, int seed )
{
    int i;
    for ( i = 0; i < bytes; i++ )
        data[i] = net_content( i, bytes, seed );
}

static inline int net_filled( const uint8_t * data, int bytes, int seed )
{
    int i;
    for ( i = 0; i < bytes; i++ )
    {
        if ( data[i] != net_content( i, bytes, seed ) )
            return 0;
    }
    return 1;
}

static inline uint64_t net_read_little_endian( const uint8_t * data, int bytes )
{
    uint64_t value = 0;
    while ( bytes > 0 )
        value = value << 8 | data[--bytes];
    return value;
}

static inline void net_write_little_endian( uint8_t * data, int bytes, uint64_t value )
{
    int i;
    for ( i = 0; i < bytes; i++, value >>= 8 )
        data[i] = (uint8_t) value;
}

static inline int net_type( const struct net_datagram * datagram )
{
    return datagram->bytes > 0 ? datagram->data[0] & 15 : NET_TYPES - 1;
}

/* The sequence number in the clear part of an encrypted packet. */

static inline uint64_t net_sequence( const struct net_datagram * datagram )
{
    int bytes = datagram->data[0] >> 4;
    return bytes <= 8 && datagram->bytes > bytes ? net_read_little_endian( datagram->data + 1, bytes ) : 0;
}

static inline struct netcode_address_t net_address( const char * text )
{
    struct netcode_address_t address;
    memset( &address, 0, sizeof( address ) );
    CHECK( netcode_parse_address( text, &address ) == NETCODE_OK );
    return address;
}

static inline int net_address_is( struct netcode_address_t * address, const char * text )
{
    struct netcode_address_t expected = net_address( text );
    return address && netcode_address_equal( address, &expected );
}

/* 10.1.0.0:50000 onwards: as many different client addresses as anyone wants. */

static inline const char * net_client_address( int i, char * text, size_t size )
{
    snprintf( text, size, "10.%d.%d.%d:50000", 1 + ( i >> 16 & 127 ), i >> 8 & 255, i & 255 );
    return text;
}

/* Sending and delivering. */

static inline struct net_endpoint * net_endpoint_at( struct net * net, struct netcode_address_t * address )
{
    int i;
    for ( i = 0; i < net->num_endpoints; i++ )
    {
        struct net_endpoint * endpoint = &net->endpoints[i];
        if ( ( endpoint->client || endpoint->server ) && netcode_address_equal( &endpoint->address, address ) )
            return endpoint;
    }
    return NULL;
}

/* Hands a copy to the library at once, not through the queue. */

static inline void net_process( struct net_endpoint * endpoint, const struct netcode_address_t * from, const uint8_t * data, int bytes )
{
    struct netcode_address_t source = *from;
    uint8_t copy[NET_DATAGRAM_BYTES];
    memset( copy, 0, sizeof( copy ) );
    if ( bytes > 0 )
        memcpy( copy, data, (size_t) bytes );
    net_traffic.datagrams_in++;
    net_traffic.bytes_in += bytes > 0 ? bytes : 0;
    if ( endpoint->server )
        netcode_server_process_packet( endpoint->server, &source, copy, bytes );
    else if ( endpoint->client )
        netcode_client_process_packet( endpoint->client, &source, copy, bytes );
}

static inline void net_deliver( struct net * net, const struct net_datagram * datagram )
{
    struct netcode_address_t to = datagram->to;
    struct net_endpoint * endpoint = net_endpoint_at( net, &to );
    struct net_datagram * copy;
    if ( !endpoint || net->queued >= NET_MAX_QUEUED )
    {
        net->lost++;
        return;
    }
    if ( net->direct )
    {
        net_process( endpoint, &datagram->from, datagram->data, datagram->bytes );
        return;
    }
    copy = (struct net_datagram *) net_allocate( sizeof( *copy ) );
    *copy = *datagram;
    copy->next = NULL;
    if ( endpoint->last )
        endpoint->last->next = copy;
    else
        endpoint->first = copy;
    endpoint->last = copy;
    endpoint->queued++;
    net->queued++;
}

/* Forges a datagram: it arrives as if `from` had sent it, past filter, counters and records. */

static inline void net_inject( struct net * net, const struct netcode_address_t * from, const struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    struct net_datagram datagram;
    memset( &datagram, 0, sizeof( datagram ) );
    datagram.from = *from;
    datagram.to = *to;
    datagram.time = net->time;
    datagram.bytes = bytes;
    if ( bytes > 0 )
        memcpy( datagram.data, data, (size_t) bytes );
    net_deliver( net, &datagram );
}

/* Replays a recorded datagram as it was sent. */

static inline void net_replay( struct net * net, const struct net_datagram * datagram )
{
    net_inject( net, &datagram->from, &datagram->to, datagram->data, datagram->bytes );
}

static inline void net_endpoint_send( void * context, struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    struct net_endpoint * self = (struct net_endpoint *) context;
    struct net * net = self->net;
    struct net_datagram datagram;
    int copies = 1;
    if ( !CHECK( data && bytes > 0 && bytes <= NET_RECEIVE_BYTES ) )
        return;
    memset( &datagram, 0, sizeof( datagram ) );
    datagram.sender = self;
    datagram.from = self->address;
    datagram.to = *to;
    datagram.time = net->time;
    datagram.bytes = bytes;
    memcpy( datagram.data, data, (size_t) bytes );

    self->sent[net_type( &datagram )]++;
    net_traffic.datagrams_out++;
    net_traffic.bytes_out += bytes;
    if ( net->num_records < NET_MAX_RECORDS )
    {
        struct net_datagram * record = (struct net_datagram *) net_allocate( sizeof( *record ) );
        *record = datagram;
        net->records = (struct net_datagram **) net_grow( net->records, net->num_records, &net->max_records, sizeof( *net->records ) );
        net->records[net->num_records++] = record;
    }
    if ( self->on_send )
        self->on_send( self, &datagram );
    if ( net->filter )
        copies = net->filter( net, &datagram );
    if ( (unsigned) self->drop >> net_type( &datagram ) & 1 )
        copies = 0;
    while ( copies-- > 0 )
        net_deliver( net, &datagram );
}

/* The oldest waiting datagram, now the caller's to free; NULL if none waits. */

static inline struct net_datagram * net_take( struct net_endpoint * self )
{
    struct net_datagram * datagram = self->first;
    if ( !datagram )
        return NULL;
    self->first = datagram->next;
    if ( !self->first )
        self->last = NULL;
    self->queued--;
    self->net->queued--;
    return datagram;
}

static inline int net_endpoint_receive( void * context, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    struct net_endpoint * self = (struct net_endpoint *) context;
    struct net_datagram * datagram;
    int bytes;
    CHECK_EQUAL( max_bytes, NET_RECEIVE_BYTES );
    self->receive_calls++;
    if ( self->on_receive )
        self->on_receive( self );
    datagram = net_take( self );
    if ( !datagram )
        return 0;
    self->handed[net_type( datagram )]++;
    bytes = datagram->bytes < max_bytes ? datagram->bytes : max_bytes;
    *from = datagram->from;
    if ( bytes > 0 )
        memcpy( data, datagram->data, (size_t) bytes );
    net_traffic.datagrams_in++;
    net_traffic.bytes_in += bytes > 0 ? bytes : 0;
    free( datagram );
    return bytes;
}

/* Throws away what waits for an endpoint. */

static inline void net_drain( struct net_endpoint * endpoint )
{
    while ( endpoint->first )
        free( net_take( endpoint ) );
}

/* Hands over what waits with process_packet, where an update would have fetched it. */

static inline void net_feed( struct net_endpoint * endpoint )
{
    int n = endpoint->queued;
    while ( n-- > 0 && endpoint->first )
    {
        struct net_datagram * datagram = net_take( endpoint );
        net_process( endpoint, &datagram->from, datagram->data, datagram->bytes );
        free( datagram );
    }
}

/* Callbacks. */

static inline void net_add_event( struct net_endpoint * self, struct net_event * event )
{
    struct net * net = self->net;
    event->who = self;
    event->time = net->time;
    if ( net->num_events < NET_MAX_EVENTS )
    {
        net->events = (struct net_event *) net_grow( net->events, net->num_events, &net->max_events, sizeof( *net->events ) );
        net->events[net->num_events++] = *event;
    }
    if ( self->on_event )
        self->on_event( self, event );
}

static inline void net_client_state_changed( void * context, int previous, int current )
{
    struct net_endpoint * self = (struct net_endpoint *) context;
    struct netcode_client_t * client = self->client;
    struct net_event event;
    memset( &event, 0, sizeof( event ) );
    event.previous = previous;
    event.current = current;
    if ( client )
    {
        struct netcode_address_t * address = netcode_client_server_address( client );
        event.state = netcode_client_state( client );
        event.index = netcode_client_index( client );
        event.max_clients = netcode_client_max_clients( client );
        event.next_sequence = netcode_client_next_packet_sequence( client );
        if ( address )
            event.server_address = *address;
    }
    net_add_event( self, &event );
}

static inline void net_server_client_changed( void * context, int slot, int connected )
{
    struct net_endpoint * self = (struct net_endpoint *) context;
    struct netcode_server_t * server = self->server;
    struct net_event event;
    memset( &event, 0, sizeof( event ) );
    event.slot = slot;
    event.connected = connected;
    if ( server )
    {
        struct netcode_address_t * address = netcode_server_client_address( server, slot );
        void * user_data = netcode_server_client_user_data( server, slot );
        event.still_connected = netcode_server_client_connected( server, slot );
        event.num_connected = netcode_server_num_connected_clients( server );
        event.reason = netcode_server_client_disconnect_reason( server, slot );
        event.id = netcode_server_client_id( server, slot );
        event.next_sequence = netcode_server_next_packet_sequence( server, slot );
        if ( address )
            event.address = *address;
        if ( user_data )
            memcpy( event.user_data, user_data, NETCODE_USER_DATA_BYTES );
    }
    net_add_event( self, &event );
}

/* Life and death. */

static inline struct net * net_create( void )
{
    int i;
    struct net * net = (struct net *) net_allocate( sizeof( *net ) );
    CHECK( netcode_init() == NETCODE_OK );
    netcode_set_assert_function( net_assert_handler );
    net_asserts_tolerated = 0;
    net->time = NET_START_TIME;
    net->protocol_id = 0x1122334455667788ULL;
    for ( i = 0; i < NETCODE_KEY_BYTES; i++ )
        net->private_key[i] = (uint8_t) ( 0xA0 + i );
    return net;
}

/* `client` and `server` stay set while destroy runs, so that its callbacks can still query. */

static inline void net_destroy_endpoint( struct net_endpoint * endpoint )
{
    struct netcode_client_t * client = endpoint->client;
    struct netcode_server_t * server = endpoint->server;
    if ( client )
        netcode_client_destroy( client );
    if ( server )
        netcode_server_destroy( server );
    endpoint->client = NULL;
    endpoint->server = NULL;
    net_drain( endpoint );
}

/* Forgets records, events and counters; what is connected stays so. */

static inline void net_forget( struct net * net )
{
    int i;
    for ( i = 0; i < net->num_records; i++ )
        free( net->records[i] );
    net->num_records = 0;
    net->num_events = 0;
    net->lost = 0;
    for ( i = 0; i < net->num_endpoints; i++ )
    {
        struct net_endpoint * endpoint = &net->endpoints[i];
        memset( endpoint->sent, 0, sizeof( endpoint->sent ) );
        memset( endpoint->handed, 0, sizeof( endpoint->handed ) );
        endpoint->receive_calls = 0;
    }
}

static inline void net_destroy( struct net * net )
{
    int i;
    for ( i = 0; i < net->num_endpoints; i++ )
        net_destroy_endpoint( &net->endpoints[i] );
    for ( i = 0; i < net->num_endpoints; i++ )
        net_drain( &net->endpoints[i] );
    net_forget( net );
    free( net->records );
    free( net->events );
    free( net );
    net_asserts_tolerated = 0;
    netcode_term();
}

static inline struct net_endpoint * net_endpoint( struct net * net, const char * address )
{
    struct net_endpoint * endpoint;
    if ( net->num_endpoints == NET_MAX_ENDPOINTS )
    {
        printf( "too many endpoints in one net\n" );
        exit( 2 );
    }
    endpoint = &net->endpoints[net->num_endpoints++];
    endpoint->net = net;
    endpoint->address = net_address( address );
    return endpoint;
}

static inline void net_client_config( struct net_endpoint * endpoint, struct netcode_client_config_t * config )
{
    config->callback_context = endpoint;
    config->state_change_callback = net_client_state_changed;
    config->override_send_and_receive = 1;
    config->send_packet_override = net_endpoint_send;
    config->receive_packet_override = net_endpoint_receive;
}

static inline void net_server_config( struct net_endpoint * endpoint, struct netcode_server_config_t * config )
{
    config->protocol_id = endpoint->net->protocol_id;
    memcpy( config->private_key, endpoint->net->private_key, NETCODE_KEY_BYTES );
    config->callback_context = endpoint;
    config->connect_disconnect_callback = net_server_client_changed;
    config->override_send_and_receive = 1;
    config->send_packet_override = net_endpoint_send;
    config->receive_packet_override = net_endpoint_receive;
}

/* The _with forms take a config whose network part is filled in here and whose rest is the test's. */

static inline struct net_endpoint * net_client_with( struct net * net, const char * address, struct netcode_client_config_t config )
{
    struct net_endpoint * endpoint = net_endpoint( net, address );
    net_client_config( endpoint, &config );
    endpoint->client = netcode_client_create( address, &config, net->time );
    CHECK( endpoint->client != NULL );
    return endpoint;
}

static inline struct net_endpoint * net_client( struct net * net, const char * address )
{
    struct netcode_client_config_t config;
    netcode_default_client_config( &config );
    return net_client_with( net, address, config );
}

static inline struct net_endpoint * net_server_with( struct net * net, const char * address, int max_clients, struct netcode_server_config_t config )
{
    struct net_endpoint * endpoint = net_endpoint( net, address );
    endpoint->is_server = 1;
    net_server_config( endpoint, &config );
    endpoint->server = netcode_server_create( address, &config, net->time );
    CHECK( endpoint->server != NULL );
    if ( endpoint->server && max_clients > 0 )
        netcode_server_start( endpoint->server, max_clients );
    return endpoint;
}

/* max_clients 0: created, not started. */

static inline struct net_endpoint * net_server( struct net * net, const char * address, int max_clients )
{
    struct netcode_server_config_t config;
    memset( &config, 0, sizeof( config ) );
    netcode_default_server_config( &config );
    return net_server_with( net, address, max_clients, config );
}

/* Time. */

/* One endpoint alone, at a time of its own; net->time follows. */

static inline void net_update( struct net_endpoint * endpoint, double time )
{
    endpoint->net->time = time;
    if ( endpoint->client )
        netcode_client_update( endpoint->client, time );
    else if ( endpoint->server )
        netcode_server_update( endpoint->server, time );
}

static inline void net_step( struct net * net, double dt )
{
    int servers, i;
    double time = net->time + dt;
    for ( servers = 0; servers <= 1; servers++ )
    {
        for ( i = 0; i < net->num_endpoints; i++ )
        {
            if ( net->endpoints[i].is_server == servers )
                net_update( &net->endpoints[i], time );
        }
    }
    net->time = time;
}

static inline void net_steps( struct net * net, int steps, double dt )
{
    while ( steps-- > 0 )
        net_step( net, dt );
}

/* Long enough for fresh connections to be confirmed by keep-alives. */

static inline void net_settle( struct net * net )
{
    net_steps( net, 4, NET_TICK );
}

static inline int net_state( struct net_endpoint * client )
{
    return client->client ? netcode_client_state( client->client ) : NETCODE_CLIENT_STATE_DISCONNECTED;
}

/* Steps until the client is in that state; 0 if it never was. */

static inline int net_run_until( struct net_endpoint * client, int state )
{
    int i;
    for ( i = 0; i < NET_MAX_STEPS && net_state( client ) != state; i++ )
        net_step( client->net, NET_TICK );
    return net_state( client ) == state;
}

/* Tokens. */

static inline void net_token( struct net * net, uint8_t * token, int num_addresses, const char ** public_addresses, const char ** internal_addresses, int expire_seconds, int timeout_seconds, uint64_t id, uint8_t * user_data )
{
    CHECK( netcode_generate_connect_token( num_addresses, public_addresses, internal_addresses, expire_seconds, timeout_seconds, id, net->protocol_id, net->private_key, user_data, token ) == NETCODE_OK );
}

/* For one server, public and internal address the same. */

static inline void net_token_to( struct net * net, uint8_t * token, const char * address, int expire_seconds, int timeout_seconds, uint64_t id )
{
    net_token( net, token, 1, &address, &address, expire_seconds, timeout_seconds, id, NULL );
}

static inline void net_token_for( struct net_endpoint * server, uint8_t * token, int timeout_seconds, uint64_t id )
{
    char address[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    net_token_to( server->net, token, netcode_address_to_string( &server->address, address ), NET_LIFETIME, timeout_seconds, id );
}

/* Seconds since 1970 on the clock that the library goes by, which time() can be a tick behind. */

static inline uint64_t net_wall_seconds( struct net * net )
{
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_to( net, token, NET_SERVER, NET_LIFETIME, NET_TIMEOUT, 1 );
    return net_read_little_endian( token + NET_TOKEN_CREATE, 8 );
}

/* Waits until that clock has come to this second, but only so long. */

static inline void net_wait_for_second( struct net * net, uint64_t second )
{
    int i;
    for ( i = 0; i < 400 && net_wall_seconds( net ) < second; i++ )
        netcode_sleep( 0.01 );
}

/* The connection request packet that a client with this token sends. */

static inline int net_request( const uint8_t * token, uint8_t * packet )
{
    packet[0] = 0;
    memcpy( packet + 1, token + NET_TOKEN_VERSION, NET_TOKEN_CREATE - NET_TOKEN_VERSION );
    memcpy( packet + 1 + NET_TOKEN_CREATE, token + NET_TOKEN_EXPIRE, NET_TOKEN_TIMEOUT - NET_TOKEN_EXPIRE );
    return NET_REQUEST_BYTES;
}

/* Connects, and steps until it is connected or has failed; 1 if it is connected. */

static inline int net_connect_with( struct net_endpoint * client, uint8_t * token )
{
    int i;
    netcode_client_connect( client->client, token );
    for ( i = 0; i < NET_MAX_STEPS; i++ )
    {
        if ( net_state( client ) <= NETCODE_CLIENT_STATE_DISCONNECTED || net_state( client ) == NETCODE_CLIENT_STATE_CONNECTED )
            break;
        net_step( client->net, NET_TICK );
    }
    return net_state( client ) == NETCODE_CLIENT_STATE_CONNECTED;
}

static inline int net_connect( struct net_endpoint * client, struct net_endpoint * server, uint64_t id )
{
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    net_token_for( server, token, NET_TIMEOUT, id );
    return net_connect_with( client, token );
}

/* The slot of the connected client with this id, or -1. */

static inline int net_slot( struct net_endpoint * server, uint64_t id )
{
    int i;
    for ( i = 0; i < netcode_server_max_clients( server->server ); i++ )
    {
        if ( netcode_server_client_connected( server->server, i ) && netcode_server_client_id( server->server, i ) == id )
            return i;
    }
    return -1;
}

/* A server, and a client that is connected and confirmed. */

struct net_pair
{
    struct net * net;
    struct net_endpoint * server, * client;
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
};

#define NET_PAIR_ID 1000

static inline struct net_pair net_pair_open( int max_clients )
{
    struct net_pair pair;
    pair.net = net_create();
    pair.server = net_server( pair.net, NET_SERVER, max_clients );
    pair.client = net_client( pair.net, NET_CLIENT );
    net_token_for( pair.server, pair.token, NET_TIMEOUT, NET_PAIR_ID );
    CHECK( net_connect_with( pair.client, pair.token ) );
    net_settle( pair.net );
    return pair;
}

static inline void net_pair_close( struct net_pair * pair )
{
    net_destroy( pair->net );
}

/* Looking back. */

/* The n-th datagram of a type that the endpoint sent, from 0; NULL if there were fewer. */

static inline const struct net_datagram * net_record( struct net_endpoint * sender, int type, int n )
{
    struct net * net = sender->net;
    int i;
    for ( i = 0; i < net->num_records; i++ )
    {
        if ( net->records[i]->sender == sender && net_type( net->records[i] ) == type && n-- == 0 )
            return net->records[i];
    }
    return NULL;
}

static inline const struct net_datagram * net_last_record( struct net_endpoint * sender, int type )
{
    struct net * net = sender->net;
    int i;
    for ( i = net->num_records - 1; i >= 0; i-- )
    {
        if ( net->records[i]->sender == sender && net_type( net->records[i] ) == type )
            return net->records[i];
    }
    return NULL;
}

/* All that the endpoint sent. */

static inline int net_total_sent( struct net_endpoint * endpoint )
{
    int type, total = 0;
    for ( type = 0; type < NET_TYPES; type++ )
        total += endpoint->sent[type];
    return total;
}

/* The types of all that the endpoint sent, a digit a datagram: "455666". */

static inline const char * net_sent_types( struct net_endpoint * sender, char * text, size_t size )
{
    struct net * net = sender->net;
    size_t length = 0;
    int i;
    for ( i = 0; i < net->num_records && length + 1 < size; i++ )
    {
        if ( net->records[i]->sender == sender )
            text[length++] = (char) ( '0' + net_type( net->records[i] ) );
    }
    text[length] = 0;
    return text;
}

static inline int net_sent_types_are( struct net_endpoint * sender, const char * expected )
{
    char text[512];
    net_sent_types( sender, text, sizeof( text ) );
    if ( strcmp( text, expected ) == 0 )
        return 1;
    printf( "    sent \"%s\", expected \"%s\"\n", text, expected );
    return 0;
}

/* The n-th event of an endpoint, from 0; NULL if there were fewer. Good until the next event. */

static inline const struct net_event * net_event( struct net_endpoint * endpoint, int n )
{
    struct net * net = endpoint->net;
    int i;
    for ( i = 0; i < net->num_events; i++ )
    {
        if ( net->events[i].who == endpoint && n-- == 0 )
            return &net->events[i];
    }
    return NULL;
}

static inline int net_num_events( struct net_endpoint * endpoint )
{
    struct net * net = endpoint->net;
    int i, n = 0;
    for ( i = 0; i < net->num_events; i++ )
        n += net->events[i].who == endpoint;
    return n;
}

static inline const struct net_event * net_last_event( struct net_endpoint * endpoint )
{
    int n = net_num_events( endpoint );
    return n > 0 ? net_event( endpoint, n - 1 ) : NULL;
}

/* All events of an endpoint: "0>1 1>2 2>3" for a client, "+0 -0:2" (slot, reason) for a server. */

static inline int net_history_is( struct net_endpoint * endpoint, const char * expected )
{
    struct net * net = endpoint->net;
    char text[2048];
    size_t length = 0;
    int i;
    text[0] = 0;
    for ( i = 0; i < net->num_events && length + 32 < sizeof( text ); i++ )
    {
        const struct net_event * event = &net->events[i];
        const char * space = length ? " " : "";
        int written;
        if ( event->who != endpoint )
            continue;
        if ( !endpoint->is_server )
            written = snprintf( text + length, 32, "%s%d>%d", space, event->previous, event->current );
        else if ( event->connected )
            written = snprintf( text + length, 32, "%s+%d", space, event->slot );
        else
            written = snprintf( text + length, 32, "%s-%d:%d", space, event->slot, event->reason );
        length += (size_t) written;
    }
    if ( strcmp( text, expected ) == 0 )
        return 1;
    printf( "    history \"%s\", expected \"%s\"\n", text, expected );
    return 0;
}

/* Takes all waiting payloads out; returns how many there were. */

static inline int net_discard_payloads( struct net_endpoint * endpoint, int slot )
{
    int n, bytes;
    uint64_t sequence;
    for ( n = 0; n < 100000; n++ )
    {
        void * packet = endpoint->server ? (void *) netcode_server_receive_packet( endpoint->server, slot, &bytes, &sequence )
                                         : (void *) netcode_client_receive_packet( endpoint->client, &bytes, &sequence );
        if ( !packet )
            break;
        if ( endpoint->server )
            netcode_server_free_packet( endpoint->server, packet );
        else
            netcode_client_free_packet( endpoint->client, packet );
    }
    return n;
}

#endif
