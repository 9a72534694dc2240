/*
 * A system that refuses: sockets, their options and buffers, sending and receiving, each with every error that can
 * be expected of it, for ever or now and then. Creates report it and leave nothing open; sessions outlive it, or
 * end by their timeouts; no update takes more than a bounded number of calls.
 */
#if !defined( _DEFAULT_SOURCE )
#define _DEFAULT_SOURCE
#endif

#include <netcode.h>
#include "test.h"
#include <stdarg.h>

#if defined( __linux__ )

#include "faults/pair.h"
#include "faults/system.h"

#define MAX_CALLS ( 2 * 1024 + 64 ) /* of receiving, in an update in which all of them fail */

static int have_ipv6, have_recvmmsg, errors_logged, faults_survived, most_calls;

static int count_errors( const char * format, ... )
{
    va_list arguments;
    const char * text;
    va_start( arguments, format );
    text = va_arg( arguments, const char * );
    va_end( arguments );
    errors_logged += strncmp( text, "error: ", 7 ) == 0;
    return 0;
}

static const struct { int error; const char * name; } sending[] =
{
    { ENOBUFS, "ENOBUFS" }, { EPERM, "EPERM" }, { ENETUNREACH, "ENETUNREACH" }, { EHOSTUNREACH, "EHOSTUNREACH" },
    { EAGAIN, "EAGAIN" }, { EINTR, "EINTR" }, { ECONNREFUSED, "ECONNREFUSED" }, { EMSGSIZE, "EMSGSIZE" },
    { ENOMEM, "ENOMEM" }, { EACCES, "EACCES" }, { ENETDOWN, "ENETDOWN" }, { EINVAL, "EINVAL" }
};
#define SENDING ( (int) ( sizeof( sending ) / sizeof( sending[0] ) ) )

static const struct { int error; const char * name; } receiving[] =
{
    { ECONNREFUSED, "ECONNREFUSED" }, { EINTR, "EINTR" }, { EAGAIN, "EAGAIN" }, { ENOBUFS, "ENOBUFS" }, { ENOMEM, "ENOMEM" },
    { ENETDOWN, "ENETDOWN" }, { EHOSTUNREACH, "EHOSTUNREACH" }, { EPERM, "EPERM" }, { ENOSYS, "ENOSYS" }, { EBADF, "EBADF" }
};
#define RECEIVING ( (int) ( sizeof( receiving ) / sizeof( receiving[0] ) ) )

/* ---- sending ---- */

static void check_sending( int error, const char * host )
{
    struct pair pair;
    uint8_t data[100] = { 0 };
    int i;
    REQUIRE( pair_open( &pair, host ) );

    /* while connecting, now and then */
    system_fails( AT_SENDTO, error, 3 );
    CHECK( pair_connect( &pair ) );
    system_works();
    CHECK( pair_exchange( &pair, 100, 1 ) );

    /* while connected: all of it, for less than the timeout; every packet that is lost is an error in the log */
    errors_logged = 0;
    system_fails( AT_SENDTO, error, 1 );
    for ( i = 0; i < 100; i++ )
    {
        netcode_client_send_packet( pair.client, data, 100 );
        netcode_server_send_packet( pair.server, 0, data, 100 );
    }
    pair_pass( &pair, PAIR_TIMEOUT / 2.0 );
    CHECK( system_at[AT_SENDTO].failed >= 200 + 2 * 20 );
    CHECK_EQUAL( errors_logged, system_at[AT_SENDTO].failed );
    CHECK( pair_is_connected( &pair ) );
    system_works();
    CHECK( pair_exchange( &pair, 1200, 2 ) );

    /* for longer: both find out by themselves */
    system_fails( AT_SENDTO, error, 1 );
    pair_pass( &pair, PAIR_TIMEOUT + 1.0 );
    CHECK_EQUAL( netcode_client_state( pair.client ), NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT );
    CHECK_EQUAL( netcode_server_client_disconnect_reason( pair.server, 0 ), NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT );

    /* nothing gets out at all: the client gives up */
    pair_begin_to_connect( &pair );
    pair_pass( &pair, PAIR_TIMEOUT + 1.0 );
    CHECK_EQUAL( netcode_client_state( pair.client ), NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT );

    system_works();
    CHECK( pair_connect( &pair ) );
    CHECK( pair_exchange( &pair, 100, 3 ) );
    /* the last words may fail, too */
    system_fails( AT_SENDTO, error, 1 );
    pair_close( &pair );
    system_works();
    faults_survived++;
}

static void whatever_sending_fails_with_is_survived( void )
{
    int i, failed;
    for ( i = 0; i < SENDING; i++ )
    {
        failed = test_failed_checks;
        check_sending( sending[i].error, "127.0.0.1" );
        if ( have_ipv6 )
            check_sending( sending[i].error, "[::1]" );
        if ( test_failed_checks != failed )
            printf( "    with %s\n", sending[i].name );
    }
}

/* ---- receiving ---- */

static void receiving_fails( int error, int every )
{
    system_works();
    system_fails( AT_RECVFROM, error, every );
    system_fails( AT_RECVMMSG, error, every );
}

