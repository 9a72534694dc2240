/*
 * The header as a program sees it: constants, layouts, types of functions, macros.
 */
#include <netcode.h>
#include "test.h"

/* ---- constants ---- */

/* Programs test these with #if, so they must be macros with plain values. A missing one reads as 0 here, and
   does not compile further down. */
#if NETCODE_VERSION_MAJOR == 1 && NETCODE_VERSION_MINOR == 4 && NETCODE_VERSION_PATCH == 8 \
    && NETCODE_CONNECT_TOKEN_BYTES == 2048 && NETCODE_KEY_BYTES == 32 && NETCODE_MAC_BYTES == 16 \
    && NETCODE_USER_DATA_BYTES == 256 && NETCODE_MAX_SERVERS_PER_CONNECT == 32 && NETCODE_MAX_CLIENTS == 256 \
    && NETCODE_MAX_PACKET_SIZE == 1200 && NETCODE_MAX_ADDRESS_STRING_LENGTH == 256 \
    && NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME == 30 && NETCODE_OK == 1 && NETCODE_ERROR == 0 \
    && NETCODE_ADDRESS_NONE == 0 && NETCODE_ADDRESS_IPV4 == 1 && NETCODE_ADDRESS_IPV6 == 2 \
    && NETCODE_LOG_LEVEL_NONE == 0 && NETCODE_LOG_LEVEL_ERROR == 1 && NETCODE_LOG_LEVEL_INFO == 2 \
    && NETCODE_LOG_LEVEL_DEBUG == 3
#define LIMITS_WORK_IN_PREPROCESSOR 1
#else
#define LIMITS_WORK_IN_PREPROCESSOR 0
#endif

#if NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED == -6 && NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN == -5 \
    && NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT == -4 && NETCODE_CLIENT_STATE_CONNECTION_RESPONSE_TIMED_OUT == -3 \
    && NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT == -2 && NETCODE_CLIENT_STATE_CONNECTION_DENIED == -1 \
    && NETCODE_CLIENT_STATE_DISCONNECTED == 0 && NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST == 1 \
    && NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE == 2 && NETCODE_CLIENT_STATE_CONNECTED == 3 \
    && NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE == 0 && NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT == 1 \
    && NETCODE_SERVER_CLIENT_DISCONNECT_REASON_CLIENT_DISCONNECT == 2 \
    && NETCODE_SERVER_CLIENT_DISCONNECT_REASON_SERVER_DISCONNECT == 3
#define STATES_WORK_IN_PREPROCESSOR 1
#else
#define STATES_WORK_IN_PREPROCESSOR 0
#endif

#if NETCODE_CLIENT_CREATE_ERROR_NONE == 0 && NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS_FAILED == 1 \
    && NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS2_FAILED == 2 \
    && NETCODE_CLIENT_CREATE_ERROR_SIMULATOR_REQUIRES_PORT == 3 \
    && NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED == 4 \
    && NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED == 5 \
    && NETCODE_CLIENT_CREATE_ERROR_ALLOCATE_CLIENT_FAILED == 6 \
    && NETCODE_CLIENT_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK == 7 \
    && NETCODE_SERVER_CREATE_ERROR_NONE == 0 && NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS_FAILED == 1 \
    && NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS2_FAILED == 2 \
    && NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED == 3 \
    && NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED == 4 \
    && NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV4_FAILED == 5 \
    && NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV6_FAILED == 6 \
    && NETCODE_SERVER_CREATE_ERROR_ALLOCATE_SERVER_FAILED == 7 \
    && NETCODE_SERVER_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK == 8
#define ERRORS_WORK_IN_PREPROCESSOR 1
#else
#define ERRORS_WORK_IN_PREPROCESSOR 0
#endif

static void constants_work_in_the_preprocessor( void )
{
    CHECK_EQUAL( LIMITS_WORK_IN_PREPROCESSOR, 1 );
    CHECK_EQUAL( STATES_WORK_IN_PREPROCESSOR, 1 );
    CHECK_EQUAL( ERRORS_WORK_IN_PREPROCESSOR, 1 );
}

