/*
 * What the tests of real UDP sockets on the loopback interface share. A program includes this before anything else.
 *
 * The objects live in virtual time; waiting for the kernel is a bounded number of updates with a millisecond
 * between them. Sockets of the library are found by looking at which descriptors a create opens.
 */
#ifndef NETCODE_C_TESTS_SOCKETS_H
#define NETCODE_C_TESTS_SOCKETS_H

#if !defined( _DEFAULT_SOURCE )
#define _DEFAULT_SOURCE
#endif
#if !defined( _DARWIN_C_SOURCE )
#define _DARWIN_C_SOURCE
#endif

#include <netcode.h>
#include "test.h"
#include "asserts.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#define PROTOCOL_ID 0x1122334455667788ull
#define TICK 0.01
#define MAX_TICKS 2000
#define MAX_DESCRIPTORS 1024

static uint8_t private_key[NETCODE_KEY_BYTES];
static double now_seconds = 100.0;
static int have_ipv6;

/* ---- descriptors ---- */

static uint8_t was_open[MAX_DESCRIPTORS];

static inline int is_open( int descriptor )
{
    return fcntl( descriptor, F_GETFD ) != -1;
}

static inline int open_descriptors( void )
{
    int i, count = 0;
    for ( i = 0; i < MAX_DESCRIPTORS; i++ )
        count += is_open( i );
    return count;
}

static inline void note_descriptors( void )
{
    int i;
    for ( i = 0; i < MAX_DESCRIPTORS; i++ )
        was_open[i] = (uint8_t) is_open( i );
}

static inline int family_of( int descriptor, struct sockaddr_storage * address )
{
    socklen_t size = sizeof( *address );
    memset( address, 0, sizeof( *address ) );
    if ( getsockname( descriptor, (struct sockaddr *) address, &size ) != 0 )
        return -1;
    return address->ss_family;
}

/* The socket of this family that was opened since note_descriptors; -1 if there is not exactly one. */
static inline int new_socket( int family )
{
    struct sockaddr_storage address;
    int i, found = -1;
    for ( i = 0; i < MAX_DESCRIPTORS; i++ )
    {
        if ( !was_open[i] && is_open( i ) && family_of( i, &address ) == family )
        {
            if ( found != -1 )
                return -1;
            found = i;
        }
    }
    return found;
}

/* ---- plain sockets ---- */

static inline socklen_t loopback_address( int family, int any, int port, struct sockaddr_storage * storage )
{
    memset( storage, 0, sizeof( *storage ) );
    if ( family == AF_INET )
    {
        struct sockaddr_in * address = (struct sockaddr_in *) storage;
        address->sin_family = AF_INET;
        address->sin_addr.s_addr = htonl( any ? INADDR_ANY : INADDR_LOOPBACK );
        address->sin_port = htons( (uint16_t) port );
        return sizeof( *address );
    }
    else
    {
        struct sockaddr_in6 * address = (struct sockaddr_in6 *) storage;
        address->sin6_family = AF_INET6;
        address->sin6_addr = any ? in6addr_any : in6addr_loopback;
        address->sin6_port = htons( (uint16_t) port );
        return sizeof( *address );
    }
}

static inline int port_of( int descriptor )
{
    struct sockaddr_storage address;
    int family = family_of( descriptor, &address );
    if ( family == AF_INET )
        return ntohs( ( (struct sockaddr_in *) &address )->sin_port );
    if ( family == AF_INET6 )
        return ntohs( ( (struct sockaddr_in6 *) &address )->sin6_port );
    return 0;
}

/* Bound to that port of the loopback or of the wildcard address; -1 if that cannot be. */
static inline int plain_socket( int family, int any, int port )
{
    struct sockaddr_storage address;
    socklen_t size = loopback_address( family, any, port, &address );
    int yes = 1, descriptor = socket( family, SOCK_DGRAM, 0 );
    if ( descriptor < 0 )
        return -1;
    if ( family == AF_INET6 )
        setsockopt( descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof( yes ) );
    if ( bind( descriptor, (struct sockaddr *) &address, size ) != 0 )
    {
        close( descriptor );
        return -1;
    }
    return descriptor;
}

/* A port that is free in both families now, and that the system does not give to others who ask for port 0:
   those are above 32767. Only another run of these tests might take it, and hardly ever does. */
static inline int free_port( void )
{
    int i;
    for ( i = 0; i < 100; i++ )
    {
        uint8_t chance[2];
        int ipv4, ipv6 = -1, port;
        netcode_random_bytes( chance, 2 );
        port = 20000 + ( chance[0] | chance[1] << 8 ) % 12000;
        ipv4 = plain_socket( AF_INET, 1, port );
        if ( have_ipv6 )
            ipv6 = plain_socket( AF_INET6, 1, port );
        if ( ipv4 >= 0 )
            close( ipv4 );
        if ( ipv6 >= 0 )
            close( ipv6 );
        if ( ipv4 >= 0 && ( ipv6 >= 0 || !have_ipv6 ) )
            return port;
    }
    CHECK( !"there is a free port" );
    return 0;
}

/* ---- clients and servers ---- */

static inline const char * address_text( int family, int port )
{
    static char text[4][64];
    static int next;
    next = ( next + 1 ) % 4;
    snprintf( text[next], sizeof( text[next] ), family == AF_INET ? "127.0.0.1:%d" : "[::1]:%d", port );
    return text[next];
}

static inline void default_server_config( struct netcode_server_config_t * config )
{
    memset( config, 0, sizeof( *config ) );
    netcode_default_server_config( config );
    config->protocol_id = PROTOCOL_ID;
    memcpy( config->private_key, private_key, sizeof( private_key ) );
}

