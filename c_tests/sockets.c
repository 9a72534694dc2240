/*
 * Real UDP sockets on the loopback interface.
 *
 * The objects live in virtual time; waiting for the kernel is a bounded number of updates with a millisecond
 * between them. Sockets of the library are found by looking at which descriptors a create opens.
 */
#if !defined( _DEFAULT_SOURCE )
#define _DEFAULT_SOURCE
#endif
#if !defined( _DARWIN_C_SOURCE )
#define _DARWIN_C_SOURCE
#endif

#include <netcode.h>
#include "test.h"
#include "asserts.h"
#include "hooks.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/resource.h>
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

static int is_open( int descriptor )
{
    return fcntl( descriptor, F_GETFD ) != -1;
}

static int open_descriptors( void )
{
    int i, count = 0;
    for ( i = 0; i < MAX_DESCRIPTORS; i++ )
        count += is_open( i );
    return count;
}

static void note_descriptors( void )
{
    int i;
    for ( i = 0; i < MAX_DESCRIPTORS; i++ )
        was_open[i] = (uint8_t) is_open( i );
}

static int family_of( int descriptor, struct sockaddr_storage * address )
{
    socklen_t size = sizeof( *address );
    memset( address, 0, sizeof( *address ) );
    if ( getsockname( descriptor, (struct sockaddr *) address, &size ) != 0 )
        return -1;
    return address->ss_family;
}

/* The socket of this family that was opened since note_descriptors; -1 if there is not exactly one. */
static int new_socket( int family )
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

static socklen_t loopback_address( int family, int any, int port, struct sockaddr_storage * storage )
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

static int port_of( int descriptor )
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
static int plain_socket( int family, int any, int port )
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

static int send_plain( int descriptor, int family, int port, const void * data, size_t bytes )
{
    struct sockaddr_storage address;
    socklen_t size = loopback_address( family, 0, port, &address );
    return (int) sendto( descriptor, data, bytes, 0, (struct sockaddr *) &address, size );
}

/* A port that is free in both families now, and that the system does not give to others who ask for port 0:
   those are above 32767. Only another run of this test might take it, and hardly ever does. */
static int free_port( void )
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

static const char * address_text( int family, int port )
{
    static char text[4][64];
    static int next;
    next = ( next + 1 ) % 4;
    snprintf( text[next], sizeof( text[next] ), family == AF_INET ? "127.0.0.1:%d" : "[::1]:%d", port );
    return text[next];
}

static void default_server_config( struct netcode_server_config_t * config )
{
    memset( config, 0, sizeof( *config ) );
    netcode_default_server_config( config );
    config->protocol_id = PROTOCOL_ID;
    memcpy( config->private_key, private_key, sizeof( private_key ) );
}

static struct netcode_server_t * create_server( const char * address1, const char * address2 )
{
    struct netcode_server_config_t config;
    default_server_config( &config );
    return address2 ? netcode_server_create_dual( address1, address2, &config, now_seconds ) : netcode_server_create( address1, &config, now_seconds );
}

static struct netcode_client_t * create_client( const char * address1, const char * address2 )
{
    struct netcode_client_config_t config;
    memset( &config, 0, sizeof( config ) );
    netcode_default_client_config( &config );
    return address2 ? netcode_client_create_dual( address1, address2, &config, now_seconds ) : netcode_client_create( address1, &config, now_seconds );
}

static void connect_to( struct netcode_client_t * client, const char * address, uint64_t id, int timeout_seconds )
{
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    CHECK_EQUAL( netcode_generate_connect_token( 1, &address, &address, -1, timeout_seconds, id, PROTOCOL_ID, private_key, NULL, token ), NETCODE_OK );
    netcode_client_connect( client, token );
}

/* One step of time for a server and up to two clients, any of them NULL; then a little for the kernel. */
static void tick( struct netcode_server_t * server, struct netcode_client_t * client1, struct netcode_client_t * client2 )
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

static int wait_connected( struct netcode_server_t * server, struct netcode_client_t * client1, struct netcode_client_t * client2 )
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

static void fill( uint8_t * data, int bytes, int seed )
{
    int i;
    for ( i = 0; i < bytes; i++ )
        data[i] = (uint8_t) ( i * 7 + bytes + seed * 31 );
}

static int filled( const uint8_t * data, int bytes, int seed )
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
static int exchange( struct netcode_server_t * server, struct netcode_client_t * client, int bytes, int seed )
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

