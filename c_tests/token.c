/*
 * netcode_generate_connect_token: what it refuses, and every byte of what it makes.
 */
#include <netcode.h>
#include "test.h"
#include "asserts.h"
#include "net.h"
#include "seal.h"
#include <time.h>

#define PROTOCOL_ID 0x8877665544332211ull
#define CLIENT_ID 0x0123456789ABCDEFull

static uint8_t private_key[NETCODE_KEY_BYTES];

/* 33 addresses of both families, and what they look like in a token. */
static char public_text[NETCODE_MAX_SERVERS_PER_CONNECT + 1][64];
static char internal_text[NETCODE_MAX_SERVERS_PER_CONNECT + 1][64];
static const char * public_addresses[NETCODE_MAX_SERVERS_PER_CONNECT + 1];
static const char * internal_addresses[NETCODE_MAX_SERVERS_PER_CONNECT + 1];

static void make_addresses( void )
{
    int i;
    for ( i = 0; i <= NETCODE_MAX_SERVERS_PER_CONNECT; i++ )
    {
        snprintf( public_text[i], sizeof( public_text[i] ), i % 2 ? "[2001:db8::%x]:%d" : "192.0.2.%d:%d", i, 40000 + i );
        snprintf( internal_text[i], sizeof( internal_text[i] ), i % 3 ? "[fd00:1:2:3:4:5:6:%x]:%d" : "10.1.2.%d:%d", i, 50000 + i );
        public_addresses[i] = public_text[i];
        internal_addresses[i] = internal_text[i];
    }
}

static int generate( int count, int expire_seconds, int timeout_seconds, uint8_t * user_data, uint8_t * token )
{
    return netcode_generate_connect_token( count, public_addresses, internal_addresses, expire_seconds, timeout_seconds,
                                           CLIENT_ID, PROTOCOL_ID, private_key, user_data, token );
}

/* Checks addresses as they lie in a token, and returns where they end. */
static const uint8_t * check_addresses( const uint8_t * data, const char ** texts, int count )
{
    int i, j;
    for ( i = 0; i < count; i++ )
    {
        struct netcode_address_t address;
        CHECK_EQUAL( netcode_parse_address( texts[i], &address ), NETCODE_OK );
        CHECK_EQUAL( *data, address.type );
        data++;
        if ( address.type == NETCODE_ADDRESS_IPV4 )
        {
            CHECK( memcmp( data, address.data.ipv4, 4 ) == 0 );
            data += 4;
        }
        else
        {
            for ( j = 0; j < 8; j++, data += 2 )
                CHECK_EQUAL( net_read_little_endian( data, 2 ), address.data.ipv6[j] );
        }
        CHECK_EQUAL( net_read_little_endian( data, 2 ), address.port );
        data += 2;
    }
    return data;
}

static int all_zero( const uint8_t * data, const uint8_t * end )
{
    for ( ; data < end; data++ )
    {
        if ( *data )
            return 0;
    }
    return 1;
}

/* Whether a token says that it was made between then and now; time() can be a tick behind the clock. */
static int is_made_since( time_t then, const uint8_t * token )
{
    uint64_t created = net_read_little_endian( token + NET_TOKEN_CREATE, 8 );
    return created >= (uint64_t) then && created <= (uint64_t) time( NULL ) + 1;
}

static void public_part_has_its_layout( void )
{
    static const int counts[] = { 1, 2, 3, 31, 32 };
    int i;
    for ( i = 0; i < 5; i++ )
    {
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
        const uint8_t * keys;
        time_t before = time( NULL );
        uint64_t created;
        memset( token, 0xAA, sizeof( token ) );
        CHECK_EQUAL( generate( counts[i], 300, 17, NULL, token ), NETCODE_OK );

        CHECK( memcmp( token, "NETCODE 1.02", 13 ) == 0 );
        CHECK( net_read_little_endian( token + 13, 8 ) == PROTOCOL_ID );
        created = net_read_little_endian( token + NET_TOKEN_CREATE, 8 );
        CHECK( is_made_since( before, token ) );
        CHECK( net_read_little_endian( token + 29, 8 ) == created + 300 );
        /* nonce at 37, encrypted private part at 61, both tested elsewhere */
        CHECK_EQUAL( net_read_little_endian( token + 1085, 4 ), 17 );
        CHECK_EQUAL( net_read_little_endian( token + 1089, 4 ), counts[i] );
        keys = check_addresses( token + 1093, public_addresses, counts[i] );
        CHECK( !all_zero( keys, keys + 32 ) );
        CHECK( !all_zero( keys + 32, keys + 64 ) );
        CHECK( memcmp( keys, keys + 32, 32 ) != 0 );
        CHECK( all_zero( keys + 64, token + sizeof( token ) ) );
    }
}