static void limits_have_their_values( void )
{
    CHECK_EQUAL( NETCODE_CONNECT_TOKEN_BYTES, 2048 );
    CHECK_EQUAL( NETCODE_KEY_BYTES, 32 );
    CHECK_EQUAL( NETCODE_MAC_BYTES, 16 );
    CHECK_EQUAL( NETCODE_USER_DATA_BYTES, 256 );
    CHECK_EQUAL( NETCODE_MAX_SERVERS_PER_CONNECT, 32 );
    CHECK_EQUAL( NETCODE_MAX_CLIENTS, 256 );
    CHECK_EQUAL( NETCODE_MAX_PACKET_SIZE, 1200 );
    CHECK_EQUAL( NETCODE_MAX_ADDRESS_STRING_LENGTH, 256 );
    CHECK_EQUAL( NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME, 30 );
    CHECK_EQUAL( NETCODE_OK, 1 );
    CHECK_EQUAL( NETCODE_ERROR, 0 );
    CHECK_EQUAL( NETCODE_ADDRESS_NONE, 0 );
    CHECK_EQUAL( NETCODE_ADDRESS_IPV4, 1 );
    CHECK_EQUAL( NETCODE_ADDRESS_IPV6, 2 );
    CHECK_EQUAL( NETCODE_LOG_LEVEL_NONE, 0 );
    CHECK_EQUAL( NETCODE_LOG_LEVEL_ERROR, 1 );
    CHECK_EQUAL( NETCODE_LOG_LEVEL_INFO, 2 );
    CHECK_EQUAL( NETCODE_LOG_LEVEL_DEBUG, 3 );
}

static void version_is_1_4_8( void )
{
    CHECK( strcmp( NETCODE_VERSION_FULL, "1.4.8" ) == 0 );
    CHECK_EQUAL( NETCODE_VERSION_MAJOR, 1 );
    CHECK_EQUAL( NETCODE_VERSION_MINOR, 4 );
    CHECK_EQUAL( NETCODE_VERSION_PATCH, 8 );
}

static void client_states_have_their_values( void )
{
    CHECK_EQUAL( NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED, -6 );
    CHECK_EQUAL( NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN, -5 );
    CHECK_EQUAL( NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT, -4 );
    CHECK_EQUAL( NETCODE_CLIENT_STATE_CONNECTION_RESPONSE_TIMED_OUT, -3 );
    CHECK_EQUAL( NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT, -2 );
    CHECK_EQUAL( NETCODE_CLIENT_STATE_CONNECTION_DENIED, -1 );
    CHECK_EQUAL( NETCODE_CLIENT_STATE_DISCONNECTED, 0 );
    CHECK_EQUAL( NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST, 1 );
    CHECK_EQUAL( NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE, 2 );
    CHECK_EQUAL( NETCODE_CLIENT_STATE_CONNECTED, 3 );
}

static void disconnect_reasons_have_their_values( void )
{
    CHECK_EQUAL( NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE, 0 );
    CHECK_EQUAL( NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT, 1 );
    CHECK_EQUAL( NETCODE_SERVER_CLIENT_DISCONNECT_REASON_CLIENT_DISCONNECT, 2 );
    CHECK_EQUAL( NETCODE_SERVER_CLIENT_DISCONNECT_REASON_SERVER_DISCONNECT, 3 );
}

static void create_errors_have_their_values( void )
{
    CHECK_EQUAL( NETCODE_CLIENT_CREATE_ERROR_NONE, 0 );
    CHECK_EQUAL( NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS_FAILED, 1 );
    CHECK_EQUAL( NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS2_FAILED, 2 );
    CHECK_EQUAL( NETCODE_CLIENT_CREATE_ERROR_SIMULATOR_REQUIRES_PORT, 3 );
    CHECK_EQUAL( NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED, 4 );
    CHECK_EQUAL( NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED, 5 );
    CHECK_EQUAL( NETCODE_CLIENT_CREATE_ERROR_ALLOCATE_CLIENT_FAILED, 6 );
    CHECK_EQUAL( NETCODE_CLIENT_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK, 7 );

    CHECK_EQUAL( NETCODE_SERVER_CREATE_ERROR_NONE, 0 );
    CHECK_EQUAL( NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS_FAILED, 1 );
    CHECK_EQUAL( NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS2_FAILED, 2 );
    CHECK_EQUAL( NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED, 3 );
    CHECK_EQUAL( NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED, 4 );
    CHECK_EQUAL( NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV4_FAILED, 5 );
    CHECK_EQUAL( NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV6_FAILED, 6 );
    CHECK_EQUAL( NETCODE_SERVER_CREATE_ERROR_ALLOCATE_SERVER_FAILED, 7 );
    CHECK_EQUAL( NETCODE_SERVER_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK, 8 );
}