static void count_calls( void )
{
    int calls = system_at[AT_RECVFROM].calls + system_at[AT_RECVMMSG].calls;
    most_calls = calls > most_calls ? calls : most_calls;
    system_at[AT_RECVFROM].calls = system_at[AT_RECVMMSG].calls = 0;
}

static void check_receiving( int error, const char * host )
{
    struct pair pair;
    int i;
    REQUIRE( pair_open( &pair, host ) );

    /* Now and then: nothing is lost. Without recvmmsg all calls are counted together, and where every second failed
       it could always be the same side's. */
    receiving_fails( error, have_recvmmsg ? 2 : 5 );
    CHECK( pair_connect( &pair ) );
    for ( i = 0; i < 50; i++ )
        CHECK( pair_exchange( &pair, 1 + 20 * i, i ) );
    CHECK( system_at[AT_RECVFROM].failed > 25 );
    CHECK_EQUAL( system_at[AT_RECVMMSG].failed > 0, have_recvmmsg );
    CHECK( pair_is_connected( &pair ) );

    /* always: a bounded number of calls, and the timeout; a system that does not do recvmmsg has recvfrom */
    receiving_fails( error, 1 );
    for ( i = 0; i < 12; i++ )
    {
        pair.time += PAIR_TIMEOUT / 10.0;
        netcode_client_update( pair.client, pair.time );
        count_calls();
        netcode_server_update( pair.server, pair.time );
        count_calls();
    }
    CHECK( system_at[AT_RECVFROM].failed > 0 );
    CHECK_EQUAL( netcode_client_state( pair.client ), NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT );
    CHECK_EQUAL( netcode_server_num_connected_clients( pair.server ), 0 );
    system_works();
    CHECK( pair_connect( &pair ) );
    CHECK( pair_exchange( &pair, 100, 3 ) );
    pair_close( &pair );
    faults_survived++;
}

static void whatever_receiving_fails_with_is_survived( void )
{
    int i, failed;
    most_calls = 0;
    for ( i = 0; i < RECEIVING; i++ )
    {
        failed = test_failed_checks;
        check_receiving( receiving[i].error, "127.0.0.1" );
        if ( have_ipv6 )
            check_receiving( receiving[i].error, "[::1]" );
        if ( test_failed_checks != failed )
            printf( "    with %s\n", receiving[i].name );
    }
    CHECK( most_calls <= MAX_CALLS );
}

/* Where recvmmsg is refused, as by sandboxes and old kernels, and nothing else is. */
static void a_server_does_without_recvmmsg( void )
{
    static const int refusals[] = { ENOSYS, EPERM, EOPNOTSUPP };
    int i;
    for ( i = 0; i < 3; i++ )
    {
        struct pair pair;
        REQUIRE( pair_open( &pair, "127.0.0.1" ) );
        system_works();
        system_fails( AT_RECVMMSG, refusals[i], 1 );
        CHECK( pair_connect( &pair ) );
        CHECK( pair_exchange( &pair, 1000, i ) );
        CHECK( system_at[AT_RECVMMSG].failed <= 1 );
        pair_close( &pair );
        system_works();
    }
}

/* ---- creating ---- */

static void check_create( const char * address1, const char * address2, int server_error, int client_error )
{
    struct netcode_server_config_t server_config;
    struct netcode_client_config_t client_config;
    struct netcode_server_t * server;
    struct netcode_client_t * client;
    pair_server_config( &server_config );
    netcode_default_client_config( &client_config );
    system_opened = system_closed = 0;
    server = address2 ? netcode_server_create_dual( address1, address2, &server_config, 0.0 ) : netcode_server_create( address1, &server_config, 0.0 );
    CHECK_EQUAL( server == NULL, server_error != NETCODE_SERVER_CREATE_ERROR_NONE );
    CHECK_EQUAL( netcode_server_create_error(), server_error );
    client = address2 ? netcode_client_create_dual( address1, address2, &client_config, 0.0 ) : netcode_client_create( address1, &client_config, 0.0 );
    CHECK_EQUAL( client == NULL, client_error != NETCODE_CLIENT_CREATE_ERROR_NONE );
    CHECK_EQUAL( netcode_client_create_error(), client_error );
    if ( client )
        netcode_client_destroy( client );
    if ( server )
        netcode_server_destroy( server );
    CHECK_EQUAL( system_opened, system_closed );
    faults_survived += server_error != 0;
}

static void a_socket_that_is_refused_is_a_create_error( void )
{
    static const int errors[] = { EMFILE, ENFILE, EACCES, EPERM, ENOBUFS, ENOMEM, EAFNOSUPPORT, EPROTONOSUPPORT };
    int i;
    for ( i = 0; i < (int) ( sizeof( errors ) / sizeof( errors[0] ) ); i++ )
    {
        system_works();
        system_fails( AT_SOCKET4, errors[i], 1 );
        check_create( "127.0.0.1:0", NULL, NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED, NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED );
        system_works();
        system_fails( AT_SOCKET6, errors[i], 1 );
        check_create( "[::1]:0", NULL, NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED, NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED );
    }
    system_works();
}