static void private_part_has_its_layout( void )
{
    static const int counts[] = { 1, 2, 32 };
    int i;
    for ( i = 0; i < 3; i++ )
    {
        uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], user_data[NETCODE_USER_DATA_BYTES];
        const uint8_t * plain = token + NET_TOKEN_PRIVATE, * keys;
        net_fill( user_data, (int) sizeof( user_data ), i );
        CHECK_EQUAL( generate( counts[i], 300, 17, user_data, token ), NETCODE_OK );
        REQUIRE( seal_open_token( token, private_key ) );
        CHECK( net_read_little_endian( plain, 8 ) == CLIENT_ID );
        CHECK_EQUAL( net_read_little_endian( plain + 8, 4 ), 17 );
        CHECK_EQUAL( net_read_little_endian( plain + 12, 4 ), counts[i] );
        keys = check_addresses( plain + 16, internal_addresses, counts[i] );
        CHECK( memcmp( keys, seal_client_key( token ), 64 ) == 0 );
        CHECK( memcmp( keys + 64, user_data, sizeof( user_data ) ) == 0 );
        CHECK( all_zero( keys + 64 + sizeof( user_data ), plain + 1008 ) );
    }
}

static void private_part_is_bound_to_version_protocol_and_expiry( void )
{
    static const int bytes[] = { 0, 12, 13, 20, 29, 36, 37, 60, 61, 1084 };
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES], changed[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    CHECK_EQUAL( generate( 1, 300, 17, NULL, token ), NETCODE_OK );
    for ( i = 0; i < (int) ( sizeof( bytes ) / sizeof( bytes[0] ) ); i++ )
    {
        memcpy( changed, token, sizeof( token ) );
        changed[bytes[i]] ^= 1;
        CHECK( !seal_open_token( changed, private_key ) );
    }
    private_key[31] ^= 1;
    memcpy( changed, token, sizeof( token ) );
    CHECK( !seal_open_token( changed, private_key ) );
    private_key[31] ^= 1;
    CHECK( seal_open_token( token, private_key ) );
}

static void one_to_thirty_two_addresses( void )
{
    static const int refused[] = { 0, -1, 33, 1000, 2147483647, -2147483647 - 1 };
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    for ( i = 1; i <= NETCODE_MAX_SERVERS_PER_CONNECT; i++ )
        CHECK_EQUAL( generate( i, 30, 5, NULL, token ), NETCODE_OK );
    for ( i = 0; i < (int) ( sizeof( refused ) / sizeof( refused[0] ) ); i++ )
        CHECK_TOLERATED( CHECK_EQUAL( generate( refused[i], 30, 5, NULL, token ), NETCODE_ERROR ) );
}

static void every_address_must_parse( void )
{
    static const char * bad[] = { "", "nonsense", "127.0.0.1:99999", "[::1]:", "localhost:80", "1.2.3" };
    static const int positions[] = { 0, 1, 16, 31 };
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i, j;
    for ( i = 0; i < 6; i++ )
    {
        for ( j = 0; j < 4; j++ )
        {
            int position = positions[j];
            public_addresses[position] = bad[i];
            CHECK_EQUAL( generate( 32, 30, 5, NULL, token ), NETCODE_ERROR );
            public_addresses[position] = public_text[position];
            internal_addresses[position] = bad[i];
            CHECK_EQUAL( generate( 32, 30, 5, NULL, token ), NETCODE_ERROR );
            internal_addresses[position] = internal_text[position];
        }
    }
    CHECK_EQUAL( generate( 32, 30, 5, NULL, token ), NETCODE_OK );
}