/* ---- macros about the build ---- */

#if defined( NETCODE_DEBUG ) && defined( NETCODE_RELEASE )
#error "NETCODE_DEBUG and NETCODE_RELEASE are both defined"
#endif
#if !defined( NETCODE_DEBUG ) && !defined( NETCODE_RELEASE )
#error "neither NETCODE_DEBUG nor NETCODE_RELEASE is defined"
#endif
#if defined( NETCODE_LITTLE_ENDIAN ) && defined( NETCODE_BIG_ENDIAN )
#error "NETCODE_LITTLE_ENDIAN and NETCODE_BIG_ENDIAN are both defined"
#endif
#if !defined( NETCODE_LITTLE_ENDIAN ) && !defined( NETCODE_BIG_ENDIAN )
#error "neither NETCODE_LITTLE_ENDIAN nor NETCODE_BIG_ENDIAN is defined"
#endif

static void ndebug_decides_between_debug_and_release( void )
{
    /* the Makefile may predefine neither, so NDEBUG alone decides here; header_modes.py tries the rest */
#if defined( NDEBUG ) && defined( NETCODE_RELEASE )
    CHECK( 1 );
#elif !defined( NDEBUG ) && defined( NETCODE_DEBUG )
    CHECK( 1 );
#else
    CHECK( !"NETCODE_DEBUG or NETCODE_RELEASE agrees with NDEBUG" );
#endif
}

static void endianness_is_that_of_the_machine( void )
{
    const uint16_t one = 1;
    uint8_t first;
    memcpy( &first, &one, 1 );
#ifdef NETCODE_LITTLE_ENDIAN
    CHECK_EQUAL( NETCODE_LITTLE_ENDIAN, 1 );
    CHECK_EQUAL( first, 1 );
#else
    CHECK_EQUAL( NETCODE_BIG_ENDIAN, 1 );
    CHECK_EQUAL( first, 0 );
#endif
}

static void platform_is_this_one( void )
{
    CHECK_EQUAL( NETCODE_PLATFORM_WINDOWS, 1 );
    CHECK_EQUAL( NETCODE_PLATFORM_MAC, 2 );
    CHECK_EQUAL( NETCODE_PLATFORM_UNIX, 3 );
#if defined( _WIN32 )
    CHECK_EQUAL( NETCODE_PLATFORM, NETCODE_PLATFORM_WINDOWS );
#elif defined( __APPLE__ )
    CHECK_EQUAL( NETCODE_PLATFORM, NETCODE_PLATFORM_MAC );
#else
    CHECK_EQUAL( NETCODE_PLATFORM, NETCODE_PLATFORM_UNIX );
#endif
}

static void packet_tagging_is_compiled_in( void )
{
#if defined( __MINGW32__ )
    CHECK_EQUAL( NETCODE_PACKET_TAGGING, 0 );
#else
    CHECK_EQUAL( NETCODE_PACKET_TAGGING, 1 );
#endif
}

static void netcode_const_is_const( void )
{
    static NETCODE_CONST int seven = 7;
    const int * pointer = &seven;
    CHECK_EQUAL( *pointer, 7 );
}

/* ---- layouts ---- */

#define CHECK_FIELD( structure, field, offset, size ) \
    do { CHECK_EQUAL( offsetof( struct structure, field ), offset ); CHECK_EQUAL( sizeof( ( (struct structure *) 0 )->field ), size ); } while ( 0 )

static void address_has_its_layout( void )
{
    CHECK_EQUAL( sizeof( struct netcode_address_t ), 20 );
    CHECK_FIELD( netcode_address_t, data, 0, 16 );
    CHECK_FIELD( netcode_address_t, data.ipv4, 0, 4 );
    CHECK_FIELD( netcode_address_t, data.ipv6, 0, 16 );
    CHECK_FIELD( netcode_address_t, port, 16, 2 );
    CHECK_FIELD( netcode_address_t, type, 18, 1 );
}

static void address_is_aligned_to_two_bytes( void )
{
    struct shifted_t
    {
        char shift;
        struct netcode_address_t address;
    };
    CHECK_EQUAL( offsetof( struct shifted_t, address ), 2 );
}

