/*
 * What belongs to the library and not to one client or server: initialisation, logging, the assert handler,
 * time and random bytes.
 */
#if !defined( _WIN32 ) && !defined( _DEFAULT_SOURCE )
#define _DEFAULT_SOURCE
#endif

#include <netcode.h>
#include "test.h"
#include "asserts.h"
#include "net.h"
#include <stdarg.h>

#ifndef _WIN32
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

/* ---- a server that needs no network ---- */

static void send_nothing( void * context, struct netcode_address_t * to, const uint8_t * data, int bytes )
{
    (void) context;
    (void) to;
    (void) data;
    (void) bytes;
}

static int receive_nothing( void * context, struct netcode_address_t * from, uint8_t * data, int max_bytes )
{
    (void) context;
    (void) from;
    (void) data;
    (void) max_bytes;
    return 0;
}

static struct netcode_server_t * create_server( void )
{
    struct netcode_server_config_t config;
    memset( &config, 0, sizeof( config ) );
    netcode_default_server_config( &config );
    config.protocol_id = 1;
    config.override_send_and_receive = 1;
    config.send_packet_override = send_nothing;
    config.receive_packet_override = receive_nothing;
    return netcode_server_create( "10.0.0.1:40000", &config, 0.0 );
}

static struct netcode_client_t * create_client( void )
{
    struct netcode_client_config_t config;
    memset( &config, 0, sizeof( config ) );
    netcode_default_client_config( &config );
    config.override_send_and_receive = 1;
    config.send_packet_override = send_nothing;
    config.receive_packet_override = receive_nothing;
    return netcode_client_create( "10.0.0.2:50000", &config, 0.0 );
}

/* ---- time ---- */

static void time_starts_at_zero( void )
{
    /* the first test, and nothing before it asks for the time */
    if ( test_filter )
    {
        CHECK( netcode_time() >= 0.0 );
        return;
    }
    CHECK( netcode_time() == 0.0 );
}

static void time_never_goes_back( void )
{
    double previous = netcode_time();
    int i, advances = 0;
    for ( i = 0; i < 200000; i++ )
    {
        double time = netcode_time();
        CHECK( time >= previous );
        advances += time > previous;
        previous = time;
    }
    /* finer than a millisecond, or a game loop could not use it */
    CHECK( advances > 10 );
}

static void sleep_takes_seconds( void )
{
    double start = netcode_time(), slept;
    netcode_sleep( 0.05 );
    slept = netcode_time() - start;
    CHECK( slept >= 0.045 );
    CHECK( slept < 30.0 );
}

static void sleeping_for_nothing_returns_at_once( void )
{
    double start = netcode_time();
    CHECK_TOLERATED( netcode_sleep( 0.0 ) );
    CHECK_TOLERATED( netcode_sleep( -1.0 ) );
    CHECK_TOLERATED( netcode_sleep( -1e300 ) );
    CHECK_TOLERATED( netcode_sleep( strtod( "nan", NULL ) ) );
    CHECK_TOLERATED( netcode_sleep( -strtod( "inf", NULL ) ) );
    CHECK_TOLERATED( netcode_sleep( 1e-300 ) );
    CHECK( netcode_time() - start < 10.0 );
}

/* ---- random bytes ---- */

static void random_bytes_differ_from_draw_to_draw( void )
{
    uint8_t a[32], b[32];
    memset( a, 0, sizeof( a ) );
    memset( b, 0, sizeof( b ) );
    netcode_random_bytes( a, (int) sizeof( a ) );
    netcode_random_bytes( b, (int) sizeof( b ) );
    CHECK( memcmp( a, b, sizeof( a ) ) != 0 );
}

static void random_bytes_fill_what_was_asked_for( void )
{
    static const int sizes[] = { 1, 2, 7, 255, 256, 257, 1000, 100000 };
    uint8_t * data = (uint8_t *) malloc( 100000 + 16 );
    int i, j;
    REQUIRE( data != NULL );
    for ( i = 0; i < (int) ( sizeof( sizes ) / sizeof( sizes[0] ) ); i++ )
    {
        int seen[256] = { 0 }, different = 0, size = sizes[i];
        memset( data, 0x5A, 100000 + 16 );
        netcode_random_bytes( data, size );
        for ( j = 0; j < 16; j++ )
            CHECK_EQUAL( data[size + j], 0x5A );
        for ( j = 0; j < size; j++ )
            seen[data[j]]++;
        for ( j = 0; j < 256; j++ )
            different += seen[j] > 0;
        if ( size >= 1000 )
            CHECK( different > 200 );
        /* the end is filled too: 32 times the same byte does not happen */
        for ( j = 1; size >= 255 && j < 32; j++ )
        {
            if ( data[size - 1 - j] != data[size - 1] )
                break;
        }
        CHECK( size < 255 || j < 32 );
    }
    free( data );
}

