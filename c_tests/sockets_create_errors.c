/*
 * What keeps a client or a server with sockets from being created, which error says so, and that nothing is left
 * open then.
 */
#include "sockets.h"
#include "hooks.h"
#include <sys/resource.h>

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

int main( int argc, char ** argv )
{
    sockets_begin( argc, argv );
    TEST( bad_addresses_are_create_errors );
    TEST( missing_overrides_are_create_errors );
    TEST( a_failing_allocator_is_a_create_error );
    TEST( a_port_in_use_is_a_create_error );
    TEST( an_address_of_another_host_is_a_client_create_error );
    TEST( servers_may_be_known_by_an_address_of_another_host );
    if ( have_ipv6 )
        TEST( running_out_of_descriptors_is_a_create_error );
    TEST( a_successful_create_clears_the_error );
    return sockets_done();
}