static void address_fields_have_their_types( void )
{
    struct netcode_address_t address;
    uint8_t (*ipv4)[4] = &address.data.ipv4;
    uint16_t (*ipv6)[8] = &address.data.ipv6;
    uint16_t * port = &address.port;
    uint8_t * type = &address.type;
    memset( &address, 0, sizeof( address ) );
    (*ipv4)[3] = 1;
    CHECK_EQUAL( address.data.ipv4[3], 1 );
    (*ipv6)[7] = 0xFFFF;
    CHECK_EQUAL( address.data.ipv6[7], 0xFFFF );
    *port = 40000;
    *type = NETCODE_ADDRESS_IPV6;
    CHECK_EQUAL( address.port, 40000 );
    CHECK_EQUAL( address.type, 2 );
}

#if UINTPTR_MAX > 0xFFFFFFFFu

static void client_config_has_its_layout( void )
{
    CHECK_EQUAL( sizeof( struct netcode_client_config_t ), 80 );
    CHECK_FIELD( netcode_client_config_t, allocator_context, 0, 8 );
    CHECK_FIELD( netcode_client_config_t, allocate_function, 8, 8 );
    CHECK_FIELD( netcode_client_config_t, free_function, 16, 8 );
    CHECK_FIELD( netcode_client_config_t, network_simulator, 24, 8 );
    CHECK_FIELD( netcode_client_config_t, callback_context, 32, 8 );
    CHECK_FIELD( netcode_client_config_t, state_change_callback, 40, 8 );
    CHECK_FIELD( netcode_client_config_t, send_loopback_packet_callback, 48, 8 );
    CHECK_FIELD( netcode_client_config_t, override_send_and_receive, 56, 4 );
    CHECK_FIELD( netcode_client_config_t, send_packet_override, 64, 8 );
    CHECK_FIELD( netcode_client_config_t, receive_packet_override, 72, 8 );
}

static void server_config_has_its_layout( void )
{
    CHECK_EQUAL( sizeof( struct netcode_server_config_t ), 128 );
    CHECK_FIELD( netcode_server_config_t, protocol_id, 0, 8 );
    CHECK_FIELD( netcode_server_config_t, private_key, 8, 32 );
    CHECK_FIELD( netcode_server_config_t, allocator_context, 40, 8 );
    CHECK_FIELD( netcode_server_config_t, allocate_function, 48, 8 );
    CHECK_FIELD( netcode_server_config_t, free_function, 56, 8 );
    CHECK_FIELD( netcode_server_config_t, network_simulator, 64, 8 );
    CHECK_FIELD( netcode_server_config_t, callback_context, 72, 8 );
    CHECK_FIELD( netcode_server_config_t, connect_disconnect_callback, 80, 8 );
    CHECK_FIELD( netcode_server_config_t, send_loopback_packet_callback, 88, 8 );
    CHECK_FIELD( netcode_server_config_t, override_send_and_receive, 96, 4 );
    CHECK_FIELD( netcode_server_config_t, send_packet_override, 104, 8 );
    CHECK_FIELD( netcode_server_config_t, receive_packet_override, 112, 8 );
    CHECK_FIELD( netcode_server_config_t, max_connect_token_lifetime, 120, 4 );
}

#else

/* With pointers of 4 bytes. Numbers of 64 bits are first in their struct, so their alignment shifts nothing. */

static void client_config_has_its_layout( void )
{
    CHECK_EQUAL( sizeof( struct netcode_client_config_t ), 40 );
    CHECK_FIELD( netcode_client_config_t, allocator_context, 0, 4 );
    CHECK_FIELD( netcode_client_config_t, allocate_function, 4, 4 );
    CHECK_FIELD( netcode_client_config_t, free_function, 8, 4 );
    CHECK_FIELD( netcode_client_config_t, network_simulator, 12, 4 );
    CHECK_FIELD( netcode_client_config_t, callback_context, 16, 4 );
    CHECK_FIELD( netcode_client_config_t, state_change_callback, 20, 4 );
    CHECK_FIELD( netcode_client_config_t, send_loopback_packet_callback, 24, 4 );
    CHECK_FIELD( netcode_client_config_t, override_send_and_receive, 28, 4 );
    CHECK_FIELD( netcode_client_config_t, send_packet_override, 32, 4 );
    CHECK_FIELD( netcode_client_config_t, receive_packet_override, 36, 4 );
}