static void random_bytes_of_no_size_touch_nothing( void )
{
    uint8_t data[16];
    int i;
    memset( data, 0x5A, sizeof( data ) );
    CHECK_TOLERATED( netcode_random_bytes( data, 0 ) );
    CHECK_TOLERATED( netcode_random_bytes( data, -1 ) );
    CHECK_TOLERATED( netcode_random_bytes( data, -2147483647 - 1 ) );
    CHECK_TOLERATED( netcode_random_bytes( NULL, 0 ) );
    CHECK_TOLERATED( netcode_random_bytes( NULL, 16 ) );
    for ( i = 0; i < (int) sizeof( data ); i++ )
        CHECK_EQUAL( data[i], 0x5A );
}

/* ---- init and term ---- */

/* Calls that want the library initialised say so where assertions are on, and go on working. */
static void check_creates( int initialised )
{
    struct netcode_server_t * server = NULL;
    struct netcode_client_t * client = NULL;
    if ( initialised )
    {
        CHECK_LEGAL( server = create_server() );
        CHECK_LEGAL( client = create_client() );
    }
    else
    {
        CHECK_MISUSE( server = create_server() );
        CHECK_MISUSE( client = create_client() );
    }
    CHECK( server != NULL );
    CHECK( client != NULL );
    if ( server )
        netcode_server_destroy( server );
    if ( client )
        netcode_client_destroy( client );
}

static void creates_want_the_library_initialised( void )
{
    check_creates( 0 );
    CHECK_EQUAL( netcode_init(), NETCODE_OK );
    check_creates( 1 );
    CHECK_LEGAL( netcode_term() );
    check_creates( 0 );
}

static void init_and_term_are_counted( void )
{
    CHECK_EQUAL( netcode_init(), NETCODE_OK );
    CHECK_EQUAL( netcode_init(), NETCODE_OK );
    CHECK_EQUAL( netcode_init(), NETCODE_OK );
    CHECK_LEGAL( netcode_term() );
    check_creates( 1 );
    CHECK_LEGAL( netcode_term() );
    check_creates( 1 );
    CHECK_LEGAL( netcode_term() );
    check_creates( 0 );
}

static void term_without_init_does_nothing( void )
{
    CHECK_MISUSE( netcode_term() );
    CHECK_MISUSE( netcode_term() );
    /* in particular it does not count below zero */
    CHECK_EQUAL( netcode_init(), NETCODE_OK );
    check_creates( 1 );
    CHECK_LEGAL( netcode_term() );
    CHECK_MISUSE( netcode_term() );
}

static void objects_outlive_term( void )
{
    struct netcode_server_t * server;
    netcode_init();
    server = create_server();
    REQUIRE( server != NULL );
    netcode_server_start( server, 4 );
    netcode_term();
    CHECK_TOLERATED( netcode_server_update( server, 1.0 ) );
    CHECK_TOLERATED( CHECK_EQUAL( netcode_server_running( server ), 1 ) );
    CHECK_TOLERATED( netcode_server_destroy( server ) );
}

/* ---- logging ---- */

static int messages;
static int wrong_messages;
static char last_message[4096];

static int count_messages( const char * format, ... )
{
    va_list arguments;
    const char * text;
    size_t length;
    va_start( arguments, format );
    if ( strcmp( format, "%s" ) != 0 )
    {
        wrong_messages++;
        va_end( arguments );
        return -1;
    }
    text = va_arg( arguments, const char * );
    va_end( arguments );
    length = strlen( text );
    messages++;
    /* one line: a newline at its end, and only there */
    if ( length < 2 || strchr( text, '\n' ) != text + length - 1 )
        wrong_messages++;
    snprintf( last_message, sizeof( last_message ), "%s", text );
    return -1; /* nobody is to mind what a printf returns */
}