static void addresses_beyond_the_count_are_not_looked_at( void )
{
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    public_addresses[1] = "nonsense";
    internal_addresses[1] = NULL;
    CHECK_EQUAL( generate( 1, 30, 5, NULL, token ), NETCODE_OK );
    public_addresses[1] = public_text[1];
    internal_addresses[1] = internal_text[1];
}

static void addresses_without_a_port_have_port_zero( void )
{
    const char * address = "127.0.0.1";
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    CHECK_EQUAL( netcode_generate_connect_token( 1, &address, &address, 30, 5, CLIENT_ID, PROTOCOL_ID, private_key, NULL, token ), NETCODE_OK );
    check_addresses( token + 1093, &address, 1 );
}

static void expire_seconds_are_counted_from_now( void )
{
    static const int seconds[] = { 0, 1, 30, 86400, 2147483647 };
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    for ( i = 0; i < 5; i++ )
    {
        CHECK_EQUAL( generate( 1, seconds[i], 5, NULL, token ), NETCODE_OK );
        CHECK( net_read_little_endian( token + 29, 8 ) - net_read_little_endian( token + 21, 8 ) == (uint64_t) seconds[i] );
        CHECK( seal_open_token( token, private_key ) );
    }
}

static void negative_expire_seconds_mean_never( void )
{
    static const int seconds[] = { -1, -30, -2147483647 - 1 };
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    for ( i = 0; i < 3; i++ )
    {
        time_t before = time( NULL );
        CHECK_EQUAL( generate( 1, seconds[i], 5, NULL, token ), NETCODE_OK );
        CHECK( net_read_little_endian( token + 29, 8 ) == 0xFFFFFFFFFFFFFFFFull );
        CHECK( is_made_since( before, token ) );
        CHECK( seal_open_token( token, private_key ) );
    }
}

static void timeouts_are_stored_as_they_are( void )
{
    static const int timeouts[] = { 0, 1, 5, 2147483647, -1, -2147483647 - 1 };
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    int i;
    for ( i = 0; i < 6; i++ )
    {
        CHECK_EQUAL( generate( 1, 30, timeouts[i], NULL, token ), NETCODE_OK );
        CHECK_EQUAL( net_read_little_endian( token + 1085, 4 ), (uint32_t) timeouts[i] );
        REQUIRE( seal_open_token( token, private_key ) );
        CHECK_EQUAL( net_read_little_endian( token + NET_TOKEN_PRIVATE + 8, 4 ), (uint32_t) timeouts[i] );
    }
}

static void every_token_has_its_own_nonce_and_keys( void )
{
    uint8_t a[NETCODE_CONNECT_TOKEN_BYTES], b[NETCODE_CONNECT_TOKEN_BYTES];
    CHECK_EQUAL( generate( 1, -1, 5, NULL, a ), NETCODE_OK );
    CHECK_EQUAL( generate( 1, -1, 5, NULL, b ), NETCODE_OK );
    CHECK( memcmp( a + 37, b + 37, 24 ) != 0 );
    CHECK( !all_zero( a + 37, a + 61 ) );
    CHECK( memcmp( a + 61, b + 61, 1008 ) != 0 );
    CHECK( memcmp( seal_client_key( a ), seal_client_key( b ), 32 ) != 0 );
    CHECK( memcmp( seal_server_key( a ), seal_server_key( b ), 32 ) != 0 );
    CHECK( memcmp( seal_client_key( a ), seal_server_key( b ), 32 ) != 0 );
}

static void no_user_data_means_zeros( void )
{
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    const uint8_t * user_data;
    memset( token, 0xAA, sizeof( token ) );
    CHECK_EQUAL( generate( 1, 30, 5, NULL, token ), NETCODE_OK );
    REQUIRE( seal_open_token( token, private_key ) );
    user_data = seal_keys_after_addresses( token + NET_TOKEN_PRIVATE + 16, 1 ) + 64;
    CHECK( all_zero( user_data, token + NET_TOKEN_PRIVATE + 1008 ) );
}