static void server_config_has_its_layout( void )
{
    struct aligned_t
    {
        char shift;
        uint64_t number;
    };
    /* to 4 bytes on x86, to 8 on ARM */
    CHECK_EQUAL( sizeof( struct netcode_server_config_t ), offsetof( struct aligned_t, number ) == 4 ? 84 : 88 );
    CHECK_FIELD( netcode_server_config_t, protocol_id, 0, 8 );
    CHECK_FIELD( netcode_server_config_t, private_key, 8, 32 );
    CHECK_FIELD( netcode_server_config_t, allocator_context, 40, 4 );
    CHECK_FIELD( netcode_server_config_t, allocate_function, 44, 4 );
    CHECK_FIELD( netcode_server_config_t, free_function, 48, 4 );
    CHECK_FIELD( netcode_server_config_t, network_simulator, 52, 4 );
    CHECK_FIELD( netcode_server_config_t, callback_context, 56, 4 );
    CHECK_FIELD( netcode_server_config_t, connect_disconnect_callback, 60, 4 );
    CHECK_FIELD( netcode_server_config_t, send_loopback_packet_callback, 64, 4 );
    CHECK_FIELD( netcode_server_config_t, override_send_and_receive, 68, 4 );
    CHECK_FIELD( netcode_server_config_t, send_packet_override, 72, 4 );
    CHECK_FIELD( netcode_server_config_t, receive_packet_override, 76, 4 );
    CHECK_FIELD( netcode_server_config_t, max_connect_token_lifetime, 80, 4 );
}

#endif

/* A pointer to the field with the exact type: what compiles here compiles in a program that stores its hook. */
#define CHECK_POINTER_TO( declaration, field ) do { declaration = &field; CHECK( pointer != NULL ); } while ( 0 )

static void client_config_fields_have_their_types( void )
{
    struct netcode_client_config_t config;
    CHECK_POINTER_TO( void ** pointer, config.allocator_context );
    CHECK_POINTER_TO( void * (**pointer)( void *, size_t ), config.allocate_function );
    CHECK_POINTER_TO( void (**pointer)( void *, void * ), config.free_function );
    CHECK_POINTER_TO( struct netcode_network_simulator_t ** pointer, config.network_simulator );
    CHECK_POINTER_TO( void ** pointer, config.callback_context );
    CHECK_POINTER_TO( void (**pointer)( void *, int, int ), config.state_change_callback );
    CHECK_POINTER_TO( void (**pointer)( void *, int, const uint8_t *, int, uint64_t ), config.send_loopback_packet_callback );
    CHECK_POINTER_TO( int * pointer, config.override_send_and_receive );
    CHECK_POINTER_TO( void (**pointer)( void *, struct netcode_address_t *, const uint8_t *, int ), config.send_packet_override );
    CHECK_POINTER_TO( int (**pointer)( void *, struct netcode_address_t *, uint8_t *, int ), config.receive_packet_override );
}

static void server_config_fields_have_their_types( void )
{
    struct netcode_server_config_t config;
    CHECK_POINTER_TO( uint64_t * pointer, config.protocol_id );
    CHECK_POINTER_TO( uint8_t (*pointer)[32], config.private_key );
    CHECK_POINTER_TO( void ** pointer, config.allocator_context );
    CHECK_POINTER_TO( void * (**pointer)( void *, size_t ), config.allocate_function );
    CHECK_POINTER_TO( void (**pointer)( void *, void * ), config.free_function );
    CHECK_POINTER_TO( struct netcode_network_simulator_t ** pointer, config.network_simulator );
    CHECK_POINTER_TO( void ** pointer, config.callback_context );
    CHECK_POINTER_TO( void (**pointer)( void *, int, int ), config.connect_disconnect_callback );
    CHECK_POINTER_TO( void (**pointer)( void *, int, const uint8_t *, int, uint64_t ), config.send_loopback_packet_callback );
    CHECK_POINTER_TO( int * pointer, config.override_send_and_receive );
    CHECK_POINTER_TO( void (**pointer)( void *, struct netcode_address_t *, const uint8_t *, int ), config.send_packet_override );
    CHECK_POINTER_TO( int (**pointer)( void *, struct netcode_address_t *, uint8_t *, int ), config.receive_packet_override );
    CHECK_POINTER_TO( int * pointer, config.max_connect_token_lifetime );
}

/* ---- default configs ---- */