/* Something for each level: an ERROR for the bad address, INFO for the start and stop of a server, DEBUG for
   the datagram that is ignored. */
static int messages_at_level( int level )
{
    struct netcode_client_config_t client_config;
    struct netcode_server_t * server;
    struct netcode_address_t from;
    uint8_t garbage[32];
    int counted;
    memset( garbage, 0x25, sizeof( garbage ) );
    netcode_parse_address( "10.0.0.9:9", &from );
    netcode_set_printf_function( count_messages );
    netcode_log_level( level );
    messages = 0;
    netcode_default_client_config( &client_config );
    CHECK( netcode_client_create( "this is no address", &client_config, 0.0 ) == NULL );
    server = create_server();
    if ( CHECK( server != NULL ) )
    {
        netcode_server_start( server, 4 );
        netcode_server_process_packet( server, &from, garbage, (int) sizeof( garbage ) );
        netcode_server_stop( server );
        netcode_server_destroy( server );
    }
    counted = messages;
    netcode_log_level( NETCODE_LOG_LEVEL_NONE );
    return counted;
}

static void levels_let_through_what_is_at_or_below_them( void )
{
    int none, error, info, debug;
    netcode_init();
    wrong_messages = 0;
    none = messages_at_level( NETCODE_LOG_LEVEL_NONE );
    error = messages_at_level( NETCODE_LOG_LEVEL_ERROR );
    info = messages_at_level( NETCODE_LOG_LEVEL_INFO );
    debug = messages_at_level( NETCODE_LOG_LEVEL_DEBUG );
    CHECK_EQUAL( none, 0 );
    CHECK( error >= 1 );
    CHECK( info >= error + 2 );
    CHECK( debug >= info + 1 );
    CHECK_EQUAL( messages_at_level( -1 ), 0 );
    CHECK_EQUAL( messages_at_level( 1000 ), debug );
    CHECK_EQUAL( wrong_messages, 0 );
    netcode_term();
}

static void nothing_is_logged_by_default( void )
{
    /* among the first tests: no level has been set yet */
    struct netcode_client_config_t config;
    netcode_init();
    netcode_set_printf_function( count_messages );
    messages = 0;
    netcode_default_client_config( &config );
    CHECK( netcode_client_create( "this is no address", &config, 0.0 ) == NULL );
    CHECK_EQUAL( messages, 0 );
    netcode_term();
}

static void a_message_is_one_call_with_one_line( void )
{
    struct netcode_server_config_t config;
    netcode_init();
    netcode_set_printf_function( count_messages );
    netcode_log_level( NETCODE_LOG_LEVEL_ERROR );
    memset( &config, 0, sizeof( config ) );
    netcode_default_server_config( &config );
    messages = wrong_messages = 0;
    CHECK( netcode_server_create( "this is no address", &config, 0.0 ) == NULL );
    CHECK( messages >= 1 );
    CHECK_EQUAL( wrong_messages, 0 );
    netcode_log_level( NETCODE_LOG_LEVEL_NONE );
    netcode_term();
}

static void percent_signs_from_outside_are_not_formats( void )
{
    struct netcode_server_config_t config;
    netcode_init();
    netcode_set_printf_function( count_messages );
    netcode_log_level( NETCODE_LOG_LEVEL_DEBUG );
    memset( &config, 0, sizeof( config ) );
    netcode_default_server_config( &config );
    messages = wrong_messages = 0;
    CHECK( netcode_server_create( "%n%n%s%s", &config, 0.0 ) == NULL );
    CHECK( messages >= 1 );
    CHECK_EQUAL( wrong_messages, 0 );
    netcode_log_level( NETCODE_LOG_LEVEL_NONE );
    netcode_term();
}

static void the_last_printf_function_wins( void )
{
    int counted;
    netcode_init();
    netcode_set_printf_function( printf );
    netcode_set_printf_function( count_messages );
    counted = messages_at_level( NETCODE_LOG_LEVEL_ERROR );
    CHECK( counted >= 1 );
    netcode_term();
}

/* All that has been logged. */
static char journal[65536];
static size_t journal_bytes;

