/*
 * A host without IPv6, and one without a network, for real: in network namespaces of their own, which only root may
 * make. network.c has what a system call can be made to say; this is what it does say.
 */
#if !defined( _GNU_SOURCE )
#define _GNU_SOURCE
#endif

#include <netcode.h>
#include "test.h"

#if defined( __linux__ )

#include "faults/pair.h"
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNREACHABLE_ADDRESS "192.0.2.1:40000"   /* of no host: for documentation */
#define CANNOT 77                               /* a namespace was not to be had */

static int errors_logged;

static int count_errors( const char * format, ... )
{
    va_list arguments;
    va_start( arguments, format );
    errors_logged += strncmp( va_arg( arguments, const char * ), "error: ", 7 ) == 0;
    va_end( arguments );
    return 0;
}

static int loopback_up( void )
{
    struct ifreq request;
    int ok, descriptor = socket( AF_INET, SOCK_DGRAM, 0 );
    memset( &request, 0, sizeof( request ) );
    snprintf( request.ifr_name, sizeof( request.ifr_name ), "lo" );
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    ok = descriptor >= 0 && ioctl( descriptor, SIOCSIFFLAGS, &request ) == 0;
    if ( descriptor >= 0 )
        close( descriptor );
    return ok;
}

static int write_file( const char * path, const char * text )
{
    FILE * file = fopen( path, "w" );
    int ok = file && fputs( text, file ) >= 0;
    return file && fclose( file ) == 0 && ok;
}

/* Runs a function in a namespace of its own; its checks count there, and here as one. */
static void in_another_network( const char * what, int (*function)( void ) )
{
    int status = 0;
    pid_t child;
    fflush( NULL );
    child = fork();
    if ( child == 0 )
    {
        int result;
        alarm( 60 );
        result = unshare( CLONE_NEWNET ) == 0 ? function() : CANNOT;
        if ( result == 0 && test_failed_checks )
            result = 1;
        fflush( NULL );
        _exit( result );
    }
    REQUIRE( child > 0 && waitpid( child, &status, 0 ) == child );
    if ( WIFEXITED( status ) && WEXITSTATUS( status ) == CANNOT )
    {
        printf( "    skipped: %s takes a network namespace, so root\n", what );
        status = 0;
    }
    CHECK_EQUAL( status, 0 );
}

static int without_ipv6( void )
{
    struct netcode_client_config_t config;
    struct netcode_client_t * client;
    struct pair pair;
    if ( !loopback_up() || !write_file( "/proc/sys/net/ipv6/conf/all/disable_ipv6", "1" ) || !write_file( "/proc/sys/net/ipv6/conf/lo/disable_ipv6", "1" ) )
        return CANNOT;
    netcode_default_client_config( &config );
    client = netcode_client_create( "[::1]:0", &config, 0.0 );
    CHECK( client == NULL );
    CHECK_EQUAL( netcode_client_create_error(), NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED );
    client = netcode_client_create_dual( "127.0.0.1:0", "[::1]:0", &config, 0.0 );
    CHECK( client == NULL );
    CHECK_EQUAL( netcode_client_create_error(), NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED );
    if ( !CHECK( pair_open( &pair, "127.0.0.1" ) ) )
        return 1;
    CHECK( pair_connect( &pair ) );
    CHECK( pair_exchange( &pair, 100, 1 ) );
    pair_close( &pair );

    /* a token whose first server can only be reached by IPv6: the client goes on to the second */
    if ( CHECK( pair_open( &pair, "127.0.0.1" ) ) )
    {
        const char * addresses[2];
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
        int i;
        addresses[0] = "[2001:db8::1]:40000";
        addresses[1] = pair.address;
        CHECK( netcode_generate_connect_token( 2, addresses, addresses, PAIR_LIFETIME, 1, 1, PAIR_PROTOCOL_ID, pair_key, NULL, token ) );
        netcode_client_connect( pair.client, token );
        for ( i = 0; i < PAIR_PATIENCE && !pair_is_connected( &pair ); i++ )
            pair_step( &pair );
        CHECK( pair_is_connected( &pair ) );
    }
    pair_close( &pair );
    return 0;
}

/* No interface is up: sending says that the network is unreachable, and the client gives up in its own time. */
static int without_a_network( void )
{
    struct pair pair;
    int i;
    uint8_t data[10] = { 0 };
    if ( !pair_open( &pair, "0.0.0.0" ) )
        return CANNOT;
    snprintf( pair.address, sizeof( pair.address ), UNREACHABLE_ADDRESS );
    errors_logged = 0;
    pair_begin_to_connect( &pair );
    for ( i = 0; i < PAIR_TIMEOUT_TICKS && netcode_client_state( pair.client ) > 0; i++ )
        pair_step( &pair );
    CHECK_EQUAL( netcode_client_state( pair.client ), NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT );
    CHECK( errors_logged > 40 && errors_logged < 60 );
    netcode_client_send_packet( pair.client, data, 10 );
    /* the network is back */
    CHECK( loopback_up() );
    snprintf( pair.address, sizeof( pair.address ), "127.0.0.1:%d", netcode_server_get_port( pair.server ) );
    pair_close( &pair );
    if ( !CHECK( pair_open( &pair, "127.0.0.1" ) ) )
        return 1;
    CHECK( pair_connect( &pair ) );
    CHECK( pair_exchange( &pair, 100, 1 ) );
    pair_close( &pair );
    return 0;
}

static void a_host_without_ipv6_serves_ipv4( void )
{
    in_another_network( "a host without IPv6", without_ipv6 );
}

static void a_host_without_a_network_times_out( void )
{
    in_another_network( "a host without a network", without_a_network );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    netcode_init();
    netcode_set_printf_function( count_errors );
    netcode_log_level( NETCODE_LOG_LEVEL_ERROR );
    TEST( a_host_without_ipv6_serves_ipv4 );
    TEST( a_host_without_a_network_times_out );
    netcode_term();
    return tests_done();
}

#else

int main( void )
{
    printf( "skipped: network namespaces are Linux's\n" );
    return 0;
}

#endif