static void default_client_config_is_all_zero( void )
{
    struct netcode_client_config_t config;
    memset( &config, 0xAA, sizeof( config ) );
    netcode_default_client_config( &config );
    CHECK( config.allocator_context == NULL );
    CHECK( config.allocate_function == NULL || config.free_function != NULL );
    CHECK( config.network_simulator == NULL );
    CHECK( config.callback_context == NULL );
    CHECK( config.state_change_callback == NULL );
    CHECK( config.send_loopback_packet_callback == NULL );
    CHECK_EQUAL( config.override_send_and_receive, 0 );
    CHECK( config.send_packet_override == NULL );
    CHECK( config.receive_packet_override == NULL );
}

static void default_server_config_leaves_protocol_id_and_key_alone( void )
{
    struct netcode_server_config_t config;
    int i;
    memset( &config, 0xAA, sizeof( config ) );
    config.protocol_id = 0x1122334455667788ull;
    for ( i = 0; i < NETCODE_KEY_BYTES; i++ )
        config.private_key[i] = (uint8_t) ( i + 1 );
    netcode_default_server_config( &config );
    CHECK( config.protocol_id == 0x1122334455667788ull );
    for ( i = 0; i < NETCODE_KEY_BYTES; i++ )
        CHECK_EQUAL( config.private_key[i], i + 1 );
    CHECK( config.allocator_context == NULL );
    CHECK( config.allocate_function == NULL || config.free_function != NULL );
    CHECK( config.network_simulator == NULL );
    CHECK( config.callback_context == NULL );
    CHECK( config.connect_disconnect_callback == NULL );
    CHECK( config.send_loopback_packet_callback == NULL );
    CHECK_EQUAL( config.override_send_and_receive, 0 );
    CHECK( config.send_packet_override == NULL );
    CHECK( config.receive_packet_override == NULL );
    CHECK_EQUAL( config.max_connect_token_lifetime, 30 );
}

/* ---- functions ---- */

/* Compiles only if the function has exactly this type, and links only if the library has it. */
#define CHECK_FUNCTION( result, name, arguments ) do { result (*pointer) arguments = name; CHECK( pointer != NULL ); } while ( 0 )

typedef struct netcode_address_t address_t;
typedef struct netcode_client_t client_t;
typedef struct netcode_client_config_t client_config_t;
typedef struct netcode_server_t server_t;
typedef struct netcode_server_config_t server_config_t;
typedef int (*printf_t)( const char *, ... );
typedef void (*assert_t)( const char *, const char *, const char *, int );

static void library_functions_have_their_types( void )
{
    CHECK_FUNCTION( int, netcode_init, ( void ) );
    CHECK_FUNCTION( void, netcode_term, ( void ) );
    CHECK_FUNCTION( void, netcode_enable_packet_tagging, ( void ) );
    CHECK_FUNCTION( void, netcode_log_level, ( int ) );
    CHECK_FUNCTION( void, netcode_set_printf_function, ( printf_t ) );
    CHECK_FUNCTION( void, netcode_set_assert_function, ( assert_t ) );
    CHECK_FUNCTION( void, netcode_random_bytes, ( uint8_t *, int ) );
    CHECK_FUNCTION( void, netcode_sleep, ( double ) );
    CHECK_FUNCTION( double, netcode_time, ( void ) );
    CHECK_FUNCTION( int, netcode_parse_address, ( const char *, address_t * ) );
    CHECK_FUNCTION( char *, netcode_address_to_string, ( address_t *, char * ) );
    CHECK_FUNCTION( int, netcode_address_equal, ( address_t *, address_t * ) );
    CHECK_FUNCTION( int, netcode_generate_connect_token, ( int, const char **, const char **, int, int, uint64_t, uint64_t, const uint8_t *, uint8_t *, uint8_t * ) );
}