static void inputs_are_left_as_they_were( void )
{
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES + 16], user_data[NETCODE_USER_DATA_BYTES], key[NETCODE_KEY_BYTES];
    int i;
    net_fill( user_data, (int) sizeof( user_data ), 3 );
    memcpy( key, private_key, sizeof( key ) );
    memset( token, 0x5A, sizeof( token ) );
    CHECK_EQUAL( generate( 32, 30, 5, user_data, token ), NETCODE_OK );
    CHECK( net_filled( user_data, (int) sizeof( user_data ), 3 ) );
    CHECK( memcmp( key, private_key, sizeof( key ) ) == 0 );
    for ( i = 0; i < 16; i++ )
        CHECK_EQUAL( token[NETCODE_CONNECT_TOKEN_BYTES + i], 0x5A );
}

static void null_arguments_are_errors( void )
{
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];
    const char * none = NULL, * address = "127.0.0.1:40000";
    CHECK_TOLERATED( CHECK_EQUAL( netcode_generate_connect_token( 1, NULL, &address, 30, 5, 1, 1, private_key, NULL, token ), NETCODE_ERROR ) );
    CHECK_TOLERATED( CHECK_EQUAL( netcode_generate_connect_token( 1, &address, NULL, 30, 5, 1, 1, private_key, NULL, token ), NETCODE_ERROR ) );
    CHECK_TOLERATED( CHECK_EQUAL( netcode_generate_connect_token( 1, &none, &address, 30, 5, 1, 1, private_key, NULL, token ), NETCODE_ERROR ) );
    CHECK_TOLERATED( CHECK_EQUAL( netcode_generate_connect_token( 1, &address, &none, 30, 5, 1, 1, private_key, NULL, token ), NETCODE_ERROR ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_generate_connect_token( 1, &address, &address, 30, 5, 1, 1, NULL, NULL, token ), NETCODE_ERROR ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_generate_connect_token( 1, &address, &address, 30, 5, 1, 1, private_key, NULL, NULL ), NETCODE_ERROR ) );
    CHECK_TOLERATED( CHECK_EQUAL( netcode_generate_connect_token( 0, NULL, NULL, 30, 5, 1, 1, NULL, NULL, NULL ), NETCODE_ERROR ) );
}

static void client_connects_to_the_public_and_server_checks_the_internal_address( void )
{
    struct net * net = net_create();
    struct net_endpoint * server = net_server( net, "10.0.0.1:40000", 4 );
    struct net_endpoint * client = net_client( net, NET_CLIENT );
    const char * right = "10.0.0.1:40000", * other = "10.0.0.99:40000";
    uint8_t token[NETCODE_CONNECT_TOKEN_BYTES];

    /* the server is not at its internal address: it gets the request and ignores it */
    net_token( net, token, 1, &right, &other, 60, 1, 1, NULL );
    CHECK( !net_connect_with( client, token ) );
    CHECK( server->handed[NET_REQUEST] > 0 );
    CHECK_EQUAL( net_total_sent( server ), 0 );

    /* the client is sent somewhere else */
    net_forget( net );
    net_token( net, token, 1, &other, &right, 60, 1, 1, NULL );
    CHECK( !net_connect_with( client, token ) );
    CHECK( client->sent[NET_REQUEST] > 0 );
    CHECK_EQUAL( server->handed[NET_REQUEST], 0 );

    /* both where the server is */
    net_token( net, token, 1, &right, &right, 60, 5, 1, NULL );
    CHECK( net_connect_with( client, token ) );
    net_destroy( net );
    netcode_set_assert_function( count_assert );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    netcode_set_assert_function( count_assert );
    netcode_init();
    netcode_random_bytes( private_key, (int) sizeof( private_key ) );
    make_addresses();
    TEST( public_part_has_its_layout );
    TEST( private_part_has_its_layout );
    TEST( private_part_is_bound_to_version_protocol_and_expiry );
    TEST( one_to_thirty_two_addresses );
    TEST( every_address_must_parse );
    TEST( addresses_beyond_the_count_are_not_looked_at );
    TEST( addresses_without_a_port_have_port_zero );
    TEST( expire_seconds_are_counted_from_now );
    TEST( negative_expire_seconds_mean_never );
    TEST( timeouts_are_stored_as_they_are );
    TEST( every_token_has_its_own_nonce_and_keys );
    TEST( no_user_data_means_zeros );
    TEST( inputs_are_left_as_they_were );
    TEST( null_arguments_are_errors );
    TEST( client_connects_to_the_public_and_server_checks_the_internal_address );
    netcode_term();
    return tests_done();
}