static int write_journal( const char * format, ... )
{
    va_list arguments;
    const char * text;
    size_t bytes;
    va_start( arguments, format );
    text = va_arg( arguments, const char * );
    va_end( arguments );
    bytes = strlen( text );
    if ( CHECK( strcmp( format, "%s" ) == 0 ) && journal_bytes + bytes < sizeof( journal ) )
    {
        memcpy( journal + journal_bytes, text, bytes + 1 );
        journal_bytes += bytes;
    }
    return 0;
}

/* Whether a line says that such a packet was received. */
static int journal_has_received( const char * packet )
{
    const char * line = journal;
    while ( *line )
    {
        size_t bytes = strcspn( line, "\n" );
        char text[512];
        if ( bytes < sizeof( text ) )
        {
            memcpy( text, line, bytes );
            text[bytes] = 0;
            if ( strstr( text, "received" ) && strstr( text, packet ) )
                return 1;
        }
        line += bytes + ( line[bytes] == '\n' );
    }
    printf( "    no line says that a %s packet was received\n", packet );
    return 0;
}

static void forget_journal( void )
{
    journal[0] = 0;
    journal_bytes = 0;
}

static void at_debug_level_each_packet_received_is_logged( void )
{
    static const uint8_t payload[5] = "abcd";
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, NET_SERVER, 4 ), * client = net_client( net, NET_CLIENT );
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    netcode_set_printf_function( write_journal );
    netcode_log_level( NETCODE_LOG_LEVEL_DEBUG );
    net_token_for( server, token, NET_TIMEOUT, 1000 );
    netcode_client_connect( client->client, token );

    net_update( client, net->time + NET_TICK );
    forget_journal();
    net_update( server, net->time );
    CHECK( journal_has_received( "connection request" ) );
    forget_journal();
    net_update( client, net->time );
    CHECK( journal_has_received( "connection challenge" ) );
    forget_journal();
    net_update( server, net->time );
    CHECK( journal_has_received( "connection response" ) );
    forget_journal();
    net_update( client, net->time );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_CONNECTED );
    CHECK( journal_has_received( "keep-alive" ) );

    net_update( client, net->time + 4 * NET_TICK );
    forget_journal();
    net_update( server, net->time );
    CHECK( journal_has_received( "keep-alive" ) );

    forget_journal();
    netcode_client_send_packet( client->client, payload, (int) sizeof( payload ) );
    net_update( server, net->time );
    CHECK( journal_has_received( "payload" ) );
    netcode_server_send_packet( server->server, 0, payload, (int) sizeof( payload ) );
    forget_journal();
    net_update( client, net->time );
    CHECK( journal_has_received( "payload" ) );

    netcode_client_disconnect( client->client );
    forget_journal();
    net_update( server, net->time );
    CHECK( journal_has_received( "disconnect" ) );
    CHECK( net_connect( client, server, 2000 ) );
    netcode_server_disconnect_client( server->server, 0 );
    forget_journal();
    net_update( client, net->time );
    CHECK_EQUAL( net_state( client ), NETCODE_CLIENT_STATE_DISCONNECTED );
    CHECK( journal_has_received( "disconnect" ) );

    netcode_log_level( NETCODE_LOG_LEVEL_NONE );
    netcode_set_printf_function( count_messages );
    net_destroy( net );
    netcode_set_assert_function( count_assert );
}

/* A log hook that uses the library, even the object that is being logged about. */
static struct netcode_server_t * logged_server;
static int hook_calls;

static int call_back_into_the_library( const char * format, ... )
{
    (void) format;
    hook_calls++;
    netcode_log_level( NETCODE_LOG_LEVEL_DEBUG );
    (void) netcode_time();
    if ( logged_server )
    {
        (void) netcode_server_running( logged_server );
        (void) netcode_server_max_clients( logged_server );
        (void) netcode_server_num_connected_clients( logged_server );
        (void) netcode_server_client_connected( logged_server, 0 );
    }
    return 0;
}