static void client_functions_have_their_types( void )
{
    CHECK_FUNCTION( void, netcode_default_client_config, ( client_config_t * ) );
    CHECK_FUNCTION( client_t *, netcode_client_create, ( const char *, const client_config_t *, double ) );
    CHECK_FUNCTION( client_t *, netcode_client_create_dual, ( const char *, const char *, const client_config_t *, double ) );
    CHECK_FUNCTION( int, netcode_client_create_error, ( void ) );
    CHECK_FUNCTION( void, netcode_client_destroy, ( client_t * ) );
    CHECK_FUNCTION( void, netcode_client_connect, ( client_t *, uint8_t * ) );
    CHECK_FUNCTION( void, netcode_client_update, ( client_t *, double ) );
    CHECK_FUNCTION( uint64_t, netcode_client_next_packet_sequence, ( client_t * ) );
    CHECK_FUNCTION( void, netcode_client_send_packet, ( client_t *, const uint8_t *, int ) );
    CHECK_FUNCTION( uint8_t *, netcode_client_receive_packet, ( client_t *, int *, uint64_t * ) );
    CHECK_FUNCTION( void, netcode_client_free_packet, ( client_t *, void * ) );
    CHECK_FUNCTION( void, netcode_client_disconnect, ( client_t * ) );
    CHECK_FUNCTION( int, netcode_client_state, ( client_t * ) );
    CHECK_FUNCTION( int, netcode_client_index, ( client_t * ) );
    CHECK_FUNCTION( int, netcode_client_max_clients, ( client_t * ) );
    CHECK_FUNCTION( void, netcode_client_connect_loopback, ( client_t *, int, int ) );
    CHECK_FUNCTION( void, netcode_client_disconnect_loopback, ( client_t * ) );
    CHECK_FUNCTION( void, netcode_client_process_packet, ( client_t *, address_t *, uint8_t *, int ) );
    CHECK_FUNCTION( int, netcode_client_loopback, ( client_t * ) );
    CHECK_FUNCTION( void, netcode_client_process_loopback_packet, ( client_t *, const uint8_t *, int, uint64_t ) );
    CHECK_FUNCTION( uint16_t, netcode_client_get_port, ( client_t * ) );
    CHECK_FUNCTION( address_t *, netcode_client_server_address, ( client_t * ) );
}

static void server_functions_have_their_types( void )
{
    CHECK_FUNCTION( void, netcode_default_server_config, ( server_config_t * ) );
    CHECK_FUNCTION( server_t *, netcode_server_create, ( const char *, const server_config_t *, double ) );
    CHECK_FUNCTION( server_t *, netcode_server_create_dual, ( const char *, const char *, const server_config_t *, double ) );
    CHECK_FUNCTION( int, netcode_server_create_error, ( void ) );
    CHECK_FUNCTION( void, netcode_server_destroy, ( server_t * ) );
    CHECK_FUNCTION( void, netcode_server_start, ( server_t *, int ) );
    CHECK_FUNCTION( void, netcode_server_stop, ( server_t * ) );
    CHECK_FUNCTION( int, netcode_server_running, ( server_t * ) );
    CHECK_FUNCTION( int, netcode_server_max_clients, ( server_t * ) );
    CHECK_FUNCTION( void, netcode_server_update, ( server_t *, double ) );
    CHECK_FUNCTION( int, netcode_server_client_connected, ( server_t *, int ) );
    CHECK_FUNCTION( int, netcode_server_client_disconnect_reason, ( server_t *, int ) );
    CHECK_FUNCTION( uint64_t, netcode_server_client_id, ( server_t *, int ) );
    CHECK_FUNCTION( address_t *, netcode_server_client_address, ( server_t *, int ) );
    CHECK_FUNCTION( void, netcode_server_disconnect_client, ( server_t *, int ) );
    CHECK_FUNCTION( void, netcode_server_disconnect_all_clients, ( server_t * ) );
    CHECK_FUNCTION( uint64_t, netcode_server_next_packet_sequence, ( server_t *, int ) );
    CHECK_FUNCTION( void, netcode_server_send_packet, ( server_t *, int, const uint8_t *, int ) );
    CHECK_FUNCTION( uint8_t *, netcode_server_receive_packet, ( server_t *, int, int *, uint64_t * ) );
    CHECK_FUNCTION( void, netcode_server_free_packet, ( server_t *, void * ) );
    CHECK_FUNCTION( int, netcode_server_num_connected_clients, ( server_t * ) );
    CHECK_FUNCTION( void *, netcode_server_client_user_data, ( server_t *, int ) );
    CHECK_FUNCTION( void, netcode_server_process_packet, ( server_t *, address_t *, uint8_t *, int ) );
    CHECK_FUNCTION( void, netcode_server_connect_loopback_client, ( server_t *, int, uint64_t, const uint8_t * ) );
    CHECK_FUNCTION( void, netcode_server_disconnect_loopback_client, ( server_t *, int ) );
    CHECK_FUNCTION( int, netcode_server_client_loopback, ( server_t *, int ) );
    CHECK_FUNCTION( void, netcode_server_process_loopback_packet, ( server_t *, int, const uint8_t *, int, uint64_t ) );
    CHECK_FUNCTION( uint16_t, netcode_server_get_port, ( server_t * ) );
}

