/*
 * Which sockets the library opens: in which family, on which port and with which options; and that clients and
 * servers of both families reach each other over them.
 */
#include "sockets.h"

static int skip_without_ipv6( const char * test )
{
    if ( have_ipv6 )
        return 0;
    printf( "SKIPPED %s: this host has no ::1\n", test );
    CHECK( 1 );
    return 1;
}

static void check_exchanges( struct netcode_server_t * server, struct netcode_client_t * client )
{
    static const int sizes[] = { 1, 2, 17, 255, 256, 1000, 1199, 1200 };
    int i;
    for ( i = 0; i < (int) ( sizeof( sizes ) / sizeof( sizes[0] ) ); i++ )
        CHECK( exchange( server, client, sizes[i], i ) );
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

int main( int argc, char ** argv )
{
    sockets_begin( argc, argv );
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
    TEST( packets_are_not_tagged_by_default );
    TEST( packet_tagging_is_expedited_forwarding );
    return sockets_done();
}