static void the_printf_function_may_call_the_library( void )
{
    struct netcode_address_t from;
    uint8_t garbage[32] = { 0x25 };
    netcode_init();
    netcode_parse_address( "10.0.0.9:9", &from );
    logged_server = create_server();
    REQUIRE( logged_server != NULL );
    hook_calls = 0;
    netcode_set_printf_function( call_back_into_the_library );
    netcode_log_level( NETCODE_LOG_LEVEL_DEBUG );
    netcode_server_start( logged_server, 4 );
    netcode_server_update( logged_server, 1.0 );
    netcode_server_process_packet( logged_server, &from, garbage, (int) sizeof( garbage ) );
    CHECK_EQUAL( netcode_server_running( logged_server ), 1 );
    netcode_server_stop( logged_server );
    CHECK( hook_calls >= 3 );
    netcode_log_level( NETCODE_LOG_LEVEL_NONE );
    netcode_set_printf_function( count_messages );
    netcode_server_destroy( logged_server );
    logged_server = NULL;
    netcode_term();
}

/* ---- the assert handler ---- */

static void the_assert_handler_can_be_set_and_read( void )
{
    netcode_set_assert_function( count_assert );
    CHECK( netcode_assert_function == count_assert );
}

static void a_null_assert_handler_restores_one( void )
{
    void (*original)( const char *, const char *, const char *, int ) = netcode_assert_function;
    CHECK_TOLERATED( netcode_set_assert_function( NULL ) );
    /* the variable is called by the netcode_assert of every includer, so it may never be NULL */
    CHECK( netcode_assert_function != NULL );
    netcode_set_assert_function( original );
}

static void asserts_go_to_the_handler_and_then_on( void )
{
    int before = asserts_seen;
    netcode_set_assert_function( count_assert );
    CHECK_EQUAL( netcode_server_running( NULL ), 0 );
    CHECK( ( asserts_seen > before ) == ( NETCODE_TEST_ASSERTS != 0 ) );
    CHECK_EQUAL( asserts_incomplete, 0 );
}

static void a_handler_stored_in_the_variable_is_called_too( void )
{
    int before = asserts_seen;
    netcode_assert_function = count_assert;
    CHECK_EQUAL( netcode_server_running( NULL ), 0 );
    CHECK( ( asserts_seen > before ) == ( NETCODE_TEST_ASSERTS != 0 ) );
}

#ifndef _WIN32

/* ---- what can only be seen from outside of a process ---- */

struct child_t
{
    int status;
    char output[4096]; /* stdout and stderr, in order */
};

static struct child_t run_child( void (*function)( void ) )
{
    struct child_t child;
    int channel[2];
    size_t length = 0;
    ssize_t bytes;
    pid_t pid;
    memset( &child, 0, sizeof( child ) );
    fflush( stdout );
    if ( !CHECK( pipe( channel ) == 0 ) )
        return child;
    pid = fork();
    if ( pid == 0 )
    {
        struct rlimit no_core = { 0, 0 };
        setrlimit( RLIMIT_CORE, &no_core );
        dup2( channel[1], 1 );
        dup2( channel[1], 2 );
        close( channel[0] );
        close( channel[1] );
        alarm( 60 );
        function();
        fflush( stdout );
        _exit( 0 );
    }
    close( channel[1] );
    while ( length < sizeof( child.output ) - 1 && ( bytes = read( channel[0], child.output + length, sizeof( child.output ) - 1 - length ) ) > 0 )
        length += (size_t) bytes;
    close( channel[0] );
    if ( !CHECK( pid > 0 && waitpid( pid, &child.status, 0 ) == pid ) )
        child.status = -1;
    return child;
}

/* Saved at the start of main, before any test sets another. */
static void (*default_assert_handler)( const char *, const char *, const char *, int );

static void call_default_handler( void )
{
    netcode_set_assert_function( default_assert_handler );
    netcode_assert_function( "one == two", "some_function", "some_file.c", 12345 );
}

static void the_default_handler_prints_and_aborts( void )
{
    struct child_t child = run_child( call_default_handler );
    CHECK( WIFSIGNALED( child.status ) );
    CHECK( !WIFSIGNALED( child.status ) || WTERMSIG( child.status ) != SIGALRM );
    CHECK( strstr( child.output, "one == two" ) != NULL );
    CHECK( strstr( child.output, "some_function" ) != NULL );
    CHECK( strstr( child.output, "some_file.c" ) != NULL );
    CHECK( strstr( child.output, "12345" ) != NULL );
}

static void misuse_with_default_handler( void )
{
    netcode_set_assert_function( default_assert_handler );
    netcode_server_running( NULL );
}

static void misuse_with_null_handler( void )
{
    netcode_set_assert_function( NULL );
    netcode_server_running( NULL );
}