/* ---- assertions in the includer ---- */

static int handler_calls;
static const char * handler_condition;
static const char * handler_function;
static const char * handler_file;
static int handler_line;

static void note_assert( const char * condition, const char * function, const char * file, int line )
{
    handler_calls++;
    handler_condition = condition;
    handler_function = function;
    handler_file = file;
    handler_line = line;
}

static void assert_function_is_a_variable( void )
{
    assert_t original = netcode_assert_function;
    assert_t * variable = &netcode_assert_function;
    CHECK( original != NULL );
    *variable = note_assert;
    handler_calls = 0;
    netcode_assert_function( "condition", "function", "file", 1 );
    CHECK_EQUAL( handler_calls, 1 );
    netcode_set_assert_function( original );
    CHECK( netcode_assert_function == original );
    netcode_set_assert_function( note_assert );
    CHECK( netcode_assert_function == note_assert );
    netcode_set_assert_function( original );
}

/* An if without braces around the macro must keep its else. */
static int branch_taken( int first )
{
    int branch = 0;
    if ( first )
        netcode_assert( first != 1 );
    else
        branch = 2;
    return branch;
}

static void assert_macro_is_one_statement( void )
{
    assert_t original = netcode_assert_function;
    int i;
    netcode_set_assert_function( note_assert );
    handler_calls = 0;
    CHECK_EQUAL( branch_taken( 0 ), 2 );
    CHECK_EQUAL( handler_calls, 0 );
    CHECK_EQUAL( branch_taken( 1 ), 0 );
    for ( i = 0; i < 3; i++ )
        netcode_assert( i < 3 );
#ifdef NDEBUG
    CHECK_EQUAL( handler_calls, 0 );
#else
    CHECK_EQUAL( handler_calls, 1 );
#endif
    netcode_set_assert_function( original );
}

static void assert_macro_reports_where_and_what( void )
{
    assert_t original = netcode_assert_function;
    int line, evaluated = 0;
    netcode_set_assert_function( note_assert );
    handler_calls = 0;
    line = __LINE__ + 1;
    netcode_assert( ++evaluated == 5 );
    netcode_set_assert_function( original );
#ifdef NDEBUG
    (void) line;
    CHECK_EQUAL( handler_calls, 0 );
    CHECK_EQUAL( evaluated, 0 );
#else
    CHECK_EQUAL( evaluated, 1 );
    REQUIRE( handler_calls == 1 );
    CHECK( strcmp( handler_condition, "++evaluated == 5" ) == 0 );
    CHECK( strstr( handler_function, "assert_macro_reports_where_and_what" ) != NULL );
    CHECK( strcmp( handler_file, __FILE__ ) == 0 );
    CHECK_EQUAL( handler_line, line );
#endif
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    TEST( constants_work_in_the_preprocessor );
    TEST( limits_have_their_values );
    TEST( version_is_1_4_8 );
    TEST( client_states_have_their_values );
    TEST( disconnect_reasons_have_their_values );
    TEST( create_errors_have_their_values );
    TEST( ndebug_decides_between_debug_and_release );
    TEST( endianness_is_that_of_the_machine );
    TEST( platform_is_this_one );
    TEST( packet_tagging_is_compiled_in );
    TEST( netcode_const_is_const );
    TEST( address_has_its_layout );
    TEST( address_is_aligned_to_two_bytes );
    TEST( address_fields_have_their_types );
    TEST( client_config_has_its_layout );
    TEST( server_config_has_its_layout );
    TEST( client_config_fields_have_their_types );
    TEST( server_config_fields_have_their_types );
    TEST( default_client_config_is_all_zero );
    TEST( default_server_config_leaves_protocol_id_and_key_alone );
    TEST( library_functions_have_their_types );
    TEST( client_functions_have_their_types );
    TEST( server_functions_have_their_types );
    TEST( assert_function_is_a_variable );
    TEST( assert_macro_is_one_statement );
    TEST( assert_macro_reports_where_and_what );
    return tests_done();
}