static void check_exchanges( struct netcode_server_t * server, struct netcode_client_t * client )
{
    static const int sizes[] = { 1, 2, 17, 255, 256, 1000, 1199, 1200 };
    int i;
    for ( i = 0; i < (int) ( sizeof( sizes ) / sizeof( sizes[0] ) ); i++ )
        CHECK( exchange( server, client, sizes[i], i ) );
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

static int open_pair( struct pair_t * pair, int family, int timeout_seconds )
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

static void close_pair( struct pair_t * pair )
{
    netcode_client_destroy( pair->client );
    netcode_server_destroy( pair->server );
}

static int skip_without_ipv6( const char * test )
{
    if ( have_ipv6 )
        return 0;
    printf( "SKIPPED %s: this host has no ::1\n", test );
    CHECK( 1 );
    return 1;
}

/* ---- connecting ---- */

static void ipv4_client_and_server_exchange_payloads( void )
{
    struct pair_t pair;
    REQUIRE( open_pair( &pair, AF_INET, -1 ) );
    check_exchanges( pair.server, pair.client );
    close_pair( &pair );
}

static void ipv6_client_and_server_exchange_payloads( void )
{
    struct pair_t pair;
    if ( skip_without_ipv6( __func__ ) )
        return;
    REQUIRE( open_pair( &pair, AF_INET6, -1 ) );
    check_exchanges( pair.server, pair.client );
    close_pair( &pair );
}

static void dual_stack_server_takes_ipv4_and_ipv6_clients( void )
{
    struct netcode_server_t * server;
    struct netcode_client_t * ipv4, * ipv6;
    struct netcode_address_t * address;
    int port, order;
    if ( skip_without_ipv6( __func__ ) )
        return;
    for ( order = 0; order < 2; order++ )
    {
        port = free_port();
        server = order ? create_server( address_text( AF_INET6, port ), address_text( AF_INET, port ) )
                       : create_server( address_text( AF_INET, port ), address_text( AF_INET6, port ) );
        ipv4 = create_client( "127.0.0.1:0", NULL );
        ipv6 = create_client( "[::1]:0", NULL );
        REQUIRE( server && ipv4 && ipv6 );
        CHECK_EQUAL( netcode_server_get_port( server ), port );
        netcode_server_start( server, 4 );
        connect_to( ipv4, address_text( AF_INET, port ), 4, -1 );
        connect_to( ipv6, address_text( AF_INET6, port ), 6, -1 );
        CHECK( wait_connected( server, ipv4, ipv6 ) );
        CHECK_EQUAL( netcode_server_num_connected_clients( server ), 2 );
        address = netcode_server_client_address( server, netcode_client_index( ipv4 ) );
        CHECK( address && address->type == NETCODE_ADDRESS_IPV4 );
        address = netcode_server_client_address( server, netcode_client_index( ipv6 ) );
        CHECK( address && address->type == NETCODE_ADDRESS_IPV6 );
        check_exchanges( server, ipv4 );
        check_exchanges( server, ipv6 );
        netcode_client_destroy( ipv4 );
        netcode_client_destroy( ipv6 );
        netcode_server_destroy( server );
    }
}

static void dual_stack_client_reaches_servers_of_both_families( void )
{
    struct netcode_server_t * ipv4, * ipv6;
    struct netcode_client_t * client;
    int round;
    if ( skip_without_ipv6( __func__ ) )
        return;
    ipv4 = create_server( "127.0.0.1:0", NULL );
    ipv6 = create_server( "[::1]:0", NULL );
    client = create_client( "0.0.0.0:0", "[::]:0" );
    REQUIRE( ipv4 && ipv6 && client );
    netcode_server_start( ipv4, 4 );
    netcode_server_start( ipv6, 4 );
    for ( round = 0; round < 2; round++ )
    {
        connect_to( client, address_text( AF_INET, netcode_server_get_port( ipv4 ) ), 1, -1 );
        CHECK( wait_connected( ipv4, client, NULL ) );
        CHECK( exchange( ipv4, client, 100, round ) );
        netcode_client_disconnect( client );
        connect_to( client, address_text( AF_INET6, netcode_server_get_port( ipv6 ) ), 1, -1 );
        CHECK( wait_connected( ipv6, client, NULL ) );
        CHECK( exchange( ipv6, client, 100, round ) );
        netcode_client_disconnect( client );
        tick( ipv4, client, NULL );
        tick( ipv6, client, NULL );
    }
    netcode_client_destroy( client );
    netcode_server_destroy( ipv4 );
    netcode_server_destroy( ipv6 );
}

/* ---- ports and binding ---- */

static void port_zero_becomes_a_real_port( void )
{
    struct pair_t pair;
    struct netcode_address_t * seen;
    REQUIRE( open_pair( &pair, AF_INET, -1 ) );
    /* tokens name the port that get_port gave, and the server took them for its own */
    CHECK( pair.port != 0 );
    CHECK_EQUAL( pair.port, port_of( pair.server_socket ) );
    CHECK( netcode_client_get_port( pair.client ) != 0 );
    CHECK_EQUAL( netcode_client_get_port( pair.client ), port_of( pair.client_socket ) );
    seen = netcode_server_client_address( pair.server, netcode_client_index( pair.client ) );
    REQUIRE( seen != NULL );
    CHECK_EQUAL( seen->port, netcode_client_get_port( pair.client ) );
    close_pair( &pair );
}

static void ipv6_port_zero_becomes_a_real_port( void )
{
    struct pair_t pair;
    if ( skip_without_ipv6( __func__ ) )
        return;
    REQUIRE( open_pair( &pair, AF_INET6, -1 ) );
    CHECK( pair.port != 0 );
    CHECK_EQUAL( pair.port, port_of( pair.server_socket ) );
    CHECK_EQUAL( netcode_client_get_port( pair.client ), port_of( pair.client_socket ) );
    close_pair( &pair );
}

static void given_ports_are_kept( void )
{
    int port = free_port();
    struct netcode_server_t * server = create_server( address_text( AF_INET, port ), NULL );
    struct netcode_client_t * client;
    REQUIRE( server != NULL );
    CHECK_EQUAL( netcode_server_get_port( server ), port );
    netcode_server_destroy( server );
    /* the port is free again at once */
    client = create_client( address_text( AF_INET, port ), NULL );
    REQUIRE( client != NULL );
    CHECK_EQUAL( netcode_client_get_port( client ), port );
    netcode_client_destroy( client );
}

static void get_port_of_a_dual_object_follows_its_first_address( void )
{
    int port1, port2;
    struct netcode_server_t * server;
    struct netcode_client_t * client;
    if ( skip_without_ipv6( __func__ ) )
        return;
    port1 = free_port();
    do
        port2 = free_port();
    while ( port2 == port1 );
    server = create_server( address_text( AF_INET, port1 ), address_text( AF_INET6, port2 ) );
    REQUIRE( server != NULL );
    CHECK_EQUAL( netcode_server_get_port( server ), port1 );
    netcode_server_destroy( server );
    server = create_server( address_text( AF_INET6, port1 ), address_text( AF_INET, port2 ) );
    REQUIRE( server != NULL );
    CHECK_EQUAL( netcode_server_get_port( server ), port1 );
    netcode_server_destroy( server );
    client = create_client( address_text( AF_INET, port1 ), address_text( AF_INET6, port2 ) );
    REQUIRE( client != NULL );
    CHECK_EQUAL( netcode_client_get_port( client ), port1 );
    netcode_client_destroy( client );
    client = create_client( address_text( AF_INET6, port1 ), address_text( AF_INET, port2 ) );
    REQUIRE( client != NULL );
    CHECK_EQUAL( netcode_client_get_port( client ), port1 );
    netcode_client_destroy( client );
}

static void clients_bind_to_their_address_and_servers_to_the_wildcard( void )
{
    struct sockaddr_storage address;
    struct pair_t pair;
    REQUIRE( open_pair( &pair, AF_INET, -1 ) );
    CHECK_EQUAL( family_of( pair.client_socket, &address ), AF_INET );
    CHECK( ( (struct sockaddr_in *) &address )->sin_addr.s_addr == htonl( INADDR_LOOPBACK ) );
    CHECK_EQUAL( family_of( pair.server_socket, &address ), AF_INET );
    CHECK( ( (struct sockaddr_in *) &address )->sin_addr.s_addr == htonl( INADDR_ANY ) );
    close_pair( &pair );
    if ( !have_ipv6 )
        return;
    REQUIRE( open_pair( &pair, AF_INET6, -1 ) );
    CHECK_EQUAL( family_of( pair.client_socket, &address ), AF_INET6 );
    CHECK( memcmp( &( (struct sockaddr_in6 *) &address )->sin6_addr, &in6addr_loopback, 16 ) == 0 );
    CHECK_EQUAL( family_of( pair.server_socket, &address ), AF_INET6 );
    CHECK( memcmp( &( (struct sockaddr_in6 *) &address )->sin6_addr, &in6addr_any, 16 ) == 0 );
    close_pair( &pair );
}

static int int_option( int descriptor, int level, int option )
{
    int value = -1;
    socklen_t size = sizeof( value );
    if ( getsockopt( descriptor, level, option, &value, &size ) != 0 )
        return -1;
    return value;
}

static void check_socket_options( int family )
{
    struct pair_t pair;
    int i;
    REQUIRE( open_pair( &pair, family, -1 ) );
    for ( i = 0; i < 2; i++ )
    {
        int descriptor = i ? pair.client_socket : pair.server_socket;
        CHECK_EQUAL( int_option( descriptor, SOL_SOCKET, SO_TYPE ), SOCK_DGRAM );
        CHECK( fcntl( descriptor, F_GETFL ) & O_NONBLOCK );
        CHECK( fcntl( descriptor, F_GETFD ) & FD_CLOEXEC );
        if ( family == AF_INET6 )
            CHECK_EQUAL( int_option( descriptor, IPPROTO_IPV6, IPV6_V6ONLY ) != 0, 1 );
    }
    close_pair( &pair );
}

static void sockets_are_non_blocking_and_closed_on_exec( void )
{
    check_socket_options( AF_INET );
    if ( have_ipv6 )
        check_socket_options( AF_INET6 );
}

static void socket_buffers_are_as_large_as_the_system_gives( void )
{
    /* what a plain socket gets that asks for 4 MiB, and if refused for half of it and so on */
    static const int options[] = { SO_SNDBUF, SO_RCVBUF };
    struct pair_t pair;
    int i, plain = plain_socket( AF_INET, 0, 0 );
    REQUIRE( plain >= 0 );
    REQUIRE( open_pair( &pair, AF_INET, -1 ) );
    for ( i = 0; i < 2; i++ )
    {
        int size = 4 * 1024 * 1024, given;
        while ( setsockopt( plain, SOL_SOCKET, options[i], &size, sizeof( size ) ) != 0 && size > 256 * 1024 )
            size /= 2;
        given = int_option( plain, SOL_SOCKET, options[i] );
        CHECK( int_option( pair.server_socket, SOL_SOCKET, options[i] ) >= given );
        CHECK( int_option( pair.client_socket, SOL_SOCKET, options[i] ) >= given );
    }
    close_pair( &pair );
    close( plain );
}

static void destroy_closes_the_sockets( void )
{
    int before = open_descriptors();
    struct netcode_server_t * server = create_server( "127.0.0.1:0", have_ipv6 ? "[::1]:0" : NULL );
    struct netcode_client_t * client = create_client( "127.0.0.1:0", have_ipv6 ? "[::1]:0" : NULL );
    REQUIRE( server && client );
    CHECK_EQUAL( open_descriptors() - before, have_ipv6 ? 4 : 2 );
    netcode_server_start( server, 4 );
    netcode_server_stop( server );
    netcode_client_destroy( client );
    netcode_server_destroy( server );
    CHECK_EQUAL( open_descriptors(), before );
}

/* ---- create errors ---- */

static void ignore_send( void * context, struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    (void) context;
    (void) to;
    (void) data;
    (void) bytes;
}

static int receive_none( void * context, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    (void) context;
    (void) from;
    (void) data;
    (void) max_bytes;
    return 0;
}

static void check_client_error( const char * address1, const char * address2, int error )
{
    int before = open_descriptors();
    struct netcode_client_t * client = create_client( address1, address2 );
    CHECK( client == NULL );
    CHECK_EQUAL( netcode_client_create_error(), error );
    if ( client )
        netcode_client_destroy( client );
    CHECK_EQUAL( open_descriptors(), before );
}

static void check_server_error( const char * address1, const char * address2, int error )
{
    int before = open_descriptors();
    struct netcode_server_t * server = create_server( address1, address2 );
    CHECK( server == NULL );
    CHECK_EQUAL( netcode_server_create_error(), error );
    if ( server )
        netcode_server_destroy( server );
    CHECK_EQUAL( open_descriptors(), before );
}

static void bad_addresses_are_create_errors( void )
{
    static const char * bad[] = { "", "nonsense", "127.0.0.1:99999", "1.2.3", "localhost:40000", "[::1]x" };
    int i;
    for ( i = 0; i < 6; i++ )
    {
        check_client_error( bad[i], NULL, NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS_FAILED );
        check_client_error( bad[i], "[::1]:0", NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS_FAILED );
        check_client_error( "127.0.0.1:0", bad[i], NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS2_FAILED );
        check_server_error( bad[i], NULL, NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS_FAILED );
        check_server_error( bad[i], "[::1]:0", NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS_FAILED );
        check_server_error( "127.0.0.1:0", bad[i], NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS2_FAILED );
    }
}

static void missing_overrides_are_create_errors( void )
{
    struct netcode_client_config_t client_config;
    struct netcode_server_config_t server_config;
    int missing;
    for ( missing = 1; missing <= 3; missing++ )
    {
        memset( &client_config, 0, sizeof( client_config ) );
        netcode_default_client_config( &client_config );
        client_config.override_send_and_receive = 1;
        client_config.send_packet_override = missing & 1 ? NULL : ignore_send;
        client_config.receive_packet_override = missing & 2 ? NULL : receive_none;
        CHECK_TOLERATED( CHECK( netcode_client_create( "127.0.0.1:0", &client_config, now_seconds ) == NULL ) );
        CHECK_EQUAL( netcode_client_create_error(), NETCODE_CLIENT_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK );
        default_server_config( &server_config );
        server_config.override_send_and_receive = 1;
        server_config.send_packet_override = missing & 1 ? NULL : ignore_send;
        server_config.receive_packet_override = missing & 2 ? NULL : receive_none;
        CHECK_TOLERATED( CHECK( netcode_server_create( "127.0.0.1:0", &server_config, now_seconds ) == NULL ) );
        CHECK_EQUAL( netcode_server_create_error(), NETCODE_SERVER_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK );
    }
    asserts_seen = 0;
}

/* Creates with the n-th allocation failing; whether it was created after all. */
static int create_with_failure( int server, int n, const char * address2 )
{
    struct netcode_client_config_t client_config;
    struct netcode_server_config_t server_config;
    struct netcode_client_t * created_client = NULL;
    struct netcode_server_t * created_server = NULL;
    struct hooks hooks;
    int before = open_descriptors(), created;
    hooks_begin( &hooks );
    hooks.fail_at = n;
    if ( server )
    {
        default_server_config( &server_config );
        server_config.allocator_context = &hooks;
        server_config.allocate_function = hooks_allocate;
        server_config.free_function = hooks_free;
        created_server = address2 ? netcode_server_create_dual( "127.0.0.1:0", address2, &server_config, now_seconds )
                                  : netcode_server_create( "127.0.0.1:0", &server_config, now_seconds );
        if ( !created_server )
            CHECK_EQUAL( netcode_server_create_error(), NETCODE_SERVER_CREATE_ERROR_ALLOCATE_SERVER_FAILED );
    }
    else
    {
        memset( &client_config, 0, sizeof( client_config ) );
        netcode_default_client_config( &client_config );
        client_config.allocator_context = &hooks;
        client_config.allocate_function = hooks_allocate;
        client_config.free_function = hooks_free;
        created_client = address2 ? netcode_client_create_dual( "127.0.0.1:0", address2, &client_config, now_seconds )
                                  : netcode_client_create( "127.0.0.1:0", &client_config, now_seconds );
        if ( !created_client )
            CHECK_EQUAL( netcode_client_create_error(), NETCODE_CLIENT_CREATE_ERROR_ALLOCATE_CLIENT_FAILED );
    }
    created = created_client || created_server;
    CHECK_EQUAL( created, hooks.failures == 0 );
    if ( created_client )
        netcode_client_destroy( created_client );
    if ( created_server )
        netcode_server_destroy( created_server );
    CHECK_EQUAL( open_descriptors(), before );
    hooks_end( &hooks );
    return created;
}

static void a_failing_allocator_is_a_create_error( void )
{
    /* whichever allocation fails, the sockets that are open by then are closed again */
    int server, dual, n;
    for ( server = 0; server <= 1; server++ )
    {
        for ( dual = 0; dual <= have_ipv6; dual++ )
        {
            for ( n = 1; n < 1000 && !create_with_failure( server, n, dual ? "[::1]:0" : NULL ); n++ )
                ;
            CHECK( n > 1 && n < 1000 );
        }
    }
}

static void a_port_in_use_is_a_create_error( void )
{
    int ipv4 = plain_socket( AF_INET, 1, 0 ), ipv6 = have_ipv6 ? plain_socket( AF_INET6, 1, 0 ) : -1;
    REQUIRE( ipv4 >= 0 );
    check_client_error( address_text( AF_INET, port_of( ipv4 ) ), NULL, NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED );
    check_server_error( address_text( AF_INET, port_of( ipv4 ) ), NULL, NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV4_FAILED );
    if ( have_ipv6 && CHECK( ipv6 >= 0 ) )
    {
        check_client_error( address_text( AF_INET6, port_of( ipv6 ) ), NULL, NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED );
        check_server_error( address_text( AF_INET6, port_of( ipv6 ) ), NULL, NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV6_FAILED );
        /* the second socket of two; the first must not be left open */
        check_client_error( "127.0.0.1:0", address_text( AF_INET6, port_of( ipv6 ) ), NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED );
        check_server_error( "127.0.0.1:0", address_text( AF_INET6, port_of( ipv6 ) ), NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV6_FAILED );
        check_client_error( "[::1]:0", address_text( AF_INET, port_of( ipv4 ) ), NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED );
        check_server_error( "[::1]:0", address_text( AF_INET, port_of( ipv4 ) ), NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV4_FAILED );
    }
    close( ipv4 );
    if ( ipv6 >= 0 )
        close( ipv6 );
}

static void an_address_of_another_host_is_a_client_create_error( void )
{
    /* 192.0.2.0/24 and 2001:db8::/32 are documentation: nobody has them */
    check_client_error( "192.0.2.1:0", NULL, NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED );
    if ( have_ipv6 )
        check_client_error( "[2001:db8::1]:0", NULL, NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED );
}

static void servers_may_be_known_by_an_address_of_another_host( void )
{
    /* behind a translating router the public address is not one of ours; the socket binds to the wildcard */
    struct netcode_server_t * server = create_server( "192.0.2.1:0", NULL );
    REQUIRE( server != NULL );
    CHECK( netcode_server_get_port( server ) != 0 );
    netcode_server_destroy( server );
}

static void running_out_of_descriptors_is_a_create_error( void )
{
    struct rlimit old_limit, limit;
    int lowest;
    REQUIRE( getrlimit( RLIMIT_NOFILE, &old_limit ) == 0 );
    lowest = dup( 0 );
    REQUIRE( lowest >= 0 );
    close( lowest );
    limit = old_limit;
    limit.rlim_cur = (rlim_t) lowest; /* descriptors are below the limit, and all below this one are taken */
    REQUIRE( setrlimit( RLIMIT_NOFILE, &limit ) == 0 );
    check_client_error( "127.0.0.1:0", NULL, NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED );
    check_client_error( "[::1]:0", NULL, NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED );
    check_server_error( "127.0.0.1:0", NULL, NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED );
    check_server_error( "[::1]:0", NULL, NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED );
    setrlimit( RLIMIT_NOFILE, &old_limit );
}

static void a_successful_create_clears_the_error( void )
{
    struct netcode_client_t * client;
    struct netcode_server_t * server;
    check_client_error( "nonsense", NULL, NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS_FAILED );
    check_server_error( "nonsense", NULL, NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS_FAILED );
    client = create_client( "127.0.0.1:0", NULL );
    CHECK( client != NULL );
    CHECK_EQUAL( netcode_client_create_error(), NETCODE_CLIENT_CREATE_ERROR_NONE );
    /* one does not touch the other's */
    CHECK_EQUAL( netcode_server_create_error(), NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS_FAILED );
    server = create_server( "127.0.0.1:0", NULL );
    CHECK( server != NULL );
    CHECK_EQUAL( netcode_server_create_error(), NETCODE_SERVER_CREATE_ERROR_NONE );
    netcode_client_destroy( client );
    netcode_server_destroy( server );
}

/* ---- hostile and unlucky datagrams ---- */

/* 200 ticks with eight empty datagrams before each: the reference reads one of them a tick and nothing else. */
static void check_empty_datagrams( int family, int at_server )
{
    struct pair_t pair;
    uint8_t data[100];
    int stranger = plain_socket( family, 0, 0 ), received = 0, i, j, bytes, port;
    REQUIRE( stranger >= 0 );
    REQUIRE( open_pair( &pair, family, 1 ) );
    port = at_server ? pair.port : netcode_client_get_port( pair.client );
    for ( i = 0; i < 400 && ( i < 200 || received < 200 ); i++ )
    {
        uint8_t * packet;
        if ( i < 200 )
        {
            for ( j = 0; j < 8; j++ )
                CHECK_EQUAL( send_plain( stranger, family, port, "", 0 ), 0 );
            fill( data, (int) sizeof( data ), i );
            if ( at_server )
                netcode_client_send_packet( pair.client, data, (int) sizeof( data ) );
            else
                netcode_server_send_packet( pair.server, 0, data, (int) sizeof( data ) );
        }
        tick( pair.server, pair.client, NULL );
        while ( ( packet = at_server ? netcode_server_receive_packet( pair.server, 0, &bytes, NULL ) : netcode_client_receive_packet( pair.client, &bytes, NULL ) ) != NULL )
        {
            received++;
            if ( at_server )
                netcode_server_free_packet( pair.server, packet );
            else
                netcode_client_free_packet( pair.client, packet );
        }
    }
    CHECK_EQUAL( received, 200 );
    CHECK_EQUAL( netcode_client_state( pair.client ), NETCODE_CLIENT_STATE_CONNECTED );
    CHECK_EQUAL( netcode_server_num_connected_clients( pair.server ), 1 );
    close_pair( &pair );
    close( stranger );
}

static void empty_datagrams_do_not_starve_a_server( void )
{
    check_empty_datagrams( AF_INET, 1 );
    if ( have_ipv6 )
        check_empty_datagrams( AF_INET6, 1 );
}

static void empty_datagrams_do_not_starve_a_client( void )
{
    check_empty_datagrams( AF_INET, 0 );
    if ( have_ipv6 )
        check_empty_datagrams( AF_INET6, 0 );
}

static void datagrams_of_any_size_are_survived( void )
{
    static const int sizes[] = { 1, 2, 16, 17, 18, 19, 1077, 1078, 1079, 1300, 1301, 1302, 1500, 9000, 65507 };
    struct pair_t pair;
    uint8_t * data = (uint8_t *) malloc( 65507 );
    int stranger = plain_socket( AF_INET, 0, 0 ), i, prefix;
    REQUIRE( data != NULL && stranger >= 0 );
    REQUIRE( open_pair( &pair, AF_INET, -1 ) );
    for ( i = 0; i < (int) ( sizeof( sizes ) / sizeof( sizes[0] ) ); i++ )
    {
        for ( prefix = 0; prefix < 256; prefix += 17 )
        {
            memset( data, prefix, (size_t) sizes[i] );
            CHECK_EQUAL( send_plain( stranger, AF_INET, pair.port, data, (size_t) sizes[i] ), sizes[i] );
            CHECK_EQUAL( send_plain( stranger, AF_INET, netcode_client_get_port( pair.client ), data, (size_t) sizes[i] ), sizes[i] );
            now_seconds += TICK;
            netcode_server_update( pair.server, now_seconds );
            netcode_client_update( pair.client, now_seconds );
        }
        CHECK( exchange( pair.server, pair.client, 500, i ) );
    }
    CHECK_EQUAL( netcode_server_num_connected_clients( pair.server ), 1 );
    close_pair( &pair );
    close( stranger );
    free( data );
}

static int messages;

static int count_messages( const char * format, ... )
{
    (void) format;
    messages++;
    return 0;
}

/* What is looked at and ignored is told of; what is larger is not. One that is told of comes last, to wait for. */
static void datagrams_of_up_to_1300_bytes_are_looked_at( void )
{
    static const int sizes[] = { 18, 1299, 1300, 1301, 1302, 2000 };
    static uint8_t data[2000];
    struct netcode_server_t * server = create_server( "127.0.0.1:0", NULL );
    int stranger = plain_socket( AF_INET, 0, 0 ), i, wait;
    REQUIRE( server != NULL && stranger >= 0 );
    netcode_server_start( server, 1 );
    memset( data, 0x15, sizeof( data ) );
    netcode_set_printf_function( count_messages );
    netcode_log_level( NETCODE_LOG_LEVEL_DEBUG );
    for ( i = 0; i < (int) ( sizeof( sizes ) / sizeof( sizes[0] ) ); i++ )
    {
        int expected = sizes[i] <= 1300 ? 2 : 1;
        messages = 0;
        CHECK_EQUAL( send_plain( stranger, AF_INET, netcode_server_get_port( server ), data, (size_t) sizes[i] ), sizes[i] );
        CHECK_EQUAL( send_plain( stranger, AF_INET, netcode_server_get_port( server ), data, 18 ), 18 );
        for ( wait = 0; wait < MAX_TICKS && messages < expected; wait++ )
        {
            netcode_server_update( server, now_seconds );
            netcode_sleep( 0.001 );
        }
        netcode_server_update( server, now_seconds );
        CHECK_EQUAL( messages, expected );
    }
    netcode_log_level( NETCODE_LOG_LEVEL_NONE );
    netcode_set_printf_function( printf );
    netcode_server_destroy( server );
    close( stranger );
}

static void a_closed_port_does_not_stop_a_client( void )
{
    /* the kernel answers each request with "port unreachable" until the server is there */
    struct netcode_client_t * client = create_client( "127.0.0.1:0", NULL );
    struct netcode_server_t * server;
    int port = free_port(), i;
    REQUIRE( client != NULL );
    connect_to( client, address_text( AF_INET, port ), 1, -1 );
    for ( i = 0; i < 100; i++ )
    {
        tick( NULL, client, NULL );
        CHECK_EQUAL( netcode_client_state( client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    }
    server = create_server( address_text( AF_INET, port ), NULL );
    REQUIRE( server != NULL );
    netcode_server_start( server, 4 );
    CHECK( wait_connected( server, client, NULL ) );
    CHECK( exchange( server, client, 100, 0 ) );
    netcode_client_destroy( client );
    netcode_server_destroy( server );
}

static void a_vanished_client_does_not_stop_a_server( void )
{
    /* its port is closed behind its back: what the server sends there comes back as "port unreachable" */
    struct pair_t pair;
    struct netcode_client_t * other = create_client( "127.0.0.1:0", NULL );
    int i, elsewhere = socket( AF_INET, SOCK_DGRAM, 0 );
    uint8_t data[100] = { 0 };
    REQUIRE( other != NULL && elsewhere >= 0 );
    REQUIRE( open_pair( &pair, AF_INET, 1 ) );
    REQUIRE( dup2( elsewhere, pair.client_socket ) == pair.client_socket );
    close( elsewhere );
    connect_to( other, address_text( AF_INET, pair.port ), 2, -1 );
    CHECK( wait_connected( pair.server, other, NULL ) );
    for ( i = 0; i < 300; i++ )
    {
        netcode_server_send_packet( pair.server, 0, data, (int) sizeof( data ) );
        tick( pair.server, other, NULL );
    }
    CHECK( exchange( pair.server, other, 100, 0 ) );
    CHECK_EQUAL( netcode_server_client_connected( pair.server, 0 ), 0 );
    CHECK_EQUAL( netcode_server_client_disconnect_reason( pair.server, 0 ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT );
    CHECK_EQUAL( netcode_server_num_connected_clients( pair.server ), 1 );
    netcode_client_destroy( other );
    close_pair( &pair );
}

static int waiting_datagrams( int descriptor )
{
    uint8_t data[64];
    int count = 0;
    while ( recv( descriptor, data, sizeof( data ), MSG_DONTWAIT ) >= 0 )
        count++;
    return count;
}

static void a_stopped_server_empties_its_socket( void )
{
    struct netcode_server_t * server;
    int stranger = plain_socket( AF_INET, 0, 0 ), descriptor, i;
    note_descriptors();
    server = create_server( "127.0.0.1:0", NULL );
    REQUIRE( server != NULL && stranger >= 0 );
    descriptor = new_socket( AF_INET );
    REQUIRE( descriptor >= 0 );
    for ( i = 0; i < 50; i++ )
        send_plain( stranger, AF_INET, netcode_server_get_port( server ), "12345678", 8 );
    netcode_sleep( 0.01 );
    netcode_server_update( server, now_seconds += TICK );
    CHECK_EQUAL( waiting_datagrams( descriptor ), 0 );
    CHECK_EQUAL( netcode_server_running( server ), 0 );
    netcode_server_destroy( server );
    close( stranger );
}

/* What was said to one attempt must not count for the next, which may have the same token, and so the same keys. */
static void check_that_refusals_do_not_outlive_their_attempt( int updates_between )
{
    struct netcode_server_t * server = create_server( "127.0.0.1:0", NULL );
    struct netcode_client_t * first = create_client( "127.0.0.1", NULL ), * second = create_client( "127.0.0.1", NULL );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    const char * address;
    int i;
    REQUIRE( server && first && second );
    netcode_server_start( server, 1 );
    address = address_text( AF_INET, netcode_server_get_port( server ) );
    connect_to( first, address, 1, 5 );
    CHECK( wait_connected( server, first, NULL ) );

    /* asks twice, is refused twice, and reads one refusal only before it gives up */
    CHECK_EQUAL( netcode_generate_connect_token( 1, &address, &address, -1, 5, 2, PROTOCOL_ID, private_key, NULL, token ), NETCODE_OK );
    netcode_client_connect( second, token );
    for ( i = 0; i < 2; i++ )
    {
        netcode_client_update( second, now_seconds += 0.2 );
        netcode_server_update( server, now_seconds );
    }
    netcode_sleep( 0.01 );
    netcode_client_disconnect( second );
    netcode_client_disconnect( first );
    netcode_server_update( server, now_seconds );
    CHECK_EQUAL( netcode_server_num_connected_clients( server ), 0 );

    for ( i = 0; i < updates_between; i++ )
        netcode_client_update( second, now_seconds += TICK );
    netcode_client_connect( second, token );
    CHECK( wait_connected( server, NULL, second ) );
    netcode_client_destroy( first );
    netcode_client_destroy( second );
    netcode_server_destroy( server );
}

static void a_refusal_does_not_outlive_its_attempt( void )
{
    check_that_refusals_do_not_outlive_their_attempt( 0 );
    check_that_refusals_do_not_outlive_their_attempt( 1 );
}

#define FLOOD 20000

static void send_flood( int port )
{
    int stranger = plain_socket( AF_INET, 0, 0 ), sent = 0, i;
    for ( i = 0; i < FLOOD; i++ )
        sent += send_plain( stranger, AF_INET, port, "12345678123456781234567812345678", 32 ) == 32;
    CHECK_EQUAL( sent, FLOOD );
    close( stranger );
    netcode_sleep( 0.01 );
}

/* Queues more datagrams than one update may take, and returns how many one update took; -1 if the system does
   not let us have a receive buffer for so many. */
static int taken_of_a_flood( int descriptor, int port, struct netcode_server_t * server, struct netcode_client_t * client )
{
    int size = 256 * 1024 * 1024, left;
#ifdef SO_RCVBUFFORCE
    setsockopt( descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof( size ) );
#else
    setsockopt( descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof( size ) );
#endif
    send_flood( port );
    if ( waiting_datagrams( descriptor ) != FLOOD )
        return -1;
    send_flood( port );
    now_seconds += TICK;
    if ( server )
        netcode_server_update( server, now_seconds );
    else
        netcode_client_update( client, now_seconds );
    left = waiting_datagrams( descriptor );
    CHECK( left < FLOOD );
    return FLOOD - left;
}

static void a_flood_takes_a_bounded_time_of_a_server( void )
{
    struct netcode_server_t * server;
    int descriptor, taken;
    note_descriptors();
    server = create_server( "127.0.0.1:0", NULL );
    REQUIRE( server != NULL );
    netcode_server_start( server, 4 );
    descriptor = new_socket( AF_INET );
    REQUIRE( descriptor >= 0 );
    taken = taken_of_a_flood( descriptor, netcode_server_get_port( server ), server, NULL );
    if ( taken < 0 )
        printf( "SKIPPED %s: no receive buffer for a flood to be had\n", __func__ );
    CHECK( taken <= 16384 );
    CHECK( taken < 0 || taken >= 1024 );
    netcode_server_destroy( server );
}

static void a_flood_takes_a_bounded_time_of_a_client( void )
{
    struct netcode_client_t * client;
    int descriptor, taken;
    note_descriptors();
    client = create_client( "127.0.0.1:0", NULL );
    REQUIRE( client != NULL );
    descriptor = new_socket( AF_INET );
    REQUIRE( descriptor >= 0 );
    connect_to( client, address_text( AF_INET, free_port() ), 1, -1 );
    taken = taken_of_a_flood( descriptor, netcode_client_get_port( client ), NULL, client );
    if ( taken < 0 )
        printf( "SKIPPED %s: no receive buffer for a flood to be had\n", __func__ );
    CHECK( taken <= 4096 );
    CHECK( taken < 0 || taken >= 256 );
    netcode_client_destroy( client );
}

/* ---- packet tagging: last, because it cannot be switched off again ---- */

static int tag_of( int descriptor, int family )
{
    return family == AF_INET ? int_option( descriptor, IPPROTO_IP, IP_TOS ) : int_option( descriptor, IPPROTO_IPV6, IPV6_TCLASS );
}

static void check_tags( int expected )
{
    int family, round;
    for ( round = 0; round < 1 + have_ipv6; round++ )
    {
        struct pair_t pair;
        family = round ? AF_INET6 : AF_INET;
        REQUIRE( open_pair( &pair, family, -1 ) );
        CHECK_EQUAL( tag_of( pair.server_socket, family ), expected );
        CHECK_EQUAL( tag_of( pair.client_socket, family ), expected );
        CHECK( exchange( pair.server, pair.client, 100, round ) );
        close_pair( &pair );
    }
}

static void packets_are_not_tagged_by_default( void )
{
    check_tags( 0 );
}

static void packet_tagging_is_expedited_forwarding( void )
{
    /* the six bits 46 at the top of the byte, not 46 in the byte */
    netcode_enable_packet_tagging();
    check_tags( 184 );
}

/* ---- what the system refuses ---- */

static int error_lines;

static int count_error_lines( const char * format, ... )
{
    va_list arguments;
    va_start( arguments, format );
    if ( CHECK( strcmp( format, "%s" ) == 0 ) )
        error_lines += strstr( va_arg( arguments, const char * ), "error" ) != NULL;
    va_end( arguments );
    return 0;
}

static void a_send_that_the_system_refuses_is_logged_as_an_error( void )
{
    /* broadcasts are refused unless a socket asks for them */
    struct netcode_client_t * client = create_client( "0.0.0.0:0", NULL );
    REQUIRE( client != NULL );
    error_lines = 0;
    netcode_set_printf_function( count_error_lines );
    netcode_log_level( NETCODE_LOG_LEVEL_ERROR );
    connect_to( client, "255.255.255.255:40000", 1000, 5 );
    CHECK_EQUAL( error_lines, 0 );
    now_seconds += 0.2;
    netcode_client_update( client, now_seconds );
    CHECK( error_lines >= 1 );
    /* that is all that comes of it */
    CHECK_EQUAL( netcode_client_state( client ), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST );
    netcode_log_level( NETCODE_LOG_LEVEL_NONE );
    netcode_set_printf_function( NULL );
    netcode_client_destroy( client );
}

/* ---- two addresses of one family ---- */

static void check_one_socket_for_a_family( int family )
{
    int port1 = free_port(), port2, tries = 0;
    struct netcode_server_t * server;
    struct netcode_client_t * client;
    do
        port2 = free_port();
    while ( port2 == port1 && ++tries < 100 );

    note_descriptors();
    client = create_client( address_text( family, 0 ), address_text( family, 0 ) );
    REQUIRE( client != NULL );
    CHECK_EQUAL( netcode_client_create_error(), NETCODE_CLIENT_CREATE_ERROR_NONE );
    CHECK( new_socket( family ) >= 0 );
    CHECK_EQUAL( netcode_client_get_port( client ), port_of( new_socket( family ) ) );
    netcode_client_destroy( client );

    note_descriptors();
    client = create_client( address_text( family, port1 ), address_text( family, port2 ) );
    REQUIRE( client != NULL );
    CHECK_EQUAL( netcode_client_get_port( client ), port1 );
    CHECK_EQUAL( port_of( new_socket( family ) ), port1 );
    netcode_client_destroy( client );

    note_descriptors();
    server = create_server( address_text( family, port1 ), address_text( family, port2 ) );
    REQUIRE( server != NULL );
    CHECK_EQUAL( netcode_server_get_port( server ), port1 );
    CHECK_EQUAL( port_of( new_socket( family ) ), port1 );
    netcode_server_start( server, 4 );
    client = create_client( address_text( family, 0 ), address_text( family, 0 ) );
    if ( CHECK( client != NULL ) )
    {
        connect_to( client, address_text( family, port1 ), 1000, 5 );
        CHECK( wait_connected( server, client, NULL ) );
        CHECK( exchange( server, client, 100, 1 ) );
        netcode_client_destroy( client );
    }
    netcode_server_destroy( server );
}

static void two_addresses_of_a_family_use_one_socket_on_the_first( void )
{
    check_one_socket_for_a_family( AF_INET );
    if ( have_ipv6 )
        check_one_socket_for_a_family( AF_INET6 );
}

int main( int argc, char ** argv )
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
    TEST( ipv4_client_and_server_exchange_payloads );
    TEST( ipv6_client_and_server_exchange_payloads );
    TEST( dual_stack_server_takes_ipv4_and_ipv6_clients );
    TEST( dual_stack_client_reaches_servers_of_both_families );
    TEST( port_zero_becomes_a_real_port );
    TEST( ipv6_port_zero_becomes_a_real_port );
    TEST( given_ports_are_kept );
    TEST( get_port_of_a_dual_object_follows_its_first_address );
    TEST( two_addresses_of_a_family_use_one_socket_on_the_first );
    TEST( clients_bind_to_their_address_and_servers_to_the_wildcard );
    TEST( sockets_are_non_blocking_and_closed_on_exec );
    TEST( socket_buffers_are_as_large_as_the_system_gives );
    TEST( destroy_closes_the_sockets );
    TEST( bad_addresses_are_create_errors );
    TEST( missing_overrides_are_create_errors );
    TEST( a_failing_allocator_is_a_create_error );
    TEST( a_port_in_use_is_a_create_error );
    TEST( an_address_of_another_host_is_a_client_create_error );
    TEST( servers_may_be_known_by_an_address_of_another_host );
    if ( have_ipv6 )
        TEST( running_out_of_descriptors_is_a_create_error );
    TEST( a_successful_create_clears_the_error );
    TEST( empty_datagrams_do_not_starve_a_server );
    TEST( empty_datagrams_do_not_starve_a_client );
    TEST( datagrams_of_any_size_are_survived );
    TEST( datagrams_of_up_to_1300_bytes_are_looked_at );
    TEST( a_closed_port_does_not_stop_a_client );
    TEST( a_vanished_client_does_not_stop_a_server );
    TEST( a_send_that_the_system_refuses_is_logged_as_an_error );
    TEST( a_stopped_server_empties_its_socket );
    TEST( a_refusal_does_not_outlive_its_attempt );
    TEST( a_flood_takes_a_bounded_time_of_a_server );
    TEST( a_flood_takes_a_bounded_time_of_a_client );
    TEST( packets_are_not_tagged_by_default );
    TEST( packet_tagging_is_expedited_forwarding );
    CHECK_EQUAL( asserts_seen, 0 );
    netcode_term();
    return tests_done();
}
