/*
 * A busy server to put under a profiler: clients and server in one process, joined by queues in memory
 * in place of sockets, on a clock of their own, so that a run does the same work every time and none of
 * it is the operating system's.
 *
 * Exits with 0 if every payload arrived.
 *
 *     perf record profile --ticks 5000 --bytes 200
 */
#include "common.h"

#define NUM_CLIENTS NETCODE_MAX_CLIENTS
#define TICK_SECONDS ( 1.0 / 60.0 )
#define MAX_CONNECT_TICKS 600
#define SERVER_ADDRESS "10.0.0.1:40000"
#define CLIENT_PORT_BASE 50000

/* ---- the network: a queue of datagrams for every end ----------------------------------------- */

#define MAX_DATAGRAM_BYTES 1300
#define CLIENT_QUEUE_DATAGRAMS 32
#define SERVER_QUEUE_DATAGRAMS ( NUM_CLIENTS * CLIENT_QUEUE_DATAGRAMS )

struct datagram_t
{
    struct netcode_address_t from;
    int bytes;
    uint8_t data[MAX_DATAGRAM_BYTES];
};

struct queue_t
{
    struct datagram_t * datagrams;
    int capacity, first, count;
    uint64_t dropped;
};

static void queue_create( struct queue_t * queue, int capacity )
{
    memset( queue, 0, sizeof( *queue ) );
    queue->datagrams = (struct datagram_t *) allocate_zeroed( (size_t) capacity, sizeof( struct datagram_t ) );
    queue->capacity = capacity;
}

static void queue_push( struct queue_t * queue, const struct netcode_address_t * from, const uint8_t * data, int bytes )
{
    struct datagram_t * datagram = &queue->datagrams[( queue->first + queue->count ) % queue->capacity];
    if ( queue->count == queue->capacity || bytes > MAX_DATAGRAM_BYTES )
    {
        queue->dropped++;
        return;
    }
    datagram->from = *from;
    datagram->bytes = bytes;
    memcpy( datagram->data, data, (size_t) bytes );
    queue->count++;
}

/* Returns the datagram's size, or 0 if there is none. */
static int queue_pop( struct queue_t * queue, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    const struct datagram_t * datagram = &queue->datagrams[queue->first];
    int bytes;
    if ( queue->count == 0 )
        return 0;
    bytes = datagram->bytes < max_bytes ? datagram->bytes : max_bytes;
    memcpy( data, datagram->data, (size_t) bytes );
    *from = datagram->from;
    queue->first = ( queue->first + 1 ) % queue->capacity;
    queue->count--;
    return bytes;
}

/* ---- the two ends ---------------------------------------------------------------------------- */

struct busy_client_t
{
    struct busy_world_t * world;
    struct netcode_client_t * client;
    struct netcode_address_t address;
    struct queue_t inbox;
};

struct busy_world_t
{
    struct netcode_server_t * server;
    struct netcode_address_t address;
    struct queue_t inbox;
    struct busy_client_t clients[NUM_CLIENTS];
    double time;
    double server_seconds, client_seconds;      /* spent in the library, by end */
    uint64_t server_received, client_received, wrong;
};

static void client_send( void * context, struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    struct busy_client_t * client = (struct busy_client_t *) context;
    (void) to;                                  /* there is one server only */
    queue_push( &client->world->inbox, &client->address, data, bytes );
}

static int client_receive( void * context, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    struct busy_client_t * client = (struct busy_client_t *) context;
    return queue_pop( &client->inbox, from, data, max_bytes );
}

static void server_send( void * context, struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    struct busy_world_t * world = (struct busy_world_t *) context;
    int number = to->port - CLIENT_PORT_BASE;
    if ( number >= 0 && number < NUM_CLIENTS )
        queue_push( &world->clients[number].inbox, &world->address, data, bytes );
}

static int server_receive( void * context, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    struct busy_world_t * world = (struct busy_world_t *) context;
    return queue_pop( &world->inbox, from, data, max_bytes );
}