static void misuse_aborts_only_where_assertions_are_on( void )
{
    struct child_t child = run_child( misuse_with_default_handler );
    CHECK_EQUAL( WIFSIGNALED( child.status ) != 0, NETCODE_TEST_ASSERTS != 0 );
    CHECK_EQUAL( child.output[0] != '\0', NETCODE_TEST_ASSERTS != 0 );
    child = run_child( misuse_with_null_handler );
    if ( !NETCODE_TEST_ASSERTS )
        CHECK( WIFEXITED( child.status ) );
    else
        CHECK( WIFEXITED( child.status ) || WTERMSIG( child.status ) != SIGSEGV );
}

static void log_between_two_lines( void )
{
    struct netcode_client_config_t config;
    netcode_init();
    netcode_default_client_config( &config );
    netcode_log_level( NETCODE_LOG_LEVEL_ERROR );
    printf( "first line\n" );
    netcode_client_create( "this is no address", &config, 0.0 );
    printf( "last line\n" );
}

static void the_default_printf_shares_the_stream_of_the_program( void )
{
    /* the child's stdout is a pipe, so fully buffered: order is kept only on one and the same stream */
    struct child_t child = run_child( log_between_two_lines );
    const char * first = strstr( child.output, "first line\n" ), * last = strstr( child.output, "last line\n" );
    CHECK( WIFEXITED( child.status ) );
    REQUIRE( first == child.output && last != NULL );
    CHECK( last > first + strlen( "first line\n" ) + 2 );
    CHECK( last[-1] == '\n' );
    CHECK( strcmp( last, "last line\n" ) == 0 );
}

static void log_with_null_function( void )
{
    CHECK_TOLERATED( netcode_set_printf_function( NULL ) );
    log_between_two_lines();
}

static void a_null_printf_function_is_harmless( void )
{
    /* whether it brings back the default or silence */
    struct child_t child = run_child( log_with_null_function );
    CHECK( WIFEXITED( child.status ) );
    CHECK( strstr( child.output, "first line\n" ) == child.output );
    CHECK( strstr( child.output, "last line\n" ) != NULL );
}

static void log_with_printf( void )
{
    netcode_set_printf_function( printf );
    log_between_two_lines();
}

static void the_printf_of_the_program_can_be_the_hook( void )
{
    struct child_t child = run_child( log_with_printf );
    CHECK( WIFEXITED( child.status ) );
    CHECK( strlen( child.output ) > strlen( "first line\nlast line\n" ) + 2 );
}

#endif

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    TEST( time_starts_at_zero );
#ifndef _WIN32
    default_assert_handler = netcode_assert_function;
    TEST( the_default_handler_prints_and_aborts );
    TEST( the_default_printf_shares_the_stream_of_the_program );
    TEST( the_printf_of_the_program_can_be_the_hook );
#endif
    TEST( the_assert_handler_can_be_set_and_read );
    netcode_set_assert_function( count_assert );
    TEST( nothing_is_logged_by_default );
    netcode_set_printf_function( count_messages );
    TEST( time_never_goes_back );
    TEST( sleep_takes_seconds );
    TEST( sleeping_for_nothing_returns_at_once );
    TEST( random_bytes_differ_from_draw_to_draw );
    TEST( random_bytes_fill_what_was_asked_for );
    TEST( random_bytes_of_no_size_touch_nothing );
    TEST( creates_want_the_library_initialised );
    TEST( init_and_term_are_counted );
    TEST( term_without_init_does_nothing );
    TEST( objects_outlive_term );
    TEST( levels_let_through_what_is_at_or_below_them );
    TEST( a_message_is_one_call_with_one_line );
    TEST( at_debug_level_each_packet_received_is_logged );
    TEST( percent_signs_from_outside_are_not_formats );
    TEST( the_last_printf_function_wins );
    TEST( the_printf_function_may_call_the_library );
    TEST( a_null_assert_handler_restores_one );
    TEST( asserts_go_to_the_handler_and_then_on );
    TEST( a_handler_stored_in_the_variable_is_called_too );
#ifndef _WIN32
    TEST( a_null_printf_function_is_harmless );
    TEST( misuse_aborts_only_where_assertions_are_on );
#endif
    return tests_done();
}