static inline struct netcode_server_t * create_server( const char * address1, const char * address2 )
{
    struct netcode_server_config_t config;
    default_server_config( &config );
    return address2 ? netcode_server_create_dual( address1, address2, &config, now_seconds ) : netcode_server_create( address1, &config, now_seconds );
}

static inline struct netcode_client_t * create_client( const char * address1, const char * address2 )
{
    struct netcode_client_config_t config;
    memset( &config, 0, sizeof( config ) );
    netcode_default_client_config( &config );
    return address2 ? netcode_client_create_dual( address1, address2, &config, now_seconds ) : netcode_client_create( address1, &config, now_seconds );
}

static inline void connect_to( struct netcode_client_t * client, const char * address, uint64_t id, int timeout_seconds )
{
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    CHECK_EQUAL( netcode_generate_connect_token( 1, &address, &address, -1, timeout_seconds, id, PROTOCOL_ID, private_key, NULL, token ), NETCODE_OK );
    netcode_client_connect( client, token );
}

/* One step of time for a server and up to two clients, any of them NULL; then a little for the kernel. */
static inline void tick( struct netcode_server_t * server, struct netcode_client_t * client1, struct netcode_client_t * client2 )
{
    now_seconds += TICK;
    if ( client1 )
        netcode_client_update( client1, now_seconds );
    if ( client2 )
        netcode_client_update( client2, now_seconds );
    if ( server )
        netcode_server_update( server, now_seconds );
    netcode_sleep( 0.001 );
}

static inline int wait_connected( struct netcode_server_t * server, struct netcode_client_t * client1, struct netcode_client_t * client2 )
{
    int i;
    for ( i = 0; i < MAX_TICKS; i++ )
    {
        int connected = ( !client1 || netcode_client_state( client1 ) == NETCODE_CLIENT_STATE_CONNECTED )
                     && ( !client2 || netcode_client_state( client2 ) == NETCODE_CLIENT_STATE_CONNECTED );
        if ( connected )
            return 1;
        tick( server, client1, client2 );
    }
    return 0;
}

static inline void fill( uint8_t * data, int bytes, int seed )
{
    int i;
    for ( i = 0; i < bytes; i++ )
        data[i] = (uint8_t) ( i * 7 + bytes + seed * 31 );
}

static inline int filled( const uint8_t * data, int bytes, int seed )
{
    int i;
    for ( i = 0; i < bytes; i++ )
    {
        if ( data[i] != (uint8_t) ( i * 7 + bytes + seed * 31 ) )
            return 0;
    }
    return 1;
}

/* One payload of that size each way. */
static inline int exchange( struct netcode_server_t * server, struct netcode_client_t * client, int bytes, int seed )
{
    uint8_t data[NETCODE_MAX_PACKET_SIZE];
    int slot = netcode_client_index( client ), got_up = 0, got_down = 0, i, received_bytes;
    uint64_t sequence;
    uint8_t * packet;
    fill( data, bytes, seed );
    netcode_client_send_packet( client, data, bytes );
    fill( data, bytes, seed + 1 );
    netcode_server_send_packet( server, slot, data, bytes );
    for ( i = 0; i < MAX_TICKS && !( got_up && got_down ); i++ )
    {
        tick( server, client, NULL );
        while ( ( packet = netcode_server_receive_packet( server, slot, &received_bytes, &sequence ) ) != NULL )
        {
            got_up += received_bytes == bytes && filled( packet, bytes, seed );
            netcode_server_free_packet( server, packet );
        }
        while ( ( packet = netcode_client_receive_packet( client, &received_bytes, &sequence ) ) != NULL )
        {
            got_down += received_bytes == bytes && filled( packet, bytes, seed + 1 );
            netcode_client_free_packet( client, packet );
        }
    }
    return got_up == 1 && got_down == 1;
}

/* A server on a port of the system's choice, and a client connected to it. */
struct pair_t
{
    struct netcode_server_t * server;
    struct netcode_client_t * client;
    int server_socket;
    int client_socket;
    int port;
};

static inline int open_pair( struct pair_t * pair, int family, int timeout_seconds )
{
    memset( pair, 0, sizeof( *pair ) );
    note_descriptors();
    pair->server = create_server( address_text( family, 0 ), NULL );
    if ( !CHECK( pair->server != NULL ) )
        return 0;
    pair->server_socket = new_socket( family );
    pair->port = netcode_server_get_port( pair->server );
    note_descriptors();
    pair->client = create_client( address_text( family, 0 ), NULL );
    if ( !CHECK( pair->client != NULL ) )
    {
        netcode_server_destroy( pair->server );
        return 0;
    }
    pair->client_socket = new_socket( family );
    CHECK( pair->server_socket >= 0 );
    CHECK( pair->client_socket >= 0 );
    netcode_server_start( pair->server, 4 );
    connect_to( pair->client, address_text( family, pair->port ), 1000, timeout_seconds );
    CHECK( wait_connected( pair->server, pair->client, NULL ) );
    return 1;
}

static inline void close_pair( struct pair_t * pair )
{
    netcode_client_destroy( pair->client );
    netcode_server_destroy( pair->server );
}

/* ---- programs ---- */

static inline void sockets_begin( int argc, char ** argv )
{
    int ipv6 = plain_socket( AF_INET6, 0, 0 );
    have_ipv6 = ipv6 >= 0;
    if ( have_ipv6 )
        close( ipv6 );
    else
        printf( "SKIPPED everything about IPv6: this host has no ::1\n" );
    tests_begin( argc, argv );
    netcode_set_assert_function( count_assert );
    netcode_init();
    netcode_random_bytes( private_key, (int) sizeof( private_key ) );
}

static inline int sockets_done( void )
{
    CHECK_EQUAL( asserts_seen, 0 );
    netcode_term();
    return tests_done();
}

#endif