static void create_server( struct busy_world_t * world )
{
    struct netcode_server_config_t config;
    netcode_default_server_config( &config );
    config.protocol_id = DEMO_PROTOCOL_ID;
    memcpy( config.private_key, demo_private_key, NETCODE_KEY_BYTES );
    config.callback_context = world;
    config.override_send_and_receive = 1;
    config.send_packet_override = server_send;
    config.receive_packet_override = server_receive;
    netcode_parse_address( SERVER_ADDRESS, &world->address );
    queue_create( &world->inbox, SERVER_QUEUE_DATAGRAMS );
    world->server = netcode_server_create( SERVER_ADDRESS, &config, world->time );
    if ( !world->server )
        fail( server_create_error_name( netcode_server_create_error() ) );
    netcode_server_start( world->server, NUM_CLIENTS );
}

static void create_client( struct busy_world_t * world, int number )
{
    struct busy_client_t * client = &world->clients[number];
    struct netcode_client_config_t config;
    char address[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    uint8_t connect_token[NETCODE_CONNECT_TOKEN_BYTES];
    netcode_default_client_config( &config );
    config.callback_context = client;
    config.override_send_and_receive = 1;
    config.send_packet_override = client_send;
    config.receive_packet_override = client_receive;
    snprintf( address, sizeof( address ), "10.0.0.2:%d", CLIENT_PORT_BASE + number );
    netcode_parse_address( address, &client->address );
    queue_create( &client->inbox, CLIENT_QUEUE_DATAGRAMS );
    client->world = world;
    client->client = netcode_client_create( address, &config, world->time );
    if ( !client->client )
        fail( client_create_error_name( netcode_client_create_error() ) );
    if ( demo_connect_token( SERVER_ADDRESS, SERVER_ADDRESS, 1 + (uint64_t) number, connect_token ) != NETCODE_OK )
        fail( "no connect token" );
    netcode_client_connect( client->client, connect_token );
}

static void destroy( struct busy_world_t * world )
{
    int i;
    for ( i = 0; i < NUM_CLIENTS; i++ )
        netcode_client_destroy( world->clients[i].client );
    netcode_server_stop( world->server );
    netcode_server_destroy( world->server );

    /* Only now: leaving sends goodbyes, which go through the queues. */
    for ( i = 0; i < NUM_CLIENTS; i++ )
        free( world->clients[i].inbox.datagrams );
    free( world->inbox.datagrams );
}

/* ---- a tick: clients send, the server echoes, clients receive -------------------------------- */

static void clients_send( struct busy_world_t * world, const uint8_t * payload, int bytes )
{
    double start = netcode_time();
    int i;
    for ( i = 0; i < NUM_CLIENTS; i++ )
        netcode_client_send_packet( world->clients[i].client, payload, bytes );
    world->client_seconds += netcode_time() - start;
}

static void echo_client( struct busy_world_t * world, int client_index )
{
    int i;
    for ( i = 0; i < MAX_WAITING_PAYLOADS; i++ )
    {
        int bytes;
        uint8_t * packet = netcode_server_receive_packet( world->server, client_index, &bytes, NULL );
        if ( !packet )
            return;
        world->server_received++;
        netcode_server_send_packet( world->server, client_index, packet, bytes );
        netcode_server_free_packet( world->server, packet );
    }
}

static void server_echoes( struct busy_world_t * world )
{
    double start = netcode_time();
    int i;
    netcode_server_update( world->server, world->time );
    for ( i = 0; i < NUM_CLIENTS; i++ )
        echo_client( world, i );
    world->server_seconds += netcode_time() - start;
}

static void client_receives( struct busy_world_t * world, struct netcode_client_t * client, const uint8_t * payload, int bytes )
{
    int i;
    for ( i = 0; i < MAX_WAITING_PAYLOADS; i++ )
    {
        int received;
        uint8_t * packet = netcode_client_receive_packet( client, &received, NULL );
        if ( !packet )
            return;
        if ( received == bytes && memcmp( packet, payload, (size_t) bytes ) == 0 )
            world->client_received++;
        else
            world->wrong++;
        netcode_client_free_packet( client, packet );
    }
}

static void clients_receive( struct busy_world_t * world, const uint8_t * payload, int bytes )
{
    double start = netcode_time();
    int i;
    for ( i = 0; i < NUM_CLIENTS; i++ )
    {
        netcode_client_update( world->clients[i].client, world->time );
        client_receives( world, world->clients[i].client, payload, bytes );
    }
    world->client_seconds += netcode_time() - start;
}

static void tick( struct busy_world_t * world, const uint8_t * payload, int bytes )
{
    world->time += TICK_SECONDS;
    clients_send( world, payload, bytes );
    server_echoes( world );
    clients_receive( world, payload, bytes );
}

/* ---- the run --------------------------------------------------------------------------------- */

static int num_connected( const struct busy_world_t * world )
{
    int i, count = 0;
    for ( i = 0; i < NUM_CLIENTS; i++ )
        count += netcode_client_state( world->clients[i].client ) == NETCODE_CLIENT_STATE_CONNECTED;
    return count;
}

static int connect_everybody( struct busy_world_t * world, const uint8_t * payload, int bytes )
{
    int i;
    for ( i = 0; i < MAX_CONNECT_TICKS && num_connected( world ) < NUM_CLIENTS; i++ )
    {
        world->time += TICK_SECONDS;
        clients_receive( world, payload, bytes );
        server_echoes( world );
    }
    return num_connected( world ) == NUM_CLIENTS;
}

static void print_rate( const char * who, uint64_t packets, double seconds )
{
    if ( seconds > 0.0 && packets > 0 )
        printf( "%-8s %9.0f packets/s  %7.0f ns per packet\n", who, (double) packets / seconds, 1e9 * seconds / (double) packets );
}

/* A packet is counted at each end that handles it: the server receives one and sends one per echo. */
static int print_result( const struct busy_world_t * world, uint64_t payloads )
{
    printf( "%" PRIu64 " payloads each way, %.3f s in the server, %.3f s in the clients\n", payloads, world->server_seconds, world->client_seconds );
    print_rate( "server", 2 * payloads, world->server_seconds );
    print_rate( "clients", 2 * payloads, world->client_seconds );
    print_rate( "both", 2 * payloads, world->server_seconds + world->client_seconds );
    if ( world->server_received == payloads && world->client_received == payloads && world->wrong == 0 )
        return 1;
    printf( "FAILED: %" PRIu64 " reached the server, %" PRIu64 " came back, %" PRIu64 " were wrong\n",
            world->server_received, world->client_received, world->wrong );
    return 0;
}

int main( int argc, char ** argv )
{
    static struct busy_world_t world;
    uint8_t payload[NETCODE_MAX_PACKET_SIZE];
    int ticks = 2000, bytes = 200, log_level = NETCODE_LOG_LEVEL_ERROR, i, ok;
    const struct option_t options[] =
    {
        { "--ticks", OPTION_INTEGER, &ticks,     1, 1e9, "how many ticks, each with one payload each way per client (2000)" },
        { "--bytes", OPTION_INTEGER, &bytes,     1, NETCODE_MAX_PACKET_SIZE, "size of a payload (200)" },
        { "--log",   OPTION_INTEGER, &log_level, 0, 3, "netcode's own messages: 0 none, 1 errors, 2 events, 3 every packet (1)" }
    };

    options_parse( argc, argv, "a busy server to profile", options, OPTION_COUNT( options ) );
    library_begin( log_level );
    catch_interrupts();
    payload_fill( payload, bytes, 1, 1 );
    netcode_time();                             /* the clock starts at its first call */

    create_server( &world );
    for ( i = 0; i < NUM_CLIENTS; i++ )
        create_client( &world, i );
    if ( !connect_everybody( &world, payload, bytes ) )
        fail( "a client did not connect" );
    printf( "%d clients connected, %d ticks of %d bytes\n", NUM_CLIENTS, ticks, bytes );
    fflush( stdout );

    world.server_seconds = world.client_seconds = 0.0;
    for ( i = 0; i < ticks && !interrupted(); i++ )
        tick( &world, payload, bytes );

    ok = print_result( &world, (uint64_t) i * NUM_CLIENTS );
    destroy( &world );
    netcode_term();
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
