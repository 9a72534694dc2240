/*
 * The way of the packets. With the simulator, some endpoints have it in their config, and the others reach
 * it through the overrides in here. With real UDP some use their own sockets; the others have their
 * packets delayed, lost and doubled by a simulator in here before they go out through a plain socket.
 *
 * Whatever passes the overrides is captured for the attacker, who forges from here, too.
 */
#define _GNU_SOURCE

#include "soak.h"

#if !defined(_WIN32)
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#define HAVE_PLAIN_SOCKETS 1
#else
#define HAVE_PLAIN_SOCKETS 0
#endif

#define ATTACKER_PORT_BASE 60000
#define MAX_PACKETS_PUMPED 256

static struct capture_t captures[MAX_CAPTURES];
static uint64_t num_captured;
static struct endpoint_t attackers[NUM_ATTACKERS];

void print_address( char * text, size_t size, int port )
{
    snprintf( text, size, world.use_ipv6 ? "[::1]:%d" : "127.0.0.1:%d", port );
}

static void loopback_address( struct netcode_address_t * address, int port )
{
    char text[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    print_address( text, sizeof( text ), port );
    if ( netcode_parse_address( text, address ) != NETCODE_OK )
        violation( NULL, "%s does not parse", text );
}

/* ---- plain sockets --------------------------------------------------------------------------- */

#if HAVE_PLAIN_SOCKETS

union socket_address_t
{
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

static socklen_t to_socket_address( const struct netcode_address_t * address, union socket_address_t * result )
{
    int i;
    memset( result, 0, sizeof( *result ) );
    if ( address->type == NETCODE_ADDRESS_IPV4 )
    {
        result->ipv4.sin_family = AF_INET;
        result->ipv4.sin_port = htons( address->port );
        memcpy( &result->ipv4.sin_addr, address->data.ipv4, 4 );
        return sizeof( result->ipv4 );
    }
    result->ipv6.sin6_family = AF_INET6;
    result->ipv6.sin6_port = htons( address->port );
    for ( i = 0; i < 16; i++ )
        result->ipv6.sin6_addr.s6_addr[i] = (uint8_t) ( address->data.ipv6[i / 2] >> ( i % 2 ? 0 : 8 ) );
    return sizeof( result->ipv6 );
}

/* Only loopback addresses come in here. */
static int port_of( const union socket_address_t * address )
{
    return ntohs( address->any.sa_family == AF_INET ? address->ipv4.sin_port : address->ipv6.sin6_port );
}

/* On a port of the system's choice; its address is noted. */
static void plain_open( struct endpoint_t * endpoint )
{
    union socket_address_t address;
    socklen_t bytes;
    loopback_address( &endpoint->address, 0 );
    bytes = to_socket_address( &endpoint->address, &address );
    endpoint->plain_socket = socket( address.any.sa_family, SOCK_DGRAM, 0 );
    if ( endpoint->plain_socket < 0 || bind( endpoint->plain_socket, &address.any, bytes ) != 0 ||
         getsockname( endpoint->plain_socket, &address.any, &bytes ) != 0 ||
         fcntl( endpoint->plain_socket, F_SETFL, O_NONBLOCK ) != 0 )
        fail( "no plain socket" );
    loopback_address( &endpoint->address, port_of( &address ) );
}

static void plain_close( struct endpoint_t * endpoint )
{
    if ( endpoint->plain_socket >= 0 )
        close( endpoint->plain_socket );
    endpoint->plain_socket = -1;
}

/* What the kernel does not take is lost, as on any network. */
static void plain_send( const struct endpoint_t * from, const struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    union socket_address_t address;
    socklen_t address_bytes = to_socket_address( to, &address );
    if ( sendto( from->plain_socket, data, (size_t) bytes, 0, &address.any, address_bytes ) < 0 )
        return;
}

static int plain_receive( const struct endpoint_t * endpoint, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    int i;
    for ( i = 0; i < MAX_PACKETS_PUMPED; i++ )
    {
        union socket_address_t address;
        socklen_t address_bytes = sizeof( address );
        int bytes = (int) recvfrom( endpoint->plain_socket, data, (size_t) max_bytes, 0, &address.any, &address_bytes );
        if ( bytes < 0 )
            return 0;
        if ( bytes == 0 )
            continue;           /* an empty datagram is not the end */
        loopback_address( from, port_of( &address ) );
        return bytes;
    }
    return 0;
}

#else

static void plain_open( struct endpoint_t * endpoint ) { (void) endpoint; fail( "no plain sockets here" ); }
static void plain_close( struct endpoint_t * endpoint ) { (void) endpoint; }

static void plain_send( const struct endpoint_t * from, const struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    (void) from; (void) to; (void) data; (void) bytes;
}

static int plain_receive( const struct endpoint_t * endpoint, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    (void) endpoint; (void) from; (void) data; (void) max_bytes;
    return 0;
}

#endif

/* ---- the simulator --------------------------------------------------------------------------- */

static void simulator_send( const struct endpoint_t * from, const struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    struct netcode_address_t from_copy = from->address, to_copy = *to;
    uint8_t copy[MAX_DATAGRAM_BYTES];
    memcpy( copy, data, (size_t) bytes );
    netcode_network_simulator_send_packet( world.simulator, &from_copy, &to_copy, copy, bytes );
}

static int simulator_receive( const struct endpoint_t * endpoint, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    struct netcode_address_t to = endpoint->address;
    uint8_t * packet;
    int bytes;
    if ( netcode_network_simulator_receive_packets( world.simulator, &to, 1, &packet, &bytes, from ) == 0 )
        return 0;
    if ( bytes > max_bytes )
        bytes = max_bytes;
    memcpy( data, packet, (size_t) bytes );
    world.simulator->free_function( world.simulator->allocator_context, packet );
    return bytes;
}

/* ---- capturing ------------------------------------------------------------------------------- */

struct soak_client_t * client_at( struct netcode_address_t * address )
{
    int i;
    for ( i = 0; i < world.num_clients; i++ )
    {
        if ( world.clients[i].client && netcode_address_equal( &world.clients[i].endpoint.address, address ) )
            return &world.clients[i];
    }
    return NULL;
}

static void capture( struct endpoint_t * from, struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    struct capture_t * slot = &captures[num_captured++ % MAX_CAPTURES];
    const struct soak_client_t * client = from->is_server ? client_at( to ) : (const struct soak_client_t *) (void *) from;
    world.statistics.captured++;
    slot->time = world.time;
    slot->from = from;
    slot->instance = from->instance;
    slot->from_address = from->address;
    slot->to = *to;
    slot->session_id = client && client->session ? client->session->id : 0;
    slot->attempt = client && client->session ? client->session->attempt : 0;
    slot->bytes = bytes;
    memcpy( slot->data, data, (size_t) bytes );
}

/* One of those that are young enough and whose session is known, or NULL. */
const struct capture_t * wire_captured( int number )
{
    const struct capture_t * found = &captures[number % MAX_CAPTURES];
    if ( found->bytes == 0 || found->session_id == 0 || world.time - found->time > CAPTURE_SECONDS )
        return NULL;
    return found;
}

/* ---- endpoints ------------------------------------------------------------------------------- */

int wire_can_override( void )
{
    return !world.use_sockets || HAVE_PLAIN_SOCKETS;
}

/* Sets the address unless the library has to open a socket first. */
void wire_open( struct endpoint_t * endpoint, int simulator_port )
{
    endpoint->plain_socket = -1;
    endpoint->instance++;
    if ( !world.use_sockets )
        loopback_address( &endpoint->address, simulator_port );
    else if ( endpoint->overrides )
        plain_open( endpoint );
    else
        loopback_address( &endpoint->address, 0 );
}

void wire_close( struct endpoint_t * endpoint )
{
    plain_close( endpoint );
    endpoint->instance++;       /* what was captured from it cannot be sent in its name any more */
}

void wire_send( void * context, struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    struct endpoint_t * endpoint = (struct endpoint_t *) context;
    if ( bytes < 1 || bytes > MAX_DATAGRAM_BYTES )
    {
        violation( NULL, "the send override got %d bytes", bytes );
        return;
    }
    capture( endpoint, to, data, bytes );
    simulator_send( endpoint, to, data, bytes );
}

int wire_receive( void * context, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    const struct endpoint_t * endpoint = (const struct endpoint_t *) context;
    if ( endpoint->plain_socket >= 0 )
        return plain_receive( endpoint, from, data, max_bytes );
    return simulator_receive( endpoint, from, data, max_bytes );
}

/* ---- forging --------------------------------------------------------------------------------- */

int wire_forge( struct endpoint_t * from, struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    if ( !world.use_sockets && bytes > 0 )
        simulator_send( from, to, data, bytes );
    else if ( world.use_sockets && from->plain_socket >= 0 )
        plain_send( from, to, data, bytes );
    else
        return 0;
    return 1;
}

int wire_attack( int attacker, struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    return wire_forge( &attackers[attacker], to, data, bytes );
}

/* Nothing that the attacker can make deserves an answer. */
static void check_answers( void )
{
    int i, j;
    for ( i = 0; i < NUM_ATTACKERS; i++ )
    {
        struct netcode_address_t from;
        uint8_t data[MAX_DATAGRAM_BYTES];
        for ( j = 0; j < MAX_PACKETS_PUMPED && wire_receive( &attackers[i], &from, data, sizeof( data ) ) > 0; j++ )
            violation( NULL, "the attacker was answered, with packet type %d", data[0] & 15 );
    }
}

/* ---- the course of time ---------------------------------------------------------------------- */

void wire_create( void )
{
    int i;
    memset( captures, 0, sizeof( captures ) );
    num_captured = 0;
    memset( &world.simulator_memory, 0, sizeof( world.simulator_memory ) );
    world.simulator = netcode_network_simulator_create( &world.simulator_memory, counted_allocate, counted_free );
    if ( !world.simulator )
        fail( "no network simulator" );
    netcode_network_simulator_update( world.simulator, world.time );
    for ( i = 0; i < NUM_ATTACKERS; i++ )
    {
        attackers[i].overrides = wire_can_override();
        wire_open( &attackers[i], ATTACKER_PORT_BASE + i );
    }
}

void wire_destroy( void )
{
    int i;
    for ( i = 0; i < NUM_ATTACKERS; i++ )
        wire_close( &attackers[i] );
    netcode_network_simulator_destroy( world.simulator );
    world.simulator = NULL;
    memory_check( &world.simulator_memory, "simulator", 0 );
}

static struct endpoint_t * endpoint_at( struct netcode_address_t * address )
{
    struct soak_client_t * client = client_at( address );
    int i;
    if ( client )
        return &client->endpoint;
    for ( i = 0; i < world.num_servers; i++ )
    {
        if ( netcode_address_equal( &world.servers[i].endpoint.address, address ) )
            return &world.servers[i].endpoint;
    }
    return NULL;
}

/* With real UDP: what has been delayed long enough for this endpoint goes out. */
static void pump( const struct endpoint_t * to )
{
    int i;
    for ( i = 0; i < MAX_PACKETS_PUMPED; i++ )
    {
        struct netcode_address_t from;
        uint8_t data[MAX_DATAGRAM_BYTES];
        int bytes = simulator_receive( to, &from, data, sizeof( data ) );
        const struct endpoint_t * sender = bytes > 0 ? endpoint_at( &from ) : NULL;
        if ( bytes <= 0 )
            return;
        if ( sender && sender->plain_socket >= 0 )
            plain_send( sender, &to->address, data, bytes );
    }
}

void wire_tick( void )
{
    int i;
    netcode_network_simulator_update( world.simulator, world.time );
    check_answers();
    for ( i = 0; world.use_sockets && i < world.num_servers; i++ )
        pump( &world.servers[i].endpoint );
    for ( i = 0; world.use_sockets && i < world.num_clients; i++ )
        pump( &world.clients[i].endpoint );
}