/* A host without IPv6: IPv4 works, whoever asks for IPv6 too is told, and the other socket is closed again. */
static void a_host_without_ipv6_serves_ipv4( void )
{
    struct pair pair;
    system_works();
    system_fails( AT_SOCKET6, EAFNOSUPPORT, 1 );
    check_create( "127.0.0.1:0", NULL, 0, 0 );
    check_create( "127.0.0.1:0", "[::1]:0", NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED, NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED );
    CHECK_EQUAL( system_closed, 2 );
    check_create( "[::1]:0", "127.0.0.1:0", NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED, NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED );
    REQUIRE( pair_open( &pair, "127.0.0.1" ) );
    CHECK( pair_connect( &pair ) );
    CHECK( pair_exchange( &pair, 100, 0 ) );
    pair_close( &pair );
    system_works();
}

static void a_bind_that_is_refused_is_a_create_error( void )
{
    static const int errors[] = { EADDRINUSE, EADDRNOTAVAIL, EACCES, EPERM, ENOMEM };
    int i, place;
    for ( place = AT_BIND; place <= AT_GETSOCKNAME; place++ )
    {
        for ( i = 0; i < (int) ( sizeof( errors ) / sizeof( errors[0] ) ); i++ )
        {
            system_works();
            system_fails( place, errors[i], 1 );
            check_create( "127.0.0.1:0", NULL, NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV4_FAILED, NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED );
            if ( !have_ipv6 )
                continue;
            check_create( "[::1]:0", NULL, NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV6_FAILED, NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED );
            /* only the second of two */
            system_works();
            system_fails( place, errors[i], 2 );
            check_create( "127.0.0.1:0", "[::1]:0", NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV6_FAILED, NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED );
            CHECK_EQUAL( system_closed, 4 );
        }
    }
    system_works();
}

/* Without it an IPv6 socket would take IPv4 datagrams as well. */
static void an_ipv6_socket_that_cannot_be_ipv6_only_is_a_create_error( void )
{
    system_works();
    system_fails( AT_V6ONLY, ENOPROTOOPT, 1 );
    if ( have_ipv6 )
        check_create( "[::1]:0", NULL, NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED, NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED );
    check_create( "127.0.0.1:0", NULL, 0, 0 );
    system_works();
}

/* 4 MiB are asked for, then half as much, down to 256 KiB. */
static void buffers_that_are_refused_are_asked_for_with_half_the_size( void )
{
    int largest, asked, n, i;
    for ( largest = 8 << 20; largest >= 256 << 10; largest /= 2 )
    {
        system_works();
        system_largest_buffer = largest;
        check_create( "127.0.0.1:0", NULL, 0, 0 );
        /* for the send and the receive buffer of a server and a client */
        for ( n = i = 0; i < 4; i++ )
        {
            for ( asked = 4 << 20; asked > largest; asked /= 2 )
                CHECK_EQUAL( system_buffers[n++], asked );
            CHECK_EQUAL( system_buffers[n++], asked );
        }
        CHECK_EQUAL( system_num_buffers, n );
    }
    for ( i = AT_SEND_BUFFER; i <= AT_RECEIVE_BUFFER; i++ )
    {
        system_works();
        system_fails( i, ENOBUFS, 1 );
        check_create( "127.0.0.1:0", NULL, NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED, NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED );
        CHECK_EQUAL( system_at[i].failed, 2 * 5 );
        check_create( "[::1]:0", NULL, NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED, NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED );
    }
    system_works();
}

int main( int argc, char ** argv )
{
    struct pair pair;
    tests_begin( argc, argv );
    netcode_init();
    netcode_set_printf_function( count_errors );
    netcode_log_level( NETCODE_LOG_LEVEL_ERROR );
    have_ipv6 = pair_open( &pair, "[::1]" );
    pair_close( &pair );
    if ( !have_ipv6 )
        printf( "skipped for IPv6: this host has none\n" );
    CHECK( pair_open( &pair, "127.0.0.1" ) && pair_connect( &pair ) );
    pair_close( &pair );
    /* a library may be built without it */
    have_recvmmsg = system_at[AT_RECVMMSG].calls > 0;
    /* all in vain if these functions are not the ones that the library calls */
    CHECK( system_at[AT_SOCKET6].calls + system_at[AT_BIND].calls > 0 );
    TEST( whatever_sending_fails_with_is_survived );
    TEST( whatever_receiving_fails_with_is_survived );
    TEST( a_server_does_without_recvmmsg );
    TEST( a_socket_that_is_refused_is_a_create_error );
    TEST( a_host_without_ipv6_serves_ipv4 );
    TEST( a_bind_that_is_refused_is_a_create_error );
    TEST( an_ipv6_socket_that_cannot_be_ipv6_only_is_a_create_error );
    TEST( buffers_that_are_refused_are_asked_for_with_half_the_size );
    netcode_term();
    printf( FIGURES "network: %d faults survived, at most %d calls of receiving in an update\n", faults_survived, most_calls );
    return tests_done();
}

#else

int main( void )
{
    printf( "skipped: only where a program can put its system calls in the place of the library's\n" );
    return 0;
}

#endif
